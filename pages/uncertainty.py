"""Uncertainty: which images a model is unsure of, whether it should be, and what its bound says of every class."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

import data
from data import DATASETS
from models import MODELS
from models.errors import UserError
from models.runs.store import FINAL, Folder
from pages.parts.inside import calibration, class_bounds, entropy, mistakes, uncertainty
from pages.parts.shared import export, latent_map, layout, polling, run_pickers, url_state, words


def epoch_asked(folder: Folder) -> int:
    """One of the epochs that were kept, the latest unless the address asks for another."""
    epochs = [e for e, _ in folder.snapshots()]
    asked = st.query_params.get("epoch")
    known = {str(e): e for e in epochs}
    if asked is not None and asked not in known:
        st.caption("The address asks for an epoch that this run has not kept, so the latest one is shown.")
        del st.query_params["epoch"]
    return known.get(asked, epochs[-1])


def choose_images(folder: Folder) -> tuple[str, int]:
    """The kind of images and the epoch, behind one button that says which they are."""
    epochs, epoch = [e for e, _ in folder.snapshots()], epoch_asked(folder)
    kind = run_pickers.linked("kind", list(uncertainty.KINDS), "test")
    st.session_state["epoch"] = epoch
    chosen = uncertainty.KINDS[kind]
    with st.popover(f"{chosen[0].upper()}{chosen[1:]}, epoch {epoch}", icon=":material/tune:"):
        run_pickers.segments(
            "Images",
            "kind",
            list(uncertainty.KINDS),
            format_func=str.capitalize,
            width="content",
            help="Of those the run kept q(y|x) of. The true classes of unlabelled images are for looking only: the run "
            "never saw them.",
        )
        if len(epochs) > 1:
            st.select_slider("After epoch", epochs, key="epoch", on_change=run_pickers.to_address("epoch"))
    return kind, epoch


def asked_image(folder: Folder) -> int | None:
    """The image in the address, if the data set has it; what is none is left out, and a caption says so."""
    if "image" not in st.query_params:
        return None
    images = data.load(folder.run.dataset)
    if (id := url_state.image("image", len(images.y), len(images.y_test))) is not None:
        return id
    st.caption("The address asks for an image that this data set does not have, so it was left out.")
    del st.query_params["image"]
    return None


def show(folder: Folder, beside: DeltaGenerator) -> None:
    """One run and how sure it is; what chooses the images stands `beside` the run."""
    run, state = folder.run, folder.status()["state"]
    kept = folder.snapshots()
    if not kept:
        polling.nothing_kept(folder, state, "What it is unsure of", "any class probabilities")
        return
    spec = DATASETS[run.dataset]
    if data.availability(run.dataset) != "ready":
        st.caption(
            f"This page shows images of {spec.title}, which are not ready on this machine. Get them on the Data page."
        )
        st.page_link("pages/data.py", label=f"Get {spec.title}", icon=":material/image:")
        return
    if state not in FINAL:
        polling.watch_news(folder, state, max(e for e, _ in kept))
    if state in ("failed", "stopped", "lost"):
        how = {"failed": "failed", "lost": "was lost"}.get(state, "was stopped")
        st.caption(f"This run {how} after epoch {max(e for e, _ in kept)} of {run.epochs}.")
    elif state not in FINAL:
        st.caption(f"This run goes on, epoch {max(e for e, _ in kept)} of {run.epochs}; the page follows it.")
    if note := MODELS[run.model].classifier_note:
        st.caption(note)
    image = asked_image(folder)
    with beside:
        kind, epoch = choose_images(folder)
    snapshot = latent_map.look(folder, epoch)
    if snapshot is None or snapshot.q_y is None:
        st.caption(f"{MODELS[run.model].title} kept no class probabilities after this epoch, so nothing can be said.")
        return
    of = (
        f"One run of {MODELS[run.model].title} on {spec.title}: {run.budget(',')}, seed {run.seed}, "
        f"after epoch {snapshot.epoch} of {run.epochs}."
    )

    @st.fragment
    def look_closer() -> None:  # a click in the gallery draws this anew and nothing else
        chosen = asked_image(folder)
        rows = mistakes.choose(snapshot, kind)
        with st.container(key="un-look"):
            left, right = st.columns([5, 2], gap="medium")
        with left:
            first = mistakes.gallery(folder, snapshot, rows, kind, chosen, of)
        id = first if chosen is None else chosen
        with right, st.container(key="un-card"):
            class_bounds.card(folder, snapshot, id)
        class_bounds.one_image(folder, snapshot, id)

    look_closer()
    entropy.entropies(folder, snapshot, kind, image, of)
    calibration.calibrate(folder, snapshot, of)


layout.open(
    "Uncertainty",
    icon=":material/help:",
    terms=words.terms(words.Q_Y, words.ENTROPY, words.NATS, words.BOUND, words.SNAPSHOT, words.SEED),
    lead="Which images a model is unsure of, which it gets wrong with confidence, and whether it is as sure as it "
    "should be.",
)
st.html(uncertainty.STYLE)
asked = st.query_params.get("run")
with st.container(horizontal=True, vertical_alignment="center", key="un-top"):
    folder = run_pickers.choose_run(
        can=lambda f: f.id == asked or polling.has_latents(f),
        none="No runs to look at yet. Train a model first; on the digits it takes about a minute.",
    )
    beside = st.container(width="content")
if folder is not None:
    try:
        show(folder, beside)
    except UserError as e:
        run_pickers.refuse(str(e))
    export.offer(folder)
