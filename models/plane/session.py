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
from models.nn.device import isolated_rng
from models.plane import picture
from models.plane.setup import SetUp
from models.runs.run import Run
from models.runs.split import split_of_run
from models.training.trainer import Trainer


@dataclass
class Learner:
    """One method of a session."""

    run: Run
    trainer: Trainer
    total: int  # steps until it has settled
    rng: Tensor  # the state of the RNG as its last step left it: the methods take turns
    step: int = 0
    J: dict[str, float] = field(default_factory=dict)  # terms of the last step, nats per point
    curve: list[tuple[int, float]] = field(default_factory=list)  # step, test accuracy
    shown: tuple[tuple[int, bool], dict[str, Any]] | None = None  # its last frame: step, truth, and what was seen

    @property
    def settled(self) -> bool:
        return self.step >= self.total

    def advance(self) -> None:
        """One step down J. To be asked within `turn`."""
        values = self.trainer.step(self.step, self.total)
        self.step += 1
        self.J = dict(zip(self.trainer.names, values.tolist(), strict=True))

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
        """Let every method learn for its share of `seconds`, one step at least."""
        waiting = [learner for learner in self.learners.values() if not learner.settled]
        for learner in waiting:
            until = time.perf_counter() + seconds / len(waiting)
            with learner.turn():
                learner.advance()
                while not learner.settled and time.perf_counter() < until:
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

    def frame(self, truth: bool = False) -> dict[str, dict[str, Any]]:
        """Of each method what `picture` gives, its step, its accuracy on the test points and the terms of J."""
        shown = torch.from_numpy(np.array(self.images.x))
        frames = {}
        for model, learner in self.learners.items():
            at = learner.step, truth
            if learner.shown and learner.shown[0] == at:  # it has settled, or only another one has learned
                frames[model] = learner.shown[1]
                continue
            accuracy = learner.trainer.evaluate()["test_accuracy"]  # fits what is fitted to the labels, too
            with isolated_rng(learner.trainer.device, learner.run.seed):
                seen = picture.picture(learner.trainer.averaged, shown, next(iter(MODELS[model].latents), None), truth)
            if not learner.curve or learner.curve[-1][0] != learner.step:
                learner.curve.append((learner.step, accuracy))
            frames[model] = seen | {
                "step": learner.step,
                "total": learner.total,
                "accuracy": accuracy,
                "J": learner.J,
                "curve": list(learner.curve),
            }
            learner.shown = at, frames[model]
        return frames

    # Kept while nobody looks

    def state(self, resets: int) -> dict[str, Any]:
        """All that `restore` needs, for torch.save."""
        return {
            "setup": repr(self.setup),
            "resets": resets,
            "learners": {
                model: {
                    "model": one.trainer.model.state_dict(),
                    "averaged": one.trainer.averaged.state_dict(),
                    "training": one.trainer.model.training_state(),
                    "optimizer": one.trainer.optimizer.state_dict(),
                    "rng": one.rng,
                    "step": one.step,
                    "curve": one.curve,
                }
                for model, one in self.learners.items()
            },
        }

    def restore(self, state: dict[str, Any], resets: int) -> None:
        """Go on where `state` was taken. Raises ValueError, KeyError or RuntimeError if it is of another session."""
        if (state["setup"], state["resets"]) != (repr(self.setup), resets):
            raise ValueError("This is the state of another session.")
        for model, one in self.learners.items():
            kept = state["learners"][model]
            one.trainer.model.load_state_dict(kept["model"])
            one.trainer.averaged.load_state_dict(kept["averaged"])
            one.trainer.model.load_training_state(kept["training"])
            one.trainer.optimizer.load_state_dict(kept["optimizer"])
            one.rng, one.step, one.curve = kept["rng"], kept["step"], [tuple(at) for at in kept["curve"]]
            one.shown = None
