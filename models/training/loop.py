"""The loop: a generator of records that a page's worker, a test and the shell consume alike.

It knows nothing of screens. With a folder it keeps there, after each epoch, what is needed to continue, to analyse it
and to see how the samples sharpened, and it continues from there if there is something to continue.
"""

import math
import time
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

import data
from models import MODELS
from models.errors import TrainingError
from models.methods.notation import CONTRASTIVE
from models.methods.presets import PRESETS
from models.nn.device import pick
from models.runs.run import Run, is_todays
from models.runs.split import split_of_run
from models.runs.store import Folder
from models.training import feature_cache
from models.training.checkpoint import Progress, load_progress, load_start, save_progress
from models.training.fingerprint import fingerprint
from models.training.stopping import STARTING, StopRequest
from models.training.threads import StepThreads
from models.training.trainer import Trainer

EVERY = 0.25  # seconds between two step records
UNEVALUATED = "Stopped while it was evaluated after epoch {epoch}. All that it learned is kept."
UNMEASURED = "Stopped after its last epoch, before its result was measured. Continue it for that."


def train(
    run: Run, folder: Folder | None = None, stop: Callable[[], bool] = lambda: False, started: float | None = None
) -> Iterator[dict]:
    """Minimise J of `run`'s model, yielding "start", "step", "epoch" and at the end "result" records (runs/store.py).

    When `stop()` turns true, what was learned is saved and the generator ends without a "result".
    `started` is the time.time() at which the process began, for the seconds of the result.
    Raises RunError, DataError, StoreError or TrainingError, each one sentence.
    """
    started = time.time() if started is None else started
    stop = stop if isinstance(stop, StopRequest) else StopRequest(stop)
    if run.threads:
        torch.set_num_threads(run.threads)
    device, threads = pick(run.device), torch.get_num_threads()
    images_of = data.load(run.dataset)
    inputs = None
    if MODELS[run.model].frozen:
        inputs = yield from feature_cache.prepare(run, images_of, device, stop)
        if inputs is None:  # asked to stop meanwhile
            return
    torch.manual_seed(run.seed)
    trainer = Trainer(run, split_of_run(run, images_of), device, inputs)
    at = load_progress(folder.path, trainer) if folder else None
    if at is None:
        at = Progress()
        if run.parent:
            begin_from_parent(folder, trainer)
    evaluated = last_recorded_epoch(folder, at.step) if folder else -1
    total = run.epochs * trainer.steps_per_epoch
    step_threads = StepThreads(1 if run.threads or device.type != "cpu" else threads)
    before, finished = at.seconds, at.step >= total
    clock = time.perf_counter()

    def seconds() -> float:
        return before if finished else before + time.time() - started  # what was finished takes no more of them

    def save() -> None:
        if folder and at.step:
            at.seconds = seconds()
            save_progress(folder.path, trainer, at)

    yield {
        "kind": "start",
        "step": at.step,
        "steps_per_epoch": trainer.steps_per_epoch,
        "epochs": run.epochs,
        "device": device.type,
        "parameters": trainer.parameters(),
    }
    spoke = 0.0
    accuracies: dict[str, float] = {}
    while True:
        epoch, step_of_epoch = divmod(at.step, trainer.steps_per_epoch)
        if step_of_epoch == 0 and evaluated < epoch:
            means = mean_terms(trainer.names, at.sums, at.counted)  # waits for the device, so the clock is true
            check_finite(means, run, at.step)
            at.training_seconds += time.perf_counter() - clock
            save()  # before the evaluation: a kill during it loses nothing that was learned
            with stop.nothing_to_lose(UNEVALUATED.format(epoch=epoch) if epoch else STARTING):
                accuracies = trainer.evaluate()
                if folder:
                    trainer.keep(folder.path, epoch, images_of, final=epoch == run.epochs)
            yield {"kind": "epoch", "step": at.step, "epoch": epoch, **means, **accuracies, "seconds": seconds()}
            evaluated, clock = epoch, time.perf_counter()
        if step_of_epoch == 0:
            at.sums, at.counted = None, 0
        if at.step >= total:
            break
        if stop():
            at.training_seconds += time.perf_counter() - clock
            save()
            return
        values = step_threads.timed(lambda: trainer.step(at.step, total))
        at.step += 1
        at.sums, at.counted = values if at.sums is None else at.sums + values, at.counted + 1
        if time.monotonic() - spoke > EVERY:
            now = mean_terms(trainer.names, values, 1)
            check_finite(now, run, at.step)
            yield {"kind": "step", "step": at.step, "epoch": at.step / trainer.steps_per_epoch, **now}
            spoke = time.monotonic()

    save()  # for an extension, which goes on counting the seconds
    with stop.nothing_to_lose(UNMEASURED):
        if not accuracies:  # a finished run that was started again: nothing is left to learn
            accuracies = trainer.evaluate()
        result = {
            "kind": "result",
            "step": at.step,
            "run": folder.id if folder else str(run),
            "model": run.model,
            "dataset": run.dataset,
            "labels": run.labels,
            **({"given": len(run.given), "parent": run.parent.id} if run.parent else {}),
            "seed": run.seed,
            "preset": run.preset,
            "epochs": run.epochs,
            "evaluated_on": "validation" if run.validation else "test",
            **accuracies,
            **trainer.extras(),
            **({"feature_seconds": inputs.seconds} if inputs else {}),
            "seconds": seconds(),
            "seconds_per_epoch": at.training_seconds / run.epochs,
            "images_per_second": (len(trainer.x_l) + len(trainer.x_u)) * run.epochs / max(at.training_seconds, 1e-9),
            "device": device.type,
            "threads": threads,
            "parameters": trainer.parameters(),
            # Only what a table may hold; today's code is what it is held against (models/results/outcome.py).
            **({"fingerprint": fingerprint(run.dataset, run.model, run.preset)} if is_todays(run) else {}),
        }
    yield result


def begin_from_parent(folder: Folder | None, trainer: "Trainer") -> None:
    """Put the weights that the run's parent had into `trainer`; all else begins anew.

    Also the learning rate: it rises and falls once more within the epochs of this run (a warm restart, Loshchilov and
    Hutter, 2017), for that of the parent has fallen to nothing. The optimiser's memory is of the parent's labels, and
    the averaged weights forget the parent's as fast as any run forgets its first ones. M1's SVM is fitted at the end
    of each epoch in any case. Raises StoreError, or TrainingError without a folder.
    """
    if folder is None:
        raise TrainingError(
            "A run that goes on from another one needs a folder, for the weights it begins from lie there."
        )
    load_start(folder.path, trainer)


def last_recorded_epoch(folder: Folder, step: int) -> int:
    """The last epoch up to `step` that the run's file has a record of, which need not be evaluated again; -1: none."""
    records = folder.records()[0]
    return max((r["epoch"] for r in records if r.get("kind") == "epoch" and r.get("step", 0) <= step), default=-1)


def mean_terms(names: list[str], sums: Tensor | None, counted: int) -> dict:
    """{"J": ..., "terms": {...}}, per image; empty before the first step. Of what comes before J the term alone."""
    if sums is None:
        return {}
    terms = dict(zip(names, (sums / counted).tolist(), strict=True))
    return {"terms": terms} if terms.keys() == CONTRASTIVE.keys() else {"J": sum(terms.values()), "terms": terms}


def check_finite(means: dict, run: Run, step: int) -> None:
    if not all(map(math.isfinite, (means.get("J", 0.0), *means.get("terms", {}).values()))):
        other = next(preset for preset in PRESETS if preset != run.preset)
        raise TrainingError(
            f"The objective of {run} is not a number any more at step {step}. Begin a new run with another "
            f"seed, with the preset {other}, or with more labels."
        )
