"""The Cluster panel of Lab: the nodes that runs train on, what each is at, and what waits. Only where there is one."""

from collections import Counter
from collections.abc import Mapping, Sequence

import streamlit as st

from models import MODELS, jobs
from models.jobs import Capacity, State
from models.runs import store
from models.runs.store import Folder
from pages.parts.shared import polling, run_pickers

LOOK = 2.0  # seconds between two looks
NEXT = 5  # waiting runs that are named


def show(capacity: Capacity) -> None:
    """Nothing without a cluster."""
    if capacity.cluster:
        st.subheader("Cluster", anchor=False)
        polling.part(panel, LOOK)()


def panel() -> None:
    engine = jobs.engine()
    capacity, folders = engine.capacity(), store.runs(store.root())
    states = engine.states([folder.id for folder in folders])
    st.caption(summary(capacity))
    if capacity.nodes:
        st.table(rows(capacity, states))
    if line := waiting(folders, states):
        st.caption(line)


def summary(capacity: Capacity) -> str:
    """Where the cluster is and what it does, in a sentence."""
    nodes = f"{len(capacity.nodes)} node{'s' * (len(capacity.nodes) != 1)}"
    waits = f"{capacity.queued} wait{'s' * (capacity.queued == 1)} in the queue"
    return f"{nodes} at {run_pickers.plain(capacity.cluster)}. {capacity.running} running, {waits}."


def rows(capacity: Capacity, states: Mapping[str, State]) -> list[dict[str, str]]:
    """A line for each node."""
    ours = Counter(state.node for state in states.values() if state.node and not state.final)
    return [
        {
            "Node": node.name,
            "CPUs in use": used(node.cpus, node.free_cpus),
            "GPUs in use": used(node.gpus, node.free_gpus),
            "Runs of ours": str(ours[node.name]),
            "State": node.trouble or ("takes runs" if node.cpus else "runs nothing itself"),
        }
        for node in capacity.nodes
    ]


def waiting(folders: Sequence[Folder], states: Mapping[str, State]) -> str:
    """Who is next in the queue; "" if nobody waits."""
    line = sorted(((p, f.run) for f in folders if (p := states[f.id].position)), key=lambda at: at[0])[:NEXT]
    named = [f"{MODELS[run.model].title}, {run.labels} labels, seed {run.seed}" for _, run in line]
    return f"Next in the queue: {'; '.join(named)}." if named else ""


def used(has: float, free: float) -> str:
    return f"{has - free:g} of {has:g}" if has else "none"
