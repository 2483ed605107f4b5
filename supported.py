"""Where this runs: Linux and macOS. Elsewhere one sentence says so, not the traceback of the first missing module.

`data/__init__.py` asks before anything that needs such a system is imported, so pages and the shell need not.
"""

import sys

SENTENCE = (
    "Few Labels runs on Linux and macOS only: it keeps runs apart by file locks, which {system} does not have. "
    "On Windows, install WSL2 and start it there."
)


def require() -> None:
    """Go on, or end with one sentence: on the page that is drawn, else on stderr with exit code 1."""
    try:
        import fcntl  # noqa: F401
    except ImportError:
        sentence = SENTENCE.format(system=sys.platform)
        if "streamlit" in sys.modules:
            import streamlit as st

            st.error(sentence)
            st.stop()
        raise SystemExit(sentence) from None
