"""What the class of a method has: the trainer, the analyses and the pages ask for this and nothing else.

A method is a `Method`; one with a p(x|.) a `GenerativeMethod`; one that sums a latent class out a `ClassLatentMethod`
(models/methods/class_latent.py). Every hook has a default that does nothing: a class states only what it has.
"""

from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn
from torch.distributions import Categorical, Distribution, Independent

from models.nn.distributions import StandardNormal, one_hot
from models.nn.settings import Settings

if TYPE_CHECKING:
    from models.nn.shapes import Images, Labels, Latent, PerImage, PerPair, Scalar, Unlabelled

Terms = dict[str, Tensor]  # (draws,) each, nats


class Method(nn.Module):
    """A method: how it is built, what it minimises, what it says of images, and the hooks of the training loop."""

    settings: Settings
    looks_at_training_images: ClassVar[bool] = False  # whether it does when it classifies: see_training_images

    @classmethod
    def build(cls, shape: tuple[int, ...], n_y: int, s: Settings) -> "Method":
        """The networks for images of `shape` (channels, height, width) and `n_y` classes."""
        raise NotImplementedError(f"{cls.__name__} has no build.")

    def terms(self, x_l: "Images", y_l: "Labels", x_u: "Unlabelled", alpha: float) -> "dict[str, Scalar]":
        """The terms of J per image, each a mean over its own batch; the card names them, and says if they are nats."""
        raise NotImplementedError(f"{type(self).__name__} has no terms.")

    def J(self, x_l: "Images", y_l: "Labels", x_u: "Unlabelled", alpha: float) -> "Scalar":
        """What training minimises."""
        return sum(self.terms(x_l, y_l, x_u, alpha).values())

    def classify(self, x: "Images") -> Categorical:
        """q(y|x)."""
        raise NotImplementedError(f"{type(self).__name__} has no classifier.")

    def encode(self, x: "Images") -> "dict[str, Latent]":
        """The latents that a snapshot keeps, by the names on the card: (n, size) each."""
        return {}

    def classify_and_encode(self, x: "Images") -> "tuple[Categorical, dict[str, Latent]]":
        """Both at once, for a method in which they share a part of their networks."""
        return self.classify(x), self.encode(x)

    def look_through(self, other_view: nn.Module) -> None:
        """On a frozen network: what stands in for the augmentation of images."""
        self.augment = other_view

    # Hooks of the training loop

    def before_training(self, averaged: "Method") -> None:
        """Called once, with the averaged weights that the trainer keeps (itself, if it keeps none)."""

    def see_unlabelled(self, x: Tensor) -> None:
        """Called once before training, also on the averaged weights, with every unlabelled image that there is, as the
        trainer holds them: uint8, or features. Most methods have no use for so many floats."""

    def before_step(self, progress: float) -> None:
        """Called before each step, also on the averaged weights: how much of the run lies behind it, from 0 to 1.

        What a step reads of it must be a tensor that stays where it is, for on a GPU a step is recorded once.
        """

    def see_batch(self, labelled: Tensor, unlabelled: Tensor) -> None:
        """Called before `terms`, as a part of the step: which of all labelled and unlabelled images it will get."""

    def training_state(self) -> dict[str, Tensor]:
        """What training needs to go on besides the weights, and nothing else does: a checkpoint keeps it."""
        return {}

    def load_training_state(self, tensors: dict[str, Tensor]) -> None:
        """Take back what `training_state` gave. Raises KeyError or RuntimeError if it does not fit."""

    def rate_of(self, step: int, total: int) -> tuple[int, int]:
        """Of which step, and of how many, step `step` of `total` has the learning rate: its own."""
        return step, total

    def keeps(self, step: int, total: int, decay: float) -> float:
        """How much of the averaged weights stays when those after a step join: `decay`, an exponential average's."""
        return decay

    def after_step(self, averaged: "Method") -> None:
        """Called after each step of the optimizer, when `averaged` has followed."""

    def fit(self, x_l: "Images", y_l: "Labels") -> None:
        """Called on the averaged weights after each epoch, before they are evaluated: what is fitted to the labels."""

    def extra_files(self) -> dict[str, dict[str, Tensor]]:
        """What is kept beside model.safetensors, by the file names on the card."""
        return {}

    def load_extra(self, name: str, tensors: dict[str, Tensor]) -> None:
        """Take back what `extra_files` gave under `name`. Raises KeyError or ValueError if it does not fit."""

    def see_training_images(self, x: Any, seen: Tensor) -> None:
        """Called after `load_extra` where `looks_at_training_images`: all training images of the data set, or on a
        frozen network their features, as arrays that a slice of x gives, and which of them training saw (labelled ones
        first). Raises ValueError if they do not fit."""

    def extra_results(self, x_l: "Images", y_l: "Labels", x_test: Tensor, y_test: Tensor) -> dict[str, float]:
        """What else a result says, by name."""
        return {}

    # Of one image

    def features(self, x: "Images") -> Tensor:
        """What stands for images (n, c, h, w) elsewhere in the class: themselves, or a backbone's features."""
        return x

    def terms_of_image(self, x: Tensor, alpha: float, draws: int, batch: Tensor) -> dict[str, Terms | Tensor]:
        """The terms of J for one image x (c, h, w) or its features (size,), nats, once a draw, as far as there are:

        "q_y" (draws, classes)               q(y|x), or q(y|a,x) at each draw of a
        "bound" {name: (draws,)}             of a bound on -log p(x) without a class
        "L" {name: (classes, draws)}         the bound on -log p(x, y), of every class
        "U" {name: (draws,)}                 that on -log p(x), with the same draws as L, the whole sum over classes
        "classification" (classes, draws)    as if each class were the image's; x is augmented as in training
        "unlabelled" {name: (draws,)}        the other terms of J for an unlabelled image, weighed as they stand in J

        `batch`: unlabelled images (n, c, h, w), for terms that look at a batch as a whole. To be asked in eval mode.
        """
        many = self.features(x.unsqueeze(0)).squeeze(0)
        many = many.expand(draws, *many.shape)
        q_y = self.classify(many)
        every = torch.arange(q_y.probs.shape[-1], device=q_y.probs.device).unsqueeze(-1)
        out: dict[str, Terms | Tensor] = {"q_y": q_y.probs}
        if (cost := self.label_cost(many, every, alpha)) is not None:
            out["classification"] = cost
        if costs := self.unlabelled_costs(many, q_y, alpha, batch):
            out["unlabelled"] = costs
        return out

    def label_cost(self, x: Tensor, y: "Labels", alpha: float) -> Tensor | None:
        """The cost of a label for images x (n, ...) and classes y, which broadcast; None: labels cost nothing."""
        return None

    def unlabelled_costs(self, x: Tensor, q_y: Categorical, alpha: float, batch: Tensor) -> Terms:
        """The terms of J that ask q(y|.) about unlabelled images x (n, ...), image by image, weighed as in J."""
        return {}


class DrawingMethod(Method):
    """A method that draws images from a class and a style."""

    n_y: int
    n_z: int
    p_z: StandardNormal

    def generate(self, y: "Labels", z: "Latent") -> "Images":
        """Images for styles z drawn from p(z), of p(x|y,z) the mean; y and z broadcast."""
        raise NotImplementedError(f"{type(self).__name__} cannot draw.")


class GenerativeMethod(DrawingMethod):
    """A method with a p(x|.): it draws, and bounds log p(x)."""

    p_x: nn.Module
    sees_class: ClassVar[bool] = True  # whether p(x|.) sees y; else the class lies in z

    def bound(self, x: "Images") -> "PerImage":
        """Bound on -log p(x), nats, minimised."""
        raise NotImplementedError(f"{type(self).__name__} has no bound.")

    def terms_under_class(self, x: "Images", y: "Labels") -> "dict[str, PerPair]":
        """The terms of the bound on -log p(x, y), x and y broadcast; of that on -log p(x) if p(x|.) sees no class."""
        raise NotImplementedError(f"{type(self).__name__} has no bound.")

    def posterior(self, x: "Images", y: "Labels", a: "Latent | None" = None) -> Independent:
        """q(z|.) of images under classes; x, y and a value of the auxiliary variable broadcast, what it lacks is not
        looked at."""
        raise NotImplementedError(f"{type(self).__name__} has no posterior of z.")

    def likelihood(self, y: "Labels", z: "Latent", a: "Latent | None" = None) -> Distribution:
        """p(x|y,z), or p(x|z) of a method whose p(x|.) sees no class; y, z and a broadcast.

        Of a method whose p(x|.) sees a, p(x|.) at that a, and without one at the mean of `auxiliary_prior`.
        """
        return self.p_x(one_hot(y, self.n_y), z)

    def auxiliary_prior(self, y: "Labels", z: "Latent") -> Distribution | None:
        """p(a|z,y) of a method whose p(x|.) sees a; None: p(x|.) sees none."""
        return None

    def auxiliary_likelihood(self, x: "Images", y: "Labels", z: "Latent") -> Distribution | None:
        """p(a|z,y,x), or p(a|z,y) where p(x|.) sees a; None: there is no auxiliary variable."""
        return self.auxiliary_prior(y, z)

    def auxiliary_posterior(self, x: "Images") -> Distribution | None:
        """q(a|x); None: there is no auxiliary variable."""
        return None

    def classify_at(self, x: "Images", a: "Latent | None") -> Categorical:
        """q(y|.) at one value of the auxiliary variable, without one q(y|x)."""
        return self.classify(x)

    def decode(self, z: "Latent", y: "Labels") -> "Images":
        """Mean images at codes z as `encode` gives them; y and z broadcast."""
        return self.generate(y, z)

    def style(self, z: "Latent", y: "Labels") -> "Latent":
        """What `generate` takes as z to draw an image with the code z of class y: the code itself."""
        return z

    def code_prior(self, y: int) -> tuple[Tensor, Tensor]:
        """The mean and standard deviation (n_z,) of codes of class y before any image is seen: those of p(z)."""
        like = self.p_z.zero
        return torch.zeros(self.n_z, device=like.device), torch.ones(self.n_z, device=like.device)
