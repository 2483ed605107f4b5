"""The inside of a run: snapshots of its codes and of q(y|x), and their maps in the plane.

A page reads here; it needs numpy and nothing heavier. Only `make_map` computes for longer than a blink (UMAP), so it
belongs into a job, and loads what it needs when it is called. Images are named by ids, never by positions: id i >= 0 is
training image i, -1-j is test image j.
"""

import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

import data
from data import DATASETS
from models import MODELS
from models.continuation import draw_of
from models.records import MOST_UNITS, check_tensors
from models.store import Folder, replacing, unreadable

SPACES = ("z", "a", "h")  # the codes a snapshot may hold; h is the last hidden layer of the supervised floor
ACTIVE = 0.01  # a dimension whose mean varies less than this over the images carries nothing (Burda et al., 2016)
FEWEST = 20  # images for a map: fewer have no neighbourhoods to speak of
NEIGHBOURS = 15
EPOCHS = 200  # of UMAP's layout; 500, its default, takes twice as long and looks the same
WARM = 50, 0.3  # epochs and learning rate of one that begins at the layout of the epoch beside it: it need not go far
PICTURES = 30  # of a film at most
POINTS = 120_000  # images times pictures of a film at most: what a browser is sent of it is ten bytes each
LABELLED, UNLABELLED, TEST = 0, 1, 2


class LatentError(ValueError):
    """A snapshot that cannot be read or mapped: one or two sentences that say why and what to do."""


@dataclass(frozen=True)
class Snapshot:
    """What a run knew of its probe images after one epoch."""

    epoch: int
    ids: np.ndarray  # int32 (n,), each image once
    spaces: dict[str, np.ndarray]  # "z", "a" or "h": float32 (n, d), posterior means
    q_y: np.ndarray | None  # float32 (n, classes), rows sum to 1; None if the run has no classifier yet


@dataclass(frozen=True)
class Probe:
    """The images of a snapshot beside all that is known of them: what a map shows.

    `true` is the class of every image, that of unlabelled ones included: it is for looking, the run never saw it.
    """

    dataset: str
    classes: tuple[str, ...]
    epoch: int
    ids: np.ndarray  # int32 (n,)
    spaces: dict[str, np.ndarray]  # float32 (n, d)
    q_y: np.ndarray | None  # float32 (n, classes)
    q: str  # what q_y is, in words
    true: np.ndarray  # int64 (n,)
    kind: np.ndarray  # int64 (n,): LABELLED, UNLABELLED or TEST
    predicted: np.ndarray  # int64 (n,); -1 without q_y
    sure: np.ndarray  # float32 (n,): the largest probability; 0 without q_y
    entropy: np.ndarray  # float32 (n,), nats; 0 without q_y

    def right(self, kind: int) -> tuple[int, int]:
        """How many images of a kind are predicted rightly, and how many there are."""
        of = self.kind == kind
        return int((self.predicted[of] == self.true[of]).sum()), int(of.sum())


def probe(folder: Folder, epoch: int | None = None) -> Probe | None:
    """The snapshot of a run after `epoch`, or its latest, with the true classes; None if there is none.

    Opens the data set. Raises LatentError, DataError or StoreError, each a sentence.
    """
    snapshot, run = read(folder.path, epoch), folder.run
    if snapshot is None:
        return None
    images = data.load(run.dataset)
    ids, n = snapshot.ids, len(snapshot.ids)
    test = ids < 0
    if (ids >= len(images.y)).any() or (-1 - ids[test] >= len(images.y_test)).any():
        raise LatentError(f"The snapshot of this run names images that {DATASETS[run.dataset].title} does not have.")
    true = np.empty(n, np.int64)
    true[~test], true[test] = images.y[ids[~test]], images.y_test[-1 - ids[test]]
    labelled = draw_of(run, images)[0]
    kind = np.where(test, TEST, np.where(np.isin(ids, labelled), LABELLED, UNLABELLED))
    q = snapshot.q_y
    if q is not None and q.shape[1] != len(images.classes):
        raise LatentError(f"The snapshot of this run knows {q.shape[1]} classes, the data set {len(images.classes)}.")
    return Probe(
        dataset=run.dataset,
        classes=images.classes,
        epoch=snapshot.epoch,
        ids=ids,
        spaces=snapshot.spaces,
        q_y=q,
        q=MODELS[run.model].classifier,
        true=true,
        kind=kind,
        predicted=np.full(n, -1) if q is None else q.argmax(1),
        sure=np.zeros(n, np.float32) if q is None else q.max(1),
        entropy=np.zeros(n, np.float32) if q is None else entropy(q),
    )


def read(folder: str | Path, epoch: int | None = None) -> Snapshot | None:
    """The snapshot after `epoch`, or the latest; None if there is none. Raises LatentError if it is damaged.

    `folder` is the path of a run folder.
    """
    found = dict(Folder(folder).snapshots())
    epoch = max(found, default=-1) if epoch is None else epoch
    path = found.get(epoch)
    if path is None:
        return None
    arrays = _load(path)
    ids = arrays.get("id")
    damaged = ids is None or ids.ndim != 1 or ids.dtype.kind != "i" or len(np.unique(ids)) != len(ids)
    damaged = damaged or any(
        a.ndim != 2 or len(a) != len(ids) or a.dtype.kind != "f" or a.shape[1] > MOST_UNITS
        for name, a in arrays.items()
        if name in (*SPACES, "q_y")
    )
    if damaged or not any(s in arrays for s in (*SPACES, "q_y")) or not (np.abs(ids.astype(np.float64)) < 2**31).all():
        raise LatentError(f"The snapshot {path.name} of this run is damaged. Continue the run to write a new one.")
    q_y = arrays.get("q_y")
    if q_y is not None:
        q_y = q_y.astype(np.float32)
        if not np.isfinite(q_y).all():
            raise LatentError(
                "Some class probabilities of this snapshot are no numbers: the training has diverged. "
                "Train again, with other settings or another seed."
            )
        q_y /= np.maximum(q_y.sum(1, keepdims=True), 1e-9)  # kept in float16, rows miss 1 by up to 0.001
    spaces = {s: arrays[s].astype(np.float32) for s in SPACES if s in arrays}
    return Snapshot(epoch, ids.astype(np.int32), spaces, q_y)


def pca(z: np.ndarray) -> np.ndarray:
    """The two directions along which z (n, d) varies most: float32 (n, 2).

    Signs are fixed (the largest weight of each direction is positive), so the same codes always give the same picture.
    What is missing (one dimension, no variance) is drawn as 0. Raises LatentError if z holds a value that is no number.
    """
    _must_be_finite(z)
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


def entropy(q_y: np.ndarray) -> np.ndarray:
    """H(q(y|x)) of each row of q_y (n, classes), in nats: 0 is sure, log(classes) knows nothing. float32 (n,)."""
    q = q_y.astype(np.float64)
    return (-(q * np.log(np.maximum(q, 1e-12))).sum(1)).clip(0).astype(np.float32)


def active(z: np.ndarray) -> int:
    """Active units: how many dimensions of z (n, d) have a variance over the images above 0.01.

    A low threshold, not a measure of information: 47 to 50 of 50 exceed it where the KL is 3 to 4 nats in all.
    """
    return int((z.astype(np.float64).var(0) > ACTIVE).sum()) if len(z) else 0


def nearest(z: np.ndarray, row: int, k: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """The k rows of z (n, d) nearest to row `row`, itself left out, and their Euclidean distances; nearest first."""
    d = np.linalg.norm(z - z[row], axis=1)
    d[row] = np.inf
    return closest(d, min(k, len(z) - 1))


def closest(d: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Where the k smallest of the distances d (n,) stand, k at most n, and what they are; nearest first."""
    best = np.argpartition(d, k - 1)[:k] if k else np.empty(0, int)
    best = best[np.argsort(d[best], kind="stable")]
    return best, d[best]


def agreement(z: np.ndarray, y: np.ndarray, k: int = 10, sample: int = 1000, chunk: int = 1000) -> float:
    """The share of the k nearest neighbours in z (n, d) that have an image's own class y (n,), a mean over images.

    Over `sample` images at even steps if there are more, `chunk` at a time. 1/classes is chance, if the classes are
    equally frequent.
    """
    rows = np.unique(np.linspace(0, len(z) - 1, min(sample, len(z))).astype(int))
    index, _ = knn(z, min(k, len(z) - 1) + 1, rows, chunk)
    return float((y[index[:, 1:]] == y[rows, None]).mean())


def why_no_map(z: np.ndarray) -> str | None:
    """A sentence why UMAP can draw nothing of z (n, d), or None if it can."""
    if len(z) < FEWEST:
        return f"This snapshot holds {len(z)} images; a UMAP needs at least {FEWEST}."
    if not np.isfinite(z).all():
        return str(_not_finite(z))
    if float(z.var(0).max(initial=0)) < 1e-8:
        return "Every image has the same code here: the space has collapsed, and there is nothing to map."
    return None


def knn(z: np.ndarray, k: int, rows: np.ndarray | None = None, chunk: int = 1000) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest rows of z (n, d) to each of `rows` (default: all), itself first, exactly; and their distances.

    int32 and float32, (len(rows), k). By matrix products in chunks: 10,000 codes take a second on one core.
    """
    z = z.astype(np.float32) - z.mean(0, dtype=np.float32)  # near the origin the expanded square loses few digits
    square = (z * z).sum(1)
    rows = np.arange(len(z)) if rows is None else rows
    index, distance = np.empty((len(rows), k), np.int32), np.empty((len(rows), k), np.float32)
    for start in range(0, len(rows), chunk):
        part = rows[start : start + chunk]
        d = square[part, None] + square - 2 * (z[part] @ z.T)
        d[np.arange(len(part)), part] = -np.inf  # a twin must not come before the image itself
        near = np.argpartition(d, k - 1, axis=1)[:, :k]
        near = np.take_along_axis(near, np.argsort(np.take_along_axis(d, near, 1), axis=1, kind="stable"), 1)
        index[start : start + chunk] = near
        distance[start : start + chunk] = np.sqrt(np.maximum(np.take_along_axis(d, near, 1), 0))
    return index, distance


def umap_xy(z: np.ndarray, seed: int = 0, begin: np.ndarray | None = None) -> np.ndarray:
    """UMAP of z (n, d): float32 (n, 2). Exact neighbours, begun at `begin` (its PCA) and turned to lie as that does.

    Raises LatentError if z cannot be mapped. Seconds for thousands of images; the first call in a process compiles.
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
        import umap

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


def make_map(folder: str | Path, which: str, epoch: int) -> Path:
    """Compute the UMAP of one space of one snapshot and keep it in the run folder; returns its file. For a job.

    Raises LatentError if there is nothing to map. Writes nothing then, and a map appears whole or not at all.
    """
    snapshot = read(folder, epoch)
    if snapshot is None or which not in snapshot.spaces:
        raise LatentError(f"This run has no snapshot of {which} after epoch {epoch}.")
    begin = time.perf_counter()
    xy = umap_xy(snapshot.spaces[which])
    path = Folder(folder).map_path(epoch, which)
    path.parent.mkdir(exist_ok=True)
    with replacing(path) as draft:
        save_file({"id": snapshot.ids, "xy": xy}, draft, {"seconds": f"{time.perf_counter() - begin:.2f}"})
    return path


def film_of(folder: Folder, last: int) -> tuple[tuple[int, ...], np.ndarray]:
    """Which epochs up to `last` a film shows, at even steps, and the ids (n,) of the images that all of them hold.

    Snapshots that cannot be read are left out. Raises LatentError if that of `last` is one of them.
    """
    found = [e for e, _ in folder.snapshots() if e <= last]
    if last not in found:
        raise LatentError(f"This run has no snapshot after epoch {last}.")
    size = len(read(folder.path, found[0]).ids) if len(found) > 1 else 1
    most = max(2, min(PICTURES, POINTS // max(1, size)))
    wanted = [found[i] for i in np.unique(np.linspace(0, len(found) - 1, min(most, len(found))).round().astype(int))]
    epochs, ids = [], None
    for epoch in wanted:
        try:
            snapshot = read(folder.path, epoch)
        except LatentError:
            if epoch == last:
                raise
            continue
        epochs.append(epoch)
        ids = snapshot.ids if ids is None else ids[np.isin(ids, snapshot.ids)]
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
        snapshot = read(folder, epoch)
        if which not in snapshot.spaces:
            raise LatentError(f"This run has no snapshot of {which} after epoch {epoch}.")
        z = snapshot.spaces[which][rows(snapshot.ids, ids)]
        if begin is None:
            kept = read_map(folder, which, epoch, snapshot.ids)
            begin = umap_xy(z) if kept is None else kept[rows(snapshot.ids, ids)]
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


def drop_map(folder: str | Path, which: str, epoch: int, ids: np.ndarray) -> bool:
    """Delete a map that was made of other images than `ids`, so that it can be made again; whether it was.

    A map that fits stays: it may have become ready since somebody looked for it. Raises LatentError if damaged.
    """
    if read_map(folder, which, epoch, ids) is not None:
        return False
    Folder(folder).map_path(epoch, which).unlink(missing_ok=True)
    return True


def read_map(folder: str | Path, which: str, epoch: int, ids: np.ndarray) -> np.ndarray | None:
    """The kept UMAP of a space after an epoch, in the order of `ids`: float32 (n, 2); None if it is not there (yet).

    None, too, if it was made of another set of images: a map is asked for again then. Raises LatentError if damaged.
    """
    path = Folder(folder).map_path(epoch, which)
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


def _load(path: Path) -> dict[str, np.ndarray]:
    try:
        check_tensors(path)
        return load_file(path)
    except PermissionError as e:
        raise LatentError(unreadable(path)) from e
    except (SafetensorError, OSError, ValueError) as e:
        raise LatentError(f"The file {path.name} of this run cannot be read. It may be damaged or gone.") from e


def _must_be_finite(z: np.ndarray) -> None:
    if not np.isfinite(z).all():
        raise _not_finite(z)


def _not_finite(z: np.ndarray) -> LatentError:
    bad = int((~np.isfinite(z)).any(1).sum())
    return LatentError(
        f"The codes of {bad} of {len(z)} images are no numbers: the training has diverged. "
        "Train again, with other settings or another seed."
    )
