"""A browser's part in the talk with Streamlit's own server: what it asks for, and what it is told."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect

from tests.serving import served


@contextmanager
def opened(log: Path, script: Path) -> Iterator[ClientConnection]:
    """A socket to a server of this script."""
    with (
        served(log, str(script)) as (address, _),
        connect(f"ws://{urlsplit(address).netloc}/_stcore/stream") as socket,
    ):
        yield socket


def ask(
    socket: ClientConnection,
    fragment: str = "",
    page: str = "",
    shown: str = "",
    pressed: str = "",
    address: str = "",
    chosen: Mapping[str, str] | None = None,
    back: bool = False,
) -> None:
    """As a browser asks for a run of a page, or of a part of the page that it shows, by Streamlit's name of it.

    `pressed` is Streamlit's name of a button, `chosen` has those of widgets that hold a string; `address` is what the
    browser shows behind the question mark, `back` whether it came there by Back.
    """
    message = BackMsg()
    message.rerun_script.query_string = address
    message.rerun_script.is_history_navigation = back
    message.rerun_script.page_name = page
    message.rerun_script.page_script_hash = shown
    message.rerun_script.fragment_id = fragment
    message.rerun_script.is_auto_rerun = bool(fragment)
    for name, value in (chosen or {}).items():
        message.rerun_script.widget_states.widgets.add(id=name, string_value=value)
    if pressed:
        message.rerun_script.widget_states.widgets.add(id=pressed, trigger_value=True)
    socket.send(message.SerializeToString())


def answers(socket: ClientConnection, last: str) -> list[ForwardMsg]:
    """All messages up to the next one of this kind."""
    found: list[ForwardMsg] = []
    while not found or found[-1].WhichOneof("type") != last:
        found.append(ForwardMsg.FromString(socket.recv(timeout=60)))
    return found
