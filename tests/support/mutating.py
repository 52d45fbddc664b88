"""Small wrong changes to a file's functions, one at a time, and how a running process takes one on. Nothing is written.

Changed are comparisons, `and` and `or`, `not`, conditions, arithmetic, numbers, texts, returned values, calls for their effect,
conditions of queries, `break` and `continue`, and the constants of a module. Not changed are log lines, the texts of errors, class
bodies, default arguments and annotations.
"""

import ast
import copy
import gc
import sys
import types
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_OPPOSITE: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
    ast.BitXor: ast.BitOr,
    ast.And: ast.Or,
    ast.Or: ast.And,
}
_QUERIES = frozenset({"where", "and_", "or_", "order_by", "exists"})
_LOGS = frozenset({"log", "_log", "logger"})
_NOT_CONSTANTS = frozenset({"log", "_log", "__all__"})
_SHOWN = 90


@dataclass(eq=False)
class Mutation:
    """One change: in `parent`, the node at `name` (and `index`, if that is a list) becomes `new`."""

    path: str
    where: str
    line: int
    shown: str
    parent: ast.AST
    name: str
    index: int | None
    new: ast.AST
    tree: ast.Module
    constant: ast.Assign | None
    id: str = field(default="", init=False)

    def code(self) -> types.CodeType:
        """Compile the changed file, or only the changed constant."""
        before = self._put(self.new)
        try:
            tree = ast.Module([self.constant], []) if self.constant else self.tree
            return compile(ast.fix_missing_locations(copy.deepcopy(tree)), str(Path(self.path).absolute()), "exec")
        finally:
            self._put(before)

    def _put(self, node: Any) -> Any:
        if self.index is None:
            before = getattr(self.parent, self.name)
            setattr(self.parent, self.name, node)
        else:
            held = getattr(self.parent, self.name)
            before, held[self.index] = held[self.index], node
        return before


def mutations(path: str) -> list[Mutation]:
    """Return all changes to a file, in order, each with an id that stays while its function does."""
    tree = ast.parse(Path(path).read_text("utf-8"))
    found = []
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef):
            found += _in_function(path, tree, statement, statement.name)
        elif isinstance(statement, ast.ClassDef):
            for part in statement.body:
                if isinstance(part, ast.FunctionDef):
                    found += _in_function(path, tree, part, f"{statement.name}.{part.name}")
        elif (
            isinstance(statement, ast.Assign)
            and (name := getattr(statement.targets[0], "id", "log")) not in _NOT_CONSTANTS
        ):
            found += list(_changes(path, tree, statement, name, statement))
    seen: Counter[str] = Counter()
    for one in found:
        plain = f"{one.path} {one.where}: {one.shown}"
        seen[plain] += 1
        one.id = plain if seen[plain] == 1 else f"{plain} ({seen[plain]})"
    return found


def _in_function(path: str, tree: ast.Module, function: ast.FunctionDef, where: str) -> list[Mutation]:
    return [one for part in function.body for one in _changes(path, tree, part, where, None, (function, "body"))]


def _changes(
    path: str,
    tree: ast.Module,
    node: ast.AST,
    where: str,
    constant: ast.Assign | None,
    place: tuple[ast.AST, str] | None = None,
) -> Iterator[Mutation]:
    """Yield the changes to a node and to all below it. `place`: its parent, and the name of the list that it is in."""
    work: list[tuple[ast.AST, ast.AST | None, str, int | None]] = [(node, None, "", None)]
    if place is not None:
        work = [(node, place[0], place[1], getattr(place[0], place[1]).index(node))]
    while work:
        here, parent, name, index = work.pop()
        if _is_left_alone(here):
            continue
        if parent is not None:
            for new in _replacements(here, parent, name):
                shown = f"{_text(here)} → {_text(new)}"
                line = getattr(here, "lineno", getattr(parent, "lineno", 0))
                yield Mutation(path, where, line, shown, parent, name, index, new, tree, constant)
        below: list[tuple[ast.AST, ast.AST | None, str, int | None]] = []
        for part, value in ast.iter_fields(here):
            if part in {"annotation", "returns", "decorator_list", "defaults", "kw_defaults", "ctx", "op", "ops"}:
                continue
            if isinstance(value, ast.AST):
                below.append((value, here, part, None))
            elif isinstance(value, list):
                below += [(one, here, part, number) for number, one in enumerate(value) if isinstance(one, ast.AST)]
        work += reversed(below)


def _is_left_alone(node: ast.AST) -> bool:
    if isinstance(node, ast.Raise | ast.JoinedStr | ast.Import | ast.ImportFrom):
        return True
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return True  # a docstring
    call = node.value if isinstance(node, ast.Expr) else node
    return (
        isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id in _LOGS
    )


def _replacements(node: ast.AST, parent: ast.AST, name: str) -> Iterator[ast.AST]:
    for kind in (_of_operators, _of_constants, _of_statements, _of_queries):
        yield from kind(node)
    condition = name == "test" or (name == "ifs" and isinstance(parent, ast.comprehension))
    if condition and isinstance(node, ast.Name | ast.Attribute | ast.Call | ast.NamedExpr):
        yield ast.UnaryOp(ast.Not(), node)


def _of_operators(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Compare():
            for place, operator in enumerate(node.ops):
                ops = [*node.ops]
                ops[place] = _OPPOSITE[type(operator)]()  # type: ignore[call-overload]
                yield _like(node, ops=ops)
        case ast.BoolOp() | ast.BinOp() | ast.AugAssign() if type(node.op) in _OPPOSITE:
            yield _like(node, op=_OPPOSITE[type(node.op)]())
        case ast.UnaryOp(op=ast.Not() | ast.Invert() | ast.USub()):
            yield node.operand


def _of_constants(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Constant(value=bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(value=int() | float() as value):
            yield ast.Constant(value + 1)
        case ast.Constant(value=str() as value):
            yield ast.Constant(f"{value}XX")


def _of_statements(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Return(value=ast.expr() as value) if not isinstance(value, ast.Constant):
            yield ast.Return(ast.Constant(None))
        case ast.Expr(value=ast.Call()):
            yield ast.Pass()
        case ast.Break():
            yield ast.Continue()
        case ast.Continue():
            yield ast.Break()


def _of_queries(node: ast.AST) -> Iterator[ast.AST]:
    """Leave one condition of a query out."""
    match node:
        case ast.Call(func=ast.Attribute(attr=called) | ast.Name(id=called)) if (
            called in _QUERIES and len(node.args) > 1
        ):
            for place in range(len(node.args)):
                yield _like(node, args=[*node.args[:place], *node.args[place + 1 :]])


def _like(node: ast.AST, **changed: Any) -> ast.AST:
    fields = {name: getattr(node, name) for name in node._fields}
    return type(node)(**{**fields, **changed})


def _text(node: ast.AST) -> str:
    text = " ".join(ast.unparse(ast.fix_missing_locations(copy.deepcopy(node))).split())
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN // 2]} … {text[-_SHOWN // 2 :]}"


def take_on(mutation: Mutation) -> bool:
    """Change this process; return whether it could. Meant for a forked process, as there is no way back."""
    code = mutation.code()
    if mutation.constant is not None:
        return _set_constant(mutation, code)
    changed = {(one.co_qualname, one.co_firstlineno): one for one in _codes(code)}
    gc.unfreeze()  # else, what the bot froze at its start would not be found
    done = False
    for function in gc.get_objects():
        # Not isinstance, which asks a weak reference's dead object for its class.
        if type(function) is types.FunctionType and function.__code__.co_filename == code.co_filename:
            new = changed.get((function.__code__.co_qualname, function.__code__.co_firstlineno))
            if new is not None and new.co_freevars == function.__code__.co_freevars:
                function.__code__ = new
                done = True
    return done


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    for one in code.co_consts:
        if isinstance(one, types.CodeType):
            yield one
            yield from _codes(one)


def _set_constant(mutation: Mutation, code: types.CodeType) -> bool:
    """Give a constant its new value, also where other files imported it."""
    home = next((one for one in sys.modules.values() if getattr(one, "__file__", None) == code.co_filename), None)
    if home is None:
        return False
    before = getattr(home, mutation.where)
    space = {**home.__dict__}
    exec(code, space)  # noqa: S102 - our own source
    for module in list(sys.modules.values()):
        if getattr(module, "__name__", "").startswith("tierbot") and getattr(module, mutation.where, None) is before:
            setattr(module, mutation.where, space[mutation.where])
    return True
