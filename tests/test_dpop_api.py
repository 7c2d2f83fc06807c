"""A token that is bound to a key at an API that verifies each proof (RFC 9449 sections 7 and 9)."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from urllib.parse import urlencode

import pytest
import requests
from profiles_file import written
from proofs import Binding, BoundApi, Verifier, header_of, thumbprint

from requests_auth_profiles import by_host, profile
from requests_auth_profiles._auth import ProfileAuth
from requests_auth_profiles.errors import CompositionConflict
from requests_auth_profiles.testing import ProtectedApi, Reply

MACHINE = """
[profiles.work]
flow = "client-credentials"
token_url = "{url}"
client_id = "nightly"
client_secret = "s3cr3t"
dpop = true

[profiles.key]
flow = "api-key"
api_key = "k3y"

[profiles.own]
flow = "api-key"
api_key = "k3y"
name = "dpop"
"""
REFUSED = {"WWW-Authenticate": 'DPoP error="use_dpop_nonce"'}
TIMEOUT = 20


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
def file(binding: Binding, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The profiles, whose tokens stay in memory."""
    monkeypatch.setenv("REQUESTS_AUTH_STORE", "memory:")
    path = written(home, MACHINE.format(url=binding.token_url))
    monkeypatch.setenv("REQUESTS_AUTH_PROFILES_FILE", str(path))
    return path


@pytest.fixture
def auth(file: Path) -> ProfileAuth:
    """The profile whose tokens are bound."""
    found = profile("work")
    assert isinstance(found, ProfileAuth)
    return found


def statuses(server: BoundApi) -> list[int | None]:
    return [received.status for received in server.requests]


class TestProofs:
    """One for each request."""

    @pytest.mark.parametrize("method", ["GET", "POST", "delete"])
    def test_each_request_has_its_own(self, api: BoundApi, auth: ProfileAuth, method: str) -> None:
        """It is for this method and URL, of the key that the token is bound to, and never comes twice."""
        for _ in range(3):
            url = f"{api.url}/me?q=1#part"
            assert requests.request(method, url, auth=auth, timeout=TIMEOUT).status_code == 200
        assert (statuses(api), api.wrong, len(api.verifier.seen)) == ([200] * 3, [], 3)

    def test_a_url_with_a_user_in_it(self, api: BoundApi, auth: ProfileAuth) -> None:
        """A password in a URL is in no proof."""
        url = f"{api.url}/me".replace("//", "//ada:lovelace@")
        assert requests.get(url, auth=auth, timeout=TIMEOUT).status_code == 200

    def test_for_another_client(self, api: BoundApi, auth: ProfileAuth) -> None:
        """`headers` gives both headers, for one request: a GET, or the method that is named."""
        for method in ("GET", "PUT", "put"):
            named = () if method == "GET" else (method,)
            headers = auth.headers(f"{api.url}/me", *named)
            assert headers.keys() == {"Authorization", "DPoP"}
            assert requests.request(method, f"{api.url}/me", headers=headers, timeout=TIMEOUT).ok
        headers = auth.headers(f"{api.url}/me")
        assert requests.post(f"{api.url}/me", headers=headers, timeout=TIMEOUT).status_code == 401

    def test_together(self, api: BoundApi, file: Path) -> None:
        """With a key beside it, and where the host picks it."""
        both = profile("work") + profile("key")
        assert requests.get(f"{api.url}/me", auth=both, timeout=TIMEOUT).ok
        assert api.requests[-1].headers["X-API-Key"] == "k3y"
        assert set(both.headers(f"{api.url}/me", "PUT")) == {"Authorization", "DPoP", "X-API-Key"}
        host = api.url.removeprefix("http://")
        written(file.parent, file.read_text().replace("dpop = true", f'dpop = true\nhosts = ["{host}"]'))
        assert requests.get(f"{api.url}/me", auth=by_host(), timeout=TIMEOUT).ok

    def test_two_that_write_a_proof(self, file: Path) -> None:
        """They cannot go together, nor can a key in a header of that name."""
        for other in ("work", "own"):
            with pytest.raises(CompositionConflict):
                profile("work") + profile(other)


class TestNonces:
    """What a server wants to see in the next proof."""

    def test_it_is_told_once(self, api: BoundApi, auth: ProfileAuth, binding: Binding) -> None:
        """The request is sent again with it and the same token; the next ones have it from the start."""
        api.verifier = Verifier("n1")
        auth.token()
        asked = len(binding.requests)
        answers = [requests.post(f"{api.url}/me", b"body", auth=auth, timeout=TIMEOUT) for _ in range(2)]
        assert [len(answer.history) for answer in answers] == [1, 0]
        assert statuses(api) == [401, 200, 200]
        assert [received.body for received in api.requests] == [b"body"] * 3
        assert len(binding.requests) == asked

    def test_a_new_one_replaces_it(self, api: BoundApi, auth: ProfileAuth) -> None:
        """Also where it comes with an answer that is no refusal (section 8.2)."""
        api.verifier = Verifier("n1")
        for number in range(3):
            api.next_nonce = f"m{number}"
            assert requests.get(f"{api.url}/me", auth=auth, timeout=TIMEOUT).ok
        assert statuses(api) == [401, 200, 200, 200]

    def test_one_that_came_with_the_second_answer(self, api: BoundApi, auth: ProfileAuth) -> None:
        """An answer to what was sent again is listened to as well."""
        api.verifier, api.next_nonce = Verifier("n1"), "n2"
        for _ in range(2):
            assert requests.get(f"{api.url}/me", auth=auth, timeout=TIMEOUT).ok
        assert statuses(api) == [401, 200, 200]

    def test_threads_share_it(self, api: BoundApi, auth: ProfileAuth) -> None:
        """Once one thread knows it, no other has to be told."""
        api.verifier = Verifier("n1")
        requests.get(f"{api.url}/me", auth=auth, timeout=TIMEOUT)
        with ThreadPoolExecutor(8) as pool:
            answers = list(
                pool.map(lambda _: requests.get(f"{api.url}/me", auth=auth, timeout=TIMEOUT), range(24))
            )
        assert [answer.status_code for answer in answers] == [200] * 24
        assert statuses(api) == [401, *[200] * 25]

    def test_each_server_has_its_own(self, api: BoundApi, auth: ProfileAuth, binding: Binding) -> None:
        """What one says is told to no other."""
        api.verifier = Verifier("n1")
        with BoundApi(binding.bound) as other:
            assert requests.get(f"{api.url}/me", auth=auth, timeout=TIMEOUT).ok
            assert requests.get(f"{other.url}/me", auth=auth, timeout=TIMEOUT).ok
            assert (statuses(other), other.wrong) == ([200], [])

    def test_a_body_that_cannot_be_sent_again(self, api: BoundApi, auth: ProfileAuth) -> None:
        """The refusal is the answer, and the next request knows."""
        api.verifier = Verifier("n1")
        answer = requests.post(f"{api.url}/me", iter([b"a", b"b"]), auth=auth, timeout=TIMEOUT)
        assert (answer.status_code, len(api.requests)) == (401, 1)
        assert requests.post(f"{api.url}/me", BytesIO(b"a"), auth=auth, timeout=TIMEOUT).ok

    def test_one_that_is_never_content(self, api: BoundApi, auth: ProfileAuth, binding: Binding) -> None:
        """A server that always wants another gets two requests, and no token is renewed for it."""
        auth.token()
        asked = len(binding.requests)
        api.replies["me"].extend(Reply(401, REFUSED | {"DPoP-Nonce": f"n{number}"}) for number in range(9))
        answer = requests.get(f"{api.url}/me", auth=auth, timeout=TIMEOUT)
        assert (answer.status_code, len(api.requests), len(binding.requests)) == (401, 2, asked)

    @pytest.mark.parametrize(
        "nonce", ["", "a b", 'a"b', "a\\b", "n\u00e4", "a\tb", "x" * 5000, "a\x7f", "a, b"]
    )
    def test_one_that_is_none(self, api: BoundApi, auth: ProfileAuth, binding: Binding, nonce: str) -> None:
        """What is no nonce (section 8.1), or too long for one, is never sent; and no token is renewed."""
        auth.token()
        asked = len(binding.requests)
        api.replies["me"].append(Reply(401, REFUSED | {"DPoP-Nonce": nonce}))
        requests.get(f"{api.url}/me", auth=auth, timeout=TIMEOUT)
        assert requests.get(f"{api.url}/me", auth=auth, timeout=TIMEOUT).ok
        assert (api.wrong, len(binding.requests)) == ([], asked)

    def test_one_megabyte(self, api: BoundApi, auth: ProfileAuth) -> None:
        """It ends the request as any header of this size does, and is not kept."""
        api.replies["me"].append(Reply(401, REFUSED | {"DPoP-Nonce": "x" * 2**20}))
        with pytest.raises(requests.RequestException):
            requests.get(f"{api.url}/me", auth=auth, timeout=TIMEOUT)
        assert requests.get(f"{api.url}/me", auth=auth, timeout=TIMEOUT).ok


class TestRenewal:
    """A token that an API refuses."""

    def test_the_next_token_has_the_same_key(
        self, api: BoundApi, auth: ProfileAuth, binding: Binding
    ) -> None:
        """It is renewed once, by a refresh token that is good with this key alone (section 5)."""
        first = auth.token()
        api.refused.add(first.access_token)
        assert requests.get(f"{api.url}/me", auth=auth, timeout=TIMEOUT).ok
        assert statuses(api) == [401, 200]
        assert binding.grants[-1] == "refresh_token"
        assert auth.token().dpop_jwk == first.dpop_jwk
        proofs = [received.headers["DPoP"] for received in api.requests]
        assert len({thumbprint(header_of(proof)["jwk"]) for proof in proofs}) == 1

    def test_a_nonce_and_a_renewal(self, api: BoundApi, auth: ProfileAuth) -> None:
        """A request can need both, and then goes three times."""
        api.verifier = Verifier("n1")
        api.refused.add(auth.token().access_token)
        answer = requests.get(f"{api.url}/me", auth=auth, timeout=TIMEOUT)
        assert answer.ok
        assert [one.status_code for one in answer.history] == [401, 401]
        assert statuses(api) == [401, 401, 200]

    def test_a_nonce_after_a_renewal(self, api: BoundApi, auth: ProfileAuth) -> None:
        """Whichever it needs first."""
        auth.token()
        api.verifier = Verifier("n1")
        api.replies["me"].append(Reply(401, {"WWW-Authenticate": 'DPoP error="invalid_token"'}))
        assert requests.get(f"{api.url}/me", auth=auth, timeout=TIMEOUT).ok
        assert statuses(api) == [401, 401, 200]

    def test_a_proof_that_is_refused(self, api: BoundApi, auth: ProfileAuth, binding: Binding) -> None:
        """Another token would not help where the clocks differ: another proof is tried, once."""
        auth.token()
        asked = len(binding.requests)
        refusal = Reply(401, {"WWW-Authenticate": 'DPoP error="invalid_dpop_proof"'})
        api.replies["me"].extend([refusal] * 3)
        assert requests.get(f"{api.url}/me", auth=auth, timeout=TIMEOUT).status_code == 401
        assert (len(api.requests), len(binding.requests)) == (2, asked)

    def test_a_request_that_is_sent_twice(self, api: BoundApi, auth: ProfileAuth) -> None:
        """A proof that came before is refused, and the request goes once more with another."""
        with requests.Session() as session:
            request = session.prepare_request(requests.Request("GET", f"{api.url}/me", auth=auth))
            assert [session.send(request, timeout=TIMEOUT).status_code for _ in range(2)] == [200, 200]
        assert statuses(api) == [200, 401, 200]


class TestRedirects:
    """A proof is for one method and one URL."""

    @pytest.mark.parametrize(("status", "method"), [(302, "GET"), (303, "GET"), (307, "POST"), (308, "POST")])
    @pytest.mark.parametrize("nonce", [None, "n1"])
    def test_on_the_same_origin(
        self, api: BoundApi, auth: ProfileAuth, status: int, method: str, nonce: str | None
    ) -> None:
        """The request that follows has a proof of its own, for what it is."""
        api.verifier = Verifier(nonce)
        url = f"{api.url}/redirect?{urlencode({'to': '/me?x=1', 'status': status})}"
        answer = requests.post(url, b"body", auth=auth, timeout=TIMEOUT)
        assert answer.json() == {"method": method}
        assert api.wrong == []
        assert statuses(api) == [*([401] if nonce else []), status, 200]

    def test_twice(self, api: BoundApi, auth: ProfileAuth) -> None:
        """Also behind another redirect."""
        last = urlencode({"to": "/me", "status": 302})
        url = f"{api.url}/redirect?{urlencode({'to': f'/redirect?{last}', 'status': 307})}"
        assert requests.put(url, auth=auth, timeout=TIMEOUT).json() == {"method": "GET"}
        assert (statuses(api), api.wrong) == ([307, 302, 200], [])

    def test_step_by_step(self, api: BoundApi, auth: ProfileAuth) -> None:
        """Also where the caller follows by hand."""
        url = f"{api.url}/redirect?{urlencode({'to': '/me', 'status': 302})}"
        with requests.Session() as session:
            answer = session.post(url, auth=auth, allow_redirects=False, timeout=TIMEOUT)
            assert answer.next is not None
            assert session.send(answer.next, timeout=TIMEOUT).json() == {"method": "GET"}
        assert api.wrong == []

    def test_a_session_that_keeps_the_method(self, api: BoundApi, auth: ProfileAuth) -> None:
        """Where somebody's session does not change it, the proof is for what is sent."""

        class Stubborn(requests.Session):
            def rebuild_method(self, *_: object) -> None:
                """Leaves it."""

        url = f"{api.url}/redirect?{urlencode({'to': '/me', 'status': 302})}"
        with Stubborn() as session:
            assert session.post(url, auth=auth, timeout=TIMEOUT).json() == {"method": "POST"}
        assert api.wrong == []

    def test_with_netrc(self, api: BoundApi, auth: ProfileAuth, home: Path) -> None:
        """What ~/.netrc has for the host does not take its place."""
        (home / ".netrc").write_text("machine 127.0.0.1 login ada password lovelace\n")
        url = f"{api.url}/redirect?{urlencode({'to': '/me', 'status': 302})}"
        assert requests.get(url, auth=auth, timeout=TIMEOUT).ok

    def test_to_another_origin(self, api: BoundApi, auth: ProfileAuth) -> None:
        """Neither header goes along."""
        with ProtectedApi() as other:
            url = f"{api.url}/redirect?{urlencode({'to': f'{other.url}/echo', 'status': 307})}"
            sent = requests.get(url, auth=auth, timeout=TIMEOUT).json()["headers"]
        assert not {"authorization", "dpop"} & {name.lower() for name in sent}
        assert statuses(api) == [307]
