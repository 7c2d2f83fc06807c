"""Profiles in httpx, sync and on both event loops: what is sent, and where it may go."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from auths import CountingGrant, key_in_header, key_in_query, renewable, unasked
from conftest import RunProgram
from httpx_clients import Call
from hypothesis import given, settings
from hypothesis import strategies as st
from profiles_file import written

from requests_auth_profiles import HeaderApiKey, by_host
from requests_auth_profiles.errors import ConfigurationError, HostNotAllowed, ProfileNotFound
from requests_auth_profiles.httpx import ProfileAuth
from requests_auth_profiles.testing import ProtectedApi, Reply

PROFILES = """
[profiles.me]
flow = "bearer"
token = "t0ken"
hosts = ["{api}"]

[profiles.gateway]
flow = "api-key"
api_key = "k3y"
hosts = ["{api}"]

[profiles.legacy]
flow = "api-key"
api_key = "k3y"
in = "query"

[profiles.ada]
flow = "basic"
username = "ada"
password = "pass:wörd"

[profiles.partner]
compose = ["gateway", "me"]

[profiles.domain]
flow = "ntlm"
username = "ada"
password = "w0rd"

[profiles.digest]
flow = "class"
class = "requests.auth:HTTPDigestAuth"
args = ["ada", "w0rd"]

[profiles.mixed]
compose = ["gateway", "digest"]
"""


@pytest.fixture(scope="module")
def api() -> Iterator[ProtectedApi]:
    with ProtectedApi(tokens={"t0ken", "t2"}, api_keys={"k3y"}, users={"ada": "pass:wörd"}) as api:
        yield api


@pytest.fixture
def file(home: Path, api: ProtectedApi) -> Path:
    """A profiles file for that API."""
    return written(home, PROFILES.format(api=urlsplit(api.url).netloc))


@pytest.mark.parametrize(
    ("name", "path"),
    [("me", "me"), ("gateway", "key"), ("legacy", "key"), ("ada", "basic"), ("partner", "partner")],
)
def test_each_kind_of_profile_is_let_in(
    call: Call, api: ProtectedApi, file: Path, name: str, path: str
) -> None:
    """A token, a key in the header or the query, a user and a composition: the API takes what is sent."""
    answer = call(ProfileAuth(name, file=file), "GET", f"{api.url}/{path}")
    assert (answer.status_code, answer.history) == (200, [])


def test_auths_of_requests_are_taken_too(call: Call, api: ProtectedApi, file: Path) -> None:
    """A class of requests_auth, added to a profile, signs requests of httpx."""
    from requests_auth_profiles import profile

    auth = ProfileAuth(HeaderApiKey("k3y") + profile("me", file=file))
    assert call(auth, "GET", f"{api.url}/partner").status_code == 200


def test_the_host_picks_the_profile(call: Call, file: Path, home: Path) -> None:
    """With `by_host()` a request gets the profile for its URL, and one that none is for gets nothing."""
    with ProtectedApi(api_keys={"k3y"}) as one, ProtectedApi() as other:
        where = urlsplit(one.url).netloc
        path = written(home, f'[profiles.a]\nflow = "api-key"\napi_key = "k3y"\nhosts = ["{where}"]\n')
        auth = ProfileAuth(by_host(file=path))
        assert call(auth, "GET", f"{one.url}/key").status_code == 200
        assert call(auth, "GET", f"{other.url}/key").status_code == 401
        assert "X-API-Key" not in other.requests[-1].headers


@pytest.mark.parametrize("name", ["domain", "digest", "mixed"])
def test_what_only_requests_can_do_is_told_at_once(file: Path, name: str) -> None:
    """Flows `ntlm` and `class` are refused when the auth is made, with the profile's name and what to do."""
    with pytest.raises(ConfigurationError, match="cannot be used with httpx") as caught:
        ProfileAuth(name, file=file)
    assert caught.value.hint == f"use it as auth=profile('{name.replace('mixed', 'digest')}') of requests"


def test_an_auth_of_somebody_else_is_refused(file: Path) -> None:
    """A composition with an auth that is not ours is refused when it is made."""
    from requests_auth_profiles import profile

    with pytest.raises(ConfigurationError, match="HTTPBasicAuth, which only requests can use"):
        ProfileAuth(("ada", "w0rd") & profile("gateway", file=file))


def test_a_name_that_is_none_is_told_at_once(file: Path) -> None:
    """A profile that is not there is an error when the auth is made."""
    with pytest.raises(ProfileNotFound):
        ProfileAuth("mee", file=file)


@pytest.mark.parametrize("url", ["https://other.example/me", "http://api.acme.com/me"])
def test_another_host_and_plain_http_are_refused(call: Call, url: str) -> None:
    """The error comes before any token is asked for, and nothing is sent."""
    with pytest.raises(HostNotAllowed):
        call(ProfileAuth(unasked(hosts=["api.acme.com"])), "GET", url)


def test_no_member_is_asked_where_one_may_not_go(call: Call) -> None:
    """Of a composition, no token is asked for where one of its members may not go."""
    auth = unasked(hosts=["api.acme.com"]) + key_in_header(hosts=["gateway.acme.com"])
    with pytest.raises(HostNotAllowed, match="gateway"):
        call(ProfileAuth(auth), "GET", "https://api.acme.com/me")


def test_the_callers_request_is_left_as_it_is(api: ProtectedApi) -> None:
    """A request that was built can be sent twice: nothing of ours stays on it."""
    with httpx.Client(auth=ProfileAuth(key_in_query() + key_in_header("h3ader", header="X-Key"))) as client:
        request = client.build_request("POST", f"{api.url}/key", content=b"body", headers={"X-Mine": "1"})
        url, headers = request.url, request.headers.copy()
        answers = [client.send(request), client.send(request)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert (request.url, request.headers) == (url, headers)
    assert [received.query for received in api.requests[-2:]] == ["api_key=k3y"] * 2
    assert answers[0].request.content == b"body"


def test_a_hook_sees_and_changes_what_is_sent(api: ProtectedApi) -> None:
    """What a client's own hook reads, sets and takes off counts, with a credential in a header of its own."""
    seen: list[Any] = []

    def hook(request: httpx.Request) -> None:
        seen.append(request.headers["X-API-Key"])
        seen.append("x-api-key" in request.headers and "x-api-key" in request.headers.keys())  # noqa: SIM118
        seen.append(len(request.headers) == len(request.headers.multi_items()))
        seen.append(request.headers.get_list("X-API-Key") == ["k3y"] and "k3y" in request.headers.values())
        request.headers["X-Mine"] = "1"
        del request.headers["User-Agent"], request.headers["X-API-Key"]

    with httpx.Client(auth=ProfileAuth(key_in_header()), event_hooks={"request": [hook]}) as client:
        assert client.get(f"{api.url}/key").status_code == 401
    assert seen[:4] == ["k3y", True, True, True]
    received = api.requests[0 - 1]
    assert received.headers["X-Mine"] == "1"
    assert not {"User-Agent", "X-API-Key"} & {*received.headers}


def test_what_goes_out_is_the_same_as_with_requests(api: ProtectedApi) -> None:
    """A key that is no ASCII is sent in the bytes that requests sends."""
    import requests

    auth = key_in_header("ké\xff")
    requests.get(f"{api.url}/echo", auth=auth, timeout=10)
    httpx.get(f"{api.url}/echo", auth=ProfileAuth(auth))
    by_requests, by_httpx = (received.headers["X-API-Key"] for received in api.requests[-2:])
    assert by_httpx == by_requests == "ké\xff"


targets = st.text(st.sampled_from("ab09%2Fc3+;&=?/ .~'é\"<>[]{}|^`*!$(),:@-_"), max_size=30)


@settings(deadline=None, max_examples=300)
@given(targets, targets)
def test_a_key_in_the_query_is_appended_to_what_is_there(path: str, query: str) -> None:
    """Every byte that httpx would send without us stays as it is."""
    sent: list[bytes] = []

    def handler(request: httpx.Request) -> httpx.Response:
        sent.append(request.url.raw_path)
        return httpx.Response(200)

    url = f"http://127.0.0.1/{path.replace('?', '')}?{query}"
    with httpx.Client(transport=httpx.MockTransport(handler), trust_env=False) as client:
        client.get(url)
        client.get(url, auth=ProfileAuth(key_in_query("k 3y")))
    _, asked, before = sent[0].partition(b"?")
    mark = b"?" if not asked else b"" if not before or before.endswith(b"&") else b"&"
    assert sent[1] == sent[0] + mark + b"api_key=k%203y"


def test_a_key_in_the_query_is_in_no_log(
    call: Call, api: ProtectedApi, caplog: pytest.LogCaptureFixture
) -> None:
    """What httpx and httpcore log of a request does not show the key, whatever their level."""
    caplog.set_level(logging.DEBUG)
    call(ProfileAuth(key_in_query("canary-k3y")), "GET", f"{api.url}/key?a=b")
    assert "/key?a=b&api_key=***" in caplog.text
    assert "canary" not in caplog.text


def test_no_secret_in_its_repr(file: Path) -> None:
    """A debugger shows which profile it is, and no more."""
    assert repr(ProfileAuth("gateway", file=file)) == (
        "<httpx.ProfileAuth of <ProfileAuth 'gateway': header X-Api-Key>>"
    )


def test_a_token_that_cannot_be_had_is_the_callers_error(call: Call, home: Path) -> None:
    """What a request of requests would raise comes through httpx as it is."""
    path = written(home, '[profiles.a]\nflow = "bearer"\ntoken = { env = "NOT_SET" }\n')
    with pytest.raises(ConfigurationError, match="NOT_SET"):
        call(ProfileAuth("a", file=path), "GET", "https://api.acme.com/me")


def test_a_refused_token_is_renewed_once(call: Call, api: ProtectedApi) -> None:
    """A 401 costs one renewal and one more request, with the body again; the refusal is in the history."""
    grant = CountingGrant()
    answer = call(ProfileAuth(renewable(grant)), "POST", f"{api.url}/me", content=b"body")
    assert (answer.status_code, [one.status_code for one in answer.history]) == (200, [401])
    assert grant.given == 2
    assert [received.body for received in api.requests[-2:]] == [b"body", b"body"]


def test_an_api_that_refuses_all_costs_two_requests(call: Call) -> None:
    """An API that always says 401 is asked twice, for one renewal, and its answer is the caller's."""
    with ProtectedApi() as api:
        grant = CountingGrant()
        answer = call(ProfileAuth(renewable(grant)), "GET", f"{api.url}/me")
        assert (answer.status_code, len(api.requests), grant.given) == (401, 2, 2)


@pytest.mark.parametrize(
    ("status", "challenge"),
    [(403, "Bearer"), (401, 'Bearer error="insufficient_scope"')],
)
def test_what_another_token_does_not_help_is_not_repeated(
    call: Call, api: ProtectedApi, status: int, challenge: str
) -> None:
    """A 403, and a token with too little scope, are the caller's answer at once."""
    grant = CountingGrant()
    api.replies["me"].append(Reply(status, {"WWW-Authenticate": challenge}))
    assert call(ProfileAuth(renewable(grant)), "GET", f"{api.url}/me").status_code == status
    assert grant.given == 1


def test_a_form_with_files_is_sent_again(call: Call, api: ProtectedApi, tmp_path: Path) -> None:
    """A multipart body with a file and text is the same in both requests."""
    path = tmp_path / "file"
    path.write_bytes(b"content")
    with path.open("rb") as file:
        answer = call(
            ProfileAuth(renewable(CountingGrant())),
            "POST",
            f"{api.url}/me",
            files={"f": file, "g": b"bytes"},
            data={"a": "b"},
        )
    first, second = (received.body for received in api.requests[-2:])
    assert (answer.status_code, first == second, b"content" in second) == (200, True, True)


def test_a_generator_is_not_sent_again(api: ProtectedApi) -> None:
    """Where the body is gone, the 401 is the answer, and the token stays."""
    grant = CountingGrant()
    answer = httpx.post(f"{api.url}/me", content=iter([b"a", b"b"]), auth=ProfileAuth(renewable(grant)))
    assert (answer.status_code, grant.given, api.requests[-1].body) == (401, 1, b"ab")


def test_cookies_of_a_refusal_go_along(call: Call, api: ProtectedApi) -> None:
    """What the 401 sets as a cookie is sent with the next request."""
    api.replies["me"].append(Reply(401, {"Set-Cookie": "seen=1", "WWW-Authenticate": "Bearer"}))
    call(ProfileAuth(renewable(CountingGrant())), "GET", f"{api.url}/me")
    assert api.requests[-1].headers["Cookie"] == "seen=1"


def test_without_httpx_the_extra_is_named(run_python: RunProgram) -> None:
    """Where httpx is not installed, the import says what to install."""
    program = "import sys; sys.modules['httpx'] = None; import requests_auth_profiles.httpx"
    said = run_python("-c", program).stderr
    assert said.endswith("needs httpx: pip install 'requests-auth-profiles[httpx]'\n")
    assert "During handling" not in said
