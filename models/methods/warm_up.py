"""A warm-up: at first a code may say as much as it likes, and only by and by what it says is paid for."""

import torch
from torch import Tensor, nn

KL = ("kl_z", "kl_a")  # the terms of a bound that keep a code near its prior


class WarmUp(nn.Module):
    """The weight of the KL terms: it rises along a line from 0 to 1 in the first `share` of the run.

    Sønderby, Raiko, Maaløe, Sønderby & Winther, "Ladder variational autoencoders", NIPS 2016, arXiv:1602.02282: without
    it latents that are not needed at first are given up for good. Also known as KL annealing.
    Not in the paper.
    """

    progress: Tensor

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share
        if share:
            self.register_buffer("progress", torch.tensor(0.0))

    def see(self, progress: float) -> None:
        """How much of the run is over."""
        if self.share:
            self.progress.fill_(progress)

    def weight(self) -> Tensor | float:
        return (self.progress / self.share).clamp_max(1) if self.share else 1.0

    def forward(self, terms: dict[str, Tensor]) -> dict[str, Tensor]:
        """Terms of a bound with this weight."""
        if not self.share:
            return terms
        weight = self.weight()
        return {name: weight * t if name in KL else t for name, t in terms.items()}
