"""Compare: two or three runs side by side, in figures, curves, maps of the same images, and samples."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import pandas as pd
import streamlit as st

import data
from data import DATASETS, DataError
from models import MODELS, jobs, latents
from models.jobs import JobsError
from models.latents import LatentError, Probe
from models.store import FINAL, Folder, StoreError
from pages.parts import controls, frame, latent_map, palette
from pages.parts.live_chart import Line, live_chart
from pages.parts.watching import finite, metrics

AT_MOST = 3
GROUP = "compare"
PROJECTIONS = {"pca": "PCA", "umap": "UMAP"}
SPACES = {"z": "z", "a": "a, where there is one"}
SPREAD = 1.96  # standard errors each way: 95 in 100 such samples of test images
ALONG = {"epochs": "Epochs", "seconds": "Seconds"}
UNSAID = ("dataset", "model", "labels", "seed", "epochs", "device", "threads")  # in the table already, or no setting


def first_choice(folders: list[Folder]) -> list[Folder]:
    """The newest run of each method, on the data set and with the labels of the newest run that has company there."""
    alike: dict[tuple[str, str], list[Folder]] = {}
    for f in folders:
        alike.setdefault((f.run.dataset, f.run.budget()), []).append(f)
    group = next((g for g in alike.values() if len(g) > 1), folders[:1])
    newest: dict[str, Folder] = {}
    for f in group:
        newest.setdefault(f.run.model, f)
    order = [newest[m] for m in MODELS if m in newest]
    return (order if len(order) > 1 else group)[:AT_MOST]


def names(folders: Sequence[Folder]) -> list[str]:
    """A short name for each run: its method, and as much more as it takes to tell it from the others."""
    short = [controls.SHORT.get(f.run.model, MODELS[f.run.model].title) for f in folders]
    more = (
        lambda f: DATASETS[f.run.dataset].title,
        lambda f: f.run.budget(),
        lambda f: f"seed {f.run.seed}",
        lambda f: f"{f.run.preset} preset",
        lambda f: f"{f.run.epochs} epochs",
        lambda f: f.id.rsplit("-", 1)[-1],
    )
    for what in more:
        twice = {n for n, k in Counter(short).items() if k > 1}
        for name in twice:
            mine = [i for i, n in enumerate(short) if n == name]
            if len({what(folders[i]) for i in mine}) > 1:
                for i in mine:
                    short[i] = f"{name}, {what(folders[i])}"
    return short


@dataclass(frozen=True)
class Side:
    """One of the runs, and all of it that is shown."""

    folder: Folder
    name: str
    colour: str
    state: str
    probe: Probe | None  # None: there is nothing to see, and `why` says so
    why: str = ""


def sides(folders: Sequence[Folder]) -> list[Side]:
    """The runs as they are now."""
    made = []
    for i, (folder, name) in enumerate(zip(folders, names(folders), strict=True)):
        probe, why = look(folder)
        made.append(Side(folder, name, palette.run_colour(i), folder.status()["state"], probe, why))
    return made


def look(folder: Folder) -> tuple[Probe | None, str]:
    """The latest probe of a run, or a sentence why there is none."""
    if data.availability(folder.run.dataset) != "ready":
        title = DATASETS[folder.run.dataset].title
        return None, f"The images of {title} are not ready on this machine. Get them on the Data page."
    try:
        probe = latent_map.look(folder)
    except (LatentError, DataError, StoreError) as e:
        return None, str(e)
    if probe is None:
        going = folder.status()["state"] not in FINAL
        return None, "Its first picture comes with its first epoch." if going else "It kept no picture of its inside."
    return probe, ""


# What they reached


def table(runs: Sequence[Side]) -> None:
    """What each run reached, and with what."""
    rows = []
    for side in runs:
        run, m = side.folder.run, metrics(side.folder)
        result = m.result or {}
        test = result.get("test_accuracy", m.test[-1] if m.test else math.nan)
        labelled = result.get("labelled_accuracy", m.labelled[-1] if m.labelled else math.nan)
        rows.append(
            {
                "Run": side.name,
                "Test accuracy": 100 * test if finite(test) else None,
                "Labelled": 100 * labelled if finite(labelled) else None,
                "Labels": run.budget().removesuffix(" labels"),
                "Seed": run.seed,
                "Epochs": f"{m.epochs[-1] if m.epochs else 0:.0f}" + ("" if m.result else f" of {run.epochs}"),
                "Seconds": result.get("seconds"),
                "Parameters": result.get("parameters"),
                "State": side.state,
            }
        )
    config = st.column_config
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        alt="What each run reached",
        column_config={
            "Test accuracy": config.NumberColumn("Test accuracy, 1 run", format="%.1f %%"),
            "Labelled": config.NumberColumn("Labelled images", format="%.1f %%"),
            "Seconds": config.NumberColumn(format="%.0f"),
            "Parameters": config.NumberColumn(format="localized"),
            "State": None if all(s.state == "done" for s in runs) else config.TextColumn(),
        },
    )
    st.caption(caveat(runs))


def caveat(runs: Sequence[Side]) -> str:
    """How much a difference in the table means, and what stands beside M1."""
    n = min(DATASETS[s.folder.run.dataset].n_test for s in runs)
    error = 100 * SPREAD * math.sqrt(0.95 * 0.05 / n)
    sentences = [
        f"Each row is one run with one seed. {n:,} test images leave an accuracy near 95 % uncertain by ±{error:.1f} "
        "per cent, and another seed moves it again: small differences may be chance."
    ]
    for side in runs:
        raw = (metrics(side.folder).result or {}).get("raw_pixel_svm_accuracy")
        if finite(raw):
            sentences.append(f"The SVM of {side.name} reaches {100 * raw:.1f} % on raw pixels instead of z.")
    return " ".join(sentences)


def differences(runs: Sequence[Side]) -> None:
    """The settings in which the runs differ."""
    flat = []
    for side in runs:
        run = side.folder.run.to_dict()
        flat.append({**{k: v for k, v in run.items() if k != "settings"}, **run["settings"]})
    fields = [k for k in flat[0] if k not in UNSAID and len({repr(f.get(k)) for f in flat}) > 1]
    if not fields:
        st.caption("They were trained with the same settings, but for what the table above shows.")
        return
    rows = {s.name: [written(f.get(k)) for k in fields] for s, f in zip(runs, flat, strict=True)}
    st.dataframe(
        pd.DataFrame({"Setting": [k.replace("_", " ") for k in fields], **rows}),
        hide_index=True,
        alt="The settings in which the runs differ",
    )


def written(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else f"{value}"


def curves(runs: Sequence[Side]) -> None:
    """Accuracy on the test images and on the labelled ones, of all runs in one chart."""
    along = controls.linked("along", list(ALONG), "epochs")
    st.segmented_control(
        "Accuracy along",
        list(ALONG),
        key="along",
        format_func=ALONG.__getitem__,
        required=True,
        on_change=controls.to_address("along"),
        width="content",
    )
    going = [s.folder for s in runs if s.state not in FINAL]

    @st.fragment(run_every=1.0 if going else None)
    def chart() -> None:
        lines, end = [], 0.0
        for side in runs:
            m = metrics(side.folder)
            x = m.epochs if along == "epochs" else m.seconds
            for kind, y in (("test", m.test), ("labelled", m.labelled)):
                seen = [(a, 100 * b) for a, b in zip(x, y, strict=True) if not (math.isnan(a) or math.isnan(b))]
                lines.append(Line(side.name, side.colour, [a for a, _ in seen], [b for _, b in seen], kind))
                end = max([end, *lines[-1].x])
            if along == "epochs":
                end = max(end, float(side.folder.run.epochs))
        live_chart(
            lines,
            title="Accuracy",
            unit="%",
            key=f"compare_{along}",
            x_title="Epoch" if along == "epochs" else "Seconds",
            x_max=end or None,
            y_max=100.0,
            dashed=("labelled",),
            height=320,
        )
        if any(f.status()["state"] in FINAL for f in going):
            st.rerun()

    chart()


# Inside


def choose_view(runs: Sequence[Side]) -> tuple[str, str]:
    """The space and the projection of all maps."""
    space = controls.linked("space", list(SPACES), "z")
    projection = controls.linked("projection", list(PROJECTIONS), "pca")
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        if any("a" in MODELS[s.folder.run.model].latents for s in runs):
            st.segmented_control(
                "Space",
                list(SPACES),
                key="space",
                format_func=SPACES.__getitem__,
                required=True,
                on_change=controls.to_address("space"),
                width="content",
            )
        else:
            space = "z"
        st.segmented_control(
            "Projection",
            list(PROJECTIONS),
            key="projection",
            format_func=PROJECTIONS.__getitem__,
            required=True,
            on_change=controls.to_address("projection"),
            width="content",
        )
    return space, projection


def maps(runs: Sequence[Side]) -> None:
    """The latent maps in a row. Those of one data set share colours, filters, and the image one points at."""
    space, projection = choose_view(runs)
    probes = [s.probe for s in runs if s.probe]
    together = len({p.dataset for p in probes}) == 1
    if together:
        full = next((p for p in probes if p.q_y is not None), probes[0])
        latent_map.legend(full, key="compare-legend", group=GROUP)
    elif probes:
        st.caption("These runs learnt different data sets, so each map has its own classes, colours and images.")
    waiting, first = [], None
    for side, column in zip(runs, st.columns(len(runs)), strict=True):
        with column:
            st.markdown(f"**{side.name}**")
            if side.probe is None:
                st.caption(controls.plain(side.why))
                continue
            try:
                place, busy = lay(side, space, projection)
            except LatentError as e:
                st.caption(controls.plain(str(e)))
                continue
            if together and first:
                place = latent_map.turned(place, side.probe, *first)
            first = first or (place, side.probe)
            one_map(side, place, space, busy, together)
            if busy:
                waiting.append(side)
    if together:
        if len(probes) > 1:
            st.caption("The maps are turned, never bent, so that the same images lie on the same side in all.")
        pinned([s for s in runs if s.probe], space)
    watch(runs, space, waiting)


def of(probe: Probe, space: str) -> str:
    """The space asked for if the run has it, else its first: z, or h of the floor."""
    return space if space in probe.spaces else next(iter(probe.spaces))


def lay(side: Side, space: str, projection: str) -> tuple[latent_map.Place, str]:
    """Where the points lie, and what is still being computed. Raises LatentError."""
    going, space = side.state not in FINAL, of(side.probe, space)
    place, busy = latent_map.lay(side.folder, side.probe, space, "pca" if going else projection), ""
    if projection == "umap" and place.projection == "pca" and not going:
        busy, why = ask_map(side, space)
        if why:
            st.caption(controls.plain(why))
    return place, busy


def one_map(side: Side, place: latent_map.Place, space: str, busy: str, together: bool) -> None:
    """One map, and what it is."""
    run, space, what = side.folder.run, of(side.probe, space), PROJECTIONS[place.projection]
    latent_map.latent_map(
        side.probe,
        place,
        key=f"compare-map-{side.folder.id}",
        group=GROUP if together else f"{GROUP}-{side.folder.id}",
        label=f"{what} of {space} of {controls.run_label(side.folder)}",
        note=f"{run.budget()}, seed {run.seed}",
        busy=busy,
        height=310,
        chrome=not together,
    )
    layer = ", the last hidden layer: this model has no latent variable" if space == "h" else ""
    st.caption(f"{what} of {space}{layer}, epoch {side.probe.epoch}")


def ask_map(side: Side, space: str) -> tuple[str, str]:
    """Have a UMAP made: what to say while it is, or why it cannot be."""
    why = latents.why_no_map(side.probe.spaces[space])
    if why:
        return "", why
    engine = jobs.engine()
    try:
        state, why = engine.map_state(side.folder.id, side.probe.epoch, space)
        if state == "ready" and not latents.drop_map(side.folder.path, space, side.probe.epoch, side.probe.ids):
            st.rerun()  # it has become ready since the points were laid out
        if state in ("absent", "ready"):
            engine.map(side.folder.id, side.probe.epoch, space)
    except (JobsError, StoreError) as e:
        return "", str(e)
    return ("", why) if state == "failed" else ("UMAP is being computed", "")


@st.fragment
def pinned(runs: Sequence[Side], space: str) -> None:
    """One image as every run sees it. A click on a map draws this anew and nothing else."""
    try:
        id = int(st.query_params.get("image", ""))
    except ValueError:
        id = None
    have = [s for s in runs if id is not None and (s.probe.ids == id).any()]
    for side, column in zip(have or runs[:1], st.columns(len(runs)) if have else [st.container()], strict=False):
        with column:
            if have:
                st.markdown(f"**{side.name}**")
            key = f"compare-card-{side.folder.id}"
            latent_map.card(
                side.probe,
                id if have else None,
                key=key,
                group=GROUP,
                space=of(side.probe, space),
                marks=False,
                on_pin=partial(latent_map.to_address, key),
            )


def watch(runs: Sequence[Side], space: str, waiting: Sequence[Side]) -> None:
    """While something goes on: look every second for a new snapshot or map, and draw the page anew then."""
    going = [s for s in runs if s.state not in FINAL]
    if not going and not waiting:
        return
    engine = jobs.engine()

    @st.fragment(run_every=1.0)
    def news() -> None:
        for side in going:
            latest = max((e for e, _ in side.folder.snapshots()), default=None)
            if latest != (side.probe.epoch if side.probe else None) or side.folder.status()["state"] != side.state:
                st.rerun()
        for side in waiting:
            if engine.map_state(side.folder.id, side.probe.epoch, of(side.probe, space))[0] in ("ready", "failed"):
                st.rerun()

    news()


def samples(runs: Sequence[Side]) -> None:
    """The latest class grid of each run."""
    for side, column in zip(runs, st.columns(len(runs)), strict=True):
        with column:
            kept = side.folder.samples()
            st.markdown(f"**{side.name}**")
            if kept:
                epoch, path = kept[-1]
                st.image(str(path), width="stretch", caption=f"After epoch {epoch}", alt=f"Class grid of {side.name}")
            elif MODELS[side.folder.run.model].draws:
                st.caption("It has drawn nothing yet.")
            else:
                st.caption("This model is a classifier only: it cannot draw.")
    st.caption(
        "A row is a class, a column one style z. M1 has no y: its rows are drawn around the labelled images' codes."
    )


frame.open(
    "Compare", icon=":material/compare:", lead="Two or three runs side by side: what they reach, and what is inside."
)
folders = controls.choose_runs(
    at_most=AT_MOST,
    can=lambda f: f.status()["state"] != "queued",
    label="Runs, at most three",
    none="There is no run to compare yet. Train two or three models first; on the digits each takes about a minute.",
    default=first_choice,
)
if len(folders) == 1:
    st.caption("Choose another run to put beside this one.")
if folders:
    runs = sides(folders)
    if len({f.run.dataset for f in folders}) > 1:
        both = " and ".join(dict.fromkeys(DATASETS[f.run.dataset].title for f in folders))
        st.caption(f"These runs learnt different data sets, {both}: their accuracies do not compare.")
    table(runs)
    curves(runs)
    st.subheader("Latent space", anchor=False)
    maps(runs)
    st.subheader("Samples", anchor=False)
    samples(runs)
    if len(runs) > 1:
        st.subheader("Settings in which they differ", anchor=False)
        differences(runs)
