"""A server in trouble: tokens stay in memory, with one warning that says what is wrong, until it is back."""

import logging
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import vault
from redis_servers import RedisServer, running
from vault import TOKEN

from requests_auth_profiles._token import Token
from requests_auth_profiles.errors import ConfigurationError, StoreUnavailable
from requests_auth_profiles.stores import FallbackStore, RedisStore

NEXT = Token(access_token="s3cret-next-token", obtained_at=2)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    """A server of the test's own."""
    with running(tmp_path) as server:
        yield server


def set_of(server: RedisServer, name: str, value: str) -> None:
    with server.client() as client:
        client.config_set(name, value)


TROUBLE: dict[str, tuple[Callable[[RedisServer], None], str]] = {
    "killed": (lambda server: server.kill(), "cannot be reached: Connection refused"),
    "full": (lambda server: set_of(server, "maxmemory", "1"), "has no memory left"),
    "a replica": (lambda server: server.client().replicaof("127.0.0.1", "1"), "is a replica"),
    "hung": (lambda server: server.signal(signal.SIGSTOP), "did not answer in time"),
}


@pytest.mark.parametrize("kind", TROUBLE)
def test_what_is_wrong_is_told_once(server: RedisServer, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    """A renewal goes on with its token in memory, and one warning says why."""
    store = FallbackStore(server.store())
    store.set("work", TOKEN)
    cause, told = TROUBLE[kind]
    cause(server)
    with caplog.at_level(logging.WARNING), store.lock("work", 1):
        store.set("work", NEXT)
        assert store.get("work") == NEXT
    assert store.get("work") == NEXT
    (warning,) = [record.getMessage() for record in caplog.records]
    assert told in warning


def test_a_server_that_is_back_is_used_again(server: RedisServer, caplog: pytest.LogCaptureFixture) -> None:
    """What was kept in memory is superseded by what others keep, and is kept with the next renewal."""
    store = FallbackStore(server.store())
    store.set("home", TOKEN)
    server.kill()
    store.set("work", NEXT)
    server.start()
    assert (store.get("work"), store.get("home")) == (NEXT, None)  # this server keeps nothing on disk
    newest = Token(access_token="newest", obtained_at=3)
    server.store().set("work", newest)
    assert store.get("work") == newest
    with store.lock("work", 1):
        store.set("work", NEXT)
    assert server.store().get("work") == NEXT
    assert len(caplog.records) == 1


def test_a_server_that_comes_back_in_the_middle_of_a_renewal(server: RedisServer) -> None:
    """Who has no lock on it uses nothing of it: another process may be renewing that token now."""
    store = FallbackStore(server.store())
    server.kill()
    with store.lock("work", 1):
        server.start()
        server.store().set("work", TOKEN)
        assert (store.get("work"), store.keeps("work", NEXT)) == (None, False)
        store.set("work", NEXT)
        assert store.get("work") == NEXT
    assert server.store().get("work") == TOKEN


def test_what_is_kept_on_disk_is_there_after_a_crash(tmp_path: Path) -> None:
    """A store that is open already goes on where the server left off."""
    with running(tmp_path, appendonly="yes", appendfsync="always") as server:
        store = server.store()
        store.set("work", TOKEN)
        server.kill()
        with pytest.raises(StoreUnavailable):
            store.get("work")
        server.start()
        assert store.get("work") == TOKEN


def test_a_store_that_lost_its_data_makes_a_record_anew(server: RedisServer) -> None:
    """A server that keeps nothing on disk begins empty, and the same key seals its tokens again."""
    store = server.store()
    store.set("work", TOKEN)
    server.kill()
    server.start()
    assert store.get("work") is None
    store.set("work", NEXT)
    assert server.store().get("work") == NEXT


def test_nothing_is_said_of_a_server_before_it_is_needed() -> None:
    """To make a store connects to nobody, and looks nothing up."""

    def never() -> str:
        raise AssertionError

    assert repr(RedisStore(never, vault.source())) == "RedisStore()"


NO_PACKAGE = """
import sys
sys.modules["redis"] = None
from requests_auth_profiles.stores import KeySource, RedisStore
try:
    RedisStore("redis://127.0.0.1:1", KeySource("test", lambda kid: bytes(32))).get("work")
except Exception as error:
    print(type(error).__name__, error)
"""


def test_without_the_package() -> None:
    """The error names what to install."""
    (said,) = vault.together([f"ready()\n{NO_PACKAGE}"])
    assert said.startswith("ConfigurationError a token store on a server needs another package")
    assert said.endswith('pip install "requests-auth-profiles[redis]"')


def test_an_error_of_the_secret_is_an_error(server: RedisServer) -> None:
    """A URL that cannot be looked up is told, and not taken for a server that is away."""

    def failing() -> str:
        raise ConfigurationError("no such variable", hint="export it")

    with pytest.raises(ConfigurationError, match="no such variable"):
        FallbackStore(RedisStore(failing, vault.source())).get("work")
