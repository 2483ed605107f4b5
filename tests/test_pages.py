"""Every page draws, whatever the workspace holds and whatever stands in the address."""

import json
import re
import statistics
import sys
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import streamlit as st
import torch
from streamlit.testing.v1 import AppTest

import data
from data import DATASETS
from models import FIRST, MODELS, jobs
from models.analysis import door
from models.runs import store
from models.runs.run import Run
from models.training.snapshot import sheet
from models.training.worker import explain
from pages.parts.components.live_chart import thin
from pages.parts.lab import launch, pinned, pressed, split_bar
from pages.parts.shared import figures, menu, run_cards, run_charts, run_metrics, run_pickers, run_table, siblings
from pages.parts.shared.figures import ago, minutes
from pages.parts.shared.palette import COLOURS, colour, rgb
from pages.parts.shared.run_metrics import columns, metrics

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))
import fake_runs  # noqa: E402

PAGES = ["app.py", *sorted(f"pages/{p.name}" for p in (ROOT / "pages").glob("*.py"))]
STATES = ("empty", "queued", "running", "done", "failed", "stopped", "lost")
WITHOUT_RUN = ("pages/data.py", "pages/plane.py", "pages/results.py", "pages/tour.py")  # nobody chooses a run there
BAD = ("../../etc/passwd", "m2-digits-100-s0-none", "<b>x</b>", "", "a" * 5000, "%00", "Ünïcode", "m1,,m2")


@pytest.fixture
def root(tmp_path, monkeypatch, no_supervisor):
    """A workspace of its own, and no supervisor: nothing here trains."""
    monkeypatch.setenv("FEWLABELS_RUNS", str(tmp_path))
    return tmp_path


def open_page(page: str, **address: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=240)
    for key, value in address.items():
        app.query_params[key] = value
    if page != "app.py":
        app.switch_page(page)
    return app.run()


def check(app: AppTest) -> None:
    assert not app.exception, [e.value for e in app.exception]
    assert not app.error, [e.value for e in app.error]
    shown = " ".join(str(e.value) for kind in (app.markdown, app.caption, app.title) for e in kind)
    assert "Traceback" not in shown


def links(app: AppTest) -> list[list[dict]]:
    """The links of the page's bar, if it has one, and of the menu."""
    protos = [e.proto for e in app.get("bidi_component") if e.proto.component_name == "few_labels_page_links"]
    return [json.loads(p.mixed.json or p.json)["links"] for p in protos]


def said(app: AppTest) -> str:
    return " ".join(e.value for e in (*app.caption, *app.markdown))


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("page", PAGES)
def test_page_draws(page, state, root):
    if state != "empty":
        for model in MODELS:
            dataset = "digits" if "images" in MODELS[model].kinds else "moons"
            fake_runs.make(root, state, model=model, dataset=dataset, epochs=3)
    app = open_page(page)
    check(app)
    assert app.title
    *bar, entries = links(app)
    (group,) = [g for g in menu.MENU if page in [p.file for p in g.pages]]
    assert [link["name"] for link in entries if link["current"]] == [group.name]
    assert [link["file"] for of in bar for link in of] == [p.file for p in group.pages if len(group.pages) > 1]
    assert len(bar) == 1  # without a link where the group has one page
    own = [menu.PAGES[page].name] * (len(group.pages) > 1)
    assert [link["name"] for of in bar for link in of if link["current"] == "page"] == own


@pytest.mark.parametrize("page", PAGES)
def test_page_draws_when_every_kind_of_run_is_there(page, root):
    for state in STATES[1:]:
        fake_runs.make(root, state, model="m2", epochs=3)
    (root / "m2-digits-100-s0-torn").mkdir()
    (root / "m2-digits-100-s0-torn" / "run.json").write_text("{")
    check(open_page(page))


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("page", PAGES)
def test_page_takes_nothing_from_the_address_unchecked(page, bad, root):
    fake_runs.make(root, "done", model="m2", epochs=2)
    address = dict.fromkeys(("run", "runs", "watch", "dataset", "labels", "seed", "epoch", "closer"), bad)
    app = open_page(page, **address)
    check(app)
    if bad:
        assert bad not in said(app) or store.is_id(bad)


@pytest.mark.parametrize("page", [p for p in PAGES if p not in WITHOUT_RUN])
def test_a_run_measured_on_held_out_training_images_is_left_out(page, root):
    """Its accuracies are those of no test image, so they must not stand beside those of other runs."""
    fake_runs.make(root, "done", model="m2", epochs=2)
    held_out = fake_runs.make(root, "done", model="m2", epochs=2, validation=200)
    app = open_page(page, **dict.fromkeys(("run", "runs", "watch"), held_out.id))
    check(app)
    if page == "app.py":
        assert len(app.dataframe[0].value) == 1
        return
    offered = [o for kind in (app.selectbox, app.multiselect) for w in kind for o in w.options]
    assert run_pickers.run_label(held_out) not in offered
    assert f"{held_out.id}` was measured on training images held out" in said(app)


def test_a_link_to_a_run_that_cannot_be_read_says_why(root):
    (root / "m2-digits-100-s0-torn").mkdir()
    (root / "m2-digits-100-s0-torn" / "run.json").write_text("{")
    app = open_page("pages/latent.py", run="m2-digits-100-s0-torn")
    check(app)
    assert "is damaged" in said(app)


def test_a_click_in_the_table_opens_the_run_that_was_seen_there(root, monkeypatch):
    """A run that began since then has moved the rows down."""

    class Gone(Exception):
        pass

    def switch_page(page: str, query_params: dict) -> None:
        raise Gone(page, query_params)

    def dataframe(*_: object, key: str, **__: object) -> SimpleNamespace:
        drawn.append(key)
        return SimpleNamespace(selection=SimpleNamespace(rows=state.get(key, [])))

    state, drawn = {}, []
    stand_in = {"session_state": state, "dataframe": dataframe, "switch_page": switch_page}
    monkeypatch.setattr(run_table, "st", SimpleNamespace(column_config=st.column_config, **stand_in))
    seen = fake_runs.make(root, "done", model="m2", epochs=2)

    def table() -> list[str]:
        return run_table.table([run_table.row(f) for f in run_pickers.readable_runs()], "start")

    table()
    fake_runs.make(root, "running", model="m1", epochs=2)
    state |= {f"{drawn[0]}-look": {"row": 0}, drawn[0]: [0]}
    assert table() == [], "a click on the table of before falls on no other run"
    state |= {f"{drawn[1]}-look": {"row": 1}}
    with pytest.raises(Gone) as gone:
        table()
    assert gone.value.args == ("pages/latent.py", {"run": seen.id})


@pytest.mark.parametrize("page", ["pages/latent.py", "pages/generate.py"])
def test_a_link_shows_its_run(page, root):
    if page not in PAGES:
        pytest.skip("the page is not there")
    asked, _ = (fake_runs.make(root, "done", model="m2", seed=s, epochs=2) for s in (0, 1))
    app = open_page(page, run=asked.id)
    check(app)
    assert app.selectbox(key="run").value == asked.id


# Data


def test_data_follows_the_address_and_writes_to_it(root):
    app = open_page("pages/data.py", dataset="digits", labels="50", seed="3")
    assert app.selectbox(key="labels").value == "50"
    assert app.number_input(key="seed").value == 3
    app.number_input(key="seed").set_value(4).run()
    assert app.query_params["seed"] in ("4", ["4"])
    check(app)
    drawn = "".join(e.proto.body for e in app.get("html"))
    labelled, _, _ = data.draw(images := data.load("digits"), 50, 4)
    says = {f"Training image {i}, class {images.classes[images.y[i]]}" for i in labelled.tolist()}
    assert set(re.findall('data-says="([^"]*)"', drawn)) == says, "each image says which it is"


@pytest.mark.parametrize(
    ("labels", "why"), [("137", "shared"), ("900000", "too many"), ("1280", "too many"), ("0", "too few")]
)
def test_labels_that_cannot_be_are_refused_in_a_sentence(labels, why, root):
    for page in ("pages/data.py", "pages/train.py"):
        app = open_page(page, dataset="digits", labels=labels)
        check(app)
        assert any(word in said(app) for word in (why, "from 1 to")), said(app)
    assert next(b for b in app.button if b.label.startswith("Start")).disabled


def test_a_data_set_that_is_absent_offers_its_download(root, tmp_path, monkeypatch):
    monkeypatch.setenv("FEWLABELS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("FEWLABELS_DATA", raising=False)
    app = open_page("pages/data.py", dataset="cifar10")
    check(app)
    assert [b.label for b in app.button if b.label.startswith("Download")]
    assert "50,000 training and 10,000 test images of 10 classes, 32\u00a0×\u00a032 pixels" in said(app)
    marked = [o.split(" :")[0] for o in app.segmented_control(key="dataset").options if "download" in o]
    assert marked == [spec.title for spec in DATASETS.values() if spec.size], "all that are not here, and no other"
    assert "data-says" not in "".join(e.proto.body for e in app.get("html")), "no recording shows images of it"
    app = open_page("pages/data.py", dataset="mnist")
    check(app)
    assert 'data-says="Test image 0, class 7"' in "".join(e.proto.body for e in app.get("html"))
    app = open_page("pages/train.py", dataset="cifar10")
    check(app)
    assert "not on this machine" in said(app)
    assert next(b for b in app.button if b.label.startswith("Start")).disabled


# Train


def test_start_queues_a_run_for_each_model_and_seed(root):
    app = open_page("pages/train.py")
    assert app.pills(key="models").value == ["m2", "supervised"], (
        "what unlabelled images buy is seen beside the baseline"
    )
    assert app.selectbox(key="labels").value == "20"
    app.selectbox(key="count").set_value(0).run()
    app.multiselect(key="seeds").set_value(["0", "3"])
    app.number_input(key="epochs").set_value(2).run()
    start = next(b for b in app.button if b.label.startswith("Start"))
    start.click().run()
    check(app)
    made = [f.run for f in store.runs(root)]
    assert {(r.model, r.seed) for r in made} == {(m, s) for m in ("m2", "supervised") for s in (0, 3)}
    assert {(r.labels, r.epochs) for r in made} == {(20, 2)}
    assert [r.model for r in made[::-1]] == ["supervised", "supervised", "m2", "m2"], "what is done soonest comes first"
    assert all(s.state == "queued" for s in jobs.engine().states([f.id for f in store.runs(root)]).values())
    assert set(app.multiselect(key="watch").value) == {f.id for f in store.runs(root)}


def every_learner(app):
    """The button that chooses all models that learn from scratch; None where all of them are chosen."""
    return next((b for b in app.button if re.fullmatch(r"All \w+ models", b.label)), None)


def test_until_one_trains_the_maps_are_examples_of_the_models_chosen(root):
    def shown(app):
        return [h.proto.body for h in app.get("html") if "same-class neighbours" in h.proto.body]

    app = open_page("pages/train.py")
    assert len(shown(app)) == 2, "those of M2 and the baseline"
    assert "**Examples:** Digits, 20 labels" in said(app)
    every_learner(app).click().run()
    check(app)
    assert len(shown(app)) == 4, "of as many there are examples"
    app.pills(key="models").set_value(["inception"]).run()
    check(app)
    assert len(shown(app)) == 4, "there is none of this: then all"
    app.pills(key="models").set_value(["m1"]).run()
    (below,) = shown(app)
    assert "Classes lie apart only as far as they look apart." in below


def test_the_data_set_of_a_run_is_chosen_from_a_list(root):
    app = open_page("pages/train.py", dataset="digits", labels="50")
    app.selectbox(key="dataset").set_value("cifar10").run()
    check(app)
    assert app.query_params["dataset"] == "cifar10"
    assert app.selectbox(key="labels").value == "1000", "each has a budget of its own that suits it"


def test_a_link_chooses_the_models_and_one_click_all_that_learn_from_scratch(root):
    app = open_page("pages/train.py", models="adgm,nothing,m1")
    assert app.pills(key="models").value == ["m1", "adgm"], "what is no method is left out"
    every_learner(app).click().run()
    check(app)
    assert app.pills(key="models").value == FIRST
    assert app.query_params["models"] == ",".join(FIRST)
    assert every_learner(app) is None
    app.pills(key="models").set_value([]).run()
    check(app)
    assert next(b for b in app.button if b.label == "Start").disabled


def test_how_long_and_with_which_seeds_stands_in_the_address(root):
    app = open_page("pages/train.py", models="m2")
    app.number_input(key="epochs").set_value(7).run()
    app.selectbox(key="count").set_value(0).run()
    app.multiselect(key="seeds").set_value(["2", "5", "x"]).run()
    assert "'x' is no seed and was left out" in said(app)
    address = {key: app.query_params[key] for key in ("epochs", "count", "seeds")}
    assert address == {"epochs": "7", "count": "more", "seeds": "2,5"}

    again = open_page("pages/train.py", models="m2", **address)
    assert again.number_input(key="epochs").value == 7
    assert again.multiselect(key="seeds").value == ["2", "5"]
    next(b for b in again.button if b.label == "Start 2 runs").click().run()
    assert {(f.run.seed, f.run.epochs) for f in store.runs(root)} == {(2, 7), (5, 7)}
    again.selectbox(key="count").set_value(3).run()
    assert again.query_params["count"] == "3"
    assert "seeds" not in again.query_params
    again.number_input(key="epochs").set_value(None).run()
    assert "epochs" not in again.query_params
    again.number_input(key="epochs").set_value(8).run()
    again.selectbox(key="dataset").set_value("mnist").run()
    assert again.number_input(key="epochs").value is None, "another data set wants others"
    again.query_params.update(dataset="digits", epochs="8")  # Back
    again.run()
    assert again.number_input(key="epochs").value == 8

    app = open_page("pages/train.py", models="m2", epochs="1e9", count="9", seeds="-1,x,,0")
    check(app)
    assert app.number_input(key="epochs").value is None
    assert app.selectbox(key="count").value == 1


def test_a_start_that_another_press_has_overtaken_is_made_up_for(root, monkeypatch):
    """Its callback was done, and the page not drawn as far as the button: another press ended its drawing."""
    chosen, show = [], launch.show
    monkeypatch.setattr(launch, "show", lambda runs, *more: (chosen.append(runs), show(runs, *more)))

    def wish(app: AppTest, runs: list[Run], ago: float = 0.0) -> list[str]:
        app.session_state[pressed.KEY] = runs, None, time.monotonic() - ago
        app.run()
        check(app)
        return [f.run.model for f in store.runs(root)]

    app = open_page("pages/train.py", models="m2")
    assert wish(app, chosen[-1], ago=60) == [], "nobody expects it any more"
    assert wish(app, [replace(run, seed=1) for run in chosen[-1]]) == [], "something else is chosen"
    assert wish(app, chosen[-1]) == ["m2"]
    assert pressed.KEY not in app.session_state
    assert wish(app, chosen[-1]) == ["m2"], "it is here"


def test_the_same_run_is_not_trained_twice_whoever_asks(root):
    """Thirty visitors press Start: one run each, and each of them watches the same."""
    kept = {"model": "m2", "labels": 20, "epochs": 2}
    held = fake_runs.make(root, "done", validation=100, **kept)  # measured on other images: not the same
    fake_runs.make(root, "stopped", **kept)
    done = fake_runs.make(root, "done", model="supervised", labels=20, epochs=2)
    before = {f.id for f in store.runs(root)}
    made, apps = set(), [open_page("pages/train.py") for _ in range(3)]
    for app in apps:
        app.number_input(key="epochs").set_value(2).run()
    for visitor, app in enumerate(apps):
        next(b for b in app.button if b.label == "Start 2 runs").click().run()
        check(app)
        made |= {f.id for f in store.runs(root)} - before
        assert len(made) == 1, "a stopped run is trained anew, and then it is there"
        assert set(app.multiselect(key="watch").value) == {done.id, *made}
        assert (f"{1 + (visitor > 0)} of 2 {'are' if visitor else 'is'} here already") in said(app)
        assert app.button(key="started").disabled, "a second click stops nothing"
    assert held.id not in made
    app.selectbox(key="count").set_value(0).run()
    app.multiselect(key="seeds").set_value(["1"]).run()
    next(b for b in app.button if b.label == "Start 2 runs").click().run()
    assert "here already" not in said(app)
    assert len({f.id for f in store.runs(root)} - before) == 3


def test_runs_that_are_here_are_shown_and_stopped_in_place_of_start(root):
    kept = {"labels": 20, "epochs": 2}
    fake_runs.make(root, "done", model="supervised", **kept)
    app = open_page("pages/train.py", models="supervised")
    app.number_input(key="epochs").set_value(2).run()
    assert not [b.label for b in app.button if b.label.startswith("Start")]
    assert "Finished: Labels only" in said(app)
    app.button(key="another-seed").click().run()
    check(app)
    assert app.query_params["seed"] == "1"
    assert [b.label for b in app.button if b.label.startswith("Start")] == ["Start"]

    going = fake_runs.make(root, "running", model="m2", **kept)
    app = open_page("pages/train.py", models="m2", watch="")
    app.number_input(key="epochs").set_value(2).run()
    assert re.search(r"Learning now, about \d+ s left", said(app))
    app.button(key="show-chosen").click().run()
    check(app)
    assert app.multiselect(key="watch").value == [going.id]
    assert "show-chosen" not in [b.key for b in app.button]
    app.button(key="stop-chosen").click().run()
    check(app)
    assert going.stop_requested()
    assert app.button(key="start").label == "Start", "what was stopped may be begun anew, or continued by its card"


def test_stop_asks_a_running_run_to_stop(root):
    folder = fake_runs.make(root, "running", model="m2", epochs=4)
    app = open_page("pages/train.py")
    app.button(key=f"stop-{folder.id}").click().run()
    check(app)
    assert folder.stop_requested()
    assert folder.status()["state"] == "stopping"


def test_continue_queues_a_stopped_run_again(root):
    folder = fake_runs.make(root, "stopped", model="m2", epochs=4)
    app = open_page("pages/train.py")
    app.button(key=f"continue-{folder.id}").click().run()
    check(app)
    assert folder.status()["state"] == "queued"


def test_extend_gives_a_finished_run_more_epochs(root):
    folder = fake_runs.make(root, "done", model="m2", epochs=4)
    app = open_page("pages/train.py")
    app.number_input(key=f"more-{folder.id}").set_value(3).run()
    app.button(key=f"extend-{folder.id}").click().run()
    check(app)
    assert folder.run.epochs == 7
    assert folder.status()["state"] == "queued"


OUT_OF_MEMORY = {
    "cuda": lambda: torch.cuda.OutOfMemoryError(
        "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 11.99 GiB of which 1.20 GiB is "
        "free. Process 4711 has 10.78 GiB memory in use. Of the allocated memory 10.20 GiB is allocated by PyTorch."
    ),
    "cpu": lambda: RuntimeError(
        "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to "
        "allocate 4000000000000000 bytes. Error code 12 (Cannot allocate memory)"
    ),
}


@pytest.mark.parametrize("device", OUT_OF_MEMORY)
def test_out_of_memory_offers_the_next_smaller_batch(device, root):
    folder = fake_runs.make(root, "failed", model="m2", labels=20, epochs=4)
    other = fake_runs.make(root, "failed", model="adgm", labels=20, epochs=4)
    folder.set_status("failed", detail=explain(OUT_OF_MEMORY[device](), folder.run))
    other.set_status("failed", detail=explain(KeyError("z"), other.run))
    app = open_page("pages/train.py", watch=f"{other.id},{folder.id}")
    assert "ran out of memory" in said(app)
    assert [b.key for b in app.button if "smaller" in (b.key or "")] == [f"smaller-{folder.id}"]
    assert app.button(key=f"smaller-{folder.id}").label == "Start again with a smaller batch, 50"
    app.button(key=f"smaller-{folder.id}").click().run()
    check(app)
    (made,) = (f for f in store.runs(root) if f.id not in (folder.id, other.id))
    assert made.run == folder.run.with_custom({"batch_u": 50})
    assert made.run.changes == "batch_u=50"
    assert made.status()["state"] == "queued"
    assert app.multiselect(key="watch").value == [other.id, made.id], "it stands where the failed one stood"


def test_accuracies_are_shown_with_labels_and_number_of_runs(root):
    fake_runs.make(root, "done", model="m2", epochs=3)
    assert "100 labels · seed 0 · 1 run" in said(open_page("pages/train.py"))


def test_three_seeds_are_one_choice_and_are_shown_as_mean_and_spread(root, monkeypatch):
    drawn = {}
    monkeypatch.setattr(run_charts, "live_chart", lambda lines, **given: drawn.setdefault(given["key"], list(lines)))
    app = open_page("pages/train.py")
    app.selectbox(key="count").set_value(3).run()
    app.pills(key="models").set_value(["m2"])
    app.number_input(key="epochs").set_value(3).run()
    next(b for b in app.button if b.label == "Start 3 runs").click().run()
    check(app)
    made = sorted(store.runs(root), key=lambda f: f.run.seed)
    assert [f.run.seed for f in made] == [0, 1, 2]
    for folder in made:
        fake_runs.records(folder, 3 - folder.run.seed)
        fake_runs.finish(folder)
        folder.set_status("done")
    drawn.clear()
    app.run()
    check(app)
    at_end = [100 * fake_runs.accuracy(f.run, 3) for f in made]
    mean, sd = statistics.mean(at_end), statistics.stdev(at_end)
    assert [m.value for m in app.metric] == [f"{mean:.1f} ± {sd:.1f} %"]
    assert "3 seeds, mean and standard deviation" in said(app)
    assert "seeds 0, 1, 2" in said(app)
    line = next(line for line in drawn["lab-accuracy"] if line.kind == "test images")
    assert line.group == "M2, 3 seeds"
    assert list(line.x) == [0, 1], "no further than the slowest"
    each = [100 * fake_runs.accuracy(f.run, 1) for f in made]
    assert (line.y[1], line.band[0][1], line.band[1][1]) == pytest.approx((statistics.mean(each), min(each), max(each)))
    assert "Band: from the lowest to the highest" in said(app)


def test_the_bar_of_a_split_is_to_scale():
    made = split_bar.html({"labelled": (20, ""), "unlabelled": (1277, ""), "test": (500, "")})
    assert re.findall(r"flex:(\d+) 1 0;min-width:6px;box-sizing:border-box", made) == ["20", "1277", "500"]
    assert "to scale" in made


def test_a_grey_image_is_ink_in_the_colour_of_its_class_and_a_coloured_one_is_itself():
    grey = np.array([[[0], [255]]], np.uint8)
    assert figures.ink(grey, "#102030").tolist() == [[[16, 32, 48, 0], [16, 32, 48, 255]]]
    assert figures.ink(grey)[0, 1].tolist() == [0x8B, 0x90, 0xA0, 255], "of a class that is not told"
    assert figures.ink(np.array([[[1, 2, 3]]], np.uint8), "#102030").tolist() == [[[1, 2, 3, 255]]]
    (framed,) = figures.labelled_tiles(np.zeros((1, 1, 16, 16), np.uint8), [1], 10)
    assert framed[0, 9].tolist() == [*rgb(colour(1)), 255]
    assert framed[9, 9].tolist() == [*rgb(colour(1)), figures.TINT], "tinted paper where there are no strokes"


def test_the_right_column_says_what_every_run_makes_of_one_image(root):
    for model in ("m2", "supervised"):
        folder = fake_runs.make(root, "done", model=model, epochs=2)
        snapshot = door.ask("snapshot_images", folder, epoch=2)
        at = int(np.flatnonzero(snapshot.ids == -5)[0])
        shown = pinned.row(folder, f"My <{model}>", "#123456", snapshot, -5, most=3)
        assert f"My &lt;{model}&gt;" in shown
        right = "correct" if snapshot.predicted[at] == snapshot.true[at] else "wrong"
        assert f"{snapshot.predicted[at]} {'✓' if right == 'correct' else '✗'} {right}" in shown
        assert shown.count("<s style=") == 3, "the likeliest classes"
        assert f"{100 * snapshot.sure[at]:.1f} %" in shown
        assert (">no decoder<" in shown) == (model == "supervised")
    assert "keeps nothing of this image" in pinned.row(folder, "x", "#123456", snapshot, 10**6, most=3)
    assert "first epoch" in pinned.row(folder, "x", "#123456", None, -5, most=3)
    tiles = np.random.default_rng(0).integers(0, 256, (10, 8, 16, 16, 1), dtype=np.uint8)
    kept = sheet(tiles)
    assert np.array_equal(pinned.first_column(kept[..., 0], (1, 16, 16)), tiles[:, 0]), "as a run keeps them"
    assert pinned.first_column(kept[..., 0], (1, 28, 28)) is None


def test_a_spread_is_over_seeds_of_one_run_and_no_other(root):
    runs = [fake_runs.make(root, "done", model="m2", seed=0, epochs=3) for _ in range(2)]
    assert siblings.groups(runs) == [[runs[0]], [runs[1]]], "one seed, run twice, has no spread"
    runs += [fake_runs.make(root, "done", model="m2", seed=1, epochs=3)]
    runs += [fake_runs.make(root, "done", model="m2", seed=seed, epochs=4) for seed in (1, 0)]
    runs += [fake_runs.make(root, "done", model="m1", seed=1, epochs=4)]
    assert siblings.groups(runs) == [[runs[0], runs[2]], [runs[1]], [runs[4], runs[3]], [runs[5]]]
    assert [siblings.mean_and_spread(g) for g in siblings.groups(runs)][1::2] == ["", ""]


def test_every_run_has_its_svm_on_raw_pixels(root, monkeypatch):
    drawn = {}
    monkeypatch.setattr(run_charts, "live_chart", lambda *_, **given: drawn.update(given))
    folders = [fake_runs.make(root, "done", model="m1", seed=seed, epochs=2) for seed in (0, 1)]
    for folder, level in zip(folders, (0.9, 0.8), strict=True):
        folder.append({**folder.result(), "raw_pixel_svm_accuracy": level})
    run_charts.accuracy_chart([[f] for f in folders], run_charts.short_names(folders), key="accuracy")
    assert [(m.name, m.y) for m in drawn["marks"]] == [
        ("SVM on raw pixels beside M1, 100 labels, seed 0", 90),
        ("SVM on raw pixels beside M1, 100 labels, seed 1", 80),
    ]


# Parts


def test_the_menu_names_every_page():
    assert set(menu.PAGES) == set(PAGES)
    assert len(menu.MENU) == 6


def test_a_link_takes_along_what_its_page_takes_and_no_more(monkeypatch):
    gone = []
    monkeypatch.setattr(menu.st, "switch_page", lambda file, query_params: gone.append((file, query_params)))
    for asked in (None, {"file": "pages/parts/shared/menu.py"}, {"file": 7}, {"file": ["app.py"]}):
        menu.go(asked)
    assert not gone
    menu.go({"file": "pages/train.py", "query": "labels=20"})
    query = {"run": "m2", "image": "-5", "space": "z", "epoch": 3, "labels": "20"}
    menu.go({"file": "pages/uncertainty.py", "query": query})
    assert gone == [("pages/train.py", {}), ("pages/uncertainty.py", {"run": "m2", "image": "-5"})]


def test_a_hundred_classes_have_colours():
    assert len(set(COLOURS)) == 10
    assert [colour(k, 10) for k in range(10)] == list(COLOURS)
    assert len({colour(k, 100) for k in range(100)}) == 100


def test_thinning_keeps_ends_and_extremes_and_does_not_crawl():
    x = [float(i) for i in range(5000)]
    y = [(i * 7919) % 1000 / 10 for i in range(5000)]
    xs, ys = thin(x, y, points=500)
    assert len(xs) <= 502
    assert (xs[0], xs[-1]) == (0.0, 4999.0)
    assert (min(ys), max(ys)) == (min(y), max(y))
    later, _ = thin(x[:4990], y[:4990], points=500)
    assert len(set(later) & set(xs)) > 0.98 * len(later)


def test_records_become_columns_and_what_is_no_number_is_left_out():
    m = columns(
        [
            {"kind": "start", "step": 0},
            {"kind": "epoch", "epoch": 0, "test_accuracy": 0.1, "labelled_accuracy": None, "seconds": 1.0},
            {"kind": "step", "epoch": 0.5, "J": 3.0, "terms": {"kl_z": 1.0, "classification": float("nan")}},
            {"kind": "step", "epoch": 0.6, "J": float("inf"), "terms": {}},
            {"kind": "surprise"},
        ],
        planned=2,
    )
    assert (m.epochs, m.test, m.seconds, m.steps, m.objective) == ([0], [0.1], [1.0], [0.5], [3.0])
    assert m.terms == {"kl_z": ([0.5], [1.0])}
    assert m.progress == 0.25


def test_many_runs_are_watched_and_the_records_of_few_are_kept(root, monkeypatch):
    monkeypatch.setattr(run_metrics, "TAILS_KEPT", 2)
    folders = [fake_runs.make(root, "stopped", model="m2", seed=seed, epochs=2) for seed in range(4)]
    before = [metrics(f) for f in folders]
    assert len(run_metrics._kept().tails) == 2
    for folder, m in zip(folders, before, strict=True):
        assert m == columns(folder.records()[0], 2)
        assert metrics(folder) is m, "nothing new, nothing read"
    fake_runs.records(folders[0], 2, since=1)
    assert metrics(folders[0]).epochs == [0, 1, 2]


def test_words_for_time():
    assert [minutes(s) for s in (None, 0.2, 59, 240, 7200)] == ["unknown", "1 s", "59 s", "4 min", "2 h 0 min"]
    assert [ago(0, s) for s in (5, 60, 7300, 200000)] == ["just now", "1 minute ago", "2 hours ago", "2 days ago"]


def test_what_was_typed_is_not_read_as_markdown():
    assert run_pickers.plain("a*b[c](d):red[x]") == r"a\*b\[c\](d)\:red\[x\]"


def test_the_pace_of_a_run_is_seconds_from_epoch_to_epoch():
    """`seconds` of a record count from the run's beginning; a run that was continued was not slow while it rested."""
    from pages.parts.shared.run_metrics import columns

    def epoch(at, seconds):
        return {"kind": "epoch", "epoch": at, "seconds": seconds}

    assert columns([epoch(0, 1.0)], 9).seconds_per_epoch is None
    assert columns([epoch(0, 1.0), epoch(1, 4.0), epoch(2, 6.0)], 9).seconds_per_epoch == 2.5
    continued = [epoch(0, 1.0), epoch(1, 4.0), {"kind": "start"}, epoch(2, 100.0), epoch(3, 102.0)]
    assert columns(continued, 9).seconds_per_epoch == 2.0


def test_the_time_left_does_not_swing_with_single_epochs():
    """Epochs of a busy machine, one of which takes ten times as long as another: 20 s, 4 s, 18 s is what it said."""
    rng = np.random.default_rng(0)
    ends = np.cumsum(rng.choice([0.2, 1.0, 2.0], 50))
    records = [{"kind": "epoch", "epoch": i, "seconds": float(s)} for i, s in enumerate(ends)]
    told = [run_cards.seconds_left(columns(records[:n], 50)) for n in range(12, 50)]
    assert all(b - a <= 5 and a - b <= 10 for a, b in pairwise(told)), told
    assert told[0] == pytest.approx(ends[-1] - ends[11], rel=0.3)


def test_custom_settings_stand_in_the_address_and_in_the_run(root):
    app = open_page("pages/train.py", set="n_z=2")
    assert app.selectbox(key="preset").value == "custom", "the address names settings"
    assert app.number_input(key="custom-n_z").value == 2
    assert "Size of z: how much style can be told. A whole number from 1 to 1,024." in said(app)
    assert not [w for w in app.number_input if w.key == "custom-svm_c"], "neither model has an SVM"
    app.number_input(key="custom-lr").set_value(0.01)
    app.selectbox(key="custom-schedule").set_value("constant").run()
    check(app)
    assert app.query_params["set"] == ["n_z=2", "lr=0.01", "schedule=constant"]
    next(b for b in app.button if b.label == "Start 2 runs").click().run()
    check(app)
    by_model = {f.run.model: f.run for f in store.runs(root)}
    assert by_model["m2"].changes == "n_z=2 lr=0.01 schedule=constant"
    assert by_model["supervised"].changes == "lr=0.01 schedule=constant", "it has no z"
    assert by_model["m2"].settings.n_z == 2
    assert "n_z=2, lr=0.01" in said(app)
    app.selectbox(key="sweep").set_value("n_z").run()
    app.text_input(key="sweep-values").set_value("2, 5").run()
    assert [b.label for b in app.button if b.label.startswith("Start")] == ["Start 3 runs"], (
        "M2 twice, labels only once"
    )
    app.selectbox(key="preset").set_value("paper").run()
    assert app.query_params["preset"] == "paper"
    assert open_page("pages/train.py", preset="paper", set="n_z=2").selectbox(key="preset").value == "paper"
    swept = {key: app.query_params[key] for key in ("sweep", "sweep-values")}
    assert swept == {"sweep": "n_z", "sweep-values": "2, 5"}
    again = open_page("pages/train.py", models="m2", **swept)
    assert again.selectbox(key="preset").value == "custom"
    assert [b.label for b in again.button if b.label.startswith("Start")] == ["Start 2 runs"]
    again.selectbox(key="sweep").set_value(None).run()
    assert "sweep" not in again.query_params
    check(open_page("pages/train.py", models="m2", set="n_z=2", sweep="frog", preset="frog"))
    app = open_page("pages/train.py", models="m2", set="contrastive_epochs=3")
    next(b for b in app.button if b.label == "Start").click().run()
    check(app)
    (run,) = [f.run for f in store.runs(root) if f.run.settings.contrastive_epochs]
    assert run.epochs == by_model["m2"].epochs + 3, "those of J stay as many"
    wrong = open_page("pages/train.py", set="n_z=0")
    assert "The setting n_z cannot be '0'. Choose a whole number from 1 to 1,024." in said(wrong).replace("\\", "")
