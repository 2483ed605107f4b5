"""FixMatch: what a classifier is sure of under a weak augmentation, it is to say under a strong one.

Sohn et al., "FixMatch: simplifying semi-supervised learning with consistency and confidence", NeurIPS 2020. Equations
are those of that paper.

    q(y|x)

Weak: a moved image, a mirrored one of photographs; labelled images have that, too. Strong: that, then `strong` changes
of RandAugment and a grey square (models/nn/strong.py). An image counts once q(y|.) is sure of it: no ramp. A class that
q(y|.) is sure of where the image is weakly changed is taken for true, and gets no gradient. Images only: for points in
the plane there is no strong change that keeps the class.

Differs from the paper: SGD with Nesterov momentum there. It has seven unlabelled images a labelled one in each step;
ours are 128 to 64, on the digits 100 to at most 100, for time. Weak and strong views pass through the network one after
the other, where the paper has one joint batch.
"""

import torch
from torch import nn

from models.methods.consistency import ConfidenceMaskedConsistency
from models.methods.consistent import ConsistentMethod
from models.methods.equation import equation
from models.nn import distributions
from models.nn.settings import Settings
from models.nn.shapes import Images, Labels, PerImage, Scalar, Unlabelled
from models.nn.strong import Strong


class FixMatch(ConsistentMethod):
    """Both costs are cross-entropies, in nats."""

    def __init__(self, q_y: distributions.ConditionalCategorical, settings: Settings | None = None) -> None:
        super().__init__(q_y, settings)
        s = self.settings
        strong = Strong.of(s)
        self.strong: nn.Module = strong
        self.augment: nn.Module = strong.weak
        self.sure = ConfidenceMaskedConsistency(s.threshold, q_y.logits.out_features)

    def look_through(self, other_view: nn.Module) -> None:
        self.augment, self.strong = nn.Identity(), other_view

    @equation("eq. 3", r"-\alpha\log q(y|x')")
    def classification(self, x: Images, y: Labels, alpha: float) -> PerImage:
        """Cross-entropy of a labelled image, weakly augmented."""
        return super().classification(x, y, alpha)

    @equation("eq. 4", r"d(x) = 1[\max_y q(y|x') \geq \tau]\;(-\log q(\hat y|x''))")
    def consistency(self, x: Unlabelled) -> PerImage:
        """Cross-entropy under a strong change, to the class that is sure under a weak one; else nothing."""
        with torch.no_grad():
            weak = self.q_y(self.augment(x))
        return self.sure(weak, self.q_y(self.strong(x)))

    @equation("eq. 4, J", r"\mathcal J = \sum_{(x_l,y)} -\alpha\log q(y|x') + w\,\alpha \sum_{x_u} d(x)")
    def J(self, x_l: Images, y_l: Labels, x_u: Unlabelled, alpha: float) -> Scalar:
        """What training minimises."""
        return sum(self.terms(x_l, y_l, x_u, alpha).values())
