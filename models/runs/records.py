"""The one place that reads the files of a run folder and checks what they say: types, sizes, nesting. No torch.

Whoever may write into a runs folder may write anything, and one file must not break the pages of everybody else's
runs. So nothing is believed: a value of another type than a run records is reported, not handed on.
"""

import errno
import json
import math
import os
import stat
import struct
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypeGuard

from models import aliases

MOST_JSON = 4 << 20  # bytes of run.json or status.json; a run with a thousand given labels has 150 KB
MOST_METRICS = 64 << 20  # bytes of metrics.jsonl; a day of training records 40 MiB
MOST_LINE = 64 << 10  # bytes of one record; the longest that a run writes has 2 KB
DEPTH = 8  # lists and objects within one another; run.json has 4
LARGEST = 2**53  # of a count
MOST_UNITS = 4096  # numbers of a code
MOST_TENSORS = 4 << 30  # bytes of a safetensors file
MOST_HEADER = 8 << 20
MOST_SIDE = 8192  # pixels of a picture's side
BYTES = {"BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1, "I16": 2, "U16": 2, "F16": 2, "BF16": 2, "I32": 4,
         "U32": 4, "F32": 4, "I64": 8, "U64": 8, "F64": 8}  # fmt: skip
COUNTS = {"step", "steps_per_epoch", "epochs", "parameters", "labels", "seed", "threads", "done", "total", "given",
          "attempt", "pid"}  # fmt: skip
NUMBERS = {"t", "J", "seconds", "seconds_per_epoch", "images_per_second", "feature_seconds", "seconds_left", "since"}
TEXTS = {"kind", "run", "model", "dataset", "preset", "device", "evaluated_on", "parent", "what", "state", "detail"}


NO_JSON = "is no JSON"  # of a line too that a process was killed in the middle of


class Damaged(ValueError):
    """What is wrong with a file, as the end of a sentence that begins with its name."""


def file_bytes(path: Path | str, most: int, offset: int = 0) -> bytes:
    """The bytes of a regular file from `offset` on. Raises OSError, or Damaged if it is none or is too large.

    Opened without waiting: a named pipe in place of the file would keep a reader for ever.
    """
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as f:
        at = os.fstat(f.fileno())
        if not stat.S_ISREG(at.st_mode):
            raise Damaged("is no file")
        if at.st_size > most:
            raise Damaged(f"has {at.st_size / 2**20:,.0f} MiB; a run's has at most {most >> 20}")
        f.seek(offset)
        return f.read(most + 1)


def parse(data: bytes) -> object:
    """The JSON value in `data`. Raises Damaged if it is none, or one that later code could not handle."""
    try:
        value = json.loads(data.decode())
    except RecursionError as e:
        raise Damaged("is nested too deeply") from e
    except ValueError as e:
        raise Damaged(NO_JSON) from e
    level = [value]
    for _ in range(DEPTH):
        texts = [t for v in level for t in (v if isinstance(v, dict) else (v,)) if isinstance(t, str)]
        if not all(map(printable, texts)):
            raise Damaged("holds text that is no Unicode")
        level = [w for v in level if isinstance(v, dict | list) for w in (v.values() if isinstance(v, dict) else v)]
        if not level:
            return value
    raise Damaged("is nested too deeply")


def printable(text: str) -> bool:
    """Whether a text can be sent to a browser: JSON may hold halves of characters."""
    return text.isascii() or not any("\ud800" <= c <= "\udfff" for c in text)


def is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def finite(value: object) -> bool:
    return is_number(value) and -1e300 < value < 1e300


def is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST


def checked(record: object) -> dict:
    """A record as far as it is known, each value of its type. Raises Damaged.

    A number that is not finite is left out: a training that diverged records some. So is an unknown key that holds
    more than one value.
    """
    if not isinstance(record, dict):
        raise Damaged(f"holds {shown(record)}, which is no record")
    found = {}
    for key, value in record.items():
        if value is None or (is_number(value) and key not in COUNTS and not finite(value)):
            continue
        if key == "terms":
            fine = isinstance(value, dict) and all(is_number(v) for v in value.values())
            value = aliases.renamed({k: v for k, v in value.items() if finite(v)}, aliases.TERMS) if fine else value
        elif key == "epoch":
            fine = is_count(value) if record.get("kind") == "epoch" else is_number(value) and 0 <= value <= LARGEST
        elif key in COUNTS:
            fine = is_count(value)
        elif key.endswith("_accuracy"):
            fine = is_number(value) and 0 <= value <= 1
        elif key in NUMBERS:
            fine = is_number(value)
        elif key in TEXTS:
            fine = isinstance(value, str)
        elif key == "fingerprint":
            fine = True  # models/results/outcome.py says what it must hold
        elif isinstance(value, dict | list):
            continue
        else:
            fine = True
        if not fine:
            raise Damaged(f"says {key} = {shown(value)}, which no run records")
        found[key] = value
    if found.get("kind") == "epoch" and "epoch" not in found:
        raise Damaged("holds a record of an epoch that does not say which")
    return found


def shown(value: object) -> str:
    """A value as a sentence may repeat it."""
    return text if len(text := repr(value)) <= 40 else f"{text[:40]}..."


def lines(data: bytes) -> tuple[list[dict], str]:
    """The records in `data`, and what is wrong with the first line that is none ("": nothing).

    A line that a process was killed in the middle of is no damage: it begins like a record and does not end.
    """
    found, wrong = [], ""
    for n, line in enumerate(data.split(b"\n") if data.count(b"\n") < 10**6 else [data], 1):
        if not line.strip(b" \r\t\0"):
            continue
        try:
            if len(line) > MOST_LINE:
                raise Damaged(f"has {len(line):,} bytes")
            found.append(checked(parse(line)))
        except Damaged as e:
            if str(e) != NO_JSON or not line.startswith(b'{"'):
                wrong = wrong or f"line {n} {e}"
    return found, wrong


@dataclass(frozen=True)
class Summary:
    """What is asked of a metrics.jsonl when runs are listed."""

    wrong: str = ""  # what is wrong with the file
    begun: tuple[int | None, ...] = ()  # with how many epochs the run was started, each time
    epoch: int = 0  # the last that it recorded
    test_accuracy: float | None = None  # of the result, else of that epoch


@lru_cache(maxsize=8192)
def summary(path: str, mtime_ns: int, size: int, inode: int) -> Summary:
    """Of the file at `path`; the other arguments make a changed file a different key."""
    try:
        data = file_bytes(path, MOST_METRICS)
    except (OSError, Damaged) as e:
        return Summary(why(e))
    found, wrong = lines(data[: data.rfind(b"\n") + 1])
    last = next((r for r in reversed(found) if r.get("kind") == "epoch"), {})
    told = next((r for r in reversed(found) if r.get("kind") in ("result", "epoch", "start")), {})
    accuracy = (told if told.get("kind") == "result" else last).get("test_accuracy")
    return Summary(
        wrong, tuple(r.get("epochs") for r in found if r.get("kind") == "start"), last.get("epoch", 0), accuracy
    )


@lru_cache(maxsize=8192)
def status_of(path: str, mtime_ns: int, size: int, inode: int, states: tuple[str, ...]) -> tuple[dict, str]:
    """What a status.json says, and what is wrong with it."""
    try:
        status = parse(file_bytes(path, MOST_JSON))
        imported = status.get("imported") if isinstance(status, dict) else None
        status = checked(status)
        if status.get("state") not in states:
            raise Damaged("names no state that a run can be in")
        return status | ({"imported": imported} if isinstance(imported, dict) else {}), ""
    except (OSError, Damaged) as e:
        return {}, why(e)


def why(e: OSError | Damaged) -> str:
    """What keeps a file from being read, as the end of a sentence that begins with its name."""
    if isinstance(e, Damaged):
        return str(e)
    if e.errno in (errno.EACCES, errno.EPERM):
        return "may not be read by this user (its permissions say so; `chmod -R u+rX` on the run's folder helps)"
    if e.errno == errno.ELOOP:
        return "is a link that leads in a circle"
    return f"cannot be read ({e.strerror or e})"


def check_tensors(path: Path | str, empty: bool = False) -> dict[str, tuple[str, tuple[int, ...]]]:
    """{name: (dtype, shape)} of a safetensors file, by its header. Raises OSError or Damaged.

    The library holds each tensor's bytes against the file's, but a shape with a zero in it asks for no bytes: codes
    of 0 x 2^20 numbers pass, and their covariance would take 8 TiB. Without `empty` an axis of size zero is damage.
    """
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as f:
        at = os.fstat(f.fileno())
        if not stat.S_ISREG(at.st_mode):
            raise Damaged("is no file")
        length = struct.unpack("<Q", head)[0] if len(head := f.read(8)) == 8 else MOST_TENSORS
        if length > min(MOST_HEADER, at.st_size) or at.st_size > MOST_TENSORS:
            raise Damaged("is damaged")
        header = parse(f.read(length))
    if not isinstance(header, dict):
        raise Damaged("is damaged")
    header.pop("__metadata__", None)
    found = {}
    for name, said in header.items():
        dtype, shape = (said.get("dtype"), said.get("shape")) if isinstance(said, dict) else (None, None)
        if not isinstance(dtype, str) or dtype not in BYTES or not isinstance(shape, list):
            raise Damaged("is damaged")
        if not all(is_count(n) and n < 2**40 and (n or empty) for n in shape):
            raise Damaged(f"is damaged: it holds {shown(name)} of shape {shown(shape)}")
        if math.prod(shape) * BYTES[dtype] > at.st_size:
            raise Damaged("is damaged")
        found[name] = dtype, tuple(shape)
    return found


def picture(path: Path | str) -> bytes | None:
    """The bytes of a PNG of a size that a run draws; None if it is none. Nothing is unpacked."""
    try:
        data = file_bytes(path, MOST_METRICS)
    except (OSError, Damaged):
        return None
    if len(data) < 33 or not data.startswith(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"):
        return None
    return data if all(0 < side <= MOST_SIDE for side in struct.unpack(">II", data[16:24])) else None
