"""Π-model: two views of an image, each under noise of its own, are to be classified alike.

Laine & Aila, "Temporal ensembling for semi-supervised learning", ICLR 2017, algorithm 1.

    q(y|x)

Both views have a gradient. Their noise is the augmentation, dropout where there is some, and which images they share a
batch norm with, which are the same for both. The weight rises along a Gaussian, exp(-5 (1 - t)²).

Differs from the paper: no ramp at the end of the run; there AdamW's learning rate follows one, too.
"""

from models.methods.consistent import ConsistentMethod, squared_distance
from models.methods.equation import equation
from models.nn.shapes import Images, Labels, PerImage, Scalar, Unlabelled


class Pi(ConsistentMethod):
    """Cross-entropies are nats; the distance is a squared one between probabilities."""

    @equation("algorithm 1", r"d(x) = \|q(y|x')-q(y|x'')\|^2")
    def consistency(self, x: Unlabelled) -> PerImage:
        """How far the probabilities of two augmented views of the image are apart."""
        one, other = self.q_y(self.augment(x)), self.q_y(self.augment(x))
        return squared_distance(one.probs, other.probs)

    @equation("algorithm 1, J", r"\mathcal J = \sum_{(x_l,y)} -\alpha\log q(y|x') + w(t)\,\alpha \sum_{x_u} d(x)")
    def J(self, x_l: Images, y_l: Labels, x_u: Unlabelled, alpha: float) -> Scalar:
        """What training minimises."""
        return sum(self.terms(x_l, y_l, x_u, alpha).values())
