"""What an engine says of runs, whatever runs them."""

from dataclasses import dataclass

from models.jobs.gpus import Gpu
from models.runs.store import FINAL


@dataclass(frozen=True)
class State:
    """How a run is doing."""

    state: str  # queued, running, stopping, done, failed, stopped, lost
    position: int | None  # in the queue: 1 starts next; None if it does not wait
    detail: str  # a sentence for the page, or ""
    attempt: int  # how often it was started
    since: float = 0.0  # unix time of the last change
    node: str = ""  # of a cluster, where it is at work; "" on this machine

    @property
    def final(self) -> bool:
        """Nothing will change any more by itself: a page can stop looking."""
        return self.state in FINAL


@dataclass(frozen=True)
class Node:
    """A machine of a cluster, and what of it is free."""

    id: str
    name: str
    cpus: float
    gpus: float
    free_cpus: float
    free_gpus: float
    trouble: str = ""  # the sentence that says why no run can start there, or ""


@dataclass(frozen=True)
class Capacity:
    """What there is for runs."""

    slots: int  # runs at once; 0: as many as fit (models/jobs/placing.py)
    cores: int
    running: int
    queued: int
    warm: bool  # whether a run would start within a blink
    trouble: str = ""  # the sentence that says why no run can start, or ""
    gpus: tuple[Gpu, ...] = ()  # that torch can use
    cluster: str = ""  # where the cluster is that runs train on: its address, or what was asked for; "" without one
    nodes: tuple[Node, ...] = ()  # of that cluster

    def at_once(self, n: int) -> int:
        """How many of `n` runs make headway at the same time: a core each, or a GPU."""
        if self.cluster:
            return max(1, min(n, self.slots or int(sum(node.cpus for node in self.nodes))))
        return max(1, min(n, self.slots or len(self.gpus) or self.cores))

    @property
    def device(self) -> str:
        """Where runs train, in words: "RTX 4070, 11 GiB free", "CPU, 2 cores" or "a cluster of 3 nodes"."""
        if self.cluster and not self.nodes:
            return "the cluster, once it is there"
        if self.cluster:
            return f"a cluster of {len(self.nodes)} node{'s' * (len(self.nodes) != 1)}"
        if not self.gpus:
            return f"CPU, {self.cores} core{'s' * (self.cores > 1)}"
        return "; ".join(f"{gpu.name}, {gpu.free / 2**30:.0f} GiB free" for gpu in self.gpus)
