"""What may be known of the frozen networks without loading them: one card a backbone."""

from dataclasses import replace

from data import Spec
from models.methods import notation as n
from models.methods import presets
from models.methods.card import Card, Graph
from models.nn.settings import Settings

# One dense layer on the features of a frozen network, which learns a thousand rows in seconds.
TUNED = Settings(batch_u=500, beta=1.0, lr=1e-3, weight_decay=1.0, ema=0.99)
EPOCHS = 10


def settings(spec: Spec, preset: str) -> Settings:
    s = TUNED if preset == "tuned" else replace(presets.PAPER, dropout=0.0)
    return replace(s, batch_u=50) if presets.kind(spec) == "small" else s


def epochs(spec: Spec, preset: str) -> int:
    return EPOCHS


def card(name: str, title: str, cls: str, summary: str, where: str, short: str, images_per_second: float) -> Card:
    return Card(
        name=name,
        title=title,
        short=short,
        path=f"models.methods.frozen.model:{cls}",
        summary=summary,
        family="No generative model: a network pretrained on ImageNet gives h(x), and one dense layer learns the "
        "classes.",
        factorisation=("q(y|x) = \\mathrm{softmax}(W h(x) + b)",),
        graphs=(
            Graph(
                "Classifier q", "a frozen network gives h from x; a dense layer gives y from h",
                {"x": (46, 98), "h": (118, 98), "y": (190, 98)}, (("x", "h"), ("h", "y")), "W, b", ("y",),
                fixed=("h",), labelled=True,
            ),
        ),
        notation=(
            n.ONE_X, n.Y,
            ("h(x)", "what the frozen network finds in an image", "h"),
            ("q(y|x)", "softmax of the dense layer with weights W and b", "q_y"),
            n.ALPHA,
        ),
        terms=n.CLASSIFICATION,
        pieces={"3.4": n.CROSS_ENTROPY_PIECE},
        settings=settings,
        epochs=epochs,
        reads=presets.TRAINING | {"beta"},
        spaces={
            "h": "Classes lie apart as far as ImageNet has taught. Shown are the features h of a pretrained network, "
            "by a fixed random projection to 128 numbers. They never change; an epoch changes q(y|x) alone. This model "
            "has no latent variable.",
        },
        classifier_is=where,
        seconds={"digits": 0.1, "mnist": 0.2, "cifar10": 1.0},
        unlabelled=False,
        snapshot_is_seen=False,
        backbone=name,
        images_per_second=images_per_second,
        on=lambda spec: spec.photographs,
    )  # fmt: skip


CARDS = (
    card(
        "inception", "Inception v3", "Inception",
        "A network pretrained on ImageNet, frozen; a dense layer on it learns from the labelled images.",
        "section 3.4", "", 25.0,
    ),
    card(
        "efficientnet", "EfficientNet-Lite0", "EfficientNet",
        "The same on a smaller pretrained network, whose weights need no download.",
        "on frozen features", "EfficientNet", 150.0,
    ),
)  # fmt: skip
