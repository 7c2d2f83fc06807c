"""Many threads with one session and one auth: requests-futures, and threads of one's own."""

import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from typing import Any

import pytest
import requests
from auths import CountingGrant, key_in_header, key_in_query, renewable
from requests.adapters import HTTPAdapter
from requests_futures.sessions import FuturesSession

from requests_auth_profiles.testing import ProtectedApi

THREADS = 50


@pytest.fixture
def api() -> Iterator[ProtectedApi]:
    """An API that takes the latest token of `grant`, and a key."""
    with ProtectedApi(api_keys={"k3y"}) as api:
        yield api


@pytest.fixture
def grant(api: ProtectedApi) -> CountingGrant:
    return CountingGrant(accept=lambda token: setattr(api, "tokens", {token}))


class TestFutures:
    """`FuturesSession`, whose calls give futures."""

    def test_it_is_signed(self, api: ProtectedApi) -> None:
        """A future's result is the answer."""
        with FuturesSession() as session:
            future = session.get(f"{api.url}/key", auth=key_in_header())
            assert future.result().json()["by"] == ["api-key"]

    def test_many_are_refused(self, api: ProtectedApi, grant: CountingGrant) -> None:
        """They share one renewal, and each has its answer."""
        with FuturesSession(max_workers=8) as session:
            session.auth = renewable(grant)
            session.auth.token()
            api.tokens = set()
            futures = [session.get(f"{api.url}/me") for _ in range(40)]
            assert [future.result().status_code for future in as_completed(futures)] == [200] * 40
        assert grant.given == 2

    def test_a_hook(self, api: ProtectedApi, grant: CountingGrant) -> None:
        """What works on the answer in the background gets the one that counts, once."""
        seen: list[int] = []

        def note(response: requests.Response, *_: Any, **__: Any) -> None:
            seen.append(response.status_code)

        with FuturesSession() as session:
            session.hooks["response"] = note
            auth = renewable(grant)
            auth.token()
            api.tokens = set()
            session.get(f"{api.url}/me", auth=auth).result()
        assert seen == [200]

    def test_processes(self, api: ProtectedApi) -> None:
        """An auth does not go to another process, and says what to do there."""
        with (
            ProcessPoolExecutor(1) as pool,
            FuturesSession(executor=pool, session=requests.Session()) as session,
            pytest.raises(RuntimeError, match="Cannot pickle request") as caught,
        ):
            session.get(f"{api.url}/key", auth=key_in_header())
        assert "profile() gives it" in str(caught.value.__cause__)


def test_fifty_threads(api: ProtectedApi, grant: CountingGrant) -> None:
    """Each call has its own answer, whatever the others do, and each round of refusals costs one renewal."""
    rounds, start = 4, threading.Barrier(THREADS)
    auth = renewable(grant) + key_in_header() + key_in_query(parameter="key")
    with requests.Session() as session:
        session.mount("http://", HTTPAdapter(pool_maxsize=THREADS))
        session.auth = auth

        def calls(number: int) -> list[bool]:
            right = []
            for each in range(rounds):
                if start.wait(30) == 0:
                    api.tokens = set()
                start.wait(30)
                body = f"{number}.{each}".encode()
                answer = session.post(f"{api.url}/partner?n={body.decode()}", data=body, timeout=30)
                sent = answer.request
                right.append(
                    answer.status_code == 200
                    and sent.body == body
                    and sent.url.endswith(f"{number}.{each}&key=k3y")
                )
            return right

        with ThreadPoolExecutor(THREADS) as pool:
            assert all(all(right) for right in pool.map(calls, range(THREADS)))
    assert grant.given <= 1 + rounds
    assert all(received.body.decode() in received.query for received in api.requests)
