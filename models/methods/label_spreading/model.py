"""Label spreading: labels run along the graph of nearest neighbours, those of the unlabelled images included.

Zhou, Bousquet, Lal, Weston & Schölkopf, "Learning with local and global consistency", NIPS 2003; scikit-learn's
LabelSpreading with its `knn` kernel (7 neighbours, the image itself among them; models/nn/spreading.py finds them
faster). Distances are those of raw pixels, on a frozen network of its features. The sum is carried to its end: with
scikit-learn's own tolerance it stops after five rounds, before labels have come far. alpha is scikit-learn's own .2 on
images and .99, as in Zhou et al., in the plane, where a label has far to go: both by validation (docs/LOG.md).
Not in the paper. It stands beside the methods because it needs no network and no training, and does what the others
have to learn: follow the points.

No test image is in the graph. One is classified by its nearest neighbours among the training images.
"""

from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.distributions import Categorical

from data.images import POINT
from models.methods.equation import equation
from models.methods.method import Method
from models.nn import spreading
from models.nn.augment import to_float
from models.nn.settings import Settings
from models.nn.shapes import Images, Labels, Latent, Scalar, Unlabelled

ALPHA_OF_POINTS = 0.99


class LabelSpreading(Method):
    """It minimises nothing; `fit` solves the graph of the labelled and the unlabelled images."""

    looks_at_training_images: ClassVar[bool] = True

    def __init__(self, n_y: int, alpha: float, settings: Settings | None = None) -> None:
        super().__init__()
        self.n_y = n_y
        self.alpha = alpha
        self.settings = settings or Settings()
        self.x_u: Tensor | None = None
        self.labelled: tuple[Tensor, Tensor] | None = None  # those that the shares are of
        self.graph: spreading.Vectors | None = None  # the training images
        self.there: Tensor | None = None  # which of them are in the graph; None: all
        self.shares: Tensor | None = None  # (n, n_y): of each class at each of them

    @classmethod
    def build(cls, shape: tuple[int, ...], n_y: int, s: Settings) -> "LabelSpreading":
        return cls(n_y, ALPHA_OF_POINTS if tuple(shape) == POINT else spreading.ALPHA, s)

    def vector(self, x: Tensor) -> Tensor:
        """What distances are between (n, size): pixels, or what a frozen network finds in the images."""
        return self.features(to_float(x)).flatten(1)

    def terms(self, x_l: Images, y_l: Labels, x_u: Unlabelled, alpha: float) -> dict[str, Scalar]:
        """None: nothing is minimised step by step."""
        return {}

    def see_unlabelled(self, x: Tensor) -> None:
        self.x_u, self.labelled = x, None

    @torch.no_grad()
    @equation("section 2, F", r"F = (1-\alpha)\,(I-\alpha S)^{-1}\,Y")
    def fit(self, x_l: Images, y_l: Labels) -> None:
        """The labels spread until nothing changes; the same labels have done so already."""
        if self.x_u is None:
            raise RuntimeError("Label spreading needs the unlabelled images before `fit`: call `see_unlabelled`.")
        if self.labelled and all(torch.equal(a, b) for a, b in zip(self.labelled, (x_l, y_l), strict=True)):
            return
        self.graph, self.there = spreading.Vectors((x_l, self.x_u), self.vector), None
        self.shares = spreading.spread(spreading.neighbours(self.graph), y_l, self.n_y, self.alpha)
        self.labelled = x_l, y_l

    @torch.no_grad()
    def classify(self, x: Images) -> Categorical:
        """The mean of what its nearest training images have, as scikit-learn's predict_proba."""
        if self.graph is None or self.shares is None:
            raise RuntimeError("Label spreading cannot classify before `fit`, nor without its training images.")
        before = x.shape[:-3]
        flat = self.vector(x.reshape(-1, *x.shape[-3:]))
        probs = spreading.read(flat, self.graph, self.shares, self.there)
        return Categorical(probs=probs.view(*before, self.n_y), validate_args=False)

    def classify_and_encode(self, x: Images) -> tuple[Categorical, dict[str, Latent]]:
        """There are no codes."""
        return self.classify(x), {}

    def extra_files(self) -> dict[str, dict[str, Tensor]]:
        """The shares alone: the images are the data set's."""
        return {} if self.shares is None else {"spreading.safetensors": {"shares": self.shares}}

    def load_extra(self, name: str, tensors: dict[str, Tensor]) -> None:
        if tensors["shares"].ndim != 2 or tensors["shares"].shape[1] != self.n_y:
            raise ValueError(f"{name} holds shares {tuple(tensors['shares'].shape)}.")
        self.shares = tensors["shares"].float()

    def see_training_images(self, x: Any, seen: Tensor) -> None:
        if self.shares is None or len(seen) != len(self.shares):
            raise ValueError(f"There are shares of other images than the {len(seen)} of this run.")
        self.graph = spreading.Vectors((x,), self.vector)
        shares, self.shares = self.shares, torch.zeros(len(x), self.n_y)
        self.shares[seen] = shares
        self.there = torch.zeros(len(x), dtype=torch.bool)
        self.there[seen] = True
