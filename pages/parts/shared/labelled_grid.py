"""Sheets of pictures whose rows and columns have names of their own: manifolds, draws of a."""

import html
from collections.abc import Sequence

import numpy as np
import streamlit as st

from pages.parts.shared import image_grid, palette

STYLE = """<style>
.pl {display:grid; grid-template-columns:auto minmax(0,1fr); gap:.3rem .6rem; max-width:var(--w)}
.pl-rows, .pl-columns {display:grid; font-size:.8rem; line-height:1.1; font-variant-numeric:tabular-nums; opacity:.75}
.pl-rows {text-align:right}
.pl-rows span {align-self:center}
.pl-columns {grid-column:2; text-align:center}
.pl-columns.many span:nth-child(even), .pl-rows.many span:nth-child(even) {visibility:hidden}
.pl-title {grid-column:2; font-size:.85rem; text-align:center; opacity:.75}
@media (max-width:640px) {
  .pl-columns.many span:not(:nth-child(4n+1)), .pl-rows.many span:not(:nth-child(4n+1)) {visibility:hidden}
  .pl-rows, .pl-columns {font-size:.7rem}
}
</style>"""


def show(
    tiles: np.ndarray,
    classes: Sequence[int],
    n: int,
    rows: Sequence[str],
    columns: Sequence[str],
    label: str,
    title: str = "",
    widest: bool = False,
) -> None:
    """Tiles (rows, columns, h, w, c) with the names of rows and columns; `classes` (columns,) colour grey ones.

    `widest`: as wide as the page.
    """
    n_rows, n_columns, h, w, c = tiles.shape
    gap = image_grid.gap_of(tiles)
    high, wide = n_rows * (h + gap) - gap, n_columns * (w + gap) - gap
    picture = image_grid.address(image_grid.lay(tiles, gap, wide=image_grid.SHARP))
    look = f"background:{picture} 0 0/100% 100%"
    if c == 1:
        bands = ",".join(
            f"{palette.colour(k, n)} {100 * j * (w + gap) / wide:.2f}% {100 * (j + 1) * (w + gap) / wide:.2f}%"
            for j, k in enumerate(classes)
        )
        look = f"background:linear-gradient(90deg,{bands});mask:{picture} 0 0/100% 100%"
    left, below = ("".join(f"<span>{html.escape(v)}</span>" for v in names) for names in (rows, columns))
    many = [" many" if len(names) > 11 else "" for names in (rows, columns)]
    width = min(image_grid.TARGET, n_columns * image_grid.LARGEST, image_grid.TARGET * wide / high)
    limit = "100%" if widest else f"calc({width:.0f}px + {0.5 * max(map(len, rows)) + 1:.2f}rem)"
    st.html(
        f'<div class="pl" style="--w:{limit}">'
        f'<div class="pl-rows{many[0]}" style="grid-template-rows:repeat({n_rows},1fr)">{left}</div>'
        f'<div role="img" aria-label="{html.escape(label)}" style="aspect-ratio:{wide}/{high};{look}"></div>'
        f'<div class="pl-columns{many[1]}" style="grid-template-columns:repeat({n_columns},1fr)">{below}</div>'
        + (f'<div class="pl-title">{html.escape(title)}</div>' if title else "")
        + "</div>"
    )
