"""What may be known of the labels-only baseline without loading it."""

from dataclasses import replace

from data import Spec
from models.methods import notation as n
from models.methods import presets
from models.methods.card import CLASSIFIER, Card
from models.nn.settings import Settings


def settings(spec: Spec, preset: str) -> Settings:
    return presets.paper(spec) if preset == "paper" else presets.tuned(spec, many=presets.MANY_CLASSES)


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
        epochs=lambda spec, preset: presets.epochs(spec, preset, presets.CLASSIFIER_EPOCHS),
        reads=presets.TRAINING | presets.NETWORKS | presets.CLASSIFIER,
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
