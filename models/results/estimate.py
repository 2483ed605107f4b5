"""How long a run will take: from this machine's own finished runs, else from figures measured on 2 cores. No torch."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from statistics import median

from data import DATASETS, files
from models import MODELS
from models.results.outcome import number
from models.runs.run import Run
from models.runs.store import Folder, runs
from models.runs.store import root as default_root

START = 2.0  # seconds before the first step and after the last: loading, the first and the last evaluation


def seconds(run: Run, root: Path | Sequence[Folder] | None = None) -> float | None:
    """Expected wall seconds of `run`; None if nothing like it was ever measured. Cheap enough for every redraw."""
    like = (
        (r["seconds"] - r.get("feature_seconds", 0.0)) / r["epochs"]
        for folder in (runs(root or default_root()) if root is None or isinstance(root, Path) else root)
        if same_kind(folder.run, run) and made_here(folder) and (r := folder.result()) and timed(r)
    )
    latest = list(islice(like, 5))
    if latest:
        return median(latest) * run.epochs + looking(run)
    card = MODELS[run.model]
    alike, cost = nearest(run)
    if alike not in card.seconds:
        return None
    each = card.seconds[alike] * cost
    slow = card.paper_slowdown if run.preset == "paper" else 1.0
    return START + each * slow * run.epochs + looking(run)


def each(wanted: Iterable[Run], root: Path | Sequence[Folder] | None = None) -> list[float | None]:
    """`seconds` of runs that train one after the other: a frozen network looks at their test images once."""
    root = runs(root or default_root()) if root is None or isinstance(root, Path) else root  # read once
    known: dict[Run, float | None] = {}
    looked, found = set(), []
    for run in wanted:
        like = replace(run, seed=0)  # a seed takes as long as any other
        if like not in known:
            known[like] = seconds(run, root)
        expected, kind = known[like], (run.model, run.dataset)
        if expected is not None and not run.validation:
            if kind in looked:
                expected += looking(run, tested=True) - looking(run)
            looked.add(kind)
        found.append(expected)
    return found


def made_here(folder: Folder) -> bool:
    """Whether its seconds are this machine's."""
    return "imported" not in folder.written_status()


def timed(result: dict) -> bool:
    """Whether a result tells how long an epoch took."""
    spent, epochs = (result.get(key) for key in ("seconds", "epochs"))
    return number(spent) and number(epochs) and spent * epochs > 0 and number(result.get("feature_seconds", 0.0))


def looking(run: Run, tested: bool = False) -> float:
    """Seconds until a frozen network has looked at the images a run needs; 0 for other methods.

    Once for all runs: `tested` says that it has seen the test images before.
    """
    card = MODELS[run.model]
    if not card.frozen:
        return 0.0
    spec, n_test = DATASETS[run.dataset], 0 if tested else run.validation or DATASETS[run.dataset].n_test
    for kept in (files.cache() / "features").glob(
        f"{card.backbone}-*-{run.dataset}-*.there"
    ):  # see models/training/feature_cache.py
        try:
            marks = kept.read_bytes()[spec.n_train :]
            if not run.validation and marks and 0 not in marks:
                n_test = 0
        except OSError:
            continue
    return (run.labels + len(run.given) + n_test) / card.images_per_second


def nearest(run: Run) -> tuple[str, float]:
    """The measured data set most like the run's, and roughly how much longer an epoch of the run's own takes."""
    spec = DATASETS[run.dataset]
    alike = run.dataset if run.dataset in MODELS[run.model].seconds else "mnist" if spec.grey else "cifar10"
    of = DATASETS[alike]
    return alike, spec.n_train / of.n_train * math.prod(spec.shape) / math.prod(of.shape)


def same_kind(a: Run, b: Run) -> bool:
    """Whether what an epoch of the finished run `a` took tells what one of `b` will."""

    def kind(run: Run) -> tuple:
        return run.model, run.dataset, run.preset, run.settings, run.device, run.threads

    # Of the few epochs of one that went on, the start is too large a part.
    return a.parent is None and kind(a) == kind(b)
