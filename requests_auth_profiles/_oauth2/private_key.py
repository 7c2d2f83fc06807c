"""Private keys that sign for a client: as PEM, as a JWK, or in the key file of a service account."""

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

__all__ = ["Account", "PrivateKey", "Unusable", "account_of", "private_key_of"]

_LEAST_RSA_BITS = 2048
_PEM = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----.+?-----END \1-----", re.DOTALL)
_CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
_ANOTHER = "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out private.pem"
_RSA = frozenset(f"{kind}{bits}" for kind in ("RS", "PS") for bits in (256, 384, 512))


class Unusable(NamedTuple):
    """Why a text is no key that can sign: nothing of the text is in it.

    Args:
        problem: what is wrong.
        hint: what to do about it.
    """

    problem: str
    hint: str


@dataclass(frozen=True, slots=True)
class Account:
    """What the key file of a service account says besides its key, as Google's do.

    Args:
        email: whose key it is, the issuer of what it signs.
        token_url: the token endpoint that takes that; empty = it does not say.
    """

    email: str
    token_url: str


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A key, and how it signs.

    Args:
        key: the key, as `cryptography` has it.
        algorithm: how it signs (RFC 7518 section 3.1, RFC 8037 section 3.1).
        headers: what tells the provider which key it is.
    """

    key: Any = field(repr=False)
    algorithm: str
    headers: dict[str, str]


def account_of(text: str) -> Account | None:
    """Whose key file a text is; None where it is none."""
    said = _json(text)
    if said is None or not isinstance(said.get("client_email"), str):
        return None
    return Account(said["client_email"], str(said.get("token_uri") or ""))


def private_key_of(text: str) -> PrivateKey | Unusable:
    """The key that a text is, or why it is none."""
    said = _json(text)
    if said is None:
        return _of_pem(text)
    if "kty" in said:
        return _of_jwk(said)
    inner = said.get("private_key")
    if not isinstance(inner, str):
        return Unusable("is JSON, and neither a JWK nor a key file", "give the key in PEM, or one JWK")
    found = _of_pem(inner)
    key_id = said.get("private_key_id")
    if isinstance(found, PrivateKey) and isinstance(key_id, str):
        found.headers["kid"] = key_id
    return found


def _json(text: str) -> dict[str, Any] | None:
    if not text.lstrip().startswith("{"):
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _of_pem(text: str) -> PrivateKey | Unusable:
    if "\\n" in text:  # as in a variable that can have no line breaks
        text = text.replace("\\n", "\n")
    blocks = [(found[1], found[0].encode()) for found in _PEM.finditer(text)]
    block = next((data for label, data in blocks if label.endswith("PRIVATE KEY")), b"")
    if (problem := _unfit(block, [label for label, _ in blocks])) is not None:
        return problem
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(block, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return Unusable("is no key in PEM that can be read", "openssl pkey -noout -in FILE")
    found = _made(key, "")
    certificate = next((data for label, data in blocks if label == "CERTIFICATE"), b"")
    return _certified(found, certificate) if certificate and isinstance(found, PrivateKey) else found


def _unfit(block: bytes, labels: list[str]) -> Unusable | None:
    """What is wrong with a PEM as far as that can be told without opening it."""
    if not block:
        kind = labels[0] if labels else ""
        if kind.endswith("PUBLIC KEY"):
            return Unusable("is a public key", "give the private key that belongs to it")
        if kind == "CERTIFICATE":
            return Unusable("is a certificate, without its key", "put its private key into the same file")
        return Unusable("is neither a key in PEM nor a JWK", "begin it with -----BEGIN PRIVATE KEY-----")
    if b"ENCRYPTED" in block:
        hint = "openssl pkey -in FILE -out private.pem, and keep that where only you can read it"
        return Unusable("is encrypted with a passphrase, which nobody asks for", hint)
    if b"OPENSSH" in block:
        return Unusable("is in the form of OpenSSH, not PEM", "ssh-keygen -p -m PKCS8 -f FILE")
    return None


def _of_jwk(said: dict[str, Any]) -> PrivateKey | Unusable:
    if said["kty"] == "oct":
        return Unusable("is a shared secret, not a private key", 'client_auth = "client_secret_jwt"')
    if "d" not in said:
        return Unusable("is a public key", "give the JWK with its private part")
    from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
    from jwt.exceptions import PyJWTError

    kinds: dict[str, Any] = {"RSA": RSAAlgorithm, "EC": ECAlgorithm, "OKP": OKPAlgorithm}
    algorithm = said.get("alg")
    try:
        key: Any = kinds[said["kty"]].from_jwk(said)
    except (PyJWTError, ValueError, TypeError, KeyError):
        return Unusable("is a JWK that cannot be read", "give one of kty RSA, EC or OKP (RFC 7518, RFC 8037)")
    found = _made(key, algorithm if isinstance(algorithm, str) else "")
    if isinstance(found, PrivateKey) and isinstance(said.get("kid"), str):
        found.headers["kid"] = said["kid"]
    return found


def _made(key: "PrivateKeyTypes", said: str) -> PrivateKey | Unusable:
    """A key with its algorithm: the one that a JWK says, else the usual one of its kind."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa

    if isinstance(key, rsa.RSAPrivateKey):
        if key.key_size < _LEAST_RSA_BITS:
            return Unusable(f"has {key.key_size} bits: RFC 7518 section 3.3 wants 2048", _ANOTHER)
        can = _RSA
        usual = "RS256"  # what all have to know (OpenID Connect Core section 15.1)
    elif isinstance(key, ec.EllipticCurvePrivateKey):
        usual = _CURVES.get(key.curve.name, "")
        can = frozenset({usual})
    elif isinstance(key, (ed25519.Ed25519PrivateKey, ed448.Ed448PrivateKey)):
        usual, can = "EdDSA", frozenset({"EdDSA"})
    else:
        usual, can = "", frozenset()
    if not usual:
        return Unusable("is of a kind that signs no tokens", _ANOTHER)
    if said and said not in can:
        return Unusable("says an alg that is not for a key of its kind", f'"alg": "{usual}", or none')
    return PrivateKey(key, said or usual, {})


def _certified(found: PrivateKey, pem: bytes) -> PrivateKey | Unusable:
    """A key that its certificate stands beside, by which Microsoft Entra ID knows it."""
    import base64

    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.x509 import load_pem_x509_certificate

    try:
        certificate = load_pem_x509_certificate(pem)
        belongs = certificate.public_key() == found.key.public_key()
    except ValueError:
        belongs = False
    if not belongs:
        return Unusable("has a certificate beside it that is not of this key", "openssl x509 -noout -in FILE")
    digest = base64.urlsafe_b64encode(certificate.fingerprint(SHA256())).rstrip(b"=").decode()
    algorithm = "PS256" if found.algorithm == "RS256" else found.algorithm  # what Entra wants with it
    return PrivateKey(found.key, algorithm, {"x5t#S256": digest})
