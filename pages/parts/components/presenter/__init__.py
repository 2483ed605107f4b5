"""The presenter's corner: ways to other pages, keys, a QR code, and the key that lets others follow."""

from collections.abc import Callable

from pages.parts.components import component

COMPONENT = component("presenter", "presenter/presenter.js", ("shared/common.css", "presenter/presenter.css"))


def presenter(
    data: dict,
    *,
    key: str,
    on_go: Callable[[], None],
    on_key: Callable[[], None],
    on_live: Callable[[], None],
    on_qr: Callable[[], None],
    on_stop: Callable[[], None],
    on_leave: Callable[[], None],
) -> None:
    """Draw the corner.

    `data` is {links, entries, at, numbers, last} of all pages (pages/parts/shared/menu.py), and {presenting, replaced,
    key, said, qr}. The functions run when a page was asked for, as `page_links` says it, a key was entered, the maps
    changed, the QR code is opened or closed, or one stops or leaves; what was sent is in `st.session_state[key]` then.
    """
    COMPONENT(
        key=key, data=data, width="content", on_go_change=on_go, on_key_change=on_key, on_live_change=on_live,
        on_qr_change=on_qr, on_stop_change=on_stop, on_leave_change=on_leave,
    )  # fmt: skip
