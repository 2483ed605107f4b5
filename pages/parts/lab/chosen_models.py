"""Which methods are trained: any of them, bound to ?models=, so that a link can ask for four at once."""

from collections.abc import Sequence

import streamlit as st

from models import BASELINE, CLASS, IMAGE_MODELS, MODELS
from pages.parts.shared import run_pickers, url_state, words

KEY = "models"
USUAL = (BASELINE, CLASS)
HELP = "One run for each model and each seed. " + " ".join(f"{m.title}: {m.summary}" for m in IMAGE_MODELS.values())


def choose() -> list[str]:
    """The methods chosen, in the order of MODELS; the baseline and one that has classes until somebody chooses."""
    asked = st.query_params.get(KEY)
    chosen = st.session_state.get(f"last_{KEY}", USUAL) if asked is None else asked.split(",")
    url_state.show(KEY, in_order(chosen))
    run_pickers.remember(KEY, written, written(USUAL))

    def changed() -> None:
        run_pickers.catch_up(KEY)
        st.query_params[KEY] = written(st.session_state[KEY])

    def choose_all() -> None:
        st.session_state[KEY] = learners
        changed()

    learners = [m for m in IMAGE_MODELS if not MODELS[m].frozen]
    with st.container(gap="xxsmall", key="lab-models"):
        picked = st.pills(
            "Models", list(IMAGE_MODELS), selection_mode="multi", format_func=lambda m: MODELS[m].legend, key=KEY,
            on_change=changed, help=HELP, wrap=True,
        )  # fmt: skip
        picked = in_order(picked or [])
        st.session_state[f"last_{KEY}"] = picked
        run_pickers.settle(KEY, written(picked), written(USUAL))
        if not set(learners) <= set(picked):
            st.button(
                f"All {words.number_of(len(learners), 'model')}", "all-models", type="tertiary", on_click=choose_all,
                help=f"{', '.join(MODELS[m].legend for m in learners)}: those that learn from scratch, side by side.",
            )  # fmt: skip
    return picked


def in_order(names: Sequence[str]) -> list[str]:
    """Those of the names that are methods, in the order of MODELS."""
    return [m for m in IMAGE_MODELS if m in names]


def written(names: Sequence[str]) -> str:
    """As the address says it."""
    return ",".join(in_order(names))
