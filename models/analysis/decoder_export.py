"""The decoder p(x|y,z) as plain matrices, for a browser that computes its pictures itself."""

import numpy as np

from models import MODELS
from models.analysis import inference
from models.analysis.answers import Decoder
from models.analysis.inference import computing
from models.analysis.reconstruction import folded, forward
from models.nn import layers as nn_layers
from models.runs.store import Folder
from models.training import snapshot

HALF_PRECISION_ERROR = 1 / 1020  # of a pixel in [0, 1]: a quarter of a grey level


def decoder(folder: Folder) -> Decoder | None:
    """p(x|y,z) for a browser to run; None if it is convolutional, draws through another latent, or is too wild for
    single precision.

    In half precision where that changes no pixel of a set of test pictures by a quarter of a grey level.
    """
    model = inference.load_generative(folder)
    body = model.p_x.body
    if not isinstance(body, nn_layers.Dense) or MODELS[folder.run.model].draws_through:
        return None
    with computing():
        layers = folded({name: w.numpy() for name, w in body.state_dict().items()})
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
