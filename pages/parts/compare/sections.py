"""The sections of Compare: an index that stays in sight, and at the head of each its name and what it shows."""

from html import escape

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

MAPS, ACCURACY, SPACES, CONFUSIONS, IMAGE, SAMPLES, SETTINGS = range(7)
NAMES = (
    ("maps", "Latent maps"),
    ("accuracy", "Accuracy"),
    ("separability", "Classes in each space"),
    ("confusions", "Confusion matrices"),
    ("one-image", "One image, every model"),
    ("samples", "Samples"),
    ("settings", "Settings"),
)

# Streamlit's header lies over the top of the page; what is scrolled to must come to rest below the index.
STYLE = """<style>
div:has(> .st-key-sections) {position:sticky; top:3.75rem; z-index:50}
.st-key-sections {background:light-dark(#fdfdfb,#14161c); padding:.35rem 0; margin:-.35rem 0;
  border-bottom:1px solid color-mix(in srgb,currentColor 12%,transparent)}
.sections {display:flex; gap:.2rem 1.25rem; overflow-x:auto; scrollbar-width:none; font-size:.875rem;
  padding-right:3rem; scroll-target-group:auto}
.sections a {color:inherit; opacity:.75; text-decoration:none; white-space:nowrap; padding:.2rem 0;
  border-bottom:2px solid transparent}
.sections a:hover, .sections a:target-current {opacity:1; border-color:currentColor}
.section {margin:0; font-size:.8125rem; opacity:.7; letter-spacing:.02em; scroll-margin-top:7rem}
[data-testid=stElementContainer]:has(.section) {margin-bottom:-.9rem; padding-top:.8rem}
[data-testid=stElementContainer]:has(.section:empty) {padding-top:0}
.st-key-maps [data-testid=stHorizontalBlock]:has(> [data-testid=stColumn]) {flex-wrap:wrap}
.st-key-maps [data-testid=stColumn] {min-width:min(15rem,calc(50% - .5rem)) !important; flex:1 1 0 !important}
.st-key-looked > [data-testid=stLayoutWrapper] > [data-testid=stHorizontalBlock] {flex-wrap:wrap}
.st-key-looked [data-testid=stColumn]:has([data-testid=stColumn]) {flex:1 1 100% !important}
.st-key-maps .claim {margin:0; font-size:.8125rem; line-height:1.35}
</style>"""

BESIDE = """<style>
[class*=st-key-beside] [data-testid=stHorizontalBlock]:has(> [data-testid=stColumn]) {flex-wrap:wrap}
[class*=st-key-beside] [data-testid=stColumn]:first-child {min-width:min(34rem,100%) !important}
[class*=st-key-beside] [data-testid=stColumn]:last-child {min-width:min(15rem,100%) !important;
  flex:1 1 15rem !important}
</style>"""


def index(n: int) -> None:
    """Links to the first `n` sections, which stay at the top of the page while one scrolls."""
    links = "".join(f'<a href="#{anchor}">{escape(name)}</a>' for anchor, name in NAMES[:n])
    st.html(STYLE)
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
