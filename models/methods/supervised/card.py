"""What may be known of the labels-only baseline without loading it."""

from collections.abc import Mapping
from dataclasses import replace

from data import Spec
from models.methods import notation as n
from models.methods import presets
from models.methods.card import CLASSIFIER, Card
from models.nn.settings import Settings

AUGMENTATION = presets.AUGMENTATION | {"mixup", "shift", "noise"}
OF_STRONG_VIEWS = {"cutout", "color_jitter"}  # of a method that has such views, they are not for labelled images


def settings(spec: Spec, preset: str) -> Settings:
    return presets.paper(spec) if preset == "paper" else presets.tuned(spec, many=presets.MANY_CLASSES)


def epochs(spec: Spec, preset: str) -> int:
    return presets.epochs(spec, preset, presets.CLASSIFIER_EPOCHS)


def among(card: Card, known: Mapping[str, Card]) -> Card:
    """Its card as it stands beside others: with a preset for each of them, "as-adgm"."""

    def settings_beside(spec: Spec, preset: str) -> Settings:
        model, preset = presets.beside(preset)
        s = settings(spec, preset)
        return beside(s, known[model], spec, preset) if model else s

    def epochs_beside(spec: Spec, preset: str) -> int:
        model, preset = presets.beside(preset)
        return known[model].epochs(spec, preset) if model else epochs(spec, preset)

    return replace(card, settings=settings_beside, epochs=epochs_beside)


def beside(s: Settings, card: Card, spec: Spec, preset: str) -> Settings:
    """Labels only as it stands beside a method: the networks and steps of its preset, and what its labelled images
    go through."""
    theirs, usual = card.settings(spec, preset), Settings()
    reads = card.reads - (OF_STRONG_VIEWS if "strong" in card.reads else set())
    copied = {name: getattr(theirs, name) for name in (presets.TRAINING | presets.NETWORKS) & card.reads}
    augmented = {name: getattr(theirs if name in reads else usual, name) for name in AUGMENTATION}
    return replace(s, **copied, **augmented)


CARDS = (
    Card(
        name="supervised",
        title="Labels only",
        short="Labels only",
        path="models.methods.supervised.model:Supervised",
        summary="The same classifier on the labelled images alone: the baseline.",
        family="No generative model: a network says the class, and learns from the labelled images alone.",
        factorisation=("q(y|x)",),
        graphs=(replace(CLASSIFIER, labelled=True),),
        notation=(n.ONE_X, n.Y, ("q(y|x)", "the classifier", "q_y"), n.FILTERS, n.ALPHA),
        terms=n.CLASSIFICATION,
        pieces={"11": n.CROSS_ENTROPY_PIECE},
        settings=settings,
        epochs=epochs,
        reads=presets.TRAINING | presets.NETWORKS | presets.CLASSIFIER | AUGMENTATION,
        spaces={
            "h": "Classes lie apart as far as the labels have taught it. Shown is h, the last hidden layer of its "
            "classifier, which saw the labelled images only. This model has no latent variable.",
        },
        classifier_is="a classifier, labels only",
        first=True,
        kinds=("images", "points", "features"),
        seconds={"moons": 0.015, "digits": 0.34, "mnist": 9.0, "cifar10": 13.0},
        unlabelled=False,
    ),
)  # fmt: skip
