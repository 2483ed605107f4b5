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
from pages.parts.shared import figures, latent_map, polling, run_cards, run_pickers
from pages.parts.shared.run_metrics import metrics

GROUP = "lab"  # of the maps and the card: they look at the same image
MOST = 4
PATIENCE = 4.0  # seconds in which a run that begins is looked at often
TICK = 1.5  # seconds between two looks at what goes on, and one more for each run: looking takes from what they have
SOON = 0.3  # seconds, until the first maps are there
LOOK = 2.0  # seconds between two looks whether a UMAP is there
EACH = 5  # epochs: so often the neighbours of a run that goes on are counted, which takes a tenth of a second


def show(folders: Sequence[Folder], names: Sequence[str]) -> None:
    """The maps in one row, or in two from three runs on; a legend above them, and a bar that plays them below.

    While a run goes on they are one fragment: each that reports makes the browser render the page, and four did so so
    often that the first codes were shown a second late.
    """
    seen = {folder.id: look(folder)[0] for folder in folders}
    together = len({folder.run.dataset for folder in folders}) == 1
    going = [f for f in folders if f.status()["state"] not in FINAL]
    for_legend = next(filter(None, seen.values()), None) or (pixels(going[0]) if going else None)
    if for_legend and together:
        map_component.legend(for_legend, key="lab-legend", group=GROUP, compact=True)
    hurries = any(seen[folder.id] is None for folder in going)
    until = time.monotonic() + PATIENCE if hurries else None
    draw = partial(maps, folders, names, {f.id for f in going}, together, until)
    if going:
        st.fragment(draw, run_every=SOON if hurries else tick(len(going)))()
    elif films := draw():
        epochs = sorted({e for film in films for e in film.epochs})
        moved = partial(latent_film.to_address, "lab-film")
        map_component.scrubber(epochs, latent_film.asked(epochs), key="lab-film", group=GROUP, on_epoch=moved)
    if not going:
        lay_out([(folder, snapshot) for folder in folders if (snapshot := seen[folder.id]) is not None])


def lay_out(ended: Sequence[tuple[Folder, SnapshotImages]]) -> None:
    """Have the UMAPs of ended runs laid out, with their films: a map becomes one once both are there."""
    engine, wanted = jobs.engine(), []
    for folder, snapshot in ended:
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
    if wanted:
        st.caption("Maps by PCA; UMAPs are being laid out and take their place.")
        polling.watch(lambda: any(polling.ended(engine.map_state(*asked)) for asked in wanted), False, LOOK)


def tick(going: int) -> float:
    """How many seconds lie between two looks at so many runs."""
    return TICK + going


def maps(
    folders: Sequence[Folder], names: Sequence[str], going: set[str], together: bool, until: float | None
) -> list[Film]:
    """The maps as they are now, and the films of those that have ended, if all have.

    The page runs anew when one of `going` has ended. With `until` it hurries: it does so, too, when all have codes and
    it is later than that.
    """
    states = jobs.engine().states([folder.id for folder in folders])
    if any(states[i].final for i in going):
        st.rerun()
    height = {1: 470, 2: 360}.get(len(folders), 190)
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
            elif film := ended(folder, name, group, height, first if together and not going else None):
                films.append(film)
    if until is not None and time.monotonic() > until and all(look(f)[0] for f in folders if f.id in going):
        st.rerun()
    return films


def going_on(folder: Folder, name: str, group: str, height: int, count: bool) -> None:
    """A run as it is now: by its pixels, until it has codes."""
    snapshot, _ = look(folder)
    if snapshot is not None:
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
    below(what, "until it has codes.")


def ended(folder: Folder, name: str, group: str, height: int, first: list | None) -> Film | None:
    """A run that has ended, and its film. `first` gathers the map that the others are turned to lie like."""
    snapshot, why = look(folder)
    if snapshot is None:
        st.caption(run_pickers.plain(why))
        return None
    space = next(iter(snapshot.spaces))
    laid = latent_map.is_laid(folder, snapshot.epoch, space)
    return one(folder, snapshot, name, group, height, latent_map.UMAP.name if laid else "pca", first)


def head(folder: Folder, name: str, colour: str, state: State) -> None:
    """What the run is, and how far it is."""
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        run_cards.named(name, colour)
        told = run_cards.pace(folder, state) if state.state in ("running", "done") else state.state
        place = f", position {state.position}" if state.position else ""
        st.caption(f"{told}{place}", width="content")


def one(
    folder: Folder,
    snapshot: SnapshotImages,
    name: str,
    group: str,
    height: int,
    projection: str,
    first: list | None,
    count: bool = True,
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
        film=film.data() if film else None,
    )  # fmt: skip
    brief, why = MODELS[run.model].expected(space)
    test, alike = (f"<b>{figures.percent(value)}</b>" for value in (metrics(folder).test_accuracy, agreement))
    below(
        f"{test} test accuracy · {alike} same-class neighbours",
        html.escape(brief),
        f"After epoch {snapshot.epoch}; the map is {positions.title}. {brief} {why}",
    )
    return film


def below(first: str, second: str, told: str = "") -> None:
    """Two lines of HTML below a map, and what the pointer is told in plain text."""
    title = f' title="{html.escape(told, quote=True)}"' if told else ""
    st.html(f'<p{title} style="font-size:.75rem;line-height:1.35;margin:0">{first}<br>{second}</p>')


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
