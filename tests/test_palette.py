"""The colours: readable on both backgrounds, apart for every eye, and one for each method wherever it is shown."""

import tomllib
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from models import BASELINE, MODELS
from models.results import table
from pages.parts.compare import results_table, table_1
from pages.parts.lab import pinned
from pages.parts.shared import palette

ROOT = Path(__file__).parents[1]
THEME = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())["theme"]
GROUNDS = [THEME[look]["backgroundColor"] for look in ("light", "dark")]
# How eyes without one kind of cone see linear RGB: Machado, Oliveira and Fernandes 2009, severity 1.
EYES = {
    "usual": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}
# OKLab (Ottosson 2020) from linear RGB: to cones, their cube roots, to lightness and two hues.
CONES = [
    [0.4122214708, 0.5363325363, 0.0514459929],
    [0.2119034982, 0.6806995451, 0.1073969566],
    [0.0883024619, 0.2817188376, 0.6299787005],
]
HUES = [
    [0.2104542553, 0.7936177850, -0.0040720468],
    [1.9779984951, -2.4285922050, 0.4505937099],
    [0.0259040371, 0.7827717662, -0.8086757660],
]


def contrast(a: str, b: str) -> float:
    """The contrast ratio of WCAG 2."""
    dark, light = sorted(map(palette.luminance, (a, b)))
    return (light + 0.05) / (dark + 0.05)


def oklab(colour: str, eyes: str) -> np.ndarray:
    seen = np.clip(np.array(EYES[eyes]) @ palette.linear(colour), 0, 1)
    return np.array(HUES) @ np.cbrt(np.array(CONES) @ seen)


def nearest(colours, eyes: str) -> float:
    return min(float(np.linalg.norm(oklab(a, eyes) - oklab(b, eyes))) for a, b in combinations(colours, 2))


def test_the_measures_are_the_published_ones():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert oklab("#ffffff", "usual") == pytest.approx([1, 0, 0], abs=1e-3)
    assert oklab("#ff0000", "usual") == pytest.approx([0.628, 0.2249, 0.1258], abs=1e-3)
    assert nearest(["#2ca02c", "#d62728"], "deuteranopia") < 0.6 * nearest(["#2ca02c", "#d62728"], "usual")


@pytest.mark.parametrize("ground", GROUNDS)
def test_every_colour_is_seen_on_both_backgrounds(ground):
    tones = [tone for model in MODELS for tone in palette.tones(palette.model_colour(model), 6)]
    for colour in (*palette.COLOURS, palette.UNLABELLED, *palette.RUNS, *tones):
        assert contrast(colour, ground) >= 3, colour


@pytest.mark.parametrize(("eyes", "least"), [(e, 0.156 if e == "usual" else 0.079) for e in EYES])
def test_the_ten_stay_apart_for_every_eye(eyes, least):
    assert nearest(palette.COLOURS, eyes) >= least


def test_no_two_of_the_ten_go_by_one_name():
    """Colours lie further apart in numbers than in words: of three purples each is "the purple one".

    So two hues are 12 degrees apart and no more than one is purple, but for a colour too pale to be of its hue.
    """
    lab = np.array([oklab(c, "usual") for c in palette.COLOURS])
    hue, chroma = np.degrees(np.arctan2(lab[:, 2], lab[:, 1])) % 360, np.hypot(lab[:, 1], lab[:, 2])
    full = np.sort(hue[chroma > 0.08])
    assert len(full) == 9  # and a brown
    assert np.diff([*full, full[0] + 360]).min() >= 12
    assert ((full > 275) & (full < 335)).sum() == 1


# How many methods, how far at least from every class and from the baseline's grey, and from each other.
METHODS = {3: ((0.09, 0.25), (0.042, 0.14)), 10: ((0.07, 0.1), (0.04, 0.054))}


@pytest.mark.parametrize("eyes", EYES)
@pytest.mark.parametrize("n", METHODS)
def test_a_method_is_no_class(eyes, n):
    """The colours of n methods stay apart from all classes and, further, from each other."""
    from_classes, from_each_other = METHODS[n][eyes != "usual"]
    grounds = [oklab(c, eyes) for c in (*palette.COLOURS, palette.UNLABELLED)]
    for colour in palette.RUNS[:n]:
        assert min(np.linalg.norm(oklab(colour, eyes) - g) for g in grounds) >= from_classes, colour
    assert nearest(palette.RUNS[:n], eyes) >= from_each_other


@pytest.mark.parametrize("eyes", EYES)
def test_the_two_whose_curves_lie_closest_are_the_furthest_apart(eyes):
    """M2 and ADGM cross on nearly every chart."""
    assert nearest([palette.model_colour("m2"), palette.model_colour("adgm")], eyes) >= 0.19


def test_one_list():
    assert tuple(THEME["chartCategoricalColors"]) == palette.COLOURS
    assert len(set(palette.RUNS)) == 10
    assert not set(palette.RUNS) & {*palette.COLOURS, palette.UNLABELLED}


def test_a_class_is_a_dot_and_a_method_a_line():
    """Whatever names a method or a run puts the palette's line before it, and no line is round."""
    row = table.Row("digits", "m2", 20, "tuned")
    drawn = {
        "m2": (results_table.line(row, results_table.axis([row])), table_1.show([row], ["digits"])),
        "m1": (pinned.head("a run", palette.model_colour("m1"), ""),),
    }
    for model, shown in drawn.items():
        mark = palette.line_mark(palette.model_colour(model))
        assert "50%" not in mark
        assert all(mark in html for html in shown)


def test_a_method_has_one_colour_and_its_runs_tones_of_it():
    alone = {model: palette.run_colours([model])[0] for model in MODELS}
    assert len(set(alone.values())) == len(MODELS)
    assert alone[BASELINE] == palette.UNLABELLED
    assert palette.run_colours(list(MODELS)) == list(alone.values())
    assert palette.run_colours(list(MODELS)[::-1]) == list(alone.values())[::-1]
    found = palette.run_colours(["m2", "m1", "m2", "m2"])
    assert found[1] == alone["m1"]
    mine = [found[0], *found[2:]]
    assert len(set(mine)) == 3
    assert [palette.luminance(c) for c in mine] == sorted(palette.luminance(c) for c in mine)
    hues = [np.arctan2(*oklab(c, "usual")[1:]) for c in (*mine, alone["m2"])]
    assert np.ptp(np.unwrap(hues)) < 0.35  # radians: the same hue, as far as a lighter blue can have it
