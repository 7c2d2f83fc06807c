"""The record of a store's keys: which they are and where they come from, so that this never changes silently.

It lies beside the documents, and is read before there is a key, so nothing in it is believed further than
that: a wrong source or key is an error, and its MAC is checked as soon as the key is there.
"""

import hmac
import json
import re
from dataclasses import asdict, dataclass
from typing import Any, Self

from requests_auth_profiles.errors import StoreKeyError, StoreVersionError
from requests_auth_profiles.stores.sealing import KEY_ID, derive

__all__ = ["BEGIN_ANEW", "Entry", "Record"]

BEGIN_ANEW = "begin anew: requests-auth store clear"

_VERSION = 1
_MOST_KEYS = 16
_MAC = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Entry:
    """A key that there are documents of.

    Args:
        source: the name of its source.
        kid: its id.
        wrapped: the key itself, wrapped by a passphrase; empty where the source has it.
    """

    source: str
    kid: str
    wrapped: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """What `store.json` says.

    Args:
        entries: the keys; the first is the one that documents are sealed with from now on, the others are
            being replaced by it.
        mac: proves that who wrote it had the first key.
    """

    entries: tuple[Entry, ...]
    mac: str

    @classmethod
    def of(cls, key: bytes, *entries: Entry) -> Self:
        """The record of some entries, with the key of the first."""
        return cls(entries, _mac(key, entries))

    @classmethod
    def parse(cls, data: bytes, where: str) -> Self:
        """The record that `to_bytes` wrote.

        Args:
            data: what stands there.
            where: where that is, for the message.

        Raises:
            StoreKeyError: it is damaged.
            StoreVersionError: it is of another version.
        """
        try:
            said: Any = json.loads(data)
        except (ValueError, RecursionError):
            said = None
        if isinstance(said, dict) and type(said.get("v")) is int and said["v"] != _VERSION:
            raise StoreVersionError(
                f"{where} was written by another version", hint="pip install -U requests-auth-profiles"
            )
        members = {"v": int, "keys": list, "mac": str}
        if not isinstance(said, dict) or {name: type(value) for name, value in said.items()} != members:
            raise StoreKeyError(f"{where} is damaged", hint=BEGIN_ANEW)
        texts = {"source", "kid", "wrapped"}
        for entry in said["keys"]:
            if not isinstance(entry, dict) or entry.keys() != texts or {*map(type, entry.values())} != {str}:
                raise StoreKeyError(f"{where} is damaged", hint=BEGIN_ANEW)
        entries = tuple(Entry(**entry) for entry in said["keys"])
        # Where there are key files, the key's id becomes a part of a path.
        ids = all(KEY_ID.fullmatch(entry.kid) for entry in entries)
        if not ids or not 0 < len(entries) <= _MOST_KEYS or not _MAC.fullmatch(said["mac"]):
            raise StoreKeyError(f"{where} was changed", hint=BEGIN_ANEW)
        record = cls(entries, said["mac"])
        if record.to_bytes() != data:  # a name twice, for one: a record has one form, and so one reading
            raise StoreKeyError(f"{where} was changed", hint=BEGIN_ANEW)
        return record

    def to_bytes(self) -> bytes:
        """The record as JSON."""
        said = {"v": _VERSION, "keys": [asdict(entry) for entry in self.entries], "mac": self.mac}
        return json.dumps(said).encode() + b"\n"

    def entry(self, kid: str) -> Entry | None:
        """The entry of a key, if there is one."""
        return next((entry for entry in self.entries if entry.kid == kid), None)

    def proves(self, key: bytes) -> bool:
        """Whether who wrote it had the first key, which is this one."""
        return hmac.compare_digest(_mac(key, self.entries), self.mac)


def _mac(key: bytes, entries: tuple[Entry, ...]) -> str:
    told = json.dumps([asdict(entry) for entry in entries]).encode()
    return hmac.new(derive(key, "record"), told, "sha256").hexdigest()
