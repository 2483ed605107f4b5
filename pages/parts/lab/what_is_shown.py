"""Which runs Lab shows: those chosen, and as long as there is none of one's own, examples of the models chosen."""

from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from data import DATASETS
from models import MODELS
from models.results import examples
from models.runs.store import Folder
from pages.parts.lab import launch, live_maps
from pages.parts.shared import run_cards, run_pickers


def choose(mine: Sequence[Folder], at_most: int, where: DeltaGenerator) -> list[Folder]:
    """The runs chosen, behind a button in `where`: named there, they would take lines, more of them with each run.

    The button says what they learn from, if that is the same: not always what the next ones will.
    """
    ids = launch.watched() if mine else []
    of = {f"{DATASETS[f.run.dataset].title}, {f.run.budget(',')}" for f in mine if f.id in ids}
    name = of.pop() if len(of) == 1 else "Runs shown"
    return run_pickers.choose_runs(
        at_most=at_most,
        can=None,
        label=f"Runs shown, up to {at_most}",
        key="watch",
        default=run_cards.first_choice,
        none="",
        link=False,
        where=where.popover(name, icon=":material/visibility:", key="runs-shown") if mine else None,
    )


def examples_of(models: Sequence[str], where: DeltaGenerator) -> list[Folder]:
    """The examples of the models chosen, and in `where` what they are; of all, if there is none of those."""
    every = run_pickers.examples_of(len(MODELS))
    found = ([f for f in every if f.run.model in models] or every)[: live_maps.MOST]
    if found:
        on = f"{DATASETS[examples.DATASET].title}, {examples.LABELS} labels"
        where.caption(f"**Examples:** {on}", width="content", help="They make way for your own runs.")
    else:
        st.caption("No runs yet. Press Start for the first.")
    return found
