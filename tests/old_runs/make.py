"""How `64bc983.tar.xz` was made, on 2026-11-28: five runs with tiny networks, trained by the code of that revision.

It is kept for whoever wonders what is in them; it runs in a tree of 64bc983 and nowhere else:

    git worktree add --detach /tmp/old 64bc983 && cd /tmp/old && python .../tests/old_runs/make.py /tmp/made

Then `make.py`'s folders runs/ and zips/, and docs/results of that tree as results/, went into one tar, `lock` left out.
"""

import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, ".")

import torch
from models.given import Given
from models.run import Run
from models.store import Folder

from models import archive, continuation, latents, separation, train, whole, work

RUNS, ZIPS = Path(sys.argv[1]) / "runs", Path(sys.argv[1]) / "zips"
TINY = {"net": "dense", "hidden": (4,), "n_z": 2, "n_a": 2, "width": 2, "svm_copies": 0, "bf16": False, "augment": 0.5,
        "batch_u": 200, "batch_l": 50}  # fmt: skip
OLD_NAMES = {
    "recolour": 0.2,
    "cover": 0.4,
    "mix": 0.3,
    "agreement": 0.3,
    "consistency": 1.0,
    "threshold": 0.0,
    "ema": 0.9,
}


def made(id: str, model: str, epochs: int, stop_at: int | None = None, **settings: object) -> Folder:
    run = Run.make("digits", model, 100, epochs=epochs, device="cpu", threads=1)
    return worked(replace(run, settings=replace(run.settings, **TINY, **settings)), id, stop_at)


def worked(run: Run, id: str, stop_at: int | None = None) -> Folder:
    """The run trained, or stopped at a step, in a folder called `id`."""
    folder = Folder.create(run, RUNS).path.rename(RUNS / id)
    folder = Folder(folder)

    def watch(record: dict) -> None:
        if stop_at and record["kind"] == "step" and record["step"] >= stop_at:
            folder.request_stop()

    if stop_at == 0:
        folder.request_stop()
    print(id, work.work(folder, watch))
    return folder


torch.set_num_threads(1)
train.EVERY = 0  # a record of every step
ZIPS.mkdir(parents=True)
m2 = made("m2-digits-100-s0-oldx", "m2", 3, stop_at=9, **OLD_NAMES)
adgm = made("adgm-digits-100-s0-oldx", "adgm", 2, bound_u=40, **OLD_NAMES)
m1 = made("m1-digits-100-s0-oldx", "m1", 2, filters=3, ema=0.9, consistency=0.0, denoise=False)
made("supervised-digits-100-s0-oldx", "supervised", 1, filters=3, **OLD_NAMES)
given = [
    Given(5, 3, "Ada", "2026-11-24T12:00:00", "by hand"),
    Given(800, 1, "the data set", "2026-11-24T12:00:01", "random"),
    Given(17, 9),
]
child = worked(continuation.continued(m2, given, 1), "m2-digits-100plus3-s0-oldx", stop_at=0)
whole.make(adgm.path, 2)
for make in (latents.make_map, latents.make_film, separation.make):
    make(adgm.path, "z", 2)
archive.export(m1, ZIPS / "m1-with-checkpoint.zip")
archive.export(adgm, ZIPS / "adgm-small.zip", checkpoint=False)
archive.export(child, ZIPS / "m2-child.zip")
