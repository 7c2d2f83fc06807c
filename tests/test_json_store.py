"""JsonStore: whose token it was and since when, writers that hold others up, names, folders."""

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
import vault
from filelock import FileLock
from test_json_token_cache import gives, opened

from requests_auth_profiles._requests_auth.json_store import JsonStore
from requests_auth_profiles._token import Token
from requests_auth_profiles.errors import StoreUnavailable
from requests_auth_profiles.stores import FallbackStore

POSIX = pytest.mark.platform("linux", "darwin")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file is going to be."""
    return tmp_path / "tokens.json"


def won(name: str, **more: Any) -> Token:
    """A token that ends in 20 s, as it is kept."""
    return Token(**{"access_token": name, "expires_at": time.time() + 20, "issued_for": "key"} | more)


class TestWhenAnotherWonIt:
    """A token that another process wins while we look is known to be new, though no file says so."""

    @pytest.mark.parametrize("before", [None, "old"])
    def test_it_is_new(self, path: Path, before: str | None) -> None:
        """What was not there, or was another one, was won when the file was written, by its clock or ours."""
        ours, theirs = JsonStore(path), JsonStore(path)
        if before:
            theirs.set("key", won(before))
        ours.get("key")
        theirs.set("key", won("new"))
        token = ours.get("key")
        assert token is not None
        assert 0 <= time.time() - token.obtained_at < 20
        os.utime(path, (4e9, 4e9))
        theirs.set("key", won("newer"))
        os.utime(path, (4e9, 4e9))
        token = ours.get("key")
        assert token is not None
        assert token.obtained_at <= time.time()

    def test_nobody_knows_of_the_first(self, path: Path) -> None:
        """What was there before we ever looked may be as old as it likes."""
        JsonStore(path).set("key", won("old"))
        token = JsonStore(path).get("key")
        assert token is not None
        assert token.obtained_at == 0

    def test_a_refresh_token_that_goes_makes_none_new(self, path: Path) -> None:
        """An entry whose access token stays is as old as it was."""
        ours, theirs = JsonStore(path), JsonStore(path)
        theirs.set("key", won("same", refresh_token="r"))
        ours.get("key")
        theirs.set("key", won("same"))
        token = ours.get("key")
        assert token is not None
        assert (token.refresh_token, token.obtained_at) == (None, 0)

    @POSIX
    def test_two_processes_share_a_short_life(self, path: Path) -> None:
        """A token that lives shorter than the early expiry is not won in turn, at each call, by both."""
        mine = opened(path)
        calls: list[int] = []

        def missing() -> tuple[str, str, int]:
            calls.append(1)
            return "key", f"t{len(calls)}", 20

        for _ in range(5):
            mine.get_token("key", on_missing_token=missing)
            opened(path).get_token("other", on_missing_token=gives("t", 3600))
            said = vault.forked(lambda: opened(path).get_token("key", on_missing_token=gives("theirs", 20)))
            assert said == "theirs"  # it has never looked before
            assert mine.get_token("key", on_missing_token=missing) == "theirs"
        assert calls == [1]


class TestAWriterThatHangs:
    """A lock that another holds is no reason to lose a token that is won (the file is out of order)."""

    @pytest.fixture
    def store(self, path: Path) -> JsonStore:
        """One that does not wait long."""
        return JsonStore(path, patience_seconds=0.2)

    def test_the_token_is_kept_in_memory(
        self, path: Path, store: JsonStore, caplog: pytest.LogCaptureFixture
    ) -> None:
        """It is there afterwards, and one warning says why."""
        fallback = FallbackStore(store)
        with FileLock(path.with_name(f".{path.name}.file.lock")):
            for name in ("a", "b"):
                fallback.set("key", won(name))
            assert fallback.get("key") is not None
        [warning] = caplog.messages
        assert "memory only" in warning
        assert not path.exists()

    def test_who_holds_it_is_named(self, path: Path, store: JsonStore) -> None:
        """The message says who writes, and the hint where to look."""
        with FileLock(path.with_name(f".{path.name}.file.lock")), pytest.raises(StoreUnavailable) as caught:
            store.set("key", won("a"))
        assert "has been writing tokens" in caught.value.message
        assert ".lock" in caught.value.hint


def test_capitals_tell_keys_apart(path: Path) -> None:
    """Each key has a token of its own in the file, whatever a store thinks of capitals."""
    cache = opened(path)
    got = [cache.get_token(key, on_missing_token=gives(f"of {key}", 3600)) for key in ("Bob", "bob", "Bob")]
    assert got == ["of Bob", "of bob", "of Bob"]
    assert set(json.loads(path.read_text())) == {"Bob", "bob"}


@pytest.mark.parametrize("entry", ['["", 4e9, null]', '["", 4e9]', '["", 4e9, "r"]'])
def test_an_empty_token_is_none(path: Path, entry: str) -> None:
    """One is won in its place, and what else stands in the file stays."""
    path.write_text(f'{{"key": {entry}, "other": ["t", 4e9, null]}}')
    assert opened(path).get_token("key", on_missing_token=gives("t1", 3600)) == "t1"
    assert json.loads(path.read_text()).keys() == {"key", "other"}
