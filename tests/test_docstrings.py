"""Every public name is documented: where it stands, or, for the store's parts, at the port that they serve."""

import ast
from collections.abc import Iterator
from pathlib import Path

import tierbot

PACKAGE = Path(tierbot.__file__).parent
STORE, PORTS = PACKAGE / "adapters" / "store", PACKAGE / "use_cases" / "ports"
Named = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def public(tree: ast.Module | ast.ClassDef) -> Iterator[Named]:
    """Yield the public functions, classes and methods of a module."""
    for node in tree.body:
        setter = any(
            isinstance(one, ast.Attribute) and one.attr == "setter" for one in getattr(node, "decorator_list", ())
        )
        if isinstance(node, Named) and not node.name.startswith("_") and not setter:  # documented at its getter
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public(node)


def undocumented(folder: Path) -> dict[str, list[str]]:
    found = {}
    for path in folder.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = [] if ast.get_docstring(tree) else ["the module"]
        found[str(path)] = names + [node.name for node in public(tree) if not ast.get_docstring(node)]
    return found


def test_every_public_name_is_documented() -> None:
    at_the_ports = {
        node.name
        for path in PORTS.glob("*.py")
        for node in public(ast.parse(path.read_text(encoding="utf-8")))
        if ast.get_docstring(node)
    }
    sqlalchemys_own = {"process_bind_param", "process_result_value", "bind_processor", "result_processor"}
    missing = {
        path: left
        for path, names in undocumented(PACKAGE).items()
        if (left := set(names) - (at_the_ports | sqlalchemys_own if path.startswith(str(STORE)) else set()))
        and "migrations" not in path
    }
    assert missing == {}
