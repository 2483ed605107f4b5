"""Data: a data set, its classes, and which of its images keep their labels."""

import numpy as np
import streamlit as st

import data
from data import Spec, fetching
from models.errors import UserError
from models.results import recorded_images, recordings
from pages.parts.lab import split_bar
from pages.parts.shared import figures, layout, polling, presses, run_pickers

MOST = 100  # labelled images that are shown, if all classes are among them
RECORDED = 2  # images of each class that are shown of a data set that is not here
COLUMNS, FEWER = 25, 10  # of them in a row at most, on a phone fewer; whole classes, or a part of one

layout.open(
    "Data",
    icon=":material/image:",
    lead="A semi-supervised model sees all the training images, but is told the class of only a few: these.",
)
spec = run_pickers.choose_dataset(marked=True)
state = data.availability(spec.name)


def fetch_panel(spec: Spec, state: str) -> None:
    """What must be done before the data set can be seen, with a button, and how far it is once it was pressed."""
    fetch = fetching.look(spec.name)
    if data.availability(spec.name) == "ready" and not fetch.running:
        st.rerun()
    if fetch.running:
        st.progress(fetch.fraction, text=f"{run_pickers.plain(fetch.what)} ({fetch.fraction:.0%})")
        st.caption("It goes on when you leave this page.")
        presses.button("Stop", lambda: fetching.stop(spec.name), "stop-fetch", icon=":material/stop_circle:")
        return
    if state == "local":
        st.markdown(f"{spec.title} is on this machine, and must be decoded once before it can be seen and trained on.")
        label, icon = "Prepare it", ":material/play_arrow:"
    else:
        st.markdown(f"{spec.title} is not on this machine yet: download it once to see it and to train on it.")
        label, icon = f"Download {spec.size:.0f} MiB", ":material/download:"
    presses.button(label, lambda: fetching.start(spec.name), "start-fetch", type="primary", icon=icon)
    if fetch.error:
        run_pickers.refuse(fetch.error)


def recorded(spec: Spec) -> None:
    """What the data set looks like, where its recordings show images of it."""
    try:
        kept = recorded_images.read(spec.name, recordings.RECORDINGS)
    except UserError:
        return  # Start, which shows the recordings, says so
    if kept is None:
        return
    rows = np.concatenate([np.flatnonzero(kept.true == k)[:RECORDED] for k in range(len(kept.classes))])
    shown = kept.pixels[rows], kept.true[rows].astype(int), kept.ids[rows]
    st.html(figures.tiles_to_look_at(*shown, kept.classes, min(len(rows), COLUMNS), FEWER))
    st.caption(f"The first {RECORDED} test images of each class, each in the colour of its class.")


channels = "grey" if spec.grey else "colour"
told = (
    f"{spec.source} {spec.n_train:,} training and {spec.n_test:,} test images of {spec.n_classes} classes, "
    f"{spec.shape[2]} × {spec.shape[1]} pixels, {channels}."
)
st.caption(told.replace(" × ", "\u00a0×\u00a0"))
if state != "ready":
    recorded(spec)
    polling.part(fetch_panel, 0.5 if fetching.look(spec.name).running else None)(spec, state)
    st.stop()
try:
    images = data.load(spec.name)
except UserError as e:
    run_pickers.refuse(str(e))
    st.stop()

chosen = st.container(horizontal=True, vertical_alignment="bottom")
with chosen:
    with st.container(width=200):
        labels = run_pickers.choose_labels(spec, spec.few_labels)
    with st.container(width=140):
        seed = run_pickers.choose_seed()
try:
    if labels is not None:
        data.check_labels(images, labels)
except UserError as e:
    run_pickers.refuse(str(e))
    labels = None
if labels is not None:
    if chosen.button("Train with these labels", type="primary", icon=":material/model_training:"):
        st.switch_page("pages/train.py", query_params={"dataset": spec.name, "labels": str(labels), "seed": str(seed)})
    parts = {
        "labelled": (labels, "Shown with their class."),
        "unlabelled": (spec.n_train - labels, "The model sees them, and nobody tells it their class."),
        "test": (spec.n_test, "Never trained on: accuracy is counted on these."),
    }
    st.html(split_bar.html(parts))
    per_class = max(1, min(labels, MOST) // spec.n_classes)
    columns, narrow = (min(labels, per_class * (most // per_class) or most) for most in (COLUMNS, FEWER))
    looked_at, n = figures.labelled_sheet(spec.name, labels, seed, per_class, columns, narrow)
    st.html(looked_at)
    every = "All" if n == labels else f"{n} of"
    st.caption(f"{every} the {labels:,} labelled images, each in the colour of its class. Point at one to enlarge it.")
    sheet, shown, seen = figures.field(spec.name, labels, seed, columns=40, rows=14, side=28)
    alt = f"{shown} training images of {spec.title}, of which {seen} are labelled and in colour"
    figures.picture(sheet, alt, "clamp(15rem, 34vw, 25rem)")
    st.caption(
        f"A random part of the {spec.n_train:,} training images. Labelled, and in colour, are "
        f"{labels / spec.n_train:.1%} of all; the others are {'grey' if spec.grey else 'faded'}.".replace("%", " %")
    )

st.subheader("Classes", anchor=False)
st.html(figures.class_cards(spec.name, examples=8))
st.caption("The number beside a name: how many training images the class has.")
