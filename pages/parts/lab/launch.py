"""The button that starts the chosen runs; where all of them are here already, what one can do with them instead."""

import math
from collections.abc import Callable, Mapping, Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models import jobs
from models.errors import UserError
from models.jobs import Capacity
from models.results import estimate, measuring
from models.runs import store
from models.runs.run import Run
from models.runs.store import Folder
from pages.parts.lab import equal_time, pressed
from pages.parts.shared import figures, owner, polling, presses, run_cards, run_pickers, train_missing
from pages.parts.shared.run_metrics import metrics

KEY = "start"
AT_ONCE = 12  # runs that one press may queue
LOOK = 2.0  # seconds between two looks how long it will go on
FEW = 4  # runs whose accuracy is told one by one


def show(
    runs: Sequence[Run],
    capacity: Capacity,
    here: Mapping[tuple, str],
    able: bool,
    forecast: Sequence[str],
    seeds: Sequence[int],
    minutes: float | None = None,
) -> None:
    """The button, and below it what it would take. A press queues the runs, the soonest done first, and watches them.

    `here` are the runs that are finished or under way, by their kind. What starts takes the place of the button,
    switched off: who clicks twice must not stop what he has just started. Of runs of so many `minutes` the epochs are
    measured between the press and the start, if they are not known.
    """
    clicked = st.session_state.get(KEY)  # others may have started the same since the button was drawn
    wished, asked = pressed.kept(runs, minutes), runs
    if minutes is not None:
        job = equal_time.job(runs, minutes)  # as it is before one looks what is known
        timed = equal_time.known(runs, minutes)
        if len(timed) < len(runs):
            measure(runs, minutes, able, forecast, wished, job)
            return
        runs, forecast = timed, [*forecast, equal_time.told(timed)] if timed else forecast
    ids = [here.get(train_missing.kind(run)) for run in runs]
    if 0 < len(runs) <= AT_ONCE and all(ids) and not clicked:
        pressed.forget()
        known(ids, seeds)
        return
    place = st.empty()
    if press(place, len(runs), able, lambda: pressed.keep(asked, minutes), wished):
        place.button("Started", icon=":material/hourglass_top:", disabled=True, width="stretch", key="started")
        pressed.forget()
        told(start(runs, capacity))
        return
    told("  \n".join(forecast))
    too_many(len(runs))


def too_many(n: int) -> None:
    """Say so if one press may not queue that many."""
    if n > AT_ONCE:
        run_pickers.refuse(f"{n} runs are more than can be started at once. Choose at most {AT_ONCE}.")


def press(place: DeltaGenerator, n: int, able: bool, note: Callable[[], None], wished: bool = False) -> bool:
    """The button in `place`, and whether it was pressed, now or earlier (`wished`): `note` keeps that it was.

    What is done with it waits until the page is drawn so far, for what was typed just before the press counts.
    """
    name = "Start" if n < 2 else f"Start {n} runs"
    able = able and 0 < n <= AT_ONCE
    on = place.button(
        name, KEY, type="primary", icon=":material/play_arrow:", disabled=not able, width="stretch", on_click=note
    )
    return on or (wished and able)


def measure(
    runs: Sequence[Run], minutes: float, able: bool, forecast: Sequence[str], wished: bool, job: measuring.Job
) -> None:
    """The button of runs whose epochs are not known: a press has them measured, and what that comes to is told."""
    place, failed = st.empty(), ""
    if wished and job.state == "ended":
        pressed.forget()
        wished, failed = False, job.error or "The epochs were not measured. Try again."
    if wished or press(place, len(runs), able, lambda: equal_time.begin(runs, minutes)):
        if not wished:  # what was typed just before the press counts
            equal_time.begin(runs, minutes)
        place.button("Measuring", icon=":material/timer:", disabled=True, width="stretch", key="started")
        equal_time.watch(runs, minutes, told)
        return
    told("  \n".join(forecast))
    too_many(len(runs))
    if failed:
        run_pickers.refuse(failed)


def told(text: str) -> None:
    """What stands below the button, as high in every state: what follows it on a phone shall not jump."""
    st.container(key="lab-told").caption(text)


def start(runs: Sequence[Run], capacity: Capacity) -> str:
    """Queue what is not here, and watch all of them. What to say of it."""
    try:
        seconds = dict(zip(runs, estimate.each(runs, store.root(), bool(capacity.gpus)), strict=True))
        soonest = sorted(runs, key=lambda run: seconds[run] or math.inf)
        ids, known = train_missing.once(soonest)
    except UserError as e:
        run_pickers.refuse(str(e))
        return ""
    run_pickers.watch([ids[soonest.index(run)] for run in runs])  # side by side as they were chosen
    if not known:
        return "Learning begins."
    return (
        f"{known} of {len(ids)} {'is' if known == 1 else 'are'} here already, finished or under way, and shown "
        "instead of being trained again. Another seed makes another run."
    )


def known(ids: Sequence[str], seeds: Sequence[int]) -> None:
    """All the chosen runs are here: stop those that go on, or see what the finished ones reached."""
    engine, folders = jobs.engine(), [Folder(store.root() / i) for i in ids]
    states = engine.states(ids)
    going = [f for f in folders if not states[f.id].final]
    mine = [f for f in going if owner.ones_own(f)]
    name = "Show them" if len(ids) > 1 else "Show it"
    if not set(ids) <= set(watched()) and st.button(name, type="primary", width="stretch", key="show-chosen"):
        run_pickers.watch(ids)
        st.rerun()
    if mine:
        label = "Stop this run" if len(mine) == 1 else f"Stop {len(mine)} runs"
        presses.button(
            label, lambda: [engine.stop(f.id) for f in mine], "stop-chosen", icon=":material/stop_circle:",
            width="stretch",
        )  # fmt: skip
    if going:
        polling.part(learning, LOOK)(going, bool(mine))
        return
    st.button(
        "Another seed", icon=":material/casino:", width="stretch", on_click=another, args=(seeds,), key="another-seed"
    )
    told(reached(folders))


def learning(going: Sequence[Folder], mine: bool) -> None:
    """How long they will go on, and that a stop loses nothing. Once all have ended the page runs anew."""
    states = jobs.engine().states([f.id for f in going])
    on = [f for f in going if not states[f.id].final]
    if not on:
        st.rerun()
    left = [s for f in on if (s := run_cards.seconds_left(metrics(f))) is not None]
    long = f", about {figures.minutes(max(left))} left" if left and len(left) == len(on) else ""
    way_on = "A stopped run can be continued." if mine else "Somebody else has started the same."
    told(f"Learning now{long}.  \n{way_on}")


def watched() -> list[str]:
    """The ids of the runs that the page is about to show."""
    asked = st.query_params.get("watch")
    if asked is not None:
        return asked.split(",")
    if "last_watch" in st.session_state:
        return st.session_state["last_watch"]
    return [f.id for f in run_cards.first_choice(run_pickers.readable_runs())]


def another(seeds: Sequence[int]) -> None:
    """The next seeds after those chosen."""
    st.query_params["seed"] = str(max(seeds) + 1)


def reached(folders: Sequence[Folder]) -> str:
    """What finished runs came to, in a sentence."""
    if len(folders) > FEW:
        return f"All {len(folders)} are finished. Another seed makes other runs."
    each = ", ".join(
        f"{run_pickers.plain(run_pickers.short_title(f))} {figures.percent(metrics(f).test_accuracy)}" for f in folders
    )
    return f"Finished: {each} of the test images."
