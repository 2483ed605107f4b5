"""The plane: two dimensions, a handful of labels, every method learning before one's eyes."""

import numpy as np
import streamlit as st

import data
from data import plane as figures_of_plane
from models import MODELS, jobs
from models.errors import UserError
from models.plane.setup import SetUp
from pages.parts.components.plane import plane
from pages.parts.components.serving import serve
from pages.parts.plane import edits, keep, lessons, symbols, told, visit
from pages.parts.shared import layout, palette, run_pickers
from pages.parts.start import standalone

ABLE = {name: card.legend for name, card in MODELS.items() if "points" in card.kinds}
MOST = 4
LABELS = (1, 2, 3, 5, 10)  # a class
NOISES = (0, 10, 20, 40)  # percent
BETAS = (0.01, 0.1, 1.0, 10.0)
# On a small screen what moves comes first, then what can be chosen.
STYLE = """<style>
@media (max-width: 1100px) {
  :is(.st-key-plane-controls, :has(> .st-key-plane-controls)) {order: 2}
  .st-key-plane-lessons {flex-wrap: nowrap; overflow-x: auto}
  .st-key-plane-lessons * {white-space: nowrap}
}
</style>"""

layout.open(
    "Plane",
    icon=":material/gesture:",
    lead="Each dot is a point x. The large ones have a label, the small grey ones have none. The ground is what a "
    "method says of each place: its colour the class, its strength how sure it is.",
)
st.html(STYLE)
engine = jobs.engine()
engine.warm()
lesson, begins = lessons.asked()
own, refused = edits.asked()
ways = lessons.row(lesson)
room = st.container(key="plane-room")

with room.container(key="plane-controls"):
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium", key="plane-what"):
        figure = run_pickers.segments(
            "Points", "figure", {n: s.title for n, s in data.POINT_SETS.items()}, default="moons"
        )
        base = data.DATASETS[figure]
        each = run_pickers.segments(
            "Labels a class", "each", LABELS, default=base.default_labels // base.n_classes, disabled=bool(own)
        )
        usual = figures_of_plane.options_of(base).noise
        noises = {n: f"{n / 100:g}" for n in sorted({*NOISES, usual})}
        noise = run_pickers.segments("Noise", "noise", noises, default=usual)
        seed = run_pickers.segments("Which labels", "seed", {n: str(n + 1) for n in range(4)}, disabled=bool(own))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium", key="plane-how"):
        models = edits.several("Methods", "methods", ABLE, list(ABLE)[:MOST], MOST)
        beta = run_pickers.segments(
            "Weight of a label, β", "beta", {b: f"{b:g}" for b in BETAS}, default=1.0,
            help="α = β (N_l + N_u) / N_l stands before log q(y|x) in J, equations 11 and 23.",
        )  # fmt: skip
        n_z = run_pickers.segments(
            "Dimensions of z",
            "z",
            {0: "own", 1: "1", 2: "2"},
            help="Of its own, M1's code has two, that of others one.",
        )
        with st.popover("More", icon=":material/tune:"):
            consistency = edits.switch(
                "Consistency", "consistency", "Pseudo-labels: what q(y|x) is sure of counts as a label."
            )
            without_y = edits.switch(
                "The encoder sees x alone", "zofx", "q(z|x) as in the paper, in place of q(z|x,y) as in Kingma 2014."
            )
        points_room = st.popover("Points", icon=":material/scatter_plot:")
        keep_room = st.popover("Keep", icon=":material/bookmark:")

options = figures_of_plane.Options(noise, base.n_train, base.n_classes)
dataset = figures_of_plane.named(base, options)
if edits.another_figure(dataset, each, seed):
    own = ""
dataset = own or dataset
if own:
    table = "Your points: the accuracy is on their labels."
    ways.caption("Points changed by hand." if edits.figure_of(own) else table, width="content")
    ways.button("Back to the figure", icon=":material/undo:", key="plane-back", type="tertiary", on_click=edits.forget)
custom: list[tuple[str, object]] = [("beta", beta)] if beta != 1.0 else []
custom += [("n_z", n_z)] if n_z else []
custom += [("consistency", 1.0)] if consistency else []
custom += [("encoder_sees_y", False)] if without_y else []
chosen = tuple(name for name in ABLE if name in models)
spec = data.DATASETS[dataset]
setup = SetUp(dataset, chosen, spec.fixed or each * spec.n_classes, seed, tuple(custom))
try:
    setup.check()
except UserError as e:
    run_pickers.refuse(str(e))
    st.stop()
wanted = visit.begin(setup) if begins else visit.set_up(setup)
lesson = lessons.still(lesson, setup)
images = data.load(dataset)
labelled, _, _ = data.draw(images, setup.labels, setup.seed)
places = images.x.reshape(-1, 2)
marks = [(*map(float, places[i]), int(images.y[i])) for i in labelled]
with points_room:
    keep.points(edits.points_of(images, labelled.tolist()), own)
with keep_room:
    keep.runs(setup)


def acted() -> None:
    pressed = st.session_state["plane"].act
    if not isinstance(pressed, dict):
        return
    if pressed.get("what") == "edit":
        try:
            edits.to_address(edits.edited(images, labelled.tolist(), pressed))
        except (UserError, KeyError, TypeError, ValueError, IndexError) as e:
            st.session_state["plane-refused"] = (
                str(e) if isinstance(e, UserError) else "That cannot be done to a point."
            )
    else:
        visit.act(str(pressed.get("what")), pressed.get("point"))


def claim(seen: dict) -> str:
    shown = told.Shown(seen, places, setup.labels, spec.n_classes)
    return lessons.LESSONS[lesson].says(shown) if lesson else told.general(shown)


file = serve(standalone.plane_page().encode(), "text/plain", "plane")  # a page in which the browser puts what it saw


def live() -> None:
    """The panels as they are now; the page runs anew when it has to begin or need no longer look again and again."""
    now = visit.asked() or wanted
    visit.await_answer()
    seen, says = visit.look(now)
    panels = [symbols.panel(setup, model, seen.get(model)) for model in chosen]
    plane(
        panels, np.ascontiguousarray(places, np.float32), marks, images.classes,
        palette.class_colours(spec.n_classes), figures_of_plane.REACH,
        {"playing": now.playing, "settled": visit.settled(now, seen), "truth": now.truth, "point": now.point,
         "says": says, "claim": claim(seen), "resets": now.resets, "file": file},
        key="plane", on_act=acted,
    )  # fmt: skip
    if now.setup != setup or edits.elsewhere(own) or visit.waits(now, seen) != waits:
        st.rerun()


with room.container(key="plane-panels"):
    for sentence in filter(None, (refused, st.session_state.pop("plane-refused", ""))):
        run_pickers.refuse(sentence)
    before, _ = visit.look(wanted)
    waits = visit.waits(wanted, before)
    st.fragment(live, run_every=waits)()
