"""Where the engine of this machine keeps its things, and its settings from the environment."""

import os
from pathlib import Path

from models.errors import JobsError


class QueuePaths:
    """Where the supervisor of a runs folder keeps its things."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / ".jobs"
        self.queue = self.folder / "queue.db"
        self.lock = self.folder / "supervisor.lock"
        self.about = self.folder / "supervisor.json"
        self.log = self.folder / "supervisor.log"
        self.wake = self.folder / "wake"


LARGEST = 1_000_000  # of any number in the environment


def check() -> None:
    """Raises JobsError if a number in the environment would stop a supervisor, where nobody would hear it."""
    slots()
    for name in ("FEWLABELS_IDLE", "FEWLABELS_MAPPER_IDLE"):
        number(name, 1.0, float)


def slots() -> int:
    """How many runs train at once: FEWLABELS_SLOTS, else 1. Raises JobsError."""
    return int(number("FEWLABELS_SLOTS", 1, int))


def number(name: str, default: float, kind: type) -> float:
    """A setting from the environment. Raises JobsError, one sentence, if it is not a positive number."""
    text = os.environ.get(name) or str(default)
    try:
        value = kind(text)
    except ValueError:
        value = 0
    if not 0 < value < LARGEST:  # which "nan" is not, either
        raise JobsError(
            f"{name} is {text!r}; it must be a {'whole ' if kind is int else ''}number above 0 and below {LARGEST}."
        )
    return value
