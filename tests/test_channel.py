"""The channel: what is sent to a provider, what is taken from it, and for how long."""

import gzip
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from wire import PATIENCE_SECONDS, RawServer, endless, http, json_reply, trickle

from requests_auth_profiles._oauth2.channel import Channel, Reply
from requests_auth_profiles._oauth2.client import ClientSecretBasic, ClientSecretPost, PublicClient
from requests_auth_profiles.errors import (
    InvalidProviderResponse,
    ProviderUnavailable,
    RequestsAuthException,
    TimeoutOccurred,
)

PATIENT = Channel(PATIENCE_SECONDS)
HURRIED = Channel(0.3)
FORM = {"grant_type": "client_credentials", "scope": "api.read"}
SECRET = "s3cr3t-of-the-client"
CLIENT = ClientSecretPost("nightly", lambda: SECRET)
MIB = 1024 * 1024
OPEN_FILES = Path("/proc/self/fd")


def post(server: RawServer, channel: Channel = PATIENT) -> Reply:
    """Ask a server for a token."""
    return channel.post(server.url, FORM, CLIENT, attempts=1)


@contextmanager
def at_most(mebibytes: float) -> Iterator[None]:
    """Fail where more memory than this was in use at one time."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < mebibytes * MIB
    finally:
        tracemalloc.stop()


def await_channel_threads() -> None:
    """Wait until no thread of a channel is left."""
    for thread in threading.enumerate():
        if thread.name == "requests-auth-channel":
            thread.join(PATIENCE_SECONDS)
            assert not thread.is_alive()


def chunked(*parts: bytes) -> bytes:
    """A response in chunks."""
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (*parts, b""))
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks


def test_a_form_is_posted_and_its_answer_comes_back() -> None:
    """A token request is a form, and its reply is what the server sent."""
    with RawServer(json_reply('{"a": 1}', 201, X_Kind="a")) as server:
        reply = post(server)
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /token HTTP/1.1\r\n")
    assert b"content-type: application/x-www-form-urlencoded" in head.lower()
    assert (
        body
        == b"grant_type=client_credentials&scope=api.read&client_id=nightly&client_secret=" + SECRET.encode()
    )
    assert (reply.status, reply.headers["x-kind"], reply.body) == (201, "a", b'{"a": 1}')


def test_json_is_asked_for_and_nothing_compressed() -> None:
    """Some providers answer with a form unless JSON is asked for; nothing that expands is wanted."""
    with RawServer(http(200)) as server:
        PATIENT.get(server.url)
    head = server.requests[0].lower()
    assert b"\r\naccept: application/json\r\n" in head
    assert b"\r\naccept-encoding: identity\r\n" in head


def test_a_lifetime_counts_from_before_the_request_left() -> None:
    """What the request took does not make a token live longer."""
    times = iter([1000.0, 2000.0])
    with RawServer(http(200)) as server:
        reply = Channel(PATIENCE_SECONDS, lambda: next(times)).get(server.url)
    assert reply.requested_at == 1000.0


@pytest.mark.parametrize(
    "answer",
    [
        http(200, b"x" * MIB),
        chunked(b"x" * (MIB // 2), b"x" * (MIB // 2)),
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * MIB,
    ],
    ids=["length", "chunks", "until it hangs up"],
)
def test_an_answer_of_1_mib_is_taken(answer: bytes) -> None:
    """The largest answer that is allowed is whole, however it is framed."""
    with RawServer(answer) as server:
        assert post(server).body == b"x" * MIB


TOO_LARGE = {
    "length": http(200, b"x" * (MIB + 1)),
    "length that is a lie": endless(
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n", b"x" * 65536
    ),
    "chunks": chunked(b"x" * MIB, b"x"),
    "endless chunks": endless(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1000\r\n" + b"x" * 4098
    ),
    "endless": endless(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536),
    "error": http(400, b"x" * (MIB + 1)),
}
too_large = pytest.mark.parametrize("answer", TOO_LARGE.values(), ids=TOO_LARGE.keys())


@too_large
def test_an_answer_of_more_than_1_mib_is_refused(answer: bytes) -> None:
    """No answer of a token endpoint is that long, whatever its status and framing."""
    with RawServer(answer) as server, pytest.raises(InvalidProviderResponse, match="more than"):
        post(server)


@pytest.mark.parametrize("status", [200, 302, 400])
def test_an_endless_answer_takes_no_memory(status: int) -> None:
    """What is beyond the limit is not read, be it the body of a redirect."""
    start = b"HTTP/1.1 %d X\r\nLocation: http://127.0.0.1/\r\n\r\n" % status
    with RawServer(endless(start, b"x" * 65536)) as server, at_most(8):
        with pytest.raises(InvalidProviderResponse):
            post(server)
        await_channel_threads()


@pytest.mark.parametrize("status", [200, 302, 400])
def test_a_gzip_bomb_is_not_unpacked(status: int) -> None:
    """64 MiB that travel as 64 KiB are refused as they are, be it in a redirect."""
    bomb = gzip.compress(bytes(64 * MIB))
    answer = http(status, bomb, Content_Encoding="gzip", Location="http://127.0.0.1/")
    with RawServer(answer) as server, at_most(8), pytest.raises(InvalidProviderResponse):
        post(server)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    """What a token endpoint redirects to gets no connection, so none of the secret (RFC 9700, 4.12)."""
    with RawServer(http(200)) as target, RawServer(http(status, Location=target.url)) as server:
        with pytest.raises(InvalidProviderResponse, match=f"{status}, a redirect"):
            post(server)
        assert target.connections == 0


def test_a_redirect_of_the_metadata_is_not_followed() -> None:
    """Nor does what is read without a secret come from where a redirect points."""
    with RawServer(http(200)) as target, RawServer(http(302, Location=target.url)) as server:
        with pytest.raises(InvalidProviderResponse, match="a redirect"):
            PATIENT.get(server.url)
        assert target.connections == 0


@pytest.mark.parametrize("location", ["http://[", "https://user:pass@x:99999/", "//", "\\\\x", ""])
def test_a_redirect_to_nowhere_is_an_error_of_ours(location: str) -> None:
    """Where a redirect points is not looked at."""
    with RawServer(http(302, Location=location)) as server, pytest.raises(InvalidProviderResponse):
        post(server)


@pytest.mark.parametrize(
    "call",
    [
        lambda url: PATIENT.post(url, FORM, PublicClient("native"), attempts=1),
        lambda url: PATIENT.post(url, FORM, CLIENT, attempts=1),
        PATIENT.get,
    ],
    ids=["public client", "client_secret_post", "metadata"],
)
def test_netrc_is_not_read(home: Path, call: Callable[[str], Reply]) -> None:
    """A password that ~/.netrc has for the provider's host is not the client's."""
    netrc = home / ".netrc"
    netrc.write_text("machine 127.0.0.1 login ada password of-the-netrc\ndefault login a password b\n")
    netrc.chmod(0o600)
    with RawServer(http(200)) as server:
        call(server.url)
    assert b"authorization" not in server.requests[0].lower()


def test_netrc_does_not_replace_the_client_secret(home: Path) -> None:
    """What stands in ~/.netrc does not win over the client's own header."""
    (home / ".netrc").write_text("machine 127.0.0.1 login ada password of-the-netrc\n")
    (home / ".netrc").chmod(0o600)
    with RawServer(http(200)) as server:
        PATIENT.post(server.url, FORM, ClientSecretBasic("a", lambda: "b"), attempts=1)
    assert b"\r\nauthorization: basic ytpi\r\n" in server.requests[0].lower()


def test_a_cookie_does_not_come_back() -> None:
    """Each attempt is a request of its own."""
    with RawServer(http(503, Set_Cookie="a=b", Retry_After="0"), http(200)) as server:
        PATIENT.get(server.url)
    assert b"cookie" not in server.requests[1].lower()


SLOW = {
    "silence": trickle(b"", b""),
    "status line": trickle(b"HTTP/1.1 2", b"0"),
    "headers": trickle(b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n"),
    "one header": trickle(b"HTTP/1.1 200 OK\r\nX-A: ", b"b"),
    "endless 100 Continue": trickle(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "body": trickle(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b"{"),
    "chunks": trickle(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n{\r\n"),
    "chunk size": trickle(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0"),
    "body of a redirect": trickle(b"HTTP/1.1 302 OK\r\nLocation: /\r\nContent-Length: 1000\r\n\r\n", b"{"),
}
slow = pytest.mark.parametrize("answer", SLOW.values(), ids=SLOW.keys())


@slow
def test_a_slow_answer_ends_at_the_deadline(answer: Callable[..., None]) -> None:
    """One deadline holds for all of an exchange, however often a byte arrives."""
    with RawServer(answer) as server, pytest.raises(TimeoutOccurred, match=r"did not answer within 0\.3 s"):
        post(server, HURRIED)


@slow
def test_nothing_is_left_of_a_slow_answer(answer: Callable[..., None]) -> None:
    """At the deadline the connection is cut, and its thread ends, though the provider goes on."""
    with RawServer(answer) as server:
        with pytest.raises(TimeoutOccurred):
            post(server, HURRIED)
        await_channel_threads()


def test_attempts_share_one_deadline() -> None:
    """A provider that is always busy does not get the whole time for each attempt."""
    busy = http(503, Retry_After="0")
    with RawServer(busy, busy, trickle(b"", b"")) as server:
        with pytest.raises(TimeoutOccurred):
            Channel(0.5).post(server.url, FORM, CLIENT, attempts=3)
        assert server.connections == 3


def test_it_works_in_many_threads_at_once() -> None:
    """Nothing is shared between exchanges."""
    replies: list[bytes] = []
    with RawServer(json_reply("{}")) as server:
        threads = [threading.Thread(target=lambda: replies.append(post(server).body)) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE_SECONDS)
    assert replies == [b"{}"] * 16


def test_a_process_that_can_start_no_thread(no_more_threads: None) -> None:
    """It is an error of ours, with what to do."""
    with pytest.raises(ProviderUnavailable, match="was not asked: can't start new thread") as caught:
        PATIENT.get("http://127.0.0.1:9/")
    assert "fewer threads" in caught.value.hint


@pytest.mark.platform("linux")
def test_no_file_stays_open() -> None:
    """After an exchange, good or bad, there are as many open files as before."""

    def exchange() -> None:
        for answer in (
            json_reply("{}"),
            http(302, b"x" * 5000, Location="/"),
            http(200, b"x" * 2 * MIB),
            b"junk",
        ):
            with RawServer(answer) as server, suppress(RequestsAuthException):
                post(server)
        await_channel_threads()

    exchange()
    before = len(list(OPEN_FILES.iterdir()))
    exchange()
    assert len(list(OPEN_FILES.iterdir())) == before
