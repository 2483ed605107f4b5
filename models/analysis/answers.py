"""What the analyses answer with: plain data classes of arrays and numbers, and what a page must know to ask.

Nothing here loads torch, so that a page can hold an answer that another process has computed (models/analysis/door.py).
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

import data
from models.runs.run import Run

REACH = 3.0  # standard deviations that a plane reaches to each side of its centre
DRAWS = (10, 30, 100)  # to choose from
LEAST = 3  # or there is no telling how much they scatter
# Pixels that are decoded in about a tenth of a second, by `net`.
PIXELS = {"dense": 600_000, "tuned": 600_000, "conv": 100_000}


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

    def at(self, x: float, y: float) -> np.ndarray:
        """The code at x and y standard deviations: float32 (n_z,)."""
        return self.centre + x * self.scale[0] * self.axes[0] + y * self.scale[1] * self.axes[1]


def grid_positions(side: int) -> np.ndarray:
    """Standard deviations (side,) at which pictures of a manifold lie: equal steps through the Gaussian's CDF.

    As in fig. 4 of Kingma & Welling, "Auto-encoding variational Bayes", ICLR 2014: each stands for as many images.
    """
    return np.array([NormalDist().inv_cdf((i + 0.5) / side) for i in range(side)])


@dataclass(frozen=True)
class Decoder:
    """p(x|y,z) as plain matrices: h = relu(W h + b) for each layer but the last, whose sigmoid is the picture.

    The first layer sees [y, z], y one-hot (M1: z alone). Bytes hold W row by row, then b, for one layer after another.
    """

    sizes: tuple[int, ...]  # of [y, z], the hidden layers and the picture
    n_y: int  # 0 for M1
    half: bool  # float16, else float32; little-endian
    weights: bytes


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


def ellipse(mean: np.ndarray, covariance: np.ndarray, by: float = 2.0) -> tuple[float, ...]:
    """(cx, cy, rx, ry, degrees) of the curve `by` standard deviations from the mean of a Gaussian in the plane."""
    values, vectors = np.linalg.eigh(covariance.astype(np.float64))
    long = vectors[:, 1]
    radii = by * np.sqrt(np.maximum(values, 0))
    return float(mean[0]), float(mean[1]), float(radii[1]), float(radii[0]), math.degrees(math.atan2(long[1], long[0]))


@dataclass(frozen=True)
class Flow:
    """One image on its way through a model: what stands at each node of its graph. A method without p(x) has q(y|x)
    alone.

    Axes: a value of the auxiliary variable (the mean of q(a|x), then draws; one entry where there is none), a class of
    `classes` (one entry where the encoder sees none), a dimension.
    """

    q_y: np.ndarray  # float32 (all classes,): q(y|x); of an auxiliary variable the mean over draws
    classes: np.ndarray  # int64 (classes,): those shown: all, or of many the likeliest
    q_y_at: np.ndarray  # float32 (values of a, classes): q(y|a,x), without an a q(y|x)
    entropy: np.ndarray  # float64 (values of a,): of q(y|.), over all classes, nats
    a: np.ndarray  # float32 (values of a, n_a); (1, 0) without one
    a_sd: np.ndarray  # float32 (n_a,): the standard deviation of q(a|x)
    z: np.ndarray | None = None  # float32 (values of a, classes or 1, n_z): the mean of q(z|.)
    z_sd: np.ndarray | None = None  # as z: its standard deviation
    kl: np.ndarray | None = None  # float32 (values of a, classes or 1): KL[q(z|.) ‖ p(z)], nats
    decoded: np.ndarray | None = None  # uint8 (classes or 1, h, w, c): p(x|.) at the mean of z, at the mean of a
    plane: Plane | None = None  # through the codes of all kept images
    dots: np.ndarray | None = None  # int64 (m,): the likeliest class of each of the plane's dots


@dataclass(frozen=True)
class Seen:
    """What a run makes of one image."""

    q_y: np.ndarray  # float32 (classes,), q(y|x); for M1 the calibrated output of its SVM
    codes: dict[str, np.ndarray]  # "z", "a" or "h": float32 (d,), posterior means
    reconstruction: np.ndarray | None  # uint8 (h, w, c), p(x|y,z) of the likeliest class; None if it cannot draw
    classes: np.ndarray | None  # uint8 (classes, h, w, c), the same style as every class
    bound: float | None  # on -log p(x), nats; None of a model without p(x)


@dataclass(frozen=True)
class Bounds:
    """The bounds of n images, each a mean over `draws` draws. `classes` is 1 if the model has no y."""

    terms: dict[str, np.ndarray]  # "reconstruction", "kl_z" and, with y, "prior_y", with a, "kl_a": (n, classes), nats
    L: np.ndarray  # float64 (n, classes), nats: their sum
    spread: np.ndarray  # float64 (n, classes), nats: the standard deviation over draws; of the mean, / sqrt(draws)
    q_y: np.ndarray  # float32 (n, all classes of the data set), what the model says
    draws: int

    @property
    def posterior(self) -> np.ndarray:
        """softmax(-L), (n, classes): the classes as the bounds alone have them."""
        return posterior(self.L)

    @property
    def apart(self) -> np.ndarray:
        """KL[q(y|x) ‖ softmax(-L)] of each image, (n,), nats; the logarithms are those of L, so it is finite."""
        q = self.q_y.astype(np.float64)
        low = self.L.min(-1, keepdims=True)
        log_p = low - self.L - np.log(np.exp(low - self.L).sum(-1, keepdims=True))
        return (q * (np.log(np.maximum(q, 1e-300)) - log_p)).sum(-1).clip(0)


def posterior(L: np.ndarray) -> np.ndarray:
    """softmax(-L) over the last axis of L (..., classes), in nats."""
    p = np.exp(L.min(-1, keepdims=True) - L)
    return p / p.sum(-1, keepdims=True)


def possible_draws(run: Run) -> tuple[int, ...]:
    """The numbers of draws that a page can offer for a run: fewer where images are large or classes many."""
    spec = data.DATASETS[run.dataset]
    most = max(LEAST, PIXELS[run.settings.net] // (spec.n_classes * math.prod(spec.shape)))
    return tuple(n for n in DRAWS if n <= most) or (most,)
