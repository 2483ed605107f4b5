"""Latent snapshots of a run: the codes and q(y|x) of its snapshot images after an epoch."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

import data
from data import DATASETS
from models import MODELS
from models.errors import LatentError
from models.runs.files import unreadable
from models.runs.records import MOST_UNITS, check_tensors
from models.runs.run import Run
from models.runs.split import split_indices
from models.runs.store import Folder

# The codes a snapshot may hold, by their names on the cards: z, a, and h, the last hidden layer of the baseline.
SPACES = tuple(dict.fromkeys(space for card in MODELS.values() for space in card.spaces))
ACTIVE = 0.01  # a dimension whose mean varies less than this over the images carries nothing (Burda et al., 2016)
LABELLED, UNLABELLED, TEST = 0, 1, 2


@dataclass(frozen=True)
class Snapshot:
    """What a run knew of some of its images after one epoch."""

    epoch: int
    ids: np.ndarray  # int32 (n,), each image once
    spaces: dict[str, np.ndarray]  # "z", "a" or "h": float32 (n, d), posterior means
    q_y: np.ndarray | None  # float32 (n, classes), rows sum to 1; None if the run has no classifier yet


@dataclass(frozen=True)
class SnapshotImages:
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
        """How many images of a kind are predicted correctly, and how many there are."""
        of = self.kind == kind
        return int((self.predicted[of] == self.true[of]).sum()), int(of.sum())


def snapshot_images(folder: Folder, epoch: int | None = None) -> SnapshotImages | None:
    """The snapshot of a run after `epoch`, or its latest, with the true classes; None if there is none.

    Opens the data set. Raises LatentError, DataError or StoreError, each a sentence.
    """
    snapshot = read(folder.path, epoch)
    return None if snapshot is None else with_classes(snapshot, folder.run)


def with_classes(snapshot: Snapshot, run: Run) -> SnapshotImages:
    """A snapshot of `run` with the true classes. Opens the data set. Raises LatentError or DataError, a sentence."""
    images = data.load(run.dataset)
    ids, n = snapshot.ids, len(snapshot.ids)
    test = ids < 0
    if (ids >= len(images.y)).any() or (-1 - ids[test] >= len(images.y_test)).any():
        raise LatentError(f"The snapshot of this run names images that {DATASETS[run.dataset].title} does not have.")
    true = np.empty(n, np.int64)
    true[~test], true[test] = images.y[ids[~test]], images.y_test[-1 - ids[test]]
    labelled = split_indices(run, images)[0]
    kind = np.where(test, TEST, np.where(np.isin(ids, labelled), LABELLED, UNLABELLED))
    return described(snapshot, run, images.classes, true, kind)


def described(
    snapshot: Snapshot, run: Run, classes: tuple[str, ...], true: np.ndarray, kind: np.ndarray
) -> SnapshotImages:
    """A snapshot of `run` with what is known of its images: int64 (n,) each. Raises LatentError, a sentence."""
    ids, q, n = snapshot.ids, snapshot.q_y, len(snapshot.ids)
    if q is not None and q.shape[1] != len(classes):
        raise LatentError(f"The snapshot of this run knows {q.shape[1]} classes, the data set {len(classes)}.")
    return SnapshotImages(
        dataset=run.dataset,
        classes=classes,
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


def drawn_anew(snapshot: SnapshotImages, accuracy: float | None, images: int) -> str:
    """Why a map of all `images` test images has more or fewer wrong ones than a run recorded; "" if it has as many.

    Where q(y|x) is a mean over random draws, the run measured its accuracy with others than its snapshot kept.
    """
    right, n = snapshot.right(TEST)
    if accuracy is None or snapshot.q_y is None or n < images or n - right == round((1 - accuracy) * n):
        return ""
    return (
        f"on the map {n - right} test images are wrong, not {round((1 - accuracy) * n)}, for its class probabilities "
        "are of other random draws than the accuracy."
    )


def split(folder: Folder) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The ids of a run's training images: labelled, unlabelled, held out. Opens the data set. Raises DataError."""
    return split_indices(folder.run, data.load(folder.run.dataset))


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
    ids = arrays.get("id", np.zeros(()))
    damaged = ids.ndim != 1 or ids.dtype.kind != "i" or len(np.unique(ids)) != len(ids)
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


def agreement(z: np.ndarray, y: np.ndarray, k: int = 10, sample: int = 1000) -> float:
    """The share of the k nearest neighbours in z (n, d) that have an image's own class y (n,), a mean over images.

    Over `sample` images at even steps if there are more. 1/classes is chance, if the classes are equally frequent.
    """
    rows = np.unique(np.linspace(0, len(z) - 1, min(sample, len(z))).astype(int))
    index, _ = knn(z, min(k, len(z) - 1) + 1, rows)
    return float((y[index[:, 1:]] == y[rows, None]).mean())


def knn(z: np.ndarray, k: int, rows: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest rows of z (n, d) to each of `rows` (default: all), itself first, exactly; and their distances.

    int32 and float32, (len(rows), k). Loads scikit-learn.
    """
    from sklearn.neighbors import NearestNeighbors

    z = z.astype(np.float32) - z.mean(0, dtype=np.float32)  # near the origin the expanded square loses few digits
    rows = np.arange(len(z)) if rows is None else rows
    distance, index = NearestNeighbors(algorithm="brute").fit(z).kneighbors(z[rows], k)
    # A twin may come before the image itself, or push it out: whatever its place was, it is put first.
    itself = index == rows[:, None]
    itself[~itself.any(1), -1] = True
    index, distance = (a[~itself].reshape(len(rows), k - 1) for a in (index, distance))
    return np.column_stack([rows, index]).astype(np.int32), np.pad(distance, ((0, 0), (1, 0))).astype(np.float32)


def _load(path: Path) -> dict[str, np.ndarray]:
    try:
        check_tensors(path)
        return load_file(path)
    except PermissionError as e:
        raise LatentError(unreadable(path)) from e
    except (SafetensorError, OSError, ValueError) as e:
        raise LatentError(f"The file {path.name} of this run cannot be read. It may be damaged or gone.") from e


def must_be_finite(z: np.ndarray) -> None:
    """Raises LatentError, a sentence, if codes z (n, d) hold a value that is no number."""
    if not np.isfinite(z).all():
        raise _not_finite(z)


def _not_finite(z: np.ndarray) -> LatentError:
    bad = int((~np.isfinite(z)).any(1).sum())
    return LatentError(
        f"The codes of {bad} of {len(z)} images are no numbers: the training has diverged. "
        "Train again, with other settings or another seed."
    )
