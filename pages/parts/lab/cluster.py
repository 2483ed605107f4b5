"""The Cluster panel of Lab: the nodes that runs train on, what each is at, and what waits. Only where there is one."""

from collections import Counter

import streamlit as st

from models import jobs
from models.jobs import Capacity
from models.runs import store
from pages.parts.shared import run_pickers

LOOK = 2.0  # seconds between two looks


def show(capacity: Capacity) -> None:
    """Nothing without a cluster."""
    if capacity.cluster:
        st.subheader("Cluster", anchor=False)
        st.fragment(panel, run_every=LOOK)()


def panel() -> None:
    capacity = jobs.engine().capacity()
    st.caption(summary(capacity))
    if capacity.nodes:
        st.table(rows(capacity))


def summary(capacity: Capacity) -> str:
    """Where the cluster is and what it does, in a sentence."""
    nodes = f"{len(capacity.nodes)} node{'s' * (len(capacity.nodes) != 1)}"
    waits = f"{capacity.queued} wait{'s' * (capacity.queued == 1)} in the queue"
    return f"{nodes} at {run_pickers.plain(capacity.cluster)}. {capacity.running} running, {waits}."


def rows(capacity: Capacity) -> list[dict[str, str]]:
    """A line for each node."""
    engine = jobs.engine()
    states = engine.states([folder.id for folder in store.runs(store.root())])
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


def used(has: float, free: float) -> str:
    return f"{has - free:g} of {has:g}" if has else "none"
