"""The NVIDIA GPUs of this machine as their driver's `nvidia-smi` tells them. Loads no torch."""

import shutil
import subprocess
import time
from dataclasses import dataclass

KEPT = 5.0  # seconds for which an answer is good: a page asks again with each rerun
QUERY = ("--query-gpu=index,name,memory.free,memory.total", "--format=csv,noheader,nounits")
_answer: tuple[float, str, list["Gpu"]] | None = None


@dataclass(frozen=True)
class Gpu:
    """One GPU. `free` and `total` in bytes."""

    index: int
    name: str
    free: int
    total: int


def gpus() -> list[Gpu]:
    """What there is, in the driver's order; nothing without a driver, or where it does not answer. Never raises."""
    global _answer
    program = shutil.which("nvidia-smi") or ""
    if _answer is None or _answer[1] != program or time.monotonic() - _answer[0] > KEPT:
        _answer = (time.monotonic(), program, ask(program) if program else [])
    return _answer[2]


def ask(program: str) -> list[Gpu]:
    try:
        done = subprocess.run([program, *QUERY], capture_output=True, text=True, timeout=5, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    found = []
    for line in done.stdout.splitlines():
        parts = [part.strip() for part in line.split(",")]
        try:
            index, name, free, total = int(parts[0]), ", ".join(parts[1:-2]), int(parts[-2]), int(parts[-1])
        except (ValueError, IndexError):  # "[N/A]" on a GPU that shares the machine's memory
            continue
        found.append(Gpu(index, name, free << 20, total << 20))
    return found
