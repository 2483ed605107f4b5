"""Strong augmentation: changes of an image by which its class is hard to tell, but still the same."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.nn.augment import Augment, cutout, mapped
from models.nn.settings import Settings
from models.nn.shapes import Images


class Strong(nn.Module):
    """RandAugment as FixMatch has it: `changes` of thirteen, drawn for each image, then a grey square.

    Cubuk et al., "RandAugment", NeurIPS 2020; Sohn et al., "FixMatch", NeurIPS 2020: nothing, a turn of up to 30
    degrees, shears of up to .3 and moves of up to .3 of the side in either direction, autocontrast, brightness,
    contrast, colour, sharpness, posterise, solarise, each as strong as chance has it. It comes on top of the weak
    augmentation. A whole batch is changed at once, each image its own way: torchvision's RandAugment draws one change
    for a whole batch, and waits for the device.
    Differs from the paper: no equalisation, which needs a histogram an image; of an image's changes the geometric ones
    come first; brightness and its like are weakened to a tenth at most, not to a twentieth.
    """

    CHANGES = 13

    def __init__(self, weak: Augment, changes: int, cutout: float) -> None:
        super().__init__()
        self.weak = weak
        self.changes = changes
        self.cutout = cutout

    @classmethod
    def of(cls, s: Settings) -> "Strong":
        return cls(Augment(s.augment, s.flip, shift=s.shift, noise=s.noise), s.strong, s.cutout)

    def forward(self, x: Images) -> Images:
        x = self.weak(x)
        if self.changes:
            which = torch.rand(len(x), self.CHANGES, device=x.device).topk(self.changes).indices
            chosen = torch.zeros(len(x), self.CHANGES, device=x.device).scatter_(1, which, 1.0).T
            strength = chosen * torch.rand(self.CHANGES, len(x), device=x.device)  # 0 where a change was not drawn
            sign = 1 - 2 * (torch.rand(5, len(x), device=x.device) < 0.5).float()
            x = moved(x, *(sign * strength[:5]))
            for change, of in zip(COLOURS, strength[5:12], strict=True):  # the thirteenth changes nothing
                x = change(x, of.view(-1, 1, 1, 1))
        return cutout(x, self.cutout) if self.cutout else x


def moved(x: Images, turn: Tensor, shear_x: Tensor, shear_y: Tensor, right: Tensor, down: Tensor) -> Images:
    """Turned, sheared and moved, a strength of -1 to 1 an image each."""
    turn, shear_x, shear_y = math.radians(30) * turn, 0.3 * shear_x, 0.3 * shear_y
    c, s = turn.cos(), turn.sin()
    return mapped(x, [[c + s * shear_y, c * shear_x - s, 0.6 * right], [s + c * shear_y, s * shear_x + c, 0.6 * down]])


def mixed(x: Images, other: Tensor, strength: Tensor) -> Images:
    """x, as far as `strength` does not make it the other."""
    return torch.lerp(x, other.expand_as(x), 0.9 * strength)


def autocontrast(x: Images, strength: Tensor) -> Images:
    """The darkest value becomes black and the brightest white, whatever the strength."""
    low, high = x.amin((1, 2, 3), keepdim=True), x.amax((1, 2, 3), keepdim=True)
    return torch.where(strength > 0, (x - low) / (high - low).clamp_min(0.1), x)


def darker(x: Images, strength: Tensor) -> Images:
    return mixed(x, torch.zeros_like(x), strength)


def flatter(x: Images, strength: Tensor) -> Images:
    return mixed(x, x.mean((1, 2, 3), keepdim=True), strength)


def greyer(x: Images, strength: Tensor) -> Images:
    return mixed(x, x.mean(1, keepdim=True), strength)


def softer(x: Images, strength: Tensor) -> Images:
    return mixed(x, F.avg_pool2d(x, 3, 1, 1, count_include_pad=False), strength)


def posterised(x: Images, strength: Tensor) -> Images:
    """256 levels at no strength, 16 at full strength."""
    levels = torch.exp2(8 - torch.ceil(4 * strength)) - 1
    return torch.where(strength > 0, (x * levels).round() / levels, x)


def solarised(x: Images, strength: Tensor) -> Images:
    """Values above a threshold inverted: none at no strength, all at full strength."""
    return torch.where(x > 1 - strength, 1 - x, x)


COLOURS = (autocontrast, darker, flatter, greyer, softer, posterised, solarised)
