"""Runs that differ by nothing but the seed, shown as one: their mean and how far apart they are."""

import math
import statistics
from collections.abc import Sequence

from models.runs.store import Folder
from pages.parts.shared.run_metrics import finite, metrics

Group = Sequence[Folder]  # siblings, by seed; often one run


def groups(folders: Sequence[Folder]) -> list[list[Folder]]:
    """The runs with their siblings, in the order in which the first of each stands.

    A seed that ran twice gave the same twice and stands apart, as does a run that goes on from another: two of these
    differ by more than the seed, by the labels that were given.
    """
    found: dict[tuple, dict[int, Folder]] = {}
    for folder in folders:
        run = folder.run
        key = (run.model, run.dataset, run.labels, run.epochs, run.setup, run.settings, run.device)
        key += (folder.id,) if run.parent or run.seed in found.get(key, {}) else ()
        found.setdefault(key, {})[run.seed] = folder
    return [[by_seed[seed] for seed in sorted(by_seed)] for by_seed in found.values()]


def seeds(group: Group) -> str:
    """Which seeds: "seed 0", "seeds 0, 1, 2"."""
    numbers = ", ".join(str(folder.run.seed) for folder in group)
    return f"seed{'s' if len(group) > 1 else ''} {numbers}"


def accuracies(group: Group) -> list[float]:
    """The test accuracies of the finished ones, in per cent."""
    found = [(metrics(folder).result or {}).get("test_accuracy") for folder in group]
    return [100 * accuracy for accuracy in found if finite(accuracy)]


def mean_and_spread(group: Group) -> str:
    """ "94.1 ± 0.8 %" of the finished ones; "" of fewer than two."""
    found = accuracies(group)
    return f"{statistics.mean(found):.1f} ± {statistics.stdev(found):.1f} %" if len(found) > 1 else ""


Curve = tuple[list[float], list[float], list[float], list[float]]


def curve(group: Group, of: str) -> Curve:
    """Epochs; and the mean, the lowest and the highest of an accuracy over the runs that have begun, in per cent.

    Of the epochs that all of these have reached: a mean over ever other runs would jump. `of`: a column of `Metrics`.
    """
    columns = []
    for folder in group:
        m = metrics(folder)
        known = {e: 100 * a for e, a in zip(m.epochs, getattr(m, of), strict=True) if not math.isnan(a)}
        columns += [known] if known else []
    epochs = sorted(set.intersection(*map(set, columns))) if columns else []
    values = [[column[e] for column in columns] for e in epochs]
    return epochs, [statistics.fmean(v) for v in values], [min(v) for v in values], [max(v) for v in values]
