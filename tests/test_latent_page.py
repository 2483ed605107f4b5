"""The Latent space and Compare pages: what they send to the browser, and what they say if there is nothing to send."""

import io
import itertools
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from safetensors.numpy import save_file
from streamlit.testing.v1 import AppTest

import data
from models import MODELS
from models.analysis import layouts, projections, snapshots
from models.jobs import JobsError
from models.runs.run import Run
from models.runs.store import Folder
from pages.parts.components import latent_map as map_component
from pages.parts.shared import figures, latent_map, palette, pinned_image

ROOT = Path(__file__).parents[1]


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("FEWLABELS_RUNS", str(tmp_path))
    return tmp_path


def codes(n: int = 1797, size: int = 8, turn: float = 0.0):
    """Ids of the digits in a mixed order, codes that follow the class, and the class."""
    images = data.load("digits")
    ids = np.concatenate([-1 - np.arange(500), np.arange(1297)])
    ids = np.random.default_rng(1).permutation(ids)[:n].astype(np.int32)
    true = np.array([images.y[i] if i >= 0 else images.y_test[-1 - i] for i in ids])
    rng = np.random.default_rng(0)
    z = 4 * rng.normal(size=(10, size))[true] + rng.normal(size=(len(ids), size))
    c, s = np.cos(turn), np.sin(turn)
    z[:, :2] = z[:, :2] @ np.array([[c, s], [-s, c]])
    return ids, z.astype(np.float32), true


def keep(folder: Folder, epoch: int, ids, true, **spaces) -> None:
    """A snapshot; every fifth image is predicted wrongly."""
    q = np.full((len(ids), 10), 0.02)
    q[np.arange(len(ids)), np.where(ids % 5 == 0, (true + 1) % 10, true)] = 0.82
    (folder.path / "latents").mkdir(exist_ok=True)
    arrays = {"id": ids, "q_y": q.astype(np.float16), **{k: v.astype(np.float16) for k, v in spaces.items()}}
    save_file(arrays, folder.path / "latents" / f"{epoch:04d}.safetensors")


def make(root: Path, model: str = "m2", epochs=(0, 4), state: str = "done", n: int = 1797, **run) -> Folder:
    folder = Folder.create(Run.make(dataset="digits", model=model, epochs=4, **run), root)
    for epoch in epochs:
        ids, z, true = codes(n, turn=0.3 * epoch)
        names = {"adgm": ("z", "a"), "supervised": ("h",)}.get(model, ("z",))
        keep(folder, epoch, ids, true, **{name: z + i for i, name in enumerate(names)})
        at = {"step": 13 * epoch, "epoch": epoch, "J": 1.0, "terms": {}, "seconds": 2.0 + epoch}
        folder.append({"kind": "epoch", "test_accuracy": 0.2 * epoch, "labelled_accuracy": 0.25 * epoch, **at})
    if state == "done":
        more = {"test_accuracy": 0.8, "labelled_accuracy": 1.0, "seconds": 7.0, "parameters": 1234567}
        folder.append({"kind": "result", "run": folder.id, **more})
    folder.set_status(state, detail="There was no memory left." if state == "failed" else "")
    return folder


def open_page(name: str, **address: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=240)
    for key, value in address.items():
        app.query_params[key] = value
    app = app.switch_page(f"pages/{name}.py").run()
    assert not app.exception, [e.value for e in app.exception]
    return app


def parts(app: AppTest, kind: str) -> list[dict]:
    """What the components of a kind ("map", "card") were given; tables as dicts of arrays."""
    found = []
    for element in app.get("bidi_component"):
        proto = element.proto
        if proto.component_name != f"few_labels_latent_{kind}":
            continue
        given = json.loads(proto.mixed.json or proto.json)
        for key, value in given.items():
            if isinstance(value, dict) and "__streamlit_arrow_ref__" in value:
                blob = proto.mixed.arrow_blobs[value["__streamlit_arrow_ref__"]].data
                given[key] = {k: np.array(v) for k, v in pa.ipc.open_stream(blob).read_all().to_pydict().items()}
        found.append(given)
    return found


def said(app: AppTest) -> str:
    return " ".join(c.value for c in (*app.caption, *app.markdown)).replace("\\", "")


# --- what the map is given


def test_the_map_holds_every_image_with_its_class_by_id(root, engine):
    folder = make(root, labels=50, seed=3)
    (given,) = parts(open_page("latent", run=folder.id), "map")
    points = given["points"]
    ids, _, true = codes(turn=1.2)
    order = {i: k for k, i in enumerate(ids)}
    rows = np.array([order[i] for i in points["id"]])
    assert sorted(points["id"]) == sorted(ids)
    np.testing.assert_array_equal(points["true"], true[rows])
    np.testing.assert_array_equal(points["predicted"] == points["true"], points["id"] % 5 != 0)
    labelled = set(data.split(data.load("digits"), 50, 3).labelled.tolist())
    for id, kind in zip(points["id"], points["kind"], strict=True):
        assert kind == (2 if id < 0 else 0 if id in labelled else 1)
    xy = np.stack([points["x"], points["y"]], 1)
    assert snapshots.agreement(xy, points["true"]) > 0.4  # the plane shows the classes that the codes have
    assert given["modes"] == ["class", "sure", "predicted", "right", "kind", "entropy"]
    assert given["colours"] == list(palette.COLOURS)
    assert given["note"] == "50 labels, seed 3"
    np.testing.assert_allclose(points["entropy"], snapshots.entropy(np.array([[0.82] + [0.02] * 9]))[0], atol=2e-3)


def test_a_tile_of_the_sheets_is_the_image_of_its_point(root, engine):
    folder = make(root)
    snapshot = latent_map.look(folder)
    kind, sheets = map_component.make_sheets("digits", "test", snapshot.ids)
    images = data.load("digits")
    assert kind == "image/png"
    assert len(sheets) == 2
    for tile in (0, 33, 1023, 1024, 1796):
        whole = np.asarray(Image.open(io.BytesIO(sheets[tile // map_component.SHEET_IMAGES])))
        row, column = divmod(tile % map_component.SHEET_IMAGES, map_component.SHEET_COLUMNS)
        id = snapshot.ids[tile]
        image = images.x[id] if id >= 0 else images.x_test[-1 - id]
        np.testing.assert_array_equal(whole[16 * row : 16 * row + 16, 16 * column : 16 * column + 16], image[0])


def test_colour_images_make_sheets_of_jpeg(monkeypatch):
    rng = np.random.default_rng(0)
    x = np.repeat(np.repeat(rng.integers(0, 255, (40, 3, 4, 4)), 8, 2), 8, 3).astype(np.uint8)
    y = np.zeros(40, np.int64)
    fake = data.Images("cifar10", x, y, x[:5].copy(), y[:5].copy(), ("a",))
    monkeypatch.setattr(data, "load", lambda name: fake)
    kind, (sheet,) = map_component.make_sheets("cifar10", "colour", np.array([39, -2, 3]))
    whole = np.asarray(Image.open(io.BytesIO(sheet))).astype(int)
    assert kind == "image/jpeg"
    for tile, image in enumerate((x[39], x[1], x[3])):
        part = whole[:32, 32 * tile : 32 * tile + 32]
        assert np.abs(part - image.transpose(1, 2, 0)).mean() < 6


def test_epochs_lie_as_the_one_before(root):
    """The direction of most variance changes with every epoch; the picture must not change sides with it."""
    folder = make(root, epochs=())
    ids, z, true = codes()
    for epoch in range(5):
        stretch = np.array([1.15, 1, *[0.05] * 6]) if epoch % 2 else np.array([1, 1.15, *[0.05] * 6])
        keep(folder, epoch, ids, true, z=z / z.std(0) * stretch * (-1) ** (epoch // 2))
    places = [latent_map.lay(folder, latent_map.look(folder, e), "z", "pca").xy for e in range(5)]
    size = np.abs(places[0]).mean()
    for before, after in itertools.pairwise(places):
        assert np.abs(after - before).mean() < 0.3 * size
    assert np.abs(projections.pca(latent_map.look(folder, 1).spaces["z"]) - places[0]).mean() > size  # as it would be
    assert latent_map.look(folder).epoch == 4
    assert latent_map.look(folder, 77).epoch == 4


def test_a_long_run_is_not_laid_out_from_its_beginning_and_many_runs_are_kept(root, monkeypatch):
    read, reads = snapshots.read, []
    monkeypatch.setattr(snapshots, "read", lambda folder, epoch=None: reads.append(epoch) or read(folder, epoch))
    long, *others = (make(root, n=12, epochs=range(n)) for n in (130, *[100] * 7))
    snapshot = latent_map.look(long)
    reads.clear()
    latent_map.lay(long, snapshot, "z", "pca")
    assert reads == list(range(30, 130))
    for folder in others:
        latent_map.lay(folder, latent_map.look(folder), "z", "pca")
    reads.clear()
    latent_map.lay(long, snapshot, "z", "pca")
    assert reads == []


def test_maps_of_two_runs_are_turned_alike(root):
    one, two = make(root, epochs=(1,)), make(root, seed=1, epochs=(4,), n=900)
    a, b = latent_map.look(one), latent_map.look(two)
    first = latent_map.lay(one, a, "z", "pca")
    second = latent_map.turned(latent_map.lay(two, b, "z", "pca"), b, first, a)
    _, i, j = np.intersect1d(a.ids, b.ids, return_indices=True)
    assert np.abs(first.xy[i] - second.xy[j]).mean() < 0.2 * np.abs(first.xy).mean()
    assert second.version != latent_map.lay(two, b, "z", "pca").version


# --- models


def test_m1_says_that_its_probabilities_are_the_svms(root, engine):
    folder = make(root, "m1")
    app = open_page("latent", run=folder.id, image=str(codes()[0][0]))
    assert parts(app, "map")[0]["q"] == parts(app, "card")[0]["q"] == "SVM, calibrated"
    assert "SVM then reads the class from z" in said(app)


def test_the_floor_says_what_h_is(root, engine):
    app = open_page("latent", run=make(root, "supervised").id)
    assert "no latent variable" in said(app)
    assert "Shown is h, the last hidden layer" in said(app)
    assert parts(app, "map")[0]["label"].startswith("PCA of h")


def test_adgm_shows_z_and_a(root, engine):
    folder = make(root, "adgm")
    app = open_page("latent", run=folder.id, space="a")
    assert parts(app, "map")[0]["label"].startswith("PCA of a")
    assert "auxiliary" in said(app)
    assert parts(open_page("latent", run=folder.id, space="b"), "map")[0]["label"].startswith("PCA of z")


# --- the pinned image


def test_an_image_in_the_address_is_pinned_with_its_probabilities_and_neighbours(root, engine):
    folder = make(root)
    ids, z, true = codes(turn=1.2)
    row = int(np.flatnonzero((ids < 0) & (ids % 5 == 0))[0])
    (card,) = parts(open_page("latent", run=folder.id, image=str(ids[row])), "card")
    assert card["id"] == ids[row]
    assert (card["kind"], card["true"], card["predicted"]) == (2, true[row], (true[row] + 1) % 10)
    p = {b["k"]: b["p"] for b in card["bars"]}
    assert p[card["predicted"]] == pytest.approx(0.82, abs=1e-3)
    assert sum(p.values()) == pytest.approx(1, abs=1e-3)
    assert card["rest"] is None
    d = np.linalg.norm(z.astype(np.float16).astype(float) - z[row].astype(np.float16), axis=1)
    assert [n["id"] for n in card["near"]] == ids[np.argsort(d)[1:9]].tolist()


@pytest.mark.parametrize("image", ["", "99999", "x", "-0x1", "1;2", "9" * 400])
def test_an_image_that_is_none_pins_nothing(root, engine, image):
    (card,) = parts(open_page("latent", run=make(root).id, image=image), "card")
    assert card["id"] is None


def test_without_an_image_in_the_address_the_surest_mistake_is_pinned_until_it_is_closed(root, engine):
    folder = make(root)
    ids = codes()[0]
    app = open_page("latent", run=folder.id)
    (card,) = parts(app, "card")
    assert card["id"] == ids[(ids < 0) & (ids % 5 == 0)][0], "of those that are equally sure, the first"
    assert card["predicted"] != card["true"]
    assert card["note"].startswith("The surest mistake")
    assert len(card["near"]) == 8
    assert "image" not in app.query_params
    app.session_state[pinned_image.CLOSED] = True
    (card,) = parts(app.run(), "card")
    assert card["id"] is None


def test_one_rule_says_which_image_is_pinned_first(root, engine, monkeypatch):
    one, other, going = make(root), make(root, "adgm"), make(root, "m1", state="queued")
    ids, z, true = codes(turn=1.2)
    apart = np.where(ids == ids[17], true + 3, true) % 10
    keep(other, 4, ids, apart, z=z)  # of one image it says something else
    seen = [(f, latent_map.look(f)) for f in (one, other, going)]
    assert pinned_image.telling(seen[:2]) == ids[17], "several runs: where they disagree most"
    assert pinned_image.telling(seen[:1]) == ids[(ids < 0) & (ids % 5 == 0)][0], "one run: its surest mistake"
    kept = seen[2][1]
    assert pinned_image.telling(seen[2:]) == kept.ids[kept.kind == snapshots.TEST][0], "it stays while a run goes on"
    assert pinned_image.disputed(seen[:1], 3) == []
    wrong = int(kept.ids[kept.predicted != kept.true][0])
    monkeypatch.setattr(pinned_image, "disputed", lambda shown, most: [wrong, int(ids[17])])
    assert pinned_image.telling(seen[:2]) == ids[17], "one that the most accurate run gets right"
    monkeypatch.setattr(pinned_image, "disputed", lambda shown, most: [wrong])
    assert pinned_image.telling(seen[:2]) == wrong


def test_of_many_classes_the_likeliest_and_the_true_one_get_bars():
    q = np.full((1, 100), 0.001, np.float32)
    q[0, 7], q[0, 50] = 0.6, 0.302
    n = {"true": np.array([93]), "predicted": np.array([7]), "entropy": np.array([1.0]), "q_y": q}
    rest = {"dataset": "", "classes": (), "epoch": 0, "ids": None, "spaces": {}, "q": "", "kind": None, "sure": None}
    made = map_component.bars(snapshots.SnapshotImages(**n, **rest), 0)
    assert [b["k"] for b in made["bars"][:2]] == [7, 50]
    assert 93 in [b["k"] for b in made["bars"]]
    assert made["rest"]["n"] == 100 - len(made["bars"])
    assert sum(b["p"] for b in made["bars"]) + made["rest"]["p"] == pytest.approx(1, abs=1e-3)


# --- UMAP


def test_a_map_opens_as_a_umap_where_that_is_laid_out_already_and_as_one_chose_ever_after(root, engine):
    ids, _, _ = codes()
    laid, other = make(root), make(root, "adgm")
    assert projection_of(open_page("latent", run=laid.id)) == "pca"
    (laid.path / "maps").mkdir()
    xy = np.random.default_rng(5).normal(size=(2, len(ids), 2)).astype(np.float32)
    save_file({"id": ids, "xy": xy[1]}, laid.map_path(4, "z"))
    assert projection_of(open_page("latent", run=laid.id)) == "pca", "its film would have to be waited for"
    save_file({"id": ids, "xy": xy, "epochs": np.array([0, 4], np.int32)}, laid.map_path(4, "z", "film"))
    app = open_page("latent", run=laid.id)
    assert projection_of(app) == "umap"
    assert projection_of(open_page("compare", runs=laid.id)) == "umap"
    assert projection_of(open_page("compare", runs=f"{laid.id},{other.id}")) == "pca"
    app.selectbox(key="run").set_value(other.id).run()
    assert projection_of(app) == "pca", "what the first run happened to have was not chosen"
    app.selectbox(key="run").set_value(laid.id).run()
    app.segmented_control(key="projection").set_value("pca").run()
    app.switch_page("pages/compare.py").run()
    assert app.query_params["projection"] == "pca", "that was"


def projection_of(app: AppTest) -> str:
    assert not app.exception, [e.value for e in app.exception]
    return app.segmented_control(key="projection").value


def test_umap_is_asked_for_once_and_pca_stands_in(root, engine):
    folder = make(root)
    app = open_page("latent", run=folder.id, projection="umap")
    app.run()
    (given,) = parts(app, "map")
    assert engine.asked == [(folder.id, 4, "z", "umap")]
    assert given["busy"] == "UMAP is being computed; this is the PCA"
    assert given["version"].endswith("pca")


def plane(given: dict) -> np.ndarray:
    return np.stack([given["points"]["x"], given["points"]["y"]], 1)


def test_t_sne_two_axes_and_two_classes_are_maps_as_well(root, engine):
    folder = make(root)
    app = open_page("latent", run=folder.id, projection="tsne")
    assert engine.asked == [(folder.id, 4, "z", "tsne")]
    assert parts(app, "map")[0]["busy"] == "t-SNE is being computed; this is the PCA"
    z = snapshots.snapshot_images(folder).spaces["z"]
    app = open_page("latent", run=folder.id, projection="axes", x_axis="2", y_axis="0")
    (given,) = parts(app, "map")
    np.testing.assert_allclose(plane(given), z[:, [2, 0]], rtol=1e-5)
    assert given["label"].startswith("z3 against z1 of M2 · Digits")
    assert given["axes"] == ["z3", "z1"]
    usual = open_page("latent", run=folder.id, projection="axes")
    widest = np.argsort(-z.std(0), kind="stable")[:2]
    np.testing.assert_allclose(plane(parts(usual, "map")[0]), z[:, widest], rtol=1e-5)
    app = open_page("latent", run=folder.id, projection="classes", from_class="4", to_class="9")
    (given,) = parts(app, "map")
    points, test = given["points"], given["points"]["id"] < 0
    assert points["x"][test & (points["true"] == 4)].mean() == pytest.approx(0, abs=1e-4)
    assert points["x"][test & (points["true"] == 9)].mean() == pytest.approx(1, abs=1e-4)
    n = int((test & np.isin(points["true"], (4, 9))).sum())
    told = (
        rf"From the mean of class 4 \(0\) to that of class 9 \(1\), and across, computed of their {n} test images here"
    )
    assert re.search(rf"{told}. [\d.]+ % of these", said(app))
    assert given["label"].startswith("z along the line from class 4 to class 9 of M2")
    app = open_page("latent", run=folder.id, projection="classes", from_class="4", to_class="4")
    assert "each of the two needs a test image" in said(app)


@pytest.mark.parametrize(
    ("more", "asked"),
    [
        ({"projection": "axes", "x_axis": "2", "y_axis": "0"}, {}),
        ({"projection": "classes", "from_class": "4", "to_class": "9"}, {"line": 1}),
    ],
    ids=["axes", "classes"],
)
def test_what_needs_no_pca_computes_none_and_a_line_once(root, engine, monkeypatch, more, asked):
    folder, computed = make(root, epochs=(4,)), []
    for name in ("pca", "line"):
        made = getattr(layouts, name)
        monkeypatch.setattr(layouts, name, lambda *a, n=name, of=made, **k: computed.append(n) or of(*a, **k))
    open_page("latent", run=folder.id, **more)
    assert {name: computed.count(name) for name in set(computed)} == asked


def test_two_axes_and_two_classes_have_films_that_end_with_their_maps(root, engine):
    folder = make(root)
    for more in ({"projection": "axes", "x_axis": "2", "y_axis": "0"}, {"projection": "classes", "from_class": "4"}):
        (given,) = parts(open_page("latent", run=folder.id, **more), "map")
        film, frames = given["film"], given["film_frames"]
        assert film["epochs"] == [0, 4]
        xy = np.stack([frames["x"], frames["y"]], 1).reshape(2, -1, 2) / 32767 * film["half"] + np.array(film["centre"])
        at = projections.rows(given["points"]["id"], given["film_ids"]["id"])
        np.testing.assert_allclose(xy[1], plane(given)[at], atol=2 * film["half"] / 32767)
        if more["projection"] == "axes":
            z = snapshots.snapshot_images(folder, 0).spaces["z"]
            np.testing.assert_allclose(xy[0], z[at][:, [2, 0]], atol=2 * film["half"] / 32767)
        else:
            ids, true = given["film_ids"]["id"], given["points"]["true"][at]
            assert xy[0, (ids < 0) & (true == 4), 0].mean() == pytest.approx(0, abs=1e-3)
            assert (xy[0, :, 1] * xy[1, :, 1]).sum() > 0, "it is not mirrored between two epochs"


def test_a_space_of_two_dimensions_is_shown_as_it_is_everywhere(root, engine):
    folder = make(root, epochs=())
    ids, z, true = codes(size=2)
    for epoch, stretch in ((0, (1, 3)), (4, (3, 1))):
        keep(folder, epoch, ids, true, z=z * stretch)
    at_end = snapshots.snapshot_images(folder).spaces["z"]
    pages = (
        ("latent", {"projection": "umap"}), ("compare", {"runs": folder.id}), ("train", {"watch": folder.id}),
        ("uncertainty", {}),
    )  # fmt: skip
    for page, more in pages:
        given = next(g for g in parts(open_page(page, run=folder.id, **more), "map") if g["part"] == "map")
        np.testing.assert_allclose(plane(given), at_end, rtol=1e-5)
        assert given["label"].startswith("z1 against z2 of M2")
        assert given["axes"] == ["z1", "z2"]
        if page == "uncertainty":
            continue
        film, frames = given["film"], given["film_frames"]
        first = np.stack([frames["x"], frames["y"]], 1)[: len(ids)] / 32767 * film["half"] + np.array(film["centre"])
        wanted = snapshots.snapshot_images(folder, 0).spaces["z"]
        np.testing.assert_allclose(first, wanted, atol=2 * film["half"] / 32767)
    assert {asked[3] for asked in engine.asked} <= {"separation"}, "neither a UMAP nor a film of them"
    (choice,) = [c for c in open_page("latent", run=folder.id).segmented_control if c.key == "projection"]
    assert choice.options == ["As it is", "Two classes"]


def test_umap_is_drawn_by_id_when_it_is_there(root, engine):
    folder = make(root)
    ids, _, _ = codes()
    order = np.random.default_rng(5).permutation(len(ids))
    path = folder.map_path(4, "z")
    path.parent.mkdir()
    save_file({"id": ids[order], "xy": np.stack([ids, ids], 1)[order].astype(np.float32)}, path)
    (given,) = parts(open_page("latent", run=folder.id, projection="umap"), "map")
    points = given["points"]
    assert engine.asked == [(folder.id, 4, "z", "film")], "no UMAP is asked for, but the film that ends with it"
    assert given["version"].endswith("umap")
    assert given["busy"] == ""
    far = np.hypot(points["x"], points["y"])
    np.testing.assert_allclose(far, np.sqrt(2) * np.abs(points["id"]), rtol=1e-3, atol=1e-2)


def test_a_map_of_other_images_is_made_again(root, engine):
    folder = make(root)
    path = folder.map_path(4, "z")
    path.parent.mkdir()
    save_file({"id": np.arange(3, dtype=np.int32), "xy": np.zeros((3, 2), np.float32)}, path)
    app = open_page("latent", run=folder.id, projection="umap")
    assert engine.asked == [(folder.id, 4, "z", "umap")]
    assert not path.exists()
    assert parts(app, "map")[0]["busy"]


@pytest.mark.parametrize("page", ["latent", "compare"])
def test_a_map_that_becomes_ready_while_the_page_is_drawn_is_kept(root, engine, monkeypatch, page):
    folder = make(root)
    ids, _, _ = codes()
    path = folder.map_path(4, "z")
    path.parent.mkdir()

    def now(*_: object) -> tuple[str, str]:
        if not path.exists():
            save_file({"id": ids, "xy": np.stack([ids, ids], 1).astype(np.float32)}, path)
        return "ready", ""

    monkeypatch.setattr(engine, "map_state", now)
    app = open_page(page, run=folder.id, runs=folder.id, projection="umap")
    assert path.exists()
    assert (folder.id, 4, "z", "umap") not in engine.asked
    (shown,) = (g for g in parts(app, "map") if g["part"] == "map")
    assert shown["version"].endswith("umap")


def test_a_map_that_failed_says_why_and_can_be_asked_for_again(root, engine):
    folder = make(root)
    engine.fails("The machine ran out of memory.", folder.id, 4, "z", "umap")
    app = open_page("latent", run=folder.id, projection="umap")
    assert "ran out of memory. This is the PCA." in said(app)
    assert engine.asked == []
    app.button[0].click().run()
    assert len(engine.asked) == 1


def test_a_queue_that_cannot_be_reached_leaves_the_pca(root, engine, monkeypatch):
    def busy(*_: object) -> None:
        raise JobsError("The queue is busy. Try again.")

    monkeypatch.setattr(engine, "map", busy)
    app = open_page("latent", run=make(root).id, projection="umap")
    assert "The queue is busy" in said(app)
    assert parts(app, "map")


def test_few_images_are_shown_but_not_mapped(root, engine):
    app = open_page("latent", run=make(root, n=12).id, projection="umap")
    assert "a UMAP needs at least 20" in said(app)
    assert engine.asked == []
    assert len(parts(app, "map")[0]["points"]["id"]) == 12


# --- states


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        ("queued", "waits in the queue"),
        ("done", "ended before it saved any latents"),
        ("failed", "failed before it saved any latents. There was no memory left."),
        ("stopped", "ended before it saved any latents"),
    ],
)
def test_a_run_without_a_snapshot_says_so(root, engine, state, sentence):
    make(root)
    app = open_page("latent", run=make(root, epochs=(), state=state).id)
    assert sentence in said(app)
    assert parts(app, "map") == []


def test_why_a_run_failed_is_not_read_as_markdown(root, engine):
    folder = make(root, epochs=(), state="failed")
    folder.set_status("failed", detail="The file *a*b[c](d) is damaged.")
    app = open_page("latent", run=folder.id)
    assert any(r"The file \*a\*b\[c\](d) is damaged." in c.value for c in app.caption)


@pytest.mark.parametrize(
    ("state", "sentence"), [("failed", "failed after epoch 2 of 4"), ("stopped", "was stopped after")]
)
def test_a_run_cut_short_shows_its_last_snapshot(root, engine, state, sentence):
    app = open_page("latent", run=make(root, epochs=(0, 2), state=state).id)
    assert sentence in said(app)
    assert " 2 z" in parts(app, "map")[0]["version"]


def test_a_run_that_goes_on_is_followed_by_pca(root, engine):
    folder = make(root, epochs=(0, 1), state="running")
    folder.lock()
    app = open_page("latent", run=folder.id, projection="umap")
    (given,) = parts(app, "map")
    assert given["busy"] == "Epoch 1 of 4; the points follow the run"
    assert engine.asked == []
    keep(folder, 2, *[codes()[i] for i in (0, 2)], z=codes()[1])
    assert parts(app.run(), "map")[0]["busy"].startswith("Epoch 2")


def test_the_film_of_a_run_that_goes_on_grows_and_follows_its_newest_epoch(root, engine):
    folder = make(root, epochs=(0, 1), state="running")
    folder.lock()
    app = open_page("latent", run=folder.id)
    (film,) = parts(app, "scrubber")
    assert film["epochs"] == [0, 1]
    assert film["at"] is None
    keep(folder, 2, *[codes()[i] for i in (0, 2)], z=codes()[1])
    app.run()
    assert parts(app, "scrubber")[0]["epochs"] == [0, 1, 2]
    assert parts(app, "map")[0]["film"]["epochs"] == [0, 1, 2]
    app.query_params["epoch"] = "1"
    assert parts(app.run(), "scrubber")[0]["at"] == 1
    assert parts(app, "map")[0]["busy"].startswith("Epoch 2")


def test_an_unknown_run_is_a_sentence_and_another_is_shown(root, engine):
    make(root)
    for wrong in ("m2-digits-100-s0-none", "../../etc/passwd"):
        app = open_page("latent", run=wrong)
        assert "The address asks for" in said(app)
        assert parts(app, "map")


def test_diverged_and_damaged_snapshots_are_sentences(root, engine):
    folder = make(root)
    ids, z, true = codes()
    keep(folder, 4, ids, true, z=z * np.nan)
    assert "the training has diverged" in said(open_page("latent", run=folder.id))
    path = folder.path / "latents" / "0004.safetensors"
    path.write_bytes(b"nothing")
    assert "cannot be read" in said(open_page("latent", run=folder.id))
    assert "cannot be read" in said(open_page("compare", runs=folder.id))


def test_images_that_are_not_here_are_not_fetched_by_looking(root, engine, monkeypatch):
    folder = make(root)
    monkeypatch.setattr(data, "availability", lambda name: "absent")
    app = open_page("latent", run=folder.id)
    assert "not ready on this machine" in said(app)
    assert parts(app, "map") == []
    assert "not ready on this machine" in said(open_page("compare", runs=folder.id))


def test_nothing_to_look_into(root, engine, no_examples):
    assert "No runs to look at" in said(open_page("latent"))
    assert "No runs to compare" in said(open_page("compare"))


# --- Compare


def test_runs_side_by_side(root, engine):
    made = [make(root, m) for m in ("m1", "m2", "supervised")]
    app = open_page("compare", runs=",".join(f.id for f in made))
    table = app.dataframe[0].value
    assert table["Run"].tolist() == ["M1", "M2", "Labels only"]
    assert table["Test accuracy"].tolist() == [80, 80, 80]
    assert table["Labels"].tolist() == ["100"] * 3
    given = parts(app, "map")
    assert [g["part"] for g in given] == ["map", "map", "map", "legend", "legend"], "first of all the maps"
    assert {g["group"] for g in given} == {"compare"}
    assert [g["label"].split(" of ")[1] for g in given[:3]] == ["z", "z", "h"]
    claims = [MODELS[f.run.model].expected(s)[0] for f, s in zip(made, "zzh", strict=True)]
    assert [g["claim"] for g in given[:3]] == claims
    assert given[0]["q"] == "SVM, calibrated"
    assert "Each row is one run with one seed" in said(app)
    assert "cannot generate images" in said(app)


def test_the_caption_of_a_map_with_a_film_names_no_single_epoch(root, engine):
    made = [make(root), make(root, seed=1, epochs=(4,))]
    app = open_page("compare", runs=",".join(f.id for f in made), epoch="0")
    captions = [c.value for c in app.caption]
    assert any("PCA of z, epochs 0 to 4. " in c for c in captions)
    assert any("PCA of z, epoch 4. " in c for c in captions)  # one epoch is no film


def test_accuracy_along_seconds_reads_nothing_again(root, engine, monkeypatch):
    folder = make(root, epochs=(0, 2, 4))
    app = open_page("compare", runs=folder.id, along="seconds")
    (chart,) = (e.proto for e in app.get("bidi_component") if e.proto.component_name == "few_labels_live_chart")
    given = json.loads(chart.mixed.json or chart.json)
    assert [line["x"] for line in given["lines"]] == [[2.0, 4.0, 6.0]] * 2
    assert given["x_max"] == 6.0
    read, reads = Folder.records, []
    monkeypatch.setattr(Folder, "records", lambda self, offset=0: reads.append(self.id) or read(self, offset))
    app.run()
    assert reads == []


def test_twins_are_told_apart_and_the_settings_that_differ_are_shown(root, engine):
    made = [make(root, seed=0), make(root, seed=1), make(root, seed=1, preset="paper")]
    app = open_page("compare", runs=",".join(f.id for f in made))
    names = app.dataframe[0].value["Run"].tolist()
    assert names == ["M2, seed 0", "M2, seed 1, tuned preset", "M2, seed 1, paper preset"]
    differ = app.dataframe[1].value.set_index("Setting")
    assert differ.loc["preset", names].tolist() == ["tuned", "tuned", "paper"]
    assert "n z" not in differ.index or len(set(differ.loc["n z", names])) > 1


def test_the_first_choice_is_of_runs_that_compare(root, engine):
    make(root, "m2")
    make(root, "m1")
    Folder.create(Run.make(dataset="mnist", model="adgm"), root).set_status("stopped")
    assert open_page("compare").dataframe[0].value["Run"].tolist() == ["M1", "M2"]


def test_one_image_through_every_run(root, engine):
    made = [make(root, m) for m in ("m2", "adgm")]
    image = int(codes()[0][5])
    app = open_page("compare", runs=",".join(f.id for f in made), image=str(image), space="a")
    cards = parts(app, "card")
    assert [c["id"] for c in cards] == [image, image]
    assert [c["space"] for c in cards] == ["z", "a"]
    assert not any(c["marks"] for c in cards)
    assert len(parts(open_page("compare", runs=",".join(f.id for f in made)), "card")) == 1


def test_umaps_of_all_runs_are_asked_for(root, engine):
    made = [make(root, m) for m in ("m2", "supervised")]
    app = open_page("compare", runs=",".join(f.id for f in made), projection="umap")
    umaps = [asked for asked in engine.asked if asked[3] == "umap"]
    assert umaps == [(made[0].id, 4, "z", "umap"), (made[1].id, 4, "h", "umap")]
    assert [g["busy"] for g in parts(app, "map")[:2]] == ["UMAP is being computed"] * 2


def test_different_data_sets_are_named_and_kept_apart(root, engine, monkeypatch):
    one, two = make(root), Folder.create(Run.make(dataset="mnist", model="m2"), root)
    two.set_status("stopped")
    app = open_page("compare", runs=f"{one.id},{two.id}")
    assert "different data sets, Digits and MNIST: their accuracies do not compare" in said(app)


def test_neither_page_loads_torch(root):
    folder = make(root)
    code = f"""
import sys; sys.path[:0] = [".", "tests"]
import fake_engine; fake_engine.install()
from streamlit.testing.v1 import AppTest
for page in ("latent", "compare"):
    app = AppTest.from_file("app.py", default_timeout=240).run()
    app.query_params["run"] = app.query_params["runs"] = {folder.id!r}
    app.switch_page(f"pages/{{page}}.py").run()
    assert not app.exception and len(app.get("bidi_component")) >= 2
print(sorted({{"torch", "umap", "numba"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.stdout.strip().endswith("[]"), done.stdout + done.stderr


def test_train_shows_the_maps_of_four_runs_at_once_each_with_its_two_numbers(root, engine):
    folders = [make(root, model) for model in ("supervised", "m1", "m2", "adgm")]
    app = open_page("train", watch=",".join(f.id for f in folders))
    maps = [given for given in parts(app, "map") if given["part"] == "map"]
    assert [given["label"] for given in maps] == [
        "PCA of h of Labels only", "PCA of z of M1", "PCA of z of M2", "PCA of z of ADGM",
    ]  # fmt: skip
    assert all(given["compact"] and given["film"]["epochs"] == [0, 4] for given in maps)
    assert len(parts(app, "scrubber")) == 1, "one bar plays them all"
    below = [h.proto.body for h in app.get("html") if "same-class neighbours" in h.proto.body]
    assert len(below) == 4
    snapshot = snapshots.snapshot_images(folders[2])
    alike = figures.percent(snapshots.agreement(snapshot.spaces["z"], snapshot.true))
    assert f"<b>80.0 %</b> test accuracy</span><span><b>{alike}</b> same-class neighbours" in below[2]
    assert "Mixed classes are good here: z need not know the class, because y holds it." in below[2]
    assert "Classes lie apart only as far as they look apart." in below[1]


def test_train_follows_a_run_that_goes_on_by_its_newest_epoch_and_counts_neighbours_seldom(root, engine):
    folder = make(root, "m2", epochs=(0, 3, 4), state="running")
    ids, z, true = codes(1797)
    keep(folder, 0, ids, true, z=z[::-1].copy())  # at the beginning the classes were mixed
    lock = folder.lock()
    app = open_page("train", watch=folder.id)
    (given,) = [given for given in parts(app, "map") if given["part"] == "map"]
    np.testing.assert_array_equal(given["points"]["id"], snapshots.snapshot_images(folder).ids)
    assert given["version"] == f"{folder.id} 4 z {len(given['points']['id'])} pca"
    assert "film" not in given
    (below,) = [h.proto.body for h in app.get("html") if "same-class neighbours" in h.proto.body]
    snapshot = snapshots.snapshot_images(folder, 0)  # after each fifth epoch
    mixed = snapshots.agreement(snapshot.spaces["z"], snapshot.true)
    assert mixed < 0.5
    assert f"<b>{figures.percent(mixed)}</b> same-class" in below
    os.close(lock)
