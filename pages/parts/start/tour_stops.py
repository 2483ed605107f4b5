"""The stops of the guided tour: what to look at, what it means, and the runs that show it.

All runs are of the embedded digits, with the usual settings: any such run that is here already serves, and else the
examples do. What lacks is trained in the background if one asks, each once, however many visitors ask.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from models import AUXILIARY, CLASS, CODE, MODELS
from models.results import examples, table
from models.results.examples import DATASET, LABELS
from models.results.recordings import SEED
from models.results.table import BASELINE
from models.runs import store
from models.runs.run import Run
from models.runs.store import Folder, open_folder
from pages.parts.shared import figures
from pages.parts.shared.run_metrics import finite, metrics

ORDER = (BASELINE, CLASS, CODE, AUXILIARY)  # the first stop's runs first
Runs = Mapping[str, Folder]  # by method: those that are finished


@dataclass(frozen=True)
class Way:
    """A link of a stop: it opens a page that is set up to show something."""

    page: str  # a file below pages/
    label: str
    icon: str
    query: Callable[[Runs], dict[str, str]]
    needs: tuple[str, ...] = ()  # methods whose runs it shows


@dataclass(frozen=True)
class Stop:
    """One stop of the tour."""

    title: str
    look: str  # what to do and to look at
    means: str  # what one sees there
    ways: tuple[Way, ...]
    says: Callable[[Runs], str]  # the runs' own figures, a sentence; "" until there are any

    @property
    def needs(self) -> tuple[str, ...]:
        """The methods whose runs it shows, each once."""
        return tuple(dict.fromkeys(m for way in self.ways for m in way.needs))


def wanted() -> list[Run]:
    """The runs that the tour shows, in the order in which its stops need them."""
    return [Run.make(DATASET, model, LABELS, SEED) for model in ORDER]


def there_are() -> tuple[dict[str, Folder], bool]:
    """The newest finished run of each method, else its example; and whether a run is under way."""
    found = {folder.run.model: folder for folder in examples.bring(store.root())}
    rows = table.rows([DATASET], ORDER, LABELS, seeds=[SEED], root=store.root(), reference=None)
    for row in rows:
        for outcome in row.outcomes:
            if folder := open_folder(store.root(), outcome.run):
                found[row.model] = folder
    return found, any(row.running for row in rows)


def accuracy(folder: Folder) -> str:
    """ "M2 93.2 %": a run's accuracy on the test images."""
    return f"{MODELS[folder.run.model].title} {figures.percent((folder.result() or {}).get('test_accuracy'))}"


def basis() -> str:
    """What every accuracy of the tour rests on."""
    return f"of the 500 test images right; {LABELS} labels, seed {SEED}, one run each"


def above_the_baseline(runs: Runs) -> str:
    have = [accuracy(runs[m]) for m in (BASELINE, CLASS) if m in runs]
    return f"{', '.join(have)} {basis()}." if have else ""


def without_labels(runs: Runs) -> str:
    if CODE not in runs:
        return ""
    raw = (runs[CODE].result() or {}).get("raw_pixel_svm_accuracy")
    beside = f" The same SVM on raw pixels instead of z: {figures.percent(raw)}." if finite(raw) else ""
    return f"{accuracy(runs[CODE])} {basis()}.{beside}"


def apart(runs: Runs) -> str:
    return f"{accuracy(runs[CLASS])} {basis()}." if CLASS in runs else ""


def training_bound(folder: Folder) -> float | None:
    """Bound on -log p(x), nats per image (eq. 6 or 22), as the last steps of training had it: on unlabelled training
    images, in training mode (batch statistics, noise), which is not the bound of the finished model on test images."""
    terms = metrics(folder).terms
    parts = [values[-20:] for name, (_, values) in terms.items() if name.startswith("unlabelled/")]
    return sum(sum(v) / len(v) for v in parts) if parts and all(parts) else None


def two_posteriors(runs: Runs) -> str:
    have = [m for m in (CLASS, AUXILIARY) if m in runs]
    if len(have) < 2:
        return ""
    bounds = [f"{MODELS[m].title} {b:.1f}" for m in have if (b := training_bound(runs[m])) is not None]
    said = (
        " Bound on −log p(x) at the end of training, in training mode on unlabelled training images, nats per image, "
        f"lower is better: {', '.join(bounds)}."
        if bounds
        else ""
    )
    return f"{', '.join(accuracy(runs[m]) for m in have)} {basis()}.{said}"


def where_they_lose(runs: Runs) -> str:
    if CODE not in runs or BASELINE not in runs:
        return ""
    raw = (runs[CODE].result() or {}).get("raw_pixel_svm_accuracy")
    beside = f", an SVM on raw pixels {figures.percent(raw)}" if finite(raw) else ""
    return f"{accuracy(runs[CODE])}, {accuracy(runs[BASELINE])}{beside} {basis()}."


def one(model: str, **more: str) -> Callable[[Runs], dict[str, str]]:
    return lambda runs: {"run": runs[model].id, **more}


def several(*models: str, **more: str) -> Callable[[Runs], dict[str, str]]:
    return lambda runs: {"runs": ",".join(runs[m].id for m in models), **more}


MAP, GRID, SIDE = ":material/scatter_plot:", ":material/grid_view:", ":material/compare:"
STOPS = (
    Stop(
        "Few labels: the baseline and M2",
        f"Open the data: {LABELS} digits keep their label, two of each class; the model is told nothing of the other "
        "1,277. Then put two classifiers side by side: labels only (the baseline), which learnt from those twenty "
        "alone, and M2, which saw the others too.",
        "The dashed curve is the labelled images: both know them by heart at once. What differs is the solid one, the "
        "test images. The distance between the two solid curves is what the unlabelled images bought.",
        (
            Way("data.py", "The twenty labels", ":material/image:",
                lambda _: {"dataset": DATASET, "labels": str(LABELS), "seed": str(SEED)}),
            Way("compare.py", "Labels only and M2", SIDE, several(BASELINE, CLASS), (BASELINE, CLASS)),
        ),
        above_the_baseline,
    ),
    Stop(
        "What a space knows without labels",
        "M1 learns its code z without a single label. Colour the map by true class, and play its epochs.",
        "Classes part by themselves, as far as they look apart: ones from noughts at once, fours from nines hardly. An "
        "SVM then reads the class from z with twenty labels; it can be no better than this map is tidy.",
        (Way("latent.py", "M1's space", MAP, one(CODE, projection="umap"), (CODE,)),),
        without_labels,
    ),
    Stop(
        "The class and the style, apart",
        "M2 keeps the class in y, so z need not hold it. Generate holds a style and varies the class; the map shows z.",
        "In Generate each column is one hand, writing all ten digits. On the map the classes lie more mixed than M1's, "
        "and that is the point: what z no longer says of the class, it says of the style.",
        (
            Way("generate.py", "One hand, ten digits", GRID, one(CLASS), (CLASS,)),
            Way("latent.py", "M2's z", MAP, one(CLASS), (CLASS,)),
        ),
        apart,
    ),
    Stop(
        "A posterior that may bend",
        "ADGM adds a, a variable that only the encoder and p(a|z,y,x) look at. Put it beside M2, and look at a.",
        "M2's posterior of z is one Gaussian for each image; ADGM's is a mixture over a, so it may bend to fit, and "
        "the classifier q(y|a,x) reads a as well. The freedom has its price, log q(a|x) − log p(a|z,y,x): whether it "
        "paid in these runs, the two bounds below say.",
        (
            Way("compare.py", "M2 and ADGM", SIDE, several(CLASS, AUXILIARY, space="a"), (CLASS, AUXILIARY)),
            Way("generate.py", "What a tells", GRID, one(AUXILIARY, show="a"), (AUXILIARY,)),
            Way("equations.py", "Their equations", ":material/function:", lambda _: {"model": AUXILIARY}),
        ),
        two_posteriors,
    ),
    Stop(
        "Where generative models lose",
        "See the images of which M2 is sure and wrong, then how M1 stands beside an SVM that never saw a model, and "
        "what becomes of all of them on photographs.",
        "A model of p(x) spends its effort on pixels, most of which say nothing of the class: with these labels M1's "
        "code serves the SVM no better than the pixels do. On photographs a network pretrained on other photographs is "
        "far ahead of all three.",
        (
            Way("uncertainty.py", "Sure and wrong", ":material/help:", one(CLASS), (CLASS,)),
            Way("results.py", "Photographs", ":material/leaderboard:", lambda _: {"dataset": "cifar10"}),
        ),
        where_they_lose,
    ),
)  # fmt: skip
