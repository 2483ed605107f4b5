"""The Compare page beyond its maps: figures of spaces, confusions, one image through every model, settings."""

import csv
import io
import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import fake_runs
import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file
from streamlit.testing.v1 import AppTest
from test_inside import SMALL, weights

import data
from models import MODELS
from models.analysis import confusion, separability
from models.jobs import JobsError
from models.results import over_seeds, table
from models.runs.annotations import Parent
from models.runs.run import Run
from models.runs.store import Folder
from pages.parts.compare import compared_runs, differences, export, same_image
from pages.parts.compare import confusion as confusions
from pages.parts.shared import records, run_pickers, run_table
from pages.parts.shared.run_pickers import EXAMPLES

ROOT = Path(__file__).parents[1]
STATES = ("running", "done", "failed", "stopped", "lost", "queued")
GROUPS = (("m1", "m2", "adgm", "supervised"), ("inception", "efficientnet", "m2"))


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("FEWLABELS_RUNS", str(tmp_path))
    return tmp_path


def taken(ids: np.ndarray, true: np.ndarray, wrong: int) -> np.ndarray:
    """Every `wrong`-th image is taken for the class after its own."""
    return np.where(ids % wrong == 0, (true + 1) % 10, true)


def make(root: Path, model: str = "m2", state: str = "done", wrong: int = 5, weighed: bool = True, **run) -> Folder:
    """A run on the digits with codes that follow the class, weights that know nothing, and records."""
    folder = Folder.create(replace(Run.make(dataset="digits", model=model, epochs=2, **run), settings=SMALL), root)
    images = data.load("digits")
    ids = np.concatenate([np.arange(300), -1 - np.arange(200)]).astype(np.int32)
    true = np.concatenate([images.y[:300], images.y_test[:200]])
    z = np.random.default_rng(0).normal(size=(500, 4)) + 3 * np.eye(10)[true][:, :4]
    q = np.full((500, 10), 0.01)
    q[np.arange(500), taken(ids, true, wrong)] = 0.91
    arrays = {name: z.astype(np.float16) for name in MODELS[model].latents} | {"id": ids, "q_y": q.astype(np.float16)}
    (folder.path / "latents").mkdir()
    save_file(arrays, folder.path / "latents" / "0002.safetensors")
    if weighed:
        weights(folder, seed=0)
    fake_runs.records(folder, 0)
    for path in (folder.path / "latents").glob("0000*"):
        path.unlink()
    folder.append(
        {"kind": "epoch", "step": 26, "epoch": 2, "test_accuracy": 0.8, "labelled_accuracy": 1.0, "seconds": 9}
    )
    if state == "done":
        fake_runs.finish(folder)
    if state == "running":
        folder.lock()
    folder.set_status(state)
    return folder


def open_page(runs: list[Folder], **address: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=240)
    app.query_params["runs"] = ",".join(f.id for f in runs)
    for key, value in address.items():
        app.query_params[key] = value
    return quiet(app.switch_page("pages/compare.py").run())


def quiet(app: AppTest) -> AppTest:
    assert not app.exception, [e.value for e in app.exception]
    assert not app.error
    return app


def given(app: AppTest, name: str) -> list[dict]:
    protos = [e.proto for e in app.get("bidi_component")]
    return [json.loads(p.mixed.json or p.json) for p in protos if p.component_name == f"few_labels_{name}"]


def drawn(app: AppTest) -> str:
    return "".join(e.proto.body for e in app.get("html"))


def said(app: AppTest) -> str:
    return " ".join(c.value for c in (*app.caption, *app.markdown)).replace("\\", "")


def rows_of(text: bytes) -> list[dict]:
    return list(csv.DictReader(io.StringIO(text.decode())))


# --- what the page opens with


def test_it_opens_with_runs_of_one_seed_and_with_no_continuation(root):
    bare = {"weighed": False}
    for seed, models in ((0, ("supervised", "m1", "m2")), (13, ("supervised", "m1", "m2")), (14, ("m1",))):
        for model in models:
            make(root, model, seed=seed, **bare)
    last = make(root, "m2", seed=13, **bare)
    last.change(replace(last.run, parent=Parent("m2-digits-100-s13-aaaa", 2)))
    chosen = compared_runs.first_choice(run_pickers.readable_runs())
    assert [(f.run.model, f.run.seed, f.run.parent) for f in chosen] == [
        (model, 13, None) for model in MODELS if model in ("supervised", "m1", "m2")
    ]
    assert run_pickers.begun_anew([last]) == [last]  # there is nothing else
    assert compared_runs.names([last]) == ["M2, continued"]
    assert run_pickers.run_label(last).startswith("M2, continued · Digits")
    assert run_table.row(last)["model"].endswith(", continued")


def test_the_runs_shown_are_ticked_in_the_table_to_choose_from(root):
    for seed in (0, 1, 2):
        make(root, seed=seed, weighed=False)

    def page() -> None:
        import streamlit as st

        from pages.parts.shared import run_pickers, run_table

        runs = run_pickers.readable_runs()
        run_table.show(runs, "compare", {run_table.COMPARE: print}, [f.id for f in runs[: st.session_state["n"]]])

    app = AppTest.from_function(page)
    ids = [f.id for f in run_pickers.readable_runs()]
    for n in (2, 1):  # other runs on the page, other ticks
        app.session_state["n"] = n
        quiet(app.run(timeout=60))
        assert app.session_state["compare-chosen"] == ids[:n]
        assert f"{n} chosen" in said(app)


# --- every model in every state


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("models", GROUPS, ids="-".join)
def test_every_model_in_every_state(root, engine, models, state):
    runs = [fake_runs.make(root, state, model=m, epochs=4) for m in models]
    app = open_page(runs, cell="3-5", image="-7", among="disagree", pair="1-2")
    if state == "queued":
        assert EXAMPLES in said(app)
        return
    assert app.dataframe[0].value.shape[0] == len(models)
    assert len(given(app, "confusion")[0]["matrices"]) == len(models) + 1
    assert "This snapshot holds 0 training images" in drawn(app)
    assert "Test image 6" in given(app, "selected_image")[0]["name"]
    why = "Its weights come with its first epoch." if state == "running" else "It kept no weights."
    assert why in drawn(app)


@pytest.mark.parametrize("model", ["m1", "m2", "adgm", "supervised"])
def test_every_pair_of_models_with_weights(root, engine, model):
    runs = [make(root, m) for m in dict.fromkeys((model, "m2", "adgm"))]
    html = drawn(open_page(runs, image="5"))
    assert html.count('class="th-row"') == len(runs)
    assert html.count("reconstructed") == sum(MODELS[f.run.model].draws for f in runs)
    assert ("It is only a classifier, q(y|x)" in html) == (model == "supervised")


def test_runs_in_different_states_stand_together(root, engine):
    runs = [make(root), make(root, "adgm", "running"), fake_runs.make(root, "failed", model="m1", epochs=2, at=0)]
    (runs[0].path / "latents" / "0002.safetensors").write_bytes(b"nothing")
    (runs[1].path / "model.safetensors").write_bytes(b"nothing")
    app = open_page(runs)
    assert "cannot be read" in said(app)
    assert "is damaged, so nothing can be drawn" in drawn(app)


def test_the_headline_says_how_far_apart_the_runs_are(root, engine):
    """Maps come first, and above them what they show: a difference, or that it may be chance, or nothing."""
    kept = {"labels": 20, "epochs": 2}
    m2, adgm, alone = (fake_runs.make(root, "done", model=m, **kept) for m in ("m2", "adgm", "supervised"))
    high, low, mid = (100 * f.result()["test_accuracy"] for f in (adgm, alone, m2))
    assert (high - low, high - mid) == (pytest.approx(5.7, abs=0.4), pytest.approx(0.7, abs=0.4))  # of 500 images

    def headline(*folders) -> str:
        return open_page(list(folders)).subheader[0].value

    assert headline(m2, adgm, alone) == (
        f"In these runs with 20 labels, ADGM classifies {high:.1f} % of the test images correctly, labels only "
        f"{low:.1f} %: {high - low:.1f} points apart."
    )
    assert headline(m2, adgm).endswith(f"M2 {mid:.1f} %: no further apart than chance can put them.")
    twin = Folder(root / f"{m2.id[:-4]}twin")
    shutil.copytree(m2.path, twin.path)
    assert headline(m2, twin) == f"All these runs classify {mid:.1f} % of the test images correctly."
    assert headline(m2) == "Latent maps"
    assert headline(m2, fake_runs.make(root, "done", dataset="mnist", model="adgm", epochs=2)) == "Latent maps"


def test_below_the_headline_stands_what_results_has_over_all_seeds(root, engine):
    """Of the examples, whose runs are no row of any table, and of runs of one's own, which are; else nothing."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=240)
    quiet(app.switch_page("pages/compare.py").run())
    rows = [table.reference_row(("digits", m, 20, "tuned")) for m in ("m1", "m2", "adgm", "supervised")]
    told = over_seeds.sentence(rows[:3], rows[3])
    assert f"{told} This pair of runs lies further apart than the mean." in said(app)
    assert "(−0.4 points)" in told, "of M1, whose example is ahead"
    assert app.subheader[0].value.startswith("In these runs with 20 labels, ADGM classifies")

    m2, alone = (fake_runs.make(root, "done", model=m, labels=20, seed=7) for m in ("m2", "supervised"))
    assert "Over 4 seeds: M2" in said(open_page([m2, alone]))
    assert "Over 4 seeds: M2" in said(open_page([m2]))
    other = fake_runs.make(root, "done", model="m2", labels=50, epochs=2)
    for runs in ([m2, other], [m2, fake_runs.make(root, "done", model="m2", labels=20, seed=8)], [alone, other]):
        assert "Over " not in said(open_page(runs))


def test_maps_open_with_what_is_predicted_and_captions_are_sentences(root, engine):
    app = open_page([make(root, "m2"), make(root, "supervised")])
    shown = [d for d in given(app, "latent_map") if d["part"] in ("map", "legend")]
    assert {d["colour"] for d in shown} == {"sure"}
    assert all(d["tested"] for d in shown)
    assert [d["images"] for d in given(app, "latent_score")] == [500, 500]
    for card in MODELS.values():
        for space in card.spaces:
            for sentence in card.expected(space):
                assert sentence[0].isupper()
                assert sentence.endswith(".")
            assert " ".join(card.expected(space)) == card.spaces[space]
    assert MODELS["m2"].expected("nowhere") == ("", "")


def test_each_section_says_in_a_sentence_what_it_shows_and_the_index_leads_to_it(root, engine):
    runs = [make(root, wrong=4, weighed=False), make(root, "adgm", wrong=6, weighed=False)]
    for run in runs:
        for space in MODELS[run.run.model].latents:
            separability.make(run.path, space, 2)
    codes = runs[1].path / "latents" / "0002.safetensors"
    arrays = load_file(codes)
    save_file({**arrays, "a": np.random.default_rng(1).normal(size=(500, 4)).astype(np.float16)}, codes)  # of no class
    separability.make(runs[1].path, "a", 2)
    app = open_page(runs)
    claims = [s.value for s in app.subheader]
    # Every fourth image of M2 is taken for the class after its own, every sixth of ADGM.
    images = data.load("digits")
    ids, y = -1 - np.arange(200), images.y_test[:200]
    counts = confusion.counts(y, taken(ids, y, 4), 10)
    i, j, n = confusion.top(counts, 1)[0]
    assert f"The most frequent mistake: M2 classifies {n} of {counts[i].sum()} images of {i} as {j}." in claims
    (probe,) = (c for c in claims if c.startswith("A linear probe"))
    assert re.search(r"best from z of M2 \(\d+\.\d %\), worst from a of ADGM \(\d+\.\d %\)\.$", probe), probe
    assert any(c.startswith("Every run classifies its labelled images correctly") for c in claims)
    html = drawn(app)
    links = re.findall(r'href="#([\w-]+)"', html)
    # Twice: under the menu, and in a row of the page where that is shut.
    assert links == 2 * re.findall(r'class="section" id="([\w-]+)"', html)
    assert len(links) == 2 * 8


@pytest.mark.parametrize("known", [True, False], ids=["on record", "not on record"])
def test_a_run_has_one_accuracy_what_it_measured(root, engine, known):
    """Its snapshot keeps probabilities in half precision, of which one may count otherwise."""
    run = make(root, wrong=4, weighed=False)
    separability.make(run.path, "z", 2)
    if not known:
        run.metrics.write_text(
            run.metrics.read_text().replace('"epoch": 2,', '"epoch": 3,').replace('"epoch":2,', '"epoch":3,')
        )
    y, ids = data.load("digits").y_test[:200], -1 - np.arange(200)
    counted = 100 * np.mean(taken(ids, y, 4) == y)
    measured = 100 * run.result()["test_accuracy"]
    assert abs(counted - measured) > 1
    app = open_page([run])
    (shown,) = given(app, "confusion")[0]["matrices"]
    of = f"Test accuracy {measured:.1f} %" if known else f"{counted:.1f} % of these 200 images correct"
    assert shown["note"] == f"{of}, 100 labels, seed 0, epoch 2"
    assert f"<b>{measured if known else counted:.1f} %</b>" in drawn(app)
    scores = [s["accuracy"] for s in given(app, "latent_score")]
    assert scores == ([[pytest.approx(measured / 100)]] if known else [])


@pytest.mark.parametrize("junk", ["", "x", "-1--1", "10-10", "3", "99999999999", "nan", "<b>", "1-1-1", "%00"])
def test_junk_in_the_address(root, engine, junk):
    runs = [make(root, wrong=4), make(root, "adgm")]
    app = open_page(runs, **dict.fromkeys(("cell", "pair", "among", "image", "space", "projection", "along"), junk))
    (shown,) = given(app, "confusion")
    assert shown["cell"] is None
    assert -200 <= given(app, "selected_image")[0]["id"] < 300


def test_a_run_of_another_page_opens_beside_its_like(root, engine):
    """As the menu hands it over; and as it was shown before, if it was."""
    one, other = (make(root, m, labels=20) for m in ("m2", "m1"))
    make(root, "adgm")  # newer, and with other labels
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=240)
    app.query_params["beside"] = one.id
    quiet(app.switch_page("pages/compare.py").run())
    assert app.multiselect(key="runs").value == [one.id, other.id]
    app.multiselect(key="runs").set_value([other.id, one.id]).run()
    del app.query_params["runs"]
    app.query_params["beside"] = one.id
    assert quiet(app.run()).multiselect(key="runs").value == [other.id, one.id]


def test_at_most_four(root, engine):
    runs = [make(root, seed=s, weighed=False) for s in range(5)]
    assert len(open_page(runs).dataframe[0].value) == 4


# --- how well each space separates


def test_spaces_are_measured_once_and_shown(root, engine):
    runs = [make(root, "adgm", weighed=False), make(root, "supervised", weighed=False)]
    app = open_page(runs)
    asked = [(runs[0].id, 2, "z", "separation"), (runs[0].id, 2, "a", "separation"), (runs[1].id, 2, "h", "separation")]
    assert engine.asked == asked
    assert drawn(app).count("Being measured.") == 3
    for id, epoch, which, _ in asked:
        separability.make(root / id, which, epoch)
    engine.asked.clear()
    app = open_page(runs)
    assert engine.asked == []
    found = separability.read(runs[0], compared_runs.sides(runs)[0].snapshot, "a")
    html = drawn(app)
    assert f"<b>{100 * found.neighbours:.1f} %</b>" in html
    assert f"<b>{100 * found.linear_probe:.1f} %</b>" in html
    assert f"<b>{found.silhouette:+.2f}</b>" in html
    text = said(app)
    assert "For looking only" in text
    assert any("200 test images, fitted on 300 training images" in c.help for c in app.caption)
    assert "for the z of M2 and ADGM *low* is" in text
    assert "100 labels, seed 0, epoch 2" in html


def test_a_run_that_goes_on_is_measured_when_it_has_ended(root, engine):
    app = open_page([make(root, state="running", weighed=False)])
    assert "Measured when the run has ended." in drawn(app)
    assert engine.asked == []


def test_what_goes_wrong_while_measuring_is_a_sentence(root, engine, monkeypatch):
    run = make(root, weighed=False)
    engine.fails("The machine ran out of memory.", run.id, 2, "z", "separation")
    assert "The machine ran out of memory." in drawn(open_page([run]))
    path = run.map_path(2, "z", "separation")
    path.parent.mkdir()
    path.write_bytes(b"nothing")
    assert "are damaged. Delete that file" in drawn(open_page([run]))
    path.unlink()

    def busy(*_: object) -> None:
        raise JobsError("The queue is busy. Try again.")

    monkeypatch.setattr(engine, "map", busy)
    engine.forgets(run.id, 2, "z", "separation")
    assert "The queue is busy" in drawn(open_page([run]))


# --- confusions


def test_matrices_their_difference_and_the_images_of_an_entry(root, engine):
    runs = [make(root, wrong=4, weighed=False), make(root, "adgm", wrong=6, weighed=False)]
    images = data.load("digits")
    ids, y = -1 - np.arange(200), images.y_test[:200]
    mine, theirs = (confusion.counts(y, taken(ids, y, w), 10) for w in (4, 6))
    (shown,) = given(open_page(runs, cell="3-4"), "confusion")
    one, other, minus = shown["matrices"]
    assert one["counts"] == mine.tolist()
    assert other["counts"] == theirs.tolist()
    assert minus["counts"] == (mine - theirs).tolist()
    assert minus["name"] == "M2 minus ADGM"
    assert shown["cell"] == [3, 4]
    for of, wrong in zip(shown["images"], (4, 6), strict=True):
        expected = {int(i) for i in ids[(y == 3) & (ids % wrong == 0)]}
        assert {t["id"] for t in of["tiles"]} == expected
        assert of["total"] == len(expected)
    assert len(given(open_page(runs[:1]), "confusion")[0]["matrices"]) == 1


def test_the_pair_stands_in_the_address(root, engine):
    runs = [make(root, m, weighed=False) for m in ("m1", "m2", "adgm")]
    app = open_page(runs, pair="2-3")
    assert given(app, "confusion")[0]["matrices"][-1]["name"] == "M2 minus ADGM"
    quiet(app.selectbox(key="pair").set_value((0, 2)).run())
    assert app.query_params["pair"] in ("1-3", ["1-3"])
    assert given(app, "confusion")[0]["matrices"][-1]["name"] == "M1 minus ADGM"


def test_a_hundred_classes_are_a_list():
    rng = np.random.default_rng(0)
    true = rng.integers(0, 100, 400)
    predicted = np.where(rng.random(400) < 0.4, rng.integers(0, 100, 400), true)
    q = np.eye(100, dtype=np.float32)[predicted]
    from test_separation import snapshot_of

    snapshot = snapshot_of(np.zeros((400, 2)), true, np.ones(400, bool), 100, predicted)
    assert q.shape == snapshot.q_y.shape
    sides = [replace_side("one", snapshot), replace_side("two", snapshot)]
    one, _, minus = confusions.matrices(sides, (0, 1), [3, 7])
    assert "counts" not in one
    assert len(one["top"]) == confusions.LISTED
    i, j, n = one["top"][0]
    assert n == ((true == i) & (predicted == j)).sum()
    assert one["known"]["3-7"] == ((true == 3) & (predicted == 7)).sum()
    assert minus["top"] == []


def replace_side(name: str, snapshot) -> compared_runs.Side:
    class Stand(Folder):
        run = Run.make(dataset="cifar100", model="m2")

    return compared_runs.Side(Stand("/nowhere/m2-cifar100-1000-s0-aaaa"), name, "#2f6be0", "done", snapshot)


# --- one image through every model


@pytest.mark.parametrize("id", [12, -1, -500, 1296])
def test_an_image_of_either_part_goes_through_every_model(root, engine, id):
    from models.analysis import inference

    runs = [make(root, "m2"), make(root, "adgm"), make(root, "supervised")]
    app = open_page(runs, image=str(id))
    (header,) = given(app, "selected_image")
    assert header["id"] == id
    assert header["name"] == (f"Training image {id}" if id >= 0 else f"Test image {-1 - id}")
    html = drawn(app)
    for f in runs:
        q = inference.q_y(f, [id])[0]
        k = int(q.argmax())
        assert f"<em>{k}, {100 * q[k]:.1f} %," in html
    assert html.count('class="th-bar"') == 30
    assert app.number_input(key="through_number").value == (id if id >= 0 else -1 - id)


def test_choosing_an_image_writes_it_into_the_address(root, engine):
    app = open_page([make(root, wrong=4), make(root, "adgm", wrong=7)])
    first = given(app, "selected_image")[0]["id"]
    assert first % 4 == 0 or first % 7 == 0, "the first is one on which they disagree"
    quiet(app.number_input(key="through_number").set_value(17).run())
    now = int(np.ravel(app.query_params["image"])[0])
    assert now in (17, -18)
    quiet(app.selectbox(key="through_part").set_value("training" if now < 0 else "test").run())
    assert int(np.ravel(app.query_params["image"])[0]) == -1 - now
    quiet(app.segmented_control(key="among").set_value("disagree").run())
    picked = int(np.ravel(app.query_params["image"])[0])
    assert (picked % 4 == 0) != (picked % 7 == 0)
    quiet(app.button(key="through_another").click().run())
    other = int(np.ravel(app.query_params["image"])[0])
    assert other != picked
    assert (other % 4 == 0) != (other % 7 == 0)


def test_of_a_hundred_classes_ten_are_shown():
    q = np.full((2, 100), 1e-4)
    q[0, 40], q[1, 77] = 0.99, 0.99
    shown = same_image.classes_shown(list(q), 5, 100)
    assert len(shown) == 10
    assert {5, 40, 77} <= set(shown)
    assert shown == sorted(shown)
    assert same_image.classes_shown([], 5, 100)[0] >= 0
    assert same_image.classes_shown([], 3, 10) == list(range(10))


def test_a_frozen_network_says_what_it_kept(root, engine, monkeypatch):
    from models.analysis import inference

    monkeypatch.setattr(inference, "q_y", lambda *_: pytest.fail("looked through a frozen network"))
    html = drawn(open_page([make(root, "efficientnet")], image="4"))
    assert re.search(r"<em>\d, 91\.0 %,", html)


def test_runs_on_different_data_sets_have_no_image_in_common(root, engine):
    other = Folder.create(Run.make(dataset="mnist", model="m2"), root)
    other.set_status("stopped")
    app = open_page([make(root, weighed=False), other])
    assert "no image goes through all of them" in said(app)
    assert given(app, "selected_image") == []


def test_images_that_are_not_here(root, engine, monkeypatch):
    run = make(root, weighed=False)
    monkeypatch.setattr(data, "availability", lambda name: "absent")
    assert "are not ready on this machine" in said(open_page([run]))


# --- settings


def test_every_setting_that_differs_is_named_with_what_it_changes(root, engine):
    runs = [Folder.create(Run.make(dataset="digits", model="adgm", preset=p, labels=n), root)
            for p, n in (("tuned", 100), ("paper", 50))]  # fmt: skip
    for f in runs:
        f.set_status("stopped")
    sides = compared_runs.sides(runs)
    table = {r["Setting"]: r for r in differences.rows(sides)}
    flat = [{**f.run.to_dict(), **f.run.to_dict()["settings"]} for f in runs]
    differ = {k for k in flat[0] if k != "settings" and flat[0][k] != flat[1][k]}
    unseen = {k for k in differ if not differences.reads("adgm", k)}
    assert set(table) == {k.replace("_", " ") for k in differ - unseen}
    assert {"preset", "labels", "net", "beta", "consistency", "schedule"} <= set(table)
    assert all(r["What it changes"] and r["Concerns"] for r in table.values())
    assert "no single one explains" in differences.changed(list(table.values()))
    app = open_page(runs)
    assert app.dataframe[1].value["Setting"].tolist() == [r["Setting"] for r in differences.rows(sides)]


def test_every_setting_of_a_run_has_words():
    run = Run.make(dataset="digits", model="m2").to_dict()
    assert set(differences.SETTINGS) == (set(run) | set(run["settings"])) - {"settings"}


def test_a_seed_alone_shows_how_large_chance_is(root, engine):
    sides = compared_runs.sides([make(root, weighed=False), make(root, seed=1, weighed=False)])
    table = differences.rows(sides)
    assert [r["Setting"] for r in table] == ["seed"]
    assert "shows how large chance is" in differences.changed(table)
    twin = make(root, weighed=False)
    assert "They were trained with the same settings." in [
        s.value for s in open_page([sides[0].folder, twin]).subheader
    ]


def test_a_setting_that_a_method_does_not_look_at_is_a_dash(root, engine):
    sides = compared_runs.sides([make(root, "m2", weighed=False), make(root, "adgm", weighed=False)])
    table = {r["Setting"]: r for r in differences.rows(sides)}
    assert (table["n a"]["M2"], table["n a"]["ADGM"]) == ("–", "2")
    assert table["model"]["ADGM"] == "ADGM"


def test_objectives_term_by_term(root, engine):
    runs = [fake_runs.make(root, "done", model=m, epochs=2) for m in ("m1", "m2")]
    table = {r["Term"]: r for r in differences.objectives(compared_runs.sides(runs))}
    assert table["−log p(x|z)"]["M2"] is None
    assert table["−α log q(y|·), labelled"]["M1"] is None
    steps = [r for r in runs[1].records()[0] if r["kind"] == "step"]
    last = int(steps[-1]["epoch"])
    inside = [r["terms"]["classification"] for r in steps if last - 1 < r["epoch"] <= last]
    assert table["−α log q(y|·), labelled"]["M2"] == pytest.approx(np.mean(inside))
    assert next(iter(table)) == "J, their sum"


def test_parameters_are_known_while_a_run_goes_on(root):
    running = fake_runs.make(root, "stopped", model="m2", epochs=4)
    assert differences.parameters(running) == 1_204_000
    assert differences.parameters(Folder.create(Run.make(model="m2", dataset="digits"), root)) is None


# --- to take away


def test_metrics_as_csv(root, engine):
    runs = [fake_runs.make(root, "done", model=m, epochs=3) for m in ("m2", "supervised")]
    lines = rows_of(export.metrics_csv(compared_runs.sides(runs)))
    assert [(line["run"], line["epoch"]) for line in lines] == [(f.id, str(e)) for f in runs for e in range(4)]
    epochs = [r for r in runs[0].records()[0] if r["kind"] == "epoch"]
    assert float(lines[2]["test_accuracy"]) == epochs[2]["test_accuracy"]
    assert lines[2]["labels"] == "100"
    assert float(lines[2]["J"]) == epochs[2]["J"]  # the mean over the epoch's steps, as the run recorded it
    assert lines[5]["unlabelled/kl_z"] == ""


def test_confusions_as_csv(root, engine):
    sides = compared_runs.sides([make(root, weighed=False), make(root, "adgm", wrong=9, weighed=False)])
    lines = rows_of(confusions.as_csv(sides))
    assert len(lines) == 200
    assert sum(int(line["images"]) for line in lines) == 400
    counts = confusion.matrix(sides[1].snapshot)
    found = next(x for x in lines[100:] if (x["true"], x["predicted"]) == ("2", "3"))
    assert int(found["images"]) == counts[2, 3]


def test_the_chart_is_one_file_that_asks_nobody(root, engine):
    runs = [fake_runs.make(root, "done", model="m2", epochs=3)]
    text = export.chart_html(compared_runs.sides(runs), "epochs").decode()
    assert len(text) > 1_000_000, "what draws it is in it"
    assert not re.findall(r'<(?:script|link)[^>]+(?:src|href)="?(?!data:)', text)
    assert "100 labels" in text
    assert export.figure(compared_runs.sides(runs), "seconds")["data"][0]["x"][1] == pytest.approx(1.7)


def test_a_table_of_different_fields_is_one_table():
    text = records.table_csv([{"a": 1, "b": float("nan")}, {"a": 2, "c": 0.5}])
    assert rows_of(text) == [{"a": "1", "b": "", "c": ""}, {"a": "2", "b": "", "c": "0.5"}]
    assert records.table_csv([]).strip() == b""


# --- what it costs


def test_the_page_of_runs_without_weights_loads_nothing_heavy(root):
    runs = [make(root, m, weighed=False) for m in ("m2", "adgm")]
    for f in runs:
        for space in MODELS[f.run.model].latents:
            separability.make(f.path, space, 2)
    code = f"""
import sys
from streamlit.testing.v1 import AppTest
app = AppTest.from_file("app.py", default_timeout=240).run()
app.query_params["runs"] = {",".join(f.id for f in runs)!r}
app.switch_page("pages/compare.py").run()
assert not app.exception and len(app.get("bidi_component")) >= 4
print(sorted({{"torch", "umap", "sklearn", "scipy"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.stdout.strip().endswith("[]"), done.stdout + done.stderr


def test_an_image_seen_before_costs_no_model(root, engine, monkeypatch):
    from models.analysis import inference

    runs = [make(root, "m2"), make(root, "adgm")]
    open_page(runs, image="9")
    monkeypatch.setattr(inference, "load", lambda *_: pytest.fail("a model was asked again"))
    assert drawn(open_page(runs, image="9")).count('class="th-row"') == 2
    assert torch.get_num_threads() >= 1
