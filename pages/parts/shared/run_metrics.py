"""What the runs have recorded, read once for all viewers: a page asks again every second, the disk only for news."""

import math
import threading
from collections import OrderedDict, deque
from dataclasses import dataclass, field

import streamlit as st

from models.runs.store import Folder
from models.runs.tail import Tail

RUNS_KEPT = 64  # whose columns are in memory
PACED = 20  # epochs whose mean length is the pace: one alone swings by five times where others share the cores
TAILS_KEPT = 8  # whose records are, too: some ten megabytes each, and of use only while a run goes on


@dataclass(frozen=True)
class Metrics:
    """A run's records as columns. Lists belong to all viewers: never change them."""

    epochs: list[float] = field(default_factory=list)  # whole epochs, 0 before training
    test: list[float] = field(default_factory=list)  # accuracy at `epochs`, 0 to 1
    labelled: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)  # from the run's beginning, at `epochs`
    steps: list[float] = field(default_factory=list)  # epochs, with fractions, of the step records
    objective: list[float] = field(default_factory=list)  # per image, at `steps`
    terms: dict[str, tuple[list[float], list[float]]] = field(default_factory=dict)  # name: (epochs, values per image)
    means: dict[str, tuple[list[float], list[float]]] = field(default_factory=dict)  # the same, over whole epochs
    planned: int = 0  # epochs
    steps_per_epoch: int = 0  # as the run said when it began; 0: it has not
    result: dict | None = None
    seconds_per_epoch: float | None = None
    preparing: dict | None = None  # the last "prepare" record, until training has begun

    @property
    def test_accuracy(self) -> float | None:
        """On the whole test set: that of the result, else of the last epoch, 0 to 1; None if there is none."""
        known = (self.result or {}).get("test_accuracy", self.test[-1] if self.test else None)
        return known if finite(known) else None

    def test_after(self, epoch: int) -> float | None:
        """What the run measured on the whole test set after this epoch, 0 to 1; None if it is not on record."""
        if not self.epochs or epoch >= self.epochs[-1]:
            return self.test_accuracy if self.epochs and epoch == self.epochs[-1] else None
        found = next((a for e, a in zip(self.epochs, self.test, strict=True) if e == epoch), math.nan)
        return found if finite(found) else None

    @property
    def progress(self) -> float:
        """0 to 1, by epochs."""
        if self.result:
            return 1.0
        if self.preparing:
            return min(1.0, self.preparing["done"] / max(1, self.preparing["total"]))
        terms = [epochs[-1] for epochs, _ in self.terms.values()]
        at = max(self.steps[-1:] + self.epochs[-1:] + terms, default=0.0)
        return min(1.0, at / self.planned) if self.planned else 0.0


@dataclass
class _Kept:
    """What is in memory, the runs asked for last at the end of each."""

    columns: OrderedDict[str, tuple[tuple, Metrics]] = field(default_factory=OrderedDict)  # beside what they are of
    tails: OrderedDict[str, Tail] = field(default_factory=OrderedDict)  # of the runs that recorded something last
    lock: threading.Lock = field(default_factory=threading.Lock)


@st.cache_resource(show_spinner=False)
def _kept() -> _Kept:
    return _Kept()


def metrics(folder: Folder) -> Metrics:
    """What `folder` has recorded so far. Costs a `stat` when there is nothing new."""
    kept, key, now = _kept(), str(folder.path), (folder.run.epochs, *_stamp(folder))
    with kept.lock:
        before, made = kept.columns.pop(key, (None, None))
        if before != now:
            tail = kept.tails.pop(key, None) or Tail(folder)
            made = columns(tail.read(), folder.run.epochs)
            kept.tails[key] = tail
        kept.columns[key] = now, made
        for runs, most in ((kept.columns, RUNS_KEPT), (kept.tails, TAILS_KEPT)):
            while len(runs) > most:
                runs.popitem(last=False)
    return made


def _stamp(folder: Folder) -> tuple[int, ...]:
    """Changes with every record."""
    try:
        at = folder.metrics.stat()
    except OSError:
        return ()
    return at.st_ino, at.st_size, at.st_mtime_ns


def columns(records: list[dict], planned: int) -> Metrics:
    """Records of the run's file as columns. What is no finite number is left out: a chart has no place for it."""
    m = Metrics(planned=planned)
    result = pace = preparing = None
    steps = 0
    ends: deque[tuple[float, float]] = deque(maxlen=PACED + 1)  # of the latest epochs: epoch, seconds
    for r in records:
        kind = r.get("kind")
        if kind == "epoch" and finite(r.get("epoch")):
            m.epochs.append(r["epoch"])
            m.test.append(number(r.get("test_accuracy")))
            m.labelled.append(number(r.get("labelled_accuracy")))
            m.seconds.append(number(r.get("seconds")))
            keep_terms(m.means, r)
            if finite(m.seconds[-1]):
                ends.append((r["epoch"], m.seconds[-1]))  # evaluations included
            if len(ends) > 1 and ends[-1][0] > ends[0][0]:
                pace = (ends[-1][1] - ends[0][1]) / (ends[-1][0] - ends[0][0])
        elif kind == "step" and finite(r.get("epoch")):
            if finite(r.get("J")):  # there is none while a run learns by contrast alone
                m.steps.append(r["epoch"])
                m.objective.append(r["J"])
            keep_terms(m.terms, r)
        elif kind == "result":
            result = r
        elif kind == "prepare" and finite(r.get("done")) and finite(r.get("total")):
            preparing = r
        elif kind == "start":
            result = preparing = None  # continued: there is more to come,
            ends.clear()  # and the pause in between was no epoch
            steps = r.get("steps_per_epoch", 0)
    found = {"result": result, "seconds_per_epoch": pace, "preparing": preparing, "steps_per_epoch": steps}
    return Metrics(**m.__dict__ | found)


def keep_terms(columns: dict[str, tuple[list[float], list[float]]], record: dict) -> None:
    """Add the terms of a record to their columns."""
    terms = record.get("terms")
    for name, value in terms.items() if isinstance(terms, dict) else ():
        if finite(value):
            at, values = columns.setdefault(name, ([], []))
            at.append(record["epoch"])
            values.append(value)


def finite(value: object) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)


def number(value: object) -> float:
    return value if finite(value) else math.nan
