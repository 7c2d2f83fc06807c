"""Grants: how a token is won. They know no cache and no file."""

import base64
import hashlib
import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Protocol
from urllib.parse import urlencode, urlsplit

from requests.auth import AuthBase

from requests_auth_profiles._oauth2.channel import Channel, Reply
from requests_auth_profiles._oauth2.form import Form
from requests_auth_profiles._oauth2.id_token import Expected, subject_of
from requests_auth_profiles._oauth2.response import printable, rotated_by, token_of
from requests_auth_profiles._oauth2.server import Server
from requests_auth_profiles._token import RefreshUnusable, Token
from requests_auth_profiles.errors import AuthenticationFailed, InvalidProviderResponse, SignInRefused

__all__ = ["AuthorizationCode", "ClientCredentials", "Receiver", "TokenEndpoint"]


class Receiver(Protocol):
    """Takes the person to the provider, and what the provider says back to us."""

    @property
    def redirect_uri(self) -> str:
        """Where the provider sends the browser."""

    def __call__(self, authorization_url: str, state: str) -> Mapping[str, str]:
        """The parameters of the authorization response whose `state` is this one; others are refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenEndpoint:
    """Where all grants are turned into tokens.

    Args:
        server: the provider.
        channel: how to speak to it.
        client_id: who we are to it.
        client_auth: how we prove it.
        parameters: what goes with every token request: audience, resource, the profile's own.
    """

    server: Server
    channel: Channel
    client_id: str
    client_auth: AuthBase
    parameters: Mapping[str, str]

    def token(self, grant_type: str, fields: Form, *, attempts: int) -> Token:
        """The token for a grant, in one deadline with what has to be discovered for it.

        Args:
            grant_type: its name (RFC 6749 section 4).
            fields: its own parameters.
            attempts: how often it may be sent where the provider is busy; 1 for what works only once.

        Raises:
            InvalidGrantRequest: the provider refuses.
            InvalidProviderResponse: its answer breaks the standard.
            ProviderUnavailable: it cannot be reached.
            TimeoutOccurred: it did not answer in time.
        """
        return self._read(self._answer(grant_type, fields, attempts), grant_type)

    def refresh(self, token: Token) -> Token:
        """What the refresh token of a token gives (RFC 6749 section 6).

        Raises:
            RefreshRefused: it is no longer good.
            RefreshUnusable: what came with another refresh token cannot be accepted.
        """
        # Sent twice at most: a server that rotates takes the third for a thief's (RFC 9700 section 4.14.2).
        form = Form({"refresh_token": token.refresh_token or ""})
        reply = self._answer("refresh_token", form, attempts=2)
        try:
            fresh = self._read(reply, "refresh_token")
        except InvalidProviderResponse as error:
            if (rotated := rotated_by(reply, token)) is None:
                raise
            raise RefreshUnusable(error, rotated) from None
        # What comes with an ID token that is somebody else's is theirs too, the refresh token included.
        self.check(fresh, subject=subject_of(token.id_token))
        # Section 6: the provider may keep the old refresh token in force by giving no other.
        return replace(
            fresh,
            refresh_token=fresh.refresh_token or token.refresh_token,
            id_token=fresh.id_token or token.id_token,
            scope=fresh.scope or token.scope,
        )

    def check(self, token: Token, *, nonce: str | None = None, subject: str | None = None) -> None:
        """Looks whether the ID token that came with a token, if one did, is what it must be.

        Args:
            token: what came.
            nonce: what the authorization request carried, if there was one.
            subject: who signed in, where that is known.

        Raises:
            InvalidToken: it is not.
        """
        if token.id_token:
            expected = Expected(self.client_id, self.server.issuer, nonce, subject)
            expected.check(token.id_token, token.access_token, self.channel.now())

    def _answer(self, grant_type: str, fields: Form, attempts: int) -> Reply:
        started = time.monotonic()
        url = self.server.url("token_url")
        form = Form({**self.parameters, "grant_type": grant_type, **fields})
        return self.channel.since(started).post(url, form, self.client_auth, attempts=attempts)

    def _read(self, reply: Reply, grant_type: str) -> Token:
        host = urlsplit(self.server.url("token_url")).netloc
        return token_of(reply, host=host, grant_type=grant_type)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCredentials:
    """A program signs in as itself (RFC 6749 section 4.4)."""

    endpoint: TokenEndpoint
    scope: str
    interactive: bool = False

    def fetch(self) -> Token:
        """A token for the client itself."""
        scope = {"scope": self.scope} if self.scope else {}
        return self.endpoint.token("client_credentials", Form(scope), attempts=3)

    def refresh(self, token: Token) -> Token:
        """Another one, where the provider gave a refresh token, though it should not (section 4.4.3)."""
        return self.endpoint.refresh(token)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationCode:
    """A person signs in with the browser (RFC 6749 section 4.1, RFC 7636, RFC 8252).

    Args:
        endpoint: where the code is turned into a token.
        scope: what is asked for, space-separated.
        parameters: more parameters of the authorization request.
        listen: opens the way back: a receiver, for one sign-in.
        pkce: whether the code is bound to this process (RFC 7636).
    """

    endpoint: TokenEndpoint
    scope: str
    parameters: Mapping[str, str]
    listen: Callable[[], AbstractContextManager[Receiver]]
    pkce: bool = True
    interactive: bool = True

    def fetch(self) -> Token:
        """A token for the person who signs in.

        Raises:
            SignInRefused: the provider says no.
            TimeoutOccurred: nobody signed in in time.
            AuthenticationFailed: what came back is not an answer to what was asked.
        """
        server = self.endpoint.server
        # Listening before the browser opens: the answer can be quicker than we are.
        with self.listen() as receiver:
            # Whatever the provider announces is known before the person is sent there.
            authorization_url, _ = server.url("authorization_url"), server.url("token_url")
            # RFC 9700 section 2.1.1: new for each attempt, never repeated.
            state = secrets.token_urlsafe(48)
            asked = self._asked(receiver.redirect_uri, state)
            if "openid" in self.scope.split():
                asked["nonce"] = secrets.token_urlsafe(48)
            proof = Form({"code_verifier": secrets.token_urlsafe(48)} if self.pkce else {})
            asked |= _challenge(proof, server)
            answer = Form(receiver(_with_query(authorization_url, asked), state))
            _look_at(answer, server)
            fields = Form({"code": answer["code"], "redirect_uri": receiver.redirect_uri, **proof})
            token = self.endpoint.token("authorization_code", fields, attempts=1)
            self.endpoint.check(token, nonce=asked.get("nonce"))
            return token

    def refresh(self, token: Token) -> Token:
        """A new token without the person."""
        return self.endpoint.refresh(token)

    def _asked(self, redirect_uri: str, state: str) -> dict[str, str]:
        """The authorization request (RFC 6749 section 4.1.1); the profile's own parameters replace none."""
        scope = {"scope": self.scope} if self.scope else {}
        return {
            **self.parameters,
            **scope,
            "response_type": "code",
            "client_id": self.endpoint.client_id,
            "redirect_uri": redirect_uri,
            "state": state,
        }


def _challenge(proof: Form, server: Server) -> dict[str, str]:
    """What the authorization request says of a verifier (RFC 7636 section 4.3), never the verifier itself."""
    if not proof:
        return {}
    if server.refuses_s256():
        raise InvalidProviderResponse(
            f"{server.issuer} does not take S256 challenges", hint="tell the provider (RFC 7636)"
        )
    digest = hashlib.sha256(proof["code_verifier"].encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    return {"code_challenge": challenge, "code_challenge_method": "S256"}


def _with_query(url: str, parameters: Mapping[str, str]) -> str:
    """A URL with parameters appended; what it has already stays byte for byte (RFC 6749 section 3.1)."""
    return url + ("&" if "?" in url else "?") + urlencode(parameters)


def _look_at(answer: Form, server: Server) -> None:
    """Raises what is wrong with an authorization response, if anything is."""
    # RFC 9207 section 2.4: the issuer first, for errors too; otherwise they may be another server's.
    issuer = answer.get("iss")
    known = server.issuer
    if (issuer is not None and known is not None and issuer != known) or (
        issuer is None and server.always_says_iss()
    ):
        raise AuthenticationFailed(
            "the answer in the browser does not come from the provider that was asked",
            hint="sign in again; if it happens again, tell the provider's administrator (RFC 9207)",
        )
    if "error" in answer:
        raise SignInRefused(
            f"{server.host} refused the sign-in",
            error=printable(answer["error"]),
            error_description=printable(answer.get("error_description")),
            error_uri=printable(answer.get("error_uri")),
            hint="sign in again"
            if answer["error"] == "access_denied"
            else "check client_id, scopes and redirect_port",
        )
    if not answer.get("code"):
        raise AuthenticationFailed("the answer in the browser holds no code", hint="sign in again")
