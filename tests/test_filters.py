"""Filters: patches that answer as the papers say, learned without a label; what M1 and classifiers make of them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from tiny import log_normal, nodes
from torch.distributions import Normal

import data
from data import Images, split
from models import MODELS, load_class
from models.analysis import inference
from models.methods.m1.model import M1
from models.nn import patch_features as module
from models.nn.distributions import ConditionalNormal, ConditionalPixels, ConditionalReals
from models.nn.layers import Dense
from models.nn.patch_features import CONTRAST, GRID, SIDE, STRIDE, THRESHOLD, WHITEN, PatchFeatures, learn_filters
from models.runs.run import Run
from models.runs.store import Folder
from models.training.loop import train
from models.training.trainer import Trainer

CPU = torch.device("cpu")
SHAPE = (3, 16, 16)


def photographs(n=300, side=16):
    """Stripes in a colour and at a place of their own: their direction is the class, of ten."""
    rng = np.random.default_rng(0)
    y = np.arange(n) % 10
    down, right = np.mgrid[:side, :side]
    angle, phase = np.pi * y[:, None, None] / 10, 2 * np.pi * rng.random((n, 1, 1))
    wave = np.sin(2 * np.pi * (down * np.sin(angle) + right * np.cos(angle)) / 5 + phase)
    x = 60 * wave[:, None] + rng.uniform(70, 180, (n, 3, 1, 1)) + rng.normal(0, 5, (n, 3, side, side))
    return np.clip(x, 0, 255).astype(np.uint8), y


@pytest.fixture
def learned():
    torch.manual_seed(0)
    x = torch.from_numpy(photographs()[0])
    made = PatchFeatures(3, 8)
    made.learn(x)
    return made, x


@pytest.mark.usefixtures("exactly")
def test_an_answer_is_that_of_a_whitened_patch_to_a_whitened_patch(monkeypatch):
    """Coates, Lee & Ng 2011, patch by patch: normalise, whiten, multiply, keep what exceeds a half, mean over cells."""
    monkeypatch.setattr(module, "EACH", 81 * 3)  # more than there are, so nearly each patch is among them
    x = torch.rand(6, 3, 14, 14)
    made = PatchFeatures(3, 5).double()
    kept = []
    monkeypatch.setattr(module, "some_patches", lambda part: kept.append(every(part)) or kept[-1])
    made.learn(x)
    w = normalised(torch.cat(kept))
    mean, covariance = w.mean(0), torch.cov(w.T, correction=0)
    values, axes = torch.linalg.eigh(covariance)
    whiten = axes @ torch.diag((values + WHITEN) ** -0.5) @ axes.T
    seen = (normalised(every(x)) - mean) @ whiten
    lengths = seen.norm(dim=1, keepdim=True)
    d = made.weight.flatten(1) @ torch.linalg.inv(whiten)  # the filters as whitened patches
    torch.testing.assert_close(d.norm(dim=1), torch.ones(5))
    nearest = (d @ (seen / lengths).T).max(1).values  # each filter is one of the patches
    torch.testing.assert_close(nearest, torch.ones(5))
    a = (seen @ d.T).T.view(5, 6, 5, 5).transpose(0, 1)
    h = torch.cat([F.adaptive_avg_pool2d(F.relu(s * a - THRESHOLD), GRID).flatten(1) for s in (1, -1)], 1)
    torch.testing.assert_close(made.activations(x), h)
    torch.testing.assert_close(made(x), (h - h.mean(0)) / h.std(0).clamp_min(0.1 * h.std(0).mean()))


def every(x):
    """Every patch that h looks at, image by image."""
    return F.unfold(x, SIDE, stride=STRIDE).transpose(1, 2).flatten(0, 1)


def normalised(w):
    w = w - w.mean(1, keepdim=True)
    return w / (w.square().mean(1, keepdim=True) + CONTRAST).sqrt()


def test_h_has_mean_0_and_variance_1_over_the_images_it_was_learned_from(learned):
    made, x = learned
    h = made(x.float() / 255)
    assert h.shape == (300, 2 * 8 * 9) == (300, made.size)
    varied = h.std(0) > 0.5
    assert varied.sum() > 100
    torch.testing.assert_close(h.mean(0), torch.zeros(made.size), atol=1e-4, rtol=0)
    torch.testing.assert_close(h[:, varied].std(0), torch.ones(int(varied.sum())), atol=1e-3, rtol=0)


def test_what_never_answered_while_learning_does_not_drown_the_rest_when_it_does():
    torch.manual_seed(0)
    x = torch.from_numpy(photographs()[0]).float() / 255
    empty = x.clone()
    empty[..., 8:] = 0.5  # half of each image shows nothing
    made = PatchFeatures(3, 8)
    made.learn(empty)
    assert made(empty).std(0).min() < 1e-3
    assert made(x).abs().max() < 1000


def test_brightness_and_contrast_hardly_change_an_answer(learned):
    made, x = learned
    x = x[:50].float() / 255
    plain, changed = made.activations(x), made.activations(0.1 + 0.7 * x)
    assert (plain - changed).abs().max() < 0.05 * plain.max()
    assert (plain - made.activations(x.transpose(2, 3))).abs().max() > 0.5 * plain.max()


@pytest.mark.parametrize("model", ["m1", "m2", "adgm", "supervised"])
def test_filters_are_learned_from_what_is_unlabelled_or_of_the_floor_from_what_is_not(model):
    """And they are the same again, whatever the other images are."""
    x, y = photographs()
    images = Images("cifar10", x, y, x[:10], y[:10], tuple("0123456789"))
    run = Run.make("cifar10", model, labels=20, epochs=1, device="cpu")
    run = replace(run, settings=replace(run.settings, filters=4, hidden=(8,), width=4, n_z=2, bf16=False))
    seen = split(images, 20, 0)
    baseline = model == "supervised"
    same, other = ({name: 255 - getattr(seen, name)} for name in (("x_u", "x_l") if baseline else ("x_l", "x_u")))
    made = []
    for changed in ({}, same, other):
        torch.manual_seed(run.seed)
        network = Trainer(run, replace(seen, **changed), CPU).model
        (filters,) = (m for m in network.modules() if isinstance(m, PatchFeatures))
        made.append(filters.state_dict())
    assert made[0]["weight"].abs().max() > 0
    assert all(torch.equal(made[0][k], made[1][k]) for k in made[0])
    assert not torch.equal(made[0]["weight"], made[2]["weight"])


@pytest.mark.parametrize("model", ["m2", "adgm", "supervised"])
def test_a_classifier_with_filters_sees_them_beside_the_image(model):
    """Whatever the leading axes: first what convolutions find, then what is made of the answers; the class feels it."""
    torch.manual_seed(0)
    s = replace(MODELS[model].settings(data.DATASETS["cifar10"], "tuned"), filters=4, width=4)
    network = load_class(model).build(SHAPE, 10, s).eval()
    x = torch.from_numpy(photographs()[0])
    learn_filters(network, x)
    body = network.q_y.body if model != "adgm" else network.q_y.body.x
    x = x[:6] / 255
    seen = body(x)
    assert seen.shape == (6, 2 * 16)
    torch.testing.assert_close(body(x.view(2, 3, *SHAPE)), seen.view(2, 3, -1))
    torch.testing.assert_close(seen[:, :16], body.x(x))
    assert not torch.allclose(seen[:, 16:], body(x.flip(-1))[:, 16:])
    torch.manual_seed(1)  # ADGM's classify draws a
    before = network.classify(x).logits
    body.filters.weight.neg_()
    torch.testing.assert_close(body(x)[:, :16], seen[:, :16])
    assert not torch.allclose(body(x)[:, 16:], seen[:, 16:])
    torch.manual_seed(1)
    assert not torch.allclose(network.classify(x).logits, before)


@pytest.mark.usefixtures("exactly")
def test_with_filters_the_bound_is_that_of_the_image_and_its_answers():
    """Eq. 3 of p(x|z) p(h|z) p(z): below log p(x, h), and its printed form, every term a mean over the same z."""
    h = PatchFeatures(3, 1)
    h.weight.normal_()
    h.bias.normal_()
    h.mean.normal_()
    h.scale.uniform_(0.5, 2)
    given = h.size
    p_x = ConditionalPixels(Dense((1,), (4,), 3 * 14 * 14, norm=False), (3, 14, 14))
    p_h = ConditionalReals(Dense((1,), (4,), given, norm=False), given)
    m1 = M1(ConditionalNormal(Dense((given,), (4,), norm=False), 4, 1), p_x, 10, 1, filters=h, p_h=p_h).eval()
    with torch.no_grad():
        p_h.log_scale.uniform_(-0.5, 0.5)
    x = torch.rand(3, 3, 14, 14)
    q = m1.q_z(h(x)).base_dist
    t, w = nodes(801)
    z = q.mean + q.stddev * t.unsqueeze(1)  # (nodes, images, 1) by broadcasting
    assert z.shape == (801, 3, 1)
    log_p_h = Normal(p_h.body(z), p_h.log_scale.exp()).log_prob(h(x)).sum(-1)
    inside_q = m1.p_x(z).log_prob(x) + log_p_h + log_normal(z, torch.zeros(1), torch.ones(1))
    printed = -((inside_q - log_normal(z, q.mean, q.stddev)) * w.unsqueeze(-1)).sum(0)
    with torch.no_grad():
        draws = torch.cat([m1.bound(x.repeat(500, 1, 1, 1)).view(500, 3) for _ in range(8)])
    error = draws.std(0) / len(draws) ** 0.5
    assert ((draws.mean(0) - printed).abs() < 5 * error).all()
    assert (error < 0.01 * printed.abs()).all()
    assert set(m1.bound_terms(x)) == {"reconstruction", "filters", "kl_z"}
    prior, w = nodes(4001)
    prior = prior.unsqueeze(1)
    log_joint = m1.p_x(prior).log_prob(x) + Normal(p_h.body(prior), p_h.log_scale.exp()).log_prob(h(x)).sum(-1)
    assert (-printed < torch.logsumexp(log_joint + w.log().unsqueeze(-1), 0)).all()


def test_a_run_with_filters_keeps_them_and_reads_new_images_by_them(tmp_path, monkeypatch):
    """Trained, kept, read again by what looks inside; the direction of stripes, which is in h, can be read from z."""
    x, y = photographs(side=32)
    images = Images("cifar10", x[:250], y[:250], x[250:], y[250:], tuple("0123456789"))
    monkeypatch.setattr("data.load", lambda name: images)
    run = Run.make("cifar10", "m1", labels=50, epochs=20, device="cpu", threads=1)
    run = replace(run, settings=replace(run.settings, filters=32, hidden=(64,), n_z=16, batch_u=10, ema=0.9))
    run = replace(run, settings=replace(run.settings, flip=False, svm_mirrored=False))  # a mirror turns stripes
    folder = Folder.create(run, tmp_path)
    *records, result = train(run, folder)
    assert {"reconstruction", "filters", "kl_z"} == set(records[-1]["terms"])
    kept = load_file(folder.path / "model.safetensors")
    assert kept["filters.weight"].shape == (32, 3, SIDE, SIDE)
    model = inference.load(folder)
    torch.testing.assert_close(model.filters.weight, kept["filters.weight"])
    assert result["test_accuracy"] > result["raw_pixel_svm_accuracy"] + 0.1
