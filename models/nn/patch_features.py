"""h(x): how strongly filters, learned from small patches of unlabelled images, answer in each part of an image.

Coates, Lee & Ng, "An analysis of single-layer networks in unsupervised feature learning", AISTATS 2011, with patches
themselves as filters: Coates & Ng, "The importance of encoding versus training with sparse coding and vector
quantization", ICML 2011. A patch is normalised and whitened; where w is what that makes of it, its answer to a filter d
is max(0, d·w - 1/2), that to the filter's opposite max(0, -d·w - 1/2), and h holds the mean over each cell of a grid.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.nn.augment import to_float
from models.nn.shapes import Images

SIDE, STRIDE = 6, 2  # of a patch; every second one, which costs a quarter
GRID = 3  # cells a side
THRESHOLD = 0.5  # what an answer must exceed
CONTRAST = 10 / 255**2  # added to the variance of a patch, so that an even one stays even
WHITEN = 0.1  # added to the eigenvalues of the patches' covariance
RARE = 0.1  # of the usual scale: a filter that hardly ever answers must not shout when it does
SEEN, EACH = 4_000, 15  # images that the filters are learned from, patches of each
AT_ONCE = 500  # images
IN_CACHE = 6_400  # maps of a filter's answers to an image, which stay in a core's cache


class PatchFeatures(nn.Module):
    """h(x), each number with mean 0 and variance 1 over the images the filters were learned from; no gradient."""

    def __init__(self, channels: int, filters: int) -> None:
        super().__init__()
        self.size = 2 * filters * GRID**2
        self.register_buffer("weight", torch.zeros(filters, channels, SIDE, SIDE))
        self.register_buffer("bias", torch.zeros(filters))
        self.register_buffer("mean", torch.zeros(self.size))
        self.register_buffer("scale", torch.ones(self.size))

    @torch.no_grad()
    def learn(self, x: Tensor) -> None:
        """Take patches of these images (n, channels, height, width), uint8 or floats, for filters, at random."""
        parts = x[torch.randperm(len(x))[:SEEN].to(x.device)].split(AT_ONCE)
        patches = torch.cat([some_patches(to_float(part)) for part in parts])
        patches = patches[torch.randperm(len(patches)).to(x.device)]
        w = patches - patches.mean(1, keepdim=True)
        w /= (w.square().mean(1, keepdim=True) + CONTRAST).sqrt()
        mean = w.mean(0)
        eigenvalues, axes = torch.linalg.eigh((w - mean).T @ (w - mean) / len(w))
        whiten = axes @ (eigenvalues + WHITEN).rsqrt().diag() @ axes.T
        at = torch.arange(len(self.weight), device=x.device) % len(w)
        d = F.normalize((w[at] - mean) @ whiten, dim=1) @ whiten  # whitens the patch as well: d·(w - mean)
        self.weight.copy_(d.view_as(self.weight))
        self.bias.copy_(d @ mean)
        activations = torch.cat([self.activations(to_float(part)) for part in parts])
        self.mean.copy_(activations.mean(0))
        scale = activations.std(0)
        self.scale.copy_(scale.clamp_min(RARE * scale.mean()))

    @torch.no_grad()
    def forward(self, x: Images) -> Tensor:
        """(batch, size)."""
        with torch.autocast(x.device.type, enabled=False):  # differences of large numbers
            return (self.activations(x) - self.mean) / self.scale

    def activations(self, x: Images) -> Tensor:
        """(batch, size), none negative. A few images at a time, whose maps stay in a core's cache."""
        cells = means_of_cells(*((side - SIDE) // STRIDE + 1 for side in x.shape[-2:]), x)
        few = max(1, IN_CACHE // len(self.weight))
        return torch.cat([self.activations_of_few(part, cells) for part in x.split(few)])

    def activations_of_few(self, x: Images, cells: Tensor) -> Tensor:
        """A patch is scaled after its product with a filter, which sums to 0 and does not see the patch's mean.

        What exceeds BAR on one side or the other has the sign of the side: two means give both.
        """
        mean = F.avg_pool2d(x.mean(1, keepdim=True), SIDE, STRIDE)
        square = F.avg_pool2d(x.square().mean(1, keepdim=True), SIDE, STRIDE)
        scale = ((square - mean.square()).clamp_min(0) + CONTRAST).sqrt()
        a = F.conv2d(x, self.weight, stride=STRIDE).div_(scale).sub_(self.bias.view(-1, 1, 1))
        beyond = F.softshrink(a.flatten(2), THRESHOLD)
        signed = (beyond @ cells).flatten(1)
        sized = (beyond.abs_() @ cells).flatten(1)
        return torch.cat([sized + signed, sized - signed], 1) / 2


def means_of_cells(height: int, width: int, like: Tensor) -> Tensor:
    """(height width, GRID²): a map times it is the map's mean over each cell, in a quarter of the time of a pooling."""
    each = torch.eye(height * width, dtype=like.dtype, device=like.device)
    return F.adaptive_avg_pool2d(each.view(-1, height, width), GRID).flatten(1)


def learn_filters(model: nn.Module, x: Tensor) -> None:
    """Let all filters in `model`, if it has any, be learned from these images (uint8)."""
    for module in model.modules():
        if isinstance(module, PatchFeatures):
            module.learn(x)


def some_patches(x: Images) -> Tensor:
    """EACH patches of every image, anywhere: (EACH n, channels SIDE SIDE)."""
    every = F.unfold(x, SIDE).transpose(1, 2)
    at = torch.randint(every.shape[1], (len(x), EACH)).to(x.device)
    return every.gather(1, at.unsqueeze(-1).expand(-1, -1, every.shape[2])).flatten(0, 1)
