"""Calibration: the reliability diagram of a snapshot, its figures, and the error along the epochs."""

import numpy as np
import streamlit as st

from data import DATASETS
from models.analysis import calibration, door
from models.analysis.calibration import Reliability, Scores
from models.analysis.snapshots import SnapshotImages
from models.errors import UserError
from models.runs.store import Folder
from pages.parts.components.live_chart import Line, live_chart
from pages.parts.inside import uncertainty
from pages.parts.shared import figures, palette, run_pickers
from pages.parts.shared.run_metrics import metrics

CURVE = 60  # epochs at most of the curve of calibration errors
WIDTHS, MASSES = "equal widths", "equal numbers"


def error_after(folder: Folder, epoch: int) -> tuple[float, float] | None:
    """ECE and what luck alone would leave, after one epoch; None if that snapshot cannot be read."""
    try:
        found = door.ask("calibration", folder, epoch=epoch)
    except UserError:
        return None
    return (found[0].ece, found[0].chance) if found and found[0].n else None


def errors(folder: Folder) -> list[tuple[int, float, float]]:
    """(epoch, ECE, by luck alone) of the epochs kept, at even steps where they are many."""
    kept = folder.snapshots()
    kept = [kept[i] for i in np.unique(np.linspace(0, len(kept) - 1, min(CURVE, len(kept))).round().astype(int))]
    found = []
    for epoch, _ in kept:
        if (error := error_after(folder, epoch)) is not None:
            found.append((epoch, *error))
    return found


def calibrate(folder: Folder, snapshot: SnapshotImages, of: str) -> None:
    s, wide, equal = door.ask("calibration", folder, epoch=snapshot.epoch)
    if not s.n:
        st.subheader("Whether it is as sure as it should be", anchor=False)
        st.caption("This snapshot holds no test images, and calibration is measured on those alone.")
        return
    q, colour = uncertainty.q_of(snapshot), palette.model_colour(folder.run.model)
    st.subheader(uncertainty.in_words(s), anchor=False)
    st.markdown(
        "Calibration asks whether the probabilities can be believed: of the images of which a calibrated model is 80 % "
        "sure, 80 % are correct."
    )
    left, right = st.columns([3, 2], gap="medium")
    with left:
        bins = run_pickers.segments(
            "Bins of", "bins", [WIDTHS, MASSES],
            help="Equal widths as in Guo et al. (2017). With equal numbers of images in each, one sees more where "
            "nearly all images are sure.",
        )  # fmt: skip
        found = wide if bins == WIDTHS else equal
        figure = uncertainty.diagram(found, q, colour)
        st.plotly_chart(
            figure, key="reliability", config={"displayModeBar": False},
            alt=f"Reliability diagram: accuracy against confidence of {s.n} test images",
        )  # fmt: skip
    with right:
        whole = s.n == DATASETS[folder.run.dataset].n_test
        measured = metrics(folder).test_after(snapshot.epoch) if whole else None
        show_scores(s, len(snapshot.classes), measured)
    st.caption(
        f"The {s.n:,} test images that the run kept, by {q}. Bars: the share of a bin that is correct, "
        "the paler, the fewer images it holds, with Wilson's 95 % interval; diamonds: where a calibrated model's bar "
        f"would end. Below: how many images. {of}"
    )
    take_calibration(folder, snapshot, found, figure, s, of)
    curve = errors(folder)
    if len(curve) > 1:
        x = [e for e, _, _ in curve]
        live_chart(
            [
                Line("ECE", palette.model_colour(folder.run.model), x, [100 * e for _, e, _ in curve], "measured"),
                Line("ECE", palette.model_colour(folder.run.model), x, [100 * c for _, _, c in curve], "by luck alone"),
            ],
            title="ECE, test images",
            unit="%",
            key=f"ece-{folder.id}",
            x_max=folder.run.epochs,
            y_min=0,
            height=220,
            dashed=("by luck alone",),
        )
        st.caption(
            "Expected calibration error along the epochs; dashed, about what a perfectly calibrated model with the "
            "same confidences would show on so many images. Sure and right is not the same as calibrated: training on "
            "can make the one better and the other worse."
        )


def show_scores(s: Scores, n_classes: int, measured: float | None) -> None:
    """The figures, each with what it means. `measured` is the run's own test accuracy, where it says the same."""
    right = (f"Correct of {s.n:,}", figures.percent(s.accuracy), f"{s.right} of {s.n} kept.")
    if measured is not None:
        right = ("Test accuracy", figures.percent(measured), f"Of all {s.n:,} test images, as in tables.")
    uniform = 1 - 1 / n_classes
    shown = [
        ("Mean confidence", figures.percent(s.confidence), "The mean of the largest probability: what it claims."),
        right,
        ("ECE", f"{100 * s.ece:.2f} %", f"Expected calibration error, Guo et al. (2017), eq. 3, {calibration.BINS} "
         f"bins of equal width: how far accuracy and confidence lie apart, a mean over images. By luck alone about "
         f"{100 * s.chance:.2f} % on so many images."),
        ("ECE, equal numbers", f"{100 * s.ece_equal:.2f} %", f"The same with {calibration.BINS} bins of equal numbers "
         "of images."),
        ("Largest gap", figures.percent(s.mce), "Maximum calibration error, Guo et al., eq. 5: of the bin of equal "
         "width with the largest gap. One with few images can have a large gap by luck."),
        ("Brier score", f"{s.brier:.3f}", "Mean squared distance of the probabilities from the truth, summed over "
         f"classes. 0 is best; knowing nothing has {uniform:.2f}."),
        ("−log q(true class)", f"{s.nll:.3f} nats", f"Mean over images; knowing nothing has {np.log(n_classes):.2f}."
         + (f" {s.cut} images have less than can be kept and count as {-np.log(calibration.LEAST):.1f}."
            if s.cut else "")),
    ]  # fmt: skip
    with st.container(horizontal=True, gap="medium"):
        for label, value, meaning in shown:
            st.metric(label, value, help=meaning, width=165)


def take_calibration(
    folder: Folder, snapshot: SnapshotImages, found: Reliability, figure: dict, s: Scores, of: str
) -> None:
    note = uncertainty.note_of(folder, snapshot.epoch) | {
        "ece": s.ece, "ece, equal numbers": s.ece_equal, "mce": s.mce, "brier": s.brier, "nll, nats": s.nll,
    }  # fmt: skip
    with st.container(horizontal=True):
        uncertainty.hand_out(
            "Calibration as CSV",
            lambda: uncertainty.csv(uncertainty.bins_table(found), note),
            f"{folder.id}-calibration-{snapshot.epoch}.csv",
            "take-calibration",
        )
        uncertainty.take(figure, folder, "reliability", "Reliability diagram", f"{s.n} test images. {of}")
