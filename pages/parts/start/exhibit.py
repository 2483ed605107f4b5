"""The exhibit: what unlabelled images buy, as two recorded runs that learn side by side before anything is trained.

On the left the baseline, which sees the labelled images only; on the right a model with the same labels that sees all
images. Both films play at once, and the test accuracy counts up under each. The tour shows other pairs in the same way.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from data import DATASETS
from models import BASELINE, CLASS, MODELS
from models.analysis import layouts, snapshots
from models.analysis.snapshots import SnapshotImages
from models.errors import UserError
from models.results import over_seeds, recorded_images, recordings, table
from models.results.outcome import cell_of
from models.results.recordings import Recording
from pages.parts.components import latent_map as map_component
from pages.parts.inside.latent_film import Film
from pages.parts.shared import palette, run_pickers, words

LEAD = (
    "Two models are told the class of the same few images; the right one also sees all others. Each dot is an image, "
    "coloured by predicted class, grey if unsure."
)
HEIGHT = 480  # of a map at most: all down to the controls stands on one screen, of 1440 x 900, too
SIDES = ("left", "right")
STYLE = """<style>
.st-key-exhibit-maps {--map-fit: clamp(13rem, calc(100vh - 37.4rem), 30rem)}
.st-key-exhibit-captions p {line-height: 1.4}
.st-key-exhibit-all {gap: 0.75rem}
@media (max-width: 640px) {
  .st-key-exhibit-maps [data-testid=stHorizontalBlock] {gap: 0.6rem}
  .st-key-exhibit-maps [data-testid=stColumn] {min-width: calc(50% - 0.3rem); flex: 1 1 0}
  .st-key-exhibit-choices {gap: 0.5rem 1rem}
  .st-key-exhibit-choices > .st-key-n_labels {order: 1}
  .st-key-exhibit-choices > :has(> .st-key-exhibit-ways) {order: 2}
}
@media (min-width: 641px) and (max-height: 720px) {
  .st-key-page-lead, .st-key-exhibit-ways, .st-key-exhibit-choices [data-testid=stWidgetLabel] {display: none}
  .st-key-exhibit-choices {flex-wrap: nowrap; gap: 0.75rem}
  .st-key-exhibit-maps {--map-fit: clamp(11rem, calc(100vh - 25rem), 30rem)}
}</style>"""
# On a phone two maps lie side by side, where one is seen to do what the other does not. On a low screen, at 150 % zoom,
# what else the bar and the menu offer gives way to them.
HELP = (
    f"{words.SEED} Each figure is the mean test accuracy of a method over its seeds ± their standard deviation; the "
    "points are how far the two means lie apart. The two runs shown are those of one of these seeds."
)
Choices = tuple[list[int], list[str]]  # numbers of labels, methods
NOTHING = 0.05  # percentage points: less is no difference, as accuracies are written


@dataclass(frozen=True)
class Sides:
    """Two recordings of the same data set, labels and seed: on the left the baseline, unless a stop says otherwise."""

    left: Recording
    right: Recording

    @property
    def gain(self) -> float:
        """How much higher the test accuracy on the right is at the end, in percentage points."""
        return 100 * (self.right.accuracy[-1] - self.left.accuracy[-1])

    @property
    def both(self) -> tuple[Recording, Recording]:
        return self.left, self.right


def choices(dataset: str) -> Choices:
    """The numbers of labels, and the methods, of which there is a recording beside one of the baseline."""
    kept = recordings.there(dataset)
    others = [model for model in recordings.learners() if model != BASELINE]
    budgets = [n for n in recordings.BUDGETS[dataset] if (n, BASELINE) in kept and any((n, m) in kept for m in others)]
    return budgets, [m for m in others if any((n, m) in kept for n in budgets)]


def every() -> dict[str, Choices]:
    """The choices of each data set that has any, the data set that is shown first at first."""
    return {dataset: found for dataset in recordings.BUDGETS if (found := choices(dataset))[0]}


def usual(dataset: str, budgets: list[int], models: list[str]) -> tuple[int, str]:
    """What is shown of a data set unless one chose: labels and model."""
    few = DATASETS[dataset].few_labels
    return few if few in budgets else budgets[0], CLASS if CLASS in models else models[0]


def pair(dataset: str, labels: int, model: str, beside: str = BASELINE) -> Sides | None:
    """Two models with so many labels; None if one of them is not recorded."""
    found = [recordings.read(dataset, labels, name) for name in (beside, model)]
    return None if None in found else Sides(*found)


def another_dataset() -> None:
    """Follow the choice of a data set: the address says it, and nothing more of the labels of the one before."""
    run_pickers.to_address("exhibit")()
    for key in ("n_labels", "last_n_labels"):
        st.session_state.pop(key, None)
    st.query_params.pop("n_labels", None)


def choose_dataset(there: Sequence[str], **more: Any) -> str:
    """The data set of ?exhibit=; with a choice of one there is nothing to choose."""
    titles = {name: DATASETS[name].title for name in there}
    return run_pickers.segments(
        "Data set", "exhibit", titles, shown=len(titles) > 1, width="content", on_change=another_dataset, **more
    )


def choose(there: dict[str, Choices], more: Callable[[], None]) -> Sides | None:
    """Data set, labels and model, bound to ?exhibit=, ?n_labels= and ?learner=. None, and a sentence, if not recorded.

    Not ?dataset=, ?labels= and ?model=, which other pages remember: whoever only passes through has chosen nothing.
    """
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium", key="exhibit-choices"):
        dataset = choose_dataset(list(there))
        budgets, models = there[dataset]
        usual_labels, usual_model = usual(dataset, budgets, models)
        labels = run_pickers.segments(
            "Labelled images", "n_labels", budgets, usual_labels, width="content",
            help=f"Of the {DATASETS[dataset].n_train:,} training images. All others are there without a label.",
        )  # fmt: skip
        model = run_pickers.segments(
            "Model", "learner", {m: MODELS[m].legend for m in models}, usual_model, width="content"
        )
        with st.container(
            horizontal=True, vertical_alignment="center", gap="small", width="content", key="exhibit-ways"
        ):
            more()
            st.page_link(
                "pages/train.py", label="Train it here", icon=":material/model_training:",
                query_params={"dataset": dataset, "labels": str(labels), "models": f"{BASELINE},{model}"},
            )  # fmt: skip
    found = pair(dataset, labels, model)
    if not found:
        run_pickers.refuse(f"{MODELS[model].title} with {labels} labels is not recorded. Choose another pair.")
    return found


def headline(sides: Sides) -> str:
    """What the unlabelled images bought, in percentage points; or what they cost."""
    run = sides.right.run
    n = DATASETS[run.dataset].n_train - run.labels
    before, after = map(accuracy, sides.both)
    if abs(sides.gain) < NOTHING:
        return f"In these two runs, {n:,} images without a label bought nothing: {before} both times."
    verb = "bought" if sides.gain > 0 else "cost"
    points = f"{abs(sides.gain):.1f} points"
    return f"In these two runs, {n:,} images without a label {verb} {points}: {after} instead of {before}."


def headlines(sides: Sides) -> dict[int, str]:
    """What stands over the maps after each epoch of which one of them has a picture, and at last the headline."""
    run = sides.right.run
    n = DATASETS[run.dataset].n_train - run.labels
    epochs = sorted({epoch for recording in sides.both for epoch in recording.epochs})
    said = {}
    for epoch in epochs[:-1]:
        before, after = (at(recording, epoch) for recording in sides.both)
        so_far = f"After epoch {epoch} of {epochs[-1]}, {n:,} images without a label"
        gain = 100 * (after - before)
        before, after = (f"{100 * a:.1f} %" for a in (before, after))
        if abs(gain) < NOTHING:
            said[epoch] = f"{so_far} have bought nothing yet: {before} both times."
        else:
            verb = "have bought" if gain > 0 else "have cost"
            said[epoch] = f"{so_far} {verb} {abs(gain):.1f} points: {after} instead of {before}."
    return {**said, epochs[-1]: headline(sides)}


def at(recording: Recording, epoch: int) -> float:
    """The test accuracy, 0 to 1, of the picture at or before an epoch: as the score above a map has it."""
    return next(a for e, a in reversed([*zip(recording.epochs, recording.accuracy, strict=True)]) if e <= epoch)


def accuracy(recording: Recording) -> str:
    """The test accuracy at the end, as it stands above a map."""
    return f"{100 * recording.accuracy[-1]:.1f} %"


def all_seeds(sides: Sides) -> str:
    """What both methods reach over all their seeds, by the reference figures, in a sentence."""
    left, right = (table.reference_row(cell_of(recording.run)) for recording in sides.both)
    return over_seeds.of_shown([right], left, (right, left), sides.gain)


def stands_on(sides: Sides) -> str:
    """What the headline stands on: other seeds, and how many of the images it counts the maps show."""
    dataset = sides.right.run.dataset
    some = recorded_images.wanted(dataset)
    n_test = DATASETS[dataset].n_test
    shown = "" if some is None else f"The maps show {len(some):,} of the {n_test:,} test images that are counted."
    return f"{all_seeds(sides)} {shown}".strip()


def recorded(sides: Sides) -> str:
    """What was recorded, and which map counts otherwise than its run."""
    run, n_test = sides.right.run, DATASETS[sides.right.run.dataset].n_test
    drawn = [
        f"{MODELS[r.run.model].legend}: {said}"
        for r in sides.both
        if (said := snapshots.drawn_anew(recordings.images(r), r.accuracy[-1], n_test))
    ]
    return " ".join([f"Recorded with {run.labels} labels, seed {run.seed}, Few Labels {sides.right.version}.", *drawn])


def lying(recording: Recording) -> np.ndarray:
    """The pictures (n, images, 2) of a film, all turned so that the last one lies as it does on every page."""
    xy = recording.xy.astype(np.float32)
    turn = layouts.upright(recording.run.dataset, recording.ids, xy[-1], recordings.pixels)
    return (xy @ turn).astype(np.float32)


@dataclass(frozen=True)
class Look:
    """How both maps are shown."""

    group: str  # they look at the same image, in the same colours
    colour: str = "sure"  # by which the points are coloured at first, a name that the map knows
    frozen: bool = False  # at their first picture, without a film
    brief: bool = False  # above and below a map few words
    height: int = HEIGHT  # of each, in pixels
    only: tuple[int, ...] = ()  # the true classes that are in colour at first, all others being pale; empty: all


@dataclass(frozen=True)
class Side:
    """One run: what its accuracy and its map are drawn from, apart from where the images are found."""

    key: str
    score: dict  # for map_component.score
    positions: map_component.Layout
    map: dict  # for map_component.show


def side(recording: Recording, key: str, look: Look) -> Side:
    """A recorded run as it is shown; `key` says where: one of SIDES, or what else tells it from those beside it."""
    run = recording.run
    n = DATASETS[run.dataset].n_train - run.labels
    told = f"{run.labels} labels only" if run.model == BASELINE else f"{run.labels} labels + {n:,} images without one"
    legend = MODELS[run.model].legend
    title = told if run.model == BASELINE else f"{legend}: {told}"
    if look.brief:
        title = f"{legend}, {run.labels} labels" + ", untrained" * look.frozen
    elif key == SIDES[0]:
        title = f"test accuracy: {title}"
    version = f"recording {run} {recording.made}"
    xy = lying(recording)
    says = (recording.predicted, recording.sure, recording.entropy)
    film = None if look.frozen else Film.of(recording.epochs, recording.ids, xy, says, version).data()
    until, what = 1 if look.frozen else len(recording.epochs), f"UMAP of {recording.space}"
    return Side(
        key,
        {
            "epochs": recording.epochs[:until], "accuracy": recording.accuracy[:until], "group": look.group,
            "images": DATASETS[run.dataset].n_test, "label": title, "colour": palette.model_colour(run.model),
            "ends": not look.brief,
        },
        map_component.Layout(
            xy[until - 1], "umap", what, f"{version} {until}",
            f"recording {run.dataset} {recording.space} {run.model}",
        ),
        {
            "key": f"{key}-map-{run.dataset}", "group": look.group, "height": look.height, "chrome": False,
            "compact": True, "colour": look.colour, "only": look.only, "film": film,
            "note": f"{run.budget()}, seed {run.seed}",
            "claim": "" if look.brief else MODELS[run.model].expected(recording.space)[0],
            "label": f"{what} of {MODELS[run.model].title}, {run.budget()}",
        },
    )  # fmt: skip


def group_of(dataset: str) -> str:
    """The group of the maps of a data set: what is pinned, filtered and coloured in them is theirs alone."""
    return f"exhibit-{dataset}"


def caption(recording: Recording) -> tuple[str, str]:
    """The model of a recording, and in sentences what it does and what its map shows, beside the map's headline."""
    card = MODELS[recording.run.model]
    return f"{card.legend}.", f"{card.summary} {card.expected(recording.space)[1]}"


def epochs_of(recorded: Sequence[Recording]) -> tuple[int, ...]:
    """Those that the bar plays: of whichever run is longest."""
    return max((recording.epochs for recording in recorded), key=lambda e: e[-1])


def maps(recorded: Sequence[Recording], look: Look, keys: Sequence[str] = SIDES) -> SnapshotImages:
    """Scores and maps, in two columns on a phone, too; what the last map shows."""
    st.html(STYLE)
    with st.container(key="exhibit-maps"):
        columns = st.columns(len(recorded), gap="medium")
    for column, recording, key in zip(columns, recorded, keys, strict=True):
        with column, st.container(gap="xxsmall"):
            shown = side(recording, key, look)
            snapshot = recordings.at(recording, 0) if look.frozen else recordings.images(recording)
            dataset = recording.run.dataset
            images = map_component.served_sheets(dataset, snapshot.ids, "exhibit", recordings.pixels)
            # A key for each data set: the same ids stand for other images in another, so no point may travel there.
            map_component.score(**shown.score, key=f"{shown.key}-score-{dataset}")
            map_component.show(snapshot, shown.positions, images=images, **shown.map)
    return snapshot


def scrubber(recorded: Sequence[Recording], look: Look, plays: str = "") -> None:
    """The bar that plays the maps, by itself once for each name that `plays` is given."""
    map_component.scrubber(epochs_of(recorded), None, key=f"film-{look.group}", group=look.group, plays=plays)


def captions(sides: Sides, look: Look) -> None:
    """What both maps show."""
    with st.container(key="exhibit-captions"):
        columns = st.columns(2, gap="medium")
    for column, recording in zip(columns, sides.both, strict=True):
        model, says = map(run_pickers.plain, caption(recording))
        if look.brief:
            says = run_pickers.plain(MODELS[recording.run.model].expected(recording.space)[0])
        column.markdown(f":small[**{model}** {says}]")


def legend(snapshot: SnapshotImages, look: Look, shows: str = "") -> None:
    """What the colours mean, and the choice of them with the filter; or only the "legend" or the "controls"."""
    map_component.legend(
        snapshot, key=f"{shows or 'legend'}-{look.group}", group=look.group, colour=look.colour, compact=look.brief,
        shows=shows,
    )  # fmt: skip


def play(sides: Sides) -> None:
    """Headline, both maps, and the bar that plays them."""
    look = Look(group_of(sides.right.run.dataset))
    map_component.headline(headlines(sides), key=f"headline-{look.group}", group=look.group)
    snapshot = maps(sides.both, look)
    scrubber(sides.both, look, plays=str(sides.right.run))
    with st.container(key="exhibit-legend"):
        legend(snapshot, look)
    st.markdown(stands_on(sides), help=HELP)
    captions(sides, look)
    st.caption(recorded(sides))


def show(more: Callable[[], None] = lambda: None) -> bool:
    """The exhibit; False if nothing is recorded. `more` draws what stands beside the choices."""
    try:
        there = every()
        if not there:
            return False
        with st.container(key="exhibit-all"):
            if sides := choose(there, more):
                play(sides)
    except UserError as e:
        run_pickers.refuse(str(e))
    return True
