"""A walk between two images: z goes from the code of one to that of the other, every picture on the way is shown."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

import data
from models import MODELS
from models.analysis import door
from models.runs.store import Folder
from pages.parts.components import serving
from pages.parts.components.walk import walk
from pages.parts.inside import image_picker
from pages.parts.shared import figures, image_grid, palette, url_state

SHOWN = 13  # pictures of the sheet to take away: those that the strip shows
WHY = (
    "An arc, for halfway along a straight line z would be nearer to 0 than that of any image, and its "
    "picture an average."
)


def section(folder: Folder, stamp: tuple, names: Sequence[str], of: str) -> None:
    st.markdown("**Drag the slider, or press Play:** z goes from the code of one image to that of the other.")
    toy = st.container()
    images, model = data.load(folder.run.dataset), folder.run.model
    another_class = int(np.argmax(images.y_test != images.y_test[0]))
    left, right = st.columns(2, gap="large")
    with left:
        first = image_picker.choose_any("from", "From", folder, -1)
    with right:
        second = image_picker.choose_any("to", "To", folder, -1 - another_class)
    with toy, st.spinner("Generating"):
        way = vars(door.ask("walk", folder, first=first, second=second))
    classes = way["q_y"].argmax(1)
    rows = [row_name(says, classes, names) for says in way["says"]]
    with toy:
        st.fragment(show)(folder, stamp, way, rows, names, (first, second))
    q_z = (
        "the mean of q(z|x,y)"
        if MODELS[model].encoder(folder.run.settings) != MODELS[model].q_z
        else "the mean of q(z|x), eq. 5,"
    )
    ends = " and ".join(
        f"{image_picker.title_of(i)} is {image_grid.name_of(image_picker.class_of(images, i), names)}, taken for "
        f"{image_grid.name_of(k, names)}" for i, k in zip((first, second), classes, strict=True)
    )  # fmt: skip
    what = MODELS[model].generative.walk.format(q_z=q_z)
    if "changes" in way["says"]:
        a, b = (image_grid.name_of(k, names) for k in classes)
        what += f" In the first row y is {b} with a probability that grows evenly from 0 to 1, and {a} otherwise."
    st.caption(f"{what} The ends are the two reconstructions: {ends}. {WHY} {of}")
    kept = np.linspace(0, way["tiles"].shape[1] - 1, SHOWN).round().astype(int)
    st.download_button(
        "Strip as PNG",
        lambda: image_grid.labelled_png(
            way["tiles"][:, kept], way["y"][:, kept], names,
            f"{MODELS[model].title}: from {image_picker.title_of(first)} to {image_picker.title_of(second)}",
            f"{what} The ends are the two reconstructions: {ends}. {of} Run {folder.id}.", rows,
        ),
        file_name=f"{folder.id}-walk-{first}-{second}.png",
        mime="image/png",
        icon=":material/download:",
        on_click="ignore",
    )  # fmt: skip


def row_name(says: str, classes: Sequence[int], names: Sequence[str]) -> str:
    """What y does in a row, in words."""
    a, b = (image_grid.name_of(k, names) for k in classes)
    return {
        "changes": f"y goes from {a} to {b}",
        "first": f"y stays {a}",
        "second": f"y stays {b}",
        "none": "z alone",
    }[says]


def inks(says: str, y: np.ndarray, n: int) -> list[str]:
    """The colour of each picture: that of its class, and where y passes from one class to another evenly so."""
    if says != "changes":
        return [palette.colour(int(k), n) for k in y]
    a, b = (np.array(list(bytes.fromhex(palette.colour(int(k), n)[1:]))) for k in y[[0, -1]])
    return ["#" + bytes(np.rint(a + (b - a) * t).astype(np.uint8)).hex() for t in np.linspace(0, 1, len(y))]


def show(
    folder: Folder, stamp: tuple, way: dict, rows: Sequence[str], names: Sequence[str], ends: tuple[int, int]
) -> None:
    """The component: it has every picture, and sends the place in which it was left."""
    n, frames = len(names), way["tiles"].shape[1]
    version = f"{folder.id} {stamp} {ends}"
    at = url_state.asked("place", 0, 999) or 0

    def put() -> None:
        place = st.session_state["walk"].put
        if isinstance(place, int) and 0 <= place < frames:
            st.query_params["place"] = str(place)

    walk(
        {
            "version": version,
            "url": serving.serve_tiles(way["tiles"], f"walk-{folder.id}-{ends[0]}-{ends[1]}"),
            "grey": way["tiles"].shape[-1] == 1,
            "tile": list(way["tiles"].shape[2:4]),
            "frames": frames,
            "at": min(at, frames - 1),
            "ends": [image_picker.title_of(i).capitalize() for i in ends],
            "rows": [
                {
                    "name": name,
                    "colours": inks(says, y, n),
                    "reads": [
                        f"q(y|x) of this picture: {image_grid.name_of(int(k), names)}, {figures.probability(float(p))}"
                        for k, p in zip(read, sure, strict=True)
                    ],
                }
                for name, says, y, read, sure in zip(
                    rows, way["says"], way["y"], way["read"], way["sure"], strict=True
                )
            ],
        },
        key="walk",
        on_put=put,
    )  # fmt: skip
