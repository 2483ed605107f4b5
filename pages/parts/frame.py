"""What every page begins with: its title, the menu, and the few lines of style that the theme has no setting for."""

from pathlib import Path

import streamlit as st

from pages.parts import palette

NAME = "Few Labels"
ROOT = Path(__file__).parents[2]
MENU: dict[str, tuple[tuple[str, str, str], ...]] = {
    "Begin": (
        ("app.py", "Home", ":material/home:"),
        ("pages/data.py", "Data", ":material/image:"),
        ("pages/train.py", "Train", ":material/model_training:"),
    ),
    "Look inside": (
        ("pages/latent.py", "Latent space", ":material/scatter_plot:"),
        ("pages/generate.py", "Generate", ":material/grid_view:"),
        ("pages/compare.py", "Compare", ":material/compare:"),
    ),
}
STYLE = """<style>
.block-container {max-width: 78rem}
[data-testid=stSidebar] [data-testid=stPageLink] a {padding-block: .3rem}
[data-testid=stImage] img, .stImage img {image-rendering: pixelated}
@media (max-width: 640px) {
  .block-container {padding-inline: 1rem !important}
}
</style>"""


def logo() -> str:
    """Few of many: a drawing of a dozen grey dots of which three are coloured."""
    coloured = {1: palette.COLOURS[0], 6: palette.COLOURS[1], 11: palette.COLOURS[7]}
    dots = "".join(
        f'<circle cx="{8 + 13 * (i % 4)}" cy="{8 + 13 * (i // 4)}" r="{5 if i in coloured else 3.6}" '
        f'fill="{coloured.get(i, palette.UNLABELLED)}" opacity="{1 if i in coloured else 0.45}"/>'
        for i in range(12)
    )
    word = f'<text x="66" y="28" font-family="Source Serif, Georgia, serif" font-size="25" fill="#7c84a8">{NAME}</text>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 42" width="200" height="42">{dots}{word}</svg>'


def menu() -> None:
    """The menu in the sidebar: sections of links."""
    with st.sidebar:
        for section, pages in MENU.items():
            st.caption(section)
            with st.container(gap=None):
                for path, label, icon in pages:
                    if (ROOT / path).exists():
                        st.page_link(path, label=label, icon=icon, width="stretch")


def open(title: str, icon: str, lead: str = "") -> None:
    """Begin a page. Every page calls this first. `lead` is one or two sentences on what one sees here."""
    st.set_page_config(page_title=f"{title} · {NAME}", page_icon=icon, layout="wide")
    st.html(STYLE)
    st.logo(logo(), size="large")
    menu()
    st.title(title, anchor=False)
    if lead:
        st.caption(lead)
