"""Recordings: how a run's latent map and its accuracy went from epoch to epoch, in one small file a run.

They are what pages show before anything has been trained. `python -m models record` makes them, and nothing else does.
What is recorded was fixed before anything was: seed 0, the presets of every run, the epochs that `pictures` says.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

import numpy as np

import data
from models import FIRST, MODELS
from models.analysis import layouts, projections, snapshots
from models.analysis.snapshots import Snapshot, SnapshotImages
from models.errors import StoreError
from models.results import arrays, examples, recorded_images, train_missing
from models.runs.run import Run
from models.runs.store import PROJECT, Folder, version

RECORDINGS = PROJECT / "docs" / "recordings"
BUDGETS = {"digits": (10, 20, 50, 100, 500), "mnist": (100,)}  # labels, by data set
SEED = 0
PICTURES = 13  # of a film: after epoch 0 or 1, after the last, and more of the early ones, when most is learned
MOST_BYTES = 4 << 20  # of one recording; those of the digits have a quarter of a megabyte


@dataclass(frozen=True)
class Recording:
    """A run as it went. The last picture is the run at its end."""

    run: Run
    space: str  # which of its latents is laid out: "z" or "h"
    epochs: tuple[int, ...]  # of the pictures, ascending
    accuracy: tuple[float, ...]  # on the whole test set after each of them, 0 to 1
    ids: np.ndarray  # int32 (n,): i >= 0 training image i, -1 - j test image j
    xy: np.ndarray  # float16 (pictures, n, 2), UMAP; the largest coordinate is 1
    predicted: np.ndarray  # uint8 (pictures, n)
    sure: np.ndarray  # uint8 (pictures, n): the largest probability, 255 is 1
    entropy: np.ndarray  # uint8 (pictures, n): 255 is log(classes)
    q_y: np.ndarray  # float16 (n, classes), at the end
    made: str  # the day, "2026-11-29"
    version: str  # of Few Labels


ARRAYS = ("ids", "xy", "predicted", "sure", "entropy", "q_y")


def learners() -> list[str]:
    """The methods that are recorded: those with which pages begin."""
    return FIRST


def path_of(dataset: str, labels: int, model: str, where: Path | None = None) -> Path:
    return (where or RECORDINGS) / f"{dataset}-{labels}-{model}.npz"


@lru_cache(maxsize=64)
def _read(path: Path, mtime_ns: int) -> Recording:
    with arrays.reading(path, "recording", most=MOST_BYTES) as kept:
        about = json.loads(bytes(kept["about"]))
        made = Recording(
            run=Run.from_dict(about["run"]), space=str(about["space"]), epochs=tuple(map(int, about["epochs"])),
            accuracy=tuple(map(float, about["accuracy"])), made=str(about["made"]), version=str(about["version"]),
            **{name: kept[name] for name in ARRAYS},
        )  # fmt: skip
        k, n = len(made.epochs), len(made.ids)
        right = made.xy.shape == (k, n, 2) and made.q_y.shape[:1] == (n,) and len(made.accuracy) == k > 1
        if not right or not all(a.shape == (k, n) for a in (made.predicted, made.sure, made.entropy)):
            raise ValueError("its arrays do not fit")
        return made


def read(dataset: str, labels: int, model: str, where: Path | None = None) -> Recording | None:
    """A recording, kept in memory; None if there is none. Raises StoreError, a sentence, if it is damaged."""
    path = path_of(dataset, labels, model, where)
    try:
        return _read(path, path.stat().st_mtime_ns)
    except FileNotFoundError:
        return None


def there(dataset: str, where: Path | None = None) -> list[tuple[int, str]]:
    """(labels, method) of every recording of a data set."""
    return [
        (labels, model)
        for labels in BUDGETS.get(dataset, ())
        for model in learners()
        if path_of(dataset, labels, model, where).exists()
    ]


def images(recording: Recording, where: Path | None = None) -> SnapshotImages:
    """What a map shows of a recording: its images as they were known at the end.

    Opens the data set, unless the images are kept beside the recording. Raises LatentError, StoreError or DataError,
    each a sentence.
    """
    run = recording.run
    snapshot = Snapshot(recording.epochs[-1], recording.ids, {}, recording.q_y.astype(np.float32))
    kept = recorded_images.read(run.dataset, where or RECORDINGS)
    if kept is None:
        return snapshots.with_classes(snapshot, run)
    true = kept.true[recorded_images.rows(kept, recording.ids)].astype(np.int64)
    return snapshots.described(snapshot, run, kept.classes, true, np.full(len(true), snapshots.TEST))


def pixels(dataset: str, ids: np.ndarray, where: Path | None = None) -> np.ndarray:
    """The images that recordings of a data set show, uint8 (n, c, h, w), by ids (n,). Opens and raises as `images`."""
    kept = recorded_images.read(dataset, where or RECORDINGS)
    return data.pixels(data.load(dataset), ids) if kept is None else kept.pixels[recorded_images.rows(kept, ids)]


def at(recording: Recording, k: int, where: Path | None = None) -> SnapshotImages:
    """Its images as they were known at picture k. Opens and raises as `images`; q(y|x) itself is of the end alone."""
    found = images(recording, where)
    return replace(
        found,
        epoch=recording.epochs[k],
        predicted=recording.predicted[k].astype(np.int64),
        sure=recording.sure[k].astype(np.float32) / 255,
        entropy=recording.entropy[k].astype(np.float32) / 255 * np.float32(np.log(len(found.classes))),
    )


def pictures(epochs: Sequence[int]) -> list[int]:
    """Which of a film's pictures are kept: the first, the last, and between them ever fewer."""
    n = len(epochs)
    each = np.arange(min(PICTURES, n))
    steps = np.geomspace(1, n, len(each)).round().astype(int) - 1
    return (np.maximum.accumulate(steps - each) + each).tolist()  # each once: the early ones would be the same


def of_run(folder: Folder) -> Recording:
    """A finished run as a recording; makes its film, which takes a UMAP a picture. Raises LatentError or StoreError."""
    run, last = folder.run, max(e for e, _ in folder.snapshots())
    space = next(iter(MODELS[run.model].spaces))
    if projections.read_film(folder.path, space, last) is None:
        projections.make_film(folder.path, space, last)
    classes = data.DATASETS[run.dataset].n_classes
    found = layouts.film(folder, last, space, "umap", classes)
    snapshot = snapshots.read(folder.path, last)
    if found is None or snapshot is None or snapshot.q_y is None:
        raise StoreError(f"The run {folder.id} kept nothing that a film could show.")
    epochs, ids, xy, says = found
    shown = recorded_images.wanted(run.dataset)
    if shown is not None:
        of = np.isin(ids, shown)
        ids, xy, says = ids[of], xy[:, of], tuple(a[:, of] for a in says)
    kept = pictures(epochs)
    known = {r["epoch"]: r["test_accuracy"] for r in folder.records()[0] if r.get("kind") == "epoch"}
    xy = xy[kept] - (xy[kept].max((0, 1)) + xy[kept].min((0, 1))) / 2
    predicted, sure, entropy = (a[kept] for a in says)
    return Recording(
        run=run, space=space, epochs=tuple(epochs[i] for i in kept),
        accuracy=tuple(float(known[epochs[i]]) for i in kept), ids=ids,
        xy=(xy / np.abs(xy).max()).astype(np.float16), predicted=predicted, sure=sure, entropy=entropy,
        q_y=snapshot.q_y[projections.rows(snapshot.ids, ids)].astype(np.float16),
        made=datetime.now(UTC).date().isoformat(), version=version(),
    )  # fmt: skip


def keep(recording: Recording, where: Path | None = None) -> Path:
    """Write a recording, whole or not at all. Raises StoreError, a sentence, where that is impossible."""
    run = recording.run
    about = {
        "run": run.to_dict(), "space": recording.space, "epochs": recording.epochs, "accuracy": recording.accuracy,
        "made": recording.made, "version": recording.version,
    }  # fmt: skip
    path = path_of(run.dataset, run.labels, run.model, where)
    return arrays.keep(path, about, **{name: getattr(recording, name) for name in ARRAYS})


def wanted(dataset: str, budgets: Sequence[int] | None = None, models: Sequence[str] | None = None) -> Iterator[Run]:
    """The runs that a data set's recordings are of. One thread: the same numbers on a machine of any size."""
    for labels in budgets or BUDGETS[dataset]:
        for model in models or learners():
            yield Run.make(dataset, model, labels=labels, seed=SEED, threads=1)


def record(runs: Sequence[Run], root: Path, say: Callable[[str], None], where: Path | None = None) -> list[str]:
    """Train those of `runs` that `root` has not, and record all; a sentence for each that was not.

    Those that are examples, too, are kept whole beside their recording; so are, once, the images of a data set that
    does not come with Few Labels.
    """
    failures = train_missing.fill([run for run in runs if of(run, root) is None], root, say)
    for run in runs:
        if folder := of(run, root):
            made = [keep(of_run(folder), where)]
            if recorded_images.wanted(run.dataset) is not None:
                made.append(recorded_images.keep(run.dataset, where or RECORDINGS))
            if (run.dataset, run.labels) == (examples.DATASET, examples.LABELS):
                made.append(examples.keep(folder, where))
            say(f"{run}: {', '.join(f'{path.name}, {path.stat().st_size / 1024:.0f} KiB' for path in made)}")
        elif any(map(train_missing.has_outcome, train_missing.alike(run, root))):  # not trained a second time
            failures.append(f"{run}: {root} has it, trained on other threads. Name another folder with --runs.")
    return failures


def of(run: Run, root: Path) -> Folder | None:
    """The finished run in `root` with these settings, seed and threads; None if there is none."""
    return next((f for f in train_missing.alike(run, root) if f.run == run and train_missing.has_outcome(f)), None)
