"""What a panel is called and what is written in it: which densities of z its curves are, and which terms J has."""

from collections.abc import Iterable

from models import MODELS, TERMS
from models.nn.settings import Settings
from models.plane.desk import Seen
from models.plane.setup import SetUp
from pages.parts.components.plane import Panel
from pages.parts.maths import formulas
from pages.parts.shared import palette

SHORT = {"prior_y": "prior y", "kl_z": "KL z", "kl_a": "KL a", "entropy": "−entropy", "two_views": "two views"}


def panel(setup: SetUp | None, model: str, seen: Seen | None) -> Panel:
    """The panel of one of a session's methods, or of one that has nothing to learn from yet."""
    card = MODELS[model]
    q_title, p_title = densities(model, setup.run(model).settings) if setup else ("", "")
    space = next(iter(card.latents), "")  # the one below the panel
    of_J = terms((seen and seen.J) or card.terms)
    colour = palette.model_colour(model)
    return Panel(model, card.title, colour, card.summary, space, seen, q_title, p_title, of_J, card.in_nats)


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
