"""Imports point one way, pages -> models -> data, and in no circle; and what need not load torch does not."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import rooms

ROOT = Path(__file__).parents[1]
MUST_NOT_IMPORT = {
    "data": {"models", "pages", "streamlit", "app"},
    "models": {"pages", "streamlit", "app", "altair", "plotly"},
    "pages": {"torch", "torchvision", "sklearn", "umap", "app"},
    "app.py": {"torch", "torchvision", "sklearn", "umap"},
}
AT_THE_TOP = {"data": {"torch", "torchvision"}}  # within a function it may: decoding and downloading
# models/plane is the latest, eight arrows: a session is Runs and Trainers (models, runs, training, methods, nn, errors)
# and shows quadrature (analysis), begun by the supervisor (jobs).
MOST_ARROWS = 62
NO_TORCH = ("app.py", "pages/data.py", "pages/results.py", "pages/train.py")
NO_TORCH_WITHOUT_RUN = ("pages/generate.py", "pages/equations.py")


def sources(room: str) -> list[Path]:
    path = ROOT / room
    return [path] if path.is_file() else sorted(path.rglob("*.py"))


def imported(nodes) -> set[str]:
    """The top-level packages that these nodes of a syntax tree import."""
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute, so that a reader sees the room"
            found.add(node.module.partition(".")[0])
    return found


@pytest.mark.parametrize("room", MUST_NOT_IMPORT)
def test_imports_point_one_way(room):
    assert sources(room)
    for path in sources(room):
        wrong = imported(ast.walk(ast.parse(path.read_text()))) & MUST_NOT_IMPORT[room]
        assert not wrong, f"{path.relative_to(ROOT)} must not import {wrong}"


def test_the_data_room_loads_nothing_heavy_at_the_top():
    for path in sources("data"):
        wrong = imported(ast.parse(path.read_text()).body) & AT_THE_TOP["data"]
        assert not wrong, f"{path.relative_to(ROOT)} must import {wrong} only where it is needed"


# --- The rooms of models/, as `python -m tests.rooms` counts them


def test_the_rooms_of_models_have_no_circles():
    files = rooms.between_files(ROOT)
    assert len(files) > 200
    assert rooms.circles(files) == []
    assert rooms.circles(rooms.between_rooms(files)) == []


def test_no_arrow_between_rooms_joins_unnoticed():
    """Lower the number whenever one goes; raise it only for a reason that stands in the commit."""
    found = rooms.between_rooms(rooms.between_files(ROOT))
    assert len(found) <= MOST_ARROWS, found


def written(root: Path, **files: str) -> Path:
    """A checkout with these files in models/; "a__b" is a/b.py."""
    for name, text in {"__init__": "", **files}.items():
        path = root / "models" / f"{name if name == '__init__' else name.replace('__', '/', 1)}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_what_counts_as_an_arrow(tmp_path):
    """An import within a function does, one for type checkers alone does not; a folder below a room is the room's."""
    root = written(
        tmp_path,
        loose="",
        a__one="from models import loose\nfrom models.a import two\n",
        a__two="import typing\nif typing.TYPE_CHECKING:\n    from models.b.deep.three import C\n",
        **{"b__deep/three": "def f():\n    import models.a.one\n"},
    )
    files = rooms.between_files(root)
    assert rooms.rooms(root) == {"a": 2, "b": 1, "loose": 1, "models": 1}
    assert rooms.between_rooms(files) == {("a", "loose"): 1, ("b", "a"): 1}
    assert rooms.circles(files) == rooms.circles(rooms.between_rooms(files)) == []
    written(root, a__two="from models.b.deep import three\n")
    assert rooms.circles(rooms.between_rooms(rooms.between_files(root))) == [["a", "b"]]
    written(root, a__two="from models.a import one\n")
    assert rooms.circles(rooms.between_files(root)) == [["models.a.one", "models.a.two"]]
    assert rooms.circles(rooms.between_rooms(rooms.between_files(root))) == []


# --- Pages


@pytest.mark.parametrize("path", sorted((ROOT / "pages").glob("*.py")), ids=lambda p: p.name)
def test_pages_are_scripts_that_begin_with_the_frame(path):
    """A page is a plain script: no main guard, no class that others would import, and `layout.open` before all else."""
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree), "a page says in a sentence what it shows"
    assert "__main__" not in path.read_text()
    calls = [(n, n.value) for n in tree.body if isinstance(n, ast.Expr | ast.Assign) and isinstance(n.value, ast.Call)]
    called = [ast.unparse(c.func) for n, c in calls if isinstance(n, ast.Expr) or ast.unparse(c.func) == "layout.open"]
    assert called[0] == "layout.open", "the first thing a page does is to open the frame, whose title's row it may name"


def test_nobody_imports_a_page():
    pages = {f"pages.{path.stem}" for path in (ROOT / "pages").glob("*.py")}
    for path in [*sources("pages"), *sources("models"), *sources("data"), ROOT / "app.py"]:
        names = {n.module for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.ImportFrom)}
        assert not names & pages, f"{path.name} imports a page; what pages share lives in pages/parts"


def test_pages_load_nothing_heavy_before_it_is_needed(tmp_path):
    """Looked for in a fresh process that draws one page after the other: first with no run and no example, then those
    that never need it, with a finished and a failed run in the workspace."""
    script = f"""
import sys
sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / "tests")!r}]
from pathlib import Path
import fake_runs
from streamlit.testing.v1 import AppTest
from models.results import examples
import fake_engine; fake_engine.install()
def draw(page):
    app = AppTest.from_file({str(ROOT / "app.py")!r}, default_timeout=280)
    if page != "app.py":
        app.switch_page(page)
    app.run()
    assert not app.exception, (page, app.exception)
    assert app.title, page
    print(page, [name for name in ("torch", "torchvision", "sklearn", "umap") if name in sys.modules])
kept, examples.EXAMPLES = examples.EXAMPLES, examples.EXAMPLES / "none"
for page in {NO_TORCH_WITHOUT_RUN!r}:
    draw(page)
examples.EXAMPLES = kept
for model, state in (("m2", "done"), ("adgm", "failed")):
    fake_runs.make(Path({str(tmp_path)!r}), state, model=model, epochs=2)
for page in {NO_TORCH!r}:
    draw(page)
"""
    environment = {**os.environ, "FEWLABELS_RUNS": str(tmp_path), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, cwd=ROOT, capture_output=True, text=True, timeout=500
    )
    assert done.returncode == 0, done.stderr[-2000:]
    *others, train = (*NO_TORCH_WITHOUT_RUN, *NO_TORCH)
    # The maps of Train say how many neighbours are of the same class.
    assert done.stdout.splitlines() == [*(f"{page} []" for page in others), f"{train} ['sklearn']"]
