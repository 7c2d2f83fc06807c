"""What caches of others, and trouble at a cache of ours, do to the classes of requests_auth."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from requests_auth_profiles import JsonTokenFileCache, OAuth2, OAuth2ResourceOwnerPasswordCredentials
from requests_auth_profiles._requests_auth.json_store import JsonStore
from requests_auth_profiles.errors import ConfigurationError, RequestsAuthException
from requests_auth_profiles.testing import AuthorizationServer, Reply


class Giving:
    """A cache of somebody else's that always gives this."""

    def __init__(self, token: object) -> None:
        self.token = token

    def get_token(self, key: str, **_: Any) -> Any:
        return self.token


class Renewing:
    """A cache of somebody else's that always wants its token renewed."""

    def get_token(self, key: str, *, on_expired_token: Any, **_: Any) -> Any:
        return on_expired_token("a refresh token")[1]


@pytest.fixture
def server(home: Path) -> Iterator[AuthorizationServer]:
    """A provider of the test's own."""
    with AuthorizationServer() as server:
        yield server


@contextmanager
def using(cache: object) -> Iterator[None]:
    """The classes use this cache."""
    before = OAuth2.token_cache
    OAuth2.token_cache = cache  # type: ignore[assignment]
    try:
        yield
    finally:
        OAuth2.token_cache = before


def auth(server: AuthorizationServer) -> OAuth2ResourceOwnerPasswordCredentials:
    """Somebody who signs in with a password."""
    return OAuth2ResourceOwnerPasswordCredentials(f"{server.issuer}/token", "ada", "w0rd")


@pytest.mark.parametrize("token", [None, "", 5, ("key", "token")])
def test_a_cache_that_gives_no_token(server: AuthorizationServer, token: object) -> None:
    """It is told, by the name of the cache."""
    with using(Giving(token)), pytest.raises(ConfigurationError, match=r"Giving, .* gave no token"):
        auth(server).token()


def test_a_renewal_that_brings_no_access_token(server: AuthorizationServer) -> None:
    """It is an error of ours, that shows neither the refresh token nor the new one."""
    server.replies["token"].append(Reply.json({"refresh_token": "r0tated", "token_type": "Bearer"}))
    with using(Renewing()), pytest.raises(RequestsAuthException) as caught:
        auth(server).token()
    assert "r0tated" not in f"{caught.value!r}{caught.value}{caught.value.__context__!r}"


def test_a_path_that_is_relative(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file stays where it was, wherever the program goes to."""
    monkeypatch.chdir(home)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        cache = JsonTokenFileCache("tokens.json")
    (home / "elsewhere").mkdir()
    monkeypatch.chdir(home / "elsewhere")
    assert cache.get_token("key", on_missing_token=lambda: ("key", "token", 60)) == "token"
    assert list(JsonStore(home / "tokens.json").keys()) == ["key"]
    assert not list((home / "elsewhere").iterdir())
