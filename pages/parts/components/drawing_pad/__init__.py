"""A pad to draw on: the browser keeps strokes, draws them as sharp as its screen, and sends a picture of them."""

import base64
from collections.abc import Callable

import numpy as np

from data import Spec, preprocess_drawing
from pages.parts.components import component

COMPONENT = component("drawing_pad", "drawing_pad/drawing_pad.js", ("drawing_pad/drawing_pad.css",))
INK = ({"name": "Ink", "colour": "#ffffff"}, {"name": "Rubber", "colour": "#000000"})
GREYS = (
    {"name": "White", "colour": "#ffffff"},
    {"name": "Light", "colour": "#c0c0c0"},
    {"name": "Dark", "colour": "#606060"},
    {"name": "Black", "colour": "#000000"},
)
PAINTS = (
    {"name": "Black", "colour": "#101010"},
    {"name": "White", "colour": "#f4f4f4"},
    {"name": "Grey", "colour": "#8a8a8a"},
    {"name": "Red", "colour": "#c22f2b"},
    {"name": "Orange", "colour": "#e08a2c"},
    {"name": "Yellow", "colour": "#e6cf3f"},
    {"name": "Green", "colour": "#3f8a3a"},
    {"name": "Sky", "colour": "#7fb4e6"},
    {"name": "Blue", "colour": "#2a4f9e"},
    {"name": "Brown", "colour": "#6f4a2d"},
)
# In sides of the pad: a digit that fills three quarters of it gets strokes as wide as the data set's, which are 2.4 of
# 20 pixels in MNIST and 3.1 of 16 in Digits (medians of twice the ink over the length of its outline).
WIDTHS = {"mnist": 0.09, "digits": 0.14}


def drawing_pad(
    spec: Spec,
    *,
    key: str,
    version: str,
    base: np.ndarray | None,
    strokes: str,
    seen: np.ndarray | None,
    says: str,
    hint: str,
    heard: int,
    share: str,
    example: bool,
    on_drawn: Callable[[], None],
) -> None:
    """A pad for an image of a data set. With another `version` it begins anew: `strokes` on `base` or empty paper.

    `seen` is what a model would see, `says` stands beside it, `hint` on an empty pad; `share` goes into the address.
    The strokes of an `example` are cleared by the first stroke; `hint` stands below them.
    After each message `on_drawn` runs, and it is in `st.session_state[key].drawn`; `heard` is the number of the last
    one that was answered.
    """
    grey = spec.grey
    data = {
        "version": version,
        "grey": grey,
        "fine": preprocess_drawing.fine(spec),
        "base": None if base is None else pixels(base),
        "strokes": strokes,
        "seen": None if seen is None else pixels(seen),
        "says": says,
        "hint": hint,
        "heard": heard,
        "share": share,
        "example": example,
        "inks": list(PAINTS if not grey else INK if spec.name in WIDTHS else GREYS),
        "free": not grey,
        "width": WIDTHS.get(spec.name, 0.08),
        "label": f"Drawing pad for an image of {spec.title}",
    }
    COMPONENT(key=key, data=data, on_drawn_change=on_drawn)


def pixels(image: np.ndarray) -> dict:
    """An image (c, h, w) for the browser."""
    return {"pixels": base64.b64encode(image.tobytes()).decode(), "size": list(image.shape[1:])}
