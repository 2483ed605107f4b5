"""Labels that somebody gave, and the run they continue: what a Run remembers of both. Loads nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from data import Spec

ANYBODY = "anonymous"  # who gave a label, if they did not say
DATA_SET = "the data set"  # who gave it, where chance drew the images and their own classes were revealed
HOW = ("by hand", "least sure", "random")  # the ways to come by an image
LONGEST_NAME = 40


@dataclass(frozen=True)
class Label:
    """One label that somebody gave. It is what the model is told, be it right or wrong."""

    image: int  # a training image
    y: int  # the class it was given
    by: str = ANYBODY
    at: str = ""  # when, in UTC: "2026-11-24T12:00:00"
    how: str = HOW[0]  # how one came by the image


@dataclass(frozen=True)
class Parent:
    """The run whose weights another one begins from."""

    id: str
    epoch: int  # the last whole epoch it had behind it


def pairs(given: Sequence[Label]) -> list[tuple[int, int]]:
    """(training image, class) each: what `data.split` wants to know of them."""
    return [(g.image, g.y) for g in given]


def trouble(given: Sequence[Label], spec: Spec) -> str | None:
    """A sentence why these cannot be labels of a data set, as far as that is known without opening it; or None."""
    seen = set()
    for g in given:
        if not (_whole(g.image) and _whole(g.y)):
            return f"A given label is two whole numbers, a training image and a class, not {g.image!r} and {g.y!r}."
        if g.image < 0:
            return f"Test image {-1 - g.image} cannot be given a label: nothing may be learned from a test image."
        if g.image >= spec.n_train:
            return (
                f"{spec.title} has no training image {g.image}. "
                f"Give labels to training images from 0 to {spec.n_train - 1}."
            )
        if not 0 <= g.y < spec.n_classes:
            return (
                f"Training image {g.image} was given the class {g.y}, which there is none of. "
                f"Choose 0 to {spec.n_classes - 1}."
            )
        if g.image in seen:
            return f"Training image {g.image} was given a label twice. Keep one of the two."
        if g.how not in HOW:
            return f"There is no way {g.how!r} to come by an image. Choose one of: {', '.join(HOW)}."
        if not isinstance(g.at, str) or g.by != name(g.by):
            return f"{g.by!r} is no name to keep with a label. Choose one of at most {LONGEST_NAME} letters."
        seen.add(g.image)
    return None


def name(text: object) -> str:
    """What somebody typed as their name, as it may be kept: one line, not long, and never empty."""
    words = " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())
    return words[:LONGEST_NAME].strip() or ANYBODY


def now() -> str:
    """The time in UTC as it is kept with a label."""
    return datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="seconds")


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
