"""Where tokens live: a store is anything with the five methods of `TokenStore`."""

from contextlib import AbstractContextManager
from typing import Protocol

from requests_auth_profiles._token import Token
from requests_auth_profiles.stores.fallback import FallbackStore
from requests_auth_profiles.stores.file import FileStore
from requests_auth_profiles.stores.keys import KeySource
from requests_auth_profiles.stores.memory import MemoryStore
from requests_auth_profiles.stores.redis import RedisStore
from requests_auth_profiles.stores.sealed import SealedStore

__all__ = [
    "FallbackStore",
    "FileStore",
    "KeySource",
    "MemoryStore",
    "RedisStore",
    "SealedStore",
    "Token",
    "TokenStore",
]


class TokenStore(Protocol):
    """Tokens by name, of one person, for all threads and processes that share the store."""

    def get(self, key: str) -> Token | None:
        """The token of that name, if there is one."""

    def set(self, key: str, token: Token) -> None:
        """Keeps a token; the caller holds the lock of the name."""

    def delete(self, key: str) -> None:
        """Forgets a token, if there is one; the caller holds the lock of the name."""

    def keys(self) -> list[str]:
        """The names of all tokens."""

    def lock(self, key: str, timeout_seconds: float) -> AbstractContextManager[None]:
        """Keeps all others from that name, while it is renewed; each name has its own.

        Raises:
            TimeoutOccurred: another held it all that time; its `holder` tells who, where that is known.
        """
