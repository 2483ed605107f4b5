"""Parts of a method that can be taken off, one at a time: which settings that is, and what the part is called.

`--bound off` in the shell is `--set bound=0`, and what `python -m models ablate` trains are such runs. No torch.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from models.errors import RunError
from models.methods.card import Card
from models.nn.settings import Settings, read

ON, OFF = "on", "off"


@dataclass(frozen=True, eq=False)  # there is one of each
class Part:
    """A part of a method, by the settings without it: the first is the one that a method with this part uses."""

    name: str  # in the shell: --bound
    words: str  # in a sentence: "without the bound"
    off: Mapping[str, Any]
    on: Mapping[str, Any]  # where the preset has it off

    @property
    def setting(self) -> str:
        """The setting that says how much of it there is."""
        return next(iter(self.off))

    def of(self, card: Card) -> bool:
        """Whether a method has this part."""
        return self.setting in card.reads

    def without(self, card: Card) -> dict[str, Any]:
        """The settings that take it off this method."""
        return {name: value for name, value in self.off.items() if name in card.reads}

    def settings(self, text: str, card: Card, usual: Settings) -> dict[str, Any]:
        """The settings of "on", "off" or an amount; `usual` are the preset's. Raises RunError."""
        if not self.of(card):
            has = [f"--{part.name}" for part in PARTS if part.of(card)]
            others = f"What it has: {', '.join(has)}." if has else "It has no part that can be taken off."
            raise RunError(f"{card.title} has no {self.words} to set with --{self.name} {text}. {others}")
        without = self.without(card)
        if text == OFF:
            return without
        if text == ON:
            preset = {name: getattr(usual, name) for name in without}
            return dict(self.on) if preset == without else preset
        return {self.setting: read(self.setting, text)}


AUGMENT_OFF = {"augment": 0.0, "flip": False, "color_jitter": 0.0, "cutout": 0.0}
PARTS = (
    Part("bound", "bound", {"bound": 0.0}, {"bound": 1.0}),
    Part("consistency", "consistency", {"consistency": 0.0}, {"consistency": 1.0}),
    Part("augment", "augmentation", AUGMENT_OFF, {"augment": 1.0}),
    Part("auxiliary", "auxiliary variable", {"auxiliary": False}, {"auxiliary": True}),
)


def asked(of: object, card: Card, usual: Settings) -> dict[str, Any]:
    """The settings of all parts that `of`, the options of a command, names. Raises RunError."""
    found: dict[str, Any] = {}
    for part in PARTS:
        if text := getattr(of, part.name, None):
            found |= part.settings(text, card, usual)
    return found


def taken_off(custom: Iterable[str], card: Card, s: Settings, usual: Settings) -> tuple[Part, ...] | None:
    """The parts that the settings `custom` take off; None if they do something else, too."""
    parts, left = [], set(custom)
    for part in PARTS:
        without = part.without(card)
        changed = {name for name, value in without.items() if getattr(usual, name) != value}
        if part.of(card) and changed and all(getattr(s, name) == value for name, value in without.items()):
            parts.append(part)
            left -= changed
    return None if left else tuple(parts)


def named(parts: Iterable[Part]) -> str:
    """ "without bound and consistency"; "" without any."""
    words = [part.words for part in parts]
    return f"without {' and '.join(words)}" if words else ""
