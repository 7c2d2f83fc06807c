"""Sealing: a token as an encrypted document, bound to the name that it is kept under.

AES-256-GCM under a key of its own for each document (HKDF-SHA-256 of the store's key and a random salt), so
that no number of writes wears a key out; all that stands beside the ciphertext is authenticated with it.
"""

import base64
import binascii
import json
import os
import re
from dataclasses import dataclass, field
from typing import Any, Self

from requests_auth_profiles._token import Token
from requests_auth_profiles.stores._importing import IMPORTING

__all__ = [
    "KEY_BYTES",
    "KEY_ID",
    "Document",
    "SealError",
    "VersionError",
    "derive",
    "key_id",
    "open_document",
    "seal",
]

KEY_BYTES = 32
KEY_ID = re.compile(r"[0-9a-f]{16}")

_VERSION = 1
_ALGORITHM = "A256GCM"
_SALT_BYTES = 32
_NONCE_BYTES = 12  # NIST SP 800-38D section 8.2.1
_KEY_ID_BYTES = 8
_BLOCK_BYTES = 512  # so that the size tells little of what is inside
_LENGTH_BYTES = 4
_CONTEXT = b"requests-auth-profiles/token-document\0"
_NAMES = ("v", "alg", "kid", "profile", "seq", "salt", "nonce", "ct")


class SealError(ValueError):
    """A document that is damaged, was changed, or belongs to another name."""


class VersionError(ValueError):
    """A document of another version of this library, whose form is not known here."""


@dataclass(frozen=True, slots=True)
class Document:
    """A sealed token, as it stands in the store.

    Args:
        kid: which key it was sealed with.
        profile: the name that it is kept under.
        seq: grows with each write of this name.
        salt: what its own key was derived with.
        nonce: the nonce of the cipher.
        ct: the ciphertext, its tag at the end.
    """

    kid: str
    profile: str
    seq: int
    salt: bytes = field(repr=False)
    nonce: bytes = field(repr=False)
    ct: bytes = field(repr=False)

    def to_bytes(self) -> bytes:
        """The document as JSON: in one way only."""
        return _canonical({**self._header(), "ct": _encode(self.ct)}) + b"\n"

    @property
    def associated_data(self) -> bytes:
        """What is authenticated beside the ciphertext."""
        return _CONTEXT + _canonical(self._header())

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """The document that `to_bytes` wrote.

        Raises:
            VersionError: it is of another version.
            SealError: it is none, or written in another way than ours.
        """
        try:
            said: Any = json.loads(data)
        except (ValueError, RecursionError):
            raise SealError("is not JSON") from None
        if not isinstance(said, dict):
            raise SealError("is not a JSON object")
        if type(said.get("v")) is int and (said["v"] != _VERSION or said.get("alg") != _ALGORITHM):
            raise VersionError("is of another version")
        if tuple(said) != _NAMES or type(said["seq"]) is not int:
            raise SealError("has other members than it should")
        if not all(isinstance(said[name], str) for name in ("kid", "profile", "salt", "nonce", "ct")):
            raise SealError("has members of the wrong type")
        if not KEY_ID.fullmatch(said["kid"]):
            raise SealError("names no key")  # and perhaps a path, where a key file is looked for
        document = cls(
            said["kid"],
            said["profile"],
            said["seq"],
            _decode(said["salt"]),
            _decode(said["nonce"]),
            _decode(said["ct"]),
        )
        # White space, escapes, another order, a name twice: one document has one form.
        if document.to_bytes() != data:
            raise SealError("is written in another way than ours")
        return document

    def _header(self) -> dict[str, Any]:
        return {
            "v": _VERSION,
            "alg": _ALGORITHM,
            "kid": self.kid,
            "profile": self.profile,
            "seq": self.seq,
            "salt": _encode(self.salt),
            "nonce": _encode(self.nonce),
        }


def seal(token: Token, *, key: bytes, profile: str, seq: int) -> Document:
    """A token, sealed for a name.

    Args:
        token: what is kept.
        key: the store's key, 32 bytes.
        profile: the name that it is kept under.
        seq: a number greater than that of the document before.
    """
    with IMPORTING:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    text = json.dumps(token.to_json()).encode()
    plain = len(text).to_bytes(_LENGTH_BYTES) + text
    plain += bytes(-len(plain) % _BLOCK_BYTES)
    document = Document(key_id(key), profile, seq, os.urandom(_SALT_BYTES), os.urandom(_NONCE_BYTES), b"")
    cipher = AESGCM(derive(key, "document", document.salt))
    ct = cipher.encrypt(document.nonce, plain, document.associated_data)
    return Document(document.kid, profile, seq, document.salt, document.nonce, ct)


def open_document(document: Document, *, key: bytes, profile: str) -> Token:
    """The token in a document.

    Args:
        document: one whose `kid` is that of the key.
        key: the store's key, 32 bytes.
        profile: the name that it is kept under.

    Raises:
        SealError: it is damaged, was changed, or was sealed for another name.
    """
    with IMPORTING:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if document.profile != profile:
        raise SealError("was sealed for another name")
    if len(document.nonce) != _NONCE_BYTES:
        raise SealError("has a nonce of the wrong length")
    cipher = AESGCM(derive(key, "document", document.salt))
    try:
        plain = cipher.decrypt(document.nonce, document.ct, document.associated_data)
    except InvalidTag:
        raise SealError("is damaged or was changed") from None
    length = int.from_bytes(plain[:_LENGTH_BYTES])
    try:
        return Token.from_json(json.loads(plain[_LENGTH_BYTES : _LENGTH_BYTES + length]))
    except ValueError:
        raise SealError("holds no token") from None


def derive(key: bytes, purpose: str, salt: bytes = b"", length: int = KEY_BYTES) -> bytes:
    """A key for one purpose (HKDF-SHA-256, RFC 5869)."""
    with IMPORTING:
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    info = f"requests-auth-profiles/{purpose}/v1".encode()
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=info).derive(key)


def key_id(key: bytes) -> str:
    """What tells one key from another, and nothing of the key: 16 hex digits."""
    return derive(key, "kid", length=_KEY_ID_BYTES).hex()


def _canonical(members: dict[str, Any]) -> bytes:
    return json.dumps(members, separators=(",", ":")).encode()


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise SealError("has a member that is not base64url") from None
