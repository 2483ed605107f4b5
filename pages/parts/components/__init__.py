"""The parts of a page that are drawn in the browser: a folder each, with what Python hands over and what draws it.

Streamlit takes the JavaScript of a component as one string: what several share is put before what is its own.
"""

from pathlib import Path

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

HERE = Path(__file__).parent
COMMON, LEVELS = "shared/common.js", "shared/levels.js"
BEFORE = {"walk": (COMMON, LEVELS), "plane_pad": (COMMON, LEVELS)}
ALONE = ("live_chart", "gallery", "scroll_into_view")


def component(name: str, js: str, css: tuple[str, ...] = (), html: str | None = None) -> ComponentRenderer:
    """The component `name`, drawn by `js`, in the styles `css`: paths below this folder."""
    before = () if name in ALONE else BEFORE.get(name, (COMMON,))
    script, style = ("".join((HERE / path).read_text() for path in paths) for paths in ((*before, js), css))
    return st.components.v2.component(f"few_labels_{name}", css=style or None, js=script, html=html)
