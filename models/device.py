"""Where a run computes, and whether bfloat16 pays there."""

import torch

from models.run import RunError


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
