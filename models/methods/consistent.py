"""Consistency methods: a classifier that is to say the same of an unlabelled image under noise of another draw.

    J = mean over labelled images of -alpha log q(y|x) + alpha w(t) mean over unlabelled images of d(x)

d is what tells them apart: how far q(y|x'), x' being an augmented x, is from a target for x. t runs from 0 to 1 within
the run. alpha weighs a label as it does in the generative methods, and the weight of d is in units of alpha, so it is
that beside a cross-entropy of weight 1. With a weight of 0, J is that of labels only, and so is each step.

Differs from the papers: d is asked of unlabelled images alone, where most of them ask it of labelled ones as well, one
in a hundred or so; AdamW and a cosine for the learning rate; the network of the other methods. Each pass of images
through the network is normalised by its own mean and variance.
"""

import torch
from torch import Tensor

from models.methods.classifier import ClassifierMethod
from models.nn import distributions
from models.nn.settings import Settings
from models.nn.shapes import Images, Labels, PerImage, Scalar, Unlabelled


class ConsistentMethod(ClassifierMethod):
    """A subclass states `consistency`, and marks it and `J` as equations of its paper."""

    progress: Tensor

    def __init__(self, q_y: distributions.ConditionalCategorical, settings: Settings | None = None) -> None:
        super().__init__(q_y, settings)
        self.register_buffer("progress", torch.tensor(0.0))  # t

    def before_step(self, progress: float) -> None:
        self.progress.fill_(progress)

    @property
    def weight(self) -> Tensor:
        """w(t), in units of alpha."""
        return self.settings.consistency * ramp_up(self.progress, self.settings.ramp_up)

    def classification(self, x: Images, y: Labels, alpha: float) -> PerImage:
        """Cross-entropy, weighed as the baseline's is."""
        return -alpha * self.log_q_y(self.q_y, self.augment(x), y)

    def consistency(self, x: Unlabelled) -> PerImage:
        """d(x), without its weight."""
        raise NotImplementedError(f"{type(self).__name__} has no consistency.")

    def terms(self, x_l: Images, y_l: Labels, x_u: Unlabelled, alpha: float) -> dict[str, Scalar]:
        """Labels come first: what autocast makes of the weights here has a gradient, and it makes it once a step."""
        terms = {"classification": self.classification(x_l, y_l, alpha).mean()}
        if self.settings.consistency:
            terms["consistency"] = alpha * self.weight * self.consistency(x_u).mean()
        return terms

    def unlabelled_costs(self, x: Images, q_y: object, alpha: float, batch: Tensor) -> dict[str, Tensor]:
        return {"consistency": alpha * self.weight * self.consistency(x)} if self.settings.consistency else {}


def ramp_up(t: Tensor, share: float) -> Tensor:
    """exp(-5 (1 - t / share)²) in the first `share` of the run, 1 after it: Laine & Aila 2017, section 2.1."""
    return torch.exp(-5 * (1 - (t / share).clamp_max(1)).square()) if share else torch.ones_like(t)


def squared_distance(p: Tensor, target: Tensor) -> PerImage:
    """Between probabilities (n, classes), summed over classes: between 0 and 2. Not nats.

    Differs from the papers: they divide it by the number of classes, so that a weight of 100 there is 10 here.
    """
    return (p - target).square().sum(-1)
