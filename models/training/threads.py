"""How many CPU threads a step is given: as many as the machine gives, or one while one is faster.

On cores that others keep busy, two threads that wait for each other make a step 13 to 28 times slower than one thread
does. Whether cores are busy is not asked: both numbers are timed, now and again, and the faster goes on.
"""

import time
from collections.abc import Callable
from typing import TypeVar

import torch

T = TypeVar("T")
WINDOW = 0.3  # seconds of steps that are timed together
FASTER = 0.9  # one thread is chosen if its steps take less than this share of what they take with all
SLOWER = 2.0  # times as slow as when they were chosen: one thread is tried in place of all at once
HOPELESS = 10.0  # times as slow as the others: one step of a trial is enough
RARE = 30.0  # the next trial comes after so many times what this one took,
LAST = 80.0  # or after so many seconds


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
        self.now, self.chosen = most, 1
        self.seconds: dict[int, float] = {}  # of a step, by number of threads, when they were last compared
        self.times: list[float] = []
        self.next_trial = self.began = 0.0
        self._set(1)

    def timed(self, step: Callable[[], T]) -> T:
        """Make a step, and choose the number of threads for the next one."""
        begin = self.clock()
        made = step()
        if self.most > 1:
            self._note(self.clock() - begin)
        return made

    def _note(self, seconds: float) -> None:
        trial = self.now != self.chosen
        if not (trial and seconds > HOPELESS * self.seconds[self.chosen]):
            if self.settling:  # the first step after a change starts threads
                self.settling = False
                return
            if sum(self.times) + seconds < WINDOW:
                self.times.append(seconds)
                return
        usual = sorted([*self.times, seconds])[len(self.times) // 2]
        self.times = []
        if trial:
            self.seconds[self.now] = usual
            self._choose()
        elif self.clock() >= self.next_trial or (self.now > 1 and usual > SLOWER * self.seconds[self.now]):
            self.seconds[self.now] = usual
            self.began = self.clock()
            self._set(self.most if self.now == 1 else 1)

    def _choose(self) -> None:
        self.chosen = 1 if self.seconds[1] < FASTER * self.seconds[self.most] else self.most
        self.next_trial = self.clock() + min(LAST, RARE * (self.clock() - self.began))
        self._set(self.chosen)

    def _set(self, threads: int) -> None:
        if threads != self.now:
            self.set_threads(threads)
        self.now, self.settling = threads, True
