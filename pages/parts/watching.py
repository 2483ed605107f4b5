"""What the runs have recorded, read once for all viewers: a page asks again every second, the disk only for news."""

import math
import threading
from collections import OrderedDict
from dataclasses import dataclass, field

import streamlit as st

from models.store import FINAL, Folder, Tail

RUNS_KEPT = 64  # tails in memory; a long run's records are some megabytes


@dataclass(frozen=True)
class Metrics:
    """A run's records as columns. Lists belong to all viewers: never change them."""

    epochs: list[float] = field(default_factory=list)  # whole epochs, 0 before training
    test: list[float] = field(default_factory=list)  # accuracy at `epochs`, 0 to 1
    labelled: list[float] = field(default_factory=list)
    steps: list[float] = field(default_factory=list)  # epochs, with fractions, of the step records
    objective: list[float] = field(default_factory=list)  # nats per image at `steps`
    terms: dict[str, tuple[list[float], list[float]]] = field(default_factory=dict)  # name: (epochs, nats per image)
    planned: int = 0  # epochs
    result: dict | None = None
    seconds_per_epoch: float | None = None

    @property
    def progress(self) -> float:
        """0 to 1, by epochs."""
        if self.result:
            return 1.0
        at = max(self.steps[-1:] + self.epochs[-1:], default=0.0)
        return min(1.0, at / self.planned) if self.planned else 0.0


@st.cache_resource(show_spinner=False)
def _tails() -> tuple[OrderedDict[str, tuple[Tail, int, Metrics]], threading.Lock]:
    return OrderedDict(), threading.Lock()


def metrics(folder: Folder) -> Metrics:
    """What `folder` has recorded so far. Costs a `stat` when there is nothing new."""
    tails, lock = _tails()
    key = str(folder.path)
    with lock:
        tail, seen, made = tails.pop(key, None) or (Tail(folder), None, Metrics())
        records = tail.read()
        if (len(records), id(records[-1]) if records else 0) != seen:
            seen, made = (len(records), id(records[-1]) if records else 0), columns(records, folder.run.epochs)
        tails[key] = tail, seen, made
        while len(tails) > RUNS_KEPT:
            tails.popitem(last=False)
    return made


def columns(records: list[dict], planned: int) -> Metrics:
    """Records of the run's file as columns. What is no finite number is left out: a chart has no place for it."""
    m = Metrics(planned=planned)
    result = pace = last = None
    for r in records:
        kind = r.get("kind")
        if kind == "epoch" and finite(r.get("epoch")):
            m.epochs.append(r["epoch"])
            m.test.append(number(r.get("test_accuracy")))
            m.labelled.append(number(r.get("labelled_accuracy")))
            now = (r["epoch"], r.get("seconds"))  # seconds since the beginning, evaluations included
            if last and finite(now[1]) and finite(last[1]) and now[0] > last[0]:
                pace = (now[1] - last[1]) / (now[0] - last[0])
            last = now
        elif kind == "step" and finite(r.get("epoch")) and finite(r.get("J")):
            m.steps.append(r["epoch"])
            m.objective.append(r["J"])
            for name, value in (r.get("terms") or {}).items():
                if finite(value):
                    at, values = m.terms.setdefault(name, ([], []))
                    at.append(r["epoch"])
                    values.append(value)
        elif kind == "result":
            result = r
        elif kind == "start":
            result = last = None  # continued: there is more to come, and the pause in between was no epoch
    return Metrics(**{**m.__dict__, "result": result, "seconds_per_epoch": pace})


def finite(value: object) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)


def number(value: object) -> float:
    return value if finite(value) else math.nan


def ended(state: str) -> bool:
    """Whether a run in this state changes no more by itself."""
    return state in FINAL
