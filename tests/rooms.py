"""Counts the rooms of models/: their files, the arrows between them (imports, aggregated) and the circles.

    python -m tests.rooms [CHECKOUT]

counts this checkout, or another one, an older one say. A room is a folder of models/ with all below it; a file that
lies directly in models/ belongs to no folder and is counted as a room of its own, `__init__.py` as "models". Imports
for type checkers alone do not run, so they are no arrows. `tests/test_rooms.py` holds what is counted here.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

TOP = "models"
Arrows = dict[tuple[str, str], int]


def room_of(module: str) -> str:
    """The room of a module: "models.methods.m2.model" lies in "methods", "models.limits" in "limits"."""
    return module.split(".")[1] if "." in module else module


def files_of(root: Path) -> dict[str, Path]:
    """The files of models/ by the name of their module."""
    found = {}
    for path in sorted((root / TOP).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def is_for_checkers(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def imports(node: ast.AST) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every import that runs, within functions too: the module and the names taken from it."""
    if isinstance(node, ast.Import):
        yield from ((alias.name, ()) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield node.module or "", tuple(alias.name for alias in node.names)
    children = node.orelse if is_for_checkers(node) else ast.iter_child_nodes(node)
    for child in children:
        yield from imports(child)


def rooms(root: Path) -> dict[str, int]:
    """The rooms and how many files each has."""
    found = [room_of(module) for module in files_of(root)]
    return {room: found.count(room) for room in sorted(set(found))}


def between_files(root: Path) -> Arrows:
    """Which file imports which one, and how often."""
    files = files_of(root)
    found: Arrows = {}
    for module, path in files.items():
        for name, taken in imports(ast.parse(path.read_text(encoding="utf-8"))):
            for target in {t if (t := f"{name}.{one}") in files else name for one in taken or ("",)}:
                if target in files and target != module:
                    found[module, target] = found.get((module, target), 0) + 1
    return found


def between_rooms(files: Arrows) -> Arrows:
    """From which room to which one imports point, and how many do."""
    found: Arrows = {}
    for (start, end), n in sorted(files.items()):
        arrow = room_of(start), room_of(end)
        if arrow[0] != arrow[1]:
            found[arrow] = found.get(arrow, 0) + n
    return found


def circles(found: Arrows) -> list[list[str]]:
    """The groups of nodes that reach one another along the arrows."""
    after = {node: {end for start, end in found if start == node} for node in {n for pair in found for n in pair}}

    def reached(start: str) -> set[str]:
        seen: set[str] = set()
        waiting = [start]
        while waiting:
            new = after[waiting.pop()] - seen
            seen |= new
            waiting += new
        return seen

    far = {node: reached(node) for node in after}
    groups = {frozenset(n for n in far[node] if node in far[n]) for node in far if node in far[node]}
    return sorted(sorted(group) for group in groups)


def main(root: Path) -> None:
    counted, between = rooms(root), between_files(root)
    found = between_rooms(between)
    print(f"{sum(counted.values())} files in {len(counted)} rooms, {len(between)} imports between files")
    for room, n in counted.items():
        to = ", ".join(f"{end} {n}" for (start, end), n in found.items() if start == room)
        print(f"  {room:16} {n:3}  {'-> ' + to if to else ''}".rstrip())
    print(f"{len(found)} arrows between rooms")
    for what, among in (("rooms", found), ("files", between)):
        print(f"circles of {what}: " + ("; ".join(" <-> ".join(c) for c in circles(among)) or "none"))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else ".").absolute())
