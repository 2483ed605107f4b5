"""A method as its preset has it, the same without each of its parts, and labels only: what each part is worth.

Runs of all of them are found on the disk: those of the whole method and of labels only are a table's own. No torch.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from data import DATASETS
from models import BASELINE, MODELS, in_order
from models.errors import StoreError
from models.results import train_missing
from models.results.outcome import Outcome, OverSeeds, cell_of, outcome_of
from models.results.table import Row, Shelf
from models.runs.parts import PARTS, Part, named
from models.runs.run import Run
from models.runs.store import Folder

CLASSIFIER = ("bound", "consistency")  # without these parts a method is its own classifier on the labels


@dataclass(frozen=True)
class Version(OverSeeds):
    """A method with or without some of its parts: `runs`, one a seed, and what those that are done reached."""

    title: str
    runs: tuple[Run, ...]
    without: tuple[Part, ...] = ()


def versions(run: Run, seeds: Iterable[int]) -> list[Version]:
    """The versions of the method of `run`, which says everything but the seed. Raises RunError.

    Of parts that its preset has not, and of the several ways to say the same, there are none.
    """
    card, seeds = MODELS[run.model], sorted(set(seeds))
    has = [part for part in PARTS if part.of(card)]
    off: list[tuple[Part, ...]] = [(part,) for part in has]
    if all(name in [part.name for part in has] for name in CLASSIFIER):
        off.append(tuple(part for part in has if part.name in CLASSIFIER))
    found: dict[Run, Version] = {}
    for parts in ((), *off):
        settings: dict[str, Any] = {}
        for part in parts:
            settings |= part.without(card)
        made = run.with_custom(settings)
        title = " ".join(filter(None, (card.title, named(parts))))
        found.setdefault(made, Version(title, tuple(replace(made, seed=s) for s in seeds), parts))
    usual = card.epochs(DATASETS[run.dataset], run.preset)
    epochs = None if run.epochs == usual else run.epochs
    baseline = Run.make(
        run.dataset, BASELINE, run.labels, 0, epochs, run.preset, run.device, run.threads, run.validation
    )
    own = {name: getattr(run.settings, name) for name in run.custom if name in MODELS[BASELINE].reads}
    baseline = baseline.with_custom(own)
    if run.model != BASELINE:
        found[baseline] = Version(MODELS[BASELINE].title, tuple(replace(baseline, seed=s) for s in seeds))
    return list(found.values())


def outcomes(wanted: Iterable[Run], folders: Iterable[Folder]) -> dict[Run, Outcome]:
    """What those of these runs reached that are done, on whatever device; of several the newest counts."""
    known: dict[Run, Outcome] = {}
    names = {run: train_missing.anywhere(run) for run in wanted}
    seeds = {(cell_of(run), run.seed) for run in names}
    for folder in folders:
        try:
            if (cell_of(folder.run), folder.run.seed) not in seeds:
                continue
            run = train_missing.anywhere(folder.run)
            if run not in known and folder.status()["state"] == "done" and (found := outcome_of(folder)):
                known[run] = found
        except StoreError:  # it was deleted just now
            continue
    return {run: known[name] for run, name in names.items() if name in known}


def filled(found: Sequence[Version], folders: Iterable[Folder]) -> list[Version]:
    """The same with what those of their runs reached that are done."""
    known = outcomes([run for version in found for run in version.runs], folders)
    return [replace(v, outcomes=tuple(known[run] for run in v.runs if run in known)) for v in found]


def rows(shelf: Shelf, dataset: str, labels: int, preset: str) -> list[Row]:
    """What a chart shows: the methods of which a version without a part is there, whole first, and labels only last.

    Whole methods and labels only are a table's, so that our reference figures stand in for runs that are not here.
    """
    found: dict[tuple[str, tuple[Part, ...]], dict[int, Outcome]] = {}
    for folder in shelf.runs:
        try:
            run = folder.run
            if (run.dataset, run.labels, run.preset) != (dataset, labels, preset) or not run.custom or run.validation:
                continue
            usual = MODELS[run.model].epochs(DATASETS[dataset], preset)
            if not (parts := run.without) or run.parent or run.epochs != usual or run.with_custom({}) != run:
                continue
            if folder.status()["state"] == "done" and (outcome := outcome_of(folder)):
                found.setdefault((run.model, parts), {}).setdefault(run.seed, outcome)  # the newest comes first
        except StoreError:  # it was deleted just now
            continue
    if not found:
        return []
    made = []
    for model in in_order(model for model, _ in found):
        made.append(shelf.row((dataset, model, labels, preset)))
        versions = sorted((parts for of, parts in found if of == model), key=lambda p: (len(p), *map(PARTS.index, p)))
        for parts in versions:
            of_seed = found[model, parts]
            outcomes = tuple(of_seed[seed] for seed in sorted(of_seed))
            made.append(Row(dataset, model, labels, preset, outcomes=outcomes, changes=named(parts)))
    if all(row.model != BASELINE for row in made):
        made.append(shelf.row((dataset, BASELINE, labels, preset)))
    return [row for row in made if row.n]
