"""The lock on a server: who holds it, for how long, and what becomes of who lost it."""

import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import vault
from redis_servers import PRELUDE, RedisServer
from sources import START, Clock, Visitor, source
from vault import TOKEN, processes

from requests_auth_profiles._token import Token
from requests_auth_profiles.errors import StoreChanged, StoreUnavailable, TimeoutOccurred
from requests_auth_profiles.stores import FallbackStore, RedisStore
from requests_auth_profiles.testing import AuthorizationServer, Client

NEXT, OURS = Token(access_token="next"), Token(access_token="ours")
KEY = ":lock:work"

HOLD = f"{PRELUDE}\nwith opened(sys.argv[1]).lock('work', 10): ready()"
# It notes what is there, stands still, and then keeps a token of its own.
WRITE = f"""{PRELUDE}
from requests_auth_profiles.errors import StoreError
store = FallbackStore(opened(sys.argv[1]))
with store.lock('work', 10):
    ready()
    try:
        store.set('work', Token(access_token="ours"))
    except StoreError as error:
        print(type(error).__name__, error.hint)
"""


@pytest.fixture
def prefix(request: pytest.FixtureRequest) -> str:
    """A prefix of the test's own."""
    return f"l{abs(hash(request.node.name))}"


@pytest.fixture
def store(redis_server: RedisServer, prefix: str) -> RedisStore:
    return redis_server.store(prefix)


def lost(server: RedisServer, prefix: str) -> None:
    """End a lock as its time does."""
    with server.client() as client:
        assert client.delete(prefix + KEY) == 1


def until_lease(server: RedisServer, prefix: str, least: int) -> None:
    """Wait until a lock is good for at least so many milliseconds."""
    deadline = time.monotonic() + vault.PATIENCE_SECONDS
    with server.client() as client:
        while client.pttl(prefix + KEY) < least:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_another_process_is_named(redis_server: RedisServer, store: RedisStore, prefix: str) -> None:
    """Who waited in vain is told the id of the process that has the lock, and where it is."""
    with processes([HOLD], redis_server.url(prefix)) as (process,):
        with pytest.raises(TimeoutOccurred) as late, store.lock("work", 0.1):
            pass
        said = f"another process (pid {process.pid}) has been renewing the token of work for over 0.1 s"
        assert late.value.message == said
    assert f"{prefix}{KEY} on {store.where}" in late.value.hint


@pytest.mark.parametrize(
    ("value", "named"),
    [
        (f"build-7 4242 {'0' * 32}", "another process (pid 4242 on build-7)"),
        (f"{socket.gethostname()} 4242 {'0' * 32}", "another process (pid 4242)"),
        ("\x1b[2J 1", "another process"),
        ("x" * 5000, "another process"),
    ],
)
def test_whoever_put_it_there(
    redis_server: RedisServer, store: RedisStore, prefix: str, value: str, named: str
) -> None:
    """Another machine is named, and what is no such value does nothing to a terminal."""
    with redis_server.client() as client:
        client.set(prefix + KEY, value)
    with pytest.raises(TimeoutOccurred) as late, store.lock("work", 0):
        pass
    assert late.value.holder == named
    assert late.value.message.startswith(f"{named} has been renewing")


def test_it_is_renewed_while_it_is_held(redis_server: RedisServer, store: RedisStore, prefix: str) -> None:
    """However long a person takes to sign in, nobody else gets it, and then it is gone at once."""
    with store.lock("work", 0):
        with redis_server.client() as client:
            assert 0 < client.pttl(prefix + KEY) <= 10_000
            client.pexpire(prefix + KEY, 8_000)
        until_lease(redis_server, prefix, 8_500)
    with redis_server.client() as client:
        assert client.exists(prefix + KEY) == 0


def test_it_is_held_without_a_thread(
    redis_server: RedisServer, store: RedisStore, prefix: str, no_more_threads: None
) -> None:
    """A process that can start no more threads has it for as long as a sign-in takes."""
    with store.lock("work", 0), redis_server.client() as client:
        assert client.pttl(prefix + KEY) > 60_000


def test_a_holder_that_is_killed(redis_server: RedisServer, store: RedisStore, prefix: str) -> None:
    """What it held is free some seconds later."""
    with processes([HOLD], redis_server.url(prefix)) as (process,):
        process.kill()
        with store.lock("work", vault.PATIENCE_SECONDS):
            store.set("work", NEXT)
    assert store.get("work") == NEXT


class TestStoodStill:
    """A process that was stopped for so long that it lost its lock."""

    def written(self, server: RedisServer, prefix: str, meanwhile: Token | None) -> str:
        """What it prints that wakes up and writes, after another did so or not."""
        with processes([WRITE], server.url(prefix)) as (process,):
            process.send_signal(signal.SIGSTOP)
            lost(server, prefix)
            other = server.store(prefix)
            with other.lock("work", 0):
                if meanwhile is not None:
                    other.set("work", meanwhile)
            process.send_signal(signal.SIGCONT)
            return vault.end(process)[0].strip()

    @pytest.mark.parametrize("before", [None, TOKEN])
    def test_it_overwrites_nothing(
        self, redis_server: RedisServer, store: RedisStore, prefix: str, before: Token | None
    ) -> None:
        """What another wrote meanwhile stays, and it is told."""
        if before is not None:
            store.set("work", before)
        assert self.written(redis_server, prefix, NEXT) == "StoreChanged try again"
        assert store.get("work") == NEXT

    def test_it_loses_nothing(self, redis_server: RedisServer, store: RedisStore, prefix: str) -> None:
        """Where nobody wrote, what it won is kept."""
        store.set("work", TOKEN)
        assert self.written(redis_server, prefix, None) == ""
        assert store.get("work") == OURS


def test_a_token_that_was_forgotten_stays_so(
    redis_server: RedisServer, store: RedisStore, prefix: str
) -> None:
    """A sign-out is not undone by who was renewing the token and lost its lock."""
    store.set("work", TOKEN)
    with store.lock("work", 0):
        lost(redis_server, prefix)
        redis_server.store(prefix).delete("work")
        with pytest.raises(StoreChanged):
            store.set("work", NEXT)
    assert store.get("work") is None


def test_what_broke_meanwhile_is_not_set_aside(
    redis_server: RedisServer, store: RedisStore, prefix: str
) -> None:
    """Nor does it take away what it has not seen."""
    store.set("work", TOKEN)
    with store.lock("work", 0):
        with redis_server.client() as client:
            client.set(f"{prefix}:tokens:work", "broken")
        with pytest.raises(StoreChanged):
            store.set("work", NEXT)
    with redis_server.client() as client:
        assert client.get(f"{prefix}:tokens:work") == b"broken"


def test_without_a_lock_the_last_one_counts(
    redis_server: RedisServer, store: RedisStore, prefix: str
) -> None:
    """Only who holds a lock has something to lose by it."""
    store.set("work", TOKEN)
    redis_server.store(prefix).set("work", NEXT)
    store.set("work", OURS)
    assert redis_server.store(prefix).get("work") == OURS


class TestRenewal:
    """A renewal whose process stood still between looking at the token and sending it."""

    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.fixture
    def server(self, clock: Clock) -> Iterator[AuthorizationServer]:
        with AuthorizationServer() as server:
            server.clients["app"] = Client()
            server.clock = clock
            yield server

    def test_it_does_not_send_the_refresh_token_again(
        self, redis_server: RedisServer, server: AuthorizationServer, prefix: str, clock: Clock
    ) -> None:
        """Another had its turn and kept a good token, which is taken: one refresh in all, and no theft."""
        url, issuer = redis_server.url(prefix), server.issuer
        other = source(issuer, redis_server.store(prefix), clock)
        other.token()
        clock.now = START + 2 * server.lifetime_seconds

        class Interrupted(RedisStore):
            """Stands still right after it has its lock and has looked at the token."""

            looked = 0

            def get(self, key: str) -> Token | None:
                found = super().get(key)
                self.looked += 1
                if self.looked == 2:
                    lost(redis_server, prefix)
                    renewed.append(other.token())
                return found

        renewed: list[Token] = []
        stood_still = source(issuer, Interrupted(url, vault.source()), clock, Visitor())
        assert stood_still.token() == renewed[0]
        assert (server.count("token"), server.reuses) == (2, 0)

    def test_it_is_an_error_where_the_other_left_no_good_token(
        self, redis_server: RedisServer, server: AuthorizationServer, prefix: str, clock: Clock
    ) -> None:
        """The refresh token is not sent, and the error says to try again."""
        source(server.issuer, redis_server.store(prefix), clock).token()
        clock.now = START + 2 * server.lifetime_seconds

        class Interrupted(RedisStore):
            looked = 0

            def get(self, key: str) -> Token | None:
                found = super().get(key)
                self.looked += 1
                if self.looked == 2:
                    assert found is not None
                    redis_server.store(prefix).set("work", found)
                return found

        again = source(
            server.issuer, FallbackStore(Interrupted(redis_server.url(prefix), vault.source())), clock
        )
        with pytest.raises(StoreChanged) as caught:
            again.token()
        assert (caught.value.hint, server.count("token")) == ("try again", 1)
        assert again.token().access_token
        assert (server.count("token"), server.reuses) == (2, 0)


def test_there_is_no_lock_on_a_server_that_is_away(tmp_path: Path) -> None:
    """It is told as such, and not as a lock that another has."""
    with pytest.raises(StoreUnavailable), RedisStore("redis://127.0.0.1:1", vault.source()).lock("work", 5):
        pass
