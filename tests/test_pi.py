"""The Π-model: without noise its two views are one, and both of them learn."""

import torch
from test_consistent import CPU, quiet, trained
from test_train import small

import data
from data.split import split
from models.training.trainer import Trainer


def test_without_noise_there_is_nothing_to_agree_about():
    """Exactly 0, also in training, where a batch norm sees the same images twice."""
    trainer = Trainer(quiet("pi"), split(data.load("digits"), 20, 0), CPU)
    for step in range(4):
        classification, consistency = trainer.step(step, 4).tolist()
        assert consistency == 0
        assert classification > 0


def test_the_cost_is_the_squared_distance_of_both_views_and_both_have_a_gradient(monkeypatch):
    model = trained(quiet("pi"), 3).model.eval()
    one, other = torch.rand(2, 5, 1, 16, 16)
    views = iter((one, other))
    monkeypatch.setattr(model.augment, "forward", lambda x: next(views))
    model.zero_grad()
    cost = model.consistency(one)
    cost.sum().backward()
    of = [p.grad.clone() for p in model.parameters()]
    model.zero_grad()
    by_hand = (model.classify(one).probs - model.classify(other).probs).square().sum(-1)
    torch.testing.assert_close(cost, by_hand)
    by_hand.sum().backward()
    for gradient, p in zip(of, model.parameters(), strict=True):
        torch.testing.assert_close(gradient, p.grad)


def test_two_views_of_an_image_differ():
    model = trained(small("pi", labels=20, augment=1.0), 2).model.eval()
    assert model.consistency(torch.rand(4, 1, 16, 16)).min() > 0
