"""How the package is built: its entries, floors, circles and lines, from its own imports.

    python -m tests.support.structure

A room is an entry of a folder: a file, or a folder with all that is in it. A room stands one floor above the highest room
that it imports. A circle is a set of files that import one another. An arrow that runs up is an import from a layer into one
above it, in the order of pyproject.toml's first contract.
"""

import ast
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from tests.support.paths import ROOT

PACKAGE = "tierbot"
FACES = frozenset({"__init__.py", "__main__.py", "py.typed", "__pycache__"})

Imports = Mapping[str, frozenset[str]]
"""By module: the modules of the package that it imports, type-checking imports included."""


def modules(root: Path = ROOT) -> dict[str, Path]:
    """Return every module of the package by its dotted name."""
    found = {}
    for path in sorted((root / PACKAGE).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(root: Path = ROOT) -> Imports:
    """Return who imports whom."""
    known = modules(root)
    return {name: frozenset(_imported(path, known)) - {name} for name, path in known.items()}


def _imported(path: Path, known: Mapping[str, Path]) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                child = f"{node.module}.{alias.name}"
                if child in known or node.module in known:
                    yield child if child in known else node.module


def entries(root: Path = ROOT) -> list[str]:
    """Return what stands at the top of the package, apart from its face."""
    return sorted(path.name for path in (root / PACKAGE).iterdir() if path.name not in FACES)


def circles(arrows: Mapping[str, frozenset[str]]) -> list[list[str]]:
    """Return the sets of two or more nodes that reach each other, each sorted (Tarjan, 1972)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in sorted(arrows.get(node, frozenset())):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            circle = [stack.pop()]
            while circle[-1] != node:
                circle.append(stack.pop())
            if len(circle) > 1:
                found.append(sorted(circle))

    for node in sorted(arrows):
        if node not in index:
            visit(node)
    return found


def rooms(arrows: Imports, folder: str = PACKAGE) -> dict[str, frozenset[str]]:
    """Return a folder's rooms and the rooms that each imports."""
    depth = folder.count(".") + 2
    between: defaultdict[str, set[str]] = defaultdict(set)
    for name, imported in arrows.items():
        if not name.startswith(f"{folder}.") or name.endswith(".__main__"):
            continue
        room = ".".join(name.split(".")[:depth])
        between[room] |= {
            other
            for target in imported
            if target.startswith(f"{folder}.") and (other := ".".join(target.split(".")[:depth])) != room
        }
    return {room: frozenset(others) for room, others in between.items()}


def floors(between: Mapping[str, frozenset[str]]) -> dict[str, int]:
    """Return the floor of each room, 1 for those that import no other. Needs rooms without circles."""

    @cache
    def floor(room: str) -> int:
        return 1 + max((floor(other) for other in between.get(room, frozenset())), default=0)

    return {room: floor(room) for room in between}


def layers(root: Path = ROOT) -> list[frozenset[str]]:
    """Return the layers of the first import contract, from the top one down."""
    contract = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ][0]
    return [frozenset(f"{PACKAGE}.{name.strip()}" for name in layer.split("|")) for layer in contract["layers"]]


def upward(between: Mapping[str, frozenset[str]], order: list[frozenset[str]]) -> list[tuple[str, str]]:
    """Return the arrows between rooms of the package that run up."""
    height = {room: -place for place, layer in enumerate(order) for room in layer}
    return [
        (room, other)
        for room, others in sorted(between.items())
        for other in sorted(others)
        if room in height and other in height and height[other] >= height[room]
    ]


def folders(root: Path = ROOT) -> list[str]:
    """Return every folder of the package that holds modules, as dotted names."""
    return [name for name, path in modules(root).items() if path.name == "__init__.py"]


def main() -> int:
    """Print the measures."""
    arrows = imports()
    top = rooms(arrows)
    lines = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in modules().values())
    print(f"lines of Python            {lines}")
    print(f"files                      {len(modules())}")
    print(f"entries at the top         {len(entries())}: {', '.join(entries())}")
    print(f"floors at the top          {max(floors(top).values())}")
    print(f"circles of files           {len(circles(arrows))}")
    print(f"arrows between the rooms   {sum(map(len, top.values()))}")
    print(f"arrows that run up         {len(upward(top, layers()))}")
    for folder in folders():
        inside = rooms(arrows, folder)
        if folder != PACKAGE and inside and folder.count(".") == 1:
            round_ = len(circles(inside))
            high = "circle" if round_ else max(floors(inside).values())
            print(f"floors in {folder:24} {high}, of {len(inside)} rooms")
    return 0


if __name__ == "__main__":
    sys.exit(main())
