"""Networks so small that what they claim can be computed exactly: 4x4 binary images, 3 classes, z and a on a line."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest import mock

import numpy as np
import torch
from torch import Tensor, nn

from data.images import Images
from models.methods.adgm.model import ADGM
from models.methods.m1.model import M1
from models.methods.m1m2.model import M1M2
from models.methods.m2.model import M2
from models.methods.sdgm.model import SDGM
from models.methods.supervised.model import Supervised
from models.nn.distributions import ConditionalCategorical, ConditionalNormal, ConditionalPixels, ConditionalPoints
from models.nn.layers import Dense, pixels_of
from models.nn.settings import Settings

SHAPE = (1, 4, 4)
CLASSES = 3
X, H = pixels_of(SHAPE), 6


def tiny(name: str, **settings) -> nn.Module:
    """A method with tiny networks far from their start; names as in `MODELS`, or "m2 with q(z|x,y)": Kingma's."""
    s = Settings(**settings, encoder_sees_y=name == "m2 with q(z|x,y)")

    def normal(*given: int) -> ConditionalNormal:
        return ConditionalNormal(Dense(given, (H,)), H, 1)

    def classes(*given: int) -> ConditionalCategorical:
        return ConditionalCategorical(Dense(given, (H,)), H, CLASSES)

    def pixels(*given: int) -> ConditionalPixels:
        return ConditionalPixels(Dense(given, (H,), 16), SHAPE)

    if name == "m1":
        model = M1(normal(X), pixels(1), CLASSES, 1, s)
    elif name == "supervised":
        model = Supervised(classes(X), s)
    elif name == "m1m2":
        point = ConditionalPoints(Dense((CLASSES, 1), (H,), 1), (1, 1, 1))
        of_code = Settings(encoder_sees_y=True)
        m2 = M2(classes(-1), normal(-1, CLASSES), point, CLASSES, 1, of_code)
        model = M1M2(M1(normal(X), pixels(1), CLASSES, 1, s), m2, s)
    elif name == "sdgm":
        q_z, p_a = normal(1, CLASSES, X), normal(1, CLASSES)
        model = SDGM(normal(X), classes(1, X), q_z, p_a, pixels(CLASSES, 1, 1), CLASSES, 1, s)
    elif name == "adgm":
        q_z, p_a = normal(1, CLASSES, X), normal(1, CLASSES, X)
        model = ADGM(normal(X), classes(1, X), q_z, p_a, pixels(CLASSES, 1), CLASSES, 1, s)
    else:
        q_z = normal(X, CLASSES) if s.encoder_sees_y else normal(X)
        model = M2(classes(X), q_z, pixels(CLASSES, 1), CLASSES, 1, s)
    return far(model).eval()


@torch.no_grad()
def far(model: nn.Module) -> nn.Module:
    """Weights times three, none zero: near its start q is so close to the prior that a reversed KL looks right."""
    for p in model.parameters():
        p.mul_(3).add_(torch.randn_like(p), alpha=0.03)
    for norm in model.modules():
        if isinstance(norm, nn.BatchNorm1d):
            norm.running_mean.normal_()
            norm.running_var.uniform_(0.5, 2)
            norm.weight.uniform_(0.5, 1.5)
            norm.bias.normal_()
    for part in model.modules():
        if isinstance(part, ConditionalPoints):
            part.log_scale.uniform_(-1, 0.5)
        if isinstance(
            part, ConditionalNormal
        ):  # sigmas of 0.1 to 4 or so: wilder ones need finer grids and more samples
            part.log_scale.weight.mul_(0.2)
            part.log_scale.bias.uniform_(-1, 0.5)
    return model


def binary(n: int) -> Tensor:
    """n binary images."""
    return (torch.rand(n, *SHAPE) < 0.5).to(torch.get_default_dtype())


def every_binary_image() -> Tensor:
    """All 2^16 of them."""
    bits = torch.arange(2**16).unsqueeze(-1) >> torch.arange(16) & 1
    return bits.view(-1, *SHAPE).to(torch.get_default_dtype())


# --- noise and quadrature


@contextmanager
def noise(*draws: Tensor | float) -> Iterator[None]:
    """In here the first Gaussian draw has the noise draws[0], the second draws[1], and so on; no more and no fewer."""
    left = list(draws)

    def dealt(shape: torch.Size, dtype: torch.dtype, device: torch.device) -> Tensor:
        assert left, f"more than {len(draws)} draws"
        return torch.as_tensor(left.pop(0), dtype=dtype, device=device).expand(shape)

    with mock.patch("torch.distributions.normal._standard_normal", dealt):
        yield
    assert not left, f"{len(left)} of {len(draws)} draws were not made"


@contextmanager
def no_noise() -> Iterator[None]:
    """In here every Gaussian draw is the mean."""
    with mock.patch("torch.distributions.normal._standard_normal", torch.zeros):
        yield


def nodes(n: int, draws: int = 1) -> tuple[Tensor, Tensor]:
    """Points (n^draws, draws) and weights that turn a mean over standard normal noise into a sum: the trapezoid rule.

    For smooth functions it is exact to rounding; a kink (ReLU) costs about its slope times the square of 16/n.
    """
    t = torch.linspace(-8, 8, n)
    w = torch.softmax(-t.square() / 2, 0)
    every = torch.cartesian_prod(*[torch.arange(n)] * draws).view(-1, draws)
    return t[every], w[every].prod(1)


def mean_over_noise(f: Callable[[Tensor], Tensor], x: Tensor, points: int, draws: int) -> Tensor:
    """E[f(x)] (..., images) over the noise of the `draws` Gaussian draws that f makes, by quadrature."""
    t, w = nodes(points, draws)
    copies = x.expand(len(t), *x.shape).flatten(0, 1)
    with noise(*(column.repeat_interleave(len(x)).unsqueeze(-1) for column in t.T)):
        values = f(copies)
    return (values.unflatten(-1, (len(t), len(x))) * w.unsqueeze(-1)).sum(-2)


def log_normal(v: Tensor, mu: Tensor, sigma: Tensor) -> Tensor:
    """log N(v; mu, sigma²), summed over the last axis, written out."""
    return (-(((v - mu) / sigma) ** 2) / 2 - sigma.log() - np.log(2 * np.pi) / 2).sum(-1)


def hot(k: int) -> Tensor:
    return torch.eye(CLASSES)[k]


def exact_log_p(model: nn.Module, x: Tensor) -> Tensor:
    """log p(x, y) for every class (classes, images), by quadrature over z; ADGM's a is marginalised by construction."""
    z, w = nodes(4001)
    z = z.unsqueeze(1)  # (nodes, 1, size of z)
    log_p_x = torch.stack([model.p_x(hot(k), z).log_prob(x) for k in range(CLASSES)])  # (classes, nodes, images)
    return torch.logsumexp(log_p_x + w.log().unsqueeze(-1), 1) + np.log(1 / CLASSES)


# --- data to train on


def small_data(n: int = 120, n_test: int = 30, seed: int = 0) -> Images:
    """Noise in place of the digits data set, with a bright row that tells the class."""
    rng = np.random.default_rng(seed)

    def part(n: int) -> tuple[np.ndarray, np.ndarray]:
        y = np.arange(n) % 10
        x = rng.integers(0, 128, (n, 1, 16, 16)).astype(np.uint8)
        x[np.arange(n), 0, y] += 127
        return x, y

    return Images("digits", *part(n), *part(n_test), classes=tuple("0123456789"))
