"""What all verbs share: the file that is meant, and how a person is taken through a sign-in."""

import os
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import click

from requests_auth_profiles._build import Builder
from requests_auth_profiles._config.document import typed
from requests_auth_profiles._config.file import ProfilesFile, profiles_path, site_path
from requests_auth_profiles._config.spec import Profile
from requests_auth_profiles._oauth2.attendant import SIGNING_IN, BrowserAttendant
from requests_auth_profiles.errors import ProfilesFileError
from requests_auth_profiles.stores import FallbackStore, SealedStore

__all__ = [
    "TerminalAttendant",
    "builder",
    "counted",
    "for_named_file",
    "lasts",
    "named_file",
    "sealed_store",
    "usable",
    "wants_colour",
    "with_file",
]

_OURS = re.compile(r"\brequests-auth (?=[a-z])(?![^;\n]* --file )")

_Verb = TypeVar("_Verb", bound=Callable[..., Any])


def _remember(context: click.Context, _: click.Parameter, value: str | None) -> None:
    if value is not None:
        context.find_root().obj = value


def with_file(verb: _Verb) -> _Verb:
    """Gives a verb the option --file, which may stand before or behind the verb's name."""
    return click.option(
        "--file",
        metavar="PATH",
        type=click.Path(),
        callback=_remember,
        expose_value=False,
        help="The profiles file. Default: REQUESTS_AUTH_PROFILES_FILE, else your own.",
    )(verb)


def named_file() -> str | None:
    """The file that --file names, if it was given."""
    named: str | None = click.get_current_context().find_root().obj
    return named


def for_named_file(text: str) -> str:
    """A text whose commands, to be typed next, are for the file that --file names, if it was given."""
    named = named_file()
    return text if named is None else _OURS.sub(lambda _: f"requests-auth --file {typed(Path(named))} ", text)


def builder() -> Builder:
    """The builder for the profiles file that is meant."""
    return Builder(ProfilesFile.read(profiles_path(named_file()), site_path(named_file())), TerminalAttendant)


def usable(build: Builder) -> list[Profile]:
    """The profiles of a file but those that are only there to be extended."""
    specs = []
    for name in build.file.names:
        with suppress(ProfilesFileError):
            specs.append(build.file.profile(name))
    return specs


def sealed_store(build: Builder) -> SealedStore | None:
    """The store on a disk or a server; None = tokens are kept in memory only."""
    store = build.store
    meant = store.meant if isinstance(store, FallbackStore) else store
    return meant if isinstance(meant, SealedStore) else None


class TerminalAttendant(BrowserAttendant):
    """Takes the person to the provider, and shows on the terminal what is waited for, and how long yet."""

    def waiting(self, seconds_left: float, what: str = SIGNING_IN) -> None:
        """Counts down, in a line that goes away."""
        minutes, seconds = divmod(round(seconds_left), 60)
        left = f"{minutes}:{seconds:02} min" if minutes >= 2 else f"{seconds_left:.0f} s"  # noqa: PLR2004
        self._line(f"{what}, {left} left")

    def done(self) -> None:
        """Takes that line away."""
        self._line("")

    def _say(self, text: str) -> bool:
        click.echo(for_named_file(text), nl=False, err=True, color=wants_colour())
        return sys.stderr is not None

    def _strong(self, text: str) -> str:
        return click.style(text, bold=True)

    @staticmethod
    def _line(text: str) -> None:
        if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
            click.echo(f"\r{click.style(text, dim=True)}\x1b[K\r", nl=False, err=True)


def wants_colour() -> bool | None:
    """False where the person or the terminal has no use for colour (no-color.org); None = click decides."""
    return False if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" else None


def lasts(seconds: float) -> str:
    """How long a number of seconds is, for people."""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def counted(number: int, what: str) -> str:
    """How many of something there are."""
    return f"{number} {what}{'' if number == 1 else 's'}"
