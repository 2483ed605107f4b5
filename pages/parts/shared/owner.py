"""Whose runs are whose: a visitor stops, continues, renames and deletes one's own, and looks at all.

A server that listens on loopback alone has one user, whose everything is. Any other knows a visitor by a token that the
browser keeps in a cookie; a run keeps its SHA-256, from which nobody gets the token. Damaged runs are anybody's. A run
that the shell made, or a version before this one, is nobody's own on such a server: whoever runs it has the shell.
"""

import hashlib
import re
import secrets
from ipaddress import ip_address

import streamlit as st

from models.errors import UserError
from models.runs.store import Folder
from pages.parts.components.owner_token import owner_token

COOKIE = KEY = "few-labels-owner"
TOKEN_HERE = "owner-token"  # its place in the session
TOKEN = re.compile(r"[0-9a-f]{32}")
FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP")  # a proxy has put them there
NOT_ONES_OWN = (
    "It was started in another browser, so only there can it be stopped, continued, renamed or deleted; whoever runs "
    "this server can in a shell: `python -m models delete`, `rename`."
)


def alone() -> bool:
    """Whether only this machine's own browsers can reach the server, as far as it can know.

    A proxy on this machine may hand on what comes from elsewhere: then it says so, or the address asked for is not
    loopback.
    """
    headers = st.context.headers
    host = headers.get("Host")
    return (
        is_loopback(st.get_option("server.address"))
        and (host is None or is_loopback(re.sub(r":\d+$", "", host)))
        and not any(headers.get(name) for name in FORWARDED)
    )


def is_loopback(address: str | None) -> bool:
    """Whether an address is this machine's own; none, as 0.0.0.0, stands for all that the machine has."""
    try:
        return bool(address) and (address == "localhost" or ip_address(address.strip("[]")).is_loopback)
    except ValueError:
        return False


def visitor() -> str:
    """Who looks at this page, as a run keeps it."""
    return hashed(token())


def hashed(token: str) -> str:
    """The first 32 digits of the SHA-256 of a token."""
    return hashlib.sha256(f"{COOKIE}={token}".encode()).hexdigest()[:32]


def token() -> str:
    """That of the browser if it has one; else of this session, until `remember` has put it there."""
    if TOKEN_HERE not in st.session_state:
        there = None if alone() else st.context.cookies.get(COOKIE)
        st.session_state[TOKEN_HERE] = there if there and TOKEN.fullmatch(there) else secrets.token_hex(16)
    return st.session_state[TOKEN_HERE]


def remember() -> None:
    """Let the browser keep the token. Every page calls it; where one is alone there is nothing to keep."""
    if not alone():
        owner_token(COOKIE, token(), KEY, _another_tab)


def _another_tab() -> None:
    there = st.session_state[KEY].token
    if isinstance(there, str) and TOKEN.fullmatch(there):
        st.session_state[TOKEN_HERE] = there


def ones_own(folder: Folder) -> bool:
    """Whether the visitor may stop, continue, rename and delete this run."""
    if alone():
        return True
    try:
        return folder.made.get("owner", "") == visitor() or bool(folder.trouble())
    except UserError:  # its run.json is damaged, or it is gone
        return True
