"""The menu: which pages there are, in six groups, and what goes along from one page to another.

An entry leads to the first page of its group. The pages of a group have a bar at their top that leads to the others.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from pages.parts.components.page_links import page_links
from pages.parts.presenter import modes
from pages.parts.shared import words

LONGEST = 500  # characters of a value of the address that go along
ONE_RUN = ("run", "epoch", "image")  # of the address: what is looked at
SEVERAL_RUNS = ("runs", "epoch", "image")
SPLIT = ("dataset", "labels", "seed")


@dataclass(frozen=True)
class Page:
    """A page: its file, what it is called, what one does there, and what it takes along of another page's address."""

    file: str
    name: str
    what: str
    takes: tuple[str, ...] = ()
    numbers: bool = False  # its ?image= is the number of a test image, not an id

    @property
    def address(self) -> str:
        """Its address beside those of the other pages."""
        return "./" if self.file == "app.py" else self.file.removeprefix("pages/").removesuffix(".py")


@dataclass(frozen=True)
class Group:
    """An entry of the menu."""

    name: str
    icon: str  # of Material Symbols
    pages: tuple[Page, ...]


MENU = (
    Group(
        "Start",
        "home",
        (
            Page("app.py", "Exhibit", "See two recorded runs learn side by side.", ("exhibit",)),
            Page(
                "pages/tour.py",
                "Guided tour",
                "Five questions over the exhibit, answered by the runs shown.",
                ("exhibit",),
            ),
        ),
    ),
    Group(
        "Lab",
        "model_training",
        (
            Page("pages/train.py", "Train", "Start runs and watch them learn.", SPLIT),
            Page("pages/plane.py", "Plane", "See methods learn two classes of points, and where each draws its line."),
            Page("pages/data.py", "Data", "See the images, and which of them keep their labels.", SPLIT),
        ),
    ),
    Group(
        "Inside",
        "scatter_plot",
        (
            Page("pages/latent.py", "Latent space", "Explore the map that a model makes of the images.", ONE_RUN),
            Page("pages/generate.py", "Generate", "Hold the class and vary the style, and the reverse.", ONE_RUN, True),
            Page("pages/draw.py", "Draw", "Draw a digit and see what a model makes of it.", SEVERAL_RUNS),
            Page(
                "pages/uncertainty.py",
                "Uncertainty",
                "See which images a model is unsure of, and whether it should be.",
                ONE_RUN,
            ),
        ),
    ),
    Group(
        "Compare",
        "compare",
        (
            Page(
                "pages/compare.py",
                "Maps and curves",
                f"Put {words.UP_TO_COMPARED} runs side by side.",
                SEVERAL_RUNS,
            ),
            Page(
                "pages/results.py",
                "Results",
                "The paper's Table 1 beside ours, and labels only (the baseline).",
                (*SEVERAL_RUNS, "dataset", "labels"),
            ),
        ),
    ),
    Group("Label", "label", (Page("pages/label.py", "Label", "Give images a label yourself and train on.", ONE_RUN),)),
    Group(
        "Maths",
        "function",
        (Page("pages/equations.py", "Equations", "Read each formula beside the code that computes it.", ONE_RUN),),
    ),
)
PAGES = {page.file: page for group in MENU for page in group.pages}


@contextmanager
def kept() -> Iterator[None]:
    """What is drawn within stays in the browser when the page changes, and does not blink.

    Streamlit clears what a page drew and keeps what the main script drew around it; pages of a folder have no such
    script, so this draws in its name.
    """
    context = get_script_run_ctx()
    if context is None:
        yield
        return
    with context.run_with_active_hash(context.pages_manager.main_script_hash):
        yield


def entries(current: str) -> None:
    """The six entries, in the sidebar; that of the page in the file `current` is marked."""
    shown = [_link(g.pages[0], current, g.name, g.icon, any(p.file == current for p in g.pages)) for g in MENU]
    with st.sidebar:
        go(page_links(shown, label="Pages", key="menu", column=True, here=_here(current)))


def bar(current: str) -> None:
    """Links to the pages of the group that the page in the file `current` belongs to, if there are several.

    If there are not, it is drawn all the same, without a link: one that went and came would be made anew and blink.
    """
    group = next((g for g in MENU if any(p.file == current for p in g.pages)), None)
    pages = group.pages if group and len(group.pages) > 1 else ()
    shown = [_link(p, current, p.name) for p in pages]
    go(page_links(shown, label=group.name if group else "", key="page-bar", here=_here(current)))


def _here(current: str) -> dict:
    return {"numbers": current in PAGES and PAGES[current].numbers, "last": st.session_state.get("last_run")}


def _link(page: Page, current: str, name: str, icon: str = "", of_group: bool = False) -> dict:
    return {
        "file": page.file,
        "address": page.address,
        "name": name,
        "icon": icon,
        "what": page.what,
        "current": "page" if page.file == current else "true" if of_group else "",
        "takes": list(page.takes),
        "numbers": page.numbers,
    }


def all_links(current: str) -> dict:
    """Links to all pages in their order, which of them the entries lead to, and which the page in `current` is."""
    files = list(PAGES)
    return {
        "links": [_link(page, current, page.name) for page in PAGES.values()],
        "entries": [files.index(group.pages[0].file) for group in MENU],
        "at": files.index(current),
        **_here(current),
    }


def go(asked: dict | None) -> None:
    """Open the page of a link that was clicked; what the browser sends is no more than an address that is typed."""
    page = next((p for p in PAGES.values() if asked and p.file == asked.get("file")), None)
    if page is None:
        return
    query = asked.get("query")
    texts = query if isinstance(query, dict) else {}
    keys = (*page.takes, "beside", "pinned")
    st.switch_page(
        page.file,
        query_params={k: v[:LONGEST] for k, v in texts.items() if k in keys and isinstance(v, str)} | modes.query(),
    )
