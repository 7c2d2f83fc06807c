"""The value of an expression of a program, as far as the program writes it out."""

import ast
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from requests_auth_profiles.cli.program import Given, Intricate, Program, Scope, Term, attribute_path

__all__ = ["Unreadable", "Values", "Variable"]

_STEPS = 100_000  # for a whole program: what doubles itself forty times was not written to be read
_LONGEST = 10_000
_LONGEST_NAME = 60
_GREATEST = 2**53

# What reads an environment variable; some read it from a file too, where it is not set.
_READERS = {
    *("os.environ", "os.environ.get", "os.getenv", "decouple.config", "environ.Env()", "environs.Env()"),
    *("environ.Env().str", "environs.Env().str"),
}
_SAME = {"str", "strip", "rstrip"}  # what they give is what they are given, but for space around it
_SUMS: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
}
# The last word of names whose values are for nobody's eyes, unlike TOKEN_URL or KEY_NAME.
_SECRET = re.compile(r"(secret|passw(or)?d|pwd|passphrase|token|key|credentials?)s?$", re.IGNORECASE)


class Unreadable(ValueError):
    """The value of an expression is known only when the program runs.

    Args:
        source: the name that it comes from; empty = none.
    """

    def __init__(self, source: str = "") -> None:
        super().__init__(source)
        is_name = len(source) <= _LONGEST_NAME and all(map(str.isidentifier, source.split(".")))
        self.source = source if is_name else ""  # else somebody wrote something else in its place


@dataclass(frozen=True, slots=True)
class Variable:
    """A value that is read from the environment.

    Args:
        name: of the variable.
        default: what holds where it is not set; None = nothing, or what is not known.
        has_default: whether anything does.
    """

    name: str
    default: Any = None
    has_default: bool = False


class Values:
    """Gives the values of expressions of a program.

    Args:
        program: the program.
    """

    def __init__(self, program: Program) -> None:
        self._program = program
        self._steps = _STEPS
        self._secret_source = ""

    def of(self, term: Term) -> Any:
        """The value that an expression writes out, or the variable that it reads.

        Raises:
            Unreadable: it does neither.
        """
        self._secret_source = ""
        try:
            return self._value(term)
        except (RecursionError, Intricate):
            raise Unreadable from None

    def secret_source(self) -> str:
        """The name, among those that the last value came by, that tells of a secret; empty = none."""
        return self._secret_source

    def elements(self, term: Term) -> list[Term]:
        """The elements of a list or tuple.

        Raises:
            Unreadable: it is not written out.
        """
        node, scope = self.followed(term)
        if not isinstance(node, (ast.Tuple, ast.List, ast.Set)):
            raise Unreadable
        found: list[Term] = []
        for one in node.elts:
            if isinstance(one, ast.Starred):
                found += self.elements(Term(one.value, scope))
            else:
                found.append(Term(one, scope))
            self._step(len(found))
        return found

    def entries(self, term: Term) -> dict[str, Term]:
        """The values of a dict, by their keys.

        Raises:
            Unreadable: it is not written out.
        """
        node, scope = self.followed(term)
        pairs: list[tuple[ast.expr | None, ast.expr]] = []
        match node:
            case ast.Dict(keys=keys, values=values):
                pairs += zip(keys, values, strict=True)
            case ast.Call(func=function, args=arguments, keywords=keywords) if (
                "builtins.dict" in self._program.origins(function, scope)
            ):
                pairs += [(None, one) for one in arguments]
                pairs += [(ast.Constant(one.arg) if one.arg else None, one.value) for one in keywords]
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                pairs += [(None, left), (None, right)]
            case _:
                raise Unreadable
        found: dict[str, Term] = {}
        for key, value in pairs:
            if key is None:
                found |= self.entries(Term(value, scope))
            elif isinstance(name := self._value(Term(key, scope)), str):
                found[name] = Term(value, scope)
            else:
                raise Unreadable
            self._step(len(found))
        return found

    def followed(self, term: Term) -> Term:
        """The expression that a name stands for; that of a value, as it is.

        Raises:
            Unreadable: there is none, or more than one.
        """
        while True:
            self._step()
            node, scope = term
            match node:
                case Given(term=given):
                    term = given
                case ast.NamedExpr(value=value):
                    term = Term(value, scope)
                case ast.Name() | ast.Attribute():
                    term = self._bound(node, scope)
                case ast.Subscript(value=container, slice=index) if not self._reads(container, scope):
                    term = self._item(Term(container, scope), self._value(Term(index, scope)))
                case _:
                    return term

    def _value(self, term: Term) -> Any:
        node, scope = term = self.followed(term)
        match node:
            case ast.Constant(value=value) if _is_usable(value):
                return value
            case ast.Tuple() | ast.List() | ast.Set():
                return [self._plain(one) for one in self.elements(term)]
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self._number(Term(operand, scope))
            case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _SUMS:
                return self._sum(type(sign), self._plain(Term(left, scope)), self._plain(Term(right, scope)))
            case ast.JoinedStr(values=parts):
                return self._short("".join([self._part(one, scope) for one in parts]))
        return self._found(node, scope)

    def _found(self, node: ast.AST, scope: Scope) -> Any:
        """A value that may be in the environment."""
        match node:
            case ast.BoolOp(op=ast.Or(), values=[first, *others]):
                return self._first(Term(first, scope), [Term(one, scope) for one in others])
            case ast.Subscript(slice=index):
                return self._variable(Term(index, scope))
            case ast.Call():
                return self._call(node, scope)
        raise Unreadable

    def _call(self, node: ast.Call, scope: Scope) -> Any:
        given = {one.arg: one.value for one in node.keywords}
        default = given.pop("default", None)
        name = given.pop("key", None)
        match node:
            case ast.Call(func=function, args=[first, *others]) if self._reads(function, scope):
                if len(others) > 1 or given or name:
                    raise Unreadable
                default = others[0] if others else default
                return self._variable(Term(first, scope), Term(default, scope) if default else None)
            case ast.Call(func=function, args=[]) if name and self._reads(function, scope):
                return self._variable(Term(name, scope), Term(default, scope) if default else None)
            case ast.Call(func=ast.Attribute(value=base, attr=method), args=[], keywords=[]) if (
                method in _SAME
            ):
                return self._same(Term(base, scope))
            case ast.Call(func=ast.Name(id="str"), args=[inner], keywords=[]):
                return self._same(Term(inner, scope))
        raise Unreadable

    def _same(self, term: Term) -> Any:
        value = self._value(term)
        if isinstance(value, (str, Variable)):
            return value.strip() if isinstance(value, str) else value
        raise Unreadable

    def _variable(self, name: Term, default: Term | None = None) -> Variable:
        found = self._value(name)
        if not isinstance(found, str):
            raise Unreadable
        if default is None:
            return Variable(found)
        try:
            value = self._value(default)
        except Unreadable:
            return Variable(found, has_default=True)
        if isinstance(value, Variable):  # of two variables, the first is asked first
            return Variable(found, value.default, has_default=True)
        return Variable(found, value, has_default=value not in (None, ""))

    def _first(self, first: Term, others: list[Term]) -> Any:
        value = self._value(first)
        if not others or (value and not isinstance(value, Variable)):
            return value
        if not isinstance(value, Variable):
            return self._first(others[0], others[1:])
        try:
            default = self._first(others[0], others[1:])
        except Unreadable:
            default = None
        return Variable(
            value.name, None if isinstance(default, Variable) else default, has_default=default != ""
        )

    def _bound(self, node: ast.Name | ast.Attribute, scope: Scope) -> Term:
        source = attribute_path(node)
        if _SECRET.search(source):
            self._secret_source = source
        bindings = self._program.bindings(node, scope)
        self._program.step(len(bindings))
        if len(bindings) > 1 and isinstance(node, ast.Name) and scope.owner(node.id) is scope:
            # In one run of statements, the last one before holds.
            place = (getattr(node, "lineno", 0), getattr(node, "col_offset", 0))
            if all(one.certain for one in bindings):
                bindings = [one for one in bindings if one.end <= place][-1:]
        terms = [one.term for one in bindings]
        if len(terms) != 1 or terms[0] is None:
            raise Unreadable(source)
        return terms[0]

    def _item(self, container: Term, index: Any) -> Term:
        try:
            if isinstance(index, str):
                if _SECRET.search(index):
                    self._secret_source = index if index.isidentifier() else "a secret's place"
                return self.entries(container)[index]
            if type(index) is int:
                return self.elements(container)[index]
        except LookupError:
            raise Unreadable from None
        raise Unreadable

    def _reads(self, node: ast.expr, scope: Scope) -> bool:
        """Whether an expression is something that reads environment variables."""
        return not _READERS.isdisjoint(self._program.origins(node, scope))

    def _plain(self, term: Term) -> Any:
        value = self._value(term)
        if isinstance(value, Variable):
            raise Unreadable(value.name)
        return value

    def _number(self, term: Term) -> Any:
        value = self._value(term)
        if type(value) not in (int, float):
            raise Unreadable
        return value

    def _part(self, node: ast.expr, scope: Scope) -> str:
        match node:
            case ast.FormattedValue(value=value, conversion=-1, format_spec=None):
                found = self._plain(Term(value, scope))
            case _:
                found = self._plain(Term(node, scope))
        if type(found) is int and abs(found) <= _GREATEST:
            return str(found)
        if not isinstance(found, str):
            raise Unreadable
        return found

    def _sum(self, sign: type[ast.operator], left: Any, right: Any) -> Any:
        numbers = all(type(one) in (int, float) and abs(one) <= _GREATEST for one in (left, right))
        alike = sign is ast.Add and type(left) is type(right) and isinstance(left, (str, list))
        if not numbers and not alike:
            raise Unreadable
        return self._short(_SUMS[sign](left, right))

    def _short(self, value: Any) -> Any:
        if isinstance(value, (str, list)):
            self._step(len(value))
            if len(value) > _LONGEST:
                raise Unreadable
        return value

    def _step(self, cost: int = 1) -> None:
        self._steps -= cost
        if self._steps < 0:
            raise Unreadable


def _is_usable(value: object) -> bool:
    """Whether it can be written in TOML, if its type can."""
    if isinstance(value, str):  # no file can hold the half of a character
        return len(value) <= _LONGEST and not re.search("[\ud800-\udfff]", value)
    return type(value) is not int or value <= _GREATEST
