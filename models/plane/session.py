"""A session in the plane: several methods that learn from the same points, step by step, and may be changed meanwhile.

A method of a session is a Run and its Trainer, the same that the queue trains. As long as nothing is changed its steps
are those of that Run: the same numbers come out. After a change they are not promised to be those of any Run. Nothing
here starts a process or a thread.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

import data
from models import MODELS
from models.methods.method import GenerativeMethod, Method
from models.nn.device import isolated_rng
from models.plane import picture
from models.plane.setup import SetUp
from models.runs.run import Run
from models.runs.split import split_of_run
from models.training.trainer import Trainer

MEANS = 120  # of the terms of J that are kept at most
LATE = 4.0  # a slice of learning takes at most so many times as long by the clock


@dataclass
class Learner:
    """One method of a session."""

    run: Run
    trainer: Trainer
    total: int  # steps until it has settled
    rng: Tensor  # the state of the RNG as its last step left it: the methods take turns
    step: int = 0
    J: dict[str, float] = field(default_factory=dict)  # terms of the last step, nats per point
    sums: list[float] = field(default_factory=list)  # of these, over the steps since the last frame
    terms: list[list[float]] = field(default_factory=list)  # until when a mean goes, and the mean of each term
    curve: list[tuple[int, float]] = field(default_factory=list)  # step, test accuracy
    seen: tuple[tuple[int, bool], dict[str, Any]] | None = None  # at step and truth: what no point pointed at changes
    shown: tuple[tuple[int, bool, int], dict[str, Any]] | None = None  # its last frame

    @property
    def settled(self) -> bool:
        return self.step >= self.total

    def advance(self) -> None:
        """One step down J. To be asked within `turn`."""
        values = self.trainer.step(self.step, self.total)
        self.step += 1
        terms = values.tolist()
        self.J = dict(zip(self.trainer.names, terms, strict=True))
        self.sums = [a + b for a, b in zip(self.sums or [0.0] * len(terms), terms, strict=True)]

    def add_up(self) -> None:
        """The mean of each term over the steps since this was last asked, added to `terms`."""
        since = self.terms[-1][0] if self.terms else 0
        if not self.sums or self.step == since:
            return
        self.terms.append([self.step, *(total / (self.step - since) for total in self.sums)])
        self.sums = []
        if len(self.terms) > MEANS:
            self.terms = halved(self.terms)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """In here the RNG goes on where this method left it; afterwards it is as it was."""
        before = torch.get_rng_state()
        torch.set_rng_state(self.rng)
        try:
            yield
        finally:
            self.rng = torch.get_rng_state()
            torch.set_rng_state(before)


def halved(terms: list[list[float]]) -> list[list[float]]:
    """Two means after one another as one, each weighed by its steps, so that a long session stays small."""
    found, since = [], 0.0
    for a, b in zip(terms[::2], terms[1::2], strict=False):
        first, both = a[0] - since, b[0] - since
        found.append([b[0], *(p + (q - p) * (1 - first / both) for p, q in zip(a[1:], b[1:], strict=True))])
        since = b[0]
    return found if len(terms) % 2 == 0 else [*found, terms[-1]]


def with_posteriors(seen: dict[str, Any], model: Method, points: Tensor, point: int) -> dict[str, Any]:
    """What is seen of a method, with p(z|x,y) beside q(z|x,y) at `point` if it is one of the points and has them."""
    if not 0 <= point < len(points) or not isinstance(model, GenerativeMethod) or model.n_z > 2:
        return seen
    return seen | {"point": point, **picture.posteriors(model, points[point])}


def carry_over(before: Trainer, after: Trainer) -> None:
    """Give `after` the weights of `before` that it has, too: all but those of layers whose size has changed."""
    for source, target in ((before.model, after.model), (before.averaged, after.averaged)):
        weights = target.state_dict()
        kept = {
            name: t for name, t in source.state_dict().items() if name in weights and weights[name].shape == t.shape
        }
        target.load_state_dict(kept, strict=False)


class Session:
    """Methods side by side. `tick` lets them learn for a while, `frame` says what one sees."""

    def __init__(self, setup: SetUp) -> None:
        """Raises RunError or DataError, one sentence."""
        setup.check()
        self.setup = setup
        self.images = data.load(setup.dataset)
        self.learners = {model: self._learner(setup.run(model)) for model in setup.models}

    def _learner(self, run: Run) -> Learner:
        before = torch.get_rng_state()
        torch.manual_seed(run.seed)  # as training/loop.py does, so that its numbers come out
        trainer = Trainer(run, split_of_run(run, self.images), torch.device("cpu"))
        rng = torch.get_rng_state()
        torch.set_rng_state(before)
        return Learner(run, trainer, run.epochs * trainer.steps_per_epoch, rng)

    @property
    def settled(self) -> bool:
        return all(learner.settled for learner in self.learners.values())

    def tick(self, seconds: float) -> None:
        """Let every method learn for its share of `seconds` of processor time, one step at least.

        By the clock a busy machine would learn little between two frames, which cost what they cost.
        """
        waiting = [learner for learner in self.learners.values() if not learner.settled]
        for learner in waiting:
            share = seconds / len(waiting)
            until, at_most = time.thread_time() + share, time.perf_counter() + LATE * share
            with learner.turn():
                learner.advance()
                while not learner.settled and time.thread_time() < until and time.perf_counter() < at_most:
                    learner.advance()

    def step(self) -> None:
        """One step of every method that has not settled."""
        self.tick(0)

    def change(self, setup: SetUp) -> None:
        """Go on under another set-up: what fits of the weights stays, and learning begins anew with them.

        So its numbers are no longer those of a Run of that set-up, which begins with weights of its own: only a session
        that begins with it, as after a reset, gives these.
        Raises RunError or DataError, and then nothing has changed.
        """
        setup.check()
        images = data.load(setup.dataset)
        before = self.learners
        self.setup, self.images, old = setup, images, (self.setup, self.images)
        try:
            self.learners = {model: self._learner(setup.run(model)) for model in setup.models}
        except Exception:
            self.setup, self.images = old
            raise
        for model, learner in self.learners.items():
            if model in before:
                carry_over(before[model].trainer, learner.trainer)

    def frame(self, truth: bool = False, point: int = -1) -> dict[str, dict[str, Any]]:
        """Of each method what `picture` gives, its step, its accuracy on the test points and the terms of J.

        These are means over the steps since the frame before: "J" by name, and as "terms" float32 (means, 1 + terms)
        all so far, each after the step with which it ends. With `point` also what `picture.posteriors` gives of it.
        """
        shown = torch.from_numpy(np.array(self.images.x))
        frames = {}
        for model, learner in self.learners.items():
            at = learner.step, truth, point
            if not learner.shown or learner.shown[0] != at:  # else it has settled, or only another one has learned
                every = self._seen(model, learner, shown, truth)
                learner.shown = at, with_posteriors(every, learner.trainer.averaged, shown, point)
            frames[model] = learner.shown[1]
        return frames

    def _seen(self, model: str, learner: Learner, points: Tensor, truth: bool) -> dict[str, Any]:
        """What a frame has of a method whatever one points at."""
        if learner.seen and learner.seen[0] == (learner.step, truth):
            return learner.seen[1]
        accuracy = learner.trainer.evaluate()["test_accuracy"]  # fits what is fitted to the labels, too
        with isolated_rng(learner.trainer.device, learner.run.seed):
            seen = picture.picture(learner.trainer.averaged, points, next(iter(MODELS[model].latents), None), truth)
        if not learner.curve or learner.curve[-1][0] != learner.step:
            learner.curve.append((learner.step, accuracy))
        learner.add_up()
        every = seen | {
            "step": learner.step,
            "total": learner.total,
            "accuracy": accuracy,
            "J": dict(zip(learner.trainer.names, learner.terms[-1][1:], strict=True)) if learner.terms else {},
            "terms": np.array(learner.terms or np.zeros((0, 1)), np.float32),
            "curve": list(learner.curve),
        }
        learner.seen = (learner.step, truth), every
        return every

    # Kept while nobody looks

    def state(self) -> dict[str, dict[str, Any]]:
        """What `restore` needs of each method, for torch.save."""
        return {
            model: {
                "model": one.trainer.model.state_dict(),
                "averaged": one.trainer.averaged.state_dict(),
                "training": one.trainer.model.training_state(),
                "optimizer": one.trainer.optimizer.state_dict(),
                "rng": one.rng,
                "step": one.step,
                "names": one.trainer.names,
                "curve": one.curve,
                "sums": one.sums,
                "terms": one.terms,
            }
            for model, one in self.learners.items()
        }

    def restore(self, state: dict[str, dict[str, Any]]) -> None:
        """Let the methods in `state` go on where it was taken, of a session of the same set-up.

        Raises KeyError, ValueError or RuntimeError if it is not that.
        """
        for model, kept in state.items():
            one = self.learners[model]
            one.trainer.model.load_state_dict(kept["model"])
            one.trainer.averaged.load_state_dict(kept["averaged"])
            one.trainer.model.load_training_state(kept["training"])
            one.trainer.optimizer.load_state_dict(kept["optimizer"])
            one.rng, one.step, one.curve = kept["rng"], kept["step"], [tuple(at) for at in kept["curve"]]
            one.sums, one.terms = kept["sums"], kept["terms"]
            one.trainer.names = kept["names"]
            one.seen = one.shown = None
