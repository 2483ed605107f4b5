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
    device, queue = device_of(runs, capacity).device, ahead(capacity)
    queue = f" {queue}." if queue else ""
    long = length(runs, device_of(runs, capacity), seconds)
    if not long:
        return f"How long is unknown: no such run has finished on {device} yet.{queue}"
    how = f" in all, {order}," if (order := order_of(runs, capacity)) else ""
    return f"{long.capitalize()}{how} on {device}.{queue}"


def lines(runs: Sequence[Run], capacity: Capacity, seconds: Sequence[float | None]) -> list[str]:
    """The same for a narrow column, in short lines: how long, on what, and what comes before."""
    if not runs:
        return []
    on = device_of(runs, capacity)
    long = length(runs, on, seconds)
    order = order_of(runs, capacity)
    first = f"**{long.capitalize()}**{f' in all, {order}' if order else ''}" if long else "No such run has finished yet"
    return [first, f"on {on.device}", *filter(None, [ahead(capacity)])]


def ahead(capacity: Capacity) -> str:
    """ "3 runs ahead in the queue"; "" if nobody waits or trains."""
    waiting = capacity.running + capacity.queued
    return f"{waiting} {'run' if waiting == 1 else 'runs'} ahead in the queue" if waiting else ""


def order_of(runs: Sequence[Run], capacity: Capacity) -> str:
    """How several runs are trained; "" of one."""
    if len(runs) < 2:
        return ""
    return "side by side" if device_of(runs, capacity).at_once(2) > 1 else "one after the other"


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
