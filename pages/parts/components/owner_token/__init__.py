"""A cookie in the visitor's browser: Streamlit reads cookies, and sets none."""

from collections.abc import Callable

from pages.parts.components import component

COMPONENT = component("owner_token", "owner_token/owner_token.js", html="<span></span>")


def owner_token(cookie: str, token: str, key: str, on_other: Callable[[], None]) -> None:
    """Keep `token` under the name `cookie`, unless one is there already.

    That one is `st.session_state[key].token` from then on, and `on_other` runs.
    """
    COMPONENT(key=key, data={"cookie": cookie, "token": token}, on_token_change=on_other, height=1)
