"""Label and continue: which images a run may see, and how a run becomes another one that has more labels. No torch.

A run that has ended and labels that somebody gave make a new run, in a folder of its own; the old one stays as it is.
The new one begins from the old one's weights, and remembers where it comes from and who gave which label. What a model
is told of such an image is what that person said, right or wrong: the data set's own class is never looked up for it.
"""

import threading
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import data
from data import Images
from models.errors import RunError, StoreError
from models.runs.annotations import DATA_SET, Label, Parent, now
from models.runs.run import Run
from models.runs.split import split_indices
from models.runs.start_weights import source
from models.runs.store import FINAL, Folder, runs

if TYPE_CHECKING:
    from models.jobs import Engine

MOST = 1000  # labels that one continuation may be given
SHARE = 4  # a continuation takes a quarter of its parent's epochs unless it is told otherwise

_making = threading.Lock()


# Going on


def why_not(folder: Folder) -> str | None:
    """A sentence why a run cannot be given labels and go on now; None if it can."""
    state = folder.status()["state"]
    if state not in FINAL:
        return f"This run is {state}. Labels can be given as soon as it has ended, or was stopped."
    if source(folder.path) is None:
        return "This run ended before its first epoch did, so there are no weights to go on from. Continue it on Train."
    return None


def default_epochs(run: Run) -> int:
    """How many epochs a continuation of `run` takes unless it is told: a quarter of them."""
    return max(1, round(run.epochs / SHARE))


def continued(folder: Folder, given: Iterable[Label], epochs: int) -> Run:
    """The run that goes on from `folder` for so many `epochs`, with these labels beside those it has.

    Its validation, seed and settings are its parent's, but contrastive pretraining, which lies behind it. With no
    labels it is what more epochs alone would do.
    Opens the data set. Raises StoreError (the run cannot go on), RunError or DataError (a label cannot be).
    """
    if why := why_not(folder):
        raise StoreError(why)
    old, given = folder.run, tuple(given)
    if len(given) > MOST:
        raise RunError(f"{len(given):,} labels are more than can be given at once. Give at most {MOST:,}.")
    if again := {g.image for g in old.given} & {g.image for g in given}:
        raise RunError(f"Training image {min(again)} has its label already. Give labels to images that have none.")
    run = replace(
        old, epochs=epochs, given=(*old.given, *given), parent=Parent(folder.id, last_epoch(folder)),
        settings=replace(old.settings, contrastive_epochs=0),
        custom=tuple(name for name in old.custom if name != "contrastive_epochs"),
    )  # fmt: skip
    split_indices(run, data.load(run.dataset))
    return run


def last_epoch(folder: Folder) -> int:
    """The last whole epoch that a run recorded; 0 if none."""
    return max((int(r["epoch"]) for r in folder.records()[0] if r.get("kind") == "epoch"), default=0)


def submit_once(run: Run, engine: "Engine", root: Path, owner: str = "") -> str:
    """Queue a continuation and return its id; the same one again asks for nothing: a double click makes one run.

    `engine` is what runs it (models/jobs). Raises StoreError or JobsError.
    """
    with _making:
        twin = next((f for f in runs(root) if f.run.parent == run.parent and timeless(f.run) == timeless(run)), None)
        return twin.id if twin else engine.submit(run, owner=owner)


def timeless(run: Run) -> Run:
    """The run without the times at which its labels were given: nothing else tells the second click from the first."""
    return replace(run, given=tuple(replace(g, at="") for g in run.given))


def by_chance(folder: Folder, n: int) -> list[Label]:
    """As many labels for images that chance draws: their own classes, revealed by the data set. For comparison only.

    Would chance have done as well as whoever chose the images? The same images every time for the same run.
    Raises DataError.
    """
    run, images = folder.run, data.load(folder.run.dataset)
    _, unlabelled, _ = split_indices(run, images)
    order = np.argsort(np.random.PCG64([run.seed, len(run.given), 17]).random_raw(len(unlabelled)), kind="stable")
    drawn, at = unlabelled[order[: min(n, len(unlabelled) - 1)]], now()
    return [Label(int(i), int(images.y[i]), DATA_SET, at, "random") for i in drawn]


def children(folder: Folder, root: Path | None = None) -> list[Folder]:
    """The runs that go on from this one, oldest first."""
    found = [f for f in runs(root or folder.path.parent) if f.run.parent and f.run.parent.id == folder.id]
    return found[::-1]


def new_labels(run: Run, parent: Run | None) -> tuple[Label, ...]:
    """The labels that `run` was given beyond those of its parent; all it was given if the parent is gone."""
    known = set(parent.given) if parent else set()
    return tuple(g for g in run.given if g not in known)


def agreeing(given: Sequence[Label], images: Images) -> int:
    """How many of the given labels are the class that the data set has for the image. For looking, never for training.

    Asked after the labels were given; no label is withheld or corrected for it.
    """
    return sum(int(images.y[g.image]) == g.y for g in given if 0 <= g.image < len(images.y))
