"""Consistency with the reconstruction, and the warm-up: what they cost, exactly, and whom they move."""

from unittest import mock

import pytest
import torch
from tiny import CLASSES, binary, no_noise, small_data, tiny
from torch.distributions import Categorical

from data.split import split
from models import MODELS
from models.methods.consistency import divergence
from models.runs.run import Run
from models.training.checkpoint import Progress, load_progress, save_progress
from models.training.trainer import Trainer

EXACT = {"atol": 1e-12, "rtol": 1e-12}
NAMES = ["m2", "adgm", "sdgm"]
ALPHA = 2.0


def batch():
    return binary(5), torch.arange(5) % CLASSES, binary(7)


def classifier(model):
    """q(y|.) without noise."""
    return (lambda x: model.q_y(model.q_a(x).mean, x)) if hasattr(model, "q_a") else model.q_y


def test_the_divergence_is_a_kl_whose_target_gets_no_gradient():
    before, after = (torch.randn(6, 3, dtype=torch.double, requires_grad=True) for _ in range(2))
    cost = divergence(Categorical(logits=before), Categorical(logits=after))
    p, q = before.softmax(-1), after.softmax(-1)
    torch.testing.assert_close(cost, (p * (p / q).log()).sum(-1))
    assert (divergence(Categorical(logits=before), Categorical(logits=before + 1)).abs() < 1e-12).all()
    cost.sum().backward()
    assert before.grad is None
    torch.testing.assert_close(after.grad, (q - p).detach())


@pytest.mark.parametrize("name", NAMES)
def test_where_the_reconstruction_is_the_image_it_costs_nothing(name, exactly):
    model = tiny(name, reconstructed=0.7)
    x_l, y_l, x_u = batch()
    with no_noise():
        usual = model.terms(x_l, y_l, x_u, ALPHA)
        with mock.patch.object(type(model), "reconstruct", lambda self, x, k, a=None: x):
            terms = model.terms(x_l, y_l, x_u, ALPHA)
    assert terms["reconstructed"].abs() < 1e-12
    assert usual["reconstructed"] > 1e-3
    assert all(usual[t] == terms[t] for t in usual if t != "reconstructed")


@pytest.mark.parametrize("name", NAMES)
def test_it_is_the_kl_to_what_is_said_of_the_picture_of_the_likeliest_class(name, exactly):
    """And its weight, in units of alpha, changes no other term; 0 leaves J as it was."""
    model = tiny(name, reconstructed=0.7)
    x_l, y_l, x_u = batch()
    q = classifier(model)
    with no_noise():
        terms = model.terms(x_l, y_l, x_u, ALPHA)
        k = q(x_u).probs.argmax(-1)
        a = model.q_a(x_u).mean if name == "sdgm" else None
        seen = model.likelihood(k, model.posterior(x_u, k).mean, a).mean
        p, log_p, log_q = q(x_u).probs, q(x_u).logits, q(seen).logits
        without = tiny(name)
        without.load_state_dict(model.state_dict())
        of_without = without.terms(x_l, y_l, x_u, ALPHA)
    torch.testing.assert_close(terms["reconstructed"], 0.7 * ALPHA * (p * (log_p - log_q)).sum(-1).mean(), **EXACT)
    assert terms.keys() - of_without.keys() == {"reconstructed"}
    assert all(terms[t] == of_without[t] for t in of_without)
    assert "reconstructed" in MODELS[name].terms


@pytest.mark.parametrize("name", NAMES)
def test_it_teaches_the_decoder_what_the_classifier_takes_for_a_class(name, exactly):
    """p(x|.), q(z|.) and q(y|.) get a gradient, and steps down it alone make the two agree."""
    model = tiny(name, reconstructed=1.0)
    x_l, y_l, x_u = batch()
    first = model.terms(x_l, y_l, x_u, 1.0)["reconstructed"].detach()
    model.zero_grad()
    model.terms(x_l, y_l, x_u, 1.0)["reconstructed"].backward()
    for part in (model.p_x, model.q_z, model.q_y):
        assert any(p.grad is not None and p.grad.abs().max() > 1e-9 for p in part.parameters())
    decoder = torch.optim.Adam(model.p_x.parameters(), 0.05)
    for _ in range(60):
        decoder.zero_grad()
        model.terms(x_l, y_l, x_u, 1.0)["reconstructed"].backward()
        decoder.step()
    assert model.terms(x_l, y_l, x_u, 1.0)["reconstructed"] < 0.7 * first


@pytest.mark.parametrize("name", NAMES)
def test_what_one_image_costs_is_what_J_has(name, exactly):
    model = tiny(name, reconstructed=0.7)
    x = binary(1)
    with no_noise():
        found = model.terms_of_image(x[0], ALPHA, 3, x)
        terms = model.terms(x, torch.zeros(1, dtype=torch.long), x, ALPHA)
        model.settings = type(model.settings)(bound=0.0, reconstructed=0.7)
        off = model.terms_of_image(x[0], ALPHA, 3, x)
    torch.testing.assert_close(found["unlabelled"]["reconstructed"].mean(), terms["reconstructed"], **EXACT)
    assert "unlabelled" not in off, "without a bound there is nothing to reconstruct with"


# --- the warm-up


@pytest.mark.parametrize("name", ["m2", "adgm", "sdgm", "m1m2"])
@pytest.mark.parametrize(("progress", "weight"), [(0.0, 0.0), (0.1, 0.25), (0.4, 1.0), (0.9, 1.0)])
def test_the_kl_terms_gain_their_weight_along_a_line(name, progress, weight, exactly):
    model, whole = tiny(name, warm_up=0.4), tiny(name)
    assert model.state_dict().keys() - whole.state_dict().keys() == {"warm_up.progress"}
    whole.load_state_dict({k: v for k, v in model.state_dict().items() if k != "warm_up.progress"})
    model.before_step(progress)
    x_l, y_l, x_u = batch()
    with no_noise():
        terms, of_whole = model.terms(x_l, y_l, x_u, ALPHA), whole.terms(x_l, y_l, x_u, ALPHA)
        bounds = model.bound(x_u), whole.bound(x_u)
        log_q = whole.read(x_u).log_prob(whole.read(x_u).mean).mean() if name == "m1m2" else 0.0
    assert list(terms) == list(of_whole)
    for term, value in of_whole.items():
        kl = term.rpartition("/")[2] in ("kl_z", "kl_a", "code")
        expected = weight * value if kl else value
        if term == "unlabelled/kl_z1":  # of which M1's part is log q(z1|x)
            expected = value + (weight - 1) * log_q
        torch.testing.assert_close(terms[term], expected, **EXACT)
    torch.testing.assert_close(*bounds, **EXACT)  # the bound itself stays the bound


def test_a_run_that_goes_on_warms_up_from_where_it_was(tmp_path):
    """The weight is a tensor that stays where it is, for a GPU records a step once; a checkpoint keeps it."""
    images = split(small_data(), 20, 0)
    run = Run.make("digits", "adgm", 20, epochs=1, threads=1, custom={"warm_up": 0.5, "hidden": (8, 8)})
    trainer = Trainer(run, images, torch.device("cpu"))
    place = trainer.model.warm_up.progress.data_ptr()
    for step in range(3):
        trainer.step(step, 12)
    assert float(trainer.model.warm_up.weight()) == pytest.approx(2 / 12 / 0.5)
    assert trainer.model.warm_up.progress.data_ptr() == place
    save_progress(tmp_path, trainer, Progress())
    other = Trainer(run, images, torch.device("cpu"))
    load_progress(tmp_path, other)
    assert float(other.model.warm_up.weight()) == pytest.approx(2 / 12 / 0.5)
