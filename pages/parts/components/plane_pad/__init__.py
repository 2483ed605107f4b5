"""A plane through latent space on which one drags: the pictures of every class are drawn in the browser."""

from collections.abc import Callable

from models.analysis.answers import Decoder
from pages.parts.components import component, serving

COMPONENT = component(
    "plane_pad", "plane_pad/plane_pad.js", ("shared/common.css", "shared/drawn.css", "plane_pad/plane_pad.css")
)


def decoder_data(made: Decoder, run: str, stamp: object) -> dict:
    """The decoder of a run with weights of this stamp, for a browser: where it is, and how it is read."""
    url = serving.serve(made.weights, "application/octet-stream", f"decoder-{run}-{abs(hash(stamp))}")
    return {key: getattr(made, key) for key in ("sizes", "n_y", "half")} | {"url": url}


def plane_pad(data: dict, *, key: str, on_put: Callable[[], None], on_class: Callable[[], None]) -> None:
    """Draw the pad. When one lets go, where it was left is in `st.session_state[key].put`, and `on_put` runs.

    After a click on a picture its class is in `["class"]`, and `on_class` runs.

    `data` has: version (another one begins anew); the plane: start, centre, axes, scale, reach, dots, titles, colour,
    n_codes; z: order, spread, moved, set; the pictures: grey, tile (h, w), classes, names, colours, outlined, and
    what draws them: decoder (url, sizes, n_y, half) or field (url, side); for the file: title, caption, file; says.
    """
    COMPONENT(key=key, data=data, on_put_change=on_put, on_class_change=on_class, on_again_change=serving.served_again)
