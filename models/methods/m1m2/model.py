"""M1+M2: M1 learns a code of all images, and M2 is a model of that code.

Kingma, Mohamed, Rezende & Welling, "Semi-supervised learning with deep generative models", NeurIPS 2014,
arXiv:1406.5298, section 2. Equation numbers are those of our paper, sections 2.1 and 2.2. What Kingma calls z2 is z
here, as in M2: the style from which a picture of a class is drawn.

    p(x, y, z1, z) = p(x|z1) p(z1|y,z) p(y) p(z)        x: image    z1: M1's code    y: class    z: style
    q(z1, y, z|x)  = q(z1|x) q(y|z1) q(z|z1,y)

Both models are those of models/methods/m1 and models/methods/m2: M2 is given a draw of z1, anew in each step, where it
has an image. The bound on -log p(x) of the two together is the mean over q(z1|x) of -log p(x|z1) + log q(z1|x) + U(z1),
with M2's U.

How the paper is read: Kingma trains M1 first and M2 on its codes then. Here both learn in the same steps, each what it
would learn alone, and nothing that M2 learns changes M1: it is M1's bound (3) that moves q(z1|x) and p(x|z1), and J of
(12) for z1 that moves the rest. q(y|x) is q(y|z1) at the mean of q(z1|x), where M1's SVM looks, too, so that an image
always gets the same answer. A picture of a class y and a style z is drawn at the mean of p(z1|y,z).

Differs from the paper: M1 learns from the unlabelled images alone, of which there are hundreds for each labelled one.
p(z1|y,z) has one learned sigma a number of z1. J has the terms of the whole bound, and beside them E[-log N(z1; 0, 1)],
M1's own prior, so that the terms M1 learns from add up to (3). The `tuned` preset shows q(y|z1) the codes of augmented
labelled images, and M1's encoder those of augmented ones as in models/methods/m1/model.py; on large data sets of grey
images it has consistency, too: q(y|z1) says of an augmented unlabelled image what it is sure of. `bound` weighs what
M2 learns of the bound; with 0 only a classifier is left of M2, on the codes that M1 learns as ever.
"""

import math
from typing import cast

import torch
from torch import Tensor, nn
from torch.distributions import Categorical, Distribution, Independent, Normal

from models.methods.class_latent import ClassLatentMethod
from models.methods.class_sum import class_weights
from models.methods.consistency import ConfidenceMaskedConsistency, consistency_terms
from models.methods.equation import equation
from models.methods.m1.model import M1
from models.methods.m1m2.card import of_code
from models.methods.m2.model import M2
from models.methods.method import Terms
from models.methods.warm_up import WarmUp
from models.nn.augment import Augment
from models.nn.distributions import ConditionalPoints
from models.nn.settings import Settings
from models.nn.shapes import Images, Labels, Latent, PerImage, PerPair, Scalar, Unlabelled

OF_M1 = ("reconstruction", "filters")


class M1M2(ClassLatentMethod):
    """Every bound is per image, in nats, and is minimised."""

    def __init__(self, m1: M1, m2: M2, settings: Settings | None = None) -> None:
        super().__init__()
        self.n_y = m2.n_y
        self.n_z = m2.n_z
        self.settings = s = settings or Settings()
        self.m1 = m1
        self.m2 = m2
        self.p_z = m2.p_z
        self.augment = Augment.of(s)
        self.warm_up = WarmUp(s.warm_up)
        self.consistency = ConfidenceMaskedConsistency(s.threshold, m2.n_y)

    @classmethod
    def build(cls, shape: tuple[int, ...], n_y: int, s: Settings) -> "M1M2":
        """M1 for images of `shape` (channels, height, width), and M2 for its codes."""
        of_z1 = of_code(s)
        m2 = M2.build((s.n_a, 1, 1), n_y, of_z1.m2)
        # As wide as codes lie at first. A narrow p(z1|y,z) has z copy z1, noise and all, and leaves nothing for y.
        nn.init.zeros_(cast(ConditionalPoints, m2.p_x).log_scale)
        return cls(M1.build(shape, n_y, of_z1.m1), m2, s)

    @property
    def p_x(self) -> nn.Module:
        """p(x|z1)."""
        return self.m1.p_x

    def read(self, x: Images) -> Independent:
        """q(z1|x)."""
        return self.m1.q_z(self.m1.encoder_input(x))

    def L_terms(
        self, x: Images, y: Labels, z1: Latent | None = None, q_z1: Independent | None = None
    ) -> dict[str, PerPair]:
        """The terms of L(x, y) for a draw of z1 (its own, or one shared by all classes); x, y and z1 broadcast.

        `q_z1` is q(z1|x) where it is known already. M2 learns nothing of where z1 lies into M1.
        """
        seen = self.m1.encoder_input(x)
        q_z1 = self.m1.q_of_z(x, seen) if q_z1 is None else q_z1
        z1 = q_z1.rsample() if z1 is None else z1
        of_m2 = self.m2.L_terms(as_image(z1.detach()), y)
        kl_z1 = q_z1.log_prob(z1) + of_m2["reconstruction"]
        return self.m1.explain(x, seen, z1) | {
            "prior_y": of_m2["prior_y"], "kl_z": of_m2["kl_z"], "kl_z1": kl_z1,
        }  # fmt: skip

    @equation(
        "eq. 6, L, for z1",
        r"-\mathcal L(x,y) = E_{q(z_1|x)}[\log p(x|z_1) - \log q(z_1|x) - \mathcal L_{M2}(z_1,y)],\quad "
        r"-\mathcal L_{M2}(z_1,y) = E_{q(z|z_1,y)}[\log p(z_1|y,z)] + \log p(y) - \mathrm{KL}[q(z|z_1,y)\,\|\,p(z)]",
    )
    def L(self, x: Images, y: Labels) -> PerImage:
        """Bound on -log p(x, y): the image and its class are both observed."""
        return sum(self.L_terms(x, y).values())

    def U_terms(self, x: Images, q_z1: Independent, z1: Latent, q_y: Categorical) -> dict[str, PerImage]:
        """The terms of U(x) for one draw of z1 from q(z1|x), which q(y|z1) and every class share."""
        classes = class_weights(q_y, self.settings)
        terms = {name: classes.mean(term) for name, term in self.L_terms(x, classes.y, z1, q_z1).items()}
        return terms | {"entropy": -q_y.entropy()}

    @equation(
        "eq. 6 for z1",
        r"-\mathcal U(x) = E_{q(z_1|x)}\Big[\sum_y q(y|z_1)\,(-\mathcal L(x,y)) + \mathcal H(q(y|z_1))\Big]",
    )
    def U(self, x: Images) -> PerImage:
        """Bound on -log p(x): the class is summed out (of many classes an estimate: methods/class_sum.py)."""
        return sum(self.U_terms(x, *self.drawn(x)).values())

    @equation("eq. 11 for z1", r"\alpha\, E_{q(z_1|x)}[-\log q(y|z_1)]")
    def classification(self, x: Images, y: Labels, alpha: float) -> PerImage:
        """What (11) adds to L for a labelled image, of whose augmented version the code is."""
        return self.m2.classification(as_image(self.code(self.augment(x))), y, alpha)

    def code(self, x: Images) -> Latent:
        """A draw of q(z1|x) by which M1 learns nothing."""
        with torch.no_grad():
            return self.read(x).rsample()

    def q_y_of(self, x: Images) -> Categorical:
        """q(y|z1) at one draw of z1."""
        return self.m2.q_y(as_image(self.code(x)))

    def drawn(self, x: Images) -> tuple[Independent, Latent, Categorical]:
        """q(z1|x), one draw of it and q(y|z1) there."""
        q_z1 = self.m1.q_of_z(x, self.m1.encoder_input(x))
        z1 = q_z1.rsample()
        return q_z1, z1, self.m2.q_y(as_image(z1.detach()))

    def q_y_and_draws(self, x: Images) -> tuple[Categorical, dict[str, object]]:
        q_z1, z1, q_y = self.drawn(x)
        return q_y, {"z1": z1, "q_z1": q_z1}

    def terms(self, x_l: Images, y_l: Labels, x_u: Unlabelled, alpha: float) -> dict[str, Scalar]:
        """The terms of J, each the mean over its own batch."""
        terms: dict[str, Scalar] = {}
        if self.settings.bound:
            with torch.no_grad():
                q_l = self.m1.q_of_z(x_l, self.m1.encoder_input(x_l))
                z1_l = q_l.rsample()
            labelled = self.L_terms(x_l, y_l, z1_l, q_l)
            labelled |= {name: labelled[name].detach() for name in OF_M1 if name in labelled}
            terms = {f"labelled/{name}": t.mean() for name, t in self.in_J(labelled).items()}
        q_u, z1_u, q_y = self.drawn(x_u)
        unlabelled = self.unlabelled_terms(x_u, q_u, z1_u, q_y)
        terms |= {f"unlabelled/{name}": t.mean() for name, t in unlabelled.items()}
        terms["code"] = self.warm_up.weight() * own_prior(q_u).mean()
        terms["classification"] = self.classification(x_l, y_l, alpha).mean()
        return terms | consistency_terms(self, self.q_y_of, q_y, x_u, alpha)

    def unlabelled_terms(self, x: Images, q_z1: Independent, z1: Latent, q_y: Categorical) -> dict[str, PerImage]:
        """The terms of U(x) as they stand in J: `bound` weighs those of M2, for without M1's there is no code.

        A warm-up is of both models: of M1's log q(z1|x), and of M2's KL.
        """
        s = self.settings
        if s.bound == 1 and not s.warm_up:
            return self.U_terms(x, q_z1, z1, q_y)
        log_q = q_z1.log_prob(z1)
        if not s.bound:
            own = self.m1.explain(x, self.m1.encoder_input(x), z1)
            return own | {"kl_z1": self.warm_up.weight() * log_q}
        terms = self.U_terms(x, q_z1, z1, q_y)
        of_m2 = {name: t for name, t in terms.items() if name not in OF_M1}
        of_m2["kl_z1"] = of_m2["kl_z1"] - log_q
        terms |= self.in_J(of_m2)
        return terms | {"kl_z1": terms["kl_z1"] + self.warm_up.weight() * log_q}

    @equation(
        "eq. 12 for z1",
        r"\mathcal J = \sum_{x_u} \big[\mathcal U(x) - E_{q(z_1|x)}[\log \mathcal N(z_1;0,1)]\big] + "
        r"\sum_{(x_l,y)} \big[\mathcal L(x,y) + \alpha\, E_{q(z_1|x)}[-\log q(y|z_1)]\big]",
    )
    def J(self, x_l: Images, y_l: Labels, x_u: Unlabelled, alpha: float) -> Scalar:
        """What training minimises: M1 by its own bound (3) of unlabelled images, all else by (12) of the codes."""
        return sum(self.terms(x_l, y_l, x_u, alpha).values())

    def unlabelled_costs(self, x: Images, q_y: Categorical, alpha: float, batch: Tensor) -> Terms:
        own = {"code": own_prior(self.read(x))}
        return own | super().unlabelled_costs(x, q_y, alpha, batch)

    def classify(self, x: Images) -> Categorical:
        """q(y|x): q(y|z1) at the mean of q(z1|x)."""
        return self.m2.q_y(as_image(self.read(x).mean))

    def auxiliary_posterior(self, x: Images) -> Distribution:
        """q(z1|x)."""
        return self.read(x)

    def auxiliary_prior(self, y: Labels, z: Latent) -> Distribution:
        """p(z1|y,z)."""
        p = self.m2.likelihood(y, z)
        return Independent(Normal(p.mean.flatten(-3), p.stddev.flatten(-3), validate_args=False), 1)

    def classify_at(self, x: Images, a: Latent | None) -> Categorical:
        """q(y|z1) at one value of z1; without one at the mean of q(z1|x)."""
        return self.classify(x) if a is None else self.m2.q_y(as_image(a))

    def posterior(self, x: Images, y: Labels, a: Latent | None = None) -> Independent:
        """q(z|z1,y); without a z1 at the mean of q(z1|x)."""
        return self.m2.posterior(as_image(self.read(x).mean if a is None else a), y)

    def encode(self, x: Images) -> dict[str, Latent]:
        """Posterior means: z1, and z at that z1 and the likeliest class."""
        return self.classify_and_encode(x)[1]

    def classify_and_encode(self, x: Images) -> tuple[Categorical, dict[str, Latent]]:
        z1 = self.read(x).mean
        q_y = self.m2.q_y(as_image(z1))
        return q_y, {"z": self.posterior(x, q_y.probs.argmax(-1), z1).mean, "z1": z1}

    def likelihood(self, y: Labels, z: Latent, a: Latent | None = None) -> Distribution:
        """p(x|z1); without a z1 at the mean of p(z1|y,z)."""
        return self.m1.p_x(self.auxiliary_prior(y, z).mean if a is None else a)

    @equation("eq. 4 for z1", r"p(z_1|y,z) = f(z_1; y, z, \theta),\quad p(x|z_1) = f(x; z_1, \theta)")
    def generate(self, y: Labels, z: Latent) -> Images:
        """Mean images of p(x|z1) at the mean of p(z1|y,z); y and z broadcast."""
        return self.likelihood(y, z).mean


def as_image(z1: Latent) -> Images:
    """A code as what M2 takes: an image of so many channels and one place."""
    return z1[..., None, None]


def own_prior(q_z1: Independent) -> PerImage:
    """E[-log N(z1; 0, 1)] under q(z1|x): with E[log q(z1|x)] the KL of M1's bound."""
    return ((q_z1.mean.square() + q_z1.variance + math.log(2 * math.pi)) / 2).sum(-1)
