"""What each part of a method is worth: its accuracy as the preset has it, and without each of its parts."""

from collections.abc import Sequence

import streamlit as st

from data import Spec
from models import AUXILIARY, BASELINE, MODELS
from models.results import ablation, table
from models.results.table import Row
from pages.parts.compare import budget_curve, results_table, sections
from pages.parts.shared import palette

ROW, REST = 34, 110  # pixels


def show(spec: Spec, labels: int, preset: str, shelf: table.Shelf) -> None:
    """The chart of the runs that are there, or the command that trains them."""
    rows = ablation.rows(shelf, spec.name, labels, preset)
    st.subheader(claim(rows) or "What each part of a method is worth", anchor=False)
    if not rows:
        st.caption(
            f"No run on {spec.title} with {labels:,} labels has a part taken off. This trains a method whole, without "
            "each of its parts, and labels only, over three seeds:"
        )
        st.code(command(spec, labels, preset), language="bash", wrap_lines=True)
        return
    chart, caption = sections.beside("ablation")
    with chart:
        st.plotly_chart(
            figure(rows, labels),
            key="ablation",
            config={"displayModeBar": False},
            alt=f"Test accuracy on {spec.title} of each method whole and without each of its parts",
        )
    with caption:
        without = sorted({row.changes for row in rows if "auxiliary" in row.changes})
        st.caption(
            "Small points: seeds. Bars: one standard deviation over them; a difference within it may be chance. Open "
            "circles: a part is off; no setting was chosen anew for what is left."
            + (" Without its auxiliary variable a method is M2 with q(z|x,y)." if without else "")
        )
        st.code(command(spec, labels, preset), language="bash", wrap_lines=True)


def command(spec: Spec, labels: int, preset: str) -> str:
    of = "" if preset == "tuned" else f" --preset {preset}"
    return f"python -m models ablate --model {AUXILIARY} --dataset {spec.name} --labels {labels}{of} --seeds 0 1 2"


def claim(rows: Sequence[Row]) -> str:
    """Which part the first of the methods misses most, or that it misses none; "" without two seeds of each."""
    whole = next((row for row in rows if not row.changes and row.model != BASELINE and row.n > 1), None)
    if whole is None:
        return ""
    parts = [row for row in rows if row.model == whole.model and row.changes and " and " not in row.changes]
    lost = {row.changes: 100 * ((whole.mean or 0) - (row.mean or 0)) for row in parts if row.n > 1}
    if not lost:
        return ""
    name, most = MODELS[whole.model].legend, max(lost, key=lambda changes: lost[changes])
    if round(lost[most], 1) <= 0:
        return f"{name} loses nothing without any one of its parts"
    return f"{name} loses most {most}: {lost[most]:.1f} points"


def figure(rows: Sequence[Row], labels: int) -> dict:
    """A Plotly figure: a line of points a version, its seeds, and their mean with its spread."""
    traces = []
    for row in rows:
        colour, name = palette.model_colour(row.model), title(row)
        how = f"{results_table.score(row)}<br>{results_table.seeds(row.n)}, {row.seconds:.0f} s a run"
        seeds = [f"seed {o.seed}{', reference' * (o.run is None)}" for o in row.outcomes]
        traces += [
            {
                "type": "scatter",
                "mode": "markers",
                "x": [100 * o.accuracy for o in row.outcomes],
                "y": [name] * row.n,
                "text": seeds,
                "marker": {"color": colour, "size": 5, "opacity": 0.6},
                "hovertemplate": f"{name}, %{{text}}: %{{x:.1f}} %<extra></extra>",
            },
            {
                "type": "scatter",
                "mode": "markers",
                "x": [100 * (row.mean or 0)],
                "y": [name],
                "error_x": {"type": "data", "array": [100 * (row.sd or 0.0)], "thickness": 1.2, "color": colour},
                "text": [f"{name}: {how}"],
                "hovertemplate": "%{text}<extra></extra>",
                "marker": {
                    "color": colour,
                    "size": 10,
                    "symbol": "circle-open" if row.changes else "circle",
                    "line": {"width": 2, "color": colour},
                },
            },
        ]
    names = list(dict.fromkeys(title(row) for row in rows))
    return budget_curve.of_rows(traces, names, REST + ROW * len(names), labels, {"showlegend": False})


def title(row: Row) -> str:
    """A version, in a line; a long one in two."""
    name = MODELS[row.model].legend
    return (
        f"{name} {row.changes}"
        if len(name + row.changes) < 30
        else f"{name} {row.changes}".replace(" and ", "<br>and ")
    )
