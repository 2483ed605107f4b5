"""How long a run will take: known for every run one can start, and learned from this machine's own runs."""

import itertools

import pytest

from data import DATASETS
from models import MODELS
from models.methods.presets import PRESETS
from models.results import estimate
from models.runs.run import Run
from models.runs.store import Folder


@pytest.mark.parametrize(("model", "dataset", "preset"), list(itertools.product(MODELS, DATASETS, PRESETS)))
def test_a_fresh_machine_has_an_estimate_for_every_run(model, dataset, preset, tmp_path):
    run = Run.make(dataset, model, preset=preset)
    twice = Run.make(dataset, model, preset=preset, epochs=2 * run.epochs)
    assert 0 < estimate.seconds(run, tmp_path) < estimate.seconds(twice, tmp_path)


def test_this_machines_own_runs_are_believed_first(tmp_path):
    run = Run.make("digits", "m2", epochs=10)
    for seconds in (100.0, 300.0, 200.0):
        folder = Folder.create(run, tmp_path)
        folder.append({"kind": "result", "seconds": seconds, "epochs": 10})
    other = Folder.create(Run.make("digits", "m2", epochs=10, preset="paper"), tmp_path)
    other.append({"kind": "result", "seconds": 9000.0, "epochs": 10})
    assert estimate.seconds(run, tmp_path) == pytest.approx(200.0)
    assert estimate.seconds(Run.make("digits", "m2", epochs=20), tmp_path) == pytest.approx(400.0)


def test_the_default_epochs_are_short(tmp_path):
    """As the design has it, on 2 cores: about a minute on digits, at most ten on MNIST."""
    for model in MODELS:
        assert estimate.seconds(Run.make("digits", model), tmp_path) < 60
        assert estimate.seconds(Run.make("mnist", model), tmp_path) < 600


def test_a_frozen_network_looks_at_the_test_images_of_many_runs_once(tmp_path, monkeypatch):
    monkeypatch.setenv("FEWLABELS_CACHE", str(tmp_path))
    one, *more = estimate.each([Run.make("cifar10", "inception", 1000, seed) for seed in range(3)], tmp_path)
    assert one == estimate.seconds(Run.make("cifar10", "inception", 1000), tmp_path)
    assert [one - s for s in more] == pytest.approx([10_000 / MODELS["inception"].images_per_second] * 2)
    m2 = Run.make("cifar10", "m2", 1000)
    assert estimate.each([m2, m2], tmp_path) == [estimate.seconds(m2, tmp_path)] * 2


@pytest.mark.parametrize("wrong", [{"seconds": "long"}, {"epochs": "many"}, {"feature_seconds": "long"}, {"epochs": 0}])
def test_a_result_that_no_run_wrote_is_not_believed(wrong, tmp_path):
    run = Run.make("digits", "m2")
    fresh = estimate.seconds(run, tmp_path)
    Folder.create(run, tmp_path).append({"kind": "result", "seconds": 9.0, "epochs": 1} | wrong)
    assert estimate.seconds(run, tmp_path) == fresh
