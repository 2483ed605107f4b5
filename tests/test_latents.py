"""Snapshots, their pictures in the plane, and their figures."""

import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import data
from models.analysis import projections, snapshots
from models.analysis.class_line import between_classes
from models.errors import LatentError
from models.runs.run import Run
from models.runs.store import Folder


def blobs(n=300, d=10, classes=5, seed=0):
    """Codes in well-parted clumps, and the clump of each."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % classes
    return (8 * rng.normal(size=(classes, d))[y] + rng.normal(size=(n, d))).astype(np.float32), y


def write(folder, epoch=3, n=60, **more):
    z, y = blobs(n)
    q = np.full((n, 5), 0.01)
    q[np.arange(n), y] = 0.96
    ids = np.concatenate([np.arange(n // 2), -1 - np.arange(n - n // 2)]).astype(np.int32)
    (folder / "latents").mkdir(exist_ok=True)
    arrays = {"id": ids, "z": z.astype(np.float16), "q_y": q.astype(np.float16), **more}
    save_file({k: v for k, v in arrays.items() if v is not None}, folder / "latents" / f"{epoch:04d}.safetensors")
    return ids, z


def test_reading_loads_neither_torch_nor_umap():
    """The pages import this module: it must cost them nothing."""
    code = "import sys, models.analysis.projections\n"
    code += "print([m for m in ('torch', 'umap', 'sklearn', 'numba') if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


# --- PCA


def test_pca_keeps_the_most_variance_two_directions_can_keep():
    z, _ = blobs()
    xy = projections.pca(z)
    variances = np.linalg.svd(z - z.mean(0), compute_uv=False)[:2] ** 2
    np.testing.assert_allclose((xy.astype(float) ** 2).sum(0), variances, rtol=1e-4)
    np.testing.assert_allclose(xy.mean(0), 0, atol=1e-4)


def test_pca_does_not_flip_when_the_images_come_in_another_order():
    z, _ = blobs()
    order = np.random.default_rng(1).permutation(len(z))
    np.testing.assert_allclose(projections.pca(z[order]), projections.pca(z)[order], atol=1e-3)


def test_pca_of_few_dimensions_images_or_variance_is_still_a_picture():
    assert projections.pca(np.ones((5, 3), np.float32)).tolist() == [[0, 0]] * 5
    one = projections.pca(np.arange(4, dtype=np.float32)[:, None])
    np.testing.assert_allclose(one, [[-1.5, 0], [-0.5, 0], [0.5, 0], [1.5, 0]], atol=1e-6)
    assert projections.pca(np.ones((1, 3), np.float32)).shape == (1, 2)
    assert projections.pca(np.ones((0, 3), np.float32)).shape == (0, 2)


def test_codes_that_are_no_numbers_are_named_in_a_sentence():
    z, _ = blobs()
    z[[3, 7], 1] = np.nan
    with pytest.raises(LatentError, match="codes of 2 of 300 images are no numbers"):
        projections.pca(z)
    assert "2 of 300" in projections.why_no_map(z)


@pytest.mark.parametrize("mirror", [1, -1])
def test_a_turned_picture_is_turned_back_by_the_images_both_have(mirror):
    xy = projections.pca(blobs()[0])
    ids = np.arange(300)
    angle = 2.0
    turned = xy @ np.array([[np.cos(angle), mirror * np.sin(angle)], [-np.sin(angle), mirror * np.cos(angle)]])
    some = np.random.default_rng(0).permutation(300)[:120]
    turn = projections.turn(turned[some], ids[some], xy, ids)
    np.testing.assert_allclose(turned @ turn, xy, atol=1e-3)
    np.testing.assert_array_equal(projections.turn(xy, ids, xy, ids + 1000), np.eye(2))


# --- figures


def test_entropy_is_in_nats_from_sure_to_clueless():
    q = np.array([[1, 0, 0, 0], [0.25] * 4, [0.5, 0.5, 0, 0]], np.float16)
    np.testing.assert_allclose(snapshots.entropy(q), [0, np.log(4), np.log(2)], atol=1e-3)


def test_active_dimensions_are_those_that_vary():
    rng = np.random.default_rng(0)
    z = rng.normal(size=(500, 6)) * [1, 1, 0.5, 0.05, 0.001, 0]
    assert snapshots.active(z) == 3
    assert snapshots.active(z[:0]) == 0


def test_nearest_neighbours_are_those_of_a_plain_search():
    z, _ = blobs(200)
    d = np.linalg.norm(z[:, None] - z[None], axis=2)
    index, distance = snapshots.knn(z, 6)
    np.testing.assert_array_equal(index[:, 0], np.arange(200))
    np.testing.assert_allclose(distance, np.sort(d, 1)[:, :6], atol=2e-3)
    rows, far = snapshots.nearest(z, 17, k=5)
    np.testing.assert_array_equal(rows, np.argsort(d[17])[1:6])
    np.testing.assert_allclose(far, np.sort(d[17])[1:6], rtol=1e-4)
    assert 17 not in rows
    assert len(snapshots.nearest(z[:3], 0, k=8)[0]) == 2


def test_an_image_is_its_own_nearest_even_beside_its_twins():
    z = np.repeat(blobs(20)[0], 5, axis=0)
    for rows in (None, np.arange(3, 100, 7)):
        index, distance = snapshots.knn(z, 3, rows)
        assert (index[:, 0] == (np.arange(100) if rows is None else rows)).all()
        assert all(len(set(near)) == 3 and (z[near] == z[near[0]]).all() for near in index.tolist())
        assert not distance.any()


def test_agreement_is_one_in_parted_classes_and_chance_without_any():
    z, y = blobs(500)
    assert snapshots.agreement(z, y) > 0.99
    noise = np.random.default_rng(0).normal(size=z.shape)
    assert abs(snapshots.agreement(noise, y, k=10) - 0.2) < 0.04  # 5,000 pairs, dependent within an image
    assert snapshots.agreement(z, y, sample=50) > 0.99


# --- snapshots


def test_read_gives_the_latest_snapshot_or_the_one_asked_for(tmp_path):
    assert snapshots.read(tmp_path) is None
    write(tmp_path, 3)
    ids, z = write(tmp_path, 12, a=np.zeros((60, 2), np.float16))
    write(tmp_path, 7)
    s = snapshots.read(tmp_path)
    assert s.epoch == 12
    assert set(s.spaces) == {"z", "a"}
    np.testing.assert_array_equal(s.ids, ids)
    np.testing.assert_allclose(s.spaces["z"], z, atol=0.03)
    np.testing.assert_allclose(s.q_y.sum(1), 1, atol=1e-6)
    assert snapshots.read(tmp_path, 7).epoch == 7
    assert snapshots.read(tmp_path, 8) is None


def test_a_snapshot_without_classifier_or_codes_can_be_read(tmp_path):
    write(tmp_path, 1, q_y=None, z=None, h=np.ones((60, 4), np.float16))
    s = snapshots.read(tmp_path)
    assert s.q_y is None
    assert list(s.spaces) == ["h"]


def test_a_damaged_snapshot_is_a_sentence(tmp_path):
    write(tmp_path, 1)
    path = tmp_path / "latents" / "0001.safetensors"
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(LatentError, match=r"0001\.safetensors .* cannot be read"):
        snapshots.read(tmp_path)
    write(tmp_path, 2, z=np.zeros((59, 3), np.float16))
    with pytest.raises(LatentError, match="damaged"):
        snapshots.read(tmp_path)
    write(tmp_path, 3, q_y=np.full((60, 5), np.nan, np.float16))
    with pytest.raises(LatentError, match="diverged"):
        snapshots.read(tmp_path)
    write(tmp_path, 4, id=np.zeros(60, np.int32))
    with pytest.raises(LatentError, match="damaged"):
        snapshots.read(tmp_path)


# --- what is known of the snapshot images


def test_a_probe_has_the_true_class_and_kind_of_each_image_by_its_id(tmp_path):
    images = data.load("digits")
    run = Run.make(dataset="digits", model="m2", labels=50, seed=4)
    folder = Folder.create(run, tmp_path)
    assert snapshots.snapshot_images(folder) is None
    labelled = data.split(images, 50, seed=4).labelled
    ids = np.concatenate([-1 - np.arange(20), labelled[:10], np.arange(200, 230)]).astype(np.int32)
    ids = np.unique(ids)[::-1].copy()
    n = len(ids)
    true = np.array([images.y[i] if i >= 0 else images.y_test[-1 - i] for i in ids])
    q = np.full((n, 10), 0.02, np.float16)
    q[np.arange(n), np.where(np.arange(n) % 4 == 0, (true + 1) % 10, true)] = 0.82
    (folder.path / "latents").mkdir()
    save_file({"id": ids, "z": blobs(n)[0], "q_y": q}, folder.path / "latents" / "0002.safetensors")
    p = snapshots.snapshot_images(folder)
    np.testing.assert_array_equal(p.true, true)
    for i, kind in zip(ids, p.kind, strict=True):
        assert kind == (snapshots.TEST if i < 0 else snapshots.LABELLED if i in labelled else snapshots.UNLABELLED)
    rows = np.flatnonzero(ids < 0)
    assert p.right(snapshots.TEST) == ((rows % 4 != 0).sum(), 20)
    assert p.q == "q(y|x)"
    np.testing.assert_allclose(p.sure, 0.82, atol=0.01)
    save_file({"id": ids + 5000, "z": blobs(n)[0]}, folder.path / "latents" / "0003.safetensors")
    with pytest.raises(LatentError, match="does not have"):
        snapshots.snapshot_images(folder)
    save_file({"id": ids, "q_y": q[:, :5].copy()}, folder.path / "latents" / "0004.safetensors")
    with pytest.raises(LatentError, match="knows 5 classes"):
        snapshots.snapshot_images(folder)


# --- maps


@pytest.fixture(scope="module")
def mapped(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    write(folder, 3, n=200)
    return folder, projections.make_map(folder, "z", 3)


def test_a_map_keeps_clumps_together_and_lies_as_the_pca_does(mapped):
    folder, path = mapped
    s = snapshots.read(folder)
    xy = projections.read_map(folder, "z", 3, s.ids)
    assert path.name == "z-umap-0003.safetensors"
    assert xy.shape == (200, 2)
    assert snapshots.agreement(xy, np.arange(200) % 5) > 0.95
    assert (xy * projections.pca(s.spaces["z"])).sum() > 0
    assert Folder(folder).maps("z") == [(3, path)]
    assert [p.name for p in path.parent.iterdir()] == [path.name], "nothing half-written is left"


def test_t_sne_keeps_clumps_together_too_and_lies_as_the_pca_does(tmp_path):
    write(tmp_path, 3, n=100)
    path = projections.make_tsne(tmp_path, "z", 3)
    s = snapshots.read(tmp_path)
    xy = projections.read_map(tmp_path, "z", 3, s.ids, "tsne")
    assert path.name == "z-tsne-0003.safetensors"
    assert projections.read_map(tmp_path, "z", 3, s.ids) is None, "that would be a UMAP"
    assert snapshots.agreement(xy, np.arange(100) % 5) > 0.95
    assert (xy * projections.pca(s.spaces["z"])).sum() > 0


def test_two_classes_lie_at_0_and_1_of_the_line_between_them():
    z = np.random.default_rng(3).normal(size=(300, 6)).astype(np.float32)
    y = np.arange(300) % 3
    z[y == 1] += 8
    counts = np.arange(300) % 2 == 0
    line = between_classes(z, y, 0, 1, counts)
    xy = line.xy
    first, second = ((y == k) & counts for k in (0, 1))
    assert xy[first, 0].mean() == pytest.approx(0, abs=1e-5)
    assert xy[second, 0].mean() == pytest.approx(1, abs=1e-5)
    assert (line.images, line.right) == (100, 1), "half of the two hundred count"
    way = z[second].mean(0) - z[first].mean(0)
    np.testing.assert_allclose(xy[:, 0], (z - z[first].mean(0)) @ way / (way @ way), atol=1e-4)
    assert abs(np.corrcoef(xy.T)[0, 1]) < 0.2, "across is at right angles to it"
    assert 0.5 < between_classes(z, y, 0, 2, counts).right < 0.75, "two that lie on each other"
    with pytest.raises(LatentError, match="each of the two needs a test image"):
        between_classes(z, y, 0, 1, counts & (y != 1))


def test_a_map_is_the_same_every_time(mapped):
    folder, _ = mapped
    s = snapshots.read(folder)
    np.testing.assert_array_equal(projections.umap_xy(s.spaces["z"]), projections.read_map(folder, "z", 3, s.ids))


def test_a_map_follows_the_ids_not_the_order(mapped):
    folder, path = mapped
    kept = load_file(path)
    s = snapshots.read(folder)
    order = np.random.default_rng(0).permutation(200)
    np.testing.assert_array_equal(projections.read_map(folder, "z", 3, s.ids[order]), kept["xy"][order])
    np.testing.assert_array_equal(projections.read_map(folder, "z", 3, s.ids[:50]), kept["xy"][:50])
    assert projections.read_map(folder, "z", 3, s.ids + 1000) is None
    assert projections.read_map(folder, "a", 3, s.ids) is None


def test_only_a_map_of_other_images_is_dropped(tmp_path):
    ids = np.arange(30, dtype=np.int32)
    path = Folder(tmp_path).map_path(3, "z")
    path.parent.mkdir()
    save_file({"id": ids, "xy": np.zeros((30, 2), np.float32)}, path)
    assert not projections.drop_map(tmp_path, "z", 3, ids[::-1])
    assert path.exists()
    assert projections.drop_map(tmp_path, "z", 3, ids + 1)
    assert not path.exists()


@pytest.mark.parametrize(
    ("z", "reason"),
    [
        (np.zeros((7, 3), np.float16), "holds 7 images"),
        (np.ones((40, 3), np.float16), "collapsed"),
        (np.full((40, 3), np.inf, np.float16), "no numbers"),
    ],
)
def test_what_cannot_be_mapped_is_said_and_nothing_is_written(tmp_path, z, reason):
    write(tmp_path, 1, n=len(z), z=z)
    with pytest.raises(LatentError, match=reason):
        projections.make_map(tmp_path, "z", 1)
    assert not (tmp_path / "maps").exists()
    with pytest.raises(LatentError, match="no snapshot of a"):
        projections.make_map(tmp_path, "a", 1)


def test_collapsed_dimensions_and_few_images_are_mapped_all_the_same():
    z, _ = blobs(25)
    z[:, 3:] = 0
    z[:4] = z[0]  # twins
    xy = projections.umap_xy(z)
    compiled = projections.compiled_umap().umap_.smooth_knn_dist.stats  # kept on disk: 8 s less in the next process
    assert compiled.cache_path
    assert sum((compiled.cache_hits + compiled.cache_misses).values()) > 0
    assert xy.shape == (25, 2)
    assert np.isfinite(xy).all()


def test_a_damaged_map_is_a_sentence(tmp_path):
    write(tmp_path, 1)
    (tmp_path / "maps").mkdir()
    Folder(tmp_path).map_path(1, "z").write_bytes(b"no map")
    with pytest.raises(LatentError, match="cannot be read"):
        projections.read_map(tmp_path, "z", 1, snapshots.read(tmp_path).ids)
