"""The contract of a token store: each kind gives, keeps, forgets and locks names in the same way."""

import copy
import pickle
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import vault
from hypothesis import given, settings
from hypothesis import strategies as st
from test_token import TOKENS

from requests_auth_profiles._token import Token
from requests_auth_profiles.errors import TimeoutOccurred
from requests_auth_profiles.stores import FallbackStore, FileStore, MemoryStore, TokenStore

PATIENCE = vault.PATIENCE_SECONDS
NO_PLACE = Path("/proc/nowhere/store")  # no folder can be made there, even by root
KINDS: dict[str, Callable[[Path], TokenStore]] = {
    "memory": lambda _: MemoryStore(),
    "file": lambda folder: FileStore(folder / "store", vault.source()),
    "fallback": lambda folder: FallbackStore(FileStore(folder / "store", vault.source())),
    "fallback without its store": lambda _: FallbackStore(FileStore(NO_PLACE, vault.source())),
}
ONE, TWO = Token(access_token="one"), Token(access_token="two")

kinds = pytest.mark.parametrize("kind", KINDS)
forks = pytest.mark.platform("linux", "darwin")


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> TokenStore:
    """A store of each kind, empty."""
    return KINDS[request.param](tmp_path)


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


def test_an_unknown_name_has_no_token(store: TokenStore) -> None:
    """Nothing is there before it is kept, and to forget it is no error."""
    store.delete("work")
    assert (store.get("work"), store.keys()) == (None, [])


def test_the_last_token_counts(store: TokenStore) -> None:
    """A token takes the place of the one before."""
    store.set("work", ONE)
    store.set("work", TWO)
    assert (store.get("work"), store.keys()) == (TWO, ["work"])


def test_names_do_not_share_a_token(store: TokenStore) -> None:
    """What is kept or forgotten under one name leaves the others as they are."""
    store.set("work", ONE)
    store.set("work.json", TWO)
    store.delete("work")
    assert (store.get("work"), store.get("work.json"), store.keys()) == (None, TWO, ["work.json"])


@pytest.mark.parametrize("way", [pickle.dumps, copy.copy, copy.deepcopy])
def test_it_is_not_pickled(store: TokenStore, way: Callable[[TokenStore], object]) -> None:
    """No token and no key goes through a pipe or into a cache in the clear."""
    store.set("work", ONE)
    with pytest.raises(TypeError, match="not pickled or copied"):
        way(store)


def test_its_variables_show_no_secret(store: TokenStore) -> None:
    """What a debugger lists of a store has neither its key nor a token in it."""
    store.set("work", Token(access_token=vault.SECRETS[0]))
    assert store.get("work") is not None
    shown = repr(vars(store))
    assert repr(vault.KEY) not in shown
    assert vault.SECRETS[0] not in shown


def test_a_forgotten_name_can_be_kept_again(store: TokenStore) -> None:
    """A sign-out does not stand in the way of the next sign-in."""
    store.set("work", ONE)
    store.delete("work")
    store.set("work", TWO)
    assert store.get("work") == TWO


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
def test_it_is_a_table_of_names(kind: str, steps: list[tuple[str, Token | None]]) -> None:
    """Whatever is kept and forgotten, what is found is what a dict without regard to case would hold."""
    table: dict[str, Token] = {}
    with tempfile.TemporaryDirectory() as folder:
        store = KINDS[kind](Path(folder))
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
def test_any_name_can_be_kept(kind: str, name: str) -> None:
    """No name, whatever is in it, is mistaken for another, a path, or something that is no name."""
    with tempfile.TemporaryDirectory() as folder:
        store = KINDS[kind](Path(folder))
        with store.lock(name, PATIENCE):
            store.set(name, ONE)
        assert (store.get(name), store.keys()) == (ONE, [name.casefold()])


@pytest.mark.parametrize("other", ["WORK-Okta", "work-okta", "Work-OKTA"])
def test_names_are_the_same_without_regard_to_case(store: TokenStore, other: str) -> None:
    """A name is found, forgotten and listed as one, however it is written."""
    store.set("Work-Okta", ONE)
    assert (store.get(other), store.keys()) == (ONE, ["work-okta"])
    store.delete(other)
    assert store.get("Work-Okta") is None


def test_a_lock_keeps_others_out(store: TokenStore) -> None:
    """While one thread holds a name, another does not get it, however it writes it."""
    with held_elsewhere(store, "work"):
        assert [locked(store, "work"), locked(store, "WORK", 0.05)] == [True, True]
    assert not locked(store, "work")


def test_each_name_has_a_lock_of_its_own(store: TokenStore) -> None:
    """Who signs in to one profile holds up no other."""
    with held_elsewhere(store, "work"):
        assert not locked(store, "home")


def test_reading_takes_no_lock(store: TokenStore) -> None:
    """A token can be used and listed while somebody renews it."""
    store.set("work", ONE)
    with held_elsewhere(store, "work"):
        assert (store.get("work"), store.keys()) == (ONE, ["work"])


def test_a_lock_that_is_let_go_goes_to_who_waits(store: TokenStore) -> None:
    """Who waits for a name gets it as soon as it is free, well before the time is up."""
    with held_elsewhere(store, "work") as let_go:
        timer = threading.Timer(0.1, let_go.set)
        timer.start()
        assert not locked(store, "work", PATIENCE)


def test_a_lock_ends_with_an_error(store: TokenStore) -> None:
    """A renewal that fails lets the name go, and its error through."""
    with pytest.raises(ZeroDivisionError), store.lock("work", PATIENCE):
        raise ZeroDivisionError
    assert not locked(store, "work")


def test_a_lock_that_is_not_had_in_time_says_whose_it_is(store: TokenStore) -> None:
    """The error names the profile and how long was waited, and says what to do."""
    with (
        held_elsewhere(store, "work"),
        pytest.raises(TimeoutOccurred, match=r"the token of work .*0\.05 s") as late,
        store.lock("work", 0.05),
    ):
        pass
    assert late.value.hint


def test_a_timeout_leaves_the_lock_with_its_holder(store: TokenStore) -> None:
    """Who gave up waiting does not free what another still holds."""
    with held_elsewhere(store, "work"):
        locked(store, "work", 0.05)
        assert locked(store, "work")


def test_threads_take_turns(store: TokenStore) -> None:
    """Nothing that several threads do under the lock of a name happens at the same time."""
    inside, most = 0, []
    start = threading.Barrier(6)

    def work() -> None:
        nonlocal inside
        start.wait(PATIENCE)
        for _ in range(3):
            with store.lock("work", PATIENCE):
                inside += 1
                most.append(inside)
                time.sleep(0.001)
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 18


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
