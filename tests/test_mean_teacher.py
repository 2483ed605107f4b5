"""Mean Teacher: its teacher is the average that the trainer keeps; where there is none it teaches itself nothing."""

import torch
from test_consistent import CPU, quiet, trained
from test_train import small

import data
from data.split import split
from models.training.trainer import Trainer


def test_without_an_average_and_without_noise_there_is_nothing_to_agree_about():
    """The teacher is the student, which sees the same image: the cost is exactly 0, also in training."""
    run = quiet("mean-teacher", ema=0.0)
    trainer = Trainer(run, split(data.load("digits"), 20, 0), CPU)
    assert trainer.model.teacher is trainer.model
    for step in range(4):
        classification, consistency = trainer.step(step, 4).tolist()
        assert consistency == 0
        assert classification > 0


def test_the_teacher_is_the_average_itself_and_learns_nothing():
    trainer = trained(quiet("mean-teacher", ema=0.9), 5)
    model, averaged = trainer.model, trainer.averaged
    assert model.teacher is averaged
    assert not averaged.training
    assert sum(p.numel() for p in model.parameters()) == sum(p.numel() for p in averaged.parameters())
    x = torch.rand(6, 1, 16, 16)
    cost = model.consistency(x)
    apart = (model.classify(x).probs - averaged.classify(x).probs).square().sum(-1)
    torch.testing.assert_close(cost, apart)
    assert cost.min() > 0
    model.zero_grad()
    cost.sum().backward()
    assert all(p.grad is None for p in averaged.parameters())
    with torch.no_grad():
        averaged.q_y.logits.bias[0] += 5
    assert (model.consistency(x) - cost).abs().max() > 0.1


def test_where_it_teaches_itself_its_target_has_no_gradient(monkeypatch):
    """Else it would be the Π-model."""
    model = trained(quiet("mean-teacher", ema=0.0), 3).model.eval()
    one, other = torch.rand(2, 5, 1, 16, 16)
    views = iter((one, other))
    monkeypatch.setattr(model.augment, "forward", lambda x: next(views))
    model.zero_grad()
    model.consistency(one).sum().backward()
    of = [p.grad.clone() for p in model.parameters()]
    model.zero_grad()
    (model.classify(one).probs - model.classify(other).probs.detach()).square().sum().backward()
    for gradient, p in zip(of, model.parameters(), strict=True):
        torch.testing.assert_close(gradient, p.grad)


def test_the_teacher_follows_the_student():
    """Eq. 1, with a decay that rises."""
    run = quiet("mean-teacher", ema=0.9)
    trainer = Trainer(run, split(data.load("digits"), 20, 0), CPU)
    for step in range(3):
        before = trainer.averaged.q_y.logits.weight.clone()
        trainer.step(step, 8)
        decay = min(0.9, (1 + step) / (10 + step))
        student = trainer.model.q_y.logits.weight
        torch.testing.assert_close(trainer.averaged.q_y.logits.weight, decay * before + (1 - decay) * student)


def test_both_see_noise_of_their_own():
    trainer = trained(small("mean-teacher", labels=20, ema=0.0, augment=1.0), 2)
    trainer.model.eval()
    assert trainer.model.consistency(torch.rand(4, 1, 16, 16)).min() > 0
