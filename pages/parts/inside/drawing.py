"""A pad to draw on, and what is kept of a drawing: it outlives reruns, other pages, and goes with a link.

The browser keeps strokes; the server gets a picture of them, at most five times a second, and answers with what a model
would see.
"""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import streamlit as st

from data import DataError, Spec, preprocess_drawing
from models.errors import UserError
from pages.parts.components.drawing_pad import INK, WIDTHS, drawing_pad

EXAMPLE = "A 7 with a bar"  # what the pad opens with: of the runs that come with the app, labels only takes it for a 3
SKETCHES = {  # in sides of the pad: lines, each through its points
    EXAMPLE: (
        ((0.25, 0.12), (0.47, 0.08), (0.7, 0.09), (0.57, 0.41), (0.5, 0.66), (0.43, 0.92)),
        ((0.31, 0.56), (0.52, 0.49), (0.67, 0.51)),
    ),
    "A 4, nearly a 9": (
        ((0.38, 0.12), (0.31, 0.28), (0.29, 0.44), (0.36, 0.53), (0.5, 0.54), (0.66, 0.5)),
        ((0.58, 0.13), (0.67, 0.18), (0.68, 0.45), (0.66, 0.7), (0.63, 0.9)),
    ),
    "An A, no digit": (
        ((0.22, 0.9), (0.36, 0.5), (0.5, 0.12), (0.64, 0.5), (0.78, 0.9)),
        ((0.34, 0.6), (0.5, 0.6), (0.67, 0.6)),
    ),
}
MEANT = {EXAMPLE: 7, "A 4, nearly a 9": 4}  # the classes of those that have one
MOST_LAYER, MOST_STROKES = 400_000, 1_000_000  # characters of one message


@dataclass(frozen=True)
class Drawing:
    """What stands on the pad for one data set."""

    version: str  # another one makes the pad begin anew
    base: np.ndarray | None = None  # uint8 (c, h, w): an image that is painted on; None: empty paper
    origin: str = ""  # where the base came from, in words
    strokes: str = "[]"  # JSON, the browser's own
    image: np.ndarray | None = None  # uint8 (c, h, w): what a model sees; None: nothing was ever drawn
    heard: int = 0  # the last message that was answered
    text: str = field(default="")  # `image` as a link holds it
    example: bool = False  # whether it is the one that the pad opens with: the first stroke clears it

    def showing(self, image: np.ndarray | None, **more: object) -> "Drawing":
        """The same with another image."""
        return replace(self, image=image, text="" if image is None else preprocess_drawing.to_text(image), **more)


def key_of(spec: Spec) -> str:
    return f"drawing-{spec.name}"


def current(spec: Spec) -> Drawing:
    """What is drawn for this data set in this session."""
    return st.session_state.get(key_of(spec)) or Drawing(version="0")


def is_empty(drawn: Drawing) -> bool:
    """Whether all was cleared: grey paper without ink, of which there is nothing to say."""
    return drawn.image is not None and len(drawn.image) == 1 and not drawn.image.any()


def put(spec: Spec, base: np.ndarray | None, origin: str = "") -> None:
    """Begin anew: on an image, or with None on empty paper."""
    before = current(spec)
    version = str(int(before.version) + 1)
    keep(spec, Drawing(version, base, origin, heard=before.heard).showing(base))


def strokes_of(lines: Sequence[Sequence[tuple[float, float]]], width: float) -> str:
    """Lines, in sides of the pad, as the pad keeps its strokes."""
    return json.dumps([{"w": width, "c": INK[0]["colour"], "p": [v for at in line for v in at]} for line in lines])


def sketch_on(spec: Spec, drawn: Drawing) -> str:
    """The name of the sketch that is on the pad, untouched; "" if there is none."""
    if spec.name not in WIDTHS or drawn.base is not None:
        return ""
    try:
        strokes = json.loads(drawn.strokes)
    except ValueError:
        return ""
    at = [strokes_of(lines, WIDTHS[spec.name]) for lines in SKETCHES.values()]
    return next((name for name, text in zip(SKETCHES, at, strict=True) if json.loads(text) == strokes), "")


def put_strokes(spec: Spec, strokes: str, example: bool = False) -> None:
    """Begin anew with strokes on empty paper: the pad paints them and sends what it sees of them, as if by hand."""
    put(spec, None)
    keep(spec, replace(current(spec), strokes=strokes, example=example))


def keep(spec: Spec, drawn: Drawing) -> None:
    """Remember a drawing, and that its link is one of this session's own."""
    st.session_state[key_of(spec)] = drawn
    own = st.session_state.setdefault("drawing-links", {})
    own[drawn.text] = None
    while len(own) > 1000:  # the oldest
        del own[next(iter(own))]


def from_address(spec: Spec) -> str:
    """Take up ?drawing= if it is not one of this session's own. Returns a sentence if it cannot be read, else ""."""
    text = st.query_params.get("drawing", "")
    if not text or text in st.session_state.get("drawing-links", {}):
        return ""
    try:
        put(spec, preprocess_drawing.from_text(text, spec.shape), "the link")
    except UserError as e:
        st.session_state.setdefault("drawing-links", {})[text[:10_000]] = None  # say it once
        return str(e)
    return ""


def taken(drawn: Drawing, message: object, spec: Spec) -> Drawing:
    """The drawing after a message of the pad. Raises DataError at what no pad of this page sends."""
    wrong = DataError("What arrived from the drawing pad is no picture. Reload the page and draw again.")
    if not isinstance(message, dict):
        raise wrong
    version, n, layer, strokes = (message.get(name) for name in ("version", "n", "layer", "strokes"))
    if version != drawn.version:  # of what was on the pad before: it comes too late
        return drawn
    if not isinstance(layer, str) or len(layer) > MOST_LAYER or not isinstance(n, int) or isinstance(n, bool):
        raise wrong
    if strokes is not None and (not isinstance(strokes, str) or len(strokes) > MOST_STROKES):
        raise DataError("This drawing has more strokes than a page can keep. Clear it and begin again.")
    try:
        png = base64.b64decode(layer, validate=True)
    except (binascii.Error, ValueError) as e:
        raise wrong from e
    painted = preprocess_drawing.painted(
        preprocess_drawing.read_layer(png, preprocess_drawing.fine(spec)), drawn.base, spec
    )
    kept = drawn.strokes if strokes is None else strokes
    return drawn.showing(painted, heard=max(0, n), strokes=kept, example=message.get("example") is True)


def pad(spec: Spec, says: str, hint: str, on_drawn: Callable[[], None] = lambda: None) -> None:
    """The pad with what is drawn for this data set. After each message `on_drawn` runs; `take` is for it."""
    drawn = current(spec)
    drawing_pad(
        spec,
        key=f"pad-{spec.name}",
        version=drawn.version,
        base=drawn.base,
        strokes=drawn.strokes,
        seen=drawn.image,
        says=says,
        hint=hint,
        heard=drawn.heard,
        share="" if drawn.example or is_empty(drawn) else drawn.text,
        example=drawn.example,
        on_drawn=on_drawn,
    )


def take(spec: Spec) -> None:
    """For `on_drawn`: keep what the pad sent; why it could not be is in `st.session_state["drawing-trouble"]`."""
    message = st.session_state[f"pad-{spec.name}"].drawn
    if message is None:
        return
    try:
        keep(spec, taken(current(spec), message, spec))
        st.session_state.pop("drawing-trouble", None)
    except UserError as e:
        st.session_state["drawing-trouble"] = str(e)
