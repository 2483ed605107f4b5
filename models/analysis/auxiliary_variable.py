"""The auxiliary variable a of a run: draws for one image, and what each says of y and z."""

from typing import cast

import numpy as np
import torch
from torch import Tensor
from torch.distributions import Distribution

from data import DATASETS
from models import MODELS
from models.analysis import inference, projections
from models.analysis.answers import Auxiliary
from models.analysis.inference import computing
from models.analysis.traversals import A_DRAWS, A_IMAGES
from models.errors import StoreError
from models.methods.method import GenerativeMethod
from models.nn import distributions
from models.nn.augment import to_float
from models.runs.store import Folder
from models.training import snapshot

DRAWS = 60  # of a for one image


def auxiliary(folder: Folder, image: int, classes: tuple[int, ...], rows: int = 6, draws: int = DRAWS) -> Auxiliary:
    """What a does for an image of a run that has one, eqs 18 to 20 and p(a|.) of 16; the same draws for the same image.

    `classes` are those each of the first `rows` draws is drawn as. Raises StoreError for a run of another model.
    """
    card = MODELS[folder.run.model]
    if not card.auxiliary:
        others = " or ".join(c.title for c in MODELS.values() if c.auxiliary)
        raise StoreError(f"{card.title} has no a. Choose a run of {others}.")
    if not card.of(folder.run.settings).auxiliary:
        raise StoreError(f"The settings of {folder.id} leave a out. Choose another run of {card.title}.")
    y = torch.as_tensor(inference.known_classes(folder, classes))
    shown = inference.pixels(folder, [image])
    n_test = DATASETS[folder.run.dataset].n_test
    others = inference.pixels(folder, range(-1, -1 - min(A_IMAGES, n_test), -1))
    model = inference.load_generative(folder)
    with computing():
        x = to_float(torch.from_numpy(shown))
        q_a = q_of_a(model, x)
        a = q_a.sample((draws,))  # (draws, 1, n_a)
        q_y = model.classify_at(x, a)
        mean = distributions.categorical_mean(q_y)
        k = int(mean.probs.argmax())
        q_z = model.posterior(x, torch.tensor([k]), a)
        p_a = cast(Distribution, model.auxiliary_likelihood(x, torch.tensor([k]), q_z.mean.mean(0)))
        directions = (
            torch.from_numpy(projections.principal(a[:, 0].numpy())[1].T.copy()).float()
            if a.shape[-1] > 1
            else torch.eye(2, 1)
        )
        origin = q_a.mean[0]
        # Each class with the z that q(z|a,y,x) gives it at the likeliest class: only y changes along a row.
        tiles = snapshot.tiles(model, y, q_z.mean[:rows, 0]).swapaxes(0, 1)
        tells_over, open_over, shift_over = _over(model, to_float(torch.from_numpy(others)))
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


def q_of_a(model: GenerativeMethod, x: Tensor) -> Distribution:
    """q(a|x) of a method whose card names an auxiliary variable."""
    return cast(Distribution, model.auxiliary_posterior(x))


def _over(model: GenerativeMethod, x: Tensor) -> tuple[float, float, float]:
    """What a tells of y, how much is open, and how far a moves z: means over images (n, c, h, w)."""
    a = q_of_a(model, x).sample((A_DRAWS,))
    q_y = model.classify_at(x, a).probs
    q_z = model.posterior(x, q_y.mean(0).argmax(-1), a)
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
