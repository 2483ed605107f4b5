"""How long runs will take: from this machine's own finished runs, else from figures measured on 2 cores. No torch.

Runs that train at the same time slow one another down. So what a finished run took is first reduced to what it would
have taken alone, by who trained beside it; and what several runs will take together is played through, placed as the
queue will place them (models/jobs/placing.py). What other programs took from a finished run is not known.
"""

import math
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from statistics import median

from data import DATASETS, files
from models import MODELS
from models.errors import StoreError
from models.jobs.placing import Machine, Place, is_small
from models.jobs.processes import cores
from models.jobs.states import Capacity
from models.nn import pretrained_weights
from models.results.outcome import number
from models.runs.run import Run
from models.runs.store import FINAL, Folder, runs
from models.runs.store import root as default_root

START = 2.0  # seconds before the first step and after the last: loading, the first and the last evaluation
SHARED = 0.8  # of a core's work is left when all are busy: four runs on two cores do 1.6 times the work of one
MORE_THREADS = 0.5  # a large run with n threads is n to this power times faster: between 1.16 and 1.7 times with two
KNOWN = 5  # so many of the latest runs of a kind are asked
Span = tuple[float, float, float]  # begin, end (unix time) and threads of a run on the CPU


def seconds(run: Run, root: Path | Sequence[Folder] | None = None, gpu: bool = False) -> float | None:
    """Expected wall seconds of `run` with no other beside it; None if nothing like it was ever measured.

    `gpu`: whether it will train on one. Cheap enough for every redraw.
    """
    folders = runs(root or default_root()) if root is None or isinstance(root, Path) else root
    like = (
        (folder, r)
        for folder in folders
        if same_kind(folder.run, run) and made_here(folder) and (r := folder.result()) and timed(r) and on_gpu(r) == gpu
    )
    if latest := list(islice(like, KNOWN)):
        beside = spans(folders, min(began(r) for _, r in latest), max(ended(r) for _, r in latest))
        alone = [
            (alone_of(folder, r, beside, run) - r.get("feature_seconds", 0.0)) / r["epochs"] for folder, r in latest
        ]
        return median(alone) * run.epochs + looking(run)
    card = MODELS[run.model]
    alike, cost = nearest(run)
    if gpu or alike not in card.seconds:
        return None
    each = card.seconds[alike] * cost
    slow = card.paper_slowdown if run.preset == "paper" else 1.0
    return START + each * slow * run.epochs + looking(run)


def each(wanted: Iterable[Run], root: Path | Sequence[Folder] | None = None, gpu: bool = False) -> list[float | None]:
    """`seconds` of runs that train one after the other: a frozen network looks at their test images once."""
    root = runs(root or default_root()) if root is None or isinstance(root, Path) else root  # read once
    known: dict[Run, float | None] = {}
    looked, found = set(), []
    for run in wanted:
        like = replace(run, seed=0)  # a seed takes as long as any other
        if like not in known:
            known[like] = seconds(run, root, gpu and run.device != "cpu")
        expected, kind = known[like], (run.model, run.dataset)
        if expected is not None and not run.validation:
            if kind in looked:
                expected += looking(run, tested=True) - looking(run)
            looked.add(kind)
        found.append(expected)
    return found


# Together


def together(wanted: Sequence[Run], alone: Sequence[float], capacity: Capacity) -> float:
    """Seconds until the last of these runs has ended, which alone would take so many each.

    The runs that train already are taken to go on; when those that wait before these will begin is not asked.
    """
    machine = Machine(capacity.cores, capacity.slots, len(capacity.gpus))
    waiting, active = list(zip(wanted, alone, strict=True)), []
    clock = 0.0
    while waiting or active:
        for run, left in list(waiting):
            large = sum(not is_small(r) for r, _ in waiting)
            if place := machine.place(run, 0, [p for _, p, _ in active], large):
                active.append((run, place, left))
                waiting.remove((run, left))
        if not active:
            return clock + sum(left for _, left in waiting)
        paces = pace([(run, place) for run, place, _ in active], capacity)
        step = min(left / fast for (_, _, left), fast in zip(active, paces, strict=True))
        clock += step
        rest = [(r, p, left - step * fast) for (r, p, left), fast in zip(active, paces, strict=True)]
        active = [one for one in rest if one[2] > 1e-9]
    return clock


def pace(active: Sequence[tuple[Run, Place]], capacity: Capacity) -> list[float]:
    """How fast each of the runs that train at the same time is, beside what it would be alone."""
    on_cpu = capacity.running + sum(place.threads for _, place in active if place.gpu is None)
    on = Counter(place.gpu for _, place in active if place.gpu is not None)
    return [
        share(on_cpu, capacity.cores) * speed(run, place.threads) / speed(run, threads_alone(run, capacity.cores))
        if place.gpu is None
        else 1 / on[place.gpu]
        for run, place in active
    ]


def share(threads: float, of: int) -> float:
    """The pace of a thread among so many busy ones on `of` cores, beside its pace alone."""
    return 1.0 if threads <= 1 else min(1.0, SHARED * of / threads)


def speed(run: Run, threads: int) -> float:
    """How much faster than with one thread: a small run hardly is."""
    return 1.0 if is_small(run) else threads**MORE_THREADS


def threads_alone(run: Run, of: int) -> int:
    return run.threads or (1 if is_small(run) else of)


# What was measured


def alone_of(folder: Folder, result: dict, beside: Sequence[Span], run: Run) -> float:
    """The seconds that a finished run would have taken with no other beside it, on the threads of `run`."""
    if on_gpu(result):
        return result["seconds"]
    begin, end, of = began(result), ended(result), cores()
    threads = max(1, result.get("threads") or folder.threads or 1)
    others = sum(t * max(0.0, min(end, e) - max(begin, b)) for b, e, t in beside) / max(end - begin, 1e-9)
    others = max(0.0, others - threads)  # itself is among them
    quick = share(threads + others, of) / share(threads, of)
    return result["seconds"] * quick * speed(run, threads) / speed(run, threads_alone(run, of))


def spans(folders: Sequence[Folder], since: float, until: float) -> list[Span]:
    """When the runs trained that trained on this machine's CPU between two moments."""
    found = []
    for folder in folders:
        try:
            if folder.metrics.stat().st_mtime < since or folder.made.get("created", 0.0) > until:
                continue  # it recorded nothing later, or was not there yet: not worth reading more of it
        except (OSError, StoreError):
            continue
        status = folder.written_status()
        going = status["state"] not in FINAL
        if status["state"] == "queued" or not made_here(folder):
            continue
        result = folder.result()
        if result and timed(result):
            if not on_gpu(result):
                found.append((began(result), ended(result), max(1, result.get("threads") or 1)))
        else:
            begin = status["since"] if going else folder.made.get("created", 0.0)
            found.append((begin, time.time() if going else status["since"], max(1, folder.threads)))
    return found


def ended(result: dict) -> float:
    return result["t"] if number(result.get("t")) else 0.0


def began(result: dict) -> float:
    return ended(result) - result["seconds"]


def on_gpu(result: dict) -> bool:
    return result.get("device") == "cuda"


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
    return sum(looking_through(name, run, tested) for name in pretrained_weights.parts(card.backbone))


def looking_through(network: str, run: Run, tested: bool) -> float:
    """The same of one network of the backbone."""
    card, of = MODELS[run.model], pretrained_weights.weights(network)
    spec, n_test = DATASETS[run.dataset], 0 if tested else run.validation or DATASETS[run.dataset].n_test
    n_train, views = spec.n_train if card.unlabelled else run.labels + len(run.given), run.settings.views
    lacking = views * (n_train + n_test)
    # See models/training/feature_cache.py.
    which = f"{pretrained_weights.kept_as(network)}-{'[0-9a-f]' * 8}"  # "efficientnet-lite2" is another than the first
    for kept in (files.cache() / "features").glob(f"{which}-{run.dataset}-*.there"):
        if "-view" in kept.name and views == 1:
            continue
        try:
            marks = kept.read_bytes()
        except OSError:
            continue
        if not run.validation and marks[spec.n_train :] and 0 not in marks[spec.n_train :]:
            lacking -= n_test
        if card.unlabelled:
            lacking -= marks[: spec.n_train].count(1)
    return max(0, lacking) / of.images_per_second


def nearest(run: Run) -> tuple[str, float]:
    """The measured data set most like the run's, and roughly how much longer an epoch of the run's own takes."""
    spec = DATASETS[run.dataset]
    if spec.points:
        return "moons", spec.n_train / DATASETS["moons"].n_train
    alike = run.dataset if run.dataset in MODELS[run.model].seconds else "mnist" if spec.grey else "cifar10"
    of = DATASETS[alike]
    return alike, spec.n_train / of.n_train * math.prod(spec.shape) / math.prod(of.shape)


def same_kind(a: Run, b: Run) -> bool:
    """Whether what an epoch of the finished run `a` took tells what one of `b` will, on the same device."""

    def kind(run: Run) -> tuple:
        return run.model, run.dataset, run.preset, run.settings

    # Of the few epochs of one that went on, the start is too large a part.
    return a.parent is None and kind(a) == kind(b)
