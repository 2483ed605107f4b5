"""How well a model explains an image as each of its classes: L(x, y) for every y, in nats, lower being better.

Since -L(x, y) <= log p(x, y), Bayes' rule gives a posterior over classes that needs no classifier:

    p(y|x) = p(x, y) / sum over y' of p(x, y')     and     p(x, y) >= exp(-L(x, y)),
    so      softmax(-L)(y) = exp(-L(x, y)) / sum over y' of exp(-L(x, y'))  stands for it.

It would be p(y|x) itself if every bound were equally far from its log p(x, y). It is also the q(y|x) at which U of
(6) is smallest, for  U(x) = sum over y of q(y) (L(x, y) + log q(y)) = KL[q ‖ softmax(-L)] - log sum exp(-L(x, y)).
So how far q(y|x) lies from it is what the classifier wastes of the bound; and -U(x) <= log sum exp(-L(x, y)).
For ADGM that holds with q(y|a,x) in place of q(y|x), at each draw of a.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from models import MODELS
from models.analysis import inference
from models.analysis.answers import Bounds
from models.errors import StoreError
from models.methods.method import GenerativeMethod
from models.nn.augment import to_float
from models.runs.store import Folder

DRAWS = 16
MOST_DRAWS = 256
AT_ONCE = 1600  # pairs of a draw and a class that are decoded together: more would not fit into the caches


def of_classes(folder: Folder, ids: Sequence[int], draws: int = DRAWS) -> Bounds:
    """L(x, y) of (6), for ADGM of (21), for every class y of the images `ids` of a run of M2 or ADGM, latest weights.

    All classes share the draws that do not depend on y: z of q(z|x), and ADGM's a; not z of q(z|x,y) or q(z|a,y,x).
    Where two classes lie within the error of the mean, spread / sqrt(draws), their order is chance.
    Raises StoreError (no weights, no such image, a model without y) or DataError.
    """
    card = MODELS[folder.run.model]
    if not (card.generative and card.generative.class_bound):
        others = " or ".join(c.title for c in MODELS.values() if c.generative and c.generative.class_bound)
        raise StoreError(f"{card.title} has no p(x, y), so it has no bound for a class. Choose a run of {others}.")
    return _bounds(folder, ids, draws)


def of_images(folder: Folder, ids: Sequence[int], draws: int = DRAWS) -> Bounds:
    """The bound of (3) on -log p(x) for the images `ids` of a run of M1, as one class. Raises as `of_classes`."""
    card = MODELS[folder.run.model]
    if not card.generative or card.generative.sees_class:
        others = " or ".join(c.title for c in MODELS.values() if c.generative and not c.generative.sees_class)
        raise StoreError(f"{card.title} has no bound of eq. 3. Choose a run of {others}.")
    return _bounds(folder, ids, draws)


def _bounds(folder: Folder, ids: Sequence[int], draws: int) -> Bounds:
    if not 1 <= draws <= MOST_DRAWS:
        raise StoreError(f"A bound cannot be a mean over {draws} draws. Choose 1 to {MOST_DRAWS}.")
    shown, model = inference.pixels(folder, ids), inference.load_generative(folder)
    with inference.computing():
        x = to_float(torch.from_numpy(shown))
        drawn = draw(model, x, draws)
        q_y = model.classify(x).probs.float().numpy()
    total = sum(drawn.values(), torch.zeros(()))
    if not torch.isfinite(total).all():
        raise StoreError("A bound of this image is no number: the training has diverged. Choose another run.")
    return Bounds(
        terms={name: term.mean(0).numpy() for name, term in drawn.items()},
        L=total.mean(0).numpy(),
        spread=total.std(0, correction=1 if draws > 1 else 0).numpy(),
        q_y=q_y,
        draws=draws,
    )


def draw(model: GenerativeMethod, x: Tensor, draws: int) -> dict[str, Tensor]:
    """The terms of the bound of images x (n, c, h, w) under each class, draw by draw: float64 (draws, n, classes)."""
    n, n_y = len(x), model.n_y if model.sees_class else 1
    some = max(1, AT_ONCE // (n * n_y))
    parts: dict[str, list[Tensor]] = {}
    for first in range(0, draws, some):
        now = min(some, draws - first)
        copies = x.repeat(now, *[1] * (x.dim() - 1))
        terms = model.terms_under_class(copies, torch.arange(n_y).unsqueeze(-1))
        for name, term in terms.items():
            whole = term.double().expand(n_y, now * n) if term.dim() < 2 else term.double().expand(-1, now * n)
            parts.setdefault(name, []).append(whole.reshape(n_y, now, n).permute(1, 2, 0))
    return {name: torch.cat(of) for name, of in parts.items()}
