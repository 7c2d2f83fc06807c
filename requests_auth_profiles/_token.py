"""Token: what a provider issued, and when it ends."""

import math
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from typing import Any, Self

from requests_auth_profiles._proof import ProofKey

__all__ = ["RefreshUnusable", "Token", "jwt_expires_at"]

_CLOCK_SECONDS = 300.0
_LAST_EXPIRES_AT = 253402300800  # the end of the year 9999


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What a provider issued (RFC 6749 section 5.1), without a secret in its repr.

    Args:
        access_token: what is sent to the API.
        token_type: how it is sent: `Bearer`, or `DPoP` where it is bound to a key.
        expires_at: epoch seconds from which the API refuses it; None = the provider did not say.
        refresh_token: what renews it, if the provider gave one.
        id_token: who signed in (OpenID Connect Core section 2), if that was asked for.
        scope: what was granted, space-separated; None = just what was asked for.
        issued_for: a fingerprint of the client, provider and request that it was issued for.
        obtained_at: epoch seconds at which we got it; 0 = unknown.
        dpop_jwk: the key that it and its refresh token are bound to (RFC 9449), as a private JWK; None = they
            are good in anybody's hands.
    """

    access_token: str = field(repr=False)
    token_type: str = "Bearer"
    expires_at: float | None = None
    refresh_token: str | None = field(default=None, repr=False)
    id_token: str | None = field(default=None, repr=False)
    scope: str | None = None
    issued_for: str = ""
    obtained_at: float = 0
    dpop_jwk: str | None = field(default=None, repr=False)

    def fresh(self, now: float, early_expiry: float) -> bool:
        """Whether it is still good at `now` (epoch seconds), `early_expiry` seconds ahead of its end."""
        # Got in the future: a clock was wrong then or is now, so nothing is known of its end.
        on_time = self.obtained_at <= now + _CLOCK_SECONDS
        return on_time and (self.expires_at is None or now + early_expiry < self.expires_at)

    def due(self, now: float, early_expiry: float) -> bool:
        """Whether to renew it at `now`: `early_expiry` seconds ahead of its end, or half of its life if less.

        A token that lives shorter than the early expiry would else be renewed for each request.
        """
        soon = not self.fresh(now, early_expiry)
        if not soon or self.expires_at is None or self.obtained_at <= 0 or not self.fresh(now, 0):
            return soon
        return self.expires_at - now <= now - self.obtained_at

    def living(self, now: float) -> dict[str, str]:
        """What is good of it at `now`, by its names in RFC 7009 section 2.1: until when, for people."""
        found = {}
        if self.refresh_token:
            found["refresh_token"] = "its refresh token is good until it is ended there"
        if self.expires_at is None:
            found["access_token"] = "its access token is good until it is ended there"
        elif now < self.expires_at:
            end = datetime.fromtimestamp(min(self.expires_at, _LAST_EXPIRES_AT - 1), UTC)
            found["access_token"] = f"its access token is good until {end:%Y-%m-%d %H:%M} UTC"
        return found

    def __reduce__(self) -> Any:
        raise TypeError("a token is not pickled or copied, as it would carry its secrets")

    def to_json(self) -> dict[str, Any]:
        """A JSON object of what is known, the secrets included: only for a sealed document."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @classmethod
    def from_json(cls, document: object) -> Self:
        """The token that `to_json` wrote; members that a newer version added are passed over.

        Raises:
            ValueError: it is not such an object.
        """
        if not isinstance(document, dict):
            raise ValueError("not a JSON object")
        known = {item.name: document[item.name] for item in fields(cls) if item.name in document}
        for name, value in known.items():
            if name in {"expires_at", "obtained_at"}:
                number = isinstance(value, (int, float)) and not isinstance(value, bool)
                if not number or not abs(value) < math.inf:
                    raise ValueError(f"{name} is not a number")
            elif not isinstance(value, str):
                raise ValueError(f"{name} is not a string")
        if not known.get("access_token"):
            raise ValueError("no access_token")
        if "dpop_jwk" in known and ProofKey.read(known["dpop_jwk"]) is None:
            raise ValueError("dpop_jwk is no key")  # and without it the tokens are good for nothing
        return cls(**known)


class RefreshUnusable(Exception):
    """A refresh that brought another refresh token, and nothing else that can be used.

    Args:
        error: what is wrong with the rest.
        token: the token that was to be refreshed, with the refresh token that is good now.
    """

    def __init__(self, error: Exception, token: Token) -> None:
        super().__init__(str(error))
        self.error = error
        self.token = token


def jwt_expires_at(access_token: str) -> float | None:
    """When a token that happens to be a JWT says it ends; it is a help, no proof, so all else is unknown."""
    if access_token.count(".") != 2:  # noqa: PLR2004  RFC 7515 section 7.1
        return None
    import jwt

    try:
        expires_at: Any = jwt.decode(access_token, options={"verify_signature": False}).get("exp")
    except (jwt.PyJWTError, ValueError, RecursionError):
        return None
    number = isinstance(expires_at, (int, float)) and not isinstance(expires_at, bool)
    return float(expires_at) if number and 0 < expires_at < _LAST_EXPIRES_AT else None
