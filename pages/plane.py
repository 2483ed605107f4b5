"""The plane: two dimensions, a handful of labels, every method learning before one's eyes."""

import streamlit as st

import data
from data import plane as figures_of_plane
from models import MODELS, jobs
from models.errors import UserError
from models.plane.setup import SetUp
from pages.parts.components.plane import plane
from pages.parts.components.serving import serve
from pages.parts.plane import edits, keep, lessons, symbols, told, visit
from pages.parts.shared import layout, polling, run_pickers
from pages.parts.start import standalone

ABLE = {name: card.legend for name, card in MODELS.items() if "points" in card.kinds}
MOST = 4
USUAL = [name for name in ABLE if MODELS[name].first]
LABELS = (1, 2, 3, 5, 10)  # a class
NOISES = (0, 10, 20, 40)  # percent
NUMBERS = (200, 500, 1000, 2000)  # of points
BETAS = (0.01, 0.1, 1.0, 10.0)
# One row of controls. On a small screen what moves comes first, then what can be chosen.
STYLE = """<style>
.st-key-plane-controls {gap: .5rem .7rem}
.st-key-plane-controls button[kind^=segmented], .st-key-plane-controls button[data-variant^=segmented]
  {padding-inline: .5rem; min-width: 1.8rem}
.st-key-plane-controls button:is([kind^=pills], [data-variant^=pills]) {min-height: 2.5rem; padding-inline: .65rem}
@media (pointer: coarse) {.st-key-plane-keys {display: none}}
@media (pointer: fine) {.st-key-plane-touch {display: none}}
@media (max-width: 1100px) {
  :is(.st-key-plane-controls, :has(> .st-key-plane-controls)) {order: 2}
  .st-key-plane-lessons {flex-wrap: nowrap; overflow-x: auto}
  .st-key-plane-lessons * {white-space: nowrap}
  .st-key-plane-lessons > :is(:has(.st-key-plane-changed), :has(.st-key-plane-back), .st-key-plane-changed,
    .st-key-plane-back) {order: -1}
}
</style>"""

head = layout.open(
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
kept = st.session_state.get("plane-edited")  # the last edit that what is shown has, or that was refused
ways = lessons.row(lesson)
room = st.container(key="plane-room")

with head:
    keep_room = st.popover("Keep", icon=":material/bookmark:")
with room.container(horizontal=True, vertical_alignment="bottom", key="plane-controls"):
    figure = run_pickers.segments("Figure", "figure", {n: s.title for n, s in data.POINT_SETS.items()}, default="moons")
    base = data.DATASETS[figure]
    usual = figures_of_plane.options_of(base)
    each = run_pickers.segments(
        "Labels a class", "each", LABELS, default=base.default_labels // base.n_classes, disabled=bool(own)
    )
    models = edits.several("Methods", "methods", ABLE, USUAL, MOST)
    points_room, points_open = layout.popover("Points", "plane-points", ":material/scatter_plot:")
    with points_room:
        with st.container(horizontal=True):
            noises = {n: f"{n / 100:g}" for n in sorted({*NOISES, usual.noise})}
            noise = run_pickers.segments("Noise", "noise", noises, default=usual.noise, shown=points_open)
            most = figures_of_plane.FIGURES[figure].most_classes
            classes = run_pickers.segments(
                "Classes", "classes", range(2, most + 1), default=usual.classes, shown=points_open
            )
        with st.container(horizontal=True):
            numbers = {n: f"{n:,}" for n in NUMBERS}
            n = run_pickers.segments("Number of points", "n", numbers, default=usual.n, shown=points_open)
            seeds = {n: str(n + 1) for n in range(4)}
            seed = run_pickers.segments("Which labels", "seed", seeds, shown=points_open, disabled=bool(own))
    model_room, model_open = layout.popover("Model", "plane-model", ":material/tune:")
    with model_room:
        beta = run_pickers.segments(
            "Weight of a label, β", "beta", {b: f"{b:g}" for b in BETAS}, default=1.0, shown=model_open,
            help="α = β (N_l + N_u) / N_l stands before log q(y|x) in J, equations 11 and 23.",
        )  # fmt: skip
        n_z = run_pickers.segments(
            "Dimensions of z",
            "z",
            {0: "own", 1: "1", 2: "2"},
            shown=model_open,
            help="Of its own, M1's code has two, that of others one.",
        )
        consistency = run_pickers.toggle(
            "Consistency", "consistency", model_open,
            help="Pseudo-labels: what q(y|x) is sure of counts as a label.",
        )  # fmt: skip
        without_y = run_pickers.toggle(
            "The encoder sees x alone", "zofx", model_open,
            help="q(z|x) as in the paper, in place of q(z|x,y) as in Kingma 2014.",
        )  # fmt: skip

dataset = figures_of_plane.named(base, figures_of_plane.Options(noise, n, classes))
if edits.another_figure(dataset, each, seed):
    own = ""
dataset = own or dataset
board = edits.Board.named(own) if own else None
lacks = board.lacks if board else ""
if board:
    with ways.container(key="plane-changed", width="content"):
        table = "Points painted or given." if lacks else "Your points: the accuracy is on their labels."
        st.caption("Points changed by hand." if board.figure else table, width="content")
    ways.button("Back to the figure", icon=":material/undo:", key="plane-back", type="tertiary", on_click=edits.back)
custom: list[tuple[str, object]] = [("beta", beta)] if beta != 1.0 else []
custom += [("n_z", n_z)] if n_z else []
custom += [("consistency", 1.0)] if consistency else []
custom += [("encoder_sees_y", False)] if without_y else []
chosen = tuple(name for name in ABLE if name in models)
setup = wanted = None
if not lacks:
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
    board = edits.Board.of(images, data.draw(images, setup.labels, setup.seed)[0].tolist())
if points_open:
    with points_room:
        keep.points(board.points, own)
with keep_room:
    keep.link(own)
    keep.runs(setup) if setup else st.caption(lacks)


def acted() -> None:
    """Do what was pressed, each press once: a message brings also those that the browser does not know to be done."""
    message = st.session_state["plane"].act
    acts = message.get("acts") if isinstance(message, dict) else None
    acts = [pressed for pressed in acts if isinstance(pressed, dict)] if isinstance(acts, list) else []
    before = st.session_state.get("plane-acted", [])
    st.session_state["plane-acted"] = [pressed.get("n") for pressed in acts]  # what it leaves out, it knows
    for pressed in acts:
        if pressed.get("n") not in before:
            do(pressed)


def do(pressed: dict) -> None:
    if pressed.get("what") == "undo":
        edits.undo()
    elif pressed.get("what") == "edit":
        st.session_state["plane-edited"] = pressed.get("n")
        try:
            edits.do(board, pressed)
        except (UserError, KeyError, TypeError, ValueError) as e:
            st.session_state["plane-refused"] = (
                str(e) if isinstance(e, UserError) else "That cannot be done to a point."
            )
    elif setup:
        visit.act(str(pressed.get("what")), pressed.get("point"))


def claim(seen: dict) -> str:
    if lacks:
        return edits.to_do(board)
    shown = told.Shown(seen, board.places, setup.labels, len(board.classes))
    return lessons.LESSONS[lesson].says(shown) if lesson else told.general(shown)


file = serve(standalone.plane_page().encode(), "text/plain", "plane")  # a page in which the browser puts what it saw


def live() -> None:
    """The panels as they are now; the page runs anew when it has to begin or need no longer look again and again."""
    now = wanted and (visit.asked() or wanted)
    visit.await_answer()
    seen, says = visit.look(now, idle=waits is None) if now else ({}, "")
    panels = [symbols.panel(setup, model, seen.get(model)) for model in chosen]
    learned = board.classes or board.offered
    plane(
        panels, board.places, board.marks, board.offered[: len(learned)], board.colours[: len(learned)],
        figures_of_plane.REACH,
        {"playing": bool(now) and now.playing, "settled": bool(now) and visit.settled(now, seen),
         "truth": bool(now) and now.truth, "point": now.point if now else -1, "says": says, "claim": claim(seen),
         "ready": bool(now), "offered": list(zip(board.offered, board.colours, strict=True)), "own": board.figures_own,
         "undo": edits.can_undo(), "edited": kept,
         "acted": st.session_state.get("plane-acted", []), "resets": now.resets if now else 0, "file": file},
        key="plane", on_act=acted,
    )  # fmt: skip
    if (
        edits.elsewhere(own)
        or "plane-refused" in st.session_state
        or (now and (now.setup != setup or visit.waits(now, seen) != waits))
    ):
        st.rerun()


with room.container(key="plane-panels"):
    for sentence in filter(None, (refused, st.session_state.pop("plane-refused", ""))):
        run_pickers.refuse(sentence)
    waits = visit.waits(wanted, visit.look(wanted)[0]) if wanted else None
    polling.part(live, waits or visit.IDLE)()
