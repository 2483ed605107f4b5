"""The gallery of Uncertainty: confident mistakes, or what is right and unsure, page by page."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import streamlit as st

import data
from models import MODELS
from models.analysis import calibration
from models.analysis.snapshots import SnapshotImages
from models.runs.store import Folder
from pages.parts.components.gallery import Row, show
from pages.parts.inside import uncertainty
from pages.parts.shared import figures, palette, run_pickers

ANY, WRONG, RIGHT = "any", "wrong", "right"
SHOWN = {WRONG: "Wrong, the surest first", RIGHT: "Right, the least sure first"}
SURE = 0.95  # from here on an answer counts as certain
A_PAGE = 24  # pictures of the gallery at a time


def choose_class(key: str, label: str, snapshot: SnapshotImages) -> int | None:
    """A class to keep to, or None for any."""
    choices = [ANY, *snapshot.classes]
    run_pickers.linked(key, choices, ANY)
    chosen = st.selectbox(
        label,
        choices,
        key=key,
        width=170,
        on_change=narrowed(key),
        format_func=lambda name: name.replace("_", " "),
    )
    return None if chosen == ANY else snapshot.classes.index(chosen)


def narrowed(key: str):  # noqa: ANN201 (a callback)
    """The address says so, and the gallery begins again at its first page."""

    def changed() -> None:
        run_pickers.to_address(key)()
        st.session_state["last_page"] = 1
        st.query_params.pop("page", None)

    return changed


def choose_page(n: int) -> int:
    pages = list(range(1, max(1, -(-n // A_PAGE)) + 1))
    page = run_pickers.linked("page", pages, 1)
    if len(pages) > 1:
        st.selectbox(
            "Page", pages, key="page", width=150, format_func=f"Page {{}} of {len(pages)}".format,
            on_change=run_pickers.to_address("page"), label_visibility="collapsed",
        )  # fmt: skip
    return page


@dataclass(frozen=True)
class Chosen:
    """What the gallery shows: rows of the snapshot in order, of which `page` is shown."""

    rows: np.ndarray
    n: int  # images of the kind
    word: str  # "wrong" or "right"
    page: int


def choose(snapshot: SnapshotImages, kind: str) -> Chosen:
    """The claim of the section, and what is chosen of it."""
    claim = st.empty()
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        what = run_pickers.segments(
            "Show", "show", SHOWN, on_change=narrowed("show"), width="content", label_visibility="collapsed"
        )
        narrow = [key for key in ("true", "predicted") if st.query_params.get(key, ANY) != ANY]
        with st.popover("Classes" + f": {len(narrow)} chosen" * bool(narrow), icon=":material/filter_alt:"):
            true = choose_class("true", "True class", snapshot)
            predicted = choose_class("predicted", "Predicted class", snapshot)
        which = np.flatnonzero(uncertainty.of_kind(snapshot, kind))
        order = calibration.confident_mistakes if what == WRONG else calibration.unsure_but_right
        rows = which[order(snapshot.q_y[which], snapshot.true[which])]
        keep = np.ones(len(rows), bool)
        keep &= (snapshot.true[rows] == true) if true is not None else True
        keep &= (snapshot.predicted[rows] == predicted) if predicted is not None else True
        claim.subheader(in_short(snapshot, rows, len(which), kind, what), anchor=False)
        rows = rows[keep]
        page = choose_page(len(rows))
    return Chosen(rows, len(which), "wrong" if what == WRONG else "right", page)


def in_short(snapshot: SnapshotImages, rows: np.ndarray, n: int, kind: str, what: str) -> str:
    """How many are wrong or right, and how sure of it the run is: the section's headline."""
    said = f"{len(rows):,} of {n:,} {uncertainty.KINDS[kind]} are {'wrong' if what == WRONG else 'correct'}"
    sure = int((snapshot.sure[rows] >= SURE).sum())
    if what == WRONG and sure:
        return f"{said}, {sure:,} of them with {100 * SURE:.0f} % certainty or more"
    if what == RIGHT and len(rows):
        return f"{said}; of the first of these it was only {figures.probability(snapshot.sure[rows[0]])} sure"
    return said


def gallery(
    folder: Folder, snapshot: SnapshotImages, chosen: Chosen, kind: str, image: int | None, of: str
) -> int | None:
    """The mistakes, or what is right and unsure, by page. Returns the first image's id, or None."""
    rows, word = chosen.rows, chosen.word
    if not len(rows):
        st.caption(f"None of the {chosen.n:,} {uncertainty.KINDS[kind]} of this snapshot is {word} in this way. {of}")
        return None
    shown = rows[A_PAGE * (chosen.page - 1) : A_PAGE * chosen.page]
    named = uncertainty.names(snapshot)

    def lines(row: int) -> tuple[str, ...]:
        k, j = int(snapshot.true[row]), int(snapshot.predicted[row])
        first = named[k] if k == j else f"{named[k]} → {named[j]}"
        return first, figures.probability(snapshot.sure[row])

    st.caption(example(snapshot, int(shown[0]), named))
    show(
        folder.run.dataset,
        [Row("", (tuple(uncertainty.pick(snapshot, int(r), lines(int(r))) for r in shown),))],
        key=f"gallery-{folder.id}",
        label=f"Images that are {word}",
        chosen=int(snapshot.ids[shown[0]]) if image is None else image,
        width="5.2rem",
    )
    peek = " Their true classes are for looking: the run never saw them." if kind in ("unlabelled", "all") else ""
    st.caption(f"{len(rows):,} of {chosen.n:,} {uncertainty.KINDS[kind]}. Click one to see why.{peek} {of}")
    take_images(folder, snapshot, rows, shown, word, lines, of)
    return int(snapshot.ids[shown[0]])


def example(snapshot: SnapshotImages, row: int, named: list[str]) -> str:
    """What stands below an image of the gallery, said of the first one."""
    k, j = (run_pickers.plain(named[int(of[row])]) for of in (snapshot.true, snapshot.predicted))
    q = uncertainty.q_of(snapshot)
    if k == j:
        return f"**{k}**: an image of class {k}, classified as {k}. Below it the probability of {k} by {q}."
    return f"**{k} → {j}**: an image of class {k} that is classified as {j}. Below it the probability of {j} by {q}."


def pictures(snapshot: SnapshotImages, rows: np.ndarray) -> np.ndarray:
    """Images of the snapshot as pages draw them: (n, h, w, 4)."""
    tiles = figures.last(data.pixels(data.load(snapshot.dataset), snapshot.ids[rows]))
    of = (palette.colour(int(k), len(snapshot.classes)) for k in snapshot.true[rows])
    return np.stack([figures.ink(tile, colour) for tile, colour in zip(tiles, of, strict=True)])


def take_images(
    folder: Folder,
    snapshot: SnapshotImages,
    rows: np.ndarray,
    shown: np.ndarray,
    word: str,
    lines: Callable[[int], tuple[str, ...]],
    of: str,
) -> None:
    """Buttons that hand out the list and this page of it as a picture."""
    run = folder.run
    note = uncertainty.note_of(folder, snapshot.epoch)
    with st.container(horizontal=True):
        uncertainty.hand_out(
            f"All {len(rows):,} as CSV",
            lambda: uncertainty.csv(uncertainty.images_table(snapshot, rows), note),
            f"{folder.id}-{word}-{snapshot.epoch}.csv",
            "take-images",
        )
        uncertainty.hand_out(
            "This page as PNG",
            lambda: uncertainty.labelled_png(
                pictures(snapshot, shown),
                [lines(int(r)) for r in shown],
                f"{MODELS[run.model].title}: {SHOWN[WRONG if word == 'wrong' else RIGHT].lower()}",
                f"{of} Run {folder.id}.",
            ),
            f"{folder.id}-{word}-{snapshot.epoch}.png",
            "take-sheet",
        )
