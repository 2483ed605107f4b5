"""What was deleted stays for a while in the runs folder under another name, so that it can be brought back.

    .deleted-1764430000-m2-digits-20-s0-ab3k    deleted at that unix time; a whole run folder, or a link
    .removing-...                               being removed

There is nothing else to keep in mind: whoever lists the runs next removes what has stood there long enough, in any
process, also after a crash. Each step is one rename, so that of two who bring back and remove only one succeeds.
"""

import os
import re
import shutil
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from models.runs.run import ID

KEPT = 600.0  # seconds for which what was deleted can be brought back
MINUTES = f"{KEPT / 60:.0f} minutes"
ASIDE = re.compile(rf"\.deleted-(\d{{9,11}})-({ID.pattern})")
LEFT = (".deleted-", ".removing-")  # what an older version began to remove, or any did when it was ended


def put(path: Path) -> None:
    """Put a run aside. Raises OSError."""
    now = int(time.time())
    while True:
        to = path.with_name(f".deleted-{now}-{path.name}")
        if not os.path.lexists(to):
            path.rename(to)
            return
        now += 1  # a run of that name was deleted, brought here and deleted again within a second


def found(root: Path) -> dict[str, tuple[Path, float]]:
    """Where each deleted run is that can be brought back, the last of its name, and the seconds left; latest first."""
    every = {}
    for name in names(root):
        if (m := ASIDE.fullmatch(name)) and (left := int(m[1]) + KEPT - time.time()) > 0:
            before = every.get(m[2])
            every[m[2]] = max(before, (left, name)) if before else (left, name)
    return {id: (root / name, left) for id, (left, name) in sorted(every.items(), key=lambda e: e[1], reverse=True)}


def sweep(root: Path, listed: Iterable[str] | None = None) -> None:
    """Remove what nobody can bring back any more, of these names in `root`. Never raises."""
    for name in names(root) if listed is None else listed:
        if name.startswith(LEFT):
            m = ASIDE.fullmatch(name)
            if m is None or int(m[1]) + KEPT <= time.time():
                remove(root / name)


def remove(path: Path) -> None:
    """Remove one that was put aside. Never raises: what cannot be removed now is tried again by the next who looks."""
    with suppress(OSError):
        if path.name.startswith(".deleted-"):
            gone = path.with_name(f".removing-{path.name.removeprefix('.deleted-')}")
            path.rename(gone)
            path = gone
        if path.is_symlink():
            path.unlink()  # the link, never what it leads to
        else:
            shutil.rmtree(path)


def names(root: Path) -> list[str]:
    try:
        return os.listdir(root)
    except OSError:
        return []
