"""Generate's walks, planes and a, driven without a browser: every model, state and address, no stack trace."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest
from fake_runs import make as fake
from PIL import Image
from test_generate_drawing import CONV, codes
from test_generate_drawing import made as far_run
from test_generate_page import drawn, made, quiet, runs, said, visit, why_nothing  # noqa: F401 (runs is a fixture)

from models import IMAGE_MODELS, MODELS
from models.analysis import traversals
from pages.parts.inside import latent_plane
from pages.parts.shared import image_grid

SHOWN = ["walk", "plane", "a"]
PARTS = {"walk": "few_labels_walk", "plane": "few_labels_plane_pad"}


def given(at, show: str) -> dict:
    """What the component of a view was given."""
    (found,) = [e.proto for e in at.get("bidi_component") if e.proto.component_name == PARTS[show]]
    return json.loads(found.mixed.json or found.json)


@pytest.mark.parametrize("model", [name for name, card in IMAGE_MODELS.items() if card.draws])
@pytest.mark.parametrize("show", SHOWN)
def test_every_view_of_every_model(runs, model, show):  # noqa: F811
    folder = made(runs, model)
    at = visit(run=folder.id, show=show)
    if show == "a":
        # Not every method has an a: the others show what the page begins with.
        auxiliary = MODELS[model].auxiliary
        assert not auxiliary or f"KL[q(a|x) ‖ {MODELS[model].p_a}]" in said(at)
        assert ("Drag the point" in said(at)) == (not auxiliary)
        return
    data = given(at, show)
    if show == "walk":
        assert data["frames"] == traversals.FRAMES
        assert data["ends"] == ["Test image 0", "Test image 1"]
        assert ("M1 has no y to hold" in said(at)) == (model == "m1")
        assert "100 labels, seed 0, after epoch" in said(at)
    else:
        assert len(data["names"]) == (1 if model == "m1" else 10)
        assert len(data["start"]) == 3
        if MODELS[model].draws_through:
            assert "decoder" not in data
        else:
            assert data["decoder"]["sizes"] == [3 if model == "m1" else 13, 16, 256]
        assert "keeps no codes" in said(at)
        assert 'aria-label="Manifold of 0, 9 by 17"' in drawn(at)


@pytest.mark.parametrize("show", SHOWN)
@pytest.mark.parametrize("state", ["queued", "running", "stopped", "failed", "lost", "done"])
def test_runs_without_weights(runs, state, show):  # noqa: F811
    folder = fake(runs, state, model="adgm")
    assert why_nothing(folder, state) in said(visit(run=folder.id, show=show))


@pytest.mark.parametrize("show", SHOWN)
@pytest.mark.parametrize("state", ["running", "stopped", "failed", "lost"])
def test_runs_that_ended_or_go_on(runs, state, show):  # noqa: F811
    folder = made(runs, "adgm", state=state)
    at = visit(run=folder.id, show=show)
    assert "weights come" not in said(at)
    assert show != "a" or "KL[q(a|x)" in said(at)


@pytest.mark.parametrize("model", ["supervised", "inception", "efficientnet"])
def test_a_run_that_cannot_draw(runs, model):  # noqa: F811
    for show in SHOWN:
        assert "cannot generate images" in said(visit(run=fake(runs, "done", model=model).id, show=show))


def test_damaged_files(runs):  # noqa: F811
    folder = made(runs, "adgm")
    (folder.path / "latents").mkdir()
    (folder.path / "latents" / "0001.safetensors").write_bytes(b"no")
    assert "cannot be read" in said(visit(run=folder.id, show="plane"))
    (folder.path / "model.safetensors").write_bytes(b"no")
    for show in SHOWN:
        assert "is damaged" in said(visit(run=folder.id, show=show))


@pytest.mark.parametrize("dataset", ["cifar10", "cifar100"])
@pytest.mark.parametrize("model", ["m1", "m2", "adgm"])
def test_photographs_without_their_data_set(runs, tmp_path, monkeypatch, dataset, model):  # noqa: F811
    monkeypatch.setenv("FEWLABELS_CACHE", str(tmp_path / "nothing"))
    monkeypatch.delenv("FEWLABELS_DATA", raising=False)
    folder = made(runs, model, dataset)
    for show in ("walk", "a") if model == "adgm" else ("walk",):
        assert "is not ready on this machine" in said(visit(run=folder.id, show=show))
    at = visit(run=folder.id, show="plane", start="test image", image="3", **{"class": "9"})
    data = given(at, "plane")
    assert not data["grey"]
    assert len(data["classes"]) <= latent_plane.MOST
    assert model == "m1" or data["classes"][data["outlined"]] == 9
    assert at.session_state["start"] == "middle"


def test_nonsense_in_the_address(runs):  # noqa: F811
    folder = made(runs, "adgm")
    at = visit(run=folder.id, show="walk", to="9999", place="-1", **{"from": "<b>"})
    assert given(at, "walk")["ends"] == ["Test image 0", "Test image 1"]
    assert given(at, "walk")["at"] == 0
    junk = {
        "class": "x",
        "directions": "up",
        "side": "1000",
        "start": "there",
        "at": "nan,inf",
        "dims": "0:1,9:1,1:x,2:1",
    }
    at = visit(run=folder.id, show="plane", **junk)
    data = given(at, "plane")
    assert data["moved"] == [0, 0]
    assert data["set"] == [[1, 1]]
    assert "Manifold of 0, 9 by 17" in drawn(at)
    at = visit(run=folder.id, show="plane", directions="two dimensions", first="99", second="99", start="random style",
               style="99999999")  # fmt: skip
    assert given(at, "plane")["titles"] == ["z1", "z2"]
    assert "Drag the point" in said(visit(run=folder.id, show="everything"))


def test_a_link_to_a_walk(runs):  # noqa: F811
    at = visit(run=made(runs, "m2").id, show="walk", to="-8", place="48", **{"from": "5"})
    data = given(at, "walk")
    assert data["ends"] == ["Training image 5", "Test image 7"]
    assert data["at"] == 48
    quiet(at.number_input(key="from_number").set_value(12).run())
    assert at.query_params["from"] == "12"
    quiet(at.selectbox(key="from_of").set_value("test images").run())
    assert at.query_params["from"] == "-13"
    quiet(at.pills(key="to_pick").set_value(-3).run())
    assert given(at, "walk")["ends"] == ["Test image 12", "Test image 2"]
    quiet(at.button(key="to_other").click().run())
    assert int(at.query_params["to"]) < 0


def test_a_link_to_a_place_in_z(runs):  # noqa: F811
    folder = far_run(runs, "m2")
    folder.set_status("done")
    z, k = codes(folder)
    at = visit(run=folder.id, show="plane", at="1.5,-0.25", dims="2:0.5,6:-1", side="9", **{"class": "3"})
    data = given(at, "plane")
    assert data["moved"] == [1.5, -0.25]
    assert data["set"] == [[1, 0.5], [5, -1]]
    assert data["outlined"] == 3
    assert "of the 40 kept images that the run predicts as 3 vary most" in said(at)
    assert "Manifold of 3, 9 by 17" in drawn(at)
    assert np.allclose(data["start"], z[k == 3].mean(0), atol=1e-5)
    quiet(at.segmented_control(key="start").set_value("test image").run())
    assert "at" not in at.query_params  # it was a place relative to another start
    assert np.allclose(given(at, "plane")["start"], traversals.code(folder, -1), atol=1e-5)
    quiet(at.number_input(key="start_image").set_value(7).run())
    assert at.query_params["image"] == "7"
    assert np.allclose(given(at, "plane")["start"], traversals.code(folder, -8), atol=1e-5)
    quiet(at.segmented_control(key="start").set_value("random style").run())
    quiet(at.button(key="start_style_other").click().run())
    assert int(at.query_params["style"]) >= 0
    quiet(at.segmented_control(key="directions").set_value("two dimensions").run())
    data = given(at, "plane")
    assert data["axes"][0] == [float(f"z{i + 1}" == data["titles"][0]) for i in range(6)]


def test_a_convolutional_decoder_has_a_field_instead(runs):  # noqa: F811
    folder = far_run(runs, "adgm", settings=replace(CONV, net="conv"))
    folder.set_status("done")
    data = given(visit(run=folder.id, show="plane", dims="1:2"), "plane")
    assert "decoder" not in data
    assert data["field"]["side"] == traversals.FIELD
    assert data["set"] == []
    assert "convolutional" in data["says"]


def test_the_share_of_a(runs):  # noqa: F811
    folder = far_run(runs, "adgm")
    folder.set_status("done")
    at = visit(run=folder.id, show="a", image=5)
    assert "draws of a for test image 5" in drawn(at)
    assert "6 draws of a as 10 classes" in drawn(at)
    assert "eq. 18" in said(at)


def test_a_sheet_with_names_for_rows_and_columns():
    tiles = np.full((3, 4, 16, 16, 1), 255, np.uint8)
    classes = np.array([[0, 1, 2, 3]] * 3)
    made_of = [
        image_grid.labelled_png(tiles, classes, "0123456789", "M2", "What.", list("abc"), list("wxyz")[:n])
        for n in (0, 4)
    ]
    plain, named = (Image.open(io.BytesIO(p)) for p in made_of)
    assert named.height > plain.height
    _, times = np.unique(np.asarray(plain).reshape(-1, 3), axis=0, return_counts=True)
    assert (times > 10_000).sum() == 5, "white, and a colour for each column"
