"""What may be known of M1 without loading it."""

from dataclasses import replace
from typing import Any

from data import Spec
from models.methods import notation as n
from models.methods import presets
from models.methods.card import Card, Generative, Graph
from models.nn.settings import Settings

TUNED = replace(
    presets.TUNED, hidden=(500, 500), batch_l=0, batch_u=100, augment=0.5, conv_encoder=True, denoise=True, svm_copies=5
)
PHOTOGRAPHS = {
    "flip": True,
    "n_z": 256,
    "hidden": (500,),
    "filters": 400,
    "augment": 0.6,
    "conv_encoder": False,
    "denoise": False,
    "svm_c": 1.0,
    "svm_mirrored": True,
}
# Two numbers of a code for two of a point: a line through all points would mix the classes before the SVM sees them.
POINTS = presets.POINTS | {"n_z": 2, "batch_l": 0, "conv_encoder": False, "denoise": False, "svm_copies": 0}
MOST_SVM_ROWS = 6_000  # images and copies: the SVM's kernel takes memory with their square
EPOCHS = {"small": 50, "large": 15, "photographs": 8}


def settings(spec: Spec, preset: str) -> Settings:
    if preset == "paper":
        return presets.paper(spec, batch_l=0)
    of: dict[str, dict[str, Any]] = {
        "points": POINTS,
        "small": {"ema": 0.99},
        "large": {},
        "photographs": PHOTOGRAPHS,
    }
    return replace(TUNED, **of[presets.kind(spec)])


def svm_copies(s: Settings, labels: int) -> int:
    """How many augmented copies of each of so many labelled images the SVM is shown, besides the image."""
    return max(0, min(s.svm_copies, MOST_SVM_ROWS // labels - 1))


CARDS = (
    Card(
        name="m1",
        title="M1",
        path="models.methods.m1.model:M1",
        summary="A VAE learns a code z from all images; an SVM reads the class from z.",
        family="An image x comes from a code z. The class has no place in it: an SVM reads y from the mean of q(z|x).",
        factorisation=("p(x,z) = p(x|z)\\,p(z)", "q(z|x)"),
        graphs=(
            Graph("Generative model p", "z gives x", {"z": (118, 52), "x": (118, 138)}, (("z", "x"),), "θ", ("x",)),
            Graph(
                "Inference model q", "x gives z; an SVM reads y from z",
                {"z": (78, 52), "x": (78, 138), "y": (168, 138)}, (("x", "z"),), "φ", ("z",), dashed=(("z", "y"),),
            ),
        ),
        notation=(
            ("x", "an image, each value in [0, 1]", "x"),
            ("z", "its code", "z"),
            ("y", "its class; only the SVM sees it", "y_l"),
            n.PRIOR_Z,
            ("p(x|z)", "the decoder: Bernoulli for grey images, Gaussian for colour", "p_x"),
            ("q(z|x)", "the encoder: a diagonal Gaussian", "q_z"),
            ("h(x)", "only where settings name filters: their activations, which q sees in place of x", "filters"),
            ("p(h|z)", "a Gaussian around what z says of them; (3) has it beside p(x|z) then", "p_h"),
        ),
        terms={
            "reconstruction": "−log p(x|z)",
            "kl_z": "KL(q(z|x) ‖ p(z))",
            "filters": "−log p(h|z)",
        },
        pieces={
            "3": ((r"\log p(x|z)", "reconstruction"), (r"\log p(z)", "kl_z"), (r"\log q(z|x)", "kl_z")),
        },
        settings=settings,
        epochs=lambda spec, preset: presets.epochs(spec, preset, EPOCHS),
        reads=presets.TRAINING | presets.NETWORKS | presets.AUGMENTATION | presets.LATENT
        | {"denoise", "svm_copies", "svm_c", "svm_weighed", "svm_mirrored"},
        spaces={
            "z": "Classes lie apart only as far as they look apart. The code z is all that M1 keeps of an image, "
            "learnt without any label. An SVM then reads the class from z; its calibrated output stands for q(y|x).",
        },
        generative=Generative(
            picture="p(x|z), section 2.1",
            bound="eq. 3",
            class_grid="M1 has no y, so it cannot be asked for a class. Instead a Gaussian is fitted to the codes of "
            "each class's labelled images, {each} here, and z is drawn from it: a column is one place in all these "
            "Gaussians, not one style. A picture is the mean of p(x|z), section 2.1.",
            swap="M1 has no y to change: the code is moved from its place in the Gaussian of the likeliest class to "
            "the same place in that of each other class. Each picture is the mean of p(x|z), section 2.1.",
            walk="z goes along an arc from the mean of q(z|x) of the first image to that of the second. M1 has no y to "
            "hold: the class lies in z, and changes with it. A picture is the mean of p(x|z), section 2.1.",
            style="p(x|z), the code moved from class to class",
            sees_class=False,
            p_x="p(x|z)",
            plane="the Gaussian that M1 was given for this class",
            rows="a class each (z from a Gaussian fitted to that class)",
            note="M1 has no y: its code is moved to the same place in the Gaussian of each class's labelled codes, and "
            "its bars are the SVM's, calibrated.",
        ),
        classifier="SVM, calibrated",
        classifier_is="SVM on z, calibrated",
        classifier_note="M1 has no q(y|x): an SVM reads the class from z, and its calibrated output stands for it "
        "here.",
        first=True,
        kinds=("images", "points"),
        seconds={"moons": 0.045, "digits": 0.9, "mnist": 13.0, "cifar10": 40.0},
        explained=lambda s: "x, h" if s.filters else "x",
        weights=("model.safetensors", "svm.safetensors"),
        most_labels=10_000,
        why_most_labels="the SVM of M1, whose memory grows with their square",
        copies=svm_copies,
        yardstick="SVM on raw pixels",
        rank=1,
    ),
)  # fmt: skip
