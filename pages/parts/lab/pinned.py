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

LIKELIEST, FEWER = 3, 2  # classes that get a bar; of more than two runs
LONG = 11  # characters of a class's name that have room
DRAWN = 10  # classes of which a picture is shown
GAP = 1  # pixels between two pictures of a kept sheet (models/training/snapshot.py)
STYLE = """<style>
.pn {display:grid; gap:.75rem; font-size:.8125rem; line-height:1.25;
  --pn-soft:color-mix(in srgb,currentColor 72%,transparent)}
.pn-run {display:grid; grid-template-columns:var(--pn-side) minmax(0,1fr); gap:.35rem .7rem; align-items:center}
.pn-name {display:flex; align-items:center; font-size:.875rem; min-width:0; margin-bottom:.15rem}
.pn-name b {font-weight:600; overflow:hidden; text-overflow:ellipsis; white-space:nowrap}
.pn-name em {margin-left:auto; padding-left:.4rem; font-style:normal; white-space:nowrap; color:var(--pn-soft)}
.pn-name em.wrong {font-weight:600; color:inherit}
.pn i {display:block; border-radius:.3rem; overflow:hidden; background:color-mix(in srgb,currentColor 5%,transparent)}
.pn i b {display:block; aspect-ratio:var(--ratio); image-rendering:pixelated}
.pn-none {display:grid; place-items:center; aspect-ratio:1; padding:.2rem; border-radius:.3rem; font-size:.75rem;
  line-height:1.15; text-align:center; color:var(--pn-soft);
  border:1px dashed color-mix(in srgb,currentColor 25%,transparent)}
.pn-bars {display:grid; grid-template-columns:var(--pn-names) 1fr 3.2rem; gap:.05rem .4rem; align-items:center}
.pn-bars span {overflow:hidden; text-overflow:ellipsis; white-space:nowrap}
.pn-bars u {display:block; height:.55rem; text-decoration:none; border-radius:.15rem; overflow:hidden;
  background:color-mix(in srgb,currentColor 8%,transparent)}
.pn-bars s {display:block; height:100%}
.pn-bars em {font-style:normal; text-align:right; font-variant-numeric:tabular-nums}
.pn-draws {grid-column:1/-1; display:grid; grid-template-columns:repeat(var(--pn-row),minmax(0,1fr)); gap:3px}
.pn-note {margin:0; font-size:inherit; line-height:inherit; color:var(--pn-soft)}
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
        known, id, key="lab-card", group=GROUP, space=next(iter(known.spaces), None), brief=True,
        on_pin=partial(latent_map.to_address, "lab-card"),
    )  # fmt: skip
    colours = run_cards.colours_of(folders)
    many = len(folders) > 2
    rows = "".join(
        row(folder, name, colour, kept[folder.id], id, FEWER if many else LIKELIEST)
        for folder, name, colour in zip(folders, names, colours, strict=True)
        if folder.run.dataset == known.dataset
    )
    draws = any(MODELS[f.run.model].draws for f in folders)
    of = " Left: its reconstruction. Below: new images it draws." if draws else ""
    size = "--pn-side:3.4rem;--pn-row:10" if many else "--pn-side:4.4rem;--pn-row:5"
    longest = min(LONG, max(map(len, known.classes)))
    size += f";--pn-names:{0.45 * longest + 0.3:.2f}rem"  # so that the bars of all runs begin at one line
    note = f'<p class="pn-note">Bars: its likeliest classes, q(y|x).{of}</p>'
    st.html(f'{STYLE}<div class="pn" style="{size}">{rows}{note}</div>')


def row(folder: Folder, name: str, colour: str, snapshot: SnapshotImages | None, id: int, most: int) -> str:
    """One run as HTML, with a bar for `most` classes."""
    at = np.flatnonzero(snapshot.ids == id) if snapshot is not None else []
    if snapshot is None or snapshot.q_y is None or not len(at):
        why = "Comes with its first epoch." if snapshot is None else "It keeps nothing of this image."
        return (
            f'<div class="pn-run"><div style="grid-column:1/-1">{head(name, colour, "")}'
            f'<p class="pn-note">{why}</p></div></div>'
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
        for j in map(int, np.argsort(-q, kind="stable")[:most])
    )
    card = MODELS[folder.run.model]
    without = "–" if card.draws else "no encoder" if card.pictures else "no decoder"
    made = tile(reconstruction(folder, snapshot.epoch, id), k, n, f"{name} reconstructs it", without)
    return (
        f'<div class="pn-run">{made}<div>{head(name, colour, said)}<div class="pn-bars">{bars}</div></div>'
        f"{draws(folder, n)}</div>"
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
    tiles = tiles[:DRAWN]
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
