"""Words: pages say the plain ones, a fact is said once, and what stood under an old name still opens."""

import ast
from pathlib import Path

import pytest

from models import aliases
from pages.parts.shared import menu, words

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "app.py", *sorted((ROOT / "pages").rglob("*.py")), *sorted((ROOT / "pages").rglob("*.js"))]
GONE = (
    "Beside them stands",
    "There is none yet",
    "What each takes for what",
    "As it gets sure",
    "Neighbours alike",
    "Look at it by pointing",
    "Nobody changed class",
    "picture of its inside",
    "Beside it:",
    "The floor",
    "the floor",
    "rightly",
    "wrongly",
    "Take away",
    "With what it takes",
    "robe images",
)


@pytest.mark.parametrize("sentence", GONE)
def test_no_page_says_what_nobody_understood(sentence):
    assert [p.name for p in PAGES if sentence in p.read_text()] == []


def test_how_many_runs_compare_takes_stands_once():
    """In words as in numbers, on Compare, in its menu and where Results hands runs over."""
    assert f"up to {words.NUMBERS[words.MOST_COMPARED]}" == words.UP_TO_COMPARED
    assert words.UP_TO_COMPARED in menu.PAGES["pages/compare.py"].what
    for page in ("compare.py", "results.py"):
        assert "words.MOST_COMPARED" in (ROOT / "pages" / page).read_text()
        said = [
            n.value
            for n in ast.walk(ast.parse((ROOT / "pages" / page).read_text()))
            if isinstance(n, ast.Constant) and isinstance(n.value, str)
        ]
        assert not any(f"{number} runs" in s or f"most {number}" in s for s in said for number in words.NUMBERS[2:])


def test_the_rng_states_of_an_old_checkpoint_are_found():
    old = {"dice.cpu": 1, "averaged.change_of_mind.share": 2, "model.dice.weight": 3}
    assert aliases.tensors(old) == {"rng_state.cpu": 1, "averaged.consistency.share": 2, "model.dice.weight": 3}
