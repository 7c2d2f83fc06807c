"""Keyrings to test with: real backends, of the test process or of a program that names one."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import keyring
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked

OVER = threading.Event()


class InMemory(KeyringBackend):
    """Keeps passwords in memory, and counts how often it is asked.

    Attributes:
        asked: the entries that were asked for.
    """

    priority = 1

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, str]] = []
        self._passwords: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        self.asked.append((service, username))
        return self._passwords.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._passwords[service, username] = password


class Locked(InMemory):
    """A keyring that nobody unlocks, and that says too much."""

    def get_password(self, service: str, username: str) -> str | None:
        raise KeyringLocked("s3cret-value")


class Odd(InMemory):
    """A keyring that gives something else than text.

    Args:
        gives: what it gives.
    """

    def __init__(self, gives: object) -> None:
        super().__init__()
        self._gives = gives

    def get_password(self, service: str, username: str) -> str | None:
        return self._gives  # type: ignore[return-value]


class Silent(InMemory):
    """A keyring that waits for a person who never comes."""

    def get_password(self, service: str, username: str) -> str | None:
        OVER.wait(60)
        return None


@contextmanager
def in_use(backend: KeyringBackend) -> Iterator[KeyringBackend]:
    """Makes a backend the one of this process."""
    before = keyring.get_keyring()
    keyring.set_keyring(backend)
    try:
        yield backend
    finally:
        OVER.set()
        OVER.clear()
        keyring.set_keyring(before)


class PlaintextKeyring(InMemory):
    """A keyring that keeps what it has in clear, as that of keyrings.alt does."""


class Weak(InMemory):
    """A keyring that is only for where there is no better."""

    priority = 0.5


class Forgetful(InMemory):
    """A keyring that takes everything and gives nothing."""

    def get_password(self, service: str, username: str) -> None:
        return None
