"""The tour trains what it shows, each run once, and every link of it opens a page that shows it."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from models.runs import store
from models.runs.run import Run
from pages.parts.shared import run_pickers
from pages.parts.start import tour_stops

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))
import fake_runs  # noqa: E402


@pytest.fixture
def root(tmp_path, monkeypatch, no_supervisor):
    monkeypatch.setenv("FEWLABELS_RUNS", str(tmp_path))
    return tmp_path


def tour() -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=240)
    app.switch_page("pages/tour.py").run()
    assert not app.exception, [e.value for e in app.exception]
    return app


def said(app: AppTest) -> str:
    return " ".join(e.value for e in (*app.caption, *app.markdown))


def all_done(root: Path) -> dict:
    return {
        m: fake_runs.make(root, "done", dataset="digits", model=m, labels=tour_stops.LABELS, seed=tour_stops.SEED)
        for m in tour_stops.ORDER
    }


def button(app: AppTest):
    """The button that trains what the tour lacks; None if it lacks nothing."""
    return next((b for b in app.button if b.key == "train-tour"), None)


def test_nothing_trains_before_it_is_asked_to_and_then_each_run_once(root, no_examples):
    app = tour()
    assert store.runs(root) == []
    assert "not trained yet" in said(app)
    assert button(app).label == "Train 4 runs"
    other = tour()
    button(app).click().run()
    first = {f.id for f in store.runs(root)}
    assert [f.run for f in sorted(store.runs(root), key=lambda f: f.made["created"])] == tour_stops.wanted()
    assert "being trained" in said(app)
    assert button(app) is None
    button(other).click().run()  # somebody else had the page open
    assert {f.id for f in store.runs(root)} == first
    tour()
    assert {f.id for f in store.runs(root)} == first


def test_on_a_fresh_copy_every_stop_shows_an_example(root):
    app = tour()
    assert store.runs(root) == []
    assert not any(link.proto.disabled for link in links(app))
    shown = tour_stops.there_are()[0]
    assert set(shown) == set(tour_stops.ORDER)
    for folder in shown.values():
        assert folder.made["example"]
        assert folder.run in tour_stops.wanted() or replace(folder.run, threads=0) in tour_stops.wanted()
    for stop in tour_stops.STOPS:
        assert stop.says(shown)
        assert run_pickers.plain(stop.says(shown)) in said(app)
    assert "not trained yet" not in said(app)
    assert button(app).label == "Train 4 runs"
    button(app).click().run()
    assert len(store.runs(root)) == 4, "one's own, beside the examples"
    assert not any(link.proto.disabled for link in links(app))


def test_a_run_that_is_there_serves(root):
    there = all_done(root)
    app = tour()
    assert {f.id for f in store.runs(root)} == {f.id for f in there.values()}
    assert {m: f.id for m, f in tour_stops.there_are()[0].items()} == {m: f.id for m, f in there.items()}
    assert "20 labels, seed 0, one run each" in said(app)
    assert "being trained" not in said(app)
    assert button(app) is None


def test_what_goes_on_is_said_and_its_links_wait(root, no_examples):
    fake_runs.make(root, "running", dataset="digits", model="m2", labels=tour_stops.LABELS, seed=tour_stops.SEED)
    app = tour()
    assert "M2 are being trained" in said(app)
    assert all(link.proto.disabled for link in links(app) if link.proto.label in ("One hand, ten digits", "M2's z"))
    assert not any(link.proto.disabled for link in links(app) if link.proto.label == "The twenty labels")


@pytest.mark.parametrize("state", ["failed", "stopped", "lost"])
def test_what_was_ended_is_begun_again_by_a_button_only(root, state):
    ended = {
        m: fake_runs.make(
            root, state, dataset="digits", model=m, labels=tour_stops.LABELS, seed=tour_stops.SEED, epochs=e
        )
        for m, e in ((m, Run.make(model=m).epochs) for m in tour_stops.ORDER)
    }
    app = tour()
    assert {f.id for f in store.runs(root)} == {f.id for f in ended.values()}
    assert all(f.status()["state"] == state for f in store.runs(root))
    button(app).click().run()
    assert not app.exception
    assert {f.id: f.status()["state"] for f in store.runs(root)} == {f.id: "queued" for f in ended.values()}


def links(app: AppTest) -> list:
    return [e for e in app.main if e.type == "page_link"] or app.get("page_link")


@pytest.mark.parametrize("stop", tour_stops.STOPS, ids=lambda s: s.title)
def test_every_link_opens_what_it_says(root, stop):
    runs = all_done(root)
    assert stop.says(runs)
    for way in stop.ways:
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=240)
        for key, value in way.query(runs).items():
            app.query_params[key] = value
        app.switch_page(f"pages/{way.page}").run()
        assert not app.exception, [e.value for e in app.exception]
        asked = [runs[m].id for m in way.needs]
        shown = {*map(str, (s.value for s in app.selectbox)), *(v for s in app.multiselect for v in s.value)}
        assert set(asked) <= shown, (way.label, shown)
