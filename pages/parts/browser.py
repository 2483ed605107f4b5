"""Parts of Generate that are drawn in the browser: how they are declared, and how files reach them."""

from pathlib import Path

import numpy as np
import streamlit as st
from streamlit.components.v2.types import ComponentRenderer
from streamlit.runtime import get_instance

from pages.parts import figures

HERE = Path(__file__).parent


def declare(part: str) -> ComponentRenderer:
    """The component of `part`.js and `part`.css, with what all parts share put before them."""
    names = ("latent_common", "drawing_common", part)
    css, js = ("".join((HERE / f"{name}.{kind}").read_text() for name in names) for kind in ("css", "js"))
    return st.components.v2.component(f"few_labels_{part}", css=css, js=js)


def serve(content: bytes, kind: str, name: str) -> str:
    """The address from which the browser fetches a file, once: it does not travel with every rerun of the page."""
    return get_instance().media_file_mgr.add(content, kind, name)


def serve_tiles(tiles: np.ndarray, name: str) -> str:
    """The address of tiles (rows, columns, h, w, c) as one PNG without gaps."""
    rows, columns, h, w, c = tiles.shape
    return serve(figures.png(tiles.swapaxes(1, 2).reshape(rows * h, columns * w, c)), "image/png", name)
