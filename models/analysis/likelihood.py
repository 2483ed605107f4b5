"""log p(x) of test images: the importance-weighted bound, where p(x|.) is normalised over what it explains.

Which that is depends on the images (models/nn/distributions.py):

- points: a Gaussian density in the plane; nats a point.
- grey images: a Bernoulli, which is normalised over images of black and white pixels. Scored with a grey level between,
  as in training, it is none: what it gives to all grey levels together is not 1. So each pixel is drawn, white with its
  grey level as probability, and the likelihood is of what was drawn (Salakhutdinov & Murray, ICML 2008), while q sees
  the grey image. The mean over draws of log p(x|z) is what training has.
- colour images: a Gaussian density, while a channel has 256 levels, at which a density can be as high as one likes. So
  uniform noise as wide as a level is added: what is reported bounds the log-probability of the levels (Theis, van den
  Oord & Bethge, ICLR 2016, section 3.1), in nats and in bits per dimension.
- features of a frozen network: a density of h(x), not of x: no likelihood of images, so none is given.

A page reads here; it needs numpy and nothing heavier. `make` takes seconds to minutes, so it belongs into a job.
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

METHOD = "likelihood"  # its name in `models.analysis`
OF = "z"  # its files stand among those of this latent variable
SAMPLES = 100  # draws of the latent variables an image
IMAGES = 500  # the first ones of the test set
MOST_SUMS = 1_000_000  # draws, times images, times classes: fewer images of data sets of many classes
LEAST_IMAGES = 100
LEVELS = 255  # between 0 and 1


@dataclass(frozen=True)
class Likelihood:
    """The bound on log p(x), a mean over the first `images` test images, nats per image."""

    bound: float  # of `samples` draws
    error: float  # the standard error of that mean: images differ
    one: float  # with a single draw: what weighing many of them gains
    samples: int
    images: int
    bits: float  # -bound per dimension, in bits; nan but for photographs


def why_not(run: Run) -> str:
    """A sentence why there is no likelihood of what a run learned from, "" if there is."""
    card = MODELS[run.model]
    if card.frozen and MODELS[card.method].generative:
        return f"{card.title} explains the features h(x), not the image: there is no likelihood of x."
    if card.generative is None:
        return f"{card.title} has no p(x|.), so there is no likelihood."
    return ""


def says(run: Run) -> str:
    """What the likelihood is of, in a sentence or two."""
    spec = DATASETS[run.dataset]
    if spec.points:
        said = "p(x) is a density in the plane."
    elif spec.grey:
        said = (
            "Of black and white pixels, each drawn white with its grey level as probability: over these p(x|.) is "
            "normalised, over grey levels it is not, so of those no likelihood is given."
        )
    else:
        said = (
            f"Of the {LEVELS + 1} levels of a channel: uniform noise as wide as a level is added, so that a density "
            "bounds their probability."
        )
    if run.explained != "x":
        said += f" Training explains {run.explained}; this is of x alone."
    return said


def images_for(run: Run, samples: int = SAMPLES) -> int:
    """How many test images are asked about."""
    generative = MODELS[run.model].generative
    classes = DATASETS[run.dataset].n_classes if generative and generative.sees_class else 1
    return min(DATASETS[run.dataset].n_test, IMAGES, max(LEAST_IMAGES, MOST_SUMS // (samples * classes)))


def of_run(folder: Folder, epoch: int) -> Likelihood | None:
    """What `make` kept of the weights after `epoch`, None if there is nothing.

    Raises LatentError if that is damaged, StoreError if there is no likelihood.
    """
    if why := why_not(folder.run):
        raise StoreError(why)
    arrays = kept_figures.read(folder, epoch, OF, METHOD, {"bound": 1, "one": 1, "samples": 1})
    return None if arrays is None else summed(folder.run, arrays)


def make(path: str | Path, which: str, epoch: int) -> Path:
    """Compute and keep it; returns its file. For a job. Raises LatentError, StoreError or DataError."""
    folder = Folder(path)
    return kept_figures.keep(folder, epoch, which, METHOD, compute(folder, epoch))


def compute(folder: Folder, epoch: int, samples: int = SAMPLES, images: int = 0) -> dict[str, np.ndarray]:
    """{"bound", "one"}: float64 (n,), of the first `images` test images (0: as many as usual), by the latest weights.

    The same images and the same noise in what is scored for every run on a data set. Raises as `make` does.
    """
    import torch

    from models.analysis import importance, inference

    run = folder.run
    if why := why_not(run):
        raise StoreError(why)
    n = min(images, DATASETS[run.dataset].n_test) if images else images_for(run, samples)
    seen = torch.from_numpy(data.pixels(data.load(run.dataset), -1 - np.arange(n)))
    scored, parts = scored_of(run, seen.numpy()), []
    model = inference.load_generative(folder)
    with kept_figures.of_latest(folder, epoch, OF, METHOD) as tell:
        for first in range(0, n, 50):
            with inference.computing():
                torch.manual_seed(first)
                x = inference.to_float(seen[first : first + 50])
                target = torch.from_numpy(scored[first : first + 50]).to(x.dtype)
                each, log_w = importance.draws_at_once(model, x), []
                for done in range(0, samples, each):
                    log_w.append(importance.log_weights(model, x, target, min(each, samples - done)))
                    tell((first + len(x) * done / samples) / n)
                every = torch.cat(log_w)
            parts.append((importance.bound(every).numpy(), every.mean(0).numpy()))
    bound, one = (np.concatenate(part) + constant(run) for part in zip(*parts, strict=True))
    if not (np.isfinite(bound).all() and np.isfinite(one).all()):
        raise LatentError("log p(x) of a test image is no number: the training has diverged. Train again.")
    return {"bound": bound, "one": one, "samples": np.array([samples])}


def scored_of(run: Run, x: np.ndarray) -> np.ndarray:
    """What p(x|.) is asked about, float64, for images x (n, c, h, w) as they are kept; see above."""
    spec, rng = DATASETS[run.dataset], np.random.default_rng(0)
    if spec.points:
        return x.astype(np.float64)
    if spec.grey:
        return (rng.random(x.shape) < x / LEVELS).astype(np.float64)
    return (x + rng.random(x.shape) - 0.5) / LEVELS


def constant(run: Run) -> float:
    """What turns a density of colours in [0, 1] into one in levels."""
    spec = DATASETS[run.dataset]
    return 0.0 if spec.points or spec.grey else -math.prod(spec.shape) * math.log(LEVELS)


def summed(run: Run, arrays: dict[str, np.ndarray]) -> Likelihood:
    """Means over the images."""
    bound, spec = arrays["bound"], DATASETS[run.dataset]
    bits = -float(bound.mean()) / (math.prod(spec.shape) * math.log(2)) if spec.photographs else math.nan
    return Likelihood(
        bound=float(bound.mean()),
        error=float(bound.std(ddof=1) / math.sqrt(len(bound))) if len(bound) > 1 else math.nan,
        one=float(arrays["one"].mean()),
        samples=int(arrays["samples"][0]),
        images=len(bound),
        bits=bits,
    )


def sentence(run: Run, found: Likelihood) -> str:
    """The bound with all that a figure needs beside it."""
    noun = DATASETS[run.dataset].noun
    return (
        f"log p(x) ≥ {found.bound:.1f} ± {found.error:.1f} nats per {noun(1)}, by {found.samples} samples for each of "
        f"{found.images} test {noun(found.images)} (by one sample {found.one:.1f})"
    ).replace("-", "−")
