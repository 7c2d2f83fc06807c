"""ID tokens of an authorization server, and the key that they are signed with."""

import base64
import functools
import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

__all__ = ["Signer"]

_KEY_ID = "1"


class Signer:
    """Signs with a key of its own (ES256), made when it is first needed."""

    def jwks(self) -> dict[str, Any]:
        """What verifies its signatures (RFC 7517 section 5)."""
        from jwt.algorithms import ECAlgorithm

        public = ECAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        return {"keys": [public | {"kid": _KEY_ID, "use": "sig", "alg": "ES256"}]}

    def id_token(self, claims: Mapping[str, Any], access_token: str = "") -> str:
        """A signed ID token (OpenID Connect Core section 2).

        Args:
            claims: what it says.
            access_token: what it comes with, for `at_hash`; empty = it comes alone.
        """
        import jwt

        more = {"at_hash": _half_hash(access_token)} if access_token else {}
        return jwt.encode({**claims, **more}, self._key, algorithm="ES256", headers={"kid": _KEY_ID})

    @functools.cached_property
    def _key(self) -> "EllipticCurvePrivateKey":
        from cryptography.hazmat.primitives.asymmetric import ec

        return ec.generate_private_key(ec.SECP256R1())


def _half_hash(access_token: str) -> str:
    """OpenID Connect Core 3.1.3.6."""
    digest = hashlib.sha256(access_token.encode()).digest()
    return base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()
