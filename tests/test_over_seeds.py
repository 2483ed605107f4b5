"""The sentence over all seeds: its figures, and what it says of runs that are not like the means."""

import pytest

from models import BASELINE, CLASS, CODE
from models.results import over_seeds, recordings, table
from models.results.outcome import Outcome
from models.results.table import Row
from pages.parts.start import exhibit


def row(model: str, *accuracies: float) -> Row:
    kept = [
        Outcome("digits", model, 20, "tuned", seed, 50, a, 9.0, None, None, "cpu", 1, "2026-11-29")
        for seed, a in enumerate(accuracies)
    ]
    return Row("digits", model, 20, "tuned", outcomes=tuple(kept))


BEFORE = row(BASELINE, 0.78, 0.80, 0.82)
AHEAD, BEHIND = row(CLASS, 0.94, 0.90, 0.92), row(CODE, 0.83, 0.77, 0.77)


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


def test_one_method_beside_the_baseline_and_several() -> None:
    assert plain(over_seeds.sentence([AHEAD], BEFORE)) == (
        "Over 3 seeds: M2 92.0 ± 2.0 %, labels only 80.0 ± 2.0 %: +12.0 points."
    )
    assert plain(over_seeds.sentence([BEHIND, AHEAD], BEFORE)) == (
        "Over 3 seeds: M1 79.0 ± 3.5 % (−1.0 points), M2 92.0 ± 2.0 % (+12.0), labels only 80.0 ± 2.0 %."
    )
    assert plain(over_seeds.sentence([AHEAD, BEHIND])) == "Over 3 seeds: M2 92.0 ± 2.0 %, M1 79.0 ± 3.5 %."
    assert plain(over_seeds.sentence([], BEFORE)) == "Over 3 seeds: labels only 80.0 ± 2.0 %."


def test_what_has_other_seeds_says_how_many() -> None:
    assert plain(over_seeds.sentence([row(CLASS, 0.9)], BEFORE)) == (
        "Over all seeds: M2 90.0 % (1 seed), labels only 80.0 ± 2.0 % (3 seeds): +10.0 points."
    )
    assert plain(over_seeds.sentence([row(CLASS)], BEFORE)) == "Over 3 seeds: labels only 80.0 ± 2.0 %."
    assert over_seeds.sentence([row(CLASS)], row(BASELINE)) == ""


@pytest.mark.parametrize(
    ("of", "shown", "says"),
    [
        (AHEAD, 12.4, ""),
        (AHEAD, 16.2, "This pair of runs lies further apart than the mean."),
        (AHEAD, 8.0, "This pair of runs lies closer together than the mean."),
        (BEHIND, 5.0, "The +5.0 points of these runs do not hold over the seeds."),
        (AHEAD, -0.4, "The −0.4 points of these runs do not hold over the seeds."),
        (BEHIND, -5.0, "This pair of runs lies further apart than the mean."),
    ],
)
def test_runs_that_are_not_like_the_means_are_said_to_be_so(of: Row, shown: float, says: str) -> None:
    assert over_seeds.beside_shown(shown, of, BEFORE) == says
    assert over_seeds.of_shown([of], BEFORE, (of, BEFORE), shown).endswith(says or "points.")


def test_one_run_of_each_is_all_there_is_to_say() -> None:
    one, other = row(CLASS, 0.9), row(BASELINE, 0.8)
    assert over_seeds.of_shown([one], other, (one, other), 30.0).startswith("One run of each")
    assert over_seeds.of_shown([row(CLASS)], row(BASELINE)) == ""


def test_start_says_of_each_recorded_pair_what_the_table_has() -> None:
    """The reference figures with their own arithmetic: no pair of another sign goes unmentioned."""
    for labels in recordings.BUDGETS["digits"]:
        for model in exhibit.choices("digits")[1]:
            sides = exhibit.pair("digits", labels, model)
            assert sides is not None
            means = [table.reference_row(("digits", m, labels, "tuned")).mean for m in (model, BASELINE)]
            said = plain(exhibit.all_seeds(sides))
            for mean in means:
                assert f" {100 * mean:.1f} ±" in said
            apart = round(100 * (means[0] - means[1]), 1)
            assert f": {over_seeds.signed(apart)} points." in said
            assert ("do not hold" in said) == (apart * round(sides.gain, 1) < 0)
