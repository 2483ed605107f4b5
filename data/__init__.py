"""LOADS: the data sets, and the split that hides labels. Knows nothing of models or pages, and needs numpy only.

images = data.load("digits")             # Images: x, y, x_test, y_test, classes; read-only arrays
seen = data.split(images, 100, seed=0)   # Split: what a model may see; there is no y_u
points = data.load("moons-noise30")      # a data set of points in the plane, with an option
"""

import errno
import functools
import importlib
import logging
from pathlib import Path
from types import ModuleType

import supported

supported.require()  # before what needs such a system is imported

from data import files  # noqa: E402
from data.images import DataError, Found, Images, Progress, Spec, pixels  # noqa: E402
from data.split import Split, check_labels, draw, most_labels, split  # noqa: E402

__all__ = [
    "DATASETS",
    "IMAGE_SETS",
    "POINT_SETS",
    "DataError",
    "Images",
    "Spec",
    "Split",
    "availability",
    "check_labels",
    "draw",
    "fetch",
    "load",
    "most_labels",
    "pixels",
    "split",
]


class Registry(dict[str, Spec]):
    """The data sets by name. One of points is also there under names that carry options: "moons-noise30".

    Points of one's own are there under the name of their content: "own-3f9a0c12be77".
    """

    def __missing__(self, name: str) -> Spec:
        base = self.base(name)
        if base is None:
            raise KeyError(name)
        return room(base)[0].variant(base, name)

    def __contains__(self, name: object) -> bool:
        if super().__contains__(name):
            return True
        try:
            return isinstance(name, str) and self.base(name) is not None and bool(self[name])
        except DataError:
            return False

    def base(self, name: str) -> Spec | None:
        """The data set of points whose options `name` may carry."""
        spec = OWN if name.startswith("own-") else self.get(name.partition("-")[0])
        return spec if spec and spec.points else None


# name, title, shape, classes, training images, test images, loader
# fmt: off
SPECS = {spec.name: spec for spec in (
    Spec("digits", "Digits", (1, 16, 16), 10, 1_297, 500, "data.digits:load", size=0, default_labels=100,
         few_labels=20, source="The handwritten digits that scikit-learn ships, resized from 8 × 8."),
    Spec("mnist", "MNIST", (1, 28, 28), 10, 60_000, 10_000, "data.mnist:load", size=11.1,
         source="Handwritten digits by Y. LeCun, C. Cortes and C. Burges.",
         torchvision="MNIST", folder="MNIST/raw"),
    Spec("fashion-mnist", "Fashion-MNIST", (1, 28, 28), 10, 60_000, 10_000, "data.mnist:load", size=29.4,
         source="Photographs of clothes by H. Xiao, K. Rasul and R. Vollgraf, 2017.",
         torchvision="FashionMNIST", folder="FashionMNIST/raw"),
    Spec("cifar10", "CIFAR-10", (3, 32, 32), 10, 50_000, 10_000, "data.cifar:load", size=162.6,
         source="Tiny photographs of ten kinds of things by A. Krizhevsky, 2009.",
         torchvision="CIFAR10", folder="cifar-10-batches-py", photographs=True),
    Spec("cifar100", "CIFAR-100", (3, 32, 32), 100, 50_000, 10_000, "data.cifar:load", size=161.2,
         source="Tiny photographs of a hundred kinds of things by A. Krizhevsky, 2009.",
         torchvision="CIFAR100", folder="cifar-100-python", photographs=True),
    Spec("clusters", "Clusters", (2, 1, 1), 2, 1_000, 1_000, "data.plane:load", size=0, default_labels=4, points=True,
         source="Points in the plane: clusters, drawn on the spot."),
    Spec("moons", "Moons", (2, 1, 1), 2, 1_000, 1_000, "data.plane:load", size=0, default_labels=6, points=True,
         source="Points in the plane: half circles that reach into each other, drawn on the spot."),
    Spec("circles", "Circles", (2, 1, 1), 2, 1_000, 1_000, "data.plane:load", size=0, default_labels=6, points=True,
         source="Points in the plane: a circle around another, drawn on the spot."),
    Spec("spirals", "Spirals", (2, 1, 1), 2, 1_000, 1_000, "data.plane:load", size=0, default_labels=10, points=True,
         source="Points in the plane: arms that wind about each other, drawn on the spot."),
    Spec("stripes", "Stripes", (2, 1, 1), 2, 1_000, 1_000, "data.plane:load", size=0, default_labels=4, points=True,
         source="Points in the plane: long parallel bands, drawn on the spot."),
)}
OWN = Spec("own", "Own points", (2, 1, 1), 2, 0, 0, "data.own_points:load", size=0, default_labels=2, points=True,
           source="Points in the plane that somebody gave.")
# fmt: on
DATASETS = Registry(SPECS)
IMAGE_SETS = {name: spec for name, spec in DATASETS.items() if not spec.points}
POINT_SETS = {name: spec for name, spec in DATASETS.items() if spec.points}

log = logging.getLogger(__name__)


def load(name: str) -> Images:
    """A whole data set, kept in memory or mapped into it; the arrays are read-only. Never downloads.

    Files that were found but never decoded are decoded first (CIFAR from image files: half a minute), and the arrays
    kept for the next time. Raises DataError when the data set is absent, incomplete or damaged.
    """
    spec = known(name)
    return opened(spec, str(files.cache()), tuple(map(str, files.extra_folders())))


def availability(name: str) -> str:
    """ "ready": opens in less than a second. "local": found, to be decoded once. "absent": to be downloaded."""
    spec = known(name)
    if files.has_arrays(spec) or not spec.size:  # nothing to download: it is embedded
        return "ready"
    found = where(spec)
    return "local" if found and not found.lacks else "absent"


def fetch(name: str, progress: Progress) -> None:
    """Make a data set ready: download it when it is absent, decode it, keep the arrays. Nothing half-written is left.

    `progress` is told how much is done, 0 to 1, and in a sentence what is being done; what it raises ends the work.
    Raises DataError: no network, a full disk, damaged or missing files.
    """
    spec = known(name)
    try:
        prepare(spec, progress)
    except OSError as error:
        raise DataError(trouble(error, spec)) from error
    progress(1.0, f"{spec.title} is ready.")


def prepare(spec: Spec, progress: Progress) -> None:
    if spec.points:
        return
    with files.locked(spec.name, waiting=lambda: progress(0.0, f"Another process is fetching {spec.title}.")):
        if files.open_arrays(spec):
            return
        begin, found = 0.0, where(spec)
        if found is None or found.lacks:
            from data.download import download

            begin = 0.8
            try:
                found = download(spec, lambda done, what: progress(begin * done, what))
            except DataError as error:
                if found:  # somebody put files there and should hear why they were of no use
                    raise DataError(f"{error} {found.path} lacks {found.lacks}.") from error
                raise
        files.check_space(files.array_bytes(spec), spec.title)
        images = decode(spec, found, lambda done, what: progress(begin + (0.98 - begin) * done, what))
        progress(0.98, "Keeping the arrays for the next time")
        files.save_arrays(images)


# The folders are arguments so that a changed environment is not answered from memory.
@functools.lru_cache(maxsize=8)
def opened(spec: Spec, cache: str, extra: tuple[str, ...]) -> Images:
    if spec.points:  # drawn in a moment: nothing to keep
        return decode(spec, Found(Path()), lambda done, what: None)
    images = files.open_arrays(spec)
    if images:
        return images
    try:
        found = where(spec)
        if found is None or found.lacks:
            raise DataError(absent(spec, found))
        with files.locked(spec.name):
            images = files.open_arrays(spec)  # another process may have been at it
            if images:
                return images
            images = decode(spec, found, lambda done, what: None)
            try:
                files.save_arrays(images)
            except OSError as error:  # without the array file everything works, only slower the next time
                log.warning("%s", trouble(error, spec))
                return images
        return files.open_arrays(spec) or images
    except OSError as error:
        raise DataError(trouble(error, spec)) from error


def known(name: str) -> Spec:
    if (base := DATASETS.base(name)) and name != base.name:
        return room(base)[0].variant(base, name)  # which says what of its options cannot be
    if name not in DATASETS:
        raise DataError(f"There is no data set {name!r}. Choose one of {', '.join(DATASETS)}.")
    return DATASETS[name]


def room(spec: Spec) -> tuple[ModuleType, str]:
    module, _, function = spec.loader.partition(":")
    return importlib.import_module(module), function


def where(spec: Spec) -> Found | None:
    """The first folder that holds the whole data set, else the first that holds a part of it."""
    module, _ = room(spec)
    found: list[Found] = [f for folder in (files.cache(), *files.extra_folders()) if (f := module.find(spec, folder))]
    return min(found, key=lambda f: bool(f.lacks), default=None)


def decode(spec: Spec, found: Found, progress: Progress) -> Images:
    module, function = room(spec)
    images = getattr(module, function)(spec, found.path, progress)
    check(spec, images, found.path)
    return images


def check(spec: Spec, images: Images, path: Path) -> None:
    """Raise DataError when what was decoded is not the data set that `spec` describes."""
    for part, x, y, n in (
        ("training", images.x, images.y, spec.n_train),
        ("test", images.x_test, images.y_test, spec.n_test),
    ):
        if x.shape != (n, *spec.shape) or y.shape != (n,):
            raise DataError(
                f"{path} holds {part} images of shape {x.shape} with {len(y):,} labels, not {(n, *spec.shape)}."
                " Replace it, or remove it to download the data set again."
            )
        if y.min() < 0 or y.max() >= spec.n_classes:
            raise DataError(
                f"{path} holds a {part} label outside 0 to {spec.n_classes - 1}."
                " Replace it, or remove it to download the data set again."
            )


def absent(spec: Spec, found: Found | None) -> str:
    if found:
        return f"{found.path} lacks {found.lacks}. Put it back, or download {spec.title} on the Data page."
    for folder in files.extra_folders():
        if not folder.is_dir():
            return f"FEWLABELS_DATA names {folder}, which is no folder, and {spec.title} is not in the cache either."
    return (
        f"{spec.title} is not on this machine yet. Download it on the Data page or with "
        f"`python -m models fetch {spec.name}`, or name its folder in FEWLABELS_DATA."
    )


def trouble(error: OSError, spec: Spec) -> str:
    """An error of the operating system as a sentence."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk of {files.cache()} is full: {spec.title} does not fit. Free some space and try again."
    path = f"{error.filename}: " if error.filename else ""
    reason = (error.strerror or str(error)).rstrip(".")
    return f"{spec.title} could not be prepared ({path}{reason}). Check the permissions there and of {files.cache()}."
