"""The graphical models, large: how a method says images come about, and how it reads them, side by side.

Drawn as SVG in the colour of the text around them, so that they suit a light and a dark page.
"""

import math
from collections.abc import Sequence

import streamlit as st

from models import MODELS
from models.methods.card import Graph
from models.nn.settings import Settings
from pages.parts.shared import figures

R = 19  # of a node
WIDE, HIGH = 296, 206  # of a panel
PLATE = (12, 10, 214, 186)  # x, y, width, height
WEIGHTS = (264, 98)  # where the weights stand, outside the plate: they are the same for every image


def panels(model: str, settings: Settings | None = None) -> tuple[Graph, ...]:
    """The graphical models of a method, with these settings."""
    return MODELS[model].drawn(settings)


def legend(model: str) -> str:
    """What the parts of the drawings mean."""
    has = panels(model)
    weights = " and ".join(dict.fromkeys(p.weights for p in has))
    said = [
        "Shaded: seen.",
        "" if has[0].labelled else "Half shaded: seen for the labelled images only.",
        "Open: never seen." if any(set(p.nodes) & {"z", "a"} for p in has) else "",
        "Two rings: computed by a network that does not learn." if any(p.fixed for p in has) else "",
        "Dashed: an SVM beside the model, fitted when it has been trained." if any(p.dashed for p in has) else "",
        "The frame: once for each of the N = Nₗ + Nᵤ images, labelled and unlabelled."
        if not has[0].labelled
        else "The frame: once for each of the Nₗ labelled images.",
        f"Outside it, {weights}: weights, the same for all of them." if weights else "",
    ]
    return " ".join(filter(None, said))


def arrow(a: tuple[int, int], b: tuple[int, int], gap: tuple[float, float], width: float, dashed: bool = False) -> str:
    """A line from a to b with a head at b, `gap` away from either."""
    length = math.dist(a, b)
    dx, dy = (b[0] - a[0]) / length, (b[1] - a[1]) / length
    sx, sy = a[0] + gap[0] * dx, a[1] + gap[0] * dy
    ex, ey = b[0] - gap[1] * dx, b[1] - gap[1] * dy
    dash = ' stroke-dasharray="5 4"' if dashed else ""
    bx, by = ex - 8 * dx, ey - 8 * dy
    sideways = (-3.6 * dy, 3.6 * dx)
    return (
        f'<path d="M{sx:.1f} {sy:.1f}L{bx:.1f} {by:.1f}" stroke="currentColor" stroke-width="{width}" '
        f'fill="none"{dash}/>'
        f'<path d="M{ex:.1f} {ey:.1f}L{bx + sideways[0]:.1f} {by + sideways[1]:.1f}'
        f'L{bx - sideways[0]:.1f} {by - sideways[1]:.1f}Z" '
        f'fill="currentColor"/>'
    )


def text(x: float, y: float, what: str, size: float, anchor: str = "middle", italic: bool = True) -> str:
    style = ' font-style="italic"' if italic else ""
    return (
        f'<text x="{x}" y="{y}" text-anchor="{anchor}" font-size="{size}"{style} '
        f'font-family="Source Serif, Georgia, serif" fill="currentColor">{what}</text>'
    )


def node(name: str, x: int, y: int, fixed: bool, labelled: bool) -> str:
    """A circle: x shaded, y half or, among labelled images, whole; what is computed without learning has two rings."""
    parts = []
    if name == "x" or (name == "y" and labelled):
        parts.append(f'<circle cx="{x}" cy="{y}" r="{R}" fill="currentColor" opacity=".22"/>')
    elif name == "y":
        parts.append(f'<path d="M{x} {y - R}a{R} {R} 0 0 0 0 {2 * R}z" fill="currentColor" opacity=".22"/>')
    rings = (R, R - 4) if fixed else (R,)
    parts += [
        f'<circle cx="{x}" cy="{y}" r="{r}" fill="none" stroke="currentColor" stroke-width="1.5"/>' for r in rings
    ]
    return "".join(parts) + text(x, y + 6, name.replace("1", "₁"), 19)


def drawn(panel: Graph) -> str:
    """The inside of a panel's SVG."""
    x, y, width, height = PLATE
    label = "Nₗ" if panel.labelled else "N"
    parts = [
        f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="12" fill="none" stroke="currentColor" '
        'stroke-width="1.1" opacity=".55"/>',
        text(x + width - 10, y + height - 10, label, 13, "end"),
        text(*WEIGHTS[:1], WEIGHTS[1] + 6, panel.weights, 18),
    ]
    side = 8 + 4.5 * len(panel.weights)
    parts += [arrow(WEIGHTS, panel.nodes[to], (side, R + 2), 0.9) for to in panel.weighed]
    parts += [arrow(panel.nodes[a], panel.nodes[b], (R + 1, R + 2), 1.5) for a, b in panel.arrows]
    parts += [arrow(panel.nodes[a], panel.nodes[b], (R + 1, R + 2), 1.5, dashed=True) for a, b in panel.dashed]
    return "".join(
        [*parts, *(node(name, *at, name in panel.fixed, panel.labelled) for name, at in panel.nodes.items())]
    )


def show(model: str, settings: Settings | None = None) -> None:
    """The drawings of a method, beside each other where there is room."""
    figures_ = []
    for panel in panels(model, settings):
        svg = f'<svg viewBox="0 0 {WIDE} {HIGH}" xmlns="http://www.w3.org/2000/svg">{drawn(panel)}</svg>'
        mask = f"url('{figures.uri(svg.encode(), 'svg+xml')}') center / contain no-repeat"
        figures_.append(
            f'<figure><figcaption>{panel.title}</figcaption><div role="img" aria-label="{panel.title}: {panel.says}" '
            f'style="aspect-ratio:{WIDE}/{HIGH};background:currentColor;mask:{mask};-webkit-mask:{mask}"></div></figure>'
        )
    st.html(
        "<style>.eq-graphs{display:flex;flex-wrap:wrap;gap:1rem 2.5rem} .eq-graphs figure{margin:0;flex:0 1 24rem;"
        "min-width:min(17rem,100%)} .eq-graphs figcaption{font-size:.9rem;font-weight:600;margin-bottom:.3rem}</style>"
        f'<div class="eq-graphs">{"".join(figures_)}</div>'
    )


def svg_file(model: str, settings: Settings | None = None) -> str:
    """The drawings as one SVG to take away, dark on white."""
    of: Sequence[Graph] = panels(model, settings)
    inside = "".join(
        f'<g transform="translate({i * (WIDE + 24)} 26)">{drawn(p)}'
        f"{text(PLATE[0], -8, p.title, 14, 'start', italic=False)}</g>"
        for i, p in enumerate(of)
    )
    wide, high = len(of) * (WIDE + 24) - 24, HIGH + 26
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" width="{2 * wide}" height="{2 * high}" '
        f'color="#23262f"><rect width="100%" height="100%" fill="#ffffff"/>{inside}</svg>\n'
    )
