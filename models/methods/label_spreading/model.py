"""Label spreading: labels run along the graph of nearest neighbours, those of the unlabelled points included.

Zhou, Bousquet, Lal, Weston & Schölkopf, "Learning with local and global consistency", NIPS 2003; scikit-learn's
LabelSpreading with its `knn` kernel (7 neighbours). alpha is .99, as in Zhou et al., and the sum is carried to its end:
with scikit-learn's own .2 and 1e-3 it stops after five rounds, before the labels have come far (docs/LOG.md).
Not in the paper. It stands beside the methods because it needs no network and no training, and does what the others
have to learn: follow the points.

No test point is in the graph. One is classified by its nearest neighbours among the training points.
"""

import numpy as np
import torch
from torch import Tensor
from torch.distributions import Categorical

from models.methods.method import Method
from models.nn.augment import to_float
from models.nn.settings import Settings
from models.nn.shapes import Images, Labels, Scalar, Unlabelled

NEIGHBOURS = 7  # scikit-learn's own
ALPHA = 0.99
MOST_ROUNDS, CLOSE = 5_000, 1e-9
LEAST = 1e-6  # of a class that no label has reached


class LabelSpreading(Method):
    """It minimises nothing; `fit` solves the graph of the labelled and the unlabelled points."""

    def __init__(self, n_y: int, settings: Settings | None = None) -> None:
        super().__init__()
        self.n_y = n_y
        self.settings = settings or Settings()
        self.x_u: Tensor | None = None
        self.x: Tensor | None = None  # (n, ...): the training points
        self.shares: Tensor | None = None  # (n, n_y): of each class at each of them

    @classmethod
    def build(cls, shape: tuple[int, ...], n_y: int, s: Settings) -> "LabelSpreading":
        return cls(n_y, s)

    def terms(self, x_l: Images, y_l: Labels, x_u: Unlabelled, alpha: float) -> dict[str, Scalar]:
        """None: nothing is minimised step by step."""
        return {}

    def see_unlabelled(self, x: Tensor) -> None:
        self.x_u = to_float(x)

    def fit(self, x_l: Images, y_l: Labels) -> None:
        """Let the labels spread."""
        from sklearn.semi_supervised import LabelSpreading as Machine  # starts threads: not before a fork

        if self.x_u is None:
            raise RuntimeError("Label spreading needs the unlabelled points before `fit`: call `see_unlabelled`.")
        self.x = torch.cat([x_l, self.x_u])
        y = np.concatenate([y_l.cpu().numpy(), np.full(len(self.x_u), -1)])
        machine = Machine(kernel="knn", n_neighbors=NEIGHBOURS, alpha=ALPHA, max_iter=MOST_ROUNDS, tol=CLOSE)
        machine.fit(self.x.flatten(1).cpu().numpy(), y)
        self.shares = torch.as_tensor(machine.label_distributions_, dtype=self.x.dtype, device=self.x.device)

    def classify(self, x: Images) -> Categorical:
        """The mean of what its nearest training points have, as scikit-learn's predict_proba."""
        if self.x is None or self.shares is None:
            raise RuntimeError("Label spreading cannot classify before `fit`.")
        flat = x.reshape(-1, *self.x.shape[1:]).flatten(1)
        near = torch.cdist(flat, self.x.flatten(1)).topk(NEIGHBOURS, largest=False).indices
        shares = self.shares[near].sum(1) + LEAST
        return Categorical(probs=shares.view(*x.shape[: x.dim() - self.x.dim() + 1], self.n_y), validate_args=False)

    def extra_files(self) -> dict[str, dict[str, Tensor]]:
        if self.x is None or self.shares is None:
            return {}
        return {"spreading.safetensors": {"x": self.x.contiguous(), "shares": self.shares.contiguous()}}

    def load_extra(self, name: str, tensors: dict[str, Tensor]) -> None:
        x, shares = tensors["x"], tensors["shares"]
        if len(x) != len(shares) or shares.shape[1:] != (self.n_y,):
            raise ValueError(f"{name} holds {tuple(x.shape)} points and {tuple(shares.shape)} shares.")
        self.x, self.shares = x, shares
