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
    """`MNIST/raw` or `FashionMNIST/raw`, when at least one of the four files is there."""
    path = folder / spec.folder
    lacking = [name for name in FILES if either(path, name) is None]
    if len(lacking) == len(FILES):
        return None
    return Found(path, lacks=", ".join(lacking))


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
    for file in (path / name, path / f"{name}.gz"):
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
