"""Which image is pinned: that of the address, else one that tells something of the runs; one rule for every page."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from models.analysis import calibration, door
from models.analysis.snapshots import TEST, SnapshotImages
from models.runs.store import FINAL, Folder
from pages.parts.shared import url_state

MOST = 24  # images that are asked for, however many are wanted: the answer is kept
CLOSED = "pinned-image-closed"  # in the session: somebody took the pin away
Shown = Sequence[tuple[Folder, SnapshotImages]]  # runs, and what each kept of the images


def asked(snapshot: SnapshotImages) -> int | None:
    """The image that the address asks for, if it is among those of the snapshot."""
    id = url_state.asked("image", -url_state.LARGEST)
    return id if id is not None and (snapshot.ids == id).any() else None


def put(id: object) -> None:
    """An image was pinned, or with None the pin taken away: the address says which, and what is closed stays closed."""
    if isinstance(id, int) and not isinstance(id, bool):
        st.query_params["image"] = str(id)
        st.session_state.pop(CLOSED, None)
    else:
        st.query_params.pop("image", None)
        st.session_state[CLOSED] = True


def first(shown: Shown) -> int | None:
    """The image to pin while the address names none and nobody has closed it."""
    return None if "image" in st.query_params or st.session_state.get(CLOSED) else telling(shown)


def telling(shown: Shown) -> int:
    """Of several runs an image on which they disagree much, of one its surest mistake; else the first test image.

    Of those on which they disagree most it is one that the most accurate run gets right: so it is with most of them.
    While a run goes on, too: an image that changed with each epoch would tell nothing.
    """
    snapshot, others = shown[0][1], shown[1:]
    tested = np.flatnonzero(snapshot.kind == TEST)
    if all(f.status()["state"] in FINAL for f, _ in shown):
        if others and (found := disputed(shown, MOST)):
            best = max((s for _, s in shown), key=lambda s: np.mean(s.predicted == s.true))
            right = set(best.ids[best.predicted == best.true].tolist())
            return next((i for i in found if i in right), found[0])
        if not others and snapshot.q_y is not None:
            wrong = calibration.confident_mistakes(snapshot.q_y[tested], snapshot.true[tested])
            tested = tested[wrong] if len(wrong) else tested
    return int(snapshot.ids[tested[0] if len(tested) else 0])


def disputed(shown: Shown, most: int) -> list[int]:
    """Ids of the images on which the runs disagree most, those first; none if it cannot be told."""
    able = [(f, s) for f, s in shown if s.q_y is not None]
    if len(able) < 2 or len({(s.dataset, s.q_y.shape[1]) for _, s in able}) > 1:
        return []
    (first, snapshot), *others = able
    of = [(str(f.path), s.epoch) for f, s in others]
    return list(door.ask("disputed", first, epoch=snapshot.epoch, others=of, most=MOST))[:most]
