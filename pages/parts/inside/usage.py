"""How much of a latent variable a run uses: a bar for each dimension, the largest first."""

import numpy as np
import streamlit as st

from models import MODELS
from models.analysis import usage
from models.analysis.usage import Usage, nats
from models.runs.store import FINAL, Folder
from pages.parts.shared import measured, words
from pages.parts.shared.measured import ABSENT, KEPT, NEVER

MOST_BARS = 128
STYLE = """<style>
.us {display:flex; align-items:flex-end; gap:2px; height:6.5rem; max-width:44rem; margin:.2rem 0 .3rem;
  border-bottom:1px solid color-mix(in srgb,currentColor 35%,transparent)}
.us i {flex:1 1 0; min-width:1px; max-width:1.4rem; border-radius:2px 2px 0 0;
  background:light-dark(#4a5fc1,#8fa2ff)}
.us i.idle {background:color-mix(in srgb,currentColor 38%,transparent)}
.us-axis {display:flex; justify-content:space-between; max-width:44rem; font-size:.8rem;
  color:color-mix(in srgb,currentColor 75%,transparent)}
</style>"""


def section(folder: Folder, space: str) -> None:
    """The section; nothing for a run whose codes have no prior, or that goes on."""
    if usage.why_not(folder.run, space) or folder.status()["state"] not in FINAL:
        return
    found = measured.look(folder, measured.usage_of(space))
    if found.state == NEVER:
        return
    title = f"How much of {space} is used"
    if found.state != KEPT:
        st.subheader(title, anchor=False)
        if found.state == ABSENT:
            st.caption(found.note)
        measured.button([found], "Try again", f"usage-{space}")
        measured.watch([found], lambda f: "The use of each dimension is being computed")
        return
    figures: Usage = found.figures
    total = nats(float(figures.cost.sum()))
    st.subheader(
        f"{title}: {figures.active} of {figures.size} dimensions active, {total} nats in all",
        anchor=False,
        help=f"{meaning(folder, space)} {words.NATS}",
    )
    st.html(STYLE + bars(space, figures))
    st.caption(
        f"What each dimension of {space} costs, in nats, largest first: a mean over {figures.images:,} test images. "
        "Coloured: active units, whose mean code varies over the images by a variance above "
        f"{usage.ACTIVE:g}. {usage.telling(space, figures)}"
    )


def meaning(folder: Folder, space: str) -> str:
    """What a bar is."""
    card = MODELS[folder.run.model]
    if space == "z":
        return (
            f"KL[{card.encoder(folder.run.settings).replace('z|', 'zᵢ|')} ‖ p(zᵢ)] of each dimension i: 0 where the "
            "posterior has collapsed to the prior, and tells the decoder nothing of the image."
        )
    return (
        f"E[log q({space}ᵢ|x) − log {card.p_a.replace(f'({space}|', f'({space}ᵢ|')}] of each dimension i, as in the "
        "bound; below 0 where z tells more of it than x does."
    )


def bars(space: str, figures: Usage) -> str:
    """The bars as HTML."""
    order = np.argsort(-figures.cost, kind="stable")[:MOST_BARS]
    top = max(float(figures.cost[order[0]]), 1e-9)

    def bar(i: int) -> str:
        cost, active = float(figures.cost[i]), bool(figures.variance[i] > usage.ACTIVE)
        height = max(0.0, 100 * cost / top)
        idle = "" if active else ' class="idle"'
        return f'<i{idle} style="height:{height:.2f}%" title="{space}{i + 1}: {nats(cost)} nats"></i>'

    few = figures.cost[figures.cost > 0]
    half = 0 if not len(few) else int((np.cumsum(np.sort(few)[::-1]) < few.sum() / 2).sum()) + 1
    said = f"{half} of {figures.size} dimensions of {space} hold half of the nats; the largest has {nats(top)}"
    shown = f"the {MOST_BARS} largest of {figures.size}" if figures.size > MOST_BARS else f"{figures.size} dimensions"
    return (
        f'<div class="us" role="img" aria-label="{said}">{"".join(bar(int(i)) for i in order)}</div>'
        f'<div class="us-axis"><span>largest: {space}{order[0] + 1}, {nats(top)} nats</span><span>{shown}</span></div>'
    )
