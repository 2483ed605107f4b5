"""Runs of so many minutes on Train: measured in the background once Start is pressed, then started with the epochs."""

import threading
import time
from types import SimpleNamespace

import pytest
from test_pages import check, open_page, root, said  # noqa: F401 (a fixture)

from models.errors import RunError
from models.results import measuring, minutes
from models.results.minutes import Pace
from models.runs import store
from models.runs.run import Run

MODELS = ["m2", "supervised"]


@pytest.fixture
def asked(monkeypatch):
    """The runs whose pace was asked for, in this process and in no time; each is the same."""
    found = []
    pace = Pace(start=4.0, step=0.5, steps=10, look=1.0, end=2.0)
    monkeypatch.setattr(minutes, "measured", lambda run: found.append(run) or pace)
    return found


@pytest.fixture
def gate(monkeypatch):
    """A measurement begins when this is set."""
    opened = threading.Event()

    def measure(runs, m, of):
        assert opened.wait(20)
        try:
            minutes.of_table(runs, m, of, lambda says: None)
        except RunError as e:
            return str(e)
        return ""

    monkeypatch.setattr(measuring, "measure", measure)
    yield opened
    opened.set()
    ended()


def ended():
    for thread in threading.enumerate():
        if thread.name == "measures an epoch":
            thread.join(20)


def button(app, label):
    return next((b for b in app.button if b.label.startswith(label)), None)


def test_start_measures_first_and_each_seed_gets_the_same_epochs(root, asked, gate):  # noqa: F811
    app = open_page("pages/train.py", minutes="1", models=",".join(MODELS))
    app.selectbox(key="count").set_value(3).run()
    button(app, "Start 6 runs").click().run()
    check(app)
    assert button(app, "Measuring").disabled
    assert button(app, "Start") is None
    assert "**Measuring an epoch**: M2, Labels only." in said(app)
    assert store.runs(root) == [], "nothing half-started"
    gate.set()
    ended()
    app.run()
    check(app)
    made = [f.run for f in store.runs(root)]
    assert sorted((r.model, r.seed, r.epochs) for r in made) == [(m, s, 8) for m in MODELS for s in range(3)]
    assert all("--epochs 8" in run.command() for run in made)
    assert len(asked) == 2, "each model once"
    assert set(app.multiselect(key="watch").value) == {f.id for f in store.runs(root)}

    app = open_page("pages/train.py", minutes="1", models=",".join(MODELS))
    assert button(app, "Start") is None, "they are here"
    app.button(key="stop-chosen").click().run()
    app = open_page("pages/train.py", minutes="1", models=",".join(MODELS), seed="7")
    assert "M2 8, Labels only 8 epochs" in said(app)
    button(app, "Start 2 runs").click().run()
    assert {f.run.seed for f in store.runs(root)} == {0, 1, 2, 7}, "at once: what is kept is not measured again"
    assert len(asked) == 2


def test_too_few_minutes_are_a_sentence_and_start_nothing(root, asked, gate):  # noqa: F811
    app = open_page("pages/train.py", minutes="0.2", models="m2")
    button(app, "Start").click().run()
    gate.set()
    ended()
    app.run()
    check(app)
    assert "0.2 minutes are too few for an epoch of M2 here\\: one takes 0.22 minutes in all." in said(app)
    assert store.runs(root) == []
    assert not button(app, "Start").disabled
    app.run()
    assert "too few" not in said(app), "it was said once"
    assert len(asked) == 1


def test_whoever_changes_something_meanwhile_starts_nothing(root, asked, gate):  # noqa: F811
    app = open_page("pages/train.py", minutes="1", models="m2")
    button(app, "Start").click().run()
    app.pills(key="models").set_value(["supervised"]).run()
    assert button(app, "Start") is not None
    assert "not measured" not in said(app)
    gate.set()
    ended()
    app.pills(key="models").set_value(["m2"]).run()
    assert "M2 8 epochs" in said(app), "it is measured all the same"
    assert store.runs(root) == []


def test_the_unit_is_switched_and_stands_in_the_address(root):  # noqa: F811
    app = open_page("pages/train.py", models="m2")
    assert "minutes" not in app.query_params
    app.button(key="other-length").click().run()
    check(app)
    assert app.query_params["minutes"] == "5"
    app.number_input(key="minutes").set_value(2.5).run()
    assert app.query_params["minutes"] == "2.5"
    assert "**About 2 min**" in said(app)
    assert open_page("pages/train.py", minutes="2.5").number_input(key="minutes").value == 2.5, "a link"
    app.button(key="other-length").click().run()
    assert "minutes" not in app.query_params
    assert app.number_input(key="epochs").value is None
    app.button(key="other-length").click().run()
    assert app.query_params["minutes"] == "2.5", "as it was"
    assert open_page("pages/train.py", minutes="-1").number_input(key="epochs").value is None


def test_a_cluster_has_epochs_only(root, monkeypatch):  # noqa: F811
    """What fits is measured on this machine, which is not the one that trains there."""
    monkeypatch.setenv("FEWLABELS_CLUSTER", "host:1")
    app = open_page("pages/train.py", minutes="1", models="m2")
    check(app)
    assert app.number_input(key="epochs").value is None
    assert not [b for b in app.button if b.key == "other-length"]


def test_a_failed_measurement_says_why(root, asked, monkeypatch):  # noqa: F811
    opened = threading.Event()

    def fails(*args, **more):
        assert opened.wait(20)
        return SimpleNamespace(returncode=1, stderr="Traceback\nKeyError: 'x'\n")

    monkeypatch.setattr(measuring.subprocess, "run", fails)
    app = open_page("pages/train.py", minutes="1", models="m2")
    button(app, "Start").click().run()
    opened.set()
    ended()
    app.run()
    assert "The measurement failed (KeyError\\: 'x'). Choose epochs instead." in said(app)
    assert store.runs(root) == []


def test_a_process_of_its_own_measures_points_in_the_plane_once_for_all_seeds(tmp_path):
    runs = [Run.make("moons", "supervised", 10, seed) for seed in (0, 1)]
    measuring.start(runs, 3.0, tmp_path)
    measuring.start(runs[::-1], 3.0, tmp_path)
    give_up = time.monotonic() + 120
    while (job := measuring.look(runs, 3.0, tmp_path)).state != "ended" and time.monotonic() < give_up:
        time.sleep(0.1)
    assert (job.state, job.error) == ("ended", "")
    first, second = minutes.known(runs, 3.0, tmp_path)
    assert first.epochs == second.epochs > 1
    assert len(minutes.read(tmp_path)) == 1
