"""Compare: several runs side by side, in figures, curves, maps of the same images, mistakes and pictures."""

from collections.abc import Sequence
from functools import partial

import streamlit as st

from data import DATASETS
from models import MODELS, jobs
from models.analysis import projections
from models.analysis.snapshots import SnapshotImages
from models.errors import UserError
from models.runs.store import FINAL, Folder
from pages.parts.compare import accuracy, confusion, differences, export, same_image, separability
from pages.parts.compare.compared_runs import GROUP, Side, first_choice, sides
from pages.parts.components import latent_map as map_component
from pages.parts.inside import latent_film
from pages.parts.inside.latent_film import Film
from pages.parts.shared import (
    damaged_runs,
    figures,
    latent_map,
    layout,
    polling,
    run_metrics,
    run_pickers,
    run_table,
    undo,
    url_state,
    words,
)
from pages.parts.shared.latent_map import UMAP
from pages.parts.shared.run_table import COMPARE

SPACES = {"z": "z", "a": "a, where there is one"}


def choose_view(runs: Sequence[Side]) -> tuple[str, str]:
    """The space and the projection of all maps."""
    some = any("a" in MODELS[s.folder.run.model].latents for s in runs)
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        space = run_pickers.segments("Space", "space", SPACES, shown=some, width="content")
        kept = [s for s in runs if s.snapshot]
        laid = all(latent_map.is_laid(s.folder, s.snapshot.epoch, of(s.snapshot, space)) for s in kept)
        projection = latent_map.choose_projection(bool(kept) and laid)
    return space if some else "z", projection


def maps(runs: Sequence[Side]) -> None:
    """The latent maps in a row. Those of one data set share colours, filters, and the image one points at."""
    space, projection = choose_view(runs)
    kept = [s.snapshot for s in runs if s.snapshot]
    together = len({p.dataset for p in kept}) == 1
    if together:
        full = next((p for p in kept if p.q_y is not None), kept[0])
        map_component.legend(full, key="compare-legend", group=GROUP)
    elif kept:
        st.caption("These runs learnt different data sets, so each map has its own classes, colours and images.")
    waiting, films, first = [], [], None
    for side, column in zip(runs, st.columns(len(runs)), strict=True):
        with column:
            st.markdown(f"**{run_pickers.plain(side.name)}**")
            if side.snapshot is None:
                st.caption(run_pickers.plain(side.why))
                continue
            try:
                positions, busy = lay(side, space, projection)
            except UserError as e:
                st.caption(run_pickers.plain(str(e)))
                continue
            if together and first:
                positions = latent_map.turned(positions, side.snapshot, *first)
            first = first or (positions, side.snapshot)
            film = (
                latent_film.of_map(side.folder, side.snapshot, positions, of(side.snapshot, space))
                if together
                else None
            )
            films += [film] if film else []
            one_map(side, positions, space, busy, together, film)
            if busy:
                waiting.append(side)
    if films:
        scrub(films)
    if together:
        if len(kept) > 1:
            st.caption("The maps are turned, never bent, so that the same images lie on the same side in all.")
        pinned([s for s in runs if s.snapshot], space)
        names = {f"compare-map-{s.folder.id}": s.name for s in runs if s.snapshot}
        map_component.grid(full, key="compare-grid", group=GROUP, file="compare", maps=names)
    watch(runs, space, waiting)


def scrub(films: Sequence[Film]) -> None:
    """One slider for all maps; a run with fewer epochs waits at its last."""
    epochs, key = sorted({e for film in films for e in film.epochs}), "compare-film"
    at, moved = latent_film.asked(epochs), partial(latent_film.to_address, key)
    map_component.scrubber(epochs, at, key=key, group=GROUP, on_epoch=moved)


def of(snapshot: SnapshotImages, space: str) -> str:
    """The space asked for if the run has it, else its first: z, or h of the baseline."""
    return space if space in snapshot.spaces else next(iter(snapshot.spaces))


def lay(side: Side, space: str, projection: str) -> tuple[latent_map.Layout, str]:
    """Where the points lie, and what is still being computed. Raises LatentError."""
    going, space = side.state not in FINAL, of(side.snapshot, space)
    positions, busy = latent_map.lay(side.folder, side.snapshot, space, "pca" if going else projection), ""
    if projection == "umap" and positions.projection == "pca" and not going:
        busy, why = ask_map(side, space)
        if why:
            st.caption(run_pickers.plain(why))
    return positions, busy


def one_map(
    side: Side, positions: latent_map.Layout, space: str, busy: str, together: bool, film: Film | None = None
) -> None:
    """One map, and what it is."""
    run, space = side.folder.run, of(side.snapshot, space)
    map_component.show(
        side.snapshot,
        positions,
        key=f"compare-map-{side.folder.id}",
        group=GROUP if together else f"{GROUP}-{side.folder.id}",
        label=f"{positions.title} of {run_pickers.run_label(side.folder)}",
        note=f"{run.budget()}, seed {run.seed}",
        busy=busy,
        height=310,
        chrome=not together,
        film=film.data() if film else None,
    )
    # Where a film is, the map itself says which of its epochs it shows.
    when = f"epochs {film.epochs[0]} to {film.epochs[-1]}" if film else f"epoch {side.snapshot.epoch}"
    known = run_metrics.metrics(side.folder).test_accuracy
    said = "" if known is None else f". Test accuracy of the run, on the whole test set: {figures.percent(known)}"
    st.caption(f"{positions.title}, {when}{said}. {MODELS[run.model].spaces.get(space, '')}")


def ask_map(side: Side, space: str) -> tuple[str, str]:
    """Have a UMAP made: what to say while it is, or why it cannot be."""
    why = projections.why_no_map(side.snapshot.spaces[space])
    if why:
        return "", why
    engine = jobs.engine()
    try:
        state, why = engine.map_state(side.folder.id, side.snapshot.epoch, space, UMAP.name)
        if state == "ready" and not projections.drop_map(
            side.folder.path, space, side.snapshot.epoch, side.snapshot.ids
        ):
            st.rerun()  # it has become ready since the points were laid out
        if state in ("absent", "ready"):
            engine.map(side.folder.id, side.snapshot.epoch, space, UMAP.name)
    except UserError as e:
        return "", str(e)
    return ("", why) if state == "failed" else (f"{UMAP.title} is being computed", "")


@st.fragment
def pinned(runs: Sequence[Side], space: str) -> None:
    """One image as every run sees it. A click on a map draws this anew and nothing else."""
    id = url_state.asked("image", -url_state.LARGEST)
    have = [s for s in runs if id is not None and (s.snapshot.ids == id).any()]
    for side, column in zip(have or runs[:1], st.columns(len(runs)) if have else [st.container()], strict=False):
        with column:
            if have:
                st.markdown(f"**{run_pickers.plain(side.name)}**")
            key = f"compare-card-{side.folder.id}"
            map_component.card(
                side.snapshot,
                id if have else None,
                key=key,
                group=GROUP,
                space=of(side.snapshot, space),
                marks=False,
                on_pin=partial(latent_map.to_address, key),
            )


def watch(runs: Sequence[Side], space: str, waiting: Sequence[Side]) -> None:
    """While something goes on: draw the page anew when there is a new snapshot or map."""
    going, engine = [s for s in runs if s.state not in FINAL], jobs.engine()
    maps = [(s.folder.id, s.snapshot.epoch, of(s.snapshot, space), UMAP.name) for s in waiting]
    seen = [(s.snapshot.epoch if s.snapshot else None, s.state) for s in going]

    def look() -> tuple[list, bool]:
        return [polling.snapshot_of(s.folder) for s in going], any(polling.ended(engine.map_state(*m)) for m in maps)

    if going or waiting:
        polling.watch(look, (seen, False))


def samples(runs: Sequence[Side]) -> None:
    """The latest class grid of each run."""
    for side, column in zip(runs, st.columns(len(runs)), strict=True):
        with column:
            kept = side.folder.samples()
            st.markdown(f"**{run_pickers.plain(side.name)}**")
            if kept:
                epoch, path = kept[-1]
                st.image(str(path), width="stretch", caption=f"After epoch {epoch}", alt=f"Class grid of {side.name}")
            elif MODELS[side.folder.run.model].draws:
                st.caption("No samples yet.")
            else:
                st.caption("This model is only a classifier: it cannot generate images.")
    st.caption(
        "A row is a class, a column one style, z. M1 has no class, y, to set: its rows are generated around the codes "
        "of the labelled images of each class."
    )


def has_begun(folder: Folder) -> bool:
    """Whether there is something of a run to compare, or soon will be."""
    return folder.status()["state"] != "queued"


def compare(ids: list[str]) -> None:
    """Compare the runs chosen in the table."""
    st.query_params["runs"] = ",".join(ids[: words.MOST_COMPARED])
    st.rerun()


layout.open(
    "Compare",
    icon=":material/compare:",
    terms=words.terms(words.Q_Y, words.CODE, words.CODE_MEAN, words.OBJECTIVE, words.NATS, words.SEED),
    lead=f"{words.UP_TO_COMPARED.capitalize()} runs side by side: their accuracies, "
    "their latent maps, and what each predicts for the same image.",
)
folders = run_pickers.choose_runs(
    at_most=words.MOST_COMPARED,
    can=has_begun,
    label=f"Runs, {words.UP_TO_COMPARED}",
    none="No runs to compare yet. Train two or three models first; on the digits each takes about a minute.",
    default=first_choice,
)
undo.show("compare")
choice = st.expander("Choose from the table of runs", icon=":material/table_rows:", key="choice", on_change="rerun")
if choice.open:
    with choice:
        run_table.show(run_pickers.readable_runs(has_begun), "compare", {COMPARE: compare})
if len(folders) == 1:
    st.caption("Choose another run to compare with this one.")
if folders:
    runs = sides(folders)
    if len({f.run.dataset for f in folders}) > 1:
        both = " and ".join(dict.fromkeys(DATASETS[f.run.dataset].title for f in folders))
        st.caption(f"These runs learnt different data sets, {both}: their accuracies do not compare.")
    st.subheader(accuracy.claim(runs) or "Latent space", anchor=False)
    maps(runs)
    st.subheader("Accuracy", anchor=False)
    accuracy.table(runs)
    accuracy.curves(runs)
    export.buttons(runs, st.session_state["along"])
    st.subheader("How well each space separates the classes", anchor=False)
    separability.show(runs)
    st.subheader("Confusion matrices", anchor=False)
    confusion.show(runs)
    st.subheader("One image through every model", anchor=False)
    one_image = st.container()  # filled last: it may have to load torch
    st.subheader("Samples", anchor=False)
    samples(runs)
    if len(runs) > 1:
        st.subheader("Settings in which they differ", anchor=False)
        differences.show(runs)
    with one_image:
        same_image.show(runs)
damaged_runs.show("compare", undo_here=False)
