"""Files of a run folder: written whole or not at all, and found by their epoch."""

import errno
import json
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def write_json(path: Path, what: dict) -> None:
    replace(path, json.dumps(what, indent=1, default=plain) + "\n")


def replace(path: Path, text: str) -> None:
    """Write a text file so that a reader, or a power cut, meets the old text or the new one. Raises OSError."""
    with replacing(path) as draft:
        draft.write_text(text, encoding="utf-8")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """The path of a draft beside `path`, renamed into place when the block ends, or removed if it raises.

    Always with fsync: without it a file system may do the rename before the contents, and a power cut leaves an empty
    file under the final name, where a run has nothing older to go back to. The folder is not synced: after a power cut
    either the old file or the new one is there, and both are whole. The draft gets the mode of the umask, whatever
    wrote it: safetensors makes its files readable by their owner alone.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        with open(draft, "wb") as f:
            mode = os.fstat(f.fileno()).st_mode & 0o777
        yield draft
        with open(draft, "rb") as f:
            with suppress(PermissionError):  # exFAT and FAT have one mode for all files
                os.fchmod(f.fileno(), mode)
            os.fsync(f.fileno())
        os.replace(draft, path)
    except BaseException:
        with suppress(OSError):  # what went wrong first is what counts
            draft.unlink(missing_ok=True)
        raise


def plain(value: object) -> object:
    """For json: a numpy or torch scalar as the number it is."""
    if hasattr(value, "item"):
        return value.item()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON.")


def by_epoch(folder: Path, pattern: str) -> list[tuple[int, Path]]:
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    matches = (re.fullmatch(pattern, name) for name in names)
    return sorted((int(m[1]), folder / m[0]) for m in matches if m)


def unreadable(path: Path) -> str:
    """The sentence for a file that is there and that this user may not read."""
    return f"{path} may not be read by this user. Ask its owner for `chmod -R u+rX,go+rX {path.parent}`."


def sentence(e: OSError, where: Path | str) -> str:
    """What went wrong with a file, for somebody who is not a programmer."""
    if e.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"There is no room left on the disk that holds {where}. Delete runs that are not needed, then try again."
    if e.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{where} may not be written. Choose another folder for runs with FEWLABELS_RUNS."
    if e.errno in (errno.ENOENT, errno.ENOTDIR):
        return f"{where} is not there any more, or is not a folder."
    return f"{where} cannot be used: {e.strerror or e}."
