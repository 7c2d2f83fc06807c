"""A refresh token whose answer was lost is sent once more, and then no more: not here, not elsewhere."""

from pathlib import Path

import pytest
from sources import LIFETIME, NAME, Clock, Visitor, asked, clock, server, source, visitor
from test_one_renewal import HUNG, RENEW, go, until
from vault import processes
from vault import source as key_source

from requests_auth_profiles._source import CachedSource
from requests_auth_profiles.errors import ProviderUnavailable, TimeoutOccurred
from requests_auth_profiles.stores import FallbackStore, FileStore, MemoryStore, Token, TokenStore
from requests_auth_profiles.testing import AuthorizationServer, Reply

__all__ = ["clock", "server", "visitor"]

LOST = Reply(lost=True)
AHEAD = 300
EARLY = 30
PATIENCE = 60


@pytest.fixture(params=["memory", "file", "fallback"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> TokenStore:
    """A store of each kind."""
    if request.param == "memory":
        return MemoryStore()
    store = FileStore(tmp_path / "store", key_source())
    return FallbackStore(store) if request.param == "fallback" else store


@pytest.fixture
def work(server: AuthorizationServer, store: TokenStore, clock: Clock, visitor: Visitor) -> CachedSource:
    return source(server.issuer, store, clock, visitor)


def sent(server: AuthorizationServer) -> list[str]:
    """The refresh tokens that came to the provider."""
    forms = [dict(each.form) for each in server.requests if each.path == "/token"]
    return [form["refresh_token"] for form in forms if "refresh_token" in form]


def kept(store: TokenStore) -> Token:
    token = store.get(NAME)
    assert token is not None
    return token


def test_one_that_was_used_up(
    work: CachedSource, store: TokenStore, server: AuthorizationServer, clock: Clock, visitor: Visitor
) -> None:
    """The provider rotated it and hung up: the next call sends it again, is refused, and asks the person."""
    first = work.token()
    clock.now += LIFETIME
    server.replies["token"].append(LOST)
    with pytest.raises(ProviderUnavailable):
        work.token()
    assert sent(server) == [first.refresh_token]
    assert kept(store) == first
    assert server.introspect(work.token().access_token) is not None
    assert sent(server) == [first.refresh_token] * 2
    assert (asked(server), visitor.asked) == (["code", "refresh", "refresh", "code"], 2)


def test_one_that_may_come_twice(
    work: CachedSource, server: AuthorizationServer, clock: Clock, visitor: Visitor
) -> None:
    """Where the provider lets a client in that lost an answer, the second sending is enough."""
    work.token()
    clock.now += LIFETIME
    server.rotate = False
    server.replies["token"].append(LOST)
    with pytest.raises(ProviderUnavailable):
        work.token()
    work.token()
    assert (asked(server), visitor.asked) == (["code", "refresh", "refresh"], 1)


def test_no_third_time(
    work: CachedSource, store: TokenStore, server: AuthorizationServer, clock: Clock, visitor: Visitor
) -> None:
    """After two lost answers it is sent no more, however often one asks for a token: a person signs in."""
    first = work.token()
    clock.now += LIFETIME
    visitor.absent = True
    server.replies["token"] += [LOST] * 9
    for _ in range(5):
        with pytest.raises(Exception, match=r"cannot reach|nobody is there"):
            work.token()
    with pytest.raises(Exception, match="nobody is there"):
        source(server.issuer, store, clock, visitor).token()
    assert sent(server) == [first.refresh_token] * 2
    visitor.absent = False
    server.replies["token"].clear()
    second = work.token()
    clock.now += LIFETIME
    work.token()
    assert sent(server) == [first.refresh_token] * 2 + [second.refresh_token]


def test_each_has_its_own_count(
    work: CachedSource, store: TokenStore, server: AuthorizationServer, clock: Clock, visitor: Visitor
) -> None:
    """An answer begins it anew: now and then one is lost for ever, and nobody has to sign in."""
    server.rotate = False
    work.token()
    for _ in range(3):
        clock.now += LIFETIME
        server.replies["token"].append(LOST)
        with pytest.raises(ProviderUnavailable):
            work.token()
        assert kept(store).unanswered == 1
        work.token()
        assert kept(store).unanswered == 0
    assert visitor.asked == 1


@pytest.mark.parametrize(
    "reply",
    [Reply(503, {"Retry-After": "0"}), Reply.json({"error": "invalid_client"}, 401), Reply(501)],
    ids=str,
)
def test_an_answer_is_an_answer(
    work: CachedSource,
    store: TokenStore,
    server: AuthorizationServer,
    clock: Clock,
    visitor: Visitor,
    reply: Reply,
) -> None:
    """However bad it is, the refresh token is not lost by it: it works once the provider does."""
    work.token()
    clock.now += LIFETIME
    for _ in range(4):
        server.replies["token"] += [reply] * 2
        with pytest.raises(Exception, match=r"answered|refused"):
            work.token()
        server.replies["token"].clear()
        assert kept(store).unanswered == 0
    work.token()
    assert (visitor.asked, server.reuses) == (1, 0)


def test_what_never_left(
    work: CachedSource, store: TokenStore, server: AuthorizationServer, clock: Clock, visitor: Visitor
) -> None:
    """A provider that cannot be reached, as on a train, has not got it: nobody has to sign in afterwards."""
    work.token()
    clock.now += LIFETIME
    server.stop()
    for _ in range(4):
        with pytest.raises(ProviderUnavailable):
            work.token()
    assert kept(store).unanswered == 0
    server.start()
    work.token()
    assert (visitor.asked, server.reuses) == (1, 0)


def test_a_late_answer_is_a_lost_one(server: AuthorizationServer, store: TokenStore, clock: Clock) -> None:
    """Who gave up waiting may have used it up."""
    first = source(server.issuer, store, clock).token()
    clock.now += LIFETIME
    server.replies["token"].append(HUNG)
    with pytest.raises(TimeoutOccurred):
        source(server.issuer, store, clock, timeout_seconds=0.5).token()
    assert (kept(store), kept(store).unanswered) == (first, 1)


@pytest.mark.parametrize(("rotates", "sign_ins"), [(True, 2), (False, 1)])
def test_ahead_of_time(
    work: CachedSource,
    server: AuthorizationServer,
    clock: Clock,
    visitor: Visitor,
    *,
    rotates: bool,
    sign_ins: int,
) -> None:
    """A lost answer before the token is due costs no request anything; the last sending waits until it is."""
    server.rotate = rotates
    first = work.token()
    clock.now += LIFETIME - AHEAD
    server.replies["token"] += [LOST] * 9
    for _ in range(AHEAD - EARLY):
        assert work.token().access_token == first.access_token
        clock.now += 1
    assert (sent(server), visitor.asked) == ([first.refresh_token], 1)
    server.replies["token"].clear()
    assert work.token().access_token != first.access_token
    assert (sent(server), visitor.asked) == ([first.refresh_token] * 2, sign_ins)


def test_why_a_person_is_asked(
    work: CachedSource, server: AuthorizationServer, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """Who has to sign in though a refresh token is there reads why, and not what it is."""
    first = work.token()
    clock.now += LIFETIME
    server.replies["token"] += [LOST] * 2
    for _ in range(2):
        with pytest.raises(ProviderUnavailable):
            work.token()
    caplog.clear()
    work.token()
    (said,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert "token of work was sent twice without an answer" in said
    assert str(first.refresh_token) not in said


def test_a_process_that_is_killed_in_between(home: Path, server: AuthorizationServer, clock: Clock) -> None:
    """What it sent counts, as nobody knows whether it arrived: two such, and the third signs in."""
    folder = home / "store"
    first = source(server.issuer, FileStore(folder, key_source()), clock).token()
    clock.now += 2 * LIFETIME
    server.replies["token"] += [HUNG] * 2
    for number in (2, 3):
        with processes([RENEW], folder, server.issuer, clock.now) as (process,):
            go(process)
            until(server, number)
            process.kill()
            process.wait(PATIENCE)
    assert source(server.issuer, FileStore(folder, key_source()), clock).token() != first
    assert sent(server) == [first.refresh_token] * 2
    assert asked(server) == ["code", "refresh", "refresh", "code"]
