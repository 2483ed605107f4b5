"""A line chart that is fed while one looks at it: it keeps its zoom, its hover and its hidden lines across new data.

Streamlit's own charts are drawn anew with every change of their data. In this one new data only repaint its canvas.

`streamlit-echarts` 0.7.0 was tried in its place, with new data each 1.5 s. As it comes, zoom and tooltip are lost with
each; with `replace_merge="series"` zoom, hidden lines and tooltip stay. It is not used, for its chart cannot be reached
by keyboard and says no values but its first ten, and it brings 2.5 MB of JavaScript where this one has 22 KB.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pages.parts.components import component

POINTS = 500  # a line is thinned to at most about so many: more than a phone has pixels

COMPONENT = component("live_chart", "live_chart/live_chart.js", ("live_chart/live_chart.css",))


@dataclass(frozen=True)
class Line:
    """One line. Lines of one `group` share its colour and its entry in the legend; `kind` says solid or dashed.

    `band`: the lowest and the highest at each x, of what the line is the mean of.
    """

    group: str
    colour: str
    x: Sequence[float]
    y: Sequence[float]
    kind: str = ""
    band: tuple[Sequence[float], Sequence[float]] | None = None


@dataclass(frozen=True)
class Mark:
    """A level to compare with, drawn across the chart and named in its legend."""

    name: str
    y: float
    colour: str = ""


def live_chart(
    lines: Iterable[Line],
    title: str,
    unit: str,
    key: str,
    x_title: str = "Epoch",
    x_max: float | None = None,
    y_min: float | None = None,
    y_max: float | None = None,
    robust: bool = False,
    settled: float | None = None,
    digits: int = 1,
    height: int = 300,
    marks: Iterable[Mark] = (),
    dashed: Sequence[str] = (),
    empty: str = "Nothing has been recorded yet",
    subject: str = "",
) -> None:
    """Draw `lines` under the axis titles `title` (`unit`) and `x_title`.

    `key` must stay the same for as long as it is to stay the same chart. `x_max` is where x will end, so that the axis
    does not move while a run goes on. With `robust`, the first values of a line do not stretch the y axis (an objective
    that begins far off). `settled`: where the last three quarters of what is recorded lie above this level, the y axis
    leaves out what came before, and says where it begins. `dashed` names the kinds drawn dashed. In the legend each
    group carries the latest value of the kind that is named first. When `subject` changes, something else is shown: the
    zoom begins anew.
    """
    lines = [line for line in lines if len(line.x)]
    groups = {line.group: line.colour for line in lines}
    kinds = list(dict.fromkeys(line.kind for line in lines))
    thinned = [(line, *thin(line.x, line.y)) for line in lines]
    data = {
        "title": title,
        "unit": unit,
        "x_title": x_title,
        "x_max": x_max,
        "y_min": y_min,
        "y_max": y_max,
        "robust": robust,
        "settled": settled,
        "digits": digits,
        "height": height,
        "empty": empty,
        "subject": subject,
        "groups": [{"name": name, "colour": colour} for name, colour in groups.items()],
        "kinds": [{"name": kind, "dash": kind in dashed} for kind in kinds],
        "marks": [{"name": m.name, "y": m.y, "colour": m.colour} for m in marks],
        "lines": [
            {"g": list(groups).index(line.group), "k": kinds.index(line.kind), "x": x, "y": y, **band_at(line, x)}
            for line, x, y in thinned
        ],
    }
    COMPONENT(key=key, data=data)


def band_at(line: Line, x: Sequence[float]) -> dict[str, list[float]]:
    """The band of a line at those of its points that are kept."""
    if line.band is None:
        return {}
    low, high = (dict(zip((rounded(at) for at in line.x), of, strict=True)) for of in line.band)
    return {"low": [round(low[at], 4) for at in x], "high": [round(high[at], 4) for at in x]}


def rounded(x: float) -> float:
    return round(float(x), 4)


def thin(x: Sequence[float], y: Sequence[float], points: int = POINTS) -> tuple[list[float], list[float]]:
    """At most about `points` of the points, in order: of each stretch its lowest and its highest, and both ends.

    The stretches have a power of two as their length, so a growing line keeps the points it has until it is thinned
    the next time: the drawn curve does not crawl.
    """
    n, width = len(x), 1
    while n / width > points / 2:
        width *= 2
    if width <= 2:
        kept = range(n)
    else:
        found = {0, n - 1}
        for a in range(0, n, width):
            stretch = range(a, min(n, a + width))
            found.add(min(stretch, key=y.__getitem__))
            found.add(max(stretch, key=y.__getitem__))
        kept = sorted(found)
    return [rounded(x[i]) for i in kept], [float(f"{y[i]:.6g}") for i in kept]
