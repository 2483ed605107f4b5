"""How files reach the browser: by an address, once, so that they do not travel with every rerun of the page."""

import numpy as np
from streamlit.runtime import get_instance

from pages.parts.shared import figures


def serve(content: bytes, kind: str, name: str) -> str:
    """The address from which the browser fetches a file."""
    return get_instance().media_file_mgr.add(content, kind, name)


def serve_tiles(tiles: np.ndarray, name: str) -> str:
    """The address of tiles (rows, columns, h, w, c) as one PNG without gaps."""
    rows, columns, h, w, c = tiles.shape
    return serve(figures.png(tiles.swapaxes(1, 2).reshape(rows * h, columns * w, c)), "image/png", name)


def served_again() -> None:
    """For `on_again_change` of a component that could not fetch its file: this run of the page serves it again."""
