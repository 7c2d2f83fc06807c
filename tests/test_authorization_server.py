"""The authorization server for tests, spoken to over HTTP by nothing but requests."""

import base64
import hashlib
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote_plus, urlsplit

import jwt
import pytest
import requests

from requests_auth_profiles.testing import AuthorizationServer, Client, Reply

REDIRECT_URI = "http://127.0.0.1:49999/callback"
SECRET = "p%41ss+wörd/:&"
CLIENTS = 16


@pytest.fixture
def server() -> Iterator[AuthorizationServer]:
    """A server that knows a public client `app` and a confidential client `job`."""
    with AuthorizationServer() as server:
        server.clients["app"] = Client()
        server.clients["job"] = Client(secret=SECRET)
        yield server


@dataclass(frozen=True)
class Attempt:
    """One sign-in of the public client, step by step."""

    server: AuthorizationServer
    scope: str = "read write"
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(32))

    def authorize(self, **changes: str | None) -> requests.Response:
        digest = hashlib.sha256(self.verifier.encode()).digest()
        asked = {
            "response_type": "code",
            "client_id": "app",
            "redirect_uri": REDIRECT_URI,
            "scope": self.scope,
            "state": "a state & more",
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        return requests.get(
            f"{self.server.issuer}/authorize", params=asked | changes, allow_redirects=False, timeout=10
        )

    def code(self, **changes: str) -> str:
        return answer_in(self.authorize(**changes))["code"]

    def exchange(self, code: str, /, **changes: str | None) -> requests.Response:
        form = {
            "grant_type": "authorization_code",
            "client_id": "app",
            "code": code,
            "redirect_uri": REDIRECT_URI,
            "code_verifier": self.verifier,
        }
        return post(self.server, "token", form | changes)

    def tokens(self, **changes: str) -> dict[str, Any]:
        return self.exchange(self.code(**changes)).json()


def post(
    server: AuthorizationServer, endpoint: str, form: dict[str, Any], **options: Any
) -> requests.Response:
    return requests.post(f"{server.issuer}/{endpoint}", data=form, timeout=10, **options)


def refresh(server: AuthorizationServer, refresh_token: str, **changes: str) -> requests.Response:
    form = {"grant_type": "refresh_token", "client_id": "app", "refresh_token": refresh_token}
    return post(server, "token", form | changes)


def client_credentials(server: AuthorizationServer, **changes: str) -> requests.Response:
    form = {"grant_type": "client_credentials", "client_id": "job", "client_secret": SECRET}
    return post(server, "token", form | changes)


def answer_in(response: requests.Response) -> dict[str, str]:
    """Give what a redirect to the client says."""
    assert response.status_code == 302
    return dict(parse_qsl(urlsplit(response.headers["Location"]).query))


def wait_for(server: AuthorizationServer, endpoint: str, count: int) -> None:
    while server.count(endpoint) < count:
        time.sleep(0.01)


def refusal(response: requests.Response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]


class TestDiscovery:
    def test_openid_connect(self, server: AuthorizationServer) -> None:
        """Discovery names the issuer that it was asked of."""
        url = f"{server.issuer}/.well-known/openid-configuration"
        assert requests.get(url, timeout=10).json()["issuer"] == server.issuer

    def test_rfc_8414_gives_the_same(self, server: AuthorizationServer) -> None:
        """Both well-known URLs give one document."""
        both = (
            requests.get(f"{server.issuer}/.well-known/{name}", timeout=10).json()
            for name in ("openid-configuration", "oauth-authorization-server")
        )
        assert next(both) == next(both)

    def test_what_it_supports(self, server: AuthorizationServer) -> None:
        """Discovery tells that PKCE is S256 only and that answers carry `iss`."""
        metadata = requests.get(f"{server.issuer}/.well-known/openid-configuration", timeout=10).json()
        assert metadata["code_challenge_methods_supported"] == ["S256"]
        assert metadata["authorization_response_iss_parameter_supported"] is True

    @pytest.mark.parametrize("name", ["token", "revocation", "introspection"])
    def test_endpoints_are_there(self, server: AuthorizationServer, name: str) -> None:
        """Each endpoint that discovery names refuses a client that says nothing."""
        metadata = requests.get(f"{server.issuer}/.well-known/openid-configuration", timeout=10).json()
        response = requests.post(metadata[f"{name}_endpoint"], timeout=10)
        assert refusal(response) == (401, "invalid_client")


class TestAuthorize:
    def test_answer(self, server: AuthorizationServer) -> None:
        """The answer carries the state as it was sent, and the issuer (RFC 9207)."""
        answer = answer_in(Attempt(server).authorize())
        assert answer == {"code": answer["code"], "state": "a state & more", "iss": server.issuer}

    def test_without_state(self, server: AuthorizationServer) -> None:
        """A request without state gets an answer without one."""
        assert "state" not in answer_in(Attempt(server).authorize(state=None))

    def test_query_of_the_redirect_uri_stays(self, server: AuthorizationServer) -> None:
        """A query of the redirect URI is kept (RFC 6749 section 3.1.2)."""
        assert answer_in(Attempt(server).authorize(redirect_uri=f"{REDIRECT_URI}?tenant=1"))["tenant"] == "1"

    @pytest.mark.parametrize(
        ("changes", "error"),
        [
            ({"response_type": None}, "invalid_request"),
            ({"response_type": "token"}, "unsupported_response_type"),
            ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
            ({"code_challenge_method": "plain"}, "invalid_request"),
            ({"code_challenge_method": None}, "invalid_request"),
            ({"code_challenge": "short"}, "invalid_request"),
            ({"scope": ["read", "write"]}, "invalid_request"),
        ],
    )
    def test_errors_go_to_the_client(
        self, server: AuthorizationServer, changes: dict[str, Any], error: str
    ) -> None:
        """A wrong request is answered to the client, with state and issuer (RFC 6749 section 4.1.2.1)."""
        answer = answer_in(Attempt(server).authorize(**changes))
        assert (answer["error"], answer["state"], answer["iss"]) == (error, "a state & more", server.issuer)

    def test_unknown_client_is_not_redirected(self, server: AuthorizationServer) -> None:
        """An unknown client gets a page."""
        response = Attempt(server).authorize(client_id="<nobody>")
        assert (response.status_code, "Location" in response.headers) == (400, False)

    @pytest.mark.parametrize(
        "redirect_uri",
        [
            None,
            "https://127.0.0.1/callback",
            "http://attacker.example/callback",
            "http://127.0.0.1@attacker.example/",
            "http://127.0.0.1.attacker.example/",
            "http://127.0.0.1/callback#fragment",
            "http://[",
        ],
    )
    def test_foreign_redirect_uri_is_not_redirected(
        self, server: AuthorizationServer, redirect_uri: str | None
    ) -> None:
        """A redirect URI that is not an http URI of the loopback gets a page."""
        response = Attempt(server).authorize(redirect_uri=redirect_uri)
        assert (response.status_code, "Location" in response.headers) == (400, False)

    @pytest.mark.parametrize(
        "redirect_uri", ["http://localhost:5000/", "http://127.0.0.1:1/cb", "http://[::1]:65535"]
    )
    def test_any_loopback_redirect_uri(self, server: AuthorizationServer, redirect_uri: str) -> None:
        """A client without registered redirect URIs may use the loopback's, on any port."""
        location = Attempt(server).authorize(redirect_uri=redirect_uri).headers["Location"]
        assert location.startswith(f"{redirect_uri}?code=")

    @pytest.mark.parametrize(
        ("redirect_uri", "status"),
        [("https://app.example/cb", 302), ("https://app.example/cb/", 400), (REDIRECT_URI, 400)],
    )
    def test_registered_redirect_uri(
        self, server: AuthorizationServer, redirect_uri: str, status: int
    ) -> None:
        """A registered redirect URI is compared to the letter."""
        server.clients["app"] = Client(redirect_uris=["https://app.example/cb"])
        assert Attempt(server).authorize(redirect_uri=redirect_uri).status_code == status

    def test_line_break_in_a_redirect_uri(self, server: AuthorizationServer) -> None:
        """A redirect URI cannot add a header field to the answer."""
        response = Attempt(server).authorize(redirect_uri=f"{REDIRECT_URI}\r\nX-Added: yes")
        assert "X-Added" not in response.headers

    def test_confidential_client_needs_no_challenge(self, server: AuthorizationServer) -> None:
        """A client with a secret may leave PKCE out."""
        answer = answer_in(
            Attempt(server).authorize(client_id="job", code_challenge=None, code_challenge_method=None)
        )
        assert "code" in answer

    def test_form_instead_of_query(self, server: AuthorizationServer) -> None:
        """The request may come as a form (OpenID Connect Core section 3.1.2.1)."""
        form = {"client_id": "job", "redirect_uri": REDIRECT_URI, "response_type": "code"}
        assert "code" in answer_in(post(server, "authorize", form, allow_redirects=False))


class TestApproval:
    @pytest.fixture(autouse=True)
    def page(self, server: AuthorizationServer) -> requests.Response:
        server.approve = False
        return Attempt(server, scope="read <b>").authorize()

    def test_page(self, page: requests.Response) -> None:
        """Without approval at once, a person sees a page with a button."""
        assert page.status_code == 200
        assert page.text.count("<button") == 1

    def test_page_is_escaped(self, page: requests.Response) -> None:
        """What the client sent is text in the page."""
        assert "read &lt;b&gt;" in page.text

    def test_page_has_no_script(self, page: requests.Response) -> None:
        """The page runs no script, and the browser may run none in it."""
        assert "<script" not in page.text
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]

    def test_button(self, page: requests.Response) -> None:
        """The button, which posts to the page's own URL, sends the code to the client."""
        response = requests.post(page.url, data={"approve": "yes"}, allow_redirects=False, timeout=10)
        assert "code" in answer_in(response)

    def test_url_is_no_approval(self, page: requests.Response) -> None:
        """The page cannot be passed over by its URL."""
        assert requests.get(f"{page.url}&approve=yes", allow_redirects=False, timeout=10).status_code == 200


class TestCode:
    def test_tokens(self, server: AuthorizationServer) -> None:
        """A code gives an access token, how long it is good, its scope, and a refresh token."""
        tokens = Attempt(server).tokens()
        assert tokens == {
            "access_token": tokens["access_token"],
            "token_type": "Bearer",
            "expires_in": 3600,
            "scope": "read write",
            "refresh_token": tokens["refresh_token"],
        }

    def test_claims(self, server: AuthorizationServer) -> None:
        """The access token says who signed in, and for what."""
        server.clock = lambda: 1_000.5
        server.subject = "grace"
        assert server.introspect(Attempt(server).tokens()["access_token"]) == {
            "client_id": "app",
            "scope": "read write",
            "sub": "grace",
            "exp": 4_600,
        }

    def test_not_cached(self, server: AuthorizationServer) -> None:
        """An answer with tokens is not stored on its way (RFC 6749 section 5.1)."""
        attempt = Attempt(server)
        assert attempt.exchange(attempt.code()).headers["Cache-Control"] == "no-store"

    @pytest.mark.parametrize(
        "changes",
        [
            {"code": "unknown"},
            {"redirect_uri": "http://127.0.0.1:49999/callback/"},
            {"redirect_uri": None},
            {"code_verifier": "x" * 43},
            {"code_verifier": None},
            {"code_verifier": "short"},
            {"client_id": "job", "client_secret": SECRET},
        ],
    )
    def test_refused(self, server: AuthorizationServer, changes: dict[str, str | None]) -> None:
        """A code is good only with its client, its redirect URI and its verifier."""
        attempt = Attempt(server)
        assert refusal(attempt.exchange(attempt.code(), **changes)) == (400, "invalid_grant")

    def test_verifier_without_challenge(self, server: AuthorizationServer) -> None:
        """A verifier is refused where no challenge was sent (RFC 9700 section 2.1.1)."""
        attempt = Attempt(server)
        code = answer_in(attempt.authorize(client_id="job", code_challenge=None, code_challenge_method=None))[
            "code"
        ]
        response = attempt.exchange(code, client_id="job", client_secret=SECRET)
        assert refusal(response) == (400, "invalid_grant")

    def test_confidential_client_without_pkce(self, server: AuthorizationServer) -> None:
        """A client with a secret that left PKCE out needs no verifier."""
        attempt = Attempt(server)
        code = answer_in(attempt.authorize(client_id="job", code_challenge=None, code_challenge_method=None))[
            "code"
        ]
        response = attempt.exchange(code, client_id="job", client_secret=SECRET, code_verifier=None)
        assert response.status_code == 200

    def test_expired(self, server: AuthorizationServer) -> None:
        """A code is good for less than a minute."""
        server.clock = lambda: 1_000.0
        attempt = Attempt(server)
        code = attempt.code()
        server.clock = lambda: 1_060.0
        assert refusal(attempt.exchange(code)) == (400, "invalid_grant")

    def test_single_use(self, server: AuthorizationServer) -> None:
        """A code is refused the second time."""
        attempt = Attempt(server)
        code = attempt.code()
        attempt.exchange(code)
        assert refusal(attempt.exchange(code)) == (400, "invalid_grant")

    def test_replay_revokes_access_token(self, server: AuthorizationServer) -> None:
        """A replayed code revokes the access token that it gave (RFC 6749 section 4.1.2)."""
        attempt = Attempt(server)
        code = attempt.code()
        access_token = attempt.exchange(code).json()["access_token"]
        attempt.exchange(code)
        assert server.introspect(access_token) is None

    def test_replay_revokes_refresh_token(self, server: AuthorizationServer) -> None:
        """A replayed code revokes the refresh token that it gave."""
        attempt = Attempt(server)
        code = attempt.code()
        refresh_token = attempt.exchange(code).json()["refresh_token"]
        attempt.exchange(code)
        assert refusal(refresh(server, refresh_token)) == (400, "invalid_grant")

    def test_replay_is_no_refresh_reuse(self, server: AuthorizationServer) -> None:
        """Only refresh tokens that come again are counted as reuses."""
        attempt = Attempt(server)
        code = attempt.code()
        attempt.exchange(code)
        attempt.exchange(code)
        assert server.reuses == 0

    @pytest.mark.parametrize(
        ("changes", "error"),
        [
            ({"grant_type": None}, "invalid_request"),
            ({"grant_type": "urn:example:none"}, "unsupported_grant_type"),
            ({"code": None}, "invalid_request"),
            ({"code": ["one", "two"]}, "invalid_request"),
        ],
    )
    def test_wrong_requests(self, server: AuthorizationServer, changes: dict[str, Any], error: str) -> None:
        """A wrong token request gets the error of RFC 6749 section 5.2."""
        assert refusal(Attempt(server).exchange("code", **changes)) == (400, error)

    def test_repeated_resource(self, server: AuthorizationServer) -> None:
        """`resource` may be there twice (RFC 8707 section 2)."""
        attempt = Attempt(server)
        code = attempt.code()
        assert attempt.exchange(code, resource=["https://a", "https://b"]).status_code == 200

    def test_get_is_refused(self, server: AuthorizationServer) -> None:
        """Tokens are given to POST only."""
        assert requests.get(f"{server.issuer}/token", timeout=10).status_code == 405


class TestIdToken:
    def claims(self, server: AuthorizationServer, id_token: str) -> dict[str, Any]:
        keys = jwt.PyJWKSet.from_dict(requests.get(f"{server.issuer}/jwks", timeout=10).json())
        key = keys[jwt.get_unverified_header(id_token)["kid"]]
        return jwt.decode(id_token, key.key, algorithms=["ES256"], audience="app", issuer=server.issuer)

    def test_claims(self, server: AuthorizationServer) -> None:
        """The ID token, signed with a published key, is for this client and this attempt."""
        now = int(time.time())
        server.clock = lambda: now
        tokens = Attempt(server, scope="openid profile").tokens(nonce="n-0S6")
        assert self.claims(server, tokens["id_token"]) == {
            "iss": server.issuer,
            "sub": "ada",
            "aud": "app",
            "iat": now,
            "exp": now + 3600,
            "nonce": "n-0S6",
        }

    def test_without_nonce(self, server: AuthorizationServer) -> None:
        """Without a nonce in the request there is none in the ID token."""
        tokens = Attempt(server, scope="openid").tokens()
        assert "nonce" not in self.claims(server, tokens["id_token"])

    def test_only_for_openid(self, server: AuthorizationServer) -> None:
        """Without `openid` in the scope there is no ID token."""
        assert "id_token" not in Attempt(server, scope="openidx").tokens()

    def test_jwks_is_public(self, server: AuthorizationServer) -> None:
        """The published key has no private part."""
        (key,) = requests.get(f"{server.issuer}/jwks", timeout=10).json()["keys"]
        assert "d" not in key


class TestRefresh:
    def test_rotates(self, server: AuthorizationServer) -> None:
        """A refresh gives new tokens."""
        old = Attempt(server).tokens()
        new = refresh(server, old["refresh_token"]).json()
        assert new["access_token"] != old["access_token"]
        assert new["refresh_token"] != old["refresh_token"]

    def test_chain(self, server: AuthorizationServer) -> None:
        """A new refresh token is as good as the first one."""
        second = refresh(server, Attempt(server).tokens()["refresh_token"]).json()
        assert refresh(server, second["refresh_token"]).status_code == 200

    def test_reuse_revokes_the_family(self, server: AuthorizationServer) -> None:
        """A refresh token that comes again revokes all that came from it (RFC 9700 section 4.14.2)."""
        old = Attempt(server).tokens()
        new = refresh(server, old["refresh_token"]).json()
        refresh(server, old["refresh_token"])
        assert refusal(refresh(server, new["refresh_token"])) == (400, "invalid_grant")
        assert server.introspect(new["access_token"]) is None

    def test_reuse_is_counted(self, server: AuthorizationServer) -> None:
        """Each return of a used refresh token is counted."""
        refresh_token = Attempt(server).tokens()["refresh_token"]
        for _ in range(3):
            refresh(server, refresh_token)
        assert server.reuses == 2

    def test_reuse_spares_other_sign_ins(self, server: AuthorizationServer) -> None:
        """A refresh token that comes again does nothing to another sign-in of the same client."""
        one, other = Attempt(server).tokens(), Attempt(server).tokens()
        refresh(server, one["refresh_token"])
        refresh(server, one["refresh_token"])
        assert server.introspect(other["access_token"])

    def test_without_rotation(self, server: AuthorizationServer) -> None:
        """Without rotation a refresh gives no refresh token, and the first one stays good."""
        server.rotate = False
        refresh_token = Attempt(server).tokens()["refresh_token"]
        assert "refresh_token" not in refresh(server, refresh_token).json()
        assert refresh(server, refresh_token).status_code == 200

    def test_narrower_scope(self, server: AuthorizationServer) -> None:
        """A refresh may ask for less, for this access token only (RFC 6749 section 6)."""
        first = refresh(server, Attempt(server).tokens()["refresh_token"], scope="read").json()
        second = refresh(server, first["refresh_token"]).json()
        assert (first["scope"], second["scope"]) == ("read", "read write")

    def test_wider_scope(self, server: AuthorizationServer) -> None:
        """A refresh may not ask for more, and the refresh token stays good."""
        refresh_token = Attempt(server).tokens()["refresh_token"]
        assert refusal(refresh(server, refresh_token, scope="read admin")) == (400, "invalid_scope")
        assert refresh(server, refresh_token).status_code == 200

    def test_other_client(self, server: AuthorizationServer) -> None:
        """A refresh token is good for its own client only."""
        server.clients["other"] = Client()
        refresh_token = Attempt(server).tokens()["refresh_token"]
        assert refusal(refresh(server, refresh_token, client_id="other")) == (400, "invalid_grant")

    def test_access_token_is_none(self, server: AuthorizationServer) -> None:
        """An access token refreshes nothing."""
        assert refusal(refresh(server, Attempt(server).tokens()["access_token"])) == (400, "invalid_grant")


class TestClientCredentials:
    def test_in_the_body(self, server: AuthorizationServer) -> None:
        """A client with a secret gets a token for itself, and no refresh token (RFC 6749 section 4.4.3)."""
        tokens = client_credentials(server, scope="api.read").json()
        claims = server.introspect(tokens["access_token"])
        assert (claims["sub"], claims["scope"], "refresh_token" in tokens) == ("job", "api.read", False)

    def test_basic(self, server: AuthorizationServer) -> None:
        """Basic authentication is form-encoded first (RFC 6749 section 2.3.1)."""
        response = post(
            server, "token", {"grant_type": "client_credentials"}, auth=("job", quote_plus(SECRET))
        )
        assert response.status_code == 200

    def test_basic_unencoded(self, server: AuthorizationServer) -> None:
        """A secret in Basic that was not form-encoded is another secret."""
        auth = ("job", SECRET.encode())
        response = post(server, "token", {"grant_type": "client_credentials"}, auth=auth)
        assert refusal(response) == (401, "invalid_client")

    @pytest.mark.parametrize(
        "changes", [{"client_secret": "wrong"}, {"client_secret": None}, {"client_id": "nobody"}]
    )
    def test_wrong_client(self, server: AuthorizationServer, changes: dict[str, Any]) -> None:
        """An unknown client or a wrong secret is refused with a challenge (RFC 6749 section 5.2)."""
        response = client_credentials(server, **changes)
        assert refusal(response) == (401, "invalid_client")
        assert response.headers["WWW-Authenticate"].startswith("Basic ")

    @pytest.mark.parametrize("header", ["Basic", "Basic !", "Basic am9i", "Basic /////w=="])
    def test_malformed_basic(self, server: AuthorizationServer, header: str) -> None:
        """Basic credentials that are none are refused."""
        headers = {"Authorization": header}
        response = post(server, "token", {"grant_type": "client_credentials"}, headers=headers)
        assert refusal(response) == (401, "invalid_client")

    @pytest.mark.parametrize("changes", [{"client_secret": SECRET}, {"client_id": "app"}])
    def test_two_authentications(self, server: AuthorizationServer, changes: dict[str, str]) -> None:
        """A client proves itself in one way (RFC 6749 section 2.3)."""
        form = {"grant_type": "client_credentials"} | changes
        response = post(server, "token", form, auth=("job", quote_plus(SECRET)))
        assert refusal(response) == (400, "invalid_request")

    def test_public_client(self, server: AuthorizationServer) -> None:
        """A public client has no credentials to get a token with."""
        response = post(server, "token", {"grant_type": "client_credentials", "client_id": "app"})
        assert refusal(response) == (400, "unauthorized_client")

    def test_secret_of_a_public_client(self, server: AuthorizationServer) -> None:
        """A public client that sends a secret is refused."""
        response = Attempt(server).exchange("code", client_secret="guess")
        assert refusal(response) == (401, "invalid_client")

    def test_json_is_no_form(self, server: AuthorizationServer) -> None:
        """A body that is not a form says nothing."""
        response = requests.post(f"{server.issuer}/token", json={"client_id": "app"}, timeout=10)
        assert refusal(response) == (401, "invalid_client")


class TestRevocation:
    def test_access_token(self, server: AuthorizationServer) -> None:
        """A revoked access token is dead."""
        access_token = Attempt(server).tokens()["access_token"]
        post(server, "revoke", {"client_id": "app", "token": access_token})
        assert server.introspect(access_token) is None

    def test_access_token_leaves_the_refresh_token(self, server: AuthorizationServer) -> None:
        """Revoking an access token leaves its refresh token alone."""
        tokens = Attempt(server).tokens()
        post(server, "revoke", {"client_id": "app", "token": tokens["access_token"]})
        assert refresh(server, tokens["refresh_token"]).status_code == 200

    def test_refresh_token(self, server: AuthorizationServer) -> None:
        """A revoked refresh token takes its access tokens along (RFC 7009 section 2.1)."""
        tokens = Attempt(server).tokens()
        post(server, "revoke", {"client_id": "app", "token": tokens["refresh_token"]})
        assert refusal(refresh(server, tokens["refresh_token"])) == (400, "invalid_grant")
        assert server.introspect(tokens["access_token"]) is None

    def test_unknown_token(self, server: AuthorizationServer) -> None:
        """An unknown token is as good as revoked (RFC 7009 section 2.2)."""
        assert post(server, "revoke", {"client_id": "app", "token": "unknown"}).status_code == 200

    def test_token_of_another_client(self, server: AuthorizationServer) -> None:
        """A client cannot revoke another one's token."""
        access_token = Attempt(server).tokens()["access_token"]
        form = {"client_id": "job", "client_secret": SECRET, "token": access_token}
        assert refusal(post(server, "revoke", form)) == (400, "invalid_grant")
        assert server.introspect(access_token)

    def test_without_token(self, server: AuthorizationServer) -> None:
        """A revocation names a token."""
        assert refusal(post(server, "revoke", {"client_id": "app"})) == (400, "invalid_request")


class TestIntrospection:
    def introspect(self, server: AuthorizationServer, token: str) -> dict[str, Any]:
        form = {"client_id": "job", "client_secret": SECRET, "token": token}
        return post(server, "introspect", form).json()

    def test_live_token(self, server: AuthorizationServer) -> None:
        """The endpoint says of a live token what `introspect` says."""
        access_token = Attempt(server).tokens()["access_token"]
        claims = server.introspect(access_token)
        assert self.introspect(server, access_token) == {"active": True, **claims}

    def test_dead_token(self, server: AuthorizationServer) -> None:
        """Of any other string it says only that it is not active (RFC 7662 section 2.2)."""
        assert self.introspect(server, "unknown") == {"active": False}

    def test_refresh_token(self, server: AuthorizationServer) -> None:
        """A refresh token opens no API."""
        assert server.introspect(Attempt(server).tokens()["refresh_token"]) is None

    def test_public_client(self, server: AuthorizationServer) -> None:
        """Introspection is for clients that prove themselves (RFC 7662 section 2.1)."""
        response = post(server, "introspect", {"client_id": "app", "token": "any"})
        assert refusal(response) == (400, "unauthorized_client")


class TestClock:
    def test_end_of_a_token(self, server: AuthorizationServer) -> None:
        """An access token is dead from the end of its lifetime on."""
        server.clock = lambda: 1_000.0
        server.lifetime_seconds = 60
        access_token = Attempt(server).tokens()["access_token"]
        server.clock = lambda: 1_059.9
        before = server.introspect(access_token)
        server.clock = lambda: 1_060.0
        assert (before is None, server.introspect(access_token)) == (False, None)

    def test_lifetime_is_told(self, server: AuthorizationServer) -> None:
        """The answer tells the lifetime that the token has."""
        server.lifetime_seconds = 60
        assert Attempt(server).tokens()["expires_in"] == 60

    def test_refresh_token_outlives_it(self, server: AuthorizationServer) -> None:
        """A refresh token is good after its access token."""
        refresh_token = Attempt(server).tokens()["refresh_token"]
        server.clock = lambda: time.time() + 10**6
        assert refresh(server, refresh_token).status_code == 200


class TestReplies:
    def test_broken_reply(self, server: AuthorizationServer) -> None:
        """A queued reply is given as it is."""
        server.replies["token"].append(Reply(503, headers={"Retry-After": "1"}, body=b"<h1>Busy"))
        response = client_credentials(server)
        assert (response.status_code, response.headers["Retry-After"], response.content) == (
            503,
            "1",
            b"<h1>Busy",
        )

    def test_right_again(self, server: AuthorizationServer) -> None:
        """After the queued replies the right answers come again."""
        server.replies["token"].extend([Reply(500), Reply.json({"error": "slow_down"}, 400)])
        assert [client_credentials(server).status_code for _ in range(3)] == [500, 400, 200]

    def test_only_its_endpoint(self, server: AuthorizationServer) -> None:
        """A reply for one endpoint leaves the others alone."""
        server.replies["token"].append(Reply(500))
        assert requests.get(f"{server.issuer}/jwks", timeout=10).status_code == 200

    def test_unknown_endpoint(self, server: AuthorizationServer) -> None:
        """A reply for an endpoint that is not there is an error at once."""
        with pytest.raises(KeyError):
            server.replies["tokn"].append(Reply(500))

    def test_not_acted_upon(self, server: AuthorizationServer) -> None:
        """A request that got a queued reply changed nothing: its code is still good."""
        attempt = Attempt(server)
        code = attempt.code()
        server.replies["token"].append(Reply(503))
        attempt.exchange(code)
        assert attempt.exchange(code).status_code == 200

    def test_hang_up(self, server: AuthorizationServer) -> None:
        """A reply can be that the connection is closed."""
        server.replies["token"].append(Reply(hang_up=True))
        with pytest.raises(requests.ConnectionError):
            client_credentials(server)

    def test_cut_off(self, server: AuthorizationServer) -> None:
        """A reply can end before the length that it announces."""
        server.replies["token"].append(Reply(200, headers={"Content-Length": "100"}, body=b"{"))
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            client_credentials(server)

    def test_late(self, server: AuthorizationServer) -> None:
        """A delay alone is the right answer, late."""
        server.replies["token"].append(Reply(delay_seconds=0.2))
        started_at = time.monotonic()
        assert client_credentials(server).status_code == 200
        assert time.monotonic() - started_at > 0.1

    def test_late_answer_was_acted_upon(self, server: AuthorizationServer) -> None:
        """A client that does not wait for a late answer has used up its refresh token."""
        refresh_token = Attempt(server).tokens()["refresh_token"]
        server.replies["token"].append(Reply(delay_seconds=60))
        with pytest.raises(requests.ReadTimeout):
            requests.post(
                f"{server.issuer}/token",
                data={"grant_type": "refresh_token", "client_id": "app", "refresh_token": refresh_token},
                timeout=1,
            )
        wait_for(server, "token", 2)
        refresh(server, refresh_token)
        assert server.reuses == 1

    def test_late_answer_holds_nobody_else(self, server: AuthorizationServer) -> None:
        """While one client waits for a late answer, others are answered."""
        server.replies["token"].append(Reply(delay_seconds=60))
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(client_credentials, server)
            wait_for(server, "token", 1)
            assert client_credentials(server).status_code == 200
            server.stop()
            assert isinstance(waiting.exception(), requests.ConnectionError)


class TestCount:
    def test_each_endpoint(self, server: AuthorizationServer) -> None:
        """Requests are counted by endpoint, refused ones too."""
        Attempt(server).tokens()
        Attempt(server).exchange("wrong")
        names = ("discovery", "authorize", "token", "jwks", "revoke", "introspect")
        assert {name: server.count(name) for name in names} == {
            "discovery": 0,
            "authorize": 1,
            "token": 2,
            "jwks": 0,
            "revoke": 0,
            "introspect": 0,
        }

    def test_broken_replies_count(self, server: AuthorizationServer) -> None:
        """A request that got a queued reply is counted."""
        server.replies["token"].append(Reply(503))
        client_credentials(server)
        assert server.count("token") == 1

    def test_what_arrived(self, server: AuthorizationServer) -> None:
        """What a client sent can be looked at."""
        client_credentials(server, scope="a b")
        assert ("scope", "a b") in server.requests[-1].form


class TestConcurrency:
    def together(self, act: Any) -> list[Any]:
        """Give what 16 clients get that act at the same time."""
        barrier = threading.Barrier(CLIENTS)

        def wait_and_act(_: int) -> Any:
            barrier.wait()
            return act()

        with ThreadPoolExecutor(CLIENTS) as pool:
            return list(pool.map(wait_and_act, range(CLIENTS)))

    def test_sixteen_sign_ins(self, server: AuthorizationServer) -> None:
        """Sixteen clients at once each get a live token of their own."""
        tokens = self.together(lambda: Attempt(server, scope="openid").tokens()["access_token"])
        assert len({token for token in tokens if server.introspect(token)}) == CLIENTS

    def test_one_refresh_token(self, server: AuthorizationServer) -> None:
        """Of sixteen that send one refresh token at once, one is answered and the others are reuses."""
        refresh_token = Attempt(server).tokens()["refresh_token"]
        statuses = self.together(lambda: refresh(server, refresh_token).status_code)
        assert (statuses.count(200), server.reuses) == (1, CLIENTS - 1)

    def test_one_code(self, server: AuthorizationServer) -> None:
        """Of sixteen that send one code at once, one is answered."""
        attempt = Attempt(server)
        code = attempt.code()
        assert self.together(lambda: attempt.exchange(code).status_code).count(200) == 1


class TestLife:
    def test_loopback_only(self, server: AuthorizationServer) -> None:
        """The issuer is an address of the loopback, with a port of its own."""
        with AuthorizationServer() as other:
            hosts = {urlsplit(one.issuer).hostname for one in (server, other)}
            assert (hosts, server.issuer != other.issuer) == ({"127.0.0.1"}, True)

    def test_stopped(self, server: AuthorizationServer) -> None:
        """A stopped server answers nobody, over a connection of before neither."""
        with requests.Session() as session:
            session.get(f"{server.issuer}/jwks", timeout=10)
            server.stop()
            with pytest.raises(requests.ConnectionError):
                session.get(f"{server.issuer}/jwks", timeout=10)

    def test_started_again(self, server: AuthorizationServer) -> None:
        """Started again, a server is where it was and knows what it knew."""
        issuer, refresh_token = server.issuer, Attempt(server).tokens()["refresh_token"]
        server.stop()
        server.start()
        assert (server.issuer, refresh(server, refresh_token).status_code) == (issuer, 200)

    def test_started_twice(self, server: AuthorizationServer) -> None:
        """A server that listens cannot be started."""
        with pytest.raises(RuntimeError, match="started already"):
            server.start()

    def test_stopped_twice(self, server: AuthorizationServer) -> None:
        """Stopping a stopped server does nothing."""
        server.stop()
        server.stop()

    def test_not_started(self) -> None:
        """A server that was never started has no URL, and says what to do."""
        with pytest.raises(RuntimeError, match="with statement"):
            _ = AuthorizationServer().issuer

    def test_unknown_path(self, server: AuthorizationServer) -> None:
        """What is not there is not found."""
        assert requests.get(f"{server.issuer}/favicon.ico", timeout=10).status_code == 404

    @pytest.mark.parametrize(
        "request_",
        [
            b"GET /unknown HTTP/1.1\r\n\r\n",
            b"POST /token HTTP/1.1\r\nContent-Length: x\r\n\r\n",
            b"\x16\x03\r\n",
        ],
    )
    def test_silent(
        self, server: AuthorizationServer, capfd: pytest.CaptureFixture[str], request_: bytes
    ) -> None:
        """Nothing is printed, whatever is sent."""
        with socket.create_connection(("127.0.0.1", urlsplit(server.issuer).port), timeout=10) as connection:
            connection.sendall(request_)
            while connection.recv(4096):
                pass
        assert capfd.readouterr() == ("", "")

    def test_silent_where_nobody_waits(
        self, server: AuthorizationServer, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """Nothing is printed where a client leaves before its answer."""
        server.replies["jwks"].append(Reply(200, body=bytes(10**8)))
        with socket.create_connection(("127.0.0.1", urlsplit(server.issuer).port), timeout=10) as connection:
            connection.sendall(b"GET /jwks HTTP/1.1\r\n\r\n")
            wait_for(server, "jwks", 1)
        for thread in threading.enumerate():
            if "process_request_thread" in thread.name:
                thread.join(10)
        assert capfd.readouterr() == ("", "")

    def test_broken_clock(self, server: AuthorizationServer, capfd: pytest.CaptureFixture[str]) -> None:
        """What goes wrong in a function that a test gave is printed."""
        server.clock = lambda: 1 / 0
        with pytest.raises(requests.ConnectionError):
            client_credentials(server)
        assert "ZeroDivisionError" in capfd.readouterr().err

    def test_secret_is_not_shown(self) -> None:
        """A client's secret does not stand in its repr."""
        assert "hidden" not in repr(Client(secret="hidden"))
