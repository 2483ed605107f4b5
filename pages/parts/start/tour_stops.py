"""The stops of the tour: two recorded runs side by side, a sentence, a question, and what these runs answer.

Every figure is computed of the recordings that a stop shows, and so is the answer: with other recordings a stop says
something else. Where they differ by less than the thresholds below, it says that they do not differ.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from data import DATASETS
from models import AUXILIARY, BASELINE, CLASS, CODE, MODELS
from models.analysis import confusion, snapshots
from models.analysis.snapshots import SnapshotImages
from models.errors import StoreError
from models.results import examples, recordings, table
from models.results.recordings import Recording
from pages.parts.start import exhibit
from pages.parts.start.exhibit import Sides

POINTS, FEW = 1.0, 500  # of accuracy on so many test images: two runs that are nearer do not differ
MANY = 10.0  # points that are a lot
ALIKE = 5.0  # percentage points of neighbours of the same class: two maps that are nearer do not differ
TAKEN = 3  # images of two classes: runs that are nearer do not differ in confusing these classes
SURE = 0.9  # a probability: more is sure


@dataclass(frozen=True)
class Way:
    """A link to the page where one goes on; `models` are the example runs that it opens."""

    page: str  # a file below pages/
    label: str
    icon: str
    models: tuple[str, ...] = ()
    query: tuple[tuple[str, str], ...] = ()
    why: str = ""  # a sentence, where the link stands alone

    def address(self) -> dict[str, str]:
        """The query of the link."""
        ids = [id for model in self.models if (id := examples.id_of(model))]
        runs = {"run" if len(self.models) == 1 else "runs": ",".join(ids)} if ids else {}
        return runs | dict(self.query)


@dataclass(frozen=True)
class Stop:
    """One stop. `answers` and `right` are empty and -1 where there is nothing to ask."""

    title: str
    sides: Sides
    colour: str  # by which the points are coloured, a name that the map knows
    says: str  # one sentence beside the figure
    question: str
    answers: tuple[str, ...]
    right: int  # which of them these runs give
    reveals: tuple[str, ...]  # sentences with the runs' own figures
    ways: tuple[Way, ...]
    only: tuple[int, ...] = ()  # the classes that are in colour; empty: all


MAP, GRID, SIDE = ":material/scatter_plot:", ":material/grid_view:", ":material/compare:"


def name(recording: Recording) -> str:
    return MODELS[recording.run.model].legend


def names(sides: Sides) -> tuple[str, str]:
    return name(sides.left), name(sides.right)


def labels_of(dataset: str) -> int:
    """The number of labels that the exhibit shows at first."""
    return exhibit.usual(dataset, *exhibit.choices(dataset))[0]


def near(dataset: str) -> float:
    """Percentage points: two runs that are nearer do not differ. Of more test images fewer points are chance."""
    return POINTS * (FEW / max(FEW, DATASETS[dataset].n_test)) ** 0.5


def neither(points: float) -> str:
    return f"Neither: they are within {points:.1g} point{'' if points == 1 else 's'}"


def of_dataset(dataset: str, *ways: Way) -> tuple[Way, ...]:
    """The links that can be followed: there are example runs of one data set only."""
    return tuple(way for way in ways if not way.models or dataset == examples.DATASET)


def untrained(sides: Sides) -> str:
    """What the accuracies stand on before the first step of training."""
    run = sides.right.run
    n = DATASETS[run.dataset].n_classes
    above = [r for r in sides.both if 100 * r.accuracy[0] > 100 / n + MANY]
    return f"Both are untrained as yet. A guess among {n} classes is right in {100 / n:.0f} % of all cases." + "".join(
        f" {name(r)} has {100 * r.accuracy[0]:.0f} %: so much its SVM reads from the code of an untrained network."
        for r in above
    )


def pair(dataset: str, model: str, beside: str = BASELINE) -> Sides:
    """Two models with the usual number of labels. Raises StoreError if one of them is not recorded."""
    found = exhibit.pair(dataset, labels_of(dataset), model, beside)
    if found is None:
        raise StoreError(
            f"The tour shows {MODELS[model].legend} beside {MODELS[beside].legend}, and one is not recorded."
        )
    return found


def few_labels(dataset: str) -> Stop:
    """What the images without a label buy: the baseline and the model with a latent class."""
    sides, labels = pair(dataset, CLASS), labels_of(dataset)
    spec, (_, model) = DATASETS[dataset], names(sides)
    right = 0 if sides.gain < POINTS else 1 if sides.gain <= MANY else 2
    return Stop(
        "Few labels, many images", sides, "sure",
        f"Both are told the class of the same {labels} images; {model} also looks at {spec.n_train - labels:,} others, "
        "of which nobody tells it the class.",
        f"By how many percentage points will {model} be ahead on the {spec.n_test:,} test images?",
        (f"Less than {POINTS:.0f}, or none", f"{POINTS:.0f} to {MANY:.0f}", f"More than {MANY:.0f}"), right,
        (exhibit.headline(sides), exhibit.all_seeds(sides)),
        of_dataset(
            dataset,
            Way("data.py", f"The {labels} labels", ":material/image:",
                query=(("dataset", dataset), ("labels", str(labels)), ("seed", str(recordings.SEED)))),
            Way("compare.py", "Their curves", SIDE, (BASELINE, CLASS)),
        ),
    )  # fmt: skip


def two_classes(dataset: str) -> Stop:
    """Two classes that one run confuses more than the other."""
    sides = pair(dataset, CLASS)
    shown = [recordings.images(recording) for recording in sides.both]
    a, b, (left, right), of = most_different(*shown)
    (one, two), classes = names(sides), shown[0].classes
    images = f"{left} of the {of} test images of {classes[a]} and {classes[b]}"
    taken = f"{one} takes {images} for the other, {two} takes {right}."
    sure = ", ".join(f"{n} is over {SURE:.0%} sure of {k} of its {wrong}" for n, (k, wrong) in
                     zip((one, two), map(sure_and_wrong, shown), strict=True)).replace("%", " %")  # fmt: skip
    differs = abs(left - right) >= TAKEN
    return Stop(
        "Two that look alike", sides, "predicted",
        f"In colour are the images of {classes[a]} and {classes[b]} alone, each in the colour of the class it is taken "
        "for. A class that looks like another is where few labels fail first.",
        f"Which of the two will confuse {classes[a]} and {classes[b]} more?" if differs else "",
        (one, two) if differs else (), int(right > left) if differs else -1,
        (taken if differs else f"No two classes tell these runs apart: at most, {taken[0].lower() + taken[1:]}",
         f"And of their wrong answers: {sure}."),
        of_dataset(
            dataset,
            Way("uncertainty.py", "Sure and wrong", ":material/help:", (CLASS,)),
            Way("compare.py", "All confusions", SIDE, (BASELINE, CLASS)),
        ),
        only=(a, b),
    )  # fmt: skip


def most_different(left: SnapshotImages, right: SnapshotImages) -> tuple[int, int, tuple[int, int], int]:
    """Two classes, how often each run takes one for the other, and how many test images they have: those of all pairs
    in which the runs differ most, and are wrong most often where several differ as much."""
    matrices = [confusion.matrix(shown) for shown in (left, right)]

    def taken(pair: tuple[int, int]) -> tuple[int, int]:
        a, b = pair
        one, two = (int(m[a, b] + m[b, a]) for m in matrices)
        return one, two

    pairs = combinations(range(len(left.classes)), 2)
    a, b = max(pairs, key=lambda p: (abs(taken(p)[0] - taken(p)[1]), sum(taken(p))))
    return a, b, taken((a, b)), int(matrices[0][[a, b]].sum())


def sure_and_wrong(shown: SnapshotImages) -> tuple[int, int]:
    """Of how many of its wrong answers on test images a run is sure, and how many there are."""
    wrong = (shown.kind == snapshots.TEST) & (shown.predicted != shown.true)
    return int((shown.sure[wrong] > SURE).sum()), int(wrong.sum())


def two_codes(dataset: str) -> Stop:
    """What a code holds that was learnt without labels, and one beside which the class is kept."""
    sides = pair(dataset, CLASS, CODE)
    one, two = names(sides)
    same = [100 * snapshots.agreement(r.xy[-1].astype(np.float32), recordings.images(r).true) for r in sides.both]
    right = 2 if abs(same[0] - same[1]) < ALIKE else int(same[1] < same[0])
    because = f" {two} keeps the class in y: what its z no longer says of the class, it says of the style."
    return Stop(
        "The class and the style, apart", sides, "class",
        f"{one} learns its z without a single label; {two} is told {labels_of(dataset)}, and keeps the class in y, "
        "beside its z.",
        "Once both are trained, on which of the two maps do the classes lie more mixed?",
        (one, two, f"Neither: they are within {ALIKE:.0f} points"), right,
        (f"Of an image's 10 nearest on the map, {same[0]:.0f} % are of its class in {one}, {same[1]:.0f} % in {two}."
         + because * (right == 1),),
        of_dataset(
            dataset,
            Way("generate.py", "One hand, ten digits", GRID, (CLASS,)),
            Way("latent.py", f"{one}'s space", MAP, (CODE,)),
        ),
    )  # fmt: skip


def posterior(dataset: str) -> Stop:
    """A posterior that may bend: with as many labels as set the two models farthest apart."""
    pairs = [s for n in recordings.BUDGETS[dataset] if (s := exhibit.pair(dataset, n, AUXILIARY, beside=CLASS))]
    sides = max(pairs, key=lambda s: abs(s.gain))
    (one, two), n = names(sides), sides.right.run.labels
    right = 2 if abs(sides.gain) < near(dataset) else int(sides.gain > 0)
    far = f": of the {len(pairs)} pairs recorded this one is the farthest apart" if len(pairs) > 1 else ""
    return Stop(
        "A posterior that may bend", sides, "sure",
        f"{one}'s posterior of z is one Gaussian for each image; {two} adds a variable a, so that its own is a mixture "
        "and may bend.",
        f"With {n} labels, which of the two classifies more of the test images correctly?",
        (one, two, neither(near(dataset))), right,
        (f"With {n} labels {one} reaches {exhibit.accuracy(sides.left)}, {two} {exhibit.accuracy(sides.right)}{far}.",
         exhibit.all_seeds(sides)),
        of_dataset(
            dataset,
            Way("compare.py", "Both, and a", SIDE, (CLASS, AUXILIARY), (("space", "a"),)),
            Way("equations.py", "Their equations", ":material/function:", query=(("model", AUXILIARY),)),
        ),
    )  # fmt: skip


def raw_pixels(recording: Recording) -> str:
    """What the classifier of a code reaches on raw pixels instead, by the run's reference figure; "" if it has none."""
    run = recording.run
    row = table.reference_row((run.dataset, run.model, run.labels, run.preset))
    beside = next((o.beside for o in row.outcomes if o.seed == run.seed), None)
    return "" if beside is None else f" The SVM that reads the code reaches {100 * beside:.1f} % on raw pixels instead."


def where_they_lose(dataset: str) -> Stop:
    """The recorded pair in which the images without a label bought least, or cost most."""
    budgets, models = exhibit.choices(dataset)
    pairs = [s for n in budgets for m in models if (s := exhibit.pair(dataset, n, m))]
    sides = min(pairs, key=lambda s: s.gain)
    (one, two), n = names(sides), sides.right.run.labels
    right = 2 if abs(sides.gain) < near(dataset) else int(sides.gain > 0)
    lost = sum(s.gain <= -POINTS for s in pairs)
    return Stop(
        "Where generative models lose", sides, "sure",
        "A model of p(x) spends its effort on pixels, and most of them say nothing of the class.",
        f"With {n} labels, which of the two classifies more of the test images correctly?",
        (one, two, neither(near(dataset))), right,
        (exhibit.headline(sides) + raw_pixels(sides.right),
         f"{lost} of the {len(pairs)} recorded pairs lost {POINTS:.0f} point or more; this one gained least."),
        (
            Way("results.py", "All figures", ":material/leaderboard:", query=(("dataset", dataset),)),
            Way("results.py", "On photographs", ":material/photo:", query=(("dataset", "cifar10"),)),
        ),
    )  # fmt: skip


STOPS: tuple[Callable[[str], Stop], ...] = (few_labels, two_classes, two_codes, posterior, where_they_lose)


MET = (BASELINE, CODE, CLASS, AUXILIARY)  # the models that the stops show


def met(dataset: str) -> list[Recording]:
    """Each of them with the usual number of labels."""
    return [r for model in MET if (r := recordings.read(dataset, labels_of(dataset), model))]


def next_steps(dataset: str) -> tuple[Way, ...]:
    """What to do after the tour; nothing of it needs a run of one's own."""
    labels = labels_of(dataset)
    of = (("dataset", dataset), ("labels", str(labels)))
    return (
        Way("train.py", "Train it here", ":material/model_training:", query=of,
            why=f"Live on this machine, with {labels} labels."),
        Way("plane.py", "See it in the plane", ":material/gesture:", query=(("lesson", "lose"),),
            why="Where these models win, and where they lose."),
        Way("draw.py", "Draw a digit", ":material/draw:", (CLASS,),
            why="See what a model takes it for."),
        Way("compare.py", "Compare all four", SIDE, MET,
            why="Their maps, mistakes and samples."),
    )  # fmt: skip


def recorded() -> list[str]:
    """The data sets of which all is recorded that the stops show."""
    return [
        dataset for dataset in exhibit.every()
        if all((labels_of(dataset), model) in recordings.there(dataset) for model in MET)
    ]  # fmt: skip
