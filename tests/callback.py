"""A sign-in that waits for its answer in a thread, and what a browser or a stranger sends to it."""

import socket
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from threading import Event
from typing import Any, Self
from urllib.parse import urlsplit

from wire import PATIENCE_SECONDS, connected

from requests_auth_profiles._oauth2.loopback import Loopback

PATH = "/callback"
STATE = "st4te-of-this-sign-in"
CODE = "c0de-of-this-sign-in"
ANSWER = {"code": CODE, "state": STATE}
QUERY = f"code={CODE}&state={STATE}"
AUTHORIZATION_URL = "https://idp.example/authorize"


class Notes:
    """An attendant that takes nobody anywhere, and notes what it is told."""

    def __init__(self) -> None:
        self.invited: list[tuple[str, str, str]] = []
        self.seconds_left: list[float] = []
        self.ended = 0

    def invite(self, profile: str, provider: str, authorization_url: str) -> None:
        self.invited.append((profile, provider, authorization_url))

    def waiting(self, seconds_left: float, what: str = "") -> None:
        self.seconds_left.append(seconds_left)

    def done(self) -> None:
        self.ended += 1


def loopback(**changed: Any) -> Loopback:
    """A loopback on any free port, with some of its arguments changed."""
    settings: dict[str, Any] = {
        "profile": "work",
        "again": "requests-auth login work",
        "provider": "idp.example",
        "host": "localhost",
        "ports": [0],
        "path": PATH,
        "timeout_seconds": PATIENCE_SECONDS,
        "attendant": Notes(),
    }
    return Loopback(**settings | changed)


def request(
    port: int, target: str = f"{PATH}?{QUERY}", method: str = "GET", body: bytes = b"", **headers: str | None
) -> bytes:
    """A request as a browser writes it; `Sec_Fetch_Site="none"` is a header, and None leaves one out."""
    fields: dict[str, str | None] = {"Host": f"localhost:{port}"}
    if method == "POST":
        fields |= {"Origin": f"http://localhost:{port}", "Content-Length": str(len(body))}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value is not None)
    return f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + body


def tell(port: int, data: bytes, address: str = "127.0.0.1") -> bytes:
    """What a port answers to bytes after which nothing more comes; empty where it only hangs up."""
    answer = b""
    with connected(port, address) as connection, suppress(ConnectionError):
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        while part := connection.recv(65536):
            answer += part
    return answer


def is_open(port: int, address: str = "127.0.0.1") -> bool:
    """Whether somebody listens."""
    try:
        with connected(port, address):
            return True
    except ConnectionRefusedError:
        return False


class SignIn:
    """A program that waits for its person, in a thread; when its block ends, so does the wait.

    Attributes:
        answered: set once the answer has come.
        exchange: cleared by a test, it holds the program where it would ask for a token.

    Args:
        failure: what the program then fails with.
        changed: arguments of the loopback.
    """

    def __init__(self, *, failure: Exception | None = None, **changed: Any) -> None:
        self.answered, self.exchange = Event(), Event()
        self.exchange.set()
        self._failure = failure
        self._loopback = loopback(**changed)
        self._listening: Future[str] = Future()
        self._threads = ThreadPoolExecutor()

    def __enter__(self) -> Self:
        self.outcome = self._threads.submit(self._wait)
        self.redirect_uri = self._listening.result(PATIENCE_SECONDS)
        self.port = urlsplit(self.redirect_uri).port or 80
        return self

    def __exit__(self, *error: object) -> None:
        self.exchange.set()
        with suppress(OSError):  # it does not wait any more
            tell(self.port, request(self.port))
        self._threads.shutdown()

    def _wait(self) -> Mapping[str, str]:
        with self._loopback as listening:
            self._listening.set_result(listening.redirect_uri)
            answer = listening(AUTHORIZATION_URL, STATE)
            self.answered.set()
            assert self.exchange.wait(PATIENCE_SECONDS)
            if self._failure is not None:
                raise self._failure
        return answer

    def get(self, target: str = f"{PATH}?{QUERY}", **headers: str | None) -> bytes:
        """What a GET is answered."""
        return tell(self.port, request(self.port, target, **headers))

    def get_meanwhile(self) -> "Future[bytes]":
        """What the real answer will be answered, once it has come."""
        reply = self._threads.submit(self.get)
        assert self.answered.wait(PATIENCE_SECONDS)
        return reply

    def finish(self) -> Mapping[str, str]:
        """What the program has got after the real answer came."""
        self.get()
        return self.outcome.result(PATIENCE_SECONDS)
