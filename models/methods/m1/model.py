"""M1: learn a code from all images, then read the class from it.

Kingma, Mohamed, Rezende & Welling, "Semi-supervised learning with deep generative models", NeurIPS 2014,
arXiv:1406.5298, section 2. Equation numbers are those of our paper, sections 2, 2.1 and 3.1.

    p(x, z) = p(x|z) p(z)        x: image    z: code
    q(z|x)                       y: read from z by an SVM fitted on the labelled images' codes

Training never sees a label; the SVM never sees an unlabelled image.

Not in the paper: beside the SVM a result says what labels that spread along the codes' nearest neighbours reach
(models/nn/spreading.py): that classifier sees the unlabelled images' codes as well.

Not in the paper: M1 has no p(x|y,z). To draw a class, a Gaussian is fitted to the codes of its labelled images
(one variance an axis, shrunk towards that of all of them) and z is drawn from that; pages say so.
The `tuned` preset shows the SVM augmented copies of the labelled images as well, and on grey images learns codes that
little depend on where a stroke lies: q(z|x') sees an augmented x' and p(x|z) must explain x itself. That is still a
bound on log p(x), since (3) holds whatever z is drawn from (Im et al., "Denoising criterion for variational
auto-encoding framework", AAAI 2017). On photographs the SVM reads an image together with its mirror image.

Differs from the paper: with `filters` a model of photographs also explains h(x), what filters learned from unlabelled
images answer to x (models/nn/patch_features.py), and q sees h(x) in place of x:

    p(x, h, z) = p(x|z) p(h|z) p(z)     q(z|h)

so that (3) bounds log p(x, h). Pixels alone make a code of brightness and position; what tells a photograph's class is
what is in it, wherever it is. Larsen et al., "Autoencoding beyond pixels using a learned similarity metric", ICML 2016,
score an image by features as well.
"""

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.distributions import Categorical, Distribution, Independent

from models.methods.equation import equation
from models.methods.m1.card import svm_copies
from models.methods.method import GenerativeMethod, Terms
from models.nn import distributions, layers, networks, spreading
from models.nn.augment import Augment, to_float
from models.nn.kl import kl_standard_normal
from models.nn.patch_features import PatchFeatures
from models.nn.settings import Settings
from models.nn.shapes import Images, Labels, Latent, PerImage, Scalar, Unlabelled

if TYPE_CHECKING:
    from models.methods.m1.svm import SVM

SHRINK = 5  # a class's variance counts as much as that of all classes would on so many images


class M1(GenerativeMethod):
    """The bound, minimised, is per image, in nats. Call `fit` after training, before `classify` and `generate`."""

    sees_class = False

    def __init__(
        self, q_z: nn.Module, p_x: nn.Module, n_y: int, n_z: int, settings: Settings | None = None,
        filters: PatchFeatures | None = None, p_h: nn.Module | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.n_y = n_y
        self.n_z = n_z
        self.settings = s = settings or Settings()
        self.q_z = q_z
        self.p_x = p_x
        self.filters = filters
        self.p_h = p_h
        self.p_z = distributions.StandardNormal(n_z)
        self.augment = Augment.of(s)
        self.svm: SVM | None = None
        self.x_u: Tensor | None = None

    @classmethod
    def build(cls, shape: tuple[int, ...], n_y: int, s: Settings) -> "M1":
        """The networks of 3.1 (`conv`) or the tuned ones, for images of `shape` (channels, height, width)."""
        p_x = distributions.conditional_x(networks.decoder((s.n_z,), shape, s), shape)
        if not s.filters:
            return cls(distributions.ConditionalNormal(*networks.encoder(shape, s), s.n_z), p_x, n_y, s.n_z, s)
        h = PatchFeatures(shape[0], s.filters)
        q_z = distributions.ConditionalNormal(layers.Dense((h.size,), s.hidden), s.hidden[-1], s.n_z)
        p_h = distributions.ConditionalReals(layers.Dense((s.n_z,), s.hidden, h.size), h.size)
        return cls(q_z, p_x, n_y, s.n_z, s, h, p_h)

    def encoder_input(self, x: Images) -> Tensor:
        """What q(z|·) sees of an image: itself, or h(x) if there are filters."""
        return x if self.filters is None else self.filters(x)

    def bound_terms(self, x: Images) -> dict[str, PerImage]:
        """The terms of the bound."""
        seen = self.encoder_input(x)
        q_z = self.q_of_z(x, seen)
        reconstruction, *filters = self.explain(x, seen, q_z.rsample()).items()
        return dict([reconstruction, ("kl_z", kl_standard_normal(q_z)), *filters])

    def q_of_z(self, x: Images, seen: Tensor) -> Independent:
        """q(z|x). With `denoise`, in training, that of an augmented x: (3) holds whatever q is."""
        return self.q_z(self.encoder_input(self.augment(x)) if self.settings.denoise and self.training else seen)

    def explain(self, x: Images, seen: Tensor, z: Latent) -> dict[str, PerImage]:
        """What it costs to explain an image by its code."""
        terms = {"reconstruction": -self.p_x(z).log_prob(x)}
        return terms if self.p_h is None else terms | {"filters": -self.p_h(z).log_prob(seen)}

    @equation("eq. 3", r"\log p(x) \geq E_{q(z|x)}[\log p(x|z) + \log p(z) - \log q(z|x)]")
    def bound(self, x: Images) -> PerImage:
        """Bound on -log p(x), the last two terms in closed form: KL[q(z|x) ‖ p(z)]. With filters, on -log p(x, h)."""
        return sum(self.bound_terms(x).values())

    def terms(self, x_l: Images, y_l: Labels, x_u: Unlabelled, alpha: float) -> dict[str, Scalar]:
        """The terms of J: the mean over all images, labelled and unlabelled alike; y_l and alpha are not looked at."""
        return {name: t.mean() for name, t in self.bound_terms(torch.cat([x_l, x_u])).items()}

    def terms_under_class(self, x: Images, y: Tensor) -> dict[str, PerImage]:
        """The terms of (3): M1 has no class."""
        return self.bound_terms(x)

    def terms_of_image(self, x: Tensor, alpha: float, draws: int, batch: Tensor) -> dict[str, Terms | Tensor]:
        """The terms of (3); labels cost nothing, and what the SVM says is not part of J."""
        return {"bound": self.bound_terms(x.expand(draws, *x.shape))}

    def fit(self, x_l: Images, y_l: Labels) -> None:
        """Fit the SVM on the codes of the labelled images, 2.1."""
        x, y = self.with_copies(x_l, y_l)
        self.set_svm(self.encode(x)["z"].float().cpu().numpy(), y.cpu().numpy(), len(x_l))

    def with_copies(self, x_l: Images, y_l: Labels) -> tuple[Tensor, Tensor]:
        """The labelled images, and augmented copies of them if the settings say so."""
        copies = svm_copies(self.settings, len(x_l))
        return torch.cat([x_l, *(self.augment(x_l) for _ in range(copies))]), y_l.repeat(1 + copies)

    def pixel_accuracy(self, x_l: Images, y_l: Labels, x_test: Tensor, y_test: Tensor) -> float:
        """What M1 is shown beside: the accuracy of the same SVM, fitted on raw pixels instead of codes."""
        x, y = self.with_copies(x_l, y_l)
        svm = self.machine(x.flatten(1).cpu().numpy(), y.cpu().numpy(), len(x_l))
        k = svm.log_prob(*(x.flatten(1).cpu().numpy() for x in self.readings(x_test))).argmax(1)
        return float((k == y_test.cpu().numpy()).mean())

    def machine(self, z: np.ndarray, y: np.ndarray, originals: int | None = None) -> "SVM":
        """The SVM of these settings, fitted on codes or pixels."""
        from models.methods.m1.svm import SVM  # scikit-learn starts threads, which a process that forks must not have

        return SVM(z, y, self.n_y, originals, self.settings.svm_c, self.settings.svm_weighed)

    def readings(self, x: Images) -> list[Images]:
        """What the SVM reads of images: them, and if the settings say so their mirror images."""
        return [x, x.flip(-1)] if self.settings.svm_mirrored else [x]

    def set_svm(self, z: np.ndarray, y: np.ndarray, originals: int | None = None) -> None:
        """Fit the SVM on codes that were kept, and the Gaussian of each class from which `generate` draws."""
        self.svm = self.machine(z, y, originals)
        every, loc, var = z.var(0), [], []
        for k in range(self.n_y):
            of_k = z[y == k]
            loc.append(of_k.mean(0))
            var.append((len(of_k) * of_k.var(0) + SHRINK * every) / (len(of_k) + SHRINK))
        device = self.p_z.zero.device
        self.class_loc = torch.as_tensor(np.stack(loc), device=device)
        self.class_scale = torch.as_tensor(np.sqrt(np.stack(var)), device=device)

    def extra_files(self) -> dict[str, dict[str, Tensor]]:
        """The codes that the SVM was fitted on: fitting it again gives the same one."""
        if self.svm is None:
            return {}
        codes = {name: torch.as_tensor(getattr(self.svm, name)) for name in ("z", "y", "originals")}
        return {"svm.safetensors": codes}

    def load_extra(self, name: str, tensors: dict[str, Tensor]) -> None:
        self.set_svm(tensors["z"].numpy(), tensors["y"].numpy(), int(tensors["originals"]))

    def see_unlabelled(self, x: Tensor) -> None:
        self.x_u = x

    @torch.no_grad()
    def spreading_accuracy(self, x_l: Images, y_l: Labels, x_u: Tensor, x_test: Tensor, y_test: Tensor) -> float:
        """What else the codes are good for: the accuracy of labels that spread along their nearest neighbours."""
        z = [self.encode(to_float(x))["z"].float() for part in (x_l, x_u) for x in part.split(spreading.AT_ONCE)]
        codes = spreading.Vectors(z, lambda z: z)
        shares = spreading.spread(spreading.neighbours(codes), y_l, self.n_y, spreading.ALPHA)
        asked = zip(x_test.split(spreading.AT_ONCE), y_test.split(spreading.AT_ONCE), strict=True)
        right = sum(
            (spreading.read(self.encode(x)["z"].float(), codes, shares).argmax(-1) == y).sum().item() for x, y in asked
        )
        return right / len(y_test)

    def extra_results(self, x_l: Images, y_l: Labels, x_test: Tensor, y_test: Tensor) -> dict[str, float]:
        """What M1 is shown beside: the same SVM on raw pixels, and label spreading on its codes."""
        found = {"raw_pixel_svm_accuracy": self.pixel_accuracy(x_l, y_l, x_test, y_test)}
        if self.x_u is not None:
            found["spreading_accuracy"] = self.spreading_accuracy(x_l, y_l, self.x_u, x_test, y_test)
        return found

    def classify(self, x: Images) -> Categorical:
        """q(y|x): the SVM's scores at the posterior mean of z, calibrated."""
        z = [self.encode(reading)["z"] for reading in self.readings(x)]
        if self.svm is None:
            raise RuntimeError("M1 cannot classify before `fit`.")
        log_prob = self.svm.log_prob(*(one.float().cpu().numpy() for one in z))
        logits = torch.as_tensor(log_prob, dtype=z[0].dtype, device=z[0].device)
        return Categorical(logits=logits, validate_args=False)

    def likelihood(self, y: Labels, z: Latent, a: Latent | None = None) -> Distribution:
        """p(x|z), whatever y."""
        return self.p_x(z)

    def posterior(self, x: Images, y: Labels, a: Latent | None = None) -> Independent:
        """q(z|x), whatever y."""
        return self.q_z(self.encoder_input(x))

    def encode(self, x: Images) -> dict[str, Latent]:
        """Posterior means."""
        return {"z": self.q_z(self.encoder_input(x)).mean}

    def generate(self, y: Labels, z: Latent) -> Images:
        """Mean images of p(x|z') with z' = the class's mean + its scale times z; y and z broadcast."""
        return self.decode(self.class_loc[y] + self.class_scale[y] * z)

    def decode(self, z: Tensor, y: Labels | None = None) -> Images:
        """Mean images of p(x|z), whatever y."""
        return self.p_x(z).mean

    def style(self, z: Latent, y: Labels) -> Latent:
        """Where a code lies within the Gaussian of class y, for the code holds the class as well."""
        return (z - self.class_loc[y]) / self.class_scale[y]

    def code_prior(self, y: int) -> tuple[Tensor, Tensor]:
        """The Gaussian of class y: M1's prior says nothing of a class, what its SVM was shown does."""
        return self.class_loc[y], self.class_scale[y]
