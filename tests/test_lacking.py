"""Where the system lacks named pipes or `flock`, or no supervisor can live: a run trains, or a sentence says why."""

import errno
import fcntl
import os
import sqlite3
import time

import fake_training as fake
import pytest
from lab import LONG, ROOT, Lab, lab, until
from streamlit.testing.v1 import AppTest
from test_locks import REFUSALS, without

from models import jobs
from models.errors import JobsError
from models.jobs.bell import Bell, ring
from models.jobs.queue import Queue, QueueUnusable
from models.jobs.queue_paths import QueuePaths
from models.runs.run import Run
from models.runs.store import Folder

LACKING = ("fcntl.flock", "os.mkfifo", "fcntl.flock = os.mkfifo")


@pytest.fixture
def lacking(monkeypatch, tmp_path):
    """Take functions of the system from this process and from those that it starts: an engine on such a machine."""

    def take_away(names: str, number: int = errno.ENOSYS, **env: str):
        def refuse(*args):
            raise OSError(number, os.strerror(number))

        for name in names.split(" = "):
            monkeypatch.setattr({"fcntl": fcntl, "os": os, "sqlite3": sqlite3}[name.partition(".")[0]],
                                name.partition(".")[2], refuse)  # fmt: skip
        path = os.pathsep.join([without(tmp_path / "site", names, number), str(ROOT), str(ROOT / "tests")])
        return lab(tmp_path / "runs", PYTHONPATH=path, **env)

    return take_away


@pytest.mark.parametrize(
    ("names", "number"),
    [(LACKING[0], errno.ENOSYS), (LACKING[1], errno.EPERM), *((LACKING[2], number) for number in REFUSALS)],
)
def test_runs_train_one_after_the_other_stop_and_are_continued(lacking, names, number):
    with lacking(names, number) as it:
        first, second = it.go(fake.SLOW, epochs=LONG), it.go()
        pid = it.begun(first)
        assert it.state(first) == "running"
        assert it.folder(first).pid() == pid
        assert it.state(second) == "queued"
        assert it.states([second])[second].detail == ""
        it.stop(first)
        assert it.end(first) == "stopped"
        assert it.end(second) == "done"
        it.resubmit(first, epochs=1)
        assert it.end(first) == "done"


def test_a_warm_process_forks_there_too(lacking):
    with lacking(LACKING[-1], FEWLABELS_FORK="1") as it:
        it.ready()
        assert it.end(it.go()) == "done"


def test_without_pipes_a_supervisor_leaves_when_nobody_asks_and_stays_when_somebody_rings(lacking):
    with lacking("os.mkfifo", FEWLABELS_IDLE="1.5") as it:
        until(lambda: it.warm() or it.supervisor(), what="the supervisor")
        pid = it.supervisor()
        give_up = time.monotonic() + 3.0
        while time.monotonic() < give_up:
            it.warm()
            time.sleep(0.05)
        assert it.supervisor() == pid, "who rings keeps it"
        until(lambda: it.supervisor() is None, what="the supervisor to leave")


def test_a_bell_is_heard_once_with_a_pipe_and_without(monkeypatch, tmp_path):
    for kind in ("pipe", "file"):
        path = tmp_path / kind
        if kind == "file":
            monkeypatch.delattr(os, "mkfifo")  # as Python itself does where the system has none
        ring(path)  # nobody listens
        bell = Bell(path)
        assert bell.pipe == (kind == "pipe")
        assert not bell.rang()
        ring(path)
        ring(path)
        assert bell.rang()
        assert not bell.rang()
        bell.close()


def test_a_file_in_the_place_of_the_pipe_is_put_right(tmp_path):
    """A runs folder that was copied holds a file `wake`, to which a supervisor would wake without end."""
    path = tmp_path / "wake"
    path.write_text("x" * 10)
    bell = Bell(path)
    assert bell.pipe
    assert not bell.rang()
    bell.close()


# A supervisor that cannot live


def broken_supervisor(tmp_path, code: str) -> str:
    """A folder for PYTHONPATH in which every supervisor, and nothing else, meets `code`."""
    folder = tmp_path / "site"
    folder.mkdir()
    lines = "\n".join(f"    {line}" for line in code.splitlines())
    (folder / "sitecustomize.py").write_text(f"import sys\nif 'models.jobs.supervisor' in sys.orig_argv:\n{lines}\n")
    return os.pathsep.join([str(folder), str(ROOT), str(ROOT / "tests")])


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("import sqlite3\nsqlite3.connect = None", "TypeError: 'NoneType' object is not callable"),
        ("import os\nos._exit(3)", "exit code 3"),
        ("import os\nos.kill(os.getpid(), 9)", "Killed"),
    ],
)
def test_a_supervisor_that_cannot_live_is_said_of_what_waits_and_on_train(tmp_path, code, says):
    with lab(tmp_path / "runs", PYTHONPATH=broken_supervisor(tmp_path, code)) as it:
        id = it.go()
        until(lambda: says in it.states([id])[id].detail, what="the reason")
        state = it.states([id])[id]
        assert (state.state, state.position) == ("queued", 1)
        assert state.detail.startswith("No run can start: the supervisor of ")
        assert state.detail.endswith(f"({says}).")
        assert it.capacity().trouble == state.detail
        jobs.local.cache_clear()
        jobs.engine()._trouble = state.detail  # of the page's own engine, which would find out by itself in a second
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        app = app.switch_page("pages/train.py").run()
        assert not app.exception
        said = [m.value.replace("\\", "") for m in app.markdown if says in m.value.replace("\\", "")]
        assert len(said) == 2, "above Start, and on the card of the run that waits"
        until(lambda: not jobs.engine()._process or jobs.engine()._process.poll() is not None, what="its end")
        jobs.engine().queue.close()
        jobs.local.cache_clear()


def test_the_reason_stays_while_the_next_supervisor_tries(tmp_path):
    """It holds the lock until it fails, too."""
    slow = "import sqlite3, time\ndef no(*a, **k):\n    time.sleep(1)\n    sys.exit('no luck')\nsqlite3.connect = no"
    with lab(tmp_path / "runs", PYTHONPATH=broken_supervisor(tmp_path, slow)) as it:
        id = it.go()
        until(lambda: "no luck" in it.states([id])[id].detail, what="the reason")

        def told() -> None:
            assert "no luck" in it.states([id])[id].detail
            assert "no luck" in it.capacity().trouble

        until(lambda: told() or it.supervisor(), what="the next one")
        until(lambda: told() or not it.supervisor(), what="its end")


def test_what_was_in_the_way_is_forgotten_once_a_supervisor_lives(tmp_path):
    with lab(tmp_path / "runs", PYTHONPATH=broken_supervisor(tmp_path, "sys.exit('no luck today')")) as it:
        id = it.go()
        until(lambda: "no luck today" in it.states([id])[id].detail, what="the reason")
        (tmp_path / "site" / "sitecustomize.py").unlink()
        assert it.end(id) == "done"
        assert it.states([id])[id].detail == it.capacity().trouble == ""


def test_a_map_that_nobody_will_make_is_not_pending_for_ever(tmp_path):
    with lab(tmp_path / "runs", PYTHONPATH=broken_supervisor(tmp_path, "sys.exit('no luck today')")) as it:
        folder = Folder.create(Run.make(), it.root)
        next(iter(fake.mapped(folder)), None)
        folder.set_status("done")
        it.map(folder.id, 1, "z")
        state, why = until(lambda: (s := it.map_state(folder.id, 1, "z"))[1] and s, what="the reason")
        assert (state, "no luck today" in why) == ("failed", True)


# A file system that SQLite cannot work on


def refusing(monkeypatch, statement: str, code: int):
    class Connection(sqlite3.Connection):
        def execute(self, sql, *args):
            if statement in sql:
                error = sqlite3.OperationalError("as the file system has it")
                error.sqlite_errorcode = code
                raise error
            return super().execute(sql, *args)

    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *args, **more: connect(*args, factory=Connection, **more))


@pytest.mark.parametrize("code", [sqlite3.SQLITE_IOERR | 22 << 8, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PROTOCOL])
def test_a_queue_without_shared_memory_works(monkeypatch, tmp_path, code):
    refusing(monkeypatch, "WAL", code)
    queue = Queue(tmp_path / "queue.db")
    queue.add("a", "")
    assert queue.claim() == "a"
    queue.close()


def test_where_there_can_be_no_queue_the_supervisor_says_so_and_leaves(monkeypatch, tmp_path):
    from models.jobs import supervisor

    refusing(monkeypatch, "PRAGMA", sqlite3.SQLITE_IOERR)
    with pytest.raises(QueueUnusable, match="FEWLABELS_RUNS"):
        supervisor.mend(QueuePaths(tmp_path))


def test_a_queue_that_is_busy_is_no_reason_to_leave(monkeypatch, tmp_path):
    refusing(monkeypatch, "BEGIN", sqlite3.SQLITE_BUSY)
    queue = Queue(tmp_path / "queue.db")
    with pytest.raises(JobsError) as e:
        queue.claim()
    assert not isinstance(e.value, QueueUnusable)
    queue.close()


def test_a_folder_that_may_not_be_used_is_a_sentence_of_states_too(tmp_path):
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / ".jobs").write_text("a file where the engine's folder belongs")
    engine = Lab(tmp_path / "runs")
    with pytest.raises(JobsError, match="cannot be started"):
        engine.go()
    (id,) = [p.name for p in engine.root.iterdir() if not p.name.startswith(".")]
    engine._started = 0.0
    state = engine.states([id])[id]
    assert (state.state, "cannot be started" in state.detail) == ("queued", True)
