"""Where a Python file constructs an auth of requests_auth, or of ours: it is read, never run."""

import ast
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["Construction", "Unreadable", "constructions", "environment_variable", "literal"]

_PACKAGES = {"requests_auth", "requests_auth_profiles"}
_SELECTORS = {"os.environ", "os.getenv", "os.environ.get", "environ", "getenv", "environ.get"}


class Unreadable(ValueError):
    """The value of an argument is known only when the program runs."""


@dataclass(frozen=True, slots=True)
class Construction:
    """One call of a class.

    Args:
        kind: the name of the class, as requests_auth has it.
        variable: what the result is assigned to; empty = nothing with a name.
        line: where the call begins.
        call: the call itself.
    """

    kind: str
    variable: str
    line: int
    call: ast.Call


def constructions(source: bytes, kinds: frozenset[str]) -> list[Construction]:
    """The calls of some classes in a Python file, in its order.

    Args:
        source: what stands in the file.
        kinds: the names of the classes.

    Raises:
        SyntaxError: it is no Python.
    """
    try:
        with warnings.catch_warnings(action="ignore"):  # of what stands there, as of "\d"
            tree = ast.parse(source)
    except (ValueError, RecursionError, MemoryError):  # a NUL in it, or nobody wrote it by hand
        raise SyntaxError("it cannot be parsed") from None
    names = _imported(tree, kinds)
    assigned = dict(_assigned(tree))
    found = [
        Construction(names[path], assigned.get(node, ""), node.lineno, node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and (path := _dotted(node.func)) in names
    ]
    return sorted(found, key=lambda one: (one.line, one.call.col_offset))


def literal(node: ast.expr) -> Any:
    """The value that an expression writes out.

    Raises:
        Unreadable: it does not.
    """
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        raise Unreadable from None


def environment_variable(node: ast.expr) -> str:
    """The variable that `os.environ["NAME"]`, `os.environ.get("NAME")` or `os.getenv("NAME")` reads.

    Empty for any other expression.
    """
    name: ast.expr | None = None
    if isinstance(node, ast.Subscript) and _dotted(node.value) in _SELECTORS:
        name = node.slice
    elif isinstance(node, ast.Call) and _dotted(node.func) in _SELECTORS and len(node.args) == 1:
        name = node.args[0]
    return name.value if isinstance(name, ast.Constant) and isinstance(name.value, str) else ""


def _imported(tree: ast.Module, kinds: frozenset[str]) -> dict[str, str]:
    """The classes, by how the file can write each: as it imports them, or their module."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in _PACKAGES and not node.level:
            for alias in node.names:
                if alias.name == "*":
                    names |= {kind: kind for kind in kinds}
                elif alias.name in kinds:
                    names[alias.asname or alias.name] = alias.name
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.partition(".")[0] in _PACKAGES and (
                    alias.name in _PACKAGES or not alias.asname
                ):
                    module = alias.asname or alias.name.partition(".")[0]
                    names |= {f"{module}.{kind}": kind for kind in kinds}
    return names


def _assigned(tree: ast.Module) -> Iterator[tuple[ast.expr, str]]:
    """Values that are given a name, and that name."""
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[target, *_]):
                yield node.value, _last(target)
            case (
                ast.AnnAssign(target=target, value=ast.expr() as value)
                | ast.NamedExpr(target=target, value=value)
            ):
                yield value, _last(target)


def _last(target: ast.expr) -> str:
    """The last word of what is assigned to: `auth` of `self.auth`."""
    return _dotted(target).rpartition(".")[2]


def _dotted(node: ast.expr) -> str:
    """A name, or names with dots between; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (before := _dotted(node.value)):
        return f"{before}.{node.attr}"
    return ""
