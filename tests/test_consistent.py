"""What all consistency methods share: their weight, their noise, and that without a weight they are the baseline."""

import math
from functools import lru_cache

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from test_train import small, stop_after
from torch._subclasses import FakeTensorMode

import data
from data.split import split
from models import BASELINE, MODELS, load_class
from models.methods import consistent
from models.nn.augment import Augment
from models.nn.strong import Strong
from models.runs.run import Run
from models.runs.store import Folder
from models.training.loop import train
from models.training.trainer import Trainer

METHODS = [name for name, card in MODELS.items() if "ramp_up" in card.reads]
CPU = torch.device("cpu")
QUIET = {"augment": 0.0, "shift": 0.0, "cutout": 0.0, "strong": 0, "noise": 0.0, "mixup": 0.0}
SAME = {"augment": 1.0, "shift": 0.0, "cutout": 0.0, "averaged": 0.0}  # augmentation and average that the baseline has


def goes_on_as_if_it_was_not_stopped(run, tmp_path):
    """Stopped within its second epoch and continued, a run ends with the same checkpoint, bit by bit."""
    whole, cut = Folder.create(run, tmp_path / "whole"), Folder.create(run, tmp_path / "cut")
    list(train(run, whole))
    list(train(run, cut, stop=stop_after(5)))
    list(train(run, cut))
    one, other = (load_file(folder.path / "checkpoint.safetensors") for folder in (whole, cut))
    assert one.keys() == other.keys()
    assert all(torch.equal(t, other[name]) for name, t in one.items())


def takes_the_same_steps(model, other, **off):
    """Bit by bit, with the same noise, from the same start: `model` with `off` takes the steps of `other`."""
    weights = []
    for name, without in ((other, {}), (model, off)):
        torch.manual_seed(0)
        run = small(name, labels=20, consistency=3.0, augment=1.0, ema=0.9, **without)
        weights.append(trained(run, 6).averaged.state_dict())
    assert all(torch.equal(t, weights[1][name]) for name, t in weights[0].items())


def trained(run, steps=None):
    trainer = Trainer(run, split(data.load(run.dataset), run.labels, run.seed), CPU)
    total = run.epochs * trainer.steps_per_epoch
    for step in range(steps or total):
        trainer.step(step, total)
    return trainer


def quiet(model, **settings):
    """A run in which nothing augments."""
    of = {name: v for name, v in QUIET.items() if name in MODELS[model].reads}
    return small(model, labels=20, **of | settings)


@pytest.mark.parametrize("model", METHODS)
def test_without_a_weight_it_is_labels_only(model):
    """Bit by bit: the same steps from the same start."""
    weights = []
    for name in (BASELINE, model):
        torch.manual_seed(0)
        weights.append(trained(small(name, labels=20, consistency=0.0, **SAME), 6).averaged.q_y.state_dict())
    assert all(torch.equal(t, weights[1][name]) for name, t in weights[0].items())


@pytest.mark.parametrize("model", METHODS)
def test_the_cost_of_an_image_on_a_page_is_the_term_of_J(model):
    run = quiet(model, consistency=0.7, threshold=0.05)
    network = trained(run, 3).model.eval()
    x = torch.rand(5, 1, 16, 16)
    y = torch.arange(5)
    network.see_batch(y, y)
    with torch.no_grad():
        terms = network.terms(x, y, x, 5.0)
        for costs, name in (
            (network.unlabelled_costs(x, network.classify(x), 5.0, x), "consistency"),
            ({"classification": network.label_cost(x, y, 5.0)}, "classification"),
        ):
            assert not costs or torch.allclose(costs[name].mean(), terms[name])


@pytest.mark.parametrize("model", METHODS)
def test_a_run_that_was_stopped_goes_on_as_if_it_was_not(model, tmp_path):
    run = small(model, labels=20, consistency=1.0, threshold=0.0, ema=0.9)
    goes_on_as_if_it_was_not_stopped(run, tmp_path)


@pytest.mark.parametrize("model", METHODS)
def test_a_whole_step_runs_on_a_gpu_that_is_only_pretended(model):
    with FakeTensorMode(), torch.device("cuda"):
        network = load_class(model).build((1, 16, 16), 10, small(model, augment=1.0).settings)
        network.before_training(network)
        network.see_unlabelled(torch.rand(7, 1, 16, 16))
        network.before_step(0.5)
        network.see_batch(torch.arange(4), torch.arange(3))
        terms = network.terms(torch.rand(4, 1, 16, 16), torch.arange(4), torch.rand(3, 1, 16, 16), 5.0)
        assert {t.device.type for t in terms.values()} == {"cuda"}
        assert set(terms) == {"classification", "consistency"}


def test_the_weight_rises_along_a_gaussian_and_stays():
    t = torch.linspace(0, 1, 11)
    w = consistent.ramp_up(t, 0.5)
    assert w[0] == pytest.approx(math.exp(-5))
    assert w[2] == pytest.approx(math.exp(-5 * 0.6**2))
    assert (w[5:] == 1).all()
    assert (w[:5].diff() > 0).all()
    assert (consistent.ramp_up(t, 0.0) == 1).all()


@pytest.mark.parametrize("model", METHODS)
def test_a_run_knows_how_far_it_is(model):
    run = small(model, labels=20, ema=0.9, consistency=3.0, ramp_up=0.5)
    trainer = trained(run, 3)
    assert [float(m.progress) for m in trainer.models] == [0.25, 0.25]  # two of its eight steps lay behind the third
    assert float(trainer.model.weight) == pytest.approx(3 * math.exp(-5 * 0.25))


def test_a_squared_distance_is_that():
    p, q = torch.tensor([[1.0, 0.0], [0.5, 0.5]]), torch.tensor([[0.0, 1.0], [0.5, 0.5]])
    assert consistent.squared_distance(p, q).tolist() == [2.0, 0.0]


# The others are one of these with a change that is proved to be all there is: they need no training of their own here.
APART = [
    m
    for m in METHODS
    if not any(load_class(m) is not load_class(o) and issubclass(load_class(m), load_class(o)) for o in METHODS)
]


@lru_cache
def accuracies(model):
    """Of short runs with 50 labels of the digits, seeds 0 and 1, as many steps for every method."""
    runs = [Run.make("digits", model, 50, seed, epochs=20, threads=1, custom={"batch_u": 50}) for seed in range(2)]
    return [list(train(run))[-1]["test_accuracy"] for run in runs]


@pytest.mark.slow
@pytest.mark.parametrize("model", APART)
def test_images_without_labels_are_worth_something(model):
    """Above labels only by .035 (Mean Teacher), .038 (FixMatch), .047 (Pi), .024; seeds 0 to 2, each (2026-11-30)."""
    gains = np.subtract(accuracies(model), accuracies(BASELINE))
    assert gains.mean() > 0.01


# --- noise


def test_a_shift_moves_and_changes_nothing_else():
    x = torch.zeros(300, 1, 16, 16)
    x[:, 0, 8, 8] = 1
    moved = Augment(0.0, shift=0.25)(x)
    assert torch.allclose(moved.sum((1, 2, 3)), torch.ones(300), atol=1e-4)
    at = (moved.sum(2)[:, 0] * torch.arange(16)).sum(-1) - 8
    assert 3.5 < at.abs().max() <= 4.001  # a quarter of 16
    assert abs(float(at.mean())) < 0.5


def test_noise_is_gaussian_and_adds_nothing_else():
    x = torch.full((2000, 2, 1, 1), 0.3)
    change = Augment(0.0, noise=0.1)(x) - x
    assert float(change.std()) == pytest.approx(0.1, rel=0.05)
    assert float(change.mean()) == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize("channels", [1, 3])
def test_strong_changes_keep_images_images_and_each_is_changed_its_own_way(channels):
    image = torch.rand(1, channels, 16, 16)
    x = image.expand(200, -1, -1, -1)
    changed = Strong(Augment(0.0), 2, 0.0)(x)
    assert changed.shape == x.shape
    assert changed.min() >= 0
    assert changed.max() <= 1 + 1e-5
    near = (changed - x).abs().amax((1, 2, 3)) < 1e-3
    assert 0 <= near.float().mean() < 0.2  # two of thirteen, of which one changes nothing
    assert len(changed.flatten(1).unique(dim=0)) > 150
    assert torch.equal(Strong(Augment(0.0), 0, 0.0)(x), x)


def test_strong_changes_are_what_they_are_called():
    from models.nn import strong

    x = torch.rand(4, 3, 8, 8) * 0.5 + 0.2
    none, full = torch.zeros(4, 1, 1, 1), torch.ones(4, 1, 1, 1)
    for change in strong.COLOURS:
        assert torch.equal(change(x, none), x), change.__name__
    assert strong.autocontrast(x, full).amax((1, 2, 3)).allclose(torch.ones(4))
    assert strong.darker(x, full).allclose(0.1 * x, atol=1e-6)
    assert strong.flatter(x, full).mean((1, 2, 3)).allclose(x.mean((1, 2, 3)), atol=1e-5)
    assert strong.greyer(x, full).mean(1).allclose(x.mean(1), atol=1e-6)
    assert strong.solarised(x, full).allclose(1 - x)
    assert len(strong.posterised(x, full).unique()) <= 16
    zero = torch.zeros(4)
    assert strong.moved(x, zero, zero, zero, zero, zero).allclose(x, atol=1e-5)
    moved = strong.moved(x, zero, zero, zero, zero + 1, zero)  # .3 of 8 to the left
    assert not moved.allclose(x, atol=0.05)
