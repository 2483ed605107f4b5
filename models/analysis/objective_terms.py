"""What each term of an equation is for one image: L, U and J taken apart, in nats, draw by draw of the noise.

A function of a model first, then that of a run folder, which a page asks for (door.py). The terms are those that
the models' own methods compute; here they are only asked for one image, every class and several draws at once.
"""

import numpy as np
import torch
from torch import Tensor

import data
from data import Images as DataSet
from models import MODELS
from models.analysis.answers import possible_draws
from models.analysis.inference import computing, load, pixels
from models.errors import StoreError
from models.nn.augment import to_float
from models.runs.split import split_indices
from models.runs.store import Folder

BATCH = 128  # unlabelled images, for terms that look at a batch as a whole
LABELLED, UNLABELLED, TEST = "labelled", "unlabelled", "test"


def of_image(folder: Folder, id: int, draws: int) -> dict:
    """The terms for an image of the run's data set, as of its latest weights: those of the method's
    `terms_of_image` as float64, and

    "kind"         "labelled", "unlabelled" or "test": what the image is to this run
    "true"         its class; of an unlabelled or a test image for looking only
    "alpha", "beta", "n_l", "n_u"    alpha = beta (n_l + n_u) / n_l, below eq. 23
    "draws"        how many there are: 1 where nothing is drawn

    Raises StoreError or DataError, each a sentence.
    """
    run, frozen = folder.run, MODELS[folder.run.model].frozen
    if draws not in possible_draws(run):
        allowed = ", ".join(map(str, possible_draws(run)))
        raise StoreError(f"{draws} draws are not among those for this run. Choose one of: {allowed}.")
    shown = pixels(folder, [id])
    images_of = data.load(run.dataset)
    labelled, unlabelled, _ = split_indices(run, images_of)
    alpha = run.settings.beta * (len(labelled) + len(unlabelled)) / len(labelled)
    model = load(folder)
    with computing():
        x = _features(folder, images_of, id) if frozen else None
        x = to_float(torch.from_numpy(shown))[0] if x is None else x
        few = unlabelled[:BATCH] if len(unlabelled) else labelled
        batch = to_float(torch.from_numpy(data.pixels(images_of, few)))
        found = model.terms_of_image(x, alpha, 1 if frozen else draws, batch)
        arrays = {
            name: {n: _float64(t) for n, t in v.items()} if isinstance(v, dict) else _float64(v)
            for name, v in found.items()
        }
    if not all(np.isfinite(a).all() for v in arrays.values() for a in (v.values() if isinstance(v, dict) else [v])):
        raise StoreError(f"The weights of {folder.id} give no finite terms: its training diverged. Train it again.")
    kind = TEST if id < 0 else LABELLED if id in labelled else UNLABELLED
    y = images_of.y_test[-1 - id] if id < 0 else images_of.y[id]
    return arrays | {
        "kind": kind,
        "true": int(y),
        "alpha": alpha,
        "beta": run.settings.beta,
        "n_l": len(labelled),
        "n_u": len(unlabelled),
        "draws": 1 if frozen else draws,
    }


def _features(folder: Folder, images_of: DataSet, id: int) -> Tensor | None:
    """What a frozen network has found in an image already, if it was kept: (size,)."""
    from models.nn import pretrained
    from models.training import feature_cache

    name, ids = folder.run.model, np.array([id])
    of = feature_cache.kept(name, images_of, pretrained.BACKBONES[name].features)
    return None if len(of.lacks(ids)) else torch.from_numpy(of.of(ids)[0])


def _float64(t: Tensor) -> np.ndarray:
    return t.double().numpy()
