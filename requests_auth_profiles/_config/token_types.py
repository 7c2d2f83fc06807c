"""The types of tokens, as token exchange has them (RFC 8693 section 3)."""

import re

from requests_auth_profiles._config.kinds import Kind, Problem, text
from requests_auth_profiles._config.words import nearest

__all__ = ["TOKEN_TYPE", "type_of"]

_SHORT = {
    name: f"urn:ietf:params:oauth:token-type:{name}"
    for name in ("access_token", "id_token", "refresh_token", "jwt", "saml1", "saml2")
}
_URI = r"[A-Za-z][A-Za-z0-9+.-]*:\S+"


def type_of(said: str) -> str:
    """The URI of a type that is said in short; any other as it is."""
    return _SHORT.get(said, said)


def _problem(value: object) -> Problem | None:
    if (problem := text(value)) is not None or value in _SHORT:
        return problem
    if re.fullmatch(_URI, str(value)):
        return None
    found = nearest(str(value), _SHORT)
    return Problem(f"is none of {', '.join(_SHORT)}, and no URI", f'"{found}"' if found else "")


TOKEN_TYPE = Kind(
    "a type of token",
    '"access_token"',
    _problem,
    {"anyOf": [{"enum": list(_SHORT)}, {"type": "string", "pattern": f"^(?:{_URI})$"}]},
)
