"""The difference of configurations: every setting in which the compared runs differ, what it changes, in words."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import pandas as pd
import streamlit as st

from data import DATASETS
from models import MODELS, TERMS
from models.errors import UserError
from models.nn.settings import MODEL, NAMES, NETWORKS, TRAINING, Settings
from models.runs.store import Folder
from models.runs.tail import whole_lines
from pages.parts.compare.compared_runs import Side
from pages.parts.shared import records, run_charts, words
from pages.parts.shared.run_metrics import finite, metrics

HEAD = 65536  # bytes of a run's records: its first one lies within
DATA = "data"


@dataclass(frozen=True)
class Setting:
    """What one setting of a run means."""

    kind: str
    words: str


SETTINGS: dict[str, Setting] = {
    "dataset": Setting(DATA, "which images: nothing below compares across data sets"),
    "labels": Setting(DATA, "how many images keep their label"),
    "seed": Setting(DATA, "which images keep their label, the first weights, the batches"),
    "validation": Setting(DATA, "images held out of training, measured on in place of the test images"),
    "model": Setting(MODEL, "what is assumed of the images, and so the whole objective"),
    "preset": Setting(MODEL, "a name for many of the settings below: tuned, or the paper's architecture"),
    "epochs": Setting(TRAINING, "passes over the unlabelled images"),
    "device": Setting(TRAINING, "where it was asked to run: speed, and the last digits"),
    "threads": Setting(TRAINING, "CPU threads it was given: speed, and the last digits"),
    **{f.name: Setting(f.metadata["kind"], f.metadata["words"]) for f in fields(Settings)},
}


def reads(model: str, name: str) -> bool:
    """Whether a method looks at this setting: a field of Settings if its card says so, one of the run always."""
    return name not in NAMES or name in MODELS[model].reads


def show(runs: Sequence[Side]) -> None:
    """The settings in which the runs differ, and their objectives term by term."""
    table = rows(runs)
    if table:
        st.dataframe(pd.DataFrame(table), hide_index=True, placeholder="–", alt="The settings in which the runs differ")
        st.caption(changed(table))
    st.markdown("**Their objectives, term by term**")
    st.dataframe(
        pd.DataFrame(objectives(runs)),
        hide_index=True,
        placeholder="–",
        alt="The terms of each run's objective",
        column_config={s.name: st.column_config.NumberColumn(s.name, format="%.3f") for s in runs},
    )
    unit = run_charts.unit([s.folder for s in runs])
    st.caption(
        f"{words.OBJECTIVE} {words.NATS} {unit[0].upper()}{unit[1:]}, the mean over the last whole epoch recorded, as "
        "in training. A dash: this objective has no such term, so objectives of different methods, or with other "
        "weights, do not compare; single terms may."
    )


def claim(runs: Sequence[Side]) -> str:
    """In how many settings they differ, in a sentence."""
    n = len(rows(runs))
    return f"They differ in {n} setting{'s' * (n != 1)}." if n else "They were trained with the same settings."


def rows(runs: Sequence[Side]) -> list[dict]:
    """A row for each setting in which the runs differ, those that only some of the methods look at included."""
    flat = []
    for side in runs:
        run = side.folder.run.to_dict()
        flat.append({**{k: v for k, v in run.items() if k not in ("settings", "custom")}, **run["settings"]})
    names = [*SETTINGS, *(k for k in flat[0] if k not in SETTINGS)]
    found = []
    for name in names:
        about = SETTINGS.get(name, Setting(TRAINING, ""))
        looks = [reads(s.folder.run.model, name) for s in runs]
        values = [written(name, f.get(name)) if at else "–" for f, at in zip(flat, looks, strict=True)]
        if len(set(values)) > 1:
            found.append(row(name.replace("_", " "), runs, values, about.kind, about.words))
    sizes = [parameters(s.folder) for s in runs]
    if len(set(sizes)) > 1:
        values = ["–" if n is None else f"{n:,}" for n in sizes]
        found.append(row("parameters", runs, values, NETWORKS, "how many numbers are learnt: from the settings above"))
    return found


def row(name: str, runs: Sequence[Side], values: Sequence[str], kind: str, words: str) -> dict:
    return {
        "Setting": name,
        **{s.name: v for s, v in zip(runs, values, strict=True)},
        "Concerns": kind,
        "What it changes": words,
    }


def written(name: str, value: object) -> str:
    """A setting as one reads it."""
    if name == "model":
        return MODELS[value].title
    if name == "dataset":
        return DATASETS[value].title
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else f"{value}"


def changed(table: Sequence[dict]) -> str:
    """In a sentence what kinds of things differ, and what may be concluded from the accuracies."""
    kinds = list(dict.fromkeys(r["Concerns"] for r in table))
    what = kinds[0] if len(kinds) == 1 else f"{', '.join(kinds[:-1])} and {kinds[-1]}"
    names = {r["Setting"] for r in table}
    if names == {"seed"}:
        return "Only the seed differs: what differs above is chance, and shows how large chance is."
    if len(names - {"parameters"}) == 1:
        return f"One setting differs ({what}). Another seed may move an accuracy as much: compare several."
    return (
        f"They differ in {what}, in {len(names)} lines here: no single one explains what they reach. "
        "A dash: this method does not look at the setting."
    )


def parameters(folder: Folder) -> int | None:
    """How many numbers a run learns, as its records say; None if they do not yet."""
    result = metrics(folder).result or {}
    if finite(result.get("parameters")):
        return int(result["parameters"])
    try:
        with open(folder.metrics, "rb") as f:
            first = whole_lines(f.read(HEAD), 0)[0]
    except (OSError, UserError):
        return None
    found = next((r.get("parameters") for r in first if r.get("kind") == "start"), None)
    return int(found) if finite(found) else None


def objectives(runs: Sequence[Side]) -> list[dict]:
    """A row for J and for each of its terms, per image: None where a run has no such term."""
    columns = {s.name: terms(s.folder) for s in runs}
    names = ["J", *(t for t in TERMS if any(t in c for c in columns.values()))]
    return [
        {"Term": "J, their sum" if n == "J" else TERMS[n], **{name: c.get(n) for name, c in columns.items()}}
        for n in names
    ]


def terms(folder: Folder) -> dict[str, float]:
    """J and its terms, each the mean over the last whole epoch recorded; empty if there is none yet."""
    m = metrics(folder)
    last = math.floor(m.steps[-1]) if m.steps else 0
    return records.of_epoch(m, last)
