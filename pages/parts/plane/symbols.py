"""What is written beside the curves of a panel: which densities of z they are, and which terms J has."""

from collections.abc import Iterable

from models import MODELS, TERMS
from models.nn.settings import Settings
from pages.parts.maths import formulas

SHORT = {"prior_y": "prior y", "kl_z": "KL z", "kl_a": "KL a", "entropy": "−entropy", "two_views": "two views"}


def densities(model: str, settings: Settings) -> tuple[str, str]:
    """What the approximate and the true posterior of z are called; empty where p(x|.) is none."""
    card = MODELS[model]
    if card.generative is None:
        return "", ""
    q = card.encoder(settings)
    if card.auxiliary:
        q = f"{q}, mean over q({card.auxiliary}|x)"
    return q, "p(z|x,y)" if card.generative.sees_class else "p(z|x)"


def terms(names: Iterable[str]) -> list[dict[str, str]]:
    """Of each term of J, by its name in metrics.jsonl: a word, which labelled and unlabelled share, and its colour."""
    found = []
    for name in names:
        kind = name.rpartition("/")[2]
        found.append({"title": TERMS.get(name, name), "short": SHORT.get(kind, kind), "colour": formulas.colour(kind)})
    return found
