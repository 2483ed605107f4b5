"""What a run needs to continue exactly where it stopped: weights, averages, the optimiser's state, the RNG state.
And what one needs to begin where another stopped: its weights.

Safetensors only, each file written beside its final name and then renamed: never torn, and nothing in it can execute.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from models import aliases
from models.errors import StoreError
from models.nn.device import rng_state, set_rng_state
from models.runs.files import replacing, unreadable
from models.runs.records import check_tensors
from models.runs.start_weights import START

if TYPE_CHECKING:
    from models.training.trainer import Trainer

NAME = "checkpoint.safetensors"


@dataclass
class Progress:
    """How far a run is."""

    step: int = 0  # steps done
    seconds: float = 0.0  # of all its processes so far
    training_seconds: float = 0.0  # of these, spent in steps
    counted: int = 0  # steps of this epoch so far
    sums: Tensor | None = None  # of each term of J over them


def save_tensors(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str] | None = None) -> None:
    """Write a safetensors file whole or not at all. Raises StoreError, for instance on a full disk."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as draft:
            save_file({k: t.detach().cpu().contiguous().clone() for k, t in tensors.items()}, draft, metadata)
    except (OSError, SafetensorError) as e:
        raise StoreError(f"{path} cannot be written ({e}). Free some space, or choose another folder for runs.") from e


def save_progress(folder: Path, trainer: "Trainer", at: Progress) -> None:
    """Keep all that `load_progress` needs, in one file, so that its parts always belong together."""
    tensors = {f"model.{k}": t for k, t in trainer.model.state_dict().items()}
    if trainer.averaged is not trainer.model:
        tensors |= {f"averaged.{k}": t for k, t in trainer.averaged.state_dict().items()}
    if trainer.contrastive:
        tensors |= {f"contrastive.{k}": t for k, t in trainer.contrastive.head.state_dict().items()}
    tensors |= {f"training.{k}": t for k, t in trainer.model.training_state().items()}
    for i, memory in trainer.optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{i}.{k}": torch.as_tensor(t) for k, t in memory.items()}
    tensors |= {f"rng_state.{k}": t for k, t in rng_state(trainer.device).items()}
    if at.sums is not None:
        tensors["sums.sums"] = at.sums
    numbers = {k: repr(v) for k, v in vars(at).items() if k != "sums"}
    save_tensors(folder / NAME, tensors, numbers | {"terms": json.dumps(trainer.names)})


def load_progress(folder: Path, trainer: "Trainer") -> Progress | None:
    """Put `trainer` where the run stopped; None if there is nothing to continue. Raises StoreError if damaged."""
    path = folder / NAME
    if not path.exists():
        return None
    try:
        check_tensors(path, empty=True)
        with safe_open(path, "pt") as f:
            meta = f.metadata()
            tensors = aliases.tensors({k: f.get_tensor(k) for k in f.keys()})  # noqa: SIM118 (safe_open is no dict)
        part = {room: {} for room in ("model", "averaged", "contrastive", "training", "optimizer", "rng_state", "sums")}
        for key, t in tensors.items():
            room, _, rest = key.partition(".")
            part[room][rest] = t
        trainer.model.load_state_dict(part["model"])
        if trainer.averaged is not trainer.model:
            trainer.averaged.load_state_dict(part["averaged"])
        if trainer.contrastive:
            trainer.contrastive.head.load_state_dict(part["contrastive"])
        trainer.model.load_training_state(part["training"])
        memory: dict[int, dict[str, Tensor]] = {}
        for key, t in part["optimizer"].items():
            i, _, name = key.partition(".")
            memory.setdefault(int(i), {})[name] = t
        state = trainer.optimizer.state_dict()
        trainer.optimizer.load_state_dict({**state, "state": memory})
        set_rng_state(trainer.device, part["rng_state"])
        trainer.names = [aliases.TERMS.get(name, name) for name in json.loads(meta["terms"])]
        sums = part["sums"].get("sums")
        return Progress(
            step=int(meta["step"]),
            seconds=float(meta["seconds"]),
            training_seconds=float(meta["training_seconds"]),
            counted=int(meta["counted"]),
            sums=None if sums is None else sums.to(trainer.device),
        )
    except PermissionError as e:
        raise StoreError(unreadable(path)) from e
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as e:
        raise StoreError(f"{path} cannot be read ({e}). Delete the run's folder and start it anew.") from e


def load_start(folder: Path, trainer: "Trainer") -> None:
    """Put the weights that a run begins from, and their average, into `trainer`. Raises StoreError."""
    path = folder / START
    try:
        check_tensors(path, empty=True)
        with safe_open(path, "pt") as f:
            tensors = aliases.tensors({k: f.get_tensor(k) for k in f.keys()})  # noqa: SIM118 (safe_open is no dict)
        model = {k.removeprefix("model."): t for k, t in tensors.items() if k.startswith("model.")}
        averaged = {k.removeprefix("averaged."): t for k, t in tensors.items() if k.startswith("averaged.")}
        trainer.model.load_state_dict(model)
        if trainer.averaged is not trainer.model:
            trainer.averaged.load_state_dict(averaged or model)
    except PermissionError as e:
        raise StoreError(unreadable(path)) from e
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as e:
        raise StoreError(
            f"The weights that this run begins from, {path}, cannot be read ({e}). Delete its folder."
        ) from e
