"""What an authorization server issued, to whom, and what became of it."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

__all__ = ["AccessToken", "Authorization", "Ledger", "Refused"]

_Entry = TypeVar("_Entry")


class Refused(Exception):
    """A request is refused, in the words of RFC 6749 sections 4.1.2.1 and 5.2.

    Args:
        error: the error code of the section.
        description: what is wrong, for a developer.
    """

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error
        self.parameters = {"error": error, "error_description": description}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Authorization:
    """What a client was granted, by whom and when; its code and all tokens that come from it end together.

    Args:
        client_id: the client.
        subject: who granted it: a user, or the client itself.
        scope: space-separated.
        granted_at: epoch seconds.
        redirect_uri: where its code went, for a code flow.
        code_challenge: what the verifier must match (RFC 7636 section 4.6), if one was sent.
        nonce: for its ID token, if one was sent.
    """

    client_id: str
    subject: str
    scope: str
    granted_at: float
    redirect_uri: str = ""
    code_challenge: str = ""
    nonce: str = ""


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What an access token stands for.

    Args:
        authorization: what it comes from.
        scope: what it is good for, perhaps less than was granted.
        expires_at: epoch seconds.
    """

    authorization: Authorization
    scope: str
    expires_at: float


class Ledger:
    """All codes and tokens of a server; every one is 256 random bits.

    Attributes:
        reuses: how often a used refresh token came again.
    """

    def __init__(self) -> None:
        self.reuses = 0
        self._codes: dict[str, Authorization] = {}
        self._refresh_tokens: dict[str, Authorization] = {}
        self._access_tokens: dict[str, AccessToken] = {}
        self._used: set[str] = set()
        self._revoked: set[Authorization] = set()

    def new_code(self, authorization: Authorization) -> str:
        """A new authorization code."""
        return _enter(self._codes, authorization)

    def new_refresh_token(self, authorization: Authorization) -> str:
        """A new refresh token."""
        return _enter(self._refresh_tokens, authorization)

    def new_access_token(self, token: AccessToken) -> str:
        """A new access token."""
        return _enter(self._access_tokens, token)

    def code(self, code: str, client_id: str) -> Authorization:
        """What a code of this client stands for.

        Raises:
            Refused: it is not the client's, or not good any more.
        """
        return self._redeemed(self._codes, code, client_id)

    def refresh_token(self, refresh_token: str, client_id: str) -> Authorization:
        """What a refresh token of this client stands for.

        Raises:
            Refused: it is not the client's, or not good any more.
        """
        return self._redeemed(self._refresh_tokens, refresh_token, client_id)

    def access_token(self, access_token: str) -> AccessToken | None:
        """What an access token stands for, be it expired; None for one that is unknown or revoked."""
        token = self._access_tokens.get(access_token)
        return None if token is None or token.authorization in self._revoked else token

    def use_up(self, value: str) -> None:
        """Notes that a code or refresh token was used, so that its next use revokes all that came from it."""
        self._used.add(value)

    def revoke(self, token: str, client_id: str) -> None:
        """Revokes an access token, or a refresh token with all of its family (RFC 7009 section 2.1).

        Raises:
            Refused: it is another client's.
        """
        access_token = self._access_tokens.get(token)
        authorization = access_token.authorization if access_token else self._refresh_tokens.get(token)
        if authorization is None:
            return  # "invalid tokens do not cause an error response" (RFC 7009 section 2.2)
        if authorization.client_id != client_id:
            raise Refused("invalid_grant", "the token is another client's")
        if access_token:
            del self._access_tokens[token]
        else:
            self._revoked.add(authorization)

    def _redeemed(self, issued: Mapping[str, Authorization], value: str, client_id: str) -> Authorization:
        authorization = issued.get(value)
        if authorization is None or authorization.client_id != client_id:
            raise Refused("invalid_grant", "unknown, or issued to another client")
        if value in self._used:
            # Two hold it, and one of them is a thief (RFC 6749 section 4.1.2, RFC 9700 section 4.14.2).
            self._revoked.add(authorization)
            self.reuses += value in self._refresh_tokens
            raise Refused("invalid_grant", "used before; all that came from it is revoked")
        if authorization in self._revoked:
            raise Refused("invalid_grant", "revoked")
        return authorization


def _enter(column: dict[str, _Entry], entry: _Entry) -> str:
    value = secrets.token_urlsafe(32)
    column[value] = entry
    return value
