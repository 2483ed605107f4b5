"""What training keeps of an epoch to look at later: codes and q(y|x) of the snapshot images, the class grid."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image
from torch import Tensor

import data
from data.split import Split
from models.errors import StoreError
from models.methods.method import DrawingMethod, Method
from models.nn.augment import to_float
from models.runs.files import replacing

if TYPE_CHECKING:
    from models.training.feature_cache import Inputs


ROWS, COLUMNS = 10, 8  # of the class grid that is kept after each epoch
AT_ONCE = 1000
MOST_COLUMNS = 20  # of a class grid


def snapshot(
    model: Method,
    ids: np.ndarray,
    images_of: data.Images,
    device: torch.device,
    inputs: "Inputs | None" = None,
) -> dict[str, torch.Tensor]:
    """{"id", "q_y" and what `model.encode` gives} for the images `ids`, the floats in half precision.

    With `inputs`, the features of a frozen network stand in for the images.
    """
    model.eval()
    parts: dict[str, list[torch.Tensor]] = {}
    for i in range(0, len(ids), AT_ONCE):
        some = ids[i : i + AT_ONCE]
        x = to_float(torch.as_tensor(inputs.of(some) if inputs else data.pixels(images_of, some), device=device))
        q_y, codes = model.classify_and_encode(x)
        for name, value in {"q_y": q_y.probs, **codes}.items():
            parts.setdefault(name, []).append(value.half().cpu())
    return {"id": torch.as_tensor(ids), **{name: torch.cat(p) for name, p in parts.items()}}


def class_sheet(model: DrawingMethod, split: Split, device: torch.device) -> np.ndarray:
    """A class grid as one uint8 picture: a row for each class (the first ten), one style z down each column."""
    model.eval()
    return sheet(tiles(model, torch.arange(min(ROWS, len(split.classes)), device=device), styles(model, COLUMNS, 0)))


def styles(model: DrawingMethod, columns: int, seed: int) -> Tensor:
    """Styles z (columns, n_z) from p(z): more columns of the same seed begin with the fewer."""
    every = torch.randn(MOST_COLUMNS, model.n_z, generator=torch.Generator().manual_seed(seed))
    return every[:columns].to(model.p_z.zero.device)


def tiles(model: DrawingMethod, classes: Tensor, z: Tensor) -> np.ndarray:
    """Mean images of p(x|y,z) for every class (rows,) and style (columns, n_z): uint8 (rows, columns, h, w, c)."""
    return to_uint8(model.generate(classes.unsqueeze(-1), z))


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
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as draft:
            Image.fromarray(picture.squeeze(-1) if picture.shape[-1] == 1 else picture).save(draft, "png")
    except OSError as e:
        raise StoreError(f"{path} cannot be written ({e}). Free some space, or choose another folder for runs.") from e
