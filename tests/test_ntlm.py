"""NTLM: who is let in by a real Apache, on which connection, with which body, and who never gets to talk."""

import io
import logging
import pickle
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from apache import PATIENCE_SECONDS, Apache, came, running_apache
from auths import key_in_header, reach
from requests.adapters import HTTPAdapter
from requests.auth import HTTPBasicAuth
from requests_ntlm import HttpNtlmAuth
from wire import RawServer, http

from requests_auth_profiles import NTLM, HeaderApiKey, SupportMultiAuth
from requests_auth_profiles._auth import ProfileAuth
from requests_auth_profiles._credential import InHeader
from requests_auth_profiles._source import StaticSource
from requests_auth_profiles.errors import (
    AuthenticationFailed,
    CompositionConflict,
    ConfigurationError,
    HostNotAllowed,
)

PASSWORD = "wonderland"
OFFER = http(401, WWW_Authenticate="NTLM")
TYPE_1 = b"Authorization: NTLM "
TYPE_3 = "TlRMTVNTUAAD"


@pytest.fixture(scope="module")
def apache() -> Iterator[Apache]:
    """A running Apache."""
    with running_apache() as server:
        yield server


@pytest.fixture
def session() -> Iterator[requests.Session]:
    """A session with no connections yet."""
    with requests.Session() as fresh:
        yield fresh


@pytest.fixture
def alice() -> NTLM:
    """A user of Apache's."""
    return NTLM("alice", PASSWORD)


def statuses(response: requests.Response) -> list[int]:
    """All answers, the last one at the end."""
    return [answer.status_code for answer in (*response.history, response)]


class Crowded(HTTPAdapter):
    """Connections that somebody else gets hold of right before the last word of a talk."""

    def __init__(self, meddle: Callable[[requests.PreparedRequest], None]) -> None:
        super().__init__()
        self.meddle = meddle

    def send(self, request: requests.PreparedRequest, *args: Any, **how: Any) -> requests.Response:
        """Sends a request, behind what somebody else does where it has the last word."""
        if TYPE_3 in request.headers.get("Authorization", ""):
            self.meddle(request)
        return super().send(request, *args, **how)


class TestUser:
    """Who is let in."""

    @pytest.mark.parametrize(
        ("user", "password"), [("alice", PASSWORD), ("TESTDOM\\alice", PASSWORD), ("bob", "bü1lder")]
    )
    def test_the_right_password(self, apache: Apache, user: str, password: str) -> None:
        """A user is let in, with a domain or without, in the third round."""
        response = requests.get(apache.url, auth=NTLM(user, password), timeout=10)
        assert (statuses(response), came(response)[0]) == ([401, 401, 200], user)

    @pytest.mark.parametrize(
        ("user", "password"), [("alice", "wrong"), ("eve", PASSWORD), ("alice@TESTDOM", PASSWORD)]
    )
    def test_a_wrong_one(self, apache: Apache, user: str, password: str) -> None:
        """A wrong password or an unknown user is one try, and the server's own refusal, with its page."""
        response = requests.get(apache.url, auth=NTLM(user, password), timeout=10)
        assert (statuses(response), "Unauthorized" in response.text) == ([401, 401, 401], True)

    def test_by_keywords(self, apache: Apache) -> None:
        """The parameters have upstream's names."""
        auth = NTLM(username="alice", password=PASSWORD)
        assert requests.get(apache.url, auth=auth, timeout=10).status_code == 200

    def test_a_header_that_was_there(self, apache: Apache, alice: NTLM) -> None:
        """As with every auth, it counts, and not an Authorization that the request had."""
        response = requests.get(apache.url, auth=alice, headers={"Authorization": "Basic x"}, timeout=10)
        assert came(response)[0] == "alice"


class TestConnection:
    """What is let in is a connection, which is kept while it is good."""

    def test_the_second_request(self, apache: Apache, session: requests.Session, alice: NTLM) -> None:
        """It needs no round more."""
        session.auth = alice
        answers = [session.get(apache.url, timeout=10) for _ in range(3)]
        assert [statuses(answer) for answer in answers] == [[401, 401, 200], [200], [200]]

    @pytest.mark.parametrize("stream", [True, False])
    def test_after_a_failure(
        self, apache: Apache, session: requests.Session, alice: NTLM, stream: bool
    ) -> None:
        """The next try on the session is on a fresh connection and works, and the refusal can be read."""
        refused = session.get(apache.url, auth=NTLM("alice", "wrong"), stream=stream, timeout=10)
        right = session.get(apache.url, auth=alice, timeout=10)
        assert (statuses(right), "Unauthorized" in refused.text) == ([401, 401, 200], True)

    def test_after_somebody_elses_failure(
        self, apache: Apache, session: requests.Session, alice: NTLM
    ) -> None:
        """A connection that others left unusable is given up, and the talk starts anew."""
        session.get(apache.url, auth=HttpNtlmAuth("alice", "wrong"), timeout=10)
        right = session.get(apache.url, auth=alice, timeout=10)
        assert statuses(right) == [401, 401, 401, 401, 200]

    def test_many_threads(self, apache: Apache, session: requests.Session, alice: NTLM) -> None:
        """Threads that share a session get in, though one may take a connection from under another."""
        session.auth = alice

        def call(number: int) -> int:
            return session.post(apache.url, data=f"{number}\n" * 9, timeout=30).status_code

        with ThreadPoolExecutor(6) as pool:
            assert list(pool.map(call, range(60))) == [200] * 60

    @pytest.mark.parametrize(("password", "status"), [(PASSWORD, 200), ("wrong", 401)])
    def test_somebody_in_between(
        self, apache: Apache, session: requests.Session, password: str, status: int
    ) -> None:
        """A connection that others use in the middle of each talk keeps nobody out, and lets nobody in."""

        def meddle(request: requests.PreparedRequest) -> None:
            if "X-Other" not in request.headers:
                other = NTLM("bob", "bü1lder")
                session.get(apache.url, auth=other, headers={"X-Other": "yes"}, timeout=10)

        session.mount("http://", Crowded(meddle))
        response = session.post(apache.url, data="a=1", auth=NTLM("alice", password), timeout=30)
        assert response.status_code == status
        assert status == 401 or (came(response)[0], "a=1" in came(response)) == ("alice", True)

    def test_an_open_path(self, apache: Apache, alice: NTLM) -> None:
        """Where nobody asks who it is, nothing is said."""
        response = requests.get(apache.url.replace("/ntlm", "/open"), auth=alice, timeout=10)
        assert (statuses(response), came(response)[0]) == ([200], "")

    def test_a_redirect_on_the_server(self, apache: Apache, alice: NTLM) -> None:
        """The path that it leads to is asked for as the same user."""
        response = requests.get(f"{apache.url}/moved", auth=alice, timeout=10)
        assert (came(response)[0], response.url) == ("alice", f"{apache.url}/there")

    def test_the_log(self, apache: Apache, session: requests.Session, alice: NTLM) -> None:
        """All rounds go through one connection."""
        session.get(f"{apache.url}/log", auth=alice, timeout=10)
        expected = [f"{status} {number} GET /ntlm/log" for number, status in enumerate((401, 401, 200))]
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (found := [line for line in apache.log() if "/log" in line]) != expected:
            assert time.monotonic() < deadline, found
            time.sleep(0.02)


class TestBody:
    """What is sent arrives whole, though it is sent three times."""

    @pytest.mark.parametrize("kind", ["text", "bytes", "form", "file", "files"])
    def test_it_arrives(self, apache: Apache, session: requests.Session, alice: NTLM, kind: str) -> None:
        """Whatever form it has."""
        body = {
            "text": {"data": "a=1"},
            "bytes": {"data": b"a=1"},
            "form": {"data": {"a": "1"}},
            "file": {"data": io.BytesIO(b"a=1")},
            "files": {"files": {"f": io.BytesIO(b"a=1")}},
        }[kind]
        first, second = (session.post(apache.url, auth=alice, timeout=10, **body) for _ in range(2))
        assert "a=1" in came(first)
        assert statuses(second) == [200]

    def test_the_rest_of_a_file(self, apache: Apache, alice: NTLM) -> None:
        """A file is sent from where it was, each time."""
        file = io.BytesIO(b"head\nrest\n")
        file.seek(5)
        assert came(requests.put(apache.url, data=file, auth=alice, timeout=10))[3:] == ["rest"]

    def test_what_can_be_sent_once(self, apache: Apache, alice: NTLM) -> None:
        """A generator is not sent in halves: the refusal is the answer."""
        response = requests.post(apache.url, data=(part for part in [b"a", b"b"]), auth=alice, timeout=10)
        assert statuses(response) == [401]

    def test_cookies(self, apache: Apache, session: requests.Session, alice: NTLM) -> None:
        """A cookie that comes with a challenge goes along, without what it is only meant to say to us."""
        session.cookies.set("mine", "1")
        answer = session.get(f"{apache.url}/cookie", auth=alice, timeout=10)
        assert sorted(came(answer)[2].split("; ")) == ["mine=1", "seen=yes"]
        assert session.cookies["seen"] == "yes"

    def test_a_streamed_answer(self, apache: Apache, alice: NTLM) -> None:
        """What is streamed is still to be read when the caller gets it."""
        response = requests.post(apache.url, data="a=1", auth=alice, stream=True, timeout=10)
        assert response.raw.read().endswith(b"a=1")

    def test_an_answer_that_was_read(self, apache: Apache, alice: NTLM) -> None:
        """A hook that reads the refusal before us does no harm."""

        def reading(request: requests.PreparedRequest) -> requests.PreparedRequest:
            request.register_hook("response", lambda response, **_: response.content and None)
            return request

        assert requests.get(apache.url, auth=reading + alice, timeout=10).status_code == 200


class TestReach:
    """No word of the talk goes to where it may not go: what was said there could be used elsewhere."""

    @pytest.mark.parametrize("url", ["http://intranet.acme.com/", "http://10.0.0.1/"])
    def test_plain_http(self, alice: NTLM, url: str) -> None:
        """It is https, or this machine."""
        with pytest.raises(HostNotAllowed, match=r"^NTLM does not go to http://"):
            requests.get(url, auth=alice, timeout=10)

    @pytest.mark.parametrize("url", ["https://intranet.acme.com/", "http://localhost:1/", "http://[::1]:1/"])
    def test_where_it_goes(self, alice: NTLM, url: str) -> None:
        """Nothing is said before somebody asks."""
        request = requests.Request("GET", url, auth=alice).prepare()
        assert "Authorization" not in request.headers

    def test_a_redirect_to_another_server(self, apache: Apache, alice: NTLM) -> None:
        """One that offers NTLM too gets no word."""
        with RawServer(OFFER) as other:
            response = requests.get(f"{apache.url}/away/{other.port}", auth=alice, timeout=10)
        assert statuses(response)[-1] == 401
        assert len(other.requests) == 1
        assert TYPE_1 not in other.requests[0]


class TestOddServers:
    """Servers that do not speak as they should."""

    @pytest.mark.parametrize("challenge", ["NTLM AAAA", "NTLM A", "NTLM TlRMTVNTUAACAAAA"])
    def test_a_challenge_that_is_none(self, challenge: str) -> None:
        """The error names the server, and nothing that it holds is secret."""
        with (
            RawServer(OFFER, http(401, WWW_Authenticate=challenge)) as server,
            pytest.raises(AuthenticationFailed, match=rf"127\.0\.0\.1:{server.port} does not") as caught,
        ):
            requests.get(server.url, auth=NTLM("alice", PASSWORD), timeout=10)
        shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
        assert (PASSWORD in "".join(shown.format()), caught.value.__context__) == (False, None)

    def test_it_never_gets_further(self) -> None:
        """A server that goes on offering is asked a few times, and its refusal is the answer."""
        with RawServer(OFFER) as server:
            response = requests.get(server.url, auth=NTLM("alice", PASSWORD), timeout=10)
        assert response.status_code == 401
        assert len(server.requests) < 12

    @pytest.mark.parametrize("status", [200, 403, 503])
    def test_another_answer_in_between(self, status: int) -> None:
        """It is the answer."""
        with RawServer(OFFER, http(status, b"enough")) as server:
            response = requests.get(server.url, auth=NTLM("alice", PASSWORD), timeout=10)
        assert (statuses(response), response.text) == ([401, status], "enough")
        assert TYPE_1 in server.requests[1]

    @pytest.mark.parametrize(
        "offer", ['Basic realm="NTLM, or else"', "Bearer", 'Digest realm="x", nonce="n"']
    )
    def test_no_offer(self, offer: str) -> None:
        """Where another authentication is asked for, nothing is said."""
        with RawServer(http(401, WWW_Authenticate=offer)) as server:
            response = requests.get(server.url, auth=NTLM("alice", PASSWORD), timeout=10)
        assert statuses(response) == [401]

    def test_a_proxy_that_asks(self) -> None:
        """The user is the server's, and is not told to a proxy."""
        with RawServer(http(407, Proxy_Authenticate="NTLM")) as server:
            response = requests.get(server.url, auth=NTLM("alice", PASSWORD), timeout=10)
        assert statuses(response) == [407]


class TestComposition:
    """Beside others."""

    @pytest.mark.parametrize("operator", ["+", "&"])
    @pytest.mark.parametrize("other", [HeaderApiKey("k3y"), key_in_header()], ids=["class", "profile"])
    @pytest.mark.parametrize("order", [1, -1])
    def test_an_api_key(
        self, apache: Apache, alice: NTLM, other: SupportMultiAuth, operator: str, order: int
    ) -> None:
        """Both are there, with either sign and in either order."""
        one, two = [alice, other][::order]
        both = one + two if operator == "+" else one & two
        assert came(requests.get(apache.url, auth=both, timeout=10))[:2] == ["alice", "k3y"]

    @pytest.mark.parametrize("other", [HTTPBasicAuth("ada", "x"), ("ada", "x"), NTLM("bob", "x")])
    def test_the_same_header(self, alice: NTLM, other: object) -> None:
        """Two that answer for one person are refused by name."""
        with pytest.raises(CompositionConflict, match=r"NTLM and .* both write the header Authorization"):
            _ = alice + other

    def test_no_secret_is_asked_for_where_it_may_not_go(self, alice: NTLM) -> None:
        """All members look at the URL first, so that the other one's secret is not looked up."""

        def secret() -> str:
            raise AssertionError("the secret was looked up")

        where = reach("gateway", allow_http=True)
        key = ProfileAuth(where, InHeader("X-API-Key", "{token}", StaticSource(secret)))
        with pytest.raises(HostNotAllowed, match=r"^NTLM "):
            requests.get("http://intranet.acme.com/", auth=key + alice, timeout=10)


class TestSecrecy:
    """The password is nowhere to be seen."""

    def test_logs(self, apache: Apache, caplog: pytest.LogCaptureFixture) -> None:
        """At no level, for the right one or a wrong one."""
        caplog.set_level(logging.DEBUG)
        for password in (PASSWORD, "f0rgotten"):
            requests.get(apache.url, auth=NTLM("alice", password), timeout=10)
        assert caplog.text
        assert PASSWORD not in caplog.text
        assert "f0rgotten" not in caplog.text

    def test_representations(self, alice: NTLM) -> None:
        """Neither in a repr nor in what is kept of it."""
        request = requests.Request("GET", "https://intranet.acme.com/", auth=alice).prepare()
        credential = alice.credential
        said = [repr(alice), str(alice), str(vars(alice)), repr(credential), str(vars(request))]
        assert PASSWORD not in "".join([*said, repr(credential.source)])

    def test_pickle(self, alice: NTLM) -> None:
        """It is not pickled, and neither is a request that it signed."""
        with pytest.raises(TypeError, match="not pickled"):
            pickle.dumps(alice)
        with pytest.raises(TypeError, match="not pickled"):
            pickle.dumps(requests.Request("GET", "https://intranet.acme.com/", auth=alice).prepare())

    def test_no_server(self) -> None:
        """An error of the connection shows none, nor do the variables on its way."""
        with RawServer(OFFER, b"") as server, pytest.raises(requests.ConnectionError) as caught:
            requests.get(server.url, auth=NTLM("alice", "f0rg" + "otten"), timeout=10)
        shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
        assert "f0rgotten" not in "".join(shown.format())

    def test_it_is_no_token(self, alice: NTLM) -> None:
        """It has no token, and no header to give to another client."""
        with pytest.raises(ConfigurationError, match="NTLM has no token"):
            alice.token()
        with pytest.raises(ConfigurationError, match="NTLM has no token"):
            alice.headers("https://intranet.acme.com/")


class TestWithoutUser:
    """Who is signed in to Windows."""

    @pytest.mark.platform("linux", "darwin")
    @pytest.mark.parametrize("arguments", [(), (None, None), ("", "")])
    def test_elsewhere(self, arguments: tuple[str, ...]) -> None:
        """Said at once, with what to write instead."""
        with pytest.raises(ConfigurationError, match="for Windows") as caught:
            NTLM(*arguments)
        assert "password" in caught.value.hint

    @pytest.mark.parametrize(("arguments", "missing"), [(("alice",), "password"), ((None, "x"), "username")])
    def test_one_of_both(self, arguments: tuple[str, ...], missing: str) -> None:
        """What is missing is named."""
        with pytest.raises(ConfigurationError, match=f"{missing} is mandatory"):
            NTLM(*arguments)

    def test_characters_that_are_no_text(self, apache: Apache) -> None:
        """A password that cannot be sent is an error of ours, without it."""
        with pytest.raises(ConfigurationError, match="not UTF-8"):
            requests.get(apache.url, auth=NTLM("alice", "w\ud800"), timeout=10)
