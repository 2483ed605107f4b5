"""In a runs folder that is read-only, whatever is asked of a run is refused in a sentence, and nothing has changed.

Root may write whatever the mode of a folder says, so the system's functions refuse below that folder as it would.
"""

import builtins
import errno
import io
import os
import sqlite3
from pathlib import Path

import fake_runs
import pytest
from streamlit.testing.v1 import AppTest

from models.errors import JobsError, StoreError
from models.jobs.local import Local
from models.runs import store
from models.runs.run import Run
from models.runs.store import Folder

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("FEWLABELS_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr(Local, "ensure", lambda self: None)
    return tmp_path / "runs"


def read_only(monkeypatch, root: Path) -> None:
    """From now on the system refuses to write below `root`: EROFS, before it looks whether a file is there."""

    def inside(path: object) -> bool:
        return isinstance(path, str | os.PathLike) and Path(path).is_relative_to(root)

    def refuse_if(refused, function):
        def guarded(*args, **more):
            if refused(*args, **more):
                raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(args[0]))
            return function(*args, **more)

        return guarded

    def opens_to_write(path, mode="r", *args, **more):
        return inside(path) and set(mode) & set("wxa+") != set()

    def opens_with_flags(path, flags, *args, **more):
        return inside(path) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) != 0

    for module in (builtins, io):
        monkeypatch.setattr(module, "open", refuse_if(opens_to_write, open))
    monkeypatch.setattr(os, "open", refuse_if(opens_with_flags, os.open))
    for name in ("replace", "rename", "unlink", "mkdir", "rmdir", "utime", "link", "truncate"):
        monkeypatch.setattr(os, name, refuse_if(lambda path, *a, **m: inside(path), getattr(os, name)))

    def connect(path, *args, **more):
        error = sqlite3.OperationalError("unable to open database file")
        error.sqlite_errorcode = sqlite3.SQLITE_CANTOPEN
        raise error

    monkeypatch.setattr(sqlite3, "connect", connect)


def contents(root: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


@pytest.mark.parametrize("state", ["stopped", "failed", "lost", "done"])
@pytest.mark.parametrize("epochs", [None, 9])
def test_a_run_is_not_continued(root, monkeypatch, state, epochs):
    folder = Folder.create(Run.make(epochs=3), root)
    folder.set_status(state)
    before, engine = contents(root), Local(root)
    read_only(monkeypatch, root)
    with pytest.raises(StoreError, match="may not be written"):
        engine.resubmit(folder.id, epochs)
    assert contents(root) == before


@pytest.mark.parametrize(
    "ask",
    [
        lambda engine, id: engine.submit(Run.make()),
        lambda engine, id: engine.stop(id),
        lambda engine, id: store.delete(engine.root, id),
        lambda engine, id: engine.map(id, 1, "z"),
        lambda engine, id: engine.full_dataset(id, 1),
    ],
    ids=["submit", "stop", "delete", "map", "whole"],
)
def test_whatever_else_is_asked_is_a_sentence_too(root, monkeypatch, ask):
    folder = fake_runs.make(root, epochs=1)
    folder.set_status("queued" if ask.__code__.co_names[:1] == ("stop",) else "done")
    before, engine = contents(root), Local(root)
    read_only(monkeypatch, root)
    with pytest.raises((StoreError, JobsError)) as e:
        ask(engine, folder.id)
    assert str(e.value).endswith(".")
    assert contents(root) == before
    assert not engine.states([folder.id])[folder.id].final or folder.written_status()["state"] == "done"


def test_the_page_says_it_where_the_button_was_pressed(root, monkeypatch):
    folder = fake_runs.make(root, epochs=2)
    folder.set_status("stopped")
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app = app.switch_page("pages/train.py").run()
    with monkeypatch.context() as patch:
        read_only(patch, root)
        app.button(key=f"continue-{folder.id}").click().run()
    assert not app.exception, [e.value for e in app.exception]
    assert any("may not be written" in m.value for m in app.markdown)
    assert folder.written_status()["state"] == "stopped"


def test_an_extension_that_fails_half_way_is_taken_back(root, monkeypatch):
    folder = Folder.create(Run.make(epochs=3), root)
    folder.set_status("done")

    def full(self, state, **more):
        raise StoreError("There is no room left.")

    monkeypatch.setattr(Folder, "set_status", full)
    with pytest.raises(StoreError, match="no room"):
        Local(root).resubmit(folder.id, epochs=9)
    assert folder.run.epochs == 3
