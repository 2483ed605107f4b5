"""A run's life through the door that pages use: it is trained, stopped, continued."""

import os
import signal
import subprocess
import sys
import time

import fake_training as fake
import pytest
from lab import LONG, ROOT, SOON, gone, kill, parent, processes, until

from models.errors import StoreError
from models.jobs.queue_paths import QueuePaths
from models.jobs.supervisor import Supervisor

# A run's life


def test_a_run_is_done_and_its_records_are_there(both):
    id = both.go(epochs=2)
    assert both.end(id) == "done"
    assert [r["kind"] for r in both.events(id)[0]].count("epoch") == 2
    assert both.folder(id).result()["test_accuracy"] == 0.5
    assert both.states([id])[id].attempt == 1


@pytest.mark.parametrize("shared", ["warm"], indirect=True)
def test_a_warm_start_needs_no_new_import(both):
    both.end(both.go())
    until(lambda: len(processes(both.root, "models.jobs.zygote")) == 1)  # a run that has ended takes a moment to go
    (zygote,) = processes(both.root, "models.jobs.zygote")
    begin = time.monotonic()
    id = both.go(epochs=LONG)
    until(lambda: both.events(id)[0], SOON, "the first record")
    print(f"the first record came after {time.monotonic() - begin:.2f} s")
    assert parent(both.folder(id).pid() or both.begun(id)) == zygote, "it was forked from the warm process"
    both.stop(id)
    assert both.end(id) == "stopped"


def test_a_run_gets_what_it_was_promised(both):
    ids = [both.go(fake.TELLS), both.go(fake.TELLS, threads=2)]
    both.end(ids[0])
    both.end(ids[1])
    (first,), (second,) = (both.records(id, "tells") for id in ids)
    share = 1  # a small run: its data set is the digits
    assert first["group"] == first["pid"]
    assert first["nice"] >= 5
    assert first["oom"] >= 500
    warm = "torch" in first["heavy"]
    assert first["heavy"] == ("torch" if warm else "")
    given = [r["torch_threads"] if warm else int(r["omp"]) for r in (first, second)]
    assert given == [share, 2]
    assert "glibc.malloc.hugetlb=1" in first["glibc"]
    assert first["drawn"] != second["drawn"]
    assert not warm or first["drawn_by_torch"] != second["drawn_by_torch"]


@pytest.mark.parametrize(
    ("behaviour", "says"),
    [
        (fake.RAISES, "KeyError"),
        (fake.SEGFAULT, "Segmentation fault"),
        (fake.EXITS, "exit code 3"),
        (fake.FULL_DISK, "no room left"),
    ],
)
def test_a_run_that_fails_says_so_in_a_sentence_and_its_neighbour_goes_on(both, behaviour, says):
    neighbour = both.go(epochs=LONG)
    both.begun(neighbour)
    id = both.go(behaviour)
    assert both.end(id) == "failed"
    until(lambda: says in both.states([id])[id].detail, SOON, f"{says} in {both.states([id])[id].detail!r}")
    assert "Traceback" not in both.states([id])[id].detail
    assert both.state(neighbour) == "running"
    both.stop(neighbour)
    assert both.end(neighbour) == "stopped"


def test_a_killed_run_is_soon_known_to_have_failed(both):
    neighbour = both.go(epochs=LONG)
    both.begun(neighbour)
    id = both.go(fake.SLOW, epochs=LONG)
    kill(both.begun(id))
    begin = time.monotonic()
    assert both.end(id, SOON) == "failed"
    until(lambda: "killed" in both.states([id])[id].detail, SOON, "the reason")
    print(f"its end was known after {time.monotonic() - begin:.2f} s")
    assert both.state(neighbour) == "running"
    both.stop(neighbour)
    both.end(neighbour)


def test_what_a_run_started_ends_with_it(both):
    for id in (both.go(fake.FAMILY), both.go(fake.FAMILY, epochs=LONG)):
        (child,) = until(lambda id=id: both.records(id, "child"), what="the run's child")
        if both.folder(id).run.epochs == LONG:
            kill(both.begun(id))
        both.end(id)
        until(lambda pid=child["pid"]: gone(pid), SOON, "the end of the run's child")


# Stop


def test_a_running_run_stops_and_says_at_once_that_it_will(both):
    id = both.go(fake.SLOW, epochs=LONG)
    both.begun(id)
    begin = time.monotonic()
    both.stop(id)
    assert both.state(id) in ("stopping", "stopped")
    print(f"the request took {time.monotonic() - begin:.2f} s")
    assert both.end(id, SOON) == "stopped"
    assert both.records(id, "result") == []
    until(lambda: not both.folder(id).stop_requested(), SOON, "the request to be put away")


def test_a_deaf_run_is_gone_after_its_grace_with_its_children(both):
    id = both.go(fake.DEAF)
    (child,) = until(lambda: both.records(id, "child"), what="the run's child")
    pid = both.folder(id).pid()
    begin = time.monotonic()
    both.stop(id)
    assert both.state(id) == "stopping"
    assert both.end(id) == "stopped"
    took = time.monotonic() - begin
    assert 2.0 < took < SOON, took  # it was given its grace (2.7 s); nothing else would end it for ten minutes
    until(lambda: gone(pid) and gone(child["pid"]), SOON, "the end of both")


def test_a_waiting_run_stops_at_once(cold):
    first, second = cold.go(epochs=LONG), cold.go()
    cold.begun(first)
    cold.stop(second)
    assert cold.state(second) == "stopped"
    cold.stop(first)
    cold.end(first)
    cold.settled()
    assert cold.events(second)[0] == []
    assert cold.states([second])[second].attempt == 0


def test_a_stop_too_much_harms_nothing(both):
    id = both.go()
    both.end(id)
    both.settled()
    for name in (id, id, "m2-digits-100-s0-none", "../x", "", None):
        both.stop(name)
    assert both.state(id) == "done"
    assert not both.folder(id).stop_requested()
    again = both.go(fake.SLOW, epochs=LONG)
    both.stop(again)  # at any moment of its start
    both.stop(again)
    assert both.end(again) == "stopped"


@pytest.mark.parametrize("wait", [0.0, 0.02, 0.05, 0.1, 0.2])
def test_a_stop_at_any_moment_of_the_start_holds(cold, wait):
    id = cold.go(fake.SLOW, epochs=LONG)
    time.sleep(wait)
    cold.stop(id)
    assert cold.end(id) == "stopped"
    time.sleep(0.3)
    assert cold.state(id) == "stopped"


# Continue


def test_a_stopped_run_continues_and_a_finished_one_is_extended(both):
    id = both.go(fake.SLOW, epochs=4)
    until(lambda: both.records(id, "epoch"), what="an epoch")
    both.stop(id)
    assert both.end(id) == "stopped"
    both.resubmit(id)
    assert both.end(id) == "done"
    both.resubmit(id, epochs=5)
    assert both.end(id) == "done"
    assert both.states([id])[id].attempt == 3
    assert [r["step"] for r in both.records(id, "step")] == list(range(1, 26))
    assert [r["epoch"] for r in both.records(id, "epoch")] == [1, 2, 3, 4, 5]


def test_continuing_what_runs_changes_nothing_and_what_is_not_there_is_said(cold):
    id = cold.go(fake.SLOW, epochs=30)
    pid = cold.begun(id)
    cold.resubmit(id)
    assert cold.folder(id).pid() == pid
    with pytest.raises(StoreError, match="no run called"):
        cold.resubmit("m2-digits-100-s0-none")
    with pytest.raises(StoreError, match="no run called"):
        cold.resubmit("../x")


def test_continuing_a_killed_run_before_its_end_was_noted_is_not_lost(cold):
    id = cold.go(fake.SLOW, epochs=3)
    pid = cold.begun(id)
    os.kill(cold.supervisor(), signal.SIGSTOP)
    kill(pid)
    assert cold.states([id])[id].final
    cold.resubmit(id)
    os.kill(cold.supervisor(), signal.SIGCONT)
    assert cold.end(id) == "done"
    assert cold.states([id])[id].attempt == 2


def test_continuing_at_the_very_end_of_a_run_is_not_lost(cold):
    id = cold.go()
    for n in range(1, 5):
        cold.end(id)
        cold.resubmit(id)  # while the supervisor is just noticing
        until(lambda n=n: cold.states([id])[id].attempt == n + 1 or cold.state(id) == "failed", what=f"try {n + 1}")
    assert cold.end(id) == "done"


def test_the_warm_process_imports_what_runs_need_and_can_be_forked(tmp_path):
    """scikit-learn too, whose import takes a second, without the thread of a pyarrow; a run can still import pandas."""
    code = (
        "import sys; from models.jobs import zygote; zygote.import_all(); n = zygote.threads();"
        "print(n, 'sklearn.svm' in sys.modules, 'pandas' in sys.modules);"
        "import pandas; print(pandas.DataFrame().shape)"
    )
    env = {**os.environ, **Supervisor(QueuePaths(tmp_path), 1, 1.0, True)._env(1)}
    env.pop("FEWLABELS_TRAIN", None)
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    assert told.stdout.split("\n")[:2] == ["1 True False", "(0, 0)"]
