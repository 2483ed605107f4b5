"""Samples scored by a judge: cases whose scores are known, a judge that has learned, and a run from end to end."""

import math

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from test_inside import make

import data
from models.analysis import judge, sample_scores
from models.analysis.sample_scores import Scores
from models.errors import LatentError, StoreError
from models.runs.run import Run
from models.runs.store import Folder
from models.training.snapshot import save_png, sheet

CLASSES = 10


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    """One judge for all tests here; the data set is found where it is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FEWLABELS_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setitem(judge.EPOCHS, "small", 4)
        yield


@pytest.fixture(scope="module")
def critic(cache):
    told = []
    assert judge.accuracy("digits") is None
    reached = judge.make("digits", told.append)
    assert told == sorted(told)
    assert 0 <= told[0] < told[-1] <= 1
    assert judge.accuracy("digits") == pytest.approx(reached)
    assert judge.make("digits", told.clear) == pytest.approx(reached), "it is trained once"
    assert told
    return judge.load("digits")


def scored(critic, x, y):
    images = data.load("digits")
    real = sample_scores.distances(*sample_scores.real_features(critic, images), CLASSES)
    with torch.inference_mode():
        k, h = sample_scores.look(critic, x)
    return sample_scores.shares(k, y, CLASSES), sample_scores.distances(h, y, CLASSES) / real


def test_real_images_are_taken_for_their_class_and_as_varied_as_they_are(critic):
    images, right = data.load("digits"), judge.accuracy("digits")
    assert right > 0.9
    taken, variety = scored(critic, images.x_test, images.y_test)
    counts = np.bincount(images.y_test, minlength=CLASSES)
    assert (taken * counts).sum() / counts.sum() == pytest.approx(right, abs=1e-3)
    assert variety == pytest.approx(np.ones(CLASSES), abs=1e-6)
    of_training, varied = scored(critic, images.x[:800], images.y[:800])
    assert of_training.mean() > 0.9
    assert varied == pytest.approx(np.ones(CLASSES), abs=0.25)


def test_copies_of_one_image_have_no_variety_whatever_they_are_taken_for(critic):
    images = data.load("digits")
    first = np.array([int(np.flatnonzero(images.y_test == k)[0]) for k in range(CLASSES)])
    taken, variety = scored(critic, images.x_test[first.repeat(5)], np.arange(CLASSES).repeat(5))
    assert taken.mean() > 0.7
    assert variety == pytest.approx(np.zeros(CLASSES), abs=1e-5)


def test_shuffled_classes_are_taken_one_time_in_as_many_as_there_are(critic):
    images = data.load("digits")
    y = np.random.default_rng(0).permutation(images.y_test)
    assert scored(critic, images.x_test, y)[0].mean() == pytest.approx(1 / CLASSES, abs=0.05)


def test_distances_are_those_of_a_plain_double_sum():
    h = np.random.default_rng(0).normal(size=(7, 3))
    plain = np.mean([np.linalg.norm(h[i] - h[j]) for i in range(7) for j in range(7) if i != j])
    assert sample_scores.pairwise(h) == pytest.approx(plain)
    assert math.isnan(sample_scores.pairwise(h[:1]))


@pytest.mark.parametrize("channels", [1, 3])
def test_a_class_grid_is_taken_apart_as_it_was_laid_out(channels, tmp_path):
    tiles = np.random.default_rng(0).integers(0, 256, (4, 3, 5, 6, channels), np.uint8)
    save_png(tmp_path / "1.png", sheet(tiles))
    found = sample_scores.tiles_of(tmp_path / "1.png", (channels, 5, 6))
    assert np.array_equal(found, tiles.transpose(0, 1, 4, 2, 3))
    assert sample_scores.tiles_of(tmp_path / "1.png", (channels, 4, 6)) is None
    (tmp_path / "2.png").write_bytes(b"no picture")
    assert sample_scores.tiles_of(tmp_path / "2.png", (channels, 5, 6)) is None


# --- of a run


@pytest.fixture
def folder(tmp_path) -> Folder:
    """A run whose decoder knows nothing, and whose class grids are test images: of the right classes, then of wrong."""
    made = make(tmp_path, "m2")
    (made.path / "latents").mkdir(exist_ok=True)
    save_file({"z": np.zeros((1, 2), np.float16)}, made.path / "latents" / "0002.safetensors")
    images = data.load("digits")
    rows = np.stack([np.flatnonzero(images.y_test == k)[:8] for k in range(CLASSES)])
    tiles = images.x_test[rows].transpose(0, 1, 3, 4, 2)
    (made.path / "samples").mkdir()
    for epoch, shown in ((1, tiles[::-1]), (2, tiles)):
        save_png(made.path / "samples" / f"{epoch:04d}.png", sheet(shown))
    made.set_status("done")
    return made


def test_a_run_that_kept_no_class_grid_is_scored_at_its_end(folder, critic):
    for picture in (folder.path / "samples").iterdir():
        picture.unlink()
    sample_scores.make(folder.path, "z", 2)
    found = sample_scores.of_run(folder, 2)
    assert len(found.epochs) == found.grid == 0
    assert 0 <= found.share <= 1


def test_a_run_is_scored_at_its_end_and_by_its_class_grids_after_each_epoch(folder, critic):
    assert sample_scores.of_run(folder, 2) is None
    sample_scores.make(folder.path, "z", 2)
    found = sample_scores.of_run(folder, 2)
    assert (found.samples, found.grid, list(found.epochs)) == (100, 80, [1, 2])
    assert found.judge == judge.accuracy("digits")
    assert found.share == pytest.approx(0.1, abs=0.1), "a decoder that knows nothing draws the same of every class"
    assert found.taken_by[0] < 0.2 < 0.85 < found.taken_by[1]
    assert found.variety_by[1] == pytest.approx(1, abs=0.3)
    assert "of 1,000 samples are taken for their class" in sample_scores.sentence(folder.run, found)
    folder.map_path(2, "z", "samples").write_bytes(b"broken")
    with pytest.raises(LatentError, match="are damaged"):
        sample_scores.of_run(folder, 2)


def test_what_cannot_be_scored_says_why():
    assert "cannot generate" in sample_scores.why_not(Run.make("digits", "supervised"))
    assert "Points are no images" in sample_scores.why_not(Run.make("moons", "m2"))


def test_the_means_leave_out_classes_of_which_nothing_is_known():
    nothing = np.zeros(0)
    found = Scores(np.array([0.5, 1.0]), np.array([math.nan, 0.4]), 100, 0.9, nothing, nothing, nothing, 0)
    assert (found.share, found.varied) == (0.75, 0.4)


def test_a_judge_that_cannot_be_read_is_none(critic, tmp_path, monkeypatch):
    monkeypatch.setenv("FEWLABELS_CACHE", str(tmp_path))
    path = judge.path_of("digits")
    path.parent.mkdir()
    path.write_bytes(b"broken")
    assert judge.accuracy("digits") is None
    with pytest.raises(StoreError, match="The judge of Digits cannot be read"):
        judge.load("digits")
