"""The page Results: what it says with and without runs, and that it starts what is missing, each run once."""

import re
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from pathlib import Path
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from data import DATASETS
from data.published import PUBLISHED, SOURCES
from models import BASELINE, IMAGE_MODELS, MODELS, jobs
from models.jobs import Capacity
from models.nn import pretrained_weights
from models.results import reference, table
from models.results.reference import REFERENCE
from models.runs import store
from models.runs.run import Run
from pages.parts.compare import budget_curve, results_table, table_1
from pages.parts.shared import forecasts, train_missing

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))
import fake_runs  # noqa: E402

FOUR = ("m1", "m2", "adgm", "supervised")


@pytest.fixture
def root(tmp_path, monkeypatch, no_supervisor):
    """A workspace of its own, no supervisor, and no reference figures."""
    monkeypatch.setenv("FEWLABELS_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr(table, "REFERENCE", tmp_path / "reference")
    return tmp_path / "runs"


@pytest.fixture
def four_methods(monkeypatch):
    """The page with the methods that learn within a minute, however many more there are."""
    for every in ("MODELS", "IMAGE_MODELS"):
        monkeypatch.setattr(f"models.{every}", {m: MODELS[m] for m in FOUR})
    for module in (
        "models.results.table",
        "models.runs.run",
        "pages.parts.compare.results_table",
        "pages.parts.compare.budget_curve",
    ):
        monkeypatch.setattr(f"{module}.MODELS", {m: MODELS[m] for m in FOUR})


def visit(**address: object) -> AppTest:
    """The page at an address, which asks for 100 labels unless it says how many."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=240)
    for key, value in ({"labels": 100} | address if "runs" not in address else address).items():
        app.query_params[key] = str(value)
    return quiet(app.switch_page("pages/results.py").run())


def quiet(app: AppTest) -> AppTest:
    assert not app.exception, [e.value for e in app.exception]
    assert not app.error, [e.value for e in app.error]
    return app


def said(app: AppTest) -> str:
    return " ".join(e.value for e in (*app.caption, *app.markdown))


def drawn(app: AppTest) -> list[str]:
    """The text of each piece of HTML, without its tags."""
    bodies = [e.proto.body for e in app.get("html")]
    return [
        unescape(re.sub(r"<[^>]+>", " ", re.sub(r"<style>.*?</style>", "", b, flags=re.S))).replace("\xa0", " ")
        for b in bodies
    ]


def line(app: AppTest, model: str) -> str:
    """The line of a method in the table of one data set, in single spaces."""
    texts = [" ".join(t.split()) for t in drawn(app)]
    return next(t for t in texts if re.match(rf"{results_table.title(model)}\b", t))


def links(app: AppTest) -> dict[str, list[str]]:
    """The addresses behind the links of each name."""
    found: dict[str, list[str]] = {}
    for e in app.get("page_link"):
        found.setdefault(e.proto.label, []).append(f"{e.proto.page}?{e.proto.query_string}")
    return found


def made(root: Path) -> list[tuple]:
    return sorted((f.run.model, f.run.labels, f.run.seed) for f in store.runs(root))


def button(app: AppTest, key: str):
    return app.button(key=key)


# What it says


def test_without_runs_and_reference_the_papers_figures_stand_alone(root, four_methods):
    app = visit()
    table_1 = next(t for t in drawn(app) if "CIFAR-100" in t)
    for p in PUBLISHED:
        if p.source == "ojha2018" and p.method in FOUR:
            assert f"paper {100 * p.accuracy:.1f} %" in table_1
    assert "ours +" not in table_1
    assert "not measured" in line(app, "m2")
    assert "No run on Digits has finished" in said(app)
    assert "reference" not in " ".join(drawn(app))
    assert not button(app, "fill-m2").disabled
    assert not app.get("plotly_chart")


def test_finished_runs_become_a_mean_with_its_spread_seeds_and_labels(root, four_methods):
    runs = [fake_runs.make(root, "done", model="m2", seed=s) for s in (0, 1, 2)]
    fake_runs.make(root, "done", model="supervised", seed=0)
    fake_runs.make(root, "done", model="m1", seed=0)
    app = visit()
    [row] = table.rows(["digits"], ["m2"], 100, None, "tuned", root, None)
    assert f"{100 * row.mean:.1f} ± {100 * row.sd:.1f} % 3 seeds, 100 labels" in line(app, "m2")
    over = results_table.signed(100 * (row.mean - row.baseline.mean))
    assert f"{over} points 1 seed of labels only" in line(app, "m2")
    assert "33 s" in line(app, "m2")
    assert "raw-pixel SVM 91.5 %" in line(app, "m1")
    assert "±" not in line(app, "supervised"), "one seed has no spread"
    assert "1 seed, 100 labels" in line(app, "supervised")
    to = links(app)
    assert any(runs[0].id in a for a in to["Latent space"])
    assert any(all(f.id in a for f in runs) for a in to["Compare"])
    assert not any("supervised" in a for a in to["Generate"]), "the baseline generates nothing"


def test_runs_that_compare_showed_open_their_data_set(root):
    run = fake_runs.make(root, "done", model="m2", dataset="mnist", labels=50)
    app = visit(runs=f"{run.id},nothing")
    assert (app.query_params["dataset"], app.query_params["labels"]) == ("mnist", "50")
    assert visit(runs=run.id, dataset="digits").query_params["dataset"] == "digits"


def test_reference_figures_are_marked_and_do_not_count_as_trained_here(root, four_methods, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    for seed in (0, 1, 2):
        folder = fake_runs.make(elsewhere, "done", model="m2", seed=seed)
        folder.append({**folder.result(), "threads": 2})
    [row] = table.rows(["digits"], ["m2"], 100, None, "tuned", elsewhere, None)
    reference.merge(row.outcomes, elsewhere, table.REFERENCE)
    app = visit()
    assert "M2 reference" in line(app, "m2")
    assert "measured by us on 2 CPU cores" in said(app)
    assert row.outcomes[0].made in said(app)
    assert button(app, "fill-m2").label == "Train 3 runs"
    fake_runs.make(root, "done", model="m2", seed=0)
    app = visit()
    assert "2 of 3 reference" in line(app, "m2")
    assert button(app, "fill-m2").label == "Train 2 runs"


def test_runs_under_way_show_how_far_they_are_and_lead_to_train(root, four_methods):
    going = fake_runs.make(root, "running", model="m2", seed=0)
    waiting = fake_runs.make(root, "queued", model="m2", seed=1)
    app = visit()
    assert re.search(r"Seed 0: Epoch \d+ of \d+", " ".join(p.proto.text for p in app.get("progress")))
    [watch] = links(app)["Watch"]
    assert going.id in watch and waiting.id in watch  # noqa: PT018
    assert button(app, "fill-m2").label == "Train 1 run"


def test_runs_that_do_not_count_are_not_shown(root, four_methods):
    fake_runs.make(root, "done", model="m2", seed=0, epochs=2)
    fake_runs.make(root, "done", model="m2", seed=0, validation=200)
    fake_runs.make(root, "done", model="m2", seed=0, preset="paper")
    app = visit()
    assert "not measured" in line(app, "m2")
    assert "1 seed, 100 labels" in line(visit(preset="paper"), "m2")


def test_a_network_pretrained_on_photographs_stands_beside_photographs_or_where_it_ran(root):
    frozen = [m for m in MODELS if MODELS[m].frozen]
    assert frozen

    def shown(dataset: str) -> set[str]:
        return {b.key for b in visit(dataset=dataset).button} & {f"fill-{m}" for m in frozen}

    able = {f"fill-{m}" for m in frozen if not pretrained_weights.why_not(m)}
    assert shown("cifar10") == able
    assert shown("mnist") == set()


def test_sources_are_named_with_their_links(root):
    text = said(visit())
    for source in SOURCES.values():
        assert source.title in text
        assert source.link in text
    assert text.count("No link is known.") == sum(not source.link for source in SOURCES.values())


def test_what_must_be_known_to_judge_reference_figures_stands_beside_them(root, monkeypatch):
    assert not any(note in said(visit()) for note in table.NOTES.values())  # one's own runs need none
    monkeypatch.setattr(table, "REFERENCE", REFERENCE)
    text = said(visit())
    assert all(note in text for note in table.NOTES.values())
    for fact in ("lossy", ".9937 ± .0010", ".9884 ± .0016", ".9918", ".9945", "SVM on h(x)", "validation labels"):
        assert fact in text


# What stands in the address


@pytest.mark.parametrize("bad", ["<b>x</b>", "../../etc/passwd", "%00", "", "a" * 5000, "-1", "1e9"])
def test_nothing_is_taken_from_the_address_unchecked(bad, root):
    app = visit(**dict.fromkeys(("dataset", "preset", "labels", "goal"), bad))
    assert "The address asks for a data set that is not offered here" in said(app)
    assert "The address asks for a preset that is not offered here" in said(app)
    assert "that is no number of labels" in said(app)
    assert not bad or bad not in said(app).replace("CIFAR-100", "")  # which has "-1"
    assert app.selectbox(key="labels").value == "20"


@pytest.mark.parametrize(
    ("labels", "why"), [("137", "shared equally"), ("1290", "too many"), ("0", "too few"), ("9999999", "too many")]
)
def test_labels_that_cannot_be_are_refused_once_in_a_sentence(labels, why, root):
    app = visit(dataset="digits", labels=labels)
    assert said(app).count(":red[:material/error:") == 1
    assert why in said(app) or "at least" in said(app)
    assert not [b for b in app.button if b.key == "fill-all"]


def test_a_link_shows_its_table(root, four_methods):
    fake_runs.make(root, "done", model="m2", labels=50, preset="paper")
    app = visit(dataset="digits", labels=50, preset="paper", goal=1)
    assert "1 seed, 50 labels" in line(app, "m2")
    assert "fill-m2" not in [b.key for b in app.button], "nothing of it is missing"


def test_a_data_set_that_is_absent_leads_to_its_download(root, tmp_path, monkeypatch):
    monkeypatch.setenv("FEWLABELS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("FEWLABELS_DATA", raising=False)
    app = visit(dataset="cifar10")
    assert "not on this machine" in said(app)
    assert "Get CIFAR-10" in links(app)
    assert all(b.disabled for b in app.button if b.label.startswith("Train "))


# Starting what is missing


def test_a_press_starts_what_is_missing_and_a_second_press_nothing(root, four_methods):
    fake_runs.make(root, "done", model="m2", seed=0)
    fake_runs.make(root, "running", model="m2", seed=1)
    one, other = visit(), visit()
    assert button(one, "fill-all").label.endswith(" 13 runs"), "labels only also with the augmentation of ADGM"
    quiet(button(one, "fill-all").click().run())
    every = sorted((m, 100, s) for m in (*FOUR, BASELINE) for s in (0, 1, 2))
    assert made(root) == every
    *_, fair = table.fair_cell(("digits", "adgm", 100, "tuned"))
    assert {f.run.preset for f in store.runs(root) if f.run.model == BASELINE} == {"tuned", fair}
    assert sum(f"preset {fair}" in p.proto.text for p in one.get("progress")) == 3
    assert "fill-all" not in [b.key for b in one.button], "there is nothing left to start"
    quiet(button(other, "fill-all").click().run())  # somebody who saw the page before
    assert made(root) == every
    states = jobs.engine().states([f.id for f in store.runs(root)])
    assert sorted(s.state for s in states.values()) == ["done", *["queued"] * 13, "running"]


def test_visitors_who_press_at_the_same_moment_start_each_run_once(root, monkeypatch):
    """Their pages were drawn before, so both ask for all of the runs."""
    monkeypatch.setattr(train_missing, "st", SimpleNamespace(session_state={"visitor": "somebody"}))
    runs = table.wanted(["digits"], ["m2", "supervised"], 100, 2)
    at_once = threading.Barrier(4)

    def press(_: int) -> list[str]:
        at_once.wait()
        return train_missing.fill(runs)

    with ThreadPoolExecutor(4) as visitors:
        started = list(visitors.map(press, range(4)))
    assert sorted(map(len, started)) == [0, 0, 0, 4]
    assert len(store.runs(root)) == 4
    assert train_missing.fill(runs) == []


def test_the_button_of_a_line_starts_that_line_alone(root, four_methods):
    app = visit(goal=1)
    quiet(button(app, "fill-adgm").click().run())
    assert made(root) == [("adgm", 100, 0)]
    assert len(links(app)["Watch"]) == 1


def test_a_run_that_failed_is_continued_instead_of_begun_anew(root, four_methods):
    failed = fake_runs.make(root, "failed", model="m2", seed=0)
    app = visit(goal=1)
    assert failed.id in links(app)["1 ended early"][0]
    quiet(button(app, "fill-m2").click().run())
    assert made(root) == [("m2", 100, 0)]
    assert failed.status()["state"] == "queued"


def test_a_run_that_was_extended_and_failed_is_not_continued_for_the_table(root, four_methods):
    usual = Run.make(model="m2").epochs
    extended = fake_runs.make(root, "failed", model="m2", epochs=usual - 1)
    extended.change(Run.make(model="m2"))
    app = visit(goal=1)
    quiet(button(app, "fill-m2").click().run())
    assert len(store.runs(root)) == 2
    assert extended.status()["state"] == "failed"


def test_missing_budgets_are_started_for_the_chosen_methods(root, four_methods):
    fake_runs.make(root, "done", model="m2", labels=20, seed=0)
    app = visit(goal=1)
    app.multiselect(key="budgets").set_value([2, 5]).run()
    app.multiselect(key="budget-methods").set_value(["m2", "supervised"]).run()
    quiet(button(app, "fill-budget").click().run())
    assert made(root) == [("m2", 20, 0), ("m2", 50, 0), ("supervised", 20, 0), ("supervised", 50, 0)]
    assert app.query_params["budgets"] == "2,5"
    app.multiselect(key="budget-methods").set_value(["adgm"]).run()
    assert app.query_params["budget-methods"] == "adgm"
    again = visit(goal=1, budgets="2,5", **{"budget-methods": "adgm"})
    assert again.multiselect(key="budgets").value == [2, 5]
    assert again.multiselect(key="budget-methods").value == ["adgm"]
    app.multiselect(key="budget-methods").set_value(["m2", "supervised"]).run()
    quiet(visit(goal=1, budgets="9999,x", **{"budget-methods": "frog"}))
    assert "fill-budget" not in [b.key for b in app.button]
    assert "All of these are trained or under way" in said(app)


def test_of_more_runs_than_one_press_starts_the_next_press_starts_the_others(root, four_methods):
    app = visit(goal=10)
    app.multiselect(key="budgets").set_value([1, 2, 5, 10]).run()
    assert button(app, "fill-budget").label == "Train the first 60 of 80 runs"
    quiet(button(app, "fill-budget").click().run())
    assert len(made(root)) == 60
    assert button(app, "fill-budget").label == "Train 20 runs"


def test_the_time_that_a_press_will_take_is_said_honestly():
    idle = Capacity(slots=1, cores=2, running=0, queued=0, warm=True)
    busy = Capacity(slots=0, cores=2, running=1, queued=2, warm=True)
    m2 = Run.make("digits", "m2")

    def said(capacity, *seconds):
        return forecasts.forecast([m2] * len(seconds), capacity, seconds)

    assert said(idle, 60.0) == "About 60 s on CPU, 2 cores."
    assert said(idle, 60.0, 120.0) == "About 3 min in all, one after the other, on CPU, 2 cores."
    assert said(idle, 60.0, None) == "At least 60 s in all, one after the other, on CPU, 2 cores."
    assert said(idle, None) == "How long is unknown: no such run has finished on CPU, 2 cores yet."
    assert forecasts.lines([m2, m2], busy, [160.0, 160.0]) == [
        "**About 5 min** in all, side by side", "on CPU, 2 cores", "3 runs ahead in the queue",
    ]  # fmt: skip
    assert said(busy, 160.0, 160.0) == "About 5 min in all, side by side, on CPU, 2 cores. 3 runs ahead in the queue."


def test_a_method_whose_weights_are_not_here_says_so_and_starts_nothing(root, monkeypatch):
    monkeypatch.setattr("data.availability", lambda name: "local")  # the photographs need not be on this machine
    found = pretrained_weights.find
    monkeypatch.setattr(pretrained_weights, "find", lambda name: None if name == "inception" else found(name))
    app = visit(dataset="cifar10", goal=1)
    assert "The weights of Inception v3 are not on this machine." in said(app)
    assert "python -m models fetch inception" in [c.value for c in app.code]
    assert "fill-inception" not in [b.key for b in app.button]
    quiet(button(app, "fill-all").click().run())
    assert {m for m, *_ in made(root)} == {m for m in IMAGE_MODELS if m != "inception"}


# Figures


def test_what_the_unlabelled_images_bought_is_computed_from_the_runs(root, four_methods):
    for model in ("m2", "supervised"):
        for seed in (0, 1):
            fake_runs.make(root, "done", model=model, seed=seed)
    m2, baseline = table.rows(["digits"], ["m2", "supervised"], 100, None, "tuned", root, None)
    text = next(" ".join(t.split()) for t in drawn(visit()) if "Over labels only M2" in " ".join(t.split()))
    over = results_table.signed(100 * (m2.mean - baseline.mean))
    assert text == (
        "With 100 labels Method Accuracy, % Over labels only "
        f"M2 2 seeds {100 * m2.mean:.1f} ± {100 * m2.sd:.1f} {over} "
        f"Labels only 2 seeds {100 * baseline.mean:.1f} ± {100 * baseline.sd:.1f}"
    )
    headline = visit().subheader[0].value
    assert headline == (
        f"With 100 labels, 1,197 unlabelled images bought M2 {100 * (m2.mean - baseline.mean):.1f} points: "
        f"{100 * m2.mean:.1f} % against {100 * baseline.mean:.1f} % by labels only."
    )


def test_the_figure_comes_first_and_with_few_labels(root, four_methods):
    """Where the unlabelled images are worth most: as a data set says, else the fewest that were trained."""
    for labels in (50, 100):
        for model in ("m2", "supervised"):
            fake_runs.make(root, "done", dataset="mnist", model=model, labels=labels)
    app = visit(dataset="mnist", labels="")
    assert app.selectbox(key="labels").value == "50"
    assert app.subheader[0].value.startswith("With 50 labels, 59,950 unlabelled images bought")
    assert visit(dataset="digits", labels="").selectbox(key="labels").value == "20"


def test_table_1_marks_the_best_of_each_column_without_pretraining(root):
    low, high = (fake_runs.make(root, "done", dataset="cifar10", model=m, labels=1000) for m in ("supervised", "m2"))
    frozen = fake_runs.make(root, "done", dataset="cifar10", model="efficientnet", labels=1000)
    frozen.append({**frozen.result(), "test_accuracy": 0.99})
    assert low.result()["test_accuracy"] < high.result()["test_accuracy"] < 0.99
    rows = table.rows(["cifar10"], MODELS, 1000, None, "tuned", root, None)
    html = table_1.show(rows, ["cifar10"])
    assert re.findall(r'class="best">([\d.]+)', html) == [f"{100 * high.result()['test_accuracy']:.1f}"]
    assert "99.0" in html
    assert "not measured" in html
    assert "None" not in html
    [paper] = [r.paper for r in rows if r.model == "m2"]
    above = high.result()["test_accuracy"] > paper
    assert table_1.claim(rows) == f"Table 1: our accuracy lies above the paper's in {int(above)} of 1 cells."


def test_the_budget_curve_has_a_line_a_method_its_seeds_and_what_was_published(root):
    for labels in (10, 100):
        for seed in (0, 1):
            fake_runs.make(root, "done", dataset="mnist", model="m2", labels=labels, seed=seed)
            fake_runs.make(root, "done", dataset="mnist", model="supervised", labels=labels, seed=seed)
    curves = {m: table.budget("mnist", m, "tuned", root, None) for m in FOUR}
    drawing = budget_curve.figure("mnist", curves)
    assert drawing["layout"]["xaxis"]["type"] == "log"
    named = {t["name"]: t for t in drawing["data"] if "name" in t}
    assert list(named) == ["M2", "Labels only", "The paper", "Other works"]
    m2 = named["M2"]
    assert m2["x"] == pytest.approx([10, 100], rel=0.1)  # beside each other, so that no bar covers another
    assert len({t["x"][0] for t in drawing["data"] if t.get("name") in ("M2", "Labels only")}) == 2
    assert m2["y"] == [100 * r.mean for r in curves["m2"]]
    assert m2["error_y"]["array"] == [100 * r.sd for r in curves["m2"]]
    assert "10 labels, 2 seeds" in m2["text"][0]
    dots = next(t for t in drawing["data"] if t.get("legendgroup") == "m2" and t["mode"] == "markers")
    assert len(dots["x"]) == 4
    hovers = [text for t in drawing["data"] for text in t.get("text", ())]
    for p in PUBLISHED:
        if p.dataset == "mnist":
            assert any(SOURCES[p.source].short in h and f"{100 * p.accuracy:.1f} %" in h for h in hovers)
    assert visit(dataset="mnist").get("plotly_chart")


def test_methods_with_one_number_of_labels_are_rows_along_the_accuracy(root):
    for model in ("m2", "supervised"):
        fake_runs.make(root, "done", dataset="cifar10", model=model, labels=1000)
    curves = {m: table.budget("cifar10", m, "tuned", root, None) for m in FOUR}
    drawing = budget_curve.figure("cifar10", curves)
    assert drawing["layout"]["yaxis"]["type"] == "category"
    named = {t["name"]: t for t in drawing["data"] if "name" in t}
    assert (named["M2"]["x"], named["M2"]["y"]) == ([100 * r.mean for r in curves["m2"]], [MODELS["m2"].title])
    assert "error_y" not in named["M2"]
    where = {(x, y) for t in drawing["data"] for x, y in zip(t["x"], t["y"], strict=True)}
    for p in PUBLISHED:
        if p.dataset == "cifar10":
            name = MODELS[p.method].title if p.method in MODELS else p.title
            assert (100 * p.accuracy, name if p.labels == 1000 else f"{name}, {p.labels:,} labels") in where


def test_a_method_with_another_classifier_is_held_against_its_own_baseline(root, four_methods):
    for model in ("m1", "m2", "supervised"):
        fake_runs.make(root, "done", model=model)
    rows = table.rows(["digits"], FOUR, 100, None, "tuned", root, None)
    svm = next(r.beside for r in rows if r.model == "m1")
    assert f"M1's own baseline, SVM on raw pixels: {100 * svm:.1f} %" in budget_curve.bought(rows).replace("\xa0", " ")
    assert budget_curve.bought([r for r in rows if r.model != "supervised"]) == ""


@pytest.mark.parametrize("name", list(DATASETS))
def test_the_offered_budgets_are_possible(name):
    spec = DATASETS[name]
    assert budget_curve.per_class(spec)
    for k in budget_curve.per_class(spec):
        Run.make(name, "m2", k * spec.n_classes)


def test_every_mark_lies_on_the_scale(root):
    fake_runs.make(root, "done", dataset="mnist", model="m2", labels=1000)
    rows = table.rows(["mnist"], FOUR, 1000, None, "tuned", root, None)
    low, high, ticks = results_table.axis(rows)
    assert (low, high) == (ticks[0], pytest.approx(ticks[-1]))
    for row in rows:
        places = [float(p) for p in re.findall(r"left:(-?[\d.]+)%", results_table.strip(row, (low, high, ticks)))]
        assert places
        assert all(0 <= p <= 100 for p in places)
        assert "ours" in results_table.spoken(row)
    low, high, ticks = results_table.axis([])
    assert (low, high) == (0, 1)


def test_differences_carry_their_sign():
    assert [results_table.signed(p) for p in (1.26, -0.04, 0.0, -3.21)] == ["+1.3", "±0.0", "±0.0", "−3.2"]
