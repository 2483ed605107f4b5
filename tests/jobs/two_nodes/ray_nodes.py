"""What the tests with two nodes share: clusters, engines on them, and what they ask of processes."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import lab as lab_module
import namespace
import pytest
from lab import ROOT, lab, until

from models.runs.run import Run

HERE = Path(__file__).parent
FOLDER = os.environ.get("FEWLABELS_TEST_INSIDE", "")  # of this test: what Ray and the figures write lies there
PATIENCE = 120.0  # seconds, on a busy machine
AT_ONCE = 5.0  # within which each refusal is said, on a machine at rest
STOP = 2.0  # within which a run is stopped, on a machine at rest
BUSY = float(os.environ.get("FEWLABELS_TEST_BUSY", "4"))  # times as long on a busy one
OF_THE_TESTS = ("FEWLABELS_TEST_SESSION", "FEWLABELS_TEST_INSIDE", "FEWLABELS_TEST_BUSY")
HEALTH = {  # a node that is gone is known to be in seconds
    "health_check_initial_delay_ms": 1000,
    "health_check_period_ms": 1000,
    "health_check_timeout_ms": 3000,
    "health_check_failure_threshold": 4,
}
lab_module.POLL = 0.05  # here one waits for seconds, and looking was a third of the processor time
REAL = Run.make("digits", "m2", epochs=5, threads=1)


def figure(what, seconds, at_most=None):
    """Note how long something took, and hold it to its promise."""
    with open(Path(FOLDER) / "figures", "a") as f:
        f.write(f"{what}: {seconds:.2f} s\n")
    assert at_most is None or seconds < at_most * BUSY, f"{what} took {seconds:.1f} s"


@contextmanager
def nobodys():
    """A node belongs to no engine, whichever is in force as it begins."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("FEWLABELS_") and name not in OF_THE_TESTS]:
            patch.delenv(name)
        yield


class Nodes:
    """A cluster of Ray's own making: a head that runs nothing, and nodes of one CPU."""

    def __init__(self, *names):
        from ray.cluster_utils import Cluster

        head = {"num_cpus": 0, "include_dashboard": False, "node_name": "head", "_system_config": HEALTH}
        with nobodys():
            self.cluster = Cluster(initialize_head=True, head_node_args=head)
        self.address = self.cluster.address
        self.nodes = {}
        for name in names:
            self.add(name, wait=False)
        self.cluster.wait_for_nodes()

    def add(self, name, **more):
        with nobodys():
            self.nodes[name] = self.cluster.add_node(node_name=name, **{"num_cpus": 1, **more})

    def kill(self, name):
        self.cluster.remove_node(self.nodes.pop(name), allow_graceful=False)


# README's lines


def lines():
    """README's commands for a cluster, as words: the head's, another node's, the explorer's; and its address there."""
    section = (ROOT / "README.md").read_text(encoding="utf-8").partition("## On a cluster")[2].partition("\n## ")[0]
    found = [shlex.split(line) for line in re.findall(r"^    (\S.*)$", section, re.M)]
    address = next(word for word in found[1] if word.startswith("--address=")).partition("=")[2]
    return *found, address


def begin(words, log, before="true", around=(), cwd=None, **env):
    """Begin a node by such a line, on this machine alone and in the foreground."""
    words = list(words)
    while "=" in words[0]:
        name, _, value = words.pop(0).partition("=")
        env = {name: value, **env}
    assert words.pop(0).endswith("/ray")
    command = shlex.join([sys.executable, str(HERE / "loopback.py"), *words, "--block"])
    # Ray gives up a node that is not up after 30 s, which a busy machine may need.
    command = [*around, "sh", "-c", f"{before}; until {command}; do sleep 1; done"]
    with nobodys(), pytest.MonkeyPatch.context() as patch:
        patch.delenv("RAY_USAGE_STATS_ENABLED", raising=False)  # the line itself says it
        env = {**os.environ, "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "1", **env}
    with open(log, "wb") as out:
        return subprocess.Popen(command, env=env, cwd=cwd, start_new_session=True, stdout=out, stderr=out)


def end(process):
    """End a node that `begin` began, with all of its session."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[3]) == process.pid:
                os.kill(int(stat.parent.name), signal.SIGKILL)


def can_mount():
    """Whether a process here may have a view of the file system of its own."""
    command = ["unshare", "-m", "sh", "-c", "mount -t tmpfs none /mnt"]
    if namespace.refused():
        return False
    return bool(shutil.which("unshare")) and subprocess.run(command, capture_output=True).returncode == 0


BLIND = """
import sys
def look(event, args):
    if event in ("open", "os.listdir", "os.scandir") and str(args[0]).startswith({root!r}):
        raise FileNotFoundError(2, "this node does not see it", args[0])
sys.addaudithook(look)
"""


def python_path(*folders):
    return os.pathsep.join([*map(str, folders), os.environ["PYTHONPATH"]])


# Engines


def on(address, root, **env):
    return lab(root, **{"FEWLABELS_CLUSTER": address, "FEWLABELS_SLOTS": "", **env})


def ready(it):
    it.ready()
    until(lambda: it.capacity().nodes, PATIENCE, "the cluster's nodes")
    return it


def node_of(it, id):
    return until(lambda: it.folder(id).node(), PATIENCE, f"{id} on a node")


def result(it, id):
    assert it.end(id, 300) == "done", it.states([id])[id].detail
    (result,) = it.records(id, "result")
    return {k: v for k, v in result.items() if k in ("test_accuracy", "labelled_accuracy", "step", "epochs", "threads")}


def curve(it, id):
    return [(r["epoch"], r["J"] if r["epoch"] else None, r["test_accuracy"]) for r in it.records(id, "epoch")]


def says(it, id, text, since, what):
    """Wait for a sentence about a run that waits, which is said at once."""
    until(lambda: text in it.states([id])[id].detail, PATIENCE, f"{text!r}, not {it.states([id])[id].detail!r}")
    figure(what, time.monotonic() - since, AT_ONCE)
    return it.states([id])[id]


def stopped(it, id, what):
    """Stop a run, which is done at once."""
    since = time.monotonic()
    it.stop(id)
    assert it.end(id) == "stopped"
    figure(what, time.monotonic() - since, STOP)


# Processes


def listening():
    """The addresses at which processes of this test listen, as the kernel writes them."""
    mark, inodes = f"FEWLABELS_TEST_INSIDE={FOLDER}".encode(), set()
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark in (entry / "environ").read_bytes().split(b"\0"):
                for fd in (entry / "fd").iterdir():
                    with suppress(OSError):
                        inodes |= set(re.findall(r"socket:\[(\d+)\]", os.readlink(fd)))
    rows = [line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    return {row[1].partition(":")[0] for row in rows if row[3] == "0A" and row[9] in inodes}


LOOPBACK = {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}
