"""A session on disk: what a page asks for, and what the session's processes show. No torch.

A page writes `ask.json` and touches `seen`; the supervisor writes `turn.json`, which place in the queue it has; its
processes write `frame-MODEL.safetensors`, the latest of each method, and `state-MODEL.pt`, where it goes on at the next
turn: a method's, so that it does not matter how many processes there are then. All appear whole or not at all. Nothing
here is kept: a session that nobody has looked at for a while is removed.
"""

import json
import os
import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from models.plane.setup import SetUp

UNSEEN = 30.0  # seconds without a page after which a session stops
FORGOTTEN = 3600.0  # after which its folder is removed


@dataclass(frozen=True)
class Ask:
    """What a page wants of its session."""

    setup: SetUp
    playing: bool = False
    steps: int = 0  # single steps asked for so far
    resets: int = 0
    truth: bool = False  # whether frames have log p(x), p(y|x) and the gap of the bound
    point: int = -1  # of the training points, the one whose p(z|x,y) and q(z|x,y) frames have; -1: none
    since: float = 0.0  # time.time() at which it was last asked to play: the order of the queue


@dataclass(frozen=True)
class Seen:
    """One method in a frame."""

    step: int
    total: int
    accuracy: float
    J: Mapping[str, float]  # its terms, nats per point: means over the steps since the frame before
    curve: list[tuple[int, float]]
    arrays: Mapping[str, np.ndarray] = field(repr=False)  # see models/plane/picture.py
    point: int = -1  # the one of "p_z" and "q_z"

    @property
    def settled(self) -> bool:
        return self.step >= self.total


@dataclass(frozen=True)
class Desk:
    """The folder of one session."""

    path: Path

    @property
    def token(self) -> str:
        return self.path.name

    # The page's side

    def ask(self, ask: Ask) -> None:
        """Raises OSError."""
        self.path.mkdir(parents=True, exist_ok=True)
        write(self.path / "ask.json", json.dumps(asdict(ask)).encode())
        self.look()

    def look(self) -> None:
        """Somebody sees this session."""
        with suppress(OSError):
            (self.path / "seen").touch()

    def place(self) -> int:
        """Its place among the sessions that wait, 1 for the next; 0: it is its turn, or nothing is known yet."""
        return int(read_json(self.path / "turn.json").get("place", 0))

    def trouble(self) -> str:
        """The sentence that says why the session cannot do what is asked now, or ""."""
        kept = read_json(self.path / "trouble.json")
        return str(kept.get("says", "")) if kept.get("asked") == read_json(self.path / "ask.json") else ""

    def shows(self, since: float) -> bool:
        """Whether any method has shown something since then, of whatever set-up."""
        with suppress(OSError):
            return any(path.stat().st_mtime >= since for path in self.path.glob("frame-*.safetensors"))
        return False

    def frame(self) -> dict[str, Seen]:
        """The latest of every method, as far as there is one for what is asked."""
        ask = self.asked()
        found: dict[str, Seen] = {}
        for model in ask.setup.models if ask else ():
            about, arrays = read_frame(self.frame_path(model))
            with suppress(KeyError, TypeError, ValueError, AttributeError):  # what another version has left
                if ask and is_of(about, ask):
                    says = about["says"]
                    curve = [(int(step), float(a)) for step, a in says.pop("curve")]
                    found[model] = Seen(**says, curve=curve, arrays=arrays)
        return found

    # The other side

    def asked(self) -> Ask | None:
        """What was asked last; None if nothing was, or nothing that this version understands."""
        d = read_json(self.path / "ask.json")
        try:
            playing, truth = bool(d["playing"]), bool(d["truth"])
            steps, resets, point = (int(d[name]) for name in ("steps", "resets", "point"))
            return Ask(SetUp.from_dict(d["setup"]), playing, steps, resets, truth, point, float(d["since"]))
        except (KeyError, TypeError, ValueError):
            return None

    def unseen(self) -> float:
        """Seconds since a page looked at it."""
        try:
            return time.time() - (self.path / "seen").stat().st_mtime
        except OSError:
            return float("inf")

    def say_place(self, place: int) -> None:
        if self.place() != place or not (self.path / "turn.json").exists():
            with suppress(OSError):
                write(self.path / "turn.json", json.dumps({"place": place}).encode())

    def say_trouble(self, says: str) -> None:
        """Say why what is asked now cannot be done: another ask is another matter."""
        with suppress(OSError):
            kept = {"says": says, "asked": read_json(self.path / "ask.json")}
            write(self.path / "trouble.json", json.dumps(kept).encode())

    def frame_path(self, model: str) -> Path:
        return self.path / f"frame-{model}.safetensors"

    def state_path(self, model: str) -> Path:
        return self.path / f"state-{model}.pt"

    def behind(self, ask: Ask) -> bool:
        """Whether what is shown is not yet all that is asked for."""
        there = [self.frame_path(model) for model in ask.setup.models]
        return any(read_about(path).get("done") != done(ask) for path in there if path.exists())

    def followed(self, model: str) -> int:
        """How many of the single steps asked for the latest frame of a method has."""
        kept = read_about(self.frame_path(model)).get("done")
        return int(kept[0]) if isinstance(kept, list) and kept else 0

    def wants(self, ask: Ask) -> bool:
        """Whether there is something to learn or to show, and nothing stands in its way."""
        if self.trouble():
            return False
        settled: dict[str, bool] = {}
        behind = False
        for model in ask.setup.models:
            about = read_about(self.frame_path(model))
            with suppress(KeyError, TypeError, ValueError, AttributeError):
                if is_of(about, ask):
                    settled[model] = about["says"]["step"] >= about["says"]["total"]
                    behind = behind or about["done"] != done(ask)
        if len(settled) < len(ask.setup.models):
            return True
        return (ask.playing and not all(settled.values())) or behind

    def give_way(self, leave: bool) -> None:
        """Ask the processes of the session to leave, for others wait; or take that back."""
        with suppress(OSError):
            (self.path / "leave").touch() if leave else (self.path / "leave").unlink(missing_ok=True)

    def must_leave(self) -> bool:
        return (self.path / "leave").exists()

    def show(self, setup: SetUp, frames: Mapping[str, Mapping[str, Any]], ask: Ask) -> None:
        """Keep frames of methods that follow `ask`. Raises OSError."""
        from safetensors.numpy import save

        for model, seen in frames.items():
            own = {name: a for name, a in seen.items() if isinstance(a, np.ndarray)}
            arrays = {name: np.ascontiguousarray(a) for name, a in own.items()}  # `save` heeds no strides
            says = {name: a for name, a in seen.items() if name not in own}
            about = {"about": json.dumps({"setup": asdict(setup), "says": says, "done": done(ask)})}
            write(self.frame_path(model), save(arrays, about))


def done(ask: Ask) -> list:
    """What of `ask` a frame has to follow, besides the set-up and the playing."""
    return [ask.steps, ask.resets, ask.truth, ask.point]


def is_of(about: dict, ask: Ask) -> bool:
    """Whether a frame is of the set-up asked for, or of some of its methods. Raises KeyError, TypeError, ValueError."""
    return replace(SetUp.from_dict(about["setup"]), models=ask.setup.models) == ask.setup


def desks(root: Path) -> list[Desk]:
    """The sessions of a folder; those that nobody has looked at for long are removed."""
    try:
        every = [Desk(path) for path in sorted(root.iterdir()) if path.is_dir()]
    except OSError:
        return []
    for desk in every:
        if FORGOTTEN < desk.unseen() < float("inf"):
            shutil.rmtree(desk.path, ignore_errors=True)
    return [desk for desk in every if desk.path.exists()]


def asked_to_go_on(ask: Ask, **changes: Any) -> Ask:
    """The same with changes, at the end of the queue if it begins to play with them."""
    after = replace(ask, **changes)
    begins = after.playing and not ask.playing
    return replace(after, since=time.time()) if begins or after.steps > ask.steps else after


def write(path: Path, content: bytes) -> None:
    """Whole or not at all, but not for a power cut: it is gone with the session. Raises OSError."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_bytes(content)
    os.replace(draft, path)


def read_json(path: Path) -> dict:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def read_about(path: Path) -> dict:
    """What a frame says of itself, without its arrays; {} if there is none, or none that is whole."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "numpy") as f:
            return json.loads((f.metadata() or {})["about"])
    except (OSError, SafetensorError, KeyError, ValueError):
        return {}


def read_frame(path: Path) -> tuple[dict, dict[str, np.ndarray]]:
    """({}, {}) if there is none, or none that is whole."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "numpy") as f:
            about = json.loads((f.metadata() or {})["about"])
            return about, {name: f.get_tensor(name) for name in f.keys()}  # noqa: SIM118 (not a dict)
    except (OSError, SafetensorError, KeyError, ValueError):
        return {}, {}
