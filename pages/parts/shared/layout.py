"""What every page begins with: its title, the menu, and the few lines of style that the theme has no setting for."""

import sys
from contextlib import suppress
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models import environment
from models.analysis import blas
from models.errors import UserError
from pages.parts.presenter import follow, modes, present
from pages.parts.presenter.channel import CHANNEL
from pages.parts.shared import gone_parts, held_address, menu, owner, palette, presses, run_pickers

NAME = "Few Labels"
SIDEBAR = 232  # pixels: as wide as the logo
WIDE = 440  # pixels, of what a popover holds
# The bar that plays maps stays in sight below them. The label of a control that is switched off stays readable; what is
# drawn anew while one looks is not faded; segments are as high as a select, so that the labels above a row of controls
# stand on one line. Streamlit's own Stop ends the drawing of a page and is easily taken for one that stops a run.
STYLE = """<style>
.block-container {max-width: 100rem; padding: 3.25rem 2rem 4rem}
[data-testid=stHeader] {height: 3rem; min-height: 3rem}
[data-testid=stMarkdownContainer] > p {max-width: 60rem}
[data-testid=stWidgetLabel] {color: inherit !important}
[data-testid=stStatusWidget] button {display: none}
.stButtonGroup button:is([kind^=segmented], [data-variant^=segmented]) {min-height: 2.5rem}
[class*=st-key-film-], :has(> .st-key-lab-play), .st-key-compare-film {position: sticky; bottom: 0; z-index: 40;
  padding-bottom: 0.4rem; background: light-dark(#fdfdfb, #14161c)}
[data-stale=true] {opacity: 1 !important; transition: none !important}
[class*=st-key-run-row] .stSelectbox {flex: 1 1 18rem; max-width: 36rem}
[class*=st-key-run-row] .stMultiSelect {flex: 1 1 18rem}
.st-key-page-head {flex-direction: row-reverse; align-items: center; gap: 0 1.5rem}
.st-key-page-head > :has(h1) {flex: 1 1 auto; width: auto; order: 1}
.st-key-few-labels-owner, .st-key-follower-corner {position: absolute}
button[kind=primary]:not(:hover, :active, :disabled), span[data-tag-index] {color: light-dark(#fff, #14161c)}
[data-testid=stImage] img, .stImage img {image-rendering: pixelated}
input[role=combobox] {text-overflow: ellipsis}
@media (pointer: coarse) {
  [data-testid=stExpandSidebarButton], [data-testid=stMainMenuButton] {min-width: 2rem; min-height: 2rem}
  [data-testid=stPageLink-NavLink] {min-height: 2rem}
}
@media (max-width: 640px) {
  .block-container {padding-inline: 1rem !important}
  .st-key-page-head {gap: .4rem .6rem}
  .st-key-page-head > .st-key-choice, .st-key-page-head > :has(.st-key-choice) {order: 2}
  .stMultiSelect :has(> [data-testid=stMultiSelectTagsContainer]) {height: auto; max-height: none}
  [data-testid=stMultiSelectTagsContainer] {flex-wrap: wrap; height: auto; max-height: none}
  .st-key-these-are-examples {flex-wrap: nowrap; width: 100% !important}
  .st-key-these-are-examples > :first-child {flex: 1 1 0; width: auto; min-width: 0}
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


def file_of(path: str) -> str:
    """A page's file as the menu names it: app.py, pages/latent.py."""
    name = Path(path).name
    return name if name == "app.py" else f"pages/{name}"


def open(title: str, icon: str, lead: str = "", terms: str = "") -> DeltaGenerator:
    """Begin a page. Every page calls this first. `lead` is one or two sentences on what one sees here.

    `terms` explains the terms and symbols of the page, behind a question mark beside the title. What cannot be in the
    environment is said here and ends the page, whichever it is. Returns the row of the title, where a button may stand.
    """
    blas.one_thread()
    for mend in (gone_parts.ignore, presses.ensure, held_address.ensure):
        with suppress(ImportError, AttributeError):  # a Streamlit that is another one inside is left as it is
            mend()
    st.set_page_config(
        page_title=f"{title} · {NAME}", page_icon=favicon(), layout="wide", initial_sidebar_state=SIDEBAR
    )
    CHANNEL.announce()
    modes.keep()
    current = file_of(sys._getframe(1).f_code.co_filename)  # the page that calls this
    marked = "pages/tour.py" if current == "app.py" and "tour" in st.query_params else current
    with menu.kept():
        st.html(STYLE + present.STYLE * modes.on(modes.PRESENT))
        owner.remember()
        st.logo(logo(), size="large")
        menu.entries(current)
        head = st.container(horizontal=True, key="page-head")
        with head:
            menu.bar(marked)
            st.title(title, anchor=False, help=terms or None)
    if modes.on(modes.PRESENT):
        present.show(current, marked)
    if modes.on(modes.FOLLOW):
        follow.show(current)
    if lead and not modes.on(modes.PRESENT):
        st.container(key="page-lead").caption(lead)
    try:
        environment.check()
    except UserError as e:
        st.error(run_pickers.plain(str(e)), icon=":material/error:")
        st.stop()
    return head


def popover(label: str, key: str, icon: str | None = None) -> tuple[DeltaGenerator, bool]:
    """A popover, and whether it is open: what it holds is drawn only then.

    Drawn before, its widgets have to be told again and again what is chosen, since the browser makes them when it is
    opened; and what is told just as somebody chooses takes the choice back (run_pickers.segments).
    """
    made = st.popover(label, icon=icon, width="content", key=key, on_change="rerun")
    return made.container(width=WIDE), bool(made.open)
