"""What a hand did to the points, the data set that they are after it, and what the address says of both."""

from collections.abc import Mapping, Sequence

import streamlit as st

import data
from data import own_points
from data.images import Images
from models.errors import UserError
from pages.parts.shared import run_pickers

KEY = "points"  # of the address: the name of points of one's own, which are on this machine only
WORDS = "own"  # of the address: the points themselves, where they are few or a figure's with few changes


def points_of(images: Images, labelled: list[int]) -> list[own_points.Point]:
    """The points as a table has them: those in `labelled` with their class."""
    known = set(labelled)
    return [
        (float(x), float(y), images.classes[images.y[i]] if i in known else "")
        for i, (x, y) in enumerate(images.x.reshape(-1, 2).tolist())
    ]


def edited(images: Images, labelled: list[int], change: dict) -> str:
    """The name of the points after `change`, which a browser sent. Raises a UserError, one sentence."""
    points = points_of(images, labelled)
    kind, k = change.get("kind"), change.get("k")
    name = images.classes[k] if isinstance(k, int) and 0 <= k < len(images.classes) else ""
    at = [float(change[a]) for a in ("x", "y")] if kind in ("move", "add") else []
    if kind in ("move", "name"):
        i = labelled[int(change["mark"])]
        x, y, own = points[i]
        points[i] = (at[0], at[1], own) if kind == "move" else (x, y, name)
    elif kind == "label":
        i = int(change["point"])
        points[i] = (*points[i][:2], name)
    elif kind == "add":
        points.append((at[0], at[1], name))
    else:
        raise UserError(f"{str(kind)[:20]!r} is nothing that can be done to a point.")
    return own_points.keep(points, figure_of(images.name))


def address(name: str) -> dict[str, str]:
    """What an address says of points of one's own. Raises a UserError."""
    words = own_points.in_words(name)
    return {WORDS: words} if words else {KEY: name}


def figure_of(name: str) -> str:
    """The figure whose test points count; "" for a table of one's own."""
    return own_points.table(name)[1] if data.DATASETS[name].fixed else name


def asked() -> tuple[str, str]:
    """The data set of points of one's own that the address asks for, "" if none, and why not if it cannot be."""
    words, name = st.query_params.get(WORDS), st.query_params.get(KEY)
    try:
        if words is not None:
            known = st.session_state.get("plane-words", ("", ""))
            if known[0] != words or known[1] not in data.DATASETS:
                known = st.session_state["plane-words"] = words, own_points.of_words(words)
            return known[1], ""
        if name is not None and name in data.DATASETS and data.DATASETS[name].fixed:
            return name, ""
    except UserError as e:
        forget()
        return "", f"{e} The figure is shown."
    if name is not None:
        forget()
        return "", f"The points {name[:40]!r} are not on this machine. The figure is shown."
    return "", ""


def elsewhere(own: str) -> bool:
    """Whether the address asks for other points than these."""
    words, name = st.query_params.get(WORDS), st.query_params.get(KEY)
    if words is not None:
        return st.session_state.get("plane-words") != (words, own)
    return (name or "") != own


def to_address(name: str) -> None:
    """Let the address ask for these points."""
    found = address(name)
    forget()
    st.query_params.update(found)


def forget() -> None:
    """Back to the figure."""
    for key in (KEY, WORDS):
        st.query_params.pop(key, None)


def another_figure(*what: object) -> bool:
    """Whether another figure was chosen since the points were changed: then they are forgotten."""
    if st.session_state.setdefault("plane-figure", what) == what:
        return False
    st.session_state["plane-figure"] = what
    forget()
    return True


def several(label: str, key: str, options: Mapping[str, str], default: Sequence[str], most: int) -> list[str]:
    """One to `most` of the options, bound to ?key=."""
    asked = [o for o in st.query_params.get(key, "").split(",") if o in options]
    value = list(dict.fromkeys(asked or st.session_state.get(f"last_{key}") or default))
    if len(value) > most:
        st.toast(f"At most {most} side by side: {options[value[0]]} makes room.")
        value = value[-most:]
    run_pickers.url_state.show(key, value)
    st.session_state[f"last_{key}"] = value
    run_pickers.remember(key, ",".join, ",".join(default))
    run_pickers.settle(key, ",".join(value), ",".join(default))
    st.pills(
        label, list(options), selection_mode="multi", format_func=options.__getitem__, key=key,
        on_change=run_pickers.to_address(key, ",".join),
    )  # fmt: skip
    return value


def switch(label: str, key: str, help: str) -> bool:
    """A toggle bound to ?key=1."""
    value = run_pickers.linked(key, (False, True), False, lambda on: str(int(on)))
    st.toggle(label, key=key, help=help, on_change=run_pickers.to_address(key, lambda on: str(int(on))))
    return value
