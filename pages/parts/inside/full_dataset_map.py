"""The whole data set on the map, in place of the snapshot images: the control, the wait, and the points."""

from dataclasses import replace

import numpy as np
import streamlit as st

import data
from data import DATASETS, sheets
from models import jobs
from models.analysis import door, full_dataset
from models.analysis.full_dataset import FullDataset
from models.analysis.snapshots import SnapshotImages
from models.errors import UserError
from models.runs.store import Folder
from pages.parts.components.latent_map import Layout
from pages.parts.shared import figures, polling, presses, run_pickers
from pages.parts.shared.latent_map import turned

IMAGES = {"probes": "Snapshot images", "all": "All images"}
KEY = "images"


def linked(folder: Folder, snapshot: SnapshotImages, live: bool) -> bool:
    """Prepare the control to follow ?images= in the address, once, before it; whether the map is to show all images."""
    run_pickers.linked(KEY, list(IMAGES), "probes")
    return wanted(folder, snapshot, live)


def wanted(folder: Folder, snapshot: SnapshotImages, live: bool) -> bool:
    """Whether all images were chosen, and can be had."""
    return st.session_state.get(KEY) == "all" and offered(folder, snapshot) and not live


def offered(folder: Folder, snapshot: SnapshotImages) -> bool:
    """Whether there are more images than the snapshot images, and they can be had."""
    return full_dataset.why_not(folder.run.model) is None and len(snapshot.ids) < full_dataset.count(snapshot.dataset)


def control(folder: Folder, snapshot: SnapshotImages, live: bool) -> None:
    """The choice between the snapshot images and all, among the controls of the map; nothing where there is none."""
    if not offered(folder, snapshot):
        return
    n, spec = len(snapshot.ids), DATASETS[snapshot.dataset]
    st.segmented_control(
        "Images",
        list(IMAGES),
        key=KEY,
        format_func=IMAGES.__getitem__,
        required=True,
        on_change=run_pickers.to_address(KEY),
        disabled=live,
        help=f"Snapshot: the {n:,} images that a run encodes after every epoch. All: the {spec.n_train:,} training "
        f"and the {spec.n_test:,} test images, encoded by the latest weights when they are first asked for, and shown "
        "by PCA: UMAP shows the snapshot images only. They follow when the run has ended.",
        width="content",
        label_visibility="collapsed",
    )


def instead(
    folder: Folder, snapshot: SnapshotImages, positions: Layout, space: str, live: bool
) -> tuple[SnapshotImages, Layout, str]:
    """All images and where they lie, if they are wanted and there; else what was given. And what is going on, in words.

    The PCA of all is turned to lie as that of the snapshot images does. Has what is missing made, and says how far.
    """
    with st.container():  # always there, so that the map after it keeps its place on the page, and with it its canvas
        return choose(folder, snapshot, positions, space, live)


def choose(
    folder: Folder, snapshot: SnapshotImages, positions: Layout, space: str, live: bool
) -> tuple[SnapshotImages, Layout, str]:
    """What `instead` says."""
    if reason := full_dataset.why_not(folder.run.model):
        st.caption(reason)
    if not wanted(folder, snapshot, live):
        return snapshot, positions, ""
    epoch = max(e for e, _ in folder.snapshots())
    try:
        every = look(folder, epoch)
        drawn = bool(sheets.there(data.load(snapshot.dataset)))
    except UserError as e:
        refuse(folder, epoch, f"{e} These are the snapshot images.", damaged=True)
        return snapshot, positions, ""
    busy = "" if every and drawn else follow(folder, epoch, every is not None)
    if every is None or space not in every.spaces:
        return snapshot, positions, busy
    st.caption(
        f"All {len(every.ids):,} images: {DATASETS[every.dataset].n_train:,} training and "
        f"{DATASETS[every.dataset].n_test:,} test images, by the weights after epoch {epoch}, the latest that are kept."
    )
    version = f"{folder.id} {epoch} {space} {len(every.ids)} all {stamp(folder, epoch)}"
    xy = every.spaces[space] if positions.axes else every.xy[space]
    mine = replace(positions, xy=xy, version=version, turn=np.eye(2))
    return every, turned(mine, every, positions, snapshot), busy


def follow(folder: Folder, epoch: int, encoded: bool) -> str:
    """Have all images encoded (or only their sheets drawn) and look every second how far that is. What to say."""
    engine, what = jobs.engine(), "" if encoded else " These are the snapshot images."
    try:
        state, why = engine.full_dataset_state(folder.id, epoch)
        if state == "failed":
            refuse(folder, epoch, f"{why}{what}")
            return ""
        if state != "pending":
            engine.full_dataset(folder.id, epoch)
    except UserError as e:
        run_pickers.refuse(f"{e}{what}")
        return ""

    polling.watch(
        lambda: engine.full_dataset_state(folder.id, epoch)[0],
        "pending",
        meanwhile=lambda: st.caption(words(folder, epoch)),
    )
    return (
        ""
        if encoded
        else f"All {full_dataset.count(folder.run.dataset):,} images are being encoded; these are the probes"
    )


def words(folder: Folder, epoch: int) -> str:
    """How far the encoding is, or what to expect of it."""
    n, told = full_dataset.count(folder.run.dataset), full_dataset.progress(folder, epoch)
    if told is None:
        return (
            f"All {n:,} images wait to be encoded, on one thread and behind the runs that train. "
            "That takes some seconds to some minutes, once."
        )
    if told["what"] == "draw":
        return f"Drawing the sheets that show {n:,} images: {100 * told['share']:.0f} %."
    left = told["seconds_left"]
    more = "" if left is None else f", about {figures.minutes(left)} left"
    return f"Encoding all images: {told['done']:,} of {n:,}{more}."


def refuse(folder: Folder, epoch: int, why: str, damaged: bool = False) -> None:
    """Say why there are not all images, and offer to try again."""
    run_pickers.refuse(why)

    def encode() -> None:
        if damaged:
            full_dataset.drop(folder, epoch)
        jobs.engine().full_dataset(folder.id, epoch, again=True)

    label = "Encode them again" if damaged else "Try again"
    presses.button(label, encode, f"whole-{folder.id}", icon=":material/refresh:")


def look(folder: Folder, epoch: int) -> FullDataset | None:
    """All images after `epoch`, kept for all viewers; None if they are not there. Raises as `full_dataset.read`."""
    return door.ask("full_dataset", folder, epoch=epoch) if folder.full_dataset(epoch) else None


def stamp(folder: Folder, epoch: int) -> int:
    """Tells a file from the one that replaced it."""
    path = folder.full_dataset(epoch)
    try:
        return path.stat().st_mtime_ns if path else 0
    except OSError:
        return 0
