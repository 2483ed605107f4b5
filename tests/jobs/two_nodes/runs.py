"""Runs on two nodes: submitted, watched, stopped; nodes, driver and supervisor killed; tables, sweeps and analyses."""

import subprocess
import sys
import time
from pathlib import Path

import fake_training as fake
import pytest
from lab import LONG, ROOT, kill, lab, parent, processes, script, until
from ray_nodes import (
    LOOPBACK,
    PATIENCE,
    REAL,
    Nodes,
    curve,
    figure,
    listening,
    node_of,
    on,
    ready,
    result,
    stopped,
)  # fmt: skip

from models.jobs.cluster.supervisor import MOST_ATTEMPTS


@pytest.fixture(scope="module")
def nodes():
    made = Nodes("one", "two")
    yield made
    made.cluster.shutdown()


@pytest.fixture(scope="module")
def engine(nodes, tmp_path_factory):
    """One engine on that cluster, with fake trainings, for all tests that leave it as it was."""
    with on(nodes.address, tmp_path_factory.mktemp("far") / "runs") as it:
        yield ready(it)


@pytest.fixture
def far(engine):
    """That engine, with nothing going on; what a failed test has left to run is ended."""
    yield engine
    for id in engine.queue.rows():
        engine.stop(id)
    engine.settled()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """What the engine of this machine makes of `REAL`."""
    with lab(tmp_path_factory.mktemp("local") / "runs", FEWLABELS_TRAIN="") as it:
        id = it.submit(REAL)
        return result(it, id), curve(it, id)


# A run's life


def test_the_same_run_gives_the_same_numbers_as_on_this_machine_and_is_mapped(nodes, tmp_path, undisturbed):
    """What is computed is real here: the training, the UMAP that every finished run is given, and a film."""
    with on(nodes.address, tmp_path / "runs", FEWLABELS_TRAIN="", FEWLABELS_ANALYSES="") as it:
        id = it.submit(REAL)
        assert (result(it, id), curve(it, id)) == undisturbed
        assert it.states([id])[id].attempt == 1
        assert it.folder(id).where()["node"] in ("one", "two")
        assert it.folder(id).where()["device"] == "CPU"
        it.map(id, REAL.epochs, "z", "film")
        for method in ("umap", "film"):
            since = time.monotonic()
            # On a node umap is imported and compiled anew: 5 s at rest, over 120 beside twenty busy processes.
            until(
                lambda m=method: it.map_state(id, REAL.epochs, "z", m)[0] in ("ready", "failed"), 5 * PATIENCE, method
            )
            assert it.map_state(id, REAL.epochs, "z", method) == ("ready", "")
            figure(f"{method} of a run of the digits, on a node", time.monotonic() - since)
        assert not processes(it.root, "models.jobs.mapper"), "this machine makes no analysis while there is a cluster"


def test_ray_listens_on_this_machine_alone_and_shows_and_tells_nothing(nodes):
    assert nodes.cluster.webui_url in ("", None)
    heard_at = listening()
    assert heard_at
    assert heard_at <= LOOPBACK


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
    for id in ids[:1:-1]:
        stopped(far, id, "stop of a run that waits")
    for id in ids[:2]:
        stopped(far, id, "stop of a run that trains")
    assert "before it began" in far.states(ids[3:4])[ids[3]].detail


def test_runs_share_a_gpu(nodes, tmp_path):
    """A logical one: what Ray counts, and what it shows to a run's process."""
    nodes.add("gpu", num_cpus=4, num_gpus=1)
    try:
        with on(nodes.address, tmp_path / "runs", FEWLABELS_CLUSTER_GPUS="0.5") as it:
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


@pytest.mark.parametrize("behaviour", [fake.RAISES, fake.SEGFAULT, fake.EXITS])
def test_what_goes_wrong_in_a_run_is_its_own_end(far, behaviour):
    id = far.go(behaviour)
    assert far.end(id) == "failed"
    assert far.states([id])[id].detail
    assert far.states([id])[id].attempt == 1


def test_two_apps_on_one_cluster_do_not_disturb_each_other(nodes, tmp_path):
    with on(nodes.address, tmp_path / "a") as a:
        first = a.go(fake.SLOW, epochs=LONG)
        a.begun(first)
        with on(nodes.address, tmp_path / "b") as b:
            second = b.go(fake.SLOW, epochs=20)
            assert b.end(second) == "done"
            assert [r.position for r in b.queue.rows().values()] in ([], [None])
        assert a.state(first) == "running"
        a.stop(first)
        assert a.end(first) == "stopped"


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


def test_a_table_is_filled_and_nothing_finished_is_repeated_after_a_kill(nodes, tmp_path):
    root = tmp_path / "runs"
    with on(nodes.address, root) as it:
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


def test_a_sweep_trains_its_values_at_once(nodes, tmp_path):
    root = tmp_path / "runs"
    with on(nodes.address, root) as it:
        words = ("train", "--sweep", "n_z=2,10", "--epochs", "1", "--gpus", "0")
        _, err = shell(root, nodes.address, *words).communicate(timeout=300)
        assert err.count("done on the node") == 2, err
        runs = {p.name for p in root.glob("[!.]*-s?-*")}
        assert len(runs) == 2
        assert {it.folder(id).run.settings.n_z for id in runs} == {2, 10}
        shell(root, nodes.address, *words).communicate(timeout=300)
        assert {p.name for p in root.glob("[!.]*-s?-*")} == runs


# Who may be killed


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


def test_the_app_may_come_and_go(nodes, tmp_path):
    with on(nodes.address, tmp_path / "runs") as it:
        app = script("print(*go(3, epochs=2), flush=True); os.kill(os.getpid(), signal.SIGKILL)", it.root)
        ids = app.communicate(timeout=60)[0].split()
        assert len(ids) == 3
        for id in ids:
            assert it.end(id) == "done"
            assert it.states([id])[id].attempt == 1


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


def test_a_run_goes_on_elsewhere_when_its_node_is_killed(nodes, tmp_path, undisturbed):
    """The last test here: the node stays away."""
    with on(nodes.address, tmp_path / "runs", FEWLABELS_TRAIN="") as it:
        id = it.submit(REAL)
        first = node_of(it, id)
        until(lambda: len(it.records(id, "epoch")) >= 2, PATIENCE, "its first epoch")
        nodes.kill(first)
        since = time.monotonic()
        until(lambda: it.folder(id).where().get("lost") or it.states([id])[id].final, PATIENCE, "the loss")
        assert it.folder(id).where()["lost"] == 1
        figure("a node killed, until its run waits again", time.monotonic() - since)
        until(lambda: "1 node went away under it" in it.states([id])[id].detail, PATIENCE, "its other node")
        figure("a node killed, until its run is on another", time.monotonic() - since)
        assert (result(it, id), curve(it, id)) == undisturbed
        assert it.states([id])[id].attempt == 2
        assert it.folder(id).where()["node"] != first
