"""FallbackStore: where tokens cannot be kept they stay in memory, and where they must not, it is an error."""

import json
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import vault
from vault import SECRETS, TOKEN, all_bytes, source

from requests_auth_profiles._token import Token
from requests_auth_profiles.errors import (
    SecretUnavailable,
    StoreKeyError,
    StoreUnavailable,
    StoreVersionError,
    TimeoutOccurred,
)
from requests_auth_profiles.stores import FallbackStore, FileStore, KeySource

NEXT = Token(access_token="s3cret-next-token")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the store is that is meant, with a token."""
    path = tmp_path / "store"
    FileStore(path, source()).set("work", TOKEN)
    return path


@pytest.fixture
def store(folder: Path) -> FallbackStore:
    """The store, in order."""
    return FallbackStore(FileStore(folder, source()))


def kept(folder: Path, name: str = "work") -> Token | None:
    """What another process finds."""
    return FileStore(folder, source()).get(name)


def disordered(folder: Path) -> None:
    """Put the store out of order: it is open to others, so that nothing of it is used."""
    folder.chmod(0o755)


def ordered(folder: Path) -> None:
    """Put it in order again."""
    folder.chmod(0o700)


def newer(folder: Path) -> None:
    """Let a newer version write the document."""
    path = folder / "tokens/work.json"
    path.write_text(json.dumps(json.loads(path.read_bytes()) | {"v": 2}))


needs_modes = pytest.mark.platform("linux", "darwin")
disorders = pytest.mark.parametrize("disorder", [pytest.param(disordered, marks=needs_modes), newer])
Disorder = Callable[[Path], None]


class TestInOrder:
    """Nothing is different where the store works."""

    def test_tokens_are_kept_in_it(
        self, folder: Path, store: FallbackStore, caplog: pytest.LogCaptureFixture
    ) -> None:
        """What is kept is there for others, what others keep is found, and nothing is told."""
        store.set("home", NEXT)
        assert (store.get("work"), kept(folder, "home"), caplog.records) == (TOKEN, NEXT, [])

    def test_what_others_keep_later_counts(self, folder: Path, store: FallbackStore) -> None:
        """No copy in memory hides what another process renewed."""
        store.set("work", TOKEN)
        FileStore(folder, source()).set("work", NEXT)
        assert store.get("work") == NEXT

    def test_the_store_that_is_meant_can_be_had(self, folder: Path) -> None:
        """Who needs what only that store has gets it."""
        meant = FileStore(folder, source())
        assert FallbackStore(meant).meant is meant

    def test_a_lock_is_the_stores(self, folder: Path, store: FallbackStore) -> None:
        """Others who use the same folder wait for it."""
        with (
            store.lock("work", 0),
            pytest.raises(TimeoutOccurred),
            FileStore(folder, source()).lock("work", 0),
        ):
            pass

    def test_a_lock_that_another_process_holds_is_waited_for(
        self, folder: Path, store: FallbackStore
    ) -> None:
        """A busy store is not one out of order: to go on would renew the token twice."""
        with (
            FileStore(folder, source()).lock("work", 0),
            pytest.raises(TimeoutOccurred) as late,
            store.lock("work", 0.05),
        ):
            pass
        assert str(folder / "locks/work.lock") in late.value.hint


class TestOutOfOrder:
    """A store that cannot be read or written costs a warning, not the request."""

    @disorders
    def test_a_token_stays_in_memory(self, folder: Path, store: FallbackStore, disorder: Disorder) -> None:
        """A renewal goes on, its token is found again, and nothing changes on disk."""
        disorder(folder)
        before = all_bytes(folder / "tokens")
        with store.lock("work", vault.PATIENCE_SECONDS):
            assert store.get("work") is None
            store.set("work", NEXT)
        assert store.get("WORK") == NEXT
        assert all_bytes(folder / "tokens") == before

    @disorders
    def test_one_warning_tells_it(
        self, folder: Path, store: FallbackStore, caplog: pytest.LogCaptureFixture, disorder: Disorder
    ) -> None:
        """However often it is used, one line names the reason and what to type, and no token."""
        disorder(folder)
        for name in ("work", "Work"):
            with store.lock(name, vault.PATIENCE_SECONDS):
                store.get(name)
                store.keeps(name, TOKEN)
                store.set(name, TOKEN)
        (record,) = caplog.records
        hint = f"chmod go-rwx {folder}" if disorder is disordered else "pip install -U"
        assert record.levelno == logging.WARNING
        assert "kept in memory only" in record.getMessage()
        assert hint in record.getMessage()
        assert not any(secret in caplog.text for secret in SECRETS)

    @needs_modes
    def test_all_names_are_told_in_one(
        self, folder: Path, store: FallbackStore, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A look at twenty profiles tells once what is wrong with their store."""
        disordered(folder)
        for number in range(20):
            store.get(f"p{number}")
        assert len(caplog.records) == 1

    @disorders
    def test_what_is_to_be_kept_only_there(
        self, folder: Path, store: FallbackStore, disorder: Disorder
    ) -> None:
        """A token that is tried on the store does not stay in memory, where it would hide a newer one."""
        assert store.keeps("work", NEXT)
        disorder(folder)
        assert not store.keeps("work", TOKEN)
        ordered(folder)
        FileStore(folder, source()).delete("work")
        FileStore(folder, source()).set("work", NEXT)
        assert store.get("work") == NEXT

    @needs_modes
    def test_threads_tell_it_once(
        self, folder: Path, store: FallbackStore, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Many threads that see it at once give one warning."""
        disordered(folder)
        start = threading.Barrier(8)

        def use(_: int) -> None:
            start.wait(vault.PATIENCE_SECONDS)
            store.get("work")

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(use, range(8)))
        assert len(caplog.records) == 1

    @needs_modes
    def test_threads_still_take_turns(self, folder: Path, store: FallbackStore) -> None:
        """Without the store's lock, threads of this process keep each other out."""
        disordered(folder)
        with store.lock("work", 0), ThreadPoolExecutor(1) as pool:
            late = pool.submit(lambda: store.lock("work", 0.05).__enter__())
            assert isinstance(late.exception(vault.PATIENCE_SECONDS), TimeoutOccurred)

    @needs_modes
    def test_what_is_in_memory_is_newer(self, folder: Path, store: FallbackStore) -> None:
        """A token that could not be kept is not forgotten for the older one that the store still has."""
        disordered(folder)
        store.set("work", NEXT)
        ordered(folder)
        assert (store.get("work"), kept(folder)) == (NEXT, TOKEN)

    @needs_modes
    def test_the_next_token_is_kept_again(self, folder: Path, store: FallbackStore) -> None:
        """Once it is in order, a renewal goes to the store, and memory no longer hides what others keep."""
        disordered(folder)
        store.set("work", NEXT)
        ordered(folder)
        store.set("work", NEXT)
        assert kept(folder) == NEXT
        FileStore(folder, source()).set("work", TOKEN)
        assert store.get("work") == TOKEN

    @needs_modes
    def test_all_names_are_listed(self, folder: Path, store: FallbackStore) -> None:
        """Names in memory stand among those of the store, each once."""
        disordered(folder)
        store.set("home", NEXT)
        store.set("work", NEXT)
        ordered(folder)
        assert store.keys() == ["home", "work"]

    @needs_modes
    def test_a_token_that_cannot_be_forgotten_is_an_error(self, folder: Path, store: FallbackStore) -> None:
        """A sign-out that leaves the document does not look like one that worked; memory is empty."""
        disordered(folder)
        store.set("work", NEXT)
        with pytest.raises(StoreUnavailable, match="by others"):
            store.delete("work")
        ordered(folder)
        assert store.get("work") == TOKEN

    def test_a_token_in_memory_is_forgotten(self, folder: Path, store: FallbackStore) -> None:
        """A sign-out takes the token from memory and from the store."""
        newer(folder)
        store.set("work", NEXT)
        store.delete("work")
        assert (store.get("work"), store.keys(), list((folder / "tokens").iterdir())) == (None, [], [])

    def test_a_token_that_is_too_large_stays_in_memory(self, folder: Path, store: FallbackStore) -> None:
        """What the store refuses can still be used here."""
        large = Token(access_token="x" * 1024 * 1024)
        store.set("work", large)
        assert (store.get("work"), kept(folder)) == (large, TOKEN)


class TestErrors:
    """Only a store that cannot be read or written is passed over."""

    @pytest.mark.parametrize("use", ["get", "set"])
    def test_a_wrong_key(self, folder: Path, caplog: pytest.LogCaptureFixture, use: str) -> None:
        """A wrong key is an error each time: tokens that nobody sees any more are worse than none."""
        store = FallbackStore(FileStore(folder, source(bytes(32))))
        for _ in range(2):
            with pytest.raises(StoreKeyError):
                store.get("work") if use == "get" else store.set("work", NEXT)
        assert (caplog.records, kept(folder)) == ([], TOKEN)

    def test_a_wrong_key_leaves_nothing_in_memory(self, folder: Path) -> None:
        """A token that was refused is not served from memory once the key is right."""
        key = [bytes(32)]
        store = FallbackStore(FileStore(folder, KeySource("test", lambda _: key[0])))
        with pytest.raises(StoreKeyError):
            store.set("work", NEXT)
        key[0] = vault.KEY
        assert store.get("work") == TOKEN

    def test_a_key_that_cannot_be_looked_up(self, tmp_path: Path) -> None:
        """A reference that gives no key is an error, before anybody signs in."""

        def fail(_: str) -> bytes:
            raise SecretUnavailable("TEAM_KEY is not set")

        with pytest.raises(SecretUnavailable, match="TEAM_KEY"):
            FallbackStore(FileStore(tmp_path / "store", KeySource("reference", fail))).get("work")

    @pytest.mark.parametrize(
        "error", [StoreUnavailable("inner"), StoreVersionError("inner"), KeyError("inner")]
    )
    def test_an_error_under_the_lock_is_the_callers(
        self, store: FallbackStore, caplog: pytest.LogCaptureFixture, error: Exception
    ) -> None:
        """What fails inside the block is not taken for a lock that could not be had, and the lock ends."""
        with pytest.raises(type(error), match="inner"), store.lock("work", 0):
            raise error
        with store.lock("work", 0):
            assert caplog.records == []
