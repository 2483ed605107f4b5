"""The latent map: images as points in the plane, each showing its image when one looks at it; and what belongs to it.

A map, a legend for several maps, the card of the pinned image, the grid of a lasso and the scrubber of a film are
components of their own, so that a click on a point sends no map again. Those that name the same `group` look at the
same image, in the same colours and with the same filters. The points and all by which they can be coloured or filtered
go to the browser once; from then on, colouring, filtering, zooming and hovering send nothing. A click sends one id.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

import data
from data import DATASETS
from data import sheets as drawn
from models.analysis import snapshots
from models.analysis.full_dataset import FullDataset
from models.analysis.snapshots import SnapshotImages
from pages.parts.components import component, serving
from pages.parts.shared import dataset_sheets, palette


def declare(part: str) -> ComponentRenderer:
    return component(f"latent_{part}", f"latent_map/{part}.js", css_of(part))


def css_of(part: str) -> tuple[str, ...]:
    """The styles of a part: paths below the components' folder."""
    return "shared/common.css", f"latent_map/{part}.css"


MAP, CARD, GRID, SCRUBBER, SCORE, HEADLINE = (
    declare(part) for part in ("map", "card", "grid", "scrubber", "score", "headline")
)
# Sure to unsure: away from the background, so that what is unsure stands out on a light and on a dark page.
ENTROPY = {
    "light": ["#d3dcec", "#a9a6dc", "#9a63bd", "#a42a78", "#7c0f2e"],
    "dark": ["#333b55", "#5b55a8", "#a9589f", "#ee8168", "#ffe08a"],
}
SHEET_COLUMNS, SHEET_IMAGES = drawn.COLUMNS, drawn.EACH
Pixels = Callable[[str, np.ndarray], np.ndarray]  # images of a data set by their ids, uint8 (n, c, h, w)
BARS = 10  # classes whose probability gets a bar of its own


@dataclass(frozen=True)
class Layout:
    """One space of one snapshot laid out in the plane."""

    xy: np.ndarray  # float32 (n, 2), in the order of the snapshot's ids
    projection: str  # "pca", "umap", "tsne", "axes" or "classes": what it is
    title: str  # the same in words, and of what space
    version: str  # names it, for the browser
    frame: str  # what it is a picture of: as long as this stays, the browser keeps its zoom
    two: tuple[int, int] = (0, 1)  # the dimensions, or classes, of "axes" and "classes"
    axes: tuple[str, ...] = ()  # what xy are, to the right and upwards, where they have a unit of their own
    turn: np.ndarray = field(default_factory=lambda: np.eye(2))  # (2, 2), by which it was turned to lie as another does


def show(
    snapshot: SnapshotImages,
    positions: Layout,
    *,
    key: str,
    on_pin: Callable[[], None] = lambda: None,
    images: dict | None = None,
    **how: Any,
) -> int | None:
    """Draw the images of `snapshot` where `positions` has them; returns the id just clicked, if one was.

    `images` says where the browser finds them, if they are not those of a data set that is here; `how` is all else that
    `map_data` takes. The id clicked is in `st.session_state[key].pin` then; `on_pin` is for a map without a card in its
    group.
    """
    data = map_data(snapshot, positions, images or sheets(snapshot), key=key, **how)
    given = MAP(key=key, data=data, on_pin_change=on_pin)
    return given.get("pin")


def map_data(
    snapshot: SnapshotImages,
    positions: Layout,
    sheets: dict,
    *,
    key: str,
    group: str,
    label: str,
    note: str = "",
    claim: str = "",
    busy: str = "",
    colour: str = "class",
    height: int = 720,
    chrome: bool = True,
    compact: bool = False,
    only: Sequence[int] = (),
    film: dict | None = None,
) -> dict:
    """What the browser draws a map from: numbers, words, and tables as pandas DataFrames.

    `sheets` says where it finds the images, as `sheets()` does. `key` stays the same for as long as points are to
    travel from one picture to the next. `label` says in words what is seen; `claim` what to see in it, its headline;
    `note` what an accuracy rests on ("100 labels, seed 0"); `busy` what is still going on. Without `chrome` there is
    only the map: its colours and legend come from a `legend` of the same group; and if it is `compact`, nothing stands
    below it and its buttons appear under the pointer. `only`: the true classes that are in colour until one chooses
    others; the rest is pale. `film` is `Film.data()`, and lets a scrubber of the group move the points through the
    epochs.
    """
    xy = positions.xy
    points = pd.DataFrame(
        {
            "id": snapshot.ids.astype(np.int32),
            "x": xy[:, 0].astype(np.float32),
            "y": xy[:, 1].astype(np.float32),
            "true": snapshot.true.astype(np.int16),
            "predicted": snapshot.predicted.astype(np.int16),
            "sure": snapshot.sure.astype(np.float32),
            "entropy": snapshot.entropy.astype(np.float32),
            "kind": snapshot.kind.astype(np.uint8),
            "tile": np.arange(len(xy), dtype=np.int32),
        }
    )
    return {
        "part": "map",
        "key": key,
        "points": points,
        "version": positions.version,
        "frame": positions.frame,
        "axes": list(positions.axes),
        "height": height,
        "chrome": chrome,
        "compact": compact,
        "only": [int(k) for k in only],
        "label": label,
        "note": note,
        "claim": claim,
        "busy": busy,
        "sheets": sheets,
        **colours(snapshot, group, colour),
        **(film or {}),
    }


def legend(
    snapshot: SnapshotImages,
    *,
    key: str,
    group: str,
    colour: str = "class",
    compact: bool = False,
    shows: str = "",
    folded: bool = False,
) -> None:
    """Colours, filter and legend of several maps of one data set; `compact`: in as few lines as it takes.

    `shows`: "legend" or "controls", for a page where these stand apart. `folded`: the filter behind a button.
    """
    MAP(key=key, data=legend_data(snapshot, group, colour) | {"compact": compact, "shows": shows, "folded": folded})


def legend_data(snapshot: SnapshotImages, group: str, colour: str) -> dict:
    return {"part": "legend", **colours(snapshot, group, colour)}


def card(
    snapshot: SnapshotImages,
    id: int | None,
    *,
    key: str,
    group: str,
    space: str | None,
    marks: bool = True,
    brief: bool = False,
    note: str = "",
    close: bool = True,
    on_pin: Callable[[], None] = lambda: None,
) -> None:
    """The pinned image `id`: what it is, q(y|x) as bars, its neighbours in `space`. With None: how to pin one.

    `brief`: only what image it is, for a page that says below what several runs make of it. `note`: why it is this one.
    `close`: whether the pin can be taken away.

    With `marks` the maps of the group point at the neighbours, too. The card also takes the clicks on the maps of its
    group: `on_pin` runs then, and the id, or None to unpin, is in `st.session_state[key].pin`. Put it into a fragment,
    and a click draws only the card anew.
    """
    found = np.flatnonzero(snapshot.ids == id) if id is not None else []
    data: dict = {"id": None, "marks": marks, **colours(snapshot, group, "class")}
    if len(found):
        row = int(found[0])
        data |= {
            "id": int(snapshot.ids[row]),
            "kind": int(snapshot.kind[row]),
            "tile": row,
            "true": int(snapshot.true[row]),
            "sheets": sheets(snapshot),
            "brief": brief,
            "note": note,
            "close": close,
            **({} if brief else seen_by_run(snapshot, row, space)),
        }
    CARD(key=key, data=data, on_pin_change=on_pin)


def seen_by_run(snapshot: SnapshotImages, row: int, space: str | None) -> dict:
    """What the run itself makes of an image: q(y|x), and its neighbours in `space`, if the run has kept any."""
    near, distances = ([], []) if space is None else snapshots.nearest(snapshot.spaces[space], row)
    return {
        "space": space,
        "near": [
            {
                "id": int(snapshot.ids[i]),
                "tile": int(i),
                "true": int(snapshot.true[i]),
                "kind": int(snapshot.kind[i]),
                "distance": round(float(d), 3),
            }
            for i, d in zip(near, distances, strict=True)
        ],
        **(bars(snapshot, row) if snapshot.q_y is not None else {}),
    }


def grid(snapshot: SnapshotImages, *, key: str, group: str, file: str, maps: Mapping[str, str] | None = None) -> None:
    """Show the images selected in the maps of `group`; with none selected, a sentence that says how.

    `snapshot` is what one of the maps shows, for the names and colours of its classes. `file` is what downloads are
    called. Where there are several maps, `maps` names each: {its key: a short name of its run}, in their order.
    """
    GRID(
        key=key,
        data={"part": "grid", "file": file, "maps": list((maps or {}).items()), **colours(snapshot, group, "class")},
    )


def scrubber(
    epochs: Sequence[int],
    at: int | None,
    *,
    key: str,
    group: str,
    names: Sequence[str] = (),
    colours: Sequence[str] = (),
    plays: str = "",
    on_epoch: Callable[[], None] = lambda: None,
) -> None:
    """A slider over `epochs` that moves every map of the group, and plays.

    `at`: where it stands at first; None: the end. It plays by itself, once for each name that `plays` is given, unless
    the browser asks for reduced motion. With the names and colours of the classes it also says who moved from
    which class to which since the picture before.
    When one lets go of it `on_epoch` runs, and the epoch, or None at the end, is in `st.session_state[key].epoch`.
    """
    SCRUBBER(key=key, data=scrubber_data(epochs, at, group, names, colours, plays), on_epoch_change=on_epoch)


def scrubber_data(
    epochs: Sequence[int],
    at: int | None,
    group: str,
    names: Sequence[str] = (),
    colours: Sequence[str] = (),
    plays: str = "",
) -> dict:
    return {
        "group": group,
        "epochs": list(epochs),
        "at": at,
        "names": list(names),
        "colours": list(colours),
        "plays": plays,
    }


def score(epochs: Sequence[int], accuracy: Sequence[float], *, key: str, **how: Any) -> None:
    """The accuracy (0 to 1) after each of `epochs` on `images` test images, in large: it counts up as the group's film
    plays. `how` is all else that `score_data` takes."""
    SCORE(key=key, data=score_data(epochs, accuracy, **how))


def score_data(
    epochs: Sequence[int],
    accuracy: Sequence[float],
    group: str,
    images: int,
    label: str,
    colour: str,
    name: str = "",
    ends: bool = True,
) -> dict:
    """`name`: of the run, beside the number, unless it stands elsewhere. `ends`: whether a mark says where it ends."""
    return {
        "group": group, "epochs": list(epochs), "accuracy": list(accuracy), "images": images, "label": label,
        "colour": colour, "name": name, "ends": ends,
    }  # fmt: skip


def headline(said: Mapping[int, str], *, key: str, group: str) -> None:
    """A heading that says something after each epoch of the group's film, in plain text: {epoch: sentence}."""
    HEADLINE(key=key, data=headline_data(said, group))


def headline_data(said: Mapping[int, str], group: str) -> dict:
    return {"group": group, "epochs": list(said), "says": list(said.values())}


def bars(snapshot: SnapshotImages, row: int) -> dict:
    """q(y|x) of one image: all classes in order if they are few, else the likeliest and the true one, and the rest."""
    q, true = snapshot.q_y[row], int(snapshot.true[row])
    shown = list(range(len(q)))
    if len(q) > BARS:
        shown = sorted({*np.argsort(-q, kind="stable")[: BARS - 1].tolist(), true}, key=lambda k: -q[k])
    rest = {"n": len(q) - len(shown), "p": max(0.0, 1 - float(q[shown].sum()))}
    return {
        "bars": [{"k": k, "p": round(float(q[k]), 5)} for k in shown],
        "rest": rest if rest["n"] else None,
        "predicted": int(snapshot.predicted[row]),
        "entropy": round(float(snapshot.entropy[row]), 4),
    }


def colours(snapshot: SnapshotImages, group: str, colour: str) -> dict:
    """What every part of a group needs to know to colour and to name."""
    n = len(snapshot.classes)
    return {
        "group": group,
        "colour": colour,
        "classes": list(snapshot.classes),
        "colours": palette.class_colours(n),
        "right": palette.RIGHT,
        "wrong": palette.WRONG,
        "grey": palette.UNLABELLED,
        "entropy": ENTROPY,
        "modes": ["class", "kind"]
        if snapshot.q_y is None
        else ["class", "sure", "predicted", "right", "kind", "entropy"],
        "ringed": bool((snapshot.kind == snapshots.LABELLED).any()),
        "tested": bool((snapshot.kind == snapshots.TEST).any()),
        "q": snapshot.q,
    }


def sheets(snapshot: SnapshotImages) -> dict:
    """Where the browser finds the images of `snapshot`: addresses of sheets, and how a sheet is laid out."""
    if isinstance(snapshot, FullDataset):
        return dataset_sheets.full_dataset(snapshot.dataset)
    return served_sheets(snapshot.dataset, snapshot.ids, "latent")


def pixels_of(dataset: str, ids: np.ndarray) -> np.ndarray:
    """Images of a data set that is here, uint8 (n, c, h, w)."""
    return data.pixels(data.load(dataset), ids)


def served_sheets(dataset: str, ids: np.ndarray, name: str, pixels: Pixels = pixels_of) -> dict:
    """Sheets of the images `ids`, served from memory; `name` begins the names of the files."""
    digest = digest_of(ids)
    kind, made = make_sheets(dataset, digest, ids, pixels)
    return sheets_at(
        dataset, [serving.serve(image, kind, f"{name}-sheet-{dataset}-{digest}-{i}") for i, image in enumerate(made)]
    )


def digest_of(ids: np.ndarray) -> str:
    """A name for these images in this order."""
    return hashlib.blake2b(ids.tobytes(), digest_size=12).hexdigest()


def sheets_at(dataset: str, urls: list[str]) -> dict:
    """Sheets of images of a data set that lie at these addresses."""
    spec = DATASETS[dataset]
    _, h, w = spec.shape
    return {"urls": urls, "tile": [h, w], "columns": SHEET_COLUMNS, "each": SHEET_IMAGES, "grey": spec.grey}


@st.cache_resource(show_spinner=False, max_entries=12)
def make_sheets(dataset: str, digest: str, _ids: np.ndarray, _pixels: Pixels = pixels_of) -> tuple[str, list[bytes]]:
    """The images `_ids` (named by `digest`, for the cache) as sheets: (mime type, files). Colour ones as JPEG."""
    parts = (_ids[start : start + SHEET_IMAGES] for start in range(0, len(_ids), SHEET_IMAGES))
    made = [drawn.draw(_pixels(dataset, part)) for part in parts]
    return ("image/png" if DATASETS[dataset].grey else "image/jpeg"), [file for _, file in made]
