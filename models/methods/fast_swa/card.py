"""What may be known of fast-SWA without loading it."""

from data import Spec
from models.methods import notation as n
from models.methods import presets
from models.methods.card import CLASSIFIER, Card
from models.nn.settings import Settings


def settings(spec: Spec, preset: str) -> Settings:
    # Of the digits' validation images, 50 labels, three seeds: .964, where the Π-model had .962.
    return presets.consistent(spec, preset, 10.0, averaged=0.5, cycles=5, snapshots=10)


CARDS = (
    Card(
        name="fast-swa",
        title="fast-SWA",
        path="models.methods.fast_swa.model:FastSWA",
        summary="The Π-model, evaluated by the mean of many of its weights late in the run.",
        family="No generative model. The classifier learns as the Π-model does: the same is to be said of two views of "
        "an image. Late in the run its learning rate rises and falls, and the mean of the weights on that way is kept.",
        factorisation=("q(y|x)",),
        graphs=(CLASSIFIER,),
        notation=(
            *n.CONSISTENT,
            ("d(x)", "how far the two views are apart: a squared distance, no nats", "consistency"),
            (r"\phi", "the weights of q after a step that counts", "model, snapshots"),
            (r"\bar\phi_n", "the mean of n such weights: what is evaluated and kept", "averaged, keeps"),
        ),
        terms=n.CLASSIFICATION | n.ONE_CONSISTENCY,
        pieces={"2.1J": n.CONSISTENT_PIECES},
        own_equations={"keeps": "Averaging the weights"},
        settings=settings,
        epochs=lambda spec, preset: presets.epochs(spec, preset, presets.CLASSIFIER_EPOCHS),
        reads=presets.TRAINING | presets.NETWORKS | presets.CLASSIFIER | presets.CONSISTENCY
        | {"averaged", "cycles", "snapshots"},
        spaces={"h": n.HIDDEN},
        classifier_is="a classifier",
        kinds=("images", "points"),
        paper="Athiwaratkun et al. 2019",
        source="Athiwaratkun et al., There are many consistent explanations of unlabeled data, 2019",
        in_nats=False,
        # Of images estimated, not measured: labels only times as many more passes of images as a step has (2026-11-30).
        seconds={"moons": 0.025, "digits": 0.9, "mnist": 45.0, "cifar10": 65.0},
    ),
)  # fmt: skip
