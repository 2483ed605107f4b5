"""Who runs a Run. Pages see this interface and none of what lies behind it; importing it loads no torch.

from models import jobs

id = jobs.engine().submit(run, owner=visitor)
jobs.engine().states([id])[id].state        # queued, running, stopping, done, failed, stopped, lost
records, offset = jobs.engine().events(id, 0)
"""

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from models.errors import JobsError
from models.jobs.local import Local
from models.jobs.states import Capacity, State
from models.runs import store
from models.runs.run import Run

__all__ = ["Capacity", "Engine", "JobsError", "State", "engine"]


class Engine(Protocol):
    """What every engine can do. The methods of `Local` say what each may raise."""

    def submit(self, run: Run, owner: str = "") -> str: ...
    def resubmit(self, id: str, epochs: int | None = None) -> None: ...
    def stop(self, id: str) -> None: ...
    def states(self, ids: Iterable[str]) -> dict[str, State]: ...
    def events(self, id: str, offset: int = 0) -> tuple[list[dict], int]: ...
    def capacity(self) -> Capacity: ...
    def map(self, id: str, epoch: int, which: str, method: str = "umap", again: bool = False) -> None: ...
    def map_state(self, id: str, epoch: int, which: str, method: str = "umap") -> tuple[str, str]: ...
    def full_dataset(self, id: str, epoch: int, again: bool = False) -> None: ...
    def full_dataset_state(self, id: str, epoch: int) -> tuple[str, str]: ...
    def warm(self) -> None: ...


def engine(root: Path | None = None) -> Engine:
    """The engine of a runs folder (`store.root()` unless given); the same one each time."""
    return local(store.root() if root is None else Path(root).absolute())


@lru_cache(maxsize=16)
def local(root: Path) -> Local:
    return Local(root)
