"""Presenting: large type without the menu, keys, the address as a QR code, and the key that lets others follow.

The mode needs no key: it changes what one's own browser shows. The key makes this browser the one that others follow.
"""

import secrets
from collections.abc import Callable
from functools import partial

import streamlit as st
from streamlit.runtime import exists, get_instance
from streamlit.runtime.scriptrunner import get_script_run_ctx

from models.errors import UserError
from pages.parts.components.presenter import presenter
from pages.parts.presenter import modes, reach
from pages.parts.presenter.channel import CHANNEL
from pages.parts.shared import menu

KEY = "presenter"  # of the component
WHO, SAID, QR, GO = "presenter-who", "presenter-said", "presenter-qr", "presenter-go"  # in the session
MOST = 1_000_000  # characters of what a browser tells of its maps: a lasso around 70,000 images has 500,000
LEADS_ON = "pages/tour.py"  # it opens another page at once, which then is the one to follow

# 21 pixels of 1440, so that on a screen of two metres a capital is 20 mm high: 7 minutes of arc at ten metres, where 5
# are just read, and a map has half of the screen. The clamp is for a small window and for a wall of screens.
STYLE = """<style>
html {font-size: clamp(18px, 1.46vw, 44px) !important; --map-room: max(40vh, 100vh - 21.5rem);
  --tool: max(1.4rem, 24px); --flows: none}
[data-testid=stSidebar], [data-testid=stHeader], [data-testid=stExpandSidebarButton], .st-key-page-bar,
.st-key-these-are-examples, .st-key-take-tour {display: none !important}
.block-container {max-width: none; padding: 0.4rem 1.5rem 2rem}
.block-container > div > [data-testid=stVerticalBlock], .block-container > [data-testid=stVerticalBlock] {gap: 0.6rem}
h1 {font-size: 1.3rem !important; padding: 0 !important}
.st-key-presenter-corner {position: absolute}
.js-plotly-plot text {font-size: 1rem !important}
</style>"""


def show(current: str, marked: str) -> None:
    """The corner of the page in the file `current`; `marked` is the page that it counts as. Tells those who follow."""
    if typed := st.query_params.get(modes.PRESENT, ""):
        st.query_params[modes.PRESENT] = ""  # the key shall not stand on the wall, nor in the QR code
        _take(typed)
    if current != LEADS_ON:
        _tell(current)
    with st.container(key="presenter-corner"):
        _corner(current, marked)


def _corner(current: str, marked: str) -> None:
    @st.fragment
    def corner() -> None:
        presenter(
            _data(marked),
            key=KEY,
            on_go=lambda: st.session_state.update({GO: _sent("go")}),
            on_key=lambda: _take(_sent("key")),
            on_live=partial(_tell, current, lambda: _sent("live")),
            on_qr=lambda: st.session_state.update({QR: bool(_sent("qr"))}),
            on_stop=_stop,
            on_leave=_leave,
        )
        if not modes.on(modes.PRESENT):
            st.rerun()
        # Kept in the session: a slider let go of at the same time runs the whole page, and what was sent is forgotten.
        asked = st.session_state.pop(GO, None)
        menu.go(asked if isinstance(asked, dict) else None)

    corner()


def _data(marked: str) -> dict:
    who = st.session_state.get(WHO)
    presenting = CHANNEL.presents(who)
    return {
        **menu.all_links(marked),
        "presenting": presenting,
        "replaced": who is not None and not presenting,
        "key": CHANNEL.key if presenting else "",
        "said": st.session_state.get(SAID, ""),
        "qr": _qr(presenting) if st.session_state.get(QR) else None,
    }


def _qr(presenting: bool) -> dict:
    """The address for the audience: that of the presenter as long as others may follow, else that of this page."""
    url = st.context.url or "http://localhost"
    if presenting:
        url = f"{modes.start_of(url)}?{modes.FOLLOW}"
    elif shown := modes.address():
        url = f"{url}?{modes.written(shown)}"
    found = reach.of(url, st.get_option("server.address"))
    return {"address": found.address, "words": found.words, "picture": found.qr}


def _sent(what: str) -> object:
    return st.session_state[KEY][what]


def _take(key: object) -> None:
    """Present, if this is the key."""
    who = secrets.token_hex(8)
    try:
        CHANNEL.take(str(key), who, _connected())
    except UserError as e:
        st.session_state[SAID] = str(e)
        return
    st.session_state[WHO], st.session_state[SAID] = who, ""


def _connected() -> Callable[[], bool]:
    """A function that says whether this session still has its browser."""
    context = get_script_run_ctx()
    session = context.session_id if context else ""
    return lambda: bool(exists() and get_instance().is_active_session(session))


def _tell(current: str, live: Callable[[], object] | None = None) -> None:
    """Let those who follow see this page, if this browser presents."""
    who = st.session_state.get(WHO)
    if not CHANNEL.presents(who):
        return
    text = live() if live else None
    CHANNEL.show(who, current, modes.address(), text if isinstance(text, str) and len(text) <= MOST else None)


def _stop() -> None:
    """Present no longer; the large type stays."""
    if who := st.session_state.pop(WHO, None):
        CHANNEL.leave(who)
    st.session_state.pop(SAID, None)


def _leave() -> None:
    _stop()
    st.session_state.pop(QR, None)
    modes.end(modes.PRESENT)
