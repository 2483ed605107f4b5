"""How many runs of each model: one, three that show the spread, or any seeds that one names."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.parts.shared import url_state
from pages.parts.shared.run_pickers import refuse

MORE = 0
COUNTS = {1: "1", 3: "3", MORE: "more"}
HELP = (
    "One run for each seed. A seed decides which images keep their labels, the first weights and the batches: the "
    "number from which random draws begin. One run says little: three show the mean and the spread."
)


def choose(where: DeltaGenerator) -> list[int]:
    """The seeds; a link's ?seed= is the first. How many is chosen in `where`, and which others here."""
    first = url_state.asked("seed") or 0
    n = where.selectbox(
        "Seeds",
        COUNTS,
        key="seed-count",
        format_func=COUNTS.__getitem__,
        persist_state="session",
        help=HELP,
        filter_mode=None,
    )
    if n != MORE:
        return list(range(first, first + n))
    chosen = st.multiselect(
        "Which seeds", list(dict.fromkeys([*map(str, range(5)), str(first)])), default=[str(first)], key="seeds",
        accept_new_options=True, max_selections=10, persist_state="session",
    )  # fmt: skip
    wrong = [s for s in chosen if url_state.whole(s) is None]
    if wrong:
        refuse(f"{wrong[0][:20]!r} is no seed and was left out. Type a whole number, such as 7.")
    return sorted({int(s) for s in chosen if s not in wrong})
