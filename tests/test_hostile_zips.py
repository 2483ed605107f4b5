"""Whatever comes as the zip of a run ends as one sentence, in a function, in a shell and on Start; nothing is left."""

import subprocess
import sys
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from models.__main__ import main
from models.errors import StoreError
from models.jobs.local import Local
from models.runs import archive, store

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))
import fake_runs  # noqa: E402
import hostile_zips  # noqa: E402


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """The zip of a small run, and of a few epochs."""
    root = tmp_path_factory.mktemp("good")
    folder = fake_runs.make(root, "done", model="m2", epochs=1)
    (folder.path / "latents" / "0001.safetensors").unlink()  # small, for it is made again some hundred times
    (folder.path / "samples" / "0001.png").unlink()
    return archive.export(folder, root / "a.zip").read_bytes()


@pytest.fixture(scope="module")
def hostile(good):
    return dict(hostile_zips.every(good))


def sentence(text: str) -> bool:
    return text.endswith(".") and "\n" not in text and text.isprintable() and len(text) < 600


def test_each_is_refused_in_a_sentence_and_leaves_nothing(hostile, good, tmp_path, capsys):
    assert len(hostile) > 200
    wrong, root = [], tmp_path / "runs"
    for i, (name, data) in enumerate(hostile.items()):
        file = tmp_path / "theirs.zip"
        file.write_bytes(data)
        try:
            wrong.append((name, "came in as", archive.bring(file, root).id))
        except StoreError as e:
            if not sentence(str(e)):
                wrong.append((name, "no sentence", str(e)))
        except Exception as e:  # noqa: BLE001 (collected: the test says all of them at once)
            wrong.append((name, "raised", repr(e)))
        if i % 4:  # the shell, which catches one kind of exception, need not see them all
            continue
        code = main(["import", str(file), "--runs", str(root)])
        said = capsys.readouterr()
        if code != 1 or said.out or not sentence(said.err.removesuffix("\n")):
            wrong.append((name, "the shell", code, said))
    assert not wrong, "\n".join(map(str, wrong))
    assert not root.exists() or list(root.iterdir()) == []
    assert {p.name for p in tmp_path.iterdir()} <= {"runs", "theirs.zip"}
    (tmp_path / "good.zip").write_bytes(good)
    assert archive.bring(tmp_path / "good.zip", root).result()


def test_a_shell_of_its_own_prints_no_traceback(tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "models", "import", str(ROOT / "tests" / "encrypted_tiny.zip"),
         "--runs", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert sentence(done.stderr.removesuffix("\n"))
    assert "is encrypted. Pack it again without a password." in done.stderr
    assert not list(tmp_path.iterdir())


ON_HOME = (
    "encrypted", "json_files: run.json deep", "manifests: b'[[[[[[[[[[[['", "flipped: metrics.jsonl at 0",
    "json_files: width = 4000", "names: with a NUL", "cut: after 5 tenths", "records: newlines",
)  # fmt: skip


def test_home_says_it_in_a_sentence_and_goes_on(hostile, good, tmp_path, monkeypatch):
    root = tmp_path / "runs"
    monkeypatch.setenv("FEWLABELS_RUNS", str(root))
    monkeypatch.setattr(Local, "warm", lambda self: None)
    monkeypatch.setattr(Local, "ensure", lambda self: None)
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    for name in ON_HOME:
        app.file_uploader(key="bring").upload("theirs.zip", hostile[name], "application/zip").run()
        assert not app.exception, (name, [e.value for e in app.exception])
        assert any("theirs.zip" in m.value and ":red[" in m.value for m in app.markdown), name
        assert not root.exists() or list(root.iterdir()) == [], name
    app.file_uploader(key="bring").upload("mine.zip", good, "application/zip").run()
    assert any("It is here as" in m.value for m in app.markdown)
    assert len(store.runs(root)) == 1


GIB_OF_NEWLINES = """
import resource, sys, time
from pathlib import Path
from models.runs import archive
from models.runs.store import StoreError
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
begin = time.perf_counter()
try:
    archive.bring(Path(sys.argv[1]), Path(sys.argv[2]))
except StoreError as e:
    print(e)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


@pytest.mark.parametrize("lie", [False, True])
def test_a_gibibyte_in_a_megabyte_is_refused_in_little_memory(lie, good, tmp_path):
    """As it says, and where the list of files says that it has 100 bytes; memory is that of a process of its own."""
    file = tmp_path / "bomb.zip"
    file.write_bytes(hostile_zips.bomb(good, "metrics.jsonl", b"\n", 1024, said=100 if lie else None))
    assert file.stat().st_size < 4e6
    command = [sys.executable, "-c", GIB_OF_NEWLINES, str(file), str(tmp_path / "runs")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    said, mebibytes = done.stdout.splitlines()
    assert sentence(said)
    assert float(mebibytes) < 64
    assert not (tmp_path / "runs").exists() or not list((tmp_path / "runs").iterdir())
