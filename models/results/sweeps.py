"""Sweeps: finished runs that differ in one custom setting, and what each of its values reached. Loads no torch.

A run of the preset itself is a point of every sweep beside it: there the setting has the preset's own value.
"""

import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from data import DATASETS
from models import MODELS
from models.errors import RunError
from models.nn.settings import FIELDS, read
from models.runs.run import Run
from models.runs.store import Folder


@dataclass(frozen=True)
class Point:
    """One method with one value of the setting. `accuracy` by seed, 0 to 1 of the whole test set."""

    model: str
    value: Any
    accuracy: dict[int, float]

    @property
    def mean(self) -> float:
        return statistics.fmean(self.accuracy.values())

    @property
    def sd(self) -> float | None:
        """The sample's standard deviation; None with one seed."""
        return statistics.stdev(self.accuracy.values()) if len(self.accuracy) > 1 else None


@dataclass(frozen=True)
class Sweep:
    """A setting over several values, all else the same."""

    setting: str
    run: Run  # one of its runs, for what they share: data set, labels, epochs, preset, other custom settings
    points: tuple[Point, ...]  # by method, values ascending


def runs_of(runs: Sequence[Run], setting: str, values: Sequence[str]) -> list[Run]:
    """Each of `runs` with each of these values, as typed; once where the setting means nothing to its method.

    Raises RunError for a value that cannot be.
    """
    found: dict[Run, None] = {}
    for value in [read(setting, text) for text in values]:
        for run in runs:
            try:
                found[run.with_custom({setting: value})] = None
            except RunError:  # its method does not use it
                found[run] = None
    return list(found)


def sweeps(folders: Sequence[Folder]) -> list[Sweep]:
    """The sweeps among these runs, those of the newest runs first: each has two values of some method or more."""
    done = []
    for folder in folders:
        accuracy = (folder.result() or {}).get("test_accuracy") if folder.status()["state"] == "done" else None
        if isinstance(accuracy, float) and not folder.run.validation and not folder.run.parent:
            done.append((folder.run, accuracy))
    found: dict[tuple, dict] = {}
    settings = dict.fromkeys(name for run, _ in done for name in run.custom)
    for run, accuracy in done:
        for name in settings:
            rest = tuple(item for item in run.changes.split() if not item.startswith(f"{name}="))
            usual = MODELS[run.model].epochs(DATASETS[run.dataset], run.preset)
            epochs = 0 if run.epochs == usual else run.epochs  # methods differ in what is usual
            same = (name, run.dataset, run.labels, epochs, run.preset, rest)
            points = found.setdefault(same, {"run": run, "points": defaultdict(dict)})["points"]
            if name in MODELS[run.model].reads:
                points[run.model, getattr(run.settings, name)].setdefault(run.seed, accuracy)  # of several the newest
    made = []
    for (name, *_), kept in found.items():
        points = [Point(model, value, by_seed) for (model, value), by_seed in kept["points"].items()]
        several = {p.model for p in points if sum(q.model == p.model for q in points) > 1}
        points = sorted((p for p in points if p.model in several), key=lambda p: (p.model, p.value))
        if points:
            made.append(Sweep(name, kept["run"], tuple(points)))
    return made


def words(setting: str) -> str:
    """What a setting is, in words."""
    return FIELDS[setting].metadata["words"]
