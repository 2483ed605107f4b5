"""Runs while one watches them: a card each, their curves in one chart, the objective of one split up, its samples.

Everything here is drawn inside one fragment that a browser's timer runs again each second while something goes on.
"""

import math
import statistics
from collections import Counter
from collections.abc import Callable, Sequence

import streamlit as st

from data import DATASETS
from models import MODELS, TERMS, jobs
from models.errors import UserError
from models.jobs import Capacity, State
from models.runs.run import Run
from models.runs.store import FINAL, Folder
from pages.parts.components.live_chart import Line, Mark, live_chart
from pages.parts.shared import figures, owner, palette, run_pickers, words
from pages.parts.shared.run_metrics import Metrics, finite, metrics

UNIT = "nats per image"
MOST_WATCHED = 4  # that a page chooses by itself
LINKS = (
    ("pages/latent.py", "Latent space", ":material/scatter_plot:", "run"),
    ("pages/generate.py", "Generate", ":material/grid_view:", "run"),
    ("pages/compare.py", "Compare", ":material/compare:", "runs"),
)


COMPARED = {"runs": "beside"}  # one run is compared with its like


def first_choice(folders: list[Folder]) -> list[Folder]:
    """Which runs to watch unless one chose: those that go on, and the newest that are like the first of all these.

    So a run that ends stays beside its siblings, which go on.
    """
    going = [f for f in folders if f.status()["state"] not in FINAL]
    first = (going or folders)[0].run
    like = [f for f in folders[:MOST_WATCHED] if (f.run.dataset, f.run.budget()) == (first.dataset, first.budget())]
    return [f for f in folders if f in going or f in like]


def forecast(runs: Sequence[Run], capacity: Capacity, seconds: Sequence[float | None]) -> str:
    """What pressing Start would mean, in words: how long, and how many wait before."""
    waiting = capacity.running + capacity.queued
    queue = f" {waiting} {'run' if waiting == 1 else 'runs'} ahead in the queue." if waiting else ""
    if not runs:
        return "Choose at least one model and one seed, and a number of labels the classes can share."
    if None in seconds:
        return f"No such run has finished here yet, so how long it takes is unknown.{queue}"
    whole = figures.minutes(capacity.together(seconds))
    if len(runs) == 1:
        return f"About {whole} on {capacity.device}.{queue}"
    how = "side by side" if capacity.at_once(2) > 1 else "one after the other"
    return f"About {whole} in all, {how}, on {capacity.device}.{queue}"


def watch(folders: Sequence[Folder], live: bool) -> None:
    """Draw the runs. `live` is whether the caller has set a timer: when all have ended, the page is run once more."""
    if not all(f.path.exists() for f in folders):  # somebody has deleted one; the page says so
        st.rerun()
    states = jobs.engine().states([f.id for f in folders])
    still = not all(s.final for s in states.values())
    if still != live:
        st.rerun()
    known = [(f, states[f.id], metrics(f)) for f in folders]
    names = short_names(folders)
    cards(known)
    objectives(folders, names)
    closer(folders, names)


def colours_of(folders: Sequence[Folder]) -> list[str]:
    return palette.run_colours([f.run.model for f in folders])


# Cards


def cards(known: Sequence[tuple[Folder, State, Metrics]]) -> None:
    """A card for each run, two or three in a row."""
    per_row = {1: 1, 2: 2, 4: 2}.get(len(known), 3)
    colours = colours_of([folder for folder, *_ in known])
    for start in range(0, len(known), per_row):
        row = known[start : start + per_row]
        for i, (column, (folder, state, m)) in enumerate(zip(st.columns(per_row), row, strict=False), start):
            with column.container(border=True, height="stretch", gap="small", key=f"card-{folder.id}"):
                card(folder, state, m, colours[i])


def card(folder: Folder, state: State, m: Metrics, colour: str) -> None:
    """One run: what it is, how far it is, how good it is, what can be done with it."""
    run = folder.run
    test, labelled = (m.test[-1], m.labelled[-1]) if m.test else (None, None)
    with st.container(horizontal=True, gap="medium", vertical_alignment="center"):
        with st.container(gap="xsmall", width=300):
            title(folder, state, colour)
            st.progress(m.progress, text=pace(state, m))
        st.metric("Test accuracy", figures.percent(test), width="content")
        st.metric("On the labelled", figures.percent(labelled), width="content")
        actions(folder, state)
    if state.detail and state.state != "running":
        st.markdown(f":{palette.STATES[state.state]}[:small[{run_pickers.plain(state.detail)}]]")
    if folder.snapshots():
        with st.container(horizontal=True, gap="small"):
            for page, label, icon, key in LINKS:
                if (figures.ROOT / page).exists() and (MODELS[run.model].draws or "generate" not in page):
                    st.page_link(page, label=label, icon=icon, query_params={COMPARED.get(key, key): folder.id})


def dot(colour: str) -> None:
    """A dot in a run's colour, to stand before its title."""
    st.html(
        f'<span style="display:block;width:.8rem;height:.8rem;border-radius:50%;background:{colour}"></span>',
        width="content",
    )


def title(folder: Folder, state: State, colour: str) -> None:
    run, called = folder.run, folder.called
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        dot(colour)
        st.markdown(f"**{run_pickers.plain(called.name) or MODELS[run.model].title}**", width="content")
        place = f", position {state.position} in the queue" if state.position else ""
        st.badge(f"{state.state}{place}", icon=palette.ICONS[state.state], color=palette.STATES[state.state])
    setup = f" · {run.setup}" if run.setup else ""
    model = f"{MODELS[run.model].title} · " if called.name else ""
    tags = f" · {run_pickers.plain(', '.join(called.tags))}" if called.tags else ""
    st.caption(f"{model}{DATASETS[run.dataset].title} · {run.budget(',')} · seed {run.seed}{setup} · 1 run{tags}")


def pace(state: State, m: Metrics) -> str:
    """How far a run is, in words."""
    if m.preparing and not m.result:
        words = f"Features of {m.preparing['done']:,} of {m.preparing['total']:,} images"
        left = m.preparing.get("seconds_left")
        return f"{words}, about {figures.minutes(left)} left" if state.state == "running" and finite(left) else words
    at = m.epochs[-1] if m.epochs else 0
    words = f"Epoch {at:.0f} of {m.planned}"
    if m.result and isinstance(m.result.get("seconds"), (int, float)):
        return f"{words}, in {figures.minutes(m.result['seconds'])}"
    if state.state == "running" and m.seconds_per_epoch:
        left = max(0.0, (1 - m.progress) * m.planned * m.seconds_per_epoch)
        return f"{words}, about {figures.minutes(left)} left"
    return "Starting" if state.state == "running" and not m.epochs else words


def actions(folder: Folder, state: State) -> None:
    """Stop what goes on, continue what ended before its last epoch, add epochs to what is done."""
    if not owner.ones_own(folder):
        st.caption("Not yours", help=owner.NOT_ONES_OWN, width="content")
    elif not state.final:
        if st.button(
            "Stop", icon=":material/stop_circle:", key=f"stop-{folder.id}", disabled=state.state == "stopping"
        ):
            act(lambda: jobs.engine().stop(folder.id))
    elif state.state == "done":
        with st.popover("Extend", icon=":material/add_circle:"):
            run = folder.run
            more = st.number_input(
                "More epochs", 1, 1000, max(1, run.epochs // 2), key=f"more-{folder.id}", persist_state="page"
            )
            st.caption(f"It goes on from epoch {run.epochs} to {run.epochs + (more or 0)}.")
            if st.button("Go on", key=f"extend-{folder.id}", type="primary", disabled=not more):
                act(lambda: jobs.engine().resubmit(folder.id, epochs=run.epochs + more))
    elif st.button("Continue", icon=":material/play_circle:", key=f"continue-{folder.id}"):
        act(lambda: jobs.engine().resubmit(folder.id))


def act(do: Callable[[], None]) -> None:
    """Do what a button says; the page then begins anew, with a timer if something goes on. A refusal is a sentence."""
    try:
        do()
    except UserError as e:
        run_pickers.refuse(str(e))
        return
    st.rerun()


# Curves


def short_names(folders: Sequence[Folder]) -> list[str]:
    """A name for each run in a legend: what tells it from the others, and always its model and labels."""
    runs = [f.run for f in folders]
    several = len({r.dataset for r in runs}) > 1
    names = []
    for folder, run in zip(folders, runs, strict=True):
        words = [run_pickers.short_title(folder)]
        words += [DATASETS[run.dataset].title] if several else []
        words += [run.budget(), f"seed {run.seed}"]
        name = ", ".join(words)
        twins = [
            r
            for r in runs
            if (r.model, r.dataset, r.budget(), r.seed) == (run.model, run.dataset, run.budget(), run.seed)
        ]
        names.append(f"{name}, {folder.id.rsplit('-', 1)[-1]}" if len(twins) > 1 else name)
    return names


def accuracy_lines(folders: Sequence[Folder], names: Sequence[str]) -> list[Line]:
    """Test accuracy, and accuracy on the labelled images, in per cent by epoch."""
    lines = []
    for folder, name, colour in zip(folders, names, colours_of(folders), strict=True):
        m = metrics(folder)
        for kind, values in (("test images", m.test), ("labelled images", m.labelled)):
            pairs = [(e, 100 * a) for e, a in zip(m.epochs, values, strict=True) if not math.isnan(a)]
            lines.append(Line(name, colour, [e for e, _ in pairs], [a for _, a in pairs], kind))
    return lines


def accuracy_chart(folders: Sequence[Folder], names: Sequence[str], key: str, height: int = 300) -> None:
    """The accuracies of several runs in one chart, that of an SVM on raw pixels beside M1."""
    svm = []
    for folder, name in zip(folders, names, strict=True):
        level = (metrics(folder).result or {}).get("raw_pixel_svm_accuracy")
        if finite(level):
            svm.append(Mark(f"SVM on raw pixels beside {name}", 100 * level))
    live_chart(
        accuracy_lines(folders, names),
        title="Accuracy",
        unit="%",
        key=key,
        x_max=max(f.run.epochs for f in folders),
        y_max=100,
        height=height,
        marks=svm,
        dashed=("labelled images",),
        empty="The first accuracy comes before the first epoch",
        subject=" ".join(f.id for f in folders),
    )


def objective_chart(folders: Sequence[Folder], names: Sequence[str], key: str, height: int = 300) -> None:
    """The objectives of several runs in one chart."""
    found = [metrics(f) for f in folders]
    live_chart(
        [Line(n, colour, m.steps, m.objective) for n, colour, m in zip(names, colours_of(folders), found, strict=True)],
        title="Objective J",
        unit=UNIT,
        key=key,
        x_max=max(f.run.epochs for f in folders),
        robust=True,
        height=height,
        subject=" ".join(f.id for f in folders),
    )


def objectives(folders: Sequence[Folder], names: Sequence[str]) -> None:
    """The objectives, and beside them what several seeds say together."""
    left, right = st.columns([3, 2], gap="medium")
    with left:
        objective_chart(folders, names, key="objective")
        st.caption(f"{words.OBJECTIVE} Each model has its own sum: compare its course, not its height. {words.NATS}")
    with right:
        spread(folders)
        sets = {DATASETS[f.run.dataset] for f in folders}
        test = " and ".join(f"{s.n_test:,} test images of {s.title}" for s in sets)
        st.caption(f"Test accuracy: on the {test}. In a chart, drag to zoom, double-click for the whole.")


def spread(folders: Sequence[Folder]) -> None:
    """Mean and standard deviation of the test accuracy where several finished runs differ by nothing but the seed."""
    groups: dict[tuple, dict[int, float]] = {}  # by seed: a seed that ran twice gave the same twice
    for folder in folders:
        run, result = folder.run, metrics(folder).result
        if run.parent:  # two that go on from two runs differ by more than the seed: by the labels that were given
            continue
        if result and finite(result.get("test_accuracy")):
            key = (run.model, run.dataset, run.labels, run.epochs, run.setup, run.settings)
            groups.setdefault(key, {})[run.seed] = 100 * result["test_accuracy"]
    groups = {key: by_seed for key, by_seed in groups.items() if len(by_seed) > 1}
    alike = Counter(key[:3] for key in groups)
    for key, by_seed in groups.items():
        model, dataset, labels, epochs, setup, _ = key
        found = by_seed.values()
        more = f", {epochs} epochs, {setup or 'tuned preset'}" if alike[key[:3]] > 1 else ""
        st.markdown(
            f"**{MODELS[model].title}** on {DATASETS[dataset].title}, {labels:,} labels{more}: "
            f"**{statistics.mean(found):.1f} %** ± {statistics.stdev(found):.1f} "
            f"({len(found)} seeds, mean and standard deviation)"
        )


# One run, closer


def closer(folders: Sequence[Folder], names: Sequence[str]) -> None:
    """The objective of one run split into its terms, and its samples as they sharpen."""
    by_name = dict(zip(names, folders, strict=True))
    st.subheader("One run in detail", anchor=False)
    name = names[0]
    if len(names) > 1:
        if st.session_state.get("closer") not in by_name:
            st.session_state["closer"] = name
        name = st.segmented_control(
            "Run", names, key="closer", format_func=run_pickers.plain, label_visibility="collapsed", required=True
        )
    folder = by_name[name]
    left, right = st.columns([3, 2], gap="medium")
    with left:
        terms_chart(folder)
        st.caption(
            f"The costs whose sum is J, the objective, of {MODELS[folder.run.model].title}, each the mean of its batch."
        )
    with right:
        samples(folder)


def terms_chart(folder: Folder, key: str = "terms", height: int = 330) -> None:
    """The terms of one run's objective."""
    m = metrics(folder)
    live_chart(
        [
            Line(TERMS.get(term, term), palette.COLOURS[i % 10], *xy)
            for i, (term, xy) in enumerate(sorted(m.terms.items()))
        ],
        title="Terms of J",
        unit=UNIT,
        key=f"{key}-{folder.id}",
        x_max=folder.run.epochs,
        robust=True,
        height=height,
    )


def samples(folder: Folder) -> None:
    """What the model draws, after any of its epochs; the newest unless one looks back."""
    model = MODELS[folder.run.model]
    found = dict(folder.samples())
    if not model.draws:
        st.caption(f"{model.title} generates no images: it has no p(x|·).")
        return
    if not found:
        st.caption("The first samples come with the first epoch.")
        return
    epochs, key = list(found), f"sample-{folder.id}"
    following = st.session_state.get(f"{key}-of", epochs[-1]) == st.session_state.get(key, epochs[-1])
    if following or st.session_state.get(key) not in found:  # it stood at the newest: let it go on standing there
        st.session_state[key] = epochs[-1]
    st.session_state[f"{key}-of"] = epochs[-1]
    epoch = st.session_state[key]
    figures.enlarged(found[epoch], f"Samples of {model.title} after epoch {epoch}")
    if len(epochs) > 1:
        st.select_slider("Samples after epoch", epochs, key=key, label_visibility="collapsed")
    st.caption(f"Samples after epoch {epoch}. Rows: {model.generative.rows}. Columns: the same style, z.")
