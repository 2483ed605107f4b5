"""The estimate of the sum over classes is the sum, on average: its value and every gradient, exactly."""

from itertools import product
from unittest import mock

import pytest
import torch
from torch.distributions import Categorical

import data
from models import MODELS
from models.methods.class_sum import class_weights, proposal
from models.nn.settings import Settings
from tests.tiny import binary, noise, tiny

N, K = 4, 6
EXACT = {"atol": 1e-9, "rtol": 1e-9}


@pytest.fixture(autouse=True)
def exactly():
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    with torch.random.fork_rng():
        torch.manual_seed(5)
        yield
    torch.set_default_dtype(before)


def expected(f, q: Categorical, s: Settings) -> torch.Tensor:
    """The mean of f(drawn) over every possible draw, each image's draws weighed by how likely they are."""
    exact, drawn = s.classes_exact, s.classes_drawn
    r = proposal(q.probs.detach().sort(-1, descending=True).values[:, exact:])
    total = 0
    for picks in product(range(r.shape[1]), repeat=drawn):
        d = torch.tensor(picks).unsqueeze(-1).expand(drawn, len(r))
        total = total + r.T[list(picks)].prod(0) * f(d)
    return total


@pytest.mark.parametrize(("exact", "drawn"), [(1, 1), (2, 1), (1, 2), (4, 1), (3, 2)])
def test_the_estimate_is_the_full_sum_on_average_in_value_and_in_gradient(exact, drawn):
    s = Settings(classes_exact=exact, classes_drawn=drawn)
    logits = (3 * torch.randn(N, K)).requires_grad_()
    values = (100 * torch.randn(N, K)).requires_grad_()

    def estimate(d):
        chosen = class_weights(Categorical(logits=logits), s, d)
        return chosen.mean(values.T.gather(0, chosen.y))

    mean = expected(estimate, Categorical(logits=logits), s)
    full = (logits.softmax(-1) * values).sum(-1)
    torch.testing.assert_close(mean, full, **EXACT)
    torch.testing.assert_close(
        torch.autograd.grad(mean.sum(), [logits, values]), torch.autograd.grad(full.sum(), [logits, values]), **EXACT
    )


@pytest.mark.parametrize("name", ["m2", "adgm", "m2 with q(z|x,y)"])
def test_a_bound_from_a_few_classes_is_the_bound_on_average(name):
    """U(x), eqs 6 and 22, with the estimate against the sum over every class; every weight's gradient too."""
    model, x = tiny(name), binary(N)
    draws = (0.3, 0.7) if name == "adgm" else (0.3,)

    def U(s: Settings) -> torch.Tensor:
        model.settings = s
        with noise(*draws):
            return model.U(x)

    few = Settings(classes_exact=1, classes_drawn=1, encoder_sees_y=model.settings.encoder_sees_y)
    every = Settings(encoder_sees_y=model.settings.encoder_sees_y)
    with noise(*draws[:-1]), torch.no_grad():
        q = model.q_y(model.q_a(x).rsample(), x) if name == "adgm" else model.q_y(x)

    def estimate(d):
        with mock.patch("torch.multinomial", return_value=d.T):
            return U(few)

    mean, full = expected(estimate, q, few), U(every)
    torch.testing.assert_close(mean, full, **EXACT)
    weights = list(model.parameters())
    torch.testing.assert_close(
        torch.autograd.grad(mean.sum(), weights, allow_unused=True),
        torch.autograd.grad(full.sum(), weights, allow_unused=True),
        **EXACT,
    )
    one = estimate(torch.zeros(1, N, dtype=torch.long))
    assert (one - full).abs().max() > 1e-4  # a single draw is not the sum


def test_as_many_classes_as_there_are_is_the_sum_itself():
    q = Categorical(logits=torch.randn(N, K))
    for s in (Settings(), Settings(classes_exact=K), Settings(classes_exact=K - 1, classes_drawn=1)):
        chosen = class_weights(q, s)
        assert chosen.y.flatten().tolist() == list(range(K))
        torch.testing.assert_close(chosen.weight, q.probs.T)


def test_draws_follow_the_probabilities_of_the_rest():
    q = Categorical(probs=torch.tensor([[0.5, 0.3, 0.15, 0.05]]).expand(20_000, 4))
    y = class_weights(q, Settings(classes_exact=1, classes_drawn=1)).y
    assert (y[0] == 0).all()
    share = torch.bincount(y[1], minlength=4) / 20_000
    torch.testing.assert_close(share, torch.tensor([0, 0.6, 0.3, 0.1]), atol=0.02, rtol=0)


@pytest.mark.parametrize("sure", [40.0, 2000.0])
def test_a_classifier_that_is_sure_gives_finite_values_and_gradients(sure):
    """A probability of exactly 1 leaves nothing for the rest: no division by nought."""
    logits = torch.zeros(N, K).index_fill(1, torch.tensor([2]), sure).requires_grad_()
    chosen = class_weights(Categorical(logits=logits), Settings(classes_exact=1, classes_drawn=2))
    value = chosen.mean(1000.0 * torch.randn(K, N).gather(0, chosen.y))
    value.sum().backward()
    assert value.isfinite().all()
    assert logits.grad.isfinite().all()


def test_what_the_class_does_not_change_is_left_as_it_is():
    chosen = class_weights(Categorical(logits=torch.randn(N, K)), Settings(classes_exact=1))
    kl = torch.randn(N)
    assert chosen.mean(kl) is kl


@pytest.mark.parametrize("model", ["m2", "adgm", "m2-on-efficientnet", "adgm-on-efficientnet+efficientnet-lite2"])
@pytest.mark.parametrize("preset", ["tuned", "paper"])
def test_a_hundred_classes_cost_no_more_decoders_than_ten(model, preset):
    few, many = (MODELS[model].settings(data.DATASETS[d], preset) for d in ("cifar10", "cifar100"))
    evaluated = (few.classes_exact + few.classes_drawn) if few.classes_exact else 10
    assert many.classes_exact > 0  # it is an estimate
    assert many.classes_exact + many.classes_drawn <= evaluated
