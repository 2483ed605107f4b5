"""Measuring how many epochs fit into minutes while nobody has to wait for it: what a page asks for.

A thread waits for a process of its own, `python -m models.results.measuring ROOT MINUTES`, which reads the runs as
JSON, gives way to the page server as a run does and keeps what it found (models/results/minutes.py). One at a time:
thirty visitors who ask for the same have it measured once.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from models.errors import UserError
from models.jobs.processes import step_back
from models.results import minutes as epochs_in
from models.runs.run import Run
from models.runs.store import PROJECT

Asked = tuple[Path, frozenset[str]]  # the runs folder, and what makes runs take the same epochs


@dataclass
class Job:
    """How a measurement is doing."""

    state: str  # "waiting" until others are done, then "measuring", then "ended"
    error: str = ""  # a sentence, if it ended without all the epochs


_jobs: dict[Asked, Job] = {}
_changing, _measuring = threading.Lock(), threading.Lock()


def start(runs: Sequence[Run], minutes: float, root: Path) -> None:
    """Have the epochs of these runs measured, unless they just are."""
    asked = name(runs, minutes, root)
    with _changing:
        if asked in _jobs and _jobs[asked].state != "ended":
            return
        job = _jobs[asked] = Job("waiting" if _measuring.locked() else "measuring")
    threading.Thread(target=work, args=(job, runs, minutes, root), name="measures an epoch", daemon=True).start()


def look(runs: Sequence[Run], minutes: float, root: Path) -> Job:
    """How the last measurement of these runs is doing; one that nobody asked for has ended."""
    return _jobs.get(name(runs, minutes, root)) or Job("ended")


def name(runs: Sequence[Run], minutes: float, root: Path) -> Asked:
    return root, frozenset(epochs_in.key(run, minutes) for run in runs)


def work(job: Job, runs: Sequence[Run], minutes: float, root: Path) -> None:
    """What the thread does: its turn comes, and what others have measured meanwhile is not measured again."""
    try:
        with _measuring:
            job.state = "measuring"
            if None in epochs_in.known(runs, minutes, root):
                job.error = measure(runs, minutes, root)
    except UserError as e:
        job.error = str(e)
    finally:
        job.state = "ended"


def measure(runs: Sequence[Run], minutes: float, root: Path) -> str:
    """Measure in a process of its own; "", or a sentence why it could not be done."""
    done = subprocess.run(
        [sys.executable, "-m", "models.results.measuring", str(root), str(minutes)], cwd=PROJECT, check=False,
        input=json.dumps([run.to_dict() for run in runs]), text=True, capture_output=True,
    )  # fmt: skip
    if not done.returncode:
        return ""
    *trace, last = done.stderr.strip().splitlines() or ["", "nothing was said"]
    return f"The measurement failed ({last}). Choose epochs instead." if trace else last


if __name__ == "__main__":
    step_back()
    wanted = [Run.from_dict(d) for d in json.load(sys.stdin)]
    try:
        epochs_in.of_table(wanted, float(sys.argv[2]), Path(sys.argv[1]), lambda says: None)
    except UserError as e:
        sys.exit(str(e))
