"""fast-SWA: the mean of the weights along cycles of the learning rate; without any it is the Π-model."""

import copy
from itertools import pairwise

import pytest
import torch
from test_consistent import CPU, takes_the_same_steps, trained
from test_train import small

import data
from data.split import split
from models.training.trainer import Trainer, learning_rate, tensors

TAIL = {"averaged": 0.5, "cycles": 2, "snapshots": 2}


def test_with_nothing_averaged_it_is_the_pi_model():
    """And the same exponential average."""
    takes_the_same_steps("fast-swa", "pi", averaged=0.0)


def test_the_average_is_the_mean_of_the_snapshots():
    """Of one it is that one, bit by bit; of n their mean, batch norm's figures with it."""
    run = small("fast-swa", labels=20, ema=0.9, **TAIL)
    trainer = Trainer(run, split(data.load("digits"), 20, 0), CPU)
    taken: list[list[torch.Tensor]] = []
    for step in range(24):  # the tail begins after 12 steps and has two cycles of 6, with a snapshot after each 3
        trainer.step(step, 24)
        now, kept = tensors(trainer.model.q_y), tensors(trainer.averaged.q_y)
        if step >= 12 and (step - 11) % 3 == 0:
            taken.append(copy.deepcopy(now))
        if len(taken) == 1:
            assert all(map(torch.equal, kept, taken[0]))
        if taken:
            mean = [torch.stack(of).mean(0) for of in zip(*taken, strict=True)]
            torch.testing.assert_close(kept, mean)
        assert (step >= 14) == bool(taken)
    assert len(taken) == 4


def test_the_rate_is_a_cosine_and_then_repeats_its_last_piece():
    run = small("fast-swa", lr=1.0, schedule="cosine", averaged=0.6, cycles=3)
    model = trained(run, 1).model
    rates = [learning_rate(run, *model.rate_of(step, 100)) for step in range(100)]
    assert rates[3] == pytest.approx(1.0)  # the rise is over
    assert all(a > b for a, b in pairwise(rates[4:60]))
    assert rates[40:60] == rates[60:80] == rates[80:]
    assert rates[40] > 0.4
    assert 0.05 < rates[59] < 0.1  # what a cosine of 70 steps has left after 60
    constant = small("fast-swa", lr=1.0, schedule="constant", averaged=0.6, cycles=3)
    assert {learning_rate(constant, *model.rate_of(step, 100)) for step in range(100)} == {1.0}


@pytest.mark.parametrize(("averaged", "cycles", "snapshots"), [(1.0, 1, 1), (0.01, 3, 10), (0.3, 7, 100), (0.0, 5, 5)])
def test_any_tail_can_be_had(averaged, cycles, snapshots):
    """Also one of fewer steps than it has cycles or snapshots: the weights are then taken at each step."""
    run = small("fast-swa", averaged=averaged, cycles=cycles, snapshots=snapshots)
    model = trained(run, 1).model
    for step in range(50):
        at, of = model.rate_of(step, 50)
        assert 0 <= at < of
        assert learning_rate(run, at, of) > 0
        assert 0 <= model.keeps(step, 50, 0.9) <= 1
