"""Methods whose class is a latent variable that is sometimes observed: what M2, ADGM and their relatives share."""

from dataclasses import replace
from typing import cast

import torch
from torch import Tensor, nn
from torch.distributions import Categorical

from models.methods.class_sum import class_weights
from models.methods.consistency import consistency_costs, consistency_terms, divergence
from models.methods.method import GenerativeMethod, Terms
from models.methods.warm_up import WarmUp
from models.nn.shapes import Images, Labels, Latent, PerImage, PerPair, Scalar, Unlabelled


class ClassLatentMethod(GenerativeMethod):
    """Bounds -log p(x, y) by L and -log p(x) by U, in which the class is summed out."""

    q_y: nn.Module
    augment: nn.Module
    consistency: nn.Module
    warm_up: WarmUp

    def before_step(self, progress: float) -> None:
        self.warm_up.see(progress)

    def L_terms(self, x: Images, y: Labels, **conditions: object) -> dict[str, PerPair]:
        """The terms of L(x, y); x and y broadcast, and what does not depend on y is computed once."""
        raise NotImplementedError(f"{type(self).__name__} has no L.")

    def U(self, x: Images) -> PerImage:
        """Bound on -log p(x)."""
        raise NotImplementedError(f"{type(self).__name__} has no U.")

    def classification(self, x: Images, y: Labels, alpha: float) -> PerImage:
        """What is added to L for a labelled image."""
        raise NotImplementedError(f"{type(self).__name__} has no classification.")

    def q_y_of(self, x: Images) -> Categorical:
        """q(y|x), or q(y|a,x) at one draw of a."""
        return self.q_y(x)

    def q_y_and_draws(self, x: Images) -> tuple[Categorical, dict[str, object]]:
        """`q_y_of`, and what it was drawn with, which `L_terms` takes."""
        return self.q_y_of(x), {}

    def without_bound(self, x_l: Images, y_l: Labels, x_u: Unlabelled, alpha: float) -> dict[str, Scalar]:
        """The terms of J where the bound has no weight: labels only, and consistency if there is any.

        Labels come first: what autocast makes of the weights here has a gradient, and it makes it once a step.
        """
        terms = {"classification": self.classification(x_l, y_l, alpha).mean()}
        return terms | consistency_terms(self, self.q_y_of, None, x_u, alpha)

    def in_J(self, terms: dict[str, Tensor]) -> dict[str, Tensor]:
        """Terms of the bound as they stand in J."""
        weight, terms = self.settings.bound, self.warm_up(terms)
        return terms if weight == 1 else {name: weight * t for name, t in terms.items()}

    def reconstruct(self, x: Images, k: Labels, a: Latent | None = None) -> Images:
        """The mean of p(x|.) for classes k, at a draw of z."""
        return self.likelihood(k, self.posterior(x, k, a).rsample(), a).mean

    def reconstructed(self, x: Images, q_y: Categorical, alpha: float, a: Latent | None = None) -> dict[str, PerImage]:
        """Consistency with the reconstruction, weighed as in J: KL(q(y|x) ‖ q(y|x')), `q_y` being q(y|x).

        x' is the mean of p(x|y,z) for the likeliest class y, so that p(x|.) learns to draw what q(y|.) takes for y.
        Hope, Abdrakhmanova, Chen, Hughes & Sudderth, "Learning consistent deep generative models from sparse data via
        prediction constraints", 2020, arXiv:2012.06718: predictions for the reconstruction are to match those for the
        image. Their constraint on prediction is here the weight alpha of a label.
        Not in the paper; and decided here: the target gets no gradient, while q(z|.), p(x|.) and q(y|.) of x' do; the
        mean stands in for a draw of x'; labelled images are not asked.
        """
        weight = self.settings.reconstructed
        if not weight:
            return {}
        after = self.q_y_of(self.reconstruct(x, q_y.probs.argmax(-1), a))
        return {"reconstructed": weight * alpha * divergence(q_y, after)}

    def bound(self, x: Images) -> PerImage:
        return self.U(x)

    def terms_under_class(self, x: Images, y: Labels) -> dict[str, PerPair]:
        return self.L_terms(x, y)

    def label_cost(self, x: Images, y: Labels, alpha: float) -> Tensor:
        return self.classification(x, y, alpha)

    def unlabelled_costs(self, x: Images, q_y: Categorical, alpha: float, batch: Tensor) -> Terms:
        return consistency_costs(self, self.q_y_of, q_y, x, alpha, batch)

    def terms_of_image(self, x: Tensor, alpha: float, draws: int, batch: Tensor) -> dict[str, Terms | Tensor]:
        many = x.expand(draws, *x.shape)
        q_y, conditions = self.q_y_and_draws(many)
        every = torch.arange(q_y.probs.shape[-1], device=q_y.probs.device).unsqueeze(-1)
        L = {k: torch.broadcast_to(t, (len(every), draws)) for k, t in self.L_terms(many, every, **conditions).items()}
        whole = class_weights(q_y, replace(self.settings, classes_exact=0))
        out: dict[str, Terms | Tensor] = {
            "q_y": q_y.probs,
            "L": L,
            "U": {name: whole.mean(t) for name, t in L.items()} | {"entropy": -q_y.entropy()},
            "classification": self.label_cost(many, every, alpha),
        }
        costs = self.unlabelled_costs(many, q_y, alpha, batch)
        if self.settings.bound:
            costs |= self.reconstructed(many, q_y, alpha, cast("Latent | None", conditions.get("a")))
        if costs:
            out["unlabelled"] = costs
        return out
