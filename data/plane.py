"""Points in the plane that are drawn on the spot: two clusters, two moons, circles, spirals, stripes.

A name may carry options: "moons" is the data set with its own defaults, "moons-noise30-n500" the same with noise .30
and 500 points, "clusters-k3" three clusters. Such a name says all there is to say: the same name draws the same points
on every machine, so a run that names it can be made again.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from data.errors import DataError
from data.images import Found, Images, Progress, Spec

N_TEST = 1_000
MOST_POINTS = 5_000
FEWEST_POINTS = 50
MOST_NOISE = 100  # percent: the standard deviation of what is added to each point, in units of the figure
MOST_CLASSES = 3
CLASSES = "ABC"
REACH = 3.0  # of the plane that is shown: both coordinates from -REACH to REACH
SEED = 20_140_000  # of the points; training and test points are drawn from two streams of it


@dataclass(frozen=True)
class Options:
    """What can be chosen of a figure in the plane."""

    noise: int  # percent
    n: int  # training points
    classes: int

    def __str__(self) -> str:
        return f"noise {self.noise / 100:g}, {self.n:,} points, {self.classes} classes"


NAME = re.compile(r"(?P<figure>[a-z]+)(?:-noise(?P<noise>\d{1,3}))?(?:-n(?P<n>\d{1,5}))?(?:-k(?P<classes>\d))?")


def options_of(spec: Spec) -> Options:
    """The options of the data set that `spec` is."""
    figure = FIGURES[spec.name.partition("-")[0]]
    found = NAME.fullmatch(spec.name)
    noise = found and found["noise"]
    return Options(figure.noise if noise is None else int(noise), spec.n_train, spec.n_classes)


def named(base: Spec, options: Options) -> str:
    """The name of the data set `base` with these options, those that are its own left out."""
    usual = options_of(base)
    words = [
        f"-{word}{value}"
        for word, value, own in (
            ("noise", options.noise, usual.noise),
            ("n", options.n, usual.n),
            ("k", options.classes, usual.classes),
        )
        if value != own
    ]
    return base.name + "".join(words)


def variant(base: Spec, name: str) -> Spec:
    """The data set `base` with the options that `name` carries. Raises DataError for one that cannot be."""
    found = NAME.fullmatch(name)
    if not found or found["figure"] != base.name:
        raise DataError(
            f"There is no data set {name!r}. Options of {base.name} are written as {base.name}-noise30-n500-k3, "
            "in this order, each of them or not."
        )
    usual = options_of(base)
    noise, n, classes = (
        int(text) if (text := found[key]) is not None else own
        for key, own in (("noise", usual.noise), ("n", usual.n), ("classes", usual.classes))
    )
    most = FIGURES[base.name].most_classes
    for what, value, least, largest in (
        ("noise (in percent)", noise, 0, MOST_NOISE),
        ("number of points", n, FEWEST_POINTS, MOST_POINTS),
        ("number of classes", classes, 2, most),
    ):
        if not least <= value <= largest:
            raise DataError(f"The {what} of {base.title} cannot be {value:,}. Choose {least:,} to {largest:,}.")
    whole = named(base, Options(noise, n, classes))
    if whole != name:
        raise DataError(f"{name!r} is the data set {whole!r}. Call it so.")
    title = f"{base.title}, noise {noise / 100:g}" if noise != usual.noise else base.title
    return replace(base, name=name, title=title, n_train=n, n_classes=classes)


def find(spec: Spec, folder: Path) -> Found | None:
    """Nothing to find: points are drawn."""
    return Found(folder)


def load(spec: Spec, path: Path, progress: Progress) -> Images:
    """Draw the points: x float32 (n, 2, 1, 1), about as wide as a standard Gaussian; y the figure each belongs to."""
    options, draw = options_of(spec), FIGURES[spec.name.partition("-")[0]].draw
    parts = [sample(draw, n, options, SEED + part) for part, n in enumerate((spec.n_train, spec.n_test))]
    (x, y), (x_test, y_test) = parts
    return Images(spec.name, x, y, x_test, y_test, tuple(CLASSES[: spec.n_classes]))


def sample(draw: "Draw", n: int, options: Options, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """`n` points and their classes, in a random order, as many of each class as can be."""
    # RandomState's streams are promised never to change; those of a Generator's distributions are not.
    rng = np.random.RandomState(seed)
    y = rng.permutation(np.arange(n) % options.classes).astype(np.int64)
    x = draw(y, options.classes, rng) + options.noise / 100 * rng.standard_normal((n, 2))
    return x.astype(np.float32).reshape(n, 2, 1, 1), y


Draw = Callable[[np.ndarray, int, np.random.RandomState], np.ndarray]  # classes (n,), how many, RNG: places (n, 2)


def clusters(y: np.ndarray, classes: int, rng: np.random.RandomState) -> np.ndarray:
    """Centres on a circle; the noise makes the clusters."""
    return on_circle(np.pi * (1 + 2 * y / classes), 1.3)


def moons(y: np.ndarray, classes: int, rng: np.random.RandomState) -> np.ndarray:
    """Half circles that reach into each other, each turned against the one before."""
    t = np.pi * rng.uniform(size=len(y))
    down = y % 2
    at = on_circle(np.where(down, -t, t), 1.0)
    return 1.1 * (at + np.stack([y - (classes - 1) / 2, 0.5 * down - 0.25], 1))


def circles(y: np.ndarray, classes: int, rng: np.random.RandomState) -> np.ndarray:
    """One around the other."""
    return on_circle(2 * np.pi * rng.uniform(size=len(y)), 1.8 * (1 - y / classes))


def spirals(y: np.ndarray, classes: int, rng: np.random.RandomState) -> np.ndarray:
    """Arms from the middle outwards, one and a quarter turns each."""
    r = np.sqrt(rng.uniform(0.02, 1, len(y)))  # evenly spread along the arm
    return on_circle(2.5 * np.pi * r + 2 * np.pi * y / classes, 2.1 * r)


def stripes(y: np.ndarray, classes: int, rng: np.random.RandomState) -> np.ndarray:
    """Long parallel bands."""
    return np.stack([rng.uniform(-2.4, 2.4, len(y)), 0.9 * (y - (classes - 1) / 2)], 1)


def on_circle(angle: np.ndarray, radius: np.ndarray | float) -> np.ndarray:
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)


@dataclass(frozen=True)
class Figure:
    draw: Draw
    noise: int  # percent, its own
    most_classes: int = MOST_CLASSES


FIGURES = {
    "clusters": Figure(clusters, 45),
    "moons": Figure(moons, 12),
    "circles": Figure(circles, 10),
    "spirals": Figure(spirals, 6),
    "stripes": Figure(stripes, 12),
}
