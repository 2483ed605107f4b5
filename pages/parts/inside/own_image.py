"""What Draw shows of an answer: q(y|x), a reconstruction, how strange the image is, its neighbours and its place."""

import html
import io
import math
from collections.abc import Sequence

import numpy as np
import streamlit as st
from PIL import Image, ImageDraw

from models.analysis import snapshots
from pages.parts.shared import figures, image_grid, palette

MAP = (1000, 720)  # pixels of the picture of a map: twice what most screens give it
EDGE = 0.06  # of the picture, left free around the points
DOT = 3.2  # pixels: radius of a point
BINS = 28
BARS = 8  # classes that get a bar, where there are more than ten
STYLE = """<style>
.dw-head {display:flex; gap:1rem; align-items:center; margin:0 0 .9rem}
.dw-head strong {font-size:4.2rem; line-height:1; font-weight:700; color:var(--k); overflow-wrap:anywhere}
.dw-head strong.word {font-size:1.9rem}
.dw-head b {display:block; font-size:1.35rem; line-height:1.3; font-weight:600; font-variant-numeric:tabular-nums}
.dw-head b i {font-style:normal; font-size:1rem; margin-left:.6rem}
.dw-head i.right {color:light-dark(#177233,#5cc27d)}
.dw-head i.wrong {color:light-dark(#b3261e,#ff8a80)}
.dw-made {display:flex; gap:1rem; align-items:flex-start; margin-top:1rem; font-size:.875rem; min-height:6rem}
.dw-made figure {margin:0; width:4.6rem; flex:none; text-align:center}
.dw-made i {display:block; border-radius:.4rem; overflow:hidden;
  background:color-mix(in srgb,currentColor 5%,transparent)}
.dw-made i b {display:block; aspect-ratio:var(--ratio); image-rendering:pixelated}
.dw-made figcaption {font-size:.7rem; opacity:.65; line-height:1.2; margin-top:.25rem}
.dw-made .dw-strange {flex:1; min-width:0; margin:0}
.dw-none {color:color-mix(in srgb,currentColor 65%,transparent)}
.dw-head small, .dw-strange small, .dw-near small {opacity:.65; font-size:.8rem; line-height:1.35; display:block}
.dw-answer .gn-bars {max-width:none; grid-template-columns:auto 1fr 3.4rem}
.dw-answer .gn-bars p small {display:block; font-size:.8rem}
.dw-strange {margin-top:1rem; font-size:.85rem; line-height:1.4}
.dw-hist {position:relative; display:flex; align-items:flex-end; gap:1px; height:2.6rem; margin:.35rem 0 .3rem;
  border-bottom:1px solid color-mix(in srgb,currentColor 30%,transparent)}
.dw-hist u {flex:1; background:color-mix(in srgb,currentColor 26%,transparent); border-radius:1px 1px 0 0}
.dw-hist s {position:absolute; bottom:-3px; top:-3px; width:3px; margin-left:-1.5px; border-radius:2px}
.st-key-dw-sketches button img {height:1.5rem !important; max-height:none !important; width:auto; display:block;
  margin:0 auto .1rem}
.st-key-dw-sketches button {padding:.3rem .45rem; min-height:0}
.st-key-dw-sketches button p {font-size:.8rem; line-height:1.25}
.dw-rows {display:grid; gap:1.1rem}
.dw-row > p {margin:0 0 .35rem; font-size:.875rem; font-weight:600}
.dw-row > p small {font-weight:400; opacity:.65}
.dw-row .gn-strip {margin-top:0}
.dw-near {display:grid; grid-template-columns:repeat(4,minmax(0,4.6rem)); gap:.6rem .6rem}
.dw-near figure {margin:0; text-align:center}
.dw-near i {display:block; border-radius:.35rem; overflow:hidden; border:2px solid var(--k);
  background:color-mix(in srgb,currentColor 5%,transparent)}
.dw-near i b {display:block; aspect-ratio:var(--ratio); image-rendering:pixelated}
.dw-near figcaption {font-size:.8rem; line-height:1.25; margin-top:.25rem; overflow-wrap:anywhere}
.st-key-dw-map {position:relative}
.st-key-dw-map > :last-child {position:absolute; inset:0}
.dw-points, .dw-map {border:1px solid color-mix(in srgb,currentColor 16%,transparent); border-radius:.5rem}
.dw-points img {display:block; width:100%; height:auto; aspect-ratio:var(--map); opacity:.62}
.dw-map {position:relative; aspect-ratio:var(--map); border-color:transparent; overflow:hidden}
.dw-map u {position:absolute; width:.75rem; height:.75rem; margin:-.375rem; border-radius:50%; border:2px solid}
.dw-map s {position:absolute; width:1.15rem; height:1.15rem; margin:-.575rem; border-radius:50%;
  background:var(--k); border:3px solid var(--back,#fff); box-shadow:0 0 0 2.5px currentColor}
.dw-key {display:flex; flex-wrap:wrap; gap:.15rem .8rem; font-size:.8rem; margin-top:.5rem}
.dw-key span::before {content:""; display:inline-block; width:.6rem; height:.6rem; border-radius:50%;
  background:var(--k); margin-right:.35rem}
@media (max-width:640px) {
  .dw-made {min-height:0}
  /* The two columns as one, so that the verdict stands above the pad, the answers below it. */
  .st-key-dw-page > * > [data-testid=stHorizontalBlock] > [data-testid=stColumn],
  .st-key-dw-page > * > [data-testid=stHorizontalBlock] > [data-testid=stColumn] > [data-testid=stVerticalBlock] {
    display:contents}
  .st-key-dw-page > * > [data-testid=stHorizontalBlock] {flex-direction:column; gap:.75rem}
  .st-key-dw-page *:has(> .st-key-dw-verdict) {order:-1}
  .st-key-dw-page *:has(> .st-key-dw-ways) {order:1}
  .st-key-dw-page *:has(> .st-key-dw-more) {order:2}
}
</style>"""


# One run's answer


def answer(q_y: np.ndarray, names: Sequence[str], of: str, meant: int | None = None) -> str:
    """HTML: the likeliest class and its probability, large, the entropy, q(y|x) as bars; right or wrong?"""
    n, k = len(names), int(q_y.argmax())
    unsure = float(snapshots.entropy(q_y[None])[0])
    shown = range(n) if n <= 10 else np.argsort(-q_y)[:BARS]
    bars = "".join(
        f'<b class="{"k" if j == k else ""}">{image_grid.safe(j, names)}</b>'
        f'<u><s style="width:{100 * q_y[j]:.2f}%;background:{palette.colour(j, n)}"></s></u>'
        f"<em>{figures.probability(float(q_y[j]))}</em>"
        for j in map(int, shown)
    )
    said = "" if meant is None else '<i class="right">right</i>' if k == meant else '<i class="wrong">wrong</i>'
    rest = f", the likeliest of {n}" if n > 10 else ""
    return (
        f'<div class="dw-answer"><div class="dw-head" style="--k:{palette.colour(k, n)}">'
        f"<strong{' class=word' if len(names[k]) > 2 else ''}>{image_grid.safe(k, names)}</strong>"
        f"<div><b>{figures.probability(float(q_y[k]))}{said}</b>"
        f"<small>Entropy {unsure:.2f} nats<br>of at most {math.log(n):.2f}</small></div></div>"
        f'<div class="gn-bars"><p>q(y|x){rest}<small>{html.escape(of)}</small></p>{bars}</div></div>'
    )


def made_of_it(made: np.ndarray | None, k: int, names: Sequence[str], strange: str) -> str:
    """HTML: the reconstruction (h, w, c) as class k beside how strange the drawing is, or why there is neither."""
    if made is None:
        return '<div class="dw-made dw-none">No p(x): a classifier generates nothing and has no bound.</div>'
    h, w = made.shape[:2]
    (tile,) = image_grid.strip(made[None], (k,), len(names), ("Reconstruction",))
    look = f"--ratio:{w}/{h};--sheet:{image_grid.address(image_grid.lay(made[None, None]))}"
    return (
        f'<div class="dw-made" style="{look}"><figure>{tile}<figcaption>Reconstruction</figcaption></figure>'
        f"{strange}</div>"
    )


def sketch(lines: Sequence[Sequence[tuple[float, float]]]) -> str:
    """Lines, in sides of a square, as a picture at a data: address, in a grey that is seen on light and dark."""
    paths = "".join("M" + "L".join(f"{100 * x:.0f} {100 * y:.0f}" for x, y in line) for line in lines)
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100"><path d="{paths}" fill="none" '
        f'stroke-width="11" stroke="{palette.UNLABELLED}" stroke-linecap="round" stroke-linejoin="round"/></svg>'
    )
    return figures.uri(svg.encode(), "svg+xml")


def strange(bound: float, explained: str, usual: np.ndarray, eq: str, colour: str) -> str:
    """HTML: the bound of the drawing among those of test images (n,), ascending, as a histogram and in words."""
    if not (math.isfinite(bound) and np.isfinite(usual).all()):
        return '<div class="dw-strange">Its bound is no number: the training has diverged.</div>'
    low, high = min(float(usual[0]), bound), max(float(usual[-1]), bound)
    counts, _ = np.histogram(usual, BINS, (low, max(high, low + 1e-6)))
    bars = "".join(f'<u style="height:{100 * math.sqrt(c / counts.max()):.1f}%"></u>' for c in counts)
    at = 100 * (bound - low) / max(high - low, 1e-6)
    return (
        f'<div class="dw-strange"><b>−log p({explained}) ≤ {bound:,.0f} nats</b> '
        f'<small style="display:inline">{eq}</small>'
        f'<div class="dw-hist" role="img" aria-label="{rank(bound, usual)}">{bars}'
        f'<s style="left:{at:.2f}%;background:{colour}"></s></div>{rank(bound, usual)}</div>'
    )


def rank(bound: float, usual: np.ndarray) -> str:
    """Where a bound stands among those of test images, in a sentence."""
    n, below = len(usual), int((usual < bound).sum())
    if below == n:
        return f"Harder for this model to describe than every one of {n} test images."
    if below == 0:
        return f"Easier for this model to describe than every one of {n} test images."
    return f"Harder for this model to describe than {100 * below / n:.0f} % of {n} test images."


def as_classes(tiles: np.ndarray, k: int, names: Sequence[str], title: str, note: str) -> str:
    """HTML: a row of the drawing as every class, tiles (classes, h, w, c), the likeliest outlined."""
    n, (h, w) = len(names), tiles.shape[1:3]
    every = image_grid.strip(tiles, range(n), n, [f"as {image_grid.safe(j, names)}" for j in range(n)])
    figure = "".join(
        f'<figure class="{"k" if j == k else ""}">{every[j]}'
        f"<figcaption>{image_grid.safe(j, names)}</figcaption></figure>"
        for j in range(n)
    )
    across = f"repeat({n},minmax(0,5.5rem))" if n <= 10 else "repeat(auto-fill,minmax(4.2rem,1fr))"
    return (
        f'<div class="dw-row"><p>{html.escape(title)} <small>{html.escape(note)}</small></p><div class="gn-strip" '
        f'style="--ratio:{w}/{h};--columns:{across};--sheet:{image_grid.address(image_grid.lay(tiles[None]))}">{figure}</div></div>'
    )


def rows(parts: Sequence[str]) -> str:
    """HTML: rows one below the other."""
    return f'<div class="dw-rows">{"".join(parts)}</div>'


# Where it lies


def neighbours(
    tiles: np.ndarray, classes: Sequence[int], distances: np.ndarray, which: Sequence[str], names: Sequence[str]
) -> str:
    """HTML: the nearest images (k, h, w, c), with their class and their distance; `which` says of each what it is."""
    n, (h, w) = len(names), tiles.shape[1:3]
    made = image_grid.strip(tiles, classes, n, [html.escape(f"{which[i]}, {names[k]}") for i, k in enumerate(classes)])
    figure = "".join(
        f'<figure style="--k:{palette.colour(k, n)}" title="{html.escape(which[i])}">{made[i]}'
        f"<figcaption>{image_grid.safe(k, names)}<small>{distances[i]:.2f}</small></figcaption></figure>"
        for i, k in enumerate(classes)
    )
    sheet = image_grid.address(image_grid.lay(tiles[None]))
    return f'<div class="dw-near" style="--ratio:{w}/{h};--sheet:{sheet}">{figure}</div>'


def frame_of(xy: np.ndarray) -> tuple[np.ndarray, float]:
    """The middle (2,) of a map and how much of it one picture's width holds: one scale for both axes."""
    low, high = xy.min(0).astype(np.float64), xy.max(0).astype(np.float64)
    wide, high_ = (high - low) / (1 - 2 * EDGE)
    return (low + high) / 2, max(float(wide), float(high_) * MAP[0] / MAP[1], 1e-9)


def on_picture(xy: np.ndarray, frame: tuple[np.ndarray, float]) -> np.ndarray:
    """Places (n, 2) on the map as shares of the picture's width and height, from its upper left: (n, 2)."""
    middle, width = frame
    share = (xy - middle) / width
    return np.stack([0.5 + share[:, 0], 0.5 - share[:, 1] * MAP[0] / MAP[1]], 1)


@st.cache_data(show_spinner=False, max_entries=64)
def points(version: str, _xy: np.ndarray, _true: np.ndarray, n_classes: int) -> str:
    """HTML: the points of a map in the colours of their classes. `version` names them, for the cache.

    The picture is in the HTML itself: a file of its own can be gone before the browser asks for it, when one stroke
    follows the other. Streamlit sends what a browser has already had by its hash alone: a stroke moves only the marks.
    """
    picture = Image.new("RGBA", (2 * MAP[0], 2 * MAP[1]))  # drawn twice as large and made smaller: round points
    pen, radius = ImageDraw.Draw(picture), 2 * DOT * (1.0 if len(_xy) < 3000 else 0.75)
    positions = on_picture(_xy, frame_of(_xy)) * picture.size
    colours = [(*palette.rgb(c), 255) for c in palette.class_colours(n_classes)]
    for (x, y), k in zip(positions.tolist(), _true.tolist(), strict=True):
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), colours[k])
    small = picture.resize(MAP, Image.Resampling.BOX).quantize(256, Image.Quantize.FASTOCTREE)
    out = io.BytesIO()
    small.save(out, "PNG")
    return (
        f'<div class="dw-points" style="--map:{MAP[0]}/{MAP[1]}"><img src="{figures.uri(out.getvalue())}" '
        'alt="The snapshot images"></div>'
    )


def place_on_map(xy: np.ndarray, at: np.ndarray, near: np.ndarray, k: int, names: Sequence[str]) -> tuple[str, bool]:
    """HTML: on the map xy (n, 2) the drawing's place `at` (2,) and its neighbours `near` (rows); whether it fits on."""
    n, frame = len(names), frame_of(xy)
    (x, y), rings = on_picture(at[None], frame)[0], on_picture(xy[near], frame)
    fits = 0 <= x <= 1 and 0 <= y <= 1
    x, y = np.clip([x, y], 0.02, 0.98)
    marks = "".join(f'<u style="left:{100 * a:.2f}%;top:{100 * b:.2f}%"></u>' for a, b in rings)
    return (
        f'<div class="dw-map" style="--map:{MAP[0]}/{MAP[1]}">'
        f'{marks}<s role="img" aria-label="The drawing" data-x="{x:.4f}" data-y="{y:.4f}" '
        f'style="left:{100 * x:.2f}%;top:{100 * y:.2f}%;--k:{palette.colour(k, n)}"></s></div>'
    ), fits


def key_of(names: Sequence[str]) -> str:
    """HTML: the colours of the classes, where there are few enough to tell apart."""
    n = len(names) if len(names) <= 10 else 0
    key = "".join(f'<span style="--k:{palette.colour(j, n)}">{image_grid.safe(j, names)}</span>' for j in range(n))
    return f'<div class="dw-key">{key}</div>'
