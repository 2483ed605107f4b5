"""What runs by itself leaves the page as it is: shown with Streamlit's own server, on its own socket."""

from collections.abc import Iterator

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection

from tests.own_socket import answers, ask, opened
from tests.serving import ROOT

# How long is waited is not what is tested: a busy machine would need more than a page may take.
PAGE = f"""
import sys, time
import streamlit as st
sys.path.insert(0, {str(ROOT)!r})
from pages.parts.shared import gone_parts, polling

gone_parts.ignore()
polling.SENT = 0.1
for _ in range(100):  # while the part's next turn is asked for; what is drawn waits 5 ms until it is sent
    st.text("before")
    time.sleep(0.002)
"""
PART = """
polling.part(lambda: st.text("drawn"), 60.0)()
"""


@pytest.fixture
def socket(tmp_path) -> Iterator[ClientConnection]:
    page = tmp_path / "page.py"
    page.write_text(PAGE + PART)
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "alike.py").write_text(PAGE + PART)  # with a part that Streamlit gives the same name
    (tmp_path / "pages" / "bare.py").write_text(PAGE)
    with opened(tmp_path / "log", page) as it:
        yield it


def test_the_browser_has_a_part_before_it_hears_that_the_page_is_done(socket):
    """Or it takes the part off the page, if its next turn was due meanwhile: without a wait in one of three tries."""
    ask(socket)
    part = next(m.auto_rerun.fragment_id for m in answers(socket, "script_finished") if m.HasField("auto_rerun"))
    for _ in range(6):
        ask(socket)
        answers(socket, "new_session")
        ask(socket, part)
        told = answers(socket, "script_finished")
        assert told[-1].script_finished == ForwardMsg.FINISHED_SUCCESSFULLY
        assert [m for m in told if m.delta.new_element.text.body == "drawn"]
        again = answers(socket, "script_finished")
        assert again[-1].script_finished == ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY


@pytest.mark.parametrize("other", ["alike", "bare"])
def test_a_part_of_a_page_that_is_left_is_not_run(socket, other):
    """Or the browser hears that it is on the page that had the part, and empties itself."""
    ask(socket)
    first = answers(socket, "script_finished")
    part = next(m.auto_rerun.fragment_id for m in first if m.HasField("auto_rerun"))
    home = next(m.navigation.page_script_hash for m in first if m.HasField("navigation"))
    ask(socket, page=other)
    answers(socket, "new_session")
    ask(socket, part, shown=home)  # it is still there; by the time its turn comes its page is not
    assert answers(socket, "script_finished")[-1].script_finished == ForwardMsg.FINISHED_SUCCESSFULLY
    ask(socket, page=other)
    again = answers(socket, "script_finished")
    assert not [m for m in again if m.metadata.run.fragment_ids], "no part was run in between"
    # On the page that is shown a part is run as ever.
    if other == "alike":
        there = next(m.navigation.page_script_hash for m in again if m.HasField("navigation"))
        assert there != home
        ask(socket, part, shown=there)
        assert answers(socket, "script_finished")[-1].script_finished == ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY
