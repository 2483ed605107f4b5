"""What the environment says to the models: every FEWLABELS_* is read here (those of the data in data/files.py).

| Variable | What it says |
| --- | --- |
| FEWLABELS_RUNS | the folder of the runs; `runs/` beside the code |
| FEWLABELS_SLOTS | how many runs train at once; by themselves as many as fit (models/jobs/placing.py) |
| FEWLABELS_IDLE | seconds without work after which the supervisor leaves |
| FEWLABELS_MAPPER_IDLE | the same of the process that computes maps |
| FEWLABELS_CLUSTER | auto, or HOST:PORT: runs train on this Ray cluster (models/jobs/cluster) |
| FEWLABELS_CLUSTER_GPUS | how much of a GPU a run on the cluster is given; 0: CPUs alone |
| FEWLABELS_NODE | what the node of a cluster is called that a process is on (data/locks.py) |
| FEWLABELS_FETCH | 1: a run fetches what it lacks; on the nodes of a cluster |
| FEWLABELS_FORK | 0: no warm process, each run imports torch itself |
| FEWLABELS_TRAIN, FEWLABELS_ANALYSES | in the tests: what stands in for the training and the analyses |
"""

import os
from pathlib import Path

from data import files
from data.errors import DataError
from models.errors import JobsError, StoreError

PROJECT = Path(__file__).resolve().parents[1]
IDLE = 15 * 60.0  # seconds
MAPPER_IDLE = 600.0  # seconds
LARGEST = 1_000_000  # of any number


def check(runs: bool = True) -> None:
    """Raises a UserError, one sentence, if something in the environment cannot be, whoever needs it later.

    Without `runs` the folder of the runs does not count: it was named in another way.
    """
    files.check()
    if runs:
        runs_folder()
    slots(), idle(), mapper_idle(), cluster_gpus()


def runs_folder() -> Path:
    """Where runs are kept. Raises StoreError if that can be no folder."""
    try:
        return files.folder("FEWLABELS_RUNS", PROJECT / "runs")
    except DataError as e:
        raise StoreError(str(e)) from e


def slots() -> int:
    """How many runs train at once; 0 if that is not said: as many as fit. Raises JobsError."""
    return int(number("FEWLABELS_SLOTS", 1, int)) if os.environ.get("FEWLABELS_SLOTS") else 0


def idle() -> float:
    """Seconds without work after which the supervisor leaves. Raises JobsError."""
    return number("FEWLABELS_IDLE", IDLE, float)


def mapper_idle() -> float:
    """Seconds without a request after which the process that computes maps leaves. Raises JobsError."""
    return number("FEWLABELS_MAPPER_IDLE", MAPPER_IDLE, float)


def cluster() -> str:
    """Where the cluster is that runs train on: "auto" or HOST:PORT; "" for this machine."""
    return os.environ.get("FEWLABELS_CLUSTER", "").strip()


def cluster_gpus() -> float | None:
    """How much of a GPU a run on the cluster is given; None if that is not said. Raises JobsError.

    Ray shares one GPU among several, or gives whole ones.
    """
    text = os.environ.get("FEWLABELS_CLUSTER_GPUS", "")
    if text in ("", "0"):
        return 0.0 if text else None
    gpus = number("FEWLABELS_CLUSTER_GPUS", 0, float)
    if gpus > 1 and gpus % 1:
        raise JobsError(f"FEWLABELS_CLUSTER_GPUS is {text!r}; it must be a part of one GPU, or a whole number of them.")
    return gpus


def fetches() -> bool:
    """Whether a run's process may fetch the data set or the weights that it lacks."""
    return os.environ.get("FEWLABELS_FETCH") == "1"


def number(name: str, default: float, kind: type) -> float:
    """A number from the environment. Raises JobsError, one sentence, if it is not a positive one."""
    text = os.environ.get(name) or str(default)
    try:
        value = kind(text)
    except ValueError:
        value = 0
    if not 0 < value < LARGEST:  # which "nan" is not, either
        raise JobsError(
            f"{name} is {text!r}; it must be a {'whole ' if kind is int else ''}number above 0 and below {LARGEST}."
        )
    return value


def fork() -> bool:
    """Whether runs may be forked from a warm process."""
    return os.environ.get("FEWLABELS_FORK") != "0"


def train_stand_in() -> str:
    """ "module:function" of what trains in place of the loop; "" if nothing does."""
    return os.environ.get("FEWLABELS_TRAIN", "")


def analyses_stand_in() -> str:
    """The module whose `make_NAME` stand in for the analyses; "" if none does."""
    return os.environ.get("FEWLABELS_ANALYSES", "")
