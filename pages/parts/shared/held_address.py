"""Keeps the address that a choice has just made, on a page a part of which runs by itself.

Such a part (st.fragment with run_every) comes with the address that the browser had when it asked for it. If somebody
has chosen something meanwhile, the address from before would come back, and take the choice with it as soon as the page
runs. For a moment after a choice its own address therefore wins. Back within that moment is not heard.
"""

import time

import streamlit as st

HELD = "held address"  # in the session: what a choice made of the address, and when
SECONDS = 2.0


def follow() -> None:
    """First of all in a run of the page or of its part, and in an on_change: the address as it was just chosen."""
    held, since = st.session_state.get(HELD, ({}, 0.0))
    if time.monotonic() - since < SECONDS and st.query_params.to_dict() != held:
        st.query_params.from_dict(held)


def chosen() -> None:
    """Last of all in an on_change that writes into the address."""
    st.session_state[HELD] = st.query_params.to_dict(), time.monotonic()


def note() -> None:
    """After what a run of the page itself has changed in the address."""
    _, since = st.session_state.get(HELD, ({}, 0.0))
    st.session_state[HELD] = st.query_params.to_dict(), since
