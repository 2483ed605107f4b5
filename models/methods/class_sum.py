"""The sum over classes of (6) and (22): every class, or an estimate of it from a few.

With K classes the sum costs K decoders. The estimate computes the likeliest classes exactly and draws from the rest
(Liu et al., "Rao-Blackwellized stochastic gradients for discrete distributions", ICML 2019). Not in the paper. It is
unbiased where the term of a class does not depend on which other classes are computed: not under batch norm in training
mode, which normalises p(x|.)'s hidden units over the classes of the batch.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.distributions import Categorical

from models.nn.settings import Settings
from models.nn.shapes import Labels, PerImage

FLOOR = 1e-4  # share of the draws that is uniform over the rest, so that no class with some probability is never drawn


@dataclass(frozen=True)
class ClassWeights:
    """Classes `y` and weights such that the mean over draws of sum(weight f(y)) is sum over all y of q(y|x) f(y).

    For any f that is the same whichever classes are drawn; see above for batch norm in training mode.
    """

    y: Labels  # (classes, 1) if they are all there, else (chosen, batch), the likeliest class first
    weight: Tensor  # (classes or chosen, batch); its gradient is that of q(y|x)

    def mean(self, term: Tensor) -> PerImage:
        """The estimate of sum over y of q(y|x) term(y). For such an f value and gradients are right on average.

        term: (classes or chosen, batch), or (batch,) if it is the same for every class.

        What all classes are measured against, the term of the first of them, cancels in the mean, for the weights
        sum to 1 there and their gradients to 0; in a single draw it takes most of the noise out.
        """
        if term.dim() < self.weight.dim():
            return term
        level = term[0].detach()
        return level + (self.weight * (term - level)).sum(0)


def class_weights(q_y: Categorical, s: Settings, drawn: Labels | None = None) -> ClassWeights:
    """Every class, or `classes_exact` of them exactly and `classes_drawn` drawn from the rest.

    `drawn` (classes_drawn, batch), counting the rest from the likeliest on, stands in for the draw: for the tests.
    """
    p = q_y.probs  # (batch, classes)
    n = p.shape[-1]
    if not s.classes_exact or s.classes_exact + s.classes_drawn >= n:
        return ClassWeights(torch.arange(n, device=p.device).unsqueeze(-1), p.T)
    order = p.detach().argsort(-1, descending=True)
    top, rest = order.split([s.classes_exact, n - s.classes_exact], -1)
    r = proposal(p.detach().gather(-1, rest))
    if drawn is None:
        drawn = torch.multinomial(r, s.classes_drawn, replacement=True).T
    y = rest.gather(-1, drawn.T)
    weight = torch.cat([p.gather(-1, top), p.gather(-1, y) / (s.classes_drawn * r.gather(-1, drawn.T))], -1)
    return ClassWeights(torch.cat([top, y], -1).T, weight.T)


def proposal(rest: Tensor) -> Tensor:
    """What the rest is drawn from: their probabilities, and a little of the uniform distribution."""
    total = rest.sum(-1, keepdim=True)
    share = torch.where(total > 0, rest / total.clamp_min(torch.finfo(rest.dtype).tiny), 1 / rest.shape[-1])
    return (1 - FLOOR) * share + FLOOR / rest.shape[-1]
