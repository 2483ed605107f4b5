"""How files reach the browser: by an address, once, so that they do not travel with every rerun of the page."""

import zlib
from dataclasses import replace
from threading import Thread

import numpy as np
from streamlit.runtime import get_instance
from streamlit.runtime.scriptrunner import add_script_run_ctx, get_script_run_ctx

from pages.parts.shared import figures

HELD = 64  # files that the server holds although no page that is shown names them


def serve(content: bytes, kind: str, name: str) -> str:
    """The address from which the browser fetches a file.

    Streamlit lets go of a page's files when the page begins to be drawn anew, and deletes what nobody names when any
    other visitor's page has ended: who fetches late, as the images under a pointer are, found nothing. So the server
    names the latest files, too, as if it were one more visitor; another file in the same place of `HELD` lets one go.
    """
    files = get_instance().media_file_mgr
    url = files.add(content, kind, name)
    if (context := get_script_run_ctx()) is not None:
        place = f"{zlib.crc32(url.encode()) % HELD}"
        hold = Thread(target=files.add, args=(content, kind, place))
        add_script_run_ctx(hold, replace(context, session_id="held"))
        hold.start()
        hold.join()
    return url


def serve_tiles(tiles: np.ndarray, name: str) -> str:
    """The address of tiles (rows, columns, h, w, c) as one PNG without gaps."""
    rows, columns, h, w, c = tiles.shape
    return serve(figures.png(tiles.swapaxes(1, 2).reshape(rows * h, columns * w, c)), "image/png", name)


def served_again() -> None:
    """For `on_again_change` of a component that could not fetch its file: this run of the page serves it again."""
