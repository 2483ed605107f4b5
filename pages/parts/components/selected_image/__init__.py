"""Which image is shown: it follows what is pinned in the maps of its group, and pins there what a page chooses."""

from collections.abc import Callable

from pages.parts.components import component

COMPONENT = component("selected_image", "selected_image/selected_image.js", ("selected_image/selected_image.css",))


def selected_image(
    *, key: str, group: str, id: int, name: str, true: str, colour: str, mapped: bool, on_image: Callable[[], None]
) -> None:
    """Say which image is shown: its name, its true class and the colour of that.

    `mapped` says that a map of the group may have it, to be pinned there. When another image is pinned in a map,
    `on_image` runs, and its id is in `st.session_state[key].image`.
    """
    data = {"group": group, "id": id, "name": name, "true": true, "colour": colour, "mapped": mapped}
    COMPONENT(key=key, data=data, on_image_change=on_image)
