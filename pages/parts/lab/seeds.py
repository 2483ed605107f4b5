"""How many runs of each model: one, three that show the spread, or any seeds that one names; ?count= and ?seeds=."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.parts.shared import run_pickers, url_state

KEY, COUNT = "seeds", "count"
MORE = 0
COUNTS = {1: "1", 3: "3", MORE: "more"}
MOST = 10
HELP = (
    "One run for each seed. A seed decides which images keep their labels, the first weights and the batches: the "
    "number from which random draws begin. One run says little: three show the mean and the spread."
)


def choose(where: DeltaGenerator) -> list[int]:
    """The seeds; a link's ?seed= is the first. How many is chosen in `where`, and which others here."""
    first = url_state.asked("seed") or 0
    n = run_pickers.linked(COUNT, list(COUNTS), 1, COUNTS.__getitem__)
    where.selectbox(
        "Seeds", COUNTS, key=COUNT, format_func=COUNTS.__getitem__, help=HELP, filter_mode=None,
        on_change=run_pickers.to_address(COUNT, COUNTS.__getitem__),
    )  # fmt: skip
    if n == MORE:
        return name_them(first)
    st.query_params.pop(KEY, None)
    return list(range(first, first + n))


def name_them(first: int) -> list[int]:
    """Any seeds, of which `first` is chosen until somebody names others."""
    known = st.query_params.get(KEY, st.session_state.get(f"last_{KEY}", str(first)))
    named = right(known.split(","))[:MOST]
    if right(st.session_state.get(KEY, [])) != named:  # what is wrong stays as it was typed
        st.session_state[KEY] = [str(s) for s in named]
    typed = st.multiselect(
        "Which seeds", list(dict.fromkeys(map(str, [*range(5), first, *named]))), key=KEY, accept_new_options=True,
        max_selections=MOST, on_change=run_pickers.to_address(KEY, written),
    )  # fmt: skip
    for wrong in [s for s in typed if url_state.whole(s) is None][:1]:
        run_pickers.refuse(f"{wrong[:20]!r} is no seed and was left out. Type a whole number, such as 7.")
    st.session_state[f"last_{KEY}"] = written(typed)
    run_pickers.settle(KEY, written(typed), str(first))
    return sorted(right(typed))


def right(typed: list[str]) -> list[int]:
    """Those that are seeds, each once."""
    return list(dict.fromkeys(s for text in typed if (s := url_state.whole(text)) is not None))


def written(typed: list[str]) -> str:
    """As the address says them."""
    return run_pickers.listed(right(typed))
