"""Parts taken off: what J is then, exactly; what the shell makes of it, and what is found and shown of such runs."""

import json
from dataclasses import replace

import pytest
import torch
from streamlit.testing.v1 import AppTest
from test_results_page import ROOT, quiet, root, said, visit  # noqa: F401 (fixtures)
from tiny import CLASSES, binary, no_noise, small_data, tiny

from data.split import split
from models import MODELS, load_class
from models.__main__ import main
from models.analysis import auxiliary_variable, objective_terms
from models.errors import RunError, StoreError
from models.methods.m2.model import M2
from models.nn.settings import Settings
from models.results import ablation, table
from models.runs.run import Run
from models.runs.store import Folder, runs
from models.training.trainer import Trainer
from models.training.worker import work
from pages.parts.compare import ablation as page
from tests import fake_runs

EXACT = {"atol": 1e-12, "rtol": 1e-12}
WITH_BOUND = ["m2", "adgm", "sdgm", "m1m2"]


def batch():
    return binary(5), torch.arange(5) % CLASSES, binary(7)


class Nobody(torch.nn.Module):
    """In place of a network that must not be asked."""

    def forward(self, *_):
        raise AssertionError("a network of the bound was asked")


@pytest.mark.parametrize("name", ["m2", "adgm", "sdgm"])
@pytest.mark.parametrize("consistency", [0.0, 0.7])
def test_without_the_bound_J_is_the_labels_and_consistency_and_asks_no_other_network(name, consistency, exactly):
    model = tiny(name, bound=0.0, consistency=consistency, threshold=0.0)
    whole = tiny(name, consistency=0.7, threshold=0.0)
    whole.load_state_dict(model.state_dict())
    x_l, y_l, x_u = batch()
    for part in ("q_z", "p_a", "p_x"):
        if hasattr(model, part):
            setattr(model, part, Nobody())
    with no_noise():
        terms = model.terms(x_l, y_l, x_u, 2.0)
        of_whole = whole.terms(x_l, y_l, x_u, 2.0)
    assert list(terms) == ["classification", "consistency"][: 1 + bool(consistency)]
    for term in terms:
        torch.testing.assert_close(terms[term], of_whole[term], **EXACT)


def test_without_bound_and_consistency_m2_takes_the_steps_of_labels_only():
    """On images, with augmentation and batch norm: the same weights of q(y|x) after each of five steps."""
    images = split(small_data(), 20, 0)
    off = {"bound": 0.0, "consistency": 0.0}
    trained, start = [], {}
    for model, custom in (("m2", off), ("supervised", {})):
        run = Run.make("digits", model, 20, epochs=1, threads=1, custom=custom)
        trainer = Trainer(run, images, torch.device("cpu"))
        if trained:
            trainer.model.load_state_dict({k: v for k, v in start.items() if k in trainer.model.state_dict()})
        else:
            start = {k: v.clone() for k, v in trainer.model.state_dict().items()}
        torch.manual_seed(3)
        J = [float(trainer.step(step, 100).sum()) for step in range(5)]
        trained.append((J, {k: v for k, v in trainer.model.state_dict().items() if k.startswith("q_y")}))
    assert trained[0][0] == trained[1][0]
    assert trained[0][1].keys() == trained[1][1].keys()
    for name, value in trained[0][1].items():
        assert torch.equal(value, trained[1][1][name]), name
    assert any(not torch.equal(value, start[name]) for name, value in trained[0][1].items()), "nothing was learned"


@pytest.mark.parametrize("name", WITH_BOUND)
def test_a_weight_of_the_bound_weighs_L_and_U_and_nothing_else(name, exactly):
    half, whole = tiny(name, bound=0.5, consistency=0.7, threshold=0.0), tiny(name, consistency=0.7, threshold=0.0)
    whole.load_state_dict(half.state_dict())
    x_l, y_l, x_u = batch()
    with no_noise():
        terms, of_whole = half.terms(x_l, y_l, x_u, 2.0), whole.terms(x_l, y_l, x_u, 2.0)
        log_q = whole.read(x_u).log_prob(whole.read(x_u).mean).mean() if name == "m1m2" else 0.0
    assert list(terms) == list(of_whole)
    for term, value in of_whole.items():
        expected = 0.5 * value if "/" in term else value
        if name == "m1m2" and term == "unlabelled/reconstruction":
            expected = value  # M1's own
        if name == "m1m2" and term == "unlabelled/kl_z1":
            expected = log_q + 0.5 * (value - log_q)
        torch.testing.assert_close(terms[term], expected, **EXACT)


def test_without_the_bound_of_m2_m1_learns_its_code_as_ever(exactly):
    off, whole = tiny("m1m2", bound=0.0), tiny("m1m2")
    whole.load_state_dict(off.state_dict())
    x_l, y_l, x_u = batch()
    found = []
    for model in (off, whole):
        with no_noise():
            model.J(x_l, y_l, x_u, 2.0).backward()
        found.append([p.grad.clone() for p in model.m1.parameters() if p.grad is not None])
    assert len(found[0]) == len(found[1]) > 4
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, atol=1e-9, rtol=1e-9)
    assert all(p.grad is None for p in off.m2.p_x.parameters())
    assert any(p.grad is not None for p in off.m2.q_y.parameters())


@pytest.mark.parametrize("net", ["dense", "tuned"])
def test_adgm_without_its_auxiliary_variable_is_m2_with_kingmas_encoder(net):
    s = Settings(net=net, hidden=(6, 6), n_z=3, n_a=3, width=4, consistency=0.7, threshold=0.0, augment=1.0)
    J = []
    for name, changes in (("adgm", {"auxiliary": False}), ("m2", {"encoder_sees_y": True})):
        torch.manual_seed(1)
        model = load_class(name).build((1, 16, 16), CLASSES, replace(s, **changes))
        x = torch.rand(12, 1, 16, 16)
        J.append(model.J(x[:5], torch.arange(5) % CLASSES, x[5:], 2.0))
        assert isinstance(model, M2)
        assert not any("q_a" in key or "p_a" in key for key in model.state_dict())
    assert torch.equal(*J)
    assert J[0].isfinite()


def test_the_shell_takes_a_part_off_as_set_does(capsys):
    """--bound off is --set bound=0; augmentation is several settings; "on" leaves a preset as it is."""
    from models.shell.parser import parser
    from models.shell.train import new_run

    def asked(*words: str) -> Run:
        return new_run(parser().parse_args(["train", *words]))

    usual = asked("--model", "adgm")
    assert asked("--model", "adgm", "--bound", "off") == asked("--model", "adgm", "--set", "bound=0")
    assert asked("--model", "adgm", "--auxiliary", "off").settings.auxiliary is False
    assert asked("--model", "adgm", "--consistency", "0.3").settings.consistency == 0.3
    assert asked("--model", "adgm", "--bound", "on", "--consistency", "on", "--augment", "on") == usual
    photographs = asked("--model", "m2", "--dataset", "cifar10", "--augment", "off")
    assert photographs.changes == "augment=0 flip=false color_jitter=0 cutout=0"
    assert asked("--model", "m1m2", "--consistency", "on").settings.consistency == 1.0  # its preset has none
    for words, why in (
        (("--model", "supervised", "--bound", "off"), "Labels only has no bound"),
        (("--model", "sdgm", "--auxiliary", "off"), "SDGM has no auxiliary variable"),
        (("--model", "m2", "--bound", "maybe"), "Choose a number"),
    ):
        with pytest.raises(RunError, match=why):
            asked(*words)
    assert main(["table", "--models", "supervised", "--bound", "off", "--dataset", "digits", "--no-train"]) == 2
    assert "has no bound" in capsys.readouterr().err


def test_a_runs_name_says_which_part_is_off():
    off = {"bound": 0.0, "consistency": 0.0}
    assert str(Run.make("digits", "adgm", 50, custom=off)) == "adgm-digits-50-s0-no-bound-no-consistency"
    assert str(Run.make("digits", "adgm", 50, custom={"bound": 0.0})) == "adgm-digits-50-s0-no-bound"
    other = Run.make("digits", "adgm", 50, custom={"bound": 0.0, "n_z": 3})
    assert "no-bound" not in str(other)
    assert other.without is None
    assert Run.make("digits", "adgm", 50, custom={"bound": 0.5}).without is None
    assert Run.make("digits", "adgm", 50).without == ()
    assert len(str(Run.make("cifar100", "fixmatch-on-efficientnet-lite1", 1000, custom={"consistency": 0.0}))) < 76


def test_an_ablation_is_every_part_once_and_finds_what_is_there(tmp_path, capsys):
    run = Run.make("digits", "adgm", 50, validation=200)
    versions = ablation.versions(run, (1, 0))
    assert [(v.title, v.runs[0].changes) for v in versions] == [
        ("ADGM", ""),
        ("ADGM without bound", "bound=0"),
        ("ADGM without consistency", "consistency=0"),
        ("ADGM without augmentation", "augment=0"),
        ("ADGM without auxiliary variable", "auxiliary=false"),
        ("ADGM without bound and consistency", "bound=0 consistency=0"),
        ("Labels only", ""),
    ]
    assert all(r.validation == 200 for v in versions for r in v.runs)
    assert [r.seed for r in versions[0].runs] == [0, 1]
    titles = [v.title for v in ablation.versions(Run.make("digits", "m1m2", 50), [0])]
    assert titles == ["M1+M2", "M1+M2 without bound", "M1+M2 without augmentation", "Labels only"]

    for custom, seed in (({}, 0), ({"bound": 0.0}, 0), ({"bound": 0.0}, 1)):
        fake_runs.make(tmp_path, dataset="digits", model="adgm", labels=50, seed=seed, custom=custom, threads=1)
    asked = ["ablate", "--model", "adgm", "--data", "digits", "--labels", "50", "--seeds", "0", "1", "--no-train"]
    assert main([*asked, "--runs", str(tmp_path), "--json"]) == 0
    found = {v["version"]: v for v in json.loads(capsys.readouterr().out)}
    assert [len(v["outcomes"]) for v in found.values()] == [1, 2, 0, 0, 0, 0, 0]
    assert found["ADGM without bound"]["mean"] == pytest.approx(0.96, abs=0.01)
    assert main([*asked, "--runs", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "not trained yet" in said
    assert "M2 with q(z|x,y)" in said
    assert main([*asked, "--runs", str(tmp_path), "--validation", "200", "--json"]) == 0
    assert not any(v["outcomes"] for v in json.loads(capsys.readouterr().out)), "those are of the test images"


def test_a_table_of_a_part_off_says_so(tmp_path, capsys):
    for seed in (0, 1):
        fake_runs.make(tmp_path, dataset="digits", model="adgm", labels=50, seed=seed, custom={"bound": 0.0})
    asked = ["table", "--dataset", "digits", "--models", "adgm", "--labels", "50", "--seeds", "2", "--bound", "off"]
    assert main([*asked, "--runs", str(tmp_path)]) == 0  # nothing is trained twice
    assert "ADGM, without bound" in capsys.readouterr().out
    assert not (tmp_path / "table.json").exists(), "that is of presets as they are"


def test_ablation_trains_what_is_missing_and_then_nothing(tmp_path, capfd):
    asked = ["ablate", "--model", "m1m2", "--labels", "20", "--seeds", "0", "--epochs", "1", "--threads", "1",
             "--validation", "100", "--set", "hidden=8", "--runs", str(tmp_path)]  # fmt: skip
    assert main(asked) == 0
    first = capfd.readouterr()
    assert "4 of 4 runs are not finished" in first.err
    assert "100 validation images" in first.out
    assert len(runs(tmp_path)) == 4
    assert main(asked) == 0
    again = capfd.readouterr()
    assert again.out == first.out
    assert "not finished" not in again.err


def test_results_show_each_version_and_without_any_the_command(root):  # noqa: F811
    app = visit(dataset="digits", labels=50)
    assert any("python -m models ablate --model adgm --dataset digits --labels 50" in c.value for c in app.code)
    for seed in (0, 1):
        for custom in ({}, {"bound": 0.0}, {"bound": 0.0, "consistency": 0.0}):
            fake_runs.make(root, dataset="digits", model="adgm", labels=50, seed=seed, custom=custom)
    fake_runs.make(root, dataset="digits", model="supervised", labels=50)
    fake_runs.make(root, dataset="digits", model="adgm", labels=50, custom={"bound": 0.0, "n_z": 3})
    rows = ablation.rows(table.Shelf(root, table.REFERENCE), "digits", 50, "tuned")
    assert [(row.model, row.changes, row.n) for row in rows] == [
        ("adgm", "", 2), ("adgm", "without bound", 2), ("adgm", "without bound and consistency", 2),
        ("supervised", "", 1),
    ]  # fmt: skip
    drawn_as = page.figure(rows, 50)
    assert [len(trace["x"]) for trace in drawn_as["data"]] == [2, 1, 2, 1, 2, 1, 1, 1]
    assert drawn_as["data"][2]["x"] == [100 * o.accuracy for o in rows[1].outcomes]
    assert "loses nothing" in page.claim(rows)
    worse = replace(rows[1], outcomes=tuple(replace(o, accuracy=o.accuracy - 0.1) for o in rows[1].outcomes))
    assert page.claim([rows[0], worse]) == "ADGM loses most without bound: 10.0 points"
    app = visit(dataset="digits", labels=50)
    assert "one standard deviation" in said(app)


def test_pages_know_of_no_auxiliary_variable_where_the_settings_leave_it_out():
    card, s = MODELS["adgm"], Settings(auxiliary=False)
    assert card.of(Settings()) is card.of(None) is card
    assert MODELS["sdgm"].of(s) is MODELS["sdgm"], "its class reads no such setting"
    alone = card.of(s)
    assert (alone.auxiliary, alone.latents, alone.encoder(s)) == ("", ("z",), "q(z|x,y)")
    p, q = alone.drawn(s)
    assert {*q.arrows} == {("x", "y"), ("x", "z"), ("y", "z")}
    assert (p.says, q.says) == ("y and z give x", "x gives y; y and x give z")
    assert "a" not in (*p.nodes, *q.nodes, *p.weighed, *q.weighed)


def test_maths_and_generate_show_runs_with_a_part_off(root):  # noqa: F811
    off = {custom: Run.make("digits", "adgm", 20, epochs=1, threads=1, custom={custom: value, "hidden": (8, 8)})
           for custom, value in (("auxiliary", False), ("bound", 0.0))}  # fmt: skip
    kept = {name: Folder.create(run, root) for name, run in off.items()}
    for folder in kept.values():
        assert work(folder) == "done"
    for name, folder in kept.items():
        for page_name in ("equations", "generate"):
            app = at(page_name, run=folder.id, model="adgm")
            if (page_name, name) == ("generate", "auxiliary"):
                assert not any("uxiliary" in option for group in app.segmented_control for option in group.options)
            if name == "bound":
                assert "This run’s J has no bound" in said(app)
    with pytest.raises(StoreError, match="leave a out"):
        auxiliary_variable.auxiliary(kept["auxiliary"], -1, (0, 1))
    found = {name: objective_terms.of_image(folder, 3, 10) for name, folder in kept.items()}
    assert "kl_a" not in found["auxiliary"]["U"]
    assert found["bound"]["bound_weight"] == 0


def at(page_name: str, **address: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=240)
    for key, value in address.items():
        app.query_params[key] = value
    return quiet(app.switch_page(f"pages/{page_name}.py").run())
