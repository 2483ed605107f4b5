"""Confusion matrices of the compared runs, their difference, and the images behind each entry.

A click on an entry puts it into the address as ?cell=4-9, and the server answers with its images.
"""

import csv
import io
import itertools
from collections.abc import Sequence

import numpy as np
import streamlit as st

from data import DATASETS
from models.analysis import confusion
from models.analysis.snapshots import TEST
from pages.parts.compare.compared_runs import GROUP, Side
from pages.parts.components.confusion import confusion_matrices
from pages.parts.components.latent_map import sheets
from pages.parts.shared import figures, run_pickers, url_state
from pages.parts.shared.run_metrics import metrics

MATRIX_CLASSES = 20  # of more classes only the largest confusions are listed: nobody reads a matrix of a hundred rows
LISTED = 12
SHOWN = 60  # images of one entry and run


def show(runs: Sequence[Side]) -> None:
    """The matrices of all runs that have one, a component for each data set."""
    for side in runs:
        if why := why_not(side):
            st.caption(f"{run_pickers.plain(side.name)}: {run_pickers.plain(why)}")
    datasets = dict.fromkeys(s.folder.run.dataset for s in runs if not why_not(s))
    for dataset in datasets:
        some = [s for s in runs if s.folder.run.dataset == dataset and not why_not(s)]
        if len(datasets) > 1:
            st.markdown(f"**{DATASETS[dataset].title}**")
        st.fragment(together)(some, dataset, alone=len(datasets) == 1)


def claim(runs: Sequence[Side]) -> str:
    """The most frequent confusion of all, in a sentence; "" if none can be told."""
    found = []
    for side in runs:
        if not why_not(side):
            counts = confusion.matrix(side.snapshot)
            found += [(n, side, i, j, int(counts[i].sum())) for i, j, n in confusion.top(counts, 1)]
    if not found or len({side.folder.run.dataset for _, side, *_ in found}) > 1:
        return ""
    n, side, i, j, of = max(found, key=lambda f: f[0])
    true, taken = (run_pickers.plain(side.snapshot.classes[k].replace("_", " ")) for k in (i, j))
    return (
        f"The most frequent mistake: {run_pickers.plain(side.name)} classifies {n:,} of {of:,} images of {true} as "
        f"{taken}."
    )


def why_not(side: Side) -> str:
    """A sentence why a run has no confusion matrix, or ""."""
    if side.snapshot is None:
        return side.why
    if side.snapshot.q_y is None:
        return "It has no classifier yet, so it predicts nothing."
    return "" if (side.snapshot.kind == TEST).any() else "Its snapshot holds no test image."


def together(runs: Sequence[Side], dataset: str, alone: bool) -> None:
    """The matrices of runs on one data set, and the difference of two of them. Only this is drawn anew by a click."""
    classes = runs[0].snapshot.classes
    pair = choose_pair(runs) if alone and len(runs) > 1 else (0, 1) if len(runs) > 1 else None
    cell = asked(len(classes)) if alone else None
    key = f"confusion-{dataset}"

    def clicked() -> None:
        value = st.session_state[key].cell
        if is_cell(value, len(classes)):
            st.query_params["cell"] = f"{value[0]}-{value[1]}"
        else:
            st.query_params.pop("cell", None)

    confusion_matrices(
        matrices(runs, pair, cell),
        key=key,
        group=GROUP if alone else f"{GROUP}-{dataset}",
        classes=[name.replace("_", " ") for name in classes],
        cell=cell,
        images=[images(s, *cell) for s in runs] if cell else None,
        hint="Point at an entry to read it, click it to see its images." if alone else "Point at an entry to read it.",
        on_cell=clicked,
    )
    counted = sorted({int((s.snapshot.kind == TEST).sum()) for s in runs})
    n_test = DATASETS[dataset].n_test
    of = f"the {' or '.join(f'{n:,}' for n in counted)} test images whose q(y\\|x) a run keeps, of {n_test:,}"
    if counted == [n_test]:
        of = f"all {n_test:,} test images"
    counted_anew = any(map(differs, runs))
    shape = "Rows are true classes, columns predicted ones, each entry a number of images"
    if len(classes) > MATRIX_CLASSES:
        shape = f"The {LISTED} most frequent confusions of {len(classes)} classes, true → predicted"
    st.caption(
        f"{shape}, on {of}. "
        "The difference counts only images that both runs kept; the colour of an entry is that of the run which has "
        "more of it."
        + " The entries are counted from the probabilities that a run keeps, in half precision and from draws of their "
        "own: they may be an image or two off the accuracy that it measured." * counted_anew
    )
    st.download_button(
        "Confusions as CSV",
        lambda: as_csv(runs),
        file_name=f"confusions-{dataset}.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
        key=f"confusion-csv-{dataset}",
    )


def choose_pair(runs: Sequence[Side]) -> tuple[int, int]:
    """Which two runs are held against each other: ?pair=1-3, counted as in ?runs=."""
    pairs = list(itertools.combinations(range(len(runs)), 2))
    if len(pairs) == 1:
        return pairs[0]

    def write(p: tuple[int, int]) -> str:
        return f"{p[0] + 1}-{p[1] + 1}"

    run_pickers.linked("pair", pairs, pairs[0], write)
    return st.selectbox(
        "Difference of",
        pairs,
        key="pair",
        format_func=lambda p: f"{runs[p[0]].name} and {runs[p[1]].name}",
        on_change=run_pickers.to_address("pair", write),
        width=320,
    )


def asked(classes: int) -> list[int] | None:
    """The entry that the address asks for, if there is one."""
    cell = [url_state.whole(k) for k in st.query_params.get("cell", "").split("-")[:3]]
    return cell if is_cell(cell, classes) else None


def is_cell(value: object, classes: int) -> bool:
    return (
        isinstance(value, list | tuple)
        and len(value) == 2
        and all(isinstance(k, int) and not isinstance(k, bool) and 0 <= k < classes for k in value)
    )


def matrices(runs: Sequence[Side], pair: tuple[int, int] | None, cell: list[int] | None) -> list[dict]:
    """What the component draws: a matrix for each run and one for the difference, or lists for many classes."""
    made = []
    for s in runs:
        counts = confusion.matrix(s.snapshot)
        note = f"{reached(s, counts)}, {said_of(s)}"
        made.append({"name": s.name, "colour": s.colour, "note": note, "minus": False, "counts": counts})
    if pair:
        a, b = runs[pair[0]], runs[pair[1]]
        counts, n = confusion.difference(a.snapshot, b.snapshot)
        made.append(
            {
                "name": f"{a.name} minus {b.name}",
                "colour": "",
                "note": f"on the {n:,} test images of both",
                "minus": True,
                "more": a.colour,
                "less": b.colour,
                "names": [a.name, b.name],
                "counts": counts,
            }
        )
    tops = [confusion.top(m["counts"], LISTED) for m in made]
    known = {(i, j) for t in tops for i, j, _ in t} | ({tuple(cell)} if cell else set())
    for m, listed in zip(made, tops, strict=True):
        counts = m.pop("counts")
        m["rows"] = counts.sum(1).tolist()
        if len(counts) > MATRIX_CLASSES:
            m |= {"top": listed, "known": {f"{i}-{j}": int(counts[i, j]) for i, j in known}}
        else:
            m["counts"] = counts.tolist()
    return made


def reached(side: Side, counts: np.ndarray) -> str:
    """What the run measured after that epoch; only what it has not on record is counted here."""
    measured = metrics(side.folder).test_after(side.snapshot.epoch)
    if measured is not None:
        return f"Test accuracy {figures.percent(measured)}"
    n = int(counts.sum())
    return f"{figures.percent(np.trace(counts) / n)} of these {n:,} images correct"


def differs(side: Side) -> bool:
    """Whether the matrix of all test images counts otherwise than the run measured."""
    counts, measured = confusion.matrix(side.snapshot), metrics(side.folder).test_after(side.snapshot.epoch)
    n = int(counts.sum())
    whole = n == DATASETS[side.folder.run.dataset].n_test
    return whole and measured is not None and round(measured * n) != int(np.trace(counts))


def said_of(side: Side) -> str:
    """What an accuracy of this run rests on."""
    run = side.folder.run
    return f"{run.budget()}, seed {run.seed}, epoch {side.snapshot.epoch}"


def images(side: Side, true: int, predicted: int) -> dict:
    """The test images of one entry, surest first."""
    snapshot = side.snapshot
    rows = confusion.images(snapshot, true, predicted)
    first = rows[np.argsort(-snapshot.sure[rows], kind="stable")][:SHOWN]
    return {
        "name": side.name,
        "colour": side.colour,
        "total": len(rows),
        "sheets": sheets(snapshot),
        "tiles": [
            {"id": int(snapshot.ids[r]), "tile": int(r), "sure": round(float(snapshot.sure[r]), 4)} for r in first
        ],
    }


def as_csv(runs: Sequence[Side]) -> bytes:
    """Every entry of every matrix, one a line."""
    out = io.StringIO()
    write = csv.writer(out)
    write.writerow(["run", "model", "dataset", "labels", "seed", "epoch", "true", "predicted", "images"])
    for side in runs:
        run, counts, names = side.folder.run, confusion.matrix(side.snapshot), side.snapshot.classes
        about = (side.folder.id, run.model, run.dataset, run.labels, run.seed, side.snapshot.epoch)
        write.writerows((*about, names[i], names[j], n) for (i, j), n in np.ndenumerate(counts))
    return out.getvalue().encode()
