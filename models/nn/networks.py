"""Networks that return distributions: `self.q_z(x, y)` is q(z|x,y), conditioned on its inputs.

A body turns its inputs into features; a head turns features into a distribution. Leading axes broadcast: with
x of shape (batch, ...) and y of shape (classes, 1, n_y), every pair is computed, and whatever depends on x alone is
computed once, because a first layer is linear in [x, a, y].
"""

import math
from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from models.nn.distributions import is_point
from models.nn.layers import Dense, Dropout, MeanOverPositions, OnImages, Residual, conv, pixels_of
from models.nn.patch_features import PatchFeatures
from models.nn.settings import Settings


def dense(sizes: Sequence[int], s: Settings, out: int = 0) -> Dense:
    """Dense layers of these settings over several inputs."""
    return Dense(sizes, s.hidden, out, s.batch_norm)


def conv_encoder(shape: tuple[int, ...], s: Settings, features: int = 256) -> nn.Module:
    """Body of q(z|x), 3.1 and 3.2: three convolutions and the first of two dense layers, batch norm, dropout, ReLU.

    The second dense layer is the head. Not in the paper: strides of 2, the widths, 256 features.
    """
    channels, height, width = shape
    w, side = s.width, math.ceil(height / 8) * math.ceil(width / 8)
    return OnImages(
        *conv(channels, w, 2, s.dropout), *conv(w, 2 * w, 2, s.dropout), *conv(2 * w, 4 * w, 2, s.dropout),
        nn.Flatten(), nn.Linear(4 * w * side, features, bias=False), nn.BatchNorm1d(features), nn.ReLU(),
        *[Dropout(s.dropout)] * (s.dropout > 0),
    )  # fmt: skip


class ConvEncoderWithClass(nn.Module):
    """Body of Kingma's q(z|x,y): the convolutions see x once; the dense layer sees their features and y."""

    def __init__(self, shape: tuple[int, ...], n_y: int, s: Settings, features: int = 256) -> None:
        super().__init__()
        self.x = conv_encoder(shape, s, features)
        self.joint = Dense((features, n_y), (features,))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return self.joint(self.x(x), y)


def conv_classifier(shape: tuple[int, ...], s: Settings, features: int = 128) -> nn.Module:
    """Body of q(y|x), 3.2: three convolutions, two max-pools, dropout, ReLU; the softmax layer is the head.

    Not in the paper: the widths, batch norm, and the mean over positions before the softmax layer.
    """
    w = s.width
    return OnImages(
        *conv(shape[0], w), nn.MaxPool2d(2), *conv(w, 2 * w), nn.MaxPool2d(2), *conv(2 * w, features),
        MeanOverPositions(), *[Dropout(s.dropout)] * (s.dropout > 0),
    )  # fmt: skip


class ConvDecoder(nn.Module):
    """Body of p(x|.), 3.1 and 3.2: a dense layer and four transposed convolutions, the first three with ReLU.

    The sigmoid at the end is the distribution's. Not in the paper: batch norm, the widths; the first three layers
    double the side.
    """

    def __init__(self, sizes: Sequence[int], shape: tuple[int, ...], s: Settings) -> None:
        super().__init__()
        channels, height, width = shape
        sides = [(math.ceil(height / k), math.ceil(width / k)) for k in (8, 4, 2, 1)]
        widths = [4 * s.width, 2 * s.width, s.width, max(4, s.width // 4)]
        self.start = (widths[0], *sides[0])
        self.dense = Dense(sizes, (math.prod(self.start),))
        layers: list[nn.Module] = []
        for (h, w), (h2, w2), c, c2 in zip(sides, sides[1:], widths, widths[1:], strict=False):
            extra = (h2 - (2 * h - 1), w2 - (2 * w - 1))
            up = nn.ConvTranspose2d(c, c2, 3, stride=2, padding=1, output_padding=extra, bias=False)
            layers += [up, nn.BatchNorm2d(c2), nn.ReLU()]
        self.up = OnImages(*layers, nn.ConvTranspose2d(widths[-1], channels, 3, padding=1))

    def forward(self, *conditions: Tensor) -> Tensor:
        return self.up(self.dense(*conditions).unflatten(-1, self.start))


def small_classifier(shape: tuple[int, ...], s: Settings) -> nn.Module:
    """Body of q(y|.) in the tuned preset: four convolutions, none at the full side, where a CPU's time would go."""
    w = s.width
    return OnImages(
        nn.Conv2d(shape[0], w, 5, 2, 2, bias=False), nn.BatchNorm2d(w), nn.ReLU(),
        *conv(w, 2 * w, 2), *conv(2 * w, 2 * w), *conv(2 * w, 4 * w),
        MeanOverPositions(),
    )  # fmt: skip


def residual_classifier(shape: tuple[int, ...], s: Settings) -> nn.Module:
    """Body of q(y|.) in the tuned preset for photographs: nine convolutions, six of them in residual pairs."""
    w = s.width
    return OnImages(
        nn.Conv2d(shape[0], w, 4, 2, 1, bias=False), nn.BatchNorm2d(w), nn.ReLU(),
        *conv(w, 2 * w, 2), Residual(2 * w), Residual(2 * w), *conv(2 * w, 4 * w, 2), Residual(4 * w),
        MeanOverPositions(),
    )  # fmt: skip


class WithPatchFeatures(nn.Module):
    """Body of q(y|.): what convolutions find in x, and what a dense layer makes of h(x), nn/patch_features.py.

    Not in the paper.
    """

    def __init__(self, x: nn.Module, features: int, channels: int, filters: int) -> None:
        super().__init__()
        self.x = x
        self.filters = PatchFeatures(channels, filters)
        self.h = Dense((self.filters.size,), (features,))

    def forward(self, x: Tensor) -> Tensor:
        h = self.h(self.filters(x.reshape(-1, *x.shape[-3:])))
        return torch.cat([self.x(x), h.view(*x.shape[:-3], -1)], -1)


class ClassifierWithAuxiliary(nn.Module):
    """Body of q(y|a,x): convolutions of x, computed once however many draws of a, and one dense layer with a."""

    def __init__(self, x: nn.Module, features: int, n_a: int, size: int) -> None:
        super().__init__()
        self.x = x
        self.joint = Dense((n_a, features), (size,))
        # At first a is nothing but noise: begin as q(y|x) would and let training find what a is good for.
        nn.init.zeros_(cast(nn.Linear, self.joint.first.parts[0]).weight)

    def forward(self, a: Tensor, x: Tensor) -> Tensor:
        return self.joint(a, self.x(x))


def classifier(shape: tuple[int, ...], s: Settings) -> tuple[nn.Module, int]:
    """Body of q(y|x) for these settings, and how many features it gives; of a vector, without `dense`, x itself."""
    if is_point(shape) and s.net != "dense":
        return nn.Flatten(-3), math.prod(shape)
    if s.net == "conv":
        return conv_classifier(shape, s, 128), 128
    if s.net == "tuned":
        body, features = (residual_classifier if shape[0] > 1 else small_classifier)(shape, s), 4 * s.width
        return (WithPatchFeatures(body, features, shape[0], s.filters), 2 * features) if s.filters else (body, features)
    return dense((pixels_of(shape),), s), s.hidden[-1]


def convolutions(q_y: nn.Module) -> tuple[nn.Module, int]:
    """The convolutions within a q(y|.), and how many features they give. Raises ValueError if it has none."""
    for part in q_y.modules():
        if isinstance(part, OnImages):
            return part, [m for m in part.modules() if isinstance(m, nn.Conv2d)][-1].out_channels
    raise ValueError("This q(y|.) has no convolutions.")


def classifier_with_auxiliary(shape: tuple[int, ...], s: Settings) -> tuple[nn.Module, int]:
    """Body of q(y|a,x): two dense layers (3.3), or the tuned convolutions joined by a.

    Of a vector, such as the thousands of features of a frozen network, the layer with a is no wider than `hidden`.
    """
    if s.net == "dense":
        return dense((s.n_a, pixels_of(shape)), s), s.hidden[-1]
    x, features = classifier(shape, s)
    size = min(features, s.hidden[-1]) if is_point(shape) else features
    return ClassifierWithAuxiliary(x, features, s.n_a, size), size


def encoder(shape: tuple[int, ...], s: Settings, n_y: int = 0) -> tuple[nn.Module, int]:
    """Body of q(z|x), or with n_y of Kingma's q(z|x,y), and how many features it gives."""
    if s.net == "conv" or s.conv_encoder:
        return (ConvEncoderWithClass(shape, n_y, s, 256) if n_y else conv_encoder(shape, s, 256)), 256
    return dense((pixels_of(shape), n_y) if n_y else (pixels_of(shape),), s), s.hidden[-1]


def decoder(sizes: Sequence[int], shape: tuple[int, ...], s: Settings) -> nn.Module:
    """Body of p(x|.): transposed convolutions (3.1, 3.2) or, on a CPU many times faster, dense layers (3.3)."""
    return ConvDecoder(sizes, shape, s) if s.net == "conv" else dense(sizes, s, math.prod(shape))
