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
    "bound_weight"                   of L and U in J, where they stand without it
    "draws"        how many there are: 1 where nothing is drawn

    Raises StoreError or DataError, each a sentence.
    """
    run, still = folder.run, MODELS[folder.run.model].linear_probe
    if draws not in possible_draws(run):
        allowed = ", ".join(map(str, possible_draws(run)))
        raise StoreError(f"{draws} draws are not among those for this run. Choose one of: {allowed}.")
    pixels(folder, [id])  # refuses an id that is none
    images_of = data.load(run.dataset)
    labelled, unlabelled, _ = split_indices(run, images_of)
    alpha = run.settings.beta * (len(labelled) + len(unlabelled)) / len(labelled)
    model = load(folder)
    with computing():
        few = (unlabelled if len(unlabelled) else labelled)[:BATCH]
        x = model.features(seen(folder, images_of, np.array([id])))
        batch = x if still else seen(folder, images_of, few)
        found = model.terms_of_image(x[0], alpha, 1 if still else draws, batch)
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
        "bound_weight": run.settings.bound if "bound" in MODELS[run.model].reads else 1.0,
        "beta": run.settings.beta,
        "n_l": len(labelled),
        "n_u": len(unlabelled),
        "draws": 1 if still else draws,
    }


def seen(folder: Folder, images_of: DataSet, ids: np.ndarray) -> Tensor:
    """Images as the run's method takes them: of one on a frozen network their features, if they were kept."""
    from models.training import feature_cache

    run, card = folder.run, MODELS[folder.run.model]
    if card.frozen:
        views = feature_cache.every(card.backbone, run.settings.views, images_of)
        if not any(len(of.lacks(ids)) for networks in views for of in networks):
            return torch.from_numpy(feature_cache.rows(views, ids))
    return to_float(torch.from_numpy(data.pixels(images_of, ids)))


def _float64(t: Tensor) -> np.ndarray:
    return t.double().numpy()
