"""Many processes and threads that share a profile: one request to the provider, and one token for all."""

import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import pytest
import requests
from conftest import RunProgram
from counterparts import TESTS, Provider
from sources import NAME, START, Clock, source
from vault import PRELUDE, processes, together
from vault import source as key_source

from requests_auth_profiles import profile
from requests_auth_profiles.errors import ProviderUnavailable
from requests_auth_profiles.stores import FileStore
from requests_auth_profiles.testing import AuthorizationServer, Client, Reply

Program = subprocess.Popen[str]
PATIENCE_SECONDS = 60
PROCESSES = int(os.environ.get("REQUESTS_AUTH_TESTS_PROCESSES", "8"))
ROUNDS_COUNT = int(os.environ.get("REQUESTS_AUTH_TESTS_ROUNDS", "5"))
"""How many share a token, and how often it is over: 32 and 20 are what is promised."""
HUNG = Reply(delay_seconds=600)
PROFILE = """
[profiles.{name}]
flow = "client-credentials"
issuer = "{issuer}"
client_id = "{client}"
client_secret = "{secret}"
"""

# Programs that come after the prelude of vault.py.
ASK = """
from requests_auth_profiles import profile
auth = profile("work")
ready()
print(auth.token().access_token)
"""

SIGN_IN = f"""
sys.path.insert(0, {str(TESTS)!r})
import json, threading
from sources import Clock, at_once, source
clock = Clock()
work = source(sys.argv[2], opened(sys.argv[1]), clock)
"""

# A round for each line, which tells the time; 0 is the end.
ROUNDS = f"""{SIGN_IN}
work.token()
print("ready", flush=True)
while now := float(sys.stdin.readline()):
    clock.now = now
    print(json.dumps([token.access_token for token in at_once(8, work.token)]), flush=True)
"""

RENEW = f"""{SIGN_IN}
clock.now = float(sys.argv[3])
ready()
print(work.token().access_token)
"""

# Children are forked while another thread holds the lock, in the middle of its sign-in.
FORK = f"""{SIGN_IN}
import faulthandler
from requests_auth_profiles.errors import TimeoutOccurred
from requests_auth_profiles.stores import MemoryStore
from sources import Visitor

class Slow(Visitor):
    def __call__(self, *asked):
        if os.getpid() == parent:
            inside.set()
            go_on.wait(60)
        return super().__call__(*asked)

parent, inside, go_on = os.getpid(), threading.Event(), threading.Event()
in_memory = sys.argv[1] == "memory:"
store = MemoryStore() if in_memory else FallbackStore(opened(sys.argv[1]))
work = source(sys.argv[2], store, clock, Slow())
thread = threading.Thread(target=work.token)
thread.start()
assert inside.wait(60)

def forked(act):
    child = os.fork()
    if not child:
        faulthandler.dump_traceback_later(60, exit=True)
        print(act(), flush=True)
        os._exit(0)
    return child

os.waitpid(forked(lambda: "child"), 0)
try:
    with (store if in_memory else opened(sys.argv[1])).lock("work", 0.2):
        print("lost", flush=True)
except TimeoutOccurred:
    print("held", flush=True)
child = forked(lambda: work.token().access_token)
if in_memory:
    os.waitpid(child, 0)  # it needs nothing of its parent
go_on.set()
thread.join()
if not in_memory:
    os.waitpid(child, 0)
print(work.token().access_token)
"""


@pytest.fixture
def server(home: Path) -> Iterator[AuthorizationServer]:
    """A provider none of whose tokens is in any file under HOME afterwards."""
    with AuthorizationServer() as server:
        server.clients |= {"nightly": Client(secret="s3cret"), "app": Client()}
        yield server
    ledger = server._ledger
    issued = [*ledger._access_tokens, *ledger._refresh_tokens, *ledger._codes]
    assert issued
    assert [path for path in files(home) if in_the_clear(path, issued)] == []


def opened_store(folder: Path) -> FileStore:
    """The store that the programs use."""
    return FileStore(folder, key_source())


def files(home: Path) -> list[Path]:
    return [path for path in home.rglob("*") if path.is_file()]


def in_the_clear(path: Path, secrets: list[str]) -> bool:
    content = path.read_bytes()
    return any(secret.encode() in content for secret in secrets)


def profiles(home: Path, text: str) -> None:
    """Write the person's own profiles file."""
    path = home / ".config/requests-auth/profiles.toml"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    path.chmod(0o600)


def grants(server: AuthorizationServer) -> list[str]:
    """What the token endpoint was asked for."""
    return [dict(received.form)["grant_type"] for received in server.requests if received.path == "/token"]


def go(process: Program, line: str = "go") -> None:
    assert process.stdin is not None
    process.stdin.write(f"{line}\n")
    process.stdin.flush()


def answer_of(process: Program) -> list[str]:
    assert process.stdout is not None
    answer: list[str] = json.loads(process.stdout.readline())
    return answer


def seconds(act: Callable[[], object]) -> float:
    """How long something takes."""
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def until(server: AuthorizationServer, requests_there: int) -> None:
    """Wait until that many requests have reached the token endpoint."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while server.count("token") < requests_there:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_sixteen_processes_without_a_token(home: Path, server: AuthorizationServer) -> None:
    """Started at once on a fresh HOME, they agree on one store key and one token, for one request."""
    profiles(home, PROFILE.format(name="work", issuer=server.issuer, client="nightly", secret="s3cret"))
    server.replies["token"].append(Reply(delay_seconds=1))
    (token,) = set(together([ASK] * 16))
    assert server.introspect(token) is not None
    assert server.count("token") == 1
    names = [path.name for path in files(home)]
    assert (names.count("work.json"), len([name for name in names if name.endswith(".key")])) == (1, 1)


def test_sixteen_processes_and_the_openid_provider(home: Path, oidc_provider: Provider) -> None:
    """A certified provider gets one request from all of them, its API takes the token, and no file has it."""
    secret = "s3cret:with/odd+chars %"
    profiles(home, PROFILE.format(name="work", issuer=oidc_provider.issuer, client="cc-basic", secret=secret))
    before = oidc_provider.token_requests()
    (token,) = set(together([ASK] * 16))
    assert oidc_provider.token_requests() == before + 1
    answer = requests.get(oidc_provider.api_url, headers={"Authorization": f"Bearer {token}"}, timeout=10)
    assert answer.json()["client"] == "cc-basic"
    assert [path for path in files(home) if in_the_clear(path, [token])] == []


@pytest.mark.timeout(120 + PROCESSES * ROUNDS_COUNT)
def test_rounds_of_refreshes(home: Path, server: AuthorizationServer) -> None:
    """Processes of eight threads each with an expired token make one refresh a round, and none twice."""
    clock = server.clock = Clock()
    with processes([ROUNDS] * PROCESSES, home / "store", server.issuer) as started:
        for number in range(1, ROUNDS_COUNT + 1):
            clock.now = START + number * 2 * server.lifetime_seconds
            for process in started:
                go(process, str(clock.now))
            given = [token for process in started for token in answer_of(process)]
            assert (len(given), len(set(given))) == (8 * PROCESSES, 1)
            assert server.introspect(given[0]) is not None
        for process in started:
            _, said = process.communicate("0\n", timeout=PATIENCE_SECONDS)
            # A busy machine may take more than a moment for the first sign-in, of which the others are told.
            said = re.sub(r"another process( \(pid \d+\))? is signing in to work, \d+ s left\n", "", said)
            assert (process.returncode, said) == (0, "")
    assert grants(server) == ["authorization_code"] + ["refresh_token"] * ROUNDS_COUNT
    assert server.count("authorize") == 1  # a window for all who had no token at first
    assert server.reuses == 0


class TestKilled:
    """A process that is killed while it renews a token does not hold up the others."""

    def test_while_it_fetches(self, home: Path, server: AuthorizationServer) -> None:
        """Those that waited for it make one request of their own, long before its time is over."""
        profiles(home, PROFILE.format(name="work", issuer=server.issuer, client="nightly", secret="s3cret"))
        server.replies["token"].append(HUNG)
        with processes([ASK] * 5) as (first, *others):
            go(first)
            until(server, 1)
            for process in others:
                go(process)
            time.sleep(0.3)  # they are at the lock by now, or come to it later: it is all the same
            assert [process.poll() for process in others] == [None] * 4
            first.kill()
            given = {process.communicate(timeout=PATIENCE_SECONDS)[0] for process in others}
        assert len(given) == 1
        assert server.introspect(given.pop().strip()) is not None
        assert server.count("token") == 2

    def test_before_it_kept_what_it_got(self, home: Path, server: AuthorizationServer) -> None:
        """The provider has used up the refresh token: the next one signs in anew, and the store is whole."""
        clock = server.clock = Clock()
        folder = home / "store"
        first = source(server.issuer, opened_store(folder), clock).token()
        clock.now += 2 * server.lifetime_seconds
        server.replies["token"].append(HUNG)
        with processes([RENEW], folder, server.issuer, clock.now) as (process,):
            go(process)
            until(server, 2)
            process.kill()
            process.wait(PATIENCE_SECONDS)
        assert opened_store(folder).get(NAME) == first
        (token,) = together([RENEW], folder, server.issuer, clock.now)
        assert server.introspect(token) is not None
        code, refresh = "authorization_code", "refresh_token"
        assert grants(server) == [code, refresh, refresh, code]

    def test_right_after_it_got_its_token(self, home: Path, server: AuthorizationServer) -> None:
        """A token is in the store before anybody has it: whoever dies with it has not lost it."""
        server.clock = Clock()
        script = SIGN_IN + "ready()\nos.write(1, work.token().access_token.encode())\nos._exit(0)"
        (token,) = together([script], home / "store", server.issuer)
        kept = opened_store(home / "store").get(NAME)
        assert kept is not None
        assert kept.access_token == token


@pytest.mark.platform("linux", "darwin")
class TestForked:
    """A process that is forked while a thread renews a token."""

    def test_with_a_store_of_files(
        self, home: Path, server: AuthorizationServer, run_python: RunProgram
    ) -> None:
        """The lock stays with the parent though a child came and went; another child gets the same token."""
        done = run_python("-c", PRELUDE + FORK, str(home / "store"), server.issuer)
        said = done.stdout.split()
        assert (said[:2], done.returncode) == (["child", "held"], 0), done.stderr
        assert said[2:] == [said[2]] * 2
        assert server.count("token") == 1

    def test_with_a_store_in_memory(self, server: AuthorizationServer, run_python: RunProgram) -> None:
        """A child does not wait for a thread that it does not have; it gets a token of its own."""
        done = run_python("-c", PRELUDE + FORK, "memory:", server.issuer)
        said = done.stdout.split()
        assert (said[:2], done.returncode) == (["child", "held"], 0), done.stderr
        assert len(set(said[2:])) == 2
        assert server.count("token") == 2


def test_a_provider_that_hangs(home: Path, server: AuthorizationServer) -> None:
    """Ten profiles go on as before while the provider of another does not answer, here and elsewhere."""
    with AuthorizationServer() as hung, ThreadPoolExecutor(11) as pool:
        hung.clients["nightly"] = Client(secret="s3cret")
        hung.replies["token"].append(HUNG)
        issuers = {"work": hung.issuer} | {f"other-{number}": server.issuer for number in range(10)}
        texts = [
            PROFILE.format(name=name, issuer=issuer, client="nightly", secret="s3cret")
            for name, issuer in issuers.items()
        ]
        profiles(home, "".join(texts))
        others = [profile(f"other-{number}") for number in range(10)]
        with processes([ASK]) as (elsewhere,):
            go(elsewhere)
            until(hung, 1)
            stuck = pool.submit(profile("work").token)
            done, late = wait([pool.submit(other.token) for other in others], timeout=PATIENCE_SECONDS)
            assert (len({each.result().access_token for each in done}), late) == (10, set())
            for name, act in (("token", "token"), ("renewal", "login")):
                took = sorted(seconds(getattr(other, act)) for _ in range(20) for other in others)
                # Shown by -rP, and not held: it is the machine's as much as ours.
                print(f"p99 of a {name} meanwhile: {took[-len(took) // 100] * 1000:.2f} ms")
            assert (stuck.done(), elsewhere.poll()) == (False, None)
            hung.stop()
            elsewhere.kill()
            with pytest.raises(ProviderUnavailable):
                stuck.result(timeout=PATIENCE_SECONDS)
    assert server.count("token") == 10 + 200
