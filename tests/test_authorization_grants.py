"""The authorization server for tests: what it gives for codes, refresh tokens and secrets."""

import time
from typing import Any
from urllib.parse import quote_plus

import jwt
import pytest
import requests
from authorization import SECRET, Attempt, answer_in, client_credentials, post, refresh, refusal, server

from requests_auth_profiles.testing import AuthorizationServer, Client

__all__ = ["server"]


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
