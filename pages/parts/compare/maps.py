"""The latent maps of the compared runs, side by side: the same images in all, one bar that plays them, one pinned."""

from collections.abc import Sequence
from functools import partial

import streamlit as st

from data import DATASETS
from models import MODELS, jobs
from models.analysis import projections, snapshots
from models.analysis.snapshots import SnapshotImages
from models.errors import UserError
from models.runs.store import FINAL
from pages.parts.compare.compared_runs import GROUP, Side
from pages.parts.components import latent_map as map_component
from pages.parts.inside import latent_film
from pages.parts.inside.latent_film import Film
from pages.parts.lab import live_maps
from pages.parts.shared import latent_map, polling, run_cards, run_metrics, run_pickers, url_state
from pages.parts.shared.latent_map import UMAP

SPACES = tuple(dict.fromkeys(space for card in MODELS.values() if card.draws for space in card.spaces))
HEIGHT = 480  # pixels of a map at most; on a smaller screen all of them and the bar that plays them are in sight
FEW = 3  # maps side by side; four stand in two rows, where each is larger
STYLE = """<style>
.st-key-maps {--map-fit: clamp(11rem, calc((100vh - %.1frem) / %d), 30rem)}
.st-key-maps [data-testid=stHorizontalBlock]:has(> [data-testid=stColumn]) {flex-wrap:wrap; row-gap:.6rem}
.st-key-maps [data-testid=stColumn] {min-width:min(15rem,calc(50%% - .5rem)) !important; flex:1 1 0 !important}
@media (max-width:640px) {.st-key-maps [data-testid=stHorizontalBlock]:has(> [data-testid=stColumn]) {gap:.8rem}}
.st-key-view > :first-child {flex:0 0 auto; width:auto}
</style>"""
ABOVE, EACH = 14.9, 5.5  # rem of a screen: what stands above and below all rows of maps, and in each above a map


def choose_view(runs: Sequence[Side]) -> tuple[str, str]:
    """The space and the projection of all maps."""
    has = {space for s in runs if MODELS[s.folder.run.model].draws for space in MODELS[s.folder.run.model].latents}
    spaces = {space: space for space in SPACES if space == "z" or space in has}
    some = len(spaces) > 1
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        space = run_pickers.segments("Space", "space", spaces, shown=some, width="content")
        kept = [s for s in runs if s.snapshot]
        laid = all(latent_map.is_laid(s.folder, s.snapshot.epoch, of(s.snapshot, space)) for s in kept)
        projection = latent_map.choose_projection(bool(kept) and laid)
    return space if some else "z", projection


def show(runs: Sequence[Side], said: Sequence[str] = ()) -> None:
    """The latent maps, first of all; below them what chooses their view, and what is `said` of the runs, as Markdown.

    Those of one data set share colours, filters, and the image one points at.
    """
    runs = [side.mapped for side in runs]
    kept = [s.snapshot for s in runs if s.snapshot]
    together = len({p.dataset for p in kept}) == 1
    full = next((p for p in kept if p.q_y is not None), kept[0] if kept else None)
    rows = 2 if len(runs) > FEW else 1
    ended = all(s.state == "done" for s in runs)
    st.html(STYLE % (ABOVE + rows * EACH + (0 if ended else 2 * rows), rows))
    place, below = (
        st.container(key="maps", gap="xsmall"),
        st.container(key="view", horizontal=True, vertical_alignment="bottom"),
    )
    with below, st.container():
        space, projection = choose_view(runs)
    if together:
        with below, st.container():
            map_component.legend(
                full, key="compare-colours", group=GROUP, colour=colouring(full), compact=True, shows="controls"
            )
    elif kept:
        st.caption("These runs learnt different data sets, so each map has its own classes, colours and images.")
    waiting, films, shown, first = [], [], [], []
    states = jobs.engine().states([s.folder.id for s in runs])
    with place:
        columns = [c for _ in range(rows) for c in st.columns(len(runs) // rows, gap="medium")]
        for side, column in zip(runs, columns, strict=True):
            with column, st.container(gap="xxsmall"):
                if not ended or side.snapshot is None:
                    live_maps.head(side.folder, side.name, side.colour, states[side.folder.id])
                if side.snapshot is None:
                    st.caption(run_pickers.plain(side.why))
                    continue
                try:
                    positions, busy = lay(side, space, projection)
                except UserError as e:
                    st.caption(run_pickers.plain(str(e)))
                    continue
                if together and first:
                    positions = latent_map.turned(positions, side.snapshot, *first[0])
                first.append((positions, side.snapshot))
                on = of(side.snapshot, space)
                above = st.container(gap="xxsmall")  # what is said of a film that is being made stands below its map
                film = latent_film.of_map(side.folder, side.snapshot, positions, on) if together else None
                films += [film] if film else []
                with above:
                    one_map(side, positions, on, busy, together, film, named=ended)
                shown.append((side, positions, on, film))
                waiting += [side] if busy else []
        if films:
            scrub(films)
        if together:
            map_component.legend(full, key="compare-legend", group=GROUP, colour=colouring(full), shows="legend")
    for sentence in filter(None, said):
        st.markdown(sentence)
    captions(shown)
    if together:
        with st.container(key="looked"):
            pin, selected = st.columns(2)
        with pin:
            pinned([s for s in runs if s.snapshot], space)
        with selected:
            names = {f"compare-map-{s.folder.id}": s.name for s in runs if s.snapshot}
            map_component.grid(full, key="compare-grid", group=GROUP, file="compare", maps=names)
    watch(runs, space, waiting)


def colouring(snapshot: SnapshotImages) -> str:
    """By which the points are coloured at first: what is predicted, with what is wrong, as the accuracy below says."""
    return "class" if snapshot.q_y is None else "sure"


def scrub(films: Sequence[Film]) -> None:
    """One slider for all maps; a run with fewer epochs waits at its last."""
    epochs, key = sorted({e for film in films for e in film.epochs}), "compare-film"
    at, moved = latent_film.asked(epochs), partial(latent_film.to_address, key)
    map_component.scrubber(epochs, at, key=key, group=GROUP, on_epoch=moved)


def of(snapshot: SnapshotImages, space: str) -> str:
    """The space asked for if the run has it, else its first: z, or h of the baseline."""
    return space if space in snapshot.spaces else next(iter(snapshot.spaces))


def lay(side: Side, space: str, projection: str) -> tuple[latent_map.Layout, str]:
    """Where the points lie, and what is still being computed. Raises LatentError."""
    going, space = side.state not in FINAL, of(side.snapshot, space)
    positions, busy = latent_map.lay(side.folder, side.snapshot, space, "pca" if going else projection), ""
    if projection == "umap" and positions.projection == "pca" and not going:
        busy, why = ask_map(side, space)
        if why:
            st.caption(run_pickers.plain(why))
    return positions, busy


def one_map(
    side: Side,
    positions: latent_map.Layout,
    space: str,
    busy: str,
    together: bool,
    film: Film | None = None,
    named: bool = False,
) -> None:
    """One map; above it what the run measured after each epoch shown, and its name if it is to be `named` there."""
    run, group = side.folder.run, GROUP if together else f"{GROUP}-{side.folder.id}"
    known = measured(side, film)
    if known:
        map_component.score(
            list(known), list(known.values()), key=f"compare-score-{side.folder.id}", group=group,
            images=DATASETS[run.dataset].n_test, name=side.name if named else "",
            label=f"test accuracy, {run.budget()}, seed\u00a0{run.seed}", colour=side.colour,
        )  # fmt: skip
    elif named:
        run_cards.named(side.name, side.colour)
    map_component.show(
        side.snapshot,
        positions,
        key=f"compare-map-{side.folder.id}",
        group=group,
        label=f"{positions.title} of {run_pickers.run_label(side.folder)}",
        note=f"{run.budget()}, seed {run.seed}",
        claim=MODELS[run.model].expected(space)[0],
        busy=busy,
        height=HEIGHT,
        chrome=False,
        compact=True,
        colour=colouring(side.snapshot),
        film=film.data() if film else None,
    )


def measured(side: Side, film: Film | None) -> dict[int, float]:
    """The test accuracies that a run recorded, by the epochs that its map shows."""
    of_run = run_metrics.metrics(side.folder)
    epochs = film.epochs if film else (side.snapshot.epoch,)
    return {e: a for e in epochs if (a := of_run.test_after(e)) is not None}


def captions(shown: Sequence[tuple[Side, latent_map.Layout, str, Film | None]]) -> None:
    """What each of the maps is of."""
    for (side, positions, space, film), column in zip(shown, st.columns(max(1, len(shown))), strict=False):
        # Where a film is, the score says which of its epochs the map shows.
        when = f"epochs {film.epochs[0]} to {film.epochs[-1]}" if film else f"epoch {side.snapshot.epoch}"
        what = f"The map is the {positions.title}, {when}. {MODELS[side.folder.run.model].expected(space)[1]}"
        known = measured(side, film).get(side.snapshot.epoch)
        drawn = snapshots.drawn_anew(side.snapshot, known, DATASETS[side.folder.run.dataset].n_test)
        column.caption(
            f"**{run_pickers.plain(side.name)}.** {run_pickers.plain(f'{what} {drawn[:1].upper()}{drawn[1:]}')}"
        )


def ask_map(side: Side, space: str) -> tuple[str, str]:
    """Have a UMAP made: what to say while it is, or why it cannot be."""
    why = projections.why_no_map(side.snapshot.spaces[space])
    if why:
        return "", why
    engine = jobs.engine()
    try:
        state, why = engine.map_state(side.folder.id, side.snapshot.epoch, space, UMAP.name)
        if state == "ready" and not projections.drop_map(
            side.folder.path, space, side.snapshot.epoch, side.snapshot.ids
        ):
            st.rerun()  # it has become ready since the points were laid out
        if state in ("absent", "ready"):
            engine.map(side.folder.id, side.snapshot.epoch, space, UMAP.name)
    except UserError as e:
        return "", str(e)
    return ("", why) if state == "failed" else (f"{UMAP.title} is being computed", "")


@st.fragment
def pinned(runs: Sequence[Side], space: str) -> None:
    """One image as every run sees it. A click on a map draws this anew and nothing else."""
    id = url_state.asked("image", -url_state.LARGEST)
    have = [s for s in runs if id is not None and (s.snapshot.ids == id).any()]
    for side, column in zip(have or runs[:1], st.columns(len(runs)) if have else [st.container()], strict=False):
        with column:
            if have:
                st.markdown(f"**{run_pickers.plain(side.name)}**")
            key = f"compare-card-{side.folder.id}"
            map_component.card(
                side.snapshot,
                id if have else None,
                key=key,
                group=GROUP,
                space=of(side.snapshot, space),
                marks=False,
                on_pin=partial(latent_map.to_address, key),
            )


def watch(runs: Sequence[Side], space: str, waiting: Sequence[Side]) -> None:
    """While something goes on: draw the page anew when there is a new snapshot or map."""
    going, engine = [s for s in runs if s.state not in FINAL], jobs.engine()
    maps = [(s.folder.id, s.snapshot.epoch, of(s.snapshot, space), UMAP.name) for s in waiting]
    seen = [(s.snapshot.epoch if s.snapshot else None, s.state) for s in going]

    def look() -> tuple[list, bool]:
        return [polling.snapshot_of(s.folder) for s in going], any(polling.ended(engine.map_state(*m)) for m in maps)

    if going or waiting:
        polling.watch(look, (seen, False))
