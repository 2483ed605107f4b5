"""Which images a run may see, and of which it keeps codes: the one place that knows. No torch."""

import numpy as np

import data
from data import Images, Split
from models.runs.annotations import pairs
from models.runs.run import Run

SNAPSHOT_IMAGES = 4000  # images whose codes are kept after each epoch
SNAPSHOT_IMAGES_AT_END = 10_000  # and after the last


def split_indices(run: Run, images: Images) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The indices of a run's training images: labelled (those given last), unlabelled, held out. Raises DataError."""
    return data.draw(images, run.labels, run.seed, run.validation, pairs(run.given))


def split_of_run(run: Run, images: Images) -> Split:
    """What a run may see. Raises DataError."""
    return data.split(images, run.labels, run.seed, run.validation, pairs(run.given))


def snapshot_ids(labelled: np.ndarray, unlabelled: np.ndarray, images: Images, many: bool = False) -> np.ndarray:
    """Ids of the images whose codes are kept: labelled ones (at most 1000), test images, unlabelled ones; int32.

    An id i >= 0 is training image i of the data set, -1 - j its test image j. The same for every epoch of a run and,
    but for the labelled ones, for every run on a data set, so that two runs' maps can be laid side by side.
    """
    limit = SNAPSHOT_IMAGES_AT_END if many else SNAPSHOT_IMAGES
    n_test = min(len(images.y_test), limit // 2)
    rng = np.random.default_rng(0)
    # Prefixes of one fixed order: the snapshot images of an epoch are among those of the last.
    order = rng.permutation(len(images.y))
    test = -1 - np.arange(n_test)
    if len(labelled) > 1000:
        labelled = np.sort(rng.choice(labelled, 1000, replace=False))
    rest = order[np.isin(order, unlabelled)][: max(0, limit - n_test - len(labelled))]
    return np.concatenate([labelled, test, rest]).astype(np.int32)
