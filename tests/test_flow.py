"""The flow picture: what stands at each node is what the model's own distributions say, to 1e-3."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from test_generate_drawing import SETTINGS, codes, made
from test_inside import make

import data
from models.analysis import door, flow, inference, reconstruction
from models.errors import StoreError
from models.nn import distributions
from models.nn.augment import to_float

CLOSE = 1e-3


@pytest.mark.parametrize(("model", "sees_y"), [("m1", False), ("m2", False), ("m2", True), ("adgm", False)])
def test_every_node_is_the_models_own(tmp_path, model, sees_y):
    folder = made(tmp_path, model, settings=replace(SETTINGS, encoder_sees_y=sees_y))
    codes(folder)
    image = data.pixels(data.load("digits"), [-8])[0]
    found, net = door.ask("flow", folder, image=image), inference.load(folder)
    x = to_float(torch.from_numpy(image[None].copy()))
    hot = torch.eye(10)
    with torch.inference_mode():
        if model == "adgm":
            q_a, a = net.q_a(x), torch.from_numpy(found.a.copy())
            assert np.abs(found.a[0] - q_a.mean[0].numpy()).max() < CLOSE
            assert np.abs(found.a_sd - q_a.stddev[0].numpy()).max() < CLOSE
            assert len(found.a) == 1 + flow.DRAWS
            q_y = torch.cat([net.q_y(one[None], x).probs for one in a])
            q_z = [net.q_z(one.expand(10, -1), hot, x.expand(10, -1, -1, -1)) for one in a]
            assert np.abs(found.q_y - door.ask("q_y", folder, ids=[-8])[0]).max() < CLOSE
        else:
            q_y = net.classify(x).probs
            q_z = [
                net.q_z(x.expand(10, -1, -1, -1), hot)
                if sees_y
                else net.q_z(net.encoder_input(x) if model == "m1" else x)
            ]
            assert np.abs(found.q_y - q_y[0].numpy()).max() < CLOSE
        prior = torch.distributions.Independent(torch.distributions.Normal(torch.zeros(6), 1.0), 1)
        assert np.abs(found.q_y_at - q_y.numpy()).max() < CLOSE
        assert np.abs(found.entropy - q_y.double().xlogy(q_y.double()).sum(-1).neg().numpy()).max() < CLOSE
        assert np.abs(found.z - np.stack([q.mean.numpy() for q in q_z])).max() < CLOSE
        assert np.abs(found.z_sd - np.stack([q.stddev.numpy() for q in q_z])).max() < CLOSE
        kl = np.stack([torch.distributions.kl_divergence(q, prior).numpy() for q in q_z])
        assert np.abs(found.kl - kl).max() < CLOSE * max(1, np.abs(kl).max())
        y = torch.arange(len(found.decoded))
        z = torch.from_numpy(found.z[0].copy()).expand(len(y), -1)
        drawn = (net.p_x(z) if model == "m1" else net.p_x(distributions.one_hot(y, 10), z)).mean
    assert np.abs(found.decoded[..., 0] / 255 - drawn[:, 0].numpy()).max() < 0.5 / 255 + CLOSE
    # What the browser computes from the exported decoder at such a z is the same picture.
    layers = reconstruction.folded({name: w.numpy() for name, w in net.p_x.body.state_dict().items()})
    given = np.concatenate([hot.numpy()[: len(y), : 0 if model == "m1" else 10], z.numpy()], 1)
    assert np.abs(reconstruction.forward(layers, given) - drawn.flatten(1).numpy()).max() < CLOSE
    assert found.plane.n == 400
    assert np.allclose(found.plane.axes @ found.plane.axes.T, np.eye(2), atol=1e-5)
    assert len(found.dots) == len(found.plane.dots)
    chosen = door.ask("flow", folder, image=image, dimensions=(1, 4)).plane
    assert np.array_equal(chosen.axes, np.eye(6)[[1, 4]])


def test_without_a_generative_part_there_is_only_the_class(tmp_path):
    folder = make(tmp_path, "supervised")
    image = data.pixels(data.load("digits"), [3])[0]
    found = door.ask("flow", folder, image=image)
    assert np.array_equal(found.q_y, door.ask("q_y", folder, ids=[3])[0])
    assert (found.z, found.plane, found.decoded, found.a.shape) == (None, None, None, (1, 0))


def test_what_cannot_be_followed_is_said(tmp_path):
    folder = made(tmp_path, "m2")
    image = data.pixels(data.load("digits"), [3])[0]
    with pytest.raises(StoreError, match="not two dimensions of z"):
        door.ask("flow", folder, image=image, dimensions=(0, 6))
    with pytest.raises(StoreError, match="none of Digits"):
        door.ask("flow", folder, image=image[:, 1:])
    assert door.ask("flow", folder, image=image).plane.n == 0  # no codes are kept: the plane is that of p(z)
    one = made(tmp_path, "m2", settings=replace(SETTINGS, n_z=1))
    assert door.ask("flow", one, image=image).plane.axes.tolist() == [[1], [0]]
