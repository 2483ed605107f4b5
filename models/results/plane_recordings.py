"""Recorded sessions in the plane: what its methods say of each figure from the first step to the last, a file a figure.

They are what the exhibit's HTML file shows of the plane. `python -m models record --plane` makes them, and nothing else
does. What is recorded was fixed before anything was: each figure as it comes, the methods that the page shows at first,
seed 0, one thread. In a frame all methods stand at the same share of their steps.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

import numpy as np

import data
from models import MODELS
from models.plane import film
from models.plane.desk import Seen
from models.plane.setup import SetUp
from models.results import arrays, recordings
from models.results.outcome import Fingerprint, checked_fingerprint, fingerprint_key, todays_fingerprints
from models.runs.store import version

FRAMES = 22
EARLY = 1.7  # the power by which the frames lie nearer to each other at first, when most is learned
MOST_BYTES = 1 << 20  # of one recording; each has a quarter of that
# Of models/plane/picture.py, as far as a frame has them.
ARRAYS = ("q_y", "p_y", "log_p", "log_p_at", "gap", "samples", "curves", "z", "predicted", "terms")


@dataclass(frozen=True)
class PlaneRecording:
    """A session as it went. The last frame is the session when all have settled."""

    setup: SetUp
    frames: tuple[Mapping[str, Seen], ...]
    fingerprints: Mapping[str, Fingerprint]  # by method: what the code that trained it gives
    made: str  # the day, "2026-11-30"
    version: str  # of Few Labels


def wanted() -> list[SetUp]:
    """What is recorded."""
    models = tuple(name for name, card in MODELS.items() if card.first and "points" in card.kinds)
    return [SetUp(name, models, spec.default_labels, recordings.SEED) for name, spec in data.POINT_SETS.items()]


def path_of(dataset: str, where: Path | None = None) -> Path:
    return (where or recordings.RECORDINGS) / f"plane-{dataset}.npz"


@lru_cache(maxsize=8)
def _read(path: Path, mtime_ns: int) -> PlaneRecording:
    with arrays.reading(path, "recording", most=MOST_BYTES) as kept:
        about = json.loads(bytes(kept["about"]))
        numbers = film.Reader(kept["numbers"].tobytes())
        frames, curves = [], {}
        # Of a method without steps there are none: then the width of an empty table, which has the steps alone.
        terms = {m: np.array(of or np.zeros((0, 1)), np.float32) for m, of in about["terms"].items()}
        for says in about["frames"]:
            frame = {}
            for model, (step, total, accuracy, J, refs) in says.items():
                curve = curves.setdefault(model, [])
                if not curve or curve[-1][0] != step:
                    curve.append((int(step), float(accuracy)))
                found = {name: numbers.get(f"{model} {name}", ref) for name, ref in refs.items()}
                if model in terms:
                    found["terms"] = terms[model][terms[model][:, 0] <= step]
                frame[model] = Seen(int(step), int(total), float(accuracy), dict(J), list(curve), arrays=found)
            frames.append(frame)
        prints = {model: checked_fingerprint(value) for model, value in about["fingerprints"].items()}
        setup = SetUp.from_dict(about["setup"])
        if len(frames) < 2 or any(tuple(frame) != setup.models for frame in frames):
            raise ValueError("its frames do not fit")
        return PlaneRecording(setup, tuple(frames), prints, str(about["made"]), str(about["version"]))


def read(dataset: str, where: Path | None = None) -> PlaneRecording | None:
    """A recording, kept in memory; None if there is none. Raises StoreError, a sentence, if it is damaged."""
    path = path_of(dataset, where)
    try:
        return _read(path, path.stat().st_mtime_ns)
    except FileNotFoundError:
        return None


def there(where: Path | None = None) -> list[str]:
    """The figures of which there is a recording."""
    return [name for name in data.POINT_SETS if path_of(name, where).exists()]


def shares(n: int) -> list[float]:
    """How much of all steps is done at each of `n` frames."""
    return [(k / (n - 1)) ** EARLY for k in range(n)]


def of_session(setup: SetUp, n: int = FRAMES) -> PlaneRecording:
    """Let the methods of a session learn to their end, on one thread, and keep what `n` frames show of it."""
    import torch

    from models.plane.session import Session

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        session, frames = Session(setup), []
        for share in shares(n):
            for learner in session.learners.values():
                with learner.turn():
                    while learner.step < round(share * learner.total):
                        learner.advance()
            frames.append({model: seen_of(seen) for model, seen in session.frame(truth=True).items()})
    finally:
        torch.set_num_threads(threads)
    today = todays_fingerprints()
    prints = {m: today[fingerprint_key(setup.dataset, m, setup.run(m).preset)] for m in setup.models}
    return PlaneRecording(setup, tuple(frames), prints, datetime.now(UTC).date().isoformat(), version())


def seen_of(frame: Mapping) -> Seen:
    """One method of a session's frame."""
    kept = {name: frame[name] for name in ARRAYS if name in frame}
    of = {name: frame[name] for name in ("step", "total", "accuracy", "J", "curve")}
    return Seen(**of, arrays=kept)


def keep(recording: PlaneRecording, where: Path | None = None) -> Path:
    """Write a recording, whole or not at all. Raises StoreError, a sentence, where that is impossible."""
    numbers, frames = film.Writer(), []
    for frame in recording.frames:
        says = {}
        for model, seen in frame.items():
            kept = {name: a for name, a in seen.arrays.items() if name != "terms"}
            refs = {name: numbers.put(f"{model} {name}", name, a) for name, a in kept.items()}
            J = {term: round(value, 4) for term, value in seen.J.items()}
            says[model] = (seen.step, seen.total, seen.accuracy, J, refs)
        frames.append(says)
    # Those of a frame are the first of those of the last.
    last = {m: seen.arrays["terms"] for m, seen in recording.frames[-1].items() if "terms" in seen.arrays}
    about = {
        "setup": asdict(recording.setup), "frames": frames,
        "terms": {m: [[float(f"{value:.4g}") for value in row] for row in of.tolist()] for m, of in last.items()},
        "fingerprints": recording.fingerprints,
        "made": recording.made, "version": recording.version,
    }  # fmt: skip
    path = path_of(recording.setup.dataset, where)
    return arrays.keep(path, about, numbers=np.frombuffer(bytes(numbers.bytes), np.uint8))


def record(setups: Sequence[SetUp], say: Callable[[str], None], where: Path | None = None) -> None:
    """Train the methods of each and keep the recording. Raises a UserError."""
    for setup in setups:
        recording = of_session(setup)
        path = keep(recording, where)
        ends = ", ".join(f"{model} {seen.accuracy:.3f}" for model, seen in recording.frames[-1].items())
        say(f"{setup.dataset}: {ends}: {path.name}, {path.stat().st_size / 1024:.0f} KiB")
