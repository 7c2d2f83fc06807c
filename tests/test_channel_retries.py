"""How often the channel sends a request: what is safe, as often as is said, and in one deadline."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from references import folder
from tls import Authority, Provider, provider
from wire import PATIENCE_SECONDS, Answer, RawServer, http, json_reply, trickle

from requests_auth_profiles import profile
from requests_auth_profiles._oauth2.channel import Channel, Route
from requests_auth_profiles._oauth2.client import PublicClient
from requests_auth_profiles.errors import ProviderUnavailable, TimeoutOccurred
from requests_auth_profiles.testing import AuthorizationServer, Client, Reply

__all__ = ["folder"]

FORM = {"grant_type": "authorization_code", "code": "c0de"}
BUSY = http(503, Retry_After="0")
FINE = json_reply("{}")


@pytest.fixture
def shaky(tmp_path: Path) -> Iterator[tuple[Provider, Route]]:
    """A provider that may hang up before anything was sent, and the way to it."""
    authority = Authority(tmp_path)
    with provider(authority) as shaky:
        yield shaky, Route(ca_bundle=str(authority.certificate))


def post(channel: Channel, url: str, attempts: int = 1) -> int:
    return channel.post(url, FORM, PublicClient("app"), attempts=attempts).status


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_get_as_often_as_is_said(status: int) -> None:
    """What only reads is sent again until it is answered."""
    busy = http(status, Retry_After="0")
    with RawServer(busy, busy, busy, busy, FINE) as server:
        assert Channel(PATIENCE_SECONDS, retries=4).get(server.url).status == 200
    assert server.connections == 5


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_a_get_no_oftener(retries: int) -> None:
    """After the last attempt the trouble is told."""
    with RawServer(BUSY) as server, pytest.raises(ProviderUnavailable, match="answered 503"):
        Channel(PATIENCE_SECONDS, retries=retries).get(server.url)
    assert server.connections == retries + 1


def test_a_get_whose_answer_is_cut_off() -> None:
    """It is sent again too."""
    with RawServer(b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", FINE) as server:
        assert Channel(PATIENCE_SECONDS, retries=2).get(server.url).status == 200


@pytest.mark.parametrize("answer", [BUSY, b"", b"HTTP/1.1 2"], ids=["busy", "hung up", "cut off"])
def test_a_code_that_was_sent(answer: Answer) -> None:
    """It works once, so it is sent once, whatever was said."""
    with RawServer(answer) as server, pytest.raises(ProviderUnavailable):
        post(Channel(PATIENCE_SECONDS, retries=5), server.url)
    assert server.connections == 1


def test_a_code_that_was_not_sent(shaky: tuple[Provider, Route]) -> None:
    """While nothing of it has left, it is tried as often as is said."""
    login, route = shaky
    login.stumbles = 2
    assert post(Channel(PATIENCE_SECONDS, route=lambda: route, retries=2), login.url) == 200
    assert (login.connections, len(login.clients)) == (3, 1)


@pytest.mark.parametrize("retries", [None, 0, 1])
def test_a_code_that_cannot_be_sent(shaky: tuple[Provider, Route], retries: int | None) -> None:
    """And no oftener; where nothing is said, once."""
    login, route = shaky
    login.stumbles = 9
    with pytest.raises(ProviderUnavailable):
        post(Channel(PATIENCE_SECONDS, route=lambda: route, retries=retries), login.url)
    assert login.connections == (retries or 0) + 1


@pytest.mark.parametrize(("retries", "sent"), [(None, 3), (0, 1), (1, 2), (9, 3)])
def test_a_form_that_may_be_sent_again(retries: int | None, sent: int) -> None:
    """What may be sent so often by its nature is sent no oftener than is said."""
    with RawServer(BUSY) as server, pytest.raises(ProviderUnavailable):
        post(Channel(PATIENCE_SECONDS, retries=retries), server.url, attempts=3)
    assert server.connections == sent


@pytest.mark.parametrize("status", [400, 401, 404])
def test_an_answer_is_an_answer(status: int) -> None:
    """What the provider says of the request itself is not asked for again."""
    with RawServer(http(status)) as server:
        assert Channel(PATIENCE_SECONDS, retries=5).get(server.url).status == status
    assert server.connections == 1


def test_all_in_one_deadline() -> None:
    """However many are allowed, the time is that of one exchange."""
    with RawServer(BUSY, BUSY, trickle(b"", b"")) as server:
        with pytest.raises(TimeoutOccurred, match=r"within 0\.5 s"):
            Channel(0.5, retries=10).get(server.url)
        assert server.connections == 3


def test_a_pause_that_is_too_long() -> None:
    """Where the provider wants to be left alone for longer than there is time, that is told at once."""
    before = time.monotonic()
    with (
        RawServer(http(503, Retry_After="3600")) as server,
        pytest.raises(ProviderUnavailable, match="3600 s"),
    ):
        Channel(PATIENCE_SECONDS, retries=10).get(server.url)
    assert (server.connections, time.monotonic() - before < PATIENCE_SECONDS) == (1, True)


@pytest.fixture
def server() -> Iterator[AuthorizationServer]:
    """A provider that is busy for the first three times that somebody looks for its endpoints."""
    with AuthorizationServer() as server:
        server.clients["job"] = Client(secret="s")
        server.replies["discovery"] += [Reply(503, {"Retry-After": "0"})] * 3
        yield server


@pytest.mark.parametrize(("retries", "count"), [("3", 4), ("1", 2)])
def test_as_a_profile_says(
    folder: Path, server: AuthorizationServer, monkeypatch: pytest.MonkeyPatch, retries: str, count: int
) -> None:
    """`http.retries` is how often."""
    monkeypatch.setenv("REQUESTS_AUTH_STORE", str(folder / "store"))
    path = folder / "profiles.toml"
    path.write_text(
        f'[profiles.work]\nflow = "client-credentials"\nissuer = "{server.issuer}"\nclient_id = "job"\n'
        f'client_secret = "s"\nhttp.retries = {retries}\n'
    )
    path.chmod(0o600)
    auth = profile("work", file=path)
    if count > 3:
        assert auth.token().access_token
    else:
        with pytest.raises(ProviderUnavailable):
            auth.token()
    assert server.count("discovery") == count


def test_no_proxy_sees_what_stays_on_this_machine() -> None:
    """A provider on this machine may be called over plain http, and so by no proxy of another one."""
    with RawServer(FINE) as server:
        channel = Channel(PATIENCE_SECONDS, route=lambda: Route(proxy="http://ada:word@192.0.2.1:3128"))
        assert post(channel, server.url) == 200
    assert server.connections == 1
