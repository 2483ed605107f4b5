"""A choice stays, whatever the browser asks for before it has heard of it: shown with Streamlit's own server."""

from collections.abc import Iterator

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection

from tests.own_socket import answers, ask, opened
from tests.serving import ROOT

# Two fields bound to the address as our pages bind theirs, a button without a callback, points that are painted, and a
# part that runs by itself and draws the page anew.
PAGE = f"""
import sys
import streamlit as st
sys.path.insert(0, {str(ROOT)!r})
from pages.parts.plane import edits
from pages.parts.shared import held_address, run_pickers

held_address.ensure()

def field(key):
    run_pickers.linked(key, list("123"), "1")
    return st.selectbox(key, list("123"), key=key, on_change=run_pickers.to_address(key))

def paint(x):
    edits.do(edits.Board.named(edits.asked()[0]), {{"kind": "add", "x": x, "y": 0.5, "k": 0}})

def look():
    if st.session_state.pop("ended", False):
        st.rerun()
    st.session_state["ended"] = True
    st.text("looked")

one, two = field("one"), field("two")
st.button("start")
st.button("left", on_click=paint, args=(-1,))
st.button("right", on_click=paint, args=(1,))
st.button("leave", on_click=lambda: st.switch_page("pages/other.py"))
st.fragment(look, run_every=60)()
st.text(f"shown: {{one}} {{two}}, address: {{sorted(st.query_params.to_dict().items())}}")
"""
OTHER = """
import streamlit as st
st.button("press")
st.text(f"shown: the other page, address: {st.query_params.to_dict()}")
"""
FIRST = "shown: 2 1, address: [('one', '2')]"  # of which the browser has heard
CHOSEN = "shown: 3 1, address: [('one', '3')]"  # of which it has not
BOTH = "shown: 3 2, address: [('one', '3'), ('two', '2')]"


class Browser:
    """What a browser knows: the address that it has heard of, the fields' values, Streamlit's names."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket, self.address, self.values = socket, "", {}
        ask(socket)
        self.learn(self.says()[1])

    def learn(self, told: list[ForwardMsg]) -> None:
        """What the page that is shown last has."""
        *_, self.page = [m.new_session.page_script_hash for m in told if m.WhichOneof("type") == "new_session"]
        elements = [m.delta.new_element for m in told]
        self.fields = {e.selectbox.label: e.selectbox.id for e in elements if e.selectbox.label}
        self.buttons = {e.button.label: e.button.id for e in elements if e.button.label}
        self.part = next((m.delta.fragment_id for m in told if m.delta.fragment_id), "")

    def says(self) -> tuple[str, list[ForwardMsg]]:
        """What the page says once it has been drawn to its end, and all that came until then."""
        came: list[ForwardMsg] = []
        while True:
            came += answers(self.socket, "script_finished")
            texts = [m.delta.new_element.text.body for m in came]
            if shown := [t for t in texts if t.startswith("shown")]:
                return shown[-1], came

    def choose(self, key: str, value: str, **more: object) -> None:
        self.values[self.fields[key]] = value
        self.ask(**more)

    def ask(self, **more: object) -> None:
        ask(self.socket, shown=self.page, **{"address": self.address, "chosen": self.values, **more})


@pytest.fixture
def browser(tmp_path) -> Iterator[Browser]:
    page = tmp_path / "page.py"
    page.write_text(PAGE)
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "other.py").write_text(OTHER)
    with opened(tmp_path / "log", page) as socket:
        it = Browser(socket)
        it.choose("one", "2")
        it.says()
        it.address = "one=2"
        yield it


def test_what_runs_by_itself_does_not_take_a_choice_back(browser):
    """It comes with the address from before the choice, as late as a busy machine makes it, and draws the page anew."""
    browser.choose("one", "3")
    assert browser.says()[0] == CHOSEN
    browser.ask(fragment=browser.part)
    assert browser.says()[0] == CHOSEN


def test_a_press_right_after_a_choice_is_one_of_the_page_as_chosen(browser):
    browser.choose("one", "3")
    assert browser.says()[0] == CHOSEN
    browser.ask(pressed=browser.buttons["start"])
    assert browser.says()[0] == CHOSEN
    browser.choose("two", "2")  # the browser has still not heard of it
    assert browser.says()[0] == BOTH


def test_of_two_edits_the_second_keeps_the_first(browser):
    browser.ask(address="one=2&own=~")
    browser.says()
    browser.address = "one=2&own=~"
    browser.ask(pressed=browser.buttons["right"])
    assert "('own', '~1_0.5_A')" in browser.says()[0]
    browser.ask(pressed=browser.buttons["left"])
    assert "('own', '~1_0.5_A~-1_0.5_A')" in browser.says()[0]


def test_what_the_browser_itself_has_changed_in_the_address_is_kept_too(browser):
    browser.choose("one", "3")
    browser.says()
    browser.ask(pressed=browser.buttons["start"], address="one=2&two=2")
    assert browser.says()[0] == BOTH


@pytest.mark.parametrize("heard", [True, False])
def test_back_is_heard(browser, heard):
    browser.choose("one", "3")
    browser.says()
    if heard:
        browser.address = "one=3"
        browser.ask(pressed=browser.buttons["start"])
        browser.says()
    browser.address = "one=2"
    browser.ask(back=True)
    assert browser.says()[0] == FIRST
    browser.address = ""
    browser.ask(back=True)
    assert browser.says()[0] == "shown: 1 1, address: []", "as it was before anything was chosen"
    browser.values[browser.fields["one"]] = "1"
    browser.choose("two", "2")
    assert browser.says()[0] == "shown: 1 2, address: [('two', '2')]"


def test_a_link_to_the_page_as_it_was_is_followed(browser):
    """It comes without Back's mark, and with nothing pressed."""
    browser.choose("one", "3")
    assert browser.says()[0] == CHOSEN
    browser.ask()
    assert browser.says()[0] == FIRST


def test_what_was_chosen_on_one_page_is_not_the_next_ones(browser):
    browser.choose("one", "3")
    browser.says()
    browser.ask(pressed=browser.buttons["leave"])
    says, told = browser.says()
    assert says == "shown: the other page, address: {}"
    browser.learn(told)
    browser.values = {}
    browser.ask(pressed=browser.buttons["press"], address="one=2")
    assert browser.says()[0] == "shown: the other page, address: {'one': '2'}"
