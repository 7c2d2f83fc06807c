"""RedisStore: one sealed document for each name, on a Redis or Valkey server, for a fleet of machines."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from requests_auth_profiles.errors import StoreChanged
from requests_auth_profiles.stores._server import Server
from requests_auth_profiles.stores._server_lock import held
from requests_auth_profiles.stores.documents import LIMIT_BYTES
from requests_auth_profiles.stores.keys import KeySource
from requests_auth_profiles.stores.sealed import SealedStore

if TYPE_CHECKING:
    from redis import Redis

__all__ = ["RedisStore"]

_KEPT_ASIDE = 3
_ASIDE_SECONDS = 30 * 24 * 3600
_AT_ONCE = 500

# What is under a key: nothing where it is not there, `?` where it is no document, else `=` and the document.
_STATE = f"""
local kind, state = redis.call('TYPE', KEYS[1]).ok, '?'
if kind == 'none' then
    state = ''
elseif kind == 'string' and redis.call('STRLEN', KEYS[1]) <= {LIMIT_BYTES} then
    state = '=' .. redis.call('GET', KEYS[1])
end
"""
_READ = f"{_STATE} return state"
# KEYS: the document, and those that were set aside. ARGV: the new state; when the one before is set aside, or
# nothing; the states that it may be changed from, any where none is named.
_CHANGE = f"""{_STATE}
local expected = #ARGV == 2
for number = 3, #ARGV do
    expected = expected or state == ARGV[number]
end
if not expected then
    return 0
end
if ARGV[2] ~= '' and state ~= '' then
    if redis.call('TYPE', KEYS[2]).ok ~= 'list' then
        redis.call('DEL', KEYS[2])
    end
    redis.call('LPUSH', KEYS[2], ARGV[2] .. state)
    redis.call('LTRIM', KEYS[2], 0, {_KEPT_ASIDE - 1})
    redis.call('EXPIRE', KEYS[2], {_ASIDE_SECONDS})
end
if ARGV[1] == '' then
    redis.call('DEL', KEYS[1])
else
    redis.call('SET', KEYS[1], string.sub(ARGV[1], 2))
end
return 1
"""


class RedisStore(SealedStore):
    """Sealed tokens on a Redis or Valkey server; it needs the extra `redis`.

    All machines that share it need the same key. What is written under a lock is compared first, so a process
    that stood still and lost its lock overwrites nothing: `StoreChanged` is raised there.

    Args:
        url: `rediss://user:password@host:6379/0?prefix=requests-auth`, or gives it when it is first needed;
            `redis://` is without TLS, `ca_bundle=/…` the file of who vouches for the server.
        sources: where its key may come from, the best first; asked on the first use.
        now: the clock (epoch seconds).
    """

    def __init__(
        self, url: str | Callable[[], str], *sources: KeySource, now: Callable[[], float] = time.time
    ) -> None:
        self._server = Server(url if callable(url) else lambda: url)
        super().__init__(_OnServer(self._server), *sources, now=now)

    def __repr__(self) -> str:
        return "RedisStore()"  # not where: that may have to be looked up


class _Held(threading.local):
    """What may be there of each document that this thread has locked."""

    def __init__(self) -> None:
        self.states: dict[str | None, list[bytes]] = {}


class _OnServer:
    """Documents as values of a server; see `Documents`."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._held = _Held()

    def place(self, name: str | None) -> str:
        return f"{self._key(name)} on {self._server.url}" if name is not None else str(self._server.url)

    def read(self, name: str | None) -> bytes | None:
        state = self._state(name)
        return state[1:] if state else None

    def write(self, name: str | None, data: bytes) -> None:
        self._change(name, b"=" + data)

    def set_aside(self, name: str, at: int) -> None:
        self._change(name, b"", str(at))

    def delete(self, name: str) -> None:
        self._delete(self._key(name), self._aside(name))
        if (states := self._held.states.get(name)) is not None:
            states[:] = [b""]

    def names(self) -> list[str]:
        begin = self._key("")
        said = [key[len(begin) :] for key in self._found(begin)]
        return sorted(unquote(text) for text in said if quote(unquote(text), safe="") == text)

    def clear(self) -> None:
        found = [*self._found(self._key("")), *self._found(self._aside("")), self._key(None)]
        for first in range(0, len(found), _AT_ONCE):
            self._delete(*found[first : first + _AT_ONCE])

    @contextmanager
    def lock(self, name: str | None, what: str, timeout_seconds: float) -> Iterator[None]:
        """A lock on the server; what is written under it is compared with what was there when it was had."""
        key = f"{self._server.url.prefix}:lock" + ("" if name is None else f":{quote(name, safe='')}")
        with held(self._server, key, what, timeout_seconds):
            self._held.states[name] = [self._state(name)]
            try:
                yield
            finally:
                del self._held.states[name]

    def _state(self, name: str | None) -> bytes:
        state: bytes = self._server.ask(lambda client: client.eval(_READ, 1, self._key(name)))
        return state

    def _change(self, name: str | None, new: bytes, at: str = "") -> None:
        keys = (self._key(name), self._aside(name or ""))
        states = self._held.states.get(name)
        if states is not None:
            # Before it is sent: where the answer is lost, it may have been done or not.
            states.append(new)
        done = self._server.ask(lambda client: client.eval(_CHANGE, 2, *keys, new, at, *(states or ())))
        if not done:
            if states is not None:
                states.pop()
            raise StoreChanged(
                f"another process has changed {self.place(name)} while this one stood still",
                hint="try again",
            )
        if states is not None:
            states[:] = [new]

    def _delete(self, *keys: str) -> None:
        self._server.ask(lambda client: client.delete(*keys))

    def _found(self, begin: str) -> list[str]:
        """The keys that begin so."""

        def scan(client: "Redis") -> Iterable[bytes]:
            return {*client.scan_iter(match=f"{begin}*", count=_AT_ONCE)}

        return sorted(key.decode("utf-8", "replace") for key in self._server.ask(scan))

    def _key(self, name: str | None) -> str:
        prefix = self._server.url.prefix
        return f"{prefix}:store" if name is None else f"{prefix}:tokens:{quote(name, safe='')}"

    def _aside(self, name: str) -> str:
        return f"{self._server.url.prefix}:aside:{quote(name, safe='')}"
