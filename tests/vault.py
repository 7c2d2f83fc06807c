"""What the tests of the token store share: a key, all bytes of a folder, processes, forks, full disks."""

import base64
import errno
import faulthandler
import os
import select
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from requests_auth_profiles.errors import StoreKeyError
from requests_auth_profiles.stores import FileStore, KeySource, Token

KEY = bytes(range(32))
KEY_TEXT = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
SECRETS = ("s3cret-access-token", "s3cret-refresh-token", "s3cret-id-token")
TOKEN = Token(
    access_token=SECRETS[0], refresh_token=SECRETS[1], id_token=SECRETS[2], expires_at=2e9, issued_for="f"
)
PATIENCE_SECONDS = 30.0

# For programs in processes of their own: a FileStore with the key above.
PRELUDE = """
import os, sys, time
from pathlib import Path
from requests_auth_profiles.stores import FallbackStore, FileStore, KeySource, Token

def opened(folder):
    return FileStore(Path(folder), KeySource("test", lambda kid: bytes(range(32))))

def ready():
    print("ready", flush=True)
    sys.stdin.readline()
"""


def source(key: bytes = KEY, name: str = "test") -> KeySource:
    """A key that is there already."""
    return KeySource(name, lambda _: key)


def kept(folder: Path, by: KeySource, name: str = "work") -> FileStore:
    """A store of its own, with a token in it."""
    store = FileStore(folder, by)
    store.set(name, TOKEN)
    return store


def refused(folder: Path, by: KeySource, match: str) -> str:
    """See that reading and writing are refused and change nothing, and give the hint."""
    before = all_bytes(folder.parent)
    for use in (lambda store: store.get("work"), lambda store: store.set("work", TOKEN)):
        with pytest.raises(StoreKeyError, match=match) as error:
            use(FileStore(folder, by))
    changed = {path for path, was in all_bytes(folder.parent).items() if before.get(path) != was}
    assert changed <= {folder / "store.lock"}  # no more than that somebody looked
    return error.value.hint


def all_bytes(*folders: Path) -> dict[Path, tuple[Any, ...]]:
    """All that is in these folders and below, to see whether anything changed."""
    found: dict[Path, tuple[Any, ...]] = {}
    for path in (path for folder in folders for path in (folder, *folder.rglob("*"))):
        status = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        modified = 0 if path.is_dir() else status.st_mtime_ns
        found[path] = (status.st_mode, status.st_uid, status.st_ino, modified, content)
    return found


@contextmanager
def processes(scripts: Iterable[str], *arguments: object) -> Iterator[list[subprocess.Popen[str]]]:
    """Python programs that have come to their `ready()`, and end with the block at the latest."""
    command = [sys.executable, "-c"]
    started = [
        subprocess.Popen(
            [*command, PRELUDE + script, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for script in scripts
    ]
    try:
        for process in started:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n", end(process)
        yield started
    finally:
        for process in started:
            process.kill()
            process.communicate()


def end(process: subprocess.Popen[str], timeout: float = 60) -> tuple[str, str]:
    """Let a program go on to its end, and give what it wrote to stdout and stderr."""
    return process.communicate("go\n", timeout=timeout)


def together(scripts: Iterable[str], *arguments: object) -> list[str]:
    """What programs print that are let go at once from their `ready()`; none of them may fail."""
    with processes(scripts, *arguments) as started:
        for process in started:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        ended = [process.communicate(timeout=90) for process in started]
        assert [process.returncode for process in started] == [0] * len(started), ended
    return [stdout.strip() for stdout, _ in ended]


def descriptors() -> set[Path]:
    """What this process has open, on Linux."""
    return set(Path("/proc/self/fd").iterdir())


def disclosed(secrets: Iterable[str | bytes], *folders: Path) -> list[str]:
    """Which files of these folders hold one of the secrets: as it is, or in hexadecimal or base64."""
    forms: set[bytes] = set()
    for secret in secrets:
        raw = secret.encode() if isinstance(secret, str) else secret
        forms |= {raw, raw.hex().encode()}
        for encode in (base64.standard_b64encode, base64.urlsafe_b64encode):
            # Inside a longer text it may begin at any of three places in a group of four digits.
            forms |= {encode(bytes(shift) + raw)[4:-4] for shift in range(3)}
    paths = (path for folder in folders for path in folder.rglob("*"))
    return [str(path) for path in paths if any(form in _shown(path) for form in forms)]


def _shown(path: Path) -> bytes:
    return os.fsencode(path.name) + (path.read_bytes() if path.is_file() else b"")


@contextmanager
def child(work: Callable[[], object]) -> Iterator[tuple[int, int]]:
    """A fork of this process that does some work and ends; its id, and where it writes what came of it.

    What is written is what the work gave, or its exception. The process ends with the block at the latest.
    """
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads: they are the test
        process = os.fork()
    if process == 0:
        try:
            # The tracer of coverage takes a lock, which a thread may hold that is not in this process.
            threading.settrace(None)
            sys.settrace(None)
            os.close(reading)
            # Where it hangs, it tells at which line before we give up on it.
            faulthandler.dump_traceback_later(PATIENCE_SECONDS * 2 / 3, exit=True, file=writing)
            try:
                said = str(work())
            except BaseException as error:  # noqa: BLE001 - the parent is told
                said = repr(error)
            os.write(writing, said.encode())
        finally:
            os._exit(0)
    os.close(writing)
    try:
        yield process, reading
    finally:
        os.close(reading)
        os.kill(process, signal.SIGKILL)  # it is not waited for yet, so the id is still its own
        os.waitpid(process, 0)


def came_of(reading: int) -> str:
    """What a child wrote, or that it did not in time."""
    ready, _, _ = select.select([reading], [], [], PATIENCE_SECONDS)
    return os.read(reading, 65536).decode() if ready else "nothing in time"


def forked(work: Callable[[], object]) -> str:
    """What some work in a fork of this process came to."""
    with child(work) as (_, reading):
        return came_of(reading)


@contextmanager
def little_room(folder: Path, options: str = "size=256k") -> Iterator[bool]:
    """A small file system in this folder, where we may mount one; tells whether it is there."""
    mounted = _mount("-t", "tmpfs", "-o", f"{options},mode=700", "tmpfs", str(folder))
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", str(folder)], check=True)


@contextmanager
def no_room(folder: Path, *, mounted: bool) -> Iterator[None]:
    """Fill a small file system to its last byte and its last file, or else have no file grow at all."""
    import resource

    fillings: list[Path] = []
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    if mounted:
        try:
            while True:
                fillings.append(folder / f"filling-{len(fillings)}")
                fillings[-1].write_bytes(bytes(4096))
        except OSError as error:
            assert error.errno == errno.ENOSPC
    else:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        for path in fillings:
            path.unlink(missing_ok=True)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Have nobody write below a folder, where we may mount it so, and else nobody but root."""
    mounted = _mount("--bind", str(folder), str(folder)) and _mount("-o", "remount,bind,ro", str(folder))
    folders = [] if mounted else [folder, *(path for path in folder.rglob("*") if path.is_dir())]
    try:
        for path in folders:
            path.chmod(0o500)
        yield
    finally:
        for path in folders:
            path.chmod(0o700)
        if mounted:
            subprocess.run(["umount", str(folder)], check=True)


def _mount(*arguments: str) -> bool:
    if sys.platform != "linux" or os.geteuid() != 0:
        return False
    return subprocess.run(["mount", *arguments], check=False, capture_output=True).returncode == 0
