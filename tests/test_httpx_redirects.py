"""What we add to a request of httpx stays with its origin, through every kind of redirect."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.parse import quote, urlencode

import anyio
import httpx
import pytest
from auths import CountingGrant, key_in_header, key_in_query, renewable
from httpx_clients import Call

from requests_auth_profiles import _auth
from requests_auth_profiles.errors import HostNotAllowed
from requests_auth_profiles.httpx import ProfileAuth
from requests_auth_profiles.testing import ProtectedApi, Received, Reply

every_kind = pytest.mark.parametrize("kind", ["authorization", "header", "query", "all"])
TOKEN = "canary-k3y"


def auth_of(kind: str, hosts: Sequence[str] = ()) -> ProfileAuth:
    """A credential in the header that httpx knows, in another one, in the query; or all three."""
    kinds: dict[str, _auth.ProfileAuth] = {
        "authorization": key_in_header(TOKEN, name="token", header="Authorization", hosts=hosts),
        "header": key_in_header(TOKEN, hosts=hosts),
        "query": key_in_query(TOKEN, hosts=hosts),
    }
    together = kinds["authorization"] + kinds["header"] + kinds["query"]
    return ProfileAuth(together if kind == "all" else kinds[kind])


@pytest.fixture
def api() -> Iterator[ProtectedApi]:
    """The origin that the credential is for."""
    with ProtectedApi(api_keys={TOKEN}) as api:
        yield api


@pytest.fixture
def other() -> Iterator[ProtectedApi]:
    """Another origin: another port."""
    with ProtectedApi() as api:
        yield api


def chain(*urls: str) -> str:
    """A URL that redirects from each of these to the next."""
    *before, target = urls
    for url in reversed(before):
        target = f"{url}/redirect?{urlencode({'to': target})}"
    return target


def carries(received: Received, kind: str) -> bool:
    """Whether a request carries all that is ours; fails where it has only some of it."""
    found = {
        "authorization": received.headers.get("Authorization") == TOKEN,
        "header": received.headers.get("X-API-Key") == TOKEN,
        "query": ("api_key", TOKEN) in received.arguments,
    }
    wanted = set(found) if kind == "all" else {kind}
    there = {name for name, is_there in found.items() if is_there}
    assert there in (set(), wanted)
    return bool(there)


@every_kind
def test_the_same_origin_keeps_it(call: Call, api: ProtectedApi, kind: str) -> None:
    """The answer that counts is that to a request with the credential; the redirect is in the history."""
    url = chain(api.url, api.url, f"{api.url}/echo")
    answer = call(auth_of(kind), "GET", url, follow_redirects=True)
    assert [one.status_code for one in (*answer.history, answer)] == [302, 302, 200]
    assert all(carries(received, kind) for received in (api.requests[0], api.requests[-1]))
    assert str(answer.url).startswith(f"{api.url}/echo")


@every_kind
def test_another_origin_gets_nothing_and_back_again_stays_without(
    call: Call, api: ProtectedApi, other: ProtectedApi, kind: str
) -> None:
    """Nothing of ours arrives at another port, nor at the first one when that sends the client back."""
    url = chain(api.url, other.url, f"{api.url}/echo")
    assert call(auth_of(kind), "GET", url, follow_redirects=True).status_code == 200
    assert [carries(received, kind) for received in api.requests] == [True, False]
    assert [TOKEN in repr(received) for received in other.requests] == [False]


@every_kind
def test_the_same_origin_beyond_its_hosts_gets_nothing(call: Call, api: ProtectedApi, kind: str) -> None:
    """A redirect on one origin, out of the path that the profile's `hosts` name, goes without."""
    auth = auth_of(kind, [f"{api.url}/redirect"])
    call(auth, "GET", chain(api.url, f"{api.url}/echo"), follow_redirects=True)
    assert [carries(received, kind) for received in api.requests] == [True, False]


@every_kind
@pytest.mark.parametrize("status", [303, 307])
def test_a_post_arrives_once_with_its_credential(
    call: Call, api: ProtectedApi, kind: str, status: int
) -> None:
    """After a redirect of a POST, with its body or as a GET, what is guarded lets the request in once."""
    path = "key" if kind != "authorization" else "echo"
    url = f"{api.url}/redirect?{urlencode({'to': f'{api.url}/{path}', 'status': status})}"
    answer = call(auth_of(kind), "POST", url, content=b"body", follow_redirects=True)
    assert answer.status_code == 200
    let_in = [one for one in api.requests if one.status == 200]
    assert [(one.method, one.body) for one in let_in] == [
        ("POST", b"body") if status == 307 else ("GET", b"")
    ]


def test_what_was_done_without_it_is_not_done_twice(call: Call, api: ProtectedApi) -> None:
    """A POST that a redirect left without its key, and that was let in all the same, is not sent again."""
    url = f"{api.url}/redirect?{urlencode({'to': f'{api.url}/echo', 'status': 307})}"
    assert call(auth_of("header"), "POST", url, content=b"body", follow_redirects=True).status_code == 200
    assert [received.path for received in api.requests] == ["/redirect", "/echo"]


@pytest.mark.parametrize("form", [f"api_key={TOKEN}", quote(f"/key?api_key={TOKEN}", safe=""), f"x={TOKEN}"])
def test_a_server_that_copies_the_key_gives_it_to_nobody(
    call: Call, api: ProtectedApi, other: ProtectedApi, form: str
) -> None:
    """A key in the query that the server has put in the address of another origin does not get there."""
    api.replies["key"].append(Reply(302, {"Location": f"{other.url}/echo?{form}"}))
    with pytest.raises(HostNotAllowed, match="redirects to another origin with the key") as caught:
        call(auth_of("query"), "GET", f"{api.url}/key", follow_redirects=True)
    assert other.requests == []
    assert TOKEN not in str(caught.value)


def test_a_server_that_copies_the_key_on_its_own_origin_gets_it_once(call: Call, api: ProtectedApi) -> None:
    """Where the address on the same origin has the key already, it is not appended."""
    api.replies["key"].append(Reply(302, {"Location": f"{api.url}/echo?api_key={TOKEN}"}))
    call(auth_of("query"), "GET", f"{api.url}/key", follow_redirects=True)
    assert [received.query for received in api.requests] == [f"api_key={TOKEN}"] * 2


def test_the_trace_of_the_caller_is_called(api: ProtectedApi) -> None:
    """A caller's own `trace` sees what it would see without us, with a key in the query too."""
    seen: dict[str, list[str]] = {"with": [], "without": []}

    async def looped() -> None:
        async def trace(event: str, _: Any) -> None:
            seen["loop"] = [*seen.get("loop", []), event]

        async with httpx.AsyncClient(auth=auth_of("query"), trust_env=False) as client:
            await client.get(f"{api.url}/key", extensions={"trace": trace})

    def tracing(name: str) -> Callable[[str, Any], None]:
        return lambda event, _: seen[name].append(event)

    for name, auth in {"with": auth_of("query"), "without": None}.items():
        with httpx.Client(auth=auth, trust_env=False) as client:
            client.get(f"{api.url}/key", extensions={"trace": tracing(name)})
    anyio.run(looped)
    assert seen["with"] == seen["without"] != []
    assert seen["loop"] == seen["with"]


def test_a_redirect_that_is_not_followed_is_the_answer(call: Call, api: ProtectedApi) -> None:
    """As httpx does by default, the redirect is the answer, and what would follow has no key of ours."""
    answer = call(auth_of("all"), "GET", chain(api.url, f"{api.url}/echo"))
    assert answer.status_code == 302
    assert answer.next_request is not None
    assert "X-API-Key" not in answer.next_request.headers
    assert TOKEN not in str(answer.next_request.url)


def test_the_next_request_can_be_sent(api: ProtectedApi) -> None:
    """What follows a redirect, sent by the caller, is signed like any other request."""
    with httpx.Client(auth=auth_of("all")) as client:
        answer = client.get(chain(api.url, f"{api.url}/echo"))
        assert answer.next_request is not None
        client.send(answer.next_request)
    assert [carries(received, "all") for received in api.requests] == [True, True]


def test_a_token_that_is_refused_behind_a_redirect_is_renewed(call: Call, api: ProtectedApi) -> None:
    """A 401 at the end of redirects on one origin costs one renewal; all answers are in the history."""
    grant = CountingGrant(lambda token: api.tokens.add(token) if token == "t2" else None)
    for header, path in {"Authorization": "me", "X-Token": "echo"}.items():
        if header == "X-Token":
            api.replies["echo"] += [Reply(401), Reply(401)]  # without the token, and with the first one
        auth = ProfileAuth(renewable(grant, header=header))
        answer = call(auth, "GET", chain(api.url, f"{api.url}/{path}"), follow_redirects=True)
        assert [one.status_code for one in (*answer.history, answer)] == [302, 401, 200]
    assert grant.given == 4


def test_a_refusal_of_another_origin_renews_nothing(
    call: Call, api: ProtectedApi, other: ProtectedApi
) -> None:
    """A 401 from where nothing of ours went is the answer, and the token stays."""
    grant = CountingGrant()
    auth = ProfileAuth(renewable(grant))
    answer = call(auth, "GET", chain(api.url, f"{other.url}/me"), follow_redirects=True)
    assert (answer.status_code, grant.given, len(other.requests)) == (401, 1, 1)


def test_redirects_without_end_are_the_clients_error(call: Call, api: ProtectedApi) -> None:
    """An origin that redirects to itself for ever ends as httpx has it."""
    api.replies["key"] += [Reply(302, {"Location": f"{api.url}/key"})] * 100
    with pytest.raises(httpx.TooManyRedirects):
        call(auth_of("header"), "GET", f"{api.url}/key", follow_redirects=True)
