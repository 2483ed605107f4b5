"""Training what a table lacks, as several commands do."""

from collections.abc import Sequence
from pathlib import Path

from models import environment
from models.runs.run import Run
from models.shell.output import say


def train(lacking: Sequence[Run], total: int, where: Path) -> tuple[list[str], bool]:
    """Train runs, here or on a cluster: a sentence for each that failed, and whether somebody stopped it."""
    from models.results import spread, train_missing

    if not lacking:
        return [], False
    say(f"{len(lacking)} of {total} runs are not finished; they take {train_missing.length(lacking, where)}.")
    try:
        return (spread.spread if environment.cluster() else train_missing.fill)(lacking, where, say), False
    except train_missing.Stopped as e:
        return e.failures, True


def code(failures: Sequence[str], stopped: bool) -> int:
    """The exit code."""
    return 130 if stopped else 1 if failures else 0
