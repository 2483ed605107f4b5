"""The sections of Compare: an index of them, and at the head of each its name and what it shows."""

from html import escape

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

MAPS, ACCURACY, SPACES, MEASURES, CONFUSIONS, IMAGE, SAMPLES, SETTINGS = range(8)
NAMES = (
    ("maps", "Latent maps"),
    ("accuracy", "Accuracy"),
    ("separability", "Classes in each space"),
    ("likelihood", "Likelihood and codes"),
    ("confusions", "Confusion matrices"),
    ("one-image", "One image, every model"),
    ("samples", "Samples"),
    ("settings", "Settings"),
)

# The index stands under the menu; where that is shut, in a row that stays at the top of the page.
STYLE = """<style>
.sections {display:flex; gap:.25rem; font-size:.8125rem; scroll-target-group:auto}
.sections a {color:inherit; text-decoration:none; white-space:nowrap; padding:.2rem .7rem; border-radius:1rem}
.sections a:hover {background:color-mix(in srgb,currentColor 7%,transparent)}
.sections a:target-current {background:color-mix(in srgb,currentColor 12%,transparent); font-weight:600}
.st-key-menu-sections {padding:.75rem 0 0 .75rem}
.st-key-menu-sections b {font-size:.8125rem; font-weight:400; padding:0 .7rem;
  color:color-mix(in srgb,currentColor 72%,transparent)}
.st-key-menu-sections .sections {flex-direction:column; margin-top:.35rem}
div:has(> .st-key-sections) {position:sticky; top:3rem; z-index:50}
.st-key-sections {background:light-dark(#fdfdfb,#14161c); padding:.35rem 0; margin:-.35rem 0}
.st-key-sections .sections {overflow-x:auto; scrollbar-width:none; padding-right:3rem}
.st-key-sections .sections a {border:1px solid color-mix(in srgb,currentColor 16%,transparent)}
@media (min-width:769px) {
  .stApp:has([data-testid=stSidebar][data-collapsed=false]) div:has(> .st-key-sections) {display:none}
}
[data-testid=stPopoverBody]:has(.st-key-run-row-runs) {width:min(58rem,94vw) !important; max-width:none !important}
[data-testid=stPopoverBody] .st-key-run-row-runs {flex-direction:column; align-items:stretch; gap:.3rem}
[data-testid=stPopoverBody] .st-key-run-row-runs :is(.st-key-runs, .stMultiSelect) {flex:none}
[data-testid=stPopoverBody] [data-testid=stMultiSelectTagsContainer] {flex-wrap:wrap; height:auto; padding-block:.3rem}
[data-testid=stPopoverBody] :has(> [data-testid=stMultiSelectTagsContainer]) {height:auto; max-height:none}
.section {margin:0; font-size:.8125rem; opacity:.7; letter-spacing:.02em; scroll-margin-top:6.5rem}
[data-testid=stElementContainer]:has(.section) {margin-bottom:-.9rem; padding-top:.8rem}
[data-testid=stElementContainer]:has(.section:empty) {padding-top:0}
.st-key-looked > [data-testid=stLayoutWrapper] > [data-testid=stHorizontalBlock] {flex-wrap:wrap}
.st-key-looked [data-testid=stColumn]:has([data-testid=stColumn]) {flex:1 1 100% !important}
</style>"""

BESIDE = """<style>
[class*=st-key-beside] [data-testid=stHorizontalBlock]:has(> [data-testid=stColumn]) {flex-wrap:wrap}
[class*=st-key-beside] [data-testid=stColumn]:first-child {min-width:min(34rem,100%) !important}
[class*=st-key-beside] [data-testid=stColumn]:last-child {min-width:min(15rem,100%) !important;
  flex:1 1 15rem !important}
</style>"""


def index(n: int) -> None:
    """Links to the first `n` sections, under the menu and in a row of the page, of which one is seen."""
    links = "".join(f'<a href="#{anchor}">{escape(name)}</a>' for anchor, name in NAMES[:n])
    st.html(STYLE)
    with st.sidebar.container(key="menu-sections"):
        st.html(f'<b>On this page</b><nav class="sections" aria-label="On this page">{links}</nav>')
    with st.container(key="sections"):
        st.html(f'<nav class="sections" aria-label="Sections">{links}</nav>')


def head(which: int, claim: str = "") -> None:
    """The head of a section: its name, and in a sentence what it shows, as Markdown; its name alone without one."""
    anchor, name = NAMES[which]
    above = escape(name) if claim and which != MAPS else ""
    st.html(f'<p class="section" id="{anchor}">{above}</p>')
    st.subheader(claim or name, anchor=False)


def beside(name: str) -> tuple[DeltaGenerator, DeltaGenerator]:
    """A place for a figure and, to its right or below it, as there is room, one for what it means."""
    with st.container(key=f"beside-{name}"):
        st.html(BESIDE)
        figure, caption = st.columns([3, 1], gap="medium")
    return figure, caption
