"""Pictures that pages share: sheets of images, the field of few labels among many images, graphical models, tables.

A grid of images is always one PNG: a hundred small ones cost a second, one sheet a fifth of it. Sheets of grey images
are ink on nothing, so that they suit a light and a dark page.
"""

import base64
import html
import io
import math
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
import streamlit as st
from PIL import Image

import data
from data import Images
from models import MODELS
from models.runs import records
from models.runs.run import Run
from pages.parts.shared import palette

ROOT = Path(__file__).parents[3]
LABELS_HELP = "Labels that the seed drew from the data set; after a plus, labels that somebody gave."
TINT = 56  # of 255: how much of its class's colour the paper of a labelled image has, to be found among many
FADED, FADED_INK = 0.42, 0.75  # how much of an unlabelled image is left, and of a grey one


# Tiles and sheets


def png(pixels: np.ndarray) -> bytes:
    """An array (h, w), (h, w, 1), (h, w, 3) or (h, w, 4) of uint8 as a PNG."""
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[:, :, 0]
    out = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(out, "PNG", compress_level=4)
    return out.getvalue()


def uri(image: bytes, kind: str = "png") -> str:
    """An image as a data: address, for a picture that needs no request of its own."""
    return f"data:image/{kind};base64,{base64.b64encode(image).decode()}"


def last(x: np.ndarray) -> np.ndarray:
    """Images (..., c, h, w), as data sets hold them, with the channels last (..., h, w, c)."""
    return np.moveaxis(x, -3, -1)


def enlarge(tiles: np.ndarray, factor: int) -> np.ndarray:
    """Tiles (n, h, w, c) with every pixel `factor` times as wide and high, edges kept sharp."""
    return tiles.repeat(factor, 1).repeat(factor, 2)


def sheet(tiles: np.ndarray, gap: int = 2, scale: int = 1) -> np.ndarray:
    """Tiles (rows, columns, h, w, c) of uint8 as one picture (H, W, 4), with nothing between them."""
    rows, columns, h, w, c = tiles.shape
    flat = enlarge(tiles.reshape(-1, h, w, c), scale)
    flat = rgba(flat).reshape(rows, columns, h * scale, w * scale, 4)
    h, w = h * scale + gap, w * scale + gap
    out = np.zeros((rows * h - gap, columns * w - gap, 4), np.uint8)
    for r in range(rows):
        for k in range(columns):
            out[r * h : r * h + h - gap, k * w : k * w + w - gap] = flat[r, k]
    return out


def smooth(x: np.ndarray, to: int) -> np.ndarray:
    """Images (n, c, h, w) enlarged to at least `to` pixels a side, without corners: for small grey ones."""
    factor = math.ceil(to / x.shape[-1])
    if factor < 2 or x.shape[1] != 1:
        return x
    h, w = x.shape[2] * factor, x.shape[3] * factor
    return np.stack([np.asarray(Image.fromarray(i).resize((w, h), Image.Resampling.BICUBIC)) for i in x[:, 0]])[:, None]


def rgba(tiles: np.ndarray) -> np.ndarray:
    """Tiles (n, h, w, 1 or 3 or 4) with three colours and full opacity."""
    if tiles.shape[-1] == 4:
        return tiles
    colours = np.broadcast_to(tiles, (*tiles.shape[:-1], 3)) if tiles.shape[-1] == 1 else tiles
    return np.concatenate([colours, np.full((*tiles.shape[:-1], 1), 255, np.uint8)], -1)


def ink(tiles: np.ndarray, colour: str = palette.UNLABELLED) -> np.ndarray:
    """Tiles (..., h, w, 1 or 3) as pages draw them, (..., h, w, 4): grey ones as ink on nothing, others as they are.

    The ink has the colour of the image's class; of an image whose class is not told, one that stays away from all.
    """
    if tiles.shape[-1] != 1:
        return rgba(tiles)
    return np.concatenate([np.broadcast_to(np.uint8(palette.rgb(colour)), (*tiles.shape[:-1], 3)), tiles], -1)


def labelled_tiles(x: np.ndarray, y: Sequence[int], n_classes: int) -> np.ndarray:
    """Images (n, c, h, w) that keep their label: (n, h+, w+, 4), framed in and tinted by the colour of their class."""
    pad = max(1, x.shape[-1] // 16)
    n, _, h, w = x.shape
    out = np.zeros((n, h + 2 * pad, w + 2 * pad, 4), np.uint8)
    for tile, image, k in zip(out, last(x), y, strict=True):
        colour = palette.colour(int(k), n_classes)
        tile[..., :3], tile[..., 3] = palette.rgb(colour), 255
        inner = ink(image, colour)
        inner[..., 3] = np.maximum(inner[..., 3], TINT)
        tile[pad:-pad, pad:-pad] = inner
    return rounded(out)


def faded_tiles(x: np.ndarray) -> np.ndarray:
    """Images (n, c, h, w) that lost their label, faded: (n, h+, w+, 4), as large as those of `labelled_tiles`."""
    pad = max(1, x.shape[-1] // 16)
    n, c, h, w = x.shape
    out = np.zeros((n, h + 2 * pad, w + 2 * pad, 4), np.uint8)
    inner = ink(last(x))
    inner[..., 3] = inner[..., 3] * (FADED_INK if c == 1 else FADED)
    out[:, pad:-pad, pad:-pad] = inner
    return out


def rounded(tiles: np.ndarray) -> np.ndarray:
    """Tiles (n, h, w, 4) without their corners."""
    h, w = tiles.shape[1:3]
    radius = min(h, w) / 7
    y, x = np.mgrid[:h, :w]
    y, x = (np.abs(at - (side - 1) / 2) - (side / 2 - radius) for at, side in ((y, h), (x, w)))
    outside = np.hypot(np.maximum(x, 0), np.maximum(y, 0)) - radius
    tiles[..., 3] = (tiles[..., 3] * np.clip(0.5 - outside, 0, 1)).astype(np.uint8)
    return tiles


def flow(tiles: np.ndarray, columns: int, gap: int = 1, scale: int = 1) -> bytes:
    """Tiles (n, h, w, 4) one after the other in rows of `columns`, as a PNG."""
    rows = max(1, math.ceil(len(tiles) / columns))
    padded = np.zeros((rows * columns, *tiles.shape[1:]), np.uint8)
    padded[: len(tiles)] = tiles
    return png(sheet(padded.reshape(rows, columns, *tiles.shape[1:]), gap=gap, scale=scale))


# Few labels among many images


@st.cache_data(show_spinner=False, max_entries=64)
def field(name: str, labels: int, seed: int, columns: int, rows: int, side: int = 1) -> tuple[bytes, int, int]:
    """Training images drawn at random, those with a label in colour: (PNG, images shown, labelled among them)."""
    images = data.load(name)
    labelled, _, _ = data.draw(images, labels, seed)
    n = min(columns * rows, len(images.y))
    shown = np.random.default_rng(1).choice(len(images.y), n, replace=False)
    seen = np.isin(shown, labelled)
    x = smooth(images.x[shown], side)
    tiles = faded_tiles(x)
    if seen.any():
        tiles[seen] = labelled_tiles(x[seen], images.y[shown[seen]], len(images.classes))
    return flow(tiles, columns, gap=max(1, tiles.shape[1] // 12)), n, int(seen.sum())


@st.cache_data(show_spinner=False, max_entries=64)
def labelled_sheet(name: str, labels: int, seed: int, per_class: int, columns: int, narrow: int) -> tuple[str, int]:
    """The images that keep their labels, class by class: (HTML, how many are shown); `narrow` columns on a phone.

    Under the pointer, or touched, an image is enlarged and says its number and class.
    """
    images = data.load(name)
    labelled, _, _ = data.draw(images, labels, seed)
    y = images.y[labelled]
    shown = np.concatenate([labelled[y == k][:per_class] for k in range(len(images.classes))])
    return tiles_to_look_at(images.x[shown], images.y[shown], shown, images.classes, columns, narrow), len(shown)


def tiles_to_look_at(
    x: np.ndarray, y: np.ndarray, ids: np.ndarray, classes: Sequence[str], columns: int, narrow: int
) -> str:
    """Images (n, c, h, w) in the colours of their classes as HTML, each enlarged under the pointer; `ids` as elsewhere:
    a test image j is -1 - j.
    """
    tiles = labelled_tiles(smooth(x, 48), y, len(classes))
    n = len(tiles)
    images = "".join(
        f'<i role="img" tabindex="-1" aria-label="{says}" data-says="{says}" style="'
        f"--x:{place(i, columns)}%;--narrow:{place(i, narrow)}%;"
        f'background-position:0 {100 * i / max(1, n - 1):.4f}%"></i>'
        for i, says in enumerate(
            f"{'Test' if i < 0 else 'Training'} image {-1 - i if i < 0 else i}, class {html.escape(classes[k])}"
            for i, k in zip(ids.tolist(), y.tolist(), strict=True)
        )
    )
    return f"""<style>
.fl-look {{display:grid; grid-template-columns:repeat({columns},1fr); gap:.4rem}}
.fl-look i {{position:relative; aspect-ratio:{tiles.shape[2]}/{tiles.shape[1]}; border-radius:.2rem;
  background:url("{uri(flow(tiles, 1, gap=0))}") 0 0/100% auto;
  transform-origin:var(--x) 50%; transition:transform .1s}}
.fl-look i:is(:hover,:focus) {{transform:scale(2.6); z-index:5; outline:none;
  background-color:light-dark(#fdfdfb,#14161c)}}
.fl-look i:is(:hover,:focus)::after {{content:attr(data-says); position:absolute; top:100%; left:var(--x);
  transform:translateX(calc(-1*var(--x))); width:max-content; padding:.1em .4em; border-radius:.2em;
  font-size:.31rem; font-style:normal; line-height:1.4; color:light-dark(#fff,#111); background:light-dark(#333,#ddd)}}
@media (max-width:640px) {{
  .fl-look {{grid-template-columns:repeat({narrow},1fr)}}
  .fl-look i {{--x:var(--narrow) !important}}
}}
</style><div class="fl-look" role="group" aria-label="{n} images, class by class">{images}</div>"""


def place(i: int, columns: int) -> int:
    """Where the i-th of images in rows of so many stands across the page, in per cent."""
    return round(100 * (i % columns) / max(1, columns - 1))


def picture(image: bytes, alt: str, height: str = "", narrow: bytes = b"") -> None:
    """A wide picture that fills the width; `narrow` takes its place on a phone.

    With a height (CSS) it is cropped, and fades out, instead of shrinking.
    """
    fade = "linear-gradient(#000 80%, transparent)"
    fit = (
        f"height:{height};object-fit:cover;object-position:left top;mask:{fade};-webkit-mask:{fade};" if height else ""
    )
    style = f"display:block;width:100%;image-rendering:auto;{fit}"
    wide, phone = (f'<img src="{uri(i)}" alt="{alt}" style="{style}"' for i in (image, narrow))
    if not narrow:
        st.html(f"{wide}>")
        return
    hide = "{display:none !important}"
    fits = f"@media (min-width:641px) {{.fl-phone {hide}}} @media (max-width:640px) {{.fl-wide {hide}}}"
    st.html(f'<style>{fits}</style>{wide} class="fl-wide">{phone} class="fl-phone">')


def enlarged(path: Path, n_classes: int, alt: str) -> None:
    """A small sheet of samples, a row a class, enlarged to the width it is given. Nothing, if it was just replaced.

    Not `st.image`: that fetches each new picture by itself, so that a picture which changes every second blinks.
    """
    image = records.picture(path)
    if image is None:
        return
    pixels = np.asarray(Image.open(io.BytesIO(image)))
    rows = np.array_split(pixels[..., None] if pixels.ndim == 2 else pixels, n_classes)
    drawn = png(np.concatenate([ink(row, palette.colour(k, n_classes)) for k, row in enumerate(rows)]))
    style = "display:block;width:100%;border-radius:.5rem;image-rendering:pixelated"
    st.html(f'<img src="{uri(drawn)}" alt="{alt}" style="{style}">')


@st.cache_data(show_spinner=False, max_entries=16)
def class_cards(name: str, examples: int) -> str:
    """A card for each class: its name in its colour, how many training images it has, and a few of them."""
    images = data.load(name)
    n, counts = len(images.classes), np.bincount(images.y, minlength=len(images.classes))
    first = np.stack([np.flatnonzero(images.y == k)[:examples] for k in range(n)])
    tiles = [ink(last(images.x[ids]), palette.colour(k, n)) for k, ids in enumerate(first)]
    whole = sheet(np.stack(tiles), gap=2)
    out = io.BytesIO()
    Image.fromarray(whole).save(out, "WEBP", lossless=images.shape[0] == 1, quality=88)
    cards = "".join(
        f'<div class="fl-card"><div><b><u style="background:{palette.colour(k, n)}"></u>{images.classes[k]}</b>'
        f"<span>{counts[k]:,}</span></div>"
        f'<i role="img" aria-label="{examples} images of {images.classes[k]}" '
        f'style="background-position:0 {100 * k / max(1, n - 1):.4f}%"></i></div>'
        for k in range(n)
    )
    return f"""<style>
.fl-cards {{display: grid; grid-template-columns: repeat(auto-fill, minmax(13.5rem, 1fr)); gap: .6rem 1rem}}
.fl-card div {{display: flex; justify-content: space-between; align-items: baseline; margin-bottom: .15rem}}
.fl-card u {{display: inline-block; width: .7em; height: .7em; border-radius: .2em; margin-right: .4em}}
.fl-card span {{font-size: .8rem; opacity: .65; font-variant-numeric: tabular-nums}}
.fl-card i {{display: block; aspect-ratio: {whole.shape[1]} / {tiles[0].shape[1]}; image-rendering: {pixels(images)};
  background-size: 100% auto; background-image: url("{uri(out.getvalue(), "webp")}")}}
</style><div class="fl-cards">{cards}</div>"""


def pixels(images: Images) -> str:
    """How a browser should enlarge these images."""
    return "auto" if images.shape[0] == 1 else "pixelated"


# Graphical models


def graph(model: str) -> str:
    """The graphical model of a method, as HTML: x shaded (seen), y half shaded (sometimes seen), the rest open."""
    first, last_ = MODELS[model].graphs[0], MODELS[model].graphs[-1]
    fixed = {f: b for f, b in first.arrows if f in first.fixed}  # left out: what it gives comes from what it is given
    nodes = {
        name: (round(0.72 * (x - 118) + 72), round(0.7 * (y - 95) + 62))
        for name, (x, y) in (first.nodes | last_.nodes).items()
        if name not in fixed
    }
    shown = [(a, fixed.get(b, b), not MODELS[model].draws) for a, b in first.arrows if a not in fixed]
    shown += [(a, b, True) for a, b in last_.dashed]
    if MODELS[model].sampler:  # what draws and what says the class are two networks
        shown += [(a, b, True) for a, b in last_.arrows]
    parts = []
    for a, b, dashed in shown:
        (x0, y0), (x1, y1) = nodes[a], nodes[b]
        length = math.hypot(x1 - x0, y1 - y0)
        dx, dy = (x1 - x0) / length, (y1 - y0) / length
        sx, sy, ex, ey = x0 + 18 * dx, y0 + 18 * dy, x1 - 21 * dx, y1 - 21 * dy
        dash = ' stroke-dasharray="4 3"' if dashed else ""
        parts.append(
            f'<path d="M{sx:.1f} {sy:.1f}L{ex:.1f} {ey:.1f}" stroke="currentColor" stroke-width="1.4"{dash}/>'
            f'<path d="M{ex + 4 * dx:.1f} {ey + 4 * dy:.1f}L{ex - 4 * dx - 3.4 * dy:.1f} {ey - 4 * dy + 3.4 * dx:.1f}'
            f'L{ex - 4 * dx + 3.4 * dy:.1f} {ey - 4 * dy - 3.4 * dx:.1f}Z" fill="currentColor"/>'
        )
    for name, (x, y) in nodes.items():
        if name == "x":
            parts.append(f'<circle cx="{x}" cy="{y}" r="17" fill="currentColor" opacity=".22"/>')
        if name == "y":
            parts.append(f'<path d="M{x} {y - 17}a17 17 0 0 0 0 34z" fill="currentColor" opacity=".22"/>')
        parts.append(
            f'<circle cx="{x}" cy="{y}" r="17" fill="none" stroke="currentColor" stroke-width="1.4"/>'
            f'<text x="{x}" y="{y + 5}" text-anchor="middle" font-size="17" font-style="italic" '
            f'font-family="Source Serif, Georgia, serif" fill="currentColor">{name}</text>'
        )
    says = "; ".join(dict.fromkeys([first.says, last_.says] if last_.dashed else [first.says]))
    svg = f'<svg viewBox="0 8 144 108" xmlns="http://www.w3.org/2000/svg">{"".join(parts)}</svg>'
    image = f'url("{uri(svg.encode(), "svg+xml")}") left / contain no-repeat'
    return (  # as a mask, so that it takes the colour of the text around it, light or dark
        f'<div role="img" aria-label="{says}" style="height:6.75rem;background:currentColor;opacity:.85;'
        f'mask:{image.replace(chr(34), chr(39))};-webkit-mask:{image.replace(chr(34), chr(39))}"></div>'
    )


# Runs as a table


def ago(then: float, now: float | None = None) -> str:
    """How long ago a unix time was, in words."""
    seconds = (datetime.now().timestamp() if now is None else now) - then
    for size, name in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            n = int(seconds // size)
            return f"{n} {name}{'s' if n > 1 else ''} ago"
    return "just now"


def minutes(seconds: float | None) -> str:
    """A length of time in words: "40 s", "3 min", "1 h 20 min"."""
    if seconds is None:
        return "unknown"
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 5400:
        return f"{round(seconds / 60)} min"
    return f"{int(seconds // 3600)} h {round(seconds % 3600 / 60)} min"


def percent(share: float | None) -> str:
    """A share from 0 to 1 in per cent, a dash if there is none; "0.0 %" and "100.0 %" are none and all."""
    if share is None or math.isnan(share):
        return "–"
    written = f"{100 * share:.1f}"
    if written == "0.0" and share > 0:
        return "< 0.1 %"
    return "> 99.9 %" if written == "100.0" and share < 1 else f"{written} %"


def probability(p: float) -> str:
    """What a classifier gives a class, in per cent: never none or all. Kept in 16 bits, it may have become 0 or 1."""
    return percent(min(max(float(p), 1e-9), 1 - 1e-9))


def labels(run: Run) -> str:
    """How many labels a run had, for a narrow column: "100", or "100 + 12" with those that were given."""
    return f"{run.labels:,}" + (f" + {len(run.given):,}" if run.given else "")
