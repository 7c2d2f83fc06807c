"""Token: what a provider issued, and when it ends."""

import math
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any, Self

from requests_auth_profiles._proof import ProofKey

__all__ = ["RefreshUnusable", "Stage", "Token", "jwt_expires_at"]

_CLOCK_SECONDS = 300.0
_AHEAD_SECONDS = 300.0
_AHEAD_PART = 0.1
_LATEST_PART = 0.5
_SENDINGS = 2
# What is seldom said to be granted, though it is: it shows in other tokens than the access token.
_SELDOM_SAID = {"openid", "profile", "email", "offline_access", ".default"}
_LAST_EXPIRES_AT = 253402300800  # the end of the year 9999


class Stage(IntEnum):
    """How far a token is in its life; it only goes on."""

    GOOD = 0
    """It is used as it is."""
    AGEING = 1
    """One renews it, and all others use it meanwhile."""
    DUE = 2
    """It is renewed before it is used; where that cannot be just now, it is used on."""
    OVER = 3
    """Nobody uses it."""


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
        unanswered: how often its refresh token was sent without an answer.
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
    unanswered: int = field(default=0, compare=False)  # what was issued is the same

    @property
    def is_renewable(self) -> bool:
        """Whether its refresh token may be sent.

        Where an answer was lost, it is sent once more, which a provider may allow for, and then no more: one
        that rotates takes it for a thief's (RFC 9700 section 4.14.2).
        """
        return bool(self.refresh_token) and self.unanswered < _SENDINGS

    def with_refresh_token(self, refresh_token: str | None) -> Self:
        """The same with another refresh token, which was not sent yet."""
        if refresh_token == self.refresh_token:
            return self
        return replace(self, refresh_token=refresh_token, unanswered=0)

    def fresh(self, now: float, early_expiry: float) -> bool:
        """Whether it is still good at `now` (epoch seconds), `early_expiry` seconds ahead of its end."""
        # Got in the future: a clock was wrong then or is now, so nothing is known of its end.
        on_time = self.obtained_at <= now + _CLOCK_SECONDS
        return on_time and (self.expires_at is None or now + early_expiry < self.expires_at)

    def stage(self, now: float, early_expiry: float) -> Stage:
        """How far it is at `now` (epoch seconds).

        It is due `early_expiry` seconds ahead of its end, or half of its life if less: a token that lives
        shorter would else be renewed for each request. It ages from 5 minutes ahead of its end, or a tenth
        of its life if less.
        """
        if not self.fresh(now, 0):
            return Stage.OVER
        ages_at, due_at = self._turning_points(early_expiry)
        if now >= due_at:
            return Stage.DUE
        return Stage.AGEING if now >= ages_at else Stage.GOOD

    def good_between(self, early_expiry: float) -> tuple[float, float]:
        """From when on it is in its first stage, and until when (epoch seconds)."""
        ages_at, _ = self._turning_points(early_expiry)
        return min(self.obtained_at, _LAST_EXPIRES_AT) - _CLOCK_SECONDS, ages_at

    def _turning_points(self, early_expiry: float) -> tuple[float, float]:
        """When it begins to age, and when it is due (epoch seconds)."""
        if self.expires_at is None:
            return math.inf, math.inf
        # A whole number may be beyond all floats.
        end = max(min(self.expires_at, _LAST_EXPIRES_AT), -_LAST_EXPIRES_AT)
        if self.obtained_at <= 0:
            return end - early_expiry, end - early_expiry
        life = end - min(self.obtained_at, end)
        due_at = end - min(early_expiry, life * _LATEST_PART)
        return min(end - min(_AHEAD_SECONDS, life * _AHEAD_PART), due_at), due_at

    def lacks(self, asked: str) -> list[str]:
        """The scopes that were asked for and not granted (RFC 6749 section 5.1: none where nothing is said).

        Args:
            asked: space-separated.
        """
        if self.scope is None:
            return []
        # Some say them with commas, and some in full: `https://graph.example/User.Read` for `User.Read`.
        said = self.scope.casefold().replace(",", " ").split()
        return [
            scope
            for scope in asked.replace(",", " ").split()
            if scope.rpartition("/")[2] not in _SELDOM_SAID
            and not any(f"/{one}".endswith(f"/{scope.casefold()}") for one in said)
        ]

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
            elif name == "unanswered":
                if type(value) is not int:
                    raise ValueError(f"{name} is not a whole number")
            elif not isinstance(value, str):
                raise ValueError(f"{name} is not a string")
        if not known.get("access_token"):
            raise ValueError("no access_token")
        if "dpop_jwk" in known and ProofKey.read(known["dpop_jwk"]) is None:
            raise ValueError("dpop_jwk is no key")  # and without it the tokens are good for nothing
        return cls(**known)


class RefreshUnusable(Exception):
    """A refresh that gave no token, and after which another one is to be kept.

    Args:
        error: why there is no token.
        token: the token that was to be refreshed, with the refresh token that is good now, or with the note
            that it was sent in vain.
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
