"""Faults 21 to 38 of requests_auth 8.0.0: the token endpoint and the refresh. None of them is ours."""

import base64
import json
import logging
import random
import time
from pathlib import Path

import pytest
import requests
from faults import PASSWORD, REFUSED, SECRET, World, world
from requests.auth import HTTPBasicAuth
from wire import RawServer, endless, http, trickle, words_of

from requests_auth_profiles import (
    GrantNotProvided,
    InvalidToken,
    OAuth2AuthorizationCode,
    OAuth2ClientCredentials,
    OAuth2Implicit,
    OAuth2ResourceOwnerPasswordCredentials,
    RequestsAuthException,
    TimeoutOccurred,
    TokenMemoryCache,
)
from requests_auth_profiles.errors import ConfigurationError, InvalidProviderResponse, ProviderUnavailable
from requests_auth_profiles.testing import Client, Reply

__all__ = ["world"]


def test_fault_21_token_request_follows_redirect(world: World) -> None:
    """A 307 of the token endpoint is an error, and the host that it points to hears nothing."""
    with RawServer(http(200)) as elsewhere:
        world.server.replies["token"].append(Reply(307, {"Location": elsewhere.url}))
        with pytest.raises(InvalidProviderResponse, match="redirect"):
            world.call(world.password(session_auth=("job", SECRET)))
        assert elsewhere.connections == 0


def test_fault_22_session_changed(world: World) -> None:
    """The session that was given has the auth afterwards that it had before, and tells others nothing."""
    for auth_before in (None, ("user", "own")):
        with requests.Session() as session:
            session.auth = auth_before
            before = dict(session.headers)
            world.call(world.machine(session=session))
            basic = HTTPBasicAuth("job", "p%2541ss%2Bword%2Fx")
            world.call(world.password(session=session, session_auth=basic))
            world.call(world.code(session=session))
            assert (session.auth, dict(session.headers)) == (auth_before, before)
            session.get(f"{world.api.url}/echo", timeout=20)
        assert world.api.requests[-1].basic == auth_before


def test_fault_23_netrc_on_token_request(world: World, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What ~/.netrc has for the provider's host is not sent with a public client's token request."""
    netrc = home / ".netrc"
    netrc.write_text("machine 127.0.0.1 login netrc-user password netrc-password\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    assert requests.get(f"{world.api.url}/echo", timeout=20).json()["headers"]["Authorization"]
    assert world.call(world.pkce()).status_code == 200
    token_request = next(one for one in world.server.requests if one.path == "/token")
    assert "Authorization" not in token_request.headers


def test_fault_24_refresh_token_erased(world: World) -> None:
    """A refresh that brings no other refresh token leaves the one that there is in force."""
    world.server.rotate, world.server.lifetime_seconds = False, 0
    auth = world.code()
    assert len({world.sent(auth) for _ in range(3)}) == 3
    refresh_tokens = [form.get("refresh_token") for form in world.token_forms]
    assert refresh_tokens[0] is None
    assert refresh_tokens[1] == refresh_tokens[2] is not None
    assert len(world.browser.urls) == 1


def test_fault_25_unavailable_taken_for_refused(world: World) -> None:
    """A provider that is busy during a refresh opens no browser, and is asked again later."""
    world.server.lifetime_seconds = 0
    auth = world.code()
    world.sent(auth)
    world.server.replies["token"].extend([Reply(503)] * 2)
    with pytest.raises(ProviderUnavailable):
        world.call(auth, "/echo")
    world.sent(auth)
    assert len(world.browser.urls) == 1
    assert len({form["refresh_token"] for form in world.token_forms[1:]}) == 1


def test_fault_26_refresh_token_gone_before_attempt(world: World) -> None:
    """A provider that could not be reached once is sent the refresh token at the next call."""
    world.server.lifetime_seconds = 0
    auth = world.code(timeout=5)
    world.sent(auth)
    world.server.stop()
    with pytest.raises(RequestsAuthException):
        world.call(auth, "/echo")
    world.server.start()
    world.sent(auth)
    assert [form["grant_type"] for form in world.token_forms] == ["authorization_code", "refresh_token"]
    assert len(world.browser.urls) == 1


def test_fault_27_refresh_without_expires_in(world: World) -> None:
    """A refresh that does not say when its token ends brings a token that is used and kept."""
    world.server.lifetime_seconds = 0
    auth = world.code()
    world.sent(auth)
    world.answer_next({"access_token": "fresh", "token_type": "Bearer"})
    assert [world.sent(auth) for _ in range(2)] == ["fresh"] * 2
    assert len(world.token_forms) == 2


def test_fault_28_login_without_expires_in(world: World) -> None:
    """An opaque token without `expires_in`, or with 0, is accepted."""
    world.answer_next({"access_token": "opaque"})
    world.answer_next({"access_token": "brief", "expires_in": 0})
    assert [world.sent(world.code(scope=scope)) for scope in ("one", "two")] == ["opaque", "brief"]


def test_fault_29_strange_expires_in(world: World) -> None:
    """A number of seconds is taken in any form; what is none is an error of ours."""
    for number, strange in enumerate(("3599.5", 1e12, -5, "3600", None, 10**400)):
        world.answer_next({"access_token": "good", "expires_in": strange})
        assert world.sent(world.machine(scope=f"good{number}")) == "good"
    for number, strange in enumerate(("soon", [1], True, {})):
        world.answer_next({"access_token": "bad", "expires_in": strange})
        with pytest.raises(InvalidToken, match="expires_in"):
            world.sent(world.machine(scope=f"bad{number}"))


def test_fault_30_reply_of_another_shape(world: World) -> None:
    """A reply that is no JSON object, or whose token is no token, is an error of ours; nothing is sent."""
    tokens = ({"a": 1}, 5, ["t"], "a\r\nX-Injected: 1", "a b", "é", "")
    for strange in ([1], 5, "text", None, *({"access_token": token} for token in tokens)):
        world.answer_next(strange)
        with pytest.raises(InvalidProviderResponse):
            world.sent(world.machine())
    assert not world.api.requests


def test_fault_31_jwt_misread() -> None:
    """The end of a token is read from any JWT body, and what cannot be read is no failure."""

    def part(document: object) -> str:
        data = json.dumps(document, ensure_ascii=False).encode()
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    def won(token: str) -> int:
        cache, calls = TokenMemoryCache(), []
        for _ in range(2):
            got = cache.get_token("k", on_missing_token=lambda: (calls.append(1) or "k", token))
            assert got == token
        return len(calls)

    chance = random.Random(31)
    head = part({"alg": "none"})
    for _ in range(300):
        name = "".join(chance.choices('éÜ~?ñ"\\字 aZ', k=12))
        for ends, times in ((time.time() + 3600, 1), (1, 2)):
            assert won(f"{head}.{part({'name': name, 'exp': int(ends)})}.c2ln") == times
    for body in ("a.b.c", part({"exp": "soon"}), part({"exp": 1e15})):
        assert won(f"{head}.{body}.c2ln") == 1


def test_fault_32_form_reply_not_decoded(world: World) -> None:
    """A reply in the form of a query is decoded, whatever it is said to be."""
    for number, (sent, token) in enumerate((("abc%3D%3D", "abc=="), ("a%2Fb", "a/b"))):
        body = f"access_token={sent}&token_type=bearer".encode()
        world.server.replies["token"].append(Reply(200, {"Content-Type": "text/html"}, body))
        assert world.sent(world.machine(scope=str(number))) == token


def test_fault_33_token_type_ignored(world: World) -> None:
    """A token that is not a bearer token is not sent as one; the case of the type does not matter."""
    for strange in ("DPoP", "mac", ["Bearer"]):
        world.answer_next({"access_token": "bound", "token_type": strange})
        with pytest.raises(InvalidToken, match="bearer"):
            world.sent(world.machine())
    world.answer_next({"access_token": "good", "token_type": "BEARER"})
    assert world.sent(world.machine()) == "good"


def test_fault_34_basic_not_encoded(world: World) -> None:
    """A server that decodes the client's id and secret, as the standard says, gets what was given."""
    for number, secret in enumerate(("p%41ss+word/x", "пароль", "a:b&c=d e")):
        world.server.clients[f"job:{number} ü"] = Client(secret=secret)
        assert world.call(world.machine(f"job:{number} ü", secret)).status_code == 200


def test_fault_35_reply_without_limit(world: World) -> None:
    """A reply that never ends is cut off by size, and one that trickles by time."""
    head = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{"access_token": "'
    with RawServer(endless(head, b"A" * 65536)) as large:
        with pytest.raises(InvalidProviderResponse, match="more than"):
            world.call(world.machine(token_url=large.url))
        assert large.left.wait(20)
    with RawServer(trickle(head, b"A")) as slow:
        with pytest.raises(TimeoutOccurred):
            world.call(world.machine(token_url=slow.url, timeout=1))
        assert slow.left.wait(20)


def test_fault_36_refused_token_kept(world: World) -> None:
    """An API that refuses a token gets another one, once for each call, however often it refuses."""
    auth = world.code()
    world.call(auth)
    world.api.replies["me"].append(REFUSED)
    assert world.call(auth).status_code == 200
    assert [form["grant_type"] for form in world.token_forms] == ["authorization_code", "refresh_token"]
    world.api.replies["me"].extend([REFUSED] * 10)
    before = world.api.count("me")
    assert world.call(auth).status_code == 401
    assert (world.api.count("me") - before, len(world.token_forms)) == (2, 3)


def test_fault_37_plain_http_endpoint(world: World) -> None:
    """An endpoint of another host is refused unless it is https, before anything is sent to it."""
    plain = "http://idp.example/token"
    for make in (
        lambda: OAuth2ClientCredentials(plain, "job", SECRET),
        lambda: OAuth2ResourceOwnerPasswordCredentials(plain, "ada", PASSWORD),
        lambda: OAuth2AuthorizationCode("https://idp.example/authorize", plain),
        lambda: OAuth2AuthorizationCode(plain, "https://idp.example/token"),
        lambda: OAuth2Implicit(plain),
    ):
        with pytest.raises(ConfigurationError, match="https"):
            make()


def test_fault_38_secrets_in_errors_and_logs(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """No error and no line of a log, down to DEBUG, has a secret, a code or a token in it."""
    caplog.set_level(logging.DEBUG)
    world.answer_next({"refresh_token": "REFRESH-CANARY", "id_token": "ID-CANARY", "Access": "ACCESS-CANARY"})
    with pytest.raises(GrantNotProvided) as caught:
        world.call(world.code(client_secret="SECRET-CANARY"))
    assert "CANARY" not in words_of(caught.value)
    token = world.sent(world.code())
    ours = [record.getMessage() for record in caplog.records if "requests_auth" in record.name]
    codes = [form["code"] for form in world.token_forms]
    said = "\n".join([*ours, *(record.getMessage() for record in caplog.records if "CANARY" in str(record))])
    assert not [secret for secret in ("CANARY", token, *codes, SECRET) if secret in said]
