"""Generate: hold the style and vary the class, hold the class and vary the style."""

import secrets
from collections.abc import Sequence

import numpy as np
import streamlit as st

import data
from data import DATASETS
from models import MODELS
from models.analysis import door
from models.errors import UserError
from models.methods.card import Card
from models.runs.run import Run
from models.runs.store import Folder
from pages.parts.inside import auxiliary_draws, image_picker, interpolation, latent_plane, sample_scores
from pages.parts.shared import (
    export,
    figures,
    image_grid,
    labelled_grid,
    layout,
    polling,
    run_pickers,
    url_state,
    words,
)

MOST_COLUMNS, MOST_CLASSES = 16, 20
EPOCHS = 4  # after which samples stand beside each other
CLASSES, WAY, PLANE, AUXILIARY = "classes", "walk", "plane", "a"  # what the page shows: ?show=
SHOWN = {
    PLANE: "Drag through z",
    CLASSES: "Every class",
    WAY: "Between two images",
    AUXILIARY: "Auxiliary variable a",
}
OF_CLASSES = {"image", "pinned", "of", "columns", "spread", "between", "classes"}  # of the address: an image, or a grid
STYLES, WALK = "single styles", "a walk"


def classifier(card: Card) -> str:
    """What says the class, and by which equation."""
    return f"q(y|x): {card.classifier_is}" if card.classifier == "q(y|x)" else card.classifier


# The page's parts


def can_show(folder: Folder) -> bool:
    """Whether there are weights, or the address asks for this very run and should hear why there are none."""
    return folder.has_weights() or folder.id == st.query_params.get("run")


def choose() -> Folder | None:
    if "run" not in st.query_params and "last_run" not in st.session_state:
        generative = (f for f in run_pickers.readable_runs(can_show) if MODELS[f.run.model].pictures)
        if first := next(generative, None):  # the newest run may be one that cannot draw
            st.query_params["run"] = first.id
    return run_pickers.choose_run(
        can_show,
        none="No runs to generate images with yet. Train a model first; on the digits it takes about a minute.",
    )


def cannot_draw(folder: Folder) -> None:
    """Why the baseline has no pictures, and the way to runs that have."""
    st.markdown("This run is only a classifier, q(y|x). It has no p(x|y,z), so it cannot generate images. These can:")
    others = [f for f in run_pickers.offered(can_show, [])[0].values() if MODELS[f.run.model].pictures]
    others.sort(key=lambda f: f.run.dataset != folder.run.dataset)
    for other in others[:5]:
        label = run_pickers.plain(run_pickers.run_label(other))
        st.button(label, on_click=go_to, args=(other.id,), icon=":material/grid_view:", type="tertiary", key=other.id)
    if not others:
        run_pickers.to_train()


def go_to(run: str) -> None:
    st.query_params["run"] = run  # a page_link to the page one is on would change the page and not the address


def new_styles() -> None:
    st.session_state["style"] = 1 + secrets.randbelow(9999)


def grids(folder: Folder, names: Sequence[str], of: str) -> None:
    run = folder.run
    if MODELS[run.model].pictures.sees_class:
        st.markdown(
            "**Down a column** the style, z, stays and the class, y, changes, as if one hand had written it; **along a "
            "row** the class stays and the style changes."
        )
    else:
        st.markdown("**Each row** is one class; **New styles** draws other columns.")
    left, right = st.columns([2, 1], gap="large")
    with right:
        st.button("New styles", on_click=new_styles, icon=":material/casino:", type="primary", width="stretch")
        seed = st.number_input(
            "Styles drawn by seed", 0, 9_999_999, step=1, key="style",
            bind=url_state.bind("style", 0, url_state.LARGEST),
            help="The same seed draws the same styles on every machine. "
            "With seed 0 the first eight are those of the samples on Train.",
        ) or 0  # fmt: skip
        columns = st.slider("Columns", 2, MOST_COLUMNS, 10, key="columns",
                            bind=url_state.bind("columns", 2, MOST_COLUMNS))  # fmt: skip
        spread = st.slider(
            "Spread of z", 0.0, 2.0, 1.0, 0.1, key="spread", bind=url_state.bind("spread", 0, 2, url_state.decimal),
            help="What the style z is multiplied by. 0: the average style; 1: as common as the model holds it, p(z); "
            "above: rare styles.",
        )  # fmt: skip
        kind = st.segmented_control(
            "Columns are", [STYLES, WALK], default=STYLES, key="between", bind="query-params", required=True,
            width="stretch", help="A walk goes from the first style of this seed to the second, on an arc.",
        )  # fmt: skip
        between = kind == WALK
        classes = list(range(len(names)))
        if len(names) > 10:
            classes = st.multiselect(
                "Classes", classes, default=classes[:: len(names) // 10], key="classes", bind="query-params",
                format_func=lambda k: image_grid.name_of(k, names), max_selections=MOST_CLASSES,
            )  # fmt: skip
    with left:
        if not classes:
            st.caption("Choose at least one class.")
            return
        with st.spinner("Generating"):
            tiles = door.ask(
                "class_grid", folder, columns=columns, seed=seed, classes=classes, spread=spread, between=between
            )
        image_grid.show_grid(tiles, classes, names, between)
        copies = MODELS[run.model].copies(run.settings, run.labels + len(run.given))
        each = f"{run.budget()} in all" if run.given else f"{run.labels // len(names)} a class"
        each += f" and {copies} augmented copies of each" if copies else ""
        what = MODELS[run.model].pictures.class_grid.format(each=each)
        drawn = (
            f"Styles of seed {seed}" + (f", z × {spread:g}" if spread != 1 else "") + (", a walk" if between else "")
        )
        st.caption(f"{what} {drawn}. {of}")
    with right:
        title = f"{MODELS[run.model].title}: every class in the same styles"
        st.download_button(
            "Image grid as PNG",
            lambda: image_grid.labelled_png(tiles, classes, names, title, f"{what} {drawn}. {of} Run {folder.id}."),
            file_name=f"{folder.id}-styles-{seed}.png",
            mime="image/png",
            icon=":material/download:",
            width="stretch",
            on_click="ignore",
        )


def sharpening(folder: Folder) -> None:
    """The samples that the run kept while it learned, after a few of its epochs."""
    kept = folder.samples()
    if len(kept) < 2:
        return
    picks = [kept[i] for i in sorted({*np.geomspace(1, len(kept), min(EPOCHS, len(kept))).round().astype(int) - 1})]
    st.subheader(f"From epoch {picks[0][0]} to {picks[-1][0]}: the samples sharpen", anchor=False)
    for column, (epoch, path) in zip(st.columns(len(picks), gap="medium"), picks, strict=True):
        with column:
            figures.enlarged(path, DATASETS[folder.run.dataset].n_classes, f"Samples after epoch {epoch}")
            st.caption(f"After epoch {epoch}")


def swaps(folder: Folder, names: Sequence[str], of: str) -> None:
    st.subheader("One image as every class", anchor=False)
    model = folder.run.model
    image = image_picker.choose_image(folder, names)
    with st.spinner("Generating"):
        swap = {name: of[0] for name, of in door.ask("swap", folder, ids=[image]).items()}
    true = image_picker.class_of(data.load(folder.run.dataset), image)
    image_grid.show_swap(swap, image_picker.title_of(image), true, names, classifier(MODELS[model]))
    sees_y = MODELS[model].encoder(folder.run.settings) != MODELS[model].q_z
    q_z = "q(z|x,y) at the likeliest class" if sees_y else "q(z|x), eq. 5"
    what = MODELS[model].generative.swap.format(q_z=q_z)
    st.caption(f"{what} Outlined: the likeliest class, which the reconstruction has. {of}")


def choose_what(run: Run) -> str:
    """Which of the page's views is shown: only that one is computed."""
    has = MODELS[run.model].of(run.settings)
    if not has.draws:  # without codes of images it has no ways between them
        return CLASSES
    views = {v: title for v, title in SHOWN.items() if v != AUXILIARY or has.auxiliary}
    first = CLASSES if OF_CLASSES & {*st.query_params} else PLANE
    return run_pickers.segments("Show", "show", views, first, label_visibility="collapsed", wrap=True, width="content")


def show(folder: Folder) -> None:
    if not MODELS[folder.run.model].pictures:
        cannot_draw(folder)
        return
    if not folder.has_weights() and not folder.snapshots():
        polling.nothing_kept(folder, folder.status()["state"], "The images", "any weights to generate images with")
        return
    polling.load("class_grid", 480)
    run, now = folder.run, polling.weights_of(folder)
    stamp, epoch = door.weights_stamp(folder), max((e for e, _ in folder.samples()), default=0)
    names, missing = image_picker.class_names(folder)
    of = (
        f"{MODELS[run.model].title} on {DATASETS[run.dataset].title}, {run.budget(',')}, seed {run.seed}, "
        f"after epoch {epoch} of {run.epochs}."
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        what = choose_what(run)
        settings = st.container(width="content")
    if not run.settings.bound and "bound" in MODELS[run.model].reads:
        st.caption("This run’s J has no bound, so what makes a picture of y and z has learned nothing.")
    if what == PLANE:
        latent_plane.section(folder, stamp, names, missing, of, settings)
    elif what == CLASSES:
        grids(folder, names, of)
        sharpening(folder)
        sample_scores.section(folder, names)
    if missing and what != PLANE and MODELS[run.model].draws:
        st.subheader(SHOWN[what] if what != CLASSES else "One image as every class", anchor=False)
        run_pickers.refuse(missing)
        st.page_link("pages/data.py", label="Open Data", icon=":material/image:", query_params={"dataset": run.dataset})
    elif what == WAY:
        interpolation.section(folder, stamp, names, of)
    elif what == AUXILIARY:
        auxiliary_draws.section(folder, names, of)
    elif what == CLASSES and MODELS[run.model].draws:
        swaps(folder, names, of)
    polling.watch_weights([folder], [now])


layout.open(
    "Generate",
    icon=":material/grid_view:",
    terms=words.terms(words.GENERATED, words.CODE, words.CODE_MEAN, words.Q_Y, words.EQUATIONS, words.SEED),
    lead="Images that a model generates. Hold the style, z, and change the class, y, or the reverse.",
)
st.html(image_grid.STYLE + labelled_grid.STYLE + auxiliary_draws.STYLE)
if folder := choose():
    try:
        show(folder)
    except UserError as e:
        run_pickers.refuse(str(e))
    export.offer(folder)
