"""What a token endpoint answers, read strictly (RFC 6749 sections 5.1 and 5.2)."""

import json
import math
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

from requests_auth_profiles._oauth2.channel import Reply
from requests_auth_profiles._oauth2.redaction import without_secrets
from requests_auth_profiles._proof import ProofKey
from requests_auth_profiles._token import Token, jwt_expires_at
from requests_auth_profiles.errors import (
    GrantNotProvided,
    InvalidGrantRequest,
    InvalidProviderResponse,
    InvalidToken,
    RefreshRefused,
)

__all__ = [
    "ACCESS_TOKEN",
    "JWT_BEARER",
    "REVOCATION",
    "TOKEN_EXCHANGE",
    "answer_of",
    "implicit_token_of",
    "json_object",
    "printable",
    "rotated_by",
    "seconds_of",
    "secret_of",
    "token_of",
    "wants_nonce",
]

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
"""The grant of RFC 7523."""

TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
"""The grant of RFC 8693."""

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
"""The type of what is sent to an API, as token exchange has it."""

REVOCATION = "revocation"
"""What stands for a grant where a token is to be ended (RFC 7009)."""

_REFRESH_TOKEN = "urn:ietf:params:oauth:token-type:refresh_token"
_NOT_ACCESS = "n_a"

_SUCCESS = range(200, 300)
_LONGEST_TOKEN = 64 * 1024
_LONGEST_LIFETIME_SECONDS = 10 * 365 * 86400
_LONGEST_TEXT = 300
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_VISIBLE = re.compile(r"[\x21-\x7e]+")

_HINTS = {
    "invalid_client": "check client_id and client_secret, and in a profile client_auth",
    "invalid_scope": "check scopes",
    "invalid_target": "check resource and audience",
    "unauthorized_client": "allow this flow for the client at the provider",
    "unsupported_grant_type": "choose another flow; the provider does not have this one",
    "invalid_grant": "sign in again",
    "invalid_dpop_proof": "check the clock of this machine",
    "use_dpop_nonce": "tell the provider: it wants a nonce and sends none that is good (RFC 9449 section 8)",
}
_EXCHANGE_HINT = "check subject_token and its type: it may be over, or not meant for this provider"
_GRANT_HINTS = {
    ("password", "invalid_grant"): "check username and password",
    (JWT_BEARER, "invalid_grant"): (
        "check private_key and key_id, issuer_claim, subject, audience, and the clock of this machine"
    ),
    (REVOCATION, "unauthorized_client"): "allow the client to end its tokens at the provider",
    (REVOCATION, "unsupported_token_type"): "end it by hand: the provider does not for its clients",
    (TOKEN_EXCHANGE, "invalid_grant"): _EXCHANGE_HINT,
    (TOKEN_EXCHANGE, "invalid_request"): _EXCHANGE_HINT,  # RFC 8693 section 2.2.2
}


def json_object(body: bytes) -> dict[str, Any] | None:
    """The JSON object that a body is; None where it is none, or two readers could read it differently."""
    try:
        found = json.loads(body.decode(), object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(found := dict(pairs)) != len(pairs):
        raise ValueError("a name twice")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(name)


def token_of(
    reply: Reply,
    *,
    host: str,
    grant_type: str,
    field: str = "access_token",
    may_be_other: bool = False,
    key: ProofKey | None = None,
) -> Token:
    """The token in an answer of the token endpoint.

    Args:
        reply: what came.
        host: the endpoint's host, for messages.
        grant_type: what was asked for.
        field: where in the answer the token is.
        may_be_other: whether it may be another than an access token, as that was asked for.
        key: what it is bound to; None = nothing.

    Raises:
        RefreshRefused: the refresh token is no longer good.
        InvalidGrantRequest: the endpoint refused, in its own words.
        GrantNotProvided: there is no token in it.
        InvalidToken: the token cannot be accepted.
        InvalidProviderResponse: it is not what the standard says.
    """
    said = answer_of(reply, host=host, grant_type=grant_type)
    if grant_type == TOKEN_EXCHANGE:
        if said.get("issued_token_type") == _REFRESH_TOKEN:  # it is for the provider alone
            raise InvalidToken(
                f"the token of {host} is a refresh token, which no API may see",
                hint='requested_token_type = "access_token"',
            )
        # RFC 8693 section 2.2.1: N_A says that it is no access token.
        if may_be_other and str(said.get("token_type")).casefold() == _NOT_ACCESS:
            said = {**said, "token_type": None}
    return _token(said, field, requested_at=reply.requested_at, host=host, key=key)


def answer_of(reply: Reply, *, host: str, grant_type: str, asked: str = "token request") -> dict[str, Any]:
    """What an answer says that is no refusal; see `token_of`.

    Args:
        reply: what came.
        host: the endpoint's host, for messages.
        grant_type: what was asked for.
        asked: how the request is called, for messages.
    """
    said = _members(reply, host)
    # Some providers answer an error with 200.
    if reply.status not in _SUCCESS or said.get("error"):
        raise _refused(said, reply, host, grant_type, asked)
    return said


def implicit_token_of(said: Mapping[str, str], field: str, *, requested_at: float, host: str) -> Token:
    """The token in an authorization response (RFC 6749 section 4.2.2); see `token_of`.

    Args:
        said: the parameters of the response.
        field: where in it the token is.
        requested_at: when it was asked for (epoch seconds).
        host: the provider's, for messages.
    """
    return replace(_token(said, field, requested_at=requested_at, host=host), refresh_token=None)


def _token(
    said: Mapping[str, Any], field: str, *, requested_at: float, host: str, key: ProofKey | None = None
) -> Token:
    access_token = secret_of(said, field, host)
    if access_token is None:
        raise GrantNotProvided(f"the answer of {host} has no {field}", hint="check the scopes and the flow")
    _check_type(said.get("token_type"), host, bound=key is not None)
    return Token(
        access_token=access_token,
        token_type="Bearer" if key is None else "DPoP",
        expires_at=_expires_at(said.get("expires_in"), access_token, requested_at, host),
        refresh_token=secret_of(said, "refresh_token", host),
        id_token=secret_of(said, "id_token", host),
        scope=_scope(said.get("scope")),
        dpop_jwk=None if key is None else key.jwk,
    )


def _check_type(said: object, host: str, *, bound: bool) -> None:
    """Refuses a type of token that was not asked for: it must not be used (RFC 6749 section 7.1)."""
    # One that is not named is Bearer in practice. A tuple, as it may be a list.
    kind = "bearer" if said in (None, "") else str(said).casefold()
    if bound and kind == "bearer":
        raise InvalidToken(
            f"the token of {host} is bound to no key, so that whoever finds it can use it: the provider does "
            "not know DPoP (RFC 9449), or not for this client",
            hint="switch DPoP on for this client at the provider, or leave dpop out",
        )
    if bound and kind != "dpop":
        raise InvalidToken(
            f"the token of {host} is not one that is bound to a key by DPoP (RFC 9449)", hint="leave dpop out"
        )
    if not bound and kind != "bearer":
        hint = "dpop = true in its profile" if kind == "dpop" else "ask for one that is"
        raise InvalidToken(f"the token of {host} is not a bearer token", hint=hint)


def wants_nonce(reply: Reply) -> bool:
    """Whether an answer refuses a proof that lacks the nonce which comes with it (RFC 9449 section 8)."""
    said = json_object(reply.body) if reply.status not in _SUCCESS else None
    return said is not None and said.get("error") == "use_dpop_nonce"


def rotated_by(reply: Reply, token: Token) -> Token | None:
    """A token with the new refresh token of an answer that is no good otherwise; None where it has none.

    The old one is used up then: sent again, it would be taken for a thief's (RFC 9700 section 4.14.2).
    """
    with suppress(InvalidProviderResponse):
        said = _members(reply, "")
        new = secret_of(said, "refresh_token", "")
        if reply.status in _SUCCESS and not said.get("error") and new not in {None, token.refresh_token}:
            return token.with_refresh_token(new)
    return None


def _members(reply: Reply, host: str) -> dict[str, Any]:
    """What an answer says: a JSON object, or at some providers a form, whatever they call it."""
    kind = reply.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and (form := _form(reply.body)):
        return form
    found = json_object(reply.body)
    if found is None and reply.status in _SUCCESS:
        raise InvalidProviderResponse(
            f"the answer of {host} is not a JSON object", hint="check the URLs of the provider"
        )
    return found or {}


def _form(body: bytes) -> dict[str, Any]:
    try:
        found = _unique(parse_qsl(body.decode(), strict_parsing=True, errors="strict"))
    except ValueError:
        return {}
    return found if {"access_token", "error"} & set(found) else {}


def _refused(said: dict[str, Any], reply: Reply, host: str, grant_type: str, asked: str) -> Exception:
    error, description, uri = (
        printable(without_secrets(text, reply.request)) if isinstance(text, str) else ""
        for text in map(said.get, ("error", "error_description", "error_uri"))
    )
    if not error:
        return InvalidProviderResponse(
            f"{host} answered {reply.status}, and no error code", hint="check the URLs of the provider"
        )
    invalid = said["error"] == "invalid_grant"
    kind = RefreshRefused if invalid and grant_type == "refresh_token" else InvalidGrantRequest
    hint = _GRANT_HINTS.get((grant_type, error)) or _HINTS.get(error)
    return kind(
        f"{host} refused the {asked}",
        error=error,
        error_description=description,
        error_uri=uri,
        hint=hint or "see what the provider's documentation says of this error",
    )


def printable(text: object) -> str:
    """Text of the provider as it may stand in a message: one line of sane length."""
    if not isinstance(text, str):
        return ""
    return "".join(
        character if character.isprintable() else " " for character in text[:_LONGEST_TEXT]
    ).strip()


def secret_of(said: Mapping[str, Any], name: str, host: str) -> str | None:
    """A token or a code in an answer; None where there is none.

    Raises:
        InvalidToken: it is nothing that can be sent.
    """
    value = said.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > _LONGEST_TOKEN or not _VISIBLE.fullmatch(value):
        raise InvalidToken(
            f"the {name} of {host} is not a token: visible ASCII, 64 KiB at most", hint="tell the provider"
        )
    return value


def _scope(value: object) -> str | None:
    # Not worth a failure: it says what the token may be used for, and the API says it again.
    if not isinstance(value, str) or len(value) > _LONGEST_TOKEN or not value.isprintable():
        return None
    return value or None


def _expires_at(expires_in: object, access_token: str, requested_at: float, host: str) -> float | None:
    if expires_in is None:
        return jwt_expires_at(access_token)
    if math.isnan(seconds := seconds_of(expires_in)):
        raise InvalidToken(
            f"the expires_in of {host} is not a number of seconds", hint="tell the provider (RFC 6749)"
        )
    return requested_at + math.floor(min(max(seconds, 0.0), _LONGEST_LIFETIME_SECONDS))


def seconds_of(said: object) -> float:
    """A number of seconds, which some providers write as text; NaN where it is none."""
    # An integer may be too large for a float, its text is not; float() would also take " 1_0 " and "inf".
    text = said if isinstance(said, str) else repr(said)
    if isinstance(said, (int, float)) or _NUMBER.fullmatch(text):
        with suppress(ValueError):
            return float(text)
    return math.nan
