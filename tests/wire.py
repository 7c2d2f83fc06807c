"""Bare sockets of the loopback: a server that answers as a test says, a client that says what it wants."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import chain, repeat
from typing import Self

PATIENCE_SECONDS = 20
TICK_SECONDS = 0.02

Answer = bytes | Callable[[socket.socket, threading.Event], None]


def http(status: int, body: bytes = b"", **headers: str) -> bytes:
    """An HTTP response; `Retry_After="3"` is a header."""
    fields = {"Content-Length": str(len(body)), "Connection": "close"}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status} Status\r\n{head}\r\n".encode() + body


def json_reply(text: str, status: int = 200, **headers: str) -> bytes:
    """An HTTP response of JSON."""
    return http(status, text.encode(), **{"Content_Type": "application/json"} | headers)


def trickle(start: bytes, drop: bytes) -> Answer:
    """An answer that begins so, and then goes on drop by drop, for ever."""

    def answer(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(start)
        while not over.wait(TICK_SECONDS):
            connection.sendall(drop)

    return answer


def endless(start: bytes, flood: bytes) -> Answer:
    """An answer that begins so, and then never ends."""

    def answer(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(start)
        while not over.is_set():
            connection.sendall(flood)

    return answer


class RawServer:
    """A server whose every byte is a test's own choice: each connection gets the next answer, the last again.

    Attributes:
        requests: what came, a request for each connection that said anything.
        connections: how many connections there were.
        left: set once a client has gone, or was cut, while it was answered.
    """

    def __init__(self, *answers: Answer) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self.left = threading.Event()
        self._answers = chain(answers, repeat(answers[-1] if answers else b""))
        self._over = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._listening.getsockname()[1]

    @property
    def url(self) -> str:
        """Where it listens, as a token endpoint."""
        return f"http://127.0.0.1:{self.port}/token"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for thread in self._threads:
            thread.join(PATIENCE_SECONDS)
            assert not thread.is_alive()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(connection, next(self._answers)))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket, answer: Answer) -> None:
        with connection, suppress(OSError):
            connection.settimeout(PATIENCE_SECONDS)
            if request := read_request(connection):
                self.requests.append(request)
            try:
                if callable(answer):
                    answer(connection, self._over)
                else:
                    connection.sendall(answer)
            except OSError:
                self.left.set()


def read_request(connection: socket.socket) -> bytes:
    """A request with its body, or what there was of it before the other side went."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        if not part:
            return data
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [
        line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")
    ]
    while lengths and len(body) < int(lengths[0]):
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


@contextmanager
def connected(port: int, host: str = "127.0.0.1") -> Iterator[socket.socket]:
    """A connection to a port of this machine."""
    with socket.create_connection((host, port), PATIENCE_SECONDS) as connection:
        yield connection


def knock(port: int, data: bytes, host: str = "127.0.0.1") -> bytes:
    """What a port answers to these bytes until it hangs up; empty where it says nothing."""
    answer = b""
    with connected(port, host) as connection, suppress(ConnectionError):
        connection.sendall(data)
        while part := connection.recv(65536):
            answer += part
    return answer


def status_of(answer: bytes) -> int:
    """The status of an HTTP response; 0 where there is none."""
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0


def words_of(error: BaseException) -> str:
    """All that an exception, and those that it came from, would show to a person or a log."""
    said, seen = [], set()
    todo: list[BaseException | None] = [error]
    while todo:
        one = todo.pop()
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            said += [str(one), repr(one), repr(one.args), repr(vars(one)), repr(getattr(one, "object", ""))]
            request = getattr(one, "request", None)
            said += [repr(vars(request)) if request is not None else ""]
            todo += [one.__cause__, one.__context__]
    return "\n".join(said)
