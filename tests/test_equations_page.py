"""The page Equations, driven without a browser: every method, every kind of run and address; what it shows adds up."""

import csv
import io
import itertools
import json
import math
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from fake_runs import make as fake
from fake_runs import objective
from streamlit.testing.v1 import AppTest
from test_contrastive import small
from test_inception import LITE, nowhere, run_of  # noqa: F401 (fixtures)
from test_inside import SMALL, weights

import data
from data import preprocess_drawing
from models import FIRST, IMAGE_MODELS, MODELS, load_class
from models.analysis import door, inference, read_source
from models.methods.method import Method
from models.nn.augment import to_float
from models.runs.run import Run
from models.runs.store import FINAL, Folder
from models.training.loop import train
from models.training.worker import work
from pages.parts.maths import objective_terms as terms_shown
from pages.parts.maths import waterfall
from pages.parts.maths.waterfall import Part, Sum, apportion, bars, by_class, figure
from pages.parts.shared.run_metrics import columns
from tests.kinds import IMAGE_LEARNERS

ROOT = Path(__file__).parents[1]
TRAINED = [model for model in IMAGE_LEARNERS if not MODELS[model].frozen]
CONSISTENT = [model for model, card in MODELS.items() if "consistency" in card.terms and not card.draws]
NUMBER = re.compile(r"[−+]?[\d,]+\.\d\d")


@pytest.fixture
def runs(tmp_path, monkeypatch, no_supervisor) -> Path:
    monkeypatch.setenv("FEWLABELS_RUNS", str(tmp_path))
    return tmp_path


def made(root: Path, model: str, dataset: str = "digits", state: str = "done", **settings) -> Folder:
    folder = Folder.create(replace(Run.make(dataset, model), settings=replace(SMALL, **settings)), root)
    weights(folder, seed=0)
    for epoch in (1, 2):
        folder.append({"kind": "epoch", "step": epoch, "epoch": epoch, **objective(folder.run, epoch)})
    folder.set_status(state)
    return folder


def visit(**address: object) -> AppTest:
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=280)
    at.switch_page("pages/equations.py")
    for key, value in address.items():
        at.query_params[key] = str(value)
    return quiet(at.run())


def quiet(at: AppTest) -> AppTest:
    assert not at.exception, at.exception[0].stack_trace
    assert not at.error
    return at


def drawn(at: AppTest) -> str:
    return "".join(e.proto.body for e in at.get("html"))


def said(at: AppTest) -> str:
    return " ".join(e.value for e in (*at.caption, *at.markdown))


def formulas(at: AppTest) -> str:
    return " ".join(e.value for e in at.latex)


def falls(html: str) -> list[list[float]]:
    """The figures of each waterfall, the total last."""
    found = []
    for fall in re.findall(r'<div class="eq-fall">(.*?)</div></div>', html, re.S):
        amounts = re.findall(r"<em>([^<]+?)(?: <small>|</em>)", fall)
        found.append([float(a.replace("−", "-").replace(",", "")) for a in amounts])
    return found


def one_of(kind: str, i: int = 0) -> int:
    labelled, unlabelled, _ = data.draw(data.load("digits"), 100, 0)
    return -1 - i if kind == "test" else int((labelled if kind == "labelled" else unlabelled)[i])


@pytest.mark.parametrize("model", IMAGE_MODELS)
def test_every_equation_of_every_method_without_any_run(runs, model, no_examples):
    at = visit(model=model)
    code = "\n".join(e.value for e in at.code)
    plain = re.sub(r"\\textcolor\{#\w+\}\{", "", formulas(at)).replace("}", "")
    for written in read_source.equations(model):
        assert any(f"[{written.title}]" in s.value for s in at.subheader)
        assert written.latex.replace("}", "") in plain
        assert written.code in code
    assert "How the code reads the paper" in [s.value for s in at.subheader]
    assert "Its terms for an image need a run of this method" in said(at)
    assert 'role="img"' in drawn(at)
    assert "| Symbol | Meaning | In the code |" in said(at)


def sums(model: str, kind: str) -> list[str]:
    """The sums that the page shows of an image: one for each equation with terms, and J's for what the image is to it.

    What an unlabelled image adds is not known outside training where the method remembers it from earlier epochs.
    """
    of = load_class(model)
    known = {"classification", "labelled", "bound", "L", "U"}
    if of.training_state is Method.training_state:
        known |= {"unlabelled", "consistency"}
    found = []
    for written in read_source.equations(model):
        if written.name == "J":
            found += [f"J, {k}" for k in ("labelled", "unlabelled") if kind in (k, "test") and k in known]
        elif written.name in known:
            found.append(written.name)
    return found


@pytest.mark.parametrize("kind", ["labelled", "unlabelled", "test"])
@pytest.mark.parametrize("model", TRAINED)
def test_what_is_shown_adds_up(runs, model, kind):
    # At a noise and a threshold at which untrained weights have a cost that is seen.
    folder = made(runs, model, consistency=1.0, ramp_up=0.0, threshold=0.05, noise=1.0)
    at = visit(run=folder.id, image=one_of(kind, 4))
    found = falls(drawn(at))
    shown = sums(model, kind)
    assert len(found) == len(shown)
    for *terms, total in found:
        assert round(sum(terms), 2) == total
    if model in CONSISTENT:
        by_name = dict(zip(shown, found, strict=True))
        for of, costs in {"J, labelled": "classification", "J, unlabelled": "consistency"}.items():
            if of in by_name:
                assert by_name[of][-1] > 0
                assert by_name[of] == by_name.get(costs, by_name[of]), "J holds what its equation says"
    if model in ("m2", "adgm"):
        L, U, cost, *J = found
        own = round(L[-1] + cost[-1], 2)
        if kind != "unlabelled":
            assert J[0][-1] == own
        if kind != "labelled":
            assert J[-1][: len(U) - 1] == U[:-1]
            assert J[-1][-1] == round(U[-1] + J[-1][-2], 2)
        assert len(L) == 1 + (3 if model == "m2" else 4)
        table = re.search(r'<div class="eq-by">.*?</div>', drawn(at), re.S)[0]
        figures = [float(a.replace("−", "-").replace(",", "")) for a in re.findall(r"<em[^>]*>([−\d.,]+)</em>", table)]
        *_, whole, entropy, shown = figures
        assert shown == U[-1] == round(whole + entropy, 2)
        of_class = figures[: 2 * 10]
        assert round(sum(of_class[1::2]), 2) == whole
        assert L[-1] in of_class[::2]  # the class taken apart is a row of the table
    assert f"{kind}" in said(at) or kind in drawn(at)


@pytest.mark.parametrize("model", ["m2", "adgm"])
def test_the_class_of_an_unlabelled_image_is_for_looking_only(runs, model):
    at = visit(run=made(runs, model).id, image=one_of("unlabelled"))
    assert "for looking only" in drawn(at)
    assert "One of 1,197 unlabelled images: what it adds to their sum in J" in drawn(at)
    assert "One of 100 labelled images: what" not in drawn(at)


def test_beside_the_runs_mean(runs):
    folder = made(runs, "m2")
    at = visit(run=folder.id, image=one_of("labelled"))
    mean = sum(v for n, v in objective(folder.run, 2)["terms"].items() if n.startswith("labelled/"))
    (told,) = re.findall(
        r"This image costs ([\d,.]+) nats (more|less) than the mean of the labelled images, each", said(at)
    )
    L = falls(drawn(at))[0][-1]
    excess = float(told[0].replace(",", "")) * (1 if told[1] == "more" else -1)
    assert excess == pytest.approx(L - mean, abs=0.03)
    assert "as recorded in epoch 2" in said(at)


def test_the_chart_follows_a_term(runs):
    folder = made(runs, "m2")
    at = visit(run=folder.id)
    assert at.selectbox(key="term").value == "L"
    quiet(at.selectbox(key="term").set_value("unlabelled/entropy").run())
    assert at.query_params["term"] == "unlabelled/entropy"


def test_choosing_an_image(runs):
    at = visit(run=made(runs, "m2").id)
    assert "Training image" in drawn(at)
    quiet(at.segmented_control(key="eq_kind").set_value("test").run())
    assert "<b>Test image 0</b>" in drawn(at)
    quiet(at.number_input(key="eq_number").set_value(499).run())
    assert "<b>Test image 499</b>" in drawn(at)
    assert at.query_params["image"] == "-500"
    quiet(at.pills(key="eq_pick").set_value(-482).run())
    assert "<b>Test image 481</b>" in drawn(at)
    (button,) = [b for b in at.button if b.label == "Another image"]
    quiet(button.click().run())
    assert "<b>Test image 481</b>" not in drawn(at)
    quiet(at.segmented_control(key="eq_kind").set_value("unlabelled").run())
    assert "One of the 1,197 unlabelled images" in drawn(at)


def test_another_class_taken_apart(runs):
    at = visit(run=made(runs, "adgm").id, image=one_of("labelled"))
    own = falls(drawn(at))[0]
    true = int(data.load("digits").y[one_of("labelled")])
    other = str((true + 3) % 10)
    quiet(at.selectbox(key="y").set_value(other).run())
    assert f"L(x,y) for y = {other}" in drawn(at)
    assert falls(drawn(at))[0] != own
    assert falls(drawn(visit(run=at.query_params["run"], image=one_of("labelled"), y=other)))[0] == falls(drawn(at))[0]


def test_more_draws_have_a_smaller_error(runs):
    folder = made(runs, "m2")

    def error(at):
        return float(re.search(r"± ([\d.]+)</small>", drawn(at))[1])

    at = visit(run=folder.id)
    first = error(at)
    quiet(at.segmented_control(key="draws").set_value(100).run())
    assert "Means over 100 draws" in drawn(at)
    assert error(at) < first


def test_a_link_to_an_equation_shows_the_same(runs):
    folder = made(runs, "adgm")
    at = visit(model="adgm", eq="22", run=folder.id, image=-7, draws=30)
    assert at.pills(key="eq").value == "22"
    link = re.search(r'href="\?(model=adgm&amp;eq=22[^"]*)"', drawn(at))[1]
    address = dict(part.split("=") for part in link.split("&amp;"))
    assert address == {"model": "adgm", "eq": "22", "run": folder.id, "image": "-7", "draws": "30"}
    again = visit(**address)
    assert falls(drawn(again)) == falls(drawn(at))


def test_another_method_shows_its_own_run(runs, no_examples):
    m2, adgm = made(runs, "m2"), made(runs, "adgm")
    at = visit(run=m2.id, eq="6L")
    quiet(at.segmented_control(key="model").set_value("adgm").run())
    assert at.selectbox(key="run").value == adgm.id
    assert "address asks" not in said(at)
    assert any("[Eq. 21]" in s.value for s in at.subheader)
    quiet(at.segmented_control(key="model").set_value("m1").run())
    assert "need a run of this method" in said(at)
    assert any("[Eq. 3]" in s.value for s in at.subheader)


def test_four_methods_are_shown_and_any_other_on_request(runs, no_examples):
    """One that was asked for stands among them while it is chosen; a link to it opens it."""
    other = next(name for name in IMAGE_MODELS if name not in FIRST)

    def shown(at):
        return at.segmented_control(key="model").options

    first = [MODELS[name].legend for name in FIRST]
    at = visit(eq="6L")
    assert shown(at) == first
    assert len(at.selectbox(key="more-methods").options) == len(IMAGE_MODELS) - len(FIRST)
    quiet(at.selectbox(key="more-methods").set_value(other).run())
    assert at.query_params["model"] == other
    assert at.segmented_control(key="model").value == other
    assert sorted(shown(at)) == sorted([*first, MODELS[other].legend])
    assert at.selectbox(key="more-methods").value is None
    assert MODELS[other].title not in at.selectbox(key="more-methods").options
    assert "address asks" not in said(at), "the equation of the method before is not asked for"
    assert shown(visit(model=other)) == shown(at)
    quiet(at.segmented_control(key="model").set_value("m1").run())
    assert shown(at) == first


def test_kingmas_encoder_is_named(runs):
    at = visit(run=made(runs, "m2", encoder_sees_y=True).id)
    assert "KL[q(z|x,y) ‖ p(z)]" in drawn(at)
    assert "Kingma" in said(at)


@pytest.mark.parametrize(
    "address",
    [
        {"model": "<b>", "run": "../../etc/passwd", "image": "1e9", "draws": "0", "y": "11", "eq": "999", "term": "J"},
        {"model": "", "run": "", "image": "", "draws": "", "y": "", "eq": "", "term": ""},
        {"model": "m2", "image": "-501", "draws": "nan", "y": "-1", "eq": "6L'><script>", "term": "%00"},
        {"image": "1297"},
        {"image": "٣"},
    ],
)
def test_nonsense_in_the_address_is_left_out(runs, address):
    made(runs, "m2")
    at = visit(**address)
    assert f"<b>Training image {one_of('labelled')}</b>" in drawn(at)
    assert "script" not in drawn(at)


@pytest.mark.parametrize("kind", ["labelled", "unlabelled"])
@pytest.mark.parametrize("model", CONSISTENT)
def test_what_an_image_costs_a_method_without_a_bound(runs, model, kind):
    """Of an unlabelled one the agreement, unless only training knows it; the sentence names the method's paper."""
    folder = made(runs, model, consistency=1.0, threshold=0.05)
    at = visit(run=folder.id, image=one_of(kind, 4))
    text = said(at).replace("\\", "")
    assert f" of {MODELS[model].paper} for this {kind} image" in text
    assert (", in nats" in text) == MODELS[model].in_nats
    if model == "fixmatch":
        assert {"labelled": "Eq. 3 of", "unlabelled": "Eq. 4 of"}[kind] in text
    unknown = "known while the method learns" in text
    assert ("With its label, it would add this." in text) == (unknown and kind == "unlabelled")
    assert len(falls(drawn(at))) >= (kind == "labelled" if unknown else 2)


def test_a_run_of_another_method_than_the_address_says(runs):
    m1 = made(runs, "m1")
    made(runs, "m2")
    at = visit(model="m2", run=m1.id)
    assert "which is not here or cannot be shown on this page" in said(at)
    assert any("[Eq. 12]" in s.value for s in at.subheader)


@pytest.mark.parametrize("state", ["queued", "running", "stopped", "failed", "done"])
@pytest.mark.parametrize("model", IMAGE_MODELS)
def test_runs_without_weights(runs, model, state):
    folder = fake(runs, state, model=model, epochs=2)
    at = visit(run=folder.id)
    why = "it ended without weights" if state in FINAL else "its weights come with its first epoch"
    assert why in said(at)
    first = next(w.title for w in read_source.equations(model))
    assert any(f"[{first}]" in s.value for s in at.subheader)


@pytest.mark.parametrize("state", ["running", "stopped", "failed", "lost"])
@pytest.mark.parametrize("model", ["m1", "m2"])
def test_runs_that_did_not_end_are_shown_as_far_as_they_came(runs, model, state):
    folder = made(runs, model)
    held = folder.lock() if state == "running" else None
    folder.set_status(state)
    assert falls(drawn(visit(run=folder.id)))
    assert held != 0


def test_damaged_and_diverged_weights(runs):
    folder = made(runs, "m2")
    (folder.path / "model.safetensors").write_bytes(b"no")
    assert "is damaged" in said(visit(run=folder.id))


def test_a_run_that_vanishes_while_the_page_is_drawn(runs, monkeypatch):
    from models.analysis import inference
    from models.errors import StoreError

    def gone(*asked, **given):
        raise StoreError("It is not there any more.")

    monkeypatch.setattr(inference, "swap", gone)
    at = visit(run=made(runs, "m2").id)
    assert "It is not there any more" in said(at)
    assert len(falls(drawn(at))) > 3


def test_records_that_no_run_of_ours_wrote(runs):
    folder = made(runs, "m2")
    folder.append({"kind": "epoch", "epoch": 3, "terms": {"labelled/kl_z": float("nan"), "new": 3.0}, "step": 3})
    at = visit(run=folder.id)
    assert falls(drawn(at))
    folder.append({"kind": "epoch", "epoch": 4, "terms": ["a"], "step": 4})
    at = visit(run=folder.id)
    assert not falls(drawn(at))  # the run is damaged now: its row on Start says so (tests/test_damaged.py)


def test_a_data_set_that_is_not_here(runs, tmp_path, monkeypatch):
    monkeypatch.setenv("FEWLABELS_CACHE", str(tmp_path / "nothing"))
    monkeypatch.delenv("FEWLABELS_DATA", raising=False)
    at = visit(run=made(runs, "m2", "cifar100").id)
    assert "CIFAR-100 is not ready on this machine" in said(at)
    assert any("[Eq. 12]" in s.value for s in at.subheader)


def test_a_frozen_run(small_backbones, runs):
    folder = Folder.create(run_of(), runs)
    work(folder)
    at = visit(run=folder.id)
    (costs,) = falls(drawn(at))
    assert costs[0] == costs[1] >= 0
    assert "±" not in re.search(r'eq-fall">.*', drawn(at), re.S)[0]
    assert folder.run.model == LITE


def test_a_frozen_run_without_its_network(nowhere, monkeypatch):  # noqa: F811
    from models import load_class
    from models.nn import pretrained
    from models.training.checkpoint import save_tensors

    monkeypatch.setenv("FEWLABELS_RUNS", str(nowhere / "runs"))
    folder = Folder.create(Run.make("digits", "inception"), nowhere / "runs")
    model = load_class("inception").build((1, 16, 16), 10, folder.run.settings)
    save_tensors(folder.path / "model.safetensors", model.state_dict())
    folder.set_status("done")
    pretrained.ready.cache_clear()
    assert "models fetch inception" in said(visit(run=folder.id)).replace("\\", "")


def test_the_csv_has_every_figure(runs):
    folder = made(runs, "adgm", consistency=1.0)
    at = visit(run=folder.id, image=-1)
    assert "Terms as CSV" in [b.label for b in at.get("download_button")]
    from models.analysis import objective_terms
    from pages.parts.maths import objective_terms as page_terms

    found = objective_terms.of_image(folder, -1, 10)
    usual = {"labelled/kl_z": 1.5}
    live = page_terms.Live(folder, 2, -1, found, found["true"], tuple("0123456789"), usual, 2)
    rows = list(csv.DictReader(io.StringIO(page_terms.table(live))))
    L = [r for r in rows if r["quantity"] == "L" and r["class"] == "3"]
    assert [r["term"] for r in L] == ["reconstruction", "prior_y", "kl_z", "kl_a", "total"]
    assert sum(float(r["mean_nats"]) for r in L[:-1]) == pytest.approx(float(L[-1]["mean_nats"]))
    assert float(L[0]["mean_nats"]) == found["L"]["reconstruction"][3].mean()
    assert {r["run_mean_nats"] for r in rows if r["term"] == "kl_z" and r["quantity"] == "L"} == {"1.5"}
    assert {r["quantity"] for r in rows} == {"L", "U", "classification", "consistency"}


# --- what a run learned before J


def levels(at: AppTest) -> list[float]:
    """Guessing, what was recorded, and the least there can be."""
    (found,) = re.findall(r'<div class="eq-fall eq-levels">(.*?)</div></div>', drawn(at), re.S)
    return [float(a) for a in re.findall(r"<em[^>]*>([\d.]+)</em>", found)]


def trained(root: Path, steps: int | None = None) -> Folder:
    """A run of three epochs of four steps, the first two of them contrastive pretraining; stopped after `steps`."""
    folder = Folder.create(small(), root)
    asked = itertools.count()
    for record in train(folder.run, folder, stop=lambda: steps is not None and next(asked) >= steps):
        folder.append(record)
    folder.set_status("done" if steps is None else "stopped")
    return folder


def test_a_run_that_began_with_pretraining_shows_its_cost_beside_the_code(runs):
    folder = trained(runs)
    at = visit(run=folder.id, image=one_of("unlabelled"), eq="Chen1")
    assert at.pills(key="eq").value == "Chen1"
    assert "eq. 1 of Chen et al. 2020" in " ".join(at.pills(key="eq").options)
    assert any("[Eq. 1 of Chen et al. 2020]" in s.value for s in at.subheader)
    (written,) = read_source.before(folder.run.settings)
    assert written.code in [e.value for e in at.code]
    assert r"\sum_{k\ne i}\exp(\mathrm{sim}(v_i,v_k)/\tau)" in formulas(at)
    text = said(at).replace("\\", "")
    assert "This run began with two epochs" in text
    assert "Chen et al., A Simple Framework for Contrastive Learning" in text
    assert "| $v_i$ |" in text, "its symbols are explained"
    assert "has no figure of its own" in text

    # From the records as they lie in the file, and the batches as the trainer makes them.
    records = [json.loads(line) for line in folder.metrics.read_text().splitlines()]
    (cost,) = [r["terms"]["contrastive"] for r in records if r["kind"] == "epoch" and r["epoch"] == 2]
    n = 1197 / 4  # unlabelled images in a batch: three of 299 and one of 300
    guessing, least = math.log(2 * n - 1), math.log(1 + (2 * n - 2) * math.exp(-n / (n - 1) / 0.2))
    assert levels(at) == pytest.approx([guessing, cost, least], abs=0.006)
    assert least < cost < guessing
    assert "Recorded over epoch 2, the last of pretraining" in drawn(at)
    right, chance = (100 * math.exp(-c) for c in (cost, guessing))
    told = re.search(
        r"right one of (\d+) other views .* probability of ([\d.]+) % .* guessing gives it ([\d.]+) %", text
    )
    assert [*map(float, told.groups())] == pytest.approx([598, right, chance], abs=0.51)
    assert float(told[3]) == pytest.approx(chance, rel=0.5)
    assert float(told[2]) > float(told[3])

    found = door.ask("terms", folder, id=0, draws=10)
    live = terms_shown.Live(folder, 3, 0, found, found["true"], tuple("0123456789"), {}, 3)
    rows = [r for r in csv.DictReader(io.StringIO(terms_shown.table(live))) if r["quantity"] == "contrastive"]
    assert [float(r["run_mean_nats"] or r["mean_nats"]) for r in rows] == pytest.approx(
        [cost, guessing, least], abs=1e-3
    )


@pytest.mark.parametrize(("steps", "says"), [(5, "Recorded over epoch 1, of 2 so far"), (2, "")])
def test_a_run_that_stopped_in_its_pretraining(runs, steps, says):
    at = visit(run=trained(runs, steps).id)
    assert any("[Eq. 1 of Chen et al. 2020]" in s.value for s in at.subheader)
    if says:
        assert says in drawn(at)
        assert len(levels(at)) == 3
    else:
        assert "eq-levels" not in drawn(at)
        assert "recorded no epoch of pretraining yet" in said(at)


def test_pretraining_is_shown_without_weights_and_not_with_a_run_that_had_none(runs, no_examples):
    begun = Folder.create(small("fixmatch", pretrained=1), runs)
    at = visit(run=begun.id, eq="Chen1")
    assert "began with one epoch of it" in said(at)
    assert r"\ell_{i,j}" in formulas(at)
    assert "| $v_i$ |" in said(at)
    assert "eq-levels" not in drawn(at)
    for address in ({"run": made(runs, "m2").id}, {"model": "m1"}):
        at = visit(**address, eq="Chen1")
        assert r"\ell_{i,j}" not in formulas(at)
        assert "contrastive pretraining" not in said(at).lower()
        assert not any("retraining" in s.value for s in at.subheader)
        assert "address asks for an equation" in said(at)


# --- the objective above all


def objective_of(at: AppTest) -> tuple[str, list[float], list[float]]:
    """The formula, the figures below its terms with their sum, and those that J adds."""
    (formula,) = [e.value for e in at.markdown if r"\underbrace" in e.value]
    bound, _, added = formula.partition(r"\mathcal J")
    number = r"(-?\d(?:[\d.]|\{,\})*)"
    amounts = [re.findall(rf"(?:textstyle |mathbf\{{){number}", part) for part in (bound, added)]
    return formula, *([float(a.replace("{,}", "")) for a in part] for part in amounts)


@pytest.mark.parametrize("kind", ["labelled", "unlabelled", "test"])
@pytest.mark.parametrize("model", [name for name, card in IMAGE_MODELS.items() if card.draws])
def test_the_objective_at_the_top_is_the_models_own_and_that_of_the_bars(runs, model, kind):
    folder, id = made(runs, model, consistency=1.0), one_of(kind, 4)
    at = visit(run=folder.id, image=id)
    formula, (*terms, total), added = objective_of(at)
    assert round(sum(terms), 2) == total
    labelled = kind == "labelled" and model != "m1"
    fall = falls(drawn(at))[0 if labelled or model == "m1" else 1]
    assert [*terms, total] == fall
    assert formula.startswith(rf"$-\log p({'x,y' if labelled else 'x'})\;\leq")
    number = MODELS[model].generative.class_bound if labelled else MODELS[model].generative.bound
    assert f"{number[0].upper()}{number[1:]} of the paper for this {kind} image, in nats" in said(at)
    if labelled:
        assert added == falls(drawn(at))[2][-1:]

    # The same by the model's own distributions, in the same noise.
    net = inference.load(folder)
    x = to_float(torch.from_numpy(data.pixels(data.load("digits"), [id])))
    with inference.computing():
        many = x.expand(10, *x.shape[1:])
        if model == "m1":
            own = net.bound_terms(many)
        else:
            y = int(data.load("digits").y[id]) if labelled else 0
            q, given = net.q_y_and_draws(many)
            L = net.L_terms(many, torch.arange(10).unsqueeze(-1), **given)
            L = {name: t.broadcast_to(10, 10) for name, t in L.items()}
            q = q.probs.broadcast_to(10, 10)
            own = {name: t[y] if labelled else (q.T * t).sum(0) for name, t in L.items()}
            own |= {} if labelled else {"entropy": (q * q.log()).sum(-1)}
    exact = {name: float(t.mean()) for name, t in own.items()}
    found = door.ask("terms", folder, id=id, draws=10)
    given = found["bound"] if model == "m1" else found["U"]
    if labelled:
        given = {name: t[y] for name, t in found["L"].items()}
    assert {name: float(t.mean()) for name, t in given.items()} == pytest.approx(exact, abs=1e-3)
    assert terms == pytest.approx(list(exact.values()), abs=0.005 + 1e-3)


def test_the_objective_of_the_baseline_is_what_the_label_costs(runs):
    at = visit(run=made(runs, "supervised").id, image=one_of("unlabelled"))
    _, bound, (cost,) = objective_of(at)
    assert (bound, [cost, cost]) == ([], falls(drawn(at))[0])
    assert "With its label, it would add this." in said(at)


# --- the image on its way


def flows(at: AppTest) -> list[dict]:
    """What each flow picture is given."""
    protos = [e.proto for e in at.get("bidi_component") if e.proto.component_name == "few_labels_flow"]
    return [json.loads(p.mixed.json or p.json) for p in protos]


def test_runs_beside_each_other_are_handed_the_models_own_figures(runs):
    folders = [made(runs, model) for model in TRAINED[:3]]
    at = visit(runs=",".join(f.id for f in folders), image=-8)
    given = flows(at)
    assert [g["label"] for g in given] == [f"Test image 7 on its way through {m}" for m in ("M1", "M2", "ADGM")]
    image = data.pixels(data.load("digits"), [-8])[0]
    for folder, g in zip(folders, given, strict=True):
        found = door.ask("flow", folder, image=image)
        for name, exact in {"q": found.q_y_at, "z": found.z, "z_sd": found.z_sd, "kl": found.kl}.items():
            assert np.abs(np.array(g[name]) - exact).max() < 1e-3
        assert g["image"] == image.reshape(-1).tolist()
        assert g["decoder"]["url"]
    assert [[n["name"] for n in g["nodes"]] for g in given] == [["x", "y", "z", "p"]] * 2 + [["x", "a", "y", "z", "p"]]
    assert ["z", "y", True] in given[0]["edges"]
    assert ["y", "p", False] not in given[0]["edges"]
    assert {("y", "p"), ("z", "p"), ("x", "z")} <= {tuple(e[:2]) for e in given[1]["edges"]}
    assert "the mean over draws of a" in given[2]["mean_q"]
    assert at.query_params["run"] == folders[0].id
    begin = {"k": None, "a": 0, "draw": 0, "moved": [0.0, 0.0]}
    assert all(g["chosen"] == begin for g in given)
    again = visit(
        runs=",".join(f.id for f in folders), image=-8, at="9,nan", **{"as2": 3, "at2": "0.5,-1.2", "sample3": 2}
    )
    assert [g["chosen"] for g in flows(again)] == [
        begin, begin | {"k": 3, "moved": [0.5, -1.2]}, begin | {"a": 2}
    ]  # fmt: skip
    quiet(again.segmented_control(key="eq_kind").set_value("labelled").run())
    assert all(g["chosen"] == begin for g in flows(again))
    quiet(at.multiselect(key="beside").set_value([folders[2].id]).run())
    assert at.query_params["runs"] == f"{folders[0].id},{folders[2].id}"
    quiet(at.segmented_control(key="plane").set_value("two").run())
    quiet(at.selectbox(key="za").set_value(3).run())
    assert [g["plane"]["titles"] for g in flows(at)] == [["z3", "z2"]] * 2
    assert "Two of the 3 dimensions of z." in flows(at)[0]["plane"]["of"]


def test_a_drawing_and_a_convolutional_decoder_are_followed_too(runs):
    folder, baseline = made(runs, "m2", net="conv"), made(runs, "supervised")
    image = data.pixels(data.load("digits"), [-8])[0].copy()
    image[:, 3] = 200
    drawing = preprocess_drawing.to_text(image)
    at = visit(run=folder.id, drawing=drawing, runs=baseline.id)
    own, without = flows(at)
    assert own["label"] == "Your drawing on its way through M2"
    assert own["image"] == image.reshape(-1).tolist()
    assert own["field"]["exact"]
    assert "blended" in own["says"]
    assert ([n["name"] for n in without["nodes"]], without["edges"]) == (["x", "y"], [["x", "y", False]])
    assert "no further" in without["says"]
    (back,) = [b for b in at.button if b.label == "Back to the images"]
    assert "Training image" in flows(quiet(back.click().run()))[0]["label"]
    at = visit(run=folder.id, drawing="x" * 40)
    assert "holds a drawing that cannot be read" in said(at)
    assert len(flows(at)) == 1


# --- adding up


def test_what_is_apportioned_comes_to_the_total():
    rng = np.random.default_rng(0)
    for _ in range(300):
        values = rng.normal(0, 10, rng.integers(1, 12))
        total = round(100 * values.sum()) + int(rng.integers(-3, 4))
        shares = apportion(values, total)
        assert sum(shares) == total
        assert np.abs(np.array(shares) - 100 * values).max() < 5
    assert apportion([0.005, 0.005], 1) in ([0, 1], [1, 0])


def test_figures():
    assert [figure(v) for v in (0, -1, 123456)] == ["0.00", "−0.01", "1,234.56"]
    assert figure(5, sign=True) == "+0.05"


def test_bars_begin_where_the_one_before_ends():
    total = Sum("all", (Part("a", "a", "#111111", 500, 0.1), Part("b", "b", "#222222", -200, 0.0)), 0.1)
    html = bars(total, "t")
    places = [(float(a), float(b)) for a, b in re.findall(r"left:([\d.]+)%;width:([\d.]+)%", html)]
    assert places == [(0.0, 100.0), (60.0, 40.0), (0.0, 60.0)]
    below = Sum("all", (Part("a", "a", "#111111", 100, 0), Part("b", "b", "#222222", -400, 0)), 0)
    places = [(float(a), float(b)) for a, b in re.findall(r"left:([\d.]+)%;width:([\d.]+)%", bars(below, "t"))]
    assert places == [(75.0, 25.0), (0.0, 100.0), (0.0, 75.0)]


def test_an_error_is_that_of_the_sum_of_each_draw():
    e = np.random.default_rng(0).normal(0, 1, 100)
    total = waterfall.add_up("s", {"a": 1 + e, "b": 2 - e}, {"a": "a", "b": "b"}, {"a": "#111111", "b": "#222222"})
    assert total.value == total.parts[0].value + total.parts[1].value
    assert total.parts[0].error == pytest.approx(e.std(ddof=1) / 10)
    assert total.error == pytest.approx(0, abs=1e-12)
    assert waterfall.mean_error(np.array([3.0])) == (3.0, 0.0)


def test_a_hundred_classes_are_ten_rows_and_the_others():
    rng = np.random.default_rng(0)
    q = rng.dirichlet(np.ones(100))
    L = rng.integers(9000, 12000, 100).tolist()
    parts = (Part("reconstruction", "r", "#111111", 10_400, 0), Part("entropy", "h", "#222222", -430, 0))
    html = by_class(q, L, (q * np.array(L) / 100).tolist(), Sum("U", parts, 0), [f"c_{k}" for k in range(100)], 7)
    assert "90 others" in html
    figures = [float(a.replace("−", "-").replace(",", "")) for a in re.findall(r"<em[^>]*>([−\d.,]+)</em>", html)]
    assert figures[-3:] == [104.0, -4.3, 99.7]
    assert round(sum(figures[1:20:2]) + figures[20], 2) == 104.0


def test_means_of_whole_epochs_are_columns_of_their_own():
    records = [
        {"kind": "step", "epoch": 0.5, "J": 3.0, "terms": {"kl_z": 9.0}},
        {"kind": "epoch", "epoch": 1, "J": 3.0, "terms": {"kl_z": 2.0, "bad": float("nan")}},
        {"kind": "epoch", "epoch": 2, "terms": None},
    ]
    m = columns(records, 2)
    assert m.means == {"kl_z": ([1], [2.0])}
    assert m.terms == {"kl_z": ([0.5], [9.0])}


@pytest.mark.parametrize("model", ["m1", "m2", "adgm", "supervised"])
def test_what_the_model_takes_the_image_for_stands_above_its_picture(runs, model):
    folder, images = made(runs, model), data.load("digits")
    q_y = door.ask("flow", folder, image=images.x_test[7]).q_y_at[0]
    true, k = int(images.y_test[7]), int(q_y.argmax())
    how = "Correct" if k == true else "Wrong"
    by = "SVM, calibrated" if model == "m1" else "q(y|"
    shown = said(visit(run=folder.id, image=-8)).replace("\\", "")
    assert re.search(rf"\*\*{how}:\*\* .* takes this {true} for {k}: .*{re.escape(by)}.* %\.", shown)
    text = preprocess_drawing.to_text(images.x_test[7])
    at = visit(run=folder.id, drawing=text)
    assert f"takes this drawing for {k}: " in said(at)
    assert "not of your drawing**, which has no label" in said(at), "the formula below says whose it is"
    assert "not of your drawing" not in said(visit(run=folder.id))


def test_the_label_term_says_what_weighs_a_label_beside_alpha():
    found = {"n_l": 100, "n_u": 1197}
    assert "1,197 / 100 = 12.0 times as much in J" in terms_shown.besides(SimpleNamespace(model="m2", found=found))
    assert not terms_shown.besides(SimpleNamespace(model="supervised", found=found)), "J has no other images"
