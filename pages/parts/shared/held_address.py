"""Keeps what was chosen while the browser has not yet heard that the address says it.

Each request of the browser comes with the address that it shows. What it sends just after a choice (another press, a
part of the page that runs by itself) still has the address from before, which on a busy machine is answered many
seconds later and would take the choice back.
"""

from collections.abc import Mapping
from functools import wraps
from urllib.parse import parse_qsl, urlencode

from streamlit.runtime.scriptrunner import get_script_run_ctx

from pages.parts.shared import presses

MOST = 50  # addresses of which a browser may not have heard
LAST = "last_"  # with this begins in the session what is chosen where the address says nothing of it


def ensure() -> None:
    """Take a request with an address from before a choice as one with the address that the choice made.

    Back is heard, and a link to the page as it was: the browser marks the one, and with the other nothing is pressed.
    Once a process. Raises an ImportError or an AttributeError where this Streamlit is another one inside.
    """
    from streamlit.runtime.scriptrunner_utils.script_run_context import ScriptRunContext
    from streamlit.runtime.state.query_params import QueryParams
    from streamlit.runtime.state.session_state import SessionState

    tell, call_back, begin = QueryParams._send_query_param_msg, SessionState._call_callbacks, ScriptRunContext.reset
    if hasattr(tell, "__wrapped__"):
        return

    @wraps(begin)
    def begin_in_turn(self: ScriptRunContext, *args: object, **more: object) -> None:
        with presses.turn(self.session_id):  # a callback that goes on shall not find another address between two lines
            begin(self, *args, **more)

    @wraps(tell)
    def tell_and_note(self: QueryParams) -> None:
        ctx = get_script_run_ctx(suppress_warning=True)
        before = read(ctx.query_string) if ctx else {}
        tell(self)
        if ctx:
            page, told = getattr(self, "told", ("", []))
            told = told if told and page == ctx.page_script_hash else [before]
            self.told = ctx.page_script_hash, [*told, read(ctx.query_string)][-MOST:]

    @wraps(call_back)
    def take_in(self: SessionState, **more: object) -> None:
        if ctx := get_script_run_ctx(suppress_warning=True):
            params, there = self.query_params, read(ctx.query_string)
            page, told = getattr(params, "told", ("", []))
            if page != ctx.page_script_hash:
                told = []
            elif ctx.is_history_navigation:
                told = []
                for key in [k for k in self.filtered_state if str(k).startswith(LAST)]:
                    del self[key]
            elif not ctx.fragment_ids_this_run and not any(map(self._widget_changed, self._new_widget_state)):
                told = []
            meant, told = caught_up(there, told or [there])
            params.told = ctx.page_script_hash, told
            if meant != there:
                params.set_initial_query_params(urlencode(meant))
                params.populate_from_query_string(urlencode(meant))
                tell(params)
            if ctx.is_history_navigation:  # nothing was pressed, though a browser may not know yet what is shown
                return
        call_back(self, **more)

    ScriptRunContext.reset = begin_in_turn
    QueryParams._send_query_param_msg = tell_and_note
    SessionState._call_callbacks = take_in


def read(address: str) -> dict[str, str]:
    """What stands behind the question mark."""
    return dict(parse_qsl(address, keep_blank_values=True))


def caught_up(there: Mapping[str, str], told: list[dict[str, str]]) -> tuple[dict[str, str], list[dict[str, str]]]:
    """The address that is meant by a browser which is `there`, and what it may not have heard of since.

    `told` are the addresses that the server has made, from the last one on of which the browser is known to have heard.
    It may also have changed its address by itself (a widget of Streamlit's bound to it).
    """
    known = min(range(len(told)), key=lambda i: len(set(there.items()) ^ set(told[i].items())))
    heard, last = told[known], told[-1]
    kept = {key: value for key, value in there.items() if key in last or key not in heard}
    return {**kept, **{key: value for key, value in last.items() if heard.get(key) != value}}, told[known:]
