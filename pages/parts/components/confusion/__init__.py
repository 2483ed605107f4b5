"""Confusion matrices side by side, their difference, and the images behind an entry.

Pointing shows an entry in all matrices and sends nothing; a click sends the entry.
"""

from collections.abc import Callable, Sequence

from pages.parts.components import component
from pages.parts.shared import palette

COMPONENT = component("confusion", "confusion/confusion.js", ("confusion/confusion.css",))


def confusion_matrices(
    matrices: Sequence[dict],
    *,
    key: str,
    group: str,
    classes: Sequence[str],
    cell: Sequence[int] | None,
    images: Sequence[dict] | None,
    hint: str,
    on_cell: Callable[[], None],
) -> None:
    """Draw `matrices`: each has a name, a note, a colour and its counts, or of many classes the largest entries.

    `images` are those behind the entry `cell`, a dict for each run. After a click `on_cell` runs, and the entry, or
    None, is in `st.session_state[key].cell`.
    """
    data = {
        "group": group,
        "classes": list(classes),
        "colours": palette.class_colours(len(classes)),
        "right": palette.RIGHT,
        "wrong": palette.WRONG,
        "matrices": list(matrices),
        "cell": cell,
        "images": images,
        "hint": hint,
    }
    COMPONENT(key=key, data=data, on_cell_change=on_cell)
