"""Choosing images on Generate: a test image by class or mistake, any image by its id, each also by its picture."""

import secrets
from collections.abc import Callable, Sequence

import numpy as np
import streamlit as st

import data
from data import DATASETS
from models.analysis import door
from models.errors import UserError
from models.runs.store import Folder
from pages.parts.shared import figures, palette, run_pickers, url_state

GALLERY = 30  # images to choose from at a time
GALLERY_OF_TWO = 12  # and where two images are chosen side by side
ANY, MISTAKEN = "any", "mistaken"
TEST, TRAINING = "test images", "training images"


def class_names(folder: Folder) -> tuple[tuple[str, ...], str]:
    """The names of the classes, and why there are only numbers if the data set is not at hand."""
    spec = DATASETS[folder.run.dataset]
    numbers = tuple(map(str, range(spec.n_classes)))
    if data.availability(spec.name) != "ready":
        return numbers, f"{spec.title} is not ready on this machine, so there are no test images to choose from."
    try:
        return data.load(spec.name).classes, ""
    except UserError as e:
        return numbers, str(e)


def put(image: int) -> None:
    """Let test image `image` be the one that is shown."""
    st.query_params["image"] = str(image)


def picked() -> None:
    if st.session_state["pick"] is not None:
        put(st.session_state["pick"])


def another(pool: Sequence[int], but: int) -> None:
    put(secrets.choice([i for i in pool if i != but] or list(pool)))


def unpin() -> None:
    st.query_params.pop("pinned", None)


def kept_at(folder: Folder) -> tuple[str, int]:
    """Which snapshot of codes is the latest, and when it was written."""
    path = max(folder.snapshots(), default=(0, folder.path))[1]
    return str(path), path.stat().st_mtime_ns


def pool_of(folder: Folder, names: Sequence[str], of: str) -> list[int]:
    """Numbers of the test images to choose from."""
    y = data.load(folder.run.dataset).y_test
    if of == MISTAKEN:
        kept = folder.snapshots()
        return list(door.ask("mistaken", folder, epoch=kept[-1][0])) if kept else []
    return list(range(len(y))) if of == ANY else np.flatnonzero(y == names.index(of)).tolist()


def narrowed(folder: Folder, names: Sequence[str]) -> None:
    """What follows from another choice of `of`: the address says so, and the image is one of those."""
    run_pickers.to_address("of")()
    pool = pool_of(folder, names, st.session_state["of"])
    if pool and st.session_state["image"] not in pool:
        put(pool[0])


def choose_image(folder: Folder, names: Sequence[str]) -> int:
    """The id of a test image, bound by its number to ?image=: by number, by its picture, or any other one.

    ?pinned= is the id of a training image that was pinned on another page: that one, until one chooses a test image.
    """
    images = data.load(folder.run.dataset)
    if (pinned := url_state.asked("pinned", 0, len(images.y) - 1)) is not None:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"{title_of(pinned).capitalize()}, pinned on another page.", width="content")
            st.button("Choose a test image", on_click=unpin, type="tertiary")
        return pinned
    y = images.y_test
    image = url_state.asked("image", 0, len(y) - 1) or 0
    url_state.show("image", image)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        choices = [ANY, MISTAKEN, *names]
        of = run_pickers.linked("of", choices, ANY)
        st.selectbox(
            "Choose from", choices, key="of", width=190, on_change=narrowed, args=(folder, names),
            format_func=lambda name: "any class" if name == ANY else name.replace("_", " "),
        )  # fmt: skip
        pool = pool_of(folder, names, of)
        st.number_input(
            f"Test image, 0 to {len(y) - 1:,}", 0, len(y) - 1, step=1, key="image", width=190,
            on_change=lambda: put(st.session_state["image"] or 0),
        )  # fmt: skip
        st.button("Another one", on_click=another, args=(pool, image), icon=":material/shuffle:", disabled=not pool)
    if not pool:
        st.caption("None of the test images that this run kept is mistaken.")
        return -1 - image
    first = pool.index(image) // GALLERY * GALLERY if image in pool else 0
    shown = pool[first : first + GALLERY]
    tiles = dict(zip(shown, figures.last(images.x_test[shown]), strict=True))
    url_state.show("pick", image if image in tiles else None)
    pictures("gallery", "pick", tiles, y[shown], names, "Test images", picked, title="test image {}".format)
    return -1 - image


def pictures(
    container: str,
    key: str,
    tiles: dict[int, np.ndarray],
    true: Sequence[int],
    names: Sequence[str],
    label: str,
    on_change: Callable[[], None],
    title: Callable[[int], str] | None = None,
) -> None:
    """Images (h, w, c) to click on, each by its number; grey ones as ink in the colour of their true class."""
    n, title = len(names), title or title_of
    labels = {}
    for (i, tile), k in zip(tiles.items(), true, strict=True):
        shown = figures.ink(tile, palette.colour(k, n))
        labels[i] = f"![{title(i).capitalize()}, {names[k]}]({figures.uri(figures.png(shown))})"
    with st.container(key=container):
        st.pills(
            label, list(tiles), key=key, format_func=labels.__getitem__, on_change=on_change,
            label_visibility="collapsed",
        )  # fmt: skip


def choose_any(key: str, label: str, folder: Folder, default: int) -> int:
    """Any image of the data set, bound to ?key=: an id, i >= 0 for training image i, -1 - j for test image j."""
    images = data.load(folder.run.dataset)
    n, n_test = len(images.y), len(images.y_test)
    asked = st.query_params.get(key, str(st.session_state.get(f"last_{key}", default)))
    id = url_state.whole(asked, -n_test, n - 1)
    id = default if id is None else id
    st.session_state[f"last_{key}"] = id
    run_pickers.settle(key, str(id), str(default))
    of, number, pick = (f"{key}_{part}" for part in ("of", "number", "pick"))
    url_state.show(of, TRAINING if id >= 0 else TEST)
    url_state.show(number, id if id >= 0 else -1 - id)

    def put(id: int) -> None:
        st.query_params[key] = str(id)

    def changed() -> None:
        training = st.session_state[of] == TRAINING
        i = min(st.session_state[number] or 0, (n if training else n_test) - 1)
        put(i if training else -1 - i)

    def other() -> None:
        put(secrets.randbelow(n) if st.session_state[of] == TRAINING else -1 - secrets.randbelow(n_test))

    def clicked() -> None:
        if st.session_state[pick] is not None:
            put(st.session_state[pick])

    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.selectbox(label, [TEST, TRAINING], key=of, width=160, on_change=changed)
        most = (n if id >= 0 else n_test) - 1
        st.number_input(f"Number, 0 to {most:,}", 0, most, step=1, key=number, width=150, on_change=changed)
        st.button("Another one", key=f"{key}_other", on_click=other, icon=":material/shuffle:")
    i = id if id >= 0 else -1 - id
    first = i // GALLERY_OF_TWO * GALLERY_OF_TWO
    shown = [j if id >= 0 else -1 - j for j in range(first, min(first + GALLERY_OF_TWO, most + 1))]
    tiles = figures.last(data.pixels(images, np.array(shown)))
    true = [class_of(images, j) for j in shown]
    url_state.show(pick, id)
    pictures(f"gallery_{key}", pick, dict(zip(shown, tiles, strict=True)), true, images.classes, label, clicked)
    return id


def class_of(images: data.Images, id: int) -> int:
    """The true class of an image by its id."""
    return int(images.y[id] if id >= 0 else images.y_test[-1 - id])


def title_of(id: int) -> str:
    """An image in words: "test image 7"."""
    return f"training image {id}" if id >= 0 else f"test image {-1 - id}"
