"""How one call to a provider goes over the wire: to one place, for so long, so much, and no further."""

import socket
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from threading import Thread
from typing import Any, TypeVar

import requests
from requests.adapters import BaseAdapter, HTTPAdapter

from requests_auth_profiles.errors import ProviderUnavailable

__all__ = ["Line", "Timed", "TookTooLong", "Unmoved"]

_Result = TypeVar("_Result")
# A cache can stand in the place of requests.Session (requests_cache.install_cache), and it would keep tokens.
_Session: Any = next(kind for kind in requests.Session.__mro__ if kind.__module__ == "requests.sessions")


class Unmoved(_Session):  # type: ignore[misc]
    """A session, as tests of others put their answers in its way, but one that leaves redirects alone.

    requests' own reads them to their end, however long, and unpacks them.
    """

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Nowhere."""


class TookTooLong(Exception):
    """A call did not end in time."""


class Timed(BaseAdapter):
    """Another adapter, with a time limit for all of a call, and a limit for what is read.

    Args:
        way: that one.
        seconds: how long a call may take.
        give_up: ends one that takes longer.
        limit: how many bytes are read, and some more.
    """

    def __init__(self, way: BaseAdapter, seconds: float, give_up: Callable[[], None], limit: int) -> None:
        super().__init__()
        self._way = way
        self._seconds = seconds
        self._give_up = give_up
        self._limit = limit

    def send(self, request: requests.PreparedRequest, *_: Any, **settings: Any) -> requests.Response:
        """The response, with its body.

        Raises:
            TookTooLong: there is none yet.
        """
        result = _within(self._seconds, partial(self._read, request, settings), self._give_up)
        if result is None:
            raise TookTooLong
        if isinstance(result, requests.Response):
            return result
        try:
            raise result
        finally:
            del result  # it knows this frame, and both would stay for a while, with the request

    def close(self) -> None:
        """Nothing: it may be that of another session."""

    def _read(
        self, request: requests.PreparedRequest, settings: dict[str, Any]
    ) -> requests.Response | Exception:
        try:
            with self._way.send(request, **settings) as response:
                body = b""
                for part in response.raw.stream(64 * 1024, decode_content=False):
                    body += part
                    if len(body) > self._limit:
                        break
                response._content = body  # noqa: SLF001  as it came, unpacked by nobody
                return response
        except Exception as error:  # noqa: BLE001  a thread would print it
            return error


class Line(HTTPAdapter):
    """A way to a host that another thread can cut: nothing leaves then, and nothing is waited for."""

    def __init__(self) -> None:
        super().__init__()
        self._is_cut = False
        self.is_unused = True
        self._connections: list[Any] = []
        self._sockets: list[socket.socket] = []

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        """A pool, as requests asks for it, whose connections are known here."""
        line = self
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        kind: Any = pool.ConnectionCls

        class Connection(kind):  # type: ignore[misc]
            def connect(self) -> None:
                line._connections.append(self)
                super().connect()
                line.is_unused = False
                # Kept: a connection forgets its socket once an answer without a length begins.
                line._sockets.append(self.sock)
                # A name that took too long to look up must not let a request out that was given up.
                if line._is_cut:
                    self.close()
                    raise TimeoutError

        pool.ConnectionCls = Connection
        return pool

    def cut(self) -> None:
        """Ends all that is going on."""
        self._is_cut = True
        for one in (*self._sockets, *(connection.sock for connection in self._connections)):
            with suppress(OSError, AttributeError):  # it may be closed, or have no socket yet
                one.shutdown(socket.SHUT_RDWR)


def _within(seconds: float, call: Callable[[], _Result], give_up: Callable[[], None]) -> _Result | None:
    """What a call gives, or None where it takes longer.

    It runs in a thread, as a time limit of a socket counts from byte to byte, and a name lookup has none.
    """
    results: list[_Result] = []
    thread = Thread(target=lambda: results.append(call()), name="requests-auth-channel", daemon=True)
    try:
        thread.start()
    except RuntimeError as error:  # there are too many, or the interpreter is about to end
        raise ProviderUnavailable(
            f"the provider was not asked: {error}", hint="try again with fewer threads, or before the exit"
        ) from None
    try:
        thread.join(seconds)
        return results[0] if results else None  # before the cut, which may pass for the end of an answer
    finally:
        give_up()
