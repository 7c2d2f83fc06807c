"""A Python program that is read, never run: what each of its names is bound to, and where.

A name is followed to all that the program may bind it to, by whatever way: an import, inside a function or a
`try`, another name, an attribute of `self` or of a class. What changes a value is one more binding, written
as an expression: after `d["k"] = v`, the name `d` is bound to `{**d, "k": v}`.
"""

import ast
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple, TypeAlias

__all__ = ["Binding", "Given", "Intricate", "Origin", "Program", "Scope", "Term", "attribute_path"]

_DEEP = 50
_STEPS = 2_000_000  # some five times what a file takes that is as long as can be read
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_CHANGES = {"add", "append", "clear", "extend", "insert", "pop", "popitem", "remove", "setdefault", "update"}


@dataclass(eq=False, slots=True)
class Scope:
    """A module, a class or a function, and its names.

    Args:
        node: what it is.
        parent: the scope around it.
        names: what each name is bound to, in the order of the program.
        outer: the names that it says are not its own.
    """

    node: ast.AST
    parent: "Scope | None" = None
    names: dict[str, list["Binding"]] = field(default_factory=dict)
    outer: set[str] = field(default_factory=set)

    def owner(self, name: str) -> "Scope | None":
        """The scope that a name in this one is a name of."""
        if name in self.names and name not in self.outer:
            return self
        around = self.parent
        while around and (isinstance(around.node, ast.ClassDef) or name not in around.names):
            around = around.parent
        return around


class Term(NamedTuple):
    """An expression or a class, and the scope that its names are looked up in."""

    node: ast.AST
    scope: Scope


Origin: TypeAlias = str | Term
"""What a name is in the end: the dotted path of an import, or a class or `partial` of the program."""


@dataclass(frozen=True, slots=True)
class Binding:
    """Something that a name is bound to.

    Args:
        term: the expression or class; None = what no expression of the program says.
        path: what is imported, with dots.
        end: where the statement ends, in lines and columns.
        certain: whether whoever runs the scope runs the statement.
    """

    term: Term | None = None
    path: str = ""
    end: tuple[int, int] = (0, 0)
    certain: bool = False


class Intricate(ValueError):
    """A program leads to and fro, or makes more auths, than one that was written to be run."""


class Given(ast.expr):
    """An expression that stands for a term of another scope."""

    def __init__(self, term: Term) -> None:
        super().__init__()
        self.term = term


class _Statement(NamedTuple):
    """Where a name is bound: see `Binding`."""

    scope: Scope
    end: tuple[int, int]
    certain: bool


class Program:
    """A program.

    Args:
        source: what stands in the file.

    Raises:
        SyntaxError: it is no Python.
    """

    def __init__(self, source: bytes) -> None:
        try:
            with warnings.catch_warnings(action="ignore"):  # of what stands there, as of "\d"
                tree = ast.parse(source)
        except (ValueError, LookupError, RecursionError, MemoryError, OverflowError):
            # A NUL in it, an encoding that is none, or nobody wrote it by hand.
            raise SyntaxError("it cannot be parsed") from None
        self.scopes: dict[ast.AST, Scope] = {}
        self.parents: dict[ast.AST, ast.AST] = {}
        self.starred: set[str] = set()  # modules of which all names are imported
        self._inner: dict[ast.AST, Scope] = {}
        self._said: set[ast.AST] = set()  # the targets whose value an expression says
        self._changes: list[tuple[str, Scope, Binding]] = []
        self._steps = _STEPS
        self._known: dict[tuple[Scope, str], frozenset[Origin]] = {}
        top = Scope(tree)
        self._inner[tree] = top
        self._visit(tree, top)
        changed: dict[tuple[Scope, str], None] = {}
        for name, scope, change in self._changes:
            if (owner := scope.owner(name)) is not None:
                inside = change.certain and owner is scope
                owner.names[name].append(replace(change, certain=inside))
                changed[owner, name] = None
        for owner, name in changed:
            owner.names[name].sort(key=lambda one: one.end)

    def step(self, cost: int = 1) -> None:
        """Counts what is done to follow the program.

        Raises:
            Intricate: it is too much.
        """
        self._steps -= cost
        if self._steps < 0:
            raise Intricate

    def inner(self, node: ast.AST) -> Scope:
        """The scope that a class or function makes."""
        return self._inner[node]

    def origins(self, node: ast.AST, scope: Scope, depth: int = 0) -> frozenset[Origin]:
        """All that an expression may be; empty = nothing that has a path.

        Raises:
            Intricate: that takes too long to find out.
        """
        found = self._origins(node, scope, depth)
        self.step(1 + len(found))
        return found

    def _origins(self, node: ast.AST, scope: Scope, depth: int) -> frozenset[Origin]:
        match node:
            case _ if depth > _DEEP:
                pass
            case Given(term=term):
                return self.origins(*term, depth + 1)
            case ast.ClassDef():
                return frozenset({Term(node, scope)})
            case ast.Name(id=name):
                return self._named(scope, name, depth)
            case ast.Attribute(value=base, attr=attribute):
                bases = self.origins(base, scope, depth + 1)
                if (own := _class_of(base, scope)) is not None:
                    bases |= {Term(own, scope)}
                return self._below(bases, attribute, depth)
            case ast.Call(func=function):
                paths = [one for one in self.origins(function, scope, depth + 1) if isinstance(one, str)]
                return frozenset().union(*(self._called(path, node, scope, depth) for path in paths))
        return frozenset()

    def _called(self, path: str, call: ast.Call, scope: Scope, depth: int) -> frozenset[Origin]:
        match path, call.args:
            case "functools.partial", [_, *_]:
                return frozenset({Term(call, scope)})
            case (
                ("importlib.import_module" | "builtins.__import__"),
                [ast.Constant(value=str() as name), *_],
            ):
                return frozenset({name})
            case "builtins.getattr", [base, ast.Constant(value=str() as name), *_]:
                return self._below(self.origins(base, scope, depth + 1), name, depth)
        return frozenset({f"{path}()"})

    def bindings(self, node: ast.AST, scope: Scope) -> list[Binding]:
        """All that a name, or an attribute of `self` or of a class of the program, is bound to."""
        match node:
            case ast.Name(id=name):
                owner = scope.owner(name)
                return owner.names[name] if owner else []
            case ast.Attribute(value=base, attr=attribute):
                classes = [one for one in self.origins(base, scope) if isinstance(one, Term)]
                classes += [Term(found, scope) for found in [_class_of(base, scope)] if found is not None]
                return [
                    binding
                    for one in classes
                    if isinstance(one.node, ast.ClassDef)
                    for binding in self._inner[one.node].names.get(attribute, [])
                ]
        return []

    def _named(self, scope: Scope, name: str, depth: int) -> frozenset[Origin]:
        owner = scope.owner(name)
        self.step(len(self.starred))
        stars = frozenset(f"{module}.{name}" for module in self.starred)
        if owner is None:
            return stars | {f"builtins.{name}"}
        # A star binds names of the module too; of which modules is not known, but for one that is named.
        known = frozenset(path for path in stars if owner.parent is None and path[0] != "*")
        return self._bound(owner, name, depth) | known

    def _bound(self, owner: Scope, name: str, depth: int) -> frozenset[Origin]:
        key = (owner, name)
        if key not in self._known:
            self._known[key] = frozenset()  # as long as it is looked for: it may be bound to itself
            found: set[Origin] = set()
            for binding in owner.names.get(name, []):
                if binding.path:
                    found.add(binding.path)
                elif binding.term:
                    found |= self.origins(*binding.term, depth + 1)
            self._known[key] = frozenset(found)
        return self._known[key]

    def _below(self, bases: frozenset[Origin], attribute: str, depth: int) -> frozenset[Origin]:
        found: set[Origin] = set()
        for base in bases:
            if isinstance(base, str):
                found.add(f"{base}.{attribute}")
            elif isinstance(base.node, ast.ClassDef):
                found |= self._bound(self._inner[base.node], attribute, depth)
        return frozenset(found)

    def _visit(self, tree: ast.AST, top: Scope) -> None:
        """Walks without recursion, as a program may be nested deeper than we are."""
        stack: list[tuple[ast.AST, Scope, bool]] = [(child, top, True) for child in _backwards(tree)]
        while stack:
            node, scope, certain = stack.pop()
            self.scopes[node] = scope
            self._bind(node, scope, certain=certain)
            inside, outside = scope, _outside(node)
            if isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
                inside = self._inner[node] = Scope(node, scope)
            for child in _backwards(node):
                self.parents[child] = node
                own = child not in outside
                sure = inside is not scope if own and isinstance(child, ast.stmt) else certain
                stack.append((child, inside if own else scope, sure))

    def _bind(self, node: ast.AST, scope: Scope, *, certain: bool) -> None:
        statement = _Statement(scope, _end(node), certain)
        for name, value, path in _bound_by(node):
            self._name(name, value, statement, path)
        match node:
            case ast.Global(names=names) | ast.Nonlocal(names=names):
                scope.outer.update(names)
            case ast.ImportFrom(module=module, level=level, names=[ast.alias(name="*")]):
                self.starred.add("*" if level else module or "*")
            case ast.Assign() | ast.AnnAssign(value=ast.expr()) | ast.NamedExpr():
                for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                    self._assign(target, node.value or target, statement)
            case _:
                self._bind_anew(node, statement)

    def _bind_anew(self, node: ast.AST, statement: _Statement) -> None:
        """Binds what a node changes, or gives a value that no expression says."""
        match node:
            case ast.AugAssign(target=ast.Name() as target, op=operator, value=value):
                self._said.add(target)
                self._change(target, ast.BinOp(_read(target), operator, value), statement)
            case ast.Name(id=name, ctx=ast.Store()) if node not in self._said:
                self._name(name, None, statement)
            case ast.Attribute(ctx=ast.Store()) | ast.Subscript(ctx=ast.Store()) if node not in self._said:
                self._change(node, None, statement)
            case ast.Name(ctx=ast.Del()) | ast.Attribute(ctx=ast.Del()) | ast.Subscript(ctx=ast.Del()):
                self._change(node, None, statement)
            case ast.Call(func=ast.Attribute(value=changed, attr=method)) if method in _CHANGES:
                self._change(changed, None, statement)

    def _assign(self, target: ast.expr, value: ast.expr, statement: _Statement) -> None:
        self._said.add(target)
        match target, value:
            case ast.Name(id=name), _:
                self._name(name, value, statement)
            case (
                (ast.Tuple(elts=targets) | ast.List(elts=targets)),
                (ast.Tuple(elts=values) | ast.List(elts=values)),
            ) if len(targets) == len(values) and not _starred(targets + values):
                for one, said in zip(targets, values, strict=True):
                    self._assign(one, said, statement)
            case ast.Subscript(value=ast.Name() as changed, slice=key), _:
                self._change(changed, ast.Dict([None, key], [_read(changed), value]), statement)
            case ast.Attribute(), _:
                self._change(target, value, statement)
            case ast.Subscript(), _:
                self._change(target, None, statement)

    def _name(self, name: str, value: ast.AST | None, statement: _Statement, path: str = "") -> None:
        """Binds a name."""
        scope, end, certain = statement
        home = scope
        while name in home.outer and home.parent:
            home = home.parent
        term = Term(value, scope) if value else None
        home.names.setdefault(name, []).append(Binding(term, path, end, certain and home is scope))

    def _change(self, changed: ast.AST, value: ast.expr | None, statement: _Statement) -> None:
        """Binds a name that is bound already, or an attribute of `self`, which is one of the class."""
        while isinstance(changed, ast.Subscript):
            changed = changed.value
        scope, end, certain = statement
        term = Term(value, scope) if value else None
        match changed:
            case ast.Name(id=name):
                self._changes.append((name, scope, Binding(term, "", end, certain)))
            case ast.Attribute(value=base, attr=attribute) if found := _class_of(base, scope):
                self._inner[found].names.setdefault(attribute, []).append(Binding(term, "", end))


def attribute_path(node: ast.AST) -> str:
    """A name, or names with dots between; empty for anything else."""
    words: list[str] = []
    while isinstance(node, ast.Attribute):
        words.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(words)]) if isinstance(node, ast.Name) else ""


def _end(node: ast.AST) -> tuple[int, int]:
    return getattr(node, "end_lineno", None) or 0, getattr(node, "end_col_offset", None) or 0


def _read(target: ast.Name) -> ast.Name:
    """The value of a name, before a statement gives it another."""
    return ast.copy_location(ast.Name(target.id, ast.Load()), target)


def _starred(nodes: list[ast.expr]) -> bool:
    return any(isinstance(one, ast.Starred) for one in nodes)


def _class_of(node: ast.AST, scope: Scope) -> ast.ClassDef | None:
    """The class whose `self` or `cls` a name is."""
    if not isinstance(node, ast.Name) or (owner := scope.owner(node.id)) is None:
        return None
    function, around = owner.node, owner.parent and owner.parent.node
    if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)) and isinstance(around, ast.ClassDef):
        first = [*function.args.posonlyargs, *function.args.args][:1]
        return around if [one.arg for one in first] == [node.id] else None
    return None


def _backwards(node: ast.AST) -> list[ast.AST]:
    """What an expression or statement is made of, but for annotations."""
    left = {getattr(node, "annotation", None), getattr(node, "returns", None)}
    return [child for child in ast.iter_child_nodes(node) if child not in left][::-1]


def _outside(node: ast.AST) -> set[ast.AST]:
    """What stands in a class or function and belongs to the scope around it."""
    match node:
        case ast.ClassDef(bases=bases, keywords=keywords, decorator_list=decorators):
            return {*bases, *keywords, *decorators}
        case ast.FunctionDef(decorator_list=decorators) | ast.AsyncFunctionDef(decorator_list=decorators):
            return set(decorators)
    return set()


def _bound_by(node: ast.AST) -> Iterator[tuple[str, ast.AST | None, str]]:
    """Names that a node binds other than by assigning, with the class or the path that each then is."""
    match node:
        case ast.Import(names=names):
            for alias in names:
                first = alias.name.partition(".")[0]
                yield alias.asname or first, None, alias.name if alias.asname else first
        case ast.ImportFrom(module=module, names=names, level=level):
            for alias in names:
                if alias.name != "*":
                    yield alias.asname or alias.name, None, f"{'.' * level}{module or ''}.{alias.name}"
        case ast.ClassDef(name=name):
            yield name, node, ""
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            yield name, None, ""
        case ast.ExceptHandler(name=str() as name) | ast.MatchAs(name=str() as name):
            yield name, None, ""
        case ast.MatchStar(name=str() as name) | ast.MatchMapping(rest=str() as name) | ast.arg(arg=name):
            yield name, None, ""
