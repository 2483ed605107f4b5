"""?present and ?follow: two parameters that stay in the address while one goes from page to page."""

from urllib.parse import urlencode, urlsplit

import streamlit as st

PRESENT, FOLLOW = "present", "follow"
MODES = (PRESENT, FOLLOW)


def on(mode: str) -> bool:
    """Whether this visit has the mode, by its address or since an earlier page."""
    return bool(st.session_state.get(f"mode-{mode}"))


def keep() -> None:
    """Begin what the address asks for; put back what a link has left out. Every page calls it first."""
    for mode in MODES:
        if mode in st.query_params:
            st.session_state[f"mode-{mode}"] = True
        elif on(mode):
            st.query_params[mode] = ""


def end(mode: str) -> None:
    st.session_state.pop(f"mode-{mode}", None)
    st.query_params.pop(mode, None)


def query() -> dict[str, str]:
    """What of the address belongs to the modes, for a link to another page."""
    return {mode: "" for mode in MODES if on(mode)}


def address() -> dict[str, str]:
    """The rest of the address: what the page shows."""
    return {k: v for k, v in st.query_params.to_dict().items() if k not in MODES}


def written(query: dict[str, str]) -> str:
    """Parameters as they stand in an address: a colon and a comma as themselves."""
    return urlencode(query, safe=":,")


def start_of(url: str) -> str:
    """The address of the first page, from that of any page of the same explorer."""
    return urlsplit(url)._replace(path=urlsplit(url).path.rpartition("/")[0] + "/", query="", fragment="").geturl()
