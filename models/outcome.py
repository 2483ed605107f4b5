"""What a finished run reached, and whether it counts in a table of results. Loads no torch.

A run counts for a cell (data set, model, labels, preset) when it is done, was evaluated on the whole test set, and is
what `Run.make` gives for that cell today: the same epochs and the same settings, begun from nothing. One that goes on
from another run, with labels that somebody gave, counts for none. So a preset that changes empties its
cells. Which device and how many threads it had does not matter. Of several such runs of one seed the newest counts,
never the best.
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from models.run import Run, RunError
from models.store import Folder, StoreError

Cell = tuple[str, str, int, str]  # dataset, model, labels, preset


@dataclass(frozen=True)
class Outcome:
    """The figures of one finished run."""

    dataset: str
    model: str
    labels: int
    preset: str
    seed: int
    epochs: int
    accuracy: float  # fraction of the full test set
    seconds: float  # wall time of the whole run
    run: str | None  # the run's id; None: a reference figure
    beside: float | None  # M1: the same SVM on raw pixels
    device: str
    threads: int
    made: str  # ISO date

    @property
    def cell(self) -> Cell:
        return self.dataset, self.model, self.labels, self.preset


def cell_of(run: Run) -> Cell:
    return run.dataset, run.model, run.labels, run.preset


def is_todays(run: Run) -> bool:
    """Whether `run` is what its preset means today, evaluated on the test set, on whatever device."""
    try:
        today = Run.make(run.dataset, run.model, run.labels, run.seed, preset=run.preset)
    except RunError:
        return False
    if run.parent is not None:
        return False
    return (run.epochs, run.settings, run.validation) == (today.epochs, today.settings, 0)


def outcome_of(folder: Folder) -> Outcome | None:
    """The figures of a run that is done; None if it has none that count. Whose settings it had is not asked here."""
    try:
        at = folder.metrics.stat()
        return read_outcome(folder.path, folder.run, at.st_mtime_ns, at.st_size, at.st_ino)
    except (OSError, StoreError):
        return None


@lru_cache(maxsize=4096)
def read_outcome(path: Path, run: Run, mtime_ns: int, size: int, inode: int) -> Outcome | None:
    """What metrics.jsonl says; the other arguments make a changed file a different key."""
    folder = Folder(path)
    result = folder.result() or {}
    if extended(folder) or run.parent is not None:
        return None
    if result.get("evaluated_on", "test") != "test" or not fraction(result.get("test_accuracy")):
        return None
    seconds, threads, t = (result.get(key, 0) for key in ("seconds", "threads", "t"))
    try:
        made = datetime.fromtimestamp(t, UTC).date().isoformat()
    except (TypeError, ValueError, OverflowError, OSError):
        return None  # a line that no run of ours wrote
    if not number(seconds) or not isinstance(threads, int):
        return None
    beside = result.get("raw_pixel_svm_accuracy")
    return Outcome(
        run.dataset,
        run.model,
        run.labels,
        run.preset,
        run.seed,
        run.epochs,
        accuracy=result["test_accuracy"],
        seconds=seconds,
        run=folder.id,
        beside=beside if fraction(beside) else None,
        device=str(result.get("device", "?")),
        threads=threads,
        made=made,
    )


def extended(folder: Folder) -> bool:
    """Whether it began with other epochs than it has now: its schedule was then not that of such a run."""
    return any(epochs != folder.run.epochs for epochs in folder.summary().begun)


def number(value: object) -> bool:
    """Whether it is a finite number of at least 0."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < math.inf


def fraction(value: object) -> bool:
    return number(value) and value <= 1
