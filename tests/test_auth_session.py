"""What the caller's session says holds for the API, the second request too, and for no provider."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import profiles_file
import pytest
import requests
from auths import CountingGrant, key_in_header, renewable
from requests.adapters import HTTPAdapter
from tls import Authority, Proxy, in_front_of, provider, proxy

from requests_auth_profiles import profile
from requests_auth_profiles.errors import ProviderUnavailable
from requests_auth_profiles.testing import AuthorizationServer, Client, ProtectedApi, Reply

THREADS = 20

every_one = pytest.mark.parametrize("which", range(3), ids=["own", "refused", "last"])
Nightly = Callable[..., requests.auth.AuthBase]


@pytest.fixture
def api() -> Iterator[ProtectedApi]:
    """An API that takes the second token."""
    with ProtectedApi(tokens={"t2"}) as api:
        yield api


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Who vouches for the API."""
    return Authority(tmp_path)


@pytest.fixture
def gate() -> Iterator[Proxy]:
    with proxy() as gate:
        yield gate


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy and no certificates of the person's own."""
    for name in (
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "no_proxy",
        "requests_ca_bundle",
        "curl_ca_bundle",
    ):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def port(url: str) -> int:
    return urlsplit(url).port or 0


class TestOneConnection:
    """A pool that gives out one connection, and has everybody else wait for it."""

    @pytest.fixture(autouse=True)
    def pool(self, session: requests.Session) -> None:
        session.mount("http://", HTTPAdapter(pool_connections=1, pool_maxsize=1, pool_block=True))

    @pytest.mark.parametrize("stream", [True, False])
    @pytest.mark.parametrize("path", ["/me", "/redirect?to=/me"])
    def test_a_refusal_gives_it_back(
        self, session: requests.Session, api: ProtectedApi, path: str, stream: bool
    ) -> None:
        """The second request does not wait for the connection of the first, before or behind a redirect."""
        auth = renewable(CountingGrant())
        response = session.get(f"{api.url}{path}", auth=auth, stream=stream, timeout=10)
        assert (response.status_code, response.content) == (200, b'{"hello": "world", "by": ["bearer"]}')

    @pytest.mark.parametrize("stream", [True, False])
    def test_a_refusal_that_stays_one_gives_it_back(
        self, session: requests.Session, api: ProtectedApi, stream: bool
    ) -> None:
        """Where the second is refused too, the caller's `close` is enough for the next."""
        api.tokens = set()
        for _ in range(3):
            with session.get(
                f"{api.url}/me", auth=renewable(CountingGrant()), stream=stream, timeout=10
            ) as answer:
                assert answer.status_code == 401

    def test_a_renewal_does_not_hold_it(self, session: requests.Session, api: ProtectedApi) -> None:
        """While one thread waits for its token, another one uses the connection."""
        renews, answered = threading.Event(), threading.Event()

        def accept(token: str) -> None:
            if token == "t2":
                renews.set()
                assert answered.wait(30)

        with ThreadPoolExecutor(1) as pool:
            auth = renewable(CountingGrant(accept))
            refused = pool.submit(session.get, f"{api.url}/me", auth=auth, timeout=30)
            assert renews.wait(30)
            assert session.get(f"{api.url}/echo", timeout=30).status_code == 200
            answered.set()
            assert refused.result().status_code == 200

    def test_threads(self, session: requests.Session, api: ProtectedApi) -> None:
        """Twenty that are refused, and wait for each other's renewal and connection, all come through."""
        grant = CountingGrant(accept=lambda token: setattr(api, "tokens", {token}))
        session.auth = renewable(grant)
        session.auth.token()
        api.tokens = set()
        start = threading.Barrier(THREADS)

        def call(_: int) -> int:
            start.wait(30)
            return session.get(f"{api.url}/me", timeout=30).status_code

        with ThreadPoolExecutor(THREADS) as pool:
            assert list(pool.map(call, range(THREADS))) == [200] * THREADS
        assert grant.given == 2


class TestSentByHand:
    """Requests that the caller has kept, or signed, by hand."""

    @pytest.fixture
    def other(self) -> Iterator[ProtectedApi]:
        """Another origin."""
        with ProtectedApi() as other:
            yield other

    @every_one
    def test_it_is_renewed_again(self, session: requests.Session, api: ProtectedApi, which: int) -> None:
        """What was sent before, refused or not, is no worse the next time."""
        grant = CountingGrant(accept=lambda token: setattr(api, "tokens", {token}))
        auth = renewable(grant)
        own = session.prepare_request(requests.Request("GET", f"{api.url}/me", auth=auth))
        api.tokens = set()
        answer = session.send(own, timeout=10)
        kept = [own, answer.history[0].request, answer.request][which]
        if which:  # the refused one has a token that nobody holds any more
            kept.headers["Authorization"] = f"Bearer {auth.token().access_token}"
        api.tokens = set()
        assert session.send(kept, timeout=10).status_code == 200

    @every_one
    def test_it_is_redirected(
        self, session: requests.Session, api: ProtectedApi, other: ProtectedApi, which: int
    ) -> None:
        """It loses its headers before another origin."""
        auth = renewable(CountingGrant()) + key_in_header()
        own = session.prepare_request(requests.Request("GET", f"{api.url}/redirect", auth=auth))
        api.replies["redirect"] += [Reply(401), Reply(200), Reply(302, {"Location": f"{other.url}/echo"})]
        answer = session.send(own, timeout=10)
        session.send([own, answer.history[0].request, answer.request][which], timeout=10)
        assert "X-API-Key" in api.requests[-1].headers
        assert {"X-API-Key", "Authorization"} & set(other.requests[0].headers) == set()

    def test_one_that_was_signed_twice(
        self, session: requests.Session, api: ProtectedApi, other: ProtectedApi
    ) -> None:
        """Each of both looks after what requests copies, also behind a renewal."""
        auth = renewable(CountingGrant()) + key_in_header()
        request = session.prepare_request(requests.Request("GET", f"{api.url}/redirect", auth=auth))
        api.replies["redirect"] += [Reply(401), Reply(302, {"Location": f"{other.url}/echo"})]
        session.send(auth(request), timeout=10)
        assert {"X-API-Key", "Authorization"} & set(other.requests[0].headers) == set()


class TestTheApi:
    """Each setting holds for the request that is refused, and for the one that follows."""

    def test_proxies(
        self, session: requests.Session, api: ProtectedApi, authority: Authority, gate: Proxy
    ) -> None:
        """Both go through the proxy that the session names."""
        session.proxies = {"https": f"http://{gate.host}"}
        session.verify = str(authority.certificate)
        with in_front_of(port(api.url), authority) as url:
            response = session.get(f"{url}/me", auth=renewable(CountingGrant()), timeout=10)
        assert [received.status for received in api.requests] == [401, 200]
        assert (response.status_code, gate.targets) == (200, [urlsplit(url).netloc] * 2)

    def test_verify(self, session: requests.Session, api: ProtectedApi, authority: Authority) -> None:
        """Both believe whom the session believes, and nobody else."""
        with in_front_of(port(api.url), authority) as url:
            with pytest.raises(requests.exceptions.SSLError):
                session.get(f"{url}/me", auth=renewable(CountingGrant()), timeout=10)
            session.verify = str(authority.certificate)
            response = session.get(f"{url}/me", auth=renewable(CountingGrant()), timeout=10)
        assert [answer.status_code for answer in (*response.history, response)] == [401, 200]

    def test_cert(self, session: requests.Session, api: ProtectedApi, authority: Authority) -> None:
        """Both show the session's certificate."""
        cert, key = authority.issued("ada")
        session.verify, session.cert = str(authority.certificate), (str(cert), str(key))
        with in_front_of(port(api.url), authority, clients=authority) as url:
            response = session.get(f"{url}/me", auth=renewable(CountingGrant()), timeout=10)
        assert [answer.status_code for answer in (*response.history, response)] == [401, 200]

    def test_trust_env(
        self,
        session: requests.Session,
        api: ProtectedApi,
        authority: Authority,
        gate: Proxy,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """Both heed the environment, or neither does."""
        monkeypatch.setenv("HTTPS_PROXY", f"http://{gate.host}")
        session.verify = str(authority.certificate)
        with in_front_of(port(api.url), authority) as url:
            session.get(f"{url}/me", auth=renewable(CountingGrant()), timeout=10)
            assert len(gate.targets) == 2
            session.trust_env = False
            session.get(f"{url}/me", auth=renewable(CountingGrant()), timeout=10)
        assert (len(gate.targets), len(api.requests)) == (2, 4)

    def test_timeout(self, session: requests.Session, api: ProtectedApi) -> None:
        """The second request waits no longer than the caller said."""
        api.replies["me"] += [Reply(401), Reply(delay_seconds=60)]
        with pytest.raises(requests.ReadTimeout):
            session.get(f"{api.url}/me", auth=renewable(CountingGrant()), timeout=1)


class TestTheProvider:
    """What is said for the API is not said for the provider: a profile has its own `http` for that."""

    @pytest.fixture
    def nightly(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> Nightly:
        """A profile whose token comes from this URL."""
        monkeypatch.setenv("REQUESTS_AUTH_STORE", "memory:")

        def nightly(token_url: str, more: str = "") -> requests.auth.AuthBase:
            text = (
                '[profiles.work]\nflow = "client-credentials"\nclient_id = "nightly"\nclient_secret = "s"\n'
            )
            return profile(
                "work", file=profiles_file.written(home, f'{text}token_url = "{token_url}"\n{more}')
            )

        return nightly

    @pytest.mark.parametrize("believes", [True, False])
    def test_verify(
        self, session: requests.Session, authority: Authority, nightly: Nightly, believes: bool
    ) -> None:
        """Whom the session believes, or that it believes anybody, makes no provider believed."""
        session.verify = str(authority.certificate) if believes else False
        with provider(authority) as login:
            session.auth = nightly(login.url)
            with pytest.raises(ProviderUnavailable, match="CERTIFICATE_VERIFY_FAILED"):
                session.get("https://127.0.0.1:1/", timeout=10)

    def test_cert(self, session: requests.Session, authority: Authority, nightly: Nightly) -> None:
        """The session's certificate is not shown to it."""
        cert, key = authority.issued("ada")
        session.cert = (str(cert), str(key))
        with provider(authority, clients=authority) as login:
            session.auth = nightly(login.url, f'http.ca_bundle = "{authority.certificate}"')
            with pytest.raises(ProviderUnavailable):
                session.get("https://127.0.0.1:1/", timeout=10)
            assert login.clients == []

    def test_proxies(
        self,
        session: requests.Session,
        api: ProtectedApi,
        authority: Authority,
        nightly: Nightly,
        gate: Proxy,
    ) -> None:
        """The session's proxy for https is not the way to it."""
        api.tokens, session.proxies = {"t"}, {"https": f"http://{gate.host}"}
        with provider(authority) as login:
            session.auth = nightly(login.url, f'http.ca_bundle = "{authority.certificate}"')
            assert session.get(f"{api.url}/me", timeout=10).status_code == 200
        assert (gate.targets, len(login.clients)) == ([], 1)

    def test_all_the_rest(self, session: requests.Session, nightly: Nightly) -> None:
        """Neither headers, cookies, parameters nor hooks of the session have a part in its call."""
        seen: list[str] = []
        session.headers["X-Mine"] = "1"
        session.params = {"mine": "1"}
        session.cookies.set("mine", "1", domain="127.0.0.1", path="/")
        session.hooks["response"].append(lambda response, **_: seen.append(response.url))
        with AuthorizationServer() as server, ProtectedApi(server) as api:
            server.clients["nightly"] = Client(secret="s")
            session.auth = nightly(f"{server.issuer}/token")
            assert session.get(f"{api.url}/me", timeout=10).status_code == 200
        asked = server.requests[0]
        assert (asked.query, {"X-Mine", "Cookie"} & set(asked.headers)) == ("", set())
        assert (seen, len(server.requests)) == ([f"{api.url}/me?mine=1"], 1)
