"""What stands in place of a run's inside as long as there is none, and what looks for news of a run that goes on."""

import importlib
import sys

import streamlit as st

from models.runs.store import FINAL, Folder
from pages.parts.shared import run_pickers


def load(module: str, height: int = 0, what: str = "the model") -> None:
    """Import what computes with torch, once a process, and say so for as long as that takes."""
    if module in sys.modules:
        return
    place = st.empty()
    with place.container():
        st.caption(f"Loading torch and {what}. This happens once.")
        if height:
            st.skeleton(height=height)
    importlib.import_module(module)
    place.empty()


def has_inside(folder: Folder) -> bool:
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


def watch_news(folder: Folder, state: str, epoch: int | None) -> None:
    """While the run goes on: look every second whether there is a new snapshot, and draw the page anew then."""

    @st.fragment(run_every=1.0)
    def news() -> None:
        latest = max((e for e, _ in folder.snapshots()), default=None)
        if latest != epoch or folder.status()["state"] != state:
            st.rerun()

    news()
