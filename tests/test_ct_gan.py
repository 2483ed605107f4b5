"""CT-GAN: the two costs by hand, a gradient of its own for each network, and pictures of classes."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from test_consistent import goes_on_as_if_it_was_not_stopped, trained
from test_train import small
from torch import nn
from torch._subclasses import FakeTensorMode

from models import BASELINE, MODELS, load_class
from models.analysis import inference
from models.errors import StoreError
from models.methods.ct_gan.model import CTGAN, Generator
from models.nn.distributions import ConditionalCategorical
from models.nn.settings import Settings
from models.runs.run import Run
from models.runs.store import Folder
from models.training.loop import train

OF_G = "generator."


@pytest.fixture
def by_hand():
    """Points are their own features, logits are log 2 + x_1 and x_2, and G makes the point (log 3, 0) of any noise."""
    q_y = ConditionalCategorical(nn.Flatten(-3), 2, 2)
    q_y.logits.load_state_dict({"weight": torch.eye(2), "bias": torch.tensor([math.log(2), 0.0])})
    body = nn.Linear(1, 2)
    body.load_state_dict({"weight": torch.zeros(2, 1), "bias": torch.tensor([math.log(3), 0.0])})
    return CTGAN(q_y, Generator(body, (2, 1, 1)), 2, 1, Settings(consistency=1.0))


def test_the_costs_of_two_points_by_hand(by_hand):
    """At 0, Z = 2 + 1 = 3 and D = 3/4; at (0, log 2), Z = 4 and D = 4/5; generated, Z = 2·3 + 1 = 7 and D = 7/8."""
    x = torch.tensor([[0.0, 0.0], [0.0, math.log(2)]]).view(2, 2, 1, 1)
    terms = by_hand.terms(x[:1], torch.tensor([0]), x, 10.0)
    assert list(terms) == list(MODELS["ct-gan"].terms)
    assert terms["classification"].item() == pytest.approx(10 * math.log(3 / 2))
    assert terms["real"].item() == pytest.approx(10 / 2 * (math.log(4 / 3) + math.log(5 / 4)) / 2)
    assert terms["generated"].item() == pytest.approx(10 / 2 * math.log(8))
    assert terms["consistency"].item() == 0, "there is no dropout, and nothing is augmented"
    # The mean features are (0, log 2 / 2) of the two points and (log 3, 0) of what is generated.
    assert terms["matching"].item() == pytest.approx(math.log(3) ** 2 + math.log(2) ** 2 / 4)


def test_consistency_is_the_distance_of_two_given_views(by_hand):
    """q is (2/3, 1/3) and (1/2, 1/2): 2 (1/6)² apart; the features are (1, 0) apart, whose mean square is 1/2."""
    one = torch.tensor([[0.0, 0.0]]), torch.tensor([[math.log(2), 0.0]])
    other = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 0.0]])
    assert by_hand.apart(one, other).item() == pytest.approx(2 / 36 + 0.1 / 2)


def gradients(model, terms, *names):
    """Of the sum of some terms, by the name of each weight that has one."""
    model.zero_grad()
    sum(terms[name] for name in names).backward(retain_graph=True)
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


def test_each_network_has_the_gradient_of_its_own_costs_and_no_other():
    model = trained(small("ct-gan", labels=20), 3).model.train()
    x, y = torch.rand(6, 1, 16, 16), torch.arange(6)
    terms = model.terms(x, y, torch.rand(8, 1, 16, 16), 5.0)
    *classifiers, of_g = terms
    assert of_g == "matching"
    whole, own, g = (gradients(model, terms, *names) for names in (terms, classifiers, [of_g]))
    assert {*own} == {name for name, _ in model.named_parameters() if not name.startswith(OF_G)}
    assert {*g} == {name for name, _ in model.named_parameters() if name.startswith(OF_G)}
    assert all(t.abs().max() > 0 for name, t in g.items() if name.endswith("weight"))
    for name, t in whole.items():
        torch.testing.assert_close(t, (own | g)[name], msg=name)


def test_generated_images_leave_no_trace_in_what_batch_norm_knows_of_images():
    model = trained(small("ct-gan", labels=20), 3).model.train()
    before = {name: t.clone() for name, t in model.q_y.named_buffers() if t.is_floating_point()}
    assert before
    x = torch.rand(8, 1, 16, 16, requires_grad=True)
    model.see_both(x, x)
    model.compared(x, x)
    now = dict(model.q_y.named_buffers())
    assert all(torch.equal(t, now[name]) for name, t in before.items())
    model.see(x)
    assert not all(torch.equal(t, now[name]) for name, t in before.items())


def test_images_and_generated_ones_are_normalised_together_where_they_are_told_apart():
    """Else one could not tell a batch of bright images from one of dark ones."""
    model = trained(small("ct-gan", labels=20, dropout=0.0, net="dense", batch_norm=True), 3).model.train()
    x = torch.rand(8, 1, 16, 16)
    for both in (model.see_both(x, 0.5 * x), [(h, None) for h in model.compared(x, 0.5 * x)]):
        whole = model.q_y.body(torch.cat([x, 0.5 * x]))
        torch.testing.assert_close(torch.cat([both[0][0], both[1][0]]), whole)


def test_a_picture_of_a_class_is_the_likeliest_of_those_about_its_style():
    """By looking at each of them; all are draws of p(z) where the style is one."""
    model = trained(small("ct-gan", labels=20), 4).averaged.eval()
    z = torch.randn(3, model.n_z)
    with torch.no_grad():
        grid = model.generate(torch.arange(10).unsqueeze(-1), z)
        assert grid.shape == (10, 3, 1, 16, 16)
        for j in range(3):
            images = model.generator((z[j] + model.near) / math.sqrt(2))
            q = model.classify(images).probs
            for k in range(10):
                torch.testing.assert_close(grid[k, j], images[q[:, k].argmax()])
        assert model.generate(torch.tensor(3), z[0]).shape == (1, 16, 16)
    spread = ((torch.randn(4000, 64, 1) + model.near[:, :1]) / math.sqrt(2)).var()
    assert spread.item() == pytest.approx(1, abs=0.15)


def test_a_run_draws_its_classes_and_says_what_it_cannot(tmp_path):
    folder = Folder.create(small("ct-gan", labels=20), tmp_path)
    list(train(folder.run, folder))
    assert [epoch for epoch, _ in folder.samples()] == [0, 1, 2]
    grid = inference.class_grid(folder, columns=4)
    assert grid.shape == (10, 4, 16, 16, 1)
    assert np.array_equal(grid[[7, 2]], inference.class_grid(folder, columns=4, classes=[7, 2]))
    with pytest.raises(StoreError, match="no codes of images"):
        inference.swap(folder, [0])


def test_a_run_that_was_stopped_goes_on_as_if_it_was_not(tmp_path):
    run = small("ct-gan", labels=20, ema=0.9)
    goes_on_as_if_it_was_not_stopped(run, tmp_path)


def test_a_whole_step_runs_on_a_gpu_that_is_only_pretended():
    with FakeTensorMode(), torch.device("cuda"):
        settings = replace(small("ct-gan", augment=1.0).settings, dropout=0.5)
        network = load_class("ct-gan").build((1, 16, 16), 10, settings)
        terms = network.terms(torch.rand(4, 1, 16, 16), torch.arange(4), torch.rand(3, 1, 16, 16), 5.0)
        assert {t.device.type for t in terms.values()} == {"cuda"}


@pytest.mark.slow
def test_images_without_labels_are_worth_something():
    """In a short run, 50 labels of the digits: above labels only by .028, .018, .022 and 0 of seeds 0 to 3."""

    def accuracy(model, seed):
        run = Run.make("digits", model, 50, seed, epochs=8, threads=1, custom={"batch_u": 50})
        return list(train(run))[-1]["test_accuracy"]

    assert np.mean([accuracy("ct-gan", seed) - accuracy(BASELINE, seed) for seed in (0, 2)]) > 0.005
