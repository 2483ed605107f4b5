"""What may cross the door (models/analysis/door.py): arrays of numbers, and what is made of them.

An array, a str, an int, a float, a bool, bytes and None are plain, and so are tuples, dicts and frozen data classes of
plain values. A tensor is not, nor a model, nor a lambda: none of these could be handed to another process.
"""

import hashlib
from collections.abc import Hashable
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np

NUMBERS = "biuf"  # kinds of dtype
SINGLE = (str, int, float, bool, bytes, type(None))
SMALL = 100  # bytes that a value takes beside its contents, about


def plain(value: Any, name: str) -> Any:
    """A read-only copy of `value`; arrays that are read-only and own their memory are not copied.

    Lists and ranges become tuples, single numbers of NumPy those of Python. Raises TypeError, which names what is not
    plain.
    """
    if type(value) is np.ndarray and value.dtype.kind in NUMBERS:
        return _read_only(value)
    if type(value) in SINGLE:
        return value
    if isinstance(value, np.generic) and value.dtype.kind in NUMBERS:
        return value.item()
    if type(value) in (tuple, list, range):
        return tuple(plain(v, f"{name}[{i}]") for i, v in enumerate(value))
    if type(value) is dict:
        return {plain(k, f"a key of {name}"): plain(v, f"{name}[{k!r}]") for k, v in value.items()}
    if _is_frozen(value):
        return replace(value, **{f.name: plain(getattr(value, f.name), f"{name}.{f.name}") for f in fields(value)})
    raise TypeError(f"{name} is a {type(value).__module__}.{type(value).__qualname__}, which is no plain value.")


def _read_only(a: np.ndarray) -> np.ndarray:
    """Of memory that nobody else can write into: a view may be of a data set, of a file or of a tensor."""
    if a.flags.writeable or not a.flags.owndata:
        a = a.copy(order="K")
        a.flags.writeable = False
    return a


def _is_frozen(value: Any) -> bool:
    return is_dataclass(value) and not isinstance(value, type) and value.__dataclass_params__.frozen


def handed_out(value: Any) -> Any:
    """A plain value with dicts of its own: whoever writes into one changes nobody else's."""
    if isinstance(value, dict):
        return {k: handed_out(v) for k, v in value.items()}
    if isinstance(value, tuple):
        return tuple(map(handed_out, value))
    if is_dataclass(value):
        return replace(value, **{f.name: handed_out(getattr(value, f.name)) for f in fields(value)})
    return value


def size(value: object) -> int:
    """How many bytes a plain value takes in memory, about."""
    if isinstance(value, np.ndarray):
        return SMALL + value.nbytes
    if isinstance(value, str | bytes):
        return SMALL + len(value)
    if isinstance(value, dict):
        return SMALL + sum(size(k) + size(v) for k, v in value.items())
    if isinstance(value, tuple):
        return SMALL + sum(map(size, value))
    return SMALL + sum(size(getattr(value, f.name)) for f in fields(value)) if is_dataclass(value) else SMALL


def key(value: object) -> Hashable:
    """Equal for equal plain values of the same types, and short: an array is named by a digest of its bytes."""
    if isinstance(value, np.ndarray):
        return "array", value.dtype.str, value.shape, hashlib.blake2b(value.tobytes(), digest_size=16).digest()
    if isinstance(value, dict):
        return "dict", *((key(k), key(v)) for k, v in value.items())
    if isinstance(value, tuple):
        return "tuple", *map(key, value)
    if is_dataclass(value):
        return type(value), *(key(getattr(value, f.name)) for f in fields(value))
    return type(value), value
