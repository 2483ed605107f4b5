"""Results: the paper's Table 1 beside ours, with seeds, spread and the baseline; and what each further label buys."""

from dataclasses import replace

import pandas as pd
import streamlit as st

import data
from data import DATASETS, IMAGE_SETS, Spec
from data.published import SOURCES
from models import CLASS, IMAGE_MODELS, MODELS, jobs
from models.errors import UserError
from models.jobs import State
from models.methods.presets import PRESETS
from models.nn import pretrained_weights
from models.results import measures, table
from models.results.outcome import cell_of
from models.results.table import BASELINE, Row
from models.runs import store
from models.runs.run import Run
from models.runs.store import Folder
from pages.parts.compare import ablation, budget_curve, results_table, sections, table_1
from pages.parts.shared import damaged_runs, layout, polling, run_cards, run_pickers, train_missing, url_state, words
from pages.parts.shared.run_metrics import metrics
from pages.parts.shared.train_missing import Gap

TABLE_1 = ("mnist", "cifar10", "cifar100")
TABLE_1_LABELS = 1000
SEEDS = (1, 3, 5, 10)
WATCHED = 6  # runs that Train shows together
ALL = ""  # stands for every method
CHOSEN = (
    "Presets were chosen with up to 1,000 validation labels beyond those of a run, except CIFAR-100's beta of 100, "
    "which followed a collapse seen on the test set."
)


def doubts() -> None:
    """Say what in the address cannot be, before the controls put something possible in its place."""
    for key, what, options in (
        ("dataset", "data set", list(IMAGE_SETS)),
        ("preset", "preset", list(PRESETS)),
        ("goal", "number of seeds", [str(n) for n in SEEDS]),
    ):
        if key in st.query_params and st.query_params[key] not in options:
            st.caption(f"The address asks for a {what} that is not offered here. Choose one of: {', '.join(options)}.")
    if "labels" in st.query_params and url_state.asked("labels") is None:
        st.caption("The address asks for something that is no number of labels, so it was left out.")


def follow_runs() -> None:
    """Open with the data set and the labels of the first of the runs that Compare showed, unless the address says."""
    if "dataset" in st.query_params or "labels" in st.query_params:
        return
    first = st.query_params.get("runs", st.query_params.get("beside", "")).split(",")[0]
    try:
        folder = store.open_folder(store.root(), first)
    except UserError:
        return  # a damaged run: Compare says so
    if folder is not None:
        st.query_params["dataset"], st.query_params["labels"] = folder.run.dataset, str(folder.run.labels)


def methods(spec: Spec, curves: dict[str, list[Row]]) -> list[str]:
    """The methods of a data set's table: what was pretrained on photographs belongs to photographs, unless it ran."""
    return [m for m in IMAGE_MODELS if MODELS[m].suits(spec) or curves[m]]


def possible(spec: Spec, models: list[str], labels: int, goal: int, preset: str) -> dict[str, list[Run]]:
    """The runs of each method's row; a method that cannot take so many labels has none, and a sentence says why.

    Those of labels only are also the ones that the other methods are held against, with their own augmentation.
    """
    found, why = {}, set()
    for model in models:
        try:
            found[model] = table.wanted([spec.name], [model], labels, goal, preset)
        except UserError as e:
            why.add(str(e))
    if BASELINE in found:
        every = table.wanted([spec.name], found, labels, goal, preset)
        found[BASELINE] = [run for run in every if run.model == BASELINE]
    for sentence in why:
        run_pickers.refuse(sentence)
    return found


def with_all_that_runs(row: Row, runs: list[Run], shelf: table.Shelf) -> Row:
    """The row with what is under way of all of its runs: of labels only also with the presets of other methods."""
    cells = dict.fromkeys(map(cell_of, runs))
    return replace(row, running=tuple(id for cell in cells for ids in shelf.under_way(cell).values() for id in ids))


def links(row: Row) -> None:
    """The way to what the runs of a row have inside."""
    own = [o.run for o in row.outcomes if o.run]
    if not own:
        return
    baselines = [o.run for o in row.baseline.outcomes if o.run] if row.baseline else []
    beside = [own[0], *own[1:], *baselines][: words.MOST_COMPARED]
    first = Folder(store.root() / own[0])
    for page, label, icon, key in run_cards.LINKS:
        if key == "run" and (not first.snapshots() or ("generate" in page and not MODELS[row.model].pictures)):
            continue
        ids = ",".join(beside) if key == "runs" else own[0]
        st.page_link(page, label=label, icon=icon, query_params={key: ids})


def under_way(row: Row, states: dict[str, State]) -> None:
    """The runs of a row that wait or train, and how far they are."""
    for id in row.running:
        folder, state = Folder(store.root() / id), states[id]
        m = metrics(folder)
        how = f"queued, position {state.position}" if state.position else run_cards.pace(folder, state)
        of = "" if folder.run.preset == row.preset else f", preset {folder.run.preset}"
        st.progress(m.progress, text=f"Seed {folder.run.seed}{of}: {how}")


def one_line(row: Row, drawn: str, gap: Gap | None, states: dict[str, State], ready: str) -> None:
    """A method: its figures, `drawn`, its runs, and what can be started."""
    st.html(drawn)
    under_way(row, states)
    if gap is None:
        run_pickers.refuse_weights(row.model)
        gap = Gap()
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        links(row)
        for ids, label, icon in (
            (row.running, "Watch", ":material/model_training:"),
            (gap.early, f"{len(gap.early)} ended early", ":material/error:"),
        ):
            if ids:
                address = {"watch": ",".join(ids[:WATCHED])}
                st.page_link("pages/train.py", label=label, icon=icon, query_params=address)
        if gap.runs:
            train_missing.button(gap, key=f"fill-{row.model}", ready=ready)


def lines(rows: list[Row], gaps: dict[str, Gap], ready: str) -> None:
    """The table of one data set. Drawn each second while something goes on; the page anew when something has ended."""
    states = jobs.engine().states([id for row in rows for id in row.running])
    if any(s.final for s in states.values()):
        st.rerun()
    scale, without_paper = results_table.axis(rows), results_table.bare(rows)
    st.html(results_table.head(scale, without_paper))
    for row in rows:
        # What comes and goes in one line leaves the others as they are.
        with st.container(key=f"line-{row.model}", gap="xxsmall"):
            drawn = results_table.line(row, scale, without_paper)
            one_line(row, drawn, gaps.get(row.model), states, ready)
    if gaps[ALL].runs:
        with st.container(horizontal=True, vertical_alignment="center"):
            train_missing.button(
                gaps[ALL], key="fill-all", ready=ready, label="Train all that is missing:", primary=True
            )


def what_was_measured(rows: list[Row]) -> None:
    """Likelihoods, the use of latent variables and scores of samples, where a run of the rows has any."""
    header, measured = measures.table(rows, store.root())
    if not measured:
        return
    st.markdown("**What was measured of these runs**")
    st.dataframe(
        pd.DataFrame(measured, columns=header), hide_index=True, width="content",
        alt="What was measured of the runs of each method: likelihoods, latent variables, samples",
    )  # fmt: skip
    st.caption(
        "Means over the runs of a method that were measured: on Compare, Latent space or Generate, or by "
        "`python -m models measure`. Taken for y: the share of samples of p(x|y,z) that a classifier trained on "
        "all labels takes for their class. Variety: how varied they are; 1, as the images themselves."
    )


def absent(spec: Spec) -> None:
    run_pickers.refuse(f"{spec.title} is not on this machine yet. Download it on the Data page.")
    st.page_link(
        "pages/data.py", label=f"Get {spec.title}", icon=":material/image:", query_params={"dataset": spec.name}
    )


def budgets(spec: Spec, goal: int, preset: str, ready: str, shelf: table.Shelf) -> None:
    """Start what the budget curve lacks."""
    with st.container(border=True):
        left, right = st.columns(2)
        every = budget_curve.per_class(spec)
        counts, changed = run_pickers.linked_several("budgets", every, [k for k in (1, 2, 5, 10) if k in every])
        left.multiselect("Labels a class", every, key="budgets", on_change=changed)
        models, changed = run_pickers.linked_several("budget-methods", IMAGE_MODELS, [CLASS, BASELINE])
        right.multiselect(
            "Methods",
            list(IMAGE_MODELS),
            format_func=lambda m: MODELS[m].title,
            key="budget-methods",
            on_change=changed,
        )
        able = [m for m in models if not pretrained_weights.why_not(MODELS[m].backbone)]
        for model in models:
            if model not in able:
                run_pickers.refuse_weights(model)
        try:
            wanted = table.wanted([spec.name], able, [k * spec.n_classes for k in sorted(counts)], goal, preset)
        except UserError as e:
            run_pickers.refuse(str(e))
            return
        gap = train_missing.gaps({ALL: wanted}, shelf)[ALL]
        with st.container(horizontal=True, vertical_alignment="center"):
            if gap.runs:
                train_missing.button(gap, key="fill-budget", ready=ready)
            else:
                st.caption("All of these are trained or under way." if wanted else "Choose labels and methods to add.")


def bought(spec: Spec, rows: list[Row], curves: dict[str, list[Row]], labels: int | None) -> None:
    """The budget curve, and beside it what it says at the number of labels chosen."""
    if not any(curves.values()):
        st.caption(
            f"No run on {spec.title} has finished with this preset. Train labels only and a method with few and with "
            "more labels, and their curves show how far the unlabelled images carry."
        )
        return
    chart, caption = sections.beside("bought")
    with chart:
        budget_curve.chart(spec.name, curves, labels)
    with caption:
        if said := budget_curve.bought(rows):
            st.html(said)
        st.caption(
            "±, and bars: one standard deviation over seeds; a difference within it may be chance. Open circles: our "
            "reference runs, not of this machine. Hover for the source, click a name to hide it."
        )


def few(spec: Spec, curves: dict[str, list[Row]]) -> int:
    """With how many labels a data set opens: few, for there the unlabelled images are worth most."""
    return spec.few_labels or min((r.labels for r in curves[BASELINE]), default=spec.default_labels)


layout.open(
    "Results",
    icon=":material/leaderboard:",
    terms=words.terms(words.PRESET, words.SEED),
)
follow_runs()
doubts()
shelf = table.Shelf(store.root(), table.REFERENCE)
claim = st.empty()  # of what is chosen below it
with st.container(horizontal=True, gap="medium", vertical_alignment="top"):
    with st.container(width="content"):
        spec = run_pickers.choose_dataset()
    picked = st.container(width=150)
    preset = run_pickers.segments(
        "Preset",
        "preset",
        PRESETS,
        help=f"{words.PRESET} tuned: the most accuracy in the time given. "
        "paper: the paper's networks, as we read them; slower.",
        width="content",
    )
figure = st.container()  # what the unlabelled images bought: of the rows of the table below it
head = st.container(horizontal=True, vertical_alignment="bottom")
with head:
    title = st.container()
    goal = run_pickers.segments(
        "Seeds wanted",
        "goal",
        SEEDS,
        3,
        help="How many runs a cell should have, each with another seed. What is shown is the mean of all there are.",
        width="content",
    )
curves = {model: table.budget(spec.name, model, preset, shelf) for model in IMAGE_MODELS}
with picked:
    labels = run_pickers.choose_labels(spec, few(spec, curves))
ready = data.availability(spec.name)
runs: dict[str, list[Run]] = {}
if labels is not None:
    try:
        if ready == "ready":  # only the data set itself knows how many images its smallest class has
            data.check_labels(data.load(spec.name), labels)
        runs = possible(spec, methods(spec, curves), labels, goal, preset)
    except UserError as e:
        run_pickers.refuse(str(e))
if ready == "absent":
    absent(spec)
rows = table.rows([spec.name], runs, labels, None, preset, shelf) if runs else []
rows = [with_all_that_runs(row, runs[row.model], shelf) for row in rows]

claim.subheader(budget_curve.claim(rows, spec) or "What the unlabelled images add", anchor=False)
with figure:
    bought(spec, rows, curves, labels)
    with st.expander("Train more points of this figure", icon=":material/play_arrow:"):
        budgets(spec, goal, preset, ready, shelf)
title.subheader(f"Every method on {spec.title}" + (f" with {labels:,} labels" if labels else ""), anchor=False)
try:
    jobs.engine().capacity()
except UserError as e:
    run_pickers.refuse(str(e))
    st.stop()
if rows:
    able = {m: of for m, of in runs.items() if not pretrained_weights.why_not(MODELS[m].backbone)}
    by_seed = sorted((r for of in able.values() for r in of), key=lambda r: r.seed)  # a first figure for all, then more
    gaps = train_missing.gaps({**able, ALL: by_seed}, shelf)
    polling.part(lines, 1.0 if any(row.running for row in rows) else None)(rows, gaps, ready)
    if marks := results_table.key(rows):
        st.html(marks)
    if said := results_table.measured([o for row in rows for o in row.outcomes]):
        st.caption(said)
    what_was_measured(rows)

if labels is not None:
    ablation.show(spec, labels, preset, shelf)

first = table.rows(TABLE_1, MODELS, TABLE_1_LABELS, None, preset, shelf)
st.subheader(table_1.claim(first) or "Table 1", anchor=False)
st.caption(
    "Test accuracy, mean ± standard deviation over seeds; in italics the paper's, and ours less the paper's in points. "
    "Shaded: the best without pretraining."
)
st.html(table_1.show(first, TABLE_1))
with st.expander("How these figures were measured", icon=":material/info:"):
    st.caption(
        "Labels only (the baseline) is the same classifier on the labelled images alone. A method is held against the "
        "one with its own augmentation, weight decay, averaging, batches and epochs where that was trained, else "
        f"against the baseline with its usual preset. {CHOSEN}"
    )
    for name in TABLE_1:
        if said := table.note([row for row in first if row.dataset == name]):
            st.caption(f"{DATASETS[name].title}: {said}")
damaged_runs.show("results")

st.subheader("Where the published figures are from", anchor=False)
st.markdown(
    "\n".join(
        f"- {s.authors}: {f'[{s.title}]({s.link})' if s.link else s.title}. {s.venue}"
        + ("." if str(s.year) in s.venue else f", {s.year}.")
        + ("" if s.link else " No link is known.")
        for s in SOURCES.values()
    )
)
