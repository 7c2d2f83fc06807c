"""Renewal ahead of time: one renews a token that is still good, and nobody waits or fails for it."""

import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import requests
from sources import (
    LIFETIME,
    NAME,
    Clock,
    Visitor,
    asked,
    at_once,
    clock,
    grant,
    server,
    source,
    store,
    visitor,
    work,
)
from vault import source as key_source

from requests_auth_profiles._source import CachedSource
from requests_auth_profiles.errors import InteractionRequired, ProviderUnavailable
from requests_auth_profiles.stores import FileStore, MemoryStore, Token, TokenStore
from requests_auth_profiles.testing import AuthorizationServer, Reply

__all__ = ["clock", "server", "store", "visitor", "work"]

AHEAD = 300
EARLY = 30
PATIENCE = 60


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


class Counted(MemoryStore):
    """A store that counts what is asked of it."""

    def __init__(self) -> None:
        super().__init__()
        self.uses: list[str] = []

    def get(self, key: str) -> Token | None:
        self.uses.append("get")
        return super().get(key)

    def lock(self, key: str, timeout_seconds: float) -> AbstractContextManager[None]:
        self.uses.append(f"lock within {timeout_seconds:g} s")
        return super().lock(key, timeout_seconds)


@pytest.fixture
def held_up(server: AuthorizationServer) -> Iterator[None]:
    """The provider's next answer does not come before the server stops."""
    server.replies["token"].append(Reply(delay_seconds=600))
    yield
    server.stop()


def until(server: AuthorizationServer, requests_there: int) -> None:
    """Wait until that many requests have reached the token endpoint."""
    for _ in range(PATIENCE * 100):
        if server.count("token") >= requests_there:
            return
        threading.Event().wait(0.01)
    pytest.fail("nobody asks the provider")


def test_from_five_minutes_before_its_end(
    work: CachedSource, server: AuthorizationServer, clock: Clock, visitor: Visitor
) -> None:
    """A token of an hour is renewed by its refresh token then, and nobody is asked."""
    first = work.token()
    clock.now += LIFETIME - AHEAD - 1
    assert work.token() is first
    clock.now += 1
    second = work.token()
    assert second != first
    assert work.token() is second
    assert (asked(server), visitor.asked, server.reuses) == (["code", "refresh"], 1, 0)


def test_a_tenth_of_a_short_life(work: CachedSource, server: AuthorizationServer, clock: Clock) -> None:
    """A token of ten minutes is renewed in its last one."""
    server.lifetime_seconds = 600
    first = work.token()
    clock.now += 539
    assert work.token() is first
    clock.now += 1
    assert work.token() != first


def test_one_of_many_threads(work: CachedSource, server: AuthorizationServer, clock: Clock) -> None:
    """Of twenty threads at once, one renews it; each gets the one or the other."""
    first = work.token()
    clock.now += LIFETIME - AHEAD
    given = {token.access_token for token in at_once(20, work.token)}
    assert asked(server) == ["code", "refresh"]
    assert given <= {first.access_token, work.token().access_token}


@pytest.mark.usefixtures("held_up")
def test_nobody_waits_for_it(server: AuthorizationServer, tmp_path: Path, clock: Clock) -> None:
    """While the provider keeps the one waiting, all others use the token, in this and other processes."""
    server.replies["token"].appendleft(Reply())
    here, elsewhere = (
        source(server.issuer, FileStore(tmp_path / "store", key_source()), clock) for _ in range(2)
    )
    first = here.token()
    assert elsewhere.token() == first
    clock.now += LIFETIME - AHEAD
    with ThreadPoolExecutor(1) as pool:
        one = pool.submit(here.token)
        until(server, 2)
        assert [here.token(), elsewhere.token(), here.token(), elsewhere.token()] == [first] * 4
        assert not one.done()
        server.stop()
        assert one.result(PATIENCE) == first
    assert asked(server) == ["code", "refresh"]


def test_another_process_takes_what_was_won(
    server: AuthorizationServer, store: TokenStore, clock: Clock
) -> None:
    """It finds the new token in the store, and asks the provider for none."""
    one, two = (source(server.issuer, store, clock) for _ in range(2))
    assert one.token() == two.token()
    clock.now += LIFETIME - AHEAD
    assert one.token() == two.token()
    assert asked(server) == ["code", "refresh"]


def test_a_good_token_asks_nothing_of_the_store(server: AuthorizationServer, clock: Clock) -> None:
    """Neither before it ages, nor while it does and was just tried: no lock, no reading; and no wait."""
    store = Counted()
    work = source(server.issuer, store, clock)
    first = work.token()
    store.uses.clear()
    assert [work.token() for _ in range(5)] == [first] * 5
    assert store.uses == []
    clock.now += LIFETIME - AHEAD
    with store.lock(NAME, 1):
        store.uses.clear()
        assert [work.token() for _ in range(5)] == [first] * 5
    assert store.uses == ["lock within 0 s"]


def test_not_where_it_is_not_wanted(server: AuthorizationServer, store: TokenStore, clock: Clock) -> None:
    """As functions of somebody else's are, such a grant is asked when the token is due, and not before."""
    work = CachedSource(
        grant(server.issuer, Visitor(), clock),
        store,
        NAME,
        label=NAME,
        again="try again",
        issued_for="",
        early_expiry_seconds=EARLY,
        patience_seconds=PATIENCE,
        ahead=lambda: False,
        now=clock,
    )
    first = work.token()
    clock.now += LIFETIME - EARLY - 1
    assert work.token() is first
    clock.now += 1
    assert work.token() != first
    assert asked(server) == ["code", "refresh"]


class TestAPerson:
    """Nobody is asked for anything ahead of time."""

    def test_without_a_refresh_token(
        self, work: CachedSource, server: AuthorizationServer, clock: Clock, visitor: Visitor
    ) -> None:
        """Only a person could renew such a token, so it is used until it is due."""
        server.replies["token"].append(Reply.json({"access_token": "one", "expires_in": LIFETIME}))
        first = work.token()
        clock.now += LIFETIME - EARLY - 1
        assert work.token() is first
        clock.now += 1
        assert work.token() != first
        assert visitor.asked == 2

    def test_whose_refresh_token_is_refused(
        self,
        work: CachedSource,
        server: AuthorizationServer,
        clock: Clock,
        visitor: Visitor,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """They are asked when the token is due; it is never sent again, and one warning tells of it."""
        first = work.token()
        data = {"client_id": "app", "token": first.refresh_token}
        requests.post(f"{server.issuer}/revoke", data=data, timeout=10)
        clock.now += LIFETIME - AHEAD
        for _ in range(10):
            assert work.token().access_token == first.access_token
            clock.now += 25
        assert (asked(server), visitor.asked) == (["code", "refresh"], 1)
        (said,) = warnings(caplog)
        assert said.startswith("The token of work is used on: it cannot be renewed")
        assert str(first.refresh_token) not in said
        clock.now += 25
        assert work.token().access_token != first.access_token
        assert (asked(server), visitor.asked) == (["code", "refresh", "code"], 2)

    def test_who_signed_out_elsewhere(
        self, work: CachedSource, server: AuthorizationServer, store: TokenStore, clock: Clock
    ) -> None:
        """A token that somebody took out of the store is not renewed into it again."""
        first = work.token()
        store.delete(NAME)
        clock.now += LIFETIME - AHEAD
        assert work.token() == first
        assert (asked(server), store.keys()) == (["code"], [])


class TestAProviderThatFails:
    """It costs no request anything, and is not asked by each of them."""

    def test_it_is_asked_now_and_then(
        self, work: CachedSource, server: AuthorizationServer, clock: Clock, caplog: pytest.LogCaptureFixture
    ) -> None:
        """In five minutes with a request each second it is asked a few times; one warning tells of it."""
        first = work.token()
        clock.now += LIFETIME - AHEAD
        server.replies["token"] += [Reply(501)] * 300  # no status of a busy one: each attempt is one request
        for _ in range(AHEAD - EARLY):
            assert work.token() == first
            clock.now += 1
        assert 2 <= asked(server).count("refresh") <= 10
        assert len(warnings(caplog)) == 1
        server.replies["token"].clear()
        clock.now += EARLY / 2
        assert work.token() != first

    def test_it_comes_back(
        self, work: CachedSource, server: AuthorizationServer, clock: Clock, caplog: pytest.LogCaptureFixture
    ) -> None:
        """The token is renewed then, long before its end, and the next trouble is told again."""
        tokens = [work.token()]
        for _ in range(2):
            clock.now += LIFETIME - AHEAD
            server.replies["token"].append(Reply(501))
            assert work.token() == tokens[-1]
            clock.now += AHEAD / 3
            tokens.append(work.token())
        assert len(set(map(id, tokens))) == 3
        assert len(warnings(caplog)) == 2

    def test_it_is_down_at_the_end(
        self, work: CachedSource, server: AuthorizationServer, clock: Clock, visitor: Visitor
    ) -> None:
        """What failed ahead of time is an error once the token is over."""
        first = work.token()
        clock.now += LIFETIME - AHEAD
        server.stop()
        assert work.token() == first
        clock.now += AHEAD
        with pytest.raises(ProviderUnavailable):
            work.token()
        server.start()
        visitor.absent = True
        assert work.token() != first

    def test_nobody_is_there(
        self, work: CachedSource, server: AuthorizationServer, clock: Clock, visitor: Visitor
    ) -> None:
        """A refused refresh token and an absent person are an error when the token is due, not before."""
        first = work.token()
        visitor.absent = True
        server.replies["token"].append(Reply.json({"error": "invalid_grant"}, 400))
        clock.now += LIFETIME - AHEAD
        assert work.token() == first
        clock.now += AHEAD
        with pytest.raises(InteractionRequired):
            work.token()
