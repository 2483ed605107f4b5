"""Where data sets lie, and how files are written so that nobody ever sees half of one.

Everything is written below one folder, the cache; other folders are only read. What was decoded is kept there as one
file a data set, `arrays/<name>-v<VERSION>.safetensors`, which is opened by mapping it into memory.
"""

import contextlib
import json
import logging
import math
import os
import shutil
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from data import locks
from data.images import DataError, Images, Spec

ROOT = Path(__file__).resolve().parent.parent
VERSION = 1  # of the array files: raise it when the same source would decode to other arrays
ARRAYS = ("x", "y", "x_test", "y_test")

log = logging.getLogger(__name__)


def cache() -> Path:
    """The one folder that is written to: FEWLABELS_CACHE, or .cache/datasets of the project.

    Raises DataError if there is no such home. One that is no folder is said by what cannot be written there.
    """
    return expanded("FEWLABELS_CACHE", os.environ.get("FEWLABELS_CACHE") or ROOT / ".cache" / "datasets")


def extra_folders() -> list[Path]:
    """The folders named by FEWLABELS_DATA, which are only read. Raises DataError if there is no such home."""
    named = os.environ.get("FEWLABELS_DATA", "").split(os.pathsep)
    return [expanded("FEWLABELS_DATA", folder) for folder in named if folder]


def check() -> None:
    """Raises DataError, one sentence, if FEWLABELS_CACHE or FEWLABELS_DATA names what can be no folder."""
    for name, paths in (("FEWLABELS_CACHE", [cache()]), ("FEWLABELS_DATA", extra_folders())):
        for path in paths:
            check_folder(name, path)


def folder(name: str, default: Path) -> Path:
    """The folder that a variable of the environment names, which need not be there. Raises DataError."""
    path = expanded(name, os.environ.get(name) or default)
    check_folder(name, path)
    return path


def expanded(name: str, path: str | Path) -> Path:
    """An absolute path, without "~". Raises DataError if nobody has that home."""
    try:
        return Path(path).expanduser().absolute()
    except RuntimeError as e:
        raise DataError(f"{name} is {str(path)!r}, and nobody here has that home. Name another folder.") from e


def check_folder(name: str, path: Path) -> None:
    """Raises DataError if `path`, or what it would have to be made in, is there and is no folder."""
    for part in (path, *path.parents):
        if os.path.lexists(part):
            if not os.path.isdir(part):
                raise DataError(f"{name} is {str(path)!r}, but {part} is no folder. Name another one.")
            return


def array_file(name: str) -> Path:
    return cache() / "arrays" / f"{name}-v{VERSION}.safetensors"


def array_bytes(spec: Spec) -> int:
    """How large the array file is, within a kilobyte or so."""
    return (spec.n_train + spec.n_test) * (math.prod(spec.shape) + 8)


@contextlib.contextmanager
def locked(name: str, waiting: Callable[[], None] = lambda: None) -> Iterator[bool]:
    """Hold the lock on one data set, so that two processes do not do the same work; `waiting` is called meanwhile.

    The kernel frees the lock when its holder dies. Gives False where there can be no lock (a read-only cache): the
    work is then done twice at worst, since every file appears by a rename.
    """
    fd, possible = None, True
    while possible and fd is None:
        try:
            cache().mkdir(parents=True, exist_ok=True)
            fd = locks.take(cache() / f".{name}.lock", patience=0)
        except BlockingIOError:
            waiting()
            time.sleep(0.1)
        except OSError:  # a read-only cache, or a file system that knows no locks
            possible = False
    if fd is None:
        yield False
        return
    try:
        for left_behind in cache().glob(f".{name}-*"):  # by a process that was killed
            shutil.rmtree(left_behind, ignore_errors=True)
        yield True
    finally:
        locks.release(fd)


@contextlib.contextmanager
def scratch(name: str) -> Iterator[Path]:
    """A new folder in the cache, gone afterwards whatever happens. Finished files are renamed out of it."""
    cache().mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=cache()))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def save_arrays(images: Images) -> None:
    """Write the array file of a data set, atomically. Raises OSError when the disk is full or may not be written."""
    from safetensors.numpy import save_file

    arrays = {key: np.ascontiguousarray(getattr(images, key)) for key in ARRAYS}
    classes = json.dumps(images.classes)
    about = {"classes": classes, "crc32": str(checksum(arrays, classes))}
    with scratch(images.name) as folder:
        save_file(arrays, folder / "arrays", metadata=about)
        os.chmod(folder / "arrays", 0o644)  # safetensors gives them to their owner alone; a cache may be shared
        array_file(images.name).parent.mkdir(parents=True, exist_ok=True)
        os.replace(folder / "arrays", array_file(images.name))


def has_arrays(spec: Spec) -> bool:
    """Whether there is an array file that is whole by its length; its content is checked when it is opened."""
    try:
        layout(spec)
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return True


def open_arrays(spec: Spec) -> Images | None:
    """The data set from its array file, or None when there is none. A damaged file is removed and counts as none."""
    path = array_file(spec.name)
    try:
        about, extents = layout(spec)
        data = np.asarray(np.memmap(path, np.uint8, "r"))
        arrays = {key: data[a:b].view(dtype).reshape(shape) for key, (dtype, shape, a, b) in extents.items()}
        if checksum(arrays, about["classes"]) != int(about["crc32"]):
            raise ValueError("its checksum is wrong")
        return Images(spec.name, **arrays, classes=tuple(json.loads(about["classes"])))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.warning("The array file %s is damaged (%s) and will be made anew.", path, error)
        with contextlib.suppress(OSError):
            path.unlink()
        return None


def layout(spec: Spec) -> tuple[dict[str, str], dict[str, tuple[type, tuple[int, ...], int, int]]]:
    """What the array file says of itself, and for each array: dtype, shape, first byte, end.

    Raises ValueError, KeyError or TypeError when it is damaged or holds something else, OSError when there is none.
    """
    with open(array_file(spec.name), "rb") as file:
        size = os.fstat(file.fileno()).st_size
        n = int.from_bytes(file.read(8), "little")
        if not 0 < n < min(size, 100_000):
            raise ValueError("it has no header")
        header = json.loads(file.read(n))
    shapes = [(spec.n_train, *spec.shape), (spec.n_train,), (spec.n_test, *spec.shape), (spec.n_test,)]
    extents: dict[str, tuple[type, tuple[int, ...], int, int]] = {}
    for key, shape in zip(ARRAYS, shapes, strict=True):
        dtype, code = (np.int64, "I64") if key.startswith("y") else (np.uint8, "U8")
        a, b = (8 + n + offset for offset in header[key]["data_offsets"])
        if (header[key]["dtype"], tuple(header[key]["shape"])) != (code, shape):
            raise ValueError(f"{key} is of another kind")
        extents[key] = dtype, shape, a, b
    if size != max(b for *_, b in extents.values()):
        raise ValueError("its length is wrong")
    return header["__metadata__"], extents


def checksum(arrays: dict[str, np.ndarray], classes: str) -> int:
    """CRC-32 of all that is kept: 0.1 s for CIFAR, and no damage goes unseen."""
    crc = zlib.crc32(classes.encode())
    for key in ARRAYS:
        flat: Any = arrays[key].reshape(-1).view(np.uint8)  # a buffer, which no stub says before Python 3.12
        crc = zlib.crc32(flat, crc)
    return crc


def move_in(folder: Path, target: Path) -> None:
    """Rename a finished folder to `target`; what lies there is moved beside `folder`, to vanish with the scratch."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        os.rename(target, folder.with_name(folder.name + ".old"))
    os.rename(folder, target)


def check_space(needed: int, what: str) -> None:
    """Raise DataError when the disk of the cache has fewer than `needed` bytes free."""
    folder = cache()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise DataError(
            f"{what} needs {needed / 2**20:,.0f} MiB in {cache()}, where {free / 2**20:,.0f} MiB are free. "
            "Free some space, or name another folder in FEWLABELS_CACHE."
        )
