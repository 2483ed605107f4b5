"""What can be taken away from Compare: figures as CSV, the accuracy chart as a page that needs no network."""

import math
from collections.abc import Sequence
from html import escape

import streamlit as st

from data import DATASETS
from pages.parts.compare.compared_runs import Side
from pages.parts.shared import records, run_pickers
from pages.parts.shared.run_metrics import metrics

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


def metrics_csv(runs: Sequence[Side]) -> bytes:
    """A line for each epoch of each run."""
    return records.table_csv([row for side in runs for row in records.epochs_of(side.folder)])


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
                    "name": escape(f"{run_pickers.run_label(side.folder)}, {name}"),
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
