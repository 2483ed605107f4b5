"""Below a table of accuracies: what was measured of its runs (`python -m models measure`), means over them."""

import math
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


def text(rows: Sequence[Row], root: Path) -> str:
    """A table for a terminal, a data set after the other; "" if nothing was measured of these runs."""
    parts = []
    for dataset in dict.fromkeys(row.dataset for row in rows):
        lines = [line for row in rows if row.dataset == dataset and (line := line_of(row, root))]
        some = [i for i, column in enumerate(zip(*lines, strict=True)) if any(column)]  # of grey images no bits
        if lines:
            table = columns([HEADER[i] for i in some], [[line[i] for i in some] for line in lines])
            parts += [f"{DATASETS[dataset].title}, measured of runs that were trained here:", table]
    return "\n\n".join(parts)


def line_of(row: Row, root: Path) -> list[str]:
    """A line of the table; empty if nothing was measured of any of its runs."""
    measured = [found for o in row.outcomes if o.run and (found := of_run(Folder(root / o.run)))]
    if not measured:
        return []

    def mean(name: str, said: Callable[[float], str]) -> str:
        known = [m[name] for m in measured if not math.isnan(m.get(name, math.nan))]
        return said(sum(known) / len(known)) if known else ""

    size = next((int(m["size"]) for m in measured if "size" in m), 0)
    return [
        MODELS[row.model].title,
        str(row.labels),
        mean("bound", lambda v: f"{v:.1f}"),
        mean("bits", lambda v: f"{v:.3f}"),
        mean("active", lambda v: f"{v:.0f} of {size}"),
        mean("tells", lambda v: "under .001" if v < usage.HARDLY else f"{v:.3f}"),
        mean("share", number),
        mean("varied", lambda v: f"{v:.2f}"),
        str(len(measured)),
    ]


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
