"""Reads a zip that somebody else made. Nothing in it is believed: not its names, not its sizes, not its own list.

What `zipfile` and `zlib` raise for a damaged one becomes a sentence; a list of files too long to hold is not read, and
a file is unpacked in parts that are counted, so that little memory is needed whatever the headers say.
"""

import io
import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from models.errors import StoreError

CHUNK = 1 << 20  # bytes unpacked at a time
AT_ONCE = 8 << 20  # most bytes that zipfile may ask for at once: the list of some 60,000 files
LONGEST = 400  # letters of a name in a zip
PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # LZMA takes as much memory as its header asks for
SCRAMBLED = 0x1 | 0x20 | 0x40 | 0x2000  # flags: encrypted; a patch; strongly encrypted; a hidden list
# What Finder and Explorer put beside the files when they pack a folder.
LITTER = re.compile(r"(?:.*/)?(?:__MACOSX/.*|\._[^/]*|\.DS_Store|Thumbs\.db|desktop\.ini|Icon\r)", re.IGNORECASE)

DAMAGED = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,  # bytes that are no deflated ones
    struct.error,  # an extra field that is too short
    EOFError,  # it ends within a file
    ValueError,  # a name in another encoding than it says; a place before its beginning
    RuntimeError,  # an encrypted file; NotImplementedError: a newer format
    OverflowError,  # a place or a length that no file has
    MemoryError,
)


class Bounded:
    """A file of which `zipfile` cannot ask for gigabytes at once: a zip says itself how long its list of files is."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, n: int = -1) -> bytes:
        if n > AT_ONCE:
            raise zipfile.BadZipFile(f"it asks to read {n:,} bytes at once")
        return self.file.read(n)


@contextmanager
def source(archive: Path | str | BinaryIO, name: str) -> Iterator[BinaryIO]:
    """The archive open for reading bytes. Raises StoreError if it is no file or cannot be opened."""
    if not isinstance(archive, str | os.PathLike):
        yield archive
        return
    try:
        if not stat.S_ISREG(os.stat(archive).st_mode):  # to open a pipe would wait for ever
            raise StoreError(f"{name} is a folder or a device, no file. Name the zip of a run.")
        file = open(archive, "rb")  # noqa: SIM115 (closed below; what is raised while it is used is another matter)
    except FileNotFoundError as e:
        raise StoreError(f"There is no file {name}.") from e
    except (OSError, ValueError) as e:  # a name with a NUL in it
        if isinstance(e, StoreError):
            raise
        raise StoreError(f"{name} cannot be read ({getattr(e, 'strerror', None) or e}).") from e
    with file:
        yield file


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Around what reads a zip: whatever a damaged one raises becomes a sentence."""
    try:
        yield
    except StoreError:
        raise
    except DAMAGED as e:
        raise StoreError(f"{name} is no run that was taken away from here, or it is damaged ({str(e)[:200]}).") from e


def opened(file: BinaryIO) -> zipfile.ZipFile:
    """The zip in an open file. To be called within `reading`."""
    try:
        return zipfile.ZipFile(Bounded(file))
    except OSError as e:  # a place where no file can be
        raise zipfile.BadZipFile(e.strerror) from e


def size(file: BinaryIO) -> int:
    """Bytes of an open file."""
    return file.seek(0, io.SEEK_END)


def files(z: zipfile.ZipFile, name: str) -> dict[str, zipfile.ZipInfo]:
    """The files of a zip by their paths; without entries for folders and without litter. Raises StoreError.

    Some tools for Windows write the paths with backslashes.
    """
    found: dict[str, zipfile.ZipInfo] = {}
    for info in z.infolist():
        path = info.orig_filename.replace("\\", "/")
        if not decent(path):
            raise StoreError(f"{name} holds {path[:80]!r}, which is no file of a run.")
        if path.endswith("/") or LITTER.fullmatch(path):
            continue
        if path in found:
            raise StoreError(f"{name} lists {len(z.infolist()):,} files, some twice or too many for a run.")
        found[path] = info
    return found


def decent(path: str) -> bool:
    """Whether a path leads nowhere but down, in letters that can be shown."""
    parts = path.removesuffix("/").split("/")
    if len(path) > LONGEST or any(part in ("", ".", "..") for part in parts) or ":" in path:
        return False
    return path.isprintable() or parts[-1] == "Icon\r"


def inner(found: dict[str, zipfile.ZipInfo], marker: str, name: str) -> dict[str, zipfile.ZipInfo]:
    """The files beside `marker` by their names from there: a folder that was packed as a whole lies around them."""
    at = min((p for p in found if p.rpartition("/")[2] == marker), key=lambda p: (p.count("/"), p), default=None)
    if at is None:
        raise StoreError(f"{name} has no {marker}, so it is no run that was taken away from here.")
    around = at.removesuffix(marker)
    beside = next((p for p in found if not p.startswith(around)), None)
    if beside is not None:
        raise StoreError(f"{name} holds {beside[:80]!r}, which is no file of a run.")
    return {p.removeprefix(around): info for p, info in found.items()}


def trouble(info: zipfile.ZipInfo) -> str:
    """Why an entry cannot be an ordinary file, packed as zips are; "" if it can. Goes on after the file's name."""
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
        return "is a link or a device, no file of a run."
    if info.flag_bits & SCRAMBLED:
        return "is encrypted. Pack it again without a password."
    if info.compress_type not in PACKED:
        return f"is packed in a way that is not read here (method {info.compress_type}). Pack it again as a usual zip."
    return ""


def parts(z: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> Iterator[bytes]:
    """The bytes of a file, some at a time. Raises StoreError once there are more or fewer than the zip's list says."""
    left = info.file_size
    try:
        with z.open(info) as f:
            while part := f.read(CHUNK):
                left -= len(part)
                if left < 0:
                    break
                yield part
    except OSError as e:  # a place where no file can be; never of what is done with a part
        raise zipfile.BadZipFile(e.strerror) from e
    if left:
        raise StoreError(f"{info.filename[:80]!r} in {name} is {'longer' if left < 0 else 'shorter'} than announced.")
