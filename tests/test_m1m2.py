"""M1+M2: the bound of the two together is below log p(x), and each learns what it would learn alone."""

import math
from dataclasses import replace

import pytest
import torch
from tiny import CLASSES, binary, hot, log_normal, mean_over_noise, nodes, noise, tiny

import data
from data import DATASETS
from models import MODELS
from models.methods.m1m2.model import M1M2, as_image
from models.runs.run import Run
from models.runs.split import split_of_run
from models.training.trainer import Trainer

exactly = pytest.mark.usefixtures("exactly")
N, GRID = 4, 41
EVERY = torch.arange(CLASSES).unsqueeze(-1)
EXACT = {"atol": 1e-9, "rtol": 1e-9}
SLACK = 1e-3  # nats: what the kinks of ReLU cost the quadrature
ALPHA = 2.0


def mean_scale(q):
    return q.mean, q.stddev


def p_z1(both, k, z):
    """p(z1|y,z), written out."""
    return both.m2.p_x.body(hot(k), z), both.m2.p_x.log_scale.exp().flatten()


def batch():
    return binary(5), torch.arange(5) % CLASSES, binary(7)


def grads(of, value):
    parameters = list(of.parameters())
    given = torch.autograd.grad(value, parameters, retain_graph=True, allow_unused=True, materialize_grads=True)
    return torch.cat([g.flatten() for g in given])


@exactly
def test_the_bounds_are_what_the_factorisation_says():
    both, x = tiny("m1m2"), binary(N)
    t, w = nodes(GRID, 2)
    t_1, t_2 = t.T.unsqueeze(-1).unsqueeze(-1)
    mu_1, sigma_1 = mean_scale(both.m1.q_z(x))
    z1 = mu_1 + sigma_1 * t_1
    ratio = []
    for k in range(CLASSES):
        mu, sigma = mean_scale(both.m2.q_z(as_image(z1), hot(k)))
        z = mu + sigma * t_2
        log_p = both.m1.p_x(z1).log_prob(x) + log_normal(z1, *p_z1(both, k, z)) + math.log(1 / CLASSES)
        log_p = log_p + log_normal(z, torch.zeros(1), torch.ones(1))
        ratio.append(log_p - log_normal(z1, mu_1, sigma_1) - log_normal(z, mu, sigma))
    ratio, q_y, w = torch.stack(ratio), both.m2.q_y(as_image(z1)).probs.movedim(-1, 0), w.unsqueeze(-1)
    L = mean_over_noise(lambda x: both.L(x, EVERY.expand(CLASSES, len(x))), x, GRID, 2)
    torch.testing.assert_close(L, -(w * ratio).sum(1), **EXACT)
    U = mean_over_noise(both.U, x, GRID, 2)
    torch.testing.assert_close(U, -(w * q_y * (ratio - q_y.log())).sum((0, 1)), **EXACT)


@exactly
@torch.no_grad()
def test_the_bounds_lie_below_the_exact_log_probability():
    """log p(x, y) by quadrature over z1 and z under p: no q is asked."""
    both, x = tiny("m1m2"), binary(N)
    t, w = nodes(801)
    z = t.view(-1, 1, 1)
    log_p = []
    for k in range(CLASSES):
        mu, sigma = p_z1(both, k, z)  # (nodes of z, 1, 1)
        z1 = (mu + sigma * t.view(1, -1, 1)).unsqueeze(2)  # (nodes of z, nodes of z1, 1 image, 1)
        by_node = both.m1.p_x(z1).log_prob(x) + w.log().view(-1, 1, 1) + w.log().view(1, -1, 1)
        log_p.append(by_node.flatten(0, 1).logsumexp(0) + math.log(1 / CLASSES))
    log_p = torch.stack(log_p)
    gap_L = log_p + mean_over_noise(lambda x: both.L(x, EVERY.expand(CLASSES, len(x))), x, 161, 2)
    gap_U = log_p.logsumexp(0) + mean_over_noise(both.bound, x, 161, 2)
    assert (gap_L > -SLACK).all()
    assert (gap_U > -SLACK).all()
    assert gap_L.max() > 0.1
    assert gap_U.max() > 0.1


@exactly
def test_the_objective_is_the_bounds_the_label_and_m1s_own_prior():
    both, (x_l, y_l, x_u) = tiny("m1m2"), batch()
    with noise(0.4, -0.9, 0.2, -0.5, 0.7):
        terms = both.terms(x_l, y_l, x_u, ALPHA)
    with noise(0.4, -0.9):
        L = both.L(x_l, y_l).mean()
    with noise(0.2, -0.5):
        U = both.U(x_u).mean()
    with noise(0.7):
        z1 = both.m1.q_z(x_l).rsample()
    label = -ALPHA * both.m2.q_y(as_image(z1)).log_prob(y_l).mean()
    mu, sigma = mean_scale(both.m1.q_z(x_u))
    code = ((mu**2 + sigma**2 + math.log(2 * math.pi)) / 2).sum(-1).mean()
    rooms = {r: sum(t for n, t in terms.items() if n.startswith(r)) for r in ("labelled/", "unlabelled/")}
    torch.testing.assert_close(rooms["labelled/"], L, **EXACT)
    torch.testing.assert_close(rooms["unlabelled/"], U, **EXACT)
    torch.testing.assert_close(terms["classification"], label, **EXACT)
    torch.testing.assert_close(terms["code"], code, **EXACT)
    torch.testing.assert_close(sum(terms.values()), L + U + label + code, **EXACT)


@exactly
def test_m1_learns_what_it_would_learn_alone():
    """Its gradient of J is that of (3) on the unlabelled images, and no label is in it."""
    both, (x_l, y_l, x_u) = tiny("m1m2"), batch()
    draws = (0.2, -0.9, 0.4, -0.5, 0.7)  # z1 and z of labelled images, z1 and z of others, z1 of the augmented
    with noise(*draws):
        J = both.J(x_l, y_l, x_u, ALPHA)
    with noise(0.4):
        alone = both.m1.bound(x_u).mean()
    torch.testing.assert_close(grads(both.m1, J), grads(both.m1, alone), **EXACT)
    with noise(*draws):
        other = both.J(1 - x_l, (y_l + 1) % CLASSES, x_u, 7.0)
    torch.testing.assert_close(grads(both.m1, other), grads(both.m1, alone), **EXACT)
    assert (grads(both.m2, other) - grads(both.m2, J)).abs().max() > 0.1


@exactly
def test_m2_learns_what_it_would_learn_of_the_codes_alone():
    """Its gradient of J is that of (12) with codes in place of images."""
    both, (x_l, y_l, x_u) = tiny("m1m2"), batch()
    with noise(0.4, -0.9, 0.4, -0.9, 0.4):
        J = both.J(x_l, y_l, x_u, ALPHA)
    with torch.no_grad(), noise(0.4, 0.4):
        z1_l, z1_u = (as_image(both.m1.q_z(x).rsample()) for x in (x_l, x_u))
    with noise(-0.9, -0.9):
        alone = both.m2.J(z1_l, y_l, z1_u, ALPHA)
    torch.testing.assert_close(grads(both.m2, J), grads(both.m2, alone), **EXACT)


@exactly
def test_every_parameter_gets_a_gradient():
    both = tiny("m1m2")
    both.J(binary(40), torch.arange(40) % CLASSES, binary(40), 1.0).backward()
    for name, p in both.named_parameters():
        assert 1e-12 < p.grad.abs().max() < math.inf, name


@exactly
def test_a_picture_is_drawn_at_the_mean_of_its_code():
    both, z = tiny("m1m2"), torch.randn(5, 1)
    with noise():
        grid = both.generate(EVERY, z)
    for k in range(CLASSES):
        torch.testing.assert_close(grid[k], both.m1.p_x(p_z1(both, k, z)[0]).mean)
    assert grid.std(0).max() > 0.01


@exactly
def test_the_class_is_read_at_the_mean_of_the_code():
    both, x = tiny("m1m2"), binary(N)
    with noise():
        q_y, codes = both.classify_and_encode(x)
    mean = both.m1.q_z(x).mean
    torch.testing.assert_close(codes["z1"], mean)
    torch.testing.assert_close(q_y.probs, both.m2.q_y(as_image(mean)).probs)
    torch.testing.assert_close(both.classify(x).probs, q_y.probs)
    k = q_y.probs.argmax(-1)
    torch.testing.assert_close(codes["z"], both.m2.q_z(as_image(mean), torch.eye(CLASSES)[k]).mean)


def test_the_prior_of_a_code_is_at_first_as_wide_as_codes_lie():
    """A narrow one has z copy z1 and leaves nothing for y to say."""
    s = MODELS["m1m2"].settings(DATASETS["digits"], "tuned")
    both = M1M2.build(DATASETS["digits"].shape, 10, s)
    p = both.auxiliary_prior(torch.arange(10), torch.zeros(10, s.n_z))
    torch.testing.assert_close(p.stddev, torch.ones(10, s.n_a))


def test_a_run_on_the_digits_draws_each_class_as_itself():
    """Trained through the trainer: what it draws as y, its own q(y|x) reads as y, and y matters more than z."""
    run = replace(Run.make("digits", "m1m2", labels=100, threads=1), epochs=8)
    torch.manual_seed(0)
    trainer = Trainer(run, split_of_run(run, data.load("digits")), torch.device("cpu"))
    total = run.epochs * trainer.steps_per_epoch
    for step in range(total):
        trainer.step(step, total)
    assert trainer.evaluate()["test_accuracy"] > 0.8
    z = torch.randn(20, run.settings.n_z, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        drawn = trainer.averaged.generate(torch.arange(10).unsqueeze(-1), z)
        read = trainer.averaged.classify(drawn.flatten(0, 1)).probs.argmax(-1).view(10, 20)
    assert (read == torch.arange(10).unsqueeze(-1)).float().mean() > 0.5
    assert drawn.std(0).mean() > drawn.std(1).mean()
