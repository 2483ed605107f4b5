"""What one draws by moving z: walks between images, planes through z, the decoder itself, and ADGM's a beside z.

As in models/analysis/inference.py a page gets arrays, never tensors, and hears StoreError, LatentError or DataError, a
sentence each. `y` and `z` mean what they mean in the methods; M1 has no y, and its pictures are the means of p(x|z).
"""

import numpy as np
import torch
from torch import Tensor

from models.analysis import inference, projections, snapshots
from models.analysis.answers import REACH, Plane, Walk, grid_positions
from models.analysis.inference import computing
from models.errors import LatentError, StoreError
from models.nn.augment import to_float
from models.runs.store import Folder
from models.training import snapshot

FRAMES = 49  # pictures of a walk: a slider drawn 500 pixels wide moves by ten from one to the next
SIDE = 15  # pictures along each side of a manifold; odd, so that the middle has one
MOST_SIDE = 45
FEWEST = 3  # images for a plane: fewer have no two directions
DOTS = 400  # codes shown on a plane
FIELD = 11  # pictures along each side of a field that stands in for a decoder a browser cannot run
A_IMAGES, A_DRAWS = 100, 10  # images and draws by which it is judged whether a tells anything


# Walks


def arc(a: Tensor, b: Tensor, n: int) -> Tensor:
    """Codes (n, n_z) from a to b, both exactly, along an arc around the middle of p(z).

    Halfway along a straight line between two unrelated codes |z| is 0.7 of theirs: nearer to 0 than images lie, where
    pictures become an average. Codes that have no angle between them (one is 0) are joined by a straight line.
    """
    if float(a.norm() * b.norm()) < 1e-6:
        way = a + torch.linspace(0, 1, n).unsqueeze(-1) * (b - a)
    else:
        way = inference.walk(a, b, n)
    way[0], way[-1] = a, b
    return way


def walk(folder: Folder, first: int, second: int, frames: int = FRAMES) -> Walk:
    """The walk from image `first` to image `second` (ids: i >= 0 is training image i, -1 - j is test image j).

    The ends are the two reconstructions: p(x|y,z) at the posterior mean of z and the likeliest class.
    """
    shown = inference.pixels(folder, [first, second])
    model = inference.load_generative(folder)
    with computing():
        x = to_float(torch.from_numpy(shown))
        classes, codes = model.classify_and_encode(x)
        q_y, code = classes.probs, codes["z"]
        z = arc(code[0], code[1], frames)
        a, b = (int(k) for k in q_y.argmax(-1))
        stays = {says: torch.full((frames,), k) for says, k in (("first", a), ("second", b))}
        if not model.sees_class:
            held = {"none": stays["first"]}
        elif a == b:
            held = {"first": stays["first"]}
        else:
            held = stays
        drawn = torch.stack([model.decode(z, y) for y in held.values()])
        if len(held) == 2:
            # The mean of x where y is b with probability t and else a: with one class at a time it would jump.
            t = torch.linspace(0, 1, frames)
            mean = torch.lerp(drawn[0], drawn[1], t.view(-1, 1, 1, 1))
            drawn = torch.cat([mean[None], drawn])
            held = {"changes": torch.where(t < 0.5, held["first"], held["second"])} | held
        seen = model.classify(drawn.flatten(0, 1)).probs.view(*drawn.shape[:2], -1)
        sure, read = seen.max(-1)
        y = torch.stack(list(held.values())) if model.sees_class else read
        return Walk(
            np.moveaxis(shown, 1, -1), q_y.float().numpy(), y.numpy(), snapshot.to_uint8(drawn),
            tuple(held), read.numpy(), sure.float().numpy(),
        )  # fmt: skip


# Planes through z


def plane(folder: Folder, k: int, dimensions: tuple[int, int] | None = None) -> Plane:
    """The plane of class k: the two directions of largest variance, or two dimensions of z.

    Of the codes kept after the latest epoch, of the images whose likeliest class is k: neither labels nor the data set
    are needed. Raises LatentError for damaged codes, StoreError for dimensions z does not have.
    """
    inference.known_classes(folder, [k])
    model = inference.load_generative(folder)
    n_z = model.n_z
    if n_z < 2:
        raise StoreError(f"z of {folder.id} has one dimension; a plane needs two. Choose another run.")
    if dimensions is not None and (len(set(dimensions)) < 2 or not all(0 <= d < n_z for d in dimensions)):
        raise StoreError(f"{dimensions} are not two dimensions of z. Choose two different ones from 0 to {n_z - 1}.")
    every, of = kept_codes(folder, n_z)
    own = int((of == k).sum()) >= FEWEST
    z = every[of == k] if own else every
    known = len(z) >= FEWEST
    axes = np.eye(n_z)[list(dimensions or (0, 1))]
    if dimensions is None and known:
        axes = projections.principal(z)[1].T
    if known:
        centre, along = z.mean(0, dtype=np.float64), (z - z.mean(0)) @ axes.T
        variance, spread = along.var(0), every.std(0, dtype=np.float64)
        share = variance / max(float(z.var(0, dtype=np.float64).sum()), 1e-12)
    else:
        centre, spread = (t.double().numpy() for t in model.code_prior(k))
        variance, share, along = ((axes * spread) ** 2).sum(1), np.full(2, 1 / n_z), np.zeros((0, 2))
    # Where codes do not vary at all, a step is one of p(z): else every picture of the plane would be the same place.
    scale = np.where(variance > snapshots.ACTIVE**2, np.sqrt(variance), 1.0)
    few = np.random.default_rng(0).permutation(len(along))[:DOTS]
    return Plane(
        *(np.asarray(v, np.float32) for v in (centre, axes, scale, share, along[few] / scale)),
        n=len(z) if known else 0, own=own, order=np.argsort(-spread, kind="stable"),
        spread=spread.astype(np.float32),
    )  # fmt: skip


def most_varied(folder: Folder) -> int:
    """The class whose plane shows most: its pictures differ most along the direction in which they differ less.

    0 where no class has codes enough for a plane of its own.
    """
    model = inference.load_generative(folder)
    _, of = kept_codes(folder, model.n_z)
    varies = {}
    for k in sorted({*of.tolist()}):
        if (made := plane(folder, k)).own and made.n:
            z = np.stack([made.at(x, y) for x in (-1, 0, 1) for y in (-1, 0, 1)]).astype(np.float32)
            with computing():
                drawn = model.decode(torch.from_numpy(z), torch.full((len(z),), k)).float().unflatten(0, (3, 3))
            varies[k] = min(float(drawn.var(d).mean()) for d in (0, 1))
    return max(varies, key=varies.__getitem__, default=0)


def kept_codes(folder: Folder, n_z: int) -> tuple[np.ndarray, np.ndarray]:
    """The kept codes (n, n_z) and the likeliest class of each (n,); none, if the run keeps none that fit."""
    snapshot = snapshots.read(folder.path)
    if snapshot is None or snapshot.q_y is None or snapshot.spaces.get("z", np.empty((0, 0))).shape[1] != n_z:
        return np.empty((0, n_z), np.float32), np.empty(0, int)
    z = snapshot.spaces["z"]
    if not np.isfinite(z).all():
        raise LatentError("Some codes of this run are no numbers: its training has diverged. Choose another run.")
    return z, snapshot.q_y.argmax(1)


def manifold(folder: Folder, k: int, of: Plane, rows: int = SIDE, columns: int = SIDE) -> np.ndarray:
    """p(x|y,z) over a plane: uint8 (rows, columns, h, w, c), to the right along axes[0], upwards along axes[1]."""
    for n in (rows, columns):
        if not 3 <= n <= MOST_SIDE:
            raise StoreError(f"A manifold cannot have {n} pictures a side. Choose 3 to {MOST_SIDE}.")
    inference.known_classes(folder, [k])
    across, up = grid_positions(columns), grid_positions(rows)[::-1]
    z = np.stack([[of.at(x, y) for x in across] for y in up]).astype(np.float32)
    model = inference.load_generative(folder)
    with computing():
        return snapshot.to_uint8(model.decode(torch.from_numpy(z), torch.tensor(k)))


def code(folder: Folder, image: int) -> np.ndarray:
    """The posterior mean of z of an image: float32 (n_z,)."""
    inference.load_generative(folder)  # says of a run without p(x|z) that it has no z
    return inference.encode(folder, [image])["z"][0]


def style(folder: Folder, seed: int, k: int) -> np.ndarray:
    """A z drawn by a seed, as in column 1 of the class grid; for M1, from the Gaussian of class k. float32 (n_z,)."""
    y = int(inference.known_classes(folder, [k])[0])
    model = inference.load_generative(folder)
    with computing():
        z = snapshot.styles(model, 1, seed)[0]
        loc, scale = model.code_prior(y)
        return (loc + scale * z).numpy().astype(np.float32)


def field(folder: Folder, classes: tuple[int, ...], of: Plane, start: np.ndarray, side: int = FIELD) -> np.ndarray:
    """Pictures all over a plane, for a browser that cannot run the decoder: uint8 (classes, side, side, h, w, c).

    From -3 to 3 standard deviations in even steps, to the right and upwards, z elsewhere as in `start` (n_z,).
    """
    y = torch.as_tensor(inference.known_classes(folder, classes))
    model = inference.load_generative(folder)
    at = np.linspace(-REACH, REACH, side)
    rest = start - of.axes.T @ (of.axes @ (start - of.centre)) - of.centre
    rows = []
    for v in at[::-1]:
        z = np.stack([rest + of.at(u, v) for u in at]).astype(np.float32)
        with computing():  # a row at a time: others draw in between
            drawn = model.decode(torch.from_numpy(z)[None], y.unsqueeze(-1))
            rows.append(snapshot.to_uint8(drawn))
    return np.stack(rows, 1)
