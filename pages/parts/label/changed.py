"""What labels that were given have changed: the runs that go on from one, beside it as it was."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

import data
from data import DATASETS
from models import jobs
from models.errors import UserError
from models.runs import finetune
from models.runs.annotations import DATA_SET, Label
from models.runs.run import Run
from models.runs.store import Folder
from pages.parts.components.live_chart import Line, Mark, live_chart
from pages.parts.shared import figures, palette, run_cards, run_pickers
from pages.parts.shared.run_metrics import metrics

COLUMNS = 25  # images in a row


def names_of(folder: Folder, children: Sequence[Folder]) -> list[str]:
    """A name for each continuation: its budget, and who gave the new labels."""
    names = []
    for child in children:
        new = finetune.new_labels(child.run, folder.run)
        who = sorted({g.by for g in new})
        by = "no new labels" if not new else "by chance" if who == [DATA_SET] else f"by {', '.join(who[:2])}"
        label = f"{child.run.budget()}, {by}"
        names.append(label if label not in names else f"{label}, {child.id.rsplit('-', 1)[-1]}")
    return names


def colours_of(folder: Folder, children: Sequence[Folder]) -> list[str]:
    """Tones of the method's own colour, as everywhere; what has no new labels is grey, the measure of the others."""
    new = [bool(finetune.new_labels(child.run, folder.run)) for child in children]
    tones = iter(palette.run_colours([folder.run.model] * sum(new)))
    return [next(tones) if labelled else palette.UNLABELLED for labelled in new]


def bought(folder: Folder, children: list[Folder], live: bool) -> None:
    """The parent and what goes on from it: curves, what was gained, who gave what. In a fragment while one goes on."""
    states = jobs.engine().states([f.id for f in children])
    if live != any(not s.final for s in states.values()):
        st.rerun()
    names = names_of(folder, children)
    before, n = metrics(folder).test_accuracy, DATASETS[folder.run.dataset].n_test
    lines, colours = [], colours_of(folder, children)
    for i, (child, label) in enumerate(zip(children, names, strict=True)):
        m = metrics(child)
        known = [] if before is None or 0 in m.epochs else [(0, before)]  # it begins from the weights of the run before
        x, y = zip(*known, *zip(m.epochs, m.test, strict=True), strict=True) if known or m.epochs else ((), ())
        lines.append(Line(label, colours[i], x, [100 * a for a in y]))
    live_chart(
        lines,
        title="Test accuracy",
        unit="%",
        key=f"bought-{folder.id}",
        x_title="Epochs since the labels",
        x_max=max(c.run.epochs for c in children),
        y_max=100,
        robust=True,
        marks=[] if before is None else [Mark(f"Before, {folder.run.budget()}", 100 * before)],
        height=260,
        subject=" ".join(c.id for c in children),
    )
    st.caption(
        f"On the {n:,} test images of {DATASETS[folder.run.dataset].title}. Each line is 1 run of seed "
        f"{folder.run.seed}. A continuation begins from the weights of the run before, with a learning rate that rises "
        "and falls once more: its accuracy may dip first."
    )
    for child, label, colour in zip(children, names, colours, strict=True):
        with st.container(border=True, key=f"bought-card-{child.id}"):
            card(folder, child, states[child.id], label, before, colour)


def card(folder: Folder, child: Folder, state: jobs.State, label: str, before: float | None, colour: str) -> None:
    """One continuation: how far it is, what its labels bought, and the way on."""
    m, run = metrics(child), child.run
    new = finetune.new_labels(run, folder.run)
    now = m.test_accuracy
    with st.container(horizontal=True, gap="medium", vertical_alignment="center"):
        with st.container(gap="xsmall", width=330):
            with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
                run_cards.named(label, colour)
                st.badge(state.state, icon=palette.ICONS[state.state], color=palette.STATES[state.state])
            st.progress(m.progress, text=run_cards.pace(child, state))
        gain = None if now is None or before is None else f"{100 * (now - before):+.1f} points"
        images = "" if gain is None else more_images(run, now - before)
        st.metric(f"Test accuracy, {run.budget()}", figures.percent(now), delta=gain, width="content")
        run_cards.actions(child, state)
    if state.detail and state.state != "running":
        st.markdown(f":{palette.STATES[state.state]}[:small[{run_pickers.plain(state.detail)}]]")
    if state.final and gain:
        what = "The new labels and the epochs" if new else "The epochs alone"
        verb = "bought" if now >= before else "cost"
        points = gain.lstrip("+-")
        st.markdown(f"**{what} {verb} {points}** (test, one run, seed {run.seed}): {images}.")
        st.caption(doubt(run))
    if new:
        who_gave(run, new, told=state.final)
    if finetune.why_not(child) is None:
        st.button(
            "Label more, from here", key=f"on-{child.id}", icon=":material/label:", type="tertiary",
            on_click=go_to, args=(child.id,),
        )  # fmt: skip


def doubt(run: Run) -> str:
    """How much of a difference may be chance."""
    n = DATASETS[run.dataset].n_test
    return f"One test image of {n:,} is {100 / n:.2g} points: small differences may be chance."


def more_images(run: Run, gain: float) -> str:
    """What a gain in accuracy is in test images."""
    n = DATASETS[run.dataset].n_test
    more = round(gain * n)
    if not more:
        return f"as many of the {n:,} test images are correct as before"
    return f"{abs(more):,} {'more' if more > 0 else 'fewer'} of the {n:,} test images are correct"


def who_gave(run: Run, new: Sequence[Label], told: bool) -> None:
    """The images with the labels they were given; and once the run has ended and is `told`, which the data set has."""
    try:
        images = data.load(run.dataset)
    except UserError as e:
        run_pickers.refuse(str(e))
        return
    y = np.array([g.y for g in new])
    tiles = figures.labelled_tiles(figures.smooth(images.x[[g.image for g in new]], 28), y, len(images.classes))
    names = ", ".join(images.classes[k] for k in y[:COLUMNS])
    figures.picture(figures.flow(tiles, COLUMNS, gap=3), f"The images with the labels they were given: {names}")
    if not told:
        return
    agree = finetune.agreeing(new, images)
    if any(g.by != DATA_SET for g in new):
        st.caption(
            f"{agree} of {len(new)} given labels agree with the data set's own class of the image. "
            "The model was told what was given; this was looked up afterwards."
        )
    with st.expander(f"The {len(new)} given labels" if len(new) > 1 else "The given label", icon=":material/list:"):
        st.dataframe(
            pd.DataFrame(
                {
                    "Training image": [g.image for g in new],
                    "Given": [images.classes[g.y] for g in new],
                    "Data set": [images.classes[int(images.y[g.image])] for g in new],
                    "By": [g.by for g in new],
                    "Picked": [g.how for g in new],
                    "When, UTC": [g.at.replace("T", " ") for g in new],
                }
            ),
            hide_index=True,
            alt="The labels given, one a row",
        )


def go_to(run: str) -> None:
    for key in ("images", "pick", "draw", "of", "more"):
        st.query_params.pop(key, None)
        st.session_state.pop(f"last_{key}", None)
    st.query_params["run"] = run
