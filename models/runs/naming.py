"""The name and the tags that somebody gave a run: `name.json` in its folder, beside what the run itself wrote.

A run without that file has neither. The id and the address of a run stay what they are. Whatever may stand there is
said once, in `named`, and asked of a field on a page, of the shell and of a file in an archive alike.
"""

import os
import unicodedata
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

from models.errors import RunError, StoreError
from models.runs import records
from models.runs.files import sentence, write_json
from models.runs.records import Damaged

FILE = "name.json"
MOST_BYTES = 8192  # of that file; each character takes at most twelve
LONGEST_NAME, LONGEST_TAG, MOST_TAGS = 60, 24, 8  # characters; and tags of one run
MOST_MARKS = 2  # accents on one character; a tower of them covers the lines around it


@dataclass(frozen=True)
class Named:
    """What a run is called by whoever it belongs to."""

    name: str = ""
    tags: tuple[str, ...] = ()


def named(name: str, tags: Iterable[str] = ()) -> Named:
    """A name and tags that a run can have: spaces put in order, each tag once. Raises RunError, one sentence."""
    tags = tuple(dict.fromkeys(filter(None, (line("tag", tag, LONGEST_TAG) for tag in tags))))
    if comma := next((tag for tag in tags if "," in tag), None):
        raise RunError(f"{records.shown(comma)} is no tag: a comma stands between two tags, not within one.")
    if len(tags) > MOST_TAGS:
        raise RunError(f"{len(tags)} tags are too many for a run. Choose at most {MOST_TAGS}.")
    return Named(line("name", name, LONGEST_NAME), tags)


def line(what: str, text: str, longest: int) -> str:
    """A text of one line with single spaces. Raises RunError if it is too long or holds what cannot be seen."""
    text = " ".join(unicodedata.normalize("NFC", text).split(" ")).strip()
    text = " ".join(filter(None, text.split(" ")))
    if not text.isprintable():  # line breaks, control characters, and what turns the direction of writing
        raise RunError(f"{records.shown(text)} is no {what} for a run: it holds a character that cannot be shown.")
    if len(text) > longest:
        raise RunError(f"{records.shown(text)} has {len(text)} characters. A {what} has at most {longest}.")
    marks = 0
    for c in text:
        marks = marks + 1 if unicodedata.category(c) in ("Mn", "Me") else 0
        if marks > MOST_MARKS:
            raise RunError(f"This {what} has more than {MOST_MARKS} accents on one character. Choose a plainer one.")
    return text


def given(folder: Path | str) -> Named:
    """What the run in `folder` is called: nothing, if it was not named or its file is damaged. Never raises."""
    path = f"{folder}/{FILE}"
    try:
        at = os.stat(path)
    except OSError:
        return Named()
    return kept(path, at.st_mtime_ns, at.st_size, at.st_ino)


@lru_cache(maxsize=8192)
def kept(path: str, mtime_ns: int, size: int, inode: int) -> Named:
    """Of the file at `path`; the other arguments make a changed file a different key."""
    try:
        return read(path)
    except (OSError, Damaged):
        return Named()


def read(path: Path | str) -> Named:
    """The name and tags in a file. Raises OSError, or Damaged if it holds anything else."""
    if os.stat(path).st_size > MOST_BYTES:
        raise Damaged(f"has more than {MOST_BYTES:,} bytes")
    found = records.parse(records.file_bytes(path, MOST_BYTES))
    name, tags = (found.get("name"), found.get("tags")) if isinstance(found, dict) else (None, None)
    if not isinstance(name, str) or not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise Damaged("holds no name and tags")
    try:
        called = named(name, tags)
    except RunError as e:
        raise Damaged(f"cannot be used ({e})") from e
    if found != as_json(called):
        raise Damaged("holds more than a name and tags")
    return called


def write(folder: Path, called: Named) -> None:
    """Name the run in `folder`; a run that is called nothing loses the file. Raises StoreError."""
    try:
        if called == Named():
            (folder / FILE).unlink(missing_ok=True)
        else:
            write_json(folder / FILE, as_json(called))
    except OSError as e:
        raise StoreError(sentence(e, folder)) from e


def as_json(called: Named) -> dict:
    return {**asdict(called), "tags": list(called.tags)}
