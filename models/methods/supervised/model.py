"""Labels only: the baseline that every method is compared with.

The q(y|x) of M2 (section 3.2) on the labelled images alone: the same network, changes of the images, weight decay,
averaging of weights and number of steps as the preset it stands beside, which `--preset as-adgm` asks for. Filters
(models/nn/patch_features.py) are learned from the labelled images, too. What a method has above it, the unlabelled
images bought.
"""

from models.methods.classifier import ClassifierMethod
from models.methods.equation import equation
from models.nn.shapes import Images, Labels, PerImage, Scalar, Unlabelled


class Supervised(ClassifierMethod):
    """The cost is per image, in nats, and is minimised."""

    @equation("eq. 11, last term", r"-\alpha\log q(y|x)")
    def classification(self, x: Images, y: Labels, alpha: float) -> PerImage:
        """Cross-entropy, the only term in which a label meets q(y|x)."""
        return -alpha * self.log_q_y(self.q_y, self.augment(x), y)

    def terms(self, x_l: Images, y_l: Labels, x_u: Unlabelled, alpha: float) -> dict[str, Scalar]:
        """One term; the unlabelled images are not looked at."""
        return {"classification": self.classification(x_l, y_l, alpha).mean()}
