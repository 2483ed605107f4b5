"""Methods that are a classifier and nothing else: all have the same network, so that what they learn compares."""

from torch.distributions import Categorical

from models.methods.method import Method
from models.nn import distributions, networks
from models.nn.augment import Augment, Mixup
from models.nn.settings import Settings
from models.nn.shapes import Images, Labels, Latent, PerImage


class ClassifierMethod(Method):
    """q(y|x), and what a label costs."""

    q_y: distributions.ConditionalCategorical

    def __init__(self, q_y: distributions.ConditionalCategorical, settings: Settings | None = None) -> None:
        super().__init__()
        self.settings = s = settings or Settings()
        self.q_y = q_y
        self.augment = Augment.of(s)
        self.log_q_y = Mixup(s.mixup)

    @classmethod
    def build(cls, shape: tuple[int, ...], n_y: int, s: Settings) -> "ClassifierMethod":
        body, features = networks.classifier(shape, s)
        return cls(distributions.ConditionalCategorical(body, features, n_y), s)

    def classification(self, x: Images, y: Labels, alpha: float) -> PerImage:
        """What a labelled image costs."""
        raise NotImplementedError(f"{type(self).__name__} has no classification.")

    def label_cost(self, x: Images, y: Labels, alpha: float) -> PerImage:
        return self.classification(x, y, alpha)

    def classify(self, x: Images) -> Categorical:
        """q(y|x)."""
        return self.q_y(x)

    def encode(self, x: Images) -> dict[str, Latent]:
        """The last hidden layer: not a latent variable, but the nearest thing to a map that a classifier has."""
        return self.classify_and_encode(x)[1]

    def classify_and_encode(self, x: Images) -> tuple[Categorical, dict[str, Latent]]:
        h = self.q_y.body(x)
        return self.q_y.of(h), {"h": h}
