"""Numbers in the page's address, read in one place: a page gets a number it can use, or None.

An address is typed, cut short and made up: "inf", "1e309", a thousand digits, digits of other scripts.
"""

import re
from collections.abc import Callable

import streamlit as st

WHOLE = re.compile(r"-?[0-9]{1,7}")  # [0-9], for \d also takes the digits of other scripts
DECIMAL = re.compile(r"-?[0-9]{1,3}(?:\.[0-9]{1,6})?")  # neither "inf" nor "1e309"
LARGEST = 9_999_999


def whole(text: str | None, low: int = 0, high: int = LARGEST) -> int | None:
    """The whole number that this text is, if it lies between `low` and `high`; else None."""
    value = int(text) if text and WHOLE.fullmatch(text) else None
    return value if value is not None and low <= value <= high else None


def decimal(text: str | None, low: float = -1000, high: float = 1000) -> float | None:
    """The number that this text is, if it lies between `low` and `high`; else None."""
    value = float(text) if text and DECIMAL.fullmatch(text) else None
    return value if value is not None and low <= value <= high else None


def asked(key: str, low: int = 0, high: int = LARGEST) -> int | None:
    """The whole number that ?key= asks for, if there is such a one."""
    return whole(st.query_params.get(key), low, high)


def show(key: str, value: object) -> None:
    """Let the widget with this key show `value`, called before it. One that shows it already is left alone.

    A widget whose value is set while its page is drawn again forgets what somebody has typed but not yet entered.
    """
    if key not in st.session_state or st.session_state[key] != value:
        st.session_state[key] = value


def image(key: str, n: int, n_test: int) -> int | None:
    """The image that ?key= asks for, if the data set has it: i >= 0 a training image, -1 - j test image j."""
    return asked(key, -n_test, n - 1)


def bind(key: str, low: float, high: float, read: Callable[..., float | None] = whole) -> str | None:
    """The `bind` of a widget whose key is ?key=, a number in this range.

    Streamlit raises an OverflowError for "1e309" and keeps the first address of a session in mind. With such a one the
    widget is therefore left unbound as long as the session lasts, and ?key= is taken out of the address.
    """
    unbound = f"unbound-{key}"
    if key in st.query_params and None in [read(t, low, high) for t in st.query_params.get_all(key)]:
        st.session_state[unbound] = True
        del st.query_params[key]
    return None if unbound in st.session_state else "query-params"
