"""The plane: several methods side by side, what each says of every place, while they learn."""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from models.plane.desk import Seen
from pages.parts.components import component

JS, CSS = "plane/plane.js", ("shared/common.css", "shared/drawn.css", "plane/plane.css")
PLAYER = "plane/player.js"  # plays what was kept of a session, in a page of one file
COMPONENT = component("plane", JS, CSS)
ARRAYS = (
    "q_y", "p_y", "log_p", "log_p_at", "gap", "samples", "curves", "z", "predicted", "at", "p_z", "q_z", "terms",
)  # fmt: skip


@dataclass(frozen=True)
class Panel:
    """One method: its name, its colour, and its latest frame, if there is one."""

    model: str
    title: str
    colour: str
    says: str  # what one sees of it, in a sentence
    space: str  # the name of the space whose codes are shown
    seen: Seen | None
    q_title: str = ""  # what the densities of z are called: the approximate one and the true one
    p_title: str = ""
    terms: Sequence[Mapping[str, str]] = ()  # of J: title, short, colour
    in_nats: bool = True  # whether these are nats


def plane(
    panels: Sequence[Panel],
    points: np.ndarray,
    labelled: Sequence[tuple[float, float, int]],
    classes: Sequence[str],
    colours: Sequence[str],
    reach: float,
    state: Mapping[str, object],
    *,
    key: str,
    on_act: Callable[[], None],
) -> None:
    """Draw the panels. `points` (n, 2) are the unlabelled ones; `state` has playing, settled, truth, point, says and
    acted, the numbers of the acts that are done.

    While `on_act` runs, `st.session_state[key].act` is {"acts": [{"n": a number, "what": "play", "pause", "step",
    "reset", "truth", "edit", ...}, ...]}: all those that the browser does not know to be done. "point" has `point`,
    which of the points.
    """
    data = plane_data(panels, points, labelled, classes, colours, reach)
    COMPONENT(key=key, data={**data, **state}, on_act_change=on_act)


def plane_data(
    panels: Sequence[Panel],
    points: np.ndarray,
    labelled: Sequence[tuple[float, float, int]],
    classes: Sequence[str],
    colours: Sequence[str],
    reach: float,
    put: Callable[[str, str, np.ndarray], dict] = lambda key, name, a: numbers(a),
) -> dict:
    """What the panels are drawn from. `put` is told of every array whose it is, its name and what it is."""
    return {
        "panels": [panel_data(panel, put) for panel in panels],
        "points": put("points", "points", points),
        "labelled": [list(at) for at in labelled],
        "classes": list(classes),
        "colours": list(colours),
        "reach": reach,
    }


def panel_data(panel: Panel, put: Callable[[str, str, np.ndarray], dict]) -> dict:
    found = {"model": panel.model, "title": panel.title, "colour": panel.colour, "says": panel.says,
        "space": panel.space, "q_title": panel.q_title, "p_title": panel.p_title,
        "terms_of": list(panel.terms), "unit": " nats" * panel.in_nats}  # fmt: skip
    if (seen := panel.seen) is None:
        return found
    arrays = {name: put(f"{panel.model} {name}", name, seen.arrays[name]) for name in ARRAYS if name in seen.arrays}
    return found | arrays | {
        "step": seen.step, "total": seen.total, "accuracy": seen.accuracy, "J": dict(seen.J),
        "curve": [list(at) for at in seen.curve], "point": seen.point,
    }  # fmt: skip


def numbers(a: np.ndarray) -> dict:
    """An array for a browser: its shape and its bytes; half precision as floats, which a browser lacks."""
    a = np.ascontiguousarray(a, np.float32 if a.dtype == np.float16 else None)
    return {"shape": list(a.shape), "type": a.dtype.name, "base64": base64.b64encode(a.tobytes()).decode()}
