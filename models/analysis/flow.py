"""One image on its way through a model: the distribution at every node of its graph. Plain arrays out (door.py).

The figures are those of the method's own distributions, asked one by one as its graph has them: q(a|x), then q(y|.) and
q(z|.) at values of a, then p(x|.).
"""

from typing import cast

import numpy as np
import torch
from torch import Tensor

from models import MODELS
from models.analysis import inference, own_image, projections, snapshots, traversals
from models.analysis.answers import Flow, Plane
from models.errors import StoreError
from models.methods.method import GenerativeMethod, Method
from models.nn.augment import to_float
from models.nn.kl import kl_standard_normal
from models.runs.store import Folder
from models.training import snapshot

DRAWS = 6  # of the auxiliary variable, beside its mean
MOST = 10  # classes shown


def of_image(folder: Folder, image: np.ndarray, dimensions: tuple[int, int] | None = None) -> Flow:
    """What the latest weights make of an image, uint8 (c, h, w), in a plane of z: PCA, or two dimensions of z.

    The same image and weights give the same draws. Raises StoreError (no weights yet, an image of another data set,
    dimensions that z does not have, a run that has diverged), LatentError or DataError.
    """
    own_image.check(folder, image)
    model = inference.load(folder)
    with inference.computing():
        x = to_float(torch.from_numpy(image[None].copy()))
        q_y = model.classify(x).probs
        k = torch.arange(q_y.shape[-1])
        if len(k) > MOST:
            k = q_y[0].argsort(descending=True, stable=True)[:MOST].sort().values
        found = _labelled(q_y, k) if not MODELS[folder.run.model].draws else _generated(model, x, q_y, k)
    if not all(np.isfinite(v).all() for v in vars(found).values() if isinstance(v, np.ndarray)):
        raise StoreError(
            "What this run makes of the image is no number: its training has diverged. Choose another run."
        )
    if found.z is None:
        return found
    plane, dots = plane_of(folder, found.z.shape[-1], dimensions)
    return Flow(**vars(found) | {"plane": plane, "dots": dots})


def _labelled(q_y: Tensor, k: Tensor) -> Flow:
    return Flow(
        q_y=q_y[0].float().numpy(), classes=k.numpy(), q_y_at=q_y[:, k].float().numpy(), entropy=_entropy(q_y),
        a=np.zeros((1, 0), np.float32), a_sd=np.zeros(0, np.float32),
    )  # fmt: skip


def _generated(of: Method, x: Tensor, q_y: Tensor, k: Tensor) -> Flow:
    model = cast(GenerativeMethod, of)  # as its card says
    q_a = model.auxiliary_posterior(x)
    values = [None] if q_a is None else [q_a.mean, *q_a.sample((DRAWS,))]
    at = torch.cat([q_y if a is None else model.classify_at(x, a).probs for a in values])
    posteriors = [model.posterior(x, k.unsqueeze(-1), a) for a in values]
    z = torch.stack([q.mean.reshape(-1, model.n_z) for q in posteriors])  # (values of a, classes or 1, n_z)
    drawn = model.decode(z[0], k if model.sees_class else k[:1])
    return Flow(
        q_y=q_y[0].float().numpy(),
        classes=k.numpy(),
        q_y_at=at[:, k].float().numpy(),
        entropy=_entropy(at),
        a=np.zeros((1, 0), np.float32) if q_a is None else torch.cat(cast(list[Tensor], values)).float().numpy(),
        a_sd=np.zeros(0, np.float32) if q_a is None else q_a.stddev[0].float().numpy(),
        z=z.float().numpy(),
        z_sd=torch.stack([q.stddev.reshape(-1, model.n_z) for q in posteriors]).float().numpy(),
        kl=torch.stack([kl_standard_normal(q).reshape(-1) for q in posteriors]).float().numpy(),
        decoded=snapshot.to_uint8(drawn),
    )


def _entropy(q_y: Tensor) -> np.ndarray:
    """Nats (n,) of probabilities (n, classes)."""
    return snapshots.entropy(q_y.double().numpy())


def plane_of(folder: Folder, n_z: int, dimensions: tuple[int, int] | None = None) -> tuple[Plane, np.ndarray]:
    """A plane through the kept codes of all images: the first two of their PCA, or two dimensions of z.

    Dimensions of z are seen from 0, a PCA from the mean of the codes. Two dimensions of z, or one, are shown as they
    are. With it, the likeliest class of each dot, int64 (m,). Where a run keeps no codes, the plane is that of p(z).
    Raises as `of_image`.
    """
    if dimensions is not None and (len(set(dimensions)) < 2 or not all(0 <= d < n_z for d in dimensions)):
        raise StoreError(f"{dimensions} are not two dimensions of z. Choose two different ones from 0 to {n_z - 1}.")
    every, of = traversals.kept_codes(folder, n_z)
    known = len(every) >= traversals.FEWEST
    axes = np.eye(max(2, n_z))[list(dimensions or (0, 1)), :n_z]
    centre, spread = np.zeros(n_z), np.ones(n_z)
    if known:
        spread = every.std(0, dtype=np.float64)
        if dimensions is None and n_z > 2:
            centre, directions = projections.principal(every)
            axes = directions.T
    along = (every - centre) @ axes.T
    variance = along.var(0) if known else np.ones(2)
    # One unit is at least a standard deviation of p(z): where codes vary less, q(z|.) is about as wide as p(z).
    scale = np.maximum(np.sqrt(variance), 1.0)
    few = np.random.default_rng(0).permutation(len(along))[: traversals.DOTS]
    share = variance / max(float((spread**2).sum()), 1e-12)
    plane = Plane(
        *(np.asarray(v, np.float32) for v in (centre, axes, scale, share, along[few] / scale)),
        n=len(every) if known else 0, own=False, order=np.argsort(-spread, kind="stable"),
        spread=spread.astype(np.float32),
    )  # fmt: skip
    return plane, of[few].astype(np.int64)
