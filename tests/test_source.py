"""CachedSource: look, lock, look again, refresh, else fetch, keep; against a real authorization server."""

import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest
import requests
from sources import LIFETIME, NAME, START, Clock, Visitor, asked, clock, server, source, visitor, work
from vault import source as key_source
from wire import words_of

from requests_auth_profiles._source import CachedSource, StaticSource
from requests_auth_profiles.errors import (
    InteractionRequired,
    InvalidGrantRequest,
    InvalidProviderResponse,
    ProviderUnavailable,
    RequestsAuthException,
    StoreUnavailable,
    TimeoutOccurred,
)
from requests_auth_profiles.stores import FileStore, MemoryStore, Token, TokenStore
from requests_auth_profiles.testing import AuthorizationServer, Reply

__all__ = ["clock", "server", "visitor", "work"]

REFUSED = Reply.json({"error": "invalid_grant"}, 400)


@pytest.fixture(params=["memory", "file"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> TokenStore:
    """A store of each kind."""
    return MemoryStore() if request.param == "memory" else FileStore(tmp_path / "store", key_source())


def kept(store: TokenStore) -> Token:
    token = store.get(NAME)
    assert token is not None
    return token


class TestAGoodToken:
    """While it is good, a token costs nothing."""

    def test_from_memory(self, work: CachedSource, store: TokenStore, server: AuthorizationServer) -> None:
        """The store is neither read nor locked for a token that is in memory."""
        first = work.token()
        with store.lock(NAME, 1):
            store.delete(NAME)
            assert work.token() is first
        assert asked(server) == ["code"]

    def test_from_the_store(
        self, work: CachedSource, server: AuthorizationServer, store: TokenStore, clock: Clock
    ) -> None:
        """Another source finds it in the store without waiting for the lock, and looks there once only."""
        first = work.token()
        other = source(server.issuer, store, clock)
        with store.lock(NAME, 1):
            assert other.token() == first
            store.delete(NAME)
            assert other.token() == first
        assert asked(server) == ["code"]

    @pytest.mark.parametrize("early", [30, 0, 600.5])
    def test_until_shortly_before_its_end(
        self, server: AuthorizationServer, store: TokenStore, clock: Clock, early: float
    ) -> None:
        """It is used until `early_expiry` before its end, to its very end where that is 0, and no longer.

        By all but the one that renews it ahead of time, which has the lock.
        """
        work = source(server.issuer, store, clock, early_expiry_seconds=early)
        first = work.token()
        clock.now = START + LIFETIME - early - 0.25
        with store.lock(NAME, 1):
            assert work.token() is first
        clock.now = START + LIFETIME - early
        assert work.token() != first
        assert asked(server) == ["code", "refresh"]

    def test_without_an_end(self, work: CachedSource, server: AuthorizationServer, clock: Clock) -> None:
        """Where the provider does not say when it ends, it is used until it is refused."""
        server.replies["token"].append(Reply.json({"access_token": "endless", "token_type": "Bearer"}))
        work.token()
        clock.now += 10 * 365 * 24 * 3600
        assert work.token().access_token == "endless"

    def test_that_ends_at_once(self, work: CachedSource, server: AuthorizationServer) -> None:
        """A token that is over when it comes is given for this one call, and the next asks again."""
        server.lifetime_seconds = 0
        first, second = work.token(), work.token()
        assert first != second
        assert asked(server) == ["code", "refresh"]


class TestRenewal:
    """A token is renewed by refresh, and only where the provider refuses that by a new sign-in."""

    def test_by_refresh(
        self, work: CachedSource, store: TokenStore, server: AuthorizationServer, clock: Clock
    ) -> None:
        """The refresh token is replaced by the one that came with the new token, each time."""
        seen = []
        for _ in range(3):
            seen.append((work.token().access_token, kept(store).refresh_token))
            clock.now += LIFETIME
        assert len(set(seen)) == 3
        assert (asked(server), server.reuses) == (["code", "refresh", "refresh"], 0)

    def test_a_reply_without_a_refresh_token(
        self, work: CachedSource, store: TokenStore, server: AuthorizationServer, clock: Clock
    ) -> None:
        """The one before stays, and works again (RFC 6749 section 6)."""
        server.rotate = False
        old = work.token().refresh_token
        for _ in range(2):
            clock.now += LIFETIME
            assert work.token().refresh_token == kept(store).refresh_token == old
        assert asked(server) == ["code", "refresh", "refresh"]

    def test_a_refresh_token_that_is_refused(
        self, work: CachedSource, store: TokenStore, server: AuthorizationServer, clock: Clock
    ) -> None:
        """Once it was revoked, there is one new sign-in, and what that gives is kept."""
        data = {"client_id": "app", "token": work.token().refresh_token}
        requests.post(f"{server.issuer}/revoke", data=data, timeout=10)
        clock.now += LIFETIME
        assert work.token() == kept(store)
        assert asked(server) == ["code", "refresh", "code"]

    def test_a_refused_refresh_token_is_not_sent_again(
        self,
        work: CachedSource,
        store: TokenStore,
        server: AuthorizationServer,
        clock: Clock,
        visitor: Visitor,
    ) -> None:
        """It is dropped from the store also where nobody can sign in now; all else of the token stays."""
        first = work.token()
        clock.now += LIFETIME
        server.replies["token"].append(REFUSED)
        visitor.absent = True
        for _ in range(2):
            with pytest.raises(InteractionRequired):
                work.token()
        assert kept(store) == replace(first, refresh_token=None)
        assert asked(server) == ["code", "refresh"]

    @pytest.mark.parametrize(
        ("reply", "error"),
        [
            (Reply(503), ProviderUnavailable),
            (Reply(429, {"Retry-After": "3600"}), ProviderUnavailable),
            (Reply(hang_up=True), ProviderUnavailable),
            (Reply.json({"error": "invalid_client"}, 401), InvalidGrantRequest),
            (Reply.json({"error": "invalid_scope"}, 400), InvalidGrantRequest),
            (Reply(200, {}, b"<html>"), InvalidProviderResponse),
            (Reply(302, {"Location": "http://127.0.0.1/"}), InvalidProviderResponse),
        ],
        ids=["503", "429", "hang-up", "invalid_client", "invalid_scope", "html", "redirect"],
    )
    def test_other_errors_keep_the_refresh_token(
        self,
        work: CachedSource,
        store: TokenStore,
        server: AuthorizationServer,
        clock: Clock,
        visitor: Visitor,
        reply: Reply,
        error: type[RequestsAuthException],
    ) -> None:
        """Nothing that is kept changes, nobody is asked, and the next call renews it."""
        first = work.token()
        clock.now += LIFETIME
        server.replies["token"] += [reply] * 2  # a refresh is tried twice at most
        with pytest.raises(error):
            work.token()
        assert kept(store) == first
        server.replies["token"].clear()
        assert work.token() != first
        assert (visitor.asked, asked(server)[-1]) == (1, "refresh")

    def test_a_provider_that_is_too_slow_keeps_the_refresh_token(
        self, server: AuthorizationServer, store: TokenStore, clock: Clock, visitor: Visitor
    ) -> None:
        """A refresh that takes too long is no refusal."""
        first = source(server.issuer, store, clock).token()
        clock.now += LIFETIME
        server.replies["token"] += [Reply(503, delay_seconds=60)]
        with pytest.raises(TimeoutOccurred):
            source(server.issuer, store, clock, visitor, timeout_seconds=0.5).token()
        assert (kept(store), visitor.asked) == (first, 0)

    def test_an_error_shows_no_token(
        self, work: CachedSource, server: AuthorizationServer, clock: Clock
    ) -> None:
        """Neither it, nor what it came from, nor a variable of its traceback holds the refresh token."""
        refresh_token = str(work.token().refresh_token)
        clock.now += LIFETIME
        server.replies["token"] += [Reply(503)] * 2
        with pytest.raises(ProviderUnavailable) as caught:
            work.token()
        assert refresh_token not in words_of(caught.value)
        ours = caught.tb.tb_next  # behind this function, whose variable it is
        shown = traceback.TracebackException(caught.type, caught.value, ours, capture_locals=True)
        assert refresh_token not in "".join(shown.format())


class Crowd(MemoryStore):
    """A store that opens the visitor's doorway when that many have come to its lock."""

    def __init__(self, count: int, visitor: Visitor) -> None:
        super().__init__()
        self._missing = count
        self._visitor = visitor
        self._guard = threading.Lock()

    def lock(self, key: str, timeout_seconds: float) -> AbstractContextManager[None]:
        with self._guard:
            self._missing -= 1
            if not self._missing:
                self._visitor.doorway.set()
        return super().lock(key, timeout_seconds)


class TestFailure:
    """What fails is told to all who waited for it, and tried again by who comes later."""

    def test_it_is_shared(self, server: AuthorizationServer, clock: Clock, visitor: Visitor) -> None:
        """Twenty threads that wait for one sign-in fail with it, each with an error of its own."""
        visitor.absent = True
        visitor.doorway.clear()
        work = source(server.issuer, Crowd(20, visitor), clock, visitor)

        def failure() -> RequestsAuthException:
            with pytest.raises(InteractionRequired) as caught:
                work.token()
            return caught.value

        with ThreadPoolExecutor(20) as pool:
            errors = [each.result() for each in [pool.submit(failure) for _ in range(20)]]
        assert visitor.asked == 1
        assert len({id(error) for error in errors}) == 20
        assert {str(error) for error in errors} == {"nobody is there\n  hint: requests-auth login work"}

    def test_the_next_call_tries_again(self, work: CachedSource, visitor: Visitor) -> None:
        """A failure is not kept."""
        visitor.absent = True
        for _ in range(2):
            with pytest.raises(InteractionRequired):
                work.token()
        visitor.absent = False
        assert work.token().access_token
        assert visitor.asked == 3

    def test_one_who_waits_too_long(
        self, server: AuthorizationServer, store: TokenStore, clock: Clock
    ) -> None:
        """Where another holds the lock all the time, that is an error, and the provider is not asked."""
        work = source(server.issuer, store, clock, patience_seconds=0.1)
        for call in (work.token, work.login, work.logout):
            with store.lock(NAME, 1), pytest.raises(TimeoutOccurred, match=NAME):
                call()
        assert asked(server) == []


class TestWhatItIsIssuedFor:
    """A token that was issued for something else is neither used nor sent."""

    def test_a_token_for_something_else(
        self, work: CachedSource, server: AuthorizationServer, store: TokenStore, clock: Clock
    ) -> None:
        """Neither its access token nor its refresh token is used; the new one takes its place."""
        theirs = source(server.issuer, store, clock, issued_for="other").token()
        assert work.stored() is None
        clock.now += LIFETIME
        mine = work.token()
        assert (work.stored(), kept(store).issued_for) == (mine, "this")
        assert asked(server) == ["code", "code"]
        sent = b"".join(received.body for received in server.requests)
        assert str(theirs.refresh_token).encode() not in sent

    def test_stored(self, work: CachedSource, clock: Clock) -> None:
        """What is kept is told, be it over, and nothing is asked for."""
        assert work.stored() is None
        first = work.token()
        clock.now += 2 * LIFETIME
        assert work.stored() == first


class TestKeeping:
    """A token is kept before it is used, and until it is forgotten."""

    def test_what_cannot_be_kept_is_not_given(
        self, server: AuthorizationServer, clock: Clock, tmp_path: Path
    ) -> None:
        """A store that fails stops the call: a rotated refresh token that is lost costs the sign-in."""
        (tmp_path / "store").mkdir(mode=0o700)
        (tmp_path / "store/tokens").write_text("in the way")
        work = source(server.issuer, FileStore(tmp_path / "store", key_source()), clock)
        for _ in range(2):
            with pytest.raises(StoreUnavailable):
                work.token()

    def test_login(self, work: CachedSource, store: TokenStore, server: AuthorizationServer) -> None:
        """It signs in though there is a good token, and what it gives is used from then on."""
        first = work.token()
        second = work.login()
        assert second != first
        assert work.token() == kept(store) == second
        assert asked(server) == ["code", "code"]

    def test_a_login_that_fails(self, work: CachedSource, store: TokenStore, visitor: Visitor) -> None:
        """It leaves the token that was there."""
        first = work.token()
        visitor.absent = True
        with pytest.raises(InteractionRequired):
            work.login()
        assert work.token() == kept(store) == first

    def test_logout(self, work: CachedSource, store: TokenStore, server: AuthorizationServer) -> None:
        """It forgets the token here and in the store, also twice, and the next call signs in."""
        first = work.token()
        work.logout()
        work.logout()
        assert store.get(NAME) is work.stored() is None
        assert work.token() != first
        assert asked(server) == ["code", "code"]


def test_a_secret_that_is_there_already() -> None:
    """A StaticSource looks its secret up at each call, whatever was refused, and keeps nothing."""
    secrets = iter(["one", "two", "three"])
    static = StaticSource(lambda: next(secrets))
    static.logout()
    given = [static.token(), static.token(rejected="two"), static.login()]
    assert [token.access_token for token in given] == ["one", "two", "three"]
    assert static.stored() is None
