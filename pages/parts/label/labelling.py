"""Giving labels: which images to ask about, the component that asks, and what was given so far.

What was given is kept in the session for each run, and in the browser's own session, so that it is still there after
another page or a reload. Nothing that comes from the browser is believed: images and classes are checked again.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

import numpy as np
import streamlit as st

import data
from models.analysis import door, snapshots
from models.analysis.snapshots import SnapshotImages
from models.runs.annotations import ANYBODY, HOW, Label, now
from models.runs.finetune import MOST
from models.runs.store import Folder
from pages.parts.components import labeller as labeller_component
from pages.parts.components.latent_map import served_sheets

BY_HAND, LEAST_SURE, RANDOM = HOW
SPENT = "spent-labels"  # in the session: batches that were trained on, which a browser may still hold
TOP = 3  # classes the model believes in that are shown of an image


@dataclass(frozen=True)
class Pool:
    """The images of a run that may be given a label, and what its latest snapshot says of them."""

    dataset: str
    classes: tuple[str, ...]
    free: np.ndarray  # int64 (n,): training images without a label
    asked: np.ndarray  # int64 (m,): those of them to ask about: the ones whose q(y|x) was kept, or all if none was
    q_y: np.ndarray | None  # float32 (m, classes), of `asked`
    entropy: np.ndarray | None  # float32 (m,), nats
    q: str  # what q_y is, in words

    def row(self, id: int) -> int | None:
        """Where image `id` stands in q_y; None if nothing is known of it."""
        at = np.flatnonzero(self.asked == id) if self.q_y is not None else []
        return int(at[0]) if len(at) else None


@dataclass
class Kept:
    """The labels given to a run's images and not trained on yet."""

    batch: str = ""  # the browser's name for them
    labels: dict[int, Label] = field(default_factory=dict)


def pool(folder: Folder, snapshot: SnapshotImages | None, before: Collection[int] = ()) -> Pool:
    """What may be labelled in `folder`; images labelled `before` are not asked about again. Raises DataError.

    Opens the data set.
    """
    run, images = folder.run, data.load(folder.run.dataset)
    free = free_images(folder)
    asked, q_y, entropy = free, None, None
    if snapshot is not None and snapshot.q_y is not None:
        of = np.flatnonzero(snapshot.kind == snapshots.UNLABELLED)
        of = of[np.isin(snapshot.ids[of], free)]
        if len(of):
            asked, q_y, entropy = snapshot.ids[of].astype(np.int64), snapshot.q_y[of], snapshot.entropy[of]
    kept = ~np.isin(asked, list(before))
    asked, q_y, entropy = asked[kept], None if q_y is None else q_y[kept], None if q_y is None else entropy[kept]
    return Pool(run.dataset, images.classes, free, asked, q_y, entropy, snapshot.q if snapshot else "q(y|x)")


def free_images(folder: Folder) -> np.ndarray:
    """The unlabelled training images of a run, those held out left out: int64, ascending. Raises DataError."""
    return door.ask("split", folder)[1]


def least_sure(of: Pool, n: int) -> np.ndarray:
    """The images whose q(y|x) has the highest entropy, highest first; none if the snapshot says nothing of any."""
    if of.entropy is None:
        return np.empty(0, np.int64)
    return of.asked[np.lexsort((of.asked, -of.entropy.astype(np.float64)))[:n]]


def at_random(of: Pool, n: int, seed: int) -> np.ndarray:
    """Images drawn by chance; the same ones for the same seed."""
    order = np.argsort(np.random.PCG64(seed).random_raw(len(of.free)), kind="stable")
    known = np.isin(of.free[order], of.asked)  # of these there is a guess to show; which they are, chance said
    return of.free[order][known][:n]


def believed(of: Pool, n: int, k: int | None) -> np.ndarray:
    """Images that the model believes to be of class k, or any, in the order of the data set."""
    found = of.asked if k is None or of.q_y is None else of.asked[of.q_y.argmax(1) == k]
    return np.sort(found)[:n]


def labeller(of: Pool, ids: Sequence[int], how: str, run: str, empty: str, on_change: Callable[[], None]) -> None:
    """Ask about the images `ids`; `how` is how one came by them, and is kept with each label."""
    ids = np.asarray(ids, np.int64)
    kept, key = given(run), component_key(run)

    def received() -> None:
        receive(of, run, st.session_state[key].labels)
        on_change()

    labeller_component.labeller(
        [{"id": int(i), "tile": t, "top": top(of, int(i)), "entropy": unsure(of, int(i))} for t, i in enumerate(ids)],
        key=key,
        run=run,
        how=how,
        classes=of.classes,
        q=of.q,
        empty=empty,
        most=MOST,
        sheets=served_sheets(of.dataset, ids, "label"),
        batch=kept.batch,
        given=[[g.image, g.y, g.how] for g in kept.labels.values()],
        spent=st.session_state.get(SPENT, []),
        on_labels=received,
    )


def component_key(run: str) -> str:
    return f"labeller-{run}"


def unsure(of: Pool, id: int) -> float | None:
    """The entropy of an image's class probabilities, nats, by which "Least sure" sorts; None if none are known."""
    row = of.row(id)
    return None if row is None else round(float(of.entropy[row]), 4)


def top(of: Pool, id: int) -> list[list]:
    """The likeliest classes of an image and their probabilities: [[class, p], ...]; nothing if none are known."""
    row = of.row(id)
    if row is None:
        return []
    q = of.q_y[row]
    return [[int(k), round(float(q[k]), 4)] for k in np.argsort(-q, kind="stable")[:TOP]]


# What was given


def given(run: str) -> Kept:
    """The labels given to images of the run `run` in this session."""
    return st.session_state.setdefault(f"given-{run}", Kept())


def receive(of: Pool, run: str, value: object) -> None:
    """Take over what a browser says was given; what cannot be is left out. A label keeps the time it first came."""
    if not isinstance(value, dict) or not isinstance(value.get("labels"), list):
        return
    batch = str(value.get("batch", ""))[:40]
    if batch in st.session_state.get(SPENT, []):
        return
    before, free, found = given(run).labels, set(of.free.tolist()), {}
    for row in value["labels"][:MOST]:
        if not (isinstance(row, list) and len(row) == 3):
            continue
        id, k, how = row
        if not (whole(id) and whole(k)) or id not in free or not 0 <= k < len(of.classes):
            continue
        same = before.get(id)
        how = how if how in HOW else BY_HAND
        found[id] = same if same and same.y == k else Label(id, k, ANYBODY, now(), how)
    st.session_state[f"given-{run}"] = Kept(batch, found)


def spend(run: str) -> None:
    """The labels given to images of `run` are trained on: begin anew."""
    kept = given(run)
    if kept.batch:
        st.session_state[SPENT] = [*st.session_state.get(SPENT, []), kept.batch][-50:]
    st.session_state[f"given-{run}"] = Kept()


def whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
