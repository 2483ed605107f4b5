"""A model, its optimizer and its batches: one step of learning, the evaluation, and what is kept after an epoch."""

import copy
import math
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch import Tensor, nn

import data
from data.split import Split
from models import MODELS, load_class
from models.methods.classifier import ClassifierMethod
from models.methods.contrastive import LEARNING_RATE, Contrastive
from models.methods.method import DrawingMethod, Method
from models.methods.notation import CONTRASTIVE
from models.nn import patch_features
from models.nn.augment import to_float
from models.nn.device import bf16_pays, isolated_rng
from models.runs.run import Run
from models.runs.split import snapshot_ids
from models.training.checkpoint import save_tensors
from models.training.cuda_graph import CudaGraph
from models.training.snapshot import class_sheet, save_png, snapshot

if TYPE_CHECKING:
    from models.training.feature_cache import Inputs

WARM_UP = 0.05  # share of the steps in which the learning rate rises
EVALUATE_AT_ONCE = 1000  # images


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
        self.model: Method = load_class(run.model).build(images.shape, len(images.classes), s).to(device)
        patch_features.learn_filters(self.model, self.x_u if MODELS[run.model].unlabelled else self.x_l)
        self.contrastive: Contrastive | None = None
        if s.contrastive_epochs:  # of methods with a q(y|.) of their own: their cards say so
            self.contrastive = Contrastive.of(cast(ClassifierMethod, self.model).q_y, s).to(device)
        self.averaged = copy.deepcopy(self.model) if s.ema else self.model
        self.averaged.requires_grad_(not s.ema)
        self.both = list(zip(tensors(self.averaged), tensors(self.model), strict=True)) if s.ema else []
        cuda = device.type == "cuda"
        self.optimizer = torch.optim.AdamW(
            self.numbers(), lr=torch.tensor(s.lr, device=device) if cuda else s.lr,
            weight_decay=s.weight_decay, fused=cuda or device.type == "cpu", capturable=cuda,
        )  # fmt: skip
        self.replayed = CudaGraph(self.learn) if cuda else self.learn
        self.pretrained = CudaGraph(self.pretrain) if cuda else self.pretrain
        self.bf16 = s.bf16 and bf16_pays(device)
        self.names: list[str] = []
        self.model.before_training(self.averaged)
        for model in self.models:
            model.see_unlabelled(self.x_u)
        self._plan: tuple[int, tuple[Tensor, ...], Tensor] | None = None

    @property
    def models(self) -> tuple[Method, ...]:
        """The model that learns, and the averaged weights if they are another one."""
        return (self.model,) if self.averaged is self.model else (self.model, self.averaged)

    def autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16)

    def numbers(self) -> list[Tensor]:
        """What the optimizer moves: an empty tensor of a method that learns nothing step by step, for it wants one."""
        head = list(self.contrastive.head.parameters()) if self.contrastive else []
        return [*self.model.parameters(), *head] or [torch.zeros(0, requires_grad=True, device=self.device)]

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
        """Learn from one batch; returns the value of each term of J, in the order of `names`.

        With contrastive pretraining, which comes first, the run that a method is told of begins after it.
        """
        batch = self.batch(step)
        if step < self.pretraining_steps:
            return self.step_before(step, batch)
        step, total = step - self.pretraining_steps, total - self.pretraining_steps
        self.set_rate(learning_rate(self.run, *self.model.rate_of(step, total)))
        for model in self.models:
            model.before_step(step / total)
        self.model.train()
        values = self.replayed(*batch)
        average(self.both, self.model.keeps(step, total, self.decay(step)))
        self.model.after_step(self.averaged)
        return values

    @property
    def pretraining_steps(self) -> int:
        """Steps before the first one that goes down J."""
        return self.run.settings.contrastive_epochs * self.steps_per_epoch

    def step_before(self, step: int, batch: tuple[Tensor, Tensor]) -> Tensor:
        """One step of contrastive pretraining, at a rate that rises and falls within it."""
        self.set_rate(learning_rate(self.run, step, self.pretraining_steps, LEARNING_RATE))
        self.model.train()
        values = self.pretrained(*batch)
        average(self.both, self.decay(step))
        return values

    def decay(self, step: int) -> float:
        """How much of the averaged weights stays after a step: little in the first ones."""
        return min(self.run.settings.ema, (1 + step) / (10 + step))

    def set_rate(self, rate: float) -> None:
        for group in self.optimizer.param_groups:
            set_rate(group, rate)

    def learn(self, labelled: Tensor, unlabelled: Tensor) -> Tensor:
        """One step down J of these images at the learning rate that is set; nothing in it waits for the device."""
        x_l, y_l, x_u = to_float(self.x_l[labelled]), self.y_l[labelled], to_float(self.x_u[unlabelled])
        self.model.see_batch(labelled, unlabelled)
        with self.autocast():
            terms = self.model.terms(x_l, y_l, x_u, self.alpha)
        return self.down(terms)

    def pretrain(self, labelled: Tensor, unlabelled: Tensor) -> Tensor:
        """One step down the contrastive cost of these unlabelled images; labels are not looked at."""
        assert self.contrastive
        with self.autocast():
            cost = self.contrastive(to_float(self.x_u[unlabelled]))
        return self.down(dict.fromkeys(CONTRASTIVE, cost.mean()))

    def down(self, terms: dict[str, Tensor]) -> Tensor:
        """One step of the optimizer down the sum of these terms; their values."""
        self.names = list(terms)
        if not terms:
            return torch.zeros(0)
        self.optimizer.zero_grad(set_to_none=True)
        sum(terms.values()).backward()  # pyrefly: ignore[missing-attribute]  # of an int: there are terms
        self.optimizer.step()
        return torch.stack([t.detach() for t in terms.values()])

    def evaluate(self) -> dict[str, float]:
        """Accuracy on the test images (or validation images) and on the labelled ones; training does not feel it."""
        with isolated_rng(self.device, self.run.seed), self.autocast():
            self.averaged.eval()
            self.averaged.fit(to_float(self.x_l), self.y_l)
            test = self.accuracy(self.x_test, self.y_test)
            return {"test_accuracy": test, "labelled_accuracy": self.accuracy(self.x_l, self.y_l)}

    def accuracy(self, x: Tensor, y: Tensor) -> float:
        chunks = range(0, len(x), EVALUATE_AT_ONCE)
        k = [self.averaged.classify(to_float(x[i : i + EVALUATE_AT_ONCE])).probs.argmax(-1) for i in chunks]
        return (torch.cat(k) == y).float().mean().item()

    def keep(self, path: Path, epoch: int, images_of: data.Images, final: bool) -> None:
        """Write what one looks at later: weights, the class grid and the codes of the snapshot images after `epoch`."""
        with isolated_rng(self.device, self.run.seed):
            save_tensors(path / "model.safetensors", self.averaged.state_dict())
            for name, extra in self.averaged.extra_files().items():
                save_tensors(path / name, extra)
            if MODELS[self.run.model].pictures and not data.DATASETS[self.run.dataset].points:
                save_png(
                    path / "samples" / f"{epoch:04d}.png",
                    class_sheet(cast(DrawingMethod, self.averaged), self.split, self.device),
                )
            ids = snapshot_ids(self.split.labelled, self.split.unlabelled, images_of, many=final)
            if self.inputs:
                ids = ids[np.isin(ids, self.inputs.ids)]
            tensors = snapshot(self.averaged, ids, images_of, self.device, self.inputs)
            save_tensors(path / "latents" / f"{epoch:04d}.safetensors", tensors)

    def extras(self) -> dict[str, float]:
        """What else a result says, such as the yardstick of M1."""
        with isolated_rng(self.device, self.run.seed):
            return self.averaged.extra_results(to_float(self.x_l), self.y_l, to_float(self.x_test), self.y_test)

    def parameters(self) -> int:
        """How many numbers learn: not those of a frozen teacher."""
        return sum(p.numel() for p in self.model.parameters() if p.requires_grad)


def learning_rate(run: Run, step: int, total: int, highest: float | None = None) -> float:
    """A short rise and then, for "cosine", down to nothing at the last step; a constant otherwise.

    Its highest is the setting `lr`, unless it is given.
    """
    lr = run.settings.lr if highest is None else highest
    if run.settings.schedule == "constant":
        return lr
    rise = max(1, round(WARM_UP * total))
    if step < rise:
        return lr * (step + 1) / rise
    return lr * (1 + math.cos(math.pi * (step - rise) / max(1, total - rise))) / 2


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
    if both and decay < 1:
        torch._foreach_lerp_([a for a, _ in both], [b for _, b in both], 1 - decay)
