"""Lessons in the plane: each is a set-up, by link, and a sentence whose numbers are those of the frames shown."""

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

import data
from models import AUXILIARY, BASELINE, CLASS, IMAGE_MODELS, MODELS
from models.plane.setup import SetUp
from pages.parts.plane import edits, told
from pages.parts.plane.told import Shown
from pages.parts.shared.figures import percent

KEY = "lesson"  # of the address
ENOUGH = 0.95  # an accuracy
SETTINGS = (
    "figure", "each", "noise", "classes", "n", "seed", "methods", "beta", "z", "consistency", "zofx",
    edits.KEY, edits.WORDS,
)  # fmt: skip


@dataclass(frozen=True)
class Lesson:
    title: str
    figure: str
    each: int  # labels a class
    says: Callable[[Shown], str]
    methods: tuple[str, ...] = ()  # in place of those shown at first
    seed: int = 0
    wrong: int | None = None  # which of its labels is that of another class

    def address(self) -> dict[str, str]:
        """What the page's address says beside the lesson's own name."""
        found = {"figure": self.figure, "each": str(self.each)}
        if self.seed:
            found["seed"] = str(self.seed)
        if self.methods:
            found["methods"] = ",".join(self.methods)
        if self.wrong is not None:
            images = data.load(self.figure)
            labelled, _, _ = data.draw(images, self.each * len(images.classes), self.seed)
            marked = labelled.tolist()
            point = marked[self.wrong]
            other = (int(images.y[point]) + 1) % len(images.classes)
            changed = edits.changed(
                edits.Board.of(images, marked), {"kind": "name", "of": images.x[point].ravel(), "k": other}
            )
            found |= edits.address(changed.keep())
        return found


def two(shown: Shown) -> str:
    if (best := shown.best()) is None or not shown.begun:
        return "One label a class, and each cluster is a class. Press Play."
    base = shown.seen.get(BASELINE)
    if shown.seen[best].accuracy < ENOUGH:
        return f"{shown.labels} labels are not enough so far: {shown.all()}."
    if base is None or base.accuracy > shown.seen[best].accuracy - told.DIFFER:
        return f"{shown.labels} labels are enough, with or without unlabelled points: {shown.all()}."
    return (
        f"{shown.labels} labels are enough for {shown.has(best)}: the others show the clusters. {shown.has(BASELINE)}."
    )


def half(shown: Shown) -> str:
    if not shown.begun:
        return "The labels lie on parts of each moon. Does a method follow the unlabelled points along it? Press Play."
    return told.general(shown)


def lose(shown: Shown) -> str:
    if not shown.begun:
        return "A ring around a ring: the classes are not what describes these points best. Press Play."
    why, base = told.halves(shown), shown.seen.get(BASELINE)
    follows = next((m for m in shown.seen if m not in IMAGE_MODELS), None)
    says = f"{why} Labels only: {percent(base.accuracy)}." if why and base else told.general(shown)
    return f"{says} {shown.has(follows)}, from neighbour to neighbour." if follows else says


def wrong(shown: Shown) -> str:
    if not shown.begun:
        return "One of the labels is wrong. Who believes it? Press Play, then give that point its right class."
    best, base = shown.best(), shown.seen.get(BASELINE)
    if best is None or base is None:
        return f"One of {shown.labels} labels is wrong: {shown.all()}."
    behind = base.accuracy < shown.seen[best].accuracy - told.DIFFER
    why = "which has the unlabelled points to set against it" if behind else "and the unlabelled points do not mend it"
    return f"One of {shown.labels} labels is wrong: labels only {percent(base.accuracy)}, {shown.has(best)}, {why}."


def least(shown: Shown) -> str:
    head = "Without any label nobody can say which group is class A: the methods here take one label a class at least."
    return f"{head} With that: {shown.all()}." if shown.begun else f"{head} Press Play."


LESSONS = {
    "two": Lesson("Two labels are enough", "clusters", 1, two),
    "half": Lesson("Half a moon", "moons", 3, half),
    "lose": Lesson(
        "Why a generative model can lose", "circles", 3, lose,
        (CLASS, AUXILIARY, BASELINE, *(m for m, card in MODELS.items() if card.kinds == ("points",))),
    ),
    "wrong": Lesson("One wrong label", "moons", 5, wrong, wrong=5),
    "least": Lesson("No labels at all?", "moons", 1, least),
}  # fmt: skip


def asked() -> tuple[str, bool]:
    """The lesson that the address asks for, "" if none; and whether it begins: then the address says its set-up."""
    key = st.query_params.get(KEY)
    if key is None:
        return "", False
    if key not in LESSONS:
        del st.query_params[KEY]
        return "", False
    if st.session_state.get("plane-lesson", ("", None))[0] == key:
        return key, False
    for setting in SETTINGS:  # what was chosen before is none of the lesson's
        st.session_state.pop(f"last_{setting}", None)
        st.query_params.pop(setting, None)
    st.session_state.pop("plane-figure", None)
    st.session_state.pop(edits.BEFORE, None)
    st.query_params.update(LESSONS[key].address())
    st.session_state["plane-lesson"] = key, None
    return key, True


def still(key: str, setup: SetUp) -> str:
    """The lesson as long as the set-up is the one with which it began; "" afterwards."""
    if not key:
        st.session_state.pop("plane-lesson", None)
        return ""
    _, begun = st.session_state["plane-lesson"]
    if begun is None:
        st.session_state["plane-lesson"] = key, setup
    elif begun != setup:
        st.query_params.pop(KEY, None)
        st.session_state.pop("plane-lesson")
        return ""
    return key


def row(now: str) -> DeltaGenerator:
    """The way to each lesson; returns the row."""
    drawn = st.container(horizontal=True, vertical_alignment="center", gap="small", key="plane-lessons")
    with drawn:
        st.caption("Lessons", width="content")
        for key, lesson in LESSONS.items():
            st.button(
                lesson.title,
                key=f"lesson-{key}",
                type="primary" if key == now else "tertiary",
                on_click=go,
                args=(key,),
            )
    return drawn


def go(key: str) -> None:
    st.session_state.pop("plane-lesson", None)
    st.query_params[KEY] = key
