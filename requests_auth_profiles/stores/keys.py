"""The key of a store: where it comes from."""

import base64
import binascii
import logging
import os
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from requests_auth_profiles import _private_file
from requests_auth_profiles.errors import StoreKeyError
from requests_auth_profiles.stores._passphrase import unwrap, wrap
from requests_auth_profiles.stores._unavailable import unavailable
from requests_auth_profiles.stores.record import BEGIN_ANEW, Entry
from requests_auth_profiles.stores.sealing import KEY_BYTES, key_id

__all__ = ["KeySource", "decode_key", "key_files"]

_LIMIT = 64 * 1024
_LOG = logging.getLogger("requests_auth_profiles")
_NEW_KEY = "openssl rand -base64 32"


@dataclass(frozen=True, slots=True)
class KeySource:
    """Where the key of a store comes from.

    Args:
        name: what the record says of it.
        read: gives the key; its argument is the id of the key that is wanted, empty where none is known.
        create: makes a new key and keeps it; None = the key is there already.
        forget: removes the key of that id, if it is there; None = it is not ours to remove.
        is_passphrase: what `read` gives is a passphrase (UTF-8): each key is a random one, which the record
            holds wrapped by it.
        is_former: only keys that are being replaced are looked for here; no store takes its key from here.
    """

    name: str
    read: Callable[[str], bytes]
    create: Callable[[], bytes] | None = None
    forget: Callable[[str], None] | None = None
    is_passphrase: bool = False
    is_former: bool = False

    def first(self) -> tuple[bytes, Entry]:
        """A key to seal with from now on: a new one, where the source makes them.

        Raises:
            StoreKeyError: it gives none here.
        """
        if self.is_passphrase:
            key = os.urandom(KEY_BYTES)
            return key, Entry(self.name, key_id(key), wrap(key, self.read("")))
        key = self.read("") if self.create is None else self.create()
        return key, Entry(self.name, key_id(key))

    def key(self, entry: Entry, where: str) -> bytes:
        """The key of an entry.

        Args:
            entry: what is recorded.
            where: where that is, for the message.

        Raises:
            StoreKeyError: it is missing, or another one.
        """
        key = self.read(entry.kid)
        if entry.wrapped:
            key = unwrap(entry.wrapped, key, where)
        if key_id(key) != entry.kid:
            raise StoreKeyError(
                f"the key from {self.name!r} is not the one that the tokens are sealed with",
                hint=f"give that key again, or {BEGIN_ANEW}",
            )
        return key


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
                f"the key file of the token store is missing: {path}", hint=f"restore it, or {BEGIN_ANEW}"
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
