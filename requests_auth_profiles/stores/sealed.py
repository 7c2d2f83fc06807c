"""SealedStore: tokens as sealed documents, wherever those lie."""

import logging
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from typing import Any

from requests_auth_profiles._token import Token
from requests_auth_profiles.errors import StoreError, StoreKeyError, StoreUnavailable
from requests_auth_profiles.stores.documents import LIMIT_BYTES, Documents, read
from requests_auth_profiles.stores.key_ring import Key, KeyRing
from requests_auth_profiles.stores.keys import KeySource
from requests_auth_profiles.stores.record import BEGIN_ANEW
from requests_auth_profiles.stores.sealing import SealError, open_document, seal

__all__ = ["SealedStore"]

_ROTATION = "putting in a new key of the store"
_ROTATION_SECONDS = 60.0
_LOG = logging.getLogger("requests_auth_profiles")


class SealedStore:
    """Tokens as sealed documents, one for each name.

    Names are the same without regard to case, as they are on some file systems.

    Args:
        documents: where they lie.
        sources: where the key may come from, the best first. A new store takes the first that gives one; from
            then on it is the one that is recorded.
        now: the clock (epoch seconds).
    """

    def __init__(
        self, documents: Documents, *sources: KeySource, now: Callable[[], float] = time.time
    ) -> None:
        self._documents = documents
        self._ring = KeyRing(documents, sources)
        self._now = now
        self._seen: dict[str, int] = {}
        self._told: set[str] = set()

    def __reduce__(self) -> Any:
        raise TypeError("a store is not pickled or copied, as it would carry its key")

    @property
    def where(self) -> str:
        """Where it is, for people."""
        return self._documents.place(None)

    @property
    def key_source(self) -> str:
        """Where its key comes from, as it is recorded, proved by nothing; empty = it has none yet.

        Raises:
            StoreError: the record cannot be read.
        """
        return next(iter(self._ring.said_sources()), "")

    @property
    def former_key_sources(self) -> list[str]:
        """Where the keys come from that are being replaced by it, as it is recorded.

        Raises:
            StoreError: the record cannot be read.
        """
        return self._ring.said_sources()[1:]

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
            self._tell_unused(name, error)
            return None
        if found is None:
            return None
        seq, token, _ = found
        if seq < seen:
            self._tell(f"{self._documents.place(name)} is older than it was before: its token is not used")
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
        sealing_key = self._ring.key()  # first: without the right one nothing is changed
        self._write(name, token, sealing_key)
        while (latest := self._ring.key()).kid != sealing_key.kid:
            # A rotation began meanwhile, and may have passed this document by.
            sealing_key = latest
            self._write(name, token, sealing_key)

    def delete(self, key: str) -> None:
        """Forgets a token, if there is one, and what was set aside of it; the store's key is not needed.

        Raises:
            StoreUnavailable: it cannot be deleted.
        """
        self._documents.delete(key.casefold())

    def keys(self) -> list[str]:
        """The names of all tokens, in lower case.

        Raises:
            StoreUnavailable: it cannot be read.
        """
        return self._documents.names()

    def clear(self) -> None:
        """Forgets all tokens, those set aside, and the keys that they were sealed with.

        Raises:
            StoreUnavailable: something cannot be deleted.
        """
        record = None
        with suppress(StoreError):  # a record that is not believed names no key
            record = self._ring.record(former=True)
        self._documents.clear()
        self._ring.forget(record)

    def lock(self, key: str, timeout_seconds: float) -> AbstractContextManager[None]:
        """Keeps all other threads and processes from that name.

        Raises:
            TimeoutOccurred: another held it all that time.
            StoreUnavailable: there can be no lock here.
        """
        return self._documents.lock(key.casefold(), f"renewing the token of {key}", timeout_seconds)

    def rotate_key(self, old: KeySource | None = None) -> int:
        """Seals all tokens with a new key, and tells how many they are.

        Whenever it is ended, all can be read, as both keys are recorded until the last document has the new
        one; another call goes on with it.

        Args:
            old: gives the key, or the passphrase, of before, where the store's own sources do not any more.

        Raises:
            StoreKeyError: there is no new key, or no old one.
            StoreUnavailable: something cannot be written.
            TimeoutOccurred: a token is being renewed for longer than a minute.
        """
        with self._documents.lock(None, _ROTATION, _ROTATION_SECONDS):
            sealing_key = self._ring.replace(old)
            names = self._documents.names()
            for name in names:
                with self._documents.lock(name, _ROTATION, _ROTATION_SECONDS):
                    self._seal_again(name, sealing_key)
            self._ring.forget_old()
        return len(names)

    def _seal_again(self, name: str, sealing_key: Key) -> None:
        try:
            found = self._read(name)
        except SealError:
            return  # the next token takes its place, whatever the key
        if found is not None and found[2].kid != sealing_key.kid:
            self._write(name, found[1], sealing_key)

    def _read(self, name: str) -> tuple[int, Token, Key] | None:
        """The number, the token and the key of a document, or None where there is none."""
        document = read(self._documents, name)
        if document is None:
            self._ring.try_first()
            return None
        key = self._ring.key_of(document)
        if key is None:
            # A rotation may have been quicker, and its old key be gone.
            document = read(self._documents, name) or document
            key = self._ring.key_of(document)
        if key is None:
            raise StoreKeyError(
                f"{self._documents.place(name)} is sealed with another key",
                hint=f"give that key again, or {BEGIN_ANEW}",
            )
        return document.seq, open_document(document, key=key.value, profile=name), key

    def _write(self, name: str, token: Token, sealing_key: Key) -> None:
        try:
            found = self._read(name)
        except SealError as error:
            self._tell_unused(name, error)
            self._documents.set_aside(name, int(self._now() * 1000))
            found = None
        # Time keeps it growing even where the document was deleted in between.
        seq = max((found[0] if found else 0) + 1, self._seen.get(name, 0) + 1, int(self._now() * 1000))
        data = seal(token, key=sealing_key.value, profile=name, seq=seq).to_bytes()
        if len(data) > LIMIT_BYTES:
            raise StoreUnavailable(
                f"the token of {name} is too large to be kept", hint="ask for fewer scopes"
            )
        self._documents.write(name, data)
        self._seen[name] = seq

    def _tell_unused(self, name: str, error: SealError) -> None:
        self._tell(
            f"{self._documents.place(name)} {error}: its token is not used, and the next one takes its place"
        )

    def _tell(self, problem: str) -> None:
        """Warns of a problem, once."""
        if problem not in self._told:
            self._told.add(problem)
            _LOG.warning("%s", problem)
