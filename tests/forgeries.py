"""ID tokens that somebody else made."""

import base64
import hmac
import json
from typing import Any

import jwt
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm

from requests_auth_profiles.testing._signer import Signer

Claims = dict[str, Any]


def of_another(_: Signer, claims: Claims) -> str:
    """Signed by somebody who calls their key as the provider calls its own."""
    return Signer().id_token(claims)


def unsigned(_: Signer, claims: Claims) -> str:
    """Without a signature, and it says so."""
    return jwt.encode(claims, None, "none")


def of_public_key(provider: Signer, claims: Claims) -> str:
    """HS256 with the provider's public key for a secret, which anyone could make."""
    public = ECAlgorithm.from_jwk(provider.jwks()["keys"][0]).public_bytes(
        Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
    )
    head = ".".join(_encoded(json.dumps(part).encode()) for part in ({"alg": "HS256", "kid": "1"}, claims))
    return f"{head}.{_encoded(hmac.digest(public, head.encode(), 'sha256'))}"  # PyJWT declines to


def changed(provider: Signer, claims: Claims) -> str:
    """What the provider signed, with another person in it afterwards."""
    head, _, signature = provider.id_token(claims).split(".")
    return f"{head}.{_encoded(json.dumps(claims | {'sub': 'eve'}).encode())}.{signature}"


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
