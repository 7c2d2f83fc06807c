"""What the tests of the token store share: a key, all bytes of a folder, processes that start at once."""

import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from requests_auth_profiles.stores import KeySource

KEY = bytes(range(32))
KEY_TEXT = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
SECRETS = ("s3cret-access-token", "s3cret-refresh-token", "s3cret-id-token")

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
