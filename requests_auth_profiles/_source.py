"""Where a request gets its token: the whole policy of look, lock, look again, refresh, else fetch, keep."""

import copy
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from requests_auth_profiles._age import Ages, Held
from requests_auth_profiles._token import RefreshUnusable, Stage, Token
from requests_auth_profiles._turn import Turns
from requests_auth_profiles.errors import (
    AuthenticationFailed,
    InteractionRequired,
    NotRevoked,
    ProviderUnavailable,
    RefreshRefused,
    RequestsAuthException,
    SecretUnavailable,
    StoreChanged,
    StoreUnavailable,
    TimeoutOccurred,
)
from requests_auth_profiles.stores import FallbackStore, TokenStore

if TYPE_CHECKING:
    from requests_auth_profiles._oauth2.attendant import Attendant

__all__ = ["CachedSource", "DeferredSource", "Grant", "StaticSource", "TokenSource"]

_ASKED_AGAIN_SECONDS = 300.0
_REPLACED = (
    "The token kept for %s was issued for something else (the profile was changed, or another profiles file "
    "has one of that name) and is replaced; to keep both, give each file a [store] url of its own"
)
_USED_ON = "The token of %s is used on: it cannot be renewed: %s"
_SPENT = "What renews the token of %s was sent twice without an answer: it may be used up, so no more"
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
            RefreshUnusable: there is none, and another one is to be kept than the one before it was asked.
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
        attendant: who tells the person what is waited for; None = only the log does.
        ahead: whether to renew it ahead of time, while it is good.
        may_change: whether what it is issued for may be something else at the next request, as where somebody
            else's token, which is read at each use, is turned into it.
        revoke: has what is kept ended where it was issued, and gives why that could not be.
        proof: gives what the caller of the moment proves itself by, where not all callers do so alike: a
            failure is shared only by those who would fail in the same way.
        now: the clock (epoch seconds).
        ticks: a clock that nobody sets (seconds).
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
        attendant: "Attendant | None" = None,
        ahead: Callable[[], bool] = lambda: True,
        may_change: bool = False,
        revoke: Callable[[_Kept], NotRevoked | None] = _by_nobody,
        proof: Callable[[], object] = lambda: None,
        now: Callable[[], float] = time.time,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self.grant = grant
        self._store = store
        self._key = key
        self._label = label
        self._again = again
        self._issued_for = issued_for if callable(issued_for) else lambda: issued_for
        self._now, self._ticks = now, ticks
        self._ages = Ages(early_expiry_seconds, now, ticks)
        self._turns = Turns(store, key, label, patience_seconds, attendant)
        self._ahead = ahead
        self._may_change = may_change
        self._revoke = revoke
        self._proof = proof
        self._held: Held | None = None
        self._failure: tuple[object, RequestsAuthException] | None = None
        self._told: set[str] = set()

    def token(self, rejected: str | None = None) -> Token:
        """A token that is good now and not the access token that was rejected.

        But where a person has just signed in for the one that was rejected, it is given again: an API that
        refuses it would refuse the next one too, and each refusal would open their browser.
        """
        refused = None if rejected is None else Token(access_token=rejected)
        del rejected  # debuggers show variables, and a Token does not show what it is
        held = self._held
        if held is not None and self._may_change and held.token.issued_for != self._issued_for():
            held = None
        if held is not None and refused is None and held.is_good(self._now(), self._ticks()):
            return held.token
        token = None if held is None else held.token
        if token is None or not self._ages.good(token, refused):
            token = self._hold(self._looked_up(refused))
        if self._ages.stage(token, refused) is Stage.AGEING:
            token = self._hold(self._renewed_ahead(token))
        return token

    def stored(self) -> Token | None:
        """The token that is kept, good or not, if it was issued for what is asked for now."""
        token = self._store.get(self._key)
        return token if token is not None and token.issued_for == self._issued_for() else None

    def look_again(self) -> None:
        """Has the store asked for the token the next time: somebody else may have changed it there."""
        self._held = None

    def login(self) -> Token:
        """A new token, whatever is kept."""
        with self._turns.next(signing_in=self.grant.interactive):
            return self._hold(self._won(None, None))

    def logout(self, *, revoke: bool = False) -> None:
        """Forgets the token, here and in the store; see `TokenSource`."""
        with self._turns.next(signing_in=self.grant.interactive):
            held = None if self._held is None else self._held.token
            # First: whoever is killed in between still has what to ask with once more.
            failure = self._revoke(lambda: self._store.get(self._key) or held) if revoke else None
            self._store.delete(self._key)
        self._held = None
        if failure is not None:
            raise failure

    def _looked_up(self, refused: Token | None) -> Token:
        stored = self.stored()
        if stored is not None and self._ages.good(stored, refused):
            return stored
        failure = self._failure
        with self._turns.next(signing_in=self._needs_person(stored)) as waited:
            stored = self.stored()  # while we waited, another may have renewed it
            if stored is not None and self._ages.good(stored, refused):
                return stored
            if stored is not None and refused is not None and self._just_signed_in(stored):
                return stored
            # Or another thread tried in vain: a person who said no is not asked again for each that waits.
            latest = self._failure
            if latest is not None and latest is not failure and latest[0] == self._proof():
                raise copy.copy(latest[1])
            if waited and self._needs_person(stored):
                raise AuthenticationFailed(
                    f"another process was signing in for {self._label} and did not succeed", hint=self._again
                )
            try:
                return self._won(stored, refused)
            except StoreChanged:  # this process stood still, and another took its turn
                stored = self.stored()
                if stored is None or not self._ages.good(stored, refused):
                    raise
                return stored
            except _PASSING as error:
                if stored is None or not self._ages.usable(stored, refused):
                    raise
                self._use_on(stored, error)
                return stored

    def _renewed_ahead(self, token: Token) -> Token:
        """A new token for one that ages, if nobody else is at it; whatever comes in the way, that one."""
        if self._needs_person(token) or not self._ahead():
            return token
        self._ages.begin()  # first: no other thread of ours tries meanwhile
        try:
            with self._turns.at_once() as ours:
                stored = self.stored() if ours else None
                if stored is None:
                    return token
                # Another was quicker or refused, or lost an answer: the last sending is for when it must be.
                if self._ages.good(stored, token) or self._needs_person(stored) or stored.unanswered:
                    return stored
                return self._won(stored, None, ahead=True)
        except RequestsAuthException as error:
            self._use_on(token, error)
            return token

    def _use_on(self, token: Token, error: RequestsAuthException) -> None:
        """Leaves a token that cannot be renewed now as it is for a while, and says so once."""
        self._ages.pause(token)
        self._tell(_USED_ON, error.message)

    def _won(self, stored: Token | None, refused: Token | None, *, ahead: bool = False) -> Token:
        try:
            return self._kept(self._renewed(stored, refused, ahead=ahead))
        except RequestsAuthException as error:
            failure = copy.copy(error)
        self._failure = self._proof(), failure
        # Raised here, without the traceback of the attempt: its variables hold codes and refresh tokens.
        raise copy.copy(failure)

    def _renewed(self, stored: Token | None, refused: Token | None, *, ahead: bool) -> Token:
        if stored is not None and stored.is_renewable:
            # Noted before it is sent: whoever ends or is ended meanwhile has sent it without an answer. And
            # where that cannot be kept, the next one could not: others would send this one again, which a
            # provider that rotates takes for a thief's. So it is used only where that must be.
            sent = replace(stored, unanswered=stored.unanswered + 1)
            if not self._keeps(sent) and self._ages.usable(stored, refused):
                raise StoreUnavailable(
                    "the token store is out of order", hint="see the warning before, and mend what it names"
                )
            try:
                return self.grant.refresh(sent)
            except RefreshUnusable as unusable:
                self._store.set(self._key, unusable.token)
                raise unusable.error from None
            except RefreshRefused:
                # Never sent again, even if nobody signs in now. All other errors leave it for the next try.
                self._store.set(self._key, stored.with_refresh_token(None))
                if ahead and self.grant.interactive:
                    raise
            except Exception:
                self._store.set(self._key, stored)  # it was answered, or never left
                raise
        elif stored is not None and stored.refresh_token:
            _LOG.warning(_SPENT, self._label)
        return self.grant.fetch()

    def _keeps(self, token: Token) -> bool:
        """Whether the store can write a token, which it does."""
        if isinstance(self._store, FallbackStore):
            return self._store.keeps(self._key, token)
        self._store.set(self._key, token)
        return True

    def _hold(self, token: Token) -> Token:
        self._held = self._ages.take(token)
        return token

    def _kept(self, token: Token) -> Token:
        # Before it is used: a refresh token that was rotated and then lost costs the sign-in.
        token = replace(token, issued_for=self._issued_for(), obtained_at=self._now())
        self._ages.go_on()
        self._told.discard(_USED_ON)
        before = None if self._may_change or _REPLACED in self._told else self._store.get(self._key)
        if before is not None and before.issued_for != token.issued_for:
            self._tell(_REPLACED)
        if lacking := " ".join(token.lacks(self.grant.scope)):
            self._tell(_NARROWER, lacking)
        self._store.set(self._key, token)
        return token

    def _tell(self, warning: str, *more: str) -> None:
        """Warns, once for each kind of warning."""
        if warning not in self._told:
            self._told.add(warning)
            _LOG.warning(warning, self._label, *more)

    def _just_signed_in(self, token: Token) -> bool:
        alone = self._needs_person(token) and self._ages.good(token)
        return alone and 0 <= self._now() - token.obtained_at < _ASKED_AGAIN_SECONDS

    def _needs_person(self, token: Token | None) -> bool:
        """Whether a person has to do something for the token after this one."""
        return self.grant.interactive and not (token is not None and token.is_renewable)
