"""Faults 1 to 20 of requests_auth 8.0.0: the sign-in in the browser. None of them is ours."""

import json
import socket
import sys
import time
import webbrowser
from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from conftest import RunProgram
from elsewhere import elsewhere
from faults import SECRET, World, query, redirect_port, stranger, world
from forgeries import Claims, changed, of_another, of_public_key, unsigned
from wire import PATIENCE_SECONDS, connected, json_reply, knock, status_of

from requests_auth_profiles import (
    AuthenticationFailed,
    InvalidToken,
    OktaAuthorizationCode,
    OktaAuthorizationCodePKCE,
    OktaImplicitIdToken,
    TimeoutOccurred,
    WakaTimeAuthorizationCode,
)
from requests_auth_profiles.testing import Reply
from requests_auth_profiles.testing._signer import Signer

__all__ = ["world"]

NOBODY_COMES: dict[str, Any] = {"redirect_uri_port": 0, "timeout": 0.2}


def test_fault_01_constant_state(world: World, run_python: RunProgram) -> None:
    """The state is another one in each object and each process."""
    world.browser.visit = lambda url: None
    for auth in (world.code(**NOBODY_COMES), world.code(**NOBODY_COMES)):
        with pytest.raises(TimeoutOccurred):
            world.call(auth)
    script = f"""
from requests_auth_profiles import OAuth2AuthorizationCode as Code, TimeoutOccurred
import requests
auth = Code({world.authorize!r}, {world.token!r}, client_id="app", redirect_uri_port=0, timeout=0)
try:
    requests.get({world.api.url!r}, auth=auth)
except TimeoutOccurred:
    pass
"""
    said = run_python("-c", script).stderr
    states = [one["state"] for one in world.browser.asked] + [said.split("&state=")[1].split("&")[0].strip()]
    assert len(set(states)) == 3
    assert all(len(state) >= 43 for state in states)  # 256 bits in base64url


def test_fault_02_state_not_compared(world: World) -> None:
    """A code that comes with another state is answered 400 and never sent to the token endpoint."""

    def visit(url: str) -> None:
        attack = query(code="ATTACKER_CODE", state="totally-wrong")
        world.browser.pages.append(stranger(redirect_port(url), "GET", attack))
        world.browser.arrive(url)

    world.browser.visit = visit
    assert world.call(world.code()).json()["hello"] == "ada"
    assert list(map(status_of, world.browser.pages)) == [400, 200]
    assert "ATTACKER_CODE" not in [form["code"] for form in world.token_forms]


def test_fault_03_token_under_received_state(world: World) -> None:
    """A token that comes with the state of another sign-in is kept nowhere, in no profile's slot."""
    first, second = world.implicit(scope="one"), world.implicit(scope="two")
    world.call(first)

    def visit(url: str) -> None:
        states = [asked["state"] for asked in world.browser.asked]
        attack = query(access_token="ATTACKER", state=states[0])[2:]
        world.browser.pages.append(stranger(redirect_port(url), "POST", "/", attack))
        world.browser.arrive(url)

    world.browser.visit = visit
    assert {world.call(auth).status_code for auth in (second, first, second)} == {200}
    assert list(map(status_of, world.browser.pages)) == [200, 400, 200]
    assert "ATTACKER" not in {one.credentials("Bearer") for one in world.api.requests}


def test_fault_04_verifier_made_once(world: World) -> None:
    """Each sign-in of one object has its own challenge, verifier, nonce and state, also after an error."""
    auth = world.pkce(nonce="constant", scope="openid")
    world.server.lifetime_seconds = 0
    world.server.rotate = False
    for failing in (True, False, False):
        world.answer_next({"access_token": "once", "expires_in": 0})
        if failing:
            world.server.replies["token"][-1] = Reply.json({"error": "invalid_request"}, 400)
        with ExitStack() as stack:
            if failing:
                stack.enter_context(pytest.raises(Exception, match="invalid_request"))
            world.call(auth, "/echo")
    for name in ("code_challenge", "nonce", "state"):
        assert len({asked[name] for asked in world.browser.asked}) == 3
    assert len({form["code_verifier"] for form in world.token_forms}) == 3


def test_fault_05_code_without_pkce(world: World) -> None:
    """The classes without PKCE in their name use it too."""
    world.call(world.code())
    okta = OktaAuthorizationCode("acme.okta.invalid", "app", **NOBODY_COMES)
    wakatime = WakaTimeAuthorizationCode("app", SECRET, "email", **NOBODY_COMES)
    world.browser.visit = lambda url: None
    for auth in (okta, wakatime):
        with pytest.raises(TimeoutOccurred):
            world.call(auth)
    assert [asked["code_challenge_method"] for asked in world.browser.asked] == ["S256"] * 3
    assert len(world.token_forms[0]["code_verifier"]) >= 43


def test_fault_06_secret_in_browser_url(world: World) -> None:
    """The client's secret is not in the address that the browser opens, in whatever class it is given."""
    world.browser.visit = lambda url: None
    secret: dict[str, Any] = {"client_secret": "CSECRET", **NOBODY_COMES}
    for auth in (
        WakaTimeAuthorizationCode("app", scope="email", **secret),
        OktaAuthorizationCode("acme.okta.invalid", "app", **secret),
        OktaAuthorizationCodePKCE("acme.okta.invalid", "app", **secret),
        world.code(**secret),
        world.pkce(**secret, password="CSECRET"),
        world.implicit(**secret),
    ):
        with pytest.raises(TimeoutOccurred):
            world.call(auth)
    assert len(world.browser.urls) == 6
    assert "CSECRET" not in "".join(world.browser.urls)


@pytest.mark.platform("linux")
def test_fault_07_listener_on_all_addresses(world: World) -> None:
    """The listener is bound to the loopback addresses only."""
    addresses = []

    def visit(url: str) -> None:
        port = f"{redirect_port(url):04X}"
        for table in ("/proc/net/tcp", "/proc/net/tcp6"):
            for line in Path(table).read_text().splitlines()[1:] if Path(table).exists() else ():
                _, local, _, state, *_ = line.split()
                if local.endswith(f":{port}") and state == "0A":
                    addresses.append(local.partition(":")[0])
        world.browser.arrive(url)

    world.browser.visit = visit
    world.call(world.code())
    assert "0100007F" in addresses
    assert set(addresses) <= {"0100007F", "00000000000000000000000001000000"}


def test_fault_08_host_path_method_unchecked(world: World) -> None:
    """The right answer at another host name, path or by another method is refused, and the wait goes on."""
    unfit = []

    def visit(url: str) -> None:
        port, target = redirect_port(url), world.browser.answer(url)
        right = f"/cb?{urlsplit(target).query}"
        unfit.append(stranger(port, "GET", right, host="evil.example"))
        unfit.append(stranger(port, "GET", right.replace("/cb", "/any/other/path")))
        unfit.append(stranger(port, "PUT", right))
        world.browser.bring(target)

    world.browser.visit = visit
    assert world.call(world.code(redirect_uri_endpoint="cb")).status_code == 200
    assert list(map(status_of, unfit)) == [403, 404, 405]


def test_fault_09_other_half_of_localhost_free(world: World) -> None:
    """While `localhost` is waited at, no other program can have the same port of 127.0.0.1 or [::1]."""

    def visit(url: str) -> None:
        for address, family in (("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)):
            with pytest.raises(OSError):
                socket.create_server((address, redirect_port(url)), family=family).close()
        world.browser.arrive(url)

    world.browser.visit = visit
    assert world.call(world.code()).status_code == 200
    assert world.browser.asked[0]["redirect_uri"].startswith("http://localhost:")


def test_fault_10_stray_request_ends_sign_in(world: World) -> None:
    """Requests of strangers, broken ones too, do not end the wait for the real answer."""
    answers = []

    def visit(url: str) -> None:
        port = redirect_port(url)
        host = f"Host: localhost:{port}\r\n".encode()
        answers.extend(
            (
                stranger(port, "GET", "/?code=x"),
                stranger(port, "POST", "/"),
                knock(port, b"POST / HTTP/1.1\r\n" + host + b"Content-Length: abc\r\n\r\n"),
                knock(port, b"GET http://[ HTTP/1.1\r\n" + host + b"\r\n"),
                stranger(port, "POST", "/", b"code=\xff\xfe&state=%ff"),
            )
        )
        world.browser.arrive(url)

    world.browser.visit = visit
    assert world.call(world.code()).status_code == 200
    assert all(400 <= status_of(answer) < 500 for answer in answers)


def test_fault_11_timeout_per_request(world: World) -> None:
    """The wait ends in time, however many requests for an icon come meanwhile."""
    polls = []

    def visit(url: str) -> None:
        enough = time.monotonic() + 15
        while time.monotonic() < enough:
            try:
                polls.append(stranger(redirect_port(url), "GET", "/favicon.ico"))
            except OSError:
                return  # it is closed: the wait is over
            time.sleep(0.05)
        raise AssertionError("the wait went on")

    world.browser.visit = visit
    with pytest.raises(TimeoutOccurred):
        world.call(world.code(timeout=1))
    assert len(polls) > 1


def test_fault_12_one_connection_at_a_time(world: World) -> None:
    """Connections that say nothing do not hold up the answer of the browser."""

    def visit(url: str) -> None:
        with ExitStack() as silent:
            for _ in range(20):  # one after the other, each would be waited for until the time is over
                silent.enter_context(connected(redirect_port(url)))
            world.browser.arrive(url)

    world.browser.visit = visit
    assert world.call(world.code(timeout=15)).status_code == 200


def test_fault_13_body_without_limit(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    """A body that is too large is refused before it is sent, and shown nowhere."""
    answers = []

    def visit(url: str) -> None:
        port = redirect_port(url)
        answers.append(stranger(port, "POST", "/", Content_Length="60000000"))
        answers.append(stranger(port, "POST", "/", b"code=" + b"MARK" * 8192))
        world.browser.arrive(url)

    world.browser.visit = visit
    assert world.call(world.code()).status_code == 200
    assert list(map(status_of, answers)) == [413, 413]
    assert "MARK" not in str(answers) + "".join(capfd.readouterr())


def test_fault_14_error_unescaped(world: World) -> None:
    """What a provider says of an error stands in the page as text, under a policy that lets nothing run."""

    def visit(url: str) -> None:
        script = "<script>alert(document.domain)</script>"
        said = query(error=script, error_description=script, state=world.browser.asked[0]["state"])
        world.browser.pages.append(stranger(redirect_port(url), "GET", said))

    world.browser.visit = visit
    with pytest.raises(AuthenticationFailed):
        world.call(world.code())
    head, _, body = world.browser.pages[0].decode().partition("\r\n\r\n")
    assert "alert(document.domain)</script>" not in body
    assert "&lt;script&gt;alert" in body
    for field in ("default-src 'none'", "Referrer-Policy: no-referrer", "Cache-Control: no-store"):
        assert field in head


def test_fault_15_error_in_query_not_understood(world: World) -> None:
    """A client without JavaScript that brings `error=access_denied` ends the wait with that error."""

    def visit(url: str) -> None:
        said = query(error="access_denied", state=world.browser.asked[0]["state"])
        world.browser.pages.append(stranger(redirect_port(url), "GET", said))

    world.browser.visit = visit
    with pytest.raises(AuthenticationFailed, match="access_denied"):
        world.call(world.code())


def test_fault_16_sign_in_page_fetched(
    world: World, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Where there is no browser, the address is printed, not fetched, and the wait ends in time."""

    def no_browser(using: str | None = None) -> webbrowser.BaseBrowser:
        raise webbrowser.Error("could not locate runnable browser")

    monkeypatch.setattr(webbrowser, "get", no_browser)
    with pytest.raises(TimeoutOccurred):
        world.call(world.code(timeout=1))
    assert world.server.count("authorize") == 0
    assert f"{world.authorize}?" in capfd.readouterr().err


def test_fault_17_port_zero_or_busy(world: World) -> None:
    """Port 0 is any free one, and a busy one is an error of ours that names it."""
    world.call(world.code())
    assert redirect_port(world.browser.urls[0]) not in {0, 80, 5000}
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        with pytest.raises(AuthenticationFailed, match=str(port)):
            world.call(world.code(redirect_uri_port=port, scope="other"))


def test_fault_18_issuer_ignored(world: World) -> None:
    """An answer that says it comes from another provider is refused, and its code is not sent anywhere."""

    def visit(url: str) -> None:
        said = query(code="x", state=world.browser.asked[0]["state"], iss="https://evil.example")
        world.browser.pages.append(stranger(redirect_port(url), "GET", said))

    world.browser.visit = visit
    with pytest.raises(AuthenticationFailed, match="RFC 9207"):
        world.call(world.code())
    assert (status_of(world.browser.pages[0]), world.token_forms) == (400, [])


def test_fault_19_port_shared(world: World, run_python: RunProgram) -> None:
    """No second process can listen on the port meanwhile, not even one that asks to share it."""
    outcomes = []

    def visit(url: str) -> None:
        script = (
            "import socket; s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); "
            f"s.bind(('127.0.0.1', {redirect_port(url)})); s.listen()"
        )
        outcomes.append(run_python("-c", script).returncode)
        world.browser.arrive(url)

    world.browser.visit = visit
    assert world.call(world.code()).status_code == 200
    assert outcomes == [1]
    assert sys.platform != "win32" or hasattr(socket, "SO_EXCLUSIVEADDRUSE")


@pytest.mark.parametrize("known", [False, True], ids=["keys unknown", "keys known"])
def test_fault_20_id_token_not_validated(world: World, tmp_path: Path, known: bool) -> None:
    """An ID token that is unsigned, for another client, of another sign-in or time is refused.

    Where the class knows the provider, so is one of another issuer, or that another signed, as with HS256.
    """
    now, provider = int(time.time()), Signer()
    wrongs: list[Claims] = [{"aud": "other"}, {"nonce": "other"}, {"exp": 1}]
    wrongs += [{"iss": "https://evil.example"}] if known else []
    makes = [unsigned, of_public_key, *([of_another, changed] if known else [])]
    makes += [lambda signer, claims, wrong=wrong: signer.id_token(claims | wrong) for wrong in wrongs]
    keys = json_reply(json.dumps(provider.jwks()))
    auth = OktaImplicitIdToken("acme.okta.com", "app", redirect_uri_port=0, timeout=PATIENCE_SECONDS)
    for make in (*makes, Signer.id_token):

        def visit(url: str, make: Callable[[Signer, Claims], str] = make) -> None:
            asked = world.browser.asked[-1]
            claims = {"iss": "https://acme.okta.com/oauth2/default", "sub": "eve", "aud": "app"}
            token = make(provider, claims | {"nonce": asked["nonce"], "iat": now, "exp": now + 60})
            answer = query(id_token=token, state=asked["state"])[2:]
            world.browser.pages.append(stranger(redirect_port(url), "POST", "/", answer))

        world.browser.visit = visit
        with (
            elsewhere(tmp_path, lambda _: keys),
            nullcontext() if make == Signer.id_token else pytest.raises(InvalidToken),
        ):
            world.call(auth if known else world.implicit(response_type="id_token"))
    assert len(world.api.requests) == 1
