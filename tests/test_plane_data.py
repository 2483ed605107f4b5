"""Points in the plane: what the names promise, and sentences for what cannot be."""

import numpy as np
import pytest

import data
from data import plane
from data.images import DataError


@pytest.mark.parametrize("name", list(data.POINT_SETS))
def test_every_figure_is_as_its_spec_says_and_always_the_same(name):
    images, spec = data.load(name), data.DATASETS[name]
    assert images.x.shape == (spec.n_train, 2, 1, 1)
    assert images.x.dtype == np.float32
    assert images.x_test.shape == (spec.n_test, 2, 1, 1)
    counts = np.bincount(images.y)
    assert len(counts) == spec.n_classes == len(images.classes)
    assert counts.max() - counts.min() <= 1
    assert np.abs(images.x).max() < 4.5
    assert 0.4 < images.x.std() < 1.6
    again = data.decode(spec, plane.find(spec, None), lambda done, what: None)
    assert (again.x == images.x).all()
    assert (again.y == images.y).all()
    assert not np.isin(images.x_test.ravel(), images.x.ravel()).any(), "a test point is a training point"
    assert data.availability(name) == "ready"


def test_the_same_points_on_every_machine_and_in_every_year():
    """The first point of each, written down: a run that names a data set can be made again."""
    first = {name: data.load(name).x[0].ravel().round(4).tolist() for name in data.POINT_SETS}
    assert first == FIRST


OPTIONS = {
    "moons-noise30": plane.Options(30, 1000, 2),
    "clusters-n200-k3": plane.Options(45, 200, 3),
    "spirals-noise0-n500-k3": plane.Options(0, 500, 3),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_a_name_carries_options(name):
    spec, options = data.DATASETS[name], OPTIONS[name]
    assert name in data.DATASETS
    assert (spec.n_train, spec.n_classes) == (options.n, options.classes)
    assert plane.options_of(spec) == options
    assert plane.named(data.DATASETS[name.partition("-")[0]], options) == name
    images = data.load(name)
    assert len(images.x) == options.n
    assert len(images.classes) == options.classes
    assert name not in list(data.DATASETS), "options are no data sets of their own in lists"


def test_noise_is_the_standard_deviation_of_what_is_added():
    spec = data.DATASETS["circles-noise20-n5000"]
    r = np.linalg.norm(data.load(spec.name).x.reshape(-1, 2), axis=1)
    outer = r[data.load(spec.name).y == 0]
    assert abs(outer.std() - 0.2) < 0.01
    assert abs(outer.mean() - 1.8) < 0.03


@pytest.mark.parametrize(("name", "says"), [
    ("moons-noise101", "noise (in percent) of Moons cannot be 101. Choose 0 to 100."),
    ("moons-n49", "number of points of Moons cannot be 49. Choose 50 to 5,000."),
    ("moons-k4", "number of classes of Moons cannot be 4. Choose 2 to 3."),
    ("moons-noise12", "'moons-noise12' is the data set 'moons'. Call it so."),
    ("moons-noise030", "'moons-noise030' is the data set 'moons-noise30'. Call it so."),
    ("moons-k3-n500", "Options of moons are written as moons-noise30-n500-k3"),
    ("moons-", "Options of moons"),
    ("moonsx", "There is no data set 'moonsx'"),
    ("digits-noise3", "There is no data set 'digits-noise3'"),
])  # fmt: skip
def test_what_cannot_be_is_a_sentence(name, says):
    assert name not in data.DATASETS
    with pytest.raises(DataError) as e:
        data.load(name)
    assert says in str(e.value)


def test_no_name_of_a_stranger_breaks_the_registry():
    for name in ("", "-", "moons\n", "moons-noise30\n", 7, None, ("moons",), "MOONS", "moons--noise3", "../moons"):
        assert name not in data.DATASETS
    with pytest.raises(KeyError):
        data.DATASETS["nothing"]


def test_labels_are_shared_by_the_classes():
    seen = data.split(data.load("moons"), 6, seed=3)
    assert np.bincount(seen.y_l).tolist() == [3, 3]
    assert len(seen.x_u) == 994
    assert seen.x_u.dtype == np.float32


FIRST = {
    "clusters": [-1.3331999778747559, -0.2727999985218048],
    "moons": [0.5008000135421753, -0.16509999334812164],
    "circles": [1.6885000467300415, 0.48739999532699585],
    "spirals": [-0.2599000036716461, 0.45910000801086426],
    "stripes": [-2.2070999145507812, -0.5048999786376953],
}
