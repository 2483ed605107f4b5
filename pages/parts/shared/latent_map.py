"""The snapshot images of a run laid out in the plane, epoch by epoch, for the latent map; kept for all viewers."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import streamlit as st

from models.analysis import ANALYSES, door, layouts, projections
from models.analysis.class_line import Line
from models.analysis.full_dataset import FullDataset
from models.analysis.layouts import Figures
from models.analysis.snapshots import SnapshotImages
from models.errors import LatentError
from models.runs.store import Folder
from pages.parts.components.latent_map import Layout
from pages.parts.shared import pinned_image, run_pickers

UMAP, UMAPS = ANALYSES["umap"], ANALYSES["film"]  # by PCA neither a map nor a film needs a job
PROJECTIONS = {"pca": "PCA", UMAP.name: UMAP.title}
TSNE = ANALYSES["tsne"]
MAPPED = {a.name: a for a in (UMAP, TSNE)}  # what a job lays out
REPLACED = "This snapshot has just been replaced. Reload the page."
AXES, CLASSES = "axes", "classes"
EVERY_PROJECTION = {**PROJECTIONS, TSNE.name: TSNE.title, AXES: "Two axes", CLASSES: "Two classes"}


def choose_projection(laid: bool, kinds: Mapping[str, str] = PROJECTIONS, **more: object) -> str:
    """The projection of maps, bound to ?projection=. Unless one chose: UMAP where that is `laid` out already, else PCA.

    A PCA has its film at once; a UMAP, and the film of UMAPs, take the mapper seconds to minutes.
    """

    def chosen() -> None:
        run_pickers.to_address("projection")()
        st.session_state["projection_chosen"] = True

    if "projection_chosen" not in st.session_state:
        st.session_state.pop("last_projection", None)  # what another run happened to have
    return run_pickers.segments(
        "Projection", "projection", kinds, UMAP.name if laid else "pca", on_change=chosen, width="content", **more
    )


def is_laid(folder: Folder, epoch: int, space: str) -> bool:
    """Whether the UMAP of a snapshot is there, and the film that ends with it, if there can be one."""
    kinds = (UMAP, UMAPS) if len(folder.snapshots()) > 1 else (UMAP,)
    return all(folder.map_path(epoch, space, kind.name).exists() for kind in kinds)


def look(folder: Folder, epoch: int | None = None) -> SnapshotImages | None:
    """The snapshot images of a run after `epoch` or its latest one, kept for all viewers. Raises LatentError."""
    kept = dict(folder.snapshots())
    if not kept:
        return None
    epoch = max(kept) if epoch not in kept else epoch
    return door.ask("snapshot_images", folder, epoch=epoch)


def lay(folder: Folder, snapshot: SnapshotImages, space: str, projection: str, two: tuple[int, int] = (0, 1)) -> Layout:
    """`space` of `snapshot` in the plane: by UMAP or t-SNE, if that is asked for and there, else by PCA.

    `two` are the dimensions, or the classes, of "axes" and "classes". A space of two dimensions is its own map. Raises
    LatentError.

    A PCA is turned so that each epoch lies as the one before it did: the cloud unfolds, it does not tumble. A UMAP or
    t-SNE lies as it does on every page (`layouts.upright`).
    """
    version = f"{folder.id} {snapshot.epoch} {space} {len(snapshot.ids)}"
    if projection == CLASSES:
        found = line(folder, snapshot, space, two)
        first, second = (snapshot.classes[k] for k in two)
        name, title = f"classes {two[0]} {two[1]}", f"{space} along the line from class {first} to class {second}"
        axes = f"from {first} (0) to {second} (1)", "across"
        return Layout(found.xy, CLASSES, title, f"{version} {name}", f"{name} {space}", two, axes)
    if projection == AXES or is_plane(snapshot, space):
        two = two if projection == AXES else (0, 1)
        name, axes = f"axes {two[0]} {two[1]}", tuple(f"{space}{k + 1}" for k in two)
        xy = snapshot.spaces[space][:, list(two)]
        return Layout(xy, AXES, " against ".join(axes), f"{version} {name}", f"{name} {space}", two, axes)
    frame = door.ask("frame", folder, epoch=snapshot.epoch, space=space)
    if len(frame.ids) != len(snapshot.ids):
        raise LatentError(REPLACED)
    xy = None
    if projection in MAPPED:
        xy = projections.read_map(folder.path, space, snapshot.epoch, snapshot.ids, projection)
    if xy is None:
        shown, xy = "pca", frame.xy
    else:
        shown, xy = projection, (xy @ layouts.upright(snapshot.dataset, snapshot.ids, xy)).astype(np.float32)
    title = f"{EVERY_PROJECTION[shown]} of {space}"
    return Layout(xy, shown, title, f"{version} {shown}", f"{shown} {space}")


def line(folder: Folder, snapshot: SnapshotImages, space: str, two: tuple[int, int]) -> Line:
    """A space along the line from one class to another, kept for all viewers. Raises LatentError."""
    found = door.ask("line", folder, epoch=snapshot.epoch, space=space, first=two[0], second=two[1])
    if len(found.xy) != len(snapshot.ids):
        raise LatentError(REPLACED)
    return found


def is_plane(snapshot: SnapshotImages, space: str) -> bool:
    """Whether a space has two dimensions, and so is shown as it is."""
    return snapshot.spaces[space].shape[1] == 2


def turned(positions: Layout, snapshot: SnapshotImages, like: Layout, of: SnapshotImages) -> Layout:
    """`positions` of `snapshot` turned or mirrored so that its images lie as they do in `like` of another run.

    Axes that have a unit stay where they are, and so do a UMAP and a t-SNE, which lie the same way on every page.
    """
    if positions.axes or positions.projection in MAPPED:
        return positions
    turn = projections.turn(positions.xy, snapshot.ids, like.xy, of.ids)
    xy = (positions.xy @ turn).astype(np.float32)
    return replace(positions, xy=xy, version=f"{positions.version} as {like.version}", turn=positions.turn @ turn)


def figures(folder: Folder, snapshot: SnapshotImages, space: str) -> Figures:
    """The figures of a space, kept for all viewers."""
    return door.ask("figures", folder, epoch=snapshot.epoch, space=space, of_all=isinstance(snapshot, FullDataset))


def to_address(key: str) -> None:
    """For `on_pin`: write the image clicked in the component `key` into the address, as ?image=."""
    pinned_image.put(st.session_state[key].pin)
