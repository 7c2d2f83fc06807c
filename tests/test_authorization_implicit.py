"""The authorization server for tests: the implicit flow and the password grant."""

from urllib.parse import parse_qsl, urlsplit

import jwt
import pytest
import requests
from authorization import REDIRECT_URI, Attempt, post, refusal, server

from requests_auth_profiles.testing import AuthorizationServer

__all__ = ["server"]


def fragment(server: AuthorizationServer, **asked: str | None) -> dict[str, str]:
    """What comes back in the fragment of the redirect."""
    answer = Attempt(server).authorize(code_challenge=None, code_challenge_method=None, **asked)
    address = urlsplit(answer.headers["Location"])
    assert f"{address.scheme}://{address.netloc}{address.path}" == REDIRECT_URI
    assert address.query == ""
    return dict(parse_qsl(address.fragment))


def claims(server: AuthorizationServer, id_token: str) -> dict[str, object]:
    """What an ID token says, whose signature the server's key verifies."""
    (key,) = jwt.PyJWKSet.from_dict(requests.get(f"{server.issuer}/jwks", timeout=10).json()).keys
    return jwt.decode(id_token, key, algorithms=["ES256"], audience="app", issuer=server.issuer)


def test_an_access_token(server: AuthorizationServer) -> None:
    """It comes in the fragment, with its life, scope, state and issuer (RFC 6749 section 4.2.2)."""
    answer = fragment(server, response_type="token")
    assert answer.keys() == {"access_token", "token_type", "expires_in", "scope", "state", "iss"}
    assert server.introspect(answer["access_token"])["sub"] == "ada"


def test_an_id_token(server: AuthorizationServer) -> None:
    """It carries the nonce of the request, and no hash of a token that did not come with it."""
    answer = fragment(server, response_type="id_token", scope="openid", nonce="n0nce")
    said = claims(server, answer["id_token"])
    assert (said["nonce"], said["sub"], "at_hash" in said) == ("n0nce", "ada", False)
    assert "access_token" not in answer


def test_both(server: AuthorizationServer) -> None:
    """The ID token names the access token that it comes with (OpenID Connect Core 3.2.2.10)."""
    answer = fragment(server, response_type="id_token token", scope="openid", nonce="n0nce")
    assert len(str(claims(server, answer["id_token"])["at_hash"])) == 22
    assert server.introspect(answer["access_token"]) is not None


def test_an_id_token_without_a_nonce(server: AuthorizationServer) -> None:
    """It is refused, in the fragment too (OpenID Connect Core 3.2.2.1)."""
    answer = fragment(server, response_type="id_token", scope="openid")
    assert (answer["error"], answer["state"]) == ("invalid_request", "a state & more")


def test_a_password(server: AuthorizationServer) -> None:
    """A user and their password give tokens, which are renewed like others (RFC 6749 section 4.3)."""
    form = {"grant_type": "password", "client_id": "app", "username": "bob", "password": "builder"}
    answer = post(server, "token", form).json()
    assert server.introspect(answer["access_token"])["sub"] == "bob"
    renewal = {"grant_type": "refresh_token", "client_id": "app", "refresh_token": answer["refresh_token"]}
    assert post(server, "token", renewal).status_code == 200


@pytest.mark.parametrize(("user", "password"), [("bob", "wrong"), ("eve", "builder"), ("eve", "")])
def test_a_wrong_password(server: AuthorizationServer, user: str, password: str) -> None:
    """It is refused as an invalid grant."""
    form = {"grant_type": "password", "client_id": "app", "username": user, "password": password}
    assert refusal(post(server, "token", form)) in {(400, "invalid_grant"), (400, "invalid_request")}
