"""What every page begins with: its title, the menu, and the few lines of style that the theme has no setting for."""

from pathlib import Path

import streamlit as st

from models import environment
from models.errors import UserError
from pages.parts.shared import owner, palette, run_pickers, words

NAME = "Few Labels"
ROOT = Path(__file__).parents[3]
MENU: dict[str, tuple[tuple[str, str, str, str], ...]] = {
    # section: (file, name, icon, what one does there)
    "Begin": (
        ("app.py", "Home", ":material/home:", ""),
        ("pages/tour.py", "Guided tour", ":material/explore:", "Five stops that show what unlabelled images do."),
        ("pages/data.py", "Data", ":material/image:", "See the images, and which of them keep their labels."),
        ("pages/train.py", "Train", ":material/model_training:", "Start runs and watch them learn."),
    ),
    "Look inside": (
        (
            "pages/latent.py",
            "Latent space",
            ":material/scatter_plot:",
            "Explore the map that a model makes of the images.",
        ),
        (
            "pages/generate.py",
            "Generate",
            ":material/grid_view:",
            "Hold the class and vary the style, and the reverse.",
        ),
        ("pages/draw.py", "Draw", ":material/draw:", "Draw a digit and see what a model makes of it."),
        (
            "pages/uncertainty.py",
            "Uncertainty",
            ":material/help:",
            "See which images a model is unsure of, and whether it should be.",
        ),
        ("pages/compare.py", "Compare", ":material/compare:", f"Put {words.UP_TO_COMPARED} runs side by side."),
    ),
    "Go further": (
        ("pages/label.py", "Label", ":material/label:", "Give images a label yourself and train on."),
        (
            "pages/results.py",
            "Results",
            ":material/leaderboard:",
            "The paper's Table 1 beside ours, and labels only (the baseline).",
        ),
        (
            "pages/equations.py",
            "Equations",
            ":material/function:",
            "Read each formula beside the code that computes it.",
        ),
    ),
}
STYLE = """<style>
.block-container {max-width: 78rem}
.st-key-few-labels-owner {position: absolute}
[data-testid=stImage] img, .stImage img {image-rendering: pixelated}
@media (min-width: 768px) {
  .block-container {padding-top: 3.5rem}
}
@media (max-width: 640px) {
  .block-container {padding-inline: 1rem !important}
}
</style>"""


def mark() -> str:
    """Few of many: a dozen grey dots of which three are coloured. The drawing in a square of 54."""
    coloured = {1: palette.COLOURS[0], 6: palette.COLOURS[1], 11: palette.COLOURS[7]}
    return "".join(
        f'<circle cx="{7 + 13 * (i % 4)}" cy="{8 + 13 * (i // 4)}" r="{5 if i in coloured else 3.6}" '
        f'fill="{coloured.get(i, palette.UNLABELLED)}" opacity="{1 if i in coloured else 0.5}"/>'
        for i in range(12)
    )


def logo() -> str:
    """The mark and the name, as SVG; `textLength` keeps the name inside whatever serif the machine has."""
    name = (
        f'<text x="66" y="29" font-family="Source Serif Pro, Georgia, serif" font-size="25" textLength="126" '
        f'lengthAdjust="spacingAndGlyphs" fill="#7f88b5">{NAME}</text>'
    )
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 42" width="200" height="42">{mark()}{name}</svg>'


def favicon() -> str:
    """The mark alone. A Material icon would not do: the browser would fetch it from another server."""
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 -6 54 54" width="54" height="54">{mark()}</svg>'


def menu() -> None:
    """The menu in the sidebar: sections of links."""
    with st.sidebar:
        for section, pages in MENU.items():
            st.caption(section)
            with st.container(gap="xxsmall"):
                for path, label, icon, _ in pages:
                    if (ROOT / path).exists():
                        st.page_link(path, label=label, icon=icon, width="stretch")


def ways() -> None:
    """The way to each page, with what one does there."""
    pages = [page for section in MENU.values() for page in section if page[3] and (ROOT / page[0]).exists()]
    with st.container(gap="xsmall"):
        for path, label, icon, what in pages:
            with st.container(horizontal=True, gap="small", vertical_alignment="center"):
                st.page_link(path, label=f"**{label}**", icon=icon, width=170)
                st.caption(what, width="content")


def open(title: str, icon: str, lead: str = "", terms: str = "") -> None:
    """Begin a page. Every page calls this first. `lead` is one or two sentences on what one sees here.

    `terms` explains the terms and symbols of the page, behind a question mark beside the title. What cannot be in the
    environment is said here and ends the page, whichever it is.
    """
    st.set_page_config(page_title=f"{title} · {NAME}", page_icon=favicon(), layout="wide")
    st.html(STYLE)
    owner.remember()
    st.logo(logo(), size="large")
    menu()
    st.title(title, anchor=False, help=terms or None)
    if lead:
        st.caption(lead)
    try:
        environment.check()
    except UserError as e:
        st.error(run_pickers.plain(str(e)), icon=":material/error:")
        st.stop()
