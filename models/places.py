"""Where a new code lies among those that a run kept: its neighbours, and its place on their map. numpy only."""

import numpy as np


def principal(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean (d,) and the two directions (d, 2) of the picture that `latents.pca` draws of z (n, d).

    `(z - mean) @ directions` is that picture, so a code that was not there is placed on it by the same product.
    Directions that are missing (one dimension, no variance) are 0.
    """
    mean, out = z.mean(0, dtype=np.float64), np.zeros((z.shape[1], 2))
    if len(z) < 2 or z.shape[1] == 0:
        return mean, out
    centred = z.astype(np.float64) - mean
    _, directions = np.linalg.eigh(centred.T @ centred)
    top = directions[:, ::-1][:, :2]
    out[:, : top.shape[1]] = top * np.where(top[np.abs(top).argmax(0), np.arange(top.shape[1])] < 0, -1, 1)
    return mean, out


def nearest_to(z: np.ndarray, code: np.ndarray, k: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """The k rows of z (n, d) nearest to `code` (d,), and their Euclidean distances; nearest first."""
    d = np.linalg.norm(z - code, axis=1)
    k = min(k, len(z))
    best = np.argpartition(d, k - 1)[:k] if k else np.empty(0, int)
    best = best[np.argsort(d[best], kind="stable")]
    return best, d[best]


def between(xy: np.ndarray, distances: np.ndarray) -> np.ndarray:
    """A place (2,) for what lies `distances` (k,) from neighbours at xy (k, 2): their mean, weighed by 1/distance.

    A UMAP has no formula that places a new code; this one lands among its neighbours, and on one that is the same.
    """
    if (distances <= 0).any():
        return xy[distances <= 0].mean(0)
    weight = distances.min() / distances.astype(np.float64)
    return weight @ xy / weight.sum()
