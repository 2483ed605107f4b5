"""A plane through z: the manifold of a class as one sheet, and a pad on which one drags through it."""

import hashlib
import math
import secrets
from collections.abc import Callable, Sequence

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

import data
from data import DATASETS
from models import MODELS
from models.analysis import door
from models.analysis.answers import REACH, Plane, grid_positions
from models.runs.store import Folder
from pages.parts.components import serving
from pages.parts.components.plane_pad import decoder_data, plane_pad
from pages.parts.inside import image_picker
from pages.parts.shared import image_grid, labelled_grid, palette, run_pickers, url_state

LARGEST, SINGLE = "largest variance", "two dimensions"
MIDDLE, IMAGE, STYLE = "middle", "test image", "random style"
SIDES = (9, 15, 21)
MOST = 20  # classes drawn while one drags
MOST_CHANGES = 400


def plane(folder: Folder, k: int, dimensions: tuple[int, int] | None) -> dict:
    return vars(door.ask("plane", folder, k=k, dimensions=dimensions))


def starting(folder: Folder, kind: str, number: int, k: int) -> np.ndarray:
    """The code (n_z,) of a test image, or one drawn by a seed."""
    if kind == IMAGE:
        return door.ask("code", folder, image=-1 - number)
    return door.ask("style", folder, seed=number, k=k)


def section(
    folder: Folder, stamp: tuple, names: Sequence[str], missing: str, of: str, settings: DeltaGenerator
) -> None:
    """The pad and the pictures first of all; what one may choose of the plane is in `settings`, beside the views."""
    kept = image_picker.kept_at(folder)
    with settings.popover("Settings", icon=":material/tune:"):
        k, dimensions = choose_plane(folder, names)
        kind, number = choose_start(folder, missing)
    name = image_grid.name_of(k, names)
    what = "the same style z, as every class y" if MODELS[folder.run.model].generative.sees_class else "that z"
    st.markdown(f"**Drag the point:** the pictures show {what}. Each dot is an image that the model takes for {name}.")
    of_plane = plane(folder, k, dimensions)
    titles = ["direction 1", "direction 2"] if dimensions is None else [f"z{d + 1}" for d in dimensions]
    # A fragment: where the point was left is for the address; the manifold below need not be drawn again.
    st.fragment(drag)(folder, stamp, kept, k, dimensions, of_plane, titles, names, (kind, number), of)
    st.caption(made_of(folder, of_plane, k, names, dimensions))
    sheet(folder, k, dimensions, of_plane, titles, names, of)


def choose_plane(folder: Folder, names: Sequence[str]) -> tuple[int, tuple[int, int] | None]:
    """The class whose codes are shown, and the two dimensions of the plane; None: those of its largest variance."""
    every, n_z = list(range(len(names))), folder.run.settings.n_z
    k = run_pickers.linked("class", every, door.ask("most_varied", folder))
    st.selectbox(
        "Class", every, key="class", width=190, format_func=lambda k: image_grid.name_of(k, names),
        on_change=moved("class"),
    )  # fmt: skip
    kind = run_pickers.segments(
        "Directions of z", "directions", [LARGEST, SINGLE], on_change=moved("directions"),
        help="The two along which the codes of this class vary most (PCA), or two single dimensions of z.",
    )  # fmt: skip
    if kind != SINGLE:
        return k, None
    order = plane(folder, k, None)["order"].tolist()
    first = run_pickers.linked("first", range(1, n_z + 1), order[0] + 1) - 1
    choice = {"width": 110, "format_func": "z{}".format}
    rest = [d + 1 for d in order if d != first]
    with st.container(horizontal=True):
        st.selectbox("To the right", range(1, n_z + 1), key="first", on_change=moved("first"), **choice)
        second = run_pickers.linked("second", rest, rest[0]) - 1
        st.selectbox("Upwards", sorted(rest), key="second", on_change=moved("second"), **choice)
    return k, (first, second)


def choose_start(folder: Folder, missing: str) -> tuple[str, int]:
    """What the point starts from: MIDDLE, or IMAGE or STYLE and its number."""
    kind = run_pickers.segments(
        "Start from", "start", [MIDDLE, STYLE] if missing else [MIDDLE, IMAGE, STYLE], on_change=moved("start"),
        help="The middle of the class's codes, the code of a test image, or a z drawn by a seed.",
    )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="bottom"):
        return kind, image_number(folder) if kind == IMAGE else style_number() if kind == STYLE else 0


def moved(key: str) -> Callable[[], None]:
    """Another plane or start: what was dragged on the one before means nothing on it."""
    write = run_pickers.to_address(key)

    def changed() -> None:
        write()
        for stale in ("at", "dims"):
            st.query_params.pop(stale, None)

    return changed


def made_of(folder: Folder, of: dict, k: int, names: Sequence[str], dimensions: tuple[int, int] | None) -> str:
    """What the plane was made of, in words."""
    name = image_grid.name_of(k, names)
    if not of["n"]:
        what = MODELS[folder.run.model].generative.plane
        return f"This run keeps no codes of its images, so the plane is that of {what}, along two dimensions of z."
    whose = f"the {of['n']:,} kept images that the run predicts as {name}"
    if not of["own"]:
        whose = f"all {of['n']:,} kept images, for it predicts hardly any of them as {name}"
    shares = " and ".join(f"{100 * s:.0f} %" for s in of["share"])
    way = "The two directions of z" if dimensions is None else "Two dimensions of z"
    vary = "vary most" if dimensions is None else "vary"
    return f"{way} in which the codes of {whose} {vary}: {shares} of their variance. One sd is a standard deviation."


def sheet(
    folder: Folder, k: int, dimensions: tuple[int, int] | None, of_plane: dict,
    titles: Sequence[str], names: Sequence[str], of: str,
) -> None:  # fmt: skip
    """The manifold as one sheet."""
    name = image_grid.name_of(k, names)
    st.subheader(f"The whole plane of {name} at once", anchor=False)
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        rows = run_pickers.segments("Rows", "side", SIDES, SIDES[0])
        save = st.container(width="content")
    columns = 2 * rows - 1  # a page is wider than high
    across, up = (
        [f"{v:+.1f}".replace("-", "−").replace("+0.0", "0") for v in grid_positions(n)] for n in (columns, rows)
    )
    what = (
        f"{name} at {rows} x {columns} places of the plane: the means of "
        f"{MODELS[folder.run.model].generative.picture}. The steps are equal in the "
        "Gaussian's distribution function, so that each picture stands for as many images (Kingma & Welling "
        "2014, fig. 4)."
    )
    with st.spinner("Generating"):
        tiles = door.ask("manifold", folder, k=k, of=Plane(**of_plane), rows=rows, columns=columns)
    labelled_grid.show(
        tiles, [k] * columns, len(names), up[::-1], across, f"Manifold of {name}, {rows} by {columns}",
        f"{titles[0]} to the right, {titles[1]} upwards, in sd", widest=True,
    )  # fmt: skip
    st.caption(f"{what} {of}")
    save.download_button(
        "Manifold as PNG",
        lambda: image_grid.labelled_png(
            tiles, np.full((rows, columns), k), names, f"{MODELS[folder.run.model].title}: the manifold of {name}",
            f"{what} To the right {titles[0]}, upwards {titles[1]}, in standard deviations. "
            f"{made_of(folder, of_plane, k, names, dimensions)} {of} Run {folder.id}.", up[::-1], across,
        ),
        file_name=f"{folder.id}-manifold-{k}.png",
        mime="image/png",
        icon=":material/download:",
        on_click="ignore",
    )  # fmt: skip


def drag(
    folder: Folder, stamp: tuple, kept: tuple, k: int, dimensions: tuple[int, int] | None, of_plane: dict,
    titles: Sequence[str], names: Sequence[str], start: tuple[str, int], of: str,
) -> None:  # fmt: skip
    """The pad and the pictures."""
    if st.session_state.pop("pad_class", False):
        st.rerun()  # a click on a picture chose another plane: the sheet below is of that class, too
    kind, number = start
    classes = shown_classes(folder, k, names)
    sees_class = MODELS[folder.run.model].generative.sees_class
    z = of_plane["centre"] if kind == MIDDLE else starting(folder, kind, number, k)
    made = door.ask("decoder", folder)
    given: dict = {}
    says = "The arrow keys move the point, too. Your browser draws the pictures, by the model's decoder."
    if made is not None:
        given["decoder"] = decoder_data(made, folder.id, stamp)
    else:
        with st.spinner("Drawing the plane"):
            tiles = door.ask("field", folder, classes=classes, of=Plane(**of_plane), start=z)
        n, side = tiles.shape[:2]
        flat = tiles.reshape(n * side, *tiles.shape[2:])
        given["field"] = {"url": serving.serve_tiles(flat, f"field-{folder.id}"), "side": side}
        says = (
            f"The arrow keys move the point, too. {MODELS[folder.run.model].not_in_browser}, so they are blended "
            f"between {side} x {side} of this plane; z stays on it."
        )
    if sees_class:
        says = f"Click a picture for the plane of its class. {says}"
    version = hashlib.blake2b(
        repr((folder.id, stamp, kept, k, dimensions, kind, number, classes)).encode(), digest_size=12
    ).hexdigest()
    c, h, w = folder_shape(folder)
    st.session_state["pad_classes"] = classes
    moved_by, changes = from_address(len(z), made is not None)
    plane_pad(
        given
        | {
            "version": version,
            "grey": c == 1,
            "tile": [h, w],
            "reach": REACH,
            "start": floats(z),
            "centre": floats(of_plane["centre"]),
            "axes": [floats(a) for a in of_plane["axes"]],
            "scale": floats(of_plane["scale"]),
            "dots": np.round(of_plane["dots"].astype(float), 2).tolist(),
            "order": of_plane["order"].tolist(),
            "spread": floats(of_plane["spread"]),
            "classes": list(classes) if sees_class else [0],
            "names": [image_grid.name_of(j, names) for j in classes] if sees_class else ["p(x|z)"],
            "colours": [palette.colour(j, len(names)) for j in (classes if sees_class else [k])],
            "outlined": list(classes).index(k) if sees_class else -1,
            "n_codes": of_plane["n"],
            "colour": palette.colour(k, len(names)),
            "titles": list(titles),
            "says": says,
            "moved": moved_by,
            "set": changes,
            "title": f"{MODELS[folder.run.model].title}: one z"
            + ("" if not sees_class else ", every class" if len(classes) == len(names) else ", some classes"),
            "caption": f"Means of {MODELS[folder.run.model].generative.picture}. "
            f"{started(kind, number)} {of} Run {folder.id}.",
            "file": f"{folder.id}-z.png",
        },
        key="pad",
        on_put=put,
        on_class=class_clicked,
    )


def class_clicked() -> None:
    """A click on a picture makes its class that of the plane, as the list in Settings does."""
    k = st.session_state["pad"]["class"]
    if isinstance(k, int) and k in st.session_state.get("pad_classes", ()):
        st.session_state["class"] = k
        moved("class")()
        st.session_state["pad_class"] = True


def started(kind: str, number: int) -> str:
    return {
        MIDDLE: "z began in the middle of the class.",
        IMAGE: f"z began as that of test image {number}.",
        STYLE: f"z began as the style of seed {number}.",
    }[kind]


def shown_classes(folder: Folder, k: int, names: Sequence[str]) -> tuple[int, ...]:
    """The classes drawn while one drags: all, or of many the chosen and some others; one if p(x|.) sees no class."""
    if not MODELS[folder.run.model].generative.sees_class:
        return (k,)
    if len(names) <= MOST:
        return tuple(range(len(names)))
    others = range(0, len(names), math.ceil(len(names) / 9))
    return tuple(sorted({k, *others}))


def image_number(folder: Folder) -> int:
    most = len(data.load(folder.run.dataset).y_test) - 1
    return number("image", f"Test image, 0 to {most:,}", most, "Another one", ":material/shuffle:")


def style_number() -> int:
    return number("style", "Style drawn by seed", 9_999_999, "New style", ":material/casino:")


def number(key: str, label: str, most: int, other: str, icon: str) -> int:
    """A number from 0 to `most`, bound to ?key=, and a button that rolls another."""
    value = url_state.asked(key, 0, most) or 0
    field_key = f"start_{key}"
    url_state.show(field_key, value)
    write = moved(field_key)

    def changed() -> None:
        write()
        st.query_params.pop(field_key, None)
        st.query_params[key] = str(st.session_state[field_key] or 0)

    def roll() -> None:
        st.session_state[field_key] = secrets.randbelow(min(most + 1, 10_000))
        changed()

    st.number_input(label, 0, most, step=1, key=field_key, width=190, on_change=changed)
    st.button(other, key=f"{field_key}_other", on_click=roll, icon=icon)
    return value


def folder_shape(folder: Folder) -> tuple[int, int, int]:
    return DATASETS[folder.run.dataset].shape


def floats(v: np.ndarray) -> list[float]:
    return [float(f"{x:.7g}") for x in v]


def from_address(n_z: int, single: bool) -> tuple[list[float], list[list[float]]]:
    """How far the address says that the point was dragged, and which dimensions were moved alone, by how much."""
    at = [url_state.decimal(v, -99.999, 99.999) for v in st.query_params.get("at", "").split(",")[:3]]
    numbers = at if len(at) == 2 and None not in at else [0.0, 0.0]
    changes = {}
    for part in st.query_params.get("dims", "").split(",")[:MOST_CHANGES] if single else ():
        which, _, by = part.partition(":")
        d, by = url_state.whole(which, 1, n_z), url_state.decimal(by)
        if d is not None and by is not None:
            changes[d - 1] = by
    return numbers, [[d, by] for d, by in changes.items()]


def put() -> None:
    """Write where the point was left into the address."""
    now = st.session_state["pad"].put
    try:
        moved_by = [float(v) for v in now["moved"]]
        changes = {int(d) + 1: float(by) for d, by in now["set"]}
    except (TypeError, KeyError, ValueError):
        return
    if len(moved_by) != 2 or not all(map(math.isfinite, [*moved_by, *changes.values()])):
        return
    for key, text in (
        ("at", ",".join(f"{v:g}" for v in moved_by) if any(moved_by) else ""),
        ("dims", ",".join(f"{d}:{by:g}" for d, by in changes.items())),
    ):
        if text:
            st.query_params[key] = text
        else:
            st.query_params.pop(key, None)
