"""A fleet that shares a token on a server: one renewal a round, whatever becomes of the server."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis_servers import PRELUDE, running
from sources import START, Clock
from test_one_renewal import ROUNDS, Program, answer_of, go, grants
from vault import processes

from requests_auth_profiles.testing import AuthorizationServer, Client, Reply

PATIENCE_SECONDS = 60
PROCESSES = 4
COUNT = int(os.environ.get("REQUESTS_AUTH_TESTS_ROUNDS", "3"))
# As the store of a profile is: tokens stay in memory where the server is away.
FLEET = f"""{PRELUDE}
on_server = opened
def opened(url):
    return FallbackStore(on_server(url))
{ROUNDS}
"""


@pytest.fixture
def provider() -> Iterator[AuthorizationServer]:
    """A provider that rotates refresh tokens and tells of a second use."""
    with AuthorizationServer() as server:
        server.clients["app"] = Client()
        server.clock = Clock()
        yield server


def a_round(provider: AuthorizationServer, started: list[Program], number: int) -> list[str]:
    """The different tokens that all threads of all processes get, once the last one has ended."""
    now = START + number * 2 * provider.lifetime_seconds
    provider.clock = Clock(now)
    for process in started:
        go(process, str(now))
    given = {token for process in started for token in answer_of(process)}
    assert all(provider.introspect(token) is not None for token in given)
    return sorted(given)


def ended(started: list[Program]) -> list[str]:
    """What the processes said on stderr, each of which must end well."""
    said = [process.communicate("0\n", timeout=PATIENCE_SECONDS)[1] for process in started]
    assert [process.returncode for process in started] == [0] * len(started), said
    return said


def test_rounds_of_refreshes(tmp_path: Path, provider: AuthorizationServer) -> None:
    """Four processes of eight threads make one refresh a round, though the server crashes in between."""
    with (
        running(tmp_path, appendonly="yes", appendfsync="always") as server,
        processes([FLEET] * PROCESSES, server.url(), provider.issuer) as started,
    ):
        for number in range(1, COUNT + 1):
            assert len(a_round(provider, started, number)) == 1
            if number % 2:
                server.kill()
                server.start()
        assert ended(started) == [""] * PROCESSES
    assert grants(provider) == ["authorization_code"] + ["refresh_token"] * COUNT
    assert provider.reuses == 0


def test_a_server_that_forgets_all(tmp_path: Path, provider: AuthorizationServer) -> None:
    """One that keeps nothing on disk costs one sign-in for all, and nothing else."""
    with (
        running(tmp_path) as server,
        processes([FLEET] * PROCESSES, server.url(), provider.issuer) as started,
    ):
        server.kill()
        server.start()
        assert [len(a_round(provider, started, number)) for number in (1, 2)] == [1, 1]
        assert ended(started) == [""] * PROCESSES
    assert grants(provider) == ["authorization_code", "authorization_code", "refresh_token"]
    assert provider.reuses == 0


def test_a_server_that_crashes_in_the_middle_of_a_round(
    tmp_path: Path, provider: AuthorizationServer
) -> None:
    """Everybody gets a good token, none is sent twice, and soon all share one again."""
    with (
        running(tmp_path, appendonly="yes", appendfsync="always") as server,
        processes([FLEET] * PROCESSES, server.url(), provider.issuer) as started,
    ):
        provider.replies["token"].append(Reply(delay_seconds=1.5))
        clock = Clock(START + 2 * provider.lifetime_seconds)
        provider.clock = clock
        for process in started:
            go(process, str(clock.now))
        deadline = time.monotonic() + PATIENCE_SECONDS
        while provider.count("token") < 2:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        server.kill()
        server.start()
        given = {token for process in started for token in answer_of(process)}
        assert all(provider.introspect(token) is not None for token in given)
        a_round(provider, started, 2)
        before = provider.count("token")
        assert len(a_round(provider, started, 3)) == 1
        assert provider.count("token") == before + 1
        for said in ended(started):
            assert said.count("out of order") <= 1
    assert provider.reuses == 0


def test_a_server_that_is_away(tmp_path: Path, provider: AuthorizationServer) -> None:
    """Each process has a token of its own in memory, warns once, and shares one again when it is back."""
    with (
        running(tmp_path) as server,
        processes([FLEET] * PROCESSES, server.url(), provider.issuer) as started,
    ):
        server.kill()
        assert len(a_round(provider, started, 1)) == PROCESSES
        server.start()
        a_round(provider, started, 2)
        before = provider.count("token")
        assert len(a_round(provider, started, 3)) == 1
        assert provider.count("token") == before + 1
        assert [said.count("out of order") for said in ended(started)] == [1] * PROCESSES
    assert provider.reuses == 0
