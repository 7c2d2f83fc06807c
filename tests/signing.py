"""Private keys to sign with, as text, and what a token request says of who signs."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())
KEYS: Mapping[str, Any] = {
    "RS256": RSA,
    "ES256": EC,
    "ES384": ec.generate_private_key(ec.SECP384R1()),
    "ES512": ec.generate_private_key(ec.SECP521R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
    "EdDSA, 448": ed448.Ed448PrivateKey.generate(),
}
"""A key for each algorithm."""


def pem(
    key: PrivateKeyTypes, form: PrivateFormat = PrivateFormat.PKCS8, *, passphrase: bytes | None = None
) -> str:
    """A private key as a file has it."""
    closed = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    return key.private_bytes(Encoding.PEM, form, closed).decode()


def public_pem(key: Any) -> str:
    """The public half of a private key."""
    found: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return found.decode()


def certificate(key: Any) -> x509.Certificate:
    """A certificate of a key by itself."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "nightly")])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .sign(key, hashes.SHA256())
    )


def key_file(key: Any, **changes: str) -> str:
    """The key file of a service account, as Google writes it."""
    said = {
        "type": "service_account",
        "project_id": "acme",
        "private_key_id": "0123456789",
        "private_key": pem(key),
        "client_email": "service@acme.test",
        "client_id": "1",
        "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "token_uri": "https://oauth2.googleapis.com/token",
    }
    return json.dumps(said | changes, indent=2)


def form_of(request: Any) -> dict[str, str]:
    """The form in a request, as a server reads it."""
    return dict(parse_qsl(str(request.body), keep_blank_values=True, strict_parsing=True))


def opened(assertion: str, key: Any, algorithm: str, audience: str) -> dict[str, Any]:
    """What an assertion says, whose signature, end and audience are verified."""
    found: dict[str, Any] = jwt.decode(
        assertion, key, algorithms=[algorithm], audience=audience, options={"require": ["exp", "iat", "jti"]}
    )
    return found
