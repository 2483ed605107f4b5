"""The corner that says whether one follows the presenter; it lets the page's maps show what the presenter's show."""

from collections.abc import Callable

from pages.parts.components import component

COMPONENT = component("follower", "follower/follower.js", ("shared/common.css", "follower/follower.css"))


def follower(data: dict, *, key: str, on_let_go: Callable[[], None], on_again: Callable[[], None]) -> None:
    """Draw it of {on, waits, said, live}: whether one follows, nobody presents, why not any more, and the maps.

    As long as one follows, the browser asks for the next data soon after it has these, told apart by {look}.
    """
    COMPONENT(
        key=key, data=data, width="content",
        on_look_change=lambda: None, on_let_go_change=on_let_go, on_again_change=on_again,
    )  # fmt: skip
