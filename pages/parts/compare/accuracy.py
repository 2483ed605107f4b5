"""What the compared runs reached: a claim, a table, and their accuracies in one chart."""

import math
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from data import DATASETS
from models import BASELINE, MODELS
from models.results import over_seeds
from models.results.outcome import cell_of
from models.results.reference import REFERENCE
from models.results.table import Shelf
from models.runs import store
from models.runs.run import is_todays
from models.runs.store import FINAL
from pages.parts.compare.compared_runs import Side
from pages.parts.components.live_chart import Line, live_chart
from pages.parts.shared import figures, polling, run_pickers, words
from pages.parts.shared.run_metrics import finite, metrics

SPREAD = 1.96  # standard errors each way: 95 in 100 such samples of test images
ALONG = {"epochs": "Epochs", "seconds": "Seconds"}


def table(runs: Sequence[Side]) -> None:
    """Results of each run, and with what."""
    rows = []
    for side in runs:
        run, m = side.folder.run, metrics(side.folder)
        result = m.result or {}
        labelled = result.get("labelled_accuracy", m.labelled[-1] if m.labelled else math.nan)
        rows.append(
            {
                "Run": side.name,
                "Test accuracy": None if m.test_accuracy is None else 100 * m.test_accuracy,
                "Labelled": 100 * labelled if finite(labelled) else None,
                "Labels": figures.labels(run),
                "Seed": run.seed,
                "Epochs": f"{m.epochs[-1] if m.epochs else 0:.0f}" + ("" if m.result else f" of {run.epochs}"),
                "Time": figures.minutes(result["seconds"]) if tells_time(side, result) else None,
                "Parameters": result.get("parameters"),
                "State": side.state,
            }
        )
    config = st.column_config
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        placeholder="–",
        alt="Results of each run",
        column_config={
            "Test accuracy": config.NumberColumn("Test accuracy, 1 run", format="%.1f %%"),
            "Labelled": config.NumberColumn("Accuracy on labelled", format="%.1f %%"),
            "Labels": config.TextColumn("Labels", help=figures.LABELS_HELP, alignment="right"),
            "Epochs": config.TextColumn(alignment="right"),
            "Seed": config.NumberColumn(help=words.SEED),
            "Time": config.TextColumn(
                "Time", alignment="right", help="Wall time from the start of the run to its result."
            )
            if any(row["Time"] for row in rows)
            else None,
            "Parameters": config.NumberColumn(format="localized"),
            "State": None if all(s.state == "done" for s in runs) else config.TextColumn(),
        },
    )
    st.caption(caveat(runs))


def tells_time(side: Side, result: dict) -> bool:
    """Whether it is known how long a run took on this machine: that of an example is another machine's."""
    return finite(result.get("seconds")) and not side.folder.made.get("example")


def ends(runs: Sequence[Side]) -> tuple[tuple[float, Side], tuple[float, Side]] | None:
    """The worst and the best of the runs, and their accuracies; None if these do not compare."""
    known = [(m.test_accuracy, side) for side in runs if (m := metrics(side.folder)).test_accuracy is not None]
    if len(known) < 2 or len({side.folder.run.dataset for _, side in known}) > 1:
        return None
    return min(known, key=lambda k: k[0]), max(known, key=lambda k: k[0])


def claim(runs: Sequence[Side]) -> str:
    """How far apart the best and the worst of the runs are, in a sentence; "" if their accuracies do not compare."""
    known = [side for side in runs if metrics(side.folder).test_accuracy is not None]
    if not (found := ends(runs)):
        return ""
    (low, worst), (high, best) = found
    n = DATASETS[best.folder.run.dataset].n_test
    apart = SPREAD * math.sqrt((low * (1 - low) + high * (1 - high)) / n)  # of two such samples of test images
    chance = high - low <= apart
    gap = "no further apart than chance can put them" if chance else f"{100 * (high - low):.1f} points apart"
    if low == high:
        return f"All these runs classify {figures.percent(high)} of the test images correctly."
    budgets = {side.folder.run.budget() for side in known}
    few = f" with {budgets.pop()}" if len(budgets) == 1 else ""
    return (
        f"In these runs{few}, {within(best)} classifies {figures.percent(high)} of the test images "
        f"correctly, {within(worst)} {figures.percent(low)}: {gap}."
    )


def within(side: Side) -> str:
    """The name of a run within a sentence, as Markdown."""
    baseline = MODELS[BASELINE].legend
    return run_pickers.plain(side.name.replace(baseline, baseline.lower()))


def over_all_seeds(runs: Sequence[Side]) -> str:
    """What the methods of these runs reach over all their seeds, as Results has it, in a sentence.

    "" unless they are of one data set and so many labels, each with a preset's settings, and no method twice.
    """
    cells = [cell_of(side.folder.run) for side in runs if is_todays(side.folder.run)]
    if len(cells) < len(runs) or len({(c[0], c[2]) for c in cells}) > 1 or len({c[1] for c in cells}) < len(cells):
        return ""
    shelf = Shelf(store.root(), REFERENCE)
    rows = {row.model: row for row in map(shelf.row, cells)}
    against = rows.get(BASELINE)
    pair, shown = None, 0.0
    if found := ends(runs):
        (low, worst), (high, best) = found
        pair, shown = (rows[best.folder.run.model], rows[worst.folder.run.model]), 100 * (high - low)
    return over_seeds.of_shown([row for row in rows.values() if row is not against], against, pair, shown)


def of_labelled(runs: Sequence[Side]) -> str:
    """That every run fits its labelled images, in a sentence; "" if one does not."""
    fitted = [m.labelled[-1] for side in runs if (m := metrics(side.folder)).labelled]
    if len(fitted) < len(runs) or min(fitted) < 0.995:
        return ""
    if len(runs) == 1:
        return "It classifies every labelled image correctly: what it has to learn is the others."
    return "Every run classifies its labelled images correctly; they differ on images whose label they never saw."


def caveat(runs: Sequence[Side]) -> str:
    """How much a difference in the table means, and what stands beside M1."""
    n = min(DATASETS[s.folder.run.dataset].n_test for s in runs)
    error = 100 * SPREAD * math.sqrt(0.95 * 0.05 / n)
    sentences = [
        f"Each row is one run with one seed. {n:,} test images leave an accuracy near 95 % uncertain by ±{error:.1f} "
        "percentage points, and another seed moves it again: small differences may be chance."
    ]
    for side in runs:
        raw = (metrics(side.folder).result or {}).get("raw_pixel_svm_accuracy")
        if finite(raw):
            sentences.append(
                f"The SVM of {run_pickers.plain(side.name)} reaches {figures.percent(raw)} on raw pixels instead of z."
            )
        spread = (metrics(side.folder).result or {}).get("spreading_accuracy")
        if finite(spread):
            sentences.append(
                f"Labels that spread along the nearest neighbours of its codes reach {figures.percent(spread)}."
            )
    return " ".join(sentences)


def curves(runs: Sequence[Side]) -> None:
    """Accuracy on the test images and on the labelled ones, of all runs in one chart."""
    along = run_pickers.segments("Accuracy along", "along", ALONG, width="content")
    going = [s.folder for s in runs if s.state not in FINAL]

    def chart() -> None:
        lines, end = [], 0.0
        for side in runs:
            m = metrics(side.folder)
            x = m.epochs if along == "epochs" else m.seconds
            for kind, y in (("test", m.test), ("labelled", m.labelled)):
                seen = [(a, 100 * b) for a, b in zip(x, y, strict=True) if not (math.isnan(a) or math.isnan(b))]
                lines.append(Line(side.name, side.colour, [a for a, _ in seen], [b for _, b in seen], kind))
                end = max([end, *lines[-1].x])
            if along == "epochs":
                end = max(end, float(side.folder.run.epochs))
        live_chart(
            lines,
            title="Accuracy",
            unit="%",
            key=f"compare_{along}",
            x_title="Epoch" if along == "epochs" else "Seconds",
            x_max=end or None,
            y_max=100.0,
            settled=50,
            dashed=("labelled",),
            height=320,
        )
        if any(f.status()["state"] in FINAL for f in going):
            st.rerun()

    polling.part(chart, 1.0 if going else None)()
