"""How much of each latent variable a model uses, dimension by dimension: whether the posterior is but the prior.

Of a dimension i, means over test images:

    z:  KL[q(z_i|.) || p(z_i)]                              what it costs, and at most what it tells p(x|.), nats
    a:  E[log q(a_i|x) - log p(a_i|z,y,x)]                  the same of an auxiliary variable, under q(a,y,z|x)
    active: Var_x(E[z_i]) > 0.01                            Burda et al., ICLR 2016, section 5: active units

with y as q(y|.) has it, class by class. Of a also how much q(y|a,x) looks at it, nats:

    I(a; y|x) = H(E_a q(y|a,x)) - E_a H(q(y|a,x))           a drawn from q(a|x)

A page reads here; it needs numpy and nothing heavier. `make` takes some seconds, so it belongs into a job.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import data
from data import DATASETS
from models import MODELS
from models.analysis import kept_figures
from models.errors import LatentError, StoreError
from models.runs.run import Run
from models.runs.store import Folder

METHOD = "usage"  # its name in `models.analysis`
IMAGES = 1000  # the first ones of the test set
DRAWS = 10  # of a an image, for the costs
DRAWS_OF_A = 100  # for I(a; y|x)
AT_ONCE = 20_000  # draws, times images, times classes
ACTIVE = 0.01  # the variance above which a unit is active
HARDLY = 1e-3  # nats


@dataclass(frozen=True)
class Usage:
    """Of one latent variable: arrays (size,)."""

    cost: np.ndarray  # nats
    variance: np.ndarray  # of the mean code, over images
    images: int
    tells: float = math.nan  # I(a; y|x), nats; nan but of an auxiliary variable
    leaves_open: float = math.nan  # H(E_a q(y|a,x)), the most that could be

    @property
    def size(self) -> int:
        return len(self.cost)

    @property
    def active(self) -> int:
        """How many units are."""
        return int((self.variance > ACTIVE).sum())


def why_not(run: Run, which: str = "z") -> str:
    """A sentence why nothing can be said of a latent variable, "" if it can."""
    card = MODELS[run.model]
    own = MODELS[card.method] if card.frozen and card.method else card
    if own.generative is None:
        return f"{card.title} has no p(x|.), so its codes have no prior to collapse to."
    if which not in ("z", own.inner):
        return f"{card.title} has no {which}."
    return ""


def of_run(folder: Folder, epoch: int, space: str) -> Usage | None:
    """What `make` kept of the weights after `epoch`, None if there is nothing.

    Raises LatentError if that is damaged, StoreError if a run has no such latent variable.
    """
    if why := why_not(folder.run, space):
        raise StoreError(why)
    arrays = kept_figures.read(folder, epoch, space, METHOD, {"cost": 1, "variance": 1, "images": 1, "tells": 1})
    if arrays is None:
        return None
    tells, leaves_open = map(float, arrays["tells"])
    return Usage(arrays["cost"], arrays["variance"], int(arrays["images"][0]), tells, leaves_open)


def make(path: str | Path, which: str, epoch: int) -> Path:
    """Compute and keep it; returns its file. For a job. Raises LatentError, StoreError or DataError."""
    folder = Folder(path)
    found = compute(folder, epoch, which)
    arrays = {
        "cost": found.cost,
        "variance": found.variance,
        "images": np.array([found.images]),
        "tells": np.array([found.tells, found.leaves_open]),
    }
    return kept_figures.keep(folder, epoch, which, METHOD, arrays)


def compute(folder: Folder, epoch: int, which: str) -> Usage:
    """Of the first test images, by the latest weights. Raises as `make` does."""
    import torch

    from models.analysis import inference, latent_costs
    from models.analysis.objective_terms import seen

    run = folder.run
    card = MODELS[run.model]
    if why := why_not(run, which):
        raise StoreError(why)
    n = min(IMAGES, DATASETS[run.dataset].n_test)
    images_of, model = data.load(run.dataset), inference.load(folder)
    each = max(1, AT_ONCE // (DRAWS * DATASETS[run.dataset].n_classes))
    costs, codes, told = [], [], []
    with kept_figures.of_latest(folder, epoch, which, METHOD) as tell:
        for first in range(0, n, each):
            ids = -1 - np.arange(first, min(n, first + each))
            with inference.computing():
                torch.manual_seed(first)
                x = model.features(seen(folder, images_of, ids))
                cost, code = latent_costs.of_images(model, x, which == "z", DRAWS)
                costs.append(cost.double().numpy())
                codes.append(code.double().numpy())
                if which == card.auxiliary:
                    told.append(latent_costs.told(model, x, DRAWS_OF_A).double().numpy())
            tell(min(1.0, (first + each) / n))
    cost, code = np.concatenate(costs), np.concatenate(codes)
    if not (np.isfinite(cost).all() and np.isfinite(code).all()):
        raise LatentError(f"The {which} of a test image is no number: the training has diverged. Train again.")
    tells, leaves_open = np.concatenate(told).mean(0) if told else (math.nan, math.nan)
    return Usage(cost.mean(0), code.var(0), n, float(tells), float(leaves_open))


def sentence(run: Run, which: str, found: Usage) -> str:
    """How much is used, in a sentence."""
    return (
        f"{which}: {found.active} of {found.size} dimensions active, {nats(float(found.cost.sum()))} nats in all "
        f"({found.images:,} test {DATASETS[run.dataset].noun()})"
    )


def telling(which: str, found: Usage) -> str:
    """What an auxiliary variable tells of the class, in a sentence; "" of another."""
    if math.isnan(found.tells):
        return ""
    q, is_open = f"q(y|{which},x)", f"the {nats(found.leaves_open)} nats that q(y|x) leaves open"
    if found.tells < HARDLY:
        return f"I({which};y|x) is under .001 nats, of {is_open}: {q} hardly looks at {which}."
    return f"I({which};y|x) is {nats(found.tells)} of {is_open}: so much {q} learns from {which}."


def nats(value: float) -> str:
    """With as many digits as say something."""
    said = f"{value:,.1f}" if abs(value) >= 9.95 else f"{value:.2f}" if abs(value) >= 0.0995 else f"{value:.3f}"
    return said.replace("-", "−")
