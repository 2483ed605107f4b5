"""Temporal ensembling: the target of an image is the corrected average of what was said of it in earlier epochs."""

import pytest
import torch
from test_consistent import quiet, trained

from models import load_class


@pytest.fixture
def model():
    """One that does not learn, of whose two images Z keeps an average."""
    network = trained(quiet("temporal-ensembling", ensembling=0.6), 3).model.eval()
    network.see_unlabelled(torch.zeros(2, 1, 16, 16))
    return network


def test_targets_are_those_of_algorithm_2(model, monkeypatch):
    """Z <- a Z + (1 - a) z; z~ = Z / (1 - a^t): by hand, over epochs in which the image looks different each time."""
    x = torch.rand(5, 2, 1, 16, 16)  # epochs, images
    Z = torch.zeros(2, 10)
    for t in range(5):
        model.see_batch(torch.tensor([]), torch.tensor([1, 0]))
        z = model.classify(x[t]).probs
        target = Z.flip(0) / (1 - 0.6**t) if t else z  # before the first epoch there is none, and no cost
        torch.testing.assert_close(model.consistency(x[t]), (z - target).square().sum(-1))
        Z = 0.6 * Z + 0.4 * z.detach().flip(0)
        torch.testing.assert_close(model.Z, Z)
    torch.testing.assert_close((Z / (1 - 0.6**5)).sum(-1), torch.ones(2))


def test_who_says_the_same_each_epoch_has_nothing_to_agree_about(model):
    """The correction: after any number of epochs the target is what was said, not a part of it."""
    x = torch.rand(2, 1, 16, 16)
    for _ in range(4):
        model.see_batch(torch.tensor([]), torch.tensor([0, 1]))
        assert model.consistency(x).max() < 1e-10


def test_each_image_has_a_target_of_its_own(model):
    x = torch.rand(2, 1, 16, 16)
    model.see_batch(torch.tensor([]), torch.tensor([0]))
    model.consistency(x[:1])
    assert model.renewed.tolist() == [[1], [0]]
    assert (model.Z[1] == 0).all()
    model.see_batch(torch.tensor([]), torch.tensor([1]))
    assert model.consistency(x[1:]) == 0, "seen for the first time"
    torch.testing.assert_close(model.Z[1], 0.4 * model.classify(x[1:]).probs[0].detach())


def test_the_targets_have_no_gradient(model):
    x = torch.rand(2, 1, 16, 16)
    for _ in range(2):
        model.see_batch(torch.tensor([]), torch.tensor([0, 1]))
        cost = model.consistency(1 - x)
        model.consistency(x)
    assert not model.Z.requires_grad
    cost.sum().backward()


def test_an_epoch_renews_every_image_once():
    run = quiet("temporal-ensembling")
    trainer = trained(run)
    assert (trainer.model.renewed == run.epochs).all()
    assert len(trainer.model.Z) == len(trainer.x_u)


def test_what_it_keeps_for_training_is_not_among_its_weights(model):
    assert not {"Z", "renewed"} & set(model.state_dict())
    assert set(model.training_state()) == {"Z", "renewed"}
    other = load_class("temporal-ensembling").build((1, 16, 16), 10, model.settings)
    other.load_state_dict(model.state_dict())
    other.see_unlabelled(torch.zeros(2, 1, 16, 16))
    other.load_training_state(model.training_state())
    assert torch.equal(other.Z, model.Z)
