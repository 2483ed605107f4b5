"""Below a table of accuracies: what was measured of its runs (`python -m models measure`), means over them."""

import math
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path

from data import DATASETS
from models import MODELS
from models.analysis import kept_figures, likelihood, sample_scores, usage
from models.errors import UserError
from models.results.table import Row, columns, number
from models.runs.store import Folder

HEADER = (
    "Model", "Labels", "log p(x), nats", "Bits a dimension", "z active", "I(a;y|x), nats", "Taken for y", "Variety",
    "Runs",
)  # fmt: skip
NAMES = {  # what they are called in JSON
    "bound": "log_p_nats", "bits": "bits_per_dimension", "active": "z_active", "size": "z_dimensions",
    "tells": "information_a_y_nats", "share": "samples_taken_for_y", "varied": "samples_variety",
}  # fmt: skip


def text(rows: Sequence[Row], root: Path) -> str:
    """A table for a terminal, a data set after the other; "" if nothing was measured of these runs."""
    parts = []
    for dataset in dict.fromkeys(row.dataset for row in rows):
        header, lines = table([row for row in rows if row.dataset == dataset], root)
        if lines:
            title = f"{DATASETS[dataset].title}, measured of runs that were trained here:"
            parts += [title, columns(header, lines)]
    return "\n\n".join(parts)


def table(rows: Sequence[Row], root: Path) -> tuple[list[str], list[list[str]]]:
    """Header and lines of what was measured of the runs of some rows; what was of none of them has no column."""
    lines = [line for row in rows if (line := line_of(row, root))]
    some = [i for i, column in enumerate(zip(*lines, strict=True)) if any(column)]  # of grey images no bits
    return [HEADER[i] for i in some], [[line[i] for i in some] for line in lines]


def as_json(row: Row, root: Path) -> dict[str, float]:
    """The means over a row's runs as JSON holds them, and of how many runs; empty if nothing was measured."""
    means, n = of_row(row, root)
    return {NAMES[name]: value for name, value in means.items()} | {"runs": n} if n else {}


def line_of(row: Row, root: Path) -> list[str]:
    """A line of the table; empty if nothing was measured of any of its runs."""
    means, n = of_row(row, root)
    if not n:
        return []

    def said(name: str, words: Callable[[float], str]) -> str:
        return words(means[name]) if name in means else ""

    return [
        MODELS[row.model].title,
        str(row.labels),
        said("bound", lambda v: f"{v:.1f}"),
        said("bits", lambda v: f"{v:.3f}"),
        said("active", lambda v: f"{v:.0f} of {means['size']:.0f}"),
        said("tells", lambda v: "under .001" if v < usage.HARDLY else f"{v:.3f}"),
        said("share", number),
        said("varied", lambda v: f"{v:.2f}"),
        str(n),
    ]


def of_row(row: Row, root: Path) -> tuple[dict[str, float], int]:
    """Of each measure its mean over the row's runs here that have it, and how many runs have any."""
    measured = [found for o in row.outcomes if o.run and (found := of_run(Folder(root / o.run)))]
    known = {name: [m[name] for m in measured if not math.isnan(m.get(name, math.nan))] for name in NAMES}
    return {name: statistics.fmean(values) for name, values in known.items() if values}, len(measured)


def of_run(folder: Folder) -> dict[str, float]:
    """What is kept of a run's latest weights, by name. Raises nothing: what cannot be read was not measured."""
    epoch, found = kept_figures.latest(folder), dict[str, float]()
    if epoch is None:
        return found
    auxiliary = MODELS[folder.run.model].auxiliary
    for look in (
        lambda: likelihood.of_run(folder, epoch),
        lambda: usage.of_run(folder, epoch, "z"),
        lambda: usage.of_run(folder, epoch, auxiliary) if auxiliary else None,
        lambda: sample_scores.of_run(folder, epoch),
    ):
        try:
            figures = look()
        except UserError:
            continue
        if isinstance(figures, likelihood.Likelihood):
            found |= {"bound": figures.bound, "bits": figures.bits}
        elif isinstance(figures, sample_scores.Scores):
            found |= {"share": figures.share, "varied": figures.varied}
        elif isinstance(figures, usage.Usage) and math.isnan(figures.tells):
            found |= {"active": figures.active, "size": figures.size}
        elif isinstance(figures, usage.Usage):
            found["tells"] = figures.tells
    return found
