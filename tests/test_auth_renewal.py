"""A token that an API refuses is renewed once, and the request sent once more; the caller sees one answer."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests
from auths import CountingGrant, key_in_header, key_in_query, reach, renewable
from wire import PATIENCE_SECONDS, Answer, RawServer, endless, http, trickle

from requests_auth_profiles._auth import ProfileAuth
from requests_auth_profiles._credential import InHeader, InQuery
from requests_auth_profiles._source import StaticSource
from requests_auth_profiles._token import Token
from requests_auth_profiles.errors import InteractionRequired
from requests_auth_profiles.testing import ProtectedApi, Reply

INVALID_TOKEN = {"WWW-Authenticate": 'Bearer error="invalid_token"'}


class AskingGrant(CountingGrant):
    """Gives one token; for another one a person is needed."""

    def fetch(self) -> Token:
        if self.given:
            raise InteractionRequired("a person must sign in", hint="requests-auth login work")
        return super().fetch()


@pytest.fixture
def api() -> Iterator[ProtectedApi]:
    """An API that takes one token and one key."""
    with ProtectedApi(api_keys={"k3y"}) as api:
        yield api


def statuses(api: ProtectedApi) -> list[int | None]:
    return [received.status for received in api.requests]


def sent(api: ProtectedApi) -> list[str]:
    return [received.headers.get("Authorization", "") for received in api.requests]


class TestOnce:
    """One renewal and one more request, where they can help."""

    def test_a_refused_token_is_renewed(self, api: ProtectedApi) -> None:
        """The caller gets the answer to the request with the fresh token."""
        api.tokens = {"t2"}
        response = requests.get(f"{api.url}/me", auth=renewable(CountingGrant()), timeout=10)
        assert response.json() == {"hello": "world", "by": ["bearer"]}
        assert sent(api) == ["Bearer t1", "Bearer t2"]

    def test_the_fresh_token_is_kept(self, api: ProtectedApi) -> None:
        """The next request begins with the token that was accepted."""
        api.tokens, grant = {"t2"}, CountingGrant()
        auth = renewable(grant)
        for _ in range(2):
            requests.get(f"{api.url}/me", auth=auth, timeout=10)
        assert (statuses(api), grant.given) == ([401, 200, 200], 2)

    def test_an_api_that_refuses_everything(self, api: ProtectedApi) -> None:
        """It costs two requests and one renewal, and its answer is given back."""
        grant = CountingGrant()
        auth = renewable(grant)
        auth.token()
        response = requests.get(f"{api.url}/me", auth=auth, timeout=10)
        assert response.status_code == 401
        assert (statuses(api), grant.given) == ([401, 401], 2)

    @pytest.mark.parametrize("status", [400, 403, 404, 407, 500])
    def test_another_status_is_no_refusal(self, api: ProtectedApi, status: int) -> None:
        """Only 401 says that the token was not accepted."""
        grant = CountingGrant()
        api.replies["echo"].append(Reply(status, INVALID_TOKEN))
        requests.get(f"{api.url}/echo", auth=renewable(grant), timeout=10)
        assert (statuses(api), grant.given) == ([status], 1)

    def test_too_narrow_a_scope_is_not_helped_by_another_token(self, api: ProtectedApi) -> None:
        """`insufficient_scope` (RFC 6750 section 3.1) is the answer, whatever its status."""
        grant = CountingGrant()
        challenge = {"WWW-Authenticate": 'Bearer error="insufficient_scope", scope="admin"'}
        api.replies["echo"] += [Reply(403, challenge), Reply(401, challenge)]
        for status in (403, 401):
            response = requests.get(f"{api.url}/echo", auth=renewable(grant), timeout=10)
            assert (response.status_code, response.headers["WWW-Authenticate"]) == (
                status,
                challenge["WWW-Authenticate"],
            )
        assert grant.given == 2  # each auth's first

    @pytest.mark.parametrize("auth", [key_in_header("old"), key_in_query("old")], ids=["header", "query"])
    def test_what_cannot_be_renewed_is_sent_once(self, api: ProtectedApi, auth: ProfileAuth) -> None:
        """A key that a person gave is no better the second time."""
        assert requests.get(f"{api.url}/key", auth=auth, timeout=10).status_code == 401
        assert statuses(api) == [401]

    @pytest.mark.parametrize("kind", ["header", "query"])
    def test_a_key_that_was_replaced_where_it_comes_from(self, api: ProtectedApi, kind: str) -> None:
        """A secret is looked up again on a refusal: a cluster replaces mounted files while we run."""
        keys = iter(["old", "k3y"])
        source = StaticSource(lambda: next(keys))
        credential = (
            InHeader("X-API-Key", "{token}", source) if kind == "header" else InQuery("api_key", source)
        )
        auth = ProfileAuth(reach(), credential)
        response = requests.get(f"{api.url}/key?a=%2F&b", auth=auth, timeout=10)
        assert (response.status_code, statuses(api)) == (200, [401, 200])
        assert [value for _, value in api.requests[-1].arguments if value != "/"] in ([], ["k3y"])

    def test_a_header_that_is_not_ours_is_left(self, api: ProtectedApi) -> None:
        """Where the caller wrote another value over ours, a refusal is theirs to see."""
        grant = CountingGrant()
        with requests.Session() as session:
            prepared = session.prepare_request(
                requests.Request("GET", f"{api.url}/me", auth=renewable(grant))
            )
            prepared.headers["Authorization"] = "Bearer mine"
            assert session.send(prepared, timeout=10).status_code == 401
        assert (sent(api), grant.given) == (["Bearer mine"], 1)

    def test_one_request_sent_again_and_again(self, api: ProtectedApi) -> None:
        """A prepared request that is kept for long is renewed each time that its token ends."""
        grant = CountingGrant(accept=lambda token: setattr(api, "tokens", {token}))
        with requests.Session() as session:
            prepared = session.prepare_request(
                requests.Request("GET", f"{api.url}/me", auth=renewable(grant))
            )
            for _ in range(3):
                assert session.send(prepared, timeout=10).status_code == 200
                api.tokens = set()
        assert statuses(api) == [200, 401, 200, 401, 200]

    def test_a_renewal_that_fails_says_why(self, api: ProtectedApi) -> None:
        """An error of the renewal reaches the caller: it says what to type, as the 401 would not."""
        with pytest.raises(InteractionRequired, match="requests-auth login work"):
            requests.get(f"{api.url}/me", auth=renewable(AskingGrant()), timeout=10)


class TestTogether:
    """Many that are refused at once make one renewal."""

    def test_twenty_threads(self, api: ProtectedApi) -> None:
        """Twenty requests refused at once share one fresh token, and none of them fails."""
        grant = CountingGrant(accept=lambda token: setattr(api, "tokens", {token}))
        auth = renewable(grant)
        auth.token()
        api.tokens = set()
        start = threading.Barrier(20)
        refused = threading.Barrier(20)

        def wait_for_the_others(response: requests.Response, **_: Any) -> None:
            refused.wait(timeout=30)

        def call() -> int:
            request = requests.Request("GET", f"{api.url}/me").prepare()
            request.register_hook("response", wait_for_the_others)
            start.wait(timeout=30)
            with requests.Session() as session:
                return session.send(auth(request), timeout=30).status_code

        with ThreadPoolExecutor(20) as pool:
            assert [done.result() for done in [pool.submit(call) for _ in range(20)]] == [200] * 20
        assert (grant.given, statuses(api)) == (2, [401] * 20 + [200] * 20)

    def test_a_composition_renews_the_one_that_can_be(self, api: ProtectedApi) -> None:
        """An API key beside a token stays as it is while the token is renewed."""
        api.tokens, grant = {"t2"}, CountingGrant()
        auth = key_in_header() + renewable(grant)
        assert requests.get(f"{api.url}/partner", auth=auth, timeout=10).status_code == 200
        assert [received.headers["X-API-Key"] for received in api.requests] == ["k3y", "k3y"]
        assert grant.given == 2

    def test_a_composition_of_two_that_can_be_renewed(self, api: ProtectedApi) -> None:
        """Both are renewed for the one request that follows, and the history tells of the refusal."""
        first, second = CountingGrant(), CountingGrant()
        auth = renewable(first) + renewable(second, name="other", header="X-Other")
        response = requests.get(f"{api.url}/me", auth=auth, timeout=10)
        assert [answer.status_code for answer in [*response.history, response]] == [401, 401]
        assert (first.given, second.given, api.count("me")) == (2, 2, 2)
        assert [received.headers["X-Other"] for received in api.requests] == ["Bearer t1", "Bearer t2"]


class TestTheCaller:
    """What the caller sees is as if the second request had been the only one, but for the history."""

    def test_history_elapsed_and_request(self, api: ProtectedApi) -> None:
        """The refusal is in the history, and time and request are those of the answer."""
        api.tokens = {"t2"}
        api.replies["me"] += [Reply(401), Reply(delay_seconds=0.3)]
        response = requests.get(f"{api.url}/me", auth=renewable(CountingGrant()), timeout=10)
        assert [refusal.status_code for refusal in response.history] == [401]
        assert response.request.headers["Authorization"] == "Bearer t2"
        assert response.elapsed.total_seconds() >= 0.3

    def test_the_history_tells_what_was_refused(self, api: ProtectedApi) -> None:
        """It has the request as it was sent, and no token that is good: others log and cache it."""
        api.tokens = {"t2"}
        response = requests.get(f"{api.url}/me", auth=renewable(CountingGrant()), timeout=10)
        assert [answer.request.headers["Authorization"] for answer in (*response.history, response)] == [
            *("Bearer t1", "Bearer t2")
        ]

    def test_a_hook_of_the_callers_own_runs_once(self, api: ProtectedApi) -> None:
        """It gets the answer that the caller gets, not the refusal."""
        api.tokens, seen = {"t2"}, []
        with requests.Session() as session:
            session.hooks["response"].append(lambda response, **_: seen.append(response.status_code))
            session.get(f"{api.url}/me", auth=renewable(CountingGrant()), timeout=10)
        requests.get(
            f"{api.url}/me",
            auth=renewable(CountingGrant()),
            hooks={"response": lambda response, **_: seen.append(response.status_code)},
            timeout=10,
        )
        assert seen == [200, 200]

    def test_a_streamed_answer_is_not_read(self, api: ProtectedApi) -> None:
        """`stream=True` holds for the second request too."""
        api.tokens = {"t2"}
        auth = renewable(CountingGrant())
        with requests.get(f"{api.url}/me", auth=auth, stream=True, timeout=10) as response:
            assert not response._content_consumed
            assert b"".join(response.iter_content(1)) == b'{"hello": "world", "by": ["bearer"]}'

    def test_a_refusal_that_stays_one_can_be_streamed(self, api: ProtectedApi) -> None:
        """A refusal that is given back for want of another token has not been read."""
        auth = key_in_header("old")
        with requests.get(f"{api.url}/key", auth=auth, stream=True, timeout=10) as response:
            assert response.raw.read() == b'{"error": "unauthorized"}'

    def test_a_refusal_that_breaks_off(self, api: ProtectedApi) -> None:
        """A refusal that is shorter than it says does not keep the second request from its answer."""
        api.tokens = {"t2"}
        api.replies["me"].append(Reply(401, {"Content-Length": "100"}, b"short"))
        response = requests.get(f"{api.url}/me", auth=renewable(CountingGrant()), timeout=10)
        assert response.status_code == 200

    def test_a_refusal_that_a_hook_has_read(self, api: ProtectedApi) -> None:
        """What a hook before ours took from the stream does not keep the second request from its answer."""
        api.tokens = {"t2"}
        request = requests.Request("GET", f"{api.url}/me").prepare()
        request.register_hook("response", lambda response, **_: list(response.iter_content()) and None)
        with requests.Session() as session:
            response = session.send(renewable(CountingGrant())(request), stream=True, timeout=10)
            assert response.json()["hello"] == "world"

    def test_cookies_of_a_refusal(self, api: ProtectedApi) -> None:
        """They go with the second request, in place of older ones, and into the session."""
        api.tokens = {"t2"}
        api.replies["me"].append(Reply(401, {"Set-Cookie": "node=2; Path=/"}))
        with requests.Session() as session:
            session.cookies.set("node", "1", domain="127.0.0.1", path="/")
            session.cookies.set("kept", "x", domain="127.0.0.1", path="/")
            session.get(f"{api.url}/me", auth=renewable(CountingGrant()), timeout=10)
            assert session.cookies["node"] == "2"
        assert [sorted(received.headers["Cookie"].split("; ")) for received in api.requests] == [
            ["kept=x", "node=1"],
            ["kept=x", "node=2"],
        ]

    def test_a_cookie_header_by_hand(self, api: ProtectedApi) -> None:
        """What the caller wrote into the Cookie header is sent both times."""
        api.tokens = {"t2"}
        api.replies["me"].append(Reply(401, {"Set-Cookie": "node=2; Path=/"}))
        headers = {"Cookie": "by=hand"}
        requests.get(f"{api.url}/me", auth=renewable(CountingGrant()), headers=headers, timeout=10)
        assert [received.headers["Cookie"] for received in api.requests] == ["by=hand"] * 2

    def test_a_request_that_never_saw_cookies(self, api: ProtectedApi) -> None:
        """A request put together by hand, without any cookie jar, is renewed too."""
        api.tokens = {"t2"}
        request = requests.PreparedRequest()
        request.prepare_method("GET")
        request.prepare_url(f"{api.url}/me", None)
        request.prepare_headers({})
        request.prepare_auth(renewable(CountingGrant()))
        with requests.Session() as session:
            assert session.send(request, timeout=10).status_code == 200


@contextmanager
def keeping_connections() -> Iterator[tuple[str, list[Any]]]:
    """A server that refuses tokens of odd numbers and keeps connections open, and the connections it has."""
    connections: list[Any] = []

    class Exchange(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            connections.append(self.client_address)

        def do_GET(self) -> None:
            number = int(self.headers["Authorization"].removeprefix("Bearer t"))
            self.send_response(401 if number % 2 else 200)
            self.send_header("Content-Length", "4000")
            self.end_headers()
            self.wfile.write(b"x" * 4000)

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Exchange) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/", connections
        finally:
            server.shutdown()
            thread.join()


def test_two_hundred_refusals_use_one_connection() -> None:
    """Each refusal gives its connection back, so that the request after it needs no new one."""
    auth = renewable(CountingGrant())
    with keeping_connections() as (url, connections), requests.Session() as session:
        for _ in range(200):
            with session.get(url, auth=auth, timeout=10) as response:
                assert response.status_code == 200
                assert len(response.content) == 4000
            auth.logout()
        assert len(connections) == 1


CHUNKED = b"HTTP/1.1 401 No\r\nTransfer-Encoding: chunked\r\n\r\n"
LONG = b"HTTP/1.1 401 No\r\nContent-Length: 1000000000\r\n\r\n"
SHORT = b"HTTP/1.1 401 No\r\nContent-Length: 60000\r\n\r\n"
UNTOLD = b"HTTP/1.1 401 No\r\n\r\n"


@pytest.mark.parametrize(
    ("refusal", "streamed"),
    [
        (endless(CHUNKED, b"4000\r\n" + b"x" * 0x4000 + b"\r\n"), False),
        (endless(UNTOLD, b"x" * 0x4000), False),
        (trickle(UNTOLD, b"x"), False),
        (trickle(CHUNKED, b"1\r\nx\r\n"), False),
        (trickle(LONG, b"x"), False),
        (trickle(SHORT, b"x"), True),
    ],
    ids=["chunks", "flood", "drops", "drops in chunks", "drops of much", "drops and a stream"],
)
def test_a_refusal_that_never_ends(refusal: Answer, streamed: bool) -> None:
    """It is cut, and the second request has its answer; where the caller reads a stream, in every case."""
    with RawServer(refusal, http(200, b"in")) as server, requests.Session() as session:
        auth = renewable(CountingGrant())
        response = session.get(server.url, auth=auth, stream=streamed, timeout=10)
        assert (response.status_code, response.content) == (200, b"in")
        assert server.left.wait(PATIENCE_SECONDS)


def test_a_failed_renewal_holds_no_connection() -> None:
    """Where the renewal fails, the refusal's connection is closed, not left to the garbage collector."""
    refusals: list[requests.Response] = []

    def note(response: requests.Response, **_: Any) -> None:
        refusals.append(response)

    with keeping_connections() as (url, _), requests.Session() as session:
        request = requests.Request("GET", url).prepare()
        request.register_hook("response", note)
        with pytest.raises(InteractionRequired):
            session.send(renewable(AskingGrant())(request), stream=True, timeout=10)
        assert refusals[0].raw.closed
