"""What a run draws at the code of a snapshot image, p(x|y,z), computed from its weights without torch.

Of dense decoders, which all of the tuned preset are: a few products of small matrices, under a millisecond. So a page
can show an image's reconstruction while the run trains, and neither loads torch nor takes a core from it for long.
"""

import re
from collections.abc import Mapping

import numpy as np
from safetensors import SafetensorError, safe_open

from data import DATASETS
from models import MODELS
from models.analysis import snapshots
from models.errors import StoreError
from models.runs.records import check_tensors
from models.runs.store import Folder

BODY = "p_x.body."  # the names of the decoder's weights begin so
EPS = 1e-5  # torch's own, of a batch norm
Layers = list[tuple[np.ndarray, np.ndarray]]  # W (out, in) and b (out,) of each


def folded(body: Mapping[str, np.ndarray]) -> Layers:
    """The weights of a `Dense` body, by their names, a layer each in float64, the running statistics of its batch norms
    multiplied in."""
    body = {name: np.asarray(w, np.float64) for name, w in body.items()}
    parts = [body[f"first.parts.{i}.weight"] for i in range(sum(bool(PART.fullmatch(name)) for name in body))]
    w = np.concatenate(parts, 1)
    b = body.get("first.parts.0.bias", np.zeros(len(w)))
    made = []
    for i in sorted({int(name.split(".")[1]) for name in body if name.startswith("rest.")}):
        if f"rest.{i}.norm.weight" in body:
            scale, shift, mean, var = (
                body[f"rest.{i}.norm.{name}"] for name in ("weight", "bias", "running_mean", "running_var")
            )
            by = scale / np.sqrt(var + EPS)
            w, b = by[:, None] * w, by * (b - mean) + shift
        else:
            made.append((w, b))
            w = body[f"rest.{i}.weight"]
            b = body.get(f"rest.{i}.bias", np.zeros(len(w)))
    return [*made, (w, b)]


PART = re.compile(r"first\.parts\.\d+\.weight")


def forward(layers: Layers, h: np.ndarray) -> np.ndarray:
    """What such layers make of inputs h (n, size): pixels in [0, 1], (n, pixels)."""
    for w, b in layers[:-1]:
        h = np.maximum(h @ w.T + b, 0)
    w, b = layers[-1]
    return 0.5 * (1 + np.tanh((h @ w.T + b) / 2))  # the sigmoid, without overflow


def of_kept(folder: Folder, epoch: int, id: int) -> np.ndarray:
    """The image `id` as the run draws it anew, uint8 (h, w, c): at its code after `epoch`, as its likeliest class.

    Raises StoreError where there is none: a method without p(x), a convolutional decoder, an image that was not kept.
    """
    run, card = folder.run, MODELS[folder.run.model]
    if card.generative is None:
        raise StoreError(f"{card.title} has no p(x|·), so it reconstructs nothing.")
    if card.draws_through:
        raise StoreError(f"{card.title} draws through {card.inner}: its reconstructions are on Draw and Compare.")
    snapshot = snapshots.read(folder.path, epoch)
    rows = np.flatnonzero(snapshot.ids == id) if snapshot else []
    if snapshot is None or snapshot.q_y is None or not len(rows) or "z" not in snapshot.spaces:
        raise StoreError("This run keeps no code of this image.")
    layers = folded(weights(folder))
    z, spec = snapshot.spaces["z"][rows[0]].astype(np.float64), DATASETS[run.dataset]
    hot = np.eye(spec.n_classes)[int(snapshot.q_y[rows[0]].argmax())]
    given = np.concatenate([hot, z]) if card.generative.sees_class else z
    if layers[0][0].shape[1] != len(given) or len(layers[-1][0]) != np.prod(spec.shape):
        raise StoreError("The snapshot of this run and its weights do not fit together. Train it again.")
    pixels = forward(layers, given[None])[0].reshape(spec.shape)
    return np.moveaxis(np.round(255 * np.nan_to_num(pixels)).astype(np.uint8), 0, -1)


def weights(folder: Folder) -> dict[str, np.ndarray]:
    """The weights of a run's dense decoder, by their names below `BODY`. Raises StoreError."""
    path = folder.path / "model.safetensors"
    try:
        names = [name for name in check_tensors(path, empty=True) if name.startswith(BODY)]
        if not any(PART.fullmatch(name.removeprefix(BODY)) for name in names) or any(".up." in name for name in names):
            raise StoreError("Its decoder is convolutional: its reconstructions are on Draw and Compare.")
        with safe_open(path, "numpy") as file:
            return {name.removeprefix(BODY): file.get_tensor(name) for name in names}
    except (OSError, SafetensorError, ValueError, TypeError) as e:
        raise StoreError(f"{path} cannot be read, so nothing can be drawn from this run.") from e
