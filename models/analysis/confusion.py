"""What runs take for what: confusion matrices, their difference, and the images on which runs disagree.

Rows are true classes, columns predicted ones. All of it is counted on the test images of a snapshot.
"""

from collections.abc import Sequence

import numpy as np

from models.analysis import door
from models.analysis.snapshots import TEST, SnapshotImages
from models.errors import LatentError
from models.runs.store import Folder


def counts(true: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """How many images of class i were taken for class j: int64 (classes, classes), of true and predicted (n,)."""
    return np.bincount(true * classes + predicted, minlength=classes * classes).reshape(classes, classes)


def matrix(snapshot: SnapshotImages) -> np.ndarray:
    """The confusion matrix of a run's test images; needs `snapshot.q_y`."""
    test = snapshot.kind == TEST
    return counts(snapshot.true[test], snapshot.predicted[test], len(snapshot.classes))


def difference(a: SnapshotImages, b: SnapshotImages) -> tuple[np.ndarray, int]:
    """How many more images of class i run `a` takes for class j than run `b`, and on how many test images.

    Counted on the test images that both kept, so that each is held against itself: each row sums to 0.
    """
    mine, theirs = (np.flatnonzero(p.kind == TEST) for p in (a, b))
    _, i, j = np.intersect1d(a.ids[mine], b.ids[theirs], return_indices=True)
    i, j, n = mine[i], theirs[j], len(a.classes)
    return counts(a.true[i], a.predicted[i], n) - counts(b.true[j], b.predicted[j], n), len(i)


def top(of: np.ndarray, most: int) -> list[tuple[int, int, int]]:
    """The largest entries (i, j, entry) off the diagonal of a matrix or a difference, by size without sign."""
    size = np.abs(of) * (1 - np.eye(len(of), dtype=of.dtype))
    order = np.argsort(-size, axis=None, kind="stable")[:most]
    cells = zip(*np.unravel_index(order, of.shape), strict=True)
    return [(int(i), int(j), int(of[i, j])) for i, j in cells if size[i, j]]


def images(snapshot: SnapshotImages, true: int, predicted: int) -> np.ndarray:
    """The rows of `snapshot` whose test images of class `true` were taken for `predicted`."""
    return np.flatnonzero((snapshot.kind == TEST) & (snapshot.true == true) & (snapshot.predicted == predicted))


def disagreement(q_y: np.ndarray) -> np.ndarray:
    """How far the runs' q(y|x), (runs, n, classes), differ on each image: nats, (n,), 0 to log(runs).

    The Jensen-Shannon divergence: the entropy of the runs' mean less the mean of their entropies.
    """
    q = q_y.astype(np.float64)
    q /= np.maximum(q.sum(-1, keepdims=True), 1e-12)

    def entropy(p: np.ndarray) -> np.ndarray:
        return -(p * np.log(np.maximum(p, 1e-12))).sum(-1)

    return np.maximum(entropy(q.mean(0)) - entropy(q).mean(0), 0)


def most_disputed(several: Sequence[SnapshotImages], most: int) -> list[int]:
    """Ids of the images on which the runs' q(y|x) differ most, those first; of those that every run kept."""
    ids = several[0].ids
    for p in several[1:]:
        ids = np.intersect1d(ids, p.ids)
    ids = np.sort(ids)
    q = []
    for p in several:
        order = np.argsort(p.ids)
        if p.q_y is None:
            raise LatentError("A run has kept no q(y|x), so nothing can be disputed. Choose another run.")
        q.append(p.q_y[order[np.searchsorted(p.ids[order], ids)]])
    apart = disagreement(np.stack(q))
    order = np.argsort(-apart, kind="stable")[:most]
    return [int(ids[i]) for i in order if apart[i] > 1e-6]


def disputed(folder: Folder, epoch: int, others: Sequence[tuple[str, int]], most: int) -> tuple[int, ...]:
    """`most_disputed` of the snapshot of a run and those of other runs: pairs of a run folder's path and an epoch."""
    several = [door.ask("snapshot_images", path, epoch=at) for path, at in ((str(folder.path), epoch), *others)]
    return tuple(most_disputed([p for p in several if p is not None and p.q_y is not None], most))
