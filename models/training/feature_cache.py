"""The features of a data set's images under a frozen network: computed once an image and kept on disk for every run.

Two files in the cache: rows in half precision, one an image, and a byte a row that says whether it is there. A row is
on the disk before its byte is written, so whatever ends the work loses the images in hand and nothing else.
"""

import os
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch

import data
from data import files
from data.images import DataError, Images
from models.nn import pretrained, pretrained_weights
from models.nn.augment import to_float
from models.runs.files import replacing
from models.runs.run import Run
from models.runs.split import split_indices

VERSION = 1  # raise it when the same weights and images would give other features
EVERY = 0.5  # seconds between two records, about


class Stopped(Exception):
    """Somebody asked the run to stop."""


class Kept:
    """The two files. An image is named by its id: i >= 0 is training image i, -1 - j test image j."""

    def __init__(self, name: str, images_of: Images, size: int) -> None:
        self.n_train, self.n, self.size = len(images_of.y), len(images_of.y) + len(images_of.y_test), size
        self.rows = files.cache() / "features" / f"{name}.f16"
        self.there = self.rows.with_suffix(".there")
        self.lock = f"features-{name}"

    def at(self, ids: np.ndarray) -> np.ndarray:
        """The rows of images."""
        return np.where(ids >= 0, ids, self.n_train - 1 - ids)

    def lacks(self, ids: np.ndarray) -> np.ndarray:
        """Which of the images have no features yet."""
        try:
            if self.rows.stat().st_size != 2 * self.n * self.size:
                return ids
            there = np.frombuffer(self.there.read_bytes(), np.uint8)
        except FileNotFoundError:
            return ids
        return ids[there[self.at(ids)] == 0] if len(there) == self.n else ids

    def keep(self, ids: np.ndarray, h: np.ndarray) -> None:
        """Add the features h (n, size) of images. Raises OSError, for instance on a full disk."""
        self.rows.parent.mkdir(parents=True, exist_ok=True)
        for path, length in ((self.rows, 2 * self.n * self.size), (self.there, self.n)):
            if not path.exists() or path.stat().st_size != length:
                self.there.unlink(missing_ok=True)
                with replacing(path) as draft:
                    os.truncate(draft, length)  # takes no room until it is written to
        self.write(self.rows, self.at(ids), h.astype(np.float16))
        self.write(self.there, self.at(ids), np.ones((len(ids), 1), np.uint8))

    def write(self, path: Path, at: np.ndarray, what: np.ndarray) -> None:
        with open(path, "r+b") as f:  # not by mapping it: a full disk would then kill the process instead of telling it
            for i, row in zip(at.tolist(), what, strict=True):
                f.seek(i * row.nbytes)
                f.write(row.tobytes())
            f.flush()
            os.fsync(f.fileno())

    def of(self, ids: np.ndarray) -> np.ndarray:
        """The features of images that are there: float32 (n, size)."""
        rows = np.memmap(self.rows, np.float16, "r", shape=(self.n, self.size))
        return rows[self.at(np.asarray(ids))].astype(np.float32)


@dataclass(frozen=True)
class Inputs:
    """What a run on features sees in place of images; a Trainer takes it beside its Split."""

    kept: Kept
    ids: np.ndarray  # of the images whose features are there
    x_l: np.ndarray  # float32 (labelled, features)
    x_u: np.ndarray  # float32 (unlabelled, 0): nobody looks at them
    x_test: np.ndarray  # float32 (test, features)
    seconds: float  # that computing what was missing took; 0 if all was there

    def of(self, ids: np.ndarray) -> np.ndarray:
        return self.kept.of(ids)


def kept(name: str, images_of: Images, size: int) -> Kept:
    """The files for the network `name` and this data set, as it is here: CIFAR from image files has pixels of its own.

    Raises DataError when the weights are not there.
    """
    x, x_test = cast(Any, (images_of.x, images_of.x_test))  # buffers, which no stub says before Python 3.12
    pixels = zlib.crc32(x_test, zlib.crc32(x))
    of = pretrained_weights.prefix(pretrained_weights.path(name).name)
    return Kept(f"{name}-{of}-{images_of.name}-{pixels:08x}-v{VERSION}", images_of, size)


def prepare(name: str, run: Run, images_of: Images, device: torch.device, stop: Callable[[], bool]) -> Iterator[dict]:
    """Compute the features that `run` needs and that are missing: of its labelled images and of those it is tested on.

    Yields "prepare" records: {"kind", "done", "total", "what", "seconds_left"}, images. Returns the Inputs; None when
    `stop()` turned true. Raises DataError.
    """
    begun = time.perf_counter()
    of = kept(name, images_of, pretrained.BACKBONES[name].features)
    labelled, unlabelled, held_out = split_indices(run, images_of)
    test = held_out if run.validation else -1 - np.arange(len(images_of.y_test))
    ids = np.concatenate([labelled, test])
    try:
        computed = len(of.lacks(ids)) > 0
        yield from fill(name, of, ids, images_of, device, stop)
    except Stopped:
        return None
    except OSError as e:
        spec = data.DATASETS[images_of.name]
        raise DataError(files_trouble(e, f"The features of {spec.title}")) from e
    seconds = time.perf_counter() - begun if computed else 0.0
    nothing = np.zeros((len(unlabelled), 0), np.float32)
    return Inputs(of, ids, of.of(labelled), nothing, of.of(test), seconds)


def fill(
    name: str, of: Kept, ids: np.ndarray, images_of: Images, device: torch.device, stop: Callable[[], bool]
) -> Iterator[dict]:
    """Compute what `of` lacks of `ids`, in pieces of about half a second. Raises Stopped, OSError or DataError."""
    total, left = len(ids), of.lacks(ids)
    if not len(left):
        return
    files.check_space(2 * of.size * len(left), f"What {pretrained_weights.WEIGHTS[name].title} says of the images")
    n = pretrained.at_once(device)
    began, done, pace = time.perf_counter(), 0, None

    def record() -> dict:
        what = f"Features of {data.DATASETS[images_of.name].title} under {pretrained_weights.WEIGHTS[name].title}"
        return {"kind": "prepare", "done": total - len(left), "total": total, "what": what, "seconds_left": pace}

    def waiting() -> None:
        if stop():
            raise Stopped

    yield record()
    pretrained.ready(name, device)
    with files.locked(of.lock, waiting):
        left = of.lacks(ids)  # another run may have been at it
        while len(left):
            if stop():
                raise Stopped
            now, since = left[:n], time.perf_counter()
            x = to_float(torch.from_numpy(data.pixels(images_of, now)).to(device))
            of.keep(now, pretrained.features(name, x).cpu().numpy())
            left, done = left[n:], done + n
            spent = time.perf_counter() - since
            if spent < EVERY / 2:
                n *= 2
            pace = (time.perf_counter() - began) / done * len(left)
            yield record()


def files_trouble(e: OSError, what: str) -> str:
    """An error of the operating system as a sentence."""
    reason = e.strerror or str(e)
    return f"{what} cannot be kept in {files.cache()} ({reason}). Free some space, or name another in FEWLABELS_CACHE."
