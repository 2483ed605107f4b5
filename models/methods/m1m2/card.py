"""What may be known of M1+M2 without loading it."""

from dataclasses import replace
from typing import Any, NamedTuple

from data import Spec
from models.methods import notation as n
from models.methods import presets
from models.methods.card import Card, Generative, Graph
from models.nn.settings import Settings

# A small z leaves the class to y. Consistency is not Kingma's: on the digits it bought nothing, on MNIST .008.
TUNED = replace(
    presets.TUNED, hidden=(500, 500), batch_l=100, batch_u=100, augment=0.5, conv_encoder=True, denoise=True,
    consistency=0.0, n_z=10, beta=10.0,
)  # fmt: skip
PHOTOGRAPHS = {
    "flip": True, "n_a": 256, "hidden": (500,), "filters": 400, "augment": 0.6, "conv_encoder": False, "denoise": False,
}  # fmt: skip
EPOCHS = {"small": 50, "large": 15, "photographs": 8}
NODES = {"y": (64, 40), "z": (172, 40), "z1": (118, 98), "x": (118, 156)}


class OfCode(NamedTuple):
    """The settings of both models."""

    m1: Settings
    m2: Settings


def of_code(s: Settings) -> OfCode:
    """M1's code is z1, whose size is `n_a`; M2 sees codes, which are neither convolved nor changed at random."""
    m2 = replace(
        s, net="dense", conv_encoder=False, denoise=False, filters=0, augment=0.0, flip=False, color_jitter=0.0,
        cutout=0.0, consistency=0.0, two_views=0.0, warm_up=0.0, encoder_sees_y=True,
    )  # fmt: skip
    return OfCode(replace(s, n_z=s.n_a), m2)


def settings(spec: Spec, preset: str) -> Settings:
    if preset == "paper":
        return presets.paper(spec)
    of: dict[str, dict[str, Any]] = {
        "points": presets.POINTS | {"n_a": 2, "conv_encoder": False, "denoise": False},
        "small": {"ema": 0.99},
        "large": {"beta": 0.1, "consistency": 1.0},
        "photographs": PHOTOGRAPHS,
    }
    s = replace(TUNED, **of[presets.kind(spec)])
    return replace(s, classes_exact=2) if presets.many_classes(spec) else s


CARDS = (
    Card(
        name="m1m2",
        title="M1+M2",
        path="models.methods.m1m2.model:M1M2",
        summary="M2 on the code of M1: a model of classes and styles whose images are codes.",
        family="A code z1 comes from the class y and the style z, and the image from z1 alone. M1 learns z1 from all "
        "images, without any label; M2 learns what y and z make of z1.",
        factorisation=(
            "p(x,y,z_1,z) = p(x|z_1)\\,p(z_1|y,z)\\,p(y)\\,p(z)",
            "q(z_1,y,z|x) = q(z_1|x)\\,q(y|z_1)\\,q(z|z_1,y)",
        ),
        graphs=(
            Graph(
                "Generative model p", "y and z give z1; z1 gives x", NODES,
                (("y", "z1"), ("z", "z1"), ("z1", "x")), "θ", ("z1", "x"),
            ),
            Graph(
                "Inference model q", "x gives z1; z1 gives y; z1 and y give z", NODES,
                (("x", "z1"), ("z1", "y"), ("z1", "z"), ("y", "z")), "φ", ("z1", "y", "z"),
            ),
        ),
        notation=(
            n.X, n.Y,
            ("z_1", "M1's code of the image; its size is `n_a`", "z1"),
            ("z", "its style, Kingma's z2: what there is to say of z1 besides the class", "z"),
            n.PRIOR_Z, n.PRIOR_Y,
            ("p(x|z_1)", "M1's decoder: Bernoulli for grey images, Gaussian for colour", "m1.p_x"),
            ("p(z_1|y,z)", "M2's decoder: a Gaussian, one sigma a number of z1", "m2.p_x"),
            ("q(z_1|x)", "M1's encoder: a diagonal Gaussian", "m1.q_z"),
            ("q(y|z_1)", "the classifier; at the mean of q(z1|x) it is q(y|x)", "m2.q_y"),
            ("q(z|z_1,y)", "M2's encoder: a diagonal Gaussian", "m2.q_z"),
            ("h(x)", "only where settings name filters: their activations, which M1 sees and explains", "m1.filters"),
            n.ENTROPY, n.L, n.U, n.J, n.ALPHA,
        ),
        terms=n.LABELLED_BOUND
        | {"labelled/filters": "−log p(h|z1), labelled", "labelled/kl_z1": "log q(z1|x) − log p(z1|y,z), labelled"}
        | n.UNLABELLED_BOUND
        | {
            "unlabelled/filters": "−log p(h|z1), unlabelled",
            "unlabelled/kl_z1": "log q(z1|x) − log p(z1|y,z), unlabelled",
        }
        | n.ENTROPY_TERM | {"code": "E[−log N(z1; 0, 1)], unlabelled"} | n.CLASSIFICATION | n.CONSISTENCY,
        pieces={
            "4": (("p(z_1|y,z)", "kl_z1"), ("p(x|z_1)", "reconstruction")),
            "6L": (
                (r"\log p(x|z_1)", "reconstruction"),
                (r"\log q(z_1|x)", "kl_z1"),
                (r"\log p(z_1|y,z)", "kl_z1"),
                (r"\log p(y)", "prior_y"),
                (r"\mathrm{KL}[q(z|z_1,y)\,\|\,p(z)]", "kl_z"),
            ),
            "6": ((r"\mathcal H(q(y|z_1))", "entropy"),),
            "11": ((r"\alpha\, E_{q(z_1|x)}[-\log q(y|z_1)]", "classification"),),
            "12": (
                (r"E_{q(z_1|x)}[\log \mathcal N(z_1;0,1)]", "code"),
                (r"\alpha\, E_{q(z_1|x)}[-\log q(y|z_1)]", "classification"),
            ),
        },
        settings=settings,
        epochs=lambda spec, preset: presets.epochs(spec, preset, EPOCHS),
        reads=presets.TRAINING | presets.NETWORKS | presets.CLASSIFIER | presets.LATENT
        | presets.CLASS_LATENT - {"bound_u", "contrastive_epochs", "reconstructed"} | {"n_a", "denoise"},
        spaces={
            "z": n.STYLE.format("M1+M2"),
            "z1": "Classes lie apart only as far as they look apart. M1's code z1 is learnt without any label: q(y|z1) "
            "must find the classes in it.",
        },
        generative=Generative(
            picture="p(x|z1) at the mean of p(z1|y,z)",
            p_x="p(x|z1)",
            bound="eq. 6 for z1",
            class_grid="Each row is a class y, each column one style z. A picture is the mean of p(x|z1) at the mean "
            "of p(z1|y,z): y and z make a code, and M1 makes the image of it.",
            swap="z is the mean of q(z|z1,y), and stays; y changes, and with it z1, the mean of p(z1|y,z). Each "
            "picture is the mean of p(x|z1).",
            walk="z goes along an arc from the mean of q(z|z1,y) of the first image to that of the second; a picture "
            "is the mean of p(x|z1) at the mean of p(z1|y,z).",
            style="p(x|z1), z1 the mean of p(z1|y,z)",
            class_bound="eq. 6, L, for z1",
            shared_draws="z1, and z for each class",
        ),
        classifier_is="q(y|z1) at the mean of q(z1|x)",
        q_y="q(y|z1)",
        q_z="q(z|z1,y)",
        # Not of points in the plane: M1's code of two numbers is no simpler than the two numbers, so that M2 would
        # learn what it learns of the points themselves, through a decoder that blurs them.
        kinds=("images",),
        # Of one thread, by the processor's clock: a step times the steps of an epoch, on 2026-11-30.
        seconds={"digits": 0.75, "mnist": 30.0, "cifar10": 138.0},
        explained=lambda s: "x, h" if s.filters else "x",
        between="z1",
        p_a="p(z1|y,z)",
    ),
)  # fmt: skip
