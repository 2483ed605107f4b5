"""Contrastive pretraining: its cost by hand, what it moves and what not, and a run that goes through it."""

import itertools
import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

import data
from models import MODELS
from models.errors import RunError
from models.methods import pretraining
from models.methods.contrastive import Contrastive
from models.nn.augment import greyscale, resized_crop
from models.runs import finetune
from models.runs.run import Run
from models.runs.store import Folder
from models.training import trial
from models.training.loop import train
from models.training.trainer import Trainer, learning_rate
from models.training.worker import work
from pages.parts.shared import run_charts, run_metrics

CPU = torch.device("cpu")
SMALL = {"hidden": (32, 32), "width": 4, "n_z": 4, "n_a": 4, "batch_l": 50, "batch_u": 300, "bf16": False}
ABLE = [name for name, card in MODELS.items() if "contrastive_epochs" in card.reads and not card.frozen]


def small(model="m2", epochs=3, pretrained=2, dataset="digits", **settings):
    run = Run.make(dataset, model, epochs=epochs, device="cpu", threads=1)
    return replace(run, settings=replace(run.settings, **SMALL | settings, contrastive_epochs=pretrained))


def trainer_of(run):
    torch.manual_seed(run.seed)
    return Trainer(run, data.split(data.load(run.dataset), run.labels, run.seed), CPU)


def cost_of(v, monkeypatch):
    """Of vectors that stand for what the head makes of the views: i and n + i are of one image."""
    model = trainer_of(small()).contrastive
    with monkeypatch.context() as m:
        m.setattr(Contrastive, "view", lambda self, x: x)
        m.setattr(Contrastive, "project", lambda self, x: v)
        return model.nt_xent(torch.zeros(len(v) // 2, 1, 8, 8))


def test_the_cost_is_equation_1_written_out(monkeypatch):
    v = torch.nn.functional.normalize(torch.tensor([[1.0, 0.2], [0.1, 1.0], [0.9, -0.3], [-0.4, 0.8]]), dim=-1).double()
    found, tau = cost_of(v, monkeypatch), 0.2
    assert found.shape == (4,)
    for i, j in ((0, 2), (1, 3), (2, 0), (3, 1)):
        of = {
            k: math.exp(sum(a * b for a, b in zip(v[i].tolist(), v[k].tolist(), strict=True)) / tau) for k in range(4)
        }
        others = sum(value for k, value in of.items() if k != i)
        assert found[i].item() == pytest.approx(-math.log(of[j] / others), abs=1e-12)


def test_an_image_costs_the_mean_of_its_two_views(monkeypatch):
    model = trainer_of(small()).contrastive.train()  # batch norm spreads what an untaught network makes of images
    x = torch.rand(5, 1, 8, 8)
    views = iter([x, x.flip(-1)])
    monkeypatch.setattr(Contrastive, "view", lambda self, x: next(views))
    v = model.project(torch.cat([x, x.flip(-1)]))
    torch.testing.assert_close(v.norm(dim=-1), torch.ones(10))
    one, other = cost_of(v, monkeypatch).split(5)
    assert torch.cat([one, other]).std() > 0.1
    torch.testing.assert_close(model(x), (one + other) / 2)


@pytest.mark.parametrize("n", [1, 2, 3, 10])
def test_between_which_values_the_cost_lies(n, monkeypatch):
    """Views all alike: guessing. Images as far apart as can be, each with its two views in one place: the least."""
    alike = torch.ones(2 * n, 4).double() / 2
    assert cost_of(alike, monkeypatch).tolist() == pytest.approx([pretraining.guessing(n)] * 2 * n)
    simplex = torch.nn.functional.normalize(torch.eye(n).double() - (n > 1) / n, dim=-1)
    found = cost_of(simplex.repeat(2, 1), monkeypatch)
    assert found.tolist() == pytest.approx([pretraining.least(n)] * 2 * n)
    torch.manual_seed(0)
    for size in (1, 2, n):
        for spread in (0.0, 0.1, 1.0):
            v = simplex.repeat(2, 1)[:, :size] + spread * torch.randn(2 * n, size)
            cost = cost_of(torch.nn.functional.normalize(v, dim=-1), monkeypatch)
            assert cost.mean() >= pretraining.least(n) - 1e-9


def test_an_epochs_mean_is_that_over_batches_as_the_trainer_cuts_them():
    trainer = trainer_of(small(batch_u=5))
    sizes = [len(trainer.batch(step)[1]) for step in range(trainer.steps_per_epoch)]
    assert len(set(sizes)) == 2
    exact = sum(map(pretraining.guessing, sizes)) / len(sizes)
    found = pretraining.of_epoch(pretraining.guessing, sum(sizes), len(sizes))
    assert found == pytest.approx(exact, abs=1e-12)
    assert pretraining.of_epoch(pretraining.least, 12, 3) == pretraining.least(4)


def test_a_crop_is_a_part_of_the_image_enlarged():
    torch.manual_seed(0)
    across, down = (t.expand(500, 1, 32, 32) for t in torch.meshgrid(*[torch.linspace(0, 1, 32)] * 2, indexing="xy"))
    at = resized_crop(torch.cat([across, down], 1), 0.3, flip=False)
    assert at.min() >= -1e-6
    assert at.max() <= 1 + 1e-6, "no border is ever seen"
    width, height = (at[:, 0, 0, -1] - at[:, 0, 0, 0]) * 32 / 31, (at[:, 1, -1, 0] - at[:, 1, 0, 0]) * 32 / 31
    assert (width > 0).all(), "without flip none is mirrored"
    assert 0.3 - 0.03 < (width * height).min() < 0.35
    assert (width * height).max() > 0.9
    assert (width / height).min() > 3 / 4 - 0.05
    assert (width / height).max() < 4 / 3 + 0.05
    mirrored = resized_crop(across, 0.3, flip=True)
    assert 0.4 < (mirrored[:, 0, 0, -1] < mirrored[:, 0, 0, 0]).float().mean() < 0.6


def test_a_share_of_the_views_has_no_colours():
    x = torch.rand(1000, 3, 2, 2)
    grey = (greyscale(x, 0.2).std(1) < 1e-6).all(-1).all(-1)
    assert 0.15 < grey.float().mean() < 0.25
    assert torch.equal(greyscale(x, 0.0), x)


@pytest.mark.parametrize("model", ABLE)
def test_it_teaches_the_convolutions_alone_and_then_j_is_what_it_would_be(model):
    run = small(model, ema=0.9)
    trainer = trainer_of(run)
    assert trainer.pretraining_steps == 8
    convolutions = {id(p) for p in trainer.contrastive.body.parameters()}
    assert 0 < len(convolutions) < len(list(trainer.model.parameters()))
    before = [p.detach().clone() for p in trainer.model.parameters()]
    head = [p.detach().clone() for p in trainer.contrastive.head.parameters()]
    for step in range(8):
        value = trainer.step(step, 12)
        assert trainer.names == ["contrastive"]
        assert 0 < value.item() < 10
    for p, old in zip(trainer.model.parameters(), before, strict=True):
        assert torch.equal(p, old) == (id(p) not in convolutions)
    assert not any(torch.equal(p, old) for p, old in zip(trainer.contrastive.head.parameters(), head, strict=True))
    trainer.step(8, 12)
    assert "classification" in trainer.names
    assert "contrastive" not in trainer.names
    assert trainer.optimizer.param_groups[0]["lr"] == learning_rate(run, *trainer.model.rate_of(0, 4))
    assert {*trainer.names, "contrastive"} <= MODELS[model].terms.keys()


def test_the_learning_rate_of_pretraining_is_its_own():
    trainer = trainer_of(small(lr=1e-9, schedule="constant"))
    trainer.step(0, 12)
    assert trainer.optimizer.param_groups[0]["lr"] == pytest.approx(2e-3)
    trainer.step(8, 12)
    assert trainer.optimizer.param_groups[0]["lr"] == pytest.approx(1e-9)


def test_two_views_of_an_image_become_neighbours():
    """Of 300 images, how often an image's other view is the nearest of 599; chance is one in 599."""
    trainer = trainer_of(small(epochs=13, pretrained=12, width=8, batch_u=100))

    @torch.no_grad()
    def found():
        torch.manual_seed(1)
        x = trainer.x_u[:300].float() / 255
        trainer.contrastive.eval()
        v = trainer.contrastive.project(torch.cat([trainer.contrastive.view(x), trainer.contrastive.view(x)]))
        near = (v @ v.T).fill_diagonal_(-2).argmax(-1)
        return (near == torch.arange(600).roll(300)).float().mean().item()

    untaught = found()
    for step in range(trainer.pretraining_steps):
        trainer.step(step, 13 * trainer.steps_per_epoch)
    assert found() > untaught + 0.1  # .18 to .30 with six seeds


def test_stopped_in_its_middle_and_at_its_end_it_goes_on_as_if_it_had_not_been(tmp_path):
    run = small(augment=1.0, consistency=1.0, threshold=0.0, ema=0.9)
    whole = Folder.create(run, tmp_path)
    records = list(train(run, whole))
    by_epoch = {r["epoch"]: r.get("terms", {}).keys() for r in records if r["kind"] == "epoch"}
    assert [r["epoch"] for r in records if r["kind"] == "epoch" and "J" in r] == [3], "the cost before J is not J"
    assert by_epoch[1] == by_epoch[2] == {"contrastive"}
    assert "classification" in by_epoch[3]
    kept = load_file(whole.path / "model.safetensors")
    assert not any("head" in name for name in kept), "the projection head is thrown away"
    for steps in (3, 8, 9):
        cut = Folder.create(run, tmp_path)
        asked = itertools.count()
        list(train(run, cut, stop=lambda steps=steps, asked=asked: next(asked) >= steps))
        second = list(train(run, cut))
        assert second[0]["step"] == steps
        for name, values in load_file(cut.path / "model.safetensors").items():
            np.testing.assert_array_equal(values, kept[name], err_msg=name)


def test_a_run_that_goes_on_from_its_weights_has_pretraining_behind_it(tmp_path):
    parent = Folder.create(replace(small(), custom=("contrastive_epochs",)), tmp_path)
    assert work(parent) == "done"
    child = Folder.create(finetune.continued(parent, [], 1), tmp_path)
    assert child.run.custom == ()
    assert work(child) == "done"
    assert "classification" in child.records()[0][-2]["terms"]


def test_charts_and_progress_know_epochs_without_j(tmp_path):
    run = small()
    kept = Folder.create(run, tmp_path)
    for record in train(run, kept):
        kept.append(record)
        if record["kind"] == "epoch" and record["epoch"] == 1:
            assert run_metrics.metrics(kept).progress == pytest.approx(1 / 3)
    found = run_metrics.metrics(kept)
    assert min(found.steps, default=3) > 2
    assert max(found.means["contrastive"][0]) == 2
    assert min(found.means["classification"][0]) == 3
    step = {"kind": "step", "step": 2, "epoch": 1.5, "terms": {"contrastive": 2.0}}
    assert run_metrics.columns([step], 3).progress == 0.5
    after = {"kind": "step", "step": 5, "epoch": 2.5, "J": 4.0, "terms": {"classification": 4.0}}
    found = run_metrics.columns([step, after], 3)
    assert (found.steps, found.objective) == ([2.5], [4.0])
    assert found.terms["contrastive"] == ([1.5], [2.0])
    assert run_charts.before_J([kept]).startswith("The first 2 epochs are contrastive pretraining")
    assert run_charts.before_J([Folder.create(small(pretrained=1), tmp_path)]).startswith("The first epoch is")


def test_an_estimate_weighs_both_phases_by_their_steps(monkeypatch):
    """Of four epochs three are pretraining: three steps of seven seconds to one of a second."""
    clock = [0.0]

    def step(self, step, total):
        clock[0] += 7 if step < self.pretraining_steps else 1

    monkeypatch.setattr(Trainer, "step", step)
    monkeypatch.setattr(trial, "time", SimpleNamespace(perf_counter=lambda: clock[0], time=lambda: clock[0]))
    assert trial.measure(small(epochs=4, pretrained=3), 0.0)["step"] == pytest.approx((3 * 7 + 1) / 4)
    assert trial.measure(small(epochs=4, pretrained=0), 0.0)["step"] == pytest.approx(1)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"epochs": 2}, "has none left for J. Choose at most 1, or more epochs."),
        ({"net": "dense"}, "net=dense has none. Leave contrastive_epochs at 0"),
        ({"dataset": "moons"}, "on points in the plane: it is for images"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(wrong, says):
    custom = {"contrastive_epochs": 2} | {k: v for k, v in wrong.items() if k == "net"}
    more = {k: v for k, v in wrong.items() if k != "net"}
    with pytest.raises(RunError, match=says):
        Run.make(**{"dataset": "digits", "model": "m2", "custom": custom} | more)
    with pytest.raises(RunError, match="does not use the setting 'contrastive_epochs'"):
        Run.make("digits", "supervised", custom={"contrastive_epochs": 2})


def test_more_epochs_than_a_preset_has_may_be_asked_with_as_many_of_pretraining():
    usual = Run.make("mnist", "m2").epochs
    run = Run.make("mnist", "m2", epochs=3 * usual).with_custom({"contrastive_epochs": 2 * usual})
    assert run.settings.contrastive_epochs == 2 * usual
    assert "--set contrastive_epochs" in run.command()
    assert Run.make("mnist", "m2", custom={"contrastive_epochs": 5}).epochs == usual + 5, "those of J stay as many"
