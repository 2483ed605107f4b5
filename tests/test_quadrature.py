"""The truth beside the approximation, by quadrature, held against what training minimises."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.distributions import Normal

import data
from models import MODELS, load_class
from models.analysis import quadrature
from models.errors import LatentError
from models.methods.method import GenerativeMethod
from models.nn.settings import Settings
from models.plane import picture

pytestmark = pytest.mark.usefixtures("exactly")
POINTS = (2, 1, 1)
KINDS = [("m1", 1), ("m1", 2), ("m2", 1), ("m2", 2), ("m2 with q(z|x,y)", 1), ("adgm", 1), ("sdgm", 1)]


def model_of(kind: str, n_z: int, seed: int = 0) -> GenerativeMethod:
    """One whose weights are random and large, so that nothing in it is nearly linear or nearly independent."""
    torch.manual_seed(seed)
    name = kind.split()[0]
    s: Settings = replace(MODELS[name].settings(data.DATASETS["moons"], "tuned"), n_z=n_z, hidden=(8, 8))
    model = load_class(name).build(POINTS, 3, replace(s, encoder_sees_y="with" in kind))
    for name, p in model.named_parameters():
        p.data.normal_(0, 0.15 if "log_scale" in name else 0.45)  # no posterior far beyond the prior's grid
    model.p_x.log_scale.data.fill_(math.log(0.4))
    return model.eval()


@pytest.fixture
def x():
    return torch.randn(12, *POINTS, generator=torch.Generator().manual_seed(5), dtype=torch.float64)


@pytest.mark.parametrize(("kind", "n_z"), KINDS)
def test_the_bound_lies_below_log_p_and_is_what_training_minimises(kind, n_z, x):
    model = model_of(kind, n_z)
    found = quadrature.gap(model, x)
    assert (found.gap > -1e-6).all(), found.gap.min()
    assert found.gap.max() > 0.05, "too easy: a gap that is nowhere proves nothing"
    draws = torch.stack([-model.bound(x) for _ in range(1000)])
    off = (draws.mean(0) - found.bound).abs() / (draws.std(0) / len(draws) ** 0.5)
    assert off.max() < 5, off


@pytest.mark.parametrize(("kind", "n_z"), [("m1", 1), ("m1", 2), ("m2", 1), ("m2", 2), ("m2 with q(z|x,y)", 1)])
def test_the_gap_is_the_kullback_leibler_divergence(kind, n_z, x):
    """KL[q(y,z|x) ‖ p(y,z|x)], summed on the prior's grid from densities: another way than the difference."""
    model = model_of(kind, n_z)
    cell = (2 * quadrature.REACH / (quadrature.PRIOR_NODES[n_z] - 1)) ** n_z
    evidence = quadrature.evidence(model, x)
    for i, point in enumerate(x[:4]):
        post = quadrature.posterior(model, point)
        assert torch.allclose(post.p.sum(-1) * cell, torch.ones(len(post.p)), atol=1e-3)
        ratio = torch.where(post.q > 1e-300, post.q * (post.q / post.p.clamp_min(1e-300)).log(), 0.0)
        kl = ratio.sum(-1) * cell
        if model.sees_class:
            q = model.classify(point.unsqueeze(0)).probs[0].detach()
            kl = (q * (kl + (q / evidence.p_y[i]).log())).sum()
        assert float(kl.sum()) == pytest.approx(float(quadrature.gap(model, x).gap[i]), abs=5e-3)


def test_log_p_of_a_linear_gaussian_model_is_known(x):
    """p(x|z) = N(wz + b, s²) gives p(x) = N(b, w wᵀ + s²), and p(z|x) a Gaussian."""
    model = model_of("m1", 1)
    w, b = torch.tensor([1.5, -0.7], dtype=torch.float64), torch.tensor([0.3, 0.1], dtype=torch.float64)

    class Linear(torch.nn.Module):
        def forward(self, z):
            return z * w + b

    model.p_x.body = Linear()
    s2 = torch.tensor(0.4**2, dtype=torch.float64)
    known = torch.distributions.MultivariateNormal(b, torch.outer(w, w) + s2 * torch.eye(2, dtype=torch.float64))
    found = quadrature.evidence(model, x).log_p_x
    assert torch.allclose(found, known.log_prob(x.flatten(1)), atol=1e-6)
    post = quadrature.posterior(model, x[0])
    precision = 1 + w @ w / s2
    exact = Normal((w @ (x[0].flatten() - b) / s2) / precision, precision**-0.5)
    assert torch.allclose(post.p[0], exact.log_prob(post.z[:, 0]).exp(), atol=1e-6)


def test_p_y_is_bayes_rule_and_not_the_classifier(x):
    model = model_of("m2", 1)
    p_y = quadrature.evidence(model, x).p_y
    assert torch.allclose(p_y.sum(1), torch.ones(len(x)))
    assert (p_y - model.classify(x).probs).abs().max() > 0.05
    for module in model.q_y.parameters():
        module.data.zero_()
    assert torch.equal(quadrature.evidence(model, x).p_y, p_y), "p(y|x) is a matter of p alone"


def test_more_dimensions_are_refused_in_a_sentence(x):
    with pytest.raises(LatentError, match=r"one or two dimensions, not for 3\. Train with n_z=1 or n_z=2"):
        quadrature.evidence(model_of("m2", 3), x)


@pytest.mark.parametrize(("kind", "n_z"), KINDS)
def test_what_a_picture_shows_is_near_what_fine_grids_give(kind, n_z, x):
    """Far less than one sees: a twentieth of the largest gap, and of the highest density."""
    model = model_of(kind, n_z)
    fine, coarse = quadrature.gap(model, x).gap, quadrature.gap(model, x, coarse=True).gap
    assert (fine - coarse).abs().max() < 0.05 * fine.max(), (fine - coarse).abs().max() / fine.max()
    for point in x[:3]:
        exact, near = quadrature.posterior(model, point), quadrature.posterior(model, point, coarse=True)
        there = torch.cdist(near.z, exact.z).argmin(1)
        assert torch.allclose(exact.z[there], near.z, atol=1e-9), "the nodes of one are among those of the other"
        for a, b in ((exact.p, near.p), (exact.q, near.q)):
            assert (a[:, there] - b).abs().max() < 0.05 * a.max()


@pytest.mark.parametrize(("kind", "n_z"), [kind for kind in KINDS if kind[0] != "sdgm"])
def test_one_matrix_product_gives_the_same(kind, n_z, x):
    model = model_of(kind, n_z)
    model.p_x.log_scale.data = torch.tensor([0.3, 0.1]).log().view(POINTS)
    prior = quadrature.prior_grid(model, coarse=True)
    plain, fast = (quadrature.log_joint(model, x, prior, fast) for fast in (False, True))
    assert plain.shape == fast.shape
    assert torch.allclose(plain, fast, rtol=1e-9)


@pytest.mark.parametrize(("kind", "n_z"), KINDS)
def test_a_frame_has_the_gap_of_a_spread_of_its_points(kind, n_z):
    model = model_of(kind, n_z)
    points = torch.randn(450, *POINTS, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    of = picture.gaps(model, points)
    found = of["gap"]
    there = np.flatnonzero(~np.isnan(found))
    assert found.shape == (450,)
    assert found.dtype == np.float16
    assert len(there) == picture.GAPS
    assert (there[0], there[-1]) == (0, 449)
    assert np.diff(there).max() <= 3
    expected = quadrature.gap(model, points[there[:5]], coarse=True)
    assert np.allclose(found[there[:5]], expected.gap, rtol=2e-3, atol=2e-3)
    assert np.allclose(of["log_p_at"][there[:5]], expected.log_p_x, rtol=2e-3, atol=2e-3)
    assert (np.isnan(of["log_p_at"]) == np.isnan(found)).all()
    assert not np.isnan(picture.gaps(model, points[:150])["gap"]).any()
    of = picture.posteriors(model, points[0])
    assert of["p_z"].shape == of["q_z"].shape == (quadrature.classes_of(model), len(of["at"]))
