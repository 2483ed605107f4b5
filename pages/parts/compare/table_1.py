"""The paper's Table 1, ours above the paper's in each cell: a line a method, a column a data set."""

import html
from collections.abc import Sequence

from data import DATASETS
from models import MODELS, in_order
from models.results.table import Row
from pages.parts.compare import results_table
from pages.parts.shared import figures, palette

STYLE = """<style>
.rs-all {width:100%; border-collapse:collapse; font-variant-numeric:tabular-nums; line-height:1.3}
.rs-all th {text-align:left; font-weight:600; padding:.35rem .9rem .35rem 0; vertical-align:bottom; border:0;
  white-space:nowrap}
.rs-all td, .rs-all tbody th {padding:.5rem .9rem .5rem 0; vertical-align:top; border:0;
  border-top:1px solid color-mix(in srgb,currentColor 14%,transparent)}
.rs-all tbody th {white-space:normal; overflow-wrap:break-word}
.rs-all b {font-size:1.12rem; font-weight:600; white-space:nowrap; padding:0 .3rem; margin-left:-.3rem}
.rs-all b.best {border-radius:.3rem; background:color-mix(in srgb,var(--own) 22%,transparent)}
.rs-all small {font-size:.78rem; opacity:.7; white-space:nowrap; margin-left:.3rem}
.rs-all small.by {opacity:1}
.rs-all th small {font-weight:400; display:block; margin-left:0}
.rs-all tbody th small {margin-left:1.5rem}
.rs-all em {display:block; font-style:italic; font-size:.85rem; opacity:.8; white-space:nowrap}
.rs-all em::before {content:""; display:inline-block; width:.45rem; height:.45rem;
  border:1.5px solid currentColor; transform:rotate(45deg); margin:0 .5rem .08rem .15rem}
.rs-all .none {font-size:.85rem; opacity:.6}
@media (max-width:640px) {
  .rs-all {font-size:.85rem; table-layout:fixed}
  .rs-all b {font-size:.95rem}
  .rs-all u {display:block !important; margin-bottom:.3rem}
  .rs-all small, .rs-all tbody th small {font-size:.72rem; opacity:.75; display:block; margin-left:0;
    white-space:normal}
  .rs-all em {font-size:.75rem; white-space:normal}
  .rs-all td, .rs-all th, .rs-all tbody th {padding-right:.45rem}
}
</style>"""


def show(rows: Sequence[Row], datasets: Sequence[str]) -> str:
    """Table 1: a line a method, a column a data set, in each cell ours and the paper's."""
    found = {(r.model, r.dataset): r for r in rows}
    labels = {r.dataset: r.labels for r in rows}
    best = {r.dataset: r for r in sorted((r for r in rows if r.n and not MODELS[r.model].frozen), key=lambda r: r.mean)}
    top = "".join(
        f"<th>{DATASETS[d].title}<small>{labels[d]:,} labels</small></th>" if d in labels else "" for d in datasets
    )
    body = "".join(
        f'<tr style="--own:{palette.model_colour(m)}"><th>{palette.line_mark(palette.model_colour(m))}'
        f"{html.escape(results_table.title(m))}{pretrained(m)}</th>"
        f"{''.join(cell(found.get((m, d)), best.get(d)) for d in datasets if d in labels)}</tr>"
        for m in in_order(m for m, d in found if d in datasets)
    )
    return (
        f'{results_table.STYLE}{STYLE}<table class="rs-all"><thead><tr><th>Method</th>{top}</tr></thead>'
        f"<tbody>{body}</tbody></table>"
    )


def pretrained(model: str) -> str:
    return "<small>pretrained on ImageNet</small>" if MODELS[model].frozen else ""


def cell(row: Row | None, best: Row | None = None) -> str:
    """Ours and, in italics, the paper's; nothing where a method does not suit a data set."""
    if row is None or not (
        row.n or row.running or row.paper is not None or MODELS[row.model].suits(DATASETS[row.dataset])
    ):
        return "<td></td>"
    said = (row.n and results_table.seeds(row.n), row.marked, "training" if row.running else "")
    below = ", ".join(filter(None, said))
    note = f" <small>{below}</small>" if below else ""
    ours = results_table.UNMEASURED
    if row.n:
        look = ' class="best"' * best_of(row, best)
        ours = f"<b{look}>{results_table.score(row)}</b>"
    ours += note
    if row.paper is None:
        return f"<td>{ours}</td>"
    by = f' <small class="by">{results_table.difference(row.mean - row.paper)}</small>' if row.n else ""
    return f"<td>{ours}<em>paper {figures.percent(row.paper)}{by}</em></td>"


def best_of(row: Row, best: Row | None) -> bool:
    """Whether no method without pretraining lies above this one, as the table shows it."""
    return best is not None and not MODELS[row.model].frozen and round(1000 * (best.mean - row.mean)) <= 0


def claim(rows: Sequence[Row]) -> str:
    """In how many cells ours lies above the paper's, in a sentence; "" without both in any."""
    both = [100 * (r.mean - r.paper) for r in rows if r.n and r.paper is not None]
    if not both:
        return ""
    above = sum(round(points, 1) > 0 for points in both)
    return f"Table 1: our accuracy lies above the paper's in {above} of {len(both)} cells."
