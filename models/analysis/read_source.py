"""What the methods' files say of themselves, read as text: equations, code, notes. Loads no torch."""

import ast
import re
import textwrap
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from models import MODELS
from models.methods import pretraining
from models.nn.settings import Settings

HERE = Path(__file__).parents[1]  # models/
SHARED = (  # files of models/ that several methods compute with
    "nn/distributions", "nn/layers", "nn/networks", "nn/augment", "nn/patch_features", "methods/class_sum",
    "methods/class_latent", "methods/warm_up", "methods/consistency", "methods/consistent", "methods/contrastive",
    "methods/m1/svm",
)  # fmt: skip
DEVIATES = re.compile(r"Differs from the paper|Not in the paper|How the paper is read")
OF_METHOD = re.compile(r"models\.methods\.\w+\.model")
Method = ast.FunctionDef


@dataclass(frozen=True)
class Written:
    """A method that is marked as the code of an equation."""

    ref: str  # what a reader looks up: "eq. 6, L"
    latex: str
    says: str  # its docstring
    path: str  # "models/methods/m2/model.py"
    cls: str
    name: str
    line: int  # of its `def`
    code: str  # it, and after it the methods it calls that no earlier equation showed; without marks, not indented
    paper: str = ""  # whose it is, if it is not one of its model's own paper

    @property
    def key(self) -> str:
        """Names it within its model, for addresses: "6L"; with the author's name that of another paper, "Chen1"."""
        return self.paper.partition(" ")[0] + number(self.ref) + "".join(re.findall(r", ([A-Z])\b", self.ref))

    @property
    def cited(self) -> str:
        """ "eq. 6, L", "eq. 1 of Chen et al. 2020"."""
        return f"{self.ref} of {self.paper}" if self.paper else self.ref

    @property
    def title(self) -> str:
        """ "Eq. 6, L"."""
        return self.cited[0].upper() + self.cited[1:]


@dataclass(frozen=True)
class Note:
    """A paragraph of a docstring that says where the code reads the paper its own way."""

    of: str  # whose docstring: "models/nn/networks.py GivenNormal", or the file alone
    text: str


def number(ref: str) -> str:
    found = re.search(r"\d+(\.\d+)?", ref)
    return found[0] if found else ref


def equations(model: str) -> tuple[Written, ...]:
    """The equations of a method, by their numbers in the paper."""
    return _equations(MODELS[model].path)


def before(settings: Settings | None) -> tuple[Written, ...]:
    """Those of what a run with these settings learned before J; none of most runs, and without a run."""
    return _equations(pretraining.PATH, pretraining.PAPER) if settings and settings.contrastive_epochs else ()


@cache
def _equations(of_class: str, paper: str = "") -> tuple[Written, ...]:
    """The equations of a class, "module:class"."""
    methods = _methods(_file(of_class), of_class.partition(":")[2])
    marked = {name: found for name, (_, _, m) in methods.items() if (found := _mark(m))}
    order = sorted(marked, key=lambda name: float(number(marked[name][0])))  # stable: L of (6) before (6)
    shown: set[str] = set(marked)
    out = []
    for name in order:
        path, cls, method = methods[name]
        parts = [methods[name], *_called(method, methods, shown)]
        code = "\n\n".join(
            textwrap.dedent("\n".join((HERE / of).read_text().splitlines()[m.lineno - 1 : m.end_lineno]))
            for of, _, m in parts
        )
        ref, latex = marked[name]
        says = _one_line(ast.get_docstring(method) or "")
        out.append(Written(ref, latex, says, f"models/{path}", cls, name, method.lineno, code, paper))
    return tuple(out)


@cache
def notes(model: str) -> tuple[Note, ...]:
    """Where this method's own file differs from the paper, or decides what the paper leaves open."""
    return _notes(_file(MODELS[model].path), _class_names(model))


@cache
def shared_notes() -> tuple[Note, ...]:
    """The same of the files that several methods compute with."""
    return tuple(note for name in SHARED for note in _notes(f"{name}.py", None))


@cache
def factors(model: str) -> str:
    """The indented lines of the file's docstring: how p and q factorise, in the file's own notation."""
    said = ast.get_docstring(ast.parse((HERE / _file(MODELS[model].path)).read_text())) or ""
    block = re.findall(r"(?:^    .+\n)+", f"{said}\n", re.M)
    return textwrap.dedent(block[0]) if block else ""


def _file(module: str) -> str:
    """Of "models.methods.m2.model:M2", the file below models/."""
    return module.partition(":")[0].removeprefix("models.").replace(".", "/") + ".py"


def _class(model: str) -> str:
    return MODELS[model].path.partition(":")[2]


def _methods(path: str, cls: str) -> dict[str, tuple[str, str, Method]]:
    """The methods of a class with those of its bases, in the same file or that of another method: name -> (file, class,
    method)."""
    tree = ast.parse((HERE / path).read_text())
    classes = {n.name: n for n in tree.body if isinstance(n, ast.ClassDef)}
    elsewhere = {
        name.name: _file(n.module)
        for n in tree.body
        if isinstance(n, ast.ImportFrom) and n.module and OF_METHOD.fullmatch(n.module)
        for name in n.names
    }
    found: dict[str, tuple[str, str, Method]] = {}
    for base in classes[cls].bases:
        if isinstance(base, ast.Name) and (base.id in classes or base.id in elsewhere):
            found |= _methods(elsewhere.get(base.id, path), base.id)
    return found | {n.name: (path, cls, n) for n in classes[cls].body if isinstance(n, ast.FunctionDef)}


def _mark(method: Method) -> tuple[str, str] | None:
    """(ref, latex) of a method under @equation."""
    for mark in method.decorator_list:
        if isinstance(mark, ast.Call) and isinstance(mark.func, ast.Name) and mark.func.id == "equation":
            ref, latex = map(ast.literal_eval, mark.args)
            return ref, latex
    return None


def _called(
    method: Method, methods: dict[str, tuple[str, str, Method]], shown: set[str]
) -> list[tuple[str, str, Method]]:
    """The methods of the same class that `method` calls, and those they call, but for those in `shown`, which grows."""
    out = []
    for node in ast.walk(method):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self":
            name = node.attr
            if name in methods and name not in shown:
                shown.add(name)
                out += [methods[name], *_called(methods[name][2], methods, shown)]
    return out


def _class_names(model: str) -> set[str]:
    """The class of a method and its bases."""
    return {cls for _, cls, _ in _methods(_file(MODELS[model].path), _class(model)).values()}


def _notes(path: str, of: set[str] | None) -> tuple[Note, ...]:
    """The paragraphs of a file's docstrings that speak of the paper; of its classes, those in `of` (None: all)."""
    tree = ast.parse((HERE / path).read_text())
    found = [Note(f"models/{path}", text) for text in _paragraphs(tree)]
    for node in tree.body:
        if not isinstance(node, ast.ClassDef | ast.FunctionDef) or (of is not None and node.name not in of):
            continue
        found += [Note(f"models/{path} {node.name}", text) for text in _paragraphs(node)]
    return tuple(found)


def _paragraphs(node: ast.Module | ast.ClassDef | Method) -> list[str]:
    paragraphs = (ast.get_docstring(node) or "").split("\n\n")
    return [_one_line(p) for p in paragraphs if DEVIATES.search(p)]


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()
