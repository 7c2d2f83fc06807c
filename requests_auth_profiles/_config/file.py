"""ProfilesFile: the file found, read, checked, and its profiles as typed values."""

import os
import re
import shlex
import sys
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from requests_auth_profiles import _private_file
from requests_auth_profiles._config import environment
from requests_auth_profiles._config.check import faults, incomplete, literal_secrets, tables
from requests_auth_profiles._config.inheritance import Effective, effectives
from requests_auth_profiles._config.kinds import near
from requests_auth_profiles._config.lines import lines
from requests_auth_profiles._config.links import listed
from requests_auth_profiles._config.place import Place, line_of
from requests_auth_profiles._config.secrets import Secret
from requests_auth_profiles._config.spec import Profile, profile_of
from requests_auth_profiles.errors import ConfigurationError, Fault, ProfileNotFound, ProfilesFileError

__all__ = ["ProfilesFile", "profiles_path"]

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


def profiles_path(file: str | os.PathLike[str] | None = None) -> Path:
    """Where the profiles file is: the argument, else REQUESTS_AUTH_PROFILES_FILE, else the person's own.

    Raises:
        ConfigurationError: what is named can be no file, or there is no home folder.
    """
    named = file if file is not None else os.environ.get(environment.FILE) or None
    if named is None:
        return environment.config_folder() / "profiles.toml"
    path = environment.expanded(named)
    if path is None:
        said = environment.FILE if file is None else "file"
        message = f"{said} names no file: it is empty, has a NUL in it, or a ~ without a home folder"
        raise ConfigurationError(message, hint="give the whole path of the profiles file")
    return path.absolute()


@dataclass(frozen=True, slots=True)
class ProfilesFile:
    """A profiles file without faults.

    Args:
        path: where it is.
        text: what stands in it.
        data: the same, as tomllib gives it.
        profiles: what holds for each profile.
    """

    path: Path
    text: str = field(repr=False)
    data: dict[str, Any] = field(repr=False)
    profiles: dict[str, Effective] = field(repr=False)

    @classmethod
    def read(cls, path: Path) -> Self:
        """The file at a path.

        Raises:
            ProfileNotFound: there is none.
            ProfilesFileError: it is wrong; all faults at once.
            ConfigurationError: it cannot be read.
        """
        file, found = cls._examined(path)
        if file is None:
            # Raised here, where no variable holds what stands in the file: debuggers show those.
            raise ProfilesFileError(str(path), found)
        return file

    @property
    def names(self) -> list[str]:
        """The names of all profiles, in the order of the file."""
        return list(self.profiles)

    def chosen(self, name: str | None) -> str:
        """The profile that is meant: the argument, REQUESTS_AUTH_PROFILE, `default_profile`, or `default`.

        Raises:
            ProfileNotFound: there is none of that name, or none is named.
        """
        wanted = name if name is not None else os.environ.get(environment.PROFILE) or None
        if wanted is None:
            wanted = str(self.data.get("default_profile", "default"))
            if wanted not in self.profiles:
                default = f'; or write default_profile = "{self.names[0]}"' if self.profiles else ""
                raise ProfileNotFound(
                    f"no profile is named, and none is the default of {self.path}",
                    hint=f"{self._choice()}{default}",
                )
        if wanted not in self.profiles:
            source = "" if name is not None else f", which {environment.PROFILE} names,"
            raise ProfileNotFound(
                f"there is no profile {wanted[:_LONGEST_NAME]!r}{source} in {self.path}",
                hint=near(wanted, self.profiles) or self._choice(),
            )
        return wanted

    def profile(self, name: str) -> Profile:
        """What a profile says.

        Args:
            name: one that is in the file.

        Raises:
            ProfilesFileError: it is only there to be extended: it lacks what it needs itself.
        """
        found = self.profiles[name]
        if lacking := incomplete(found):
            raise ProfilesFileError(str(self.path), _placed(self.text, lacking))
        return profile_of(found, self._place)

    @property
    def store_key(self) -> Secret | None:
        """Where `[store]` says the key of the token store is, if it does."""
        key = self.data.get("store", {}).get("key")
        return None if key is None else Secret(key, self._place(("store", "key")))

    @property
    def store_url(self) -> str:
        """Where `[store]` says that tokens are kept; empty where it does not say."""
        return str(self.data.get("store", {}).get("url", ""))

    @classmethod
    def _examined(cls, path: Path) -> tuple[Self | None, list[Fault]]:
        """The file, or what is wrong with it."""
        try:
            raw, readable = _private_file.read(path, limit=_LIMIT, shareable=True)
        except FileNotFoundError:
            raise ProfileNotFound(f"there is no profiles file {path}", hint=_init(path)) from None
        except _private_file.UnsafeFileError as error:
            return None, [Fault((), str(error).removeprefix(f"{path} "), error.hint)]
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise ConfigurationError(f"cannot read {path}: {reason}", hint=f"ls -l {_typed(path)}") from None
        text, data, found = _parsed(raw)
        if found:
            return None, found
        profiles = effectives(tables(data))
        found = faults(data, profiles)
        if readable and (literal := next(literal_secrets(data, profiles), None)) is not None:
            message = "is a secret in a file that others can read"
            found.append(Fault(literal, message, f"chmod 600 {_typed(path)}"))
        if found:
            return None, _placed(text, found)
        return cls(path, text, data, {name: one for name, one in profiles.items() if one is not None}), []

    def _choice(self) -> str:
        if not self.profiles:
            return f"write one in {self.path}: [profiles.NAME]"
        return f"name one of {listed(self.profiles)}"

    def _place(self, path: tuple[str, ...]) -> Place:
        return Place(self.path, self.text, path)


def _typed(path: Path) -> str:
    """A path as it is typed in a shell."""
    return f'"{path}"' if sys.platform == "win32" else shlex.quote(str(path))


def _init(path: Path) -> str:
    try:
        own = path == environment.config_folder() / "profiles.toml"
    except ConfigurationError:
        own = False
    return "requests-auth init" if own else f"requests-auth init --file {_typed(path)}"


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


def _placed(text: str, found: Iterable[Fault]) -> list[Fault]:
    # The lines are only looked up for a file that has faults: it costs more than the check itself.
    places = lines(text)
    placed = [
        Fault(_shown(fault.path), fault.message, fault.hint, line_of(places, fault.path)) for fault in found
    ]
    return sorted(placed, key=lambda fault: fault.line)


def _shown(path: tuple[str, ...]) -> tuple[str, ...]:
    """A path of which no name can do anything to a terminal."""
    return tuple(_shown_step(step) for step in path)


def _shown_step(step: str) -> str:
    short = step if len(step) <= _LONGEST_NAME else f"{step[:_LONGEST_NAME]}…"
    return (short if short.isprintable() else ascii(short)[1:-1]) or '""'
