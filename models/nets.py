"""Networks that return distributions: `self.q_z(x, y)` is q(z|x,y); what stands right of the bar goes in.

A body turns what is given into features; a head turns features into a distribution. Leading axes broadcast: with
x of shape (batch, ...) and y of shape (classes, 1, n_y), every pair is computed, and whatever depends on x alone is
computed once, because a first layer is linear in [x, a, y].
"""

import math
from collections.abc import Iterable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx
from torch.distributions import Categorical, Distribution, Independent, Normal

from models.filters import Filters
from models.nn.settings import Settings

SMALLEST_SCALE = 1 / 510  # half a grey level: a colour likelihood may not become sharper than the data's own steps

# Numbers of channels that lie first, as pixels do. Were they last, a batch norm's threads would write the sums of its
# gradient into one line of the cache: 51 against 2.5 ms for 1000 images of 28 x 28 and 8 channels, two threads.
NARROW = range(4, 16)

IN_CACHE = 2**17  # pixels of a piece whose passes stay in a core's cache


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


class GivenNormal(nn.Module):
    """A diagonal Gaussian over `size` values: two outputs from the top layer, mean and log sigma.

    Differs from the paper: its second output (2.3.1) is log sigma², twice ours.
    """

    def __init__(self, body: nn.Module, features: int, size: int) -> None:
        super().__init__()
        self.body = body
        self.loc = nn.Linear(features, size)
        self.log_scale = nn.Linear(features, size)

    def forward(self, *given: Tensor) -> Distribution:
        h = self.body(*given)
        return normal(exact(self.loc(h)), exact(self.log_scale(h)))


class GivenReals(nn.Module):
    """A diagonal Gaussian around the body's output, with one learned sigma a number."""

    def __init__(self, body: nn.Module, size: int) -> None:
        super().__init__()
        self.body = body
        self.log_scale = nn.Parameter(torch.zeros(size))

    def forward(self, *given: Tensor) -> Distribution:
        return normal(exact(self.body(*given)), self.log_scale)


class GivenCategorical(nn.Module):
    """A distribution over `size` classes."""

    def __init__(self, body: nn.Module, features: int, size: int) -> None:
        super().__init__()
        self.body = body
        self.logits = nn.Linear(features, size)

    def forward(self, *given: Tensor) -> Categorical:
        return Categorical(logits=exact(self.logits(self.body(*given))), validate_args=False)


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
    def backward(ctx: FunctionCtx, grad: Tensor) -> tuple[Tensor, Tensor | None]:
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


class GivenPixels(nn.Module):
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

    def forward(self, *given: Tensor) -> Distribution:
        h = self.body(*given)
        h = h.reshape(*h.shape[: -1 if h.shape[-1] == math.prod(self.shape) else -3], *self.shape)
        if self.log_scale is None:
            return GreyPixels(h)
        return ColourPixels(exact(h).sigmoid(), self.log_scale.exp().clamp_min(SMALLEST_SCALE))


class FirstLayer(nn.Module):
    """One linear layer over several inputs, as a sum of one product each, so that their leading axes broadcast."""

    def __init__(self, given: Sequence[int], out: int, bias: bool) -> None:
        super().__init__()
        self.images = [n < 0 for n in given]  # a negative size is an image of so many values, still in its own shape
        self.parts = nn.ModuleList(nn.Linear(abs(n), out, bias=bias and i == 0) for i, n in enumerate(given))
        # Each part starts as the corresponding columns of one layer over all inputs would.
        bound = 1 / math.sqrt(sum(abs(n) for n in given))
        for part in self.parts:
            nn.init.uniform_(part.weight, -bound, bound)

    def forward(self, *given: Tensor) -> Tensor:
        flat = [g.flatten(-3) if image else g for g, image in zip(given, self.images, strict=True)]
        return sum(part(g) for part, g in zip(self.parts, flat, strict=True))


class Norm(nn.Module):
    """Batch normalisation over all leading axes."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(size)

    def forward(self, h: Tensor) -> Tensor:
        return self.norm(h.reshape(-1, h.shape[-1])).view_as(h)


class Dense(nn.Module):
    """Fully connected hidden layers over several inputs; `given` are their sizes, an image's negative (`image(shape)`).

    No bias before a batch norm, which would take it away again.
    """

    def __init__(self, given: Sequence[int], hidden: Sequence[int], out: int = 0, norm: bool = True) -> None:
        super().__init__()
        self.first = FirstLayer(given, hidden[0], bias=not norm)
        layers: list[nn.Module] = []
        for i, size in enumerate(hidden):
            layers += [nn.Linear(hidden[i - 1], size, bias=not norm)] * (i > 0) + [Norm(size)] * norm + [nn.ReLU()]
        self.rest = nn.Sequential(*layers, *([nn.Linear(hidden[-1], out)] if out else []))

    def forward(self, *given: Tensor) -> Tensor:
        return self.rest(self.first(*given))


def image(shape: tuple[int, ...]) -> int:
    """How `Dense` is told that an input is an image of this shape."""
    return -math.prod(shape)


class OnImages(nn.Sequential):
    """Layers that take (batch, channels, height, width); any leading axes are folded into one and unfolded again."""

    def forward(self, x: Tensor) -> Tensor:
        h = x.reshape(-1, *x.shape[-3:])
        for layer in self:
            if h.dim() == 4 and h.shape[1] > 1:  # a grey image becomes so after its first convolution
                narrow = h.shape[1] in NARROW
                h = h.contiguous(memory_format=torch.contiguous_format if narrow else torch.channels_last)
            h = layer(h)
        return h.reshape(*x.shape[:-3], *h.shape[1:])


class MeanOverPositions(nn.Module):
    """(batch, channels, height, width) to (batch, channels).

    A pooling layer's gradient is laid out channels first; the ReLU before it, channels last, then takes 17 times as
    long to go back (3.9 against 0.2 ms for 128 images of 128 channels).
    """

    def forward(self, h: Tensor) -> Tensor:
        return h.permute(0, 2, 3, 1).mean((1, 2))


class Dropout(nn.Dropout):
    """`nn.Dropout`, whose dice a CPU throws one by one and on one thread: here four values share a draw of 64 bits."""

    LEVELS = 2**16

    def forward(self, h: Tensor) -> Tensor:
        if h.device.type != "cpu" or not self.training:
            return super().forward(h)
        out = round(self.p * self.LEVELS)
        draws = torch.empty(math.ceil(h.numel() / 4), dtype=torch.int64).random_(-(2**63), None)
        dice = draws.view(torch.int16).as_strided(h.shape, torch.empty_like(h).stride())  # laid out as h is
        return h * (dice >= out - self.LEVELS // 2).to(h.dtype).mul_(self.LEVELS / (self.LEVELS - out))


def conv(given: int, out: int, stride: int = 1, dropout: float = 0.0) -> list[nn.Module]:
    """A convolution with batch norm, ReLU and dropout; no bias, which the batch norm would take away again."""
    layers = [nn.Conv2d(given, out, 3, stride, 1, bias=False), nn.BatchNorm2d(out), nn.ReLU()]
    return layers + [Dropout(dropout)] * (dropout > 0)


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

    def __init__(self, given: Sequence[int], shape: tuple[int, ...], s: Settings) -> None:
        super().__init__()
        channels, height, width = shape
        sides = [(math.ceil(height / k), math.ceil(width / k)) for k in (8, 4, 2, 1)]
        widths = [4 * s.width, 2 * s.width, s.width, max(4, s.width // 4)]
        self.start = (widths[0], *sides[0])
        self.dense = Dense(given, (math.prod(self.start),))
        layers: list[nn.Module] = []
        for (h, w), (h2, w2), c, c2 in zip(sides, sides[1:], widths, widths[1:], strict=False):
            extra = (h2 - (2 * h - 1), w2 - (2 * w - 1))
            up = nn.ConvTranspose2d(c, c2, 3, stride=2, padding=1, output_padding=extra, bias=False)
            layers += [up, nn.BatchNorm2d(c2), nn.ReLU()]
        self.up = OnImages(*layers, nn.ConvTranspose2d(widths[-1], channels, 3, padding=1))

    def forward(self, *given: Tensor) -> Tensor:
        return self.up(self.dense(*given).unflatten(-1, self.start))


def small_classifier(shape: tuple[int, ...], s: Settings) -> nn.Module:
    """Body of q(y|.) in the tuned preset: four convolutions, none at the full side, where a CPU's time would go."""
    w = s.width
    return OnImages(
        nn.Conv2d(shape[0], w, 5, 2, 2, bias=False), nn.BatchNorm2d(w), nn.ReLU(),
        *conv(w, 2 * w, 2), *conv(2 * w, 2 * w), *conv(2 * w, 4 * w),
        MeanOverPositions(),
    )  # fmt: skip


class Residual(nn.Module):
    """Two convolutions and a way round them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.change = nn.Sequential(*conv(channels, channels), *conv(channels, channels)[:-1])

    def forward(self, h: Tensor) -> Tensor:
        return F.relu(h + self.change(h))


def residual_classifier(shape: tuple[int, ...], s: Settings) -> nn.Module:
    """Body of q(y|.) in the tuned preset for photographs: nine convolutions, six of them in residual pairs."""
    w = s.width
    return OnImages(
        nn.Conv2d(shape[0], w, 4, 2, 1, bias=False), nn.BatchNorm2d(w), nn.ReLU(),
        *conv(w, 2 * w, 2), Residual(2 * w), Residual(2 * w), *conv(2 * w, 4 * w, 2), Residual(4 * w),
        MeanOverPositions(),
    )  # fmt: skip


class WithFilters(nn.Module):
    """Body of q(y|.): what convolutions find in x, and beside it what one dense layer makes of h(x), models/filters.py.

    Not in the paper.
    """

    def __init__(self, x: nn.Module, features: int, channels: int, filters: int) -> None:
        super().__init__()
        self.x = x
        self.filters = Filters(channels, filters)
        self.h = Dense((self.filters.size,), (features,))

    def forward(self, x: Tensor) -> Tensor:
        h = self.h(self.filters(x.reshape(-1, *x.shape[-3:])))
        return torch.cat([self.x(x), h.view(*x.shape[:-3], -1)], -1)


class ClassifierWithAuxiliary(nn.Module):
    """Body of q(y|a,x): convolutions of x, computed once however many draws of a, and one dense layer with a."""

    def __init__(self, x: nn.Module, features: int, n_a: int) -> None:
        super().__init__()
        self.x = x
        self.joint = Dense((n_a, features), (features,))
        # At first a is nothing but noise: begin as q(y|x) would and let training find what a is good for.
        nn.init.zeros_(self.joint.first.parts[0].weight)

    def forward(self, a: Tensor, x: Tensor) -> Tensor:
        return self.joint(a, self.x(x))


def classifier(shape: tuple[int, ...], s: Settings) -> tuple[nn.Module, int]:
    """Body of q(y|x) for these settings, and how many features it gives."""
    if s.net == "conv":
        return conv_classifier(shape, s, 128), 128
    if s.net == "tuned":
        body, features = (residual_classifier if shape[0] > 1 else small_classifier)(shape, s), 4 * s.width
        return (WithFilters(body, features, shape[0], s.filters), 2 * features) if s.filters else (body, features)
    return Dense((image(shape),), s.hidden), s.hidden[-1]


def classifier_with_auxiliary(shape: tuple[int, ...], s: Settings) -> tuple[nn.Module, int]:
    """Body of q(y|a,x): two dense layers (3.3), or the tuned convolutions joined by a."""
    if s.net == "dense":
        return Dense((s.n_a, image(shape)), s.hidden), s.hidden[-1]
    x, features = classifier(shape, s)
    return ClassifierWithAuxiliary(x, features, s.n_a), features


def encoder(shape: tuple[int, ...], s: Settings, n_y: int = 0) -> tuple[nn.Module, int]:
    """Body of q(z|x), or with n_y of Kingma's q(z|x,y), and how many features it gives."""
    if s.net == "conv" or s.conv_encoder:
        return (ConvEncoderWithClass(shape, n_y, s, 256) if n_y else conv_encoder(shape, s, 256)), 256
    return Dense((image(shape), n_y) if n_y else (image(shape),), s.hidden), s.hidden[-1]


def decoder(given: Sequence[int], shape: tuple[int, ...], s: Settings) -> nn.Module:
    """Body of p(x|.): transposed convolutions (3.1, 3.2) or, on a CPU many times faster, dense layers (3.3)."""
    return ConvDecoder(given, shape, s) if s.net == "conv" else Dense(given, s.hidden, math.prod(shape))


def one_hot(y: Tensor, classes: int) -> Tensor:
    return F.one_hot(y, classes).to(torch.get_default_dtype())


def categorical_mean(q: Categorical) -> Categorical:
    """The mean of distributions over their first axis, computed in logarithms."""
    return Categorical(logits=torch.logsumexp(q.logits, dim=0) - math.log(q.logits.shape[0]), validate_args=False)
