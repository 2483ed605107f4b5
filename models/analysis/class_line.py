"""Codes along the line from the mean of one class to that of another."""

from dataclasses import dataclass

import numpy as np

from models.analysis.projections import pca
from models.analysis.snapshots import must_be_finite
from models.errors import LatentError


@dataclass(frozen=True)
class Line:
    """Codes along the line from the mean of one class to that of another, and across it."""

    xy: np.ndarray  # float32 (n, 2), of all codes
    images: int  # of the two classes, of which the line was computed
    right: float  # the share of these on their own class's side of the middle


def between_classes(z: np.ndarray, y: np.ndarray, first: int, second: int, counts: np.ndarray) -> Line:
    """z (n, d) along the line from the mean of one class to that of another, `y` (n,) being the class of each.

    The first coordinate is 0 at the mean of `first` and 1 at that of `second`; the second one is the direction of most
    variance at right angles to the line, in the same unit. The line is computed of the images that `counts`, bool (n,),
    says. Raises LatentError if one of the two has none.
    """
    must_be_finite(z)
    z = z.astype(np.float64)
    a, b = (z[counts & (y == k)] for k in (first, second))
    if first == second or not len(a) or not len(b):
        raise LatentError(
            "The line goes from one class to another, and each of the two needs a test image in the map. "
            "Choose two other classes."
        )
    line = b.mean(0) - a.mean(0)
    length = float(np.linalg.norm(line))
    if length < 1e-8:
        raise LatentError("The two classes have the same mean here, so no line goes from one to the other.")
    along = (z - a.mean(0)) @ line / length**2
    rest = z - z.mean(0)
    rest = rest - np.outer(rest @ line, line) / length**2
    across = pca(rest.astype(np.float32))[:, 0] / length
    right = int((along[counts & (y == first)] < 0.5).sum() + (along[counts & (y == second)] >= 0.5).sum())
    n = len(a) + len(b)
    return Line(np.stack([along, across], 1).astype(np.float32), n, right / n)
