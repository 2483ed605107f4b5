"""Random changes of an image that keep its class, and the cost of changing one's mind about it.

Not part of the bounds: the `tuned` presets use both on q(y|.) alone, as the paper's section 5 proposes.
"""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.distributions import Categorical

from models.nn.settings import Settings
from models.nn.shapes import Images, Labels, PerImage


class Augment(nn.Module):
    """A random affine change of each image: 15 degrees, a tenth in size and shear, an eighth of the side in place.

    `strength` scales all four. `flip` mirrors half of the images, `color_jitter` scales random changes of contrast,
    saturation and brightness, `cutout` lays a grey square of that share of the side somewhere on each: for
    photographs, not digits. `shift` moves each by up to that share of the side, beside what `strength` does; `noise`
    adds Gaussian noise, which points in the plane can have, too. With everything at 0 the images are left alone. Not in
    the paper.
    """

    def __init__(
        self, strength: float, flip: bool = False, color_jitter: float = 0.0, cutout: float = 0.0, shift: float = 0.0,
        noise: float = 0.0,
    ) -> None:  # fmt: skip
        super().__init__()
        self.strength = strength
        self.flip = flip
        self.color_jitter = color_jitter
        self.cutout = cutout
        self.shift = shift
        self.noise = noise

    @classmethod
    def of(cls, s: Settings) -> "Augment":
        """The changes these settings ask for."""
        return cls(s.augment, s.flip, s.color_jitter, s.cutout, s.shift, s.noise)

    def forward(self, x: Images) -> Images:
        if self.strength or self.flip or self.shift:
            x = affine(x, self.strength, self.flip, self.shift)
        if self.color_jitter:
            x = color_jitter(x, self.color_jitter)
        if self.cutout:
            x = cutout(x, self.cutout)
        return x + self.noise * torch.randn_like(x) if self.noise else x


def affine(x: Images, strength: float, flip: bool, shift: float = 0.0) -> Images:
    """Each image under an affine map of its own."""
    n = len(x)
    random = 2 * torch.rand(6, n, device=x.device) - 1
    turn, size_x, size_y, shear = strength * random[:4]
    right, down = (strength / 4 + 2 * shift) * random[4:]
    turn, size_x, size_y = turn * math.radians(15), 1 + 0.1 * size_x, 1 + 0.1 * size_y
    mirror = 1 - 2 * (torch.rand(n, device=x.device) < 0.5).float() if flip else 1.0
    shear = 0.1 * shear
    return mapped(
        x,
        [
            [mirror * size_x * turn.cos(), size_y * (shear - turn.sin()), right],
            [mirror * size_x * turn.sin(), size_y * turn.cos(), down],
        ],
    )


def mapped(x: Images, rows: list[list[Tensor]]) -> Images:
    """Each image under the affine map whose two rows are given, a number an image (n,) in each place."""
    theta = torch.stack([torch.stack(row, -1) for row in rows], 1)
    grid = F.affine_grid(theta, list(x.shape), align_corners=False)
    border = "border" if x.shape[1] > 1 else "zeros"  # photographs have no empty background to move in
    return F.grid_sample(x, grid, padding_mode=border, align_corners=False)


def color_jitter(x: Images, strength: float) -> Images:
    """Saturation times up to 1 ± 0.6, contrast up to 1 ± 0.5, brightness up to ± 0.1 and each channel ± 0.03.

    Values may leave [0, 1]: only q(y|.) sees them.
    """
    n, channels = x.shape[:2]
    saturation, contrast, brightness = strength * (2 * torch.rand(3, n, 1, 1, 1, device=x.device) - 1)
    tint = strength * (2 * torch.rand(n, channels, 1, 1, device=x.device) - 1)
    grey = x.mean(1, keepdim=True)
    x = grey + (1 + 0.6 * saturation) * (x - grey)
    level = x.mean((1, 2, 3), keepdim=True)
    return level + (1 + 0.5 * contrast) * (x - level) + 0.1 * brightness + 0.03 * tint


def resized_crop(x: Images, least: float, flip: bool) -> Images:
    """A random part of each image, enlarged to its size: `least` of its area or more, its sides at most as 3 to 4.

    With `flip` half of them are mirrored.
    """
    n = len(x)
    area, ratio, right, down, mirrored = torch.rand(5, n, device=x.device)
    area, ratio = least + (1 - least) * area, (4 / 3) ** (2 * ratio - 1)
    width, height = (area * ratio).sqrt().clamp_max(1), (area / ratio).sqrt().clamp_max(1)
    mirror, zero = 1 - 2 * (mirrored < 0.5 * flip).to(x.dtype), torch.zeros(n, device=x.device)
    return mapped(
        x, [[mirror * width, zero, (1 - width) * (2 * right - 1)], [zero, height, (1 - height) * (2 * down - 1)]]
    )


def greyscale(x: Images, share: float) -> Images:
    """The mean of its channels in place of each, of that share of the images."""
    grey = torch.rand(len(x), 1, 1, 1, device=x.device) < share
    return torch.where(grey, x.mean(1, keepdim=True), x)


def cutout(x: Images, share: float) -> Images:
    """A grey square whose side is `share` of the image's, its centre anywhere on the image."""
    n, _, height, width = x.shape
    inside = []
    for side in (height, width):
        centre = torch.rand(n, 1, device=x.device) * side
        at = torch.arange(side, device=x.device) + 0.5
        inside.append((at - centre).abs() < share * side / 2)
    square = inside[0].unsqueeze(-1) & inside[1].unsqueeze(-2)
    return x.masked_fill(square.unsqueeze(1), 0.5)


class Mixup(nn.Module):
    """log q(y|x) of labelled images; in training of images that lie between two of them.

    x' = (1 - u) x + u x_j for another image j of the batch, u uniform between 0 and `most`, and the logarithm is
    (1 - u) log q(y|x') + u log q(y_j|x'). With `most` at 0, log q(y|x). Zhang et al., "mixup", ICLR 2018, the image's
    own class always the larger share as in Berthelot et al., "MixMatch", NeurIPS 2019.
    Differs from the paper: (11) and (23) have the image alone.
    """

    def __init__(self, most: float) -> None:
        super().__init__()
        self.most = most

    def forward(self, q: Callable[[Images], Categorical], x: Images, y: Labels) -> PerImage:
        if not (self.most and self.training):
            return q(x).log_prob(y)
        j = torch.randperm(len(x), device=x.device)
        u = self.most * torch.rand(len(x), device=x.device)
        q_y = q(torch.lerp(x, x[j], u.view(-1, 1, 1, 1)))
        return torch.lerp(q_y.log_prob(y), q_y.log_prob(y[j]), u)


def to_float(x: Tensor) -> Tensor:
    """uint8 images as floats in [0, 1]; features, which are floats, as they are."""
    return x if x.is_floating_point() else x.to(torch.get_default_dtype()) / 255
