"""Where a new code lies among those that a run kept: its neighbours, and its place on their map. numpy only."""

import numpy as np

from models.analysis.snapshots import closest


def nearest_to(z: np.ndarray, code: np.ndarray, k: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """The k rows of z (n, d) nearest to `code` (d,), and their Euclidean distances; nearest first."""
    return closest(np.linalg.norm(z - code, axis=1), min(k, len(z)))


def between(xy: np.ndarray, distances: np.ndarray) -> np.ndarray:
    """A place (2,) for what lies `distances` (k,) from neighbours at xy (k, 2): their mean, weighed by 1/distance.

    A UMAP has no formula that places a new code; this one lands among its neighbours, and on one that is the same.
    """
    if (distances <= 0).any():
        return xy[distances <= 0].mean(0)
    weight = distances.min() / distances.astype(np.float64)
    return weight @ xy / weight.sum()
