"""Tokens for tests: JSON Web Tokens that everybody can make."""

from datetime import datetime
from typing import Any

__all__ = ["create_token", "is_created"]

_KEY = "no secret: whoever has requests_auth_profiles.testing has it too"
_ALGORITHM = "HS256"
_SIGNATURE_ONLY: Any = {
    f"verify_{claim}": False for claim in ("aud", "exp", "iat", "iss", "nbf", "sub", "jti")
}


def create_token(expiry: datetime | None) -> str:
    """A JSON Web Token that says when it ends, and nothing else.

    Args:
        expiry: when it ends; None = it does not say.
    """
    import jwt

    return jwt.encode({} if expiry is None else {"exp": expiry}, _KEY, algorithm=_ALGORITHM)


def is_created(token: str) -> bool:
    """Whether a token comes from `create_token`."""
    import jwt

    try:
        jwt.decode(token, _KEY, algorithms=[_ALGORITHM], options=_SIGNATURE_ONLY)
    except (jwt.PyJWTError, ValueError, RecursionError):
        return False
    return True
