"""Sweeps on Lab: one custom setting over several values, and the chart of what each value reached."""

from collections.abc import Sequence

import streamlit as st

from data import DATASETS
from models import MODELS
from models.limits import Number
from models.nn.settings import FIELDS, range_of, written
from models.results.sweeps import Point, Sweep, sweeps, words
from models.runs.store import Folder
from pages.parts.shared import palette, run_pickers

HEIGHT = 320
KEY, VALUES = "sweep", "sweep-values"


def choose(used: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """A setting and its values as typed, bound to ?sweep= and ?sweep-values=; "" and none unless both are there."""
    follow(KEY, used)
    follow(VALUES)
    columns = st.columns(2)
    with columns[0]:
        name = st.selectbox(
            "Sweep over", used, index=None, key=KEY, placeholder="no setting",
            on_change=run_pickers.to_address(KEY, may_be_empty=True),
            help="One run for each value, each model and each seed; the chart below the runs shows what each reached.",
        )  # fmt: skip
    with columns[1]:
        between = ", " if name is None or isinstance(range_of(name), Number) else "; "
        typed = st.text_input(
            "Values", key=VALUES, placeholder=between.join(("2", "10", "50")) if between == ", " else "a; b",
            disabled=name is None, on_change=run_pickers.to_address(VALUES, may_be_empty=True),
        )  # fmt: skip
    values = [part.strip() for part in (typed or "").split(between.strip()) if part.strip()]
    return (name, tuple(values)) if name and values else ("", ())


def follow(key: str, options: Sequence[str] | None = None) -> None:
    """Let the widget with this key show what the address says, or else what it showed last."""
    value = st.query_params.get(key, st.session_state.get(f"last_{key}")) or None
    if options is not None and value not in options:
        value = None
    if key not in st.session_state or (st.session_state[key] or None) != value:
        st.session_state[key] = value
    st.session_state[f"last_{key}"] = value
    if value:
        run_pickers.settle(key, value, "")


def show(folders: Sequence[Folder]) -> None:
    """A chart for each sweep among these runs."""
    for sweep in sweeps(folders) if any(f.run.custom for f in folders) else ():
        run = sweep.run
        other = ", ".join(item for item in run.changes.split() if not item.startswith(f"{sweep.setting}="))
        what = f"{DATASETS[run.dataset].title}, {run.labels:,} labels{f', {other}' if other else ''}"
        st.subheader(f"Sweep over {sweep.setting}", anchor=False)
        st.plotly_chart(figure(sweep), config={"displayModeBar": False}, key=f"sweep-{sweep.setting}-{what}")
        st.caption(f"{words(sweep.setting).capitalize()}. {what}; {summary(sweep)}")


def summary(sweep: Sweep) -> str:
    """How many runs stand behind the points, and what the bars are."""
    seeds = {len(p.accuracy) for p in sweep.points}
    n = f"{min(seeds)}" if len(seeds) == 1 else f"{min(seeds)} to {max(seeds)}"
    spread = "; a bar is the standard deviation over the seeds" if max(seeds) > 1 else ""
    runs = "run" if n == "1" else "runs"
    return f"{n} {runs} a point{spread}. On the test images, so nothing is to be chosen by them."


def figure(sweep: Sweep) -> dict:
    """A Plotly figure: a line a method over the values of the setting."""
    known = FIELDS[sweep.setting].metadata["range"]
    values = sorted({p.value for p in sweep.points}, key=lambda v: v if isinstance(known, Number) else written(v))
    wide = isinstance(known, Number) and min(values) > 0 and max(values) / min(values) >= 8
    axis = {"title": {"text": sweep.setting}, "automargin": True, "type": "log" if wide else "linear"}
    if not isinstance(known, Number):
        axis = {"title": {"text": sweep.setting}, "automargin": True, "type": "category"}
    elif wide:
        axis |= {"tickvals": values, "ticktext": list(map(written, values))}
    models = dict.fromkeys(p.model for p in sweep.points)
    return {
        "data": [line(m, [p for p in sweep.points if p.model == m], isinstance(known, Number)) for m in models],
        "layout": {
            "height": HEIGHT,
            "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
            "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
            "xaxis": axis,
            "yaxis": {"title": {"text": "Test accuracy, %"}, "automargin": True},
            "showlegend": True,
        },
    }


def line(model: str, points: Sequence[Point], numbers: bool) -> dict:
    """One method: the means with their spread."""
    colour = palette.model_colour(model)
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": MODELS[model].title,
        "x": [p.value if numbers else written(p.value) for p in points],
        "y": [100 * p.mean for p in points],
        "error_y": {"type": "data", "array": [100 * (p.sd or 0.0) for p in points], "width": 4, "color": colour},
        "line": {"color": colour, "width": 2},
        "marker": {"color": colour, "size": 9},
        "hovertemplate": f"{MODELS[model].title}, %{{x}}: %{{y:.1f}} %<extra></extra>",
    }
