"""FallbackStore: a store that never stands in a request's way."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from requests_auth_profiles._token import Token
from requests_auth_profiles.errors import StoreUnavailable, StoreVersionError
from requests_auth_profiles.stores.memory import MemoryStore

if TYPE_CHECKING:
    from requests_auth_profiles.stores import TokenStore

__all__ = ["FallbackStore"]

_LOG = logging.getLogger("requests_auth_profiles")
_OUT_OF_ORDER = (StoreUnavailable, StoreVersionError)


class _Alone(threading.local):
    """The names that this thread has locked in memory only."""

    def __init__(self) -> None:
        self.names: set[str] = set()


class FallbackStore:
    """A store whose tokens stay in this process's memory where they cannot be kept, with one warning.

    Only where it cannot be read or written: a missing or wrong key stays an error, as tokens that nobody
    sees any more are worse than none.

    Args:
        store: the store that is meant.
    """

    def __init__(self, store: "TokenStore") -> None:
        self._store = store
        self._memory = MemoryStore()
        self._untold = threading.Lock()  # who gets it, once and for all, tells
        self._alone = _Alone()

    @property
    def meant(self) -> "TokenStore":
        """The store that is meant."""
        return self._store

    def get(self, key: str) -> Token | None:
        """The token of that name, if there is one."""
        mine = self._memory.get(key)
        if key.casefold() in self._alone.names:
            return mine
        try:
            kept = self._store.get(key)
        except _OUT_OF_ORDER as error:
            self._tell(error)
            return mine
        # What is in memory could not be kept, and is newer, unless another process has kept one since.
        return kept if mine is None or (kept is not None and kept.obtained_at > mine.obtained_at) else mine

    def set(self, key: str, token: Token) -> None:
        """Keeps a token."""
        if not self.keeps(key, token):
            self._memory.set(key, token)

    def keeps(self, key: str, token: Token) -> bool:
        """Keeps a token in the store that is meant only, and tells whether that could be."""
        if key.casefold() in self._alone.names:
            return False
        try:
            self._store.set(key, token)
        except _OUT_OF_ORDER as error:
            self._tell(error)
            return False
        self._memory.delete(key)
        return True

    def delete(self, key: str) -> None:
        """Forgets a token, if there is one; that it could not be forgotten is an error."""
        self._memory.delete(key)
        self._store.delete(key)

    def keys(self) -> list[str]:
        """The names of all tokens."""
        return sorted({*self._store.keys(), *self._memory.keys()})

    def __reduce__(self) -> Any:
        raise TypeError("a store is not pickled or copied, as it would carry its tokens")

    @contextmanager
    def lock(self, key: str, timeout_seconds: float) -> Iterator[None]:
        """Keeps all others from that name; where the store is out of order, this process's own threads.

        Then nothing of it is used meanwhile, even if it is in order again: another process may have the lock,
        and a refresh token that two send is taken for a thief's.
        """
        deadline = time.monotonic() + timeout_seconds
        # Threads first: however many of a process wait, one of them asks the store.
        with self._memory.lock(key, timeout_seconds), ExitStack() as held:
            try:
                held.enter_context(self._store.lock(key, max(deadline - time.monotonic(), 0.0)))
            except _OUT_OF_ORDER as error:
                self._tell(error)
                self._alone.names.add(key.casefold())
                held.callback(self._alone.names.discard, key.casefold())
            yield

    def _tell(self, error: StoreUnavailable | StoreVersionError) -> None:
        if self._untold.acquire(blocking=False):
            _LOG.warning(
                "The token store is out of order, so tokens may be kept in memory only: %s (%s)",
                error.message,
                error.hint,
            )
