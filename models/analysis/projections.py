"""What a run has learned: snapshots of its codes and of q(y|x), and their maps in the plane.

A page reads here; it needs numpy and nothing heavier. Only `make_map` computes for longer than a blink (UMAP), so it
belongs into a job, and loads what it needs when it is called. Images are named by ids, never by positions: id i >= 0 is
training image i, -1-j is test image j.
"""

import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
from safetensors.numpy import save_file

from models.analysis.snapshots import Snapshot, _load, _not_finite, knn, must_be_finite, read
from models.errors import LatentError
from models.runs.files import replacing
from models.runs.store import Folder

FEWEST = 20  # images for a map: fewer have no neighbourhoods to speak of
NEIGHBOURS = 15
PERPLEXITY = 30.0  # of t-SNE: about how many neighbours count
EPOCHS = 200  # of UMAP's layout; 500, its default, takes twice as long and looks the same
WARM = 50, 0.3  # epochs and learning rate of one that begins at the layout of the epoch beside it: it need not go far
PICTURES = 30  # of a film at most
POINTS = 120_000  # images times pictures of a film at most: what a browser is sent of it is ten bytes each


def pca(z: np.ndarray) -> np.ndarray:
    """The two directions along which z (n, d) varies most: float32 (n, 2).

    Signs are fixed (the largest weight of each direction is positive), so the same codes always give the same picture.
    What is missing (one dimension, no variance) is drawn as 0. Raises LatentError if z holds a value that is no number.
    """
    must_be_finite(z)
    mean, directions = principal(z)
    return ((z.astype(np.float64) - mean) @ directions).astype(np.float32)


def principal(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean (d,) of z (n, d) and the two directions (d, 2) along which it varies most, float64, orthonormal.

    `(z - mean) @ directions` is its PCA, so a code that was not there is placed on it by the same product. Directions
    that are missing (one dimension, fewer than two codes) are 0.
    """
    mean, out = z.mean(0, dtype=np.float64) if len(z) else np.zeros(z.shape[1]), np.zeros((z.shape[1], 2))
    if len(z) < 2 or z.shape[1] == 0:
        return mean, out
    centred = z.astype(np.float64) - mean
    _, directions = np.linalg.eigh(centred.T @ centred)  # ascending
    top = directions[:, ::-1][:, :2]
    out[:, : top.shape[1]] = top * np.where(top[np.abs(top).argmax(0), np.arange(top.shape[1])] < 0, -1, 1)
    return mean, out


def turn(xy: np.ndarray, ids: np.ndarray, like: np.ndarray, like_ids: np.ndarray) -> np.ndarray:
    """The rotation or mirroring (2, 2) that brings `xy` (n, 2) nearest to `like` (m, 2): use it as `xy @ turn`.

    By the images that both have. It keeps the picture of one epoch lying as that of the epoch before did.
    """
    _, mine, theirs = np.intersect1d(ids, like_ids, return_indices=True)
    a, b = xy[mine].astype(np.float64), like[theirs].astype(np.float64)
    u, _, v = np.linalg.svd((a - a.mean(0)).T @ (b - b.mean(0))) if len(mine) > 1 else (np.eye(2), 0, np.eye(2))
    return u @ v


def why_no_map(z: np.ndarray) -> str | None:
    """A sentence why UMAP can draw nothing of z (n, d), or None if it can."""
    if len(z) < FEWEST:
        return f"This snapshot holds {len(z)} images; a UMAP needs at least {FEWEST}."
    if not np.isfinite(z).all():
        return str(_not_finite(z))
    if float(z.var(0).max(initial=0)) < 1e-8:
        return "Every image has the same code here: the space has collapsed, and there is nothing to map."
    return None


def umap_xy(z: np.ndarray, seed: int = 0, begin: np.ndarray | None = None) -> np.ndarray:
    """UMAP of z (n, d): float32 (n, 2). Exact neighbours, begun at `begin` (its PCA) and turned to lie as that does.

    Raises LatentError if z cannot be mapped. Seconds for thousands of images; the first call on a machine compiles.
    """
    reason = why_no_map(z)
    if reason:
        raise LatentError(reason)
    k = min(NEIGHBOURS, len(z) - 1)
    epochs, rate = (EPOCHS, 1.0) if begin is None else WARM
    begin = pca(z) if begin is None else begin
    neighbours = knn(z, k)
    with warnings.catch_warnings():
        # It warns that new points cannot be added later, that a seed means one thread, and of lonely points.
        warnings.simplefilter("ignore")
        umap = compiled_umap()
        xy = umap.UMAP(
            n_neighbors=k,
            n_epochs=epochs,
            learning_rate=rate,
            init=begin,
            random_state=seed,
            n_jobs=1,
            precomputed_knn=neighbours,
        ).fit_transform(z)
    xy = np.nan_to_num(xy - np.nanmean(xy, 0))
    rows = np.arange(len(xy))
    return (xy @ turn(xy, rows, begin, rows)).astype(np.float32)


def tsne_xy(z: np.ndarray, seed: int = 0) -> np.ndarray:
    """t-SNE of z (n, d) by scikit-learn: float32 (n, 2), begun at the PCA and turned to lie as that does.

    Raises LatentError if z cannot be mapped. Some seconds for a thousand images.
    """
    reason = why_no_map(z)
    if reason:
        raise LatentError(reason)
    from sklearn.manifold import TSNE

    begin = pca(z)
    perplexity = min(PERPLEXITY, (len(z) - 1) / 3)
    start = (begin / max(float(begin[:, 0].std()), 1e-12) * 1e-4).astype(np.float32)  # as scikit-learn's own PCA start
    xy = TSNE(perplexity=perplexity, init=start, random_state=seed, n_jobs=1).fit_transform(z.astype(np.float32))
    rows = np.arange(len(xy))
    xy = np.nan_to_num(xy - xy.mean(0))
    return (xy @ turn(xy, rows, begin, rows)).astype(np.float32)


@cache
def compiled_umap() -> ModuleType:
    """umap, which compiles its functions when they are first called. They are kept on disk, as numba keeps others.

    8 s of processor time in each process without it, .3 s with it. numba puts them beside umap's own files, or where
    NUMBA_CACHE_DIR says, or into the user's folder of caches; where none can be written each process compiles.
    """
    import umap
    from numba.core.dispatcher import Dispatcher
    from umap import layouts, umap_, utils

    for module in (umap_, layouts, utils):
        for function in vars(module).values():
            if isinstance(function, Dispatcher):
                with suppress(RuntimeError):  # no folder can be written
                    function.enable_caching()
    return umap


def make_map(folder: str | Path, which: str, epoch: int) -> Path:
    """Compute the UMAP of one space of one snapshot and keep it in the run folder; returns its file. For a job.

    Raises LatentError if there is nothing to map. Writes nothing then, and a map appears whole or not at all.
    """
    return _keep(folder, which, epoch, "umap", umap_xy)


def make_tsne(folder: str | Path, which: str, epoch: int) -> Path:
    """As `make_map`, by t-SNE."""
    return _keep(folder, which, epoch, "tsne", tsne_xy)


def _keep(folder: str | Path, which: str, epoch: int, method: str, lay: Callable[[np.ndarray], np.ndarray]) -> Path:
    snapshot = read(folder, epoch)
    if snapshot is None or which not in snapshot.spaces:
        raise LatentError(f"This run has no snapshot of {which} after epoch {epoch}.")
    begin = time.perf_counter()
    xy = lay(snapshot.spaces[which])
    path = Folder(folder).map_path(epoch, which, method)
    path.parent.mkdir(exist_ok=True)
    with replacing(path) as draft:
        save_file({"id": snapshot.ids, "xy": xy}, draft, {"seconds": f"{time.perf_counter() - begin:.2f}"})
    return path


def kept(folder: str | Path, epoch: int) -> Snapshot:
    """The snapshot after `epoch`. Raises LatentError if there is none, or if it is damaged."""
    snapshot = read(folder, epoch)
    if snapshot is None:
        raise LatentError(f"This run has no snapshot after epoch {epoch}.")
    return snapshot


def film_of(folder: Folder, last: int) -> tuple[tuple[int, ...], np.ndarray]:
    """Which epochs up to `last` a film shows, at even steps, and the ids (n,) of the images that all of them hold.

    Snapshots that cannot be read are left out. Raises LatentError if that of `last` is one of them.
    """
    found = [e for e, _ in folder.snapshots() if e <= last]
    if last not in found:
        raise LatentError(f"This run has no snapshot after epoch {last}.")
    size = len(kept(folder.path, found[0]).ids) if len(found) > 1 else 1
    most = max(2, min(PICTURES, POINTS // max(1, size)))
    wanted = [found[i] for i in np.unique(np.linspace(0, len(found) - 1, min(most, len(found))).round().astype(int))]
    epochs: list[int] = []
    ids = np.zeros(0, np.int32)
    for epoch in wanted:
        try:
            snapshot = kept(folder.path, epoch)
        except LatentError:
            if epoch == last:
                raise
            continue
        ids = ids[np.isin(ids, snapshot.ids)] if epochs else snapshot.ids
        epochs.append(epoch)
    return tuple(epochs), ids[: POINTS // len(epochs)]


def rows(ids: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Where each of `wanted` stands in `ids`, which holds them all."""
    order = np.argsort(ids)
    return order[np.searchsorted(ids, wanted, sorter=order)]


def make_film(folder: str | Path, which: str, last: int) -> Path:
    """Compute the UMAP of one space through the epochs, and keep it in the run folder; returns its file. For a job.

    The last picture is the kept UMAP, if there is one. From there back each begins at the layout of the one after it
    and is turned to lie as that does, so that points move and the picture does not roll. Epochs that have nothing to
    map lie as the one after them. Raises LatentError if the last has nothing. A film appears whole or not at all.
    """
    epochs, ids = film_of(Folder(folder), last)
    begin, pictures = None, []
    for epoch in reversed(epochs):
        snapshot = kept(folder, epoch)
        if which not in snapshot.spaces:
            raise LatentError(f"This run has no snapshot of {which} after epoch {epoch}.")
        z = snapshot.spaces[which][rows(snapshot.ids, ids)]
        if begin is None:
            umap = read_map(folder, which, epoch, snapshot.ids)
            begin = umap_xy(z) if umap is None else umap[rows(snapshot.ids, ids)]
        elif why_no_map(z) is None:
            xy = umap_xy(z, begin=begin)
            begin = (xy * (begin.std() / max(xy.std(), 1e-9))).astype(np.float32)  # UMAP begins at a size of its own
        pictures.append(begin)
    path = Folder(folder).map_path(last, which, "film")
    path.parent.mkdir(exist_ok=True)
    with replacing(path) as draft:
        save_file({"id": ids, "xy": np.stack(pictures[::-1]), "epochs": np.array(epochs, np.int32)}, draft)
    return path


def read_film(folder: str | Path, which: str, last: int) -> tuple[tuple[int, ...], np.ndarray, np.ndarray] | None:
    """The kept film: epochs, ids (n,) and float32 (epochs, n, 2); None if it is not there. Raises LatentError."""
    path = Folder(folder).map_path(last, which, "film")
    if not path.exists():
        return None
    arrays = _load(path)
    ids, epochs = arrays.get("id", np.empty(0)), arrays.get("epochs", np.empty(0))
    xy, whole = (
        arrays.get("xy", np.empty(0)),
        ids.dtype.kind == epochs.dtype.kind == "i" and ids.ndim == epochs.ndim == 1,
    )
    if not whole or xy.dtype.kind != "f" or xy.shape != (len(epochs), len(ids), 2):
        raise LatentError(f"The film {path.name} of this run is damaged. Delete it, and it will be made again.")
    kept = {e for e, _ in Folder(folder).snapshots()}
    if not kept.issuperset(epochs.tolist()):
        raise LatentError(f"The film {path.name} shows epochs of which no snapshot is kept. Delete it.")
    return tuple(int(e) for e in epochs), ids, arrays["xy"]


def drop_map(folder: str | Path, which: str, epoch: int, ids: np.ndarray, method: str = "umap") -> bool:
    """Delete a map that was made of other images than `ids`, so that it can be made again; whether it was.

    A map that fits stays: it may have become ready since somebody looked for it. Raises LatentError if damaged.
    """
    if read_map(folder, which, epoch, ids, method) is not None:
        return False
    Folder(folder).map_path(epoch, which, method).unlink(missing_ok=True)
    return True


def read_map(folder: str | Path, which: str, epoch: int, ids: np.ndarray, method: str = "umap") -> np.ndarray | None:
    """The kept UMAP, or t-SNE, of a space after an epoch, in the order of `ids`: float32 (n, 2); None without one.

    None, too, if it was made of another set of images: a map is asked for again then. Raises LatentError if damaged.
    """
    path = Folder(folder).map_path(epoch, which, method)
    if not path.exists():
        return None
    arrays = _load(path)
    at, xy = arrays.get("id", np.empty(0)), arrays.get("xy", np.empty(0))
    if at.ndim != 1 or at.dtype.kind != "i" or xy.dtype.kind != "f" or xy.shape != (len(at), 2):
        raise LatentError(f"The map {path.name} of this run is damaged. Delete it, and it will be made again.")
    order = np.argsort(arrays["id"])
    at = np.searchsorted(arrays["id"], ids, sorter=order).clip(0, max(len(order) - 1, 0))
    if len(order) == 0 or not np.array_equal(arrays["id"][order[at]], ids):
        return None
    return arrays["xy"][order[at]].astype(np.float32)
