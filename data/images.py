"""What every data set is once it is loaded: images, labels, and the names of the classes."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data.errors import DataError  # noqa: F401 (its users know it from here)

POINT = (2, 1, 1)  # the shape of a point in the plane
Progress = Callable[[float, str], None]  # how much is done, 0 to 1, and a sentence saying what is being done


@dataclass(frozen=True)
class Spec:
    """What is known of a data set before it is opened."""

    name: str
    title: str
    shape: tuple[int, int, int]  # (c, h, w)
    n_classes: int
    n_train: int
    n_test: int
    loader: str  # "module:function" that decodes; the same module has `find`
    size: float  # MiB to download; 0: nothing
    source: str  # one sentence: where it comes from
    default_labels: int = 1000
    few_labels: int = 0  # labels with which the other images are worth most: pages open so; 0: default_labels
    torchvision: str = ""  # the class of torchvision.datasets that downloads it
    folder: str = ""  # what that leaves, below a folder of data sets
    photographs: bool = (
        False  # of things in the world: mirrored and recoloured they keep their class, and are as likely
    )

    fixed: int = 0  # so many points have a label, and no draw decides which; 0: a draw does
    points: bool = False  # in the plane, not images: (2, 1, 1), an image of one place whose two channels are x1 and x2

    @property
    def kind(self) -> str:
        """ "images" or "points": what a method must be able to learn from."""
        return "points" if self.points else "images"

    @property
    def grey(self) -> bool:
        return self.shape[0] == 1

    @property
    def raw(self) -> str:
        """What x is called where nothing has encoded it."""
        return "x" if self.points else "raw pixels"

    def noun(self, n: int = 2) -> str:
        """What it has `n` of."""
        return noun(self.shape, n)


def noun(shape: tuple[int, ...], n: int = 2) -> str:
    """What `n` of this shape are called: "image", "images", "point", "points"."""
    return ("point" if shape == POINT else "image") + "s" * (n != 1)


@dataclass(frozen=True)
class Found:
    """Files of a data set in some folder; `lacks` says in words what is missing, if anything is."""

    path: Path
    lacks: str = ""


@dataclass(frozen=True, eq=False)  # compared as objects: arrays have no single truth value
class Images:
    """A whole data set. The arrays are read-only and may be memory-mapped.

    x, x_test: uint8 (n, c, h, w), 0 is black and 255 white or full colour; of points float32 (n, 2, 1, 1).
    y, y_test: int64 (n,), each an index into `classes`.
    """

    name: str
    x: np.ndarray
    y: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    classes: tuple[str, ...]
    labelled: np.ndarray | None = None  # int64: which have a label, where that is not drawn; the y of others is nothing

    def __post_init__(self) -> None:
        for array in (self.x, self.y, self.x_test, self.y_test):
            array.setflags(write=False)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(c, h, w) of one image."""
        c, h, w = self.x.shape[1:]
        return c, h, w

    def noun(self, n: int = 2) -> str:
        """What it has `n` of."""
        return noun(self.shape, n)


def pixels(images: Images, ids: np.ndarray) -> np.ndarray:
    """The images that ids stand for, (n, c, h, w), of the type they have.

    An id i >= 0 is training image i, -1 - j is test image j.
    """
    ids = np.asarray(ids)
    out = np.empty((len(ids), *images.shape), images.x.dtype)
    train = ids >= 0
    out[train] = images.x[ids[train]]
    out[~train] = images.x_test[-1 - ids[~train]]
    return out


def draw_order(n: int, seed: int) -> np.ndarray:
    """The numbers 0 .. n-1 in a random order: int64 (n,), the same for the same seed everywhere.

    The raw stream of numpy's bit generators is promised never to change; `Generator.permutation` is not promised so,
    and a seed should name the same images on every machine and in every year.
    """
    return np.argsort(np.random.PCG64(seed).random_raw(n), kind="stable")
