"""One image under every class: the bound of each, and what the run says of it."""

import numpy as np
import streamlit as st

import data
from data import DATASETS
from models import MODELS
from models.analysis import door
from models.analysis.answers import Bounds
from models.analysis.snapshots import SnapshotImages
from models.errors import UserError
from models.runs.store import Folder
from pages.parts.components import latent_map as map_component
from pages.parts.inside import uncertainty
from pages.parts.shared import figures, latent_map, polling, run_pickers

MOST_DRAWS, FEWEST_DRAWS = 32, 2  # of a bound
PAIRS_GREY, PAIRS_COLOUR = 320, 100  # of a draw and a class that are decoded in less than a blink


def draws_for(folder: Folder) -> int:
    """As many draws as take no longer than a blink on one thread."""
    spec = DATASETS[folder.run.dataset]
    pairs = PAIRS_GREY if spec.grey else PAIRS_COLOUR
    return max(FEWEST_DRAWS, min(MOST_DRAWS, pairs // spec.n_classes))


def known_of(snapshot: SnapshotImages, id: int) -> tuple[int, str, list[str]]:
    """(true class, what the image is called, lines on what the snapshot says of it)."""
    images, named = data.load(snapshot.dataset), uncertainty.names(snapshot)
    true = int(images.y[id] if id >= 0 else images.y_test[-1 - id])
    found = np.flatnonzero(snapshot.ids == id)
    if not len(found):
        return true, f"test image {-1 - id}" if id < 0 else f"training image {id}", [f"is {named[true]}"]
    row = int(found[0])
    j = int(snapshot.predicted[row])
    return (
        true,
        uncertainty.image_name(id, int(snapshot.kind[row])),
        [
            f"is {named[true]}, classified as {named[j]}: {'correct' if j == true else 'wrong'}",
            f"probability {figures.probability(snapshot.sure[row])}, entropy {snapshot.entropy[row]:.2f} nats",
        ],
    )


def card(folder: Folder, snapshot: SnapshotImages, id: int | None) -> None:
    """The chosen image, what the run says of it, and the ways to see why."""
    if id is None:
        return
    if (snapshot.ids == id).any():
        key = f"look-{folder.id}"
        map_component.card(
            snapshot, id, key=key, group=key, space=next(iter(snapshot.spaces), None), close=False, marks=False,
            on_pin=lambda: latent_map.to_address(key),
        )  # fmt: skip
    else:
        true, title, lines = known_of(snapshot, id)
        pixels = figures.last(data.pixels(data.load(snapshot.dataset), np.array([id])))[0]
        st.html(uncertainty.one_image(pixels, true, uncertainty.names(snapshot), title, lines))
    ways(folder, snapshot, id)


def in_words(folder: Folder, snapshot: SnapshotImages, id: int) -> None:
    """The chosen image in a line, where its picture is seen already, and the ways to see why."""
    _, title, lines = known_of(snapshot, id)
    st.markdown(f"**{title[0].upper() + title[1:]}** {run_pickers.plain(', '.join(lines))}")
    ways(folder, snapshot, id)


def ways(folder: Folder, snapshot: SnapshotImages, id: int) -> None:
    """Links to where the same run shows more of an image."""
    here = {"run": folder.id, "image": str(id)}
    with st.container(horizontal=True, gap="small"):
        st.page_link(
            "pages/equations.py", label="Follow it through the model", icon=":material/account_tree:",
            query_params=here,
        )  # fmt: skip
        st.page_link(
            "pages/latent.py", label="On the map", icon=":material/scatter_plot:",
            query_params=here | {"epoch": str(snapshot.epoch)},
        )  # fmt: skip


def one_image(folder: Folder, snapshot: SnapshotImages, id: int | None) -> None:
    """The bound of every class for the chosen image."""
    claim = st.empty()
    claim.subheader("How well each class explains the image", anchor=False)
    if id is None:
        st.caption("Choose an image above to see its bounds here.")
        return
    true, title, _ = known_of(snapshot, id)
    method = MODELS[folder.run.model]
    if not method.draws:
        st.caption(
            f"{method.title} has no bound: it learned q(y|x) alone and has no p(x|·), so it cannot say how well a "
            "class explains an image. Look at the same image in a run of M2 or ADGM."
        )
        return
    polling.load("class_bounds", 260)
    of = "class_bounds" if method.generative.sees_class else "image_bound"
    try:
        found = door.ask(of, folder, ids=[id], draws=draws_for(folder))
    except UserError as e:
        run_pickers.refuse(str(e))
        return
    latest = max((e for e, _ in folder.snapshots()), default=snapshot.epoch)
    weights = f"with the weights after epoch {latest}" + (
        ", the only ones that are kept" if latest != snapshot.epoch else ""
    )
    if not MODELS[folder.run.model].generative.sees_class:
        one_bound(folder, found, weights)
    else:
        claim.subheader(in_short(found, uncertainty.names(snapshot)), anchor=False)
        st.markdown(
            f"{method.title} can say what it costs to describe {title} as each class, in nats: the cheapest class "
            "explains it best, whatever the classifier q(y|x) says."
        )
        every_bound(folder, snapshot, found, true, title, weights)
    take_bounds(folder, snapshot, found, id, latest)


def in_short(found: Bounds, named: list[str]) -> str:
    """Whether bounds and classifier agree on an image: the section's headline."""
    L, q = found.L[0], int(found.q_y[0].argmax())
    best, second = map(int, np.argsort(L)[:2])
    if q == best:
        behind = f"{named[second]} is {L[second] - L[best]:.1f} nats behind"
        return f"The bounds agree with the classifier: {named[best]} explains it best, {behind}"
    return f"The bounds would say {named[best]}: {L[q] - L[best]:.1f} nats better than the classifier’s {named[q]}"


def one_bound(folder: Folder, found: Bounds, weights: str) -> None:
    """The bound of a model without a class: one number."""
    card, explained = MODELS[folder.run.model], folder.run.explained
    terms = [(f"Bound, {card.generative.bound}", found.L[0, 0])] + [
        (uncertainty.TERMS[t], v[0, 0]) for t, v in found.terms.items()
    ]
    with st.container(horizontal=True, gap="large"):
        for label, value in terms:
            st.metric(label, f"{value:.2f} nats", width="content")
    st.caption(
        f"{card.title} has no y, so it has one bound for an image, on −log p({explained}), and none for a class: the "
        f"mean over {found.draws} draws of z, standard deviation {found.spread[0, 0]:.2f} nats, {weights}. Lower: "
        f"better explained. What says the class ({card.classifier}) is no part of the bound."
    )


def every_bound(folder: Folder, snapshot: SnapshotImages, found: Bounds, true: int, image: str, weights: str) -> None:
    """The bounds of an image, a class each; `image` is what it is called."""
    named, card = uncertainty.names(snapshot), MODELS[folder.run.model]
    st.html(uncertainty.bounds_html(found, named, true, snapshot.q, image))
    shared = card.generative.shared_draws
    if card.encoder(folder.run.settings) != card.q_z:
        shared = "z for each class"
    L, q = found.L[0], int(found.q_y[0].argmax())
    agree = "agree" if q == int(L.argmin()) else f"differ: q(y|x) says {named[q]}, the bounds {named[int(L.argmin())]}"
    error = float(found.spread[0].max()) / np.sqrt(found.draws)  # of a mean over draws
    some = f" Of {len(L)} classes the {uncertainty.MOST_RIDGES} best." if len(L) > uncertainty.MOST_RIDGES else ""
    st.caption(
        f"L(x, y) of {card.generative.class_bound} bounds −log p(x, y): lower is better explained. A mean over "
        f"{found.draws} draws of {shared}; ± is the standard deviation over draws, {weights}. "
        f"softmax(−L) is the posterior over classes that the bounds alone imply, and the q(y|x) at which U would be "
        f"smallest; KL[q(y|x) ‖ softmax(−L)] is {found.apart[0]:.2f} nats. The two {agree}. Where bounds lie nearer "
        f"than {2 * error:.1f} nats, their order may be luck. Point at a bar for its terms.{some}"
    )
    with st.expander("The terms of each bound"):
        table = uncertainty.bounds_table(found, named).iloc[uncertainty.order(L, true)]
        numbers = st.column_config.NumberColumn(format="%.3f")
        st.dataframe(
            table,
            hide_index=True,
            column_config=dict.fromkeys(table.columns[1:], numbers),
            alt="The terms of each bound",
        )


def take_bounds(folder: Folder, snapshot: SnapshotImages, found: Bounds, id: int, epoch: int) -> None:
    note = uncertainty.note_of(folder, epoch) | {"image": id, "draws": found.draws}
    uncertainty.hand_out(
        "Bounds as CSV",
        lambda: uncertainty.csv(uncertainty.bounds_table(found, uncertainty.names(snapshot)), note),
        f"{folder.id}-bounds-{id}.csv",
        "take-bounds",
    )
