"""Where a run computes, and whether bfloat16 pays there."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from models.errors import RunError


def pick(device: str) -> torch.device:
    """ "auto": CUDA, else Apple's MPS, else the CPU. Raises RunError if the one asked for is not there."""
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    name = next(name for name, yes in there.items() if yes) if device == "auto" else device
    if not there[name]:
        raise RunError(f"There is no {name} device here. Choose auto or cpu.")
    return torch.device(name)


def bf16_pays(device: torch.device) -> bool:
    """Whether matrix products are faster in bfloat16: on a GPU that has it and on a CPU with AMX or AVX-512 BF16."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    return device.type == "cpu" and torch.cpu._is_avx512_bf16_supported()


def rng_state(device: torch.device) -> dict[str, Tensor]:
    """The states of the random generators that a run on `device` draws from, by the kind of device."""
    states = {"cpu": torch.get_rng_state()}
    if device.type != "cpu":
        states[device.type] = torch.get_device_module(device).get_rng_state()
    return states


def set_rng_state(device: torch.device, states: dict[str, Tensor]) -> None:
    """Put back what `rng_state` returned; the generator of another kind of device is left as it is."""
    torch.set_rng_state(states["cpu"])
    if device.type != "cpu" and device.type in states:
        torch.get_device_module(device).set_rng_state(states[device.type])


@contextmanager
def isolated_rng(device: torch.device, seed: int) -> Iterator[None]:
    """Compute without gradients, with an RNG state of its own; the one before is put back: training is unaffected."""
    before = rng_state(device)
    try:
        torch.manual_seed(seed)
        with torch.inference_mode():
            yield
    finally:
        set_rng_state(device, before)
