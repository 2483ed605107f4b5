"""A run's records by epochs, and tables of them as CSV."""

import csv
import io
import math
from collections.abc import Sequence

import numpy as np

from models.runs.store import Folder
from pages.parts.shared.run_metrics import Metrics


def of_epoch(m: Metrics, epoch: float) -> dict[str, float]:
    """The means over the epoch that ended at `epoch` of J and of each term, per image."""
    found = {"J": (m.steps, m.objective), **m.terms}
    means = {name: mean(at, values, epoch) for name, (at, values) in found.items()}
    return {name: value for name, value in means.items() if not math.isnan(value)}


def mean(at: Sequence[float], values: Sequence[float], epoch: float) -> float:
    """The mean of the values recorded in the epoch that ended at `epoch`; nan if there is none."""
    at = np.asarray(at)
    inside = np.asarray(values)[(at > epoch - 1) & (at <= epoch)]
    return float(inside.mean()) if len(inside) else math.nan


def epochs_of(folder: Folder) -> list[dict]:
    """A row an epoch: what run it is of, accuracies as fractions, and J and its terms, per image."""
    run = folder.run
    about = {
        "run": folder.id, "model": run.model, "dataset": run.dataset, "labels": run.labels, "given": len(run.given),
        "seed": run.seed, "preset": run.preset, "custom": run.changes,
    }  # fmt: skip
    measured = ("epoch", "step", "seconds", "test_accuracy", "labelled_accuracy", "J")
    found = [r for r in folder.records()[0] if r.get("kind") == "epoch"]
    return [{**about, **{k: r.get(k, "") for k in measured}, **(r.get("terms") or {})} for r in found]


def table_csv(rows: Sequence[dict]) -> bytes:
    """Rows of different fields as one table; what a row lacks, and what is no number, stays empty."""
    fields = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO()
    write = csv.DictWriter(out, fields, restval="")
    write.writeheader()
    for row in rows:
        write.writerow({k: "" if isinstance(v, float) and math.isnan(v) else v for k, v in row.items()})
    return out.getvalue().encode()
