"""The providers that are known: the URLs that each documents, what else holds for it, and what wins."""

from pathlib import Path

import profiles_file
import pytest
from profiles_file import PERSON

from requests_auth_profiles._config.flows import ENDPOINTS, FLOWS
from requests_auth_profiles._config.profile_keys import PROFILE
from requests_auth_profiles._config.providers import providers
from requests_auth_profiles._config.spec import OAuth2, Redirect

OKTA = "https://acme.okta-emea.com/oauth2"
ENTRA = "https://login.microsoftonline.com/acme.com"
KEYCLOAK = "https://sso.acme.com/auth/realms/acme"

# What a profile says, and the issuer, authorization, token, device, revocation and key URLs that it means.
URLS = {
    "okta": (
        'provider = "okta"\ninstance = "acme.okta-emea.com"',
        [
            f"{OKTA}/default",
            f"{OKTA}/default/v1/authorize",
            f"{OKTA}/default/v1/token",
            f"{OKTA}/default/v1/device/authorize",
            f"{OKTA}/default/v1/revoke",
            f"{OKTA}/default/v1/keys",
        ],
    ),
    "okta with a server of one's own": (
        'provider = "okta"\ninstance = "acme.okta-emea.com"\nauthorization_server = "aus9o8wzkhckw9TLa0h7z"',
        [
            f"{OKTA}/aus9o8wzkhckw9TLa0h7z",
            f"{OKTA}/aus9o8wzkhckw9TLa0h7z/v1/authorize",
            f"{OKTA}/aus9o8wzkhckw9TLa0h7z/v1/token",
            f"{OKTA}/aus9o8wzkhckw9TLa0h7z/v1/device/authorize",
            f"{OKTA}/aus9o8wzkhckw9TLa0h7z/v1/revoke",
            f"{OKTA}/aus9o8wzkhckw9TLa0h7z/v1/keys",
        ],
    ),
    "entra": (
        'provider = "entra"\ntenant_id = "acme.com"',
        [
            None,
            f"{ENTRA}/oauth2/v2.0/authorize",
            f"{ENTRA}/oauth2/v2.0/token",
            f"{ENTRA}/oauth2/v2.0/devicecode",
            None,
            f"{ENTRA}/discovery/v2.0/keys",
        ],
    ),
    "wakatime": (
        'provider = "wakatime"',
        [
            None,
            "https://wakatime.com/oauth/authorize",
            "https://wakatime.com/oauth/token",
            None,
            "https://wakatime.com/oauth/revoke",
            None,
        ],
    ),
    "google": (
        'provider = "google"',
        [
            "https://accounts.google.com",
            "https://accounts.google.com/o/oauth2/v2/auth",
            "https://oauth2.googleapis.com/token",
            "https://oauth2.googleapis.com/device/code",
            "https://oauth2.googleapis.com/revoke",
            "https://www.googleapis.com/oauth2/v3/certs",
        ],
    ),
    "github": (
        'provider = "github"',
        [
            None,
            "https://github.com/login/oauth/authorize",
            "https://github.com/login/oauth/access_token",
            "https://github.com/login/device/code",
            None,
            None,
        ],
    ),
    "github of one's own": (
        'provider = "github"\ninstance = "github.acme.com"',
        [
            None,
            "https://github.acme.com/login/oauth/authorize",
            "https://github.acme.com/login/oauth/access_token",
            "https://github.acme.com/login/device/code",
            None,
            None,
        ],
    ),
    "gitlab": (
        'provider = "gitlab"',
        [
            "https://gitlab.com",
            "https://gitlab.com/oauth/authorize",
            "https://gitlab.com/oauth/token",
            "https://gitlab.com/oauth/authorize_device",
            "https://gitlab.com/oauth/revoke",
            "https://gitlab.com/oauth/discovery/keys",
        ],
    ),
    "gitlab of one's own": (
        'provider = "gitlab"\ninstance = "gitlab.acme.com:8443"',
        [
            "https://gitlab.acme.com:8443",
            "https://gitlab.acme.com:8443/oauth/authorize",
            "https://gitlab.acme.com:8443/oauth/token",
            "https://gitlab.acme.com:8443/oauth/authorize_device",
            "https://gitlab.acme.com:8443/oauth/revoke",
            "https://gitlab.acme.com:8443/oauth/discovery/keys",
        ],
    ),
    "auth0": (
        'provider = "auth0"\ndomain = "acme.eu.auth0.com"',
        [
            "https://acme.eu.auth0.com/",  # with the slash, as its tokens have it
            "https://acme.eu.auth0.com/authorize",
            "https://acme.eu.auth0.com/oauth/token",
            "https://acme.eu.auth0.com/oauth/device/code",
            "https://acme.eu.auth0.com/oauth/revoke",
            "https://acme.eu.auth0.com/.well-known/jwks.json",
        ],
    ),
    "keycloak": (
        'provider = "keycloak"\nbase_url = "https://sso.acme.com/auth/"\nrealm = "acme"',
        [
            KEYCLOAK,
            f"{KEYCLOAK}/protocol/openid-connect/auth",
            f"{KEYCLOAK}/protocol/openid-connect/token",
            f"{KEYCLOAK}/protocol/openid-connect/auth/device",
            f"{KEYCLOAK}/protocol/openid-connect/revoke",
            f"{KEYCLOAK}/protocol/openid-connect/certs",
        ],
    ),
}
ORDER = ("issuer", "authorization_url", "token_url", "device_authorization_url", "revocation_url", "jwks_url")
HOW = {
    "machine": 'flow = "client-credentials"\nclient_secret = "x"',
    "person": 'flow = "authorization-code-pkce"',
}

# What a person's sign-in asks for where the profile says nothing: scopes, redirect, more parameters.
LOCALHOST = Redirect(host="localhost", ports=(5000,), path="/")
LOOPBACK = Redirect(host="127.0.0.1", ports=(0,), path="/")
SIGN_IN = {
    "okta": (("openid",), LOCALHOST, {}),
    "entra": (("openid", "offline_access"), LOCALHOST, {}),
    "wakatime": ((), LOCALHOST, {}),
    "google": (("openid", "email"), LOOPBACK, {"access_type": "offline"}),
    "github": ((), LOOPBACK, {}),
    "gitlab": ((), LOCALHOST, {}),
    "auth0": (("openid", "offline_access"), LOCALHOST, {}),
    "keycloak": (("openid",), LOCALHOST, {}),
}
POST = {"wakatime", "google", "github"}


def found(folder: Path, provider: str, how: str = "person", more: str = "") -> OAuth2:
    """What a profile with the variables of a provider, and more, wins its token with."""
    text = f'[profiles.work]\nclient_id = "me"\n{HOW[how]}\n{URLS[provider][0]}\n{more}'
    return profiles_file.oauth2(folder, text)


def test_every_provider_is_here() -> None:
    """Each row has its tests, in this file."""
    assert {*SIGN_IN} == {*providers()} == {name.partition(" ")[0] for name in URLS}


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("provider", URLS)
def test_urls(tmp_path: Path, provider: str, how: str) -> None:
    """A profile with no more than the variables has the URLs that the provider documents, in any flow."""
    expected = {name: url for name, url in zip(ORDER, URLS[provider][1], strict=True) if url}
    assert found(tmp_path, provider, how).endpoints == expected


@pytest.mark.parametrize("provider", SIGN_IN)
def test_a_persons_sign_in(tmp_path: Path, provider: str) -> None:
    """What the provider wants of a desktop program is said for it."""
    said = found(tmp_path, provider)
    assert (said.scopes, said.redirect, said.authorize_params) == SIGN_IN[provider]


@pytest.mark.parametrize("provider", SIGN_IN)
def test_a_machines_sign_in(tmp_path: Path, provider: str) -> None:
    """It asks for no scope that only a person can grant."""
    said = found(tmp_path, provider, "machine")
    assert (said.scopes, said.authorize_params) == ((), {})


@pytest.mark.parametrize("provider", SIGN_IN)
def test_client_authentication(tmp_path: Path, provider: str) -> None:
    """A secret goes where the provider takes it; a client without one does not claim to have it."""
    with_secret = found(tmp_path, provider, more='client_secret = "x"').client
    assert with_secret.client_auth == ("post" if provider in POST else "basic")
    assert found(tmp_path, provider).client.client_auth == "none"


@pytest.mark.parametrize("provider", SIGN_IN)
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_a_url_of_ones_own(tmp_path: Path, provider: str, endpoint: str) -> None:
    """An endpoint that the profile says wins, and the others stay."""
    before = found(tmp_path, provider).endpoints
    after = found(tmp_path, provider, more=f'{endpoint} = "https://sso.acme.com/x"').endpoints
    assert after == before | {endpoint: "https://sso.acme.com/x"}


@pytest.mark.parametrize(
    ("line", "attribute", "value"),
    [
        ('scopes = ["read"]', "scopes", ("read",)),
        ("scopes = []", "scopes", ()),
        ('redirect_host = "localhost"', "redirect", Redirect(host="localhost", ports=(0,), path="/")),
        ("redirect_port = 5000", "redirect", Redirect(host="127.0.0.1", ports=(5000,), path="/")),
        ('authorize_params = { access_type = "online" }', "authorize_params", {"access_type": "online"}),
        (
            'authorize_params = { prompt = "consent" }',
            "authorize_params",
            {"access_type": "offline", "prompt": "consent"},
        ),
    ],
)
def test_a_profiles_own_keys_win(tmp_path: Path, line: str, attribute: str, value: object) -> None:
    """What the profile says replaces what the provider's row says; a table is added to it."""
    assert getattr(found(tmp_path, "google", more=line), attribute) == value


def test_a_client_authentication_of_ones_own(tmp_path: Path) -> None:
    """It wins too."""
    more = 'client_secret = "x"\nclient_auth = "basic"'
    assert found(tmp_path, "google", more=more).client.client_auth == "basic"


def test_an_issuer_beside_a_provider(tmp_path: Path) -> None:
    """A profile that names an issuer and no provider has no URL but that."""
    assert profiles_file.oauth2(tmp_path, PERSON).endpoints == {"issuer": "https://login.acme.com"}


@pytest.mark.parametrize("provider", providers())
def test_a_row_has_known_keys_only(provider: str) -> None:
    """Whatever a row says, for any flow, is a value that a profile of that flow could say itself."""
    row = providers()[provider]
    examples = {name: key.example.strip('"') for name, key in row.variables.items()}
    for flow in (flow for flow in FLOWS.values() if flow.endpoints):
        for name, value in row.defaults(flow.name).items():
            filled = row.filled(value, examples) if isinstance(value, str) else value
            assert PROFILE[name].kind.problem(filled) is None
    assert set(row.flows) <= set(FLOWS)


@pytest.mark.parametrize("provider", providers())
def test_no_variable_is_a_key_that_has_another_meaning(provider: str) -> None:
    """A variable has a name of its own, and an example that it can be."""
    for name, key in providers()[provider].variables.items():
        assert name not in PROFILE
        assert key.kind.problem(key.example.strip('"')) is None
