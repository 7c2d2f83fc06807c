"""The way back from the browser: a listener on this machine, for one sign-in (RFC 8252 section 7.3)."""

import asyncio
import errno
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from threading import Thread
from types import TracebackType
from typing import ClassVar, Protocol, Self
from urllib.parse import parse_qsl, urlsplit

from requests_auth_profiles._oauth2.attendant import Attendant
from requests_auth_profiles._oauth2.page import Page, answered, refused, signed_in, stray
from requests_auth_profiles._oauth2.redirection import Awaited, Request
from requests_auth_profiles._oauth2.sockets import peer_is_a_stranger, port_holder
from requests_auth_profiles.errors import (
    AuthenticationFailed,
    RedirectPortUnavailable,
    RequestsAuthException,
    TimeoutOccurred,
)

__all__ = ["Display", "Loopback"]

_HEAD_LIMIT = 32 * 1024  # a browser sends what cookies other programs of this machine gave it
_CONNECTION_SECONDS = 5.0
_FAREWELL_SECONDS = 2.0
_GLANCE_SECONDS = 0.5
_MOST_CONNECTIONS = 64
_QUEUE = 1024
_FREE_PORT_TRIES = 16
_HTTP_PORT = 80  # browsers do not say it


class Display(Protocol):
    """Makes the pages that the browser shows at the end; see `page` for their parameters."""

    def signed_in(self, profile: str, provider: str) -> Page:
        """The page that ends a sign-in well."""

    def refused(self, profile: str, reason: str, hint: str) -> Page:
        """The page that ends a sign-in that failed."""


class _Display:
    """Our own pages."""

    signed_in = staticmethod(signed_in)
    refused = staticmethod(refused)


class Loopback:
    """Receives the answer to one sign-in: as a context it listens, called it waits, left it says goodbye.

    The browser gets its page when the context is left: what it says is then known to be true.

    Args:
        profile: the name of the profile or class, for messages and the page.
        again: what to type or do to sign in again, for the same.
        provider: the host of the provider, for the same.
        host: the host of the redirect URI; the listener binds loopback addresses whatever it says.
        ports: the ports of the redirect URI, tried in turn; 0 = any free one.
        path: the path of the redirect URI.
        timeout_seconds: how long the person may take.
        attendant: who takes the person to the provider.
        field: the parameter of the answer that is waited for.
        display: makes the pages that the browser shows at the end; None = ours.

    Attributes:
        stand_in: who answers in a test, in place of every attendant and on any free port; None = nobody.
    """

    stand_in: ClassVar[Attendant | None] = None

    def __init__(
        self,
        *,
        profile: str,
        again: str,
        provider: str,
        host: str,
        ports: Sequence[int],
        path: str,
        timeout_seconds: float,
        attendant: Attendant,
        field: str = "code",
        display: Display | None = None,
    ) -> None:
        self._profile = profile
        self._again = again
        self._provider = provider
        self._host = host
        self._ports = ports
        self._path = path
        self._timeout_seconds = timeout_seconds
        self._attendant = self.stand_in or attendant
        self._field = field
        self._display = display or _Display()
        self._sockets: list[socket.socket] = []
        self._listener: _Listener | None = None

    def __enter__(self) -> Self:
        self._sockets = _bind(self._host, self._ports if self.stand_in is None else (0,))
        return self

    @property
    def redirect_uri(self) -> str:
        """Where the provider sends the browser."""
        port = self._sockets[0].getsockname()[1]
        return f"http://{self._host}:{port}{self._path}"

    def __call__(self, authorization_url: str, state: str) -> Mapping[str, str]:
        """The parameters of the answer with this state.

        Raises:
            TimeoutOccurred: there was none in time.
            AuthenticationFailed: this process has too many threads to wait for it.
        """
        port = self._sockets[0].getsockname()[1]
        names = {self._host.lower(), "localhost", "127.0.0.1", "[::1]"}
        authorities = {f"{name}:{port}" for name in names} | (names if port == _HTTP_PORT else set())
        posted = ("response_mode", "form_post") in parse_qsl(urlsplit(authorization_url).query)
        awaited = Awaited(frozenset(authorities), self._path, state, self._field, posted)
        self._listener = _Listener(self._sockets, awaited)
        deadline = time.monotonic() + self._timeout_seconds
        try:
            self._attendant.invite(self._profile, self._provider, authorization_url)
            while (left := deadline - time.monotonic()) > 0:
                self._attendant.waiting(left)
                with suppress(TimeoutError):
                    return self._listener.answer.result(min(left, _GLANCE_SECONDS))
        finally:
            self._attendant.done()
        raise TimeoutOccurred(
            f"nobody signed in to {self._provider} for {self._profile} within {self._timeout_seconds:g} s",
            hint=f"{self._again}; or raise timeout",
        )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._listener is not None:
            self._listener.close(self._farewell(error))
        for listening in self._sockets:
            listening.close()

    def _farewell(self, error: BaseException | None) -> Page:
        if error is None:
            return self._display.signed_in(self._profile, self._provider)
        reason, hint = "The program stopped waiting.", ""
        if isinstance(error, RequestsAuthException):
            reason, hint = error.message, error.hint
        return self._display.refused(self._profile, reason, hint or self._again)


class _Listener:
    """The server behind a `Loopback`: in a thread, so that it works beside a running event loop."""

    def __init__(self, sockets: Sequence[socket.socket], awaited: Awaited) -> None:
        self.answer: Future[Mapping[str, str]] = Future()
        self._farewell: Future[Page] = Future()
        self._sockets = sockets
        self._awaited = awaited
        self._connections: set[asyncio.Task[None]] = set()
        self._queue: dict[asyncio.Task[None], None] = {}
        self._thread = Thread(target=self._run, name="requests-auth-loopback", daemon=True)
        try:
            self._thread.start()
        except RuntimeError as error:  # there are too many, or the interpreter is about to end
            raise AuthenticationFailed(
                f"nobody could be asked to sign in: {error}",
                hint="try again with fewer threads, or before the program ends",
            ) from None

    def close(self, farewell: Page) -> None:
        """Ends the listening; the browser that brought the answer gets this page."""
        self._farewell.set_result(farewell)
        self._thread.join(_FAREWELL_SECONDS + 1)

    def _run(self) -> None:
        # Not asyncio.run(): the loop that is the default on Windows cannot wait for a socket of ours.
        with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._told = asyncio.Event()
        loop = asyncio.get_running_loop()
        for listening in self._sockets:
            listening.settimeout(0)
            listening.listen(_QUEUE)
            loop.add_reader(listening, self._let_in, listening)
        await asyncio.wrap_future(self._farewell)
        for listening in self._sockets:
            loop.remove_reader(listening)
        if self.answer.done():
            with suppress(TimeoutError):  # the browser may be gone
                await asyncio.wait_for(self._told.wait(), _FAREWELL_SECONDS)
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _let_in(self, listening: socket.socket) -> None:
        # By ourselves and one at a time: each has its say before many others push it out again, and none is
        # forgotten that comes as the listening ends, as with asyncio's own server.
        try:
            connection, _ = listening.accept()
        except OSError:  # it is gone again
            return
        connection.settimeout(0)
        task = asyncio.get_running_loop().create_task(self._handle(connection))
        task.add_done_callback(partial(self._hang_up, connection))
        self._connections.add(task)
        self._queue[task] = None
        if len(self._queue) > _MOST_CONNECTIONS:
            # Many slow ones must not keep the real one out: the browser is quick, so it is not the oldest.
            oldest = next(iter(self._queue))
            del self._queue[oldest]
            oldest.cancel()

    async def _handle(self, connection: socket.socket) -> None:
        reader, writer = await asyncio.open_connection(sock=connection, limit=_HEAD_LIMIT)
        try:
            async with asyncio.timeout(_CONNECTION_SECONDS):
                verdict = await self._verdict(reader)
            page = verdict if isinstance(verdict, Page) else await self._take(verdict, writer)
            async with asyncio.timeout(_CONNECTION_SECONDS):
                try:
                    writer.write(_response(page))
                    await writer.drain()
                finally:  # told, or gone
                    if self._farewell.done() and page is self._farewell.result():
                        self._told.set()
                writer.write_eof()
                # Closed on what was not read, the system would take the page back (RFC 9112 section 9.6).
                while await reader.read(_HEAD_LIMIT):
                    pass
        except (TimeoutError, EOFError, OSError):
            pass  # slow, gone, or not a browser: the sign-in goes on waiting
        finally:
            writer.transport.abort()

    def _hang_up(self, connection: socket.socket, task: asyncio.Task[None]) -> None:
        self._connections.discard(task)
        self._queue.pop(task, None)
        connection.close()

    async def _verdict(self, reader: asyncio.StreamReader) -> Mapping[str, str] | Page:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            return stray("It is too large.", 431)
        request = Request.parse(head)
        if request is None:
            return stray("It could not be read.")
        if request.body_length is None:
            return stray("It is too large.", 413)
        return self._awaited.judge(request, await reader.readexactly(request.body_length))

    async def _take(self, answer: Mapping[str, str], writer: asyncio.StreamWriter) -> Page:
        if self.answer.done():
            return answered()
        # They can read the address in our browser's argv, and would have us signed in as themselves.
        peer = writer.get_extra_info("peername")
        if peer is None or peer_is_a_stranger(writer.get_extra_info("socket"), peer[:2]):
            return stray("It came from another user of this machine.", 403)
        if (task := asyncio.current_task()) is not None:
            self._queue.pop(task, None)  # no other takes its place, however long the provider takes
        self.answer.set_result(answer)
        return await asyncio.shield(asyncio.wrap_future(self._farewell))


def _response(page: Page) -> bytes:
    fields = "".join(f"{name}: {value}\r\n" for name, value in page.headers.items())
    return f"HTTP/1.1 {page.status} \r\n{fields}\r\n".encode() + page.body


def _bind(host: str, ports: Sequence[int]) -> list[socket.socket]:
    """Listening sockets on the loopback addresses that a host means, all on one port."""
    both = [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")]
    # A literal means itself; a name may be either to the browser, so nobody else may have the other one.
    families = both[:1] if host == "127.0.0.1" else both
    for port in ports:
        for _ in range(_FREE_PORT_TRIES if port == 0 else 1):
            if sockets := _bind_all(families, port):
                return sockets
    holders = {port: port_holder(port) for port in ports}
    said = ", ".join(
        f"{port} (taken by {holder})" if holder else str(port) for port, holder in holders.items()
    )
    raise RedirectPortUnavailable(
        f"cannot listen on the redirect URI's port: {said}",
        hint="another registered port; or any free one, if the provider allows it: redirect_port = 0 in a "
        "profile, redirect_uri_port=0 in a class",
    )


def _bind_all(families: Sequence[tuple[socket.AddressFamily, str]], port: int) -> list[socket.socket]:
    sockets: list[socket.socket] = []
    for family, address in families:
        try:
            listening = socket.socket(family, socket.SOCK_STREAM)
            sockets.append(listening)
            if sys.platform == "win32":
                # SO_REUSEADDR would let another process share the port there.
                listening.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
            else:
                listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listening.bind((address, port))
            listening.listen()
        except OSError as error:
            if error.errno in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}:
                if family in {one.family for one in sockets}:
                    sockets.pop().close()
                continue  # this machine has no IPv4, or no IPv6
            for one in sockets:
                one.close()
            return []
        port = listening.getsockname()[1]
    return sockets
