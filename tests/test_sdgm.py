"""SDGM: its bounds are what its factorisation says, and without a in p(x|.) it is ADGM."""

import math

import pytest
import torch
from tiny import CLASSES, binary, hot, log_normal, mean_over_noise, nodes, noise, tiny

pytestmark = pytest.mark.usefixtures("exactly")
N, GRID = 4, 41
EVERY = torch.arange(CLASSES).unsqueeze(-1)
EXACT = {"atol": 1e-9, "rtol": 1e-9}
SLACK = 1e-3  # nats: what the kinks of ReLU cost the quadrature


def mean_scale(q):
    return q.mean, q.stddev


def adgm_of(sdgm):
    """The ADGM with the same weights whose p(a|z,y,x) looks past x; the SDGM's p(x|.) looks past a then, too."""
    adgm = tiny("adgm", consistency=1.0, threshold=0.0)
    kept = sdgm.state_dict()
    kept["p_x.body.first.parts.2.weight"].zero_()
    own = adgm.state_dict()
    assert set(kept) - set(own) == {"p_x.body.first.parts.2.weight"}
    assert set(own) - set(kept) == {"p_a.body.first.parts.2.weight"}
    own["p_a.body.first.parts.2.weight"].zero_()
    own.update({name: kept[name] for name in own if name in kept})
    adgm.load_state_dict(own)
    return adgm


def test_where_the_decoder_looks_past_a_sdgm_is_adgm_term_by_term():
    sdgm = tiny("sdgm", consistency=1.0, threshold=0.0)
    x_l, y_l, x_u = binary(5), torch.arange(5) % CLASSES, binary(7)
    draws = (0.4, -0.9, 1.1, 0.3, -0.2, 0.8)
    with noise(*draws):
        sees_a = sdgm.terms(x_l, y_l, x_u, 2.0)
    adgm = adgm_of(sdgm)
    with noise(*draws):
        of_sdgm = sdgm.terms(x_l, y_l, x_u, 2.0)
    with noise(*draws):
        of_adgm = adgm.terms(x_l, y_l, x_u, 2.0)
    assert list(of_sdgm) == list(of_adgm)
    torch.testing.assert_close(of_sdgm, of_adgm, **EXACT)
    assert (sees_a["labelled/reconstruction"] - of_sdgm["labelled/reconstruction"]).abs() > 0.01, "a mattered before"
    z = torch.randn(4, 1)
    torch.testing.assert_close(sdgm.generate(EVERY, z), adgm.generate(EVERY, z), **EXACT)


def printed(sdgm, x):
    """log p(x,y,a,z) - log q(a,z|x,y) and q(y|a,x), both (classes, nodes of a and z, images); the nodes' weights."""
    t, w = nodes(GRID, 2)
    t_a, t_z = t.T.unsqueeze(-1).unsqueeze(-1)
    mu_a, sigma_a = mean_scale(sdgm.q_a(x))
    a = mu_a + sigma_a * t_a
    ratio = []
    for k in range(CLASSES):
        mu, sigma = mean_scale(sdgm.q_z(a, hot(k), x))
        z = mu + sigma * t_z
        log_p = sdgm.p_x(hot(k), z, a).log_prob(x) + math.log(1 / CLASSES)
        log_p = log_p + log_normal(z, torch.zeros(1), torch.ones(1)) + log_normal(a, *mean_scale(sdgm.p_a(z, hot(k))))
        ratio.append(log_p - log_normal(a, mu_a, sigma_a) - log_normal(z, mu, sigma))
    return torch.stack(ratio), sdgm.q_y(a, x).probs.movedim(-1, 0), w.unsqueeze(-1)


def test_the_bounds_are_what_the_factorisation_says():
    sdgm, x = tiny("sdgm"), binary(N)
    ratio, q_y, w = printed(sdgm, x)
    L = mean_over_noise(lambda x: sdgm.L(x, EVERY.expand(CLASSES, len(x))), x, GRID, 2)
    torch.testing.assert_close(L, -(w * ratio).sum(1), **EXACT)
    U = mean_over_noise(sdgm.U, x, GRID, 2)
    torch.testing.assert_close(U, -(w * q_y * (ratio - q_y.log())).sum((0, 1)), **EXACT)


def log_p_of(sdgm, x):
    """log p(x, y) (classes, images), by quadrature over z and a under p: no q is asked."""
    t, w = nodes(301)
    z = t.view(-1, 1, 1, 1)
    found = []
    for k in range(CLASSES):
        p_a = sdgm.p_a(z, hot(k))
        a = p_a.mean + p_a.stddev * t.view(1, -1, 1, 1)
        log_p = sdgm.p_x(hot(k), z, a).log_prob(x) + w.log().view(-1, 1, 1) + w.log().view(1, -1, 1)
        found.append(log_p.flatten(0, 1).logsumexp(0))
    return torch.stack(found) - math.log(CLASSES)


@torch.no_grad()
def test_the_bounds_lie_below_the_exact_log_probability():
    sdgm, x = tiny("sdgm"), binary(N)
    log_p = log_p_of(sdgm, x)
    gap_L = log_p + mean_over_noise(lambda x: sdgm.L(x, EVERY.expand(CLASSES, len(x))), x, 161, 2)
    gap_U = log_p.logsumexp(0) + mean_over_noise(sdgm.U, x, 161, 2)
    assert (gap_L > -SLACK).all()
    assert (gap_U > -SLACK).all()
    assert gap_L.max() > 0.1
    assert gap_U.max() > 0.1


@torch.no_grad()
def test_where_q_is_the_posterior_the_bound_is_log_p():
    """p(x|.) looks past a and z, q(a|x) = p(a|z,y) and q(z|.) = p(z): for any noise, L is -log p(x, y)."""
    sdgm, x = tiny("sdgm"), binary(N)
    for part in sdgm.p_x.body.first.parts[1:]:
        part.weight.zero_()
    for network in (sdgm.q_a, sdgm.p_a, sdgm.q_z):
        for head in (network.loc, network.log_scale):
            head.weight.zero_()
            head.bias.zero_()
    log_p = torch.stack([sdgm.p_x(hot(k), torch.zeros(1), torch.zeros(1)).log_prob(x) for k in range(CLASSES)])
    torch.testing.assert_close(sdgm.L(x, EVERY), math.log(CLASSES) - log_p, **EXACT)


def test_a_picture_is_drawn_at_the_mean_of_a():
    """generate(y, z) is the mean of p(x|a,y,z) at the mean of p(a|z,y), with no draw in it; another a, another one."""
    sdgm, z = tiny("sdgm"), torch.randn(5, 1)
    with noise():
        grid = sdgm.generate(EVERY, z)
    for k in range(CLASSES):
        a = sdgm.p_a(z, hot(k)).mean
        torch.testing.assert_close(grid[k], sdgm.p_x(hot(k), z, a).mean)
        assert (sdgm.p_x(hot(k), z, a + 1).mean - grid[k]).abs().max() > 1e-3
    torch.testing.assert_close(grid, sdgm.likelihood(EVERY, z, sdgm.auxiliary_prior(EVERY, z).mean).mean)


def test_what_it_says_of_a_does_not_look_at_the_image():
    sdgm, x, z, y = tiny("sdgm"), binary(N), torch.randn(N, 1), torch.arange(N) % CLASSES
    of_a = sdgm.auxiliary_likelihood(x, y, z)
    torch.testing.assert_close(of_a.mean, sdgm.auxiliary_likelihood(1 - x, y, z).mean)
    assert tiny("adgm").auxiliary_prior(y, z) is None


def test_every_parameter_gets_a_gradient():
    sdgm = tiny("sdgm")
    sdgm.J(binary(40), torch.arange(40) % CLASSES, binary(40), 1.0).backward()
    for name, p in sdgm.named_parameters():
        assert 1e-12 < p.grad.abs().max() < math.inf, name


def test_class_and_code_at_once_are_what_each_is_alone():
    sdgm, x = tiny("sdgm"), binary(N)
    torch.manual_seed(1)
    q_y, codes = sdgm.classify_and_encode(x)
    torch.manual_seed(1)
    torch.testing.assert_close(q_y.probs, sdgm.classify(x).probs)
    a = sdgm.q_a(x).mean
    torch.testing.assert_close(codes["a"], a)
    k = sdgm.q_y(a, x).probs.argmax(-1)
    torch.testing.assert_close(codes["z"], sdgm.q_z(a, torch.eye(CLASSES)[k], x).mean)
