"""Trains what a table lacks, one run after the other, each in a process of its own. Loads no torch.

Nothing is trained twice: a run that ended early is continued in its own folder, and one that somebody else has under
way (the explorer's queue, another shell) is waited for. All this is read from the disk, so a kill -9 changes nothing.
"""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import data
from models import jobs
from models.jobs.processes import keeping_memory
from models.results import estimate
from models.results.outcome import extended, outcome_of
from models.runs.run import Run
from models.runs.store import FINAL, Folder, runs

LOOK = 0.5  # seconds between two looks at a run
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(Exception):
    """Somebody asked to stop; the run in hand kept what it had learned. `failures`: as `fill` would have returned."""

    def __init__(self, failures: list[str]) -> None:
        super().__init__("Stopped.")
        self.failures = failures


def fill(wanted: Sequence[Run], root: Path, say: Callable[[str], None]) -> list[str]:
    """Train `wanted`, none of which has an outcome; return a sentence for each that has none afterwards.

    One failure does not end the others. Raises DataError before anything begins if a data set is not here, StoreError
    if a run's folder cannot be written, and Stopped after Ctrl-C, a TERM or a hang-up, when the run in hand has saved
    what it had learned.
    """
    for dataset in dict.fromkeys(run.dataset for run in wanted):
        data.load(dataset)
    failures = []
    with asked_to_stop() as stop:
        for i, run in enumerate(wanted, 1):
            say(f"[{i} of {len(wanted)}] {run}")
            if trouble := train(run, root, stop, say):
                failures.append(f"{run}: {trouble}")
            if stop():
                raise Stopped(failures)
    return failures


@contextmanager
def asked_to_stop() -> Iterator[Callable[[], int]]:
    """In here a signal to stop is only noted; what is given tells how many there were."""
    asked = []
    heard = [s for s in SIGNALS if signal.getsignal(s) is not signal.SIG_IGN]  # nohup means it
    before = {s: signal.signal(s, lambda *_: asked.append(True)) for s in heard}
    try:
        yield lambda: len(asked)
    finally:
        for s, handler in before.items():
            signal.signal(s, handler)


def train(run: Run, root: Path, stop: Callable[[], int], say: Callable[[str], None]) -> str:
    """Take `run` to its end, in whichever folder that is; "", or a sentence that says why it has no outcome."""
    while not stop():
        tries = alike(run, root)
        if other := next((f for f in tries if somebody_has(f)), None):
            say(f"{other.id} is under way already: waiting for it.")
            while somebody_has(other) and not stop():
                time.sleep(LOOK)
            continue
        if done := next((f for f in tries if has_outcome(f)), None):  # asked last: none ends unseen in between
            say(f"{done.id} has been trained meanwhile.")
            return ""
        folder = unfinished(run, root) or Folder.create(run, root)
        code = work(folder, stop)
        if has_outcome(folder):
            return ""
        status = folder.status()
        if not stop() and not somebody_has(folder):  # else it goes round: the other one is waited for
            why = status["detail"] or {"stopped": "It was stopped."}.get(status["state"], f"Exit code {code}.")
            return f"{why} It is kept as {folder.path}."
    return ""


def work(folder: Folder, stop: Callable[[], int]) -> int:
    """Train the run in `folder` in a process of its own, with its progress bar on our stderr; its exit code."""
    command = [sys.executable, "-m", "models", "train", "--continue", folder.id, "--runs", str(folder.path.parent)]
    # A process group of its own: a Ctrl-C in the terminal comes to us alone, and we tell it.
    child = subprocess.Popen([*command, "--json"], stdout=subprocess.DEVNULL, process_group=0, env=keeping_memory())
    while child.poll() is None:
        try:
            child.wait(LOOK)
        except subprocess.TimeoutExpired:
            if stop():
                folder.request_stop()  # again each time: as it begins, it clears what was asked before
            if stop() > 1:  # somebody is impatient
                child.send_signal(signal.SIGINT)
    if stop():
        folder.clear_stop()
    return child.returncode


def alike(run: Run, root: Path) -> list[Folder]:
    """The folders of this run, newest first, on whatever device."""
    return [f for f in runs(root) if anywhere(f.run) == anywhere(run)]


def anywhere(run: Run) -> Run:
    """The same run on whatever device."""
    return replace(run, device="auto", threads=0)


def has_outcome(folder: Folder) -> bool:
    return folder.status()["state"] == "done" and outcome_of(folder) is not None


def unfinished(run: Run, root: Path) -> Folder | None:
    """The latest try at exactly this run that ended early, or was made and never begun."""
    states = {*FINAL, "queued"} - {"done"}
    return next(
        (f for f in alike(run, root) if f.run == run and f.status()["state"] in states and not extended(f)), None
    )


def somebody_has(folder: Folder) -> bool:
    """Whether another process trains this run, or the explorer's queue will."""
    if folder.status()["state"] in FINAL:
        return False
    state = jobs.engine(folder.path.parent).states([folder.id])[folder.id]
    return not state.final and (state.state != "queued" or state.position is not None)


def length(wanted: Sequence[Run], root: Path) -> str:
    """How long all of them take together, in words."""
    seconds = estimate.each(wanted, root)
    known = sum(s for s in seconds if s is not None)
    if not known:
        return "for how long is not known yet"
    words = f"{known / 60:.0f} minutes" if known >= 90 else f"{known:.0f} seconds"
    return f"{'at least' if None in seconds else 'about'} {words}"
