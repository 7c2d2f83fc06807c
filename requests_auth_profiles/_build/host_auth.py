"""by_host(): for each request, the profile whose `hosts` name its URL."""

import os
from contextlib import suppress
from typing import Any

from requests import PreparedRequest
from requests.auth import AuthBase

from requests_auth_profiles._auth import ComposedAuth, ProfileAuth, SupportMultiAuth
from requests_auth_profiles._build.builder import Builder
from requests_auth_profiles._build.reading import reading
from requests_auth_profiles._config.file import ProfilesFile
from requests_auth_profiles._config.links import listed
from requests_auth_profiles._config.reaching import chosen_by
from requests_auth_profiles._hosts import HostPattern
from requests_auth_profiles.errors import ProfilesFileError

__all__ = ["HostAuth", "by_host"]


class HostAuth(SupportMultiAuth, AuthBase):
    """An authentication that takes another profile for each host.

    Args:
        file: the profiles file; see `by_host`.

    Raises:
        ProfilesFileError: it is wrong, or two of its profiles are for the same.
    """

    def __init__(self, file: str | os.PathLike[str] | None) -> None:
        self._file = file
        self._known: tuple[Builder, list[tuple[HostPattern, str]]] | None = None
        self._routes()

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        """Signs a request by the profile for its URL; where there is none, it is left as it is."""
        auth = self.chosen(r.url or "")
        return r if auth is None else auth(r)

    def chosen(self, url: str) -> ProfileAuth | ComposedAuth | None:
        """The authentication of the profile for a URL, as requests sends it; None = none is for it."""
        builder, routes = self._routes()
        name = next((name for pattern, name in routes if pattern.matches(url)), None)
        return None if name is None else builder.auth(name)

    def __repr__(self) -> str:
        return f"<HostAuth: {listed(dict.fromkeys(name for _, name in self._routes()[1]))}>"

    def __reduce__(self) -> Any:
        raise TypeError("by_host() is not pickled or copied: make it anew")

    def _routes(self) -> tuple[Builder, list[tuple[HostPattern, str]]]:
        """The profiles, and what they are for: the narrowest first."""
        builder = reading(self._file).builder
        if self._known is None or self._known[0] is not builder:
            self._known = builder, _routes(builder.file)
        return self._known


def by_host(*, file: str | os.PathLike[str] | None = None) -> HostAuth:
    """An authentication that takes, for each request, the profile whose `hosts` name its URL.

    Of several the narrowest counts: a host before `*.`, and of those the one that says more of the path, the
    scheme, the port. A profile without `hosts` is never taken, and a request that none is for is sent as it
    is.

    Args:
        file: as in `profile`.

    Raises:
        ProfileNotFound: there is no such file.
        ProfilesFileError: the file is wrong, or two of its profiles are for just the same.
    """
    return HostAuth(file)


def _routes(file: ProfilesFile) -> list[tuple[HostPattern, str]]:
    specs = {}
    for name in file.names:
        with suppress(ProfilesFileError):  # it is only there to be extended
            specs[name] = file.profile(name)
    first, twice = chosen_by(specs, file.profiles)
    if twice:
        raise ProfilesFileError(str(file.path), file.placed(twice))
    return sorted(first.items(), key=lambda route: _width(route[0]))


def _width(pattern: HostPattern) -> tuple[Any, ...]:
    """What sorts patterns: what says more comes first."""
    wild = pattern.host.startswith(".")
    return wild, -len(pattern.host), -len(pattern.path), not pattern.scheme, pattern.port is None
