"""Whether an image is unlike every image of a data set: then a model that learned from those can only guess.

Digits has 129 sevens to learn from, nearly all with a bar (halfway down, all but one have ink 5 columns wide or more).
The same 7 without a bar, from a picture and prepared as they were, was a 3 with .50 to .70 to an M2 that has 99.4 % of
the test images right; drawn with a bar, a 7 with .98 and more (2026-11-28). q(y|x) does not tell, for it must share its
belief among the classes it knows; the distance to the nearest image does. On MNIST the same 7 is a 7.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from data.images import Images

AMONG, TESTS = 5_000, 300  # images the nearest is looked for in, and test images that say what is usual; at even steps
USUAL = 0.98  # of those test images: what lies farther out than so many of them is unlike


@dataclass(frozen=True)
class Known:
    """Some training images as rows, and how far from the nearest of them an image may usually be."""

    rows: np.ndarray  # float32 (n, d)
    squares: np.ndarray  # float32 (n,), their squared lengths
    farthest: float = 0.0

    def nearest(self, x: np.ndarray) -> np.ndarray:
        """The distances of images x (m, d), float32, to the nearest of the rows: (m,)."""
        square = self.squares - 2 * x @ self.rows.T + (x * x).sum(1, keepdims=True)
        return np.sqrt(np.maximum(square.min(1), 0))


def is_unlike(image: np.ndarray, images: Images) -> bool:
    """Whether an image, uint8 (c, h, w), is farther from all of `images` than nearly all of its test images are.

    The first time of a data set takes up to a second.
    """
    known = _known(images)
    return bool(known.nearest(_rows(image[None]))[0] > known.farthest)


@lru_cache(maxsize=3)
def _known(images: Images) -> Known:
    rows = _rows(_few(images.x, AMONG))
    known = Known(rows, (rows * rows).sum(1))
    usual = known.nearest(_rows(_few(images.x_test, TESTS)))
    return Known(known.rows, known.squares, float(np.quantile(usual, USUAL)))


def _few(x: np.ndarray, n: int) -> np.ndarray:
    return x[np.unique(np.linspace(0, len(x) - 1, min(n, len(x))).astype(int))]


def _rows(x: np.ndarray) -> np.ndarray:
    return x.reshape(len(x), -1).astype(np.float32)
