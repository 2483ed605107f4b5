"""Contrastive pretraining: convolutions learn to tell images apart before anybody says what is on them.

Chen, Kornblith, Norouzi & Hinton, "A simple framework for contrastive learning of visual representations" (SimCLR),
ICML 2020, eq. 1. Two views x', x'' of each unlabelled image of a batch go through the convolutions of q(y|.) and a
projection head; of the 2 n vectors that come out, the two of an image are to be the nearest to each other. The head is
thrown away afterwards, the convolutions go on to J.

Differs from the paper: q(y|.)'s own small convolutions, a batch of the run, AdamW; crops keep at least .3 of the area
(.08 there), for our images are small; a temperature of .2; colours change as the settings have it, more strongly.
Of M2 and ADGM our paper has nothing of the kind; its section 5 proposes other costs on unlabelled images.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.nn.augment import color_jitter, greyscale, resized_crop
from models.nn.distributions import exact
from models.nn.networks import convolutions
from models.nn.settings import Settings
from models.nn.shapes import PerImage, Unlabelled

LEARNING_RATE = 2e-3  # at its highest, whatever rate J has
SIZE = 128  # of a projected view
TEMPERATURE = 0.2
LEAST_AREA = 0.3  # of an image that a crop keeps
COLOURS = 1.5  # times as strong as `color_jitter` says
GREY = 0.2  # share of the views of photographs that lose their colours


class Contrastive(nn.Module):
    """The convolutions of a q(y|.), a projection head on them, and the cost of taking two views for two images."""

    def __init__(self, body: nn.Module, features: int, s: Settings) -> None:
        super().__init__()
        self.body = body
        self.settings = s
        self.head = nn.Sequential(
            nn.Linear(features, features), nn.BatchNorm1d(features), nn.ReLU(), nn.Linear(features, SIZE)
        )

    @classmethod
    def of(cls, q_y: nn.Module, s: Settings) -> "Contrastive":
        """Raises ValueError if q_y has no convolutions."""
        return cls(*convolutions(q_y), s)

    def view(self, x: Unlabelled) -> Tensor:
        """One random view of each image."""
        s = self.settings
        x = resized_crop(x, LEAST_AREA, s.flip)
        if s.color_jitter:
            x = greyscale(color_jitter(x, COLOURS * s.color_jitter), GREY)
        return x

    def project(self, x: Tensor) -> Tensor:
        """What the head makes of images: (n, 128), each of length 1."""
        h = self.body(x)
        with torch.autocast(x.device.type, enabled=False):
            return F.normalize(self.head(exact(h)), dim=-1)

    def forward(self, x: Unlabelled) -> PerImage:
        """Nats, the mean over its two views; between 0 and about log(2 n - 1) for a batch of n."""
        return nt_xent(self.project(torch.cat([self.view(x), self.view(x)])), TEMPERATURE).view(2, -1).mean(0)


def nt_xent(v: Tensor, temperature: float) -> Tensor:
    """Eq. 1, for unit vectors v (2 n, size) of which i and n + i are views of one image: (2 n,), nats.

    -log of exp(v_i . v_j / temperature), divided by the sum of it over all others of the batch, j being i's partner.
    """
    n = len(v) // 2
    similar = (v @ v.T / temperature).masked_fill(torch.eye(2 * n, dtype=torch.bool, device=v.device), -torch.inf)
    partner = torch.arange(2 * n, device=v.device).roll(n)
    return F.cross_entropy(similar, partner, reduction="none")
