"""Guided tour: five stops that set the pages up, on the embedded digits; their runs train once somebody asks."""

import streamlit as st

import data
from models import MODELS, jobs
from models.results import table
from models.runs import store
from pages.parts.shared import layout, run_pickers, train_missing
from pages.parts.start import tour_stops


def show(runs: tour_stops.Runs, going: bool) -> None:
    """The stops, those first that can be looked at."""
    for number, stop in enumerate(tour_stops.STOPS, 1):
        with st.container(border=True, key=f"stop-{number}"):
            st.subheader(f"{number}. {stop.title}", anchor=f"stop-{number}")
            st.markdown(stop.look)
            with st.container(horizontal=True, gap="small"):
                for way in stop.ways:
                    link(way, runs)
            lacking = [m for m in stop.needs if m not in runs]
            if lacking:
                waiting(lacking, going)
            st.markdown(f":small[**What you see there.** {stop.means}]")
            if said := stop.says(runs):
                st.caption(run_pickers.plain(said))


def link(way: tour_stops.Way, runs: tour_stops.Runs) -> None:
    """A link; one whose runs are not there yet cannot be followed."""
    ready = all(m in runs for m in way.needs)
    st.page_link(
        f"pages/{way.page}", label=way.label, icon=way.icon, disabled=not ready,
        query_params=way.query(runs) if ready else None,
    )  # fmt: skip


def waiting(lacking: list[str], going: bool) -> None:
    """Say of methods that a stop shows and that are not there yet what becomes of them."""
    names = " and ".join(MODELS[m].legend for m in lacking)
    verb = "is" if len(lacking) == 1 else "are"
    if going:
        st.caption(f":material/hourglass_top: {names} {verb} being trained, and can be looked at in a moment.")
    else:
        st.caption(f"{names} {verb} not trained yet. The button above trains what the tour shows.")


layout.open(
    "Guided tour",
    icon=":material/explore:",
    lead=f"Five stops, about three minutes each, on digits of which {tour_stops.LABELS} carry a label.",
)
jobs.engine().warm()
gap = train_missing.gaps({"tour": tour_stops.wanted()}, table.Shelf(store.root(), None))["tour"]
there, live = tour_stops.there_are()
if gap.runs:
    if there:
        st.caption("Where there is no run of yours yet, the stops show examples that come with Few Labels.")
    with st.container(horizontal=True, vertical_alignment="center"):
        train_missing.button(gap, key="train-tour", ready=data.availability(tour_stops.DATASET), primary=not there)


@st.fragment(run_every=1.0 if live else None)
def tour() -> None:
    runs, going = tour_stops.there_are()
    if going != live:
        st.rerun()  # with or without a timer
    show(runs, going)


tour()
