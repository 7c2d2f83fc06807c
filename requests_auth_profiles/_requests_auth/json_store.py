"""JsonStore: a file of tokens in clear, as requests_auth writes it."""

import hashlib
import json
import math
import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from requests_auth_profiles import _private_file
from requests_auth_profiles._token import Token
from requests_auth_profiles.errors import StoreError, StoreUnavailable, TimeoutOccurred
from requests_auth_profiles.stores._lock import locked
from requests_auth_profiles.stores._unavailable import unavailable

__all__ = ["JsonStore"]

_LIMIT = 16 * 1024 * 1024
_NEVER = 32503680000.0  # the year 3000: the form has a number for each end, known or not


@dataclass(frozen=True, slots=True)
class JsonStore:
    """Tokens in one file, `{key: [token, expires_at, refresh_token]}`, merged between processes.

    Args:
        path: the file; no symbolic link, and nobody else may write it.
        patience_seconds: how long to wait for another who is writing it.
    """

    path: Path
    patience_seconds: float = 30.0
    # What there was when we looked last: it knows more than the file has a place for, as when we got it.
    _known: dict[str, Token | None] = field(default_factory=dict, init=False, repr=False)

    def get(self, key: str) -> Token | None:
        """The token of that name, if there is one."""
        access_token, expires_at, refresh_token = (*self._read().get(key, ("", 0)), None)[:3]
        if not access_token:
            self._known[key] = None
            return None
        known = self._known.get(key)
        if known is None or _entry(known) != [access_token, expires_at, refresh_token]:
            same = known is not None and known.access_token == access_token
            self._known[key] = known = Token(
                access_token=access_token,
                expires_at=None if expires_at >= _NEVER else expires_at,
                refresh_token=refresh_token,
                issued_for=key,
                obtained_at=known.obtained_at if same and known else self._changed_at(key),
            )
        return known

    def set(self, key: str, token: Token) -> None:
        """Keeps a token."""
        self._change(lambda entries: entries.update({key: _entry(token)}))
        self._known[key] = token

    def delete(self, key: str) -> None:
        """Forgets a token, if there is one."""
        if key in self._read():
            self._change(lambda entries: entries.pop(key, None))

    def keys(self) -> list[str]:
        """The names of all tokens."""
        return sorted(self._read())

    def lock(self, key: str, timeout_seconds: float) -> AbstractContextManager[None]:
        """Keeps all others from that name, while it is renewed."""
        name = hashlib.sha256(key.encode()).hexdigest()[:16]
        return self._locked(name, f"renewing the token of {key}", timeout_seconds)

    def state(self) -> tuple[int, int, int] | None:
        """What changes whenever the file does; None where there is none."""
        with suppress(OSError):
            status = self.path.lstat()
            return status.st_ino, status.st_mtime_ns, status.st_size
        return None

    def _changed_at(self, key: str) -> float:
        """When another won the token that was not there when we looked; 0 = we never looked."""
        with suppress(OSError):
            if key in self._known:
                return min(self.path.lstat().st_mtime, time.time())  # the clock of a server may be wrong
        return 0

    def _change(self, change: Callable[[dict[str, Any]], object]) -> None:
        # What another process wrote since we looked stays.
        with self._writing():
            entries = self._read()
            change(entries)
            with unavailable(self.path):
                _private_file.replace(self.path, json.dumps(entries).encode())
            with suppress(OSError):  # the folder may be one of many people
                _private_file.sweep(self.path.parent, time.time())

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with ExitStack() as held:
            try:
                held.enter_context(self._locked("file", "writing tokens", self.patience_seconds))
            except TimeoutOccurred as error:  # the token that was just won is not to be lost for that
                raise StoreUnavailable(error.message, hint=error.hint) from None
            yield

    def _locked(self, name: str, what: str, timeout_seconds: float) -> AbstractContextManager[None]:
        beside = self.path.with_name(f".{self.path.name}.{name}.lock")
        with unavailable(beside):
            if not beside.parent.exists():  # or the lock would make it, for everybody
                _private_file.make_folder(beside.parent)
        return locked(beside, what, timeout_seconds)

    def _read(self) -> dict[str, Any]:
        with unavailable(self.path):
            try:
                # Others may read one that requests_auth wrote, until the next write.
                _private_file.refuse_link(self.path)
                data, _ = _private_file.read(self.path, limit=_LIMIT, shareable=True)
            except FileNotFoundError:
                data = b""
        if not data:
            return {}
        try:
            said = json.loads(data)
        except (ValueError, RecursionError):
            said = None
        del data  # debuggers show variables
        if not isinstance(said, dict) or not all(map(_is_entry, said.values())):
            del said
            # Never taken for an empty one: the next write would lose what is in it.
            path = shlex.quote(str(self.path))
            raise StoreError(
                f"{self.path} is no file of tokens, or is damaged", hint=f"mv {path} {path}.away"
            )
        return said


def _entry(token: Token) -> list[Any]:
    """A token as the file has it."""
    ends = _NEVER if token.expires_at is None else token.expires_at
    return [token.access_token, ends, token.refresh_token]


def _is_entry(entry: object) -> bool:
    match entry:
        case [str(), int() | float() as ends]:
            pass
        case [str(), int() | float() as ends, str() | None]:
            pass
        case _:
            return False
    return not isinstance(ends, bool) and abs(ends) < math.inf  # an integer may be too large for isfinite
