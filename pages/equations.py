"""Equations: each formula of a method beside the code that computes it, with its terms for one image of one run."""

import secrets
from collections.abc import Callable, Sequence

import numpy as np
import streamlit as st

import data
from data import DATASETS, Images
from models import FIRST, IMAGE_MODELS, MODELS, in_order
from models.analysis import door, read_source, snapshots
from models.analysis.answers import possible_draws
from models.analysis.read_source import Written
from models.errors import UserError
from models.runs import store
from models.runs.store import Folder
from pages.parts.components.live_chart import Line, Mark, live_chart
from pages.parts.components.scroll_into_view import scroll_into_view
from pages.parts.maths import flow, formulas, graphs, objective, objective_terms, pretraining, waterfall
from pages.parts.maths.objective_terms import Live
from pages.parts.shared import figures, image_grid, latent_map, layout, palette, polling, run_pickers, url_state, words
from pages.parts.shared.run_metrics import Metrics, metrics

GALLERY = 24  # images to choose from at a time
KINDS = {"labelled": "Labelled", "unlabelled": "Unlabelled", "test": "Test"}
OWN = "own"  # the class that the image has
TERM_BARS = "; the bars are what each equation comes to for the image above."
NO_RUN = "Its terms for an image need a run of this method. Train one{}."
STYLE = """<style>
.eq-link {text-decoration:none; font-size:.85rem; opacity:.7}
.st-key-eq_gallery button {padding:.15rem !important; min-height:0 !important; height:auto !important;
  border-radius:.5rem !important}
.st-key-eq_gallery button img {height:2.2rem !important; max-height:none !important; width:auto; display:block;
  image-rendering:pixelated}
[class*=st-key-eq-] {scroll-margin-top:4rem}
[class*=st-key-eq-] [data-testid=stElementContainer]:has(.katex-display) {container-type:inline-size}
[class*=st-key-eq-] .katex-display {overflow-x:auto; overflow-y:hidden; padding:.2rem 0; margin:.5rem 0 .8rem}
[class*=st-key-eq-] .katex-display > .katex {font-size:clamp(.6rem, 3.3cqi, 1.21rem)}
[class*=st-key-eq-] .stCode code {font-size:.75rem !important}
.st-key-eq-factors .katex-display > .katex {font-size:clamp(.7rem, 4.6cqi, 1.21rem)}
</style>"""


def kinds(folder: Folder) -> dict[str, np.ndarray]:
    """The ids of a run's images: labelled ones, the classes in turn, unlabelled ones, test images."""
    images = data.load(folder.run.dataset)
    labelled, unlabelled, _ = door.ask("split", folder)
    y = images.y[labelled]
    by_class = np.argsort(y, kind="stable")
    nth = np.empty(len(y), np.int64)  # of its class
    nth[by_class] = np.arange(len(y)) - np.searchsorted(y[by_class], y[by_class])
    return {
        "labelled": labelled[np.lexsort((y, nth))],
        "unlabelled": unlabelled,
        "test": -1 - np.arange(len(images.y_test)),
    }


# Choosing


def choose_model() -> str:
    """The method, bound to ?model=; a link that names only a run shows that run's method."""
    asked = st.query_params.get("run", st.session_state.get("last_run", ""))
    default = first_shown()
    try:
        if folder := store.open_folder(store.root(), asked):
            default = folder.run.model
    except UserError:
        pass  # `choose_run` says why
    also = (m for m in (default, st.query_params.get("model")) if m in MODELS and "images" in MODELS[m].kinds)
    names = in_order([*IMAGE_MODELS, *also])  # a run's method may stand on a backbone, which no list has
    if "model" not in st.query_params and asked and default in names:
        st.session_state["last_model"] = default
    elif st.query_params.get("model", default) not in names:
        st.caption(f"The address asks for a method that is not here. Choose one of: {', '.join(names)}.")

    def changed() -> None:
        for of_another in ("run", "eq", "term", *flow.KEYS):
            st.query_params.pop(of_another, None)
        run_pickers.to_address("model")()

    def another(name: str) -> None:
        st.session_state["model"] = name
        changed()

    model = run_pickers.linked("model", names, first_shown())
    shown = in_order([*FIRST, model])
    st.segmented_control(
        "Method", shown, key="model", required=True, format_func=lambda n: MODELS[n].legend, on_change=changed,
        label_visibility="collapsed", wrap=True, width="content",
    )  # fmt: skip
    run_pickers.one_more("more-methods", [n for n in names if n not in shown], another, width=150)
    return model


def first_shown() -> str:
    """The method that opens: the first whose class is a latent variable."""
    return next((name for name in MODELS if has_class_bound(name)), next(iter(MODELS)))


def has_class_bound(model: str) -> bool:
    generative = MODELS[model].generative
    return bool(generative and generative.class_bound)


def choose_run(model: str) -> Folder | None:
    """A run of the method that has weights, or one that the address asks for."""

    def can(folder: Folder) -> bool:
        asked = folder.id == st.query_params.get("run")
        return folder.run.model == model and (asked or folder.has_weights())

    takes = "" if MODELS[model].frozen else "; on the digits it takes about a minute"
    return run_pickers.choose_run(can, label="Run", none=NO_RUN.format(takes))


def to_image(id: int) -> None:
    flow.forget()
    st.query_params["image"] = str(int(id))


def unsurest(folder: Folder, pools: dict[str, np.ndarray]) -> int:
    """The unlabelled image of which the run is the least sure, for there is most to see; or else a labelled one."""
    snapshot = latent_map.look(folder)
    if snapshot is not None and snapshot.q_y is not None:
        unlabelled = np.flatnonzero(snapshot.kind == snapshots.UNLABELLED)
        if len(unlabelled):
            return int(snapshot.ids[unlabelled[snapshot.entropy[unlabelled].argmax()]])
    return int(pools["labelled"][0])


def image_asked(folder: Folder, pools: dict[str, np.ndarray], images: Images) -> int:
    """The image in the address, or the one looked at last, if there is such a one; else one that says most."""
    default = unsurest(folder, pools)
    text = st.query_params.get("image", str(st.session_state.get("last_eq_image", default)))
    id = url_state.whole(text, -len(images.y_test), len(images.y) - 1)
    id = default if id is None else id
    st.session_state["last_eq_image"] = id
    run_pickers.settle("image", str(id), str(default))
    return id


def choose_image(folder: Folder, images: Images) -> tuple[int, list[Folder]]:
    """An image: by what it is to the run, by number, or another one; and the runs that stand beside this one."""
    pools = kinds(folder)
    id = image_asked(folder, pools, images)
    kind, pool = pool_of(folder, id)
    url_state.show("eq_kind", kind)
    url_state.show("eq_number", -1 - id if id < 0 else id)

    def kind_chosen() -> None:
        if (chosen := st.session_state["eq_kind"]) is not None:
            to_image(pools[chosen][0])

    def number_chosen() -> None:
        if (n := st.session_state["eq_number"]) is not None:
            to_image(-1 - n if kind == "test" else n)

    def another() -> None:
        to_image(secrets.choice(pool[pool != id].tolist() or [id]))

    st.segmented_control(
        "Image", list(KINDS), key="eq_kind", required=True, on_change=kind_chosen, width="content",
        format_func=KINDS.__getitem__, label_visibility="collapsed",
    )  # fmt: skip
    st.button("Another image", on_click=another, icon=":material/shuffle:")
    most = (len(images.y_test) if kind == "test" else len(images.y)) - 1
    what = "Test image" if kind == "test" else "Training image"
    with st.popover("More", icon=":material/tune:"):
        st.number_input(f"{what}, 0 to {most:,}", 0, most, step=1, key="eq_number", on_change=number_chosen)
        beside = flow.choose_beside(folder)
    return id, beside


def pool_of(folder: Folder, id: int) -> tuple[str, np.ndarray]:
    """What an image is to the run, and the ids of all that are the same."""
    pools = kinds(folder)
    kind = "test" if id < 0 else "labelled" if id in pools["labelled"] else "unlabelled"
    return kind, pools[kind]


def gallery(folder: Folder, id: int, images: Images) -> None:
    """Images of the same kind to choose from; the class of unlabelled ones is not shown."""
    kind, pool = pool_of(folder, id)
    at = np.flatnonzero(pool == id)
    first = int(at[0]) // GALLERY * GALLERY if len(at) else 0
    shown = pool[first : first + GALLERY]
    n = len(images.classes)
    pixels = figures.last(data.pixels(images, shown))
    y = [int(images.y_test[-1 - i] if i < 0 else images.y[i]) for i in shown]
    colours = [palette.UNLABELLED if kind == "unlabelled" else palette.colour(k, n) for k in y]
    pixels = [figures.ink(tile, c) for tile, c in zip(pixels, colours, strict=True)]
    labels = {
        int(i): f"![{'Test' if i < 0 else 'Training'} image {-1 - i if i < 0 else i}]({figures.uri(figures.png(tile))})"
        for i, tile in zip(shown, pixels, strict=True)
    }
    url_state.show("eq_pick", id if id in labels else None)

    def picked() -> None:
        if st.session_state["eq_pick"] is not None:
            to_image(st.session_state["eq_pick"])

    with st.container(key="eq_gallery"):
        st.pills(
            "Images", list(labels), key="eq_pick", format_func=labels.__getitem__, on_change=picked,
            label_visibility="collapsed",
        )  # fmt: skip


def choose_draws(folder: Folder) -> int:
    """How many draws of the noise the figures are means of, bound to ?draws=."""
    possible = possible_draws(folder.run)
    return run_pickers.segments(
        "Draws", "draws", possible, shown=len(possible) > 1 and not MODELS[folder.run.model].linear_probe,
        help="Each figure is the mean over so many draws of z (and a), or of random changes of the image; "
        "± is the standard error of that mean.",
    )  # fmt: skip


def choose_class(model: str, names: Sequence[str]) -> str:
    """The class for which L(x,y) is taken apart, bound to ?y=: "own", or a number."""
    choices = [OWN, *map(str, range(len(names)))]
    y = run_pickers.linked("y", choices, OWN)
    st.selectbox(
        "L(x,y) for", choices, key="y", on_change=run_pickers.to_address("y"), width=190,
        format_func=lambda k: "its own class" if k == OWN else f"class {image_grid.name_of(int(k), names)}",
    )  # fmt: skip
    return y


# One image of one run


def latest(m: Metrics) -> tuple[dict[str, float], int]:
    """The run's mean terms over the last epoch that it recorded, and which that was; of one epoch all of them."""
    epoch = max((at[-1] for at, _ in m.means.values()), default=0)
    return {name: values[-1] for name, (at, values) in m.means.items() if at[-1] == epoch}, round(epoch)


def prepare(folder: Folder) -> Images | None:
    """The images to choose from; None, after a sentence, where there is nothing to compute."""
    run = folder.run
    if data.availability(run.dataset) != "ready":
        title = DATASETS[run.dataset].title
        run_pickers.refuse(f"{title} is not ready on this machine, so there is no image to choose.")
        st.page_link("pages/data.py", label="Open Data", icon=":material/image:", query_params={"dataset": run.dataset})
        return None
    try:
        polling.load("terms", 160)
        door.weights_stamp(folder)  # without weights there is no image to choose
        return data.load(run.dataset)
    except UserError as e:
        run_pickers.refuse(str(e))
        return None


def follow(folder: Folder, beside: Sequence[Folder], id: int, images: Images) -> bool:
    """The image, or the drawing that the address holds, on its way through the models; whether it was the drawing."""
    drawn = followed = flow.drawing(folder)
    if followed:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button("Back to the images", on_click=flow.forget, icon=":material/arrow_back:", type="tertiary")
            st.caption("The picture follows your drawing.")
    else:
        name = f"Test image {-1 - id}" if id < 0 else f"Training image {id}"
        true = int(images.y_test[-1 - id] if id < 0 else images.y[id])
        followed = flow.Followed(data.pixels(images, [id])[0], name, true)
    flow.show([folder, *beside], followed)
    return drawn is not None


def choose_live(folder: Folder, images: Images, id: int) -> Live | None:
    """What the run's weights make of the image; None, after a sentence, where there is nothing to compute."""
    run = folder.run
    gallery(folder, id, images)
    try:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            draws = choose_draws(folder)
            y = choose_class(run.model, images.classes) if has_class_bound(run.model) else OWN
        found = door.ask("terms", folder, id=id, draws=draws)
    except UserError as e:
        run_pickers.refuse(str(e))
        return None
    m = metrics(folder)
    usual, usual_epoch = latest(m)
    epoch = max((e for e, _ in folder.snapshots()), default=usual_epoch)
    k = found["true"] if y == OWN else int(y)
    return Live(folder, epoch, id, found, k, images.classes, usual, usual_epoch)


# The page's parts


def about(model: str, folder: Folder | None) -> None:
    """The graphical model, how p and q factorise, and the symbols."""
    settings = folder.run.settings if folder else None
    graphs.show(model, settings)
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown(MODELS[model].family)
        st.caption(graphs.legend(model))
    with right:
        with st.container(key="eq-factors"):
            for factor in MODELS[model].factorisation:
                st.latex(factor)
        with st.container(horizontal=True):
            st.download_button(
                "Graph as SVG", graphs.svg_file(model, settings), file_name=f"{model}-graph.svg", mime="image/svg+xml",
                icon=":material/download:", on_click="ignore",
            )  # fmt: skip
            st.download_button(
                "Equations and code", formulas.document(model, settings),
                file_name=f"{model}-equations.md", mime="text/markdown", icon=":material/download:", on_click="ignore",
            )  # fmt: skip


def address_of(written: Written, model: str, live: Live | None) -> str:
    """The link to one equation as it is shown now; only what was checked before goes into it."""
    parts = [f"model={model}", f"eq={written.key}"]
    if live:
        parts += [f"run={live.folder.id}", f"image={live.id}"]
        parts += [f"{key}={st.query_params[key]}" for key in ("draws", "y", *flow.KEYS) if key in st.query_params]
    return "?" + "&amp;".join(parts)


def show_equation(written: Written, model: str, live: Live | None) -> None:
    """A formula beside its code, its terms below the formula."""
    with st.container(key=f"eq-{written.key}", border=True):
        left, right = st.columns([3, 4], gap="medium")
        with left:
            st.subheader(f"{formulas.plain(written.name)} :small[:gray[{written.title}]]", anchor=False)
            st.markdown(run_pickers.plain(written.says))
            st.latex(formulas.coloured(model, written.key, written.latex))
            if live:
                fill(objective_terms.values, written, live)
        with right:
            st.code(written.code, language="python", wrap_lines=True)
            st.html(
                f"<small style='opacity:.65'>{written.path}, {written.cls}.{written.name}, line {written.line}</small> "
                f'<a class="eq-link" href="{address_of(written, model, live)}" target="_self">Link to this equation</a>'
            )
            if live:
                fill(objective_terms.beside, written, live)


def fill(show: Callable[[Written, Live], None], written: Written, live: Live) -> None:
    """Show what an equation comes to; a sentence, if the run was deleted or replaced this very moment."""
    try:
        show(written, live)
    except UserError as e:
        run_pickers.refuse(str(e))


def choose_equation(model: str, written: Sequence[Written]) -> str:
    """The equation that ?eq= asks to be brought into view, or none."""
    keys = {w.key: f"{formulas.plain(w.name)} ({w.cited})" for w in written}
    asked = st.query_params.get("eq")
    if asked is not None and asked not in keys:
        st.caption(f"The address asks for an equation that {MODELS[model].title} does not have, or not in this run.")
        del st.query_params["eq"]
    key = st.query_params.get("eq", "")
    url_state.show("eq", key or None)

    def changed() -> None:
        if st.session_state["eq"]:
            st.query_params["eq"] = st.session_state["eq"]
        else:
            st.query_params.pop("eq", None)

    if len(keys) > 1:
        st.pills("Go to", list(keys), key="eq", format_func=keys.__getitem__, on_change=changed)
    return key


def along_epochs(live: Live) -> None:
    """One term of the run along its epochs, and where the image lies now."""
    lines = objective_terms.recorded(metrics(live.folder))
    st.subheader("The same terms along the training", anchor=False)
    if not lines:
        st.caption("This run has recorded no terms yet.")
        return
    term = run_pickers.linked("term", list(lines), next(iter(lines)))
    st.selectbox(
        "Term", list(lines), key="term", on_change=run_pickers.to_address("term"), format_func=lambda t: lines[t][0],
        width=360,
    )  # fmt: skip
    title, epochs, nats, members = lines[term]
    here = objective_terms.of_this_image(live)
    colour = formulas.colour(term.rpartition("/")[2])
    marks = []
    if all(t in here for t in members):
        marks = [Mark(f"{live.image}, epoch {live.epoch}", sum(here[t] for t in members), palette.UNLABELLED)]
    live_chart(
        [Line("mean of the run", colour, epochs, nats)], title=title, unit=MODELS[live.model].unit, key="eq_along",
        x_max=float(live.folder.run.epochs), marks=marks, digits=2, robust=True, height=280,
        subject=f"{live.folder.id} {term}",
    )  # fmt: skip
    st.caption(
        "The run’s means were recorded while it learned: over batches, with dropout and augmented images, by weights "
        "that changed from step to step. The image is measured with the weights kept after the last epoch, the "
        "averaged ones where the preset averages."
    )


def show_notes(model: str) -> None:
    st.subheader("How the code reads the paper", anchor=False)
    for note in read_source.notes(model):
        st.markdown(f"{marked_up(note.text)}  \n:small[:gray[{note.of}]]")
    if not read_source.notes(model):
        st.caption("Nothing in this method’s own file differs from the paper.")
    with st.expander("And in the parts that the methods share", icon=":material/notes:"):
        for note in read_source.shared_notes():
            st.markdown(f"{marked_up(note.text)}  \n:small[:gray[{note.of}]]")


def marked_up(text: str) -> str:
    """A docstring's paragraph as Markdown: what stands between backticks is code, all else plain."""
    parts = text.split("`")
    return "".join(f"`{p}`" if i % 2 else run_pickers.plain(p) for i, p in enumerate(parts))


layout.open(
    "Maths",
    icon=":material/function:",
    terms=words.terms(words.OBJECTIVE, words.NATS, words.BOUND, words.Q_Y, words.EQUATIONS),
    lead="Choose a model and an image: its way through the model, what training makes small, term by term, and each "
    "formula beside the code that computes it.",
)
st.html(waterfall.STYLE + objective_terms.STYLE + formulas.style() + objective.STYLE + STYLE)
flow.main_from_address()
with st.container(horizontal=True, vertical_alignment="center", key="eq_top"):
    model = choose_model()
    folder = choose_run(model)
live, beside = None, []
images = prepare(folder) if folder else None
now = [polling.weights_of(folder)] if folder else []
with st.container(horizontal=True, vertical_alignment="center", key="eq_image"):
    if folder and images:
        id, beside = choose_image(folder, images)
        now += [polling.weights_of(f) for f in beside]
    with st.popover("Symbols", icon=":material/match_case:"):
        st.markdown(formulas.notation(model, folder.run.settings if folder else None))
# What stands above waits for what is chosen below: the number of draws.
picture, cost, graph = st.container(), st.container(), st.container()
if folder and images:
    with st.container(border=True):
        if live := choose_live(folder, images, id):
            objective_terms.said_of(live)
    with picture:
        of_drawing = follow(folder, beside, id, images)
    with cost:
        if live:
            objective.show(live, of_drawing)
with graph:
    about(model, folder)
st.subheader("The equations, and the code that computes them", anchor=False)
st.caption(
    f"Numbers (eq.) are those of {MODELS[model].source}. On the right stands the very code that trains"
    f"{TERM_BARS if MODELS[model].terms else '.'}"
)
of_method, before = read_source.equations(model), read_source.before(folder.run.settings if folder else None)
eq = choose_equation(model, [*of_method, *before])
for written in of_method:
    show_equation(written, model, live)
if folder and before:
    pretraining.begins(folder)
    for written in before:
        show_equation(written, model, live)
if live and MODELS[model].terms:
    along_epochs(live)
    st.download_button(
        "Terms as CSV", objective_terms.table(live), file_name=f"{live.folder.id}-image{live.id}-terms.csv",
        mime="text/csv",        icon=":material/download:", on_click="ignore",
    )  # fmt: skip
show_notes(model)
scroll_into_view(f"eq-{eq}" if eq else "", f"{model}", key="eq_jump")
if folder:
    polling.watch_weights([folder, *beside], now)
