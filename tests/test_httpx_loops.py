"""Profiles in event loops: nothing waits for a person but the request that needs one."""

import threading

import anyio
import anyio.to_thread
import httpx
import pytest
from auths import reach

from requests_auth_profiles import _auth
from requests_auth_profiles._credential import InHeader
from requests_auth_profiles._source import StaticSource
from requests_auth_profiles.httpx import ProfileAuth

loops = pytest.mark.parametrize("backend", ["asyncio", "trio"])
MANY = 45  # more than the threads that anyio has for all


class Person:
    """Gives a token once it is let."""

    def __init__(self) -> None:
        self.ready = threading.Event()
        self.asked = threading.Event()

    def __call__(self) -> str:
        self.asked.set()
        assert self.ready.wait(20)
        return "t0ken"


def client(person: Person) -> httpx.AsyncClient:
    """A client whose every request waits for a person; no request leaves this process."""
    auth = _auth.ProfileAuth(reach(), InHeader("Authorization", "Bearer {token}", StaticSource(person)))
    answering = httpx.MockTransport(
        lambda request: httpx.Response(200, text=request.headers["Authorization"])
    )
    return httpx.AsyncClient(auth=ProfileAuth(auth), transport=answering)


@loops
def test_the_loop_goes_on_while_a_token_is_waited_for(backend: str) -> None:
    """Other tasks, and what they do in threads, go on while more requests wait than there are threads."""

    async def main() -> list[str]:
        person, answers = Person(), []

        async def get() -> None:
            answers.append((await http.get("https://api.acme.com/me")).text)

        async with client(person) as http, anyio.create_task_group() as tasks:
            for _ in range(MANY):
                tasks.start_soon(get)
            await anyio.to_thread.run_sync(person.asked.wait, 20)
            await anyio.to_thread.run_sync(person.ready.set)
        return answers

    assert anyio.run(main, backend=backend) == ["Bearer t0ken"] * MANY


@loops
def test_who_gives_up_does_not_wait_for_a_person(backend: str) -> None:
    """A request that is cancelled while somebody signs in ends at once."""

    async def main() -> bool:
        person = Person()
        async with client(person) as http, anyio.create_task_group() as tasks:
            tasks.start_soon(http.get, "https://api.acme.com/me")
            await anyio.to_thread.run_sync(person.asked.wait, 20)
            tasks.cancel_scope.cancel()
        ended_first = not person.ready.is_set()
        person.ready.set()
        return ended_first

    assert anyio.run(main, backend=backend)


@loops
def test_one_auth_serves_one_loop_after_another(backend: str) -> None:
    """An auth that was used in a loop is good in the next one, as in each call of a web framework's tests."""
    person = Person()
    person.ready.set()

    async def main() -> str:
        async with client(person) as http:
            return (await http.get("https://api.acme.com/me")).text

    assert [anyio.run(main, backend=backend) for _ in range(2)] == ["Bearer t0ken"] * 2
