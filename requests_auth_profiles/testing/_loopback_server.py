"""An HTTP server on 127.0.0.1 that remembers what arrived and can be broken on demand."""

import base64
import json
import socketserver
import string
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, quote

__all__ = ["Endpoint", "LoopbackServer", "Received", "Reply", "page", "redirect_to"]


class Headers(Mapping[str, str]):
    """The header fields of a request, by name in any case, repeated ones joined (RFC 9110 section 5.3)."""

    def __init__(self, fields: Iterable[tuple[str, str]]) -> None:
        self._fields: dict[str, tuple[str, str]] = {}
        for name, value in fields:
            known = self._fields.get(name.lower())
            self._fields[name.lower()] = (known[0], f"{known[1]}, {value}") if known else (name, value)

    def __getitem__(self, name: str) -> str:
        return self._fields[name.lower()][1]

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self._fields.values())

    def __len__(self) -> int:
        return len(self._fields)

    def __repr__(self) -> str:
        return repr(dict(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A request that arrived, and the status it was answered with.

    Args:
        method: as in `GET`.
        path: without the query, as it was sent.
        query: what follows the `?`, as it was sent.
        headers: by name, in any case.
        body: as it was sent; a chunked one put together.
        status: the status of the answer; None = the connection was closed without one.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    status: int | None = None

    @property
    def arguments(self) -> list[tuple[str, str]]:
        """The names and values of the query, decoded."""
        return parse_qsl(self.query)

    @property
    def form(self) -> list[tuple[str, str]]:
        """The names and values of a form in the body, decoded; none where the body is something else."""
        if not self.headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded"):
            return []
        return parse_qsl(self.body.decode(errors="replace"))

    def credentials(self, scheme: str) -> str:
        """What `Authorization` carries for this scheme (RFC 9110 section 11.4), empty where it is another."""
        sent, _, credentials = self.headers.get("Authorization", "").partition(" ")
        return credentials.strip() if sent.lower() == scheme.lower() else ""

    @property
    def basic(self) -> tuple[str, str] | None:
        """The user and password of `Authorization: Basic`, in UTF-8 (RFC 7617); None where there are none."""
        try:
            pair = base64.b64decode(self.credentials("Basic"), validate=True).decode()
        except ValueError:
            return None
        user, colon, password = pair.partition(":")
        return (user, password) if colon else None


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer to give; as it stands, `Reply()`, the right one.

    The right answer is made when the request arrives and held for the delay: a client that does not wait has
    used up its code or refresh token all the same.

    Args:
        status: the HTTP status; None = the right answer.
        headers: header fields besides `Content-Length` and `Connection`.
        body: what follows them.
        delay_seconds: how long to wait before it.
        hang_up: True = the connection is closed without an answer, and nothing is done.
        lost: True = the connection is closed without the right answer, which was made all the same.
    """

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    delay_seconds: float = 0.0
    hang_up: bool = False
    lost: bool = False

    @classmethod
    def json(cls, document: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Self:
        """An answer in JSON.

        Args:
            document: what `json.dumps` takes.
            status: the HTTP status.
            headers: header fields besides `Content-Type`.
        """
        return cls(
            status, {"Content-Type": "application/json", **(headers or {})}, json.dumps(document).encode()
        )


def redirect_to(url: str, status: int = 302) -> Reply:
    """A redirect; what may not stand in a header field is percent-encoded, the rest of the URL is kept."""
    return Reply(status, {"Location": quote(url, safe=string.punctuation), "Cache-Control": "no-store"})


_PAGE_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    # No form-action: Chrome would hold back the redirect that follows the form.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

_PAGE = string.Template("""\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
  :root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
  body { display: grid; place-content: center; min-height: 90vh; margin: 0 1rem; }
  main { max-width: 26rem; padding: 2rem; border: 1px solid #8886; border-radius: 0.75rem; }
  h1 { margin: 0; font-size: 1.25rem; }
  p { margin: 0.75rem 0 0; }
  button { margin-top: 1.5rem; padding: 0.6rem 1.5rem; border: 0; border-radius: 0.5rem;
    background: #0b57d0; color: #fff; font: inherit; cursor: pointer; }
</style>
<main>
<h1>$title</h1>
<p>$text</p>
$form
</main>
</html>
""")


def page(title: str, text: str, *, form: str = "", status: int = 200) -> Reply:
    """A page without JavaScript, for light and dark.

    Args:
        title: plain text.
        text: plain text.
        form: HTML, put in as it is.
        status: the HTTP status.
    """
    html = _PAGE.substitute(title=escape(title), text=escape(text), form=form)
    return Reply(status, _PAGE_HEADERS, html.encode())


class _Exchange(BaseHTTPRequestHandler):
    server: "_Listener"
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        # A connection that outlives its request would be answered by a server that was stopped.
        self.close_connection = True
        try:
            body = self._body()
        except ValueError:
            self.send_error(400)
            return
        path, _, query = self.path.partition("?")
        reply = self.server.reply_to(
            Received(
                method=self.command, path=path, query=query, headers=Headers(self.headers.items()), body=body
            )
        )
        if self.server.stopped.wait(reply.delay_seconds) or reply.status is None:
            return
        self.send_response(reply.status)
        framing = {"Content-Length": str(len(reply.body)), "Connection": "close"}
        for name, value in (framing | dict(reply.headers)).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)

    # These names are http.server's.
    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _answer  # noqa: N815

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return b"".join(iter(self._chunk, b""))
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _chunk(self) -> bytes:
        size = int(self.rfile.readline().partition(b";")[0], base=16)
        chunk = self.rfile.read(size)
        self.rfile.readline()
        return chunk

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (http.server's name)
        pass


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    # On Windows it would let another process listen on the same port.
    allow_reuse_address = sys.platform != "win32"

    def __init__(self, port: int, reply_to: Callable[[Received], Reply]) -> None:
        self.reply_to = reply_to
        self.stopped = threading.Event()
        super().__init__(("127.0.0.1", port), _Exchange)

    def server_bind(self) -> None:
        # HTTPServer's own asks the DNS for the name of the host, which can take seconds.
        socketserver.TCPServer.server_bind(self)

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A client that does not wait for the answer is nothing to report.
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A part of a server that is counted, and broken, by itself.

    Args:
        answer: gives the right answer; never called twice at once.
        paths: where it is found.
        methods: the methods it takes, GET with HEAD; none = any.
    """

    answer: Callable[[Received], Reply]
    paths: tuple[str, ...]
    methods: tuple[str, ...] = ()


class LoopbackServer:
    """An HTTP server on 127.0.0.1, for `with`, or for `start()` and `stop()`.

    Stopped and started again it has the same port, and knows what it knew.

    Attributes:
        requests: what arrived so far, the latest last.
        replies: for each endpoint, the answers to give next instead of the right ones.

    Args:
        endpoints: what it answers, by name.
    """

    def __init__(self, endpoints: Mapping[str, Endpoint]) -> None:
        self.requests: list[Received] = []
        self.replies: dict[str, deque[Reply]] = {name: deque() for name in endpoints}
        self._endpoints = endpoints
        # Answers are made one at a time, so that no endpoint needs a lock, and held and sent side by side.
        self._one_at_a_time = threading.RLock()
        self._port = 0
        self._listener: _Listener | None = None

    @property
    def url(self) -> str:
        """Where it listens, as in `http://127.0.0.1:49152`.

        Raises:
            RuntimeError: it was never started.
        """
        if not self._port:
            raise RuntimeError("it has no port yet: use it in a with statement, or start() it first")
        return f"http://127.0.0.1:{self._port}"

    def count(self, endpoint: str) -> int:
        """How many requests reached this endpoint so far."""
        paths = self._endpoints[endpoint].paths
        return sum(received.path in paths for received in tuple(self.requests))

    def start(self) -> Self:
        """The server itself, listening.

        Raises:
            RuntimeError: it listens already.
            OSError: its port was taken while it was stopped.
        """
        if self._listener is not None:
            raise RuntimeError("it is started already")
        self._listener = _Listener(self._port, self._reply_to)
        self._port = self._listener.server_address[1]
        threading.Thread(target=self._listener.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def stop(self) -> None:
        """Stops listening, and hangs up on who waits for a delayed answer; does nothing once stopped."""
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.stopped.set()
            listener.shutdown()
            listener.server_close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *error: object) -> None:
        self.stop()

    def _reply_to(self, received: Received) -> Reply:
        with self._one_at_a_time:
            reply = self._planned_or_right(received)
            self.requests.append(replace(received, status=reply.status))
        return reply

    def _planned_or_right(self, received: Received) -> Reply:
        for name, endpoint in self._endpoints.items():
            if received.path in endpoint.paths:
                planned = self.replies[name].popleft() if self.replies[name] else Reply()
                if planned.status is not None or planned.hang_up:
                    return planned
                right = replace(self._right(endpoint, received), delay_seconds=planned.delay_seconds)
                return replace(right, status=None) if planned.lost else right
        return Reply.json({"error": "not_found"}, 404)

    def _right(self, endpoint: Endpoint, received: Received) -> Reply:
        method = "GET" if received.method == "HEAD" else received.method
        if endpoint.methods and method not in endpoint.methods:
            return Reply.json({"error": "method_not_allowed"}, 405, {"Allow": ", ".join(endpoint.methods)})
        return endpoint.answer(received)
