"""Draw: an image of one's own, and what one to three runs make of it: class, style, place and neighbours."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

import data
from data import DATASETS, Spec
from models import BASELINE, CLASS, MODELS, jobs
from models.analysis import door
from models.errors import UserError
from models.runs.store import Folder
from pages.parts.components.drawing_pad import WIDTHS
from pages.parts.inside import drawing, drawing_start, drawn_map, own_image
from pages.parts.inside.drawn_map import Side
from pages.parts.shared import image_grid, layout, palette, polling, run_pickers, url_state, words

AT_MOST, FIRST = 3, 2  # runs beside each other, and those that open
IDEAS = (
    "A model can be sure of what it has never seen: it must share its belief, q(y|x), among the classes it knows. "
    "See whether the entropy tells you, or the bound on −log p(x): that says how hard an image is to describe."
)
PHOTOGRAPHS = (
    "Paint over a part of the image: q(y|x) must share its belief among the classes it knows, whatever it is shown. "
    "See how much it takes to change its mind, and whether the entropy or the bound on −log p(x) tells it."
)
# Choosing


def asked() -> list[str]:
    return st.query_params.get("runs", "").split(",")


def can_show(folder: Folder) -> bool:
    """Whether there are weights, or the address asks for this very run and should hear why there are none."""
    return folder.has_weights() or folder.id in asked()


def first_choice(folders: list[Folder]) -> list[Folder]:
    """Of the newest run on digits and those with its data, labels and seed: two, the baseline and CLASS if there."""
    folders = run_pickers.begun_anew(folders)
    newest = next((f for f in folders if f.run.dataset in WIDTHS), folders[0])
    same = [f for f in folders if (f.run.dataset, f.run.budget()) == (newest.run.dataset, newest.run.budget())]
    alike: dict[str, Folder] = {}
    for f in run_pickers.of_one_seed(same):
        alike.setdefault(f.run.model, f)
    order = dict.fromkeys([BASELINE, CLASS, *sorted(MODELS, key=lambda m: -MODELS[m].rank)])
    return [alike[m] for m in order if m in alike][:FIRST]


def choose() -> list[Folder]:
    """The runs, all on one data set: that of the first."""
    if "run" in st.query_params:  # a link that names one run
        st.query_params.setdefault("runs", st.query_params["run"])
        del st.query_params["run"]
    chosen = run_pickers.choose_runs(
        AT_MOST,
        can_show,
        label="Models that see the drawing, at most three",
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


def class_names(spec: Spec) -> tuple[str, ...]:
    return data.load(spec.name).classes if drawing_start.is_ready(spec) else tuple(map(str, range(spec.n_classes)))


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


def answers(runs: Sequence[Side], names: Sequence[str], meant: int | None) -> None:
    """q(y|x), entropy, reconstruction and bound of each run, side by side; right or wrong, where that is known."""
    for side, column in zip(runs, st.columns(len(runs), gap="medium"), strict=True):
        run = side.folder.run
        with column:
            st.markdown(f"**{run_pickers.plain(side.name)}** :small[:gray[{run.budget(',')}, seed {run.seed}]]")
            if side.seen is None:
                run_pickers.refuse(side.why)
                continue
            of = MODELS[run.model].classifier_is
            k = int(side.seen.q_y.argmax())
            made = own_image.made_of_it(side.seen.reconstruction, k, names, how_strange(side))
            st.html(own_image.answer(side.seen.q_y, names, of, meant) + made)


def how_strange(side: Side) -> str:
    """The bound of the drawing among those of test images, if the model has one and they are here."""
    run = side.folder.run
    if side.seen.bound is None or not drawing_start.is_ready(DATASETS[run.dataset]):
        return ""
    known = door.ask("usual_bounds", side.folder)
    return own_image.strange(side.seen.bound, run.explained, known, MODELS[run.model].generative.bound, side.colour)


def in_short(runs: Sequence[Side], names: Sequence[str], meant: int | None) -> str:
    """Which runs are right, where that is known, else whether they agree; what each says stands large below."""
    found = [side.seen.q_y for side in runs if side.seen]
    if meant is not None and found:
        right, wrong = (
            [side.name for side in runs if side.seen and (int(side.seen.q_y.argmax()) == meant) == so]
            for so in (True, False)
        )
        said = [
            f"{' and '.join(these)} {'is' if len(these) == 1 else 'are'} {how}"
            for these, how in ((right, "right"), (wrong, "wrong"))
            if these
        ]
        return f"Drawn as a {image_grid.name_of(meant, names)}: {', '.join(said)}"
    if len(found) < 2:
        return ""
    if len({int(q_y.argmax()) for q_y in found}) > 1:
        return "The models disagree"
    sure = max(float(q_y.max()) for q_y in found) >= drawing_start.SURE
    return f"The models agree on {image_grid.name_of(int(found[0].argmax()), names)}" + ("" if sure else ", unsurely")


def to_try(spec: Spec, drawn: drawing.Drawing, runs: Sequence[Side]) -> str:
    """What to try where the answers are guesses: no image of the data set is near, or no model is sure; else ""."""
    if spec.name not in WIDTHS or drawn.example or drawing_start.understood(spec):
        return ""  # below the pad the same is said of a picture that was uploaded
    unlike = drawing_start.unlike_all(spec, drawn)
    unsure = not any(side.seen and side.seen.q_y.max() >= drawing_start.SURE for side in runs)
    own = not drawing.sketch_on(spec, drawn)
    return " ".join([*unlike, *([drawing_start.TRY[spec.name]] if own else [])]) if unlike or unsure else ""


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


# The page


@st.fragment
def draw(folders: Sequence[Folder], spec: Spec, names: Sequence[str]) -> None:
    """The pad and all that follows from it: a stroke draws this anew and nothing else."""
    with st.container(key="dw-page"):
        left, right = st.columns([1, 1.9 if len(folders) < 3 else 2.1], gap="large" if len(folders) < 3 else "medium")
    drawn = drawing.current(spec)
    with left:
        drawing_start.pad(spec)
        with st.container(key="dw-ways"):
            drawing_start.ways_to_begin(spec)
    with right:
        if drawn.image is None or drawing.is_empty(drawn):
            begin = "Draw a digit, or click a drawing." if spec.name in WIDTHS else "Draw something."
            waits = begin if drawn.strokes == "[]" or drawn.image is not None else "The models are looking at it."
            st.markdown(
                f"**{waits}** Models answer every stroke: which class they see, how sure they are, and which images "
                "look alike to them."
            )
            st.caption(IDEAS if spec.name in WIDTHS else PHOTOGRAPHS)
            return
        polling.load("see", 360)
        runs, meant = sides(folders, drawn), drawing.MEANT.get(drawing.sketch_on(spec, drawn))
        if verdict := in_short(runs, names, meant):
            with st.container(key="dw-verdict"):
                st.subheader(run_pickers.plain(verdict), anchor=False)
        if advice := to_try(spec, drawn, runs):
            st.info(advice, icon=":material/lightbulb:")
        answers(runs, names, meant)
        with st.container(key="dw-more"):
            st.page_link(
                "pages/equations.py", label="Follow it through the models", icon=":material/account_tree:",
                query_params={"runs": ",".join(f.id for f in folders), "drawing": drawn.text},
            )  # fmt: skip
            st.caption(IDEAS if spec.name in WIDTHS else PHOTOGRAPHS)
    every_class(runs, names)
    there = [s for s in runs if s.seen is not None and MODELS[s.folder.run.model].latents]
    if not there:  # a method without a space has no map
        return
    if not drawing_start.is_ready(spec):
        st.caption(f"The images of {spec.title} are not ready on this machine, so there are no neighbours and no map.")
        st.page_link("pages/data.py", label=f"Get {spec.title}", icon=":material/image:")
        return
    try:
        drawn_map.where(there, names)
    except UserError as e:
        run_pickers.refuse(str(e))


def warm(folders: Sequence[Folder]) -> None:
    """While somebody thinks of what to draw: load the models, and the bounds of test images."""
    polling.load("see", 360)
    for folder in folders:
        try:
            door.ask("load_ahead", folder)
            if MODELS[folder.run.model].draws and drawing_start.is_ready(DATASETS[folder.run.dataset]):
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
    drawing_start.first_image(spec)
    epochs = {max((e for e, _ in f.snapshots()), default=0) for f in folders}
    if (epoch := url_state.asked("epoch")) is not None and epochs != {epoch}:
        st.caption(f"Not after epoch {epoch}: a run keeps its last weights alone, and those answer here.")
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
