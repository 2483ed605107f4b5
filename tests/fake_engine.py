"""The one stand-in for the engine: the real one, without the supervisor that would serve it.

What is asked of it is checked, queued and remembered as `Local` does, so it refuses what the real engine refuses. Only
nothing happens by itself: a test writes the file that was asked for, or says with `fails` why it cannot be made.
"""

from pathlib import Path

from models import jobs
from models.analysis import ANALYSES, FULL_DATASET
from models.jobs.local import Local
from models.jobs.queue import MapRequest
from models.runs.run import Run


class FakeEngine(Local):
    def __init__(self, root: Path | None = None) -> None:
        super().__init__(root)
        self.asked: list[tuple[str, int, str, str]] = []  # id, epoch, latent variable, name of the analysis
        self.wanted: list[tuple[str, int, bool]] = []  # of whole data sets: id, epoch, again
        self.submitted: list[Run] = []

    def ensure(self) -> None:
        """Start nothing."""

    def submit(self, run: Run, owner: str = "") -> str:
        id = super().submit(run, owner)
        self.submitted.append(run)
        return id

    def map(self, id: str, epoch: int, which: str, method: str = "umap", again: bool = False) -> None:
        super().map(id, epoch, which, method, again)
        self.asked.append((id, epoch, which, method))

    def full_dataset(self, id: str, epoch: int, again: bool = False) -> None:
        super().full_dataset(id, epoch, again)
        self.wanted.append((id, epoch, again))

    def fails(self, why: str, id: str, epoch: int, which: str = FULL_DATASET, method: str = "whole") -> None:
        """From now on this has been asked for, and could not be made."""
        request = self._request(id, epoch, which, method, ANALYSES[method].of_dataset)
        self.queue.ask_map(request, again=True)
        self.queue.end_map(request, why)

    def forgets(self, id: str, epoch: int, which: str, method: str) -> None:
        """Nobody has asked for this any more."""
        self.queue.end_map(MapRequest(id, which, epoch, method))


def install() -> None:
    """For a page drawn in a process of its own, which a supervisor would outlive: nobody serves there either."""
    jobs.Local = FakeEngine
