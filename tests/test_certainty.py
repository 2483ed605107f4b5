"""Certainty-driven consistency: where nothing is left out it is Mean Teacher; what the teacher wavers about is free."""

import pytest
import torch
from test_consistent import QUIET, quiet, takes_the_same_steps, trained
from test_train import small

NOISY = QUIET | {"noise": 0.5}


@pytest.fixture
def model():
    """One that does not learn, and whose views of an image differ."""
    return trained(small("certainty", labels=20, ema=0.9, filtered=0.5, passes=4, **NOISY), 4).model.eval()


def test_with_nothing_left_out_it_is_mean_teacher():
    takes_the_same_steps("certainty", "mean-teacher", filtered=0.0)


def test_the_uncertainty_is_the_variance_of_what_the_teacher_says(model, monkeypatch):
    """Of 4 given views of 6 images, by hand; the weights are the teacher's."""
    views = torch.rand(4, 6, 1, 16, 16)
    of = iter(views)
    monkeypatch.setattr(model.augment, "forward", lambda x: next(of))
    q = model.teacher.classify(views).probs.detach()
    mean = q.mean(0)
    by_hand = ((q - mean) ** 2).mean(0).sum(-1)
    torch.testing.assert_close(model.uncertainty(views[0]), by_hand, atol=0, rtol=1e-4)  # they are small
    assert model.teacher is not model


@pytest.mark.parametrize(("filtered", "left"), [(0.0, 8), (0.25, 6), (0.5, 4), (0.9, 1), (1.0, 0)])
def test_of_a_batch_the_least_certain_share_costs_nothing(filtered, left, model, monkeypatch):
    """What is left costs what it costs in Mean Teacher."""
    model.settings = small("certainty", filtered=filtered).settings
    u = torch.tensor([3.0, 1, 7, 5, 2, 8, 4, 6])
    monkeypatch.setattr(model, "uncertainty", lambda x: u)
    x = torch.rand(8, 1, 16, 16)
    torch.manual_seed(1)
    cost = model.consistency(x)
    torch.manual_seed(1)
    plain = super(type(model), model).consistency(x)
    assert plain.min() > 0
    torch.testing.assert_close(cost, torch.where(u <= left, plain, 0.0), atol=0, rtol=1e-5)  # they are small


def test_as_certain_of_all_it_leaves_out_none():
    """Without noise the teacher does not waver, and every image counts."""
    model = trained(quiet("certainty", ema=0.9, filtered=0.8), 4).model.eval()
    x = torch.rand(6, 1, 16, 16)
    assert (model.uncertainty(x) == 0).all()
    assert (model.consistency(x) > 0).all()


def test_on_a_page_an_image_is_held_against_a_batch(model, monkeypatch):
    """Its own copies are all as certain as itself: among them it would always, or never, count."""
    image, batch = torch.rand(2, 1, 16, 16), torch.rand(5, 1, 16, 16)
    of = {2: torch.tensor([0.1, 0.9]), 5: torch.tensor([0.2, 0.4, 0.6, 0.8, 1.0])}
    monkeypatch.setattr(model, "uncertainty", lambda x: of[len(x)])
    with torch.no_grad():
        q_y = model.classify(image)
        cost = model.unlabelled_costs(image, q_y, 5.0, batch)["consistency"]
    assert cost[0] > 0
    assert cost[1] == 0
