"""The methods: a folder each under models/methods, one line here. Listing them loads no torch."""

from collections.abc import Iterable
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING

from data import Spec
from models.methods.card import Card
from models.methods.frozen import card as frozen
from models.methods.presets import AS, PRESETS, beside
from models.methods.supervised import card as supervised

if TYPE_CHECKING:
    from models.methods.method import Method

METHODS = (
    "m1",
    "m2",
    "adgm",
    "sdgm",
    "m1m2",
    "supervised",
    "label_spreading",
    "frozen",
    "mean_teacher",
    "fixmatch",
    "pi",
    "temporal_ensembling",
    "certainty",
    "fast_swa",
    "ct_gan",
)


class Registry(dict[str, Card]):
    """The methods by name. One that can learn from features is also there on a backbone: "m2-on-efficientnet"."""

    def __missing__(self, name: str) -> Card:
        found = _on_backbone(name)
        if found is None:
            raise KeyError(name)
        return found

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or (isinstance(name, str) and _on_backbone(name) is not None)


@lru_cache(maxsize=256)
def _on_backbone(name: str) -> Card | None:
    """The card of "m2-on-efficientnet"; None for a name that is no method on a backbone."""
    return frozen.named(name, MODELS)


MODELS = Registry(
    {card.name: card for folder in METHODS for card in import_module(f"models.methods.{folder}.card").CARDS}
)
BASELINE = "supervised"  # what every method is shown against: the same classifier on the labelled images alone
MODELS[BASELINE] = supervised.among(MODELS[BASELINE], MODELS)


def in_order(names: Iterable[str]) -> list[str]:
    """Methods, each once, as pages and tables list them: in the order above, one on a backbone after its like."""
    listed = list(MODELS)

    def place(name: str) -> tuple[int, str]:
        own = name in listed
        return listed.index(name if own else MODELS[name].method), "" if own else MODELS[name].backbone

    return sorted(dict.fromkeys(names), key=place)


IMAGE_MODELS = {name: card for name, card in MODELS.items() if "images" in card.kinds}  # those of pages about images
backbones = frozen.backbones
FIRST = [name for name, card in IMAGE_MODELS.items() if card.first]  # those with which pages begin


def baseline_of(model: str, spec: Spec, preset: str) -> tuple[str, str]:
    """What a method with a preset is held against: labels only, and with which preset.

    With the method's own augmentation, weight decay, averaging, batches and epochs, "as-adgm"; with its usual preset
    where these are the same, and beside a method whose labels teach no such classifier. On features, that on features.
    """
    card, usual = MODELS[model], MODELS[BASELINE]
    if card.frozen and card.unlabelled:
        return standing_on(BASELINE, card.backbone), preset
    if not card.labels_train_a_classifier or preset not in PRESETS or model == BASELINE:
        return BASELINE, preset
    of = {name: AS + name + ("" if preset == PRESETS[0] else f"-{preset}") for name in MODELS}

    def means(name: str) -> tuple:
        return usual.settings(spec, name), usual.epochs(spec, name)

    able = (of[name] for name, other in MODELS.items() if other.labels_train_a_classifier and name != BASELINE)
    fair = means(of[model])
    return BASELINE, next(name for name in (preset, *able) if means(name) == fair)  # one for those that share it


def is_preset(model: str, preset: object) -> bool:
    """Whether a method has a preset of this name."""
    if not isinstance(preset, str) or preset in PRESETS:
        return preset in PRESETS
    other, _ = beside(preset)
    return model == BASELINE and other in list(MODELS) and MODELS[other].labels_train_a_classifier


# The methods by which pages and the tour show an idea: a code learnt without labels, a latent class, an auxiliary.
CODE, CLASS, AUXILIARY = "m1", "m2", "adgm"

# Every term of an objective by its name in metrics.jsonl, per image, each the mean over its own batch. Nats, unless the
# card of the method says otherwise (`in_nats`).
TERMS: dict[str, str] = {term: title for card in MODELS.values() for term, title in card.terms.items()}


def standing_on(model: str, backbone: str) -> str:
    """The name of a method on a backbone, "m2" on "efficientnet"; the method's own on none. It may be that of none."""
    return frozen.name_of(model, backbone, MODELS) if backbone else model


def load_class(name: str) -> "type[Method]":
    """The class of a method, by its name in `MODELS`. Loads torch."""
    card = MODELS[name]
    module, _, attribute = card.path.partition(":")
    found = getattr(import_module(module), attribute)
    return import_module("models.methods.frozen.model").standing_on(found, card.backbone) if card.backbone else found
