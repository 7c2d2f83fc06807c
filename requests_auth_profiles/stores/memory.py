"""MemoryStore: tokens of this process alone, gone with it."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from requests_auth_profiles._token import Token
from requests_auth_profiles.errors import TimeoutOccurred

__all__ = ["MemoryStore"]


class MemoryStore:
    """Tokens of this process alone, gone with it.

    Names are the same without regard to case, as they are in a `FileStore`.
    """

    def __init__(self) -> None:
        self._tokens: dict[str, Token] = {}
        self._locks: dict[tuple[int, str], threading.Lock] = {}

    def get(self, key: str) -> Token | None:
        """The token of that name, if there is one."""
        return self._tokens.get(key.casefold())

    def set(self, key: str, token: Token) -> None:
        """Keeps a token."""
        self._tokens[key.casefold()] = token

    def delete(self, key: str) -> None:
        """Forgets a token, if there is one."""
        self._tokens.pop(key.casefold(), None)

    def keys(self) -> list[str]:
        """The names of all tokens, in lower case."""
        return sorted(self._tokens)

    def __reduce__(self) -> Any:
        raise TypeError("a store is not pickled or copied, as it would carry its tokens")

    @contextmanager
    def lock(self, key: str, timeout_seconds: float) -> Iterator[None]:
        """Keeps all other threads from that name.

        Raises:
            TimeoutOccurred: another held it all that time.
        """
        # A forked process has locks of its own: the thread that held one does not exist there.
        lock = self._locks.setdefault((os.getpid(), key.casefold()), threading.Lock())
        if not lock.acquire(timeout=timeout_seconds):
            raise TimeoutOccurred(
                f"another thread has been renewing the token of {key} for over {timeout_seconds:g} s",
                holder="another thread",
                hint="try again",
            )
        try:
            yield
        finally:
            lock.release()
