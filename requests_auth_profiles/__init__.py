"""Name an authentication once, in a file, and use it in every requests call.

::

    import requests
    from requests_auth_profiles import profile

    requests.get("https://api.acme.com/me", auth=profile("work-okta"))

The classes of requests_auth are here too, under their names.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from requests_auth_profiles._auth import SupportMultiAuth
    from requests_auth_profiles._build import profile
    from requests_auth_profiles._build.host_auth import by_host
    from requests_auth_profiles._requests_auth.browser import (
        AzureActiveDirectoryImplicit,
        AzureActiveDirectoryImplicitIdToken,
        OAuth2AuthorizationCode,
        OAuth2AuthorizationCodePKCE,
        OAuth2Implicit,
        OktaAuthorizationCode,
        OktaAuthorizationCodePKCE,
        OktaImplicit,
        OktaImplicitIdToken,
        WakaTimeAuthorizationCode,
    )
    from requests_auth_profiles._requests_auth.cache import JsonTokenFileCache, TokenMemoryCache
    from requests_auth_profiles._requests_auth.display import DisplaySettings
    from requests_auth_profiles._requests_auth.machine import (
        OAuth2ClientCredentials,
        OAuth2ResourceOwnerPasswordCredentials,
        OktaClientCredentials,
        OktaResourceOwnerPasswordCredentials,
    )
    from requests_auth_profiles._requests_auth.ntlm import NTLM
    from requests_auth_profiles._requests_auth.oauth2 import OAuth2
    from requests_auth_profiles._requests_auth.plain import Basic, HeaderApiKey, QueryApiKey
    from requests_auth_profiles.errors import (
        AuthenticationFailed,
        GrantNotProvided,
        InvalidGrantRequest,
        InvalidToken,
        RequestsAuthException,
        StateNotProvided,
        TimeoutOccurred,
        TokenExpiryNotProvided,
    )

__version__ = "0.1.0"

__all__ = [
    "NTLM",
    "AuthenticationFailed",
    "AzureActiveDirectoryImplicit",
    "AzureActiveDirectoryImplicitIdToken",
    "Basic",
    "DisplaySettings",
    "GrantNotProvided",
    "HeaderApiKey",
    "InvalidGrantRequest",
    "InvalidToken",
    "JsonTokenFileCache",
    "OAuth2",
    "OAuth2AuthorizationCode",
    "OAuth2AuthorizationCodePKCE",
    "OAuth2ClientCredentials",
    "OAuth2Implicit",
    "OAuth2ResourceOwnerPasswordCredentials",
    "OktaAuthorizationCode",
    "OktaAuthorizationCodePKCE",
    "OktaClientCredentials",
    "OktaImplicit",
    "OktaImplicitIdToken",
    "OktaResourceOwnerPasswordCredentials",
    "QueryApiKey",
    "RequestsAuthException",
    "StateNotProvided",
    "SupportMultiAuth",
    "TimeoutOccurred",
    "TokenExpiryNotProvided",
    "TokenMemoryCache",
    "WakaTimeAuthorizationCode",
    "__version__",
    "by_host",
    "profile",
]

_ELSEWHERE = {
    "_auth": ("SupportMultiAuth",),
    "_build": ("profile",),
    "_build.host_auth": ("by_host",),
    "_requests_auth.cache": ("JsonTokenFileCache", "TokenMemoryCache"),
    "_requests_auth.display": ("DisplaySettings",),
    "_requests_auth.machine": (
        "OAuth2ClientCredentials",
        "OAuth2ResourceOwnerPasswordCredentials",
        "OktaClientCredentials",
        "OktaResourceOwnerPasswordCredentials",
    ),
    "_requests_auth.ntlm": ("NTLM",),
    "_requests_auth.oauth2": ("OAuth2",),
    "_requests_auth.plain": ("Basic", "HeaderApiKey", "QueryApiKey"),
    "errors": (
        "AuthenticationFailed",
        "GrantNotProvided",
        "InvalidGrantRequest",
        "InvalidToken",
        "RequestsAuthException",
        "StateNotProvided",
        "TimeoutOccurred",
        "TokenExpiryNotProvided",
    ),
}
_MODULES = {name: module for module, names in _ELSEWHERE.items() for name in names}


def __getattr__(name: str) -> Any:
    # Given on demand (PEP 562), so that importing the package costs next to nothing.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_MODULES.get(name, '_requests_auth.browser')}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
