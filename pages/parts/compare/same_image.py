"""One image through every compared model, a row each: q(y|x), the reconstruction, the image as every class.

Which image stands in the address as ?image=: an id as everywhere, i >= 0 is training image i, -1-j test image j. It is
also the one that is pinned in the maps.
"""

import html
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

import data
from data import DATASETS, Images
from models import MODELS
from models.analysis import door
from models.analysis.snapshots import LABELLED, TEST, UNLABELLED
from models.errors import UserError
from models.runs.store import FINAL
from pages.parts.compare.compared_runs import GROUP, Side
from pages.parts.components.selected_image import selected_image
from pages.parts.shared import figures, image_grid, palette, pinned_image, polling, run_pickers, url_state

MOST = 10  # classes shown: all if there are no more, else those that some run believes in, and the true one
MOST_FOLLOWED = 3  # runs whose pictures stand beside each other on Equations
ANY, DISAGREE = "any", "disagree"
AMONG = {ANY: "Any image", DISAGREE: "Where they disagree"}
PARTS = {"test": "Test images", "training": "Training images"}
KINDS = {LABELLED: "labelled", UNLABELLED: "unlabelled", TEST: "test"}

STYLE = """<style>
.th {display:grid; gap:1.1rem}
.th-row {display:grid; grid-template-columns:9.5rem auto minmax(0,1fr); gap:.4rem 1.4rem; align-items:end}
.th-head {line-height:1.3; padding-left:.65rem; border-left:3px solid var(--run); align-self:center; font-size:.9rem}
.th-head b {font-weight:600; display:block}
.th-head small {font-size:.78rem; opacity:.7; display:block}
.th-head em {font-style:normal; display:block; margin-top:.25rem}
.th-pair {display:flex; gap:.6rem; min-width:9.8rem}
.th figure {margin:0; text-align:center; min-width:0}
.th-pair i {width:4.6rem}
.th i {display:block; border-radius:.35rem; overflow:hidden; background:color-mix(in srgb,currentColor 5%,transparent)}
.th i b {display:block; aspect-ratio:var(--ratio); image-rendering:pixelated}
.th figcaption {font-size:.75rem; line-height:1.2; margin-top:.25rem; overflow-wrap:anywhere; min-height:1.2em}
.th-pair figcaption {opacity:.7; white-space:nowrap}
.th-classes {display:grid; grid-template-columns:repeat(var(--n),minmax(0,3.4rem)); gap:.45rem; align-items:end}
.th-bar {display:flex; flex-direction:column; justify-content:flex-end; height:3.6rem; margin-bottom:.2rem}
.th-bar span {font-size:.75rem; line-height:1.2; font-variant-numeric:tabular-nums; white-space:nowrap}
.th-bar u {display:block; min-height:2px; border-radius:.15rem .15rem 0 0}
.th-classes .k i {outline:2px solid currentColor; outline-offset:1px}
.th-classes .k figcaption, .th-classes .k span {font-weight:700}
.th-classes .t figcaption {text-decoration:underline; text-underline-offset:.2em; text-decoration-thickness:2px}
.th-note {font-size:.85rem; opacity:.75; align-self:center; grid-column:2/-1; margin:0}
.st-key-through_gallery button {padding:.15rem !important; min-height:0 !important; height:auto !important;
  border-radius:.5rem !important}
.st-key-through_gallery button img {height:2.4rem !important; max-height:none !important; width:auto; display:block;
  image-rendering:pixelated}
@media (max-width:640px) {
  .th-row {grid-template-columns:minmax(0,1fr) auto}
  .th-classes, .th-note {grid-column:1/-1}
  .th-classes {grid-template-columns:repeat(var(--n),minmax(0,1fr)); gap:.2rem}
  .th-pair {min-width:0}
  .th-pair i {width:3.6rem}
}
</style>"""


@dataclass(frozen=True)
class Seen:
    """One image as one run sees it."""

    q_y: np.ndarray | None = None  # (classes of the data set,)
    reconstruction: np.ndarray | None = None  # uint8 (h, w, c)
    classes: np.ndarray | None = None  # uint8 (shown classes, h, w, c)
    why: str = ""  # what there is to say of what is missing


def show(runs: Sequence[Side]) -> None:
    """The section, a fragment: choosing an image draws nothing else anew."""
    names = dict.fromkeys(s.folder.run.dataset for s in runs)
    if len(names) > 1:
        titles = " and ".join(DATASETS[n].title for n in names)
        st.caption(f"These runs learnt different data sets, {titles}: no image goes through all of them.")
        return
    dataset = next(iter(names))
    if data.availability(dataset) != "ready":
        title = DATASETS[dataset].title
        st.caption(f"The images of {title} are not ready on this machine. Get them on the Data page.")
        return
    try:
        images = data.load(dataset)
    except UserError as e:
        st.caption(run_pickers.plain(str(e)))
        return
    if any(side.folder.has_weights() for side in runs):
        polling.load("q_y", what="the models")
    st.fragment(section)(runs, images)


def section(runs: Sequence[Side], images: Images) -> None:
    st.html(STYLE)
    id = choose(runs, images)
    true = int(images.y[id] if id >= 0 else images.y_test[-1 - id])
    header(runs, images, id, true)
    said = st.empty()
    with_weights = [s.folder.id for s in runs if s.folder.has_weights()]
    if with_weights:
        st.page_link(
            "pages/equations.py", label="Follow this image through the models", icon=":material/account_tree:",
            query_params={"runs": ",".join(with_weights[:MOST_FOLLOWED]), "image": str(id)},
        )  # fmt: skip
    with st.spinner("Generating"):
        beliefs = [belief(s, id) for s in runs]
        shown = classes_shown([s.q_y for s in beliefs if s.q_y is not None], true, len(images.classes))
        seen = [picture(s, b, id, shown) for s, b in zip(runs, beliefs, strict=True)]
    said.markdown(f"**{claim(runs, seen, true, images.classes)}**")
    image = figures.last(data.pixels(images, [id]))[0]
    rows = "".join(row(s, v, image, true, shown, images.classes) for s, v in zip(runs, seen, strict=True))
    st.html(f'<div class="th">{rows}</div>')
    st.caption(meaning(runs, len(images.classes)))


def claim(runs: Sequence[Side], seen: Sequence[Seen], true: int, names: Sequence[str]) -> str:
    """Who says what of the image, the true class first, in a sentence."""
    says: dict[int, list[str]] = {}
    for side, of in zip(runs, seen, strict=True):
        if of.q_y is not None:
            says.setdefault(int(of.q_y.argmax()), []).append(run_pickers.plain(side.name))
    name = [run_pickers.plain(n.replace("_", " ")) for n in names]
    if not says:
        return f"The true class is {name[true]}."
    parts = [
        f"{' and '.join(filter(None, [', '.join(who[:-1]), who[-1]]))} {'say' if len(who) > 1 else 'says'} {name[k]}"
        for k, who in sorted(says.items(), key=lambda of: of[0] != true)
    ]
    return f"{'; '.join(parts)}. The true class is {name[true]}."


def choose(runs: Sequence[Side], images: Images) -> int:
    """An image: by number, any other one, or one of those on which the runs disagree most; its id."""
    n, n_test = len(images.y), len(images.y_test)
    shown = [(s.folder, s.snapshot) for s in runs if s.snapshot is not None]
    pool = pinned_image.disputed(shown, pinned_image.MOST)
    among = ANY
    id = asked(n, n_test)
    if id is None:
        id = pinned_image.telling(shown) if shown else -1
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if pool:
            among = run_pickers.segments(
                "Choose from", "among", AMONG, on_change=narrowed, args=(pool, id), width="content"
            )
        by_number(id, n, n_test)
        st.button("Another one", on_click=another, args=(pool if among == DISAGREE else range(-n_test, 0), id),
                  icon=":material/shuffle:", key="through_another")  # fmt: skip
    if among == DISAGREE:
        gallery(images, pool, id)
    return id


def asked(n: int, n_test: int) -> int | None:
    """The image that the address asks for, if there is such a one."""
    return url_state.image("image", n, n_test)


def to(id: int) -> None:
    st.query_params["image"] = str(id)


def narrowed(pool: Sequence[int], id: int) -> None:
    """What follows from another choice of where to choose from."""
    run_pickers.to_address("among")()
    if st.session_state["among"] == DISAGREE and id not in pool:
        to(pool[0])


def another(pool: Sequence[int], but: int) -> None:
    to(secrets.choice([i for i in pool if i != but] or list(pool)))


def by_number(id: int, n: int, n_test: int) -> None:
    """Two fields that follow the image shown, whoever chose it."""
    part = "training" if id >= 0 else "test"
    most = (n if id >= 0 else n_test) - 1
    url_state.show("through_part", part)
    url_state.show("through_number", id if id >= 0 else -1 - id)

    def chosen() -> None:
        of, number = st.session_state["through_part"], st.session_state["through_number"] or 0
        to(min(number, n - 1) if of == "training" else -1 - min(number, n_test - 1))

    st.selectbox("Of", list(PARTS), key="through_part", format_func=PARTS.__getitem__, on_change=chosen, width=170)
    st.number_input(f"Number, 0 to {most:,}", 0, most, step=1, key="through_number", on_change=chosen, width=150)


def gallery(images: Images, pool: Sequence[int], id: int) -> None:
    """The images on which the runs disagree, most first."""
    n = len(images.classes)
    tiles = figures.last(data.pixels(images, pool))
    true = [int(images.y[i] if i >= 0 else images.y_test[-1 - i]) for i in pool]
    tiles = [figures.ink(tile, palette.colour(k, n)) for tile, k in zip(tiles, true, strict=True)]
    labels = {
        i: f"![{called(i)}, {images.classes[k]}]({figures.uri(figures.png(tile))})"
        for i, k, tile in zip(pool, true, tiles, strict=True)
    }
    url_state.show("through_pick", id if id in labels else None)

    def picked() -> None:
        if st.session_state["through_pick"] is not None:
            to(st.session_state["through_pick"])

    with st.container(key="through_gallery"):
        st.pills(
            "Where they disagree most, by how far apart their q(y|x) are",
            list(pool),
            key="through_pick",
            format_func=labels.__getitem__,
            on_change=picked,
        )


def called(id: int) -> str:
    return f"Training image {id}" if id >= 0 else f"Test image {-1 - id}"


def header(runs: Sequence[Side], images: Images, id: int, true: int) -> None:
    """What image it is; it also follows the pins of the maps."""

    def pinned() -> None:
        value = st.session_state["through"].image
        if isinstance(value, int) and not isinstance(value, bool):
            to(value)

    selected_image(
        key="through",
        group=GROUP,
        id=id,
        name=called(id),
        true=images.classes[true].replace("_", " "),
        colour=palette.colour(true, len(images.classes)),
        mapped=any(s.snapshot is not None and bool((s.snapshot.ids == id).any()) for s in runs),
        on_image=pinned,
    )


# What the runs make of it


def kept_belief(side: Side, id: int) -> np.ndarray | None:
    """q(y|x) as the run's snapshot has it, if the image is among its snapshot images."""
    if side.snapshot is None or side.snapshot.q_y is None:
        return None
    rows = np.flatnonzero(side.snapshot.ids == id)
    return side.snapshot.q_y[rows[0]] if len(rows) else None


def belief(side: Side, id: int) -> Seen:
    """q(y|x) of the image. Never raises."""
    kept = kept_belief(side, id)
    if not side.folder.has_weights():
        ended = side.state in FINAL
        return Seen(kept, why="It kept no weights." if ended else "Its weights come with its first epoch.")
    if kept is not None and MODELS[side.folder.run.model].frozen:
        return Seen(kept)  # looking through a frozen network takes longer than a blink
    try:
        return Seen(door.ask("q_y", side.folder, ids=[id])[0])
    except UserError as e:
        return Seen(kept, why=str(e))


def picture(side: Side, seen: Seen, id: int, shown: Sequence[int]) -> Seen:
    """The same with the pictures, if the run can draw. Never raises."""
    method = MODELS[side.folder.run.model]
    if not method.draws:
        return Seen(
            seen.q_y, why=seen.why or "It is only a classifier, q(y|x): it has no p(x|·) to generate images with."
        )
    if seen.why:
        return seen
    try:
        made = {name: of[0] for name, of in door.ask("swap", side.folder, ids=[id], classes=shown).items()}
    except UserError as e:
        return Seen(seen.q_y, why=str(e))
    return Seen(made["q_y"], made["reconstruction"], made["classes"])


def classes_shown(q_y: Sequence[np.ndarray], true: int, n: int) -> list[int]:
    """All classes if they are few, else the true one and those that the runs believe in most, in order."""
    if n <= MOST:
        return list(range(n))
    most = np.max(q_y, axis=0) if len(q_y) else np.zeros(n)
    likeliest = [int(k) for k in np.argsort(-most, kind="stable") if k != true]
    return sorted([true, *likeliest[: MOST - 1]])


def row(side: Side, seen: Seen, image: np.ndarray, true: int, shown: Sequence[int], names: Sequence[str]) -> str:
    """One run as HTML."""
    run, n = side.folder.run, len(names)
    h, w = image.shape[:2]
    k = int(seen.q_y.argmax()) if seen.q_y is not None else -1
    verdict = ""
    if k >= 0:
        right = "correct" if k == true else "wrong"
        verdict = f"<em>{image_grid.safe(k, names)}, {figures.probability(float(seen.q_y[k]))}, {right}</em>"
    head = (
        f'<div class="th-head" style="--run:{side.colour}"><b>{html.escape(side.name)}</b>'
        f"<small>{run.budget()}, seed {run.seed}</small>{verdict}</div>"
    )
    drawn = [image] if seen.reconstruction is None else [image, seen.reconstruction]
    pictures = image_grid.strip(np.stack(drawn), [true, k][: len(drawn)], n, ["The image", "Its reconstruction"])
    captions = ("image", "reconstructed")
    pair = "".join(
        f"<figure>{p}<figcaption>{c}</figcaption></figure>" for p, c in zip(pictures, captions, strict=False)
    )
    pair = (
        f'<div class="th-pair" style="--sheet:{image_grid.address(image_grid.lay(np.stack(drawn)[None]))}">{pair}</div>'
    )
    note = f'<p class="th-note">{html.escape(seen.why)}</p>' if seen.why else ""
    classes = every_class(seen, true, k, shown, names) if k >= 0 else ""
    return f'<div class="th-row" style="--ratio:{w}/{h}">{head}{pair}{classes}{note}</div>'


def every_class(seen: Seen, true: int, k: int, shown: Sequence[int], names: Sequence[str]) -> str:
    """q(y|x) as bars, a class a column, and below each the image as that class."""
    n = len(names)
    tiles, look = [""] * len(shown), ""
    if seen.classes is not None:
        says = [f"as {image_grid.safe(j, names)}" for j in shown]
        tiles = image_grid.strip(seen.classes, shown, n, says)
        look = f"--sheet:{image_grid.address(image_grid.lay(seen.classes[None]))};"
    columns = []
    for j, tile in zip(shown, tiles, strict=True):
        p = float(seen.q_y[j])
        said = f"{100 * p:.0f}&thinsp;%" if p >= 0.005 else ""
        kind = " ".join(c for c, at in (("k", j == k), ("t", j == true)) if at)
        title = f"q(y|x) of {image_grid.safe(j, names)}: {figures.probability(p)}"
        bar = f"height:{70 * p:.2f}%;background:{palette.colour(j, n)}"
        columns.append(
            f'<figure class="{kind}" title="{title}"><div class="th-bar"><span>{said}</span><u style="{bar}"></u></div>'
            f"{tile}<figcaption>{image_grid.safe(j, names)}</figcaption></figure>"
        )
    return f'<div class="th-classes" style="{look}--n:{len(shown)}">{"".join(columns)}</div>'


def meaning(runs: Sequence[Side], n: int) -> str:
    """What the rows show."""
    cards = {MODELS[s.folder.run.model].name: MODELS[s.folder.run.model] for s in runs}.values()
    generative = [c.generative for c in cards if c.generative]
    of = "" if n <= MOST else f" The {MOST} of {n} classes are the true one and those that a run believes in most."
    said = [f"Bars: each run's class probabilities, q(y|x). Underlined: the true class; bold: the likeliest.{of}"]
    if any(g.sees_class for g in generative):
        said.append(
            "Below the bars: the same style under every class y. The style is the middle of q(z|x), the posterior mean."
        )
    said += [g.note for g in generative if g.note]
    if generative:
        said.append("The reconstruction is p(x|·) at the posterior mean of z and the likeliest class.")
    return " ".join(said).replace("|", r"\|")
