"""How well a space of codes keeps the classes apart: nearest neighbours, a linear probe, the silhouette.

For looking only: what is fitted here is fitted to true classes, those of unlabelled images included, which no run was
shown. Neighbours and linear probe are fitted on the training images of a snapshot and scored on its test images. All
three stay the same when the space is turned, moved or scaled as a whole.

`make` takes a second or so for 10,000 images, so it belongs into a job; a page reads what it kept.
"""

import hashlib
import math
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from models.analysis import door, snapshots
from models.analysis.snapshots import TEST, SnapshotImages
from models.errors import LatentError
from models.runs.files import replacing, unreadable
from models.runs.records import check_tensors
from models.runs.store import Folder

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression

METHOD = "separation"  # its name in `models.analysis`: its file lies beside the UMAP of the same space
NEIGHBOURS = 10
PENALTY = 1.0  # of the linear probe, as scikit-learn's C
STEPS = 300  # of L-BFGS at most
SAMPLE = 2000  # images of the silhouette: it needs the distance of each pair


@dataclass(frozen=True)
class Separation:
    """One space of one snapshot in figures."""

    neighbours: float  # accuracy on the test images, 0 to 1
    linear_probe: float  # the same
    silhouette: float  # -1 to 1, a mean over `n_silhouette` test images; nan if it is not defined
    chance: float  # accuracy of always naming the class that is most frequent among the training images
    n_train: int  # images fitted on
    n_test: int  # images scored on
    n_silhouette: int


def neighbours(z: np.ndarray, y: np.ndarray, z_test: np.ndarray, k: int = NEIGHBOURS) -> np.ndarray:
    """The class that most of the k nearest of z (n, d) have, y (n,), for each of z_test (m, d): int64 (m,).

    Euclidean and exact; of classes with equally many votes the first. k is at most n.
    """
    from sklearn.neighbors import KNeighborsClassifier

    middle = z.mean(0, dtype=np.float64)  # near the origin the expanded square loses few digits
    found = KNeighborsClassifier(min(k, len(z)), algorithm="brute").fit(z.astype(np.float64) - middle, y)
    return found.predict(z_test.astype(np.float64) - middle)


def linear_probe(z: np.ndarray, y: np.ndarray, c: float = PENALTY, tolerance: float = 1e-5) -> "LogisticRegression":
    """Multinomial logistic regression from z (n, d) to y (n,), of at least two classes.

    Minimises the sum of -log p(y|z) plus |weights|^2 / 2c, biases free.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():  # after so many steps the accuracy moves no more, whatever the gradient says
        warnings.simplefilter("ignore", ConvergenceWarning)
        return LogisticRegression(C=c, tol=tolerance, max_iter=STEPS).fit(z.astype(np.float64), y)


def silhouette(z: np.ndarray, y: np.ndarray) -> float:
    """The mean over images of (b - a) / max(a, b), for codes z (n, d) of classes y (n,); Rousseeuw (1987).

    a is the mean distance to the others of one's class, b that to the nearest other class; an image alone in its class
    counts 0. nan if there is one class only, or each image has its own.
    """
    from sklearn.metrics import silhouette_score

    if not 2 <= len(np.unique(y)) < len(y):
        return math.nan
    return float(silhouette_score(z.astype(np.float64) - z.mean(0, dtype=np.float64), y))


def why_not(snapshot: SnapshotImages, space: str) -> str | None:
    """A sentence why a space of these images cannot be measured, or None if it can."""
    z, test = snapshot.spaces[space], snapshot.kind == TEST
    if not np.isfinite(z).all():
        bad = int((~np.isfinite(z)).any(1).sum())
        return (
            f"The codes of {bad} of {len(z)} images are no numbers: the training has diverged. "
            "Train again, with other settings or another seed."
        )
    if not test.any():
        return "This snapshot holds no test image, so there is nothing to score on. Train again."
    if len(np.unique(snapshot.true[~test])) < 2:
        return (
            f"This snapshot holds {int((~test).sum())} training images, of fewer than two classes, so there is "
            "nothing to fit to. Train again."
        )
    return None


def measure(snapshot: SnapshotImages, space: str) -> Separation:
    """The figures of a space of `snapshot`. Raises LatentError if it cannot be measured."""
    if why := why_not(snapshot, space):
        raise LatentError(why)
    test = snapshot.kind == TEST
    z, y, z_test, y_test = (
        snapshot.spaces[space][~test],
        snapshot.true[~test],
        snapshot.spaces[space][test],
        snapshot.true[test],
    )
    kinds, known = np.unique(y, return_inverse=True)  # some of many classes may have no image here
    scaled, scaled_test = scale(z, z_test)
    probed = linear_probe(scaled, known)
    rows = np.unique(np.linspace(0, len(y_test) - 1, min(SAMPLE, len(y_test))).astype(int))
    return Separation(
        neighbours=float((neighbours(z, y, z_test) == y_test).mean()),
        linear_probe=float((kinds[probed.predict(scaled_test)] == y_test).mean()),
        silhouette=silhouette(z_test[rows], y_test[rows]),
        chance=float((y_test == kinds[np.bincount(known).argmax()]).mean()),
        n_train=len(y),
        n_test=len(y_test),
        n_silhouette=len(rows),
    )


def scale(z: np.ndarray, z_test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Codes moved to the mean of z (n, d) and divided by one number, so that a dimension's mean variance is 1.

    By one number, not each dimension by its own: a dimension that carries nothing must not be blown up.
    """
    middle = z.mean(0, dtype=np.float64)
    size = math.sqrt(float(z.var(0, dtype=np.float64).mean())) or 1.0
    return (z - middle) / size, (z_test - middle) / size


def make(folder: str | Path, which: str, epoch: int) -> Path:
    """Measure one space of one snapshot and keep the figures in the run folder; returns their file. For a job.

    Raises LatentError, DataError or StoreError, each a sentence; the file appears whole or not at all.
    """
    snapshot = snapshots.snapshot_images(Folder(folder), epoch)
    if snapshot is None or which not in snapshot.spaces:
        raise LatentError(f"This run has no snapshot of {which} after epoch {epoch}.")
    s = measure(snapshot, which)
    path = Folder(folder).map_path(epoch, which, METHOD)
    path.parent.mkdir(exist_ok=True)
    arrays = {
        "figures": np.array([s.neighbours, s.linear_probe, s.silhouette, s.chance]),
        "images": np.array([s.n_train, s.n_test, s.n_silhouette]),
        "of": digest(snapshot, which),
    }
    with replacing(path) as draft:
        save_file(arrays, draft)
    return path


def read(folder: Folder, snapshot: SnapshotImages, space: str) -> Separation | None:
    """What `make` kept of this space of `snapshot`; None if there is nothing yet, or of other codes or images.

    Raises LatentError if the file is damaged.
    """
    path = folder.map_path(snapshot.epoch, space, METHOD)
    if not path.exists():
        return None
    damaged = f"The figures {path.name} of this run are damaged. Delete that file, and they will be made again."
    try:
        check_tensors(path)
        arrays = load_file(path)
        figures, images, of = (arrays[name] for name in ("figures", "images", "of"))
    except PermissionError as e:
        raise LatentError(unreadable(path)) from e
    except (SafetensorError, OSError, ValueError, KeyError) as e:
        raise LatentError(damaged) from e
    kinds = figures.dtype.kind + images.dtype.kind
    if kinds != "fi" or figures.shape != (4,) or images.shape != (3,) or not np.isfinite(figures[[0, 1, 3]]).all():
        raise LatentError(damaged)
    if not np.array_equal(of, digest(snapshot, space)):
        return None
    of_neighbours, probed, silhouette, chance = map(float, figures)
    return Separation(of_neighbours, probed, silhouette, chance, *map(int, images))


def of_snapshot(folder: Folder, epoch: int, space: str) -> Separation | None:
    """What is kept of a space of the snapshot after `epoch`, see `read`."""
    of = door.ask("snapshot_images", folder, epoch=epoch)
    return None if of is None else read(folder, of, space)


def drop(folder: Folder, snapshot: SnapshotImages, space: str) -> bool:
    """Delete figures of other codes or images than those of `snapshot`, to be made again; whether they were.

    Those that fit stay: they may have become ready since somebody looked. Raises LatentError if damaged.
    """
    if read(folder, snapshot, space) is not None:
        return False
    folder.map_path(snapshot.epoch, space, METHOD).unlink(missing_ok=True)
    return True


def digest(snapshot: SnapshotImages, space: str) -> np.ndarray:
    """Names the images and their codes: uint8 (16,)."""
    made = hashlib.blake2b(np.ascontiguousarray(snapshot.ids).tobytes(), digest_size=16)
    made.update(np.ascontiguousarray(snapshot.spaces[space]).tobytes())
    return np.frombuffer(made.digest(), np.uint8)
