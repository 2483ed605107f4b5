"""What was pressed is done to its end, and before what is pressed next."""

import threading
from collections.abc import Callable
from functools import wraps
from weakref import WeakValueDictionary

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from models.errors import UserError
from pages.parts.shared import run_pickers

_here = threading.local()  # callbacks: whether this thread is at some; asked: whether one of them asks for what follows
_turns: WeakValueDictionary[str, threading.Lock] = WeakValueDictionary()  # by session: held while it is at callbacks
_finding = threading.Lock()


def ensure() -> None:
    """Let the callbacks of a press (on_click, on_change) end before those of the next one begin; once a process.

    Streamlit ends a callback at its next access of st.session_state, or of the address, if another press comes
    meanwhile, and never goes on with it: of two presses 300 ms apart, the first of which takes 800 ms, the first stays
    half done, while the second is done beside it in another thread. In a busy classroom that is a press without an
    answer, or an edit that cannot be undone. A callback's own st.stop and st.switch_page end it as ever. Raises an
    ImportError or an AttributeError where this Streamlit is another one inside.
    """
    from streamlit.runtime.scriptrunner_utils.script_requests import ScriptRequest, ScriptRequests
    from streamlit.runtime.state import SafeSessionState

    take_in, look = SafeSessionState.on_script_will_rerun, ScriptRequests.on_scriptrunner_yield
    if hasattr(take_in, "__wrapped__"):
        return

    @wraps(take_in)
    def take_in_whole(self: SafeSessionState, *args: object, **more: object) -> None:
        ctx = get_script_run_ctx(suppress_warning=True)
        with turn(ctx.session_id if ctx else ""):
            _here.callbacks, _here.asked = True, False
            try:
                take_in(self, *args, **more)
            finally:
                _here.callbacks = False

    @wraps(look)
    def look_between(self: ScriptRequests) -> ScriptRequest | None:
        return None if getattr(_here, "callbacks", False) and not _here.asked else look(self)

    def noted(ask: Callable) -> Callable:
        @wraps(ask)
        def note(*args: object, **more: object) -> object:
            _here.asked = True
            return ask(*args, **more)

        return note

    SafeSessionState.on_script_will_rerun = take_in_whole
    ScriptRequests.on_scriptrunner_yield = look_between
    ScriptRequests.request_stop = noted(ScriptRequests.request_stop)
    ScriptRequests.request_rerun = noted(ScriptRequests.request_rerun)


def turn(session_id: str) -> threading.Lock:
    """Held while a session is at the callbacks of a press."""
    with _finding:
        return _turns.setdefault(session_id, threading.Lock())


def button(label: str, do: Callable[[], object], key: str, **more: object) -> None:
    """A button that does something, which may raise a UserError: it is said below. `more` goes to st.button.

    What `if st.button(...)` does is not done if another press comes before the page has been drawn so far. `do` is of
    the page as it was when the button was drawn; what may have been typed since it finds in st.session_state. The whole
    page is drawn anew then, also where the button stands in a part of it.
    """

    def press() -> None:
        try:
            do()
        except UserError as e:
            st.session_state[refused] = str(e)
        st.rerun()

    refused = f"{key}-refused"
    st.button(label, key=key, on_click=press, **more)
    if why := st.session_state.pop(refused, ""):
        run_pickers.refuse(why)
