"""Latent space: where the encoder of a run puts each image, what q(y|x) says of it, and what lies beside it."""

from functools import partial

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

import data
from data import DATASETS
from models import MODELS, jobs
from models.analysis import Analysis, projections, snapshots
from models.analysis.full_dataset import FullDataset
from models.analysis.snapshots import SnapshotImages
from models.errors import UserError
from models.runs.store import FINAL, Folder
from pages.parts.components import latent_map as map_component
from pages.parts.inside import full_dataset_map, latent_film, usage
from pages.parts.inside.latent_film import Film
from pages.parts.shared import (
    damaged_runs,
    export,
    figures,
    latent_map,
    layout,
    palette,
    pinned_image,
    polling,
    run_metrics,
    run_pickers,
    words,
)
from pages.parts.shared.latent_map import AXES, CLASSES, EVERY_PROJECTION, MAPPED

LEAD = (
    "Each point is an image, placed by what the model has learned of it; images it finds alike lie close. Hover to "
    "see an image, click to pin it."
)
POINT = "An image is placed at the code that the encoder gives it."
PROJECTION = (
    "PCA shows the two directions of most variance. UMAP keeps neighbours together and bends the rest: distances "
    "between its clumps mean little. It takes some seconds, and follows when the run has ended; so does t-SNE. Two "
    "axes are two coordinates of the space as they are; a space that has no more is always shown so. Two classes: "
    "along the line from the mean of one class to that of the other, and across it."
)
STYLE = """<style>
.st-key-look-row > :has(> .st-key-look-run) {flex: 1 1 20rem; width: auto; min-width: 0}
.st-key-look-row [class*=st-key-run-row] .stSelectbox {flex-basis: 14rem}
.st-key-full-screen-map {--map-above: 28.4rem}
.stApp:has(.st-key-look-two) .st-key-full-screen-map {--map-above: 33rem}
@media (min-width: 641px) and (max-height: 720px) {.st-key-page-lead {display: none}}
@media (max-width: 640px) { /* so that the map is in sight */
  .st-key-view [data-testid=stButtonGroup] > div {flex-wrap: nowrap}
  .st-key-view [data-testid=stButtonGroup] button {white-space: nowrap; flex: none; padding-inline: .45rem}
  .st-key-view [data-testid=stButtonGroup] button p {font-size: .8125rem}
}
</style>"""
SUREST = "The surest mistake on the test images. Click a point to see another image."


def choose_view(folder: Folder, snapshot: SnapshotImages, live: bool) -> tuple[str, str]:
    """The space and the projection, both in the address."""
    spaces = list(snapshot.spaces)
    pca = live or full_dataset_map.linked(folder, snapshot, live)
    hidden = {"label_visibility": "collapsed", "width": "content"}
    with st.container(horizontal=True, vertical_alignment="center", gap="small", width="content"):
        space = run_pickers.segments("Space", "space", spaces, shown=len(spaces) > 1, **hidden)
        plane = latent_map.is_plane(snapshot, space)
        kinds = {"pca": "As it is", CLASSES: EVERY_PROJECTION[CLASSES]} if plane else EVERY_PROJECTION
        laid = not plane and latent_map.is_laid(folder, snapshot.epoch, space)
        chosen = latent_map.choose_projection(laid, kinds, shown=not pca, label_visibility="collapsed")
        if pca:
            st.segmented_control(
                "Projection", ["pca"], default="pca", format_func=kinds.__getitem__, disabled=True, **hidden
            )
        full_dataset_map.control(folder, snapshot, live)
    return space, "pca" if pca else chosen


def choose_two(snapshot: SnapshotImages, space: str, projection: str) -> tuple[int, int]:
    """Which two dimensions, or classes, a map is of, in the address."""
    if projection == AXES:
        spread = snapshot.spaces[space].std(0)
        order = [int(i) for i in np.argsort(-spread, kind="stable")]
        names = {i: f"{space}{i + 1}, standard deviation {spread[i]:.2g}" for i in order}
        labels, keys = ("Axis to the right", "Axis upwards"), ("x_axis", "y_axis")
    else:
        order = list(range(len(snapshot.classes)))
        names = dict(enumerate(snapshot.classes))
        labels, keys = ("From class", "To class"), ("from_class", "to_class")
    chosen = []
    for label, key, usual in zip(labels, keys, (*order, *order)[:2], strict=True):
        chosen.append(run_pickers.linked(key, order, usual))
        st.selectbox(
            label,
            order,
            key=key,
            format_func=names.__getitem__,
            on_change=run_pickers.to_address(key),
            width=170 if projection == CLASSES else 260,
        )
    return chosen[0], chosen[1]


def follow_map(folder: Folder, snapshot: SnapshotImages, space: str, kind: Analysis) -> str:
    """A UMAP or t-SNE was asked for and is not there: have it made, and look whether it is. Returns what to say."""
    reason = projections.why_no_map(snapshot.spaces[space])
    if reason:
        st.caption(f"{reason} This is its PCA.")
        return ""
    engine = jobs.engine()
    again = st.session_state.pop("latent_again", False)
    try:
        state, why = engine.map_state(folder.id, snapshot.epoch, space, kind.name)
        if state == "ready" and not projections.drop_map(folder.path, space, snapshot.epoch, snapshot.ids, kind.name):
            st.rerun()  # it has become ready since the points were laid out
        if state != "pending" and (state != "failed" or again):
            engine.map(folder.id, snapshot.epoch, space, kind.name)
            state = "pending"
    except UserError as e:
        run_pickers.refuse(f"{e} This is the PCA.")
        return ""
    if state == "failed":
        run_pickers.refuse(f"{why} This is the PCA.")
        st.button(
            "Try again", icon=":material/refresh:", on_click=st.session_state.update, args=({"latent_again": True},)
        )
        return ""

    polling.watch_job(lambda: engine.map_state(folder.id, snapshot.epoch, space, kind.name))
    return f"{kind.title} is being computed; this is the PCA"


def recorded(folder: Folder, epoch: int) -> list[tuple[str, str, str]]:
    """The run's own test accuracy after that epoch, which tables show; nothing if it has recorded none."""
    known = run_metrics.metrics(folder).test_after(epoch)
    if known is None:
        return []
    n = DATASETS[folder.run.dataset].n_test
    return [("Test accuracy", figures.percent(known), f"Of all {n:,} test images, as in tables: one run, one seed.")]


def show_figures(folder: Folder, snapshot: SnapshotImages, space: str) -> None:
    """The space in four numbers, and what they rest on."""
    run = folder.run
    found = latent_map.figures(folder, snapshot, space)
    figures = recorded(folder, snapshot.epoch)  # label, value, what it means
    if snapshot.q_y is not None:
        right, n = snapshot.right(snapshots.TEST)
        if not figures or n < DATASETS[run.dataset].n_test:
            by = MODELS[run.model].classifier_short
            accuracy = f"{100 * right / n:.1f} %" if n else "–"
            meaning = f"{right:,} of the {n:,} test images on this map, by {by}."
            figures.append((f"Correct, of the {n:,} test images shown", accuracy, meaning))
        figures += [
            (
                "Mean entropy",
                f"{snapshot.entropy.mean():.2f} nats",
                f"How unsure the class probabilities {snapshot.q} are, over all images here. "
                f"{words.ENTROPY} Here the most is "
                f"{np.log(len(snapshot.classes)):.2f} nats. {words.NATS}",
            ),
        ]
    figures += [
        (
            "Neighbours of the same class",
            f"{100 * found.agreement:.0f} %",
            f"Of an image's 10 nearest neighbours in {space} (not on the map), how many have its class. "
            f"Chance would be about {100 / len(snapshot.classes):.0f} %.",
        ),
        (
            f"Dimensions of {space} that vary",
            f"{found.active} of {found.size}",
            "Active units: dimensions in which the mean code varies over the images by a variance of more than 0.01. "
            "A low threshold, and no measure "
            "of what they tell: in runs whose KL is 3 to 4 nats in all, 47 to 50 of 50 exceed it.",
        ),
    ]
    with st.container(horizontal=True, gap="large"):
        for label, value, meaning in figures:
            st.metric(label, value, help=meaning, width="content")
    st.caption(
        f"One run of {MODELS[run.model].title} on {DATASETS[run.dataset].title}: {run.budget()}, seed {run.seed}, "
        f"after epoch {snapshot.epoch} of {run.epochs}."
    )


def show_map(
    folder: Folder,
    snapshot: SnapshotImages,
    seen: SnapshotImages,
    positions: latent_map.Layout,
    space: str,
    busy: str,
    film: Film | None,
) -> None:
    """The map of `snapshot`, its film, and the pinned card beside it, which says what was known at `seen`."""
    run, group = folder.run, f"latent-{folder.id}"
    with st.container(key="full-screen-map"):  # what fills the screen with the map
        left, right = st.columns([5, 2], gap="medium")
    with left:
        map_component.show(
            snapshot,
            positions,
            key=f"map-{folder.id}",
            group=group,
            label=f"{positions.title} of {run_pickers.run_label(folder)}",
            note=f"{run.budget()}, seed {run.seed}",
            claim=MODELS[run.model].expected(space)[0],
            busy=busy,
            film=film.data() if film else None,
        )
        if film:
            key = f"film-{folder.id}"
            map_component.scrubber(
                film.epochs,
                latent_film.asked(film.epochs),
                key=key,
                group=group,
                names=snapshot.classes,
                colours=palette.class_colours(len(snapshot.classes)),
                on_epoch=partial(latent_film.to_address, key),
            )

    @st.fragment
    def pinned_card() -> None:  # a click draws this anew and nothing else
        key = f"card-{folder.id}"
        clicked = partial(latent_map.to_address, key)
        first = pinned_image.first([(folder, snapshot)])
        id = pinned_image.asked(snapshot) if first is None else first
        of = seen if id in seen.ids else snapshot
        wrong = (snapshot.predicted != snapshot.true)[snapshot.ids == first].any()  # of none where `first` is None
        map_component.card(of, id, key=key, group=group, space=space, note=SUREST if wrong else "", on_pin=clicked)
        if id is not None:
            st.page_link(
                "pages/equations.py", label="Follow this image through the model", icon=":material/account_tree:",
                query_params={"run": folder.id, "image": str(id)},
            )  # fmt: skip

    with right:
        pinned_card()
    map_component.grid(snapshot, key=f"grid-{folder.id}", group=group, file=folder.id)


def at_epoch(folder: Folder, film: Film | None) -> SnapshotImages | None:
    """What was known after the epoch that the address asks for; None if that is the latest, or cannot be read."""
    epoch = latent_film.asked(film.epochs) if film else None
    try:
        return None if epoch is None else latent_map.look(folder, epoch)
    except UserError as e:
        run_pickers.refuse(str(e))
        return None


def show(folder: Folder, view: DeltaGenerator) -> None:
    """One run from inside; what chooses the view goes into `view`."""
    state = folder.status()["state"]
    if not folder.snapshots():
        polling.nothing_kept(folder, state, "The map", "any latents")
        return
    if data.availability(folder.run.dataset) != "ready":
        title = DATASETS[folder.run.dataset].title
        st.caption(f"The map shows images of {title}, which are not ready on this machine. Get them on the Data page.")
        st.page_link("pages/data.py", label=f"Get {title}", icon=":material/image:")
        return
    live = state not in FINAL
    try:
        snapshot = latent_map.look(folder)
        if not snapshot.spaces:
            st.caption(MODELS[folder.run.model].no_map)
            return
        with view:
            space, projection = choose_view(folder, snapshot, live)
        if projection in (AXES, CLASSES):
            row = st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="look-two")
            said = row.container()
            with row:
                two = choose_two(snapshot, space, projection)
        else:
            two = 0, 1
        positions = latent_map.lay(folder, snapshot, space, projection, two)
    except UserError as e:
        run_pickers.refuse(str(e))
        return
    snapshot, positions, busy = full_dataset_map.instead(folder, snapshot, positions, space, live)
    if live:
        busy = f"Epoch {snapshot.epoch} of {folder.run.epochs}; the points follow the run"
        polling.watch_news(folder, state, snapshot.epoch)
    elif state in ("failed", "stopped", "lost"):
        how = {"failed": "failed", "lost": "was lost"}.get(state, "was stopped")
        st.caption(f"This run {how} after epoch {max(e for e, _ in folder.snapshots())} of {folder.run.epochs}.")
    if projection in MAPPED and positions.projection != projection:
        busy = follow_map(folder, snapshot, space, MAPPED[projection])
    if positions.projection == CLASSES:
        line, (first, second) = latent_map.line(folder, snapshot, space, two), (snapshot.classes[k] for k in two)
        said.caption(
            f"From the mean of class {first} (0) to that of class {second} (1), and across, computed of their "
            f"{line.images:,} test images here. {figures.percent(line.right)} of these lie on their own class's side "
            "of the middle."
        )
    place = st.container()
    with st.container():  # always there, so that what follows keeps its place
        film = None if isinstance(snapshot, FullDataset) else latent_film.of_map(folder, snapshot, positions, space)
        seen = at_epoch(folder, film) or snapshot
    with place:
        show_map(folder, snapshot, seen, positions, space, busy, film)
    st.caption(MODELS[folder.run.model].expected(space)[1])
    show_figures(folder, seen, space)
    usage.section(folder, space)


layout.open(
    "Latent space",
    icon=":material/scatter_plot:",
    lead=LEAD,
    terms=words.terms(POINT, PROJECTION, words.SNAPSHOT, words.CODE, words.Q_Y, words.ENTROPY, words.NATS, words.SEED),
)
asked = st.query_params.get("run")
st.html(STYLE)
with st.container(key="look-row", horizontal=True, vertical_alignment="center", gap="small"):
    choice, view = st.container(key="look-run"), st.container(key="view", width="content")
with choice:
    folder = run_pickers.choose_run(
        can=lambda f: f.id == asked or (polling.has_latents(f) and not MODELS[f.run.model].no_map),
        none="No runs to look at yet. Train a model first; on the digits it takes about a minute.",
    )
if folder is not None:
    show(folder, view)
    export.offer(folder)
damaged_runs.show("latent")
