"""The lines of a TOML document on which its tables, keys and items stand: tomllib gives values only."""

import re
import tomllib
from itertools import count

__all__ = ["lines"]

KeyPath = tuple[str, ...]

_BLANK = re.compile(r"(?:[ \t\n]++|#[^\n]*+)++")
_NAME = re.compile(r"""[A-Za-z0-9_-]++|"(?:[^"\\]++|\\.)*+"|'[^']*+'""")
# A string of several lines may end in two more quotes, which are its own. The rest is a number, a date or a
# boolean; it ends where a list or a line goes on, not at a space, since one may stand inside a date.
_SCALAR = re.compile(
    r'''
    """ (?: [^"\\]++ | \\. | "(?!"") )*+ "{3,5}
    | \'\'\' (?: [^']++ | '(?!\'\') )*+ '{3,5}
    | " (?: [^"\\]++ | \\. )*+ "
    | ' [^']*+ '
    | [^\]},\#\n]++
    ''',
    re.VERBOSE | re.DOTALL,
)


def lines(text: str) -> dict[KeyPath, int]:
    """The line, counted from 1, on which each table, key and item of a list is first named.

    Args:
        text: a TOML document that tomllib accepts.

    Returns:
        The lines by path from the root, as in `("profiles", "work", "hosts", "0")`: an item of a list, or
        of an array of tables, goes by its index. Every path of what tomllib gives is there, and no other,
        at the cost of one pass over the text and one tuple for each path.

    Raises:
        ValueError: the text is no TOML; not all that is wrong is noticed.
        RecursionError: it is nested deeper than tomllib itself can follow.
    """
    # As in tomllib, so that a carriage return is never part of a line end.
    document = _Document(text.replace("\r\n", "\n"))
    document.read()
    return document.lines


class _Document:
    """One pass over a document, from its start to its end; `at` never stands on a blank or a comment."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.line = 1
        self.lines: dict[KeyPath, int] = {}
        self.last_items: dict[KeyPath, int] = {}
        self.move(0)

    def read(self) -> None:
        table: KeyPath = ()
        while self.at < len(self.text):
            if self.skip("[["):
                array = self.key(())
                self.last_items[array] = self.last_items.get(array, -1) + 1
                table = self.name(array, str(self.last_items[array]))
                self.skip("]]")
            elif self.skip("["):
                table = self.key(())
                self.skip("]")
            else:
                self.pair(table)

    def pair(self, table: KeyPath) -> None:
        path = self.key(table)
        self.skip("=")
        self.value(path)

    def key(self, table: KeyPath) -> KeyPath:
        path = self.name(table, self.part())
        while self.skip("."):
            # Whatever is said below an array of tables is said of the table that it holds last.
            if path in self.last_items:
                path = (*path, str(self.last_items[path]))
            path = self.name(path, self.part())
        return path

    def part(self) -> str:
        part = self.take(_NAME)
        if part[0] in "\"'":
            part = str(tomllib.loads(f"part = {part}")["part"])
        return part

    def value(self, path: KeyPath) -> None:
        if self.skip("["):
            for index in count():
                if self.skip("]"):
                    break
                # One frame for a list, two for an inline table: tomllib takes one more, and gives up first.
                self.value(self.name(path, str(index)))
                self.skip(",")
        elif self.skip("{"):
            while not self.skip("}"):
                self.pair(path)
                self.skip(",")
        else:
            self.take(_SCALAR)

    def name(self, parent: KeyPath, last: str) -> KeyPath:
        path = (*parent, last)
        self.lines.setdefault(path, self.line)
        return path

    def take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.text, self.at)
        if found is None:
            raise ValueError(f"line {self.line} is no TOML")
        self.move(found.end())
        return found[0]

    def skip(self, mark: str) -> bool:
        stands = self.text.startswith(mark, self.at)
        if stands:
            self.move(self.at + len(mark))
        return stands

    def move(self, end: int) -> None:
        blank = _BLANK.match(self.text, end)
        end = blank.end() if blank else end
        self.line += self.text.count("\n", self.at, end)
        self.at = end
