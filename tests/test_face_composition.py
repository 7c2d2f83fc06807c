"""The classes of requests_auth together on one request: `+` and `&` with each other and with all else."""

import operator
from base64 import b64encode
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import requests
from requests import PreparedRequest
from requests.auth import AuthBase, HTTPBasicAuth, HTTPDigestAuth

import requests_auth_profiles
from requests_auth_profiles import (
    NTLM,
    AzureActiveDirectoryImplicit,
    AzureActiveDirectoryImplicitIdToken,
    Basic,
    HeaderApiKey,
    OAuth2,
    OAuth2AuthorizationCode,
    OAuth2AuthorizationCodePKCE,
    OAuth2ClientCredentials,
    OAuth2Implicit,
    OAuth2ResourceOwnerPasswordCredentials,
    OktaAuthorizationCode,
    OktaAuthorizationCodePKCE,
    OktaClientCredentials,
    OktaImplicit,
    OktaImplicitIdToken,
    OktaResourceOwnerPasswordCredentials,
    QueryApiKey,
    SupportMultiAuth,
    TokenMemoryCache,
    WakaTimeAuthorizationCode,
    profile,
)
from requests_auth_profiles.errors import CompositionConflict, HostNotAllowed
from requests_auth_profiles.testing import AuthorizationServer, Client, ProtectedApi

URL = "https://api.acme.com/p"
IDP = "https://idp.example"
OPERATORS = [operator.add, operator.and_]

# Each class, by what it needs and nothing else.
TOKENS: list[Callable[..., Any]] = [
    lambda **more: OAuth2AuthorizationCode(f"{IDP}/a", f"{IDP}/t", **more),
    lambda **more: OktaAuthorizationCode("acme.okta.com", "app", **more),
    lambda **more: WakaTimeAuthorizationCode("app", "s3cret", "email", **more),
    lambda **more: OAuth2AuthorizationCodePKCE(f"{IDP}/a", f"{IDP}/t", **more),
    lambda **more: OktaAuthorizationCodePKCE("acme.okta.com", "app", **more),
    lambda **more: OAuth2ResourceOwnerPasswordCredentials(f"{IDP}/t", "ada", "p4ss", **more),
    lambda **more: OktaResourceOwnerPasswordCredentials(
        "acme.okta.com", "ada", "p4ss", "app", "s3cret", **more
    ),
    lambda **more: OAuth2ClientCredentials(f"{IDP}/t", "app", "s3cret", **more),
    lambda **more: OktaClientCredentials("acme.okta.com", "app", "s3cret", scope="read", **more),
    lambda **more: OAuth2Implicit(f"{IDP}/a", **more),
    lambda **more: AzureActiveDirectoryImplicit("tenant", "app", **more),
    lambda **more: AzureActiveDirectoryImplicitIdToken("tenant", "app", **more),
    lambda **more: OktaImplicit("acme.okta.com", "app", **more),
    lambda **more: OktaImplicitIdToken("acme.okta.com", "app", **more),
]
CLASSES = [type(make()).__name__ for make in TOKENS]


class TestToken:
    """A cache that has a token for every class, so that none needs a provider."""

    __test__ = False

    def get_token(self, key: str, **options: Any) -> str:
        return "t0ken"


class MyAuth(AuthBase):
    """An auth of somebody's own."""

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        r.headers["X-Mine"] = "mine"
        return r


class MyMultiAuth(MyAuth, SupportMultiAuth):
    """The same, as the documentation of requests_auth makes it composable."""


class MyBasic(HTTPBasicAuth, SupportMultiAuth):
    """An auth of requests, likewise."""


@pytest.fixture
def token() -> Iterator[None]:
    """A token for every class, as long as the test runs."""
    before = OAuth2.token_cache
    OAuth2.token_cache = TestToken()
    yield
    OAuth2.token_cache = before


@pytest.fixture
def file(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A profile with a key."""
    path = home / "profiles.toml"
    path.write_text('[profiles.gateway]\nflow = "api-key"\napi_key = "k3y"\nhosts = ["api.acme.com"]\n')
    path.chmod(0o600)
    monkeypatch.setenv("REQUESTS_AUTH_PROFILES_FILE", str(path))
    return path


def prepared(auth: Any, url: str = URL) -> PreparedRequest:
    return requests.Request("GET", url, auth=auth).prepare()


def sent(request: PreparedRequest) -> dict[str, str]:
    """What an auth wrote on a request."""
    return {name: value for name, value in request.headers.items() if name.startswith(("X-", "Auth"))}


def test_every_class_is_here() -> None:
    """Each class that takes a token is in the list of this file, and each auth can be composed."""
    public = [getattr(requests_auth_profiles, name) for name in requests_auth_profiles.__all__]
    auths = {one.__name__ for one in public if isinstance(one, type) and issubclass(one, AuthBase)}
    assert auths == {*CLASSES, "HeaderApiKey", "QueryApiKey", "Basic", "NTLM"}
    assert all(issubclass(getattr(requests_auth_profiles, name), SupportMultiAuth) for name in auths)


@pytest.mark.usefixtures("token")
class TestTogether:
    """What signs a request together."""

    @pytest.mark.parametrize("join", OPERATORS)
    @pytest.mark.parametrize(("one", "other"), list(combinations(range(len(TOKENS)), 2)))
    def test_any_two_classes(self, join: Callable[[Any, Any], Any], one: int, other: int) -> None:
        """Any two that write headers of their own sign the request both, whichever comes first."""
        first, second = TOKENS[one](header_name="X-One"), TOKENS[other](header_name="X-Other")
        for auth in (join(first, second), join(second, first)):
            assert sent(prepared(auth)) == {"X-One": "Bearer t0ken", "X-Other": "Bearer t0ken"}

    @pytest.mark.parametrize("join", OPERATORS)
    @pytest.mark.parametrize("make", TOKENS, ids=CLASSES)
    @pytest.mark.parametrize("reverse", [False, True])
    def test_a_class_and_a_key(
        self, join: Callable[[Any, Any], Any], make: Callable[..., Any], reverse: bool
    ) -> None:
        """A token goes together with a key in the header and one in the query."""
        members = [make(), HeaderApiKey("k3y"), QueryApiKey("0ld")]
        first, second, third = members[::-1] if reverse else members
        request = prepared(join(join(first, second), third))
        assert sent(request) == {"Authorization": "Bearer t0ken", "X-API-Key": "k3y"}
        assert request.url == f"{URL}?api_key=0ld"

    @pytest.mark.parametrize("join", OPERATORS)
    @pytest.mark.parametrize("make", TOKENS, ids=CLASSES)
    def test_a_class_and_a_profile(
        self, join: Callable[[Any, Any], Any], make: Callable[..., Any], file: Path
    ) -> None:
        """A token goes together with a profile, on either side, where the profile may go."""
        for auth in (join(make(), profile("gateway")), join(profile("gateway"), make())):
            assert sent(prepared(auth)) == {"Authorization": "Bearer t0ken", "X-API-Key": "k3y"}
            with pytest.raises(HostNotAllowed):
                prepared(auth, "https://other.example/")

    @pytest.mark.parametrize("join", OPERATORS)
    @pytest.mark.parametrize("make", TOKENS, ids=CLASSES)
    @pytest.mark.parametrize("mine", [MyAuth(), MyMultiAuth()], ids=["plain", "mixed-in"])
    def test_a_class_and_an_auth_of_ones_own(
        self, join: Callable[[Any, Any], Any], make: Callable[..., Any], mine: AuthBase
    ) -> None:
        """A token goes together with any requests auth, on either side."""
        for auth in (join(make(), mine), join(mine, make())):
            assert sent(prepared(auth)) == {"Authorization": "Bearer t0ken", "X-Mine": "mine"}

    @pytest.mark.parametrize("join", OPERATORS)
    @pytest.mark.parametrize("make", TOKENS, ids=CLASSES)
    @pytest.mark.parametrize(
        "user", [("ada", "p4ss"), HTTPBasicAuth("ada", "p4ss"), Basic("ada", "p4ss"), MyBasic("ada", "p4ss")]
    )
    def test_a_class_and_a_user(
        self, join: Callable[[Any, Any], Any], make: Callable[..., Any], user: Any
    ) -> None:
        """A token in a header of its own goes together with a user and password in any form."""
        basic = "Basic " + b64encode(b"ada:p4ss").decode()
        for auth in (join(make(header_name="X-T"), user), join(user, make(header_name="X-T"))):
            assert sent(prepared(auth)) == {"Authorization": basic, "X-T": "Bearer t0ken"}

    @pytest.mark.parametrize("join", OPERATORS)
    def test_mixed_in_with_all_that_is_not_ours(self, join: Callable[[Any, Any], Any]) -> None:
        """A class that mixes in SupportMultiAuth composes with what can't compose itself."""
        basic = "Basic " + b64encode(b"ada:p4ss").decode()
        for other in (("ada", "p4ss"), HTTPBasicAuth("ada", "p4ss"), MyBasic("ada", "p4ss")):
            for auth in (join(MyMultiAuth(), other), join(other, MyMultiAuth())):
                assert sent(prepared(auth)) == {"Authorization": basic, "X-Mine": "mine"}

    @pytest.mark.parametrize("join", OPERATORS)
    def test_ntlm(self, join: Callable[[Any, Any], Any]) -> None:
        """A Windows user goes together with a key, a token in another header, and one's own auth."""
        others = {
            "X-API-Key": HeaderApiKey("k3y"),
            "X-T": TOKENS[0](header_name="X-T"),
            "X-Mine": MyMultiAuth(),
        }
        for header, other in others.items():
            for auth in (join(NTLM("ada", "p4ss"), other), join(other, NTLM("ada", "p4ss"))):
                assert header in sent(prepared(auth))

    def test_compositions_compose(self) -> None:
        """Two compositions are one of all their members."""
        auth = (HeaderApiKey("k3y") + TOKENS[0]()) & (QueryApiKey("0ld") + MyMultiAuth())
        request = prepared(auth)
        assert sent(request) == {"Authorization": "Bearer t0ken", "X-API-Key": "k3y", "X-Mine": "mine"}
        assert request.url == f"{URL}?api_key=0ld"

    def test_the_page_of_requests_auth(self) -> None:
        """The example of its documentation."""
        api_key = HeaderApiKey("my_api_key")
        oauth2 = OAuth2Implicit("https://www.example.com")
        request = prepared(api_key + oauth2, "https://www.example.com")
        assert sent(request) == {"Authorization": "Bearer t0ken", "X-API-Key": "my_api_key"}


class TestConflicts:
    """What writes the same thing twice is refused when it is composed."""

    @pytest.mark.parametrize("join", OPERATORS)
    @pytest.mark.parametrize("make", TOKENS, ids=CLASSES)
    @pytest.mark.parametrize(
        "other",
        [
            OAuth2ClientCredentials(f"{IDP}/t", "app", "s3cret", header_name="authorization"),
            Basic("ada", "p4ss"),
            NTLM("ada", "p4ss"),
            ("ada", "p4ss"),
            HTTPBasicAuth("ada", "p4ss"),
            HTTPDigestAuth("ada", "p4ss"),
            MyBasic("ada", "p4ss"),
            HeaderApiKey("k3y", "AUTHORIZATION"),
        ],
        ids=lambda other: type(other).__name__,
    )
    def test_one_header(self, join: Callable[[Any, Any], Any], make: Callable[..., Any], other: Any) -> None:
        """Two that write one header, in whatever case, are both named, and the header too; no secret is."""
        auth = make()
        name = "HTTPBasicAuth" if isinstance(other, tuple) else type(other).__name__
        for first, second in ((auth, other), (other, auth)):
            with pytest.raises(CompositionConflict) as error:
                join(first, second)
            said = str(error.value)
            assert all(word in said for word in (type(auth).__name__, name, "header Authorization"))
            assert not any(secret in said for secret in ("p4ss", "s3cret", "k3y"))

    @pytest.mark.parametrize("join", OPERATORS)
    def test_one_key_twice(self, join: Callable[[Any, Any], Any], file: Path) -> None:
        """Keys of one header, or of one parameter, are refused; a profile is named by its name."""
        with pytest.raises(CompositionConflict, match="header X-Api-Key"):
            join(HeaderApiKey("a"), HeaderApiKey("b"))
        with pytest.raises(CompositionConflict, match="parameter api_key"):
            join(QueryApiKey("a"), QueryApiKey("b"))
        with pytest.raises(CompositionConflict, match="gateway and HeaderApiKey both write"):
            join(profile("gateway"), HeaderApiKey("b"))

    def test_deep_in_a_composition(self) -> None:
        """A member of a composition is seen too."""
        with pytest.raises(CompositionConflict, match="OktaImplicit and Basic"):
            (HeaderApiKey("a") + OktaImplicit("acme.okta.com", "app")) & (QueryApiKey("b") & Basic("c", "d"))

    @pytest.mark.parametrize("other", [None, "key", 5, ("a",), ("a", "b", "c"), ["a", "b"], OAuth2Implicit])
    def test_what_is_no_auth(self, other: Any) -> None:
        """What requests can't use is refused at once, on either side."""
        for members in ((TOKENS[0](), other), (other, TOKENS[0]()), (MyMultiAuth(), other)):
            with pytest.raises(TypeError, match="no requests auth"):
                operator.add(*members)


@pytest.fixture
def settings() -> Iterator[None]:
    """Tokens of this test alone."""
    before = OAuth2.token_cache
    OAuth2.token_cache = TokenMemoryCache()
    yield
    OAuth2.token_cache = before


@pytest.mark.usefixtures("settings")
def test_with_a_server() -> None:
    """An API that wants a key and a token gets both, and a token that it refuses is renewed."""
    with AuthorizationServer() as server, ProtectedApi(server, api_keys={"k3y"}) as api:
        server.clients["nightly"] = Client(secret="s3cret")
        oauth2 = OAuth2ClientCredentials(f"{server.issuer}/token", "nightly", "s3cret")
        both = HeaderApiKey("k3y") + oauth2
        assert requests.get(f"{api.url}/partner", auth=both, timeout=10).json()["by"] == ["api-key", "bearer"]
        stale = {"token": oauth2.token().access_token}
        requests.post(f"{server.issuer}/revoke", stale, auth=("nightly", "s3cret"), timeout=10)
        assert requests.get(f"{api.url}/partner", auth=both, timeout=10).status_code == 200
        assert server.count("token") == 2
