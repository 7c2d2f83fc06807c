"""The loopback listener over real sockets: one answer, its page, and a port that is let go."""

import asyncio
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from time import monotonic

import pytest
from callback import (
    ANSWER,
    AUTHORIZATION_URL,
    CODE,
    PATH,
    QUERY,
    STATE,
    Notes,
    SignIn,
    is_open,
    loopback,
    request,
    tell,
)
from wire import PATIENCE_SECONDS, connected, status_of

from requests_auth_profiles._oauth2.page import bounce, signed_in
from requests_auth_profiles.errors import (
    AuthenticationFailed,
    RedirectPortUnavailable,
    SignInRefused,
    TimeoutOccurred,
)
from requests_auth_profiles.testing import AuthorizationServer, Client

BOTH = ("127.0.0.1", "::1")
LISTENS = "0A"
LOOPBACKS = {"0100007F", "00000000000000000000000001000000"}  # as /proc/net/tcp and tcp6 write them


def free_port() -> int:
    """A port that nobody listens on, of either family."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def listening_addresses(port: int) -> set[str]:
    """The addresses that are listened on at a port, of whatever family, as the kernel writes them."""
    tables = (Path(f"/proc/net/{table}").read_text().splitlines()[1:] for table in ("tcp", "tcp6"))
    rows = (row.split() for table in tables for row in table)
    found = (row[1].split(":") for row in rows if row[3] == LISTENS)
    return {address for address, at in found if int(at, 16) == port}


# --- the answer and its page


def test_the_answer_comes_back() -> None:
    """The program gets what the provider said."""
    with SignIn() as sign_in:
        assert sign_in.finish() == ANSWER


def test_the_person_is_invited_once_and_told_of_the_wait() -> None:
    """The attendant gets profile, provider and address, the time that is left, and a word at the end."""
    notes = Notes()
    with pytest.raises(TimeoutOccurred), loopback(attendant=notes, timeout_seconds=0.8) as listening:
        listening(AUTHORIZATION_URL, STATE)
    assert notes.invited == [("work", "idp.example", AUTHORIZATION_URL)]
    assert len(notes.seconds_left) > 1
    assert notes.seconds_left == sorted(notes.seconds_left, reverse=True)
    assert notes.seconds_left[0] <= 0.8
    assert notes.ended == 1


class Guest(Notes):
    """An attendant whose answer is there before the invitation has ended."""

    def invite(self, profile: str, provider: str, authorization_url: str) -> None:
        port = int(authorization_url)
        threading.Thread(target=tell, args=(port, request(port))).start()


def test_an_answer_may_be_quicker_than_the_wait() -> None:
    """It listens before the person is sent away."""
    with loopback(attendant=Guest()) as listening:
        assert listening(listening.redirect_uri.split(":")[2].partition("/")[0], STATE) == ANSWER


def test_the_page_says_who_signed_in_where() -> None:
    """The browser gets the page of a good end, its headers and not a byte more."""
    page = signed_in("work", "idp.example")
    with SignIn() as sign_in:
        head, _, body = sign_in.get().partition(b"\r\n\r\n")
    fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    assert (status_of(head), fields, body) == (200, dict(page.headers), page.body)


def test_the_page_tells_that_it_failed() -> None:
    """A sign-in that ends badly after the answer came is not called a good one, and markup stays text."""
    failure = SignInRefused("refused", error="access_denied", error_description="<script>alert(1)</script>")
    with SignIn(failure=failure) as sign_in:
        reply = sign_in.get()
        assert sign_in.outcome.exception(PATIENCE_SECONDS) is failure
    assert status_of(reply) == 400
    assert b"&lt;script&gt;alert(1)" in reply
    assert b"<script>alert" not in reply


def test_nothing_of_an_unforeseen_error_is_shown() -> None:
    """What an error that is not ours says is for the program, not for a page."""
    with SignIn(failure=ValueError("s3cret")) as sign_in:
        reply = sign_in.get()
    assert status_of(reply) == 400
    assert b"s3cret" not in reply


def test_the_page_holds_nothing_of_the_answer() -> None:
    """Neither code nor state stand in the page or its headers."""
    with SignIn() as sign_in:
        reply = sign_in.get()
    assert not [secret for secret in (CODE, STATE) if secret.encode() in reply]


def test_a_line_break_in_a_parameter_writes_no_header() -> None:
    """What comes percent-encoded ends in no header of ours."""
    with SignIn() as sign_in:
        reply = sign_in.get(f"{PATH}?{QUERY}&x=%0d%0aSet-Cookie:%20y=1")
    assert (status_of(reply), b"Set-Cookie" in reply) == (200, False)


def test_a_fragment_is_fetched_and_taken() -> None:
    """The provider's answer in the fragment comes in a POST of the page that the redirect gets."""
    with SignIn() as sign_in:
        page = sign_in.get(PATH)
        reply = tell(sign_in.port, request(sign_in.port, PATH, "POST", QUERY.encode()))
        assert (status_of(page), page.endswith(bounce().body), status_of(reply)) == (200, True, 200)
        assert sign_in.outcome.result(PATIENCE_SECONDS) == ANSWER


def test_a_browser_that_left_does_not_matter() -> None:
    """The tab may be closed once the answer is there."""
    with SignIn() as sign_in:
        sign_in.exchange.clear()
        with connected(sign_in.port) as connection:
            connection.sendall(request(sign_in.port))
            assert sign_in.answered.wait(PATIENCE_SECONDS)
            # Closed so, it is reset.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        sign_in.exchange.set()
        assert sign_in.outcome.result(PATIENCE_SECONDS) == ANSWER


def test_it_works_beside_an_event_loop() -> None:
    """In a notebook, where a loop runs in the caller's own thread, the answer comes all the same."""

    async def cell() -> object:
        with loopback(attendant=Guest()) as listening:
            return listening(listening.redirect_uri.split(":")[2].partition("/")[0], STATE)

    assert asyncio.run(cell()) == ANSWER


def test_nothing_of_the_answer_is_logged(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """At DEBUG, and with asyncio's own debugging, neither code nor state are written anywhere."""
    monkeypatch.setenv("PYTHONASYNCIODEBUG", "1")
    caplog.set_level(logging.DEBUG)
    with SignIn() as sign_in:
        for target in (f"{PATH}?code={CODE}&state=x{STATE}", f"/x?{QUERY}", f"{PATH}?{QUERY}&error={CODE}"):
            sign_in.get(target)
        tell(sign_in.port, f"GET {PATH}?{QUERY}".encode())
        assert sign_in.finish() == ANSWER
    written = "".join((caplog.text, repr([record.args for record in caplog.records]), *capfd.readouterr()))
    assert "asyncio" in written
    assert not [secret for secret in (CODE, STATE) if secret in written]


# --- where it listens


@pytest.mark.platform("linux")
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "login.acme.com"])
def test_it_listens_on_loopback_addresses_only(host: str) -> None:
    """Whatever the redirect URI's host is, nobody of another machine can knock."""
    with SignIn(host=host) as sign_in:
        found = listening_addresses(sign_in.port)
    assert found == ({"0100007F"} if host == "127.0.0.1" else LOOPBACKS)


@pytest.mark.parametrize("address", BOTH)
def test_a_name_is_answered_over_both_protocols(address: str) -> None:
    """`localhost` may be either address to a browser."""
    with SignIn() as sign_in:
        reply = tell(sign_in.port, request(sign_in.port), address)
        assert (status_of(reply), sign_in.outcome.result(PATIENCE_SECONDS)) == (200, ANSWER)


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost", "login.acme.com"])
def test_the_redirect_uri_has_the_host_and_the_port(host: str) -> None:
    """The provider is told where it really listens, by the host that the profile says, which may knock."""
    with SignIn(host=host) as sign_in:
        assert sign_in.redirect_uri == f"http://{host}:{sign_in.port}{PATH}"
        assert sign_in.port > 0
        address = "::1" if host == "[::1]" else "127.0.0.1"
        assert (
            status_of(tell(sign_in.port, request(sign_in.port, Host=f"{host}:{sign_in.port}"), address))
            == 200
        )


def test_any_free_port_is_one_of_its_own() -> None:
    """Two sign-ins that may have any port do not meet."""
    with loopback() as first, loopback() as second:
        assert first.redirect_uri != second.redirect_uri


def test_the_first_port_that_is_free_is_taken() -> None:
    """A list of ports is tried in order."""
    wanted = free_port()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports = [taken.getsockname()[1], wanted, free_port()]
        with loopback(ports=ports) as listening:
            assert listening.redirect_uri == f"http://localhost:{wanted}{PATH}"


@pytest.mark.parametrize(("address", "family"), [("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)])
def test_nobody_else_may_have_the_other_address(address: str, family: socket.AddressFamily) -> None:
    """A name is listened on at both addresses or not at all: the answer could go to the other one."""
    with socket.create_server((address, 0), family=family) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(RedirectPortUnavailable, match=str(port)), loopback(ports=[port]):
            pass
        assert is_open(port, address)
        assert not is_open(port, *({*BOTH} - {address}))


HOLDER = """
import socket

listening = socket.create_server(("127.0.0.1", 0))
print(listening.getsockname()[1], flush=True)
input()
"""


@pytest.mark.platform("linux")
def test_a_busy_port_and_who_has_it_are_named() -> None:
    """The error says which port, which process, and what to write."""
    command = [sys.executable, "-c", HOLDER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        port = int(holder.stdout.readline())
        with pytest.raises(RedirectPortUnavailable) as caught, loopback(ports=[port]):
            pass
        holder.communicate("\n")
    assert f"{port} (taken by python" in str(caught.value)
    assert f"(pid {holder.pid})" in str(caught.value)
    assert "redirect_port = 0" in caught.value.hint


@pytest.mark.platform("linux")
def test_a_port_that_we_hold_ourselves_is_named_too() -> None:
    """Two sign-ins of one program on one port: the second one's error says that it is this program."""
    with Path(os.devnull).open() as lower, loopback() as first:
        lower.close()  # the number of the descriptor that the list of descriptors is then read with
        port = int(first.redirect_uri.split(":")[2].partition("/")[0])
        with pytest.raises(RedirectPortUnavailable) as caught, loopback(ports=[port]):
            pass
    assert f"(pid {os.getpid()})" in str(caught.value)


# --- its end


def test_nobody_listens_after_the_answer() -> None:
    """One sign-in, one answer: the port is let go at both addresses."""
    with SignIn() as sign_in:
        sign_in.finish()
        assert [is_open(sign_in.port, address) for address in BOTH] == [False, False]


def test_nobody_listens_after_an_error() -> None:
    """A sign-in that failed lets the port go too."""
    with SignIn(failure=SignInRefused("refused", error="access_denied")) as sign_in:
        sign_in.get()
        assert sign_in.outcome.exception(PATIENCE_SECONDS)
        assert [is_open(sign_in.port, address) for address in BOTH] == [False, False]


def test_nobody_listens_after_a_sign_in_that_never_began() -> None:
    """Where the provider cannot be reached, nobody is sent there, and the port is let go."""
    with loopback() as listening:
        port = int(listening.redirect_uri.split(":")[2].partition("/")[0])
    assert [is_open(port, address) for address in BOTH] == [False, False]


def test_the_same_port_can_be_had_at_once_again() -> None:
    """A fixed port is no reason to wait after a sign-in: connections that linger do not keep it."""
    with SignIn() as first:
        first.finish()
        with SignIn(ports=[first.port]) as second:
            assert second.finish() == ANSWER


def test_no_thread_is_left() -> None:
    """A program that signs in often does not fill up."""
    with SignIn(failure=SignInRefused("refused", error="access_denied")) as sign_in:
        sign_in.get()
    assert not [thread.name for thread in threading.enumerate() if "loopback" in thread.name]


def test_a_process_that_can_start_no_thread(no_more_threads: None) -> None:
    """It invites nobody, says what to do, and lets the port go."""
    notes = Notes()
    with (
        pytest.raises(AuthenticationFailed, match="nobody could be asked") as caught,
        loopback(attendant=notes) as listening,
    ):
        port = int(listening.redirect_uri.split(":")[2].partition("/")[0])
        listening(AUTHORIZATION_URL, STATE)
    assert ("fewer threads" in caught.value.hint, notes.invited, is_open(port)) == (True, [], False)


def test_there_is_one_deadline_for_all() -> None:
    """Neither requests that go on coming nor one that never ends put the end of the wait off."""
    started = monotonic()
    with SignIn(timeout_seconds=1) as sign_in, connected(sign_in.port) as silent:
        silent.sendall(b"GET /")
        while not sign_in.outcome.done() and monotonic() < started + PATIENCE_SECONDS:
            with suppress(ConnectionError), connected(sign_in.port) as other:
                other.sendall(request(sign_in.port, "/favicon.ico"))
        error = sign_in.outcome.exception(0)
        assert isinstance(error, TimeoutOccurred)
        assert 1 <= monotonic() - started < 5
        assert "nobody signed in to idp.example for work within 1 s" in str(error)


INTERRUPTED = """
from requests_auth_profiles import profile

try:
    profile("ada").login()
except KeyboardInterrupt:
    print("interrupted", flush=True)
profile("ada").login()
print("signed in", flush=True)
"""
BROWSER = """#!/bin/sh
# Does nothing at first, then what a browser does.
[ -e "{folder}/came" ] && exec "{python}" -c 'import sys, urllib.request as u; u.urlopen(sys.argv[1])' "$1"
: > "{folder}/came"
"""


@pytest.mark.platform("linux", "darwin")
def test_ctrl_c_leaves_port_and_lock_free(home: Path) -> None:
    """A person who gives up can start again at once, at the same port, and nothing half-done is left."""
    browser = home / "browser"
    browser.write_text(BROWSER.format(folder=home, python=sys.executable))
    browser.chmod(0o700)
    port = free_port()
    with AuthorizationServer() as server:
        server.clients["app"] = Client()
        file = home / "profiles.toml"
        file.write_text(
            f'[profiles.ada]\nflow = "authorization-code-pkce"\nissuer = "{server.issuer}"\n'
            f'client_id = "app"\nredirect_port = {port}\ntimeout = {PATIENCE_SECONDS}\n'
        )
        variables = {"BROWSER": f"{browser} %s", "REQUESTS_AUTH_PROFILES_FILE": str(file)}
        with subprocess.Popen(
            [sys.executable, "-c", INTERRUPTED],
            env=os.environ | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as program:
            deadline = monotonic() + PATIENCE_SECONDS
            while not (home / "came").exists() and monotonic() < deadline:
                threading.Event().wait(0.05)
            program.send_signal(signal.SIGINT)
            stdout, stderr = program.communicate(timeout=PATIENCE_SECONDS * 2)
    assert stdout == "interrupted\nsigned in\n", stderr
    tokens = home / ".local/state/requests-auth/tokens"
    assert [path.name for path in tokens.iterdir() if path.suffix != ".lock"] == ["ada.json"]
