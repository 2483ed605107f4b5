"""The bounds are what the paper prints. On tiny networks nearly everything can be computed exactly.

"By quadrature" is meant twice. Of the model: its Gaussian noise is replaced by the points of a grid, so that a mean
over noise is a sum and has no scatter. Of the truth: the formula as printed, with densities written out in tiny.py.
"""

import math
from dataclasses import replace

import pytest
import torch
from tiny import (
    CLASSES,
    SHAPE,
    binary,
    exact_log_p,
    far,
    hot,
    log_normal,
    mean_over_noise,
    no_noise,
    nodes,
    noise,
    tiny,
)
from torch import nn
from torch.distributions import Categorical, Independent, Normal

from models import MODELS, TERMS
from models.methods.adgm.model import DRAWS
from models.methods.consistency import ConfidenceMaskedConsistency, two_views
from models.methods.m2.model import M2
from models.nn.augment import Mixup
from models.nn.distributions import ConditionalNormal, ConditionalPixels
from models.nn.kl import kl_standard_normal
from models.nn.layers import Dense, pixels_of

pytestmark = pytest.mark.usefixtures("exactly")

M2S = ["m2", "m2 with q(z|x,y)"]
WITH_CLASS = [*M2S, "adgm"]
N = 6  # images
EVERY = torch.arange(CLASSES).unsqueeze(-1)  # every class, for every image
EXACT = {"atol": 1e-9, "rtol": 1e-9}
GRID = 41  # points an axis where both sides of an equation are computed at the same points, however few
FINE = {"m1": (2001, 1), "m2": (2001, 1), "m2 with q(z|x,y)": (2001, 1), "adgm": (161, 2)}  # points, draws


def every_class(x):
    return EVERY[:, :1].expand(CLASSES, len(x))


def grads(model, value):
    """d value / d every parameter, one after the other."""
    parameters = list(model.parameters())
    given = torch.autograd.grad(value.sum(), parameters, retain_graph=True, allow_unused=True, materialize_grads=True)
    return torch.cat([g.flatten() for g in given])


def same(model, left, right):
    """Equal, and equal in how they change with every parameter."""
    torch.testing.assert_close(left, right, **EXACT)
    torch.testing.assert_close(grads(model, left), grads(model, right), atol=1e-7, rtol=1e-7)


def q_z_of(model, x, k):
    return model.q_z(x, hot(k)) if model.settings.encoder_sees_y else model.q_z(x)


def mean_scale(q):
    return q.mean, q.stddev


# --- the unlabelled bounds are sums over classes


@pytest.mark.parametrize("name", M2S)
def test_m2s_unlabelled_bound_is_the_sum_over_classes_minus_the_entropy(name):
    """Eq. 6, one image and one class at a time."""
    m2, x = tiny(name), binary(N)
    with no_noise():
        U = m2.U(x)
        by_hand = []
        for i in range(N):
            one = x[i : i + 1]
            q = m2.q_y(one).probs[0]
            by_hand.append(sum(q[k] * m2.L(one, torch.tensor([k]))[0] for k in range(CLASSES)) + (q * q.log()).sum())
    same(m2, U, torch.stack(by_hand))


def test_adgms_unlabelled_bound_is_the_sum_over_classes_minus_the_entropy_for_one_draw_of_a():
    """Eq. 22, one image and one class at a time; a and z have a noise of their own, so that a second a would show."""
    adgm, x = tiny("adgm"), binary(N)
    with noise(0.4, -0.9):
        U = adgm.U(x)
    by_hand = []
    for i in range(N):
        one = x[i : i + 1]
        mu, sigma = mean_scale(adgm.q_a(one))
        a = mu + 0.4 * sigma
        q = adgm.q_y(a, one).probs[0]
        L = []
        for k in range(CLASSES):
            with noise(-0.9):
                L.append(adgm.L(one, torch.tensor([k]), a)[0])
        by_hand.append(sum(q[k] * L[k] for k in range(CLASSES)) + (q * q.log()).sum())
    same(adgm, U, torch.stack(by_hand))


@pytest.mark.parametrize("whole", [False, True], ids=["U", "terms"])
def test_adgms_classifier_encoder_and_decoder_of_a_share_one_draw(whole):
    adgm, x = tiny("adgm"), binary(N)
    seen = {}
    for part, place in (("q_y", 0), ("q_z", 0)):
        network = getattr(adgm, part)

        def spy(module, given, part=part, place=place):
            if given[-1].shape[-4] == N:  # the unlabelled images, not the labelled ones
                seen.setdefault(part, []).append(given[place])

        network.register_forward_pre_hook(spy)
    terms = adgm.terms(binary(2), torch.tensor([0, 1]), x, 1.0) if whole else {"U": adgm.U(x)}
    assert all(t.isfinite().all() for t in terms.values())
    (for_y,), (for_z,) = seen["q_y"], seen["q_z"]
    assert for_y.std() > 0
    assert torch.equal(for_y, for_z)


@pytest.mark.parametrize("name", WITH_CLASS)
@pytest.mark.parametrize("k", range(CLASSES))
def test_class_k_of_the_classifier_weighs_class_k_of_the_bound(name, k):
    """A classifier that is sure of k makes U(x) = L(x, k): there is no entropy, and no other class counts."""
    model, x = tiny(name), binary(N)
    with torch.no_grad():
        model.q_y.logits.weight.zero_()
        model.q_y.logits.bias.copy_(1000 * hot(k))
    draws = (0.3, 0.7) if name == "adgm" else (0.3,)
    with noise(*draws):
        U = model.U(x)
    with noise(*draws):
        L = model.L(x, torch.full((N,), k))
    with noise(*draws):
        other = model.L(x, torch.full((N,), (k + 1) % CLASSES))
    torch.testing.assert_close(U, L, **EXACT)
    assert (U - other).abs().min() > 1e-4


@pytest.mark.parametrize("name", WITH_CLASS)
def test_every_class_at_once_equals_one_class_after_the_other(name):
    """What broadcasting saves it must not change."""
    model, x = tiny(name), binary(N)
    with no_noise():
        at_once = model.L(x, EVERY)
        one_by_one = torch.stack([model.L(x, torch.full((N,), k)) for k in range(CLASSES)])
    assert at_once.shape == (CLASSES, N)
    same(model, at_once, one_by_one)
    assert at_once.std(0).min() > 1e-3  # the class matters to it


# --- the bounds are their printed forms


def test_m1s_bound_is_its_printed_form():
    """Eq. 3: E_q[log p(x|z) + log p(z) - log q(z|x)], every term a mean over the same z."""
    m1, x = tiny("m1"), binary(N)
    t, w = nodes(GRID)
    mu, sigma = mean_scale(m1.q_z(x))
    z = mu + sigma * t.unsqueeze(1)
    printed = m1.p_x(z).log_prob(x) + log_normal(z, torch.zeros(1), torch.ones(1)) - log_normal(z, mu, sigma)
    same(m1, mean_over_noise(m1.bound, x, GRID, 1), -(w.unsqueeze(-1) * printed).sum(0))


def test_a_code_from_a_varied_image_gives_a_bound_on_the_image_itself():
    """`denoise`: eq. 3 with q(z|x') for another x', still below log p(x); looking at the model varies nothing."""
    m1, x = tiny("m1", denoise=True), binary(N)
    plain = mean_over_noise(m1.bound, x, GRID, 1)
    m1.augment = Inverse()
    torch.testing.assert_close(mean_over_noise(m1.bound, x, GRID, 1), plain, **EXACT)
    m1.training = True  # itself alone: batch norm keeps its running figures
    t, w = nodes(GRID)
    mu, sigma = mean_scale(m1.q_z(1 - x))
    z = mu + sigma * t.unsqueeze(1)
    printed = m1.p_x(z).log_prob(x) + log_normal(z, torch.zeros(1), torch.ones(1)) - log_normal(z, mu, sigma)
    bound = mean_over_noise(m1.bound, x, GRID, 1)
    torch.testing.assert_close(bound, -(w.unsqueeze(-1) * printed).sum(0), **EXACT)
    z, w = nodes(4001)
    log_p = torch.logsumexp(m1.p_x(z.unsqueeze(1)).log_prob(x) + w.log().unsqueeze(-1), 0)
    assert (-bound < log_p).all()
    assert ((-plain) <= log_p).all()
    assert (bound - plain).abs().min() > 1e-3


@pytest.mark.parametrize("name", M2S)
def test_m2s_labelled_bound_is_its_printed_form(name):
    """Eq. 6, L, and the first line of 9: log p(y) = K1 is inside, KL in closed form is the mean of two densities."""
    m2, x = tiny(name), binary(N)
    t, w = nodes(GRID)
    printed = []
    for k in range(CLASSES):
        mu, sigma = mean_scale(q_z_of(m2, x, k))
        z = mu + sigma * t.unsqueeze(1)
        log_joint = m2.p_x(hot(k), z).log_prob(x) + math.log(1 / CLASSES)
        log_joint = log_joint + log_normal(z, torch.zeros(1), torch.ones(1))
        printed.append((w.unsqueeze(-1) * (log_joint - log_normal(z, mu, sigma))).sum(0))
    same(m2, mean_over_noise(lambda x: m2.L(x, EVERY), x, GRID, 1), -torch.stack(printed))


def adgm_as_printed(adgm, x):
    """log p(x,y,a,z) - log q(a,z|x,y) and q(y|a,x), both (classes, nodes of a and z, images); the nodes' weights."""
    t, w = nodes(GRID, 2)
    t_a, t_z = t.T.unsqueeze(-1).unsqueeze(-1)  # (nodes, 1, 1) each
    mu_a, sigma_a = mean_scale(adgm.q_a(x))
    a = mu_a + sigma_a * t_a
    ratio = []
    for k in range(CLASSES):
        mu, sigma = mean_scale(adgm.q_z(a, hot(k), x))
        z = mu + sigma * t_z
        log_p = adgm.p_x(hot(k), z).log_prob(x) + math.log(1 / CLASSES)
        log_p = log_p + log_normal(z, torch.zeros(1), torch.ones(1))
        log_p = log_p + log_normal(a, *mean_scale(adgm.p_a(z, hot(k), x)))
        ratio.append(log_p - log_normal(a, mu_a, sigma_a) - log_normal(z, mu, sigma))
    return torch.stack(ratio), adgm.q_y(a, x).probs.movedim(-1, 0), w.unsqueeze(-1)


def test_adgms_labelled_bound_is_its_printed_form():
    """Eq. 21 with q(a,z|x,y) = q(a|x) q(z|a,y,x)."""
    adgm, x = tiny("adgm"), binary(N)
    ratio, _, w = adgm_as_printed(adgm, x)
    same(adgm, mean_over_noise(lambda x: adgm.L(x, every_class(x)), x, GRID, 2), -(w * ratio).sum(1))


def test_adgms_unlabelled_bound_is_its_printed_form():
    """Eq. 22 with q(a,y,z|x) = q(z|a,y,x) q(y|a,x) q(a|x)."""
    adgm, x = tiny("adgm"), binary(N)
    ratio, q_y, w = adgm_as_printed(adgm, x)
    same(adgm, mean_over_noise(adgm.U, x, GRID, 2), -(w * q_y * (ratio - q_y.log())).sum((0, 1)))


SAMPLES = 100_000


def mean_and_error(samples):
    """Mean over the first axis, and its standard error."""
    return samples.mean(0), samples.std(0) / math.sqrt(len(samples))


@pytest.mark.parametrize("name", ["m1", *WITH_CLASS])
def test_labelled_bounds_are_their_printed_forms_with_every_term_sampled(name):
    """As above, with the draws the model really makes. Five standard errors: one false alarm in a million or so."""
    model, x = tiny(name), binary(2)
    many = x.expand(SAMPLES, *x.shape)
    k = 1
    with torch.no_grad():
        if name == "adgm":  # an a far out in a narrow p(a|.) would need more samples
            model.p_a.log_scale.weight.zero_()
            model.p_a.log_scale.bias.fill_(0.3)
        if name == "m1":
            L, q_z = model.bound(many), model.q_z(x)
            z = q_z.sample((SAMPLES,))
            printed = model.p_x(z).log_prob(x) + model.p_z().log_prob(z) - q_z.log_prob(z)
        else:
            L = model.L(many, torch.full((SAMPLES, 2), k))
            if name == "adgm":
                q_a = model.q_a(x)
                a = q_a.sample((SAMPLES,))
                q_z = model.q_z(a, hot(k), x)
                z = q_z.sample()
                of_a = model.p_a(z, hot(k), x).log_prob(a) - q_a.log_prob(a)
            else:
                q_z, of_a = q_z_of(model, x, k), 0.0
                z = q_z.sample((SAMPLES,))
            log_y = model.p_y().log_prob(torch.tensor(k))
            printed = model.p_x(hot(k), z).log_prob(x) + log_y + model.p_z().log_prob(z) + of_a - q_z.log_prob(z)
    (mean_L, error_L), (mean_printed, error_printed) = mean_and_error(L), mean_and_error(-printed)
    tolerance = 5 * (error_L**2 + error_printed**2).sqrt()
    assert (tolerance < math.log(CLASSES)).all()  # or a missing log p(y), the least of the terms, would go unseen
    assert ((mean_L - mean_printed).abs() < tolerance).all()


# --- and they are bounds


SLACK = 1e-3  # nats: what the kinks of ReLU cost the quadrature


@pytest.mark.parametrize("name", ["m1", *WITH_CLASS])
def test_bounds_lie_below_the_exact_log_probability(name):
    """-L <= log p(x, y) and -U <= log p(x), on average over the noise; for M1, -bound <= log p(x)."""
    model, x = tiny(name), binary(N)
    points, draws = FINE[name]
    with torch.no_grad():
        if name == "m1":
            z, w = nodes(4001)
            log_p = torch.logsumexp(model.p_x(z.unsqueeze(1)).log_prob(x) + w.log().unsqueeze(-1), 0)
            gaps = log_p + mean_over_noise(model.bound, x, points, draws)
        else:
            log_p = exact_log_p(model, x)
            gap_L = log_p + mean_over_noise(lambda x: model.L(x, every_class(x)), x, points, draws)
            gap_U = torch.logsumexp(log_p, 0) + mean_over_noise(model.U, x, points, draws)
            gaps = torch.cat([gap_L, gap_U.unsqueeze(0)])
    assert (gaps > -SLACK).all()
    assert (gaps > 0.1).any()  # far from the posterior, there is a gap to see


class Blind(nn.Module):
    """A network that is given more than it looks at: `looks` says at what."""

    def __init__(self, network, *looks):
        super().__init__()
        self.network, self.looks = network, looks

    def forward(self, *given):
        lead = torch.broadcast_shapes(*(g.shape[:-1] if g.shape[-3:] != SHAPE else g.shape[:-3] for g in given))
        seen = [given[i] for i in self.looks]
        seen = [g.expand(*lead, *g.shape[-3:] if g.shape[-3:] == SHAPE else g.shape[-1:]) for g in seen]
        return self.network(*seen)


class Posterior(nn.Module):
    """p(y|x), exactly, of a model whose p(x|y,z) does not look at z."""

    def __init__(self, p_x):
        super().__init__()
        self.p_x = p_x

    def forward(self, *given):
        x = given[-1]
        return Categorical(
            logits=torch.stack([self.p_x(hot(k), torch.zeros(1)).log_prob(x) for k in range(CLASSES)], -1)
        )


@pytest.mark.parametrize("name", ["m1", *WITH_CLASS])
def test_bounds_are_tight_where_q_is_the_posterior(name):
    """Not below by a mile: p(x|y,z) looks past z, so the posterior is known; given it, the bound is log p itself.

    For any noise, with no mean taken: E_q[log p(x,y,z) - log q] = log p(x,y) term by term.
    """
    model, x = tiny(name), binary(N)
    body = model.p_x.body
    with torch.no_grad():
        body.first.parts[-1].weight.zero_()  # p(x|.) looks past z
        for head in (model.q_z.loc, model.q_z.log_scale):  # q(z|.) = p(z)
            head.weight.zero_()
            head.bias.zero_()
    if name == "m1":
        torch.testing.assert_close(model.bound(x), -model.p_x(torch.zeros(N, 1)).log_prob(x), **EXACT)
        return
    model.q_y = Posterior(model.p_x)
    if name == "adgm":
        model.p_a = Blind(model.q_a, 2)  # p(a|z,y,x) = q(a|x)
    log_p = torch.stack([model.p_x(hot(k), torch.zeros(1)).log_prob(x) for k in range(CLASSES)]) + math.log(1 / CLASSES)
    torch.testing.assert_close(model.L(x, EVERY), -log_p, **EXACT)
    torch.testing.assert_close(model.U(x), -torch.logsumexp(log_p, 0), **EXACT)
    assert log_p.std() > 0.1


@pytest.mark.parametrize("name", ["m2", "m2 with q(z|x,y)", "adgm"])
def test_minimising_the_bound_over_q_closes_the_gap(name):
    """q learns from the bound alone. The gap left, below one bit an image, is that p(z|x,y) is no Gaussian.

    One class only: the paper's q(z|x) would have to serve them all.
    """
    model, x = tiny(name), binary(4)
    log_p = exact_log_p(model, x)[0].detach()
    points, draws = FINE[name]

    @torch.no_grad()
    def gap():
        return log_p + mean_over_noise(lambda x: model.L(x, torch.zeros(len(x), dtype=torch.long)), x, points, draws)

    with torch.no_grad():
        model.q_z.loc.bias.add_(3)  # off the mark, to begin with
    before = gap()
    many = x.repeat(32, 1, 1, 1)
    learns = [model.q_z, model.q_a, model.p_a] if name == "adgm" else [model.q_z]
    adam = torch.optim.Adam([p for m in learns for p in m.parameters()], lr=0.05)
    for step in range(300):
        adam.param_groups[0]["lr"] = 0.05 * (1 - step / 300)
        adam.zero_grad()
        model.L(many, torch.zeros(len(many), dtype=torch.long)).mean().backward()
        adam.step()
    after = gap()
    assert (after > -SLACK).all()
    assert after.mean() < math.log(2) < before.mean()


# --- Kullback-Leibler in closed form


@pytest.mark.parametrize("mu", [-2.0, 0.0, 0.7])
@pytest.mark.parametrize("sigma", [0.05, 1.0, 3.0])
def test_the_closed_form_kl_is_the_integral(mu, sigma):
    """KL[q ‖ N(0, I)] of q over three axes, each integrated on its own."""
    mus, sigmas = torch.tensor([mu, mu + 1, 0.3]), torch.tensor([sigma, 2 * sigma, 0.6])
    q = Independent(Normal(mus, sigmas), 1)
    integral = 0.0
    for m, s in zip(mus, sigmas, strict=True):
        z = m + s * torch.linspace(-10, 10, 4001).unsqueeze(-1)
        log_q, log_p = log_normal(z, m, s), log_normal(z, torch.zeros(1), torch.ones(1))
        integral = integral + torch.trapezoid(log_q.exp() * (log_q - log_p), z.squeeze(-1))
    torch.testing.assert_close(kl_standard_normal(q), integral, atol=1e-8, rtol=1e-8)


@pytest.mark.parametrize("part", ["q_z", "q_a", "p_a"])
@pytest.mark.parametrize("log_scale", [-2.0, 0.0, 2.0])
def test_a_posterior_may_be_sharper_or_wider_than_the_prior(part, log_scale):
    """Against a scale that is forced to one side of 1, as in published code; the KL then measures it."""
    adgm, x = tiny("adgm"), binary(N)
    network = getattr(adgm, part)
    with torch.no_grad():
        network.log_scale.weight.zero_()
        network.log_scale.bias.fill_(log_scale)
    q = network(*{"q_a": (x,), "q_z": (torch.zeros(N, 1), hot(0), x), "p_a": (torch.zeros(N, 1), hot(0), x)}[part])
    torch.testing.assert_close(q.stddev, torch.full((N, 1), math.exp(log_scale)))


# --- the objective


def batch(n_l=5, n_u=7):
    return binary(n_l), torch.arange(n_l) % CLASSES, binary(n_u)


class Inverse(nn.Module):
    """In place of a random change."""

    def forward(self, x):
        return 1 - x


@pytest.mark.parametrize("name", ["m1", "supervised", *WITH_CLASS, "sdgm", "m1m2"])
def test_the_objective_is_the_sum_of_its_terms_and_every_term_has_a_label(name):
    model = tiny(name, consistency=1.0, threshold=0.0)
    with no_noise():
        terms, J = model.terms(*batch_of(model), 2.0), model.J(*batch_of(model), 2.0)
    torch.testing.assert_close(J, sum(terms.values()))
    assert set(terms) <= set(TERMS)
    assert all(t.shape == () for t in terms.values())
    card = MODELS[name.split()[0]]
    optional = {"contrastive", "two_views", "reconstructed", "filters", "labelled/filters", "unlabelled/filters"}
    assert set(terms) == set(card.terms) - optional


def batch_of(model, made={}):  # noqa: B006 (one batch for all calls of a test, whatever was drawn since)
    if made.get("model") is not model:
        made.update(model=model, batch=batch())
    return made["batch"]


@pytest.mark.parametrize("name", WITH_CLASS)
def test_the_objective_is_eq_12_and_eq_24(name):
    """J = mean L(x_l, y_l) + mean U(x_u) - alpha mean log q(y_l|x_l), term by term, without noise."""
    model, alpha = tiny(name), 3.0
    x_l, y_l, x_u = batch()
    with no_noise():
        terms = model.terms(x_l, y_l, x_u, alpha)
        of_L, of_U = model.L(x_l, y_l).mean(), model.U(x_u).mean()
        q_y = model.q_y(model.q_a(x_l).mean, x_l) if name == "adgm" else model.q_y(x_l)
    cross_entropy = -torch.stack([q_y.probs[i, y_l[i]].log() for i in range(len(y_l))]).mean()
    by_room = {room: sum(t for n, t in terms.items() if n.startswith(room)) for room in ("labelled/", "unlabelled/")}
    same(model, by_room["labelled/"], of_L)
    same(model, by_room["unlabelled/"], of_U)
    same(model, terms["classification"], alpha * cross_entropy)
    same(model, sum(terms.values()), of_L + of_U + alpha * cross_entropy)


def test_m1s_objective_is_the_bound_on_all_images_and_looks_at_no_label():
    m1 = tiny("m1")
    x_l, y_l, x_u = batch()
    with no_noise():
        J = m1.J(x_l, y_l, x_u, 1.0)
        same(m1, J, m1.bound(torch.cat([x_l, x_u])).mean())
        assert torch.equal(J, m1.J(x_l, (y_l + 1) % CLASSES, x_u, 5.0))


def test_the_floors_objective_is_the_cross_entropy_of_the_labelled_images():
    model = tiny("supervised")
    x_l, y_l, x_u = batch()
    q = model.q_y(x_l).probs
    J = model.J(x_l, y_l, x_u, 2.0)
    same(model, J, -2 * torch.stack([q[i, y_l[i]].log() for i in range(len(y_l))]).mean())
    assert torch.equal(J, model.J(x_l, y_l, binary(3), 2.0))


@pytest.mark.parametrize("name", ["supervised", *WITH_CLASS])
def test_alpha_weighs_the_classifiers_own_terms_and_nothing_else(name):
    model = tiny(name, consistency=0.7, threshold=0.0)
    x_l, y_l, x_u = batch()
    with no_noise():
        none, one, three = (model.terms(x_l, y_l, x_u, alpha) for alpha in (0.0, 1.0, 3.0))
    for term in one:
        if term in ("classification", "consistency"):
            assert none[term] == 0
            assert one[term] > 1e-4
            torch.testing.assert_close(three[term], 3 * one[term], **EXACT)
        else:
            assert none[term] == one[term] == three[term]


@pytest.mark.parametrize("name", ["supervised", *WITH_CLASS])
def test_only_the_classifiers_own_terms_see_varied_images(name):
    """The bounds are of the images as they are; classification sees x', consistency asks q(y|x') what q(y|x) said."""
    model = tiny(name, consistency=0.7, threshold=0.0)
    x_l, y_l, x_u = batch()
    q_y = (lambda x: model.q_y(model.q_a(x).mean, x)) if name == "adgm" else model.q_y
    with no_noise():
        plain = model.terms(x_l, y_l, x_u, 2.0)
        model.augment = Inverse()
        terms = model.terms(x_l, y_l, x_u, 2.0)
        before, after = q_y(x_u), q_y(1 - x_u)
        classification = -2 * q_y(1 - x_l).log_prob(y_l).mean()
    for term in terms:
        if "/" in term:
            assert terms[term] == plain[term]
    same(model, terms["classification"], classification)
    assert (terms["classification"] - plain["classification"]).abs() > 0.01
    if name != "supervised":
        surest = before.probs.argmax(-1)
        cost = -torch.stack([after.probs[i, surest[i]].log() for i in range(len(surest))]).mean()
        same(model, terms["consistency"], 0.7 * 2 * cost)


@pytest.mark.parametrize("name", WITH_CLASS)
def test_of_some_unlabelled_images_only_the_opinion_counts(name):
    """With `bound_u`, U is that of the first of x_u; consistency still asks all of them."""
    whole = tiny(name, consistency=0.7, threshold=0.0)
    part = tiny(name, consistency=0.7, threshold=0.0, bound_u=3)
    part.load_state_dict(whole.state_dict())
    x_l, y_l, x_u = batch()
    with no_noise():
        alone, all_of_them = whole.terms(x_l, y_l, x_u[:3], 2.0), whole.terms(x_l, y_l, x_u, 2.0)
        terms = part.terms(x_l, y_l, x_u, 2.0)
        for term in terms:
            expected = (alone if term.startswith("unlabelled/") else all_of_them)[term]
            torch.testing.assert_close(terms[term], expected, **EXACT)
        torch.testing.assert_close(
            grads(part, terms["consistency"]), grads(whole, all_of_them["consistency"]), atol=1e-7, rtol=1e-7
        )
        for model in whole, part:  # nothing else would see the others
            model.settings = replace(model.settings, consistency=0.0)
        assert part.J(x_l, y_l, x_u, 2.0) == whole.J(x_l, y_l, x_u, 2.0)


def test_changing_ones_mind_costs_where_one_was_sure_and_pulls_at_the_new_opinion_alone():
    logits = torch.tensor([[5.0, 0.0, 0.0], [0.5, 0.4, 0.3], [0.0, 0.0, 5.0]], requires_grad=True)
    new = torch.tensor([[0.1, 0.2, 0.3], [1.0, 2.0, 3.0], [0.3, 0.9, 0.1]], requires_grad=True)
    cost = ConfidenceMaskedConsistency(0.9, 3)(Categorical(logits=logits), Categorical(logits=new))
    log_q = new.log_softmax(-1)
    torch.testing.assert_close(cost, torch.stack([-log_q[0, 0], torch.tensor(0.0), -log_q[2, 2]]))
    cost.sum().backward()
    assert logits.grad is None or not logits.grad.any()
    assert new.grad[0].any()
    assert not new.grad[1].any()


def test_disagreement_is_cross_entropy_both_ways_less_twice_the_entropy_of_the_mean():
    logits = torch.randn(2, 5, 3, requires_grad=True)
    one, other = (Categorical(logits=part) for part in logits)
    p, q = logits.softmax(-1)
    m = torch.cat([p, q]).mean(0)
    expected = -(p * q.log()).sum(-1) / 2 - (q * p.log()).sum(-1) / 2 + 2 * (m * m.log()).sum()
    cost = two_views(one, other)
    torch.testing.assert_close(cost, expected)
    torch.testing.assert_close(two_views(other, one), cost)
    cost.sum().backward()
    assert logits.grad.abs().flatten(1).max(1).values.min() > 1e-3  # both views learn


def test_two_views_alike_in_every_class_disagree_least():
    """Less than where all images are of one class, or where each has every class."""
    sure = torch.eye(3).repeat(2, 1) * 20

    def cost(logits):
        return two_views(*[Categorical(logits=logits)] * 2).mean()

    assert cost(sure) == pytest.approx(-2 * math.log(3), abs=1e-3)
    assert cost(sure[:1].expand(6, 3)) == pytest.approx(0, abs=1e-3)
    assert cost(torch.zeros(6, 3)) == pytest.approx(-math.log(3), abs=1e-6)


@pytest.mark.parametrize("name", WITH_CLASS)
def test_agreement_is_asked_of_two_more_looks_at_the_unlabelled_images(name):
    model = tiny(name, consistency=0.7, threshold=0.0, two_views=0.3)
    x_l, y_l, x_u = batch()
    q_y = (lambda x: model.q_y(model.q_a(x).mean, x)) if name == "adgm" else model.q_y
    model.augment = Inverse()
    with no_noise():
        terms = model.terms(x_l, y_l, x_u, 2.0)
        model.settings = replace(model.settings, two_views=0.0)
        without = model.terms(x_l, y_l, x_u, 2.0)
        view = q_y(1 - x_u)
    assert terms.keys() - without.keys() == {"two_views"}
    assert all(terms[t] == without[t] for t in without)
    same(model, terms["two_views"], 0.3 * 2 * two_views(view, view).mean())


def test_a_threshold_of_zero_follows_how_sure_the_classifier_has_been():
    mind = ConfidenceMaskedConsistency(0.0, 3)
    p = torch.tensor([[0.8, 0.1, 0.1], [0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.4, 0.3, 0.3]])
    before, after = Categorical(probs=p), Categorical(logits=torch.randn(4, 3))
    assert mind(before, after).count_nonzero() == 4  # at first the bar is a guess among the classes
    for _ in range(1000):
        cost = mind(before, after)
    torch.testing.assert_close(mind.sureness, p.max(-1).values.mean(), atol=1e-4, rtol=0)
    share = p.mean(0)
    bar = p.max(-1).values.mean() * share / share.max()
    torch.testing.assert_close(mind.thresholds(p), bar, atol=1e-4, rtol=0)
    assert (cost != 0).tolist() == [True, True, True, False]
    kept = mind.state_dict()
    mind.eval()
    mind(Categorical(probs=torch.ones(5, 3) / 3), Categorical(logits=torch.randn(5, 3)))
    assert all(torch.equal(v, kept[k]) for k, v in mind.state_dict().items())  # looking does not change it


def test_an_image_between_two_is_asked_for_both_of_their_classes():
    x, y, seen = torch.eye(6).view(6, 1, 2, 3), torch.arange(6), []

    def q(x: torch.Tensor) -> Categorical:
        seen.append(x.flatten(1))
        return Categorical(logits=5 * x.flatten(1) @ weights)

    weights, shares = torch.randn(6, 6), []
    plain = q(x).log_prob(y)
    mix = Mixup(0.5)
    for _ in range(50):
        found = mix(q, x, y)  # pixel k of a mixed image is the share of image k
        share = seen[-1]
        assert ((share > 0).sum(1) <= 2).all()
        torch.testing.assert_close(share.sum(1), torch.ones(6))
        assert (share.diagonal() >= 0.5).all()
        torch.testing.assert_close(found, (share * (5 * share @ weights).log_softmax(-1)).sum(1))
        shares.append(share)
    other = torch.stack(shares).sum(0).fill_diagonal_(0)
    assert (other > 0).sum() == 30  # any image may be the other one
    assert torch.stack(shares).diagonal(dim1=1, dim2=2).min() < 0.52
    for still in (Mixup(0.5).eval(), Mixup(0.0)):
        assert torch.equal(still(q, x, y), plain)
        assert torch.equal(seen[-1], seen[0])


@pytest.mark.parametrize("name", ["supervised", *WITH_CLASS])
def test_images_are_mixed_in_the_classification_term_alone(name):
    x_l, y_l, x_u = batch()
    model, plain = tiny(name, consistency=0.7, threshold=0.0, mixup=0.5), tiny(name, consistency=0.7, threshold=0.0)
    plain.load_state_dict(model.state_dict())
    model.train(), plain.train()
    with no_noise():
        terms, without = model.terms(x_l, y_l, x_u, 2.0), plain.terms(x_l, y_l, x_u, 2.0)
    assert {name for name in terms if terms[name] != without[name]} == {"classification"}


@pytest.mark.parametrize("name", WITH_CLASS)
def test_k1_is_inside_the_bounds(name):
    """K1 = log p(y) = -log K, in L and in U alike."""
    model = tiny(name)
    terms = model.terms(*batch(), 1.0)
    for room in ("labelled", "unlabelled"):
        torch.testing.assert_close(terms[f"{room}/prior_y"].item(), math.log(CLASSES))


# --- what one asks of a model


def test_adgms_q_of_y_is_the_mean_over_draws_of_a():
    """E[q(y|a,x)] over q(a|x), by quadrature, against four hundred answers: five standard errors."""
    adgm, x = tiny("adgm"), binary(2)
    with torch.no_grad():
        adgm.q_a.log_scale.weight.zero_()
        adgm.q_a.log_scale.bias.zero_()
        adgm.q_y.body.first.parts[0].weight.mul_(10)  # a spreads, and matters
        t, w = nodes(2001)
        mu, sigma = mean_scale(adgm.q_a(x))
        exact = (w.view(-1, 1, 1) * adgm.q_y(mu + sigma * t.unsqueeze(1), x).probs).sum(0)
        draws = torch.stack([adgm.classify(x).probs for _ in range(400)])
    torch.testing.assert_close(draws.sum(-1), torch.ones(400, 2))
    mean, error = mean_and_error(draws)
    assert error.max() > 0
    assert ((mean - exact).abs() < 5 * error + 1e-6).all()
    torch.manual_seed(1)
    a = adgm.q_a(x).sample((DRAWS,))
    torch.manual_seed(1)
    by_hand = sum(adgm.q_y(a[i], x).probs for i in range(DRAWS)) / DRAWS
    torch.testing.assert_close(adgm.classify(x).probs, by_hand)


@pytest.mark.parametrize("name", M2S)
def test_m2_classifies_with_the_network_that_the_bound_trains(name):
    m2, x = tiny(name), binary(N)
    assert torch.equal(m2.classify(x).probs, m2.q_y(x).probs)


@pytest.mark.parametrize("name", WITH_CLASS)
def test_a_class_and_a_style_draw_the_mean_image(name):
    """generate(y, z) = E[x|y,z]; y (classes, 1) and z (columns, 1) make a grid with one z down each column."""
    model, z = tiny(name), torch.randn(5, 1)
    grid = model.generate(EVERY, z)
    assert grid.shape == (CLASSES, 5, *SHAPE)
    for k in range(CLASSES):
        for j in range(5):
            one = model.p_x.body(hot(k), z[j]).sigmoid().view(SHAPE)
            torch.testing.assert_close(grid[k, j], one)
    assert grid.std(0).max() > 0.01


@pytest.mark.parametrize("name", WITH_CLASS)
def test_codes_are_posterior_means(name):
    model, x = tiny(name), binary(N)
    codes = model.encode(x)
    assert tuple(codes) == MODELS["adgm" if name == "adgm" else "m2"].latents
    for i in range(N):
        one = x[i : i + 1]
        if name == "adgm":
            a = model.q_a(one).mean
            torch.testing.assert_close(codes["a"][i], a[0])
            mean = model.q_z(a, hot(model.q_y(a, one).probs.argmax().item()), one).mean
        else:
            mean = q_z_of(model, one, model.q_y(one).probs.argmax().item()).mean
        torch.testing.assert_close(codes["z"][i], mean[0])


@pytest.mark.parametrize("name", [*WITH_CLASS, "supervised"])
def test_class_and_code_at_once_are_what_each_is_alone(name):
    model, x = tiny(name), binary(N)
    torch.manual_seed(1)
    q_y, codes = model.classify_and_encode(x)
    torch.manual_seed(1)
    torch.testing.assert_close(q_y.probs, model.classify(x).probs)
    torch.testing.assert_close(codes, model.encode(x))


def test_m1_reads_the_class_from_the_code_and_draws_it_from_its_classs_gaussian():
    """Three clumps of codes: the SVM tells them apart, and `generate` moves z into the clump of the class asked for."""
    m1 = tiny("m1")
    codes = torch.randn(30, 1) * 0.1 + torch.tensor([-5.0, 0.0, 5.0]).repeat(10).unsqueeze(-1)
    y = torch.arange(30) % 3
    m1.set_svm(codes.numpy(), y.numpy())
    m1.q_z = Blind(lambda x: Independent(Normal(x.flatten(1).mean(1, keepdim=True), torch.ones(len(x), 1)), 1), 0)
    x = torch.tensor([-5.0, 0.0, 5.0]).view(3, 1, 1, 1).expand(3, *SHAPE)
    q = m1.classify(x)
    assert q.probs.argmax(-1).tolist() == [0, 1, 2]
    assert q.probs.max(-1).values.min() > 0.8
    of_k = torch.stack([codes[y == k].mean(0) for k in range(3)])
    torch.testing.assert_close(m1.generate(EVERY, torch.zeros(1, 1)).squeeze(1), m1.decode(of_k))
    spread = torch.tensor([codes[y == k].var(unbiased=False) for k in range(3)])
    shrunk = ((10 * spread + 5 * codes.var(unbiased=False)) / 15).sqrt().unsqueeze(-1)
    torch.testing.assert_close(m1.generate(EVERY, torch.ones(1, 1)).squeeze(1), m1.decode(of_k + shrunk))


def test_colour_images_go_through_the_same_bound():
    """Nothing in M2 knows of Bernoulli: with three channels L is the same sum with a density of the pixels."""
    shape = (3, 2, 2)
    q_z = ConditionalNormal(Dense((pixels_of(shape),), (4,)), 4, 1)
    p_x = ConditionalPixels(Dense((CLASSES, 1), (4,), 12), shape)
    m2 = far(M2(nn.Identity(), q_z, p_x, CLASSES, 1)).eval()
    with torch.no_grad():
        p_x.log_scale.copy_(torch.tensor([0.1, 0.2, 0.3]).log().view(3, 1, 1))
    x, y = torch.rand(4, *shape), torch.tensor([0, 1, 2, 0])
    with noise(0.6):
        L = m2.L(x, y)
    for i, k in enumerate(y):
        mu, sigma = (part[0] for part in mean_scale(q_z(x[i : i + 1])))
        mean = p_x.body(hot(k), mu + 0.6 * sigma).sigmoid()
        log_p_x = log_normal(x[i].flatten(), mean, torch.tensor([0.1, 0.2, 0.3]).repeat_interleave(4))
        kl = (mu**2 + sigma**2 - 1) / 2 - sigma.log()
        torch.testing.assert_close(L[i], -log_p_x + math.log(CLASSES) + kl[0])
