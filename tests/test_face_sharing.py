"""Which objects of the classes of requests_auth share a token, or a failure, and which do not."""

import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from faults import PASSWORD, SECRET, World, world
from requests.auth import HTTPBasicAuth
from wire import PATIENCE_SECONDS, RawServer, json_reply

from requests_auth_profiles import (
    InvalidGrantRequest,
    JsonTokenFileCache,
    OAuth2,
    OAuth2ClientCredentials,
    OAuth2ResourceOwnerPasswordCredentials,
    TokenMemoryCache,
)
from requests_auth_profiles.stores import MemoryStore

__all__ = ["world"]


def in_a_file(folder: Path) -> JsonTokenFileCache:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return JsonTokenFileCache(folder / "tokens.json")


def user(world: World, secret: str = PASSWORD, **more: Any) -> Any:
    how = {"session_auth": ("job", SECRET), "timeout": PATIENCE_SECONDS} | more
    return OAuth2ResourceOwnerPasswordCredentials(world.token, "ada", secret, **how)


class TestAWrongSecret:
    """An object with a secret that is wrong gets nothing that one with the right secret won."""

    def test_in_memory(self, world: World) -> None:
        """It is refused as if it were alone, and the right one's token is still there afterwards."""
        tokens = [auth.token().access_token for auth in (world.machine(), user(world))]
        for wrong in (
            world.machine(secret="wrong"),
            user(world, "wrong"),
            user(world, session_auth=("job", "wrong")),
            user(world, session_auth=HTTPBasicAuth("job", "wrong")),
        ):
            with pytest.raises(InvalidGrantRequest):
                wrong.token()
        assert [auth.token().access_token for auth in (world.machine(), user(world))] == tokens

    def test_in_a_file(self, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """No secret is in a key there, so that it gets the token; docs/migrating.md says so."""
        monkeypatch.setattr(OAuth2, "token_cache", in_a_file(tmp_path))
        assert world.machine().token() == world.machine(secret="wrong").token()

    def test_a_logout(self, world: World) -> None:
        """What is forgotten is the token of those who know the secret."""
        first = world.machine().token().access_token
        world.machine(secret="wrong").logout()
        assert world.machine().token().access_token == first
        world.machine().logout()
        assert world.machine().token().access_token != first


class Queue(MemoryStore):
    """A store that tells when two have come to its lock."""

    def __init__(self) -> None:
        super().__init__()
        self.both = threading.Event()
        self._first = threading.Lock()

    def lock(self, key: str, timeout_seconds: float) -> AbstractContextManager[None]:
        if not self._first.acquire(blocking=False):
            self.both.set()
        return super().lock(key, timeout_seconds)


class Mine(TokenMemoryCache):
    """A cache that somebody made of ours, in whose keys there is no trace of a secret."""

    def __init__(self, queue: Queue) -> None:
        super().__init__()
        self._store = queue


@pytest.mark.parametrize(("other", "tries"), [(SECRET, 2), ("wrong", 1)], ids=["another secret", "the same"])
def test_a_failure_is_that_of_the_secret(monkeypatch: pytest.MonkeyPatch, other: str, tries: int) -> None:
    """Who waits with another secret tries it; who waits with the same one fails without another try."""
    queue, asked = Queue(), threading.Event()
    monkeypatch.setattr(OAuth2, "token_cache", Mine(queue))

    def refuse(connection: Any, _: threading.Event) -> None:
        asked.set()
        assert queue.both.wait(PATIENCE_SECONDS)
        connection.sendall(json_reply('{"error": "invalid_client"}', 401))

    with RawServer(refuse, json_reply('{"access_token": "won"}')) as server, ThreadPoolExecutor(2) as pool:

        def won(secret: str) -> Any:
            return OAuth2ClientCredentials(server.url, "job", secret, timeout=PATIENCE_SECONDS).token()

        first = pool.submit(won, "wrong")
        assert asked.wait(PATIENCE_SECONDS)
        second = pool.submit(won, other)
        assert isinstance(first.exception(PATIENCE_SECONDS), InvalidGrantRequest)
        failure = second.exception(PATIENCE_SECONDS)
        assert (failure is None) == (other == SECRET)
        assert server.connections == tries
