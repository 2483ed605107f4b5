"""Measures what a cluster costs a run, for docs/scaling.md; in a network of its own, for Ray listens to all of them:

    unshare -n .venv/bin/python tests/jobs/two_nodes/namespace.py .venv/bin/python -m tests.bench.on_a_cluster

Prints submit to first step on this machine (forked and cold) and through Ray, and how long a budget curve takes on 1, 2
and 4 nodes of one CPU each. Needs Ray (make cluster). Nodes on one machine share its cores, so what more nodes than
cores give says nothing of more machines.
"""

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
TIMES = 5
CURVE = (10, 20, 50, 100)


def first_step(it, run) -> float:
    """Seconds from submit to the first record of a step."""
    begin = time.time()
    id = it.submit(run)
    while not (steps := it.records(id, "step")):
        time.sleep(0.005)
    it.stop(id)
    it.end(id)
    return steps[0]["t"] - begin


def say(text: str) -> None:
    """With the load, which others' work may be the most of."""
    print(f"{text} [load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores]", flush=True)


def main() -> None:
    os.environ["RAY_TMPDIR"] = os.environ["HOME"] = tempfile.mkdtemp(prefix="fl-", dir="/tmp")
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled", "OMP_NUM_THREADS": "1"}
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    from lab import lab
    from ray.cluster_utils import Cluster

    from models.runs.run import Run

    quick = Run.make("digits", "supervised", epochs=200, threads=1)
    curve = [Run.make("digits", "supervised", n, seed, epochs=10, threads=1) for n in CURVE for seed in range(2)]

    what = f"budget curve of {len(curve)} runs"

    def shown(step: str, seconds: list[float]) -> None:
        say(f"{step}: median {statistics.median(seconds):.2f} s ({min(seconds):.2f} to {max(seconds):.2f})")

    def together(it) -> float:
        begin = time.time()
        ids = [it.submit(run) for run in curve]
        for id in ids:
            assert it.end(id, 600) == "done"
        return time.time() - begin

    say("before we begin")
    for kind, fork in (("forked", "1"), ("cold", "0")):
        root = Path(tempfile.mkdtemp(prefix="fl-runs-"))
        with lab(root, FEWLABELS_FORK=fork, FEWLABELS_SLOTS="1", FEWLABELS_TRAIN="") as it:
            it.ready()
            shown(f"first step, this machine, {kind}", [first_step(it, quick) for _ in range(TIMES)])
            if fork == "1":
                say(f"{what}, this machine, one at a time: {together(it):.0f} s")
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    nodes = []
    for n in (1, 2, 4):
        while len(nodes) < n:
            nodes.append(cluster.add_node(num_cpus=1, node_name=f"node-{len(nodes)}"))
        root = Path(tempfile.mkdtemp(prefix="fl-runs-"))
        settings = {"FEWLABELS_CLUSTER": cluster.address, "FEWLABELS_SLOTS": "", "FEWLABELS_TRAIN": ""}
        with lab(root, **settings) as it:
            while len(it.capacity().nodes) < n + 1:
                it.warm()
                time.sleep(0.05)
            if n == 1:
                shown("first step, Ray", [first_step(it, quick) for _ in range(TIMES)])
            say(f"{what}, Ray, {n} nodes: {together(it):.0f} s")
    say("at the end")
    cluster.shutdown()


if __name__ == "__main__":
    main()
