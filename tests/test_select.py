"""All images of a data set: how they are encoded, kept and drawn, and what the Latent space page makes of them."""

import io
import os
from pathlib import Path

import numpy as np
import pytest
import test_latent_page as latent_page
import torch
from PIL import Image
from safetensors.numpy import load_file, save_file
from test_inside import make as with_weights
from test_latent_page import codes, open_page, parts, said

import data
from data import DataError, sheets
from models import jobs
from models.analysis import full_dataset, inference, projections, snapshots
from models.analysis.snapshots import LABELLED, TEST, UNLABELLED
from models.errors import LatentError, StoreError
from models.jobs import mapper
from models.jobs.queue import MapRequest, Queue
from models.runs.run import Run
from models.runs.store import Folder
from models.training import snapshot as training_snapshot
from pages.parts.components import latent_map as map_component
from pages.parts.shared import dataset_sheets

N = 1797
TRAIN = 1297


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """What is drawn lies in a cache of the test's own."""
    monkeypatch.setenv("FEWLABELS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


# --- the sheets of a whole data set


def tile(file: Path, at: int, side: int = 16) -> np.ndarray:
    row, column = divmod(at, sheets.COLUMNS)
    return np.asarray(Image.open(file))[side * row : side * (row + 1), side * column : side * (column + 1)]


def test_sheets_hold_training_then_test_images():
    images = data.load("digits")
    assert sheets.there(images) == []
    sheets.make(images)
    found = [sheets.root() / file for file in sheets.there(images)]
    assert len(found) == 2
    for at, image in ((0, images.x[0]), (1023, images.x[1023]), (1024, images.x[1024]), (1297, images.x_test[0]),
                      (1796, images.x_test[499])):  # fmt: skip
        np.testing.assert_array_equal(tile(found[at // sheets.EACH], at % sheets.EACH), image[0])
    np.testing.assert_array_equal(data.pixels(images, sheets.every(images))[[0, 1297]], [images.x[0], images.x_test[0]])


def test_sheets_are_drawn_once_and_appear_whole_or_not_at_all(monkeypatch, cache):
    images, draw, drawn = data.load("digits"), sheets.draw, []

    def full_disk(tiles: np.ndarray) -> tuple[str, bytes]:
        drawn.append(len(tiles))
        if len(drawn) == 2:
            raise OSError(28, "No space left on device")
        return draw(tiles)

    monkeypatch.setattr(sheets, "draw", full_disk)
    with pytest.raises(DataError, match=r"cannot be kept in .*No space left"):
        sheets.make(images)
    assert sheets.there(images) == []
    assert not list(cache.glob("*sheets*/*")), "nothing half-drawn is left"
    shares = []
    sheets.make(images, shares.append)
    assert len(sheets.there(images)) == 2
    assert shares[-1] == 1.0
    n = len(drawn)
    sheets.make(images)
    assert len(drawn) == n
    next((cache / "sheets").glob("*/0001.png")).unlink()
    assert sheets.there(images) == [], "a folder that somebody has thinned out does not count"
    sheets.make(images)
    assert len(sheets.there(images)) == 2


def test_images_of_another_source_have_sheets_of_their_own():
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 255, (40, 3, 8, 8)).astype(np.uint8), np.zeros(40, np.int64)
    one = data.Images("cifar10", x, y, x[:5].copy(), y[:5].copy(), ("a",))
    two = data.Images("cifar10", x[::-1].copy(), y.copy(), x[:5].copy(), y[:5].copy(), ("a",))
    assert sheets.name(one) != sheets.name(two)
    sheets.make(one)
    assert sheets.there(one) == [f"{sheets.name(one)}/0000.jpg"]
    assert sheets.there(two) == []


# --- encoding every image


@pytest.fixture
def runs(tmp_path, monkeypatch):
    root = tmp_path / "runs"
    monkeypatch.setenv("FEWLABELS_RUNS", str(root))
    return root


def trained(root: Path, model: str = "m2", epoch: int = 2) -> Folder:
    """A finished run with weights and a snapshot of fewer images than there are."""
    folder = with_weights(root, model)
    ids = np.concatenate([np.arange(200), -1 - np.arange(100)]).astype(np.int32)
    found = inference.load(folder)
    with inference.computing():
        kept = training_snapshot.snapshot(found, ids, data.load("digits"), torch.device("cpu"))
    (folder.path / "latents").mkdir(exist_ok=True)
    save_file({k: v.numpy() for k, v in kept.items()}, folder.path / "latents" / f"{epoch:04d}.safetensors")
    folder.set_status("done")
    return folder


@pytest.mark.parametrize("model", ["m1", "m2", "adgm", "supervised"])
def test_every_image_is_encoded_as_the_snapshot_images_are(runs, model):
    folder = trained(runs, model)
    path = full_dataset.make(folder.path, 2)
    assert path == folder.path / "whole" / "0002.safetensors"
    assert [p.name for p in path.parent.iterdir()] == [path.name], "nothing half-written is left"
    every, snapshot = full_dataset.read(folder, 2), snapshots.snapshot_images(folder)
    assert len(every.ids) == N
    assert set(every.spaces) == set(snapshot.spaces)
    rows = np.array([i if i >= 0 else TRAIN - 1 - i for i in snapshot.ids])
    np.testing.assert_array_equal(every.ids[rows], snapshot.ids)
    for space, z in snapshot.spaces.items():
        np.testing.assert_allclose(every.spaces[space][rows], z, atol=2e-3, rtol=2e-3)
        np.testing.assert_allclose(np.abs(every.xy[space]), np.abs(projections.pca(every.spaces[space])), atol=1e-2)
        assert every.alike[space] == pytest.approx(snapshots.agreement(every.spaces[space], every.true), abs=0.002)
    # ADGM's q(y|x) is a mean over draws of a, which are others for other neighbours in the batch.
    np.testing.assert_allclose(every.q_y[rows], snapshot.q_y, atol=0.02 if model == "adgm" else 2e-3)
    np.testing.assert_array_equal(every.true[rows], snapshot.true)
    np.testing.assert_array_equal(every.kind[rows], snapshot.kind)
    assert every.q == snapshot.q
    assert [int((every.kind == k).sum()) for k in (LABELLED, UNLABELLED, TEST)] == [100, 1197, 500]


def test_nothing_is_done_twice(runs, monkeypatch):
    folder = trained(runs)
    first = full_dataset.make(folder.path, 2).stat().st_mtime_ns
    monkeypatch.setattr(full_dataset, "encode", lambda *_: pytest.fail("it was there"))
    assert full_dataset.make(folder.path, 2).stat().st_mtime_ns == first


def test_codes_of_other_weights_do_not_count(runs):
    folder = trained(runs)
    full_dataset.make(folder.path, 2)
    weights = folder.path / "model.safetensors"
    later = folder.full_dataset(2).stat().st_mtime_ns + 10**9
    os.utime(weights, ns=(later, later))
    assert folder.full_dataset(2) is None
    assert full_dataset.read(folder, 2) is None
    assert full_dataset.make(folder.path, 2) is not None, (
        "made again, and not older than weights of a clock that is ahead"
    )
    save_file(load_file(folder.path / "latents" / "0002.safetensors"), folder.path / "latents" / "0005.safetensors")
    (folder.path / "whole" / "0002.safetensors").unlink()
    with pytest.raises(LatentError, match="went on after epoch 2"):
        full_dataset.make(folder.path, 2)
    full_dataset.make(folder.path, 5)
    assert folder.full_dataset(2) is None
    assert folder.full_dataset(5)


def test_an_earlier_epoch_makes_room(runs):
    folder = trained(runs)
    full_dataset.make(folder.path, 2)
    save_file(load_file(folder.path / "latents" / "0002.safetensors"), folder.path / "latents" / "0003.safetensors")
    full_dataset.make(folder.path, 3)
    assert [p.name for p in (folder.path / "whole").iterdir()] == ["0003.safetensors"]


@pytest.mark.parametrize("content", [b"", b"nothing", b"\xff" * 4000, None])
def test_a_torn_or_damaged_file_is_a_sentence(runs, content):
    folder = trained(runs)
    path = full_dataset.make(folder.path, 2)
    path.write_bytes(path.read_bytes()[:-1000] if content is None else content)
    with pytest.raises(LatentError, match=r"0002.safetensors of all images .* cannot be read"):
        full_dataset.read(folder, 2)
    full_dataset.drop(folder, 2)
    assert full_dataset.read(folder, 2) is None


@pytest.mark.parametrize("lacks", ["q_y", "z", "pca z", "id", "rows", "classes", "order"])
def test_a_file_of_something_else_is_a_sentence(runs, lacks):
    folder = trained(runs)
    path = full_dataset.make(folder.path, 2)
    arrays = load_file(path)
    if lacks == "rows":
        arrays = {k: v[:-1].copy() for k, v in arrays.items()}
    elif lacks == "classes":
        arrays["q_y"] = arrays["q_y"][:, :7].copy()
    elif lacks == "order":
        arrays["id"] = arrays["id"][::-1].copy()
    else:
        del arrays[lacks]
    save_file(arrays, path)
    with pytest.raises(LatentError, match="does not fit Digits"):
        full_dataset.read(folder, 2)


def test_what_is_no_number_is_said_and_nothing_is_written(runs, monkeypatch):
    folder = trained(runs)
    images = data.load("digits")
    arrays = full_dataset.encode(folder, 2, images)
    for name in ("q_y", "z"):
        spoilt = {**arrays, name: arrays[name].copy()}
        spoilt[name][7] = np.nan
        with pytest.raises(LatentError, match="the training has diverged"):
            full_dataset.keep(folder, 2, spoilt, images)
    assert not (folder.path / "whole").exists()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(full_dataset, "save_file", full)
    with pytest.raises(StoreError, match="cannot be written"):
        full_dataset.keep(folder, 2, arrays, images)
    assert list((folder.path / "whole").iterdir()) == []


def test_a_run_without_weights_and_a_frozen_network_are_sentences(runs):
    folder = Folder.create(Run.make("digits", "m2"), runs)
    with pytest.raises(StoreError, match="its weights come with its first epoch"):
        full_dataset.make(folder.path, 1)
    frozen = Folder.create(Run.make("digits", "efficientnet"), runs)
    with pytest.raises(LatentError, match="the labelled and the test images only"):
        full_dataset.make(frozen.path, 1)


def test_how_far_it_is_can_be_read_meanwhile(runs, monkeypatch):
    folder, seen = trained(runs), []
    monkeypatch.setattr(full_dataset, "TOLD", 0.0)
    monkeypatch.setattr(full_dataset, "AT_ONCE", 500)
    snapshot = training_snapshot.snapshot

    def slow(*given: object) -> dict:
        seen.append(full_dataset.progress(folder, 2))
        return snapshot(*given)

    monkeypatch.setattr(training_snapshot, "snapshot", slow)
    assert full_dataset.progress(folder, 2) is None
    full_dataset.make(folder.path, 2)
    assert seen[0] == {"what": "draw", "share": 1.0, "done": 0, "seconds_left": None}
    assert [s["done"] for s in seen[1:]] == [500, 1000, 1500]
    assert seen[1]["seconds_left"] is None
    assert seen[2]["seconds_left"] > 0
    assert full_dataset.progress(folder, 2) is None, "it is gone in the end"
    (folder.path / "whole" / "progress.json").write_text('{"epoch": 2, "what": 1}')
    assert full_dataset.progress(folder, 2) is None
    assert [p.name for p in (folder.path / "whole").iterdir() if p.name.startswith(".")] == []


# --- the job


def test_the_mapper_encodes_and_says_in_a_sentence_why_it_cannot(runs):
    folder = trained(runs)
    assert mapper.attempt({"path": str(folder.path), "which": "every", "epoch": 2, "method": "whole"}) is None
    assert folder.full_dataset(2)
    (folder.path / "whole" / "0002.safetensors").unlink()
    (folder.path / "model.safetensors").write_bytes(b"no weights")
    why = mapper.attempt({"path": str(folder.path), "which": "every", "epoch": 2, "method": "whole"})
    assert "model.safetensors is damaged" in why


def test_umaps_come_before_what_takes_minutes(tmp_path):
    queue = Queue(tmp_path / "queue.db")
    queue.ask_map(MapRequest("one", "every", 1, "whole"))
    queue.ask_map(MapRequest("two", "z", 1, "umap"))
    assert queue.next_map().method == "umap"
    queue.end_map(queue.next_map())
    assert queue.next_map() == MapRequest("one", "every", 1, "whole")
    queue.close()


# --- the page


def made(root: Path, n: int = 600, **more) -> Folder:
    return latent_page.make(root, n=n, **more)


def every_image(folder: Folder, epoch: int = 4, spread: float = 1.0) -> None:
    """The codes of all images, the snapshot's own among them, and sheets."""
    images = data.load("digits")
    ids, z, true = codes(turn=0.3 * epoch)
    order = np.argsort([i if i >= 0 else TRAIN - 1 - i for i in ids])
    ids, z, true = ids[order], z[order], true[order]
    q = np.full((N, 10), 0.02)
    q[np.arange(N), np.where(ids % 5 == 0, (true + 1) % 10, true)] = 0.82
    arrays = {"id": ids, "z": (spread * z).astype(np.float16), "q_y": q.astype(np.float16)}
    full_dataset.keep(folder, epoch, arrays, images)
    sheets.make(images)


def test_all_images_are_asked_for_and_the_snapshot_images_stand_in(runs, engine):
    folder = made(runs)
    app = open_page("latent", run=folder.id, images="all")
    app.run()
    (given,) = parts(app, "map")
    assert engine.wanted == [(folder.id, 4, False)]
    assert len(given["points"]["id"]) == 600
    assert given["busy"] == "All 1,797 images are being encoded; these are the probes"
    assert "All 1,797 images wait to be encoded, on one thread" in said(app)
    full_dataset.Teller(folder, 4, N).tell({"what": "encode", "share": 0.5, "done": 900, "seconds_left": 7.4})
    assert "Encoding all images: 900 of 1,797, about 7 s left." in said(app.run())
    full_dataset.Teller(folder, 4, N).tell({"what": "encode", "share": 0.5, "done": 900, "seconds_left": 200.0})
    assert "about 3 min left" in said(app.run())
    full_dataset.Teller(folder, 4, N).tell({"what": "draw", "share": 0.25, "done": 0, "seconds_left": None})
    assert "Drawing the sheets that show 1,797 images: 25 %." in said(app.run())


def test_all_images_are_drawn_where_the_snapshot_images_were(runs, engine):
    folder = made(runs)
    every_image(folder, spread=-1.0)  # as a picture the same, once it is turned
    (few,) = parts(open_page("latent", run=folder.id), "map")
    app = open_page("latent", run=folder.id, images="all", projection="umap", image="-500")
    (given,) = parts(app, "map")
    assert engine.wanted == []
    assert engine.asked == [], "no UMAP of all images"
    assert given["version"] != few["version"]
    assert given["frame"] == few["frame"] == "pca z"
    assert "All 1,797 images: 1,297 training and 500 test images, by the weights after epoch 4" in said(app)
    points = given["points"]
    np.testing.assert_array_equal(points["id"], sheets.every(data.load("digits")))
    np.testing.assert_array_equal(points["tile"], np.arange(N))
    here = {i: k for k, i in enumerate(points["id"])}
    rows = [here[i] for i in few["points"]["id"]]
    xy, before = (np.stack([p["x"], p["y"]], 1) for p in (points, few["points"]))
    assert np.abs(xy[rows] - before).mean() < 0.2 * np.abs(before).mean()
    np.testing.assert_array_equal(points["true"][rows], few["points"]["true"])
    np.testing.assert_array_equal(points["kind"][rows], few["points"]["kind"])
    assert given["sheets"]["lazy"] is True
    assert given["sheets"]["urls"] == [
        f"{dataset_sheets.address(sheets.root())}/{file}" for file in sheets.there(data.load("digits"))
    ]
    assert "lazy" not in few["sheets"]
    (card,) = parts(app, "card")
    assert (card["id"], card["tile"]) == (-500, N - 1)
    assert card["sheets"] == given["sheets"]
    shown = {m.label: m.value for m in app.metric}
    assert shown["Test accuracy"] == "80.0 %"  # what the run measured, not counted anew
    assert not any(label.startswith("Correct, of") for label in shown)


def test_the_snapshot_images_and_all_images_have_figures_of_their_own(runs, engine):
    folder = made(runs)
    every_image(folder, spread=0.001)
    of = {"probes": open_page("latent", run=folder.id), "all": open_page("latent", run=folder.id, images="all")}
    values = {k: {m.label: m.value for m in app.metric} for k, app in of.items()}
    assert values["probes"]["Dimensions of z that vary"] == "8 of 8"
    assert values["all"]["Dimensions of z that vary"] == "0 of 8"


def test_sheets_that_are_gone_are_drawn_again_and_the_points_stand(runs, engine):
    folder = made(runs)
    every_image(folder)
    next(sheets.root().glob("*/0000.png")).unlink()
    app = open_page("latent", run=folder.id, images="all")
    (given,) = parts(app, "map")
    assert engine.wanted == [(folder.id, 4, False)]
    assert len(given["points"]["id"]) == N
    assert given["sheets"]["urls"] == []


def test_an_encoding_that_failed_says_why_and_can_be_asked_for_again(runs, engine):
    folder = made(runs)
    engine.fails("The machine ran out of memory.", folder.id, 4)
    app = open_page("latent", run=folder.id, images="all")
    assert "The machine ran out of memory. These are the snapshot images." in said(app)
    assert engine.wanted == []
    assert len(parts(app, "map")[0]["points"]["id"]) == 600
    app.button[0].click().run()
    assert engine.wanted == [(folder.id, 4, True)]


def test_a_damaged_encoding_says_so_and_can_be_made_again(runs, engine):
    folder = made(runs)
    every_image(folder)
    folder.full_dataset_path(4).write_bytes(b"torn")
    app = open_page("latent", run=folder.id, images="all")
    assert "cannot be read. It may be damaged. These are the snapshot images." in said(app)
    assert len(parts(app, "map")[0]["points"]["id"]) == 600
    app.button[0].click().run()
    assert engine.wanted == [(folder.id, 4, True)]
    assert not folder.full_dataset_path(4).exists()


def test_a_queue_that_cannot_be_reached_leaves_the_snapshot_images(runs, engine, monkeypatch):
    def busy(*_: object, **__: object) -> None:
        raise jobs.JobsError("The queue is busy. Try again.")

    monkeypatch.setattr(engine, "full_dataset", busy)
    app = open_page("latent", run=made(runs).id, images="all")
    assert "The queue is busy. Try again. These are the snapshot images." in said(app)
    assert parts(app, "map")


def labels_of(app) -> list[str]:
    return [g.label for g in app.get("button_group")]


def test_all_images_are_offered_only_where_there_are_more_than_the_snapshot_images(runs, engine):
    for address in ("probes", "all"):
        app = open_page("latent", run=made(runs, n=N).id, images=address)
        assert "Images" not in labels_of(app)
        assert engine.wanted == []
    assert "Images" in labels_of(open_page("latent", run=made(runs).id))


def test_frozen_networks_say_that_they_have_not_seen_all_images(runs, engine):
    folder = Folder.create(Run.make("digits", "efficientnet", epochs=4), runs)
    ids, z, true = codes(600)
    latent_page.keep(folder, 4, ids, true, h=z)
    folder.set_status("done")
    app = open_page("latent", run=folder.id, images="all")
    assert "looked at the labelled and the test images only" in said(app)
    assert "Images" not in labels_of(app)
    assert engine.wanted == []


def test_a_run_that_goes_on_shows_the_snapshot_images(runs, engine):
    folder = made(runs, epochs=(0, 1), state="running")
    folder.lock()
    (given,) = parts(open_page("latent", run=folder.id, images="all"), "map")
    assert engine.wanted == []
    assert given["busy"].startswith("Epoch 1 of 4")


@pytest.mark.parametrize("junk", ["", "everything", "../all", "all,all", "%00"])
def test_junk_in_the_address_shows_the_snapshot_images(runs, engine, junk):
    (given,) = parts(open_page("latent", run=made(runs).id, images=junk), "map")
    assert len(given["points"]["id"]) == 600
    assert engine.wanted == []


def test_the_grid_is_of_the_maps_group(runs, engine):
    folder = made(runs)
    app = open_page("latent", run=folder.id)
    (grid,), (given,) = parts(app, "grid"), parts(app, "map")
    assert grid["group"] == given["group"]
    assert grid["file"] == folder.id
    assert grid["maps"] == []
    assert grid["classes"] == given["classes"]
    assert given["key"] == f"map-{folder.id}"


def test_what_maps_and_whole_data_sets_are_drawn_with_is_the_same():
    images = data.load("digits")
    ids = sheets.every(images)[:1500]
    _, mine = map_component.make_sheets("digits", "the first 1500", ids)
    sheets.make(images)
    whole_sheet = Image.open(sheets.root() / sheets.there(images)[0])
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(mine[0]))), np.asarray(whole_sheet))
