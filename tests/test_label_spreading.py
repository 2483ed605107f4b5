"""Label spreading is scikit-learn's, on images, points and features; its images are the data set's, not the run's."""

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.semi_supervised import LabelSpreading
from streamlit.testing.v1 import AppTest
from test_inception import LITE

import data
from models import MODELS
from models.analysis import inference
from models.errors import UserError
from models.methods.label_spreading.model import ALPHA_OF_POINTS
from models.nn import spreading
from models.nn.spreading import ALPHA
from models.runs.archive import bring, export
from models.runs.run import Run, on_backbone
from models.runs.split import split_indices
from models.runs.store import Folder
from models.training import feature_cache
from models.training.worker import work

ROOT = Path(__file__).parents[1]
NAME = "label-spreading"


def trained(root: Path, **what) -> Folder:
    folder = Folder.create(
        Run.make(**{"dataset": "digits", "model": NAME, "threads": 1, "device": "cpu", **what}), root
    )
    assert work(folder) == "done", folder.status()["detail"]
    return folder


@pytest.fixture(scope="module")
def digits(tmp_path_factory) -> Folder:
    """A run with a hundred labels of the digits that is evaluated on held-out training images."""
    return trained(tmp_path_factory.mktemp("runs"), labels=100, seed=10, validation=200)


@pytest.mark.parametrize(("dataset", "labels", "alpha"), [("digits", 100, ALPHA), ("moons-n200", 6, ALPHA_OF_POINTS)])
def test_it_is_scikit_learns_on_training_images_alone(dataset, labels, alpha, tmp_path):
    folder = trained(tmp_path, dataset=dataset, labels=labels)
    of = data.load(dataset)
    l, u, _ = split_indices(folder.run, of)
    flat = of.x.reshape(len(of.x), -1) / np.float32(255 if of.x.dtype == np.uint8 else 1)
    machine = LabelSpreading(kernel="knn", alpha=alpha, max_iter=5_000, tol=1e-9)
    machine.fit(flat[[*l, *u]], [*of.y[l], *[-1] * len(u)])
    test = np.arange(100)
    x = of.x_test[test].reshape(100, -1) / np.float32(255 if of.x.dtype == np.uint8 else 1)
    ours, theirs = inference.q_y(folder, list(-1 - test)), machine.predict_proba(x)
    assert np.abs(ours - theirs).max(1).mean() < 1e-4
    assert folder.result()["test_accuracy"] > 0.8


def test_what_was_held_out_is_in_no_graph(digits):
    labelled, unlabelled, held_out = split_indices(digits.run, data.load("digits"))
    model = inference.load(digits)
    assert set(np.flatnonzero(model.there)) == {*labelled, *unlabelled}
    assert not model.shares[held_out].any()
    right = inference.q_y(digits, list(held_out)).argmax(1) == data.load("digits").y[held_out]
    assert right.mean() == pytest.approx(digits.result()["test_accuracy"])


def test_a_run_keeps_shares_and_no_image_and_opens_elsewhere(digits, tmp_path):
    n = len(data.load("digits").y) - 200
    assert (digits.path / "spreading.safetensors").stat().st_size < 4 * 10 * n + 200
    before = inference.q_y(digits, [0, -1])
    export(digits, tmp_path / "run.zip")
    other = bring(tmp_path / "run.zip", tmp_path / "elsewhere")
    assert np.array_equal(inference.q_y(other, [0, -1]), before)


def test_without_the_data_set_it_says_so_in_a_sentence(digits, tmp_path, monkeypatch):
    export(digits, tmp_path / "run.zip")
    other = bring(tmp_path / "run.zip", tmp_path / "elsewhere")

    def absent(name):
        raise data.DataError("It is not on this machine.")

    monkeypatch.setattr(data, "load", absent)
    with pytest.raises(UserError, match="It is not on this machine"):
        inference.load(other)


def test_on_features_its_graph_is_of_features(small_backbones, tmp_path):
    folder = trained(tmp_path, model=on_backbone(NAME, LITE), labels=50)
    assert folder.run.epochs == 1, "there is nothing to go on learning"
    of = data.load("digits")
    l, u, _ = split_indices(folder.run, of)
    both = feature_cache.of_training(folder.run, of)[:].astype(np.float32).mean(1)
    machine = LabelSpreading(kernel="knn", alpha=ALPHA, max_iter=5_000, tol=1e-9)
    machine.fit(both[[*l, *u]], [*of.y[l], *[-1] * len(u)])
    seen = inference.q_y(folder, list(range(100)))
    assert np.abs(seen - machine.predict_proba(both[:100])).max(1).mean() < 1e-2
    for networks in feature_cache.of_training(folder.run, of).kept:
        for kept in networks:
            kept.there.unlink()
    inference._kept.clear()
    with pytest.raises(UserError, match=r"are not on this machine\. Train a run of Label spreading on"):
        inference.load(folder)


def test_neighbours_are_found_block_by_block(monkeypatch):
    """Blocks that do not fit the parts, a part smaller than a block, and fewer vectors than neighbours."""
    monkeypatch.setattr(spreading, "AT_ONCE", 7)
    x = torch.randn(50, 30, generator=torch.Generator().manual_seed(0))
    found = spreading.neighbours(spreading.Vectors((x[:3], x[3:].numpy()), lambda some: some))
    assert torch.equal(found, torch.cdist(x, x).topk(7, largest=False).indices)
    assert spreading.neighbours(spreading.Vectors((x[:3],), lambda some: some)).shape == (3, 3)


def test_pages_show_a_run_without_codes(tmp_path, monkeypatch, no_supervisor):
    monkeypatch.setenv("FEWLABELS_RUNS", str(tmp_path))
    folder = trained(tmp_path, labels=20)
    for page in ("train", "compare", "latent", "equations", "uncertainty"):
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
        for key in ("run", "runs", "watch"):
            app.query_params[key] = folder.id
        app.query_params["model"] = NAME
        app.switch_page(f"pages/{page}.py").run()
        assert not app.exception, (page, [e.value for e in app.exception])
        assert not app.error, page
        said = " ".join(e.value for kind in (app.caption, app.markdown) for e in kind)
        said += " ".join(str(e.proto) for e in app.get("html"))
        assert page in ("equations", "uncertainty") or MODELS[NAME].no_map in said, (page, said[:2000])
        assert page != "equations" or "minimises nothing step by step" in said
