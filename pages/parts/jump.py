"""Brings the part of a page that a link asks for into view, once the page has been drawn."""

import re
from pathlib import Path

import streamlit as st

COMPONENT = st.components.v2.component(
    "few_labels_jump", js=(Path(__file__).parent / "jump.js").read_text(), html="<span></span>"
)


def jump(place: str, of: str, key: str) -> None:
    """Bring the container whose key is `place` into view, unless that has been done; "": stay.

    `of` names what the page shows, so that the same place of something else is brought into view anew.
    """
    COMPONENT(key=key, data={"place": re.sub(r"[^a-zA-Z0-9_-]", "-", place), "of": of}, height=1)
