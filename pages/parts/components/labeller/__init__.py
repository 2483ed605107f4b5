"""Asks for the classes of images, one after the other: a key or a click gives a label."""

from collections.abc import Callable, Sequence

from pages.parts.components import component
from pages.parts.shared import palette

COMPONENT = component("labeller", "labeller/labeller.js", ("shared/common.css", "labeller/labeller.css"))


def labeller(
    candidates: Sequence[dict],
    *,
    key: str,
    run: str,
    how: str,
    classes: Sequence[str],
    q: str,
    empty: str,
    most: int,
    sheets: dict,
    batch: str,
    given: Sequence[list],
    spent: Sequence[str],
    on_labels: Callable[[], None],
) -> None:
    """Ask about `candidates`, each with an id, a tile in `sheets`, likely classes, entropy; say `empty` without any.

    `given` are the labels [id, class, how] that the server knows of this run, `batch` names them; batches in `spent`
    were trained on. After a change `on_labels` runs, and {batch, labels} is in `st.session_state[key].labels`.
    """
    data = {
        "run": run,
        "how": how,
        "classes": list(classes),
        "colours": palette.class_colours(len(classes)),
        "q": q,
        "empty": empty,
        "most": most,
        "candidates": list(candidates),
        "sheets": sheets,
        "given": {"batch": batch, "labels": list(given)},
        "spent": list(spent),
    }
    COMPONENT(key=key, data=data, on_labels_change=on_labels)
