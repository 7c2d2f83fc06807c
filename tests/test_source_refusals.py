"""CachedSource after a 401: any token but the one that was refused, and no person asked in vain."""

from auths import CountingGrant
from sources import Clock, Visitor, asked, at_once, clock, server, source, store, visitor, work

from requests_auth_profiles._source import CachedSource
from requests_auth_profiles.stores import MemoryStore
from requests_auth_profiles.testing import AuthorizationServer, Reply

__all__ = ["clock", "server", "store", "visitor", "work"]

LONG_ENOUGH = 301


def no_refresh_token(server: AuthorizationServer, *tokens: str) -> None:
    """The provider's next answers: tokens without a refresh token."""
    server.replies["token"] += [Reply.json({"access_token": token, "expires_in": 3600}) for token in tokens]


def test_a_token_that_is_not_the_held_one(work: CachedSource, server: AuthorizationServer) -> None:
    """Whoever was refused with an older token gets the one that is held."""
    assert work.token(rejected="older") is work.token(rejected="older")
    assert asked(server) == ["code"]


def test_what_another_renewed(
    work: CachedSource, server: AuthorizationServer, store: MemoryStore, clock: Clock
) -> None:
    """A token that another process has renewed meanwhile is taken from the store."""
    other = source(server.issuer, store, clock)
    first = other.token()
    second = work.token(rejected=first.access_token)
    assert other.token() is first
    assert other.token(rejected=first.access_token) == second
    assert asked(server) == ["code", "refresh"]


def test_twenty_threads_at_once(work: CachedSource, server: AuthorizationServer) -> None:
    """They make one renewal, and all get what it gave."""
    first = work.token()
    given = at_once(20, lambda: work.token(rejected=first.access_token))
    assert len(set(given)) == 1
    assert first not in given
    assert (asked(server), server.reuses) == (["code", "refresh"], 0)


def test_a_person_who_has_just_signed_in_is_not_asked_again(
    work: CachedSource, server: AuthorizationServer, visitor: Visitor, store: MemoryStore, clock: Clock
) -> None:
    """An API that refuses every token does not open the browser for each request, of whatever process."""
    no_refresh_token(server, "one", "two")
    first = work.token()
    assert work.token(rejected="one") == first
    another_process = source(server.issuer, store, clock, visitor)
    assert another_process.token(rejected="one") == first
    assert visitor.asked == 1


def test_a_token_that_was_good_for_a_while_is_signed_in_for_anew(
    work: CachedSource, server: AuthorizationServer, visitor: Visitor, clock: Clock
) -> None:
    """Later a refusal means that the token was revoked, so that only the person can help."""
    no_refresh_token(server, "one", "two")
    work.token()
    clock.now += LONG_ENOUGH
    assert work.token(rejected="one").access_token == "two"
    assert visitor.asked == 2


def test_a_machine_is_asked_each_time(clock: Clock) -> None:
    """Where nobody is bothered, a refused token is replaced at once."""
    grant = CountingGrant()
    quick = CachedSource(
        grant,
        MemoryStore(),
        "work",
        label="work",
        again="requests-auth login work",
        issued_for="",
        early_expiry_seconds=0,
        patience_seconds=60,
        now=clock,
    )
    assert [quick.token().access_token, quick.token(rejected="t1").access_token] == ["t1", "t2"]
