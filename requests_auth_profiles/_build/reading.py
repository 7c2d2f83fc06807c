"""profile(): the file that is meant, read again only when it has changed."""

import os
import time
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from requests import PreparedRequest

from requests_auth_profiles._auth import ComposedAuth, ProfileAuth
from requests_auth_profiles._build.builder import Builder, making
from requests_auth_profiles._config import environment
from requests_auth_profiles._config.file import ProfilesFile, profiles_path, site_path
from requests_auth_profiles.errors import ConfigurationError

__all__ = ["Reading", "profile", "reading"]

_SETTLED_NANOSECONDS = 100_000_000  # more than a tick of the clock that stamps files

_readings: dict[tuple[str, bool], "Reading"] = {}


def profile(
    name: str | None = None, *, file: str | os.PathLike[str] | None = None
) -> ProfileAuth | ComposedAuth:
    """The authentication that a profile names, for `requests.get(url, auth=profile("work-okta"))`.

    Reading the file is all that this does: no secret is looked up and nobody is asked before the first
    request. Called again with nothing changed it gives the same object; a changed file is read again.

    Args:
        name: the profile; None = REQUESTS_AUTH_PROFILE, else `default_profile`, else `default`.
        file: the profiles file; None = REQUESTS_AUTH_PROFILES_FILE, else the person's own.

    Raises:
        ProfileNotFound: there is no such file, or no such profile in it.
        ProfilesFileError: the file is wrong; all its faults at once.
        CompositionConflict: two members of a composition write the same header or parameter.
        ConfigurationError: the name is no text.
    """
    if not (name is None or isinstance(name, str)):
        raise _misused(name)
    return reading(file).builder.auth(name)


def reading(file: str | os.PathLike[str] | None) -> "Reading":
    """The profiles file as it is now; see `profile` for the parameter and what is raised."""
    path = _path(file)
    known = _readings.get(path)
    if known is None or known.stamp != _stamp(path[0]) or (known.under and known.is_stale()):
        known = _read(path, file)
    return known


def _misused(name: object) -> ConfigurationError:
    """What to write in place of a call with something that is no name."""
    if isinstance(name, PreparedRequest):  # requests calls what it is given as auth
        return ConfigurationError(
            "profile was given to requests, not called", hint="write auth=profile(), with parentheses"
        )
    if isinstance(name, os.PathLike):
        return ConfigurationError("the name of a profile is no path", hint="write profile(file=…)")
    return ConfigurationError(
        f"the name of a profile is text, not a {type(name).__name__}", hint='profile("work-okta")'
    )


def _path(file: str | os.PathLike[str] | None) -> tuple[str, bool]:
    """The file that is meant, and whether it was named."""
    said = (os.environ.get(environment.FILE) or None) if file is None else file
    if isinstance(said, str) and os.path.isabs(said) and "\0" not in said:  # noqa: PTH117
        return said, True  # for this, pathlib would cost more than all the rest of a call
    if said is None:
        return _own(*map(os.environ.get, environment.CONFIG_VARIABLES)), False
    return str(profiles_path(file)), True


@lru_cache(maxsize=16)
def _own(*_: str | None) -> str:
    """The person's own file, worked out once for the variables that say where it is."""
    return str(profiles_path())


class Reading(NamedTuple):
    """A profiles file as it was read.

    Args:
        stamp: what changes when the file does; empty where it was so young that it may change unseen.
        under: the same for the files that it includes, and the site's.
        builder: what was made of them.
    """

    stamp: tuple[int, ...]
    under: dict[str, tuple[int, ...]]
    builder: "Builder"

    def is_stale(self) -> bool:
        """Whether a file under it was changed."""
        return any(_stamp(path) != stamp for path, stamp in self.under.items())


def _read(path: tuple[str, bool], named: str | os.PathLike[str] | None) -> Reading:
    with making():
        stamp = _stamp(path[0])  # before the reading: what is written meanwhile is seen next time
        known = _readings.get(path)
        if known is not None and known.stamp == stamp and not known.is_stale():
            return known
        file = ProfilesFile.read(Path(path[0]), site_path(named))
        same = known is not None and known.builder.file.texts == file.texts
        builder = known.builder if known is not None and same else Builder(file)
        under = {name: _stamp(name) for name in file.texts if name != path[0]}
        youngest = max(when for one in (stamp, *under.values()) for when in one[:2])
        settled = abs(time.time_ns() - youngest) > _SETTLED_NANOSECONDS
        _readings[path] = Reading(stamp if settled else (), under, builder)
        return _readings[path]


def _stamp(path: str) -> tuple[int, ...]:
    try:
        status = os.stat(path)  # noqa: PTH116
    except OSError:
        return (0,)  # reading it says what is wrong
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino, status.st_mode
