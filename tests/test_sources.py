"""What is read of the methods' files is what the methods are, and it is read without loading them."""

import ast
import inspect
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from test_docs import rows
from tiny import tiny

from models import IMAGE_MODELS, MODELS, load_class
from models.analysis import read_source
from models.methods import pretraining
from models.methods.contrastive import Contrastive
from models.nn.settings import Settings
from pages.parts.maths import formulas, graphs

ROOT = Path(__file__).parents[1]
METHODS = ["m1", "m2", "adgm", "supervised"]
BEGUN = Settings(contrastive_epochs=1)


def marked(model):
    """The marked methods of a class and its bases, asked of Python."""
    found = {}
    for cls in reversed((load_class(model) if isinstance(model, str) else model).__mro__):
        found |= {name: (cls, f) for name, f in vars(cls).items() if hasattr(f, "latex")}
    return found


@pytest.mark.parametrize("model", [*MODELS, Contrastive])
def test_every_marked_method_is_read_as_it_runs(model):
    read = read_source.before(BEGUN) if model is Contrastive else read_source.equations(model)
    written = {w.name: w for w in read}
    assert set(written) == set(marked(model))
    for name, (cls, f) in marked(model).items():
        w = written[name]
        assert (w.ref, w.latex, w.cls) == (f.ref, f.latex, cls.__name__)
        plain = inspect.unwrap(f)
        source = textwrap.dedent(inspect.getsource(plain))
        assert w.code.startswith(source[source.index("def ") :].rstrip())
        assert (ROOT / w.path).read_text().splitlines()[w.line - 1].strip().startswith(f"def {name}(")
        ast.parse(w.code)
        assert w.says


@pytest.mark.parametrize("model", MODELS)
def test_keys_tell_equations_apart_and_come_in_the_papers_order(model):
    written = read_source.equations(model)
    assert len({w.key for w in written}) == len(written)
    numbers = [float(read_source.number(w.ref)) for w in written]
    assert numbers == sorted(numbers)
    assert not {w.key for w in written} & {w.key for w in read_source.before(BEGUN)}


def test_what_a_run_learned_before_J_has_an_equation_of_its_own():
    assert read_source.before(None) == read_source.before(Settings()) == ()
    (w,) = read_source.before(BEGUN)
    assert (w.key, w.title) == ("Chen1", "Eq. 1 of Chen et al. 2020")
    assert [*re.findall(r"def (\w+)", w.code)] == ["nt_xent", "project", "view"], "the formula's own line comes first"
    assert {name for _, _, codes in pretraining.NOTATION for name in codes.split(", ")} <= set(
        re.findall(r"\w+", w.code)
    ), "the symbols are names in that code"
    for piece, term in pretraining.PIECES[w.key]:
        assert w.latex.count(piece) == 1
        assert formulas.colour(term) in formulas.coloured("m2", w.key, w.latex)


def test_the_list_is_the_readmes_table():
    listed = {(ref, where) for ref, _, where in rows("Equation")}
    written = [w for model in MODELS for w in read_source.equations(model)] + [*read_source.before(BEGUN)]
    assert listed == {(w.ref, f"`{w.path}` `{w.cls}.{w.name}`") for w in written}


def test_the_code_of_a_bound_shows_where_its_terms_come_from():
    code = {w.key: w.code for w in read_source.equations("m2")}
    assert "def L_terms" in code["6L"]
    assert "def U_terms" in code["6"]
    assert "def L_terms" not in code["6"]
    assert "def terms" in code["12"]
    assert "def classification" not in code["12"]
    assert "def bound_terms" in read_source.equations("m1")[0].code


@pytest.mark.parametrize("model", MODELS)
def test_notes_are_the_docstrings(model):
    whole = " ".join((ROOT / f"{MODELS[model].path.partition(':')[0].replace('.', '/')}.py").read_text().split())
    for note in read_source.notes(model):
        assert note.text in whole
    said = " ".join(n.text for n in read_source.notes(model))
    for phrase in ("Differs from the paper", "Not in the paper", "How the paper is read"):
        assert said.count(phrase) == len(re.findall(phrase, whole)), phrase
    assert any("log sigma²" in n.text for n in read_source.shared_notes())


@pytest.mark.parametrize("model", ["m1", "m2", "adgm"])
def test_the_factorisations_are_those_of_the_file(model):
    def densities(text):
        return re.findall(r"[pq]\([^)]*\)", re.sub(r"\\,|\s", "", text))

    assert densities(" ".join(MODELS[model].factorisation)) == densities(read_source.factors(model))


DENSITIES = [name for name in IMAGE_MODELS if "(y|" in "".join(MODELS[name].factorisation) or MODELS[name].draws]


@pytest.mark.parametrize("model", DENSITIES)  # those whose factorisation is one of densities
def test_arrows_are_the_factorisations(model):
    """What points at a node in a drawing is what its density is given."""
    for panel, factors in zip(graphs.panels(model), MODELS[model].factorisation, strict=True):
        right = factors.rpartition("=")[2].replace("\\,", "").replace("z_1", "z1")
        given = {of: set(g.split(",")) - {""} for of, g in re.findall(r"[pq]\((\w+)\|?([\w,]*)\)", right)}
        if panel.fixed:  # q(y|x) by way of h
            given = {"h": {"x"}, "y": {"h"}}
        into = {of: {a for a, b in panel.arrows if b == of} for of in panel.nodes}
        for of, parents in into.items():
            assert parents == given.get(of, set()), (panel.title, of)
    assert any(("y", "z") in p.arrows for p in graphs.panels("m2", Settings(encoder_sees_y=True)))


@pytest.mark.parametrize(("model", "key"), [(m, key) for m in MODELS for key in MODELS[m].pieces])
def test_the_coloured_parts_are_in_the_formulas(model, key):
    (latex,) = [w.latex for w in read_source.equations(model) if w.key == key]
    for piece, term in MODELS[model].pieces[key]:
        assert latex.count(piece) == 1, piece
        assert formulas.colour(term) in formulas.coloured(model, key, latex)
    assert re.sub(r"\\textcolor\{#\w+\}\{", "", formulas.coloured(model, key, latex)).count(piece) == 1


@pytest.mark.parametrize("model", MODELS)
def test_a_term_beside_its_value_has_its_words_as_words(model):
    """LaTeX draws letters that stand together as a product, without spaces."""
    for term in MODELS[model].terms:
        latex = formulas.as_latex(formulas.label(model, term))
        symbols = re.sub(r"\\text\{[^}]*\}|\\math\w+( H| N|\{KL\})|\\(log|alpha|cdot)", " ", latex)
        assert not re.search(r"[^\W\d_]{2}", symbols), latex
        words = re.findall(r"[^\W\d_]{2,}", formulas.label(model, term))
        assert words == [w for w in re.findall(r"[^\W\d_]{2,}", latex) if w in words], latex


@pytest.mark.parametrize("name", METHODS)
def test_the_names_in_the_table_of_symbols_are_names_in_the_code(name):
    model, settings = tiny(name), Settings()
    text = (ROOT / f"models/methods/{name}/model.py").read_text()
    for _, _, code in MODELS[name].notation:
        for n in code.split(", "):
            known = hasattr(model, n) or hasattr(settings, n) or re.search(rf"\b{n}\b", text)
            assert known, n


def test_the_document_to_take_away_has_all_of_it():
    for model in MODELS:
        text = formulas.document(model)
        for w in read_source.equations(model):
            assert w.latex in text
            assert w.code in text
        for w in read_source.before(BEGUN):
            assert w.latex not in text
            assert w.latex in formulas.document(model, BEGUN)
            assert w.code in formulas.document(model, BEGUN)


def test_reading_loads_no_torch():
    code = (
        "import sys; from models import MODELS; from models.analysis import read_source as sources;"
        "[(sources.equations(m), sources.notes(m), sources.factors(m)) for m in MODELS]; sources.shared_notes();"
        "assert not {'torch', 'sklearn'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr[-1500:]
