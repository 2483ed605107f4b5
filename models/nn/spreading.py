"""Nearest neighbours of many vectors, a block at a time, and labels that spread along their graph.

Used where an image's class is read from its neighbours: label spreading, and the same on M1's codes.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

NEIGHBOURS = 7  # scikit-learn's own
AT_ONCE = 2_000  # rows of a block: all distances at once would take gigabytes
# Of a vector; up to so many, distances are summed directly, for of near points a matrix product says too little.
FEW_NUMBERS = 25
ALPHA = 0.2  # scikit-learn's own: how much a vector takes from its neighbours, against its own label
MOST_ROUNDS, CLOSE = 5_000, 1e-9
LEAST = 1e-6  # of a class that no label has reached


class Vectors:
    """Vectors (n, size), which `vector` makes of the rows of several arrays or tensors, a block at a time."""

    def __init__(self, parts: Sequence[Any], vector: Callable[[Tensor], Tensor]) -> None:
        self.parts, self.vector = parts, vector

    def __len__(self) -> int:
        return sum(map(len, self.parts))

    def blocks(self, since: int = 0) -> Iterator[tuple[int, Tensor]]:
        """(number of the first row, the block), from that which begins at row `since`."""
        first = 0
        for part in self.parts:
            for i in range(0, len(part), AT_ONCE):
                if first + i >= since:
                    some = part[i : i + AT_ONCE]
                    some = some if isinstance(some, Tensor) else torch.from_numpy(np.array(some))
                    yield first + i, self.vector(some)
            first += len(part)


class Nearest:
    """The k nearest of what was shown so far to each of n vectors."""

    def __init__(self, n: int, k: int, like: Tensor) -> None:
        self.k = k
        self.distances = torch.full((n, k), torch.inf, dtype=like.dtype, device=like.device)
        self.rows = torch.zeros((n, k), dtype=torch.long, device=like.device)

    def show(self, at: int, first: int, distances: Tensor) -> None:
        """Vectors `at` and on have these distances (vectors, others) to the others `first` and on."""
        near = distances.topk(min(self.k, distances.shape[1]), largest=False)
        here = slice(at, at + len(distances))
        both = torch.cat([self.distances[here], near.values], 1)
        best = both.topk(self.k, largest=False)
        self.distances[here] = best.values
        self.rows[here] = torch.cat([self.rows[here], near.indices + first], 1).gather(1, best.indices)


def distances(a: Tensor, b: Tensor) -> Tensor:
    """Euclidean distances (a, b) of vectors."""
    directly = a.shape[1] <= FEW_NUMBERS
    return torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist" if directly else "use_mm_for_euclid_dist")


def neighbours(of: Vectors, k: int = NEIGHBOURS) -> Tensor:
    """The rows (n, k) of the nearest to each vector, itself among them. A distance is computed once for both ends."""
    found: Nearest | None = None
    for at, a in of.blocks():
        found = found or Nearest(len(of), min(k, len(of)), a)
        for first, b in of.blocks(at):
            d = distances(a, b)
            found.show(at, first, d)
            if first > at:
                found.show(first, at, d.T)
    if found is None:
        raise ValueError("There are no vectors to find neighbours among.")
    return found.rows


def spread(near: Tensor, y_l: Tensor, n_y: int, alpha: float) -> Tensor:
    """How much of each class arrives at each vector (n, n_y), of which the first have the classes y_l.

    scikit-learn's LabelSpreading on the graph that its own `knn` kernel makes, which takes minutes where `neighbours`
    takes seconds.
    """
    from scipy.sparse import csr_matrix
    from sklearn.semi_supervised import LabelSpreading  # starts threads: not before a fork

    n, k = near.shape
    graph = csr_matrix((np.ones(n * k), near.cpu().numpy().ravel(), np.arange(0, n * k + 1, k)), (n, n))
    y = np.full(n, -1)
    y[: len(y_l)] = y_l.cpu().numpy()
    machine = LabelSpreading(kernel=lambda a, b: graph, alpha=alpha, max_iter=MOST_ROUNDS, tol=CLOSE)
    machine.fit(np.arange(n, dtype=float)[:, None], y)  # numbers in place of vectors: it asks the graph alone
    shares = torch.zeros(n, n_y, dtype=torch.get_default_dtype())
    shares[:, torch.as_tensor(machine.classes_)] = torch.as_tensor(machine.label_distributions_, dtype=shares.dtype)
    return shares.to(near.device)


def read(x: Tensor, of: Vectors, shares: Tensor, there: Tensor | None = None) -> Tensor:
    """What the nearest of `of` have of each class: probabilities (n, n_y) at vectors x (n, size), as scikit-learn's
    predict_proba has them. `there`: which of `of` count; None: all."""
    found = Nearest(len(x), NEIGHBOURS, x)
    for first, b in of.blocks():
        d = distances(x, b)
        if there is not None:
            d = d.masked_fill(~there[first : first + len(b)], torch.inf)
        found.show(0, first, d)
    known = found.distances.isfinite().unsqueeze(-1)
    arrived = (shares[found.rows] * known).sum(1) + LEAST
    return arrived / arrived.sum(-1, keepdim=True)
