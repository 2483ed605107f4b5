"""What every run makes of the pinned image: its likeliest classes, its reconstruction, and what it draws itself.

All from what a run keeps after each epoch: no model is loaded, and a look takes a few milliseconds.
"""

import html
import io
from collections.abc import Sequence
from functools import partial

import numpy as np
import streamlit as st
from PIL import Image

from data import DATASETS
from models import MODELS
from models.analysis import door
from models.analysis.snapshots import SnapshotImages
from models.errors import UserError
from models.runs import records
from models.runs.store import Folder
from pages.parts.compare.compared_runs import look
from pages.parts.components import latent_map as map_component
from pages.parts.lab.live_maps import GROUP
from pages.parts.shared import figures, image_grid, latent_map, palette, pinned_image, run_cards

LIKELIEST = 3  # classes that get a bar
GAP = 1  # pixels between two pictures of a kept sheet (models/training/snapshot.py)
STYLE = """<style>
.pn {display:grid; gap:.55rem}
.pn-run {display:grid; grid-template-columns:2.6rem minmax(0,1fr); gap:.15rem .55rem; align-items:center}
.pn-name {grid-column:1/-1; display:flex; align-items:center; font-size:.8rem; line-height:1.2; min-width:0}
.pn-name b {font-weight:600; overflow:hidden; text-overflow:ellipsis; white-space:nowrap}
.pn-name em {margin-left:auto; font-style:normal; white-space:nowrap; opacity:.75}
.pn-name em.wrong {font-weight:600; opacity:1}
.pn i {display:block; border-radius:.3rem; overflow:hidden; background:color-mix(in srgb,currentColor 5%,transparent)}
.pn i b {display:block; aspect-ratio:var(--ratio); image-rendering:pixelated}
.pn-none {font-size:.65rem; line-height:1.15; opacity:.7; text-align:center}
.pn-bars {display:grid; grid-template-columns:minmax(0,max-content) 1fr 2.6rem; gap:.05rem .35rem; align-items:center;
  font-size:.72rem; line-height:1.2}
.pn-bars span {max-width:5.5rem; overflow:hidden; text-overflow:ellipsis; white-space:nowrap}
.pn-bars u {display:block; height:.55rem; text-decoration:none; border-radius:.15rem; overflow:hidden;
  background:color-mix(in srgb,currentColor 8%,transparent)}
.pn-bars s {display:block; height:100%}
.pn-bars em {font-style:normal; text-align:right; font-variant-numeric:tabular-nums}
.pn-draws {grid-column:1/-1; display:grid; grid-template-columns:repeat(10,minmax(0,1fr)); gap:2px}
.pn-note {font-size:.75rem; line-height:1.35; opacity:.75; margin:0}
</style>"""


def show(folders: Sequence[Folder], names: Sequence[str]) -> None:
    """The image, and a row for each run. For a fragment: a click on a point of a map draws this anew."""
    kept = {f.id: look(f)[0] for f in folders}
    known = next((s for s in kept.values() if s is not None), None)
    if known is None:
        st.caption("What each run makes of an image comes with its first epoch.")
        return
    shown = [(f, s) for f in folders if (s := kept[f.id]) is not None and s.dataset == known.dataset]
    id = pinned_image.asked(known)
    id = pinned_image.telling(shown) if id is None else id
    map_component.card(
        known, id, key="lab-card", group=GROUP, space=next(iter(known.spaces)), brief=True,
        on_pin=partial(latent_map.to_address, "lab-card"),
    )  # fmt: skip
    colours = run_cards.colours_of(folders)
    rows = "".join(
        row(folder, name, colour, kept[folder.id], id)
        for folder, name, colour in zip(folders, names, colours, strict=True)
        if folder.run.dataset == known.dataset
    )
    draws = any(MODELS[f.run.model].draws for f in folders)
    of = " Left: its reconstruction. Below: one new image of each class, drawn by the model." if draws else ""
    st.html(f'{STYLE}<div class="pn">{rows}<p class="pn-note">Bars: the likeliest classes, q(y|x).{of}</p></div>')


def row(folder: Folder, name: str, colour: str, snapshot: SnapshotImages | None, id: int) -> str:
    """One run as HTML."""
    at = np.flatnonzero(snapshot.ids == id) if snapshot is not None else []
    if snapshot is None or snapshot.q_y is None or not len(at):
        why = "Comes with its first epoch." if snapshot is None else "It keeps nothing of this image."
        return (
            f'<div class="pn-run">{head(name, colour, "")}<p class="pn-note" style="grid-column:1/-1">{why}</p></div>'
        )
    q, true, n = snapshot.q_y[at[0]], int(snapshot.true[at[0]]), len(snapshot.classes)
    k = int(q.argmax())
    verdict = "correct" if k == true else "wrong"
    mark = "✓" if k == true else "✗"
    said = f'<em class="{verdict}">{image_grid.safe(k, snapshot.classes)} {mark} {verdict}</em>'
    bars = "".join(
        f"<span>{image_grid.safe(j, snapshot.classes)}</span>"
        f'<u><s style="width:{100 * q[j]:.1f}%;background:{palette.colour(j, n)}"></s></u>'
        f"<em>{figures.probability(float(q[j]))}</em>"
        for j in map(int, np.argsort(-q, kind="stable")[:LIKELIEST])
    )
    without = "–" if MODELS[folder.run.model].draws else "no p(x)"
    made = tile(reconstruction(folder, snapshot.epoch, id), k, n, f"{name} reconstructs it", without)
    return (
        f'<div class="pn-run">{head(name, colour, said)}{made}<div class="pn-bars">{bars}</div>{draws(folder, n)}</div>'
    )


def head(name: str, colour: str, said: str) -> str:
    title = html.escape(name)
    return f'<div class="pn-name">{palette.line_mark(colour)}<b title="{title}">{title}</b>{said}</div>'


def reconstruction(folder: Folder, epoch: int, id: int) -> np.ndarray | str:
    """The image as the run draws it anew, uint8 (h, w, c), or why there is none."""
    try:
        return door.ask("reconstruction", folder, epoch=epoch, id=id)
    except UserError as e:
        return str(e)


def tile(made: np.ndarray | str, k: int, n: int, says: str, without: str) -> str:
    """A picture as HTML; in place of one that cannot be, `without`, which says why under the pointer."""
    if isinstance(made, str):
        return f'<div class="pn-none" title="{html.escape(made, quote=True)}">{without}</div>'
    (shown,) = image_grid.strip(made[None], (k,), n, (html.escape(says, quote=True),))
    h, w = made.shape[:2]
    return f'<div style="--ratio:{w}/{h};--sheet:{image_grid.address(image_grid.lay(made[None, None]))}">{shown}</div>'


def draws(folder: Folder, n: int) -> str:
    """The first picture of each class of the latest sheet of samples, as HTML; "" if there is none."""
    kept = folder.samples()
    picture = records.picture(kept[-1][1]) if kept else None
    if picture is None:
        return ""
    tiles = first_column(np.asarray(Image.open(io.BytesIO(picture))), DATASETS[folder.run.dataset].shape)
    if tiles is None:
        return ""
    says = [f"A new image of class {k} after epoch {kept[-1][0]}" for k in range(len(tiles))]
    every = "".join(image_grid.strip(tiles, range(len(tiles)), n, says))
    h, w = tiles.shape[1:3]
    look = f"--ratio:{w}/{h};--sheet:{image_grid.address(image_grid.lay(tiles[None]))}"
    return f'<div class="pn-draws" style="{look}">{every}</div>'


def first_column(sheet: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray | None:
    """The pictures (rows, h, w, c) in the first column of a kept sheet; None if it is none of such pictures."""
    c, h, w = shape
    sheet = sheet[..., None] if sheet.ndim == 2 else sheet
    rows = (sheet.shape[0] + GAP) // (h + GAP)
    if not rows or sheet.shape[-1] != c or sheet.shape[1] < w or rows * (h + GAP) - GAP != sheet.shape[0]:
        return None
    return np.stack([sheet[i * (h + GAP) : i * (h + GAP) + h, :w] for i in range(rows)])
