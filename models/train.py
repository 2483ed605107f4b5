"""The loop: a generator of records that a page's worker, a test and the shell consume alike.

It knows nothing of screens. With a folder it keeps there, after each epoch, what is needed to continue, to look inside
and to see how the samples sharpened, and it continues from there if there is something to continue.
"""

import copy
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

import data
from data.split import Split
from models import MODELS, filters, fingerprint, load_class
from models.checkpoint import Progress, load_progress, load_start, save_progress, save_tensors
from models.continuation import split_of
from models.device import aside, bf16_pays, pick
from models.inside import class_sheet, probes, save_png, snapshot
from models.methods.presets import PRESETS
from models.outcome import is_todays
from models.replay import Replay
from models.run import Run
from models.store import Folder
from models.vary import images

if TYPE_CHECKING:
    from models.features import Inputs

EVERY = 0.25  # seconds between two step records
WARM_UP = 0.05  # share of the steps in which the learning rate rises
EVALUATE_AT_ONCE = 1000  # images


class TrainingError(ValueError):
    """Training cannot go on: one sentence that says why and what to do."""


def train(
    run: Run, folder: Folder | None = None, stop: Callable[[], bool] = lambda: False, started: float | None = None
) -> Iterator[dict]:
    """Minimise J of `run`'s model, yielding "start", "step", "epoch" and at the end "result" records (models/store.py).

    When `stop()` turns true, what was learned is saved and the generator ends without a "result".
    `started` is the time.time() at which the process began, for the seconds of the result.
    Raises RunError, DataError, StoreError or TrainingError, each one sentence.
    """
    started = time.time() if started is None else started
    if run.threads:
        torch.set_num_threads(run.threads)
    device = pick(run.device)
    images_of = data.load(run.dataset)
    inputs = None
    if MODELS[run.model].frozen:
        inputs = yield from load_class(run.model).prepare(run, images_of, device, stop)
        if inputs is None:  # asked to stop meanwhile
            return
    torch.manual_seed(run.seed)
    trainer = Trainer(run, split_of(run, images_of), device, inputs)
    at = load_progress(folder.path, trainer) if folder else None
    if at is None:
        at = Progress()
        if run.parent:
            begin_from_parent(folder, trainer)
    evaluated = last_recorded_epoch(folder, at.step) if folder else -1
    total = run.epochs * trainer.steps_per_epoch
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
        values = trainer.step(at.step, total)
        at.step += 1
        at.sums, at.counted = values if at.sums is None else at.sums + values, at.counted + 1
        if time.monotonic() - spoke > EVERY:
            now = mean_terms(trainer.names, values, 1)
            check_finite(now, run, at.step)
            yield {"kind": "step", "step": at.step, "epoch": at.step / trainer.steps_per_epoch, **now}
            spoke = time.monotonic()

    save()  # for an extension, which goes on counting the seconds
    if not accuracies:  # a finished run that was started again: nothing is left to learn
        accuracies = trainer.evaluate()
    yield {
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
        "threads": torch.get_num_threads(),
        "parameters": trainer.parameters(),
        # Only what a table may hold; today's code is what it is held against (models/outcome.py).
        **({"fingerprint": fingerprint.fingerprint(run.dataset, run.model, run.preset)} if is_todays(run) else {}),
    }


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


class Trainer:
    """A model, what it learns from, and one step of learning. The whole data set lies on the device as uint8."""

    def __init__(self, run: Run, images: Split, device: torch.device, inputs: "Inputs | None" = None) -> None:
        """With `inputs`, the features of a frozen network stand in for the images."""
        s = run.settings
        self.run, self.device = run, device
        self.split, self.inputs = images, inputs
        given = inputs or images
        self.x_l, self.y_l, self.x_u, self.x_test, self.y_test = (
            torch.from_numpy(np.require(part, requirements="W")).to(device)  # torch wants no read-only array
            for part in (given.x_l, images.y_l, given.x_u, given.x_test, images.y_test)
        )
        n_l, n_u = len(self.x_l), len(self.x_u)
        self.alpha = s.beta * (n_l + n_u) / n_l  # below eq. 23
        self.steps_per_epoch = max(1, round(n_u / s.batch_u))
        # M1 sees labelled images as it sees the others: as many a step as there are among all.
        self.batch_l = min(n_l, s.batch_l or max(1, round(s.batch_u * n_l / n_u)))
        self.model: nn.Module = load_class(run.model).build(images.shape, len(images.classes), s).to(device)
        filters.learn(self.model, self.x_u if MODELS[run.model].unlabelled else self.x_l)
        self.averaged = copy.deepcopy(self.model) if s.ema else self.model
        self.averaged.requires_grad_(not s.ema)
        self.both = list(zip(tensors(self.averaged), tensors(self.model), strict=True)) if s.ema else []
        cuda = device.type == "cuda"
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=torch.tensor(s.lr, device=device) if cuda else s.lr,
            weight_decay=s.weight_decay, fused=cuda or device.type == "cpu", capturable=cuda,
        )  # fmt: skip
        self.replayed = Replay(self.learn) if cuda else self.learn
        self.bf16 = s.bf16 and bf16_pays(device)
        self.names: list[str] = []
        self.model.before_training(self.averaged)
        self._plan: tuple[int, tuple[Tensor, ...], Tensor] | None = None

    def autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16)

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Which labelled and which unlabelled images step `step` sees: each unlabelled image once an epoch."""
        epoch, i = divmod(step, self.steps_per_epoch)
        if self._plan is None or self._plan[0] != epoch:
            g = torch.Generator().manual_seed(1_000_003 * self.run.seed + epoch)
            unlabelled = torch.randperm(len(self.x_u), generator=g).to(self.device)
            rounds = math.ceil(self.steps_per_epoch * self.batch_l / len(self.x_l))
            labelled = torch.cat([torch.randperm(len(self.x_l), generator=g) for _ in range(rounds)])
            self._plan = epoch, unlabelled.tensor_split(self.steps_per_epoch), labelled.to(self.device)
        _, unlabelled, labelled = self._plan
        return labelled[i * self.batch_l : (i + 1) * self.batch_l], unlabelled[i]

    def step(self, step: int, total: int) -> Tensor:
        """Learn from one batch; returns the value of each term of J, in the order of `names`."""
        for group in self.optimizer.param_groups:
            set_rate(group, learning_rate(self.run, step, total))
        self.model.train()
        values = self.replayed(*self.batch(step))
        average(self.both, min(self.run.settings.ema, (1 + step) / (10 + step)))
        self.model.after_step(self.averaged)
        return values

    def learn(self, labelled: Tensor, unlabelled: Tensor) -> Tensor:
        """One step down J of these images at the learning rate that is set; nothing in it waits for the device."""
        x_l, y_l, x_u = images(self.x_l[labelled]), self.y_l[labelled], images(self.x_u[unlabelled])
        with self.autocast():
            terms = self.model.terms(x_l, y_l, x_u, self.alpha)
        self.names = list(terms)
        self.optimizer.zero_grad(set_to_none=True)
        sum(terms.values()).backward()
        self.optimizer.step()
        return torch.stack([t.detach() for t in terms.values()])

    def evaluate(self) -> dict[str, float]:
        """Accuracy on the test images (or validation images) and on the labelled ones; training does not feel it."""
        with aside(self.device, self.run.seed), self.autocast():
            self.averaged.eval()
            self.averaged.fit(images(self.x_l), self.y_l)
            test = self.accuracy(self.x_test, self.y_test)
            return {"test_accuracy": test, "labelled_accuracy": self.accuracy(self.x_l, self.y_l)}

    def accuracy(self, x: Tensor, y: Tensor) -> float:
        chunks = range(0, len(x), EVALUATE_AT_ONCE)
        k = [self.averaged.classify(images(x[i : i + EVALUATE_AT_ONCE])).probs.argmax(-1) for i in chunks]
        return (torch.cat(k) == y).float().mean().item()

    def keep(self, path: Path, epoch: int, images_of: data.Images, final: bool) -> None:
        """Write what one looks at later: weights, the class grid and the codes of the probe images after `epoch`."""
        with aside(self.device, self.run.seed):
            save_tensors(path / "model.safetensors", self.averaged.state_dict())
            for name, extra in self.averaged.extra_files().items():
                save_tensors(path / name, extra)
            if MODELS[self.run.model].draws:
                save_png(path / "samples" / f"{epoch:04d}.png", class_sheet(self.averaged, self.split, self.device))
            ids = probes(self.split, images_of, many=final)
            if self.inputs:
                ids = ids[np.isin(ids, self.inputs.ids)]
            tensors = snapshot(self.averaged, ids, images_of, self.device, self.inputs)
            save_tensors(path / "latents" / f"{epoch:04d}.safetensors", tensors)

    def extras(self) -> dict[str, float]:
        """What else a result says, such as the yardstick of M1."""
        with aside(self.device, self.run.seed):
            return self.averaged.extra_results(images(self.x_l), self.y_l, images(self.x_test), self.y_test)

    def parameters(self) -> int:
        """How many numbers learn: not those of a frozen teacher."""
        return sum(p.numel() for p in self.model.parameters() if p.requires_grad)


def learning_rate(run: Run, step: int, total: int) -> float:
    """A short rise and then, for "cosine", down to nothing at the last step; a constant otherwise."""
    s = run.settings
    if s.schedule == "constant":
        return s.lr
    rise = max(1, round(WARM_UP * total))
    if step < rise:
        return s.lr * (step + 1) / rise
    return s.lr * (1 + math.cos(math.pi * (step - rise) / max(1, total - rise))) / 2


def set_rate(group: dict, rate: float) -> None:
    """Where the learning rate is a tensor, which a recorded step reads, it stays where it is."""
    if isinstance(group["lr"], Tensor):
        group["lr"].fill_(rate)
    else:
        group["lr"] = rate


def tensors(model: nn.Module) -> list[Tensor]:
    """What is averaged: weights, and batch norm's running figures alike."""
    return [t for t in model.state_dict().values() if t.is_floating_point()]


@torch.no_grad()
def average(both: list[tuple[Tensor, Tensor]], decay: float) -> None:
    """averaged = decay averaged + (1 - decay) model, for each pair of them."""
    if both:
        torch._foreach_lerp_([a for a, _ in both], [b for _, b in both], 1 - decay)


def mean_terms(names: list[str], sums: Tensor | None, counted: int) -> dict:
    """{"J": ..., "terms": {...}}, nats per image; empty before the first step."""
    if sums is None:
        return {}
    values = (sums / counted).tolist()
    return {"J": sum(values), "terms": dict(zip(names, values, strict=True))}


def check_finite(means: dict, run: Run, step: int) -> None:
    if means and not math.isfinite(means["J"]):
        other = next(preset for preset in PRESETS if preset != run.preset)
        raise TrainingError(
            f"The objective of {run} is not a number any more at step {step}. Begin a new run with another "
            f"seed, with the preset {other}, or with more labels."
        )
