"""The protected API for tests, spoken to over HTTP by nothing but requests."""

import http.client
import time
from collections.abc import Iterator
from contextlib import closing

import pytest
import requests

from requests_auth_profiles.testing import AuthorizationServer, Client, ProtectedApi, Reply

INVALID_TOKEN = 'Bearer error="invalid_token"'


@pytest.fixture
def server() -> Iterator[AuthorizationServer]:
    """An authorization server that knows the client `job`."""
    with AuthorizationServer() as server:
        server.clients["job"] = Client(secret="s")
        yield server


@pytest.fixture
def token(server: AuthorizationServer) -> str:
    """An access token of the client `job`."""
    form = {"grant_type": "client_credentials", "client_id": "job", "client_secret": "s"}
    response = requests.post(f"{server.issuer}/token", data=form, timeout=10)
    return response.json()["access_token"]


@pytest.fixture
def api(server: AuthorizationServer) -> Iterator[ProtectedApi]:
    """An API that takes the server's tokens, one of its own, one API key and two users."""
    users = {"ada": "lovelace", "zoë": "pässwörd:€"}
    with ProtectedApi(server, tokens={"literal-token"}, api_keys={"demo-key"}, users=users) as api:
        yield api


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


class TestMe:
    def test_token_of_the_server(self, api: ProtectedApi, token: str) -> None:
        """A token of the authorization server opens the door, and its subject is greeted."""
        response = requests.get(f"{api.url}/me", headers=bearer(token), timeout=10)
        assert response.json() == {"hello": "job", "by": ["bearer"]}

    def test_scheme_in_any_case(self, api: ProtectedApi, token: str) -> None:
        """The scheme's name has no case (RFC 9110 section 11.1)."""
        headers = {"Authorization": f"bearer {token}"}
        assert requests.get(f"{api.url}/me", headers=headers, timeout=10).status_code == 200

    def test_token_of_its_own(self, api: ProtectedApi) -> None:
        """A token that the API itself was given opens the door."""
        response = requests.get(f"{api.url}/me", headers=bearer("literal-token"), timeout=10)
        assert response.json() == {"hello": "world", "by": ["bearer"]}

    def test_withdrawn_token(self, api: ProtectedApi) -> None:
        """A token can be taken from the API while it runs."""
        api.tokens.discard("literal-token")
        response = requests.get(f"{api.url}/me", headers=bearer("literal-token"), timeout=10)
        assert response.status_code == 401

    @pytest.mark.parametrize(
        "headers",
        [{}, bearer("wrong"), {"Authorization": "Bearer"}, {"Authorization": "Token literal-token"}],
    )
    def test_refused(self, api: ProtectedApi, headers: dict[str, str]) -> None:
        """A missing or wrong token gets 401 and the challenge of RFC 6750 section 3."""
        response = requests.get(f"{api.url}/me", headers=headers, timeout=10)
        assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, INVALID_TOKEN)

    def test_expired_token(self, api: ProtectedApi, server: AuthorizationServer, token: str) -> None:
        """A token is refused once the authorization server's clock has passed its end."""
        server.clock = lambda: time.time() + 3601
        assert requests.get(f"{api.url}/me", headers=bearer(token), timeout=10).status_code == 401

    def test_revoked_token(self, api: ProtectedApi, server: AuthorizationServer, token: str) -> None:
        """A revoked token is refused."""
        form = {"client_id": "job", "client_secret": "s", "token": token}
        requests.post(f"{server.issuer}/revoke", data=form, timeout=10)
        assert requests.get(f"{api.url}/me", headers=bearer(token), timeout=10).status_code == 401

    def test_token_in_the_query(self, api: ProtectedApi) -> None:
        """A token in the URL is not looked at (RFC 6750 section 2.3)."""
        response = requests.get(f"{api.url}/me?access_token=literal-token", timeout=10)
        assert response.status_code == 401

    def test_without_server(self) -> None:
        """Without an authorization server the API has tokens of its own only."""
        with ProtectedApi(tokens={"literal-token"}) as api:
            statuses = [
                requests.get(f"{api.url}/me", headers=bearer(token), timeout=10).status_code
                for token in ("literal-token", "other")
            ]
        assert statuses == [200, 401]


class TestKey:
    def test_header(self, api: ProtectedApi) -> None:
        """An API key in the header opens the door."""
        response = requests.get(f"{api.url}/key", headers={"X-API-Key": "demo-key"}, timeout=10)
        assert response.json() == {"hello": "world", "by": ["api-key"]}

    def test_query(self, api: ProtectedApi) -> None:
        """An API key in the query opens the door."""
        assert requests.get(f"{api.url}/key?api_key=demo-key", timeout=10).status_code == 200

    @pytest.mark.parametrize("headers", [{}, {"X-API-Key": "wrong"}, bearer("literal-token")])
    def test_refused(self, api: ProtectedApi, headers: dict[str, str]) -> None:
        """A missing or wrong API key gets 401, and no challenge for a bearer token."""
        response = requests.get(f"{api.url}/key", headers=headers, timeout=10)
        assert response.status_code == 401
        assert "Bearer" not in response.headers["WWW-Authenticate"]


class TestBasic:
    @pytest.mark.parametrize(("user", "password"), [("ada", "lovelace"), ("zoë", "pässwörd:€")])
    def test_users(self, api: ProtectedApi, user: str, password: str) -> None:
        """A user and password, in UTF-8, open the door (RFC 7617)."""
        auth = (user.encode(), password.encode())
        response = requests.get(f"{api.url}/basic", auth=auth, timeout=10)
        assert response.json() == {"hello": user, "by": ["basic"]}

    @pytest.mark.parametrize("auth", [None, ("ada", "wrong"), ("nobody", "lovelace"), ("zoë", b"p\xe4ss")])
    def test_refused(self, api: ProtectedApi, auth: tuple[str, str | bytes] | None) -> None:
        """A missing or wrong password gets 401 and the challenge of RFC 7617 section 2.1."""
        response = requests.get(f"{api.url}/basic", auth=auth, timeout=10)
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"] == 'Basic realm="api", charset="UTF-8"'


class TestPartner:
    def test_both(self, api: ProtectedApi, token: str) -> None:
        """An API key and a bearer token open the door together."""
        headers = {"X-API-Key": "demo-key"} | bearer(token)
        response = requests.get(f"{api.url}/partner", headers=headers, timeout=10)
        assert response.json() == {"hello": "job", "by": ["api-key", "bearer"]}

    @pytest.mark.parametrize("headers", [{}, {"X-API-Key": "demo-key"}, bearer("literal-token")])
    def test_one_is_not_enough(self, api: ProtectedApi, headers: dict[str, str]) -> None:
        """One of the two alone gets 401."""
        assert requests.get(f"{api.url}/partner", headers=headers, timeout=10).status_code == 401

    def test_challenge(self, api: ProtectedApi) -> None:
        """With the right API key the challenge asks for the token."""
        response = requests.get(f"{api.url}/partner", headers={"X-API-Key": "demo-key"}, timeout=10)
        assert response.headers["WWW-Authenticate"] == INVALID_TOKEN


class TestRedirect:
    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_statuses(self, api: ProtectedApi, status: int) -> None:
        """It redirects with the status that is asked."""
        asked = {"to": "https://other.example/a?b=%2F&c", "status": status}
        response = requests.get(f"{api.url}/redirect", params=asked, allow_redirects=False, timeout=10)
        assert (response.status_code, response.headers["Location"]) == (status, asked["to"])

    def test_found_by_default(self, api: ProtectedApi) -> None:
        """Without a status it is 302."""
        response = requests.get(f"{api.url}/redirect?to=/echo", allow_redirects=False, timeout=10)
        assert response.status_code == 302

    def test_followed(self, api: ProtectedApi) -> None:
        """A client that follows arrives."""
        asked = {"to": f"{api.url}/echo?arrived", "status": 307}
        response = requests.post(f"{api.url}/redirect", params=asked, data=b"body", timeout=10)
        assert (response.json()["query"], response.json()["body"]) == ("arrived", "body")

    @pytest.mark.parametrize("query", ["", "status=302", "to=/echo&status=200", "to=/echo&status=x"])
    def test_refused(self, api: ProtectedApi, query: str) -> None:
        """Without a target, or with a status that is no redirect, it answers 400."""
        response = requests.get(f"{api.url}/redirect?{query}", allow_redirects=False, timeout=10)
        assert response.status_code == 400

    def test_line_break(self, api: ProtectedApi) -> None:
        """A target cannot add a header field to the answer."""
        asked = {"to": "/echo\r\nX-Added: yes"}
        response = requests.get(f"{api.url}/redirect", params=asked, allow_redirects=False, timeout=10)
        assert "X-Added" not in response.headers


class TestEcho:
    def test_what_arrived(self, api: ProtectedApi) -> None:
        """It gives back what arrived, without any check."""
        response = requests.put(f"{api.url}/echo?a=%2F&b", headers={"X-One": "1"}, data="é", timeout=10)
        echo = response.json()
        assert echo["headers"]["X-One"] == "1"
        assert {name: echo[name] for name in ("method", "path", "query", "body")} == {
            "method": "PUT",
            "path": "/echo",
            "query": "a=%2F&b",
            "body": "é",
        }

    def test_head(self, api: ProtectedApi) -> None:
        """HEAD gets the header fields alone."""
        response = requests.head(f"{api.url}/echo", timeout=10)
        assert (response.status_code, response.content) == (200, b"")


class TestRequests:
    def test_recorded(self, api: ProtectedApi) -> None:
        """What arrived is kept as it was sent, with the status that it got."""
        requests.post(f"{api.url}/key?b=%2F&a", data=b"\xff\x00", timeout=10)
        received = api.requests[-1]
        assert (received.method, received.path, received.query, received.body, received.status) == (
            "POST",
            "/key",
            "b=%2F&a",
            b"\xff\x00",
            401,
        )

    def test_headers_in_any_case(self, api: ProtectedApi) -> None:
        """Header fields are found by their names in any case."""
        requests.get(f"{api.url}/echo", headers={"X-API-Key": "k"}, timeout=10)
        headers = api.requests[-1].headers
        assert (headers["x-api-key"], headers.get("X-Other")) == ("k", None)

    def test_repeated_header(self, api: ProtectedApi) -> None:
        """A header field that is there twice has both values (RFC 9110 section 5.3)."""
        connection = http.client.HTTPConnection("127.0.0.1", int(api.url.rpartition(":")[2]), timeout=10)
        with closing(connection):
            connection.putrequest("GET", "/echo", skip_host=True, skip_accept_encoding=True)
            connection.putheader("X-One", "1")
            connection.putheader("x-one", "2")
            connection.endheaders()
            connection.getresponse().read()
        headers = api.requests[-1].headers
        assert (len(headers), repr(headers)) == (1, "{'X-One': '1, 2'}")

    def test_chunked_body(self, api: ProtectedApi) -> None:
        """A body that is sent in chunks is put together."""
        requests.post(f"{api.url}/echo", data=iter([b"one ", b"two"]), timeout=10)
        assert api.requests[-1].body == b"one two"

    def test_no_answer_has_no_status(self, api: ProtectedApi) -> None:
        """A request whose connection was closed has no status."""
        api.replies["me"].append(Reply(hang_up=True))
        with pytest.raises(requests.ConnectionError):
            requests.get(f"{api.url}/me", timeout=10)
        assert api.requests[-1].status is None

    def test_unknown_path(self, api: ProtectedApi) -> None:
        """What is not there is recorded too."""
        requests.get(f"{api.url}/nowhere", timeout=10)
        assert (api.requests[-1].path, api.requests[-1].status) == ("/nowhere", 404)

    def test_broken_on_demand(self, api: ProtectedApi) -> None:
        """The API can be broken like the authorization server, and counts like it."""
        api.replies["me"].append(
            Reply(403, headers={"WWW-Authenticate": 'Bearer error="insufficient_scope"'})
        )
        response = requests.get(f"{api.url}/me", headers=bearer("literal-token"), timeout=10)
        assert (response.status_code, api.count("me")) == (403, 1)
