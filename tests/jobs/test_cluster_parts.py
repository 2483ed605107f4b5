"""What of a cluster needs no Ray: what runs ask for, where they go, what is said, whose process is whose."""

import ast
import os
import socket
import subprocess
import sys
import time

import fake_training as fake
import pytest
from lab import LONG, ROOT, SOON, gone, lab, until
from test_rooms import imported

from data import locks
from models.errors import JobsError
from models.jobs.cluster import address, analysis, driver, shared
from models.jobs.cluster.room import Ask, ask, place, too_much
from models.jobs.queue_paths import QueuePaths
from models.jobs.states import Node
from models.runs import store
from models.runs.run import Run
from models.runs.store import Folder

SMALL, LARGE = Run.make("digits"), Run.make("mnist")


def node(name, cpus=4.0, gpus=0.0, free_cpus=None, free_gpus=None, trouble=""):
    free_cpus, free_gpus = cpus if free_cpus is None else free_cpus, gpus if free_gpus is None else free_gpus
    return Node(name, name, cpus, gpus, free_cpus, free_gpus, trouble)


CPUS, GPUS = [node("a"), node("b", 2)], [node("a"), node("g", 8, 2)]


# What a run asks for, and where it goes


@pytest.mark.parametrize(
    ("run", "nodes", "said", "asked"),
    [
        (SMALL, CPUS, None, Ask(1)),
        (LARGE, CPUS, None, Ask(4)),
        (SMALL, GPUS, None, Ask(1, 0.25)),
        (LARGE, GPUS, None, Ask(1, 1.0)),
        (LARGE, GPUS, 0.5, Ask(1, 0.5)),
        (LARGE, GPUS, 0.0, Ask(4)),
        (Run.make("digits", device="cpu"), GPUS, 0.5, Ask(1)),
        (Run.make("mnist", threads=3), CPUS, None, Ask(3)),
    ],
)
def test_what_a_run_asks_for(run, nodes, said, asked):
    assert ask(run, 0, nodes, said) == asked


def test_large_runs_share_what_there_is_and_keep_what_they_began_with():
    assert ask(LARGE, 0, CPUS, None, large_waiting=6) == Ask(1)
    assert ask(LARGE, 2, CPUS, None, large_waiting=6) == Ask(2)


def test_what_no_node_has_is_a_sentence():
    assert too_much(Ask(4), CPUS) == too_much(Ask(1, 2.0), GPUS) == too_much(Ask(99), []) == ""
    assert too_much(Ask(1), [node("head", 0)]) == "", "no node for runs has joined yet"
    assert "asks for 1 GPU, and no node of the cluster has more than 0" in too_much(Ask(1, 1.0), CPUS)
    assert "or 0 for CPUs" in too_much(Ask(1, 1.0), CPUS)
    assert "asks for 3 GPUs, and no node of the cluster has more than 2" in too_much(Ask(1, 3.0), GPUS)
    assert "asks for 5 CPUs, and no node of the cluster has more than 4" in too_much(Ask(5), CPUS)


def test_a_run_goes_where_most_is_free_and_waits_otherwise():
    assert place(Ask(1), [], CPUS).name == "a"
    assert place(Ask(1), [("a", Ask(3))], CPUS).name == "b"
    assert place(Ask(2), [("a", Ask(3)), ("b", Ask(1))], CPUS) is None
    assert place(Ask(1, 0.25), [("g", Ask(1, 1.0)), ("g", Ask(1, 0.75))], GPUS).name == "g"
    assert place(Ask(1, 0.5), [("g", Ask(1, 1.0)), ("g", Ask(1, 0.75))], GPUS) is None
    assert place(Ask(1), [], [node("a", free_cpus=0)]) is None, "others are at work there"
    assert place(Ask(1), [], [node("a", trouble="It sees no folder."), node("b", 1)]).name == "b"
    assert place(Ask(1), [], []) is None


# What is said


def test_where_nobody_listens_is_said(monkeypatch, tmp_path):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        free = f"127.0.0.1:{s.getsockname()[1]}"
        with pytest.raises(JobsError, match=rf"no Ray cluster at {free} \(Connection refused\): runs wait"):
            address.found(free)
        s.listen()
        assert address.found(free) == free
        monkeypatch.setenv("RAY_ADDRESS", free)
        assert address.found("auto") == free
        monkeypatch.delenv("RAY_ADDRESS")
        monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
        (tmp_path / "ray").mkdir()
        (tmp_path / "ray" / "ray_current_cluster").write_text(free)
        assert address.found("auto") == free
    for wrong in ("here", "here:", "ray://here"):
        with pytest.raises(JobsError, match="must be auto, or HOST:PORT"):
            address.found(wrong)


def test_what_ray_says_becomes_a_sentence():
    mismatch = RuntimeError(
        "Version mismatch: The cluster was started with:\n    Ray: 2.59.0\n    Python: 3.12.1\n"
        "This process on node 10.0.0.2 was started with:\n    Ray: 2.60.0\n    Python: 3.11.7\n"
    )
    said = driver.sentence(mismatch, "10.0.0.1:6379")
    assert said == (
        "The cluster at 10.0.0.1:6379 has Ray 2.59.0 and Python 3.12.1, this app has Ray 2.60.0 and Python 3.11.7: "
        "both must be the same."
    )
    assert "wants another token" in driver.sentence(RuntimeError("InvalidAuthToken: wrong token"), "x:1")
    anew = RuntimeError("AuthenticationError('RPC error: WrongClusterID: Perhaps ...'). Ensure that the token for")
    assert driver.sentence(anew, "x:1").startswith("The head of the cluster at x:1 was begun anew just now")
    assert driver.sentence(ValueError("no\nmore"), "x:1") == "The cluster at x:1 could not be joined (no)."


def test_runs_wait_for_a_cluster_that_is_not_there_and_stop_at_once(tmp_path):
    with lab(tmp_path / "runs", FEWLABELS_CLUSTER="127.0.0.1:1") as it:
        begin = time.monotonic()
        id = it.go()
        until(lambda: "no Ray cluster at 127.0.0.1:1" in it.states([id])[id].detail, SOON, "the sentence")
        assert it.states([id])[id].state == "queued"
        assert time.monotonic() - begin < SOON
        assert "127.0.0.1:1" in it.capacity().trouble
        assert it.capacity().cluster == "127.0.0.1:1"
        it.stop(id)
        assert it.state(id) == "stopped"


NO_RAY = """
import os
with open(os.environ["SAID"], "w") as f:
    f.write(os.environ["RAY_USAGE_STATS_ENABLED"])
raise ImportError("there is no Ray here")
"""


def test_without_ray_a_sentence_says_how_to_install_it_and_with_it_nothing_is_reported(tmp_path):
    """Usage statistics are off before Ray is imported, whatever was set before."""
    (tmp_path / "ray.py").write_text(NO_RAY)
    before = {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT), str(ROOT / "tests")])}
    before |= {"RAY_USAGE_STATS_ENABLED": "1", "SAID": str(tmp_path / "said")}
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        with lab(tmp_path / "runs", FEWLABELS_CLUSTER=f"127.0.0.1:{s.getsockname()[1]}", **before) as it:
            id = it.go()
            until(lambda: "requirements-cluster.txt" in it.states([id])[id].detail, SOON, "the sentence")
    assert (tmp_path / "said").read_text() == "0"


@pytest.mark.parametrize(("method", "fetched"), [("umap", []), ("whole", ["digits"])])
def test_an_analysis_fetches_the_data_set_that_it_looks_at(method, fetched, tmp_path, monkeypatch):
    folder, asked = Folder.create(SMALL, tmp_path), []
    monkeypatch.setenv("FEWLABELS_FETCH", "1")
    monkeypatch.setattr(analysis, "fetch", lambda run: asked.append(run.dataset))
    monkeypatch.setattr(analysis, "attempt", lambda request: f"made after {asked}")
    assert analysis.made({"path": str(folder.path), "method": method}) == f"made after {fetched}"


def test_an_app_that_names_no_cluster_has_the_runs_of_one_that_did(tmp_path):
    """The supervisor of the cluster leaves when an app comes that names none, and what waits is trained here."""
    with lab(tmp_path / "runs", FEWLABELS_CLUSTER="127.0.0.1:1") as far:
        id = far.go()
        until(lambda: far.capacity().trouble, SOON, "the sentence")
        with lab(tmp_path / "runs", FEWLABELS_CLUSTER="") as near:
            assert near.end(id) == "done"


# Whose process is whose


def test_a_process_of_another_machine_is_never_killed_by_its_number(tmp_path, monkeypatch):
    """It holds the lock under a number that says nothing here; the number may be that of anybody's process here."""
    with lab(tmp_path / "runs") as it:
        id = it.go(fake.SLOW, epochs=LONG)
        here = it.begun(id)
        it.stop(id)
        it.end(id)
        it.settled()
        assert gone(here)
        code = (
            "import sys, time; from pathlib import Path; from data.locks import take; take(Path(sys.argv[1])); print()"
        )
        command = [
            sys.executable,
            "-c",
            code + "; sys.stdout.flush(); time.sleep(600)",
            str(it.folder(id).path / "lock"),
        ]
        env = {"FEWLABELS_NODE": "far", "PATH": "/usr/bin"}
        with subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE) as other:
            try:
                other.stdout.readline()
                folder = it.folder(id)
                assert (folder.pid(), folder.node(), folder.alive()) == (None, "far", True)
                folder.set_status("running", pid=other.pid)
                looks = []
                with monkeypatch.context() as patch:
                    patch.setattr(store, "look", lambda path: looks.append(path) or locks.look(path))
                    assert it.states([id])[id].node == "far"
                assert looks == [folder.path / "lock"], "one look says that it lives and where"
                it.queue.add(id, "")
                it.queue.claim(id)
                it.shutdown(runs=False)
                it.ready()  # another supervisor finds it
                it.stop(id)
                time.sleep(4.0)  # longer than any grace
                assert other.poll() is None
                assert it.state(id) == "stopping"
            finally:
                other.kill()
        assert it.end(id) == "stopped"


# Who knows of Ray


def test_only_the_driver_and_what_it_sends_to_nodes_import_ray_and_only_within_functions():
    users = set()
    for path in (ROOT / "app.py", *(p for room in ("data", "models", "pages") for p in (ROOT / room).rglob("*.py"))):
        tree = ast.parse(path.read_text())
        if "ray" in imported(ast.walk(tree)):
            users.add(path.relative_to(ROOT).as_posix())
        assert "ray" not in imported(tree.body), path
    assert users == {"models/jobs/cluster/actor.py", "models/jobs/cluster/driver.py"}


# What lies in the runs folder for all nodes


def test_the_code_that_nodes_run_is_whole_small_and_kept_once(tmp_path):
    paths, other = QueuePaths(tmp_path), QueuePaths(tmp_path / "other")
    other.folder.mkdir(parents=True)
    first = shared.code(paths)
    assert shared.code(paths) == first
    assert {p.name for p in first.iterdir()} == {"models", "data", "supported.py", "pyproject.toml"}
    assert sum(p.stat().st_size for p in first.rglob("*")) < 3 << 20
    said = subprocess.run(
        [sys.executable, "-m", "models", "--version"], cwd=first, capture_output=True, text=True, check=True
    ).stdout
    assert said.startswith("Few Labels ")
    assert shared.name(paths) == shared.name(paths) != shared.name(other)
