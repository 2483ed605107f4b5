"""Runs of so many minutes: their epochs are measured in the background once Start is pressed, and then they start."""

from collections.abc import Callable, Sequence

from models import MODELS
from models.errors import UserError
from models.results import measuring
from models.results import minutes as epochs_in
from models.runs import store
from models.runs.run import Run
from pages.parts.lab import pressed
from pages.parts.shared import polling, run_pickers

LOOK = 1.0  # seconds between two looks how far it is
THEN = "Starts then. A change calls it off."
FEW = 4  # models whose epochs are told one by one


def known(runs: Sequence[Run], minutes: float) -> list[Run]:
    """Of these runs, those whose epochs are measured, with them; says why if that cannot be found out."""
    try:
        return [run for run in epochs_in.known(runs, minutes, store.root()) if run]
    except UserError as e:
        run_pickers.refuse(str(e))
        return []


def begin(runs: Sequence[Run], minutes: float) -> None:
    """Have these runs measured, and started then, if nothing else is chosen meanwhile."""
    pressed.keep(runs, minutes)
    measuring.start(runs, minutes, store.root())


def job(runs: Sequence[Run], minutes: float) -> measuring.Job:
    """How their measurement is doing."""
    return measuring.look(runs, minutes, store.root())


def watch(runs: Sequence[Run], minutes: float, say: Callable[[str], None]) -> None:
    """Tell how far the measurement is; the page is drawn anew when it has ended."""

    def told() -> None:
        say(so_far(runs, minutes))

    polling.watch(lambda: job(runs, minutes).state == "ended", False, LOOK, told)


def so_far(runs: Sequence[Run], minutes: float) -> str:
    """What is measured just now, in words."""
    done = {run.model for run in known(runs, minutes)}
    left = [model for model in dict.fromkeys(run.model for run in runs) if model not in done]
    if job(runs, minutes).state == "waiting":
        return f"**Waits for another measurement.**  \n{THEN}"
    on = "; its features come first" if any(MODELS[m].frozen for m in left[:1]) else ""
    names = run_pickers.plain(", ".join(MODELS[m].legend for m in left))
    return f"**Measuring an epoch**: {names}{on}.  \n{THEN}"


def told(runs: Sequence[Run]) -> str:
    """The epochs of these runs, in words."""
    of = {run.model: run.epochs for run in runs}
    if len(of) > FEW:
        return f"{min(of.values()):,} to {max(of.values()):,} epochs each"
    return ", ".join(f"{run_pickers.plain(MODELS[m].legend)} {n:,}" for m, n in of.items()) + " epochs"
