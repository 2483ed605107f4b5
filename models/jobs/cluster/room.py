"""What a run asks of a cluster, and which node has room for it: pure decisions.

Ray is handed what fits, and told where. Left to choose, Ray 2.60 took four runs of one CPU for two nodes and queued all
of them at one; the other stood idle as long as we looked (20 and 120 s). What waits in our queue also stops at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from models.jobs.placing import SMALL_PER_GPU, is_small
from models.jobs.states import Node
from models.runs.run import Run

MOST_THREADS = 4  # of a large run that nothing names threads for


@dataclass(frozen=True)
class Ask:
    """What one run takes of a node."""

    threads: int
    gpus: float = 0.0

    @property
    def cpus(self) -> int:
        return self.threads


def ask(run: Run, threads: int, nodes: Sequence[Node], gpus: float | None, large_waiting: int = 1) -> Ask:
    """What `run` asks for. `threads` is what it was given before, 0 if it begins; `gpus` what it shall have, if said.

    Small runs share a GPU, a large one has its own. On CPUs a large run takes some, fewer while others like it wait.
    """
    small, threads = is_small(run), run.threads or threads
    if run.device not in ("auto", "cuda"):
        gpus = 0.0
    elif gpus is None:
        gpus = 0.0 if not any(node.gpus for node in nodes) else 1 / SMALL_PER_GPU if small else 1.0
    if small or gpus:
        return Ask(threads or 1, gpus)
    largest = max((int(node.cpus) for node in nodes), default=1)
    share = int(sum(node.cpus for node in nodes)) // max(1, large_waiting)
    return Ask(threads or max(1, min(MOST_THREADS, largest, share)))


def too_much(wanted: Ask, nodes: Sequence[Node]) -> str:
    """The sentence for a run that no node could ever take; "" if one could, or there is no node for runs yet."""
    nodes = [node for node in nodes if node.cpus]
    if not nodes or any(fits_on(wanted, node.cpus, node.gpus) for node in nodes):
        return ""
    most_gpus, most_cpus = max(node.gpus for node in nodes), max(node.cpus for node in nodes)
    if wanted.gpus > most_gpus:
        return (
            f"It asks for {counted(wanted.gpus, 'GPU')}, and no node of the cluster has more than {most_gpus:g}: "
            f"name fewer with --gpus or FEWLABELS_CLUSTER_GPUS{'' if most_gpus else ', or 0 for CPUs'}."
        )
    return (
        f"It asks for {counted(wanted.cpus, 'CPU')}{' beside its GPU' if wanted.gpus else ''}, and no node of the "
        f"cluster has more than {most_cpus:g}: give the run fewer threads."
    )


def counted(n: float, what: str) -> str:
    return f"{n:g} {what}{'' if n <= 1 else 's'}"


def place(wanted: Ask, taken: Sequence[tuple[str, Ask]], nodes: Sequence[Node]) -> Node | None:
    """The node with most room for `wanted`, or None: it waits in our queue. `taken` is what runs of ours have, by node.

    What Ray says is free lags behind what it was given, and knows of other people's work: both must have room.
    """
    found = []
    for node in nodes:
        ours = [one for id, one in taken if id == node.id]
        cpus = min(node.free_cpus, node.cpus - sum(one.cpus for one in ours))
        gpus = min(node.free_gpus, node.gpus - sum(one.gpus for one in ours))
        if not node.trouble and fits_on(wanted, cpus, gpus):
            found.append((gpus, cpus, node))
    return max(found, key=lambda f: f[:2])[2] if found else None


def fits_on(wanted: Ask, cpus: float, gpus: float) -> bool:
    return wanted.cpus <= cpus + 1e-6 and wanted.gpus <= gpus + 1e-6
