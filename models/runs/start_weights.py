"""The weights that a run which goes on from another one begins with, copied into its own folder. No torch."""

from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from models.errors import StoreError
from models.runs.files import replacing, unreadable
from models.runs.records import check_tensors

START = "start.safetensors"
CHECKPOINT, AVERAGED = "checkpoint.safetensors", "model.safetensors"


def source(parent: Path) -> Path | None:
    """The file of a run's weights that another run can begin with; None if it has none."""
    return next((path for name in (CHECKPOINT, AVERAGED) if (path := parent / name).exists()), None)


def bring_weights(parent: Path, draft: Path) -> None:
    """Copy what the run in `parent` learned into the new folder `draft`; not the optimiser's memory. Raises StoreError.

    The weights are those of its last checkpoint, which a run that was stopped writes in the middle of an epoch. A run
    that came here without its checkpoint gives its averaged weights, those that classify, for both.
    """
    path = source(parent) or parent / CHECKPOINT
    try:
        check_tensors(path, empty=True)
        tensors = load_file(path)
        if path.name == AVERAGED:
            tensors = {f"{of}.{k}": single(t) for k, t in tensors.items() for of in ("model", "averaged")}
        kept = {k: t for k, t in tensors.items() if k.startswith(("model.", "averaged."))}
        if not kept:
            raise ValueError("there are no weights in it")
        with replacing(draft / START) as start:
            save_file(kept, start)
    except FileNotFoundError as e:
        raise StoreError(f"The run {parent.name} has no weights to go on from. Continue it, or choose another.") from e
    except PermissionError as e:
        raise StoreError(unreadable(path)) from e
    except (OSError, SafetensorError, ValueError) as e:
        raise StoreError(
            f"The weights of the run {parent.name} cannot be taken along ({e}). Choose another run."
        ) from e


def single(t: np.ndarray) -> np.ndarray:
    """Weights in single precision: an example's are halved."""
    return t.astype(np.float32) if t.dtype == np.float16 else t
