"""Every image of a data set as a run sees it: the codes of training and test images, their PCA, and q(y|x).

A page reads here; it needs numpy and nothing heavier. `make` takes seconds to minutes, so it belongs into a job; it
loads torch when it is called. What it makes lies in the run folder, a file for the weights of one epoch:

    whole/0008.safetensors   id, q_y and each space in half precision, and for each space "pca z" in single
    whole/progress.json      while it is being made
"""

import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

import data
from data import DATASETS, sheets
from models import MODELS
from models.analysis import projections, snapshots
from models.analysis.snapshots import LABELLED, TEST, UNLABELLED, SnapshotImages
from models.errors import LatentError, StoreError
from models.runs.files import replace, replacing, unreadable
from models.runs.records import MOST_LINE, check_tensors, file_bytes, parse
from models.runs.split import split_indices
from models.runs.store import Folder

AT_ONCE = 1000  # images
TOLD = 0.5  # seconds between two looks at how far it is


@dataclass(frozen=True, kw_only=True)
class FullDataset(SnapshotImages):
    """All images of a data set in the order of its sheets: training images, then test images."""

    xy: dict[str, np.ndarray]  # float32 (n, 2): the PCA of each space
    alike: dict[str, float]  # the share of an image's 10 nearest neighbours in a space that have its class


def why_not(model: str) -> str | None:
    """A sentence why runs of a model have no map of all images, or None if they have."""
    method = MODELS[model]
    if not method.linear_probe:
        return None
    return (
        f"{method.title} has looked at the labelled and the test images only, for it takes its time with each: "
        "there is no map of all images."
    )


def count(dataset: str) -> int:
    """How many images there are, training and test."""
    return DATASETS[dataset].n_train + DATASETS[dataset].n_test


def read(folder: Folder, epoch: int) -> FullDataset | None:
    """All images as the run sees them after `epoch`; None if that was not computed. Opens the data set.

    Raises LatentError (a damaged file, or one of other images) or DataError.
    """
    path = folder.full_dataset(epoch)
    if path is None:
        return None
    images, run = data.load(folder.run.dataset), folder.run
    arrays, about = _open(path)
    ids, n_classes = sheets.every(images), len(images.classes)
    spaces = {s: arrays[s].astype(np.float32) for s in snapshots.SPACES if s in arrays}
    maps = {s: arrays[f"pca {s}"].shape for s in spaces if f"pca {s}" in arrays}
    shapes = [arrays.get("q_y", np.empty(0)).shape == (len(ids), n_classes), bool(spaces)]
    shapes += [z.ndim == 2 and len(z) == len(ids) and maps.get(s) == (len(ids), 2) for s, z in spaces.items()]
    if not all(shapes) or "id" not in arrays or not np.array_equal(arrays["id"], ids):
        raise LatentError(
            f"The file {path.name} of all images of this run does not fit {DATASETS[run.dataset].title}. "
            "It may be damaged, or of other images."
        )
    q_y = arrays["q_y"].astype(np.float32)
    q_y /= np.maximum(q_y.sum(1, keepdims=True), 1e-9)  # kept in half precision, rows miss 1 by up to 0.001
    labelled = split_indices(run, images)[0]
    kind = np.where(ids < 0, TEST, np.where(np.isin(ids, labelled), LABELLED, UNLABELLED))
    return FullDataset(
        dataset=run.dataset,
        classes=images.classes,
        epoch=epoch,
        ids=ids,
        spaces=spaces,
        q_y=q_y,
        q=MODELS[run.model].classifier,
        true=np.concatenate([images.y, images.y_test]),
        kind=kind,
        predicted=q_y.argmax(1),
        sure=q_y.max(1),
        entropy=snapshots.entropy(q_y),
        xy={s: arrays[f"pca {s}"].astype(np.float32) for s in spaces},
        alike={s: float(about.get(s, 0.0)) for s in spaces},
    )


def make(path: str | Path, epoch: int) -> Path | None:
    """Encode every image with the weights of a run, and draw the sheets that show them; returns the file. For a job.

    Nothing is done twice. Raises LatentError (the run is past that epoch, diverged, or of a frozen network),
    StoreError or DataError; the file appears whole or not at all.
    """
    folder = Folder(path)
    if reason := why_not(folder.run.model):
        raise LatentError(reason)
    images = data.load(folder.run.dataset)
    tell = Teller(folder, epoch, count(folder.run.dataset))
    try:
        sheets.make(images, tell.draws)
        if folder.full_dataset(epoch) is None:
            arrays = encode(folder, epoch, images, tell.encodes)
            keep(folder, epoch, arrays, images)
    finally:
        tell.end()
    return folder.full_dataset(epoch)


def encode(
    folder: Folder, epoch: int, images: data.Images, on_images: Callable[[int], None] = lambda done: None
) -> dict[str, np.ndarray]:
    """{"id", "q_y" and the codes} of every image, float16, by the weights after `epoch`, which must be the latest.

    One thread. Raises LatentError if the run has gone on, StoreError if it has no weights that can be read.
    """
    import torch

    from models.analysis import inference
    from models.training import snapshot

    weights = inference.stamp(folder)
    model, ids, parts = inference.load(folder), sheets.every(images), []
    for start in range(0, len(ids), AT_ONCE):
        with inference.computing():
            parts.append(snapshot.snapshot(model, ids[start : start + AT_ONCE], images, torch.device("cpu")))
        on_images(min(len(ids), start + AT_ONCE))
    latest = max((e for e, _ in folder.snapshots()), default=None)
    if latest != epoch or inference.stamp(folder) != weights:
        raise LatentError(
            f"This run went on after epoch {epoch}, and only its latest weights are kept. "
            "Ask for all images again when it has ended."
        )
    return {name: np.concatenate([p[name].numpy() for p in parts]) for name in parts[0]}


def keep(folder: Folder, epoch: int, arrays: dict[str, np.ndarray], images: data.Images) -> None:
    """Add the PCA of each space, and write the file in place of one of an earlier epoch.

    Raises LatentError (what is encoded is no numbers) or StoreError.
    """
    if not np.isfinite(arrays["q_y"].astype(np.float32)).all():
        raise LatentError(
            "Some class probabilities are no numbers: the training has diverged. "
            "Train again, with other settings or another seed."
        )
    true, alike, maps = np.concatenate([images.y, images.y_test]), {}, {}
    for space in [s for s in snapshots.SPACES if s in arrays]:
        z = arrays[space].astype(np.float32)
        maps[f"pca {space}"] = projections.pca(z)  # of codes that are no numbers it says so
        alike[space] = f"{snapshots.agreement(z, true):.4f}"
    path = folder.full_dataset_path(epoch)
    try:
        path.parent.mkdir(exist_ok=True)
        for left_behind in path.parent.glob(".*.safetensors.*"):  # by a process that was killed
            left_behind.unlink(missing_ok=True)
        with replacing(path) as draft:
            save_file({**arrays, **maps}, draft, alike)
        younger_than(path, folder.path / "model.safetensors")
        for old in path.parent.glob("*.safetensors"):
            if old != path:
                old.unlink(missing_ok=True)
    except (OSError, SafetensorError) as e:
        raise StoreError(f"{path} cannot be written ({e}). Free some space, or choose another folder for runs.") from e


def younger_than(path: Path, weights: Path) -> None:
    """What was made of weights is not older than they are, even if they came from a machine whose clock is ahead."""
    with suppress(FileNotFoundError):
        least = weights.stat().st_mtime_ns
        if path.stat().st_mtime_ns < least:
            os.utime(path, ns=(least, least))


def drop(folder: Folder, epoch: int) -> None:
    """Delete a file that cannot be used, so that it can be made again."""
    with suppress(OSError):
        folder.full_dataset_path(epoch).unlink()


def progress(folder: Folder, epoch: int) -> dict | None:
    """How far `make` is, None if it has not begun: {"what": "draw" or "encode", "share", "done", "seconds_left"}.

    The share is 0 to 1; "done" counts images; the seconds are None as long as nothing can be said of them.
    """
    try:
        told: Any = parse(file_bytes(_progress(folder), MOST_LINE))
        if told["epoch"] != epoch:
            return None
        return {"what": str(told["what"]), "share": float(told["share"]), "done": int(told["done"]),
                "seconds_left": None if told["seconds_left"] is None else float(told["seconds_left"])}  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return None


class Teller:
    """Says in a small file how far `make` is. That it cannot be written is no reason to stop."""

    def __init__(self, folder: Folder, epoch: int, n: int) -> None:
        self.path, self.epoch, self.n = _progress(folder), epoch, n
        self.begun: float | None = None
        self.spoke = 0.0

    def draws(self, share: float) -> None:
        self.tell({"what": "draw", "share": share, "done": 0, "seconds_left": None})

    def encodes(self, done: int) -> None:
        now = time.monotonic()
        if self.begun is None:  # the first images wait for what is loaded and compiled: they say nothing of the pace
            self.begun, self.first = now, done
        left = (now - self.begun) / (done - self.first) * (self.n - done) if done > self.first else None
        self.tell({"what": "encode", "share": done / self.n, "done": done, "seconds_left": left})

    def tell(self, what: dict) -> None:
        if time.monotonic() - self.spoke < TOLD:
            return
        self.spoke = time.monotonic()
        with suppress(OSError):
            self.path.parent.mkdir(exist_ok=True)
            replace(self.path, json.dumps({"epoch": self.epoch, **what}))

    def end(self) -> None:
        with suppress(OSError):
            self.path.unlink(missing_ok=True)


def _progress(folder: Folder) -> Path:
    return folder.path / "whole" / "progress.json"


def _open(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    try:
        check_tensors(path)
        with safe_open(path, "numpy") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except PermissionError as e:
        raise LatentError(unreadable(path)) from e
    except (SafetensorError, OSError, ValueError) as e:
        raise LatentError(f"The file {path.name} of all images of this run cannot be read. It may be damaged.") from e
