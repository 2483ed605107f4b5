"""What each dimension of z, or of what lies between x and it, costs an image; what an auxiliary variable tells of y."""

from typing import cast

import torch
from torch import Tensor
from torch.distributions import Distribution, Normal

from models.methods.method import GenerativeMethod, Method


@torch.no_grad()
def of_images(method: Method, x: Tensor, z: bool, draws: int) -> tuple[Tensor, Tensor]:
    """Costs, nats, and mean codes of images x (n, ...), dimension by dimension: (n, size) both.

    `z`: of z, else of the auxiliary variable. Means over q(y|.) and over draws of what is drawn.
    """
    model = cast(GenerativeMethod, method)  # as its card says
    classes = model.n_y if model.sees_class else 1
    y = torch.arange(classes, device=x.device).view(-1, 1, 1)
    q_a = model.auxiliary_posterior(x)
    a = None if q_a is None else q_a.sample((draws,))
    q_z = model.posterior(x, y, a)
    if model.sees_class:
        probs = model.classify_at(x, a).probs
        q_y = probs.movedim(-1, 0).reshape(classes, -1, len(x), 1)
    else:
        q_y = torch.ones(1, 1, 1, 1, dtype=x.dtype, device=x.device)

    def mean(term: Tensor) -> Tensor:
        """Over classes and draws of (classes or 1, draws or 1, n, size)."""
        return (q_y * term.reshape(*[1] * (4 - term.dim()), *term.shape)).sum(0).mean(0)

    if z:
        cost = (q_z.mean.square() + q_z.variance - 1) / 2 - q_z.stddev.log()
        return mean(cost), mean(q_z.mean)
    if q_a is None or a is None:
        raise ValueError("There is no auxiliary variable.")
    drawn = q_z.mean + q_z.stddev * torch.randn(draws, len(x), model.n_z, dtype=x.dtype, device=x.device)
    p_a = cast(Distribution, model.auxiliary_likelihood(x, y, drawn))
    cost = each(q_a).log_prob(a) - each(p_a).log_prob(a)
    return mean(cost), q_a.mean


def each(q: Distribution) -> Normal:
    """The dimensions of a diagonal Gaussian one by one."""
    return Normal(q.mean, q.stddev, validate_args=False)


@torch.no_grad()
def told(method: Method, x: Tensor, draws: int) -> Tensor:
    """I(a; y|x) and H(E_a q(y|a,x)) of images x (n, ...), nats: (n, 2)."""
    model = cast(GenerativeMethod, method)
    a = cast(Distribution, model.auxiliary_posterior(x)).sample((draws,))
    q_y = model.classify_at(x, a).probs.double()
    leaves_open = entropy(q_y.mean(0))
    return torch.stack([leaves_open - entropy(q_y).mean(0), leaves_open], -1)


def entropy(p: Tensor) -> Tensor:
    """Of the last axis, nats."""
    return -(p * p.clamp_min(1e-30).log()).sum(-1)
