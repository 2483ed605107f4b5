"""Which runs train at the same time, and on how many CPU threads each: pure decisions, nothing is started here.

Measured on two cores: two runs of one thread each do 1.7 times the work of one run with two, and two threads that wait
for each other on busy cores are 13 to 20 times slower than one. So small runs take one thread and train side by side,
two for each core, and never wait for a large one; large runs share the cores that are left. What a run was given
when it first began is kept in its run.json, so that it goes on with the same arithmetic.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from data import DATASETS
from models import MODELS
from models.runs.run import Run

SMALL = 256  # numbers an image of a small run has at most: a second thread hardly speeds up its steps (the digits: 64)
SMALL_PER_CORE = 2  # small runs at once, so that four models of the digits move together on two cores
SMALL_PER_GPU = 4


@dataclass(frozen=True)
class Place:
    """What a run that trains takes."""

    small: bool
    threads: int  # CPU
    gpu: int | None = None  # index; None: the CPU, or whichever GPU torch takes


def is_small(run: Run) -> bool:
    """Whether a run's steps are too short for a second thread. A pretrained network's never are."""
    return not MODELS[run.model].frozen and math.prod(DATASETS[run.dataset].shape) <= SMALL


@dataclass(frozen=True)
class Machine:
    """What there is to share."""

    cores: int
    slots: int = 0  # runs at once; 0: as many as fit
    gpus: int = 0
    load: float = 0.0  # processes that want a core, our runs among them (os.getloadavg)

    def place(self, run: Run, threads: int, taken: Sequence[Place], large_waiting: int = 1) -> Place | None:
        """What `run` is given beside the runs that have `taken` theirs; None if it has to wait.

        `threads` is what it was given before, 0 if it begins; what it names itself counts more. `large_waiting` counts
        the large runs that could begin now, this one included: they share.
        """
        small, threads = is_small(run), run.threads or threads
        on_gpu = self.gpus > 0 and run.device in ("auto", "cuda")
        if self.slots:
            if len(taken) >= self.slots:
                return None
            usual = 1 if small else max(1, self.cores // self.slots)
            return Place(small, threads or usual, self._gpu(small, taken, crowd=True) if on_gpu else None)
        if on_gpu:
            gpu = self._gpu(small, taken)
            return None if gpu is None else Place(small, threads or max(1, self.cores // self.gpus), gpu)
        here = [p for p in taken if p.gpu is None]
        if small:
            full = sum(p.small for p in here) >= SMALL_PER_CORE * self.cores
            return None if full else Place(True, threads or 1)
        large = sum(p.threads for p in here if not p.small)
        if large >= self.cores:
            return None
        return Place(False, threads or max(1, self._free(here) // max(1, large_waiting)))

    def _free(self, taken: Sequence[Place]) -> int:
        """Cores that neither our runs nor others keep busy."""
        ours = sum(p.threads for p in taken)
        return self.cores - max(ours, int(self.load + 0.25))

    def _gpu(self, small: bool, taken: Sequence[Place], crowd: bool = False) -> int | None:
        """The GPU with the fewest runs; None if each has as many as it may have, unless they may `crowd`."""
        runs = Counter(p.gpu for p in taken)
        large = Counter(p.gpu for p in taken if not p.small)
        gpu = min(range(self.gpus), key=lambda i: (runs[i], i))
        full = runs[gpu] >= (SMALL_PER_GPU if small and not large[gpu] else 1)
        return None if full and not crowd else gpu
