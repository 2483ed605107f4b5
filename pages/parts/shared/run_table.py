"""The table of runs: sorted by a click on a column, filtered by words, and what can be done with those that are chosen.

It reads what is kept of each file as long as the file is the same, so that a thousand runs take a `stat` each.
"""

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import pandas as pd
import streamlit as st

from data import DATASETS
from models import MODELS
from models.errors import UserError
from models.runs import naming, store
from models.runs.naming import named
from models.runs.store import FINAL, Folder, root
from pages.parts.shared import export, figures, owner, palette, run_pickers, undo, words

COMPARE = "Compare"  # the button, which the page Compare answers in place
AT_MOST = f"{words.UP_TO_COMPARED.capitalize()} runs."
FEW = 5  # runs up to which nobody needs to filter
GIVEN = ("name", "tags")  # columns that are left out as long as no run has any


def show(
    folders: Sequence[Folder],
    where: str,
    on_page: dict[str, Callable[[list[str]], None]] | None = None,
    ticked: Sequence[str] = (),
) -> None:
    """The table of these runs. `where` tells it from the tables of other pages.

    `on_page` are more things to do with the runs that are chosen, by the label of the button: it is given their ids.
    `ticked` are the ids of the runs that the page shows: chosen until somebody chooses others.
    """
    if st.session_state.get(f"{where}-ticked", ()) != tuple(ticked):
        st.session_state[f"{where}-ticked"] = tuple(ticked)
        st.session_state[f"{where}-chosen"] = list(ticked)
    for why in st.session_state.pop(f"{where}-refused", []):
        run_pickers.refuse(why)
    if not folders:
        return
    rows = [r for f in folders if (r := row(f))]
    by_id = {f.id: f for f in folders}
    if len(rows) > FEW:
        rows = filtered(rows, where)
    chosen = [by_id[id] for id in table(rows, where)]
    if chosen:
        actions(chosen, where, on_page or {})


def row(folder: Folder) -> dict | None:
    """What the table says of a run; None if it was deleted just now."""
    try:
        run, known, called = folder.run, folder.summary(), folder.called
        return {
            "id": folder.id,
            "name": called.name,
            "tags": list(called.tags),
            "model": MODELS[run.model].title + run_pickers.continued(run),
            "labels": figures.labels(run),
            "accuracy": None if known.test_accuracy is None else 100 * known.test_accuracy,
            "dataset": DATASETS[run.dataset].title,
            "seed": run.seed,
            "state": [folder.status()["state"]],
            "epochs": f"{known.epoch} of {run.epochs}",
            "made": datetime.fromtimestamp(folder.made.get("created", 0.0), UTC),
        }
    except UserError:
        return None


def filtered(rows: list[dict], where: str) -> list[dict]:
    """The rows in which every word of a field stands, in whatever column."""
    asked = st.text_input(
        "Search runs", key=f"{where}-filter", type="search", icon=":material/search:", label_visibility="collapsed",
        placeholder="Search, for example: m2 digits", persist_state="session",
        help="Runs in which each of these words stands: in the name, a tag, the model, the data set or the state.",
    )  # fmt: skip
    wanted = (asked or "").casefold().split()
    kept = [r for r in rows if stands_in(wanted, text_of(r))]
    if wanted:
        st.caption(f"{len(kept):,} of {len(rows):,} runs" + ("." if kept else ": no run has all of these words."))
    return kept


def stands_in(words: Sequence[str], text: str) -> bool:
    """Whether each word stands in a text: a number as a whole, 1 not in 100, any other also within a word."""
    return all(word in (text.split() if word.isdecimal() else text) for word in words)


def text_of(row: dict) -> str:
    """All that the table says of a run, for a filter."""
    said = [row["id"], row["name"], row["model"], row["dataset"], f"{row['labels']} labels", f"seed {row['seed']}"]
    return " ".join([*said, *row["state"], *row["tags"]]).casefold()


def table(rows: Sequence[dict], where: str) -> list[str]:
    """Draw the rows; the ids of those that are chosen.

    What comes back counts rows of the table that was seen. Another set of rows is another widget, with the same runs
    chosen, so that no click falls on a run that has moved into the place of another; as are other runs on the page.
    """
    ids = [r["id"] for r in rows]
    if not ids:
        return []
    of = " ".join([*ids, "", *st.session_state.get(f"{where}-ticked", ())])
    key = f"{where}-{hashlib.sha256(of.encode()).hexdigest()[:12]}"
    before = set(st.session_state.get(f"{where}-chosen", ()))
    data = pd.DataFrame(rows).drop(columns="id")
    data.insert(0, "look", [":material/visibility: Look"] * len(data))
    config = st.column_config
    found = st.dataframe(
        data,
        key=key,
        hide_index=True,
        row_height=40,
        placeholder="–",
        alt="Runs, one a row",
        on_select="rerun",
        selection_mode="multi-row",
        selection_default={"selection": {"rows": [i for i, id in enumerate(ids) if id in before]}},
        column_order=[c for c in data if c not in GIVEN or any(r[c] for r in rows)],
        column_config={
            "look": config.ButtonColumn("", type="tertiary", key=f"{key}-look", width=74),
            "name": config.TextColumn("Name", width=160),
            "tags": config.ListColumn("Tags", width=110),
            "model": config.TextColumn("Model", width=92),
            "dataset": config.TextColumn("Data", width=76),
            "labels": config.TextColumn("Labels", width=66, alignment="right", help=figures.LABELS_HELP),
            "state": config.MultiselectColumn(
                "State", options=list(palette.STATES), color=list(palette.STATES.values()), width=88
            ),
            "accuracy": config.NumberColumn(
                "Accuracy", format="%.1f %%", width=84, help="Test accuracy of this one run, of one seed."
            ),
            "epochs": config.TextColumn("Epochs", width=76, alignment="right"),
            "seed": config.NumberColumn("Seed", width=56, help=words.SEED),
            "made": config.DatetimeColumn("Started", format="distance", width=120),
        },
    )
    clicked = st.session_state.get(f"{key}-look")
    if clicked is not None and 0 <= clicked["row"] < len(ids):
        look(Folder(root() / ids[clicked["row"]]))
    chosen = [ids[i] for i in found.selection.rows if 0 <= i < len(ids)]
    st.session_state[f"{where}-chosen"] = chosen
    return chosen


def look(folder: Folder) -> None:
    """Open a run: on Train while it goes on or has nothing to see, else inside."""
    if folder.status()["state"] == "done" and folder.snapshots():
        st.switch_page("pages/latent.py", query_params={"run": folder.id})
    st.switch_page("pages/train.py", query_params={"watch": folder.id})


def actions(chosen: Sequence[Folder], where: str, on_page: dict[str, Callable[[list[str]], None]]) -> None:
    """What can be done with the chosen runs."""
    ids, own = [f.id for f in chosen], [f for f in chosen if owner.ones_own(f)]
    ended = [f for f in own if f.status()["state"] in FINAL]
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"{where}-actions"):
        st.caption(f"{len(ids)} chosen", width="content")
        for label, do in on_page.items():
            many = label == COMPARE and len(ids) > words.MOST_COMPARED
            if st.button(label, key=f"{where}-{label}", disabled=many, help=AT_MOST if many else None):
                do(ids)
        if COMPARE not in on_page and st.button(
            COMPARE, icon=":material/compare:", key=f"{where}-compare", disabled=len(ids) > words.MOST_COMPARED,
            help=AT_MOST,
        ):  # fmt: skip
            st.switch_page("pages/compare.py", query_params={"runs": ",".join(ids)})
        if own:
            with st.popover("Rename and tag" if len(own) == 1 else f"Tag {len(own)} runs", icon=":material/edit:"):
                rename(own, where)
        if len(chosen) == 1 and chosen[0].status()["state"] in FINAL:
            with st.popover("Export", icon=":material/folder_zip:"):
                export.zips(chosen[0])
        if ended:
            st.button(
                "Delete" if len(ids) == 1 else f"Delete {len(ended)} runs", icon=":material/delete:",
                key=f"{where}-delete", on_click=delete, args=([f.id for f in ended], where),
            )  # fmt: skip
    if len(ended) < len(own):
        st.caption("What goes on cannot be deleted: stop it first.")
    if len(own) < len(chosen):
        others = "This run is not yours." if len(chosen) == 1 else f"{len(chosen) - len(own)} of them are not yours."
        st.caption(f"{others} {owner.NOT_ONES_OWN}")


def delete(ids: Sequence[str], where: str) -> None:
    st.session_state[f"{where}-refused"] = undo.delete(ids)


def rename(own: Sequence[Folder], where: str) -> None:
    """A form for the name of one run and the tags that all of these have."""
    called = [f.called for f in own]
    common = [tag for tag in called[0].tags if all(tag in c.tags for c in called)]
    of = hashlib.sha256(repr([(f.id, c) for f, c in zip(own, called, strict=True)]).encode()).hexdigest()[:12]
    used = {tag for f in store.runs(root()) for tag in f.called.tags}
    with st.form(f"{where}-rename-{of}", border=False):
        name = called[0].name
        if len(own) == 1:
            name = st.text_input(
                "Name", name, max_chars=naming.LONGEST_NAME, key=f"{where}-name-{of}",
                placeholder=run_pickers.run_label(own[0], full=False),
            )  # fmt: skip
        tags = st.multiselect(
            "Tags" if len(own) == 1 else "Tags that all of them have", sorted({*used, *common}), common,
            key=f"{where}-tags-{of}", accept_new_options=True, max_selections=naming.MOST_TAGS,
            placeholder="Choose, or type a new one",
        )  # fmt: skip
        if not st.form_submit_button("Save", type="primary"):
            return
    try:
        wanted = []
        for folder, c in zip(own, called, strict=True):
            kept = [tag for tag in c.tags if tag not in common]
            wanted.append((folder, named((name or "") if len(own) == 1 else c.name, [*kept, *tags])))
        for folder, to in wanted:
            if owner.ones_own(folder):
                folder.rename(to)
    except UserError as e:
        run_pickers.refuse(str(e))
        return
    st.rerun()
