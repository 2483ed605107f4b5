"""What may be known of temporal ensembling without loading it."""

from data import Spec
from models.methods import notation as n
from models.methods import presets
from models.methods.card import CLASSIFIER, Card
from models.nn.settings import Settings


def settings(spec: Spec, preset: str) -> Settings:
    # With 10 the targets of a short run, which are the past, held it back: .87 of the digits' validation images, 50
    # labels, in place of .90.
    return presets.consistent(spec, preset, 1.0)


CARDS = (
    Card(
        name="temporal-ensembling",
        title="Temporal ensembling",
        short="Ensembling",
        path="models.methods.temporal_ensembling.model:TemporalEnsembling",
        summary="A classifier that says of an image without a label what it said of it in earlier epochs.",
        family="No generative model. The classifier learns from the labels, and is to say of an unlabelled image what "
        "it said of it, on average, in earlier epochs, each time under another augmentation.",
        factorisation=("q(y|x)",),
        graphs=(CLASSIFIER,),
        notation=(
            *n.CONSISTENT,
            ("Z", "of each unlabelled image, the moving average of what q said of it, an epoch a step", "Z"),
            ("a", "how much of Z an epoch keeps", "ensembling"),
            (r"\tilde z(x)", "its target: Z / (1 − aⁿ), n being the epochs that Z has seen", "targets"),
            ("d(x)", "how far q is from its target: a squared distance, no nats", "consistency"),
        ),
        terms=n.CLASSIFICATION | n.ONE_CONSISTENCY | n.CONTRASTIVE,
        pieces={"2J": n.CONSISTENT_PIECES},
        settings=settings,
        epochs=lambda spec, preset: presets.epochs(spec, preset, presets.CLASSIFIER_EPOCHS),
        reads=presets.TRAINING | presets.NETWORKS | presets.CLASSIFIER | presets.CONSISTENCY | {"ensembling"},
        spaces={"h": n.HIDDEN},
        classifier_is="a classifier",
        kinds=("images", "points"),
        paper="Laine & Aila 2017",
        source="Laine & Aila, Temporal ensembling for semi-supervised learning, 2017",
        in_nats=False,
        # Of images estimated, not measured: labels only times as many more passes of images as a step has (2026-11-30).
        seconds={"moons": 0.025, "digits": 0.7, "mnist": 27.0, "cifar10": 39.0},
    ),
)  # fmt: skip
