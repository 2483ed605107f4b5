"""Table 1 and ours: which runs a table needs, what they reached, and what was published. Loads no torch.

Which runs count is said in models/results/outcome.py, where our own reference figures come from in
models/results/reference.py.
"""

import os
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import asdict, dataclass
from dataclasses import replace as changed
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

from data import DATASETS
from data.published import PAPER, SOURCES, Published, published
from models import BASELINE, MODELS, baseline_of
from models.errors import StoreError
from models.methods.presets import PRESETS
from models.results.outcome import Cell, Outcome, OverSeeds, cell_of, outcome_of
from models.results.reference import REFERENCE, entries, entries_of, merge, problems
from models.runs.files import replace, sentence, write_json
from models.runs.run import Run, is_todays
from models.runs.store import FINAL, PROJECT, Folder, runs
from models.runs.store import root as default_root

__all__ = ["REFERENCE", "Outcome", "Row", "budget", "markdown", "missing", "problems", "rows", "text", "wanted"]

README = PROJECT / "README.md"
BEGIN = "<!-- the reference table, written by `python -m models table --reference` -->"
END = "<!-- the end of the reference table -->"
POINTS = "<!-- the points in the plane, written by the same command -->"
END_POINTS = "<!-- the end of the points in the plane -->"
# What must be known to judge our reference figures; said wherever they stand, here and on Results.
NOTES = {
    "mnist": "ADGM's accuracy here owes little to its bound: without the bound (its classifier with consistency, "
    "augmentation, cutout and weight decay) it is .9937 ± .0010, three seeds; labels only with the same "
    "augmentation, cutout and decay .9884 ± .0016. ADGM's mean stands on seeds 0 to 2, which were looked at while "
    "presets were chosen; seeds 11 and 12, which were not, gave .9918 and .9945.",
    "cifar10": "M1 sees photographs through filters learned from patches, h(x). What to hold it against is an SVM on "
    "h(x), .556 to .561, not the SVM on raw pixels.",
    "cifar100": "Our copy of CIFAR-100 is lossy (WebP, quality 85), so these figures are not quite those of the "
    "original images. M1 sees them through filters learned from patches, h(x). What to hold it against is an SVM on "
    "h(x), .172, not the SVM on raw pixels. M2's and ADGM's beta of 100 followed a collapse seen on the test set; on "
    "1,000 validation images 10 does as well (M2, one run each: .246, and .231 with 100).",
}
Seeds = int | Iterable[int]  # a number of seeds, 0 up to it, or the seeds themselves


@dataclass(frozen=True)
class Row(OverSeeds):
    """One line of a table: a method on a data set with so many labels; own runs before reference ones of a seed."""

    dataset: str
    model: str
    labels: int
    preset: str
    running: tuple[str, ...] = ()  # ids of queued or running runs of this row
    published: tuple[Published, ...] = ()  # for the same data set, method and labels; the paper's first
    # Labels only at the same labels, with the method's own augmentation, decay, averaging and epochs if those were
    # trained, else with its usual preset; None beside itself, or if it has no outcome.
    baseline: "Row | None" = None
    changes: str = ""  # settings in place of the preset's, in words: "without bound", or "bound=0.1"

    @property
    def beside(self) -> float | None:
        """M1: mean accuracy of the same SVM on raw pixels; None for other methods."""
        known = [o.beside for o in self.outcomes if o.beside is not None]
        return statistics.fmean(known) if known else None

    @property
    def reference(self) -> bool:
        """Whether all of it was trained by us and not here."""
        return self.n > 0 and all(o.run is None for o in self.outcomes)

    @property
    def marked(self) -> str:
        """How many of its figures are references: "reference", "1 of 3 reference", or nothing."""
        n = sum(o.run is None for o in self.outcomes)
        return "" if not n else "reference" if n == self.n else f"{n} of {self.n} reference"

    @property
    def paper(self) -> float | None:
        """The paper's own accuracy; None if it has none."""
        return next((p.accuracy for p in self.published if p.source == PAPER), None)

    @property
    def cell(self) -> Cell:
        return self.dataset, self.model, self.labels, self.preset


# Which runs


def wanted(
    datasets: Iterable[str],
    models: Iterable[str],
    labels: int | Sequence[int] | None = None,
    seeds: Seeds = 3,
    preset: str = "tuned",
) -> list[Run]:
    """The runs of a table, cell by cell. `labels` None: each data set's default.

    Raises RunError, one sentence, if one of them cannot be.
    """
    models = list(models)
    cells_ = [(dataset, model, n, preset) for dataset, model, n in cells(datasets, models, labels)]
    if BASELINE in models:  # beside each method with that method's own preset
        cells_ += [fair for cell in cells_ if (fair := fair_cell(cell)) not in cells_ and fair[1] in models]
    return [
        Run.make(dataset, model, n, seed, preset=own)
        for dataset, model, n, own in dict.fromkeys(cells_)
        for seed in seeds_of(seeds)
    ]


def fair_cell(cell: Cell) -> Cell:
    """The labels-only cell that a method's is held against."""
    dataset, model, labels, preset = cell
    held, own = baseline_of(model, DATASETS[dataset], preset)
    return dataset, held, labels, own


def lacking(runs: Iterable[Run], root: "Path | Shelf | None" = None, reference: Path | None = REFERENCE) -> list[Run]:
    """Those of `runs` that no finished run stands for, nor a reference figure if these are given."""
    shelf = root if isinstance(root, Shelf) else Shelf(root, reference)
    return [run for run in runs if run.seed not in shelf.outcomes(cell_of(run))]


def missing(runs: Iterable[Run], root: "Path | Shelf | None" = None, reference: Path | None = REFERENCE) -> list[Run]:
    """Those of `lacking` that are not under way (queued or running) either."""
    shelf = root if isinstance(root, Shelf) else Shelf(root, reference)
    done, going = shelf.outcomes, shelf.under_way
    return [run for run in runs if run.seed not in done(cell_of(run)) and run.seed not in going(cell_of(run))]


def rows(
    datasets: Iterable[str],
    models: Iterable[str],
    labels: int | Sequence[int] | None = None,
    seeds: Seeds | None = 3,
    preset: str = "tuned",
    root: "Path | Shelf | None" = None,
    reference: Path | None = REFERENCE,
) -> list[Row]:
    """The table: data sets as given, in each the label counts, in each the models. `seeds` None: all there are.

    What lies on the disk raises nothing: a reference file that cannot be read counts as none, and `problems` says why.
    """
    shelf = root if isinstance(root, Shelf) else Shelf(root, reference)
    chosen = None if seeds is None else set(seeds_of(seeds))
    return [shelf.row((dataset, model, n, preset), chosen) for dataset, model, n in cells(datasets, models, labels)]


def budget(
    dataset: str,
    model: str,
    preset: str = "tuned",
    root: "Path | Shelf | None" = None,
    reference: Path | None = REFERENCE,
) -> list[Row]:
    """The budget curve: a row, labels ascending, for every number of labels that has an outcome of any seed."""
    shelf = root if isinstance(root, Shelf) else Shelf(root, reference)
    found = {cell for cell in shelf.cells() if (cell[0], cell[1], cell[3]) == (dataset, model, preset)}
    return [row for cell in sorted(found, key=lambda c: c[2]) if (row := shelf.row(cell)).n]


def cells(
    datasets: Iterable[str], models: Iterable[str], labels: int | Sequence[int] | None
) -> list[tuple[str, str, int]]:
    """(dataset, model, labels) in table order. Raises RunError for an unknown data set."""
    models, found = list(models), []
    for dataset in datasets:
        counts = [labels] if labels is None or isinstance(labels, int) else labels
        for n in counts:
            found += [(dataset, model, Run.make(dataset).labels if n is None else n) for model in models]
    return found


def seeds_of(seeds: Seeds) -> list[int]:
    return list(range(seeds)) if isinstance(seeds, int) else sorted(set(seeds))


def models_of(dataset: str) -> list[str]:
    """The methods that suit a data set: networks pretrained on photographs are for photographs."""
    return [name for name, card in MODELS.items() if card.suits(DATASETS[dataset])]


# What they reached


class Shelf:
    """What there is at this moment, by cell: read once, for one table, or for all the tables of a page.

    Functions that take a runs folder also take this in its place, which then knows the reference figures it was made
    with: a page of many tables reads the folder once.
    """

    def __init__(
        self, root: Path | None = None, reference: Path | None = REFERENCE, epochs: Mapping[Cell, int] | None = None
    ) -> None:
        """With `epochs`, of each cell, only runs of so many count, in place of those of as many as are usual."""
        self._epochs = epochs
        self._own: dict[Cell, dict[int, Outcome]] = defaultdict(dict)
        self._under_way: dict[Cell, dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
        self._reference: dict[Cell, dict[int, Outcome]] = defaultdict(dict)
        self.runs = runs(root or default_root())
        for folder in self.runs:
            self._take(folder)
        for entry in entries(reference)[0] if reference else ():
            self._reference[entry.outcome.cell][entry.outcome.seed] = entry.outcome

    def _take(self, folder: Folder) -> None:
        try:
            run = folder.run
        except StoreError:  # it was deleted just now
            return
        if not self._counts(run):
            return
        state = folder.status()["state"]
        if state not in FINAL:
            self._under_way[cell_of(run)][run.seed].append(folder.id)
        elif state == "done" and (outcome := outcome_of(folder)):
            self._own[cell_of(run)].setdefault(run.seed, outcome)  # the newest comes first

    def _counts(self, run: Run) -> bool:
        if self._epochs is None:
            return is_todays(run)
        usual = MODELS[run.model].epochs(DATASETS[run.dataset], run.preset)
        return run.epochs == self._epochs.get(cell_of(run)) and is_todays(changed(run, epochs=usual))

    def cells(self) -> set[Cell]:
        return {*self._own, *self._reference}

    def own(self) -> "Shelf":
        """The same without the reference figures."""
        alone = copy(self)
        alone._reference = {}
        return alone

    def outcomes(self, cell: Cell) -> dict[int, Outcome]:
        return self._reference.get(cell, {}) | self._own.get(cell, {})

    def under_way(self, cell: Cell) -> dict[int, list[str]]:
        return self._under_way.get(cell, {})

    def row(self, cell: Cell, seeds: set[int] | None = None) -> Row:
        """The row of a cell, over the `seeds` (None: all there are)."""
        dataset, model, labels, preset = cell
        outcomes, under_way = self.outcomes(cell), self.under_way(cell)
        baseline = None
        for held in dict.fromkeys([fair_cell(cell), (dataset, BASELINE, labels, preset)]):
            if model != BASELINE and not (baseline and baseline.n) and held != cell:
                baseline = self.row(held, seeds)
        return Row(
            *cell,
            outcomes=tuple(outcomes[s] for s in sorted(outcomes) if seeds is None or s in seeds),
            running=tuple(id for s in sorted(under_way) if seeds is None or s in seeds for id in under_way[s]),
            published=published(dataset, model, labels),
            baseline=baseline if baseline and baseline.n else None,
        )


def reference_rows(reference: Path = REFERENCE) -> list[Row]:
    """The table of the reference figures alone: what there is, and the paper's cells beside it."""
    shelf = Shelf(root=Path(os.devnull), reference=reference)
    groups = {(dataset, preset, labels) for dataset, _, labels, preset in shelf.cells() if preset in PRESETS}
    found = []
    order = {name: i for i, name in enumerate(DATASETS)}  # points with options of their own come last
    for dataset, preset, labels in sorted(
        groups, key=lambda g: (order.get(g[0], len(order)), g[0], PRESETS.index(g[1]), g[2])
    ):
        every = [shelf.row((dataset, model, labels, preset)) for model in models_of(dataset)]
        found += [row for row in every if row.n or row.paper is not None]
    return found


def reference_row(cell: Cell, reference: Path = REFERENCE) -> Row:
    """The reference figures of one cell alone; a file that cannot be read counts as none."""
    try:
        known = {e.outcome.seed: e.outcome for e in entries_of(cell, reference)}
    except StoreError:
        known = {}
    return Row(*cell, outcomes=tuple(known[seed] for seed in sorted(known)))


# As text


def markdown(rows: Sequence[Row]) -> str:
    """The rows as tables in Markdown: one a data set and preset, and one by labels where there are several counts."""
    return written(rows, pipe) or "No figures yet.\n"


def figures(rows: Sequence[Row]) -> str:
    """The rows of data sets of points in Markdown, one table: a line a figure, a column a method."""
    models = list(dict.fromkeys(r.model for r in rows))
    parts = []
    for preset, group in groupby(sorted(rows, key=lambda r: PRESETS.index(r.preset)), key=lambda r: r.preset):
        found = {(r.dataset, r.labels, r.model): r for r in group}
        seeds = {r.n for r in found.values()}
        said = accuracy if len(seeds) == 1 else counted
        lines = [
            [
                DATASETS[dataset].title,
                str(labels),
                *(said(r) if (r := found.get((dataset, labels, m))) else "" for m in models),
            ]
            for dataset, labels in dict.fromkeys((dataset, labels) for dataset, labels, _ in found)
        ]
        of = f", mean ± sd of {max(seeds)} seeds" if seeds == {max(2, *seeds)} else ""
        head = f"Points in the plane, `{preset}` preset, accuracy on the test points{of}:"
        parts += [head, pipe(["Figure", "Labels", *(MODELS[m].title for m in models)], lines)]
    return "\n\n".join(parts) + "\n"


def text(rows: Sequence[Row]) -> str:
    """The same for a terminal; a figure that was not made here is marked."""
    return written(rows, columns, mark=True)


Draw = Callable[[Sequence[str], Sequence[Sequence[str]]], str]  # a table from its header and lines


def written(rows: Sequence[Row], draw: Draw, mark: bool = False) -> str:
    parts = []
    for (dataset, preset), group in groupby(rows, key=lambda r: (r.dataset, r.preset)):
        group = list(group)
        main = main_labels(dataset, group)
        parts += [heading(dataset, main, preset), draw(*accuracies([r for r in group if r.labels == main], mark))]
        if said := note(group):
            parts.append(said)
        if len({r.labels for r in group}) > 1:
            parts += [f"{DATASETS[dataset].title} by the number of labels:", draw(*by_labels(group))]
    return "\n\n".join(parts) + "\n" if parts else ""


def heading(dataset: str, labels: int, preset: str) -> str:
    return f"{DATASETS[dataset].title}, {labels} labels, `{preset}` preset, accuracy on the test set:"


def note(rows: Sequence[Row]) -> str:
    """What must be known to judge the reference figures among the rows of one data set; "" if there are none."""
    return next((NOTES.get(r.dataset, "") for r in rows if any(o.run is None for o in r.outcomes)), "")


def threads(row: Row) -> str:
    """How many CPU threads its runs had, to judge their seconds by; "" where that is not known."""
    known = sorted({o.threads for o in row.outcomes if o.threads})
    return f" ({' or '.join(map(str, known))} thread{'' if known == [1] else 's'})" if known else ""


def main_labels(dataset: str, group: Sequence[Row]) -> int:
    """The label count that gets the full table: the data set's default, else the largest there is."""
    counts = {r.labels for r in group}
    return DATASETS[dataset].default_labels if DATASETS[dataset].default_labels in counts else max(counts)


def accuracies(group: Sequence[Row], mark: bool = False) -> tuple[list[str], list[list[str]]]:
    """Header and lines of the full table; with `mark`, a figure that was not made here says so."""
    raw = f"SVM on {DATASETS[group[0].dataset].raw}"
    header = ["Model", "Paper", "Ours, mean ± sd", "Seeds", "Labels only", raw, "Seconds a run", "Others published"]
    lines = []
    for r in group:
        others = [f"{number(p.accuracy)} ({SOURCES[p.source].short})" for p in r.published if p.source != PAPER]
        seeds = f"{r.n} ({r.marked})" if mark and r.marked else str(r.n)
        seconds = "" if r.seconds is None else f"{r.seconds:.0f}{threads(r)}"
        baseline = "" if r.baseline is None else accuracy(r.baseline)
        baseline += f", `{r.baseline.preset}`" if r.baseline and r.baseline.preset != r.preset else ""
        lines.append([title(r), number(r.paper), accuracy(r), seeds, baseline, number(r.beside), seconds,
                      ", ".join(others)])  # fmt: skip
    return header, lines


def title(row: Row) -> str:
    """A method and what was changed of it."""
    return ", ".join(filter(None, (MODELS[row.model].title, row.changes)))


def by_labels(group: Sequence[Row]) -> tuple[list[str], list[list[str]]]:
    """Header and lines of the budget table: a line a label count, a column a method."""
    models = list(dict.fromkeys(r.model for r in group))
    found = {(r.labels, r.model): r for r in group}
    lines = [
        [str(n), *(counted(r) if (r := found.get((n, m))) and r.n else "" for m in models)]
        for n in sorted({r.labels for r in group})
    ]
    titles = {r.model: title(r) for r in group}
    return ["Labels", *(titles[m] for m in models)], lines


def accuracy(row: Row) -> str:
    """A row's mean ± sd; one figure says that it is one."""
    if row.mean is None:
        return "not trained yet"
    return number(row.mean) + (" (1 run)" if row.sd is None else f" ± {number(row.sd)}")


def counted(row: Row) -> str:
    """The same with the number of seeds behind it."""
    return accuracy(row) + (f", {row.n} seeds" if row.n > 1 else "")


def number(value: float | None) -> str:
    """.957 and 1.000, as the paper prints them; nothing for None."""
    return "" if value is None else f"{value:.3f}".removeprefix("0")


def pipe(header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rule = ["---"] * len(header)
    return "\n".join("| " + " | ".join(line) + " |" for line in (header, rule, *lines))


def columns(header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(header, *lines, strict=True)]
    return "\n".join(
        "  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in (header, *lines)
    )


def as_json(rows: Iterable[Row]) -> list[dict]:
    """The rows as JSON holds them, their summaries included."""
    summaries = ("n", "mean", "sd", "seconds", "beside", "reference", "paper")
    return [
        {k: getattr(r, k) for k in ("dataset", "model", "labels", "preset", *summaries)}
        | {"floor": r.baseline and {"n": r.baseline.n, "mean": r.baseline.mean, "sd": r.baseline.sd}}
        | ({"changes": r.changes} if r.changes else {})
        | {"outcomes": [asdict(o) for o in r.outcomes], "running": list(r.running)}
        | {"published": [asdict(p) for p in r.published]}
        for r in rows
    ]


# Kept


def keep(rows: Iterable[Row], root: Path) -> None:
    """Keep a table beside the runs it was made from, as table.json. Raises StoreError."""
    path = root / "table.json"
    try:
        root.mkdir(parents=True, exist_ok=True)
        write_json(path, {"made": datetime.now(UTC).isoformat(timespec="seconds"), "rows": as_json(rows)})
    except OSError as e:
        raise StoreError(sentence(e, path)) from e


def keep_as_reference(rows: Sequence[Row], root: Path, reference: Path = REFERENCE, readme: Path = README) -> None:
    """Merge the figures of own runs into `reference` and write all that is there into the README. Raises StoreError."""
    fair = [r.baseline for r in rows if r.baseline and r.baseline.preset != r.preset]  # which have no row of their own
    merge([o for row in (*rows, *fair) for o in row.outcomes], root, reference)
    if troubles := problems(reference):  # else the README would lose what that file holds
        raise StoreError(" ".join(troubles))
    try:
        replace(readme, into(readme.read_text(encoding="utf-8"), reference_rows(reference)))
    except OSError as e:
        raise StoreError(sentence(e, readme)) from e


def into(readme: str, rows: Sequence[Row]) -> str:
    """A README with these rows as its reference tables. Raises StoreError if it has no place for them."""
    points = [row for row in rows if DATASETS[row.dataset].points]
    readme = between(readme, BEGIN, END, markdown([row for row in rows if row not in points]))
    return between(readme, POINTS, END_POINTS, figures(points)) if points else readme


def between(readme: str, first: str, last: str, section: str) -> str:
    """A README with `section` between these two lines. Raises StoreError if it lacks them."""
    before, begin, rest = readme.partition(first)
    _, end, after = rest.partition(last)
    if not begin or not end:
        raise StoreError(f"The README has no section between {first!r} and {last!r}. Put the two lines back.")
    return f"{before}{begin}\n\n{section}\n{end}{after}"
