"""Random changes of an image that keep its class, and the cost of changing one's mind about it.

Not part of the bounds: the `tuned` presets use both on q(y|.) alone, as the paper's section 5 proposes.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.distributions import Categorical

from models.shapes import Images, PerImage


class Vary(nn.Module):
    """A random affine change of each image: 15 degrees, a tenth in size and shear, an eighth of the side in place.

    `strength` scales all four; 0 leaves the images alone. `flip` mirrors half of them: for photographs, not digits.
    Not in the paper.
    """

    def __init__(self, strength: float, flip: bool = False) -> None:
        super().__init__()
        self.strength = strength
        self.flip = flip

    def forward(self, x: Images) -> Images:
        if not self.strength:
            return x
        n = len(x)
        turn, size_x, size_y, shear, right, down = self.strength * (2 * torch.rand(6, n, device=x.device) - 1)
        turn, size_x, size_y = turn * math.radians(15), 1 + 0.1 * size_x, 1 + 0.1 * size_y
        mirror = 1 - 2 * (torch.rand(n, device=x.device) < 0.5).float() if self.flip else 1.0
        shear = 0.1 * shear
        rows = [
            [mirror * size_x * turn.cos(), size_y * (shear - turn.sin()), right / 4],
            [mirror * size_x * turn.sin(), size_y * turn.cos(), down / 4],
        ]
        theta = torch.stack([torch.stack(row, -1) for row in rows], 1)
        grid = F.affine_grid(theta, list(x.shape), align_corners=False)
        border = "border" if x.shape[1] > 1 else "zeros"  # photographs have no empty background to move in
        return F.grid_sample(x, grid, padding_mode=border, align_corners=False)


def change_of_mind(before: Categorical, after: Categorical, threshold: float) -> PerImage:
    """Cost of consistency, nats per image: -log q(k|x') for the class k that q(y|x) is sure of; 0 where it is not.

    x' is a varied x. "Sure" is a probability of at least `threshold`; q(y|x) is the target and gets no gradient.
    Sohn et al., "FixMatch", NeurIPS 2020, eq. 4. Differs from the paper: its section 5 names the idea, not a formula.
    """
    sure, k = before.probs.detach().max(-1)
    return -after.log_prob(k) * (sure >= threshold)


def images(x: Tensor) -> Tensor:
    """uint8 images as floats in [0, 1]."""
    return x.to(torch.get_default_dtype()) / 255
