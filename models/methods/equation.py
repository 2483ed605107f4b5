"""Ties a method to its formula: the page and the README show the code that runs beside the equation it computes."""

from collections.abc import Callable
from typing import Any


def equation(ref: str, latex: str) -> Callable[[Callable], Callable]:
    """Mark a method as the code of one equation; `ref` is what a reader looks up in the paper."""

    def mark(method: Callable) -> Callable:
        marked: Any = method  # functions take attributes of any name
        marked.ref, marked.latex = ref, latex
        return method

    return mark


def equations(cls: type) -> dict[str, Any]:
    """The marked methods of a class, by name, in the order in which the file states them."""
    return {name: f for name, f in vars(cls).items() if hasattr(f, "latex")}
