"""What a hand did to the points, the data set that they are after it, and what the address says of both."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import streamlit as st

import data
from data import own_points, plane
from data.images import Images
from data.own_points import Point
from models.errors import UserError
from pages.parts.shared import palette, run_pickers

KEY = "points"  # of the address: the name of points of one's own, which are on this machine only
WORDS = "own"  # of the address: the points themselves, where they are few or a figure's with few changes
EMPTY = "~"  # what WORDS says of a plane without points
STEPS = 100  # that can be taken back
SAME = 1e-3  # places so near are one: kept points have five digits
BEFORE = "plane-before"  # of the session: what the address said of the points before each of them


@dataclass(frozen=True)
class Board:
    """The points that are shown: whatever they are of, and whether one can learn from them or not."""

    points: tuple[Point, ...]
    classes: tuple[str, ...]  # those learned
    figure: str = ""  # whose points they are, changed or not; "": a table's

    @classmethod
    def of(cls, images: Images, labelled: Iterable[int]) -> "Board":
        """The points of a data set of which those in `labelled` have a label."""
        known = set(labelled)
        points = (
            (float(x), float(y), images.classes[images.y[i]] if i in known else "")
            for i, (x, y) in enumerate(images.x.reshape(-1, 2).tolist())
        )
        return cls(tuple(points), images.classes, figure_of(images.name))

    @classmethod
    def named(cls, name: str) -> "Board":
        """Points of one's own, also if one cannot learn from them. Raises DataError if they are not here."""
        classes, figure, points = own_points.table(name)
        first = own_points.figure_classes(figure) if figure else ()
        return cls(tuple(points), tuple(dict.fromkeys((*first, *classes))), figure)

    @property
    def lacks(self) -> str:
        """What is missing before a method can learn from them; "" if nothing is."""
        return own_points.lacks(self.points, self.figure)

    @property
    def offered(self) -> tuple[str, ...]:
        """The classes that a point can be given, those learned first: three to whoever paints a plane of one's own."""
        more = () if self.figure or not set(self.classes) <= set(plane.CLASSES) else tuple(plane.CLASSES)
        return tuple(dict.fromkeys((*self.classes, *more)))

    @property
    def colours(self) -> list[str]:
        """Of the classes offered. One of A, B and C keeps its colour when another comes before it or goes."""
        every = self.offered
        own = palette.class_colours(len(every))
        return [own[plane.CLASSES.index(k)] if {*every} == {*plane.CLASSES} else own[i] for i, k in enumerate(every)]

    @property
    def places(self) -> np.ndarray:
        """float32 (n, 2)."""
        return np.array([at[:2] for at in self.points], np.float32).reshape(-1, 2)

    @property
    def marks(self) -> list[tuple[float, float, int]]:
        """The labelled ones in their order: place and class."""
        offered = self.offered
        return [(x, y, offered.index(k)) for x, y, k in self.points if k]

    @property
    def figures_own(self) -> int:
        """How many of the points, the first ones, are the figure's: they can be changed and not removed."""
        return len(data.load(self.figure).x) if self.figure else 0

    def keep(self) -> str:
        """The name of the points, which may be no data set yet. Raises a UserError, one sentence."""
        return own_points.keep(self.points, self.figure, unfinished=True)


def changed(board: Board, change: Mapping) -> Board:
    """The points after `change`, which a browser sent. Raises a UserError, or what reading it raises."""
    points, kind, k = list(board.points), change.get("kind"), change.get("k")
    name = board.offered[k] if isinstance(k, int) and 0 <= k < len(board.offered) else ""
    if kind in ("move", "name", "label", "remove"):
        i = meant(board, change["of"])
        x, y, own = points[i]
        if kind == "move":
            points[i] = (float(change["x"]), float(change["y"]), own)
        elif kind == "remove" and i >= board.figures_own:
            del points[i]
        else:
            points[i] = (x, y, "" if kind == "remove" else name)
    elif kind == "add":
        points.append((float(change["x"]), float(change["y"]), name))
    elif kind == "paint":
        points += [(float(x), float(y), name) for x, y in change["at"]]
    else:
        raise UserError(f"{str(kind)[:20]!r} is nothing that can be done to a point.")
    return replace(board, points=tuple(points))


def do(board: Board, change: Mapping) -> None:
    """Do what a browser asks for to the points; `board` are those shown where the address asks for none of one's own.

    Another edit may have come since the page was drawn, and since the browser said what its address is.
    """
    name, _ = asked()
    to_address(changed(Board.named(name) if name else board, change).keep())


def meant(board: Board, place: Sequence[float]) -> int:
    """Which point a browser means that shows it at `place`: its number may be another one since. Raises a UserError."""
    x, y = map(float, place)
    away = [(math.hypot(a - x, b - y), not k) for a, b, k in board.points]
    i = min(range(len(away)), key=away.__getitem__, default=-1)
    if i < 0 or not away[i][0] <= SAME:
        raise UserError("The point is no longer where it was. Try again.")
    return i


def to_do(board: Board) -> str:
    """What is to be painted before the methods can learn; "" if nothing."""
    if not board.points:
        return "An empty plane. Drag on a panel to paint points: some of two classes, more without a label."
    return board.lacks


def address(name: str) -> dict[str, str]:
    """What an address says of points of one's own. Raises a UserError."""
    words = own_points.in_words(name)
    return {WORDS: words} if words else {KEY: name}


def figure_of(name: str) -> str:
    """The figure whose test points count; "" for a table of one's own."""
    return own_points.table(name)[1] if data.DATASETS[name].fixed else name


def asked() -> tuple[str, str]:
    """The name of points of one's own that the address asks for, "" if none, and why not if it cannot be.

    They may be too few to be a data set.
    """
    words, name = st.query_params.get(WORDS), st.query_params.get(KEY)
    try:
        if words is not None:
            known = st.session_state.get("plane-words", ("", ""))
            if known[0] != words or not here(known[1]):
                known = st.session_state["plane-words"] = words, own_points.of_words(words, unfinished=True)
            return known[1], ""
        if name is not None and here(name):
            return name, ""
    except UserError as e:
        forget()
        return "", f"{e} The figure is shown."
    if name is not None:
        forget()
        return "", f"The points {name[:40]!r} are not on this machine. The figure is shown."
    return "", ""


def here(name: str) -> bool:
    """Whether these are points of one's own that are on this machine."""
    try:
        own_points.table(name if name.startswith("own-") else "")
    except UserError:
        return False
    return True


def elsewhere(own: str) -> bool:
    """Whether the address asks for other points than these."""
    words, name = st.query_params.get(WORDS), st.query_params.get(KEY)
    if words is not None:
        return st.session_state.get("plane-words") != (words, own)
    return (name or "") != own


def to_address(name: str) -> None:
    """Let the address ask for these points; that can be undone. Raises a UserError."""
    go_to(address(name))


def empty() -> None:
    """A plane without points; that can be undone."""
    go_to({WORDS: EMPTY})


def back() -> None:
    """Back to the figure; that can be undone."""
    go_to({})


def go_to(address: Mapping[str, str]) -> None:
    before = {key: st.query_params[key] for key in (KEY, WORDS) if key in st.query_params}
    if before == address:
        return
    st.session_state[BEFORE] = [*st.session_state.get(BEFORE, []), before][-STEPS:]
    ask_for(address)


def can_undo() -> int:
    """How many steps."""
    return len(st.session_state.get(BEFORE, []))


def undo() -> None:
    """One step back."""
    if steps := st.session_state.get(BEFORE):
        *st.session_state[BEFORE], last = steps
        ask_for(last)


def ask_for(address: Mapping[str, str]) -> None:
    """Let the address ask for these points alone. In one go: else a browser shows it without any for a moment."""
    others = {key: value for key, value in st.query_params.to_dict().items() if key not in (KEY, WORDS)}
    st.query_params.from_dict({**others, **address})


def forget() -> None:
    """Ask for no points of one's own."""
    for key in (KEY, WORDS):
        st.query_params.pop(key, None)


def another_figure(*what: object) -> bool:
    """Whether another figure was chosen since the points were changed: then they are forgotten."""
    if st.session_state.setdefault("plane-figure", what) == what:
        return False
    st.session_state["plane-figure"] = what
    st.session_state.pop(BEFORE, None)
    forget()
    return True


def several(label: str, key: str, options: Mapping[str, str], default: Sequence[str], most: int) -> list[str]:
    """One to `most` of the options, methods, bound to ?key=: those of `default` are always shown."""
    value = run_pickers.asked_several(key, options, default, least=1)
    if len(value) > most:
        st.toast(f"At most {most} side by side: {options[value[0]]} makes room.")
        value = value[-most:]
    changed = run_pickers.show_several(key, value, default)

    def add(name: str) -> None:
        st.session_state[key] = [*st.session_state[key], name]
        changed()

    st.pills(
        label, [o for o in options if o in default or o in value], selection_mode="multi",
        format_func=options.__getitem__, key=key, on_change=changed,
    )  # fmt: skip
    others = [o for o in options if o not in default and o not in value]
    run_pickers.one_more(f"more-{key}", others, add, "More", width=84)  # narrow: the controls are one row
    return value
