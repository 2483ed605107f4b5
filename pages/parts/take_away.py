"""What can be taken away from Compare: figures as CSV, the accuracy chart as a page that needs no network."""

import csv
import io
import math
from collections.abc import Sequence

import streamlit as st

from data import DATASETS
from pages.parts import controls, separating
from pages.parts.side_by_side import Side
from pages.parts.watching import Metrics, metrics

FONT = "Source Sans, system-ui, sans-serif"


def buttons(runs: Sequence[Side], along: str) -> None:
    """Downloads of what the charts above show; made when they are pressed."""
    look = {"icon": ":material/download:", "on_click": "ignore"}
    with st.container(horizontal=True, gap="small"):
        st.download_button(
            "Metrics as CSV", lambda: metrics_csv(runs), file_name="compare-metrics.csv", mime="text/csv", **look
        )
        st.download_button(
            "Chart as HTML",
            lambda: chart_html(runs, along),
            file_name="compare-accuracy.html",
            mime="text/html",
            help="One file of 5 MB that draws the chart in any browser, without a network.",
            **look,
        )


def separation_button(runs: Sequence[Side]) -> None:
    """The download of how well the spaces separate."""
    st.download_button(
        "Figures as CSV",
        lambda: table_csv(separating.rows_of_figures(separating.gather(runs))),
        file_name="compare-separation.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
    )


def metrics_csv(runs: Sequence[Side]) -> bytes:
    """A line for each epoch of each run: accuracies, seconds since the start, and the mean objective and terms."""
    rows = []
    for side in runs:
        run, m = side.folder.run, metrics(side.folder)
        about = {
            "run": side.folder.id,
            "model": run.model,
            "dataset": run.dataset,
            "labels": run.labels,
            "seed": run.seed,
            "preset": run.preset,
        }
        for i, epoch in enumerate(m.epochs):
            rows.append(
                {
                    **about,
                    "epoch": f"{epoch:g}",
                    "seconds": m.seconds[i],
                    "test_accuracy": m.test[i],
                    "labelled_accuracy": m.labelled[i],
                    **of_epoch(m, epoch),
                }
            )
    return table_csv(rows)


def of_epoch(m: Metrics, epoch: float) -> dict[str, float]:
    """The means over the epoch that ended at `epoch` of J and of each term, in nats per image."""
    found = {"J": (m.steps, m.objective), **m.terms}
    means = {name: mean(at, values, epoch) for name, (at, values) in found.items()}
    return {name: value for name, value in means.items() if not math.isnan(value)}


def mean(at: Sequence[float], values: Sequence[float], epoch: float) -> float:
    """The mean of the values recorded in the epoch that ended at `epoch`; nan if there is none."""
    inside = [v for e, v in zip(at, values, strict=True) if epoch - 1 < e <= epoch]
    return sum(inside) / len(inside) if inside else math.nan


def table_csv(rows: Sequence[dict]) -> bytes:
    """Rows of different fields as one table; what a row lacks, and what is no number, stays empty."""
    fields = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO()
    write = csv.DictWriter(out, fields, restval="")
    write.writeheader()
    for row in rows:
        write.writerow({k: "" if isinstance(v, float) and math.isnan(v) else v for k, v in row.items()})
    return out.getvalue().encode()


def chart_html(runs: Sequence[Side], along: str) -> bytes:
    """The accuracy curves as one HTML file with all that draws them in it."""
    from plotly.io import to_html

    html = to_html(figure(runs, along), include_plotlyjs=True, validate=False, config={"displaylogo": False})
    return html.encode()


def figure(runs: Sequence[Side], along: str) -> dict:
    """The accuracy curves as a Plotly figure: solid on test images, dashed on the labelled ones."""
    traces = []
    for side in runs:
        m = metrics(side.folder)
        for name, y, dash in (("test images", m.test, "solid"), ("labelled images", m.labelled, "dash")):
            traces.append(
                {
                    "type": "scatter",
                    "mode": "lines",
                    "name": f"{controls.run_label(side.folder)}, {name}",
                    "x": m.epochs if along == "epochs" else [None if math.isnan(s) else s for s in m.seconds],
                    "y": [None if math.isnan(v) else 100 * v for v in y],
                    "line": {"color": side.colour, "dash": dash, "width": 2},
                    "hovertemplate": "%{y:.1f} %<extra>%{fullData.name}</extra>",
                }
            )
    of = " and ".join(dict.fromkeys(DATASETS[s.folder.run.dataset].title for s in runs))
    return {
        "data": traces,
        "layout": {
            "title": {"text": f"Accuracy on {of}, one run a line"},
            "font": {"family": FONT, "color": "#23262f"},
            "paper_bgcolor": "#fdfdfb",
            "plot_bgcolor": "#fdfdfb",
            "legend": {"orientation": "h", "y": -0.2},
            "xaxis": {"title": {"text": "Epoch" if along == "epochs" else "Seconds"}, "gridcolor": "#e4e5de"},
            "yaxis": {"title": {"text": "Accuracy, %"}, "range": [0, 101], "gridcolor": "#e4e5de"},
        },
    }
