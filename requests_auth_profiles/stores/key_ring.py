"""KeyRing: the keys of a store, as they are recorded beside its documents."""

import logging
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from requests_auth_profiles.errors import StoreKeyError, StoreUnavailable
from requests_auth_profiles.stores.documents import Documents, read
from requests_auth_profiles.stores.keys import KeySource
from requests_auth_profiles.stores.record import BEGIN_ANEW, Entry, Record
from requests_auth_profiles.stores.sealing import Document, SealError, key_id

__all__ = ["Key", "KeyRing"]

_CHOICE_SECONDS = 60.0
_RECORD = None
_LOG = logging.getLogger("requests_auth_profiles")


@dataclass(frozen=True, slots=True)
class Key:
    """A key of a store, without it in its repr: debuggers show variables.

    Args:
        kid: its id.
        value: its 32 bytes.
    """

    kid: str
    value: bytes = field(repr=False)


class KeyRing:
    """The keys of a store: chosen once and recorded, then those and no others.

    Args:
        documents: where the record lies, and what was sealed.
        sources: where the keys may come from, the best first.
    """

    def __init__(self, documents: Documents, sources: tuple[KeySource, ...]) -> None:
        self._documents = documents
        self._sources = sources
        self._keys: dict[str, Key] = {}
        self._proved: tuple[bytes, Record] | None = None

    def key(self) -> Key:
        """The key to seal with: the first that is recorded, or from now on is.

        Raises:
            StoreKeyError: it is missing or another one.
        """
        record = self.record()
        if record is None:
            with self._documents.lock(_RECORD, "choosing the store's key", _CHOICE_SECONDS):
                record = self.record() or self._chosen()  # another process may have been quicker
        return self._value(record.entries[0])

    def key_of(self, document: Document) -> Key | None:
        """The key that a document was sealed with; None = it is none of the store's.

        Raises:
            StoreKeyError: it is missing or another one.
        """
        key = self.key()
        if document.kid == key.kid:
            return key
        record = self.record()
        entry = None if record is None else record.entry(document.kid)
        return None if entry is None else self._value(entry)

    def try_first(self) -> None:
        """Tells, before anybody signs in, where a new store could have no key.

        Raises:
            StoreKeyError: there is none, and none can be made.
        """
        if self.record() is None and self._sources[0].create is None:
            self._sources[0].read("")

    def record(self) -> Record | None:
        """What is recorded; None = nothing yet.

        Raises:
            StoreKeyError: it is damaged or was changed, or the first key is missing or another one.
            StoreVersionError: it is of another version.
        """
        data = self._documents.read(_RECORD)
        if data is None:
            return None
        known = self._proved
        return known[1] if known is not None and known[0] == data else self._believed(data, None)

    def said_source(self) -> str:
        """Where the first key comes from as it is recorded, proved by nothing; empty = there is none yet."""
        data = self._documents.read(_RECORD)
        return "" if data is None else Record.parse(data, self._documents.place(_RECORD)).entries[0].source

    def replace(self, old: KeySource | None) -> Key:
        """Has the record name a new key before those that it names; the caller has locked the record.

        Where one that it names already was being put in, that goes on.

        Args:
            old: gives the key, or the passphrase, of before, where the sources do not give it any more.

        Raises:
            StoreKeyError: there is no new key, or no old one.
        """
        data = self._documents.read(_RECORD)
        if data is None:
            return self._value(self._chosen().entries[0])
        entries = self._believed(data, old).entries
        for entry in entries:
            self._value(entry, old)
        key, new = self._given()
        if new.kid not in [entry.kid for entry in entries]:
            self._write(key, new, *entries)
        elif len(entries) == 1 or new.kid != entries[0].kid:
            raise StoreKeyError(
                f"the key from {new.source!r} is one that the tokens are sealed with already",
                hint="give a new one there, and the one before by --old",
            )
        return key

    def forget_old(self) -> None:
        """Has the record name its first key only, and removes the others; the caller has locked it."""
        record = self.record()
        if record is not None and len(record.entries) > 1:
            first, *others = record.entries
            self._write(self._value(first), first)
            self._remove(others)

    def forget(self, record: Record | None) -> None:
        """Removes the keys of a record that is gone."""
        self._proved = None
        self._keys.clear()
        self._remove(() if record is None else record.entries)

    def _believed(self, data: bytes, old: KeySource | None) -> Record:
        where = self._documents.place(_RECORD)
        record = Record.parse(data, where)
        if not record.proves(self._value(record.entries[0], old).value):
            raise StoreKeyError(f"{where} was changed", hint=BEGIN_ANEW)
        self._proved = data, record
        return record

    def _value(self, entry: Entry, old: KeySource | None = None) -> Key:
        """The key of an entry: from the source that is recorded, or said to be the old one."""
        where = self._documents.place(_RECORD)
        sources = [source for source in self._sources if source.name == entry.source]
        if old is not None:
            sources.append(old)
        failure = StoreKeyError(
            f"the tokens are sealed with a key from {entry.source!r} (recorded in {where}), "
            f"and the key comes from {self._sources[0].name!r} now",
            hint=f"give that key again (requests-auth store rotate-key moves to another), or {BEGIN_ANEW}",
        )
        if sources and entry.kid in self._keys:
            return self._keys[entry.kid]
        for source in sources:
            try:
                key = Key(entry.kid, source.key(entry, where))
            except StoreKeyError as error:
                failure = error
            else:
                self._keys[key.kid] = key
                return key
        raise failure

    def _chosen(self) -> Record:
        """The record of the first key, written; the caller has locked it."""
        # Documents without a record: theirs is the key that is wanted, never a new one over them.
        wanted = self._sealed_with()
        key, entry = self._found(wanted) if wanted else self._given()
        try:
            return self._write(key, entry)
        except StoreUnavailable:
            if not wanted:  # nobody knows of it, and the next try makes another
                self._remove([entry])
            raise

    def _given(self) -> tuple[Key, Entry]:
        """A key of the best source that has one."""
        *better, last = self._sources
        for source in better:
            try:
                return _first(source)
            except StoreKeyError as error:
                _LOG.warning("The token store has a key that is not in the best place: %s", error.message)
        return _first(last)

    def _found(self, kid: str) -> tuple[Key, Entry]:
        """The key that documents without a record are sealed with."""
        failure = StoreKeyError(
            f"{self._documents.place(_RECORD)} is missing, and what is there is sealed with another key",
            hint=f"give that key again, or {BEGIN_ANEW}",
        )
        for source in self._sources:
            entry = Entry(source.name, kid)
            try:
                value = source.read(kid)
            except StoreKeyError as error:
                failure = error
                continue
            if key_id(value) == kid:
                return Key(kid, value), entry
        raise failure

    def _sealed_with(self) -> str:
        """The id of the key of the documents that are there; empty where there are none."""
        for name in self._documents.names():
            with suppress(SealError):
                # None: another process forgot it meanwhile; the next one tells the key as well.
                if (document := read(self._documents, name)) is not None:
                    return document.kid
        return ""

    def _write(self, key: Key, *entries: Entry) -> Record:
        record = Record.of(key.value, *entries)
        data = record.to_bytes()
        self._documents.write(_RECORD, data)
        self._keys[key.kid] = key
        self._proved = data, record
        return record

    def _remove(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            for source in self._sources:
                if source.name == entry.source and source.forget is not None:
                    source.forget(entry.kid)
            self._keys.pop(entry.kid, None)


def _first(source: KeySource) -> tuple[Key, Entry]:
    value, entry = source.first()
    return Key(entry.kid, value), entry
