"""MNIST and Fashion-MNIST: four IDX files, as published, each with or without its .gz."""

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

from data.images import DataError, Found, Images, Progress, Spec

FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
MEND = "Replace it, or remove it to download the data set again."
CLASSES = {
    "mnist": tuple("0123456789"),
    "fashion-mnist": (
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    ),
}


def find(spec: Spec, folder: Path) -> Found | None:
    """The first folder that holds all four files, else the first that holds one of them.

    `MNIST/raw` is torchvision's; others unpack into `MNIST`, and a folder may be named that holds the files itself.
    """
    own = Path(spec.folder).parent  # MNIST or FashionMNIST
    places = [folder / spec.folder, folder / own, folder / spec.name]
    if is_its_own(spec, folder):
        places += [folder, folder / "raw"]
    found = []
    for path in places:
        lacking = [name for name in FILES if either(path, name) is None]
        if len(lacking) < len(FILES):
            found.append(Found(path, lacks=", ".join(lacking)))
    return min(found, key=lambda f: bool(f.lacks), default=None)


def is_its_own(spec: Spec, folder: Path) -> bool:
    """Whether `folder` or the one around it bears the data set's name: both data sets call their files the same."""
    names = {Path(spec.folder).parts[0].lower(), spec.name}
    return folder.name.lower() in names or (folder.name == "raw" and folder.parent.name.lower() in names)


def load(spec: Spec, path: Path, progress: Progress) -> Images:
    """Decode the four files. Raises DataError when one is damaged or holds another number of images."""
    arrays = []
    for name, n in zip(FILES, (spec.n_train, spec.n_train, spec.n_test, spec.n_test), strict=True):
        progress(len(arrays) / len(FILES), f"Reading {name}")
        shape = (n, *spec.shape[1:]) if "images" in name else (n,)
        arrays.append(read_idx(either(path, name) or path / name, shape))
    x, y, x_test, y_test = arrays
    return Images(
        spec.name, x[:, None], y.astype(np.int64), x_test[:, None], y_test.astype(np.int64), CLASSES[spec.name]
    )


def either(path: Path, name: str) -> Path | None:
    """The file `name` in `path`, also with a dot before "idx" (as Kaggle has it), packed or not."""
    dotted = name.replace("-idx", ".idx")
    for file in (path / name, path / dotted, path / f"{name}.gz", path / f"{dotted}.gz"):
        if file.is_file():
            return file
    return None


def read_idx(file: Path, shape: tuple[int, ...]) -> np.ndarray:
    """uint8 array of that shape from an IDX file, which begins 0, 0, 8, the number of dimensions, their sizes."""
    try:
        data = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{file} is damaged: it cannot be unpacked. {MEND}") from error
    header = np.array([0x800 + len(shape), *shape], ">i4").tobytes()
    if data[:4] != header[:4] or len(data) < len(header):
        raise DataError(f"{file} is no IDX file of {len(shape)} dimensions, or it is cut short. {MEND}")
    if data[: len(header)] != header:
        held = tuple(np.frombuffer(data, ">i4", len(shape), offset=4).tolist())
        raise DataError(f"{file} holds an array of shape {held} instead of {shape}. {MEND}")
    if len(data) != len(header) + math.prod(shape):
        size = len(header) + math.prod(shape)
        raise DataError(f"{file} is damaged: it holds {len(data):,} bytes instead of {size:,}. {MEND}")
    return np.frombuffer(data, np.uint8, offset=len(header)).reshape(shape)
