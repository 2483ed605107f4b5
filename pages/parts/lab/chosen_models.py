"""Which methods are trained: any of them, bound to ?models=, so that a link can ask for four at once."""

from collections.abc import Iterable

import streamlit as st

from data import Spec
from models import BASELINE, CLASS, FIRST, IMAGE_MODELS, MODELS, in_order
from pages.parts.lab import on_features
from pages.parts.shared import run_pickers, url_state, words

KEY = "models"
USUAL = (BASELINE, CLASS)
HELP = "One run for each model and each seed. " + " ".join(f"{MODELS[m].title}: {MODELS[m].summary}" for m in FIRST)


def choose(spec: Spec) -> list[str]:
    """The methods chosen, in the order of MODELS; the baseline and one that has classes until somebody chooses."""
    asked = st.query_params.get(KEY)
    chosen = known(st.session_state.get(f"last_{KEY}", USUAL) if asked is None else asked.split(","))
    url_state.show(KEY, chosen)
    changed = run_pickers.to_address(KEY, written)

    def pick(models: Iterable[str]) -> None:
        st.session_state[KEY] = known(models)
        changed()

    def add(model: str) -> None:
        pick([*st.session_state[KEY], model])

    with st.container(gap="xxsmall", key="lab-models"):
        picked = st.pills(
            "Models", known([*FIRST, *chosen]), selection_mode="multi", format_func=lambda m: MODELS[m].legend, key=KEY,
            on_change=changed, help=HELP, wrap=True,
        )  # fmt: skip
        picked = known(picked or [])
        st.session_state[f"last_{KEY}"] = picked
        run_pickers.settle(KEY, written(picked), written(USUAL))
        with st.container(horizontal=True, gap="xsmall", vertical_alignment="center", key="lab-more"):
            if not set(FIRST) <= set(picked):
                st.button(
                    f"All {words.number_of(len(FIRST), 'model')}", "all-models", type="tertiary",
                    on_click=lambda: pick([*st.session_state[KEY], *FIRST]),
                    help=f"{', '.join(MODELS[m].legend for m in FIRST)}: the paper's, and labels only beside them.",
                )  # fmt: skip
            run_pickers.one_more("more-models", more(picked), add, help="Relatives of these.")
            if spec.photographs:
                on_features.choose(picked, pick)
    return picked


def more(picked: list[str]) -> list[str]:
    """What is not among the pills."""
    return [m for m in IMAGE_MODELS if m not in FIRST and m not in picked]


def known(names: Iterable[str]) -> list[str]:
    """Those of the names that are methods for images, in the order of MODELS."""
    return in_order(m for m in names if m in MODELS and "images" in MODELS[m].kinds)


def written(names: Iterable[str]) -> str:
    """As the address says it."""
    return ",".join(known(names))
