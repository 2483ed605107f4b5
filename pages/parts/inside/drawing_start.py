"""Draw's pad, and the ways to begin: a drawing to click, an image of the data set, a file."""

import secrets

import numpy as np
import streamlit as st

import data
from data import Spec, picture, preprocess_drawing, unlike
from models.errors import UserError
from pages.parts.components.drawing_pad import WIDTHS
from pages.parts.inside import drawing, image_picker, own_image
from pages.parts.shared import figures, run_pickers, url_state

PREPARED = {
    "mnist": "As MNIST was made: fitted into 20 by 20 pixels, placed by its centre of mass.",
    "digits": "As these digits were made: stretched to 8 rows and 5 to 6 columns of grey blocks, then enlarged.",
    "fashion-mnist": "As Fashion-MNIST was made: the longer side fills the image.",
}

SURE = 0.5  # the probability below which no class of a model outweighs all others
TRY = {  # where the answers are guesses; what it says of the images is in data/unlike.py
    "mnist": "Try one of the examples below the pad.",
    "digits": "In this data set nearly every 7 has a bar: try the example.",
}


def is_ready(spec: Spec) -> bool:
    return data.availability(spec.name) == "ready"


def offer_sketches(spec: Spec) -> None:
    """Drawings to click, for a data set of digits."""
    if spec.name not in WIDTHS:
        return
    with st.container(horizontal=True, gap="small", key="dw-sketches"):
        for name, lines in drawing.SKETCHES.items():
            strokes = drawing.strokes_of(lines, WIDTHS[spec.name])
            st.button(
                f"![]({own_image.sketch(lines)}) {name}", key=f"sketch-{name}", on_click=drawing.put_strokes,
                args=(spec, strokes),
            )  # fmt: skip


def begin(spec: Spec, image: int) -> None:
    """With a test image by its number."""
    begin_with(spec, -1 - image)


def begin_with(spec: Spec, id: int) -> None:
    drawing.put(spec, data.pixels(data.load(spec.name), [id])[0].copy(), image_picker.title_of(id))


def first_image(spec: Spec) -> None:
    """What the pad opens with, unless there is a drawing of one's own: the image that comes along from another page.

    Else, of digits, an example; one does not draw a coat or a ship from nothing: these begin with an image of the data
    set.
    """
    drawn, before = drawing.current(spec), st.session_state.get("drawing-brought")
    new = drawn.version == "0" or drawn.example
    brought = url_state.asked("image", -spec.n_test, spec.n_train - 1) if is_ready(spec) else None
    untouched = drawn.strokes == "[]" and before is not None and drawn.origin == image_picker.title_of(before)
    if brought is not None and (new or (untouched and brought != before)):
        begin_with(spec, brought)
        st.session_state["drawing-brought"] = brought
    elif drawn.version != "0":
        return
    elif spec.name in WIDTHS:
        strokes = drawing.strokes_of(drawing.SKETCHES[drawing.EXAMPLE], WIDTHS[spec.name])
        drawing.put_strokes(spec, strokes, example=True)
    elif is_ready(spec):
        begin(spec, 0)
    elif not spec.grey:
        drawing.put(spec, np.full(spec.shape, 128, np.uint8), "a grey image")


def begin_anywhere(spec: Spec) -> None:
    begin(spec, secrets.randbelow(spec.n_test))


def uploaded(spec: Spec) -> None:
    """Take up an image file; what is wrong with one is said under the pad."""
    file = st.session_state["upload"]
    st.session_state.pop("drawing-trouble", None)
    if file is None:
        return
    try:
        made = preprocess_drawing.from_file(file.getvalue(), spec)
    except UserError as e:
        st.session_state["drawing-trouble"] = str(e)
        return
    drawing.put(spec, made.image, "an uploaded picture")
    st.session_state["drawing-read"] = (drawing.current(spec).version, spec.name, made)


def understood(spec: Spec) -> preprocess_drawing.Prepared | None:
    """How the uploaded picture that is on the pad was read."""
    version, name, made = st.session_state.get("drawing-read", ("", "", None))
    return made if (version, name) == (drawing.current(spec).version, spec.name) else None


def unlike_all(spec: Spec, drawn: drawing.Drawing) -> tuple[str, ...]:
    """A sentence if no image of the data set is near to what the runs see, so that their answers are guesses."""
    if drawn.image is None or spec.name not in WIDTHS or not is_ready(spec):
        return ()
    if not unlike.is_unlike(drawn.image, data.load(spec.name)):
        return ()
    return (f"No image of {spec.title} is like this one, so what the runs say of it is a guess.",)


def says(spec: Spec, drawn: drawing.Drawing) -> str:
    """How what the model sees came about."""
    size = f"{spec.shape[1]} by {spec.shape[2]} pixels. "
    if drawn.base is None:
        return size + PREPARED.get(spec.name, "")
    return f"{size}From {drawn.origin}" + (", painted on." if drawn.strokes != "[]" else ", as it is.")


def pad(spec: Spec) -> None:
    """The pad, and what is wrong with a picture that was uploaded."""
    drawn = drawing.current(spec)
    hint = "Draw a digit here" if spec.name in WIDTHS else "Draw here"
    if drawn.example:
        hint = "An example. Draw over it: the first stroke clears it."
    drawing.pad(spec, says(spec, drawn), hint, on_drawn=lambda: drawing.take(spec))
    if trouble := st.session_state.get("drawing-trouble"):
        run_pickers.refuse(trouble)
    if made := understood(spec):
        if made.notes:
            st.caption(" ".join(made.notes))
        for warning in (*made.warnings, *unlike_all(spec, drawn)):
            st.warning(warning, icon=":material/warning:")


def ways_to_begin(spec: Spec) -> None:
    """The ways to begin with something else than empty paper."""
    drawn = drawing.current(spec)
    offer_sketches(spec)
    with st.container(horizontal=True, gap="small"):
        if spec.grey and drawn.base is not None:
            st.button("Empty paper", icon=":material/note:", on_click=drawing.put, args=(spec, None), type="tertiary")
        with st.popover("Begin with an image", icon=":material/image:", type="tertiary"):
            ways(spec)
        if drawn.image is not None:
            st.download_button(
                "PNG",
                lambda: figures.png(figures.last(drawn.image)),
                file_name=f"drawing-{spec.name}.png",
                mime="image/png",
                icon=":material/download:",
                type="tertiary",
                on_click="ignore",
                help=f"What the model sees, {spec.shape[1]} by {spec.shape[2]} pixels.",
            )


def ways(spec: Spec) -> None:
    if is_ready(spec):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            image = st.number_input(f"Test image, 0 to {spec.n_test - 1:,}", 0, spec.n_test - 1, key="begin", width=170)
            st.button("Begin", on_click=begin, args=(spec, image or 0))
            st.button("Any", icon=":material/shuffle:", on_click=begin_anywhere, args=(spec,))
    kind = "A photo or a scan of a digit: dark on light, or light on dark." if spec.name in WIDTHS else ""
    st.file_uploader(
        "Or an image file",
        list(picture.SUFFIXES),
        key="upload",
        max_upload_size=picture.MOST_BYTES // 2**20,
        on_change=uploaded,
        args=(spec,),
        help=f"{kind} It is prepared as the images of {spec.title} were, and stays on this machine.".strip(),
    )
