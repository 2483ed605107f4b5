"""Whether a model is as sure as it should be: how often it is right, where it says how sure it is.

Guo, Pleiss, Sun & Weinberger, "On calibration of modern neural networks", ICML 2017, arXiv:1706.04599. A model is
calibrated if, of all images to which it gives its class with probability p, the share p is classified rightly, eq. 1.
Everything here is of the probabilities q (n, classes) and the true classes y (n,) of one set of images. With no
images every figure is nan.
"""

import math
from dataclasses import dataclass

import numpy as np

from models.analysis import snapshots
from models.runs.store import Folder

BINS = 15  # as Guo et al. have it
Z = 1.959964  # a normal variable stays within so many standard deviations 95 times of 100
LEAST = 2.0**-25  # what q is kept in (float16) calls 0 all that is smaller; its logarithm is taken of this instead


@dataclass(frozen=True)
class Reliability:
    """A reliability diagram. Every array is (bins,); a bin without images has nan for its means and its interval."""

    low: np.ndarray  # a bin holds the confidences in (low, high], the first one 0 as well
    high: np.ndarray
    n: np.ndarray  # int64, images
    right: np.ndarray  # int64, of them classified rightly
    confidence: np.ndarray  # their mean confidence
    accuracy: np.ndarray  # right / n
    least: np.ndarray  # where the accuracy lies, with 95 % confidence: Wilson's interval
    most: np.ndarray

    @property
    def gap(self) -> np.ndarray:
        """|accuracy - confidence| of each bin, 0 where it is empty."""
        return np.nan_to_num(np.abs(self.accuracy - self.confidence))

    @property
    def ece(self) -> float:
        """Expected calibration error, Guo et al., eq. 3: sum over bins of n/N |accuracy - confidence|."""
        return float((self.n * self.gap).sum() / self.n.sum()) if self.n.sum() else math.nan

    @property
    def mce(self) -> float:
        """Maximum calibration error, Guo et al., eq. 5: the largest |accuracy - confidence| of a bin."""
        return float(self.gap.max()) if self.n.sum() else math.nan


@dataclass(frozen=True)
class Scores:
    """How good the probabilities of `n` images are, in numbers."""

    n: int
    right: int
    accuracy: float
    confidence: float  # mean over images
    ece: float  # with bins of equal width
    ece_equal: float  # with bins of equal numbers of images
    mce: float  # with bins of equal width
    chance: float  # the ECE (equal width) that a perfectly calibrated model would show on so many images, about
    brier: float
    nll: float  # nats per image
    cut: int  # images whose true class has a probability too small to be kept


def of_snapshot(folder: Folder, epoch: int) -> tuple[Scores, Reliability, Reliability] | None:
    """Figures, diagram, and diagram with bins of equal numbers, of the test images of a snapshot.

    None if there is no such snapshot, or it holds no q(y|x). Opens the data set. Raises LatentError or DataError.
    """
    of = snapshots.snapshot_images(folder, epoch)
    if of is None or of.q_y is None:
        return None
    test = of.kind == snapshots.TEST
    q, y = of.q_y[test], of.true[test]
    return scores(q, y), reliability(q, y), reliability(q, y, equal=True)


def scores(q: np.ndarray, y: np.ndarray, bins: int = BINS) -> Scores:
    """All figures of q (n, classes) against y (n,)."""
    q = q.astype(np.float64)
    wide = reliability(q, y, bins)
    right = int(wide.right.sum())
    return Scores(
        n=len(q),
        right=right,
        accuracy=right / len(q) if len(q) else math.nan,
        confidence=float(q.max(1).mean()) if len(q) else math.nan,
        ece=wide.ece,
        ece_equal=reliability(q, y, bins, equal=True).ece,
        mce=wide.mce,
        chance=chance(q, bins),
        brier=brier(q, y),
        nll=nll(q, y),
        cut=int((q[np.arange(len(q)), y] < LEAST).sum()),
    )


def reliability(q: np.ndarray, y: np.ndarray, bins: int = BINS, equal: bool = False) -> Reliability:
    """Confidence, the largest of each row of q (n, classes), against accuracy, in bins.

    Bins of equal width on [0, 1], as Guo et al. have them; or with `equal` of equal numbers of images (Nguyen &
    O'Connor, EMNLP 2015), which says more where nearly all images are sure. Images of one confidence share a bin.
    """
    sure = q.max(1).astype(np.float64) if len(q) else np.zeros(0)
    hit = q.argmax(1) == y if len(q) else np.zeros(0, bool)
    edges = equal_edges(sure, bins) if equal else np.arange(bins + 1) / bins
    bin_of = bins_of(sure, edges)
    size = len(edges) - 1
    n = np.bincount(bin_of, minlength=size)
    right = np.bincount(bin_of, hit, size).astype(np.int64)
    some = np.where(n, n, 1)
    empty = n == 0
    mean, accuracy = np.bincount(bin_of, sure, size) / some, right / some
    least, most = wilson(right, n)
    mean[empty] = accuracy[empty] = np.nan
    return Reliability(edges[:-1], edges[1:], n, right, mean, accuracy, least, most)


def bins_of(sure: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """The bin (low, high] of each confidence; the first one takes its lower edge in."""
    return np.clip(np.searchsorted(edges, sure, side="left") - 1, 0, len(edges) - 2)


def equal_edges(sure: np.ndarray, bins: int) -> np.ndarray:
    """Edges from 0 to 1 between bins that hold as many images each as ties allow; fewer bins where many tie."""
    inner = np.sort(sure)[(np.arange(1, bins) * len(sure)) // bins - 1] if len(sure) >= bins else np.sort(sure)
    return np.unique(np.concatenate([[0.0], inner[inner < 1], [1.0]]))


def wilson(right: np.ndarray, n: np.ndarray, z: float = Z) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's interval of a binomial share: `right` of `n`, each (bins,). nan where n is 0."""
    some = np.where(n, n, 1).astype(np.float64)
    p = right / some
    middle = (p + z * z / (2 * some)) / (1 + z * z / some)
    half = z / (1 + z * z / some) * np.sqrt(p * (1 - p) / some + z * z / (4 * some * some))
    least, most = np.clip(middle - half, 0, 1), np.clip(middle + half, 0, 1)
    return np.where(n, least, np.nan), np.where(n, most, np.nan)


def chance(q: np.ndarray, bins: int = BINS) -> float:
    """About the ECE of a model that is calibrated perfectly and has these confidences: what luck alone leaves.

    In a bin of n images the share that is right misses its mean by a normal variable of variance sum p(1-p) / n²,
    whose size is sqrt(2/pi) of its standard deviation on average.
    """
    if not len(q):
        return math.nan
    sure = q.max(1).astype(np.float64)
    variance = np.bincount(bins_of(sure, np.arange(bins + 1) / bins), sure * (1 - sure), bins)
    return float(np.sqrt(2 / np.pi * np.maximum(variance, 0)).sum() / len(q))


def brier(q: np.ndarray, y: np.ndarray) -> float:
    """Mean over images of sum over classes of (q - 1 of the true class)²: from 0, sure and right, to 2 (Brier 1950)."""
    if not len(q):
        return math.nan
    hot = np.zeros(q.shape)
    hot[np.arange(len(q)), y] = 1
    return float(np.square(q - hot).sum(1).mean())


def nll(q: np.ndarray, y: np.ndarray) -> float:
    """Mean of -log q(true class), in nats per image; a probability that float16 cannot hold counts as 2^-25."""
    if not len(q):
        return math.nan
    return float(-np.log(np.maximum(q[np.arange(len(q)), y].astype(np.float64), LEAST)).mean())


def confident_mistakes(q: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Rows of q (n, classes) that are wrong, the surest first."""
    return _surest(q, q.argmax(1) != y)


def unsure_but_right(q: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Rows of q (n, classes) that are right, the least sure first."""
    return _surest(q, q.argmax(1) == y)[::-1]


def _surest(q: np.ndarray, among: np.ndarray) -> np.ndarray:
    rows = np.flatnonzero(among)
    return rows[np.argsort(-q.max(1)[rows], kind="stable")]
