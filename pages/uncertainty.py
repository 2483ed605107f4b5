"""Uncertainty: which images a model is unsure of, whether it should be, and what its bound says of every class."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

import data
from data import DATASETS, DataError
from models import MODELS, calibration, latents
from models.calibration import Reliability, Scores
from models.latents import LatentError, Probe
from models.store import FINAL, Folder, StoreError
from pages.parts import certainty, controls, figures, frame, latent_map, palette, picks, sheets, taking, waiting
from pages.parts.live_chart import Line, live_chart

if TYPE_CHECKING:
    from models.bounds import Bounds

ANY, WRONG, RIGHT = "any", "wrong", "right"
SHOWN = {WRONG: "Wrong, the surest first", RIGHT: "Right, the least sure first"}
A_PAGE = 24  # pictures of the gallery at a time
EACH = 5  # of the least and of the most sure images of a class
MOST_ROWS = 10
CURVE = 60  # epochs at most of the curve of calibration errors
MOST_DRAWS, FEWEST_DRAWS = 32, 2  # of a bound
PAIRS_GREY, PAIRS_COLOUR = 320, 100  # of a draw and a class that are decoded in less than a blink
WIDTHS, MASSES = "equal widths", "equal numbers"


# What is kept between reruns: never keyed by arrays, always by the run, its snapshot or weights, and what was asked


@st.cache_data(show_spinner=False, max_entries=64)
def calibrated(_probe: Probe, path: str, epoch: int, stamp: int) -> tuple[Scores, Reliability, Reliability]:
    """Figures, diagram and diagram with bins of equal numbers, of the test images of a snapshot."""
    test = _probe.kind == latents.TEST
    q, y = _probe.q_y[test], _probe.true[test]
    return calibration.scores(q, y), calibration.reliability(q, y), calibration.reliability(q, y, equal=True)


@st.cache_data(show_spinner=False, max_entries=2000)
def error_after(_folder: Folder, path: str, epoch: int, stamp: int) -> tuple[float, float] | None:
    """ECE and what luck alone would leave, after one epoch; None if that snapshot cannot be read."""
    try:
        probe = latent_map.look(_folder, epoch)
    except LatentError:
        return None
    if probe is None or probe.q_y is None or probe.epoch != epoch:
        return None
    found = calibrated(probe, path, epoch, stamp)[0]
    return (found.ece, found.chance) if found.n else None


@st.cache_data(show_spinner=False, max_entries=128)
def bounded(_folder: Folder, path: str, stamp: tuple, id: int, draws: int) -> "Bounds":
    from models import bounds

    of = bounds.of_images if _folder.run.model == "m1" else bounds.of_classes
    return of(_folder, [id], draws)


# Choosing


def choose_epoch(folder: Folder) -> int:
    """One of the epochs that were kept, the latest unless the address asks for another."""
    epochs = [e for e, _ in folder.snapshots()]
    asked = st.query_params.get("epoch")
    known = {str(e): e for e in epochs}
    if asked is not None and asked not in known:
        st.caption("The address asks for an epoch that this run has not kept, so the latest one is shown.")
        del st.query_params["epoch"]
    value = known.get(asked, epochs[-1])
    if len(epochs) > 1:
        st.session_state["epoch"] = value
        with st.container(width=320):
            st.select_slider("After epoch", epochs, key="epoch", on_change=controls.to_address("epoch"))
    return value


def choose_kind() -> str:
    kinds = list(certainty.KINDS)
    controls.linked("kind", kinds, kinds[0])
    st.segmented_control(
        "Images",
        kinds,
        key="kind",
        required=True,
        format_func=str.capitalize,
        on_change=controls.to_address("kind"),
        width="content",
        help="Of those the run kept q(y|x) of. The true classes of unlabelled images are for looking only: the run "
        "never saw them.",
    )
    return st.session_state["kind"]


def choose_class(key: str, label: str, probe: Probe) -> int | None:
    """A class to keep to, or None for any."""
    choices = [ANY, *probe.classes]
    controls.linked(key, choices, ANY)
    chosen = st.selectbox(
        label,
        choices,
        key=key,
        width=170,
        on_change=narrowed(key),
        format_func=lambda name: name.replace("_", " "),
    )
    return None if chosen == ANY else probe.classes.index(chosen)


def narrowed(key: str):  # noqa: ANN201 (a callback)
    """The address says so, and the gallery begins again at its first page."""

    def changed() -> None:
        controls.to_address(key)()
        st.session_state["last_page"] = 1
        st.query_params.pop("page", None)

    return changed


def choose_page(n: int) -> int:
    pages = list(range(1, max(1, -(-n // A_PAGE)) + 1))
    page = controls.linked("page", pages, 1)
    if len(pages) > 1:
        st.number_input(
            f"Page of {len(pages)}", 1, len(pages), step=1, key="page", width=130,
            on_change=controls.to_address("page"),
        )  # fmt: skip
        page = st.session_state["page"] or 1
    return page


def asked_image(folder: Folder) -> int | None:
    """The image in the address, if the data set has it; what is none is left out, and a caption says so."""
    asked = st.query_params.get("image")
    if asked is None:
        return None
    images = data.load(folder.run.dataset)
    try:
        id = int(asked)
    except ValueError:
        id = len(images.y)
    if -len(images.y_test) <= id < len(images.y):
        return id
    st.caption("The address asks for an image that this data set does not have, so it was left out.")
    del st.query_params["image"]
    return None


# How unsure, class by class


def rows_of_classes(probe: Probe, which: np.ndarray, classes: list[int]) -> list[picks.Row]:
    """For each class, its least sure images and its surest ones, by true class."""
    rows = []
    for k in classes[:MOST_ROWS]:
        mine = np.flatnonzero(which & (probe.true == k))
        mine = mine[np.argsort(-probe.entropy[mine], kind="stable")]
        least, most = mine[:EACH], mine[EACH:][::-1][:EACH]
        if len(mine):
            parts = (tuple(pick(probe, i, ()) for i in least), tuple(pick(probe, i, ()) for i in most))
            rows.append(picks.Row(sheets.name_of(k, probe.classes), parts))
    return rows


def pick(probe: Probe, row: int, lines: tuple[str, ...]) -> picks.Pick:
    """An image of the snapshot as a picture to choose."""
    shown = certainty.names(probe)
    true, predicted = int(probe.true[row]), int(probe.predicted[row])
    name = certainty.image_name(int(probe.ids[row]), int(probe.kind[row]))
    says = (
        f"{name[0].upper() + name[1:]}: is {shown[true]}, predicted {shown[predicted]} with "
        f"{sheets.percent(probe.sure[row])}, entropy {probe.entropy[row]:.2f} nats"
    )
    return picks.Pick(int(probe.ids[row]), lines, says, true)


def entropies(folder: Folder, probe: Probe, kind: str, image: int | None, of: str) -> None:
    st.subheader("How unsure, class by class", anchor=False)
    which = certainty.of_kind(probe, kind)
    if not which.any():
        st.caption(f"This snapshot holds no {certainty.KINDS[kind]}.")
        return
    classes = certainty.unsurest(probe, which)
    by_true, by_predicted = (certainty.ridges(probe, which, by, classes) for by in ("true", "predicted"))
    what = f"Entropy of {certainty.q_of(probe)}, {which.sum():,} {certainty.KINDS[kind]}. {of}"
    for column, figure, by in zip(
        st.columns(2, gap="medium"), (by_true, by_predicted), ("true", "predicted"), strict=True
    ):
        with column:
            st.plotly_chart(
                figure,
                key=f"ridges-{by}",
                config={"displayModeBar": False},
                alt=f"Distribution of the entropy of {certainty.q_of(probe)} for each {by} class",
            )
            certainty.take(figure, folder, f"entropy-by-{by}-class", f"Entropy by {by} class", what)
    some = f" Of {len(probe.classes)} classes the {len(classes)} with the most entropy." * (
        len(classes) < len(probe.classes)
    )
    st.caption(
        f"{what}{some} Upwards in the colour of the class: rightly classed. Downwards in rust: wrongly. Heights are "
        f"square roots of shares of the class, so that few images show; at the left edge, cut off, stand those surer "
        f"than {certainty.SMALLEST} nats; the grey tick is the median. 0 nats is sure, "
        f"{np.log(len(probe.classes)):.2f} has no idea."
    )
    left, right = st.columns(2, gap="medium")
    with left:
        entropy_map(folder, probe)
    with right:
        st.markdown("**The least and the most sure of each class**")
        rows = rows_of_classes(probe, which, classes)
        picks.show(
            folder.run.dataset,
            rows,
            key=f"ends-{folder.id}",
            label="The least and the most sure images of each class",
            chosen=image,
            width="2.4rem",
        )
        st.caption(
            f"By true class, among the {certainty.KINDS[kind]}: left the {EACH} with the most entropy, right of the "
            f"point the {EACH} with the least."
            + (f" The first {MOST_ROWS} classes." if len(classes) > MOST_ROWS else "")
        )


def entropy_map(folder: Folder, probe: Probe) -> None:
    """The latent map coloured by entropy; a click shows that image below."""
    space = next(iter(probe.spaces), None)
    if space is None:
        st.caption("This run has kept no codes, so there is no map.")
        return
    key, run = f"entropy-map-{folder.id}", folder.run
    try:
        place = latent_map.lay(folder, probe, space, "pca")
    except LatentError as e:
        controls.refuse(str(e))
        return
    latent_map.latent_map(
        probe,
        place,
        key=key,
        group=f"uncertainty-{folder.id}",
        label=f"PCA of {space} of {controls.run_label(folder)}, coloured by entropy",
        note=f"{run.budget()}, seed {run.seed}",
        colour="entropy",
        height=380,
        on_pin=lambda: latent_map.to_address(key),
    )


# Sure and wrong


def gallery(folder: Folder, probe: Probe, kind: str, image: int | None, of: str) -> int | None:
    """The mistakes, or what is right and unsure, by page. Returns the first image's id, or None."""
    st.subheader("Sure and wrong", anchor=False)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        controls.linked("show", list(SHOWN), WRONG)
        st.segmented_control(
            "Show", list(SHOWN), key="show", required=True, format_func=SHOWN.__getitem__,
            on_change=narrowed("show"), width="content",
        )  # fmt: skip
        true = choose_class("true", "True class", probe)
        predicted = choose_class("predicted", "Predicted class", probe)
        which = np.flatnonzero(certainty.of_kind(probe, kind))
        order = calibration.confident_mistakes if st.session_state["show"] == WRONG else calibration.unsure_but_right
        rows = which[order(probe.q_y[which], probe.true[which])]
        keep = np.ones(len(rows), bool)
        keep &= (probe.true[rows] == true) if true is not None else True
        keep &= (probe.predicted[rows] == predicted) if predicted is not None else True
        rows = rows[keep]
        page = choose_page(len(rows))
    word = "wrong" if st.session_state["show"] == WRONG else "right"
    if not len(rows):
        st.caption(f"None of the {len(which):,} {certainty.KINDS[kind]} of this snapshot is {word} in this way. {of}")
        return None
    shown = rows[A_PAGE * (page - 1) : A_PAGE * page]
    named = certainty.names(probe)

    def lines(row: int) -> tuple[str, ...]:
        k, j = int(probe.true[row]), int(probe.predicted[row])
        first = named[k] if k == j else f"{named[k]} → {named[j]}"
        return first, f"{100 * probe.sure[row]:.1f} %", f"{probe.entropy[row]:.2f} nats"

    picks.show(
        folder.run.dataset,
        [picks.Row("", (tuple(pick(probe, int(r), lines(int(r))) for r in shown),))],
        key=f"gallery-{folder.id}",
        label=f"Images that are {word}",
        chosen=image,
    )
    peek = " Their true classes are for looking: the run never saw them." if kind in ("unlabelled", "all") else ""
    arrow = "True class → predicted class" if word == "wrong" else "The class"
    st.caption(
        f"{len(rows):,} of {len(which):,} {certainty.KINDS[kind]} are {word} in this way. {arrow}, its probability by "
        f"{certainty.q_of(probe)}, and the entropy. A click shows the image below.{peek} {of}"
    )
    take_images(folder, probe, rows, shown, word, lines, of)
    return int(probe.ids[shown[0]])


def take_images(folder: Folder, probe: Probe, rows: np.ndarray, shown: np.ndarray, word: str, lines, of: str) -> None:  # noqa: ANN001
    """Buttons that hand out the list and this page of it as a picture."""
    run = folder.run
    note = {"run": folder.id, "epoch": probe.epoch, "labels": run.labels, "given": len(run.given), "seed": run.seed}
    with st.container(horizontal=True):
        certainty.hand_out(
            f"All {len(rows):,} as CSV",
            lambda: certainty.csv(certainty.images_table(probe, rows), note),
            f"{folder.id}-{word}-{probe.epoch}.csv",
            "take-images",
        )
        certainty.hand_out(
            "This page as PNG",
            lambda: certainty.paper(
                figures.last(data.pixels(data.load(run.dataset), probe.ids[shown])),
                [lines(int(r)) for r in shown],
                f"{MODELS[run.model].title}: {SHOWN[WRONG if word == 'wrong' else RIGHT].lower()}",
                f"{of} Run {folder.id}.",
            ),
            f"{folder.id}-{word}-{probe.epoch}.png",
            "take-sheet",
        )


# One image


def draws_for(folder: Folder) -> int:
    """As many draws as take no longer than a blink on one thread."""
    spec = DATASETS[folder.run.dataset]
    pairs = PAIRS_GREY if spec.grey else PAIRS_COLOUR
    return max(FEWEST_DRAWS, min(MOST_DRAWS, pairs // spec.n_classes))


def known_of(probe: Probe, id: int) -> tuple[int, str, list[str]]:
    """(true class, what the image is called, lines on what the snapshot says of it)."""
    images, named = data.load(probe.dataset), certainty.names(probe)
    true = int(images.y[id] if id >= 0 else images.y_test[-1 - id])
    found = np.flatnonzero(probe.ids == id)
    if not len(found):
        return true, f"test image {-1 - id}" if id < 0 else f"training image {id}", [f"is {named[true]}"]
    row = int(found[0])
    j = int(probe.predicted[row])
    return (
        true,
        certainty.image_name(id, int(probe.kind[row])),
        [
            f"is {named[true]}, {'rightly' if j == true else 'wrongly'} classed as {named[j]}",
            f"probability {sheets.percent(probe.sure[row])}, entropy {probe.entropy[row]:.2f} nats",
        ],
    )


def one_image(folder: Folder, probe: Probe, id: int | None) -> None:
    """The chosen image and the bound of every class for it."""
    st.subheader("One image under every class", anchor=False)
    if id is None:
        st.caption("Choose an image above, and its bounds stand here.")
        return
    true, title, lines = known_of(probe, id)
    pixels = figures.last(data.pixels(data.load(probe.dataset), np.array([id])))[0]
    st.html(certainty.one_image(pixels, true, certainty.names(probe), title, lines))
    method = MODELS[folder.run.model]
    if not method.draws:
        st.caption(
            f"{method.title} has no bound: it learned q(y|x) alone and has no p(x|·), so it cannot say how well a "
            "class explains an image. Look at the same image in a run of M2 or ADGM."
        )
        return
    waiting.load("models.bounds", 260)
    from models import inside

    try:
        stamp = inside.stamp(folder)
        found = bounded(folder, str(folder.path), stamp, id, draws_for(folder))
    except (StoreError, DataError) as e:
        controls.refuse(str(e))
        return
    latest = max((e for e, _ in folder.snapshots()), default=probe.epoch)
    weights = f"with the weights after epoch {latest}" + (
        ", the only ones that are kept" if latest != probe.epoch else ""
    )
    if folder.run.model == "m1":
        one_bound(found, weights)
    else:
        every_bound(folder, probe, found, true, weights)
    take_bounds(folder, probe, found, id, latest)


def one_bound(found: "Bounds", weights: str) -> None:
    """M1's bound: one number."""
    terms = [("Bound, eq. 3", found.L[0, 0])] + [(certainty.TERMS[t], v[0, 0]) for t, v in found.terms.items()]
    with st.container(horizontal=True, gap="large"):
        for label, value in terms:
            st.metric(label, f"{value:.2f} nats", width="content")
    st.caption(
        f"M1 has no y, so it has one bound for an image, on −log p(x), and none for a class: the mean over "
        f"{found.draws} draws of z, standard deviation {found.spread[0, 0]:.2f} nats, {weights}. Lower: better "
        "explained. The class is read from z by the SVM, which is no part of the bound."
    )


def every_bound(folder: Folder, probe: Probe, found: "Bounds", true: int, weights: str) -> None:
    named, adgm = certainty.names(probe), folder.run.model == "adgm"
    st.html(certainty.bounds_html(found, named, true, probe.q))
    shared = "a, and z for each class" if adgm else "z, which all classes share"
    if folder.run.settings.encoder_sees_y:
        shared = "z for each class"
    L, q = found.L[0], int(found.q_y[0].argmax())
    agree = "agree" if q == int(L.argmin()) else f"differ: q(y|x) says {named[q]}, the bounds {named[int(L.argmin())]}"
    error = float(found.spread[0].max()) / np.sqrt(found.draws)  # of a mean over draws
    some = f" Of {len(L)} classes the {certainty.MOST_RIDGES} best." if len(L) > certainty.MOST_RIDGES else ""
    st.caption(
        f"L(x, y) of eq. {'21' if adgm else '6'} bounds −log p(x, y): lower is better explained. A mean over "
        f"{found.draws} draws of {shared}; ± is the standard deviation over draws, {weights}. "
        f"softmax(−L) is the posterior over classes that the bounds alone imply, and the q(y|x) at which U would be "
        f"smallest; KL[q(y|x) ‖ softmax(−L)] is {found.apart[0]:.2f} nats. The two {agree}. Where bounds lie nearer "
        f"than {2 * error:.1f} nats, their order may be luck. Point at a bar for its terms.{some}"
    )
    with st.expander("The terms of each bound"):
        table = certainty.bounds_table(found, named).iloc[certainty.order(L, true)]
        numbers = st.column_config.NumberColumn(format="%.3f")
        st.dataframe(
            table,
            hide_index=True,
            column_config=dict.fromkeys(table.columns[1:], numbers),
            alt="The terms of each bound",
        )


def take_bounds(folder: Folder, probe: Probe, found: "Bounds", id: int, epoch: int) -> None:
    run = folder.run
    note = {
        "run": folder.id, "epoch": epoch, "labels": run.labels, "given": len(run.given), "seed": run.seed, "image": id,
        "draws": found.draws,
    }  # fmt: skip
    certainty.hand_out(
        "Bounds as CSV",
        lambda: certainty.csv(certainty.bounds_table(found, certainty.names(probe)), note),
        f"{folder.id}-bounds-{id}.csv",
        "take-bounds",
    )


# Calibration


def errors(folder: Folder) -> list[tuple[int, float, float]]:
    """(epoch, ECE, by luck alone) of the epochs kept, at even steps where they are many."""
    kept = folder.snapshots()
    kept = [kept[i] for i in np.unique(np.linspace(0, len(kept) - 1, min(CURVE, len(kept))).round().astype(int))]
    found = []
    for epoch, path in kept:
        try:
            stamp = path.stat().st_mtime_ns
        except OSError:
            continue
        if (error := error_after(folder, str(folder.path), epoch, stamp)) is not None:
            found.append((epoch, *error))
    return found


def calibrate(folder: Folder, probe: Probe, of: str) -> None:
    st.subheader("Calibration", anchor=False)
    path = dict(folder.snapshots()).get(probe.epoch)
    stamp = path.stat().st_mtime_ns if path and path.exists() else 0
    s, wide, equal = calibrated(probe, str(folder.path), probe.epoch, stamp)
    if not s.n:
        st.caption("This snapshot holds no test images, and calibration is measured on those alone.")
        return
    q = certainty.q_of(probe)
    st.markdown(certainty.in_words(s, q))
    left, right = st.columns([3, 2], gap="medium")
    with left:
        controls.linked("bins", [WIDTHS, MASSES], WIDTHS)
        st.segmented_control(
            "Bins of", [WIDTHS, MASSES], key="bins", required=True, on_change=controls.to_address("bins"),
            help="Equal widths as in Guo et al. (2017). With equal numbers of images in each, one sees more where "
            "nearly all images are sure.",
        )  # fmt: skip
        found = wide if st.session_state["bins"] == WIDTHS else equal
        figure = certainty.diagram(found, q)
        st.plotly_chart(
            figure, key="reliability", config={"displayModeBar": False},
            alt=f"Reliability diagram: accuracy against confidence of {s.n} test images",
        )  # fmt: skip
    with right:
        show_scores(s, len(probe.classes))
    st.caption(
        f"The {s.n:,} test images that the run kept, by {q}. Bars: the share of a bin that is right, "
        "with Wilson's 95 % interval; diamonds: where a calibrated model's bar would end. Below: how many images, on a "
        f"logarithmic scale. {of}"
    )
    take_calibration(folder, probe, found, figure, s, of)
    curve = errors(folder)
    if len(curve) > 1:
        x = [e for e, _, _ in curve]
        live_chart(
            [
                Line("ECE", palette.RIGHT, x, [100 * e for _, e, _ in curve], "measured"),
                Line("ECE", palette.RIGHT, x, [100 * c for _, _, c in curve], "by luck alone"),
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


def show_scores(s: Scores, n_classes: int) -> None:
    """The figures, each with what it means."""
    percent = f"{100 * s.accuracy:.1f} %"
    uniform = 1 - 1 / n_classes
    shown = [
        ("ECE", f"{100 * s.ece:.2f} %", f"Expected calibration error, Guo et al. (2017), eq. 3, {calibration.BINS} "
         f"bins of equal width: how far accuracy and confidence lie apart, a mean over images. By luck alone about "
         f"{100 * s.chance:.2f} % on so many images."),
        ("ECE, equal numbers", f"{100 * s.ece_equal:.2f} %", f"The same with {calibration.BINS} bins of equal numbers "
         "of images."),
        ("Largest gap", f"{100 * s.mce:.1f} %", "Maximum calibration error, Guo et al., eq. 5: of the bin of equal "
         "width with the largest gap. One with few images can have a large gap by luck."),
        ("Mean confidence", f"{100 * s.confidence:.1f} %", "The mean of the largest probability."),
        ("Test images right", percent, f"{s.right} of the {s.n} test images kept."),
        ("Brier score", f"{s.brier:.3f}", "Mean squared distance of the probabilities from the truth, summed over "
         f"classes. 0 is best; knowing nothing has {uniform:.2f}."),
        ("−log q(true class)", f"{s.nll:.3f} nats", f"Mean over images; knowing nothing has {np.log(n_classes):.2f}."
         + (f" {s.cut} images have less than can be kept and count as {-np.log(calibration.LEAST):.1f}."
            if s.cut else "")),
    ]  # fmt: skip
    with st.container(horizontal=True, gap="medium"):
        for label, value, meaning in shown:
            st.metric(label, value, help=meaning, width=140)


def take_calibration(folder: Folder, probe: Probe, found: Reliability, figure: dict, s: Scores, of: str) -> None:
    run = folder.run
    note = {
        "run": folder.id, "epoch": probe.epoch, "labels": run.labels, "given": len(run.given), "seed": run.seed,
        "ece": s.ece,
        "ece, equal numbers": s.ece_equal, "mce": s.mce, "brier": s.brier, "nll, nats": s.nll,
    }  # fmt: skip
    with st.container(horizontal=True):
        certainty.hand_out(
            "Calibration as CSV",
            lambda: certainty.csv(certainty.bins_table(found), note),
            f"{folder.id}-calibration-{probe.epoch}.csv",
            "take-calibration",
        )
        certainty.take(figure, folder, "reliability", "Reliability diagram", f"{s.n} test images. {of}")


# The page


def show(folder: Folder) -> None:
    """One run and how sure it is."""
    run, state = folder.run, folder.status()["state"]
    kept = folder.snapshots()
    if not kept:
        waiting.nothing_kept(folder, state, "What it is unsure of", "any class probabilities")
        return
    spec = DATASETS[run.dataset]
    if data.availability(run.dataset) != "ready":
        st.caption(
            f"This page shows images of {spec.title}, which are not ready on this machine. Get them on the Data page."
        )
        st.page_link("pages/data.py", label=f"Get {spec.title}", icon=":material/image:")
        return
    if state not in FINAL:
        waiting.watch_news(folder, state, max(e for e, _ in kept))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        kind = choose_kind()
        epoch = choose_epoch(folder)
    if state in ("failed", "stopped", "lost"):
        how = {"failed": "failed", "lost": "was lost"}.get(state, "was stopped")
        st.caption(f"This run {how} after epoch {max(e for e, _ in kept)} of {run.epochs}.")
    elif state not in FINAL:
        st.caption(f"This run goes on, epoch {max(e for e, _ in kept)} of {run.epochs}; the page follows it.")
    probe = latent_map.look(folder, epoch)
    if probe is None or probe.q_y is None:
        st.caption(f"{MODELS[run.model].title} kept no class probabilities after this epoch, so nothing can be said.")
        return
    of = (
        f"One run of {MODELS[run.model].title} on {spec.title}: {run.budget(',')}, seed {run.seed}, "
        f"after epoch {probe.epoch} of {run.epochs}."
    )
    if run.model == "m1":
        st.caption("M1 has no q(y|x): an SVM reads the class from z, and its calibrated output stands for it here.")
    image = asked_image(folder)
    entropies(folder, probe, kind, image, of)
    calibrate(folder, probe, of)

    @st.fragment
    def look_closer() -> None:  # a click in the gallery draws this anew and nothing else
        chosen = asked_image(folder)
        first = gallery(folder, probe, kind, chosen, of)
        one_image(folder, probe, first if chosen is None else chosen)

    look_closer()


frame.open(
    "Uncertainty",
    icon=":material/help:",
    lead="Which images a model is unsure of, which it gets wrong with confidence, and whether it is as sure as it "
    "should be.",
)
st.html(certainty.STYLE)
asked = st.query_params.get("run")
folder = controls.choose_run(
    can=lambda f: f.id == asked or waiting.has_inside(f),
    none="There is no run to look into yet. Train a model first; on the digits it takes about a minute.",
)
if folder is not None:
    try:
        show(folder)
    except (LatentError, DataError, StoreError) as e:
        controls.refuse(str(e))
    taking.offer(folder)
