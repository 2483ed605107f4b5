"""Where a drawing lies on the map of a run, and the images nearest to it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

import data
from models import MODELS, jobs
from models.analysis import door, neighbours, projections, snapshots
from models.analysis.snapshots import SnapshotImages
from models.errors import LatentError, UserError
from models.runs.store import FINAL, Folder
from pages.parts.inside import own_image
from pages.parts.shared import figures, latent_map, run_pickers
from pages.parts.shared.latent_map import UMAP

NEAR = 8


@dataclass(frozen=True)
class Side:
    """One of the runs, and what it says of the drawing; `why` in a sentence if it says nothing."""

    folder: Folder
    name: str
    colour: str
    seen: object | None  # sketch.Seen
    why: str = ""


def choose_map(runs: Sequence[Side]) -> tuple[Side, str, str]:
    """The run whose map is shown, its space, and the projection."""
    by_id = {s.folder.id: s for s in runs}
    run_names = {i: run_pickers.plain(s.name) for i, s in by_id.items()}
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        first = next((i for i, s in by_id.items() if MODELS[s.folder.run.model].draws), None)
        of = run_pickers.segments("Run", "map", run_names, first, shown=len(runs) > 1, width="content")
        spaces = list(MODELS[by_id[of].folder.run.model].latents)
        space = run_pickers.segments("Space", "space", spaces, shown=len(spaces) > 1, width="content")
        epoch = max((e for e, _ in by_id[of].folder.snapshots()), default=0)
        projection = latent_map.choose_projection(
            by_id[of].folder.map_path(epoch, space, UMAP.name).exists(),
            help="On the PCA the drawing is placed exactly, by the same two directions. UMAP cannot place what it has "
            "not seen: there the drawing lies at the mean of its neighbours' places, each weighed by 1/distance.",
        )  # fmt: skip
    return by_id[of], space, projection


def where(runs: Sequence[Side], names: Sequence[str]) -> None:
    """The map of one run with the drawing on it, and its neighbours there."""
    st.subheader("Where the model puts it, and what it finds alike", anchor=False)
    st.markdown(
        "Each dot is an image that the model learned from or was tested on; alike ones lie close together, and the "
        "large dot is your drawing. Beside the map are the images nearest to it: what it looks like to the model."
    )
    side, space, projection = choose_map(runs)
    snapshot = latent_map.look(side.folder)
    if snapshot is None:
        st.caption("This run has no saved latents, so there is no map and there are no neighbours.")
        return
    code = side.seen.codes.get(space)
    if space not in snapshot.spaces or code is None or snapshot.spaces[space].shape[1] != len(code):
        raise LatentError(f"The snapshot of this run and its weights do not fit together in {space}. Train it again.")
    if not np.isfinite(code).all():
        raise LatentError("The code of this drawing is no number: the training has diverged. Choose another run.")
    left, right = st.columns([1.25, 1], gap="large")
    with left:
        one_map(side, snapshot, space, projection, code, names)
    with right:
        for of in snapshot.spaces:
            if (other := side.seen.codes.get(of)) is not None and snapshot.spaces[of].shape[1] == len(other):
                nearest(snapshot, of, other, names)


def one_map(
    side: Side, snapshot: SnapshotImages, space: str, projection: str, code: np.ndarray, names: Sequence[str]
) -> None:
    live = side.folder.status()["state"] not in FINAL
    positions = latent_map.lay(side.folder, snapshot, space, "pca" if live else projection)
    near, distances = neighbours.nearest_to(snapshot.spaces[space], code, NEAR)
    if positions.axes:
        at, how = code, "The drawing lies at its own code: the space has no more dimensions than the map."
    elif positions.projection == "umap":
        at = neighbours.between(positions.xy[near], distances)
        how = "UMAP does not place new images: the drawing lies at the mean of its neighbours, weighed by 1/distance."
    else:
        mean, axes = door.ask("principal", side.folder, epoch=snapshot.epoch, space=space)
        # The map may lie turned, as the epoch before it did; so is the code then.
        turn = door.ask("frame", side.folder, epoch=snapshot.epoch, space=space).turn
        at, how = (code - mean) @ axes @ turn, "The drawing is placed by the same two directions as the images."
    k = int(side.seen.q_y.argmax())
    marks, fits = own_image.place_on_map(positions.xy, at, near, k, names)
    with st.container(key="dw-map"):
        st.html(own_image.points(positions.version, positions.xy, snapshot.true, len(names)))
        st.html(marks)
    st.html(own_image.key_of(names))
    if projection == "umap" and positions.projection == "pca":
        how = f"{wait_for_map(side.folder, snapshot, space, live)} {how}"
    beyond = "" if fits else " It lies beyond the edge of this map."
    st.caption(
        f"{positions.title}, {len(snapshot.ids):,} images after epoch {snapshot.epoch}. "
        f"The rings are its nearest neighbours in all dimensions. {how}{beyond}"
    )


def wait_for_map(folder: Folder, snapshot: SnapshotImages, space: str, live: bool) -> str:
    """Have a UMAP made and the page look for it; returns what to say until it is there."""
    if live:
        return "UMAP follows when the run has ended; this is the PCA."
    if why := projections.why_no_map(snapshot.spaces[space]):
        return f"{why} This is the PCA."
    engine, this = jobs.engine(), (folder.id, snapshot.epoch, space, UMAP.name)
    try:
        state, why = engine.map_state(*this)
        if state == "failed":
            return f"{why} This is the PCA."
        if state == "ready" and not projections.drop_map(folder.path, space, snapshot.epoch, snapshot.ids):
            st.rerun()  # it has become ready since the points were laid out
        if state != "pending":
            engine.map(*this)
    except UserError as e:
        return f"{e} This is the PCA."
    if st.session_state.get("drawing-map") != this:
        st.session_state["drawing-map"] = this
        st.rerun()  # the whole page: what looks for it stands outside this part
    return f"{UMAP.title} is being computed; this is the PCA."


def nearest(snapshot: SnapshotImages, space: str, code: np.ndarray, names: Sequence[str]) -> None:
    rows, distances = neighbours.nearest_to(snapshot.spaces[space], code, NEAR)
    ids = snapshot.ids[rows]
    tiles = figures.last(data.pixels(data.load(snapshot.dataset), ids))
    kinds = {snapshots.LABELLED: "labelled", snapshots.UNLABELLED: "unlabelled", snapshots.TEST: "test"}
    which = [
        f"Test image {-1 - i}" if i < 0 else f"Training image {i}, {kinds[int(kind)]}"
        for i, kind in zip(ids.tolist(), snapshot.kind[rows], strict=True)
    ]
    st.markdown(f"**Nearest in {space}** :small[class, and distance in {space}]")
    st.html(own_image.neighbours(tiles, snapshot.true[rows].tolist(), distances, which, names))
