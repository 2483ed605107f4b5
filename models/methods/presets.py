"""What the presets of several cards share: `paper`, the paper's architecture; `tuned`, most accuracy in the time.

How each value was chosen, and what did not work, is in docs/LOG.md.
"""

from dataclasses import replace
from typing import Any

from data import Spec
from models.nn.settings import Settings

PRESETS = ("tuned", "paper")
AS = "as-"  # before the name of a method: labels only with that method's preset, "as-adgm", or "as-adgm-paper"
MOST_CLASSES = 10  # whose sum the paper preset computes whole; of more, the likeliest, and two draws of the rest
SMALL = 5_000  # training images; below, a data set is small

PAPER = Settings(dropout=0.1, schedule="constant")
TUNED = Settings(
    net="tuned", hidden=(256, 256), width=32, ema=0.998, augment=1.0, consistency=1.0, beta=1.0,
    batch_l=64, batch_u=128, lr=2e-3,
)  # fmt: skip
# Few images make few steps: their average must forget sooner.
FEW_IMAGES = {"ema": 0.99, "batch_l": 100, "batch_u": 100, "lr": 1e-3}
# What photographs change. With a hundred classes most of what q(y|x) says is wrong for long: the threshold stays.
PHOTOGRAPHS = {
    "flip": True,
    "color_jitter": 1.0,
    "cutout": 0.5,
    "threshold": 0.0,
    "classes_exact": 2,
    "weight_decay": 0.05,
}
# Ten labels a class are soon learned by heart; images between two of them are not. Nor do ten teach a convolution much
# of what to look for, which patch filters know already (docs/LOG.md).
MANY_CLASSES = {"threshold": TUNED.threshold, "mixup": 0.5, "filters": 100}
# Which of a hundred classes explains an image best is soon worth tens of nats, and with ten labels a class nothing else
# holds q(y|x) fast: with beta 1 it left even the labels it had learned (docs/LOG.md).
MANY_CLASSES_AND_BOUND = MANY_CLASSES | {"beta": 100.0, "bound_u": 32, "two_views": 0.3}
# Points in the plane: small dense networks without batch norm, so that a bound means the same while training and
# after; no augmentation, for what moves a point moves it towards the other class. z is a line: one sees what it means.
POINTS: dict[str, Any] = {
    "net": "dense",
    "hidden": (64, 64),
    "batch_norm": False,
    "n_z": 1,
    "n_a": 1,
    "augment": 0.0,
    "consistency": 0.0,
    "ema": 0.99,
    "batch_l": 100,
    "batch_u": 100,
    "lr": 1e-2,
    "encoder_sees_y": True,  # q(z|x,y): the same place on the line means another style of another class
    "bf16": False,
}
POINT_EPOCHS = 100
# What the settings that are for images must be on points in the plane.
OF_IMAGES: dict[str, Any] = {
    "net": "dense", "conv_encoder": False, "denoise": False, "filters": 0, "augment": 0.0, "flip": False,
    "color_jitter": 0.0, "cutout": 0.0, "shift": 0.0, "strong": 0, "svm_mirrored": False, "contrastive_epochs": 0,
}  # fmt: skip
# Of a classifier alone: those that stand beside labels only have as many.
CLASSIFIER_EPOCHS = {"small": 50, "large": 11, "photographs": 24}
PAPER_EPOCHS = {"points": 100, "small": 30, "large": 4, "photographs": 3}

# Fields of Settings that methods read, by what they are for; a card joins those of its class.
TRAINING = frozenset({"batch_l", "batch_u", "lr", "weight_decay", "schedule", "ema", "bf16"})
NETWORKS = frozenset({"net", "hidden", "batch_norm", "width", "filters", "dropout"})
AUGMENTATION = frozenset({"augment", "flip", "color_jitter", "cutout"})
CLASSIFIER = frozenset({"beta", "mixup"}) | AUGMENTATION
LATENT = frozenset({"n_z", "conv_encoder"})
CONSISTENCY = frozenset({"consistency", "contrastive_epochs", "ramp_up", "noise", "shift"})
CLASS_LATENT = frozenset(
    {
        "bound", "bound_u", "classes_exact", "classes_drawn", "consistency", "contrastive_epochs", "reconstructed",
        "threshold", "two_views", "warm_up",
    }
)  # fmt: skip


def kind(spec: Spec) -> str:
    """Data sets that are treated alike: "points", "small", "photographs" or "large"."""
    if spec.points:
        return "points"
    return "small" if spec.n_train < SMALL else "photographs" if spec.photographs else "large"


def beside(preset: str) -> tuple[str, str]:
    """The method that labels only stand beside with this preset, and which of its presets; ("", preset) if none."""
    if not preset.startswith(AS):
        return "", preset
    model = preset.removeprefix(AS)
    return (model.removesuffix("-paper"), "paper") if model.endswith("-paper") else (model, PRESETS[0])


def many_classes(spec: Spec) -> bool:
    """Whether there are too many to be treated one by one."""
    return spec.n_classes > MOST_CLASSES


def paper(spec: Spec, **changes: Any) -> Settings:
    """The architecture of 3.1 and 3.2, or of 3.3 with the changes of ADGM's card."""
    s = replace(PAPER, **changes)
    if spec.points:
        s = replace(s, net="dense", hidden=POINTS["hidden"], n_z=1, n_a=1, batch_norm=False, dropout=0.0, bf16=False)
    return replace(s, classes_exact=MOST_CLASSES - 2, classes_drawn=2) if many_classes(spec) else s


def tuned(spec: Spec, large: dict | None = None, many: dict | None = None) -> Settings:
    """What served this kind of data set best in the time given; `large` and `many` are the changes of a method's own.

    `large`: on large data sets other than photographs. `many`: of many classes.
    """
    of: dict[str, dict[str, Any]] = {
        "points": POINTS, "small": FEW_IMAGES, "large": large or {}, "photographs": PHOTOGRAPHS,
    }  # fmt: skip
    s = replace(TUNED, **of[kind(spec)])
    return replace(s, **(many or {})) if many_classes(spec) else s


POINT_NOISE = 0.1  # standard deviation of what augments points: about what blurs a figure's arms


def consistent(spec: Spec, preset: str, weight: float, ramp_up: float = 0.3, **changes: Any) -> Settings:
    """The baseline's settings with a consistency cost of this weight; `changes` are the method's own.

    The paper's preset has its networks, and augments as far as these methods need it: without noise there is nothing to
    agree about.
    """
    s = paper(spec, augment=1.0, ema=0.99) if preset == "paper" else tuned(spec, many=MANY_CLASSES)
    if kind(spec) == "small" and preset != "paper":
        s = replace(s, batch_u=50)  # twice the steps: of the teacher's lessons there are few (docs/LOG.md)
    s = replace(s, consistency=weight, ramp_up=ramp_up, **changes)
    return replace(s, augment=0.0, noise=POINT_NOISE) if spec.points else s


def epochs(spec: Spec, preset: str, usual: dict[str, int], many: int = 0) -> int:
    """How many a run takes: those of the paper's preset, or a method's `usual` ones, and `many` of many classes."""
    if preset == "paper":
        return PAPER_EPOCHS[kind(spec)]
    if spec.points:
        return usual.get("points", POINT_EPOCHS)
    return many if many and many_classes(spec) else usual[kind(spec)]
