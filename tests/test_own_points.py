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
    ("1,2,red\n3,4,", "All labels are of class red. Give labels of 2 to 3 classes."),
    ("1,2,a\n1,2,b\n1,2,c\n1,2,d\n3,4,", "of 4 classes"),
    ("1,2,red\n1,2,blue", "Every point has a label. Leave some without one"),
    ("nan,1,a\n2,2,b\n1,1,", "A point lies at nan, 1.0. Give finite numbers."),
    ("1,inf,a\n2,2,b\n1,1,", "Give finite numbers"),
    ("1,1,<b>\n2,2,b\n1,1,", "'<b>' cannot be the name of a class"),
    ("", "No point has a label. Give labels of 2 to 3 classes."),
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
    return edits.Board.of(images, data.draw(images, 6, 0)[0].tolist())


def after(board, **change):
    """The points as they are kept after a change."""
    return own_points.table(edits.changed(board, change).keep())[2]


def labelled_of(board):
    """Which of the points have a label."""
    return [i for i, (*_, k) in enumerate(board.points) if k]


def at(board, point):
    """Where a browser shows a point."""
    return board.points[point][:2]


def test_a_hand_labels_moves_adds_paints_and_takes_a_label_away(moons):
    labelled = labelled_of(moons)
    assert len(labelled) == len(moons.marks) == 6
    free = next(i for i in range(100) if i not in labelled)
    assert after(moons, kind="label", of=at(moons, free), k=1)[free][2] == "B"
    moved = after(moons, kind="move", of=at(moons, labelled[0]), x=2.5, y=-1)
    assert moved[labelled[0]] == (2.5, -1, moons.points[labelled[0]][2])
    added = after(moons, kind="add", x=0, y=2, k=0)
    assert added[-1] == (0, 2, "A")
    assert len(added) == 101
    assert after(moons, kind="add", x=0, y=2, k=-1)[-1] == (0, 2, "")
    assert after(moons, kind="name", of=at(moons, labelled[2]), k=-1)[labelled[2]][2] == ""
    assert after(moons, kind="paint", k=1, at=[[0, 2], [0.15, 2]])[-2:] == [(0, 2, "B"), (0.15, 2, "B")]


def test_what_was_added_can_be_removed_and_a_point_of_the_figure_loses_its_label(moons):
    first = labelled_of(moons)[0]
    lost = after(moons, kind="remove", of=at(moons, first))
    assert lost[first][2] == ""
    assert len(lost) == 100
    more = edits.changed(moons, {"kind": "add", "x": 0, "y": 2, "k": 0})
    assert edits.changed(more, {"kind": "remove", "of": [0, 2]}).points == moons.points
    table = edits.Board(((0, 0, "A"), (1, 1, "")), ("A",))
    assert edits.changed(table, {"kind": "remove", "of": [0, 0]}).points == ((1, 1, ""),)


def test_a_point_is_meant_by_its_place_for_an_edit_under_way_gives_it_another_number():
    table = edits.Board(((0, 0, "A"), (1, 1, "B"), (2, 2, "A"), (2, 2, ""), (-1, -1, "")), ("A", "B"))
    less = edits.changed(table, {"kind": "remove", "of": [0, 0]})
    assert edits.changed(less, {"kind": "move", "of": [1, 1.00004], "x": 0, "y": 2}).points[0] == (0, 2, "B")
    assert edits.changed(less, {"kind": "name", "of": [2, 2], "k": 1}).points[1:3] == ((2, 2, "B"), (2, 2, ""))
    with pytest.raises(UserError, match="no longer where it was"):
        edits.changed(less, {"kind": "move", "of": [0, 0], "x": 0, "y": 2})


def test_a_figure_that_was_changed_keeps_its_test_points(moons):
    name = edits.changed(moons, {"kind": "add", "x": 0, "y": 2, "k": 0}).keep()
    changed = data.load(name)
    assert np.array_equal(changed.x_test, data.load("moons-n100").x_test)
    assert edits.figure_of(name) == "moons-n100"
    board = edits.Board.of(changed, data.draw(changed, 7, 0)[0].tolist())
    again = edits.changed(board, {"kind": "add", "x": 1, "y": 2, "k": 1}).keep()
    assert edits.figure_of(again) == "moons-n100"
    assert data.DATASETS[again].fixed == 8


def test_a_figures_classes_all_need_a_label_and_keep_their_order():
    """Else the test points would be of other classes than the labelled ones."""
    images = data.load("clusters-n100-k3")
    board = edits.Board.of(images, data.draw(images, 3, 0)[0].tolist())
    for x, y, k in board.marks:
        less = edits.changed(board, {"kind": "remove", "of": [x, y]})
        assert less.lacks == f"No point of class {'ABC'[k]} has a label. Give one of them a label."
        name = less.keep()
        assert name not in data.DATASETS
        assert edits.Board.named(name).classes == ("A", "B", "C")
        with pytest.raises(DataError, match="has a label"):
            own_points.of_words(own_points.in_words(name))


def test_points_too_few_to_learn_from_are_kept_and_are_no_data_set():
    board = edits.Board((), ())
    assert board.offered == ("A", "B", "C")
    for k, at, lacks in ((-1, [[0, 0]], "No point has a label."), (2, [[1, 1]], "All labels are of class C."),
                         (0, [[1, 2], [2, 1]], "")):  # fmt: skip
        name = board.keep()
        assert name not in data.DATASETS
        words = own_points.in_words(name)
        assert own_points.of_words(words, unfinished=True) == name
        assert edits.Board.named(name).points == board.points
        board = edits.changed(
            edits.Board.named(name),
            {"kind": "paint", "k": edits.Board.named(name).offered.index("ABC"[k]) if k >= 0 else -1, "at": at},
        )
        assert board.lacks.startswith(lacks)
        assert bool(board.lacks) == bool(lacks)
    name = board.keep()
    assert data.load(name).classes == ("A", "C")
    shown = edits.Board.named(name)
    assert shown.offered == ("A", "C", "B")
    assert shown.colours == [edits.palette.class_colours(3)[i] for i in (0, 2, 1)], "C stays as it was"


MADE_UP = [
    {},
    {"kind": "explode"},
    {"kind": "add", "x": float("nan"), "y": 0, "k": 0},
    {"kind": "move", "of": [2.99, 2.99], "x": 0, "y": 0},
    {"kind": "label", "of": [float("nan"), 0], "k": 0},
    {"kind": "label", "of": [0], "k": 0},
    {"kind": "label", "point": 3, "k": 0},
    {"kind": "add", "k": 0},
    {"kind": "move", "of": "xy", "x": 0, "y": 0},
    {"kind": "paint", "k": 0, "at": [[0]]},
    {"kind": "paint", "k": 0, "at": [[0, 0]] * 5000},
    {"kind": "paint", "k": 0},
    {"kind": "remove"},
]


@pytest.mark.parametrize("change", MADE_UP)
def test_what_a_browser_makes_up_is_refused(moons, change):
    with pytest.raises((UserError, DataError, KeyError, ValueError, TypeError)):
        edits.changed(moons, change).keep()


def test_points_that_cannot_be_kept_leave_nothing_behind(tmp_path, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(own_points.os, "replace", full)
    with pytest.raises(DataError, match=r"cannot be kept in .*No space left on device"):
        own_points.keep(own_points.read(TABLE))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
