"""Whoever waits for a token that another has is told for whom, and for how long yet."""

import logging
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import vault
from sources import LIFETIME, NAME, Clock, asked, clock, server, source, store
from terminal import Terminal

from requests_auth_profiles._turn import Turns
from requests_auth_profiles.errors import TimeoutOccurred
from requests_auth_profiles.stores import FallbackStore, FileStore, MemoryStore, TokenStore
from requests_auth_profiles.testing import AuthorizationServer, Client

__all__ = ["clock", "server", "store"]

HOLD = "with opened(sys.argv[1]).lock('work', 10): ready()"
PATIENCE = 60
SOMEBODY = "another process"
PROFILE = """
[profiles.work]
flow = "client-credentials"
issuer = "{issuer}"
client_id = "nightly"
client_secret = "s3cret"
"""


class Notes:
    """An attendant who notes what a person is shown, and acts at the first of it."""

    def __init__(self, act: Callable[[], object] = lambda: None) -> None:
        self.shown: list[tuple[str, float]] = []
        self.ended = 0
        self._act = act

    def waiting(self, seconds_left: float, what: str = "") -> None:
        self.shown.append((what, seconds_left))
        if len(self.shown) == 1:
            self._act()

    def done(self) -> None:
        self.ended += 1


class Anonymous(MemoryStore):
    """A store that somebody wrote, whose error does not tell who holds a lock."""

    def lock(self, key: str, timeout_seconds: float) -> AbstractContextManager[None]:
        if timeout_seconds:
            threading.Event().wait(timeout_seconds)
        raise TimeoutOccurred("no", hint="ask the others")


def turns(store: TokenStore, patience_seconds: float, attendant: Notes | None = None) -> Turns:
    return Turns(store, NAME, "work-okta", patience_seconds, attendant)  # type: ignore[arg-type]


def late(turns: Turns, *, signing_in: bool = False) -> TimeoutOccurred:
    with pytest.raises(TimeoutOccurred) as caught, turns.next(signing_in=signing_in):
        pass
    return caught.value


@pytest.mark.platform("linux")
@pytest.mark.parametrize("kind", [lambda store: store, FallbackStore], ids=["file", "fallback"])
class TestAnotherProcess:
    """A process that has the token is named by its id, what it does, and the time left."""

    @pytest.mark.parametrize(
        ("signing_in", "does", "level"),
        [
            (True, "signing in to work-okta", logging.WARNING),
            (False, "renewing the token of work-okta", logging.INFO),
        ],
    )
    def test_that_lets_it_go(
        self,
        tmp_path: Path,
        kind: type[FallbackStore],
        caplog: pytest.LogCaptureFixture,
        signing_in: bool,
        does: str,
        level: int,
    ) -> None:
        """The person is told each second until it is their turn, and the log once."""
        caplog.set_level(logging.INFO)
        with vault.processes([HOLD], tmp_path / "store") as (process,):
            notes = Notes(process.kill)
            store = kind(FileStore(tmp_path / "store", vault.source()))
            with turns(store, 50, notes).next(signing_in=signing_in) as waited:
                assert waited
            told = f"another process (pid {process.pid}) is {does}"
        what, left = notes.shown[0]
        assert (what, notes.ended) == (told, 1)
        assert 0 < left <= 49
        assert [(record.levelno, record.getMessage()) for record in caplog.records] == [
            (level, f"{told}, {left:.0f} s left")
        ]

    def test_that_hangs(self, tmp_path: Path, kind: type[FallbackStore]) -> None:
        """At the deadline the error names its id, and the file of its lock; it keeps the lock."""
        with vault.processes([HOLD], tmp_path / "store") as (process,):
            os.kill(process.pid, signal.SIGSTOP)
            notes = Notes()
            store = kind(FileStore(tmp_path / "store", vault.source()))
            error = late(turns(store, 1.5, notes), signing_in=True)
            who = f"another process (pid {process.pid})"
            assert error.message == (
                f"{who} has kept the token of work-okta for over 1.5 s, perhaps signing in to work-okta"
            )
            assert str(tmp_path / "store/locks/work.lock") in error.hint
            assert error.holder == who
            assert (len(notes.shown), notes.ended) == (1, 1)
            assert process.poll() is None


def test_another_thread(caplog: pytest.LogCaptureFixture) -> None:
    """One of this process's own threads is not taken for a process."""
    store = MemoryStore()
    caplog.set_level(logging.INFO)
    with store.lock(NAME, 0):
        error = late(turns(store, 1.2))
    assert error.message.startswith("another thread has kept the token of work-okta for over 1.2 s")
    assert caplog.messages == ["another thread is renewing the token of work-okta, 0 s left"]


def test_a_store_that_does_not_tell() -> None:
    """Where nobody knows who it is, it is another process; the store's own hint stays."""
    error = late(turns(Anonymous(), 0.1))
    assert error.message.startswith(f"{SOMEBODY} has kept the token of work-okta for over 0.1 s")
    assert (error.holder, error.hint) == ("", "ask the others")


def test_a_moment_is_nothing_to_tell(caplog: pytest.LogCaptureFixture) -> None:
    """Who gets the token within it is told nothing, and so is the log."""
    caplog.set_level(logging.DEBUG)
    notes, store, begun = Notes(), MemoryStore(), threading.Event()

    def take() -> bool:
        begun.set()
        with turns(store, PATIENCE, notes).next(signing_in=True) as waited:
            return waited

    with ThreadPoolExecutor(1) as pool:
        with store.lock(NAME, 0):
            taken = pool.submit(take)
            assert begun.wait(PATIENCE)
        assert taken.result(PATIENCE) is False
    assert (notes.shown, notes.ended, caplog.messages) == ([], 0, [])


def test_at_once() -> None:
    """Who does not want to wait is told whether it is their turn."""
    store = MemoryStore()
    mine = turns(store, PATIENCE)
    with mine.at_once() as first, turns(store, PATIENCE).at_once() as second:
        assert (first, second) == (True, False)
    with mine.at_once() as again:
        assert again


def test_what_a_refusal_says(server: AuthorizationServer, store: TokenStore, clock: Clock) -> None:
    """Where the token can be renewed without a person, another is taken to do just that."""
    said = []
    for _ in range(2):
        work = source(server.issuer, store, clock, patience_seconds=0)
        with store.lock(NAME, 1), pytest.raises(TimeoutOccurred) as caught:
            work.token()
        said.append(caught.value.message.rpartition("perhaps ")[2])
        work.token()
        clock.now += LIFETIME
    assert said == ["signing in to work", "renewing the token of work"]
    assert asked(server) == ["code", "refresh"]


@pytest.mark.platform("linux")
def test_at_the_terminal(home: Path) -> None:
    """A person who waits sees for whom, in a line that goes away, and then gets the token."""
    profiles = home / ".config/requests-auth/profiles.toml"
    profiles.parent.mkdir(parents=True)
    with AuthorizationServer() as server:
        server.clients["nightly"] = Client(secret="s3cret")
        profiles.write_text(PROFILE.format(issuer=server.issuer))
        profiles.chmod(0o600)
        with vault.processes([HOLD], home / ".local/state/requests-auth") as (process,):
            terminal = Terminal("token", "work")
            terminal.answer(f"another process (pid {process.pid}) is renewing the token of work, ", "")
        assert terminal.end() == 0
    assert " min left" in terminal.seen
    assert terminal.seen.split()[-1] in server._ledger._access_tokens
