"""Words: pages say the plain ones, a fact is said once, and what stood under an old name still opens."""

import ast
from pathlib import Path

import numpy as np
import pytest

from models import aliases
from pages.parts.shared import figures, menu, words

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


def test_only_none_is_no_per_cent_and_only_all_is_a_hundred():
    shares = [None, float("nan"), 0, 1e-7, 0.0004, 0.0006, 0.5, 0.9994, 0.9996, 1]
    assert [figures.percent(s) for s in shares] == [
        "–", "–", "0.0 %", "< 0.1 %", "< 0.1 %", "0.1 %", "50.0 %", "99.9 %", "> 99.9 %", "100.0 %",
    ]  # fmt: skip


def test_no_class_is_written_as_certain_or_impossible():
    """A softmax is neither; what a run keeps of it has 16 bits, and a card beside it has 32."""
    assert [figures.probability(np.float16(p)) for p in (0, 1, 0.99999, 0.25)] == [
        "< 0.1 %", "> 99.9 %", "> 99.9 %", "25.0 %",
    ]  # fmt: skip
