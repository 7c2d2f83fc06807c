"""Auths to test with, over sources whose renewals are counted, and what a redirect or a 401 is tried with."""

import threading
from collections.abc import Callable, Sequence

from requests_auth_profiles._auth import ProfileAuth
from requests_auth_profiles._credential import InHeader, InQuery
from requests_auth_profiles._hosts import HostPattern, Reach
from requests_auth_profiles._source import CachedSource, StaticSource
from requests_auth_profiles._token import Token
from requests_auth_profiles.stores import MemoryStore, TokenStore


class CountingGrant:
    """Gives `t1`, `t2`, … and tells how many; each is told to whoever should accept it.

    Args:
        accept: called with each new token.
    """

    interactive = False
    scope = ""

    def __init__(self, accept: Callable[[str], object] = lambda _: None) -> None:
        self.given = 0
        self._accept = accept
        self._guard = threading.Lock()

    def fetch(self) -> Token:
        with self._guard:
            self.given += 1
            token = f"t{self.given}"
        self._accept(token)
        return Token(access_token=token)

    def refresh(self, token: Token) -> Token:
        return self.fetch()


def reach(name: str = "work", hosts: Sequence[str] = (), *, allow_http: bool = False) -> Reach:
    """Where a profile of this name may go, with `hosts` as they stand in a profiles file."""
    return Reach(name, [HostPattern.parse(host) for host in hosts], allow_http=allow_http)


def renewable(
    grant: CountingGrant,
    *,
    name: str = "work",
    header: str = "Authorization",
    hosts: Sequence[str] = (),
    store: TokenStore | None = None,
) -> ProfileAuth:
    """An auth whose token can be renewed, in a header."""
    source = CachedSource(
        grant,
        store or MemoryStore(),
        name,
        label=name,
        again=f"requests-auth login {name}",
        issued_for="",
        early_expiry_seconds=30,
        patience_seconds=10,
    )
    return ProfileAuth(reach(name, hosts), InHeader(header, "Bearer {token}", source))


def key_in_header(
    key: str = "k3y", *, name: str = "gateway", header: str = "X-API-Key", hosts: Sequence[str] = ()
) -> ProfileAuth:
    """An API key in a header."""
    return ProfileAuth(reach(name, hosts), InHeader(header, "{token}", StaticSource(lambda: key)))


def key_in_query(
    key: str = "k3y", *, name: str = "legacy", parameter: str = "api_key", hosts: Sequence[str] = ()
) -> ProfileAuth:
    """An API key in the query."""
    return ProfileAuth(reach(name, hosts), InQuery(parameter, StaticSource(lambda: key)))


def unasked(name: str = "work", hosts: Sequence[str] = (), *, allow_http: bool = False) -> ProfileAuth:
    """An auth whose secret must not be looked up."""

    def secret() -> str:
        raise AssertionError("the secret was looked up")

    where = reach(name, hosts, allow_http=allow_http)
    return ProfileAuth(where, InHeader("Authorization", "Bearer {token}", StaticSource(secret)))
