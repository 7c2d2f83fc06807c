"""Where tokens live: a store is anything with the five methods of `TokenStore`."""

from contextlib import AbstractContextManager
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from requests_auth_profiles._token import Token

if TYPE_CHECKING:
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

_MODULES = {
    "FallbackStore": "fallback",
    "FileStore": "file",
    "KeySource": "keys",
    "MemoryStore": "memory",
    "RedisStore": "redis",
    "SealedStore": "sealed",
}


def __getattr__(name: str) -> Any:
    # Given on demand (PEP 562): a profile without a token needs none of them, and one with a token one.
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = found
    return found


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
