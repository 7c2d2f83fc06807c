"""The statements of a TOML file, each with the lines that it stands on; and a file without one profile."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from requests_auth_profiles._config.lines import lines

__all__ = ["Statement", "Unremovable", "newline_of", "statements", "with_profile", "without_profile"]

_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_PART = r"""[ \t]*(?:[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')[ \t]*"""
_HEADER = re.compile(rf"[ \t]*(\[\[?)({_PART}(?:\.{_PART})*)\]")
_PAIR = re.compile(rf"({_PART}(?:\.{_PART})*)=")
_COMMENT = re.compile(r"[ \t]*#(?!:)")  # a directive, as in #:schema, is of the whole file
_BLANK = re.compile(r"[ \t\r\n]*\Z")


class Unremovable(ValueError):
    """A profile that is written where it cannot be taken out alone.

    Args:
        line: where.
    """

    def __init__(self, line: int) -> None:
        super().__init__(f"line {line}")
        self.line = line


@dataclass(frozen=True, slots=True)
class Statement:
    """A header, or a key with its value.

    Args:
        path: what it says, from the root.
        first: its first line, counted from 0.
        last: its last line.
        is_header: whether it is a header.
    """

    path: tuple[str, ...]
    first: int
    last: int
    is_header: bool


def statements(text: str) -> list[Statement]:
    """The statements of a text that tomllib accepts, in its order; each has its lines for itself."""
    rows = _LINE.findall(text)
    found: list[Statement] = []
    table: tuple[str, ...] = ()
    number = 0
    while number < len(rows):
        row = rows[number]
        if _BLANK.match(row) or row.lstrip(" \t").startswith("#"):
            number += 1
            continue
        header = _HEADER.match(row)
        if header is not None:
            table = _path(header[2])
            found.append(Statement(table, number, number, is_header=True))
            number += 1
            continue
        pair = _PAIR.match(row)
        if pair is None:  # tomllib has read it, so this is no TOML that we know
            raise Unremovable(number + 1)
        last = _last(rows, number)
        found.append(Statement((*table, *_path(pair[1])), number, last, is_header=False))
        number = last + 1
    return found


def _path(dotted: str) -> tuple[str, ...]:
    """The parts of a dotted key."""
    path = []
    value: Any = tomllib.loads(f"{dotted.strip()} = 0")
    while isinstance(value, dict):
        ((part, value),) = value.items()
        path.append(part)
    return tuple(path)


def _last(rows: list[str], first: int) -> int:
    """The line on which the value ends that begins on a line: where it is whole for the first time."""
    # Only brackets and quotes of three go on over a line's end, and most values have none.
    if not re.search(r"""\[|\{|\"\"\"|'''""", rows[first]):
        return first
    for last in range(first, len(rows)):
        try:
            tomllib.loads("".join(rows[first : last + 1]))
        except ValueError:
            continue
        return last
    raise Unremovable(first + 1)


def newline_of(text: str) -> str:
    """How the lines of a text end: as its last one does that does."""
    return "\r\n" if text[: text.rfind("\n") + 1].endswith("\r\n") else "\n"


def with_profile(text: str, profile: list[str]) -> str:
    """A text with the lines of a profile at its end, and every byte of it as it was."""
    newline = newline_of(text)
    added = newline.join(profile)
    if not text:
        return f"{added}{newline}"
    # Without a line end before, without one behind: so it can be told, and taken back.
    return f"{text}{newline}{added}{newline}" if text.endswith("\n") else f"{text}{newline * 2}{added}"


def without_profile(text: str, name: str) -> str:
    """A text without a profile: its tables, its keys, the comments that belong to it, and nothing else.

    The comment lines right above a header or key belong to it, and those between the lines of a table, and
    those right below its last one, unless another header follows them. A block on top of the file belongs
    to the file.

    Args:
        text: a text that tomllib accepts.
        name: a profile in it.

    Raises:
        Unremovable: it is written in one statement with others.
    """
    whole = ("profiles", name)
    rows = _LINE.findall(text)
    said = statements(text)
    around = next((one for one in said if not one.is_header and one.path == whole[:1]), None)
    if around is not None:
        raise Unremovable(lines(text).get(whole, around.first + 1))
    gone: set[int] = set()
    for first, last in _blocks(rows, said, whole):
        gone.update(range(first, last + 1))
        blank_above = first > 0 and first - 1 not in gone and _BLANK.match(rows[first - 1]) is not None
        ends = last + 1 >= len(rows)
        if blank_above and (ends or _BLANK.match(rows[last + 1])):
            gone.add(first - 1)  # of two blank lines that would meet, one goes
        elif first == 0 and not ends and _BLANK.match(rows[last + 1]):
            gone.add(last + 1)
    kept = "".join(row for number, row in enumerate(rows) if number not in gone)
    if len(rows) - 1 in gone and not rows[-1].endswith("\n"):  # the file had no line end at its end
        kept = kept.removesuffix("\n").removesuffix("\r")
    return kept


def _blocks(rows: list[str], said: list[Statement], whole: tuple[str, ...]) -> Iterator[tuple[int, int]]:
    """The first and last lines of all that a profile is written on."""
    number = 0
    while number < len(said):
        one = said[number]
        if one.path[: len(whole)] != whole:
            number += 1
            continue
        ours = number + 1
        while ours < len(said) and said[ours].path[: len(whole)] == whole:
            ours += 1
        yield _top(rows, one.first), _bottom(rows, said, ours, one)
        number = ours


def _top(rows: list[str], first: int) -> int:
    """The first of the comment lines right above a line, or that line."""
    ours = top = first
    while top > 0 and rows[top - 1].lstrip(" \t").startswith("#"):
        top -= 1
        ours = top if ours == top + 1 and _COMMENT.match(rows[top]) else ours
    return first if top == 0 else ours


def _bottom(rows: list[str], said: list[Statement], after: int, first: Statement) -> int:
    """The last of the comment lines right below the statements before one, or the last line of those."""
    last = said[after - 1].last
    bottom = last
    while bottom + 1 < len(rows) and _COMMENT.match(rows[bottom + 1]):
        bottom += 1
    follows = after < len(said) and said[after].first == bottom + 1
    return last if follows or not first.is_header else bottom
