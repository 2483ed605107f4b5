"""Temporal ensembling: what a classifier said of an image in earlier epochs is its target for it.

Laine & Aila, "Temporal ensembling for semi-supervised learning", ICLR 2017, algorithm 2.

    q(y|x)

Z keeps one average an unlabelled image. As each of them is seen once an epoch, it is renewed where the image is: once
an epoch, as in the paper. Divided by 1 - a^n, n being how often it was renewed, it does not lean towards its start, 0.
An image that was not seen before has no target, and costs nothing: in the paper's first epoch the weight is 0.
Z is a part of what training needs to go on, not of the weights: a page that looks at a run knows no targets.

Differs from the paper: no ramp at the end of the run; there AdamW's learning rate follows one, too. A run that goes on
with labels that somebody gave begins a new Z.
"""

import torch
from torch import Tensor

from models.methods.consistent import ConsistentMethod, squared_distance
from models.methods.equation import equation
from models.nn import distributions
from models.nn.settings import Settings
from models.nn.shapes import Images, Labels, PerImage, Scalar, Unlabelled


class TemporalEnsembling(ConsistentMethod):
    """Cross-entropies are nats; the distance is a squared one between probabilities."""

    Z: Tensor | None  # (unlabelled images, classes)
    renewed: Tensor  # (unlabelled images, 1): how often each row of Z was
    at: Tensor  # which of them this step's are

    def __init__(self, q_y: distributions.ConditionalCategorical, settings: Settings | None = None) -> None:
        super().__init__(q_y, settings)
        self.register_buffer("Z", None, persistent=False)
        self.register_buffer("renewed", None, persistent=False)

    def see_unlabelled(self, x: Tensor) -> None:
        self.Z = torch.zeros(len(x), self.q_y.logits.out_features, device=x.device)
        self.renewed = torch.zeros(len(x), 1, device=x.device)

    def see_batch(self, labelled: Tensor, unlabelled: Tensor) -> None:
        self.at = unlabelled

    @equation("algorithm 2", r"d(x) = \|\tilde z(x)-q(y|x')\|^2")
    def consistency(self, x: Unlabelled) -> PerImage:
        """How far the probabilities are from the average of those of earlier epochs."""
        q = self.q_y(self.augment(x)).probs
        if self.Z is None:  # nothing was seen yet
            return torch.zeros_like(q[:, 0])
        n = self.renewed[self.at]
        target = self.Z[self.at] / (1 - self.settings.ensembling**n).clamp_min(1e-6)
        self.Z[self.at] = torch.lerp(q.detach(), self.Z[self.at], self.settings.ensembling)
        self.renewed[self.at] += 1
        return (n.squeeze(-1) > 0) * squared_distance(q, target)

    @equation("algorithm 2, J", r"\mathcal J = \sum_{(x_l,y)} -\alpha\log q(y|x') + w(t)\,\alpha \sum_{x_u} d(x)")
    def J(self, x_l: Images, y_l: Labels, x_u: Unlabelled, alpha: float) -> Scalar:
        """What training minimises."""
        return sum(self.terms(x_l, y_l, x_u, alpha).values())

    def unlabelled_costs(self, x: Images, q_y: object, alpha: float, batch: Tensor) -> dict[str, Tensor]:
        """None: whose target it would be is known in training alone."""
        return {}

    def training_state(self) -> dict[str, Tensor]:
        return {} if self.Z is None else {"Z": self.Z, "renewed": self.renewed}

    def load_training_state(self, tensors: dict[str, Tensor]) -> None:
        if self.Z is not None:
            self.Z.copy_(tensors["Z"])
            self.renewed.copy_(tensors["renewed"])
