"""What cannot be in the environment is a sentence that names it: on every page, in the shell, before all else."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import data
from data import files
from models import environment
from models.__main__ import main
from models.errors import JobsError, StoreError, UserError
from models.jobs.local import Local
from models.runs import store

ROOT = Path(__file__).resolve().parent.parent
NUMBERS = ("FEWLABELS_SLOTS", "FEWLABELS_IDLE", "FEWLABELS_MAPPER_IDLE")
FOLDERS = ("FEWLABELS_RUNS", "FEWLABELS_CACHE", "FEWLABELS_DATA")
WRONG = [
    *((name, value) for name in NUMBERS for value in ("nan", "x", "inf", "-1", "0", "1e999", "~nobodyxx")),
    *((name, value) for name in FOLDERS for value in ("~nobodyxx", "~nobodyxx/runs", "FILE", "FILE/below/it")),
    ("FEWLABELS_DATA", f"FOLDER{os.pathsep}~nobodyxx"),
]
ONE_OF_EACH = [*((name, "nan") for name in NUMBERS), *((name, "~nobodyxx") for name in FOLDERS)]
ONE_OF_EACH += [(name, "FILE") for name in FOLDERS]
PAGES = ("app.py", *sorted(f"pages/{path.name}" for path in (ROOT / "pages").glob("*.py")))


@pytest.fixture(autouse=True)
def usual(monkeypatch, tmp_path):
    for name in (*NUMBERS, *FOLDERS):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FEWLABELS_RUNS", str(tmp_path / "runs"))
    (tmp_path / "file").write_text("no folder")


def given(monkeypatch, tmp_path, name, value):
    monkeypatch.setenv(name, value.replace("FILE", str(tmp_path / "file")).replace("FOLDER", str(tmp_path)))


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_the_shell_says_it_and_exits_2(monkeypatch, tmp_path, capsys, name, value):
    given(monkeypatch, tmp_path, name, value)
    assert main(["list"]) == 2
    out, err = capsys.readouterr()
    assert (out, len(err.splitlines())) == ("", 1)
    assert err.startswith(f"{name} is ")
    assert not (tmp_path / "runs").exists()


def test_a_real_shell_prints_no_traceback(tmp_path):
    env = {**os.environ, "FEWLABELS_CACHE": "~nobodyxx", "FEWLABELS_RUNS": str(tmp_path)}
    command = [sys.executable, "-m", "models", "train", "--epochs", "1"]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=200)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "FEWLABELS_CACHE is '~nobodyxx', and nobody here has that home. Name another folder.\n"


def test_a_folder_of_runs_that_is_a_file_is_said_by_the_shell(tmp_path, capsys):
    assert main(["list", "--runs", str(tmp_path / "file")]) == 2
    assert capsys.readouterr().err.startswith("--runs is ")


def test_runs_named_by_hand_need_no_word_of_the_environment(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("FEWLABELS_RUNS", "~nobodyxx")
    assert main(["list", "--runs", str(tmp_path)]) == 0


@pytest.mark.parametrize("page", PAGES)
def test_every_page_says_it_in_place_of_an_exception(monkeypatch, tmp_path, page):
    for name, value in ONE_OF_EACH:
        with monkeypatch.context() as patch:
            given(patch, tmp_path, name, value)
            app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
            app = (app if page == "app.py" else app.switch_page(page)).run()
        assert not app.exception, [e.value for e in app.exception]
        (said,) = [e.value.replace("\\", "") for e in app.error]
        assert said.startswith(f"{name} is ")
        assert not app.button, "and nothing can be started"
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(("name", "value"), [pair for pair in ONE_OF_EACH if pair[0] != "FEWLABELS_RUNS"])
def test_an_engine_starts_nothing_that_would_die_of_it(monkeypatch, tmp_path, name, value):
    from models.runs.run import Run
    from models.runs.store import Folder

    given(monkeypatch, tmp_path, name, value)
    engine = Local(tmp_path / "runs")
    with pytest.raises(UserError, match=f"^{name} is "):
        engine.submit(Run.make())
    assert not (tmp_path / "runs").exists()
    engine.warm()
    assert engine.supervisor() is None
    waiting = Folder.create(Run.make(), engine.root)
    engine.queue.add(waiting.id, "")
    state = engine.states([waiting.id])[waiting.id]
    assert state.state == "queued"
    assert f"{name} is " in state.detail, "a run that waits says what for"
    engine.queue.close()


def test_each_is_the_error_of_who_reads_it(monkeypatch, tmp_path):
    monkeypatch.setenv("FEWLABELS_RUNS", str(tmp_path / "file"))
    with pytest.raises(StoreError):
        store.root()
    monkeypatch.setenv("FEWLABELS_SLOTS", "two")
    with pytest.raises(JobsError):
        environment.slots()
    monkeypatch.setenv("FEWLABELS_CACHE", "~nobodyxx")
    for ask in (files.cache, lambda: data.load("mnist"), lambda: data.availability("mnist")):
        with pytest.raises(data.DataError):
            ask()


def test_what_is_not_there_yet_and_what_is_empty_is_fine(monkeypatch, tmp_path):
    for name in FOLDERS:
        monkeypatch.setenv(name, str(tmp_path / "not" / "yet"))
    environment.check()
    for name in (*FOLDERS, *NUMBERS):
        monkeypatch.setenv(name, "")
    environment.check()
    assert store.root() == ROOT / "runs"


def test_the_environment_is_read_in_two_places():
    readers = set()
    for path in (ROOT / "app.py", *(p for room in ("data", "models", "pages") for p in (ROOT / room).rglob("*.py"))):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(func=ast.Attribute(attr="get" | "getenv" | "pop" | "setdefault"), args=[name, *_]):
                    pass
                case ast.Subscript(slice=name):
                    pass
                case _:
                    continue
            if "FEWLABELS" in ast.unparse(name):
                readers.add(path.relative_to(ROOT).as_posix())
    assert readers <= {"data/files.py", "models/environment.py"}
