"""The flow picture: one image on its way through a model, node by node. z is dragged, and what follows is drawn."""

from collections.abc import Callable

from pages.parts.components import component
from pages.parts.components.serving import served_again

COMPONENT = component("flow", "flow/flow.js", ("shared/common.css", "shared/drawn.css", "flow/flow.css"))


def flow(data: dict, *, key: str, on_put: Callable[[], None]) -> None:
    """Draw one model. When one lets go, what is chosen is in `st.session_state[key].put`, and `on_put` runs.

    `data` has: version (another one draws anew), subject (as long as it stays, so does what was chosen); the graph:
    nodes (name, kind, title, note), edges (from, to, dashed), label; x: image, tile (h, w), grey, colour; the classes:
    classes, names, colours, sees_class, sees_y; for each value of a, as in models/analysis/answers.py: q, entropy, a,
    z, z_sd, kl; a_sd, mean_q; plane (centre, axes, scale, dots, colours, of, titles), reach; what draws the pictures:
    decoder (url, sizes, n_y, half) or field (url, side, exact); says; chosen, what a new subject begins with:
    k (which of the classes is drawn, None: the likeliest), a (which value of a), draw (the seed of the sample of z,
    0: its mean), moved.
    """
    COMPONENT(key=key, data=data, on_put_change=on_put, on_again_change=served_again)
