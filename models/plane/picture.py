"""What one sees of a method in the plane at one moment: a few small arrays, computed anew for each frame.

Grounds and contours are on a square grid over the plane; all are float16, uint8 or int16, since a browser fetches them
several times a second.
"""

import numpy as np
import torch
from torch import Tensor

from data.plane import REACH
from models.analysis import quadrature
from models.methods.method import DrawingMethod, GenerativeMethod, Method

SIDE = 40  # places of the grid along each coordinate
SAMPLES = 40  # of p(x|y,z), a class
CURVE = 61  # places along z on the curves that z draws
CURVE_REACH = 2.5  # standard deviations of p(z)
GAPS = 200  # points whose gap a frame has
CURVES = 5  # where z has two dimensions: so many lines along each

Arrays = dict[str, np.ndarray]


def plane(side: int = SIDE) -> Tensor:
    """The grid (side², 2, 1, 1), row by row from the top left, as a picture is."""
    line = (torch.arange(side) + 0.5) / side * 2 * REACH - REACH
    down, right = torch.meshgrid(-line, line, indexing="ij")
    return torch.stack([right, down], -1).view(-1, 2, 1, 1)


@torch.no_grad()
def picture(model: Method, points: Tensor, latent: str | None, truth: bool = False) -> Arrays:
    """What a method says of the plane and of `points` (n, 2, 1, 1); it is to be in eval mode.

    "q_y" uint8 (SIDE², classes): q(y|x) on the grid, 255 is 1       "predicted" uint8 (n,): the likeliest class
    "z" float16 (n, 1 or 2): the points' codes, if it has a space    "samples" float16 (classes, SAMPLES, 2)
    "curves" float16 (classes, lines, CURVE, 2): the mean of p(x|y,z) as z moves; a method that only draws has samples
    alone, of no class: (1, SAMPLES, 2)
    with `truth`, by quadrature: "p_y" uint8 (SIDE², classes), p(y|x); "log_p" float16 (SIDE²,), log p(x) in nats; "gap"
    float16 (n,), how far the bound lies below it at the points, nats, and "log_p_at" float16 (n,), log p(x) there: of
    at most GAPS of them, NaN at the others
    """
    ground = plane()
    q_y, codes = model.classify_and_encode(torch.cat([ground, points]))
    out: Arrays = {
        "q_y": bytes_of(q_y.probs[: len(ground)]),
        "predicted": q_y.probs[len(ground) :].argmax(-1).to(torch.uint8).numpy(),
    }
    if latent and latent in codes:
        out["z"] = codes[latent][len(ground) :, :2].half().numpy()
    if isinstance(model, GenerativeMethod):
        out |= drawn(model)
        if truth and model.n_z <= 2:
            out |= true(model, ground) | gaps(model, points)
    elif isinstance(model, DrawingMethod):
        z = torch.randn(SAMPLES, model.n_z, generator=torch.Generator().manual_seed(0))
        out["samples"] = model.sample(z).view(1, SAMPLES, 2).half().numpy()
    return out


def bytes_of(p: Tensor) -> np.ndarray:
    return (p.float() * 255).round().to(torch.uint8).numpy()


def drawn(model: GenerativeMethod) -> Arrays:
    """Samples of p(x|y,z), and the curves that z draws through its means."""
    classes = quadrature.classes_of(model)
    y = torch.arange(classes).view(-1, 1)
    g = torch.Generator().manual_seed(0)  # the same styles in every frame, so that samples move and do not flicker
    z = torch.randn(SAMPLES, model.n_z, generator=g)
    noise = torch.randn(SAMPLES, 2, 1, 1, generator=g)
    p_a = model.auxiliary_prior(y, z)
    a = None if p_a is None else p_a.mean + p_a.stddev * torch.randn(SAMPLES, *p_a.event_shape, generator=g)
    x = model.likelihood(y, z, a)
    samples = (x.mean + x.stddev * noise).expand(classes, SAMPLES, 2, 1, 1)
    z_lines = lines(model.n_z)
    means = model.likelihood(y.unsqueeze(-1), z_lines).mean.expand(classes, *z_lines.shape[:2], 2, 1, 1)
    return {"samples": samples.flatten(-3).half().numpy(), "curves": means.flatten(-3).half().numpy()}


def lines(n_z: int) -> Tensor:
    """Lines through the space of z (lines, CURVE, n_z): the line itself, or a net."""
    t = torch.linspace(-CURVE_REACH, CURVE_REACH, CURVE)
    if n_z == 1:
        return t.view(1, -1, 1)
    at = torch.linspace(-2, 2, CURVES)
    along, across = t.expand(CURVES, -1), at.unsqueeze(-1).expand(-1, CURVE)
    net = torch.cat([torch.stack([along, across], -1), torch.stack([across, along], -1)])
    return torch.cat([net, torch.zeros(*net.shape[:2], n_z - 2)], -1)


def true(model: GenerativeMethod, x: Tensor) -> Arrays:
    """p(y|x) and log p(x) by quadrature, of a grid coarse enough for a frame."""
    found = quadrature.evidence(model, x, coarse=True)
    out: Arrays = {"log_p": found.log_p_x.clamp(-30, 10).half().numpy()}
    if found.p_y is not None:
        out["p_y"] = bytes_of(found.p_y)
    return out


def gaps(model: GenerativeMethod, points: Tensor) -> Arrays:
    """The bound's gap and log p(x) at some of the points, evenly spread over them; NaN at the others."""
    n = len(points)
    at = torch.arange(n) if n <= GAPS else torch.linspace(0, n - 1, GAPS).long()
    found = quadrature.gap(model, points[at], coarse=True)
    out = torch.full((2, n), float("nan"))
    out[:, at] = torch.stack([found.gap, found.log_p_x]).clamp(-6e4, 6e4).to(out.dtype)
    return dict(zip(("gap", "log_p_at"), out.half().numpy(), strict=True))


@torch.no_grad()
def posteriors(model: GenerativeMethod, point: Tensor) -> Arrays:
    """p(z|x,y) beside q(z|x,y) for one point (2, 1, 1): "p_z" and "q_z" float16 (classes, nodes), densities at "at".

    "at" float16 (nodes, n_z) is the same for every point. Raises LatentError if z has more than two dimensions.
    """
    found = quadrature.posterior(model, point, coarse=True)
    of = {"at": found.z, "p_z": found.p, "q_z": found.q}
    return {name: t.clamp_max(6e4).half().numpy() for name, t in of.items()}
