"""The table of results: a line a method, its figures, and where they lie beside the paper and the baseline.

Drawn as HTML, not as a chart: it is there with the text, suits light and dark, and what has not changed is not redrawn.
"""

import html
import math
from collections.abc import Sequence

from data import DATASETS
from data.published import PAPER, SOURCES, Published
from models import BASELINE, MODELS
from models.results.over_seeds import figure, seeds, signed
from models.results.table import Outcome, Row
from pages.parts.shared import figures, palette

UNMEASURED = '<span class="none">not measured</span>'
Scale = tuple[float, float, list[float]]  # from, to, and the round ones in between; accuracies from 0 to 1

STYLE = """<style>
.rs-row {display:grid; grid-template-columns:minmax(6.8rem,1.1fr) 8.4rem 8.4rem 5rem minmax(10rem,3.2fr) 5.2rem;
  gap:.15rem .9rem; align-items:center; font-size:.95rem; line-height:1.3; font-variant-numeric:tabular-nums;
  padding-top:.75rem; border-top:1px solid color-mix(in srgb,currentColor 14%,transparent)}
.rs-row.bare {grid-template-columns:minmax(6.8rem,1.1fr) 8.4rem 8.4rem minmax(10rem,3.2fr) 5.2rem}
.rs-row.head {border:0; padding:0; font-size:.8rem; opacity:.75; align-items:end}
.rs-row b {font-weight:600}
.rs-row small {display:block; font-size:.78rem; opacity:.7; font-weight:400; line-height:1.25}
.rs-row .of {display:none}
.rs-row .none {font-size:.85rem; opacity:.6}
.rs-paper em {font-style:italic; white-space:nowrap}
.rs-tag {display:block; width:fit-content; margin:.15rem 0 0 1.5rem;
  font-size:.75rem; line-height:1.1rem; padding:0 .4rem; border-radius:.6rem;
  border:1px solid color-mix(in srgb,currentColor 35%,transparent); opacity:.8}
.rs-ours b {font-size:1.12rem}
.rs-row small.by {opacity:1}
.rs-up {color:color-mix(in oklab,#2f9a70 80%,currentColor)}
.rs-down {color:color-mix(in oklab,#d9532b 80%,currentColor)}
.rs-seconds {text-align:right; white-space:nowrap}
.rs-strip {position:relative; height:2.4rem; margin:0 .5rem}
.rs-axis {position:relative; height:1.2rem; margin:0 .5rem}
.rs-axis span {position:absolute; transform:translateX(-50%); white-space:nowrap}
.rs-strip i {position:absolute; top:50%; display:block}
.rs-strip .base {left:-.5rem; right:-.5rem; height:1px; background:color-mix(in srgb,currentColor 16%,transparent)}
.rs-strip .tick {top:0; height:100%; width:1px; background:color-mix(in srgb,currentColor 9%,transparent)}
.rs-strip .baseline {top:12%; height:76%; width:3px; margin-left:-1.5px; border-radius:2px;
  background:color-mix(in srgb,#8b90a0 80%,currentColor)}
.rs-strip .sd {height:.5rem; margin-top:-.25rem; border-radius:.25rem; opacity:.32}
.rs-strip .mean {height:1.25rem; margin:-.625rem 0 0 -1px; width:2px; border-radius:1px}
.rs-strip .seed {width:.62rem; height:.62rem; margin:-.31rem 0 0 -.31rem; border-radius:50%; border:2px solid;
  box-sizing:border-box; opacity:.88}
.rs-strip .paper {width:.62rem; height:.62rem; margin:-.31rem 0 0 -.31rem; transform:rotate(45deg);
  border:2px solid currentColor; box-sizing:border-box}
.rs-strip .other {width:.45rem; height:.45rem; margin:-.225rem 0 0 -.225rem; transform:rotate(45deg);
  background:currentColor; opacity:.45}
.rs-key {display:flex; flex-wrap:wrap; gap:.2rem 1.1rem; font-size:.8rem; opacity:.8}
.rs-key span {display:inline-flex; align-items:center; gap:.4rem}
.rs-key .rs-strip {position:static; display:inline-flex; align-items:center; height:1rem; margin:0}
.rs-key .rs-strip i {position:static; margin:0}
.rs-key .rs-strip .baseline {height:.9rem}
@media (max-width:900px) {
  .rs-row {grid-template-columns:1fr 1fr 1fr; grid-template-areas:"n n s" "o f p" "t t t"; align-items:start}
  .rs-row.bare {grid-template-columns:1fr 1fr 1fr}
  .rs-name {grid-area:n} .rs-paper {grid-area:p} .rs-ours {grid-area:o} .rs-baseline {grid-area:f}
  .rs-seconds {grid-area:s} .rs-where {grid-area:t}
  .rs-row .of {display:block}
  .rs-row.head > :not(.rs-where) {display:none}
  .rs-row .rs-strip {height:1.9rem}
  .rs-tag {display:inline-block; margin:0 0 0 .4rem; vertical-align:.08rem}
}
</style>"""


def title(model: str) -> str:
    """The name of a method in a table."""
    return MODELS[model].legend


def score(row: Row) -> str:
    """Mean and spread in per cent, in words for none."""
    return figure(row) if row.n else "not measured"


def others(row: Row) -> list[Published]:
    """Figures of other works on the same method with as many labels."""
    return [p for p in row.published if p.source != PAPER]


def levels(row: Row) -> list[float]:
    """Every accuracy that the line of a method shows."""
    found = [o.accuracy for o in row.outcomes] + [p.accuracy for p in row.published]
    return found + ([row.baseline.mean] if row.baseline else [])


def axis(rows: Sequence[Row]) -> Scale:
    """From where to where the accuracies of these rows go, and round ones in between. All from 0 to 1."""
    found = [a for row in rows for a in levels(row)]
    if not found:
        return 0.0, 1.0, []
    low, high = min(found), max(found)
    step = next(s for s in (0.01, 0.02, 0.05, 0.1, 0.2) if high - low <= 5 * s or s == 0.2)
    low = max(0.0, math.floor((low - 0.15 * step) / step) * step)
    high = min(1.0, math.ceil((high + 0.15 * step) / step) * step)
    return low, high, [low + i * step for i in range(round((high - low) / step) + 1)]


def bare(rows: Sequence[Row]) -> bool:
    """Whether the paper has no figure for any of these rows, so that no column is kept for one."""
    return all(row.paper is None for row in rows)


def head(scale: Scale, without_paper: bool = False) -> str:
    """The first line: what each column holds, and the scale of the last."""
    names = ("Method", "Test accuracy", "Over labels only", *(() if without_paper else ("The paper",)))
    cells = "".join(f"<div>{name}</div>" for name in names)
    low, high, ticks = scale
    marks = "".join(f'<span style="left:{at(t, low, high)}%">{100 * t:.0f}</span>' for t in ticks)
    return (
        f'{STYLE}<div class="rs-row head{" bare" * without_paper}">{cells}'
        f'<div class="rs-where">Test accuracy, %<div class="rs-axis">{marks}</div></div>'
        '<div class="rs-seconds">Time of a run</div></div>'
    )


def line(row: Row, scale: Scale, without_paper: bool = False) -> str:
    """One method: ours, how far it is from the baseline, the paper's figure, and all of them on one scale."""
    m = row.model
    known = row.marked
    tag = f' <span class="rs-tag">{known}</span>' if known else ""
    ours = f"<b>{score(row)}</b><small>{seeds(row.n)}, {row.labels:,} labels</small>" if row.n else UNMEASURED
    more = f"<small>raw-pixel SVM {figures.percent(row.beside)}</small>" if row.beside is not None else ""
    paper = f'<div class="rs-paper"><small class="of">The paper</small>{beside_paper(row)}</div>' * (not without_paper)
    return (
        f'<div class="rs-row{" bare" * without_paper}"><div class="rs-name">'
        f"{palette.line_mark(palette.model_colour(m))}<b>{html.escape(title(m))}</b>{tag}</div>"
        f'<div class="rs-ours"><small class="of">Test accuracy</small>{ours}</div>'
        f'<div class="rs-baseline"><small class="of">Over labels only</small>{over_baseline(row)}{more}</div>{paper}'
        f'<div class="rs-where">{strip(row, scale)}</div>'
        f'<div class="rs-seconds">{duration(row)}</div></div>'
    )


def over_baseline(row: Row) -> str:
    """By how many points a method lies above or below labels only."""
    if row.model == BASELINE:
        return "the baseline"
    if row.baseline is None or not row.n:
        return ""
    return (
        f"{coloured(100 * (row.mean - row.baseline.mean))} points<small>{seeds(row.baseline.n)} of labels only</small>"
    )


def duration(row: Row) -> str:
    """How long one run takes, on average."""
    return "–" if row.seconds is None or math.isnan(row.seconds) else figures.minutes(row.seconds)


def beside_paper(row: Row) -> str:
    """The paper's figure, and how far ours is from it."""
    if row.paper is None:
        return ""
    below = difference(row.mean - row.paper) if row.n else f"{row.labels:,} labels"
    return f'<em>{figures.percent(row.paper)}</em><small class="{"by" if row.n else ""}">{below}</small>'


def difference(by: float) -> str:
    """Ours less the paper's in percentage points, coloured."""
    return coloured(100 * by, "ours ")


def coloured(points: float, before: str = "") -> str:
    """A difference in points, in a colour for above and one for below."""
    points = round(points, 1)
    return f'<span class="{"rs-up" if points >= 0 else "rs-down"}">{before}{signed(points)}</span>'


def strip(row: Row, scale: Scale) -> str:
    """Where the seeds, their mean and spread, the paper and the baseline lie on one scale."""
    low, high, ticks = scale
    parts = ['<i class="base"></i>', *(f'<i class="tick" style="left:{at(t, low, high)}%"></i>' for t in ticks)]
    mine = palette.model_colour(row.model)
    if row.baseline:
        parts.append(
            mark("baseline", row.baseline.mean, scale, f"labels only {score(row.baseline)}, {seeds(row.baseline.n)}")
        )
    if row.sd is not None:
        a, b = max(low, row.mean - row.sd), min(high, row.mean + row.sd)
        left, width = at(a, low, high), at(b, low, high) - at(a, low, high)
        parts.append(f'<i class="sd" style="left:{left}%;width:{width:.2f}%;background:{mine}"></i>')
    for other in others(row):
        parts.append(mark("other", other.accuracy, scale, cited(other)))
    if row.paper is not None:
        parts.append(mark("paper", row.paper, scale, f"the paper {figures.percent(row.paper)}"))
    for o in row.outcomes:
        fill = "transparent" if o.run is None else mine
        said = f"seed {o.seed}: {figures.percent(o.accuracy)}{', reference' if o.run is None else ''}"
        parts.append(mark("seed", o.accuracy, scale, said, f"border-color:{mine};background:{fill}"))
    if row.n > 1:
        parts.append(mark("mean", row.mean, scale, f"mean {score(row)}", f"background:{mine}"))
    return f'<div class="rs-strip" role="img" aria-label="{html.escape(spoken(row))}">{"".join(parts)}</div>'


def mark(kind: str, accuracy: float, scale: Scale, said: str, style: str = "") -> str:
    left = at(accuracy, scale[0], scale[1])
    return f'<i class="{kind}" title="{html.escape(said)}" style="left:{left}%;{style}"></i>'


def at(accuracy: float, low: float, high: float) -> float:
    """Where an accuracy lies, in per cent of the scale's width."""
    return round(100 * (accuracy - low) / (high - low), 2)


def spoken(row: Row) -> str:
    """The line in words, for somebody who does not see it."""
    words = [f"{title(row.model)} on {DATASETS[row.dataset].title} with {row.labels} labels"]
    if row.paper is not None:
        words.append(f"paper {figures.percent(row.paper)}")
    words.append(f"ours {score(row)}, {seeds(row.n)}" if row.n else "ours not measured")
    if row.baseline:
        words.append(f"labels only {score(row.baseline)}, {seeds(row.baseline.n)}")
    return "; ".join(words)


def cited(figure: Published) -> str:
    """A published figure with its source, in a line."""
    spread = "" if figure.spread is None else f" ± {100 * figure.spread:.1f}"
    reached = f"{figures.percent(figure.accuracy)}{spread}"
    return f"{figure.title}, {figure.labels:,} labels: {reached} ({SOURCES[figure.source].short})"


def key(rows: Sequence[Row]) -> str:
    """What the marks in these lines mean."""
    grey, own = palette.UNLABELLED, {o.run is not None for row in rows for o in row.outcomes}
    marks = (
        (True in own, "seed", f"border-color:{grey};background:{grey}", "a seed"),
        (False in own, "seed", f"border-color:{grey};background:transparent", "a seed of our reference runs"),
        (any(row.n > 1 for row in rows), "mean", f"background:{grey}", "the mean"),
        (any(row.n > 1 for row in rows), "sd", f"background:{grey};width:2rem", "one standard deviation to each side"),
        (any(row.paper is not None for row in rows), "paper", "", "the paper"),
        (any(map(others, rows)), "other", "", "another work, same method"),
        (
            any(row.baseline for row in rows),
            "baseline",
            "",
            "labels only (baseline): the same classifier, the same labels",
        ),
    )
    shown = "".join(
        f'<span><span class="rs-strip"><i class="{kind}" style="{style}"></i></span>{text}</span>'
        for there, kind, style, text in marks
        if there
    )
    return f'<div class="rs-key">{shown}</div>' if shown else ""


def measured(outcomes: Sequence[Outcome]) -> str:
    """Where and when the reference figures among these were measured, as a sentence; "" if there are none."""
    found = [o for o in outcomes if o.run is None]
    if not found:
        return ""
    where = {
        f"{o.threads} CPU core{'s' * (o.threads > 1)}" if o.device == "cpu" and o.threads else o.device.upper()
        for o in found
    }
    days = sorted({o.made[:10] for o in found})
    when = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    return (
        f"Marked as reference: measured by us on {' and '.join(sorted(where))}, {when}, not on this machine. "
        "What you train here takes its place."
    )
