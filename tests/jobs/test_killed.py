"""Runs outlive the page, the app and each other; the state shown is true whoever is killed."""

import importlib
import os
import shutil
import signal
import subprocess
import sys
import time

import fake_training as fake
import pytest
from lab import LONG, ROOT, SOON, gone, kill, lab, outcome, processes, script, until

from data.locks import take
from models.runs.run import Run
from models.runs.store import Folder

# Who may be killed


def test_killing_the_supervisor_harms_no_run(each):
    running, waiting = each.go(fake.SLOW, epochs=30), [each.go() for _ in range(3)]
    pid = each.begun(running)
    old = each.supervisor()
    kill(old)
    assert each.state(running) == "running"
    assert each.end(running) == "done"
    assert each.folder(running).written_status()["attempt"] == 1
    for id in waiting:
        assert each.end(id) == "done"
        assert each.states([id])[id].attempt == 1
    assert gone(pid)
    assert each.supervisor() not in (None, old)


def test_a_new_supervisor_can_stop_what_the_old_one_started(each):
    id = each.go(fake.DEAF)
    until(lambda: each.records(id, "child"), what="the run's child")
    kill(each.supervisor())
    begin = time.monotonic()
    each.stop(id)
    assert each.state(id) == "stopping"
    assert each.end(id) == "stopped"
    assert time.monotonic() - begin < 2 * SOON  # another supervisor had to start first


def test_what_ended_while_no_supervisor_looked_is_lost_and_the_queue_goes_on(cold):
    running, waiting = cold.go(fake.SLOW, epochs=LONG), cold.go()
    pid = cold.begun(running)
    kill(cold.supervisor())
    kill(pid)
    assert cold.folder(running).status()["state"] == "lost"
    assert cold.state(running) == "lost"
    assert cold.end(waiting) == "done"
    assert cold.state(running) == "lost"
    assert cold.folder(running).written_status()["state"] == "lost"
    cold.resubmit(running, epochs=1)
    assert cold.end(running) == "done"


@pytest.mark.parametrize("wait", [0.0, 0.02, 0.04, 0.08, 0.15, 0.3])
def test_killing_the_supervisor_between_submit_and_start_loses_nothing(cold, wait):
    cold.ready()
    ids = [cold.go(epochs=2) for _ in range(2)]
    time.sleep(wait)
    kill(cold.supervisor())
    for id in ids:
        assert cold.end(id) == "done"
        assert cold.states([id])[id].attempt == 1
        assert [r["step"] for r in cold.records(id, "step")] == list(range(1, 11))


def test_only_the_living_supervisor_says_whether_it_is_warm(warm):
    assert warm.capacity().warm
    kill(warm.supervisor())
    assert not warm.capacity().warm
    descriptor = take(warm.paths.lock)  # another one, which has said nothing yet
    assert not warm.capacity().warm
    os.close(descriptor)


def test_killing_the_warm_process_harms_no_run(warm):
    running = warm.go(fake.SLOW, epochs=30)
    pid = warm.begun(running)
    (zygote,) = [p for p in processes(warm.root, "models.jobs.zygote") if p != pid]
    kill(zygote)
    waiting = warm.go()
    assert warm.end(running) == "done"
    assert warm.states([running])[running].attempt == 1
    assert warm.end(waiting) == "done"
    assert warm.states([waiting])[waiting].attempt == 1


def test_after_the_warm_process_was_killed_its_runs_ends_are_still_known(warm):
    id = warm.go(fake.SLOW, epochs=LONG)
    pid = warm.begun(id)
    (zygote,) = [p for p in processes(warm.root, "models.jobs.zygote") if p != pid]
    kill(zygote)
    time.sleep(0.1)
    kill(pid)
    assert warm.end(id) == "failed"
    until(lambda: "killed" in warm.states([id])[id].detail, SOON, "the reason")


def test_a_run_that_the_warm_process_took_with_it_starts_after_all(warm):
    (zygote,) = processes(warm.root, "models.jobs.zygote")
    os.kill(zygote, signal.SIGSTOP)  # it will not hear of the run
    id = warm.go()
    until(lambda: warm.state(id) == "running", what="the supervisor to hand it over")
    time.sleep(0.1)
    kill(zygote)
    assert warm.end(id) == "done"
    assert warm.states([id])[id].attempt == 1


def test_a_stop_of_a_run_that_never_came_to_life_holds(warm):
    (zygote,) = processes(warm.root, "models.jobs.zygote")
    os.kill(zygote, signal.SIGSTOP)
    id = warm.go()
    until(lambda: warm.state(id) == "running", what="the supervisor to hand it over")
    warm.stop(id)
    assert warm.state(id) == "stopping"
    assert warm.end(id) == "stopped"
    os.kill(zygote, signal.SIGCONT)
    time.sleep(0.3)
    assert warm.state(id) == "stopped"
    assert warm.events(id)[0] == []


def test_runs_start_cold_if_the_warm_process_is_of_no_use(tmp_path):
    bad = tmp_path / "bad"
    bad.mkdir()
    (bad / "starts_threads.py").write_text(
        "import threading, time\nfrom fake_training import train\n"
        "threading.Thread(target=time.sleep, args=(600,), daemon=True).start()\n"
    )
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests"), str(bad)])
    with lab(tmp_path / "runs", FEWLABELS_FORK="1", FEWLABELS_TRAIN="starts_threads:train", PYTHONPATH=path) as it:
        assert it.end(it.ready().go(), 30.0) == "done"
        assert "must only import" in it.paths.log.read_text()


@pytest.mark.parametrize("wait", [0.0, 0.1])
def test_killing_the_app_right_after_submitting_loses_nothing(cold, wait):
    code = f"go(3, epochs=2); time.sleep({wait}); os.killpg(0, signal.SIGKILL)"  # and all that hang on its terminal
    assert outcome(script(code, cold.root)) == ("", "")
    ids = [p.name for p in cold.root.iterdir() if not p.name.startswith(".")]
    assert len(ids) == 3
    for id in ids:
        assert cold.end(id) == "done"
        assert cold.states([id])[id].attempt == 1


def test_a_run_goes_on_without_any_app_and_its_terminal(cold):
    code = "id, = go(1, epochs=20)\nwhile not e.supervisor(): time.sleep(0.01)\n"
    code += "print(id, e.supervisor(), flush=True); os.killpg(0, signal.SIGKILL)"
    out, err = outcome(script(code, cold.root))
    assert err == ""
    out, supervisor = out.split()
    assert cold.supervisor() == int(supervisor)
    folder = cold.folder(out.strip())
    until(lambda: folder.status()["state"] == "done", what="the run's end, with nobody asking for its state")


def test_apps_at_once_start_one_supervisor_and_each_run_once(cold):
    apps = [script("print(*go(3))", cold.root) for _ in range(4)]
    outs = [outcome(app) for app in apps]
    assert [err for _, err in outs] == [""] * 4
    ids = [id for out, _ in outs for id in out.split()]
    assert len(set(ids)) == 12
    until(lambda: cold.supervisor(), what="a supervisor")
    for id in ids:
        assert cold.end(id) == "done"
        assert cold.states([id])[id].attempt == 1
    assert list(processes(cold.root, "models.jobs.supervisor")) == [cold.supervisor()]
    assert cold.paths.log.read_text().count(" supervisor of ") == 1


def test_an_app_that_queues_and_looks_loads_no_torch_and_leaves_no_zombie(cold):
    code = (
        "id, = go(); e.warm()\n"
        "while not e.states([id])[id].final: time.sleep(0.02)\n"
        "print(e.states([id])[id].state, e.capacity().slots, {'torch', 'umap', 'sklearn'} & set(sys.modules))\n"
    )
    assert outcome(script(code, cold.root)) == ("done 1 set()\n", "")


def test_a_reload_of_every_module_starts_nothing(cold):
    cold.ready()
    before = processes(cold.root)
    names = sorted(name for name in sys.modules if name.startswith(("models.jobs", "models.runs.store")))
    kept = {name: sys.modules[name] for name in names}
    contents = {name: dict(vars(module)) for name, module in kept.items()}
    try:
        for name in names:
            importlib.reload(sys.modules[name])
        engine = sys.modules["models.jobs"].engine(cold.root)
        engine.warm()
        engine.states([])
        time.sleep(0.3)
        assert processes(cold.root) == before
        engine.queue.close()
    finally:
        for name, module in kept.items():
            vars(module).clear()
            vars(module).update(contents[name])


def test_somebody_elses_process_is_never_killed_for_a_run(cold):
    """A run whose process died, whose id was given to another process, and which is then asked to stop."""
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        folder = Folder.create(Run.make(), cold.root)
        folder.set_status("running", pid=other.pid, attempt=1)
        (folder.path / "lock").write_text(str(other.pid))
        folder.request_stop()
        cold.queue.add(folder.id, "")
        assert cold.queue.claim() == folder.id
        cold.ready()
        until(lambda: folder.written_status()["state"] == "stopped", what="the truth")
        cold.settled()
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_an_idle_supervisor_leaves_and_is_back_when_needed(tmp_path):
    with lab(tmp_path / "runs", FEWLABELS_IDLE="0.3") as it:
        it.end(it.go())
        until(lambda: it.supervisor() is None, what="the supervisor to leave")
        until(lambda: not processes(it.root), what="nothing left")
        assert it.end(it.go()) == "done"


def test_new_source_is_what_runs_and_the_running_one_goes_on(tmp_path):
    """A warm process must not run yesterday's code."""
    project = tmp_path / "project"
    for room in ("models", "data"):
        shutil.copytree(ROOT / room, project / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "supported.py", project)
    mine = project / "models" / "mine.py"
    text = "from fake_training import train as other\ndef train(run, **k):\n    yield {'kind': 'version', 'is': 1}\n"
    text += "    yield from other(run, **k)\n"
    mine.write_text(text)
    code = (
        "import subprocess\n"
        "def version(id):\n"
        "    while not (found := [r for r in e.events(id)[0] if r['kind'] == 'version']): time.sleep(0.01)\n"
        "    return found[0]['is']\n"
        "def end(id):\n"
        "    while not e.states([id])[id].final: time.sleep(0.01)\n"
        "    return e.states([id])[id]\n"
        "first, = go(epochs=600); a = version(first); pid = e.supervisor()\n"
        f"mine = Path({str(mine)!r}); mine.write_text(mine.read_text().replace('1', '2'))\n"
        "second, = go(); b = version(second)\n"
        "print(a, b, end(second).state, e.stop(first), end(first).state, end(first).attempt, e.supervisor() == pid)\n"
    )
    path = os.pathsep.join([str(project), str(ROOT / "tests")])
    names = {"FEWLABELS_FORK": "1", "FEWLABELS_SLOTS": "2", "FEWLABELS_TRAIN": "models.mine:train", "PYTHONPATH": path}
    with lab(tmp_path / "runs", **names) as it:
        assert outcome(script(code, it.root, project)) == ("1 2 done None stopped 1 True\n", "")


@pytest.mark.slow
def test_a_real_run_forked_from_the_warm_process(tmp_path):
    """Torch, its threads and its optimizer, all in a fork."""
    with lab(tmp_path / "runs", FEWLABELS_FORK="1", FEWLABELS_TRAIN="") as it:
        it.ready()
        id = it.submit(Run.make(dataset="digits", model="m1", epochs=1))
        assert it.end(id, 120.0) == "done"
        assert it.folder(id).result()["threads"] == it.folder(id).threads == 1
        assert "must only import" not in it.paths.log.read_text()
