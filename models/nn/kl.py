"""Kullback-Leibler divergences in closed form, in nats."""

from torch.distributions import Independent

from models.nn.shapes import PerImage


def kl_standard_normal(q: Independent) -> PerImage:
    """KL[q ‖ N(0, I)] of diagonal Gaussians: the sum over axes of (mu² + sigma² - 1)/2 - log sigma."""
    mu, sigma = q.base_dist.loc, q.base_dist.scale
    return ((mu.square() + sigma.square() - 1) / 2 - sigma.log()).sum(-1)
