"""The graphical models, large: how a method says images come about, and how it reads them, side by side.

Drawn as SVG in the colour of the text around them, so that they suit a light and a dark page.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from pages.parts import figures

R = 19  # of a node
WIDE, HIGH = 296, 206  # of a panel
PLATE = (12, 10, 214, 186)  # x, y, width, height
WEIGHTS = (264, 98)  # where the weights stand, outside the plate: they are the same for every image
Places = dict[str, tuple[int, int]]


@dataclass(frozen=True)
class Panel:
    """One drawing: nodes inside a plate, and outside it the weights that all images share."""

    title: str
    says: str  # the drawing in words
    nodes: Places
    arrows: tuple[tuple[str, str], ...]
    weights: str = ""
    weighed: tuple[str, ...] = ()  # the nodes whose distribution has these weights
    dashed: tuple[tuple[str, str], ...] = ()  # a classifier beside the model
    fixed: tuple[str, ...] = ()  # computed by a network that does not learn
    labelled: bool = False  # whether the frame holds the labelled images alone


GENERATIVE, INFERENCE = "Generative model p", "Inference model q"
THREE = {"y": (70, 52), "z": (166, 52), "x": (118, 138)}
FOUR = {"y": (64, 52), "z": (172, 52), "x": (64, 138), "a": (172, 138)}
PANELS: dict[str, tuple[Panel, ...]] = {
    "m1": (
        Panel(GENERATIVE, "z gives x", {"z": (118, 52), "x": (118, 138)}, (("z", "x"),), "θ", ("x",)),
        Panel(
            INFERENCE, "x gives z; an SVM reads y from z", {"z": (78, 52), "x": (78, 138), "y": (168, 138)},
            (("x", "z"),), "φ", ("z",), dashed=(("z", "y"),),
        ),
    ),
    "m2": (
        Panel(GENERATIVE, "y and z give x", THREE, (("y", "x"), ("z", "x")), "θ", ("x",)),
        Panel(INFERENCE, "x gives y, and x gives z", THREE, (("x", "y"), ("x", "z")), "φ", ("y", "z")),
    ),
    "adgm": (
        Panel(
            GENERATIVE, "y and z give x; y, z and x give a", FOUR,
            (("y", "x"), ("z", "x"), ("y", "a"), ("z", "a"), ("x", "a")), "θ", ("x", "a"),
        ),
        Panel(
            INFERENCE, "x gives a; a and x give y; a, y and x give z", FOUR,
            (("x", "a"), ("a", "y"), ("x", "y"), ("a", "z"), ("y", "z"), ("x", "z")), "φ", ("a", "y", "z"),
        ),
    ),
    "supervised": (
        Panel("Classifier q", "x gives y", {"x": (68, 98), "y": (168, 98)}, (("x", "y"),), "φ", ("y",), labelled=True),
    ),
    **dict.fromkeys(
        ("inception", "efficientnet"),
        (
            Panel(
                "Classifier q", "a frozen network gives h from x; a dense layer gives y from h",
                {"x": (46, 98), "h": (118, 98), "y": (190, 98)}, (("x", "h"), ("h", "y")), "W, b", ("y",), fixed=("h",),
                labelled=True,
            ),
        ),
    ),
}  # fmt: skip


def panels(model: str, encoder_sees_y: bool = False) -> tuple[Panel, ...]:
    """The drawings of a method; with `encoder_sees_y`, M2 with Kingma's q(z|x,y)."""
    if model == "m2" and encoder_sees_y:
        p, q = PANELS["m2"]
        return p, Panel(q.title, "x gives y; x and y give z", q.nodes, (*q.arrows, ("y", "z")), q.weights, q.weighed)
    return PANELS[model]


def legend(model: str) -> str:
    """What the parts of the drawings mean."""
    has = panels(model)
    said = [
        "Shaded: seen.",
        "" if has[0].labelled else "Half shaded: seen for the labelled images only.",
        "Open: never seen." if any(set(p.nodes) & {"z", "a"} for p in has) else "",
        "Two rings: computed by a network that does not learn." if any(p.fixed for p in has) else "",
        "Dashed: an SVM beside the model, fitted when it has been trained." if any(p.dashed for p in has) else "",
        "The frame: once for each of the N = Nₗ + Nᵤ images, labelled and unlabelled."
        if not has[0].labelled
        else "The frame: once for each of the Nₗ labelled images.",
        f"Outside it, {' and '.join(dict.fromkeys(p.weights for p in has))}: weights, the same for all of them.",
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
    return "".join(parts) + text(x, y + 6, name, 19)


def drawn(panel: Panel) -> str:
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


def show(model: str, encoder_sees_y: bool = False) -> None:
    """The drawings of a method, beside each other where there is room."""
    figures_ = []
    for panel in panels(model, encoder_sees_y):
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


def paper(model: str, encoder_sees_y: bool = False) -> str:
    """The drawings as one SVG to take away, dark on white."""
    of: Sequence[Panel] = panels(model, encoder_sees_y)
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
