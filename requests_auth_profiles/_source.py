"""Where a request gets its token: the whole policy of look, lock, look again, refresh, else fetch, keep."""

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from requests_auth_profiles._token import Token
from requests_auth_profiles.errors import RefreshRefused, RequestsAuthException
from requests_auth_profiles.stores import TokenStore

__all__ = ["CachedSource", "Grant", "StaticSource", "TokenSource"]

_ASKED_AGAIN_SECONDS = 300.0


class TokenSource(Protocol):
    """What a request needs."""

    def token(self, rejected: str | None = None) -> Token:
        """A token that is good now, and not the access token that was rejected if there can be another."""

    def stored(self) -> Token | None:
        """The token that is kept, good or not, if there is one."""

    def login(self) -> Token:
        """A new token, whatever there is."""

    def logout(self) -> None:
        """Forgets the token that is kept."""


class Grant(Protocol):
    """How a token is won; it knows no cache."""

    @property
    def interactive(self) -> bool:
        """Whether a person has to do something."""

    def fetch(self) -> Token:
        """A new token."""

    def refresh(self, token: Token) -> Token:
        """A new token for the refresh token of this one; RefreshRefused = only `fetch` helps."""


@dataclass(frozen=True, slots=True)
class StaticSource:
    """A token that the person has already.

    Args:
        secret: gives it.
    """

    secret: Callable[[], str]

    def token(self, rejected: str | None = None) -> Token:  # noqa: ARG002
        """The token, also where it was rejected: there is no other."""
        return Token(access_token=self.secret())

    def stored(self) -> None:
        """Nothing: it is looked up each time."""

    def login(self) -> Token:
        """The same: there is nothing to sign in to."""
        return self.token()

    def logout(self) -> None:
        """Nothing: nothing of it is kept."""


class CachedSource:
    """A token that is renewed in time, once for all threads and processes that share the store.

    Args:
        grant: how a token is won.
        store: where it lives.
        key: its name there.
        issued_for: a fingerprint of all that the token is issued for; one with another is not used.
        early_expiry_seconds: how long before its end a token is renewed.
        patience_seconds: how long to wait for another who is renewing it.
        now: the clock (epoch seconds).
    """

    def __init__(
        self,
        grant: Grant,
        store: TokenStore,
        key: str,
        *,
        issued_for: str,
        early_expiry_seconds: float,
        patience_seconds: float,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._grant = grant
        self._store = store
        self._key = key
        self._issued_for = issued_for
        self._early_expiry_seconds = early_expiry_seconds
        self._patience_seconds = patience_seconds
        self._now = now
        self._held: Token | None = None
        self._failure: RequestsAuthException | None = None

    def token(self, rejected: str | None = None) -> Token:
        """A token that is good now and not the access token that was rejected.

        But where a person has just signed in for the one that was rejected, it is given again: an API that
        refuses it would refuse the next one too, and each refusal would open their browser.
        """
        held = self._held
        if held is None or not self._good(held, rejected):
            held = self._held = self._looked_up(rejected)
        return held

    def stored(self) -> Token | None:
        """The token that is kept, good or not, if it was issued for what is asked for now."""
        token = self._store.get(self._key)
        return token if token is not None and token.issued_for == self._issued_for else None

    def login(self) -> Token:
        """A new token, whatever is kept."""
        with self._store.lock(self._key, self._patience_seconds):
            self._held = self._kept(self._grant.fetch())
        return self._held

    def logout(self) -> None:
        """Forgets the token, here and in the store."""
        with self._store.lock(self._key, self._patience_seconds):
            self._store.delete(self._key)
        self._held = None

    def _looked_up(self, rejected: str | None) -> Token:
        stored = self.stored()
        if stored is not None and self._good(stored, rejected):
            return stored
        failure = self._failure
        with self._store.lock(self._key, self._patience_seconds):
            stored = self.stored()  # while we waited, another may have renewed it
            if stored is not None and self._good(stored, rejected):
                return stored
            if stored is not None and rejected is not None and self._just_signed_in(stored):
                return stored
            # Or another thread tried in vain: a person who said no is not asked again for each that waits.
            if self._failure is not None and self._failure is not failure:
                raise copy.copy(self._failure)
            try:
                return self._kept(self._renewed(stored))
            except RequestsAuthException as error:
                self._failure = copy.copy(error)
            # Raised here, without the traceback of the attempt: its variables hold codes and refresh tokens.
            raise copy.copy(self._failure)

    def _renewed(self, stored: Token | None) -> Token:
        if stored is not None and stored.refresh_token:
            try:
                return self._grant.refresh(stored)
            except RefreshRefused:
                # Never sent again, even if nobody signs in now. All other errors leave it for the next try.
                self._store.set(self._key, replace(stored, refresh_token=None))
        return self._grant.fetch()

    def _kept(self, token: Token) -> Token:
        # Before it is used: a refresh token that was rotated and then lost costs the sign-in.
        token = replace(token, issued_for=self._issued_for, obtained_at=self._now())
        self._store.set(self._key, token)
        return token

    def _just_signed_in(self, token: Token) -> bool:
        alone = self._grant.interactive and token.refresh_token is None and self._good(token, None)
        return alone and self._now() < token.obtained_at + _ASKED_AGAIN_SECONDS

    def _good(self, token: Token, rejected: str | None) -> bool:
        return token.access_token != rejected and token.fresh(self._now(), self._early_expiry_seconds)
