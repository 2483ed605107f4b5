"""Where the browser finds the images of a whole data set: files on the disk, served one by one as they are asked for.

What Streamlit serves from memory would be held for every visitor; the folder of a component is served from the disk.
"""

from pathlib import Path

import streamlit as st
from streamlit.components.v1 import declare_component

import data
from data import sheets


def full_dataset(dataset: str) -> dict:
    """As `sheets` of the latent map, of every image of a data set; no addresses as long as the sheets are not drawn.

    "lazy": a sheet is fetched when an image on it is looked at, not before.
    """
    images = data.load(dataset)
    found = sheets.there(images)
    served = address(sheets.root()) if found else ""
    c, h, w = images.shape
    return {
        "urls": [f"{served}/{file}" for file in found],
        "tile": [h, w],
        "columns": sheets.COLUMNS,
        "each": sheets.EACH,
        "grey": c == 1,
        "lazy": True,
    }


@st.cache_resource(show_spinner=False)
def address(folder: Path) -> str:
    """Where the server hands out the files of `folder`, which holds nothing else."""
    return f"/component/{declare_component('sheets', path=folder).name}"
