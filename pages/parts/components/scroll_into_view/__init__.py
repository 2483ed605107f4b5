"""Brings the part of a page that a link asks for into view, once the page has been drawn."""

import re

from pages.parts.components import component

COMPONENT = component("scroll_into_view", "scroll_into_view/scroll_into_view.js", html="<span></span>")


def scroll_into_view(place: str, of: str, key: str) -> None:
    """Bring the container whose key is `place` into view, unless that has been done; "": stay.

    `of` names what the page shows, so that the same place of something else is brought into view anew.
    """
    COMPONENT(key=key, data={"place": re.sub(r"[^a-zA-Z0-9_-]", "-", place), "of": of}, height=1)
