"""What may be known of the Π-model without loading it."""

from data import Spec
from models.methods import notation as n
from models.methods import presets
from models.methods.card import CLASSIFIER, Card
from models.nn.settings import Settings


def settings(spec: Spec, preset: str) -> Settings:
    # Of the digits' validation images, 50 labels, two seeds: 1 had .94 and .95, 10 .96 and .96, 50 .88 of one.
    return presets.consistent(spec, preset, 10.0)


CARDS = (
    Card(
        name="pi",
        title="Π-model",
        path="models.methods.pi.model:Pi",
        summary="A classifier that says the same of two views of an image without a label.",
        family="No generative model. The classifier learns from the labels, and is to say the same of an unlabelled "
        "image under two augmentations.",
        factorisation=("q(y|x)",),
        graphs=(CLASSIFIER,),
        notation=(
            *n.CONSISTENT,
            ("d(x)", "how far the two views are apart: a squared distance, no nats", "consistency"),
        ),
        terms=n.CLASSIFICATION | n.ONE_CONSISTENCY | n.CONTRASTIVE,
        pieces={"1J": n.CONSISTENT_PIECES},
        settings=settings,
        epochs=lambda spec, preset: presets.epochs(spec, preset, presets.CLASSIFIER_EPOCHS),
        reads=presets.TRAINING | presets.NETWORKS | presets.CLASSIFIER | presets.CONSISTENCY,
        spaces={"h": n.HIDDEN},
        classifier_is="a classifier",
        kinds=("images", "points"),
        paper="Laine & Aila 2017",
        source="Laine & Aila, Temporal ensembling for semi-supervised learning, 2017",
        in_nats=False,
        # Of images estimated, not measured: labels only times as many more passes of images as a step has (2026-11-30).
        seconds={"moons": 0.025, "digits": 0.9, "mnist": 45.0, "cifar10": 65.0},
    ),
)  # fmt: skip
