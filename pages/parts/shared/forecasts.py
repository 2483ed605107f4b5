"""How long runs will take and on what, in the same words wherever they can be started."""

from collections.abc import Sequence
from dataclasses import replace

from models.jobs import Capacity
from models.results import estimate
from models.runs.run import Run
from pages.parts.shared import figures


def forecast(runs: Sequence[Run], capacity: Capacity, seconds: Sequence[float | None]) -> str:
    """What starting these runs, of so many seconds each when alone (None: unknown), would mean; "" of none."""
    if not runs:
        return ""
    capacity = device_of(runs, capacity)
    waiting = capacity.running + capacity.queued
    queue = f" {waiting} {'run' if waiting == 1 else 'runs'} ahead in the queue." if waiting else ""
    how = ""
    if len(runs) > 1:
        how = " in all, side by side," if capacity.at_once(2) > 1 else " in all, one after the other,"
    long = length(runs, capacity, seconds)
    if not long:
        return f"How long is unknown: no such run has finished on {capacity.device} yet.{queue}"
    return f"{long.capitalize()}{how} on {capacity.device}.{queue}"


def length(runs: Sequence[Run], capacity: Capacity, seconds: Sequence[float | None]) -> str:
    """ "about 3 min": until the last of them has ended; "at least" if of some it is unknown, "" if of all."""
    known = [(run, s) for run, s in zip(runs, seconds, strict=True) if s is not None]
    if not known:
        return ""
    whole = estimate.together([run for run, _ in known], [s for _, s in known], capacity)
    return f"{'at least' if len(known) < len(runs) else 'about'} {figures.minutes(whole)}"


def device_of(runs: Sequence[Run], capacity: Capacity) -> Capacity:
    """What there is for these runs: without the GPUs if they are not to use them."""
    return replace(capacity, gpus=()) if all(run.device == "cpu" for run in runs) else capacity
