"""What may be known of SDGM without loading it."""

from dataclasses import replace

from models.methods import notation as n
from models.methods.adgm.card import CARDS as ADGM
from models.methods.adgm.card import NODES
from models.methods.card import Generative, Graph

(ADGM_CARD,) = ADGM
_, INFERENCE = ADGM_CARD.graphs


CARDS = (
    replace(
        ADGM_CARD,
        name="sdgm",
        title="SDGM",
        path="models.methods.sdgm.model:SDGM",
        summary="ADGM whose images are drawn from the auxiliary variable a as well: a second layer of latents.",
        family="An image comes from its class y, its style z and a latent a, which comes from y and z. Reading goes "
        "back as in ADGM: a first, then the class and the style, which both look at it.",
        factorisation=(
            "p(x,y,a,z) = p(x|a,y,z)\\,p(a|z,y)\\,p(y)\\,p(z)",
            ADGM_CARD.factorisation[1],
        ),
        graphs=(
            Graph(
                "Generative model p", "y and z give a; a, y and z give x", NODES,
                (("y", "x"), ("z", "x"), ("y", "a"), ("z", "a"), ("a", "x")), "θ", ("x", "a"),
            ),
            INFERENCE,
        ),
        notation=(
            n.X, n.Y, n.Z,
            ("a", "a latent between z and x, and the first that is read from x", "a"),
            n.PRIOR_Z, n.PRIOR_Y,
            ("p(a|z,y)", "a diagonal Gaussian", "p_a"),
            ("p(x|a,y,z)", "the decoder: Bernoulli for grey images, Gaussian for colour", "p_x"),
            ("q(a|x)", "a diagonal Gaussian", "q_a"),
            ("q(y|a,x)", "the classifier; its mean over draws of a is q(y|x)", "q_y"),
            n.FILTERS,
            ("q(z|a,y,x)", "the encoder: a diagonal Gaussian", "q_z"),
            n.ENTROPY, n.L, n.U, n.J, n.ALPHA,
        ),
        pieces=ADGM_CARD.pieces
        | {
            "17": (("p(x|a,y,z)", "reconstruction"),),
            "21": (
                ("p(x|a,y,z)", "reconstruction"),
                ("p(a|z,y)", "kl_a"),
                ("p(y)", "prior_y"),
                ("p(z)", "kl_z"),
                ("q(a|x)", "kl_a"),
                ("q(z|a,y,x)", "kl_z"),
            ),
        },
        spaces={
            "z": n.STYLE.format("SDGM"),
            "a": "Classes may part here. The latent a is read by the classifier q(y|a,x), and the decoder sees it, "
            "too; shown is the mean of q(a|x).",
        },
        generative=Generative(
            picture="p(x|a,y,z) at the mean of p(a|z,y)",
            p_x="p(x|a,y,z)",
            bound="eq. 22",
            class_grid="Each row is a class y, each column one style z. A picture is the mean of p(x|a,y,z) "
            "at the mean of p(a|z,y): the same y and z always give the same picture.",
            swap="z is the mean of q(z|a,y,x), eq. 20, and stays; y changes, and a with it, which is the mean of "
            "p(a|z,y), not what q(a|x) reads from the image. Each picture is the mean of p(x|a,y,z).",
            walk="z goes along an arc from the mean of q(z|a,y,x), eq. 20, of the first image to that of the second; a "
            "is the mean of p(a|z,y), and a picture the mean of p(x|a,y,z).",
            style="p(x|a,y,z), a the mean of p(a|z,y)",
            class_bound="eq. 21 for SDGM",
            shared_draws="a, and z for each class",
        ),
        reads=ADGM_CARD.reads - {"auxiliary"},  # without an a nothing is left of it
        kinds=("images", "points"),
        seconds={"moons": 0.11, "digits": 1.4, "mnist": 44.0, "cifar10": 72.0, "cifar100": 94.0},
        first=False,
        rank=0,
        p_a="p(a|z,y)",
        auxiliary_says=n.CLOUD.format("p(a|z,y)"),
    ),
)  # fmt: skip
