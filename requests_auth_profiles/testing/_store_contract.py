"""StoreContract: what every token store must do, as tests for pytest."""

import copy
import pickle
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from requests_auth_profiles.errors import TimeoutOccurred
from requests_auth_profiles.stores import Token, TokenStore

__all__ = ["StoreContract"]

_PATIENCE_SECONDS = 30.0
_ONE = Token(access_token="one", refresh_token="refresh-one", expires_at=2e9, scope="a b", issued_for="f")
_TWO = Token(access_token="two")


class StoreContract:
    """What every token store must do; subclass it, and write the fixture `store`.

    A store that processes share has `another` too: the same one, as another process opens it.
    """

    @pytest.fixture
    def store(self) -> TokenStore:
        """The store, empty, for one test."""
        raise NotImplementedError("write a fixture `store` that gives the store to test")

    @pytest.fixture
    def another(self, store: TokenStore) -> TokenStore:
        """The same store, as another process opens it; where there is no such thing, the store itself."""
        return store

    def test_an_unknown_name_has_no_token(self, store: TokenStore) -> None:
        """Nothing is there before it is kept, and to forget it is no error."""
        store.delete("work")
        assert (store.get("work"), store.keys()) == (None, [])

    def test_the_last_token_counts(self, store: TokenStore, another: TokenStore) -> None:
        """A token takes the place of the one before, whole, and for everybody."""
        store.set("work", _TWO)
        store.set("work", _ONE)
        assert [each.get("work") for each in (store, another)] == [_ONE, _ONE]
        another.set("work", _TWO)
        assert (store.get("work"), store.keys()) == (_TWO, ["work"])

    def test_names_do_not_share_a_token(self, store: TokenStore, another: TokenStore) -> None:
        """What is kept or forgotten under one name leaves the others as they are."""
        store.set("work", _ONE)
        store.set("work.json", _TWO)
        another.delete("work")
        assert (store.get("work"), store.get("work.json"), store.keys()) == (None, _TWO, ["work.json"])

    def test_a_forgotten_name_can_be_kept_again(self, store: TokenStore, another: TokenStore) -> None:
        """A sign-out does not stand in the way of the next sign-in."""
        store.set("work", _ONE)
        store.delete("work")
        store.set("work", _TWO)
        assert another.get("work") == _TWO

    @pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\\b", "C:", "a:b", "*", "%41", "ß", "x" * 64])
    def test_any_name_can_be_kept(self, store: TokenStore, another: TokenStore, name: str) -> None:
        """No name is mistaken for another, a path, a pattern, or something that is no name."""
        store.set("work", _ONE)
        with store.lock(name, _PATIENCE_SECONDS):
            store.set(name, _TWO)
        assert (another.get(name), another.get("work")) == (_TWO, _ONE)
        assert another.keys() == sorted([name.casefold(), "work"])

    @pytest.mark.parametrize("other", ["WORK-Okta", "work-okta", "Work-OKTA"])
    def test_names_are_the_same_without_regard_to_case(self, store: TokenStore, other: str) -> None:
        """A name is found, forgotten and listed as one, however it is written."""
        store.set("Work-Okta", _ONE)
        assert (store.get(other), store.keys()) == (_ONE, ["work-okta"])
        store.delete(other)
        assert store.get("Work-Okta") is None

    @pytest.mark.parametrize("way", [pickle.dumps, copy.copy, copy.deepcopy])
    def test_it_is_not_pickled(self, store: TokenStore, way: Callable[[TokenStore], object]) -> None:
        """No token and no key goes through a pipe or into a cache in the clear."""
        store.set("work", _ONE)
        with pytest.raises(TypeError):
            way(store)

    def test_its_variables_show_no_token(self, store: TokenStore) -> None:
        """What a debugger lists of a store has no token in it."""
        token = Token(access_token="access-of-the-contract", refresh_token="refresh-of-the-contract")
        store.set("work", token)
        assert store.get("work") == token
        assert "of-the-contract" not in f"{store!r} {vars(store)!r}"

    def test_a_lock_keeps_others_out(self, store: TokenStore, another: TokenStore) -> None:
        """While one thread holds a name, nobody else gets it, however they write it."""
        with _held_elsewhere(store, "work"):
            assert [_locked(store, "work"), _locked(store, "WORK", 0.05)] == [True, True]
            assert _locked(another, "work", 0.05)
        assert [_locked(store, "work"), _locked(another, "work")] == [False, False]

    def test_each_name_has_a_lock_of_its_own(self, store: TokenStore, another: TokenStore) -> None:
        """Who signs in to one profile holds up no other."""
        with _held_elsewhere(store, "work"):
            assert [_locked(store, "home"), _locked(another, "home")] == [False, False]

    def test_reading_takes_no_lock(self, store: TokenStore, another: TokenStore) -> None:
        """A token can be used and listed while somebody renews it."""
        store.set("work", _ONE)
        with _held_elsewhere(store, "work"):
            for each in (store, another):
                assert (each.get("work"), each.keys()) == (_ONE, ["work"])

    def test_all_is_done_under_a_lock_too(self, store: TokenStore, another: TokenStore) -> None:
        """Who holds a name can keep, keep again, and forget its token, and others see it at once."""
        with store.lock("work", _PATIENCE_SECONDS):
            seen = []
            for token in (_ONE, _TWO):
                store.set("work", token)
                seen.append(another.get("work"))
            store.delete("work")
            seen.append(another.get("work"))
            store.set("work", _ONE)
        assert [*seen, another.get("work")] == [_ONE, _TWO, None, _ONE]

    def test_a_lock_that_is_let_go_goes_to_who_waits(self, store: TokenStore, another: TokenStore) -> None:
        """Who waits for a name gets it as soon as it is free, well before the time is up."""
        with _held_elsewhere(store, "work") as let_go:
            timer = threading.Timer(0.1, let_go.set)
            timer.start()
            assert not _locked(another, "work", _PATIENCE_SECONDS)
            timer.join()

    def test_a_lock_ends_with_an_error(self, store: TokenStore, another: TokenStore) -> None:
        """A renewal that fails lets the name go, and its error through."""
        with pytest.raises(ZeroDivisionError), store.lock("work", _PATIENCE_SECONDS):
            raise ZeroDivisionError
        assert [_locked(store, "work"), _locked(another, "work")] == [False, False]

    def test_a_lock_that_is_not_had_in_time_says_whose_it_is(self, store: TokenStore) -> None:
        """The error names the profile, and says what to do."""
        with (
            _held_elsewhere(store, "work"),
            pytest.raises(TimeoutOccurred, match="work") as late,
            store.lock("work", 0.05),
        ):
            pass
        assert late.value.hint

    def test_a_timeout_leaves_the_lock_with_its_holder(self, store: TokenStore, another: TokenStore) -> None:
        """Who gave up waiting does not free what another still holds."""
        with _held_elsewhere(store, "work"):
            _locked(another, "work", 0.05)
            assert _locked(store, "work")

    def test_threads_take_turns(self, store: TokenStore, another: TokenStore) -> None:
        """Nothing that several threads do under the lock of a name happens at the same time."""
        inside, most = 0, []
        start = threading.Barrier(6)

        def work(number: int) -> None:
            nonlocal inside
            start.wait(_PATIENCE_SECONDS)
            for _ in range(3):
                with (store, another)[number % 2].lock("work", _PATIENCE_SECONDS):
                    inside += 1
                    most.append(inside)
                    time.sleep(0.001)
                    inside -= 1

        threads = [threading.Thread(target=work, args=[number]) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert most == [1] * 18


@contextmanager
def _held_elsewhere(store: TokenStore, key: str) -> Iterator[threading.Event]:
    """Another thread holds the lock of a name until the event is set, or the block ends."""
    held, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        with store.lock(key, _PATIENCE_SECONDS):
            held.set()
            let_go.wait(_PATIENCE_SECONDS)

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert held.wait(_PATIENCE_SECONDS)
        yield let_go
    finally:
        let_go.set()
        thread.join()


def _locked(store: TokenStore, key: str, timeout_seconds: float = 0) -> bool:
    """Whether somebody holds the lock of a name."""
    try:
        with store.lock(key, timeout_seconds):
            return False
    except TimeoutOccurred:
        return True
