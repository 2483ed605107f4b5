"""The support vector machine that reads a class from M1's code (2.1, 3.1), and how sure it is.

scikit-learn's SVC with its usual Gaussian kernel. Its scores become probabilities by one temperature, fitted by
cross-validation on the labelled encodings alone ("SVM, calibrated" wherever they are shown).
What is kept of it are the encodings it was fitted on; fitting again takes a second or two and gives the same machine.
"""

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import SVC

FOLDS = 5
ROWS = 2000  # of the kernel at a time


class SVM:
    """An SVM on encodings z (n, size) with classes y (n,) among `classes`; the same input gives the same machine.

    gamma = 1 / (size * variance): nothing is chosen with labels beyond the budget. The kernel is computed by matrix
    products, which is many times faster than libsvm's own loops.
    """

    def __init__(
        self, z: np.ndarray, y: np.ndarray, classes: int, originals: int | None = None,
        C: float = 10.0, weighed: bool = False,
    ) -> None:  # fmt: skip
        """`originals`: how many rows, the first ones, are images themselves; the others are augmented copies of them.

        `weighed`: distances are between z times its standard deviations over the images, number by number. An axis that
        q(z|x) hardly uses is mostly noise.
        """
        self.z, self.y, self.classes = np.asarray(z, np.float32), np.asarray(y, np.int64), classes
        self.originals = n = len(y) if originals is None else originals
        self.weights = self.z[:n].std(0) if weighed else np.ones_like(self.z[0])
        self.fitted_on = self.z * self.weights
        self.gamma = 1 / (self.z.shape[1] * max(float(self.fitted_on.var()), 1e-12))
        K = self.kernel(self.z)
        self.svc = fitted(K, self.y, C)
        # Copies of a held-out image among the rest would make the machine look surer than it may be.
        self.temperature = temperature(K[:n, :n], self.y[:n], classes, C)

    def kernel(self, z: np.ndarray) -> np.ndarray:
        """exp(-gamma |z - z'|²) for every encoding z and every z' it was fitted on."""
        z, other = z * self.weights, self.fitted_on
        square = (z**2).sum(1)[:, None] + (other**2).sum(1) - 2 * (z @ other.T)
        return np.exp(-self.gamma * np.maximum(square, 0))

    def log_prob(self, *z: np.ndarray) -> np.ndarray:
        """Logarithms of the class probabilities, (n, classes). Of several z of an image the mean score counts."""
        scores = sum(self.scores(np.asarray(one, np.float32)) for one in z) / len(z)
        return log_softmax(scores / self.temperature, axis=1)

    def scores(self, z: np.ndarray) -> np.ndarray:
        """(n, classes)."""
        return np.concatenate([decision(self.svc, self.kernel(z[i : i + ROWS])) for i in range(0, len(z), ROWS)])


def temperature(K: np.ndarray, y: np.ndarray, classes: int, C: float) -> float:
    """The temperature that makes the held-out images likeliest; 1 where a class has a single image."""
    folds = min(FOLDS, np.bincount(y, minlength=classes).min())
    if folds < 2:
        return 1.0
    scores = np.empty((len(y), classes))
    for rest, held in StratifiedKFold(folds, shuffle=True, random_state=0).split(K, y):
        scores[held] = decision(fitted(K[np.ix_(rest, rest)], y[rest], C), K[np.ix_(held, rest)])

    def cost(log_t: float) -> float:
        return -log_softmax(scores / np.exp(log_t), axis=1)[np.arange(len(y)), y].mean()

    return float(np.exp(minimize_scalar(cost, bounds=(-6, 3), method="bounded").x))


def fitted(K: np.ndarray, y: np.ndarray, C: float) -> SVC:
    return SVC(C=C, kernel="precomputed", break_ties=True, cache_size=500).fit(K, y)


def decision(svc: SVC, K: np.ndarray) -> np.ndarray:
    """One score a class, (n, classes)."""
    scores = svc.decision_function(K)
    return np.stack([-scores, scores], 1) / 2 if scores.ndim == 1 else scores
