"""How long a run will take: from this machine's own finished runs, else from figures measured on 2 cores. No torch."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from statistics import median

from data import DATASETS, files
from models.outcome import number
from models.run import Run
from models.store import Folder, runs
from models.store import root as default_root

START = 2.0  # seconds before the first step and after the last: loading, the first and the last evaluation

# Wall seconds an epoch, evaluation included, of the `tuned` preset on 2 CPU cores with bfloat16, without AMX: measured
# on 2026-11-24, those of the digits the day before, M1 on photographs and CIFAR-100 two days later with AMX.
MEASURED: dict[tuple[str, str], float] = {
    ("m1", "digits"): 0.45, ("m2", "digits"): 0.67, ("adgm", "digits"): 0.95, ("supervised", "digits"): 0.33,
    ("m1", "mnist"): 13.0, ("m2", "mnist"): 42.0, ("adgm", "mnist"): 42.0, ("supervised", "mnist"): 9.0,
    ("m1", "cifar10"): 40.0, ("m2", "cifar10"): 68.0, ("adgm", "cifar10"): 72.0, ("supervised", "cifar10"): 13.0,
    ("m2", "cifar100"): 78.0, ("adgm", "cifar100"): 94.0,
    ("inception", "digits"): 0.1, ("efficientnet", "digits"): 0.1,
    ("inception", "mnist"): 0.2, ("efficientnet", "mnist"): 0.2,
    ("inception", "cifar10"): 1.0, ("efficientnet", "cifar10"): 1.0,
}  # fmt: skip
LOOKS = {"inception": 25.0, "efficientnet": 150.0}  # images a second that a frozen network turns into features
PAPER = 4.0  # how many times longer the `paper` preset's transposed convolutions take than the tuned preset


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
    alike, cost = nearest(run)
    if (run.model, alike) not in MEASURED:
        return None
    each = MEASURED[run.model, alike] * cost
    slow = PAPER if run.preset == "paper" and run.model != "adgm" else 1.0
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
    spent, epochs = result.get("seconds"), result.get("epochs")
    return number(spent) and number(epochs) and spent * epochs > 0 and number(result.get("feature_seconds", 0.0))


def looking(run: Run, tested: bool = False) -> float:
    """Seconds until a frozen network has looked at the images a run needs; 0 for other methods.

    Once for all runs: `tested` says that it has seen the test images before.
    """
    if run.model not in LOOKS:
        return 0.0
    spec, n_test = DATASETS[run.dataset], 0 if tested else run.validation or DATASETS[run.dataset].n_test
    for kept in (files.cache() / "features").glob(f"{run.model}-*-{run.dataset}-*.there"):  # see models/features.py
        try:
            marks = kept.read_bytes()[spec.n_train :]
            if not run.validation and marks and 0 not in marks:
                n_test = 0
        except OSError:
            continue
    return (run.labels + len(run.given) + n_test) / LOOKS[run.model]


def nearest(run: Run) -> tuple[str, float]:
    """The measured data set most like the run's, and roughly how much longer an epoch of the run's own takes."""
    spec = DATASETS[run.dataset]
    alike = run.dataset if (run.model, run.dataset) in MEASURED else "mnist" if spec.grey else "cifar10"
    of = DATASETS[alike]
    return alike, spec.n_train / of.n_train * math.prod(spec.shape) / math.prod(of.shape)


def same_kind(a: Run, b: Run) -> bool:
    """Whether what an epoch of the finished run `a` took tells what one of `b` will."""

    def kind(run: Run) -> tuple:
        return run.model, run.dataset, run.preset, run.settings, run.device, run.threads

    # Of the few epochs of one that went on, the start is too large a part.
    return a.parent is None and kind(a) == kind(b)
