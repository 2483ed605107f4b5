"""The curves of runs while one watches them, the objective of one split up, and its samples as they sharpen."""

from collections.abc import Sequence

import streamlit as st

from data import DATASETS
from models import MODELS, TERMS
from models.runs.store import Folder
from pages.parts.components.live_chart import Line, Mark, live_chart
from pages.parts.shared import figures, palette, run_pickers, siblings, words
from pages.parts.shared.run_metrics import finite, metrics

MOST_SEGMENTS = 4  # runs that are chosen from by segments: more are a list
BAND = "Line: the mean of the seeds. Band: from the lowest to the highest."


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


def unit(folders: Sequence[Folder]) -> str:
    """What the objectives of these runs are in: nats only where all are."""
    nats = "nats " * all(MODELS[f.run.model].in_nats for f in folders)
    return f"{nats}per {' or '.join(sorted({DATASETS[f.run.dataset].noun(1) for f in folders}))}"


def accuracy_lines(groups: Sequence[siblings.Group], names: Sequence[str]) -> list[Line]:
    """Test accuracy, and accuracy on the labelled images, in per cent by epoch; of several seeds the mean, and the
    range of the former."""
    lines = []
    for group, name, colour in zip(groups, names, palette.run_colours([g[0].run.model for g in groups]), strict=True):
        for of in ("test", "labelled"):
            epochs, mean, low, high = siblings.curve(group, of)
            band = (low, high) if len(group) > 1 and of == "test" else None
            lines.append(Line(name, colour, epochs, mean, f"{of} {DATASETS[group[0].run.dataset].noun()}", band))
    return lines


def accuracy_chart(groups: Sequence[siblings.Group], names: Sequence[str], key: str, height: int = 300) -> None:
    """The accuracies of several runs in one chart, that of an SVM on raw pixels beside M1."""
    svm = []
    for group, name in zip(groups, names, strict=True):
        levels = [(metrics(folder).result or {}).get("raw_pixel_svm_accuracy") for folder in group]
        if known := [100 * level for level in levels if finite(level)]:
            svm.append(Mark(f"SVM on {DATASETS[group[0].run.dataset].raw} beside {name}", sum(known) / len(known)))
    live_chart(
        accuracy_lines(groups, names),
        title="Accuracy",
        unit="%",
        key=key,
        x_max=max(f.run.epochs for group in groups for f in group),
        y_min=0,
        y_max=100,
        settled=50,
        height=height,
        marks=svm,
        dashed=tuple({f"labelled {DATASETS[group[0].run.dataset].noun()}" for group in groups}),
        empty="No accuracy yet",
        subject=" ".join(f.id for group in groups for f in group),
    )
    if any(len(group) > 1 for group in groups):
        st.caption(BAND)


def objective_chart(folders: Sequence[Folder], names: Sequence[str], key: str, height: int = 300) -> None:
    """The objectives of several runs in one chart."""
    found = [metrics(f) for f in folders]
    live_chart(
        [
            Line(n, colour, m.steps, m.objective)
            for n, colour, m in zip(names, palette.run_colours([f.run.model for f in folders]), found, strict=True)
        ],
        title="Objective J",
        unit=unit(folders),
        key=key,
        x_max=max(f.run.epochs for f in folders),
        robust=True,
        height=height,
        subject=" ".join(f.id for f in folders),
    )


def objectives(folders: Sequence[Folder], names: Sequence[str]) -> None:
    """The objectives, and what is measured on what."""
    objective_chart(folders, names, key="objective")
    sets = {DATASETS[f.run.dataset] for f in folders}
    test = " and ".join(f"{s.n_test:,} test {s.noun()} of {s.title}" for s in sets)
    st.caption(
        f"{words.OBJECTIVE} Each model has its own sum: compare its course, not its height. {words.NATS} "
        f"{before_J(folders)}Test accuracy: on the {test}. In a chart, drag to zoom, double-click for the whole."
    )


def before_J(folders: Sequence[Folder]) -> str:
    """A sentence, and a space after it, if runs begin with epochs that J has no part in; "" if none does."""
    of = sorted({f.run.settings.contrastive_epochs for f in folders} - {0})
    if not of:
        return ""
    if of == [1]:
        return "The first epoch is contrastive pretraining: it has no J yet. "
    return f"The first {' or '.join(f'{n:,}' for n in of)} epochs are contrastive pretraining: they have no J yet. "


# One run, closer


def closer(folders: Sequence[Folder], names: Sequence[str]) -> None:
    """The objective of one run split into its terms, and its samples as they sharpen."""
    by_name = dict(zip(names, folders, strict=True))
    st.subheader("One run in detail", anchor=False)
    name = names[0]
    if len(names) > 1:
        if st.session_state.get("closer") not in by_name:
            st.session_state["closer"] = name
        pick = st.segmented_control if len(names) <= MOST_SEGMENTS else st.selectbox
        more = {"required": True} if len(names) <= MOST_SEGMENTS else {}
        name = pick("Run", names, key="closer", format_func=run_pickers.plain, label_visibility="collapsed", **more)
    folder = by_name[name]
    left, right = st.columns([3, 2], gap="medium")
    with left:
        terms_chart(folder)
        st.caption(
            f"The costs whose sum is J, the objective, of {MODELS[folder.run.model].title}, each the mean of its "
            f"batch. {before_J([folder])}"
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
        unit=unit([folder]),
        key=f"{key}-{folder.id}",
        x_max=folder.run.epochs,
        robust=True,
        height=height,
    )


def samples(folder: Folder) -> None:
    """What the model draws, after any of its epochs; the newest unless one looks back."""
    model = MODELS[folder.run.model]
    found = dict(folder.samples())
    if not model.pictures:
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
    n_classes = DATASETS[folder.run.dataset].n_classes
    figures.enlarged(found[epoch], n_classes, f"Samples of {model.title} after epoch {epoch}")
    if len(epochs) > 1:
        st.select_slider("Samples after epoch", epochs, key=key, label_visibility="collapsed")
    st.caption(f"Samples after epoch {epoch}. Rows: {model.pictures.rows}. Columns: the same style, z.")
