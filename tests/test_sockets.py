"""Who is at the other end of the listener: what another user of this machine brings is not taken."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from callback import ANSWER, CODE, PATH, STATE, SignIn, request, tell
from counterparts import TESTS, OrdinaryUser
from wire import PATIENCE_SECONDS, status_of

pytestmark = pytest.mark.platform("linux")

# Brings an answer with the right state, in the ways of one who may not want to be seen.
BRINGER = """
import socket, sys

way, port, data = sys.argv[1], int(sys.argv[2]), sys.argv[3].encode()
host = {"mapped": "::ffff:127.0.0.1", "six": "::1"}.get(way, "127.0.0.1")
with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as connection:
    connection.connect((host, port))
    if way == "resets":
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\\1\\0\\0\\0\\0\\0\\0\\0")
    connection.sendall(data)
    if way == "half-closes":
        connection.shutdown(socket.SHUT_WR)
    while way not in ("closes", "resets") and (part := connection.recv(65536)):
        print(part.decode("latin-1"), end="")
"""
SIGN_IN = """
from callback import AUTHORIZATION_URL, STATE, loopback

with loopback() as listening:
    print(listening.redirect_uri.split(":")[2].partition("/")[0], flush=True)
    print(listening(AUTHORIZATION_URL, STATE)["code"])
"""


@pytest.fixture
def stranger(ordinary_user: OrdinaryUser) -> OrdinaryUser:
    """Another user than we are."""
    return ordinary_user if os.geteuid() == 0 else pytest.skip("only root can be somebody else")


@pytest.fixture
def sign_in() -> Iterator[SignIn]:
    """A sign-in that waits."""
    with SignIn() as sign_in:
        yield sign_in


@pytest.mark.parametrize("way", ["stays", "mapped", "six", "half-closes", "closes", "resets"])
def test_an_answer_of_another_user_is_not_taken(sign_in: SignIn, stranger: OrdinaryUser, way: str) -> None:
    """They know the state from our browser's argv, and are turned away, however they connect or leave."""
    theirs = request(sign_in.port, f"{PATH}?code=theirs&state={STATE}").decode()
    told = stranger.run_python("-c", BRINGER, way, str(sign_in.port), theirs).stdout
    if way not in ("closes", "resets"):
        assert (status_of(told.encode()), "another user of this machine" in told) == (403, True)
    sign_in.get("/")  # what came before it has been judged
    assert not sign_in.answered.is_set()
    assert sign_in.finish() == ANSWER


@pytest.mark.parametrize("way", ["stays", "mapped", "six", "half-closes"])
def test_an_answer_of_our_own_programs_is_taken(sign_in: SignIn, way: str) -> None:
    """The person's browser may come over either protocol."""
    command = [sys.executable, "-c", BRINGER, way, str(sign_in.port), request(sign_in.port).decode()]
    told = subprocess.run(command, capture_output=True, timeout=PATIENCE_SECONDS, check=True).stdout
    assert (status_of(told), sign_in.outcome.result(PATIENCE_SECONDS)) == (200, ANSWER)


def test_an_answer_that_root_brings_is_taken(stranger: OrdinaryUser) -> None:
    """As the forwarding of a container or of WSL does: root could have all without asking."""
    program = f"import sys\nsys.path.insert(0, {str(TESTS)!r})\n{SIGN_IN}"
    with subprocess.Popen(
        [stranger.python, "-c", program], stdout=subprocess.PIPE, text=True, **stranger.popen
    ) as waiting:
        assert waiting.stdout is not None
        port = int(waiting.stdout.readline())
        assert status_of(tell(port, request(port))) == 200
        assert waiting.communicate(timeout=PATIENCE_SECONDS)[0] == f"{CODE}\n"
