"""Writes README's tables of methods, equations and data sets from cards, marked methods and Specs.

python -m models.results.readme     # or `make readme`; a test compares
"""

import re
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from data import DATASETS, Spec
from models import MODELS
from models.errors import StoreError
from models.methods import pretraining
from models.methods.card import Card
from models.methods.equation import equations
from models.results.table import README, between, pipe
from models.runs.files import replace, sentence

Table = tuple[Sequence[str], Sequence[Sequence[str]]]  # header and lines


def cell(text: str) -> str:
    """Text in one cell of a table."""
    return " ".join(text.split()).replace("|", r"\|")


def plain(latex: str) -> str:
    """A factorisation without LaTeX's commands; of a joint density the factors alone."""
    text = re.sub(r"\\math\w+\{(\w+)\}", r"\1", latex)
    for command, sign in ((r"\,", " "), (r"\alpha", "α"), (r"\bar q", "q̄")):
        text = text.replace(command, sign)
    joint, _, factors = text.partition(" = ")
    return factors if "," in joint and factors else text


def methods() -> Table:
    """A line a method, from its card."""
    lines = [(f"`{c.name}`", ", ".join(map(plain, c.factorisation)), c.summary) for c in MODELS.values()]
    return ("Name", "p and q", "In a sentence"), lines


def marked() -> Table:
    """A line a method of a class that is marked as an equation; what it is, is the first sentence of its docstring.

    Before it stands whose equation it is, unless it is one of the paper. Last comes what a run may learn before J.
    """
    lines = []
    for of_class, paper in [*((c.path, c.paper) for c in MODELS.values()), (pretraining.PATH, pretraining.PAPER)]:
        of = "" if paper == Card.paper else f"{paper}: "
        module, _, name = of_class.partition(":")
        cls = getattr(import_module(module), name)
        path = f"{cls.__module__.replace('.', '/')}.py"
        for method, function in equations(cls).items():
            said = re.split(r"(?<=[\w)}])\.\s", (function.__doc__ or "").split("\n\n")[0].strip())[0].rstrip(".")
            lines.append((function.ref, of + said, f"`{path}` `{cls.__name__}.{method}`"))
    return ("Equation", "What the method says of it", "Where"), list(dict.fromkeys(lines))


def datasets() -> Table:
    """A line a data set, from its Spec."""
    return ("Name", "What it is", "Where it comes from"), [
        (f"`{s.name}`", held(s), source(s)) for s in DATASETS.values()
    ]


def held(spec: Spec) -> str:
    _, height, width = spec.shape
    size = "" if spec.points else f", {height}x{width} {'grey' if spec.grey else 'colour'}"
    held = f"{spec.n_train + spec.n_test:,} {spec.kind} of {spec.n_classes} classes{size}"
    return f"{held}, {spec.n_test:,} of them for testing"


def source(spec: Spec) -> str:
    if spec.points:  # which are nowhere: a formula and a seed
        return spec.source
    got = f"Downloaded on request, {spec.size:.0f} MiB." if spec.size else "Embedded."
    return f"{spec.source} {got}"


TABLES: dict[str, Callable[[], Table]] = {"methods": methods, "equations": marked, "data sets": datasets}


def markers(name: str) -> tuple[str, str]:
    return f"<!-- the {name}, written by `make readme` -->", f"<!-- the end of the {name} -->"


def written(readme: str) -> str:
    """A README with today's tables. Raises StoreError if it lacks the lines between which they stand."""
    for name, table in TABLES.items():
        header, lines = table()
        readme = between(readme, *markers(name), pipe(header, [tuple(map(cell, line)) for line in lines]) + "\n")
    return readme


def main(path: Path = README) -> int:
    try:
        replace(path, written(path.read_text(encoding="utf-8")))
    except OSError as e:
        raise StoreError(sentence(e, path)) from e
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except StoreError as e:
        sys.exit(str(e))
