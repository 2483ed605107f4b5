"""Labels only: the baseline that every method is compared with.

The q(y|x) of M2 (section 3.2) on the labelled images alone: the same network, changes of the images, averaging of
weights and number of steps as the preset it stands beside. Filters (models/nn/patch_features.py) are learned from the
labelled images, too. What a method has above it, the unlabelled images bought.
"""

from torch.distributions import Categorical

from models.methods.equation import equation
from models.methods.method import Method
from models.nn import distributions, networks
from models.nn.augment import Augment, Mixup
from models.nn.settings import Settings
from models.nn.shapes import Images, Labels, Latent, PerImage, Scalar, Unlabelled


class Supervised(Method):
    """The cost is per image, in nats, and is minimised."""

    def __init__(self, q_y: distributions.ConditionalCategorical, settings: Settings | None = None) -> None:
        super().__init__()
        self.settings = s = settings or Settings()
        self.q_y = q_y
        self.augment = Augment.of(s)
        self.log_q_y = Mixup(s.mixup)

    @classmethod
    def build(cls, shape: tuple[int, ...], n_y: int, s: Settings) -> "Supervised":
        body, features = networks.classifier(shape, s)
        return cls(distributions.ConditionalCategorical(body, features, n_y), s)

    @equation("eq. 11, last term", r"-\alpha\log q(y|x)")
    def classification(self, x: Images, y: Labels, alpha: float) -> PerImage:
        """Cross-entropy, the only term in which a label meets q(y|x)."""
        return -alpha * self.log_q_y(self.q_y, self.augment(x), y)

    def terms(self, x_l: Images, y_l: Labels, x_u: Unlabelled, alpha: float) -> dict[str, Scalar]:
        """One term; the unlabelled images are not looked at."""
        return {"classification": self.classification(x_l, y_l, alpha).mean()}

    def label_cost(self, x: Images, y: Labels, alpha: float) -> PerImage:
        return self.classification(x, y, alpha)

    def classify(self, x: Images) -> Categorical:
        return self.q_y(x)

    def encode(self, x: Images) -> dict[str, Latent]:
        """The last hidden layer: not a latent variable, but the nearest thing to a map that a classifier has."""
        return self.classify_and_encode(x)[1]

    def classify_and_encode(self, x: Images) -> tuple[Categorical, dict[str, Latent]]:
        h = self.q_y.body(x)
        return self.q_y.of(h), {"h": h}
