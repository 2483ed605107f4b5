"""Runs of so many minutes: the epochs that fit into them, measured on this machine before the run begins. No torch.

A run's learning rate falls over its epochs, so their number must be known before the first step; and methods compare at
equal time only where each is timed as it is here and now. So a few steps and an evaluation are tried in a process of
their own (models/training/trial.py). What other programs take from the run later is not known.
"""

import hashlib
import json
import math
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from data import files
from models import MODELS
from models.errors import RunError, StoreError
from models.jobs.placing import Machine
from models.jobs.processes import cores, keeping_memory
from models.results.outcome import cell_of
from models.runs.files import sentence, write_json
from models.runs.run import Run

KEPT = "minutes.json"
MOST = 10_000.0  # minutes: a week


@dataclass(frozen=True)
class Pace:
    """How fast a run is here, seconds each."""

    start: float  # until the first step
    step: float
    steps: int  # an epoch
    look: float  # the evaluation of an epoch, and what is kept of it
    end: float  # what a result asks for besides

    @property
    def epoch(self) -> float:
        return self.steps * self.step + self.look

    def epochs(self, seconds: float) -> int:
        """How many fit into so many seconds, what comes before the first and after the last included; 0: not one."""
        return max(0, math.floor((seconds - self.start - self.look - self.end) / self.epoch))


def check(minutes: float | None, epochs: int | None) -> None:
    """Raise RunError, one sentence, for minutes that cannot be."""
    if minutes is None:
        return
    if epochs is not None:
        raise RunError("--minutes and --epochs both say how long a run is. Leave one of them out.")
    if not (math.isfinite(minutes) and 0 < minutes <= MOST):
        raise RunError(f"No run can be of {minutes:g} minutes. Choose a number above 0, at most {MOST:,.0f}.")


def in_time(run: Run, minutes: float) -> tuple[Run, str]:
    """The run with as many epochs as fit, and a sentence that says so. Raises RunError if not even one does."""
    pace = measured(run)
    title, epochs = MODELS[run.model].title, pace.epochs(60 * minutes)
    if not epochs:
        least = (pace.start + 2 * pace.look + pace.end + pace.steps * pace.step) / 60
        few = f"{minutes:g} minutes are too few for an epoch of {title} here"
        raise RunError(f"{few}: one takes {least:.2g} minutes in all.")
    return replace(run, epochs=epochs), f"{title}: an epoch takes {pace.epoch:.3g} s here: {epochs} in {minutes:g} min."


def of_table(runs: Sequence[Run], minutes: float, root: Path, say: Callable[[str], None]) -> list[Run]:
    """Runs of a table with the epochs that fit: the same for all seeds of a cell, and when it is asked for again.

    They are kept as minutes.json in `root`. Two that measure at the same time would measure each other: one waits.
    Raises RunError or StoreError.
    """
    found = []
    for run in runs:
        if (timed := known([run], minutes, root)[0]) is None:
            with files.locked("minutes"):
                timed = known([run], minutes, root)[0] or keep(run, minutes, root, say)  # or measured meanwhile
        found.append(timed)
    return found


def known(runs: Sequence[Run], minutes: float, root: Path) -> list[Run | None]:
    """Of each run the one with the epochs that are kept for it; None if there are none yet.

    Raises StoreError, or RunError for a run that cannot be of so few.
    """
    kept = read(root)
    epochs = [kept.get(key(run, minutes)) for run in runs]
    return [replace(run, epochs=n) if isinstance(n, int) else None for run, n in zip(runs, epochs, strict=True)]


def keep(run: Run, minutes: float, root: Path, say: Callable[[str], None]) -> Run:
    """Measure a run, and keep its epochs."""
    timed, says = in_time(run, minutes)
    say(says)
    try:
        root.mkdir(parents=True, exist_ok=True)
        write_json(root / KEPT, read(root) | {key(run, minutes): timed.epochs})
    except OSError as e:
        raise StoreError(sentence(e, root / KEPT)) from e
    return timed


def read(root: Path) -> dict:
    """What is kept. Raises StoreError."""
    path = root / KEPT
    try:
        return dict(json.loads(path.read_bytes()).items())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError) as e:
        raise StoreError(f"{path} cannot be used ({e}). Delete it: the epochs are measured anew.") from e


def key(run: Run, minutes: float) -> str:
    """What makes two runs take the same epochs: all but the seed. A preset may have other settings tomorrow."""
    settings = hashlib.sha256(json.dumps(asdict(run.settings), sort_keys=True).encode()).hexdigest()[:12]
    return " ".join(map(str, (*cell_of(run), run.device, run.threads, f"{minutes:g}", settings)))


def measured(run: Run) -> Pace:
    """The pace of a run as `train` would run it now. Raises RunError if it cannot be had."""
    place = Machine(cores(), load=os.getloadavg()[0]).place(run, 0, ())
    threads = run.threads or (place.threads if place else 1)
    done = subprocess.run(
        [sys.executable, "-m", "models.training.trial"], input=json.dumps(run.to_dict()), text=True, check=False,
        capture_output=True, env=keeping_memory() | {"OMP_NUM_THREADS": str(threads)},
    )  # fmt: skip
    if done.returncode:
        why = (done.stderr.strip().splitlines() or ["nothing was said"])[-1]
        raise RunError(f"How long an epoch of {run} takes could not be measured ({why}). Choose its epochs instead.")
    return Pace(**json.loads(done.stdout.splitlines()[-1]))
