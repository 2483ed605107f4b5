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
from models.shapes import Images, Labels, PerImage, Scalar, Unlabelled

EVEN = 2.0  # how much a batch's even share of classes weighs against agreement in `disagreement`
LATELY = 0.99  # decay per step of what ChangeOfMind remembers


class Vary(nn.Module):
    """A random affine change of each image: 15 degrees, a tenth in size and shear, an eighth of the side in place.

    `strength` scales all four. `flip` mirrors half of the images, `color_jitter` scales random changes of contrast,
    saturation and brightness, `cutout` lays a grey square of that share of the side somewhere on each: for
    photographs, not digits. With everything at 0 the images are left alone. Not in the paper.
    """

    def __init__(self, strength: float, flip: bool = False, color_jitter: float = 0.0, cutout: float = 0.0) -> None:
        super().__init__()
        self.strength = strength
        self.flip = flip
        self.color_jitter = color_jitter
        self.cutout = cutout

    @classmethod
    def of(cls, s: Settings) -> "Vary":
        """The changes these settings ask for."""
        return cls(s.augment, s.flip, s.color_jitter, s.cutout)

    def forward(self, x: Images) -> Images:
        if self.strength or self.flip:
            x = moved(x, self.strength, self.flip)
        if self.color_jitter:
            x = recoloured(x, self.color_jitter)
        return covered(x, self.cutout) if self.cutout else x


def moved(x: Images, strength: float, flip: bool) -> Images:
    """Each image under an affine map of its own."""
    n = len(x)
    turn, size_x, size_y, shear, right, down = strength * (2 * torch.rand(6, n, device=x.device) - 1)
    turn, size_x, size_y = turn * math.radians(15), 1 + 0.1 * size_x, 1 + 0.1 * size_y
    mirror = 1 - 2 * (torch.rand(n, device=x.device) < 0.5).float() if flip else 1.0
    shear = 0.1 * shear
    rows = [
        [mirror * size_x * turn.cos(), size_y * (shear - turn.sin()), right / 4],
        [mirror * size_x * turn.sin(), size_y * turn.cos(), down / 4],
    ]
    theta = torch.stack([torch.stack(row, -1) for row in rows], 1)
    grid = F.affine_grid(theta, list(x.shape), align_corners=False)
    border = "border" if x.shape[1] > 1 else "zeros"  # photographs have no empty background to move in
    return F.grid_sample(x, grid, padding_mode=border, align_corners=False)


def recoloured(x: Images, strength: float) -> Images:
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


def covered(x: Images, share: float) -> Images:
    """A grey square whose side is `share` of the image's, its centre anywhere on the image."""
    n, _, height, width = x.shape
    inside = []
    for side in (height, width):
        centre = torch.rand(n, 1, device=x.device) * side
        at = torch.arange(side, device=x.device) + 0.5
        inside.append((at - centre).abs() < share * side / 2)
    square = inside[0].unsqueeze(-1) & inside[1].unsqueeze(-2)
    return x.masked_fill(square.unsqueeze(1), 0.5)


class Mix(nn.Module):
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


class ChangeOfMind(nn.Module):
    """Cost of consistency, nats per image: -log q(k|x') for the class k that q(y|x) is sure of; 0 where it is not.

    x' is a varied x; q(y|x) is the target and gets no gradient. Sohn et al., "FixMatch", NeurIPS 2020, eq. 4.
    "Sure" is a probability of at least `threshold`. With a threshold of 0 the bar is how sure q(y|x) has been lately,
    lower for classes it names less often: Wang et al., "FreeMatch", ICLR 2023, eqs 5 to 8.
    Differs from the paper: its section 5 names the idea, not a formula.
    """

    def __init__(self, threshold: float, n_y: int) -> None:
        super().__init__()
        self.threshold = threshold
        if not threshold:
            self.register_buffer("sureness", torch.tensor(1 / n_y))
            self.register_buffer("share", torch.full((n_y,), 1 / n_y))

    def forward(self, before: Categorical, after: Categorical) -> PerImage:
        p = before.probs.detach()
        sureness, k = p.max(-1)
        return -after.log_prob(k) * (sureness >= self.bar(p)[k])

    def bar(self, p: Tensor) -> Tensor:
        """How sure of each class (classes,) one must be; in training it follows the batch's p (batch, classes)."""
        if self.threshold:
            return torch.full_like(p[0], self.threshold)
        if self.training:
            self.sureness.lerp_(p.max(-1).values.mean(), 1 - LATELY)
            self.share.lerp_(p.mean(0), 1 - LATELY)
        return self.sureness * self.share / self.share.max()


def disagreement(one: Categorical, other: Categorical, mean: Categorical | None = None) -> PerImage:
    """Cost, nats per image, of classifying two augmented views of an image differently, and all images alike.

    (H(p, p') + H(p', p)) / 2 - EVEN H(m), with p and p' the q(y|.) of the two views, H(p, p') = -sum over y of
    p log p', and m the mean of all p and p' of the batch, unless `mean` is given. Were p' = p and EVEN = 1, it would be
    minus the mutual information of image and class: Krause et al., "Discriminative clustering by regularized
    information maximization", NIPS 2010. Two views: Wang et al., "Self-supervised learning by estimating twin class
    distributions", 2021.
    Differs from the paper: its section 5 names the idea of consistency, not a formula.
    """
    p, log_p, q, log_q = one.probs, one.logits, other.probs, other.logits  # logits of a Categorical are normalised
    cross = -(p * log_q + q * log_p).sum(-1) / 2
    return cross - EVEN * (mean or mean_of_batch(one, other)).entropy()


def mean_of_batch(one: Categorical, other: Categorical) -> Categorical:
    """The mean of q(y|.) over a batch and its two views."""
    return Categorical((one.probs.mean(0) + other.probs.mean(0)) / 2, validate_args=False)


def with_bound(x_u: Unlabelled, s: Settings) -> Tensor:
    """Those of a batch drawn at random whose bound J has: its first `bound_u`, or all."""
    n = s.bound_u if s.consistency else 0  # without consistency nothing would see the others
    return x_u[: n or len(x_u)]


def opinions(
    model: nn.Module, q: Callable[[Images], Categorical], q_y: Categorical, x_u: Unlabelled, alpha: float
) -> dict[str, Scalar]:
    """The terms of J that ask `q`, the q(y|.) of `model`, about augmented unlabelled images, if it has such terms.

    `q_y` is what it said of the first of them, those with a bound; what it says of the others gets no gradient, for
    consistency only asks what they are.
    """
    s, others = model.settings, x_u[len(q_y.logits) :]
    if s.consistency and len(others):
        with torch.no_grad():
            q_y = Categorical(logits=torch.cat([q_y.logits, q(others).logits]), validate_args=False)
    return {name: cost.mean() for name, cost in consistency_costs(model, q, q_y, x_u, alpha).items()}


def consistency_costs(
    model: nn.Module,
    q: Callable[[Images], Categorical],
    q_y: Categorical,
    x: Images,
    alpha: float,
    batch: Tensor | None = None,
) -> dict[str, PerImage]:
    """The same image by image, weighed as in J; `q_y` is q(y|x) of them all.

    Two views look at a batch as a whole: at these images, or, where they are few, at the unlabelled images `batch`.
    """  # fmt: skip
    s = model.settings
    if not s.consistency:
        return {}
    after = q(model.augment(x))
    costs = {"consistency": s.consistency * alpha * model.consistency(q_y, after)}
    if s.two_views:
        second = q(model.augment(x))
        mean = None if batch is None else mean_of_batch(q(model.augment(batch)), q(model.augment(batch)))
        costs["two_views"] = s.two_views * alpha * disagreement(after, second, mean)
    return costs


def images(x: Tensor) -> Tensor:
    """uint8 images as floats in [0, 1]; features, which are floats, as they are."""
    return x if x.is_floating_point() else x.to(torch.get_default_dtype()) / 255
