"""A key wrapped by a passphrase: by AES-256-GCM, with a key that scrypt (RFC 7914) makes of it."""

import base64
import binascii
import os
import re
from typing import TYPE_CHECKING

from requests_auth_profiles.errors import StoreKeyError
from requests_auth_profiles.stores._importing import IMPORTING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

__all__ = ["unwrap", "wrap"]

_LEAST_CHARACTERS = 8
_LOG2_N = 17  # RFC 7914 section 2: 128 MiB and some half a second for each guess
_MOST_LOG2_N = 18  # it is read before anything is proved: who can write it must not fill the memory
_SALT_BYTES = 16
_NONCE_BYTES = 12  # NIST SP 800-38D section 8.2.1
_FORM = re.compile(r"scrypt\$(\d{1,2})\$([\w-]{22})\$([\w-]{16})\$([\w-]{64})")


def wrap(key: bytes, passphrase: bytes) -> str:
    """A key as only who knows the passphrase can have it again: `scrypt$17$SALT$NONCE$KEY`.

    Args:
        key: the key, 32 bytes.
        passphrase: in UTF-8; at least 8 characters.

    Raises:
        StoreKeyError: the passphrase is short enough to be guessed.
    """
    if len(passphrase.decode()) < _LEAST_CHARACTERS:
        raise StoreKeyError(
            f"the passphrase of the token store has less than {_LEAST_CHARACTERS} characters",
            hint="take some words that nobody would put together",
        )
    salt, nonce = os.urandom(_SALT_BYTES), os.urandom(_NONCE_BYTES)
    head = f"scrypt${_LOG2_N}${_encode(salt)}"
    cipher = _cipher(passphrase, salt, _LOG2_N)
    return f"{head}${_encode(nonce)}${_encode(cipher.encrypt(nonce, key, head.encode()))}"


def unwrap(wrapped: str, passphrase: bytes, where: str) -> bytes:
    """The key that `wrap` wrapped.

    Args:
        wrapped: what it gave.
        passphrase: in UTF-8.
        where: where that stands, for the message.

    Raises:
        StoreKeyError: it is another passphrase, or what stands there was changed.
    """
    with IMPORTING:
        from cryptography.exceptions import InvalidTag

    found = _FORM.fullmatch(wrapped)
    if found is None or not 0 < (log2_n := int(found[1])) <= _MOST_LOG2_N:
        raise StoreKeyError(f"{where} was changed", hint="begin anew: requests-auth store clear")
    try:
        salt, nonce, ct = (_decode(found[part]) for part in (2, 3, 4))
        head, _, _ = wrapped.rpartition("$")[0].rpartition("$")
        return _cipher(passphrase, salt, log2_n).decrypt(nonce, ct, head.encode())
    except (InvalidTag, binascii.Error):
        raise StoreKeyError(
            f"the passphrase is not the one that the token store was made with ({where})",
            hint="give that passphrase again, or begin anew: requests-auth store clear",
        ) from None


def _cipher(passphrase: bytes, salt: bytes, log2_n: int) -> "AESGCM":
    with IMPORTING:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    return AESGCM(Scrypt(salt=salt, length=32, n=1 << log2_n, r=8, p=1).derive(passphrase))


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
