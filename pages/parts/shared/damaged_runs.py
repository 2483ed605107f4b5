"""Runs that cannot be opened: a row each that says what is wrong, and the offer to delete it."""

import streamlit as st

from models.errors import UserError
from models.runs import store
from models.runs.store import Folder


def show(where: str) -> None:
    """A row for every damaged run; nothing if there is none. `where` tells this list from others on a page."""
    if found := store.damaged(store.root()):
        st.subheader("Runs that cannot be opened", anchor=False)
        for folder, why in found:
            row(folder, why, where)


def row(folder: Folder, why: str, where: str) -> None:
    """What is wrong with one run, and a button to delete it that asks once."""
    from pages.parts.shared import run_pickers  # which shows these rows, too

    key = f"{where}-{folder.id}"
    with st.container(border=True, key=f"damaged-{key}"):
        st.markdown(f":material/error: **{run_pickers.plain(folder.id)}**")
        st.caption(run_pickers.plain(why))
        if not st.session_state.get(f"asked-{key}"):
            if st.button("Delete", icon=":material/delete:", key=f"delete-{key}"):
                st.session_state[f"asked-{key}"] = True
                st.rerun()
            return
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption("Delete this run and all its files? It cannot be brought back.", width="content")
            sure = st.button("Delete for good", type="primary", key=f"sure-{key}")
            if st.button("Keep", key=f"keep-{key}"):
                del st.session_state[f"asked-{key}"]
                st.rerun()
        if sure:
            try:
                store.delete(store.root(), folder.id)
            except UserError as e:
                run_pickers.refuse(str(e))
                return
            st.session_state.pop(f"asked-{key}", None)
            st.rerun()
