"""What one looks at in a model: class grids, codes of probe images, q(y|x). Functions of a model first, of a run folder below.

A page calls the second kind: it gets arrays, never tensors, and what it computes takes no longer than a blink.
"""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

import data
from data.split import Split
from models.store import StoreError
from models.vary import images

ROWS, COLUMNS = 10, 8  # of the class grid that is kept after each epoch
PROBES = 4000  # images whose codes are kept after each epoch
PROBES_AT_END = 10_000  # and after the last
AT_ONCE = 1000


def probes(split: Split, images_of: data.Images, many: bool = False) -> np.ndarray:
    """Ids of the images whose codes are kept: labelled ones (at most 1000), test images, unlabelled ones; int32.

    An id i >= 0 is training image i of the data set, -1 - j its test image j. The same for every epoch of a run and,
    but for the labelled ones, for every run on a data set, so that two runs' maps can be laid side by side.
    """
    limit = PROBES_AT_END if many else PROBES
    n_test = min(len(images_of.y_test), limit // 2)
    rng = np.random.default_rng(0)
    # Prefixes of one fixed order: the probes of an epoch are among those of the last.
    order = rng.permutation(len(images_of.y))
    test = -1 - np.arange(n_test)
    labelled = (
        split.labelled if len(split.labelled) <= 1000 else np.sort(rng.choice(split.labelled, 1000, replace=False))
    )
    rest = order[np.isin(order, split.unlabelled)][: max(0, limit - n_test - len(labelled))]
    return np.concatenate([labelled, test, rest]).astype(np.int32)


def pixels(images_of: data.Images, ids: np.ndarray) -> np.ndarray:
    """The uint8 images (n, channels, height, width) that ids stand for."""
    ids = np.asarray(ids)
    out = np.empty((len(ids), *images_of.shape), np.uint8)
    train = ids >= 0
    out[train] = images_of.x[ids[train]]
    out[~train] = images_of.x_test[-1 - ids[~train]]
    return out


def snapshot(
    model: nn.Module, ids: np.ndarray, images_of: data.Images, device: torch.device
) -> dict[str, torch.Tensor]:
    """{"id", "q_y" and what `model.encode` gives} for the images `ids`, the floats in half precision."""
    model.eval()
    parts: dict[str, list[torch.Tensor]] = {}
    for i in range(0, len(ids), AT_ONCE):
        x = images(torch.as_tensor(pixels(images_of, ids[i : i + AT_ONCE]), device=device))
        for name, value in {"q_y": model.classify(x).probs, **model.encode(x)}.items():
            parts.setdefault(name, []).append(value.half().cpu())
    return {"id": torch.as_tensor(ids), **{name: torch.cat(p) for name, p in parts.items()}}


def class_sheet(model: nn.Module, split: Split, device: torch.device) -> np.ndarray:
    """A class grid as one uint8 picture: a row for each class (the first ten), one style z down each column."""
    model.eval()
    z = torch.randn(COLUMNS, model.n_z, generator=torch.Generator().manual_seed(0)).to(device)
    y = torch.arange(min(ROWS, len(split.classes)), device=device).unsqueeze(-1)
    return sheet(to_uint8(model.generate(y, z)))


def to_uint8(x: torch.Tensor) -> np.ndarray:
    """Images (..., c, h, w) in [0, 1] as uint8 (..., h, w, c)."""
    return (x.float().clamp(0, 1) * 255).round().to(torch.uint8).movedim(-3, -1).cpu().numpy()


def sheet(tiles: np.ndarray, gap: int = 1) -> np.ndarray:
    """Tiles (rows, columns, h, w, c) laid out as one picture (H, W, c), white lines of `gap` pixels between them."""
    rows, columns, h, w, c = tiles.shape
    out = np.full((rows * (h + gap) - gap, columns * (w + gap) - gap, c), 255, np.uint8)
    for i in range(rows):
        for j in range(columns):
            out[i * (h + gap) : i * (h + gap) + h, j * (w + gap) : j * (w + gap) + w] = tiles[i, j]
    return out


def save_png(path: Path, picture: np.ndarray) -> None:
    """Write a picture (h, w, 1 or 3) whole or not at all. Raises StoreError."""
    draft = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture.squeeze(-1) if picture.shape[-1] == 1 else picture).save(draft, "png")
        draft.replace(path)
    except OSError as e:
        draft.unlink(missing_ok=True)
        raise StoreError(f"{path} cannot be written ({e}). Free some space, or choose another folder for runs.") from e
