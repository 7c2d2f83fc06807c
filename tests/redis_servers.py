"""A Redis server of the test's own: a password, a free port of the loopback, its data in a folder."""

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import vault
from counterparts import program

from requests_auth_profiles.stores import KeySource, RedisStore

PASSWORD = "s3cret/of the server"
PATIENCE_SECONDS = 30

# For programs in processes of their own, after the prelude of vault.py: a RedisStore with the key there.
PRELUDE = """
from requests_auth_profiles.stores import RedisStore
def opened(url):
    return RedisStore(url, KeySource("test", lambda kid: bytes(range(32))))
"""


class RedisServer:
    """A server that can be killed and started again.

    Args:
        folder: where its data is.
        tls: whether it speaks TLS.
        options: as on its command line, without the two dashes.

    Attributes:
        port: where it listens; the same after it was started again.
    """

    def __init__(self, folder: Path, *, tls: bool = False, **options: str) -> None:
        self._program = program("redis-server")
        self._folder = folder
        self._tls = tls
        self._options = options
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, prefix: str = "requests-auth", *, scheme: str = "redis", more: str = "") -> str:
        """Its URL, with the password."""
        return f"{scheme}://:{quote(PASSWORD, safe='')}@127.0.0.1:{self.port}/0?prefix={prefix}{more}"

    def store(self, prefix: str = "requests-auth", source: KeySource | None = None, **how: Any) -> RedisStore:
        """A store on it."""
        return RedisStore(self.url(prefix), source or vault.source(), **how)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        said = {
            **({"tls-port": str(self.port), "port": "0"} if self._tls else {"port": str(self.port)}),
            "bind": "127.0.0.1",
            "dir": str(self._folder),
            "requirepass": PASSWORD,
            "save": "",
            "appendonly": "no",
            **self._options,
        }
        command = [word for name, value in said.items() for word in (f"--{name}", value)]
        log = (self._folder / "log").open("ab")
        with log:
            self._process = subprocess.Popen([self._program, *command], stdout=log, stderr=log)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while b"eady to accept connections" not in (self._folder / "log").read_bytes():
            assert self._process.poll() is None, (self._folder / "log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def kill(self) -> None:
        """End it at once, as a crash does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        (self._folder / "log").unlink(missing_ok=True)

    def signal(self, number: int) -> None:
        """Send it a signal."""
        assert self._process is not None
        os.kill(self._process.pid, number)

    def client(self) -> Any:
        """A client of its own, to look at what is there and to change it."""
        from redis import Redis

        return Redis("127.0.0.1", self.port, password=PASSWORD)

    def everything(self) -> dict[bytes, object]:
        """All that is on it, by key."""
        with self.client() as client:
            read: dict[bytes, Callable[[bytes], object]] = {
                b"string": client.get,
                b"list": lambda key: client.lrange(key, 0, -1),
                b"hash": client.hgetall,
            }
            return {key: read[client.type(key)](key) for key in client.scan_iter()}


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def running(folder: Path, *, tls: bool = False, **options: str) -> Iterator[RedisServer]:
    """A server for as long as the block lasts."""
    server = RedisServer(folder, tls=tls, **options)
    try:
        server.start()
        yield server
    finally:
        server.kill()
