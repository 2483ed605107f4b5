"""How long a run will take: known for every run one can start, and learned from this machine's own runs."""

import time
from dataclasses import replace

import pytest

from data import POINT_SETS
from models import IMAGE_MODELS, MODELS
from models.jobs import Capacity
from models.jobs.gpus import Gpu
from models.methods.presets import PRESETS
from models.nn.pretrained_weights import WEIGHTS
from models.results import estimate
from models.runs.run import Run
from models.runs.store import Folder
from tests.kinds import PAIRS


@pytest.mark.parametrize(("model", "dataset", "preset"), [(*pair, preset) for pair in PAIRS for preset in PRESETS])
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
    """As the design has it, on 2 cores: about a minute on digits, at most ten on MNIST, some seconds on points."""
    for model in IMAGE_MODELS:
        assert estimate.seconds(Run.make("digits", model), tmp_path) < 60
        assert estimate.seconds(Run.make("mnist", model), tmp_path) < 600
    for model in (name for name, card in MODELS.items() if "points" in card.kinds):
        for figure in POINT_SETS:
            assert estimate.seconds(Run.make(figure, model), tmp_path) < 15, "seconds, as one sees on Plane"


def test_a_frozen_network_looks_at_the_test_images_of_many_runs_once(tmp_path, monkeypatch):
    monkeypatch.setenv("FEWLABELS_CACHE", str(tmp_path))
    one, *more = estimate.each([Run.make("cifar10", "inception", 1000, seed) for seed in range(3)], tmp_path)
    assert one == estimate.seconds(Run.make("cifar10", "inception", 1000), tmp_path)
    assert [one - s for s in more] == pytest.approx([10_000 / WEIGHTS["inception"].images_per_second] * 2)
    m2 = Run.make("cifar10", "m2", 1000)
    assert estimate.each([m2, m2], tmp_path) == [estimate.seconds(m2, tmp_path)] * 2


FOUR = [Run.make("digits", model, 20) for model in ("supervised", "m1", "m2", "adgm")]
IDLE = Capacity(slots=0, cores=2, running=0, queued=0, warm=True)


def train_side_by_side(alone, root):
    """Folders of runs that share two cores from one moment on, as a machine would have it: played in small steps."""
    left, clock, ends, begun = dict(alone), 0.0, {}, time.time()
    while left:
        fast = min(1.0, 0.8 * 2 / len(left)) * 0.05
        left = {run: s - fast for run, s in left.items()}
        clock += 0.05
        for run in [run for run, s in left.items() if s <= 0]:
            ends[run] = clock
            del left[run]
    for run, end in ends.items():
        folder = Folder.create(run, root)
        result = {"kind": "result", "seconds": end, "epochs": run.epochs, "threads": 1, "device": "cpu"}
        folder.append({**result, "t": begun + end})
        folder.set_status("done")
    return clock


def test_runs_that_shared_the_cores_are_forecast_as_well_as_if_they_had_not(tmp_path, monkeypatch):
    """They were, too slowly by two: what a run took beside three others is not what it takes alone."""
    monkeypatch.setattr(estimate, "cores", lambda: 2)
    alone = dict(zip(FOUR, estimate.each(FOUR, tmp_path), strict=True))
    fresh = estimate.together(FOUR, list(alone.values()), IDLE)
    took = train_side_by_side(alone, tmp_path)
    assert fresh == pytest.approx(took, rel=0.02)
    assert took == pytest.approx(108, rel=0.05), "110 s were measured: docs/LOG.md"
    again = estimate.each(FOUR, tmp_path)
    assert estimate.together(FOUR, again, IDLE) == pytest.approx(took, rel=0.1)
    m2 = FOUR.index(Run.make("digits", "m2", 20))
    assert again[m2] == pytest.approx(list(alone.values())[m2], rel=0.15), "and so is one that trains alone next time"


def test_what_trains_already_and_a_gpu_change_how_long_it_takes():
    idle = estimate.together(FOUR, [50, 50, 50, 50], IDLE)
    assert idle == pytest.approx(200 / 1.6)
    assert estimate.together(FOUR, [50, 50, 50, 50], replace(IDLE, running=4)) == pytest.approx(2 * idle)
    assert estimate.together(FOUR, [50, 50, 50, 50], replace(IDLE, slots=1)) == pytest.approx(200)
    card = Gpu(0, "RTX 4070", 11 << 30, 12 << 30)
    large = [Run.make("mnist", "m2", seed=seed) for seed in range(4)]
    assert estimate.together(large, [50] * 4, replace(IDLE, gpus=(card, card))) == pytest.approx(100), "a run each"
    on_cpu = [replace(run, device="cpu") for run in FOUR]
    assert estimate.together(on_cpu, [50] * 4, replace(IDLE, gpus=(card, card))) == pytest.approx(idle)


def test_a_gpu_is_not_judged_by_the_cpu_nor_the_other_way_round(tmp_path):
    run = Run.make("digits", "m2", epochs=10)
    fresh = estimate.seconds(run, tmp_path)
    assert estimate.seconds(run, tmp_path, gpu=True) is None
    folder = Folder.create(run, tmp_path)
    folder.append({"kind": "result", "seconds": 7.0, "epochs": 10, "device": "cuda"})
    assert estimate.seconds(run, tmp_path, gpu=True) == pytest.approx(7.0)
    assert estimate.seconds(run, tmp_path) == fresh
    here, there = run, replace(run, device="cpu")
    assert estimate.each([here, there], tmp_path, gpu=True) == [pytest.approx(7.0), fresh]


@pytest.mark.parametrize("wrong", [{"seconds": "long"}, {"epochs": "many"}, {"feature_seconds": "long"}, {"epochs": 0}])
def test_a_result_that_no_run_wrote_is_not_believed(wrong, tmp_path):
    run = Run.make("digits", "m2")
    fresh = estimate.seconds(run, tmp_path)
    Folder.create(run, tmp_path).append({"kind": "result", "seconds": 9.0, "epochs": 1} | wrong)
    assert estimate.seconds(run, tmp_path) == fresh
