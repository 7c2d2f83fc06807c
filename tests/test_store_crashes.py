"""Processes that are killed while they use the store: what they leave is whole, and nobody waits for them."""

import os
import random
import signal
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
import vault
from vault import TOKEN, source

from requests_auth_profiles._token import Token
from requests_auth_profiles.errors import TimeoutOccurred
from requests_auth_profiles.stores import FileStore, KeySource
from requests_auth_profiles.stores.keys import key_files

pytestmark = pytest.mark.platform("linux", "darwin")

HOUR = 3600.0
BYSTANDERS = [f"bystander-{number}" for number in range(8)]
WRITTEN = ["work", "home", "partner"]
KILLS = int(os.environ.get("REQUESTS_AUTH_TESTS_KILLS", "200"))
"""How many writers are killed: `REQUESTS_AUTH_TESTS_KILLS=1000 pytest tests/test_store_crashes.py`."""


def opened(folder: Path, by: KeySource | None = None, *, later: float = 0) -> FileStore:
    """The store as a process sees it that has just begun."""
    return FileStore(folder, by or source(), now=lambda: time.time() + later)


def tokens(folder: Path, names: list[str]) -> dict[str, Token | None]:
    """What a new process finds under these names."""
    return {name: opened(folder).get(name) for name in names}


def long(number: int) -> Token:
    """A token of the size that providers give, so that a write takes its time."""
    return Token(
        access_token=f"{number} " + "s3cret-access-token" * 200, refresh_token="s3cret-refresh-token"
    )


def write_for_ever(folder: Path, started: Callable[[], object]) -> None:
    """Renew tokens, one name after the other, and tell of the first."""
    store = opened(folder)
    for number in range(1_000_000):
        name = WRITTEN[number % len(WRITTEN)]
        with store.lock(name, vault.PATIENCE_SECONDS):
            store.set(name, long(number))
        if number == 0:
            started()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the store is, with tokens that nobody writes and some that are written."""
    path = tmp_path / "store"
    for name in BYSTANDERS + WRITTEN:
        opened(path).set(name, TOKEN)
    return path


@pytest.mark.parametrize("writers", [1, 8])
def test_writers_that_are_killed_leave_whole_documents(
    folder: Path, caplog: pytest.LogCaptureFixture, writers: int
) -> None:
    """After kills at any moment, every document can be read, and those of others are untouched."""
    chance = random.Random(20_26)
    before = {name: (folder / f"tokens/{name}.json").read_bytes() for name in BYSTANDERS}
    for _ in range(KILLS // writers):
        with ExitStack() as running:
            for _ in range(writers):
                started, starts = os.pipe()
                tell = lambda starts=starts: os.write(starts, b"x")  # noqa: E731 - it is handed on
                running.enter_context(vault.child(lambda tell=tell: write_for_ever(folder, tell)))
                os.close(starts)
                assert os.read(started, 1) == b"x"
                os.close(started)
            time.sleep(chance.uniform(0, 0.012))
        assert None not in tokens(folder, WRITTEN).values()
    assert tokens(folder, BYSTANDERS) == dict.fromkeys(BYSTANDERS, TOKEN)
    assert {name: (folder / f"tokens/{name}.json").read_bytes() for name in BYSTANDERS} == before
    assert (list(folder.rglob("*corrupt*")), caplog.records) == ([], [])
    assert list(folder.rglob("*.tmp"))  # or no writer was killed amid a write


def test_what_killed_writers_leave_is_sealed_and_swept(folder: Path) -> None:
    """Their temporary files show no token, and go with the first write an hour later."""
    for _ in range(30):
        killed_at("os.rename", lambda: opened(folder).set("work", TOKEN))
    left = list(folder.rglob("*.tmp"))
    assert len(left) == 30
    assert vault.disclosed(vault.SECRETS, folder) == []
    opened(folder, later=HOUR + 60).set("home", TOKEN)
    assert list(folder.rglob("*.tmp")) == []


def killed_at(moment: str | int, work: Callable[[], object]) -> bool:
    """Have a child do some work, and killed before an operation: its name, or which one; whether it was."""

    def killed() -> None:
        seen = 0

        def note(event: str, _: tuple[object, ...]) -> None:
            nonlocal seen
            if event == "open" or event.startswith(("os.", "fcntl.")):
                seen += 1
                if moment in {event, seen}:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(note)
        work()

    with vault.child(killed) as (_, reading):
        came = vault.came_of(reading)
    assert came in {"", "None"}, came
    return came == ""


def killed_everywhere(
    work: Callable[[], object], check: Callable[[], None], prepare: Callable[[], object]
) -> int:
    """Have some work killed before each operation on a file in turn; how many times that was."""
    for moment in range(1, 500):
        prepare()
        was_killed = killed_at(moment, work)
        check()
        if not was_killed:
            return moment - 1
    raise AssertionError("the work does not come to its end")


def test_a_renewal_that_is_killed_anywhere_leaves_the_old_or_the_new_token(folder: Path) -> None:
    """There is no operation after which a profile is without its token, or another one has changed."""
    new = Token(access_token="new")
    found = set()

    def renew() -> None:
        store = opened(folder)
        with store.lock("work", vault.PATIENCE_SECONDS):
            store.set("work", new)

    def check() -> None:
        found.add(opened(folder).get("work"))
        assert tokens(folder, BYSTANDERS[:2]) == dict.fromkeys(BYSTANDERS[:2], TOKEN)
        assert opened(folder).lock("work", vault.PATIENCE_SECONDS).__enter__() is None

    kills = killed_everywhere(renew, check, lambda: opened(folder).set("work", TOKEN))
    assert kills > 5
    assert found == {TOKEN, new}


def test_a_first_write_that_is_killed_anywhere_can_be_tried_again(tmp_path: Path) -> None:
    """Wherever the making of folders, key, record and document ends, the next process makes the rest."""
    number = 0

    def place() -> tuple[Path, KeySource]:
        return tmp_path / f"store-{number}", key_files(tmp_path / f"keys-{number}")

    def another() -> None:
        nonlocal number
        number += 1

    def check() -> None:
        assert opened(*place()).get("work") in {None, TOKEN}
        opened(*place()).set("home", TOKEN)
        assert opened(*place()).get("home") == TOKEN
        assert opened(*place()).get("work") in {None, TOKEN}

    assert killed_everywhere(lambda: opened(*place()).set("work", TOKEN), check, another) > 10


def test_a_damaged_document_that_is_being_replaced_stays_or_is_replaced(folder: Path) -> None:
    """Wherever that ends, the damaged bytes are still there, and the next write brings a token."""
    path = folder / "tokens/work.json"

    def damage() -> None:
        for name in (folder / "tokens").glob("work.json*"):
            name.unlink()
        path.write_bytes(b"damaged")
        path.chmod(0o600)

    def check() -> None:
        held = {name.read_bytes() for name in (folder / "tokens").glob("work.json*")}
        assert b"damaged" in held
        assert opened(folder).get("work") in {None, TOKEN}
        opened(folder).set("work", TOKEN)
        assert opened(folder).get("work") == TOKEN

    assert killed_everywhere(lambda: opened(folder).set("work", TOKEN), check, damage) > 5


def test_a_clear_that_is_killed_anywhere_can_be_done_again(tmp_path: Path) -> None:
    """What is left of the tokens can be read with the key that is there, or cleared."""
    folder, by = tmp_path / "store", key_files(tmp_path / "keys")

    def fill() -> None:
        for name in ("work", "home"):
            opened(folder, by).set(name, TOKEN)

    def check() -> None:
        assert {opened(folder, by).get(name) for name in ("work", "home")} <= {None, TOKEN}
        opened(folder, by).set("partner", TOKEN)
        opened(folder, by).clear()
        assert opened(folder, by).keys() == []

    assert killed_everywhere(lambda: opened(folder, by).clear(), check, fill) > 3


AT_FIRST_USE = """
import threading, vault
folder = Path(sys.argv[1])

def renewed(name):
    with opened(folder).lock(name, 10):
        opened(folder).set(name, Token(access_token=name))
    return opened(folder).get(name).access_token

ready()
thread = threading.Thread(target=renewed, args=("work",))
thread.start()
said = {vault.forked(lambda: renewed("home")) for _ in range(10)}
thread.join()
print(said)
"""


def test_children_forked_as_a_thread_uses_the_store_for_the_first_time_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fork while another thread imports what the store needs does not keep the child from importing it."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
    assert vault.together([AT_FIRST_USE] * 2, tmp_path / "store") == ["{'home'}"] * 2


class TestLockHolders:
    """Who dies holding a lock holds up nobody; who hangs is named."""

    HOLD = "store = opened(sys.argv[1])\nwith store.lock('work', 10):\n    {}ready()\n"

    def test_a_killed_holder(self, folder: Path) -> None:
        """The lock of a process that was killed is free."""
        with vault.processes([self.HOLD.format("")], folder) as (holder,):
            assert is_locked(folder)
            holder.kill()
            with opened(folder).lock("work", vault.PATIENCE_SECONDS):
                assert holder.wait() == -signal.SIGKILL

    def test_a_killed_holder_that_waiters_queue_behind(self, folder: Path) -> None:
        """All who wait get their turn after it was killed."""
        wait = "ready()\nwith opened(sys.argv[1]).lock('work', 60):\n    print('in turn')"
        with (
            vault.processes([self.HOLD.format("")], folder) as (holder,),
            vault.processes([wait] * 3, folder) as waiters,
        ):
            for waiter in waiters:
                assert waiter.stdin is not None
                waiter.stdin.write("go\n")
                waiter.stdin.flush()
            holder.kill()
            said = [waiter.communicate(timeout=vault.PATIENCE_SECONDS)[0] for waiter in waiters]
        assert said == ["in turn\n"] * 3

    @pytest.mark.parametrize(
        "leave",
        [
            "import subprocess; other = subprocess.Popen(['sleep', '60'], stdout=subprocess.DEVNULL).pid",
            "other = os.fork()\n    if other == 0: os.close(1); time.sleep(60); os._exit(0)",
        ],
        ids=["program", "fork"],
    )
    def test_a_killed_holder_that_left_a_child(self, folder: Path, leave: str) -> None:
        """A browser or a worker that it started does not keep the lock for it."""
        script = self.HOLD.format(f"{leave}\n    Path(sys.argv[2]).write_text(str(other))\n    ")
        note = folder.parent / "pid"
        with vault.processes([script], folder, note) as (holder,):
            try:
                assert is_locked(folder)
                holder.kill()
                holder.wait()
                with opened(folder).lock("work", vault.PATIENCE_SECONDS):
                    os.kill(int(note.read_text()), 0)  # it is still there
            finally:
                with suppress(ProcessLookupError):
                    os.kill(int(note.read_text()), signal.SIGKILL)

    def test_a_holder_that_hangs(self, folder: Path) -> None:
        """Who waits for a process that was stopped is told at the deadline which file it holds."""
        with vault.processes([self.HOLD.format("")], folder) as (holder,):
            holder.send_signal(signal.SIGSTOP)
            with pytest.raises(TimeoutOccurred, match="the token of work") as late:
                opened(folder).lock("work", 0.2).__enter__()
        assert str(folder / "locks/work.lock") in late.value.hint

    def test_a_killed_holder_of_the_first_key(self, tmp_path: Path) -> None:
        """A process that died choosing the store's key leaves the choice to the next."""
        asked = tmp_path / "asked"
        script = (
            "def slow(kid):\n    Path(sys.argv[2]).touch(); time.sleep(60)\n"
            "store = FileStore(Path(sys.argv[1]), KeySource('test', slow))\n"
            "ready(); store.set('work', Token(access_token='a'))"
        )
        with vault.processes([script], tmp_path / "store", asked) as (holder,):
            assert holder.stdin is not None
            holder.stdin.write("go\n")
            holder.stdin.flush()
            deadline = time.monotonic() + vault.PATIENCE_SECONDS
            while not asked.exists():
                assert time.monotonic() < deadline
                time.sleep(0.01)
            holder.kill()
            opened(tmp_path / "store").set("work", TOKEN)
        assert opened(tmp_path / "store").get("work") == TOKEN


def is_locked(folder: Path) -> bool:
    """Whether another process holds the lock of the profile."""
    try:
        with opened(folder).lock("work", 0):
            return False
    except TimeoutOccurred:
        return True
