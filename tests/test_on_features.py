"""Any method on the features of a frozen network: `--on`."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest
from test_draw_page import DRAWN
from test_every_method import PAGES
from test_inception import LITE, counted  # noqa: F401 (fixture)
from test_pages import check, open_page, root, said  # noqa: F401 (fixture)

import data
from data import preprocess_drawing
from models import MODELS, in_order, load_class, standing_on
from models.__main__ import main
from models.analysis import full_dataset, inference, objective_terms
from models.errors import RunError
from models.methods.frozen.model import OtherView
from models.nn import pretrained, timm_weights
from models.nn.pretrained_weights import WEIGHTS
from models.results import estimate
from models.runs.run import Run, on_backbone
from models.runs.store import Folder, runs
from models.training.loop import train
from models.training.worker import work

ABLE = [name for name, card in MODELS.items() if "features" in card.kinds]
LEARNERS = [name for name in ABLE if MODELS[name].unlabelled]
ON = {name: standing_on(name, LITE) for name in ABLE}
JOINED = f"{LITE}+efficientnet-lite2"
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


def test_no_layer_of_q_is_as_wide_as_the_features_of_joined_networks():
    """Of three networks 3,840: with that an epoch of ADGM took 94 s, with 512 it takes 25 (docs/LOG.md)."""
    settings = run_of("adgm").settings
    made = load_class("adgm").build((3840, 1, 1), 10, settings)
    wide = {name for name, part in made.q_y.named_modules() if getattr(part, "out_features", 0) > settings.hidden[-1]}
    assert not wide
    assert any(getattr(part, "in_features", 0) == 3840 for part in made.q_y.modules())


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


@pytest.mark.parametrize("model", ["m2", "adgm"])
def test_it_has_no_likelihood_of_x_and_its_codes_a_use(model, small_backbones, tmp_path, capsys):
    """p(h(x)|.) is a density of features; the posterior of z has a prior all the same."""
    folder = Folder.create(run_of(model), tmp_path)
    assert work(folder) == "done"
    capsys.readouterr()
    assert main(["measure", folder.id, "--runs", str(tmp_path), "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert "log_p_x" not in found
    assert 0 <= found["active_z"] <= found["size_z"] == folder.run.settings.n_z
    assert found["nats_z"] > 0
    assert ("I_a_y" in found) == (model == "adgm")
    assert main(["measure", folder.id, "--runs", str(tmp_path)]) == 0
    assert "explains the features h(x), not the image" in capsys.readouterr().out


# --- pages


@pytest.mark.parametrize("model", ["m2", "supervised"])
def test_every_page_opens_with_a_run_on_joined_networks(model, root, small_backbones):  # noqa: F811
    run = Run.make("digits", on_backbone(model, JOINED), 50, epochs=1, threads=1, device="cpu")
    folder = Folder.create(run, root)
    assert work(folder) == "done", folder.status()["detail"]
    for page, key in (PAGES | {"equations": "run", "label": "run"}).items():
        more = {"drawing": preprocess_drawing.to_text(DRAWN)} if page == "draw" else {}
        check(open_page(f"pages/{page}.py", **{key: folder.id}, **more))
    check(open_page("app.py"))
    check(open_page("pages/results.py", dataset="digits"))


def train_page(*models: str) -> AppTest:
    """Train on photographs with "On features" open, which nothing is drawn in before."""
    app = open_page("pages/train.py", dataset="cifar10", models=",".join(models))
    assert not [w for w in app.multiselect if w.key == "networks"]
    app.session_state["on-features"] = True
    return app.run()


def test_train_puts_methods_on_joined_networks_and_the_address_says_so(root, small_backbones):  # noqa: F811
    app = train_page("m2")
    assert not [o for o in app.selectbox(key="more-models").options if " on " in o], "not the product of all"
    with pytest.raises(KeyError):
        app.pills(key="on-networks")
    app.multiselect(key="networks").set_value(["efficientnet-lite2", "efficientnet"]).run()
    app.pills(key="on-networks").set_value(["m2-on-" + JOINED]).run()
    check(app)
    app.pills(key="on-networks").set_value(["m2-on-" + JOINED, "supervised-on-" + JOINED]).run()
    chosen = ["m2", "m2-on-" + JOINED, "supervised-on-" + JOINED]
    assert app.pills(key="models").value == chosen
    assert app.query_params["models"] == ",".join(chosen)

    again = train_page(*chosen)
    assert again.pills(key="models").value == chosen
    assert again.multiselect(key="networks").value == ["efficientnet", "efficientnet-lite2"], "a link opens with them"
    assert again.pills(key="on-networks").value == chosen[1:]
    again.multiselect(key="networks").set_value(["efficientnet"]).run()
    again.pills(key="on-networks").set_value([LITE]).run()
    assert again.pills(key="models").value == [*chosen, LITE], "labels only have a card of their own there"
    again.pills(key="on-networks").set_value([]).run()
    assert again.pills(key="models").value == chosen
    again.session_state["on-features"] = False
    again.run()
    again.session_state["on-features"] = True
    again.run()
    assert again.multiselect(key="networks").value == ["efficientnet"], "as it was left"
    for _ in range(2):
        told = again.multiselect(key="networks").proto, again.pills(key="on-networks").proto
        assert not any(proto.set_value for proto in told), "what is told as somebody chooses takes the choice back"
        again.run()

    app = open_page("pages/train.py", models=chosen[1])
    assert not [m for m in app.multiselect if m.key == "networks"], "digits are no photographs"
    next(b for b in app.button if b.label == "Start").click().run()
    check(app)
    (folder,) = runs(root)
    assert f"--model m2 --on {JOINED} " in folder.run.command()


def test_train_takes_a_network_of_timm_that_is_here_and_refuses_others(root, small_backbones, monkeypatch):  # noqa: F811
    monkeypatch.setattr(timm_weights.OfTimm, "find", lambda self: root if "resnet18" in self.name else None)
    app = train_page("m2")
    field = app.text_input(key="timm-network")
    field.set_value("ResNet 18").run()
    assert "'ResNet 18' is no name of a network." in said(app)
    app.text_input(key="timm-network").set_value("resnet50").run()
    assert "The weights of timm's resnet50 are not on this machine." in said(app)
    assert "python -m models fetch timm:resnet50" in [code.value for code in app.code]
    assert not [p for p in app.pills if p.key == "on-networks"]
    app.text_input(key="timm-network").set_value("timm:resnet18.a1_in1k").run()
    app.multiselect(key="networks").set_value(["efficientnet"]).run()
    name = "adgm-on-efficientnet+timm:resnet18.a1_in1k"
    app.pills(key="on-networks").set_value([name]).run()
    check(app)
    assert app.query_params["models"] == f"m2,{name}"
    again = train_page(name)
    assert again.text_input(key="timm-network").value == "resnet18.a1_in1k"

    monkeypatch.setattr(timm_weights, "installed", lambda: False)
    app = train_page("m2-on-timm:vgg")
    check(app)
    assert not [t for t in app.text_input if t.key == "timm-network"]
