"""Whatever stands in a page's address, the page shows what it can and no stack trace."""

import ast
import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from test_generate_page import made, runs  # noqa: F401 (a fixture)

from pages.parts.shared import url_state

ROOT = Path(__file__).parents[1]
PAGES = sorted(p.stem for p in (ROOT / "pages").glob("*.py"))
HOSTILE = ["1e309", "inf", "-inf", "nan", "-1", "--5", "1_000", "1.5", "9" * 30, "9" * 5000, "", " ", "٣", "²", "１", "x" * 10_000, "\0",  # noqa: E501
           "1,2", "3-4", "inf,nan", "1:inf,2:nan", "[]", ["1", "inf"], ["1", "2"], "<b>", "../x"]  # fmt: skip


def keys() -> list[str]:
    """Every key that a page looks for in the address, or binds a widget to."""
    found = set()
    for path in (ROOT / "pages").rglob("*.py"):
        text = path.read_text()
        found |= set(re.findall(r'query_params(?:\.\w+\(|\[)"(\w+)"', text))
        found |= set(re.findall(r'url_state\.\w+\("(\w+)"', text))
        found |= set(re.findall(r'(?:linked\(|linked_several\(|segments\(\s*"[^"]*",)\s*"([\w-]+)"', text))
        found |= set(re.findall(r'key="(\w+)", bind=', text))
        found |= {
            node.value.value
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.keyword) and node.arg == "key" and isinstance(node.value, ast.Constant)
        }
    of_train = {"preset", "epochs", "minutes", "count", "seeds", "sweep", "sweep-values", "set"}  # by their constants
    return sorted(str(k) for k in found - {"run", "show"} | of_train)


KEYS = keys()


@pytest.mark.parametrize("page", PAGES)
def test_no_page_breaks_by_what_stands_in_its_address(page: str, runs: Path) -> None:  # noqa: F811
    """Every key at once, each with another hostile value; then rolled on."""
    assert {"image", "style", "spread", "columns", "labels", "epoch", "place", "at", "dims"} <= set(KEYS)
    folder = made(runs, "m2")
    for shift in range(0, len(HOSTILE), 9):
        at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        at.switch_page(f"pages/{page}.py")
        at.query_params["run"] = folder.id
        if shift % 2:
            at.query_params["show"] = HOSTILE[shift]
        for i, key in enumerate(KEYS):
            at.query_params[key] = HOSTILE[(i + shift) % len(HOSTILE)]
        at.run()
        assert not at.exception, f"{page} {shift}: {at.exception[0].stack_trace[-3:]} {at.exception[0].message}"


@pytest.mark.parametrize("text", [h for h in HOSTILE if isinstance(h, str)])
def test_a_number_of_the_address_is_one_or_none(text: str) -> None:
    assert url_state.whole(text) is None
    assert url_state.decimal(text) in (None, 1.5, -1.0)


def test_numbers_of_the_address() -> None:
    assert [url_state.whole(t) for t in ("0", "7", "0012", "9999999", "10000000", None)] == [
        0,
        7,
        12,
        9_999_999,
        None,
        None,
    ]
    assert [url_state.whole(t, -5, 5) for t in ("-5", "-6", "5", "6")] == [-5, None, 5, None]
    assert [url_state.decimal(t, 0, 2) for t in ("0", "1.25", "2.1", "-0.1", "1.", ".5")] == [
        0,
        1.25,
        None,
        None,
        None,
        None,
    ]


def test_no_page_reads_a_number_from_the_address_by_itself() -> None:
    by_hand = re.compile(r"(int|float)\((st\.query_params|asked\b)|bind=\"query-params\"")
    bound = {"generate.py": 2}
    for path in (ROOT / "pages").rglob("*.py"):
        if path.name != "address.py":
            found = len(by_hand.findall(path.read_text()))
            assert found == bound.get(path.name, 0), f"{path.name} reads numbers of the address by hand"


@pytest.mark.parametrize("key", ["image", "style", "spread", "columns"])
@pytest.mark.parametrize("text", ["1e309", "inf"])
def test_a_bound_number_survives_its_address(key: str, text: str, runs: Path) -> None:  # noqa: F811
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    at.switch_page("pages/generate.py")
    at.query_params["run"] = made(runs, "m2").id
    at.query_params[key] = text
    for _ in range(2):
        assert not at.run().exception


@pytest.mark.parametrize("page", PAGES)
def test_a_page_drawn_again_leaves_alone_what_somebody_is_typing(page: str, runs: Path) -> None:  # noqa: F811
    """Streamlit replaces what stands in a field whose value was set, whether or not it is another value."""
    folder = made(runs, "m2")
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    at.switch_page(f"pages/{page}.py")
    at.query_params["run"] = folder.id
    if page == "generate":
        at.query_params["show"] = "classes"  # the view that has fields
    at.run().run()
    assert not at.exception
    fields = [w for kind in ("number_input", "text_input", "text_area") for w in at.get(kind)]
    assert fields or page not in ("equations", "generate", "train")
    assert [w.label for w in fields if w.proto.set_value] == []


def test_of_two_clicks_in_quick_succession_both_count() -> None:
    """The second click comes with the address of before the first: the browser has not heard of the new one yet."""
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    at.query_params["learner"] = "m1"
    at.run()
    at.segmented_control(key="learner").set_value("m2").run()
    at.query_params["learner"] = "m1"
    at.segmented_control(key="exhibit").set_value("mnist").run()
    assert not at.exception
    assert [at.segmented_control(key=key).value for key in ("learner", "exhibit")] == ["m2", "mnist"]
    at.query_params["learner"] = "m1"  # Back: no widget has changed
    assert at.run().segmented_control(key="learner").value == "m1"
