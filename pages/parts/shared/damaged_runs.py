"""Runs that cannot be opened: a row each that says what is wrong, and the offer to delete it."""

import streamlit as st

from models.runs import store
from models.runs.store import Folder


def show(where: str, undo_here: bool = True) -> None:
    """A row for every damaged run, and what was deleted unless that stands elsewhere on the page; nothing if none is.

    `where` tells this list from others on a page.
    """
    from pages.parts.shared import undo  # which names runs as the pickers do, and those show the rows below

    if found := store.damaged(store.root()):
        st.subheader("Runs that cannot be opened", anchor=False)
        for folder, why in found:
            row(folder, why, where)
    if undo_here:
        undo.show(where)


def row(folder: Folder, why: str, where: str) -> None:
    """What is wrong with one run, and a button to delete it, whoever looks."""
    from pages.parts.shared import presses, run_pickers  # which shows these rows, too

    key = f"{where}-{folder.id}"
    with st.container(border=True, key=f"damaged-{key}"):
        st.markdown(f":material/error: **{run_pickers.plain(folder.id)}**")
        st.caption(run_pickers.plain(why))
        presses.button(
            "Delete", lambda: store.delete(store.root(), folder.id), f"delete-{key}", icon=":material/delete:"
        )
