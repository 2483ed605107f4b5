"""What Generate draws: class grids, an image as every class, and the sheet to take away.

Grey pictures are ink: what goes to the browser is how much of it, so that it suits a light and a dark page.
"""

import html
import io
import math
from collections.abc import Sequence

import numpy as np
import streamlit as st
from PIL import Image, ImageDraw, ImageFont

from pages.parts.shared import figures, palette

TARGET, LARGEST = 560, 72  # CSS pixels: how wide or high a sheet may be, and how wide one of its pictures
SHARP = 800  # pixels of a sheet at least: the browser shrinks it evenly, where it would enlarge it unevenly or blurred
STYLE = """<style>
.gn-sheet {display:grid; grid-template-columns:auto minmax(0,1fr); gap:.15rem .6rem; max-width:var(--w)}
.gn-rows, .gn-columns {display:grid; font-size:.85rem; line-height:1}
.gn-rows {text-align:right; font-weight:600}
.gn-rows span {align-self:center}
.gn-columns {grid-column:2; text-align:center; opacity:.65; font-family:"Source Serif",Georgia,serif; font-style:italic}
.gn-columns sub {font-size:.65em}
.gn-way {grid-column:2; display:flex; justify-content:space-between; font-size:.8rem; opacity:.65}
.gn-look {display:flex; flex-wrap:wrap; gap:1.25rem 2.5rem; align-items:flex-start}
.gn-pair {display:flex; gap:1rem}
.gn-pair figure, .gn-strip figure {margin:0; text-align:center}
.gn-pair i {width:9rem}
.gn-pair i, .gn-strip i {display:block; border-radius:.4rem; overflow:hidden;
  background:color-mix(in srgb,currentColor 5%,transparent)}
.gn-pair i b, .gn-strip i b {display:block; aspect-ratio:var(--ratio); image-rendering:pixelated}
.gn-pair figcaption {font-size:.85rem; margin-top:.35rem; max-width:9rem; line-height:1.3}
.gn-pair small, .gn-bars small {font-size:.75rem; opacity:.65; font-weight:400}
.gn-bars {flex:1 1 16rem; max-width:28rem; display:grid; grid-template-columns:auto 1fr 3.2rem; gap:.28rem .6rem;
  align-items:center; font-size:.85rem; line-height:1.15}
.gn-bars b {font-weight:400; text-align:right}
.gn-bars b.k {font-weight:700}
.gn-bars em {font-style:normal; font-variant-numeric:tabular-nums; text-align:right}
.gn-bars u {display:block; height:.8rem; border-radius:.2rem; overflow:hidden; text-decoration:none;
  background:color-mix(in srgb,currentColor 8%,transparent)}
.gn-bars s {display:block; height:100%}
.gn-bars p {grid-column:1/-1; margin:0 0 .2rem; font-weight:600}
.gn-strip {display:grid; grid-template-columns:var(--columns); gap:.7rem .5rem;
  margin-top:1.4rem}
.gn-strip figcaption {font-size:.8rem; line-height:1.2; margin-top:.3rem; overflow-wrap:anywhere}
.gn-strip .k i {outline:2px solid currentColor; outline-offset:1px}
.gn-strip .k figcaption {font-weight:700}
[class*="st-key-gallery"] button {padding:.15rem !important; min-height:0 !important; height:auto !important;
  border-radius:.5rem !important}
[class*="st-key-gallery"] button img {height:2.4rem !important; max-height:none !important; width:auto; display:block;
  image-rendering:pixelated}
[class*="st-key-gallery"] {margin-bottom:.5rem}
@media (max-width:640px) {
  .gn-sheet {column-gap:.35rem}
  .gn-rows, .gn-columns {font-size:.75rem}
  .gn-columns.many {display:none}
  .gn-pair i {width:7.5rem}
  .gn-bars {flex-basis:100%}
  .gn-strip {grid-template-columns:repeat(5,1fr)}
  .gn-strip figcaption {font-size:.75rem}
}
</style>"""


def lay(tiles: np.ndarray, gap: int = 0, wide: int = 0) -> np.ndarray:
    """Tiles (rows, columns, h, w, 1 or 3) as one picture (H, W, 2 or 4), opacity last, `wide` pixels or more."""
    solid = np.full_like(tiles[..., :1], 255)
    tiles = np.concatenate([0 * solid, tiles] if tiles.shape[-1] == 1 else [tiles, solid], -1)
    tiles = np.pad(tiles, ((0, 0), (0, 0), (0, gap), (0, gap), (0, 0)))
    rows, columns, h, w, c = tiles.shape
    flat = tiles.swapaxes(1, 2).reshape(rows * h, columns * w, c)[: rows * h - gap, : columns * w - gap]
    return figures.enlarge(flat[None], max(1, math.ceil(wide / flat.shape[1])))[0]


def gap_of(tiles: np.ndarray) -> int:
    """Pixels between two tiles: photographs end at their edge, strokes need something to tell them apart."""
    return 1 if tiles.shape[-1] == 3 else 2


def address(picture: np.ndarray) -> str:
    return f"url({figures.uri(figures.png(picture))})"


def name_of(k: int, names: Sequence[str]) -> str:
    return names[k].replace("_", " ")


def safe(k: int, names: Sequence[str]) -> str:
    return html.escape(name_of(k, names))


def show_grid(tiles: np.ndarray, classes: Sequence[int], names: Sequence[str], between: bool) -> None:
    """The class grid with the names of its rows and columns."""
    rows, columns, h, w, c = tiles.shape
    gap = gap_of(tiles)
    high, wide = rows * (h + gap) - gap, columns * (w + gap) - gap
    picture = address(lay(tiles, gap, wide=SHARP))
    if c == 1:
        bands = ",".join(
            f"{palette.colour(k, len(names))} {100 * i * (h + gap) / high:.2f}% {100 * (i + 1) * (h + gap) / high:.2f}%"
            for i, k in enumerate(classes)
        )
        look = f"background:linear-gradient({bands});mask:{picture} 0 0/100% 100%"
    else:
        look = f"background:{picture} 0 0/100% 100%"
    labels = "".join(f"<span>{safe(k, names)}</span>" for k in classes)
    if between:
        head = '<div class="gn-way"><span>first style</span><span>second style</span></div>'
    else:
        cells = "".join(f"<span>z<sub>{j + 1}</sub></span>" for j in range(columns))
        many = " many" if columns > 12 else ""
        head = f'<div class="gn-columns{many}" style="grid-template-columns:repeat({columns},1fr)">{cells}</div>'
    width = min(TARGET, columns * LARGEST, TARGET * wide / high)
    longest = max(len(names[k]) for k in classes)
    st.html(
        f'<div class="gn-sheet" style="--w:calc({width:.0f}px + {0.55 * longest + 1:.2f}rem)">{head}'
        f'<div class="gn-rows" style="grid-template-rows:repeat({rows},1fr)">{labels}</div>'
        f'<div role="img" aria-label="{rows} classes in {columns} styles" '
        f'style="aspect-ratio:{wide}/{high};{look}"></div></div>'
    )


def strip(tiles: np.ndarray, classes: Sequence[int], n: int, says: Sequence[str]) -> list[str]:
    """HTML for tiles (n, h, w, c), each of a class, that shows them from the `--sheet` of the element around them."""
    of, made = len(tiles), []
    for i, k in enumerate(classes):
        place = f"var(--sheet) {100 * i / max(1, of - 1):.4f}% 0/{100 * of}% 100%"
        look = f"background:{palette.colour(k, n)};mask:{place}" if tiles.shape[-1] == 1 else f"background:{place}"
        made.append(f'<i role="img" aria-label="{says[i]}"><b style="{look}"></b></i>')
    return made


def show_swap(swap: dict[str, np.ndarray], title: str, true: int, names: Sequence[str], of: str) -> None:
    """An image called `title`, what the model makes of it, q(y|x), and the image as every class."""
    n, q_y, title = len(names), swap["q_y"], title.capitalize()
    k = int(q_y.argmax())
    two = np.stack([swap["image"], swap["reconstruction"]])
    h, w = two.shape[1:3]
    first, second = strip(two, (true, k), n, (title, "Its reconstruction"))
    every = strip(swap["classes"], range(n), n, [f"as {safe(j, names)}" for j in range(n)])
    shown = range(n) if n <= 10 else np.argsort(-q_y)[:8]
    bars = "".join(
        f'<b class="{"k" if j == k else ""}">{safe(j, names)}</b>'
        f'<u><s style="width:{100 * q_y[j]:.2f}%;background:{palette.colour(j, n)}"></s></u>'
        f"<em>{figures.probability(q_y[j])}</em>"
        for j in map(int, shown)
    )
    figure = "".join(
        f'<figure class="{"k" if j == k else ""}">{every[j]}<figcaption>{safe(j, names)}</figcaption></figure>'
        for j in range(n)
    )
    rest = f" <small>the likeliest of {n}</small>" if n > 10 else ""
    across = f"repeat({n},minmax(0,5.5rem))" if n <= 10 else "repeat(auto-fill,minmax(4.2rem,1fr))"
    verdict = "correct" if k == true else "wrong"
    st.html(
        f'<div class="gn-look"><div class="gn-pair" style="--ratio:{w}/{h};--sheet:{address(lay(two[None]))}">'
        f"<figure>{first}<figcaption>{title}<br><small>is {safe(true, names)}</small></figcaption></figure>"
        f"<figure>{second}<figcaption>Reconstruction<br><small>as {safe(k, names)}, {verdict}</small></figcaption>"
        f'</figure></div><div class="gn-bars"><p>{of}{rest}</p>{bars}</div></div>'
        f'<div class="gn-strip" style="--ratio:{w}/{h};--columns:{across};'
        f'--sheet:{address(lay(swap["classes"][None]))}">{figure}</div>'
    )


def labelled_png(
    tiles: np.ndarray,
    classes: Sequence[int] | np.ndarray,
    names: Sequence[str],
    title: str,
    below: str,
    rows: Sequence[str] | None = None,
    columns: Sequence[str] = (),
) -> bytes:
    """The sheet with its labels and what it shows, on white, as a PNG to take away.

    `classes` gives each row, or (rows, columns) each picture, its colour; rows are called by their class unless `rows`
    says otherwise. `columns` stand below the columns.
    """
    rows = [name_of(k, names) for k in classes] if rows is None else list(rows)
    picture = lay(tiles, gap_of(tiles), wide=1200)
    if tiles.shape[-1] == 1:
        of = np.asarray(classes)
        of = of if of.ndim == 2 else of[:, None].repeat(tiles.shape[1], 1)
        colours = np.array([palette.rgb(palette.colour(k, len(names))) for k in range(len(names))])
        grey = picture[..., 1:]
        i, j = (np.arange(n) * m // n for n, m in zip(grey.shape[:2], of.shape, strict=True))
        picture = np.concatenate([colours[of[i][:, j]], grey], -1)
    big = Image.fromarray(np.ascontiguousarray(picture, np.uint8))
    size = max(16, big.width // 44)
    font, small = ImageFont.load_default(size), ImageFont.load_default(round(0.8 * size))
    left = round(max(font.getlength(row) for row in rows)) + 2 * size
    lines = wrapped(below, small, left + big.width - 2 * size)
    foot = round(1.6 * size) if columns else 0
    out = Image.new(
        "RGB", (left + big.width + size, big.height + foot + round((4.2 + 1.3 * len(lines)) * size)), "white"
    )
    pen = ImageDraw.Draw(out)
    pen.text((size, 0.8 * size), title, "black", font)
    out.paste(big, (left, round(2.6 * size)), big)
    for i, row in enumerate(rows):
        at = 2.6 * size + big.height * (i + 0.5) / len(rows)
        pen.text((left - 0.6 * size, at), row, "black", font, anchor="rm")
    for j, column in enumerate(columns):
        at = left + big.width * (j + 0.5) / len(columns)
        pen.text((at, 3 * size + big.height), column, "black", small, anchor="mt")
    for i, line in enumerate(lines):
        pen.text((size, big.height + foot + (3.4 + 1.3 * i) * size), line, "#555555", small)
    made = io.BytesIO()
    out.save(made, "PNG", optimize=True)
    return made.getvalue()


def wrapped(text: str, font: ImageFont.FreeTypeFont, width: float) -> list[str]:
    lines = [""]
    for word in text.split():
        if font.getlength(f"{lines[-1]} {word}") > width and lines[-1]:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines
