"""Figures that a job makes once a run: Compare asks for them by a button, says how far they are, and shows them."""

import json
import re

import fake_runs
import numpy as np
import pytest
from safetensors.numpy import save_file
from streamlit.testing.v1 import AppTest
from test_compare import drawn, make, open_page, quiet, root, said  # noqa: F401  # a fixture
from test_latent_page import open_page as open_latent

from models.__main__ import main
from models.analysis import judge, kept_figures, likelihood, sample_scores, usage
from models.runs.run import Run
from models.runs.store import PROJECT, Folder


@pytest.fixture(autouse=True)
def no_judge(monkeypatch, tmp_path):
    """Whatever lies in the cache of this machine."""
    monkeypatch.setattr(judge, "path_of", lambda dataset: tmp_path / "judge.safetensors")


def keep_likelihood(folder: Folder, bound: float) -> None:
    each = bound + np.array([-1.0, 1.0])
    arrays = {"bound": each, "one": each - 3, "samples": np.array([100])}
    kept_figures.keep(folder, 2, likelihood.OF, likelihood.METHOD, arrays)


def labels(app) -> list[str]:
    return [b.label for b in app.button]


@pytest.fixture
def three(root, engine) -> list[Folder]:  # noqa: F811
    return [make(root, m) for m in ("m2", "adgm", "supervised")]


def test_likelihoods_are_asked_for_by_a_button_and_no_sooner(three, engine):
    app = open_page(three)
    html = drawn(app)
    assert html.count("Not measured yet.") == 2
    assert "has no p(x|.), so there is no likelihood" in html
    assert not [a for a in engine.asked if a[3] == "likelihood"]
    button = next(b for b in app.button if b.label == "Compute the likelihoods")
    quiet(button.click().run())
    assert [a for a in engine.asked if a[3] == "likelihood"] == [(f.id, 2, "z", "likelihood") for f in three[:2]]
    app = open_page(three)
    assert "Compute the likelihoods" not in labels(app)
    assert "Waiting." in said(app)
    path = kept_figures.progress_path(three[0], 2, "z", "likelihood")
    path.parent.mkdir(exist_ok=True)
    path.write_text("0.4")
    assert "M2: 40 % done." in said(open_page(three))


def test_kept_likelihoods_are_shown_with_their_error_and_samples(three, engine):
    keep_likelihood(three[0], -90)
    keep_likelihood(three[1], -120)
    app = open_page(three)
    html = drawn(app)
    assert "<b>−90.0 ± 1.0 nats</b> per image" in html
    assert "100 samples for each of 2 test images; by one sample −93.0" in html
    assert "highest for M2" in " ".join(s.value for s in app.subheader)
    assert any("over grey levels it is not" in c.help for c in app.caption)
    assert "Compute the likelihoods" not in labels(app)
    keep_likelihood(three[1], -91)  # within the error
    assert "highest" not in " ".join(s.value for s in open_page(three).subheader)


def test_what_could_not_be_made_says_why_and_can_be_tried_again(three, engine):
    engine.fails("It diverged.", three[0].id, 2, "z", "likelihood")
    app = open_page(three)
    assert "It diverged." in drawn(app)
    assert "Compute the likelihoods" in labels(app)


def test_the_shell_prints_what_it_measures_and_keeps_the_usual(root, capsys):  # noqa: F811
    folder = make(root)
    assert main(["measure", folder.id, "--runs", str(root), "--samples", "2", "--images", "3", "--json"]) == 0
    out = capsys.readouterr().out
    assert '"samples": 2, "images": 3' in out
    assert not folder.map_path(2, "z", "likelihood").exists()
    keep_likelihood(folder, -90)
    assert main(["measure", folder.id, "--runs", str(root)]) == 0
    assert "log p(x) ≥ −90.0 ± 1.0 nats per image, by 100 samples for each of 2" in capsys.readouterr().out
    assert main(["measure", "no-such-run", "--runs", str(root)]) == 2
    other = make(root, "supervised")
    assert main(["measure", other.id, "--runs", str(root)]) == 0
    assert "has no p(x|.)" in capsys.readouterr().out


def keep_usage(folder: Folder, space: str, **more: float) -> usage.Usage:
    found = usage.Usage(np.array([0.001, 2.0, 0.5]), np.array([0.001, 0.9, 0.2]), 200, **more)
    arrays = {"cost": found.cost, "variance": found.variance, "images": np.array([200])}
    arrays["tells"] = np.array([found.tells, found.leaves_open])
    kept_figures.keep(folder, 2, space, usage.METHOD, arrays)
    return found


def test_use_of_z_and_a_is_asked_for_by_itself_and_stands_beside_the_likelihood(three, engine):
    open_page(three)
    asked = [a[:3] for a in engine.asked if a[3] == "usage"]
    assert asked == [(three[0].id, 2, "z"), (three[1].id, 2, "z"), (three[1].id, 2, "a")]
    keep_usage(three[0], "z")
    keep_usage(three[1], "a", tells=2e-4, leaves_open=0.3)
    html = drawn(open_page(three))
    assert "<b>z: 2 of 3 active</b>, 2.50 nats in all" in html
    assert "q(y|a,x) hardly looks at a" in html


@pytest.mark.parametrize("space", ["z", "a"])
def test_latent_space_draws_a_bar_for_each_dimension_the_largest_first(root, engine, space):  # noqa: F811
    run = make(root, "adgm")
    keep_usage(run, space, **({} if space == "z" else {"tells": 0.2, "leaves_open": 0.3}))
    app = open_latent("latent", run=run.id, space=space)
    assert f"How much of {space} is used: 2 of 3 dimensions active, 2.50 nats in all" in [
        s.value for s in app.subheader
    ]
    bars = re.findall(rf'<i( class="idle")? style="height:([\d.]+)%" title="({space}\d): ([\d.]+) nats">', drawn(app))
    assert bars == [("", "100.00", f"{space}2", "2.00"), ("", "25.00", f"{space}3", "0.50"),
                    (' class="idle"', "0.05", f"{space}1", "0.001")]  # fmt: skip
    assert ("I(a;y|x) is 0.20" in said(app)) == (space == "a")


def test_a_run_without_a_prior_of_its_codes_or_that_goes_on_has_no_such_section(root, engine):  # noqa: F811
    for run in (make(root, "supervised"), make(root, "m2", state="running")):
        app = open_latent("latent", run=run.id)
        assert "is used" not in " ".join(s.value for s in app.subheader)
    assert not [a for a in engine.asked if a[3] == "usage"]


def keep_scores(folder: Folder) -> None:
    arrays = {
        "taken": np.array([0.9] * 9 + [0.4]), "variety": np.array([0.5] + [0.8] * 9), "samples": np.array([100]),
        "judge": np.array([0.991]), "epochs": np.array([1, 2]), "taken_by": np.array([0.2, 0.85]),
        "variety_by": np.array([1.4, 0.77]), "grid": np.array([80]),
    }  # fmt: skip
    kept_figures.keep(folder, 2, sample_scores.OF, sample_scores.METHOD, arrays)


def heads(app) -> str:
    return " ".join(s.value for s in app.subheader)


def test_without_a_judge_a_button_trains_it_and_says_so(root, engine):  # noqa: F811
    run = make(root)
    for app in (open_latent("generate", run=run.id, show="classes"), open_page([run])):
        assert "Digits has no judge yet, a classifier trained on all its 1,297 labels" in said(app)
        assert "python -m models judge --dataset digits" in said(app)
        assert not [a for a in engine.asked if a[3] == "samples"]
    next(b for b in app.button if b.label == "Score the samples").click().run()
    assert [a for a in engine.asked if a[3] == "samples"] == [(run.id, 2, "z", "samples")]


def test_with_a_judge_samples_are_scored_by_themselves_and_shown(root, engine, monkeypatch):  # noqa: F811
    monkeypatch.setattr(judge, "accuracy", lambda dataset: 0.991)
    run, other = make(root), make(root, "supervised")
    open_latent("generate", run=run.id, show="classes")
    assert [a for a in engine.asked if a[3] == "samples"] == [(run.id, 2, "z", "samples")]
    keep_scores(run)
    app = open_latent("generate", run=run.id, show="classes")
    assert "85.0 % of 1,000 samples are taken for their class; they are 0.77 times as varied as the data" in heads(app)
    assert "learned all 1,297 labels and classifies 99.1 % of the test images correctly" in said(app)
    assert "Least often 9: 40 %. Least varied 0: 0.50." in said(app)
    html = drawn(app)
    assert 'style="height:20.0%" title="After epoch 1: 20 % taken, variety 1.40"' in html
    assert 'style="height:85.0%"' in html
    text = said(open_page([run, other]))
    assert "85.0 % taken for their class, 0.77 times as varied as the data" in text
    assert "by a classifier trained on all labels, itself 99.1 % right." in text


def test_the_shell_says_that_there_is_no_judge_or_what_it_says(root, capsys):  # noqa: F811
    folder = make(root)
    keep_likelihood(folder, -90)
    keep_usage(folder, "z")
    assert main(["measure", folder.id, "--runs", str(root)]) == 0
    assert "Digits has no judge yet: `python -m models judge --dataset digits`" in capsys.readouterr().out
    keep_scores(folder)
    assert main(["measure", folder.id, "--runs", str(root), "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["taken"], found["judge"], found["active_z"]) == (pytest.approx(0.85), 0.991, 2)
    assert main(["judge", "--dataset", "moons"]) == 2


def test_the_shell_trains_a_judge_once(capsys, monkeypatch):
    monkeypatch.setitem(judge.EPOCHS, "small", 1)
    assert main(["judge"]) == 0
    first = capsys.readouterr()
    assert "Training labels only on all 1,297 labels of Digits" in first.err
    assert main(["judge"]) == 0
    assert capsys.readouterr() == (first.out, "")


def test_the_table_has_what_was_measured_of_its_runs(root, capsys):  # noqa: F811
    folder = Folder.create(Run.make("digits", "adgm"), root)
    make_kept(folder)
    assert main(["table", "--no-train", "--dataset", "digits", "--models", "adgm,m2", "--runs", str(root)]) == 0
    out = capsys.readouterr().out
    assert "Digits, measured of runs that were trained here:" in out
    (line,) = [row for row in out.partition("measured of")[2].splitlines() if "2 of 3" in row]
    assert re.split(r"  +", line) == ["ADGM", "100", "-90.0", "2 of 3", "under .001", ".850", "0.77", "1"]
    assert (
        main(["table", "--no-train", "--json", "--dataset", "digits", "--models", "adgm,m2", "--runs", str(root)]) == 0
    )
    adgm, m2 = [r["measured"] for r in json.loads(capsys.readouterr().out) if r["labels"] == 100]
    assert m2 == {}
    assert (adgm["runs"], adgm["log_p_nats"], adgm["z_active"], adgm["z_dimensions"]) == (1, -90, 2, 3)
    assert adgm["samples_taken_for_y"] == pytest.approx(0.85)
    assert "bits_per_dimension" not in adgm


def test_results_has_what_was_measured_of_its_runs(root, engine):  # noqa: F811
    make_kept(Folder.create(Run.make("digits", "adgm"), root))
    app = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=240)
    app.query_params.update({"dataset": "digits", "labels": "100"})
    app.switch_page("pages/results.py").run()
    assert not app.exception
    [shown] = [t.value for t in app.dataframe if "log p(x), nats" in t.value.columns]
    assert shown.to_dict("list") | {"Model": ["ADGM"], "Taken for y": [".850"]} == shown.to_dict("list")


def make_kept(folder: Folder) -> None:
    """A finished run of today's preset, with all that can be measured of it."""
    (folder.path / "latents").mkdir()
    save_file({"z": np.zeros((1, 2), np.float16)}, folder.path / "latents" / "0002.safetensors")
    fake_runs.finish(folder)
    folder.set_status("done")
    keep_likelihood(folder, -90)
    keep_usage(folder, "z")
    keep_usage(folder, "a", tells=2e-4, leaves_open=0.3)
    keep_scores(folder)
