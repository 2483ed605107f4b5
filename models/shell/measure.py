"""`measure`: what else is known of finished runs, computed here and now, printed, and kept for the pages."""

import argparse
import json
import math
from collections.abc import Callable
from typing import TypeVar

from data import DATASETS, IMAGE_SETS
from models import MODELS
from models.analysis import judge as judges
from models.analysis import kept_figures, likelihood, sample_scores, usage
from models.errors import RunError, UserError
from models.runs.run import one_of, whole
from models.runs.store import Folder, open_folder, root
from models.shell.output import say

MOST_SAMPLES = 100_000
T = TypeVar("T")


def measure(args: argparse.Namespace) -> int:
    """Every run that was named, one after the other; one that cannot be measured does not hold up the next."""
    for name in ("samples", "images"):
        if getattr(args, name) is not None:
            whole(name, getattr(args, name), at_least=1, at_most=MOST_SAMPLES)
    folders, code, found = [named(args, id) for id in args.run], 0, []
    for folder in folders:
        try:
            found.append({"run": folder.id} | of_run(folder, args.samples, args.images))
        except UserError as e:
            say(f"{folder.id}: {e}")
            code = 1
            continue
        if not args.json:
            print("\n".join([folder.id, *(f"  {line}" for line in found[-1]["says"])]))
    if args.json:
        print(json.dumps([{k: v for k, v in of.items() if k != "says"} for of in found]))
    return code


def judge(args: argparse.Namespace) -> int:
    """Train the judge of a data set, unless there is one."""
    one_of("data set", args.dataset, IMAGE_SETS)
    spec = DATASETS[args.dataset]
    if judges.accuracy(args.dataset) is None:
        say(f"Training labels only on all {spec.n_train:,} labels of {spec.title}.")
    reached = judges.make(args.dataset)
    print(f"The judge of {spec.title} classifies {reached:.2%} of the {spec.n_test:,} test images correctly. "
          f"Kept as {judges.path_of(args.dataset)}.")  # fmt: skip
    return 0


def named(args: argparse.Namespace, id: str) -> Folder:
    """The run that was named. Raises RunError if there is none."""
    folder = open_folder(args.runs or root(), id)
    if folder is None:
        raise RunError(f"There is no run {id!r} in {args.runs or root()}. `python -m models list` shows what there is.")
    return folder


def of_run(folder: Folder, samples: int | None, images: int | None) -> dict:
    """What is known of a run, computed unless it is kept: figures by name, and "says", a line each."""
    epoch = kept_figures.latest(folder)
    if epoch is None:
        raise RunError("It has kept nothing yet to be measured.")
    figures: dict = {"epoch": epoch, "says": []}
    add_likelihood(figures, folder, epoch, samples, images)
    add_usage(figures, folder, epoch)
    add_samples(figures, folder, epoch)
    return figures


def kept(read: Callable[[], T | None], make: Callable[[], object]) -> T:
    """What `read` finds, made first if it finds nothing."""
    found = read()
    if found is None:
        make()
        found = read()
    assert found is not None  # it was made just now
    return found


def add_samples(figures: dict, folder: Folder, epoch: int) -> None:
    """How many of its samples show their class, and how varied they are."""
    run = folder.run
    if sample_scores.why_not(run):
        return
    if sample_scores.of_run(folder, epoch) is None and judges.accuracy(run.dataset) is None:
        title = DATASETS[run.dataset].title
        figures["says"].append(f"Samples: not scored, {title} has no judge yet: `{judges.command(run.dataset)}`.")
        return
    found = kept(
        lambda: sample_scores.of_run(folder, epoch),
        lambda: sample_scores.make(folder.path, sample_scores.OF, epoch),
    )
    figures |= {"taken": found.share, "variety": found.varied, "judge": found.judge}
    figures["says"].append(f"Samples: {sample_scores.sentence(run, found)}.")


def add_usage(figures: dict, folder: Folder, epoch: int) -> None:
    """How much of z, and of what lies between x and it, is used."""
    run = folder.run
    for space in ("z", MODELS[run.model].inner):
        if not space or usage.why_not(run, space):
            continue
        found = kept(
            lambda space=space: usage.of_run(folder, epoch, space),
            lambda space=space: usage.make(folder.path, space, epoch),
        )
        figures[f"active_{space}"], figures[f"size_{space}"] = found.active, found.size
        figures[f"nats_{space}"] = float(found.cost.sum())
        figures["says"].append(f"{usage.sentence(run, space, found)}. {usage.telling(space, found)}".rstrip())
        if not math.isnan(found.tells):
            figures[f"I_{space}_y"] = found.tells


def add_likelihood(figures: dict, folder: Folder, epoch: int, samples: int | None, images: int | None) -> None:
    """log p(x) of test images."""
    run = folder.run
    if why := likelihood.why_not(run):
        figures["says"].append(why)
        return
    if samples or images:
        arrays = likelihood.compute(folder, epoch, samples or likelihood.SAMPLES, images or 0)
        found = likelihood.summed(run, arrays)
    else:
        found = kept(
            lambda: likelihood.of_run(folder, epoch), lambda: likelihood.make(folder.path, likelihood.OF, epoch)
        )
    figures |= {"log_p_x": found.bound, "log_p_x_error": found.error, "log_p_x_one_sample": found.one,
                "samples": found.samples, "images": found.images}  # fmt: skip
    bits = ""
    if not math.isnan(found.bits):
        figures["bits_per_dimension"] = found.bits
        bits = f", {found.bits:.3f} bits per dimension"
    figures["says"].append(f"{likelihood.sentence(run, found)}{bits}. {likelihood.says(run)}")
