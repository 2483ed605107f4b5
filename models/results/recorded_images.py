"""The images that recordings show of a data set whose files do not come with Few Labels, kept once for all of them.

Which they are was fixed before anything was recorded: the first 1,000 test images. The record command keeps them beside
the recordings, with their true classes, so that a map shows its images where the data set has never been downloaded.
"""

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

import data
from data import DATASETS
from models.errors import StoreError
from models.results import arrays

SHOWN = 1000  # the first so many test images


@dataclass(frozen=True)
class RecordedImages:
    """Images of a data set, and what their classes are called."""

    ids: np.ndarray  # int32 (n,): test image j is -1 - j
    true: np.ndarray  # uint8 (n,)
    pixels: np.ndarray  # uint8 (n, c, h, w)
    classes: tuple[str, ...]


ARRAYS = ("ids", "true", "pixels")


def wanted(dataset: str) -> np.ndarray | None:
    """Ids of the images that its recordings show, int32 (n,); None: all that a run kept, for the files are here."""
    spec = DATASETS[dataset]
    return (-1 - np.arange(min(SHOWN, spec.n_test))).astype(np.int32) if spec.size else None


def path_of(dataset: str, where: Path) -> Path:
    return where / f"{dataset}-images.npz"


@lru_cache(maxsize=4)
def _read(path: Path, dataset: str, mtime_ns: int) -> RecordedImages:
    with arrays.reading(path, "images", most=4 << 20) as kept:
        found = RecordedImages(
            **{name: kept[name] for name in ARRAYS},
            classes=tuple(map(str, json.loads(bytes(kept["about"]))["classes"])),
        )
        n = len(found.ids)
        if found.pixels.shape != (n, *DATASETS[dataset].shape) or found.true.shape != (n,):
            raise ValueError("its arrays do not fit")
        if not n or found.true.max() >= len(found.classes):
            raise ValueError("it names classes that there are not")
        return found


def read(dataset: str, where: Path) -> RecordedImages | None:
    """The images kept in the folder `where`; None if there are none. Raises StoreError, a sentence, if damaged."""
    path = path_of(dataset, where)
    try:
        return _read(path, dataset, path.stat().st_mtime_ns)
    except FileNotFoundError:
        return None


def rows(found: RecordedImages, ids: np.ndarray) -> np.ndarray:
    """Where each of `ids` (n,) stands among the images kept. Raises StoreError, a sentence, if one is not there."""
    order = np.argsort(found.ids)
    at = order[np.searchsorted(found.ids, ids, sorter=order).clip(0, len(order) - 1)]
    if not np.array_equal(found.ids[at], ids):
        raise StoreError("A recording shows images that are not kept beside it. Put both back from git.")
    return at


def keep(dataset: str, where: Path) -> Path:
    """Write the images of a data set that is here. Raises DataError, or StoreError where that cannot be written."""
    ids, images = wanted(dataset), data.load(dataset)
    assert ids is not None
    return arrays.keep(
        path_of(dataset, where),
        {"classes": images.classes},
        ids=ids,
        true=images.y_test[-1 - ids].astype(np.uint8),
        pixels=data.pixels(images, ids),
    )
