"""Which methods are trained: any of them, bound to ?models=, so that a link can ask for four at once."""

from collections.abc import Iterable

import streamlit as st

from data import Spec
from models import BASELINE, CLASS, FIRST, IMAGE_MODELS, MODELS, backbones, in_order, standing_on
from pages.parts.shared import run_pickers, url_state, words

KEY = "models"
USUAL = (BASELINE, CLASS)
HELP = "One run for each model and each seed. " + " ".join(f"{MODELS[m].title}: {MODELS[m].summary}" for m in FIRST)


def choose(spec: Spec) -> list[str]:
    """The methods chosen, in the order of MODELS; the baseline and one that has classes until somebody chooses."""
    asked = st.query_params.get(KEY)
    chosen = known(st.session_state.get(f"last_{KEY}", USUAL) if asked is None else asked.split(","))
    url_state.show(KEY, chosen)
    run_pickers.remember(KEY, written, written(USUAL))

    def changed() -> None:
        run_pickers.catch_up(KEY)
        st.query_params[KEY] = written(st.session_state[KEY])

    def choose_all() -> None:
        st.session_state[KEY] = known([*st.session_state[KEY], *FIRST])
        changed()

    def add(model: str) -> None:
        st.session_state[KEY] = known([*st.session_state[KEY], model])
        changed()

    with st.container(gap="xxsmall", key="lab-models"):
        picked = st.pills(
            "Models", known([*FIRST, *chosen]), selection_mode="multi", format_func=lambda m: MODELS[m].legend, key=KEY,
            on_change=changed, help=HELP, wrap=True,
        )  # fmt: skip
        picked = known(picked or [])
        st.session_state[f"last_{KEY}"] = picked
        run_pickers.settle(KEY, written(picked), written(USUAL))
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            if not set(FIRST) <= set(picked):
                st.button(
                    f"All {words.number_of(len(FIRST), 'model')}", "all-models", type="tertiary", on_click=choose_all,
                    help=f"{', '.join(MODELS[m].legend for m in FIRST)}: the paper's, and labels only beside them.",
                )  # fmt: skip
            run_pickers.one_more(
                "more-models", more(spec, picked), add,
                help="Relatives of these, and on photographs all of them on the features of a pretrained network.",
            )  # fmt: skip
    return picked


def more(spec: Spec, picked: list[str]) -> list[str]:
    """What is not among the pills: the other methods, and every method on each backbone that can stand there."""
    able = [m for m in MODELS if "features" in MODELS[m].kinds]
    on = [standing_on(m, b) for b in backbones() for m in able] if spec.photographs else []
    return [m for m in in_order([*IMAGE_MODELS, *on]) if m not in FIRST and m not in picked]


def known(names: Iterable[str]) -> list[str]:
    """Those of the names that are methods for images, in the order of MODELS."""
    return in_order(m for m in names if m in MODELS and "images" in MODELS[m].kinds)


def written(names: Iterable[str]) -> str:
    """As the address says it."""
    return ",".join(known(names))
