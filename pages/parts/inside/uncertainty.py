"""What Uncertainty draws: entropy class by class, the reliability diagram, the bounds of one image; and its tables."""

import html
import io
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st
from PIL import Image, ImageDraw, ImageFont

from models.analysis import snapshots
from models.analysis.calibration import Reliability, Scores
from models.analysis.snapshots import SnapshotImages
from models.runs.store import Folder
from pages.parts.components import gallery
from pages.parts.shared import figures, image_grid, palette

if TYPE_CHECKING:
    from models.analysis.answers import Bounds

STEPS = 28  # of the entropy axis
SMALLEST = 1e-3  # nats; what is surer than that is counted at the left end
MOST_RIDGES = 20  # classes in one picture
PALEST = 0.25  # opacity of a bar of the reliability diagram that rests on hardly any of the images
KINDS = {
    "test": "test images",
    "unlabelled": "unlabelled images",
    "labelled": "labelled images",
    "all": "images of all kinds",
}
MIMES = {"csv": "text/csv", "png": "image/png", "html": "text/html"}
OF_KIND = {"test": snapshots.TEST, "unlabelled": snapshots.UNLABELLED, "labelled": snapshots.LABELLED}
TERMS = {
    "reconstruction": "−log p(x|·)",
    "filters": "−log p(h|z)",
    "kl_z": "KL of z",
    "kl_a": "KL of a",
    "kl_z1": "KL of z1",
    "prior_y": "−log p(y)",
}
STYLE = """<style>
.un-bound {display:grid; grid-template-columns:auto minmax(4rem,1fr) auto minmax(2.5rem,.5fr) auto minmax(2.5rem,.5fr)
  auto; gap:.3rem .6rem; align-items:center; font-size:.85rem; line-height:1.15; max-width:52rem}
.un-bound b {font-weight:400; text-align:right}
.un-bound .k {font-weight:700}
.un-bound em {font-style:normal; font-variant-numeric:tabular-nums; text-align:right; white-space:nowrap}
.un-bound small {opacity:.65}
.un-bound u {display:block; height:.8rem; border-radius:.2rem; overflow:hidden; text-decoration:none;
  background:color-mix(in srgb,currentColor 8%,transparent)}
.un-bound s {display:block; height:100%}
.un-bound .h {opacity:.65; font-size:.8rem}
.un-one {display:flex; flex-wrap:wrap; gap:.7rem 1rem; align-items:center; margin-bottom:.3rem}
.un-one i {display:block; width:9rem; flex:none; border-radius:.4rem; overflow:hidden;
  background:color-mix(in srgb,currentColor 5%,transparent)}
.un-one i b {display:block; aspect-ratio:var(--ratio); image-rendering:pixelated}
.un-one p {margin:0; line-height:1.4; font-size:.95rem}
.un-one small {opacity:.65}
@media (min-width:1280px) { /* into the room beside what chooses from the mistakes, so that all of it is in sight */
  .st-key-un-card {margin-top:-3.5rem}
}
@media (max-width:640px) {
  .st-key-un-top {flex-direction:column; align-items:stretch}
  .st-key-un-look [data-testid=stHorizontalBlock]:has(> [data-testid=stColumn]) {flex-direction:column-reverse}
  .st-key-un-look [data-testid=stHorizontalBlock] > [data-testid=stColumn] {min-width:100%}
  .un-bound {grid-template-columns:auto minmax(3rem,1fr) auto auto auto; font-size:.78rem; column-gap:.45rem}
  .un-bound .wide {display:none}
}
</style>"""


def of_kind(snapshot: SnapshotImages, kind: str) -> np.ndarray:
    """Which images of `snapshot` are of a kind of `KINDS`: bool (n,)."""
    return np.ones(len(snapshot.ids), bool) if kind == "all" else snapshot.kind == OF_KIND[kind]


def image_name(id: int, kind: int) -> str:
    """An image in words: test image 7, unlabelled training image 12."""
    if id < 0:
        return f"test image {-1 - id}"
    return f"{'labelled' if kind == snapshots.LABELLED else 'unlabelled'} training image {id}"


def q_of(snapshot: SnapshotImages) -> str:
    """What the probabilities are, in a sentence."""
    return snapshot.q if snapshot.q == "q(y|x)" else "the SVM's calibrated output"


def names(snapshot: SnapshotImages) -> list[str]:
    return [image_grid.name_of(k, snapshot.classes) for k in range(len(snapshot.classes))]


def pick(snapshot: SnapshotImages, row: int, lines: tuple[str, ...]) -> gallery.Pick:
    """An image of the snapshot as a picture to choose."""
    shown = names(snapshot)
    true, predicted = int(snapshot.true[row]), int(snapshot.predicted[row])
    name = image_name(int(snapshot.ids[row]), int(snapshot.kind[row]))
    says = (
        f"{name[0].upper() + name[1:]}: is {shown[true]}, predicted {shown[predicted]} with "
        f"{figures.probability(snapshot.sure[row])}, entropy {snapshot.entropy[row]:.2f} nats"
    )
    return gallery.Pick(int(snapshot.ids[row]), lines, says, true)


# Entropy, class by class


def unsurest(snapshot: SnapshotImages, which: np.ndarray) -> list[int]:
    """The classes to draw, in order: all of them if they are few, else those with the most entropy on average."""
    n = len(snapshot.classes)
    if n <= MOST_RIDGES:
        return list(range(n))
    total = np.bincount(snapshot.true[which], snapshot.entropy[which], n)
    mean = total / np.maximum(1, np.bincount(snapshot.true[which], minlength=n))
    return sorted(np.argsort(-mean, kind="stable")[:MOST_RIDGES].tolist())


def in_short(snapshot: SnapshotImages, which: np.ndarray) -> str:
    """Whether the run is less sure where it is wrong: the section's headline."""
    wrong = which & (snapshot.predicted != snapshot.true)
    right = float(np.mean(snapshot.entropy[which & ~wrong])) if (which & ~wrong).any() else 0.0
    if not wrong.any():
        return f"None is wrong; the mean entropy is {right:.2f} nats"
    mean = float(np.mean(snapshot.entropy[wrong]))
    how = "less sure" if mean > right else "no less sure"
    return f"Where it is wrong it is {how}: mean entropy {mean:.2f} nats, {right:.2f} where it is correct"


def steps(n_classes: int) -> np.ndarray:
    """Edges of the entropy axis in nats, even on a logarithmic scale, up to what n classes can have."""
    return np.geomspace(SMALLEST, math.log(n_classes), STEPS + 1)


def ridges(snapshot: SnapshotImages, which: np.ndarray, by: str, classes: Sequence[int]) -> dict:
    """A figure: a ridge a class over the entropy, upwards the images classified correctly, downwards the others.

    `by` is "true" or "predicted": whose classes they are. Heights are square roots of shares of the class, at one
    scale for all classes, cut off where the first step is higher than all others.
    """
    edges = steps(len(snapshot.classes))
    at = np.clip(np.searchsorted(edges, snapshot.entropy, side="right") - 1, 0, STEPS - 1)
    of, right = getattr(snapshot, by), snapshot.predicted == snapshot.true
    middle = np.sqrt(edges[:-1] * edges[1:])
    shown, traces = names(snapshot), []
    sides = {k: [np.bincount(at[which & (of == k) & r], minlength=STEPS) for r in (right, ~right)] for k in classes}
    tallest = max(np.sqrt(c[1:] / max(1, sum(map(sum, cs)))).max() for cs in sides.values() for c in cs)
    for row, k in enumerate(classes):
        mine = which & (of == k)
        up, down = sides[k]
        base, whole = -row, max(1, int(mine.sum()))
        said = [
            f"{shown[k]}, {a:.2g} to {b:.2g} nats: {r} right, {w} wrong, of {mine.sum()}"
            for a, b, r, w in zip(edges[:-1], edges[1:], up, down, strict=True)
        ]
        said[0] = said[0].replace(f"{edges[0]:.2g} to", "up to")
        for counts, sign, colour in ((up, 1, palette.colour(k, len(shown))), (down, -1, palette.UNLABELLED)):
            if counts.any():  # the first step, of those who are sure, would dwarf all others: it is cut off
                height = np.minimum(0.85, 0.85 * np.sqrt(counts / whole) / max(tallest, 1e-9))
                traces.append(ridge(middle, base, base + sign * height, said, colour))
        if mine.any():
            median = max(float(np.median(snapshot.entropy[mine])), middle[0])
            traces.append(
                {
                    "type": "scatter",
                    "mode": "lines",
                    "x": [median, median],
                    "y": [base - 0.16, base + 0.16],
                    "line": {"color": palette.colour(k, len(shown)), "width": 4},
                    "hoverinfo": "skip",
                }
            )
    return {"data": traces, "layout": ridge_layout(edges, [shown[k] for k in classes], by)}


def ridge(x: np.ndarray, base: float, y: np.ndarray, said: Sequence[str], colour: str) -> dict:
    """One side of a ridge: a filled outline that stands on its base line."""
    r, g, b = palette.rgb(colour)
    return {
        "type": "scatter",
        "mode": "lines",
        "x": [x[0], *x, x[-1]],
        "y": [base, *y, base],
        "text": [said[0], *said, said[-1]],
        "hoveron": "points",
        "hovertemplate": "%{text}<extra></extra>",
        "fill": "toself",
        "fillcolor": f"rgba({r},{g},{b},.5)",
        "line": {"color": colour, "width": 1.2},
    }


def ridge_layout(edges: np.ndarray, labels: Sequence[str], by: str) -> dict:
    ticks = [t for t in (0.001, 0.01, 0.1, 1) if t <= edges[-1]] + [float(edges[-1])] * bool(edges[-1] > 1.6)
    return {
        "height": 90 + 30 * len(labels),
        "margin": {"l": 0, "r": 8, "t": 34, "b": 0},
        "title": {"text": f"By {by} class", "font": {"size": 15}, "x": 0, "xref": "paper"},
        "showlegend": False,
        "hovermode": "closest",
        "xaxis": {
            "type": "log",
            "title": {"text": "Entropy, nats"},
            "tickvals": ticks,
            "ticktext": ["≤ 0.001", *[f"{t:.2g}" for t in ticks[1:]]],
            "showgrid": True,
            "zeroline": False,
            "automargin": True,
        },
        "yaxis": {
            "tickvals": [-i for i in range(len(labels))],
            "ticktext": [html.escape(label) for label in labels],
            "range": [-len(labels) + 0.3, 1],
            "showgrid": False,
            "zeroline": False,
            "automargin": True,
            "fixedrange": True,
        },
    }


# Calibration


def diagram(found: Reliability, of: str, colour: str = palette.UNLABELLED) -> dict:
    """The reliability diagram: a bar a bin, its interval, where it should end, and how many images it holds below.

    A bin without images is a gap; a bar is the paler, the fewer images it rests on.
    """
    some = found.n > 0
    middle, width = (found.low + found.high) / 2, found.high - found.low
    x, w = middle[some], width[some]
    accuracy, sure = found.accuracy[some], found.confidence[some]
    firm = PALEST + (1 - PALEST) * np.sqrt(found.n[some] / max(1, found.n.max()))
    said = [
        f"Confidence {a:.3g} to {b:.3g}, mean {c:.3f}<br>{r} of {n} right: {p:.3f} (95 %: {lo:.3f} to {hi:.3f})"
        for a, b, c, r, n, p, lo, hi in zip(
            found.low[some], found.high[some], sure, found.right[some], found.n[some], accuracy,
            found.least[some], found.most[some], strict=True,
        )
    ]  # fmt: skip
    bars = {
        "type": "bar", "name": "Share correct", "x": x, "y": accuracy, "width": w * 0.94, "text": said,
        "textposition": "none", "hovertemplate": "%{text}<extra></extra>", "marker": {"color": colour, "opacity": firm},
        "error_y": {
            "type": "data", "symmetric": False, "array": found.most[some] - accuracy,
            "arrayminus": accuracy - found.least[some], "thickness": 1.3, "width": 3, "color": palette.UNLABELLED,
        },
    }  # fmt: skip
    should = {
        "type": "scatter", "mode": "markers", "name": "Where it should end", "x": sure, "y": sure, "hoverinfo": "skip",
        "marker": {
            "color": palette.UNLABELLED, "size": 10, "symbol": "diamond", "line": {"color": "white", "width": 1},
        },
    }  # fmt: skip
    line = {
        "type": "scatter", "mode": "lines", "name": "Calibrated", "x": [0, 1], "y": [0, 1], "hoverinfo": "skip",
        "line": {"color": palette.UNLABELLED, "dash": "dot", "width": 1.5},
    }  # fmt: skip
    counts = {
        "type": "bar", "x": x, "y": found.n[some], "width": w * 0.94, "yaxis": "y2", "showlegend": False,
        "marker": {"color": palette.UNLABELLED}, "text": [f"{n:,}" for n in found.n[some]], "textangle": 0,
        "textposition": "outside", "cliponaxis": False, "hovertemplate": "%{text} images<extra></extra>",
    }  # fmt: skip
    return {
        "data": [bars, line, should, counts],
        "layout": {
            "height": 430,
            "margin": {"l": 0, "r": 8, "t": 30, "b": 0},
            "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
            "hovermode": "closest",
            "xaxis": {"title": {"text": f"Confidence of {of}"}, "range": [0, 1], "automargin": True, "anchor": "y2"},
            "yaxis": {
                "title": {"text": "Accuracy"},
                "range": [0, 1.04],
                "domain": [0.3, 1],
                "automargin": True,
            },
            "yaxis2": {
                "title": {"text": "Images"},
                "domain": [0, 0.2],
                "automargin": True,
                "nticks": 3,
            },
            "uniformtext": {"mode": "hide", "minsize": 10},  # the numbers of narrow bins
        },
    }


def in_words(s: Scores) -> str:
    """What the figures say, for somebody who reads no diagram: the section's headline."""
    if not s.n:
        return "This snapshot holds no test images, so nothing can be said"
    if s.ece <= 1.5 * s.chance:
        return f"It is about as sure as it should be, as far as {s.n:,} test images can tell"
    if abs(s.confidence - s.accuracy) < 0.0025:
        return "On the whole it is as sure as it should be, but not at each confidence"
    how = "more" if s.confidence > s.accuracy else "less"
    claimed, correct = figures.percent(s.confidence), figures.percent(s.accuracy)
    return f"It is {how} sure than it should be: {claimed} claimed, {correct} correct"


def bins_table(found: Reliability) -> pd.DataFrame:
    """The diagram in numbers."""
    return pd.DataFrame(
        {
            "confidence over": found.low,
            "confidence up to": found.high,
            "images": found.n,
            "right": found.right,
            "mean confidence": found.confidence,
            "accuracy": found.accuracy,
            "accuracy, 95 % from": found.least,
            "accuracy, 95 % to": found.most,
        }
    )


def images_table(snapshot: SnapshotImages, rows: np.ndarray) -> pd.DataFrame:
    """Images as a table, one a row."""
    kinds = np.array(["labelled", "unlabelled", "test"])
    classes = np.array(snapshot.classes, dtype=object)
    number = np.where(snapshot.ids[rows] < 0, -1 - snapshot.ids[rows], snapshot.ids[rows])
    q = snapshot.q_y[rows]
    return pd.DataFrame(
        {
            "kind": kinds[snapshot.kind[rows]],
            "image": number,
            "true": classes[snapshot.true[rows]],
            "predicted": classes[snapshot.predicted[rows]],
            "probability": snapshot.sure[rows],
            "probability of true": q[np.arange(len(rows)), snapshot.true[rows]],
            "entropy, nats": snapshot.entropy[rows],
        }
    )


def csv(table: pd.DataFrame, note: dict[str, object]) -> bytes:
    """A table to take away, with columns that say which run it is of."""
    return table.assign(**note).to_csv(index=False).encode()


def note_of(folder: Folder, epoch: int) -> dict[str, object]:
    """What a table of a run says of it, whatever else it says."""
    run = folder.run
    return {"run": folder.id, "epoch": epoch, "labels": run.labels, "given": len(run.given), "seed": run.seed}


def standalone(figure: dict, title: str, below: str) -> bytes:
    """A figure as one HTML file that needs no network: some megabytes, so make it only when asked."""
    import plotly.graph_objects as go

    chart = go.Figure(figure)
    chart.update_layout(template="plotly_white")
    body = chart.to_html(full_html=False, include_plotlyjs=True, config={"displaylogo": False})
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title>'
        '<body style="font-family:sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem">'
        f"<h1>{html.escape(title)}</h1>{body}<p>{html.escape(below)}</p></body></html>"
    ).encode()


def hand_out(label: str, make: Callable[[], bytes], file: str, key: str) -> None:
    """A quiet button that makes a file when it is pressed; its kind follows from the name."""
    st.download_button(
        label,
        make,
        file_name=file,
        mime=MIMES[file.rpartition(".")[2]],
        icon=":material/download:",
        type="tertiary",
        on_click="ignore",
        key=key,
    )


def take(figure: dict, folder: Folder, what: str, title: str, below: str) -> None:
    """A button that hands out a figure as one HTML file."""
    hand_out("Figure as HTML", lambda: standalone(figure, title, below), f"{folder.id}-{what}.html", f"take-{what}")


# The bounds of one image


def order(L: np.ndarray, true: int) -> list[int]:
    """The classes to show: all in order if they are few, else those that explain the image best, and the true one."""
    if len(L) <= MOST_RIDGES:
        return list(range(len(L)))
    return sorted({*np.argsort(L, kind="stable")[: MOST_RIDGES - 1].tolist(), true}, key=lambda k: L[k])


def bounds_html(found: "Bounds", shown_names: Sequence[str], true: int, q: str, image: str) -> str:
    """The bounds of one image as bars above the lowest, beside q(y|x) and softmax(-L); `image` is what it is called."""
    L, q_y, post = found.L[0], found.q_y[0], found.posterior[0]
    classes = order(L, true)
    best, most = int(L.argmin()), max(float((L[classes] - L.min()).max()), 1e-9)
    cells = [
        '<b class="h">y</b><span class="h">nats above the best</span><em class="h">L(x, y)</em>'
        f'<span class="h wide"></span><em class="h">{html.escape(q)}</em>'
        '<span class="h wide"></span><em class="h">softmax(−L)</em>'
    ]
    for k in classes:
        colour, mark = palette.colour(k, len(shown_names)), ' class="k"' if k == best else ""
        split = html.escape(", ".join(f"{TERMS[t]} {v[0, k]:.2f}" for t, v in found.terms.items()))
        cells.append(
            f"<b{mark}>{html.escape(shown_names[k])}{' <small>true</small>' if k == true else ''}</b>"
            f'<u title="{split}"><s style="width:{100 * (L[k] - L.min()) / most:.2f}%;background:{colour}"></s></u>'
            f'<em{mark} title="{split}">{L[k]:.2f} <small>± {found.spread[0, k]:.2f}</small></em>'
            f"{share(q_y[k], colour)}{share(post[k], colour)}"
        )
    said = html.escape(f"The bound of every class for {image}, in nats")
    return f'<div class="un-bound" role="img" aria-label="{said}">{"".join(cells)}</div>'


def share(p: float, colour: str) -> str:
    return (
        f'<u class="wide"><s style="width:{100 * p:.2f}%;background:{colour}"></s></u>'
        f"<em>{html.escape(figures.probability(p))}</em>"
    )


def bounds_table(found: "Bounds", shown_names: Sequence[str]) -> pd.DataFrame:
    """The bounds of one image in numbers, nats, a class a row; one row without a class for M1."""
    named = shown_names if found.L.shape[1] > 1 else [""]
    table = {"class": list(named), "bound": found.L[0], "spread": found.spread[0]}
    table |= {TERMS[t]: found.terms[t][0] for t in TERMS if t in found.terms}
    if len(named) > 1:
        table |= {"q(y|x)": found.q_y[0], "softmax(−L)": found.posterior[0]}
    return pd.DataFrame(table)


def one_image(pixels: np.ndarray, true: int, shown_names: Sequence[str], title: str, lines: Sequence[str]) -> str:
    """HTML of an image (h, w, c) beside what is known of it."""
    tile = pixels[None]
    (drawn,) = image_grid.strip(tile, (true,), len(shown_names), [html.escape(title)])
    h, w = tile.shape[1:3]
    said = "<br>".join(html.escape(line) for line in lines)
    return (
        f'<div class="un-one" style="--ratio:{w}/{h};--sheet:{image_grid.address(image_grid.lay(tile[None]))}">{drawn}'
        f"<p><strong>{html.escape(title[0].upper() + title[1:])}</strong><br>{said}</p></div>"
    )


def labelled_png(tiles: np.ndarray, lines: Sequence[Sequence[str]], title: str, below: str) -> bytes:
    """Images (n, h, w, 4), as pages draw them, with the words under each, on white, as a PNG to take away."""
    side, columns, font, small = 120, 6, ImageFont.load_default(22), ImageFont.load_default(14)
    rows = -(-len(tiles) // columns)
    cell, high = side + 24, side + 76
    wide = columns * cell + 40
    foot = image_grid.wrapped(below, small, wide - 40)
    out = Image.new("RGB", (wide, 70 + rows * high + 20 * len(foot) + 16), "white")
    pen = ImageDraw.Draw(out)
    pen.text((20, 22), title, "black", font)
    for i, tile in enumerate(tiles):
        x, y = 20 + (i % columns) * cell, 64 + (i // columns) * high
        drawn = Image.fromarray(np.ascontiguousarray(tile)).resize((side, side), Image.Resampling.NEAREST)
        out.paste(drawn, (x, y), drawn)
        pen.rectangle((x, y, x + side - 1, y + side - 1), outline="#cccccc")
        for j, line in enumerate(lines[i]):
            pen.text((x, y + side + 5 + 18 * j), ascii_arrow(line), "black" if j == 0 else "#555555", small)
    for i, line in enumerate(foot):
        pen.text((20, 70 + rows * high + 20 * i), line, "#555555", small)
    made = io.BytesIO()
    out.save(made, "PNG", optimize=True)
    return made.getvalue()


def ascii_arrow(text: str) -> str:
    """The font that comes with Pillow has no arrow."""
    return text.replace("→", ">")
