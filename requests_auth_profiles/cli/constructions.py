"""Where a Python file constructs an auth of requests_auth, or of ours: it is read, never run."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice

from requests_auth_profiles.cli.program import Binding, Given, Intricate, Origin, Program, Scope, Term
from requests_auth_profiles.cli.values import Unreadable, Values

__all__ = ["Construction", "constructions"]

_PACKAGES = {"requests_auth", "requests_auth_profiles", "*"}  # * = any module, of which all is imported
_TYPE_TESTS = {"isinstance", "issubclass", "cast"}
_MOST = 2000
_STARS = "has arguments with * or **, which are known only when the program runs"


@dataclass(slots=True)
class _Arguments:
    """What is given in a call, in order and by name."""

    ordered: list[Term] = field(default_factory=list)
    named: dict[str, Term] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Construction:
    """One auth that is made, or may be.

    Args:
        kind: the name of the class, as requests_auth has it.
        variable: what it is assigned to, or its own class; empty = nothing with a name.
        line: where it is made.
        ordered: the arguments without a name.
        named: those with one.
        values: gives the values of the arguments.
        problem: why they are not known; empty = they are.
    """

    kind: str
    variable: str
    line: int
    ordered: list[Term]
    named: dict[str, Term]
    values: Values
    problem: str = ""


class _Unclear(ValueError):
    """Why it is not known how something is made, as its text."""


def constructions(source: bytes, kinds: frozenset[str]) -> list[Construction]:
    """All places of a Python file that make an auth of some classes, or may, in its order.

    Args:
        source: what stands in the file.
        kinds: the names of the classes.

    Raises:
        SyntaxError: it is no Python.
        Intricate: it takes too long to follow, or there are too many.
    """
    found = list(islice(_Search(Program(source), kinds).all(), _MOST + 1))
    if len(found) > _MOST:
        raise Intricate
    return [one for _, one in sorted(found, key=lambda pair: pair[0])]


class _Search:
    def __init__(self, program: Program, kinds: frozenset[str]) -> None:
        self._program = program
        self._values = Values(program)
        self._kinds = kinds
        self._known: dict[Origin, set[str]] = {}  # what `_kinds_of` has found
        self._used: set[ast.AST] = set()  # what is called, somewhere, by its name or another

    def all(self) -> Iterator[tuple[tuple[int, int], Construction]]:
        """Calls of the classes and of what stands for them; then what is never called."""
        nodes = list(self._program.scopes.items())
        calls = [(node, scope) for node, scope in nodes if isinstance(node, ast.Call)]
        for call, scope in calls:
            origins = self._program.origins(call.func, scope)
            if self._kinds_of(origins):
                self._use(call.func, scope)
                yield self._made(call, scope, origins)
        for node, scope in nodes:
            if isinstance(node, ast.ClassDef) and node not in self._used:
                own = frozenset({Term(node, scope)})
                if self._kinds_of(own):
                    yield self._made(node, scope, own)
                    self._use(node, scope)
        for node, scope in nodes:
            if isinstance(node, (ast.Name, ast.Attribute)) and self._is_lost(node, scope):
                what = "is named here, and what becomes of it is known only when the program runs"
                yield self._construction(node, self._program.origins(node, scope), "", _Arguments(), what)

    def _made(
        self, node: ast.Call | ast.ClassDef, scope: Scope, origins: frozenset[Origin]
    ) -> tuple[tuple[int, int], Construction]:
        arguments, problem, variable = _Arguments(), "", self._variable(node)
        kinds = self._kinds_of(origins)
        try:
            if isinstance(node, ast.ClassDef):
                variable = node.name
                arguments = self._of_class(node, scope, None)
            else:
                arguments = self._through(self._one(origins), self._arguments(node, scope))
                own = [one.node for one in origins if isinstance(one, Term)]
                variable = variable or next((one.name for one in own if isinstance(one, ast.ClassDef)), "")
        except _Unclear as error:
            problem = str(error)
        except (Unreadable, RecursionError):
            problem = _STARS
        if len(kinds) > 1:
            problem = f"is this or another of {', '.join(sorted(kinds))}, as is known when the program runs"
        return self._construction(node, origins, variable, arguments, problem)

    def _construction(
        self, node: ast.AST, origins: frozenset[Origin], variable: str, arguments: _Arguments, problem: str
    ) -> tuple[tuple[int, int], Construction]:
        kind = min(self._kinds_of(origins))
        line, column = getattr(node, "lineno", 0), getattr(node, "col_offset", 0)
        return (line, column), Construction(
            kind, variable, line, arguments.ordered, arguments.named, self._values, problem
        )

    def _kinds_of(self, origins: Iterable[Origin]) -> set[str]:
        """The classes that something is or stands for."""
        found: set[str] = set()
        for origin in origins:
            if origin not in self._known:
                self._known[origin] = self._kinds_below(origin)
            found |= self._known[origin]
        return found

    def _kinds_below(self, origin: Origin) -> set[str]:
        found: set[str] = set()
        left, seen = [origin], {origin}
        while left:
            one = left.pop()
            self._program.step()
            if one in self._known:
                found |= self._known[one]
            elif isinstance(one, str):
                if one.partition(".")[0] in _PACKAGES:
                    found |= {one.rpartition(".")[2]} & self._kinds
            else:
                for below in self._below(one):
                    new = self._program.origins(below, one.scope) - seen
                    seen |= new
                    left += new
        return found

    def _below(self, origin: Term) -> list[ast.expr]:
        """The bases of a class; what a `partial` is one of."""
        match origin.node:
            case ast.ClassDef(bases=bases):
                return bases
            case ast.Call(args=[first, *_]):
                return [first]
        return []

    def _one(self, origins: frozenset[Origin]) -> Origin:
        """The one origin that stands for a class."""
        found = [one for one in origins if self._kinds_of(frozenset({one}))]
        if len({one if isinstance(one, Term) else "" for one in found}) != 1:
            raise _Unclear("is made in one of several ways, which is known only when the program runs")
        return found[0]

    def _through(self, origin: Origin, given: _Arguments) -> _Arguments:
        """What a class of requests_auth is given at last."""
        if isinstance(origin, str):
            return given
        match origin.node:
            case ast.ClassDef() as own:
                return self._of_class(own, origin.scope, given)
            case ast.Call(args=[first, *_]) as call:
                before = self._arguments(call, origin.scope)
                both = _Arguments(before.ordered[1:] + given.ordered, before.named | given.named)
                return self._through(self._one(self._program.origins(first, origin.scope)), both)
        return given

    def _of_class(self, node: ast.ClassDef, scope: Scope, given: _Arguments | None) -> _Arguments:
        """What the class is given that another one is derived from; None = by whoever calls that."""
        bases = [self._program.origins(base, scope) for base in node.bases]
        base = self._one(next(one for one in bases if self._kinds_of(one)))
        init = next((one for one in node.body[::-1] if getattr(one, "name", "") == "__init__"), None)
        if init is None:
            if given is None:
                raise _Unclear(f"is what {node.name} is derived from, which is called nowhere in this file")
            return self._through(base, given)
        if not isinstance(init, ast.FunctionDef):
            raise _Unclear(f"is what {node.name} is derived from, in a way that is known only when it runs")
        inside = self._program.inner(init)
        nodes = list(ast.walk(init))
        self._program.step(3 * len(nodes))  # each is asked what it is
        calls = [call for call in nodes if isinstance(call, ast.Call) and self._is_super(call, inside)]
        if len(calls) != 1:
            raise _Unclear(f"is what {node.name} is derived from, whose __init__ calls it in no plain way")
        frame = inside if given is None else self._frame(init, inside, given)
        passed = self._arguments(calls[0], frame)
        if isinstance(calls[0].func, ast.Attribute) and not isinstance(calls[0].func.value, ast.Call):
            passed.ordered = passed.ordered[1:]  # Base.__init__(self, …)
        return self._through(base, passed)

    def _is_super(self, call: ast.Call, scope: Scope) -> bool:
        match call.func:
            case ast.Attribute(value=ast.Call(func=ast.Name(id="super")), attr="__init__"):
                return True
            case ast.Attribute(value=base, attr="__init__"):
                return bool(self._kinds_of(self._program.origins(base, scope)))
        return False

    def _frame(self, init: ast.FunctionDef, inside: Scope, given: _Arguments) -> Scope:
        """The scope of a function while it runs with what it is given."""
        said = init.args
        names = [one.arg for one in (*said.posonlyargs, *said.args)][1:]
        defaults = dict(zip(names[::-1], said.defaults[::-1], strict=False))
        defaults |= {
            one.arg: value for one, value in zip(said.kwonlyargs, said.kw_defaults, strict=True) if value
        }
        around = inside.parent or inside
        bound = {name: Term(value, around) for name, value in defaults.items()}
        bound |= dict(zip(names, given.ordered, strict=False))
        known = {*names, *(one.arg for one in said.kwonlyargs)}
        bound |= {name: term for name, term in given.named.items() if name in known}
        more = {name: term for name, term in given.named.items() if name not in known}
        rest = given.ordered[len(names) :]
        if (rest and not said.vararg) or (more and not said.kwarg):
            raise _Unclear("cannot be called so: its __init__ takes no such arguments")
        if said.vararg:
            bound[said.vararg.arg] = Term(ast.Tuple([Given(one) for one in rest], ast.Load()), around)
        if said.kwarg:
            keys: list[ast.expr | None] = [ast.Constant(name) for name in more]
            bound[said.kwarg.arg] = Term(ast.Dict(keys, [Given(one) for one in more.values()]), around)
        frame = Scope(inside.node, inside.parent, {}, inside.outer)
        for name, bindings in inside.names.items():
            self._program.step(len(bindings))
            frame.names[name] = [
                replace(one, term=Term(one.term.node, frame)) if one.term else one for one in bindings
            ]
        for name, term in bound.items():  # a parameter is bound first of all
            frame.names[name][0] = Binding(term, certain=True)
        return frame

    def _arguments(self, call: ast.Call, scope: Scope) -> _Arguments:
        found = _Arguments()
        for one in call.args:
            if isinstance(one, ast.Starred):
                found.ordered += self._values.elements(Term(one.value, scope))
            else:
                found.ordered.append(Term(one, scope))
        for keyword in call.keywords:
            if keyword.arg is None:
                found.named |= self._values.entries(Term(keyword.value, scope))
            else:
                found.named[keyword.arg] = Term(keyword.value, scope)
        return found

    def _use(self, node: ast.AST, scope: Scope) -> None:
        """Takes note that something is called, and so whatever it stands for."""
        left = [Term(node, scope)]
        while left:
            node, scope = left.pop()
            if node in self._used:
                continue
            self._used.add(node)
            match node:
                case ast.Name() | ast.Attribute():
                    bindings = self._program.bindings(node, scope)
                    self._program.step(len(bindings))
                    left += [one.term for one in bindings if one.term]
                case ast.ClassDef() | ast.Call():
                    left += [Term(one, scope) for one in self._below(Term(node, scope))]

    def _is_lost(self, node: ast.Name | ast.Attribute, scope: Scope) -> bool:
        """Whether a class is named where nothing tells what with it is done."""
        if node in self._used or not isinstance(node.ctx, ast.Load):
            return False
        origins = self._program.origins(node, scope)
        if not self._kinds_of(origins) or not all(isinstance(one, str) for one in origins):
            return False
        above = self._program.parents.get(node)
        while isinstance(above, (ast.Tuple, ast.BinOp)):
            self._program.step()
            above = self._program.parents.get(above)
        match above:
            case ast.Attribute() | ast.Compare() | ast.Subscript() | ast.Expr() | ast.MatchClass():
                return False
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in _TYPE_TESTS:
                return False
        return True

    def _variable(self, node: ast.AST) -> str:
        """The last word of what a value is assigned to: `auth` of `self.auth`."""
        match self._program.parents.get(node):
            case (
                ast.Assign(targets=[target, *_]) | ast.AnnAssign(target=target) | ast.NamedExpr(target=target)
            ):
                return str(getattr(target, "attr", getattr(target, "id", "")))
        return ""
