"""M2: a generative model whose class is sometimes observed.

Kingma, Mohamed, Rezende & Welling, "Semi-supervised learning with deep generative models", NeurIPS 2014,
arXiv:1406.5298, section 2. Equation numbers are those of our paper, sections 2.2 and 3.2.

    p(x, y, z) = p(x|y,z) p(y) p(z)        x: image    y: class    z: style          (4, 7)
    q(y, z|x)  = q(y|x) q(z|x)                                                      (5)

How the paper is read: K1 = log p(y) = -log K stands inside L in (6) and outside it in (9) to (11); here it is always
inside L, so that -L bounds log p(x, y) and -U bounds log p(x). The `y` lost from L(x, .) in (6) is restored. pi is not
learned: the classes are equally likely, as the text below (6) says. The infinite KL of (9) is left out, as in (10).

Differs from the paper: J averages each term over its own batch; (12) sums over the data sets, which would weigh a
labelled image as much as an unlabelled one. Here each labelled image weighs N_u/N_l times as much, its alpha included:
12 times with 100 labels of the digits, 59 with 1000 of MNIST. Maaløe's code for ADGM averages in the same way, Kingma's
for M2 sums as (12) does. The `tuned` preset adds the consistency cost of the paper's section 5,
with `mixup` q(y|.) is asked about images between two labelled ones, and with `two_views` about two augmented views of
an unlabelled one (models/nn/augment.py). With `filters` q(y|.) sees, beside x, the activations of filters learned from
unlabelled images (models/nn/patch_features.py).
Options: `encoder_sees_y`, Kingma's own q(z|x,y), where (5) has q(z|x); `bound_u`, U of a part of a step's images;
`bound`, the weight of L and U: with 0, J is that of labels only, and consistency if there is any; `reconstructed`, the
weight of consistency with the reconstruction; `warm_up`, in which the KL terms gain their weight;
`contrastive_epochs`, in which the convolutions of q(y|.) learn before J (models/methods/contrastive.py).
"""

from torch import nn
from torch.distributions import Categorical, Independent

from models.methods.class_latent import ClassLatentMethod
from models.methods.class_sum import class_weights
from models.methods.consistency import ConfidenceMaskedConsistency, bound_subset, consistency_terms
from models.methods.equation import equation
from models.methods.warm_up import WarmUp
from models.nn import distributions, networks
from models.nn.augment import Augment, Mixup
from models.nn.kl import kl_standard_normal
from models.nn.settings import Settings
from models.nn.shapes import Images, Labels, Latent, PerImage, PerPair, Scalar, Unlabelled


class M2(ClassLatentMethod):
    """Every bound is per image, in nats, and is minimised."""

    def __init__(
        self, q_y: nn.Module, q_z: nn.Module, p_x: nn.Module, n_y: int, n_z: int, settings: Settings | None = None
    ) -> None:
        super().__init__()
        self.n_y = n_y
        self.n_z = n_z
        self.settings = s = settings or Settings()
        self.q_y = q_y
        self.q_z = q_z
        self.p_x = p_x
        self.p_y = distributions.Uniform(n_y)
        self.p_z = distributions.StandardNormal(n_z)
        self.augment = Augment.of(s)
        self.log_q_y = Mixup(s.mixup)
        self.warm_up = WarmUp(s.warm_up)
        self.consistency = ConfidenceMaskedConsistency(s.threshold, n_y)

    @classmethod
    def build(cls, shape: tuple[int, ...], n_y: int, s: Settings) -> "M2":
        """The networks of 3.2 (`conv`) or the tuned ones, for images of `shape` (channels, height, width)."""
        q_y, features = networks.classifier(shape, s)
        body = networks.encoder(shape, s, n_y if s.encoder_sees_y else 0)
        return cls(
            q_y=distributions.ConditionalCategorical(q_y, features, n_y),
            q_z=distributions.ConditionalNormal(*body, s.n_z),
            p_x=distributions.conditional_x(networks.decoder((n_y, s.n_z), shape, s), shape),
            n_y=n_y, n_z=s.n_z, settings=s,
        )  # fmt: skip

    def L_terms(self, x: Images, y: Labels) -> dict[str, PerPair]:
        """The terms of L(x, y); x and y broadcast, and what does not depend on y is computed once."""
        hot = distributions.one_hot(y, self.n_y)
        q_z = self.q_z(x, hot) if self.settings.encoder_sees_y else self.q_z(x)
        z = q_z.rsample()
        return {
            "reconstruction": -self.p_x(hot, z).log_prob(x),
            "prior_y": -self.p_y().log_prob(y),
            "kl_z": kl_standard_normal(q_z),
        }

    @equation("eq. 6, L", r"-\mathcal L(x,y) = E_{q(z|x)}[\log p(x|y,z)] + \log p(y) - \mathrm{KL}[q(z|x)\,\|\,p(z)]")
    def L(self, x: Images, y: Labels) -> PerImage:
        """Bound on -log p(x, y): the image and its class are both observed."""
        return sum(self.L_terms(x, y).values())

    def U_terms(self, x: Images, q_y: Categorical) -> dict[str, PerImage]:
        """The terms of U(x): those of L, weighed by q(y|x), and minus its entropy."""
        classes = class_weights(q_y, self.settings)
        terms = {name: classes.mean(term) for name, term in self.L_terms(x, classes.y).items()}
        return terms | {"entropy": -q_y.entropy()}

    @equation("eq. 6", r"-\mathcal U(x) = \sum_y q(y|x)\,(-\mathcal L(x,y)) + \mathcal H(q(y|x))")
    def U(self, x: Images) -> PerImage:
        """Bound on -log p(x): the class is summed out (of many classes an estimate: methods/class_sum.py)."""
        return sum(self.U_terms(x, self.q_y(x)).values())

    @equation("eq. 11", r"\alpha\log q(y|x)")
    def classification(self, x: Images, y: Labels, alpha: float) -> PerImage:
        """What (11) adds to L for a labelled image; without it q(y|x) would see no label."""
        return -alpha * self.log_q_y(self.q_y, self.augment(x), y)

    def terms(self, x_l: Images, y_l: Labels, x_u: Unlabelled, alpha: float) -> dict[str, Scalar]:
        """The terms of J, each the mean over its own batch, or over a part of it: that is the batch of U, then."""
        if not self.settings.bound:
            return self.without_bound(x_l, y_l, x_u, alpha)
        some = bound_subset(x_u, self.settings)
        q_y = self.q_y(some)
        terms = {f"labelled/{name}": t.mean() for name, t in self.in_J(self.L_terms(x_l, y_l)).items()}
        terms |= {f"unlabelled/{name}": t.mean() for name, t in self.in_J(self.U_terms(some, q_y)).items()}
        terms["classification"] = self.classification(x_l, y_l, alpha).mean()
        terms |= {name: t.mean() for name, t in self.reconstructed(some, q_y, alpha).items()}
        return terms | consistency_terms(self, self.q_y, q_y, x_u, alpha)

    @equation("eq. 12", r"\mathcal J = \sum_{x_u} \mathcal U(x) + \sum_{(x_l,y)} [\mathcal L(x,y) - \alpha\log q(y|x)]")
    def J(self, x_l: Images, y_l: Labels, x_u: Unlabelled, alpha: float) -> Scalar:
        """What training minimises."""
        return sum(self.terms(x_l, y_l, x_u, alpha).values())

    def classify(self, x: Images) -> Categorical:
        """q(y|x), eq. 5."""
        return self.q_y(x)

    def posterior(self, x: Images, y: Labels, a: Latent | None = None) -> Independent:
        """q(z|x), or q(z|x,y) where the encoder sees a class."""
        return self.q_z(x, distributions.one_hot(y, self.n_y)) if self.settings.encoder_sees_y else self.q_z(x)

    def encode(self, x: Images) -> dict[str, Latent]:
        """Posterior means: z, given the likeliest class where the encoder sees one."""
        return self.classify_and_encode(x)[1]

    def classify_and_encode(self, x: Images) -> tuple[Categorical, dict[str, Latent]]:
        q_y = self.q_y(x)
        return q_y, {"z": self.posterior(x, q_y.probs.argmax(-1)).mean}

    @equation("eq. 4", r"p(x|y,z) = f(x; y, z, \theta)")
    def generate(self, y: Labels, z: Latent) -> Images:
        """Mean images of p(x|y,z); y and z broadcast."""
        return self.p_x(distributions.one_hot(y, self.n_y), z).mean
