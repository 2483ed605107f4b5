"""How many CPU threads a step is given: as many as the machine gives, or one while one is faster.

On cores that others keep busy, two threads that wait for each other make a step 13 to 20 times slower than one thread
does. Whether cores are busy is not asked: both numbers are timed, now and again, and the faster goes on.
"""

import time
from collections.abc import Callable
from typing import TypeVar

import torch

T = TypeVar("T")
WINDOW = 0.3  # seconds of steps that are timed together; two steps at least
FASTER = 0.9  # one thread is chosen if its steps take less than this share of what they take with all
SLOWER = 2.0  # times as slow as when it was chosen: the other number is tried at once
FIRST, LAST = 5.0, 80.0  # seconds until the next trial: doubled by each trial that changes nothing


class StepThreads:
    """Sets torch's number of threads to `most` or to 1, by what steps take. With a `most` of 1 it does nothing.

    Another number of threads adds up in another order, which changes last digits: a run that names its threads
    (`Run.threads`) keeps to them.
    """

    def __init__(
        self,
        most: int,
        clock: Callable[[], float] = time.perf_counter,
        set_threads: Callable[[int], None] = torch.set_num_threads,
    ) -> None:
        self.most, self.clock, self.set_threads = most, clock, set_threads
        self.chosen = self.now = most
        self.seconds: dict[int, float] = {}  # of a step, by number of threads, when they were last compared
        self.times: list[float] = []
        self.settling = True  # the first step after a change starts threads
        self.patience, self.next_trial = FIRST, 0.0

    def timed(self, step: Callable[[], T]) -> T:
        """Make a step, and choose the number of threads for the next one."""
        begin = self.clock()
        made = step()
        if self.most > 1:
            self._note(self.clock() - begin)
        return made

    def _note(self, seconds: float) -> None:
        if self.settling:
            self.settling = False
            return
        self.times.append(seconds)
        trial = self.now != self.chosen
        hopeless = trial and seconds > SLOWER * self.seconds[self.chosen]
        if not hopeless and (len(self.times) < 2 or sum(self.times) < WINDOW):
            return
        usual, self.times = sorted(self.times)[len(self.times) // 2], []
        if trial:
            self.seconds[self.now] = usual
            self._choose()
        elif self.clock() >= self.next_trial or usual > SLOWER * self.seconds[self.now]:
            self.seconds[self.now] = usual
            self._set(self.most if self.now == 1 else 1)

    def _choose(self) -> None:
        better = 1 if self.seconds[1] < FASTER * self.seconds[self.most] else self.most
        self.patience = min(LAST, 2 * self.patience) if better == self.chosen else FIRST
        self.chosen, self.next_trial = better, self.clock() + self.patience
        self._set(better)

    def _set(self, threads: int) -> None:
        if threads != self.now:
            self.set_threads(threads)
            self.now, self.settling = threads, True
