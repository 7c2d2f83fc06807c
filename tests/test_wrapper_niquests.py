"""niquests, which takes an auth of requests for a callable of its own: `auth=` as it documents it."""

import asyncio
import io
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from auths import CountingGrant, key_in_header, key_in_query, renewable, unasked

from requests_auth_profiles.errors import HostNotAllowed
from requests_auth_profiles.testing import ProtectedApi, Reply

niquests = pytest.importorskip("niquests")

every_key = pytest.mark.parametrize("key", [key_in_header(), key_in_query()], ids=["header", "query"])


@pytest.fixture
def api() -> Iterator[ProtectedApi]:
    """An API that takes the second token, and a key."""
    with ProtectedApi(tokens={"t2"}, api_keys={"k3y"}) as api:
        yield api


@pytest.fixture
def other() -> Iterator[ProtectedApi]:
    """Another origin."""
    with ProtectedApi() as other:
        yield other


def statuses(answer: Any) -> list[int]:
    return [each.status_code for each in (*answer.history, answer)]


class TestSession:
    """Calls that wait for their answer."""

    @every_key
    def test_a_key(self, api: ProtectedApi, key: Any) -> None:
        """It is there, and the query that was there before stays."""
        assert niquests.get(f"{api.url}/key?a=%2F", auth=key, timeout=10).json()["by"] == ["api-key"]
        assert api.requests[0].query.startswith("a=%2F")

    def test_a_composition(self, api: ProtectedApi) -> None:
        """So it is with several."""
        api.tokens = {"t1"}
        auth = key_in_header() + renewable(CountingGrant())
        assert niquests.get(f"{api.url}/partner", auth=auth, timeout=10).json()["by"] == ["api-key", "bearer"]

    @pytest.mark.parametrize("body", [lambda: b"one", lambda: "two", lambda: io.BytesIO(b"three")])
    def test_a_renewal(self, api: ProtectedApi, body: Callable[[], Any]) -> None:
        """A refused token is renewed and the request sent again, whole; the history tells of it."""
        answer = niquests.post(f"{api.url}/me", data=body(), auth=renewable(CountingGrant()), timeout=10)
        assert statuses(answer) == [401, 200]
        assert "401" in repr(answer.history)
        assert api.requests[0].body == api.requests[1].body != b""

    def test_a_body_that_can_be_sent_once(self, api: ProtectedApi) -> None:
        """Its refusal is given back."""
        answer = niquests.post(
            f"{api.url}/me", data=iter([b"x"]), auth=renewable(CountingGrant()), timeout=10
        )
        assert (statuses(answer), len(api.requests)) == ([401], 1)

    def test_an_api_that_refuses_everything(self, api: ProtectedApi) -> None:
        """It costs two requests and one renewal."""
        api.tokens, grant = set(), CountingGrant()
        answer = niquests.get(f"{api.url}/me", auth=renewable(grant), timeout=10)
        assert (statuses(answer), len(api.requests), grant.given) == ([401, 401], 2, 2)

    @every_key
    def test_a_redirect_elsewhere(self, api: ProtectedApi, other: ProtectedApi, key: Any) -> None:
        """Nothing of ours goes there, not even where the server copies it."""
        where = f"{other.url}/echo?api_key=k3y&next=api_key%3Dk3y"
        api.replies["redirect"].append(Reply(302, {"Location": where}))
        niquests.get(f"{api.url}/redirect", auth=key, timeout=10)
        asked = other.requests[0]
        ours_was_copied = "parameter" in repr(key)
        assert ("X-API-Key" in asked.headers, "k3y" in asked.query) == (False, not ours_was_copied)

    def test_a_redirect_on_the_server(self, api: ProtectedApi) -> None:
        """A header goes along; a parameter does not, as docs/wrappers.md says."""
        for key in (key_in_header(), key_in_query()):
            niquests.get(f"{api.url}/redirect?to=/key", auth=key, timeout=10)
        assert [received.status for received in api.requests] == [302, 200, 302, 401]

    def test_where_it_may_not_go(self) -> None:
        """It is refused before a secret is looked up."""
        with pytest.raises(HostNotAllowed):
            niquests.get("https://evil.example/", auth=unasked(hosts=["api.acme.com"]), timeout=10)

    def test_many_at_once(self, api: ProtectedApi) -> None:
        """With `multiplexed`, answers that are refused are renewed when they are gathered."""
        with niquests.Session(multiplexed=True) as session:
            answers = [session.get(f"{api.url}/me", auth=renewable(CountingGrant())) for _ in range(3)]
            session.gather()
            assert [answer.status_code for answer in answers] == [200] * 3

    def test_the_log(self, api: ProtectedApi, caplog: pytest.LogCaptureFixture) -> None:
        """Its own urllib3 shows no key either."""
        caplog.set_level(logging.DEBUG)
        niquests.get(f"{api.url}/key", auth=key_in_query("s3cr3t-k3y"), timeout=10)
        assert "/key?api_key=***" in caplog.text
        assert "s3cr3t" not in caplog.text


class TestAsync:
    """Calls in an event loop."""

    @staticmethod
    def got(url: str, auth: Any) -> Any:
        async def call() -> Any:
            async with niquests.AsyncSession() as session:
                return await session.get(url, auth=auth, timeout=10)

        return asyncio.run(call())

    @every_key
    def test_a_key(self, api: ProtectedApi, key: Any) -> None:
        """It is there."""
        assert self.got(f"{api.url}/key", key).json()["by"] == ["api-key"]

    def test_a_refusal(self, api: ProtectedApi) -> None:
        """It is given back, as docs/wrappers.md says, and nobody is asked for another token."""
        grant = CountingGrant()
        assert self.got(f"{api.url}/me", renewable(grant)).status_code == 401
        assert (len(api.requests), grant.given) == (1, 1)

    @every_key
    def test_a_redirect_elsewhere(self, api: ProtectedApi, other: ProtectedApi, key: Any) -> None:
        """Nothing of ours goes there."""
        self.got(f"{api.url}/redirect?to={other.url}/echo", key)
        asked = other.requests[0]
        assert ("X-API-Key" in asked.headers, asked.query) == (False, "")
