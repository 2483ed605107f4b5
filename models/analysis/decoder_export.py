"""The decoder p(x|y,z) as plain matrices, for a browser that computes its pictures itself."""

from typing import Any, cast

import numpy as np
import torch
from torch import nn

from models.analysis import inference
from models.analysis.answers import Decoder
from models.analysis.inference import computing
from models.nn import layers as nn_layers
from models.runs.store import Folder
from models.training import snapshot

HALF_PRECISION_ERROR = 1 / 1020  # of a pixel in [0, 1]: a quarter of a grey level


def folded(body: nn_layers.Dense) -> list[tuple[np.ndarray, np.ndarray]]:
    """A dense body as (W (out, in), b (out,)) a layer, float64, its batch norms' running statistics multiplied in."""
    parts = [cast(nn.Linear, part) for part in body.first.parts]
    w = torch.cat([p.weight for p in parts], 1).double()
    b = sum((p.bias.double() for p in parts if p.bias is not None), torch.zeros(len(w), dtype=torch.float64))
    made = []
    for layer in body.rest:
        if isinstance(layer, nn_layers.Norm):
            norm: Any = layer.norm
            by = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
            w, b = by.unsqueeze(-1) * w, by * (b - norm.running_mean.double()) + norm.bias.double()
        elif isinstance(layer, nn.ReLU):
            made.append((w, b))
        else:
            linear = cast(nn.Linear, layer)
            w = linear.weight.double()
            b = torch.zeros(len(w), dtype=torch.float64) if linear.bias is None else linear.bias.double()
    return [(w.detach().numpy(), b.detach().numpy()) for w, b in [*made, (w, b)]]


def forward(layers: list[tuple[np.ndarray, np.ndarray]], h: np.ndarray) -> np.ndarray:
    """What such layers make of inputs h (n, size): pixels in [0, 1], (n, pixels)."""
    for w, b in layers[:-1]:
        h = np.maximum(h @ w.T + b, 0)
    w, b = layers[-1]
    return 0.5 * (1 + np.tanh((h @ w.T + b) / 2))  # the sigmoid, without overflow


def decoder(folder: Folder) -> Decoder | None:
    """p(x|y,z) for a browser to run; None if it is convolutional, or too wild for single precision.

    In half precision where that changes no pixel of a set of test pictures by a quarter of a grey level.
    """
    model = inference.load_generative(folder)
    body = model.p_x.body
    if not isinstance(body, nn_layers.Dense):
        return None
    with computing():
        layers = folded(body)
        n_y = model.n_y if model.sees_class else 0
        z = snapshot.styles(model, 8, 0).double().numpy() * 1.5
    hot = np.repeat(np.eye(max(n_y, 1))[:, :n_y], len(z), 0)
    inputs = np.concatenate([hot, np.tile(z, (max(n_y, 1), 1))], 1)
    if not all(np.isfinite(t.astype(np.float32)).all() for layer in layers for t in layer):
        return None
    exact = forward(layers, inputs)
    with np.errstate(over="ignore", invalid="ignore"):
        rounded = [(w.astype("<f2").astype(float), b.astype("<f2").astype(float)) for w, b in layers]
        half = bool(np.abs(forward(rounded, inputs) - exact).max() < HALF_PRECISION_ERROR)
    kind = "<f2" if half else "<f4"
    sizes = (layers[0][0].shape[1], *(len(w) for w, _ in layers))
    return Decoder(sizes, n_y, half, b"".join(t.astype(kind).tobytes() for layer in layers for t in layer))
