"""`par = true` (RFC 9126): the provider gets the request itself, and the browser a reference to it."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import profiles_file
import pytest
import requests
from counterparts import Provider
from requests.auth import AuthBase
from sign_ins import Visitor, code_grant, endpoint
from wire import PATIENCE_SECONDS

from requests_auth_profiles._oauth2.client import ClientSecretBasic, ClientSecretPost, PublicClient
from requests_auth_profiles._oauth2.grants import TokenEndpoint
from requests_auth_profiles._oauth2.sign_in import AuthorizationCode
from requests_auth_profiles._proof import Nonces
from requests_auth_profiles.errors import (
    ConfigurationError,
    GrantNotProvided,
    InvalidGrantRequest,
    InvalidToken,
)
from requests_auth_profiles.testing import AuthorizationServer, Client, Reply


def pushing(at: TokenEndpoint, visitor: Visitor, **more: str) -> AuthorizationCode:
    """A sign-in whose request goes to the provider itself."""
    return replace(code_grant(visitor, at, parameters=more), par=True)


@pytest.mark.parametrize(
    "auth",
    [
        PublicClient("native"),
        ClientSecretBasic("web", lambda: "web-secret"),
        ClientSecretPost("web", lambda: "web-secret"),
    ],
)
def test_at_the_provider(oidc_provider: Provider, auth: AuthBase) -> None:
    """The browser shows the client and a reference alone, and the token is the person's."""
    client_id = getattr(auth, "client_id", "")
    visitor = Visitor()
    at = endpoint(oidc_provider.issuer, client_id, client_auth=auth)
    token = pushing(at, visitor, login_hint="canary").fetch()
    headers = {"Authorization": f"Bearer {token.access_token}"}
    answer = requests.get(oidc_provider.api_url, headers=headers, timeout=PATIENCE_SECONDS)
    assert answer.json()["sub"] == "alice"
    (asked,) = visitor.asked
    assert asked.keys() == {"client_id", "request_uri"}
    assert asked["request_uri"].startswith("urn:ietf:params:oauth:request_uri:")
    assert "canary" not in visitor.urls[0]


def test_what_the_provider_refuses(oidc_provider: Provider) -> None:
    """It is told before anybody is asked, in the provider's words."""
    visitor = Visitor()
    with pytest.raises(InvalidGrantRequest, match="refused the authorization request") as caught:
        pushing(endpoint(oidc_provider.issuer), visitor, resource="https://nobody.acme.com").fetch()
    assert caught.value.error == "invalid_target"
    assert visitor.urls == []


class _Pushed:
    """A provider that announces the endpoint, whose answers a test gives."""

    def __init__(self, server: AuthorizationServer, *answers: Reply, **more: object) -> None:
        self.server = server
        server.clients["native"] = Client()
        announced = {
            "issuer": server.issuer,
            "authorization_endpoint": f"{server.issuer}/authorize",
            "token_endpoint": f"{server.issuer}/token",
            "pushed_authorization_request_endpoint": f"{server.issuer}/revoke",
            **more,
        }
        server.replies["discovery"].append(Reply.json(announced))
        server.replies["revoke"].extend(answers)

    @property
    def forms(self) -> list[list[tuple[str, str]]]:
        return [one.form for one in self.server.requests if one.path == "/revoke"]


def test_what_is_pushed() -> None:
    """All that the browser would have carried, each name once, and what proves the client."""
    with AuthorizationServer() as server:
        pushed = _Pushed(server, Reply.json({"error": "access_denied"}, 400))
        auth = ClientSecretPost("native", lambda: "s3cret")
        with pytest.raises(InvalidGrantRequest):
            pushing(endpoint(server.issuer, client_auth=auth), Visitor(), prompt="login").fetch()
        (form,) = pushed.forms
    assert sorted(name for name, _ in form) == [
        *("client_id", "client_secret", "code_challenge", "code_challenge_method", "nonce", "prompt"),
        *("redirect_uri", "response_type", "scope", "state"),
    ]


def test_what_binds_the_code() -> None:
    """The key that the token is to be bound to is pushed too, and only there (RFC 9449 section 10.1)."""
    visitor = Visitor(lambda answer: answer)
    with AuthorizationServer() as server:
        pushed = _Pushed(server, Reply.json({"request_uri": "urn:x"}, 201))
        with pytest.raises(AssertionError, match="no way on"):
            pushing(endpoint(server.issuer, nonces=Nonces()), visitor).fetch()
        (form,) = pushed.forms
    assert len(dict(form)["dpop_jkt"]) == 43
    assert "dpop_jkt" not in visitor.asked[0]


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ({}, GrantNotProvided),
        ({"request_uri": ""}, GrantNotProvided),
        ({"request_uri": "a b"}, InvalidToken),
        ({"request_uri": ["urn:x"]}, InvalidToken),
    ],
)
def test_no_reference(said: Mapping[str, object], kind: type[Exception]) -> None:
    """An answer without one is an error, and nobody is asked."""
    visitor = Visitor()
    with AuthorizationServer() as server:
        _Pushed(server, Reply.json(dict(said), 201))
        with pytest.raises(kind):
            pushing(endpoint(server.issuer), visitor).fetch()
    assert visitor.urls == []


REFUSED = Reply.json({"error": "access_denied"}, 400)


@pytest.mark.parametrize("par", [None, True])
def test_a_provider_that_takes_no_others(par: bool | None) -> None:
    """One that announces so gets the request itself, though the profile says nothing of it."""
    visitor = Visitor()
    with AuthorizationServer() as server:
        pushed = _Pushed(server, REFUSED, require_pushed_authorization_requests=True)
        with pytest.raises(InvalidGrantRequest, match="refused the authorization request"):
            replace(pushing(endpoint(server.issuer), visitor), par=par).fetch()
        assert len(pushed.forms) == 1
    assert visitor.urls == []


@pytest.mark.parametrize(
    ("par", "more"),
    [
        (False, {"require_pushed_authorization_requests": True}),
        (None, {"require_pushed_authorization_requests": False}),
        (None, {"require_pushed_authorization_requests": "true"}),
        (None, {}),
    ],
    ids=["not wanted", "not needed", "no boolean", "not said"],
)
def test_where_it_is_not_used(par: bool | None, more: dict[str, object]) -> None:
    """`par = false` holds whatever is announced, and what is not announced to be needed is not used."""
    visitor = Visitor()
    with AuthorizationServer() as server:
        pushed = _Pushed(server, REFUSED, **more)
        token = replace(pushing(endpoint(server.issuer), visitor), par=par).fetch()
        assert pushed.forms == []
    assert token.access_token
    assert "request_uri" not in visitor.urls[0]


def test_one_that_has_to_and_has_none() -> None:
    """A provider that asks for it and announces no place for it is asked as any other."""
    visitor = Visitor()
    with AuthorizationServer() as server:
        _Pushed(
            server, require_pushed_authorization_requests=True, pushed_authorization_request_endpoint=None
        )
        assert replace(pushing(endpoint(server.issuer), visitor), par=None).fetch().access_token


def test_a_reference_is_quoted() -> None:
    """Whatever it is, it is one parameter of the address that the browser opens."""
    visitor = Visitor(lambda answer: answer)
    with AuthorizationServer() as server:
        _Pushed(server, Reply.json({"request_uri": "urn:x&state=1#2", "expires_in": 60}, 201))
        with pytest.raises(AssertionError, match="no way on"):  # this provider knows no reference
            pushing(endpoint(server.issuer), visitor).fetch()
    assert dict(parse_qsl(urlsplit(visitor.urls[0]).query)) == {
        "client_id": "native",
        "request_uri": "urn:x&state=1#2",
    }


def test_a_provider_that_has_none() -> None:
    """One that announces no such endpoint is told with what to do, and nobody is asked."""
    visitor = Visitor()
    with AuthorizationServer() as server, pytest.raises(ConfigurationError) as caught:
        pushing(endpoint(server.issuer), visitor).fetch()
    assert "pushed_authorization_request_endpoint" in caught.value.message
    assert caught.value.hint == "leave par out"
    assert visitor.urls == []


def test_a_profile(tmp_path: Path) -> None:
    """It is for profiles with an issuer, which says where to; the provider decides where nothing is said."""
    assert profiles_file.oauth2(tmp_path, f"{profiles_file.PERSON}par = true\n").par
    assert profiles_file.oauth2(tmp_path, profiles_file.PERSON).par is None
    assert profiles_file.oauth2(tmp_path, f"{profiles_file.PERSON}par = false\n").par is False
    text = (
        profiles_file.PERSON.replace("issuer =", "authorization_url =") + 'token_url = "https://acme.com/t"\n'
    )
    (fault,) = profiles_file.faults(tmp_path, f"{text}par = true\n")
    assert (fault.key, fault.hint) == ("par", 'issuer = "https://login.acme.com"')
