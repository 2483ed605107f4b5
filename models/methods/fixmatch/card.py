"""What may be known of FixMatch without loading it."""

from data import Spec
from models.methods import notation as n
from models.methods import presets
from models.methods.card import CLASSIFIER, Card
from models.nn.settings import Settings


def settings(spec: Spec, preset: str) -> Settings:
    return presets.consistent(
        spec, preset, 1.0, ramp_up=0.0, augment=0.0, shift=0.125, strong=2, cutout=0.5, color_jitter=0.0, mixup=0.0,
    )  # fmt: skip


CARDS = (
    Card(
        name="fixmatch",
        title="FixMatch",
        path="models.methods.fixmatch.model:FixMatch",
        summary="A classifier that takes for true what it is sure of, and learns it from strongly changed images.",
        family="No generative model. Where the classifier is sure of an unlabelled image that is hardly changed, that "
        "class becomes the image’s label, and the classifier has to find it in the same image strongly changed.",
        factorisation=("q(y|x)",),
        graphs=(CLASSIFIER,),
        notation=(
            *(s for s in n.CONSISTENT if not s[0].startswith(("x'", "w"))),
            ("x', x''", "the image weakly and strongly augmented", "augment, strong"),
            ("w", "the weight of what it takes for true, in units of α", "weight, consistency"),
            (r"\hat y", "the likeliest class of the weakly augmented image", "k"),
            (r"\tau", "how sure of it q must be", "threshold"),
            ("d(x)", "the cross-entropy of an image that q is sure of, in nats", "consistency"),
        ),
        terms=n.CLASSIFICATION | n.ONE_CONSISTENCY | n.CONTRASTIVE,
        pieces={
            "3": ((r"\alpha\log q(y|x')", "classification"),),
            "4J": ((r"-\alpha\log q(y|x')", "classification"), (r"w\,\alpha \sum_{x_u} d(x)", "consistency")),
        },
        settings=settings,
        epochs=lambda spec, preset: presets.epochs(spec, preset, presets.CLASSIFIER_EPOCHS),
        reads=presets.TRAINING | presets.NETWORKS | {"beta", "augment", "flip", "shift", "strong", "cutout", "mixup",
                                                     "consistency", "contrastive_epochs", "ramp_up", "threshold"},
        spaces={"h": n.HIDDEN},
        kinds=("images", "features"),
        classifier_is="a classifier",
        paper="Sohn et al. 2020",
        source="Sohn et al., FixMatch, 2020",
        # Estimated, not measured: labels only times as many more passes of images as a step has (2026-11-30).
        seconds={"digits": 0.9, "mnist": 33.0, "cifar10": 48.0},
    ),
)  # fmt: skip
