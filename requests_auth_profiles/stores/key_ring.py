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
        self._sources = tuple(source for source in sources if not source.is_former)
        self._former = tuple(source for source in sources if source.is_former)
        self._old: tuple[KeySource, ...] = ()
        self._keys: dict[tuple[str, str], Key] = {}
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
        return None if entry is None else self._former_value(entry)

    def try_first(self) -> None:
        """Tells, before anybody signs in, where a new store could have no key.

        Raises:
            StoreKeyError: there is none, and none can be made.
        """
        if self.record() is None and self._sources[0].create is None:
            self._sources[0].read("")

    def record(self, *, former: bool = False) -> Record | None:
        """What is recorded; None = nothing yet.

        Args:
            former: the first key may also be where only keys are that are being replaced.

        Raises:
            StoreKeyError: it is damaged or was changed, or the first key is missing or another one.
            StoreVersionError: it is of another version.
        """
        data = self._documents.read(_RECORD)
        if data is None:
            return None
        known = self._proved
        if known is None or known[0] != data:
            where = self._documents.place(_RECORD)
            record = Record.parse(data, where)
            value = self._former_value if former else self._value
            if not record.proves(value(record.entries[0]).value):
                raise StoreKeyError(f"{where} was changed", hint=BEGIN_ANEW)
            self._proved = known = data, record
        return known[1]

    def said_sources(self) -> list[str]:
        """Where the keys come from as it is recorded, the newest first, proved by nothing."""
        data = self._documents.read(_RECORD)
        entries = () if data is None else Record.parse(data, self._documents.place(_RECORD)).entries
        return [entry.source for entry in entries]

    def replace(self, old: KeySource | None) -> Key:
        """Has the record name a new key before those that it names; the caller has locked the record.

        Where one that it names already was being put in, that goes on.

        Args:
            old: gives the key, or the passphrase, of before, where the sources do not give it any more.

        Raises:
            StoreKeyError: there is no new key, or no old one.
        """
        self._old = () if old is None else (old,)
        record = self.record(former=True)
        if record is None:
            return self._value(self._chosen().entries[0])
        entries = record.entries
        for entry in entries:
            self._former_value(entry)
        begun = entries[0] if len(entries) > 1 else None
        key, new = self._given(begun)
        if begun is not None and new.kid == begun.kid:
            return key
        if new.kid in [entry.kid for entry in entries]:
            raise StoreKeyError(
                f"the key from {new.source!r} is one that the tokens are sealed with already",
                hint="give a new one there, and the one before by --old",
            )
        self._write_new(key, new, *entries)
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

    def _value(self, entry: Entry) -> Key:
        """The key of an entry, from the source that is recorded."""
        return self._looked_up(entry, [source for source in self._sources if source.name == entry.source])

    def _former_value(self, entry: Entry) -> Key:
        """The key of an entry that is being replaced: from where that may be besides, too."""
        known = [source for source in (*self._sources, *self._former) if source.name == entry.source]
        return self._looked_up(entry, [*known, *self._old])

    def _looked_up(self, entry: Entry, sources: list[KeySource]) -> Key:
        where = self._documents.place(_RECORD)
        moves = "" if any(source.name == entry.source for source in self._former) else " --old REFERENCE"
        failure = StoreKeyError(
            f"the tokens are sealed with a key from {entry.source!r} (recorded in {where}), "
            f"and the key comes from {self._sources[0].name!r} now",
            hint=f"give that key again, or seal them with the other: requests-auth store rotate-key{moves}, "
            f"or {BEGIN_ANEW}",
        )
        for source in sources:
            known = self._keys.get((source.name, entry.kid))
            if known is not None:
                return known
            try:
                key = Key(entry.kid, source.key(entry, where))
            except StoreKeyError as error:
                failure = error
            else:
                self._keys[source.name, key.kid] = key
                return key
        raise failure

    def _chosen(self) -> Record:
        """The record of the first key, written; the caller has locked it."""
        # Documents without a record: theirs is the key that is wanted, never a new one over them.
        wanted = self._sealed_with()
        if wanted:
            return self._write(*self._found(wanted))
        return self._write_new(*self._given())

    def _given(self, begun: Entry | None = None) -> tuple[Key, Entry]:
        """A key of the best source that has one.

        Args:
            begun: what is being put in already: where it comes from that source, it is that one.
        """
        *better, last = self._sources
        for source in better:
            try:
                return self._first(source, begun)
            except StoreKeyError as error:
                _LOG.warning("The token store has a key that is not in the best place: %s", error.message)
        return self._first(last, begun)

    def _first(self, source: KeySource, begun: Entry | None) -> tuple[Key, Entry]:
        if begun is not None and source.name == begun.source:
            with suppress(StoreKeyError):  # it gives another one by now
                return self._looked_up(begun, [source]), begun
        value, entry = source.first()
        return Key(entry.kid, value), entry

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

    def _write_new(self, key: Key, new: Entry, *entries: Entry) -> Record:
        try:
            return self._write(key, new, *entries)
        except StoreUnavailable:
            written = None
            with suppress(StoreUnavailable):
                written = self._documents.read(_RECORD)
            # It may stand there all the same; else nobody knows of it, and the next try makes another.
            if written != Record.of(key.value, new, *entries).to_bytes():
                self._remove([new])
            raise

    def _write(self, key: Key, *entries: Entry) -> Record:
        record = Record.of(key.value, *entries)
        data = record.to_bytes()
        self._documents.write(_RECORD, data)
        self._keys[entries[0].source, key.kid] = key
        self._proved = data, record
        return record

    def _remove(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            for source in (*self._sources, *self._former):
                if source.name == entry.source and source.forget is not None:
                    source.forget(entry.kid)
            self._keys.pop((entry.source, entry.kid), None)
