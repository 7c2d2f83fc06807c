"""Who holds a lock: told by the system where it can, so that the person knows which program to end."""

import os
import subprocess
from pathlib import Path

import pytest
import vault

from requests_auth_profiles.errors import TimeoutOccurred
from requests_auth_profiles.stores import FallbackStore, FileStore
from requests_auth_profiles.stores._holder import holder

HOLD = "with opened(sys.argv[1]).lock('work', 10): ready()"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the store is."""
    return tmp_path / "store"


def opened(folder: Path) -> FileStore:
    return FileStore(folder, vault.source())


def late(store: FileStore | FallbackStore) -> TimeoutOccurred:
    """The error of who waited in vain."""
    with pytest.raises(TimeoutOccurred) as caught, store.lock("work", 0.05):
        pass
    return caught.value


@pytest.mark.platform("linux")
@pytest.mark.parametrize("kind", [lambda store: store, FallbackStore], ids=["file", "fallback"])
def test_another_process_is_named(folder: Path, kind: type[FallbackStore]) -> None:
    """The error names the id of the process that has the lock, what it does, and the file."""
    with vault.processes([HOLD], folder) as (process,):
        error = late(kind(opened(folder)))
    said = f"another process (pid {process.pid}) has been renewing the token of work for over 0.05 s"
    assert (error.message, error.holder) == (said, f"another process (pid {process.pid})")
    assert str(folder / "locks/work.lock") in error.hint


@pytest.mark.platform("linux")
def test_each_lock_has_its_own_holder(folder: Path) -> None:
    """Of several processes that renew tokens, the one is named that has the lock in question."""
    with vault.processes([HOLD, HOLD.replace("work", "home")], folder) as started:
        named = [holder(folder / f"locks/{name}.lock") for name in ("work", "home")]
    assert named == [f"another process (pid {process.pid})" for process in started]


@pytest.mark.platform("linux")
def test_another_thread_is_not_taken_for_a_process(folder: Path) -> None:
    """Where the lock is this process's own, nobody is told to end it."""
    with opened(folder).lock("work", 0):
        assert late(opened(folder)).message.startswith("another thread has been renewing")


@pytest.mark.platform("linux", "darwin")
def test_a_lock_that_nobody_holds(tmp_path: Path) -> None:
    """Where the system tells of no holder, or there is no file, no id is made up."""
    (tmp_path / "lock").touch()
    assert [holder(tmp_path / name) for name in ("lock", "nothing")] == ["another process"] * 2


@pytest.mark.platform("linux")
def test_a_lock_of_another_kind(tmp_path: Path) -> None:
    """A lock on a part of the file (fcntl) is not the one that was waited for."""
    import fcntl

    with (tmp_path / "lock").open("w") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        locks = subprocess.run(["cat", "/proc/locks"], capture_output=True, text=True, check=True).stdout
        assert f":{os.fstat(file.fileno()).st_ino} " in locks
        assert holder(tmp_path / "lock") == "another process"
