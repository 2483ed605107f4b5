"""How much of each latent variable is used: held against closed forms, and against the terms that training has."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from test_inside import with_snapshot
from test_quadrature import model_of
from tiny import SHAPE, tiny
from torch.distributions import Categorical

from models.analysis import kept_figures, latent_costs, usage
from models.errors import StoreError
from models.runs.run import Run
from models.runs.store import Folder

exact = pytest.mark.usefixtures("exactly")


@pytest.fixture
def x():
    return torch.bernoulli(torch.full((6, *SHAPE), 0.5, dtype=torch.float64))


@exact
@pytest.mark.parametrize("kind", ["m1", "m2", "m2 with q(z|x,y)", "adgm", "sdgm", "m1m2"])
def test_costs_add_up_to_the_terms_that_training_has(kind, x):
    model = tiny(kind)
    z, _ = latent_costs.of_images(model, x, True, 3000)
    many = x.repeat(3000, 1, 1, 1)
    with torch.no_grad():
        if not model.sees_class:
            expected = {"kl_z": model.bound_terms(x)["kl_z"]}
        else:
            q_y, conditions = model.q_y_and_draws(many)
            terms = model.L_terms(many, torch.arange(3).unsqueeze(-1), **conditions)
            expected = {
                name: (q_y.probs.T * terms[name]).sum(0).view(3000, len(x)).mean(0) for name in terms if "kl" in name
            }
    if kind != "m1m2":  # whose q(z|z1,y) is far from p(z) at some draws: its z1 is, too
        assert torch.allclose(z.sum(-1), expected["kl_z"], rtol=0.1, atol=0.05)
    if "kl_a" in expected:
        a, _ = latent_costs.of_images(model, x, False, 3000)
        error = 0.1 * expected["kl_a"].abs() + 0.5
        assert ((a.sum(-1) - expected["kl_a"]).abs() < error).all(), (a.sum(-1), expected["kl_a"])


@exact
def test_a_posterior_that_is_the_prior_costs_nothing_and_is_not_active():
    model = model_of("m2", 2)
    for part in (model.q_z.loc, model.q_z.log_scale):
        part.weight.data[1] = 0
        part.bias.data[1] = 0
    cost, code = latent_costs.of_images(model, torch.randn(50, 2, 1, 1), True, 1)
    assert torch.allclose(cost[:, 1], torch.zeros(50))
    assert (cost[:, 0] > 0).all()
    found = usage.Usage(cost.mean(0).numpy(), code.var(0).numpy(), 50)
    assert (found.active, found.size) == (1, 2)


@exact
def test_i_a_y_is_none_where_q_y_does_not_see_a_and_all_where_a_decides(x):
    model = tiny("adgm")
    some = latent_costs.told(model, x, 400)
    assert (some[:, 0] > 0).all()
    assert (some[:, 0] <= some[:, 1] + 1e-9).all()
    assert (some[:, 1] <= math.log(3)).all()
    model.q_y.body.first.parts[0].weight.data.zero_()
    assert latent_costs.told(model, x, 400)[:, 0].abs().max() < 1e-9
    half = torch.distributions.Independent(torch.distributions.Normal(torch.zeros(6, 1), 1), 1)
    model = SimpleNamespace(
        auxiliary_posterior=lambda x: half,
        classify_at=lambda x, a: Categorical(logits=1e3 * torch.cat([a, -a, 0 * a - 1e3], -1)),
    )
    decided = latent_costs.told(model, x, 4000)
    assert torch.allclose(decided, torch.full((6, 2), math.log(2)), atol=0.02)


# --- of a run


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Folder:
    return with_snapshot(tmp_path_factory.mktemp("runs"), "adgm")


def test_it_is_made_kept_and_read_again(folder):
    for space, size in (("z", 3), ("a", 2)):
        assert usage.of_run(folder, 1, space) is None
        usage.make(folder.path, space, 1)
        found = usage.of_run(folder, 1, space)
        assert (found.size, found.images) == (size, 500)
        assert math.isnan(found.tells) == (space == "z")
        assert kept_figures.progress(folder, 1, space, usage.METHOD) is None
    with pytest.raises(StoreError, match="has no h"):
        usage.compute(folder, 1, "h")


def test_what_is_said_of_a_comes_from_the_figure():
    def said(tells: float) -> str:
        return usage.telling("a", usage.Usage(np.zeros(2), np.zeros(2), 500, tells, 0.25))

    assert said(2e-4) == (
        "I(a;y|x) is under .001 nats, of the 0.25 nats that q(y|x) leaves open: q(y|a,x) hardly looks at a."
    )
    assert "I(a;y|x) is 0.12 of the 0.25 nats" in said(0.12)
    assert "hardly" not in said(0.12)
    assert said(math.nan) == ""


def test_where_nothing_can_be_said_a_sentence_says_why():
    assert "no prior to collapse to" in usage.why_not(Run.make("digits", "supervised"))
    assert usage.why_not(Run.make("digits", "adgm"), "a") == ""
    assert usage.why_not(Run.make("digits", "m1m2"), "z1") == ""
    assert "has no a" in usage.why_not(Run.make("digits", "m2"), "a")
    assert usage.why_not(Run.make("cifar10", "m2-on-efficientnet")) == ""
