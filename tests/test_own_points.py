"""Points of one's own: tables as people write them, a name made of the content, and what a hand may change."""

import numpy as np
import pytest

import data
from data import own_points, plane
from data.images import DataError
from models.errors import RunError, UserError
from models.runs.run import Run
from pages.parts.plane import edits

TABLE = "x,y,class\n0,0,red\n1,1,blue\n.5,.5,\n0.2,0.1\n"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("FEWLABELS_CACHE", str(tmp_path))


@pytest.mark.parametrize("text", [TABLE, TABLE.replace(",", ";"), TABLE.replace(",", "\t"), TABLE.partition("\n")[2],
                                  "\n\n" + TABLE.replace("\n", "\r\n"), TABLE.replace(",", " , ")])  # fmt: skip
def test_tables_as_people_write_them(text):
    assert own_points.read(text) == [(0, 0, "red"), (1, 1, "blue"), (0.5, 0.5, ""), (0.2, 0.1, "")]


def test_the_name_is_made_of_the_content():
    points = own_points.read(TABLE)
    name = own_points.keep(points)
    assert own_points.keep(points) == name
    assert own_points.keep(points[:-1]) != name
    images, spec = data.load(name), data.DATASETS[name]
    assert (spec.n_train, spec.n_classes, spec.fixed) == (4, 2, 2)
    assert images.classes == ("blue", "red")
    assert np.allclose(images.x.reshape(-1, 2), [(0, 0), (1, 1), (0.5, 0.5), (0.2, 0.1)])
    seen = data.split(images, 2, seed=5)
    assert seen.labelled.tolist() == [0, 1]
    assert seen.y_l.tolist() == [1, 0]
    assert seen.unlabelled.tolist() == [2, 3]
    assert Run.make(name, "m2").labels == 2


def test_far_points_are_brought_into_the_plane_and_near_ones_stay():
    far = [(1000 * x, 5 + y, k) for x, y, k in own_points.read(TABLE)]
    x = data.load(own_points.keep(far)).x.reshape(-1, 2)
    assert np.abs(x).max() < plane.REACH
    assert np.allclose(x.std(0), own_points.SPREAD, atol=1e-3)


@pytest.mark.parametrize(("text", "says"), [
    ("a,b,c\nd,e,f", "Line 2 of the table is 'd,e,f'. Give x, y, class."),
    ("1,2,red\n3,4,", "of 1 classes. Give labels of 2 to 3 classes."),
    ("1,2,a\n1,2,b\n1,2,c\n1,2,d\n3,4,", "of 4 classes"),
    ("1,2,red\n1,2,blue", "Every point has a label. Leave some without one"),
    ("nan,1,a\n2,2,b\n1,1,", "A point lies at nan, 1.0. Give finite numbers."),
    ("1,inf,a\n2,2,b\n1,1,", "Give finite numbers"),
    ("1,1,<b>\n2,2,b\n1,1,", "'<b>' cannot be the name of a class"),
    ("", "of 0 classes"),
    ("1,1,a\n2,2,b\n" + "1,1,\n" * 5000, "5,002 points are too many. Give at most 5,000."),
    ("x" * (2**20 + 1), "Take at most 1,048,576."),
])  # fmt: skip
def test_what_cannot_be_is_a_sentence(text, says):
    with pytest.raises(DataError) as e:
        own_points.keep(own_points.read(text))
    assert says in str(e.value)


def test_points_that_are_not_here_or_were_changed():
    name = own_points.keep(own_points.read(TABLE))
    path = own_points.path_of(name.partition("-")[2])
    path.write_text(path.read_text().replace("red", "green"))
    for gone in (name, "own-000000000000", "own-../../../etc", "own-", "own-47F07226BF23"):
        assert gone not in data.DATASETS
    with pytest.raises(RunError, match="There is no data set 'own-000000000000'"):
        Run.make("own-000000000000")
    with pytest.raises(DataError, match=r"has been changed\. Remove it"):
        data.load(name)


def test_the_number_of_labels_is_that_of_the_points():
    name = own_points.keep(own_points.read(TABLE))
    with pytest.raises(RunError, match="have 2 labels, not 4"):
        Run.make(name, "m2", labels=4)
    with pytest.raises(DataError, match="has 2 labels, not 4"):
        data.split(data.load(name), 4, seed=0)


@pytest.fixture
def moons():
    images = data.load("moons-n100")
    return images, data.draw(images, 6, 0)[0].tolist()


def of(name):
    return own_points.table(name)[2]


def test_a_hand_labels_moves_adds_and_takes_a_label_away(moons):
    images, labelled = moons
    free = next(i for i in range(100) if i not in labelled)
    assert of(edits.edited(images, labelled, {"kind": "label", "point": free, "k": 1}))[free][2] == "B"
    moved = of(edits.edited(images, labelled, {"kind": "move", "mark": 0, "x": 2.5, "y": -1}))
    assert moved[labelled[0]][:2] == (2.5, -1)
    assert moved[labelled[0]][2] == images.classes[images.y[labelled[0]]]
    added = of(edits.edited(images, labelled, {"kind": "add", "x": 0, "y": 2, "k": 0}))
    assert added[-1] == (0, 2, "A")
    assert len(added) == 101
    assert of(edits.edited(images, labelled, {"kind": "add", "x": 0, "y": 2, "k": -1}))[-1] == (0, 2, "")
    assert of(edits.edited(images, labelled, {"kind": "name", "mark": 2, "k": -1}))[labelled[2]][2] == ""


def test_a_figure_that_was_changed_keeps_its_test_points(moons):
    images, labelled = moons
    name = edits.edited(images, labelled, {"kind": "add", "x": 0, "y": 2, "k": 0})
    after = data.load(name)
    assert np.array_equal(after.x_test, images.x_test)
    assert edits.figure_of(name) == "moons-n100"
    again = edits.edited(after, data.draw(after, 7, 0)[0].tolist(), {"kind": "add", "x": 1, "y": 2, "k": 1})
    assert edits.figure_of(again) == "moons-n100"
    assert data.DATASETS[again].fixed == 8


MADE_UP = [
    {},
    {"kind": "explode"},
    {"kind": "add", "x": float("nan"), "y": 0, "k": 0},
    {"kind": "move", "mark": 99, "x": 0, "y": 0},
    {"kind": "label", "point": 10**6, "k": 0},
    {"kind": "add", "k": 0},
    {"kind": "move", "mark": "x", "x": 0, "y": 0},
]


@pytest.mark.parametrize("change", MADE_UP)
def test_what_a_browser_makes_up_is_refused(moons, change):
    with pytest.raises((UserError, DataError, KeyError, IndexError, ValueError, TypeError)):
        edits.edited(*moons, change)


def test_points_that_cannot_be_kept_leave_nothing_behind(tmp_path, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(own_points.os, "replace", full)
    with pytest.raises(DataError, match=r"cannot be kept in .*No space left on device"):
        own_points.keep(own_points.read(TABLE))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
