"""Grants that turn one token into another: an assertion (RFC 7523), or any token (RFC 8693)."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from requests_auth_profiles._oauth2.assertion import KeySigner, Statement
from requests_auth_profiles._oauth2.client import GrantAssertion
from requests_auth_profiles._oauth2.form import Form
from requests_auth_profiles._oauth2.grants import TokenEndpoint
from requests_auth_profiles._oauth2.private_key import Account
from requests_auth_profiles._oauth2.response import ACCESS_TOKEN, JWT_BEARER, TOKEN_EXCHANGE
from requests_auth_profiles._oauth2.server import Server, is_endpoint
from requests_auth_profiles._token import Token
from requests_auth_profiles.errors import ConfigurationError

__all__ = ["JwtBearer", "Presented", "TokenExchange"]


@dataclass(frozen=True, slots=True, kw_only=True)
class JwtBearer:
    """A program that signs who it is, and for whom it asks (RFC 7523 section 2.1).

    Args:
        endpoint: where that is turned into a token.
        signer: signs it.
        issuer: who says so; empty = the service account whose key file the signer has.
        subject: for whom a token is asked; empty = for the issuer itself.
        audience: whom the assertion is for; empty = the provider's issuer, or the token endpoint.
        scope: what is asked for, space-separated.
    """

    endpoint: TokenEndpoint
    signer: KeySigner
    issuer: str
    subject: str
    audience: str
    scope: str
    interactive: bool = False

    def fetch(self) -> Token:
        """A token for an assertion that was never sent."""
        account = self._account()
        endpoint = self._endpoint(account)
        audience = self.audience or (account.token_url if account else "") or endpoint.server.audience
        issuer = account.email if account else self.issuer
        scope = {"scope": self.scope} if self.scope else {}
        # The scope in there too: Google reads it nowhere else, and others pass over it (RFC 7519 section 4).
        claims = {"iss": issuer, "sub": self.subject or issuer, "aud": audience, **scope}
        said = Statement(self.signer, lambda: claims, endpoint.channel.now)
        proved = replace(endpoint, client_auth=GrantAssertion(said, endpoint.client_auth))
        return proved.token(JWT_BEARER, Form(scope), attempts=3)

    def refresh(self, token: Token) -> Token:
        """Another one, where the provider gave a refresh token, which is seldom."""
        return self._endpoint(self._account()).refresh(token)

    def _account(self) -> Account | None:
        """Whose key file it is, where the profile does not say who signs."""
        if self.issuer:
            return None
        if (account := self.signer.account()) is None:
            raise ConfigurationError(
                f"{self.signer.label}: it is no service account's key file, which would say who signs",
                hint='say it: issuer_claim = "…"',
            )
        return account

    def _endpoint(self, account: Account | None) -> TokenEndpoint:
        if account is None or self.endpoint.server.is_named:
            return self.endpoint
        if not is_endpoint(account.token_url, account.token_url):  # which may be plain http on the loopback
            raise ConfigurationError(
                f"{self.signer.label}: its token_uri is no https URL", hint='say it: token_url = "https://…"'
            )
        said = {"token_url": account.token_url}
        return replace(self.endpoint, server=Server(said, self.endpoint.channel))


@dataclass(frozen=True, slots=True)
class Presented:
    """A token that is given for another (RFC 8693 section 2.1).

    Args:
        token: gives it.
        kind: its type, a URI (section 3).
    """

    token: Callable[[], str]
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenExchange:
    """A token that is turned into another one, for another API or another provider (RFC 8693).

    Args:
        endpoint: where.
        subject: of whom or what the new one is.
        actor: who acts for them; None = nobody says so.
        kind: the type of token that is asked for, a URI; empty = what the provider thinks fit.
        scope: what is asked for, space-separated.
    """

    endpoint: TokenEndpoint
    subject: Presented
    actor: Presented | None
    kind: str
    scope: str
    interactive: bool = False

    def fetch(self) -> Token:
        """The token for what is presented now."""
        said = {"subject_token": self.subject.token(), "subject_token_type": self.subject.kind}
        if self.actor is not None:
            said |= {"actor_token": self.actor.token(), "actor_token_type": self.actor.kind}
        more = {"requested_token_type": self.kind, "scope": self.scope}
        form = Form(said | {name: value for name, value in more.items() if value})
        return self.endpoint.token(
            TOKEN_EXCHANGE, form, attempts=3, may_be_other=self.kind not in {"", ACCESS_TOKEN}
        )

    def refresh(self, token: Token) -> Token:
        """A new token without the subject's, where the provider gave a refresh token."""
        return self.endpoint.refresh(token)
