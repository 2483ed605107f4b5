"""Mean Teacher: a classifier, the student, agrees with the average of its own weights, the teacher.

Tarvainen & Valpola, "Mean teachers are better role models", NeurIPS 2017. Sections and equations are those of
that paper.

    q(y|x)     the student, with the weights of this step
    q̄(y|x)     the teacher, with averaged ones                                                  (1)

The teacher is the average that every run keeps and is evaluated by (`ema`): (1) is `average` in
models/training/trainer.py, and there is no other copy. Its decay rises from .1 to `ema` in the first steps. With `ema`
0 there is no average, and the teacher is the student. Both see x under augmentations of their own. The teacher's batch
norm has the averaged mean and variance, as where it is evaluated, and it has no dropout: its only noise is its image.
A run keeps its averaged weights alone: what a page says of the distance is that of the teacher from itself.

Differs from the paper: there the teacher has dropout and its own batch's mean and variance, and its decay changes once,
after the ramp.
"""

import torch

from models.methods.consistent import ConsistentMethod, squared_distance
from models.methods.equation import equation
from models.methods.method import Method
from models.nn.shapes import Images, Labels, PerImage, Scalar, Unlabelled


class MeanTeacher(ConsistentMethod):
    """Cross-entropies are nats; the distance is a squared one between probabilities."""

    def before_training(self, averaged: Method) -> None:
        self.__dict__["averaged"] = averaged  # not a part of this module: its weights are the trainer's
        averaged.eval()

    @property
    def teacher(self) -> "MeanTeacher":
        return self.__dict__.get("averaged", self)

    @equation("section 2", r"d(x) = \|\bar q(y|x'')-q(y|x')\|^2")
    def consistency(self, x: Unlabelled) -> PerImage:
        """How far the student's probabilities are from the teacher's, for two augmented views of the image."""
        student = self.q_y(self.augment(x))
        with torch.no_grad():
            teacher = self.teacher.q_y(self.augment(x))
        return squared_distance(student.probs, teacher.probs)

    @equation("section 2, J", r"\mathcal J = \sum_{(x_l,y)} -\alpha\log q(y|x') + w(t)\,\alpha \sum_{x_u} d(x)")
    def J(self, x_l: Images, y_l: Labels, x_u: Unlabelled, alpha: float) -> Scalar:
        """What training minimises."""
        return sum(self.terms(x_l, y_l, x_u, alpha).values())
