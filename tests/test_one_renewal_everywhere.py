"""However processes come to be, one of them renews a token that is over, and none hangs or does so twice."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from counterparts import TESTS
from test_one_renewal import PATIENCE_SECONDS, go, grants, profiles

from requests_auth_profiles.testing import AuthorizationServer, Client

PROFILE = """
[profiles.work]
flow = "password"
issuer = "{issuer}"
client_id = "app"
username = "ada"
password = "s3cret"
"""
ONE = "print(profile('work').token().access_token)"

# Each program has a token that is about to end, tells so, and goes on when it is over.
BEGIN = f"""
import faulthandler, json, multiprocessing, sys, threading
sys.path.insert(0, {str(TESTS)!r})
from sources import at_once
from requests_auth_profiles import profile

def tokens():
    return [token.access_token for token in at_once(4, profile("work").token)]

def begin():
    faulthandler.dump_traceback_later(90, exit=True)
    profile("work").token()
    print("ready", flush=True)
    sys.stdin.readline()
"""

# Another thread is always at it, so that forks come in the middle of what it does.
CHILDREN = f"""{BEGIN}
def child(queue):
    queue.put(tokens())

def busy(done):
    while not done.is_set():
        profile("work").token()

if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    begin()
    done = threading.Event()
    thread = threading.Thread(target=busy, args=(done,))
    thread.start()
    queue = context.Queue()
    children = [context.Process(target=child, args=(queue,)) for _ in range(4)]
    for each in children:
        each.start()
    given = [token for _ in children for token in queue.get(timeout=60)]
    for each in children:
        each.join(60)
    done.set()
    thread.join(60)
    print(json.dumps(given + tokens()))
"""

ASYNCIO = f"""{BEGIN}
import asyncio

async def main():
    token = profile("work").token
    given = await asyncio.gather(*(asyncio.to_thread(token) for _ in range(32)))
    print(json.dumps([each.access_token for each in given]))

begin()
asyncio.run(main())
"""

# The master has the token before it forks, and each worker has threads.
APPLICATION = """
from requests_auth_profiles import profile

auth = profile("work")
auth.token()

def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [auth.token().access_token.encode()]
"""

XDIST = """
import os
from pathlib import Path
import pytest
from requests_auth_profiles import profile

@pytest.mark.parametrize("number", range(8))
def test_token(number):
    worker = os.environ["PYTEST_XDIST_WORKER"]
    Path(f"given-{number}-{worker}").write_text(profile("work").token().access_token)
"""


@pytest.fixture
def server(home: Path) -> Iterator[AuthorizationServer]:
    """A provider that rotates refresh tokens, and whose first access token is over in a second."""
    with AuthorizationServer() as server:
        server.clients["app"] = Client()
        server.passwords["ada"] = "s3cret"
        server.lifetime_seconds = 1
        profiles(home, PROFILE.format(issuer=server.issuer))
        yield server


@contextmanager
def renewed_once(server: AuthorizationServer) -> Iterator[list[str]]:
    """The first token is over when the block begins; then there is one refresh, whose token all have."""
    assert grants(server) == ["password"]
    server.lifetime_seconds = 3600
    time.sleep(1.1)
    given: list[str] = []
    yield given
    assert (grants(server), server.reuses) == (["password", "refresh_token"], 0)
    (token,) = set(given)
    assert server.introspect(token) is not None


def ran(server: AuthorizationServer, program: Path, *arguments: str) -> int:
    """How many tokens a program got, which were all one."""
    with subprocess.Popen(
        [sys.executable, program, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n", process.communicate()
            with renewed_once(server) as given:
                go(process)
                said, trouble = process.communicate(timeout=2 * PATIENCE_SECONDS)
                assert process.returncode == 0, trouble
                given.extend(json.loads(said))
            return len(given)
        finally:
            process.kill()


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str], Path]:
    """A file with a program, as children that are spawned read it again."""

    def written(text: str) -> Path:
        path = tmp_path / "program.py"
        path.write_text(text)
        return path

    return written


@pytest.mark.platform("linux", "darwin")
@pytest.mark.parametrize("method", ["fork", "forkserver"])
def test_children(server: AuthorizationServer, program: Callable[[str], Path], method: str) -> None:
    """Four that are forked while a thread of their parent renews, or by a server, and the parent itself."""
    assert ran(server, program(CHILDREN), method) == 20


def test_spawned_children(server: AuthorizationServer, program: Callable[[str], Path]) -> None:
    """Four that know nothing of their parent."""
    assert ran(server, program(CHILDREN), "spawn") == 20


def test_threads_of_an_event_loop(server: AuthorizationServer, program: Callable[[str], Path]) -> None:
    """Thirty-two calls of `asyncio.to_thread`."""
    assert ran(server, program(ASYNCIO)) == 32


@pytest.mark.platform("linux", "darwin")
def test_gunicorn(server: AuthorizationServer, program: Callable[[str], Path]) -> None:
    """Four workers of four threads, whose master had the token before it forked them (`--preload`)."""
    options = ["--preload", "--workers=4", "--threads=4", "--bind=127.0.0.1:0", "--timeout=90"]
    path = program(APPLICATION)
    with subprocess.Popen(
        [sys.executable, "-m", "gunicorn", *options, f"{path.stem}:application"],
        cwd=path.parent,
        stderr=subprocess.PIPE,
        text=True,
    ) as master:
        try:
            assert master.stderr is not None
            said = ""
            while (listening := re.search(r"Listening at: (\S+)", said)) is None:
                line = master.stderr.readline()
                assert line, said
                said += line
            while said.count("Booting worker") < 4:
                said += master.stderr.readline()
            with renewed_once(server) as given, ThreadPoolExecutor(32) as pool:
                url = listening[1]
                calls = [pool.submit(requests.get, url, timeout=PATIENCE_SECONDS) for _ in range(64)]
                given += [call.result().text for call in calls]
        finally:
            master.terminate()
            master.communicate(timeout=PATIENCE_SECONDS)


def test_xdist(server: AuthorizationServer, program: Callable[[str], Path], tmp_path: Path) -> None:
    """Tests that four workers run share what one of them won."""
    subprocess.run([sys.executable, "-c", f"from requests_auth_profiles import profile\n{ONE}"], check=True)
    path = program(XDIST)
    with renewed_once(server) as given:
        command = [sys.executable, "-m", "pytest", "-q", "-n4", "-pno:cacheprovider", "--dist=each"]
        done = subprocess.run([*command, path], cwd=tmp_path, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout
        given += [each.read_text() for each in tmp_path.glob("given-*")]
        assert len(given) == 32
