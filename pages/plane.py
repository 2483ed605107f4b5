"""The plane: two dimensions, a handful of labels, every method learning before one's eyes."""

import numpy as np
import streamlit as st

import data
from data import plane as figures_of_plane
from models import MODELS, jobs
from models.errors import UserError
from models.plane.setup import SetUp
from pages.parts.components.plane import Panel, plane
from pages.parts.plane import edits, visit
from pages.parts.shared import layout, palette, run_pickers

REACH = 3.0
ABLE = {name: card.legend for name, card in MODELS.items() if "points" in card.kinds}
MOST = 4
LABELS = (1, 2, 3, 5, 10)  # a class
NOISES = (0, 10, 20, 30, 45)  # percent
BETAS = (0.01, 0.1, 1.0, 10.0)

layout.open(
    "Plane",
    icon=":material/gesture:",
    lead="Each dot is a point with two numbers, x. The large ones have a label, the small grey ones have none. The "
    "ground is what a method says of each place: its colour the class, its strength how sure it is.",
)
engine = jobs.engine()
engine.warm()

with st.container(horizontal=True, vertical_alignment="bottom", gap="medium", key="plane-what"):
    figure = run_pickers.segments("Points", "figure", {n: s.title for n, s in data.POINT_SETS.items()}, default="moons")
    base = data.DATASETS[figure]
    each = run_pickers.segments("Labels a class", "each", LABELS, default=base.default_labels // base.n_classes)
    own = figures_of_plane.options_of(base).noise
    noise = run_pickers.segments("Noise", "noise", {n: f"{n / 100:g}" for n in sorted({*NOISES, own})}, default=own)
    seed = run_pickers.segments("Which labels", "seed", {n: str(n + 1) for n in range(4)})
with st.container(horizontal=True, vertical_alignment="bottom", gap="medium", key="plane-how"):
    models = st.pills(
        "Methods", list(ABLE), selection_mode="multi", format_func=ABLE.__getitem__, default=list(ABLE)[:MOST],
        key="plane-models",
    )  # fmt: skip
    beta = run_pickers.segments(
        "Weight of a label, β", "beta", {b: f"{b:g}" for b in BETAS}, default=1.0,
        help="α = β (N_l + N_u) / N_l stands before log q(y|x) in J, equations 11 and 23.",
    )  # fmt: skip
    n_z = run_pickers.segments("Dimensions of z", "z", (1, 2))
    with st.popover("More", icon=":material/tune:"):
        consistency = st.toggle(
            "Consistency", key="plane-consistency", help="Pseudo-labels: what q(y|x) is sure of counts as a label."
        )
        kingma = st.toggle(
            "M2's encoder sees y", key="plane-kingma", help="q(z|x,y), as in Kingma 2014, in place of q(z|x)."
        )

options = figures_of_plane.Options(noise, base.n_train, base.n_classes)
dataset = figures_of_plane.named(base, options)
if st.session_state.setdefault("plane-figure", (dataset, each, seed)) != (dataset, each, seed):
    st.session_state["plane-figure"] = dataset, each, seed
    st.query_params.pop(edits.KEY, None)  # another figure was chosen
if (given := st.query_params.get(edits.KEY)) is not None:
    if given in data.DATASETS and data.DATASETS[given].fixed:
        dataset = given
    else:
        st.caption(f"The points {run_pickers.plain(given[:40])} are not on this machine: the figure is shown.")
        del st.query_params[edits.KEY]
custom: list[tuple[str, object]] = [("beta", beta)] if beta != 1.0 else []
custom += [("n_z", n_z)] if n_z != 1 else []
custom += [("consistency", 1.0)] if consistency else []
custom += [("encoder_sees_y", True)] if kingma else []
chosen = tuple(name for name in ABLE if name in models)[:MOST]
if len(models) > MOST:
    st.caption(f"At most {MOST} methods side by side: the first {MOST} are shown.")
if not chosen:
    st.info("Choose a method.", icon=":material/info:")
    st.stop()
spec = data.DATASETS[dataset]
setup = SetUp(dataset, chosen, spec.fixed or each * spec.n_classes, seed, tuple(custom))
try:
    setup.check()
except UserError as e:
    run_pickers.refuse(str(e))
    st.stop()
wanted = visit.set_up(setup)
images = data.load(dataset)
labelled, _, _ = data.draw(images, setup.labels, setup.seed)
places = images.x.reshape(-1, 2)
marks = [(*map(float, places[i]), int(images.y[i])) for i in labelled]


def acted() -> None:
    pressed = st.session_state["plane"].act
    if not isinstance(pressed, dict):
        return
    if pressed.get("what") == "edit":
        try:
            st.query_params[edits.KEY] = edits.edited(images, labelled.tolist(), pressed)
        except (UserError, KeyError, TypeError, ValueError, IndexError) as e:
            st.session_state["plane-refused"] = (
                str(e) if isinstance(e, UserError) else "That cannot be done to a point."
            )
    else:
        visit.act(str(pressed.get("what")))


def live() -> None:
    """The panels as they are now; the page runs anew once all have settled."""
    now = visit.asked() or wanted
    seen, says = visit.look(now)
    done = visit.settled(now, seen)
    panels = [Panel(m, MODELS[m].title, palette.model_colour(m), MODELS[m].summary, seen.get(m)) for m in chosen]
    plane(
        panels, np.ascontiguousarray(places, np.float32), marks, images.classes,
        palette.class_colours(spec.n_classes), REACH,
        {"playing": now.playing, "settled": done, "truth": now.truth, "says": says},
        key="plane", on_act=acted,
    )  # fmt: skip
    if now.setup != setup or (edits.KEY in st.query_params and st.query_params[edits.KEY] != dataset):
        st.rerun()
    if waits and not (now.playing and not done) and len(seen) == len(chosen):
        st.rerun()


if refused := st.session_state.pop("plane-refused", ""):
    run_pickers.refuse(refused)
if spec.fixed:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("Points changed by hand." if edits.figure_of(dataset) else "Points of your own.", width="content")
        if st.button("Back to the figure", icon=":material/undo:"):
            del st.query_params[edits.KEY]
            st.rerun()
before, _ = visit.look(wanted)
waits = (
    (wanted.playing and not visit.settled(wanted, before)) or len(before) < len(chosen) or visit.desk().behind(wanted)
)
st.fragment(live, run_every=visit.TICK if waits else None)()
