"""The parameter tables of the documentation of requests_auth 8.0.0, as data."""

from inspect import Parameter
from typing import Any

MANDATORY: Any = Parameter.empty
NEW_UUID = "a newly generated UUID"  # the page's words for the default of `nonce`

Table = dict[str, Any]

_ENDPOINTS: Table = {"authorization_url": MANDATORY, "token_url": MANDATORY}
_OKTA: Table = {"instance": MANDATORY, "client_id": MANDATORY}
_ENTRA: Table = {"tenant_id": MANDATORY, "client_id": MANDATORY}
_USER: Table = {"username": MANDATORY, "password": MANDATORY}
_REDIRECT: Table = {
    "redirect_uri_domain": "localhost",
    "redirect_uri_endpoint": "",
    "redirect_uri_port": 5000,
}
_HEADER: Table = {"timeout": 60, "header_name": "Authorization", "header_value": "Bearer {token}"}
_TOKEN: Table = {"token_field_name": "access_token", "early_expiry": 30.0}
_ID_TOKEN: Table = {"response_type": "id_token", "token_field_name": "id_token", "early_expiry": 30.0}
_SESSION: Table = {"session": None}
_NONCE: Table = {"nonce": NEW_UUID}
_OKTA_IMPLICIT: Table = {"scope": ["openid", "profile", "email"], "authorization_server": "default"}

TABLES: dict[str, Table] = {
    "OAuth2AuthorizationCode": {
        **_ENDPOINTS,
        **_REDIRECT,
        **_HEADER,
        "response_type": "code",
        **_TOKEN,
        "code_field_name": "code",
        "username": None,
        "password": None,
        **_SESSION,
    },
    "OktaAuthorizationCode": {
        **_OKTA,
        "response_type": "token",
        **_TOKEN,
        **_NONCE,
        "scope": "openid",
        "authorization_server": "default",
        **_REDIRECT,
        **_HEADER,
        **_SESSION,
    },
    "WakaTimeAuthorizationCode": {
        "client_id": MANDATORY,
        "client_secret": MANDATORY,
        "scope": MANDATORY,
        "response_type": "token",
        **_TOKEN,
        **_NONCE,
        **_REDIRECT,
        **_HEADER,
        **_SESSION,
    },
    "OAuth2AuthorizationCodePKCE": {
        **_ENDPOINTS,
        **_REDIRECT,
        **_HEADER,
        "response_type": "code",
        **_TOKEN,
        "code_field_name": "code",
        **_SESSION,
    },
    "OktaAuthorizationCodePKCE": {
        **_OKTA,
        "response_type": "code",
        **_TOKEN,
        "code_field_name": "code",
        **_NONCE,
        "scope": "openid",
        "authorization_server": "default",
        **_REDIRECT,
        **_HEADER,
        **_SESSION,
    },
    "OAuth2ResourceOwnerPasswordCredentials": {
        "token_url": MANDATORY,
        **_USER,
        "session_auth": None,
        **_HEADER,
        "scope": None,
        **_TOKEN,
        **_SESSION,
    },
    "OktaResourceOwnerPasswordCredentials": {
        "instance": MANDATORY,
        **_USER,
        "client_id": MANDATORY,
        "client_secret": MANDATORY,
        **_HEADER,
        "scope": "openid",
        **_TOKEN,
        **_SESSION,
    },
    "OAuth2ClientCredentials": {
        "token_url": MANDATORY,
        "client_id": MANDATORY,
        "client_secret": MANDATORY,
        **_HEADER,
        "scope": None,
        **_TOKEN,
        **_SESSION,
    },
    "OktaClientCredentials": {
        **_OKTA,
        "client_secret": MANDATORY,
        "scope": MANDATORY,
        "authorization_server": "default",
        **_HEADER,
        **_TOKEN,
        **_SESSION,
    },
    "OAuth2Implicit": {
        "authorization_url": MANDATORY,
        "response_type": "token",
        "token_field_name": "id_token if response_type is id_token, otherwise access_token",
        "early_expiry": 30.0,
        **_REDIRECT,
        **_HEADER,
    },
    "AzureActiveDirectoryImplicit": {
        **_ENTRA,
        "response_type": "token",
        **_TOKEN,
        **_NONCE,
        **_REDIRECT,
        **_HEADER,
    },
    "AzureActiveDirectoryImplicitIdToken": {**_ENTRA, **_ID_TOKEN, **_NONCE, **_REDIRECT, **_HEADER},
    "OktaImplicit": {
        **_OKTA,
        "response_type": "token",
        **_TOKEN,
        **_NONCE,
        **_OKTA_IMPLICIT,
        **_REDIRECT,
        **_HEADER,
    },
    "OktaImplicitIdToken": {**_OKTA, **_ID_TOKEN, **_NONCE, **_OKTA_IMPLICIT, **_REDIRECT, **_HEADER},
    "HeaderApiKey": {"api_key": MANDATORY, "header_name": "X-API-Key"},
    "QueryApiKey": {"api_key": MANDATORY, "query_parameter_name": "api_key"},
    "Basic": {**_USER},
    "NTLM": {"username": None, "password": None},
    "DisplaySettings": {
        "success_display_time": 1,
        "success_html": None,
        "failure_display_time": 10_000,
        "failure_html": None,
    },
    "JsonTokenFileCache": {"tokens_path": MANDATORY},
}
"""For each class its parameters and their defaults; the last one is not a table there but an example."""

USUAL: dict[str, tuple[str, ...]] = {
    "OAuth2AuthorizationCode": ("client_id", "client_secret", "nonce"),
    "OktaAuthorizationCode": ("prompt",),
    "OAuth2AuthorizationCodePKCE": ("client_id", "client_secret", "nonce"),
    "OktaAuthorizationCodePKCE": ("client_secret", "nonce"),
    "OAuth2Implicit": ("client_id", "nonce", "prompt"),
    "AzureActiveDirectoryImplicit": ("prompt",),
    "AzureActiveDirectoryImplicitIdToken": ("prompt",),
    "OktaImplicit": ("prompt",),
    "OktaImplicitIdToken": ("prompt",),
}
"""For each class the `Usual extra parameters` of the page."""

ERRORS = (
    "AuthenticationFailed",
    "GrantNotProvided",
    "InvalidGrantRequest",
    "InvalidToken",
    "RequestsAuthException",
    "StateNotProvided",
    "TimeoutOccurred",
    "TokenExpiryNotProvided",
)

NAMES = (*TABLES, *ERRORS, "OAuth2", "SupportMultiAuth", "TokenMemoryCache", "__version__")
"""All that can be imported from requests_auth."""
