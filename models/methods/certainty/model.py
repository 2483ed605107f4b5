"""Certainty-driven consistency: Mean Teacher, whose student is asked only for what its teacher is certain of.

Li, Liu & Tan, "Certainty-driven consistency loss for semi-supervised learning", 2019: Filtering CCL.

    q(y|x)     the student, with the weights of this step
    q̄(y|x)     the teacher, with averaged ones

The teacher looks at an image `passes` times, augmented anew each time. How much its probabilities vary is how uncertain
it is. Of a batch, the share `filtered` of which it is least certain costs nothing. With 0 of them this is Mean Teacher,
step by step: no further passes are made. On a page an image is held against a batch of others, as in training.

Of the paper's two costs this is the one that filters: what is left is plain consistency, so that a share of 0 has a
meaning. Temperature CCL, the other one, softens the targets by how uncertain they are; it has a scale to be chosen.

Differs from the paper: its teacher is uncertain by dropout, too, where ours has none; the share is the same throughout
the run.
"""

import torch
from torch import Tensor
from torch.distributions import Categorical

from models.methods.equation import equation
from models.methods.mean_teacher.model import MeanTeacher
from models.nn.shapes import Images, Labels, PerImage, Scalar, Unlabelled


class Certainty(MeanTeacher):
    """Cross-entropies are nats; the distance is a squared one between probabilities."""

    @equation("section 3, V", r"V(x) = \sum_y \mathrm{Var}_{x'}\,\bar q(y|x')")
    def uncertainty(self, x: Unlabelled) -> PerImage:
        """How much the teacher's probabilities vary from one augmented view of an image to the next."""
        with torch.no_grad():
            views = torch.stack([self.teacher.q_y(self.augment(x)).probs for _ in range(self.settings.passes)])
            return views.var(0, correction=0).sum(-1)

    def most(self, u: PerImage) -> Tensor:
        """The largest uncertainty, of a batch's u, with which an image still counts."""
        kept = round((1 - self.settings.filtered) * len(u))
        return u.sort().values[kept - 1] if kept else u.new_tensor(-1.0)

    @equation("section 3", r"d(x) = 1[V(x) \leq \tau]\;\|\bar q(y|x'')-q(y|x')\|^2")
    def consistency(self, x: Unlabelled, batch: Tensor | None = None) -> PerImage:
        """Mean Teacher's distance where the teacher is among its most certain, of this batch or of another; else 0."""
        d = super().consistency(x)
        if not self.settings.filtered:
            return d
        u = self.uncertainty(x)
        return d * (u <= self.most(u if batch is None else self.uncertainty(batch)))

    @equation("section 3, J", r"\mathcal J = \sum_{(x_l,y)} -\alpha\log q(y|x') + w(t)\,\alpha \sum_{x_u} d(x)")
    def J(self, x_l: Images, y_l: Labels, x_u: Unlabelled, alpha: float) -> Scalar:
        """What training minimises."""
        return sum(self.terms(x_l, y_l, x_u, alpha).values())

    def unlabelled_costs(self, x: Images, q_y: Categorical, alpha: float, batch: Tensor) -> dict[str, Tensor]:
        """Held against the batch: the image itself, many times over, would be as certain as itself."""
        if not self.settings.consistency:
            return {}
        return {"consistency": alpha * self.weight * self.consistency(x, batch)}
