"""The methods: a folder each under models/methods, one line here. Listing them loads no torch."""

from collections.abc import Iterable
from importlib import import_module
from typing import TYPE_CHECKING

from models.methods.card import Card

if TYPE_CHECKING:
    from models.methods.method import Method

METHODS = (
    "m1",
    "m2",
    "adgm",
    "supervised",
    "label_spreading",
    "frozen",
    "mean_teacher",
    "fixmatch",
    "pi",
    "temporal_ensembling",
)

MODELS: dict[str, Card] = {
    card.name: card for folder in METHODS for card in import_module(f"models.methods.{folder}.card").CARDS
}
IMAGE_MODELS = {name: card for name, card in MODELS.items() if "images" in card.kinds}  # those of pages about images
BASELINE = "supervised"  # what every method is shown against: the same classifier on the labelled images alone
# The methods by which pages and the tour show an idea: a code learnt without labels, a latent class, an auxiliary.
CODE, CLASS, AUXILIARY = "m1", "m2", "adgm"

# Every term of an objective by its name in metrics.jsonl, per image, each the mean over its own batch. Nats, unless the
# card of the method says otherwise (`in_nats`).
TERMS: dict[str, str] = {term: title for card in MODELS.values() for term, title in card.terms.items()}


def unit_of(names: Iterable[str]) -> str:
    """The unit of the objectives of several methods: nats only where all are."""
    return min((MODELS[name].unit for name in names), key=len)


def load_class(name: str) -> "type[Method]":
    """The class of a method, by its name in `MODELS`. Loads torch."""
    module, _, attribute = MODELS[name].path.partition(":")
    return getattr(import_module(module), attribute)
