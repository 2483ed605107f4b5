"""A fingerprint of the code that trains: a few numbers that change when the code would train another way.

A figure in docs/results is worth showing as long as today's code would make it again. Settings tell only half of that:
two layers built in another order draw other initial weights from the same seed, and no setting says so. A hash of the
sources tells too much: renaming a variable would make every figure stale. So a fingerprint is what a short training
gives: sums over the initial weights, which know neither the names of the layers nor their order among equals, and J in
the first three steps.

It is the same on every machine, to far less than `TOLERANCE`: float32 on one CPU thread whatever the run itself used,
and random images of the data set's shape in place of the data set, from a stream that NumPy promises never to change.
Batches are small. Every image counts for the consistency cost: at the preset's threshold it would be 0 until
q(y|.) has learned something, and one that follows q(y|.) lets rounding decide whether an image counts: 8e-5 of J in
one of twenty cases between PyTorch's kernels for AVX2 and those for any processor, in the others 7e-7 at most
(2026-11-28). AdamW's first steps are as long as the learning rate even where a gradient is nothing but rounding: at the
full rate that was 8e-5 of J as well, so the three steps are the first of a long rise. Not seen: what comes after
training (M1's SVM, the average of the weights), the threshold, and what only many steps show.

`models/results/fingerprint.py` keeps them; the tests compare.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from data import DATASETS
from data.images import Spec
from data.split import Split
from models import MODELS
from models.nn.settings import Settings
from models.runs.run import Run

if TYPE_CHECKING:
    from models.training.feature_cache import Inputs

Fingerprint = dict[str, list[float]]
STEPS, TOTAL = 3, 600  # the learning rate is that of the first 3 of 600 steps: small and rising, as in a run
EACH, BATCH_L, BATCH_U, BOUND_U = 2, 16, 8, 4  # labelled images a class; images a step
SEED = 0


def fingerprint(dataset: str, model: str, preset: str) -> Fingerprint:
    """That of the code as it is now. The process's RNG state and number of threads stay as they are.

    {"weights": [root of the sum of squares, sum, sum of cubes], "J": [its value in each of the first steps]}.
    """
    from models.training.trainer import Trainer

    spec = DATASETS[dataset]
    run = Run.make(dataset, model, EACH * spec.n_classes, SEED, preset=preset, device="cpu", threads=1)
    run = replace(run, settings=small(run.settings, spec.n_classes))
    with alone():
        torch.default_generator.manual_seed(SEED)  # torch.manual_seed would seed the generators of GPUs too
        images = random_images(spec)
        trainer = Trainer(run, images, torch.device("cpu"), random_features(run, images))
        w = torch.cat([p.detach().flatten() for p in trainer.numbers()]).double()
        J = [float(trainer.step(step, TOTAL).double().sum()) for step in range(STEPS)]
    return {"weights": [float(w.norm()), float(w.sum()), float((w**3).sum())], "J": J}


def small(s: Settings, classes: int) -> Settings:
    """The same for small batches in float32; a threshold below every q(y|x), so that rounding decides nothing."""
    return replace(
        s,
        batch_l=min(s.batch_l, BATCH_L),
        batch_u=BATCH_U,
        bound_u=min(s.bound_u, BOUND_U),
        threshold=0.5 / classes,
        bf16=False,
    )


def random_images(spec: Spec) -> Split:
    """Noise of the data set's shape: as many labelled images of each class, and enough unlabelled ones."""
    n_l, n_u = EACH * spec.n_classes, STEPS * BATCH_U
    size = int(np.prod(spec.shape))
    noise = np.random.PCG64(SEED).random_raw(-(-(n_l + n_u) * size // 8)).astype("<u8").view(np.uint8)
    x = noise[: (n_l + n_u) * size].reshape(-1, *spec.shape)
    y = np.repeat(np.arange(spec.n_classes), EACH)
    at = np.arange(n_l + n_u)
    names = tuple(map(str, range(spec.n_classes)))
    return Split(x[:n_l], y, x[n_l:], x[:n_l], y, at[:n_l], at[n_l:], names, spec.shape)


def random_features(run: Run, images: Split) -> "Inputs | None":
    """`models.training.feature_cache.Inputs` of noise, for a method on a frozen network; None for other methods."""
    card = MODELS[run.model]
    if not card.frozen:
        return None
    from models.nn import pretrained
    from models.training.feature_cache import Inputs

    size, views = pretrained.size(card.backbone), run.settings.views
    of = (views, size) if views > 1 else (size,)

    def h(x: np.ndarray) -> np.ndarray:
        return np.resize(x, (len(x), *of)).astype(np.float32) / 255

    x_u = h(images.x_u) if card.unlabelled else np.empty((len(images.x_u), 0), np.float32)
    return Inputs((), images.labelled, h(images.x_l), x_u, h(images.x_l), 0.0)


@contextmanager
def alone() -> Iterator[None]:
    """In here one thread and float32; afterwards the RNG state, the threads and the dtype are as they were."""
    state, threads, dtype = torch.get_rng_state(), torch.get_num_threads(), torch.get_default_dtype()
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float32)
    try:
        yield
    finally:
        torch.set_default_dtype(dtype)
        torch.set_num_threads(threads)
        torch.set_rng_state(state)
