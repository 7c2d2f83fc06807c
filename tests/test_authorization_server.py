"""The authorization server for tests: what it announces, and how somebody signs in."""

import socket
import threading
import time
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from authorization import (
    REDIRECT_URI,
    Attempt,
    answer_in,
    client_credentials,
    post,
    refresh,
    refusal,
    server,
    wait_for,
)

from requests_auth_profiles.testing import AuthorizationServer, Client, Reply

__all__ = ["server"]


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
            ({"response_type": "magic"}, "unsupported_response_type"),
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
