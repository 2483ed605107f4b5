"""Train: launch runs and watch them learn."""

from collections.abc import Sequence

import streamlit as st

import data
from models import MODELS, jobs
from models.errors import UserError
from models.methods.presets import PRESETS
from models.nn import pretrained_weights
from models.runs import store
from models.runs.run import Run
from pages.parts.compare import compared_runs
from pages.parts.lab import (
    chosen_models,
    cluster,
    custom_settings,
    devices,
    launch,
    length,
    live_maps,
    pinned,
    seeds,
    style,
    sweep,
    what_is_shown,
)
from pages.parts.shared import (
    damaged_runs,
    layout,
    polling,
    run_cards,
    run_charts,
    run_pickers,
    run_table,
    siblings,
    train_missing,
    undo,
    words,
)

WATCHED = 12  # runs that are drawn at once
LONG = 14  # characters of a name in the chart's legend that leave no room for another beside it


def watch(ids: list[str]) -> None:
    """Watch the runs chosen in the table."""
    run_pickers.watch(ids[:WATCHED])
    st.rerun()


def chart_height(names: Sequence[str]) -> int:
    """Of the plot of accuracies: what its legend and the pinned image below leave of a screen 900 pixels high."""
    if len(names) < 3:
        return 300 if len(names) < 2 else 250
    return 150 if len(names) > 4 or max(map(len, names)) > LONG else 190


layout.open(
    "Train",
    icon=":material/model_training:",
    lead="Choose what to train and press Start. On a map each point is an image, placed by what the model has learned.",
    terms=words.terms(words.OBJECTIVE, words.NATS, words.PRESET, words.SEED),
)
engine = jobs.engine()
engine.warm()

st.html(style.STYLE)
left, middle, right = st.container(key="lab").columns([1.15, 2.5, 1.35], gap="small")
with left.container(key="lab-form"):
    spec = run_pickers.choose_dataset(listed=True)
    first, beside = st.columns(2)
    with first:
        labels = run_pickers.choose_labels(spec, spec.few_labels)
    complaint = st.container()
    models = chosen_models.choose(spec)
    first, second = st.columns(2)
    with first:
        preset = custom_settings.choose_preset(help=words.PRESET)
    custom = custom_settings.choose(spec, models) if preset == custom_settings.CUSTOM else custom_settings.Custom()
    base = PRESETS[0] if preset == custom_settings.CUSTOM else preset
    try:
        capacity = engine.capacity()
    except UserError as e:
        run_pickers.refuse(str(e))
        st.stop()
    with beside:
        epochs, minutes = length.choose(spec, models, base, able=not capacity.cluster)
    chosen_seeds = seeds.choose(second)

    runs, ready = [], data.availability(spec.name)
    lacking = [model for model in models if pretrained_weights.why_not(MODELS[model].backbone)]
    for model in lacking:
        with complaint:
            run_pickers.refuse_weights(model)
    try:
        if labels is not None:
            chosen = [model for model in models if model not in lacking]
            wanted = custom.swept_over([
                Run.make(spec.name, model, labels, seed, epochs, base, custom=custom.read_by(model))
                for seed in chosen_seeds for model in chosen
            ])  # fmt: skip
            if ready == "ready":  # only the data set itself knows how many images its smallest class has
                data.check_labels(data.load(spec.name), labels)
            runs = wanted
    except UserError as e:
        with complaint:
            run_pickers.refuse(str(e))
    if capacity.trouble:
        run_pickers.refuse(capacity.trouble)
    folders = store.runs(store.root())
    here = train_missing.here(folders)
    runs, forecast = devices.choose(runs, capacity, folders, here if minutes is None else {}, minutes)
    if models and len(lacking) == len(models):
        forecast = ["Nothing to start: the weights of what is chosen are not on this machine."]
    with st.container(gap="xsmall"):
        launch.show(
            runs, capacity, here, ready != "absent",
            forecast or ["Choose a model, a seed, and labels that the classes can share."], chosen_seeds, minutes,
        )  # fmt: skip
    if ready == "absent":
        run_pickers.refuse(f"{spec.title} is not on this machine yet. Download it on the Data page.")
        st.page_link(
            "pages/data.py", label=f"Get {spec.title}", icon=":material/image:", query_params={"dataset": spec.name}
        )

with middle:
    bar = st.container(horizontal=True, vertical_alignment="center", gap="small", key="lab-bar")
    mine = run_pickers.readable_runs()
    watched = what_is_shown.choose(mine, WATCHED, bar)
    shown = watched if mine else what_is_shown.examples_of(models, bar)
    groups = siblings.groups(shown)
    first = [group[0] for group in groups]  # of several seeds: what the maps show
    names = [
        f"{name}, {len(g)} seeds" if len(g) > 1 else name
        for name, g in zip(compared_runs.names(first), groups, strict=True)
    ]
    few = first[: live_maps.MOST], names[: live_maps.MOST]
    if shown:
        live_maps.show(*few, bar)
live = sum(not s.final for s in engine.states([f.id for f in watched]).values())
tick = live_maps.tick(live) if live else None
with right:
    if shown:
        chart = polling.part(run_charts.accuracy_chart, tick)
        chart(groups, names, key="lab-accuracy", height=chart_height(names))
        polling.part(pinned.show, tick)(*few)
if watched:
    st.subheader("Runs", anchor=False)
    polling.part(run_cards.watch, tick)(watched, bool(live))
cluster.show(capacity)
sweep.show(mine)
undo.show("train")
if mine:
    st.subheader("All runs", anchor=False)
    run_table.show(mine, "train", {f"Watch, up to {WATCHED}": watch})
damaged_runs.show("train", undo_here=False)
