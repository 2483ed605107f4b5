"""Trains many runs at the same time through the engine, on a cluster: what a table or a sweep lacks. Loads no torch.

As in models/results/train_missing.py nothing is trained twice, and all is read from the disk: whoever asks again after
a kill -9 waits for the runs that are under way, continues those that ended early and lets be those that are done.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from models import jobs
from models.errors import JobsError
from models.results.train_missing import LOOK, Stopped, alike, asked_to_stop, has_outcome, somebody_has
from models.runs.run import Run, is_todays
from models.runs.store import FINAL, Folder, runs

OWNER = "shell"
RETRY = 2.0  # seconds before a busy queue is asked again


def spread(wanted: Sequence[Run], root: Path, say: Callable[[str], None]) -> list[str]:
    """Take all of `wanted` to their ends; return a sentence for each that has no outcome then.

    Raises StoreError if a folder cannot be written, and Stopped after Ctrl-C, a TERM or a hang-up: the runs go on.
    """
    with asked_to_stop() as stop:
        waited = dict(begin(run, root, say) for run in wanted if not stop())
        failures, said = [], ""
        open_ones = dict(waited)
        while open_ones and not stop():
            for id, state in jobs.engine(root).states(open_ones).items():
                if not state.final:
                    continue
                run = open_ones.pop(id)
                folder = Folder(root / id)
                of = f"[{len(waited) - len(open_ones)} of {len(waited)}] {run}"
                if state.state == "done":
                    at = f" on the node {node}" if (node := folder.where().get("node")) else ""
                    accuracy = (folder.result() or {}).get("test_accuracy")
                    say(f"{of}: done{at}" + ("" if accuracy is None else f", {accuracy:.2%}"))
                else:
                    failures.append(f"{run}: {state.detail or 'It was stopped.'} It is kept as {folder.path}.")
                    say(f"{of}: {state.state}")
            trouble = jobs.engine(root).capacity().trouble
            if trouble != said and trouble:
                say(trouble)
            said = trouble
            time.sleep(LOOK)
        if open_ones:
            say(f"{len(open_ones)} runs go on on the cluster.")
            raise Stopped(failures)
    return failures


def begin(run: Run, root: Path, say: Callable[[str], None]) -> tuple[str, Run]:
    """Have `run` under way, or find where it was done: (id, run)."""
    tries = same(run, root)
    if done := next((f for f in tries if f.status()["state"] == "done" and complete(f, run)), None):
        return done.id, run
    if going := next((f for f in tries if somebody_has(f) or f.status()["state"] == "queued"), None):
        say(f"{going.id} is under way already: waiting for it.")
        return going.id, run
    ended = {*FINAL} - {"done"}
    early = next((f for f in tries if f.run == run and f.status()["state"] in ended), None)
    while True:
        try:
            if early is None:
                return jobs.engine(root).submit(run, OWNER), run
            jobs.engine(root).resubmit(early.id)
            return early.id, run
        except JobsError as e:
            say(str(e))
            time.sleep(RETRY)


def same(run: Run, root: Path) -> list[Folder]:
    """The folders of this very run, or of a table's cell and seed of it, newest first."""
    return alike(run, root) if is_todays(run) else [f for f in runs(root) if f.run == run]


def complete(folder: Folder, run: Run) -> bool:
    """Whether its result counts, by today's code."""
    return has_outcome(folder) if is_todays(run) else folder.result() is not None
