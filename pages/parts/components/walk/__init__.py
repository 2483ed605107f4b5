"""A walk between two images: all its pictures are in the browser; a slider, a click or "Play" moves through them."""

from collections.abc import Callable

from pages.parts.components import component
from pages.parts.components.serving import served_again

COMPONENT = component("walk", "walk/walk.js", ("shared/common.css", "shared/drawn.css", "walk/walk.css"))


def walk(data: dict, *, key: str, on_put: Callable[[], None]) -> None:
    """Draw a walk. Where it is left, the number of the picture is in `st.session_state[key].put`, and `on_put` runs.

    `data` has: version (another one begins anew), url (of the tiles: a row of pictures for each of `rows`), grey,
    tile (h, w), frames, at, ends (two titles), rows (each with a name, and for each picture a colour and words).
    """
    COMPONENT(key=key, data=data, on_put_change=on_put, on_again_change=served_again)
