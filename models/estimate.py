"""How long a run will take: from this machine's own finished runs, else from figures measured on 2 cores. No torch."""

from itertools import islice
from pathlib import Path
from statistics import median

from data import DATASETS
from models.run import Run
from models.store import root as default_root
from models.store import runs

START = 2.0  # seconds before the first step and after the last: loading, the first and the last evaluation

# Seconds an epoch, 2 CPU cores with bfloat16, by (model, data set), of the `tuned` preset. Measured 2026-11-23.
MEASURED: dict[tuple[str, str], float] = {}
PAPER = 4.0  # how many times longer the `paper` preset's transposed convolutions take than the tuned preset


def seconds(run: Run, root: Path | None = None) -> float | None:
    """Expected wall seconds of `run`; None if nothing like it was ever measured. Cheap enough for every redraw."""
    like = (
        r["seconds"] / r["epochs"]
        for folder in runs(root or default_root())
        if same_kind(folder.run, run) and (r := folder.result()) and r.get("seconds") and r.get("epochs")
    )
    latest = list(islice(like, 5))
    if latest:
        return median(latest) * run.epochs
    each = MEASURED.get((run.model, run.dataset))
    if each is None:
        spec, mnist = DATASETS[run.dataset], DATASETS["mnist"]
        known = MEASURED.get((run.model, "mnist"))
        if known is None:
            return None
        each = known * spec.n_train / mnist.n_train * (spec.shape[0] * spec.shape[1] ** 2) / 28**2 * spec.n_classes / 10
    slow = PAPER if run.preset == "paper" and run.model != "adgm" else 1.0
    return START + each * slow * run.epochs


def same_kind(a: Run, b: Run) -> bool:
    def kind(run: Run) -> tuple:
        return run.model, run.dataset, run.preset, run.settings, run.device, run.threads

    return kind(a) == kind(b)
