"""What a run asks of a cluster, and whether there is room for it: pure decisions, Ray does the placing."""

from collections.abc import Sequence
from dataclasses import dataclass

from models.jobs.placing import SMALL_PER_GPU, is_small
from models.jobs.states import Node
from models.runs.run import Run

BEYOND = 2  # runs that Ray is handed beyond what fits, so that no node waits for us; all others wait in our queue
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
    """The sentence for a run that no node could ever take; "" if one could, or there is no node yet."""
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


def room(wanted: Ask, taken: Sequence[Ask], nodes: Sequence[Node]) -> bool:
    """Whether Ray may be handed `wanted` beside what it was handed: what fits, and BEYOND more."""
    left = [[node.cpus, node.gpus] for node in nodes if not node.trouble]
    beyond = 0
    for one in (*taken, wanted):
        here = next((have for have in left if fits_on(one, *have)), None)
        if here is None:
            beyond += 1
        else:
            here[0] -= one.cpus
            here[1] -= one.gpus
    return bool(left) and beyond <= BEYOND


def fits_on(wanted: Ask, cpus: float, gpus: float) -> bool:
    return wanted.cpus <= cpus + 1e-6 and wanted.gpus <= gpus + 1e-6
