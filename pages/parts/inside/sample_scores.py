"""What a classifier trained on all labels says of the images that a run generates: at its end, and epoch by epoch."""

import math

import numpy as np
import streamlit as st

from data import DATASETS
from models.analysis import judge
from models.analysis.sample_scores import Scores
from models.runs.run import Run
from models.runs.store import FINAL, Folder
from pages.parts.shared import image_grid, measured
from pages.parts.shared.measured import ABSENT, KEPT, NEVER

FEW = 60  # epochs that have a bar
STYLE = """<style>
.sc {display:flex; align-items:flex-end; gap:2px; height:5rem; max-width:44rem; margin:.2rem 0 .3rem;
  border-bottom:1px solid color-mix(in srgb,currentColor 35%,transparent)}
.sc i {flex:1 1 0; min-width:1px; max-width:1.4rem; border-radius:2px 2px 0 0; background:light-dark(#4a5fc1,#8fa2ff)}
.sc-axis {display:flex; justify-content:space-between; max-width:44rem; font-size:.8rem;
  color:color-mix(in srgb,currentColor 75%,transparent)}
</style>"""


def section(folder: Folder, names: tuple[str, ...] | list[str]) -> None:
    """The section of Generate; nothing of a run that goes on."""
    if folder.status()["state"] not in FINAL:
        return
    found = measured.look(folder, measured.SAMPLES)
    if found.state == NEVER:
        return
    if found.state != KEPT:
        st.subheader("Do the samples show their class?", anchor=False)
        if found.state == ABSENT:
            st.caption(f"{found.note} {lacking(folder.run)}")
        measured.button([found], "Score the samples", "score-samples")
        measured.watch([found], lambda f: "The samples are being scored")
        return
    scores: Scores = found.figures
    n = scores.samples * len(scores.taken)
    st.subheader(
        f"{scores.share:.1%} of {n:,} samples are taken for their class; they are {scores.varied:.2f} times as varied "
        "as the data".replace("%", " %", 1),
        anchor=False,
        help="Taken: the share of images generated as a class y that a judge takes for y (GAN-test, Shmelkov et al., "
        "2018). Varied: the mean distance between two generated images of a class in the judge's last hidden layer, "
        "over that between two test images of it: 1 is as varied as the data, 0 one and the same image. A model can "
        "have much of one and little of the other.",
    )
    st.caption(f"{by_judge(folder.run, scores)} {least(scores, names)}")
    if len(scores.epochs) > 1:
        st.html(STYLE + over_epochs(scores))
        st.caption(
            f"The share that is taken for its class, epoch by epoch, of the {scores.grid} samples that the run kept "
            f"then; in the same styles. Their variety went from {scores.variety_by[0]:.2f} to "
            f"{scores.variety_by[-1]:.2f}."
        )


def lacking(run: Run) -> str:
    """What scoring takes; "" where there is a judge."""
    if judge.accuracy(run.dataset) is not None:
        return ""
    spec = DATASETS[run.dataset]
    return (
        f"{spec.title} has no judge yet, a classifier trained on all its {spec.n_train:,} labels: the button trains it "
        f"in the background, once for all runs, in seconds on the digits, in minutes elsewhere. So does "
        f"`{judge.command(run.dataset)}`."
    )


def by_judge(run: Run, scores: Scores) -> str:
    """Who says so, and how good it is."""
    return (
        f"By a judge that learned all {DATASETS[run.dataset].n_train:,} labels and classifies {scores.judge:.1%} of "
        "the test images correctly."
    ).replace("%", " %")


def least(scores: Scores, names: tuple[str, ...] | list[str]) -> str:
    """The class that is taken least, and that which is varied least."""
    k = int(np.argmin(scores.taken))
    said = f"Least often {image_grid.name_of(k, names)}: {100 * scores.taken[k]:.0f} %."
    known = np.where(np.isfinite(scores.variety), scores.variety, np.inf)
    j = int(np.argmin(known))
    return said + (f" Least varied {image_grid.name_of(j, names)}: {known[j]:.2f}." if np.isfinite(known[j]) else "")


def over_epochs(scores: Scores) -> str:
    """A bar an epoch, as HTML."""
    rows = np.unique(np.linspace(0, len(scores.epochs) - 1, min(FEW, len(scores.epochs))).round().astype(int))
    bars = "".join(
        f'<i style="height:{100 * scores.taken_by[r]:.1f}%" title="After epoch {scores.epochs[r]}: '
        f'{100 * scores.taken_by[r]:.0f} % taken, variety {variety(scores.variety_by[r])}"></i>'
        for r in rows
    )
    first, last = f"{100 * scores.taken_by[0]:.0f} %", f"{100 * scores.taken_by[-1]:.0f} %"
    said = f"From {first} after epoch {scores.epochs[0]} to {last} after epoch {scores.epochs[-1]}"
    return (
        f'<div class="sc" role="img" aria-label="{said}">{bars}</div><div class="sc-axis">'
        f"<span>epoch {scores.epochs[0]}: {first}</span><span>epoch {scores.epochs[-1]}: {last}</span></div>"
    )


def variety(value: float) -> str:
    return "not known" if math.isnan(value) else f"{value:.2f}"


def brief(scores: Scores) -> str:
    """In a line, for beside a class grid."""
    return (
        f"{scores.share:.1%} taken for their class, {variety(scores.varied)} times as varied as the data, by a judge "
        f"that has {scores.judge:.1%}".replace("%", " %")
    )
