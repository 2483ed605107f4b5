"""What a model of one or two latent dimensions really says: log p(x), p(y|x) and p(z|x,y), by quadrature.

Training only sees a bound. Where z is a line or a plane, the integral that the bound avoids can be done: on a grid of z
under the prior, the trapezoidal rule,

    p(x, y) = p(y) ∫ p(x|y,z) p(z) dz        p(x) = sum over y of p(x, y)        p(y|x) = p(x, y) / p(x)

and the bound itself on a grid of z under q. Their difference is KL[q(y,z|x) ‖ p(y,z|x)], with an auxiliary variable
KL[q(a,y,z|x) ‖ p(a,y,z|x)]: what the approximate posterior costs, nats per point. Nothing here is estimated from draws.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from numpy.polynomial.hermite_e import hermegauss
from torch import Tensor
from torch.distributions import Distribution

from models.errors import LatentError
from models.methods.method import GenerativeMethod
from models.nn.distributions import ConditionalPoints

REACH = 6.0  # standard deviations of the prior: 2e-9 of a Gaussian lies beyond
PRIOR_NODES = {1: 3001, 2: 161}  # of z along each dimension: spacing below the sharpest p(x|.) on a line
COARSE_NODES = {1: 201, 2: 41}  # for a picture
COARSE_REACH = {1: REACH, 2: 4.5}
POSTERIOR_NODES = {1: 129, 2: 33}  # of z along each dimension of q(z|.), whose scale they have
AUXILIARY_NODES = {1: 33, 2: 17}
# For a picture fewer do, of Gauss and Hermite's rule, which is exact for polynomials of twice their number.
COARSE_POSTERIOR, COARSE_AUXILIARY = {1: 12, 2: 6}, {1: 7, 2: 4}
COARSE_OVER_A = {1: 7, 2: 4}  # of a under p(a|z,y)
HALF_LOG_2_PI = math.log(2 * math.pi) / 2
AT_ONCE = 2**22  # numbers of a piece


@dataclass(frozen=True)
class Grid:
    """Places t (nodes, size) and logarithms of their weights under a standard Gaussian; the weights sum to 1."""

    t: Tensor
    log_w: Tensor


def grid(size: int, nodes: dict[int, int], like: Tensor, reach: float = REACH) -> Grid:
    """Raises LatentError unless there are one or two dimensions."""
    if size not in nodes:
        raise LatentError(f"Quadrature is for one or two dimensions, not for {size}. Train with n_z=1 or n_z=2.")
    line = torch.linspace(-reach, reach, nodes[size], dtype=like.dtype, device=like.device)
    t = torch.cartesian_prod(*[line] * size).view(-1, size)
    return Grid(t, (-(t**2).sum(-1) / 2).log_softmax(0))


def gauss_hermite(size: int, nodes: dict[int, int], like: Tensor) -> Grid:
    """Few nodes for a smooth function under a standard Gaussian."""
    line, w = (torch.as_tensor(part, dtype=like.dtype, device=like.device) for part in hermegauss(nodes[size]))
    t = torch.cartesian_prod(*[line] * size).view(-1, size)
    return Grid(t, torch.cartesian_prod(*[w.log()] * size).view(-1, size).sum(-1).log_softmax(0))


def prior_grid(model: GenerativeMethod, coarse: bool = False) -> Grid:
    """Nodes of z under p(z). Raises LatentError unless it has one or two dimensions."""
    if coarse and model.n_z in COARSE_NODES:
        return grid(model.n_z, COARSE_NODES, model.p_z.zero, COARSE_REACH[model.n_z])
    return grid(model.n_z, PRIOR_NODES, model.p_z.zero)


@dataclass(frozen=True)
class Evidence:
    """What the model believes of points: log p(x) (n,), nats, and p(y|x) (n, classes); None if p(x|.) sees no class."""

    log_p_x: Tensor
    p_y: Tensor | None


@torch.no_grad()
def evidence(model: GenerativeMethod, x: Tensor, coarse: bool = False) -> Evidence:
    """log p(x) and p(y|x) of points x (n, 2, 1, 1); `coarse`: as exactly as a picture needs.

    Raises LatentError if z has more than two dimensions.
    """
    prior = prior_grid(model, coarse)
    joint = torch.cat([log_joint(model, part, prior, coarse).logsumexp(1) for part in pieces(model, x, prior)], -1)
    log_p_x = joint.logsumexp(0)
    return Evidence(log_p_x, (joint - log_p_x).exp().T if model.sees_class else None)


def log_joint(model: GenerativeMethod, x: Tensor, prior: Grid, fast: bool = False) -> Tensor:
    """log p(x, y, z) + log dz at each node of z: (classes, nodes, n); one class if p(x|.) sees none.

    `fast`: of points, by one matrix product, whose rounding grows as p(x|.) becomes sharp: 5e-3 nats at the sharpest;
    where p(x|.) sees a, log p(x, y, z, a) + log dz da at each node of z and a.
    """
    classes = classes_of(model)
    y = torch.arange(classes, device=x.device).view(-1, 1, 1)
    z, log_w, a = prior.t.unsqueeze(1), prior.log_w.unsqueeze(-1) - math.log(classes), None
    if (p_a := model.auxiliary_prior(y, z)) is not None:
        if not fast:
            return log_w + log_p_over_a(model, x, y, z, p_a)
        nodes = gauss_hermite(p_a.event_shape[0], COARSE_OVER_A, x)
        each = len(nodes.t)
        z = z.repeat_interleave(each, 0)
        log_w = log_w.repeat_interleave(each, 0) + nodes.log_w.repeat(len(prior.t)).unsqueeze(-1)
        mean, sd = (part.repeat_interleave(each, 1) for part in (p_a.mean, p_a.stddev))
        a = mean + sd * nodes.t.repeat(len(prior.t), 1).unsqueeze(1)
    p = model.likelihood(y, z, a)
    if not (fast and isinstance(model.p_x, ConditionalPoints)):
        return (p.log_prob(x) + log_w).expand(classes, -1, -1)
    scale = p.stddev.flatten(-3).reshape(-1, p.mean.shape[-3])[0]  # the same wherever: one sigma a coordinate
    at, there = (p.mean.flatten(-3) / scale).reshape(-1, len(z), len(scale)), x.flatten(1) / scale
    level = log_w - at.square().sum(-1, keepdim=True) / 2 - (scale.log() + HALF_LOG_2_PI).sum()
    return torch.baddbmm(level, at, there.T.expand(len(at), -1, -1)).sub_(there.square().sum(-1) / 2)


def log_p_over_a(model: GenerativeMethod, x: Tensor, y: Tensor, z: Tensor, p_a: Distribution) -> Tensor:
    """log of the integral over a of p(x|a,y,z) p(a|z,y), (classes, nodes, n), for a method whose p(x|.) sees a."""
    nodes = grid(p_a.event_shape[0], AUXILIARY_NODES, x)
    total = None
    for t, log_w in zip(nodes.t, nodes.log_w, strict=True):  # one after the other: all at once would not fit
        at_a = log_w + model.likelihood(y, z, p_a.mean + p_a.stddev * t).log_prob(x)
        total = at_a if total is None else torch.logaddexp(total, at_a)
    assert total is not None  # there are nodes
    return total


def pieces(model: GenerativeMethod, x: Tensor, nodes: Grid) -> Iterator[Tensor]:
    return iter(x.split(max(1, AT_ONCE // (classes_of(model) * len(nodes.t)))))


def classes_of(model: GenerativeMethod) -> int:
    return model.n_y if model.sees_class else 1


@dataclass(frozen=True)
class Posterior:
    """Of one point, at nodes z (nodes, n_z): densities p(z|x,y) and q(z|x,y), (classes, nodes) each."""

    z: Tensor
    p: Tensor
    q: Tensor


@torch.no_grad()
def posterior(model: GenerativeMethod, x: Tensor, coarse: bool = False) -> Posterior:
    """p(z|x,y) beside q(z|x,y) for a point x (2, 1, 1), on the grid of the prior; q's mixture over a, if there is one.

    `coarse`: as exactly as a picture needs. Raises LatentError if z has more than two dimensions.
    """
    prior = prior_grid(model, coarse)
    one = x.unsqueeze(0)
    joint = log_joint(model, one, prior).squeeze(-1)
    log_cell = prior.log_w + (prior.t**2).sum(-1) / 2 + model.n_z * HALF_LOG_2_PI
    log_p = joint.log_softmax(-1) - log_cell
    y = torch.arange(classes_of(model), device=x.device).view(-1, 1)
    q_a = model.auxiliary_posterior(one)
    if q_a is None:
        log_q = model.posterior(one, y).log_prob(prior.t).expand(len(y), -1)
    else:
        nodes = grid(q_a.event_shape[0], AUXILIARY_NODES, x)
        a = at(q_a, nodes).unsqueeze(2)  # (nodes of a, 1 point, 1 node of z, size)
        q_z = model.posterior(one.unsqueeze(1), y.view(-1, 1, 1, 1), a)
        log_q = (q_z.log_prob(prior.t) + nodes.log_w.view(-1, 1, 1)).logsumexp(1).squeeze(1)
    return Posterior(prior.t, log_p.exp(), log_q.exp())


@dataclass(frozen=True)
class Gap:
    """Of points: the bound on log p(x), log p(x) itself and what lies between them, nats, (n,) each."""

    bound: Tensor
    log_p_x: Tensor

    @property
    def gap(self) -> Tensor:
        """KL[q ‖ p] of all latent variables."""
        return self.log_p_x - self.bound


@torch.no_grad()
def gap(model: GenerativeMethod, x: Tensor, coarse: bool = False) -> Gap:
    """How far the bound lies below log p(x) for points x (n, 2, 1, 1); `coarse`: as exactly as a picture needs.

    Raises LatentError if z has more than two dimensions.
    """
    of = evidence(model, x, coarse).log_p_x  # which refuses more dimensions
    return Gap(torch.cat([bound(model, part, coarse) for part in x.split(256 if coarse else 64)]), of)


def bound(model: GenerativeMethod, x: Tensor, coarse: bool = False) -> Tensor:
    """-U(x) (n,), the expectation under q done on a grid of a and z."""
    n = len(x)
    y = torch.arange(classes_of(model), device=x.device).view(-1, 1, 1)
    q_a = model.auxiliary_posterior(x)
    if q_a is None:
        weights, a, log_q_a = torch.zeros(1, 1, device=x.device), None, 0.0
        q_y = model.classify_at(x, None).logits.unsqueeze(0) if model.sees_class else None
        q_z = model.posterior(x, y)  # (classes, 1, n) broadcast
    else:
        size = q_a.event_shape[0]
        nodes = gauss_hermite(size, COARSE_AUXILIARY, x) if coarse else grid(size, AUXILIARY_NODES, x)
        a = at(q_a, nodes)  # (nodes of a, n, size)
        weights, log_q_a = nodes.log_w.unsqueeze(-1), q_a.log_prob(a)
        q_y = model.classify_at(x, a).logits
        q_z = model.posterior(x, y, a)
    inner = gauss_hermite(model.n_z, COARSE_POSTERIOR, x) if coarse else grid(model.n_z, POSTERIOR_NODES, x)
    total = torch.zeros(classes_of(model), max(1, len(weights)), n, dtype=x.dtype, device=x.device)
    for t, log_w in zip(inner.t, inner.log_w, strict=True):
        z = q_z.mean + q_z.stddev * t
        log_ratio = model.likelihood(y, z, a).log_prob(x) + model.p_z().log_prob(z) - q_z.log_prob(z)
        p_a = model.auxiliary_likelihood(x, y, z)
        if p_a is not None and a is not None:
            log_ratio = log_ratio + p_a.log_prob(a) - log_q_a
        total = total + log_w.exp() * log_ratio
    if q_y is None:
        return total[0, 0]
    log_q = q_y.movedim(-1, 0)  # (classes, nodes of a, n)
    per_a = (log_q.exp() * (total - math.log(len(log_q)) - log_q)).sum(0)
    return (weights.exp() * per_a).sum(0)


def at(q: Distribution, nodes: Grid) -> Tensor:
    """The values of a Gaussian q (n, size) at the nodes of a standard one: (nodes, n, size)."""
    return q.mean + q.stddev * nodes.t.unsqueeze(1)
