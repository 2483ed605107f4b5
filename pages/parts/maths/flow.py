"""The flow picture: one image on its way through one to three models, with what stands at each node of their graphs.

What nodes and edges a model has is what its card's graphs say: those of q lead from x to the latents, those of p that
end in x lead to what is drawn. Figures come from models/analysis/flow.py, and the browser draws the pictures.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import streamlit as st

import data
from data import DATASETS, preprocess_drawing
from models import MODELS
from models.analysis import door
from models.analysis.answers import REACH, Flow, Plane
from models.errors import UserError
from models.methods.card import Card
from models.nn.settings import Settings
from models.runs.store import Folder
from pages.parts.components import serving
from pages.parts.components.flow import flow
from pages.parts.components.plane_pad import decoder_data
from pages.parts.shared import figures, image_grid, palette, run_pickers, url_state

DASHED = " Dashed: a classifier beside the model. It reads the mean of z, not the sample."
DIFFERS = " Differences are means over pixels, in % of the whole range of levels."
BESIDE = 2  # runs beside the one of the page
DRAWN = "p"  # the node of what is drawn
CHOSEN = ("as", "sample", "draw", "at")  # of the address: the class drawn, the value of a, the seed of z, z moved by
KEYS = tuple(f"{key}{of}" for of in ("", 2, 3) for key in CHOSEN)  # of the runs beside each other
MOST_DRAWS = 9999
PCA, TWO = "pca", "two"
PLANES = {PCA: "Largest variance (PCA)", TWO: "Two dimensions of z"}


@dataclass(frozen=True)
class Followed:
    """The image that is followed."""

    pixels: np.ndarray  # uint8 (c, h, w)
    name: str  # "Test image 7"
    true: int | None = None  # its class, where that is known


# Choosing


def main_from_address() -> None:
    """A link with ?runs= alone: the first of them is the run of the page."""
    first = next(filter(None, st.query_params.get("runs", "").split(",")), None)
    if first and "run" not in st.query_params:
        st.query_params["run"] = first


def choose_beside(folder: Folder) -> list[Folder]:
    """Up to two more runs on the same data set, bound to ?runs=."""
    asked = [i for i in st.query_params.get("runs", "").split(",") if i and i != folder.id]
    found, _ = run_pickers.offered(lambda f: f.has_weights(), [folder.id, *asked])
    can = {f.id: f for f in found.values() if f.run.dataset == folder.run.dataset and f.id != folder.id}
    chosen = [i for i in dict.fromkeys(asked) if i in can][:BESIDE]
    if len(chosen) < len(set(asked)) and len(asked) <= BESIDE:
        st.caption("A run that the address asks for is not here, has no weights, or learnt another data set.")
    st.session_state["beside"] = chosen

    def changed() -> None:
        if others := st.session_state["beside"]:
            st.query_params["runs"] = ",".join([folder.id, *others])
        else:
            st.query_params.pop("runs", None)

    labels = run_pickers.labels_of(can)
    if not can:
        return []
    st.multiselect(
        "Compare with other runs", list(can), key="beside", format_func=labels.__getitem__, max_selections=BESIDE,
        on_change=changed, placeholder="None",
    )  # fmt: skip
    return [can[i] for i in chosen]


def drawing(folder: Folder) -> Followed | None:
    """The drawing that the address holds, if there is one of this data set; what follows it is another image then."""
    text = st.query_params.get("drawing")
    if text is None:
        return None
    try:
        return Followed(preprocess_drawing.from_text(text, DATASETS[folder.run.dataset].shape), "Your drawing")
    except UserError as e:
        run_pickers.refuse(str(e))
        return None


def forget() -> None:
    """Follow another image: neither the drawing nor what was chosen of the image before."""
    for key in ("drawing", *KEYS):
        st.query_params.pop(key, None)


def choose_plane(folders: Sequence[Folder]) -> tuple[int, int] | None:
    """The plane in which z is shown: None is the PCA; shown where some z has more dimensions than two."""
    sizes = [f.run.settings.n_z for f in folders if MODELS[f.run.model].draws]
    if not sizes or max(sizes) < 3 or min(sizes) < 2:
        return None
    with st.container(horizontal=True, vertical_alignment="center", width="content", gap="small"):
        st.markdown(":small[Plane of z]", width="content")
        kind = run_pickers.segments("Plane of z", "plane", PLANES, width="content", label_visibility="collapsed")
        if kind == PCA:
            return None
        every = range(1, min(sizes) + 1)
        first = run_pickers.linked("za", every, 1)
        st.selectbox(
            "To the right", every, key="za", width=90, on_change=run_pickers.to_address("za"),
            format_func="z{} →".format, label_visibility="collapsed",
        )  # fmt: skip
        rest = [d for d in every if d != first]
        second = run_pickers.linked("zb", rest, rest[0])
        st.selectbox(
            "Upwards", rest, key="zb", width=90, on_change=run_pickers.to_address("zb"),
            format_func="z{} ↑".format, label_visibility="collapsed",
        )  # fmt: skip
    return first - 1, second - 1


# What is chosen in a picture stands in the address, so that a link shows the same


def keys_of(place: int) -> dict[str, str]:
    """The names in the address of what is chosen in the picture that is the `place`-th from the left."""
    return {key: f"{key}{place + 1 if place else ''}" for key in CHOSEN}


def chosen(place: int, found: Flow) -> dict:
    """What the address says of a picture, as far as this one has it."""
    key = keys_of(place)
    classes = found.classes.tolist()
    k = url_state.asked(key["as"])
    moved = [url_state.decimal(v, -2 * REACH, 2 * REACH) for v in st.query_params.get(key["at"], "").split(",")[:3]]
    return {
        "k": classes.index(k) if k in classes else None,
        "a": url_state.asked(key["sample"], 0, len(found.q_y_at) - 1) or 0,
        "draw": url_state.asked(key["draw"], 0, MOST_DRAWS) or 0,
        "moved": moved if len(moved) == 2 and None not in moved else [0.0, 0.0],
    }


def put(component: str, place: int, classes: Sequence[int]) -> None:
    """Write what was chosen in a picture into the address."""
    now, key = st.session_state[component].put, keys_of(place)
    try:
        k, a, draw = now["k"], int(now["a"]), int(now["draw"])
        moved = [float(v) for v in now["moved"]]
        drawn_as = "" if k is None else str(classes[int(k)])
    except (TypeError, KeyError, ValueError, IndexError):
        return
    at = ",".join(f"{v:.3g}" for v in moved) if any(moved) and all(abs(v) <= 2 * REACH for v in moved) else ""
    texts = {"as": drawn_as, "sample": str(a) if a else "", "draw": str(draw) if draw else "", "at": at}
    for name, text in texts.items():
        if text:
            st.query_params[key[name]] = text
        else:
            st.query_params.pop(key[name], None)


# What the browser draws


def card_of(folder: Folder) -> Card:
    """The card of a run's method, as the run's settings have it."""
    return MODELS[folder.run.model].of(folder.run.settings)


def graph(card: Card, settings: Settings) -> tuple[list[dict], list[tuple[str, str, bool]]]:
    """The nodes and edges of a method's flow: those of q, and from y and z to what is drawn. Without p(x|.), x to y."""
    panels = card.drawn(settings)
    q = panels[-1]
    shown, edges = ["x", "y"], [("x", "y", False)]
    if card.generative:
        shown = ["x", *filter(None, [card.inner]), "y", "z"]
        edges = [(a, b, False) for a, b in q.arrows] + [(a, b, True) for a, b in q.dashed]
        edges = [e for e in edges if {e[0], e[1]} <= {*shown}]
        # A picture is made of y and z, whatever else p(x|.) sees: that comes from them.
        edges += [("y", DRAWN, False)] * card.generative.sees_class + [("z", DRAWN, False)]
        shown.append(DRAWN)
    kinds = {"x": "image", "y": "bars", "z": "plane", DRAWN: "picture"}
    titles = {
        "x": "Image x",
        "y": f"Class: {said_by(card, settings)}",
        "z": f"Code: {card.encoder(settings)}",
        DRAWN: f"Generated: {card.generative.picture}".replace("eq. ", "eq.\u00a0") if card.generative else "",
        card.inner: f"{'Auxiliary' if card.auxiliary else 'Code'}: q({card.inner}|x)",
    }
    return [{"name": n, "kind": kinds.get(n, "intervals"), "title": titles[n], "note": ""} for n in shown], edges


def said_by(card: Card, settings: Settings) -> str:
    """What gives the class its probability: q(y|.), or the classifier that stands beside the model."""
    dashed = card.generative and any(b == "y" for _, b in card.drawn(settings)[-1].dashed)
    return card.classifier if dashed else card.q_y


def described(plane: Plane, dimensions: tuple[int, int] | None) -> tuple[str, list[str]]:
    """Which plane of z it is, in words, and the names of its axes."""
    n_z = len(plane.centre)
    if n_z <= 2:
        return ("Both dimensions of z." if n_z == 2 else "The one dimension of z."), [f"z{i + 1}" for i in range(2)]
    if dimensions:
        return f"Two of the {n_z} dimensions of z.", [f"z{d + 1}" for d in dimensions]
    if not plane.n:
        return f"Two of the {n_z} dimensions of z: no codes are kept, of which to take a PCA.", ["z1", "z2"]
    share = f"{100 * float(plane.share.sum()):.0f} % of the variance"
    return f"PCA of z: a plane in {n_z} dimensions, with {share} of the codes.", ["PC 1", "PC 2"]


def floats(values: np.ndarray) -> list:
    """As JSON, with the seven digits that float32 has."""
    return (
        np.vectorize(lambda v: float(f"{v:.7g}"), otypes=[object])(values).tolist() if values.size else values.tolist()
    )


def handed_over(folder: Folder, image: Followed, found: Flow, dimensions: tuple[int, int] | None) -> dict:
    """What the component is given, but for what draws the pictures."""
    run, card, spec = folder.run, card_of(folder), DATASETS[folder.run.dataset]
    classes = data.load(run.dataset).classes
    n = len(classes)
    nodes, edges = graph(card, run.settings)
    own = "" if image.true is None else f", class {image_grid.name_of(image.true, classes)}"
    nodes[0]["note"] = f"{image.name}{own}"
    top = int(found.q_y.argmax())
    given = {
        "nodes": nodes,
        "edges": edges,
        "label": f"{image.name} on its way through {card.title}",
        "image": figures.last(image.pixels).reshape(-1).tolist(),
        "colour": palette.UNLABELLED if image.true is None else palette.colour(image.true, n),
        "tile": list(spec.shape[1:]),
        "grey": spec.grey,
        "classes": found.classes.tolist(),
        "names": [image_grid.name_of(int(k), classes) for k in found.classes],
        "colours": [palette.colour(int(k), n) for k in found.classes],
        "sees_class": bool(card.generative and card.generative.sees_class),
        "q": floats(found.q_y_at),
        "entropy": floats(found.entropy),
        "reach": REACH,
        "says": card.classifier_note
        or f"There is no {'q(z|x)' if card.pictures else 'p(x|·)'}, so x goes to q(y|x) and no further.",
    }
    if found.z is None:
        return given
    if found.a.shape[1]:
        of = f"q(y|x), the mean over draws of {card.auxiliary}" if card.auxiliary else f"At the mean of {card.between}"
        mean = f"{of}: {image_grid.name_of(top, classes)}, "
        given |= {"a": floats(found.a), "a_sd": floats(found.a_sd)}
        given["mean_q"] = f"{mean}{figures.probability(float(found.q_y[top]))}."
    said, titles = described(found.plane, dimensions)
    given |= {
        "sees_y": found.z.shape[1] > 1,
        "z": floats(found.z),
        "z_sd": floats(found.z_sd),
        "kl": floats(found.kl),
        "plane": {
            "centre": floats(found.plane.centre),
            "axes": floats(found.plane.axes),
            "scale": floats(found.plane.scale),
            "dots": np.round(found.plane.dots.astype(float), 2).tolist(),
            "colours": [palette.colour(int(k), n) for k in found.dots],
            "of": f"{said} One unit: {found.plane.scale[0]:.2f} and {found.plane.scale[1]:.2f} of z.",
            "titles": titles,
        },
    }
    return given


def what_draws(folder: Folder, stamp: object, found: Flow) -> tuple[dict, str]:
    """The decoder for the browser, or pictures of the plane where it is convolutional; and what to say of it."""
    if made := door.ask("decoder", folder):
        return {"decoder": decoder_data(made, folder.id, stamp)}, ""
    row = int(found.q_y_at[0].argmax()) if found.z.shape[1] > 1 else 0
    sees = MODELS[folder.run.model].generative.sees_class
    classes = found.classes if sees else found.classes[:1]
    tiles = door.ask("field", folder, classes=classes.tolist(), of=found.plane, start=found.z[0][row])
    rows, side = tiles.shape[:2]
    flat = tiles.reshape(rows * side, *tiles.shape[2:])
    url = serving.serve_tiles(flat, f"field-{folder.id}")
    exact = serving.serve_tiles(found.decoded[:, None], f"at-{folder.id}")
    why = MODELS[folder.run.model].not_in_browser
    blended = f" {why}: between {side} x {side} of them they are blended."
    return {"field": {"url": url, "side": side, "exact": exact}}, blended


def verdict(folder: Folder, image: Followed) -> str:
    """What the run takes the image for, as the bars say; "" where it cannot say."""
    card, classes = card_of(folder), data.load(folder.run.dataset).classes
    try:
        q_y = door.ask("flow", folder, image=image.pixels, dimensions=None).q_y_at[0]
    except UserError:
        return ""  # said where the picture would stand
    k = int(q_y.argmax())
    by = run_pickers.plain(said_by(card, folder.run.settings))
    sure = f"{image_grid.name_of(k, classes)}: {by} {figures.probability(q_y[k])}."
    if image.true is None:
        return f"{card.title} takes this drawing for {sure}"
    how = "Correct" if k == image.true else "Wrong"
    return f"**{how}:** {card.title} takes this {image_grid.name_of(image.true, classes)} for {sure}"


@st.fragment
def one(folder: Folder, image: Followed, dimensions: tuple[int, int] | None, titled: bool, place: int) -> None:
    """The picture of one run, `place`-th from the left; a sentence where it cannot be."""
    run, card = folder.run, card_of(folder)
    if dimensions and run.settings.n_z <= max(dimensions):
        dimensions = None
    if titled:
        st.markdown(f"**{card.title}** :small[{run.budget(',')}, seed {run.seed}]  \n{verdict(folder, image)}")
    try:
        stamp = door.weights_stamp(folder)
        found = door.ask("flow", folder, image=image.pixels, dimensions=dimensions)
        given = handed_over(folder, image, found, dimensions) | {"chosen": chosen(place, found)}
        if card.generative:
            drawn, blended = what_draws(folder, stamp, found)
            click = ", click a class to draw it as that class" if given["sees_class"] else ""
            beside = DASHED if any(dashed for *_, dashed in given["edges"]) else ""
            given |= drawn | {"says": f"Drag z, or move it with the arrow keys{click}.{beside}{blended}{DIFFERS}"}
    except UserError as e:
        run_pickers.refuse(str(e))
        return
    digest = hashlib.blake2b(image.pixels.tobytes(), digest_size=8).hexdigest()
    subject = f"{folder.id} {digest}"
    version = f"{subject} {abs(hash((stamp, found.plane.n if found.plane else 0, dimensions)))}"
    key = f"flow-{folder.id}"
    flow(
        given | {"subject": subject, "version": version}, key=key,
        on_put=partial(put, key, place, found.classes.tolist()),
    )  # fmt: skip


def show(folders: Sequence[Folder], image: Followed) -> None:
    """What the model takes the image for and the choice of the plane, and below them the models beside each other."""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        if len(folders) == 1 and (says := verdict(folders[0], image)):
            st.markdown(says, width="content")
        dimensions = choose_plane(folders)
    for place, (column, folder) in enumerate(zip(st.columns(len(folders), gap="medium"), folders, strict=True)):
        with column:
            one(folder, image, dimensions, len(folders) > 1, place)
