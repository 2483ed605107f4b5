"""What may be known of M2 without loading it."""

from data import Spec
from models.methods import notation as n
from models.methods import presets
from models.methods.card import Card, Generative, Graph
from models.nn.settings import Settings

EPOCHS = {"small": 50, "large": 8, "photographs": 24}
EPOCHS_OF_MANY_CLASSES = 12  # `two_views` and `filters` make longer steps
NODES = {"y": (70, 52), "z": (166, 52), "x": (118, 138)}


def settings(spec: Spec, preset: str) -> Settings:
    return presets.paper(spec) if preset == "paper" else presets.tuned(spec, many=presets.MANY_CLASSES_AND_BOUND)


CARDS = (
    Card(
        name="m2",
        title="M2",
        path="models.methods.m2.model:M2",
        summary="One generative model p(x|y,z): the class y is a latent that is sometimes seen.",
        family="An image comes from its class y and its style z, which know nothing of each other. Reading goes back: "
        "one network says the class, another the style.",
        factorisation=("p(x,y,z) = p(x|y,z)\\,p(y)\\,p(z)", "q(y,z|x) = q(y|x)\\,q(z|x)"),
        graphs=(
            Graph("Generative model p", "y and z give x", NODES, (("y", "x"), ("z", "x")), "θ", ("x",)),
            Graph("Inference model q", "x gives y, and x gives z", NODES, (("x", "y"), ("x", "z")), "φ", ("y", "z")),
        ),
        notation=(
            n.X, n.Y, n.Z, n.PRIOR_Z, n.PRIOR_Y, n.DECODER,
            ("q(y|x)", "the classifier", "q_y"),
            n.FILTERS,
            ("q(z|x)", "the encoder: a diagonal Gaussian", "q_z"),
            n.ENTROPY, n.L, n.U, n.J, n.ALPHA,
        ),
        terms=n.LABELLED_BOUND | n.UNLABELLED_BOUND | n.ENTROPY_TERM | n.CLASSIFICATION | n.CONSISTENCY
        | n.RECONSTRUCTED | n.CONTRASTIVE,
        pieces={
            "4": (("p(x|y,z)", "reconstruction"),),
            "6L": (
                (r"E_{q(z|x)}[\log p(x|y,z)]", "reconstruction"),
                (r"\log p(y)", "prior_y"),
                (r"\mathrm{KL}[q(z|x)\,\|\,p(z)]", "kl_z"),
            ),
            "6": ((r"\mathcal H(q(y|x))", "entropy"),),
            "11": n.CROSS_ENTROPY_PIECE,
            "12": n.CROSS_ENTROPY_PIECE,
        },
        settings=settings,
        epochs=lambda spec, preset: presets.epochs(spec, preset, EPOCHS, EPOCHS_OF_MANY_CLASSES),
        reads=presets.TRAINING | presets.NETWORKS | presets.CLASSIFIER | presets.LATENT | presets.CLASS_LATENT
        | {"encoder_sees_y"},
        spaces={"z": n.STYLE.format("M2")},
        generative=Generative(
            picture="p(x|y,z), eq. 4",
            bound="eq. 6",
            class_grid="Each row is a class y, each column one style z. A picture is the mean of p(x|y,z), eq. 4.",
            swap="z is the mean of {q_z}, and stays; only y changes. Each picture is the mean of p(x|y,z), eq. 4.",
            walk="z goes along an arc from {q_z} of the first image to that of the second; a picture is the mean of "
            "p(x|y,z), eq. 4.",
            style="p(x|y,z), eq. 4",
            class_bound="eq. 6",
            shared_draws="z, which all classes share",
        ),
        classifier_is="classifier, eq. 5",
        first=True,
        kinds=("images", "points", "features"),
        seconds={"moons": 0.055, "digits": 0.96, "mnist": 42.0, "cifar10": 68.0, "cifar100": 78.0},
        rank=2,
    ),
)  # fmt: skip
