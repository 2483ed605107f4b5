"""Settings: the hyperparameters that a run trains with, each with what it means. No torch."""

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import Any

from models import aliases
from models.errors import RunError
from models.limits import ON, SHARE, STRENGTH, WEIGHT, Layers, Name, Number, Range, Switch, count, shown

MODEL, NETWORKS, OBJECTIVE, AUGMENTATION, TRAINING = "model", "networks", "objective", "augmentation", "training"


def setting(default: Any, range: Range, kind: str, words: str) -> Any:
    """A field of Settings: its default, what it may be, what kind of setting it is, and what it means in words."""
    return field(default=default, metadata={"range": range, "kind": kind, "words": words})


@dataclass(frozen=True)
class Settings:
    """What a run trains with. Every field is a number or a name, so a run folder can hold it as JSON."""

    net: str = setting(
        "conv",
        Name(("conv", "dense", "tuned")),
        NETWORKS,
        "architecture: conv as in 3.1 and 3.2, dense as in 3.3, or tuned",
    )
    n_z: int = setting(50, count(1, 1024), NETWORKS, "size of z: how much style can be told")
    n_a: int = setting(50, count(1, 1024), NETWORKS, "size of a")
    hidden: tuple[int, ...] = setting(
        (500, 500), Layers(4, count(1, 2048)), NETWORKS, "sizes of the hidden layers of dense networks"
    )
    batch_norm: bool = setting(True, ON, NETWORKS, "whether dense networks have batch normalisation")
    width: int = setting(32, count(1, 256), NETWORKS, "channels of the first convolution")
    conv_encoder: bool = setting(False, ON, NETWORKS, "whether q(z|·) has convolutions beside a dense p(x|·)")
    denoise: bool = setting(
        False, ON, OBJECTIVE, "whether q(z|·) sees an augmented image while p(x|z) must explain the image itself"
    )
    filters: int = setting(
        0, count(0, 2000), NETWORKS, "patch filters whose activations q(y|·) sees, and M1 sees and explains; 0: none"
    )
    dropout: float = setting(0.0, Number(0, 0.99), NETWORKS, "share of values left out at random while training")
    encoder_sees_y: bool = setting(False, ON, NETWORKS, "q(z|x,y) as in Kingma 2014 in place of the paper's q(z|x)")
    classes_exact: int = setting(0, count(0, 1000), OBJECTIVE, "likeliest classes summed exactly in U(x); 0: all")
    classes_drawn: int = setting(
        1, count(1, 1000), OBJECTIVE, "classes drawn from the rest, where the sum is estimated"
    )
    bound: float = setting(1.0, WEIGHT, OBJECTIVE, "weight of the bound in J; 0: p(x|·) learns nothing")
    auxiliary: bool = setting(True, ON, OBJECTIVE, "whether there is an a; without it the method is M2 with q(z|x,y)")
    beta: float = setting(
        0.1,
        WEIGHT,
        OBJECTIVE,
        "α = β (N_l + N_u) / N_l: how much labels weigh in J; batches of their own weigh each N_u/N_l times more",
    )
    batch_l: int = setting(
        100, count(0, 10_000), TRAINING, "labelled images a step; 0: as many as there are among all images"
    )
    batch_u: int = setting(100, count(1, 10_000), TRAINING, "unlabelled images a step: with fewer there are more steps")
    bound_u: int = setting(
        0,
        count(0, 10_000),
        TRAINING,
        "of these, how many have their bound computed; the others only teach consistency; 0: all",
    )
    lr: float = setting(1e-3, Number(0, 100), TRAINING, "learning rate: how far each step goes")
    weight_decay: float = setting(0.0, Number(0, 100), TRAINING, "how strongly weights are pulled towards 0")
    schedule: str = setting(
        "cosine",
        Name(("cosine", "constant")),
        TRAINING,
        "learning rate over the run: cosine, a short rise and then down to nothing, or constant",
    )
    ema: float = setting(0.0, SHARE, TRAINING, "decay per step of the averaged weights used for evaluation; 0: none")
    averaged: float = setting(
        0.0, SHARE, TRAINING, "share of the run, at its end, over whose weights fast-SWA averages equally; 0: none"
    )
    cycles: int = setting(1, count(1, 1000), TRAINING, "cycles of the learning rate within that share")
    snapshots: int = setting(10, count(1, 10_000), TRAINING, "weights of each cycle that the equal average takes")
    augment: float = setting(
        0.0, STRENGTH, AUGMENTATION, "strength of the random affine changes (rotation, scale, shear, shift) that q sees"
    )
    flip: bool = setting(False, ON, AUGMENTATION, "whether images may be mirrored")
    color_jitter: float = setting(0.0, STRENGTH, AUGMENTATION, "strength of random changes of colour")
    cutout: float = setting(
        0.0, SHARE, AUGMENTATION, "side of a grey square that hides a part, as a share of the image's"
    )
    shift: float = setting(0.0, SHARE, AUGMENTATION, "how far an image may be moved, as a share of its side")
    noise: float = setting(0.0, STRENGTH, AUGMENTATION, "standard deviation of Gaussian noise on what q(y|·) sees")
    strong: int = setting(
        0, count(0, 13), AUGMENTATION, "changes, drawn out of thirteen, of a strongly augmented image; 0: none"
    )
    mixup: float = setting(0.0, SHARE, AUGMENTATION, "at most so large a share of another labelled image is mixed in")
    consistency: float = setting(
        0.0, WEIGHT, OBJECTIVE, "weight of the consistency cost of q(y|·) on unlabelled images, in units of α; 0: none"
    )
    ramp_up: float = setting(
        0.0, SHARE, OBJECTIVE, "share of the run in which the weight of consistency rises; 0: it is there at once"
    )
    ensembling: float = setting(
        0.6, SHARE, OBJECTIVE, "how much of its average over epochs a target keeps in each epoch"
    )
    filtered: float = setting(
        0.0,
        SHARE,
        OBJECTIVE,
        "share of a batch, what the teacher is least certain of, that consistency leaves out; 0: none",
    )
    passes: int = setting(
        3, count(2, 100), OBJECTIVE, "how often the teacher looks at an image to see how certain it is of it"
    )
    reconstructed: float = setting(
        0.0, WEIGHT, OBJECTIVE, "weight of q(y|·) saying of an image's reconstruction what it says of it, in units of α"
    )
    warm_up: float = setting(
        0.0, SHARE, OBJECTIVE, "share of the run in which the weight of the KL terms rises; 0: it is there at once"
    )
    threshold: float = setting(
        0.95, SHARE, OBJECTIVE, "how sure q(y|·) must be for consistency to count; 0: adaptive, as sure as of late"
    )
    contrastive_epochs: int = setting(
        0,
        count(0, 10_000),
        TRAINING,
        "epochs of contrastive pretraining (SimCLR) with which a run begins: q(y|·)'s convolutions learn from "
        "unlabelled images alone; 0: none",
    )
    two_views: float = setting(
        0.0,
        WEIGHT,
        OBJECTIVE,
        "weight of two augmented views of an image being classified alike, all images not; 0: none",
    )
    views: int = setting(
        1, count(1, 2), AUGMENTATION, "views of an image that a frozen network sees: 1, or 2 with its mirror image"
    )
    svm_copies: int = setting(
        0, count(0, 1000), AUGMENTATION, "augmented copies of each labelled image that the SVM sees"
    )
    svm_c: float = setting(10.0, Number(1e-6, 1e6), MODEL, "what an error costs the SVM")
    svm_weighed: bool = setting(False, ON, MODEL, "whether a dimension of z counts in the SVM by how much it varies")
    svm_mirrored: bool = setting(False, ON, MODEL, "whether the SVM reads an image together with its mirror image")
    bf16: bool = setting(True, ON, TRAINING, "whether matrix products may be in bfloat16: speed, hardly accuracy")


FIELDS = {f.name: f for f in fields(Settings)}
NAMES = frozenset(FIELDS)


def range_of(name: str) -> Range:
    """What a setting may be."""
    return FIELDS[name].metadata["range"]


def read(name: str, text: str) -> Any:
    """A setting as one types it: "2", "1e-3", "true", "cosine", "256,256". Raises RunError for what it cannot be."""
    if name not in FIELDS:
        raise RunError(f"There is no setting {shown(name)}. Choose one of: {', '.join(FIELDS)}.")
    known, text = range_of(name), text.strip()
    try:
        match known:
            case Number(whole=True):
                value = int(text)
            case Number():
                value = float(text)
            case Switch():
                value = {"true": True, "on": True, "false": False, "off": False}[text.lower()]
            case Layers():
                value = tuple(int(size) for size in text.split(","))
            case _:
                value = text
    except (ValueError, KeyError):
        value = None
    if not known.holds(value):
        raise RunError(f"The setting {name} cannot be {shown(text)}. Choose {known}.")
    return value


def written(value: Any) -> str:
    """The text that `read` reads as this value."""
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)


def read_all(texts: Iterable[str]) -> dict[str, Any]:
    """Settings written as "n_z=2" each, the last of a name counting. Raises RunError."""
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise RunError(f"{shown(text)} sets nothing. Write a name and a value, such as n_z=2.")
        found[name.strip()] = read(name.strip(), value)
    return found


def from_dict(d: dict) -> Settings:
    """Settings as a run folder holds them, under today's names or older ones. Raises TypeError for others."""
    named: dict[str, Any] = aliases.renamed(d, aliases.SETTINGS)
    named["hidden"] = tuple(named["hidden"])
    return Settings(**named)
