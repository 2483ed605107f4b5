"""The tour is a layer over Start: what it says is what the recordings say that it shows, and it trains nothing."""

import json
import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import data
from models import AUXILIARY, BASELINE, CLASS, CODE, MODELS
from models.results import examples, recordings
from models.results.examples import LABELS
from models.results.recordings import Recording
from models.runs import store
from pages.parts.start import tour, tour_stops
from pages.parts.start.tour_stops import STOPS

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from test_recordings import made_up, said  # noqa: E402

pytestmark = pytest.mark.usefixtures("no_supervisor")


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("FEWLABELS_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


@pytest.fixture
def kept(tmp_path, monkeypatch) -> Path:
    """The folder of recordings that the tour shows: empty."""
    monkeypatch.setattr(recordings, "RECORDINGS", tmp_path / "recordings")
    return tmp_path / "recordings"


def home(**address: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    for key, value in address.items():
        app.query_params[key] = value
    return quiet(app.run())


def quiet(app: AppTest) -> AppTest:
    assert not app.exception, app.exception[0].stack_trace
    return app


def drawn_from(app: AppTest, name: str) -> list[dict]:
    """What the components of this name were given."""
    protos = [e.proto for e in app.get("bidi_component")]
    return [json.loads(p.mixed.json or p.json) for p in protos if p.component_name == f"few_labels_{name}"]


def headline(app: AppTest) -> str:
    """What stands over Start's maps at the end of their film."""
    return drawn_from(app, "latent_headline")[0]["says"][-1]


def answers(app: AppTest) -> list:
    return [b for b in app.button if str(b.key).startswith("answer-")]


@pytest.mark.parametrize("dataset", ["digits", "mnist"])
def test_each_stop_asks_before_it_tells_and_next_leads_to_the_end(root, dataset: str) -> None:
    app = home(exhibit=dataset)
    quiet(app.button(key="take-tour").click().run())
    stops = [make(dataset) for make in STOPS]
    for number, stop in enumerate(stops, 1):
        assert app.query_params["tour"] in (str(number), [str(number)])
        assert f"{number} of {len(STOPS)}" in said(app)
        assert app.subheader[0].value == stop.title
        assert stop.question in plain(app)
        assert [b.label for b in answers(app)] == list(stop.answers)
        assert not any(sentence in plain(app) for sentence in stop.reveals), "told before it was asked"
        maps = [d for d in drawn_from(app, "latent_map") if d["part"] == "map"]
        assert all("film" not in d for d in maps), "the trained maps would give the answer away"
        assert all(d["only"] == list(stop.only) for d in maps)
        assert tour.outlines(number, stop, None) == "<style></style>"
        given = number % len(stop.answers)
        quiet(answers(app)[given].click().run())
        for sentence in filter(None, stop.reveals):
            assert sentence in plain(app)
        assert ("Right." in plain(app)) == (given == stop.right)
        assert answers(app)[stop.right].icon == ":material/check:"
        assert f"answer-{number}-{stop.right} button" in tour.outlines(number, stop, given).split(tour.RIGHT)[0]
        assert (tour.WRONG in tour.outlines(number, stop, given)) == (given != stop.right)
        for way in stop.ways:
            assert (ROOT / "pages" / way.page).exists()
            assert [examples.id_of(m) for m in way.models] == [i for i in ids(way) if i]
        quiet(app.button(key="tour-next").click().run())
    right = sum(number % len(stop.answers) == stop.right for number, stop in enumerate(stops, 1))
    assert f"{right} of {len(STOPS)} right" in said(app)
    for number, stop in enumerate(stops, 1):
        again = app.button(key=f"tour-again-{number}")
        met = number % len(stop.answers) == stop.right
        assert (again.label, again.icon) == (stop.title, f":material/{'check' if met else 'close'}:")
    maps = [d["label"] for d in drawn_from(app, "latent_map") if d["part"] == "map"]
    assert [label.split(" of ")[2].split(",")[0] for label in maps] == [MODELS[m].title for m in tour_stops.MET]
    assert {"Train it here", "Draw a digit", "Compare all four"} <= {b.label for b in app.button}
    quiet(app.button(key="tour-again-3").click().run())
    assert app.subheader[0].value == stops[2].title
    quiet(app.button(key="tour-leave").click().run())
    assert "tour" not in app.query_params
    assert "images without a label bought" in headline(app)
    assert store.runs(root) == [], "nothing is trained"


def plain(app: AppTest) -> str:
    return said(app).replace("\\", "")


def ids(way: tour_stops.Way) -> list[str]:
    address = way.address()
    return address.get("run", address.get("runs", "")).split(",")


def test_every_link_names_an_example(root) -> None:
    there = {f.run.model: f.id for f in examples.bring(root)}
    assert {model: examples.id_of(model) for model in recordings.learners()} == there


def test_the_old_address_leads_on(root) -> None:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    quiet(app.switch_page("pages/tour.py").run())
    assert "1 of 5" in said(app)


@pytest.mark.parametrize("asked", ["0", "7", "x"])
def test_a_stop_that_there_is_not_is_no_tour(root, asked: str) -> None:
    app = home(tour=asked)
    assert "tour" not in app.query_params
    assert "images without a label bought" in headline(app)


def test_without_recordings_there_is_no_tour(root, kept) -> None:
    app = home(tour="1")
    assert "In colour, the images whose class the model is told" in said(app)
    assert not answers(app)


def test_a_damaged_recording_is_a_sentence_and_one_can_leave(root, kept) -> None:
    for model in recordings.learners():
        recordings.keep(recorded(model, 0.5))
    recordings.path_of("digits", LABELS, CLASS).write_text("not a recording")
    app = home(tour="1")
    assert "cannot be read" in plain(app)
    quiet(app.button(key="tour-leave").click().run())
    assert "tour" not in app.query_params


# --- What a stop says is decided by the recordings


def recorded(model: str, share: float, wrong: tuple[int, int] = (5, 9), mixed: float = 0.0) -> Recording:
    """A made-up recording of all digits, right of a `share` of the test images but for what one class is taken for.

    A share `mixed` of all images lies anywhere on its map, the others beside their own class.
    """
    images = data.load("digits")
    ids = np.r_[np.arange(len(images.y)), -1 - np.arange(len(images.y_test))].astype(np.int32)
    true = np.r_[images.y, images.y_test]
    predicted = true.copy()
    taken = np.flatnonzero((ids < 0) & (true == wrong[0]))
    taken = taken[: round((1 - share) * len(images.y_test))]
    predicted[taken] = wrong[1]
    rng = np.random.default_rng(0)
    angle = np.where(rng.random(len(ids)) < mixed, rng.integers(0, 10, len(ids)), true) * 2 * np.pi / 10
    xy = np.stack([np.cos(angle), np.sin(angle)], 1) + rng.normal(0, 0.01, (len(ids), 2))
    made = made_up(model, share, LABELS, pictures=2)
    q_y = np.full((len(ids), 10), 0.05 / 9, np.float16)
    q_y[np.arange(len(ids)), predicted] = 0.95
    both = [np.repeat(a[None], 2, 0) for a in (xy / 2, predicted, np.full(len(ids), 242), np.full(len(ids), 20))]
    return replace(
        made, ids=ids, q_y=q_y, xy=both[0].astype(np.float16), predicted=both[1].astype(np.uint8),
        sure=both[2].astype(np.uint8), entropy=both[3].astype(np.uint8),
    )  # fmt: skip


def keep(**shares: tuple[float, tuple[int, int], float]) -> None:
    for model, how in shares.items():
        recordings.keep(recorded(model, *how))


def test_other_recordings_make_other_answers(kept) -> None:
    """Two sets of made-up runs in which everything is the other way round."""
    for better, worse, turned in ((0.99, 0.93, False), (0.93, 0.99, True)):
        keep(**{
            BASELINE: (worse, (3, 8), 0.0), CLASS: (better, (3, 8), 0.0 if turned else 0.6),
            CODE: (worse, (3, 8), 0.6 if turned else 0.0), AUXILIARY: (worse, (3, 8), 0.0),
        })  # fmt: skip
        few, two, codes, posterior, lose = (make("digits") for make in STOPS)
        assert few.right == (0 if turned else 1)
        assert ("cost 6.0 points" if turned else "bought 6.0 points") in few.reveals[0]
        n = [round((1 - a) * 500) for a in (worse, better)]
        assert two.question == "Which of the two will confuse 3 and 8 more?"
        assert two.right == int(turned)
        assert f"Labels only takes {n[0]} of the " in two.reveals[0]
        assert f" for the other, M2 takes {n[1]}." in two.reveals[0]
        assert f"Labels only is over 90 % sure of {n[0]} of its {n[0]}" in two.reveals[1]
        assert codes.right == (0 if turned else 1)
        assert ("the style" in codes.reveals[0]) == (not turned)
        same = [int(n) for n in re.findall(r"(\d+) %", codes.reveals[0])]
        assert (same[0] > same[1]) == (not turned)
        assert posterior.right == int(turned)
        assert lose.right == (0 if turned else 2)
        assert ("cost 6.0 points" if turned else "bought nothing") in lose.reveals[0]


def test_runs_that_do_not_differ_are_said_not_to(kept) -> None:
    keep(**dict.fromkeys((BASELINE, CLASS, CODE, AUXILIARY), (0.95, (5, 9), 0.1)))
    few, two, codes, posterior, lose = (make("digits") for make in STOPS)
    assert few.right == 0
    assert (two.question, two.answers, two.right) == ("", (), -1)
    assert two.reveals[0].startswith("No two classes tell these runs apart")
    assert codes.right == posterior.right == lose.right == 2
    app = home(tour="2")
    assert not answers(app)
    assert "No two classes tell these runs apart" in plain(app)


@pytest.mark.parametrize(("dataset", "points"), [("digits", 1.0), ("mnist", 0.22)])
def test_the_figures_are_those_of_the_recordings_in_the_repository(dataset: str, points: float) -> None:
    """Counted here once more; and no stop shows a difference that is none."""
    few, two, codes, posterior, lose = (make(dataset) for make in STOPS)
    for stop in (few, posterior, lose):
        left, right = (round(100 * r.accuracy[-1], 1) for r in stop.sides.both)
        assert abs(right - left) >= points
        assert f"{left:.1f} %" in stop.reveals[0]
        assert f"{right:.1f} %" in stop.reveals[0]
    a, b = (int(word) for word in two.question.split() if word.isdigit())
    for recording in two.sides.both:
        test = recording.ids < 0
        true, predicted = recordings.images(recording).true[test], recording.predicted[-1][test]
        taken = ((true == a) & (predicted == b)).sum() + ((true == b) & (predicted == a)).sum()
        assert f" {taken}" in two.reveals[0]
    assert two.answers
    assert codes.right != 2
