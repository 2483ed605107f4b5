"""Stop is heard in every phase of a run, nothing learned is lost by it, and what is said of it at the end is true."""

import os
import threading
import time

import pytest
from lab import ROOT, SOON, gone, lab, until

from models.runs.run import Run
from models.runs.store import STOPPED_UNHEARD, STOPPING, Folder
from models.training.loop import UNEVALUATED, UNMEASURED
from models.training.stopping import STARTING, StopRequest, heard_at_once

PHASES = """
import os, time
from pathlib import Path
def enter(folder, phase):
    (folder.path / "phase").write_text(phase)
def train(run, folder=None, stop=lambda: False, started=None):
    phase = os.environ["PHASE"]
    if phase == "starting":
        (folder.path / f".model.safetensors.{os.getpid()}.1").write_text("half")
        enter(folder, phase); time.sleep(600)
    yield {"kind": "start", "step": 0, "steps_per_epoch": 5, "epochs": run.epochs}
    yield {"kind": "step", "step": 1, "epoch": 0.2, "J": 1.0}
    if phase == "evaluating":
        with stop.nothing_to_lose("the sentence of the loop"):
            enter(folder, phase); sum(range(10**7)); time.sleep(600)
    enter(folder, phase); time.sleep(4)
    if stop():
        (folder.path / "saved").write_text("all")
        return
    yield {"kind": "result", "step": 5}
"""
IMPORTING = 'import time, os\nopen(os.environ["PHASE"], "w").close()\ntime.sleep(600)\n'


@pytest.fixture
def phases(tmp_path):
    """An engine whose runs stay in one phase."""

    def of(phase, source=PHASES, **env):
        (tmp_path / "phases.py").write_text(source)
        path = os.pathsep.join([str(ROOT), str(ROOT / "tests"), str(tmp_path)])
        return lab(tmp_path / "runs", FEWLABELS_TRAIN="phases:train", PHASE=phase, PYTHONPATH=path, **env)

    return of


@pytest.mark.parametrize(("phase", "says"), [("starting", STARTING), ("evaluating", "the sentence of the loop")])
def test_a_run_that_is_busy_with_what_is_safe_ends_soon_and_says_where(phases, phase, says):
    with phases(phase) as it:
        id = it.go()
        until(lambda: (it.folder(id).path / "phase").exists(), what="the phase")
        pid, begin = it.folder(id).pid(), time.monotonic()
        it.stop(id)
        assert it.end(id, SOON) == "stopped"
        print(f"it took {time.monotonic() - begin:.2f} s")
        assert it.states([id])[id].detail == says
        until(lambda: gone(pid), SOON, "its process to be gone")
        it.settled()
        assert it.states([id])[id].detail == says, "the supervisor leaves the sentence as it is"
        assert not it.folder(id).stop_requested()
        assert not list(it.folder(id).path.glob(".*")), "nothing half-written stays"


def test_a_run_that_still_imports_ends_soon(phases, tmp_path):
    with phases(str(tmp_path / "imports"), IMPORTING) as it:
        id = it.go()
        until((tmp_path / "imports").exists, what="the import")
        it.stop(id)
        assert it.end(id, SOON) == "stopped"
        assert it.states([id])[id].detail == STARTING


def test_a_long_step_is_waited_for_and_what_it_learned_is_kept(phases):
    """Four seconds are longer than a process gets that says nothing."""
    with phases("learning") as it:
        id = it.go()
        until(lambda: (it.folder(id).path / "phase").exists(), what="the step")
        it.stop(id)
        state = it.states([id])[id]
        assert (state.state, state.detail) == ("stopping", STOPPING)
        assert it.end(id, SOON) == "stopped"
        assert (it.folder(id).path / "saved").exists()
        assert it.states([id])[id].detail == ""


def test_a_process_that_never_begins_is_not_waited_for_and_not_blamed(tmp_path):
    site = tmp_path / "site"
    site.mkdir()
    hang = (
        f"import sys, time\nif 'models.jobs.child' in sys.orig_argv:\n    open({str(tmp_path / 'up')!r}, 'w').close()\n"
    )
    (site / "sitecustomize.py").write_text(hang + "    time.sleep(600)\n")
    with lab(tmp_path / "runs", PYTHONPATH=os.pathsep.join(map(str, (site, ROOT, ROOT / "tests")))) as it:
        id = it.go()
        until((tmp_path / "up").exists, what="its process")
        it.stop(id)
        assert it.end(id, SOON) == "stopped"
        assert it.states([id])[id].detail == "Stopped before it began."


def test_one_that_heard_and_does_not_end_is_ended_and_that_is_said(phases):
    source = PHASES.replace("time.sleep(4)", "time.sleep(600)")
    with phases("learning", source) as it:
        id = it.go()
        until(lambda: (it.folder(id).path / "phase").exists(), what="the step")
        it.stop(id)
        assert it.end(id, SOON) == "stopped"
        assert it.states([id])[id].detail == STOPPED_UNHEARD["detail"]


# The parts


def test_nothing_is_ended_while_something_would_be_lost(tmp_path):
    folder = Folder.create(Run.make(), tmp_path)
    folder.set_status("running")
    folder.request_stop()
    stop, ended = StopRequest(folder.stop_requested), threading.Event()
    stop.learning()
    with heard_at_once(stop, folder, ended.set):
        until(folder.stop_heard, what="the request to be heard")
        assert not ended.wait(1.5)
        with stop.nothing_to_lose("here"):
            assert ended.wait(SOON)
    assert folder.written_status()["detail"] == "here"


def test_a_request_that_is_taken_back_is_none_and_leaves_no_file(tmp_path):
    folder = Folder.create(Run.make(), tmp_path)
    folder.hear_stop()
    assert not folder.stop_requested()
    folder.request_stop()
    assert not folder.stop_heard()
    folder.hear_stop()
    assert folder.stop_heard()
    folder.clear_stop()
    assert not folder.stop_heard()


def test_the_loop_says_when_all_is_on_disk(tmp_path, monkeypatch):
    from models.training.loop import train
    from models.training.trainer import Trainer

    folder, seen = Folder.create(Run.make(model="supervised", epochs=1), tmp_path), []
    stop = StopRequest(lambda: False)

    def told(name):
        original = getattr(Trainer, name)

        def method(self, *args, **more):
            seen.append((name, stop.ending))
            return original(self, *args, **more)

        return method

    for name in ("step", "evaluate", "keep", "extras"):
        monkeypatch.setattr(Trainer, name, told(name))
    for record in train(folder.run, folder, stop):
        if record["kind"] == "start":
            stop.learning()  # as the worker does
        else:
            assert stop.ending is None, "a record is written down before the process may end"
    after = UNEVALUATED.format(epoch=1)
    assert set(seen) == {("evaluate", STARTING), ("keep", STARTING), ("step", None), ("evaluate", after),
                         ("keep", after), ("extras", UNMEASURED)}  # fmt: skip
