"""The importance-weighted bound on log p(x), from draws of q (Burda, Grosse & Salakhutdinov, "Importance weighted
autoencoders", ICLR 2016, arXiv:1509.00519, eq. 8):

    log p(x) >= E[log 1/K sum over k of w_k],   w_k = sum over y of p(x, y, a_k, z_ky) / (q(a_k|x) q(z_ky|a_k, y, x))

a_k and z_ky are drawn from q, with the same noise for every class; the class is summed out exactly, so q(y|.) has no
part in it. An auxiliary variable is drawn, too: p(a|z,y,x) is a density of a whatever x, so w_k is p(x) in the mean.
The mean of log w_k, K = 1, lies above the bound that training has, by the KL from q(y|a,x) to the w of the classes.

q may be any distribution, so it need not see what p explains: q sees the image as it does in training, and p is asked
about `scored`, for which it is a normalised distribution (models/analysis/likelihood.py says when that is which).
"""

import math

import torch
from torch import Tensor

from models.methods.method import GenerativeMethod

AT_ONCE = 2**22  # numbers of x that are decoded together


@torch.no_grad()
def log_weights(model: GenerativeMethod, x: Tensor, scored: Tensor, draws: int) -> Tensor:
    """log w of images x (n, c, h, w), of which p(x|.) explains `scored`, draw by draw: float64 (draws, n)."""
    return log_weights_of_classes(model, x, scored, draws).logsumexp(0)


@torch.no_grad()
def log_weights_of_classes(model: GenerativeMethod, x: Tensor, scored: Tensor, draws: int) -> Tensor:
    """Its summands, the class uniform: (classes, draws, n); one class if p(x|.) sees none."""
    classes = model.n_y if model.sees_class else 1
    y = torch.arange(classes, device=x.device).view(-1, 1, 1)
    q_a = model.auxiliary_posterior(x)
    a = None if q_a is None else q_a.sample((draws,))
    q_z = model.posterior(x, y, a)
    z = q_z.mean + q_z.stddev * torch.randn(draws, len(x), model.n_z, dtype=x.dtype, device=x.device)
    log_w = model.p_z().log_prob(z) - q_z.log_prob(z)
    log_w = log_w.double() + model.likelihood(y, z, a).log_prob(scored).double()
    if q_a is not None and a is not None and (p_a := model.auxiliary_likelihood(x, y, z)) is not None:
        log_w = log_w + p_a.log_prob(a).double() - q_a.log_prob(a).double()
    return log_w.expand(classes, draws, len(x)) - math.log(classes)


def bound(log_w: Tensor) -> Tensor:
    """The bound of K = len(log_w) draws (draws, n): (n,), nats."""
    return log_w.logsumexp(0) - math.log(len(log_w))


def draws_at_once(model: GenerativeMethod, x: Tensor) -> int:
    """How many draws for images x fit into memory at a time."""
    return max(1, AT_ONCE // (x.numel() * (model.n_y if model.sees_class else 1)))
