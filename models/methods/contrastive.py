"""Contrastive pretraining: convolutions learn to tell images apart before anybody says what is on them.

Chen, Kornblith, Norouzi & Hinton, "A simple framework for contrastive learning of visual representations" (SimCLR),
ICML 2020, arXiv:2002.05709, eq. 1. Two views x', x'' of each of the n unlabelled images of a batch go through the
convolutions of q(y|.) and a projection head; of the 2 n vectors that come out, the two of an image are to be the
nearest to each other. The head is thrown away afterwards (a checkpoint alone has it, for runs that go on), the
convolutions go on to J.

Differs from the paper of Chen et al.: q(y|.)'s own small convolutions, a batch of the run, AdamW; crops keep at least
.3 of the area (.08 there), for our images are small; a temperature of .2; colours of photographs change as the
settings have it, more strongly, and nothing is blurred. Of M2 and ADGM our paper has nothing of the kind; its section 5
proposes other costs on unlabelled images.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.methods.equation import equation
from models.methods.pretraining import SIZE, TEMPERATURE
from models.nn.augment import color_jitter, greyscale, resized_crop
from models.nn.distributions import exact
from models.nn.networks import convolutions
from models.nn.settings import Settings
from models.nn.shapes import PerImage, Unlabelled

LEARNING_RATE = 2e-3  # at its highest, whatever rate J has
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

    @equation(
        "eq. 1",
        r"\ell_{i,j} = -\log\frac{\exp(\mathrm{sim}(v_i,v_j)/\tau)}{\sum_{k\ne i}\exp(\mathrm{sim}(v_i,v_k)/\tau)}",
    )
    def nt_xent(self, x: Unlabelled) -> Tensor:
        """What it costs to find a view's partner, the other view of its image, among all other views of the batch.

        Nats for each of the 2 n views of n images; views i and n + i are partners. The lower the cost, the better the
        convolutions tell images apart.
        """
        v = self.project(torch.cat([self.view(x), self.view(x)]))
        n = len(x)
        itself = torch.eye(2 * n, dtype=torch.bool, device=v.device)
        similar = (v @ v.T / TEMPERATURE).masked_fill(itself, -torch.inf)
        partner = torch.arange(2 * n, device=v.device).roll(n)
        return F.cross_entropy(similar, partner, reduction="none")

    def forward(self, x: Unlabelled) -> PerImage:
        """Nats per view, the mean over an image's two: (n,). pretraining.py says between which values it lies."""
        return self.nt_xent(x).view(2, -1).mean(0)
