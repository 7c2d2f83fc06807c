"""Proofs that a request comes from whoever a token was issued to (RFC 9449), and the keys that sign them."""

import hashlib
import json
import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit, urlunsplit

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

__all__ = ["Nonces", "ProofKey"]

_OCTETS = 32  # of each number of a key on P-256 (RFC 7518 section 6.2.1.2)
_NONCE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,4096}")  # RFC 9449 section 8.1
_MOST_ORIGINS = 64


class ProofKey:
    """A key that a token is bound to: whoever has the token and not the key can do nothing with it.

    Args:
        key: the key, on P-256.
    """

    __slots__ = ("_key", "_public")

    def __init__(self, key: "EllipticCurvePrivateKey") -> None:
        self._key = key
        numbers = key.public_key().public_numbers()
        self._public = {"crv": "P-256", "kty": "EC", "x": _written(numbers.x), "y": _written(numbers.y)}

    @classmethod
    def made(cls) -> Self:
        """A new one."""
        from cryptography.hazmat.primitives.asymmetric import ec

        return cls(ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def read(cls, jwk: str) -> Self | None:
        """The one that a text of `jwk` is; None where it cannot be read, or its halves do not match."""
        from cryptography.hazmat.primitives.asymmetric import ec

        try:
            said: Any = json.loads(jwk)
            found = cls(ec.derive_private_key(_number(said["d"]), ec.SECP256R1()))
        except (ValueError, TypeError, LookupError, RecursionError):
            return None
        return found if found._public.items() <= said.items() else None

    @property
    def jwk(self) -> str:
        """The key itself as JSON (RFC 7517), for a sealed document only."""
        return json.dumps(self._public | {"d": _written(self._key.private_numbers().private_value)})

    @property
    def thumbprint(self) -> str:
        """What tells the provider beforehand which key it will be (RFC 9449 section 10, RFC 7638)."""
        return _digest(json.dumps(self._public, separators=(",", ":"), sort_keys=True))

    def proof(
        self, method: str, url: str, *, at: float, nonce: str | None, access_token: str | None = None
    ) -> str:
        """A proof for one request (RFC 9449 section 4.2).

        Args:
            method: its method.
            url: its URL; the query and what else is nobody's business is left out.
            at: now (epoch seconds).
            nonce: what the server wants to see in it, if it said.
            access_token: the token that is sent with it; None = one is asked for.
        """
        import jwt

        parts = urlsplit(url)
        bare = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
        claims: dict[str, Any] = {
            "jti": secrets.token_urlsafe(24),
            "htm": method,
            "htu": bare,
            "iat": int(at),
            **({} if nonce is None else {"nonce": nonce}),
            **({} if access_token is None else {"ath": _digest(access_token)}),
        }
        headers = {"typ": "dpop+jwt", "jwk": self._public}
        return jwt.encode(claims, self._key, algorithm="ES256", headers=headers)

    def __reduce__(self) -> Any:
        raise TypeError("a key is not pickled or copied")


class Nonces:
    """What servers want to see in the next proof: for each the last that it said (RFC 9449 section 8.2).

    Threads share it without a lock: what is known is replaced as a whole. At worst one of two that hear of
    something at the same time is forgotten, and its server says it again.
    """

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], str] = {}

    def of(self, url: str) -> str | None:
        """The one for a URL; None where its server has said none."""
        return self._known.get(_server(url))

    def hear(self, url: str, headers: Mapping[str, str]) -> bool:
        """Takes note of the one that an answer has; False = it has none that could be sent.

        Args:
            url: what was called.
            headers: those of the answer, by name without regard to case.
        """
        said = headers.get("DPoP-Nonce")
        if said is None or not _NONCE.fullmatch(said):
            return False
        server, known = _server(url), self._known
        if known.get(server) != said:
            others = [(one, nonce) for one, nonce in known.items() if one != server]
            self._known = dict([*others[1 - _MOST_ORIGINS :], (server, said)])
        return True


def _server(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.rpartition("@")[2].lower()


def _written(number: int) -> str:
    return urlsafe_b64encode(number.to_bytes(_OCTETS, "big")).rstrip(b"=").decode()


def _number(text: str) -> int:
    return int.from_bytes(urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")


def _digest(text: str) -> str:
    return urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
