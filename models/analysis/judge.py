"""The judge of a data set: labels only, trained on all its labels, to say what a generated image shows.

It is the baseline's network and preset (models/methods/supervised), with every training image labelled, which no run
may have: some of a run's images must stay without. So it is no run, but a file a data set, in the cache:

    judges/mnist-v1.safetensors     its weights, and the share of the test images that it classifies correctly
"""

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from safetensors import SafetensorError, safe_open

import data
from data import DATASETS, files
from data.split import Split
from models import BASELINE, MODELS
from models.errors import StoreError
from models.methods import presets
from models.runs.run import Run

if TYPE_CHECKING:
    from models.methods.classifier import ClassifierMethod

VERSION = 1  # raise it when another judge would be trained
ACCURACY = "test accuracy"
EPOCHS = {"small": 20, "large": 4, "photographs": 24}  # with all labels there are many steps in one


def path_of(dataset: str) -> Path:
    return files.cache() / "judges" / f"{dataset}-v{VERSION}.safetensors"


def accuracy(dataset: str) -> float | None:
    """The share of the test images that the judge classifies correctly; None if there is no judge that can be read."""
    try:
        with safe_open(path_of(dataset), "numpy") as file:
            found = float(file.get_tensor(ACCURACY)[0])
    except (OSError, SafetensorError, KeyError, ValueError, IndexError):
        return None
    return found if math.isfinite(found) else None


def command(dataset: str) -> str:
    """The line of the shell that trains it."""
    return f"python -m models judge --dataset {dataset}"


def make(dataset: str, tell: Callable[[float], None] = lambda share: None) -> float:
    """Train and keep it, unless it is there; its accuracy. Seconds on the digits, minutes on larger data sets.

    Raises DataError or StoreError.
    """
    if (known := accuracy(dataset)) is not None:
        return known
    import torch

    from models.analysis.inference import one_thread
    from models.nn.device import isolated_rng
    from models.training.checkpoint import save_tensors
    from models.training.trainer import Trainer

    device = torch.device("cpu")
    epochs = EPOCHS[presets.kind(DATASETS[dataset])]
    run, images = Run.make(dataset, BASELINE, epochs=epochs), data.load(dataset)
    with one_thread(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(run.seed)
        trainer = Trainer(run, all_labelled(images), device)
        total = trainer.steps_per_epoch * run.epochs
        for step in range(total):
            trainer.step(step, total)
            tell(step / total)
    with isolated_rng(device, run.seed):
        trainer.averaged.eval()
        reached = trainer.accuracy(trainer.x_test, trainer.y_test)
    save_tensors(path_of(dataset), trainer.averaged.state_dict() | {ACCURACY: torch.tensor([reached])})
    return reached


def all_labelled(images: data.Images) -> Split:
    """Every training image with its label. Labels only does not look at those without one: they are the same here."""
    every = np.arange(len(images.y))
    return Split(
        x_l=images.x, y_l=images.y, x_u=images.x, x_test=images.x_test, y_test=images.y_test,
        labelled=every, unlabelled=every, classes=images.classes, shape=images.shape,
    )  # fmt: skip


def load(dataset: str) -> "ClassifierMethod":
    """The judge, in eval mode. Raises StoreError if there is none that fits."""
    from typing import cast

    from safetensors.torch import load_file

    from models import load_class

    spec = DATASETS[dataset]
    model = load_class(BASELINE).build(spec.shape, spec.n_classes, MODELS[BASELINE].settings(spec, "tuned"))
    try:
        tensors = load_file(path_of(dataset))
        tensors.pop(ACCURACY)
        model.load_state_dict(tensors)
    except (OSError, SafetensorError, KeyError, RuntimeError) as e:
        raise StoreError(
            f"The judge of {spec.title} cannot be read. Delete {path_of(dataset)} to train it anew."
        ) from e
    return cast("ClassifierMethod", model.eval().requires_grad_(False))
