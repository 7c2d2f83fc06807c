"""CachedSource where something is amiss: provider, disk, clock, another process, another profiles file."""

import logging
import threading
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import vault
from sources import LIFETIME, NAME, Clock, Visitor, asked, clock, server, source, store, visitor, work

from requests_auth_profiles._source import CachedSource
from requests_auth_profiles.errors import (
    AuthenticationFailed,
    InteractionRequired,
    ProviderUnavailable,
    RequestsAuthException,
    StoreUnavailable,
    TimeoutOccurred,
)
from requests_auth_profiles.stores import FallbackStore, FileStore, MemoryStore, Token, TokenStore
from requests_auth_profiles.testing import AuthorizationServer, Reply

__all__ = ["clock", "server", "store", "visitor", "work"]

EARLY = 30
A_MOMENT_LATER = 11


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


def shown(caught: pytest.ExceptionInfo[RequestsAuthException]) -> str:
    """What a debugger shows of an error, from the first frame that is not the test's."""
    ours = caught.tb.tb_next
    trace = traceback.TracebackException(caught.type, caught.value, ours, capture_locals=True)
    return "".join(trace.format())


class TestAProviderThatFails:
    """A token that is good to its end is used to its end where it cannot be renewed before."""

    @pytest.mark.parametrize(
        "reply", [Reply(503), Reply(429, {"Retry-After": "3600"}), Reply(hang_up=True)], ids=str
    )
    def test_the_token_is_used_on(
        self,
        work: CachedSource,
        server: AuthorizationServer,
        clock: Clock,
        caplog: pytest.LogCaptureFixture,
        reply: Reply,
    ) -> None:
        """Shortly before its end it is given all the same, and one warning says why, without a secret."""
        first = work.token()
        clock.now += LIFETIME - EARLY + 1
        server.replies["token"] += [reply] * 2  # a refresh is tried twice at most
        assert work.token() == first
        (said,) = warnings(caplog)
        assert said.startswith("The token of work is used on")
        assert first.access_token not in said
        assert str(first.refresh_token) not in said

    def test_the_provider_is_left_alone_for_a_moment(
        self, work: CachedSource, server: AuthorizationServer, clock: Clock
    ) -> None:
        """Not each request asks a provider that is busy; a moment later one does, and gets a new token."""
        first = work.token()
        clock.now += LIFETIME - EARLY + 1
        server.replies["token"] += [Reply(429, {"Retry-After": "3600"})]
        assert [work.token() for _ in range(5)] == [first] * 5
        assert asked(server) == ["code", "refresh"]
        clock.now += A_MOMENT_LATER
        assert work.token() != first
        assert asked(server) == ["code", "refresh", "refresh"]

    def test_the_end_is_the_end(self, work: CachedSource, server: AuthorizationServer, clock: Clock) -> None:
        """Also within that moment, a token that is over is not used."""
        first = work.token()
        clock.now += LIFETIME - 5
        server.replies["token"] += [Reply(503)] * 2
        assert work.token() == first
        clock.now += 5
        assert work.token() != first

    def test_a_token_that_was_refused_is_not_used_on(
        self, work: CachedSource, server: AuthorizationServer
    ) -> None:
        """The API said no to it: the error of its renewal is told."""
        first = work.token()
        server.replies["token"] += [Reply(503)] * 2
        with pytest.raises(ProviderUnavailable):
            work.token(rejected=first.access_token)


class TestAFullDisk:
    """A refresh token is not used up where the next one could not be kept for the others."""

    @pytest.fixture
    def volume(self, tmp_path: Path) -> Iterator[tuple[Path, bool]]:
        """A small disk."""
        folder = tmp_path / "volume"
        folder.mkdir(mode=0o700)
        with vault.little_room(folder) as mounted:
            yield folder, mounted

    def processes(
        self, volume: Path, server: AuthorizationServer, clock: Clock, visitor: Visitor
    ) -> list[CachedSource]:
        """Two that share a store."""
        stores = [FallbackStore(FileStore(volume / "store", vault.source())) for _ in range(2)]
        return [source(server.issuer, store, clock, visitor) for store in stores]

    @pytest.mark.platform("linux", "darwin")
    def test_a_token_that_is_good_stays(
        self,
        volume: tuple[Path, bool],
        server: AuthorizationServer,
        clock: Clock,
        visitor: Visitor,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """It is used on, the refresh token stays good for all, and who comes when there is room renews it."""
        one, two = self.processes(volume[0], server, clock, visitor)
        first = one.token()
        clock.now += LIFETIME - EARLY + 1
        with vault.no_room(volume[0], mounted=volume[1]):
            assert [one.token(), two.token(), one.token()] == [first] * 3
        assert asked(server) == ["code"]
        assert any("out of order" in said for said in warnings(caplog))
        clock.now += A_MOMENT_LATER
        second = two.token()
        assert second != first
        assert one.token() == second
        assert (asked(server), server.reuses) == (["code", "refresh"], 0)

    @pytest.mark.platform("linux", "darwin")
    def test_a_token_that_is_over_is_renewed(
        self, volume: tuple[Path, bool], server: AuthorizationServer, clock: Clock, visitor: Visitor
    ) -> None:
        """The person's program goes on, with a token in memory."""
        one, _ = self.processes(volume[0], server, clock, visitor)
        first = one.token()
        clock.now += LIFETIME
        with vault.no_room(volume[0], mounted=volume[1]):
            assert one.token() != first
        assert asked(server) == ["code", "refresh"]

    @pytest.mark.platform("linux", "darwin")
    def test_a_store_alone_fails_first(
        self, volume: tuple[Path, bool], server: AuthorizationServer, clock: Clock
    ) -> None:
        """Where nothing may be in memory only, the error comes before the refresh token is sent."""
        store = FileStore(volume[0] / "store", vault.source())
        work = source(server.issuer, store, clock)
        work.token()
        clock.now += LIFETIME
        with vault.no_room(volume[0], mounted=volume[1]), pytest.raises(StoreUnavailable):
            work.token()
        assert asked(server) == ["code"]


class TestAKeyThatTellsNothing:
    """Where the store knows the token by a key that is nobody's name, messages have the label."""

    LABEL = "OktaClientCredentials"

    def test_a_lock_that_is_not_had(
        self, server: AuthorizationServer, store: TokenStore, clock: Clock
    ) -> None:
        """Whoever waits in vain is told for whom."""
        work = source(server.issuer, store, clock, label=self.LABEL, patience_seconds=0.1)
        for call in (work.token, work.login, work.logout):
            with store.lock(NAME, 1), pytest.raises(TimeoutOccurred) as caught:
                call()
            assert f"the token of {self.LABEL} " in caught.value.message
            assert NAME not in str(caught.value)

    def test_a_token_that_is_used_on(
        self, server: AuthorizationServer, store: TokenStore, clock: Clock, caplog: pytest.LogCaptureFixture
    ) -> None:
        """The warning says whose token it is."""
        work = source(server.issuer, store, clock, label=self.LABEL)
        work.token()
        clock.now += LIFETIME - EARLY + 1
        server.replies["token"] += [Reply(503)] * 2
        work.token()
        (said,) = warnings(caplog)
        assert said.startswith(f"The token of {self.LABEL} is used on")


class TestAClockThatWasWrong:
    """What a token says of its end is worth nothing where it was got in the future."""

    def test_it_is_replaced(self, work: CachedSource, server: AuthorizationServer, clock: Clock) -> None:
        """A sign-in under a clock a year ahead is over once the clock is right."""
        right = clock.now
        clock.now += 365 * 24 * 3600
        first = work.token()
        clock.now = right
        assert work.token() != first

    def test_a_refused_one_is_no_sign_in_of_just_now(
        self, work: CachedSource, server: AuthorizationServer, clock: Clock, visitor: Visitor
    ) -> None:
        """A token from shortly ahead that an API refuses does not come back until the clock is there."""
        replies = [Reply.json({"access_token": token, "expires_in": 3600}) for token in ("one", "two")]
        server.replies["token"] += replies
        right = clock.now
        clock.now += 200
        work.token()
        clock.now = right
        assert work.token(rejected="one").access_token == "two"
        assert visitor.asked == 2


class TestAnotherProfileOfThatName:
    """A token of something else under the same name is not replaced silently."""

    def test_it_is_told_once(
        self,
        server: AuthorizationServer,
        store: MemoryStore,
        clock: Clock,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """Two files that sign each other out are told of, and how to end it, once by each source."""
        this, other = (source(server.issuer, store, clock, issued_for=each) for each in ("this", "other"))
        this.token()
        assert warnings(caplog) == []
        tokens = [each.login() for each in (other, this, other)]
        first, second = warnings(caplog)
        assert first == second
        assert first.startswith("The token kept for work was issued for something else")
        assert "[store] url" in first
        assert not any(token.access_token in caplog.text for token in tokens)

    def test_looking_tells_nothing(
        self, server: AuthorizationServer, store: MemoryStore, clock: Clock, caplog: pytest.LogCaptureFixture
    ) -> None:
        """As long as nothing is replaced there is nothing to say."""
        source(server.issuer, store, clock, issued_for="other").token()
        assert source(server.issuer, store, clock).stored() is None
        assert warnings(caplog) == []


class Queue(MemoryStore):
    """A store that tells when somebody has come to a lock that is held."""

    def __init__(self) -> None:
        super().__init__()
        self.waits = threading.Event()
        self._first = True

    def lock(self, key: str, timeout_seconds: float) -> AbstractContextManager[None]:
        if not self._first:
            self.waits.set()
        self._first = False
        return super().lock(key, timeout_seconds)


class TestASignInElsewhere:
    """Where nobody signs in, one window is opened, not one for each process in turn."""

    def test_who_waited_for_it_asks_nobody(
        self, server: AuthorizationServer, clock: Clock, visitor: Visitor
    ) -> None:
        """Its error says that another tried in vain, and how to sign in; the next call may ask again."""
        store = Queue()
        one, two = (source(server.issuer, store, clock, visitor) for _ in range(2))
        visitor.absent = True
        visitor.doorway.clear()
        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(one.token)
            while not visitor.asked:
                time.sleep(0.01)
            second = pool.submit(two.token)
            assert store.waits.wait(60)
            time.sleep(1.5)  # more than a moment
            visitor.doorway.set()
            assert isinstance(first.exception(60), InteractionRequired)
            late = second.exception(60)
        assert isinstance(late, AuthenticationFailed)
        assert "another process was signing in for work" in late.message
        assert (late.hint, visitor.asked) == ("requests-auth login work", 1)
        visitor.absent = False
        assert two.token().access_token

    def test_who_can_renew_alone_does(
        self, server: AuthorizationServer, clock: Clock, visitor: Visitor
    ) -> None:
        """With a refresh token nobody needs to be asked, however long the other had the lock."""
        store = MemoryStore()
        work = source(server.issuer, store, clock, visitor)
        first = work.token()
        clock.now += LIFETIME
        with ThreadPoolExecutor(1) as pool:
            with store.lock(NAME, 1):
                waiting = pool.submit(work.token)
                time.sleep(1.5)
            assert waiting.result(60) != first
        assert visitor.asked == 1


class TestWhatAnErrorShows:
    """No variable of a frame that an error came through holds a secret."""

    def test_the_token_that_was_refused(self, work: CachedSource, server: AuthorizationServer) -> None:
        """A renewal after a 401 that fails does not show the access token: it may be good elsewhere."""
        first = work.token()
        server.replies["token"] += [Reply(503)] * 2
        with pytest.raises(ProviderUnavailable) as caught:
            work.token(rejected=first.access_token)
        assert first.access_token not in shown(caught)

    def test_a_login(self, work: CachedSource, server: AuthorizationServer) -> None:
        """The frames of the sign-in, with its code and verifier, are not in the traceback."""
        server.replies["token"] += [Reply(503)]
        with pytest.raises(ProviderUnavailable) as caught:
            work.login()
        (sent,) = [dict(each.form) for each in server.requests if each.path == "/token"]
        assert sent["code"] not in shown(caught)
        assert sent["code_verifier"] not in shown(caught)
        assert "in fetch" not in shown(caught)


def test_a_margin_longer_than_the_life(
    server: AuthorizationServer, store: TokenStore, clock: Clock, visitor: Visitor
) -> None:
    """A token that lives shorter than the early expiry is renewed at half of its life, not each time."""
    server.lifetime_seconds = 60
    work = source(server.issuer, store, clock, visitor, early_expiry_seconds=600)
    first = work.token()
    clock.now += 29
    assert work.token() is first
    clock.now += 1
    assert isinstance(work.token(), Token)
    assert asked(server) == ["code", "refresh"]
