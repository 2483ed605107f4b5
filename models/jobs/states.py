"""What an engine says of runs, whatever runs them."""

from dataclasses import dataclass

from models.runs.store import FINAL


@dataclass(frozen=True)
class State:
    """How a run is doing."""

    state: str  # queued, running, stopping, done, failed, stopped, lost
    position: int | None  # in the queue: 1 starts next; None if it does not wait
    detail: str  # a sentence for the page, or ""
    attempt: int  # how often it was started
    since: float = 0.0  # unix time of the last change

    @property
    def final(self) -> bool:
        """Nothing will change any more by itself: a page can stop looking."""
        return self.state in FINAL


@dataclass(frozen=True)
class Capacity:
    """What there is for runs."""

    slots: int  # runs at once
    threads: int  # CPU threads a run gets
    cores: int
    running: int
    queued: int
    warm: bool  # whether a run would start within a blink
