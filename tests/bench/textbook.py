"""The textbook way to train M1, M2 and ADGM: what `make bench` measures the models against.

The same networks, number of parameters and objectives as ours with the `paper` preset, the sum over classes whole
(tests/test_bench.py proves that J is the same number), written as public implementations write them: every image is
copied once per class and joined to a one-hot class before a full first layer, encoders see the copies even where their
input has no class, everything is float32, and the images come one by one from a DataLoader.

Kinder than some: the likelihood is computed from logits, and an image is turned into floats without a detour.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from data.split import Split
from models.nn.distributions import SMALLEST_SCALE
from models.nn.layers import FirstLayer
from models.nn.settings import Settings


class ImageSet(Dataset):
    """Images, and their classes if there are any, item by item: a float tensor (c, h, w) in [0, 1] from uint8."""

    def __init__(self, x: np.ndarray, y: np.ndarray | None = None) -> None:
        self.x, self.y = x, y

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, i: int) -> Tensor | tuple[Tensor, int]:
        x = torch.from_numpy(self.x[i].copy()).float().div(255)
        return x if self.y is None else (x, int(self.y[i]))


def forever(loader: DataLoader) -> Iterator:
    """Batch after batch, shuffled anew in each pass."""
    while True:
        yield from loader


# --- networks


def dense(given: int, hidden: Sequence[int]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for a, b in pairwise([given, *hidden]):
        layers += [nn.Linear(a, b, bias=False), nn.BatchNorm1d(b), nn.ReLU()]
    return nn.Sequential(*layers)


def conv(given: int, out: int, stride: int, dropout: float) -> list[nn.Module]:
    return [nn.Conv2d(given, out, 3, stride, 1, bias=False), nn.BatchNorm2d(out), nn.ReLU(), nn.Dropout(dropout)]


def conv_encoder(shape: tuple[int, ...], s: Settings) -> nn.Sequential:
    channels, height, width = shape
    w, last = s.width, 4 * s.width * math.ceil(height / 8) * math.ceil(width / 8)
    return nn.Sequential(
        *conv(channels, w, 2, s.dropout), *conv(w, 2 * w, 2, s.dropout), *conv(2 * w, 4 * w, 2, s.dropout),
        nn.Flatten(), *dense(last, (256,)), nn.Dropout(s.dropout),
    )  # fmt: skip


def conv_classifier(shape: tuple[int, ...], s: Settings) -> nn.Sequential:
    w = s.width
    return nn.Sequential(
        *conv(shape[0], w, 1, 0), nn.MaxPool2d(2), *conv(w, 2 * w, 1, 0), nn.MaxPool2d(2), *conv(2 * w, 128, 1, 0),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(s.dropout),
    )  # fmt: skip


def conv_decoder(given: int, shape: tuple[int, ...], s: Settings) -> nn.Sequential:
    channels, height, width = shape
    sides = [(math.ceil(height / k), math.ceil(width / k)) for k in (8, 4, 2, 1)]
    widths = [4 * s.width, 2 * s.width, s.width, max(4, s.width // 4)]
    start = (widths[0], *sides[0])
    layers: list[nn.Module] = [*dense(given, (math.prod(start),)), nn.Unflatten(1, start)]
    for (h, w), (h2, w2), a, b in zip(sides, sides[1:], widths, widths[1:], strict=False):
        up = nn.ConvTranspose2d(a, b, 3, 2, 1, output_padding=(h2 - 2 * h + 1, w2 - 2 * w + 1), bias=False)
        layers += [up, nn.BatchNorm2d(b), nn.ReLU()]
    return nn.Sequential(*layers, nn.ConvTranspose2d(widths[-1], channels, 3, padding=1))


class Gaussian(nn.Module):
    """Mean and log sigma of a diagonal Gaussian."""

    def __init__(self, body: nn.Module, features: int, size: int) -> None:
        super().__init__()
        self.body = body
        self.mean = nn.Linear(features, size)
        self.log_sigma = nn.Linear(features, size)

    def forward(self, given: Tensor) -> tuple[Tensor, Tensor]:
        h = self.body(given)
        return self.mean(h), self.log_sigma(h)


class Pixels(nn.Module):
    """-log p(x|.): Bernoulli for grey images; for colour a Gaussian with one learned sigma a channel."""

    def __init__(self, body: nn.Module, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.body = body
        if shape[0] > 1:
            self.log_sigma = nn.Parameter(torch.full((shape[0], 1, 1), math.log(0.2)))

    def nll(self, given: Tensor, x: Tensor) -> Tensor:
        h = self.body(given).view_as(x)
        if x.shape[1] == 1:
            return F.binary_cross_entropy_with_logits(h, x, reduction="none").flatten(1).sum(1)
        sigma = self.log_sigma.exp().clamp_min(SMALLEST_SCALE)
        return (((x - h.sigmoid()) / sigma) ** 2 / 2 + sigma.log() + math.log(2 * math.pi) / 2).flatten(1).sum(1)


def draw(mu: Tensor, log_sigma: Tensor) -> Tensor:
    return mu + log_sigma.exp() * torch.randn_like(mu)


def kl(mu: Tensor, log_sigma: Tensor) -> Tensor:
    """KL[N(mu, sigma²) ‖ N(0, I)]."""
    return ((mu**2 + (2 * log_sigma).exp() - 1) / 2 - log_sigma).sum(1)


def log_normal(v: Tensor, mu: Tensor, log_sigma: Tensor) -> Tensor:
    return (-(((v - mu) / log_sigma.exp()) ** 2) / 2 - log_sigma - math.log(2 * math.pi) / 2).sum(1)


def every_class(n: int, classes: int) -> Tensor:
    """(classes n, classes): class 0 for each of n images, then class 1, and so on; one-hot."""
    return F.one_hot(torch.arange(classes).repeat_interleave(n), classes).to(torch.get_default_dtype())


def sum_over_classes(logits: Tensor, L: Tensor) -> Tensor:
    """sum over y of q(y|x) L(x, y), minus the entropy of q(y|x); L as `every_class` orders it."""
    q, log_q = logits.softmax(1), logits.log_softmax(1)
    return (q * (L.view(logits.shape[1], -1).T + log_q)).sum(1)


# --- methods


class M1(nn.Module):
    """Eq. 3."""

    def __init__(self, shape: tuple[int, ...], n_y: int, s: Settings) -> None:
        super().__init__()
        self.q_z = Gaussian(*encoder(shape, s), s.n_z)
        self.p_x = Pixels(decoder(s.n_z, shape, s), shape)

    def J(self, x_l: Tensor, y_l: Tensor, x_u: Tensor, alpha: float) -> Tensor:
        x = torch.cat([x_l, x_u])
        mu, log_sigma = self.q_z(x)
        return (self.p_x.nll(draw(mu, log_sigma), x) + kl(mu, log_sigma)).mean()


class M2(nn.Module):
    """Eqs 6, 11 and 12."""

    def __init__(self, shape: tuple[int, ...], n_y: int, s: Settings) -> None:
        super().__init__()
        self.n_y = n_y
        q_y, features = (conv_classifier(shape, s), 128) if s.net == "conv" else (images(shape, s), s.hidden[-1])
        self.q_y = nn.Sequential(q_y, nn.Linear(features, n_y))
        self.q_z = Gaussian(*encoder(shape, s), s.n_z)
        self.p_x = Pixels(decoder(n_y + s.n_z, shape, s), shape)

    def L(self, x: Tensor, hot: Tensor) -> Tensor:
        mu, log_sigma = self.q_z(x)
        z = draw(mu, log_sigma)
        return self.p_x.nll(torch.cat([hot, z], 1), x) + math.log(self.n_y) + kl(mu, log_sigma)

    def U(self, x: Tensor) -> Tensor:
        L = self.L(x.repeat(self.n_y, 1, 1, 1), every_class(len(x), self.n_y))
        return sum_over_classes(self.q_y(x), L)

    def J(self, x_l: Tensor, y_l: Tensor, x_u: Tensor, alpha: float) -> Tensor:
        hot = F.one_hot(y_l, self.n_y).to(x_l)
        return self.L(x_l, hot).mean() + self.U(x_u).mean() + alpha * F.cross_entropy(self.q_y(x_l), y_l)


class ADGM(nn.Module):
    """Eqs 21 to 24; one draw of a for all classes."""

    def __init__(self, shape: tuple[int, ...], n_y: int, s: Settings) -> None:
        super().__init__()
        self.n_y = n_y
        x, h = math.prod(shape), s.hidden[-1]
        self.q_a = Gaussian(dense(x, s.hidden), h, s.n_a)
        self.q_y = nn.Sequential(dense(s.n_a + x, s.hidden), nn.Linear(h, n_y))
        self.q_z = Gaussian(dense(s.n_a + n_y + x, s.hidden), h, s.n_z)
        self.p_a = Gaussian(dense(s.n_z + n_y + x, s.hidden), h, s.n_a)
        self.p_x = Pixels(decoder(n_y + s.n_z, shape, s), shape)

    def L(self, x: Tensor, hot: Tensor, a: Tensor | None = None) -> Tensor:
        flat = x.flatten(1)
        q_a = self.q_a(flat)
        a = draw(*q_a) if a is None else a
        q_z = self.q_z(torch.cat([a, hot, flat], 1))
        z = draw(*q_z)
        p_a = self.p_a(torch.cat([z, hot, flat], 1))
        log_ratio = log_normal(a, *q_a) - log_normal(a, *p_a)
        return self.p_x.nll(torch.cat([hot, z], 1), x) + math.log(self.n_y) + kl(*q_z) + log_ratio

    def U(self, x: Tensor) -> Tensor:
        flat = x.flatten(1)
        a = draw(*self.q_a(flat))
        L = self.L(x.repeat(self.n_y, 1, 1, 1), every_class(len(x), self.n_y), a.repeat(self.n_y, 1))
        return sum_over_classes(self.q_y(torch.cat([a, flat], 1)), L)

    def J(self, x_l: Tensor, y_l: Tensor, x_u: Tensor, alpha: float) -> Tensor:
        hot, flat = F.one_hot(y_l, self.n_y).to(x_l), x_l.flatten(1)
        bounds = self.L(x_l, hot).mean() + self.U(x_u).mean()
        logits = self.q_y(torch.cat([draw(*self.q_a(flat)), flat], 1))
        return bounds + alpha * F.cross_entropy(logits, y_l)


METHODS = {"m1": M1, "m2": M2, "adgm": ADGM}


def images(shape: tuple[int, ...], s: Settings) -> nn.Sequential:
    return nn.Sequential(nn.Flatten(), dense(math.prod(shape), s.hidden))


def encoder(shape: tuple[int, ...], s: Settings) -> tuple[nn.Module, int]:
    return (conv_encoder(shape, s), 256) if s.net == "conv" else (images(shape, s), s.hidden[-1])


def decoder(given: int, shape: tuple[int, ...], s: Settings) -> nn.Module:
    if s.net == "conv":
        return conv_decoder(given, shape, s)
    return nn.Sequential(dense(given, s.hidden), nn.Linear(s.hidden[-1], math.prod(shape)))


# --- against ours


@torch.no_grad()
def copy_weights(ours: nn.Module, book: nn.Module) -> None:
    """Give `book` the weights of `ours`, layer by layer in the order of both; raises where the two do not match."""
    layers = [m for name, m in ours.named_modules() if own(m) and ".parts." not in name]
    for our, their in zip(layers, [m for m in book.modules() if own(m)], strict=True):
        if isinstance(our, FirstLayer):  # a product for each input where the textbook joins the inputs first
            their.weight.copy_(torch.cat([part.weight for part in our.parts], 1))
            continue
        for p, q in zip(own(our), own(their), strict=True):
            q.copy_(p)


def own(m: nn.Module) -> list[nn.Parameter]:
    """The parameters of this module that are not those of a module within."""
    return list(m.parameters()) if isinstance(m, FirstLayer) else list(m.parameters(recurse=False))


class Trainer:
    """One step of the textbook: Adam on J, a shuffled DataLoader for the labelled and one for the other images."""

    def __init__(self, model: str, split: Split, s: Settings) -> None:
        if s.net not in ("conv", "dense"):
            raise ValueError(f"The textbook has the networks of the paper, not {s.net!r}.")
        self.model = METHODS[model](split.shape, len(split.classes), s)
        self.alpha = s.beta * (len(split.x_l) + len(split.x_u)) / len(split.x_l)
        self.adam = torch.optim.Adam(self.model.parameters(), lr=s.lr)
        self.labelled = forever(DataLoader(ImageSet(split.x_l, split.y_l), s.batch_l, shuffle=True, drop_last=True))
        self.unlabelled = forever(DataLoader(ImageSet(split.x_u), s.batch_u, shuffle=True, drop_last=True))

    def step(self) -> float:
        x_l, y_l = next(self.labelled)
        x_u = next(self.unlabelled)
        J = self.model.J(x_l, y_l, x_u, self.alpha)
        self.adam.zero_grad()
        J.backward()
        self.adam.step()
        return J.item()
