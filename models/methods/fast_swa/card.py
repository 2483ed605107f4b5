"""What may be known of fast-SWA without loading it."""

from dataclasses import replace

from data import Spec
from models.methods import notation as n
from models.methods import presets
from models.methods.pi.card import CARDS as PI
from models.nn.settings import Settings


def settings(spec: Spec, preset: str) -> Settings:
    # Of the digits' validation images, 50 labels, three seeds: .964, where the Π-model had .962.
    return presets.consistent(spec, preset, 10.0, averaged=0.5, cycles=5, snapshots=10)


(PI_CARD,) = PI


CARDS = (
    replace(
        PI_CARD,
        name="fast-swa",
        title="fast-SWA",
        path="models.methods.fast_swa.model:FastSWA",
        summary="The Π-model, evaluated by the mean of many of its weights late in the run.",
        family="No generative model. The classifier learns as the Π-model does: the same is to be said of two views of "
        "an image. Late in the run its learning rate rises and falls, and the mean of the weights on that way is kept.",
        notation=(
            *PI_CARD.notation,
            (r"\phi", "the weights of q after a step that counts", "model, snapshots"),
            (r"\bar\phi_n", "the mean of n such weights: what is evaluated and kept", "averaged, keeps"),
        ),
        pieces={"2.1J": n.CONSISTENT_PIECES},
        own_equations={"keeps": "Averaging the weights"},
        settings=settings,
        reads=PI_CARD.reads | {"averaged", "cycles", "snapshots"},
        paper="Athiwaratkun et al. 2019",
        source="Athiwaratkun et al., There are many consistent explanations of unlabeled data, 2019",
    ),
)  # fmt: skip
