"""Whose token a class of requests_auth takes from the cache: never that of another client."""

import itertools
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter
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


class Proof(HTTPAdapter):
    """An adapter that may prove who the client is, as one with a certificate does."""


@dataclass
class Comparable(HTTPAdapter):
    """One that cannot stand in a dict."""

    client: str

    def __post_init__(self) -> None:
        super().__init__()


def through(adapter: HTTPAdapter) -> requests.Session:
    """A session that has a way of its own."""
    session = requests.Session()
    session.mount("http://", adapter)
    return session


def test_a_client_by_an_adapter(server: LoopbackServer) -> None:
    """Sessions with adapters of their own are other clients, but for those that have one in common."""
    adapter = Proof()
    for session, count in ((through(adapter), 1), (through(adapter), 1), (through(Proof()), 2)):
        assert clients(server, session=session) == count


def test_an_adapter_that_is_not_known_again(server: LoopbackServer) -> None:
    """One that cannot be told from another has a token of its own each time."""
    assert [clients(server, session=through(Comparable("one"))) for _ in range(2)] == [1, 2]


def test_a_session_that_proves_nothing(server: LoopbackServer) -> None:
    """Sessions with adapters of requests, or beside a client that says its name, share a token."""
    for session in (requests.Session(), through(HTTPAdapter(max_retries=2))):
        assert clients(server, session=session) == 1
    for _ in range(2):
        assert clients(server, session=through(Proof()), session_auth=("app", "s3cret")) == 2


def test_a_secret_that_is_not_ascii(server: LoopbackServer) -> None:
    """A provider's refusal is told, and no text of the secret, in whatever way that was written."""
    refusal = {"error": "invalid_client", "error_description": "no päss"}
    server.replies["token"].append(Reply.json(refusal, status=401))
    with pytest.raises(InvalidGrantRequest) as caught:
        clients(server, session_auth=HTTPBasicAuth("app", "päss"))
    assert caught.value.error == "invalid_client"
    assert "päss" not in f"{caught.value!r}{caught.value}"


class Told:
    """A token cache of somebody's own, which has none."""

    def get_token(self, key: str, *, on_missing_token: Callable[[], tuple[Any, ...]], **options: Any) -> Any:
        return on_missing_token()[1]


def test_a_password_in_a_report(server: LoopbackServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of ours shows it where a refusal comes through a cache of somebody's own."""
    monkeypatch.setattr(OAuth2, "token_cache", Told())
    server.replies["token"].append(Reply.json({"error": "invalid_grant"}, status=400))
    with pytest.raises(InvalidGrantRequest) as caught:
        clients(server)
    frames = [frame for frame, _ in traceback.walk_tb(caught.value.__traceback__)]
    names = {frame.f_code.co_qualname for frame in frames}
    assert "Password.fetch" in names
    assert [f.f_code.co_qualname for f in frames if "w0rd" in repr(f.f_locals.values())] == []


@pytest.mark.parametrize(
    "name",
    [
        *("pw", "psw", "pat", "jwt", "bearer", "authorization", "auth", "sig", "cookie", "code", "refresh"),
        *("private", "user_pw", "Github-PAT", "id_jwt", "x-sig", "cookies", "auth_code", "device_code"),
    ],
)
def test_what_may_be_a_secret_by_its_name(name: str) -> None:
    """It does not go into the browser's address; what only has such a word in its name does."""
    shown = {"authorization_details": "[]", "country_code": "de", "auth_type": "x", "force_refresh": "1"}
    assert for_browser({name: "x", **shown}) == shown
