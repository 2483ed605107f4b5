"""Run folders in every state, with the records and files a real run leaves, for tests of what reads them."""

import io
import math
from pathlib import Path

import numpy as np
from PIL import Image

from models import MODELS
from models.results.outcome import fingerprint_key, todays_fingerprints
from models.runs.run import Run
from models.runs.store import Folder

OPTIONAL = {"contrastive", "filters", "consistency", "two_views", "reconstructed"}  # terms that not every preset has
STEPS = 13


def make(root: Path, state: str = "done", at: int | None = None, **run) -> Folder:
    """A run in `state` that got as far as epoch `at`. A running one holds its lock until this process ends."""
    folder = Folder.create(Run.make(**run), root)
    if state == "queued":
        return folder
    epochs = folder.run.epochs
    at = (epochs if state == "done" else epochs // 2) if at is None else at
    records(folder, at)
    if state == "done":
        finish(folder)
    if state == "running":
        folder.lock()
    folder.set_status(state, detail="There was no memory left. Choose a smaller model." if state == "failed" else "")
    return folder


def records(folder: Folder, until: int, since: int = -1) -> None:
    """Append the records of the epochs after `since` up to `until`, and their samples and snapshots."""
    run = folder.run
    if since < 0:
        folder.append({"kind": "start", "steps_per_epoch": STEPS, "epochs": run.epochs, "device": "cpu",
                       "parameters": 1_204_000, "step": 0})  # fmt: skip
    for epoch in range(since + 1, until + 1):
        for step in range((epoch - 1) * STEPS + 1, epoch * STEPS + 1, 3) if epoch else ():
            folder.append({"kind": "step", "step": step, "epoch": step / STEPS, **objective(run, step / STEPS)})
        a = accuracy(run, epoch)
        seconds = 0.4 + 1.3 * epoch
        folder.append({"kind": "epoch", "step": epoch * STEPS, "epoch": epoch, **objective(run, epoch),
                       "test_accuracy": a, "labelled_accuracy": min(1.0, a + 0.05), "seconds": seconds})  # fmt: skip
        if MODELS[run.model].draws:
            samples(folder, epoch)
        snapshot(folder, epoch)


def accuracy(run: Run, epoch: float) -> float:
    top = {"m1": 0.93, "m2": 0.955, "adgm": 0.962}.get(run.model, 0.905) - 0.004 * run.seed
    return top - (top - 0.11) * math.exp(-epoch / (0.09 * run.epochs)) + 0.004 * math.sin(2.3 * epoch + run.seed)


def objective(run: Run, epoch: float) -> dict:
    terms = {
        name: (30 + 12 * i) * math.exp(-epoch / (0.12 * run.epochs)) * (1 + 0.06 * math.sin(40 * epoch + i))
        + 60 / (i + 1) * (-1 if name.endswith("entropy") else 1)
        for i, name in enumerate(t for t in MODELS[run.model].terms if t not in OPTIONAL)
    }
    return {"J": sum(terms.values()), "terms": terms}


def samples(folder: Folder, epoch: int) -> None:
    rng = np.random.default_rng(epoch)
    rows, columns, side = 10, 8, 16
    y, x = np.mgrid[:side, :side] / side - 0.5
    tiles = np.stack([np.exp(-40 * (np.hypot(x, y) - 0.1 - 0.03 * k) ** 2) for k in range(rows)])
    noise = rng.random((rows, columns, side, side)) * math.exp(-epoch / 6)
    grid = np.clip(tiles[:, None] * (1 - math.exp(-(epoch + 1) / 4)) + 0.6 * noise, 0, 1)
    picture = (255 * grid.transpose(0, 2, 1, 3).reshape(rows * side, columns * side)).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "PNG")
    (folder.path / "samples").mkdir(exist_ok=True)
    (folder.path / "samples" / f"{epoch:04d}.png").write_bytes(out.getvalue())


def snapshot(folder: Folder, epoch: int, n: int = 300, size: int = 8) -> None:
    from safetensors.numpy import save_file

    rng = np.random.default_rng(epoch)
    arrays = {"id": np.arange(-1, -1 - n, -1, dtype=np.int32)}
    q_y = rng.dirichlet(np.ones(10), n).astype(np.float16)
    names = MODELS[folder.run.model].latents
    arrays |= {name: rng.standard_normal((n, size)).astype(np.float16) for name in names} | {"q_y": q_y}
    (folder.path / "latents").mkdir(exist_ok=True)
    save_file(arrays, folder.path / "latents" / f"{epoch:04d}.safetensors")


def finish(folder: Folder) -> None:
    run = folder.run
    more = {"raw_pixel_svm_accuracy": 0.915} if run.model == "m1" else {}
    if known := todays_fingerprints().get(fingerprint_key(run.dataset, run.model, run.preset)):
        more["fingerprint"] = known
    folder.append({"kind": "result", "run": folder.id, "model": run.model, "dataset": run.dataset, "labels": run.labels,
                   "seed": run.seed, "epochs": run.epochs, "test_accuracy": accuracy(run, run.epochs), "seconds": 33.1,
                   "seconds_per_epoch": 1.3, "images_per_second": 1090.0, "device": "cpu", "parameters": 1_204_000,
                   **more})  # fmt: skip
