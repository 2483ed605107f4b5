"""Runs while one watches them: a card each, or one for the seeds of the same run; their curves below.

Everything here is drawn inside one fragment that a browser's timer runs again each second while something goes on.
"""

import statistics
from collections.abc import Mapping, Sequence

import streamlit as st

from data import DATASETS
from models import MODELS, jobs
from models.errors import UserError
from models.jobs import State
from models.runs import memory
from models.runs.run import Run
from models.runs.store import FINAL, Folder
from pages.parts.shared import figures, owner, palette, presses, run_charts, run_pickers, siblings, train_missing
from pages.parts.shared.run_metrics import Metrics, finite, metrics

MOST_WATCHED = 4  # that a page chooses by itself, with their siblings
RECENT = 12  # of the newest runs
SEED_WIDTH = 205  # pixels of a seed's bar: its button stands beside it
LINKS = (
    ("pages/latent.py", "Latent space", ":material/scatter_plot:", "run"),
    ("pages/generate.py", "Generate", ":material/grid_view:", "run"),
    ("pages/compare.py", "Compare", ":material/compare:", "runs"),
)


COMPARED = {"runs": "beside"}  # one run is compared with its like


def first_choice(folders: list[Folder]) -> list[Folder]:
    """Which runs to watch unless one chose: those that go on, and the newest that are like the first of all these.

    So a run that ends stays beside those that began with it and go on.
    """
    going = [f for f in folders if f.status()["state"] not in FINAL]
    first = (going or folders)[0].run
    like = [f for f in folders[:RECENT] if (f.run.dataset, f.run.budget()) == (first.dataset, first.budget())]
    chosen = {f.id for group in siblings.groups(like)[:MOST_WATCHED] for f in group} | {f.id for f in going}
    return [f for f in folders if f.id in chosen]


def watch(folders: Sequence[Folder], live: bool) -> None:
    """Draw the runs. `live` is whether the caller has set a timer: when all have ended, the page is run once more."""
    if not all(f.path.exists() for f in folders):  # somebody has deleted one; the page says so
        st.rerun()
    states = jobs.engine().states([f.id for f in folders])
    still = not all(s.final for s in states.values())
    if still != live:
        st.rerun()
    names = run_charts.short_names(folders)
    cards(siblings.groups(folders), states)
    run_charts.objectives(folders, names)
    run_charts.closer(folders, names)


def colours_of(folders: Sequence[Folder]) -> list[str]:
    return palette.run_colours([f.run.model for f in folders])


# Cards


def cards(groups: Sequence[siblings.Group], states: Mapping[str, State]) -> None:
    """A card for each run, or for the seeds of one, two or three in a row."""
    per_row = {1: 1, 2: 2, 4: 2}.get(len(groups), 3)
    colours = colours_of([group[0] for group in groups])
    for start in range(0, len(groups), per_row):
        row = groups[start : start + per_row]
        for i, (column, group) in enumerate(zip(st.columns(per_row), row, strict=False), start):
            first = group[0]
            with column.container(border=True, height="stretch", gap="small", key=f"card-{first.id}"):
                if len(group) > 1:
                    card_of_seeds(group, states, colours[i])
                else:
                    card(first, states[first.id], metrics(first), colours[i])


def card(folder: Folder, state: State, m: Metrics, colour: str) -> None:
    """One run: what it is, how far it is, how good it is, what can be done with it."""
    test, labelled = (m.test[-1], m.labelled[-1]) if m.test else (None, None)
    with st.container(horizontal=True, gap="medium", vertical_alignment="center"):
        with st.container(gap="xsmall", width=300):
            title(folder, state, colour)
            st.progress(m.progress, text=pace(folder, state))
        st.metric("Test accuracy", figures.percent(test), width="content")
        st.metric("On the labelled", figures.percent(labelled), width="content")
        actions(folder, state)
    detail(folder, state)
    links(folder)


def card_of_seeds(group: siblings.Group, states: Mapping[str, State], colour: str) -> None:
    """Runs that differ by the seed alone: what they reached together, and each of them in a line."""
    run, done = group[0].run, sum(states[f.id].state == "done" for f in group)
    spread = siblings.mean_and_spread(group)
    latest = [m.test[-1] for m in map(metrics, group) if m.test]
    with st.container(horizontal=True, gap="medium", vertical_alignment="center"):
        with st.container(gap="xsmall", width=300):
            with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
                named(MODELS[run.model].title, colour)
                state = "done" if done == len(group) else "running"
                st.badge(f"{done} of {len(group)} done", icon=palette.ICONS[state], color=palette.STATES[state])
            st.caption(f"{budget(group[0])} · {siblings.seeds(group)}{setup(group[0])} · {len(group)} runs")
        if spread:
            n = len(siblings.accuracies(group))
            st.metric("Test accuracy", spread, width="content")
            st.caption(f"{n} seeds, mean and standard deviation", width="content")
        else:
            mean = statistics.fmean(latest) if latest else None
            st.metric(f"Test accuracy so far, mean of {len(latest)}", figures.percent(mean), width="content")
    for folder in group:
        state, m = states[folder.id], metrics(folder)
        with st.container(horizontal=True, gap="medium", vertical_alignment="center"):
            reached = f" · {figures.percent(m.test[-1])}" if m.test else ""
            waits = f", position {state.position} in the queue" if state.position else ""
            told = pace(folder, state) if state.state in ("running", "done") else f"{state.state}{waits}"
            st.progress(m.progress, text=f"Seed {folder.run.seed}: {told}{reached}", width=SEED_WIDTH)
            actions(folder, state)
        detail(folder, state)
    links(group[0])


def detail(folder: Folder, state: State) -> None:
    """Why a run ended, and the way on."""
    if state.detail and (state.state != "running" or state.node):
        st.markdown(f":{palette.STATES[state.state]}[:small[{run_pickers.plain(state.detail)}]]")
    if run := memory.smaller(folder):
        st.button(
            f"Start again with a smaller batch, {run.settings.batch_u}", key=f"smaller-{folder.id}", type="primary",
            icon=":material/restart_alt:", on_click=instead, args=(folder, run),
            help=f"The same run with batch_u={run.settings.batch_u}: fewer unlabelled images a step take less memory.",
        )  # fmt: skip


def instead(folder: Folder, run: Run) -> None:
    """Start a run in place of one that failed, and watch it there. A refusal is said where it stands."""
    try:
        (id,), _ = train_missing.once([run])
    except UserError as e:
        run_pickers.refuse(str(e))
        return
    watched = [i for i in st.query_params.get("watch", "").split(",") if i] or st.session_state.get("last_watch", [])
    run_pickers.watch([id if i == folder.id else i for i in watched] or [id])


def links(folder: Folder) -> None:
    """The pages that look into a run."""
    if folder.snapshots():
        with st.container(horizontal=True, gap="small"):
            for page, label, icon, key in LINKS:
                if (figures.ROOT / page).exists() and (MODELS[folder.run.model].pictures or "generate" not in page):
                    st.page_link(page, label=label, icon=icon, query_params={COMPARED.get(key, key): folder.id})


def named(name: str, colour: str) -> None:
    """A run's mark and its name, for the head of what shows it."""
    st.html(palette.line_mark(colour), width="content")
    st.markdown(f"**{run_pickers.plain(name)}**", width="content")


def title(folder: Folder, state: State, colour: str) -> None:
    run, called = folder.run, folder.called
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        method = MODELS[run.model].title + run_pickers.continued(run)
        named(called.name or method, colour)
        place = f", position {state.position} in the queue" if state.position else ""
        st.badge(f"{state.state}{place}", icon=palette.ICONS[state.state], color=palette.STATES[state.state])
    model = f"{method} · " if called.name else ""
    tags = f" · {run_pickers.plain(', '.join(called.tags))}" if called.tags else ""
    st.caption(f"{model}{budget(folder)} · seed {run.seed}{setup(folder)} · 1 run{tags}")


def budget(folder: Folder) -> str:
    return f"{DATASETS[folder.run.dataset].title} · {folder.run.budget(',')}"


def setup(folder: Folder) -> str:
    return f" · {folder.run.setup}" if folder.run.setup else ""


def pace(folder: Folder, state: State, timed: bool = True) -> str:
    """How far a run is, in words, and how long it takes. Of an example that says nothing of this machine."""
    m = metrics(folder)
    if m.preparing and not m.result:
        words = f"Features of {m.preparing['done']:,} of {m.preparing['total']:,} images"
        left = m.preparing.get("seconds_left")
        return f"{words}, about {figures.minutes(left)} left" if state.state == "running" and finite(left) else words
    at = m.epochs[-1] if m.epochs else 0
    words = f"Epoch {at:.0f} of {m.planned}"
    if timed and m.result and finite(m.result.get("seconds")) and not folder.made.get("example"):
        return f"{words}, in {figures.minutes(m.result['seconds'])}"
    if timed and state.state == "running" and (left := seconds_left(m)) is not None:
        return f"{words}, about {figures.minutes(left)} left"
    return "Starting" if state.state == "running" and not m.epochs else words


def seconds_left(m: Metrics) -> float | None:
    """Until the last epoch ends, in steps of five from twenty on: what is read is not another figure at each look."""
    if not m.seconds_per_epoch:
        return None
    left = max(0.0, (1 - m.progress) * m.planned * m.seconds_per_epoch)
    return 5 * round(left / 5) if left > 20 else left


def actions(folder: Folder, state: State) -> None:
    """Stop what goes on, continue what ended before its last epoch, add epochs to what is done."""
    if not owner.ones_own(folder):
        st.caption("Not yours", help=owner.NOT_ONES_OWN, width="content")
    elif not state.final:
        presses.button(
            "Stop", lambda: jobs.engine().stop(folder.id), f"stop-{folder.id}", icon=":material/stop_circle:",
            disabled=state.state == "stopping",
        )  # fmt: skip
    elif state.state == "done":
        with st.popover("Extend", icon=":material/add_circle:"):
            run, key = folder.run, f"more-{folder.id}"
            more = st.number_input("More epochs", 1, 1000, max(1, run.epochs // 2), key=key, persist_state="page")
            st.caption(f"It goes on from epoch {run.epochs} to {run.epochs + (more or 0)}.")
            presses.button(
                "Go on", lambda: jobs.engine().resubmit(folder.id, epochs=run.epochs + (st.session_state[key] or 0)),
                f"extend-{folder.id}", type="primary", disabled=not more,
            )  # fmt: skip
    else:
        presses.button(
            "Continue", lambda: jobs.engine().resubmit(folder.id), f"continue-{folder.id}",
            icon=":material/play_circle:",
        )  # fmt: skip
