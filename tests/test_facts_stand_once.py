"""What a method is stands on its card: no page names one, and nobody asks a model what it happens to have."""

import ast
from pathlib import Path

import pytest

from models import MODELS

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "app.py", *sorted((ROOT / "pages").rglob("*.py"))]
CODE = [*PAGES, *sorted((ROOT / "models").rglob("*.py"))]
ASKED = ("model", "self.model", "self.averaged", "averaged", "method")


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_no_page_names_a_method(path):
    found = {n.value for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Constant)}
    assert not {v for v in found if isinstance(v, str) and v in MODELS}


def test_nobody_asks_a_model_what_it_has():
    for path in CODE:
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in ("hasattr", "getattr")
            ):
                assert ast.unparse(node.args[0]) not in ASKED, f"{name(path)}:{node.lineno}"


def test_no_method_is_told_by_its_name():
    """Outside the registry and the methods' own folders no code in models/ compares a run's method with a name."""
    for path in (ROOT / "models").rglob("*.py"):
        if "methods" in path.parts or path.name == "aliases.py" or path == ROOT / "models" / "__init__.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Compare):
                parts = [node.left, *node.comparators]
                parts += [e for p in parts if isinstance(p, ast.Tuple | ast.Set | ast.List) for e in p.elts]
                assert not [p for p in parts if isinstance(p, ast.Constant) and p.value in MODELS], name(path)
