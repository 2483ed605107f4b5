"""Figures of a run that a background job makes once: what is kept of them, what is under way, and the button for it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from models import jobs
from models.analysis import ANALYSES, Analysis, door, judge, kept_figures, likelihood, sample_scores, usage
from models.errors import UserError
from models.runs.run import Run
from models.runs.store import FINAL, Folder
from pages.parts.shared import polling, presses

KEPT, PENDING, ABSENT, NEVER = "kept", "pending", "absent", "never"


@dataclass(frozen=True)
class Measure:
    """One kind of figures of a run."""

    question: str  # of the door, with the epoch
    why_not: Callable[[Run], str]  # a sentence why a run has none, "" if it has
    which: str = "z"  # the latent variable under whose name they are kept
    of_space: bool = False  # whether the question is about that one
    soon: Callable[[Run], bool] | None = None  # whether it takes seconds; None: unless its kind is slow

    @property
    def kind(self) -> Analysis:
        return ANALYSES[self.question]

    def unasked(self, run: Run) -> bool:
        """Whether it is made as soon as somebody looks: what takes minutes waits for a button."""
        return self.soon(run) if self.soon else not self.kind.slow

    def figures(self, folder: Folder, epoch: int) -> Any:
        """What the door answers."""
        return door.ask(self.question, folder, epoch=epoch, **({"space": self.which} if self.of_space else {}))


LIKELIHOOD = Measure("likelihood", likelihood.why_not)
# Where there is a judge they take seconds; without one, it is trained first.
SAMPLES = Measure("samples", sample_scores.why_not, soon=lambda run: judge.accuracy(run.dataset) is not None)


def usage_of(space: str) -> Measure:
    """How much of one latent variable is used."""
    return Measure("usage", lambda run: usage.why_not(run, space), space, of_space=True)


@dataclass(frozen=True)
class Found:
    """What is known of one measure of a run."""

    folder: Folder
    measure: Measure
    state: str  # one of the above
    figures: Any = None  # what the door answers
    note: str = ""  # why there are none, or how far they are
    epoch: int = 0


def look(folder: Folder, measure: Measure) -> Found:
    """What there is now; asks for what takes seconds. Never raises."""

    def found(state: str, note: str = "", figures: object = None) -> Found:
        return Found(folder, measure, state, figures, note, epoch or 0)

    epoch, engine = kept_figures.latest(folder), jobs.engine()
    if why := measure.why_not(folder.run):
        return found(NEVER, why)
    if epoch is None:
        return found(NEVER, "This run has kept nothing yet.")
    try:
        if (figures := measure.figures(folder, epoch)) is not None:
            return found(KEPT, figures=figures)
        state, why = engine.map_state(folder.id, epoch, measure.which, measure.kind.name)
    except UserError as e:
        return found(NEVER, str(e))
    if state in ("pending", "ready"):  # it may have become ready just now: the next look has it
        share = kept_figures.progress(folder, epoch, measure.which, measure.kind.name)
        return found(PENDING, "Waiting." if share is None else f"{100 * share:.0f} % done.")
    if folder.status()["state"] not in FINAL:
        return found(NEVER, "Measured when the run has ended.")
    if not folder.has_weights():
        return found(NEVER, "This run has no weights to be measured.")
    if why or not measure.unasked(folder.run):
        return found(ABSENT, why or "Not measured yet.")
    try:
        ask([absent := found(ABSENT)])
    except UserError as e:
        return replace(absent, note=str(e))
    return found(PENDING, "Waiting.")


def ask(founds: Sequence[Found]) -> None:
    """Have all that is absent made."""
    for f in founds:
        if f.state == ABSENT:
            jobs.engine().map(f.folder.id, f.epoch, f.measure.which, f.measure.kind.name, again=True)


def button(founds: Sequence[Found], label: str, key: str, help: str = "") -> None:
    """A button that asks for what is absent, where something is; the page is drawn anew then."""
    if any(f.state == ABSENT for f in founds):
        presses.button(label, lambda: ask(founds), key, icon=":material/calculate:", help=help or None)


def watch(founds: Sequence[Found], name: Callable[[Found], str]) -> None:
    """While something is under way, say how far each is, `name` saying which; the page is drawn anew when one ends."""
    waiting = [f for f in founds if f.state == PENDING]
    if not waiting:
        return

    def now() -> list[Found]:
        return [look(f.folder, f.measure) for f in waiting]

    def told() -> None:
        st.caption(" ".join(f"{name(f)}: {f.note}" for f in now()))

    polling.watch(lambda: [f.state for f in now()], [PENDING] * len(waiting), meanwhile=told)
