"""A visitor's session in the plane: what is asked of it, and what it shows now."""

import secrets
import time
from dataclasses import replace

import streamlit as st

from models import jobs
from models.errors import UserError
from models.plane.desk import Ask, Desk, Seen, asked_to_go_on
from models.plane.setup import SetUp
from pages.parts.shared import run_pickers

TICK = 0.14  # seconds between two looks while it learns
PATIENCE = 0.4  # seconds that a look waits for the answer on a point: the page need not begin to look again and again
IDLE = 8.0  # when nothing is to come
WAITING = 1.0  # while it waits for its turn


def desk() -> Desk:
    """The desk of this visitor, one a browser's tab."""
    token = st.session_state.setdefault("plane-token", secrets.token_hex(8))
    return Desk(jobs.engine().paths.plane / token)


def asked() -> Ask | None:
    return st.session_state.get("plane-ask")


def ask(wanted: Ask) -> None:
    """Ask for this, and wake whoever sees to it."""
    if wanted == asked() and desk().asked() == wanted:
        return
    st.session_state["plane-ask"] = wanted
    try:
        desk().ask(wanted)
        jobs.engine().ring()
    except OSError as e:
        run_pickers.refuse(f"The session cannot be kept: {e.strerror}. Free some space, or try again.")


def set_up(setup: SetUp) -> Ask:
    """Have a session of this set-up, which goes on if it learns already."""
    before = asked()
    wanted = Ask(setup) if before is None else replace(before, setup=setup)
    ask(wanted)
    return wanted


def begin(setup: SetUp) -> Ask:
    """Have a session of this set-up begin anew, and play."""
    before = asked() or Ask(setup)
    wanted = asked_to_go_on(replace(before, setup=setup, playing=False), playing=True, resets=before.resets + 1)
    ask(wanted)
    return wanted


def act(what: str, point: object = None) -> None:
    """Do what was pressed; `point`: which of the points was pointed at, -1 for none."""
    now = asked()
    if now is None:
        return
    changes: dict[str, dict] = {
        "play": {"playing": True},
        "pause": {"playing": False},
        "step": {"playing": False, "steps": now.steps + 1},
        "reset": {"playing": False, "resets": now.resets + 1},
        "again": {"playing": True, "resets": now.resets + 1},
        "truth": {"truth": True},
        "no truth": {"truth": False},
    }
    if isinstance(point, int):
        changes["point"] = {"point": max(-1, int(point))}
        st.session_state["plane-awaits"] = True
    if what in changes:
        ask(asked_to_go_on(now, **changes[what]))


def await_answer() -> None:
    """Just after a point was pointed at, wait a moment for the frame that has its densities."""
    until = time.monotonic() + PATIENCE
    if st.session_state.pop("plane-awaits", False) and (now := asked()):
        while desk().behind(now) and time.monotonic() < until:
            time.sleep(0.02)


def look(wanted: Ask, idle: bool = False) -> tuple[dict[str, Seen], str]:
    """What is there now, and a sentence if something has to be said. An `idle` look keeps no process waiting."""
    here = desk()
    if not idle:
        here.look()
    try:
        trouble = jobs.engine().capacity().trouble
    except UserError as e:
        trouble = str(e)
    seen = here.frame()
    place = here.place()
    waits = f"Place {place} in the queue: sessions take turns." if place else ""
    missing = "" if len(seen) == len(wanted.setup.models) else "One moment: the methods are being set up."
    return seen, trouble or here.trouble() or waits or missing


def settled(wanted: Ask, seen: dict[str, Seen]) -> bool:
    return len(seen) == len(wanted.setup.models) and all(one.settled for one in seen.values())


def waits(wanted: Ask, seen: dict[str, Seen]) -> float | None:
    """Seconds until the next look, if something new is to come by itself."""
    here = desk()
    whole = len(seen) == len(wanted.setup.models)
    if whole and not (wanted.playing and not settled(wanted, seen)) and not here.behind(wanted):
        return None
    return WAITING if here.place() else TICK
