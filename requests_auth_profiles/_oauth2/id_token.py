"""The ID token: is it for us, from whom we asked, of this sign-in (OpenID Connect Core 3.1.3.7)?"""

import base64
import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from requests_auth_profiles.errors import InvalidToken

__all__ = ["Expected", "subject_of"]

_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
_SKEW_SECONDS = 120
_SIGNATURE_ONLY: Any = {
    f"verify_{claim}": False for claim in ("aud", "exp", "iat", "iss", "nbf", "sub", "jti")
}


@dataclass(frozen=True, slots=True)
class Expected:
    """What an ID token must say.

    The signature of one that came straight from the token endpoint is not looked at: TLS to that endpoint
    vouches for the issuer (3.1.3.7, item 6). One that came through the browser must be verified (3.2.2.11).

    Args:
        client_id: us; None = whoever it is for.
        issuer: the issuer, where the profile names it.
        nonce: what the authorization request carried; None where there was none, as in a refresh.
        subject: who signed in, where that is known already (section 12.2).
        keys: gives the provider's (RFC 7517 section 5), to verify the signature with; None, itself or what it
            gives = it is not looked at.
    """

    client_id: str | None
    issuer: str | None
    nonce: str | None = None
    subject: str | None = None
    keys: Callable[[], Mapping[str, Any] | None] | None = field(default=None, repr=False)

    def check(self, id_token: str, access_token: str, now: float) -> None:
        """Looks whether an ID token is what is expected, beside an access token, at `now` (epoch seconds).

        Raises:
            InvalidToken: it is not for us, not from there, not of this sign-in, or not of this time.
            RequestsAuthException: what `keys` raises.
        """
        header, claims = _read(id_token)
        algorithm = header.get("alg")
        if algorithm not in _ALGORITHMS:
            problem = "is not signed as it must be"
        else:
            problem = self._problem(claims, now) or _other_access_token(claims, algorithm, access_token)
        # The signature last: the provider is not asked for its keys where the token cannot be ours anyway.
        if not problem and self.keys is not None:
            keys = self.keys()
            problem = (
                "" if keys is None or _is_signed(id_token, header, keys) else "is not signed by the provider"
            )
        if problem:
            raise InvalidToken(
                f"the ID token {problem}; nothing that came with it is kept", hint="sign in again"
            )

    def _problem(self, claims: dict[str, Any], now: float) -> str:
        audience, party = claims.get("aud"), claims.get("azp")
        audiences = audience if isinstance(audience, list) else [audience]
        us = audiences[0] if self.client_id is None and len(audiences) == 1 else self.client_id
        not_ours = party != us and (party is not None or len(audiences) > 1)
        expires_at, issued_at = _seconds(claims.get("exp")), _seconds(claims.get("iat"))
        for wrong, problem in (
            (self.issuer is not None and claims.get("iss") != self.issuer, "is from another issuer"),
            (us not in audiences, "is for another client"),
            (not_ours, "was issued to another client"),
            (expires_at is None or expires_at < now - _SKEW_SECONDS, "has expired"),
            (issued_at is None or issued_at > now + _SKEW_SECONDS, "is from the future"),
            (self.nonce is not None and claims.get("nonce") != self.nonce, "is of another sign-in"),
            (self.subject is not None and claims.get("sub") != self.subject, "is of somebody else"),
            (not isinstance(claims.get("sub"), str) or not claims["sub"], "names nobody"),
        ):
            if wrong:
                return problem
        return ""


def subject_of(id_token: str | None) -> str | None:
    """Who signed in, as an ID token says that was checked when it came."""
    subject = _read(id_token or "")[1].get("sub")
    return subject if isinstance(subject, str) else None


def _read(id_token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Its header and claims, which are not verified; empty where it is none."""
    import jwt

    try:
        whole = jwt.decode_complete(id_token, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, RecursionError):
        return {}, {}
    return whole["header"], whole["payload"]


def _is_signed(id_token: str, header: Mapping[str, Any], keys: Mapping[str, Any]) -> bool:
    """Whether one of these keys, the one that the header names if it names one, verifies the signature."""
    import jwt

    listed = keys["keys"] if isinstance(keys.get("keys"), list) else []
    # A key need not say its algorithm (RFC 7517 section 4.4): then it is one for that of the header, or none.
    told = [{**key, "alg": key.get("alg") or header["alg"]} for key in listed if isinstance(key, dict)]
    try:
        # One for another algorithm, which may be `none`, cannot have signed this, and spoils no other.
        known = jwt.PyJWKSet([key for key in told if key["alg"] == header["alg"]]).keys
    except jwt.PyJWTError:
        return False
    named = [key for key in known if header.get("kid") is None or key.key_id == header["kid"]]
    for key in named:
        try:
            jwt.decode(id_token, key, algorithms=[header["alg"]], options=_SIGNATURE_ONLY)
        except (jwt.PyJWTError, ValueError, TypeError):
            continue
        return True
    return False


def _seconds(value: object) -> float | None:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return None
    # Compared, not converted: an integer may be too large for a float.
    return value if abs(value) < math.inf else None


def _other_access_token(claims: dict[str, Any], algorithm: str, access_token: str) -> str:
    """What is wrong with `at_hash` (3.1.3.8), which need not be there, nor does EdDSA say how it is made."""
    if not access_token or "at_hash" not in claims or algorithm == "EdDSA":
        return ""
    digest = hashlib.new(f"sha{algorithm[2:]}", access_token.encode()).digest()
    half = base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
    return "" if claims["at_hash"] == half else "came with another access token"
