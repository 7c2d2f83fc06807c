"""What a class puts on the wire: a browser, a provider and an API on this machine that note all they get."""

import json
import re
import socket
import time
import webbrowser
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from types import ModuleType
from typing import Any, cast
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import jwt
import requests
from elsewhere import elsewhere
from requests import PreparedRequest, Response, Session
from requests.adapters import HTTPAdapter
from wire import json_reply

from requests_auth_profiles.testing import AuthorizationServer, Client, ProtectedApi, Received

CLIENT, SECRET = "54239d18-c68c-4c47-8bdd-ce71ea1d50cd", "0c5MB"
PATIENCE_SECONDS = 20
JWT_DOTS = 2
IMPLICIT_TOKEN = jwt.encode({"exp": 4_000_000_000}, "a key of the tests, which is thirty-two bytes", "HS256")
# Of these only whether they are there can be compared: they are new each time.
NEW = {"code", "code_challenge", "code_verifier", "nonce", "refresh_token", "state"}


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


class Visit(webbrowser.BaseBrowser):
    """A browser for `webbrowser` that goes to the address in a thread, and comes back with the answer.

    Attributes:
        urls: the addresses that it was to open, the latest last.

    Args:
        server: the provider that it goes to, whatever host the address names.
    """

    def __init__(self, server: AuthorizationServer) -> None:
        super().__init__("visit")
        self.urls: list[str] = []
        self._server = server
        self.threads: list[Thread] = []

    def open(self, url: str, new: int = 0, autoraise: bool = True) -> bool:
        self.urls.append(url)
        self.threads.append(Thread(target=self._go, args=(url,)))
        self.threads[-1].start()
        return True

    def _go(self, url: str) -> None:
        at_server = f"{self._server.url}/authorize?{urlsplit(url).query}"
        reply = requests.get(at_server, allow_redirects=False, timeout=PATIENCE_SECONDS)
        location = reply.headers["Location"]
        if not url.startswith(self._server.url):  # the host that the address names says nothing of this one
            location = re.sub(r"&iss=[^&]*", "", location)
        back, _, fragment = location.partition("#")
        if not fragment:
            requests.get(back, timeout=PATIENCE_SECONDS)
            return
        # What a script in the page would do. An access token of the implicit flow must be a JWT upstream.
        said = dict(parse_qsl(fragment))
        if "id_token" in said and not url.startswith(self._server.url):
            claims = jwt.decode(said["id_token"], options={"verify_signature": False})
            said["id_token"] = self._server._signer.id_token(claims | {"iss": _issuer(url)})
        if "access_token" in said:
            said["access_token"] = IMPLICIT_TOKEN
        parts = urlsplit(back)
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Origin": f"{parts.scheme}://{parts.netloc}",
        }
        requests.post(back, urlencode(said), headers=headers, timeout=PATIENCE_SECONDS)


class Forwarding(HTTPAdapter):
    """Sends to the token endpoint of a server of this machine what is meant for another host.

    Attributes:
        urls: where it was meant to go, the latest last.
    """

    def __init__(self, server: AuthorizationServer) -> None:
        super().__init__()
        self.urls: list[str] = []
        self._server = server

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        self.urls.append(request.url or "")
        moved = request.copy()
        moved.url = f"{self._server.url}/token"
        return super().send(moved, *args, **kwargs)


@dataclass
class World:
    """A provider, an API, and a browser of one's own, for the classes of one library after the other's."""

    server: AuthorizationServer
    api: ProtectedApi
    browser: Visit
    port: int = field(default_factory=free_port)

    def filled(self, said: Mapping[str, Any]) -> dict[str, Any]:
        """Arguments with the addresses of this world, `{server}`, and its port where one listens."""
        return {
            name: value.replace("{server}", self.server.url) if isinstance(value, str) else value
            for name, value in said.items()
        }

    def session(self) -> tuple[Session, Forwarding]:
        """A session whose requests to https hosts come to the token endpoint here."""
        session, forwarding = Session(), Forwarding(self.server)
        session.mount("https://", forwarding)
        return session, forwarding


@dataclass(frozen=True)
class Trace:
    """What was put on the wire: each part a mapping of what can be compared.

    Attributes:
        browser: where the browser was sent, and each parameter of the query there.
        token: the request to the token endpoint, or the requests.
        api: the request to the API.
    """

    browser: list[dict[str, str]]
    token: list[dict[str, str]]
    api: list[dict[str, str]]

    def differences(self, other: "Trace") -> set[tuple[str, str, str | None, str | None]]:
        """The part, the name, what is here and what is there, of all that is not the same."""
        found = set()
        for part, here in vars(self).items():
            there = getattr(other, part)
            assert len(here) == len(there), f"{part}: {here} {there}"
            for one, two in zip(here, there, strict=True):
                found |= {
                    (part, name, one.get(name), two.get(name))
                    for name in one.keys() | two.keys()
                    if one.get(name) != two.get(name)
                }
        return found


@contextmanager
def world() -> Iterator[World]:
    """A world in which a person signs in at once, and whose clients are those of the documentation."""
    with (
        TemporaryDirectory() as folder,
        AuthorizationServer() as server,
        ProtectedApi(server) as api,
        elsewhere(Path(folder), lambda _: json_reply(json.dumps(server._signer.jwks()))),
    ):
        server.clients |= {
            CLIENT: Client(secret=SECRET),
            "public": Client(),
            "odd": Client(secret="p%41ss+word/x"),
        }
        server.passwords["user name"] = "user password"
        browser = Visit(server)
        with suppress(webbrowser.Error):
            webbrowser.get()  # finds those of this machine, which are put back below
        order = cast("list[str]", vars(webbrowser)["_tryorder"])
        before = list(order)
        webbrowser.register("visit", None, browser, preferred=True)
        try:
            yield World(server, api, browser)
        finally:
            order[:] = before
            for thread in browser.threads:
                thread.join(PATIENCE_SECONDS)


def _issuer(url: str) -> str:
    """Who signs the ID tokens of a provider whose sign-in is at this address."""
    entra = re.match(r"https://login\.microsoftonline\.com/([^/]+)/oauth2/authorize", url)
    return f"https://sts.windows.net/{entra[1]}/" if entra else url.partition("/v1/authorize")[0]


def trace(
    where: World, library: ModuleType, name: str, said: Mapping[str, Any], path: str, pause_seconds: float = 0
) -> Trace:
    """What a class of a library puts on the wire for a call of an API.

    Args:
        where: the world it lives in.
        library: requests_auth, or ours.
        name: the class.
        said: its arguments.
        path: path and query at the API.
        pause_seconds: after which there is a second call; 0 = there is none.
    """
    library.OAuth2.token_cache.clear()
    for one in (where.server.requests, where.api.requests, where.browser.urls):
        one.clear()
    arguments = where.filled(said)
    meant: list[str] = []
    if arguments.pop("forwarded", False):
        arguments["session"], forwarding = where.session()
        meant = forwarding.urls
    auth = getattr(library, name)(**arguments)
    requests.get(where.api.url + path, auth=auth, timeout=PATIENCE_SECONDS)
    if pause_seconds:
        time.sleep(pause_seconds)
        requests.get(where.api.url + path, auth=auth, timeout=PATIENCE_SECONDS)
    # What has ended since is a token too.
    clock, where.server.clock = where.server.clock, lambda: 0
    tokens = [received for received in where.server.requests if received.path == "/token"]
    seen = Trace(
        browser=[_address(url) for url in where.browser.urls],
        token=[
            {"url": where.server.url + "/token", **_request(received, where)} | ({"url": url} if url else {})
            for received, url in zip(tokens, meant or [""] * len(tokens), strict=True)
        ],
        api=[_request(received, where) for received in where.api.requests],
    )
    where.server.clock = clock
    return seen


def _pieces(text: str) -> dict[str, str]:
    """The parameters as they were sent, byte for byte; of those that are new each time only that they are."""
    said: dict[str, str] = {}
    for piece in filter(None, text.split("&")):
        name, equals, value = piece.partition("=")
        said[name] = "new" if name in NEW else said.get(name, "") + equals + value
    return said


def _address(url: str) -> dict[str, str]:
    parts = urlsplit(url)
    return {"url": urlunsplit(parts._replace(query=""))} | _pieces(parts.query)


def _request(received: Received, where: World) -> dict[str, str]:
    headers = {name.lower(): value for name, value in received.headers.items()}
    passed = {"accept", "accept-encoding", "connection", "content-length", "host", "user-agent"}
    said = {f"{name}:": _without_token(value, where) for name, value in headers.items() if name not in passed}
    line = {"request": f"{received.method} {received.path}"}
    return line | said | _pieces(received.query) | _pieces(received.body.decode())


def _without_token(value: str, where: World) -> str:
    """A header in which each token that was issued here is only called one."""

    def called(found: re.Match[str]) -> str:
        if found[0].count(".") == JWT_DOTS:
            return "JWT"
        return "TOKEN" if where.server.introspect(found[0]) else found[0]

    return re.sub(r"[\w.-]{40,}", called, value)
