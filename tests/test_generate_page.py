"""The page Generate, driven without a browser: every kind of run, every kind of address, no stack trace."""

import io
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fake_runs import make as fake
from PIL import Image
from streamlit.testing.v1 import AppTest
from test_inside import SMALL, weights

from models import IMAGE_MODELS, MODELS
from models.runs.run import Run
from models.runs.store import FINAL, Folder
from pages.parts.shared import image_grid

ROOT = Path(__file__).parents[1]


@pytest.fixture
def runs(tmp_path, monkeypatch, no_supervisor) -> Path:
    monkeypatch.setenv("FEWLABELS_RUNS", str(tmp_path))
    return tmp_path


def made(root: Path, model: str, dataset: str = "digits", state: str = "done") -> Folder:
    folder = Folder.create(replace(Run.make(dataset, model), settings=SMALL), root)
    weights(folder, seed=0)
    folder.set_status(state)
    return folder


def visit(**address: object) -> AppTest:
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=240)
    at.switch_page("pages/generate.py")
    for key, value in ({"show": "classes"} | address).items():
        at.query_params[key] = value
    return quiet(at.run())


def quiet(at: AppTest) -> AppTest:
    assert not at.exception, at.exception[0].stack_trace
    return at


def drawn(at: AppTest) -> str:
    return "".join(e.proto.body for e in at.get("html"))


def said(at: AppTest) -> str:
    return " ".join(e.value for e in (*at.caption, *at.markdown))


@pytest.mark.parametrize(
    ("model", "says"),
    [
        ("m1", r"M1 has no y.*10 a class here.*section 2\.1"),
        ("m2", r"the mean of p\(x\|y,z\), eq\. 4"),
        ("adgm", r"eq\. 17.*auxiliary a is not needed to draw"),
    ],
)
def test_a_run_that_draws(runs, model, says):
    folder = made(runs, model)
    at = visit(run=folder.id, image=7)
    assert re.search(says, said(at))
    assert "100 labels, seed 0, after epoch" in said(at)
    html = drawn(at)
    assert 'aria-label="10 classes in 10 styles"' in html
    assert "Test image 7" in html
    assert html.count("<figure") == 2 + 10
    assert ("SVM, calibrated" in html) == (model == "m1")


@pytest.mark.parametrize("model", [name for name, card in IMAGE_MODELS.items() if card.sampler])
@pytest.mark.parametrize("show", ["plane", "classes", "walk", "a"])
def test_a_run_that_draws_and_has_no_codes_shows_classes_alone(runs, model, show):
    """Whatever the address asks for: nothing can be drawn anew from its code, and nothing lies between two images."""
    folder = made(runs, model)
    at = visit(run=folder.id, show=show)
    assert 'aria-label="10 classes in 10 styles"' in drawn(at)
    assert MODELS[model].pictures.class_grid.partition("{")[0].strip() in said(at)
    assert "One image as every class" not in [s.value for s in at.subheader]
    assert "100 labels, seed 0, after epoch" in said(at)


def test_the_page_opens_with_what_can_be_dragged_and_a_link_to_an_image_with_that(runs):
    folder = made(runs, "m2")
    at = visit(run=folder.id, show="")
    assert at.segmented_control(key="show").value == "plane"
    assert "Drag the point" in said(at)
    assert "Test image 7" in drawn(visit(run=folder.id, image=7, show=""))


def test_new_styles_and_the_same_again(runs):
    at = visit(run=made(runs, "m2").id)
    first = drawn(at)
    quiet(at.button[0].click().run())
    assert drawn(at) != first
    quiet(at.number_input(key="style").set_value(0).run())
    assert drawn(at) == first


def test_columns_spread_and_walk(runs):
    at = visit(run=made(runs, "m2").id, columns="6")
    assert "10 classes in 6 styles" in drawn(at)
    quiet(at.slider(key="spread").set_value(0.5).run())
    assert "z × 0.5" in said(at)
    quiet(at.segmented_control(key="between").set_value("a walk").run())
    assert "a walk" in said(at)
    assert "second style" in drawn(at)


def test_choosing_an_image(runs):
    at = visit(run=made(runs, "m2").id)
    quiet(at.pills(key="pick").set_value(12).run())
    assert "Test image 12<" in drawn(at)
    quiet(at.selectbox(key="of").set_value("3").run())
    assert "<small>is 3</small>" in drawn(at)
    quiet(at.button[1].click().run())
    assert "<small>is 3</small>" in drawn(at)
    quiet(at.number_input(key="image").set_value(499).run())
    assert "Test image 499<" in drawn(at)


def test_a_training_image_that_was_pinned_elsewhere(runs):
    at = visit(run=made(runs, "m2").id, pinned=12)
    assert "Training image 12<" in drawn(at)
    (away,) = [b for b in at.button if b.label == "Choose a test image"]
    quiet(away.click().run())
    assert "Test image 0<" in drawn(at)


def test_nonsense_in_the_address_is_left_out(runs):
    at = visit(run=made(runs, "m2").id, image="501", style="-3", columns="x", spread="nan", between="1", of="frog")
    assert "Test image 0<" in drawn(at)
    assert "10 classes in 10 styles" in drawn(at)


@pytest.mark.parametrize("run", ["../../etc/passwd", "m2-digits-100-s0-none", "<b>"])
def test_a_run_that_is_not_there(runs, run):
    made(runs, "m2")
    at = visit(run=run)
    assert "The address asks for" in said(at)
    assert "10 classes in 10 styles" in drawn(at)


def test_no_run_at_all(runs, no_examples):
    at = visit()
    assert "No runs to generate images with yet" in said(at)


def why_nothing(folder, state):
    """What the page says of a run without weights."""
    if folder.snapshots():  # codes, but no weights: a damaged folder
        return "it ended without weights" if state in FINAL else "its weights come with its first epoch"
    return (
        "before it saved any weights to generate images with"
        if state in FINAL
        else "comes with its first epoch, and appears here"
    )


@pytest.mark.parametrize("state", ["queued", "running", "stopped", "failed", "done"])
def test_runs_without_weights(runs, state):
    folder = fake(runs, state, model="m2")
    at = visit(run=folder.id)
    assert why_nothing(folder, state) in said(at)


def test_a_run_that_goes_on_is_drawn_already(runs):
    folder = made(runs, "m1")
    held = folder.lock()
    folder.set_status("running")
    assert held
    assert "10 classes in 10 styles" in drawn(visit(run=folder.id))


def test_damaged_weights(runs):
    folder = made(runs, "m2")
    (folder.path / "model.safetensors").write_bytes(b"no")
    assert "is damaged" in said(visit(run=folder.id))


def test_the_floor_cannot_draw_and_shows_who_can(runs):
    other, baseline = made(runs, "adgm"), made(runs, "supervised")
    at = visit(run=baseline.id)
    assert "cannot generate images" in said(at)
    quiet(at.button(key=other.id).click().run())
    assert "10 classes in 10 styles" in drawn(at)


def test_the_newest_run_that_draws_is_shown_first(runs):
    made(runs, "m2")
    made(runs, "supervised")
    assert "10 classes in 10 styles" in drawn(visit())


def test_a_hundred_classes_without_their_data_set(runs, tmp_path, monkeypatch):
    monkeypatch.setenv("FEWLABELS_CACHE", str(tmp_path / "nothing"))
    monkeypatch.delenv("FEWLABELS_DATA", raising=False)
    at = visit(run=made(runs, "m2", "cifar100").id)
    assert "10 classes in 10 styles" in drawn(at)
    assert "CIFAR-100 is not ready on this machine" in said(at)
    quiet(at.multiselect(key="classes").set_value([3, 99]).run())
    assert "2 classes in 10 styles" in drawn(at)
    quiet(at.multiselect(key="classes").set_value([]).run())
    assert "Choose at least one class" in said(at)


def test_the_sheet_to_take_away():
    for c, names in ((1, list("0123456789")), (3, ["automobile", "apple_pie", *"abcdefgh"])):
        tiles = np.full((2, 5, 16, 16, c), 200, np.uint8)
        picture = Image.open(io.BytesIO(image_grid.labelled_png(tiles, [1, 0], names, "M2", "What it shows. " * 12)))
        assert picture.mode == "RGB"
        assert picture.width > 1200
        assert picture.getpixel((0, 0)) == (255, 255, 255)
