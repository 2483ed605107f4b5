"""How well each space of each compared run keeps the classes apart, in three figures, and what these mean."""

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from models import MODELS, jobs
from models.analysis import ANALYSES, door, separability
from models.analysis.separability import NEIGHBOURS, Separation
from models.analysis.snapshots import TEST, SnapshotImages
from models.errors import UserError
from models.runs.store import FINAL, Folder
from pages.parts.compare import sections
from pages.parts.compare.compared_runs import Side
from pages.parts.shared import figures, polling, records, run_pickers
from pages.parts.shared.run_metrics import metrics

KIND = ANALYSES["separation"].name
STYLE = """<style>
.sp {display:grid; grid-template-columns:minmax(6rem,1.3fr) repeat(4,minmax(0,1fr)); gap:.55rem 1.4rem; font-size:.9rem;
  align-items:center}
.sp > p {margin:0; font-size:.8rem; line-height:1.25; opacity:.7; align-self:end}
.sp-name {line-height:1.25; padding-left:.65rem; border-left:3px solid var(--run)}
.sp-name b {font-weight:600}
.sp-name small, .sp-note {font-size:.8rem; opacity:.7; display:block}
.sp-note {grid-column:2/-1}
.sp-cell b {font-weight:600; font-variant-numeric:tabular-nums}
.sp-cell small {display:none; opacity:.7; margin-right:.4rem}
.sp-bar {display:block; position:relative; height:.5rem; margin-top:.2rem; border-radius:.25rem;
  background:color-mix(in srgb,currentColor 9%,transparent)}
.sp-bar u {position:absolute; top:0; bottom:0; border-radius:.25rem; background:var(--run)}
.sp-bar i {position:absolute; top:-.2rem; bottom:-.2rem; width:2px; margin-left:-1px; background:currentColor}
.sp-other .sp-bar u {opacity:.45}
@media (max-width:640px) {
  .sp {grid-template-columns:1fr 1fr; gap:.5rem 1.2rem}
  .sp > p {display:none}
  .sp-name, .sp-note {grid-column:1/-1}
  .sp-name {margin-top:.5rem}
  .sp-cell small {display:inline}
}
</style>"""


@dataclass(frozen=True)
class Row:
    """One space of one run."""

    side: Side
    space: str
    figures: Separation | None
    note: str = ""  # why there are none
    pending: bool = False


def show(runs: Sequence[Side]) -> None:
    """The section. While figures are being computed it looks every second whether they are there."""
    first = [gather(runs)]
    waiting = any(r.pending for r in first[0])

    def section() -> None:
        rows = first.pop() if first else gather(runs)
        if waiting and not any(r.pending for r in rows):
            st.rerun()
        draw(rows)

    polling.part(section, 1.0 if waiting else None)()


def gather(runs: Sequence[Side]) -> list[Row]:
    """A row for every space of every run; what is missing is asked for."""
    return [
        row(side, space)
        for side in runs
        if side.snapshot
        for space in MODELS[side.folder.run.model].latents
        if space in side.snapshot.spaces
    ]


def row(side: Side, space: str) -> Row:
    """What is known of one space, and what is under way. Never raises."""
    folder, snapshot = side.folder, side.snapshot
    try:
        found = kept(folder, snapshot, space)
        if found is not None:
            return Row(side, space, found)
        if why := separability.why_not(snapshot, space):
            return Row(side, space, None, why)
        if side.state not in FINAL:
            return Row(side, space, None, "Measured when the run has ended.")
        engine = jobs.engine()
        state, why = engine.map_state(folder.id, snapshot.epoch, space, KIND)
        if state == "failed":
            return Row(side, space, None, why)
        if state == "ready" and not separability.drop(folder, snapshot, space):
            return Row(side, space, kept(folder, snapshot, space))  # it has become ready just now
        if state != "pending":
            engine.map(folder.id, snapshot.epoch, space, KIND)
    except UserError as e:
        return Row(side, space, None, str(e))
    return Row(side, space, None, "Being measured.", pending=True)


def kept(folder: Folder, snapshot: SnapshotImages, space: str) -> Separation | None:
    """The figures in the run folder, read once for all viewers. Raises LatentError."""
    return door.ask("separability", folder, epoch=snapshot.epoch, space=space)


def draw(rows: Sequence[Row]) -> None:
    """The rows, and what the columns mean."""
    sections.head(sections.SPACES, claim(rows))
    if not rows:
        st.caption("None of these runs has saved latents yet.")
        return
    measured = [r.figures for r in rows if r.figures]
    heads = ("", "Nearest neighbours", "Linear probe", "Silhouette", "For comparison: its own classifier")
    cells = "".join(f"<p>{head}</p>" for head in heads) if measured else ""
    figure, caption = sections.beside("separability")
    with figure:
        st.html(
            f'{STYLE}<div class="sp" role="group" aria-label="{spoken(rows)}">{cells}{"".join(map(line, rows))}</div>'
        )
        if measured:
            st.download_button(
                "Figures as CSV",
                lambda: records.table_csv(rows_of_figures(rows)),
                file_name="compare-separation.csv",
                mime="text/csv",
                icon=":material/download:",
                on_click="ignore",
            )
    if measured:
        caption.caption(meaning(measured), help=measured_on(measured))


def claim(rows: Sequence[Row]) -> str:
    """From which space a linear probe reads the class best and from which worst, in a sentence; "" if none differs."""
    known = [r for r in rows if r.figures and not math.isnan(r.figures.linear_probe)]
    if len(known) < 2 or len({r.side.folder.run.dataset for r in known}) > 1:
        return ""
    if len({round(r.figures.linear_probe, 3) for r in known}) == 1:
        return ""
    best, worst = (f(known, key=lambda r: r.figures.linear_probe) for f in (max, min))

    def told(r: Row) -> str:
        return f"{r.space} of {run_pickers.plain(r.side.name)} ({figures.percent(r.figures.linear_probe)})"

    return f"A linear probe reads the class best from {told(best)}, worst from {told(worst)}."


def line(row: Row) -> str:
    """One row as HTML."""
    side, f = row.side, row.figures
    head = (
        f'<div class="sp-name" style="--run:{side.colour}"><b>{html.escape(side.name)}</b>, {row.space}'
        f"<small>{side.folder.run.budget()}, seed {side.folder.run.seed}, epoch {side.snapshot.epoch}</small></div>"
    )
    if f is None:
        return f'{head}<div class="sp-note">{html.escape(row.note)}</div>'
    own = metrics(side.folder).test_after(side.snapshot.epoch)
    if own is None:  # not on record
        right, n = side.snapshot.right(TEST)
        own = right / n if side.snapshot.q_y is not None and n else math.nan
    own_name = MODELS[side.folder.run.model].classifier_short
    return head + "".join(
        (
            cell("Neighbours", f.neighbours, f.chance, side.colour),
            cell("Linear probe", f.linear_probe, f.chance, side.colour),
            cell("Silhouette", f.silhouette, 0.0, side.colour, low=-1.0),
            cell(own_name, own, f.chance, side.colour, other=True),
        )
    )


def cell(name: str, value: float, chance: float, colour: str, low: float = 0.0, other: bool = False) -> str:
    """A figure, and a bar from `low` (an accuracy's 0, a silhouette's -1) to 1 with a tick at chance."""
    accuracy = low == 0
    if math.isnan(value):
        return f'<div class="sp-cell"><small>{name}</small><b>–</b></div>'
    said = f"{100 * value:.1f} %" if accuracy else f"{value:+.2f}".replace("-", "−")
    by_chance = f"{100 * chance:.0f} %" if accuracy else "0"

    def at(v: float) -> float:
        return 100 * (max(low, min(1.0, v)) - low) / (1 - low)

    begin = at(0.0)
    left, right = sorted((begin, at(value)))
    return (
        f'<div class="sp-cell{" sp-other" if other else ""}" style="--run:{colour}" title="{name}: {said}; chance '
        f'{by_chance}"><small>{name}</small><b>{said}</b><span class="sp-bar">'
        f'<u style="left:{left:.2f}%;width:{right - left:.2f}%"></u><i style="left:{at(chance):.2f}%"></i></span></div>'
    )


def spoken(rows: Sequence[Row]) -> str:
    """The figures in words, for somebody who does not see the bars."""
    said = [
        f"{r.side.name}, {r.space}: nearest neighbours {100 * r.figures.neighbours:.1f} %, linear probe "
        f"{100 * r.figures.linear_probe:.1f} %, silhouette {r.figures.silhouette:.2f}"
        for r in rows
        if r.figures
    ]
    return html.escape("; ".join(said) or "How well each space separates the classes")


def meaning(measured: Sequence[Separation]) -> str:
    """What the columns are, and what they are not."""
    chances = sorted({round(100 * f.chance) for f in measured})
    chance = f"{chances[0]} %" if len(chances) == 1 else f"{chances[0]} to {chances[-1]} %"
    return (
        f"**Nearest neighbours, linear probe:** test images classified correctly from the code alone, by its "
        f"{NEIGHBOURS} nearest training images or a logistic regression; the tick is chance, {chance}. "
        "**Silhouette:** 1, classes lie apart; 0, mixed. High is good, but for the z of M2 and ADGM *low* is: "
        "it leaves the class to y. **For looking only:** the fits use true classes."
    )


def measured_on(measured: Sequence[Separation]) -> str:
    """What the fits saw, for the question mark beside what the columns are."""
    tests, trains = ({f"{n:,}" for n in ns} for ns in zip(*((f.n_test, f.n_train) for f in measured), strict=True))
    return (
        "The fits use the true classes of unlabelled images, too, which no run was shown. "
        f"{' or '.join(sorted(tests))} test images, fitted on {' or '.join(sorted(trains))} training images. "
        "Chance is naming the most frequent class."
    )


def rows_of_figures(rows: Sequence[Row]) -> list[dict]:
    """The figures as rows of a table to take away."""
    return [
        {
            "run": r.side.folder.id,
            "space": r.space,
            "epoch": r.side.snapshot.epoch,
            "nearest_neighbours": r.figures.neighbours,
            "linear_probe": r.figures.linear_probe,
            "silhouette": r.figures.silhouette,
            "chance": r.figures.chance,
            "training_images": r.figures.n_train,
            "test_images": r.figures.n_test,
        }
        for r in rows
        if r.figures
    ]
