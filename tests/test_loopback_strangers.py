"""The loopback listener among strangers: whatever they send or keep open, the sign-in gets its answer."""

import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from time import monotonic

import pytest
from callback import (
    ANSWER,
    AUTHORIZATION_URL,
    CODE,
    PATH,
    QUERY,
    STATE,
    SignIn,
    is_open,
    loopback,
    request,
    tell,
)
from wire import PATIENCE_SECONDS, connected, status_of

from requests_auth_profiles._oauth2.page import answered

CONNECTION_SECONDS = 5
CROWD = 100
MIB = 1024 * 1024
HANGS_UP = 0
FLOOD = b"x" * 65536

Make = Callable[[int], bytes]  # (port) -> what is sent


@pytest.fixture
def sign_in() -> Iterator[SignIn]:
    """A sign-in that waits."""
    with SignIn() as sign_in:
        yield sign_in


@contextmanager
def at_most(mebibytes: float) -> Iterator[None]:
    """Fail where more memory than this was in use at one time."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < mebibytes * MIB
    finally:
        tracemalloc.stop()


def plain(text: str) -> Make:
    """A request of this text, in which PORT stands for the port."""
    return lambda port: text.replace("PORT", str(port)).encode("latin-1")


STRANGERS: dict[str, tuple[int, Make]] = {
    "wrong state": (400, lambda port: request(port, f"{PATH}?code={CODE}&state=wrong")),
    "no state": (400, lambda port: request(port, f"{PATH}?code={CODE}")),
    "empty state": (400, lambda port: request(port, f"{PATH}?code={CODE}&state=")),
    "state twice": (400, lambda port: request(port, f"{PATH}?{QUERY}&state={STATE}")),
    "state of 20 KB": (400, lambda port: request(port, f"{PATH}?code={CODE}&state={'s' * 20_000}")),
    "state of 1 MB": (431, lambda port: request(port, f"{PATH}?code={CODE}&state={'s' * MIB}")),
    "refusal without state": (400, lambda port: request(port, f"{PATH}?error=access_denied")),
    "refusal with another state": (400, lambda port: request(port, f"{PATH}?error=x&state=wrong")),
    "code and error": (400, lambda port: request(port, f"{PATH}?{QUERY}&error=x")),
    "code twice": (400, lambda port: request(port, f"{PATH}?{QUERY}&code=x")),
    "issuer twice": (400, lambda port: request(port, f"{PATH}?{QUERY}&iss=a&iss=b")),
    "favicon": (404, lambda port: request(port, "/favicon.ico")),
    "another host": (403, lambda port: request(port, Host=f"evil.example:{port}")),
    "no host": (403, lambda port: request(port, Host=None)),
    "HEAD": (405, lambda port: request(port, method="HEAD")),
    "OPTIONS": (405, lambda port: request(port, method="OPTIONS")),
    "PUT": (405, lambda port: request(port, method="PUT")),
    "empty POST": (400, lambda port: request(port, PATH, "POST")),
    "POST of another page": (
        403,
        lambda port: request(port, PATH, "POST", QUERY.encode(), Origin="https://evil.example"),
    ),
    "POST that is no text": (400, lambda port: request(port, PATH, "POST", bytes(range(256)))),
    "absolute form": (
        400,
        plain(f"GET http://localhost:PORT{PATH}?{QUERY} HTTP/1.1\r\nHost: localhost:PORT\r\n\r\n"),
    ),
    "CONNECT": (400, plain("CONNECT localhost:PORT HTTP/1.1\r\nHost: localhost:PORT\r\n\r\n")),
    "HTTP/0.9": (HANGS_UP, plain(f"GET {PATH}?{QUERY}\r\n")),
    "HTTP/2": (400, plain("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")),
    "TLS": (HANGS_UP, plain("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + "\x00" * 500)),
    "nothing": (HANGS_UP, plain("")),
    "garbage": (HANGS_UP, plain("".join(map(chr, range(256))) * 20)),
    "garbage without end": (431, lambda _: FLOOD),
    "bad URL": (400, plain("GET http://[ HTTP/1.1\r\n\r\n")),
    "line feed in a header": (400, lambda port: request(port, X="a\nSet-Cookie: b")),
    "carriage return in a header": (400, lambda port: request(port, X="a\rb")),
    "header of 400 KB": (431, lambda port: request(port, X="x" * 400_000)),
    "10,000 headers": (431, lambda port: request(port, **{f"X{number}": "" for number in range(10_000)})),
    "length of 1 GB": (413, lambda port: request(port, PATH, "POST", Content_Length="1000000000")),
    "negative length": (413, lambda port: request(port, PATH, "POST", Content_Length="-1")),
    "length that is none": (413, lambda port: request(port, PATH, "POST", Content_Length="abc")),
    "two lengths": (413, lambda port: request(port, PATH, "POST", Content_Length="3, 3")),
    "chunks": (
        413,
        lambda port: request(port, PATH, "POST", b"5\r\nabcde\r\n0\r\n\r\n", Transfer_Encoding="chunked"),
    ),
    "body that is cut": (HANGS_UP, lambda port: request(port, PATH, "POST", b"x", Content_Length="100")),
}


@pytest.mark.parametrize(("status", "make"), STRANGERS.values(), ids=STRANGERS.keys())
def test_a_stranger_does_not_end_the_sign_in(sign_in: SignIn, status: int, make: Make) -> None:
    """It is refused, and the answer that comes after it is the one that counts."""
    reply = tell(sign_in.port, make(sign_in.port))
    assert (status_of(reply), sign_in.finish()) == (status, ANSWER)


def test_all_strangers_together(sign_in: SignIn) -> None:
    """One after the other, they do not end it either, and nothing of what they said comes back to them."""
    for _, make in STRANGERS.values():
        reply = tell(sign_in.port, make(sign_in.port))
        assert not [said for said in (CODE, STATE, "evil", "Set-Cookie") if said.encode() in reply]
    assert sign_in.finish() == ANSWER


@pytest.mark.parametrize(
    "headers",
    [{"Content_Length": "1000000000"}, {"Transfer_Encoding": "chunked"}, {"X": "x" * 100_000}],
    ids=["length", "chunks", "header"],
)
def test_a_flood_takes_no_memory(sign_in: SignIn, headers: dict[str, str]) -> None:
    """What is too large is thrown away as it comes, and not kept."""
    head = request(sign_in.port, PATH, "POST", **headers)
    with at_most(1), connected(sign_in.port) as connection, suppress(ConnectionError):
        connection.sendall(head)
        for _ in range(256):
            connection.sendall(FLOOD)
    assert sign_in.finish() == ANSWER


@pytest.mark.parametrize(
    "said", [b"", f"GET {PATH}?".encode(), b"POST / HTTP/1.1\r\nX: "], ids=["half-open", "slow", "header"]
)
def test_a_crowd_that_says_nothing_keeps_nobody_out(sign_in: SignIn, said: bytes) -> None:
    """The browser is served at once beside a hundred connections that are kept open."""
    with ExitStack() as crowd:
        for _ in range(CROWD):
            connection = crowd.enter_context(connected(sign_in.port))
            connection.sendall(said)
        started = monotonic()
        reply = sign_in.get()
        assert (status_of(reply), sign_in.outcome.result(PATIENCE_SECONDS)) == (200, ANSWER)
        assert monotonic() - started < CONNECTION_SECONDS - 1


def test_of_a_crowd_the_first_have_to_go(sign_in: SignIn) -> None:
    """No more than 64 connections are kept, so that nobody fills the program up."""
    with ExitStack() as crowd:
        connections = [crowd.enter_context(connected(sign_in.port)) for _ in range(CROWD)]
        assert status_of(sign_in.get("/")) == 404  # all before it were let in
        for connection in connections[: CROWD - 64]:
            with suppress(ConnectionResetError):
                assert connection.recv(1) == b""
        connections[-1].sendall(request(sign_in.port, "/x"))
        assert status_of(connections[-1].recv(65536)) == 404


def test_a_crowd_that_comes_all_at_once_keeps_nobody_out() -> None:
    """Who is among the first of many that wait to be let in is heard before the last of them push it out."""
    with ExitStack() as crowd, loopback(timeout_seconds=5) as listening:
        port = int(listening.redirect_uri.split(":")[2].partition("/")[0])
        for place in range(CROWD):
            connection = crowd.enter_context(connected(port))
            if place == CROWD // 10:
                connection.sendall(request(port))
        assert listening(AUTHORIZATION_URL, STATE) == ANSWER
        assert status_of(tell(port, request(port, "/"))) == 404  # all before it were let in


def test_a_crowd_takes_no_place_of_the_answer(sign_in: SignIn) -> None:
    """However many come while the program asks for its token, who brought the answer gets the page."""
    sign_in.exchange.clear()
    reply = sign_in.get_meanwhile()
    with ExitStack() as crowd:
        for _ in range(CROWD):
            crowd.enter_context(connected(sign_in.port))
        assert status_of(sign_in.get("/")) == 404  # all before it were let in
        sign_in.exchange.set()
        assert status_of(reply.result(PATIENCE_SECONDS)) == 200


def test_who_is_slow_is_hung_up_on(sign_in: SignIn) -> None:
    """Nobody keeps a connection for long, be it drop by drop."""
    started = monotonic()
    with ExitStack() as stack:
        silent, dropping, lingering = (stack.enter_context(connected(sign_in.port)) for _ in range(3))
        lingering.sendall(request(sign_in.port, "/x"))
        dropping.settimeout(0.5)
        while monotonic() < started + PATIENCE_SECONDS:
            try:
                dropping.sendall(b"x")
                if not dropping.recv(1):
                    break
            except TimeoutError:
                continue
            except ConnectionError:
                break
        assert monotonic() - started < PATIENCE_SECONDS
        assert silent.recv(1) == b""
        with suppress(ConnectionError):
            while lingering.recv(65536):
                pass
    assert sign_in.finish() == ANSWER


# --- a second answer


def test_a_second_answer_changes_nothing(sign_in: SignIn) -> None:
    """The first code counts: who comes with another one and the right state gets a page that says nothing."""
    sign_in.exchange.clear()
    first = sign_in.get_meanwhile()
    second = sign_in.get(f"{PATH}?code=another&state={STATE}")
    sign_in.exchange.set()
    assert (status_of(second), second.endswith(answered().body)) == (409, True)
    assert (status_of(first.result(PATIENCE_SECONDS)), sign_in.outcome.result(PATIENCE_SECONDS)) == (
        200,
        ANSWER,
    )


def test_a_refusal_after_the_answer_changes_nothing(sign_in: SignIn) -> None:
    """Who knows the state cannot take a sign-in back either."""
    sign_in.exchange.clear()
    first = sign_in.get_meanwhile()
    assert status_of(sign_in.get(f"{PATH}?error=access_denied&state={STATE}")) == 409
    sign_in.exchange.set()
    assert status_of(first.result(PATIENCE_SECONDS)) == 200


def test_the_same_answer_again_changes_nothing(sign_in: SignIn) -> None:
    """A reloaded tab gets the page for a second answer while the program is busy, and then nobody."""
    sign_in.exchange.clear()
    first = sign_in.get_meanwhile()
    assert status_of(sign_in.get()) == 409
    sign_in.exchange.set()
    assert status_of(first.result(PATIENCE_SECONDS)) == 200
    sign_in.outcome.result(PATIENCE_SECONDS)
    assert not is_open(sign_in.port)


def test_a_sign_in_takes_no_answer_of_the_one_before() -> None:
    """Each waits for its own state: what a tab of the one before brings is a stranger's."""
    with SignIn() as first:
        first.finish()
    with SignIn(ports=[first.port]) as second:
        assert status_of(second.get(f"{PATH}?code={CODE}&state=state-of-the-one-before")) == 400
        assert second.finish() == ANSWER
