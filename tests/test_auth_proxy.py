"""Plain http to this machine is confidential as long as no proxy stands between."""

from collections.abc import Iterator

import pytest
import requests
from auths import key_in_header, unasked
from wire import RawServer, http

from requests_auth_profiles.errors import HostNotAllowed
from requests_auth_profiles.testing import ProtectedApi

HOSTS = ["127.0.0.1", "localhost", "[::1]"]


@pytest.fixture(autouse=True)
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[RawServer]:
    """A proxy that the environment names for everything."""
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with RawServer(http(200)) as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        yield proxy


@pytest.fixture
def api() -> Iterator[ProtectedApi]:
    """An API of this machine."""
    with ProtectedApi(api_keys={"k3y"}) as api:
        yield api


@pytest.mark.parametrize("host", HOSTS)
def test_no_secret_goes_to_a_proxy_in_clear(proxy: RawServer, host: str) -> None:
    """The request is refused before the secret is looked up, and the hint says what to type."""
    with pytest.raises(HostNotAllowed, match="through the proxy") as caught:
        requests.get(f"http://{host}:1/", auth=unasked(), timeout=10)
    assert (caught.value.hint, proxy.connections) == ("export NO_PROXY=localhost,127.0.0.1,::1", 0)


def test_nor_to_one_for_all_schemes(monkeypatch: pytest.MonkeyPatch, proxy: RawServer) -> None:
    """`all_proxy` is one too."""
    monkeypatch.delenv("http_proxy")
    monkeypatch.setenv("all_proxy", f"http://127.0.0.1:{proxy.port}")
    with pytest.raises(HostNotAllowed, match="through the proxy"):
        requests.get("http://127.0.0.1:1/", auth=unasked(), timeout=10)


@pytest.mark.parametrize("host", HOSTS)
def test_what_the_hint_says_helps(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    """With NO_PROXY as the hint has it, every name of this machine may be called."""
    monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1,::1")
    key_in_header().check(f"http://{host}:1/")


def test_past_the_proxy_it_goes(api: ProtectedApi, monkeypatch: pytest.MonkeyPatch, proxy: RawServer) -> None:
    """A host that NO_PROXY names is called directly, with the key."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert requests.get(f"{api.url}/key", auth=key_in_header(), timeout=10).status_code == 200
    assert proxy.connections == 0


def test_https_goes_through_a_proxy(monkeypatch: pytest.MonkeyPatch, proxy: RawServer) -> None:
    """What is encrypted up to its host is no secret to tell."""
    monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.port}")
    key_in_header().check("https://localhost:1/")


def test_a_profile_that_allows_http(proxy: RawServer) -> None:
    """Who wrote `allow_http` has said that others may read it."""
    unasked(allow_http=True).check("http://127.0.0.1:1/")
