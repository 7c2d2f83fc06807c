"""Document: one TOML file of profiles, read and taken apart."""

import os
import re
import shlex
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from requests_auth_profiles import _private_file
from requests_auth_profiles._config.place import line_of
from requests_auth_profiles.errors import ConfigurationError, Fault

__all__ = ["Document", "dangling", "read", "typed"]

_LIMIT = 16 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"
_LONGEST_NAME = 64

# What tomllib says, what it means to somebody who does not know TOML by heart, and what to type.
_TWICE = ("has the same key a second time", "leave one out")
_OPEN = ("is not TOML: a text does not end", 'close its quotes: "text"')
_BACKSLASH = ("is not TOML: a \\ in a text", r"'single quotes' around the text, or \\ for each \ ")
_SYNTAX = (
    ("Cannot declare", "has the same [table] a second time", "join the two, or rename one"),
    ("Cannot overwrite", *_TWICE),
    ("Cannot mutate", *_TWICE),
    ("Cannot redefine", *_TWICE),
    ("Duplicate inline table key", *_TWICE),
    (
        "Invalid value",
        "is not TOML: a value is missing, or cannot be read",
        'key = "text", in straight quotes; true and false in small letters',
    ),
    ("Illegal character '\\n'", *_OPEN),
    ("Found invalid character '\\n'", *_OPEN),
    ("Expected \"'", *_OPEN),
    ("Unterminated string", *_OPEN),
    ("Illegal character", "is not TOML: a character that cannot be seen", "type this line again"),
    ("Unescaped '\\'", *_BACKSLASH),
    ("Invalid hex value", *_BACKSLASH),
    ("Expected '='", "is not TOML: a line without a =", 'key = "text", or [profiles.NAME]'),
    ("Invalid statement", "is not TOML: neither a key nor a [table]", 'key = "text", or [profiles.NAME]'),
    ("Expected ']", "is not TOML: a [table] without its ], or with a blank in its name", "[profiles.NAME]"),
    (
        "Expected newline",
        "is not TOML: more than one thing in a line",
        'key = "text", or [profiles.NAME], each in a line of its own',
    ),
    (
        "Invalid initial character",
        "is not TOML: a key is missing, or cannot be read",
        '{ env = "NAME" } in one line, without a comma before the }',
    ),
    ("Unclosed array", "is not TOML: a list, here or above, does not end", 'close it: ["one", "two"]'),
    ("Unclosed inline table", "is not TOML: a { does not end", 'close it: { env = "NAME" }'),
)


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """One file of profiles.

    Args:
        path: where it is.
        text: what stands in it.
        data: the same, as tomllib gives it.
        is_shared: whether others can read it.
    """

    path: Path
    text: str = field(repr=False)
    data: dict[str, Any] = field(repr=False)
    is_shared: bool

    def placed(self, found: list[Fault]) -> Iterator[Fault]:
        """Faults with this file and their lines, in its order."""
        # The lines are only looked up for a file that has faults: it costs more than the check itself.
        from requests_auth_profiles._config.lines import lines

        places = lines(self.text) if found else {}
        at = [
            replace(
                fault,
                path=_shown(fault.path),
                message=_printable(fault.message),
                hint=_printable(fault.hint),
                line=line_of(places, fault.path),
                file=str(self.path),
            )
            for fault in found
        ]
        yield from sorted(at, key=lambda fault: fault.line)


def read(path: Path, instead: bytes | None = None) -> Document | list[Fault]:
    """The file at a path, or what is wrong with it.

    Args:
        path: the file.
        instead: what is to stand there, where that is asked for before it does.

    Raises:
        FileNotFoundError: there is none.
        ConfigurationError: it cannot be read.
    """
    try:
        raw, is_shared = _private_file.read(path, limit=_LIMIT, shareable=True)
    except FileNotFoundError:
        if instead is None:
            raise
        raw, is_shared = instead, False
    except _private_file.UnsafeFileError as error:
        return [Fault((), str(error).removeprefix(f"{path} "), error.hint, file=str(path))]
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigurationError(f"cannot read {path}: {reason}", hint=f"ls -l {typed(path)}") from None
    text, data, found = _parsed(raw if instead is None else instead)
    if found:
        return [replace(fault, file=str(path)) for fault in found]
    return Document(path, text, data, is_shared)


def dangling(path: Path) -> str:
    """Where a symbolic link leads to, whose end is not there; empty where a path is none."""
    return os.path.realpath(path) if path.is_symlink() and not path.exists() else ""


def typed(path: Path) -> str:
    """A path as it is typed in a shell."""
    return f'"{path}"' if sys.platform == "win32" else shlex.quote(str(path))


def _parsed(raw: bytes) -> tuple[str, dict[str, Any], list[Fault]]:
    """The text and what tomllib makes of it, or why it does not."""
    try:
        text = raw.decode()
        return text, tomllib.loads(text), []
    except UnicodeDecodeError as error:
        fault = Fault((), "is not UTF-8", "save it as UTF-8", raw.count(b"\n", 0, error.start) + 1)
    except RecursionError:
        fault = Fault(
            (), "has lists or tables in each other that go too deep", "three levels are all that there are"
        )
    except ValueError as error:
        fault = _syntax_fault(str(error), raw)
    if raw.startswith(_BOM):
        fault = Fault((), "begins with a byte order mark", "save it as UTF-8 without BOM", 1)
    return "", {}, [fault]


def _syntax_fault(said: str, raw: bytes) -> Fault:
    at = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)$", said)
    if at is None:  # of a number with thousands of digits, Python itself says so, and not where
        return Fault((), "has a number that is far too long", "leave it out")
    line = int(at[1] or raw.rstrip(b"\n").count(b"\n") + 1)
    for known, message, hint in _SYNTAX:
        if said.startswith(known):
            return Fault((), message, hint.strip(), line)
    return Fault((), f"is not TOML: {said[: at.start()]}", "see https://toml.io", line)


def _shown(path: tuple[str, ...]) -> tuple[str, ...]:
    """A path of which no name can do anything to a terminal."""
    return tuple(_shown_step(step) for step in path)


def _shown_step(step: str) -> str:
    short = step if len(step) <= _LONGEST_NAME else f"{step[:_LONGEST_NAME]}…"
    return _printable(short) or '""'


def _printable(text: str) -> str:
    """A text that can do nothing to a terminal: names that stand in the file may be in it."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)
