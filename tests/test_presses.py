"""A press is done to its end, whatever is pressed next: shown with Streamlit's own server, on its own socket."""

from collections.abc import Iterator

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner
from streamlit.runtime.state import SafeSessionState
from test_pages import open_page, root  # noqa: F401 (fixture)
from websockets.sync.client import ClientConnection

from tests.own_socket import answers, ask, opened
from tests.serving import ROOT

# A callback of half a second, as on a machine that is busy with others, each round a chance to end it; and a quick one.
PAGE = f"""
import sys, time
import streamlit as st
sys.path.insert(0, {str(ROOT)!r})
from models.errors import UserError
from pages.parts.shared import presses

presses.ensure()
st.session_state.setdefault("done", [])

def take(name, rounds):
    for i in range(rounds):
        st.session_state["round"] = st.query_params["round"] = str(i)
        time.sleep(0.02)
    st.session_state["done"].append(name)

def leave():
    st.session_state["done"].append("left")
    st.switch_page("pages/other.py")

def stop():
    st.session_state["done"].append("stopped")
    st.stop()
    st.session_state["done"].append("went on")

def no():
    st.session_state["done"].append("tried")
    raise UserError("It cannot be.")

for _ in range(20):  # another press comes before the page has been drawn so far
    st.divider()
    time.sleep(0.01)
presses.button("act", lambda: st.session_state["done"].append("acted"), "act")
presses.button("no", no, "no")
st.button("first", on_click=take, args=["first", 25])
st.button("second", on_click=take, args=["second", 1])
st.button("leave", on_click=leave)
st.button("stop", on_click=stop)
st.text(" ".join(["done:", *st.session_state["done"]]))
"""


@pytest.fixture
def socket(tmp_path) -> Iterator[ClientConnection]:
    page = tmp_path / "page.py"
    page.write_text(PAGE)
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "other.py").write_text(f"import streamlit as st\n{PAGE.splitlines()[-1]}")
    with opened(tmp_path / "log", page) as it:
        yield it


def buttons(told: list[ForwardMsg]) -> dict[str, str]:
    return {m.delta.new_element.button.label: m.delta.new_element.button.id for m in told}


def drawn(socket: ClientConnection) -> tuple[str, list[ForwardMsg]]:
    """What a page says that was done, when one has been drawn to its end, and all that was told of it."""
    while True:
        told = answers(socket, "script_finished")
        if told[-1].script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
            return next(text for m in told if (text := m.delta.new_element.text.body)), told


def test_what_was_pressed_first_is_done_to_its_end(socket):
    """Or it is half done: Streamlit ends a callback when another press comes, and does not go on with it."""
    ask(socket)
    name = buttons(answers(socket, "script_finished"))
    ask(socket, pressed=name["first"])
    answers(socket, "page_info_changed")  # by its first round
    ask(socket, pressed=name["second"])
    while (says := drawn(socket)[0]) != "done: first second":
        assert says == "done: first", "each once, and in their order"


def test_a_button_that_does_something_does_it_whatever_comes_next(socket):
    ask(socket)
    name = buttons(answers(socket, "script_finished"))
    ask(socket, pressed=name["act"])
    answers(socket, "new_session")
    answers(socket, "delta")
    ask(socket, pressed=name["second"])
    while drawn(socket)[0] != "done: acted second":
        pass


def test_why_it_cannot_be_is_said(socket):
    ask(socket)
    name = buttons(answers(socket, "script_finished"))
    ask(socket, pressed=name["no"])
    says, told = drawn(socket)
    assert says == "done: tried"
    assert [m for m in told if "It cannot be" in m.delta.new_element.markdown.body]
    ask(socket)
    assert not [m for m in drawn(socket)[1] if "It cannot be" in m.delta.new_element.markdown.body]


@pytest.mark.parametrize(("button", "says"), [("leave", "done: left"), ("stop", "done: stopped")])
def test_a_callback_ends_itself_as_ever(socket, button, says):
    ask(socket)
    name = buttons(answers(socket, "script_finished"))
    ask(socket, pressed=name[button])
    if button == "stop":
        answers(socket, "script_finished")
        ask(socket)
    done, told = drawn(socket)
    assert done == says
    assert ("leave" in buttons(told)) == (button == "stop"), "the other page has no buttons"


@pytest.mark.usefixtures("root")
def test_every_page_sees_to_it():
    open_page("pages/data.py")
    assert hasattr(SafeSessionState.on_script_will_rerun, "__wrapped__")
    assert hasattr(ScriptRunner._run_script, "__wrapped__"), "and that parts which are gone are not drawn"
