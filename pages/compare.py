"""Compare: several runs side by side, in figures, curves, maps of the same images, mistakes and pictures."""

from collections.abc import Sequence

import streamlit as st

from data import DATASETS
from models import MODELS
from models.runs.store import Folder
from pages.parts.compare import (
    accuracy,
    confusion,
    differences,
    export,
    maps,
    measures,
    same_image,
    sections,
    separability,
)
from pages.parts.compare.compared_runs import Side, first_choice, sides
from pages.parts.inside import sample_scores
from pages.parts.shared import (
    damaged_runs,
    figures,
    layout,
    measured,
    palette,
    run_cards,
    run_pickers,
    run_table,
    undo,
    words,
)
from pages.parts.shared.measured import KEPT
from pages.parts.shared.run_table import COMPARE


def samples(runs: Sequence[Side]) -> None:
    """The latest class grid of each run, and what a judge says of its samples."""
    found = {side.folder.id: measured.look(side.folder, measured.SAMPLES) for side in runs}
    for side, column in zip(runs, st.columns(len(runs)), strict=True):
        with column:
            kept = side.folder.samples()
            with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
                run_cards.named(side.name, side.colour)
            if kept:
                epoch, path = kept[-1]
                figures.enlarged(path, DATASETS[side.folder.run.dataset].n_classes, f"Class grid of {side.name}")
                scored = found[side.folder.id]
                more = sample_scores.brief(scored.figures) if scored.state == KEPT else scored.note
                st.caption(f"After epoch {epoch}. {more}.".replace("..", "."))
            elif MODELS[side.folder.run.model].draws:
                st.caption("No samples yet.")
            else:
                st.caption("This model is only a classifier: it cannot generate images.")
    st.caption(
        "A row is a class, a column one style, z. M1 has no class, y, to set: its rows are generated around the codes "
        "of the labelled images of each class."
    )
    founds = list(found.values())
    if absent := [f for f in founds if f.state == measured.ABSENT]:
        lacking = dict.fromkeys(sample_scores.lacking(f.folder.run) for f in absent)
        st.caption(" ".join(filter(None, lacking)))
    measured.button(founds, "Score the samples", "score-samples")
    names = {side.folder.id: side.name for side in runs}
    measured.watch(founds, lambda f: f"Samples of {names[f.folder.id]}")


def what_is_shown(folders: Sequence[Folder]) -> str:
    """What the points of the maps are, and of which runs."""
    which = "Example runs, one each" if any(f.made.get("example") for f in folders) else "One run each"
    return f"{which}. A point is an image at its code: hover to see it, click to pin it in all maps."


def line_marks(folders: Sequence[Folder]) -> str:
    """The style by which each of the runs chosen, in their field, carries the line of its colour."""
    looks = "".join(
        f'.st-key-runs [data-tag-index="{k}"]::before {{background:{colour}}}'
        for k, colour in enumerate(palette.run_colours([f.run.model for f in folders]))
    )
    return (
        '<style>.st-key-runs [data-tag]::before {content:""; flex:none; width:1rem; height:.3rem; '
        f"border-radius:.15rem; margin-right:.4rem; outline:1.5px solid #fff}}{looks}</style>"
    )


def has_begun(folder: Folder) -> bool:
    """Whether there is something of a run to compare, or soon will be."""
    return folder.status()["state"] != "queued"


def compare(ids: list[str]) -> None:
    """Compare the runs chosen in the table."""
    st.query_params["runs"] = ",".join(ids[: words.MOST_COMPARED])
    st.rerun()


head = layout.open(
    "Compare",
    icon=":material/compare:",
    terms=words.terms(words.Q_Y, words.CODE, words.CODE_MEAN, words.OBJECTIVE, words.NATS, words.SEED),
)
undo.show("compare")
with head:
    choice = st.popover("Choose runs", icon=":material/table_rows:", key="choice", on_change="rerun")
folders = run_pickers.choose_runs(
    at_most=words.MOST_COMPARED,
    can=has_begun,
    label=f"Runs, {words.UP_TO_COMPARED}",
    none="No runs to compare yet. Train two or three models first; on the digits each takes about a minute.",
    default=first_choice,
    shown_label=False,
    where=choice,
)
if len(folders) > 1:
    st.html(line_marks(folders))
if choice.open:
    with choice:
        shown = [f.id for f in folders]
        run_table.show(run_pickers.readable_runs(has_begun), "compare", {COMPARE: compare}, shown)
if len(folders) == 1:
    st.caption("Choose another run to compare with this one.")
if folders:
    runs = sides(folders)
    if len({f.run.dataset for f in folders}) > 1:
        both = " and ".join(dict.fromkeys(DATASETS[f.run.dataset].title for f in folders))
        st.caption(f"These runs learnt different data sets, {both}: their accuracies do not compare.")
    sections.index(len(sections.NAMES) - (len(runs) == 1))
    sections.head(sections.MAPS, accuracy.claim(runs))
    maps.show(runs, [accuracy.over_all_seeds(runs), what_is_shown(folders)])
    sections.head(sections.ACCURACY, accuracy.of_labelled(runs))
    accuracy.table(runs)
    accuracy.curves(runs)
    export.buttons(runs, st.session_state["along"])
    separability.show(runs)
    measures.show(runs)
    sections.head(sections.CONFUSIONS, confusion.claim(runs))
    confusion.show(runs)
    sections.head(sections.IMAGE)
    one_image = st.container()  # filled last: it may have to load torch
    sections.head(sections.SAMPLES)
    samples(runs)
    if len(runs) > 1:
        sections.head(sections.SETTINGS, differences.claim(runs))
        differences.show(runs)
    with one_image:
        same_image.show(runs)
damaged_runs.show("compare", undo_here=False)
