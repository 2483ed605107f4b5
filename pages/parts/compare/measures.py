"""What the compared runs make of the images: log p(x), in nats, and how much of each latent variable they use."""

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from data import DATASETS
from models import MODELS
from models.analysis import likelihood, usage
from models.analysis.likelihood import Likelihood
from models.analysis.usage import Usage
from pages.parts.compare import sections
from pages.parts.compare.compared_runs import Side
from pages.parts.shared import measured, run_pickers
from pages.parts.shared.measured import KEPT, NEVER, Found

STYLE = """<style>
.ms {display:grid; grid-template-columns:minmax(7rem,1.1fr) minmax(0,2fr) minmax(0,2fr); gap:.7rem 1.4rem;
  font-size:.9rem; align-items:center}
.ms-name {line-height:1.25; padding-left:.65rem; border-left:3px solid var(--run)}
.ms b {font-weight:600; font-variant-numeric:tabular-nums}
.ms small {display:block; font-size:.8rem; line-height:1.3; color:color-mix(in srgb,currentColor 75%,transparent)}
@media (max-width:640px) {
  .ms {grid-template-columns:1fr; gap:.3rem}
  .ms-name {margin-top:.5rem}
}
</style>"""


@dataclass(frozen=True)
class Row:
    """One run, and what is known of it."""

    side: Side
    found: Found
    uses: tuple[Found, ...]


def show(runs: Sequence[Side]) -> None:
    """The section. What is not measured yet is asked for by a button."""
    rows = [Row(side, measured.look(side.folder, measured.LIKELIHOOD), uses(side)) for side in runs]
    sections.head(sections.MEASURES, claim(rows))
    figure, caption = sections.beside("measures")
    with figure:
        st.html(f'{STYLE}<div class="ms">{"".join(map(line, rows))}</div>')
        founds = [f for r in rows for f in (r.found, *r.uses)]
        measured.button(
            founds, "Compute the likelihoods", "measure-likelihood",
            "In the background, once a run: seconds on the digits, minutes on photographs.",
        )  # fmt: skip
        names = {r.side.folder.id: r.side.name for r in rows}
        measured.watch(founds, lambda f: names[f.folder.id])
    caption.caption(meaning(rows), help=of_what(rows))


def uses(side: Side) -> tuple[Found, ...]:
    """What is known of the use of z, and of what lies between x and it."""
    card = MODELS[side.folder.run.model]
    spaces = [s for s in ("z", card.inner) if s and not usage.why_not(side.folder.run, s)]
    return tuple(measured.look(side.folder, measured.usage_of(s)) for s in spaces)


def claim(rows: Sequence[Row]) -> str:
    """Which of several runs gives the test images the most, in a sentence; "" if none stands out."""
    known = [r for r in rows if r.found.state == KEPT]
    of = {(r.side.folder.run.dataset, r.found.figures.images, r.found.figures.samples) for r in known}
    if len(known) < 2 or len(of) > 1:
        return ""
    first, second = sorted(known, key=lambda r: -r.found.figures.bound)[:2]
    a, b = first.found.figures, second.found.figures
    if a.bound - b.bound < 2 * math.hypot(a.error, b.error):
        return ""
    return f"log p(x) of the test images is highest for {run_pickers.plain(first.side.name)}."


def line(row: Row) -> str:
    """One run as HTML."""
    side, run = row.side, row.side.folder.run
    head = (
        f'<div class="ms-name" style="--run:{side.colour}"><b>{html.escape(side.name)}</b>'
        f"<small>{run.budget()}, seed {run.seed}</small></div>"
    )
    return head + likely(row) + used(row)


def used(row: Row) -> str:
    """How much of each latent variable is used, as HTML."""
    said = []
    for found in row.uses:
        of = found.measure.which
        if found.state != KEPT:
            said.append(f"<small>{of}: {html.escape(found.note)}</small>")
            continue
        f: Usage = found.figures
        tells = "" if math.isnan(f.tells) else f"<small>{html.escape(usage.telling(of, f))}</small>"
        said.append(f"<b>{of}: {f.active} of {f.size} active</b>, {usage.nats(float(f.cost.sum()))} nats in all{tells}")
    return f"<div>{'<br>'.join(said)}</div>"


def likely(row: Row) -> str:
    """log p(x), as HTML."""
    run = row.side.folder.run
    if row.found.state != KEPT:
        return f"<div><small>{html.escape(row.found.note)}</small></div>"
    f: Likelihood = row.found.figures
    noun = DATASETS[run.dataset].noun
    bits = "" if math.isnan(f.bits) else f", {f.bits:.3f} bits per dimension"
    return (
        f"<div><b>{nats(f.bound)} ± {f.error:.1f} nats</b> per {noun(1)}{bits}"
        f"<small>{f.samples} samples for each of {f.images} test {noun(f.images)}; by one sample {nats(f.one)}</small>"
        "</div>"
    )


def nats(value: float) -> str:
    return f"{value:,.1f}".replace("-", "−")


def meaning(rows: Sequence[Row]) -> str:
    """What the figures are."""
    said = (
        "**log p(x)**, at least: the importance-weighted bound (Burda et al., 2016), a mean over test images with its "
        "standard error; higher is better, and more samples come nearer."
    )
    if any(r.uses for r in rows):
        said += (
            " **Active**: dimensions whose mean code varies over the images by a variance above "
            f"{usage.ACTIVE:g}. **Nats in all**: what they cost; near 0 the posterior has collapsed to the prior."
        )
    return said


def of_what(rows: Sequence[Row]) -> str:
    """What the likelihood is of, for the question mark beside it."""
    said = dict.fromkeys(likelihood.says(r.side.folder.run) for r in rows if r.found.state != NEVER)
    return " ".join(["The class is summed out, one by one.", *said])
