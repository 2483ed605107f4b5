"""The page of the plane: its address, what cannot be, lessons, and sentences made of the frames shown."""

import json
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest
from test_own_points import labelled_of

import data
from data import own_points, plane
from models import AUXILIARY, BASELINE, CLASS, CODE, MODELS, TERMS, jobs
from models.plane.desk import Ask, Desk, Seen
from models.plane.setup import SetUp
from models.runs import store
from pages.parts.plane import edits, lessons, symbols, told, visit

ROOT = Path(__file__).parents[1]
TABLE = "0,0,red\n1,1,blue\n.5,.5,\n0.2,0.1\n"


@pytest.fixture(autouse=True)
def root(tmp_path, monkeypatch, no_supervisor):
    monkeypatch.setenv("FEWLABELS_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("FEWLABELS_CACHE", str(tmp_path / "cache"))
    (tmp_path / "runs").mkdir()


def open_plane(**address: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=240)
    for key, value in address.items():
        app.query_params[key] = value
    app.switch_page("pages/plane.py").run()
    assert not app.exception, [e.value for e in app.exception]
    return app


def control(app: AppTest, key: str):
    [found] = [w for w in (*app.get("button_group"), *app.button) if w.key == key]
    return found


def opened(app: AppTest, popover: str) -> AppTest:
    """With "Points" or "Model" open, which nothing else is drawn in."""
    app.session_state[f"plane-{popover}"] = True
    return app.run()


def drawn(app: AppTest) -> dict:
    """What the panels are given."""
    (proto,) = [e.proto for e in app.get("bidi_component") if e.proto.component_name.endswith("plane")]
    return json.loads(proto.mixed.json or proto.json)


def asked(app: AppTest):
    return Desk(jobs.engine().paths.plane / app.session_state["plane-token"]).asked()


def said(app: AppTest) -> str:
    return " ".join(e.value for e in (*app.caption, *app.markdown))


def test_it_opens_with_four_methods_on_moons_and_asks_for_a_first_picture():
    app = open_plane()
    ask = asked(app)
    assert (ask.setup.dataset, ask.setup.labels, ask.playing) == ("moons", 6, False)
    assert [p["model"] for p in drawn(app)["panels"]] == list(ask.setup.models)
    assert len(ask.setup.models) == 4
    assert len(drawn(app)["labelled"]) == 6


def test_the_set_up_stands_in_the_address():
    app = open_plane(figure="circles", each="5", noise="20", beta="0.1", z="2", consistency="1", methods=f"{CLASS},x")
    setup = asked(app).setup
    assert (setup.dataset, setup.labels, setup.models) == ("circles-noise20", 10, (CLASS,))
    assert dict(setup.custom) == {"beta": 0.1, "n_z": 2, "consistency": 1.0}
    assert dict(asked(open_plane(zofx="1")).setup.custom) == {"encoder_sees_y": False}
    assert asked(open_plane()).setup.custom == (), "the settings are those of the preset, whatever method has which"
    other = asked(open_plane(zofx="1", z="2")).setup
    for model in other.models:  # each switch that is shown changes the run of a method that reads it
        run, usual = other.run(model), asked(open_plane()).setup.run(model)
        changed = {
            name for name in ("n_z", "encoder_sees_y") if getattr(run.settings, name) != getattr(usual.settings, name)
        }
        assert changed == set(run.custom)
    assert {name for model in other.models for name in other.run(model).custom} == {"n_z", "encoder_sees_y"}


def test_the_last_method_stays_chosen():
    app = open_plane(methods=CLASS)
    control(app, "methods").set_value([]).run()
    assert asked(app).setup.models == (CLASS,)
    assert app.query_params["methods"] in (CLASS, [CLASS])


@pytest.mark.parametrize("bad", ["../../etc/passwd", "<b>x</b>", "", "a" * 5000, "own-000000000000", "moons~999999_A"])
def test_nothing_of_the_address_is_taken_unchecked(bad):
    keys = ("figure", "each", "noise", "seed", "beta", "z", "methods", "consistency", "zofx", "lesson", "points", "own")
    app = open_plane(**dict.fromkeys(keys, bad))
    assert asked(app).setup.dataset == "moons"
    assert not app.error
    assert bad not in said(app) or bad in ("", "own-000000000000")


def test_made_up_points_are_a_sentence_and_the_figure_is_shown():
    app = open_plane(points="own-000000000000")
    assert "not on this machine" in said(app)
    assert "points" not in app.query_params
    assert "cut short or changed" in said(open_plane(own="moons~3_A~x"))


def test_points_travel_in_the_link():
    name = own_points.keep(own_points.read(TABLE))
    words = own_points.in_words(name)
    own_points.path_of(name.partition("-")[2]).unlink()  # another machine
    app = open_plane(own=words)
    assert asked(app).setup.dataset == name
    assert "Your points" in said(app)
    [button] = [b for b in app.button if b.key == "plane-back"]
    button.click().run()
    assert asked(app).setup.dataset == "moons"
    assert "own" not in app.query_params


def test_a_figure_changed_by_hand_is_a_short_text():
    images = data.load("clusters")
    board = edits.Board.of(images, data.draw(images, 4, 0)[0].tolist())
    name = edits.changed(board, {"kind": "move", "of": board.marks[1][:2], "x": 0.25, "y": -1}).keep()
    words = own_points.in_words(name)
    assert len(words) < 80
    assert own_points.of_words(words) == name
    assert np.allclose(data.load(name).x[labelled_of(board)[1]].ravel(), [0.25, -1])


def test_a_figure_changed_by_hand_stays_where_its_test_points_are():
    images = data.load("moons-noise70")
    assert np.abs(images.x).max() > plane.REACH, "some lie outside of what is shown"
    board = edits.Board.of(images, data.draw(images, 6, 0)[0].tolist())
    name = edits.changed(board, {"kind": "name", "of": board.marks[0][:2], "k": 1}).keep()
    assert np.allclose(data.load(name).x, images.x, atol=1e-3)


@pytest.mark.parametrize("words", ["", "~", "moons", "nothing~1_A", "moons~1_2_A_3_4", "moons~-1_A", "moons~1000_A",
                                   "~nan_1_A~1_1_B~0_0_", "digits~1_A", "own-000000000000~1_A", "~" * 9999,
                                   "~1_1_A" * 201,
                                   "moons~0_<b>"])  # fmt: skip
def test_other_texts_are_no_points(words):
    with pytest.raises(data.DataError):
        own_points.of_words(words)


def test_an_empty_plane_is_no_dead_end():
    app = open_plane(own="~")
    shown = drawn(app)
    assert shown["ready"] is False
    assert shown["claim"].startswith("An empty plane. Drag on a panel to paint")
    assert [name for name, _ in shown["offered"]] == ["A", "B", "C"]
    assert "plane-ask" not in app.session_state, "there is nothing to learn yet"
    app = open_plane(own="~0_0_A~1_1_")
    assert drawn(app)["claim"] == "All labels are of class A. Give labels of 2 to 3 classes."
    assert drawn(app)["labelled"] == [[0, 0, 0]]
    assert drawn(open_plane(own="~0_0_A~1_1_~2_2_B"))["ready"] is True


def test_empty_plane_back_and_undo():
    app = open_plane(own="moons~3_A~4_B")
    button = control(opened(app, "points"), "plane-empty")
    button.click().run()
    assert app.query_params["own"] in ("~", ["~"])
    assert drawn(app)["undo"] == 1
    [button] = [b for b in app.button if b.key == "plane-back"]
    button.click().run()
    assert "own" not in app.query_params
    assert drawn(app)["ready"] is True
    [figure] = [w for w in app.get("button_group") if w.key == "figure"]
    figure.set_value("circles").run()
    assert drawn(app)["undo"] == 0, "another figure begins anew"


def test_classes_and_number_of_points_are_chosen_on_the_page():
    app = open_plane(classes="3", n="200", figure="clusters")
    setup = asked(app).setup
    assert (setup.dataset, setup.labels) == ("clusters-n200-k3", 6)
    opened(app, "points")
    for key, value, dataset in (("classes", 2, "clusters-n200"), ("n", 2000, "clusters-n2000")):
        control(app, key).set_value(value).run()
        assert asked(app).setup.dataset == dataset


def test_what_a_popover_shows_is_never_told_but_its_default():
    """What is told while somebody chooses takes the choice back, in the runs of st.rerun too."""
    app = open_plane(noise="40", beta="10.0", consistency="1")
    assert not {"noise", "beta"} & {w.key for w in app.get("button_group")}
    for popover, keys in {"points": ("noise", "classes", "n", "seed"), "model": ("beta", "z")}.items():
        opened(app, popover)
        for _ in range(2):
            assert not any(control(app, key).proto.set_value for key in keys)
            app.run()
    assert (control(app, "noise").value, control(app, "beta").value) == (40, 10.0)
    assert app.toggle(key="consistency").value
    assert not app.toggle(key="consistency").proto.set_value
    assert dict(asked(app).setup.custom) == {"beta": 10.0, "consistency": 1.0}
    app.query_params["beta"] = "0.1"  # Back
    app.run()
    assert control(app, "beta").value == 0.1


def test_more_points_than_a_link_carries_are_named():
    points = [(0.01 * i, 0.0, "AB"[i % 2] if i < 4 else "") for i in range(201)]
    assert own_points.in_words(own_points.keep(points)) == ""
    assert own_points.in_words(own_points.keep(points[:200])).count("~") == 200
    assert own_points.read(own_points.csv_of(points[:9])) == points[:9]


@pytest.mark.parametrize("key", lessons.LESSONS)
def test_a_lesson_is_a_link_that_begins_anew_and_plays(key):
    app = open_plane(lesson=key, figure="spirals", beta="10.0")
    lesson, ask = lessons.LESSONS[key], asked(app)
    assert ask.playing
    assert ask.resets == 1
    assert edits.figure_of(ask.setup.dataset) == lesson.figure
    assert ask.setup.custom == ()
    assert drawn(app)["claim"]
    app.run()
    assert asked(app).resets == 1, "once, not at every rerun"
    assert app.query_params["lesson"] in (key, [key])
    control(opened(app, "model"), "beta").set_value(10.0).run()
    assert "lesson" not in app.query_params, "another set-up is no longer the lesson"


def test_one_wrong_label_is_wrong():
    name = own_points.of_words(lessons.LESSONS["wrong"].address()["own"])
    own, true = data.load(name), data.load("moons")
    wrong = [i for i in own.labelled if own.y[i] != true.y[i]]
    assert len(wrong) == 1


# Sentences

POINTS = np.stack(np.meshgrid(np.linspace(-1, 1, 20), np.linspace(-1, 1, 20)), -1).reshape(-1, 2)


def shown(step=9, line=False, **accuracies) -> told.Shown:
    predicted = (POINTS[:, 0] > 0.1) if line else (np.hypot(*POINTS.T) > 0.7)
    seen = {
        m.replace("_", "-"): Seen(step, 10, a, {}, [], {"predicted": predicted.astype(np.uint8)})
        for m, a in accuracies.items()
    }
    return told.Shown(seen, POINTS, 6, 2)


def test_the_sentence_follows_the_numbers():
    assert "Press Play" in told.general(shown(0, **{CLASS: 0.5, BASELINE: 0.5}))
    ahead = told.general(shown(**{CLASS: 0.891, BASELINE: 0.82}))
    assert "394 unlabelled points to 89.1 %" in ahead
    assert "6 labels alone reach 82.0 %" in ahead
    behind = told.general(shown(**{CLASS: 0.5, BASELINE: 0.82}))
    assert "behind" in behind
    assert "halves" not in behind
    assert "spends y on halves of the plane: a straight line gives" in told.general(
        shown(line=True, **{CLASS: 0.5, BASELINE: 0.82})
    )
    assert "halves" not in told.general(shown(line=True, **{CLASS: 0.9, BASELINE: 0.95})), "it is right to"
    assert "no difference" in told.general(shown(**{CLASS: 0.82, BASELINE: 0.82}))
    assert "82.0 %" in told.general(shown(**{BASELINE: 0.82}))
    assert told.general(shown()) == ""


def test_the_straight_line():
    assert told.straight(POINTS, (POINTS @ [1, 2] > 0).astype(int)) > 0.95
    assert told.straight(POINTS, (np.hypot(*POINTS.T) > 0.7).astype(int)) < 0.8
    assert told.straight(POINTS, np.zeros(400, int)) == 0
    assert told.straight(POINTS, np.zeros(3, int)) == 0


@pytest.mark.parametrize("key", lessons.LESSONS)
def test_every_lesson_says_something_of_whatever_is_shown(key):
    for given in (shown(), shown(0, **{CLASS: 0.5}), shown(**{BASELINE: 0.7}), shown(**{CLASS: 0.6}),
                  shown(line=True, **{CLASS: 0.5, BASELINE: 0.8}), shown(**{CLASS: 0.9, BASELINE: 0.7})):  # fmt: skip
        lessons.LESSONS[key].says(given)
    a = lessons.LESSONS[key].says(shown(**{CLASS: 0.771, BASELINE: 0.663}))
    assert "77.1 %" in a
    assert "66.3 %" in a


def test_keep_queues_the_same_set_up_once_and_says_the_line_of_the_shell():
    app = open_plane(beta="0.1", methods=f"{CLASS},{BASELINE}")
    [button] = [b for b in app.button if b.key == "plane-keep"]
    button.click().run()
    [button] = [b for b in app.button if b.key == "plane-keep"]
    button.click().run()
    runs = [f.run for f in store.runs(store.root())]
    setup = asked(app).setup
    assert sorted(runs, key=str) == sorted((setup.run(m) for m in (CLASS, BASELINE)), key=str)
    line = next(c.value for c in app.code if "models train" in c.value)
    assert line.splitlines() == [setup.run(m).command() for m in setup.models]
    assert "--set beta=0.1" in line


def test_methods_are_named_by_their_cards():
    assert told.general(shown(**{CLASS: 0.9, BASELINE: 0.8})).startswith(MODELS[CLASS].legend)


# The truth and J

SETUP = SetUp("moons", (CODE, CLASS, AUXILIARY, BASELINE), 6)


def test_the_densities_of_z_are_called_what_they_are():
    of = {m: symbols.densities(m, SETUP.run(m).settings) for m in SETUP.models}
    assert of == {
        CODE: ("q(z|x)", "p(z|x)"),
        CLASS: ("q(z|x,y)", "p(z|x,y)"),
        AUXILIARY: ("q(z|a,y,x), mean over q(a|x)", "p(z|x,y)"),  # as quadrature.posterior mixes it
        BASELINE: ("", ""),
    }
    blind = SetUp("moons", (CLASS,), 6, custom=(("encoder_sees_y", False),))
    assert symbols.densities(CLASS, blind.run(CLASS).settings)[0] == "q(z|x)"


@pytest.mark.parametrize("model", [m for m, card in MODELS.items() if "points" in card.kinds])
def test_every_term_has_its_full_name_and_a_colour_that_no_other_of_the_method_has(model):
    found = symbols.terms(MODELS[model].terms)
    assert [one["title"] for one in found] == [TERMS[name] for name in MODELS[model].terms]
    colours = {one["short"]: one["colour"] for one in found}
    assert len(set(colours.values())) == len(colours)
    assert all("_" not in one["short"] for one in found)


def test_a_point_is_asked_for_and_what_is_no_number_is_not(monkeypatch):
    monkeypatch.setitem(st.session_state, "plane-token", "test")
    monkeypatch.setitem(st.session_state, "plane-ask", Ask(SETUP, playing=True, steps=2, since=5.0))
    visit.act("point", 7)
    assert visit.asked() == visit.desk().asked() == Ask(SETUP, playing=True, steps=2, point=7, since=5.0)
    for nothing in (None, "../8", 2.5, [1]):
        visit.act("point", nothing)
        assert visit.asked().point == 7
    visit.act("point", -4)
    assert visit.asked().point == -1
