"""Guided tour: five stops that set the pages up, on the embedded digits, with runs that train meanwhile."""

import streamlit as st

from models import MODELS, jobs
from models.jobs import JobsError
from models.run import Run, RunError
from models.store import StoreError
from pages.parts import controls, filling, frame, stops


def train(runs: list[Run]) -> None:
    """Start those of `runs` that nobody has, each once."""
    try:
        filling.fill(runs)
    except (RunError, StoreError, JobsError) as e:
        controls.refuse(str(e))


def begin() -> None:
    """Train what nobody ever began. What was stopped or failed is begun again by a button only."""
    wanted = stops.wanted()
    ended = filling.begun(wanted)
    train([run for run in wanted if filling.kind(run) not in ended])


def show(runs: stops.Runs, going: bool) -> None:
    """The stops, those first that can be looked at."""
    for number, stop in enumerate(stops.STOPS, 1):
        with st.container(border=True, key=f"stop-{number}"):
            st.subheader(f"{number}. {stop.title}", anchor=f"stop-{number}")
            st.markdown(stop.look)
            with st.container(horizontal=True, gap="small"):
                for way in stop.ways:
                    link(way, runs)
            lacking = [m for m in stop.needs if m not in runs]
            if lacking:
                waiting(lacking, going, number)
            st.markdown(f":small[**What you see there.** {stop.means}]")
            if said := stop.says(runs):
                st.caption(controls.plain(said))


def link(way: stops.Way, runs: stops.Runs) -> None:
    """A link; one whose runs are not there yet cannot be followed."""
    ready = all(m in runs for m in way.needs)
    st.page_link(
        f"pages/{way.page}", label=way.label, icon=way.icon, disabled=not ready,
        query_params=way.query(runs) if ready else None,
    )  # fmt: skip


def waiting(lacking: list[str], going: bool, number: int) -> None:
    """Say of methods that a stop shows and that are not there yet what becomes of them."""
    names = " and ".join(MODELS[m].legend for m in lacking)
    verb = "is" if len(lacking) == 1 else "are"
    if going:
        st.caption(f":material/hourglass_top: {names} {verb} being trained, and can be looked at in a moment.")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"{names} {verb} not trained: the training was stopped or failed. Train shows why.", width="content")
        if st.button("Train again", key=f"again-{'-'.join(lacking)}-{number}", icon=":material/refresh:"):
            train([run for run in stops.wanted() if run.model in lacking])
            st.rerun()


frame.open(
    "Guided tour",
    icon=":material/explore:",
    lead=f"Five stops, about three minutes each, on digits of which {stops.LABELS} carry a label. "
    "What they show is trained on this machine, now, in the background.",
)
jobs.engine().warm()
if "toured" not in st.session_state:
    st.session_state["toured"] = True
    begin()


_, live = stops.there_are()


@st.fragment(run_every=1.0 if live else None)
def tour() -> None:
    runs, going = stops.there_are()
    if going != live:
        st.rerun()  # with or without a timer
    show(runs, going)


tour()
