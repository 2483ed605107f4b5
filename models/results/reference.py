"""Reference figures: those of our own runs, kept in `docs/results/` as JSON, so that a fresh copy can show them.

Figures and what somebody needs to check them (settings, versions, git revision, machine), no weights. They count by
the rule for every run (models/results/outcome.py): one whose settings are no longer the preset's, or which other
code trained than today's, is in no table, and is dropped from its file when that is written next; git has it still.
"""

import json
import os
import platform
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import cast

from models import in_order
from models.errors import RunError, StoreError
from models.nn.settings import Settings
from models.nn.settings import from_dict as settings_from_dict
from models.results.outcome import Cell, Outcome, checked_fingerprint, fraction, number, outcome_of, same_code
from models.runs.files import replace, sentence
from models.runs.run import Run, is_todays
from models.runs.store import PROJECT, Folder

REFERENCE = PROJECT / "docs" / "results"


@dataclass(frozen=True)
class Entry:
    """A reference figure and what somebody needs to check it."""

    outcome: Outcome
    settings: Settings | None  # None: they have names that are none of today's
    about: dict  # parameters, versions, git revision, machine


def reference_file(dataset: str, preset: str, reference: Path = REFERENCE) -> Path:
    return reference / f"{dataset}-{preset}.json"


def entries(reference: Path = REFERENCE) -> tuple[list[Entry], list[str]]:
    """The reference figures that count today, and a sentence for every file that cannot be read."""
    found, troubles = [], []
    for path in sorted(reference.glob("*.json")) if reference.is_dir() else ():
        try:
            found += [e for e in read_entries(path) if counts(e)]
        except StoreError as e:
            troubles.append(str(e))
    return found, troubles


def entries_of(cell: Cell, reference: Path = REFERENCE) -> list[Entry]:
    """Those of `entries` that are of one cell; only its file is read. Raises StoreError if that is damaged."""
    path = reference_file(cell[0], cell[3], reference)
    return [e for e in read_entries(path) if e.outcome.cell == cell and counts(e)] if path.exists() else []


def problems(reference: Path = REFERENCE) -> list[str]:
    """A sentence for every file of reference figures that cannot be read; its figures are in no table."""
    return entries(reference)[1]


def read_entries(path: Path) -> list[Entry]:
    """What is in a file of reference figures, today's and older. Raises StoreError if it is damaged or another file."""
    try:
        return [entry_from(d) for d in json.loads(path.read_bytes())["outcomes"]]
    except OSError as e:
        raise StoreError(sentence(e, path)) from e
    except (ValueError, KeyError, TypeError, RecursionError) as e:
        raise StoreError(
            f"{path} holds no figures that can be read ({type(e).__name__}: {e}). Put it back from git, or delete it."
        ) from e


def entry_from(d: dict) -> Entry:
    """An entry as `plain` gave it. Raises KeyError, TypeError or ValueError if it is none."""
    d = dict(d)
    settings = d.pop("settings")
    fingerprint = d.pop("fingerprint", None)  # files of before 2026-11-28 have none
    kept = {f.name: d.pop(f.name) for f in fields(Outcome) if f.name not in ("run", "fingerprint")}
    outcome = Outcome(**kept, run=None, fingerprint=None if fingerprint is None else checked_fingerprint(fingerprint))
    words = (outcome.dataset, outcome.model, outcome.preset, outcome.device, outcome.made)
    if not all(isinstance(word, str) for word in words):
        raise ValueError("a name is no text")
    counted = (outcome.labels, outcome.seed, outcome.epochs, outcome.threads)
    if not all(isinstance(n, int) for n in counted) or not number(outcome.seconds):
        raise ValueError("a count is no number")
    if not fraction(outcome.accuracy) or not (outcome.beside is None or fraction(outcome.beside)):
        raise ValueError("an accuracy is not between 0 and 1")
    try:
        todays = settings_from_dict(settings)
    except TypeError:
        todays = None
    return Entry(outcome, todays, d)


def counts(entry: Entry) -> bool:
    """Whether a reference figure is of what its preset means today, and trained as today's code would train it."""
    o = entry.outcome
    if entry.settings is None or o.fingerprint is None or same_code(o) is False:
        return False
    try:
        return is_todays(Run(o.dataset, o.model, o.labels, o.seed, o.epochs, o.preset, entry.settings))
    except RunError:
        return False


def entry_of(folder: Folder) -> Entry | None:
    """The reference figure that a finished run of this machine becomes."""
    outcome = outcome_of(folder)
    if outcome is None:
        return None
    made, result = folder.made, folder.result() or {}
    about = {
        "parameters": result.get("parameters"),
        "versions": {k: made[k] for k in ("python", "platform", "torch", "numpy", "scikit-learn") if k in made},
        "git": made.get("git"),
        "machine": machine() if made.get("platform") == platform.platform() else None,  # not that of a copied run
    }
    return Entry(outcome, folder.run.settings, about)


def merge(outcomes: Iterable[Outcome], root: Path, reference: Path = REFERENCE) -> list[Path]:
    """Keep the figures of finished runs in `root` as reference figures; the files that changed.

    A figure replaces the one of the same cell and seed. What no longer counts is dropped from a file that is written.
    Raises StoreError if a file there cannot be read or written; it is then left as it is.
    """
    new: dict[Path, dict[tuple, Entry]] = defaultdict(dict)
    for o in outcomes:
        if o.run is not None and (entry := entry_of(Folder(root / o.run))):
            new[reference_file(o.dataset, o.preset, reference)][*o.cell, o.seed] = entry
    changed = []
    for path, figures in new.items():
        old = [e for e in read_entries(path) if counts(e)] if path.exists() else []
        whole = {(*e.outcome.cell, e.outcome.seed): e for e in old} | figures
        if write_entries(path, whole.values()):
            changed.append(path)
    return changed


def write_entries(path: Path, figures: Iterable[Entry]) -> bool:
    """Write a file of reference figures in table order; False if it says the same already."""
    figures = list(figures)
    order = {name: i for i, name in enumerate(in_order(e.outcome.model for e in figures))}
    figures = sorted(figures, key=lambda e: (e.outcome.labels, order[e.outcome.model], e.outcome.seed))
    about = "Reference figures, written by `python -m models table --reference`. Accuracies are on the full test set."
    text = json.dumps({"about": about, "outcomes": [plain(e) for e in figures]}, indent=1) + "\n"
    try:
        if path.exists() and path.read_text(encoding="utf-8") == text:
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        replace(path, text)
    except OSError as e:
        raise StoreError(sentence(e, path)) from e
    return True


def plain(entry: Entry) -> dict:
    """An entry as JSON holds it."""
    outcome = {k: v for k, v in asdict(entry.outcome).items() if k != "run"}
    settings = cast(Settings, entry.settings)  # one with other names does not count, so it is not kept
    return {**outcome, **entry.about, "settings": asdict(settings)}


@lru_cache(maxsize=1)
def machine() -> dict:
    """The processor's name and how many cores there are, whatever part of them a run was given (`threads` tells)."""
    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), name)
    except OSError:
        pass  # not Linux
    return {"cpu": name, "cores": os.cpu_count()}
