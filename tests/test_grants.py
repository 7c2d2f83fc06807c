"""The grants: what is asked in the browser, what comes back, and what is sent to the token endpoint."""

import base64
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from counterparts import Provider
from sign_ins import Answer, Visitor, code_grant, endpoint, machine_grant
from wire import PATIENCE_SECONDS, words_of

from requests_auth_profiles._oauth2.client import ClientSecretBasic, ClientSecretPost
from requests_auth_profiles._oauth2.sign_in import AuthorizationCode
from requests_auth_profiles.errors import (
    AuthenticationFailed,
    ConfigurationError,
    GrantNotProvided,
    InvalidGrantRequest,
    InvalidProviderResponse,
    ProviderUnavailable,
    SignInRefused,
)
from requests_auth_profiles.testing import AuthorizationServer, Client, Reply

UNRESERVED = re.compile(r"[A-Za-z0-9._~-]{43,128}")  # RFC 7636 section 4.1: 256 bits at least
SECRET = "s3cret/of+web"
Change = Callable[[Answer], Answer]


@pytest.fixture
def server() -> Iterator[AuthorizationServer]:
    """An authorization server that knows `native`, `web` and `nightly`."""
    with AuthorizationServer() as server:
        server.clients |= {
            "native": Client(),
            "web": Client(secret=SECRET),
            "nightly": Client(secret=SECRET),
        }
        yield server


def token_forms(server: AuthorizationServer) -> list[dict[str, str]]:
    """The forms that came to the token endpoint, none of which says anything twice."""
    forms = [received.form for received in server.requests if received.path == "/token"]
    assert all(len(dict(form)) == len(form) for form in forms)
    return [dict(form) for form in forms]


def said(server: AuthorizationServer, **changes: str) -> dict[str, str]:
    """What a profile says that names all endpoints itself."""
    return {
        "authorization_url": f"{server.url}/authorize",
        "token_url": f"{server.url}/token",
        **changes,
    }


def without(name: str) -> Change:
    """A change of an answer that leaves a parameter out."""
    return lambda answer: {key: value for key, value in answer.items() if key != name}


def with_(**parameters: str) -> Change:
    """A change of an answer that sets parameters."""
    return lambda answer: {**answer, **parameters}


class TestClientCredentials:
    """A program signs in as itself."""

    @pytest.mark.parametrize("kind", [ClientSecretBasic, ClientSecretPost])
    def test_a_token(
        self, server: AuthorizationServer, kind: type[ClientSecretBasic | ClientSecretPost]
    ) -> None:
        """It gets one for itself, with the scope that it asked for."""
        auth = kind("nightly", lambda: SECRET)
        token = machine_grant(endpoint(server.issuer, "nightly", client_auth=auth), "a b").fetch()
        claims = server.introspect(token.access_token)
        assert claims is not None
        assert (claims["sub"], token.scope, token.refresh_token) == ("nightly", "a b", None)

    def test_a_certified_provider(self, oidc_provider: Provider) -> None:
        """It gets a token for the resource that the profile names."""
        auth = ClientSecretPost("cc-post", lambda: "post-secret")
        parameters = {"resource": f"{oidc_provider.issuer}/api"}
        at = endpoint(oidc_provider.issuer, "cc-post", client_auth=auth, parameters=parameters)
        token = machine_grant(at, "read").fetch()
        assert (token.access_token.count("."), token.scope) == (2, "read")
        assert owner(oidc_provider, token.access_token) == {
            "client": "cc-post",
            "sub": "cc-post",
            "scope": "read",
        }

    def test_no_scope(self, server: AuthorizationServer) -> None:
        """Where the profile names none, none is sent."""
        auth = ClientSecretBasic("nightly", lambda: SECRET)
        machine_grant(endpoint(server.issuer, "nightly", client_auth=auth), "").fetch()
        assert token_forms(server) == [{"grant_type": "client_credentials"}]

    def test_the_profiles_own_parameters(self, server: AuthorizationServer) -> None:
        """They go with the request, and replace none of ours."""
        own = {"audience": "api", "grant_type": "password", "scope": "all"}
        auth = ClientSecretBasic("nightly", lambda: SECRET)
        machine_grant(endpoint(server.issuer, "nightly", client_auth=auth, parameters=own)).fetch()
        expected = {"audience": "api", "grant_type": "client_credentials", "scope": "api.read"}
        assert token_forms(server) == [expected]

    def test_a_busy_provider(self, server: AuthorizationServer) -> None:
        """It is asked again, three times at most: the request may be repeated."""
        auth = ClientSecretBasic("nightly", lambda: SECRET)
        grant = machine_grant(endpoint(server.issuer, "nightly", client_auth=auth))
        server.replies["token"].extend([Reply(503, {"Retry-After": "0"}), Reply(429, {"Retry-After": "0"})])
        assert server.introspect(grant.fetch().access_token)
        server.replies["token"].extend([Reply(503, {"Retry-After": "0"})] * 4)
        with pytest.raises(ProviderUnavailable):
            grant.fetch()
        assert server.count("token") == 6

    def test_nobody_is_needed(self, server: AuthorizationServer) -> None:
        """It says that it takes no person, and the code flow that it does."""
        assert not machine_grant(endpoint(server.issuer)).interactive
        assert code_grant(Visitor(), endpoint(server.issuer)).interactive


def owner(provider: Provider, access_token: str) -> Mapping[str, Any]:
    """What the provider's API says of a token."""
    headers = {"Authorization": f"Bearer {access_token}"}
    answer: dict[str, Any] = requests.get(provider.api_url, headers=headers, timeout=PATIENCE_SECONDS).json()
    return answer


class TestASignIn:
    """A person signs in, and the code becomes their token."""

    @pytest.mark.parametrize("client_id", ["native", "web"])
    def test_a_certified_provider(self, oidc_provider: Provider, client_id: str) -> None:
        """Alice's token comes of it, with an ID token that passes all checks."""
        more = {"client_auth": ClientSecretBasic("web", lambda: "web-secret")} if client_id == "web" else {}
        at = endpoint(oidc_provider.issuer, client_id, **more)
        grant = code_grant(Visitor(), at, scope="openid offline_access", parameters={"prompt": "consent"})
        token = grant.fetch()
        assert (owner(oidc_provider, token.access_token)["sub"], bool(token.refresh_token)) == ("alice", True)
        assert token.id_token

    @pytest.mark.parametrize("explicit", [True, False])
    def test_endpoints(self, server: AuthorizationServer, *, explicit: bool) -> None:
        """They are discovered, or else known without a request."""
        where = said(server) if explicit else server.issuer
        token = code_grant(Visitor(), endpoint(where)).fetch()
        assert server.introspect(token.access_token)
        assert server.count("discovery") == (0 if explicit else 1)

    def test_the_authorization_request(self, server: AuthorizationServer) -> None:
        """It says what RFC 6749 section 4.1.1 and RFC 7636 section 4.3 want, and nothing else."""
        visitor = Visitor()
        code_grant(visitor, endpoint(server.issuer), scope="openid a b").fetch()
        (asked,) = visitor.asked
        fixed = {
            "response_type": "code",
            "client_id": "native",
            "redirect_uri": visitor.redirect_uri,
            "scope": "openid a b",
            "code_challenge_method": "S256",
        }
        assert {name: asked[name] for name in fixed} == fixed
        assert set(asked) == {*fixed, "state", "nonce", "code_challenge"}
        assert visitor.states == [asked["state"]]

    def test_the_token_request(self, server: AuthorizationServer) -> None:
        """It repeats the redirect URI, and brings the code and the verifier of the challenge."""
        visitor = Visitor()
        code_grant(visitor, endpoint(server.issuer)).fetch()
        (form,) = token_forms(server)
        verifier = form.pop("code_verifier")
        assert UNRESERVED.fullmatch(verifier)
        digest = hashlib.sha256(verifier.encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        assert visitor.asked[0]["code_challenge"] == challenge
        assert form == {
            "grant_type": "authorization_code",
            "code": visitor.answers[0]["code"],
            "redirect_uri": visitor.asked[0]["redirect_uri"],
            "client_id": "native",
        }

    def test_all_is_new_for_each_attempt(self, server: AuthorizationServer) -> None:
        """No state, nonce, challenge or verifier comes twice, also after an attempt that failed."""
        visitor = Visitor()
        grant = code_grant(visitor, endpoint(server.issuer))
        grant.fetch()
        server.replies["token"].append(Reply.json({"error": "invalid_grant"}, 400))
        with pytest.raises(InvalidGrantRequest):
            grant.fetch()
        grant.fetch()
        values = [asked[name] for asked in visitor.asked for name in ("state", "nonce", "code_challenge")]
        values += [form["code_verifier"] for form in token_forms(server)]
        assert len(set(values)) == 12
        assert all(UNRESERVED.fullmatch(value) for value in values)

    def test_no_secret_in_the_browser(self, server: AuthorizationServer) -> None:
        """Neither the client's secret nor the verifier stands in the URL, nor can be read from it."""
        visitor = Visitor()
        auth = ClientSecretPost("web", lambda: SECRET)
        code_grant(visitor, endpoint(server.issuer, "web", client_auth=auth)).fetch()
        (form,) = token_forms(server)
        assert form["client_secret"] == SECRET
        values = set(visitor.asked[0].values())
        assert not {SECRET, form["code_verifier"]} & values
        assert "s3cret" not in visitor.urls[0]
        assert form["code_verifier"] not in visitor.urls[0]

    @pytest.mark.parametrize(
        ("scope", "has_nonce"), [("openid", True), ("a openid b", True), ("", False), ("openid2", False)]
    )
    def test_nonce(self, server: AuthorizationServer, scope: str, *, has_nonce: bool) -> None:
        """There is one where an ID token is asked for; no empty scope is sent."""
        visitor = Visitor()
        token = code_grant(visitor, endpoint(server.issuer), scope=scope).fetch()
        assert ("nonce" in visitor.asked[0], bool(token.id_token)) == (has_nonce, has_nonce)
        assert ("scope" in visitor.asked[0]) is bool(scope)

    def test_without_pkce(self, server: AuthorizationServer) -> None:
        """Neither challenge nor verifier is sent, for providers that stumble over them."""
        visitor = Visitor()
        auth = ClientSecretBasic("web", lambda: SECRET)
        code_grant(visitor, endpoint(server.issuer, "web", client_auth=auth), pkce=False).fetch()
        assert not {name for name in (*visitor.asked[0], *token_forms(server)[0]) if name.startswith("code_")}

    def test_the_profiles_own_parameters(self, server: AuthorizationServer) -> None:
        """They go with each request, and replace none of ours."""
        names = "response_type client_id redirect_uri scope state nonce code_challenge code_challenge_method"
        ours = dict.fromkeys(names.split(), "theirs")
        own = dict.fromkeys(("grant_type", "code", "code_verifier", "redirect_uri"), "theirs")
        visitor = Visitor()
        at = endpoint(server.issuer, parameters=own | {"audience": "api"})
        code_grant(visitor, at, parameters=ours | {"prompt": "login", "login_hint": "a&b=c"}).fetch()
        (asked,), (form,) = visitor.asked, token_forms(server)
        assert (asked.pop("prompt"), asked.pop("login_hint"), form.pop("audience")) == (
            "login",
            "a&b=c",
            "api",
        )
        assert "theirs" not in {*asked.values(), *form.values()}

    @pytest.mark.parametrize("query", ["", "?", "?a=", "?a=b%20c&d", "?a=b&", "?e=%C3%A9+~"])
    def test_a_query_that_is_there(self, server: AuthorizationServer, query: str) -> None:
        """It stays byte for byte, and ours follows (RFC 6749 section 3.1)."""
        visitor = Visitor()
        where = said(server, authorization_url=f"{server.url}/authorize{query}")
        code_grant(visitor, endpoint(where), scope="").fetch()
        assert visitor.urls[0].startswith(f"{server.url}/authorize{query}")
        rest = urlsplit(visitor.urls[0]).query.removeprefix(query.removeprefix("?")).removeprefix("&")
        assert rest.startswith("response_type=code&")


class TestTheWayBack:
    """It is open before the person is sent off, and closed whatever happens."""

    @pytest.mark.parametrize(
        "metadata",
        [
            {"code_challenge_methods_supported": ["plain"]},
            {"token_endpoint": None},
            {"token_endpoint": "http://login.acme.com/token"},
            {"authorization_endpoint": None},
            {"authorization_endpoint": "javascript:alert(1)"},
        ],
    )
    def test_nobody_is_sent_off_in_vain(self, server: AuthorizationServer, metadata: dict[str, Any]) -> None:
        """What the provider announces is looked at first: no S256, no endpoint, a bad endpoint."""
        document = requests.get(
            f"{server.issuer}/.well-known/openid-configuration", timeout=PATIENCE_SECONDS
        ).json()
        server.replies["discovery"].append(Reply.json(document | metadata))
        visitor = Visitor()
        with pytest.raises((InvalidProviderResponse, ConfigurationError)):
            code_grant(visitor, endpoint(server.issuer)).fetch()
        assert visitor.urls == []

    @pytest.mark.parametrize("change", [dict, without("code")], ids=["success", "failure"])
    def test_it_is_closed(self, server: AuthorizationServer, change: Change) -> None:
        """It is open from before the request until the token is there or the sign-in has failed."""
        events: list[str] = []
        visitor = Visitor(lambda answer: (events.append("back"), change(answer))[1])

        @contextmanager
        def listen() -> Iterator[Visitor]:
            events.append("open")
            try:
                yield visitor
            finally:
                events.append(f"closed after {server.count('token')} token requests")

        grant = AuthorizationCode(endpoint=endpoint(server.issuer), scope="", parameters={}, listen=listen)
        try:
            grant.fetch()
        except GrantNotProvided:
            events.append("failed")
        ends = (
            ["closed after 1 token requests"]
            if change is dict
            else ["closed after 0 token requests", "failed"]
        )
        assert events == ["open", "back", *ends]


class TestAnswers:
    """What came back in the browser is looked at before anything is done with it."""

    @pytest.mark.parametrize(
        "change",
        [with_(iss="https://evil.example"), with_(iss=""), without("iss")],
        ids=["another", "empty", "missing"],
    )
    @pytest.mark.parametrize("error", [{}, {"error": "access_denied"}], ids=["code", "error"])
    def test_iss(self, server: AuthorizationServer, change: Change, error: dict[str, str]) -> None:
        """An answer of another provider's is refused, be it an error, and its code sent to nobody."""
        visitor = Visitor(lambda answer: change({**answer, **error}))
        with pytest.raises(AuthenticationFailed, match="does not come from the provider") as caught:
            code_grant(visitor, endpoint(server.issuer)).fetch()
        assert type(caught.value) is AuthenticationFailed
        assert visitor.answers[0]["code"] not in words_of(caught.value)
        assert server.count("token") == 0

    @pytest.mark.parametrize("slash", ["/", "/."])
    def test_iss_to_the_letter(self, server: AuthorizationServer, slash: str) -> None:
        """It is compared as it is, as RFC 9207 section 2.4 demands."""
        visitor = Visitor(with_(iss=server.issuer + slash))
        with pytest.raises(AuthenticationFailed, match="does not come from the provider"):
            code_grant(visitor, endpoint(said(server, issuer=server.issuer))).fetch()

    def test_no_iss_where_none_is_announced(self, server: AuthorizationServer) -> None:
        """A provider that is not known to send one need not."""
        token = code_grant(Visitor(without("iss")), endpoint(said(server, issuer=server.issuer))).fetch()
        assert server.introspect(token.access_token)

    def test_iss_where_the_issuer_is_not_known(self, server: AuthorizationServer) -> None:
        """There is nothing to compare it with."""
        assert code_grant(Visitor(), endpoint(said(server))).fetch().id_token

    @pytest.mark.parametrize("change", [without("code"), with_(code="")])
    def test_no_code(self, server: AuthorizationServer, change: Change) -> None:
        """An answer that says nothing is an error of ours, whatever receiver let it through."""
        with pytest.raises(GrantNotProvided, match="holds no code"):
            code_grant(Visitor(change), endpoint(server.issuer)).fetch()
        assert server.count("token") == 0

    @pytest.mark.parametrize(
        ("error", "hint"), [("access_denied", "sign in again"), ("invalid_scope", "check client_id, scopes")]
    )
    def test_an_error(self, server: AuthorizationServer, error: str, hint: str) -> None:
        """It is told in the provider's words, with a hint, and no code that came with it is used."""
        words = {"error_description": "no\x1b[2J way\n", "error_uri": "https://acme.com/e"}
        with pytest.raises(SignInRefused) as caught:
            code_grant(Visitor(with_(error=error, **words)), endpoint(server.issuer)).fetch()
        told = caught.value
        assert (told.error, told.error_description, told.error_uri) == (
            error,
            "no [2J way",
            words["error_uri"],
        )
        assert told.hint.startswith(hint)
        assert server.count("token") == 0

    def test_an_error_of_the_provider_itself(self, server: AuthorizationServer) -> None:
        """What the provider really answers where it does not take the request."""
        with pytest.raises(SignInRefused, match="a public client must send a code_challenge"):
            code_grant(Visitor(), endpoint(server.issuer), pkce=False).fetch()

    @pytest.mark.parametrize(
        ("reply", "kind"),
        [
            (Reply(503, {"Retry-After": "0"}), ProviderUnavailable),
            (Reply(500), ProviderUnavailable),
            (Reply(hang_up=True), ProviderUnavailable),
            (Reply(307, {"Location": "/token"}), InvalidProviderResponse),
            (Reply.json({"error": "invalid_grant"}, 400), InvalidGrantRequest),
        ],
        ids=["503", "500", "hang up", "307", "invalid_grant"],
    )
    def test_a_code_is_sent_once(
        self, server: AuthorizationServer, reply: Reply, kind: type[Exception]
    ) -> None:
        """Whatever the token endpoint answers, the code is not sent again, and the error does not tell it."""
        server.replies["token"].append(reply)
        visitor = Visitor()
        with pytest.raises(kind) as caught:
            code_grant(visitor, endpoint(server.issuer)).fetch()
        assert server.count("token") == 1
        words = words_of(caught.value)
        assert visitor.answers[0]["code"] not in words
        assert token_forms(server)[0]["code_verifier"] not in words
