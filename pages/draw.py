"""Draw: an image of one's own, and what one to three runs make of it: class, style, place and neighbours."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

import data
from data import DATASETS, Spec, picture, preprocess_drawing, unlike
from models import BASELINE, MODELS, jobs
from models.analysis import door, neighbours, projections, snapshots
from models.analysis.snapshots import SnapshotImages
from models.errors import LatentError, UserError
from models.runs.store import FINAL, Folder
from pages.parts.components.drawing_pad import WIDTHS
from pages.parts.inside import drawing, own_image
from pages.parts.shared import figures, image_grid, latent_map, layout, palette, polling, run_pickers, words
from pages.parts.shared.latent_map import PROJECTIONS, UMAP

AT_MOST = 3
NEAR = 8
IDEAS = (
    "Try a 4 that is nearly a 9, a 7 with a bar, a letter, nothing at all. q(y|x) must share its belief among the "
    "classes it knows, so a model can be sure of what it has never seen. See whether its entropy shows it, and whether "
    "the bound on −log p(x) does: that says how hard an image is to describe, not how familiar it is, and an empty one "
    "is easy."
)
PHOTOGRAPHS = (
    "Paint over a part of the image: q(y|x) must share its belief among the classes it knows, whatever it is shown. "
    "See how much it takes to change its mind, and whether the entropy or the bound on −log p(x) tells it."
)
PREPARED = {
    "mnist": "As MNIST was made: fitted into 20 by 20 pixels, placed by its centre of mass.",
    "digits": "As these digits were made: stretched to 8 rows and 5 to 6 columns of grey blocks, then enlarged.",
    "fashion-mnist": "As Fashion-MNIST was made: the longer side fills the image.",
}


@dataclass(frozen=True)
class Side:
    """One of the runs, and what it says of the drawing; `why` in a sentence if it says nothing."""

    folder: Folder
    name: str
    colour: str
    seen: object | None  # sketch.Seen
    why: str = ""


# Choosing


def asked() -> list[str]:
    return st.query_params.get("runs", "").split(",")


def can_show(folder: Folder) -> bool:
    """Whether there are weights, or the address asks for this very run and should hear why there are none."""
    return folder.has_weights() or folder.id in asked()


def first_choice(folders: list[Folder]) -> list[Folder]:
    """Of the newest run on digits and those with its data set and labels: two that can generate, and the baseline."""
    newest = next((f for f in folders if f.run.dataset in WIDTHS), folders[0])
    alike: dict[str, Folder] = {}
    for f in folders:
        if (f.run.dataset, f.run.budget()) == (newest.run.dataset, newest.run.budget()):
            alike.setdefault(f.run.model, f)
    generative = sorted((m for m in alike if MODELS[m].draws), key=lambda m: -MODELS[m].rank)
    order = [*generative[:2], BASELINE]
    order += [m for m in MODELS if m not in order]
    return [alike[m] for m in order if m in alike][:AT_MOST]


def choose() -> list[Folder]:
    """The runs, all on one data set: that of the first."""
    if "run" in st.query_params:  # a link that names one run
        st.query_params.setdefault("runs", st.query_params["run"])
        del st.query_params["run"]
    chosen = run_pickers.choose_runs(
        AT_MOST,
        can_show,
        label="Runs that see the drawing, at most three",
        none="No runs to draw for yet. Train a model first; on the digits it takes about a minute.",
        default=first_choice,
    )
    together = [f for f in chosen if f.run.dataset == chosen[0].run.dataset]
    if len(together) < len(chosen):
        title = DATASETS[chosen[0].run.dataset].title
        st.caption(f"One drawing suits one data set. Only the runs on {title} see it; the others are left out.")
    return together


def names_of(folders: Sequence[Folder]) -> list[str]:
    """A short name for each run: its method, and what tells it from the others."""
    made = [run_pickers.short_title(f) for f in folders]
    for tell in (lambda f: f.run.budget(), lambda f: f"seed {f.run.seed}", lambda f: f.id[-4:]):
        for name in {n for n in made if made.count(n) > 1}:
            mine = [i for i, n in enumerate(made) if n == name]
            if len({tell(folders[i]) for i in mine}) > 1:
                for i in mine:
                    made[i] = f"{name}, {tell(folders[i])}"
    return made


def is_ready(spec: Spec) -> bool:
    return data.availability(spec.name) == "ready"


def class_names(spec: Spec) -> tuple[str, ...]:
    return data.load(spec.name).classes if is_ready(spec) else tuple(map(str, range(spec.n_classes)))


# The pad and what stands on it


def begin(spec: Spec, image: int) -> None:
    drawing.put(spec, np.array(data.load(spec.name).x_test[image]), f"test image {image}")


def first_image(spec: Spec) -> None:
    """One does not draw a coat or a ship from nothing: these begin with an image of the data set."""
    if spec.name in WIDTHS or drawing.current(spec).version != "0":
        return
    if is_ready(spec):
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


def pad_and_ways(spec: Spec) -> None:
    """The pad, and the ways to begin with something else than empty paper."""
    drawn = drawing.current(spec)
    hint = "Draw a digit here" if spec.name in WIDTHS else "Draw here"
    drawing.pad(spec, says(spec, drawn), hint, on_drawn=lambda: drawing.take(spec))
    if trouble := st.session_state.get("drawing-trouble"):
        run_pickers.refuse(trouble)
    if made := understood(spec):
        if made.notes:
            st.caption(" ".join(made.notes))
        for warning in (*made.warnings, *unlike_all(spec, drawn)):
            st.warning(warning, icon=":material/warning:")
    with st.container(horizontal=True, gap="small"):
        if spec.grey and drawn.base is not None:
            st.button("Empty paper", icon=":material/note:", on_click=drawing.put, args=(spec, None), type="tertiary")
        with st.popover("Begin with an image", icon=":material/image:", type="tertiary"):
            ways(spec)
        if drawn.image is not None:
            st.download_button(
                "PNG",
                figures.png(figures.last(drawn.image)),
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


# What the runs say of it


def sides(folders: Sequence[Folder], drawn: drawing.Drawing) -> list[Side]:
    made = []
    colours = palette.run_colours([f.run.model for f in folders])
    for folder, name, colour in zip(folders, names_of(folders), colours, strict=True):
        found, why = None, ""
        try:
            found = door.ask("see", folder, image=drawn.image)
            if not np.isfinite(found.q_y).all():
                found, why = None, "Its q(y|x) is no number: the training has diverged. Choose another run."
        except UserError as e:
            why = str(e)
        made.append(Side(folder, name, colour, found, why))
    return made


def answers(runs: Sequence[Side], names: Sequence[str]) -> None:
    """q(y|x), entropy, reconstruction and bound of each run, side by side."""
    for side, column in zip(runs, st.columns(len(runs), gap="medium"), strict=True):
        run = side.folder.run
        with column:
            st.markdown(f"**{run_pickers.plain(side.name)}**  \n:small[{run.budget(',')}, seed {run.seed}]")
            if side.seen is None:
                run_pickers.refuse(side.why)
                continue
            of = MODELS[run.model].classifier_is
            st.html(own_image.answer(side.seen.q_y, side.seen.reconstruction, names, of) + how_strange(side))


def how_strange(side: Side) -> str:
    """The bound of the drawing among those of test images, if the model has one and they are here."""
    run = side.folder.run
    if side.seen.bound is None or not is_ready(DATASETS[run.dataset]):
        return ""
    known = door.ask("usual_bounds", side.folder)
    return own_image.strange(side.seen.bound, run.explained, known, MODELS[run.model].generative.bound, side.colour)


def every_class(runs: Sequence[Side], names: Sequence[str]) -> None:
    """The drawing as every class, a row for each run that draws."""
    generative_runs = [s for s in runs if s.seen is not None and s.seen.classes is not None]
    if not generative_runs:
        return
    st.subheader("The drawing as every class", anchor=False)
    parts = [
        own_image.as_classes(
            s.seen.classes, int(s.seen.q_y.argmax()), names, s.name, MODELS[s.folder.run.model].generative.style
        )
        for s in generative_runs
    ]
    st.html(own_image.rows(parts))
    st.caption("The style z of the drawing stays, only y changes. Outlined: the likeliest class.")


# Where it lies


def choose_map(runs: Sequence[Side]) -> tuple[Side, str, str]:
    """The run whose map is shown, its space, and the projection."""
    by_id = {s.folder.id: s for s in runs}
    run_names = {i: run_pickers.plain(s.name) for i, s in by_id.items()}
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        of = run_pickers.segments("Run", "map", run_names, shown=len(runs) > 1, width="content")
        spaces = list(MODELS[by_id[of].folder.run.model].latents)
        space = run_pickers.segments("Space", "space", spaces, shown=len(spaces) > 1, width="content")
        projection = run_pickers.segments(
            "Projection", "projection", PROJECTIONS, width="content",
            help="On the PCA the drawing is placed exactly, by the same two directions. UMAP cannot place what it has "
            "not seen: there the drawing lies at the mean of its neighbours' places, each weighed by 1/distance.",
        )  # fmt: skip
    return by_id[of], space, projection


def where(runs: Sequence[Side], names: Sequence[str]) -> None:
    """The map of one run with the drawing on it, and its neighbours there."""
    st.subheader("Where it lies", anchor=False)
    side, space, projection = choose_map(runs)
    snapshot = latent_map.look(side.folder)
    if snapshot is None:
        st.caption("This run has no saved latents, so there is no map and there are no neighbours.")
        return
    code = side.seen.codes.get(space)
    if space not in snapshot.spaces or code is None or snapshot.spaces[space].shape[1] != len(code):
        raise LatentError(f"The snapshot of this run and its weights do not fit together in {space}. Train it again.")
    if not np.isfinite(code).all():
        raise LatentError("The code of this drawing is no number: the training has diverged. Choose another run.")
    left, right = st.columns([1.25, 1], gap="large")
    with left:
        one_map(side, snapshot, space, projection, code, names)
    with right:
        for of in snapshot.spaces:
            if (other := side.seen.codes.get(of)) is not None and snapshot.spaces[of].shape[1] == len(other):
                nearest(snapshot, of, other, names)


def one_map(
    side: Side, snapshot: SnapshotImages, space: str, projection: str, code: np.ndarray, names: Sequence[str]
) -> None:
    live = side.folder.status()["state"] not in FINAL
    positions = latent_map.lay(side.folder, snapshot, space, "pca" if live else projection)
    near, distances = neighbours.nearest_to(snapshot.spaces[space], code, NEAR)
    if positions.axes:
        at, how = code, "The drawing lies at its own code: the space has no more dimensions than the map."
    elif positions.projection == "umap":
        at = neighbours.between(positions.xy[near], distances)
        how = "UMAP does not place new images: the drawing lies at the mean of its neighbours, weighed by 1/distance."
    else:
        mean, axes = door.ask("principal", side.folder, epoch=snapshot.epoch, space=space)
        # The map may lie turned, as the epoch before it did; so is the code then.
        turn = door.ask("frame", side.folder, epoch=snapshot.epoch, space=space).turn
        at, how = (code - mean) @ axes @ turn, "The drawing is placed by the same two directions as the images."
    k = int(side.seen.q_y.argmax())
    picture, fits = own_image.place_on_map(positions.version, positions.xy, snapshot.true, at, near, k, names)
    st.html(picture)
    if projection == "umap" and positions.projection == "pca":
        how = f"{wait_for_map(side.folder, snapshot, space, live)} {how}"
    beyond = "" if fits else " It lies beyond the edge of this map."
    st.caption(
        f"{positions.title}, {len(snapshot.ids):,} images after epoch {snapshot.epoch}. "
        f"The large dot is the drawing, the rings are its nearest neighbours in all dimensions. {how}{beyond}"
    )


def wait_for_map(folder: Folder, snapshot: SnapshotImages, space: str, live: bool) -> str:
    """Have a UMAP made and the page look for it; returns what to say until it is there."""
    if live:
        return "UMAP follows when the run has ended; this is the PCA."
    if why := projections.why_no_map(snapshot.spaces[space]):
        return f"{why} This is the PCA."
    engine, this = jobs.engine(), (folder.id, snapshot.epoch, space, UMAP.name)
    try:
        state, why = engine.map_state(*this)
        if state == "failed":
            return f"{why} This is the PCA."
        if state == "ready" and not projections.drop_map(folder.path, space, snapshot.epoch, snapshot.ids):
            st.rerun()  # it has become ready since the points were laid out
        if state != "pending":
            engine.map(*this)
    except UserError as e:
        return f"{e} This is the PCA."
    if st.session_state.get("drawing-map") != this:
        st.session_state["drawing-map"] = this
        st.rerun()  # the whole page: what looks for it stands outside this part
    return f"{UMAP.title} is being computed; this is the PCA."


def nearest(snapshot: SnapshotImages, space: str, code: np.ndarray, names: Sequence[str]) -> None:
    rows, distances = neighbours.nearest_to(snapshot.spaces[space], code, NEAR)
    ids = snapshot.ids[rows]
    tiles = figures.last(data.pixels(data.load(snapshot.dataset), ids))
    kinds = {snapshots.LABELLED: "labelled", snapshots.UNLABELLED: "unlabelled", snapshots.TEST: "test"}
    which = [
        f"Test image {-1 - i}" if i < 0 else f"Training image {i}, {kinds[int(kind)]}"
        for i, kind in zip(ids.tolist(), snapshot.kind[rows], strict=True)
    ]
    st.markdown(f"**Nearest in {space}** :small[class, and distance in {space}]")
    st.html(own_image.neighbours(tiles, snapshot.true[rows].tolist(), distances, which, names))


# The page


@st.fragment
def draw(folders: Sequence[Folder], spec: Spec, names: Sequence[str]) -> None:
    """The pad and all that follows from it: a stroke draws this anew and nothing else."""
    left, right = st.columns([1, 1.6 if len(folders) < 3 else 2.1], gap="large" if len(folders) < 3 else "medium")
    with left:
        pad_and_ways(spec)
    drawn = drawing.current(spec)
    with right:
        if drawn.image is None:
            st.caption("The runs look on while you draw: which class they see, and how sure they are of it.")
            st.caption(IDEAS)
            return
        polling.load("see", 360)
        runs = sides(folders, drawn)
        answers(runs, names)
        st.page_link(
            "pages/equations.py", label="Follow it through the models", icon=":material/account_tree:",
            query_params={"runs": ",".join(f.id for f in folders), "drawing": drawn.text},
        )  # fmt: skip
        st.caption(IDEAS if spec.name in WIDTHS else PHOTOGRAPHS)
    every_class(runs, names)
    there = [s for s in runs if s.seen is not None]
    if not there:
        return
    if not is_ready(spec):
        st.caption(f"The images of {spec.title} are not ready on this machine, so there are no neighbours and no map.")
        st.page_link("pages/data.py", label=f"Get {spec.title}", icon=":material/image:")
        return
    try:
        where(there, names)
    except UserError as e:
        run_pickers.refuse(str(e))


def warm(folders: Sequence[Folder]) -> None:
    """While somebody thinks of what to draw: load the models, and the bounds of test images."""
    polling.load("see", 360)
    for folder in folders:
        try:
            door.ask("load_ahead", folder)
            if MODELS[folder.run.model].draws and is_ready(DATASETS[folder.run.dataset]):
                door.ask("usual_bounds", folder)
        except UserError:
            continue  # said where its answer would stand


def watch(folders: Sequence[Folder], seen: Sequence[tuple[object, bool]]) -> None:
    """While a run goes on, or a map is being made: draw the page anew when there is something new."""
    wanted = st.session_state.get("drawing-map")

    def look() -> tuple[list, bool]:
        made = bool(wanted) and polling.ended(jobs.engine().map_state(*wanted))
        if made:
            st.session_state.pop("drawing-map", None)
        return [polling.weights_of(f) for f in folders], made

    if wanted or not all(final for _, final in seen):
        polling.watch(look, (list(seen), False), 1.0 if wanted else polling.TICK)


def show(folders: Sequence[Folder]) -> None:
    spec = DATASETS[folders[0].run.dataset]
    names = class_names(spec)
    if why := drawing.from_address(spec):
        run_pickers.refuse(why)
    first_image(spec)
    now = [polling.weights_of(f) for f in folders]
    draw(folders, spec, names)
    warm(folders)
    watch(folders, now)


layout.open(
    "Draw",
    icon=":material/draw:",
    terms=words.terms(words.Q_Y, words.ENTROPY, words.BOUND, words.CODE, words.NATS),
    lead="Draw a digit, or upload a picture, and see what models make of it: its class, its style, and the "
    "images nearest to it.",
)
st.html(image_grid.STYLE)
st.html(own_image.STYLE)
if folders := choose():
    try:
        show(folders)
    except UserError as e:
        run_pickers.refuse(str(e))
