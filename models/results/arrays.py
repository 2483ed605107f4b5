"""Small files of arrays and a few words, as recordings are: written whole or not at all, and read as what a stranger
may have put there."""

import json
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from models.errors import StoreError
from models.runs.files import replacing, sentence


@contextmanager
def reading(path: Path, what: str, most: int) -> Iterator[Mapping[str, np.ndarray]]:
    """The arrays in `path`, of at most `most` bytes; what goes wrong in here is a StoreError that says `what` it is.

    FileNotFoundError stays one.
    """
    try:
        if path.stat().st_size > most:
            raise ValueError("too large")
        with zipfile.ZipFile(path) as z:
            if sum(m.file_size for m in z.infolist()) > 8 * most:
                raise ValueError("too large unpacked")
        with np.load(path, allow_pickle=False) as kept:
            yield kept
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile, EOFError) as e:
        raise StoreError(
            f"The {what} {path} cannot be read ({type(e).__name__}: {e}). Put it back from git, or delete it."
        ) from e


def keep(path: Path, about: dict, **arrays: np.ndarray) -> Path:
    """Write `arrays`, and `about` as JSON beside them. Raises StoreError, a sentence, where that is impossible."""
    every: dict[str, Any] = {"about": np.frombuffer(json.dumps(about).encode(), np.uint8), **arrays}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as draft, open(draft, "wb") as f:
            np.savez_compressed(f, **every)
    except OSError as e:
        raise StoreError(sentence(e, path)) from e
    return path
