"""Token caches as requests_auth has them: any object with their `get_token` can take their place."""

import copy
import math
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import replace
from pathlib import Path
from time import time
from typing import Any

from requests_auth_profiles._requests_auth.json_store import JsonStore
from requests_auth_profiles._source import CachedSource, Grant
from requests_auth_profiles._token import RefreshUnusable, Token, jwt_expires_at
from requests_auth_profiles.errors import AuthenticationFailed, ConfigurationError, InvalidProviderResponse
from requests_auth_profiles.stores import FallbackStore, MemoryStore, TokenStore

__all__ = ["AGAIN", "JsonTokenFileCache", "TokenMemoryCache", "Way", "asking"]

AGAIN = "send the request again"
"""What to do to sign in, where there is no profile to name."""

_PATIENCE_SECONDS = 190.0

OnMissingToken = Callable[[], tuple[Any, ...]]
"""Wins a token: `(key, token)`, `(key, token, expires_in)` or `(key, token, expires_in, refresh_token)`."""
OnExpiredToken = Callable[[str], tuple[Any, ...]]
"""The same for a refresh token."""

# Of the thread that calls: two may ask for one token by functions of their own.
_MISSING: ContextVar[OnMissingToken | None] = ContextVar("on_missing_token", default=None)
_EXPIRED: ContextVar[OnExpiredToken | None] = ContextVar("on_expired_token", default=None)
_HOW: ContextVar[Callable[[CachedSource], Token]] = ContextVar("how", default=CachedSource.token)


@contextmanager
def asking(how: Callable[[CachedSource], Token]) -> Iterator[None]:
    """Has `get_token` ask for a token in another way, where the cache is one of ours.

    No parameter of it, as the caches of others, and what others made of ours, have none.

    Args:
        how: what is asked, such as for another token than one that an API rejected.
    """
    before = _HOW.set(how)
    try:
        yield
    finally:
        _HOW.reset(before)


class Way:
    """Both functions of a `get_token` in one, of which caches of ours take the whole token.

    Args:
        label: whose token it is, for messages.
        grant: gives how it is won.
        told: a token in the form that caches of others take.
        proof: what tells those apart who ask for that token by other secrets.

    Attributes:
        taken: whether a token was won.
    """

    def __init__(
        self,
        label: str,
        grant: Callable[[], Grant],
        told: Callable[[Token], tuple[Any, ...]],
        proof: object = None,
    ) -> None:
        self.label = label
        self.proof = proof
        self.taken = False
        self._grant = grant
        self._told = told

    @property
    def interactive(self) -> bool:
        """Whether a person has to do something."""
        return self._grant().interactive

    @property
    def scope(self) -> str:
        """What is asked for."""
        return self._grant().scope

    def __call__(self, refresh_token: str | None = None) -> tuple[Any, ...]:
        """A token for a cache of others; see `OnMissingToken` and `OnExpiredToken`."""
        kept = None if refresh_token is None else Token(access_token="-", refresh_token=refresh_token)
        del refresh_token  # debuggers show variables
        try:
            return self._told(self.token(kept))
        except RefreshUnusable as unusable:
            if _EXPIRED.get() is not None:  # a cache of ours asks by a function of somebody's, and keeps it
                raise
            refusal = copy.copy(unusable.error)  # the other has a token, for which such a cache has no place
        except InvalidProviderResponse as error:
            refusal = copy.copy(error)
        raise refusal  # without the traceback, whose variables hold what came

    def token(self, kept: Token | None = None) -> Token:
        """A new token, for the refresh token of one that is kept or without."""
        grant = self._grant()
        token = grant.fetch() if kept is None else grant.refresh(kept)
        self.taken = True
        return token


class TokenMemoryCache:
    """Tokens in this process's memory, won and renewed once for all threads."""

    def __init__(self) -> None:
        self._store: TokenStore = MemoryStore()
        self._sources: dict[tuple[str, float], CachedSource] = {}

    def get_token(
        self,
        key: str,
        *,
        early_expiry: float = 30.0,
        on_missing_token: OnMissingToken | None = None,
        on_expired_token: OnExpiredToken | None = None,
    ) -> str:
        """A token that is good now.

        Args:
            key: its name here.
            early_expiry: seconds before its end from which it is renewed; half of its life at most.
            on_missing_token: wins one where none is there.
            on_expired_token: renews one that has a refresh token.

        Raises:
            AuthenticationFailed: there is none, and nothing to win one with.
            ConfigurationError: what such a function gives is no token.
        """
        missing, expired = _MISSING.set(on_missing_token), _EXPIRED.set(on_expired_token)
        try:
            return _HOW.get()(self._source(key, early_expiry)).access_token
        finally:
            _MISSING.reset(missing)
            _EXPIRED.reset(expired)

    def clear(self) -> None:
        """Forgets all tokens."""
        names = self._store.keys()
        for name in names:
            self._store.delete(name)
        self._sources.clear()

    def forget(self, key: str) -> None:
        """Forgets a token, if there is one."""
        self._source(key, 0).logout()
        for each in tuple(self._sources):
            if each[0] == key:
                self._sources.pop(each, None)

    def _source(self, key: str, early_expiry: float) -> CachedSource:
        """The one source of a token for all threads, so that one of them wins or fails for all that wait."""
        source = self._sources.get((key, early_expiry))
        if source is None:
            new = CachedSource(
                _Functions(),
                self._store,
                self._name(key),
                label=getattr(_MISSING.get(), "label", key),
                again=AGAIN,
                issued_for=key,
                early_expiry_seconds=early_expiry,
                patience_seconds=_PATIENCE_SECONDS,
                ahead=lambda: isinstance(
                    _MISSING.get(), Way
                ),  # functions of others, when requests_auth would
                proof=_proof,
            )
            source = self._sources.setdefault((key, early_expiry), new)
        return source

    @staticmethod
    def _name(key: str) -> str:
        """What a key is called in the store, where capitals tell nothing apart."""
        return key.encode(errors="surrogatepass").hex()


class JsonTokenFileCache(TokenMemoryCache):
    """Tokens in a file of the form that requests_auth writes: in clear, for its owner only.

    The file is written whole or not at all, and together with what other processes put there. Where that
    cannot be, tokens are kept in memory, with a warning in the log. The tokens of profiles live encrypted
    instead: `requests_auth_profiles.profile`.

    Args:
        tokens_path: the file; made on the first write.
    """

    def __init__(self, tokens_path: str | os.PathLike[str]) -> None:
        super().__init__()
        warnings.warn(
            f"the tokens in {os.fspath(tokens_path)} are not encrypted; those of profiles are, in the token "
            "store of requests_auth_profiles.profile()",
            stacklevel=2,
        )
        self._file = JsonStore(Path(tokens_path).absolute())  # wherever the program goes to
        self._seen = self._file.state()
        self._store = FallbackStore(self._file)

    def _source(self, key: str, early_expiry: float) -> CachedSource:
        # A token that somebody else renewed or removed is not held on to.
        if (seen := self._file.state()) != self._seen:
            self._seen = seen
            for source in tuple(self._sources.values()):
                source.look_again()
        return super()._source(key, early_expiry)

    @staticmethod
    def _name(key: str) -> str:
        return key


class _Functions:
    """The two functions of the `get_token` that is running, as a grant."""

    @property
    def interactive(self) -> bool:
        """Whether a person has to do something, where the function says so."""
        return bool(getattr(_MISSING.get(), "interactive", False))

    @property
    def scope(self) -> str:
        """What is asked for, where the function says so."""
        return str(getattr(_MISSING.get(), "scope", ""))

    def fetch(self) -> Token:
        """What `on_missing_token` gives."""
        missing = _MISSING.get()
        if missing is None:
            raise AuthenticationFailed(
                "there is no token, and no way to win one", hint="give on_missing_token"
            )
        return missing.token() if isinstance(missing, Way) else _token(missing())

    def refresh(self, token: Token) -> Token:
        """What `on_expired_token` gives; without it a new token, and a refresh token stays for who has it."""
        expired = _EXPIRED.get()
        if expired is None:
            return self.fetch()
        try:
            if isinstance(expired, Way):
                return expired.token(token)
            fresh = _token(expired(token.refresh_token or ""))
        except RefreshUnusable as unusable:  # it knows of the token no more than its refresh token
            kept = token.with_refresh_token(unusable.token.refresh_token)
            raise RefreshUnusable(unusable.error, kept) from None
        return replace(fresh, refresh_token=fresh.refresh_token or token.refresh_token)


def _proof() -> object:
    """What tells this caller apart from others who ask for that token: its function, or what that says."""
    missing = _MISSING.get()
    return missing.proof if isinstance(missing, Way) else missing


def _token(given: object) -> Token:
    """The token in a tuple, whose first item is not used: a key that comes back is not ours."""
    match given:
        case [_, str(access_token)] if access_token:
            return Token(access_token=access_token, expires_at=jwt_expires_at(access_token))
        case [_, str(access_token), expires_in] if access_token:
            refresh_token = None
        case [_, str(access_token), expires_in, str() | None as refresh_token] if access_token:
            pass
        case _:
            del given  # debuggers show variables
            raise ConfigurationError(
                "on_missing_token or on_expired_token gave no token",
                hint="return (key, token), with expires_in and refresh_token behind them if known",
            )
    expires_at = jwt_expires_at(access_token) if expires_in is None else _end(expires_in)
    return Token(access_token=access_token, expires_at=expires_at, refresh_token=refresh_token)


def _end(expires_in: Any) -> float:
    """When what is good for so many seconds ends."""
    with suppress(TypeError, ValueError, OverflowError):
        if math.isfinite(seconds := float(expires_in)):
            return time() + seconds
    raise ConfigurationError("an expires_in is no number of seconds", hint="give a number, or None")
