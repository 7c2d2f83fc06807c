"""The key of a file store: where it comes from, and the record that this never changes silently.

`store.json` beside the documents says which source the key has and which key it is. It is read before there
is a key, so nothing in it is believed further than that: a wrong source or key is an error, and its MAC is
checked as soon as the key is there.
"""

import base64
import binascii
import hmac
import json
import logging
import os
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from requests_auth_profiles import _private_file
from requests_auth_profiles.errors import StoreKeyError, StoreVersionError
from requests_auth_profiles.stores._unavailable import unavailable
from requests_auth_profiles.stores.sealing import KEY_BYTES, KEY_ID, derive, key_id

__all__ = ["KeySource", "Record", "decode_key", "key_files"]

_VERSION = 1
_MAC = re.compile(r"[0-9a-f]{64}")
_LIMIT = 64 * 1024
_LOG = logging.getLogger("requests_auth_profiles")
_NEW_KEY = "openssl rand -base64 32"
_BEGIN_ANEW = "begin anew: requests-auth logout --all"


@dataclass(frozen=True, slots=True)
class KeySource:
    """Where the key of a store comes from.

    Args:
        name: what the record says of it.
        read: gives the key; its argument is the id of the key that is wanted, empty where none is known.
        create: makes a store's first key; None = the key is there already.
        forget: removes the key of that id, if it is there; None = it is not ours to remove.
    """

    name: str
    read: Callable[[str], bytes]
    create: Callable[[], bytes] | None = None
    forget: Callable[[str], None] | None = None


def decode_key(text: str, where: str) -> bytes:
    """The key that a text is: 32 bytes in base64 or base64url.

    Args:
        text: as it was given.
        where: who gave it, for the message.

    Raises:
        StoreKeyError: it is something else.
    """
    digits = text.strip().rstrip("=").replace("-", "+").replace("_", "/")
    try:
        key = base64.b64decode(digits + "=" * (-len(digits) % 4), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        # Never made from a short text: what people can remember, others can guess.
        raise StoreKeyError(f"{where} is not a key: 32 random bytes in base64", hint=f"make one: {_NEW_KEY}")
    return key


def key_files(folder: Path) -> KeySource:
    """Keys in files of their own, for where there is nothing better: made on the first use, 0600.

    Args:
        folder: where they lie, apart from the documents: a copy of those alone opens nothing.
    """

    def create() -> bytes:
        key = os.urandom(KEY_BYTES)
        path = folder / f"{key_id(key)}.key"
        with unavailable(path):
            _private_file.make_folder(folder)
            _private_file.create(path, base64.urlsafe_b64encode(key) + b"\n")
        _LOG.warning(
            "The key of the token store is in %s: keep it out of backups that hold the tokens, or set "
            "[store] key in the profiles file. (This is said once.)",
            path,
        )
        return key

    def read(kid: str) -> bytes:
        path = folder / f"{kid}.key"
        try:
            data, _ = _private_file.read(path, limit=_LIMIT)
        except FileNotFoundError:
            raise StoreKeyError(
                f"the key file of the token store is missing: {path}", hint=f"restore it, or {_BEGIN_ANEW}"
            ) from None
        except _private_file.UnsafeFileError as error:
            raise StoreKeyError(f"the key of the token store is not safe: {error}", hint=error.hint) from None
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise StoreKeyError(
                f"cannot read the key of the token store: {path}: {reason}",
                hint=f"ls -l {shlex.quote(str(path))}",
            ) from None
        return decode_key(data.decode("ascii", "replace"), str(path))

    def forget(kid: str) -> None:
        path = folder / f"{kid}.key"
        with unavailable(path):
            path.unlink(missing_ok=True)

    return KeySource("file", read, create, forget)


@dataclass(frozen=True, slots=True)
class Record:
    """What `store.json` says.

    Args:
        source: the name of the key's source.
        kid: the id of the key.
        mac: proves that who wrote it had the key.
    """

    source: str
    kid: str
    mac: str

    @classmethod
    def of(cls, source: str, key: bytes) -> "Record":
        """The record of a key and its source."""
        kid = key_id(key)
        return cls(
            source, kid, hmac.new(derive(key, "record"), f"{source}\0{kid}".encode(), "sha256").hexdigest()
        )

    @classmethod
    def read(cls, path: Path) -> "Record | None":
        """The record at a path, or None where there is none.

        Raises:
            StoreKeyError: it is damaged.
            StoreVersionError: it is of another version.
            OSError: it cannot be read.
        """
        try:
            said: Any = json.loads(_private_file.read(path, limit=_LIMIT)[0])
        except FileNotFoundError:
            return None
        except (ValueError, RecursionError):
            said = None
        if isinstance(said, dict) and type(said.get("v")) is int and said["v"] != _VERSION:
            raise StoreVersionError(
                f"{path} was written by another version", hint="pip install -U requests-auth-profiles"
            )
        members = {"v": int, "key": str, "kid": str, "mac": str}
        if not isinstance(said, dict) or {name: type(value) for name, value in said.items()} != members:
            raise StoreKeyError(f"{path} is damaged", hint=_BEGIN_ANEW)
        # Where there are key files, the key's id becomes a part of a path.
        if not KEY_ID.fullmatch(said["kid"]) or not _MAC.fullmatch(said["mac"]):
            raise StoreKeyError(f"{path} was changed", hint=_BEGIN_ANEW)
        return cls(said["key"], said["kid"], said["mac"])

    def write(self, path: Path) -> None:
        """Writes it to a path.

        Raises:
            OSError: it cannot be written.
        """
        said = {"v": _VERSION, "key": self.source, "kid": self.kid, "mac": self.mac}
        _private_file.replace(path, json.dumps(said).encode() + b"\n")

    def key(self, source: KeySource, path: Path, known: bytes | None = None) -> bytes:
        """The key that it records.

        Args:
            source: where the key comes from now.
            path: where the record is.
            known: the key that was read before, if one was.

        Raises:
            StoreKeyError: the key has another source now, is another one, or the record was changed.
        """
        if source.name != self.source:
            raise StoreKeyError(
                f"the tokens are sealed with a key from {self.source!r} (recorded in {path}), "
                f"and the key comes from {source.name!r} now",
                hint=f"give that key again, or {_BEGIN_ANEW}",
            )
        key = known if known is not None and key_id(known) == self.kid else source.read(self.kid)
        if key_id(key) != self.kid:
            raise StoreKeyError(
                f"the key from {source.name!r} is not the one that the tokens are sealed with",
                hint=f"give that key again, or {_BEGIN_ANEW}",
            )
        if not hmac.compare_digest(Record.of(self.source, key).mac, self.mac):
            raise StoreKeyError(f"{path} was changed", hint=_BEGIN_ANEW)
        return key
