"""Any method on the features of a frozen network: `--on`."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from test_inception import LITE, counted  # noqa: F401 (fixture)

import data
from models import MODELS, in_order, load_class, standing_on
from models.__main__ import main
from models.analysis import full_dataset, inference, objective_terms
from models.errors import RunError
from models.methods.frozen.model import OtherView
from models.nn import pretrained
from models.nn.pretrained_weights import WEIGHTS
from models.results import estimate
from models.runs.run import Run, on_backbone
from models.runs.store import Folder
from models.training.loop import train
from models.training.worker import work

ABLE = [name for name, card in MODELS.items() if "features" in card.kinds]
LEARNERS = [name for name in ABLE if MODELS[name].unlabelled]
ON = {name: standing_on(name, LITE) for name in ABLE}
TRAIN, TEST = 1_297, 500  # images of the digits


def run_of(model: str, **more: object) -> Run:
    return Run.make("digits", ON[model], 50, epochs=1, threads=1, device="cpu", custom=more)


def test_a_name_says_what_stands_on_what():
    assert ON["supervised"] == LITE, "labels only have a card of their own there"
    assert standing_on("m2", "") == "m2"
    assert ON["m2"] == "m2-on-efficientnet"
    assert ON["m2"] in MODELS
    assert ON["m2"] not in list(MODELS), "lists show methods, not every combination"
    assert MODELS[ON["m2"]].title == "M2 on EfficientNet-Lite0"
    assert not MODELS[ON["m2"]].draws
    for name in ("m2-on-", "m2-on-nothing", "m1-on-efficientnet", "-on-efficientnet", "efficientnet-on-efficientnet"):
        assert name not in MODELS
    assert in_order(["supervised", ON["adgm"], "adgm", ON["m2"], "m2"]) == [
        "m2",
        ON["m2"],
        "adgm",
        ON["adgm"],
        "supervised",
    ]


@pytest.mark.parametrize(
    ("model", "backbone", "says"),
    [("m1", LITE, "M1 cannot stand on the features"), ("m2", "vgg", "There is no backbone 'vgg'")],
)
def test_what_cannot_stand_there_is_said_in_a_sentence(model, backbone, says, capsys):
    with pytest.raises(RunError, match=says):
        on_backbone(model, backbone)
    assert main(["train", "--model", model, "--on", backbone]) == 2
    assert says in capsys.readouterr().err


def test_one_path_is_behind_both_lines():
    """`--model efficientnet` and `--model supervised --on efficientnet` are the same run; its line names it again."""
    run = Run.make("cifar10", standing_on("supervised", LITE), 1000)
    assert run == Run.make("cifar10", LITE, 1000)
    assert "--model efficientnet " in run.command()
    assert "--model m2 --on efficientnet " in Run.make("cifar10", ON["m2"], 1000).command()


def test_networks_that_are_joined_stand_side_by_side(counted, tmp_path):  # noqa: F811
    """Each network's features are kept by themselves: what one run has computed another does not compute again."""
    other = f"{LITE}-lite2"
    x = torch.rand(3, 1, 16, 16)
    one, two = pretrained.features(LITE, x, 1), pretrained.features(other, x, 1)
    assert torch.equal(pretrained.features(f"{LITE}+{other}", x, 1), torch.cat([one, two], -1))
    for backbone, computed in ((LITE, 1), (f"{LITE}+{other}", 1), (f"{other}+{LITE}", 0)):
        run = Run.make("digits", on_backbone("m2", backbone), 50, epochs=1, threads=1, device="cpu")
        folder, before = Folder.create(run, tmp_path), counted()
        assert work(folder) == "done", folder.status()["detail"]
        assert counted() - before == computed * 2 * (TRAIN + TEST)
        assert inference.q_y(folder, [0, -1]).shape == (2, 10)
    assert MODELS[run.model].title == "M2 on EfficientNet-Lite2 + Lite0"
    assert f"--on {other}+{LITE} " in run.command()
    with pytest.raises(RunError, match="names a network twice"):
        on_backbone("m2", f"{LITE}+{LITE}")
    with pytest.raises(RunError, match="There is no backbone 'vgg'"):
        on_backbone("m2", f"{LITE}+vgg")


def test_the_estimate_counts_what_each_network_has_seen(small_backbones, tmp_path):
    """Lite0's name is the beginning of Lite2's: what one has seen the other has not."""
    other = f"{LITE}-lite2"
    work(Folder.create(run_of("m2"), tmp_path))
    left = {on: estimate.looking(Run.make("digits", on_backbone("m2", on), 50)) for on in (LITE, other)}
    assert left == {LITE: 0.0, other: pytest.approx(2 * (TRAIN + TEST) / WEIGHTS[other].images_per_second)}
    both = Run.make("digits", on_backbone("m2", f"{LITE}+{other}"), 50)
    assert estimate.looking(both) == left[other]


@pytest.mark.parametrize("model", LEARNERS)
def test_a_method_on_features_is_its_class_on_a_vector(model, small_backbones):
    """The same weights, noise and h(x): the same terms of J to the last digit."""
    run = run_of(model, views=1)
    n_y, size = 10, pretrained.BACKBONES[LITE].features
    made = load_class(ON[model]).build((1, 16, 16), n_y, run.settings)
    plain = load_class(model).build((size, 1, 1), n_y, run.settings)
    plain.load_state_dict(made.state_dict())
    plain.look_through(OtherView(run.settings.augment))
    g = torch.Generator().manual_seed(0)
    h_l, h_u = torch.rand(20, size, generator=g), torch.rand(30, size, generator=g)
    y = torch.arange(20) % n_y
    found = []
    for method, shaped in ((made, lambda h: h), (plain, lambda h: h[..., None, None])):
        torch.manual_seed(1)
        found.append(method.terms(shaped(h_l), y, shaped(h_u), 2.0))
    assert found[0].keys() == found[1].keys()
    for name, value in found[0].items():
        assert torch.equal(value, found[1][name]), name


@pytest.mark.parametrize("model", LEARNERS)
def test_images_and_their_features_give_the_same(model, small_backbones):
    of = data.load("digits")
    made = load_class(ON[model]).build(of.shape, 10, run_of(model).settings).eval()
    x = torch.from_numpy(of.x_test[:6].copy()) / 255
    views = torch.stack([pretrained.features(LITE, x, view) for view in range(made.views)], 1)
    made.see_unlabelled(views)
    made.fit(views, torch.arange(6))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        by_image = made.classify_and_encode(x)
        torch.manual_seed(0)
        by_features = made.classify_and_encode(views)
    torch.testing.assert_close(by_image[0].probs, by_features[0].probs)
    for name, code in by_image[1].items():
        torch.testing.assert_close(code, by_features[1][name])
        assert code.shape[-1] <= 128


def test_of_two_views_one_is_drawn_and_the_other_is_its_augmentation():
    made = load_class(ON["m2"]).build((1, 16, 16), 10, run_of("m2").settings)
    views = torch.arange(40.0).view(40, 1, 1) + torch.tensor([0.0, 1000.0]).view(1, 2, 1).expand(40, 2, made.size)
    first, second = made.drawn(views)
    assert torch.equal(first + second, (views.sum(1))[..., None, None]), "of each image both views, once"
    assert 5 < (first[:, 0, 0, 0] >= 1000).sum() < 35, "either may be drawn"
    bare = OtherView(0.0)
    with bare.of((first, second)):
        assert bare(first) is second
        other = first.clone()
        assert bare(other) is other, "of images that are none of the step's nothing is known"
    assert bare(first) is first
    assert torch.equal(made.h(views), views.mean(1)[..., None, None]), "outside a step an image is the mean of both"


@pytest.mark.parametrize("model", LEARNERS)
def test_unlabelled_features_are_computed_once_and_timed_apart(model, counted, tmp_path):  # noqa: F811
    folder = Folder.create(run_of(model), tmp_path)
    assert work(folder) == "done", folder.status()["detail"]
    assert counted() == 2 * (TRAIN + TEST)
    assert folder.result()["feature_seconds"] > 0
    *_, again = train(run_of(model))
    assert counted() == 2 * (TRAIN + TEST)
    assert again["feature_seconds"] == 0
    assert again["test_accuracy"] == folder.result()["test_accuracy"], "the same run gives the same numbers"
    # What pages ask of it.
    codes = inference.encode(folder, [0, -1])
    assert set(codes) == set(MODELS[ON[model]].latents)
    assert inference.q_y(folder, [0, -1]).shape == (2, 10)
    assert full_dataset.why_not(ON[model]) is None
    _, unlabelled, _ = data.draw(data.load("digits"), 50, 0)
    before = counted()
    found = objective_terms.of_image(folder, int(unlabelled[0]), 10)
    assert np.isfinite(found["q_y"]).all()
    assert counted() == before, "what is kept is not computed again"


def test_it_learns_from_the_unlabelled_features(small_backbones):
    """Consistency on: the unlabelled images take part, for without them other weights come out."""
    run = replace(run_of("m2"), epochs=15)
    with_them = list(train(run))
    without = list(train(replace(run, settings=replace(run.settings, consistency=0.0))))
    assert with_them[-1]["test_accuracy"] > 0.3
    last = [[r for r in records if r["kind"] == "epoch"][-1]["terms"] for records in (with_them, without)]
    assert last[0]["classification"] != last[1]["classification"]


def test_the_shell_trains_and_lists_it(small_backbones, tmp_path, capsys):
    line = ["train", "--dataset", "digits", "--model", "m2", "--on", LITE, "--labels", "50", "--epochs", "1"]
    assert main([*line, "--threads", "1", "--json", "--runs", str(tmp_path)]) == 0
    records = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
    assert records[-1]["model"] == ON["m2"]
