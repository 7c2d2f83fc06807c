"""A lock on a Redis or Valkey server, for all threads, processes and machines."""

import os
import re
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from requests_auth_profiles.errors import StoreError, TimeoutOccurred
from requests_auth_profiles.stores._server import Server

if TYPE_CHECKING:
    from redis import Redis
    from redis.lock import Lock

__all__ = ["held"]

_POLL_SECONDS = 0.05
_LEASE_SECONDS = 10.0
_LONG_LEASE_SECONDS = 120.0
_LONGEST_VALUE = 400
_VALUE = re.compile(r"([!-~]{1,253}) ([0-9]{1,10}) [0-9a-f]{32}")


@contextmanager
def held(server: Server, key: str, what: str, timeout_seconds: float) -> Iterator[None]:
    """Keeps all others out that lock the same key.

    It ends by itself some seconds after its process: while that lives, a thread renews it. A process that
    stood still for longer has lost it without knowing; so what is written must be compared first.

    Args:
        server: where it is.
        key: its name there.
        what: what is done meanwhile, as in `renewing the token of work`.
        timeout_seconds: how long to wait for another who has it.

    Raises:
        TimeoutOccurred: another held it all that time.
        StoreUnavailable: there can be no lock here.
    """
    value = f"{_host()} {os.getpid()} {secrets.token_hex(16)}"

    def acquired(seconds: float) -> "Lock | None":
        def acquire(client: "Redis") -> "Lock | None":
            lock = client.lock(key, timeout=_LEASE_SECONDS, sleep=_POLL_SECONDS, thread_local=False)
            return lock if lock.acquire(blocking_timeout=seconds, token=value) else None

        return server.ask(acquire)

    lock = acquired(timeout_seconds)
    if lock is None:
        who = _holder(server, key)
        raise TimeoutOccurred(
            f"{who} has been {what} for over {round(timeout_seconds, 2):g} s",
            holder=who,
            hint=f"see who holds {key} on {server.url}, and end it if it hangs",
        )
    owner, done = os.getpid(), threading.Event()
    try:
        _keep(server, lock, done)
        yield
    finally:
        done.set()
        if os.getpid() == owner:  # a child that was forked meanwhile does not end the lock of its parent
            with suppress(StoreError):  # it ends by itself
                server.ask(lambda _: _release(lock))


def _keep(server: Server, lock: "Lock", done: threading.Event) -> None:
    """Has a thread renew a lock until it is done; without one, it is taken for longer at once."""

    def keep() -> None:
        while not done.wait(_LEASE_SECONDS / 3):
            with suppress(StoreError):  # another try follows before it ends
                if not server.ask(lambda _: _extend(lock, _LEASE_SECONDS)):
                    return

    try:
        threading.Thread(target=keep, name="requests-auth-lock", daemon=True).start()
    except RuntimeError:  # no more threads here
        server.ask(lambda _: _extend(lock, _LONG_LEASE_SECONDS))


def _extend(lock: "Lock", seconds: float) -> bool:
    """Renews a lock; tells whether it was ours still."""
    from redis.exceptions import LockError

    try:
        lock.extend(seconds, replace_ttl=True)
    except LockError:
        return False
    return True


def _release(lock: "Lock") -> None:
    from redis.exceptions import LockError

    with suppress(LockError):  # it is another's by now
        lock.release()


def _host() -> str:
    """The name of this machine, as people know it."""
    return re.sub(r"[^!-~]", "-", socket.gethostname())[:253] or "-"


def _holder(server: Server, key: str) -> str:
    """Who holds a lock, as its value says."""
    said: Any = server.ask(lambda client: client.getrange(key, 0, _LONGEST_VALUE))
    found = _VALUE.fullmatch(said.decode("ascii", "replace"))
    if found is None:
        return "another process"
    host, pid = found[1], int(found[2])
    if host != _host():
        return f"another process (pid {pid} on {host})"
    return "another thread" if pid == os.getpid() else f"another process (pid {pid})"
