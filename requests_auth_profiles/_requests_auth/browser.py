"""The OAuth2 classes for which a person signs in with the browser, as requests_auth has them.

Their parameters are explained once, in `docs/migrating.md`. Each further keyword goes into the query of the
authorization URL and, where a code is turned into a token, into the body of that request; a secret never goes
into the query.
"""

from typing import Any

import requests

from requests_auth_profiles._requests_auth.faces import CodeFace, ImplicitFace
from requests_auth_profiles._requests_auth.parameters import (
    ENTRA,
    Scope,
    check_variables,
    given,
    provider_urls,
    vouched_by_entra,
)

__all__ = [
    "AzureActiveDirectoryImplicit",
    "AzureActiveDirectoryImplicitIdToken",
    "OAuth2AuthorizationCode",
    "OAuth2AuthorizationCodePKCE",
    "OAuth2Implicit",
    "OktaAuthorizationCode",
    "OktaAuthorizationCodePKCE",
    "OktaImplicit",
    "OktaImplicitIdToken",
    "WakaTimeAuthorizationCode",
]


class OAuth2AuthorizationCode(CodeFace):
    """Authorization code (RFC 6749 section 4.1), with PKCE (RFC 9700 section 2.1.1)."""

    def __init__(
        self,
        authorization_url: str,
        token_url: str,
        *,
        redirect_uri_domain: str = "localhost",
        redirect_uri_endpoint: str = "",
        redirect_uri_port: int = 5000,
        timeout: float = 60,
        header_name: str = "Authorization",
        header_value: str = "Bearer {token}",
        response_type: str = "code",
        token_field_name: str = "access_token",
        early_expiry: float = 30.0,
        code_field_name: str = "code",
        username: str | None = None,
        password: str | None = None,
        session: requests.Session | None = None,
        client_id: str = "",
        client_secret: str | None = None,
        nonce: object = None,
        **more: Any,
    ) -> None:
        super().__init__(**given(locals()), more=more)


class OAuth2AuthorizationCodePKCE(CodeFace):
    """Authorization code with PKCE (RFC 7636)."""

    def __init__(
        self,
        authorization_url: str,
        token_url: str,
        *,
        redirect_uri_domain: str = "localhost",
        redirect_uri_endpoint: str = "",
        redirect_uri_port: int = 5000,
        timeout: float = 60,
        header_name: str = "Authorization",
        header_value: str = "Bearer {token}",
        response_type: str = "code",
        token_field_name: str = "access_token",
        early_expiry: float = 30.0,
        code_field_name: str = "code",
        session: requests.Session | None = None,
        client_id: str = "",
        client_secret: str | None = None,
        nonce: object = None,
        **more: Any,
    ) -> None:
        super().__init__(**given(locals()), more=more)


class OktaAuthorizationCode(OAuth2AuthorizationCode):
    """Okta, with an authorization code."""

    def __init__(
        self,
        instance: str,
        client_id: str,
        *,
        response_type: str = "code",
        token_field_name: str = "access_token",
        early_expiry: float = 30.0,
        nonce: object = "new",
        scope: Scope = "openid",
        authorization_server: str = "default",
        redirect_uri_domain: str = "localhost",
        redirect_uri_endpoint: str = "",
        redirect_uri_port: int = 5000,
        timeout: float = 60,
        header_name: str = "Authorization",
        header_value: str = "Bearer {token}",
        session: requests.Session | None = None,
        prompt: str | None = None,
        **more: Any,
    ) -> None:
        urls = provider_urls("okta", ("authorization_url", "token_url"), locals())
        super().__init__(**urls, **given(locals(), "instance", "authorization_server", "urls"), **more)


class OktaAuthorizationCodePKCE(OAuth2AuthorizationCodePKCE):
    """Okta, with PKCE."""

    def __init__(
        self,
        instance: str,
        client_id: str,
        *,
        response_type: str = "code",
        token_field_name: str = "access_token",
        early_expiry: float = 30.0,
        code_field_name: str = "code",
        nonce: object = "new",
        scope: Scope = "openid",
        authorization_server: str = "default",
        redirect_uri_domain: str = "localhost",
        redirect_uri_endpoint: str = "",
        redirect_uri_port: int = 5000,
        timeout: float = 60,
        header_name: str = "Authorization",
        header_value: str = "Bearer {token}",
        session: requests.Session | None = None,
        client_secret: str | None = None,
        **more: Any,
    ) -> None:
        urls = provider_urls("okta", ("authorization_url", "token_url"), locals())
        super().__init__(**urls, **given(locals(), "instance", "authorization_server", "urls"), **more)


class WakaTimeAuthorizationCode(OAuth2AuthorizationCode):
    """WakaTime, with an authorization code."""

    def __init__(
        self,
        client_id: str,
        client_secret: str,
        scope: Scope,
        *,
        response_type: str = "code",
        token_field_name: str = "access_token",
        early_expiry: float = 30.0,
        nonce: object = "new",
        redirect_uri_domain: str = "localhost",
        redirect_uri_endpoint: str = "",
        redirect_uri_port: int = 5000,
        timeout: float = 60,
        header_name: str = "Authorization",
        header_value: str = "Bearer {token}",
        session: requests.Session | None = None,
        **more: Any,
    ) -> None:
        said = given(locals(), "scope")
        # It takes scopes with commas between them, unlike RFC 6749 section 3.3.
        said["scope"] = scope if isinstance(scope, str) else ",".join(scope)
        urls = provider_urls("wakatime", ("authorization_url", "token_url"), locals())
        super().__init__(**urls, **said, **more)


class OAuth2Implicit(ImplicitFace):
    """The implicit flow (RFC 6749 section 4.2), which RFC 9700 section 2.1.2 advises against."""

    def __init__(
        self,
        authorization_url: str,
        *,
        response_type: str = "token",
        token_field_name: str | None = None,
        early_expiry: float = 30.0,
        redirect_uri_domain: str = "localhost",
        redirect_uri_endpoint: str = "",
        redirect_uri_port: int = 5000,
        timeout: float = 60,
        header_name: str = "Authorization",
        header_value: str = "Bearer {token}",
        client_id: str = "",
        nonce: object = None,
        prompt: str | None = None,
        **more: Any,
    ) -> None:
        super().__init__(**given(locals()), more=more)


class AzureActiveDirectoryImplicit(OAuth2Implicit):
    """Microsoft Entra ID, with an access token of the implicit flow."""

    def __init__(
        self,
        tenant_id: str,
        client_id: str,
        *,
        response_type: str = "token",
        token_field_name: str = "access_token",
        early_expiry: float = 30.0,
        nonce: object = "new",
        redirect_uri_domain: str = "localhost",
        redirect_uri_endpoint: str = "",
        redirect_uri_port: int = 5000,
        timeout: float = 60,
        header_name: str = "Authorization",
        header_value: str = "Bearer {token}",
        prompt: str | None = None,
        **more: Any,
    ) -> None:
        check_variables("entra", locals())
        self._vouched_by = vouched_by_entra(tenant_id)
        url = f"{ENTRA}/{tenant_id}/oauth2/authorize"
        super().__init__(authorization_url=url, **given(locals(), "tenant_id", "url"), **more)


class AzureActiveDirectoryImplicitIdToken(OAuth2Implicit):
    """Microsoft Entra ID, with an ID token of the implicit flow."""

    def __init__(
        self,
        tenant_id: str,
        client_id: str,
        *,
        response_type: str = "id_token",
        token_field_name: str = "id_token",
        early_expiry: float = 30.0,
        nonce: object = "new",
        redirect_uri_domain: str = "localhost",
        redirect_uri_endpoint: str = "",
        redirect_uri_port: int = 5000,
        timeout: float = 60,
        header_name: str = "Authorization",
        header_value: str = "Bearer {token}",
        prompt: str | None = None,
        **more: Any,
    ) -> None:
        check_variables("entra", locals())
        self._vouched_by = vouched_by_entra(tenant_id)
        url = f"{ENTRA}/{tenant_id}/oauth2/authorize"
        super().__init__(authorization_url=url, **given(locals(), "tenant_id", "url"), **more)


class OktaImplicit(OAuth2Implicit):
    """Okta, with an access token of the implicit flow."""

    def __init__(
        self,
        instance: str,
        client_id: str,
        *,
        response_type: str = "token",
        token_field_name: str = "access_token",
        early_expiry: float = 30.0,
        nonce: object = "new",
        scope: Scope = ("openid", "profile", "email"),
        authorization_server: str = "default",
        redirect_uri_domain: str = "localhost",
        redirect_uri_endpoint: str = "",
        redirect_uri_port: int = 5000,
        timeout: float = 60,
        header_name: str = "Authorization",
        header_value: str = "Bearer {token}",
        prompt: str | None = None,
        **more: Any,
    ) -> None:
        self._vouched_by = provider_urls("okta", ("issuer", "jwks_url"), locals())
        urls = provider_urls("okta", ("authorization_url",), locals())
        super().__init__(**urls, **given(locals(), "instance", "authorization_server", "urls"), **more)


class OktaImplicitIdToken(OAuth2Implicit):
    """Okta, with an ID token of the implicit flow."""

    def __init__(
        self,
        instance: str,
        client_id: str,
        *,
        response_type: str = "id_token",
        token_field_name: str = "id_token",
        early_expiry: float = 30.0,
        nonce: object = "new",
        scope: Scope = ("openid", "profile", "email"),
        authorization_server: str = "default",
        redirect_uri_domain: str = "localhost",
        redirect_uri_endpoint: str = "",
        redirect_uri_port: int = 5000,
        timeout: float = 60,
        header_name: str = "Authorization",
        header_value: str = "Bearer {token}",
        prompt: str | None = None,
        **more: Any,
    ) -> None:
        self._vouched_by = provider_urls("okta", ("issuer", "jwks_url"), locals())
        urls = provider_urls("okta", ("authorization_url",), locals())
        super().__init__(**urls, **given(locals(), "instance", "authorization_server", "urls"), **more)
