"""What a finished run reached, and whether it counts in a table of results. Loads no torch.

A run counts for a cell (data set, model, labels, preset) when it is done, was evaluated on the whole test set, and is
what `Run.make` gives for that cell today: the same epochs and the same settings, begun from nothing. One that goes on
from another run, with labels that somebody gave, counts for none. So a preset that changes empties its
cells. So does code that changes what it trains, which no setting tells: a run keeps the fingerprint of the code that
trained it (models/results/fingerprint.py), and today's are in `models/results/fingerprints.json`. Which device and how
many threads it had does not matter. Of several such runs of one seed the newest counts, never the best.
"""

import json
import math
import statistics
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TypeGuard

from models.errors import StoreError
from models.runs.files import sentence
from models.runs.run import Run
from models.runs.store import PROJECT, Folder

Cell = tuple[str, str, int, str]  # dataset, model, labels, preset
Fingerprint = dict[str, list[float]]  # {"weights": [norm, sum, sum of cubes], "J": [nats in each of the first steps]}
FINGERPRINTS = (
    PROJECT / "models" / "results" / "fingerprints.json"
)  # of today's code, written by `python -m models.results.fingerprint`
TOLERANCE = 1e-4  # relative; other processors' rounding stays below 1e-6 (models/results/fingerprint.py)


@dataclass(frozen=True)
class Outcome:
    """The figures of one finished run."""

    dataset: str
    model: str
    labels: int
    preset: str
    seed: int
    epochs: int
    accuracy: float  # fraction of the full test set, or of the run's validation images
    seconds: float  # wall time of the whole run
    run: str | None  # the run's id; None: a reference figure
    beside: float | None  # M1: the same SVM on raw pixels
    device: str
    threads: int
    made: str  # ISO date
    fingerprint: Fingerprint | None = None  # of the code that trained it; None: it is older than fingerprints

    @property
    def cell(self) -> Cell:
        return self.dataset, self.model, self.labels, self.preset


@dataclass(frozen=True, kw_only=True)
class OverSeeds:
    """What has an outcome for each of some seeds, and their mean and spread."""

    outcomes: tuple[Outcome, ...] = ()  # seeds ascending

    @property
    def n(self) -> int:
        """How many seeds there are."""
        return len(self.outcomes)

    @property
    def mean(self) -> float | None:
        """Mean accuracy over the seeds; None without any."""
        return statistics.fmean(o.accuracy for o in self.outcomes) if self.outcomes else None

    @property
    def sd(self) -> float | None:
        """The sample's standard deviation over the seeds; None with fewer than two."""
        return statistics.stdev(o.accuracy for o in self.outcomes) if self.n > 1 else None

    @property
    def seconds(self) -> float | None:
        """Mean wall seconds of a run; None without any."""
        return statistics.fmean(o.seconds for o in self.outcomes) if self.outcomes else None


def cell_of(run: Run) -> Cell:
    return run.dataset, run.model, run.labels, run.preset


def outcome_of(folder: Folder) -> Outcome | None:
    """The figures of a run that is done; None if it has none that count. Whose settings it had is not asked here.

    One without a fingerprint counts: it was trained here, before there were any.
    """
    try:
        at = folder.metrics.stat()
        outcome = read_outcome(folder.path, folder.run, at.st_mtime_ns, at.st_size, at.st_ino)
        return outcome if outcome and same_code(outcome) is not False else None
    except (OSError, StoreError):
        return None


def same_code(outcome: Outcome) -> bool | None:
    """Whether today's code would train this run as it was trained; None if its fingerprint or today's is not known."""
    today = todays_fingerprints().get(fingerprint_key(outcome.dataset, outcome.model, outcome.preset))
    return None if outcome.fingerprint is None or today is None else same(outcome.fingerprint, today)


def same(one: Fingerprint, other: Fingerprint, tolerance: float = TOLERANCE) -> bool:
    """Whether two fingerprints are of the same training, up to `tolerance`, which is relative.

    J is compared with its own size. So is the norm of the weights, but not their sum and the sum of their cubes: these
    scatter around zero, by as much as the norm from one draw of the weights to another, so that is their scale.
    """
    (norm, *sums), (norm_2, *sums_2) = one["weights"], other["weights"]
    pairs = [(a, b, max(1.0, abs(b))) for a, b in zip(one["J"], other["J"], strict=True)]
    pairs += [(norm, norm_2, norm_2), *((a, b, norm_2) for a, b in zip(sums, sums_2, strict=True))]
    return all(abs(a - b) <= tolerance * scale for a, b, scale in pairs)


def fingerprint_key(dataset: str, model: str, preset: str) -> str:
    return f"{dataset} {model} {preset}"


@lru_cache(maxsize=1)
def todays_fingerprints() -> dict[str, Fingerprint]:
    """What today's code gives, by `fingerprint_key`. Raises StoreError if the file is not as it was delivered."""
    try:
        found = json.loads(FINGERPRINTS.read_bytes())
        return {key: checked_fingerprint(value) for key, value in found.items()}
    except OSError as e:
        raise StoreError(sentence(e, FINGERPRINTS)) from e
    except (ValueError, AttributeError, RecursionError) as e:
        raise StoreError(f"{FINGERPRINTS} cannot be read ({e}). Put it back from git.") from e


def checked_fingerprint(value: object) -> Fingerprint:
    """The same value if it is a fingerprint. Raises ValueError if it is none."""
    if isinstance(value, dict) and value.keys() == {"weights", "J"}:
        parts = value["weights"], value["J"]
        if all(isinstance(p, list) and len(p) == 3 and all(finite(v) for v in p) for p in parts):
            return value
    raise ValueError("a fingerprint is not two lists of three numbers")


def finite(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


@lru_cache(maxsize=4096)
def read_outcome(path: Path, run: Run, mtime_ns: int, size: int, inode: int) -> Outcome | None:
    """What metrics.jsonl says; the other arguments make a changed file a different key."""
    folder = Folder(path)
    result = folder.result() or {}
    if extended(folder) or run.parent is not None:
        return None
    on = "validation" if run.validation else "test"
    if result.get("evaluated_on", "test") != on or not fraction(result.get("test_accuracy")):
        return None
    if "seconds" not in result or "t" not in result:  # the reader leaves out a number that is not finite
        return None
    seconds, threads, t = (result.get(key, 0) for key in ("seconds", "threads", "t"))
    try:
        made = datetime.fromtimestamp(t, UTC).date().isoformat()
    except (TypeError, ValueError, OverflowError, OSError):
        return None  # a line that no run of ours wrote
    if not number(seconds) or not isinstance(threads, int):
        return None
    beside = result.get("raw_pixel_svm_accuracy")
    try:
        fingerprint = checked_fingerprint(result["fingerprint"]) if "fingerprint" in result else None
    except ValueError:
        return None
    return Outcome(
        run.dataset,
        run.model,
        run.labels,
        run.preset,
        run.seed,
        run.epochs,
        accuracy=result["test_accuracy"],
        seconds=seconds,
        run=folder.id,
        beside=beside if fraction(beside) else None,
        device=str(result.get("device", "?")),
        threads=threads,
        made=made,
        fingerprint=fingerprint,
    )


def extended(folder: Folder) -> bool:
    """Whether it began with other epochs than it has now: its schedule was then not that of such a run."""
    return any(epochs != folder.run.epochs for epochs in folder.summary().begun)


def number(value: object) -> TypeGuard[float]:
    """Whether it is a finite number of at least 0."""
    return finite(value) and value >= 0


def fraction(value: object) -> bool:
    return number(value) and value <= 1
