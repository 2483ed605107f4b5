"""Layers that several networks are built of."""

import math
from collections.abc import Sequence
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# Numbers of channels that lie first, as pixels do. Were they last, a batch norm's threads would write the sums of its
# gradient into one line of the cache: 51 against 2.5 ms for 1000 images of 28 x 28 and 8 channels, two threads.
NARROW = range(4, 16)

IN_CACHE = 2**17  # pixels of a piece whose passes stay in a core's cache


class FirstLayer(nn.Module):
    """One linear layer over several inputs, as a sum of one product each, so that their leading axes broadcast."""

    def __init__(self, sizes: Sequence[int], out: int, bias: bool) -> None:
        super().__init__()
        self.images = [n < 0 for n in sizes]  # a negative size is an image of so many values, still in its own shape
        self.parts = nn.ModuleList(nn.Linear(abs(n), out, bias=bias and i == 0) for i, n in enumerate(sizes))
        # Each part starts as the corresponding columns of one layer over all inputs would.
        bound = 1 / math.sqrt(sum(abs(n) for n in sizes))
        for part in self.parts:
            nn.init.uniform_(cast(nn.Linear, part).weight, -bound, bound)

    def forward(self, *inputs: Tensor) -> Tensor:
        flat = [g.flatten(-3) if image else g for g, image in zip(inputs, self.images, strict=True)]
        return sum(part(g) for part, g in zip(self.parts, flat, strict=True))  # pyrefly: ignore[bad-return]  # not empty


class Norm(nn.Module):
    """Batch normalisation over all leading axes."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(size)

    def forward(self, h: Tensor) -> Tensor:
        return self.norm(h.reshape(-1, h.shape[-1])).view_as(h)


class Dense(nn.Module):
    """Fully connected hidden layers over several inputs; `sizes` are theirs, an image's negative (`image(shape)`).

    No bias before a batch norm, which would take it away again.
    """

    def __init__(self, sizes: Sequence[int], hidden: Sequence[int], out: int = 0, norm: bool = True) -> None:
        super().__init__()
        self.first = FirstLayer(sizes, hidden[0], bias=not norm)
        layers: list[nn.Module] = []
        for i, size in enumerate(hidden):
            layers += [nn.Linear(hidden[i - 1], size, bias=not norm)] * (i > 0) + [Norm(size)] * norm + [nn.ReLU()]
        self.rest = nn.Sequential(*layers, *([nn.Linear(hidden[-1], out)] if out else []))

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.rest(self.first(*inputs))


def pixels_of(shape: tuple[int, ...]) -> int:
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
    """`nn.Dropout`, whose random numbers a CPU draws one by one on one thread: here four share a draw of 64 bits."""

    LEVELS = 2**16

    def forward(self, h: Tensor) -> Tensor:
        if h.device.type != "cpu" or not self.training:
            return super().forward(h)
        out = round(self.p * self.LEVELS)
        draws = torch.empty(math.ceil(h.numel() / 4), dtype=torch.int64).random_(-(2**63), None)
        random = draws.view(torch.int16).as_strided(h.shape, torch.empty_like(h).stride())  # laid out as h is
        return h * (random >= out - self.LEVELS // 2).to(h.dtype).mul_(self.LEVELS / (self.LEVELS - out))


def conv(channels: int, out: int, stride: int = 1, dropout: float = 0.0) -> list[nn.Module]:
    """A convolution with batch norm, ReLU and dropout; no bias, which the batch norm would take away again."""
    layers: list[nn.Module] = [nn.Conv2d(channels, out, 3, stride, 1, bias=False), nn.BatchNorm2d(out), nn.ReLU()]
    return layers + [Dropout(dropout)] * (dropout > 0)


class Residual(nn.Module):
    """Two convolutions and a way round them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.change = nn.Sequential(*conv(channels, channels), *conv(channels, channels)[:-1])

    def forward(self, h: Tensor) -> Tensor:
        return F.relu(h + self.change(h))
