"""The OAuth2 classes for which nobody signs in with the browser, as requests_auth has them.

Their parameters are explained once, in `docs/migrating.md`. Each further keyword goes into the body of the
token request.
"""

from typing import Any

import requests
from requests.auth import AuthBase

from requests_auth_profiles._requests_auth.faces import ClientFace, PasswordFace
from requests_auth_profiles._requests_auth.parameters import Scope, given, provider_urls

__all__ = [
    "OAuth2ClientCredentials",
    "OAuth2ResourceOwnerPasswordCredentials",
    "OktaClientCredentials",
    "OktaResourceOwnerPasswordCredentials",
]


class OAuth2ResourceOwnerPasswordCredentials(PasswordFace):
    """A user's name and password (RFC 6749 section 4.3), which RFC 9700 section 2.4 forbids."""

    def __init__(
        self,
        token_url: str,
        username: str,
        password: str,
        *,
        session_auth: AuthBase | tuple[str, str] | None = None,
        timeout: float = 60,
        header_name: str = "Authorization",
        header_value: str = "Bearer {token}",
        scope: Scope | None = None,
        token_field_name: str = "access_token",
        early_expiry: float = 30.0,
        session: requests.Session | None = None,
        **more: Any,
    ) -> None:
        super().__init__(**given(locals()), more=more)


class OktaResourceOwnerPasswordCredentials(OAuth2ResourceOwnerPasswordCredentials):
    """Okta, with a user's name and password."""

    def __init__(
        self,
        instance: str,
        username: str,
        password: str,
        client_id: str,
        client_secret: str,
        *,
        timeout: float = 60,
        header_name: str = "Authorization",
        header_value: str = "Bearer {token}",
        scope: Scope = "openid",
        token_field_name: str = "access_token",
        early_expiry: float = 30.0,
        session: requests.Session | None = None,
        authorization_server: str = "default",
        **more: Any,
    ) -> None:
        urls = provider_urls("okta", ("token_url",), locals())
        said = given(locals(), "instance", "authorization_server", "client_id", "client_secret", "urls")
        super().__init__(**urls, session_auth=(client_id, client_secret), **said, **more)


class OAuth2ClientCredentials(ClientFace):
    """A program as itself (RFC 6749 section 4.4)."""

    def __init__(
        self,
        token_url: str,
        client_id: str,
        client_secret: str,
        *,
        timeout: float = 60,
        header_name: str = "Authorization",
        header_value: str = "Bearer {token}",
        scope: Scope | None = None,
        token_field_name: str = "access_token",
        early_expiry: float = 30.0,
        session: requests.Session | None = None,
        **more: Any,
    ) -> None:
        super().__init__(**given(locals()), more=more)


class OktaClientCredentials(OAuth2ClientCredentials):
    """Okta, for a program as itself."""

    def __init__(
        self,
        instance: str,
        client_id: str,
        client_secret: str,
        *,
        scope: Scope,
        authorization_server: str = "default",
        timeout: float = 60,
        header_name: str = "Authorization",
        header_value: str = "Bearer {token}",
        token_field_name: str = "access_token",
        early_expiry: float = 30.0,
        session: requests.Session | None = None,
        **more: Any,
    ) -> None:
        urls = provider_urls("okta", ("token_url",), locals())
        super().__init__(**urls, **given(locals(), "instance", "authorization_server", "urls"), **more)
