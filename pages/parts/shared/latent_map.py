"""The snapshot images of a run laid out in the plane, epoch by epoch, for the latent map; kept for all viewers."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import streamlit as st

from models.analysis import projections, snapshots
from models.analysis.full_dataset import FullDataset
from models.analysis.snapshots import SnapshotImages
from models.errors import LatentError, UserError
from models.runs.store import Folder
from pages.parts.components.latent_map import Layout

ALIGNED = 100  # epochs before the one shown that are laid out, each as the one before it: more would take seconds


@dataclass(frozen=True)
class Figures:
    """What can be said of a space in numbers."""

    agreement: float  # the share of an image's 10 nearest neighbours that have its class
    active: int  # dimensions that vary over the images, see models/analysis/projections.py
    size: int  # dimensions


def look(folder: Folder, epoch: int | None = None) -> SnapshotImages | None:
    """The snapshot images of a run after `epoch` or its latest one, kept for all viewers. Raises LatentError."""
    kept = dict(folder.snapshots())
    if not kept:
        return None
    epoch = max(kept) if epoch not in kept else epoch
    return _snapshot(folder.path, epoch, stamp(kept[epoch]))


def lay(folder: Folder, snapshot: SnapshotImages, space: str, projection: str) -> Layout:
    """`space` of `snapshot` in the plane: by UMAP, if that is asked for and there, else by PCA. Raises LatentError.

    Both are turned so that each epoch lies as the one before it did: the cloud unfolds, it does not tumble.
    """
    frame = frames(folder, snapshot.epoch, space).get(snapshot.epoch)
    if frame is None or len(frame.ids) != len(snapshot.ids):
        raise LatentError("This snapshot has just been replaced. Reload the page.")
    version = f"{folder.id} {snapshot.epoch} {space} {len(snapshot.ids)}"
    if projection == "umap":
        xy = projections.read_map(folder.path, space, snapshot.epoch, snapshot.ids)
        if xy is not None:
            return Layout((xy @ frame.turn).astype(np.float32), "umap", f"{version} umap", f"umap {space}")
    return Layout(frame.xy, "pca", f"{version} pca", f"pca {space}")


def frames(folder: Folder, last: int, space: str) -> dict[int, "_Frame"]:
    """The PCA of `space` after each epoch up to `last`, each turned to lie as the one before it did.

    Epochs whose snapshot is damaged, or diverged, are left out. Raises LatentError if the last is one of them.
    """
    made, frame = {}, None
    for epoch, path in [s for s in folder.snapshots() if s[0] <= last][-ALIGNED:]:
        try:
            made[epoch] = frame = _frame(folder.path, epoch, stamp(path), space, frame)
        except UserError:
            if epoch == last:
                raise
    return made


def turned(positions: Layout, snapshot: SnapshotImages, like: Layout, of: SnapshotImages) -> Layout:
    """`positions` of `snapshot` turned or mirrored so that its images lie as they do in `like` of another run."""
    turn = projections.turn(positions.xy, snapshot.ids, like.xy, of.ids)
    xy = (positions.xy @ turn).astype(np.float32)
    return replace(positions, xy=xy, version=f"{positions.version} as {like.version}", turn=positions.turn @ turn)


def figures(folder: Folder, snapshot: SnapshotImages, space: str) -> Figures:
    """The figures of a space, kept for all viewers."""
    path = dict(folder.snapshots()).get(snapshot.epoch, folder.path)
    if isinstance(snapshot, FullDataset):
        path = folder.full_dataset_path(snapshot.epoch)
    return _figures(folder.path, snapshot.epoch, stamp(path), space, snapshot)


@dataclass(frozen=True)
class _Frame:
    ids: np.ndarray
    xy: np.ndarray  # PCA, turned
    turn: np.ndarray  # (2, 2)


@st.cache_resource(show_spinner=False, max_entries=24)
def _snapshot(folder: Path, epoch: int, stamp: int) -> SnapshotImages | None:
    return snapshots.snapshot_images(Folder(folder), epoch)


@st.cache_resource(show_spinner=False, max_entries=25 * ALIGNED)  # some tens of kilobytes each
def _frame(folder: Path, epoch: int, stamp: int, space: str, _before: _Frame | None) -> _Frame:
    snapshot = snapshots.read(folder, epoch)
    if snapshot is None or space not in snapshot.spaces:
        raise LatentError(f"This run has no {space} after epoch {epoch}.")
    xy = projections.pca(snapshot.spaces[space])
    turn = np.eye(2) if _before is None else projections.turn(xy, snapshot.ids, _before.xy, _before.ids)
    return _Frame(snapshot.ids, (xy @ turn).astype(np.float32), turn)


@st.cache_resource(show_spinner=False, max_entries=200)
def _figures(folder: Path, epoch: int, stamp: int, space: str, _snapshot: SnapshotImages) -> Figures:
    z = _snapshot.spaces[space]
    alike = _snapshot.alike[space] if isinstance(_snapshot, FullDataset) else snapshots.agreement(z, _snapshot.true)
    return Figures(alike, snapshots.active(z), z.shape[1])


def stamp(path: Path) -> int:
    """Tells a file from the one that replaced it."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def to_address(key: str) -> None:
    """For `on_pin`: write the image clicked in the component `key` into the address, as ?image=."""
    id = st.session_state[key].pin
    if isinstance(id, int) and not isinstance(id, bool):
        st.query_params["image"] = str(id)
    else:
        st.query_params.pop("image", None)
