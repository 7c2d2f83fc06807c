"""What the OAuth2 classes are given: refused at once where it cannot be used, and shown where it may be."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from faults import World, world
from requests.auth import HTTPBasicAuth

from requests_auth_profiles import (
    AzureActiveDirectoryImplicit,
    AzureActiveDirectoryImplicitIdToken,
    OAuth2AuthorizationCode,
    OAuth2AuthorizationCodePKCE,
    OAuth2ClientCredentials,
    OAuth2Implicit,
    OAuth2ResourceOwnerPasswordCredentials,
    OktaAuthorizationCode,
    OktaClientCredentials,
    OktaImplicit,
    OktaImplicitIdToken,
    TimeoutOccurred,
    WakaTimeAuthorizationCode,
)
from requests_auth_profiles.errors import ConfigurationError

__all__ = ["world"]

A, T = "https://idp.example/authorize", "https://idp.example/token"
MAKES: dict[str, Callable[..., Any]] = {
    "OAuth2AuthorizationCode": lambda **more: OAuth2AuthorizationCode(A, T, **more),
    "OAuth2AuthorizationCodePKCE": lambda **more: OAuth2AuthorizationCodePKCE(A, T, **more),
    "OktaAuthorizationCode": lambda **more: OktaAuthorizationCode(
        **{"instance": "acme.okta.com", "client_id": "app"} | more
    ),
    "WakaTimeAuthorizationCode": lambda **more: WakaTimeAuthorizationCode(
        "app", "s3cret", **{"scope": "email"} | more
    ),
    "OAuth2Implicit": lambda **more: OAuth2Implicit(A, **more),
    "AzureActiveDirectoryImplicit": lambda **more: AzureActiveDirectoryImplicit(
        **{"tenant_id": "acme.com", "client_id": "app"} | more
    ),
    "OktaImplicitIdToken": lambda **more: OktaImplicitIdToken("acme.okta.com", "app", **more),
    "OAuth2ClientCredentials": lambda **more: OAuth2ClientCredentials(
        **{"token_url": T, "client_id": "app", "client_secret": "s3cret"} | more
    ),
    "OktaClientCredentials": lambda **more: OktaClientCredentials(
        "acme.okta.com", "app", "s3cret", **{"scope": "read"} | more
    ),
    "OAuth2ResourceOwnerPasswordCredentials": lambda **more: OAuth2ResourceOwnerPasswordCredentials(
        T, **{"username": "ada", "password": "p4ss"} | more
    ),
}
WRONG: list[tuple[str, str, object, str]] = [
    ("OAuth2AuthorizationCode", "timeout", None, "timeout=60"),
    ("OAuth2AuthorizationCode", "timeout", "60", "timeout=60"),
    ("OAuth2AuthorizationCode", "timeout", True, "timeout=60"),
    ("OAuth2AuthorizationCode", "timeout", float("nan"), "timeout=60"),
    ("OAuth2AuthorizationCode", "timeout", float("inf"), "timeout=60"),
    ("OAuth2AuthorizationCodePKCE", "redirect_uri_port", "5000", "redirect_uri_port=5000"),
    ("OAuth2AuthorizationCodePKCE", "redirect_uri_port", 5000.0, "redirect_uri_port=5000"),
    ("OAuth2AuthorizationCodePKCE", "redirect_uri_port", None, "redirect_uri_port=5000"),
    ("OAuth2AuthorizationCodePKCE", "redirect_uri_port", 65536, "redirect_uri_port=5000"),
    ("OAuth2AuthorizationCodePKCE", "redirect_uri_port", -1, "redirect_uri_port=5000"),
    ("OAuth2AuthorizationCodePKCE", "client_id", 5, 'client_id="…"'),
    ("OAuth2AuthorizationCodePKCE", "session", "s", "session=…"),
    ("OktaAuthorizationCode", "instance", 5, 'instance="…"'),
    ("OktaAuthorizationCode", "scope", 5, 'scope="openid"'),
    ("OktaAuthorizationCode", "header_name", None, 'header_name="Authorization"'),
    ("WakaTimeAuthorizationCode", "scope", None, 'scope="…"'),
    ("WakaTimeAuthorizationCode", "scope", [5], 'scope="…"'),
    ("OAuth2Implicit", "header_value", None, 'header_value="Bearer {token}"'),
    ("OAuth2Implicit", "early_expiry", None, "early_expiry=30.0"),
    ("OAuth2Implicit", "redirect_uri_domain", None, 'redirect_uri_domain="localhost"'),
    ("OAuth2Implicit", "response_type", ["token"], 'response_type="token"'),
    ("AzureActiveDirectoryImplicit", "tenant_id", 5, 'tenant_id="…"'),
    ("OktaImplicitIdToken", "token_field_name", None, 'token_field_name="id_token"'),
    ("OAuth2ClientCredentials", "scope", 5, 'scope="…"'),
    ("OAuth2ClientCredentials", "scope", b"read", 'scope="…"'),
    ("OAuth2ClientCredentials", "client_id", 5, 'client_id="…"'),
    ("OAuth2ClientCredentials", "client_secret", 5, 'client_secret="…"'),
    ("OktaClientCredentials", "early_expiry", "30", "early_expiry=30.0"),
    ("OAuth2ResourceOwnerPasswordCredentials", "session_auth", ("one",), "session_auth=…"),
    ("OAuth2ResourceOwnerPasswordCredentials", "session_auth", ["app", "s3cret"], "session_auth=…"),
    ("OAuth2ResourceOwnerPasswordCredentials", "password", 5, 'password="…"'),
]


@pytest.mark.parametrize(("name", "parameter", "value", "hint"), WRONG)
def test_a_parameter_of_another_type_is_refused(name: str, parameter: str, value: object, hint: str) -> None:
    """At once, by the names of class and parameter, with what to write; the value is not shown."""
    with pytest.raises(ConfigurationError, match=rf"^{parameter} of {name} is not ") as caught:
        MAKES[name](**{parameter: value})
    assert caught.value.hint == hint


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("OAuth2AuthorizationCode", {"timeout": 0, "early_expiry": 0, "redirect_uri_port": 0}),
        ("OAuth2AuthorizationCode", {"nonce": 5, "session": requests.Session(), "client_secret": None}),
        ("OktaAuthorizationCode", {"nonce": None, "scope": {"read", "write"}}),
        ("OAuth2Implicit", {"token_field_name": None, "prompt": None, "resource": ["r", "s"], "max_age": 5}),
        ("OAuth2ClientCredentials", {"scope": None}),
        ("OAuth2ClientCredentials", {"scope": ()}),
        ("OAuth2ResourceOwnerPasswordCredentials", {"session_auth": ("app", "s3cret")}),
        ("OAuth2ResourceOwnerPasswordCredentials", {"session_auth": HTTPBasicAuth("app", "s3cret")}),
        ("OAuth2ResourceOwnerPasswordCredentials", {"session_auth": lambda request: request}),
    ],
)
def test_what_can_be_used_is_taken(name: str, said: dict[str, Any]) -> None:
    """Numbers may be whole, lists of any kind, and further keywords anything."""
    assert MAKES[name](**said).name == name


def test_a_class_made_of_ours_is_named(world: World) -> None:
    """The name in the message is that of the class that the program calls."""

    class Mine(OAuth2Implicit):
        def __init__(self, timeout: object) -> None:
            super().__init__(A, timeout=timeout)  # type: ignore[arg-type]

    assert Mine(5).name == "Mine"
    with pytest.raises(ConfigurationError, match="timeout of Mine is not a number of seconds"):
        Mine("5")


SHOWN = {
    "acr_values": "a",
    "id_token_hint": "a.b.c",
    "login_hint": "ada",
    "requested_token_type": "urn:x",
    "token_type_hint": "access_token",
    "key_id": "1",
    "tokenFormat": "jwt",
}
HIDDEN = dict.fromkeys(
    [
        *("actor_token", "api_key", "apikey", "client_assertion", "client_secret"),
        *("login_hint_token", "otp", "pass", "passphrase", "password"),
        *("pin", "request_signature", "subject_token", "user_pin", "x-key"),
    ],
    "CANARY",
)


@pytest.mark.parametrize("kind", ["code", "implicit"])
def test_no_secret_is_in_the_address_bar(world: World, kind: str) -> None:
    """What is said about a secret goes there, and an ID token as a hint (OpenID Connect Core 3.1.2.1)."""
    world.browser.visit = lambda url: None
    with pytest.raises(TimeoutOccurred):
        world.call(getattr(world, kind)(timeout=0.2, **SHOWN, **HIDDEN))
    asked = dict(parse_qsl(urlsplit(world.browser.urls[0]).query))
    assert {name: asked.get(name) for name in SHOWN} == SHOWN
    assert HIDDEN.keys() & asked.keys() == set()
    assert "CANARY" not in world.browser.urls[0]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: OktaClientCredentials("https://i.okta.com", "c", "s", scope="a"), "instance of Okta"),
        (lambda: OktaImplicit("", "c"), "instance is mandatory"),
        (lambda: AzureActiveDirectoryImplicit("", "c"), "tenant_id is mandatory"),
        (lambda: AzureActiveDirectoryImplicitIdToken("a/b", "c"), "tenant_id of Azure"),
    ],
)
def test_what_no_url_of_the_provider_can_hold(make: Callable[[], object], message: str) -> None:
    """It is refused when the class is made, and not found out by a call to nowhere."""
    with pytest.raises(ConfigurationError, match=message) as caught:
        make()
    assert caught.value.hint


@pytest.mark.parametrize(
    ("make", "who"),
    [(OAuth2ClientCredentials, ("app", "s3cret")), (OAuth2ResourceOwnerPasswordCredentials, ("ada", "p4ss"))],
)
def test_a_grant_type_of_a_providers_own(
    world: World, make: Callable[..., Any], who: tuple[str, str]
) -> None:
    """It is sent in place of the standard's, but not for a refresh token."""
    realm = "http://auth0.com/oauth/grant-type/password-realm"
    auth = make(world.token, *who, grant_type=realm, realm="x")
    world.answer_next({"access_token": "t", "expires_in": 0, "refresh_token": "r"})
    auth.login()
    world.answer_next({"access_token": "u", "expires_in": 3600})
    auth.token()
    first, second = world.token_forms
    assert (first["grant_type"], first["realm"]) == (realm, "x")
    assert second["grant_type"] == "refresh_token"
