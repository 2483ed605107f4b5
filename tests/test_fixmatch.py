"""FixMatch: what it is sure of is a label for the same image strongly changed; what it is not sure of costs nothing."""

import torch
from test_consistent import CPU, quiet, trained
from test_train import small

import data
from data.split import split
from models.training.trainer import Trainer


def test_the_cost_is_the_cross_entropy_to_the_class_it_is_sure_of():
    """Without noise the image is its own strong view: -log q of the likeliest class, where that is sure enough."""
    model = trained(quiet("fixmatch"), 4).model.eval()
    x = torch.rand(40, 1, 16, 16)
    q = model.classify(x).probs.detach()
    model.sure.threshold = q.amax(-1).median().item()
    sure = q.amax(-1) >= model.sure.threshold
    assert 0 < sure.sum() < 40
    torch.testing.assert_close(model.consistency(x), torch.where(sure, -q.amax(-1).log(), 0.0))


def test_what_it_takes_for_true_gets_no_gradient(monkeypatch):
    """The gradient is that of a cross-entropy to a fixed class."""
    model = trained(quiet("fixmatch", threshold=0.05), 4).model.eval()
    x = torch.rand(10, 1, 16, 16)
    monkeypatch.setattr(model.strong, "forward", lambda x: 1 - x)
    model.zero_grad()
    model.consistency(x).sum().backward()
    of = [p.grad.clone() for p in model.parameters()]
    model.zero_grad()
    (-model.classify(1 - x).log_prob(model.classify(x).probs.argmax(-1))).sum().backward()
    for one, p in zip(of, model.parameters(), strict=True):
        torch.testing.assert_close(one, p.grad)


def test_sure_of_nothing_it_costs_nothing():
    run = small("fixmatch", labels=20, threshold=1.0)
    trainer = Trainer(run, split(data.load("digits"), 20, 0), CPU)
    assert [trainer.step(step, 4)[1].item() for step in range(4)] == [0, 0, 0, 0]


def test_weak_is_what_labelled_images_have_and_strong_comes_on_top(monkeypatch):
    model = trained(small("fixmatch", labels=20), 1).model
    assert model.strong.weak is model.augment
    assert model.strong.changes == 2
    assert model.strong.cutout == 0.5
    assert (model.augment.cutout, model.augment.strength, model.augment.shift) == (0, 0, 0.125)
