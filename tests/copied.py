"""A copy of the project with something added to it, to try "one folder and one line" and "one file and one line"."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import left_behind

ROOT = Path(__file__).parents[1]
PARTS = ("app.py", "supported.py", "pages", "models", "data", "tests", "docs/results", ".streamlit")


def copy(to: Path) -> Path:
    """The project's code in a new folder, with what Python has compiled of it: its times are the same."""
    for part in PARTS:
        source, there = ROOT / part, to / part
        there.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, there, ignore=shutil.ignore_patterns("*-pytest-*.pyc"))
        else:
            shutil.copy(source, there)
    return to


def one_line(path: Path, before: str, line: str) -> None:
    """Put one line into a file, before the only line that reads `before`."""
    lines = path.read_text().splitlines()
    (at,) = [i for i, text in enumerate(lines) if text == before]
    path.write_text("\n".join([*lines[:at], line, *lines[at:]]) + "\n")


def run(root: Path, script: str, runs: Path, timeout: float = 280) -> str:
    """Run a script in the copy, whose runs lie in `runs`; what it printed."""
    head = f"import sys; sys.path[:0] = [{str(root)!r}, {str(root / 'tests')!r}]\n"
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("FEWLABELS_", "FAKE_", "PYTEST"))}
    env = kept | {"FEWLABELS_RUNS": str(runs), "FEWLABELS_CACHE": str(runs.parent / "cache"), "FEWLABELS_IDLE": "1",
                  "FEWLABELS_SLOTS": "2",
                  "OMP_NUM_THREADS": "1", "PYTHONPATH": str(root)}  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", head + script], env=env, cwd=root, capture_output=True, text=True, timeout=timeout
    )
    left_behind.after(0.0, root.parent, but="tests/browser")  # the supervisor of its runs, and what that started
    said = [line for line in done.stderr.splitlines() if "ScriptRunContext" not in line]
    assert done.returncode == 0, done.stdout[-1000:] + "\n".join(said)[-4000:]
    return done.stdout


# Begins every such script: pages opened one by one, each with what its address asks for.
PAGES = '''
import itertools, os, time
from pathlib import Path
import fake_runs
from models import jobs
from models.runs.run import Run
from models.runs.store import Folder, root as runs_root
from streamlit.testing.v1 import AppTest

ROOT = Path({root!r})
ALL = ["app.py", *sorted("pages/" + p.name for p in (ROOT / "pages").glob("*.py"))]

def text(app):
    """All that a page sends to the browser, as text."""
    def walk(block):
        for child in block.children.values():
            if getattr(child, "children", None) is not None:
                yield from walk(child)
            yield str(getattr(child, "proto", ""))
    return " ".join(walk(app.main))

def visit(page, **query):
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    for key, value in query.items():
        app.query_params[key] = value
    app.run()
    if page != "app.py":
        app.switch_page(page)
        for key, value in query.items():
            app.query_params[key] = value
        app.run()
    assert not app.exception, (page, query, [e.value for e in app.exception])
    return app

def trained(run):
    """The run, trained by the real engine."""
    engine = jobs.engine(runs_root())
    id = engine.submit(run)
    until = time.monotonic() + 200
    while not engine.states([id])[id].final and time.monotonic() < until:
        time.sleep(0.2)
    state = engine.states([id])[id]
    assert state.state == "done", state
    return Folder(runs_root() / id)
'''.replace("{root!r}", "os.getcwd()")
