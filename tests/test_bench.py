"""`make bench` compares like with like: the textbook's objective is ours, so that a ratio of times is of equal work."""

from unittest import mock

import numpy as np
import pytest
import torch
from tiny import noise
from torch.nn.utils import parameters_to_vector

from data.split import Split
from models import load_class
from models.nn.settings import Settings
from tests.bench import textbook

K, N_L, N_U, ALPHA = 3, 4, 5, 7.0


def pair(name, net, shape):
    """Ours and the textbook's, with the same weights, far from where training starts."""
    s = Settings(net=net, n_z=2, n_a=3, hidden=(6, 5), width=4)
    ours, book = load_class(name).build(shape, K, s), textbook.METHODS[name](shape, K, s)
    with torch.no_grad():
        for p in ours.parameters():
            p.add_(torch.randn_like(p), alpha=0.1)
    textbook.copy_weights(ours, book)
    return ours, book


def draws(name):
    """The noise of our draws, and of the textbook's in its order, with a copy for each class where it has one."""
    z_l, z_u = torch.randn(N_L, 2), torch.randn(N_U, 2)
    if name == "m1":
        z = torch.cat([z_l, z_u])
        return [z], [z]
    if name == "m2":
        return [z_l, z_u], [z_l, z_u.repeat(K, 1)]
    a_l, a_u, a_y, z_u = torch.randn(N_L, 3), torch.randn(N_U, 3), torch.randn(N_L, 3), torch.randn(K, N_U, 2)
    return [a_u, a_l, z_l, z_u, a_y], [a_l, z_l, a_u, z_u.flatten(0, 1), a_y]


@pytest.mark.usefixtures("exactly")
@pytest.mark.parametrize("shape", [(1, 9, 8), (3, 8, 8)], ids=["grey", "colour"])
@pytest.mark.parametrize(
    ("name", "net"), [("m1", "conv"), ("m1", "dense"), ("m2", "conv"), ("m2", "dense"), ("adgm", "dense")]
)
def test_the_textbook_minimises_what_we_minimise(name, net, shape):
    """J and its gradient, with the same weights and noise, batch norm as in training."""
    ours, book = pair(name, net, shape)
    x_l, x_u, y_l = torch.rand(N_L, *shape), torch.rand(N_U, *shape), torch.tensor([0, 2, 1, 2])
    our_noise, their_noise = draws(name)
    with noise(*our_noise):
        J = ours.J(x_l, y_l, x_u, ALPHA)
    with mock.patch("torch.randn_like", lambda like: their_noise.pop(0).view_as(like)):
        J_book = book.J(x_l, y_l, x_u, ALPHA)
    assert not their_noise
    torch.testing.assert_close(J_book, J)

    J.backward()
    J_book.backward()
    for p in (*ours.parameters(), *book.parameters()):
        p.data = p.grad
    expected = parameters_to_vector(book.parameters()).clone()
    textbook.copy_weights(ours, book)
    torch.testing.assert_close(expected, parameters_to_vector(book.parameters()))


def test_a_textbook_step_learns_from_shuffled_images():
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (40, 1, 8, 8), np.uint8), np.arange(40) % K
    split = Split(x[:6], y[:6], x[6:], x, y, np.arange(6), np.arange(6, 40), tuple("abc"), (1, 8, 8))
    s = Settings(net="dense", hidden=(6,), batch_l=6, batch_u=10)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        trainer = textbook.Trainer("m2", split, s)
        first, second = next(trainer.unlabelled), next(trainer.unlabelled)
        J = [trainer.step() for _ in range(30)]
    assert first.dtype == torch.float32
    assert first.shape == (10, 1, 8, 8)
    assert 0 <= first.min() < first.max() <= 1
    assert not torch.equal(first, second)
    assert trainer.alpha == s.beta * 40 / 6
    assert sum(J[-5:]) < sum(J[:5])
