"""The latent map: a run's probe images as points in the plane, each showing its image when one looks at it.

A component of a few files beside this one, without a build step. The points and all by which they can be coloured or
filtered go to the browser once; from then on, colouring, filtering, zooming and hovering send nothing. A click sends
one id. Components that name the same `group` look at the same image, in the same colours and with the same filters.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.components.v2.types import ComponentRenderer
from streamlit.runtime import get_instance

import data
from data import DATASETS
from data import sheets as drawn
from models import latents
from models.latents import LatentError, Probe
from models.store import Folder
from models.whole import Whole
from pages.parts import latent_sheets, palette

HERE = Path(__file__).parent


def declare(part: str) -> ComponentRenderer:
    """A component made of what both share and of its own part."""
    css, js = ("".join((HERE / f"latent_{p}.{kind}").read_text() for p in ("common", part)) for kind in ("css", "js"))
    return st.components.v2.component(f"few_labels_latent_{part}", css=css, js=js)


MAP, CARD = declare("map"), declare("card")
# Sure to unsure: away from the background, so that what is unsure stands out on a light and on a dark page.
ENTROPY = {
    "light": ["#d3dcec", "#a9a6dc", "#9a63bd", "#a42a78", "#7c0f2e"],
    "dark": ["#333b55", "#5b55a8", "#a9589f", "#ee8168", "#ffe08a"],
}
SHEET_COLUMNS, SHEET_IMAGES = drawn.COLUMNS, drawn.EACH
ALIGNED = 100  # epochs before the one shown that are laid out, each as the one before it: more would take seconds
BARS = 10  # classes whose probability gets a bar of its own


@dataclass(frozen=True)
class Place:
    """One space of one snapshot laid out in the plane."""

    xy: np.ndarray  # float32 (n, 2), in the order of the probe's ids
    projection: str  # "pca" or "umap": what it is
    version: str  # names it, for the browser
    frame: str  # what it is a picture of: as long as this stays, the browser keeps its zoom
    turn: np.ndarray = field(default_factory=lambda: np.eye(2))  # (2, 2), by which it was turned to lie as another does


@dataclass(frozen=True)
class Figures:
    """What can be said of a space in numbers."""

    agreement: float  # the share of an image's 10 nearest neighbours that have its class
    active: int  # dimensions that vary over the images, see models/latents.py
    size: int  # dimensions


def look(folder: Folder, epoch: int | None = None) -> Probe | None:
    """The probe images of a run after `epoch` or its latest one, kept for all viewers. Raises as `latents.probe`."""
    kept = dict(folder.snapshots())
    if not kept:
        return None
    epoch = max(kept) if epoch not in kept else epoch
    return _probe(folder.path, epoch, stamp(kept[epoch]))


def lay(folder: Folder, probe: Probe, space: str, projection: str) -> Place:
    """`space` of `probe` in the plane: by UMAP, if that is asked for and there, else by PCA. Raises LatentError.

    Both are turned so that each epoch lies as the one before it did: the cloud unfolds, it does not tumble.
    """
    frame = frames(folder, probe.epoch, space).get(probe.epoch)
    if frame is None or len(frame.ids) != len(probe.ids):
        raise LatentError("This snapshot has just been replaced. Reload the page.")
    version = f"{folder.id} {probe.epoch} {space} {len(probe.ids)}"
    if projection == "umap":
        xy = latents.read_map(folder.path, space, probe.epoch, probe.ids)
        if xy is not None:
            return Place((xy @ frame.turn).astype(np.float32), "umap", f"{version} umap", f"umap {space}")
    return Place(frame.xy, "pca", f"{version} pca", f"pca {space}")


def frames(folder: Folder, last: int, space: str) -> dict[int, "_Frame"]:
    """The PCA of `space` after each epoch up to `last`, each turned to lie as the one before it did.

    Epochs whose snapshot is damaged, or diverged, are left out. Raises LatentError if the last is one of them.
    """
    made, frame = {}, None
    for epoch, path in [s for s in folder.snapshots() if s[0] <= last][-ALIGNED:]:
        try:
            made[epoch] = frame = _frame(folder.path, epoch, stamp(path), space, frame)
        except LatentError:
            if epoch == last:
                raise
    return made


def turned(place: Place, probe: Probe, like: Place, of: Probe) -> Place:
    """`place` of `probe` turned or mirrored so that its images lie as they do in `like` of another run."""
    turn = latents.turn(place.xy, probe.ids, like.xy, of.ids)
    xy = (place.xy @ turn).astype(np.float32)
    return replace(place, xy=xy, version=f"{place.version} as {like.version}", turn=place.turn @ turn)


def figures(folder: Folder, probe: Probe, space: str) -> Figures:
    """The figures of a space, kept for all viewers."""
    path = dict(folder.snapshots()).get(probe.epoch, folder.path)
    if isinstance(probe, Whole):
        path = folder.whole_path(probe.epoch)
    return _figures(folder.path, probe.epoch, stamp(path), space, probe)


@dataclass(frozen=True)
class _Frame:
    ids: np.ndarray
    xy: np.ndarray  # PCA, turned
    turn: np.ndarray  # (2, 2)


@st.cache_resource(show_spinner=False, max_entries=24)
def _probe(folder: Path, epoch: int, stamp: int) -> Probe | None:
    return latents.probe(Folder(folder), epoch)


@st.cache_resource(show_spinner=False, max_entries=25 * ALIGNED)  # some tens of kilobytes each
def _frame(folder: Path, epoch: int, stamp: int, space: str, _before: _Frame | None) -> _Frame:
    snapshot = latents.read(folder, epoch)
    if snapshot is None or space not in snapshot.spaces:
        raise LatentError(f"This run has no {space} after epoch {epoch}.")
    xy = latents.pca(snapshot.spaces[space])
    turn = np.eye(2) if _before is None else latents.turn(xy, snapshot.ids, _before.xy, _before.ids)
    return _Frame(snapshot.ids, (xy @ turn).astype(np.float32), turn)


@st.cache_resource(show_spinner=False, max_entries=200)
def _figures(folder: Path, epoch: int, stamp: int, space: str, _probe: Probe) -> Figures:
    z = _probe.spaces[space]
    alike = _probe.alike[space] if isinstance(_probe, Whole) else latents.agreement(z, _probe.true)
    return Figures(alike, latents.active(z), z.shape[1])


def stamp(path: Path) -> int:
    """Tells a file from the one that replaced it."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def latent_map(
    probe: Probe,
    place: Place,
    *,
    key: str,
    group: str,
    label: str,
    note: str = "",
    busy: str = "",
    colour: str = "class",
    height: int = 560,
    chrome: bool = True,
    film: dict | None = None,
    on_pin: Callable[[], None] = lambda: None,
) -> int | None:
    """Draw the images of `probe` where `place` has them; returns the id just clicked, if one was.

    `key` stays the same for as long as points are to travel from one picture to the next. `label` says in words what
    is seen; `note` what an accuracy rests on ("100 labels, seed 0"); `busy` what is still going on. Without `chrome`
    there is only the map: its colours and legend come from a `legend` of the same group. `film` is `Film.data()`, and
    lets a scrubber of the group move the points through the epochs. `on_pin` is for a map without
    a card in its group; the id clicked is in `st.session_state[key].pin` then.
    """
    xy = place.xy
    points = pd.DataFrame(
        {
            "id": probe.ids.astype(np.int32),
            "x": xy[:, 0].astype(np.float32),
            "y": xy[:, 1].astype(np.float32),
            "true": probe.true.astype(np.int16),
            "predicted": probe.predicted.astype(np.int16),
            "sure": probe.sure.astype(np.float32),
            "entropy": probe.entropy.astype(np.float32),
            "kind": probe.kind.astype(np.uint8),
            "tile": np.arange(len(xy), dtype=np.int32),
        }
    )
    given = MAP(
        key=key,
        data={
            "part": "map",
            "key": key,
            "points": points,
            "version": place.version,
            "frame": place.frame,
            "height": height,
            "chrome": chrome,
            "label": label,
            "note": note,
            "busy": busy,
            "sheets": sheets(probe),
            **colours(probe, group, colour),
            **(film or {}),
        },
        on_pin_change=on_pin,
    )
    return given.get("pin")


def legend(probe: Probe, *, key: str, group: str, colour: str = "class") -> None:
    """Colours, filter and legend of several maps of one data set."""
    MAP(key=key, data={"part": "legend", **colours(probe, group, colour)})


def card(
    probe: Probe,
    id: int | None,
    *,
    key: str,
    group: str,
    space: str,
    marks: bool = True,
    on_pin: Callable[[], None] = lambda: None,
) -> None:
    """The pinned image `id`: what it is, q(y|x) as bars, its neighbours in `space`. With None: how to pin one.

    With `marks` the maps of the group point at the neighbours, too. The card also takes the clicks on the maps of its
    group: `on_pin` runs then, and the id, or None to unpin, is in `st.session_state[key].pin`. Put it into a fragment,
    and a click draws only the card anew.
    """
    found = np.flatnonzero(probe.ids == id) if id is not None else []
    data: dict = {"id": None, "marks": marks, **colours(probe, group, "class")}
    if len(found):
        row = int(found[0])
        near, distances = latents.nearest(probe.spaces[space], row)
        data |= {
            "id": int(probe.ids[row]),
            "kind": int(probe.kind[row]),
            "tile": row,
            "true": int(probe.true[row]),
            "sheets": sheets(probe),
            "space": space,
            "near": [
                {
                    "id": int(probe.ids[i]),
                    "tile": int(i),
                    "true": int(probe.true[i]),
                    "kind": int(probe.kind[i]),
                    "distance": round(float(d), 3),
                }
                for i, d in zip(near, distances, strict=True)
            ],
            **(bars(probe, row) if probe.q_y is not None else {}),
        }
    CARD(key=key, data=data, on_pin_change=on_pin)


def to_address(key: str) -> None:
    """For `on_pin`: write the image clicked in the component `key` into the address, as ?image=."""
    id = st.session_state[key].pin
    if isinstance(id, int) and not isinstance(id, bool):
        st.query_params["image"] = str(id)
    else:
        st.query_params.pop("image", None)


def bars(probe: Probe, row: int) -> dict:
    """q(y|x) of one image: all classes in order if they are few, else the likeliest and the true one, and the rest."""
    q, true = probe.q_y[row], int(probe.true[row])
    shown = list(range(len(q)))
    if len(q) > BARS:
        shown = sorted({*np.argsort(-q, kind="stable")[: BARS - 1].tolist(), true}, key=lambda k: -q[k])
    rest = {"n": len(q) - len(shown), "p": max(0.0, 1 - float(q[shown].sum()))}
    return {
        "bars": [{"k": k, "p": round(float(q[k]), 5)} for k in shown],
        "rest": rest if rest["n"] else None,
        "predicted": int(probe.predicted[row]),
        "entropy": round(float(probe.entropy[row]), 4),
    }


def colours(probe: Probe, group: str, colour: str) -> dict:
    """What every part of a group needs to know to colour and to name."""
    n = len(probe.classes)
    return {
        "group": group,
        "colour": colour,
        "classes": list(probe.classes),
        "colours": palette.class_colours(n),
        "right": palette.RIGHT,
        "wrong": palette.WRONG,
        "grey": palette.UNLABELLED,
        "entropy": ENTROPY,
        "modes": ["class", "kind"] if probe.q_y is None else ["class", "sure", "predicted", "right", "kind", "entropy"],
        "q": probe.q,
    }


def sheets(probe: Probe) -> dict:
    """Where the browser finds the images of `probe`: addresses of sheets, and how a sheet is laid out."""
    if isinstance(probe, Whole):
        return latent_sheets.whole(probe.dataset)
    digest = hashlib.blake2b(probe.ids.tobytes(), digest_size=12).hexdigest()
    kind, made = make_sheets(probe.dataset, digest, probe.ids)
    files = get_instance().media_file_mgr
    urls = [files.add(image, kind, f"latent-sheet-{probe.dataset}-{digest}-{i}") for i, image in enumerate(made)]
    _, h, w = DATASETS[probe.dataset].shape
    return {"urls": urls, "tile": [h, w], "columns": SHEET_COLUMNS, "each": SHEET_IMAGES}


@st.cache_resource(show_spinner=False, max_entries=12)
def make_sheets(dataset: str, digest: str, _ids: np.ndarray) -> tuple[str, list[bytes]]:
    """The images `_ids` (named by `digest`, for the cache) as sheets: (mime type, files). Colour ones as JPEG."""
    images = data.load(dataset)
    parts = (_ids[start : start + SHEET_IMAGES] for start in range(0, len(_ids), SHEET_IMAGES))
    made = [drawn.draw(data.pixels(images, part)) for part in parts]
    return ("image/png" if images.shape[0] == 1 else "image/jpeg"), [file for _, file in made]
