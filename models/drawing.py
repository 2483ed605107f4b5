"""What one draws by moving z: walks between images, planes through z, the decoder itself, and ADGM's a beside z.

As in models/inside.py a page gets arrays, never tensors, and hears StoreError, LatentError or DataError, a sentence
each. `y` and `z` mean what they mean in the methods; M1 has no y, and its pictures are the means of p(x|z).
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import torch
from torch import Tensor, nn
from torch.distributions import Distribution

from data import DATASETS
from models import MODELS, inside, latents, nets
from models.inside import computing
from models.latents import LatentError
from models.store import Folder, StoreError
from models.vary import images

FRAMES = 49  # pictures of a walk: a slider drawn 500 pixels wide moves by ten from one to the next
SIDE = 15  # pictures along each side of a manifold; odd, so that the middle has one
MOST_SIDE = 25
REACH = 3.0  # standard deviations that a plane reaches to each side of its centre
FEWEST = 3  # images for a plane: fewer have no two directions
DOTS = 400  # codes shown on a plane
FIELD = 11  # pictures along each side of a field that stands in for a decoder a browser cannot run
HALF_PRECISION_ERROR = 1 / 1020  # of a pixel in [0, 1]: a quarter of a grey level
DRAWS = 60  # of a for one image
A_IMAGES, A_DRAWS = 100, 10  # images and draws by which it is judged whether a tells anything


# Walks


@dataclass(frozen=True)
class Walk:
    """From one image to another: z moves along an arc, y is held or changes halfway."""

    images: np.ndarray  # uint8 (2, h, w, c)
    q_y: np.ndarray  # float32 (2, classes)
    y: np.ndarray  # int64 (rows, frames): the class each picture was drawn as; for M1 the class its own code is read as
    tiles: np.ndarray  # uint8 (rows, frames, h, w, c)
    says: tuple[str, ...]  # what y does in each row: "changes", "first", "second" or, for M1, "none"
    read: np.ndarray  # int64 (rows, frames): the likeliest class of q(y|.) when it is shown the picture
    sure: np.ndarray  # float32 (rows, frames): and its probability


def arc(a: Tensor, b: Tensor, n: int) -> Tensor:
    """Codes (n, n_z) from a to b, both exactly, along an arc around the middle of p(z).

    Halfway along a straight line between two unrelated codes |z| is 0.7 of theirs: nearer to 0 than images lie, where
    pictures become an average. Codes that have no angle between them (one is 0) are joined by a straight line.
    """
    if float(a.norm() * b.norm()) < 1e-6:
        way = a + torch.linspace(0, 1, n).unsqueeze(-1) * (b - a)
    else:
        way = inside.walk(a, b, n)
    way[0], way[-1] = a, b
    return way


def walk(folder: Folder, first: int, second: int, frames: int = FRAMES) -> Walk:
    """The walk from image `first` to image `second` (ids: i >= 0 is training image i, -1 - j is test image j).

    The ends are the two reconstructions: p(x|y,z) at the posterior mean of z and the likeliest class.
    """
    shown = inside.pixels(folder, [first, second])
    model = inside.drawing(folder)
    with computing():
        x = images(torch.from_numpy(shown))
        q_y, code = model.classify(x).probs, model.encode(x)["z"]
        z = arc(code[0], code[1], frames)
        a, b = (int(k) for k in q_y.argmax(-1))
        halfway = torch.full((frames,), a)
        halfway[(frames + 1) // 2 :] = b
        held = {"changes": halfway, "first": torch.full((frames,), a), "second": torch.full((frames,), b)}
        if not model.sees_class:
            held = {"none": halfway}
        elif a == b:
            held = {"first": halfway}
        drawn = torch.stack([model.decode(z, y) for y in held.values()])
        seen = model.classify(drawn.flatten(0, 1)).probs.view(*drawn.shape[:2], -1)
        sure, read = seen.max(-1)
        y = torch.stack(list(held.values())) if model.sees_class else read
        return Walk(
            np.moveaxis(shown, 1, -1), q_y.float().numpy(), y.numpy(), inside.to_uint8(drawn),
            tuple(held), read.numpy(), sure.float().numpy(),
        )  # fmt: skip


# Planes through z


@dataclass(frozen=True)
class Plane:
    """Two directions of z through the codes of the images that a run takes for one class."""

    centre: np.ndarray  # float32 (n_z,): the mean of these codes
    axes: np.ndarray  # float32 (2, n_z): orthonormal
    scale: np.ndarray  # float32 (2,): standard deviation of the codes along each
    share: np.ndarray  # float32 (2,): of the codes' variance along each
    dots: np.ndarray  # float32 (m, 2): where these codes lie, in standard deviations
    n: int  # how many images it was made of; 0: none are kept, it is that of p(z)
    own: bool  # whether they are of this class alone; else too few were, and it is made of all
    order: np.ndarray  # int64 (n_z,): dimensions of z, the one that varies most over all kept images first
    spread: np.ndarray  # float32 (n_z,): the standard deviation of each over them, in its own order
    active: int  # how many vary over them: a variance above 0.01

    def at(self, x: float, y: float) -> np.ndarray:
        """The code at x and y standard deviations: float32 (n_z,)."""
        return self.centre + x * self.scale[0] * self.axes[0] + y * self.scale[1] * self.axes[1]


def plane(folder: Folder, k: int, dimensions: tuple[int, int] | None = None) -> Plane:
    """The plane of class k: the two directions of largest variance, or two dimensions of z.

    Of the codes kept after the latest epoch, of the images whose likeliest class is k: neither labels nor the data set
    are needed. Raises LatentError for damaged codes, StoreError for dimensions z does not have.
    """
    inside.known_classes(folder, [k])
    model = inside.drawing(folder)
    n_z = model.n_z
    if n_z < 2:
        raise StoreError(f"z of {folder.id} has one dimension; a plane needs two. Choose another run.")
    if dimensions is not None and (len(set(dimensions)) < 2 or not all(0 <= d < n_z for d in dimensions)):
        raise StoreError(f"{dimensions} are not two dimensions of z. Choose two different ones from 0 to {n_z - 1}.")
    every, of = _codes(folder, n_z)
    own = int((of == k).sum()) >= FEWEST
    z = every[of == k] if own else every
    known = len(z) >= FEWEST
    axes = np.eye(n_z)[list(dimensions or (0, 1))]
    if dimensions is None and known:
        axes = latents.principal(z)[1].T
    if known:
        centre, along = z.mean(0, dtype=np.float64), (z - z.mean(0)) @ axes.T
        variance, spread = along.var(0), every.std(0, dtype=np.float64)
        share = variance / max(float(z.var(0, dtype=np.float64).sum()), 1e-12)
    else:
        centre, spread = (t.double().numpy() for t in model.code_prior(k))
        variance, share, along = ((axes * spread) ** 2).sum(1), np.full(2, 1 / n_z), np.zeros((0, 2))
    # Where codes do not vary at all, a step is one of p(z): else every picture of the plane would be the same place.
    scale = np.where(variance > latents.ACTIVE**2, np.sqrt(variance), 1.0)
    few = np.random.default_rng(0).permutation(len(along))[:DOTS]
    return Plane(
        *(np.asarray(v, np.float32) for v in (centre, axes, scale, share, along[few] / scale)),
        n=len(z) if known else 0, own=own, order=np.argsort(-spread, kind="stable"),
        spread=spread.astype(np.float32), active=int((spread**2 > latents.ACTIVE).sum()),
    )  # fmt: skip


def _codes(folder: Folder, n_z: int) -> tuple[np.ndarray, np.ndarray]:
    """The kept codes (n, n_z) and the likeliest class of each (n,); none, if the run keeps none that fit."""
    snapshot = latents.read(folder.path)
    if snapshot is None or snapshot.q_y is None or snapshot.spaces.get("z", np.empty((0, 0))).shape[1] != n_z:
        return np.empty((0, n_z), np.float32), np.empty(0, int)
    z = snapshot.spaces["z"]
    if not np.isfinite(z).all():
        raise LatentError("Some codes of this run are no numbers: its training has diverged. Choose another run.")
    return z, snapshot.q_y.argmax(1)


def places(side: int) -> np.ndarray:
    """Standard deviations (side,) at which pictures of a manifold lie: equal steps through the Gaussian's CDF.

    As in fig. 4 of Kingma & Welling, "Auto-encoding variational Bayes", ICLR 2014: each stands for as many images.
    """
    return np.array([NormalDist().inv_cdf((i + 0.5) / side) for i in range(side)])


def manifold(folder: Folder, k: int, of: Plane, side: int = SIDE) -> np.ndarray:
    """p(x|y,z) over a plane: uint8 (side, side, h, w, c), to the right along axes[0], upwards along axes[1]."""
    if not 3 <= side <= MOST_SIDE:
        raise StoreError(f"A manifold cannot have {side} pictures a side. Choose 3 to {MOST_SIDE}.")
    inside.known_classes(folder, [k])
    at = places(side)
    z = np.stack([[of.at(x, y) for x in at] for y in at[::-1]]).astype(np.float32)
    model = inside.drawing(folder)
    with computing():
        return inside.to_uint8(model.decode(torch.from_numpy(z), torch.tensor(k)))


def code(folder: Folder, image: int) -> np.ndarray:
    """The posterior mean of z of an image: float32 (n_z,)."""
    return inside.encode(folder, [image])["z"][0]


def style(folder: Folder, seed: int, k: int) -> np.ndarray:
    """A z drawn by a seed, as in column 1 of the class grid; for M1, from the Gaussian of class k. float32 (n_z,)."""
    y = int(inside.known_classes(folder, [k])[0])
    model = inside.drawing(folder)
    with computing():
        z = inside.styles(model, 1, seed)[0]
        loc, scale = model.code_prior(y)
        return (loc + scale * z).numpy().astype(np.float32)


# The decoder itself


@dataclass(frozen=True)
class Decoder:
    """p(x|y,z) as plain matrices: h = relu(W h + b) for each layer but the last, whose sigmoid is the picture.

    The first layer sees [y, z], y one-hot (M1: z alone). Bytes hold W row by row, then b, for one layer after another.
    """

    sizes: tuple[int, ...]  # of [y, z], the hidden layers and the picture
    n_y: int  # 0 for M1
    half: bool  # float16, else float32; little-endian
    weights: bytes


def folded(body: nets.Dense) -> list[tuple[np.ndarray, np.ndarray]]:
    """A dense body as (W (out, in), b (out,)) a layer, float64, its batch norms' running statistics multiplied in."""
    parts = body.first.parts
    w = torch.cat([p.weight for p in parts], 1).double()
    b = sum((p.bias.double() for p in parts if p.bias is not None), torch.zeros(len(w), dtype=torch.float64))
    made = []
    for layer in body.rest:
        if isinstance(layer, nets.Norm):
            norm = layer.norm
            by = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
            w, b = by.unsqueeze(-1) * w, by * (b - norm.running_mean.double()) + norm.bias.double()
        elif isinstance(layer, nn.ReLU):
            made.append((w, b))
        else:
            w = layer.weight.double()
            b = torch.zeros(len(w), dtype=torch.float64) if layer.bias is None else layer.bias.double()
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
    model = inside.drawing(folder)
    body = model.p_x.body
    if not isinstance(body, nets.Dense):
        return None
    with computing():
        layers = folded(body)
        n_y = model.n_y if model.sees_class else 0
        z = inside.styles(model, 8, 0).double().numpy() * 1.5
    hot = np.repeat(np.eye(max(n_y, 1))[:, :n_y], len(z), 0)
    given = np.concatenate([hot, np.tile(z, (max(n_y, 1), 1))], 1)
    if not all(np.isfinite(t.astype(np.float32)).all() for layer in layers for t in layer):
        return None
    exact = forward(layers, given)
    with np.errstate(over="ignore", invalid="ignore"):
        rounded = [(w.astype("<f2").astype(float), b.astype("<f2").astype(float)) for w, b in layers]
        half = bool(np.abs(forward(rounded, given) - exact).max() < HALF_PRECISION_ERROR)
    kind = "<f2" if half else "<f4"
    sizes = (layers[0][0].shape[1], *(len(w) for w, _ in layers))
    return Decoder(sizes, n_y, half, b"".join(t.astype(kind).tobytes() for layer in layers for t in layer))


def field(folder: Folder, classes: tuple[int, ...], of: Plane, start: np.ndarray, side: int = FIELD) -> np.ndarray:
    """Pictures all over a plane, for a browser that cannot run the decoder: uint8 (classes, side, side, h, w, c).

    From -3 to 3 standard deviations in even steps, to the right and upwards, z elsewhere as in `start` (n_z,).
    """
    y = torch.as_tensor(inside.known_classes(folder, classes))
    model = inside.drawing(folder)
    at = np.linspace(-REACH, REACH, side)
    rest = start - of.axes.T @ (of.axes @ (start - of.centre)) - of.centre
    rows = []
    for v in at[::-1]:
        z = np.stack([rest + of.at(u, v) for u in at]).astype(np.float32)
        with computing():  # a row at a time: others draw in between
            drawn = model.decode(torch.from_numpy(z)[None], y.unsqueeze(-1))
            rows.append(inside.to_uint8(drawn))
    return np.stack(rows, 1)


# ADGM's a


@dataclass(frozen=True)
class Auxiliary:
    """Draws of a from q(a|x) for one image, and what follows from each."""

    image: np.ndarray  # uint8 (h, w, c)
    q_y: np.ndarray  # float32 (draws, classes): q(y|a,x) of each
    mean_q_y: np.ndarray  # float32 (classes,): their mean, q(y|x)
    k: int  # the likeliest class
    xy: np.ndarray  # float32 (draws, 2): a in the plane of the two directions in which the draws vary most
    p_a: tuple[np.ndarray, np.ndarray]  # p(a|z,y,x) in that plane: mean float32 (2,), covariance (2, 2)
    q_a: tuple[np.ndarray, np.ndarray]  # q(a|x) in that plane
    tiles: np.ndarray  # uint8 (rows, classes, h, w, c): p(x|z,y) at the mean of q(z|a,y,x), for the first `rows` draws
    shift: np.ndarray  # float32 (draws,): how far z's mean lies from their mean, in standard deviations of q(z|a,y,x)
    tells: float  # nats: what a tells of y for this image, the mean KL of q(y|a,x) from q(y|x)
    open: float  # nats: the entropy of q(y|x), the most that a could tell
    cost: float  # nats: KL[q(a|x) || p(a|z,y,x)] at the likeliest class
    over: int  # images by which a is judged
    tells_over: float  # the means of `tells` and `open` over them
    open_over: float
    shift_over: float  # root mean square of `shift` over them and the dimensions of z

    @property
    def moves_y(self) -> bool:
        """Whether a tells a hundredth of what there is to tell of y, here or over the images, and at all visibly."""
        both = (self.tells, self.open), (self.tells_over, self.open_over)
        return any(told > max(1e-4, 0.01 * most) for told, most in both)

    @property
    def moves_z(self) -> bool:
        """Whether z's mean varies by more than a twentieth of the width of q(z|a,y,x) itself."""
        return max(float(np.sqrt((self.shift**2).mean())), self.shift_over) > 0.05


def auxiliary(folder: Folder, image: int, classes: tuple[int, ...], rows: int = 6, draws: int = DRAWS) -> Auxiliary:
    """What a does for an image of an ADGM run, eqs 18 to 20 and p(a|z,y,x) of 16; the same draws for the same image.

    `classes` are those each of the first `rows` draws is drawn as. Raises StoreError for a run of another model.
    """
    card = MODELS[folder.run.model]
    if not card.auxiliary:
        others = " or ".join(c.title for c in MODELS.values() if c.auxiliary)
        raise StoreError(f"{card.title} has no a. Choose a run of {others}.")
    y = torch.as_tensor(inside.known_classes(folder, classes))
    shown = inside.pixels(folder, [image])
    n_test = DATASETS[folder.run.dataset].n_test
    others = inside.pixels(folder, range(-1, -1 - min(A_IMAGES, n_test), -1))
    model = inside.drawing(folder)
    with computing():
        x = images(torch.from_numpy(shown))
        q_a = model.q_a(x)
        a = q_a.sample((draws,))  # (draws, 1, n_a)
        q_y = model.q_y(a, x)
        mean = nets.categorical_mean(q_y)
        k = int(mean.probs.argmax())
        hot = nets.one_hot(torch.tensor([k]), model.n_y)
        q_z = model.q_z(a, hot, x)
        p_a = model.p_a(q_z.mean.mean(0), hot, x)
        directions = (
            torch.from_numpy(latents.principal(a[:, 0].numpy())[1].T.copy()).float()
            if a.shape[-1] > 1
            else torch.eye(2, 1)
        )
        origin = q_a.mean[0]
        # Each class with the z that q(z|a,y,x) gives it at the likeliest class: only y changes along a row.
        tiles = inside.tiles(model, y, q_z.mean[:rows, 0]).swapaxes(0, 1)
        tells_over, open_over, shift_over = _over(model, images(torch.from_numpy(others)))
    return Auxiliary(
        image=np.moveaxis(shown[0], 0, -1),
        q_y=q_y.probs[:, 0].float().numpy(),
        mean_q_y=mean.probs[0].float().numpy(),
        k=k,
        xy=((a[:, 0] - origin) @ directions.T).numpy(),
        p_a=_seen(p_a, origin, directions),
        q_a=_seen(q_a, origin, directions),
        tiles=tiles,
        shift=_shift(q_z).square().mean(-1).sqrt()[:, 0].numpy(),
        tells=float(_tells(q_y.probs).mean()),
        open=float(mean.entropy()),
        cost=float(torch.distributions.kl_divergence(q_a, p_a)),
        over=len(others),
        tells_over=tells_over,
        open_over=open_over,
        shift_over=shift_over,
    )


def _over(model: nn.Module, x: Tensor) -> tuple[float, float, float]:
    """What a tells of y, how much is open, and how far a moves z: means over images (n, c, h, w)."""
    a = model.q_a(x).sample((A_DRAWS,))
    q_y = model.q_y(a, x).probs
    q_z = model.q_z(a, nets.one_hot(q_y.mean(0).argmax(-1), model.n_y), x)
    mean = q_y.mean(0)
    most = -(mean * mean.clamp_min(1e-30).log()).sum(-1)
    return float(_tells(q_y).mean()), float(most.mean()), float(_shift(q_z).square().mean().sqrt())


def _tells(q_y: Tensor) -> Tensor:
    """The mean over draws of KL[q(y|a,x) || their mean], nats: probabilities (draws, n, classes) to (n,)."""
    log = q_y.clamp_min(1e-30).log()
    return (q_y * (log - q_y.mean(0).clamp_min(1e-30).log())).sum(-1).mean(0)


def _shift(q_z: Distribution) -> Tensor:
    """How far each draw's mean of z lies from the draws' mean, in standard deviations of q(z|.): as q_z.mean."""
    return (q_z.mean - q_z.mean.mean(0)) / q_z.stddev.mean(0).clamp_min(1e-6)


def _seen(p: Distribution, origin: Tensor, directions: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """A diagonal Gaussian (1, size) in a plane: its mean (2,) and covariance (2, 2)."""
    covariance = (directions * p.variance[0]) @ directions.T
    return ((p.mean[0] - origin) @ directions.T).numpy(), covariance.numpy()


def ellipse(mean: np.ndarray, covariance: np.ndarray, by: float = 2.0) -> tuple[float, ...]:
    """(cx, cy, rx, ry, degrees) of the curve `by` standard deviations from the mean of a Gaussian in the plane."""
    values, vectors = np.linalg.eigh(covariance.astype(np.float64))
    long = vectors[:, 1]
    radii = by * np.sqrt(np.maximum(values, 0))
    return float(mean[0]), float(mean[1]), float(radii[1]), float(radii[0]), math.degrees(math.atan2(long[1], long[0]))
