"""A run folder is never torn, and what it says is true."""

import errno
import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import fake_training as fake
import pytest

from models import errors
from models.errors import AlreadyRunning, StoreError
from models.runs import store
from models.runs.run import Run
from models.runs.store import Folder
from models.runs.tail import Tail
from models.training.worker import work

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def folder(tmp_path):
    return Folder.create(Run.make(epochs=2), tmp_path, owner="ada")


@pytest.fixture
def fakes(monkeypatch):
    monkeypatch.setenv("FEWLABELS_TRAIN", "fake_training:train")
    monkeypatch.setattr(fake, "MOMENT", 0.0)


def elsewhere(code, *args, env=()):
    """Run Python code in a process of its own; what it printed."""
    env = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}", **dict(env)}
    done = subprocess.run([sys.executable, "-c", code, *map(str, args)], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Holder:
    """Another process that has a run."""

    def __init__(self, folder):
        code = "import sys; from models.runs.store import Folder\n"
        code += "Folder(sys.argv[1]).lock(); print(1, flush=True); input()"
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, str(folder.path)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.process.stdout.readline()

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


@pytest.fixture
def holder(folder):
    it = Holder(folder)
    yield it
    if it.process.poll() is None:
        it.kill()


# What it is


def test_a_run_comes_back_as_it_was_made(folder, tmp_path):
    again = store.open_folder(tmp_path, folder.id)
    assert again.run == Run.make(epochs=2)
    assert again.made["owner"] == "ada"
    assert abs(again.made["created"] - time.time()) < 60
    assert {"torch", "python", "git"} <= set(again.made)
    assert folder.status()["state"] == "queued"


def test_the_store_loads_no_torch():
    code = "import sys, models.runs.store, models.training.worker, models.jobs\n"
    code += "print({'torch', 'streamlit'} & set(sys.modules))"
    assert elsewhere(code).strip() == "set()"


def test_runs_come_newest_first(tmp_path):
    made = [Folder.create(Run.make(seed=s), tmp_path).id for s in range(5)]
    assert [f.id for f in store.runs(tmp_path)] == made[::-1]


def test_more_epochs_are_seen_and_what_made_it_stays(folder, tmp_path):
    made = folder.made
    folder.change(Run.make(epochs=7))
    assert store.open_folder(tmp_path, folder.id).run.epochs == 7
    assert folder.made == made


@pytest.mark.parametrize("id", ["../etc", "..", "", "/etc", "a/b", "M2-X", "m2-digits-100-s0-none", None, 3])
def test_what_is_no_run_opens_nothing(tmp_path, id):
    (tmp_path / "a" / "b").mkdir(parents=True)
    assert store.open_folder(tmp_path / "a", id) is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"run": {}, "made": {}}', '{"run": [], "made": []}', "\x00\xff"])
def test_a_damaged_run_is_left_out_and_opening_it_says_why(folder, tmp_path, text):
    whole = Folder.create(Run.make(), tmp_path)
    (folder.path / "run.json").write_text(text)
    assert [f.id for f in store.runs(tmp_path)] == [whole.id]
    with pytest.raises(StoreError, match=folder.id):
        store.open_folder(tmp_path, folder.id)


def test_no_folder_at_all_is_no_run(tmp_path):
    assert store.runs(tmp_path / "nowhere") == []
    (tmp_path / "m2-digits-100-s0-abcd").mkdir()
    (tmp_path / "m2-digits-100-s0-efgh").write_text("a file")
    assert store.runs(tmp_path) == []


def test_a_full_disk_leaves_nothing_behind_and_is_said(tmp_path, monkeypatch):
    def full(fd):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="no room left"):
        Folder.create(Run.make(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_the_old_status_whole(folder, monkeypatch):
    def full(fd):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="no room left"):
        folder.set_status("done")
    assert folder.status()["state"] == "queued"
    assert not list(folder.path.glob(".*"))


# Its state


def test_a_reader_never_sees_a_torn_status(folder):
    torn, over = [], threading.Event()

    def read():
        while not over.is_set():
            status = folder.written_status()
            if status["state"] not in ("queued", "stopped"):
                torn.append(status)

    reader = threading.Thread(target=read)
    reader.start()
    for n in range(150):
        folder.set_status("stopped", detail="x" * 5000, n=n)
    over.set()
    reader.join()
    assert torn == []


@pytest.mark.parametrize("text", ["", '{"state": "do', "[]", '{"state": "bored"}', "\x00"])
def test_a_damaged_status_is_lost_in_a_sentence(folder, text):
    (folder.path / "status.json").write_text(text)
    assert folder.status()["state"] == "lost"
    assert folder.status()["detail"].endswith("cannot be read.")


def test_running_is_true_only_while_a_process_holds_the_run(folder, holder):
    folder.set_status("running")
    assert folder.status()["state"] == "running"
    assert folder.pid() == holder.process.pid
    folder.request_stop()
    assert folder.status()["state"] == "stopping"
    holder.kill()
    assert folder.status()["state"] == "stopped"
    folder.clear_stop()
    assert folder.status()["state"] == "lost"
    assert folder.pid() is None


def test_a_process_id_that_somebody_else_got_is_not_a_living_run(folder):
    folder.set_status("running", pid=os.getpid())
    (folder.path / "lock").write_text(str(os.getpid()))
    assert folder.status()["state"] == "lost"
    assert folder.pid() is None


def test_a_run_has_one_process(folder, holder):
    with pytest.raises(AlreadyRunning, match=folder.id):
        folder.lock()
    holder.kill()
    os.close(folder.lock())


def test_asking_whether_a_run_lives_does_not_keep_it_from_starting(folder):
    os.close(folder.lock())
    asking = os.open(folder.path / "lock", os.O_RDONLY)
    fcntl.flock(asking, fcntl.LOCK_SH)
    answered = threading.Timer(0.1, os.close, [asking])
    answered.start()
    os.close(folder.lock())
    answered.join()


# What it recorded


def test_records_come_back_from_where_one_left_off(folder):
    folder.append({"kind": "step", "step": 1})
    first, offset = folder.records()
    assert [r["step"] for r in first] == [1]
    assert "t" in first[0]
    assert folder.records(offset) == ([], offset)
    folder.append({"kind": "step", "step": 2})
    assert [r["step"] for r in folder.records(offset)[0]] == [2]


def test_a_torn_last_line_is_ignored_and_spoils_nothing(folder):
    folder.append({"kind": "step", "step": 1})
    with open(folder.metrics, "ab") as f:
        f.write(b'{"kind":"step","st')
    records, offset = folder.records()
    assert [r["step"] for r in records] == [1]
    folder.append({"kind": "step", "step": 2})
    assert [r["step"] for r in folder.records(offset)[0]] == [2]
    assert [r["step"] for r in folder.records()[0]] == [1, 2]


@pytest.mark.parametrize("offset", [-1, 3, 10**9])
def test_an_offset_that_is_no_beginning_of_a_line_reads_anew(folder, offset):
    folder.append({"kind": "step", "step": 1})
    assert [r["step"] for r in folder.records(offset)[0]] == [1]


def test_records_of_a_run_that_is_not_there(tmp_path):
    assert Folder(tmp_path / "m2-none").records(7) == ([], 0)
    assert Folder(tmp_path / "m2-none").result() is None


def test_records_past_a_checkpoint_are_dropped(folder):
    for step in (0, 1, 2, 3):
        folder.append({"kind": "step", "step": step})
        folder.append({"kind": "note"})
    folder.truncate_after(2)
    assert [r.get("step") for r in folder.records()[0]] == [0, None, 1, None, 2, None]


def test_a_tail_follows_a_run_that_is_continued(folder):
    tail = Tail(folder)
    assert tail.read() == []
    for step in range(10):
        folder.append({"kind": "step", "step": step})
        assert [r["step"] for r in tail.read()] == list(range(step + 1))
    folder.truncate_after(4)
    for step in range(5, 20):
        folder.append({"kind": "again", "step": step})
    assert [r["step"] for r in tail.read()] == list(range(20))
    assert tail.read()[5]["kind"] == "again"


def test_a_tail_reads_only_what_is_new(folder, monkeypatch):
    folder.append({"kind": "step", "step": 1})
    tail, asked = Tail(folder), []
    plain = Folder.records
    monkeypatch.setattr(Folder, "records", lambda self, offset=0: asked.append(offset) or plain(self, offset))
    tail.read()
    size = folder.metrics.stat().st_size
    tail.read()
    folder.append({"kind": "step", "step": 2})
    tail.read()
    assert asked == [0, size]


def test_the_last_result_counts(folder):
    assert folder.result() is None
    folder.append({"kind": "start", "step": 0})
    for n in range(2000):  # more than is read at the end of the file
        folder.append({"kind": "step", "step": n, "terms": "x" * 60})
    assert folder.result() is None
    folder.append({"kind": "result", "test_accuracy": 0.1})
    assert folder.result()["test_accuracy"] == 0.1
    folder.append({"kind": "start", "step": 2000})  # extended: what it had reached is not its result any more
    assert folder.result() is None
    for n in range(2000):
        folder.append({"kind": "step", "step": n, "terms": "x" * 60})
    assert folder.result() is None
    folder.append({"kind": "result", "test_accuracy": 0.2})
    assert folder.result()["test_accuracy"] == 0.2


def test_a_full_disk_while_recording_is_a_sentence(folder):
    os.symlink("/dev/full", folder.metrics)
    with pytest.raises(StoreError, match="no room left"):
        folder.append({"kind": "step"})


def test_pictures_and_snapshots_come_by_epoch(folder):
    for name in ("samples/0010.png", "samples/0002.png", "samples/.0003.png.tmp", "latents/0007.safetensors"):
        (folder.path / name).parent.mkdir(exist_ok=True)
        (folder.path / name).touch()
    folder.map_path(7, "z").parent.mkdir()
    folder.map_path(7, "z").touch()
    assert [(n, p.name) for n, p in folder.samples()] == [(2, "0002.png"), (10, "0010.png")]
    assert [n for n, _ in folder.snapshots()] == [7]
    assert [n for n, _ in folder.maps("z")] == [7]
    assert folder.maps("a") == []


# Working one off


def test_work_records_and_ends_done(folder, fakes):
    seen = []
    assert work(folder, seen.append) == "done"
    assert folder.status()["state"] == "done"
    assert folder.status()["attempt"] == 1
    assert [r["kind"] for r in folder.records()[0]] == [r["kind"] for r in seen]
    assert seen[-1]["kind"] == "result"
    assert not folder.alive()


@pytest.mark.parametrize(
    ("seed", "says"),
    [(fake.RAISES, "KeyError"), (fake.FULL_DISK, "no room left"), (fake.NO_MEMORY, "ran out of memory")],
)
def test_a_failure_is_one_sentence_and_its_traceback_stays_in_the_log(tmp_path, fakes, seed, says):
    folder = Folder.create(Run.make(seed=seed), tmp_path)
    assert work(folder) == "failed"
    status = folder.status()
    assert status["state"] == "failed"
    assert says in status["detail"]
    assert "\n" not in status["detail"]
    assert "Traceback" not in json.dumps(status)
    assert "Traceback" in (folder.path / "log.txt").read_text()


def test_work_stops_when_asked_and_continues_where_it_was(folder, fakes):
    def stop_at_seven(record):
        if record.get("step") == 7:
            folder.request_stop()

    assert work(folder, stop_at_seven) == "stopped"
    assert not folder.stop_requested()
    assert [r["step"] for r in folder.records()[0] if r["kind"] == "step"] == [1, 2, 3, 4, 5, 6, 7]
    assert work(folder) == "done"
    assert folder.status()["attempt"] == 2
    assert [r["step"] for r in folder.records()[0] if r["kind"] == "step"] == list(range(1, 11))  # 6, 7 once
    assert [r["step"] for r in folder.records()[0] if r["kind"] == "start"] == [0, 5]


def test_a_run_that_begins_anew_forgets_what_it_had_recorded(folder, fakes):
    folder.append({"kind": "start", "step": 0})
    folder.append({"kind": "step", "step": 3, "J": "of an earlier try"})
    work(folder)
    assert "of an earlier try" not in folder.metrics.read_text()
    # Each try says where it began; what was recorded at that step already (epoch 0) stays.
    assert [r["step"] for r in folder.records()[0] if r["kind"] == "start"] == [0, 0]


def test_a_training_that_ends_without_a_result_failed(folder, monkeypatch):
    monkeypatch.setattr(fake, "train", lambda *a, **k: iter([{"kind": "start", "step": 0}]))
    monkeypatch.setenv("FEWLABELS_TRAIN", "fake_training:train")
    assert work(folder) == "failed"
    assert "without a result" in folder.status()["detail"]


def test_an_interrupt_from_the_keyboard_is_a_stop(folder, fakes):
    def interrupt(record):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work(folder, interrupt)
    assert folder.status()["state"] == "stopped"
    assert not folder.alive()


def test_work_leaves_a_run_of_another_process_alone(folder, holder, fakes):
    folder.set_status("running")
    with pytest.raises(AlreadyRunning):
        work(folder)
    assert folder.status()["state"] == "running"
    assert folder.records()[0] == []


@pytest.mark.parametrize("odd", [{"made": {"created": None}}, {"made": {"created": "today"}}, {"n_z": [1]}])
def test_an_odd_run_is_left_out_of_the_list(folder, odd):
    """Whatever stands in its run.json, one folder may not take the list of all runs away."""
    other = Folder.create(folder.run, folder.path.parent)
    path = folder.path / "run.json"
    whole = json.loads(path.read_text())
    whole["made"] = odd.get("made", whole["made"])
    whole["run"]["settings"]["n_z"] = odd.get("n_z", 4)
    path.write_text(json.dumps(whole))
    assert [f.id for f in store.runs(folder.path.parent)] == [other.id]
    with pytest.raises(errors.StoreError, match="damaged"):
        store.open_folder(folder.path.parent, folder.id)
