"""Pictures to choose from, with a few words under each: one sheet, one component, and a click sends one id."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

import data
from pages.parts.components import component
from pages.parts.shared import figures, image_grid, palette

COMPONENT = component("gallery", "gallery/gallery.js", ("gallery/gallery.css",))


@dataclass(frozen=True)
class Pick:
    """One picture: image `id` (-1-j is test image j), what stands below it, what it is in a sentence."""

    id: int
    lines: tuple[str, ...]
    says: str
    k: int  # the class in whose colour a grey one is drawn


@dataclass(frozen=True)
class Row:
    """Pictures in a row behind a title; between two parts there is a gap."""

    title: str
    parts: tuple[tuple[Pick, ...], ...]


def show(
    dataset: str,
    rows: Sequence[Row],
    *,
    key: str,
    label: str,
    chosen: int | None = None,
    width: str = "5.5rem",
) -> None:
    """Draw them; a click writes the id into the address as ?image=. One row without a title flows over lines.

    Raises DataError if the data set cannot be opened.
    """
    picks = [p for row in rows for part in row.parts for p in part]
    images = data.load(dataset)
    c, h, w = images.shape
    tile = iter(range(len(picks)))
    n = len(images.classes)

    def given(p: Pick) -> dict:
        return {
            "id": p.id,
            "tile": next(tile),
            "lines": list(p.lines),
            "says": p.says,
            "colour": palette.colour(p.k, n),
        }

    COMPONENT(
        key=key,
        data={
            "label": label,
            "sheet": sheet(dataset, tuple(p.id for p in picks)),
            "tiles": len(picks),
            "grey": c == 1,
            "ratio": f"{w} / {h}",
            "width": width,
            "rows": bool(rows and rows[0].title),
            "title": min(12, max((len(row.title) for row in rows), default=1)) + 1,
            "chosen": chosen,
            "groups": [{"title": row.title, "parts": [[given(p) for p in part] for part in row.parts]} for row in rows],
        },
        on_pick_change=lambda: to_address(key),
    )


def to_address(key: str) -> None:
    """Write the image just clicked into the address."""
    id = st.session_state[key].pick
    if isinstance(id, int) and not isinstance(id, bool):
        st.query_params["image"] = str(id)


@st.cache_data(show_spinner=False, max_entries=64)
def sheet(dataset: str, ids: tuple[int, ...]) -> str:
    """Images side by side as a data: address; grey ones as ink on nothing. Empty without images."""
    if not ids:
        return ""
    tiles = figures.last(data.pixels(data.load(dataset), np.array(ids)))
    return figures.uri(figures.png(image_grid.lay(tiles[None])))
