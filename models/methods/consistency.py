"""Consistency costs on q(y|.): the same image under different augmentations is to be classified alike."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributions import Categorical

from models.nn.settings import Settings
from models.nn.shapes import Images, PerImage, Scalar, Unlabelled

MARGINAL_ENTROPY_WEIGHT = 2.0  # how much a batch's even share of classes weighs against agreement in `disagreement`
EMA_DECAY = 0.99  # decay per step of the averages behind its adaptive threshold


class ConfidenceMaskedConsistency(nn.Module):
    """Cost of consistency, nats per image: -log q(k|x') for the class k that q(y|x) is sure of; 0 where it is not.

    x' is an augmented x; q(y|x) is the target and gets no gradient. Sohn et al., "FixMatch", NeurIPS 2020, eq. 4.
    "Sure" is a probability of at least `threshold`. With a threshold of 0 it follows how sure q(y|x) has been lately,
    lower for classes it names less often: Wang et al., "FreeMatch", ICLR 2023, eqs 5 to 8.
    Differs from the paper: its section 5 names the idea, not a formula.
    """

    def __init__(self, threshold: float, n_y: int) -> None:
        super().__init__()
        self.threshold = threshold
        if not threshold:
            self.register_buffer("sureness", torch.tensor(1 / n_y))
            self.register_buffer("share", torch.full((n_y,), 1 / n_y))

    def forward(self, before: Categorical, after: Categorical) -> PerImage:
        p = before.probs.detach()
        sureness, k = p.max(-1)
        return -after.log_prob(k) * (sureness >= self.thresholds(p)[k])

    def thresholds(self, p: Tensor) -> Tensor:
        """How sure of each class (classes,) one must be; in training it follows the batch's p (batch, classes)."""
        if self.threshold:
            return torch.full_like(p[0], self.threshold)
        if self.training:
            self.sureness.lerp_(p.max(-1).values.mean(), 1 - EMA_DECAY)
            self.share.lerp_(p.mean(0), 1 - EMA_DECAY)
        return self.sureness * self.share / self.share.max()


def two_views(one: Categorical, other: Categorical, mean: Categorical | None = None) -> PerImage:
    """Cost, nats per image, of classifying two augmented views of an image differently, and all images alike.

    (H(p, p') + H(p', p)) / 2 - EVEN H(m), with p and p' the q(y|.) of the two views, H(p, p') = -sum over y of
    p log p', and m the mean of all p and p' of the batch, unless `mean` is given. Were p' = p and EVEN = 1, it would be
    minus the mutual information of image and class: Krause et al., "Discriminative clustering by regularized
    information maximization", NIPS 2010. Two views: Wang et al., "Self-supervised learning by estimating twin class
    distributions", 2021.
    Differs from the paper: its section 5 names the idea of consistency, not a formula.
    """
    p, log_p, q, log_q = one.probs, one.logits, other.probs, other.logits  # logits of a Categorical are normalised
    cross = -(p * log_q + q * log_p).sum(-1) / 2
    return cross - MARGINAL_ENTROPY_WEIGHT * (mean or mean_of_batch(one, other)).entropy()


def divergence(before: Categorical, after: Categorical) -> PerImage:
    """KL(before ‖ after), nats per image: 0 where both say the same. `before` is the target and gets no gradient."""
    log_p = before.logits.detach()  # those of a Categorical are normalised
    return (log_p.exp() * (log_p - after.logits)).sum(-1)


def mean_of_batch(one: Categorical, other: Categorical) -> Categorical:
    """The mean of q(y|.) over a batch and its two views."""
    return Categorical((one.probs.mean(0) + other.probs.mean(0)) / 2, validate_args=False)


def bound_subset(x_u: Unlabelled, s: Settings) -> Tensor:
    """Those of a batch drawn at random whose bound J has: its first `bound_u`, or all."""
    n = s.bound_u if s.consistency else 0  # without consistency nothing would see the others
    return x_u[: n or len(x_u)]


def consistency_terms(
    model: Any, q: Callable[[Images], Categorical], q_y: Categorical | None, x_u: Unlabelled, alpha: float
) -> dict[str, Scalar]:
    """The terms of J that ask `q`, the q(y|.) of `model`, about augmented unlabelled images, if it has such terms.

    `q_y` is what it said of the first of them, those with a bound, if there are any; what it says of the others gets no
    gradient, for consistency only asks what they are.
    """
    if not model.settings.consistency:
        return {}
    others = x_u if q_y is None else x_u[len(q_y.logits) :]
    if q_y is None or len(others):
        with torch.no_grad():
            of_others = q(others).logits
            logits = of_others if q_y is None else torch.cat([q_y.logits, of_others])
        q_y = Categorical(logits=logits, validate_args=False)
    return {name: cost.mean() for name, cost in consistency_costs(model, q, q_y, x_u, alpha).items()}


def consistency_costs(
    model: Any,  # a ClassLatentMethod, which imports this module
    q: Callable[[Images], Categorical],
    q_y: Categorical,
    x: Images,
    alpha: float,
    batch: Tensor | None = None,
) -> dict[str, PerImage]:
    """The same image by image, weighed as in J; `q_y` is q(y|x) of them all.

    Two views look at a batch as a whole: at these images, or, where they are few, at the unlabelled images `batch`.
    """  # fmt: skip
    s = model.settings
    if not s.consistency:
        return {}
    after = q(model.augment(x))
    costs = {"consistency": s.consistency * alpha * model.consistency(q_y, after)}
    if s.two_views:
        second = q(model.augment(x))
        mean = None if batch is None else mean_of_batch(q(model.augment(batch)), q(model.augment(batch)))
        costs["two_views"] = s.two_views * alpha * two_views(after, second, mean)
    return costs
