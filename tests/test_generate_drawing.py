"""Moving z: walks end where they say, planes are planes, and the decoder a browser gets is the model's own."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from test_inside import make, weights
from tiny import far

import data
from models.analysis import (
    answers,
    auxiliary_variable,
    decoder_export,
    inference,
    reconstruction,
    snapshots,
    traversals,
)
from models.errors import LatentError, StoreError
from models.nn.settings import Settings
from models.runs.store import Folder
from models.training import snapshot

SETTINGS = Settings(net="dense", n_z=6, n_a=3, hidden=(16, 12), width=4, bf16=False)
CONV = replace(SETTINGS, net="conv")


@pytest.fixture(params=["m1", "m2", "adgm"])
def folder(request, tmp_path) -> Folder:
    return made(tmp_path, request.param)


def made(root: Path, model: str, dataset: str = "digits", settings: Settings = SETTINGS) -> Folder:
    """A run whose weights are far from their start, so that pictures differ and batch norms do something."""
    folder = make(root, model, dataset, settings=settings)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        from models.training.checkpoint import save_tensors

        save_tensors(folder.path / "model.safetensors", far(weights(folder, 0)).state_dict())
    return folder


def codes(folder: Folder, n: int = 400, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A snapshot whose codes have a known shape: class 3 lies off 0, along (1, 1, 0, ...) and dimension 2."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, 6)) * [0.3, 0.3, 0.3, 0.3, 0.02, 0.01]
    k = np.arange(n) % 10
    of = k == 3
    along = np.array([1, 1, 0, 0, 0, 0]) / np.sqrt(2)
    z[of] = [1, 1, 1, 1, 0, 0] + rng.normal(size=(of.sum(), 1)) * 3 * along
    z[of, 2] += 1.5 * rng.normal(size=of.sum())
    z[of] += rng.normal(size=(of.sum(), 6)) * [0.05, 0.05, 0.05, 0.05, 0.02, 0.01]
    q = np.full((n, 10), 0.01, np.float32)
    q[np.arange(n), k] = 0.91
    (folder.path / "latents").mkdir(exist_ok=True)
    z = z.astype(np.float16)
    save_file({"id": np.arange(n, dtype=np.int32), "z": z, "q_y": q}, folder.path / "latents" / "0001.safetensors")
    return z.astype(np.float32), k


# --- walks


def test_a_walk_ends_at_the_two_reconstructions(folder):
    for ids in ((-1, -2), (5, -30), (7, 9)):
        way = traversals.walk(folder, *ids, frames=9)
        swap = inference.swap(folder, ids)
        assert np.array_equal(way.images, swap["image"])
        first, last = swap["reconstruction"].astype(int)
        for row, says in enumerate(way.says):
            if says != "second":
                assert np.abs(way.tiles[row, 0] - first).max() <= 1  # the last bit of a float may round a grey level
            if says in ("changes", "second", "none") or way.q_y[0].argmax() == way.q_y[1].argmax():
                assert np.abs(way.tiles[row, -1] - last).max() <= 1


def test_an_arc_begins_and_ends_exactly_and_keeps_its_length():
    rng = torch.Generator().manual_seed(0)
    for _ in range(20):
        a, b = torch.randn(2, 50, generator=rng)
        way = traversals.arc(a, b, 9)
        assert torch.equal(way[0], a)
        assert torch.equal(way[-1], b)
        assert way.norm(dim=1).min() > 0.95 * min(a.norm(), b.norm())
        assert ((a + b) / 2).norm() < 0.85 * way[4].norm()  # a straight line comes nearer to 0
        swapped = traversals.arc(b, a, 9)
        assert torch.allclose(way, swapped.flip(0), atol=1e-4)


@pytest.mark.parametrize("b", [torch.zeros(4), torch.ones(4), -torch.ones(4)])
def test_an_arc_between_codes_without_an_angle(b):
    a = torch.ones(4)
    way = traversals.arc(a, b, 5)
    assert way.isfinite().all()
    assert torch.equal(way[0], a)
    assert torch.equal(way[-1], b)


def test_what_y_does_on_a_walk(tmp_path):
    folder = made(tmp_path, "m2")
    k = inference.q_y(folder, range(-1, -101, -1)).argmax(1)
    other = int(np.argmax(k != k[0]))
    way = traversals.walk(folder, -1, -1 - other, frames=8)
    assert way.says == ("changes", "first", "second")
    assert way.y.tolist() == [[k[0]] * 4 + [k[other]] * 4, [k[0]] * 8, [k[other]] * 8]
    t = np.linspace(0, 1, 8)[:, None, None, None]
    mean = way.tiles[1] * (1 - t) + way.tiles[2] * t  # of p(x|y,z) where y is the second class with probability t
    assert np.abs(way.tiles[0] - mean).max() <= 1.01  # levels are rounded
    assert np.abs(way.tiles[1] - way.tiles[2].astype(int)).max() > 20
    assert traversals.walk(folder, -1, -1).says == ("first",)
    assert traversals.walk(made(tmp_path, "m1"), -1, -1 - other).says == ("none",)


@pytest.mark.parametrize("ids", [(-501, 0), (0, 1297)])
def test_images_there_are_none_of(folder, ids):
    with pytest.raises(StoreError, match="has no such image"):
        traversals.walk(folder, *ids)


# --- planes


def test_the_directions_of_a_plane(folder):
    z, k = codes(folder)
    plane = traversals.plane(folder, 3)
    assert np.allclose(plane.axes @ plane.axes.T, np.eye(2), atol=1e-6)
    assert abs(plane.axes[0] @ np.array([1, 1, 0, 0, 0, 0]) / np.sqrt(2)) > 0.99
    assert abs(plane.axes[1, 2]) > 0.99
    mine = z[k == 3]
    assert np.allclose(plane.centre, mine.mean(0), atol=1e-5)
    assert np.allclose(plane.scale, ((mine - mine.mean(0)) @ plane.axes.T).std(0), rtol=1e-4)
    assert 0.7 < plane.share[0] < 0.9
    assert plane.n == len(mine)
    assert plane.own
    assert plane.order[-1] == 5
    assert np.allclose(plane.dots.std(0), 1, atol=1e-3)
    signs = plane.axes[[0, 1], np.abs(plane.axes).argmax(1)]
    assert (signs > 0).all()


def test_two_single_dimensions(folder):
    z, k = codes(folder)
    plane = traversals.plane(folder, 3, (4, 1))
    assert np.array_equal(plane.axes, np.eye(6, dtype=np.float32)[[4, 1]])
    assert plane.scale[1] == pytest.approx(z[k == 3, 1].std(), rel=1e-4)
    for wrong in ((1, 1), (0, 6), (-1, 0)):
        with pytest.raises(StoreError, match="not two dimensions of z"):
            traversals.plane(folder, 3, wrong)


def test_the_class_whose_plane_shows_most(folder, monkeypatch):
    _, k = codes(folder)
    found = traversals.most_varied(folder)
    assert (k == found).sum() >= traversals.FEWEST
    whole = traversals.plane

    def flat(*given):
        made = whole(*given)
        return replace(made, scale=made.scale * [1, 0]) if given[1] == found else made

    monkeypatch.setattr(traversals, "plane", flat)
    assert traversals.most_varied(folder) != found  # it would show nothing upwards


def test_a_plane_without_kept_codes_is_that_of_the_prior(folder):
    plane = traversals.plane(folder, 2)
    assert plane.n == 0
    assert traversals.most_varied(folder) == 0
    assert np.array_equal(plane.axes, np.eye(6, dtype=np.float32)[:2])
    if folder.run.model == "m1":
        model = inference.load(folder)
        assert np.allclose(plane.centre, model.class_loc[2])
        assert np.allclose(plane.scale, model.class_scale[2, :2])
    else:
        assert not plane.centre.any()
        assert np.array_equal(plane.scale, [1, 1])


def test_codes_that_are_no_numbers(folder):
    codes(folder)
    path = folder.path / "latents" / "0001.safetensors"
    arrays = snapshots._load(path)
    arrays["z"][0, 0] = np.nan
    save_file(arrays, path)
    with pytest.raises(LatentError, match="diverged"):
        traversals.plane(folder, 3)


def test_a_class_hardly_any_image_is_taken_for(folder):
    codes(folder, n=3)
    plane = traversals.plane(folder, 9)
    assert not plane.own
    assert plane.n == 3


def test_places_are_even_in_the_gaussian():
    at = traversals.grid_positions(15)
    assert at[7] == 0
    assert np.allclose(at, -at[::-1], atol=1e-12)
    cdf = torch.distributions.Normal(0, 1).cdf(torch.tensor(at))
    assert np.allclose(np.diff(cdf), 1 / 15, atol=1e-6)


def test_the_rows_and_the_middle_of_a_manifold(folder):
    codes(folder)
    plane, side = traversals.plane(folder, 3), 5
    sheet = traversals.manifold(folder, 3, plane, side, side)
    assert traversals.manifold(folder, 3, plane, 3, 5).shape[:2] == (3, 5)
    assert sheet.shape == (5, 5, 16, 16, 1)
    at, model = traversals.grid_positions(side), inference.load(folder)

    def alone(x: float, y: float) -> np.ndarray:
        with torch.inference_mode():
            drawn = model.decode(torch.from_numpy(plane.at(x, y).astype(np.float32))[None], torch.tensor([3]))
        return snapshot.to_uint8(drawn)[0].astype(int)

    assert np.abs(sheet[2, 2] - alone(0, 0)).max() <= 1
    assert np.abs(sheet[0, 2] - alone(0, at[4])).max() <= 1  # upwards
    assert np.abs(sheet[2, 4] - alone(at[4], 0)).max() <= 1  # to the right
    assert np.abs(sheet[4, 0] - alone(at[0], at[0])).max() <= 1
    assert np.abs(sheet[0, 2].astype(int) - sheet[4, 2]).max() > 3


def test_a_field_lies_as_the_manifold_does(tmp_path):
    folder = made(tmp_path, "m2", settings=CONV)
    codes(folder)
    plane = traversals.plane(folder, 3)
    start = plane.centre + 2 * plane.axes[0] + np.eye(6, dtype=np.float32)[5]
    field = traversals.field(folder, (3, 8), plane, start, side=3)
    assert field.shape == (2, 3, 3, 16, 16, 1)
    model = inference.load(folder)
    rest = np.eye(6)[5] - plane.axes.T @ (plane.axes @ np.eye(6)[5])  # what of the start lies off the plane stays
    for row, column, x, y in ((0, 0, -3, 3), (1, 1, 0, 0), (2, 1, 0, -3)):
        with torch.inference_mode():
            z = torch.from_numpy((plane.at(x, y) + rest).astype(np.float32))[None]
            alone = snapshot.to_uint8(model.generate(torch.tensor([8]), z))[0]
        assert np.abs(alone.astype(int) - field[1, row, column]).max() <= 1


# --- the decoder


def layers_of(body):
    return reconstruction.folded({name: w.numpy() for name, w in body.state_dict().items()})


@pytest.mark.parametrize("model", ["m1", "m2", "adgm"])
@pytest.mark.parametrize("dataset", ["digits", "cifar10"])
def test_the_folded_decoder_is_the_model(tmp_path, model, dataset):
    """In float64 folding changes nothing but rounding; the module itself computes in float32 (2^-24 a product)."""
    folder = made(tmp_path, model, dataset)
    net, layers = inference.load(folder), layers_of(inference.load(folder).p_x.body)
    z = torch.randn(20, 6, generator=torch.Generator().manual_seed(1)) * 2
    y = torch.arange(20) % 10
    with torch.inference_mode():
        given = (z,) if model == "m1" else (torch.nn.functional.one_hot(y, 10).float(), z)
        mine = reconstruction.forward(layers, torch.cat(given, 1).double().numpy())
        exact = net.double().p_x(*(g.double() for g in given)).mean.flatten(1).numpy()
    net.float()
    assert np.abs(mine - exact).max() < 1e-6  # batch norm's statistics are kept in float32
    assert exact.std() > 0.05


def test_what_the_browser_gets(folder):
    made = decoder_export.decoder(folder)
    n_y = 0 if folder.run.model == "m1" else 10
    assert made.n_y == n_y
    assert made.sizes == (n_y + 6, 16, 12, 256)
    values = np.frombuffer(made.weights, "<f2" if made.half else "<f4").astype(float)
    layers, at = [], 0
    for given, out in zip(made.sizes, made.sizes[1:], strict=False):
        w = values[at : at + given * out].reshape(out, given)
        layers.append((w, values[at + given * out : at + given * out + out]))
        at += given * out + out
    assert at == len(values)
    z = np.random.default_rng(0).normal(size=(30, 6))
    hot = np.eye(10)[np.arange(30) % 10][:, :n_y]
    exact = reconstruction.forward(layers_of(inference.load(folder).p_x.body), np.concatenate([hot, z], 1))
    assert np.abs(reconstruction.forward(layers, np.concatenate([hot, z], 1)) - exact).max() < 1 / 255


def test_weights_too_coarse_in_half_precision_are_sent_whole(tmp_path):
    folder = made(tmp_path, "m2")
    net = inference.load(folder)
    with torch.inference_mode():
        for p in (net.p_x.body.rest[-1].weight, net.p_x.body.rest[0].norm.weight):
            p.mul_(60)
    assert not decoder_export.decoder(folder).half
    with torch.inference_mode():
        net.p_x.body.rest[-1].bias.fill_(float("inf"))
    assert decoder_export.decoder(folder) is None


def test_a_convolutional_decoder_stays_here(tmp_path):
    assert decoder_export.decoder(made(tmp_path, "m2", settings=CONV)) is None


# --- Auxiliary variable a


def test_what_a_tells(tmp_path):
    folder = made(tmp_path, "adgm")
    found = auxiliary_variable.auxiliary(folder, -6, (0, 3, 7), rows=4, draws=30)
    assert found.q_y.shape == (30, 10)
    assert np.allclose(found.q_y.mean(0), found.mean_q_y, atol=1e-6)
    assert found.k == found.mean_q_y.argmax()
    assert found.tiles.shape == (4, 3, 16, 16, 1)
    p, q = found.q_y.astype(float), found.mean_q_y.astype(float)
    assert found.tells == pytest.approx((p * np.log(p / q)).sum(1).mean(), abs=1e-5)
    assert found.open == pytest.approx(-(q * np.log(q)).sum(), abs=1e-5)
    assert 0 <= found.tells <= found.open
    model = inference.load(folder)
    x = torch.from_numpy(data.load("digits").x_test[5:6] / np.float32(255))
    with torch.inference_mode():
        hot = torch.eye(10)[[found.k]]
        q_a = model.q_a(x)
        draws = q_a.sample((20_000,))
        p_a = model.p_a(model.q_z(draws[:1] * 0 + q_a.mean, hot, x).mean[0], hot, x)
        assert p_a.mean.isfinite().all()
        # What the clouds look like in the plane: the draws' own mean and covariance.
        drawn = ((draws[:, 0] - q_a.mean[0]) @ torch.eye(3)).numpy()
    assert np.trace(found.q_a[1]) <= drawn.var(0).sum() * 1.05
    assert np.allclose(found.q_a[0], 0, atol=1e-6)
    again = auxiliary_variable.auxiliary(folder, -6, (0, 3, 7), rows=4, draws=30)
    assert np.array_equal(again.xy, found.xy)


def test_an_a_that_nothing_listens_to(tmp_path):
    folder = made(tmp_path, "adgm")
    model = inference.load(folder)
    with torch.inference_mode():
        model.q_y.body.first.parts[0].weight.zero_()
        model.q_z.body.first.parts[0].weight.zero_()
    found = auxiliary_variable.auxiliary(folder, -1, (0,))
    assert found.tells < 1e-6
    assert not found.moves_y
    assert not found.moves_z
    with torch.inference_mode():
        model.q_y.body.first.parts[0].weight.normal_(std=3)
        model.q_z.body.first.parts[0].weight.normal_(std=3)
    found = auxiliary_variable.auxiliary(folder, -1, (0,))
    assert found.moves_y
    assert found.moves_z


def test_only_adgm_has_an_a(tmp_path):
    with pytest.raises(StoreError, match="has no a"):
        auxiliary_variable.auxiliary(made(tmp_path, "m2"), -1, (0,))


def test_an_ellipse_is_the_curve_it_says():
    turn = np.array([[np.cos(0.5), -np.sin(0.5)], [np.sin(0.5), np.cos(0.5)]])
    cx, cy, rx, ry, degrees = answers.ellipse(np.array([1.0, 2.0]), turn @ np.diag([4.0, 1.0]) @ turn.T)
    assert (cx, cy) == (1, 2)
    assert (rx, ry) == pytest.approx((4, 2))
    assert degrees % 180 == pytest.approx(np.degrees(0.5))
