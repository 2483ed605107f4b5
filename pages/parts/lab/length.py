"""How long the runs are: so many epochs, or minutes in which as many fit; bound to ?epochs= and ?minutes=."""

from collections.abc import Sequence

import streamlit as st

from data import Spec
from models import MODELS
from pages.parts.shared import run_pickers, url_state

KEY, OF_EPOCHS = "minutes", "epochs"
USUAL = 5.0
LEAST, MOST = 0.1, 999.0
MOST_EPOCHS = 2000
EPOCHS = (
    "An epoch is a pass over the unlabelled images. Left empty, each model takes as many as suit it. "
    "Click to give each run so many minutes instead, and so compare models at equal time."
)
MINUTES = (
    "Each run takes as many epochs as fit, measured here before it begins, as if nothing trained beside it. "
    "Click to choose the epochs yourself."
)


def choose(spec: Spec, models: Sequence[str], preset: str, able: bool) -> tuple[int | None, float | None]:
    """Epochs and minutes, one of which is None, or both: each model takes the epochs that suit it.

    There are no minutes unless `able`.
    """
    minutes = asked() if able else None
    st.session_state[f"last_{KEY}"] = minutes

    def switch() -> None:
        if minutes is None:
            st.query_params.pop(OF_EPOCHS, None)
            st.query_params[KEY] = written(st.session_state.get(f"before_{KEY}", USUAL))
        else:
            st.query_params.pop(KEY, None)
            st.session_state[f"last_{KEY}"] = None

    with st.container(key="lab-length"):
        if able:
            other, why = ("minutes", EPOCHS) if minutes is None else ("epochs", MINUTES)
            st.button(other, "other-length", type="tertiary", on_click=switch, help=why)
        if minutes is not None:
            return None, minutes_field(minutes)
        usual = sorted({MODELS[m].epochs(spec, preset) for m in models}) or [1]
        return epochs_field(spec, " or ".join(map(str, usual))), None


def epochs_field(spec: Spec, usual: str) -> int | None:
    """The field for epochs; None if it is empty, as it is once another data set is chosen, which wants others."""
    last = st.session_state.get(f"last_{OF_EPOCHS}")
    if st.session_state.setdefault("epochs-of", spec.name) != spec.name:
        st.session_state["epochs-of"], before, last = spec.name, last, None
        if st.query_params.get(OF_EPOCHS) == str(before):  # not those of a link, or of Back
            run_pickers.forget(OF_EPOCHS)
    asked = last if OF_EPOCHS not in st.query_params else url_state.asked(OF_EPOCHS, 1, MOST_EPOCHS)
    url_state.show(OF_EPOCHS, asked)
    epochs = st.number_input(
        "Epochs", min_value=1, max_value=MOST_EPOCHS, value=None, step=1, placeholder=usual, key=OF_EPOCHS,
        on_change=run_pickers.to_address(OF_EPOCHS, may_be_empty=True),
    )  # fmt: skip
    st.session_state[f"last_{OF_EPOCHS}"] = epochs
    if epochs:
        run_pickers.settle(OF_EPOCHS, str(epochs), "")
    return epochs


def asked() -> float | None:
    """The minutes that the address asks for, or that were chosen last; None: epochs."""
    last = st.session_state.get(f"last_{KEY}")
    return last if KEY not in st.query_params else url_state.decimal(st.query_params[KEY], LEAST, MOST)


def minutes_field(minutes: float) -> float:
    """The field for them."""
    url_state.show(KEY, minutes)
    st.number_input(
        "Minutes", min_value=LEAST, max_value=MOST, step=1.0, format="%g", key=KEY,
        on_change=run_pickers.to_address(KEY, written),
    )  # fmt: skip
    minutes = st.session_state[KEY] or USUAL  # the field was emptied
    st.session_state[f"last_{KEY}"] = st.session_state[f"before_{KEY}"] = minutes
    run_pickers.settle(KEY, written(minutes), "")
    return minutes


def written(minutes: float) -> str:
    """As the address says it."""
    return f"{minutes:g}"
