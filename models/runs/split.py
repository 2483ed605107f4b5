"""Which images a run may see: the one place that knows. No torch."""

import numpy as np

import data
from data import Images, Split
from models.runs.annotations import pairs
from models.runs.run import Run

# Which images a run sees: the one place that knows


def split_indices(run: Run, images: Images) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The indices of a run's training images: labelled (those given last), unlabelled, held out. Raises DataError."""
    return data.draw(images, run.labels, run.seed, run.validation, pairs(run.given))


def split_of_run(run: Run, images: Images) -> Split:
    """What a run may see. Raises DataError."""
    return data.split(images, run.labels, run.seed, run.validation, pairs(run.given))
