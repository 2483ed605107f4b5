"""Figures that a job makes of a run's latest weights and keeps in its folder, and how far it is. No torch.

A file for the weights of one epoch, where maps lie: maps/z-likelihood-0008.safetensors; and while it is being made
maps/z-likelihood-0008.progress with the share that is done.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from models.analysis.weights import stamp
from models.errors import LatentError
from models.runs.files import replace, replacing, unreadable
from models.runs.records import check_tensors
from models.runs.store import Folder

TOLD = 0.5  # seconds between two looks at how far it is

Tell = Callable[[float], None]  # of the share that is done, 0 to 1


def read(folder: Folder, epoch: int, which: str, method: str, shapes: dict[str, int]) -> dict[str, np.ndarray] | None:
    """The arrays that were kept, None if there are none. `shapes`: how many axes each has.

    Raises LatentError if the file is damaged.
    """
    path = folder.map_path(epoch, which, method)
    if not path.exists():
        return None
    damaged = f"The figures {path.name} of this run are damaged. Delete that file, and they will be made again."
    try:
        check_tensors(path, empty=True)
        arrays = load_file(path)
    except PermissionError as e:
        raise LatentError(unreadable(path)) from e
    except (SafetensorError, OSError, ValueError) as e:
        raise LatentError(damaged) from e
    if {name: a.ndim for name, a in arrays.items()} != shapes or any(a.dtype.kind not in "fi" for a in arrays.values()):
        raise LatentError(damaged)
    return arrays


def keep(folder: Folder, epoch: int, which: str, method: str, arrays: dict[str, np.ndarray]) -> Path:
    """Write them, whole or not at all."""
    path = folder.map_path(epoch, which, method)
    path.parent.mkdir(exist_ok=True)
    with replacing(path) as draft:
        save_file({name: np.ascontiguousarray(a) for name, a in arrays.items()}, draft)
    return path


@contextmanager
def of_latest(folder: Folder, epoch: int, which: str, method: str) -> Iterator[Tell]:
    """While figures of the weights after `epoch` are made: what says how far that is.

    Raises LatentError at the end if these are not the latest weights, or not any more.
    """
    weights, path, spoke = stamp(folder), progress_path(folder, epoch, which, method), 0.0

    def tell(share: float) -> None:
        nonlocal spoke
        if time.monotonic() - spoke < TOLD:
            return
        spoke = time.monotonic()
        with suppress(OSError):  # that it cannot be written is no reason to stop
            path.parent.mkdir(exist_ok=True)
            replace(path, f"{share:.3f}")

    try:
        yield tell
        if latest(folder) != epoch or stamp(folder) != weights:
            raise LatentError(
                f"This run went on after epoch {epoch}, and only its latest weights are kept. Ask again when it has "
                "ended."
            )
    finally:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def latest(folder: Folder) -> int | None:
    """The epoch of the weights that are kept."""
    return max((e for e, _ in folder.snapshots()), default=None)


def progress(folder: Folder, epoch: int, which: str, method: str) -> float | None:
    """The share that is done, None if nothing is being made."""
    try:
        share = float(progress_path(folder, epoch, which, method).read_text()[:20])
    except (OSError, ValueError):
        return None
    return share if 0 <= share <= 1 else None


def progress_path(folder: Folder, epoch: int, which: str, method: str) -> Path:
    return folder.map_path(epoch, which, method).with_suffix(".progress")
