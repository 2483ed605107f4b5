"""File locks (`flock`): who holds a run folder, found out without trusting a process id."""

import fcntl
import os
import time
from pathlib import Path

LOCK_PATIENCE = 0.5  # seconds; a reader that asks whether a run lives holds its lock for some microseconds


def held(path: Path) -> bool:
    """Whether some process holds the lock on `path`, found out the portable way: by trying to share it for a moment."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


def take(path: Path) -> int:
    """Lock `path`, write this process's id into it, and return the descriptor that holds it.

    Raises BlockingIOError if another process has it. Not inherited by programs this process starts.
    """
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    give_up = time.monotonic() + LOCK_PATIENCE
    try:
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:  # perhaps only somebody asking, who lets go at once
                if time.monotonic() > give_up:
                    raise
                time.sleep(0.01)
        os.ftruncate(fd, 0)
        os.pwrite(fd, str(os.getpid()).encode(), 0)
    except OSError:
        os.close(fd)
        raise
    return fd


def holder(path: Path) -> int | None:
    """The id of the process that holds the lock on `path`, or None."""
    try:
        text = path.read_text()
    except (OSError, ValueError):
        return None
    return int(text) if text.isdecimal() and held(path) else None
