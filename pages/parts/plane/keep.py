"""What one takes from the plane, and brings: points as a table, runs of the same set-up, and their shell lines."""

from collections.abc import Sequence
from contextlib import suppress

import streamlit as st

from data import own_points
from data.own_points import Point
from models import MODELS
from models.errors import UserError
from models.plane.setup import SetUp
from models.runs import store
from models.runs.run import Run
from pages.parts.plane import edits
from pages.parts.shared import export, presses, run_pickers, train_missing
from pages.parts.shared.figures import percent

QUEUED = "plane-queued"  # in the session: what became of the runs that were to be queued
KEYS = (
    "**Keys**, with the focus on a panel: arrows move the cursor (Shift: farther), Enter does what a click does there, "
    "[ and ] go from label to label, M picks a labelled point up and puts it down, Delete removes, 1, 2, … and 0 "
    "choose the class, Ctrl+Z undoes."
)


def points(shown: Sequence[Point], own: str) -> None:
    """A plane to paint on, the points shown as a table, a place for a table of one's own, and the keys."""
    st.markdown("**Points of your own**")
    st.caption("Click a panel to add a point or give one a label, drag to paint many, drag a labelled one to move it.")
    st.container(key="plane-touch").caption(
        "A finger that moves up or down scrolls the page: hold it still first to paint."
    )
    with st.container(horizontal=True, gap="small"):
        st.button("Empty plane", icon=":material/delete:", key="plane-empty", on_click=edits.empty)
        st.download_button(
            "Download as CSV", own_points.csv_of(shown), file_name="points.csv", mime="text/csv",
            icon=":material/download:", on_click="ignore", key="plane-csv",
        )  # fmt: skip
    file = st.file_uploader(
        "Table", type=["csv", "txt", "tsv"], key="plane-file", max_upload_size=1,
        help=f"A CSV with a line x, y, class for each point; no class: unlabelled. At most {own_points.MOST_POINTS:,} "
        f"points, 2 to {own_points.MOST_CLASSES} classes.",
    )  # fmt: skip
    if file is not None and st.session_state.get("plane-brought") != file.file_id:  # once, not at every rerun
        st.session_state["plane-brought"] = file.file_id
        try:
            edits.to_address(own_points.keep(own_points.read(file.getvalue().decode("utf-8-sig"))))
            st.rerun()
        except UserError as e:
            st.session_state["plane-refused"] = str(e)
        except UnicodeDecodeError:
            st.session_state["plane-refused"] = "The table is no text in UTF-8. Save it as one."
    st.container(key="plane-keys").caption(KEYS)


def link(own: str) -> None:
    """The address of the page as it is."""
    st.markdown("**This page as it is**")
    st.code(export.link(), language=None, wrap_lines=True)
    if own and edits.KEY in st.query_params:
        st.caption(
            f"The link names the points, {own}, which are on this machine only: it carries up to "
            f"{own_points.MOST_IN_WORDS} points. Send the table beside it."
        )


def queue(every: Sequence[Run]) -> None:
    """Queue the runs that are not here yet, and say in the session how many. Raises a UserError."""
    ids, already = train_missing.once(every)
    st.session_state[QUEUED] = f"{len(ids) - already} queued, {already} were there already."


def runs(setup: SetUp) -> None:
    """A button that queues the set-up as runs, what became of them, and the lines that train them in a shell."""
    every = [setup.run(model) for model in setup.models]
    st.markdown("**Keep this session**")
    st.caption(
        "Save, below the panels: PNG, SVG, a GIF of the learning, or an HTML file that plays it without a network."
    )
    st.markdown("**Keep as runs**")
    st.caption(
        "Each begins anew with this set-up. Its numbers are those of a panel where nothing was changed on the way."
    )
    presses.button("Queue these runs", lambda: queue(every), "plane-keep", icon=":material/playlist_add:")
    if says := st.session_state.pop(QUEUED, ""):
        st.caption(says)
    here = train_missing.here(store.runs(store.root()))
    for run in every:
        with suppress(UserError):  # it was deleted just now
            if (id := here.get(train_missing.kind(run))) and (folder := store.open_folder(None, id)):
                state = folder.status()["state"]
                what = percent(folder.result()["test_accuracy"]) if state == "done" else state
                st.caption(f"{MODELS[run.model].legend}: {what} · {run_pickers.plain(id)}")
    if lines := [line for run in every if (line := run.command())]:
        st.markdown("**The same in a shell**")
        st.code("\n".join(lines), language="bash", wrap_lines=True)
