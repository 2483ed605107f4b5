"""Samples scored: how many of p(x|y,z)'s images show the class they were generated as, and how varied they are.

Both by a judge, a classifier trained on all labels of the data set (models/analysis/judge.py):

- taken: the share of generated images that it takes for their class y. Shmelkov, Schmid & Alahari, "How good is my
  GAN?", ECCV 2018, arXiv:1807.09499, call it GAN-test. It says nothing of how many different images there are: so
- variety: the mean distance between two generated images of a class, divided by that between two test images of it,
  as seen by the judge's last hidden layer: 1 is as varied as the data, 0 one and the same image. A mean pairwise
  distance in a network's features is what Zhu et al., NeurIPS 2017, arXiv:1711.11586, section 5, measure diversity by.

Generated are mean images, as pages show them, of styles z from p(z), the same for every class; a method whose class
lies in z draws from the codes of each class, and CT-GAN shows what its own q(y|x) has chosen. After each epoch a run kept a class grid (models/training/snapshot.py):
the same two figures of its few images say how they went. A page reads here; it needs numpy and nothing heavier.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

import data
from data import DATASETS
from models import MODELS
from models.analysis import judge, kept_figures
from models.errors import LatentError, StoreError
from models.runs.run import Run
from models.runs.store import Folder

if TYPE_CHECKING:
    from torch import Tensor

    from models.methods.classifier import ClassifierMethod

METHOD = "samples"  # its name in `models.analysis`
OF = "z"  # its files stand among those of this latent variable
SAMPLES = 1000  # in all, but at least so many a class:
LEAST = 20
MOST_REAL = 200  # test images of a class, for their distances
SHAPES = {"taken": 1, "variety": 1, "samples": 1, "judge": 1, "epochs": 1, "taken_by": 1, "variety_by": 1, "grid": 1}


@dataclass(frozen=True)
class Scores:
    """What the judge says of the samples of a run."""

    taken: np.ndarray  # (classes,), shares
    variety: np.ndarray  # (classes,); nan of a class with fewer than two test images
    samples: int  # a class
    judge: float  # the judge's own accuracy on the test images
    epochs: np.ndarray  # (epochs,) of which there is a class grid
    taken_by: np.ndarray  # (epochs,), of its images
    variety_by: np.ndarray  # (epochs,)
    grid: int  # images of a class grid

    @property
    def share(self) -> float:
        """Of all samples, taken for the class they were generated as."""
        return float(self.taken.mean())

    @property
    def varied(self) -> float:
        """The mean over classes."""
        return mean(self.variety)


def why_not(run: Run) -> str:
    """A sentence why there is nothing to score, "" if there is."""
    card = MODELS[run.model]
    if not card.pictures:
        return f"{card.title} cannot generate images."
    if DATASETS[run.dataset].points:
        return "Points are no images: their samples stand beside them in the plane."
    return ""


def of_run(folder: Folder, epoch: int) -> Scores | None:
    """What `make` kept of the weights after `epoch`, None if there is nothing.

    Raises LatentError if that is damaged, StoreError if there is nothing to score.
    """
    if why := why_not(folder.run):
        raise StoreError(why)
    arrays = kept_figures.read(folder, epoch, OF, METHOD, SHAPES)
    if arrays is None:
        return None
    return Scores(
        **{name: arrays[name] for name in ("taken", "variety", "epochs", "taken_by", "variety_by")},
        samples=int(arrays["samples"][0]), judge=float(arrays["judge"][0]), grid=int(arrays["grid"][0]),
    )  # fmt: skip


def make(path: str | Path, which: str, epoch: int) -> Path:
    """Score and keep; trains the judge of the data set first, if there is none. Returns the file. For a job.

    Raises LatentError, StoreError or DataError.
    """
    folder = Folder(path)
    found = compute(folder, epoch)
    arrays = {name: np.atleast_1d(np.asarray(getattr(found, name))) for name in SHAPES}
    return kept_figures.keep(folder, epoch, which, METHOD, arrays)


def compute(folder: Folder, epoch: int) -> Scores:
    """Of the latest weights. Raises as `make` does."""
    import torch

    from models.analysis import inference
    from models.training.snapshot import AT_ONCE

    run = folder.run
    if why := why_not(run):
        raise StoreError(why)
    spec, images_of = DATASETS[run.dataset], data.load(run.dataset)
    with kept_figures.of_latest(folder, epoch, OF, METHOD) as tell:
        known = judge.make(run.dataset, tell)
        critic, model = judge.load(run.dataset), inference.load_drawing(folder)
        each, y = max(LEAST, SAMPLES // spec.n_classes), torch.arange(spec.n_classes)
        with inference.computing():
            parts = []
            z = torch.randn(each, model.n_z)
            for some in z.split(max(1, AT_ONCE // spec.n_classes)):
                parts.append(model.generate(y.unsqueeze(-1), some).float())
            drawn = torch.cat(parts, 1).clamp(0, 1)  # (classes, each, c, h, w)
            if not torch.isfinite(drawn).all():
                raise LatentError("The samples of this run are no numbers: the training has diverged. Train again.")
            every, classes = drawn.flatten(0, 1), y.repeat_interleave(each).numpy()
            k, h = look(critic, every)
            real = distances(*real_features(critic, images_of), spec.n_classes)
            epochs, taken_by, variety_by, grid = over_epochs(folder, critic, real)
    return Scores(
        taken=shares(k, classes, spec.n_classes),
        variety=distances(h, classes, spec.n_classes) / real,
        samples=each, judge=known, epochs=epochs, taken_by=taken_by, variety_by=variety_by, grid=grid,
    )  # fmt: skip


def look(critic: "ClassifierMethod", x: "np.ndarray | Tensor") -> tuple[np.ndarray, np.ndarray]:
    """The class that the judge takes images (n, c, h, w) for, (n,), and its last hidden layer (n, size)."""
    import torch

    from models.nn.augment import to_float
    from models.training.snapshot import AT_ONCE

    if isinstance(x, np.ndarray):
        x = torch.from_numpy(np.require(x, requirements="W"))  # torch wants no read-only array
    found = [critic.classify_and_encode(to_float(some)) for some in x.split(AT_ONCE)]
    k = torch.cat([q.probs.argmax(-1) for q, _ in found])
    return k.numpy(), torch.cat([codes["h"] for _, codes in found]).float().numpy()


def real_features(critic: "ClassifierMethod", images_of: data.Images) -> tuple[np.ndarray, np.ndarray]:
    """Of the first test images of each class: the judge's last hidden layer, and their classes."""
    rows = np.concatenate([np.flatnonzero(images_of.y_test == k)[:MOST_REAL] for k in range(len(images_of.classes))])
    return look(critic, images_of.x_test[rows])[1], images_of.y_test[rows]


def shares(k: np.ndarray, y: np.ndarray, classes: int) -> np.ndarray:
    """How many of the images generated as each class y (n,) are taken, k (n,), for it: (classes,)."""
    return np.array([float((k[y == c] == c).mean()) if (y == c).any() else math.nan for c in range(classes)])


def distances(h: np.ndarray, y: np.ndarray, classes: int) -> np.ndarray:
    """The mean distance between two different images of each class, features h (n, size): (classes,)."""
    return np.array([pairwise(h[y == c].astype(np.float64)) for c in range(classes)])


def pairwise(h: np.ndarray) -> float:
    """The mean distance between two of the rows; nan of fewer than two."""
    n = len(h)
    if n < 2:
        return math.nan
    return float(sum(np.sqrt(((h[i + 1 :] - h[i]) ** 2).sum(1)).sum() for i in range(n - 1)) / (n * (n - 1) / 2))


def over_epochs(
    folder: Folder, critic: "ClassifierMethod", real: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """The epochs, shares and varieties of the class grids that a run kept, and how many images each has."""
    found, grid = [], 0
    for epoch, path in folder.samples():
        tiles = tiles_of(path, DATASETS[folder.run.dataset].shape)
        if tiles is None:
            continue
        rows, columns = tiles.shape[:2]
        y, grid = np.repeat(np.arange(rows), columns), rows * columns
        k, h = look(critic, tiles.reshape(-1, *tiles.shape[2:]))
        found.append((epoch, float((k == y).mean()), mean(distances(h, y, rows) / real[:rows])))
    epochs, taken, variety = (np.array(part) for part in zip(*found, strict=True)) if found else (np.zeros(0),) * 3
    return epochs.astype(np.int64), taken.astype(np.float64), variety.astype(np.float64), grid


def tiles_of(path: Path, shape: tuple[int, int, int]) -> np.ndarray | None:
    """The images of a class grid as it was kept, uint8 (rows, columns, c, h, w); None of a picture that is none."""
    channels, height, width = shape
    try:
        with Image.open(path) as picture:
            sheet = np.asarray(picture.convert("L" if channels == 1 else "RGB"))
    except (OSError, ValueError):
        return None
    rows, columns = (sheet.shape[0] + 1) // (height + 1), (sheet.shape[1] + 1) // (width + 1)
    if not rows or not columns or sheet.shape[:2] != (rows * (height + 1) - 1, columns * (width + 1) - 1):
        return None
    sheet = sheet.reshape(*sheet.shape[:2], channels)
    padded = np.pad(sheet, ((0, 1), (0, 1), (0, 0)))
    tiles = padded.reshape(rows, height + 1, columns, width + 1, channels)[:, :height, :, :width]
    return np.ascontiguousarray(tiles.transpose(0, 2, 4, 1, 3))


def mean(values: np.ndarray) -> float:
    """Of those that are numbers."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else math.nan


def sentence(run: Run, found: Scores) -> str:
    """What the judge says, with its own accuracy."""
    spec = DATASETS[run.dataset]
    n = found.samples * len(found.taken)
    return (
        f"{found.share:.1%} of {n:,} samples are taken for their class, and they are {found.varied:.2f} times as "
        f"varied as test images, by a classifier trained on all {spec.n_train:,} labels ({found.judge:.1%} of "
        "the test images right)"
    )
