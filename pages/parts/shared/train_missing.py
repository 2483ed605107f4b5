"""Starting what a table lacks: which runs, how long they take, and each of them once, however often one presses."""

import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import streamlit as st

from models import jobs
from models.errors import UserError
from models.results import estimate, table
from models.results.outcome import extended
from models.results.table import Shelf
from models.runs import store
from models.runs.run import Run
from models.runs.store import FINAL, Folder
from pages.parts.shared import forecasts, owner, presses

AT_ONCE = 60  # runs that one press may queue


@dataclass(frozen=True)
class Gap:
    """What a row or a table lacks."""

    runs: tuple[Run, ...] = ()  # neither finished here nor under way
    early: tuple[str, ...] = ()  # ids of those among them that began once and ended without a result
    long: str = ""  # how long they take, in words


@st.cache_resource(show_spinner=False)
def _one_at_a_time() -> threading.Lock:
    """Two visitors who press at the same moment must not both find the same run missing."""
    return threading.Lock()


def gaps(groups: Mapping[str, Sequence[Run]], shelf: Shelf) -> dict[str, Gap]:
    """What is missing of each group of runs, by what the page has read of the runs folder."""
    missing = set(table.missing([r for runs in groups.values() for r in runs], shelf.own()))
    early, capacity = begun(missing, shelf.runs), jobs.engine().capacity()
    found = {}
    for name, runs in groups.items():
        lacking = tuple(r for r in runs if r in missing)
        ids = tuple(early[kind(r)].id for r in lacking if kind(r) in early)
        found[name] = Gap(
            lacking, ids, forecasts.forecast(lacking, capacity, estimate.each(lacking, shelf.runs, bool(capacity.gpus)))
        )
    return found


def kind(run: Run) -> tuple:
    """What makes two runs the same cell and seed of a table, on whatever device."""
    return run.dataset, run.model, run.labels, run.epochs, run.preset, run.settings, run.seed, run.parent


def begun(runs: Sequence[Run] | set[Run], folders: Sequence[Folder]) -> dict[tuple, Folder]:
    """Of these runs, the latest try of each that ended without a result: it can go on from its last epoch.

    Not one of another visitor, nor one that began with other epochs than it has now: no table counts that one, so it
    would be missing for ever.
    """
    wanted, found = {kind(r) for r in runs}, {}
    for folder in folders if wanted else ():
        try:
            if kind(folder.run) not in wanted or folder.run.validation:
                continue
        except UserError:  # it was deleted just now
            continue
        state = folder.status()["state"]
        if state in FINAL and state != "done" and not extended(folder) and owner.ones_own(folder):
            found.setdefault(kind(folder.run), folder)
    return found


def fill(runs: Sequence[Run]) -> list[str]:
    """Queue those of `runs` that are neither finished nor under way; return their ids.

    One that ended early is continued. Asking twice is asking once. Raises RunError, StoreError or JobsError.
    """
    engine, by = jobs.engine(), owner.visitor()
    ids = []
    with _one_at_a_time():
        shelf = Shelf(store.root(), None)
        missing = table.missing(runs, shelf)
        early = begun(missing, shelf.runs)
        for run in missing:
            if folder := early.get(kind(run)):
                engine.resubmit(folder.id)
                ids.append(folder.id)
            else:
                ids.append(engine.submit(run, owner=by))
    return ids


def once(runs: Sequence[Run]) -> tuple[list[str], int]:
    """The ids of these runs, and how many of them are finished or under way: those are not trained a second time.

    Thirty visitors who press the same button make one run. Raises RunError, StoreError or JobsError.
    """
    engine, by = jobs.engine(), owner.visitor()
    with _one_at_a_time():
        known = here(store.runs(store.root()))
        ids = [known.get(kind(run)) or engine.submit(run, owner=by) for run in runs]
    return ids, sum(kind(run) in known for run in runs)


def here(folders: Sequence[Folder]) -> dict[tuple, str]:
    """The ids of the runs that are finished or under way, by what makes two runs the same; of several the latest."""
    found = {}
    for folder in reversed(folders):
        with suppress(UserError):  # it was deleted just now
            if not folder.run.validation and folder.status()["state"] in ("queued", "running", "done"):
                found[kind(folder.run)] = folder.id
    return found


def button(gap: Gap, key: str, ready: str, label: str = "Train", primary: bool = False) -> None:
    """A button that starts what is missing, and how long that takes. `ready`: how available the data set is."""
    n, now = len(gap.runs), gap.runs[:AT_ONCE]
    presses.button(
        f"{label} the first {AT_ONCE} of {n} runs" if n > AT_ONCE else f"{label} {n} run{'' if n == 1 else 's'}",
        lambda: fill(now),
        key,
        type="primary" if primary else "tertiary",
        icon=":material/play_arrow:",
        disabled=ready == "absent",
    )
    st.caption(gap.long, width="content")
