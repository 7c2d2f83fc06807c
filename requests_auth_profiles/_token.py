"""Token: what a provider issued, and when it ends."""

import math
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

__all__ = ["Token"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What a provider issued (RFC 6749 section 5.1), without a secret in its repr.

    Args:
        access_token: what is sent to the API.
        token_type: how it is sent; `Bearer` for all that we ask for today.
        expires_at: epoch seconds from which the API refuses it; None = the provider did not say.
        refresh_token: what renews it, if the provider gave one.
        id_token: who signed in (OpenID Connect Core section 2), if that was asked for.
        scope: what was granted, space-separated; None = just what was asked for.
        issued_for: a fingerprint of the client, provider and request that it was issued for.
        obtained_at: epoch seconds at which we got it; 0 = unknown.
    """

    access_token: str = field(repr=False)
    token_type: str = "Bearer"
    expires_at: float | None = None
    refresh_token: str | None = field(default=None, repr=False)
    id_token: str | None = field(default=None, repr=False)
    scope: str | None = None
    issued_for: str = ""
    obtained_at: float = 0

    def fresh(self, now: float, early_expiry: float) -> bool:
        """Whether it is still good at `now` (epoch seconds), `early_expiry` seconds ahead of its end."""
        return self.expires_at is None or now + early_expiry < self.expires_at

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
        return cls(**known)
