"""Generate: hold the style and vary the class, hold the class and vary the style."""

import html
import importlib
import io
import math
import secrets
import sys
from collections.abc import Sequence

import numpy as np
import streamlit as st
from PIL import Image, ImageDraw, ImageFont

import data
from data import DATASETS, DataError
from models import MODELS, latents
from models.latents import LatentError
from models.store import FINAL, Folder, StoreError
from pages.parts import controls, figures, frame, palette

MOST_COLUMNS, MOST_CLASSES = 16, 20
TARGET, LARGEST = 560, 72  # CSS pixels: how wide or high a sheet may be, and how wide one of its pictures
SHARP = 800  # pixels of a sheet at least: the browser shrinks it evenly, where it would enlarge it unevenly or blurred
GALLERY = 30  # test images to choose from at a time
ANY, MISTAKEN = "any", "mistaken"
STYLES, WALK = "single styles", "a walk"
TICK = 2.0  # seconds between two looks whether a run that goes on has new weights

WHAT = {
    "m2": "Each row is a class y, each column one style z. A picture is the mean of p(x|y,z), eq. 4.",
    "adgm": "Each row is a class y, each column one style z. A picture is the mean of p(x|z,y), eq. 17. "
    "The auxiliary a is not needed to draw: only q(z|a,y,x) and p(a|z,y,x) look at it.",
    "m1": "M1 has no y, so it cannot be asked for a class. Instead a Gaussian is fitted to the codes of each class's "
    "labelled images, {each} here, and z is drawn from it: a column is one place in all these Gaussians, "
    "not one style. A picture is the mean of p(x|z), section 2.1.",
}
SWAPPED = {
    "m2": "z is the mean of {q_z}, and stays; only y changes. Each picture is the mean of p(x|y,z), eq. 4.",
    "adgm": "z is the mean of q(z|a,y,x), eq. 20, and stays; only y changes. "
    "Each picture is the mean of p(x|z,y), eq. 17.",
    "m1": "M1 has no y to change: the code is moved from its place in the Gaussian of the likeliest class to the same "
    "place in that of each other class. Each picture is the mean of p(x|z), section 2.1.",
}
Q_Y = {
    "m2": "q(y|x), eq. 5",
    "adgm": "q(y|x): mean of q(y|a,x), eq. 19",
    "m1": "q(y|x): SVM, calibrated",
}
STYLE = """<style>
.gn-sheet {display:grid; grid-template-columns:auto minmax(0,1fr); gap:.15rem .6rem; max-width:var(--w)}
.gn-rows, .gn-columns {display:grid; font-size:.85rem; line-height:1}
.gn-rows {text-align:right; font-weight:600}
.gn-rows span {align-self:center}
.gn-columns {grid-column:2; text-align:center; opacity:.65; font-family:"Source Serif",Georgia,serif; font-style:italic}
.gn-columns sub {font-size:.65em}
.gn-way {grid-column:2; display:flex; justify-content:space-between; font-size:.8rem; opacity:.65}
.gn-look {display:flex; flex-wrap:wrap; gap:1.25rem 2.5rem; align-items:flex-start}
.gn-pair {display:flex; gap:1rem}
.gn-pair figure, .gn-strip figure {margin:0; text-align:center}
.gn-pair i {width:9rem}
.gn-pair i, .gn-strip i {display:block; border-radius:.4rem; overflow:hidden;
  background:color-mix(in srgb,currentColor 5%,transparent)}
.gn-pair i b, .gn-strip i b {display:block; aspect-ratio:var(--ratio); image-rendering:pixelated}
.gn-pair figcaption {font-size:.85rem; margin-top:.35rem; max-width:9rem; line-height:1.3}
.gn-pair small, .gn-bars small {opacity:.65; font-weight:400}
.gn-bars {flex:1 1 16rem; max-width:28rem; display:grid; grid-template-columns:auto 1fr 3.2rem; gap:.28rem .6rem;
  align-items:center; font-size:.85rem; line-height:1.15}
.gn-bars b {font-weight:400; text-align:right}
.gn-bars b.k {font-weight:700}
.gn-bars em {font-style:normal; font-variant-numeric:tabular-nums; text-align:right}
.gn-bars u {display:block; height:.8rem; border-radius:.2rem; overflow:hidden; text-decoration:none;
  background:color-mix(in srgb,currentColor 8%,transparent)}
.gn-bars s {display:block; height:100%}
.gn-bars p {grid-column:1/-1; margin:0 0 .2rem; font-weight:600}
.gn-strip {display:grid; grid-template-columns:var(--columns); gap:.7rem .5rem;
  margin-top:1.4rem}
.gn-strip figcaption {font-size:.8rem; line-height:1.2; margin-top:.3rem; overflow-wrap:anywhere}
.gn-strip .k i {outline:2px solid currentColor; outline-offset:1px}
.gn-strip .k figcaption {font-weight:700}
.st-key-gallery button {padding:.15rem !important; min-height:0 !important; height:auto !important;
  border-radius:.5rem !important}
.st-key-gallery button img {height:2.4rem !important; max-height:none !important; width:auto; display:block;
  image-rendering:pixelated}
.st-key-gallery {margin-bottom:.5rem}
@media (max-width:640px) {
  .gn-sheet {column-gap:.35rem}
  .gn-rows, .gn-columns {font-size:.72rem}
  .gn-columns.many {display:none}
  .gn-pair i {width:7.5rem}
  .gn-bars {flex-basis:100%}
  .gn-strip {grid-template-columns:repeat(5,1fr)}
  .gn-strip figcaption {font-size:.72rem}
}
</style>"""


# What is kept between reruns: never keyed by arrays, always by the run, its weights and what was asked of it


@st.cache_data(show_spinner=False, max_entries=128)
def grid(
    _folder: Folder, path: str, stamp: tuple, columns: int, seed: int, classes: tuple, spread: float, between: bool
) -> np.ndarray:
    from models import inside

    return inside.class_grid(_folder, columns, seed, classes, spread, between)


@st.cache_data(show_spinner=False, max_entries=128)
def swapped(_folder: Folder, path: str, stamp: tuple, image: int) -> dict[str, np.ndarray]:
    from models import inside

    return {name: of[0] for name, of in inside.swap(_folder, [-1 - image]).items()}


@st.cache_data(show_spinner=False, max_entries=16)
def mistaken(_folder: Folder, path: str, kept: int) -> list[int]:
    """Numbers of the test images whose class the run does not believe likeliest, among those it kept q(y|x) of."""
    probe = latents.probe(_folder)
    if probe is None or probe.q_y is None:
        return []
    return sorted(-1 - probe.ids[(probe.kind == latents.TEST) & (probe.predicted != probe.true)])


# Pictures. Grey ones are ink: what goes to the browser is how much of it, so that it suits a light and a dark page


def lay(tiles: np.ndarray, gap: int = 0, wide: int = 0) -> np.ndarray:
    """Tiles (rows, columns, h, w, 1 or 3) as one picture (H, W, 2 or 4), opacity last, `wide` pixels or more."""
    solid = np.full_like(tiles[..., :1], 255)
    tiles = np.concatenate([0 * solid, tiles] if tiles.shape[-1] == 1 else [tiles, solid], -1)
    tiles = np.pad(tiles, ((0, 0), (0, 0), (0, gap), (0, gap), (0, 0)))
    rows, columns, h, w, c = tiles.shape
    flat = tiles.swapaxes(1, 2).reshape(rows * h, columns * w, c)[: rows * h - gap, : columns * w - gap]
    return figures.enlarge(flat[None], max(1, math.ceil(wide / flat.shape[1])))[0]


def gap_of(tiles: np.ndarray) -> int:
    """Pixels between two tiles: photographs end at their edge, strokes need something to tell them apart."""
    return 1 if tiles.shape[-1] == 3 else 2


def address(picture: np.ndarray) -> str:
    return f"url({figures.uri(figures.png(picture))})"


def ink(k: int, n: int) -> str:
    """The colour of class k as ink: nearer to that of the text, since generated strokes are faint."""
    return f"color-mix(in oklab,{palette.colour(k, n)} 78%,currentColor)"


def name_of(k: int, names: Sequence[str]) -> str:
    return names[k].replace("_", " ")


def safe(k: int, names: Sequence[str]) -> str:
    return html.escape(name_of(k, names))


def show_grid(tiles: np.ndarray, classes: Sequence[int], names: Sequence[str], between: bool) -> None:
    """The class grid with the names of its rows and columns."""
    rows, columns, h, w, c = tiles.shape
    gap = gap_of(tiles)
    high, wide = rows * (h + gap) - gap, columns * (w + gap) - gap
    picture = address(lay(tiles, gap, wide=SHARP))
    if c == 1:
        bands = ",".join(
            f"{ink(k, len(names))} {100 * i * (h + gap) / high:.2f}% {100 * (i + 1) * (h + gap) / high:.2f}%"
            for i, k in enumerate(classes)
        )
        look = f"background:linear-gradient({bands});mask:{picture} 0 0/100% 100%"
    else:
        look = f"background:{picture} 0 0/100% 100%"
    labels = "".join(f"<span>{safe(k, names)}</span>" for k in classes)
    if between:
        head = '<div class="gn-way"><span>first style</span><span>second style</span></div>'
    else:
        cells = "".join(f"<span>z<sub>{j + 1}</sub></span>" for j in range(columns))
        many = " many" if columns > 12 else ""
        head = f'<div class="gn-columns{many}" style="grid-template-columns:repeat({columns},1fr)">{cells}</div>'
    width = min(TARGET, columns * LARGEST, TARGET * wide / high)
    longest = max(len(names[k]) for k in classes)
    st.html(
        f'<div class="gn-sheet" style="--w:calc({width:.0f}px + {0.55 * longest + 1:.2f}rem)">{head}'
        f'<div class="gn-rows" style="grid-template-rows:repeat({rows},1fr)">{labels}</div>'
        f'<div role="img" aria-label="{rows} classes in {columns} styles" '
        f'style="aspect-ratio:{wide}/{high};{look}"></div></div>'
    )


def strip(tiles: np.ndarray, classes: Sequence[int], n: int, says: Sequence[str]) -> list[str]:
    """HTML for tiles (n, h, w, c), each of a class, that shows them from the `--sheet` of the element around them."""
    of, made = len(tiles), []
    for i, k in enumerate(classes):
        place = f"var(--sheet) {100 * i / max(1, of - 1):.4f}% 0/{100 * of}% 100%"
        look = f"background:{ink(k, n)};mask:{place}" if tiles.shape[-1] == 1 else f"background:{place}"
        made.append(f'<i role="img" aria-label="{says[i]}"><b style="{look}"></b></i>')
    return made


def show_swap(swap: dict[str, np.ndarray], image: int, true: int, names: Sequence[str], of: str) -> None:
    """An image, what the model makes of it, q(y|x), and the image as every class."""
    n, q_y = len(names), swap["q_y"]
    k = int(q_y.argmax())
    two = np.stack([swap["image"], swap["reconstruction"]])
    h, w = two.shape[1:3]
    first, second = strip(two, (true, k), n, (f"Test image {image}", "Its reconstruction"))
    every = strip(swap["classes"], range(n), n, [f"as {safe(j, names)}" for j in range(n)])
    shown = range(n) if n <= 10 else np.argsort(-q_y)[:8]
    bars = "".join(
        f'<b class="{"k" if j == k else ""}">{safe(j, names)}</b>'
        f'<u><s style="width:{100 * q_y[j]:.2f}%;background:{palette.colour(j, n)}"></s></u><em>{percent(q_y[j])}</em>'
        for j in map(int, shown)
    )
    figure = "".join(
        f'<figure class="{"k" if j == k else ""}">{every[j]}<figcaption>{safe(j, names)}</figcaption></figure>'
        for j in range(n)
    )
    rest = f" <small>the likeliest of {n}</small>" if n > 10 else ""
    across = f"repeat({n},minmax(0,5.5rem))" if n <= 10 else "repeat(auto-fill,minmax(4.2rem,1fr))"
    verdict = "rightly" if k == true else "wrongly"
    st.html(
        f'<div class="gn-look"><div class="gn-pair" style="--ratio:{w}/{h};--sheet:{address(lay(two[None]))}">'
        f"<figure>{first}<figcaption>Test image {image}<br><small>is {safe(true, names)}</small></figcaption></figure>"
        f"<figure>{second}<figcaption>Reconstruction<br><small>as {safe(k, names)}, {verdict}</small></figcaption>"
        f'</figure></div><div class="gn-bars"><p>{of}{rest}</p>{bars}</div></div>'
        f'<div class="gn-strip" style="--ratio:{w}/{h};--columns:{across};'
        f'--sheet:{address(lay(swap["classes"][None]))}">{figure}</div>'
    )


def percent(p: float) -> str:
    return "< 0.1 %" if p < 0.001 else f"{100 * p:.1f} %"


def paper(tiles: np.ndarray, classes: Sequence[int], names: Sequence[str], title: str, below: str) -> bytes:
    """The sheet with its labels and what it shows, on white, as a PNG to take away."""
    rows = [name_of(k, names) for k in classes]
    picture = lay(tiles, gap_of(tiles), wide=1200)
    if tiles.shape[-1] == 1:
        colours = np.array([palette.rgb(palette.colour(k, len(names))) for k in classes]) * 0.78
        of_row = np.arange(len(picture)) * len(rows) // len(picture)
        grey = picture[..., 1:]
        picture = np.concatenate([np.broadcast_to(colours[of_row, None], (*grey.shape[:2], 3)), grey], -1)
    big = Image.fromarray(np.ascontiguousarray(picture, np.uint8))
    size = max(16, big.width // 44)
    font, small = ImageFont.load_default(size), ImageFont.load_default(round(0.8 * size))
    left = round(max(font.getlength(row) for row in rows)) + 2 * size
    lines = wrapped(below, small, left + big.width - 2 * size)
    out = Image.new("RGB", (left + big.width + size, big.height + round((4.2 + 1.3 * len(lines)) * size)), "white")
    pen = ImageDraw.Draw(out)
    pen.text((size, 0.8 * size), title, "black", font)
    out.paste(big, (left, round(2.6 * size)), big)
    for i, row in enumerate(rows):
        at = 2.6 * size + big.height * (i + 0.5) / len(rows)
        pen.text((left - 0.6 * size, at), row, "black", font, anchor="rm")
    for i, line in enumerate(lines):
        pen.text((size, big.height + (3.4 + 1.3 * i) * size), line, "#555555", small)
    made = io.BytesIO()
    out.save(made, "PNG", optimize=True)
    return made.getvalue()


def wrapped(text: str, font: ImageFont.FreeTypeFont, width: float) -> list[str]:
    lines = [""]
    for word in text.split():
        if font.getlength(f"{lines[-1]} {word}") > width and lines[-1]:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


# The page's parts


def can_show(folder: Folder) -> bool:
    """Whether there are weights, or the address asks for this very run and should hear why there are none."""
    return (folder.path / "model.safetensors").exists() or folder.id == st.query_params.get("run")


def choose() -> Folder | None:
    if "run" not in st.query_params and "last_run" not in st.session_state:
        drawing = (f for f in controls.readable_runs(can_show) if MODELS[f.run.model].draws)
        if first := next(drawing, None):  # the newest run may be one that cannot draw
            st.query_params["run"] = first.id
    return controls.choose_run(
        can_show, none="There is no run to draw from yet. Train a model first; on the digits it takes about a minute."
    )


def cannot_draw(folder: Folder) -> None:
    """Why the floor has no pictures, and the way to runs that have."""
    st.markdown(
        "This run only learned q(y|x), which class an image has. It has no p(x|y,z) and so cannot draw one. These can:"
    )
    others = [f for f in controls.readable_runs(can_show) if MODELS[f.run.model].draws]
    others.sort(key=lambda f: f.run.dataset != folder.run.dataset)
    for other in others[:5]:
        label = controls.run_label(other)
        st.button(label, on_click=go_to, args=(other.id,), icon=":material/grid_view:", type="tertiary", key=other.id)
    if not others:
        st.page_link("pages/train.py", label="Train a model", icon=":material/model_training:")


def go_to(run: str) -> None:
    st.query_params["run"] = run  # a page_link to the page one is on would change the page and not the address


def new_styles() -> None:
    st.session_state["style"] = 1 + secrets.randbelow(9999)


def within(key: str, most: int) -> None:
    """Take back what was chosen under `key` if the run now shown has no such thing."""
    if st.session_state.get(key) is not None and st.session_state[key] > most:
        st.session_state[key] = 0


def class_names(folder: Folder) -> tuple[tuple[str, ...], str]:
    """The names of the classes, and why there are only numbers if the data set is not at hand."""
    spec = DATASETS[folder.run.dataset]
    numbers = tuple(map(str, range(spec.n_classes)))
    if data.availability(spec.name) != "ready":
        return numbers, f"{spec.title} is not ready on this machine, so there are no test images to choose from."
    try:
        return data.load(spec.name).classes, ""
    except DataError as e:
        return numbers, str(e)


def grids(folder: Folder, stamp: tuple, names: Sequence[str], of: str) -> None:
    run = folder.run
    st.subheader("Every class in the same styles", anchor=False)
    left, right = st.columns([2.6, 1], gap="large")
    with right:
        st.button("New styles", on_click=new_styles, icon=":material/casino:", type="primary", width="stretch")
        seed = st.number_input(
            "Styles drawn by seed", 0, 9_999_999, step=1, key="style", bind="query-params",
            help="The same seed draws the same styles. With seed 0 the first eight are those of the samples on Train.",
        ) or 0  # fmt: skip
        columns = st.slider("Columns", 2, MOST_COLUMNS, 10, key="columns", bind="query-params")
        spread = st.slider(
            "Spread of z", 0.0, 2.0, 1.0, 0.1, key="spread", bind="query-params",
            help="What z is multiplied by. 0: the middle of each class; 1: as p(z) has it; above: rare styles.",
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
                format_func=lambda k: name_of(k, names), max_selections=MOST_CLASSES,
            )  # fmt: skip
    with left:
        if not classes:
            st.caption("Choose at least one class.")
            return
        with st.spinner("Drawing"):
            tiles = grid(folder, str(folder.path), stamp, columns, seed, tuple(classes), spread, between)
        show_grid(tiles, classes, names, between)
        copies = run.settings.svm_copies
        each = f"{run.labels // len(names)} a class" + (f" and {copies} varied copies of each" if copies else "")
        what = WHAT[run.model].format(each=each)
        drawn = (
            f"Styles of seed {seed}" + (f", z × {spread:g}" if spread != 1 else "") + (", a walk" if between else "")
        )
        st.caption(f"{what} {drawn}. {of}")
    with right:
        title = f"{MODELS[run.model].title}: every class in the same styles"
        st.download_button(
            "Sheet as PNG",
            lambda: paper(tiles, classes, names, title, f"{what} {drawn}. {of} Run {folder.id}."),
            file_name=f"{folder.id}-styles-{seed}.png",
            mime="image/png",
            icon=":material/download:",
            width="stretch",
            on_click="ignore",
        )


def picked() -> None:
    if st.session_state["pick"] is not None:
        st.session_state["image"] = st.session_state["pick"]


def another(pool: Sequence[int], but: int) -> None:
    st.session_state["image"] = secrets.choice([i for i in pool if i != but] or list(pool))


def kept_at(folder: Folder) -> tuple[str, int]:
    """Which snapshot of codes is the latest, and when it was written."""
    path = max(folder.snapshots(), default=(0, folder.path))[1]
    return str(path), path.stat().st_mtime_ns


def pool_of(folder: Folder, names: Sequence[str], of: str) -> list[int]:
    """Numbers of the test images to choose from."""
    y = data.load(folder.run.dataset).y_test
    if of == MISTAKEN:
        return mistaken(folder, *kept_at(folder))
    return list(range(len(y))) if of == ANY else np.flatnonzero(y == names.index(of)).tolist()


def narrowed(folder: Folder, names: Sequence[str]) -> None:
    """What follows from another choice of `of`: the address says so, and the image is one of those."""
    controls.to_address("of")()
    pool = pool_of(folder, names, st.session_state["of"])
    if pool and st.session_state["image"] not in pool:
        st.session_state["image"] = pool[0]


def choose_image(folder: Folder, names: Sequence[str]) -> int:
    """A test image: by number, by its picture, or any other one."""
    images = data.load(folder.run.dataset)
    y, n = images.y_test, len(images.classes)
    within("image", len(y) - 1)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        choices = [ANY, MISTAKEN, *names]
        # Not bound as the others are: `narrowed` changes the image at the same time, and one of the two would be lost.
        of = controls.linked("of", choices, ANY)
        st.selectbox(
            "Choose from", choices, key="of", width=190, on_change=narrowed, args=(folder, names),
            format_func=lambda name: "any class" if name == ANY else name.replace("_", " "),
        )  # fmt: skip
        pool = pool_of(folder, names, of)
        image = st.number_input(
            f"Test image, 0 to {len(y) - 1:,}", 0, len(y) - 1, step=1, key="image", bind="query-params", width=190
        ) or 0  # fmt: skip
        st.button("Another one", on_click=another, args=(pool, image), icon=":material/shuffle:", disabled=not pool)
    if not pool:
        st.caption("None of the test images that this run kept is mistaken.")
        return image
    first = pool.index(image) // GALLERY * GALLERY if image in pool else 0
    shown = pool[first : first + GALLERY]
    tiles = figures.last(images.x_test[shown])
    if tiles.shape[-1] == 1:
        tiles = [figures.ink(tile[..., 0], palette.colour(k, n)) for tile, k in zip(tiles, y[shown], strict=True)]
    labels = {
        i: f"![Test image {i}, {names[y[i]]}]({figures.uri(figures.png(tile))})"
        for i, tile in zip(shown, tiles, strict=True)
    }
    st.session_state["pick"] = image if image in labels else None
    with st.container(key="gallery"):
        st.pills(
            "Test images",
            shown,
            key="pick",
            format_func=labels.__getitem__,
            on_change=picked,
            label_visibility="collapsed",
        )
    return image


def swaps(folder: Folder, stamp: tuple, names: Sequence[str], of: str) -> None:
    st.subheader("One image as every class", anchor=False)
    model = folder.run.model
    image = choose_image(folder, names)
    with st.spinner("Drawing"):
        swap = swapped(folder, str(folder.path), stamp, image)
    true = int(data.load(folder.run.dataset).y_test[image])
    show_swap(swap, image, true, names, Q_Y[model])
    q_z = "q(z|x,y) at the likeliest class" if folder.run.settings.encoder_sees_y else "q(z|x), eq. 5"
    st.caption(f"{SWAPPED[model].format(q_z=q_z)} Outlined: the likeliest class, which the reconstruction has. {of}")


def follow(folder: Folder, stamp: tuple) -> None:
    """Show the next epoch's weights as soon as they are there."""
    from models import inside

    if folder.status()["state"] in FINAL or inside.stamp(folder) != stamp:
        st.rerun()


def show(folder: Folder) -> None:
    if not MODELS[folder.run.model].draws:
        cannot_draw(folder)
        return
    if "models.inside" not in sys.modules:
        waiting = st.empty()
        with waiting.container():
            st.caption("Loading torch and the model. This happens once.")
            st.skeleton(height=480)
        importlib.import_module("models.inside")
        waiting.empty()
    from models import inside

    run = folder.run
    stamp, epoch = inside.stamp(folder), max((e for e, _ in folder.samples()), default=0)
    names, missing = class_names(folder)
    of = (
        f"{MODELS[run.model].title} on {DATASETS[run.dataset].title}, {run.labels:,} labels, seed {run.seed}, "
        f"after epoch {epoch} of {run.epochs}."
    )
    grids(folder, stamp, names, of)
    if missing:
        st.subheader("One image as every class", anchor=False)
        controls.refuse(missing)
        st.page_link("pages/data.py", label="Open Data", icon=":material/image:", query_params={"dataset": run.dataset})
    else:
        swaps(folder, stamp, names, of)
    if folder.status()["state"] not in FINAL:
        st.fragment(follow, run_every=TICK)(folder, stamp)


frame.open(
    "Generate",
    icon=":material/grid_view:",
    lead="What a model believes a class looks like. Hold the style and vary the class, or the reverse.",
)
st.html(STYLE)
if folder := choose():
    try:
        show(folder)
    except (StoreError, DataError, LatentError) as e:
        controls.refuse(str(e))
