"""The same program puts the same bytes on the wire with requests_auth and with ours, but for what is listed.

The order of parameters is not compared, which has no meaning, nor what is new each time.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests_auth
from requests.auth import HTTPBasicAuth
from wire_traces import CLIENT, SECRET, World, trace, world

import requests_auth_profiles
from requests_auth_profiles.testing import Reply

TOKEN = "a-token-that-the-provider-gives-whatever-it-is-asked"


@dataclass(frozen=True)
class Deviation:
    """Something that ours says otherwise, on purpose.

    Args:
        reason: why.
        differences: the part, the name, what requests_auth says, what ours says; None = nothing.
    """

    reason: str
    differences: tuple[tuple[str, str, str | None, str | None], ...]


PKCE = Deviation(
    "every code is bound to the program that asked for it (RFC 9700 section 2.1.1, fault 5)",
    (
        ("browser", "code_challenge", None, "new"),
        ("browser", "code_challenge_method", None, "=S256"),
        ("token", "code_verifier", None, "new"),
    ),
)
SECRET_STAYS = Deviation(
    "a secret never goes into the browser's address bar (fault 6)",
    (("browser", "client_secret", f"={SECRET}", None),),
)
ANY_SECRET_STAYS = Deviation(SECRET_STAYS.reason, (("browser", "client_assertion", "=proof", None),))
NO_RESPONSE_TYPE = Deviation(
    "response_type is no parameter of a token request (RFC 6749 sections 4.1.3 and 6)",
    (("token", "response_type", "=code", None),),
)
NO_NONCE_IN_BODY = Deviation(
    "nonce is no parameter of a token request (OpenID Connect Core 3.1.3.1)",
    (("token", "nonce", "new", None),),
)
NONCE = Deviation(
    "an ID token must be of this very sign-in (OpenID Connect Core 3.1.2.1), and the page promises a nonce",
    (("browser", "nonce", None, "new"),),
)
BYTES_STAY = Deviation(
    "what an address says already is kept byte for byte (fault 53)",
    (("browser", "x", "=~+1", "=%7e+1"),),
)
SCOPE_LIST = Deviation(
    "a list of scopes is sent with spaces between them (RFC 6749 section 3.3), not as Python writes it",
    (("browser", "scope", "=%5B%27a%27%2C+%27b%27%5D", "=a+b"), ("token", "scope", "=a=b", "=a+b")),
)
FORM_ENCODED = Deviation(
    "client id and secret are form-encoded in Basic (RFC 6749 section 2.3.1, fault 34)",
    (
        (
            "token",
            "authorization:",
            "Basic b2RkOnAlNDFzcyt3b3JkL3g=",
            "Basic b2RkOnAlMjU0MXNzJTJCd29yZCUyRng=",
        ),
    ),
)
QUERY_STAYS = Deviation(
    "an API key is appended to the query, and what was there is kept byte for byte (fault 53)",
    (("api", "b", None, "="), ("api", "c", "=x+y", "=x%20y")),
)
SPACE = Deviation(
    "a space in an API key is written %20, as everywhere in an address, where + is only one in a form",
    (("api", "k", "=a+key%26more", "=a%20key%26more"),),
)
SEVERAL = Deviation(
    "a list of other values is sent as several parameters (RFC 8707 section 2), not as Python shows it",
    (("browser", "resource", "=%5B%27r%27%2C+%27s%27%5D", "=r=s"),),
)
UTF_8 = Deviation(
    "a user's name and password are in UTF-8 (RFC 7617 section 2.1), whatever their characters (fault 58)",
    (("api", "authorization:", "Basic avZyZzr8", "Basic asO2cmc6w7w="),),
)
GRANTED_SCOPE = Deviation(
    "a refresh without a scope is for what was granted; for more it would be refused (RFC 6749 section 6)",
    (("token", "scope", "=a", None),),
)


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A call with a class.

    Args:
        name: the class.
        said: its arguments.
        but: what differs.
        path: path and query of the call.
        listens: whether it needs a port.
        answer: what the provider answers whatever it is asked; None = what it must.
    """

    name: str
    said: dict[str, Any]
    but: tuple[Deviation, ...] = ()
    path: str = "/echo?a=1"
    answer: dict[str, Any] | None = None
    differences: set[tuple[str, str, str | None, str | None]] = field(init=False)

    def __post_init__(self) -> None:
        told = {difference for deviation in self.but for difference in deviation.differences}
        object.__setattr__(self, "differences", told)

    def arguments(self, where: World) -> dict[str, Any]:
        """The arguments in this world."""
        asks = any(kind in self.name for kind in ("AuthorizationCode", "Implicit"))
        return self.said | ({"redirect_uri_port": where.port, "timeout": 10} if asks else {})


URLS = {"authorization_url": "{server}/authorize", "token_url": "{server}/token"}
IMPLICIT = {"authorization_url": "{server}/authorize", "client_id": CLIENT}
CONFIDENTIAL = {**URLS, "client_id": CLIENT, "client_secret": SECRET}
BASIC = {**URLS, "client_id": CLIENT, "username": CLIENT, "password": SECRET}
PUBLIC = {**URLS, "client_id": "public"}
USER = {"username": "user name", "password": "user password"}
OKTA = {"instance": "testserver.okta-emea.com", "client_id": CLIENT}
ENTRA = {"tenant_id": "45239d18-c68c-4c47-8bdd-ce71ea1d50cd", "client_id": CLIENT}
TOKEN_URL = {"token_url": "{server}/token"}
MACHINE = {**TOKEN_URL, "client_id": CLIENT, "client_secret": SECRET}
FORWARDED = {"forwarded": True}  # a session that brings the provider's host to the server here
CODE_WITH_SECRET = (PKCE, SECRET_STAYS, NO_RESPONSE_TYPE)

CODE = "OAuth2AuthorizationCode"
CODE_PKCE = "OAuth2AuthorizationCodePKCE"
PASSWORD = "OAuth2ResourceOwnerPasswordCredentials"
MACHINE_CLASS = "OAuth2ClientCredentials"

SCENARIOS = {
    "code, basic": Scenario(
        name=CODE, said={**BASIC, "scope": "a b", "audience": "x y&z"}, but=(PKCE, NO_RESPONSE_TYPE)
    ),
    "code, secret": Scenario(name=CODE, said={**CONFIDENTIAL, "scope": "a b"}, but=CODE_WITH_SECRET),
    "code, scopes in a list": Scenario(
        name=CODE,
        said={**CONFIDENTIAL, "scope": ["a", "b"]},
        but=(*CODE_WITH_SECRET, SCOPE_LIST),
        answer={"access_token": TOKEN, "token_type": "Bearer", "expires_in": 3600},
    ),
    "code, nonce": Scenario(
        name=CODE,
        said={**CONFIDENTIAL, "scope": "a", "nonce": "n"},
        but=(*CODE_WITH_SECRET, NO_NONCE_IN_BODY),
    ),
    "code, openid, id_token": Scenario(
        name=CODE,
        said={**CONFIDENTIAL, "scope": "openid", "token_field_name": "id_token"},
        but=(*CODE_WITH_SECRET, NONCE),
    ),
    "code, all said": Scenario(
        name=CODE,
        said={
            **CONFIDENTIAL,
            "authorization_url": "{server}/authorize?response_type=code&x=%7e+1",
            "redirect_uri_endpoint": "a/b",
            "redirect_uri_domain": "127.0.0.1",
            "header_name": "X-Token",
            "header_value": "Token {token}!",
        },
        but=(PKCE, SECRET_STAYS, BYTES_STAY),
    ),
    "pkce": Scenario(
        name=CODE_PKCE, said={**PUBLIC, "scope": "a b", "audience": "x"}, but=(NO_RESPONSE_TYPE,)
    ),
    "pkce, secret, nonce": Scenario(
        name=CODE_PKCE,
        said={**CONFIDENTIAL, "scope": "a", "nonce": "n"},
        but=(SECRET_STAYS, NO_RESPONSE_TYPE, NO_NONCE_IN_BODY),
    ),
    "pkce, another secret": Scenario(
        name=CODE_PKCE,
        said={**PUBLIC, "client_assertion": "proof"},
        but=(NO_RESPONSE_TYPE, ANY_SECRET_STAYS),
    ),
    "pkce, several resources": Scenario(
        name=CODE_PKCE, said={**PUBLIC, "resource": ["r", "s"]}, but=(NO_RESPONSE_TYPE, SEVERAL)
    ),
    "okta code": Scenario(
        name="OktaAuthorizationCode",
        said={**OKTA, **FORWARDED, "client_secret": SECRET},
        but=(*CODE_WITH_SECRET, NONCE),
    ),
    "okta code, all said": Scenario(
        name="OktaAuthorizationCode",
        said={
            **OKTA,
            **FORWARDED,
            "client_secret": SECRET,
            "prompt": "none",
            "authorization_server": "a",
            "scope": ["x", "y"],
        },
        but=(*CODE_WITH_SECRET, NONCE),
    ),
    "okta pkce": Scenario(
        name="OktaAuthorizationCodePKCE",
        said={**OKTA, **FORWARDED, "client_id": "public"},
        but=(NO_RESPONSE_TYPE, NONCE),
    ),
    "wakatime": Scenario(
        name="WakaTimeAuthorizationCode",
        said={"client_id": CLIENT, "client_secret": SECRET, "scope": ["email", "b"], **FORWARDED},
        but=(*CODE_WITH_SECRET, NONCE),
    ),
    "implicit": Scenario(
        name="OAuth2Implicit", said={**IMPLICIT, "scope": "a b", "prompt": "none", "x": "1 2"}
    ),
    "implicit, id_token": Scenario(
        name="OAuth2Implicit", said={**IMPLICIT, "response_type": "id_token", "nonce": "1"}
    ),
    "implicit, all in the address": Scenario(
        name="OAuth2Implicit",
        said={**IMPLICIT, "authorization_url": "{server}/authorize?response_type=id_token&nonce=4"},
    ),
    "entra implicit": Scenario(name="AzureActiveDirectoryImplicit", said=ENTRA),
    "entra id_token": Scenario(name="AzureActiveDirectoryImplicitIdToken", said={**ENTRA, "prompt": "none"}),
    "okta implicit": Scenario(name="OktaImplicit", said=OKTA),
    "okta implicit, one scope": Scenario(name="OktaImplicit", said={**OKTA, "scope": "x"}),
    "okta id_token": Scenario(name="OktaImplicitIdToken", said=OKTA),
    "password, public": Scenario(
        name=PASSWORD, said={**TOKEN_URL, **USER, "client_id": "public", "scope": ["a", "b"]}
    ),
    "password, basic": Scenario(
        name=PASSWORD, said={**TOKEN_URL, **USER, "session_auth": (CLIENT, SECRET), "audience": "x"}
    ),
    "password, any requests auth": Scenario(
        name=PASSWORD, said={**TOKEN_URL, **USER, "session_auth": HTTPBasicAuth(CLIENT, SECRET)}
    ),
    "okta password": Scenario(
        name="OktaResourceOwnerPasswordCredentials",
        said={**OKTA, **USER, **FORWARDED, "client_secret": SECRET},
    ),
    "machine": Scenario(name=MACHINE_CLASS, said={**MACHINE, "scope": ["a", "b"], "resource": "https://r"}),
    "machine, several resources": Scenario(name=MACHINE_CLASS, said={**MACHINE, "resource": ["r", "s"]}),
    "machine, odd secret": Scenario(
        name=MACHINE_CLASS,
        said={**TOKEN_URL, "client_id": "odd", "client_secret": "p%41ss+word/x"},
        but=(FORM_ENCODED,),
        answer={"access_token": TOKEN, "token_type": "Bearer", "expires_in": 3600},
    ),
    "okta machine": Scenario(
        name="OktaClientCredentials",
        said={**OKTA, **FORWARDED, "client_secret": SECRET, "scope": ["scope1", "scope2"]},
    ),
    "key in a header": Scenario(name="HeaderApiKey", said={"api_key": "my_api_key"}),
    "key in another header": Scenario(name="HeaderApiKey", said={"api_key": "k", "header_name": "X-K"}),
    "key in the query": Scenario(name="QueryApiKey", said={"api_key": "my_api_key"}),
    "key in another parameter": Scenario(
        name="QueryApiKey", said={"api_key": "a key&more", "query_parameter_name": "k"}, but=(SPACE,)
    ),
    "key beside odd parameters": Scenario(
        name="QueryApiKey", said={"api_key": "k"}, path="/echo?a=1&b=&c=x%20y", but=(QUERY_STAYS,)
    ),
    "basic": Scenario(name="Basic", said={"username": "username", "password": "pass:word"}),
    "basic, another alphabet": Scenario(
        name="Basic", said={"username": "jörg", "password": "ü"}, but=(UTF_8,)
    ),
}

REFRESHES = {
    "code, basic": Scenario(
        name=CODE, said={**BASIC, "scope": "a b", "audience": "x"}, but=(PKCE, NO_RESPONSE_TYPE)
    ),
    "pkce": Scenario(
        name=CODE_PKCE, said={**PUBLIC, "scope": "a b", "audience": "x"}, but=(NO_RESPONSE_TYPE,)
    ),
    "okta pkce": Scenario(
        name="OktaAuthorizationCodePKCE",
        said={**OKTA, **FORWARDED, "client_id": "public"},
        but=(NO_RESPONSE_TYPE, NONCE),
    ),
    "password, public": Scenario(
        name=PASSWORD,
        said={**TOKEN_URL, **USER, "client_id": "public", "scope": "a", "audience": "x"},
        but=(GRANTED_SCOPE,),
    ),
    "password, basic": Scenario(
        name=PASSWORD,
        said={**TOKEN_URL, **USER, "session_auth": (CLIENT, SECRET), "scope": "a"},
        but=(GRANTED_SCOPE,),
    ),
    "machine": Scenario(name=MACHINE_CLASS, said={**MACHINE, "scope": "a"}),
}


@pytest.fixture
def where(home: Path) -> Iterator[World]:
    """A world of its own for each scenario."""
    with world() as one:
        yield one


def differences(
    where: World, scenario: Scenario, **more: float
) -> set[tuple[str, str, str | None, str | None]]:
    """What differs between the two libraries."""
    traces = []
    for library in (requests_auth, requests_auth_profiles):
        if scenario.answer is not None:
            where.server.replies["token"].append(Reply.json(scenario.answer))
        said = scenario.arguments(where)
        traces.append(trace(where, library, scenario.name, said, scenario.path, **more))
    assert all(one.api for one in traces)
    return traces[0].differences(traces[1])


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_the_wire_is_the_same(where: World, scenario: Scenario) -> None:
    """Browser, provider and API get the same from both libraries, but for the deviations that are listed."""
    assert differences(where, scenario) == scenario.differences


@pytest.mark.parametrize("scenario", REFRESHES.values(), ids=REFRESHES)
def test_the_wire_is_the_same_when_a_token_has_ended(where: World, scenario: Scenario) -> None:
    """A token that has ended is renewed by the same request, without the person."""
    where.server.lifetime_seconds = 1
    assert differences(where, scenario, pause_seconds=0.6) == scenario.differences


def test_every_class_has_a_scenario() -> None:
    """No class of ours that speaks to a provider or an API is left out; NTLM has tests of its own."""
    kind = requests_auth_profiles.SupportMultiAuth
    names = [name for name in requests_auth_profiles.__all__ if name not in {"NTLM", "SupportMultiAuth"}]
    classes = [getattr(requests_auth_profiles, name) for name in names]
    asked = {one.__name__ for one in classes if isinstance(one, type) and issubclass(one, kind)}
    assert asked <= {scenario.name for scenario in SCENARIOS.values()}
