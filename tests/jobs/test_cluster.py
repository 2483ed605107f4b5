"""The same runs on a Ray cluster of two nodes: submit, watch, stop; nodes, head and driver killed; refusals.

Slow, and skipped where Ray is not installed. The file runs itself again in a network of its own: `inside` is set there.
"""

import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import fake_training as fake
import namespace
import pytest
from lab import LONG, ROOT, kill, lab, parent, processes, script, until

from models.jobs.cluster.supervisor import MOST_ATTEMPTS
from models.runs.run import Run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not importlib.util.find_spec("ray"), reason="Ray is not installed: requirements-cluster.txt"),
]
inside = os.environ.get("FEWLABELS_TEST_INSIDE", "")
within = pytest.mark.skipif(not inside, reason="test_in_a_network_of_its_own runs it")
PATIENCE = 120.0  # seconds, on a busy machine
AT_ONCE = 5.0  # within which each refusal is said, on a machine at rest
BUSY = float(os.environ.get("FEWLABELS_TEST_BUSY", "4"))  # times as long on a busy one
OF_THE_TESTS = ("FEWLABELS_TEST_SESSION", "FEWLABELS_TEST_INSIDE")
HEALTH = {  # a node that is gone is known to be in seconds
    "health_check_initial_delay_ms": 1000,
    "health_check_period_ms": 1000,
    "health_check_timeout_ms": 3000,
    "health_check_failure_threshold": 4,
}


@pytest.mark.skipif(bool(inside), reason="this is it")
@pytest.mark.timeout(1800)
def test_in_a_network_of_its_own(tmp_path):
    way = namespace.way_in()
    if way is None:
        pytest.skip("this system lets nobody begin a network namespace (unshare)")
    short = tempfile.mkdtemp(prefix="fl-", dir="/tmp")  # Ray's sockets lie below it: their names may not be long
    env = {
        **os.environ,
        "FEWLABELS_TEST_INSIDE": short,
        "HOME": short,
        "RAY_TMPDIR": short,
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_AUTH_MODE": "token",
        "PYTHONPATH": str(ROOT / "tests"),
    }
    env.pop("PYTEST_XDIST_WORKER", None)
    (Path(short) / ".ray").mkdir()
    (Path(short) / ".ray" / "auth_token").write_text(secrets.token_hex(32))
    command = [*way, sys.executable, "-m", "pytest", __file__, "-p", "no:xdist", "-p", "no:randomly", "-x",
               "-W", "default", "--basetemp", str(tmp_path / "in")]  # fmt: skip
    try:
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    finally:
        shutil.rmtree(short, ignore_errors=True)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]


@contextmanager
def nobodys():
    """A node belongs to no engine, whichever is in force as it begins."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("FEWLABELS_") and name not in OF_THE_TESTS]:
            patch.delenv(name)
        yield


class Nodes:
    """A cluster: a head that runs nothing, and nodes of one CPU."""

    def __init__(self, *names):
        from ray.cluster_utils import Cluster

        head = {"num_cpus": 0, "include_dashboard": False, "node_name": "head", "_system_config": HEALTH}
        self.cluster = Cluster(initialize_head=True, head_node_args=head)
        self.address = self.cluster.address
        self.nodes = {}
        for name in names:
            self.add(name)

    def add(self, name, **more):
        with nobodys():
            self.nodes[name] = self.cluster.add_node(node_name=name, **{"num_cpus": 1, **more})

    def kill(self, name):
        self.cluster.remove_node(self.nodes.pop(name), allow_graceful=False)

    def restart_head(self):
        """The head dies with all that it knew, and so do its nodes; another begins at the same port."""
        port = int(self.address.rpartition(":")[2])
        for name in list(self.nodes):
            self.nodes.pop(name)
        self.cluster.head_node.kill_all_processes(check_alive=False, allow_graceful=False)
        for node in list(self.cluster.worker_nodes):
            node.kill_all_processes(check_alive=False, allow_graceful=False)
        self.cluster.worker_nodes.clear()
        from ray.cluster_utils import Cluster

        head = {"num_cpus": 0, "include_dashboard": False, "node_name": "head", "gcs_server_port": port}
        head["_system_config"] = HEALTH
        with nobodys():
            self.cluster = Cluster(initialize_head=True, head_node_args=head)
        assert self.cluster.address == self.address


@pytest.fixture(scope="module")
def nodes():
    made = Nodes("one", "two")
    yield made
    made.cluster.shutdown()


def on(nodes, root, **env):
    return lab(root, **{"FEWLABELS_CLUSTER": nodes.address, "FEWLABELS_SLOTS": "", **env})


@pytest.fixture
def far(nodes, tmp_path):
    """An engine on that cluster, with fake trainings."""
    with on(nodes, tmp_path / "runs") as it:
        yield it.ready()


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


REAL = Run.make("digits", "m2", epochs=15, threads=1)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """What the engine of this machine makes of `REAL`."""
    with lab(tmp_path_factory.mktemp("local") / "runs", FEWLABELS_TRAIN="") as it:
        id = it.submit(REAL)
        return result(it, id), curve(it, id)


# A run's life


@within
def test_the_same_run_gives_the_same_numbers_as_on_this_machine(nodes, tmp_path, undisturbed):
    with on(nodes, tmp_path / "runs", FEWLABELS_TRAIN="") as it:
        id = it.submit(REAL)
        assert (result(it, id), curve(it, id)) == undisturbed
        assert it.states([id])[id].attempt == 1
        assert it.folder(id).where()["node"] in ("one", "two")
        assert it.folder(id).where()["device"] == "CPU"


@within
def test_runs_wait_run_and_are_watched(far):
    """Two nodes of one CPU: two run, the others wait in our queue."""
    ids = [far.go(fake.SLOW, epochs=LONG) for _ in range(6)]
    places = {node_of(far, id) for id in ids[:2]}
    assert places == {"one", "two"}
    for id in ids[:2]:
        far.begun(id)
    states = far.states(ids)
    assert [states[id].position for id in ids] == [None] * 2 + [1, 2, 3, 4]
    assert [states[id].state for id in ids[:2]] == ["running"] * 2
    assert "On the node " in states[ids[0]].detail
    assert far.folder(ids[0]).pid() is None, "its process id is another machine's"
    assert far.capacity().running + far.capacity().queued == 6
    for id in reversed(ids):  # those that wait, then those that run
        begin = time.monotonic()
        far.stop(id)
        assert far.end(id) == "stopped"
        assert time.monotonic() - begin < 2 * BUSY
    assert "before it began" in far.states(ids[3:4])[ids[3]].detail


@within
def test_runs_share_a_gpu(nodes, tmp_path):
    """A logical one: what Ray counts, and what it shows to a run's process."""
    nodes.add("gpu", num_cpus=4, num_gpus=1)
    try:
        with on(nodes, tmp_path / "runs", FEWLABELS_CLUSTER_GPUS="0.5") as it:
            ids = [it.go(fake.SLOW, epochs=LONG) for _ in range(3)]
            assert {node_of(it, id) for id in ids[:2]} == {"gpu"}
            (gpu,) = until(lambda: [n for n in it.capacity().nodes if n.gpus and not n.free_gpus], PATIENCE, "its use")
            assert gpu.name == "gpu"
            assert it.states(ids)[ids[2]].position == 1
            until(lambda: it.folder(ids[0]).where().get("device"), PATIENCE, "its device")
            assert "GPU" in it.folder(ids[0]).where()["device"] or "NVIDIA" in it.folder(ids[0]).where()["device"]
            it.stop(ids[0])
            assert node_of(it, ids[2]) == "gpu"
            for id in ids:
                it.stop(id)
                assert it.end(id) == "stopped"
    finally:
        nodes.kill("gpu")


@within
def test_a_deaf_run_is_ended_and_a_stopped_one_goes_on(far):
    deaf, stopped = far.go(fake.DEAF), far.go(fake.SLOW, epochs=40)
    until(lambda: far.records(deaf, "child"), PATIENCE, "the deaf run's child")
    far.begun(stopped)
    far.stop(deaf)
    far.stop(stopped)
    assert far.end(deaf) == far.end(stopped) == "stopped"
    far.resubmit(stopped)
    assert far.end(stopped) == "done"
    assert far.states([stopped])[stopped].attempt == 2


@within
@pytest.mark.parametrize("behaviour", [fake.RAISES, fake.SEGFAULT, fake.EXITS])
def test_what_goes_wrong_in_a_run_is_its_own_end(far, behaviour):
    id = far.go(behaviour)
    assert far.end(id) == "failed"
    assert far.states([id])[id].detail
    assert far.states([id])[id].attempt == 1


@within
def test_two_apps_on_one_cluster_do_not_disturb_each_other(nodes, tmp_path):
    with on(nodes, tmp_path / "a") as a:
        first = a.go(fake.SLOW, epochs=LONG)
        a.begun(first)
        with on(nodes, tmp_path / "b") as b:
            second = b.go(fake.SLOW, epochs=20)
            assert b.end(second) == "done"
            assert [r.position for r in b.queue.rows().values()] in ([], [None])
        assert a.state(first) == "running"
        a.stop(first)
        assert a.end(first) == "stopped"


@within
def test_analyses_are_made_on_the_cluster_and_say_why_not(far):
    id = far.go(fake.MAPPED)
    assert far.end(id) == "done"
    until(lambda: far.map_state(id, 1, "z")[0] == "ready", PATIENCE, "the map of the last epoch")
    (far.folder(id).path / "map").write_text("fails")
    far.map(id, 1, "z", "separation")
    until(lambda: far.map_state(id, 1, "z", "separation")[0] == "failed", PATIENCE, "the failure")
    assert "these codes cannot be mapped" in far.map_state(id, 1, "z", "separation")[1]


# The shell


def shell(root, address, *words):
    command = [sys.executable, "-m", "models", *words, "--runs", str(root), "--cluster", address, "--json"]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


TABLE = ("table", "--dataset", "digits", "--models", "m2,supervised", "--labels", "20", "--seeds", "2")


@within
def test_a_table_is_filled_and_nothing_finished_is_repeated_after_a_kill(nodes, tmp_path):
    root = tmp_path / "runs"
    with on(nodes, root) as it:
        first = shell(root, nodes.address, *TABLE)
        until(lambda: len(list(root.glob("[!.]*-s?-*"))) == 4, PATIENCE, "four runs")
        ids = [path.name for path in root.glob("[!.]*-s?-*")]
        until(lambda: any(it.state(id) == "done" for id in ids), PATIENCE, "the first end")
        first.kill()
        first.communicate()
        again = shell(root, nodes.address, *TABLE)
        _, err = again.communicate(timeout=300)
        assert again.returncode == 0, err
        assert {p.name for p in root.glob("[!.]*-s?-*")} == set(ids)
        assert {it.state(id) for id in ids} == {"done"}
        assert {it.states([id])[id].attempt for id in ids} == {1}
        third = shell(root, nodes.address, *TABLE)
        assert third.wait(timeout=120) == 0
        third.communicate()
        assert {it.states([id])[id].attempt for id in ids} == {1}


@within
def test_a_sweep_trains_its_values_at_once(nodes, tmp_path):
    root = tmp_path / "runs"
    with on(nodes, root) as it:
        words = ("train", "--sweep", "n_z=2,10", "--epochs", "1", "--gpus", "0")
        _, err = shell(root, nodes.address, *words).communicate(timeout=300)
        assert err.count("done on the node") == 2, err
        runs = {p.name for p in root.glob("[!.]*-s?-*")}
        assert len(runs) == 2
        assert {it.folder(id).run.settings.n_z for id in runs} == {2, 10}
        shell(root, nodes.address, *words).communicate(timeout=300)
        assert {p.name for p in root.glob("[!.]*-s?-*")} == runs


# Who may be killed


@within
def test_the_driver_and_the_supervisor_may_be_killed(far):
    id, other = far.go(fake.SLOW, epochs=120), far.go(fake.SLOW, epochs=LONG)
    far.begun(id)
    far.begun(other)
    (driver,) = processes(far.root, "cluster.driver")
    kill(driver)
    assert far.state(id) == "running"
    until(lambda: processes(far.root, "cluster.driver"), PATIENCE, "another driver")
    kill(far.supervisor())
    assert far.state(id) == "running"
    assert far.end(id, PATIENCE) == "done"
    assert far.states([id])[id].attempt == 1
    far.stop(other)
    assert far.end(other) == "stopped"
    assert [r["step"] for r in far.records(id, "step")] == list(range(1, 601))


@within
def test_the_app_may_come_and_go(nodes, tmp_path):
    with on(nodes, tmp_path / "runs") as it:
        app = script("print(*go(3, epochs=2), flush=True); os.kill(os.getpid(), signal.SIGKILL)", it.root)
        ids = app.communicate(timeout=60)[0].split()
        assert len(ids) == 3
        for id in ids:
            assert it.end(id) == "done"
            assert it.states([id])[id].attempt == 1


@within
def test_a_run_goes_on_elsewhere_when_its_node_is_killed(nodes, tmp_path, undisturbed):
    with on(nodes, tmp_path / "runs", FEWLABELS_TRAIN="") as it:
        id = it.submit(REAL)
        first = node_of(it, id)
        until(lambda: len(it.records(id, "epoch")) >= 2, PATIENCE, "its first epoch")
        nodes.kill(first)
        try:
            until(lambda: it.folder(id).where().get("lost") or it.states([id])[id].final, PATIENCE, "the loss")
            assert it.folder(id).where()["lost"] == 1
            until(lambda: "1 node went away under it" in it.states([id])[id].detail, PATIENCE, "its other node")
            assert (result(it, id), curve(it, id)) == undisturbed
        finally:
            nodes.add(first)
        assert it.states([id])[id].attempt == 2
        assert it.folder(id).where()["node"] != first


@within
def test_a_run_that_loses_every_node_is_given_up(far):
    id = far.go(fake.SLOW, epochs=LONG)
    for lost in range(MOST_ATTEMPTS):
        until(lambda n=lost: far.folder(id).written_status()["attempt"] > n, PATIENCE, "the run on a node")
        kill(until(lambda: actor_of(far.folder(id)), PATIENCE, "its actor"))
        until(lambda n=lost: far.folder(id).where().get("lost", 0) > n or far.states([id])[id].final, PATIENCE, "loss")
    assert far.end(id) == "failed"
    assert f"{MOST_ATTEMPTS} attempts" in far.states([id])[id].detail
    far.resubmit(id, epochs=1)
    assert far.end(id) in ("done", "failed")


def actor_of(folder):
    """The process of Ray that stands over the run in `folder`, once the run has begun in it; None before that."""
    try:
        pid = (folder.path / "lock").read_text().partition("@")[0]
        over = parent(int(pid))
        return over if "RunActor" in Path(f"/proc/{over}/cmdline").read_text() and folder.alive() else None
    except (OSError, ValueError):
        return None


# Refusals


def says(it, id, text, since):
    """Wait for a sentence about a run that waits; how long it took."""
    until(lambda: text in it.states([id])[id].detail, PATIENCE, f"{text!r}, not {it.states([id])[id].detail!r}")
    took = time.monotonic() - since
    assert took < AT_ONCE * BUSY, took
    return it.states([id])[id]


@within
def test_no_cluster_there(tmp_path):
    with lab(tmp_path / "runs", FEWLABELS_CLUSTER="127.0.0.1:6399") as it:
        begin = time.monotonic()
        id = it.go()
        assert says(it, id, "There is no Ray cluster at 127.0.0.1:6399 (", begin).state == "queued"
        assert "no Ray cluster" in it.capacity().trouble
        it.stop(id)
        assert it.state(id) == "stopped"
    with lab(tmp_path / "other", FEWLABELS_CLUSTER="auto", RAY_TMPDIR=str(tmp_path), RAY_ADDRESS="") as it:
        assert says(it, it.go(), "There is no Ray cluster on this machine", time.monotonic()).state == "queued"


@within
def test_more_than_any_node_has(nodes, tmp_path):
    with on(nodes, tmp_path / "runs", FEWLABELS_CLUSTER_GPUS="2") as it:
        ready(it)
        begin = time.monotonic()
        id = it.go()
        assert it.end(id) == "failed"
        assert time.monotonic() - begin < AT_ONCE * BUSY
        detail = it.states([id])[id].detail
        assert detail.startswith("It asks for 2 GPUs, and no node of the cluster has more than 0")


@within
def test_another_token(nodes, tmp_path):
    with on(nodes, tmp_path / "runs", RAY_AUTH_TOKEN="0" * 64) as it:
        assert says(it, it.go(), "wants another token", time.monotonic()).state == "queued"


@within
def test_an_engine_without_a_cluster_takes_over_and_gives_back(nodes, tmp_path):
    root = tmp_path / "runs"
    with on(nodes, root) as far:
        id = far.go(fake.SLOW, epochs=LONG)
        far.begun(id)
        with lab(root, FEWLABELS_CLUSTER="") as near:  # the same folder, by an app that names no cluster
            assert near.state(id) == "running"
            here = near.go()
            assert near.end(here) == "done"
            assert not near.folder(here).where()
            assert near.state(id) == "running"
            near.stop(id)
            assert near.end(id) == "stopped"


@pytest.fixture(scope="module")
def head():
    made = Nodes()
    yield made
    made.cluster.shutdown()


@pytest.fixture
def odd(head, tmp_path):
    """Nodes that differ, each begun by a command."""
    begun = []

    def add(name, before="true", around=(), **env):
        ray = f"{sys.executable} -m ray.scripts.scripts start --address={head.address} --disable-usage-stats"
        start = f"{ray} --num-cpus=1 --node-name={name} --block"
        # Ray gives up a node that is not up after 30 s, which a busy machine may need.
        command = [*around, "sh", "-c", f"{before}; until {start}; do sleep 1; done"]
        with nobodys():
            env = {**os.environ, **env}
        with open(tmp_path / f"{name}.log", "wb") as log:
            begun.append(subprocess.Popen(command, env=env, start_new_session=True, stdout=log, stderr=log))
        return begun[-1]

    yield add
    for process in begun:
        end(process)


def end(process):
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for pid in ray_processes_of(process.pid):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def ray_processes_of(session):
    """What `ray start` began: all of its session."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(stat.read_text().rpartition(")")[2].split()[3]) == session:
                found.append(int(stat.parent.name))
        except OSError:
            continue
    return found


@within
def test_a_node_that_cannot_have_runs_says_why_and_the_queue_waits(head, odd, tmp_path):
    root = tmp_path / "runs"
    root.mkdir()
    with on(head, root) as it:
        id = it.go()
        until(lambda: "no node with CPUs" in it.states([id])[id].detail, PATIENCE, "that there is no node")
        blind = odd("blind", before=f"mount -t tmpfs none {root}", around=["unshare", "-m"])
        sentence = f"The node blind does not see {root}: give all nodes the same folder"
        until(lambda: sentence in it.states([id])[id].detail, PATIENCE, "that it sees nothing")
        assert it.state(id) == "queued"
        end(blind)
        other = tmp_path / "packages"
        (other / "torch-1.0.dist-info").mkdir(parents=True)
        (other / "torch-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: torch\nVersion: 1.0\n")
        old = odd("old", PYTHONPATH=os.pathsep.join([str(other), os.environ["PYTHONPATH"]]))
        until(lambda: "The node old has torch 1.0 and this app " in it.states([id])[id].detail, PATIENCE, "old torch")
        assert it.state(id) == "queued"
        odd("good")
        assert it.end(id, PATIENCE) == "done"
        assert it.folder(id).where()["node"] == "good"
        assert old.poll() is None


@within
def test_the_head_is_restarted(head, tmp_path):
    head.add("before")
    with on(head, tmp_path / "runs") as it:
        running, waiting = it.go(fake.SLOW, epochs=100), it.go(epochs=2)
        it.begun(running)
        until(lambda: it.records(running, "epoch"), PATIENCE, "its first epoch")
        begin = time.monotonic()
        head.restart_head()
        head.add("after")
        assert it.end(running, PATIENCE) == "done"
        assert it.end(waiting, PATIENCE) == "done"
        assert it.folder(running).where()["node"] == "after"
        assert [r["step"] for r in it.records(running, "step")] == list(range(1, 501))
        print(f"head restarted and both runs done in {time.monotonic() - begin:.0f} s")
