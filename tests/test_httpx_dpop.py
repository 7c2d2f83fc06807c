"""Tokens that are bound to a key, in httpx: each request has a proof of its own (RFC 9449 section 7)."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from httpx_clients import Call
from profiles_file import written
from proofs import Binding, BoundApi, Verifier

from requests_auth_profiles import profile
from requests_auth_profiles.httpx import ProfileAuth
from requests_auth_profiles.testing import ProtectedApi, Reply

PROFILES = """
[profiles.work]
flow = "client-credentials"
token_url = "{url}"
client_id = "nightly"
client_secret = "s3cr3t"
dpop = true

[profiles.key]
flow = "api-key"
api_key = "k3y"
"""
REFUSED_PROOF = Reply(401, {"WWW-Authenticate": 'DPoP error="invalid_dpop_proof"'})


@pytest.fixture(scope="module")
def binding() -> Iterator[Binding]:
    """A provider that binds its tokens."""
    with Binding() as server:
        yield server
        assert server.wrong == []


@pytest.fixture
def api(binding: Binding) -> Iterator[BoundApi]:
    """An API that takes them, with a proof each."""
    with BoundApi(binding.bound) as server:
        yield server


@pytest.fixture
def auth(binding: Binding, home: Path, monkeypatch: pytest.MonkeyPatch) -> ProfileAuth:
    """The profile whose tokens are bound, and stay in memory."""
    monkeypatch.setenv("REQUESTS_AUTH_STORE", "memory:")
    file = written(home, PROFILES.format(url=binding.token_url))
    monkeypatch.setenv("REQUESTS_AUTH_PROFILES_FILE", str(file))
    return ProfileAuth("work")


def statuses(answer: httpx.Response) -> list[int]:
    return [one.status_code for one in (*answer.history, answer)]


def test_each_request_has_a_proof_of_its_own(call: Call, api: BoundApi, auth: ProfileAuth) -> None:
    """It is for this method and URL, and never comes twice."""
    for method in ("GET", "POST", "DELETE"):
        assert statuses(call(auth, method, f"{api.url}/me?q=1")) == [200]
    assert (api.wrong, len(api.verifier.seen)) == ([], 3)


def test_beside_a_key(call: Call, api: BoundApi, auth: ProfileAuth) -> None:
    """A composition has both headers of the token, and the key's."""
    answer = call(ProfileAuth(profile("work") + profile("key")), "GET", f"{api.url}/me")
    assert (answer.status_code, api.requests[-1].headers["X-API-Key"]) == (200, "k3y")


def test_a_nonce_is_told_once(call: Call, api: BoundApi, auth: ProfileAuth, binding: Binding) -> None:
    """The request goes again with it, body and all, and with the same token; the next ones know."""
    api.verifier = Verifier("n1")
    profile("work").token()
    asked = len(binding.requests)
    answers = [call(auth, "POST", f"{api.url}/me", content=b"body") for _ in range(2)]
    assert [statuses(answer) for answer in answers] == [[401, 200], [200]]
    assert [received.body for received in api.requests] == [b"body"] * 3
    assert len(binding.requests) == asked


def test_a_new_nonce_comes_with_any_answer(call: Call, api: BoundApi, auth: ProfileAuth) -> None:
    """Also with one that is no refusal (section 8.2)."""
    api.verifier = Verifier("n1")
    for number in range(2):
        api.next_nonce = f"m{number}"
        assert call(auth, "GET", f"{api.url}/me").status_code == 200
    assert [received.status for received in api.requests] == [401, 200, 200]


def test_a_nonce_and_a_renewal(call: Call, api: BoundApi, auth: ProfileAuth, binding: Binding) -> None:
    """A request can need both, and then goes three times; the next token has the same key."""
    api.verifier = Verifier("n1")
    first = profile("work").token()
    api.refused.add(first.access_token)
    assert statuses(call(auth, "GET", f"{api.url}/me")) == [401, 401, 200]
    assert binding.grants[-1] == "refresh_token"
    assert profile("work").token().dpop_jwk == first.dpop_jwk


def test_a_proof_that_is_refused(call: Call, api: BoundApi, auth: ProfileAuth, binding: Binding) -> None:
    """Another proof is tried once, and no token is renewed for it."""
    profile("work").token()
    asked = len(binding.requests)
    api.replies["me"].extend([REFUSED_PROOF] * 3)
    assert call(auth, "GET", f"{api.url}/me").status_code == 401
    assert (len(api.requests), len(binding.requests)) == (2, asked)


@pytest.mark.parametrize(("status", "method"), [(302, "GET"), (307, "POST")])
def test_a_redirect_on_the_same_origin(
    call: Call, api: BoundApi, auth: ProfileAuth, status: int, method: str
) -> None:
    """What follows is not sent with the proof before it, but with one of its own."""
    url = f"{api.url}/redirect?{urlencode({'to': '/me?x=1', 'status': status})}"
    answer = call(auth, "POST", url, content=b"body", follow_redirects=True)
    assert (answer.status_code, answer.json()) == (200, {"method": method})
    assert [("DPoP" in one.headers, one.status) for one in api.requests] == [
        (True, status),
        (False, 401),
        (True, 200),
    ]


def test_a_redirect_to_another_origin(call: Call, api: BoundApi, auth: ProfileAuth) -> None:
    """Neither header goes along."""
    with ProtectedApi() as other:
        url = f"{api.url}/redirect?{urlencode({'to': f'{other.url}/echo', 'status': 307})}"
        sent = call(auth, "GET", url, follow_redirects=True).json()["headers"]
    assert not {"authorization", "dpop"} & {name.lower() for name in sent}
    assert [received.status for received in api.requests] == [307]
