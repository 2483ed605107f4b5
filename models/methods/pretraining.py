"""What may be known of contrastive pretraining without torch, as a card says it of a method; contrastive.py computes.

And the costs between which a recorded one lies: that of guessing, and the least there can be.
"""

import math
from collections.abc import Callable

from models.methods.card import Symbol
from models.methods.notation import CONTRASTIVE

PATH = "models.methods.contrastive:Contrastive"
PAPER = "Chen et al. 2020"
SOURCE = "Chen et al., A Simple Framework for Contrastive Learning of Visual Representations (SimCLR), 2020"
SIZE = 128  # of a projected view
TEMPERATURE = 0.2
NOTATION: tuple[Symbol, ...] = (
    ("n", "unlabelled images in a batch, each seen in two views: random crops, of photographs recoloured, too", "n"),
    ("v_i", f"one of the 2n views, as the projection head has it: {SIZE} numbers; z in the paper", "v, project"),
    ("j", "the other view of the image of which i is a view", "partner"),
    (r"\mathrm{sim}", "cosine similarity, the scalar product of vectors of length 1: between −1 and 1", "similar"),
    (r"\tau", f"temperature, {TEMPERATURE:g}: the lower, the more the most similar views count", "TEMPERATURE"),
)
PIECES = {  # as on a card
    "Chen1": (
        (r"-\log\frac{\exp(\mathrm{sim}(v_i,v_j)/\tau)}{\sum_{k\ne i}\exp(\mathrm{sim}(v_i,v_k)/\tau)}", *CONTRASTIVE),
    )
}


def guessing(n: int) -> float:
    """The cost, nats per view, where all views of a batch of n images look alike: each other one is as likely."""
    return math.log(2 * n - 1)


def least(n: int) -> float:
    """The least mean over a batch of n images, whatever network and head make of them: nats per view.

    The two views of an image are then one vector, and any two images have sim = -1 / (n - 1): on average no n vectors
    can have less, and the cost is convex in the similarities.
    """
    return math.log1p((2 * n - 2) * math.exp(-n / (n - 1) / TEMPERATURE)) if n > 1 else 0.0


def of_epoch(level: Callable[[int], float], images: int, steps: int) -> float:
    """The mean over the steps of an epoch, among which its images are shared as equally as can be."""
    n, larger = divmod(images, steps)
    return ((steps - larger) * level(n) + (larger * level(n + 1) if larger else 0.0)) / steps
