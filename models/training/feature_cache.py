"""The features of a data set's images under a frozen network: computed once an image and kept on disk for every run.

Two files in the cache: rows in half precision, one an image, and a byte a row that says whether it is there. A row is
on the disk before its byte is written, so whatever ends the work loses the images in hand and nothing else.
"""

import os
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch

import data
from data import files
from data.images import DataError, Images
from models import MODELS
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
        """The features of images that are there: float16 (n, size)."""
        rows = np.memmap(self.rows, np.float16, "r", shape=(self.n, self.size))
        return rows[self.at(np.asarray(ids))]


@dataclass(frozen=True)
class Inputs:
    """What a run on features sees in place of images; a Trainer takes it beside its Split."""

    kept: tuple[tuple[Kept, ...], ...]  # a view each, of it a network each
    ids: np.ndarray  # of the images whose features are there
    x_l: np.ndarray  # float16 (labelled, features), or (labelled, views, features) of several views
    x_u: np.ndarray  # the same of the unlabelled images; (unlabelled, 0) where nobody looks at them
    x_test: np.ndarray  # of those that it is tested on
    seconds: float  # that computing what was missing took; 0 if all was there

    def of(self, ids: np.ndarray) -> np.ndarray:
        return rows(self.kept, ids)


def rows(views: Sequence[Sequence[Kept]], ids: np.ndarray) -> np.ndarray:
    """The features of images that are there, in half precision: (n, features), or (n, views, features).

    Those of several networks stand side by side.
    """
    found = [np.concatenate([of.of(ids) for of in networks], 1) for networks in views]
    return found[0] if len(found) == 1 else np.stack(found, 1)


def every(backbone: str, views: int, images_of: Images) -> tuple[tuple[Kept, ...], ...]:
    """The files of the views of these images, of each view one for each network. Raises DataError."""
    names = pretrained_weights.parts(backbone)
    return tuple(tuple(kept(name, images_of, view) for name in names) for view in range(views))


@dataclass(frozen=True)
class Training:
    """The features of all training images, read from the disk as slices of it are asked for."""

    kept: tuple[tuple[Kept, ...], ...]
    n: int

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, some: slice) -> np.ndarray:
        return rows(self.kept, np.arange(self.n)[some])


def of_training(run: Run, images_of: Images) -> Training:
    """The features of a run's training images. Raises DataError where they are not all there: computing them takes too
    long for a page."""
    card = MODELS[run.model]
    views = every(card.backbone, run.settings.views, images_of)
    labelled, unlabelled, _ = split_indices(run, images_of)
    if any(len(of.lacks(np.concatenate([labelled, unlabelled]))) for networks in views for of in networks):
        raise DataError(
            f"The features of {data.DATASETS[images_of.name].title} under "
            f"{pretrained_weights.title(card.backbone)} are not on this machine. Train a run of "
            f"{card.title} here: it computes them, and keeps them for all."
        )
    return Training(views, len(images_of.y))


def kept(name: str, images_of: Images, view: int = 0) -> Kept:
    """The files for the network `name` and a view of the images of this data set, as it is here: CIFAR from image files
    has pixels of its own.

    Raises DataError when the weights are not there.
    """
    x, x_test = cast(Any, (images_of.x, images_of.x_test))  # buffers, which no stub says before Python 3.12
    pixels = zlib.crc32(x_test, zlib.crc32(x))
    of = pretrained_weights.version(name)
    which = f"-view{view}" if view else ""
    file = f"{pretrained_weights.kept_as(name)}-{of}-{images_of.name}-{pixels:08x}{which}-v{VERSION}"
    return Kept(file, images_of, pretrained.described(name).features)


def prepare(run: Run, images_of: Images, device: torch.device, stop: Callable[[], bool]) -> Iterator[dict]:
    """Compute the features that `run` needs and that are missing: of its labelled images, of those it is tested on, and
    of its unlabelled ones where its method learns from them.

    Yields "prepare" records: {"kind", "done", "total", "what", "seconds_left"}, images. Returns the Inputs; None when
    `stop()` turned true. Raises DataError.
    """
    begun = time.perf_counter()
    card = MODELS[run.model]
    views = every(card.backbone, run.settings.views, images_of)
    labelled, unlabelled, held_out = split_indices(run, images_of)
    test = held_out if run.validation else -1 - np.arange(len(images_of.y_test))
    ids = np.concatenate([labelled, test, *[unlabelled] * card.unlabelled])
    try:
        computed = any(len(of.lacks(ids)) for networks in views for of in networks)
        for view, networks in enumerate(views):
            for name, of in zip(pretrained_weights.parts(card.backbone), networks, strict=True):
                yield from fill(of, name, view, ids, images_of, device, stop)
    except Stopped:
        return None
    except OSError as e:
        spec = data.DATASETS[images_of.name]
        raise DataError(files_trouble(e, f"The features of {spec.title}")) from e
    seconds = time.perf_counter() - begun if computed else 0.0
    x_u = rows(views, unlabelled) if card.unlabelled else np.zeros((len(unlabelled), 0), np.float16)
    return Inputs(views, ids, rows(views, labelled), x_u, rows(views, test), seconds)


def fill(
    of: Kept, name: str, view: int, ids: np.ndarray, images_of: Images, device: torch.device, stop: Callable[[], bool]
) -> Iterator[dict]:
    """Compute what `of` lacks of `ids`, in pieces of about half a second. Raises Stopped, OSError or DataError."""
    total, left = len(ids), of.lacks(ids)
    if not len(left):
        return
    title = pretrained_weights.weights(name).title
    files.check_space(2 * of.size * len(left), f"What {title} says of the images")
    n = pretrained.at_once(device)
    began, done, pace = time.perf_counter(), 0, None

    def record() -> dict:
        what = f"Features of {data.DATASETS[images_of.name].title}{', mirrored,' * bool(view)} under {title}"
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
            of.keep(now, pretrained.features(name, x, view).cpu().numpy())
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
