"""CT-GAN: a classifier that also tells images from those of a generator, and is consistent under dropout.

Wei, Gong, Liu, Lu & Wang, "Improving the improved training of Wasserstein GANs: a consistency term and its dual
effect", ICLR 2018, section 2, in its semi-supervised form. That has the costs of Salimans et al., "Improved techniques
for training GANs", NeurIPS 2016, sections 3.1 and 5, and the consistency term beside them.

    x = G(z), z from p(z)
    q(y|x)

The classifier has K logits l_y(x). Their sum Z(x) = sum of exp l_y(x), which a softmax does not see, says whether x is
an image: D(x) = Z / (1 + Z). The labels, images without labels, generated ones and the consistency term teach the
classifier; the generator learns to make images whose features are, on average, those of the unlabelled ones.

Both learn in one step by one J, and each has the gradient of its own costs alone: the classifier is shown generated
images that are constants, and the generator features of a classifier whose weights are. Only the first four terms are
thus what the classifier minimises, and the last is what the generator does.

How the paper is read: dropout is on the last hidden layer, besides what the network has. All that the classifier sees
is augmented, generated images too, so that how they are augmented tells nothing. Where images and generated ones are
told apart or compared they are one batch, by whose mean and variance batch norm normalises them: apart, each would be
normalised by its own, and G learnt images that only look alike so. What batch norm keeps for later is of images alone.

Not in the paper: G makes no class on demand. To draw class y near a style z, it draws 64 times about there, and shows
the image that q(y|x) finds most like y; each of the 64 is a draw of p(z) where z is one.

Differs from the paper: AdamW, with a cosine; p(z) is normal, not uniform; the network is that of the other methods,
with batch norm in place of weight norm; both learn from the same batch of images. Squared distances are summed over
classes, where the paper has their mean. G has no normalisation of its last layer.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.distributions import Categorical
from torch.func import functional_call

from models.methods.classifier import ClassifierMethod
from models.methods.consistent import squared_distance
from models.methods.equation import equation
from models.methods.method import DrawingMethod
from models.nn import distributions, networks
from models.nn.distributions import exact, is_point
from models.nn.layers import Dropout
from models.nn.settings import Settings
from models.nn.shapes import Images, Labels, Latent, PerImage, Scalar, Unlabelled

FEATURES = 0.1  # how much the last hidden layer counts in the consistency term, section 2
NEAR = 64  # draws about a style of which one is shown for a class
Seen = tuple[Tensor, Tensor]  # the last hidden layer and the logits, one row an image


class Generator(nn.Module):
    """G(z): an image, or a point in the plane."""

    def __init__(self, body: nn.Module, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.body = body
        self.shape = shape

    def forward(self, z: Latent) -> Images:
        x = exact(self.body(z)).reshape(*z.shape[:-1], *self.shape)
        return x if is_point(self.shape) else x.sigmoid()


class CTGAN(ClassifierMethod, DrawingMethod):
    """Cross-entropies are nats; the distances are squared ones."""

    near: Tensor

    def __init__(
        self, q_y: distributions.ConditionalCategorical, generator: Generator, n_y: int, n_z: int,
        settings: Settings | None = None,
    ) -> None:  # fmt: skip
        super().__init__(q_y, settings)
        self.generator = generator
        self.n_y, self.n_z = n_y, n_z
        self.p_z = distributions.StandardNormal(n_z)
        self.dropout = Dropout(self.settings.dropout) if self.settings.dropout else nn.Identity()
        near = torch.randn(NEAR, n_z, generator=torch.Generator("cpu").manual_seed(0), device="cpu")
        self.register_buffer("near", near, persistent=False)

    @classmethod
    def build(cls, shape: tuple[int, ...], n_y: int, s: Settings) -> "CTGAN":
        body, features = networks.classifier(shape, s)
        q_y = distributions.ConditionalCategorical(body, features, n_y)
        return cls(q_y, Generator(networks.decoder((s.n_z,), shape, s), shape), n_y, s.n_z, s)

    # What the classifier sees

    def see(self, x: Images) -> Seen:
        """An image under dropout."""
        h = self.dropout(self.q_y.body(x))
        return exact(h), exact(self.q_y.logits(h))

    def q_y_seen(self, x: Images) -> Categorical:
        return Categorical(logits=self.see(x)[1], validate_args=False)

    def see_both(self, x_u: Unlabelled, x_z: Unlabelled) -> tuple[Seen, Seen]:
        """Images and generated ones as one batch, under dropout."""
        n = len(x_u)
        with kept(self.q_y):
            h, l = self.see(torch.cat([x_u, x_z]))
        return (h[:n], l[:n]), (h[n:], l[n:])

    def compared(self, x_u: Unlabelled, x_z: Unlabelled) -> tuple[Tensor, Tensor]:
        """The last hidden layer of both, one batch, under weights that are constants: x alone has a gradient."""
        body = self.q_y.body
        weights = {name: t.detach() for name, t in (*body.named_parameters(), *body.named_buffers())}
        with kept(body):
            h = exact(functional_call(body, weights, (torch.cat([x_u, x_z]),)))
        return h[: len(x_u)], h[len(x_u) :]

    # The costs

    @equation("section 2, L", r"-\alpha\log q(y|x')")
    def classification(self, x: Images, y: Labels, alpha: float) -> PerImage:
        """Cross-entropy of a labelled image."""
        return -alpha * self.log_q_y(self.q_y_seen, self.augment(x), y)

    @equation("section 2, D", r"-\log D(x) = \log(1 + Z(x)) - \log Z(x),\quad Z(x) = \sum_y e^{l_y(x)}")
    def real(self, seen: Seen) -> Tensor:
        """What it costs that an image is not taken for one."""
        return F.softplus(-seen[1].logsumexp(-1))

    @equation("section 2, G", r"-\log(1 - D(G(z))) = \log(1 + Z(G(z)))")
    def generated(self, seen: Seen) -> Tensor:
        """What it costs that a generated image is taken for an image."""
        return F.softplus(seen[1].logsumexp(-1))

    @equation("section 2", r"d(x) = \|q(y|x')-q(y|x'')\|^2 + 0.1\,\|h(x')-h(x'')\|^2 / |h|")
    def apart(self, one: Seen, other: Seen) -> Tensor:
        """How far the classifier is from itself under another dropout: what it says, and its last hidden layer."""
        q, p = (seen[1].softmax(-1) for seen in (one, other))
        return squared_distance(q, p) + FEATURES * (one[0] - other[0]).square().mean(-1)

    @equation("section 2, M", r"\big\|\, E_{x_u} h(x_u) - E_z h(G(z)) \,\big\|^2")
    def matching(self, x_u: Unlabelled, x_z: Unlabelled) -> Scalar:
        """What the generator minimises: how far its images' features are, on average, from those of images."""
        of_images, of_generated = self.compared(x_u, x_z)
        return (of_images.mean(0) - of_generated.mean(0)).square().sum()

    def terms(self, x_l: Images, y_l: Labels, x_u: Unlabelled, alpha: float) -> dict[str, Scalar]:
        """Labels come first: what autocast makes of the weights here has a gradient, and it makes it once a step."""
        terms = {"classification": self.classification(x_l, y_l, alpha).mean()}
        one, other = self.see(self.augment(x_u)), self.see(self.augment(x_u))
        x_z = self.augment(self.generator(torch.randn(len(x_u), self.n_z, device=x_u.device)))
        of_images, of_generated = self.see_both(self.augment(x_u), x_z.detach())
        terms["real"] = alpha / 2 * self.real(of_images).mean()
        terms["generated"] = alpha / 2 * self.generated(of_generated).mean()
        terms["consistency"] = alpha * self.settings.consistency * self.apart(one, other).mean()
        terms["matching"] = self.matching(self.augment(x_u), x_z)
        return terms

    @equation(
        "section 2, J",
        r"\mathcal J = \sum_{(x_l,y)} -\alpha\log q(y|x') + \alpha \sum_{x_u} \big[\tfrac12(-\log D(x')) + w\,d(x)\big]"
        r" + \alpha\, E_z \tfrac12[-\log(1-D(G(z)))] + \big\|\, E_{x_u} h(x_u) - E_z h(G(z)) \,\big\|^2",
    )
    def J(self, x_l: Images, y_l: Labels, x_u: Unlabelled, alpha: float) -> Scalar:
        """What training minimises: the last term by the generator, all others by the classifier."""
        return super().J(x_l, y_l, x_u, alpha)

    def unlabelled_costs(self, x: Images, q_y: Categorical, alpha: float, batch: Tensor) -> dict[str, Tensor]:
        """Those of an image; what generated ones cost is of none."""
        one, other = self.see(self.augment(x)), self.see(self.augment(x))
        apart = alpha * self.settings.consistency * self.apart(one, other)
        return {"real": alpha / 2 * self.real(one), "consistency": apart}

    # Pictures

    def generate(self, y: Labels, z: Latent) -> Images:
        """Of 64 images about each style z, the one that the classifier finds most like class y; y and z broadcast."""
        x = self.generator((z.unsqueeze(-2) + self.near) / math.sqrt(2))
        best = self.q_y(x).logits.argmax(-2)  # (*styles, classes): which of the 64
        of = torch.broadcast_shapes(y.shape, best.shape[:-1])
        pick = best.expand(*of, -1).gather(-1, y.expand(of).unsqueeze(-1))[..., None, None, None]
        return torch.take_along_dim(x.expand(*of, *x.shape[-4:]), pick, -4).squeeze(-4)


@contextmanager
def kept(module: nn.Module) -> Iterator[None]:
    """In here batch norm uses the mean and variance of its batch, as in training, and leaves its running ones alone."""
    norms = [m for m in module.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    try:
        yield
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
