"""What may be known of label spreading without loading it."""

from data import Spec
from models.methods import notation as n
from models.methods.card import Card, Graph
from models.nn.settings import Settings


def settings(spec: Spec, preset: str) -> Settings:
    # One "step" an epoch, in which nothing is learned: the graph is solved when the method is evaluated.
    return Settings(net="dense", batch_l=spec.n_classes, batch_u=spec.n_train, schedule="constant", bf16=False)


CARDS = (
    Card(
        name="label-spreading",
        title="Label spreading",
        short="Spreading",
        path="models.methods.label_spreading.model:LabelSpreading",
        summary="No network: labels spread along a graph that joins each point to its nearest neighbours.",
        family="No generative model and no network. Each point is joined to its seven nearest neighbours, and the "
        "labels flow along these lines until nothing changes. A new point takes what its nearest neighbours have.",
        factorisation=(r"F = (1-\alpha)\,(I-\alpha S)^{-1}\,Y",),
        graphs=(
            Graph(
                "Graph of neighbours", "x gives y, by its neighbours", {"x": (68, 98), "y": (168, 98)}, (("x", "y"),)
            ),
        ),
        notation=(
            ("x", "a point, labelled or not", "x"),
            n.Y,
            ("S", "the neighbours' graph, each row divided so that it sums to 1", "machine"),
            (r"\alpha", "how much of its label a point takes from its neighbours: .99", "machine"),
            ("F", "how much of each class has arrived at each point", "shares"),
        ),
        terms={},
        settings=settings,
        epochs=lambda spec, preset: 1,
        reads=frozenset(),
        classifier="label spreading",
        classifier_is="shares of the classes that arrived",
        kinds=("points",),
        seconds={"moons": 0.5},
        weights=("model.safetensors", "spreading.safetensors"),
    ),
)  # fmt: skip
