"""SDGM, the skip deep generative model: ADGM whose p(x|.) sees the auxiliary variable, too.

Maaløe, Sønderby, Sønderby & Winther, "Auxiliary deep generative models", ICML 2016, arXiv:1602.05473, which proposes it
beside ADGM: two layers of latent variables, and a connection that skips the second. Equation numbers are those of our
paper, section 2.3, for ADGM; what SDGM changes in them is written out.

    p(x, y, a, z) = p(x|a,y,z) p(a|z,y) p(y) p(z)
    q(a, y, z|x)  = q(a|x) q(y|a,x) q(z|a,y,x)                                       (18 to 20)

In ADGM p(a|z,y,x) sees x, so that a can be integrated out of p and leaves M2's p(x, y, z). Here a is a part of how an
image comes about: p(a|z,y) comes before x, and p(x|y,z) is the mean of p(x|a,y,z) over it. Where p(x|a,y,z) looks past
a, SDGM is an ADGM whose p(a|z,y,x) looks past x, term by term.

How the paper is read: a picture of a class y and a style z is drawn at the mean of p(a|z,y), so that the same z always
gives the same picture.

Differs from the paper: J averages each term over its own batch, see models/methods/m2/model.py, and a step draws a and
z once. Not in the paper: what the `tuned` preset adds, see models/methods/adgm/model.py.
"""

from torch.distributions import Distribution

from models.methods.adgm.model import ADGM
from models.methods.equation import equation
from models.nn import distributions, networks
from models.nn.settings import Settings
from models.nn.shapes import Images, Labels, Latent, PerImage


class SDGM(ADGM):
    """Every bound is per image, in nats, and is minimised."""

    @classmethod
    def build(cls, shape: tuple[int, ...], n_y: int, s: Settings) -> "SDGM":
        """ADGM's networks, but for p(a|z,y), which sees no image, and p(x|a,y,z), which sees a."""
        p_a = networks.dense((s.n_z, n_y), s)
        return cls(
            **cls.inference_networks(shape, n_y, s),
            p_a=distributions.ConditionalNormal(p_a, s.hidden[-1], s.n_a),
            p_x=distributions.conditional_x(networks.decoder((n_y, s.n_z, s.n_a), shape, s), shape),
            n_y=n_y, n_z=s.n_z, settings=s,
        )  # fmt: skip

    def auxiliary_prior(self, y: Labels, z: Latent) -> Distribution:
        """p(a|z,y)."""
        return self.p_a(z, distributions.one_hot(y, self.n_y))

    def auxiliary_likelihood(self, x: Images, y: Labels, z: Latent) -> Distribution:
        """p(a|z,y), whatever x."""
        return self.auxiliary_prior(y, z)

    def likelihood(self, y: Labels, z: Latent, a: Latent | None = None) -> Distribution:
        """p(x|a,y,z); without an a at the mean of p(a|z,y)."""
        return self.p_x(distributions.one_hot(y, self.n_y), z, self.auxiliary_prior(y, z).mean if a is None else a)

    @equation(
        "eq. 21 for SDGM",
        r"-\mathcal L(x,y) = "
        r"E_{q(a,z|x,y)}\left[\log\frac{p(x|a,y,z)\,p(a|z,y)\,p(y)\,p(z)}{q(a|x)\,q(z|a,y,x)}\right]",
    )
    def L(self, x: Images, y: Labels, a: Latent | None = None) -> PerImage:
        """Bound on -log p(x, y): the image and its class are both observed."""
        return sum(self.L_terms(x, y, a).values())

    @equation("eq. 17 for SDGM", r"p(x|a,y,z) = f(x; a, y, z, \theta)")
    def generate(self, y: Labels, z: Latent) -> Images:
        """Mean images of p(x|a,y,z) at the mean of p(a|z,y); y and z broadcast."""
        return self.likelihood(y, z).mean
