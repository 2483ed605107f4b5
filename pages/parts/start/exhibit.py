"""The exhibit: what unlabelled images buy, as two recorded runs that learn side by side before anything is trained.

On the left the baseline, which sees the labelled images only; on the right a model with the same labels that sees all
images. Both films play at once, and the test accuracy counts up under each.
"""

from dataclasses import dataclass

import numpy as np
import streamlit as st

from data import DATASETS
from models import BASELINE, CLASS, MODELS
from models.errors import UserError
from models.results import recordings, table
from models.results.examples import DATASET, LABELS
from models.results.recordings import Recording
from models.runs.run import Run
from pages.parts.components import latent_map as map_component
from pages.parts.inside.latent_film import Film
from pages.parts.shared import palette, run_pickers, words

GROUP = "exhibit"
LEAD = "What can a model learn from images without labels? Both of these were told the class of the same few digits."
HEIGHT = 300  # of a map: the bar that plays them stands on the same screen of 1440 x 900


@dataclass(frozen=True)
class Sides:
    """Two recordings of the same data set, labels and seed."""

    baseline: Recording
    model: Recording

    @property
    def gain(self) -> float:
        """How much higher the model's test accuracy is at the end, in percentage points."""
        return 100 * (self.model.accuracy[-1] - self.baseline.accuracy[-1])


def choices() -> tuple[list[int], list[str]]:
    """The numbers of labels, and the methods, of which there is a recording beside one of the baseline."""
    kept = recordings.there(DATASET)
    others = [model for model in recordings.learners() if model != BASELINE]
    budgets = [n for n in recordings.BUDGETS[DATASET] if (n, BASELINE) in kept and any((n, m) in kept for m in others)]
    return budgets, [m for m in others if any((n, m) in kept for n in budgets)]


def usual(budgets: list[int], models: list[str]) -> tuple[int, str]:
    """What is shown unless one chose: labels and model."""
    return LABELS if LABELS in budgets else budgets[0], CLASS if CLASS in models else models[0]


def pair(labels: int, model: str) -> Sides | None:
    """The baseline and a model with so many labels; None if one of them is not recorded."""
    found = [recordings.read(DATASET, labels, name) for name in (BASELINE, model)]
    return None if None in found else Sides(*found)


def choose(budgets: list[int], models: list[str]) -> Sides | None:
    """The labels and the model, bound to ?n_labels= and ?learner=. None, and a sentence, if that pair is not recorded.

    Not ?labels= and ?model=, which other pages remember: whoever only passes through Home has chosen nothing.
    """
    usual_labels, usual_model = usual(budgets, models)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        labels = run_pickers.segments(
            "Labelled images", "n_labels", budgets, usual_labels, width="content",
            help=f"Of the {DATASETS[DATASET].n_train:,} training images. All others are there without a label.",
        )  # fmt: skip
        titles = {m: MODELS[m].legend for m in models}
        model = run_pickers.segments("Model", "learner", titles, usual_model, width="content")
        st.page_link(
            "pages/train.py", label="Train it here", icon=":material/model_training:",
            query_params={"dataset": DATASET, "labels": str(labels)},
        )  # fmt: skip
    found = pair(labels, model)
    if not found:
        run_pickers.refuse(f"{MODELS[model].title} with {labels} labels is not recorded. Choose another pair.")
    return found


def headline(sides: Sides) -> str:
    """What the unlabelled images bought, in percentage points; or what they cost."""
    run = sides.model.run
    n = DATASETS[run.dataset].n_train - run.labels
    before, after = (f"{100 * r.accuracy[-1]:.1f} %" for r in (sides.baseline, sides.model))
    if abs(sides.gain) < 0.05:
        return f"{n:,} images without a label bought nothing here: {before} both times."
    verb = "bought" if sides.gain > 0 else "cost"
    return f"{n:,} images without a label {verb} {abs(sides.gain):.1f} points: from {before} to {after}."


def over_seeds(run: Run) -> str:
    """Mean and standard deviation of the reference figures of the baseline and of the run's method."""
    rows = [table.reference_row((run.dataset, name, run.labels, run.preset)) for name in (BASELINE, run.model)]
    parts = [
        f"{MODELS[row.model].legend} {100 * row.mean:.1f} ± {100 * row.sd:.1f} % ({row.n} seeds)"
        for row in rows
        if row.mean is not None and row.sd is not None
    ]
    return f"Over all seeds: {', '.join(parts)}. " if parts else ""


def spread(sides: Sides) -> str:
    """Mean and standard deviation over the seeds, and what was recorded."""
    run = sides.model.run
    recorded = f"Recorded with {run.labels} labels, seed {run.seed}, Few Labels {sides.model.version}."
    return over_seeds(run) + recorded


@dataclass(frozen=True)
class Side:
    """One run: what its accuracy and its map are drawn from, apart from where the images are found."""

    key: str
    score: dict  # for map_component.score
    positions: map_component.Layout
    map: dict  # for map_component.show


def side(recording: Recording, left: bool) -> Side:
    """A recorded run as it is shown: on the left the baseline, on the right a model."""
    run, key = recording.run, "left" if left else "right"
    n = DATASETS[run.dataset].n_train - run.labels
    others = f"{MODELS[run.model].legend}: {run.labels} labels + {n:,} images without one"
    title = f"test accuracy: {run.labels} labels only" if left else others
    version = f"recording {run} {recording.made}"
    xy = recording.xy.astype(np.float32)
    says = (recording.predicted, recording.sure, recording.entropy)
    film = Film.of(recording.epochs, recording.ids, xy, says, version)
    return Side(
        key,
        {
            "epochs": recording.epochs, "accuracy": recording.accuracy, "group": GROUP, "label": title,
            "colour": palette.model_colour(run.model),
        },
        map_component.Layout(xy[-1], "umap", version, f"recording {recording.space} {run.model}"),
        {
            "key": f"{key}-map", "group": GROUP, "height": HEIGHT, "chrome": False, "colour": "sure",
            "film": film.data(), "note": f"{run.budget()}, seed {run.seed}",
            "label": f"UMAP of {recording.space} of {MODELS[run.model].title}, {run.budget()}",
        },
    )  # fmt: skip


def caption(recording: Recording) -> str:
    """What the map of a recording shows."""
    return MODELS[recording.run.model].spaces[recording.space]


def epochs_of(sides: Sides) -> tuple[int, ...]:
    """Those that the bar plays: of whichever run is longer."""
    return max((sides.baseline.epochs, sides.model.epochs), key=lambda e: e[-1])


def play(sides: Sides) -> None:
    """Headline, both maps, and the bar that plays them."""
    both = (sides.baseline, sides.model)
    st.subheader(headline(sides), anchor=False)
    st.caption(spread(sides), help=words.SEED)
    for column, recording in zip(st.columns(2, gap="medium"), both, strict=True):
        with column:
            snapshot, shown = recordings.images(recording), side(recording, left=recording is sides.baseline)
            map_component.score(**shown.score, key=f"{shown.key}-score")
            map_component.show(snapshot, shown.positions, **shown.map)
    map_component.scrubber(epochs_of(sides), None, key="exhibit-film", group=GROUP, plays=str(sides.model.run))
    for column, recording in zip(st.columns(2, gap="medium"), both, strict=True):
        column.caption(caption(recording))
    map_component.legend(snapshot, key="exhibit-legend", group=GROUP, colour="sure")


def show() -> bool:
    """The exhibit; False if nothing is recorded."""
    try:
        budgets, models = choices()
        if not budgets:
            return False
        if sides := choose(budgets, models):
            play(sides)
    except UserError as e:
        run_pickers.refuse(str(e))
    return True
