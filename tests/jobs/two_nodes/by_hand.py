"""A cluster begun by README's lines: what is refused and says why, nodes with their own data sets, a head restarted."""

import json
import os
import shutil
import socket
import time
from pathlib import Path

import fake_training as fake
import numpy as np
import pytest
from lab import ROOT, lab, until
from ray_nodes import (
    AT_ONCE,
    BLIND,
    FOLDER,
    HEALTH,
    LOOPBACK,
    PATIENCE,
    STOP,
    begin,
    can_mount,
    end,
    figure,
    lines,
    listening,
    on,
    python_path,
    ready,
    says,
)  # fmt: skip

from data import mnist

TORCHVISION = """
def FashionMNIST(folder, download):
    import shutil
    shutil.copytree({source!r}, folder + "/FashionMNIST/raw")
"""


class Head:
    """The head by README's line, which runs nothing, and the nodes that a test adds."""

    def __init__(self, folder):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{s.getsockname()[1]}"
        self.folder, self.nodes, self.kept, self.process = folder, [], None, None
        self.lines = lines()
        self.start()

    def words(self, line):
        host, port = self.address.split(":")
        there = self.lines[3].split(":")
        return [word.replace(there[0], host).replace(there[1], port) for word in self.lines[line]]

    def start(self):
        own = ["--num-cpus=0", "--node-name=head", f"--system-config={json.dumps(HEALTH)}"]
        self.process = begin([*self.words(0), *own], self.folder / "head.log")
        self.up("head")

    def add(self, name, **more):
        node = begin([*self.words(1), "--num-cpus=1", f"--node-name={name}"], self.folder / f"{name}.log", **more)
        self.nodes.append(node)
        self.up(name)  # before the next begins: two on one machine take the same names for their sockets
        return node

    def up(self, name):
        until(lambda: "Ray runtime started" in (self.folder / f"{name}.log").read_text(), PATIENCE, f"the node {name}")

    def plain(self):
        """A node that the last tests share, for to begin one takes its time.

        It has another version of our code, a folder of data sets and a cache of its own, and downloads from a server
        that a stand-in for torchvision plays.
        """
        if self.kept is None:
            for room in ("models", "data"):
                shutil.copytree(ROOT / room, self.folder / "code" / room, ignore=shutil.ignore_patterns("__pycache__"))
            (self.folder / "code" / "models" / "jobs" / "child.py").write_text("raise SystemExit('of another version')")
            (self.folder / "code" / "torchvision").mkdir()
            (self.folder / "code" / "torchvision" / "__init__.py").touch()
            stand_in = TORCHVISION.format(source=str(self.folder / "server"))
            (self.folder / "code" / "torchvision" / "datasets.py").write_text(stand_in)
            own = {"FEWLABELS_DATA": str(self.folder / "data"), "FEWLABELS_CACHE": str(self.folder / "cache")}
            own["PYTHONPATH"] = python_path(self.folder / "code")
            self.kept = self.add("plain", cwd=self.folder / "code", **own)
            self.nodes.remove(self.kept)
        return self.kept

    def forget_nodes(self):
        while self.nodes:
            end(self.nodes.pop())

    def close(self):
        self.forget_nodes()
        end(self.process)
        if self.kept:
            end(self.kept)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    made = Head(tmp_path_factory.mktemp("head"))
    yield made
    made.close()


@pytest.fixture
def head(cluster):
    yield cluster
    cluster.forget_nodes()


# README's lines


def test_the_lines_of_the_readme_start_what_they_promise(head):
    """No dashboard, no usage statistics; and the explorer's line names the cluster's address."""
    assert f"FEWLABELS_CLUSTER={lines()[3]}" in lines()[2]
    logs = Path(FOLDER) / "ray" / "session_latest" / "logs"

    def said():
        return any("Usage reporting is disabled" in log.read_text() for log in logs.glob("dashboard*.log"))

    until(said, PATIENCE, "its own word about usage statistics")
    heard_at = listening()
    assert heard_at
    assert heard_at <= LOOPBACK
    with socket.socket() as s:
        assert s.connect_ex(("127.0.0.1", 8265)) != 0, "the dashboard is off"


# Refusals


def test_no_cluster_there(tmp_path):
    with lab(tmp_path / "runs", FEWLABELS_CLUSTER="127.0.0.1:6399") as it:
        since = time.monotonic()
        id = it.go()
        assert says(it, id, "There is no Ray cluster at 127.0.0.1:6399 (", since, "no cluster there").state == "queued"
        assert "no Ray cluster" in it.capacity().trouble
        since = time.monotonic()
        it.stop(id)
        assert it.state(id) == "stopped"
        figure("stop of a run that waits for a cluster", time.monotonic() - since, STOP)
    with lab(tmp_path / "other", FEWLABELS_CLUSTER="auto", RAY_TMPDIR=str(tmp_path), RAY_ADDRESS="") as it:
        since = time.monotonic()
        assert says(it, it.go(), "There is no Ray cluster on this machine", since, "none at auto").state == "queued"


@pytest.mark.parametrize(
    ("token", "sentence"), [({"RAY_AUTH_TOKEN": "0" * 64}, "another token"), ({"RAY_AUTH_MODE": "disabled"}, "token")]
)
def test_who_has_not_the_token_does_not_get_in(head, tmp_path, token, sentence):
    with on(head.address, tmp_path / "runs", **token) as it:
        since = time.monotonic()
        assert says(it, it.go(), sentence, since, f"not its token ({', '.join(token)})").state == "queued"


OTHER_RAY = """
import sys
if "models.jobs.cluster.driver" in sys.orig_argv:
    import ray
    ray.__version__ = "2.59.0"
"""


def test_an_app_with_another_ray(head, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(OTHER_RAY)
    with on(head.address, tmp_path / "runs", PYTHONPATH=python_path(tmp_path)) as it:
        since = time.monotonic()
        id = it.go()
        assert says(it, id, "this app has Ray 2.59.0", since, "another Ray").state == "queued"


# Nodes that differ


def test_nodes_that_cannot_have_runs_say_why_and_the_queue_waits(head, tmp_path):
    root, packages = tmp_path / "runs", tmp_path / "packages"
    root.mkdir()
    (packages / "torch-1.0.dist-info").mkdir(parents=True)
    (packages / "torch-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: torch\nVersion: 1.0\n")
    with on(head.address, root) as it:
        id = it.go()
        until(lambda: "no node with CPUs" in it.states([id])[id].detail, PATIENCE, "that there is no node")
        it.stop(id)
        if can_mount():
            blind = head.add("blind", before=f"mount -t tmpfs none {root}", around=["unshare", "-m"])
        else:  # this system lets nobody have a view of its own: what the node's processes open below it is not there
            (tmp_path / "blind").mkdir()
            (tmp_path / "blind" / "sitecustomize.py").write_text(BLIND.format(root=str(root)))
            blind = head.add("blind", PYTHONPATH=python_path(tmp_path / "blind"))
        old = head.add("old", PYTHONPATH=python_path(packages))
        until(lambda: {"blind", "old"} <= {node.name for node in it.capacity().nodes}, PATIENCE, "both nodes")

        def trouble(name):
            return next(node.trouble for node in it.capacity().nodes if node.name == name)

        since = time.monotonic()
        id = it.go()
        until(lambda: trouble("blind"), PATIENCE, "what the first says")
        figure("a folder that a node does not see", time.monotonic() - since, AT_ONCE)
        since = time.monotonic()
        until(lambda: trouble("old"), PATIENCE, "what the second says")
        figure("another torch on a node", time.monotonic() - since, AT_ONCE)
        assert (
            trouble("blind") == f"The node blind does not see {root}: give all nodes the same folder (FEWLABELS_RUNS)."
        )
        assert trouble("old").startswith("The node old has torch 1.0 and this app ")
        assert it.states([id])[id].detail == trouble("blind")
        assert it.state(id) == "queued"
        end(blind)

        head.plain()
        assert it.end(id, PATIENCE) == "done", "a node's own code does not count: its runs take the app's"
        assert it.folder(id).where()["node"] == "plain"
        assert old.poll() is None


def written(folder, grey):
    """Four files as MNIST's and Fashion-MNIST's, every image of one grey; the labels go round."""
    folder.mkdir(parents=True)
    for name in mnist.FILES:
        n = 60_000 if "train" in name else 10_000
        images = "images" in name
        shape = (n, 28, 28) if images else (n,)
        array = np.full(shape, grey, np.uint8) if images else (np.arange(n) % 10).astype(np.uint8)
        (folder / name).write_bytes(np.array([0x800 + len(shape), *shape], ">i4").tobytes() + array.tobytes())


def test_a_node_finds_a_data_set_in_its_own_folder_or_downloads_it_to_its_own_cache(head, tmp_path):
    """The app has neither."""
    head.plain()
    written(head.folder / "data" / "MNIST" / "raw", 1)
    written(head.folder / "server", 2)
    cache = tmp_path / "the app's cache"
    with on(head.address, tmp_path / "runs", FEWLABELS_DATA="", FEWLABELS_CACHE=str(cache)) as it:
        for name, grey in (("mnist", 1), ("fashion-mnist", 2)):
            since = time.monotonic()
            id = it.go(fake.LOADS, dataset=name)
            assert it.end(id, PATIENCE) == "done", it.states([id])[id].detail
            figure(f"a run of {name}, {'found' if grey == 1 else 'downloaded'} by its node", time.monotonic() - since)
            assert [(r["node"], r["grey"]) for r in it.records(id, "data")] == [("plain", grey)]
    assert (head.folder / "cache" / "FashionMNIST" / "raw").is_dir()
    assert not cache.exists(), "nothing was written to the app's cache"
    assert os.listdir(head.folder / "data") == ["MNIST"], "nor to a folder that is only read"


def test_more_than_any_node_has(head, tmp_path):
    head.plain()
    with on(head.address, tmp_path / "runs", FEWLABELS_CLUSTER_GPUS="2") as it:
        ready(it)
        until(lambda: any(node.cpus for node in it.capacity().nodes), PATIENCE, "its node")
        since = time.monotonic()
        id = it.go()
        assert it.end(id) == "failed"
        figure("more than any node has", time.monotonic() - since, AT_ONCE)
        detail = it.states([id])[id].detail
        assert detail.startswith("It asks for 2 GPUs, and no node of the cluster has more than 0")


def test_an_engine_without_a_cluster_takes_over_and_gives_back(head, tmp_path):
    head.plain()
    root = tmp_path / "runs"
    with on(head.address, root) as far:
        id = far.go(fake.SLOW, epochs=2000)
        far.begun(id)
        with lab(root, FEWLABELS_CLUSTER="") as near:  # the same folder, by an app that names no cluster
            assert near.state(id) == "running"
            here = near.go()
            assert near.end(here) == "done"
            assert not near.folder(here).where()
            assert near.state(id) == "running"
            near.stop(id)
            assert near.end(id) == "stopped"


def test_the_head_is_restarted(head, tmp_path):
    before = head.plain()
    with on(head.address, tmp_path / "runs") as it:
        running, waiting = it.go(fake.SLOW, epochs=40), it.go(epochs=2)
        it.begun(running)
        until(lambda: it.records(running, "epoch"), PATIENCE, "its first epoch")
        since = time.monotonic()
        end(head.process)
        end(before)
        head.start()
        head.add("after")
        assert it.end(running, PATIENCE) == "done"
        assert it.end(waiting, PATIENCE) == "done"
        assert it.folder(running).where()["node"] == "after"
        assert [r["step"] for r in it.records(running, "step")] == list(range(1, 201))
        figure("a head killed and begun anew, until both runs are done", time.monotonic() - since)
