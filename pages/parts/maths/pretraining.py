"""Contrastive pretraining, with which a run may begin: what its cost was by the run's own records, and what it says."""

import html
import math
from dataclasses import dataclass

import streamlit as st

from models.methods import notation, pretraining
from models.runs.store import Folder
from pages.parts.maths import formulas, waterfall
from pages.parts.shared import figures, words
from pages.parts.shared.run_metrics import metrics

(TERM,) = notation.CONTRASTIVE


@dataclass(frozen=True)
class Recorded:
    """The mean of the cost over an epoch of pretraining, and what it lies between. All nats per view."""

    epoch: int
    cost: float
    guessing: float
    least: float
    others: float  # views among which the partner of one was to be found


def recorded(folder: Folder, images: int) -> Recorded | None:
    """Of the last epoch of pretraining on record, of a run with so many unlabelled images; None: there is none yet."""
    m = metrics(folder)
    steps = m.steps_per_epoch
    if TERM not in m.means or not 0 < steps <= images:
        return None
    epochs, costs = m.means[TERM]
    guessing, least = (pretraining.of_epoch(f, images, steps) for f in (pretraining.guessing, pretraining.least))
    return Recorded(round(epochs[-1]), costs[-1], guessing, least, 2 * images / steps - 1)


def begins(folder: Folder) -> None:
    """What stands above its equation."""
    n = words.number_of(folder.run.settings.contrastive_epochs, "epoch")
    st.subheader("Before J: contrastive pretraining", anchor=False)
    st.caption(
        f"This run began with {n} of it, after {pretraining.SOURCE}. No label is looked at: two random views are made "
        "of each unlabelled image, and the convolutions of q(y|·) learn to recognise which two are of one image. Then "
        "they go on to J, of which this cost is no part."
    )


def show(folder: Folder, images: int) -> None:
    """The recorded cost between the two that there could be, and what to take from it."""
    if (found := recorded(folder, images)) is None:
        st.caption("This run has recorded no epoch of pretraining yet.")
        return
    planned = folder.run.settings.contrastive_epochs
    so_far = f"of {planned:,} so far" if found.epoch < planned else "the last of pretraining"
    st.html(bars(found, f"Recorded over epoch {found.epoch:,}, {so_far}"))
    right, chance = (figures.probability(math.exp(-cost)) for cost in (found.cost, found.guessing))
    st.caption(
        f"So the right one of {found.others:,.0f} other views was given a probability of {right} (geometric mean); "
        f"guessing gives it {chance}. Whether the convolutions tell classes apart, too, the cost does not say: no "
        "label is in it. The image above has no figure of its own, for that "
        "takes the other images of a batch and the projection head, which is not kept with the weights."
    )


def bars(found: Recorded, title: str) -> str:
    """The three costs as HTML, each with a bar from 0."""
    grey, highest = "color-mix(in srgb,currentColor 35%,transparent)", max(found.guessing, found.cost, 0.01)
    rows = [
        ("guessing", "guessing: log(2n − 1)", found.guessing, grey),
        (TERM, "contrastive cost", found.cost, formulas.colour(TERM)),
        ("least", "the least there can be", found.least, grey),
    ]
    drawn = [
        f'<div class="t-{name}"><b><i style="background:{colour}"></i>{html.escape(label)}</b>'
        f'<em style="grid-column:span 2">{waterfall.figure(waterfall.hundredths(cost))}</em>'
        f'<u><s style="left:0;width:{100 * max(0.0, cost) / highest:.3f}%;background:{colour}"></s></u></div>'
        for name, label, cost, colour in rows
    ]
    return f'<div class="eq-fall eq-levels"><p>{title} <small>nats per view</small></p>{"".join(drawn)}</div>'
