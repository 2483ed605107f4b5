"""The latent maps of up to four runs while they learn, each with what to expect of its space and two numbers.

A run that goes on is drawn in a fragment of its own, by PCA, which has a picture of each new epoch at once. When all
have ended, the maps are those of Compare: UMAP where it is laid out, turned alike, with one bar that plays them all.
"""

import html
import math
from collections.abc import Sequence
from functools import partial

import streamlit as st

from models import MODELS, jobs
from models.analysis.snapshots import SnapshotImages
from models.errors import UserError
from models.runs.store import FINAL, Folder
from pages.parts.compare.compared_runs import look
from pages.parts.components import latent_map as map_component
from pages.parts.inside import latent_film
from pages.parts.inside.latent_film import Film
from pages.parts.shared import figures, latent_map, run_cards, run_pickers, url_state
from pages.parts.shared.run_metrics import metrics

GROUP = "lab"  # of the maps and the card: they look at the same image
MOST = 4
TICK = 2.5  # seconds between two looks at a run that goes on: looking takes from what the runs have
SOON = 0.5  # seconds, until the first map is there
EACH = 5  # epochs: so often the neighbours of a run that goes on are counted, which takes a tenth of a second


def show(folders: Sequence[Folder], names: Sequence[str]) -> None:
    """The maps in one row, or in two from three runs on; a legend above them, and a bar that plays them below."""
    seen = {folder.id: look(folder)[0] for folder in folders}
    kept = [snapshot for snapshot in seen.values() if snapshot]
    together = len({folder.run.dataset for folder in folders}) == 1
    if kept and together:
        map_component.legend(kept[0], key="lab-legend", group=GROUP, compact=True)
    going = [f for f in folders if f.status()["state"] not in FINAL]
    height = {1: 470, 2: 360}.get(len(folders), 190)
    colours = run_cards.colours_of(folders)
    films: list[Film] = []
    first: list[tuple[latent_map.Layout, SnapshotImages]] = []
    per_row = 1 if len(folders) == 1 else 2
    for start in range(0, len(folders), per_row):
        for k, column in enumerate(st.columns(per_row)[: len(folders) - start], start):
            folder = folders[k]
            group = GROUP if together else f"{GROUP}-{folder.id}"
            with column, st.container(gap="xxsmall"):
                if folder in going:
                    shown = seen[folder.id] is not None
                    live = partial(going_on, folder, names[k], colours[k], group, height, shown)
                    st.fragment(live, run_every=TICK if shown else SOON)()
                    continue
                film = ended(folder, names[k], colours[k], group, height, first if together and not going else None)
                films += [film] if film else []
    if films:
        epochs = sorted({e for film in films for e in film.epochs})
        moved = partial(latent_film.to_address, "lab-film")
        map_component.scrubber(epochs, latent_film.asked(epochs), key="lab-film", group=GROUP, on_epoch=moved)


def going_on(folder: Folder, name: str, colour: str, group: str, height: int, shown: bool) -> None:
    """A run as it is now. When its first map is there, if none was `shown`, or it ends, the page runs anew."""
    state = jobs.engine().states([folder.id])[folder.id]
    if state.final:
        st.rerun()
    head(folder, name, colour)
    snapshot, _ = look(folder)
    if snapshot is None:
        st.skeleton(height=height)
        st.caption("Its map comes with its first epoch.")
        return
    if not shown:
        st.rerun()
    one(folder, snapshot, name, group, height, "pca", None)


def ended(folder: Folder, name: str, colour: str, group: str, height: int, first: list | None) -> Film | None:
    """A run that has ended, and its film. `first` gathers the map that the others are turned to lie like."""
    head(folder, name, colour)
    snapshot, why = look(folder)
    if snapshot is None:
        st.caption(run_pickers.plain(why))
        return None
    space = next(iter(snapshot.spaces))
    laid = latent_map.is_laid(folder, snapshot.epoch, space)
    return one(folder, snapshot, name, group, height, latent_map.UMAP.name if laid else "pca", first)


def head(folder: Folder, name: str, colour: str) -> None:
    """What the run is, and how far it is."""
    state = jobs.engine().states([folder.id])[folder.id]
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        run_cards.dot(colour)
        st.markdown(f"**{run_pickers.plain(name)}**", width="content")
        told = run_cards.pace(state, metrics(folder)) if state.state in ("running", "done") else state.state
        place = f", position {state.position}" if state.position else ""
        st.caption(f"{told}{place}", width="content")


def one(
    folder: Folder, snapshot: SnapshotImages, name: str, group: str, height: int, projection: str, first: list | None
) -> Film | None:
    """The map of one snapshot, its two numbers and its caption."""
    space, run = next(iter(snapshot.spaces)), folder.run
    try:
        positions = latent_map.lay(folder, snapshot, space, projection)
        if first:
            positions = latent_map.turned(positions, snapshot, *first[0])
        elif first is not None:
            first.append((positions, snapshot))
        film = latent_film.of_map(folder, snapshot, positions, space) if first is not None else None
        agreement = neighbours(folder, snapshot, space)
    except UserError as e:
        st.caption(run_pickers.plain(str(e)))
        return None
    map_component.show(
        snapshot, positions, key=f"lab-map-{folder.id}", group=group, height=height, chrome=False,
        compact=True,
        label=f"{positions.title} of {name}", note=f"{run.budget()}, seed {run.seed}",
        film=film.data() if film else None,
    )  # fmt: skip
    expected = MODELS[run.model].spaces.get(space, "")
    accuracy = next((a for a in reversed(metrics(folder).test) if not math.isnan(a)), None)
    test, alike = (f"<b>{figures.percent(value)}</b>" for value in (accuracy, agreement))
    numbers = f"{test} test accuracy · {alike} same-class neighbours"
    told = html.escape(f"After epoch {snapshot.epoch}; the map is {positions.title}. {expected}", quote=True)
    brief = html.escape(expected.partition(":")[0])
    st.html(f'<p title="{told}" style="font-size:.75rem;line-height:1.35;margin:0">{numbers}<br>{brief}.</p>')
    return film


def neighbours(folder: Folder, snapshot: SnapshotImages, space: str) -> float:
    """The share of neighbours of the same class; of a run that goes on, as it was some epochs ago."""
    counted = snapshot
    if folder.status()["state"] not in FINAL:
        counted = latent_map.look(folder, snapshot.epoch - snapshot.epoch % EACH) or snapshot
    return latent_map.figures(folder, counted, space).agreement


def pinned(folders: Sequence[Folder], names: Sequence[str], key: str = "lab-of") -> None:
    """What one of the runs draws, and the pinned image as it sees it. For a fragment: a click draws this anew."""
    by_name = dict(zip(names, folders, strict=True))
    if st.session_state.get(key) not in by_name:
        st.session_state[key] = names[-1]
    name = names[0]
    if len(names) > 1:
        name = st.selectbox("Samples and class probabilities of", names, key=key, format_func=run_pickers.plain)
    folder = by_name[name]
    if kept := folder.samples():
        epoch, path = kept[-1]
        said = f"Samples after epoch {epoch}: a row is a class"
        st.image(str(path), width="stretch", caption=said, alt=f"Class grid of {name} after epoch {epoch}")
    snapshot, _ = look(folder)
    if snapshot is not None:
        id = url_state.asked("image", -url_state.LARGEST)
        map_component.card(
            snapshot, id if id is not None and (snapshot.ids == id).any() else None, key="lab-card", group=GROUP,
            space=next(iter(snapshot.spaces)), on_pin=partial(latent_map.to_address, "lab-card"),
        )  # fmt: skip
