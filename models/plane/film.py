"""The frames of a session one after the other, in few bytes. No torch.

Of every number only how it differs from the one before it is kept, in whole steps of `STEP`, and of these first the
lower bytes and then the higher ones, nearly all of which are 0: so gzip makes little of them. A browser reads and
writes the same (pages/parts/components/plane/film.js).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

# What one unit is; where it is not said, of whole numbers 1, of others FINE.
STEP = {"q_y": 3, "p_y": 3, "log_p": 0.1, "gap": 0.1}
FINE = 0.015  # a two-hundredth of the half side of the plane that is shown
NONE = -(2**15)  # stands for NaN
Ref = dict[str, Any]  # of an array: its shape, its step, where it begins, and whether it goes on from the one before


class Writer:
    """Puts arrays into `bytes`, each time after the last array of the same `key`."""

    def __init__(self) -> None:
        self.bytes = bytearray()
        self.before: dict[str, np.ndarray] = {}

    def put(self, key: str, name: str, a: np.ndarray) -> Ref:
        step = STEP.get(name, FINE if a.dtype.kind == "f" else 1)
        units = np.rint(a.astype(np.float64) / step).clip(NONE + 1, 2**15 - 1)
        whole = np.nan_to_num(units, nan=NONE).astype(np.int16)
        before = self.before.get(key, whole[:0])
        on = key in self.before and before.shape == whole.shape
        self.before[key] = whole
        d = whole - before if on else whole  # modulo 2**16, as the sum will be
        folded = ((d << 1) ^ (d >> 15)).astype(np.uint16)  # 0, -1, 1, -2, ... as 0, 1, 2, 3, ...
        ref = {"shape": list(a.shape), "step": step, "at": len(self.bytes), "on": on}
        self.bytes += (folded & 255).astype(np.uint8).tobytes() + (folded >> 8).astype(np.uint8).tobytes()
        return ref


class Reader:
    """Reads what a Writer wrote, in the same order."""

    def __init__(self, content: bytes) -> None:
        self.bytes = np.frombuffer(content, np.uint8)
        self.before: dict[str, np.ndarray] = {}

    def get(self, key: str, ref: Mapping[str, Any]) -> np.ndarray:
        """float32, or uint8 where the steps are whole. Raises ValueError or KeyError if it is not there."""
        shape, at = tuple(map(int, ref["shape"])), int(ref["at"])
        n = int(np.prod(shape))
        if at < 0 or at + 2 * n > len(self.bytes):
            raise ValueError("an array lies outside of the film")
        low, high = (self.bytes[at + k * n : at + (k + 1) * n].astype(np.uint16) for k in (0, 1))
        folded = low | (high << 8)
        d = ((folded >> 1) ^ -(folded & 1)).astype(np.int16).reshape(shape)
        whole = d + self.before[key] if ref["on"] else d
        self.before[key] = whole
        if isinstance(ref["step"], int):
            return (whole * ref["step"]).astype(np.uint8)
        return np.where(whole == NONE, np.nan, whole * float(ref["step"])).astype(np.float32)
