"""The one door through which pages ask what a run's weights and snapshots say: plain values in, plain values out.

A page names a question of `QUESTIONS`, a run folder and arguments; it gets arrays, numbers, text, and tuples, dicts and
data classes of these (models/analysis/plain.py), never a tensor or a model. So a page knows no module that loads torch,
and another process could answer in place of this one. All answers are kept in one place, bounded by their bytes, for
all visitors; an answer is of the files that it was made of, and a file that changes makes another one.

Every question raises StoreError, LatentError or DataError, each a sentence fit to be shown. This module loads no torch;
a question does when it is first asked.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from models.analysis import plain
from models.analysis.byte_cache import ByteCache
from models.analysis.weights import stamp as weights_stamp
from models.runs.store import Folder

MOST_BYTES = 256 * 2**20  # of all that is kept: some 2,000 class grids, or 100 snapshots of 10,000 images

Stamp = Callable[[Folder, dict], object]  # what tells the files that an answer is of from those that replace them


def weights(folder: Folder, arguments: dict) -> object:
    """Of the latest weights. Raises StoreError if there are none."""
    return weights_stamp(folder)


def snapshot(folder: Folder, arguments: dict) -> object:
    """Of the snapshot after `epoch`, and of that after `before`, if the question has one."""
    kept = dict(folder.snapshots())
    return tuple(file_stamp(kept.get(arguments[name])) for name in ("epoch", "before") if name in arguments)


def latest_snapshot(folder: Folder, arguments: dict) -> object:
    epoch, path = max(folder.snapshots(), default=(0, None))
    return epoch, file_stamp(path)


def weights_and_snapshot(folder: Folder, arguments: dict) -> object:
    return weights_stamp(folder), latest_snapshot(folder, arguments)


def full_dataset(folder: Folder, arguments: dict) -> object:
    return file_stamp(folder.full_dataset(arguments["epoch"]))


def either(folder: Folder, arguments: dict) -> object:
    """Of all images, if they are asked for, else of a snapshot."""
    return full_dataset(folder, arguments) if arguments.get("of_all") else snapshot(folder, arguments)


def film(folder: Folder, arguments: dict) -> object:
    last = dict(folder.snapshots()).get(arguments["last"])
    return file_stamp(last), file_stamp(folder.map_path(arguments["last"], arguments["space"], "film"))


def separability(folder: Folder, arguments: dict) -> object:
    kept = folder.map_path(arguments["epoch"], arguments["space"], "separation")
    return file_stamp(kept), snapshot(folder, arguments)


def likelihood(folder: Folder, arguments: dict) -> object:
    return file_stamp(folder.map_path(arguments["epoch"], "z", "likelihood"))


def samples(folder: Folder, arguments: dict) -> object:
    return file_stamp(folder.map_path(arguments["epoch"], "z", "samples"))


def usage(folder: Folder, arguments: dict) -> object:
    return file_stamp(folder.map_path(arguments["epoch"], arguments["space"], "usage"))


def settings(folder: Folder, arguments: dict) -> object:
    return file_stamp(folder.path / "run.json")


def several(folder: Folder, arguments: dict) -> object:
    """Of a snapshot of this run and of each of `others`: pairs of a run folder's path and an epoch."""
    others = [snapshot(Folder(path), {"epoch": epoch}) for path, epoch in arguments["others"]]
    return snapshot(folder, arguments), *others


def file_stamp(path: Path | None) -> tuple[int, ...] | None:
    """Tells a file from the one that replaces it; None of a file that is not there."""
    try:
        at = path.stat() if path else None
    except OSError:
        return None
    return (at.st_mtime_ns, at.st_size, at.st_ino) if at else None


@dataclass(frozen=True)
class Question:
    """What can be asked of a run: who answers, and of what files."""

    function: str  # "module:function" of (run folder, **arguments)
    stamp: Stamp = weights
    kept: bool = True

    @property
    def module(self) -> str:
        return self.function.partition(":")[0]

    def answer(self, folder: Folder, arguments: dict) -> object:
        module, _, function = self.function.partition(":")
        return getattr(import_module(module), function)(folder, **arguments)


_IN = "models.analysis."
QUESTIONS: dict[str, Question] = {
    # of the latest weights
    "load_ahead": Question(_IN + "inference:load_ahead", kept=False),
    "class_grid": Question(_IN + "inference:class_grid"),
    "swap": Question(_IN + "inference:swap"),
    "q_y": Question(_IN + "inference:q_y"),
    "encode": Question(_IN + "inference:encode"),
    "walk": Question(_IN + "traversals:walk"),
    "plane": Question(_IN + "traversals:plane", weights_and_snapshot),
    "most_varied": Question(_IN + "traversals:most_varied", weights_and_snapshot),
    "manifold": Question(_IN + "traversals:manifold"),
    "field": Question(_IN + "traversals:field"),
    "code": Question(_IN + "traversals:code"),
    "style": Question(_IN + "traversals:style"),
    "decoder": Question(_IN + "decoder_export:decoder"),
    "auxiliary": Question(_IN + "auxiliary_variable:auxiliary"),
    "flow": Question(_IN + "flow:of_image", weights_and_snapshot),
    "see": Question(_IN + "own_image:see"),
    "usual_bounds": Question(_IN + "own_image:usual"),
    "terms": Question(_IN + "objective_terms:of_image"),
    "class_bounds": Question(_IN + "class_bounds:of_classes"),
    "image_bound": Question(_IN + "class_bounds:of_images"),
    # of snapshots, and of what jobs have kept: no torch
    "snapshot_images": Question(_IN + "snapshots:snapshot_images", snapshot),
    "pca": Question(_IN + "layouts:pca", snapshot),
    "turn": Question(_IN + "layouts:turn", snapshot),
    "frame": Question(_IN + "layouts:frame", snapshot),
    "line": Question(_IN + "layouts:line", snapshot),
    "principal": Question(_IN + "layouts:principal", snapshot),
    "figures": Question(_IN + "layouts:figures", either),
    "film": Question(_IN + "layouts:film", film),
    "reconstruction": Question(_IN + "reconstruction:of_kept", weights_and_snapshot),
    "mistaken": Question(_IN + "layouts:mistaken", snapshot),
    "calibration": Question(_IN + "calibration:of_snapshot", snapshot),
    "separability": Question(_IN + "separability:of_snapshot", separability),
    "usage": Question(_IN + "usage:of_run", usage),
    "likelihood": Question(_IN + "likelihood:of_run", likelihood),
    "samples": Question(_IN + "sample_scores:of_run", samples),
    "disputed": Question(_IN + "confusion:disputed", several),
    "full_dataset": Question(_IN + "full_dataset:read", full_dataset),
    "pixels": Question(_IN + "layouts:pixels", settings),
    "split": Question(_IN + "snapshots:split", settings),
}

_answers: ByteCache[object] = ByteCache(MOST_BYTES, plain.size)


def ask(what: str, folder: Folder | str | Path, **arguments: object) -> Any:
    """The answer to a question of `QUESTIONS` about a run, its arrays read-only.

    Raises TypeError if an argument or the answer is not plain, and what the question raises.
    """
    question, of = QUESTIONS[what], folder if isinstance(folder, Folder) else Folder(folder)
    given = {name: plain.plain(value, f"the argument {name} of {what!r}") for name, value in arguments.items()}
    stamp = question.stamp(of, given)

    def answer() -> object:
        return plain.plain(question.answer(of, given), f"the answer to {what!r}")

    if not question.kept:
        return answer()
    key = (what, str(of.path), stamp, *((name, plain.key(given[name])) for name in sorted(given)))
    return plain.handed_out(_answers.get(key, answer))


def is_loaded(what: str) -> bool:
    """Whether a question can be answered without importing anything first: torch takes some seconds, once."""
    return QUESTIONS[what].module in sys.modules


def load(what: str) -> None:
    """Import what answers a question."""
    import_module(QUESTIONS[what].module)


def forget() -> None:
    """Drop all answers that are kept."""
    _answers.clear()
