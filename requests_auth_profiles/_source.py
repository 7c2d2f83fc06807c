"""Where a request gets its token: the whole policy of look, lock, look again, refresh, else fetch, keep."""

import copy
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Protocol

from requests_auth_profiles._token import RefreshUnusable, Token
from requests_auth_profiles.errors import (
    AuthenticationFailed,
    InteractionRequired,
    NotRevoked,
    ProviderUnavailable,
    RefreshRefused,
    RequestsAuthException,
    SecretUnavailable,
    StoreUnavailable,
    TimeoutOccurred,
)
from requests_auth_profiles.stores import FallbackStore, TokenStore

__all__ = ["CachedSource", "DeferredSource", "Grant", "StaticSource", "TokenSource"]

_ASKED_AGAIN_SECONDS = 300.0
_RETRY_SECONDS = 10.0
_MOMENT_SECONDS = 1.0
# What is seldom said to be granted, though it is: it shows in other tokens than the access token.
_SELDOM_SAID = {"openid", "profile", "email", "offline_access", ".default"}
_REPLACED = (
    "The token kept for %s was issued for something else (the profile was changed, or another profiles file "
    "has one of that name) and is replaced; to keep both, give each file a [store] url of its own"
)
_NARROWER = "The provider granted %s less than was asked for: no scope %s"
_PASSING = (ProviderUnavailable, TimeoutOccurred, StoreUnavailable)
_LOG = logging.getLogger("requests_auth_profiles")
_Kept = Callable[[], Token | None]


class TokenSource(Protocol):
    """What a request needs."""

    def token(self, rejected: str | None = None) -> Token:
        """A token that is good now, and not the access token that was rejected if there can be another."""

    def stored(self) -> Token | None:
        """The token that is kept, good or not, if there is one."""

    def login(self) -> Token:
        """A new token, whatever there is."""

    def logout(self, *, revoke: bool = False) -> None:
        """Forgets the token that is kept.

        Args:
            revoke: whether it is ended where it was issued, too.

        Raises:
            NotRevoked: it is forgotten, and still good there.
        """


class Grant(Protocol):
    """How a token is won; it knows no cache."""

    @property
    def scope(self) -> str:
        """What is asked for, space-separated; empty = what the provider thinks fit."""

    @property
    def interactive(self) -> bool:
        """Whether a person has to do something."""

    def fetch(self) -> Token:
        """A new token."""

    def refresh(self, token: Token) -> Token:
        """A new token for the refresh token of this one.

        Raises:
            RefreshRefused: only `fetch` helps.
            RefreshUnusable: there is no new one, but another refresh token, which is to be kept.
        """


@dataclass(frozen=True, slots=True)
class StaticSource:
    """A token that the person has already.

    Args:
        secret: gives it.
        forget: has it looked up again the next time, if it is still the one that was refused; None = whatever
            it is.
    """

    secret: Callable[[], str]
    forget: Callable[[str | None], None] = lambda _: None

    def token(self, rejected: str | None = None) -> Token:
        """The token, looked up again where it was rejected; the same where that gives no other."""
        if rejected is None:
            return Token(access_token=self.secret())
        refused = Token(access_token=rejected)
        del rejected  # debuggers show variables, and a Token does not show what it is
        self.forget(refused.access_token)
        try:
            return Token(access_token=self.secret())
        except (SecretUnavailable, InteractionRequired):
            return refused  # who gets the refusal can do more with it; the next call tells of this

    def stored(self) -> None:
        """Nothing: it is looked up each time."""

    def login(self) -> Token:
        """The same: there is nothing to sign in to."""
        return self.token()

    def logout(self, *, revoke: bool = False) -> None:  # noqa: ARG002  nothing is kept that could be ended
        """Has it looked up again the next time."""
        self.forget(None)


class DeferredSource:
    """A source that is made when it is first asked for something.

    Args:
        make: makes it; two threads may have it do so at once, and then the first one is kept.
    """

    def __init__(self, make: Callable[[], TokenSource]) -> None:
        self._make = make
        self._made: TokenSource | None = None

    @property
    def _source(self) -> TokenSource:
        if self._made is None:
            made = self._make()
            self._made = self._made or made
        return self._made

    def token(self, rejected: str | None = None) -> Token:
        """See `TokenSource`."""
        return self._source.token(rejected)

    def stored(self) -> Token | None:
        """See `TokenSource`."""
        return self._source.stored()

    def login(self) -> Token:
        """See `TokenSource`."""
        return self._source.login()

    def logout(self, *, revoke: bool = False) -> None:
        """See `TokenSource`."""
        self._source.logout(revoke=revoke)


def _by_nobody(_: _Kept) -> NotRevoked:
    return NotRevoked("a token is forgotten here, and not ended", hint="have it ended where it was issued")


class CachedSource:
    """A token that is renewed in time, once for all threads and processes that share the store.

    Args:
        grant: how a token is won.
        store: where it lives.
        key: its name there.
        label: whose it is, in messages: the name of a profile or of a class.
        again: what to type or do to sign in again.
        issued_for: a fingerprint of all that the token is issued for, or gives it; one with another is not
            used.
        early_expiry_seconds: how long before its end a token is renewed; half of its life at most.
        patience_seconds: how long to wait for another who is renewing it.
        may_change: whether what it is issued for may be something else at the next request, as where somebody
            else's token, which is read at each use, is turned into it.
        revoke: has what is kept ended where it was issued, and gives why that could not be.
        proof: gives what the caller of the moment proves itself by, where not all callers do so alike: a
            failure is shared only by those who would fail in the same way.
        now: the clock (epoch seconds).
    """

    def __init__(
        self,
        grant: Grant,
        store: TokenStore,
        key: str,
        *,
        label: str,
        again: str,
        issued_for: str | Callable[[], str],
        early_expiry_seconds: float,
        patience_seconds: float,
        may_change: bool = False,
        revoke: Callable[[_Kept], NotRevoked | None] = _by_nobody,
        proof: Callable[[], object] = lambda: None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.grant = grant
        self._store = store
        self._key = key
        self._label = label
        self._again = again
        self._issued_for = issued_for if callable(issued_for) else lambda: issued_for
        self._early_expiry_seconds = early_expiry_seconds
        self._patience_seconds = patience_seconds
        self._may_change = may_change
        self._revoke = revoke
        self._proof = proof
        self._now = now
        self._held: Token | None = None
        self._failure: tuple[object, RequestsAuthException] | None = None
        self._retry_at = 0.0
        self._told: set[str] = set()

    def token(self, rejected: str | None = None) -> Token:
        """A token that is good now and not the access token that was rejected.

        But where a person has just signed in for the one that was rejected, it is given again: an API that
        refuses it would refuse the next one too, and each refusal would open their browser.
        """
        refused = None if rejected is None else Token(access_token=rejected)
        del rejected  # debuggers show variables, and a Token does not show what it is
        held = self._held
        if held is not None and self._may_change and held.issued_for != self._issued_for():
            held = None
        if held is None or not self._good(held, refused):
            held = self._held = self._looked_up(refused)
        return held

    def stored(self) -> Token | None:
        """The token that is kept, good or not, if it was issued for what is asked for now."""
        token = self._store.get(self._key)
        return token if token is not None and token.issued_for == self._issued_for() else None

    def look_again(self) -> None:
        """Has the store asked for the token the next time: somebody else may have changed it there."""
        self._held = None

    def login(self) -> Token:
        """A new token, whatever is kept."""
        with self._lock(self._patience_seconds):
            self._held = self._won(None, None)
        return self._held

    def logout(self, *, revoke: bool = False) -> None:
        """Forgets the token, here and in the store; see `TokenSource`."""
        with self._lock(self._patience_seconds):
            # First: whoever is killed in between still has what to ask with once more.
            failure = self._revoke(lambda: self._store.get(self._key) or self._held) if revoke else None
            self._store.delete(self._key)
        self._held = None
        if failure is not None:
            raise failure

    def _looked_up(self, refused: Token | None) -> Token:
        stored = self.stored()
        if stored is not None and self._good(stored, refused):
            return stored
        failure = self._failure
        with self._turn() as waited:
            stored = self.stored()  # while we waited, another may have renewed it
            if stored is not None and self._good(stored, refused):
                return stored
            if stored is not None and refused is not None and self._just_signed_in(stored):
                return stored
            # Or another thread tried in vain: a person who said no is not asked again for each that waits.
            latest = self._failure
            if latest is not None and latest is not failure and latest[0] == self._proof():
                raise copy.copy(latest[1])
            if waited and self.grant.interactive and not (stored and stored.refresh_token):
                raise AuthenticationFailed(
                    f"another process was signing in for {self._label} and did not succeed", hint=self._again
                )
            try:
                return self._won(stored, refused)
            except _PASSING as error:
                self._retry_at = self._now() + _RETRY_SECONDS
                if stored is None or not self._good(stored, refused):
                    raise
                _LOG.warning(
                    "The token of %s is used on: it cannot be renewed: %s", self._label, error.message
                )
                return stored

    @contextmanager
    def _turn(self) -> Iterator[bool]:
        """Keeps all others from the token; tells whether one of them had it for more than a moment."""
        with ExitStack() as held:
            waited = False
            try:
                held.enter_context(self._lock(min(_MOMENT_SECONDS, self._patience_seconds)))
            except TimeoutOccurred:
                waited = True
            if waited:
                held.enter_context(self._lock(self._patience_seconds))
            yield waited

    @contextmanager
    def _lock(self, seconds: float) -> Iterator[None]:
        """The store's lock; a store names the key in its error, which people may know by another name."""
        with ExitStack() as held:
            try:
                held.enter_context(self._store.lock(self._key, seconds))
            except TimeoutOccurred as error:
                told = error.message.replace(self._key, self._label)
                raise TimeoutOccurred(told, hint=error.hint) from None
            yield

    def _won(self, stored: Token | None, refused: Token | None) -> Token:
        try:
            return self._kept(self._renewed(stored, refused))
        except RequestsAuthException as error:
            failure = copy.copy(error)
        self._failure = self._proof(), failure
        # Raised here, without the traceback of the attempt: its variables hold codes and refresh tokens.
        raise copy.copy(failure)

    def _renewed(self, stored: Token | None, refused: Token | None) -> Token:
        if stored is not None and stored.refresh_token:
            # Where the next one could not be kept, others would send this one again, which a provider that
            # rotates takes for a thief's (RFC 9700 section 4.14.2). So it is used only where that must be.
            if not self._keeps(stored) and self._usable(stored, refused):
                raise StoreUnavailable(
                    "the token store is out of order", hint="see the warning before, and mend what it names"
                )
            try:
                return self.grant.refresh(stored)
            except RefreshUnusable as unusable:
                self._store.set(self._key, unusable.token)
                raise unusable.error from None
            except RefreshRefused:
                # Never sent again, even if nobody signs in now. All other errors leave it for the next try.
                self._store.set(self._key, replace(stored, refresh_token=None))
        return self.grant.fetch()

    def _keeps(self, token: Token) -> bool:
        """Whether the store can write a token, tried with the one that is there."""
        if isinstance(self._store, FallbackStore):
            return self._store.keeps(self._key, token)
        self._store.set(self._key, token)
        return True

    def _kept(self, token: Token) -> Token:
        # Before it is used: a refresh token that was rotated and then lost costs the sign-in.
        token = replace(token, issued_for=self._issued_for(), obtained_at=self._now())
        self._tell_whom_it_replaces()
        self._tell_what_it_lacks(token)
        self._store.set(self._key, token)
        return token

    def _tell_whom_it_replaces(self) -> None:
        before = None if self._may_change or _REPLACED in self._told else self._store.get(self._key)
        if before is not None and before.issued_for != self._issued_for():
            self._tell(_REPLACED)

    def _tell_what_it_lacks(self, token: Token) -> None:
        if lacking := " ".join(_lacking(self.grant.scope, token.scope)):
            self._tell(_NARROWER, lacking)

    def _tell(self, warning: str, *more: str) -> None:
        """Warns, once for each kind of warning."""
        if warning not in self._told:
            self._told.add(warning)
            _LOG.warning(warning, self._label, *more)

    def _just_signed_in(self, token: Token) -> bool:
        alone = self.grant.interactive and token.refresh_token is None and self._good(token, None)
        return alone and 0 <= self._now() - token.obtained_at < _ASKED_AGAIN_SECONDS

    def _good(self, token: Token, refused: Token | None) -> bool:
        # Where it could not be renewed just now, it is used to its end.
        now = self._now()
        early = 0 if now < self._retry_at else self._early_expiry_seconds
        return self._usable(token, refused) and not token.due(now, early)

    def _usable(self, token: Token, refused: Token | None) -> bool:
        other = refused is None or token.access_token != refused.access_token
        return other and token.fresh(self._now(), 0)


def _lacking(asked: str, granted: str | None) -> list[str]:
    """The scopes that were asked for and not granted (RFC 6749 section 5.1: none where nothing is said)."""
    if granted is None:
        return []
    # Some say them with commas, and some in full: `https://graph.example/User.Read` for `User.Read`.
    said = granted.casefold().replace(",", " ").split()
    return [
        scope
        for scope in asked.replace(",", " ").split()
        if scope.rpartition("/")[2] not in _SELDOM_SAID
        and not any(f"/{one}".endswith(f"/{scope.casefold()}") for one in said)
    ]
