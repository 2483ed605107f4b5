"""What may be known of ADGM without loading it."""

from data import Spec
from models.methods import notation as n
from models.methods import presets
from models.methods.card import Card, Generative, Graph
from models.nn.settings import Settings

# On MNIST ADGM was surer of its mistakes with beta 1, and with images that were never hidden in part (docs/LOG.md). The
# bound of a quarter of a step's images leaves time for more steps.
LARGE = {"beta": 10.0, "bound_u": 32, "cutout": 0.4, "weight_decay": 0.05}
EPOCHS = {"small": 40, "large": 13, "photographs": 24}
EPOCHS_OF_MANY_CLASSES = 12  # `two_views` and `filters` make longer steps
NODES = {"y": (64, 52), "z": (172, 52), "x": (64, 138), "a": (172, 138)}


def settings(spec: Spec, preset: str) -> Settings:
    if preset == "paper":
        return presets.paper(spec, net="dense", dropout=0.0)
    return presets.tuned(spec, large=LARGE, many=presets.MANY_CLASSES_AND_BOUND)


CARDS = (
    Card(
        name="adgm",
        title="ADGM",
        path="models.methods.adgm.model:ADGM",
        summary="M2 with an auxiliary variable a, which lets the posterior be other than Gaussian.",
        family="An image comes from its class and its style as in M2. The auxiliary a is drawn from x first, and both "
        "q(y|a,x) and q(z|a,y,x) look at it, so that q(z|x) can take other shapes than a Gaussian.",
        factorisation=(
            "p(x,y,a,z) = p(x|y,z)\\,p(a|z,y,x)\\,p(y)\\,p(z)",
            "q(a,y,z|x) = q(a|x)\\,q(y|a,x)\\,q(z|a,y,x)",
        ),
        graphs=(
            Graph(
                "Generative model p", "y and z give x; y, z and x give a", NODES,
                (("y", "x"), ("z", "x"), ("y", "a"), ("z", "a"), ("x", "a")), "θ", ("x", "a"),
            ),
            Graph(
                "Inference model q", "x gives a; a and x give y; a, y and x give z", NODES,
                (("x", "a"), ("a", "y"), ("x", "y"), ("a", "z"), ("y", "z"), ("x", "z")), "φ", ("a", "y", "z"),
            ),
        ),
        notation=(
            n.X, n.Y, n.Z,
            ("a", "the auxiliary variable", "a"),
            n.PRIOR_Z, n.PRIOR_Y, n.DECODER,
            ("p(a|z,y,x)", "a diagonal Gaussian; only the bound needs it", "p_a"),
            ("q(a|x)", "a diagonal Gaussian", "q_a"),
            ("q(y|a,x)", "the classifier; its mean over draws of a is q(y|x)", "q_y"),
            n.FILTERS,
            ("q(z|a,y,x)", "the encoder: a diagonal Gaussian", "q_z"),
            n.ENTROPY, n.L, n.U, n.J, n.ALPHA,
        ),
        terms=n.LABELLED_BOUND | n.UNLABELLED_BOUND | n.AUXILIARY_BOUND | n.ENTROPY_TERM | n.CLASSIFICATION
        | n.CONSISTENCY | n.RECONSTRUCTED | n.CONTRASTIVE,
        pieces={
            "17": (("p(x|z,y)", "reconstruction"),),
            "21": (
                ("p(x|y,z)", "reconstruction"),
                ("p(a|z,y,x)", "kl_a"),
                ("p(y)", "prior_y"),
                ("p(z)", "kl_z"),
                ("q(a|x)", "kl_a"),
                ("q(z|a,y,x)", "kl_z"),
            ),
            "22": ((r"\mathcal H(q(y|a,x))", "entropy"),),
            "23": ((r"\alpha\, E_{q(a|x)}[-\log q(y|a,x)]", "classification"),),
        },
        settings=settings,
        epochs=lambda spec, preset: presets.epochs(spec, preset, EPOCHS, EPOCHS_OF_MANY_CLASSES),
        reads=presets.TRAINING | presets.NETWORKS | presets.CLASSIFIER | presets.LATENT | presets.CLASS_LATENT
        | {"n_a", "auxiliary"},
        spaces={
            "z": n.STYLE.format("ADGM"),
            "a": "Classes may part here. The auxiliary variable a is read by the classifier q(y|a,x); shown is the "
            "mean of q(a|x).",
        },
        generative=Generative(
            picture="p(x|z,y), eq. 17",
            bound="eq. 22",
            class_grid="Each row is a class y, each column one style z. A picture is the mean of p(x|z,y), eq. 17. The "
            "auxiliary a is not needed to draw: only q(z|a,y,x) and p(a|z,y,x) look at it.",
            swap="z is the mean of q(z|a,y,x), eq. 20, and stays; only y changes. Each picture is the mean of "
            "p(x|z,y), eq. 17.",
            walk="z goes along an arc from the mean of q(z|a,y,x), eq. 20, of the first image to that of the second; a "
            "picture is the mean of p(x|z,y), eq. 17.",
            style="p(x|z,y), eq. 17",
            class_bound="eq. 21",
            shared_draws="a, and z for each class",
        ),
        classifier_is="mean of q(y|a,x), eq. 19",
        q_y="q(y|a,x)",
        q_z="q(z|a,y,x)",
        first=True,
        kinds=("images", "points", "features"),
        seconds={"moons": 0.08, "digits": 1.38, "mnist": 42.0, "cifar10": 72.0, "cifar100": 94.0},
        paper_slowdown=1.0,
        auxiliary="a",
        p_a="p(a|z,y,x)",
        auxiliary_says=n.CLOUD.format("p(a|z,y,x), eq. 16,"),
        rank=3,
    ),
)  # fmt: skip
