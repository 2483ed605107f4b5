"""What stands in place of a run's latents as long as there are none, and what looks for news of a run that goes on."""

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import streamlit as st

from models.analysis import door
from models.errors import UserError
from models.runs.store import FINAL, Folder
from pages.parts.shared import run_pickers

TICK = 2.0  # seconds between two looks whether a run that goes on has new weights
T = TypeVar("T")
SENT = 0.02  # seconds within which what a page has drawn is on its way to the browser


def part(draw: Callable[..., T], every: float | None) -> Callable[..., T]:
    """A part of the page, st.fragment, that is drawn anew by itself, `every` so many seconds; None: never.

    Where its next turn is due when a run of the page ends, Streamlit throws away what that run has drawn of it and not
    yet sent, but tells the browser that the run is over, which therefore takes the part off the page until the turn
    has drawn it again: it flickers, and a movement in it begins anew. So the page waits until it is sent.
    """

    def shown(*args: object, **more: object) -> T:
        result = st.fragment(draw, run_every=every)(*args, **more)
        if every:
            time.sleep(SENT)
        return result

    return shown


def load(question: str, height: int = 0, what: str = "the model") -> None:
    """Import what answers a question (models/analysis/door.py), once a process, and say so while that takes."""
    if door.is_loaded(question):
        return
    shown = st.empty()
    with shown.container():
        st.caption(f"Loading torch and {what}. This happens once.")
        if height:
            st.skeleton(height=height)
    door.load(question)
    shown.empty()


def has_latents(folder: Folder) -> bool:
    """Whether there is something to see, or soon will be."""
    return bool(folder.snapshots()) or folder.status()["state"] not in FINAL


def nothing_kept(folder: Folder, state: str, comes: str, kept: str) -> None:
    """No snapshot yet, or none ever: say which, and where to go. `comes`, `kept`: what the first one brings."""
    if state not in FINAL:
        what = "waits in the queue" if state == "queued" else "has begun"
        st.caption(f"This run {what}. {comes} comes with its first epoch, and appears here by itself.")
        st.skeleton(height=420)
        watch_news(folder, state, None)
        return
    detail = run_pickers.plain(folder.status().get("detail", ""))
    ended = {"failed": "failed", "lost": "was lost"}.get(state, "ended")
    st.caption(f"This run {ended} before it saved {kept}.{' ' + detail if detail else ''}")
    st.page_link("pages/train.py", label="Train it again", icon=":material/model_training:")


def watch(
    look: Callable[[], object], seen: object, every: float = 1.0, meanwhile: Callable[[], None] | None = None
) -> None:
    """Draw the page anew as soon as `look` finds something else than `seen`, which is what the page was drawn of.

    `meanwhile` draws what to say until then, at every look.
    """

    def news() -> None:
        if look() != seen:
            st.rerun()
        if meanwhile:
            meanwhile()

    part(news, every)()


def snapshot_of(folder: Folder) -> tuple[int | None, str]:
    """The epoch of a run's latest snapshot, and its state."""
    return max((e for e, _ in folder.snapshots()), default=None), folder.status()["state"]


def watch_news(folder: Folder, state: str, epoch: int | None) -> None:
    """Draw the page anew when a run that goes on has a new snapshot or another state."""
    watch(lambda: snapshot_of(folder), (epoch, state))


def weights_of(folder: Folder) -> tuple[object, bool]:
    """Which weights a run has, None if it has none, and whether it has ended."""
    ended = folder.status()["state"] in FINAL
    try:
        return door.weights_stamp(folder), ended
    except UserError:
        return None, ended


def watch_weights(folders: Sequence[Folder], seen: Sequence[tuple[object, bool]]) -> None:
    """Draw the page anew when one of the runs has the weights of another epoch than `seen`, or ends."""
    if not all(ended for _, ended in seen):
        watch(lambda: [weights_of(f) for f in folders], list(seen), TICK)


def watch_job(state: Callable[[], tuple[str, str]], meanwhile: Callable[[], None] | None = None) -> None:
    """Draw the page anew when what the engine was asked for is ready, or failed."""
    watch(lambda: ended(state()), False, meanwhile=meanwhile)


def ended(state: tuple[str, str]) -> bool:
    """Whether there is nothing more to wait for, by what the engine says of a job."""
    return state[0] in ("ready", "failed")
