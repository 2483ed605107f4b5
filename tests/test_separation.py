"""How well a space separates, held against plain formulas and cases one can see through; confusions counted by hand."""

import math
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from safetensors.numpy import save_file
from sklearn.metrics import confusion_matrix

import data
from models import MODELS
from models.analysis import confusion, separability, snapshots
from models.analysis.snapshots import TEST, UNLABELLED, SnapshotImages
from models.errors import LatentError
from models.jobs import JobsError, mapper
from models.jobs.local import Local
from models.jobs.queue import MapRequest
from models.jobs.supervisor import Mapping, Supervisor
from models.runs.run import Run
from models.runs.store import Folder


def snapshot_of(z: np.ndarray, y: np.ndarray, test: np.ndarray, classes: int = 10, predicted=None) -> SnapshotImages:
    n = len(z)
    ids = np.where(test, -1 - np.arange(n), np.arange(n)).astype(np.int32)
    q = None if predicted is None else (0.1 / classes + 0.9 * np.eye(classes)[predicted]).astype(np.float32)
    return SnapshotImages(
        dataset="digits",
        classes=tuple(map(str, range(classes))),
        epoch=1,
        ids=ids,
        spaces={"z": z.astype(np.float32)},
        q_y=q,
        q="q(y|x)",
        true=y.astype(np.int64),
        kind=np.where(test, TEST, UNLABELLED),
        predicted=np.full(n, -1) if q is None else q.argmax(1),
        sure=np.zeros(n, np.float32) if q is None else q.max(1),
        entropy=np.zeros(n, np.float32) if q is None else snapshots.entropy(q),
    )


def cloud(seed: int, n: int = 1200, d: int = 7, classes: int = 10, apart: float = 1.3):
    """Codes whose classes overlap, their classes, and which of them are of test images."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, classes, n)
    z = (apart * rng.normal(size=(classes, d))[y] + rng.normal(size=(n, d))).astype(np.float32)
    return z, y, rng.random(n) < 0.4


# --- what scikit-learn is asked for, held against plain searches and the conditions that define it


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("k", [1, 10])
def test_nearest_neighbours_are_those_of_a_plain_search(seed, k):
    z, y, test = cloud(seed)
    near = np.argsort(((z[test][:, None] - z[~test][None]).astype(float) ** 2).sum(2), 1, kind="stable")[:, :k]
    votes = (y[~test][near][..., None] == np.arange(10)).sum(1)
    assert np.array_equal(separability.neighbours(z[~test], y[~test], z[test], k), votes.argmax(1))


def test_neighbours_of_few_images_are_all_of_them():
    z, y = np.array([[0.0], [1.0], [9.0]], np.float32), np.array([4, 2, 4])
    assert separability.neighbours(z, y, z, k=10).tolist() == [4, 4, 4]
    assert separability.neighbours(z[:2], y[:2], z[:1], k=2).tolist() == [2], "of a draw, the class that comes first"


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("c", [0.01, 1.0])
def test_the_linear_probe_is_where_the_penalised_likelihood_is_flat(seed, c):
    z, y, test = cloud(seed, n=600, classes=5)
    x, hot = z[~test].astype(float), np.eye(5)[y[~test]]

    def slope(snapshot) -> float:
        """The largest partial derivative of sum of -log p(y|z) + |weights|^2 / 2c."""
        off = snapshot.predict_proba(x) - hot
        return max(np.abs(x.T @ off + snapshot.coef_.T / c).max(), np.abs(off.sum(0)).max())

    exact = separability.linear_probe(z[~test], y[~test], c, tolerance=1e-9)
    quick = separability.linear_probe(z[~test], y[~test], c)
    assert slope(exact) < 1e-4 < 0.01 * slope(separability.linear_probe(z[~test], y[~test], 10 * c, tolerance=1e-9))
    np.testing.assert_allclose(quick.predict_proba(z[test]), exact.predict_proba(z[test]), atol=2e-3)


@pytest.mark.parametrize("seed", range(4))
def test_the_silhouette_is_that_of_the_formula(seed):
    z, y, _ = cloud(seed, n=300)
    y[y == 3] = 4
    y[0] = 3  # alone in its class
    z[5] = z[6]  # twins
    d = np.linalg.norm(z[:, None].astype(float) - z[None], axis=2)
    values = []
    for i, k in enumerate(y):
        others = np.flatnonzero((y == k) & (np.arange(300) != i))
        b = min(d[i][y == j].mean() for j in set(y.tolist()) - {k})
        a = d[i][others].mean() if len(others) else 0
        values.append((b - a) / max(a, b) if len(others) else 0)
    assert separability.silhouette(z, y) == pytest.approx(np.mean(values), abs=1e-6)


def test_a_silhouette_by_hand():
    """Two pairs on a line, 0 1 and 4 6: a and b of the first are 1 and 5, of the second 1 and 4, and so on."""
    expected = np.mean([(5 - 1) / 5, (4 - 1) / 4, (3.5 - 2) / 3.5, (5.5 - 2) / 5.5])
    z = np.array([[0.0], [1.0], [4.0], [6.0]], np.float32)
    assert separability.silhouette(z, np.array([0, 0, 1, 1])) == pytest.approx(expected)


@pytest.mark.parametrize("y", [[0, 0, 0], [0, 1, 2]])
def test_a_silhouette_that_is_not_defined(y):
    assert math.isnan(separability.silhouette(np.eye(3, dtype=np.float32), np.array(y)))


# --- cases one can see through


def test_two_clumps_far_apart_are_told_apart_by_everything():
    z, y, test = cloud(0, classes=2, apart=0)
    z[:, 0] += 1000 * y
    s = separability.measure(snapshot_of(z, y, test), "z")
    assert (s.neighbours, s.linear_probe) == (1.0, 1.0)
    assert s.silhouette > 0.99
    assert s.chance == pytest.approx(max(np.bincount(y[test])) / test.sum(), abs=0.1)
    assert (s.n_train, s.n_test, s.n_silhouette) == ((~test).sum(), test.sum(), test.sum())


def test_shuffled_classes_are_at_chance():
    z, y, test = cloud(1, n=6000)
    s = separability.measure(snapshot_of(z, np.random.default_rng(0).permutation(y), test), "z")
    for accuracy in (s.neighbours, s.linear_probe, s.chance):
        assert accuracy == pytest.approx(0.1, abs=0.02)
    assert abs(s.silhouette) < 0.05


def test_chance_is_to_name_the_most_frequent_class():
    z, _, test = cloud(2, n=1000)
    y = (np.arange(1000) % 10 == 0).astype(int)
    s = separability.measure(snapshot_of(z, y, test), "z")
    assert s.chance == pytest.approx((y[test] == 0).mean())
    assert s.linear_probe == pytest.approx(s.chance, abs=0.01)


def test_turning_moving_and_scaling_a_space_change_nothing():
    z, y, test = cloud(3)
    before = separability.measure(snapshot_of(z, y, test), "z")
    q = np.linalg.qr(np.random.default_rng(0).normal(size=(7, 7)))[0]
    after = separability.measure(snapshot_of(40 * z @ q + 5, y, test), "z")
    assert after.neighbours == pytest.approx(before.neighbours, abs=0.003)
    assert after.linear_probe == pytest.approx(before.linear_probe, abs=0.003)
    assert after.silhouette == pytest.approx(before.silhouette, abs=1e-4)


def test_a_collapsed_space_is_at_chance_and_no_error():
    _, y, test = cloud(4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        s = separability.measure(snapshot_of(np.ones((len(y), 5)), y, test), "z")
    assert s.linear_probe == s.chance
    assert s.silhouette == 0


def test_classes_without_a_training_image_are_missed_and_no_error():
    z, y, test = cloud(5)
    test |= y == 9
    assert 0 < separability.measure(snapshot_of(z, y, test), "z").linear_probe < 1


def test_what_cannot_be_measured_says_why():
    z, y, test = cloud(6)
    for z_, test_, says in (
        (z * np.nan, test, "no numbers: the training has diverged"),
        (z, np.zeros_like(test), "no test image"),
        (z, np.ones_like(test), "0 training images"),
    ):
        with pytest.raises(LatentError, match=says):
            separability.measure(snapshot_of(z_, y, test_), "z")


# --- kept in the run folder, by the process that makes maps


@pytest.fixture
def folder(tmp_path) -> Folder:
    images = data.load("digits")
    made = Folder.create(Run.make(dataset="digits", model="m2", labels=50, epochs=3), tmp_path)
    ids = np.concatenate([np.arange(400), -1 - np.arange(200)]).astype(np.int32)
    x = np.concatenate([images.x[:400], images.x_test[:200]]).reshape(600, -1) / 255.0
    (made.path / "latents").mkdir()
    save_file({"id": ids, "z": x[:, ::16].astype(np.float16)}, made.path / "latents" / "0003.safetensors")
    return made


def test_the_figures_are_kept_for_the_codes_they_are_of(folder):
    snapshot = snapshots.snapshot_images(folder)
    assert separability.read(folder, snapshot, "z") is None
    path = separability.make(folder.path, "z", 3)
    assert path == folder.map_path(3, "z", "separation")
    assert separability.read(folder, snapshot, "z") == separability.measure(snapshot, "z")
    assert not separability.drop(folder, snapshot, "z")
    snapshot.spaces["z"][0, 0] += 1
    assert separability.read(folder, snapshot, "z") is None
    assert separability.drop(folder, snapshot, "z")
    assert not path.exists()


def test_damaged_figures_are_a_sentence(folder):
    snapshot, path = snapshots.snapshot_images(folder), separability.make(folder.path, "z", 3)
    path.write_bytes(b"nothing")
    with pytest.raises(LatentError, match=r"damaged. Delete that file"):
        separability.read(folder, snapshot, "z")
    save_file({"figures": np.zeros(2), "images": np.zeros(3), "of": np.zeros(16, np.uint8)}, path)
    with pytest.raises(LatentError, match="damaged"):
        separability.read(folder, snapshot, "z")


def test_the_process_that_makes_maps_makes_them(folder, monkeypatch):
    monkeypatch.delenv("FEWLABELS_ANALYSES", raising=False)
    asked = {"path": str(folder.path), "which": "z", "epoch": 3, "method": "separation"}
    assert mapper.attempt(asked) is None
    assert separability.read(folder, snapshots.snapshot_images(folder), "z") is not None
    assert not folder.map_path(3, "z").exists()
    assert "no snapshot of a after epoch 3" in mapper.attempt({**asked, "which": "a"})


def test_what_the_engine_makes(tmp_path):
    engine = Local(tmp_path)
    latents = dict.fromkeys(name for card in MODELS.values() for name in card.latents)
    assert engine._request("x", 1, "z", "separation").method == "separation"
    with pytest.raises(JobsError, match="choose one of umap, tsne, film, separation"):
        engine._request("x", 1, "z", "isomap")
    with pytest.raises(JobsError, match=f"choose one of {', '.join(latents)}\\."):
        engine._request("x", 1, "y", "separation")


# --- confusions


def test_confusions_by_hand():
    true, taken = np.array([0, 0, 0, 1, 2, 2]), np.array([0, 1, 1, 1, 0, 2])
    counts = confusion.counts(true, taken, 3)
    assert counts.tolist() == [[1, 2, 0], [0, 1, 0], [1, 0, 1]]
    assert np.array_equal(counts, confusion_matrix(true, taken))
    assert confusion.top(counts, 5) == [(0, 1, 2), (2, 0, 1)]
    assert confusion.top(counts, 1) == [(0, 1, 2)]


def two() -> tuple[SnapshotImages, SnapshotImages]:
    """Two runs' snapshot images of different images: half of the test images are kept by both, in different orders."""
    z, y, _ = cloud(7, n=300, classes=4)
    rng = np.random.default_rng(0)
    test = np.arange(300) < 200
    one = snapshot_of(z, y, test, 4, np.where(rng.random(300) < 0.3, rng.integers(0, 4, 300), y))
    order = rng.permutation(300)[:150]
    taken = np.where(rng.random(150) < 0.5, rng.integers(0, 4, 150), y[order])
    other = snapshot_of(z[order], y[order], test[order], 4, taken)
    object.__setattr__(other, "ids", one.ids[order])
    return one, other


def test_a_matrix_counts_test_images_only():
    one, _ = two()
    counts = confusion.matrix(one)
    assert counts.sum() == 200
    assert counts[2, 1] == sum(t == 2 and p == 1 for t, p in zip(one.true[:200], one.predicted[:200], strict=True))
    assert set(confusion.images(one, 2, 1)) == {
        i for i in range(200) if one.true[i] == 2 and one.predicted[i] == 1
    }  # fmt: skip


def test_the_difference_is_of_the_images_both_kept_and_turns_its_sign():
    one, other = two()
    there, n = confusion.difference(one, other)
    back, same = confusion.difference(other, one)
    assert np.array_equal(there, -back)
    assert n == same == (other.kind == TEST).sum()
    assert not there.sum(1).any()
    assert there.any()
    assert not confusion.difference(one, one)[0].any()
    of = {int(i): int(p) for i, p, k in zip(one.ids, one.predicted, one.kind, strict=True) if k == TEST}
    by_hand = np.zeros((4, 4), int)
    for i, t, p, k in zip(other.ids, other.true, other.predicted, other.kind, strict=True):
        if k == TEST:
            by_hand[t, of[int(i)]] += 1
            by_hand[t, p] -= 1
    assert np.array_equal(there, by_hand)


def test_disagreement_is_nothing_among_equals_and_log_runs_among_opposites():
    q = np.array([[[1.0, 0, 0], [0.5, 0.5, 0], [1, 0, 0]], [[0, 1.0, 0], [0.5, 0.5, 0], [0.5, 0.5, 0]]])
    apart = confusion.disagreement(q)
    mean = -(0.75 * np.log(0.75) + 0.25 * np.log(0.25))
    np.testing.assert_allclose(apart, [np.log(2), 0, mean - np.log(2) / 2], atol=1e-9)


def test_the_most_disputed_images_are_known_to_all_runs():
    one, other = two()
    found = confusion.most_disputed([one, other], 500)
    assert set(found) <= set(other.ids.tolist())
    of = [{int(i): int(p) for i, p in zip(p_.ids, p_.predicted, strict=True)} for p_ in (one, other)]
    assert all(of[0][i] != of[1][i] for i in found)
    assert len(found) == sum(of[0][i] != of[1][i] for i in of[1])
    assert confusion.most_disputed([one, one], 5) == []


def test_the_supervisor_says_which_kind_of_map_it_wants(tmp_path):
    sent = []
    one = Supervisor.__new__(Supervisor)
    one.paths, one.mapper = SimpleNamespace(root=tmp_path), SimpleNamespace(send=sent.append)
    one._map(Mapping(MapRequest("m2-digits-100-s0-aaaa", "z", 3, "separation"), 0.0))
    assert sent == [{"path": str(tmp_path / "m2-digits-100-s0-aaaa"), "which": "z", "epoch": 3, "method": "separation"}]
