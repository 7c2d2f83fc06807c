"""The contract of a token store: each kind gives, keeps, forgets and locks names in the same way."""

import re
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import vault
from conftest import RunProgram
from hypothesis import given, settings
from hypothesis import strategies as st
from redis_servers import RedisServer
from test_token import TOKENS

from requests_auth_profiles._token import Token
from requests_auth_profiles.errors import TimeoutOccurred
from requests_auth_profiles.stores import FallbackStore, FileStore, MemoryStore, TokenStore
from requests_auth_profiles.testing import StoreContract

PATIENCE = vault.PATIENCE_SECONDS
NO_PLACE = Path("/proc/nowhere/store")  # no folder can be made there, even by root
SHARED: dict[str, Callable[[Path, RedisServer], TokenStore]] = {
    "file": lambda folder, _: FileStore(folder / "store", vault.source()),
    "fallback": lambda folder, _: FallbackStore(FileStore(folder / "store", vault.source())),
    "redis": lambda folder, server: server.store(folder.name),
    "fallback of redis": lambda folder, server: FallbackStore(server.store(folder.name)),
}
KINDS: dict[str, Callable[[Path, RedisServer], TokenStore]] = SHARED | {
    "memory": lambda *_: MemoryStore(),
    "fallback without its store": lambda *_: FallbackStore(FileStore(NO_PLACE, vault.source())),
}
ONE, TWO = Token(access_token="one"), Token(access_token="two")

kinds = pytest.mark.parametrize("kind", KINDS)
forks = pytest.mark.platform("linux", "darwin")


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """A kind of store."""
    return str(request.param)


@pytest.fixture
def store(kind: str, tmp_path: Path, redis_server: RedisServer) -> TokenStore:
    """A store of each kind, empty."""
    return KINDS[kind](tmp_path, redis_server)


class TestEachKind(StoreContract):
    """All that is said of stores holds for each kind."""

    @pytest.fixture
    def store(self, kind: str, tmp_path: Path, redis_server: RedisServer) -> TokenStore:
        """A store of each kind, empty."""
        return KINDS[kind](tmp_path, redis_server)

    @pytest.fixture
    def another(self, store: TokenStore, kind: str, tmp_path: Path, redis_server: RedisServer) -> TokenStore:
        """The same store, opened again where that can be."""
        return KINDS[kind](tmp_path, redis_server) if kind in SHARED else store


BROKEN = """
import pytest
from requests_auth_profiles.stores import MemoryStore
from requests_auth_profiles.testing import StoreContract

class Forgetful(MemoryStore):
    def set(self, key, token):
        pass

class TestForgetful(StoreContract):
    @pytest.fixture
    def store(self):
        return Forgetful()

class TestNothing(StoreContract):
    pass
"""


def test_a_store_that_does_not_keep_it_fails(tmp_path: Path, run_python: RunProgram) -> None:
    """A user's own store is held against it, and one that was not given is told of."""
    (tmp_path / "test_own.py").write_text(BROKEN)
    done = run_python(
        "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(tmp_path)
    )
    assert "write a fixture `store`" in done.stdout
    assert re.search(r"FAILED .*TestForgetful::test_the_last_token_counts", done.stdout)
    assert (done.returncode, "TestForgetful::test_each_name_has_a_lock" in done.stdout) == (1, False)


@contextmanager
def held_elsewhere(store: TokenStore, key: str) -> Iterator[threading.Event]:
    """Another thread holds the lock of a name until the event is set, or the block ends."""
    held, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        with store.lock(key, PATIENCE):
            held.set()
            let_go.wait(PATIENCE)

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert held.wait(PATIENCE)
        yield let_go
    finally:
        let_go.set()
        thread.join()


def locked(store: TokenStore, key: str, timeout_seconds: float = 0) -> bool:
    """Whether somebody holds the lock of a name."""
    try:
        with store.lock(key, timeout_seconds):
            return False
    except TimeoutOccurred:
        return True


def test_its_variables_show_no_secret(store: TokenStore) -> None:
    """What a debugger lists of a store has neither its key nor a token in it."""
    store.set("work", Token(access_token=vault.SECRETS[0]))
    assert store.get("work") is not None
    shown = repr(vars(store))
    assert repr(vault.KEY) not in shown
    assert vault.SECRETS[0] not in shown


@kinds
@settings(max_examples=25, deadline=None)
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["work", "WORK", "Work-1", ".", "a/b", "..", "ß", "%41"]), st.none() | TOKENS
        ),
        max_size=8,
    )
)
def test_it_is_a_table_of_names(
    redis_server: RedisServer, kind: str, steps: list[tuple[str, Token | None]]
) -> None:
    """Whatever is kept and forgotten, what is found is what a dict without regard to case would hold."""
    table: dict[str, Token] = {}
    with tempfile.TemporaryDirectory() as folder:
        store = KINDS[kind](Path(folder), redis_server)
        for name, token in steps:
            if token is None:
                table.pop(name.casefold(), None)
                store.delete(name)
            else:
                table[name.casefold()] = token
                store.set(name, token)
        assert sorted(store.keys()) == sorted(table)
        assert {name: store.get(name) for name in store.keys()} == table  # noqa: SIM118 - no dict


@kinds
@settings(max_examples=25, deadline=None)
@given(name=st.text(max_size=7))
def test_any_name_can_be_kept(redis_server: RedisServer, kind: str, name: str) -> None:
    """No name, whatever is in it, is mistaken for another, a path, or something that is no name."""
    with tempfile.TemporaryDirectory() as folder:
        store = KINDS[kind](Path(folder), redis_server)
        with store.lock(name, PATIENCE):
            store.set(name, ONE)
        assert (store.get(name), store.keys()) == (ONE, [name.casefold()])


def test_a_lock_that_is_not_had_in_time_says_whose_it_is(store: TokenStore) -> None:
    """The error names the profile and how long was waited, and says what to do."""
    with (
        held_elsewhere(store, "work"),
        pytest.raises(TimeoutOccurred, match=r"the token of work .*0\.05 s") as late,
        store.lock("work", 0.05),
    ):
        pass
    assert late.value.hint


def renewed(store: TokenStore, key: str) -> str:
    """What a renewal under the lock of a name leaves there."""
    with store.lock(key, PATIENCE):
        store.set(key, TWO)
        return found(store, key)


def found(store: TokenStore, key: str) -> str:
    """The access token of a name, which the repr of a token does not show."""
    token = store.get(key)
    return "nothing" if token is None else token.access_token


@forks
def test_a_child_works_while_a_thread_of_its_parent_holds_a_lock(store: TokenStore) -> None:
    """A forked process reads the name that is held, and renews another."""
    store.set("work", ONE)
    with held_elsewhere(store, "work"):
        assert vault.forked(lambda: f"{found(store, 'work')} {renewed(store, 'home')}") == "one two"
        assert locked(store, "work")


@forks
def test_a_child_gets_a_lock_that_was_held_as_it_was_forked(store: TokenStore) -> None:
    """The thread that held it is not there in the child, so what it lets go in the parent must be enough."""
    with held_elsewhere(store, "work") as let_go, vault.child(lambda: renewed(store, "work")) as (_, reading):
        let_go.set()
        assert vault.came_of(reading) == "two"


@forks
def test_a_child_of_the_holder_does_not_let_its_lock_go(store: TokenStore) -> None:
    """A child that leaves the block in which it was forked does not end the lock of its parent."""
    with ExitStack() as held:
        held.enter_context(store.lock("work", PATIENCE))
        assert vault.forked(held.close) == "None"
        assert locked(store, "work", 0.05)
    assert not locked(store, "work")


@forks
def test_children_that_are_forked_amid_renewals_work(store: TokenStore) -> None:
    """Whatever a thread of the parent was doing at that moment, a child is not held up by it."""
    done = threading.Event()

    def renew() -> None:
        while not done.is_set():
            renewed(store, "work")

    threads = [threading.Thread(target=renew) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        came = [vault.forked(lambda: renewed(store, "home")) for _ in range(15)]
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert came == ["two"] * 15
