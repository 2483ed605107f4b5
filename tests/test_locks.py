"""One helper for file locks, whatever the file system knows; and fetches, which stand on it."""

import ast
import errno
import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import data
from data import fetching, files, locks

ROOT = Path(__file__).resolve().parent.parent
REFUSALS = (errno.ENOSYS, errno.EPERM, errno.ENOLCK, errno.EOPNOTSUPP)
WITHOUT = """import errno, fcntl, os
def refuse(*args, **more):
    raise OSError({number}, os.strerror({number}))
{names} = refuse
"""


def without(folder: Path, names: str, number: int) -> str:
    """A folder for PYTHONPATH: every Python that has it on its path is refused these functions of the system."""
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text(WITHOUT.format(names=names, number=number))
    return str(folder)


@pytest.fixture(params=[None, *REFUSALS], ids=lambda n: errno.errorcode[n] if n else "flock")
def path_of_python(request, monkeypatch, tmp_path):
    """With `flock`, and where the system refuses it, in this process and in those that it starts."""
    parts = [str(ROOT)]
    if request.param:

        def refuse(*args):
            raise OSError(request.param, os.strerror(request.param))

        monkeypatch.setattr(fcntl, "flock", refuse)
        parts.insert(0, without(tmp_path / "site", "fcntl.flock", request.param))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(parts))


def until(true, what):
    give_up = time.monotonic() + 60
    while not (value := true()):
        assert time.monotonic() < give_up, f"waited for {what}"
        time.sleep(0.01)
    return value


def test_a_lock_is_of_one_process_and_goes_when_that_is_killed(path_of_python, tmp_path):
    path = tmp_path / "lock"
    code = "import sys, time; from pathlib import Path; from data.locks import take\n"
    code += "fd = take(Path(sys.argv[1])); print('has it', flush=True); time.sleep(600)"
    other = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout.readline() == "has it\n"
        assert locks.held(path)
        assert locks.holder(path) == other.pid
        with pytest.raises(BlockingIOError):
            locks.take(path, patience=0.05)
    finally:
        other.send_signal(signal.SIGKILL)
        other.communicate()
    assert not locks.held(path)
    assert locks.holder(path) is None
    mine = locks.take(path)
    assert locks.holder(path) == os.getpid()
    locks.release(mine)
    assert not locks.held(path)


def test_locks_of_two_files_have_nothing_to_do_with_each_other(path_of_python, tmp_path):
    (tmp_path / "below").mkdir()
    paths = [tmp_path / "a", tmp_path / "b", tmp_path / "below" / "a"]
    taken = [locks.take(path) for path in paths]
    (tmp_path / "way").symlink_to(tmp_path / "below")
    assert locks.held(tmp_path / "way" / "a"), "by whatever way one comes to it"
    for fd in taken:
        os.close(fd)
    assert not any(map(locks.held, paths))


def test_where_there_can_be_no_lock_at_all_a_sentence_says_so(monkeypatch, tmp_path):
    from models.errors import StoreError
    from models.runs.store import Folder

    def refuse(*args):
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr(fcntl, "flock", refuse)
    monkeypatch.setattr(sys, "platform", "darwin")  # which has no abstract sockets
    with pytest.raises(StoreError, match="knows no locks"):
        Folder(tmp_path).lock()
    assert not locks.held(tmp_path / "lock")


def test_a_data_set_is_locked_on_any_file_system(path_of_python, monkeypatch, tmp_path):
    monkeypatch.setenv("FEWLABELS_CACHE", str(tmp_path / "cache"))
    with files.locked("digits") as one:
        assert one
        assert locks.holder(files.cache() / ".digits.lock") == os.getpid()

        def enough():
            raise InterruptedError  # an OSError, as what a caller says to end the work may be

        with pytest.raises(InterruptedError), files.locked("digits", waiting=enough):
            pytest.fail("two have it")
    assert not locks.held(files.cache() / ".digits.lock")


def test_one_module_knows_of_flock():
    users = [
        path.relative_to(ROOT).as_posix()
        for room in ("data", "models", "pages")
        for path in sorted((ROOT / room).rglob("*.py"))
        if any(
            isinstance(node, ast.Import) and "fcntl" in [alias.name for alias in node.names]
            for node in ast.walk(ast.parse(path.read_text()))
        )
    ]
    assert users == ["data/locks.py"]


# Fetches


def test_a_fetch_goes_on_by_itself_and_says_how_far_it_is(path_of_python, monkeypatch, tmp_path):
    monkeypatch.setenv("FEWLABELS_CACHE", str(tmp_path / "cache"))
    assert fetching.look("digits") == fetching.Fetch(False)
    with files.locked("digits"):  # it has to wait
        fetching.start("digits")
        assert fetching.look("digits").running
        first = locks.holder(fetching.path_of("digits", "lock"))
        fetching.start("digits")
        assert locks.holder(fetching.path_of("digits", "lock")) == first, "a second start is none"
        said = until(lambda: (f := fetching.look("digits")).what != "Starting" and f, "what it waits for")
        assert said.what == "Another process is fetching Digits."
    until(lambda: not fetching.look("digits").running, "the end of the fetch")
    assert fetching.look("digits").error == ""
    assert files.has_arrays(data.DATASETS["digits"])


def test_a_fetch_that_fails_ends_with_its_sentence(monkeypatch, tmp_path):
    monkeypatch.setenv("FEWLABELS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    (tmp_path / "cache" / "arrays").mkdir(parents=True)
    (tmp_path / "cache" / "arrays").rmdir()
    (tmp_path / "cache" / "arrays").write_text("a file where the folder belongs")
    fetching.start("digits")
    until(lambda: not fetching.look("digits").running, "the end of the fetch")
    assert fetching.look("digits").error.startswith("Digits could not be prepared (")


def test_a_fetch_that_is_stopped_is_gone(monkeypatch, tmp_path):
    monkeypatch.setenv("FEWLABELS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    with files.locked("digits"):
        fetching.start("digits")
        fetching.stop("digits")
        until(lambda: not fetching.look("digits").running, "the end of the fetch")


def test_a_fetch_where_nothing_can_be_written_is_a_sentence(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("FEWLABELS_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(data.DataError, match="FEWLABELS_CACHE"):
        fetching.start("digits")
