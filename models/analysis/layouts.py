"""How the images of a run's snapshots lie in the plane, epoch by epoch, and figures of a space. No torch.

What is costly is asked for through the door, an epoch at a time, so that a run that goes on costs its new epoch only.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

import data
from data import DATASETS
from models.analysis import class_line, door, full_dataset, projections, snapshots
from models.analysis.snapshots import SnapshotImages
from models.errors import LatentError, UserError
from models.runs.split import snapshot_ids, split_indices
from models.runs.store import Folder

MOST_PIXELS = 1024  # numbers an image whose PCA takes no longer than a run takes to begin
BEFORE = -1  # the epoch of images of which a run has no codes yet
Placed = tuple[np.ndarray, np.ndarray]  # ids (n,) and where they lie, float32 (n, 2)
Pixels = Callable[[str, np.ndarray], np.ndarray]  # images of a data set by their ids, uint8 (n, c, h, w)
# By which maps lie turned from the PCA of pixels: in a frame that is wider than high, the recorded ones of the digits
# are then 7 % larger than unturned, the example of M2 48 % (2026-11-30).
TILT = math.radians(105)
COARSE = 16  # pixels a side that tell how an image lies among others
ALIGNED = 100  # epochs before the one shown that are laid out, each as the one before it: more would take seconds


@dataclass(frozen=True)
class Figures:
    """What can be said of a space in numbers."""

    agreement: float  # the share of an image's 10 nearest neighbours that have its class
    active: int  # dimensions that vary over the images, see `snapshots.active`
    size: int  # dimensions


@dataclass(frozen=True)
class Frame:
    """The PCA of a space after an epoch, turned to lie as that of the epoch before it does."""

    ids: np.ndarray  # int32 (n,)
    xy: np.ndarray  # float32 (n, 2)
    turn: np.ndarray  # (2, 2): what the PCA was multiplied by


def pca(folder: Folder, epoch: int, space: str) -> tuple[np.ndarray, np.ndarray]:
    """The ids (n,) of a snapshot, and the PCA of one of its spaces, float32 (n, 2)."""
    snapshot = snapshots.read(folder.path, epoch)
    if snapshot is None or space not in snapshot.spaces:
        raise LatentError(f"This run has no {space} after epoch {epoch}.")
    return snapshot.ids, projections.pca(snapshot.spaces[space])


def pixels(folder: Folder) -> SnapshotImages | None:
    """A run's images before it has codes: its only space "x" is the PCA of their pixels. None if they are large."""
    run = folder.run
    if math.prod(DATASETS[run.dataset].shape) > MOST_PIXELS:
        return None
    images = data.load(run.dataset)
    ids = snapshot_ids(*split_indices(run, images)[:2], images)
    x = data.pixels(images, ids).reshape(len(ids), -1) / np.float32(255)
    return snapshots.with_classes(snapshots.Snapshot(BEFORE, ids, {"x": projections.pca(x)}, None), run)


def upright(dataset: str, ids: np.ndarray, xy: np.ndarray, pixels: Pixels | None = None) -> np.ndarray:
    """What a UMAP or t-SNE (n, 2) of these images is multiplied by, (2, 2), to lie as every page shows it.

    Its axes mean nothing. It is turned, or mirrored, so that its images lie nearest to where a PCA of their pixels, all
    of it turned by `TILT`, has them: the same run lies the same way wherever it is shown, and different runs of a data
    set lie much alike. `pixels(dataset, ids)` has the images where they are not those of a data set that is here.
    """
    return projections.turn(xy, ids, _compass(dataset, ids.tobytes(), str(ids.dtype), pixels), ids)


@lru_cache(maxsize=32)
def _compass(dataset: str, ids: bytes, dtype: str, pixels: Pixels | None) -> np.ndarray:
    """The PCA of images by their pixels, of which those of large images are thinned out: float32 (n, 2)."""
    wanted = np.frombuffer(ids, dtype)
    x = data.pixels(data.load(dataset), wanted) if pixels is None else pixels(dataset, wanted)
    step = math.ceil(max(x.shape[2:]) / COARSE)
    (cos, sin), xy = (math.cos(TILT), math.sin(TILT)), x[..., ::step, ::step].reshape(len(x), -1) / np.float32(255)
    return projections.pca(xy) @ np.array([[cos, sin], [-sin, cos]], np.float32)


def turn(folder: Folder, epoch: int, before: int, space: str) -> np.ndarray:
    """What the PCA after `epoch` is multiplied by to lie as that after `before` does: (2, 2)."""
    ids, xy = door.ask("pca", folder, epoch=epoch, space=space)
    ids_before, xy_before = door.ask("pca", folder, epoch=before, space=space)
    return projections.turn(xy, ids, xy_before, ids_before)


def frames(folder: Folder, last: int, space: str) -> dict[int, Frame]:
    """The PCA after each epoch up to `last`, the last hundred of them, each turned to lie as the one before it did.

    Epochs whose snapshot is damaged, or diverged, are left out. Raises LatentError if the last is one of them.
    """
    made, before, by = {}, None, np.eye(2)
    for epoch, _ in [s for s in folder.snapshots() if s[0] <= last][-ALIGNED:]:
        try:
            ids, xy = door.ask("pca", folder, epoch=epoch, space=space)
            if before is not None:  # turning b as a lies, and a as its own before, is one turn after the other
                by = door.ask("turn", folder, epoch=epoch, before=before, space=space) @ by
        except UserError:
            if epoch == last:
                raise
            continue
        made[epoch], before = Frame(ids, (xy @ by).astype(np.float32), by), epoch
    return made


def frame(folder: Folder, epoch: int, space: str) -> Frame:
    """The last of `frames`."""
    made = frames(folder, epoch, space)
    if epoch not in made:
        raise LatentError("This snapshot has just been replaced. Reload the page.")
    return made[epoch]


def line(folder: Folder, epoch: int, space: str, first: int, second: int) -> class_line.Line:
    """A space along the line from one class to another, as its test images have it: `class_line.between_classes`."""
    of = _images(folder, epoch, False)
    return class_line.between_classes(of.spaces[space], of.true, first, second, of.kind == snapshots.TEST)


def principal(folder: Folder, epoch: int, space: str) -> tuple[np.ndarray, np.ndarray]:
    """What places a new code on the PCA of a snapshot, see `projections.principal`."""
    return projections.principal(_images(folder, epoch, False).spaces[space])


def figures(folder: Folder, epoch: int, space: str, of_all: bool = False) -> Figures:
    """The figures of a space of a snapshot, or of all images of the data set."""
    of = _images(folder, epoch, of_all)
    z = of.spaces[space]
    alike = of.alike[space] if isinstance(of, full_dataset.FullDataset) else snapshots.agreement(z, of.true)
    return Figures(alike, snapshots.active(z), z.shape[1])


def _images(folder: Folder, epoch: int, of_all: bool) -> snapshots.SnapshotImages:
    found = door.ask("full_dataset" if of_all else "snapshot_images", folder, epoch=epoch)
    if found is None:
        raise LatentError("This snapshot has just been replaced. Reload the page.")
    return found


def mistaken(folder: Folder, epoch: int) -> tuple[int, ...]:
    """Numbers of the test images whose class the run does not believe likeliest, of those it kept q(y|x) of."""
    of = _images(folder, epoch, False)
    if of.q_y is None:
        return ()
    return tuple(sorted(-1 - of.ids[(of.kind == snapshots.TEST) & (of.predicted != of.true)]))


def axes_of(folder: Folder, epochs: tuple[int, ...], space: str, two: tuple[int, int]) -> dict[int, Placed]:
    """Two dimensions of a space, as they are, after each of `epochs`."""

    def of(epoch: int) -> Placed:
        snapshot = projections.kept(folder.path, epoch)
        snapshots.must_be_finite(snapshot.spaces[space])
        return snapshot.ids, snapshot.spaces[space][:, list(two)]

    return _readable(epochs, of)


def lines_of(folder: Folder, epochs: tuple[int, ...], space: str, two: tuple[int, int]) -> dict[int, Placed]:
    """The line from one class to another after each of `epochs`, mirrored across to lie as the one after it does."""

    def of(epoch: int) -> Placed:
        ids = _images(folder, epoch, False).ids
        return ids, door.ask("line", folder, epoch=epoch, space=space, first=two[0], second=two[1]).xy

    made, after = {}, None
    for epoch, (ids, xy) in reversed(_readable(epochs, of).items()):
        if after is not None:
            _, mine, theirs = np.intersect1d(ids, after[0], return_indices=True)
            xy = xy * (1, -1 if xy[mine, 1] @ after[1][theirs, 1] < 0 else 1)
        made[epoch] = after = ids, xy
    return made


def _readable(epochs: tuple[int, ...], of: Callable[[int], Placed]) -> dict[int, Placed]:
    """What `of` says of each epoch; one that cannot be read is left out, unless it is the last."""
    made = {}
    for epoch in epochs:
        try:
            made[epoch] = of(epoch)
        except UserError:
            if epoch == epochs[-1]:
                raise
    return made


def film(
    folder: Folder, last: int, space: str, projection: str, classes: int, two: tuple[int, int] = (0, 1)
) -> tuple[tuple[int, ...], np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray, np.ndarray]] | None:
    """Where the images lay through the epochs up to `last`, and what q(y|x) said of them; None if that is no film.

    `two` are the dimensions, or the classes, of "axes" and "classes". Epochs, ids (n,), float32 (epochs, n, 2), and
    uint8 (epochs, n) each: the likeliest class, its probability (255 is 1) and the entropy (255 is log(classes)).
    Raises LatentError if a snapshot is damaged.
    """
    if projection == "umap":
        found = projections.read_film(folder.path, space, last)
        if found is None:
            return None
        epochs, ids, xy = found
    else:
        epochs, ids = projections.film_of(folder, last)
        if projection == "pca":
            laid = {e: (f.ids, f.xy) for e, f in frames(folder, last, space).items()}
        else:
            laid = {"axes": axes_of, "classes": lines_of}[projection](folder, epochs, space, two)
        epochs = tuple(e for e in epochs if e in laid)
        if len(epochs) < 2:
            return None
        xy = np.stack([laid[e][1][projections.rows(laid[e][0], ids)] for e in epochs])
    predicted, sure, unsure = [], [], []
    for epoch in epochs:
        snapshot = snapshots.read(folder.path, epoch)
        if snapshot is None or snapshot.q_y is None:
            raise LatentError(f"The snapshot after epoch {epoch} of this run knows no classes.")
        q = snapshot.q_y[projections.rows(snapshot.ids, ids)]
        predicted.append(q.argmax(1).astype(np.uint8))
        sure.append(np.round(255 * q.max(1)).astype(np.uint8))
        unsure.append(np.round(255 * np.minimum(1, snapshots.entropy(q) / np.log(max(2, classes)))).astype(np.uint8))
    return epochs, ids, xy.astype(np.float32), (np.stack(predicted), np.stack(sure), np.stack(unsure))
