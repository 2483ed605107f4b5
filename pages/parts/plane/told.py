"""What is to be seen in the panels, in a sentence whose numbers are those of the frames shown."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from models import BASELINE, MODELS
from models.plane.desk import Seen
from pages.parts.shared.figures import percent

DIFFER = 0.02  # of accuracy: methods nearer than this do not differ
STRAIGHT = 0.93  # of a method's answers that one straight line gives: it has cut the plane in halves
POOR = 0.8  # an accuracy below which that is worth saying


@dataclass(frozen=True)
class Shown:
    """What the panels show now."""

    seen: Mapping[str, Seen]
    points: np.ndarray  # (n, 2), training points
    labels: int
    classes: int

    @property
    def begun(self) -> bool:
        return any(one.step for one in self.seen.values())

    def best(self, generative: bool = True) -> str | None:
        """Of the methods shown that learn from unlabelled points, the most accurate."""
        able = [m for m in self.seen if m != BASELINE and (MODELS[m].draws or not generative)]
        return max(able, key=lambda m: self.seen[m].accuracy, default=None)

    def has(self, model: str) -> str:
        """ "M2 89.1 %"."""
        return f"{MODELS[model].legend} {percent(self.seen[model].accuracy)}"

    def all(self) -> str:
        return ", ".join(self.has(m) for m in self.seen)


def general(shown: Shown) -> str:
    """For whatever figure: who is ahead, with the same labels, and why if that can be seen."""
    without = len(shown.points) - shown.labels
    if not shown.seen:
        return ""
    if not shown.begun:
        return f"{shown.labels} points have a label, {without:,} have none. Press Play: all learn from the same points."
    best, base = shown.best(), shown.seen.get(BASELINE)
    if best is None or base is None:
        return f"Correct on the test points with the same {shown.labels} labels: {shown.all()}."
    ahead = shown.seen[best].accuracy - base.accuracy
    a, b, name = percent(shown.seen[best].accuracy), percent(base.accuracy), MODELS[best].legend
    if ahead >= DIFFER:
        return f"{name} follows the {without:,} unlabelled points to {a}; the {shown.labels} labels alone reach {b}."
    if ahead <= -DIFFER:
        return f"Here the generative models are behind: {name}, the best of them, {a}; labels only {b}. {halves(shown)}"
    return f"{name} {a}, labels only {b}: here the unlabelled points make no difference so far. {halves(shown)}"


def halves(shown: Shown) -> str:
    """The sentence on a generative model that spends y on halves of the plane, if one does."""
    if shown.classes != 2:
        return ""
    for model in sorted(shown.seen, key=lambda m: shown.seen[m].accuracy):
        seen = shown.seen[model]
        card = MODELS[model]
        if not card.draws or not card.generative.sees_class or seen.accuracy > POOR:
            continue
        if (share := straight(shown.points, seen.arrays["predicted"])) >= STRAIGHT:
            return (
                f"{card.legend} spends y on halves of the plane: a straight line gives {percent(share)} of its answers."
            )
    return ""


def straight(points: np.ndarray, predicted: np.ndarray) -> float:
    """The share of the answers, of two classes, that the line fitted to them by least squares gives, too.

    0 where nearly all answers are one class: then any line far away gives them.
    """
    if len(points) != len(predicted) or not 0.2 < np.mean(predicted == 1) < 0.8:
        return 0.0
    ones = np.column_stack([np.ones(len(points)), points]).astype(np.float64)
    sign = np.where(predicted == 1, 1.0, -1.0)
    fitted = ones @ np.linalg.lstsq(ones, sign, rcond=None)[0]
    return float(np.mean((fitted > 0) == (sign > 0)))
