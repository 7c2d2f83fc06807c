"""Grants at the token endpoint: how a token is won. They know no cache and no file."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from requests.auth import AuthBase

from requests_auth_profiles._oauth2.channel import AnswerLost, Channel, Reply
from requests_auth_profiles._oauth2.client import WithProof
from requests_auth_profiles._oauth2.form import Form
from requests_auth_profiles._oauth2.id_token import Expected, subject_of
from requests_auth_profiles._oauth2.response import answer_of, rotated_by, secret_of, token_of, wants_nonce
from requests_auth_profiles._oauth2.server import Server
from requests_auth_profiles._proof import Nonces, ProofKey
from requests_auth_profiles._token import RefreshUnusable, Token
from requests_auth_profiles.errors import GrantNotProvided, InvalidProviderResponse, RefreshRefused

__all__ = ["ClientCredentials", "Password", "TokenEndpoint"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenEndpoint:
    """Where all grants are turned into tokens.

    Args:
        server: the provider.
        channel: how to speak to it.
        client_id: who we are to it.
        client_auth: how we prove it.
        parameters: what goes with every token request: audience, resource, the profile's own.
        token_field_name: where in the answer the token is.
        grant_type: a provider's own variant of a grant, as Auth0's password-realm; empty = the standard's.
        nonces: what the provider wants to see in proofs, where tokens are bound to keys (RFC 9449); None =
            they are not.
    """

    server: Server
    channel: Channel
    client_id: str
    client_auth: AuthBase
    parameters: Mapping[str, str]
    token_field_name: str = "access_token"
    grant_type: str = ""
    nonces: Nonces | None = field(default=None, repr=False)

    def new_key(self) -> ProofKey | None:
        """What the next token is to be bound to; None = nothing."""
        return None if self.nonces is None else ProofKey.made()

    def token(
        self,
        grant_type: str,
        fields: Form,
        *,
        attempts: int,
        may_be_other: bool = False,
        key: ProofKey | None = None,
    ) -> Token:
        """The token for a grant, in one deadline with what has to be discovered for it.

        Args:
            grant_type: its name (RFC 6749 section 4).
            fields: its own parameters.
            attempts: how often it may be sent where the provider is busy; 1 for what works only once.
            may_be_other: whether what comes may be another than an access token.
            key: what it is bound to; None = a new key, if it is bound at all.

        Raises:
            InvalidGrantRequest: the provider refuses.
            InvalidProviderResponse: its answer breaks the standard.
            ProviderUnavailable: it cannot be reached.
            TimeoutOccurred: it did not answer in time.
        """
        key = key or self.new_key()
        reply = self._answer(grant_type, fields, attempts, key)
        return self._read(reply, grant_type, key, may_be_other=may_be_other)

    def refresh(self, token: Token) -> Token:
        """What the refresh token of a token gives (RFC 6749 section 6).

        Raises:
            RefreshRefused: it is no longer good.
            RefreshUnusable: what came with another refresh token cannot be accepted, or nothing came.
        """
        form, key = Form({"refresh_token": token.refresh_token or ""}), self._key_of(token)
        try:
            reply = self._answer("refresh_token", form, 2, key)
        except AnswerLost as lost:
            raise RefreshUnusable(lost.error, token) from None
        try:
            fresh = self._read(reply, "refresh_token", key)
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
            expected = Expected(self.client_id or None, self.server.issuer, nonce, subject)
            # Where the ID token itself is what is sent, its hash is that of a token that nobody uses.
            access_token = "" if token.access_token == token.id_token else token.access_token
            expected.check(token.id_token, access_token, self.channel.now())

    def pushed(self, asked: Form) -> dict[str, str]:
        """What stands for an authorization request in the browser, once the provider has it (RFC 9126).

        Args:
            asked: the parameters of the request.

        Raises:
            InvalidGrantRequest: the provider refuses it.
            GrantNotProvided: nothing comes back.
        """
        started = time.monotonic()
        url = self.server.url("pushed_authorization_request_url")
        host = urlsplit(url).netloc
        reply = self.channel.since(started).post(url, asked, self.client_auth, attempts=2)
        said = answer_of(reply, host=host, grant_type="authorization_code", asked="authorization request")
        if (reference := secret_of(said, "request_uri", host)) is None:
            raise GrantNotProvided(
                f"the answer of {host} has no request_uri", hint="par = false; or tell the provider"
            )
        return {"client_id": self.client_id, "request_uri": reference}

    def _key_of(self, token: Token) -> ProofKey | None:
        """What the refresh token of a token is bound to (RFC 9449 section 5)."""
        if self.nonces is None:
            return None
        if (key := ProofKey.read(token.dpop_jwk or "")) is None:
            raise RefreshRefused(
                "the refresh token is here without the key that it is bound to",
                error="invalid_grant",
                hint="sign in again",
            )
        return key

    def _answer(self, grant_type: str, fields: Form, attempts: int, key: ProofKey | None) -> Reply:
        started = time.monotonic()
        url = self.server.url("token_url")
        refreshing = grant_type == "refresh_token"
        kind = grant_type if refreshing else self.grant_type or grant_type
        form = Form({**self.parameters, "grant_type": kind, **fields})

        def sent(auth: AuthBase) -> Reply:
            channel = self.channel.since(started)
            return channel.post(url, form, auth, attempts=attempts, single_use=refreshing)

        if key is None or self.nonces is None:
            return sent(self.client_auth)
        proof = WithProof(key, self.nonces, self.channel.now, self.client_auth)
        reply = sent(proof)
        # RFC 9449 section 8: nothing has happened then. Once only, as some would say so for ever.
        if self.nonces.hear(url, reply.headers) and wants_nonce(reply):
            reply = sent(proof)
            self.nonces.hear(url, reply.headers)
        return reply

    def _read(
        self, reply: Reply, grant_type: str, key: ProofKey | None, *, may_be_other: bool = False
    ) -> Token:
        return token_of(
            reply,
            host=urlsplit(self.server.url("token_url")).netloc,
            grant_type=grant_type,
            field=self.token_field_name,
            may_be_other=may_be_other,
            key=key,
        )


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
class Password:
    """A person who gave us their name and password (RFC 6749 section 4.3).

    Args:
        endpoint: where they are turned into a token.
        username: gives the name.
        password: gives the password.
        scope: what is asked for, space-separated.
    """

    endpoint: TokenEndpoint
    username: Callable[[], str]
    password: Callable[[], str]
    scope: str
    interactive: bool = False

    def fetch(self) -> Token:
        """A token for the person."""
        scope = {"scope": self.scope} if self.scope else {}
        form = Form({"username": self.username(), "password": self.password(), **scope})
        return self.endpoint.token("password", form, attempts=1)

    def refresh(self, token: Token) -> Token:
        """A new token without the password."""
        return self.endpoint.refresh(token)
