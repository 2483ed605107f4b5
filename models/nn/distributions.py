"""Modules that return distributions: `self.q_z(x, y)` is q(z|x,y), conditioned on its inputs."""

import math
from collections.abc import Iterable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx
from torch.distributions import Categorical, Distribution, Independent, Normal

from models.nn.layers import IN_CACHE

SHARPEST_POINT = 0.02  # sigma: a curve through single points would explain them ever better
FIRST_SCALE = 0.2  # sigma at the start: a blurred p(x|.) spends y on halves of the plane before z draws curves
SMALLEST_SCALE = 1 / 510  # half a grey level: a colour likelihood may not become sharper than the data's own steps


class StandardNormal(nn.Module):
    """p(z) = N(0, I), eqs 4 and 14."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.register_buffer("zero", torch.zeros(size), persistent=False)

    def forward(self) -> Distribution:
        return normal(self.zero, self.zero)


class Uniform(nn.Module):
    """p(y) = Cat(1/K, ..., 1/K), eqs 4 and 15: the classes are equally likely, K1 of eq. 6 is -log K."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.register_buffer("zero", torch.zeros(classes), persistent=False)

    def forward(self) -> Categorical:
        return Categorical(logits=self.zero, validate_args=False)


def normal(loc: Tensor, log_scale: Tensor) -> Distribution:
    """Diagonal Gaussian over the last axis. `log_scale` is log sigma, of either sign: sharper than p(z) is fine."""
    return Independent(Normal(loc, log_scale.exp(), validate_args=False), 1, validate_args=False)


def exact(t: Tensor) -> Tensor:
    """At least float32: what autocast computed in bfloat16 is too coarse for a log-probability."""
    return t.to(torch.promote_types(t.dtype, torch.float32))


class ConditionalNormal(nn.Module):
    """A diagonal Gaussian over `size` values: two outputs from the top layer, mean and log sigma.

    Differs from the paper: its second output (2.3.1) is log sigma², twice ours.
    """

    def __init__(self, body: nn.Module, features: int, size: int) -> None:
        super().__init__()
        self.body = body
        self.loc = nn.Linear(features, size)
        self.log_scale = nn.Linear(features, size)

    def forward(self, *conditions: Tensor) -> Distribution:
        h = self.body(*conditions)
        return normal(exact(self.loc(h)), exact(self.log_scale(h)))


class ConditionalReals(nn.Module):
    """A diagonal Gaussian around the body's output, with one learned sigma a number."""

    def __init__(self, body: nn.Module, size: int) -> None:
        super().__init__()
        self.body = body
        self.log_scale = nn.Parameter(torch.zeros(size))

    def forward(self, *conditions: Tensor) -> Distribution:
        return normal(exact(self.body(*conditions)), self.log_scale)


class ConditionalCategorical(nn.Module):
    """A distribution over `size` classes."""

    def __init__(self, body: nn.Module, features: int, size: int) -> None:
        super().__init__()
        self.body = body
        self.logits = nn.Linear(features, size)

    def forward(self, *conditions: Tensor) -> Categorical:
        return self.of(self.body(*conditions))

    def of(self, h: Tensor) -> Categorical:
        """The classes of what the body has made of the conditions."""
        return Categorical(logits=exact(self.logits(h)), validate_args=False)


class BernoulliLog(torch.autograd.Function):
    """Sum over pixels of x l - log(1 + exp l): logits l and images x of one shape (*batch, channels, height, width).

    Pieces go through the cache one by one, and backward takes the logits as they came from the network: on a CPU these
    sums are bound by memory. log(1 + exp l) is max(l, 0) - log sigmoid(|l|), and a logarithm of a product of such
    sigmoids, each between 1/2 and 1, spares all but one logarithm of a row.
    """

    @staticmethod
    def forward(ctx: FunctionCtx, logits: Tensor, x: Tensor) -> Tensor:
        ctx.save_for_backward(logits, x)
        return torch.cat([BernoulliLog.of(*piece) for piece in BernoulliLog.pieces(logits, x)])

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor | None]:  # pyrefly: ignore[bad-override]  # one output
        logits, x = ctx.saved_tensors
        grad = grad[..., None, None, None]
        out = torch.empty_like(logits, memory_format=torch.contiguous_format)
        for o, g, l, part in BernoulliLog.pieces(out, grad, logits, x):
            o.copy_(torch.sub(part, exact(l).sigmoid()).mul_(g))
        return out, grad * logits if ctx.needs_input_grad[1] else None

    @staticmethod
    def pieces(*tensors: Tensor) -> Iterable[tuple[Tensor, ...]]:
        """Each cut along its first axis, where classes lead, into parts of the same few images."""
        most = max(1, IN_CACHE // max(1, tensors[0].shape[1:].numel()))
        return zip(*(t.split(most) for t in tensors), strict=True)

    @staticmethod
    def of(l: Tensor, x: Tensor) -> Tensor:
        l = exact(l)
        surer = l.abs().sigmoid_()
        logs = sum(part.prod(-1).log_().sum((-2, -1)) for part in surer.split(64, -1))  # 2^-64 at least: a float
        return (l * x).sub_(l.relu()).sum((-3, -2, -1)) + logs


class GreyPixels(Distribution):
    """Bernoulli images with `logits` (*batch, 1, height, width): `Independent(Bernoulli(...), 3)` in fewer passes."""

    def __init__(self, logits: Tensor) -> None:
        self.logits = logits
        super().__init__(logits.shape[:-3], logits.shape[-3:], validate_args=False)

    @property
    def mean(self) -> Tensor:
        return exact(self.logits).sigmoid()

    @property
    def variance(self) -> Tensor:
        return self.mean * (1 - self.mean)

    def log_prob(self, x: Tensor) -> Tensor:
        """A grey level x in [0, 1] counts as the probability of a white pixel: (*batch)."""
        logits, x = torch.broadcast_tensors(self.logits, x)
        if logits.dim() == 3:
            return BernoulliLog.apply(logits.unsqueeze(0), x.unsqueeze(0)).squeeze(0)
        return BernoulliLog.apply(logits, x)


class ColourPixels(Distribution):
    """Gaussian colour images around `mean` (*batch, channels, height, width) with one sigma a channel.

    `Independent(Normal(mean, sigma.expand), 3)`, but the sum over pixels comes before the division by sigma, which
    spares the largest tensors of a step two passes each way.
    """

    def __init__(self, mean: Tensor, scale: Tensor) -> None:
        self._mean, self.scale = mean, scale
        super().__init__(mean.shape[:-3], mean.shape[-3:], validate_args=False)

    @property
    def mean(self) -> Tensor:
        return self._mean

    @property
    def stddev(self) -> Tensor:
        return self.scale.expand_as(self._mean)

    @property
    def variance(self) -> Tensor:
        return self.stddev.square()

    def log_prob(self, x: Tensor) -> Tensor:
        """Density, x in [0, 1]: (*batch)."""
        square = (x - self._mean).square().sum((-2, -1))
        scale = self.scale.flatten()
        level = self.event_shape[1:].numel() * (scale.log() + math.log(2 * math.pi) / 2)
        return -(square / (2 * scale.square()) + level).sum(-1)


class ConditionalPixels(nn.Module):
    """A distribution over images (channels, height, width), whose body gives one value a pixel.

    Grey: Bernoulli, the value being the logit; a grey level in [0, 1] is scored as the probability of a white pixel.
    Colour: Gaussian around the sigmoid of the value, with one learned sigma a channel. A colour pixel is not nearly
    black or white, so a Bernoulli would score it by its greyness rather than by its distance; the learned sigma sets
    the balance between reconstruction and KL, which a fixed one would have to be tuned for. Densities: x in [0, 1].
    """

    def __init__(self, body: nn.Module, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.body = body
        self.shape = shape
        self.log_scale = nn.Parameter(torch.full((shape[0], 1, 1), math.log(0.2))) if shape[0] > 1 else None

    def forward(self, *conditions: Tensor) -> Distribution:
        h = self.body(*conditions)
        h = h.reshape(*h.shape[: -1 if h.shape[-1] == math.prod(self.shape) else -3], *self.shape)
        if self.log_scale is None:
            return GreyPixels(h)
        return ColourPixels(exact(h).sigmoid(), self.log_scale.exp().clamp_min(SMALLEST_SCALE))


class ConditionalPoints(nn.Module):
    """A Gaussian over points in the plane, (2, 1, 1) each, around the body's output; one learned sigma a coordinate."""

    def __init__(self, body: nn.Module, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.body = body
        self.shape = shape
        self.log_scale = nn.Parameter(torch.full(shape, math.log(FIRST_SCALE)))

    def forward(self, *conditions: Tensor) -> Distribution:
        loc = exact(self.body(*conditions)).unflatten(-1, self.shape)
        scale = self.log_scale.exp().clamp_min(SHARPEST_POINT).expand_as(loc)
        return Independent(Normal(loc, scale, validate_args=False), len(self.shape), validate_args=False)


def conditional_x(body: nn.Module, shape: tuple[int, ...]) -> ConditionalPixels | ConditionalPoints:
    """p(x|.), whose body gives one value a number of x: over images, or over points in the plane."""
    return ConditionalPoints(body, shape) if is_point(shape) else ConditionalPixels(body, shape)


def is_point(shape: tuple[int, ...]) -> bool:
    """Whether an x of this shape is a point in the plane: an image of one place."""
    return shape[1:] == (1, 1)


def one_hot(y: Tensor, classes: int) -> Tensor:
    return F.one_hot(y, classes).to(torch.get_default_dtype())


def categorical_mean(q: Categorical) -> Categorical:
    """The mean of distributions over their first axis, computed in logarithms."""
    return Categorical(logits=torch.logsumexp(q.logits, dim=0) - math.log(q.logits.shape[0]), validate_args=False)
