"""The ranges of the numbers of a run: one read from a file can ask for anything, and pages build what it names.

Each range holds every preset and what one may reasonably try. The largest networks within them have .75 GiB of weights
(measured 2026-11-28); a run of `width` 4000 asked for 7.7 GiB when a page opened it. Loads no torch.
"""

import reprlib
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.nn.settings import Settings

MOST_EPOCHS = 100_000
MOST_THREADS = 512  # CPU threads; OpenMP ends the process when it is asked for more than the system can start
MOST = 2**31  # of any other whole number: labels, a seed


@dataclass(frozen=True)
class Number:
    """A number from `least` to `most`; `whole` ones are counted."""

    least: float
    most: float
    whole: bool = False

    def holds(self, value: object) -> bool:
        kinds = (int,) if self.whole else (int, float)
        return isinstance(value, kinds) and type(value) in kinds and self.least <= value <= self.most  # no NaN

    def __str__(self) -> str:
        return f"a {'whole ' * self.whole}number from {self.least:,} to {self.most:,}"


@dataclass(frozen=True)
class Name:
    """One of these names."""

    of: tuple[str, ...]

    def holds(self, value: object) -> bool:
        return isinstance(value, str) and value in self.of

    def __str__(self) -> str:
        return f"one of {', '.join(self.of)}"


@dataclass(frozen=True)
class Switch:
    """True or False."""

    def holds(self, value: object) -> bool:
        return isinstance(value, bool)

    def __str__(self) -> str:
        return "true or false"


@dataclass(frozen=True)
class Layers:
    """The sizes of one to `most` layers, each within `size`."""

    most: int
    size: Number

    def holds(self, value: object) -> bool:
        return isinstance(value, tuple) and 1 <= len(value) <= self.most and all(map(self.size.holds, value))

    def __str__(self) -> str:
        return f"1 to {self.most} layers, each {self.size}"


Range = Number | Name | Switch | Layers


def count(least: int, most: int) -> Number:
    return Number(least, most, whole=True)


WHOLE = count(0, MOST)
ON = Switch()
SHARE = Number(0, 1)
WEIGHT = Number(0, 1e6)  # of a term of J
STRENGTH = Number(0, 10)  # 1 is what a preset calls strong


def trouble(settings: "Settings") -> str:
    """A sentence about the first setting out of its range: the value, the range and what to do; "" if none is."""
    for field in fields(settings):
        value, known = getattr(settings, field.name), field.metadata["range"]
        if isinstance(value, list | dict):
            return f"Its setting {field.name} = {shown(value)} is damaged. Choose {known}."
        if not known.holds(value):
            return f"No run can have its setting {field.name} = {shown(value)}. Choose {known}."
    return ""


def trouble_of_number(what: str, value: object, least: int, most: int = MOST) -> str:
    """A sentence if `value` is no whole number from `least` to `most`; "" if it is."""
    known = count(least, most)
    return "" if known.holds(value) else f"{shown(value)} is not a possible number of {what}. Choose {known}."


def shown(value: object) -> str:
    """A value of any type in a sentence: short, however long or deep it is."""
    return reprlib.repr(value)
