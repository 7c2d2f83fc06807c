"""Sign-ins at the authorization server for tests, step by step, over HTTP by nothing but requests."""

import base64
import hashlib
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from requests_auth_profiles.testing import AuthorizationServer, Client

REDIRECT_URI = "http://127.0.0.1:49999/callback"
SECRET = "p%41ss+wörd/:&"
CLIENTS = 16


@pytest.fixture
def server() -> Iterator[AuthorizationServer]:
    """A server that knows a public client `app`, a confidential client `job`, and the user `bob`."""
    with AuthorizationServer() as server:
        server.clients["app"] = Client()
        server.clients["job"] = Client(secret=SECRET)
        server.passwords["bob"] = "builder"
        yield server


@dataclass(frozen=True)
class Attempt:
    """One sign-in of the public client, step by step."""

    server: AuthorizationServer
    scope: str = "read write"
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(32))

    def authorize(self, **changes: str | None) -> requests.Response:
        digest = hashlib.sha256(self.verifier.encode()).digest()
        asked = {
            "response_type": "code",
            "client_id": "app",
            "redirect_uri": REDIRECT_URI,
            "scope": self.scope,
            "state": "a state & more",
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        return requests.get(
            f"{self.server.issuer}/authorize", params=asked | changes, allow_redirects=False, timeout=10
        )

    def code(self, **changes: str) -> str:
        return answer_in(self.authorize(**changes))["code"]

    def exchange(self, code: str, /, **changes: str | None) -> requests.Response:
        form = {
            "grant_type": "authorization_code",
            "client_id": "app",
            "code": code,
            "redirect_uri": REDIRECT_URI,
            "code_verifier": self.verifier,
        }
        return post(self.server, "token", form | changes)

    def tokens(self, **changes: str) -> dict[str, Any]:
        return self.exchange(self.code(**changes)).json()


def post(
    server: AuthorizationServer, endpoint: str, form: dict[str, Any], **options: Any
) -> requests.Response:
    return requests.post(f"{server.issuer}/{endpoint}", data=form, timeout=10, **options)


def refresh(server: AuthorizationServer, refresh_token: str, **changes: str) -> requests.Response:
    form = {"grant_type": "refresh_token", "client_id": "app", "refresh_token": refresh_token}
    return post(server, "token", form | changes)


def client_credentials(server: AuthorizationServer, **changes: str) -> requests.Response:
    form = {"grant_type": "client_credentials", "client_id": "job", "client_secret": SECRET}
    return post(server, "token", form | changes)


def answer_in(response: requests.Response) -> dict[str, str]:
    """Give what a redirect to the client says."""
    assert response.status_code == 302
    return dict(parse_qsl(urlsplit(response.headers["Location"]).query))


def wait_for(server: AuthorizationServer, endpoint: str, count: int) -> None:
    while server.count(endpoint) < count:
        time.sleep(0.01)


def refusal(response: requests.Response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]
