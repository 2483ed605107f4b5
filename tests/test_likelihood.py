"""The importance-weighted bound on log p(x), held against quadrature and against what training minimises."""

import math

import numpy as np
import pytest
import torch
from test_inside import with_snapshot
from test_quadrature import model_of
from tiny import SHAPE, tiny

from data import DATASETS
from models.analysis import importance, likelihood, quadrature
from models.errors import LatentError
from models.nn.distributions import ColourPixels, ConditionalNormal, GreyPixels
from models.runs.run import Run
from models.runs.store import Folder

EVERY = ["m1", "m2", "m2 with q(z|x,y)", "adgm", "sdgm", "m1m2"]
exact = pytest.mark.usefixtures("exactly")


@pytest.fixture
def x():
    return torch.bernoulli(torch.full((6, *SHAPE), 0.5, dtype=torch.float64))


def wide(model):
    """q about as wide as the prior: where q is narrower than p, now and then a draw weighs as much as all others."""
    for name, part in model.named_modules():
        if isinstance(part, ConditionalNormal):
            part.loc.weight.data.mul_(0.4)
            part.loc.bias.data.mul_(0.4)
            part.log_scale.weight.data.zero_()
            part.log_scale.bias.data.fill_(-0.2 if name.endswith("p_a") else 0.1)


@exact
@pytest.mark.parametrize("kind", EVERY)
def test_it_lies_below_log_p_in_the_mean_and_comes_near_as_samples_grow(kind, x):
    """In the plane, whose models are gentler; of M1+M2 on images."""
    if kind == "m1m2":
        torch.manual_seed(3)
        model = tiny(kind)
    else:
        model, x = model_of(kind, 1), torch.randn(8, 2, 1, 1)
    wide(model)
    known = quadrature.evidence(model, x).log_p_x
    log_w = torch.stack([importance.log_weights(model, x, x, 64) for _ in range(300)])  # (rounds, draws, n)
    gaps = []
    for k in (1, 8, 64):
        of_k = log_w[:, :k].logsumexp(1) - math.log(k)
        found, error = of_k.mean(0), of_k.std(0) / len(of_k) ** 0.5
        assert (found < known + 5 * error + 1e-6).all(), k
        gaps.append(float((known - found).mean()))
    assert gaps[0] > gaps[1] > gaps[2], gaps
    assert gaps[0] > 0.03, "too easy: a gap of nothing proves nothing"
    assert gaps[2] < 0.3 * gaps[0], gaps
    together = importance.bound(log_w.reshape(-1, len(x)))
    assert (together - known).abs().max() < 0.1, together - known


@exact
def test_of_m1_one_sample_is_the_bound_that_training_has(x):
    """Draw by draw but for the KL, which is in closed form there: its estimate by the same draw, in its place."""
    model = tiny("m1")
    torch.manual_seed(1)
    log_w = importance.log_weights(model, x, x, 1)[0]
    torch.manual_seed(1)
    q = model.posterior(x, torch.zeros(1, 1, 1, dtype=torch.int64))
    z = q.mean + q.stddev * torch.randn(1, len(x), 1, dtype=x.dtype)
    by_hand = model.p_x(z).log_prob(x) + model.p_z().log_prob(z) - q.log_prob(z)
    assert torch.allclose(log_w, by_hand[0])
    assert_alike(importance.log_weights(model, x, x, ROUNDS), trained(model, x))


@exact
@pytest.mark.parametrize("kind", EVERY[1:])
def test_with_q_of_the_class_one_sample_is_the_bound_that_training_has(kind, x):
    """sum over y of q(y) (log w_y - log q(y)) is -U in the mean, and log sum w_y is above it by a KL, draw by draw."""
    torch.manual_seed(3)
    model = tiny(kind)
    torch.manual_seed(1)
    log_w = importance.log_weights_of_classes(model, x, x, ROUNDS)
    torch.manual_seed(1)
    q_a = model.auxiliary_posterior(x)
    q_y = model.classify_at(x, None if q_a is None else q_a.sample((ROUNDS,))).logits.detach()
    log_q = q_y.movedim(-1, 0).expand(-1, -1, -1) if q_a is not None else q_y.T.unsqueeze(1)
    ours = (log_q.exp() * (log_w - log_q)).sum(0)
    kl = (log_q.exp() * (log_q - log_w.log_softmax(0))).sum(0)
    assert torch.allclose(log_w.logsumexp(0) - ours, kl)
    assert_alike(ours, trained(model, x))


ROUNDS = 4000


def trained(model, x):
    """Minus the bound of a step, as often: (ROUNDS, n)."""
    with torch.no_grad():
        return -model.bound(x.repeat(ROUNDS, 1, 1, 1)).view(ROUNDS, len(x))


def assert_alike(a, b):
    """In the mean over their rows, as far as so many can say."""
    error = ((a.var(0) + b.var(0)) / ROUNDS).sqrt()
    assert ((a.mean(0) - b.mean(0)).abs() < 5 * error).all(), (a.mean(0) - b.mean(0)) / error


@exact
def test_in_the_plane_it_is_log_p_of_a_linear_gaussian_model():
    model = model_of("m1", 1)
    w, b = torch.tensor([1.5, -0.7]), torch.tensor([0.3, 0.1])

    class Linear(torch.nn.Module):
        def forward(self, z):
            return z * w + b

    model.p_x.body = Linear()
    known = torch.distributions.MultivariateNormal(b, torch.outer(w, w) + 0.4**2 * torch.eye(2))
    x = torch.randn(5, 2, 1, 1)
    found = importance.bound(importance.log_weights(model, x, x, 20_000))
    assert torch.allclose(found, known.log_prob(x.flatten(1)), atol=0.1)


def test_p_of_grey_pixels_is_normalised_over_black_and_white_and_not_over_grey_levels():
    logits = torch.randn(1, 3, 3).double()
    every = torch.tensor([[i >> k & 1 for k in range(9)] for i in range(512)]).double().view(-1, 1, 3, 3)
    assert float(GreyPixels(logits).log_prob(every).exp().sum()) == pytest.approx(1, abs=1e-5)
    one = GreyPixels(torch.full((1, 1, 1), 1.0).double())
    levels = torch.linspace(0, 1, 1001).double().view(-1, 1, 1, 1)
    assert abs(float(one.log_prob(levels).exp().mean()) - 1) > 0.3


def test_grey_pixels_are_drawn_white_with_their_level_and_the_same_for_every_run():
    x = np.repeat(np.array([0, 64, 255], np.uint8), 20_000).reshape(3, 20_000, 1, 1)
    drawn = likelihood.scored_of(Run.make("mnist", "m2"), x)
    assert set(np.unique(drawn)) == {0.0, 1.0}
    assert drawn.mean((1, 2, 3)) == pytest.approx([0, 64 / 255, 1], abs=0.01)
    assert np.array_equal(drawn, likelihood.scored_of(Run.make("mnist", "adgm", seed=3), x))


def test_p_of_levels_of_colour_sums_to_one_where_it_lies_within_them():
    """What `scored_of` and `constant` make of a density: its mean over the noise is at most the mass of the level."""
    run, sigma = Run.make("cifar10", "m2"), 0.02
    p = ColourPixels(torch.full((3, 1, 1), 0.5).double(), torch.full((3, 1, 1), sigma).double())
    x = np.arange(256, dtype=np.uint8).repeat(200).reshape(-1, 1, 1, 1)
    noisy = torch.from_numpy(likelihood.scored_of(run, x)).expand(-1, 3, 1, 1)
    a_channel = likelihood.constant(run) / math.prod(DATASETS["cifar10"].shape)
    log_p = (p.log_prob(noisy) / 3 + a_channel).view(256, 200).mean(1)
    assert float(log_p.exp().sum()) == pytest.approx(1, abs=0.02)
    assert float(log_p.exp().sum()) <= 1
    assert abs(noisy[:, 0].reshape(256, 200) * 255 - torch.arange(256).unsqueeze(1)).max() <= 0.5


# --- of a run


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Folder:
    return with_snapshot(tmp_path_factory.mktemp("runs"), "adgm")


def test_it_is_made_kept_and_read_again(folder):
    assert likelihood.of_run(folder, 1) is None
    arrays = likelihood.compute(folder, 1, samples=3, images=60)
    assert np.array_equal(arrays["bound"], likelihood.compute(folder, 1, samples=3, images=60)["bound"])
    found = likelihood.summed(folder.run, arrays)
    assert (found.images, found.samples) == (60, 3)
    assert found.one < found.bound < 0
    assert found.error == pytest.approx(arrays["bound"].std(ddof=1) / 60**0.5)
    assert math.isnan(found.bits)
    path = likelihood.kept_figures.keep(folder, 1, likelihood.OF, likelihood.METHOD, arrays)
    assert likelihood.of_run(folder, 1).bound == found.bound
    path.write_bytes(b"broken")
    with pytest.raises(LatentError, match="are damaged"):
        likelihood.of_run(folder, 1)
    path.unlink()


def test_weights_of_another_epoch_are_refused(folder):
    with pytest.raises(LatentError, match="went on after epoch 7"):
        likelihood.compute(folder, 7, samples=1, images=1)
    assert likelihood.kept_figures.progress(folder, 7, likelihood.OF, likelihood.METHOD) is None


@pytest.mark.parametrize(("model", "why"), [("supervised", "has no p"), ("m2-on-efficientnet", "the features h")])
def test_where_there_is_none_a_sentence_says_why(model, why):
    assert why in likelihood.why_not(Run.make("cifar10", model))


@pytest.mark.parametrize(
    ("dataset", "model", "said"),
    [("moons", "m2", "a density in the plane"), ("mnist", "m2", "black and white"), ("cifar10", "m2", "256 levels")],
)
def test_what_it_is_of_is_said(dataset, model, said):
    assert said in likelihood.says(Run.make(dataset, model))
    assert "x alone" in likelihood.says(Run.make("cifar10", "m1"))  # which explains filters' answers, too


def test_fewer_images_are_asked_about_where_classes_are_many():
    assert likelihood.images_for(Run.make("mnist", "m2")) == 500
    assert likelihood.images_for(Run.make("cifar100", "m2")) == 100
