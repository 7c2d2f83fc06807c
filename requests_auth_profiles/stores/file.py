"""FileStore: one sealed document for each name, in a folder of one person, for all their processes."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from requests_auth_profiles import _private_file
from requests_auth_profiles._token import Token
from requests_auth_profiles.errors import (
    StoreError,
    StoreKeyError,
    StoreUnavailable,
    StoreVersionError,
)
from requests_auth_profiles.stores._lock import locked
from requests_auth_profiles.stores._unavailable import unavailable
from requests_auth_profiles.stores.keys import KeySource, Record
from requests_auth_profiles.stores.sealing import (
    Document,
    SealError,
    VersionError,
    key_id,
    open_document,
    seal,
)

__all__ = ["FileStore"]

_LIMIT = 1024 * 1024
_KEPT_ASIDE = 3
_KEY_SECONDS = 60.0
_DOCUMENT = ".json"
_ASIDE = ".corrupt-"
_BEGINNING = b'{"v":'
_LOG = logging.getLogger("requests_auth_profiles")


@dataclass(frozen=True, slots=True)
class _Key:
    """The store's key, without it in its repr: debuggers show variables."""

    value: bytes = field(repr=False)


class FileStore:
    """Sealed tokens in `tokens/` of a folder, with kernel locks in `locks/` beside it.

    Names are the same without regard to case, as they are on some file systems.

    Args:
        folder: the store's folder; made on the first write, 0700.
        source: where its key comes from; asked on the first use.
        now: the clock (epoch seconds).
    """

    def __init__(self, folder: Path, source: KeySource, *, now: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._source = source
        self._now = now
        self._key: _Key | None = None
        self._seen: dict[str, int] = {}
        self._told: set[str] = set()
        self._swept = False

    def __repr__(self) -> str:
        return f"FileStore({str(self._folder)!r})"

    def __reduce__(self) -> Any:
        raise TypeError("a store is not pickled or copied, as it would carry its key")

    @property
    def folder(self) -> Path:
        """Where it is."""
        return self._folder

    def path(self, key: str) -> Path:
        """Where the document of a name is."""
        return self._tokens / f"{_file_name(key)}{_DOCUMENT}"

    def get(self, key: str) -> Token | None:
        """The token of that name, if there is one that can be opened.

        Raises:
            StoreKeyError: the store's key is missing or another one.
            StoreVersionError: the document is of another version.
            StoreUnavailable: it cannot be read.
        """
        name = key.casefold()
        seen = self._seen.get(name, 0)  # before the reading: another thread may write meanwhile
        try:
            found = self._read(name)
        except SealError as error:
            self._tell(_unused(self.path(name), error))
            return None
        if found is None:
            return None
        seq, token = found
        if seq < seen:
            self._tell(f"{self.path(name)} is older than it was before: its token is not used")
            return None
        self._seen[name] = seq
        return token

    def set(self, key: str, token: Token) -> None:
        """Keeps a token, in place of the one before.

        Raises:
            StoreKeyError: the store's key is missing or another one; the document is left as it is.
            StoreVersionError: the document is of another version; it is left as it is.
            StoreUnavailable: it cannot be written; the document is left as it is.
        """
        name = key.casefold()
        path = self.path(name)
        sealing_key = self._opened()  # first: without the right one nothing is changed
        with unavailable(path):
            self._make_folder(path.parent)
            self._sweep()
        try:
            found = self._read(name)
        except SealError as error:
            self._tell(_unused(path, error))
            with unavailable(path):
                self._set_aside(path)
            found = None
        # Time keeps it growing even where the document was deleted in between.
        seq = max((found[0] if found else 0) + 1, self._seen.get(name, 0) + 1, int(self._now() * 1000))
        data = seal(token, key=sealing_key.value, profile=name, seq=seq).to_bytes()
        if len(data) > _LIMIT:
            raise StoreUnavailable(f"the token of {key} is too large to be kept", hint="ask for fewer scopes")
        with unavailable(path):
            _private_file.replace(path, data)
        self._seen[name] = seq

    def delete(self, key: str) -> None:
        """Forgets a token, if there is one, and what was set aside of it; the store's key is not needed.

        Raises:
            StoreUnavailable: it cannot be deleted.
        """
        path = self.path(key)
        with unavailable(path):
            self._remove(name for name in self._names() if name == path.name or _set_aside_at(path, name))

    def keys(self) -> list[str]:
        """The names of all tokens, in lower case.

        Raises:
            StoreUnavailable: it cannot be read.
        """
        with unavailable(self._tokens):
            return [
                unquote(name.removesuffix(_DOCUMENT)) for name in self._names() if name.endswith(_DOCUMENT)
            ]

    def clear(self) -> None:
        """Forgets all tokens, those set aside, and the key that they were sealed with.

        Raises:
            StoreUnavailable: something cannot be deleted.
        """
        key = None
        if self._source.forget is not None:
            with suppress(StoreError):  # a record that is not believed names no key
                key = self._recorded_key()
        with unavailable(self._folder):
            # Only what is ours: somebody may have named a folder with other things in it.
            self._remove(name for name in self._names() if _is_ours(self._tokens / name))
            self._record_path.unlink(missing_ok=True)
        if key is not None:
            self._forget(key)
        self._key = None

    def lock(self, key: str, timeout_seconds: float) -> AbstractContextManager[None]:
        """Keeps all other threads and processes from that name.

        A kernel lock on a file beside the document: it ends with its process, however that ends.

        Raises:
            TimeoutOccurred: another held it all that time.
            StoreUnavailable: there can be no lock here.
        """
        path = self._folder / "locks" / f"{_file_name(key)}.lock"
        return self._locked(path, f"renewing the token of {key}", timeout_seconds)

    @property
    def _tokens(self) -> Path:
        return self._folder / "tokens"

    @property
    def _record_path(self) -> Path:
        return self._folder / "store.json"

    @contextmanager
    def _locked(self, path: Path, what: str, timeout_seconds: float) -> Iterator[None]:
        with unavailable(path):
            self._make_folder(path.parent)
        with locked(path, what, timeout_seconds):
            yield

    def _read(self, name: str) -> tuple[int, Token] | None:
        """The number and token of a document, or None where there is none."""
        path = self.path(name)
        if (document := self._document(path)) is None:
            if self._recorded_key() is None and self._source.create is None:
                self._source.read("")  # before anybody signs in for a token that could not be kept
            return None
        key = self._opened()
        if document.kid != key_id(key.value):
            raise StoreKeyError(
                f"{path} is sealed with another key",
                hint="give that key again, or begin anew: requests-auth logout --all",
            )
        return document.seq, open_document(document, key=key.value, profile=name)

    def _document(self, path: Path) -> Document | None:
        with unavailable(path), suppress(FileNotFoundError):
            self._check_folder()
            data, _ = _private_file.read(path, limit=_LIMIT)
            try:
                return Document.parse(data)
            except VersionError:
                raise StoreVersionError(
                    f"{path} was written by another version", hint="pip install -U requests-auth-profiles"
                ) from None
        return None

    def _opened(self) -> _Key:
        """The store's key: the one that is recorded, or from now on is."""
        key = self._recorded_key()
        if key is None:
            with self._locked(self._folder / "store.lock", "choosing the store's key", _KEY_SECONDS):
                key = self._recorded_key() or self._first_key()  # another process may have been quicker
        return key

    def _recorded_key(self) -> _Key | None:
        """The store's key; None = there is no record of one."""
        with unavailable(self._record_path):
            record = Record.read(self._record_path)
        if record is None:
            return None
        known = self._key
        self._key = _Key(record.key(self._source, self._record_path, known.value if known else None))
        return self._key

    def _first_key(self) -> _Key:
        # Documents without a record: theirs is the key that is wanted, never a new one over them.
        wanted = self._sealed_with()
        create = None if wanted else self._source.create
        key = _Key(self._source.read(wanted) if create is None else create())
        if wanted and key_id(key.value) != wanted:
            raise StoreKeyError(
                f"{self._record_path} is missing, and what is in {self._tokens} is sealed with another key",
                hint="give that key again, or begin anew: requests-auth logout --all",
            )
        try:
            with unavailable(self._record_path):
                Record.of(self._source.name, key.value).write(self._record_path)
        except StoreUnavailable:
            if create is not None:  # nobody knows of it, and the next try makes another
                self._forget(key)
            raise
        return key

    def _forget(self, key: _Key) -> None:
        if self._source.forget is not None:
            self._source.forget(key_id(key.value))

    def _sealed_with(self) -> str:
        """The id of the key of the documents that are there; empty where there are none."""
        with unavailable(self._tokens):
            names = self._names()
        for name in names:
            if name.endswith(_DOCUMENT):
                with suppress(SealError):
                    # None: another process forgot it meanwhile; the next one tells the key as well.
                    if (document := self._document(self._tokens / name)) is not None:
                        return document.kid
        return ""

    def _names(self) -> list[str]:
        """The names of what is in the folder of the documents."""
        with suppress(FileNotFoundError):
            self._check_folder()
            return sorted(path.name for path in self._tokens.iterdir())
        return []

    def _remove(self, names: Iterable[str]) -> None:
        for name in names:
            (self._tokens / name).unlink(missing_ok=True)

    def _set_aside(self, path: Path) -> None:
        with suppress(FileNotFoundError):  # another did it
            path.rename(path.with_name(f"{path.name}{_ASIDE}{int(self._now() * 1000)}"))
        found = [name for name in self._names() if _set_aside_at(path, name)]
        self._remove(sorted(found, key=lambda name: _set_aside_at(path, name))[:-_KEPT_ASIDE])

    def _check_folder(self) -> None:
        _private_file.check_folder(self._folder, named=True)
        _private_file.check_folder(self._tokens)

    def _make_folder(self, path: Path) -> None:
        _private_file.make_folder(self._folder, named=True)
        _private_file.make_folder(path)

    def _sweep(self) -> None:
        if not self._swept:
            self._swept = True
            _private_file.sweep(self._folder, self._now())
            _private_file.sweep(self._tokens, self._now())

    def _tell(self, problem: str) -> None:
        """Warns of a problem, once."""
        if problem not in self._told:
            self._told.add(problem)
            _LOG.warning("%s", problem)


def _file_name(key: str) -> str:
    return quote(key.casefold(), safe="")


def _unused(path: Path, error: SealError) -> str:
    return f"{path} {error}: its token is not used, and the next one takes its place"


def _is_ours(path: Path) -> bool:
    """Whether a file is a document, one that was set aside, or what a writer that was killed left."""
    if path.is_symlink() or not path.is_file():
        return False
    if path.suffix == _DOCUMENT:
        with path.open("rb") as file:
            return file.read(len(_BEGINNING)) == _BEGINNING
    head, _, _ = path.name.partition(_ASIDE)
    aside = head.endswith(_DOCUMENT) and _set_aside_at(path.with_name(head), path.name) > 0
    return aside or _private_file.is_temporary(path.name)


def _set_aside_at(path: Path, name: str) -> int:
    """When a file of this name was set aside from a path; 0 = it was not."""
    head, _, digits = name.partition(_ASIDE)
    return int(digits) if head == path.name and digits.isdecimal() else 0
