"""Following: this browser sees the presenter's page, address, pinned image, epoch and lasso, until one lets go.

The browser asks twice a second, each time after it has the answer to the last; an answer that says nothing new draws
nothing but the corner. Not by `run_every`: its timer fires once more while the server is opening another page, and
Streamlit then draws the elements of that page under the name of this one, or fails at a "delta path".
"""

from dataclasses import dataclass

import streamlit as st

from pages.parts.components.follower import follower
from pages.parts.presenter import modes
from pages.parts.presenter.channel import CHANNEL, Shown
from pages.parts.shared import menu

KEY = "follower"
STATE = "follower-state"  # in the session
LONGEST = 5000  # characters of a value of the address: that of Compare's runs
Place = tuple[str, tuple[tuple[str, str], ...]]  # a page's file and its parameters


@dataclass
class Following:
    """How far this visit follows."""

    on: bool = True
    place: Place = ("", ())  # where the presenter has last led it
    said: str = ""
    looks: int = 0  # how often the browser has asked


def show(current: str) -> None:
    """The corner of a page that says whether one follows, and takes one along."""
    state: Following = st.session_state.setdefault(STATE, Following())
    led = state.place[0]
    if state.on and led and current != led:
        state.on, state.said = False, "You went to another page than the presenter."
    with st.container(key="follower-corner"):
        _corner(current, state)


def _corner(current: str, state: Following) -> None:
    @st.fragment
    def corner() -> None:
        shown = CHANNEL.look() if state.on else None
        if shown and shown.ended:
            state.on, state.said = False, f"{shown.ended} You go on by yourself."
        if state.on and shown and shown.page:
            _come(current, state, shown)
        state.looks += 1
        follower(
            {
                "on": state.on,
                "waits": state.on and (shown is None or not shown.page),
                "said": state.said,
                "live": shown.live if shown and shown.page == current else "",
                "look": state.looks,
            },
            key=KEY,
            on_let_go=lambda: _set(state, False),
            on_again=lambda: _set(state, True),
        )

    corner()


def _set(state: Following, on: bool) -> None:
    state.on, state.place, state.said = on, ("", ()), ""


def _come(current: str, state: Following, shown: Shown) -> None:
    """To the presenter's page and address, unless this browser is there or has been since they changed."""
    place = (shown.page, shown.address)
    if place == state.place or shown.page not in menu.PAGES:
        return
    state.place = place
    here = modes.address()
    there = {k: v[:LONGEST] for k, v in shown.address}
    apart = {k for k in here.keys() | there.keys() if here.get(k) != there.get(k)}
    if shown.page == current and (not apart or (apart == {"image"} and '"card":true' in shown.live)):
        return  # there already; or the card of the map takes the pin, and draws nothing else anew
    _forget(apart)
    st.switch_page(shown.page, query_params={**there, **modes.query()})


def _forget(keys: set[str]) -> None:
    """What this visit chose before, so that a page shows what its address says."""
    for key in list(st.session_state):
        if isinstance(key, str) and (key in keys or key.startswith("last_") or key == "projection_chosen"):
            del st.session_state[key]
