"""The preset "custom": single settings of the chosen methods in place of a preset's, bound to ?set=name=value."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import streamlit as st

from data import Spec
from models import MODELS
from models.errors import UserError
from models.limits import Name, Number, Switch
from models.methods.presets import PRESETS
from models.nn.settings import FIELDS, range_of, read, read_all, written
from models.results.sweeps import runs_of
from models.runs.run import Run
from pages.parts.lab import sweep
from pages.parts.shared import run_pickers

CUSTOM = "custom"
CHOICES = (*PRESETS, CUSTOM)
PARAM, PREFIX = "set", "custom-"
PRESET, LAST = "preset", "last-preset"  # Results has a ?preset= of its own
COLUMNS = 2


def choose_preset(**more: Any) -> str:
    """One of the presets, or "custom", bound to ?preset=; "custom" if the address names settings and no preset."""
    named = bool(st.query_params.get_all(PARAM)) or sweep.KEY in st.query_params
    if named:
        st.session_state.pop(LAST, None)
    run_pickers.linked(PRESET, CHOICES, CUSTOM if named else PRESETS[0], last=LAST)
    on_change = run_pickers.to_address(PRESET)
    return st.selectbox("Preset", CHOICES, key=PRESET, filter_mode=None, on_change=on_change, **more)


@dataclass(frozen=True)
class Custom:
    """What is chosen: settings in place of the first preset's, and one to be swept over its values, as typed."""

    changes: dict[str, Any] = field(default_factory=dict)
    swept: str = ""
    values: tuple[str, ...] = ()

    def read_by(self, model: str) -> dict[str, Any]:
        """Those that a method uses."""
        return {name: value for name, value in self.changes.items() if name in MODELS[model].reads}

    def swept_over(self, runs: Sequence[Run]) -> list[Run]:
        """These runs, one for each value of the sweep. Raises RunError."""
        return runs_of(runs, self.swept, self.values) if self.values else list(runs)


def choose(spec: Spec, models: Sequence[str]) -> Custom:
    """The settings that are chosen; what none of the methods uses is not offered."""
    used = [name for name in FIELDS if any(name in MODELS[model].reads for model in models)]
    take_from_address(used)
    usual = {name: usual_values(name, spec, models) for name in used}
    number = sum(st.session_state.get(PREFIX + name) not in (None, "") for name in used)
    with st.popover(f"Settings ({number} changed)" if number else "Settings", icon=":material/tune:", width="stretch"):
        swept = sweep.choose(used)
        st.caption("What is left empty stays as in the tuned preset, whose value stands there in grey.")
        for kind, names in groupby(sorted(used, key=lambda n: FIELDS[n].metadata["kind"]), kind_of):
            st.markdown(f"**{kind.capitalize()}**")
            columns = st.columns(COLUMNS)
            for i, name in enumerate(names):
                with columns[i % COLUMNS]:
                    widget(name, usual[name])
                    st.caption(f"{FIELDS[name].metadata['words'].capitalize()}. {str(range_of(name)).capitalize()}.")
    changes = {}
    for name in used:
        value = st.session_state.get(PREFIX + name)
        if value in (None, ""):
            continue
        try:
            changes[name] = read(name, str(value)) if isinstance(value, str) else value
        except UserError as e:
            run_pickers.refuse(str(e))
    to_address(changes)
    return Custom(changes, *swept)


def kind_of(name: str) -> str:
    return FIELDS[name].metadata["kind"]


def usual_values(name: str, spec: Spec, models: Sequence[str]) -> str:
    """What the preset has for it, as one types it; several where the methods differ."""
    values = [getattr(MODELS[m].settings(spec, PRESETS[0]), name) for m in models if name in MODELS[m].reads]
    return " or ".join(dict.fromkeys(map(written, values)))


def widget(name: str, usual: str) -> None:
    """A field for one setting. Empty means: as in the preset."""
    known, key = range_of(name), PREFIX + name
    if isinstance(known, Number):
        kind, step = (int, 1) if known.whole else (float, 0.01)
        st.number_input(
            name, kind(known.least), kind(known.most), None, step, format="%d" if known.whole else "%g",
            key=key, placeholder=usual, persist_state="session",
        )  # fmt: skip
    elif isinstance(known, Switch | Name):
        names = ["true", "false"] if isinstance(known, Switch) else list(known.of)
        st.selectbox(name, names, index=None, key=key, placeholder=usual, persist_state="session")
    else:
        st.text_input(name, key=key, placeholder=usual, persist_state="session")


def take_from_address(used: Sequence[str]) -> None:
    """Let the fields show what a link asks for, once a link; what cannot be is a sentence until something is chosen."""
    asked = st.query_params.get_all(PARAM)
    if asked == st.session_state.get("custom_taken", []):
        return
    refused = []
    for text in asked:
        try:
            for name, value in read_all([text]).items():
                if name in used:
                    plain = isinstance(range_of(name), Number)
                    st.session_state[PREFIX + name] = value if plain else written(value)
        except UserError as e:
            refused.append(str(e))
    st.session_state["custom_refused"] = refused


def to_address(changes: dict[str, Any]) -> None:
    """Write what is chosen into the address."""
    texts = [f"{name}={written(value)}" for name, value in changes.items()]
    if texts != st.session_state.setdefault("custom_taken", texts):
        st.session_state["custom_refused"] = []
    for sentence in st.session_state.get("custom_refused", []):
        run_pickers.refuse(sentence)
    st.session_state["custom_taken"] = texts
    if st.query_params.get_all(PARAM) != texts:
        st.query_params[PARAM] = texts
