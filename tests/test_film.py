"""The film of a map: one frame for all epochs, what the browser is sent, and UMAPs that move without rolling."""

import itertools

import numpy as np
import pytest
from safetensors.numpy import save_file

import data
from models.analysis import projections
from models.errors import LatentError
from models.runs.run import Run
from models.runs.store import Folder
from pages.parts.inside import latent_film
from pages.parts.inside.latent_film import FULL
from pages.parts.shared import latent_map

EPOCHS = (0, 1, 2, 4)


def rotation(d: int, seed: int) -> np.ndarray:
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((d, d)))[0]


def make(root, codes: dict[int, np.ndarray], ids: np.ndarray, q=None) -> Folder:
    folder = Folder.create(Run.make(dataset="digits", model="m2", labels=50, epochs=max(codes)), root)
    (folder.path / "latents").mkdir()
    for epoch, z in codes.items():
        said = np.full((len(ids), 10), 0.02) if q is None else q[epoch]
        said[np.arange(len(ids)), (np.abs(ids) + epoch) % 10] += 0.8 if q is None else 0
        arrays = {"id": ids, "z": z.astype(np.float32), "q_y": said.astype(np.float16)}
        save_file(arrays, folder.path / "latents" / f"{epoch:04d}.safetensors")
    folder.set_status("done")
    return folder


@pytest.fixture
def ids():
    return np.concatenate([np.arange(200), -1 - np.arange(100)]).astype(np.int32)


@pytest.fixture
def codes(ids):
    """A cloud that each epoch turns at random in its six dimensions: the same picture, if the frame is held."""
    z = np.random.default_rng(0).standard_normal((len(ids), 6)) * (5, 3, 1, 0.5, 0.2, 0.1)
    return {e: z @ rotation(6, e) for e in EPOCHS}


def film_of(folder: Folder):
    snapshot = latent_map.look(folder)
    positions = latent_map.lay(folder, snapshot, "z", "pca")
    return latent_film.film(folder, snapshot, positions, "z"), snapshot, positions


def decoded(film) -> np.ndarray:
    return film.xy.astype(float) / FULL * film.half + np.array(film.centre)


def test_a_cloud_that_only_turned_does_not_move(tmp_path, ids, codes):
    film, _, positions = film_of(make(tmp_path, codes, ids))
    assert film.epochs == EPOCHS
    xy = decoded(film)
    assert np.abs(xy - xy[-1]).max() < 2e-3 * np.abs(xy).max()
    assert np.abs(xy[-1] - positions.xy[projections.rows(ids, film.ids)]).max() <= film.half / FULL + 1e-5


def test_what_the_browser_is_sent_is_exact_to_a_thousandth_of_a_pixel(tmp_path, ids, codes):
    film, _, _ = film_of(make(tmp_path, codes, ids))
    sent = film.data()
    assert len(sent["film_frames"]) == len(EPOCHS) * len(film.ids)
    assert sent["film_frames"]["x"].dtype == np.int16
    k = EPOCHS.index(2)
    part = sent["film_frames"].iloc[k * len(film.ids) : (k + 1) * len(film.ids)]
    assert (part["predicted"].to_numpy() == (np.abs(film.ids) + 2) % 10).all()
    assert np.abs(part["sure"].to_numpy() / 255 - 0.82).max() < 0.01
    assert film.half / FULL < 1e-3 * np.ptp(decoded(film)) / 10
    assert sent["film"]["epochs"] == list(EPOCHS)


def test_a_film_turns_with_its_map(tmp_path, ids, codes):
    """Beside another run a map is turned to lie as that does; its film must end where the map is."""
    folder = make(tmp_path, codes, ids)
    other = make(tmp_path, {e: z @ rotation(6, 77) * (1, 1, 1, -1, 1, 1) for e, z in codes.items()}, ids)
    film, snapshot, positions = film_of(folder)
    snapshot2 = latent_map.look(other)
    positions2 = latent_map.lay(other, snapshot2, "z", "pca")
    turned = latent_map.turned(positions2, snapshot2, positions, snapshot)
    film2 = latent_film.film(other, snapshot2, turned, "z")
    assert np.abs(decoded(film2)[-1] - turned.xy[projections.rows(ids, film2.ids)]).max() <= film2.half / FULL + 1e-5
    assert np.abs(decoded(film2) - decoded(film)).max() < 0.01 * film.half
    assert film2.version != latent_film.film(other, snapshot2, positions2, "z").version


def test_only_images_that_every_picture_has_are_in_it(tmp_path, ids, codes):
    folder = make(tmp_path, codes, ids)
    more = np.concatenate([ids, np.arange(200, 260)]).astype(np.int32)
    z = np.random.default_rng(1).standard_normal((len(more), 6))
    q = np.full((len(more), 10), 0.1, np.float16)
    save_file({"id": more, "z": z.astype(np.float32), "q_y": q}, folder.path / "latents" / "0004.safetensors")
    film, _, _ = film_of(folder)
    assert set(film.ids) == set(ids)


def test_a_long_run_is_shown_at_even_steps_and_one_epoch_is_no_film(tmp_path, ids, codes, monkeypatch):
    monkeypatch.setattr(projections, "PICTURES", 3)
    z = codes[0]
    assert projections.film_of(make(tmp_path, dict.fromkeys(range(9), z), ids), 8)[0] == (0, 4, 8)
    assert film_of(make(tmp_path / "one", {3: z}, ids))[0] is None


def test_a_damaged_epoch_is_left_out(tmp_path, ids, codes):
    folder = make(tmp_path, codes, ids)
    (folder.path / "latents" / "0001.safetensors").write_bytes(b"torn")
    assert film_of(folder)[0].epochs == (0, 2, 4)


def test_rows_finds_each_image():
    ids = np.array([5, -3, 0, 9], np.int32)
    assert projections.rows(ids, np.array([9, 5, -3])).tolist() == [3, 0, 1]


@pytest.mark.parametrize("text", ["9", "-1", "4", "99999999999", "1.5", "٣", "x", ""])
def test_an_epoch_from_the_address_is_one_of_the_film_or_none(text, monkeypatch):
    monkeypatch.setattr(latent_film.st, "query_params", {"epoch": text})
    assert latent_film.asked((0, 1, 2, 4)) is None


def test_an_epoch_of_the_film_is_taken_from_the_address(monkeypatch):
    monkeypatch.setattr(latent_film.st, "query_params", {"epoch": "2"})
    assert latent_film.asked((0, 1, 2, 4)) == 2


@pytest.mark.slow
def test_umaps_of_a_film_move_without_rolling(tmp_path):
    """Codes that change a little from epoch to epoch: each picture begins where the one beside it lay."""
    images = data.load("digits")
    ids = np.arange(300, dtype=np.int32)
    x = images.x[:300].reshape(300, -1) / 255.0
    noise = np.random.default_rng(0).standard_normal((3, 300, 6)) * 0.05
    z = (x - x.mean(0)) @ np.linalg.svd(x - x.mean(0), full_matrices=False)[2][:6].T
    codes = {e: z + noise[e] for e in range(3)}
    folder = make(tmp_path, codes, ids)
    assert projections.read_film(folder.path, "z", 2) is None
    projections.make_map(folder.path, "z", 2)
    projections.make_film(folder.path, "z", 2)
    epochs, found, xy = projections.read_film(folder.path, "z", 2)
    assert epochs == (0, 1, 2)
    kept = projections.read_map(folder.path, "z", 2, found)
    assert np.array_equal(xy[-1], kept)  # it ends with the map
    size = np.ptp(kept, 0).mean()
    for one, other in itertools.pairwise(xy):
        step = np.linalg.norm(one - other, axis=1).mean() / size
        assert step < 0.12  # of the picture's width; 0.06 to 0.07 on three processors, 2026-11-24 to 28
        # The rotation that fits one picture best onto the next is none: they do not roll, nor is one mirrored.
        u, _, vt = np.linalg.svd((one - one.mean(0)).T @ (other - other.mean(0)))
        assert np.linalg.det(u @ vt) > 0
        assert abs(np.degrees(np.arctan2(*(u @ vt)[0, ::-1]))) < 15
    assert np.isfinite(xy).all()


def test_a_damaged_film_is_said_to_be(tmp_path, ids, codes):
    folder = make(tmp_path, codes, ids)
    (folder.path / "maps").mkdir()
    path = folder.map_path(4, "z", "film")
    path.write_bytes(b"torn")
    with pytest.raises(LatentError, match="cannot be read"):
        projections.read_film(folder.path, "z", 4)
    save_file({"id": ids, "xy": np.zeros((2, 3, 2), np.float32), "epochs": np.array([0, 4], np.int32)}, path)
    with pytest.raises(LatentError, match="is damaged"):
        projections.read_film(folder.path, "z", 4)
    xy = np.zeros((2, len(ids), 2), np.float32)
    save_file({"id": ids, "xy": xy, "epochs": np.array([0, 9], np.int32)}, path)
    with pytest.raises(LatentError, match="no snapshot is kept"):
        projections.read_film(folder.path, "z", 4)
