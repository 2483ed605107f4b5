"""ADGM: M2 with an auxiliary variable a, so that the posterior of z need not be Gaussian.

Maaløe, Sønderby, Sønderby & Winther, "Auxiliary deep generative models", ICML 2016, arXiv:1602.05473, section 2.
Equation numbers are those of our paper, sections 2.3 and 3.3.

    p(x, y, a, z) = p(x|y,z) p(a|z,y,x) p(y) p(z)                                    (14 to 17)
    q(a, y, z|x)  = q(a|x) q(y|a,x) q(z|a,y,x)                                       (18 to 20)

Marginalising a leaves p(x, y, z) as it was in M2, while q(z|x,y) becomes a mixture over a of Gaussians.

How the paper is read: in (17) the second `z` is y: p(x|z,y) = f(x; z, y, theta). The classifier the text calls (20) is
(19). (13) has the logarithm inside the fraction; it is of the whole fraction. (22) writes q_theta for q_phi.
Sums over y, which (22) leaves as an expectation, are computed class by class, as (6) does, for one shared draw of a.

Differs from the paper: J averages each term over its own batch, see models/methods/m2/model.py. Not in the paper: batch
normalisation, as in Maaløe's code, and the sizes. The `tuned` preset has a convolutional q(y|a,x) and the consistency
cost of section 5; with `mixup` q(y|a,x) is asked about images between two labelled ones, with `two_views` about two
augmented views of an unlabelled one (models/nn/augment.py), and with `bound_u` a step takes U of a random part of its
unlabelled images (under batch norm, with the batch statistics of that part). With `filters` q(y|a,x) sees, beside x,
the activations of filters learned from unlabelled images (models/nn/patch_features.py).

Options: `bound` is the weight of L and U: with 0, J has the labels, and consistency if there is any. Without
`auxiliary` there is no a: what is left is M2 with Kingma's q(z|x,y), the same networks but for what they made of a. In
the first `warm_up` of a run the KL terms, that of a included, gain their weight (models/methods/warm_up.py);
`reconstructed` weighs consistency with the reconstruction.
"""

from dataclasses import replace

import torch
from torch import nn
from torch.distributions import Categorical, Distribution, Independent

from models.methods.class_latent import ClassLatentMethod
from models.methods.class_sum import class_weights
from models.methods.consistency import ConfidenceMaskedConsistency, bound_subset, consistency_terms
from models.methods.equation import equation
from models.methods.m2.model import M2
from models.methods.warm_up import WarmUp
from models.nn import distributions, layers, networks
from models.nn.augment import Augment, Mixup
from models.nn.kl import kl_standard_normal
from models.nn.settings import Settings
from models.nn.shapes import Images, Labels, Latent, PerImage, PerPair, Scalar, Unlabelled

DRAWS = 10  # of a, for the mean of q(y|a,x)


class ADGM(ClassLatentMethod):
    """Every bound is per image, in nats, and is minimised."""

    def __init__(
        self,
        q_a: nn.Module, q_y: nn.Module, q_z: nn.Module, p_a: nn.Module, p_x: nn.Module,
        n_y: int, n_z: int, settings: Settings | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.n_y = n_y
        self.n_z = n_z
        self.settings = s = settings or Settings()
        self.q_a = q_a
        self.q_y = q_y
        self.q_z = q_z
        self.p_a = p_a
        self.p_x = p_x
        self.p_y = distributions.Uniform(n_y)
        self.p_z = distributions.StandardNormal(n_z)
        self.augment = Augment.of(s)
        self.log_q_y = Mixup(s.mixup)
        self.warm_up = WarmUp(s.warm_up)
        self.consistency = ConfidenceMaskedConsistency(s.threshold, n_y)

    @classmethod
    def build(cls, shape: tuple[int, ...], n_y: int, s: Settings) -> "ADGM | M2":
        """The five networks of 3.3, two dense hidden layers each; in the tuned preset q(y|a,x) has convolutions."""
        if not s.auxiliary:
            return M2.build(shape, n_y, replace(s, encoder_sees_y=True))
        x, h = layers.pixels_of(shape), s.hidden[-1]
        return cls(
            **cls.inference_networks(shape, n_y, s),
            p_a=distributions.ConditionalNormal(networks.dense((s.n_z, n_y, x), s), h, s.n_a),
            p_x=distributions.conditional_x(networks.decoder((n_y, s.n_z), shape, s), shape),
            n_y=n_y, n_z=s.n_z, settings=s,
        )  # fmt: skip

    @staticmethod
    def inference_networks(shape: tuple[int, ...], n_y: int, s: Settings) -> dict[str, nn.Module]:
        """q(a|x), q(y|a,x) and q(z|a,y,x), by their names in the class."""
        x, h = layers.pixels_of(shape), s.hidden[-1]
        return {
            "q_a": distributions.ConditionalNormal(networks.dense((x,), s), h, s.n_a),
            "q_y": distributions.ConditionalCategorical(*networks.classifier_with_auxiliary(shape, s), n_y),
            "q_z": distributions.ConditionalNormal(networks.dense((s.n_a, n_y, x), s), h, s.n_z),
        }

    def L_terms(
        self, x: Images, y: Labels, a: Latent | None = None, q_a: Distribution | None = None
    ) -> dict[str, PerPair]:
        """The terms of L(x, y) for a draw of a (its own, or one shared by all classes); x, y and a broadcast.

        `q_a` is q(a|x) where it is known already.
        """
        q_a = self.q_a(x) if q_a is None else q_a
        a = q_a.rsample() if a is None else a
        q_z = self.q_z(a, distributions.one_hot(y, self.n_y), x)
        z = q_z.rsample()
        return {
            "reconstruction": -self.likelihood(y, z, a).log_prob(x),
            "prior_y": -self.p_y().log_prob(y),
            "kl_z": kl_standard_normal(q_z),
            "kl_a": q_a.log_prob(a) - self.auxiliary_likelihood(x, y, z).log_prob(a),
        }

    @equation(
        "eq. 21",
        r"-\mathcal L(x,y) = "
        r"E_{q(a,z|x,y)}\left[\log\frac{p(x|y,z)\,p(a|z,y,x)\,p(y)\,p(z)}{q(a|x)\,q(z|a,y,x)}\right]",
    )
    def L(self, x: Images, y: Labels, a: Latent | None = None) -> PerImage:
        """Bound on -log p(x, y): the image and its class are both observed."""
        return sum(self.L_terms(x, y, a).values())

    def U_terms(self, x: Images, q_a: Distribution, a: Latent, q_y: Categorical) -> dict[str, PerImage]:
        """The terms of U(x) for one draw of a from q(a|x), which q(y|a,x) and every class share."""
        classes = class_weights(q_y, self.settings)
        terms = {name: classes.mean(term) for name, term in self.L_terms(x, classes.y, a, q_a).items()}
        return terms | {"entropy": -q_y.entropy()}

    @equation(
        "eq. 22",
        r"-\mathcal U(x) = E_{q(a|x)}\Big[\sum_y q(y|a,x)\,(-\mathcal L(x,y)) + \mathcal H(q(y|a,x))\Big]",
    )
    def U(self, x: Images) -> PerImage:
        """Bound on -log p(x): the class is summed out (of many classes an estimate: methods/class_sum.py)."""
        q_a = self.q_a(x)
        a = q_a.rsample()
        return sum(self.U_terms(x, q_a, a, self.q_y(a, x)).values())

    @equation("eq. 23", r"\alpha\, E_{q(a|x)}[-\log q(y|a,x)]")
    def classification(self, x: Images, y: Labels, alpha: float) -> PerImage:
        """What (23) adds to L for a labelled image; without it q(y|a,x) would see no label."""
        return -alpha * self.log_q_y(self.q_y_of, self.augment(x), y)

    def q_y_of(self, x: Images) -> Categorical:
        """q(y|a,x) at one draw of a."""
        return self.q_y(self.q_a(x).rsample(), x)

    def q_y_and_draws(self, x: Images) -> tuple[Categorical, dict[str, object]]:
        """q(y|a,x) at one draw of a, that draw, and q(a|x)."""
        q_a = self.q_a(x)
        a = q_a.rsample()
        return self.q_y(a, x), {"a": a, "q_a": q_a}

    def terms(self, x_l: Images, y_l: Labels, x_u: Unlabelled, alpha: float) -> dict[str, Scalar]:
        """The terms of J, each the mean over its own batch, or over a part of it: that is the batch of U, then."""
        if not self.settings.bound:
            return self.without_bound(x_l, y_l, x_u, alpha)
        some = bound_subset(x_u, self.settings)
        q_a = self.q_a(some)
        a = q_a.rsample()
        q_y = self.q_y(a, some)
        terms = {f"labelled/{name}": t.mean() for name, t in self.in_J(self.L_terms(x_l, y_l)).items()}
        unlabelled = self.in_J(self.U_terms(some, q_a, a, q_y))
        terms |= {f"unlabelled/{name}": t.mean() for name, t in unlabelled.items()}
        terms["classification"] = self.classification(x_l, y_l, alpha).mean()
        terms |= {name: t.mean() for name, t in self.reconstructed(some, q_y, alpha, a).items()}
        return terms | consistency_terms(self, self.q_y_of, q_y, x_u, alpha)

    @equation("eq. 24", r"\mathcal J = \sum_{(x_l,y_l)} \mathcal L_l(x_l,y_l) + \sum_{x_u} \mathcal U(x_u)")
    def J(self, x_l: Images, y_l: Labels, x_u: Unlabelled, alpha: float) -> Scalar:
        """What training minimises; L_l is L with the classification term of (23)."""
        return sum(self.terms(x_l, y_l, x_u, alpha).values())

    def classify(self, x: Images) -> Categorical:
        """q(y|x): the mean of q(y|a,x), eq. 19, over draws of a."""
        return self.classify_and_mean(x)[0]

    def classify_and_mean(self, x: Images) -> tuple[Categorical, Latent, Categorical]:
        """q(y|x), the mean of q(a|x) and q(y|a,x) there: the draws of a and its mean meet x in one pass."""
        q_a = self.q_a(x)
        a = q_a.mean
        logits = self.q_y(torch.cat([q_a.sample((DRAWS,)), a.unsqueeze(0)]), x).logits
        draws, there = (Categorical(logits=part, validate_args=False) for part in (logits[:-1], logits[-1]))
        return distributions.categorical_mean(draws), a, there

    def auxiliary_likelihood(self, x: Images, y: Labels, z: Latent) -> Distribution:
        """p(a|z,y,x), eq. 16."""
        return self.p_a(z, distributions.one_hot(y, self.n_y), x)

    def auxiliary_posterior(self, x: Images) -> Distribution:
        """q(a|x), eq. 18."""
        return self.q_a(x)

    def classify_at(self, x: Images, a: Latent | None) -> Categorical:
        """q(y|a,x), eq. 19; without an a the mean over draws of it."""
        return self.classify(x) if a is None else self.q_y(a, x)

    def posterior(self, x: Images, y: Labels, a: Latent | None = None) -> Independent:
        """q(z|a,y,x), eq. 20; without an a at the mean of q(a|x)."""
        return self.q_z(self.q_a(x).mean if a is None else a, distributions.one_hot(y, self.n_y), x)

    def encode(self, x: Images) -> dict[str, Latent]:
        """Posterior means: a of (18), and z of (20) at that a and the likeliest class."""
        return self.classify_and_encode(x)[1]

    def classify_and_encode(self, x: Images) -> tuple[Categorical, dict[str, Latent]]:
        q_y, a, there = self.classify_and_mean(x)
        return q_y, {"z": self.posterior(x, there.probs.argmax(-1), a).mean, "a": a}

    @equation("eq. 17", r"p(x|z,y) = f(x; z, y, \theta)")
    def generate(self, y: Labels, z: Latent) -> Images:
        """Mean images of p(x|z,y); y and z broadcast."""
        return self.p_x(distributions.one_hot(y, self.n_y), z).mean
