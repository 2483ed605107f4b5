"""The latent maps of up to four runs while they learn, each with what to expect of its space and two numbers.

A run that goes on is drawn in a fragment of its own, by PCA, which has a picture of each new epoch at once. When all
have ended, the maps are those of Compare: UMAP where it is laid out, turned alike, with one bar that plays them all.
"""

import html
import threading
import time
from collections.abc import Sequence
from functools import partial
from importlib import import_module

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from models import MODELS, jobs
from models.analysis import door, projections
from models.analysis.snapshots import SnapshotImages
from models.errors import UserError
from models.jobs import State
from models.runs.store import FINAL, Folder
from pages.parts.compare.compared_runs import look
from pages.parts.components import latent_map as map_component
from pages.parts.components.latent_map import Layout
from pages.parts.inside import latent_film
from pages.parts.inside.latent_film import Film
from pages.parts.shared import figures, latent_map, palette, polling, run_cards, run_pickers
from pages.parts.shared.run_metrics import metrics

GROUP = "lab"  # of the maps and the card: they look at the same image
MOST = 4
LEGEND = 40  # characters of the names of classes that stand in one line above the maps
PATIENCE = 4.0  # seconds in which a run that begins is looked at often
TICK = 1.5  # seconds between two looks at what goes on, and one more for each run: looking takes from what they have
SOON = 0.3  # seconds, until the first maps are there
LOOK = 2.0  # seconds between two looks whether a UMAP is there
EACH = 5  # epochs: so often the neighbours of a run that goes on are counted, which takes a tenth of a second


def show(folders: Sequence[Folder], names: Sequence[str], bar: DeltaGenerator) -> None:
    """The maps in one row, or in two from three runs on; a legend above them, and a bar that plays them below.

    How they are coloured and filtered is chosen in `bar`.

    While a run goes on they are one fragment: each that reports makes the browser render the page, and four did so so
    often that the first codes were shown a second late.
    """
    seen = {folder.id: look(folder)[0] for folder in folders}
    together = len({folder.run.dataset for folder in folders}) == 1
    going = [f for f in folders if f.status()["state"] not in FINAL]
    for_legend = next(filter(None, seen.values()), None) or (pixels(going[0]) if going else None)
    if for_legend and together:
        colours = {"group": GROUP, "compact": True, "folded": True}
        with bar:
            map_component.legend(for_legend, key="lab-colours", shows="controls", **colours)
        map_component.legend(for_legend, key="lab-legend", shows="legend", **colours)
    hurries = any(seen[folder.id] is None for folder in going)
    until = time.monotonic() + PATIENCE if hurries else None
    kept = [] if going else [(f, s) for f in folders if (s := seen[f.id]) is not None]
    wanted = lay_out(kept)
    draw = partial(maps, folders, names, {f.id for f in going}, together, until, [asked[0] for asked in wanted])
    rows = 1 if len(folders) < 3 else 2
    long = for_legend is not None and sum(map(len, for_legend.classes)) > LEGEND
    with st.container(key=f"lab-maps-{rows}{'-named' if long else ''}"):
        # A fragment at all times: one that goes would take its maps with it, and the page would jump.
        films = polling.part(draw, (SOON if hurries else tick(len(going))) if going else None)()
    with st.container(key="lab-play"):
        if films:
            epochs = sorted({e for film in films for e in film.epochs})
            moved = partial(latent_film.to_address, "lab-film")
            map_component.scrubber(epochs, latent_film.asked(epochs), key="lab-film", group=GROUP, on_epoch=moved)
        elif going:
            st.caption("The points move as the runs learn. Once they have ended, the epochs can be played here.")
    if wanted:
        engine = jobs.engine()
        polling.watch(lambda: any(polling.ended(engine.map_state(*asked)) for asked in wanted), False, LOOK)


def lay_out(ended: Sequence[tuple[Folder, SnapshotImages]]) -> list[tuple[str, int, str, str]]:
    """Have the UMAPs of ended runs laid out, with their films: a map becomes one once both are there. Those to come."""
    engine, wanted = jobs.engine(), []
    for folder, snapshot in ended:
        if not snapshot.spaces:
            continue
        space = next(iter(snapshot.spaces))
        if latent_map.is_plane(snapshot, space) or latent_map.is_laid(folder, snapshot.epoch, space):
            continue
        try:
            for kind in (latent_map.UMAP, latent_map.UMAPS)[: min(2, len(folder.snapshots()))]:
                asked = folder.id, snapshot.epoch, space, kind.name
                state, _ = engine.map_state(*asked)
                if state == "absent" and not projections.why_no_map(snapshot.spaces[space]):
                    engine.map(*asked)
                    state = "pending"
                if state == "pending":
                    wanted.append(asked)
                    break  # the film ends with the map, so it is made after that
        except UserError:  # it was deleted just now, or the queue is busy: PCA shows it as well
            continue
    return wanted


def tick(going: int) -> float:
    """How many seconds lie between two looks at so many runs."""
    return TICK + going


def maps(
    folders: Sequence[Folder],
    names: Sequence[str],
    going: set[str],
    together: bool,
    until: float | None,
    laying: Sequence[str],
) -> list[Film]:
    """The maps as they are now, and the films of those that have ended, if all have.

    `laying` are the runs whose UMAP is on its way. The page runs anew when one of `going` has ended. With `until` it
    hurries: it does so, too, when all have codes and it is later than that.
    """
    states = jobs.engine().states([folder.id for folder in folders])
    if any(states[i].final for i in going):
        st.rerun()
    height = {1: 520, 2: 400}.get(len(folders), 360)  # at most: see style.py
    per_row = 1 if len(folders) == 1 else 2
    columns = [column for _ in range(0, len(folders), per_row) for column in st.columns(per_row)]
    films: list[Film] = []
    first: list[tuple[Layout, SnapshotImages]] = []
    colours = run_cards.colours_of(folders)
    for folder, name, colour, column in zip(folders, names, colours, columns, strict=False):
        group = GROUP if together else f"{GROUP}-{folder.id}"
        with column, st.container(gap="xxsmall"):
            head(folder, name, colour, states[folder.id])
            if folder.id in going:
                going_on(folder, name, group, height, count=until is None)
            elif film := ended(
                folder, name, group, height, first if together and not going else None, folder.id in laying
            ):
                films.append(film)
    if until is not None and time.monotonic() > until and all(look(f)[0] for f in folders if f.id in going):
        st.rerun()
    return films


def going_on(folder: Folder, name: str, group: str, height: int, count: bool) -> None:
    """A run as it is now: by its pixels, until it has codes."""
    snapshot, _ = look(folder)
    if snapshot is not None and not snapshot.spaces:
        without_codes(folder)
    elif snapshot is not None:
        one(folder, snapshot, name, group, height, "pca", None, count)
    elif (first := pixels(folder)) is not None:
        by_pixels(folder, first, name, group, height)
    else:
        st.skeleton(height=height)
        st.caption("Its map comes with its first epoch.")


def pixels(folder: Folder) -> SnapshotImages | None:
    """The images of a run that has no codes yet, where their pixels put them."""
    try:
        return door.ask("pixels", folder)
    except UserError:
        return None  # what is wrong with the data set is said where the run fails of it


def by_pixels(folder: Folder, images: SnapshotImages, name: str, group: str, height: int) -> None:
    """The map of a run that has not begun: its points move from there to their first codes."""
    what, version = "PCA of the pixels", f"{images.dataset} {folder.run.labels} {folder.run.seed} pixels"
    map_component.show(
        images, Layout(images.spaces["x"], "pca", what, version, "pca x"), key=f"lab-map-{folder.id}", group=group,
        height=height, chrome=False, compact=True, label=f"{what}, for {name}",
    )  # fmt: skip
    below("Each point is an image, placed by its pixels until the first epoch.", None, None, what)


def ended(folder: Folder, name: str, group: str, height: int, first: list | None, laying: bool) -> Film | None:
    """A run that has ended, and its film. `first` gathers the map that the others are turned to lie like."""
    snapshot, why = look(folder)
    if snapshot is None:
        st.caption(run_pickers.plain(why))
        return None
    if not snapshot.spaces:
        without_codes(folder)
        return None
    space = next(iter(snapshot.spaces))
    laid = latent_map.is_laid(folder, snapshot.epoch, space)
    busy = "PCA; its UMAP is on the way" if laying else ""
    return one(folder, snapshot, name, group, height, latent_map.UMAP.name if laid else "pca", first, busy=busy)


def without_codes(folder: Folder) -> None:
    """A run of a method that has no codes: its accuracy in place of a map."""
    below(MODELS[folder.run.model].no_map, metrics(folder).test_accuracy, None, "")


def head(folder: Folder, name: str, colour: str, state: State) -> None:
    """What the run is, and how far it is."""
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key=f"lab-head-{folder.id}"):
        run_cards.named(name, colour)
        place = f", position {state.position}" if state.position else ""
        if state.state in ("running", "done"):
            st.caption(f"{run_cards.pace(folder, state, timed=False)}{place}", width="content")
        else:  # not a caption: that pales its colours
            st.markdown(f":{palette.STATES[state.state]}[:small[{state.state}{place}]]", width="content")


def one(
    folder: Folder,
    snapshot: SnapshotImages,
    name: str,
    group: str,
    height: int,
    projection: str,
    first: list | None,
    count: bool = True,
    busy: str = "",
) -> Film | None:
    """The map of one snapshot, its two numbers and its caption. `count`: the neighbours of the same class, too."""
    space, run = next(iter(snapshot.spaces)), folder.run
    try:
        positions = latent_map.lay(folder, snapshot, space, projection)
        if first:
            positions = latent_map.turned(positions, snapshot, *first[0])
        elif first is not None:
            first.append((positions, snapshot))
        film = latent_film.of_map(folder, snapshot, positions, space) if first is not None else None
        agreement = neighbours(folder, snapshot, space) if count else None
    except UserError as e:
        st.caption(run_pickers.plain(str(e)))
        return None
    map_component.show(
        snapshot, positions, key=f"lab-map-{folder.id}", group=group, height=height, chrome=False,
        compact=True,
        label=f"{positions.title} of {name}", note=f"{run.budget()}, seed {run.seed}",
        film=film.data() if film else None, busy=busy,
    )  # fmt: skip
    brief, why = MODELS[run.model].expected(space)
    told = f"After epoch {snapshot.epoch}; the map is {positions.title}. {brief} {why}"
    below(brief, metrics(folder).test_accuracy, agreement, told)
    return film


def below(says: str, test: float | None, alike: float | None, told: str) -> None:
    """What to expect of the space above, and its two numbers; `told` is for the pointer. As high with and without."""
    two = ((test, "test accuracy"), (alike, "same-class neighbours"))
    two = two if told else two[:1]
    numbers = "".join(f"<span><b>{figures.percent(value)}</b> {what}</span>" for value, what in two)
    st.html(
        f'<div title="{html.escape(told, quote=True)}"><p class="lm-says">{html.escape(says)}</p>'
        f'<div class="lm-two">{numbers}</div></div>'
    )


@st.cache_resource(show_spinner=False)
def warm() -> threading.Thread:
    """Import scikit-learn, which counts neighbours, beside all else: it takes a second, once."""
    importing = threading.Thread(target=import_module, args=["sklearn.neighbors"], daemon=True)
    importing.start()
    return importing


def neighbours(folder: Folder, snapshot: SnapshotImages, space: str) -> float | None:
    """The share of neighbours of the same class; of a run that goes on, as it was some epochs ago."""
    counted = snapshot
    if folder.status()["state"] not in FINAL:
        if warm().is_alive():
            return None
        counted = latent_map.look(folder, snapshot.epoch - snapshot.epoch % EACH) or snapshot
    return latent_map.figures(folder, counted, space).agreement
