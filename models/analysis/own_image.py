"""What a run makes of an image that is in no data set: a drawing, a photo. Arrays in and out (door.py).

All of them raise StoreError (no weights yet, a damaged file) or DataError (a frozen network whose weights are not here,
a data set that is not ready), each a sentence fit to be shown.
"""

from typing import cast

import numpy as np
import torch
from torch import Tensor

import data
from data import DATASETS
from models import MODELS
from models.analysis import inference
from models.analysis.answers import Seen
from models.errors import StoreError
from models.methods.method import GenerativeMethod
from models.nn.augment import to_float
from models.runs.store import Folder
from models.training import snapshot

DRAWS = 4  # of z (and a), over which the bound of an image is the mean: one draw alone is off by several nats
AMONG = 300  # test images whose bounds a drawing is held against
AT_ONCE = 25  # of them under one lock, so that nobody waits longer than a blink for a page


def see(folder: Folder, image: np.ndarray) -> Seen:
    """Show a run one image, uint8 (c, h, w). The same image and weights give the same answer, to the last digit."""
    spec = DATASETS[folder.run.dataset]
    check(folder, image)
    method, model = MODELS[folder.run.model], inference.load(folder)
    draws = cast(GenerativeMethod, model) if method.draws else None
    with inference.computing():
        x = to_float(torch.from_numpy(image[None].copy()))
        limit = bound(draws, x) if draws else None
        x = model.features(x)  # once, for q(y|x) and for the code
        classes, codes = model.classify_and_encode(x)
        q_y = classes.probs
        k = q_y.argmax(-1)
        made = every = None
        if draws:
            z = draws.style(codes["z"], k)
            made = snapshot.to_uint8(draws.generate(k, z))[0]
            every = snapshot.tiles(draws, torch.arange(spec.n_classes), z)[:, 0]
        return Seen(
            q_y=q_y[0].float().numpy(),
            codes={name: code[0].float().numpy() for name, code in codes.items()},
            reconstruction=made,
            classes=every,
            bound=None if limit is None else float(limit[0]),
        )


def check(folder: Folder, image: np.ndarray) -> None:
    """Raises StoreError if the image is none that a run of this data set can see."""
    spec = DATASETS[folder.run.dataset]
    if image.shape != spec.shape or image.dtype != np.uint8:
        raise StoreError(f"An image of shape {image.shape} is none of {spec.title}, whose images are {spec.shape}.")


def bound(model: GenerativeMethod, x: Tensor) -> Tensor:
    """The bound on -log p(x) of images (n, c, h, w), nats (n,): U of eq. 6 or 22, of M1 eq. 3, a mean over `DRAWS`."""
    copies = x.repeat(DRAWS, 1, 1, 1)
    return model.bound(copies).view(DRAWS, len(x)).mean(0)


def usual(folder: Folder) -> np.ndarray:
    """The bounds of test images, at even steps through the test set: float64 (at most 300,), nats, ascending.

    About a second of work for the largest networks, done in pieces: whoever else wants the models gets them in between.
    """
    of = data.load(folder.run.dataset)
    n = len(of.y_test)
    if not MODELS[folder.run.model].draws:
        raise StoreError(f"{MODELS[folder.run.model].title} has no p(x), so there is no bound to speak of.")
    ids, model, found = (
        -1 - np.unique(np.linspace(0, n - 1, min(n, AMONG)).astype(int)),
        inference.load_generative(folder),
        [],
    )
    for start in range(0, len(ids), AT_ONCE):
        with inference.computing():
            x = to_float(torch.from_numpy(data.pixels(of, ids[start : start + AT_ONCE])))
            found.append(bound(model, x).double().numpy())
    return np.sort(np.concatenate(found))
