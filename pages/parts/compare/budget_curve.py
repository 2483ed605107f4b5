"""The budget curve: accuracy against the number of labels, and what the unlabelled images bought."""

import html
from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from data import DATASETS, Spec
from data.published import PAPER, Published, published
from models import MODELS
from models.results.table import BASELINE, Row
from pages.parts.compare import results_table
from pages.parts.shared import figures, palette

PER_CLASS = (1, 2, 5, 10, 20, 50, 100)
HEIGHT = 440
APART = 0.014  # of the axis: between the marks of two methods with as many labels, so that none hides another
STYLE = """<style>
.bc {width:100%; border-collapse:collapse; font-variant-numeric:tabular-nums; line-height:1.3; font-size:.95rem}
.bc caption {text-align:left; font-weight:600; padding-bottom:.35rem}
.bc th, .bc td {border:0; padding:.4rem 0; text-align:left; font-weight:400; white-space:nowrap}
.bc td, .bc thead th:not(:first-child) {text-align:right; padding-left:.6rem}
.bc thead th {font-size:.78rem; white-space:normal; vertical-align:bottom; line-height:1.2;
  color:color-mix(in srgb,currentColor 70%,transparent)}
.bc tbody tr {border-top:1px solid color-mix(in srgb,currentColor 14%,transparent)}
.bc tbody th, .bc td {font-weight:600}
.bc small {font-size:.78rem; font-weight:400; margin-left:.35rem; color:color-mix(in srgb,currentColor 70%,transparent)}
.bc th small {display:block; margin-left:1.5rem}
.bc-more {font-size:.85rem; line-height:1.4; margin:.5rem 0 0}
</style>"""


def per_class(spec: Spec) -> list[int]:
    """The numbers of labels a class that a data set can spare: at least half of its images stay unlabelled."""
    return [k for k in PER_CLASS if k * spec.n_classes <= spec.n_train // 2]


def claim(rows: Sequence[Row], spec: Spec) -> str:
    """What the unlabelled images bought the best method, in a sentence; "" without the baseline or other methods."""
    baseline, found = beside_baseline(rows)
    if baseline is None or not found:
        return ""
    best = max(found, key=lambda r: r.mean)
    points, name = 100 * (best.mean - baseline.mean), MODELS[best.model].legend
    reached = f"{figures.percent(best.mean)} against {figures.percent(baseline.mean)}"
    others = f"{spec.n_train - best.labels:,} unlabelled images"
    if round(points, 1) <= 0:
        return f"With {best.labels:,} labels, {others} bought nothing: {name} {reached} by labels only."
    return f"With {best.labels:,} labels, {others} bought {name} {points:.1f} points: {reached} by labels only."


def beside_baseline(rows: Sequence[Row]) -> tuple[Row | None, list[Row]]:
    """The baseline, and the methods that saw unlabelled images: a frozen network did not."""
    baseline = next((r for r in rows if r.model == BASELINE and r.n), None)
    return baseline, [r for r in rows if r.n and r.model != BASELINE and not MODELS[r.model].frozen]


def bought(rows: Sequence[Row]) -> str:
    """HTML: what each method reached at one number of labels, and by how much that is over the baseline.

    `rows` are those of one data set, preset and number of labels. "" without the baseline, or without other methods.
    """
    baseline, found = beside_baseline(rows)
    if baseline is None or not found:
        return ""
    body = "".join(reached(r, 100 * (r.mean - baseline.mean)) for r in found) + reached(baseline, None)
    return (
        f'{results_table.STYLE}{STYLE}<table class="bc"><caption>With {baseline.labels:,} labels</caption><thead><tr>'
        "<th>Method</th><th>Accuracy, %</th><th>Over labels only</th></tr></thead>"
        f"<tbody>{body}</tbody></table>{yardsticks(found)}"
    )


def reached(row: Row, points: float | None) -> str:
    """A line of the table: a method, its mean and spread over its seeds, and how far it is from the baseline."""
    spread = "" if row.sd is None else f"<small>± {100 * row.sd:.1f}</small>"
    over = "" if points is None else results_table.coloured(points)
    return (
        f"<tr><th>{palette.line_mark(palette.model_colour(row.model))}{html.escape(results_table.title(row.model))}"
        f"<small>{results_table.seeds(row.n)}</small></th><td>{100 * row.mean:.1f}{spread}</td><td>{over}</td></tr>"
    )


def yardsticks(rows: Sequence[Row]) -> str:
    """What a method with another classifier than the baseline's should be held against first."""
    return "".join(
        f'<p class="bc-more">{html.escape(results_table.title(r.model))}\'s own baseline, {MODELS[r.model].yardstick}: '
        f"{figures.percent(r.beside)}</p>"
        for r in rows
        if r.beside is not None
    )


def figure(dataset: str, rows: Mapping[str, Sequence[Row]], at: int | None = None) -> dict:
    """A Plotly figure: a line a method over the numbers of labels, its seeds, their spread, and published figures.

    `at` is the number of labels that is looked at: an upright line stands there. Methods that all ran with one number
    of labels are rows instead, for a curve of one point is a crowded column.
    """
    if len(own := {r.labels for found in rows.values() for r in found}) == 1:
        return dots(dataset, rows, *own)
    counts = sorted({r.labels for found in rows.values() for r in found} | {p.labels for p in published(dataset)})
    shown = [(model, found) for model, found in rows.items() if found]
    traces = []
    for i, (model, found) in enumerate(shown):
        traces += method(model, found, (counts[-1] / counts[0]) ** (APART * (i - (len(shown) - 1) / 2)))
    traces += cited(published(dataset))
    return {
        "data": traces,
        "layout": {
            "height": HEIGHT,
            "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
            "hovermode": "closest",
            "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
            "xaxis": {
                "type": "log",
                "title": {"text": "Labelled images, logarithmic scale"},
                "tickvals": spaced(counts),
                "ticktext": [f"{n:,}" for n in spaced(counts)],
                "showgrid": True,
                "automargin": True,
            },
            "yaxis": {
                "title": {"text": "Test accuracy, %"},
                "automargin": True,
                "autorangeoptions": {"clipmin": -2, "clipmax": 102},  # a wide spread reaches beyond
            },
            "shapes": [
                {
                    "type": "line",
                    "yref": "paper",
                    "x0": at,
                    "x1": at,
                    "y0": 0,
                    "y1": 1,
                    "layer": "below",
                    "line": {"color": palette.UNLABELLED, "width": 1, "dash": "dot"},
                }
            ]
            * (at in counts),
        },
    }


def dots(dataset: str, rows: Mapping[str, Sequence[Row]], labels: int) -> dict:
    """A row a method along the accuracy, all with so many labels; what was published with others says so."""
    traces = []
    for model, found in rows.items():
        for trace in method(model, found) if found else ():
            hover = trace["hovertemplate"].replace("%{y", "%{x")
            y = [MODELS[model].title] * len(trace["y"])
            turned = trace | {"x": trace["y"], "y": y, "error_x": trace.get("error_y"), "hovertemplate": hover}
            traces.append({k: v for k, v in turned.items() if k != "error_y" and v is not None})

    def named(p: Published) -> str:
        name = MODELS[p.method].title if p.method in MODELS else p.title
        return name if p.labels == labels else f"{name}, {p.labels:,} labels"

    traces += cited(published(dataset), lambda p: (100 * p.accuracy, named(p)))
    names = list(dict.fromkeys(y for trace in traces for y in trace["y"] if y is not None))
    legend = {"legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"}}
    return of_rows(traces, names, 130 + 38 * len(names), labels, legend)


def spaced(counts: Sequence[int]) -> list[int]:
    """Of the numbers of labels, ascending, those far enough apart for their names to have room on a phone."""
    kept: list[int] = []
    whole = counts[-1] / counts[0] if counts else 1
    for n in counts:
        if not kept or n / kept[-1] >= max(1.3, whole**0.11):
            kept.append(n)
    return kept


def method(model: str, rows: Sequence[Row], aside: float = 1.0) -> list[dict]:
    """The traces of one method: every seed, and the means with their spread.

    All stand at `aside` times the number of labels, so that the bars of several methods do not cover each other.
    """
    colour, name, baseline = palette.model_colour(model), MODELS[model].title, model == BASELINE
    outcomes = [o for r in rows for o in r.outcomes]
    seeds = {
        "type": "scatter",
        "mode": "markers",
        "x": [aside * o.labels for o in outcomes],
        "y": [100 * o.accuracy for o in outcomes],
        "text": [f"{o.labels:,} labels, seed {o.seed}{', reference' * (o.run is None)}" for o in outcomes],
        "marker": {"color": colour, "size": 4, "opacity": 0.5},
        "hovertemplate": f"{name}, %{{text}}: %{{y:.1f}} %<extra></extra>",
        "legendgroup": model,
        "showlegend": False,
    }
    means = {
        "type": "scatter",
        "mode": "lines+markers",
        "name": name,
        "x": [aside * r.labels for r in rows],
        "y": [100 * r.mean for r in rows],
        "error_y": {
            "type": "data",
            "array": [100 * (r.sd or 0.0) for r in rows],
            "thickness": 1.2,
            "width": 3,
            "color": colour,
        },
        "text": [
            f"{name}: {results_table.score(r)}<br>{r.labels:,} labels, {results_table.seeds(r.n)}"
            + (f"<br>{r.marked}" if r.marked else "")
            for r in rows
        ],
        "hovertemplate": "%{text}<extra></extra>",
        "line": {"color": colour, "width": 2, "dash": "dash" if baseline else "solid"},
        "marker": {
            "color": colour,
            "size": 8,
            "symbol": ["circle-open" if r.reference else "circle" for r in rows],
            "line": {"width": 2, "color": colour},
        },
        "legendgroup": model,
    }
    return [seeds, means]


def on_curve(p: Published) -> tuple[int, float]:
    """Where a published figure stands among curves."""
    return p.labels, 100 * p.accuracy


def cited(found: Sequence[Published], place: Callable[[Published], tuple] = on_curve) -> list[dict]:
    """The traces of what others published: the paper's figures, and those of other works, each at its `place`."""
    groups = (
        ("The paper", "diamond-open", [p for p in found if p.source == PAPER]),
        ("Other works", "x-thin-open", [p for p in found if p.source != PAPER]),
    )
    traces = []
    for name, symbol, ps in groups:
        if not ps:
            continue
        look = {"type": "scatter", "mode": "markers", "legendgroup": name}
        grey = {"color": palette.UNLABELLED, "symbol": symbol, "size": 10, "line": {"width": 2}}
        traces += [
            {**look, "name": name, "x": [None], "y": [None], "marker": grey},  # the legend shows no method's colour
            {
                **look,
                "showlegend": False,
                "x": [place(p)[0] for p in ps],
                "y": [place(p)[1] for p in ps],
                "text": [results_table.cited(p) + (f"<br>{p.note}" if p.note else "") for p in ps],
                "hovertemplate": "%{text}<extra></extra>",
                "marker": {
                    **grey,
                    "color": [palette.model_colour(p.method) if p.method in MODELS else palette.UNLABELLED for p in ps],
                },
            },
        ]
    return traces


def chart(dataset: str, rows: Mapping[str, Sequence[Row]], at: int | None) -> None:
    """Draw the budget curve of a data set; `at` is the number of labels that is looked at."""
    title = DATASETS[dataset].title
    st.plotly_chart(
        figure(dataset, rows, at),
        key="budget",
        config={"displayModeBar": False},
        alt=f"Test accuracy on {title} of each method, by the number of labels where there are several",
    )


def of_rows(traces: list[dict], names: list[str], height: int, labels: int, more: dict) -> dict:
    """A figure of accuracies in percent, a row each name from the top; `more` joins its layout."""
    return {
        "data": traces,
        "layout": {
            "height": height,
            "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
            "hovermode": "closest",
            "xaxis": {
                "title": {"text": f"Test accuracy with {labels:,} labels, %"},
                "automargin": True,
                "autorangeoptions": {"clipmin": -2, "clipmax": 102},
            },
            "yaxis": {
                "type": "category", "categoryarray": names, "autorange": "reversed", "automargin": True,
                "showgrid": True,
            },
            **more,
        },
    }  # fmt: skip
