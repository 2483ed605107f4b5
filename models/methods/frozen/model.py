"""A pretrained network, frozen, with one dense layer on top that is trained on the labelled images alone.

Our paper, section 3.4, with torchvision's Inception v3:

    h(x) = the mean over positions of the network's last feature maps      global average pooling (nn/pretrained.py)
    q(y|x) = softmax(W h(x) + b)                                           a dense layer, then a softmax

Only W and b learn. h(x) does not change, so it is computed once an image and kept (models/training/feature_cache.py):
what these classes take as x is an image, or the h that stands in its place. The unlabelled images are not looked at;
what was learned from a million labelled photographs (ImageNet) stands in for them, so this is a yardstick, not a way
to do with few labels.

`EfficientNet` is the same on EfficientNet-Lite0, whose weights a package carries. Not in the paper.

Not in the paper: how large the images went in; here they are enlarged to the side that the network learned with. And
how W learns: `tuned` has a cosine schedule, weight decay and averaged weights, which were chosen on validation images.
"""

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.distributions import Categorical

from models.methods.equation import equation
from models.methods.method import Method
from models.nn import distributions
from models.nn.settings import Settings
from models.nn.shapes import Labels, Latent, PerImage, Scalar

SHOWN = 128  # numbers of h that a snapshot keeps


class Inception(Method):
    """The cost is per image, in nats, and is minimised. x: images (..., c, h, w) in [0, 1], or their h (n, size)."""

    backbone = "inception"

    def __init__(self, size: int, n_y: int) -> None:
        super().__init__()
        self.q_y = distributions.ConditionalCategorical(nn.Identity(), size, n_y)
        look = np.random.default_rng(0).standard_normal((size, SHOWN)) / math.sqrt(SHOWN)
        self.register_buffer("look", torch.as_tensor(look, dtype=torch.get_default_dtype()), persistent=False)

    @classmethod
    def build(cls, shape: tuple[int, ...], n_y: int, s: Settings) -> "Inception":
        from models.nn.pretrained import BACKBONES

        return cls(BACKBONES[cls.backbone].features, n_y)

    def features(self, x: Tensor) -> Tensor:
        return self.h(x)

    def h(self, x: Tensor) -> Tensor:
        """The features of images, frozen: (..., size)."""
        if x.ndim <= 2:
            return x
        from models.nn.pretrained import features

        return features(self.backbone, x.reshape(-1, *x.shape[-3:])).to(x.dtype).reshape(*x.shape[:-3], -1)

    @equation("section 3.4", r"-\alpha\log q(y|x),\; q(y|x) = \mathrm{softmax}(W h(x) + b)")
    def classification(self, x: Tensor, y: Labels, alpha: float) -> PerImage:
        """Cross-entropy, weighed as the baseline's is; the dense layer is all that learns."""
        return -alpha * self.classify(x).log_prob(y)

    def terms(self, x_l: Tensor, y_l: Labels, x_u: Tensor, alpha: float) -> dict[str, Scalar]:
        """One term; the unlabelled images are not looked at."""
        return {"classification": self.classification(x_l, y_l, alpha).mean()}

    def label_cost(self, x: Tensor, y: Labels, alpha: float) -> PerImage:
        return self.classification(x, y, alpha)

    def classify(self, x: Tensor) -> Categorical:
        return self.q_y(self.h(x))

    def encode(self, x: Tensor) -> dict[str, Latent]:
        """h in fewer numbers, by a fixed random projection, which keeps distances to about a tenth."""
        return self.classify_and_encode(x)[1]

    def classify_and_encode(self, x: Tensor) -> tuple[Categorical, dict[str, Latent]]:
        h = self.h(x)
        return self.q_y(h), {"h": h @ self.look}


class EfficientNet(Inception):
    """The same on EfficientNet-Lite0."""

    backbone = "efficientnet"
