"""fast-SWA: the Π-model, evaluated by the equal average of many of its weights.

Athiwaratkun, Finzi, Izmailov & Wilson, "There are many consistent explanations of unlabeled data: why you should
average", ICLR 2019. Sections are those of that paper.

    q(y|x)

The learning rate follows a cosine that would reach 0 later than the run gets. In the last share `averaged` of the run
it is cyclical: `cycles` times the same piece of the cosine, so that the weights go on moving. Over each cycle as many
as `snapshots` of them are taken, at high and at low rates alike, and their mean is what is evaluated and kept: of one
snapshot it is that snapshot. Before, it is the exponential average of every run (`ema`). How many there were follows
from the step, so that a run that was stopped goes on exactly. With `averaged` 0 this is the Π-model, step by step.

Differs from the paper: AdamW, and a short rise of the rate. Batch norm's mean and variance are averaged as the weights
are, where the paper computes them anew from images that pass through the averaged network. Both views have a gradient;
in the authors' code one.
"""

import math

from models.methods.equation import equation
from models.methods.pi.model import Pi
from models.nn.shapes import Images, Labels, PerImage, Scalar, Unlabelled

COSINE = 7 / 6  # how much later than its first cycle's end the cosine reaches 0: 210 epochs for 180


class FastSWA(Pi):
    """Cross-entropies are nats; the distance is a squared one between probabilities."""

    @equation("section 2.1", r"d(x) = \|q(y|x')-q(y|x'')\|^2")
    def consistency(self, x: Unlabelled) -> PerImage:
        """How far the probabilities of two augmented views of the image are apart."""
        return super().consistency(x)

    @equation("section 2.1, J", r"\mathcal J = \sum_{(x_l,y)} -\alpha\log q(y|x') + w(t)\,\alpha \sum_{x_u} d(x)")
    def J(self, x_l: Images, y_l: Labels, x_u: Unlabelled, alpha: float) -> Scalar:
        """What training minimises."""
        return super().J(x_l, y_l, x_u, alpha)

    def tail(self, total: int) -> tuple[int, int]:
        """At which step the cycles begin, and how many steps each takes; 0: there are none."""
        s = self.settings
        steps = round(s.averaged * total)
        return total - steps, math.ceil(steps / s.cycles)

    def rate_of(self, step: int, total: int) -> tuple[int, int]:
        start, cycle = self.tail(total)
        if not cycle:
            return step, total
        return step if step < start else start + (step - start) % cycle, round(COSINE * (start + cycle))

    @equation("section 4", r"\bar\phi_n = \frac{n-1}{n}\,\bar\phi_{n-1} + \frac1n\,\phi")
    def keeps(self, step: int, total: int, decay: float) -> float:
        """How much of the averaged weights stays when the weights after a step join them as the n-th snapshot."""
        start, cycle = self.tail(total)
        if step < start:
            return decay
        n, since = divmod(step + 1 - start, max(1, cycle // self.settings.snapshots))
        return 1.0 if since else (n - 1) / n
