"""Whose token a class of requests_auth takes from the cache: never that of another client."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.auth import AuthBase, HTTPBasicAuth

from requests_auth_profiles import OAuth2, OAuth2ResourceOwnerPasswordCredentials, TokenMemoryCache
from requests_auth_profiles._requests_auth.parameters import for_browser
from requests_auth_profiles.errors import InvalidGrantRequest
from requests_auth_profiles.testing import Reply
from requests_auth_profiles.testing._loopback_server import Endpoint, LoopbackServer, Received


class ByHeader(AuthBase):
    """A client that proves itself in a way of its own, and has a user name for other reasons."""

    def __init__(self, client: str) -> None:
        self.username = "alice"
        self.client = client

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        r.headers["X-Client"] = self.client
        return r


@pytest.fixture
def server(home: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackServer]:
    """A token endpoint that gives a new token to whoever asks; the program has none yet."""
    monkeypatch.setattr(OAuth2, "token_cache", TokenMemoryCache())
    numbers = itertools.count()

    def answer(_: Received) -> Reply:
        return Reply.json(
            {"access_token": f"token-{next(numbers)}", "token_type": "Bearer", "expires_in": 3600}
        )

    with LoopbackServer({"token": Endpoint(answer, ("/token",))}) as server:
        yield server


def clients(server: LoopbackServer, **said: Any) -> int:
    """How often a token was asked for, once a user has signed in with this, too."""
    auth = OAuth2ResourceOwnerPasswordCredentials(f"{server.url}/token", "ada", "w0rd", **said)
    auth.token()
    return server.count("token")


def test_a_name_that_is_no_clients(server: LoopbackServer) -> None:
    """Two clients that each prove themselves in a way of their own have no token in common."""
    assert clients(server, session_auth=ByHeader("one")) == 1
    assert clients(server, session_auth=ByHeader("two")) == 2


def test_a_client_by_basic(server: LoopbackServer) -> None:
    """The same client has the same token."""
    assert clients(server, session_auth=HTTPBasicAuth("app", "s3cret")) == 1
    assert clients(server, session_auth=HTTPBasicAuth("app", "s3cret")) == 1
    assert clients(server, session_auth=HTTPBasicAuth("other", "s3cret")) == 2


def test_a_client_by_certificate(server: LoopbackServer, tmp_path: Path) -> None:
    """Sessions with other certificates are other clients."""
    for number, cert in enumerate(("one.pem", "two.pem", "two.pem")):
        session = requests.Session()
        (tmp_path / cert).touch()
        session.cert = str(tmp_path / cert)
        assert clients(server, session=session) == min(number + 1, 2)


def test_a_secret_that_is_not_ascii(server: LoopbackServer) -> None:
    """A provider's refusal is told, and no text of the secret, in whatever way that was written."""
    refusal = {"error": "invalid_client", "error_description": "no päss"}
    server.replies["token"].append(Reply.json(refusal, status=401))
    with pytest.raises(InvalidGrantRequest) as caught:
        clients(server, session_auth=HTTPBasicAuth("app", "päss"))
    assert caught.value.error == "invalid_client"
    assert "päss" not in f"{caught.value!r}{caught.value}"


@pytest.mark.parametrize("name", ["pw", "pat", "jwt", "bearer", "auth", "sig", "cookie", "code", "private"])
def test_what_may_be_a_secret_by_its_name(name: str) -> None:
    """It does not go into the browser's address; what only has such a word in its name does."""
    more = {name: "x", "authorization_details": "[]", "country_code": "de"}
    assert for_browser(more) == {"authorization_details": "[]", "country_code": "de"}
