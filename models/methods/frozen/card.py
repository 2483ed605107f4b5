"""What may be known of the methods on a frozen network without loading them.

The paper's section 3.4 has one dense layer on Inception v3; its "M1 as a feature extractor" is the same idea. Whatever
can learn from a vector can learn from h(x), the unlabelled images' h(x) included: "m2-on-efficientnet" is M2 on
EfficientNet-Lite0. Labels only have a card of their own on the two networks that tables show.
"""

from collections.abc import Mapping
from dataclasses import replace

from data import Spec
from models.methods import notation as n
from models.methods import presets
from models.methods.card import Card, Graph
from models.nn.pretrained_weights import WEIGHTS, is_backbone
from models.nn.pretrained_weights import title as title_of
from models.nn.settings import Settings

ON = "-on-"  # between the name of a method and that of its backbone
FEATURES = "features"  # of Card.kinds: a method that can learn from a vector
LABELS_ONLY = "supervised"

# One dense layer on the features of a frozen network, which learns a thousand rows in seconds.
TUNED = Settings(batch_u=500, beta=1.0, lr=1e-3, weight_decay=1.0, ema=0.99)
EPOCHS = 10


def settings(spec: Spec, preset: str) -> Settings:
    s = TUNED if preset == "tuned" else replace(presets.PAPER, dropout=0.0)
    return replace(s, batch_u=50) if presets.kind(spec) == "small" else s


def epochs(spec: Spec, preset: str) -> int:
    return EPOCHS


# Of a method that learns from the unlabelled images' features: the classifier is one dense layer (`net` other than
# "dense"), what is generative has a hidden layer. Held against labels only on validation images, not searched: M2 has
# .872 on Lite0 for .861, three seeds, CIFAR-10, 1000 labels (docs/LOG.md).
ON_FEATURES = Settings(
    net="tuned", hidden=(512,), n_z=32, n_a=32, ema=0.99, augment=1.0, consistency=1.0, beta=1.0, batch_l=64,
    batch_u=256, bound_u=32, lr=1e-3, weight_decay=0.1, views=2,
)  # fmt: skip
# Of a hundred classes: the whole sum took 184 s an epoch, two and a drawn one 12; on three joined networks M2 had .507
# of the validation images with beta 1, .529 with 10, labels only .513 (docs/LOG.md).
MANY_CLASSES = {"classes_exact": 2, "beta": 10.0}
# `net` and `augment` mean something of features, too; noise and width do not. ADGM without an a is another class.
NOT_OF_FEATURES = frozenset(presets.OF_IMAGES) - {"net", "augment"} | {"noise", "width", "auxiliary"}


def on_features(card: Card, spec: Spec, preset: str) -> Settings:
    """The settings of a method on a backbone."""
    if not card.learns:
        return replace(card.settings(spec, preset), views=ON_FEATURES.views)
    if not card.unlabelled:
        return settings(spec, preset)
    return replace(ON_FEATURES, **MANY_CLASSES) if presets.many_classes(spec) else ON_FEATURES


def backbones() -> list[str]:
    """The networks that a method can stand on, alone or joined."""
    return list(WEIGHTS)


def name_of(model: str, backbone: str, known: Mapping[str, Card]) -> str:
    """The name of a method on a backbone: "m2-on-efficientnet"; of labels only that of its own card, if any."""
    own = next((c.name for c in known.values() if (c.method, c.backbone) == (model, backbone)), "")
    return own or f"{model}{ON}{backbone}"


def named(name: str, known: Mapping[str, Card]) -> Card | None:
    """The card that a name such as "m2-on-efficientnet" stands for; None if it stands for none."""
    model, _, backbone = name.partition(ON)
    card = known[model] if model in list(known) and is_backbone(backbone) else None
    return standing_on(card, backbone) if card and FEATURES in card.kinds else None


def standing_on(card: Card, backbone: str) -> Card:
    """The card of a method on a backbone. It draws no images: its p(h(x)|.), if any, is over features."""
    title = title_of(backbone)
    short = title.removeprefix("EfficientNet-")
    if card.name == LABELS_ONLY:
        return probe(
            f"{LABELS_ONLY}{ON}{backbone}", backbone, f"Labels only on {title}", f"Labels only on {short}",
            f"{title}, pretrained on ImageNet, frozen; a dense layer on it learns from the labelled images.",
            "on frozen features",
        )  # fmt: skip
    return replace(
        card,
        name=f"{card.name}{ON}{backbone}",
        method=card.name,
        title=f"{card.title} on {title}",
        short=f"{card.legend} on {short}",
        summary=f"{card.summary} In place of the image stands h(x), what {title} finds in it.",
        family=f"{card.family} In place of x stands h(x), what {title}, pretrained on ImageNet and frozen, finds in x.",
        notation=(*card.notation, ("h(x)", "what the frozen network finds in an image: it stands for x", "h")),
        settings=lambda spec, preset: on_features(card, spec, preset),
        epochs=epochs if card.learns else card.epochs,
        reads=card.reads - NOT_OF_FEATURES | {"views"},
        generative=None,
        kinds=("images",),
        seconds=dict.fromkeys(("digits", "mnist", "cifar10"), 5.0),
        paper_slowdown=1.0,
        backbone=backbone,
        yardstick="",
        on=lambda spec: spec.photographs,
        first=False,
        rank=0,
    )


def probe(name: str, backbone: str, title: str, short: str, summary: str, where: str) -> Card:
    """The card of labels only on a backbone: one dense layer."""
    return Card(
        name=name,
        title=title,
        short=short,
        path="models.methods.frozen.model:LabelsOnly",
        method=LABELS_ONLY,
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
        backbone=backbone,
        on=lambda spec: spec.photographs,
    )  # fmt: skip


CARDS = (
    probe(
        "inception", "inception", "Inception v3", "",
        "A network pretrained on ImageNet, frozen; a dense layer on it learns from the labelled images.",
        "section 3.4",
    ),
    probe(
        "efficientnet", "efficientnet", "EfficientNet-Lite0", "EfficientNet",
        "The same on a smaller pretrained network, whose weights need no download.",
        "on frozen features",
    ),
)  # fmt: skip
