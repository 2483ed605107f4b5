"""The runs for which Start was pressed, until they are started: another press, or a measurement, may come before."""

import time
from collections.abc import Sequence

import streamlit as st

from models.runs.run import Run

KEY = "to be started"  # in the session: the runs and minutes, and when it was pressed
LATE = 10.0  # seconds after which nobody expects any more what he has pressed; a measurement may take longer


def keep(runs: Sequence[Run], minutes: float | None) -> None:
    """Have these runs started as soon as the page is drawn so far, if nothing else is chosen meanwhile."""
    st.session_state[KEY] = runs, minutes, time.monotonic()


def kept(runs: Sequence[Run], minutes: float | None) -> bool:
    """Whether these runs are still to be started; any others are forgotten."""
    *what, since = st.session_state.get(KEY, (None, None, 0.0))
    if what == [runs, minutes] and (minutes is not None or time.monotonic() - since < LATE):
        return True
    forget()
    return False


def forget() -> None:
    """They are started, or cannot be."""
    st.session_state.pop(KEY, None)
