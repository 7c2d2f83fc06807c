"""A CachedSource over the real code flow, with a clock and a visitor of the test's own."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from requests_auth_profiles._oauth2.channel import Channel
from requests_auth_profiles._oauth2.client import PublicClient
from requests_auth_profiles._oauth2.grants import TokenEndpoint
from requests_auth_profiles._oauth2.server import Server
from requests_auth_profiles._oauth2.sign_in import AuthorizationCode
from requests_auth_profiles._source import CachedSource
from requests_auth_profiles.errors import InteractionRequired
from requests_auth_profiles.stores import MemoryStore, Token, TokenStore
from requests_auth_profiles.testing import AuthorizationServer, Client

NAME = "work"
START = 1_700_000_000.0
LIFETIME = 3600


class Clock:
    """A clock that stands still until it is told the time."""

    def __init__(self, now: float = START) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Visitor:
    """A person who goes where they are sent, on a server that signs in whoever comes.

    Attributes:
        asked: how often they were.
        absent: True = there is nobody.
        doorway: they wait here before they go, or say that nobody is there.
    """

    redirect_uri = "http://127.0.0.1/"

    def __init__(self) -> None:
        self.asked = 0
        self.absent = False
        self.doorway = threading.Event()
        self.doorway.set()

    @contextmanager
    def listening(self) -> Iterator["Visitor"]:
        self.asked += 1
        assert self.doorway.wait(60)
        if self.absent:
            raise InteractionRequired("nobody is there", hint="requests-auth login work")
        yield self

    def __call__(self, authorization_url: str, state: str) -> Mapping[str, str]:
        answer = requests.get(authorization_url, allow_redirects=False, timeout=30)
        return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))


def grant(issuer: str, visitor: Visitor, clock: Clock, timeout_seconds: float = 30) -> AuthorizationCode:
    """The code flow of the public client `app`."""
    channel = Channel(timeout_seconds, clock)
    endpoint = TokenEndpoint(
        server=Server({"issuer": issuer}, channel),
        channel=channel,
        client_id="app",
        client_auth=PublicClient("app"),
        parameters={},
    )
    return AuthorizationCode(endpoint=endpoint, scope="", parameters={}, listen=visitor.listening)


def source(
    issuer: str,
    store: TokenStore,
    clock: Clock,
    visitor: Visitor | None = None,
    *,
    label: str = NAME,
    issued_for: str = "this",
    early_expiry_seconds: float = 30,
    patience_seconds: float = 60,
    timeout_seconds: float = 30,
    ticks: Callable[[], float] = time.monotonic,
) -> CachedSource:
    """The token of that client."""
    return CachedSource(
        grant(issuer, visitor or Visitor(), clock, timeout_seconds),
        store,
        NAME,
        label=label,
        again=f"requests-auth login {label}",
        issued_for=issued_for,
        early_expiry_seconds=early_expiry_seconds,
        patience_seconds=patience_seconds,
        now=clock,
        ticks=ticks,
    )


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server(clock: Clock) -> Iterator[AuthorizationServer]:
    """A provider that goes by the test's clock, and signs in whoever comes."""
    with AuthorizationServer() as server:
        server.clients["app"] = Client()
        server.clock = clock
        server.lifetime_seconds = LIFETIME
        yield server


@pytest.fixture
def store() -> TokenStore:
    return MemoryStore()


@pytest.fixture
def visitor() -> Visitor:
    return Visitor()


@pytest.fixture
def work(server: AuthorizationServer, store: TokenStore, clock: Clock, visitor: Visitor) -> CachedSource:
    """What is tested."""
    return source(server.issuer, store, clock, visitor)


def asked(server: AuthorizationServer) -> list[str]:
    """The grants that were sent to the token endpoint: `code` or `refresh`."""
    names = {"authorization_code": "code", "refresh_token": "refresh"}
    return [names[dict(each.form)["grant_type"]] for each in server.requests if each.path == "/token"]


def at_once(count: int, call: Callable[[], Token]) -> list[Token]:
    """What this many threads get that call at the same time."""
    start = threading.Barrier(count)

    def run(_: int) -> Token:
        start.wait(timeout=30)
        return call()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))
