"""What the tests of the 58 faults share: a person with a browser, a provider, an API, a cache."""

import threading
import webbrowser
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import requests
from wire import PATIENCE_SECONDS, knock

from requests_auth_profiles import (
    OAuth2,
    OAuth2AuthorizationCode,
    OAuth2AuthorizationCodePKCE,
    OAuth2ClientCredentials,
    OAuth2Implicit,
    OAuth2ResourceOwnerPasswordCredentials,
    TokenMemoryCache,
)
from requests_auth_profiles.testing import AuthorizationServer, Client, ProtectedApi, Reply

SECRET = "p%41ss+word/x"
PASSWORD = "hunter2-hunter2"
REFUSED = Reply(401, {"WWW-Authenticate": 'Bearer error="invalid_token"'})


class Browser(webbrowser.BaseBrowser):
    """The person's browser; whoever opens it signs in, unless a test says what happens instead.

    Attributes:
        urls: what it was told to open, the latest last.
        pages: what it, or a stranger, was answered.
        visit: what happens when it is told to open a URL.
        failures: what went wrong in it.
    """

    def __init__(self) -> None:
        super().__init__("faults")
        self.urls: list[str] = []
        self.pages: list[bytes] = []
        self.visit: Callable[[str], object] = self.arrive
        self.failures: list[BaseException] = []
        self._idle = threading.Condition()
        self._busy = 0

    def open(self, url: str, new: int = 0, autoraise: bool = True) -> bool:
        self.urls.append(url)
        with self._idle:
            self._busy += 1
        try:
            self.visit(url)
        except BaseException as error:  # noqa: BLE001  shown where the test ends
            self.failures.append(error)
        finally:
            with self._idle:
                self._busy -= 1
                self._idle.notify_all()
        return True

    def rest(self) -> None:
        """Waits until it is closed; an error in it is one of the test."""
        with self._idle:
            assert self._idle.wait_for(lambda: not self._busy, PATIENCE_SECONDS)
        assert not self.failures, self.failures

    @property
    def asked(self) -> list[dict[str, str]]:
        """The parameters of the authorization requests."""
        return [dict(parse_qsl(urlsplit(url).query)) for url in self.urls]

    def arrive(self, url: str) -> None:
        """Signs in, and brings the provider's answer back."""
        self.bring(self.answer(url))

    def answer(self, url: str) -> str:
        """Where the provider sends the browser."""
        return requests.get(url, allow_redirects=False, timeout=PATIENCE_SECONDS).headers["Location"]

    def bring(self, target: str) -> None:
        """Goes where the provider sends it; a fragment is posted as our page does."""
        place, _, fragment = target.partition("#")
        parts = urlsplit(place)
        if fragment:
            self.pages.append(stranger(parts.port or 80, "POST", parts.path or "/", fragment))
        else:
            self.pages.append(stranger(parts.port or 80, "GET", f"{parts.path or '/'}?{parts.query}"))


class World:
    """A provider with the clients `app` and `job`, an API that takes its tokens, and a person's browser."""

    def __init__(self, server: AuthorizationServer, api: ProtectedApi, browser: Browser) -> None:
        self.server, self.api, self.browser = server, api, browser
        server.clients |= {"app": Client(), "job": Client(secret=SECRET)}
        server.passwords["ada"] = PASSWORD
        self.authorize, self.token = f"{server.issuer}/authorize", f"{server.issuer}/token"

    def code(self, **changed: Any) -> OAuth2AuthorizationCode:
        return OAuth2AuthorizationCode(self.authorize, self.token, **self._person(changed))

    def pkce(self, **changed: Any) -> OAuth2AuthorizationCodePKCE:
        return OAuth2AuthorizationCodePKCE(self.authorize, self.token, **self._person(changed))

    def implicit(self, **changed: Any) -> OAuth2Implicit:
        return OAuth2Implicit(self.authorize, **self._person(changed))

    def machine(self, client: str = "job", secret: str = SECRET, **changed: Any) -> OAuth2ClientCredentials:
        url = changed.pop("token_url", self.token)
        return OAuth2ClientCredentials(url, client, secret, **{"timeout": PATIENCE_SECONDS} | changed)

    def password(self, **changed: Any) -> OAuth2ResourceOwnerPasswordCredentials:
        url = changed.pop("token_url", self.token)
        how = {"timeout": PATIENCE_SECONDS} | changed
        return OAuth2ResourceOwnerPasswordCredentials(url, "ada", PASSWORD, **how)

    def _person(self, changed: dict[str, Any]) -> dict[str, Any]:
        return {"redirect_uri_port": 0, "client_id": "app", "timeout": PATIENCE_SECONDS} | changed

    def call(self, auth: Any, path: str = "/me", **options: Any) -> requests.Response:
        """A call of the API; the browser has come to rest when it is over."""
        try:
            return requests.get(f"{self.api.url}{path}", auth=auth, timeout=PATIENCE_SECONDS, **options)
        finally:
            self.browser.rest()

    def sent(self, auth: Any, **options: Any) -> str:
        """The bearer token that the API gets; it is not looked at there."""
        self.call(auth, "/echo", **options)
        return self.api.requests[-1].credentials("Bearer")

    @property
    def token_forms(self) -> list[dict[str, str]]:
        """What came to the token endpoint."""
        return [dict(one.form) for one in tuple(self.server.requests) if one.path == "/token"]

    def answer_next(self, document: object, **headers: str) -> None:
        """What the token endpoint says next, instead of what is right."""
        self.server.replies["token"].append(Reply.json(document, headers=headers))


@pytest.fixture
def world(home: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A provider, an API and a browser; the program's tokens are those of this test alone."""
    browser = Browser()
    monkeypatch.setattr(webbrowser, "get", lambda using=None: browser)
    monkeypatch.setattr(OAuth2, "token_cache", TokenMemoryCache())
    with AuthorizationServer() as server, ProtectedApi(server, api_keys=["SECRETKEY"]) as api:
        yield World(server, api, browser)


def redirect_port(url: str) -> int:
    """The port that an authorization URL says the browser comes back to."""
    return urlsplit(dict(parse_qsl(urlsplit(url).query))["redirect_uri"]).port or 80


def stranger(
    port: int, method: str, target: str, body: str | bytes = b"", host: str = "localhost", **fields: str
) -> bytes:
    """What a port answers to a request, in the form of a browser's."""
    data = body.encode() if isinstance(body, str) else body
    said = {"Host": f"{host}:{port}"}
    if method == "POST":
        said |= {"Origin": f"http://{host}:{port}", "Content-Length": str(len(data))}
        said |= {"Content-Type": "application/x-www-form-urlencoded"}
    said |= {name.replace("_", "-"): value for name, value in fields.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in said.items())
    return knock(port, f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode() + data)


def query(**said: str) -> str:
    """A path with a query."""
    return f"/?{urlencode(said)}"
