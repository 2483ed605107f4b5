"""Recordings: what a run was is what its recording says, and Start plays them before anything has been trained."""

import dataclasses
import itertools
import json
import re
from pathlib import Path

import fake_runs
import numpy as np
import pytest
from safetensors.numpy import save_file
from streamlit.testing.v1 import AppTest

import data
from models import BASELINE, MODELS
from models.analysis import projections, snapshots
from models.errors import StoreError
from models.results import examples, plane_recordings, recorded_images, recordings, reference
from models.results.recordings import Recording
from models.runs.run import Run, is_todays
from models.runs.store import Folder
from pages.parts.shared import latent_map
from pages.parts.start import exhibit

ROOT = Path(__file__).parents[1]
EPOCHS = 20


def some_run(root: Path, model: str = "m2", dataset: str = "digits", labels: int = 20) -> Folder:
    """A finished run with a snapshot of each epoch, a film of UMAPs and the accuracies of its epochs."""
    space = next(iter(MODELS[model].spaces))
    folder = Folder.create(Run.make(dataset, model, labels=labels, epochs=EPOCHS, threads=1), root)
    (folder.path / "latents").mkdir()
    rng = np.random.default_rng(3)
    ids = np.r_[np.arange(60), -1 - np.arange(40)].astype(np.int32)
    for epoch in range(EPOCHS + 1):
        q = rng.dirichlet(np.ones(10), len(ids))
        arrays = {"id": ids, space: rng.normal(size=(len(ids), 6)).astype(np.float16), "q_y": q.astype(np.float16)}
        save_file(arrays, folder.path / "latents" / f"{epoch:04d}.safetensors")
        folder.append({"kind": "epoch", "step": epoch, "epoch": epoch, "J": 1.0, "terms": {},
                       "test_accuracy": 0.1 + epoch / 100, "labelled_accuracy": 1.0, "seconds": 1.0})  # fmt: skip
    epochs, shown = projections.film_of(folder, EPOCHS)
    path = folder.map_path(EPOCHS, space, "film")
    path.parent.mkdir()
    xy = (7 + 3 * rng.normal(size=(len(epochs), len(shown), 2))).astype(np.float32)
    save_file({"id": shown, "xy": xy, "epochs": np.array(epochs, np.int32)}, path)
    folder.set_status("done")
    return folder


def made_up(model: str, accuracy: float, labels: int = 20, pictures: int = 5, dataset: str = "digits") -> Recording:
    """A recording of noise whose run ended at `accuracy`."""
    rng = np.random.default_rng(labels)
    n = 50
    ids = np.r_[np.arange(30), -1 - np.arange(20)].astype(np.int32)
    ids = ids if recorded_images.wanted(dataset) is None else -1 - np.arange(n, dtype=np.int32)
    uint8 = rng.integers(0, 10, (3, pictures, n)).astype(np.uint8)
    return Recording(
        run=Run.make(dataset, model, labels=labels, threads=1), space=next(iter(MODELS[model].spaces)),
        epochs=tuple(range(pictures)), accuracy=tuple(np.linspace(0.1, accuracy, pictures).tolist()), ids=ids,
        xy=rng.uniform(-1, 1, (pictures, n, 2)).astype(np.float16), predicted=uint8[0], sure=uint8[1],
        entropy=uint8[2], q_y=rng.dirichlet(np.ones(10), n).astype(np.float16), made="2026-11-29", version="0.1.0",
    )  # fmt: skip


@pytest.fixture
def kept(tmp_path, monkeypatch) -> Path:
    """The folder of recordings that pages look into: empty."""
    monkeypatch.setattr(recordings, "RECORDINGS", tmp_path / "recordings")
    monkeypatch.setenv("FEWLABELS_RUNS", str(tmp_path / "runs"))
    return tmp_path / "recordings"


def home(**address: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    for key, value in address.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception, app.exception[0].stack_trace
    return app


def said(app: AppTest) -> str:
    told = [e.value for kind in ("subheader", "caption", "markdown") for e in app.get(kind)]
    return "\n".join([*headlines(app)[-1:], *told])


def headlines(app: AppTest) -> list[str]:
    """What stands over the maps after each epoch of the film."""
    protos = [e.proto for e in app.get("bidi_component")]
    given = [p.mixed.json or p.json for p in protos if p.component_name == "few_labels_latent_headline"]
    return json.loads(given[0])["says"] if given else []


@pytest.mark.parametrize("model", recordings.learners())
def test_a_recording_says_what_the_run_kept(tmp_path, model: str) -> None:
    folder = some_run(tmp_path, model)
    recordings.keep(recordings.of_run(folder), tmp_path / "kept")
    found = recordings.read("digits", 20, model, tmp_path / "kept")
    assert (found.run, found.space) == (folder.run, next(iter(MODELS[model].spaces)))
    assert found.epochs[-1] == EPOCHS
    film = projections.read_film(folder.path, found.space, EPOCHS)
    spread = film[2][[film[0].index(e) for e in found.epochs]]
    middle = (spread.max((0, 1)) + spread.min((0, 1))) / 2
    assert np.abs(found.xy * np.abs(spread - middle).max() + middle - spread).max() < 0.01
    for k, epoch in enumerate(found.epochs):
        assert found.accuracy[k] == 0.1 + epoch / 100
        q = snapshots.read(folder.path, epoch).q_y[projections.rows(snapshots.read(folder.path, epoch).ids, found.ids)]
        assert (found.predicted[k] == q.argmax(1)).all()
        assert np.abs(found.sure[k] / 255 - q.max(1)).max() <= 0.5 / 255 + 1e-6
        assert np.abs(found.entropy[k] / 255 * np.log(10) - snapshots.entropy(q)).max() < 0.01
    assert np.abs(found.q_y.astype(float) - q).max() < 1e-3


def test_a_run_that_is_there_with_other_threads_is_a_sentence_and_no_silence(tmp_path) -> None:
    fake_runs.make(tmp_path / "runs", "done", model="supervised", labels=20, threads=2)
    (wanted,) = recordings.wanted("digits", [20], ["supervised"])
    failures = recordings.record([wanted], tmp_path / "runs", print, tmp_path / "kept")
    assert len(failures) == 1
    assert "trained on other threads" in failures[0]
    assert not (tmp_path / "kept").exists()


def test_its_images_are_the_data_sets_and_those_that_have_a_label_are_the_runs(tmp_path) -> None:
    images = data.load("digits")
    every = np.r_[np.arange(1297), -1 - np.arange(500)].astype(np.int32)
    q_y = np.full((1797, 10), 0.1, np.float16)
    shown = recordings.images(dataclasses.replace(made_up("m2", 0.9), ids=every, q_y=q_y))
    assert (shown.true == np.r_[images.y, images.y_test]).all()
    assert [(shown.kind == k).sum() for k in (snapshots.LABELLED, snapshots.UNLABELLED, snapshots.TEST)] == [
        20,
        1277,
        500,
    ]
    labelled = data.draw(images, 20, 0)[0]
    assert set(shown.ids[shown.kind == snapshots.LABELLED]) == set(labelled)


@pytest.mark.parametrize("n", [2, 3, 12, 13, 14, 30, 60])
def test_the_pictures_kept_are_the_first_the_last_and_more_of_the_early_ones(n: int) -> None:
    kept = recordings.pictures(range(n))
    assert (kept[0], kept[-1], len(kept)) == (0, n - 1, min(n, recordings.PICTURES))
    steps = np.diff(kept)
    assert (steps >= 1).all()
    assert steps[0] == 1
    assert (np.diff(steps) >= -1).all(), "ever fewer, to a rounding"


@pytest.mark.parametrize("harm", ["cut", "text", "arrays", "run", "bomb"])
def test_a_damaged_recording_is_a_sentence_and_home_goes_on(kept: Path, harm: str, monkeypatch) -> None:
    recordings.keep(made_up("supervised", 0.8))
    good = made_up("m2", 0.9)
    path = recordings.keep(dataclasses.replace(good, q_y=good.q_y[:7]) if harm == "arrays" else good)
    if harm == "cut":
        path.write_bytes(path.read_bytes()[:-200])
    if harm == "text":
        path.write_text("not a recording")
    if harm == "run":
        arrays = dict(np.load(path))
        arrays["about"] = np.frombuffer(json.dumps({"run": [[]]}).encode(), np.uint8)
        np.savez_compressed(path, **arrays)
    if harm == "bomb":
        np.savez_compressed(path, ids=np.zeros(9 * recordings.MOST_BYTES, np.uint8))
    with pytest.raises(StoreError, match="cannot be read"):
        recordings.read("digits", 20, "m2")
    app = home(learner="m2")
    assert "cannot be read" in said(app).replace("\\", "")
    assert "Runs" in said(app)


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        (0.782, 0.942, "In these two runs, 1,277 images without a label bought 16.0 points: 94.2 % instead of 78.2 %."),
        (0.9, 0.85, "In these two runs, 1,277 images without a label cost 5.0 points: 85.0 % instead of 90.0 %."),
        (0.9, 0.9, "In these two runs, 1,277 images without a label bought nothing: 90.0 % both times."),
    ],
)
def test_the_headline_says_what_was_bought_and_where_a_model_loses(kept: Path, before, after, says: str) -> None:
    recordings.keep(made_up("supervised", before))
    recordings.keep(made_up("m2", after))
    app = home()
    assert headlines(app)[-1] == says
    assert "Recorded with 20 labels, seed 0" in said(app)


def test_what_stands_over_the_maps_is_what_they_show_and_gives_no_ending_away() -> None:
    """By what comes with Few Labels: the figures of each picture, and those of the end at the end alone."""
    for model in (m for m in recordings.learners() if m != BASELINE):
        sides = exhibit.pair("digits", 20, model)
        said = exhibit.headlines(sides)
        assert list(said) == sorted({*sides.left.epochs, *sides.right.epochs}), "also where only one has a picture"
        *before, last = said
        assert said[last] == exhibit.headline(sides)
        for epoch in before:
            figures = []
            for recording in sides.both:
                k = max(k for k, e in enumerate(recording.epochs) if e <= epoch)
                figures.append(f"{100 * recording.accuracy[k]:.1f} %")
            assert re.findall(r"[\d.]+ %", said[epoch]) in (figures[::-1], figures[:1]), said[epoch]
            assert said[epoch].startswith(f"After epoch {epoch} of {last}, ")


def test_a_run_lies_the_same_way_on_start_as_on_the_pages_that_show_its_example(tmp_path) -> None:
    """And different runs lie much alike: their images on the same side more often than not."""
    lying = {}
    for folder in examples.bring(tmp_path):
        recording = recordings.read("digits", 20, folder.run.model)
        snapshot = latent_map.look(folder)
        positions = latent_map.lay(folder, snapshot, recording.space, "umap")
        assert positions.projection == "umap"
        there = exhibit.lying(recording)[-1]
        turn = projections.turn(positions.xy, snapshot.ids, there, recording.ids)
        assert np.abs(turn - np.eye(2)).max() < 0.01, folder.run.model
        lying[folder.run.model] = there - there.mean(0), recording.ids
    assert len(lying) == len(recordings.learners())
    for (a, of_a), (b, of_b) in itertools.combinations(lying.values(), 2):
        _, i, j = np.intersect1d(of_a, of_b, return_indices=True)
        assert (a[i] * b[j]).sum() > 0.1 * np.linalg.norm(a) * np.linalg.norm(b)


@pytest.mark.parametrize("labels", recordings.BUDGETS["digits"])
def test_crosses_are_as_many_as_the_run_got_wrong_or_a_sentence_says_why_not(labels: int) -> None:
    for model in recordings.learners():
        recording = recordings.read("digits", labels, model)
        shown = recordings.images(recording)
        right, n = shown.right(snapshots.TEST)
        told = round((1 - recording.accuracy[-1]) * n)
        said = snapshots.drawn_anew(shown, recording.accuracy[-1], n)
        assert n == 500
        assert said == "" if n - right == told else f"on the map {n - right} test images are wrong, not {told}" in said
        assert snapshots.drawn_anew(shown, recording.accuracy[-1], 10 * n) == "", "the map shows some of them only"
    sides = exhibit.pair("digits", 20, "adgm")
    assert "on the map 23 test images are wrong, not 24" in exhibit.recorded(sides)


def test_labels_and_models_switch_and_a_pair_that_is_not_recorded_is_a_sentence(kept: Path) -> None:
    for labels, model, accuracy in (
        (20, "supervised", 0.5),
        (20, "m2", 0.7),
        (100, "supervised", 0.8),
        (100, "m1", 0.9),
    ):
        recordings.keep(made_up(model, accuracy, labels))
    assert "bought 20.0 points" in said(home())
    assert "1,197 images without a label bought 10.0 points" in said(home(n_labels="100", learner="m1"))
    assert "M2 with 100 labels is not recorded" in said(home(n_labels="100", learner="m2"))
    assert "bought 20.0 points" in said(home(n_labels="7", learner="nobody"))


@pytest.fixture
def mnist(monkeypatch) -> data.Images:
    """MNIST made up, for the command that records; pages must do without."""
    rng = np.random.default_rng(1)
    x, y = rng.integers(0, 256, (10_000, 1, 28, 28), np.uint8), rng.integers(0, 10, 10_000)
    found = data.Images("mnist", x[:0], y[:0], x, y, tuple("0123456789"))
    monkeypatch.setattr(data, "load", lambda name, load=data.load: found if name == "mnist" else load(name))
    return found


def test_mnist_is_shown_without_its_files_and_leaves_nothing_behind(kept: Path, mnist, monkeypatch) -> None:
    for model, accuracy in (("supervised", 0.5), ("m2", 0.7)):
        recordings.keep(made_up(model, accuracy))
        recordings.keep(made_up(model, accuracy, 10))
        recordings.keep(made_up(model, accuracy + 0.2, 100, dataset="mnist"))
    recorded_images.keep("mnist", kept)
    of_run = recordings.of_run(some_run(kept.parent / "runs", dataset="mnist", labels=100))
    assert of_run.ids.tolist() == [-1 - j for j in range(40)], "test images alone, of what the run kept"
    assert {a.shape[1] for a in (of_run.xy, of_run.predicted, of_run.sure, of_run.entropy)} == {len(of_run.q_y)} == {40}

    monkeypatch.setattr(data, "load", {"digits": data.load("digits")}.__getitem__)  # no MNIST here
    recording = recordings.read("mnist", 100, "m2")
    shown = recordings.images(recording)
    assert (shown.true == mnist.y_test[:50]).all()
    assert (shown.kind == snapshots.TEST).all()
    assert (recordings.pixels("mnist", recording.ids) == mnist.x_test[:50]).all()
    assert len(recorded_images.read("mnist", kept).ids) == 1000

    app = home()
    assert "1,277 images without a label bought 20.0 points: 70.0 % instead of 50.0 %." in said(app)
    app.segmented_control(key="n_labels").set_value(10).run()
    assert "1,287 images" in said(app)
    for dataset, says in (("mnist", "59,900"), ("digits", "1,277")):
        app.segmented_control(key="exhibit").set_value(dataset).run()
        assert not app.exception
        assert f"{says} images without a label bought 20.0 points" in said(app)
        assert "n_labels" not in app.query_params
    assert "1,277 images" in said(home(exhibit="nothing"))
    assert "The maps show 1,000 of the 10,000 test images" in said(home(exhibit="mnist", n_labels="20"))
    path = recorded_images.path_of("mnist", kept)
    path.write_bytes(path.read_bytes()[:-100])
    assert "The images" in said(home(exhibit="mnist"))


def test_without_recordings_home_shows_the_images(kept: Path) -> None:
    assert "In colour, the images whose class the model is told" in said(home())


def test_what_is_kept_in_the_repository() -> None:
    """Small, of today's presets, seed 0, and what the figures in docs/results say of the same runs."""
    files = sorted(recordings.RECORDINGS.glob("*.npz"))
    assert files
    assert sum(f.stat().st_size for f in files) <= 5 << 20
    known = {(*e.outcome.cell, e.outcome.seed): e.outcome.accuracy for e in reference.entries()[0]}
    for dataset in recordings.BUDGETS:
        images = recorded_images.read(dataset, recordings.RECORDINGS)
        if images:
            files.remove(recorded_images.path_of(dataset, recordings.RECORDINGS))
        for labels, model in recordings.there(dataset):
            found = recordings.read(dataset, labels, model)
            run = found.run
            files.remove(recordings.path_of(dataset, labels, model))
            assert is_todays(run)
            assert (run.dataset, run.labels, run.model, run.seed, run.threads) == (dataset, labels, model, 0, 1)
            assert (len(found.epochs), found.epochs[-1]) == (min(recordings.PICTURES, run.epochs + 1), run.epochs)
            assert (len(found.ids) == 1797) if images is None else np.array_equal(found.ids, images.ids)
            assert found.accuracy[-1] == known[dataset, model, labels, run.preset, 0], run  # the very same run
    plane = [plane_recordings.path_of(name) for name in plane_recordings.there()]
    assert sorted(files) == sorted(plane), f"nobody made these: {files}"


def test_who_passes_through_home_has_chosen_nothing_for_other_pages(kept: Path, no_supervisor) -> None:
    for model in ("supervised", "adgm"):
        recordings.keep(made_up(model, 0.9, 500))
    app = home(n_labels="500", learner="adgm")
    app.switch_page("pages/data.py").run()
    assert app.selectbox(key="labels").value == "20"
    app.switch_page("app.py").run()
    app.switch_page("pages/train.py").run()
    assert app.selectbox(key="labels").value == "20"
    assert not app.exception
