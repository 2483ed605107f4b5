"""The auxiliary variable a of a method that has one: draws of a for one image, and what each says of y and of z."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from models import MODELS
from models.analysis import door
from models.analysis.answers import ellipse
from models.runs.store import Folder
from pages.parts.inside import image_picker
from pages.parts.shared import figures, image_grid, labelled_grid, palette

ROWS = 6
ACROSS = 10  # classes that each draw is drawn as
STYLE = """<style>
.ax {display:flex; flex-wrap:wrap; gap:1rem 2.2rem; align-items:flex-start}
.ax-cloud {flex:1 1 18rem; max-width:24rem}
.ax-plane {position:relative; aspect-ratio:1; border:1px solid color-mix(in srgb,currentColor 15%,transparent);
  border-radius:.5rem; overflow:hidden}
.ax-plane b {position:absolute; width:var(--d); aspect-ratio:1; border-radius:50%; transform:translate(-50%,-50%);
  opacity:.85}
.ax-plane em {position:absolute; font:italic .75rem "Source Serif",Georgia,serif; margin:-.55em 0 0 .5em}
.ax-plane em sub {font-size:.7em}
.ax-plane u, .ax-key u {border:1.5px solid currentColor; border-radius:50%; opacity:.75}
.ax-plane u {position:absolute}
.ax-plane .guess, .ax-key .guess {border-style:dashed}
.ax-key {display:flex; flex-wrap:wrap; gap:.1rem 1.2rem; font-size:.8rem; opacity:.75; margin-top:.35rem}
.ax-key u {display:inline-block; width:1.5rem; height:.7rem; margin-right:.4rem}
.ax dl {flex:1 1 15rem; display:grid; grid-template-columns:auto 1fr; gap:.25rem .9rem; margin:0; font-size:.875rem;
  align-items:baseline}
.ax dt {opacity:.65}
.ax dd {margin:0; font-variant-numeric:tabular-nums}
.ax-image {display:flex; gap:.9rem; align-items:center; grid-column:1/-1; margin-bottom:.5rem}
.ax-image i {display:block; width:5rem; border-radius:.4rem; overflow:hidden;
  background:color-mix(in srgb,currentColor 5%,transparent)}
.ax-image i b {display:block; height:100%; image-rendering:pixelated}
</style>"""


def auxiliary(folder: Folder, image: int, classes: tuple[int, ...]) -> dict:
    found = door.ask("auxiliary", folder, image=image, classes=classes, rows=ROWS)
    rings = [ellipse(*p) for p in (found.q_a, found.p_a)]
    return vars(found) | {"rings": rings, "moves_y": found.moves_y, "moves_z": found.moves_z}


def likeliest(folder: Folder, image: int, n: int) -> tuple[int, ...]:
    """The `n` likeliest classes of an image, in their own order."""
    q_y = door.ask("q_y", folder, ids=[image])[0]
    return tuple(sorted(np.argsort(-q_y, kind="stable")[:n].tolist()))


def section(folder: Folder, names: Sequence[str], of: str) -> None:
    st.subheader("Auxiliary variable a", anchor=False)
    image = image_picker.choose_image(folder, names)
    n = len(names)
    classes = likeliest(folder, image, min(ACROSS, n))
    with st.spinner("Generating"):
        found = auxiliary(folder, image, classes)
    card = MODELS[folder.run.model]
    st.caption(card.auxiliary_says)
    said = verdicts(found, image, card.p_a)
    for sentence in said:
        st.markdown(sentence)
    shown = found["moves_y"] or found["moves_z"]
    if shown:
        cloud(found, image, names, card.p_a)
    draws = [f"a{i + 1}: {reading(q, names)}" for i, q in enumerate(found["q_y"][:ROWS])]
    what = (
        f"Each row is one draw of a from q(a|x): q(y|a,x) of it, and every class at the mean of q(z|a,y,x), y "
        f"the likeliest "
        f"class, {image_grid.name_of(found['k'], names)}. Along a row only y changes; down a column only a does."
    )
    if not found["moves_z"]:
        what = f"One draw of a stands for all: z hardly depends on it. Along the row only y changes. {of}"
        draws = draws[:1]
    tiles = found["tiles"][: len(draws)]
    across = [image_grid.name_of(k, names) for k in classes]
    labelled_grid.show(tiles, classes, n, draws, across, f"{len(draws)} draws of a as {len(classes)} classes")
    st.caption(f"{what} {of}" if found["moves_z"] else what)
    st.download_button(
        "Draws as PNG",
        lambda: image_grid.labelled_png(
            tiles, np.tile(classes, (len(tiles), 1)), names,
            f"{card.title}: draws of a for {image_picker.title_of(image)}",
            f"{what} {' '.join(map(plain, said))} {of} Run {folder.id}.", draws, across,
        ),
        file_name=f"{folder.id}-a-{image_picker.title_of(image).replace(' ', '-')}.png",
        mime="image/png",
        icon=":material/download:",
        on_click="ignore",
    )  # fmt: skip


def reading(q: np.ndarray, names: Sequence[str]) -> str:
    k = int(q.argmax())
    return f"{image_grid.name_of(k, names)} {figures.probability(float(q[k]))}"


def verdicts(found: dict, image: int, p_a: str) -> list[str]:
    """What a does for y and for z, each in a sentence with its figure."""
    told = (
        f"It tells {found['tells']:.2g} of the {found['open']:.2g} nats that q(y|x) leaves open for "
        f"{image_picker.title_of(image)} and {found['tells_over']:.2g} of {found['open_over']:.2g} over "
        f"the first {found['over']} test images."
    )
    width = float(np.sqrt((found["shift"] ** 2).mean()))
    k, q = found["k"], found["q_y"]
    spread = f"{figures.probability(float(q[:, k].min()))} to {figures.probability(float(q[:, k].max()))}"
    about_y = f"**y.** Over {len(q)} draws of a, the probability of the likeliest class goes from {spread}. {told}"
    if not found["moves_y"]:
        about_y = f"**y.** Here a carries nothing about y: q(y|a,x) is the same whatever a is drawn. {told}"
    about_z = (
        f"**z.** From draw to draw the mean of q(z|a,y,x) moves by {width:.2g} of its own standard deviations, "
        f"{found['shift_over']:.2g} over these test images: the posterior of z is "
        + ("more than one Gaussian." if width > 0.5 else "little more than one Gaussian.")
    )
    if not found["moves_z"]:
        about_z = (
            f"**z.** Here a carries nothing about z: the mean of q(z|a,y,x) moves by {width:.2g} of its own "
            f"standard deviations from draw to draw, {found['shift_over']:.2g} over these test images."
        )
    about_p = f"**a.** KL[q(a|x) ‖ {p_a}], what a costs, is {found['cost']:.2f} nats for this image."
    return [about_y, about_z, about_p]


def plain(sentence: str) -> str:
    return sentence.replace("**", "")


def cloud(found: dict, image: int, names: Sequence[str], p_a: str) -> None:
    """The draws of a in the plane in which they vary most, each in the colour of its likeliest class."""
    n, xy = len(names), found["xy"]
    rings = found["rings"]
    # What must be seen: the draws, and the middles of both clouds with their rings, as far as these are not huge.
    reach = 1.15 * max(
        float(np.abs(xy).max()), *(max(abs(cx), abs(cy)) + min(rx, 12) for cx, cy, rx, _, _ in rings), 1e-3
    )
    scale = 50 / reach  # percent of the plane's side

    def at(x: float, y: float) -> str:
        return f"left:{50 + scale * x:.2f}%;top:{50 - scale * y:.2f}%"

    # Rings and dots of HTML: the page lets no SVG through.
    parts = []
    for (cx, cy, rx, ry, turn), kind in zip(rings, ("", "guess"), strict=True):
        parts.append(
            f'<u class="{kind}" style="{at(cx, cy)};width:{2 * scale * rx:.2f}%;height:{2 * scale * ry:.2f}%;'
            f'transform:translate(-50%,-50%) rotate({-turn:.1f}deg)"></u>'
        )
    for i, (point, q) in enumerate(zip(xy, found["q_y"], strict=True)):
        k, where = int(q.argmax()), at(*map(float, point))
        parts.append(
            f'<b title="a{i + 1}: {image_grid.safe(k, names)} {figures.probability(float(q[k])).replace("<", "&lt;")}" '
            f'style="{where};--d:{4 + 6 * float(q[k]):.1f}px;background:{palette.colour(k, n)}"></b>'
            + (f'<em style="{where}">a<sub>{i + 1}</sub></em>' if i < ROWS else "")
        )
    top = np.argsort(-found["mean_q_y"], kind="stable")[:4]
    lines = "".join(
        f"<dt>{image_grid.safe(int(k), names)}</dt><dd>{figures.probability(float(found['mean_q_y'][k]))} on average, "
        f"{figures.probability(float(found['q_y'][:, k].min()))} to "
        f"{figures.probability(float(found['q_y'][:, k].max()))}</dd>"
        for k in top
    )
    h, w = found["image"].shape[:2]
    shown = figures.ink(found["image"], palette.colour(found["k"], n))
    look = f"{image_grid.address(shown)} 0 0/100% 100%"
    st.html(
        f'<div class="ax"><div class="ax-cloud"><div class="ax-plane" role="img" '
        f'aria-label="{len(xy)} draws of a for {image_picker.title_of(image)}">{"".join(parts)}</div>'
        '<div class="ax-key"><span><u></u>q(a|x), 2 sd</span>'
        f'<span><u class="guess"></u>{p_a}, 2 sd</span></div></div>'
        f'<dl><div class="ax-image"><i style="aspect-ratio:{w}/{h}"><b style="background:{look}"></b></i>'
        f"<span>{image_picker.title_of(image).capitalize()}<br>q(y|a,x) over the draws</span></div>{lines}</dl></div>"
    )
    st.caption(
        "The draws in the two directions in which they vary most; colour and size: the likeliest class of q(y|a,x) and "
        "its probability."
    )
