"""Stands in for models.training.loop in the tests of the queue: no torch, and every way a run can behave, chosen by
its seed (or for all of them by FAKE_BEHAVIOUR).

One "epoch" is five steps; what a real run keeps in its checkpoint is the file `at` here.
"""

import errno
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import data
from models.results.outcome import fingerprint_key, todays_fingerprints

if os.environ.get("FAKE_TORCH"):
    import torch  # noqa: F401

QUICK, SLOW, DEAF, RAISES, SEGFAULT, FULL_DISK, FAMILY, TELLS, NO_MEMORY, MAPPED, EXITS, LOADS = range(12)
STEPS = 5
MOMENT = float(os.environ.get("FAKE_MOMENT", "0.02"))  # seconds a step takes


def train(run, folder=None, stop=lambda: False, started=None):
    """Records as models.training.loop yields them; see the constants above."""
    at = folder.path / "at"
    step = int(at.read_text()) if at.exists() else 0
    start = {"kind": "start", "step": step, "steps_per_epoch": STEPS, "epochs": run.epochs}
    yield start | {"device": "cpu", "parameters": 1}
    yield from BEHAVIOURS.get(int(os.environ.get("FAKE_BEHAVIOUR", run.seed)), nothing)(folder)
    while step < run.epochs * STEPS:
        if stop():
            return
        time.sleep(MOMENT)
        step += 1
        yield {"kind": "step", "step": step, "epoch": step / STEPS, "J": 100.0 / step}
        if step % STEPS == 0:
            yield {
                "kind": "epoch",
                "step": step,
                "epoch": step // STEPS,
                "test_accuracy": 0.5,
                "labelled_accuracy": 1.0,
                "seconds": 0.1 * step,
            }
            draft = at.with_name("at.draft")
            draft.write_text(str(step))
            draft.replace(at)  # as a checkpoint: whole or not at all, whenever the process is killed
    known = todays_fingerprints().get(fingerprint_key(run.dataset, run.model, run.preset))
    result = {"kind": "result", "step": step, "run": folder.id, "test_accuracy": 0.5, "seconds": 1.0}
    yield result | ({"fingerprint": known} if known else {})


def nothing(folder):
    yield from ()


def deaf(folder):
    """Deaf to requests, and with a child as deaf."""
    yield from family(folder)
    time.sleep(600)


def family(folder):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    yield {"kind": "child", "pid": child.pid}


def raises(folder):
    raise KeyError("the secret of the traceback")
    yield


def segfault(folder):
    os.kill(os.getpid(), signal.SIGSEGV)
    yield


def full_disk(folder):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder.path))
    yield


def no_memory(folder):
    raise MemoryError
    yield


def leaves(folder):
    os._exit(3)
    yield


def tells(folder):
    """What the process was given."""
    torch = sys.modules.get("torch")
    yield {
        "kind": "tells",
        "pid": os.getpid(),
        "group": os.getpgid(0),
        "nice": os.getpriority(os.PRIO_PROCESS, 0),
        "oom": int(Path("/proc/self/oom_score_adj").read_text()) if sys.platform == "linux" else None,
        "omp": os.environ.get("OMP_NUM_THREADS"),
        "glibc": os.environ.get("GLIBC_TUNABLES"),
        "torch_threads": torch.get_num_threads() if torch else None,
        "heavy": ",".join(sorted({"torch", "sklearn", "umap", "streamlit"} & set(sys.modules))),
        "drawn": random.random(),
        "drawn_by_torch": torch.rand(()).item() if torch else None,
    }


def mapped(folder):
    """Leaves a snapshot of z and a after epoch 1: only the header counts here."""
    empty = {"dtype": "F16", "shape": [0], "data_offsets": [0, 0]}
    header = json.dumps({"id": empty, "z": empty, "a": empty}).encode()
    (folder.path / "latents").mkdir(exist_ok=True)
    (folder.path / "latents" / "0001.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    yield from ()


def loads(folder):
    """What the process sees of the run's data set, whose images are of one grey."""
    images = data.load(folder.run.dataset)
    yield {"kind": "data", "node": os.environ.get("FEWLABELS_NODE"), "grey": int(images.x[-1].max())}


BEHAVIOURS = {
    DEAF: deaf,
    RAISES: raises,
    SEGFAULT: segfault,
    FULL_DISK: full_disk,
    FAMILY: family,
    TELLS: tells,
    NO_MEMORY: no_memory,
    MAPPED: mapped,
    EXITS: leaves,
    LOADS: loads,
}


def make_umap(path, which, epoch):
    """Stands in for models.analysis.projections.make_map. What is in the folder's file `map` says how it behaves."""
    make_map("umap", path, which, epoch)


def make_tsne(path, which, epoch):
    """Stands in for models.analysis.projections.make_tsne."""
    make_map("tsne", path, which, epoch)


def make_film(path, which, last):
    """Stands in for models.analysis.projections.make_film."""
    make_map("film", path, which, last)


def make_separation(path, which, epoch):
    """Stands in for models.analysis.separability.make."""
    make_map("separation", path, which, epoch)


def make_usage(path, which, epoch):
    """Stands in for models.analysis.usage.make."""
    make_map("usage", path, which, epoch)


def make_samples(path, which, epoch):
    """Stands in for models.analysis.sample_scores.make."""
    make_map("samples", path, which, epoch)


def make_likelihood(path, which, epoch):
    """Stands in for models.analysis.likelihood.make."""
    make_map("likelihood", path, which, epoch)


def make_map(kind, path, which, epoch):
    folder = behave(path, which, epoch)
    (folder / "maps").mkdir(exist_ok=True)
    (folder / "maps" / f"{which}-{kind}-{epoch:04d}.safetensors").write_bytes(b"")


def make_whole(path, epoch):
    """Stands in for models.analysis.full_dataset.make, and behaves as the others do."""
    folder = behave(path, "every", epoch)
    (folder / "whole").mkdir(exist_ok=True)
    (folder / "whole" / f"{epoch:04d}.safetensors").write_bytes(b"")


def behave(path, which, epoch):
    folder = Path(path)
    with open(folder / "maps-made", "a") as f:
        f.write(f"{which} {epoch} {os.getpid()}\n")
    how = (folder / "map").read_text() if (folder / "map").exists() else ""
    if how == "fails":
        raise ValueError("these codes cannot be mapped")
    if how == "dies once":
        (folder / "map").write_text("")
        os.kill(os.getpid(), signal.SIGKILL)
    return folder
