"""Terms that add up, on the screen too: bars that begin where the one before ends, and the bound class by class.

Whatever is shown is counted in hundredths of a nat, and a total is the sum of what is shown above it.
"""

import html
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pages.parts.shared import figures, palette

MOST_ROWS = 10  # classes of the class table that get a row of their own
STYLE = """<style>
.eq-fall, .eq-by {font-size:.85rem; line-height:1.25; font-variant-numeric:tabular-nums}
.eq-fall p, .eq-by p {margin:0 0 .45rem; font-weight:600}
.eq-fall p small, .eq-by p small {font-weight:400; opacity:.7}
.eq-fall > div {display:grid; grid-template-columns:minmax(0,1fr) auto 4.6rem; column-gap:.75rem; align-items:baseline}
.eq-fall > div > b {font-weight:400; overflow-wrap:anywhere}
.eq-fall > div > b i {display:inline-block; width:.65em; height:.65em; border-radius:.2em; margin-right:.45em}
.eq-fall em, .eq-fall span {font-style:normal; text-align:right; white-space:nowrap}
.eq-fall em small {opacity:.65}
.eq-fall span {opacity:.65}
.eq-fall u {grid-column:1/-1; display:block; position:relative; height:.7rem; margin:.12rem 0 .5rem;
  border-radius:.2rem; background:color-mix(in srgb,currentColor 6%,transparent); text-decoration:none}
.eq-fall u s {position:absolute; top:0; bottom:0; border-radius:.15rem; min-width:2px; text-decoration:none}
.eq-fall u q {position:absolute; top:100%; height:.5rem; width:0; border-left:1px dotted currentColor; opacity:.45;
  quotes:none}
.eq-fall u q::before, .eq-fall u q::after {content:none}
.eq-fall u tt {position:absolute; top:-.2rem; bottom:-.2rem; width:2px; background:currentColor; opacity:.75}
.eq-fall .sum {border-top:1px solid color-mix(in srgb,currentColor 35%,transparent); padding-top:.3rem}
.eq-fall .sum b, .eq-fall .sum em {font-weight:600}
.eq-by {display:grid; grid-template-columns:minmax(2rem,auto) minmax(0,1fr) auto minmax(0,1fr) auto auto;
  gap:.2rem .6rem; align-items:center}
.eq-by p {grid-column:1/-1}
.eq-by b {font-weight:400; overflow-wrap:anywhere}
.eq-by em {font-style:normal; text-align:right; white-space:nowrap}
.eq-by .head {opacity:.65; font-size:.78rem; align-self:end}
.eq-by .k {font-weight:700}
.eq-by .sum {border-top:1px solid color-mix(in srgb,currentColor 35%,transparent); padding-top:.25rem; font-weight:600}
.eq-by u {display:block; height:.6rem; border-radius:.2rem; overflow:hidden; text-decoration:none;
  background:color-mix(in srgb,currentColor 6%,transparent)}
.eq-by u s {display:block; height:100%; min-width:0}
@media (max-width:640px) {.eq-by {font-size:.78rem; column-gap:.35rem} .eq-fall > div {column-gap:.5rem}}
</style>"""


@dataclass(frozen=True)
class Part:
    """One term as it is shown. Hundredths of a nat, but for `error`."""

    name: str
    label: str
    colour: str
    value: int
    error: float  # standard error of the mean over draws, nats; 0 where nothing is drawn
    usual: int | None = None  # the mean that the run recorded

    @property
    def nats(self) -> float:
        return self.value / 100


@dataclass(frozen=True)
class Sum:
    """Terms and what they come to."""

    label: str
    parts: tuple[Part, ...]
    error: float  # of the sum: terms of one draw do not err independently

    @property
    def value(self) -> int:
        return sum(p.value for p in self.parts)

    @property
    def usual(self) -> int | None:
        """The run's mean of the whole, if it recorded every term."""
        known = [p.usual for p in self.parts]
        return None if None in known else sum(known)

    @property
    def excess(self) -> int | None:
        """What the image costs above the run's mean."""
        return None if self.usual is None else self.value - self.usual


def hundredths(nats: float) -> int:
    return round(100 * float(nats))


def mean_error(draws: np.ndarray) -> tuple[float, float]:
    """Mean over the last axis of one term's draws, and its standard error; 0 of a single draw or equal ones."""
    n = len(draws)
    return float(draws.mean()), float(draws.std(ddof=1) / math.sqrt(n)) if n > 1 else 0.0


def add_up(
    label: str,
    draws: Mapping[str, np.ndarray],
    labels: Mapping[str, str],
    colours: Mapping[str, str],
    usual: Mapping[str, float] | None = None,
) -> Sum:
    """Terms (draws,) in nats as they are shown, and their sum. `usual`: the run's mean of each, where it is known."""
    known = usual or {}
    parts = []
    for name, values in draws.items():
        mean, error = mean_error(values)
        recorded = hundredths(known[name]) if name in known else None
        parts.append(Part(name, labels[name], colours[name], hundredths(mean), error, recorded))
    return Sum(label, tuple(parts), mean_error(sum(draws.values()))[1])


def apportion(values: Sequence[float], total: int) -> list[int]:
    """Values in nats as hundredths that come to `total`: rounded down, and the rest to those that lost most."""
    exact = [100 * float(v) for v in values]
    out = [math.floor(v) for v in exact]
    by_loss = sorted(range(len(out)), key=lambda i: out[i] - exact[i])
    left = total - sum(out)
    for i in range(abs(left)):
        out[by_loss[i % len(out)] if left > 0 else by_loss[-1 - i % len(out)]] += 1 if left > 0 else -1
    return out


def figure(value: int, sign: bool = False) -> str:
    """Hundredths as a number: "−2.30"; with `sign`, "+2.30"."""
    text = f"{abs(value) / 100:,.2f}"
    return ("−" if value < 0 else "+" if sign else "") + text


def bars(total: Sum, title: str, note: str = "") -> str:
    """A waterfall as HTML: each bar begins where the one before ends, and the last spans them all."""
    ends = np.cumsum([0, *(p.value for p in total.parts)])
    marks = [*ends.tolist(), total.usual or 0]
    low, high = min(0, *marks), max(0, *marks)
    span = max(1, high - low)

    def at(value: float) -> float:
        return 100 * (value - low) / span

    def bar(a: float, b: float, colour: str, more: str = "") -> str:
        left, width = at(min(a, b)), 100 * abs(b - a) / span
        drawn = f'<s style="left:{left:.3f}%;width:{width:.3f}%;background:{colour}"></s>' if a != b else ""
        return f"<u>{drawn}{more}</u>"

    has_usual = any(p.usual is not None for p in total.parts)
    rows = []
    if has_usual:
        rows.append("<div><b></b><em></em><span>run’s mean</span></div>")
    for part, begin, end in zip(total.parts, ends, ends[1:], strict=False):
        link = f'<q style="left:{at(end):.3f}%"></q>'
        rows.append(
            f'<div class="t-{part.name}"><b><i style="background:{part.colour}"></i>{html.escape(part.label)}</b>'
            f"{amount(part.value, part.error)}{recorded(part.usual, has_usual)}"
            f"{bar(begin, end, part.colour, link)}</div>"
        )
    mean = "" if total.usual is None else f'<tt style="left:{at(total.usual):.3f}%" title="the run’s mean"></tt>'
    rows.append(
        f'<div class="sum"><b>{html.escape(total.label)}</b>{amount(total.value, total.error)}'
        f"{recorded(total.usual, has_usual)}"
        f"{bar(0, total.value, 'color-mix(in srgb,currentColor 55%,transparent)', mean)}</div>"
    )
    small = f" <small>{html.escape(note)}</small>" if note else ""
    return f'<div class="eq-fall"><p>{html.escape(title)}{small}</p>{"".join(rows)}</div>'


def amount(value: int, error: float) -> str:
    return f"<em>{figure(value)}{f' <small>± {error:.2f}</small>' if error else ''}</em>"


def recorded(usual: int | None, column: bool) -> str:
    return f"<span>{figure(usual) if usual is not None else '–' if column else ''}</span>"


def by_class(
    q_y: np.ndarray, L: Sequence[int], weighed: Sequence[float], total: Sum, names: Sequence[str], true: int
) -> str:
    """The sum over classes in HTML: q(y|x), L(x,y) in hundredths, and q(y|x) L(x,y), which come to U without entropy.

    q_y, L, weighed: one a class. The likeliest classes have a row each, the others one together.
    """
    n = len(names)
    whole = sum(p.value for p in total.parts if p.name != "entropy")
    entropy = sum(p.value for p in total.parts if p.name == "entropy")
    shown = list(range(n)) if n <= MOST_ROWS else sorted(range(n), key=lambda k: -q_y[k])[:MOST_ROWS]
    others = [k for k in range(n) if k not in shown]
    contributions = [weighed[k] for k in shown] + ([sum(weighed[k] for k in others)] if others else [])
    shares = apportion(contributions, whole)
    low, likeliest = min(L), int(np.argmax(q_y))
    span = max(1, max(L[k] for k in shown) - low)
    cells = [
        "<b class='head'>y</b><em class='head' style='grid-column:span 2'>q(y|x)</em>"
        "<em class='head' style='grid-column:span 2'>L(x,y)</em><em class='head'>q L</em>"
    ]
    for k, share in zip(shown, shares, strict=False):
        colour = palette.colour(k, n)
        mark = "k" if k == likeliest else ""
        star = "" if k != true else " •"
        cells.append(
            f'<b class="{mark}">{html.escape(names[k].replace("_", " "))}{star}</b>'
            f'<u><s style="width:{100 * q_y[k]:.2f}%;background:{colour}"></s></u>'
            f"<em>{figures.probability(q_y[k])}</em>"
            f'<u><s style="width:{100 * (L[k] - low) / span:.2f}%;background:{colour}"></s></u>'
            f"<em>{figure(L[k])}</em><em>{figure(share)}</em>"
        )
    if others:
        rest = float(sum(q_y[k] for k in others))
        cells.append(
            f"<b>{len(others)} others</b><u><s style='width:{100 * rest:.2f}%;background:{palette.UNLABELLED}'></s></u>"
            f"<em>{figures.probability(rest)}</em><u style='visibility:hidden'></u><em></em>"
            f"<em>{figure(shares[-1])}</em>"
        )
    for label, value, kind in (("Σ q L", whole, "sum"), ("−H", entropy, ""), ("U", whole + entropy, "sum")):
        cells.append(f'<b class="{kind}" style="grid-column:1/6">{label}</b><em class="{kind}">{figure(value)}</em>')
    return f'<div class="eq-by"><p>The sum over classes</p>{"".join(cells)}</div>'
