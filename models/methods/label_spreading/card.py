"""What may be known of label spreading without loading it."""

from data import Spec
from models.methods import notation as n
from models.methods.card import Card, Graph
from models.nn.settings import Settings

AT_ONCE = 2_000  # images that a step looks at for nothing


def settings(spec: Spec, preset: str) -> Settings:
    # One "step" an epoch, in which nothing is learned: the graph is solved when the method is evaluated.
    return Settings(
        net="dense", batch_l=spec.n_classes, batch_u=min(spec.n_train, AT_ONCE), schedule="constant", bf16=False
    )


CARDS = (
    Card(
        name="label-spreading",
        title="Label spreading",
        short="Spreading",
        path="models.methods.label_spreading.model:LabelSpreading",
        summary="No network: labels spread along a graph that joins each image to its nearest neighbours.",
        family="No generative model and no network. Each image is joined to its nearest neighbours among the labelled "
        "and unlabelled images (seven of them, itself included), and labels flow along these lines until nothing "
        "changes. A test image is not in the graph: it takes the mean of what its nearest training images have.",
        factorisation=(r"F = (1-\alpha)\,(I-\alpha S)^{-1}\,Y",),
        graphs=(
            Graph(
                "Graph of neighbours", "x gives y, by its neighbours", {"x": (68, 98), "y": (168, 98)}, (("x", "y"),),
            ),
        ),
        notation=(
            n.ONE_X, n.Y,
            ("Y", "1 at the class of each labelled image, 0 elsewhere", "y_l"),
            ("S", "1 for each line from an image to a neighbour, divided by the roots of how many lines come in at "
             "either end", "graph"),
            (r"\alpha", "how much an image takes from its neighbours, against its own label: .2, in the plane .99",
             "ALPHA"),
            ("F", "how much of each class has arrived at each image; its rows are made to sum to 1", "shares"),
        ),
        terms={},
        settings=settings,
        epochs=lambda spec, preset: 1,
        reads=frozenset(),
        classifier="label spreading",
        classifier_is="shares of the classes that arrived",
        classifier_note="Label spreading has no q(y|x): the shares of the classes that arrived at an image's nearest "
        "neighbours stand for it here.",
        paper="Zhou et al. 2003",
        source="Zhou, Bousquet, Lal, Weston & Schölkopf, Learning with local and global consistency, 2003",
        kinds=("images", "points", "features"),
        seconds={"moons": 0.5, "digits": 1.0, "mnist": 60.0, "cifar10": 200.0},
        weights=("model.safetensors", "spreading.safetensors"),
    ),
)  # fmt: skip
