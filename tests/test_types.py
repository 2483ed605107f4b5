"""The type checker of `make check` finds what it is there for."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAD = """
from models.analysis import inference
from models.methods.method import Method
from models.runs.run import Run
from models.runs.store import Folder
import data

"""


def check(path: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pyrefly", "check", "--config", str(ROOT / "pyproject.toml")]
    command += ["--python-interpreter-path", sys.executable, "--output-format", "min-text", str(path)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200)


MISTAKES = {
    "def f(run: Run) -> object: return run.lables": "missing-attribute",
    'def f() -> Run: return Run.make("digits", "m2", lables=3)': "unexpected-keyword",
    'def f() -> Run: return Run.make("digits", "m2", labels="many")': "bad-argument-type",
    "def f(folder: Folder) -> int: return folder.run.model": "bad-return",
    "def f(folder: Folder) -> object: return inference.load(folder).clasify(None)": "not-callable",
    "def f() -> object: return data.DATASETS['mnist'].coloured": "missing-attribute",
    "def f(run: Run) -> str: return run.parent.id": "missing-attribute",
}


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What it says of all mistakes and of a file without one: one call, as most of its time goes into starting."""
    folder = tmp_path_factory.mktemp("typed")
    (folder / "right.py").write_text(HEAD + "def f(run: Run) -> int: return run.labels\n")
    for i, line in enumerate(MISTAKES):
        (folder / f"wrong{i}.py").write_text(f"{HEAD}{line}\n")
    done = check(folder / "*.py")
    assert done.returncode == 1, done.stderr
    return done.stdout


@pytest.mark.parametrize("line", MISTAKES)
def test_it_finds_what_is_wrong(found, line):
    (said,) = [s for s in found.splitlines() if f"wrong{list(MISTAKES).index(line)}.py" in s]
    assert f"[{MISTAKES[line]}]" in said


def test_it_says_nothing_of_what_is_right(found):
    assert "right.py" not in found


def test_only_few_lines_are_left_out():
    """Each says why beside it; those that stand for a whole folder say so in pyproject.toml."""
    lines = [
        line for room in ("models", "data") for f in (ROOT / room).rglob("*.py") for line in f.read_text().splitlines()
    ]
    left_out = [line.strip() for line in lines if "pyrefly: ignore" in line or "type: ignore" in line]
    assert len(left_out) <= 3
    assert all("ignore[" in line and line.count("#") >= 2 for line in left_out), left_out
